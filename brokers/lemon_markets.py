"""lemon.markets' paper account, by its retail API v1: shares by ISIN, EUR, orders placed inactive and then activated.

The retail service is gone; what can be asked today is a stand-in or a compatible server. Orders are placed under our
own id (`idempotency`), which cannot be asked for there: an order whose answer was lost is searched among all orders of
its ISIN. Format: the "Trading API" and "Market Data API" of https://docs.lemon.markets as of 2022.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from bot.errors import BrokerError, ConfigError, NotPaperError, OrderRefusedError
from bot.model import Account, Instrument, Order, OrderIntent, Position, Quote, Terms
from bot.plugins import Kit
from bot.ports import Clock
from bot.settings import paper_url
from brokers.lemon_api import (
    MOST,
    Api,
    ApiError,
    Row,
    euros,
    instant,
    results,
    shown,
    text,
    unexpected,
    whole,
)
from brokers.lemon_orders import CURRENCY, REFUSALS, SEEN_BEFORE, facts, listed, ours, path, title, told

FEE: Final = Decimal(2)
UNKNOWN: Final = "order_not_found"
MIC: Final = "XMUN"  # gettex; the trading API writes it in small letters
BERLIN: Final = ZoneInfo("Europe/Berlin")
AHEAD: Final = timedelta(minutes=5)  # how far the clocks of two machines may be apart
LONGEST: Final = timedelta(days=30)  # no order lives longer
PAGE: Final = "100"  # orders: ten times what a page has unasked, and what pages of market data have
LETTERS: Final = 4  # fewer find nothing
CANDIDATES: Final = 50
ISIN: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
CLOCK_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
# The legal form and share class a company's name ends with: NORTHWIND ROBOTICS INC-CL A.
FORM: Final = re.compile(
    r"([\s,/&-]+(AB|ADRS?|ADS|AG|ASA|CL(ASS)? [A-Z]|COM|COMMON|COMPANY|COS?|CORP|CORPORATION|INC|INCORPORATED|LIMITED|"
    r"LLC|LP|LTD|NV|ORD|PLC|SA|SE|SHARES|SHS|SP|SPONS?|SPONSORED|STOCK|THE|(?<=-)[A-Z])\.?)+$",
    re.IGNORECASE,
)


def broker(kit: Kit) -> "LemonMarkets":
    """The paper account the settings name; NotPaperError when their address could be a real one."""
    settings = kit.settings
    url, key = settings.lemon_markets_url, settings.lemon_markets_key
    if not url or not key:
        wanted = {"BOT_LEMON_MARKETS_URL": url, "BOT_LEMON_MARKETS_KEY": key}
        missing = " and ".join(name for name, value in wanted.items() if not value)
        raise ConfigError(f"lemon_markets needs {missing}: write the stand-in's or server's own")
    try:
        paper_url(url)
    except ValueError as error:
        raise NotPaperError(f"BOT_LEMON_MARKETS_URL: {error}") from None
    data_url, data_key = settings.lemon_markets_data_url, settings.lemon_markets_data_key
    names = (
        "BOT_LEMON_MARKETS_DATA_URL" if data_url else "BOT_LEMON_MARKETS_URL",
        "BOT_LEMON_MARKETS_DATA_KEY" if data_key else "BOT_LEMON_MARKETS_KEY",
    )
    return LemonMarkets(
        trading=Api(kit.http, url, key, settings=("BOT_LEMON_MARKETS_URL", "BOT_LEMON_MARKETS_KEY"), paper=True),
        data=Api(kit.http, data_url or url, data_key or key, settings=names, paper=False),
        clock=kit.clock,
        venue=settings.lemon_markets_venue,
        minimum=settings.lemon_markets_minimum,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LemonMarkets:
    """A paper account at `trading`, quoted at `data`; `venue` is where orders go and `minimum` their least worth."""

    name: ClassVar[str] = "lemon_markets"
    two_step: ClassVar[bool] = True
    needs_isin: ClassVar[bool] = True
    mic: ClassVar[str | None] = MIC
    idempotent: ClassVar[bool] = True
    """An id is taken once: the same one again is refused, and the first order stands."""
    key_ttl: ClassVar[timedelta | None] = timedelta(days=7)
    lookup_by_key: ClassVar[bool] = True
    """By looking through all orders: its answers carry our id, but it cannot be asked for."""
    list_all_statuses: ClassVar[bool] = True
    visibility_lag: ClassVar[timedelta] = timedelta(seconds=10)
    """A guess: nothing is known of any."""
    paper_proof: ClassVar[str] = "mode"
    """The member that proves paper in every answer about trading."""

    trading: Api
    data: Api
    clock: Clock
    venue: str
    minimum: Decimal

    @property
    def queues(self) -> bool:
        """Never at gettex, which fills an active order as soon as it is open; `allday` has no sessions to wait for."""
        return self.venue == "allday"

    def account(self) -> Account:
        """The balance, less what open orders are expected to cost."""
        row = results(self.trading.get("/account/"))
        if row.get("mode", "paper") != "paper":
            raise NotPaperError(f"lemon_markets says that the account's mode is {shown(row['mode'])}")
        return Account(
            id=text(row, "account_id"),
            currency=CURRENCY,
            cash=euros(row, "balance", least=-MOST),
            available=euros(row, "cash_to_invest", least=-MOST),
        )

    def positions(self) -> Sequence[Position]:
        """Every open position, under the title the broker has for the share."""
        rows = list(self.trading.rows("/positions/", "isin"))
        return [_position(row) for row in rows if whole(row, "quantity")]

    def quote(self, instrument: Instrument, at: datetime) -> Quote | None:
        """Bid and ask at gettex; None without an ISIN, or without a quote whose two sides make a market.

        BrokerError when the quote is dated more than five minutes ahead: one of the clocks is wrong.
        """
        if instrument.isin is None:
            return None
        asked = {"isin": instrument.isin, "mic": MIC, "decimals": "false", "epoch": "false"}
        rows = list(self.data.rows("/quotes/latest/", "isin", **asked))
        if not rows or not rows[0].get("b") or not rows[0].get("a"):
            return None
        row = rows[0]
        if len(rows) > 1 or (row["isin"], row.get("mic")) != (instrument.isin, MIC):
            raise BrokerError(f"lemon_markets was asked for {instrument.isin} at {MIC} and quotes something else")
        dated = instant(row, "t")
        if dated > at + AHEAD:
            raise BrokerError(
                f"lemon_markets has a quote of {dated:%Y-%m-%d %H:%M} UTC, which is still to come: a clock is wrong"
            )
        bid, ask = euros(row, "b", least=1), euros(row, "a", least=1)
        if bid > ask:
            return None
        # What is dated a moment ahead of our own clock is of now.
        return Quote(symbol=instrument.symbol, bid=bid, ask=ask, currency=CURRENCY, at=min(dated, at))

    def terms(self) -> Terms:
        """The fee of the price list, and the smallest order of the settings."""
        return Terms(fee=FEE, minimum=self.minimum)

    def closed(self, at: datetime) -> str | None:
        """Why gettex takes no order, by its own days, hours and word; the paper venue `allday` never closes."""
        if self.venue == "allday":
            return None
        rows = list(self.data.rows("/venues/", "mic", mic=MIC))
        if [row["mic"] for row in rows] != [MIC]:
            raise BrokerError(f"lemon_markets was asked for the venue {MIC} and describes another, or none")
        return _closed(rows[0], at.astimezone(BERLIN))

    def isin_candidates(self, symbol: str, name: str) -> Iterable[str]:
        """ISINs of the tradable shares its search finds by the company's name, and by the symbol."""
        company = FORM.sub("", name.strip())
        word = next((word for word in company.split() if len(word) >= LETTERS), "")
        found = self._isins(company) or self._isins(word) or self._isins(name)
        return list(dict.fromkeys([*found, *self._isins(symbol)]))

    def submit(self, intent: OrderIntent) -> Order:
        """Place the order, inactive; when the broker says no, an earlier attempt's order is looked for first."""
        order = intent.order()
        if order.isin is None or order.currency != CURRENCY or order.quantity < 1 or order.quantity % 1:
            raise OrderRefusedError(f"lemon_markets takes whole shares by ISIN in {CURRENCY} only; nothing was sent")
        body = {**facts(order), "notes": order.client_order_id, "venue": self.venue}
        try:
            answer = self.trading.post("/orders/", {**body, "expires_at": intent.session.isoformat()})
        except ApiError as error:
            return self._refused(order, error)
        return told(order, results(answer))

    def activate(self, broker_order_id: str) -> None:
        """Send an inactive order to the market."""
        try:
            self.trading.post(path(broker_order_id) + "activate/", {})
        except ApiError as error:
            if error.code in REFUSALS and error.definite:
                raise OrderRefusedError(str(error)) from None
            if error.code != "order_not_inactive":
                raise

    def find(self, order: Order) -> Order | None:
        """The order under the broker's id for it, else the one among all of its ISIN that carries ours."""
        if order.broker_order_id is None:
            return self._search(order)
        try:
            answer = self.trading.get(path(order.broker_order_id))
        except ApiError as error:
            if error.code == UNKNOWN and error.definite:
                return None
            raise
        return told(order, results(answer))

    def cancel(self, broker_order_id: str) -> None:
        """Ask for the end of an order, which may still be filled until it is canceled; over or unknown is no error."""
        try:
            self.trading.delete(path(broker_order_id))
        except ApiError as error:
            is_unknown = error.code == UNKNOWN and error.definite
            if not is_unknown and not self._is_ending(broker_order_id):
                raise

    def orders(self, since: datetime) -> Sequence[Order]:
        """Every order placed since that day began, newest first, whatever became of it and whoever sent it.

        BrokerError when the pages are not seen to be complete.
        """
        # A day begins in Germany before it does in UTC.
        params = {"from": since.astimezone(UTC).date().isoformat(), "limit": PAGE}
        rows = self.trading.rows("/orders/", "id", **params)
        return [listed(row) for row in rows]

    def _refused(self, order: Order, error: ApiError) -> Order:
        """The order that exists all the same; OrderRefusedError when there is none and the no was a decision."""
        if error.code not in REFUSALS or not error.definite:
            raise error
        if known := self._search(order):
            return known
        if error.code == SEEN_BEFORE:
            raise BrokerError(f"lemon_markets knows {order.client_order_id}, but shows no order under it") from None
        raise OrderRefusedError(str(error)) from None

    def _search(self, order: Order) -> Order | None:
        """The order among all of its ISIN."""
        if order.isin is None:
            return None
        since = (order.valid_from or self.clock()) - LONGEST
        params = {"isin": order.isin, "from": since.date().isoformat()}
        return ours(order, list(self.trading.rows("/orders/", "id", **params)))

    def _is_ending(self, broker_order_id: str) -> bool:
        """Whether nothing is left to cancel."""
        row = results(self.trading.get(path(broker_order_id)))
        return row.get("status") == "canceling" or listed(row).status.is_final

    def _isins(self, words: str) -> list[str]:
        """The ISINs of the first tradable shares that match."""
        if len(words) < LETTERS:
            return []
        rows = self.data.rows("/instruments/", "isin", search=words, type="stock", tradable="true")
        found = [row["isin"] for row in islice(rows, CANDIDATES) if row.get("type") == "stock"]
        return [isin for isin in found if ISIN.fullmatch(isin)]


def _position(row: Row) -> Position:
    return Position(
        symbol=title(row),
        isin=text(row, "isin"),
        quantity=Decimal(whole(row, "quantity")),
        average_price=euros(row, "buy_price_avg", least=1),
        currency=CURRENCY,
    )


def _closed(venue: Row, now: datetime) -> str | None:
    """Why the venue is closed at this time of its own; None when it is open."""
    hours, days, is_open = venue.get("opening_hours"), venue.get("opening_days"), venue.get("is_open")
    if not isinstance(hours, dict) or hours.get("timezone") != BERLIN.key:
        raise unexpected("opening_hours", f"hours in {BERLIN.key}", hours)
    if not isinstance(days, list):
        raise unexpected("opening_days", "a list of dates", days)
    if not isinstance(is_open, bool):
        raise unexpected("is_open", "true or false", is_open)
    start, end = _clock_time(hours, "start"), _clock_time(hours, "end")
    if now.date().isoformat() not in days:
        return f"{MIC} is closed on {now:%Y-%m-%d}"
    if not start <= now.time() < end:
        return f"{MIC} is open from {start:%H:%M} to {end:%H:%M} in Berlin only"
    return None if is_open else f"{MIC} is closed at the moment, says lemon_markets"


def _clock_time(hours: Row, name: str) -> time:
    if not CLOCK_TIME.fullmatch(words := text(hours, name)):
        raise unexpected(name, "a time such as 08:00", words)
    return time.fromisoformat(words)
