"""Orders at lemon.markets, word by word: placed, activated, found again, canceled, listed."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import responses
from responses.matchers import query_param_matcher

from bot.errors import BrokerError, OrderRefusedError
from bot.model import OrderStatus, Side
from brokers.lemon_orders import STATUSES
from tests.brokers.lemon import ISIN, OTHER_ISIN, PLACED, URL, WANTED, Wire, adapter, error, page, resting, row, wanted
from tests.builders import NOW, instrument, intent

# -- placing


def test_an_order_is_sent_with_our_id_and_its_session(wire: Wire) -> None:
    wire.trading("/orders/", {"results": resting()}, method="POST")
    assert wire.broker.submit(WANTED) == replace(PLACED, status=OrderStatus.INACTIVE, updated_at=None)
    assert json.loads(responses.calls[0].request.body) == {
        "isin": ISIN,
        "side": "buy",
        "quantity": 24,
        "venue": "xmun",
        "expires_at": "2026-03-04",
        "notes": WANTED.client_order_id,
        "idempotency": WANTED.client_order_id,
    }
    assert wire.asked == [f"POST {URL}/orders/"]


def test_the_paper_venue_is_named_when_the_settings_say_so(wire: Wire) -> None:
    wire.trading("/orders/", {"results": resting(side="sell")}, method="POST")
    adapter(lemon_markets_venue="allday").submit(wanted(side=Side.SELL))
    sent = json.loads(responses.calls[0].request.body)
    assert (sent["side"], sent["venue"]) == ("sell", "allday")


@pytest.mark.parametrize(
    "changes",
    [{"instrument": instrument("NWRB")}, {"currency": "USD"}, {"quantity": Decimal("1.5")}, {"quantity": Decimal(0)}],
)
def test_what_the_broker_cannot_take_is_refused_before_it_is_sent(wire: Wire, changes: dict[str, Any]) -> None:
    with pytest.raises(OrderRefusedError, match=r"takes whole shares by ISIN in EUR only; nothing was sent$"):
        wire.broker.submit(replace(WANTED, **changes))
    assert wire.asked == []


@pytest.mark.parametrize(
    "lie",
    [
        {"isin": OTHER_ISIN},
        {"side": "sell"},
        {"quantity": 25},
        {"quantity": "24"},
        {"quantity": 24.0},
        {"idempotency": "itb-other"},
        {"idempotency": None},
    ],
)
def test_an_answer_about_another_order_is_not_believed(wire: Wire, lie: dict[str, Any]) -> None:
    wire.trading("/orders/", {"results": resting(**lie)}, method="POST")
    wire.orders(resting(**lie))
    wire.trading("/orders/ord_1/", {"results": resting(**lie)})
    for ask in (lambda: wire.broker.submit(WANTED), lambda: wire.broker.find(PLACED)):
        with pytest.raises(
            BrokerError, match=rf"^lemon_markets: {next(iter(lie))}: what was sent, .* was expected"
        ) as told:
            ask()
        assert type(told.value) is BrokerError


REFUSALS = [
    ("account_insufficient_funds", 400),
    ("account_insufficient_funds", 402),
    ("insufficient_holdings", 422),
    ("instrument_not_tradable", 409),
    ("instrument_not_found", 404),
    ("forbidden_for_venue", 400),
    ("order_expiration_date_invalid", 400),
    ("order_total_price_limit_exceeded", 400),
    ("order_total_price_too_low", 400),
    ("order_limit_exceeded", 400),
    ("invalid_query", 400),
    ("plan_not_allowed", 400),
    ("trading_disabled", 400),
    ("trading_blocked", 400),
    ("insufficient_holdings", 200),
]


@pytest.mark.parametrize(("code", "status"), REFUSALS)
def test_a_decision_of_the_broker_is_a_refusal(wire: Wire, code: str, status: int) -> None:
    wire.refuse(code, status, message="available 1, required 2")
    wire.orders()
    with pytest.raises(OrderRefusedError, match=rf"^lemon_markets says {code} \(available 1, required 2\)$"):
        wire.broker.submit(WANTED)


@pytest.mark.parametrize(("code", "status"), [*REFUSALS, ("order_idempotency_violation", 400)])
def test_a_refusal_says_nothing_about_an_earlier_attempt(wire: Wire, code: str, status: int) -> None:
    wire.refuse(code, status)
    wire.orders(resting(id="ord_other", idempotency="itb-x", notes="itb-x"), resting())
    assert wire.broker.submit(WANTED) == replace(PLACED, status=OrderStatus.INACTIVE, updated_at=None)


def test_a_refusal_is_none_while_it_cannot_be_looked_up(wire: Wire) -> None:
    wire.refuse("account_insufficient_funds")
    wire.raw("/orders/", "<html>")
    with pytest.raises(BrokerError) as told:
        wire.broker.submit(WANTED)
    assert type(told.value) is BrokerError


def test_an_id_that_was_seen_before_without_its_order_is_left_open(wire: Wire) -> None:
    wire.refuse("order_idempotency_violation", 409)
    wire.orders()
    with pytest.raises(BrokerError, match=r"^lemon_markets knows itb-.*, but shows no order under it$") as told:
        wire.broker.submit(WANTED)
    assert type(told.value) is BrokerError


@pytest.mark.parametrize("status", [401, 403, 408, 425, 429, 500, 502, 503, 504])
def test_no_status_on_the_way_is_a_refusal(wire: Wire, status: int) -> None:
    wire.refuse("account_insufficient_funds", status)
    with pytest.raises(BrokerError) as told:
        wire.broker.submit(WANTED)
    assert not isinstance(told.value, OrderRefusedError)
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    "code", ["internal_error", "rate_limit_exceeded", "order_not_inactive", "something_new", "\u202e"]
)
def test_no_error_but_a_known_decision_is_a_refusal(wire: Wire, code: str) -> None:
    wire.refuse(code)
    with pytest.raises(BrokerError) as told:
        wire.broker.submit(WANTED)
    assert not isinstance(told.value, OrderRefusedError)
    assert len(wire.asked) == 1


# -- activating


def test_to_activate_takes_one_request(wire: Wire) -> None:
    wire.trading("/orders/ord_1/activate/", {}, method="POST")
    wire.broker.activate("ord_1")
    assert [(call.request.method, call.request.body) for call in responses.calls] == [("POST", b"{}")]


def test_what_is_active_already_need_not_be_activated(wire: Wire) -> None:
    wire.refuse("order_not_inactive", path="/orders/ord_1/activate/")
    wire.broker.activate("ord_1")


@pytest.mark.parametrize(
    ("code", "refused"),
    [("order_not_found", False), ("account_insufficient_funds", True), ("internal_error", False)],
)
def test_an_activation_that_fails_says_why(wire: Wire, code: str, refused: bool) -> None:
    wire.refuse(code, path="/orders/ord_1/activate/")
    with pytest.raises(BrokerError, match=code) as told:
        wire.broker.activate("ord_1")
    assert isinstance(told.value, OrderRefusedError) is refused


@pytest.mark.parametrize("order_id", ["", "../account", "a/b", "a?b", "a%2fb", "ord 1", "ord_1\n", "ördre", "x" * 65])
def test_an_id_never_leads_to_another_address(wire: Wire, order_id: str) -> None:
    wire.trading("/orders/", {"results": resting(id=order_id)}, method="POST")
    with pytest.raises(BrokerError, match=r"^lemon_markets: id: "):
        wire.broker.submit(WANTED)
    for ask in (
        lambda: wire.broker.activate(order_id),
        lambda: wire.broker.cancel(order_id),
        lambda: wire.broker.find(replace(PLACED, broker_order_id=order_id)),
    ):
        with pytest.raises(BrokerError, match=r"^lemon_markets: id: the id of an order was expected"):
            ask()
    assert wire.asked == [f"POST {URL}/orders/"]


# -- finding


@pytest.mark.parametrize(
    ("said", "executed", "status"),
    [
        ("inactive", 0, OrderStatus.INACTIVE),
        ("activated", 0, OrderStatus.WORKING),
        ("open", 0, OrderStatus.WORKING),
        ("open", 10, OrderStatus.PARTIAL),
        ("in_progress", 0, OrderStatus.WORKING),
        ("in_progress", 10, OrderStatus.PARTIAL),
        ("canceling", 0, OrderStatus.WORKING),
        ("canceling", 10, OrderStatus.PARTIAL),
        ("executed", 24, OrderStatus.FILLED),
        ("canceled", 0, OrderStatus.CANCELED),
        ("canceled", 10, OrderStatus.CANCELED),
        ("expired", 10, OrderStatus.EXPIRED),
        ("rejected", 0, OrderStatus.REJECTED),
    ],
)
def test_each_status_has_its_meaning(wire: Wire, said: str, executed: int, status: OrderStatus) -> None:
    wire.trading("/orders/ord_1/", {"results": resting(status=said, executed_quantity=executed, executed_price=371250)})
    found = wire.broker.find(PLACED)
    assert found is not None
    assert (found.status, found.filled) == (status, executed)
    assert found.price == (Decimal("37.125") if executed else None)
    assert found.fee == (2 if executed else 0)  # the charge is announced before it is due
    assert bool(found.reason) == (status in {OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED})


def test_every_status_of_the_format_is_known() -> None:
    open_ones = {"inactive", "activated", "open", "in_progress", "canceling"}
    assert set(STATUSES) == open_ones | {"executed", "canceled", "expired", "rejected"}


def test_what_is_found_keeps_all_that_the_broker_does_not_know(wire: Wire) -> None:
    wire.trading("/orders/ord_1/", {"results": resting()})
    known = replace(PLACED, mic="XMUN")
    assert wire.broker.find(known) == replace(known, status=OrderStatus.INACTIVE, updated_at=None)


def test_an_executed_order_says_when_and_for_how_much(wire: Wire) -> None:
    wire.trading("/orders/ord_1/", {"results": row()})
    assert wire.broker.find(PLACED) == replace(
        PLACED,
        status=OrderStatus.FILLED,
        filled=Decimal(24),
        price=Decimal("37.125"),
        fee=Decimal(2),
        updated_at=datetime(2026, 3, 4, 14, 30, 1, 250000, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "teleported"},
        {"status": None},
        {"status": "EXECUTED"},
        {"executed_quantity": -1},
        {"executed_quantity": 24.0},
        {"executed_price": 0},
        {"executed_price": None},
        {"executed_price": 37.125},
        {"charge": None},
        {"charge": -1},
        {"executed_at": "yesterday"},
        {"executed_at": 1772634601250},
    ],
)
def test_an_order_that_cannot_be_read_is_left_as_it_is(wire: Wire, odd: dict[str, Any]) -> None:
    wire.trading("/orders/ord_1/", {"results": row(**odd)})
    with pytest.raises(BrokerError, match=rf"^lemon_markets: {next(iter(odd))}: ") as told:
        wire.broker.find(PLACED)
    assert type(told.value) is BrokerError


@pytest.mark.parametrize("status", [404, 400])
def test_an_id_the_broker_does_not_know_is_not_found(wire: Wire, status: int) -> None:
    wire.raw("/orders/ord_1/", json.dumps(error("order_not_found")), status)
    assert wire.broker.find(PLACED) is None


@pytest.mark.parametrize(
    ("code", "status"), [("account_not_found", 404), ("internal_error", 400), ("order_not_found", 403)]
)
def test_any_other_failure_is_not_an_absence(wire: Wire, code: str, status: int) -> None:
    wire.raw("/orders/ord_1/", json.dumps(error(code)), status)
    with pytest.raises(BrokerError):
        wire.broker.find(PLACED)


def test_without_the_brokers_id_all_orders_of_the_isin_are_searched(wire: Wire) -> None:
    # Thirty days before the session: no order lives longer.
    match = [query_param_matcher({"isin": ISIN, "from": "2026-02-01"})]
    wire.trading("/orders/", page(row(id="ord_7", idempotency="itb-x", notes="itb-x"), row()), match=match)
    found = wire.broker.find(WANTED.order())
    assert found is not None
    assert found.broker_order_id == "ord_1"
    assert found.symbol == "NWRB"


def test_an_order_that_carries_no_id_of_ours_is_not_ours(wire: Wire) -> None:
    wire.orders(row(idempotency=None, notes=None), row(id="b", idempotency=WANTED.client_order_id.upper(), notes=""))
    assert wire.broker.find(WANTED.order()) is None


@pytest.mark.parametrize("lie", [{"idempotency": None}, {"isin": OTHER_ISIN}, {"quantity": 1}])
def test_an_order_that_is_ours_and_is_not_is_no_absence(wire: Wire, lie: dict[str, Any]) -> None:
    wire.orders(row(**lie))
    with pytest.raises(BrokerError, match="was expected, found"):
        wire.broker.find(WANTED.order())


def test_an_order_without_an_isin_was_never_sent(wire: Wire) -> None:
    assert wire.broker.find(intent().order()) is None
    assert wire.asked == []


FIRST, THEN, LATER = (f"2026-03-03T15:00:0{n}.000+00:00" for n in range(3))


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([resting(id="a", created_at=FIRST), row(id="b", created_at=THEN)], "b"),
        ([resting(id="a", created_at=FIRST), resting(id="b", created_at=THEN, status="open")], "b"),
        ([resting(id="a", created_at=THEN), resting(id="b", created_at=FIRST)], "b"),
        ([resting(id="a", created_at=FIRST, status="expired"), resting(id="b", created_at=THEN)], "b"),
        (
            [resting(id="a", created_at=LATER, status="expired"), resting(id="b", created_at=THEN, status="rejected")],
            "b",
        ),
        (
            [resting(id="a", created_at=FIRST), row(id="b", created_at=THEN, status="canceled", executed_quantity=3)],
            "b",
        ),
    ],
)
def test_of_several_the_live_one_counts_else_the_oldest(wire: Wire, rows: list[dict[str, Any]], chosen: str) -> None:
    wire.orders(*rows)
    found = wire.broker.find(WANTED.order())
    assert found is not None
    assert found.broker_order_id == chosen


def test_two_live_orders_under_one_id_are_an_alarm(wire: Wire) -> None:
    wire.orders(row(id="a"), resting(id="b", status="activated"))
    with pytest.raises(BrokerError, match=rf"^lemon_markets has 2 live orders under {WANTED.client_order_id}: "):
        wire.broker.find(WANTED.order())


# -- canceling


def refuses_to_cancel(wire: Wire, code: str, status: int = 400) -> None:
    wire.raw("/orders/ord_1/", json.dumps(error(code)), status, "DELETE")


def test_a_cancellation_is_one_request(wire: Wire) -> None:
    wire.trading("/orders/ord_1/", {}, method="DELETE")
    wire.broker.cancel("ord_1")
    assert [(call.request.method, call.request.body) for call in responses.calls] == [("DELETE", None)]


@pytest.mark.parametrize("status", [404, 400])
def test_what_is_unknown_need_not_be_canceled(wire: Wire, status: int) -> None:
    refuses_to_cancel(wire, "order_not_found", status)
    wire.broker.cancel("ord_1")
    assert len(wire.asked) == 1


@pytest.mark.parametrize("code", ["order_not_terminated", "forbidden_in_current_state", "something_new"])
@pytest.mark.parametrize("said", ["executed", "canceled", "expired", "rejected", "canceling"])
def test_what_is_over_need_not_be_canceled(wire: Wire, code: str, said: str) -> None:
    refuses_to_cancel(wire, code)
    wire.trading("/orders/ord_1/", {"results": resting(status=said)})
    wire.broker.cancel("ord_1")
    assert wire.asked == [f"DELETE {URL}/orders/ord_1/", f"GET {URL}/orders/ord_1/"]


@pytest.mark.parametrize("said", ["inactive", "activated", "open", "in_progress"])
def test_what_is_not_over_and_cannot_be_canceled_is_said_to_be_so(wire: Wire, said: str) -> None:
    refuses_to_cancel(wire, "forbidden_in_current_state")
    wire.trading("/orders/ord_1/", {"results": resting(status=said)})
    with pytest.raises(BrokerError, match=r"^lemon_markets says forbidden_in_current_state \(ours\)$"):
        wire.broker.cancel("ord_1")


@pytest.mark.parametrize("odd", [{"status": "teleported"}, {"id": None}, {"side": "hold"}])
def test_a_cancellation_is_left_open_while_the_order_cannot_be_read(wire: Wire, odd: dict[str, Any]) -> None:
    refuses_to_cancel(wire, "forbidden_in_current_state")
    wire.trading("/orders/ord_1/", {"results": resting(**odd)})
    with pytest.raises(BrokerError, match=rf"^lemon_markets: {next(iter(odd))}: "):
        wire.broker.cancel("ord_1")


def test_an_unknown_order_behind_a_gateway_is_none_to_be_sure_of(wire: Wire) -> None:
    refuses_to_cancel(wire, "order_not_found", 500)
    wire.trading("/orders/ord_1/", {"results": resting(status="open")})
    with pytest.raises(BrokerError, match="order_not_found"):
        wire.broker.cancel("ord_1")


# -- listing


@pytest.mark.parametrize(
    ("since", "asked"),
    [
        (datetime(2026, 3, 3, 15, 0, tzinfo=UTC), "2026-03-03"),
        (datetime(2026, 3, 3, 23, 30, tzinfo=UTC), "2026-03-03"),  # the 4th in Berlin, whose day began at 23:00
        (datetime(2026, 3, 4, 1, 0, tzinfo=timezone(timedelta(hours=2))), "2026-03-03"),
    ],
)
def test_orders_are_listed_from_the_beginning_of_a_day_that_began_everywhere(
    wire: Wire, since: datetime, asked: str
) -> None:
    wire.trading("/orders/", page(), match=[query_param_matcher({"from": asked, "limit": "100"})])
    assert wire.broker.orders(since) == []


def test_an_order_is_listed_as_it_is_found_but_under_the_brokers_title(wire: Wire) -> None:
    wire.orders(row())
    (listed,) = wire.broker.orders(NOW)
    wire.trading("/orders/ord_1/", {"results": row()})
    assert replace(
        listed, symbol="NWRB", valid_from=PLACED.valid_from, valid_until=PLACED.valid_until
    ) == wire.broker.find(PLACED)
    assert listed.symbol == "NORTHWIND ROBOTICS"


def test_orders_of_others_are_told_as_far_as_our_words_go(wire: Wire) -> None:
    wire.orders(
        resting(id="a", idempotency=None, notes="by hand", limit_price=412500, type="limit", side="sell"),
        row(id="b", idempotency="", isin=OTHER_ISIN, isin_title=None),
        resting(id="c", idempotency="theirs-1", status="open", executed_quantity=7, executed_price=1, charge=0),
        resting(id="d", idempotency="theirs-1", status="canceled"),
    )
    names = ("client_order_id", "broker_order_id", "symbol", "side", "quantity", "status", "filled")
    assert [tuple(getattr(order, name) for name in names) for order in wire.broker.orders(NOW)] == [
        ("", "a", "NORTHWIND ROBOTICS", "sell", 24, "inactive", 0),
        ("", "b", OTHER_ISIN, "buy", 24, "filled", 24),
        ("theirs-1", "c", "NORTHWIND ROBOTICS", "buy", 24, "partial", 7),
        ("theirs-1", "d", "NORTHWIND ROBOTICS", "buy", 24, "canceled", 0),
    ]


def test_every_order_is_listed_whatever_the_size_of_a_page(wire: Wire) -> None:
    for number in (1, 2, 3):
        following = f"{URL}/orders/?page={number + 1}" if number < 3 else None
        rows = [row(id=f"ord_{number}_{n}") for n in range(2)]
        wire.trading("/orders/", page(*rows, total=6, page=number, next=following))
    assert len({order.broker_order_id for order in wire.broker.orders(NOW)}) == 6


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "odd"},
        {"id": None},
        {"id": "a/b"},
        {"isin": None},
        {"side": ""},
        {"side": "hold"},
        {"quantity": 0},
        {"quantity": "24"},
        {"idempotency": 7},
        {"idempotency": "a\nb"},
    ],
)
def test_one_order_that_cannot_be_read_spoils_the_list(wire: Wire, odd: dict[str, Any]) -> None:
    wire.orders(row(id="first"), row(**odd))
    with pytest.raises(BrokerError, match=rf"^lemon_markets: {next(iter(odd))}: "):
        wire.broker.orders(NOW)


@pytest.mark.parametrize("changes", [{"total": 3}, {"total": 1}, {"page": 2}, {"next": "https://elsewhere.example/"}])
def test_a_list_that_does_not_add_up_is_none(wire: Wire, changes: dict[str, Any]) -> None:
    wire.trading("/orders/", page(row(id="a"), row(id="b"), **changes))
    with pytest.raises(BrokerError, match=r"^lemon_markets: "):
        wire.broker.orders(NOW)
