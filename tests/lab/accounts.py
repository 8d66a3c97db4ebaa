"""The brokers' side, in one vocabulary: a paper account behind real HTTP on loopback, and the embedded one."""

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from threading import Event
from typing import Any, Final, Literal
from uuid import uuid4

from bot.demo.alpaca import book as us
from bot.demo.alpaca import market as american
from bot.demo.faults import FailingStandIn, Fault, Process
from bot.demo.lemon import book as de
from bot.demo.lemon import market as german
from bot.demo.serving import Query, Reply
from bot.model import OrderStatus, Side
from bot.reconcile import SETTLES
from bot.store.database import connected, parsed
from bot.store.paper import PaperBooks
from tests.builders import NOW
from tests.fakes import Time
from tests.lab.ledger import Ledger
from tests.lab.world import CASH, TICKERS, share

State = Literal["inactive", "open", "filled", "over"]
PLENTY: Final = 10**6  # requests a minute
PATIENCE: Final = 30  # seconds
LOT: Final = 7  # shares: of every order in the laboratory a part
STRANGE: Final = 5  # shares of a stranger
ORDER: Final = re.compile(r".*/orders/([^/:]+)(/activate)?")
SYMBOLS: Final = {share(symbol).isin: symbol for symbol in TICKERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An order in the account; `was_live` is whether it ever could be filled."""

    id: str
    key: str
    symbol: str
    side: Side
    quantity: Decimal
    filled: Decimal
    state: State
    was_live: bool


class Account:
    """A paper account, what breaks at its door, and whom it has seen there.

    `breaches` is what was sent that may not be, `requests` how many came, `hit` the faults that did, `gone` the orders
    in the account before it was reset, `must_halt` whether the bot could see that it was.
    """

    def __init__(self, standin: FailingStandIn, keys: tuple[str, str], ledger: Ledger, time: Time) -> None:
        self.standin, self.keys, self.url = standin, keys, standin.url
        self.time = time
        self.waiting: list[Process] = []
        self.breaches: list[str] = []
        self.hit: list[str] = []
        self.requests = 0
        self.gone: list[Placed] = []
        self._foreign: set[str] = set()
        self._excused: set[str] = set()  # sales that may be sent although a reset has taken what they sell
        self.must_halt = False
        self._reset = False
        self._is_news = False  # the reset, to the life that there is
        self._ledger = ledger
        self._process = 0
        self._born = Event()
        self._met = standin._met
        standin._met = self._arrived  # type: ignore[method-assign]

    def fail(self, fault: Fault, name: str) -> None:
        """Let this go wrong too, and count it when it does."""

        def counted(process: Process) -> Reply | None:
            self.hit.append(name)
            return fault.effect(process)

        self.standin.fail(
            Fault(method=fault.method, path=fault.path, effect=counted, after=fault.after, times=fault.times)
        )

    def let_through(self) -> None:
        """Process now what was postponed."""
        while self.waiting:
            self.waiting.pop(0)()

    def born(self, process: int | None) -> None:
        """This process lives now; None when nobody does."""
        self._process = process or 0
        self._is_news = False
        self._born.set() if process else self._born.clear()

    def kill(self) -> None:
        """End the life that has sent the request."""
        if self._born.wait(PATIENCE):
            os.kill(self._process, signal.SIGKILL)

    def placed(self) -> list[Placed]:
        """Every order there is, but for those of others."""
        return [each for each in self._all() if each.id not in self._foreign]

    def lag(self, by: timedelta) -> None:
        """Show orders so much later than they are."""

    def fill_in_lots(self) -> None:
        """From now on no more than a lot of an order is filled at a time."""
        raise NotImplementedError

    def cancel_all(self) -> None:
        """The broker, or a human, cancels whatever is not over of ours."""
        for each in self.placed():
            if each.state in {"inactive", "open"}:
                with suppress(us.RefusalError):  # not shown yet
                    self._cancel(each.id)

    def stranger(self) -> None:
        """Somebody else trades in the same account."""
        for symbol in TICKERS:
            with suppress(us.RefusalError, de.RefusalError):  # as where an order of ours is open in the other direction
                self._foreign.add(self._place(symbol))

    def reset(self) -> None:
        """The account begins anew; the lives that begin from now on must see that, where they can."""
        self.gone += self.placed()
        self._foreign.clear()
        self._excused |= {order.client_order_id for order in self._ledger.open_sales()}
        self._begin_anew()
        self._reset = self._is_news = True
        self.must_halt = self._lost() is not None

    def _all(self) -> list[Placed]:
        raise NotImplementedError

    def _cancel(self, order_id: str) -> None:
        raise NotImplementedError

    def _place(self, symbol: str) -> str:
        """The id of somebody else's order."""
        raise NotImplementedError

    def _begin_anew(self) -> None:
        raise NotImplementedError

    def _arrived(
        self, method: str, path: str, query: Query, body: bytes, answer: Callable[..., Reply | None]
    ) -> Reply | None:
        self.requests += 1
        if method != "GET" and (breach := self._breach(method, path, body)):
            self.breaches.append(breach)
        return self._met(method, path, query, body, answer)

    def _breach(self, method: str, path: str, body: bytes) -> str | None:
        """Why this may not be sent now, or None."""
        match = ORDER.fullmatch(path)
        order_id = match[1] if match else ""
        if order_id in self._foreign:
            return f"F28 {method} {path} is about an order of somebody else"
        if method == "DELETE":
            swept = next((each for each in self.placed() if each.id == order_id and each.state == "inactive"), None)
            return self._ledger.may_sweep(swept.key, order_id, self.time.now) if swept else None
        if self._reset and not self._is_news and (lost := self._lost()):
            return f"F27 {method} {path} although the account was reset: {lost}"
        return self._ledger.may_activate(order_id) if order_id else self._may_create(json.loads(body))

    def _lost(self) -> str | None:
        """By what a life can see that the account was reset, or None: where there was nothing yet, nothing is gone."""
        held = {symbol: Decimal(0) for symbol in TICKERS}
        for each in self.placed():
            held[each.symbol] += each.filled if each.side is Side.BUY else -each.filled
        bought = self._ledger.bought(by=self.time.now - SETTLES).items()
        return next((f"{quantity} {symbol}" for symbol, quantity in bought if quantity > held[symbol]), None)

    def _may_create(self, asked: dict[str, Any]) -> str | None:
        """Why this order may not be sent now, or None."""
        raise NotImplementedError

    def _oversold(self, key: str, symbol: str, quantity: Decimal) -> str | None:
        """Why so many shares may not be sold now by this order, or None: every other sale counts in full."""
        placed = self.placed()
        # Nobody can know in the same life that all are gone, nor whether an open sale has sold them.
        if any(each.key == key for each in placed) or self._is_news or key in self._excused:
            return None
        held = Decimal(0)
        for each in placed:
            if each.symbol == symbol:
                taken = each.quantity if each.state == "open" else each.filled
                held += each.filled if each.side is Side.BUY else -taken
        return f"I6 {key} sells {quantity} {symbol} where {held} are left" if quantity > held else None


class LemonMarkets(Account):
    """The two-step broker."""

    def fill_in_lots(self) -> None:
        """From now on no more than a lot of an order is filled at a time."""
        self.standin.fill_in_lots(LOT)  # type: ignore[attr-defined]

    def _all(self) -> list[Placed]:
        states: dict[str, State] = {"inactive": "inactive", "activated": "open", "executed": "filled"}
        return [
            Placed(
                id=order.id,
                key=order.ticket.idempotency or "",
                symbol=SYMBOLS[order.ticket.isin],
                side=Side(order.ticket.side),
                quantity=Decimal(order.ticket.quantity),
                filled=Decimal(order.executed),
                state=states.get(order.status, "over"),
                was_live=order.activated_at is not None,
            )
            for order in self.standin.orders  # type: ignore[attr-defined]
        ]

    def _cancel(self, order_id: str) -> None:
        with self.standin._lock:
            self.standin._book.cancel(order_id, self.time.now)  # type: ignore[attr-defined]

    def _place(self, symbol: str) -> str:
        """One that waits to be activated, and one that is bought."""
        day, isin = self.time.now.date(), share(symbol).isin
        ticket = de.Ticket(isin=isin, side="buy", quantity=STRANGE, venue="xmun", expires_on=day + timedelta(days=9))
        with self.standin._lock:
            book = self.standin._book  # type: ignore[attr-defined]
            self._foreign.add(book.place(ticket, self.time.now).id)
            bought: str = book.place(ticket, self.time.now).id
            book.activate(bought, self.time.now)
        return bought

    def _begin_anew(self) -> None:
        self.standin.reset()  # type: ignore[attr-defined]

    def _may_create(self, asked: dict[str, Any]) -> str | None:
        key, quantity = asked["idempotency"], Decimal(asked["quantity"])
        oversold = self._oversold(key, SYMBOLS[asked["isin"]], quantity) if asked["side"] == "sell" else None
        return self._ledger.may_create(key) or oversold


class Alpaca(Account):
    """The one-step broker."""

    def fill_in_lots(self) -> None:
        """From now on no more than a lot of an order is filled at a time."""
        self.standin.fill_in_lots(Decimal(LOT))  # type: ignore[attr-defined]

    def _all(self) -> list[Placed]:
        states: dict[str, State] = {"filled": "filled", "canceled": "over", "expired": "over"}
        return [
            Placed(
                id=order.id,
                key=order.ticket.client_order_id,
                symbol=order.ticket.symbol,
                side=Side(order.ticket.side),
                quantity=order.ticket.quantity,
                filled=order.filled,
                state=states.get(order.status, "open"),
                was_live=True,
            )
            for order in self.standin.orders  # type: ignore[attr-defined]
        ]

    def lag(self, by: timedelta) -> None:
        """Show orders so much later than they are."""
        self.standin.lag(by)  # type: ignore[attr-defined]

    def _cancel(self, order_id: str) -> None:
        with self.standin._lock:
            self.standin._book.cancel(order_id, self.time.now)  # type: ignore[attr-defined]

    def _place(self, symbol: str) -> str:
        ticket = us.Ticket(symbol=symbol, side="buy", quantity=Decimal(STRANGE), client_order_id=str(uuid4()))
        with self.standin._lock:
            made: str = self.standin._book.place(ticket, self.time.now).id  # type: ignore[attr-defined]
        return made

    def _begin_anew(self) -> None:
        standin: Any = self.standin
        standin.reset()
        standin.key, standin.secret = self.keys

    def _lost(self) -> str | None:
        pinned, number = self._ledger.account(), self.standin._number  # type: ignore[attr-defined]
        return f"it was {pinned}" if pinned not in {None, number} else super()._lost()

    def _may_create(self, asked: dict[str, Any]) -> str | None:
        key, quantity = asked["client_order_id"], Decimal(asked["qty"])
        oversold = self._oversold(key, asked["symbol"], quantity) if asked["side"] == "sell" else None
        return self._ledger.may_create(key) or oversold


class Simulated:
    """The embedded broker, which lives in the bot's own process and database: nothing breaks there but the bot."""

    url, keys = "http://127.0.0.1:0", ("", "")

    def __init__(self, database: str) -> None:
        self._database = database
        self.breaches: list[str] = []
        self.hit: list[str] = []
        self.gone: list[Placed] = []
        self.must_halt = False
        self.requests = 0

    def placed(self) -> list[Placed]:
        """Every order there is."""
        database = connected(parsed(self._database))
        try:
            orders = PaperBooks(database, CASH).orders()
        finally:
            database.close()
        states: dict[OrderStatus, State] = {
            OrderStatus.INACTIVE: "inactive",
            OrderStatus.WORKING: "open",
            OrderStatus.FILLED: "filled",
        }
        return [
            Placed(
                id=order.broker_order_id or "",
                key=order.client_order_id,
                symbol=order.symbol,
                side=order.side,
                quantity=order.quantity,
                filled=order.filled,
                state=states.get(order.status, "over"),
                was_live=order.status in {OrderStatus.WORKING, OrderStatus.FILLED},
            )
            for order in orders
        ]

    def born(self, process: int | None) -> None:
        """Nobody here needs to know."""

    def lag(self, by: timedelta) -> None:
        """It has none."""

    def let_through(self) -> None:
        """Nothing is ever on its way."""


@contextmanager
def account(kind: str, database: str, time: Time) -> Iterator[Account | Simulated]:
    """A new account of this kind; `time` is its clock, `database` that of the bot."""
    if kind == "simulated":
        yield Simulated(database)
        return
    ledger = Ledger(database)
    options: dict[str, Any] = {"clock": time, "cash": CASH, "per_minute": PLENTY}
    if kind == "alpaca":
        with american.server(NOW.date(), **options) as alpaca:
            yield Alpaca(alpaca, (alpaca.key, alpaca.secret), ledger, time)
    else:
        with german.server(NOW.date(), **options) as lemon:
            yield LemonMarkets(lemon, (lemon.trading_key, lemon.data_key), ledger, time)
    ledger.close()
