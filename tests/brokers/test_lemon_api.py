"""How lemon.markets is spoken with: proof of paper, what is no answer, pages that add up, exact money."""

import json
import socket
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BrokerError, NotPaperError, OrderRefusedError
from brokers.lemon_api import MOST, euros
from brokers.lemon_markets import LemonMarkets
from tests.brokers.lemon import ISIN, KEY, PLACED, SHARE, URL, WANTED, Wire, adapter, error, page, paper, resting, row
from tests.builders import NOW

# -- paper


CALLS: dict[str, tuple[str, str, Callable[[LemonMarkets], object]]] = {
    "account": ("GET", "/account/", lambda broker: broker.account()),
    "positions": ("GET", "/positions/", lambda broker: broker.positions()),
    "find": ("GET", "/orders/", lambda broker: broker.find(WANTED.order())),
    "find by id": ("GET", "/orders/ord_1/", lambda broker: broker.find(PLACED)),
    "submit": ("POST", "/orders/", lambda broker: broker.submit(WANTED)),
    "activate": ("POST", "/orders/ord_1/activate/", lambda broker: broker.activate("ord_1")),
    "cancel": ("DELETE", "/orders/ord_1/", lambda broker: broker.cancel("ord_1")),
    "orders": ("GET", "/orders/", lambda broker: broker.orders(NOW)),
}
GOOD: dict[str, dict[str, Any]] = {
    "account": {"results": {"account_id": "acc_1", "balance": 0, "cash_to_invest": 0}},
    "positions": page(),
    "find": page(),
    "find by id": {"results": row()},
    "submit": {"results": resting()},
    "activate": {},
    "cancel": {},
    "orders": page(row()),
}
each_call = pytest.mark.parametrize("name", CALLS)


@each_call
def test_every_call_is_good_when_it_proves_paper(wire: Wire, name: str) -> None:
    method, path, call = CALLS[name]
    wire.trading(path, GOOD[name], method=method)
    call(wire.broker)


@each_call
@pytest.mark.parametrize("mode", ["money", None, "", "PAPER", 1, {}])
def test_an_answer_that_does_not_prove_paper_stops_everything(wire: Wire, name: str, mode: Any) -> None:
    method, path, call = CALLS[name]
    wire.trading(path, GOOD[name] | {"mode": mode}, method=method)
    with pytest.raises(NotPaperError, match=r"^lemon_markets answered with mode .* where 'paper' was expected$"):
        call(wire.broker)


@each_call
def test_an_answer_without_its_mode_stops_everything(wire: Wire, name: str) -> None:
    method, path, call = CALLS[name]
    wire.raw(path, json.dumps({"status": "ok", **GOOD[name]}), method=method)
    with pytest.raises(NotPaperError):
        call(wire.broker)


@each_call
@pytest.mark.parametrize("changes", [{"mode": "money"}, {"mode": None}])
def test_a_refusal_proves_paper_too(wire: Wire, name: str, changes: dict[str, Any]) -> None:
    method, path, call = CALLS[name]
    wire.raw(path, json.dumps(error("insufficient_holdings") | changes), 400, method)
    with pytest.raises(NotPaperError):
        call(wire.broker)


@pytest.mark.parametrize("content", [{"error_code": "token_invalid"}, {"message": "no"}, {}])
@pytest.mark.parametrize("status", [401, 429, 503])
def test_who_names_another_mode_is_no_paper_broker_whatever_else_it_says(
    wire: Wire, content: dict[str, Any], status: int
) -> None:
    wire.raw("/orders/", json.dumps(content | {"mode": "money"}), status, "POST")
    with pytest.raises(NotPaperError, match="mode 'money'"):
        wire.broker.submit(WANTED)


@each_call
@pytest.mark.parametrize("code", ["pin_missing", "pin_not_set", "pin_invalid"])
def test_who_asks_for_a_pin_is_no_paper_broker(wire: Wire, name: str, code: str) -> None:
    method, path, call = CALLS[name]
    wire.raw(path, json.dumps(error(code)), 400, method)
    with pytest.raises(NotPaperError, match=f"asks for a PIN .{code}., as it does for real money only"):
        call(wire.broker)


def test_an_account_of_another_mode_is_not_paper_whatever_is_around_it(wire: Wire) -> None:
    account = {"account_id": "acc_1", "mode": "money", "balance": 0, "cash_to_invest": 0}
    wire.trading("/account/", {"results": account})
    with pytest.raises(NotPaperError, match="the account's mode is 'money'"):
        wire.broker.account()


def test_a_later_page_proves_paper_too(wire: Wire) -> None:
    first = page(row(id="a", idempotency="x", notes=None), total=2, next=f"{URL}/orders/?page=2")
    wire.trading("/orders/", first)
    wire.raw("/orders/", json.dumps(page(row(), total=2, page=2)))
    with pytest.raises(NotPaperError):
        wire.broker.find(WANTED.order())


# -- what is no answer


@each_call
@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><body>Under maintenance.</body></html>",
        '{"status": "ok", "mode": "paper", "results": {',
        '{"status": "ok", "mode": "paper", "results": NaN}',
        '{"mode": "paper", "mode": "paper", "results": {}}',
        "[]",
        "null",
        '"paper"',
    ],
)
def test_a_success_that_cannot_be_read_leaves_everything_open(wire: Wire, name: str, body: str) -> None:
    method, path, call = CALLS[name]
    wire.raw(path, body, method=method)
    with pytest.raises(
        BrokerError, match=r"^lemon_markets: .*; check BOT_LEMON_MARKETS_URL, or try again later$"
    ) as told:
        call(wire.broker)
    assert not isinstance(told.value, OrderRefusedError)


@each_call
@pytest.mark.parametrize("status", [301, 307, 404, 408, 409, 422, 425, 501])
def test_a_failure_without_the_brokers_own_words_leaves_everything_open(wire: Wire, name: str, status: int) -> None:
    method, path, call = CALLS[name]
    wire.raw(path, "<html>", status, method, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(BrokerError, match=rf"^lemon_markets answered with status {status} where 200 was ") as told:
        call(wire.broker)
    assert not isinstance(told.value, OrderRefusedError)
    assert len(wire.asked) == 1


@each_call
@pytest.mark.parametrize(
    ("body", "status"), [(error("rate_limit_exceeded"), 429), (error("rate_limit_exceeded"), 400), ({}, 429)]
)
def test_a_busy_broker_leaves_everything_open(wire: Wire, name: str, body: dict[str, Any], status: int) -> None:
    method, path, call = CALLS[name]
    wire.raw(path, json.dumps(body), status, method)
    with pytest.raises(BrokerError, match=rf"^lemon_markets is asked too often \({status}\); try again later$") as told:
        call(wire.broker)
    assert not isinstance(told.value, OrderRefusedError)


@pytest.mark.parametrize("name", ["account", "submit"])
def test_a_broker_out_of_reach_is_one_sentence(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    broker = adapter(lemon_markets_url=f"http://127.0.0.1:{port}")
    reason = rf"^lemon_markets: 127\.0\.0\.1:{port} could not be reached \(\w+\); check BOT_LEMON_MARKETS_URL, or try "
    with pytest.raises(BrokerError, match=reason):
        CALLS[name][2](broker)


@each_call
@pytest.mark.parametrize(
    "body",
    [
        json.dumps(error("unauthorized", f"no such key: {KEY}")),
        json.dumps(error("token_invalid")),
        json.dumps({"error_code": "token_invalid"}),
        json.dumps({"message": f"bad token {KEY}"}),
        "",
    ],
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_said_to_be_so_and_not_shown(wire: Wire, name: str, body: str, status: int) -> None:
    method, path, call = CALLS[name]
    wire.raw(path, body, status, method)
    with pytest.raises(BrokerError, match=r"^lemon_markets refused the key: check BOT_LEMON_MARKETS_KEY$") as told:
        call(wire.broker)
    assert not isinstance(told.value, OrderRefusedError)


def test_a_refused_data_key_is_told_from_the_other(wire: Wire) -> None:
    wire.data("/quotes/latest/", {"error_code": "unauthorized"}, 401)
    with pytest.raises(BrokerError, match=r"refused the key: check BOT_LEMON_MARKETS_DATA_KEY$"):
        wire.broker.quote(SHARE, NOW)


def test_a_message_that_repeats_the_key_is_shown_without_it_and_on_one_line(wire: Wire) -> None:
    wire.refuse("trading_odd", message=f"key {KEY} is\nodd\x1b[2J {'x' * 500}")
    with pytest.raises(BrokerError) as told:
        wire.broker.submit(WANTED)
    assert str(told.value).startswith("lemon_markets says trading_odd (key *** is odd [2J xxx")
    assert len(str(told.value)) < 300


# -- pages


def stranger(name: str) -> dict[str, Any]:
    return row(id=name, idempotency=name, notes=name)


def two_pages(wire: Wire, *second: dict[str, Any], filters: str = "", **changes: Any) -> None:
    first = {"total": 2, "pages": 2, "next": f"{URL}/orders/?isin={ISIN}{filters}&page=2"}
    wire.trading("/orders/", page(stranger("a"), **first))
    wire.trading("/orders/", page(*second, **({"total": 2, "page": 2, "pages": 2} | changes)))


def test_every_page_is_read_at_the_address_given(wire: Wire) -> None:
    two_pages(wire, row(), filters="&status=" * 100)
    found = wire.broker.find(WANTED.order())
    assert found is not None
    assert wire.asked[1].startswith(f"GET {URL}/orders/?isin={ISIN}&status=")
    assert wire.asked[1].endswith("&page=2")
    assert responses.calls[1].request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("second", "changes"),
    [
        ([stranger("a")], {}),  # repeated
        ([], {}),  # empty
        ([stranger("b")], {"page": 1}),
        ([stranger("b")], {"page": 3}),
        ([stranger("b")], {"total": 3}),
        ([stranger("b"), stranger("c")], {}),
        ([stranger("b"), stranger("c")], {"total": 3}),
        ([{"id": None}], {}),
        ([], {"results": None}),
        ([], {"results": [None]}),
        ([stranger("b")], {"total": "2"}),
    ],
)
def test_pages_that_do_not_add_up_are_not_an_absence(
    wire: Wire, second: list[dict[str, Any]], changes: dict[str, Any]
) -> None:
    two_pages(wire, *second, **changes)
    with pytest.raises(BrokerError, match=r"^lemon_markets: "):
        wire.broker.find(WANTED.order())


def test_an_order_on_two_pages_is_not_counted_as_one(wire: Wire) -> None:
    wire.trading("/orders/", page(stranger("a"), next=f"{URL}/orders/?page=2"))
    wire.trading("/orders/", page(stranger("a"), page=2))
    with pytest.raises(BrokerError, match=r"^lemon_markets: a is twice on the pages of /orders/"):
        wire.broker.find(WANTED.order())


@pytest.mark.parametrize("total", [0, 2])
def test_a_page_that_holds_another_number_than_promised_is_refused(wire: Wire, total: int) -> None:
    wire.trading("/orders/", page(stranger("a"), total=total))
    with pytest.raises(BrokerError, match=rf"^lemon_markets: {total} results of /orders/ were promised, 1 were found$"):
        wire.broker.find(WANTED.order())


def test_pages_without_end_are_left(wire: Wire) -> None:
    def endless(request: Any) -> tuple[int, dict[str, str], str]:
        number = int(request.params.get("page", 1))
        following = f"{URL}/orders/?page={number + 1}"
        return 200, {}, json.dumps(paper(page(stranger(f"o{number}"), total=1000, page=number, next=following)))

    responses.add_callback("GET", f"{URL}/orders/", callback=endless)
    with pytest.raises(BrokerError, match="there are more than 100 pages of /orders/; ask for less"):
        wire.broker.find(WANTED.order())
    assert len(wire.asked) == 100


@pytest.mark.parametrize(
    "following",
    [
        "https://elsewhere.example/v1/orders/?page=2",
        "http://paper.example/v1/orders/?page=2",
        "https://paper.example:444/v1/orders/?page=2",
        "https://paper.example@elsewhere.example/v1/orders/?page=2",
        "https://paper.example\\@elsewhere.example/v1/orders/?page=2",
        "https://paper.example\t.elsewhere.example/",
        "https://[paper.example/v1/orders/",
        "https://paper.example.elsewhere.example/v1/orders/?page=2",
        "//elsewhere.example/v1/orders/",
        "/v1/orders/?page=2",
        "file:///etc/hostname",
        7,
    ],
)
def test_the_key_goes_to_no_other_host(wire: Wire, following: Any) -> None:
    wire.trading("/orders/", page(stranger("a"), total=2, next=following))
    with pytest.raises(BrokerError, match=r"^lemon_markets: (the )?next"):
        wire.broker.find(WANTED.order())
    assert len(wire.asked) == 1


# -- money


@given(st.integers(-MOST, MOST))
def test_money_is_exact(units: int) -> None:
    amount = euros({"n": units}, "n", least=-MOST)
    assert amount * 10_000 == units
    assert amount == amount.quantize(Decimal("0.0001"))


@given(st.one_of(st.floats(), st.decimals(), st.booleans(), st.text(), st.none(), st.integers(min_value=MOST + 1)))
def test_what_is_no_amount_is_none(value: Any) -> None:
    with pytest.raises(BrokerError, match=r"^lemon_markets: n: a whole number"):
        euros({"n": value}, "n", least=-MOST)
