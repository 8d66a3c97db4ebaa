"""Alpaca's paper account: US shares by symbol, in US dollars, in one step: an order that is submitted is live.

Orders go out under our own id (`client_order_id`), which is refused for ever once it was used, and are found by it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import ClassVar, Final
from urllib.parse import urlsplit

from bot.errors import BrokerError, ConfigError, NotPaperError, OrderRefusedError
from bot.model import NEW_YORK, Account, Instrument, Order, OrderIntent, Position, Quote, Terms
from bot.plugins import Kit
from bot.settings import LOOPBACK, paper_url
from brokers.alpaca_api import Api, ApiError, Row, amount, flag, instant, one, price, several, text, unexpected
from brokers.alpaca_orders import CURRENCY, body, listed, ours, path, theirs, told

PAPER_URL: Final = "https://paper-api.alpaca.markets"
DATA_URL: Final = "https://data.alpaca.markets"  # one host for everybody: nothing can be ordered there
PAPER_PREFIX: Final = "PA"  # of every paper account's number
SEEN_BEFORE: Final = 40010001
FEED: Final = "iex"  # the feed that needs no subscription
AHEAD: Final = timedelta(minutes=5)  # how far the clocks of two machines may be apart
STALE: Final = timedelta(days=1)  # the feed is of one exchange, where a thinly traded share may rest for long
WIDEST: Final = Decimal("0.1")  # spread, as a share of the ask: wider ones are what is left when nobody quotes
FINEST: Final = 9  # decimals of a fractional quantity
PAGE: Final = 500
MAX_PAGES: Final = 100
CLOCK_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
SYMBOL: Final = re.compile(r"[A-Z0-9.]{1,20}")
TICK: Final = timedelta(microseconds=1)


def broker(kit: Kit) -> "Alpaca":
    """The paper account the settings name; NotPaperError when their address could be a real one."""
    settings = kit.settings
    url, key, secret = settings.alpaca_url, settings.alpaca_key, settings.alpaca_secret
    if not key or not secret:
        wanted = {"BOT_ALPACA_KEY": key, "BOT_ALPACA_SECRET": secret}
        missing = " and ".join(name for name, value in wanted.items() if not value)
        raise ConfigError(f"alpaca needs {missing}: write those of your paper account")
    return Alpaca(api=Api(kit.http, url, _data_url(url), key, secret))


@dataclass(frozen=True, slots=True, kw_only=True)
class Alpaca:
    """A paper account behind `api`."""

    name: ClassVar[str] = "alpaca"
    two_step: ClassVar[bool] = False
    needs_isin: ClassVar[bool] = False
    mic: ClassVar[str | None] = "XNYS"  # every US exchange it routes to keeps these days and hours
    queues: ClassVar[bool] = False  # an order for the next session would be filled in the one under way
    idempotent: ClassVar[bool] = True
    """An id is taken once: the same one again is refused, and the first order stands."""
    key_ttl: ClassVar[timedelta | None] = None
    """How long that holds: for ever."""
    lookup_by_key: ClassVar[bool] = True
    list_all_statuses: ClassVar[bool] = True
    visibility_lag: ClassVar[timedelta] = timedelta(seconds=10)
    """How long an order or a fill may stay out of what is listed."""
    paper_proof: ClassVar[str] = "account_number"
    """The field of the account that proves paper; answers about orders have none."""

    api: Api

    def account(self) -> Account:
        """Cash, less what open buys have reserved; what could be borrowed is not counted."""
        row = one(self.api.get("/v2/account"))
        number = text(row, "account_number")
        if not number.startswith(PAPER_PREFIX):
            raise NotPaperError(
                f"alpaca has account {number[:2]}… where one of paper trading ({PAPER_PREFIX}…) belongs"
            )
        if (currency := text(row, "currency")) != CURRENCY:
            raise unexpected("currency", CURRENCY, currency)
        cash = amount(row, "cash")
        available = min(cash, amount(row, "non_marginable_buying_power"))
        return Account(id=number, currency=CURRENCY, cash=cash, available=available)

    def positions(self) -> Sequence[Position]:
        """Every open position; what is sold short is below zero."""
        return [_position(row) for row in several(self.api.get("/v2/positions"))]

    def quote(self, instrument: Instrument, at: datetime) -> Quote | None:
        """Bid and ask of the last day at the exchange whose feed is free, where the two sides make a market; or None.

        BrokerError when the quote is dated more than five minutes ahead: one of the clocks is wrong.
        """
        symbol = theirs(instrument.symbol)
        rows = one(self.api.data("/v2/stocks/quotes/latest", symbols=symbol, feed=FEED)).get("quotes")
        if not isinstance(rows, dict):
            raise unexpected("quotes", "an object", rows)
        if symbol not in rows:
            return None
        row = one(rows[symbol])
        bid, ask, dated = price(row, "bp"), price(row, "ap"), instant(row, "t")
        if dated > at + AHEAD:
            raise BrokerError(
                f"alpaca has a quote of {dated:%Y-%m-%d %H:%M} UTC, which is still to come: a clock is wrong"
            )
        if not 0 < bid <= ask or ask - bid > WIDEST * ask or dated < at - STALE:
            return None
        # What is dated a moment ahead of our own clock is of now.
        return Quote(symbol=instrument.symbol, bid=bid, ask=ask, currency=CURRENCY, at=min(dated, at))

    def terms(self) -> Terms:
        """No fee, and a dollar at least."""
        return Terms(minimum=Decimal(1))

    def closed(self, at: datetime) -> str | None:
        """Why the exchanges are closed, by Alpaca's calendar and its word; an order would wait for their open."""
        now = at.astimezone(NEW_YORK)
        day = now.date().isoformat()
        days = several(self.api.get("/v2/calendar", start=day, end=day))
        hours = next((row for row in days if text(row, "date") == day), None)
        if hours is None:
            return f"the US exchanges are closed on {day}"
        opens, closes = _time_of_day(hours, "open"), _time_of_day(hours, "close")
        if not opens <= now.time() < closes:
            return f"the US exchanges are open from {opens:%H:%M} to {closes:%H:%M} in New York only"
        is_open = flag(one(self.api.get("/v2/clock")), "is_open")
        return None if is_open else "the US exchanges are closed at the moment, says alpaca"

    def isin_candidates(self, symbol: str, name: str) -> Iterable[str]:  # noqa: ARG002
        """None: this broker trades symbols."""
        return ()

    def submit(self, intent: OrderIntent) -> Order:
        """Send the order, which is live from then on; when anybody says no, an earlier attempt's order comes first.

        NotPaperError, before anything is sent, when the account does not prove paper.
        """
        order = intent.order()
        self.account()
        if problem := _unfit(order) or self._untradable(order):
            return self._refused(order, problem)
        try:
            answer = self.api.post("/v2/orders", body(order))
        except ApiError as error:
            return self._refused(order, str(error), code=error.code, status=error.status)
        return told(order, one(answer))

    def activate(self, broker_order_id: str) -> None:
        """Nothing: what was submitted is live."""

    def find(self, order: Order) -> Order | None:
        """The order under our id for it."""
        asked = {"client_order_id": order.client_order_id}
        try:
            return told(order, one(self.api.get("/v2/orders:by_client_order_id", **asked)))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def cancel(self, broker_order_id: str) -> None:
        """Ask for the end of an order, which may still be filled until it is canceled; over or unknown is no error."""
        try:
            self.api.delete(path(broker_order_id))
        except ApiError as error:
            if error.status != 404 and not self._is_ending(broker_order_id):
                raise

    def orders(self, since: datetime) -> Sequence[Order]:
        """Every order submitted since then, oldest first, whatever became of it and whoever sent it.

        BrokerError when the pages are not seen to be complete. An order of several legs is told by its legs.
        """
        newest = several(self.api.get("/v2/orders", status="all", direction="desc", limit="1", after=_stamp(since)))
        found: dict[str, Row] = {}
        for _ in range(MAX_PAGES):
            page = self._page(since)
            new = {name: row for row in page if (name := text(row, "id")) not in found}
            if not new:
                break
            found |= new
            since = max(instant(row, "submitted_at") for row in page)
        else:
            raise BrokerError(f"alpaca: there are more than {MAX_PAGES} pages of orders; ask for fewer days")
        if any(text(row, "id") not in found for row in newest):
            raise BrokerError("alpaca: the pages of orders end before the newest of them; try again later")
        return [listed(row) for row in found.values() if row.get("order_class") != "mleg"]

    def _page(self, since: datetime) -> list[Row]:
        return several(self.api.get("/v2/orders", status="all", direction="asc", limit=str(PAGE), after=_stamp(since)))

    def _untradable(self, order: Order) -> str | None:
        """Why the share is not traded here, or None."""
        symbol = theirs(order.symbol)
        try:
            row = one(self.api.get(f"/v2/assets/{symbol}"))
        except ApiError as error:
            if error.status == 404:
                return f"alpaca does not know {symbol}"
            raise
        if text(row, "status") != "active" or not flag(row, "tradable"):
            return f"{symbol} is not traded at alpaca"
        if order.quantity % 1 and not flag(row, "fractionable"):
            return f"{symbol} is traded in whole shares only"
        return None

    def _refused(self, order: Order, problem: str, *, code: int = 0, status: int = 0) -> Order:
        """The order that exists all the same; OrderRefusedError when there is none."""
        if known := self.find(order):
            return known
        if code == SEEN_BEFORE or status == 409:
            raise BrokerError(f"alpaca knows {order.client_order_id}, but shows no order under it: {problem}") from None
        raise OrderRefusedError(problem) from None

    def _is_ending(self, broker_order_id: str) -> bool:
        """Whether nothing is left to cancel."""
        row = one(self.api.get(path(broker_order_id)))
        return text(row, "status") == "pending_cancel" or listed(row).status.is_final


def _data_url(url: str) -> str:
    """Whom to ask for market data; NotPaperError when this is not where Alpaca's paper orders go, or a stand-in."""
    try:
        host = urlsplit(paper_url(url)).hostname
    except ValueError as error:
        raise NotPaperError(f"BOT_ALPACA_URL: {error}") from None
    if url != PAPER_URL and host not in LOOPBACK:
        raise NotPaperError(f"BOT_ALPACA_URL: {host} is not Alpaca's; write {PAPER_URL}, or a stand-in on this machine")
    return DATA_URL if url == PAPER_URL else url


def _unfit(order: Order) -> str | None:
    """Why this cannot be an order here, or None."""
    if not SYMBOL.fullmatch(theirs(order.symbol)):
        return f"alpaca has no such symbol as {order.symbol!r}; nothing was sent"
    if order.currency != CURRENCY or not 0 < order.quantity == round(order.quantity, FINEST):
        return f"alpaca takes shares in {CURRENCY} only, with up to {FINEST} decimals; nothing was sent"
    return None


def _position(row: Row) -> Position:
    if (side := text(row, "side")) not in {"long", "short"}:
        raise unexpected("side", "long or short", side)
    held = abs(amount(row, "qty"))
    return Position(
        symbol=ours(text(row, "symbol")),
        quantity=-held if side == "short" else held,
        average_price=amount(row, "avg_entry_price", least=Decimal(0)),
        currency=CURRENCY,
    )


def _time_of_day(row: Row, name: str) -> time:
    if not CLOCK_TIME.fullmatch(words := text(row, name)):
        raise unexpected(name, "a time such as 09:30", words)
    return time.fromisoformat(words)


def _stamp(since: datetime) -> str:
    """The instant before this one: the interface leaves out what was submitted exactly then."""
    return (since - TICK).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
