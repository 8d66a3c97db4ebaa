"""Whether a strategy looks ahead: what became known later is changed, and nothing said before may change with it.

For an instant, everything of some companies that became known after it is told otherwise: filings are left out, added
and amended, with other facts and numbers, and so are the bars of days that were not over. A decision, rule, reason or
feature of an event known by then that differs by as much as its last bit has looked ahead.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, Final

import numpy as np
import pandas as pd

from bot.errors import BotError, ConfigError
from bot.events import EXTRA, LINKS, as_table, with_verdicts
from bot.history import HISTORY_FROM, with_past
from bot.ports import Strategy
from bot.research.rewriting import Facts, Rewriting, Scene, rewritten
from bot.trades import COLUMNS

Make = Callable[[pd.DataFrame], Strategy]
"""Daily figures (symbol, date, and of open, close, volume, market_cap what there is) in, the strategy over them out."""

GIVEN: Final = frozenset({*COLUMNS, *EXTRA, *LINKS})
AROUND: Final = pd.Timedelta(days=45)  # companies with news so near to an instant are looked at
ROWS: Final = 400  # about so many at each instant
TRIES: Final = 4  # times as many instants are drawn: after some of them nothing is left that matters


class TooShortError(BotError):
    """After too few instants of the history anything comes that matters to the strategy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A decision that changed with what became known later: which one, in what, and the later fact that did it."""

    event_key: str
    symbol: str | None
    owner: str | None
    known_at: datetime
    instant: datetime
    rule: str
    changed: str
    before: Any
    after: Any
    later: tuple[str, ...]

    def __str__(self) -> str:
        """The finding in one sentence."""
        who = f"{self.event_key} ({self.symbol or 'no ticker'}, {self.owner}, known {self.known_at:%Y-%m-%d %H:%M} UTC)"
        what = f"{self.changed} of {who} was {self.before!r} and becomes {self.after!r}"
        return f"{what} with what is known only after {self.instant:%Y-%m-%d %H:%M} UTC: {'; '.join(self.later)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """At how many instants later facts were changed that mattered to later decisions, and how much was compared."""

    instants: int = 0
    rewritten: int = 0
    compared: int = 0
    leak: Leak | None = None


def check(
    make: Make,
    history: pd.DataFrame,
    bars: pd.DataFrame | None = None,
    *,
    instants: int,
    seed: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """What was found at so many random instants of a history (an events table), up to the first leak.

    An instant counts only if what was changed after it matters: some later decision is another one. Every second one is
    decided as of that instant, the others as each row became known. BotError when too few instants count.
    """
    rng = np.random.default_rng(seed)
    past = _Past(history, pd.DataFrame(columns=["symbol", "date"]) if bars is None else bars)
    tellings, counted, facts, compared = count(), 0, 0, 0
    for tried in range(TRIES * instants):
        scene = past.scene(rng)
        trial = _Trial(make, scene, rewritten(scene, rng), None if tried % 2 else scene.at, tellings)
        if trial.leaks or trial.matters:
            counted += 1
            facts += len(trial.rewriting.facts)
            compared += len(trial.early)
            progress(counted)
        if trial.leaks or counted == instants:
            leak = trial.leak() if trial.leaks else None
            return Report(instants=counted, rewritten=facts, compared=compared, leak=leak)
    raise TooShortError(
        f"only {counted} of {instants} instants were followed by something that matters to the strategy:"
        " give it a longer history"
    )


class _Past:
    """A history by instant and by company, and its bars by symbol."""

    def __init__(self, history: pd.DataFrame, bars: pd.DataFrame) -> None:
        self._events = history
        self._known = history["known_at"]
        self._begins = history["known_at"].min().isoformat()
        self._companies = history.groupby("issuer_id").indices
        self._bars = bars
        self._symbols = bars.groupby("symbol").indices if len(bars) else {}

    def scene(self, rng: np.random.Generator) -> Scene:
        """A random instant at which something became known, and companies with news around it, one of them at it."""
        times = self._known.dropna()
        at = times.iloc[rng.integers(len(times))]
        near = self._events.loc[(self._known - at).abs() <= AROUND, "issuer_id"]
        at_it = self._events.loc[self._known == at, "issuer_id"].unique()
        others = rng.permutation(near[~near.isin(at_it)].unique())
        companies = [self._companies[company] for company in [*at_it, *others]]
        enough = np.cumsum([len(rows) for rows in companies]).searchsorted(ROWS) + 1
        events = self._events.take(np.sort(np.concatenate(companies[:enough]))).reset_index(drop=True)
        events.attrs[HISTORY_FROM] = self._begins
        return Scene(events, self._of(events["symbol"].dropna().unique()), at)

    def _of(self, symbols: Iterable[str]) -> pd.DataFrame:
        """All their bars: nobody knows how far a strategy looks."""
        rows = [self._symbols[symbol] for symbol in symbols if symbol in self._symbols]
        return self._bars.take(np.sort(np.concatenate(rows)) if rows else []).reset_index(drop=True)


class _Trial:
    """What a strategy says of a scene, and what it says where the scene goes on in another way."""

    def __init__(
        self, make: Make, scene: Scene, rewriting: Rewriting, as_of: datetime | None, tellings: Iterator[int]
    ) -> None:
        self._make, self._scene, self._as_of, self._tellings = make, scene, as_of, tellings
        self.rewriting = rewriting
        known = scene.events["known_at"]
        self.early = known.index[known <= scene.at]
        self._said = self._told(scene.events.index[:0].to_numpy())
        self._other = self._told(rewriting.facts)
        self.leaks = bool(_different(self._said, self._other, self.early).any(axis=None))
        both = known.index[known > scene.at].intersection(self._other.index)
        self.matters = bool(_different(self._said, self._other, both).any(axis=None))

    def leak(self) -> Leak:
        """The last decision that changed, in the first of its columns that did, and the least that changes it."""
        events, different = self._scene.events, _different(self._said, self._other, self.early)
        label: Any = events["known_at"][different.index[different.any(axis=1)]].idxmax()
        changed = str(different.columns[different.loc[label]][0])
        facts = self._least(label, changed)
        event: dict[str, Any] = events.loc[label].to_dict()
        before, after = (said.loc[label].to_dict() for said in (self._said, self._told(facts)))
        return Leak(
            event_key=event["event_key"],
            symbol=None if pd.isna(event["symbol"]) else event["symbol"],
            owner=None if pd.isna(event["owner"]) else event["owner"],
            known_at=event["known_at"].to_pydatetime(),
            instant=self._scene.at.to_pydatetime(),
            rule=before["rule"],
            changed=changed,
            before=before[changed],
            after=after[changed],
            later=tuple(self.rewriting.told(self._scene, fact) for fact in facts.tolist()),
        )

    def _least(self, label: int, changed: str) -> Facts:
        """Facts of which each is needed to change this cell, mostly a single one."""
        facts = self.rewriting.facts
        while len(facts) > 1:
            halves = np.array_split(facts, 2)
            enough = next((half for half in halves if self._changes(half, label, changed)), None)
            if enough is None:
                break
            facts = enough
        for fact in facts if len(facts) > 1 else ():
            rest = facts[facts != fact]
            facts = rest if self._changes(rest, label, changed) else facts
        return facts

    def _changes(self, facts: Facts, label: int, changed: str) -> bool:
        cell = _different(self._said[[changed]], self._told(facts)[[changed]], pd.Index([label]))
        return bool(cell.any(axis=None))

    def _told(self, facts: Facts) -> pd.DataFrame:
        """What the strategy adds to the events of the scene with these facts, by their labels."""
        scene = self.rewriting.applied(self._scene, facts)
        # Under other keys each time, so that who remembers an answer by a key is not taken at their word.
        telling = f"~{next(self._tellings)}"
        keys = {name: scene.events[name] + telling for name in ("event_key", "key")}
        events = with_past(scene.events.assign(**keys), as_table([]))
        judged = with_verdicts(self._make(scene.bars)(events, self._as_of))
        if not judged.index.sort_values().equals(events.index):
            raise ConfigError("the strategy must return every row that it was given, under its label in the index")
        return judged[[name for name in judged if name not in GIVEN]]


def _different(one: pd.DataFrame, other: pd.DataFrame, labels: "pd.Index[Any]") -> pd.DataFrame:
    """Which cells of these rows differ; unknown is the same as unknown."""
    columns = one.columns.intersection(other.columns, sort=False)
    one, other = one.loc[labels, columns], other.loc[labels, columns]
    return (one.astype(object) != other.astype(object)) & ~(one.isna() & other.isna())
