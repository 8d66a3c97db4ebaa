"""What SecuritiesDB says about the insiders and funds of one company.

The format is known from its documentation page and from what clients read; it names no filing, no price and no hour,
and whether a date is that of the trade or of the filing is not said. The ratio's formula and period are not either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from bot.errors import SourceError
from bot.sources.rest.values import Record, described, record_of

# As some clients read the same rows.
OTHER_NAMES: Final[Mapping[str, str]] = {
    "insider": "insider_name",
    "type": "transaction_type",
    "date": "transaction_date",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One reported transaction: `kind` is Purchase, Sale, Grant or another word, `value` in USD."""

    insider: str
    kind: str
    on: date | None
    shares: Decimal | None
    value: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What a fund did in a quarter, by its 13F reports."""

    fund: str | None
    action: str | None
    shares_change: Decimal | None
    percent_change: Decimal | None
    quarter: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A company's insiders and funds; `ratio` is buys to sells, and None is unknown, not zero. Values are in USD."""

    ticker: str
    ratio: Decimal | None
    count: int | None
    bought: Decimal | None
    sold: Decimal | None
    recent: tuple[Deal, ...]
    flow: tuple[Flow, ...]


def activity_of(content: Any, ticker: str) -> Activity:
    """The activity in an answer about this ticker; SourceError for anything less than one."""
    answer = record_of(f"SecuritiesDB on {ticker}", content)
    _check_status(answer)
    data = answer.record("data")
    told = data.text("ticker")
    if told and told.upper().replace(".", "-") != ticker.replace(".", "-"):
        raise data.refusal("ticker", ticker)
    insiders = data.record("insider_transactions")
    return Activity(
        ticker=ticker,
        ratio=insiders.amount("net_buy_sell_ratio"),
        count=insiders.count("count"),
        bought=insiders.amount("total_buy_value"),
        sold=insiders.amount("total_sell_value"),
        recent=tuple(_deal(record) for record in insiders.records("recent")),
        flow=tuple(_flow(record) for record in _flows(data)),
    )


def _check_status(answer: Record) -> None:
    """The answer's own status counts, whatever HTTP said."""
    if answer.get("meta") is None:
        return
    meta = answer.record("meta")
    status = meta.number("status")
    if status not in {None, 200}:
        raise SourceError(f"{meta.place}: expected status 200, found {described(meta.get('status'))}")


def _deal(record: Record) -> Deal:
    names = OTHER_NAMES if OTHER_NAMES["insider"] in record.members else {}
    record = Record(record.place, record.members, names)
    insider, kind = record.text("insider"), record.text("type")
    if insider is None or kind is None:
        raise record.refusal("insider" if insider is None else "type", "a text")
    return Deal(
        insider=insider,
        kind=kind,
        on=record.day("date"),
        shares=record.amount("shares"),
        value=record.amount("value"),
    )


def _flows(data: Record) -> list[Record]:
    return [] if data.get("institutional_flow") is None else data.records("institutional_flow")


def _flow(record: Record) -> Flow:
    return Flow(
        fund=record.text("fund"),
        action=record.text("action"),
        shares_change=record.number("shares_change"),
        percent_change=record.number("pct_change"),
        quarter=record.text("quarter"),
    )
