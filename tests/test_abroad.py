"""End to end at a German venue, over HTTP: pages, instruments, exchange rates and a broker that takes two requests."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot.app import opened, utc_now
from bot.demo.companies import SHARES, records
from bot.demo.ecb import EcbServer
from bot.demo.finviz import FinVizServer
from bot.demo.lemon import market as german
from bot.demo.lemon.faults import Fault, Process, refused
from bot.demo.lemon.server import LemonMarketsServer
from bot.demo.market import Market, market
from bot.demo.openfigi import OpenFigiServer
from bot.demo.serving import Reply
from bot.demo.show import DAY, served
from bot.model import Order, OrderStatus, Skip
from bot.plan import Plan
from bot.settings import Settings
from tests.fakes import Time

PATIENCE = 60  # seconds
MORNING = datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=UTC)  # the venue is open since 8 in Berlin
NWRB = next(share for share in SHARES if share.ticker == "NWRB")


@dataclass(slots=True)
class World:
    """Every service the bot asks, on loopback, and the bot's own clock."""

    clock: Time
    market: Market
    finviz: FinVizServer
    lemon: LemonMarketsServer
    values: dict[str, Any]

    def run(self, now: datetime | None = None, **values: Any) -> tuple[Plan, list[Order]]:
        """One cycle, by a bot that knows only what the database tells."""
        self.clock.now = now or self.clock.now
        self.finviz.show(self.market.public(self.clock.now))
        with opened(Settings.of(**self.values | values), clock=self.clock) as parts:
            return parts.acting(trade_backlog=True).run()

    def ours(self) -> list[Order]:
        """Every order of ours."""
        with opened(Settings.of(**self.values), clock=self.clock, read_only=True) as parts:
            return [order for _, order in parts.store.orders()]

    def why(self, ticker: str = "LMNX") -> tuple[str, str]:
        """Rule and reason of what was decided last about this ticker, as the store has them."""
        with opened(Settings.of(**self.values), clock=self.clock, read_only=True) as parts:
            decision = parts.store.decided(about=ticker)[0]
        return decision["rule"], decision["reason"]

    def posts(self) -> Counter[str]:
        """How often each path was posted to."""
        return Counter(request.path for request in self.lemon.journal if request.method == "POST")


def world(services: ExitStack, folder: Path, today: Market, clock: Time, **options: Any) -> World:
    bars = "".join(f"{bar.on},{bar.symbol},{bar.open},{bar.close}\n" for bar in today.bars)
    (folder / "prices.csv").write_text("date,symbol,open,close\n" + bars, encoding="utf-8")
    on = max(bar.on for bar in today.bars if bar.on < clock.now.date())
    finviz = services.enter_context(FinVizServer(today.public(clock.now)))
    figi = services.enter_context(OpenFigiServer(records(SHARES)))
    lemon = services.enter_context(german.server(on, clock=clock, **options))
    days = [clock.now.date() - timedelta(days=n) for n in range(6)]
    ecb = services.enter_context(EcbServer({day: {"USD": german.USD_PER_EUR} for day in days if day.weekday() < 5}))
    values = {
        "sources": ("finviz",),
        "finviz_url": finviz.url,
        "openfigi_url": figi.url,
        "ecb_url": ecb.url,
        "prices": f"files:{folder / 'prices.csv'}",
        "database_url": f"sqlite:///{folder / 'bot.db'}",
        "broker": "lemon_markets",
        "venue": "XMUN",
        "lemon_markets_url": lemon.url + "/v1",
        "lemon_markets_key": lemon.trading_key,
        "lemon_markets_data_key": lemon.data_key,
    }
    return World(clock=clock, market=today, finviz=finviz, lemon=lemon, values=values)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., World]]:
    with ExitStack() as services:
        yield lambda **options: world(services, tmp_path, market(DAY), Time(MORNING), **options)


def test_a_purchase_is_followed_in_eur_and_an_officer_s_sale_closes_the_position(make: Callable[..., World]) -> None:
    there = make()
    plan, placed = there.run()
    bought = {order.symbol: order for order in placed}["NWRB"]
    assert (bought.status, bought.isin, bought.currency) == (OrderStatus.FILLED, NWRB.isin, "EUR")
    assert bought.quantity == 1000 // (bought.price or 1)
    assert bought.fee == 2
    told = {decision.event.trade.symbol: decision for decision in plan.decisions}["NWRB"].evidence
    assert f"ISIN {NWRB.isin} from the broker's search is the same share class" in told["mapping"]
    assert "is of no known share class" in told["mapping"]  # the look-alike that the search shows first
    assert "1 EUR = 1.1 USD" in told["exchange"]
    with opened(Settings.of(**there.values), clock=there.clock) as parts:
        steps = [step["after"] for step in parts.store.life(bought.client_order_id)]
        held = {position.isin: position.quantity for position in parts.broker.positions()}
    assert steps == ["submitting", "inactive", "activating", "filled"]
    assert held[NWRB.isin] == bought.quantity

    again, nothing = there.run(MORNING + timedelta(hours=1))
    assert (again.intents, nothing) == ((), [])
    assert set(there.posts().values()) == {
        1,
        len(placed),
    }  # one to each order's activation, as many to /orders as orders

    _, sold = there.run(MORNING + timedelta(days=1))
    assert [(order.side, order.symbol, order.quantity, order.status) for order in sold] == [
        ("sell", "NWRB", bought.quantity, OrderStatus.FILLED)
    ]
    sales = {decision.event.trade.owner: decision.verdict for decision in plan.decisions}
    assert sales["Castellane Bram"] == Skip(rule="not_held", reason="none of it is held, and nothing is sold short")


@pytest.mark.parametrize(
    ("options", "values", "now", "rule", "words"),
    [
        ({}, {"notional": Decimal(49)}, MORNING, "limit", "the broker takes no order below 50.00 EUR"),
        ({}, {}, MORNING.replace(hour=6), "limit", "XMUN is open from 08:00 to 22:00 in Berlin only"),
        ({}, {}, MORNING + timedelta(days=5), "limit", "XMUN is closed on"),  # a Saturday
        ({"cash": Decimal(500)}, {}, MORNING, "cash", "but only 500.00 EUR is available"),
        ({}, {"ecb_url": "http://127.0.0.1:9"}, MORNING, "no_quote", "127.0.0.1:9"),
        ({}, {"lemon_markets_data_url": "http://127.0.0.1:9"}, MORNING, "mapping", "127.0.0.1:9"),
    ],
)
def test_no_order_and_the_reason_is_stored(
    options: dict[str, Any], values: dict[str, Any], now: datetime, rule: str, words: str, make: Callable[..., World]
) -> None:
    there = make(**options)
    plan, _ = there.run(now, **values, known_within=9)
    assert plan.intents == ()
    assert (there.why()[0], words in there.why()[1]) == (rule, True), there.why()
    assert (there.ours(), there.posts()) == ([], Counter())


def test_an_isin_that_is_not_proven_is_not_traded(make: Callable[..., World]) -> None:
    there = make()
    there.lemon._book.securities.pop(NWRB.isin)  # only the look-alike is left to be found
    there.run()
    rule, reason = there.why("NWRB")
    assert rule == "mapping"
    assert "no ISIN is proven to be it" in reason
    assert NWRB.isin not in {order.isin for order in there.ours()}


def test_a_quote_that_is_not_of_that_share_is_not_traded(make: Callable[..., World]) -> None:
    there = make()
    there.lemon.quote(NWRB.isin, Decimal("9.00"), Decimal("9.02"))
    there.run()
    assert there.why("NWRB")[0] == "quarantined"
    assert "off the last US price known" in there.why("NWRB")[1]


def test_a_refusal_of_the_broker_is_the_reason_of_the_order(make: Callable[..., World]) -> None:
    there = make()
    there.lemon.fail(
        Fault(method="POST", path="/orders", effect=refused(400, "account_insufficient_funds"), times=None)
    )
    _, orders = there.run()
    assert {order.status for order in orders} == {OrderStatus.REJECTED}
    assert all("account_insufficient_funds" in order.reason for order in orders)
    assert there.lemon.orders == []


# -- killed in the middle


class Held:
    """An effect that holds a request back, before it is processed or after it: nobody gets an answer."""

    def __init__(self, *, after: bool) -> None:
        self.reached, self.over, self._after = Event(), Event(), after

    def __call__(self, process: Process) -> Reply | None:
        if self._after:
            process()
        self.reached.set()
        self.over.wait(PATIENCE)
        return None


def alive(folder: Path, values: dict[str, Any]) -> "subprocess.Popen[bytes]":
    """The daemon with these settings."""
    usual = {name: value for name, value in os.environ.items() if not name.upper().startswith("BOT_")}
    given = {
        f"BOT_{key.upper()}": ",".join(value) if isinstance(value, tuple) else value for key, value in values.items()
    }
    command = [sys.executable, "-m", "bot", "daemon", "--trade-backlog"]
    path = {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(command, cwd=folder, env=usual | path | given, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("number", "path", "after"),
    [
        (signal.SIGKILL, "/orders", False),
        (signal.SIGKILL, "/orders", True),
        (signal.SIGKILL, "/orders/[^/]+/activate", False),
        (signal.SIGKILL, "/orders/[^/]+/activate", True),
        (signal.SIGTERM, "/orders", True),
    ],
)
def test_a_daemon_killed_while_an_order_is_on_its_way_places_it_once(
    number: signal.Signals, path: str, after: bool, tmp_path: Path
) -> None:
    now = utc_now()
    with ExitStack() as services:
        there = world(services, tmp_path, served(now), Time(now))
        there.lemon._clock = utc_now
        there.values["lemon_markets_venue"] = "allday"
        held = Held(after=after)
        services.callback(held.over.set)
        there.lemon.fail(Fault(method="POST", path=path, effect=held, after=1))
        with alive(tmp_path, there.values) as first:
            assert held.reached.wait(PATIENCE)
            first.send_signal(number)
            assert first.wait(PATIENCE) == (-signal.SIGKILL if number is signal.SIGKILL else 0)
        held.over.set()
        there.lemon.heal()

        there.run(utc_now() + timedelta(seconds=15))  # the next life of the bot, when nothing can be hidden any more
        orders, theirs = there.ours(), there.lemon.orders
        assert len(orders) > 3
        assert {order.status for order in orders} == {OrderStatus.FILLED}
        assert Counter(order.ticket.idempotency for order in theirs) == Counter(
            order.client_order_id for order in orders
        )
        bought = sum(order.quantity * (order.price or 0) + order.fee for order in orders)
        with opened(Settings.of(**there.values), clock=there.clock) as parts:
            assert parts.broker.account().cash == Decimal(100_000) - bought
