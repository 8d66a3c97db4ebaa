"""Which companies of a watchlist have more insiders buying than selling: a list to look at, nothing to trade on.

After the scanner of an insider-activity tutorial: a company whose ratio of buys to sells is above a threshold is a
candidate. The ratio of one buy and no sale is as high as that of ten, so the counts stand beside it, and a candidate
needs two buyers within thirty days. An unknown ratio is unknown, and never a zero.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from bot.errors import ConfigError, SourceError
from bot.model import NEW_YORK
from bot.plain import decimal_text
from bot.sources.rest.activity import Activity, Deal, Flow

THRESHOLD: Final = Decimal("1.5")
CLUSTER_DAYS: Final = 30
FEWEST_BUYERS: Final = 2

_RATIO: Final = re.compile(r"\d{1,20}(?:\.\d{1,20})?", re.ASCII)


class Standing(StrEnum):
    """How a company stands, the most interesting first."""

    CANDIDATE = "candidate"
    WEAK = "weak"  # above the threshold, but by one person alone or long ago
    BELOW = "below"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRow:
    """One ticker: purchases and sales among the recent rows, people behind them, `buyers` within thirty days.

    `bought` and `sold` are the service's totals in USD; None is unknown.
    """

    ticker: str
    standing: Standing
    reason: str
    ratio: Decimal | None = None
    count: int | None = None
    purchases: int = 0
    sales: int = 0
    buyers: int = 0
    sellers: int = 0
    bought: Decimal | None = None
    sold: Decimal | None = None
    recent: tuple[Deal, ...] = ()
    flow: tuple[Flow, ...] = ()


def threshold_of(text: str) -> Decimal:
    """A ratio of buys to sells as somebody wrote it; ConfigError for what none could be."""
    if not _RATIO.fullmatch(text):
        raise ConfigError(f"--threshold: {text!r} is no ratio of buys to sells: write 0 or more, such as 1.5")
    return Decimal(text)


def scan(
    activities: Mapping[str, Activity | SourceError | None], *, now: datetime, threshold: Decimal = THRESHOLD
) -> list[ScanRow]:
    """A row per ticker, candidates first, by falling ratio.

    None stands for a ticker the service does not know, an error for one it said nothing about.
    """
    rows = [_row(ticker, activity, now, threshold) for ticker, activity in activities.items()]
    return sorted(rows, key=lambda row: (list(Standing).index(row.standing), -(row.ratio or 0), row.ticker))


def _row(ticker: str, activity: Activity | SourceError | None, now: datetime, threshold: Decimal) -> ScanRow:
    if activity is None:
        return ScanRow(ticker=ticker, standing=Standing.UNKNOWN, reason="the service does not know this ticker")
    if isinstance(activity, SourceError):
        return ScanRow(ticker=ticker, standing=Standing.UNKNOWN, reason=str(activity))
    purchases, sales = _of_kind(activity.recent, "purchase"), _of_kind(activity.recent, "sale")
    today = now.astimezone(NEW_YORK).date()
    since = today - timedelta(days=CLUSTER_DAYS)
    buyers = _people(deal for deal in purchases if deal.on and since <= deal.on <= today)
    standing = _standing(activity.ratio, buyers, threshold)
    sellers = _people(sales)
    bought = f"{_counted(len(purchases), 'purchase')} by {_people(purchases)}"
    counts = f"{bought}, {_counted(len(sales), 'sale')} by {sellers}"
    return ScanRow(
        ticker=ticker,
        standing=standing,
        reason=f"{_about(activity.ratio, threshold)}; {counts}; {_counted(buyers, 'buyer')} within {CLUSTER_DAYS} days",
        ratio=activity.ratio,
        count=activity.count,
        purchases=len(purchases),
        sales=len(sales),
        buyers=buyers,
        sellers=sellers,
        bought=activity.bought,
        sold=activity.sold,
        recent=activity.recent,
        flow=activity.flow,
    )


def _standing(ratio: Decimal | None, buyers: int, threshold: Decimal) -> Standing:
    if ratio is None:
        return Standing.UNKNOWN
    if ratio <= threshold:
        return Standing.BELOW
    return Standing.CANDIDATE if buyers >= FEWEST_BUYERS else Standing.WEAK


def _about(ratio: Decimal | None, threshold: Decimal) -> str:
    if ratio is None:
        return "the ratio is unknown"
    place = "above" if ratio > threshold else "not above"
    return f"buys to sells {decimal_text(ratio)}, {place} {decimal_text(threshold)}"


def _of_kind(deals: Iterable[Deal], kind: str) -> list[Deal]:
    return [deal for deal in deals if deal.kind.lower() == kind]


def _people(deals: Iterable[Deal]) -> int:
    return len({deal.insider.casefold() for deal in deals})


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" + ("" if number == 1 else "s")
