"""The paper account behind the stand-in: orders and their life, positions, cash; a state machine without I/O.

All money is whole numbers of 1/10000 EUR, as the service counts it. Only market orders exist.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from bot.sessions import Sessions

BERLIN: Final = ZoneInfo("Europe/Berlin")
UNITS: Final = 10_000  # per EUR
CHARGE: Final = 2 * UNITS
MOST_PER_ORDER: Final = 25_000 * UNITS
MOST_PER_DAY: Final = 1_000
KEY_LASTS: Final = timedelta(days=7)
DAY_ENDS: Final = time(23, 59)


class RefusalError(Exception):
    """The service's no: its error code, a sentence, and the HTTP status that goes with it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """One tradable share; `symbol` is the German one, `venues` are where orders for it are taken."""

    isin: str
    wkn: str
    name: str
    title: str
    symbol: str
    type: str = "stock"
    is_tradable: bool = True
    venues: tuple[str, ...] = ("xmun", "allday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Bid and ask in EUR, to four decimals; without `at` they are always of this moment."""

    bid: Decimal
    ask: Decimal
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a new order asks for; it ends with the day `expires_on`."""

    isin: str
    side: str
    quantity: int
    venue: str
    expires_on: date
    notes: str | None = None
    idempotency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order: inactive, then activated, then executed, canceled, expired or rejected.

    `executed` shares of it have changed hands by now, for `executed_price` each on average.
    """

    id: str
    ticket: Ticket
    estimated_price: int
    created_at: datetime
    expires_at: datetime
    status: str = "inactive"
    activated_at: datetime | None = None
    cancelled_at: datetime | None = None
    executed_at: datetime | None = None
    rejected_at: datetime | None = None
    executed: int = 0
    executed_price: int = 0

    @property
    def estimated_total(self) -> int:
        """What the shares would cost at the price when the order was placed."""
        return self.estimated_price * self.ticket.quantity

    @property
    def executed_total(self) -> int:
        """What the shares did cost, 0 before."""
        return self.executed_price * self.executed

    @property
    def left(self) -> int:
        """Shares that are not executed yet."""
        return self.ticket.quantity - self.executed

    @property
    def charge(self) -> int:
        """What the next execution is charged: the first one pays for all."""
        return 0 if self.executed else CHARGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """Shares that changed hands: the quantity is below zero for a sale."""

    isin: str
    quantity: int
    price: int
    charge: int
    at: datetime

    @property
    def flow(self) -> int:
        """What it did to cash, charge included."""
        return -self.quantity * self.price - self.charge


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Shares held, and what one of them cost on average, without charges."""

    isin: str
    quantity: int
    average: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """The account: cash, today's executions with their charges, and what activated buys that wait have reserved."""

    balance: int
    bought: int
    sold: int
    reserved: int

    @property
    def to_invest(self) -> int:
        """What new orders may cost."""
        return self.balance - self.reserved

    @property
    def to_withdraw(self) -> int:
        """What may leave: not what was sold for today, which is not settled."""
        return max(0, self.to_invest - self.sold)


class Book:
    """The account's state; call `settle` with the present instant before anything else.

    With a `lot`, no more of an order is executed at a time: the next one when somebody looks again.
    """

    def __init__(
        self, securities: Sequence[Security], prices: Mapping[str, Price], cash: Decimal, sessions: Sessions
    ) -> None:
        self.securities = {security.isin: security for security in securities}
        self.prices = dict(prices)
        self.sessions = sessions
        self.lot: int | None = None
        self._cash = units(cash)
        self._orders: dict[str, Order] = {}
        self._executions: list[Execution] = []

    @property
    def orders(self) -> list[Order]:
        """Every order, the newest first."""
        return list(reversed(self._orders.values()))

    def order(self, order_id: str) -> Order:
        """One order; order_not_found."""
        if order_id not in self._orders:
            raise RefusalError("order_not_found", f"there is no order {order_id}", 404)
        return self._orders[order_id]

    def settle(self, now: datetime) -> None:
        """Let happen what is due by now: executions at the open, and the end of orders that have expired."""
        waiting = [order for order in self._orders.values() if order.status in {"inactive", "activated"}]
        for order in sorted(waiting, key=lambda order: order.activated_at or order.created_at):
            due = self._due(order, now)
            if due and due <= now and due < order.expires_at:
                self._execute(order, due)
            elif order.expires_at <= now:
                self._keep(order, status="expired")

    def take_over(self, orders: Sequence[Order]) -> None:
        """Keep orders that were placed and ended before, oldest first, and what they have done to cash and shares."""
        self._orders |= {order.id: order for order in orders}
        for order in orders:
            if order.executed_at:
                self._executions.append(
                    _execution(order, order.executed, order.executed_price, CHARGE, order.executed_at)
                )

    def place(self, ticket: Ticket, now: datetime) -> Order:
        """A new inactive order, which reserves nothing."""
        self._refuse_repetition(ticket, now)
        expires_at = datetime.combine(ticket.expires_on, DAY_ENDS, BERLIN).astimezone(now.tzinfo)
        if expires_at <= now:
            raise RefusalError("order_expiration_date_invalid", f"{expires_at:%Y-%m-%dT%H:%MZ} is over")
        order = Order(
            id=f"ord_{secrets.token_hex(17)}",
            ticket=ticket,
            estimated_price=self._price(ticket),
            created_at=now,
            expires_at=expires_at,
        )
        if order.estimated_total > MOST_PER_ORDER:
            message = f"at most {MOST_PER_ORDER}, and this is {order.estimated_total}"
            raise RefusalError("order_total_price_limit_exceeded", message)
        self._refuse_uncovered(order, now)
        self._orders[order.id] = order
        return order

    def activate(self, order_id: str, now: datetime) -> None:
        """Route an inactive order: `settle` executes it, at once or from the next open of its venue on."""
        order = self.order(order_id)
        if order.status != "inactive":
            raise RefusalError("order_not_inactive", f"the order is {order.status}")
        self._refuse_uncovered(order, now)
        self._keep(order, status="activated", activated_at=now)

    def cancel(self, order_id: str, now: datetime) -> None:
        """End an order that is not executed yet."""
        order = self.order(order_id)
        if order.status not in {"inactive", "activated"}:
            raise RefusalError("forbidden_in_current_state", f"the order is {order.status}")
        self._keep(order, status="canceled", cancelled_at=now)

    def holdings(self) -> list[Holding]:
        """Every position that is not empty, in the order of first purchase; a sale leaves the average as it was."""
        held: dict[str, Holding] = {}
        for each in self._executions:
            before = held.get(each.isin) or Holding(isin=each.isin, quantity=0, average=Fraction(0))
            total, average = before.quantity + each.quantity, before.average
            if each.quantity > 0:
                average = (before.average * before.quantity + each.quantity * each.price) / total
            held[each.isin] = Holding(isin=each.isin, quantity=total, average=average)
        return [holding for holding in held.values() if holding.quantity]

    def balances(self, now: datetime) -> Balances:
        """The account on this German day."""
        today = [each.flow for each in self._executions if _is_same_day(each.at, now)]
        waiting = [order for order in self._orders.values() if order.status == "activated"]
        return Balances(
            balance=self._cash + sum(each.flow for each in self._executions),
            bought=-sum(flow for flow in today if flow < 0),
            sold=sum(flow for flow in today if flow > 0),
            reserved=sum(_reserved(order) for order in waiting if order.ticket.side == "buy"),
        )

    def _keep(self, order: Order, **changes: object) -> Order:
        self._orders[order.id] = replace(order, **changes)  # type: ignore[arg-type]
        return self._orders[order.id]

    def _due(self, order: Order, now: datetime) -> datetime | None:
        """When an activated order is executed: at once where the venue is open, else at its next open."""
        at = order.activated_at
        if at is None:
            return None
        is_always = order.ticket.venue == "allday"
        first = at if is_always or self.sessions.open_at(at) else self.sessions.next_open(at).opens
        if self.lot is None or first > now:
            return max(first, order.executed_at or first)
        is_open = is_always or self.sessions.open_at(now) is not None
        return now if is_open and order.executed_at != now else None

    def _execute(self, order: Order, at: datetime) -> None:
        """Fill the order, or a lot of it, at the price of the moment, or reject it when that cannot be paid."""
        price, quantity = self._price(order.ticket), min(order.left, self.lot or order.left)
        others = self.balances(at).to_invest + _reserved(order)  # its own reservation is its to spend
        if order.ticket.side == "buy" and price * quantity + order.charge > others:
            self._keep(order, status="rejected", rejected_at=at)
            return
        self._executions.append(_execution(order, quantity, price, order.charge, at))
        executed = order.executed + quantity
        self._keep(
            order,
            status="executed" if quantity == order.left else order.status,
            executed_at=at,
            executed=executed,
            executed_price=round((order.executed_total + quantity * price) / executed),
        )

    def _price(self, ticket: Ticket) -> int:
        """The price the ticket would be executed at now, when its share can be traded at its venue."""
        security = self.securities.get(ticket.isin)
        if security is None:
            raise RefusalError("instrument_not_found", f"there is no instrument {ticket.isin}", 404)
        if not security.is_tradable or ticket.isin not in self.prices:
            raise RefusalError("instrument_not_tradable", f"{ticket.isin} cannot be traded")
        if ticket.venue not in security.venues:
            raise RefusalError("forbidden_for_venue", f"{ticket.isin} is not traded at {ticket.venue}")
        price = self.prices[ticket.isin]
        return units(price.ask if ticket.side == "buy" else price.bid)

    def _refuse_repetition(self, ticket: Ticket, now: datetime) -> None:
        """Neither a key that is still remembered, nor more orders than a day may have."""
        recent = [order for order in self._orders.values() if now - order.created_at < KEY_LASTS]
        if ticket.idempotency and ticket.idempotency in {order.ticket.idempotency for order in recent}:
            raise RefusalError("order_idempotency_violation", "there is an order with this idempotency already")
        if sum(_is_same_day(order.created_at, now) for order in recent) >= MOST_PER_DAY:
            raise RefusalError("order_limit_exceeded", f"at most {MOST_PER_DAY} orders a day")

    def _refuse_uncovered(self, order: Order, now: datetime) -> None:
        """A buy needs cash that is not reserved, a sale shares that no other sale is about to take."""
        ticket = order.ticket
        if ticket.side == "buy":
            available, required = self.balances(now).to_invest, order.estimated_total + CHARGE
            code = "account_insufficient_funds"
        else:
            held = sum(holding.quantity for holding in self.holdings() if holding.isin == ticket.isin)
            available, required = held - self._promised(ticket.isin), ticket.quantity
            code = "insufficient_holdings"
        if required > available:
            raise RefusalError(code, f"available {available}, required {required}")

    def _promised(self, isin: str) -> int:
        """Shares that activated sales are waiting to sell."""
        waiting = [order for order in self._orders.values() if order.status == "activated"]
        return sum(order.left for order in waiting if (order.ticket.isin, order.ticket.side) == (isin, "sell"))


def units(eur: Decimal) -> int:
    """An amount in 1/10000 EUR; ValueError for a smaller fraction."""
    scaled = eur * UNITS
    if scaled != int(scaled):
        raise ValueError(f"{eur} EUR has more than four decimals")
    return int(scaled)


def _execution(order: Order, quantity: int, price: int, charge: int, at: datetime) -> Execution:
    signed = quantity if order.ticket.side == "buy" else -quantity
    return Execution(isin=order.ticket.isin, quantity=signed, price=price, charge=charge, at=at)


def _reserved(order: Order) -> int:
    """What the rest of a buy is expected to cost."""
    return order.estimated_price * order.left + order.charge


def _is_same_day(at: datetime | None, now: datetime) -> bool:
    return at is not None and at.astimezone(BERLIN).date() == now.astimezone(BERLIN).date()
