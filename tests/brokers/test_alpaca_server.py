"""The stand-in of Alpaca, asked over real HTTP: its endpoints, an order's life, its refusals, its failures."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Event, Thread
from typing import Any

import pytest
import requests

from bot.demo import faults
from bot.demo.alpaca.book import Asset, Order, Price, Ticket
from bot.demo.alpaca.market import assets, prices
from bot.demo.alpaca.market import server as demo_server
from bot.demo.alpaca.server import AlpacaServer, real_money
from bot.demo.companies import SHARES
from bot.demo.faults import Effect, Fault, Process
from tests.fakes import Time

NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # a Monday, 12:00 in New York
NIGHT = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
OPENS = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
LISTED = (
    Asset(symbol="NWRB", name="Northwind Robotics"),
    Asset(symbol="MRVB.A", name="Merrivale Broadcasting", is_fractionable=False),
    Asset(symbol="QLMK", name="Quillmark", is_tradable=False),
    Asset(symbol="SMFP", name="Saltmarsh", is_active=False),
)
PRICES = {asset.symbol: Price(bid=Decimal("41.18"), ask=Decimal("41.22")) for asset in LISTED}
Json = Any


class Client:
    """Raw requests with the right keys."""

    def __init__(self, server: AlpacaServer) -> None:
        self.server = server

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        keys = {"APCA-API-KEY-ID": self.server.key, "APCA-API-SECRET-KEY": self.server.secret}
        options.setdefault("headers", keys)
        return requests.request(method, self.server.url + path, timeout=5, allow_redirects=False, **options)

    def get(self, path: str, **query: Any) -> Json:
        return self.ask("GET", path, params=query).json()

    def place(self, n: int = 1, **changes: Any) -> requests.Response:
        order = {"symbol": "NWRB", "qty": "4", "side": "buy", "type": "market", "time_in_force": "day"}
        return self.ask("POST", "/v2/orders", json={**order, "client_order_id": f"c-{n}", **changes})

    def placed(self, n: int = 1, **changes: Any) -> str:
        answer = self.place(n, **changes)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def order(self, order_id: str) -> Json:
        return self.get(f"/v2/orders/{order_id}")


@pytest.fixture
def time() -> Time:
    return Time(NOON)


@pytest.fixture
def server(time: Time) -> Iterator[AlpacaServer]:
    with AlpacaServer(LISTED, PRICES, clock=time, cash=Decimal(10_000)) as running:
        yield running


@pytest.fixture
def client(server: AlpacaServer) -> Client:
    return Client(server)


def later(time: Time, by: timedelta = timedelta(seconds=1)) -> None:
    time.now += by


def told(answer: requests.Response) -> tuple[int, int | None]:
    assert answer.json()["message"]
    return answer.status_code, answer.json().get("code")


# -- an order's life


def test_an_order_is_pending_then_new_and_filled_a_moment_later_at_the_ask(client: Client, time: Time) -> None:
    answer = client.place().json()
    assert answer["status"] == "pending_new"
    assert [answer[name] for name in ("qty", "filled_qty", "filled_avg_price", "filled_at", "notional")] == [
        "4", "0", None, None, None,
    ]  # fmt: skip
    assert (answer["submitted_at"], answer["expires_at"]) == (
        "2026-03-02T17:00:00.000000000Z",
        "2026-03-02T21:00:00.000000000Z",
    )
    assert client.order(answer["id"])["status"] == "new"
    later(time)
    filled = client.order(answer["id"])
    assert [filled[name] for name in ("status", "filled_qty", "filled_avg_price", "filled_at")] == [
        "filled", "4", "41.22", "2026-03-02T17:00:00.001000000Z",
    ]  # fmt: skip
    assert client.get("/v2/positions/NWRB")["avg_entry_price"] == "41.22"
    account = client.get("/v2/account")
    assert (account["cash"], account["non_marginable_buying_power"]) == ("9835.12", "9835.12")


def test_an_order_sent_at_night_waits_for_the_open_and_costs_what_it_costs_then(
    client: Client, server: AlpacaServer, time: Time
) -> None:
    time.now = NIGHT
    order_id = client.placed()
    assert client.order(order_id)["status"] == "accepted"
    assert client.get("/v2/account")["non_marginable_buying_power"] == "9830.1736"  # reserved, at a price above
    server.quote("NWRB", Decimal(50), Decimal("50.10"))
    time.now = OPENS
    assert [client.order(order_id)[name] for name in ("status", "filled_avg_price")] == ["filled", "50.1"]


def test_an_order_can_be_filled_in_parts(client: Client, server: AlpacaServer, time: Time) -> None:
    server.fill_in_lots(Decimal("1.5"))
    order_id = client.placed()
    seen = []
    for ask in ("41.22", "42.22", "43.22"):
        server.quote("NWRB", Decimal(41), Decimal(ask))
        later(time)
        order = client.order(order_id)
        seen.append((order["status"], order["filled_qty"], order["filled_avg_price"]))
    assert seen == [("partially_filled", "1.5", "41.22"), ("partially_filled", "3", "41.72"), ("filled", "4", "42.095")]


def test_a_sale_gets_the_bid_and_what_is_sold_is_gone(client: Client, time: Time) -> None:
    client.placed()
    later(time)
    sale = client.placed(2, side="sell", qty="3")
    assert client.get("/v2/positions")[0]["qty_available"] == "1"
    later(time)
    assert client.order(sale)["filled_avg_price"] == "41.18"
    client.placed(3, side="sell", qty="1")
    later(time)
    assert client.get("/v2/positions") == []
    assert told(client.ask("GET", "/v2/positions/NWRB")) == (404, 40410000)
    assert client.get("/v2/account")["cash"] == "9999.84"


def test_an_order_that_is_canceled_ends_a_moment_later_with_what_was_filled(
    client: Client, server: AlpacaServer, time: Time
) -> None:
    server.fill_in_lots(Decimal(1))
    order_id = client.placed()
    later(time)
    assert client.order(order_id)["status"] == "partially_filled"
    assert client.ask("DELETE", f"/v2/orders/{order_id}").status_code == 204
    assert client.order(order_id)["status"] == "pending_cancel"
    later(time)
    assert [client.order(order_id)[name] for name in ("status", "filled_qty")] == ["canceled", "1"]
    assert told(client.ask("DELETE", f"/v2/orders/{order_id}")) == (422, 42210000)


def test_a_cancellation_that_comes_first_wins(client: Client, time: Time) -> None:
    time.now = NIGHT
    order_id = client.placed()
    assert client.ask("DELETE", f"/v2/orders/{order_id}").status_code == 204
    time.now = OPENS + timedelta(hours=1)
    order = client.order(order_id)
    assert (order["status"], order["canceled_at"]) == ("canceled", "2026-03-02T23:00:00.001000000Z")
    assert client.get("/v2/account")["non_marginable_buying_power"] == "10000"


def test_what_is_left_at_the_close_expires(client: Client, server: AlpacaServer, time: Time) -> None:
    server.fill_in_lots(Decimal(1))
    order_id = client.placed()
    later(time)
    assert client.order(order_id)["filled_qty"] == "1"
    time.now = NIGHT
    assert [client.order(order_id)[name] for name in ("status", "filled_qty")] == ["expired", "1"]


# -- refusals


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"qty": "1000"}, (403, 40310000)),
        ({"side": "sell"}, (403, 40310000)),
        ({"symbol": "ELSE"}, (422, 42210000)),
        ({"symbol": "QLMK"}, (422, 42210000)),
        ({"symbol": "SMFP"}, (422, 42210000)),
        ({"symbol": "MRVB.A", "qty": "1.5"}, (422, 42210000)),
        ({"notional": "100"}, (400, 40010000)),
        ({"qty": None, "notional": "100"}, (422, 42210000)),
        ({"qty": "0"}, (422, 42210000)),
        ({"qty": "-1"}, (422, 42210000)),
        ({"qty": "1e3"}, (422, 42210000)),
        ({"qty": "1.0000000001"}, (422, 42210000)),
        ({"side": "hold"}, (422, 42210000)),
        ({"type": "limit"}, (422, 42210000)),
        ({"time_in_force": "gtc"}, (422, 42210000)),
        ({"client_order_id": "x" * 129}, (422, 42210000)),
    ],
)
def test_what_cannot_be_ordered_is_refused_in_their_form(
    client: Client, server: AlpacaServer, changes: dict[str, Any], refusal: tuple[int, int]
) -> None:
    assert told(client.place(**changes)) == refusal
    assert server.orders == []


def test_a_body_that_is_no_order_is_refused(client: Client) -> None:
    assert told(client.ask("POST", "/v2/orders", data="{")) == (400, 40010000)
    assert told(client.ask("POST", "/v2/orders", json=[])) == (400, 40010000)


def test_an_id_is_taken_for_ever(client: Client, server: AlpacaServer, time: Time) -> None:
    order_id = client.placed()
    client.ask("DELETE", f"/v2/orders/{order_id}")
    later(time, timedelta(days=300))
    assert told(client.place()) == (422, 40010001)
    assert client.placed(2) != order_id
    assert len(server.orders) == 2


def test_a_sale_against_an_open_buy_is_a_potential_wash_trade(client: Client, time: Time) -> None:
    client.placed()
    later(time)
    client.placed(2)
    assert told(client.place(3, side="sell")) == (422, 42210000)


def test_shares_are_promised_once(client: Client, time: Time) -> None:
    client.placed()
    later(time)
    client.placed(2, side="sell", qty="3")
    answer = client.place(3, side="sell", qty="2").json()
    assert (answer["code"], answer["available"]) == (40310000, "1")


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/v2/orders/5d7c7f1e-0f0b-4c67-9f2e-3f7a2f5d9a10", (404, 40410000)),
        ("/v2/orders/not-a-uuid", (422, 40010001)),
        ("/v2/orders:by_client_order_id?client_order_id=x", (404, 40410000)),
        ("/v2/orders:by_client_order_id", (404, 40410000)),
        ("/v2/assets/ELSE", (404, 40410000)),
        ("/v2/nothing", (404, 40410000)),
        ("/v2/orders?status=odd", (422, 42210000)),
        ("/v2/orders?limit=501", (422, 42210000)),
        ("/v2/orders?limit=0", (422, 42210000)),
        ("/v2/orders?after=yesterday", (422, 42210000)),
        ("/v2/orders?after=2026-03-02T00:00:00", (422, 42210000)),
        ("/v2/calendar?start=today", (422, 42210000)),
        ("/v2/stocks/quotes/latest?symbols=NWRB&feed=sip", (422, 42210000)),
    ],
)
def test_what_there_is_not_is_refused(client: Client, path: str, refusal: tuple[int, int]) -> None:
    assert told(client.ask("GET", path)) == refusal


def test_only_the_right_keys_open_it(client: Client, server: AlpacaServer) -> None:
    wrong: list[dict[str, str]] = [
        {},
        {"APCA-API-KEY-ID": server.key},
        {"APCA-API-KEY-ID": server.key, "APCA-API-SECRET-KEY": "x"},
    ]
    for headers in wrong:
        assert told(client.ask("GET", "/v2/account", headers=headers)) == (403, None)
        assert told(client.ask("GET", "/v2/stocks/quotes/latest", headers=headers)) == (401, None)


def test_too_many_requests_are_refused_until_the_minute_is_over(time: Time) -> None:
    seconds = [0.0]
    with AlpacaServer(LISTED, PRICES, clock=time, per_minute=2, monotonic=lambda: seconds[0]) as server:
        client = Client(server)
        answers = [client.ask("GET", "/v2/clock") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert int(answers[2].headers["X-RateLimit-Reset"]) == int(NOON.timestamp()) + 60
        seconds[0] = 60.0
        assert client.ask("GET", "/v2/clock").status_code == 200


# -- looking


def test_orders_are_listed_by_state_time_and_direction(client: Client, server: AlpacaServer, time: Time) -> None:
    server.fill_in_lots(Decimal(2))
    for n in range(5):
        client.placed(n, qty=str(n + 1))
        later(time)
    every = client.get("/v2/orders", status="all", direction="asc")
    assert [order["client_order_id"] for order in every] == [f"c-{n}" for n in range(5)]
    opened = client.get("/v2/orders")
    assert [order["client_order_id"] for order in opened] == ["c-4"]
    closed = client.get("/v2/orders", status="closed", limit=2)
    assert [order["client_order_id"] for order in closed] == ["c-3", "c-2"]
    since, until = every[1]["submitted_at"], every[4]["submitted_at"]
    between = client.get("/v2/orders", status="all", after=since, until=until)
    assert [order["client_order_id"] for order in between] == ["c-3", "c-2"]
    assert client.get("/v2/orders:by_client_order_id", client_order_id="c-2")["qty"] == "3"


def test_a_share_says_how_it_can_be_traded(client: Client) -> None:
    found = client.get("/v2/assets/MRVB.A")
    assert [found[name] for name in ("symbol", "status", "tradable", "fractionable")] == [
        "MRVB.A", "active", True, False,
    ]  # fmt: skip


def test_prices_are_json_numbers_and_unknown_symbols_are_absent(client: Client, server: AlpacaServer) -> None:
    server.quote("NWRB", Decimal("40.5"), Decimal("40.6"), at=NOON - timedelta(hours=1))
    quotes = client.get("/v2/stocks/quotes/latest", symbols="NWRB,ELSE,MRVB.A", feed="iex")["quotes"]
    assert set(quotes) == {"NWRB", "MRVB.A"}
    assert [quotes["NWRB"][name] for name in ("bp", "ap", "t")] == [40.5, 40.6, "2026-03-02T16:00:00.000000000Z"]


def test_clock_and_calendar_are_new_yorks(client: Client, time: Time) -> None:
    assert client.get("/v2/clock") == {
        "timestamp": "2026-03-02T12:00:00-05:00",
        "is_open": True,
        "next_open": "2026-03-03T09:30:00-05:00",
        "next_close": "2026-03-02T16:00:00-05:00",
    }
    time.now = NIGHT
    assert client.get("/v2/clock")["is_open"] is False
    days = client.get("/v2/calendar", start="2026-11-26", end="2026-11-30")  # Thanksgiving, and the half day after it
    assert [(day["date"], day["open"], day["close"]) for day in days] == [
        ("2026-11-27", "09:30", "13:00"),
        ("2026-11-30", "09:30", "16:00"),
    ]


# -- failures


def fail(server: AlpacaServer, effect: Effect, path: str = "/v2/orders", method: str = "POST", **when: Any) -> None:
    server.fail(Fault(method=method, path=path, effect=effect, **when))


@pytest.mark.parametrize(("effect", "arrived"), [(faults.dropped, 0), (faults.lost, 1)])
def test_a_connection_breaks_before_or_after_the_order_exists(
    client: Client, server: AlpacaServer, effect: Effect, arrived: int
) -> None:
    fail(server, effect)
    with pytest.raises(requests.ConnectionError):
        client.place()
    assert len(server.orders) == arrived
    assert client.place().status_code == (422 if arrived else 200)


def test_a_request_can_be_processed_after_its_connection_broke(client: Client, server: AlpacaServer) -> None:
    waiting: list[Process] = []
    fail(server, faults.postponed(waiting))
    with pytest.raises(requests.ConnectionError):
        client.place()
    assert server.orders == []
    waiting[0]()
    assert len(server.orders) == 1


def test_a_delayed_request_is_processed_when_nobody_waits_any_more(client: Client, server: AlpacaServer) -> None:
    gate = Event()
    fail(server, faults.delayed(gate.wait))
    answers: list[int] = []
    waiting = Thread(target=lambda: answers.append(client.place().status_code))
    waiting.start()
    assert client.get("/v2/positions") == []
    assert server.orders == []
    gate.set()
    waiting.join(5)
    assert (answers, len(server.orders)) == ([200], 1)


@pytest.mark.parametrize(("shown", "status"), [(0, 200), (1, 422)])
def test_a_request_that_arrives_twice_makes_one_order(
    client: Client, server: AlpacaServer, shown: int, status: int
) -> None:
    fail(server, faults.twice(shown))
    assert client.place().status_code == status
    assert len(server.orders) == 1


@pytest.mark.parametrize("effect", [faults.html(), faults.html(502), faults.truncated])
def test_an_answer_that_is_no_json_hides_an_order_that_exists(
    client: Client, server: AlpacaServer, effect: Effect
) -> None:
    fail(server, effect)
    with pytest.raises(requests.JSONDecodeError):
        client.place().json()
    assert len(server.orders) == 1


def test_a_request_is_answered_as_told_without_being_processed(client: Client, server: AlpacaServer) -> None:
    fail(server, faults.answered(503, {"code": 50010000, "message": "ours"}))
    fail(server, faults.answered(429, {"message": "wait"}, {"Retry-After": "1"}))
    fail(server, faults.answered(200, []), method="GET")
    answers = [client.place() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 429, 200]
    assert answers[1].headers["Retry-After"] == "1"
    assert client.get("/v2/orders") == []
    assert len(client.get("/v2/orders")) == 1


def test_an_account_can_claim_real_money(client: Client, server: AlpacaServer) -> None:
    fail(server, real_money, "/v2/account", "GET")
    assert not client.get("/v2/account")["account_number"].startswith("PA")
    assert client.get("/v2/account")["account_number"].startswith("PA")


def test_what_is_shown_can_lag_behind_what_is(client: Client, server: AlpacaServer, time: Time) -> None:
    server.lag(timedelta(seconds=10))
    order_id = client.placed()
    asked = f"/v2/orders/{order_id}", "/v2/orders:by_client_order_id?client_order_id=c-1"
    assert [client.ask("GET", path).status_code for path in asked] == [404, 404]
    assert client.get("/v2/orders", status="all") == []
    assert told(client.place()) == (422, 40010001)
    later(time, timedelta(seconds=10))
    assert [client.ask("GET", path).status_code for path in asked] == [200, 200]
    assert client.get("/v2/positions") == []  # the fill is a moment younger
    later(time)
    assert len(client.get("/v2/positions")) == 1


def test_a_reset_is_another_account_with_other_keys(client: Client, server: AlpacaServer, time: Time) -> None:
    old = {"APCA-API-KEY-ID": server.key, "APCA-API-SECRET-KEY": server.secret}
    number = client.get("/v2/account")["account_number"]
    client.placed()
    later(time)
    server.reset()
    assert client.ask("GET", "/v2/account", headers=old).status_code == 403
    account = client.get("/v2/account")
    assert (account["cash"], account["account_number"] != number) == ("10000", True)
    assert (client.get("/v2/orders", status="all"), client.get("/v2/positions")) == ([], [])


def test_healed_it_works_and_the_journal_has_every_request(client: Client, server: AlpacaServer) -> None:
    fail(server, faults.dropped, times=None)
    with pytest.raises(requests.ConnectionError):
        client.place()
    server.heal()
    client.placed()
    assert [(request.method, request.path, request.status) for request in server.journal] == [
        ("POST", "/v2/orders", None),
        ("POST", "/v2/orders", 200),
    ]
    assert json.loads(server.journal[0].body)["client_order_id"] == "c-1"


# -- the demo's companies


def test_the_demos_companies_can_be_traded_under_their_symbols() -> None:
    monday = date(2026, 3, 2)
    with demo_server(monday, clock=Time(NOON)) as server:
        client = Client(server)
        for symbol, share in {share.ticker.replace("-", "."): share for share in reversed(SHARES)}.items():
            assert client.get(f"/v2/assets/{symbol}")["tradable"] is True
            quote = client.get("/v2/stocks/quotes/latest", symbols=symbol)["quotes"][symbol]
            assert quote["bp"] < float(share.bar(monday).close) < quote["ap"]
    assert {asset.symbol for asset in assets(SHARES)} == set(prices(SHARES, monday))


def test_orders_of_before_are_listed_and_have_had_their_effect(server: AlpacaServer, client: Client) -> None:
    def past(order_id: str, side: str, quantity: int, status: str = "filled") -> Order:
        filled = Decimal(quantity) if status == "filled" else Decimal(0)
        return Order(
            id=order_id,
            ticket=Ticket(symbol="NWRB", side=side, quantity=Decimal(quantity), client_order_id=f"c-{order_id}"),
            submitted_at=NOON - timedelta(days=30),
            opens_at=NOON - timedelta(days=30),
            expires_at=NOON - timedelta(days=29),
            status=status,
            filled=filled,
            paid=filled * 40,
            filled_at=NOON - timedelta(days=30) if filled else None,
        )

    cash = Decimal(client.get("/v2/account")["cash"])
    server.take_over([past("a", "buy", 10), past("b", "sell", 4), past("c", "buy", 7, "canceled")])
    assert [order["id"] for order in client.get("/v2/orders", status="all", direction="asc")] == ["a", "b", "c"]
    assert [(row["qty"], row["avg_entry_price"]) for row in client.get("/v2/positions")] == [("6", "40")]
    assert Decimal(client.get("/v2/account")["cash"]) == cash - 6 * 40
    assert client.place(1, client_order_id="c-a").status_code == 422
