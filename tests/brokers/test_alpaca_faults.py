"""The adapter of Alpaca before its stand-in: whatever goes wrong on the way, there is one order or a reason why not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event

import pytest

from bot.demo import faults
from bot.demo.alpaca.book import Asset
from bot.demo.alpaca.market import server
from bot.demo.alpaca.server import AlpacaServer, real_money
from bot.demo.companies import SHARES
from bot.demo.faults import Effect, Fault, Process
from bot.errors import BrokerError, NotPaperError
from bot.model import Order, OrderIntent, OrderStatus, Side
from bot.orders import Desk
from bot.store.database import Database, open_database
from bot.store.repository import Repository
from brokers.alpaca import Alpaca
from tests.brokers.alpaca import SHARE, before, wanted
from tests.builders import NOW, instrument
from tests.fakes import Time

WANTED = wanted(valid_until=NOW + timedelta(hours=6))
SECOND = timedelta(seconds=1)


class Shop:
    """A desk whose broker is the adapter, with the stand-in behind it."""

    def __init__(self, standin: AlpacaServer, database: Database, time: Time) -> None:
        self.standin = standin
        self.time = time
        self.store = Repository(database)
        self.connect()

    def connect(self) -> None:
        """With the keys that are valid now."""
        self.broker: Alpaca = before(self.standin)
        self.desk = Desk(self.broker, self.store, self.time)

    def work(self, *intents: OrderIntent, after: timedelta = Alpaca.visibility_lag) -> list[Order]:
        """What the desk makes of it, so much later."""
        self.time.now += after
        self.store.record([], intents, self.time.now)
        return self.desk.work()

    def fail(self, effect: Effect, path: str = "/v2/orders", method: str = "POST", **when: int | None) -> None:
        self.standin.fail(Fault(method=method, path=path, effect=effect, **when))  # type: ignore[arg-type]

    @property
    def status(self) -> OrderStatus:
        return self.store.order(WANTED.client_order_id).status

    @property
    def sent(self) -> int:
        return sum(1 for request in self.standin.journal if request.method == "POST")

    @property
    def theirs(self) -> list[tuple[str, Decimal]]:
        return [(order.status, order.ticket.quantity) for order in self.standin.orders]


@pytest.fixture
def shop() -> Iterator[Shop]:
    time = Time()
    database = open_database("sqlite:///:memory:")
    with server(NOW.date(), clock=time) as standin:
        yield Shop(standin, database, time)
    database.close()


BUSY = faults.answered(429, {"code": 42910000, "message": "too many requests"}, {"Retry-After": "1"})
DOWN = faults.answered(503, {"code": 50310000, "message": "service unavailable"})
FORBIDDEN = faults.answered(403, {"message": "forbidden."})
REDIRECTED = faults.answered(307, {}, {"Location": "https://elsewhere.example/v2/orders"})


def lie(**changes: object) -> Effect:
    return faults.edited(lambda answer: {**answer, **changes})


@pytest.mark.parametrize(
    ("effect", "sent"),
    [
        (faults.lost, 1),
        (faults.html(), 1),
        (faults.html(502), 1),
        (faults.truncated, 1),
        (lie(symbol="ELSE"), 1),
        (lie(qty="2400"), 1),
        (lie(status="odd"), 1),
        (lie(id="../account"), 1),
        (faults.edited(lambda answer: [answer]), 1),
        (faults.twice(), 1),
        (faults.twice(shown=0), 1),
        (faults.dropped, 2),
        (BUSY, 2),
        (DOWN, 2),
        (FORBIDDEN, 2),
        (REDIRECTED, 2),
    ],
)
def test_whatever_becomes_of_the_answer_there_is_one_order(shop: Shop, effect: Effect, sent: int) -> None:
    shop.fail(effect)
    shop.work(WANTED)
    shop.store.halt(None, shop.time.now)  # as refused keys have done
    shop.work()
    shop.work()
    assert shop.status is OrderStatus.FILLED
    assert shop.theirs == [("filled", 24)]
    assert shop.sent == sent


def test_a_request_that_is_processed_late_makes_no_second_order(shop: Shop) -> None:
    waiting: list[Process] = []
    shop.fail(faults.postponed(waiting))
    [order] = shop.work(WANTED)
    assert (order.status, shop.theirs) == (OrderStatus.SUBMITTING, [])
    shop.work()  # not found, and sent again under the same id
    status, _, body = waiting[0]()
    assert (status, json.loads(body)["code"]) == (422, 40010001)
    shop.work()
    assert (shop.status, shop.theirs) == (OrderStatus.FILLED, [("filled", 24)])


def test_the_late_request_wins_and_the_repeated_one_adopts_its_order(shop: Shop) -> None:
    waiting: list[Process] = []
    shop.fail(faults.postponed(waiting))
    shop.work(WANTED)
    asked_between = Fault(
        method="GET", path="/v2/orders:by_client_order_id", effect=lambda process: (process(), waiting[0]())[0]
    )
    shop.standin.fail(asked_between)  # it arrives after the look-up has found nothing
    shop.work()
    shop.work()
    assert (shop.status, shop.theirs, shop.sent) == (OrderStatus.FILLED, [("filled", 24)], 2)


def test_a_delayed_request_is_waited_for_until_the_deadline_only(shop: Shop) -> None:
    gate = Event()
    shop.fail(faults.delayed(gate.wait))
    shop.broker.api._http._deadline = 0.3
    [order] = shop.work(WANTED)
    assert (order.status, shop.theirs) == (OrderStatus.SUBMITTING, [])
    shop.broker.api._http._deadline = 5
    gate.set()
    shop.work()
    shop.work()
    assert (shop.status, shop.theirs) == (OrderStatus.FILLED, [("filled", 24)])


def test_an_order_that_is_not_shown_yet_is_waited_for_and_not_sent_as_another(shop: Shop) -> None:
    shop.standin.lag(Alpaca.visibility_lag)
    shop.fail(faults.lost)
    for _ in range(4):
        [order] = shop.work(WANTED) if shop.sent == 0 else shop.work(after=SECOND)
        assert order.status is OrderStatus.SUBMITTING
    shop.work(after=Alpaca.visibility_lag)
    assert (shop.status, shop.theirs) == (OrderStatus.FILLED, [("filled", 24)])
    assert {json.loads(each.body)["client_order_id"] for each in shop.standin.journal if each.method == "POST"} == {
        WANTED.client_order_id
    }


def test_many_orders_whose_answers_are_all_lost_are_sent_once_each(shop: Shop) -> None:
    shop.fail(faults.lost, times=None)
    shop.work(*(wanted(n, n=n, valid_until=NOW + timedelta(hours=6)) for n in range(1, 13)))
    shop.work()
    orders = shop.work()
    assert orders == []
    assert sorted(shop.theirs) == [("filled", n) for n in range(1, 13)]
    assert shop.sent == 12


@pytest.mark.parametrize("effect", [faults.dropped, faults.html(), BUSY, FORBIDDEN])
def test_a_share_that_cannot_be_asked_for_keeps_the_order_here(shop: Shop, effect: Effect) -> None:
    shop.fail(effect, "/v2/assets/NWRB", "GET", times=3)
    [order] = shop.work(WANTED)
    assert (order.status, shop.sent) == (OrderStatus.SUBMITTING, 0)
    shop.store.halt(None, shop.time.now)
    shop.standin.heal()
    shop.work()
    shop.work()
    assert (shop.status, shop.theirs) == (OrderStatus.FILLED, [("filled", 24)])


@pytest.mark.parametrize("path", ["/v2/account", "/v2/orders", "/v2/positions"])
@pytest.mark.parametrize("effect", [faults.dropped, faults.html(), BUSY, FORBIDDEN])
def test_books_that_cannot_be_compared_before_keep_every_order_here(shop: Shop, path: str, effect: Effect) -> None:
    shop.fail(effect, path, "GET", times=3)
    [order] = shop.work(WANTED)
    assert (order.status, shop.sent) == (OrderStatus.INTENT, 0)
    assert bool(shop.store.halted()) == (effect is FORBIDDEN)
    shop.store.halt(None, shop.time.now)
    shop.standin.heal()
    shop.work()
    shop.work()
    assert (shop.status, shop.theirs) == (OrderStatus.FILLED, [("filled", 24)])


def test_an_account_of_real_money_stops_the_desk_before_anything_is_sent(shop: Shop) -> None:
    shop.fail(real_money, "/v2/account", "GET", times=None)
    with pytest.raises(NotPaperError):
        shop.work(WANTED)
    assert (shop.sent, shop.theirs) == (0, [])


def test_a_decision_is_final_and_its_reason_kept(shop: Shop) -> None:
    [order] = shop.work(wanted(10_000, valid_until=NOW + timedelta(hours=6)))
    assert order.status is OrderStatus.REJECTED
    assert order.reason == "alpaca says 40310000 (insufficient buying power)"
    assert shop.work() == []


def test_a_share_that_was_halted_is_not_ordered(shop: Shop) -> None:
    shop.standin.list_asset(Asset(symbol="NWRB", name="Northwind", is_tradable=False))
    [order] = shop.work(WANTED)
    assert (order.status, order.reason, shop.sent) == (OrderStatus.REJECTED, "NWRB is not traded at alpaca", 0)


def test_after_a_reset_the_account_is_another_and_an_order_of_the_old_one_is_gone(shop: Shop) -> None:
    number = shop.broker.account().id
    [order] = shop.work(WANTED)
    assert order.status is OrderStatus.WORKING
    shop.standin.reset()
    [left] = shop.work()
    assert left.status is OrderStatus.WORKING  # the old keys are refused, which says nothing of the order
    shop.connect()
    [left] = shop.work()
    assert left.status is OrderStatus.WORKING
    assert shop.broker.find(left) is None
    assert shop.broker.account().id != number
    assert (shop.broker.positions(), shop.broker.orders(NOW)) == ([], [])
    assert shop.sent == 1


# -- the whole of it


def test_a_trade_leaves_its_trace_in_the_account(shop: Shop) -> None:
    quote = shop.broker.quote(SHARE, NOW)
    assert quote is not None
    start = shop.broker.account()
    shop.work(WANTED)
    assert shop.broker.account().available < start.available  # reserved
    [bought] = shop.work()
    assert (bought.filled, bought.price, bought.fee) == (24, quote.ask, 0)
    [position] = shop.broker.positions()
    assert position.is_of(SHARE)
    assert (position.quantity, position.average_price) == (24, quote.ask)
    assert shop.broker.account().cash == start.cash - 24 * quote.ask
    shop.work(wanted(n=2, side=Side.SELL, valid_until=NOW + timedelta(hours=6)), after=timedelta(minutes=1))
    [sold] = shop.work()
    assert (sold.status, sold.price, sold.updated_at) == (OrderStatus.FILLED, quote.bid, shop.time.now)
    assert shop.broker.positions() == []
    assert shop.broker.account().cash == start.cash - 24 * (quote.ask - quote.bid)


def test_fractions_and_parts_add_up(shop: Shop) -> None:
    shop.standin.fill_in_lots(Decimal("0.7"))
    [order] = shop.work(wanted("1.5", valid_until=NOW + timedelta(hours=6)))
    seen = []
    while order.status is not OrderStatus.FILLED:
        [order] = shop.work()
        seen.append((order.status.value, order.filled))
    assert seen == [("partial", Decimal("0.7")), ("partial", Decimal("1.4")), ("filled", Decimal("1.5"))]
    assert shop.broker.positions()[0].quantity == Decimal("1.5")


@pytest.mark.parametrize("ticker", sorted({share.ticker for share in SHARES}))
def test_every_company_of_the_demo_has_a_quote_under_our_symbol(shop: Shop, ticker: str) -> None:
    quote = shop.broker.quote(instrument(ticker), NOW)
    assert quote is not None
    assert quote.symbol == ticker


def test_an_order_is_kept_here_until_its_session(shop: Shop) -> None:
    tomorrow = wanted(valid_from=datetime(2026, 3, 4, 14, 30, tzinfo=UTC))
    [order] = shop.work(tomorrow)
    assert (order.status, shop.sent) == (OrderStatus.INTENT, 0)
    shop.time.now = datetime(2026, 3, 4, 14, 30, tzinfo=UTC)
    [order] = shop.work()
    assert (order.status, shop.sent) == (OrderStatus.WORKING, 1)
    [order] = shop.work()
    assert order.status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("at", "closed"),
    [
        (NOW, False),
        (datetime(2026, 3, 3, 13, 0, tzinfo=UTC), True),
        (datetime(2026, 4, 3, 15, 0, tzinfo=UTC), True),  # Good Friday
        (datetime(2026, 11, 27, 17, 59, tzinfo=UTC), False),  # the half day after Thanksgiving
        (datetime(2026, 11, 27, 18, 1, tzinfo=UTC), True),
        (datetime(2026, 3, 9, 13, 31, tzinfo=UTC), False),  # summer time has begun in New York
    ],
)
def test_the_exchanges_keep_their_calendar(shop: Shop, at: datetime, closed: bool) -> None:
    shop.time.now = at
    assert bool(shop.broker.closed(at)) is closed


# -- canceling and listing


def test_a_cancellation_ends_an_order_once_and_may_be_repeated(shop: Shop) -> None:
    shop.standin.fill_in_lots(Decimal(1))
    shop.work(WANTED)
    [order] = shop.work()
    assert order.broker_order_id
    for _ in range(3):
        shop.broker.cancel(order.broker_order_id)
    [canceled] = shop.work()
    assert (canceled.status, canceled.filled) == (OrderStatus.CANCELED, 1)
    shop.broker.cancel(order.broker_order_id)
    shop.standin.reset()
    before(shop.standin).cancel(order.broker_order_id)  # unknown by now


@pytest.mark.parametrize("effect", [faults.dropped, faults.lost, faults.html(502), DOWN, BUSY, FORBIDDEN])
def test_a_cancellation_without_an_answer_is_left_open(shop: Shop, effect: Effect) -> None:
    [order] = shop.work(WANTED)
    shop.fail(effect, "/v2/orders/.*", "DELETE")
    with pytest.raises(BrokerError):
        shop.broker.cancel(order.broker_order_id or "")
    assert sum(1 for request in shop.standin.journal if request.method == "DELETE") == 1


def test_every_order_of_the_account_is_listed_with_what_became_of_it(shop: Shop) -> None:
    begun = shop.time.now
    shop.work(*(wanted(1, n=n, valid_until=NOW + timedelta(hours=6)) for n in range(4)))
    shop.work(wanted(1, n=9, valid_until=NOW + timedelta(hours=6)))
    ours = {order.client_order_id: order.broker_order_id for _, order in shop.store.orders()}
    found = shop.broker.orders(begun)
    assert {order.client_order_id: order.broker_order_id for order in found} == ours
    assert [order.status.value for order in found] == ["filled"] * 4 + ["working"]
    assert shop.broker.orders(shop.time.now)[0].client_order_id.endswith("9")
    assert shop.broker.orders(shop.time.now + SECOND) == []


@pytest.mark.parametrize(
    ("effect", "page"),
    [
        (faults.answered(200, []), 1),
        *[(effect, page) for effect in (faults.dropped, faults.html(), faults.truncated, BUSY) for page in (0, 1)],
    ],
)
def test_a_list_with_a_page_that_is_missing_is_none(shop: Shop, effect: Effect, page: int) -> None:
    shop.work(WANTED)
    shop.fail(effect, method="GET", after=page, times=None)
    with pytest.raises(BrokerError):
        shop.broker.orders(NOW)
