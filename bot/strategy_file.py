"""A strategy as a TOML file: a name, rules with their parameters, in the order in which they are asked, size and exits.

    name = "clusters_of_officers"
    exit_after = 60
    [[rules]]
    rule = "more_than"
    share = "1%"
    [[rules]]
    any_of = [{rule = "clustered", owners = 3}, {not = {rule = "worth", least = 50000}}]

A rule is one that is installed (entry points in the group `insiderbot.rules`), or your own `module:rule`; it is a
`Rule`, or a function whose parameters, their types and its docstring are what the file may say of it.
"""

import difflib
import inspect
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PydanticUserError, ValidationError, create_model
from pydantic.json_schema import models_json_schema

from bot.errors import ConfigError
from bot.own import SPEC
from bot.plugins import Kit, daily_figures, installed, named
from bot.sessions import Sessions
from bot.settings import PREFIX, Days, Money, OwnFunction, Settings, SizingName, Stop
from strategies.composed import all_of, any_of, not_
from strategies.rules import Rule, Stack, follow

SEVERAL: Final = {"any_of": any_of, "all_of": all_of}
COMPOSED: Final = (*SEVERAL, "not")
TABLES: Final = ("bars", "sizes")  # parameters that no file holds: the settings name them
STRICT: Final = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=(), allow_inf_nan=False)
DEEPEST: Final = 20
OWN: Final = "Value error, "  # before a sentence of a validator of ours


def _exact(number: Any) -> Any:
    """A number as it is written, for a decimal."""
    return str(number) if isinstance(number, int | float) and not isinstance(number, bool) else number


def _as_in_the_settings(name: str) -> Any:
    return Field(None, description=f"{Settings.model_fields[name].description} (otherwise {PREFIX}{name.upper()})")


class Layout(BaseModel):
    """What a strategy file consists of."""

    model_config = STRICT

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Part of the identity of every decision")
    rules: list[Any] = Field(description="What every event must pass, in this order")
    sizing: SizingName | None = _as_in_the_settings("sizing")
    notional: Annotated[Money, BeforeValidator(_exact)] | None = _as_in_the_settings("notional")
    exit_after: Days | None = _as_in_the_settings("exit_after")
    stop: Annotated[Stop, BeforeValidator(_exact)] | None = _as_in_the_settings("stop")
    exit_when: OwnFunction | None = _as_in_the_settings("exit_when")


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyFile:
    """What a strategy file says, and its text.

    `trading` are the settings that it says itself, by their names; `modules` those that its rules stand in.
    """

    name: str
    strategy: Stack
    trading: Mapping[str, Any]
    modules: frozenset[str]
    text: str


class Place(NamedTuple):
    """Where in which file something is said, as a sentence begins with it."""

    file: Path
    steps: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join([str(self.file), *self.steps])

    def at(self, step: str) -> "Place":
        """A place within this one."""
        return Place(self.file, (*self.steps, step))


def read(path: Path, kit: Kit) -> StrategyFile:
    """The strategy in a file; ConfigError names the place of whatever is unknown or of a wrong type."""
    place = Place(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        layout = Layout.model_validate(tomllib.loads(text))
    except OSError as error:
        raise ConfigError(f"BOT_STRATEGY_FILE: {path} cannot be read ({type(error).__name__})") from None
    except ValidationError as error:
        raise ConfigError(f"{place}: {_sentence(error, Layout)}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    trading = layout.model_dump(exclude={"name", "rules"}, exclude_unset=True)
    for name in trading:
        if getattr(kit.settings, name) != Settings.model_fields[name].default:
            raise ConfigError(f"{place} says {name}, and so does {PREFIX}{name.upper()}: leave one of them out")
    maker = _Maker(kit)
    strategy = follow(*maker.rules(layout.rules, place, "rules"))
    return StrategyFile(
        name=layout.name, strategy=strategy, trading=trading, modules=frozenset(maker.modules), text=text
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of a strategy file, with every rule that is installed, for editors that complete and check."""
    forms = {name: form(name, load()) for name, load in sorted(installed("rules").items())}
    rules = models_json_schema([(made, "validation") for made in forms.values()])[1]["$defs"]
    own = {
        "properties": {"rule": {"pattern": f"^{SPEC.pattern}$"}},
        "required": ["rule"],
    }
    rule = {"$ref": "#/$defs/rule"}
    composed = {name: {"type": "array", "items": rule, "minItems": 1} for name in SEVERAL} | {"not": rule}
    forms_of_rules = [{"$ref": f"#/$defs/{name}"} for name in forms]
    whole = Layout.model_json_schema()
    whole["properties"]["rules"] |= {"items": rule, "minItems": 1}
    whole["$defs"] = {
        **rules,
        "rule": {"anyOf": [*forms_of_rules, *(_composed(name, of) for name, of in composed.items()), own]},
    }
    return whole


def form(name: str, rule: Any) -> type[BaseModel]:
    """What a file may say of a rule: its parameters, with the types and defaults of the function that makes it."""
    about = inspect.getdoc(rule) if callable(rule) else None
    try:
        parameters = inspect.signature(rule, eval_str=True).parameters if callable(rule) else {}
        fields: dict[str, Any] = {key: _field(parameter) for key, parameter in parameters.items() if key not in TABLES}
        named_so: Any = (Literal[name], ...)
        return create_model(name, __config__=STRICT, __doc__=about, **{"rule": named_so, **fields})
    except (PydanticUserError, NameError) as error:
        problem = str(error).splitlines()[0]
        raise ConfigError(f"the rule {name} has parameters that no file can hold ({problem})") from None


def _composed(name: str, of: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: of, "name": {"type": "string"}}
    return {"type": "object", "properties": properties, "required": [name], "additionalProperties": False}


def _field(parameter: inspect.Parameter) -> tuple[Any, Any]:
    unknown = parameter.annotation is parameter.empty
    kind = str if parameter.name == "venue" else Any if unknown else parameter.annotation
    return kind, ... if parameter.default is parameter.empty else parameter.default


class _Maker:
    """Makes rules of what a file says of them, and of the settings where it says nothing."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.modules = set[str]()

    @cached_property
    def bars(self) -> pd.DataFrame:
        return daily_figures(self._kit, "bars")

    @cached_property
    def sizes(self) -> pd.DataFrame:
        return daily_figures(self._kit, "sizes")

    @property
    def venue(self) -> str:
        return self._kit.settings.venue

    def rules(self, said: Any, place: Place, step: str) -> list[Rule]:
        """The rules in a list, each told by its number."""
        if not isinstance(said, Sequence) or isinstance(said, str) or not said:
            raise ConfigError(f'{place} needs a list of rules: write {step} = [{{rule = "open_market"}}]')
        return [self.rule(one, place.at(f"{step.removesuffix('s')} {number}")) for number, one in enumerate(said, 1)]

    def rule(self, said: Any, place: Place) -> Rule:
        """One rule, or a rule made of rules."""
        if len(place.steps) > DEEPEST:
            raise ConfigError(f"{place}: there are too many rules within rules")
        kinds = [kind for kind in ("rule", *COMPOSED) if isinstance(said, Mapping) and kind in said]
        if len(kinds) != 1:
            said_so = said if isinstance(said, Mapping) and not kinds else ()
            close = [name for key in said_so for name in difflib.get_close_matches(key, ("rule", *COMPOSED), n=1)]
            hint = f"did you mean {close[0]}?" if close else f"found {_short(said)}"
            raise ConfigError(f"{place}: write one of rule, {', '.join(COMPOSED)} ({hint})")
        if kinds == ["rule"]:
            return self._named(said, place)
        kind, name = kinds[0], said.get("name")
        if further := [key for key in said if key not in {kind, "name"}]:
            raise ConfigError(f"{place}: {further[0]!r} does not go with {kind}; only a name does")
        if name is not None and not isinstance(name, str):
            raise ConfigError(f"{place}: the name must be text (found {_short(name)})")
        if kind == "not":
            return not_(self.rule(said[kind], place.at(kind)), name=name)
        return SEVERAL[kind](*self.rules(said[kind], place, kind), name=name)

    def _named(self, said: Mapping[str, Any], place: Place) -> Rule:
        name = said["rule"]
        if not isinstance(name, str):
            raise ConfigError(f"{place}: the rule's name must be text (found {_short(name)})")
        try:
            found, further = named("rules", name, "rule")
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}") from None
        self.modules |= {name.partition(":")[0], getattr(found, "__module__", "")}
        place = place.at(name)
        if further:
            raise ConfigError(f"{place}: write {name.partition(':')[0]!r}, and its parameters beside it")
        try:
            model = form(name, found)
            values = model.model_validate(said)
            made = self._called(found, values) if callable(found) else found
        except ValidationError as error:
            raise ConfigError(f"{place}: {_sentence(error, model)}") from None
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}") from None
        if not isinstance(made, Rule):
            raise ConfigError(f"{place}: this is neither a Rule nor a function that returns one")
        return made if made.asked else replace(made, asked=values.model_dump(exclude={"rule"}))

    def _called(self, make: Callable[..., Any], values: BaseModel) -> Any:
        """What the function makes of the values that are written, and of those that only the settings know."""
        written = {key: getattr(values, key) for key in values.model_fields_set - {"rule"}}
        if "venue" in written:
            Sessions(written["venue"]).look_up()  # now, as its place in the file is known
        wanted = {"venue", *TABLES} & inspect.signature(make).parameters.keys() - written.keys()
        return make(**written, **{key: getattr(self, key) for key in wanted})


def _sentence(error: ValidationError, model: type[BaseModel]) -> str:
    """What is wrong with what is written for this model, in one sentence."""
    found = error.errors(include_url=False, include_context=False)
    problems = sorted(found, key=lambda problem: problem["type"] != "extra_forbidden")  # a typo is also a missing name
    first, name = problems[0], str(problems[0]["loc"][0])
    known = [key for key in model.model_fields if key != "rule"]
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there is {', '.join(known) or 'nothing'}"
        return f"{name!r} is not known here; {hint}"
    if first["type"] == "missing":
        return f"{name} is missing"
    said = dict.fromkeys(
        problem["msg"] for problem in problems if problem["loc"][0] == name and problem["type"] != "is_instance_of"
    )
    wanted = " or ".join(text.removeprefix("Input should be ").removeprefix("String should ") for text in said)
    should = f" should {'' if wanted.startswith('match') else 'be '}{wanted or 'a number'}"
    return f"{name}{f': {wanted[len(OWN) :]}' if wanted.startswith(OWN) else should} (found {_short(first['input'])})"


def _short(found: Any) -> str:
    return repr(found)[:60]
