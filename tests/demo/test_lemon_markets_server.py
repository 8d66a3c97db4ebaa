"""The stand-in of lemon.markets, asked over real HTTP: its endpoints, an order's life, its refusals, its failures."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Event, Thread
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import isin as isin_rules

from bot.demo.companies import SHARES
from bot.demo.lemon import faults
from bot.demo.lemon.book import Order, Price, Security, Ticket
from bot.demo.lemon.faults import Effect, Fault
from bot.demo.lemon.market import look_alike, prices, securities
from bot.demo.lemon.market import server as demo_server
from bot.demo.lemon.server import LemonMarketsServer
from bot.sessions import Sessions
from tests.fakes import Time

MONDAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)  # after gettex has closed, and before the German day ends
OPENS = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
NWRB, CDR, QLMK, SMFP = "US9990000011", "US9990000029", "US9990000037", "US9990000045"
Json = dict[str, Any]


def security(isin: str, name: str, symbol: str, **changes: Any) -> Security:
    title = f"{name} REGISTERED SHARES DL -,01"
    return Security(isin=isin, wkn=f"ZZ00{symbol[-2:]}", name=name, title=title, symbol=symbol, **changes)


LISTED = (
    security(CDR, "NORTHWIND ROBOTICS INC CDR", "NOR91"),
    security(NWRB, "NORTHWIND ROBOTICS INC", "NOR92"),
    security(QLMK, "QUILLMARK SOFTWARE CORP", "QUI93", venues=("allday",)),
    security(SMFP, "SALTMARSH FLOUR + PASTA", "SAL94", is_tradable=False),
)
PRICES = {isin: Price(bid=Decimal("41.17"), ask=Decimal("41.19")) for isin in (CDR, NWRB, QLMK, SMFP)}


class Client:
    """Raw requests with the right key for each path."""

    def __init__(self, server: LemonMarketsServer) -> None:
        self.server = server

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        is_trading = re.match("(/v1)?/(orders|positions|account)", path) is not None
        key = self.server.trading_key if is_trading else self.server.data_key
        options.setdefault("headers", {"Authorization": f"Bearer {key}"})
        return requests.request(method, self.server.url + path, timeout=5, allow_redirects=False, **options)

    def get(self, path: str, **query: Any) -> Json:
        found: Json = self.ask("GET", path, params=query).json()
        return found

    def place(self, **changes: Any) -> requests.Response:
        body = {"isin": NWRB, "side": "buy", "quantity": 4, **changes}
        return self.ask("POST", "/orders/", json=body)

    def placed(self, **changes: Any) -> str:
        answer = self.place(**changes)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["results"]["id"])

    def activate(self, order_id: str) -> requests.Response:
        return self.ask("POST", f"/orders/{order_id}/activate/", json={})

    def order(self, order_id: str) -> Json:
        found: Json = self.get(f"/orders/{order_id}/")["results"]
        return found

    def traded(self, **changes: Any) -> Json:
        order_id = self.placed(**changes)
        assert self.activate(order_id).status_code == 200
        return self.order(order_id)

    def account(self) -> Json:
        found: Json = self.get("/account/")["results"]
        return found


@pytest.fixture
def time() -> Time:
    return Time(NOON)


@pytest.fixture
def server(time: Time) -> Iterator[LemonMarketsServer]:
    with LemonMarketsServer(LISTED, PRICES, clock=time, cash=Decimal(10_000)) as running:
        yield running


@pytest.fixture
def client(server: LemonMarketsServer) -> Client:
    return Client(server)


def refusal(answer: requests.Response) -> str:
    body = answer.json()
    assert answer.status_code >= 400
    assert body["status"] == "error"
    assert body["error_message"]
    return str(body["error_code"])


# -- an order's life


def test_a_new_order_is_inactive_and_reserves_nothing(client: Client, time: Time) -> None:
    time.now = NIGHT
    answer = client.place(notes="why", idempotency="key-1").json()
    order = answer["results"]
    assert (answer["time"], answer["mode"], answer["status"]) == ("2026-03-02T21:30:00.000+00:00", "paper", "ok")
    assert order.pop("id").startswith("ord_")
    costs = order.pop("regulatory_information")
    assert order == {
        "created_at": "2026-03-02T21:30:00.000+00:00",
        "status": "inactive",
        "isin": NWRB,
        "expires_at": "2026-03-02T22:59:00.000+00:00",
        "side": "buy",
        "quantity": 4,
        "stop_price": None,
        "limit_price": None,
        "venue": "xmun",
        "estimated_price": 411900,
        "estimated_price_total": 1647600,
        "notes": "why",
        "idempotency": "key-1",
        "charge": 20000,
        "chargeable_at": "2026-03-02T21:30:00.000+00:00",
        "key_creation_id": "apk_standin",
    }
    assert (costs["costs_entry_pct"], costs["estimated_yield_reduction_total_pct"]) == ("1.21%", "2.43%")
    assert client.account()["amount_open_orders"] == 0


def test_nothing_happens_to_an_order_nobody_activates(client: Client, time: Time) -> None:
    order_id = client.placed(expires_at="P3D")
    time.now = NOON + timedelta(days=2)
    order = client.order(order_id)
    assert (order["status"], order["executed_quantity"], order["executed_price"]) == ("inactive", 0, 0)
    assert client.get("/positions")["results"] == []
    time.now = NOON + timedelta(days=4)
    assert client.order(order_id)["status"] == "expired"
    assert refusal(client.activate(order_id)) == "order_not_inactive"


def test_an_activated_buy_fills_at_the_ask_and_a_sale_at_the_bid(client: Client) -> None:
    bought = client.traded()
    sold = client.traded(side="sell", quantity=1)
    assert [bought[name] for name in ("status", "executed_quantity", "executed_price", "executed_price_total")] == [
        "executed", 4, 411900, 1647600
    ]  # fmt: skip
    assert bought["executed_at"] == bought["activated_at"] == "2026-03-02T12:00:00.000+00:00"
    assert (bought["isin_title"], bought["type"]) == ("NORTHWIND ROBOTICS INC", "market")
    assert sold["executed_price"] == 411700
    assert client.get("/positions/")["results"] == [
        {
            "isin": NWRB,
            "isin_title": "NORTHWIND ROBOTICS INC",
            "quantity": 3,
            "buy_price_avg": 411900,
            "estimated_price": 411700,
            "estimated_price_total": 1235100,
        }
    ]


def test_the_average_price_is_that_of_the_purchases(client: Client, server: LemonMarketsServer) -> None:
    client.traded(quantity=2)
    server.quote(NWRB, Decimal(50), Decimal("51.20"))
    client.traded(quantity=1)
    client.traded(side="sell", quantity=2)
    (position,) = client.get("/positions", isin=NWRB)["results"]
    assert (position["quantity"], position["buy_price_avg"]) == (1, 445267)  # (2 * 41.19 + 51.20) / 3
    assert client.get("/positions", isin=QLMK)["results"] == []
    client.traded(side="sell", quantity=1)
    assert client.get("/positions")["results"] == []


def test_an_order_for_the_exchange_waits_for_its_open_and_fills_at_the_price_of_then(
    client: Client, server: LemonMarketsServer, time: Time
) -> None:
    time.now = NIGHT
    order_id = client.placed(expires_at="2026-03-03")
    assert client.activate(order_id).json() == {
        "time": "2026-03-02T21:30:00.000+00:00",
        "status": "ok",
        "mode": "paper",
    }
    assert client.order(order_id)["status"] == "activated"
    assert client.account()["amount_open_orders"] == 1647600 + 20000
    server.quote(NWRB, Decimal(42), Decimal(43))
    time.now = OPENS - timedelta(seconds=1)
    assert client.order(order_id)["status"] == "activated"
    time.now = OPENS + timedelta(hours=1)
    server.quote(NWRB, Decimal(99), Decimal(99))
    order = client.order(order_id)
    assert [order[name] for name in ("status", "executed_price", "executed_at")] == [
        "executed", 430000, "2026-03-03T07:00:00.000+00:00"
    ]  # fmt: skip


def test_an_order_expires_when_its_day_ends_before_the_open(client: Client, time: Time) -> None:
    time.now = NIGHT
    order_id = client.placed()
    client.activate(order_id)
    time.now = OPENS
    assert client.order(order_id)["status"] == "expired"
    assert client.account()["cash_to_invest"] == 10_000_0000


def test_a_holiday_is_no_open(client: Client, time: Time) -> None:
    time.now = datetime(2026, 4, 2, 21, 30, tzinfo=UTC)  # the Thursday before Good Friday
    order_id = client.placed(expires_at="P10D")
    client.activate(order_id)
    time.now = datetime(2026, 4, 6, 12, 0, tzinfo=UTC)  # Easter Monday
    assert client.order(order_id)["status"] == "activated"
    time.now = datetime(2026, 4, 7, 6, 0, tzinfo=UTC)
    assert client.order(order_id)["executed_at"] == "2026-04-07T06:00:00.000+00:00"


def test_allday_fills_around_the_clock(client: Client, time: Time) -> None:
    time.now = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)  # a Sunday night
    assert client.traded(venue="allday")["status"] == "executed"


def test_a_waiting_buy_that_became_too_dear_is_rejected(client: Client, server: LemonMarketsServer, time: Time) -> None:
    time.now = NIGHT
    order_id = client.placed(quantity=200, expires_at="P1D")
    client.activate(order_id)
    server.quote(NWRB, Decimal(60), Decimal(61))
    time.now = OPENS
    order = client.order(order_id)
    assert [order[name] for name in ("status", "rejected_at", "executed_at", "executed_quantity")] == [
        "rejected", "2026-03-03T07:00:00.000+00:00", None, 0
    ]  # fmt: skip
    assert client.account()["balance"] == 10_000_0000


def test_what_was_activated_first_is_paid_first(client: Client, time: Time, server: LemonMarketsServer) -> None:
    time.now = NIGHT
    later, sooner = (client.placed(quantity=75, expires_at="P1D") for _ in range(2))
    client.activate(sooner)
    time.now = NIGHT + timedelta(minutes=1)
    client.activate(later)
    server.quote(NWRB, Decimal(70), Decimal(70))
    time.now = OPENS
    assert [client.order(order_id)["status"] for order_id in (sooner, later)] == ["executed", "rejected"]


@pytest.mark.parametrize("is_activated", [False, True])
def test_a_canceled_order_stays_and_never_fills(client: Client, time: Time, *, is_activated: bool) -> None:
    time.now = NIGHT
    order_id = client.placed(expires_at="P1D")
    if is_activated:
        client.activate(order_id)
    assert client.ask("DELETE", f"/orders/{order_id}/").json() == {
        "time": "2026-03-02T21:30:00.000+00:00",
        "status": "ok",
        "mode": "paper",
    }
    time.now = OPENS
    order = client.order(order_id)
    assert (order["status"], order["cancelled_at"]) == ("canceled", "2026-03-02T21:30:00.000+00:00")
    assert refusal(client.activate(order_id)) == "order_not_inactive"
    assert refusal(client.ask("DELETE", f"/orders/{order_id}")) == "forbidden_in_current_state"


def test_a_second_activation_is_refused_and_changes_nothing(client: Client, time: Time) -> None:
    order = client.traded()
    assert refusal(client.activate(order["id"])) == "order_not_inactive"
    assert client.order(order["id"]) == order
    time.now = NIGHT
    waiting = client.placed(expires_at="P1D")
    assert [client.activate(waiting).status_code for _ in range(2)] == [200, 400]


def test_the_account_adds_up(client: Client, server: LemonMarketsServer, time: Time) -> None:
    client.traded(quantity=10)
    time.now = NOON + timedelta(days=1)
    client.traded(quantity=5)
    client.traded(side="sell", quantity=8)
    time.now = NIGHT + timedelta(days=1)
    client.activate(client.placed(quantity=2, expires_at="P1D"))
    client.activate(client.placed(side="sell", quantity=1, expires_at="P1D"))
    yesterday, bought, sold = 10_000_0000 - 10 * 41_1900 - 2_0000, 5 * 41_1900 + 2_0000, 8 * 41_1700 - 2_0000
    waiting = 2 * 41_1900 + 2_0000
    account = client.account()
    assert (account["amount_bought_intraday"], account["amount_sold_intraday"]) == (bought, sold)
    assert (account["balance"], account["amount_open_orders"]) == (yesterday + sold - bought, waiting)
    assert account["cash_to_invest"] == account["balance"] - waiting
    assert account["cash_to_withdraw"] == account["cash_to_invest"] - sold
    assert account["mode"] == "paper"


def test_a_day_of_the_account_is_a_german_day(client: Client, time: Time) -> None:
    time.now = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    client.traded(quantity=1, venue="allday")
    time.now = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    client.traded(quantity=3, venue="allday")
    assert client.account()["amount_bought_intraday"] == 3 * 41_1900 + 2_0000


trades = st.lists(
    st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 60), st.integers(1, 5000), st.integers(0, 30)),
    max_size=8,
)


@settings(max_examples=25)
@given(trades)
def test_cash_and_shares_are_conserved_whatever_is_traded(steps: list[tuple[str, int, int, int]]) -> None:
    time = Time(NOON)
    with LemonMarketsServer(LISTED, PRICES, clock=time, cash=Decimal(10_000)) as server:
        client, cash, shares = Client(server), 10_000_0000, 0
        for side, quantity, cents, hours in steps:
            server.quote(NWRB, Decimal(cents) / 100, Decimal(cents + 1) / 100)
            time.now += timedelta(hours=hours)
            answer = client.place(side=side, quantity=quantity, venue="allday")
            if answer.status_code == 200:
                client.activate(answer.json()["results"]["id"])
                price = (cents + (side == "buy")) * 100 * quantity
                cash += -price - 20000 if side == "buy" else price - 20000
                shares += quantity if side == "buy" else -quantity
        assert client.account()["balance"] == cash
        assert sum(position["quantity"] for position in client.get("/positions")["results"]) == shares
        assert shares >= 0


# -- refusals


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": 243}, "account_insufficient_funds"),  # 10,009.17 EUR and the charge
        ({"side": "sell"}, "insufficient_holdings"),
        ({"quantity": 607}, "order_total_price_limit_exceeded"),  # 25,002.33 EUR
        ({"isin": SMFP}, "instrument_not_tradable"),
        ({"isin": QLMK}, "forbidden_for_venue"),
        ({"isin": "US9990099999"}, "instrument_not_found"),
        ({"expires_at": "2026-03-01"}, "order_expiration_date_invalid"),
        ({"expires_at": "2026-04-02"}, "order_expiration_date_invalid"),
        ({"expires_at": "P31D"}, "order_expiration_date_invalid"),
        ({"expires_at": "tomorrow"}, "order_expiration_date_invalid"),
        ({"expires_at": "2026-02-30"}, "order_expiration_date_invalid"),
        ({"expires_at": -1}, "order_expiration_date_invalid"),
        ({"limit_price": 400000, "expires_at": "P1D"}, "invalid_query"),
        ({"stop_price": 400000, "expires_at": "P1D"}, "invalid_query"),
        ({"quantity": 0}, "invalid_query"),
        ({"quantity": "4"}, "invalid_query"),
        ({"quantity": 1.5}, "invalid_query"),
        ({"quantity": True}, "invalid_query"),
        ({"side": "BUY"}, "invalid_query"),
        ({"venue": "XMUN"}, "invalid_query"),
        ({"isin": None}, "invalid_query"),
        ({"type": "market"}, "invalid_query"),
        ({"idempotency": 7}, "invalid_query"),
    ],
)
def test_an_order_is_refused_with_its_code_and_does_not_exist(
    client: Client, server: LemonMarketsServer, changes: Json, code: str
) -> None:
    assert refusal(client.place(**changes)) == code
    assert server.orders == []


def test_the_largest_order_that_can_be_paid_is_taken(client: Client) -> None:
    assert client.traded(quantity=242)["status"] == "executed"  # 9,967.98 EUR and 2 EUR


def test_funds_and_holdings_are_looked_at_again_on_activation(client: Client, time: Time) -> None:
    first, second = client.placed(quantity=150), client.placed(quantity=150)
    client.activate(first)
    assert refusal(client.activate(second)) == "account_insufficient_funds"
    assert client.order(second)["status"] == "inactive"
    sales = [client.placed(side="sell", quantity=100, expires_at="P1D") for _ in range(2)]
    time.now = NIGHT
    client.activate(sales[0])
    assert refusal(client.activate(sales[1])) == "insufficient_holdings"


def test_cash_is_reserved_once_a_buy_waits(client: Client, time: Time) -> None:
    time.now = NIGHT
    client.activate(client.placed(quantity=150, expires_at="P1D"))
    assert refusal(client.place(quantity=150)) == "account_insufficient_funds"


def test_a_key_is_good_for_one_order_in_seven_days(client: Client, time: Time) -> None:
    order_id = client.placed(idempotency="key-1")
    answer = client.place(idempotency="key-1")
    assert refusal(answer) == "order_idempotency_violation"
    assert order_id not in answer.text
    client.ask("DELETE", f"/orders/{order_id}/")
    time.now = NOON + timedelta(days=7, seconds=-1)
    assert refusal(client.place(idempotency="key-1", quantity=1)) == "order_idempotency_violation"
    time.now = NOON + timedelta(days=7)
    assert client.placed(idempotency="key-1") != order_id


def test_one_of_many_at_once_gets_the_key(client: Client, server: LemonMarketsServer) -> None:
    answers: list[int] = []
    threads = [Thread(target=lambda: answers.append(client.place(idempotency="key-1").status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(answers) == [200] + [400] * 7
    assert len(server.orders) == 1


def test_a_refused_order_leaves_its_key_free(client: Client) -> None:
    assert refusal(client.place(idempotency="key-1", quantity=10_000)) == "order_total_price_limit_exceeded"
    assert client.placed(idempotency="key-1")


def test_a_day_has_so_many_orders(client: Client, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.demo.lemon.book.MOST_PER_DAY", 2)
    assert [client.place(quantity=1).status_code for _ in range(3)] == [200, 200, 400]
    assert refusal(client.place(quantity=1)) == "order_limit_exceeded"
    time.now = NOON + timedelta(days=1)
    assert client.place(quantity=1).status_code == 200


def test_a_day_that_is_over_takes_no_order(client: Client, time: Time) -> None:
    time.now = datetime(2026, 3, 2, 22, 59, tzinfo=UTC)
    assert refusal(client.place()) == "order_expiration_date_invalid"


@pytest.mark.parametrize(
    ("written", "expires"),
    [
        (None, "2026-03-02T22:59"),
        (0, "2026-03-02T22:59"),
        ("2026-03-04", "2026-03-04T22:59"),
        ("P7D", "2026-03-09T22:59"),
        ("7D", "2026-03-09T22:59"),
        ("p7d", "2026-03-09T22:59"),
        ("P30D", "2026-04-01T21:59"),
    ],
)
def test_an_order_ends_with_a_german_day(client: Client, written: object, expires: str) -> None:
    assert client.order(client.placed(expires_at=written))["expires_at"] == f"{expires}:00.000+00:00"


def test_a_form_is_as_good_as_json(client: Client) -> None:
    body = {"isin": NWRB, "side": "buy", "quantity": "4", "expires_at": "0", "idempotency": "7"}
    order = client.ask("POST", "/orders", data=body).json()["results"]
    assert (order["quantity"], order["expires_at"], order["idempotency"]) == (4, "2026-03-02T22:59:00.000+00:00", "7")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b""])
def test_a_body_that_is_no_order_is_refused(client: Client, body: bytes) -> None:
    assert refusal(client.ask("POST", "/orders/", data=body)) == "invalid_query"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"pin": "1234"}'])
def test_an_activation_needs_no_pin(client: Client, body: bytes) -> None:
    assert client.ask("POST", f"/orders/{client.placed()}/activate", data=body).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/orders/ord_7"), ("DELETE", "/orders/ord_7/"), ("POST", "/orders/ord_7/activate/")]
)
def test_an_unknown_order_is_not_found(client: Client, method: str, path: str) -> None:
    answer = client.ask(method, path)
    assert (answer.status_code, refusal(answer)) == (404, "order_not_found")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/orders/"), ("DELETE", "/account"), ("GET", "/"), ("GET", "/quotes"), ("GET", "/v1")]
)
def test_what_does_not_exist_is_not_found(client: Client, method: str, path: str) -> None:
    answer = client.ask(method, path)
    assert (answer.status_code, refusal(answer)) == (404, "resource_not_found")


@pytest.mark.parametrize("path", ["/orders/", "/account/", "/instruments/", "/venues"])
def test_keys_are_checked_apart(server: LemonMarketsServer, client: Client, path: str) -> None:
    is_trading = path in {"/orders/", "/account/"}
    other = server.data_key if is_trading else server.trading_key
    for headers, code in (
        ({}, "unauthorized"),
        ({"Authorization": "Bearer"}, "unauthorized"),
        ({"Authorization": "Basic eA=="}, "unauthorized"),
        ({"Authorization": "Bearer wrong"}, "token_invalid"),
        ({"Authorization": f"Bearer {other}"}, "token_invalid"),
    ):
        answer = client.ask("GET", path, headers=headers)
        assert (answer.status_code, refusal(answer)) == (401, code)
        assert answer.json().get("mode") == ("paper" if is_trading else None)


def test_requests_are_counted_apart_told_and_limited() -> None:
    seconds = [0.0]
    with LemonMarketsServer(LISTED, PRICES, clock=Time(NOON), per_minute=3, monotonic=lambda: seconds[0]) as server:
        client = Client(server)
        answers = [client.ask("GET", "/account") for _ in range(3)]
        assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0"]
        assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"3"}
        seconds[0] = 20.0
        refused = client.ask("POST", "/orders", json={"isin": NWRB, "side": "buy", "quantity": 1})
        assert (refused.status_code, refusal(refused)) == (429, "rate_limit_exceeded")
        assert refused.headers["Retry-After"] == refused.headers["RateLimit-Reset"] == "40"
        assert server.orders == []
        assert client.ask("GET", "/venues").status_code == 200
        seconds[0] = 60.0
        assert client.ask("GET", "/account").headers["RateLimit-Remaining"] == "2"


# -- lists and paths


def test_paths_work_with_and_without_slash_and_version_and_never_redirect(client: Client) -> None:
    body = {"isin": NWRB, "side": "buy", "quantity": 1}
    for path in ("/orders", "/orders/", "/v1/orders", "/v1/orders/"):
        order_id = client.ask("POST", path, json=body).json()["results"]["id"]
        assert client.ask("POST", f"{path.rstrip('/')}/{order_id}/activate").status_code == 200
        assert client.ask("GET", path).status_code == 200
    assert [request.path for request in client.server.journal[::3]] == ["/orders"] * 4


def test_pages_lead_to_each_other_and_keep_the_filters(client: Client, server: LemonMarketsServer) -> None:
    placed = [client.placed(quantity=n, side="buy") for n in range(1, 6)]
    query = [("side", "buy"), ("isin", NWRB), ("isin", QLMK), ("limit", "2")]
    pages = [client.ask("GET", "/v1/orders/", params=query).json()]
    while following := pages[-1]["next"]:
        assert following.startswith(f"{server.url}/v1/orders/?")
        pages.append(client.get(following.removeprefix(server.url)))
    assert [order["id"] for page in pages for order in page["results"]] == placed[::-1]
    assert [(page["total"], page["page"], page["pages"]) for page in pages] == [(5, 1, 3), (5, 2, 3), (5, 3, 3)]
    assert pages[0]["previous"] is None
    assert "page=1" in pages[1]["previous"]
    assert pages[1]["next"].count("page=") == 1
    assert pages[1]["previous"].count("isin=") == 2


def test_a_page_has_ten_orders_unless_asked_otherwise(client: Client) -> None:
    for _ in range(11):
        client.placed(quantity=1)
    assert len(client.get("/orders")["results"]) == 10
    assert len(client.get("/orders", page=2)["results"]) == 1
    assert client.get("/orders", page=3)["results"] == []
    assert client.get("/orders", limit=100)["pages"] == 1


def test_orders_are_filtered(client: Client, time: Time) -> None:
    bought = client.traded(quantity=2)["id"]
    time.now = NOON + timedelta(hours=2)
    waiting = client.placed(isin=CDR, quantity=1, expires_at="P1D")
    sale = client.placed(side="sell", quantity=1, expires_at="P1D")
    client.ask("DELETE", f"/orders/{sale}")

    def found(*query: tuple[str, str]) -> set[str]:
        return {order["id"] for order in client.ask("GET", "/orders", params=query).json()["results"]}

    assert found() == {bought, waiting, sale}
    assert found(("isin", CDR)) == {waiting}
    assert found(("side", "buy")) == {bought, waiting}
    assert found(("status", "executed"), ("status", "canceled")) == {bought, sale}
    assert found(("status", "executed,inactive")) == {bought, waiting}
    assert found(("from", "2026-03-02T14:00:00+00:00")) == {waiting, sale}
    assert found(("from", "2026-03-02T14:00:01+00:00")) == set()
    assert found(("to", "2026-03-02T12:00:00Z")) == {bought}
    assert found(("from", "2026-03-02")) == {bought, waiting, sale}
    assert found(("from", "2026-03-03")) == set()
    assert found(("type", "limit")) == set()
    assert found(("type", "market"), ("key_creation_id", "apk_standin")) == {bought, waiting, sale}
    assert found(("key_creation_id", "apk_other")) == set()


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/orders", {"status": "done"}),
        ("/orders", {"side": "short"}),
        ("/orders", {"idempotency": "key-1"}),
        ("/orders", {"from": "yesterday"}),
        ("/orders", {"from": "2026-03-02T12:00:00"}),
        ("/orders", {"limit": "0"}),
        ("/orders", {"limit": "251"}),
        ("/orders", {"page": "-1"}),
        ("/orders", {"page": "١"}),
        ("/instruments", {"tradable": "yes"}),
        ("/instruments", {"isin": ",".join([NWRB] * 11)}),
        ("/instruments", {"ticker": "NWRB"}),
        ("/quotes/latest", {}),
        ("/quotes/latest", {"isin": NWRB, "decimals": "1"}),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(client: Client, path: str, query: dict[str, str]) -> None:
    answer = client.ask("GET", path, params=query)
    assert (answer.status_code, refusal(answer)) == (400, "invalid_query")


# -- market data


def test_an_instrument_is_told_with_its_exchange(client: Client) -> None:
    answer = client.get("/instruments/", isin=NWRB)
    assert answer.pop("time") == "2026-03-02T12:00:00.000+00:00"
    assert answer == {
        "results": [
            {
                "isin": NWRB,
                "wkn": "ZZ0092",
                "name": "NORTHWIND ROBOTICS INC",
                "title": "NORTHWIND ROBOTICS INC REGISTERED SHARES DL -,01",
                "symbol": "NOR92",
                "type": "stock",
                "venues": [
                    {
                        "name": "Börse München - Gettex",
                        "title": "Gettex",
                        "mic": "XMUN",
                        "is_open": True,
                        "tradable": True,
                        "currency": "EUR",
                    }
                ],
            }
        ],
        "previous": None,
        "next": None,
        "total": 1,
        "page": 1,
        "pages": 1,
    }


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("Northwind Robotics Inc", [CDR, NWRB]),
        ("robo", [CDR, NWRB]),
        ("rob", []),
        ("rob*", [CDR, NWRB]),
        ("NOR92", [NWRB]),
        ("zz0092", [NWRB]),
        (NWRB, [NWRB]),
        ("NWRB", []),
        ("Saltmarsh Flour & Pasta", [SMFP]),
        ("northwind software", []),
    ],
)
def test_a_search_looks_into_names_and_identifiers(client: Client, search: str, found: list[str]) -> None:
    assert [each["isin"] for each in client.get("/instruments", search=search)["results"]] == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [CDR, NWRB, QLMK, SMFP]),
        ({"isin": f"{NWRB},{SMFP}"}, [NWRB, SMFP]),
        ({"isin": [NWRB, SMFP]}, [NWRB, SMFP]),
        ({"tradable": "False"}, [SMFP]),
        ({"mic": "XMUN"}, [CDR, NWRB, SMFP]),
        ({"mic": "XETR"}, []),
        ({"type": "etf"}, []),
        ({"type": ["etf", "stock"]}, [CDR, NWRB, QLMK, SMFP]),
        ({"currency": "USD"}, []),
    ],
)
def test_instruments_are_filtered(client: Client, query: dict[str, Any], found: list[str]) -> None:
    assert [each["isin"] for each in client.get("/instruments", **query)["results"]] == found


@pytest.mark.parametrize(
    ("decimals", "prices_told"),
    [("True", (41.17, 41.19)), ("true", (41.17, 41.19)), ("FALSE", (411700, 411900)), (None, (411700, 411900))],
)
def test_prices_are_decimals_or_whole_numbers(
    client: Client, decimals: str | None, prices_told: tuple[float, float]
) -> None:
    (quote,) = client.get("/quotes/latest/", isin=NWRB, decimals=decimals)["results"]
    assert (quote["b"], quote["a"]) == prices_told
    assert {type(quote["b"]), type(quote["a"])} == {type(prices_told[0])}
    assert (quote["isin"], quote["mic"], quote["t"]) == (NWRB, "XMUN", "2026-03-02T12:00:00.000+00:00")


def test_the_instant_of_a_price_is_told_in_milliseconds_or_as_text(client: Client, server: LemonMarketsServer) -> None:
    server.quote(NWRB, Decimal("40.5"), Decimal("40.6"), at=NOON - timedelta(hours=1))
    (quote,) = client.get("/quotes/latest/", isin=NWRB, epoch="TRUE", decimals="true")["results"]
    assert (quote["t"], quote["b"], quote["a"]) == (1772449200000, 40.5, 40.6)
    (quote,) = client.get("/quotes/latest/", isin=NWRB, epoch="False")["results"]
    assert quote["t"] == "2026-03-02T11:00:00.000+00:00"


def test_several_prices_are_asked_at_once(client: Client) -> None:
    for isins in ([QLMK, NWRB], f"{QLMK},{NWRB}"):
        assert [quote["isin"] for quote in client.get("/quotes/latest", isin=isins)["results"]] == [QLMK, NWRB]
    assert client.get("/quotes/latest", isin="US9990099999")["results"] == []
    assert client.get("/quotes/latest", isin=NWRB, mic="XETR")["results"] == []


def test_the_exchange_tells_its_days_and_hours(client: Client, time: Time) -> None:
    time.now = datetime(2026, 4, 2, 12, 0, tzinfo=UTC)
    assert client.get("/venues/", mic="XMUN")["results"] == [
        {
            "name": "Börse München - Gettex",
            "title": "Gettex",
            "mic": "XMUN",
            "is_open": True,
            "opening_hours": {"start": "08:00", "end": "22:00", "timezone": "Europe/Berlin"},
            "opening_days": [f"2026-04-{day:02}" for day in (2, 7, 8, 9, 10, 13, 14)],
        }
    ]
    time.now = datetime(2026, 4, 3, 12, 0, tzinfo=UTC)
    (venue,) = client.get("/venues")["results"]
    assert (venue["is_open"], venue["opening_days"][0]) == (False, "2026-04-07")
    assert client.get("/instruments", isin=NWRB)["results"][0]["venues"][0]["is_open"] is False
    assert client.get("/venues", mic="XETR")["results"] == []


# -- failures


def fail(server: LemonMarketsServer, method: str, path: str, effect: Effect, **when: Any) -> None:
    server.fail(Fault(method=method, path=path, effect=effect, **when))


def statuses(server: LemonMarketsServer) -> list[str]:
    return [order.status for order in server.orders]


def test_a_request_is_refused_as_told_without_being_processed(client: Client, server: LemonMarketsServer) -> None:
    fail(server, "POST", "/orders", faults.refused(503))
    fail(server, "POST", "/orders", faults.refused(400, "trading_disabled"))
    assert client.ask("GET", "/orders").status_code == 200
    answers = [client.place() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 400, 200]
    assert [refusal(answer) for answer in answers[:2]] == ["internal_error", "trading_disabled"]
    assert answers[0].json()["mode"] == "paper"
    fail(server, "POST", "/orders", faults.refused(503))
    assert client.activate(server.orders[0].id).status_code == 200
    assert statuses(server) == ["executed"]


@pytest.mark.parametrize(("effect", "arrived"), [(faults.dropped, 0), (faults.lost, 1)])
def test_a_connection_breaks_before_or_after_the_order_exists(
    client: Client, server: LemonMarketsServer, effect: Effect, arrived: int
) -> None:
    fail(server, "POST", "/orders", effect)
    with pytest.raises(requests.ConnectionError):
        client.place(idempotency="key-1")
    assert len(server.orders) == arrived
    assert [(request.method, request.path, request.status) for request in server.journal] == [("POST", "/orders", None)]
    again = client.place(idempotency="key-1")
    assert again.status_code == (400 if arrived else 200)


def test_an_activation_whose_answer_is_lost_has_happened(client: Client, server: LemonMarketsServer) -> None:
    order_id = client.placed()
    fail(server, "POST", "/orders/[^/]+/activate", faults.lost)
    with pytest.raises(requests.ConnectionError):
        client.activate(order_id)
    assert statuses(server) == ["executed"]
    assert refusal(client.activate(order_id)) == "order_not_inactive"


def test_a_delayed_request_is_processed_when_nobody_waits_any_more(client: Client, server: LemonMarketsServer) -> None:
    gate = Event()
    fail(server, "POST", "/orders", faults.delayed(gate.wait))
    answers: list[int] = []
    waiting = Thread(target=lambda: answers.append(client.place().status_code))
    waiting.start()
    assert client.get("/account")["status"] == "ok"
    assert server.orders == []
    gate.set()
    waiting.join(5)
    assert answers == [200]
    assert statuses(server) == ["inactive"]


@pytest.mark.parametrize("effect", [faults.html(), faults.html(502), faults.truncated])
def test_an_answer_that_is_no_json_hides_an_order_that_exists(
    client: Client, server: LemonMarketsServer, effect: Effect
) -> None:
    fail(server, "POST", "/orders", effect)
    with pytest.raises(requests.JSONDecodeError):
        client.place().json()
    assert statuses(server) == ["inactive"]


def test_an_answer_can_claim_real_money_or_anything_else(client: Client, server: LemonMarketsServer) -> None:
    fail(server, "GET", "/account", faults.money)
    fail(server, "GET", "/account", faults.edited(lambda answer: {**answer, "results": []}))
    assert client.get("/account")["mode"] == "money"
    assert client.get("/account")["results"] == []
    assert client.get("/account")["mode"] == "paper"


@pytest.mark.parametrize(("shown", "status"), [(0, 200), (1, 400)])
def test_a_request_that_arrives_twice_is_processed_twice(
    client: Client, server: LemonMarketsServer, shown: int, status: int
) -> None:
    fail(server, "POST", "/orders", faults.twice(shown), times=2)
    assert client.place(idempotency="key-1").status_code == status
    assert len(server.orders) == 1
    assert client.place().status_code == 200
    assert len(server.orders) == 3


def test_a_fault_spares_and_hits_as_many_as_it_was_told(client: Client, server: LemonMarketsServer) -> None:
    def asked(times: int) -> list[int]:
        return [client.ask("GET", "/account/").status_code for _ in range(times)]

    fail(server, "GET", "/account", faults.refused(503), after=1, times=2)
    assert asked(4) == [200, 503, 503, 200]
    fail(server, "GET", "/account", faults.refused(500), times=None)
    assert asked(5) == [500] * 5
    assert client.ask("GET", "/positions").status_code == 200
    server.heal()
    assert asked(1) == [200]


def test_the_journal_has_every_request_with_its_answer(client: Client, server: LemonMarketsServer) -> None:
    order_id = client.placed(quantity=1)
    client.activate(order_id)
    client.activate(order_id)
    client.get("/orders/", isin=[NWRB, QLMK])
    assert [(request.method, request.path, request.status) for request in server.journal] == [
        ("POST", "/orders", 200),
        ("POST", f"/orders/{order_id}/activate", 200),
        ("POST", f"/orders/{order_id}/activate", 400),
        ("GET", "/orders", 200),
    ]
    assert b'"quantity": 1' in server.journal[0].body
    assert server.journal[3].query.every("isin") == [NWRB, QLMK]


def test_the_stand_in_is_gone_after_its_block() -> None:
    with LemonMarketsServer(LISTED, PRICES, clock=Time(NOON)) as server:
        pass
    with pytest.raises(requests.ConnectionError):
        Client(server).get("/venues")


# -- the demo's companies


def test_the_demos_first_hit_is_another_security() -> None:
    with demo_server(MONDAY, clock=Time(NOON)) as server:
        client = Client(server)
        for share in SHARES:
            found = [each["isin"] for each in client.get("/instruments", search=share.company)["results"]]
            assert share.isin in found[1:]
            assert look_alike(share).isin in found


def test_the_demos_isins_and_symbols_are_well_formed_and_unique() -> None:
    listed = securities([share for each in SHARES for share in (look_alike(each), each)])
    assert all(isin_rules.is_valid(each.isin) for each in listed)
    for values in ([each.isin for each in listed], [each.wkn for each in listed], [each.symbol for each in listed]):
        assert len(set(values)) == len(listed)
    assert {len(each.wkn) for each in listed} == {6}


def test_the_demos_prices_are_those_of_its_market_at_the_stated_rate() -> None:
    told = prices(SHARES, MONDAY, Decimal("1.25"))
    for share in SHARES:
        price, middle = told[share.isin], share.bar(MONDAY).close / Decimal("1.25")
        assert price.bid < middle < price.ask
        assert (price.ask - price.bid) / middle < Decimal("0.003")


def test_the_demos_day_can_be_traded() -> None:
    with demo_server(MONDAY, clock=Time(NOON), cash=Decimal(1000), sessions=Sessions("XMUN")) as server:
        client = Client(server)
        assert client.traded(isin=SHARES[0].isin, quantity=1)["status"] == "executed"


def test_an_order_is_executed_in_lots_whenever_somebody_looks_and_ends_with_what_it_has(
    server: LemonMarketsServer, client: Client, time: Time
) -> None:
    server.fill_in_lots(3)
    balance = client.get("/account/")["results"]["balance"]
    order_id = client.placed(quantity=8, expires_at="2026-03-02")
    client.activate(order_id)
    for executed, status in ((3, "activated"), (6, "activated")):
        for _ in range(2):
            order = client.order(order_id)
            assert (order["executed_quantity"], order["status"]) == (executed, status)
        assert client.account()["amount_open_orders"] == (8 - executed) * 411900
        time.now += timedelta(minutes=1)
    time.now = NIGHT
    order = client.order(order_id)
    assert (order["executed_quantity"], order["executed_price"], order["status"]) == (6, 411900, "activated")
    time.now = NIGHT + timedelta(hours=2)
    assert client.order(order_id)["status"] == "expired"
    assert [row["quantity"] for row in client.get("/positions/")["results"]] == [6]
    assert client.get("/account/")["results"]["balance"] == balance - 6 * 411900 - 20_000


def test_after_a_reset_nothing_is_left_of_what_was(server: LemonMarketsServer, client: Client) -> None:
    account = client.get("/account/")["results"]
    client.traded()
    server.reset()
    assert (client.get("/orders/")["results"], client.get("/positions/")["results"]) == ([], [])
    assert client.get("/account/")["results"] == account


def test_orders_of_before_are_listed_and_have_had_their_effect(server: LemonMarketsServer, client: Client) -> None:
    def past(order_id: str, side: str, quantity: int, status: str = "executed") -> Order:
        at = NOON - timedelta(days=30)
        return Order(
            id=order_id,
            ticket=Ticket(isin=NWRB, side=side, quantity=quantity, venue="xmun", expires_on=at.date()),
            estimated_price=400_000,
            created_at=at,
            expires_at=at + timedelta(days=1),
            status=status,
            executed_at=at if status == "executed" else None,
            executed=quantity if status == "executed" else 0,
            executed_price=400_000 if status == "executed" else 0,
        )

    balance = client.get("/account/")["results"]["balance"]
    server.take_over([past("a", "buy", 10), past("b", "sell", 4), past("c", "buy", 7, "canceled")])
    assert [order["id"] for order in client.get("/orders/")["results"]] == ["c", "b", "a"]
    assert [(row["quantity"], row["buy_price_avg"]) for row in client.get("/positions/")["results"]] == [(6, 400_000)]
    assert client.get("/account/")["results"]["balance"] == balance - 6 * 400_000 - 2 * 20_000
