"""End to end in US dollars, over HTTP: pages, instruments, and a broker whose orders are live once submitted."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.app import opened
from bot.demo.alpaca.market import server
from bot.demo.alpaca.server import AlpacaServer, real_money
from bot.demo.companies import SHARES, records
from bot.demo.faults import Fault, lost
from bot.demo.finviz import FinVizServer
from bot.demo.market import Market, market
from bot.demo.openfigi import OpenFigiServer
from bot.demo.show import DAY
from bot.doctor import examine
from bot.errors import NotPaperError
from bot.model import Order, OrderStatus
from bot.plan import Plan
from bot.sessions import Sessions
from bot.settings import Settings
from tests.fakes import Time

OPENS = Sessions("XNYS").on(DAY).opens
MORNING = OPENS + timedelta(minutes=5)


@dataclass(slots=True)
class World:
    """Every service the bot asks, on loopback, and the bot's own clock."""

    clock: Time
    market: Market
    finviz: FinVizServer
    alpaca: AlpacaServer
    values: dict[str, Any]

    def run(self, now: datetime | None = None, **values: Any) -> tuple[Plan, list[Order]]:
        """One cycle, by a bot that knows only what the database tells."""
        self.clock.now = now or self.clock.now
        self.finviz.show(self.market.public(self.clock.now))
        with opened(Settings.of(**self.values | values), clock=self.clock) as parts:
            return parts.acting(trade_backlog=True).run()

    def why(self, ticker: str) -> tuple[str, str]:
        """Rule and reason of what was decided last about this ticker, as the store has them."""
        with opened(Settings.of(**self.values), clock=self.clock, read_only=True) as parts:
            decision = parts.store.decided(about=ticker)[0]
        return decision["rule"], decision["reason"]

    @property
    def posts(self) -> int:
        """How many orders were sent."""
        return sum(1 for request in self.alpaca.journal if request.method == "POST")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., World]]:
    with ExitStack() as services:

        def world(**options: Any) -> World:
            today, clock = market(DAY), Time(MORNING)
            on = max(bar.on for bar in today.bars if bar.on < DAY)
            finviz = services.enter_context(FinVizServer(today.public(MORNING)))
            figi = services.enter_context(OpenFigiServer(records(SHARES)))
            alpaca = services.enter_context(server(on, clock=clock, **options))
            values = {
                "sources": ("finviz",),
                "finviz_url": finviz.url,
                "openfigi_url": figi.url,
                "database_url": f"sqlite:///{tmp_path / 'bot.db'}",
                "broker": "alpaca",
                "alpaca_url": alpaca.url,
                "alpaca_key": alpaca.key,
                "alpaca_secret": alpaca.secret,
            }
            return World(clock=clock, market=today, finviz=finviz, alpaca=alpaca, values=values)

        yield world


def test_a_purchase_is_followed_in_usd_and_an_officer_s_sale_closes_the_position(make: Callable[..., World]) -> None:
    there = make()
    plan, placed = there.run()
    assert len(placed) > 3
    assert {order.status for order in placed} == {OrderStatus.WORKING}
    told = {decision.event.trade.symbol: decision for decision in plan.decisions}["NWRB"].evidence
    assert "share class" in told["mapping"]
    assert "exchange" not in told

    _, filled = there.run(MORNING + timedelta(hours=1))
    assert {order.status for order in filled} == {OrderStatus.FILLED}
    bought = {order.symbol: order for order in filled}["NWRB"]
    assert (bought.currency, bought.fee) == ("USD", 0)
    assert bought.quantity == 1000 // (bought.price or 1)
    assert there.posts == len(placed)
    with opened(Settings.of(**there.values), clock=there.clock) as parts:
        assert [step["after"] for step in parts.store.life(bought.client_order_id)] == [
            "submitting",
            "working",
            "filled",
        ]
        held = {position.symbol: position.quantity for position in parts.broker.positions()}
        spent = sum(order.quantity * (order.price or 0) for order in filled)
        assert parts.broker.account().cash == Decimal(100_000) - spent
    assert held == {order.symbol: order.quantity for order in filled}

    again, nothing = there.run(MORNING + timedelta(hours=2))
    assert (again.intents, nothing, there.posts) == ((), [], len(placed))

    there.run(MORNING + timedelta(days=1))
    _, sold = there.run(MORNING + timedelta(days=1, hours=1))
    assert [(order.side, order.symbol, order.quantity, order.status) for order in sold] == [
        ("sell", "NWRB", bought.quantity, OrderStatus.FILLED)
    ]
    with opened(Settings.of(**there.values), clock=there.clock) as parts:
        assert "NWRB" not in {position.symbol for position in parts.broker.positions()}


@pytest.mark.parametrize(
    ("options", "values", "now", "rule", "words"),
    [
        ({}, {"notional": Decimal(20)}, MORNING, "limit", "do not buy one whole share"),
        ({}, {}, OPENS - timedelta(minutes=30), "limit", "open from 09:30 to 16:00 in New York only"),
        ({}, {}, MORNING + timedelta(days=5), "limit", "the US exchanges are closed on"),  # a Saturday
        ({"cash": Decimal(500)}, {}, MORNING, "cash", "but only 500.00 USD is available"),
    ],
)
def test_no_order_and_the_reason_is_stored(
    options: dict[str, Any], values: dict[str, Any], now: datetime, rule: str, words: str, make: Callable[..., World]
) -> None:
    there = make(**options)
    plan, _ = there.run(now, **values, known_within=9)
    assert plan.intents == ()
    assert (there.why("LMNX")[0], words in there.why("LMNX")[1]) == (rule, True), there.why("LMNX")
    assert there.posts == 0


def test_a_quote_that_is_not_of_that_share_is_not_traded(make: Callable[..., World]) -> None:
    there = make()
    there.alpaca.quote("NWRB", Decimal("9.00"), Decimal("9.02"))
    there.run()
    assert there.why("NWRB")[0] == "quarantined"


def test_an_answer_that_is_lost_makes_no_second_order(make: Callable[..., World]) -> None:
    there = make()
    there.alpaca.fail(Fault(method="POST", path="/v2/orders", effect=lost, times=None))
    there.run()
    _, orders = there.run(MORNING + timedelta(minutes=1))
    assert {order.status for order in orders} == {OrderStatus.FILLED}
    assert len(there.alpaca.orders) == there.posts == len(orders)


def test_an_account_of_real_money_halts_the_bot(make: Callable[..., World]) -> None:
    there = make()
    there.alpaca.fail(Fault(method="GET", path="/v2/account", effect=real_money, times=None))
    with pytest.raises(NotPaperError):
        there.run()
    with opened(Settings.of(**there.values), clock=there.clock, read_only=True) as parts:
        assert "paper" in (parts.store.halted() or "")
    assert there.posts == 0


def test_a_dry_run_sends_nothing_but_questions(make: Callable[..., World]) -> None:
    there = make()
    with opened(Settings.of(**there.values), clock=there.clock) as parts:
        assert len(parts.looking().plan().intents) > 3
    assert {request.method for request in there.alpaca.journal} == {"GET"}


def test_the_doctor_knows_the_account_and_asks_for_a_cycle_within_its_hours(make: Callable[..., World]) -> None:
    there = make()
    with opened(Settings.of(**there.values), clock=there.clock):
        pass  # so that there is a database
    for at, state in (("09:00", "bad"), ("09:45", "good")):
        found = [
            each for each in examine(Settings.of(**there.values, cycle_at=at), there.clock) if each.about == "broker"
        ]
        assert found[0].finding.startswith("alpaca, paper account PA")
        assert found[-1].state == state
