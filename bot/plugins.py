"""From a name in the settings to a part: an entry point (`finviz`, `files:PATH`) or your own `module:factory`."""

import difflib
import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bot.errors import ConfigError, blamed
from bot.http import Http
from bot.ports import Clock, Memory, PaperBook, Prices
from bot.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

Table = Literal["bars", "sizes"]
Kind = Literal["sources", "strategies", "brokers", "prices", "rates", "bars", "sizes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a factory may build its part from.

    `argument` is what stood behind the name (`files:PATH` -> PATH), `figures` are used instead of what the settings
    name.
    """

    settings: Settings
    clock: Clock
    http: Http
    argument: str = ""
    figures: "Mapping[Table, pd.DataFrame]" = field(default_factory=dict)
    prices: Prices | None = None
    book: PaperBook | None = None
    memory: Memory | None = None

    def part(self, kind: Kind, spec: str, **more: Any) -> Any:
        """The part a setting names, built from this kit and what only its kind may use."""
        factory, argument = find(kind, spec)
        with blamed(repr(spec)):
            try:
                return factory(replace(self, argument=argument, **more))
            except TypeError as error:
                if error.__traceback__ and error.__traceback__.tb_next:  # a bug inside of it
                    raise
                raise ConfigError(
                    f"{spec!r} is no factory: write a function that takes a Kit and returns the part"
                ) from None


Factory = Callable[[Kit], Any]


def find(kind: Kind, spec: str) -> tuple[Factory, str]:
    """The factory a setting names and the argument for it; ConfigError with a suggestion when there is none."""
    factory, argument = named(kind, spec, "factory")
    if not callable(factory):
        raise ConfigError(f"{spec!r} is not a factory: write a function that takes a Kit and returns the part")
    return factory, argument


def named(kind: str, spec: str, thing: str) -> tuple[Any, str]:
    """What an entry point of this kind, or a module, has under this name, and what stood behind an entry point's.

    ConfigError says what there is, and that one's own is written module:`thing`.
    """
    name, _, argument = spec.partition(":")
    known = installed(kind)
    if name in known:
        return known[name](), argument
    if argument and all(part.isidentifier() for part in name.split(".")):
        return _imported(spec, name, argument), ""
    close = difflib.get_close_matches(name, known, n=1)
    choices = f"choose from {', '.join(sorted(known))} or " if known else ""
    hint = f"did you mean {close[0]}?" if close else f"{choices}write module:{thing}"
    raise ConfigError(f"there is no {name!r} among the {kind}; {hint}")


def installed(kind: str) -> dict[str, Callable[[], Any]]:
    """What is installed of this kind, by name; each is loaded when it is called."""
    return {entry.name: entry.load for entry in entry_points(group=f"insiderbot.{kind}")}


def daily_figures(kit: Kit, table: Table) -> "pd.DataFrame":
    """The table of daily figures of the kit, or that a setting names; ConfigError with what to write when none is."""
    if table in kit.figures:
        return kit.figures[table]
    spec: str = getattr(kit.settings, table)
    if not spec:
        raise ConfigError(
            f"the strategy needs {table}, and BOT_{table.upper()} is empty:"
            f" write BOT_{table.upper()}=files:PATH, a CSV or Parquet file"
        )
    figures: pd.DataFrame = kit.part(table, spec)
    return figures


def _imported(spec: str, module: str, attribute: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:  # a user's own file lies where they start the bot, like with `python -m`
        sys.path.insert(0, here)
    try:
        with blamed(repr(spec)):
            found = importlib.import_module(module)
        return getattr(found, attribute)
    except AttributeError as error:
        raise ConfigError(f"{spec!r} cannot be loaded: {error}") from error
    except ConfigError as error:
        if isinstance(error.__cause__, ImportError | SyntaxError):
            raise ConfigError(f"{spec!r} cannot be loaded: {error.__cause__}") from error.__cause__
        raise
