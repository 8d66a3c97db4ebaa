"""The days of a made-up history: New York sessions, business days of EDGAR, and instants in between."""

from datetime import date
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

from bot.demo.history.cast import Ints
from bot.sessions import Sessions

Days = npt.NDArray[np.datetime64]

FIRST_DAY: Final = date(2004, 1, 2)
LAST_DAY: Final = date(2025, 12, 31)
LONGEST: Final = LAST_DAY.year - FIRST_DAY.year + 1  # years
OPENS, CLOSES, EVENING = 6 * 3600, 22 * 3600, 16 * 3600  # EDGAR's hours in New York, and when most filings begin


@cache  # a calendar is a constant: it is read once per process
def sessions() -> tuple[Days, Days]:
    """The New York sessions that a history may have: their days, and the instants in UTC when they open."""
    found = Sessions("XNYS").between(FIRST_DAY, LAST_DAY)
    opens = [session.opens.replace(tzinfo=None) for session in found]
    return np.array([session.day for session in found], "datetime64[D]"), np.array(opens, "datetime64[us]")


def first_of(years: int) -> int:
    """The session with which the last so many years begin."""
    return int(sessions()[0].searchsorted(np.datetime64(f"{LAST_DAY.year + 1 - years}-01-01")))


def business_days(days: Days, later: Ints) -> Days:
    """The days on which EDGAR is open, so many of them later."""
    holidays = USFederalHolidayCalendar().holidays(f"{FIRST_DAY}", f"{LAST_DAY.year + 2}-12-31")
    return np.busday_offset(days, later, roll="forward", holidays=holidays.to_numpy().astype("datetime64[D]"))


def filing_hours(rng: np.random.Generator, count: int) -> Ints:
    """Seconds after midnight at which so many filings are accepted, most of them soon after the market's close."""
    early = OPENS + rng.random(count) * (EVENING - OPENS)
    late = EVENING + rng.random(count) ** 2 * (CLOSES - EVENING)
    return np.where(rng.random(count) < 0.3, early, late).astype(np.int64)


def instants(seconds: "pd.Series[float]") -> pd.DatetimeIndex:
    """Instants in UTC of seconds since 1970 on New York's clocks, NaT for NaN."""
    local = pd.to_datetime(seconds, unit="s").astype("datetime64[us]")
    return pd.DatetimeIndex(local).tz_localize("America/New_York").tz_convert("UTC")
