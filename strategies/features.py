"""Features: functions of the events table that yield a column, looking only at what was known by then.

Here are those of the row itself; `activity` has what a company's insiders do together, `habits` what a person does,
`market` what the price and the size of the company say.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Final, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.holiday import USFederalHolidayCalendar

from bot.errors import ConfigError
from bot.model import UNTOLD, Reach, Role
from bot.sessions import Sessions

Feature = Callable[[pd.DataFrame, datetime | None], "pd.Series[float]"]
"""Events table and the instant of decision in (None: each row as it became known), one number per row out."""

Base = Literal["before", "after"]

SECONDS: Final = 24 * 60 * 60  # of a day


def reaching(*, person: float = 0, company: float = 0, market: float = 0) -> Callable[[Feature], Feature]:
    """For a feature that looks so many days back: at the person's trades, at all at the company, at purchases anywhere.

    It is shown no more than that, so that a day is decided fast. One that does not tell is shown what `Reach` says.
    """

    def told(feature: Feature) -> Feature:
        feature.reach = Reach(person, company, market)  # type: ignore[attr-defined]
        return feature

    return told


def reach_of(features: Iterable[Feature]) -> Reach:
    """How far all of these look back, together."""
    found = [getattr(feature, "reach", UNTOLD) for feature in features]
    return Reach(*map(max, zip(Reach(0, 0, 0), *found, strict=True)))


ROLE_WEIGHTS: Final = {
    Role.CFO: 1.0,
    Role.CEO: 0.9,
    Role.CHAIR: 0.9,
    Role.PRESIDENT: 0.9,
    Role.COO: 0.8,
    Role.CTO: 0.7,
    Role.CHIEF: 0.7,
    Role.ACCOUNTING: 0.7,
    Role.TREASURER: 0.6,
    Role.GC: 0.6,
    Role.OFFICER: 0.5,
    Role.VP: 0.5,
    Role.SECRETARY: 0.4,
    Role.DIRECTOR: 0.4,
    Role.TEN_PERCENT: 0.1,
    Role.OTHER: 0.1,
}
"""How much a trade by this role is worth listening to; Role.UNKNOWN has no weight.

The order is the literature's: finance chiefs above chief executives (Wang, Shin and Francis, "Are CFOs' Trades More
Informative Than CEOs' Trades?", 2012), both and whoever chairs the board above other officers and directors, and large
shareholders last (Seyhun, "Insiders' Profits, Costs of Trading, and Market Efficiency", 1986). The numbers are ours.
"""


@cache
def fraction_of_holdings(base: Base) -> Feature:
    """Shares traded as a fraction of the person's holdings; missing when the holdings are not known.

    Base `before` divides by the balance before the event: 1 is a full liquidation, infinity a new position. A sale
    counts only what is left after taking off the shares that came in by exercise or award in the same filing.
    Base `after` divides by the balance after it, and is missing when that is zero: the rule of the 2022 tutorial.
    ConfigError for any other base.
    """
    if base not in get_args(Base):
        raise ConfigError(f"holdings are those before or after the trade (found {base!r})")

    @reaching()
    def fraction(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
        if base == "after":
            return events["shares"] / events["shares_after"].where(events["shares_after"] > 0)
        shares, held, exercised = (events[name].to_numpy() for name in ("shares", "held_before", "exercised"))
        net, sold = np.maximum(shares, 0.0), np.flatnonzero(events["side"] == "sell")
        net[sold] = np.maximum(shares[sold] - exercised[sold], 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = net / held
        part[held < 0] = np.nan
        nothing = np.flatnonzero((held == 0) & ~np.isnan(net))
        part[nothing] = np.where(events["side"].iloc[nothing] == "buy", np.inf, 0.0)
        return pd.Series(part, events.index)

    return fraction


@reaching()
def days_to_file(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
    """Business days from the trade to its filing, United States federal holidays left out; the legal deadline is 2."""
    traded, filed = (events[name].to_numpy().astype("datetime64[s]", copy=False) for name in ("traded_on", "filed_on"))
    unknown = np.isnat(traded) | np.isnat(filed)
    if unknown.all():
        return pd.Series(np.nan, index=events.index)
    begins, ends = (some.view(np.int64) // SECONDS for some in (traded, filed))  # faster than as datetime64[D]
    if unknown.any():
        begins[unknown] = ends[unknown] = begins[unknown.argmin()]
    first, last = min(begins.min(), ends.min()), max(begins.max(), ends.max())
    # Counted once from the first day on: a history has many filings of few days.
    days = np.arange(first, last + 2).view("datetime64[D]")
    holidays = _holidays(days[0].item().year, days[-1].item().year)
    passed = np.busday_count(days[0], days, holidays=holidays).astype(np.float64)
    if (early := ends < begins).any():  # then the days are those after the filing, up to and with that of the trade
        begins += early
        ends += early
    between = passed[ends - first]
    between -= passed[begins - first]
    if unknown.any():
        between[unknown] = np.nan
    return pd.Series(between, index=events.index)


@cache  # to tell them takes longer than all else that a cycle does with them
def _holidays(first: int, last: int) -> "NDArray[np.datetime64]":
    """The federal holidays of the United States in these years and all between them."""
    days = USFederalHolidayCalendar().holidays(f"{first}-01-01", f"{last}-12-31")
    return days.to_numpy().astype("datetime64[D]")


@cache
def sessions_since_known(sessions: Sessions) -> Feature:
    """Sessions of the venue that have opened since the event became public, up to the instant of decision.

    Missing for what was not public by then, or does not say when it was.
    """

    @reaching()
    def since(events: pd.DataFrame, as_of: datetime | None) -> "pd.Series[float]":
        if as_of is None:
            return pd.Series(0.0, index=events.index).where(events["known_at"].notna())
        return sessions.begun_since(events["known_at"], as_of).where(events["known_at"] <= as_of)

    return since


@reaching()
def value_usd(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
    """What the trade was worth in US dollars: its value as filed, else shares times price; unknown in other money."""
    value = events["value"].fillna(events["shares"] * events["price"])
    return value.where((events["currency"] == "USD").fillna(value=False).astype(bool))


@reaching()
def role_weight(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
    """How senior the person is, from 0 to 1 by `ROLE_WEIGHTS`; unknown when the role is."""
    roles, names = pd.factorize(events["role"])
    weights = np.array([*(ROLE_WEIGHTS.get(name, np.nan) for name in names), np.nan])  # -1, the last, is a missing role
    return pd.Series(weights[roles], index=events.index)


@cache
def days_late(deadline: int = 2) -> Feature:
    """Business days by which the filing missed the legal deadline, 0 when it did not; unknown when `days_to_file` is.

    Two business days in the United States (Securities Exchange Act, section 16(a)(2)(C)), three in the European Union
    and in France (Market Abuse Regulation, Article 19(1)). Holidays are those of the United States.
    """

    @reaching()
    def late(events: pd.DataFrame, as_of: datetime | None) -> "pd.Series[float]":
        return (days_to_file(events, as_of) - deadline).clip(lower=0)

    return late
