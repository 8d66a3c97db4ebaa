"""How the service writes its objects in JSON: orders, positions, the account, instruments, quotes and the venue."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from bot.demo.lemon.book import BERLIN, CHARGE, Balances, Holding, Order, Price, Security, units
from bot.sessions import Sessions

Json = dict[str, Any]

KEY_ID: Final = "apk_standin"
ACCOUNT_ID: Final = "acc_standin"
DAYS_SHOWN: Final = 7
NOT_IN_ANSWER_TO_POST: Final = {
    "isin_title", "activated_at", "cancelled_at", "executed_at", "rejected_at", "type", "executed_quantity",
    "executed_price", "executed_price_total", "key_activation_id",
}  # fmt: skip


def stamp(at: datetime | None) -> str | None:
    """An instant as ISO 8601 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at else None


def placed(order: Order) -> Json:
    """A new order, as the answer to POST has it."""
    return {name: value for name, value in listed(order, "").items() if name not in NOT_IN_ANSWER_TO_POST}


def listed(order: Order, title: str) -> Json:
    """An order as lists have it; `title` is its share's name."""
    ticket = order.ticket
    return {
        "id": order.id,
        "isin": ticket.isin,
        "isin_title": title,
        "created_at": stamp(order.created_at),
        "activated_at": stamp(order.activated_at),
        "cancelled_at": stamp(order.cancelled_at),
        "expires_at": stamp(order.expires_at),
        "executed_at": stamp(order.executed_at),
        "rejected_at": stamp(order.rejected_at),
        "side": ticket.side,
        "quantity": ticket.quantity,
        "stop_price": None,
        "limit_price": None,
        "estimated_price": order.estimated_price,
        "estimated_price_total": order.estimated_total,
        "venue": ticket.venue,
        "status": order.status,
        "type": "market",
        "executed_quantity": order.executed,
        "executed_price": order.executed_price,
        "executed_price_total": order.executed_total,
        "notes": ticket.notes,
        "charge": CHARGE,
        "chargeable_at": stamp(order.executed_at or order.created_at),
        "key_creation_id": KEY_ID,
        "key_activation_id": KEY_ID if order.activated_at else None,
        "regulatory_information": _costs(order.estimated_total),
        "idempotency": ticket.idempotency,
    }


def position(holding: Holding, title: str, price: Price) -> Json:
    """Shares held, worth what they could be sold for."""
    bid = units(price.bid)
    return {
        "isin": holding.isin,
        "isin_title": title,
        "quantity": holding.quantity,
        "buy_price_avg": int(holding.average + Fraction(1, 2)),
        "estimated_price": bid,
        "estimated_price_total": bid * holding.quantity,
    }


def account(balances: Balances) -> Json:
    """The account; its balance is yesterday's, plus sold, minus bought today."""
    return {
        "account_id": ACCOUNT_ID,
        "mode": "paper",
        "balance": balances.balance,
        "cash_to_invest": balances.to_invest,
        "cash_to_withdraw": balances.to_withdraw,
        "amount_bought_intraday": balances.bought,
        "amount_sold_intraday": balances.sold,
        "amount_open_orders": balances.reserved,
        "amount_open_withdrawals": 0,
        "amount_estimate_taxes": 0,
        "trading_plan": "go",
        "data_plan": "go",
    }


def instrument(security: Security, *, is_open: bool) -> Json:
    """A share with the exchange it is listed at; allday is none, only a door for orders."""
    listing = {**_exchange(is_open=is_open), "tradable": security.is_tradable, "currency": "EUR"}
    return {
        "isin": security.isin,
        "wkn": security.wkn,
        "name": security.name,
        "title": security.title,
        "symbol": security.symbol,
        "type": security.type,
        "venues": [listing] if "xmun" in security.venues else [],
    }


def quote(isin: str, price: Price, now: datetime, *, decimals: bool, epoch: bool) -> Json:
    """Bid and ask in EUR or in 1/10000 EUR, and their instant as a text or in milliseconds."""

    def number(eur: Decimal) -> float | int:
        return float(eur) if decimals else units(eur)

    at = price.at or now
    return {
        "isin": isin,
        "b_v": 100,
        "a_v": 100,
        "b": number(price.bid),
        "a": number(price.ask),
        "t": int(at.timestamp() * 1000) if epoch else stamp(at),
        "mic": "XMUN",
    }


def venue(sessions: Sessions, now: datetime) -> Json:
    """The exchange: the hours of its session in progress or to come, and its next trading days."""
    in_progress = sessions.open_at(now)
    coming = [in_progress or sessions.next_open(now)]
    while len(coming) < DAYS_SHOWN:
        coming.append(sessions.next_open(coming[-1].closes))
    hours = (at.astimezone(BERLIN).strftime("%H:%M") for at in (coming[0].opens, coming[0].closes))
    return {
        **_exchange(is_open=in_progress is not None),
        "opening_hours": {**dict(zip(("start", "end"), hours, strict=True)), "timezone": str(BERLIN)},
        "opening_days": [session.day.isoformat() for session in coming],
    }


def words(text: str) -> list[str]:
    """The words of a name in capitals, with the closing * of a pattern."""
    return re.findall(r"[\w-]+\*?", text.upper())


def matches(security: Security, wanted: str) -> bool:
    """Whether every word of the search is in the share's names and identifiers: in part from four letters on."""
    known = words(" ".join((security.name, security.title, security.isin, security.wkn, security.symbol)))
    return all(any(_fits(word, each) for each in known) for word in words(wanted))


def _fits(word: str, known: str) -> bool:
    if word.endswith("*"):
        return known.startswith(word[:-1])
    return word in known if len(word) >= 4 else word == known


def _exchange(*, is_open: bool) -> Json:
    return {"name": "Börse München - Gettex", "title": "Gettex", "mic": "XMUN", "is_open": is_open}


def _costs(total: int) -> Json:
    """What the order costs, also in percent of what it is worth, when it is sold again within the year."""
    entry, both = f"{100 * Decimal(CHARGE) / total:.2f}%", f"{200 * Decimal(CHARGE) / total:.2f}%"
    return {
        "costs_entry": CHARGE,
        "costs_entry_pct": entry,
        "costs_running": 0,
        "costs_running_pct": "0.00%",
        "costs_product": 0,
        "costs_product_pct": "0.00%",
        "costs_exit": CHARGE,
        "costs_exit_pct": entry,
        "yield_reduction_year": CHARGE,
        "yield_reduction_year_pct": entry,
        "yield_reduction_year_following": 0,
        "yield_reduction_year_following_pct": "0.00%",
        "yield_reduction_year_exit": CHARGE,
        "yield_reduction_year_exit_pct": entry,
        "estimated_holding_duration_years": "5",
        "estimated_yield_reduction_total": 2 * CHARGE,
        "estimated_yield_reduction_total_pct": both,
        "KIID": "none: this is a stand-in",
        "legal_disclaimer": "none: nothing here is real",
    }
