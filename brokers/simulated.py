"""The embedded broker: a paper account with cash, fees and spread, two-step like the real one it stands for.

An order is placed inactive and does nothing until it is activated. An active order is filled at the first price of the
session it is meant for, or at the current price when it is activated while that session is under way; without a price
by the end of the session it expires. When somebody looks makes no difference. A buy pays the ask, a sale gets the bid:
half the spread on either side of the price.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final

from bot.errors import ConfigError, OrderRefusedError
from bot.model import Account, Fill, Instrument, Order, OrderIntent, OrderStatus, Position, Quote, Side, Terms
from bot.plugins import Kit
from bot.ports import Clock, PaperBook, Prices

CURRENCY: Final = "USD"
PREFIX: Final = "sim-"
CURRENT: Final = timedelta(minutes=15)  # an older price is not what an order meets that is activated in the session


def broker(kit: Kit) -> "SimulatedBroker":
    """The simulated broker with the conditions of the settings."""
    if kit.book is None or kit.prices is None:
        raise ConfigError("the simulated broker needs a place for its account and quotes")
    settings = kit.settings
    return SimulatedBroker(
        book=kit.book,
        prices=kit.prices,
        clock=kit.clock,
        conditions=Terms(fee=settings.simulated_fee, minimum=settings.simulated_minimum),
        spread=settings.simulated_spread,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedBroker:
    """A paper account in `book`, filled at `prices`; `spread` is a fraction of the price."""

    name: ClassVar[str] = "simulated"
    two_step: ClassVar[bool] = True
    needs_isin: ClassVar[bool] = False
    mic: ClassVar[str | None] = None
    queues: ClassVar[bool] = True
    idempotent: ClassVar[bool] = True
    key_ttl: ClassVar[timedelta | None] = None
    lookup_by_key: ClassVar[bool] = True
    list_all_statuses: ClassVar[bool] = True
    visibility_lag: ClassVar[timedelta] = timedelta(0)
    paper_proof: ClassVar[str] = ""

    book: PaperBook
    prices: Prices
    clock: Clock
    conditions: Terms
    spread: Decimal = Decimal(0)

    def account(self) -> Account:
        """Cash, less what open buys are expected to cost."""
        cash = self.book.cash()
        reserved = sum((self._cost(order) for order in self._open(Side.BUY)), Decimal(0))
        return Account(id=self.name, currency=CURRENCY, cash=cash, available=cash - reserved)

    def positions(self) -> Sequence[Position]:
        """Every open position."""
        return self.book.positions()

    def quote(self, instrument: Instrument, at: datetime) -> Quote | None:
        """The last known price with half the spread on either side."""
        return self._quote(instrument.symbol, at)

    def terms(self) -> Terms:
        """Fee and smallest order."""
        return self.conditions

    def closed(self, at: datetime) -> str | None:  # noqa: ARG002
        """Never: orders are kept for the session they are meant for."""
        return None

    def isin_candidates(self, symbol: str, name: str) -> Iterable[str]:  # noqa: ARG002
        """None: this broker trades symbols."""
        return ()

    def submit(self, intent: OrderIntent) -> Order:
        """Place the order, inactive; the same id again returns the order that is there."""
        if known := self.find(intent.order()):
            return known
        order = replace(
            intent.order(),
            broker_order_id=PREFIX + intent.client_order_id,
            status=OrderStatus.INACTIVE,
            updated_at=self.clock(),
        )
        if problem := self._refusal(order):
            raise OrderRefusedError(problem)
        return self.book.place(order)

    def activate(self, broker_order_id: str) -> None:
        """Send an inactive order to the market."""
        order = self.book.order(broker_order_id.removeprefix(PREFIX))
        if order and order.status is OrderStatus.INACTIVE:
            working = replace(order, status=OrderStatus.WORKING, updated_at=self.clock())
            self.book.change(working, OrderStatus.INACTIVE)

    def find(self, order: Order) -> Order | None:
        """The order as it stands now, the market's moves since we last looked included."""
        return self._now(order.client_order_id)

    def cancel(self, broker_order_id: str) -> None:
        """End an order, unless the market has filled it before; over or unknown is no error."""
        key = broker_order_id.removeprefix(PREFIX)
        while (order := self._now(key)) and not order.status.is_final:  # changed by somebody else: look again
            canceled = replace(order, status=OrderStatus.CANCELED, reason="canceled", updated_at=self.clock())
            self.book.change(canceled, order.status)

    def orders(self, since: datetime) -> Sequence[Order]:  # noqa: ARG002
        """Every order there ever was as it stands now, oldest first."""
        for order in self.book.orders(OrderStatus.WORKING):
            self._settle(order)
        return self.book.orders()

    def _now(self, client_order_id: str) -> Order | None:
        known = self.book.order(client_order_id)
        if known is None or known.status is not OrderStatus.WORKING:
            return known
        self._settle(known)
        return self.book.order(client_order_id)

    def _settle(self, order: Order) -> None:
        """Fill a working order at the first price its session has for it, or let it expire with the session."""
        now = self.clock()
        if order.valid_from is None or order.valid_until is None or order.updated_at is None:
            return
        start = max(order.valid_from, order.updated_at)
        current = self._quote(order.symbol, start) if start <= now else None
        if current is None or current.at < max(order.valid_from, start - CURRENT):
            current = self._with_spread(self.prices.first(order.symbol, start, min(now, order.valid_until)))
        if current and current.currency == order.currency and start < order.valid_until:
            self._fill(order, current, max(start, current.at))
        elif now >= order.valid_until:
            expired = replace(order, status=OrderStatus.EXPIRED, reason="no price in its session", updated_at=now)
            self.book.change(expired, OrderStatus.WORKING)

    def _fill(self, order: Order, quote: Quote, at: datetime) -> None:
        price, fee = (quote.ask if order.side is Side.BUY else quote.bid), self.conditions.fee
        problem = (
            self._not_held(order)
            if order.side is Side.SELL
            else _short_of(order.quantity * price + fee, self.book.cash())
        )
        if problem:
            rejected = replace(order, status=OrderStatus.REJECTED, reason=problem, updated_at=at)
            self.book.change(rejected, OrderStatus.WORKING)
            return
        done = replace(order, status=OrderStatus.FILLED, filled=order.quantity, price=price, fee=fee, updated_at=at)
        fill = Fill(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            price=price,
            fee=fee,
            currency=order.currency,
            at=at,
        )
        self.book.fill(done, fill)

    def _refusal(self, order: Order) -> str | None:
        """Why the account does not take this order, or None."""
        quote = self._quote(order.symbol, self.clock())
        if quote is None or quote.currency != order.currency:
            return f"there is no quote for {order.symbol} in {order.currency}"
        if order.side is Side.SELL:
            return self._not_held(order, others=self._open(Side.SELL))
        worth, least = order.quantity * quote.ask, self.conditions.minimum
        if worth < least:
            return f"worth {worth:,.2f} {CURRENCY}, below the smallest order of {least:,.2f}"
        return _short_of(worth + self.conditions.fee, self.account().available)

    def _not_held(self, order: Order, others: Iterable[Order] = ()) -> str | None:
        """Why these shares cannot be sold, or None; what `others` sell is not there to be sold again."""
        held = sum((p.quantity for p in self.positions() if p.symbol == order.symbol), Decimal(0))
        held -= sum((other.quantity for other in others if other.symbol == order.symbol), Decimal(0))
        return None if order.quantity <= held else f"{order.quantity} shares to sell, {held} held"

    def _open(self, side: Side) -> Iterator[Order]:
        """The orders of this side that can still be filled; one never activated ends with its session."""
        now = self.clock()
        for order in self.book.orders(OrderStatus.INACTIVE, OrderStatus.WORKING):
            over = order.status is OrderStatus.INACTIVE and order.valid_until is not None and now >= order.valid_until
            if order.side is side and not over:
                yield order

    def _cost(self, order: Order) -> Decimal:
        quote = self._quote(order.symbol, self.clock())
        return order.quantity * quote.ask + self.conditions.fee if quote else Decimal(0)

    def _quote(self, symbol: str, at: datetime) -> Quote | None:
        return self._with_spread(self.prices.quote(symbol, at))

    def _with_spread(self, quote: Quote | None) -> Quote | None:
        if quote is None or not self.spread:
            return quote
        half = self.spread / 2
        tick = Decimal("0.0001")
        return replace(quote, bid=(quote.bid * (1 - half)).quantize(tick), ask=(quote.ask * (1 + half)).quantize(tick))


def _short_of(cost: Decimal, available: Decimal) -> str | None:
    if cost <= available:
        return None
    return f"insufficient funds: {cost:,.2f} needed, {available:,.2f} {CURRENCY} available"
