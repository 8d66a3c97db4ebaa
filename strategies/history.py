"""When each row of the events table became known and how long it stands: what every look at the past begins with."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from strategies.kernels import FOREVER, NEVER, Flags, Ids, Numbers, Places, Times, compiled, counting_sort, pays

DAY: Final = 86_400_000_000  # microseconds
LONGEST: Final = 1000 * 365 * DAY  # as far back as anybody looks


@dataclass(frozen=True, slots=True)
class History:
    """One element per row: known from when until before when (microseconds of UTC), and whether it counts for others.

    A row counts unless it is quarantined, has no `known_at`, or was superseded at once. NEVER is no `known_at`.
    """

    known: Times
    until: Times
    counts: Flags


def history(events: pd.DataFrame) -> History:
    """The history in an events table."""
    known, superseded = microseconds(events["known_at"]), microseconds(events["superseded_at"])
    until = np.where(superseded == NEVER, FOREVER, superseded)
    trusted = events["quarantine"].isna().to_numpy()
    return History(known=known, until=until, counts=trusted & (known != NEVER) & (known < until))


def microseconds(instants: "pd.Series[Any]") -> Times:
    """The instants as microseconds since 1970, UTC; NEVER where one is missing."""
    return pd.DatetimeIndex(instants).as_unit("us").asi8


def sides(events: pd.DataFrame) -> tuple[Flags, Flags]:
    """Which rows are purchases, and which are sales, on the open market."""
    return flags(events["side"] == "buy"), flags(events["side"] == "sell")


def flags(column: "pd.Series[bool]") -> Flags:
    """A yes/no column, unknown counted as no."""
    return column.fillna(value=False).to_numpy(dtype=bool)


def codes(column: "pd.Series[int]") -> Ids:
    """Who is who, as the table numbers them; a copy, because a kernel is compiled anew for what it may not write to."""
    return np.array(column, dtype=np.int32)


def numbers(column: "pd.Series[float]") -> Numbers:
    """A column of numbers, NaN where one is missing."""
    return np.asarray(column, dtype=np.float64)


def nothing(rows: int) -> Numbers:
    """No value on any row, for what only counts."""
    return np.zeros(rows, dtype=np.float64)


def in_order(rows: Places, times: Times, *keys: Ids) -> Places:
    """The rows sorted by these codes, the first one first, and then by time."""
    at = times[rows]
    if not pays(len(rows)):
        columns: list[Any] = [at, *(key[rows] for key in reversed(keys))]
        return rows[np.lexsort(columns)]
    order = rows if np.all(at[:-1] <= at[1:]) else rows[np.argsort(at)]  # a table is often in order already
    for key in reversed(keys):
        order = compiled(counting_sort, len(order))(order, key, int(key.max(initial=-1)) + 1)
    return order


def ending(until: Times, enters: Times, span: int) -> Times:
    """From when on each row no longer stands: superseded, or more than `span` past."""
    return np.minimum(until, enters + min(span, LONGEST) + 1)


def column(events: pd.DataFrame, rows: Places, found: np.ndarray[Any, Any]) -> "pd.Series[float]":
    """A feature: what was found of these rows, on the table's index; the others are unknown."""
    result = np.full(len(events), np.nan)
    result[rows] = found
    return pd.Series(result, index=events.index)
