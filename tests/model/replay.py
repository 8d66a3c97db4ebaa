"""Walks of the model, taken by the real desk and the real store: every call they make is the model's next step."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from bot.errors import HaltedError
from bot.model import Fill, Order, OrderIntent, OrderStatus, Side
from bot.orders import LATE, Desk
from bot.store.database import Database, connected, open_database, parsed
from bot.store.repository import Repository
from tests.builders import NOW, instrument, intent
from tests.fakes import Time, bought
from tests.model import protocol as model
from tests.model.protocol import Label, Model, State
from tests.model.wire import ALIVE, Killed, Market, Wire

IN_MEMORY: Final = "sqlite:///:memory:"
CLEAN: Final = 2  # cycles in which nothing goes wrong; then both books agree
WORDS: Final = {
    OrderStatus.INTENT: {model.INTENT},
    OrderStatus.SUBMITTING: {model.SUBMITTING},
    OrderStatus.INACTIVE: {model.INACTIVE},
    OrderStatus.ACTIVATING: {model.ACTIVATING},
    OrderStatus.WORKING: {model.WORKING},
    OrderStatus.FILLED: {model.FILLED},
    OrderStatus.CANCELED: {model.OVER},
    OrderStatus.EXPIRED: {model.OVER},
    OrderStatus.REJECTED: {model.OVER, model.REJECTED},
}
THEIRS: Final = {
    OrderStatus.INACTIVE: model.INACTIVE,
    OrderStatus.WORKING: model.LIVE,
    OrderStatus.FILLED: model.FILLED,
    OrderStatus.CANCELED: model.ENDED,
}

Walk = Sequence[tuple[Label, State]]
"""The steps of a path, each with the state after it."""


def walk(searched: Model, start: State, random: Random) -> Walk:
    """A random path of the model that comes to no state twice, as far as it goes; most of it goes well."""
    taken, state, been = [], start, {start}
    while steps := [step for step in searched.steps(state) if step.after not in been]:
        (step,) = random.choices(steps, [1 if step.fault else 4 for step in steps])
        state = step.after
        been.add(state)
        taken.append((step.label, state))
    return taken


def follow(searched: Model, start: State, labels: Sequence[Label]) -> Walk:
    """The path of the model that these steps are."""
    taken, state = [], start
    for label in labels:
        state = next(step.after for step in searched.steps(state) if step.label == label)
        taken.append((label, state))
    return taken


class Blank:
    """New databases in memory, copied from one that was made before."""

    def __init__(self) -> None:
        self._made = sqlite3.connect(":memory:")
        with closing(open_database(IN_MEMORY)) as database:
            copy(database, self._made)

    def database(self) -> Database:
        """One that nobody else has."""
        database = connected(parsed(IN_MEMORY))
        self._made.backup(driver_of(database))
        return database

    def close(self) -> None:
        """Let go of what was made before."""
        self._made.close()


def driver_of(database: Database) -> sqlite3.Connection:
    """The one connection behind a database in memory."""
    found = database._engine.raw_connection().driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


def copy(database: Database, into: sqlite3.Connection) -> None:
    """A database as it is at this moment."""
    driver_of(database).backup(into)


class Replay:
    """One walk, taken by the real code; AssertionError where it makes another call or comes to another state."""

    def __init__(self, taken: Walk, searched: Model, start: State, database: Database) -> None:
        self._left = list(taken)[::-1]
        self._state = start
        self._time = Time()
        self._market = Market(two_step=searched.kind.two_step, keyed=searched.kind.keyed)
        self._intents = intents(len(start.ours), is_sale=searched.sells)
        if searched.sells:
            self._market.held = {each.instrument.symbol: each.quantity for each in self._intents}
            bought(Repository(database))
        self._numbers = {each.client_order_id: number for number, each in enumerate(self._intents)}
        self._store = _Store(database, self)
        self._wire = Wire(self._market, self.turn, self._time)
        self._is_over = False
        for number, ours in enumerate(start.ours):
            if ours.status != model.UNDECIDED:
                self._store.record([], [self._intents[number]], NOW)

    def run(self) -> None:
        """Take it, and then let nothing more go wrong: in the end both books agree."""
        desk = Desk(self._wire, self._store, self._time)
        while self._left:
            label = self._next()
            if label[0] == "decide":
                self._store.record([], [self._intents[label[1]]], NOW)
            elif label[0] != "cycle":
                self._happens(label)
                continue
            else:
                desk = Desk(self._wire, self._store, self._time) if label[1] else desk
                try:
                    desk.work()
                except Killed:
                    desk = Desk(self._wire, self._store, self._time)
            self._compare()
        self._settle()

    def turn(self, name: str, about: str) -> str:
        """What becomes of this call: first the world goes on to the model's next call, which is this one."""
        if self._is_over:
            return "answered"
        while self._left and self._left[-1][0][0] in {"arrives", "fills", "ends", "time", "halt", "resume"}:
            self._happens(self._next())
        if not self._left:
            raise Killed
        label = self._next()
        if label == ("crash",):
            raise Killed
        number = int(about[2:]) if about.startswith("b-") else self._numbers.get(about)
        wanted: tuple[object, ...] = (name,) if number is None else (name, number)
        if name == "commit" and label[0] == "held":
            wanted = ("held", number)
        assert label[: len(wanted)] == wanted, f"the model's next call is {label}, and the code's {wanted}"
        return str(label[-1]) if name != "commit" else str(label[0])

    def _next(self) -> Label:
        label, self._state = self._left.pop()
        return label

    def _happens(self, label: Label) -> None:
        market = self._market
        match label:
            case ("arrives", name, target, _):
                about = self._intents[target].client_order_id if name == "submit" else f"b-{target}"
                flying = [(sent.name, sent.target) for sent in market.flying]
                market.arrive(flying.index((name, about)))
            case ("fills", oid):
                market.fill(f"b-{oid}", market.book[f"b-{oid}"].quantity)
            case ("ends", oid):
                market.end(f"b-{oid}")
            case ("time",):
                self._time.now = self._intents[0].valid_until + (LATE if self._state.time > 1 else timedelta(0))
            case ("halt",):
                self._store.halt("a test", NOW)
            case ("resume",):
                self._store.halt(None, NOW)
            case _:
                raise AssertionError(f"the code is done with its cycle, and the model goes on with {label}")

    def _compare(self) -> None:
        """Whether store and broker stand where the model says."""
        known = self._store.known(list(self._numbers))
        for each, ours in zip(self._intents, self._state.ours, strict=True):
            order = known.get(each.client_order_id)
            said = WORDS[order.status] if order else {model.UNDECIDED}
            assert ours.status in said, f"the model says {ours.status}, and the code {said}"
            assert (order.broker_order_id if order else None) == (f"b-{ours.oid}" if ours.oid >= 0 else None)
        theirs = [THEIRS[order.status] for order in self._market.book.values()]
        assert theirs == [order.status for order in self._state.theirs]
        assert bool(self._store.halted()) == self._state.halted

    def _settle(self) -> None:
        """What is on its way arrives, and after some cycles the books agree."""
        self._is_over = True
        while self._market.flying:
            self._market.arrive(0)
        self._store.halt(None, NOW)
        for _ in range(CLEAN):
            Desk(self._wire, self._store, self._time).work()
        check(self._market, list(self._store.known(list(self._numbers)).values()), self._time.now)
        assert self._store.halted() is None


def check(market: Market, ours: Sequence[Order], now: datetime) -> None:
    """AssertionError unless both books agree: what lives there works here, and nothing waits or is left over."""
    for order in ours:
        theirs = [each for each in market.book.values() if each.client_order_id == order.client_order_id]
        live = [each for each in theirs if each.status in ALIVE]
        assert len(live) <= 1, f"{len(live)} live orders under {order.client_order_id}"
        is_late = order.valid_until is not None and now >= order.valid_until + LATE
        assert order.status.is_final or (order.status in ALIVE and not is_late), f"{order} is stuck"
        here = [(order.broker_order_id, order.status)] * (order.status in ALIVE)
        assert [(each.broker_order_id, each.status) for each in live] == here, f"{theirs} and {order}"
        assert not [each for each in theirs if each.status is OrderStatus.INACTIVE], f"{theirs} are left over"
        filled = sum((each.filled for each in theirs), Decimal(0))
        assert order.filled == filled, f"{order.client_order_id}: {filled} are filled there, {order.filled} here"


def intents(count: int, *, is_sale: bool) -> list[OrderIntent]:
    """Different purchases, or sales of one position."""
    facts: list[dict[str, Any]] = [
        {
            "client_order_id": f"itb-{letter * 26}",
            "decision_id": f"d-{letter * 24}",
            "created_at": NOW + timedelta(minutes=number),
            "side": Side.SELL if is_sale else Side.BUY,
            "instrument": instrument("NWRB" if is_sale else f"NWR{letter.upper()}"),
        }
        for number, letter in enumerate("abc"[:count])
    ]
    return [intent(**each) for each in facts]


class _Store(Repository):
    """A store each of whose moves is a step of the replay."""

    def __init__(self, database: Database, replay: Replay) -> None:
        super().__init__(database)
        self._replay = replay

    def move(self, before: Order, after: Order, fill: Fill | None = None) -> Order:
        """Take the step; where the model says that it is held back, it is."""
        turn = self._replay.turn("commit", before.client_order_id)
        try:
            moved = super().move(before, after, fill)
        except HaltedError:
            assert turn in {"held", "answered"}
            raise
        assert turn != "held"
        return moved
