"""Whatever happens in whatever order, no decision is ordered twice or lost, and in the end both books agree.

The bot, its desk, reconciler and store are the real ones; the broker and the wire to it are in memory.
`INSIDERBOT_EXAMPLES=20000` looks longer than the 60 examples of every day.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.book import Policy
from bot.engine import Bot
from bot.errors import BrokerError, TryAgainError
from bot.exits import SOURCE, Exits
from bot.model import Decision, Fill, Holding, Order, OrderStatus, Side
from bot.orders import Desk
from bot.plan import Plan
from bot.store.lead import Lead
from bot.store.repository import Repository
from bot.trader import Trader
from tests.builders import decision, event, trade
from tests.fakes import Exchange, Maps, Quotes, Time, Weekdays
from tests.model.replay import IN_MEMORY, Blank, check, copy, driver_of
from tests.model.wire import ALIVE, Killed, Market, Turn, Wire

EXAMPLES = int(os.environ.get("INSIDERBOT_EXAMPLES", "60"))
CLEAN = 8  # cycles in which nothing goes wrong; after two of them no order of ours is left over
FATES = ("answered",) * 4 + ("lost", "unanswered", "late", "doubled", "echoed", "refused")
SOMETIMES = st.just(0) | st.just(0) | st.integers(1, 25)  # at which call of a cycle; 0 is at none
ASKED = frozenset({"find", "list"})  # what changes nothing can only be lost
POSSIBLE = "nobody knows whether"  # the one reason to halt that the wire can give; a restored copy gives others
A_TEST = "a test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Informed(Bot):
    """A bot that is told what others read."""

    news: Sequence[Decision]

    def plan(self) -> Plan:
        """What follows from what its strategy wants to follow."""
        now = self.clock()
        decisions, intents = self.trader.intend(self._unseen(self.news, now), now)
        return Plan(as_of=now, decisions=tuple(decisions), intents=tuple(intents), degraded=())


class Watched(Repository):
    """A store each of whose writes is a call."""

    turn: Turn

    def record(self, *plan: Any) -> None:
        self.turn("record", "")
        super().record(*plan)

    def move(self, before: Order, after: Order, fill: Fill | None = None) -> Order:
        self.turn("move", before.client_order_id)
        return super().move(before, after, fill)

    def settle_in(self, account: str) -> None:
        self.turn("settle in", account)
        super().settle_in(account)

    def acknowledge(self, keys: Iterable[str], gone: Iterable[Holding]) -> None:
        self.turn("acknowledge", "")
        super().acknowledge(keys, gone)


class Orders(RuleBasedStateMachine):
    """Everything that can happen to a bot and its broker."""

    two_step = True
    blank = Blank()

    def __init__(self) -> None:
        super().__init__()
        self.market = Market(two_step=self.two_step)
        self.time = Time()
        self.database = self.blank.database()
        self.news: list[Decision] = []
        self.backup: sqlite3.Connection | None = None
        self.is_restored = self.is_excused = False
        self.filled: Counter[str] = Counter()
        self.fates: list[str] = []
        self.calls = self.kill_at = self.overtaken_at = self.days = 0
        self.exits = Exits()
        self.leads: list[Lead] = []
        self.live()

    # -- lives

    def live(self) -> None:
        """A new process over the same database."""
        self.bot = self.born(self.turn)

    def born(self, turn: Turn) -> Informed:
        self.leads.append(Lead(IN_MEMORY))
        store = Watched(self.database)
        store.turn = turn
        store.epoch = self.leads[-1].epoch(self.database)
        broker = Wire(self.market, turn, self.time)
        trader = Trader(
            mapper=Maps(),
            broker=broker,
            store=store,
            sessions=Weekdays(),  # type: ignore[arg-type]
            rates=Exchange(),
            prices=Quotes(),
            policy=Policy(account="paper", strategy="executives", notional=Decimal(1000), exits=self.exits),
        )
        return Informed(
            sources=(),
            strategy=lambda table, now: table,
            trader=trader,
            store=store,
            clock=self.time,
            desk=Desk(broker, store, self.time),
            trade_backlog=True,
            news=self.news,
        )

    def turn(self, name: str, about: str) -> str:
        """What becomes of the bot's next call; before it, the process may die or another may take over."""
        self.calls += 1
        if self.calls == self.kill_at:
            raise Killed
        self.look(name, about)
        if self.calls == self.overtaken_at:
            self.run(self.born(self.untroubled))
        if name not in {*ASKED, "submit", "activate", "cancel"}:
            return ""
        fate = self.fates.pop() if self.fates else "answered"
        if name in ASKED:
            return fate if fate == "answered" else "lost"
        self.is_excused |= fate == "refused"
        return "lost" if (name, fate) == ("cancel", "refused") else fate

    def untroubled(self, name: str, about: str) -> str:
        """A call with which nothing goes wrong."""
        self.look(name, about)
        return "answered"

    def look(self, name: str, about: str) -> None:
        """I3, I4, I11: what is sent was written down before, names the recorded order, and nothing is halted."""
        if name not in {"submit", "activate"}:
            return
        ours = self.ours()
        assert self.store.halted() is None, "I11"
        if name == "submit":
            assert any(o.client_order_id == about and o.attempts for o in ours), "I3"
        else:
            keys = [order.client_order_id for order in ours if order.broker_order_id == about]
            assert any(step["after"] == OrderStatus.ACTIVATING for key in keys for step in self.store.life(key)), "I4"

    @property
    def store(self) -> Repository:
        return Repository(self.database)

    def ours(self) -> list[Order]:
        return [order for _, order in self.store.orders()]

    def run(self, bot: Informed) -> None:
        with suppress(BrokerError, TryAgainError):
            bot.run()

    # -- rules

    @initialize(symbol=st.sampled_from(["NWRB", "HLCN"]), after=st.sampled_from([None, 1, 2]))
    def something_is_held(self, symbol: str, after: int | None = None) -> None:
        """Where there are exits, it is soon time for one."""
        self.exits = Exits(after=after)
        self.new_decision(Side.BUY, symbol)
        self.clean_cycle()
        (order,) = self.market.book.values()
        self.market.fill("b-0", order.quantity)
        self.clean_cycle()
        if after:
            self.time.now += timedelta(days=2)
            self.live()

    @rule(side=st.sampled_from(Side), symbol=st.sampled_from(["NWRB", "HLCN"]), is_another=st.booleans())
    def new_decision(self, side: Side, symbol: str, is_another: bool = True) -> None:
        self.days += is_another
        code = "P" if side is Side.BUY else "S"
        line = trade(
            symbol=symbol,
            owner=f"Officer {len(self.news)}",
            code=code,
            filed_on=date(2026, 1, 1) + timedelta(days=self.days),  # who filed on one day is followed by one order
            known_at=self.time.now,
        )
        self.news.append(decision(event=event(trade=line)))

    @rule(
        fates=st.lists(st.sampled_from(FATES), max_size=6),
        kill_at=SOMETIMES,
        overtaken_at=SOMETIMES,
        is_new=st.booleans(),
    )
    def cycle(self, fates: list[str], kill_at: int, overtaken_at: int, is_new: bool) -> None:
        self.fates, self.calls, self.kill_at, self.overtaken_at = fates, 0, kill_at, overtaken_at
        if is_new:
            self.live()
        try:
            self.run(self.bot)
        except Killed:
            self.live()
        if 0 < overtaken_at <= self.calls:
            self.live()

    @rule()
    def clean_cycle(self) -> None:
        self.run(self.born(self.untroubled))
        self.live()

    @precondition(lambda self: self.market.flying)
    @rule(number=st.integers(0, 9))
    def arrival(self, number: int) -> None:
        self.market.arrive(number % len(self.market.flying))

    @precondition(lambda self: self.among(OrderStatus.WORKING, OrderStatus.PARTIAL))
    @rule(number=st.integers(0, 9), part=st.integers(1, 3))
    def fill(self, number: int, part: int) -> None:
        working = self.among(OrderStatus.WORKING, OrderStatus.PARTIAL)
        oid = working[number % len(working)]
        order = self.market.book[oid]
        left = order.quantity - order.filled
        self.market.fill(oid, left if part == 3 else (left * part / 3).to_integral_value() or left)

    @precondition(lambda self: self.among(OrderStatus.WORKING, OrderStatus.PARTIAL, OrderStatus.INACTIVE))
    @rule(number=st.integers(0, 9))
    def broker_cancels(self, number: int) -> None:
        open_ones = self.among(OrderStatus.WORKING, OrderStatus.PARTIAL, OrderStatus.INACTIVE)
        self.market.end(open_ones[number % len(open_ones)])
        self.is_excused = True

    @rule(hours=st.sampled_from([0.02, 1, 24]))
    def time_passes(self, hours: float) -> None:
        self.time.now += timedelta(hours=hours)
        self.is_excused |= hours > 1

    @rule()
    def copies_the_store(self) -> None:
        self.backup = sqlite3.connect(":memory:")
        copy(self.database, self.backup)

    @precondition(lambda self: self.backup)
    @rule()
    def restores_the_copy(self) -> None:
        assert self.backup
        self.backup.backup(driver_of(self.database))
        self.is_restored = self.is_excused = True
        self.filled.clear()
        self.live()

    @rule(number=st.integers(1, 3))
    def halt(self, number: int) -> None:
        if number == 1:
            self.store.halt(A_TEST, self.time.now)
            self.is_excused = True

    @rule()
    def resume(self) -> None:
        self.store.halt(None, self.time.now)

    def among(self, *statuses: OrderStatus) -> list[str]:
        return [oid for oid, order in self.market.book.items() if order.status in statuses]

    # -- what holds after every step

    @invariant()
    def no_decision_has_two_live_orders(self) -> None:
        live = Counter(order.client_order_id for order in self.market.book.values() if order.status in ALIVE)
        assert max(live.values(), default=0) <= 1, "I1"

    @invariant()
    def a_purchase_has_one_exit_in_a_session(self) -> None:
        """And its identity is that of both; an exit is what no officer's sale is."""
        placed = [intent for intent, _ in self.store.orders()]
        officers = {row["client_order_id"] for row in self.store.decided() if row["source"] != SOURCE}
        exits = [each for each in placed if each.client_order_id not in officers]
        assert len({(each.instrument.symbol, each.session) for each in exits}) == len(exits), "I1"

    @invariant()
    def nothing_is_sold_that_was_not_bought(self) -> None:
        assert min(self.market.held.values(), default=Decimal(0)) >= 0, "I6"

    @invariant()
    def what_is_filled_stays_filled(self) -> None:
        for order in self.ours():
            assert self.filled[order.client_order_id] <= order.filled <= order.quantity, "I9"
            self.filled[order.client_order_id] = int(order.filled)

    @invariant()
    def it_halts_for_a_reason_only(self) -> None:
        halted = self.store.halted()
        assert halted is None or self.is_restored or A_TEST in halted or POSSIBLE in halted, halted
        self.is_excused |= halted is not None

    def teardown(self) -> None:
        """I2, I5, I7, I9: faults are over, what is on its way arrives, and the books agree."""
        try:
            while self.market.flying:
                self.market.arrive(0)
            for _ in range(CLEAN):
                self.store.halt(None, self.time.now)
                self.run(self.born(self.untroubled))
            if not self.is_restored:
                assert self.store.halted() is None
            ours = self.ours()
            disputed = self.store.acknowledged()  # set aside: only an older copy of the store can contradict
            assert self.is_restored or not disputed
            check(self.market, [each for each in ours if each.client_order_id not in disputed], self.time.now)
            told = {row["event_key"] for row in self.store.decided()}
            assert told >= {each.event.key for each in self.news}, "I2"
            if not self.is_excused:
                assert all(order.status in ALIVE for order in ours), "I2"
            if not self.is_restored:
                held = {each.symbol: each.quantity for each in self.store.holdings()}
                assert held == {symbol: quantity for symbol, quantity in self.market.held.items() if quantity}, "I9"
        finally:
            for each in self.leads:
                each.close()
            if self.backup:
                self.backup.close()
            self.database.close()


class OneStepOrders(Orders):
    """The same at a broker where what is submitted is live."""

    two_step = False


OFTEN = settings(
    max_examples=EXAMPLES // 2, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestTwoSteps = Orders.TestCase
TestTwoSteps.settings = OFTEN
TestOneStep = OneStepOrders.TestCase
TestOneStep.settings = OFTEN


def test_a_sale_that_an_older_copy_does_not_know_is_not_made_again_while_it_lives() -> None:
    world = Orders()
    world.something_is_held("HLCN", after=1)
    world.copies_the_store()
    world.new_decision(Side.SELL, "HLCN", is_another=False)
    world.clean_cycle()
    world.restores_the_copy()
    for _ in range(3):
        world.clean_cycle()
        world.resume()
    assert [order.side for order in world.market.book.values()] == [Side.BUY, Side.SELL]
    world.fill(0, 3)
    world.clean_cycle()
    world.nothing_is_sold_that_was_not_bought()


def test_a_sale_that_nobody_knows_of_reserves_what_it_sells() -> None:
    world = OneStepOrders()
    world.something_is_held("NWRB")
    world.new_decision(Side.SELL, "NWRB")
    world.cycle(["late", "answered", "answered"], kill_at=0, overtaken_at=0, is_new=True)
    world.new_decision(Side.SELL, "NWRB")
    world.cycle(["lost", "answered"], kill_at=0, overtaken_at=0, is_new=True)
    assert sorted(order.side for order in world.ours()) == [Side.BUY, Side.SELL]
    world.teardown()
