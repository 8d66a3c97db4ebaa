"""Whether a source shows as much as it usually does: what it has stopped showing is told, and not taken for calm.

A table is compared with what the same source has shown before: how many rows were filed on a business day, and how many
were shown at once. The most ever seen counts, because pages end somewhere, and end earlier on a busy day.
"""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from statistics import median_low
from typing import Any, Final

import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

from bot.model import NEW_YORK
from bot.ports import Memory
from bot.sessions import Sessions

CLOSES: Final = time(22)  # EDGAR, there; ownership filings keep their day until then
LONGEST: Final = timedelta(days=60)  # how far back days are looked at; 20 business days are 30 at most
DAYS: Final = 20  # what is usual follows from so many days
KEPT: Final = 30  # days that are remembered
FEWEST_DAYS: Final = 3  # from which on silence means something
ENOUGH_DAYS, ENOUGH_ROWS = 5, 20  # from which on a small number means something
PART: Final = 5  # less than a fifth of the usual is small
RARE: Final = 10  # one day in ten

Days = Mapping[date, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a source has shown so far: most rows filed on a business day, and most rows shown at once on a day."""

    filed: Days = field(default_factory=dict)
    shown: Days = field(default_factory=dict)

    @classmethod
    def of(cls, text: str | None) -> "History":
        """The history in a text; an empty one where it cannot be read, since it is learned again."""
        try:
            kept = json.loads(text or "{}")
            return cls(**{name: _days(kept.get(name, {})) for name in ("filed", "shown")})
        except (ValueError, AttributeError):
            return cls()

    def text(self) -> str:
        """The last days of the history in JSON."""
        kept = {"filed": self.filed, "shown": self.shown}
        return json.dumps({name: {str(day): days[day] for day in sorted(days)[-KEPT:]} for name, days in kept.items()})


class Freshness:
    """Compares tables with what their sources have shown before, which is kept in `memory`."""

    def __init__(self, memory: Memory, sessions: Sessions) -> None:
        self._memory = memory
        self._sessions = sessions

    def doubts(self, name: str, trades: pd.DataFrame, now: datetime) -> list[str]:
        """Why this table of the source of this name falls short of what is usual, in a sentence each; none if not."""
        kept = f"freshness:{name}"
        before = self._memory.get(kept)
        told = History.of(before)
        today = now.astimezone(NEW_YORK).date()
        counts = trades["filed_on"].value_counts()
        days = pd.DatetimeIndex(counts.index).date
        filed = {day: rows for day, rows in zip(days, counts.tolist(), strict=True) if day <= today}
        passed = business_days(self._sessions, now)
        after = learned(told, filed, len(trades), passed, today).text()
        if after != before:
            self._memory.put(kept, after)
        return [*silent_or_few(told, filed, passed), *shrunk(told, len(trades), today)]


def business_days(sessions: Sessions, now: datetime) -> list[date]:
    """The last days that are over, at 22:00 in New York, and on which filings came.

    They are New York's sessions without the federal holidays among them, on which EDGAR is closed.
    """
    there = now.astimezone(NEW_YORK)
    last = there.date() if there.time() >= CLOSES else there.date() - timedelta(days=1)
    days = (session.day for session in sessions.between(last - LONGEST, last))
    return [day for day in days if day not in _holidays(day.year)]


def silent_or_few(history: History, filed: Days, passed: Sequence[date]) -> list[str]:
    """Why the last business day is too thin in a table, which must reach further back than that to tell.

    Silence is nothing at all where at most one business day in ten had nothing: of thin sources, days without a row are
    no news. Few is less than a fifth of 20 rows or more.
    """
    if not passed or not filed or min(filed) >= passed[-1]:
        return []
    day = passed[-1]
    rows = max(filed.get(day, 0), history.filed.get(day, 0))
    known = learned_days(history.filed, filed, passed[:-1])
    usual = _last({other: most for other, most in known.items() if other < day})
    many = median_low(usual) if usual else 0
    if rows == 0 and len(usual) >= FEWEST_DAYS and usual.count(0) * RARE <= len(usual):
        each = "1 row a day is usual" if many == 1 else f"{many:,} rows a day are usual"
        return [f"nothing filed on {day}, where {each}; the newest row was filed on {max(filed)}"]
    if len(usual) >= ENOUGH_DAYS and _is_small(rows, many):
        return [f"only {_rows(rows)} filed on {day}, where {many:,} a day are usual"]
    return []


def shrunk(history: History, rows: int, today: date) -> list[str]:
    """Why the whole table is too short beside those of the last days on which it was asked for."""
    usual = _last({day: most for day, most in history.shown.items() if day < today})
    if len(usual) >= ENOUGH_DAYS and _is_small(rows, median_low(usual)):
        return [f"only {_rows(rows)} shown, where {median_low(usual):,} are usual"]
    return []


def learned(history: History, filed: Days, rows: int, passed: Sequence[date], today: date) -> History:
    """The history with what a table of so many rows shows today."""
    shown = {**history.shown, today: max(rows, history.shown.get(today, 0))}
    return History(filed=learned_days(history.filed, filed, passed), shown=shown)


def learned_days(known: Days, filed: Days, passed: Sequence[date]) -> Days:
    """The most rows of each business day, 0 for one that a table has none of though it reaches over it.

    A table's first day may be cut off, and so it cannot lower what is usual. Days after its newest row are left out: a
    source that has ended must not make silence usual.
    """
    if not filed:
        return known
    first, newest = min(filed), max(filed)
    reached = passed[bisect_right(passed, first) : bisect_right(passed, newest)]
    days = {**known, **{day: max(filed.get(day, 0), known.get(day, 0)) for day in reached}}
    if first in passed and (first in known or not days or filed[first] >= median_low(_last(days))):
        days[first] = max(filed[first], known.get(first, 0))
    return days


@cache  # the law's holidays are constants: they are worked out once per year and process
def _holidays(year: int) -> frozenset[date]:
    """The days on which federal offices are closed."""
    found = USFederalHolidayCalendar().holidays(f"{year}-01-01", f"{year}-12-31")
    return frozenset(day.date() for day in found)


def _is_small(rows: int, usual: int) -> bool:
    return usual >= ENOUGH_ROWS and rows * PART < usual


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _last(days: Days) -> list[int]:
    """What is known of the last 20 of these days."""
    return [days[day] for day in sorted(days)[-DAYS:]]


def _days(kept: Mapping[str, Any]) -> dict[date, int]:
    """Days and their numbers of rows as they were kept; ValueError when that is not what they are."""
    if not all(type(rows) is int and rows >= 0 for rows in kept.values()):
        raise ValueError(f"expected numbers of rows, found {kept}")
    return {date.fromisoformat(day): rows for day, rows in kept.items()}
