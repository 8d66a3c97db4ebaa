"""What the engine relies on in every broker; one suite, run once per broker.

To put your own broker through it, write a function that takes an empty folder and returns a `Bench`, and name it:

    INSIDERBOT_BENCH=my_package.bench:bench pytest tests/brokers/test_contract.py

The account on the bench is a new paper account (or a stand-in of your broker on loopback) that can afford `intent` and
`other`, and not `too_large`. `again` is a second broker object on the same account, as after a restart of the bot.
`later` lets time pass: what is live by then has been filled, and what was canceled before has ended.
"""

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.demo.alpaca.market import server as us_server
from bot.demo.companies import SHARES
from bot.demo.lemon.market import server
from bot.errors import OrderRefusedError
from bot.http import Http
from bot.model import Order, OrderIntent, OrderStatus, Terms
from bot.orders import OURS, Desk
from bot.plugins import Kit
from bot.ports import Broker
from bot.settings import Settings
from bot.store.database import Database, open_database
from bot.store.paper import PaperBooks
from bot.store.repository import Repository
from bot.views import ReadOnlyBroker
from brokers.lemon_markets import LemonMarkets
from brokers.lemon_markets import broker as lemon
from brokers.simulated import SimulatedBroker
from tests.brokers.alpaca import before
from tests.builders import NOW, instrument, intent
from tests.fakes import Quotes, ScriptedBroker, Time


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A broker on a new paper account, and orders to try it with; `now` is an instant at which it takes them.

    `later` may be called several times, `close` is called at the end.
    """

    broker: Broker
    again: Broker
    now: datetime
    intent: OrderIntent
    other: OrderIntent
    too_large: OrderIntent
    later: Callable[[], object]
    close: Callable[[], object] = lambda: None


def numbered(n: int, quantity: int = 24, **changes: Any) -> OrderIntent:
    facts = {"client_order_id": f"itb-{n:026}", "decision_id": f"d-{n:024}", "quantity": Decimal(quantity)}
    return intent(**(facts | changes))


def passes(time: Time, long: timedelta) -> None:
    time.now += long


def simulated(folder: Path) -> Bench:
    """The simulated broker with 10,000 USD."""
    quotes = Quotes()
    quotes.price("NWRB", NOW - timedelta(hours=1), "40", "40.1")
    quotes.price("NWRB", intent().valid_from, "40", "40.1")
    time = Time()

    databases = [open_database(f"sqlite:///{folder}/books.db") for _ in range(2)]

    def broker(database: Database) -> SimulatedBroker:
        book = PaperBooks(database, Decimal(10_000))
        return SimulatedBroker(book=book, prices=quotes, clock=time, conditions=Terms(fee=Decimal(1)))

    orders = {"intent": numbered(1), "other": numbered(2), "too_large": numbered(3, 10_000)}
    one, again = (broker(database) for database in databases)
    return Bench(
        broker=one,
        again=again,
        now=NOW,
        later=lambda: passes(time, timedelta(days=1)),  # into the orders' session
        close=lambda: [each.close() for each in databases],
        **orders,
    )


def lemon_markets(folder: Path) -> Bench:
    """The adapter of lemon.markets before its stand-in, with 100,000 EUR."""
    share, time = SHARES[0], Time()
    standin = server(NOW.date(), clock=time)
    standin.__enter__()

    def broker() -> LemonMarkets:
        settings = Settings.of(
            lemon_markets_url=standin.url,
            lemon_markets_key=SecretStr(standin.trading_key),
            lemon_markets_data_key=SecretStr(standin.data_key),
        )
        return lemon(Kit(settings=settings, clock=time, http=Http("tests")))

    facts: dict[str, Any] = {
        "instrument": instrument(share.ticker, name=share.company, isin=share.isin),
        "currency": "EUR",
    }
    facts["valid_from"] = NOW - timedelta(hours=1)
    return Bench(
        broker=broker(),
        again=broker(),
        now=NOW,
        intent=numbered(1, **facts),
        other=numbered(2, **facts),
        too_large=numbered(3, 10_000, **facts),
        later=lambda: passes(time, timedelta(seconds=1)),
        close=lambda: standin.__exit__(None, None, None),
    )


def alpaca(folder: Path) -> Bench:
    """The adapter of Alpaca before its stand-in, with 100,000 USD; the clock stands, so nothing is filled yet."""
    time = Time()
    standin = us_server(NOW.date(), clock=time)
    standin.__enter__()
    facts: dict[str, Any] = {"valid_from": NOW - timedelta(hours=1)}
    return Bench(
        broker=before(standin),
        again=before(standin),
        now=NOW,
        intent=numbered(1, **facts),
        other=numbered(2, **facts),
        too_large=numbered(3, 10_000, **facts),
        later=lambda: passes(time, timedelta(seconds=1)),
        close=lambda: standin.__exit__(None, None, None),
    )


def one_step(folder: Path) -> Bench:
    """The tests' own broker, whose orders work as soon as they are submitted."""

    class Limited(ScriptedBroker):
        def submit(self, intent: OrderIntent):  # type: ignore[no-untyped-def]
            if intent.quantity > 1000:
                raise OrderRefusedError("insufficient funds")
            return super().submit(intent)

    broker = Limited(two_step=False)
    orders = {"intent": numbered(1), "other": numbered(2), "too_large": numbered(3, 10_000)}
    return Bench(broker=broker, again=broker, now=NOW, later=lambda: broker.fill(24, "40"), **orders)


def benches() -> list[Callable[[Path], Bench]]:
    own = os.environ.get("INSIDERBOT_BENCH")
    if own is None:
        return [simulated, lemon_markets, alpaca, one_step]
    module, _, name = own.partition(":")
    return [getattr(importlib.import_module(module), name)]


@pytest.fixture(params=benches(), ids=lambda bench: bench.__name__)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    made: Bench = request.param(tmp_path)
    yield made
    made.close()


def placed(bench: Bench) -> OrderStatus:
    return OrderStatus.INACTIVE if bench.broker.two_step else OrderStatus.WORKING


# -- looking


def test_the_account_says_what_is_there_and_what_is_left(bench: Bench) -> None:
    account = bench.broker.account()
    assert 0 < account.available <= account.cash
    assert account.currency == bench.intent.currency
    assert bench.broker.positions() == []


def test_a_quote_has_two_sides_and_is_not_from_the_future(bench: Bench) -> None:
    quote = bench.broker.quote(bench.intent.instrument, bench.now)
    assert quote is not None
    assert 0 < quote.bid <= quote.ask
    assert quote.at <= bench.now
    assert quote.symbol == bench.intent.instrument.symbol


def test_conditions_are_never_negative(bench: Bench) -> None:
    assert bench.broker.terms().fee >= 0
    assert bench.broker.terms().minimum >= 0


def test_isin_candidates_can_be_asked_for_and_hold_the_right_one_where_isins_are_traded(bench: Bench) -> None:
    wanted = bench.intent.instrument
    found = list(bench.broker.isin_candidates(wanted.symbol, wanted.name))
    assert all(len(isin) == 12 for isin in found)
    assert wanted.isin in found or not bench.broker.needs_isin


def test_it_says_what_it_can_do(bench: Bench) -> None:
    broker = bench.broker
    assert {type(each) for each in (broker.two_step, broker.idempotent, broker.lookup_by_key)} == {bool}
    assert type(broker.list_all_statuses) is bool
    assert broker.key_ttl is None or broker.key_ttl > timedelta(0)
    assert broker.visibility_lag >= timedelta(0)
    assert isinstance(broker.paper_proof, str)


def test_an_id_it_has_never_seen_is_not_found(bench: Bench) -> None:
    assert bench.broker.find(bench.intent.order()) is None


def test_the_view_for_dry_runs_cannot_place_anything(bench: Bench) -> None:
    view = ReadOnlyBroker(bench.broker)
    assert not any(hasattr(view, name) for name in ("submit", "activate", "find", "cancel", "orders"))
    assert view.account() == bench.broker.account()


# -- placing


def test_a_placed_order_is_the_one_that_was_meant(bench: Bench) -> None:
    order, wanted = bench.broker.submit(bench.intent), bench.intent
    assert (order.client_order_id, order.symbol, order.side, order.quantity, order.currency) == (
        wanted.client_order_id,
        wanted.instrument.symbol,
        wanted.side,
        wanted.quantity,
        wanted.currency,
    )
    assert order.broker_order_id
    assert order.filled == 0 or order.price is not None
    assert order.status not in OURS


def test_what_was_placed_is_found_also_after_a_restart(bench: Bench) -> None:
    order = bench.broker.submit(bench.intent)
    for broker in (bench.broker, bench.again):
        found = broker.find(bench.intent.order())
        assert found is not None
        assert (found.broker_order_id, found.quantity) == (order.broker_order_id, order.quantity)


def test_a_two_step_order_does_nothing_until_it_is_activated(bench: Bench) -> None:
    assert bench.broker.submit(bench.intent).status is placed(bench)
    found = bench.again.find(bench.intent.order())
    assert found is not None
    assert found.status is placed(bench)


def test_the_same_id_again_returns_the_same_order_and_never_a_second(bench: Bench) -> None:
    first = bench.broker.submit(bench.intent)
    left = bench.broker.account().available
    for broker in (bench.broker, bench.again):
        assert broker.submit(bench.intent).broker_order_id == first.broker_order_id
    assert bench.broker.account().available == left


def test_two_ids_are_two_orders(bench: Bench) -> None:
    one, other = bench.broker.submit(bench.intent), bench.broker.submit(bench.other)
    assert one.broker_order_id != other.broker_order_id


def test_a_refused_order_does_not_exist(bench: Bench) -> None:
    left = bench.broker.account()
    with pytest.raises(OrderRefusedError) as told:
        bench.broker.submit(bench.too_large)
    assert str(told.value)
    assert bench.again.find(bench.too_large.order()) is None
    assert bench.broker.account() == left


# -- activating


def test_an_activated_order_is_live_and_a_second_activation_changes_nothing(bench: Bench) -> None:
    order = bench.broker.submit(bench.intent)
    assert order.broker_order_id
    if bench.broker.two_step:
        bench.broker.activate(order.broker_order_id)
    once = bench.broker.find(bench.intent.order())
    assert once is not None
    assert once.status in {OrderStatus.WORKING, OrderStatus.PARTIAL, OrderStatus.FILLED}
    bench.again.activate(order.broker_order_id)
    assert bench.again.find(bench.intent.order()) == once


def test_activating_one_order_leaves_the_other_alone(bench: Bench) -> None:
    order, _ = bench.broker.submit(bench.intent), bench.broker.submit(bench.other)
    assert order.broker_order_id
    bench.broker.activate(order.broker_order_id)
    other = bench.broker.find(bench.other.order())
    assert other is not None
    assert other.status is placed(bench)


# -- canceling


def found(bench: Bench, wanted: OrderIntent) -> Order:
    """The order as both objects find it."""
    one, other = (broker.find(wanted.order()) for broker in (bench.broker, bench.again))
    assert one is not None
    assert one == other
    return one


def sent(bench: Bench, wanted: OrderIntent) -> str:
    """The broker's id of an order that is live."""
    broker_order_id = bench.broker.submit(wanted).broker_order_id
    assert broker_order_id
    bench.broker.activate(broker_order_id)
    return broker_order_id


def canceled(bench: Bench, broker_order_id: str) -> None:
    bench.broker.cancel(broker_order_id)
    bench.later()


def test_a_canceled_order_is_gone_and_stays_findable(bench: Bench) -> None:
    left = bench.broker.account().available
    order = bench.broker.submit(bench.intent)
    assert order.broker_order_id
    canceled(bench, order.broker_order_id)
    gone = found(bench, bench.intent)
    assert (gone.status, gone.filled, gone.broker_order_id) == (OrderStatus.CANCELED, 0, order.broker_order_id)
    assert bench.broker.positions() == []
    assert bench.broker.account().available == left


def test_an_order_that_works_is_canceled_too_unless_it_is_filled_before(bench: Bench) -> None:
    broker_order_id = sent(bench, bench.intent)
    before = found(bench, bench.intent)
    canceled(bench, broker_order_id)
    after = found(bench, bench.intent)
    assert after == before if before.status is OrderStatus.FILLED else after.status is OrderStatus.CANCELED


def test_a_canceled_order_is_never_activated_nor_placed_again(bench: Bench) -> None:
    order = bench.broker.submit(bench.intent)
    assert order.broker_order_id
    canceled(bench, order.broker_order_id)
    gone = found(bench, bench.intent)
    with suppress(OrderRefusedError):
        bench.broker.activate(order.broker_order_id)
    with suppress(OrderRefusedError):
        assert bench.broker.submit(bench.intent).status is OrderStatus.CANCELED
    bench.later()
    assert found(bench, bench.intent) == gone


def test_to_cancel_again_changes_nothing(bench: Bench) -> None:
    order = bench.broker.submit(bench.intent)
    assert order.broker_order_id
    for _ in range(2):
        bench.broker.cancel(order.broker_order_id)
        bench.again.cancel(order.broker_order_id)
    bench.later()
    gone = found(bench, bench.intent)
    canceled(bench, order.broker_order_id)
    assert found(bench, bench.intent) == gone


def test_to_cancel_what_there_is_not_is_no_error_and_spares_all_others(bench: Bench) -> None:
    order = bench.broker.submit(bench.intent)
    assert order.broker_order_id
    unknown = order.broker_order_id[:-1] + ("1" if order.broker_order_id.endswith("0") else "0")
    bench.broker.cancel(unknown)
    assert found(bench, bench.intent).status is placed(bench)


def test_to_cancel_a_filled_order_changes_nothing(bench: Bench) -> None:
    broker_order_id = sent(bench, bench.intent)
    bench.later()
    filled, held = found(bench, bench.intent), bench.broker.positions()
    assert (filled.status, filled.filled) == (OrderStatus.FILLED, bench.intent.quantity)
    canceled(bench, broker_order_id)
    assert found(bench, bench.intent) == filled
    assert bench.broker.positions() == held


def test_to_cancel_one_order_leaves_the_other_alone(bench: Bench) -> None:
    order, _ = bench.broker.submit(bench.intent), bench.broker.submit(bench.other)
    assert order.broker_order_id
    bench.broker.cancel(order.broker_order_id)
    assert found(bench, bench.other).status is placed(bench)


# -- listing


def listed(bench: Bench) -> dict[str, OrderStatus]:
    """The status of every order by our id, once it is seen that the list tells of each what `find` does."""
    names = ("broker_order_id", "isin", "side", "quantity", "currency", "status", "filled", "price", "fee", "reason")
    shown = {order.client_order_id: order for order in bench.broker.orders(bench.now)}
    assert len(shown) == len(bench.again.orders(bench.now))
    for wanted in (bench.intent, bench.other):
        if order := bench.broker.find(wanted.order()):
            there = shown[order.client_order_id]
            assert {name: getattr(there, name) for name in names} == {name: getattr(order, name) for name in names}
    return {key: order.status for key, order in shown.items()}


def test_a_new_account_has_no_orders(bench: Bench) -> None:
    assert bench.broker.orders(bench.now) == []


def test_every_order_is_listed_whatever_became_of_it(bench: Bench) -> None:
    one, other = bench.intent.client_order_id, bench.other.client_order_id
    sent(bench, bench.intent)
    order = bench.broker.submit(bench.other)
    assert order.broker_order_id
    assert listed(bench) == {one: found(bench, bench.intent).status, other: placed(bench)}
    canceled(bench, order.broker_order_id)
    assert listed(bench) == {one: OrderStatus.FILLED, other: OrderStatus.CANCELED}


def test_to_look_again_shows_the_same(bench: Bench) -> None:
    sent(bench, bench.intent)
    bench.broker.submit(bench.other)
    bench.later()
    assert bench.broker.orders(bench.now) == bench.broker.orders(bench.now) == bench.again.orders(bench.now)


# -- with the desk


def test_the_desk_takes_an_order_all_the_way_and_leaves_it_there(bench: Bench) -> None:
    database = open_database("sqlite:///:memory:")
    store = Repository(database)
    store.record([], [bench.intent, bench.too_large], bench.now)
    live = {OrderStatus.WORKING, OrderStatus.PARTIAL, OrderStatus.FILLED}
    for broker in (bench.broker, bench.again):
        Desk(broker, store, lambda: bench.now).work()
        assert store.order(bench.intent.client_order_id).status in live
        assert store.order(bench.too_large.client_order_id).status is OrderStatus.REJECTED
    database.close()
