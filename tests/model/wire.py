"""A broker in memory and the wire to it, on which requests are lost, late, unanswered, doubled or refused."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from bot.errors import BrokerError, OrderRefusedError
from bot.model import Account, Instrument, Order, OrderIntent, OrderStatus, Position, Quote, Side, Terms
from bot.ports import Clock
from tests.builders import account, quote

ALIVE = frozenset({OrderStatus.WORKING, OrderStatus.PARTIAL, OrderStatus.FILLED})
PRICE = Decimal(40)

Turn = Callable[[str, str], str]
"""Told a request's name and whom it is about; says what becomes of it, or raises what ends the process instead."""


class Killed(BaseException):
    """The process ends here, and nobody catches it."""


class Sent(NamedTuple):
    """A request that was sent and has not arrived."""

    name: str
    target: str
    effect: Callable[[], object]


class Market:
    """The broker's side: its books, and all that reaches them.

    `arrived` holds every request that reached them, in order; an order's id is its place among all of them.
    """

    def __init__(self, *, two_step: bool, keyed: bool = True) -> None:
        self.two_step = two_step
        self.keyed = keyed
        self.book: dict[str, Order] = {}
        self.held: dict[str, Decimal] = {}
        self.flying: list[Sent] = []
        self.arrived: list[tuple[str, str]] = []

    def arrive(self, number: int) -> None:
        """A request that was on its way arrives."""
        self.flying.pop(number).effect()

    def fill(self, oid: str, quantity: Decimal) -> None:
        """So many more shares of a live order change hands."""
        order = self.book[oid]
        filled = order.filled + quantity
        status = OrderStatus.FILLED if filled == order.quantity else OrderStatus.PARTIAL
        self.book[oid] = replace(order, status=status, filled=filled, price=PRICE)
        change = quantity if order.side is Side.BUY else -quantity
        self.held[order.symbol] = self.held.get(order.symbol, Decimal(0)) + change

    def end(self, oid: str, status: OrderStatus = OrderStatus.CANCELED) -> None:
        """An order that is not over ends."""
        if not self.book[oid].status.is_final:
            self.book[oid] = replace(self.book[oid], status=status)

    def place(self, intent: OrderIntent) -> Order:
        """A new order, or the one whose key it has."""
        self.arrived.append(("submit", intent.client_order_id))
        if self.keyed and (found := self.under(intent.client_order_id)):
            return found
        status = OrderStatus.INACTIVE if self.two_step else OrderStatus.WORKING
        oid = f"b-{len(self.book)}"
        self.book[oid] = replace(intent.order(), broker_order_id=oid, status=status, attempts=0)
        return self.book[oid]

    def activate(self, oid: str) -> None:
        """An inactive order is sent to the market."""
        self.arrived.append(("activate", oid))
        if self.book[oid].status is OrderStatus.INACTIVE:
            self.book[oid] = replace(self.book[oid], status=OrderStatus.WORKING)

    def cancel(self, oid: str) -> None:
        """An order that is not over ends because somebody asks."""
        self.arrived.append(("cancel", oid))
        self.end(oid)

    def under(self, key: str) -> Order | None:
        """The order under this key: the live one, else the oldest inactive, else the oldest."""
        mine = [order for order in self.book.values() if order.client_order_id == key]
        live = [order for order in mine if order.status in ALIVE]
        inactive = [order for order in mine if order.status is OrderStatus.INACTIVE]
        return next(iter(live or inactive or mine), None)


class Wire:
    """The adapter to a market: the port that the bot knows."""

    name = "wire"
    needs_isin = False
    mic: str | None = None
    queues = True
    idempotent = True
    key_ttl: timedelta | None = None
    lookup_by_key = True
    list_all_statuses = True
    visibility_lag = timedelta(0)
    paper_proof = "id"

    def __init__(self, market: Market, turn: Turn, clock: Clock) -> None:
        self.two_step = market.two_step
        self._market = market
        self._turn = turn
        self._clock = clock

    def submit(self, intent: OrderIntent) -> Order:
        """Place it; who is refused is shown what there is under the key all the same."""
        try:
            placed = self._sent("submit", intent.client_order_id, lambda: self._market.place(intent))
        except OrderRefusedError:
            if found := self._market.under(intent.client_order_id):
                return found
            raise
        assert isinstance(placed, Order)
        return placed

    def activate(self, broker_order_id: str) -> None:
        """Make it work."""
        self._sent("activate", broker_order_id, lambda: self._market.activate(broker_order_id))

    def cancel(self, broker_order_id: str) -> None:
        """Ask for its end."""
        self._sent("cancel", broker_order_id, lambda: self._market.cancel(broker_order_id))

    def find(self, order: Order) -> Order | None:
        """By its id where that is known, else by its key."""
        self._asked("find", order.client_order_id)
        if order.broker_order_id:
            return self._market.book.get(order.broker_order_id)
        return self._market.under(order.client_order_id)

    def account(self) -> Account:
        """A paper account; the comparison of the books begins with it."""
        self._asked("list", "")
        return account()

    def orders(self, since: datetime) -> Sequence[Order]:
        """All there are."""
        return list(self._market.book.values())

    def positions(self) -> Sequence[Position]:
        """What all fills add up to."""
        held = {symbol: quantity for symbol, quantity in self._market.held.items() if quantity}
        return [Position(symbol=s, quantity=q, average_price=PRICE, currency="USD") for s, q in held.items()]

    def quote(self, instrument: Instrument, at: datetime) -> Quote | None:
        """The one price of everything."""
        return quote(instrument.symbol, at=at, bid=PRICE, ask=PRICE)

    def terms(self) -> Terms:
        """None."""
        return Terms()

    def closed(self, at: datetime) -> str | None:
        """Never."""
        return None

    def isin_candidates(self, symbol: str, name: str) -> Iterable[str]:
        """None."""
        return ()

    def _asked(self, name: str, about: str) -> None:
        if self._turn(name, about) != "answered":
            raise BrokerError(f"{name}: timed out")

    def _sent(self, name: str, target: str, effect: Callable[[], object]) -> object:
        fate = self._turn(name, target)
        if fate == "refused":
            raise OrderRefusedError(f"{name}: refused")
        if fate in {"late", "echoed"}:
            self._market.flying.append(Sent(name, target, effect))
        answer = effect() if fate not in {"lost", "late"} else None
        if fate == "doubled":
            answer = effect()
        if fate in {"lost", "late", "unanswered"}:
            raise BrokerError(f"{name}: timed out")
        return answer
