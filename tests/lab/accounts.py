"""The brokers' side, in one vocabulary: a paper account behind real HTTP on loopback, and the embedded one."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from threading import Event
from typing import Any, Final, Literal

from bot.demo.alpaca import market as american
from bot.demo.faults import FailingStandIn, Fault, Process
from bot.demo.lemon import market as german
from bot.demo.serving import Query, Reply
from bot.model import OrderStatus, Side
from bot.store.database import connected, parsed
from bot.store.paper import PaperBooks
from tests.builders import NOW
from tests.fakes import Time
from tests.lab.ledger import Ledger
from tests.lab.world import CASH, TICKERS, share

State = Literal["inactive", "open", "filled", "over"]
PLENTY: Final = 10**6  # requests a minute
PATIENCE: Final = 30  # seconds
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

    `breaches` is what was sent that may not be, `requests` how many came, `hit` the faults that did.
    """

    def __init__(self, standin: FailingStandIn, keys: tuple[str, str], ledger: Ledger, time: Time) -> None:
        self.standin, self.keys, self.url = standin, keys, standin.url
        self.time = time
        self.waiting: list[Process] = []
        self.breaches: list[str] = []
        self.hit: list[str] = []
        self.requests = 0
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
        self._born.set() if process else self._born.clear()

    def kill(self) -> None:
        """End the life that has sent the request."""
        if self._born.wait(PATIENCE):
            os.kill(self._process, signal.SIGKILL)

    def placed(self) -> list[Placed]:
        """Every order there is."""
        raise NotImplementedError

    def lag(self, by: timedelta) -> None:
        """Show orders so much later than they are."""

    def _arrived(
        self, method: str, path: str, query: Query, body: bytes, answer: Callable[..., Reply | None]
    ) -> Reply | None:
        self.requests += 1
        if method == "POST" and (breach := self._breach(path, body)):
            self.breaches.append(breach)
        return self._met(method, path, query, body, answer)

    def _breach(self, path: str, body: bytes) -> str | None:
        """Why this may not be sent now, or None."""
        raise NotImplementedError

    def _oversold(self, key: str, symbol: str, quantity: Decimal) -> str | None:
        """Why so many shares may not be sold now by this order, or None: every other sale counts in full."""
        placed = self.placed()
        if any(each.key == key for each in placed):
            return None
        held = Decimal(0)
        for each in placed:
            if each.symbol == symbol:
                taken = each.quantity if each.state == "open" else each.filled
                held += each.filled if each.side is Side.BUY else -taken
        return f"I6 {key} sells {quantity} {symbol} where {held} are left" if quantity > held else None


class LemonMarkets(Account):
    """The two-step broker."""

    def placed(self) -> list[Placed]:
        """Every order there is."""
        states: dict[str, State] = {"inactive": "inactive", "activated": "open", "executed": "filled"}
        return [
            Placed(
                id=order.id,
                key=order.ticket.idempotency or "",
                symbol=SYMBOLS[order.ticket.isin],
                side=Side(order.ticket.side),
                quantity=Decimal(order.ticket.quantity),
                filled=Decimal(order.ticket.quantity if order.status == "executed" else 0),
                state=states.get(order.status, "over"),
                was_live=order.activated_at is not None,
            )
            for order in self.standin.orders  # type: ignore[attr-defined]
        ]

    def _breach(self, path: str, body: bytes) -> str | None:
        if path != "/orders":
            return self._ledger.may_activate(path.split("/")[2])
        asked = json.loads(body)
        key, quantity = asked["idempotency"], Decimal(asked["quantity"])
        oversold = self._oversold(key, SYMBOLS[asked["isin"]], quantity) if asked["side"] == "sell" else None
        return self._ledger.may_create(key) or oversold


class Alpaca(Account):
    """The one-step broker."""

    def placed(self) -> list[Placed]:
        """Every order there is."""
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

    def _breach(self, path: str, body: bytes) -> str | None:
        asked = json.loads(body)
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
