"""The adapter of lemon.markets: settings, account, quotes, hours, search; and the whole of it before the stand-in."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import responses
from pydantic import SecretStr
from responses.matchers import query_param_matcher

from bot.demo.companies import SHARES
from bot.demo.lemon import faults
from bot.demo.lemon.faults import Fault
from bot.demo.lemon.market import look_alike, server
from bot.demo.lemon.server import LemonMarketsServer
from bot.errors import BrokerError, ConfigError, NotPaperError
from bot.http import Http
from bot.model import Account, Instrument, Order, OrderIntent, OrderStatus, Position, Quote, Side, Terms
from bot.orders import Desk
from bot.plugins import Kit, find
from bot.settings import Settings
from bot.store.database import Database, open_database
from bot.store.repository import Repository
from brokers.lemon_markets import LemonMarkets
from brokers.lemon_markets import broker as factory
from tests.brokers.lemon import (
    DATA_KEY,
    DATA_URL,
    EMPTY,
    ISIN,
    KEY,
    OTHER_ISIN,
    SHARE,
    URL,
    WANTED,
    Wire,
    adapter,
    page,
    wanted,
)
from tests.builders import NOW, instrument
from tests.fakes import Time

# -- settings


def test_the_entry_point_leads_here() -> None:
    made, argument = find("brokers", "lemon_markets")
    assert made is factory
    assert argument == ""


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (("lemon_markets_url",), "BOT_LEMON_MARKETS_URL: "),
        (("lemon_markets_key",), "BOT_LEMON_MARKETS_KEY: "),
        (("lemon_markets_url", "lemon_markets_key"), "BOT_LEMON_MARKETS_URL and BOT_LEMON_MARKETS_KEY: "),
    ],
)
def test_missing_settings_are_named(missing: tuple[str, ...], named: str) -> None:
    with pytest.raises(ConfigError, match=rf"^lemon_markets needs {named}"):
        adapter(**dict.fromkeys(missing))


@pytest.mark.parametrize(
    "url", ["https://trading.lemon.markets/v1", "https://paper@live.example", "https://live.example"]
)
def test_a_live_address_is_refused_even_when_the_settings_let_it_through(url: str) -> None:
    settings = Settings.of(lemon_markets_key=SecretStr(KEY)).model_copy(update={"lemon_markets_url": url})
    with pytest.raises(NotPaperError, match=r"^BOT_LEMON_MARKETS_URL: "):
        factory(Kit(settings=settings, clock=Time(), http=Http("tests")))


@pytest.mark.parametrize("key", ["two words", "new\nline", "schlüssel", " "])
def test_a_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigError, match=r"^BOT_LEMON_MARKETS_KEY holds a character that no key has") as told:
        adapter(lemon_markets_key=SecretStr(key))
    assert key.strip() == "" or key not in str(told.value)


def test_each_address_gets_its_own_key(wire: Wire) -> None:
    wire.trading("/positions/", page())
    wire.data("/quotes/latest/", EMPTY)
    wire.broker.positions()
    wire.broker.quote(SHARE, NOW)
    sent = {call.request.url.split("/v1")[0]: call.request.headers["Authorization"] for call in responses.calls}
    assert sent == {"https://paper.example": f"Bearer {KEY}", "https://paper-data.example": f"Bearer {DATA_KEY}"}


def test_one_address_and_one_key_serve_both(wire: Wire) -> None:
    broker = adapter(lemon_markets_data_url=None, lemon_markets_data_key=None)
    responses.get(f"{URL}/quotes/latest/", json=EMPTY)
    assert broker.quote(SHARE, NOW) is None
    assert responses.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"


def test_a_netrc_file_does_not_replace_the_key(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("default login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    wire.trading("/positions/", page())
    wire.broker.positions()
    assert responses.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"


# -- looking


def test_the_account_is_what_there_is_and_what_is_left(wire: Wire) -> None:
    wire.trading("/account/", {"results": {"account_id": "acc_1", "balance": 1000001, "cash_to_invest": -1}})
    account = Account(id="acc_1", currency="EUR", cash=Decimal("100.0001"), available=Decimal("-0.0001"))
    assert wire.broker.account() == account


@pytest.mark.parametrize("balance", [12.5, "1000", None, True, 10**16, [], {}])
def test_an_amount_that_is_no_whole_number_is_refused(wire: Wire, balance: Any) -> None:
    wire.trading("/account/", {"results": {"account_id": "acc_1", "balance": balance, "cash_to_invest": 0}})
    with pytest.raises(BrokerError, match=r"^lemon_markets: balance: a whole number from .* was expected, found "):
        wire.broker.account()


def test_positions_have_the_brokers_title_as_symbol(wire: Wire) -> None:
    held = {"isin": ISIN, "isin_title": "NORTHWIND\u202e\n ROBOTICS", "quantity": 4, "buy_price_avg": 411501}
    sold = {"isin": OTHER_ISIN, "isin_title": "QUILLMARK", "quantity": 0, "buy_price_avg": 0}
    wire.trading("/positions/", page(held, sold))
    assert wire.broker.positions() == [
        Position(
            symbol="NORTHWIND ROBOTICS",
            isin=ISIN,
            quantity=Decimal(4),
            average_price=Decimal("41.1501"),
            currency="EUR",
        )
    ]


@pytest.mark.parametrize("title", ["", None, 7, "\n"])
def test_a_position_without_a_title_goes_by_its_isin(wire: Wire, title: Any) -> None:
    wire.trading("/positions/", page({"isin": ISIN, "isin_title": title, "quantity": 4, "buy_price_avg": 1}))
    assert [position.symbol for position in wire.broker.positions()] == [ISIN]


@pytest.mark.parametrize(
    "wrong", [{"quantity": -4}, {"quantity": 4.0}, {"isin": None}, {"isin": "US\u202e"}, {"buy_price_avg": 0}]
)
def test_a_position_that_makes_no_sense_is_not_left_out_but_refused(wire: Wire, wrong: dict[str, Any]) -> None:
    held = {"isin": ISIN, "isin_title": "NORTHWIND", "quantity": 4, "buy_price_avg": 411500}
    wire.trading("/positions/", page(held | wrong))
    with pytest.raises(BrokerError, match=rf"^lemon_markets: {next(iter(wrong))}: "):
        wire.broker.positions()


def test_the_conditions_are_two_euros_and_the_settings_minimum() -> None:
    assert adapter(lemon_markets_minimum="75").terms() == Terms(fee=Decimal(2), minimum=Decimal(75))


# -- quotes


def quoted(**changes: Any) -> dict[str, Any]:
    facts = {"isin": ISIN, "b_v": 87, "a_v": 87, "b": 411701, "a": 411902, "mic": "XMUN"}
    return page(facts | {"t": "2026-03-03T15:59:59.771+01:00"} | changes)


def test_a_quote_is_asked_for_in_whole_numbers_and_written_times(wire: Wire) -> None:
    params = {"isin": ISIN, "mic": "XMUN", "decimals": "false", "epoch": "false"}
    wire.data("/quotes/latest/", quoted(), match=[query_param_matcher(params)])
    assert wire.broker.quote(SHARE, NOW) == Quote(
        symbol="NWRB",
        bid=Decimal("41.1701"),
        ask=Decimal("41.1902"),
        currency="EUR",
        at=datetime(2026, 3, 3, 14, 59, 59, 771000, tzinfo=UTC),
    )


def test_without_an_isin_nothing_is_asked(wire: Wire) -> None:
    assert wire.broker.quote(instrument("NWRB"), NOW) is None
    assert wire.asked == []


@pytest.mark.parametrize("answer", [EMPTY, quoted(b=0), quoted(a=0), quoted(b=None), quoted(a=None), quoted(b=411903)])
def test_a_quote_that_makes_no_market_is_none(wire: Wire, answer: dict[str, Any]) -> None:
    wire.data("/quotes/latest/", answer)
    assert wire.broker.quote(SHARE, NOW) is None


@pytest.mark.parametrize(
    "answer",
    [
        quoted(isin=OTHER_ISIN),
        quoted(mic="XETR"),
        quoted(b=41.17),
        quoted(b="411700"),
        quoted(a=-1),
        quoted(t=1646319598771),
        quoted(t="2026-03-03T15:59:59"),
        quoted(t="2026-13-03T15:59:59Z"),
        quoted(t="0001-01-01T00:00:00+05:00"),
        page(quoted()["results"][0], quoted(isin=OTHER_ISIN)["results"][0]),
    ],
)
def test_a_quote_that_cannot_be_right_is_refused(wire: Wire, answer: dict[str, Any]) -> None:
    wire.data("/quotes/latest/", answer)
    with pytest.raises(BrokerError, match=r"^lemon_markets"):
        wire.broker.quote(SHARE, NOW)


def test_a_quote_a_moment_ahead_is_of_now_and_one_from_the_future_is_refused(wire: Wire) -> None:
    wire.data("/quotes/latest/", quoted(t="2026-03-03T15:05:00Z"))
    wire.data("/quotes/latest/", quoted(t="2026-03-03T15:05:01Z"))
    ahead = wire.broker.quote(SHARE, NOW)
    assert ahead is not None
    assert ahead.at == NOW
    with pytest.raises(BrokerError, match=r"a quote of 2026-03-03 15:05 UTC, which is still to come"):
        wire.broker.quote(SHARE, NOW)


# -- hours


def venue(**changes: Any) -> dict[str, Any]:
    hours = {"start": "08:00", "end": "22:00", "timezone": "Europe/Berlin"}
    facts = {"mic": "XMUN", "is_open": True, "opening_hours": hours, "opening_days": ["2026-03-03", "2026-03-04"]}
    return page(facts | changes)


@pytest.mark.parametrize(
    ("at", "is_open", "closed"),
    [
        ("2026-03-03T07:00:00Z", True, None),
        ("2026-03-03T20:59:59Z", True, None),
        ("2026-03-03T06:59:59Z", True, "XMUN is open from 08:00 to 22:00 in Berlin only"),
        ("2026-03-03T21:00:00Z", True, "XMUN is open from 08:00 to 22:00 in Berlin only"),
        ("2026-03-03T23:30:00Z", True, "XMUN is open from 08:00 to 22:00 in Berlin only"),  # the 4th in Berlin
        ("2026-03-04T23:30:00Z", True, "XMUN is closed on 2026-03-05"),
        ("2026-03-02T15:00:00Z", True, "XMUN is closed on 2026-03-02"),
        ("2026-03-03T15:00:00Z", False, "XMUN is closed at the moment, says lemon_markets"),
    ],
)
def test_gettex_is_open_on_its_days_and_in_its_hours(wire: Wire, at: str, is_open: bool, closed: str | None) -> None:
    wire.data("/venues/", venue(is_open=is_open), match=[query_param_matcher({"mic": "XMUN"})])
    assert wire.broker.closed(datetime.fromisoformat(at)) == closed


def test_allday_never_closes_and_is_not_asked(wire: Wire) -> None:
    assert adapter(lemon_markets_venue="allday").closed(NOW) is None
    assert wire.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        EMPTY,
        venue(mic="XETR"),
        venue(is_open=None),
        venue(opening_days="2026-03-03"),
        venue(opening_hours=None),
        venue(opening_hours={"start": "08:00", "end": "22:00", "timezone": "UTC"}),
        venue(opening_hours={"start": "8:00", "end": "22:00", "timezone": "Europe/Berlin"}),
        venue(opening_hours={"start": "08:00", "end": "24:00", "timezone": "Europe/Berlin"}),
        venue(opening_hours={"start": "08:00", "timezone": "Europe/Berlin"}),
    ],
)
def test_hours_that_cannot_be_read_are_not_taken_for_open(wire: Wire, answer: dict[str, Any]) -> None:
    wire.data("/venues/", answer)
    with pytest.raises(BrokerError, match=r"^lemon_markets"):
        wire.broker.closed(NOW)


# -- candidates


def searches(wire: Wire, **found: list[str]) -> None:
    """What each search finds; any other finds nothing, and words are separated by `_` here."""

    def reply(request: Any) -> tuple[int, dict[str, str], str]:
        assert request.params["type"] == "stock"
        assert request.params["tradable"] == "true"
        isins = found.get(request.params["search"].replace(" ", "_"), [])
        return 200, {}, json.dumps(page(*({"isin": isin, "type": "stock"} for isin in isins)))

    responses.add_callback("GET", f"{DATA_URL}/instruments/", callback=reply)


@pytest.mark.parametrize(
    ("name", "searched"),
    [
        ("NORTHWIND ROBOTICS INC", "NORTHWIND_ROBOTICS"),
        ("Northwind Robotics, Inc.", "Northwind_Robotics"),
        ("NORTHWIND ROBOTICS INC-CL A", "NORTHWIND_ROBOTICS"),
        ("NORTHWIND ROBOTICS -CL A", "NORTHWIND_ROBOTICS"),
        ("NORTHWIND ROBOTICS-SPON ADR", "NORTHWIND_ROBOTICS"),
        ("NORTHWIND CO/THE", "NORTHWIND"),
        ("NORTHWIND & CO", "NORTHWIND"),
        ("NORTHWIND TRUST CORP", "NORTHWIND_TRUST"),
        ("NORTHWIND CORP-A", "NORTHWIND"),
        ("COMPANY OF NORTHWINDS LTD", "COMPANY_OF_NORTHWINDS"),
        ("NW CO", "NW_CO"),  # too short without its legal form
    ],
)
def test_the_company_is_searched_by_its_name_without_legal_form(wire: Wire, name: str, searched: str) -> None:
    searches(wire, **{searched: [ISIN]})
    assert list(wire.broker.isin_candidates("NWR", name)) == [ISIN]


def test_a_name_that_is_not_found_is_searched_by_its_first_long_word(wire: Wire) -> None:
    searches(wire, NORTHWIND=[ISIN])
    assert list(wire.broker.isin_candidates("NWR", "NW NORTHWIND ROBOTICS TECHNOLOGIES INC")) == [ISIN]


def test_the_symbol_is_searched_too_and_nothing_is_offered_twice(wire: Wire) -> None:
    searches(wire, NORTHWIND_ROBOTICS=[OTHER_ISIN, ISIN], NWRB=[ISIN, SHARES[2].isin])
    found = list(wire.broker.isin_candidates("NWRB", "NORTHWIND ROBOTICS INC"))
    assert found == [OTHER_ISIN, ISIN, SHARES[2].isin]


def test_nothing_shorter_than_four_letters_is_searched(wire: Wire) -> None:
    assert list(wire.broker.isin_candidates("NW", "NW")) == []
    assert wire.asked == []


def test_only_shares_with_an_isin_are_offered_and_not_more_than_fifty(wire: Wire) -> None:
    fund, odd = {"isin": OTHER_ISIN, "type": "etf"}, {"isin": "US66553", "type": "stock"}
    many = [{"isin": f"US{n:09}0", "type": "stock"} for n in range(60)]
    wire.data("/instruments/", page(fund, odd, *many, total=400, next=f"{DATA_URL}/instruments/?page=2"))
    assert list(wire.broker.isin_candidates("NWR", "NORTHWIND")) == [each["isin"] for each in many[:48]]
    assert len(wire.asked) == 1


# -- what it can do


def test_it_can_do_all_that_may_be_left_alone() -> None:
    can = (LemonMarkets.two_step, LemonMarkets.idempotent, LemonMarkets.lookup_by_key, LemonMarkets.list_all_statuses)
    assert can == (True, True, True, True)
    assert (LemonMarkets.key_ttl, LemonMarkets.paper_proof) == (timedelta(days=7), "mode")


# -- before the stand-in


class Shop:
    """A desk whose broker is the adapter, with the stand-in behind it."""

    def __init__(self, standin: LemonMarketsServer, database: Database, time: Time) -> None:
        settings = Settings.of(
            lemon_markets_url=f"{standin.url}/v1",
            lemon_markets_key=SecretStr(standin.trading_key),
            lemon_markets_data_key=SecretStr(standin.data_key),
        )
        self.standin = standin
        self.time = time
        self.broker = factory(Kit(settings=settings, clock=time, http=Http("tests", deadline=5)))
        self.store = Repository(database)
        self.desk = Desk(self.broker, self.store, time)

    def work(self, *intents: OrderIntent) -> list[Order]:
        self.store.record([], intents, self.time.now)
        return self.desk.work()

    def sent(self, path: str) -> int:
        return sum(1 for request in self.standin.journal if request.method == "POST" and request.path.endswith(path))

    def at_the_broker(self) -> list[tuple[str, int]]:
        return [(order.status, order.ticket.quantity) for order in self.standin.orders]


@pytest.fixture
def shop() -> Iterator[Shop]:
    time = Time()
    database = open_database("sqlite:///:memory:")
    with server(NOW.date(), clock=time) as standin:
        yield Shop(standin, database, time)
    database.close()


@pytest.mark.parametrize(
    ("effect", "sent"),
    [
        (faults.lost, 1),
        (faults.html(), 1),
        (faults.html(502), 1),
        (faults.truncated, 1),
        (faults.edited(lambda answer: {**answer, "results": {}}), 1),
        (faults.edited(lambda answer: {**answer, "results": {**answer["results"], "status": "odd"}}), 1),
        (faults.twice(), 1),
        (faults.twice(shown=0), 1),
        (faults.dropped, 2),
        (faults.refused(503), 2),
        (faults.refused(429, "rate_limit_exceeded"), 2),
        (faults.refused(401, "token_invalid"), 2),
    ],
)
def test_whatever_becomes_of_the_answer_there_is_one_order(shop: Shop, effect: faults.Effect, sent: int) -> None:
    shop.standin.fail(Fault(method="POST", path="/orders", effect=effect))
    shop.work(WANTED)
    shop.store.halt(None, shop.time.now)  # as a refused key has done
    shop.time.now += LemonMarkets.visibility_lag  # what is not found by now was not placed
    shop.work()
    assert shop.store.order(WANTED.client_order_id).status is OrderStatus.FILLED
    assert shop.at_the_broker() == [("executed", 24)]
    assert (shop.sent("/orders"), shop.sent("/activate")) == (sent, 1)


def test_orders_whose_answers_are_lost_are_found_among_a_page_of_others_and_sent_once_each(shop: Shop) -> None:
    shop.standin.fail(Fault(method="POST", path="/orders", effect=faults.lost, times=2))
    shop.work(wanted(1, n=1), wanted(2, n=2))
    for n in range(3, 15):
        shop.broker.submit(wanted(n, client_order_id=f"theirs-{n}"))
    orders = shop.work()
    assert {order.status for order in orders} == {OrderStatus.FILLED}
    assert sorted(shop.at_the_broker()) == [
        ("executed", 1),
        ("executed", 2),
        *sorted(("inactive", n) for n in range(3, 15)),
    ]
    assert shop.sent("/orders") == 2 + 12


@pytest.mark.parametrize("effect", [faults.lost, faults.html(), faults.truncated, faults.dropped, faults.twice()])
def test_whatever_becomes_of_an_activation_the_order_works_once(shop: Shop, effect: faults.Effect) -> None:
    shop.standin.fail(Fault(method="POST", path="/orders/.*/activate", effect=effect))
    shop.work(WANTED)
    shop.work()
    assert shop.store.order(WANTED.client_order_id).status is OrderStatus.FILLED
    assert shop.at_the_broker() == [("executed", 24)]
    assert len(shop.broker.positions()) == 1


@pytest.mark.parametrize("path", ["/orders", "/orders/.*/activate"])
def test_real_money_stops_the_desk(shop: Shop, path: str) -> None:
    shop.standin.fail(Fault(method="POST", path=path, effect=faults.money))
    with pytest.raises(NotPaperError, match="mode 'money'"):
        shop.work(WANTED)


def test_an_inactive_order_is_canceled_once_and_for_all(shop: Shop) -> None:
    order = shop.broker.submit(WANTED)
    assert order.broker_order_id
    for _ in range(2):
        shop.broker.cancel(order.broker_order_id)
    assert shop.at_the_broker() == [("canceled", 24)]
    found = shop.broker.find(WANTED.order())
    assert found is not None
    assert (found.status, found.reason) == (OrderStatus.CANCELED, "canceled at lemon_markets")


def test_an_order_that_waits_for_the_open_can_be_canceled(shop: Shop) -> None:
    shop.time.now = datetime(2026, 3, 3, 22, 0, tzinfo=UTC)
    order = shop.broker.submit(WANTED)
    assert order.broker_order_id
    shop.broker.activate(order.broker_order_id)
    shop.broker.cancel(order.broker_order_id)
    shop.time.now = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
    assert shop.at_the_broker() == [("canceled", 24)]


@pytest.mark.parametrize(
    ("effect", "after"),
    [
        (faults.dropped, "inactive"),
        (faults.refused(503), "inactive"),
        (faults.refused(429, "rate_limit_exceeded"), "inactive"),
        (faults.refused(401, "token_invalid"), "inactive"),
        (faults.lost, "canceled"),
        (faults.html(), "canceled"),
        (faults.truncated, "canceled"),
    ],
)
def test_a_cancellation_without_an_answer_is_left_open_and_may_be_repeated(
    shop: Shop, effect: faults.Effect, after: str
) -> None:
    order = shop.broker.submit(WANTED)
    shop.standin.fail(Fault(method="DELETE", path="/orders/.*", effect=effect))
    with pytest.raises(BrokerError):
        shop.broker.cancel(order.broker_order_id or "")
    assert shop.at_the_broker() == [(after, 24)]
    assert sum(1 for request in shop.standin.journal if request.method == "DELETE") == 1
    shop.broker.cancel(order.broker_order_id or "")
    assert shop.at_the_broker() == [("canceled", 24)]


def test_a_cancellation_that_arrives_twice_is_done(shop: Shop) -> None:
    order = shop.broker.submit(WANTED)
    shop.standin.fail(Fault(method="DELETE", path="/orders/.*", effect=faults.twice()))
    shop.broker.cancel(order.broker_order_id or "")
    assert shop.at_the_broker() == [("canceled", 24)]


@pytest.mark.parametrize("size", ["5", "100"])  # orders on a page, in several pages and in one
def test_every_order_of_the_account_is_listed_with_what_became_of_it(
    shop: Shop, size: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brokers.lemon_markets.PAGE", size)
    shop.work(*(wanted(n, n=n) for n in range(1, 13)))
    last = shop.broker.submit(wanted(n=13))
    found = {order.client_order_id: (order.quantity, order.status) for order in shop.broker.orders(NOW)}
    expected = {wanted(n=n).client_order_id: (n, OrderStatus.FILLED) for n in range(1, 13)}
    assert found == expected | {last.client_order_id: (24, OrderStatus.INACTIVE)}
    assert shop.broker.orders(NOW + timedelta(days=1)) == []


@pytest.mark.parametrize("effect", [faults.dropped, faults.html(), faults.truncated, faults.refused(429)])
@pytest.mark.parametrize("page", [0, 1])
def test_a_list_with_a_page_that_is_missing_is_none(
    shop: Shop, effect: faults.Effect, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brokers.lemon_markets.PAGE", "10")
    shop.work(*(wanted(n, n=n) for n in range(1, 13)))
    shop.standin.fail(Fault(method="GET", path="/orders", effect=effect, after=page, times=None))
    with pytest.raises(BrokerError):
        shop.broker.orders(NOW)


def test_a_trade_leaves_its_trace_in_the_account(shop: Shop) -> None:
    quote = shop.broker.quote(SHARE, NOW)
    assert quote is not None
    before = shop.broker.account()
    [order] = shop.work(WANTED)
    assert (order.filled, order.price, order.fee) == (24, quote.ask, 2)
    [position] = shop.broker.positions()
    assert position.is_of(SHARE)
    assert (position.quantity, position.average_price) == (24, quote.ask)
    assert shop.broker.account().cash == before.cash - 24 * quote.ask - 2
    shop.time.now += timedelta(minutes=1)  # until the books are read again, the shares are not known to be there
    [sold] = shop.work(wanted(n=2, side=Side.SELL))
    assert (sold.status, sold.price) == (OrderStatus.FILLED, quote.bid)
    assert shop.broker.positions() == []
    assert shop.broker.account().cash == before.cash - 24 * (quote.ask - quote.bid) - 4


def test_an_order_waits_for_the_open_and_says_so(shop: Shop) -> None:
    assert shop.broker.closed(NOW) is None
    shop.time.now = datetime(2026, 3, 3, 22, 0, tzinfo=UTC)
    assert shop.broker.closed(shop.time.now) is not None
    [order] = shop.work(WANTED)
    assert order.status is OrderStatus.WORKING
    shop.time.now = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
    [order] = shop.work()
    assert order.status is OrderStatus.FILLED


def test_a_holiday_is_no_trading_day(shop: Shop) -> None:
    shop.time.now = datetime(2026, 4, 3, 12, 0, tzinfo=UTC)  # Good Friday
    assert shop.broker.closed(shop.time.now) == "XMUN is closed on 2026-04-03"


@pytest.mark.parametrize(
    "share", [share for share in SHARES if share.type != "Preference"], ids=lambda share: share.ticker
)
def test_the_search_offers_the_right_share_though_a_look_alike_comes_first(shop: Shop, share: Any) -> None:
    found = list(shop.broker.isin_candidates(share.ticker, share.name or share.company.upper()))
    assert share.isin in found
    assert look_alike(share).isin in found


def test_every_session_day_of_the_order_is_sent_as_it_is(shop: Shop) -> None:
    late = wanted(session=date(2026, 3, 2), valid_until=NOW + timedelta(hours=1))
    [order] = shop.work(late)
    assert order.status is OrderStatus.REJECTED
    assert "order_expiration_date_invalid" in order.reason


def test_a_quote_at_the_stand_in_is_the_stand_ins(shop: Shop) -> None:
    unknown = Instrument(symbol="ELSE", name="Else", share_class_figi="BBG000000001", isin="US0000000002")
    shop.standin.quote(ISIN, Decimal("10.0001"), Decimal("10.0002"))
    quote = shop.broker.quote(SHARE, NOW)
    assert quote is not None
    assert (quote.bid, quote.ask) == (Decimal("10.0001"), Decimal("10.0002"))
    assert shop.broker.quote(unknown, NOW) is None
