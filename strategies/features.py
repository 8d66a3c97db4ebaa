"""Features: functions of the events table that yield a column, looking only at what was known by then."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

from bot.sessions import Sessions

Feature = Callable[[pd.DataFrame, datetime | None], "pd.Series[float]"]
"""Events table and the instant of decision in (None: each row as it became known), one number per row out."""

Base = Literal["before", "after"]


@cache
def fraction_of_holdings(base: Base) -> Feature:
    """Shares traded as a fraction of the person's holdings; missing when the holdings are not known.

    Base `before` divides by the balance before the event: 1 is a full liquidation, infinity a new position. A sale
    counts only what is left after taking off the shares that came in by exercise or award in the same filing.
    Base `after` divides by the balance after it, and is missing when that is zero: the rule of the 2022 tutorial.
    """

    def fraction(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
        if base == "after":
            return events["shares"] / events["shares_after"].where(events["shares_after"] > 0)
        held = events["held_before"]
        net = (events["shares"] - events["exercised"].where(events["side"] == "sell", 0.0)).clip(lower=0)
        new = np.where(events["side"] == "buy", np.inf, 0.0)
        return (net / held.where(held > 0)).where(held != 0, pd.Series(new, index=events.index)).where(net.notna())

    return fraction


def days_to_file(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
    """Business days from the trade to its filing, United States federal holidays left out; the legal deadline is 2."""
    known = events["traded_on"].notna() & events["filed_on"].notna()
    days = pd.Series(np.nan, index=events.index)
    if known.any():
        traded = events.loc[known, "traded_on"].to_numpy().astype("datetime64[D]")
        filed = events.loc[known, "filed_on"].to_numpy().astype("datetime64[D]")
        first, last = min(traded.min(), filed.min()), max(traded.max(), filed.max())
        holidays = USFederalHolidayCalendar().holidays(first, last).to_numpy().astype("datetime64[D]")
        days.loc[known] = np.busday_count(traded, filed, holidays=holidays)
    return days


def sessions_since_known(sessions: Sessions) -> Feature:
    """Sessions of the venue that have opened since the event became public, up to the instant of decision.

    Missing for what was not public by then, or does not say when it was.
    """

    def since(events: pd.DataFrame, as_of: datetime | None) -> "pd.Series[float]":
        if as_of is None:
            return pd.Series(0.0, index=events.index).where(events["known_at"].notna())
        return sessions.begun_since(events["known_at"], as_of).where(events["known_at"] <= as_of)

    return since
