"""Another future: the same companies until an instant, and after it other facts than there were."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from bot.model import NEW_YORK
from bot.trades import DAY, DTYPES, INSTANT, TEXT

Facts = npt.NDArray[np.int64]
"""Rows of a rewriting: labels of events as they are, label n of the bars as -1 - n."""

OPEN: Final = pd.Timedelta(hours=9, minutes=30)  # New York, when the open of a day's bar is known
CLOSE: Final = pd.Timedelta(hours=16)  # and the rest of it
# What is told together is exchanged together.
BLOCKS: Final = (
    ("issuer_cik", "issuer", "symbol", "symbols"),
    ("owner_cik", "owner", "title", "is_officer", "is_director", "is_ten_percent", "role", "ownership"),
    ("code", "acquired", "side", "security", "is_derivative", "plan_10b5_1", "exercised"),
    ("shares", "price", "value", "currency"),
    ("held_before", "shares_after", "basis"),
    ("traded_on", "filed_on"),
    ("quarantine",),
)
NUMBERS: Final = ("shares", "price", "value", "held_before", "shares_after", "exercised")
WEEKS: Final = 20.0  # days: about so long after the instant a rewritten fact is known
NAMED: Final = ("event_key", "symbol", "owner", "known_at")
SHOWN: Final = (
    *("form", "symbol", "owner", "role", "is_officer", "code", "side", "traded_on", "filed_on", "known_at"),
    *("shares", "price", "value", "held_before", "shares_after", "exercised", "plan_10b5_1", "quarantine"),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Versions of events and bars of some companies, whose rows have labels, and the instant that divides them."""

    events: pd.DataFrame
    bars: pd.DataFrame
    at: pd.Timestamp


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What is told otherwise after the instant: rows by label, added ones too; a fact without a row is left out."""

    facts: Facts
    events: pd.DataFrame
    bars: pd.DataFrame

    def applied(self, scene: Scene, facts: Facts) -> Scene:
        """The scene with these of the facts."""
        return Scene(
            _applied(scene.events, self.events, facts[facts >= 0]),
            _applied(scene.bars, self.bars, -1 - facts[facts < 0]),
            scene.at,
        )

    def told(self, scene: Scene, fact: int) -> str:
        """What was changed, in words."""
        if fact >= 0:
            return _told(scene.events, self.events, fact, NAMED, SHOWN)
        return _told(scene.bars, self.bars, -1 - fact, ("symbol", "date"), tuple(scene.bars.columns))


def rewritten(scene: Scene, rng: np.random.Generator) -> Rewriting:
    """Other facts after the instant of a scene: a fifth of the rows as they are, a fifth left out, the others changed.

    And rows are added, half as many as there are: half of them news of the same people and companies, half of them
    amendments of events that are there, known or not. Bars are changed where the day was not over.
    """
    events, late = scene.events, np.flatnonzero(scene.events["known_at"] > scene.at)
    fate = rng.random(len(late))
    changed, gone = late[fate < 0.6], late[fate >= 0.8]
    copied = rng.integers(len(events), size=len(late) // 2 + 1)
    made = _otherwise(scene, np.concatenate([changed, copied]), rng)
    made.index = pd.Index(np.concatenate([changed, len(events) + np.arange(len(copied))]))
    _add(made, len(copied), rng)
    bars, days = _other_bars(scene, rng)
    facts = np.concatenate([made.index.to_numpy(), gone, -1 - days])
    return Rewriting(rng.permutation(facts).astype(np.int64), made, bars)


def _otherwise(scene: Scene, rows: npt.NDArray[np.intp], rng: np.random.Generator) -> pd.DataFrame:
    """These rows with some blocks of other rows in place of their own, other numbers, and other instants after `at`."""
    events, count = scene.events, len(rows)
    made = events.take(rows).reset_index(drop=True)
    for block in BLOCKS:
        taken = np.where(rng.random(count) < 0.4, rng.integers(len(events), size=count), rows)
        made[[*block]] = events[[*block]].take(taken).reset_index(drop=True)
    size = (count, len(NUMBERS))
    scales = np.where(rng.random(size) < 0.3, 3 * rng.standard_normal(size), 0.0)
    made[[*NUMBERS]] = made[[*NUMBERS]].to_numpy() * np.exp(scales)
    later = _after(scene.at, rng.exponential(WEEKS, count))
    made["known_at"] = made["known_at"].where((made["known_at"] > scene.at) & (rng.random(count) < 0.5), later)
    day = scene.at.tz_convert(NEW_YORK).normalize().tz_localize(None)
    earlier = day + pd.to_timedelta(np.round(rng.normal(0, 2 * WEEKS, count)), unit="D")
    made["traded_on"] = made["traded_on"].where(rng.random(count) < 0.5, pd.Series(earlier).astype(DTYPES[DAY]))
    return made


def _after(at: pd.Timestamp, days: npt.NDArray[np.float64]) -> "pd.Series[Any]":
    microseconds = np.round(days * 86_400e6).astype(np.int64) + 1
    return (at + pd.Series(pd.to_timedelta(microseconds, unit="us"))).astype(DTYPES[INSTANT])


def _add(made: pd.DataFrame, count: int, rng: np.random.Generator) -> None:
    """Make the last rows news, under names of their own, or amendments, under the name of what they amend."""
    added = made.index[len(made) - count :]
    amends = rng.random(count) < 0.5
    names = pd.Series([f"added-{label}" for label in added], index=added, dtype=TEXT)
    made.loc[added, "event_key"] = names.where(~amends, made.loc[added, "event_key"])
    made.loc[added[amends], "form"] = "4/A"


def _other_bars(scene: Scene, rng: np.random.Generator) -> tuple[pd.DataFrame, npt.NDArray[np.intp]]:
    """Bars that were not known yet, with other prices and volumes, and all that are concerned, those left out, too.

    An open that was known stays.
    """
    bars, local = scene.bars, scene.at.tz_convert(NEW_YORK).tz_localize(None)
    if bars.empty:
        return bars, np.empty(0, dtype=np.intp)
    late = np.flatnonzero(pd.DatetimeIndex(bars["date"]) + CLOSE > local)
    kept = late[rng.random(len(late)) < 0.9]
    scales = np.exp(rng.standard_normal(len(kept)))
    made = bars.take(kept)
    opened = pd.DatetimeIndex(made["date"]) + OPEN <= local
    powers = {"open": np.where(opened, 0, 1), "close": 1, "market_cap": 1, "volume": -1}
    return made.assign(**{name: made[name] * scales**power for name, power in powers.items() if name in made}), late


def _applied(table: pd.DataFrame, rewritten: pd.DataFrame, labels: Facts) -> pd.DataFrame:
    kept = table.loc[~table.index.isin(labels)]
    new = rewritten.loc[rewritten.index.isin(labels)]
    return pd.concat([kept, new]).sort_index() if len(new) else kept


def _told(before: pd.DataFrame, after: pd.DataFrame, label: int, named: tuple[str, ...], shown: tuple[str, ...]) -> str:
    """A row that is left out, added or changed, and what has changed in it."""
    old, new = (dict(table.loc[label]) if label in table.index else {} for table in (before, after))
    if not new:
        return f"without {_named(old, named)}"
    if not old:
        return f"with {_named(new, named)}: {', '.join(f'{column} {_text(new[column])}' for column in shown)}"
    texts = [(column, _text(old[column]), _text(new[column])) for column in shown]
    differences = [f"{column} {was} -> {becomes}" for column, was, becomes in texts if was != becomes]
    return f"with another {_named(old, named)}: {', '.join(differences)}"


def _named(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return " ".join(_text(row[name]) for name in names)


def _text(cell: Any) -> str:
    if isinstance(cell, pd.Timestamp):
        return f"{cell:%Y-%m-%d}" if cell.tz is None else f"{cell:%Y-%m-%d %H:%M} UTC"
    return "nothing" if pd.isna(cell) else f"{cell:.10g}" if isinstance(cell, float) else str(cell)
