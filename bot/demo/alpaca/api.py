"""What each endpoint answers, from the book alone.

Left out: limit and other orders, PATCH, orders by value (`notional`), short sales, closing positions, streams, trades.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bot.demo.alpaca import reading, views
from bot.demo.alpaca.book import OPEN, Book, RefusalError
from bot.demo.serving import Query
from bot.model import NEW_YORK

MOST_PER_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request with valid keys: the parts of its path after /v2."""

    method: str
    parts: tuple[str, ...]
    query: Query
    body: bytes
    now: datetime


def answer(book: Book, call: Call) -> Any:
    """What the call is answered with, None for no content; RefusalError."""
    match call.method, *call.parts:
        case "POST", "orders":
            return views.order(book.place(reading.ticket(call.body), call.now), "pending_new")
        case "DELETE", "orders", order_id:
            return book.cancel(_uuid(order_id), call.now)
        case "GET", *_:
            return _seen(book, call)
    raise _nowhere()


def _seen(book: Book, call: Call) -> Any:
    match call.parts:
        case ("orders",):
            return _orders(book, call)
        case "orders", order_id:
            return views.order(book.order(_uuid(order_id), call.now))
        case ("orders:by_client_order_id",):
            return _by_client_order_id(book, call)
        case ("positions",):
            return [_position(book, call, holding.symbol) for holding in book.holdings(call.now)]
        case "positions", symbol:
            return _position(book, call, symbol)
        case "assets", symbol:
            return _asset(book, symbol)
        case ("clock",):
            return views.clock(book.sessions, call.now)
        case ("calendar",):
            return _calendar(book, call)
        case "stocks", "quotes", "latest":
            return _quotes(book, call)
    raise _nowhere()


def _orders(book: Book, call: Call) -> list[views.Json]:
    query = call.query
    status = reading.chosen(query, "status", {"open", "closed", "all"}, "open")
    is_newest_first = reading.chosen(query, "direction", {"asc", "desc"}, "desc") == "desc"
    after, until = reading.instant(query, "after"), reading.instant(query, "until")
    found = [
        order
        for order in book.shown(call.now)
        if (status == "all" or (order.status in OPEN) == (status == "open"))
        and (after is None or order.submitted_at > after)
        and (until is None or order.submitted_at < until)
    ]
    found.sort(key=lambda order: order.submitted_at, reverse=is_newest_first)
    return [views.order(order) for order in found[: reading.limit(query, 50, MOST_PER_PAGE)]]


def _by_client_order_id(book: Book, call: Call) -> views.Json:
    wanted = call.query.get("client_order_id", "")
    found = next((order for order in book.shown(call.now) if order.ticket.client_order_id == wanted), None)
    if found is None:
        raise RefusalError(404, 40410000, f"order not found for {wanted}")
    return views.order(found)


def _position(book: Book, call: Call, symbol: str) -> views.Json:
    found = next((holding for holding in book.holdings(call.now) if holding.symbol == symbol), None)
    if found is None:
        raise RefusalError(404, 40410000, "position does not exist")
    return views.position(found, book.free(symbol), book.prices[symbol].bid)


def _asset(book: Book, symbol: str) -> views.Json:
    if symbol not in book.assets:
        raise RefusalError(404, 40410000, f"asset not found for {symbol}")
    return views.asset(book.assets[symbol])


def _calendar(book: Book, call: Call) -> list[views.Json]:
    today = call.now.astimezone(NEW_YORK).date()
    first, last = (reading.day(call.query, name, today) for name in ("start", "end"))
    return [views.calendar(session) for session in book.sessions.between(first, last)]


def _quotes(book: Book, call: Call) -> views.Json:
    """The quotes of the symbols that are known; the others are silently absent."""
    reading.chosen(call.query, "feed", {"iex"}, "iex")
    symbols = [symbol for symbol in call.query.every("symbols") if symbol in book.prices]
    return {"quotes": {symbol: views.quote(book.prices[symbol], call.now) for symbol in symbols}}


def _nowhere() -> RefusalError:
    return RefusalError(404, 40410000, "endpoint not found")


def _uuid(words: str) -> str:
    try:
        return str(UUID(words))
    except ValueError:
        raise RefusalError(422, 40010001, f"order_id {words!r} is not a UUID") from None
