"""The adapter of Alpaca: settings, account, positions, quotes, hours, and what is no answer."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from responses.matchers import query_param_matcher

from bot.errors import BrokerError, ConfigError, NotPaperError, OrderRefusedError
from bot.model import Account, Position, Quote, Terms
from bot.plugins import find
from brokers.alpaca import DATA_URL, Alpaca
from brokers.alpaca import broker as factory
from brokers.alpaca_api import HIGHEST, LOWEST, amount, price
from tests.brokers.alpaca import (
    ACCOUNT,
    ID,
    KEY,
    PLACED,
    SECRET,
    SHARE,
    URL,
    WANTED,
    Wire,
    adapter,
    error,
    kit,
    resting,
    row,
)
from tests.builders import NOW, instrument


@pytest.fixture
def wire() -> Iterator[Wire]:
    with responses.mock:
        yield Wire()


# -- settings


def test_the_entry_point_leads_here() -> None:
    assert find("brokers", "alpaca") == (factory, "")


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (("alpaca_key",), "BOT_ALPACA_KEY: "),
        (("alpaca_secret",), "BOT_ALPACA_SECRET: "),
        (("alpaca_key", "alpaca_secret"), "BOT_ALPACA_KEY and BOT_ALPACA_SECRET: "),
    ],
)
def test_missing_settings_are_named(missing: tuple[str, ...], named: str) -> None:
    with pytest.raises(ConfigError, match=rf"^alpaca needs {named}write those of your paper account$"):
        adapter(**dict.fromkeys(missing))


LIVE = ["https://api.alpaca.markets", "https://broker-api.alpaca.markets", "https://API.alpaca.markets."]


@pytest.mark.parametrize(
    "url",
    [
        *LIVE,
        "https://paper-api.alpaca.markets.evil.example",
        "https://paper-api.alpaca.markets@api.alpaca.markets",
        "https://api.alpaca.markets\\@127.0.0.1",
        "https://api.alpaca.markets#127.0.0.1",
        "http://paper-api.alpaca.markets",
        "https://paper-api.alpaca.markets:8443",
        "https://paper-api.alpaca.markets/v2",
        "https://paper.example",
        "https://sandbox.alpaca.markets",
        "https://data.alpaca.markets",
        "https://127.0.0.1.evil.example",
    ],
)
def test_any_address_but_the_paper_host_or_this_machine_is_refused_before_a_request(wire: Wire, url: str) -> None:
    made = kit()
    settings = made.settings.model_copy(update={"alpaca_url": url})  # past what the settings themselves refuse
    with pytest.raises(NotPaperError, match=r"^BOT_ALPACA_URL: ") as told:
        factory(type(made)(settings=settings, clock=made.clock, http=made.http))
    assert "\n" not in str(told.value)
    assert wire.asked == []


@pytest.mark.parametrize("url", LIVE)
def test_the_settings_refuse_a_live_address(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_ALPACA_URL", url)
    with pytest.raises(ConfigError, match=r"^BOT_ALPACA_URL: .* real money,? (which )?is not supported"):
        type(kit().settings).load()


@pytest.mark.parametrize("local", ["http://127.0.0.1:8080", "http://localhost:9", "http://[::1]:8080"])
def test_a_stand_in_serves_trading_and_market_data(wire: Wire, local: str) -> None:
    responses.get(f"{local}/v2/positions", json=[])
    responses.get(f"{local}/v2/stocks/quotes/latest", json={"quotes": {}})
    broker = adapter(alpaca_url=local)
    assert (broker.positions(), broker.quote(SHARE, NOW)) == ([], None)


@pytest.mark.parametrize("name", ["alpaca_key", "alpaca_secret"])
@pytest.mark.parametrize("key", ["two words", "new\nline", "schlüssel", " "])
def test_a_key_that_is_none_is_refused_without_being_shown(name: str, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^BOT_{name.upper()} holds a character that no key has") as told:
        adapter(**{name: SecretStr(key)})
    assert key.strip() == "" or key not in str(told.value)


def test_both_keys_go_with_every_request_and_to_two_hosts_only(wire: Wire) -> None:
    wire.get("/v2/positions", [])
    wire.data({"quotes": {}})
    wire.broker.positions()
    wire.broker.quote(SHARE, NOW)
    for call, host in zip(responses.calls, (URL, DATA_URL), strict=True):
        assert call.request.url.startswith(host)
        assert call.request.headers["APCA-API-KEY-ID"] == KEY
        assert call.request.headers["APCA-API-SECRET-KEY"] == SECRET


def test_its_abilities_are_those_of_the_service() -> None:
    assert (Alpaca.two_step, Alpaca.idempotent, Alpaca.lookup_by_key, Alpaca.list_all_statuses) == (
        False, True, True, True,
    )  # fmt: skip
    assert (Alpaca.key_ttl, Alpaca.visibility_lag, Alpaca.paper_proof) == (
        None, timedelta(seconds=10), "account_number",
    )  # fmt: skip
    assert (Alpaca.queues, Alpaca.needs_isin, Alpaca.mic) == (False, False, "XNYS")


# -- account and positions


def test_the_account_counts_no_borrowed_money(wire: Wire) -> None:
    more = {"buying_power": "199011.2", "pattern_day_trader": False, "something_new": [1, {}]}
    wire.get("/v2/account", ACCOUNT | more)
    account = Account(id="PA3NW0000001", currency="USD", cash=Decimal("99505.6"), available=Decimal("99405.6"))
    assert wire.broker.account() == account


def test_what_is_available_is_never_more_than_the_cash(wire: Wire) -> None:
    wire.get("/v2/account", ACCOUNT | {"cash": "-12.5", "non_marginable_buying_power": "100"})
    assert wire.broker.account().available == Decimal("-12.5")


@pytest.mark.parametrize("number", ["900000001", "pa3nw0000001", "AP3NW0000001"])
def test_an_account_whose_number_is_not_of_paper_stops_everything(wire: Wire, number: str) -> None:
    wire.get("/v2/account", ACCOUNT | {"account_number": number})
    with pytest.raises(NotPaperError, match=r"^alpaca has account .* where one of paper trading .* belongs$") as told:
        wire.broker.account()
    assert number not in str(told.value)


@pytest.mark.parametrize(
    "odd",
    [
        {"account_number": None},
        {"account_number": ""},
        {"account_number": 7},
        {"currency": "EUR"},
        {"currency": None},
        {"cash": 99505.6},
        {"cash": "1e3"},
        {"cash": "NaN"},
        {"cash": "１２"},
        {"cash": "1_000"},
        {"cash": " 1"},
        {"cash": ""},
        {"non_marginable_buying_power": None},
        {"non_marginable_buying_power": True},
    ],
)
def test_an_account_that_cannot_be_read_is_one_sentence(wire: Wire, odd: dict[str, Any]) -> None:
    wire.get("/v2/account", ACCOUNT | odd)
    with pytest.raises(BrokerError, match=rf"^alpaca: {next(iter(odd))}: .* was expected, found "):
        wire.broker.account()


def held(**changes: Any) -> dict[str, Any]:
    return {"symbol": "NWRB", "qty": "12", "side": "long", "avg_entry_price": "41.2"} | changes


def test_positions_have_our_symbols_and_short_ones_are_below_zero(wire: Wire) -> None:
    short = held(symbol="MRVB.A", qty="-2.5", side="short")
    wire.get("/v2/positions", [held(something_new=1), short, short | {"qty": "2.5"}])
    long, *shorts = wire.broker.positions()
    assert long == Position(symbol="NWRB", quantity=Decimal(12), average_price=Decimal("41.2"), currency="USD")
    assert [(each.symbol, each.quantity) for each in shorts] == [("MRVB-A", Decimal("-2.5"))] * 2


@pytest.mark.parametrize(
    "odd", [{"qty": 12}, {"qty": None}, {"side": "both"}, {"avg_entry_price": "-1"}, {"symbol": ""}]
)
def test_a_position_that_makes_no_sense_is_not_left_out_but_refused(wire: Wire, odd: dict[str, Any]) -> None:
    wire.get("/v2/positions", [held(), held(**odd)])
    with pytest.raises(BrokerError, match=rf"^alpaca: {next(iter(odd))}: "):
        wire.broker.positions()


def test_there_is_no_fee_and_a_dollar_is_the_least() -> None:
    assert adapter().terms() == Terms(fee=Decimal(0), minimum=Decimal(1))


def test_it_trades_symbols_and_offers_no_isin(wire: Wire) -> None:
    assert list(wire.broker.isin_candidates("NWRB", "NORTHWIND ROBOTICS INC")) == []
    wire.broker.activate("anything")
    assert wire.asked == []


# -- quotes


def quoted(symbol: str = "NWRB", **changes: Any) -> dict[str, Any]:
    facts = {"t": "2026-03-03T14:59:59.881123456Z", "ap": 41.22, "bp": 41.18, "as": 300, "bs": 200, "c": ["R"]}
    return {"quotes": {symbol: facts | changes}}


def test_a_quote_is_asked_for_at_the_free_feed_under_their_symbol(wire: Wire) -> None:
    asked = {"symbols": "BRK.B", "feed": "iex"}
    wire.data(quoted("BRK.B", ap=495), match=[query_param_matcher(asked)])
    assert wire.broker.quote(instrument("BRK-B"), NOW) is None  # too wide
    wire.data(quoted("BRK.B"), match=[query_param_matcher(asked)])
    assert wire.broker.quote(instrument("BRK-B"), NOW) == Quote(
        symbol="BRK-B",
        bid=Decimal("41.18"),
        ask=Decimal("41.22"),
        currency="USD",
        at=datetime(2026, 3, 3, 14, 59, 59, 881123, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"quotes": {}},
        quoted("ELSE"),
        quoted(ap=0),
        quoted(bp=0),
        quoted(bp=0, ap=0),
        quoted(bp=41.23),
        quoted(bp=37, ap=41.2),
        quoted(t="2026-03-02T14:59:59Z"),
    ],
)
def test_what_makes_no_market_today_is_no_quote(wire: Wire, answer: dict[str, Any]) -> None:
    wire.data(answer)
    assert wire.broker.quote(SHARE, NOW) is None


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"quotes": []},
        {"quotes": {"NWRB": None}},
        quoted(bp="41.18"),
        quoted(bp=None),
        quoted(bp=True),
        quoted(ap=-41.22),
        quoted(ap=10**12),
        quoted(bp=0.00000001),
        quoted(t=1772549999),
        quoted(t="2026-03-03T14:59:59"),
        quoted(t="2026-13-03T14:59:59Z"),
        quoted(t="0001-01-01T00:00:00+05:00"),
        quoted(t="2026-03-03T15:05:01Z"),  # still to come
    ],
)
def test_a_quote_that_cannot_be_right_is_refused(wire: Wire, answer: Any) -> None:
    wire.data(answer)
    with pytest.raises(BrokerError, match=r"^alpaca"):
        wire.broker.quote(SHARE, NOW)


@pytest.mark.parametrize("written", ["1e999999999", "1e-999999999", "1e400", "0.1e-30"])
def test_a_price_of_absurd_size_is_refused(wire: Wire, written: str) -> None:
    body = json.dumps(quoted()).replace("41.18", written)
    responses.get(f"{DATA_URL}/v2/stocks/quotes/latest", body=body)
    with pytest.raises(BrokerError, match=r"^alpaca: bp: a price, or 0, was expected"):
        wire.broker.quote(SHARE, NOW)


def test_a_quote_a_moment_ahead_is_of_now(wire: Wire) -> None:
    wire.data(quoted(t="2026-03-03T15:05:00Z"))
    ahead = wire.broker.quote(SHARE, NOW)
    assert ahead is not None
    assert ahead.at == NOW


# -- hours


def day(**changes: Any) -> list[dict[str, Any]]:
    facts = {"date": "2026-03-03", "open": "09:30", "close": "16:00", "session_open": "0400", "session_close": "2000"}
    return [facts | changes]


OPEN_TILL = "the US exchanges are open from 09:30 to {} in New York only"


@pytest.mark.parametrize(
    ("at", "calendar", "is_open", "closed"),
    [
        ("2026-03-03T14:30:00Z", day(), True, None),
        ("2026-03-03T20:59:59Z", day(), True, None),
        ("2026-03-03T14:29:59Z", day(), True, OPEN_TILL.format("16:00")),
        ("2026-03-03T21:00:00Z", day(), True, OPEN_TILL.format("16:00")),
        ("2026-03-03T18:00:00Z", day(close="13:00"), True, OPEN_TILL.format("13:00")),
        ("2026-03-03T15:00:00Z", [], True, "the US exchanges are closed on 2026-03-03"),
        ("2026-03-03T15:00:00Z", day(date="2026-03-04"), True, "the US exchanges are closed on 2026-03-03"),
        ("2026-03-04T04:59:00Z", day(), True, OPEN_TILL.format("16:00")),
        ("2026-03-03T15:00:00Z", day(), False, "the US exchanges are closed at the moment, says alpaca"),
    ],
)
def test_the_exchanges_are_open_on_their_days_and_in_their_hours(
    wire: Wire, at: str, calendar: Any, is_open: bool, closed: str | None
) -> None:
    asked = {"start": "2026-03-03", "end": "2026-03-03"}
    wire.get("/v2/calendar", calendar, match=[query_param_matcher(asked)])
    wire.get("/v2/clock", {"is_open": is_open})
    assert wire.broker.closed(datetime.fromisoformat(at)) == closed


@pytest.mark.parametrize(
    ("calendar", "clock"),
    [
        ({}, {}),
        ([None], {}),
        (day(date=None), {}),
        (day(open="9:30"), {}),
        (day(close="24:00"), {}),
        (day(close="1600"), {}),
        (day(close=None), {}),
        (day(), {}),
        (day(), {"is_open": "true"}),
        (day(), []),
    ],
)
def test_hours_that_cannot_be_read_are_not_taken_for_open(wire: Wire, calendar: Any, clock: Any) -> None:
    wire.get("/v2/calendar", calendar)
    wire.get("/v2/clock", clock)
    with pytest.raises(BrokerError, match=r"^alpaca: "):
        wire.broker.closed(NOW)


# -- what is no answer


CALLS: dict[str, tuple[str, str, Callable[[Alpaca], object]]] = {
    "account": ("GET", "/v2/account", lambda broker: broker.account()),
    "positions": ("GET", "/v2/positions", lambda broker: broker.positions()),
    "find": ("GET", "/v2/orders:by_client_order_id", lambda broker: broker.find(WANTED.order())),
    "orders": ("GET", "/v2/orders", lambda broker: broker.orders(NOW)),
    "submit": ("POST", "/v2/orders", lambda broker: broker.submit(WANTED)),
    "cancel": ("DELETE", f"/v2/orders/{ID}", lambda broker: broker.cancel(ID)),
}
each_call = pytest.mark.parametrize("name", CALLS)


def leaves_it_open(wire: Wire, name: str, body: str, status: int, sentence: str) -> None:
    """Neither a refusal nor an absence, and nothing is asked again."""
    method, path, call = CALLS[name]
    if name == "submit":
        wire.ready()
    wire.raw(path, body, status, method, headers={"Location": "https://elsewhere.example/", "Retry-After": "1"})
    before = len(wire.asked)
    with pytest.raises(BrokerError, match=sentence) as told:
        call(wire.broker)
    assert not isinstance(told.value, OrderRefusedError)
    assert len(wire.asked) - before == (3 if name == "submit" else 1)
    assert KEY not in str(told.value)
    assert SECRET not in str(told.value)


NO_JSON = [
    "",
    "<html><body>Under maintenance.</body></html>",
    json.dumps(resting())[:200],
    '{"id": NaN}',
    '{"id": 1, "id": 2}',
]
NO_OBJECT = ['"paper"', "null", "7", "[[]]"]


@pytest.mark.parametrize(
    ("name", "body"),
    # What a cancellation is answered with says nothing, so that any JSON is as good.
    [(name, body) for name in CALLS for body in [*NO_JSON, *(NO_OBJECT if name != "cancel" else [])]],
)
def test_a_success_that_cannot_be_read_leaves_everything_open(wire: Wire, name: str, body: str) -> None:
    leaves_it_open(wire, name, body, 200, r"^alpaca: ")


@each_call
@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 408, 409, 422, 425, 501])
@pytest.mark.parametrize("body", ["<html>", "{}", '{"code": "42210000", "message": "no"}', '{"message": "no"}'])
def test_a_failure_without_the_brokers_own_words_leaves_everything_open(
    wire: Wire, name: str, status: int, body: str
) -> None:
    leaves_it_open(wire, name, body, status, rf"^alpaca answered with status {status} where 200 was expected; try ")


@each_call
@pytest.mark.parametrize("status", [408, 425, 501])
def test_no_status_on_the_way_is_a_decision(wire: Wire, name: str, status: int) -> None:
    leaves_it_open(wire, name, json.dumps(error(42210000)), status, rf"^alpaca answered with status {status} ")


@each_call
@pytest.mark.parametrize("body", [json.dumps(error(42910000, "too many requests")), ""])
def test_a_busy_broker_leaves_everything_open(wire: Wire, name: str, body: str) -> None:
    leaves_it_open(wire, name, body, 429, r"^alpaca is asked too often \(429\); try again later$")


@each_call
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"message": "forbidden."}', 403),
        ("", 403),
        ('{"message": "unauthorized."}', 401),
        (json.dumps(error(40110000, f"no such key: {KEY}")), 401),
    ],
)
def test_refused_keys_are_said_to_be_so_and_not_shown(wire: Wire, name: str, body: str, status: int) -> None:
    leaves_it_open(wire, name, body, status, r"^alpaca refused the keys: check BOT_ALPACA_KEY and BOT_ALPACA_SECRET$")


@pytest.mark.parametrize("name", ["account", "submit", "find", "cancel"])
def test_a_broker_out_of_reach_is_one_sentence(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reason = rf"^alpaca: 127\.0\.0\.1:{port} could not be reached \(\w+\); try again later$"
    with pytest.raises(BrokerError, match=reason):
        CALLS[name][2](adapter(alpaca_url=f"http://127.0.0.1:{port}"))


def test_a_message_that_repeats_a_key_is_shown_without_it_and_on_one_line(wire: Wire) -> None:
    wire.get("/v2/positions", error(40310000, f"{KEY} and {SECRET} are\nodd\x1b[2J {'x' * 500}"), 403)
    with pytest.raises(BrokerError) as told:
        wire.broker.positions()
    assert str(told.value).startswith("alpaca says 40310000 (*** and *** are odd [2J xxx")
    assert len(str(told.value)) < 300


# -- numbers


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=9))
def test_a_number_in_quotes_is_exact(number: Decimal) -> None:
    assert amount({"n": format(number, "f")}, "n") == number


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none(), st.lists(st.text())))
def test_what_is_no_number_in_quotes_is_refused(value: Any) -> None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,18})?", value):
        assert amount({"n": value}, "n", least=Decimal(0)) >= 0
    else:
        with pytest.raises(BrokerError, match=r"^alpaca: n: a number in quotes of 0 or more was expected, found "):
            amount({"n": value}, "n", least=Decimal(0))


@given(st.one_of(st.decimals(allow_nan=False, allow_infinity=False), st.integers(), st.floats(), st.text()))
def test_a_price_is_0_or_one_that_a_share_can_have(value: Any) -> None:
    if isinstance(value, int | Decimal) and (value == 0 or LOWEST <= value <= HIGHEST):
        assert price({"n": value}, "n") == value
    else:
        with pytest.raises(BrokerError, match=r"^alpaca: n: a price, or 0, was expected, found "):
            price({"n": value}, "n")


# -- the examples of the protocol note


def test_the_examples_of_the_interface_are_read_as_they_are(wire: Wire) -> None:
    order = {
        "id": "5d7c7f1e-0f0b-4c67-9f2e-3f7a2f5d9a10", "client_order_id": "ins-20260302-7f3a-1",
        "created_at": "2026-03-02T14:31:05.118204512Z", "updated_at": "2026-03-02T14:31:05.121900113Z",
        "submitted_at": "2026-03-02T14:31:05.116870004Z", "filled_at": None, "expires_at": "2026-03-02T21:00:00Z",
        "asset_id": "0c6b1d6e-9a54-4b7e-8f0c-0b1f5d1b7a21", "symbol": "NWRB", "asset_class": "us_equity",
        "notional": None, "qty": "12", "filled_qty": "0", "filled_avg_price": None, "order_class": "simple",
        "order_type": "limit", "type": "limit", "side": "buy", "position_intent": "buy_to_open",
        "time_in_force": "day", "limit_price": "41.2", "stop_price": None, "status": "pending_new",
        "extended_hours": False, "legs": None, "hwm": None, "subtag": None, "source": None,
    }  # fmt: skip
    position = {
        "asset_id": "0c6b1d6e-9a54-4b7e-8f0c-0b1f5d1b7a21", "symbol": "NWRB", "exchange": "NASDAQ",
        "asset_class": "us_equity", "asset_marginable": True, "avg_entry_price": "41.2", "qty": "12",
        "qty_available": "12", "side": "long", "market_value": "498.8", "cost_basis": "494.4",
        "unrealized_pl": "4.4", "unrealized_plpc": "0.0089", "current_price": "41.5667", "change_today": "0.0163",
    }  # fmt: skip
    clock = {
        "timestamp": "2026-03-02T09:31:05.512837-05:00", "is_open": True,
        "next_open": "2026-03-03T09:30:00-05:00", "next_close": "2026-03-02T16:00:00-05:00",
    }  # fmt: skip
    quote = {
        "t": "2026-03-02T14:31:04.881Z", "ax": "V", "ap": 41.22, "as": 300,
        "bx": "V", "bp": 41.18, "bs": 200, "c": ["R"], "z": "C",
    }  # fmt: skip
    wire.get("/v2/orders", [order])
    wire.get("/v2/positions", [position])
    wire.get("/v2/calendar", day(date="2026-03-02", settlement_date="2026-03-03"))
    wire.get("/v2/clock", clock)
    wire.data({"quotes": {"NWRB": quote}})
    now = datetime(2026, 3, 2, 14, 31, 5, tzinfo=UTC)
    (found,) = wire.broker.orders(now)
    assert (found.client_order_id, found.status, found.quantity) == ("ins-20260302-7f3a-1", "working", 12)
    assert wire.broker.positions()[0].average_price == Decimal("41.2")
    assert wire.broker.closed(now) is None
    read = wire.broker.quote(SHARE, now)
    assert read is not None
    assert (read.bid, read.ask) == (Decimal("41.18"), Decimal("41.22"))


def test_fields_that_come_and_go_change_nothing(wire: Wire) -> None:
    bare = {name: value for name, value in row().items() if name not in {"type", "time_in_force", "order_class"}}
    wire.known(row(something={"new": [1]}, pattern_day_trader=None))
    wire.known(bare)
    assert wire.broker.find(PLACED) == wire.broker.find(PLACED)
