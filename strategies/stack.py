"""What a rule is, and a strategy that stacks rules up: the first that refuses an event says why."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from bot.errors import ConfigError, blamed
from bot.events import EXTRA, LINKS, VERDICT
from bot.model import Reach
from bot.trades import COLUMNS
from strategies.features import Feature, reach_of
from strategies.texts import Places, Said, gathered, strings
from strategies.words import Case, columns_of, joined, shown, written

TAKEN: Final = frozenset({*COLUMNS, *EXTRA, *LINKS, *VERDICT})
CODES: Final = {
    "A": "an award",
    "C": "a conversion",
    "D": "a disposition to the issuer",
    "F": "shares withheld for tax",
    "G": "a gift",
    "M": "an option exercise",
    "X": "an option exercise",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A test every event must pass: `passes` decides all rows at once, `words` say it, passed or not.

    Words are one sentence with fields, or a function that yields sentences with the rows they are for (words.py); a row
    that falls under none, or under an empty one, because the test does not concern it, passes without words.
    A row is unknown to the rule, and refused also by its contrary (`not_`), where a feature or one of the columns in
    `needs` is missing. For each event is shown what its features and sentence are, and the columns that it `needs` and
    `reads`, its thresholds by name, as `asked`, and the `parts`, rules that it is made of.
    """

    name: str
    passes: Callable[[pd.DataFrame], "pd.Series[bool]"]
    words: str | Callable[[pd.DataFrame], Iterable[Case]]
    features: Mapping[str, Feature] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)
    parts: "tuple[Rule, ...]" = ()

    def __post_init__(self) -> None:
        name, words = cast("tuple[Any, Any]", (self.name, self.words))  # who writes rules may check no types
        if not (isinstance(name, str) and name.strip() and name.isprintable()):
            raise ConfigError(f"a rule needs a name that can be printed on a line (found {name!r})")
        if isinstance(words, str):
            columns_of(words)
        elif not callable(words):
            raise ConfigError(f"the words of {self.name} are neither a sentence nor a function that yields sentences")
        _check_rules(self.parts)

    def cases(self, table: pd.DataFrame) -> Iterable[Case]:
        """The rule's sentences with the rows of the table that they are for."""
        if isinstance(self.words, str):
            return [(True, self.words)]
        with blamed(f"the rule {self.name}"):
            found: Any = self.words(table)
        if isinstance(found, str) or not isinstance(found, Iterable):
            raise ConfigError(f"the words of {self.name} must yield conditions with sentences (found {found!r})")
        return self._each(found)

    def _each(self, cases: Iterable[Case]) -> Iterator[Case]:
        with blamed(f"the rule {self.name}"):
            yield from cases

    def said(self, table: pd.DataFrame, rows: Places) -> Iterator[Said]:
        """What the rule says of these rows of the table; rows it says nothing of are left out."""
        return written(table, self.cases(table), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one rule says of one event, the values it looked at, and its thresholds.

    The `inputs` are its features, and what its sentence shows, in plain Python, days as dates, None where one is
    missing. A rule that is made of others has theirs in `parts`.
    """

    name: str
    passed: bool
    words: str
    inputs: Mapping[str, Any]
    asked: Mapping[str, Any]
    parts: "tuple[Check, ...]" = ()


@dataclass(frozen=True, slots=True)
class Stack:
    """A strategy that follows the events which pass every one of its rules.

    It returns the events with each rule's features as columns, and `decision` (buy, sell or skip), `rule` (the first
    that refused, empty for none) and `reason` in words. What passes and is neither bought nor sold on the open market
    cannot be followed, and is refused as by `open_market`. ConfigError when two rules call different features by one
    name, a feature has the name of a column, or a rule or feature does not give each event its own answer.
    """

    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        _check_rules(self.rules)
        features_of(self.rules)

    @property
    def reach(self) -> Reach:
        """How far back it looks."""
        return reach_of(features_of(self.rules).values())

    def __call__(self, events: pd.DataFrame, as_of: datetime | None = None) -> pd.DataFrame:
        """Every event with its verdict, as of an instant; without one, each as it became known."""
        rules, table = (*self.rules, open_market), self._with_features(events, as_of)
        left = np.ones(len(table), dtype=bool)
        # The place of the first rule that refuses a row; one past the last rule when none does.
        first = np.full(len(table), len(rules), dtype=np.intp)
        reasons: list[Said] = []
        for place, rule in enumerate(rules):
            passes = passed(rule, table)
            refused = np.flatnonzero(left & ~passes)
            first[refused] = place
            reasons += rule.said(table, refused)
            left &= passes
        followed = np.flatnonzero(left)
        reasons += joined(table, (rule.cases(table) for rule in self.rules), followed)
        decision = np.full(len(table), 2, dtype=np.intp)
        decision[followed] = table["side"].array[followed] == "sell"  # who is followed has a side
        verdict = {
            "decision": strings(["buy", "sell", "skip"]).take(decision),
            "rule": strings([*(rule.name for rule in rules), ""]).take(first),
            "reason": gathered(reasons, len(table)),
        }
        return table.assign(**{name: pd.Series(words, table.index, copy=False) for name, words in verdict.items()})

    def checks(self, events: pd.DataFrame, as_of: datetime | None = None) -> list[tuple[Check, ...]]:
        """For each event what every rule says of it, in the rules' order, also after the first that refuses.

        Where the events have the features already, as those that were decided, these are taken as they are.
        """
        table = self._with_features(events, as_of, without=frozenset(map(str, events.columns)))
        return _of_each(self.rules, table)

    def _with_features(
        self, events: pd.DataFrame, as_of: datetime | None, without: frozenset[str] = frozenset()
    ) -> pd.DataFrame:
        features = ((name, feature) for name, feature in features_of(self.rules).items() if name not in without)
        return events.assign(**{name: _column(name, feature, events, as_of) for name, feature in features})


def follow(*rules: Rule) -> Stack:
    """A strategy that follows the events which pass every rule."""
    return Stack(rules)


def _of_each(rules: Iterable[Rule], table: pd.DataFrame) -> list[tuple[Check, ...]]:
    """What these rules say of each event."""
    return [*zip(*(_checks(rule, table) for rule in rules), strict=True)] or [()] * len(table)


def _checks(rule: Rule, table: pd.DataFrame) -> list[Check]:
    rows = np.arange(len(table))
    words = gathered([*rule.said(table, rows)], len(rows))
    read = [{*rule.features, *rule.needs, *rule.reads} for _ in rows]
    for columns, found in shown(rule.cases(table), rows):
        for row in found:
            read[row].update(columns)
    values = {name: table[name].tolist() for name in set().union(*read) if name in table}
    return [
        Check(
            name=rule.name,
            passed=bool(passes),
            words=text,
            inputs={name: _plain(values[name][row]) for name in sorted(read[row] & values.keys())},
            asked=rule.asked,
            parts=parts,
        )
        for row, passes, text, parts in zip(rows, passed(rule, table), words, _of_each(rule.parts, table), strict=True)
    ]


def _plain(value: Any) -> Any:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime() if value.tz else value.date()
    return value.item() if isinstance(value, np.generic) else value


def passed(rule: Rule, table: pd.DataFrame) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which rows pass; what is unknown does not."""
    with blamed(f"the rule {rule.name}"):
        try:
            found = rule.passes(table)
        except KeyError as error:
            missing = f"{error}, which is neither a column of the events nor one of its features"
            raise ConfigError(f"the rule {rule.name} looks at {missing}") from error
    if not (_is_of(table, found) and pd.api.types.is_bool_dtype(found)):
        raise ConfigError(f"the rule {rule.name} must say yes or no of each event, under the index of the events")
    return found.fillna(value=False).to_numpy(dtype=bool)


def _check_rules(given: tuple[Any, ...]) -> None:
    if odd := [each for each in given if not isinstance(each, Rule)]:
        name = getattr(odd[0], "__name__", None)
        hint = f"if {name} makes one, call it: {name}(...)" if name else f"found {type(odd[0]).__name__}"
        raise ConfigError(f"a strategy follows rules, one after the other; {hint}")


def _column(name: str, feature: Feature, events: pd.DataFrame, as_of: datetime | None) -> "pd.Series[float]":
    with blamed(f"the feature {name}"):
        found = feature(events, as_of)
        if events.empty and isinstance(found, pd.Series):
            found = found.astype("float64")  # pandas does not know of what kind nothing is
    if not (_is_of(events, found) and pd.api.types.is_numeric_dtype(found)):
        raise ConfigError(f"the feature {name} must give one number for each event, under the index of the events")
    return found


def _is_of(events: pd.DataFrame, found: Any) -> bool:
    """Whether it has a value for each of these rows, in their order: any other would be taken for another row's."""
    return isinstance(found, pd.Series) and found.index.equals(events.index)


def features_of(rules: Iterable[Rule]) -> dict[str, Feature]:
    """The features that these rules, and the parts they are made of, look at, by name."""
    features: dict[str, Feature] = {}
    for rule in rules:
        for name, feature in chain(rule.features.items(), features_of(rule.parts).items()):
            if features.setdefault(name, feature) != feature:
                raise ConfigError(f"two rules call different features {name!r}; give one of them another name")
            if name in TAKEN:
                raise ConfigError(f"the events have a column {name!r} already; give the feature another name")
    return features


def _open_market_words(events: pd.DataFrame) -> Iterator[Case]:
    yield events["side"].notna(), "an open-market {side:buy=purchase|=sale}"
    yield events["form"] == "144", "a notice of a proposed sale (Form {form}), not a trade"
    kinds = "|".join(f"{code}={kind}" for code, kind in CODES.items())
    yield (
        ~((events["code"] == "P") | (events["code"] == "S")),
        f"{{code:{kinds}|=a transaction}} (code {{code}}), not an open-market purchase or sale",
    )
    yield True, "a {code:P=purchase|=sale} (code {code}) that the filing itself says was not one on the open market"


open_market: Final = Rule(
    name="open_market",
    passes=lambda events: events["side"].notna(),
    words=_open_market_words,
    reads=("side", "code", "form"),
)
"""Only purchases (code P) and sales (code S) on the open market."""
