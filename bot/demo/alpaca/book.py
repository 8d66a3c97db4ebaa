"""The paper account behind the stand-in: orders and their life, positions, cash; a state machine without I/O.

Only market orders for one day exist. They are filled a moment after they arrive while the exchange is open, else at its
next open; a buy pays the ask, a sale gets the bid, and there are no fees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from bot.sessions import Sessions

MOMENT: Final = timedelta(milliseconds=1)
CUSHION: Final = Decimal("1.03")  # a market buy is checked at a price above the market
OPEN: Final = frozenset({"accepted", "new", "partially_filled", "pending_cancel"})


class RefusalError(Exception):
    """The service's no: HTTP status, its error code (None where it has none), a sentence, and what else it tells."""

    def __init__(self, status: int, code: int | None, message: str, **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.more = more


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One US share."""

    symbol: str
    name: str
    is_active: bool = True
    is_tradable: bool = True
    is_fractionable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Bid and ask in USD; without `at` they are always of this moment."""

    bid: Decimal
    ask: Decimal
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a new order asks for."""

    symbol: str
    side: str
    quantity: Decimal
    client_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order: accepted or new, filled at once or in parts, or canceled, or expired with its session."""

    id: str
    ticket: Ticket
    submitted_at: datetime
    opens_at: datetime
    expires_at: datetime
    status: str
    filled: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    filled_at: datetime | None = None
    cancel_asked_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def left(self) -> Decimal:
        """What is not filled yet."""
        return self.ticket.quantity - self.filled

    @property
    def average(self) -> Decimal | None:
        """What one share cost; None before the first fill."""
        return round(self.paid / self.filled, 6) if self.filled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """Shares that changed hands: the quantity is below zero for a sale."""

    symbol: str
    quantity: Decimal
    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Shares held, and what one of them cost on average."""

    symbol: str
    quantity: Decimal
    average: Decimal


class Book:
    """The account's state; call `settle` with the present instant before anything else.

    `lag` is how long orders and executions stay out of what is shown; with a `lot`, no more is filled at a time.
    """

    def __init__(self, assets: Sequence[Asset], prices: Mapping[str, Price], cash: Decimal, sessions: Sessions) -> None:
        self.assets = {asset.symbol: asset for asset in assets}
        self.prices = dict(prices)
        self.sessions = sessions
        self.lag = timedelta()
        self.lot: Decimal | None = None
        self._start = cash
        self._orders: dict[str, Order] = {}
        self._executions: list[Execution] = []

    @property
    def orders(self) -> list[Order]:
        """Every order, the oldest first."""
        return list(self._orders.values())

    def shown(self, now: datetime) -> list[Order]:
        """The orders that can be seen by now."""
        return [order for order in self.orders if now - order.submitted_at >= self.lag]

    def order(self, order_id: str, now: datetime) -> Order:
        """One order that can be seen by now; refused when there is none."""
        found = next((order for order in self.shown(now) if order.id == order_id), None)
        if found is None:
            raise RefusalError(404, 40410000, f"order not found for {order_id}")
        return found

    def settle(self, now: datetime) -> None:
        """Let happen what is due by now: fills, cancellations, and the end of orders whose session is over."""
        for order in self.orders:
            if order.status not in OPEN:
                continue
            due, cancel, end = self._fill_due(order), _cancel_due(order), order.expires_at
            at = due if self.lot is None else max(due, now)  # a lot at a time: the next one when somebody looks again
            if at <= now and at < min(cancel or end, end):
                self._fill(order, at)
            elif cancel and cancel <= now:
                self._keep(order, status="canceled", ended_at=cancel)
            elif end <= now:
                self._keep(order, status="expired", ended_at=end)
            elif order.status == "accepted" and order.opens_at <= now:
                self._keep(order, status="new")

    def take_over(self, orders: Sequence[Order]) -> None:
        """Keep orders that were placed and ended before, oldest first, and what they have done to cash and shares."""
        self._orders |= {order.id: order for order in orders}
        for order in orders:
            if order.average is not None and order.filled_at:
                self._execute(order, order.filled, order.average, order.filled_at)

    def place(self, ticket: Ticket, now: datetime) -> Order:
        """A new order, which is live."""
        if any(order.ticket.client_order_id == ticket.client_order_id for order in self.orders):
            raise RefusalError(422, 40010001, "client_order_id must be unique")
        self._refuse_untradable(ticket)
        self._refuse_uncovered(ticket)
        session = self.sessions.open_at(now) or self.sessions.next_open(now)
        order = Order(
            id=str(uuid4()),
            ticket=ticket,
            submitted_at=now,
            opens_at=session.opens,
            expires_at=session.closes,
            status="new" if session.opens <= now else "accepted",
        )
        self._orders[order.id] = order
        return order

    def cancel(self, order_id: str, now: datetime) -> None:
        """Ask for the end of an order; `settle` ends it a moment later, unless it is filled before."""
        order = self.order(order_id, now)
        if order.status not in OPEN:
            raise RefusalError(422, 42210000, f'order is already in "{order.status}" state')
        self._keep(order, status="pending_cancel", cancel_asked_at=order.cancel_asked_at or now)

    @property
    def cash(self) -> Decimal:
        """What is there after every execution."""
        return self._start - sum((each.quantity * each.price for each in self._executions), Decimal(0))

    @property
    def reserved(self) -> Decimal:
        """What open buys are expected to cost."""
        return sum((self._cost(order.ticket, order.left) for order in self._open("buy")), Decimal(0))

    def holdings(self, now: datetime | None = None) -> list[Holding]:
        """Every position that is not empty, as it can be seen by now; a sale leaves the average as it was."""
        held: dict[str, Holding] = {}
        for each in self._executions:
            if now and now - each.at < self.lag:
                continue
            before = held.get(each.symbol) or Holding(symbol=each.symbol, quantity=Decimal(0), average=Decimal(0))
            total, average = before.quantity + each.quantity, before.average
            if each.quantity > 0:
                average = (before.average * before.quantity + each.price * each.quantity) / total
            held[each.symbol] = Holding(symbol=each.symbol, quantity=total, average=average)
        return [holding for holding in held.values() if holding.quantity]

    def free(self, symbol: str) -> Decimal:
        """Shares held that no open sale is about to take."""
        held = sum((each.quantity for each in self.holdings() if each.symbol == symbol), Decimal(0))
        return held - sum((order.left for order in self._open("sell") if order.ticket.symbol == symbol), Decimal(0))

    def _open(self, side: str) -> list[Order]:
        return [order for order in self.orders if order.status in OPEN and order.ticket.side == side]

    def _keep(self, order: Order, **changes: Any) -> None:
        self._orders[order.id] = replace(order, **changes)

    def _fill_due(self, order: Order) -> datetime:
        return max((order.filled_at or order.submitted_at) + MOMENT, order.opens_at)

    def _fill(self, order: Order, at: datetime) -> None:
        """Fill the order, or a lot of it, at the price of the moment."""
        quantity = min(order.left, self.lot or order.left)
        quoted = self.prices[order.ticket.symbol]
        price = quoted.ask if order.ticket.side == "buy" else quoted.bid
        self._execute(order, quantity, price, at)
        is_done = quantity == order.left
        status = "filled" if is_done else order.status if order.cancel_asked_at else "partially_filled"
        filled, paid = order.filled + quantity, order.paid + quantity * price
        self._keep(order, status=status, filled=filled, paid=paid, filled_at=at)

    def _execute(self, order: Order, quantity: Decimal, price: Decimal, at: datetime) -> None:
        signed = quantity if order.ticket.side == "buy" else -quantity
        self._executions.append(Execution(symbol=order.ticket.symbol, quantity=signed, price=price, at=at))

    def _cost(self, ticket: Ticket, quantity: Decimal) -> Decimal:
        return quantity * self.prices[ticket.symbol].ask * CUSHION

    def _refuse_untradable(self, ticket: Ticket) -> None:
        asset = self.assets.get(ticket.symbol)
        if asset is None or ticket.symbol not in self.prices:
            raise RefusalError(422, 42210000, f'asset "{ticket.symbol}" not found')
        if not asset.is_active or not asset.is_tradable:
            raise RefusalError(422, 42210000, f'asset "{ticket.symbol}" is not tradable')
        if ticket.quantity % 1 and not asset.is_fractionable:
            raise RefusalError(422, 42210000, f'asset "{ticket.symbol}" is not fractionable')
        opposite = self._open("sell" if ticket.side == "buy" else "buy")
        if any(order.ticket.symbol == ticket.symbol for order in opposite):
            raise RefusalError(422, 42210000, "potential wash trade: an opposite order is open")

    def _refuse_uncovered(self, ticket: Ticket) -> None:
        """A buy needs cash that is not reserved, a sale shares that no other sale is about to take."""
        if ticket.side == "buy":
            available, cost = self.cash - self.reserved, self._cost(ticket, ticket.quantity)
            if cost > available:
                more = {"buying_power": str(available), "cost_basis": str(cost)}
                raise RefusalError(403, 40310000, "insufficient buying power", **more)
        elif ticket.quantity > (free := self.free(ticket.symbol)):
            more = {"available": str(free), "symbol": ticket.symbol}
            raise RefusalError(403, 40310000, "insufficient qty available for order", **more)


def _cancel_due(order: Order) -> datetime | None:
    return order.cancel_asked_at + MOMENT if order.cancel_asked_at else None
