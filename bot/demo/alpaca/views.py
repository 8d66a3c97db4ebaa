"""How the service writes its objects in JSON: orders, positions, the account, assets, quotes, clock and calendar."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from bot.demo.alpaca.book import Asset, Book, Holding, Order, Price
from bot.model import NEW_YORK
from bot.plain import decimal_text
from bot.sessions import Session, Sessions

Json = dict[str, Any]


def stamp(at: datetime | None) -> str | None:
    """An instant as RFC 3339 in UTC, to the nanosecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "000Z") if at else None


def order(order: Order, status: str | None = None) -> Json:
    """An order, under another status when one is given."""
    ticket = order.ticket
    said = status or order.status
    return {
        "id": order.id,
        "client_order_id": ticket.client_order_id,
        "created_at": stamp(order.submitted_at),
        "updated_at": stamp(order.ended_at or order.filled_at or order.submitted_at),
        "submitted_at": stamp(order.submitted_at),
        "filled_at": stamp(order.filled_at),
        "expired_at": stamp(order.ended_at) if said == "expired" else None,
        "expires_at": stamp(order.expires_at),
        "canceled_at": stamp(order.ended_at) if said == "canceled" else None,
        "failed_at": None,
        "replaced_at": None,
        "replaced_by": None,
        "replaces": None,
        "asset_id": asset_id(ticket.symbol),
        "symbol": ticket.symbol,
        "asset_class": "us_equity",
        "notional": None,
        "qty": decimal_text(ticket.quantity),
        "filled_qty": decimal_text(order.filled),
        "filled_avg_price": None if order.average is None else decimal_text(order.average),
        "order_class": "",
        "order_type": "market",
        "type": "market",
        "side": ticket.side,
        "position_intent": "buy_to_open" if ticket.side == "buy" else "sell_to_close",
        "time_in_force": "day",
        "limit_price": None,
        "stop_price": None,
        "status": said,
        "extended_hours": False,
        "legs": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "subtag": None,
        "source": None,
    }


def position(holding: Holding, free: Decimal, bid: Decimal) -> Json:
    """Shares held, worth what they could be sold for."""
    worth, cost = holding.quantity * bid, holding.quantity * holding.average
    return {
        "asset_id": asset_id(holding.symbol),
        "symbol": holding.symbol,
        "exchange": "NYSE",
        "asset_class": "us_equity",
        "asset_marginable": True,
        "avg_entry_price": decimal_text(round(holding.average, 6)),
        "qty": decimal_text(holding.quantity),
        "qty_available": decimal_text(free),
        "side": "long",
        "market_value": decimal_text(worth),
        "cost_basis": decimal_text(round(cost, 6)),
        "unrealized_pl": decimal_text(round(worth - cost, 6)),
        "current_price": decimal_text(bid),
    }


def account(book: Book, account_id: str, number: str) -> Json:
    """The account, which could borrow as much again as it has."""
    cash, free = book.cash, book.cash - book.reserved
    value = sum((each.quantity * book.prices[each.symbol].bid for each in book.holdings()), Decimal(0))
    return {
        "id": account_id,
        "account_number": number,
        "status": "ACTIVE",
        "currency": "USD",
        "cash": decimal_text(cash),
        "buying_power": decimal_text(2 * free),
        "non_marginable_buying_power": decimal_text(free),
        "equity": decimal_text(cash + value),
        "long_market_value": decimal_text(value),
        "short_market_value": "0",
        "multiplier": "2",
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": False,
        "shorting_enabled": False,
    }


def asset(asset: Asset) -> Json:
    """A share and how it can be traded."""
    return {
        "id": asset_id(asset.symbol),
        "class": "us_equity",
        "exchange": "NYSE",
        "symbol": asset.symbol,
        "name": asset.name,
        "status": "active" if asset.is_active else "inactive",
        "tradable": asset.is_tradable,
        "marginable": True,
        "shortable": False,
        "fractionable": asset.is_fractionable,
        "attributes": [],
    }


def quote(price: Price, now: datetime) -> Json:
    """Bid and ask as JSON numbers."""
    return {
        "t": stamp(price.at or now),
        "ax": "V",
        "ap": float(price.ask),
        "as": 300,
        "bx": "V",
        "bp": float(price.bid),
        "bs": 200,
        "c": ["R"],
        "z": "C",
    }


def clock(sessions: Sessions, now: datetime) -> Json:
    """Whether the exchange is open, and when that changes."""
    under_way, coming = sessions.open_at(now), sessions.next_open(now)
    return {
        "timestamp": now.astimezone(NEW_YORK).isoformat(),
        "is_open": under_way is not None,
        "next_open": coming.opens.astimezone(NEW_YORK).isoformat(),
        "next_close": (under_way or coming).closes.astimezone(NEW_YORK).isoformat(),
    }


def calendar(session: Session) -> Json:
    """One trading day in the wall clock of New York."""
    opens, closes = (f"{at.astimezone(NEW_YORK):%H:%M}" for at in (session.opens, session.closes))
    day = session.day.isoformat()
    return {"date": day, "open": opens, "close": closes, "session_open": "0400", "session_close": "2000"}


def asset_id(symbol: str) -> str:
    """An id of the form they have, the same one for the same share."""
    return str(uuid5(NAMESPACE_DNS, f"{symbol}.example"))
