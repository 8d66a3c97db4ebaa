"""What each endpoint answers, from the book alone.

Where the service's own ways are not known: pages have 10 orders or positions, or 100 of anything else; the newest order
comes first; prices are whole numbers unless `decimals` says otherwise; an unknown name in a query or body is refused.
Left out: statements, performance, user and documents, older quotes, trades, bars, `sorting`, If-Modified-Since.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import urlencode

from bot.demo.lemon import reading, views
from bot.demo.lemon.book import BERLIN, Book, Holding, Order, RefusalError, Security
from bot.demo.lemon.views import Json
from bot.demo.serving import Query

TRADING: Final = frozenset({"orders", "positions", "account"})
STATUSES: Final = (
    "inactive", "activated", "open", "in_progress", "canceling", "executed", "canceled", "expired", "rejected",
)  # fmt: skip
ORDER_TYPES: Final = ("market", "limit", "stop", "stop_limit")
KINDS: Final = ("stock", "bond", "warrant", "fund", "etf", "etn", "etc")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request with a valid key: the parts of its path, and its full address without the query."""

    method: str
    parts: tuple[str, ...]
    address: str
    query: Query
    content_type: str
    body: bytes
    now: datetime


def answer(book: Book, call: Call) -> Json:
    """What the call is answered with, envelope left out; RefusalError."""
    found = _seen(book, call) if call.method == "GET" else _done(book, call)
    if found is None:
        raise RefusalError("resource_not_found", f"{call.method} /{'/'.join(call.parts)} is not known here", 404)
    return found


def _done(book: Book, call: Call) -> Json | None:
    match call.method, *call.parts:
        case "POST", "orders":
            today = call.now.astimezone(BERLIN).date()
            ticket = reading.ticket(call.body, call.content_type, today)
            return {"results": views.placed(book.place(ticket, call.now))}
        case "POST", "orders", order_id, "activate":
            reading.json_object(call.body)
            book.activate(order_id, call.now)
            return {}
        case "DELETE", "orders", order_id:
            book.cancel(order_id, call.now)
            return {}
    return None


def _seen(book: Book, call: Call) -> Json | None:
    match call.parts:
        case "orders", order_id:
            return {"results": _listed(book, book.order(order_id))}
        case ("orders",):
            return _orders(book, call)
        case ("positions",):
            return _positions(book, call)
        case ("account",):
            return {"results": views.account(book.balances(call.now))}
        case ("instruments",):
            return _instruments(book, call)
        case "quotes", "latest":
            return _quotes(book, call)
        case ("venues",):
            return _venues(book, call)
    return None


def _orders(book: Book, call: Call) -> Json:
    query = call.query
    reading.only(query, "from", "to", "isin", "side", "status", "type", "key_creation_id", "limit", "page")
    since, until = reading.instant(query, "from"), reading.instant(query, "to")
    isins, sides = query.every("isin"), reading.chosen(query, "side", ("buy", "sell"))
    statuses, types = reading.chosen(query, "status", STATUSES), reading.chosen(query, "type", ORDER_TYPES)
    found = [
        order
        for order in book.orders
        if (since is None or order.created_at >= since)
        and (until is None or order.created_at <= until)
        and (not isins or order.ticket.isin in isins)
        and (not sides or order.ticket.side in sides)
        and (not statuses or order.status in statuses)
        and (not types or "market" in types)
        and query.get("key_creation_id", views.KEY_ID) == views.KEY_ID
    ]
    return _pages(call, found, 10, lambda order: _listed(book, order))


def _positions(book: Book, call: Call) -> Json:
    reading.only(call.query, "isin", "limit", "page")
    isins = call.query.every("isin")
    held = [holding for holding in book.holdings() if not isins or holding.isin in isins]

    def view(holding: Holding) -> Json:
        return views.position(holding, book.securities[holding.isin].name, book.prices[holding.isin])

    return _pages(call, held, 10, view)


def _instruments(book: Book, call: Call) -> Json:
    query = call.query
    reading.only(query, "isin", "search", "type", "mic", "currency", "tradable", "limit", "page")
    isins, kinds = reading.isins(query), reading.chosen(query, "type", KINDS)
    search, tradable = query.get("search"), reading.flag(query, "tradable")
    found = [
        security
        for security in book.securities.values()
        if (not isins or security.isin in isins)
        and (search is None or views.matches(security, search))
        and (not kinds or security.type in kinds)
        and (tradable is None or security.is_tradable == tradable)
        and ("mic" not in query or ("xmun" in security.venues and _is_at_xmun(query)))
        and query.get("currency", "EUR") == "EUR"
    ]
    is_open = book.sessions.open_at(call.now) is not None

    def view(security: Security) -> Json:
        return views.instrument(security, is_open=is_open)

    return _pages(call, found, 100, view)


def _quotes(book: Book, call: Call) -> Json:
    reading.only(call.query, "isin", "mic", "decimals", "epoch", "limit", "page")
    decimals, epoch = (bool(reading.flag(call.query, name)) for name in ("decimals", "epoch"))
    isins = reading.isins(call.query)
    if not isins:
        raise RefusalError("invalid_query", "isin is missing")
    found = [isin for isin in dict.fromkeys(isins) if isin in book.prices and _is_at_xmun(call.query)]

    def view(isin: str) -> Json:
        return views.quote(isin, book.prices[isin], call.now, decimals=decimals, epoch=epoch)

    return _pages(call, found, 100, view)


def _venues(book: Book, call: Call) -> Json:
    reading.only(call.query, "mic", "limit", "page")
    venues = [views.venue(book.sessions, call.now)] if _is_at_xmun(call.query) else []
    return _pages(call, venues, 100, lambda venue: venue)


def _pages(call: Call, items: Sequence[Item], default: int, view: Callable[[Item], Json]) -> Json:
    """One page of the items, and the full addresses of its neighbours, with the same filters."""
    limit, page = reading.page(call.query, default)
    pages = -(-len(items) // limit)
    shown = items[(page - 1) * limit : page * limit]
    return {
        "results": [view(item) for item in shown],
        "previous": _address(call, page - 1) if page > 1 else None,
        "next": _address(call, page + 1) if page < pages else None,
        "total": len(items),
        "page": page,
        "pages": pages,
    }


def _address(call: Call, page: int) -> str:
    kept = [(name, value) for name, value in call.query.pairs if name != "page"]
    return f"{call.address}?{urlencode([*kept, ('page', page)])}"


def _listed(book: Book, order: Order) -> Json:
    return views.listed(order, book.securities[order.ticket.isin].name)


def _is_at_xmun(query: Query) -> bool:
    """Whether the query is about the one exchange there is."""
    mics = query.every("mic")
    return not mics or "XMUN" in mics
