"""What price and size said of the company on the eve of the news: features over tables of daily figures."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd

from bot.errors import ConfigError
from bot.model import NEW_YORK
from strategies.features import Feature, reaching
from strategies.history import column
from strategies.kernels import FOREVER, Numbers, Times

AGES: Final = 1 << 32  # days, more than any calendar has: all symbols' days lie on one line, each symbol's together


def price_dip(bars: pd.DataFrame, sessions: int = 20) -> Feature:
    """How far the last close lies below the highest of the last so many closes: 0 at the high, 0.25 a quarter below.

    `bars` has the columns symbol, date and close, a row for each trading day. Only closes of days before the day of
    `known_at` in New York are looked at; unknown without that many within `2 * sessions + 7` days. People buy after
    falls: Lakonishok and Lee, "Are Insider Trades Informative?", Review of Financial Studies 14 (2001).
    """
    return _price_dip(_Same(bars), sessions)


def average_daily_value(bars: pd.DataFrame, sessions: int = 20) -> Feature:
    """Close times volume, the mean of the last so many trading days: how much of the share changes hands in a day.

    `bars` has the columns symbol, date, close and volume (shares), a row for each trading day; the result is in the
    money of the closes. Days are chosen as in `price_dip`; unknown when a close or a volume among them is.
    """
    return _average_daily_value(_Same(bars), sessions)


def market_cap(sizes: pd.DataFrame) -> Feature:
    """What the whole company was worth by the last figure of a day before that of `known_at` in New York.

    `sizes` has the columns symbol, date and market_cap, in any money; unknown before the first figure.
    """
    return _market_cap(_Same(sizes))


class _Same:
    """A table that equals only itself, so that features of the very same table are one."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.table is self.table

    def __hash__(self) -> int:
        return id(self.table)


@lru_cache(maxsize=8)  # each keeps its table
def _price_dip(bars: _Same, sessions: int) -> Feature:
    days = _sorted(bars.table, ("symbol", "date", "close"))
    highest = days.groupby("symbol", sort=False)["close"].rolling(sessions).max().to_numpy()
    return _eve(days, 1 - days["close"].to_numpy(dtype=float) / highest, _expiring(days, sessions))


@lru_cache(maxsize=8)
def _average_daily_value(bars: _Same, sessions: int) -> Feature:
    days = _sorted(bars.table, ("symbol", "date", "close", "volume"))
    turnover = (days["close"] * days["volume"]).groupby(days["symbol"], sort=False)
    return _eve(days, turnover.rolling(sessions).mean().to_numpy(), _expiring(days, sessions))


@lru_cache(maxsize=8)
def _market_cap(sizes: _Same) -> Feature:
    days = _sorted(sizes.table, ("symbol", "date", "market_cap"))
    return _eve(days, days["market_cap"].to_numpy(dtype=float), np.full(len(days), FOREVER))


def _sorted(table: pd.DataFrame, needed: Sequence[str]) -> pd.DataFrame:
    """The rows by symbol and day, the days as whole numbers."""
    if missing := [name for name in needed if name not in table.columns]:
        raise ConfigError(f"the table of daily figures lacks the column {missing[0]!r}; it needs {', '.join(needed)}")
    days = table[[*needed]].dropna(subset=["symbol", "date"])
    dates = pd.DatetimeIndex(days["date"]).to_numpy().astype("datetime64[D]").astype(np.int64)
    return days.assign(date=dates).sort_values(["symbol", "date"], ignore_index=True)


def _expiring(days: pd.DataFrame, sessions: int) -> Times:
    """The last day on which the figures of so many sessions up to each row's are still those of recent days."""
    first = days.groupby("symbol", sort=False)["date"].shift(sessions - 1)
    return first.fillna(0).to_numpy(dtype=np.int64) + 2 * sessions + 7


def _eve(days: pd.DataFrame, found: Numbers, expires: Times) -> Feature:
    """What was found of the last row of the symbol that is of an earlier day, unless it has expired."""
    symbols = pd.Index(days["symbol"].unique())
    numbered = symbols.get_indexer(days["symbol"])
    starts = np.searchsorted(numbered, np.arange(len(symbols)))
    line = numbered * AGES + days["date"].to_numpy()

    @reaching()
    def eve(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
        named, names = pd.factorize(events["symbol"])
        codes = np.append(symbols.get_indexer(names), -1)[named]  # -1, the last, is a missing symbol
        rows = np.flatnonzero((codes >= 0) & events["known_at"].notna().to_numpy())
        codes, today, last = codes[rows], _day(events["known_at"])[rows], np.empty(len(rows), dtype=np.intp)
        asked = codes * AGES + today
        order = np.argsort(asked)  # what lies near each other is looked for one after the other: four times as fast
        last[order] = np.searchsorted(line, asked[order]) - 1
        there = last >= starts[codes]
        rows, today, last = (array[there] for array in (rows, today, last))
        return column(events, rows, np.where(expires[last] >= today, found[last], np.nan))

    return eve


def _day(instants: "pd.Series[Any]") -> Times:
    """The day in New York, as a number."""
    local = pd.DatetimeIndex(instants).tz_convert(NEW_YORK).tz_localize(None)
    return local.to_numpy().astype("datetime64[D]").astype(np.int64)
