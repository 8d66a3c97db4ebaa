"""Hand-written stand-ins for the ports, in memory and under the test's control."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pandas as pd

from bot.errors import BrokerError
from bot.model import (
    Account,
    Fill,
    InsiderTrade,
    Instrument,
    Listing,
    Order,
    OrderIntent,
    OrderStatus,
    Position,
    Quote,
    Rate,
    Skip,
    Terms,
)
from bot.orders import client_order_id
from bot.ports import Store
from bot.sessions import Session
from bot.trades import to_table
from tests.builders import NOW, account, instrument, intent, quote


class Time:
    """A clock that stands where it is set."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Weekdays:
    """A venue open from 14:30 to 21:00 UTC on every weekday, without the cost of a real calendar."""

    mic = "XNYS"

    def entry(self, known_at: datetime) -> Session:
        """The first session that opens at least five minutes after the news."""
        return self.next_open(known_at + timedelta(minutes=5))

    def next_open(self, at: datetime) -> Session:
        """The first session that opens at this instant or later."""
        days = (at.date() + timedelta(days=ahead) for ahead in range(8))
        return next(s for day in days if (s := self._on(day)) and s.opens >= at)

    def open_at(self, at: datetime) -> Session | None:
        """The session in progress at this instant."""
        session = self._on(at.date())
        return session if session and session.opens <= at < session.closes else None

    def on(self, day: date) -> Session:
        """The session of this day; ValueError at the weekend."""
        if session := self._on(day):
            return session
        raise ValueError(f"{day} is no trading day of {self.mic}")

    def between(self, first: date, last: date) -> Sequence[Session]:
        """The sessions of these days, both included."""
        days = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
        return [session for day in days if (session := self._on(day))]

    def begun_since(self, known_at: "pd.Series[Any]", as_of: datetime) -> "pd.Series[Any]":
        """For each instant the number of sessions that have opened after it."""
        counts = [None if pd.isna(at) else self._count(at, as_of) for at in known_at]
        return pd.Series(counts, index=known_at.index, dtype="float64")

    def _count(self, since: datetime, until: datetime) -> int:
        days = (since.date() + timedelta(days=ahead) for ahead in range((until.date() - since.date()).days + 1))
        return sum(1 for day in days if (s := self._on(day)) and since < s.opens <= until)

    def _on(self, day: date) -> Session | None:
        opens = datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)
        return Session(day=day, opens=opens, closes=opens.replace(hour=21, minute=0)) if day.weekday() < 5 else None


class Quotes:
    """Prices that are known from their `at` on."""

    def __init__(self, *known: Quote) -> None:
        self.known = list(known)

    def price(self, symbol: str, at: datetime, price: str, ask: str | None = None) -> None:
        """From now on there is this price too, the same on both sides unless an ask is given."""
        self.known.append(quote(symbol, at=at, bid=Decimal(price), ask=Decimal(ask or price)))

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """The last one known at that instant."""
        known = [each for each in self.known if each.symbol == symbol and each.at <= at]
        return max(known, key=lambda each: each.at, default=None)

    def first(self, symbol: str, since: datetime, until: datetime) -> Quote | None:
        """The earliest one in this time."""
        known = [each for each in self.known if each.symbol == symbol and since <= each.at <= until]
        return min(known, key=lambda each: each.at, default=None)


class Exchange:
    """Reference rates that hold on every day: `EUR/USD` -> 1.08; fails with `error` where there is one."""

    def __init__(self, error: Exception | None = None, **rates: str) -> None:
        self.rates = {tuple(pair.split("_")): Decimal(rate) for pair, rate in rates.items()}
        self.error = error

    def rate(self, base: str, quote: str, at: datetime) -> Rate | None:
        """The rate of that day."""
        if self.error:
            raise self.error
        known = self.rates.get((base, quote))
        return Rate(base=base, quote=quote, rate=known, on=at.date(), source="invented") if known else None


class Shows:
    """A source that shows these rows, or fails with this error."""

    def __init__(self, *rows: InsiderTrade, name: str = "invented", error: Exception | None = None) -> None:
        self.name = name
        self.rows = list(rows)
        self.error = error

    def fetch(self, now: datetime) -> pd.DataFrame:
        """The rows, whether they are known at `now` or not."""
        if self.error:
            raise self.error
        return to_table(self.rows)


class Maps:
    """A mapper that proves every listing by its first symbol, but for those it was told another answer for."""

    def __init__(self, **answers: Instrument | Skip) -> None:
        self.answers = answers
        self.asked: list[Listing] = []

    def find(self, listings: Sequence[Listing]) -> dict[Listing, Instrument | Skip]:
        """For every listing its instrument, or the reason why there is none."""
        self.asked.extend(listings)
        return {each: self.answers.get(each.symbols[0]) or instrument(each.symbols[0]) for each in listings}


@dataclass(frozen=True)
class Fault:
    """What goes wrong at the next call: the error comes before the call has its effect, or after it (answer lost)."""

    error: Exception = field(default_factory=lambda: BrokerError("timed out"))
    after: bool = False


class ScriptedBroker:
    """A broker that writes down every call and fails where the test says so.

    `faults` holds what happens at the next call of a name, `lies` the fields every answer is falsified in.
    """

    name = "scripted"
    needs_isin = False
    mic: str | None = None
    queues = True
    idempotent = True
    key_ttl: timedelta | None = None
    lookup_by_key = True
    list_all_statuses = True
    visibility_lag = timedelta(0)
    paper_proof = "id"

    def __init__(self, *, two_step: bool = True) -> None:
        self.two_step = two_step
        self.book: dict[str, Order] = {}
        self.calls: list[str] = []
        self.faults: dict[str, Fault] = {}
        self.lies: dict[str, Any] = {}
        self.held: list[Position] = []
        self.cash = Decimal(100_000)
        self.currency = "USD"
        self.quoted: Quote | None = None
        self.shut: str | None = None

    def submit(self, intent: OrderIntent) -> Order:
        """Place it, or say what is placed already."""
        with self._call("submit"):
            status = OrderStatus.INACTIVE if self.two_step else OrderStatus.WORKING
            placed = replace(intent.order(), broker_order_id=f"b-{intent.client_order_id[4:]}", status=status)
            return self._answer(self.book.setdefault(intent.client_order_id, placed))

    def activate(self, broker_order_id: str) -> None:
        """Make it work."""
        with self._call("activate"):
            for key, order in self.book.items():
                if order.broker_order_id == broker_order_id and order.status is OrderStatus.INACTIVE:
                    self.book[key] = replace(order, status=OrderStatus.WORKING)

    def find(self, order: Order) -> Order | None:
        """What is placed under its id."""
        with self._call("find"):
            found = self.book.get(order.client_order_id)
            return self._answer(found) if found else None

    def cancel(self, broker_order_id: str) -> None:
        """End it, if it is not over."""
        with self._call("cancel"):
            for key, order in self.book.items():
                if order.broker_order_id == broker_order_id and not order.status.is_final:
                    self.book[key] = replace(order, status=OrderStatus.CANCELED)

    def orders(self, since: datetime) -> Sequence[Order]:
        """All there are; the comparison of the books is not among the calls."""
        if fault := self.faults.pop("orders", None):
            raise fault.error
        return list(self.book.values())

    def fill(self, quantity: int, price: str) -> None:
        """The market has filled so much of every order that is not over, at this price on average."""
        for key, order in self.book.items():
            if order.status.is_final:
                continue
            filled = Decimal(quantity)
            status = OrderStatus.FILLED if filled == order.quantity else OrderStatus.PARTIAL
            self.book[key] = replace(order, status=status, filled=filled, price=Decimal(price), fee=Decimal(1))
            self.held = [position(order.symbol, quantity, price)]

    def account(self) -> Account:
        """A paper account."""
        return account(cash=self.cash, available=self.cash, currency=self.currency)

    def positions(self) -> Sequence[Position]:
        """What the test says is held."""
        return self.held

    def quote(self, instrument: Instrument, at: datetime) -> Quote | None:
        """40 USD for everything, or what the test has put into `quoted`."""
        return self.quoted or quote(instrument.symbol, at=at)

    def terms(self) -> Terms:
        """None."""
        return Terms()

    def closed(self, at: datetime) -> str | None:
        """What the test says."""
        return self.shut

    def isin_candidates(self, symbol: str, name: str) -> Iterable[str]:
        """None."""
        return ()

    def _answer(self, order: Order) -> Order:
        return replace(order, **self.lies)

    @contextmanager
    def _call(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        fault = self.faults.pop(name, None)
        if fault and not fault.after:
            raise fault.error
        yield
        if fault:
            raise fault.error


def position(symbol: str = "NWRB", quantity: int = 24, price: str = "40") -> Position:
    """Shares held of one symbol."""
    return Position(symbol=symbol, quantity=Decimal(quantity), average_price=Decimal(price), currency="USD")


def bought(
    store: Store,
    quantity: int = 24,
    symbol: str = "NWRB",
    isin: str | None = None,
    at: datetime = NOW - timedelta(days=180),
) -> None:
    """Let the store remember shares that were bought long ago."""
    decided = f"d-{uuid4().hex[:24]}"
    placed = intent(
        decision_id=decided,
        client_order_id=client_order_id(decided),
        instrument=instrument(symbol, isin=isin),
        quantity=Decimal(quantity),
        session=at.date(),
        created_at=at,
    )
    store.record([], [placed], at)
    begun = placed.order()
    done = replace(begun, status=OrderStatus.FILLED, filled=begun.quantity, price=Decimal(40), updated_at=at)
    fill = Fill(
        client_order_id=begun.client_order_id,
        symbol=symbol,
        side=begun.side,
        quantity=begun.quantity,
        price=Decimal(40),
        fee=Decimal(0),
        currency=begun.currency,
        at=at,
    )
    store.move(begun, done, fill)
