"""Orders at Alpaca, word by word: submitted, found again, canceled, listed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st
from responses.matchers import query_param_matcher

from bot.errors import BrokerError, NotPaperError, OrderRefusedError
from bot.model import OrderStatus, Side
from brokers.alpaca_orders import STATUSES, body, listed, ours, theirs, told
from tests.brokers.alpaca import (
    ACCOUNT,
    ASSET,
    ID,
    NOT_FOUND,
    OTHER_ID,
    PLACED,
    URL,
    WANTED,
    Wire,
    error,
    resting,
    row,
    wanted,
)
from tests.builders import NOW, instrument

WORKING = replace(PLACED, status=OrderStatus.WORKING, updated_at=None)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with responses.mock:
        yield Wire()


# -- submitting


def test_an_order_is_one_post_after_account_and_share_were_seen_to_be_good(wire: Wire) -> None:
    wire.submitted(resting())
    assert wire.broker.submit(WANTED) == WORKING
    assert wire.asked == ["GET /v2/account", "GET /v2/assets/NWRB", "POST /v2/orders"]
    assert json.loads(responses.calls[2].request.body) == {
        "symbol": "NWRB",
        "qty": "24",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        "client_order_id": WANTED.client_order_id,
    }


def test_the_class_of_a_share_is_written_with_a_dot_and_read_with_a_dash(wire: Wire) -> None:
    sale = wanted("1.5", instrument=instrument("BRK-B"), side=Side.SELL)
    wire.get("/v2/account", ACCOUNT)
    wire.get("/v2/assets/BRK.B", ASSET)
    responses.post(f"{URL}/v2/orders", json=resting(symbol="BRK.B", side="sell", qty="1.500"))
    order = wire.broker.submit(sale)
    assert (order.symbol, order.side, order.quantity) == ("BRK-B", Side.SELL, Decimal("1.5"))
    sent = json.loads(responses.calls[2].request.body)
    assert (sent["symbol"], sent["side"], sent["qty"]) == ("BRK.B", "sell", "1.5")


def test_a_number_is_compared_as_a_number(wire: Wire) -> None:
    wire.submitted(resting(qty="24.000000000"))
    assert wire.broker.submit(WANTED) == WORKING


def test_without_paper_nothing_is_sent(wire: Wire) -> None:
    wire.get("/v2/account", ACCOUNT | {"account_number": "900000001"})
    with pytest.raises(NotPaperError):
        wire.broker.submit(WANTED)
    assert wire.asked == ["GET /v2/account"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currency": "EUR"}, "takes shares in USD only"),
        ({"quantity": Decimal(0)}, "takes shares in USD only"),
        ({"quantity": Decimal(-1)}, "takes shares in USD only"),
        ({"quantity": Decimal("1.0000000001")}, "with up to 9 decimals"),
        ({"instrument": instrument("../account")}, "no such symbol"),
        ({"instrument": instrument("NWRB/X")}, "no such symbol"),
        ({"instrument": instrument("")}, "no such symbol"),
    ],
)
def test_what_the_broker_cannot_take_is_refused_before_it_is_sent(
    wire: Wire, changes: dict[str, Any], words: str
) -> None:
    wire.get("/v2/account", ACCOUNT)
    wire.known(NOT_FOUND, 404)
    with pytest.raises(OrderRefusedError, match=rf"^alpaca .*{words}.*; nothing was sent$"):
        wire.broker.submit(replace(WANTED, **changes))
    assert all(asked.startswith(("GET /v2/account", "GET /v2/orders:by")) for asked in wire.asked)


@pytest.mark.parametrize(
    ("quantity", "asset", "words"),
    [
        (24, {"status": "inactive"}, "NWRB is not traded at alpaca"),
        (24, {"tradable": False}, "NWRB is not traded at alpaca"),
        ("2.5", {"fractionable": False}, "NWRB is traded in whole shares only"),
    ],
)
@pytest.mark.parametrize("is_known", [False, True])
def test_a_share_that_is_not_traded_is_not_ordered_but_an_earlier_order_for_it_counts(
    wire: Wire, quantity: int | str, asset: dict[str, Any], words: str, is_known: bool
) -> None:
    wire.ready(**asset)
    if is_known:
        wire.known(resting(qty=str(quantity)))
        assert wire.broker.submit(wanted(quantity)).status is OrderStatus.WORKING
    else:
        wire.known(NOT_FOUND, 404)
        with pytest.raises(OrderRefusedError, match=f"^{words}$"):
            wire.broker.submit(wanted(quantity))
    assert not any(asked.startswith("POST") for asked in wire.asked)


def test_a_share_it_does_not_know_is_refused(wire: Wire) -> None:
    wire.get("/v2/account", ACCOUNT)
    wire.get("/v2/assets/NWRB", NOT_FOUND, 404)
    wire.known(NOT_FOUND, 404)
    with pytest.raises(OrderRefusedError, match=r"^alpaca does not know NWRB$"):
        wire.broker.submit(WANTED)


@pytest.mark.parametrize("odd", [{"status": None}, {"tradable": "true"}, {"tradable": None}])
def test_a_share_that_cannot_be_read_leaves_everything_open(wire: Wire, odd: dict[str, Any]) -> None:
    wire.ready(**odd)
    with pytest.raises(BrokerError, match=rf"^alpaca: {next(iter(odd))}: ") as told_so:
        wire.broker.submit(WANTED)
    assert not isinstance(told_so.value, OrderRefusedError)


LIES: list[tuple[str, dict[str, Any]]] = [
    ("symbol", {"symbol": "ELSE"}),
    ("side", {"side": "sell"}),
    ("quantity", {"qty": "25"}),
    ("notional", {"qty": None, "notional": "1000"}),
    ("qty", {"qty": None}),
    ("qty", {"qty": 24}),
    ("client_order_id", {"client_order_id": "itb-other"}),
    ("client_order_id", {"client_order_id": None}),
    ("type", {"type": "limit"}),
    ("type", {"type": ["market"]}),
    ("time_in_force", {"time_in_force": "gtc"}),
]


@pytest.mark.parametrize(("name", "lie"), LIES)
def test_an_answer_about_another_order_is_not_believed(wire: Wire, name: str, lie: dict[str, Any]) -> None:
    wire.submitted(resting(**lie))
    wire.known(resting(**lie))
    for ask in (lambda: wire.broker.submit(WANTED), lambda: wire.broker.find(PLACED)):
        with pytest.raises(BrokerError, match=rf"^alpaca: {name}: .* was expected, found ") as told_so:
            ask()
        assert not isinstance(told_so.value, OrderRefusedError)


REFUSALS = [
    (400, error(40010000, "only one of qty or notional is accepted")),
    (403, error(40310000, "insufficient buying power", buying_power="1180.52", cost_basis="4120")),
    (403, error(40310000, "insufficient qty available", available="0", existing_qty="0", symbol="NWRB")),
    (403, error(40310100, "trade denied due to pattern day trading protection")),
    (404, error(40410000, "asset not found")),
    (422, error(42210000, "asset is not tradable")),
    (422, error(42219999, "something new")),
]
SEEN = [(422, error(40010001, "client_order_id must be unique")), (409, error(40910000, "it exists"))]


@pytest.mark.parametrize(("status", "said"), REFUSALS)
def test_a_decision_of_the_broker_is_a_refusal(wire: Wire, status: int, said: dict[str, Any]) -> None:
    wire.submitted(said, status)
    wire.known(NOT_FOUND, 404)
    with pytest.raises(OrderRefusedError, match=rf"^alpaca says {said['code']} \({said['message']}\)$"):
        wire.broker.submit(WANTED)


@pytest.mark.parametrize(("status", "said"), [*REFUSALS, *SEEN])
def test_a_refusal_says_nothing_about_an_earlier_attempt(wire: Wire, status: int, said: dict[str, Any]) -> None:
    wire.submitted(said, status)
    wire.known(resting())
    assert wire.broker.submit(WANTED) == WORKING
    assert sum(asked.startswith("POST") for asked in wire.asked) == 1


@pytest.mark.parametrize(("status", "said"), SEEN)
@pytest.mark.parametrize(("name", "lie"), [lie for lie in LIES if lie[0] != "client_order_id"])
def test_an_id_that_another_order_has_is_no_order_of_ours(
    wire: Wire, status: int, said: dict[str, Any], name: str, lie: dict[str, Any]
) -> None:
    wire.submitted(said, status)
    wire.known(row(**lie))
    with pytest.raises(BrokerError, match=rf"^alpaca: {name}: .* was expected, found ") as told_so:
        wire.broker.submit(WANTED)
    assert not isinstance(told_so.value, OrderRefusedError)


@pytest.mark.parametrize(("status", "said"), SEEN)
def test_an_id_that_was_seen_before_without_its_order_is_left_open(
    wire: Wire, status: int, said: dict[str, Any]
) -> None:
    wire.submitted(said, status)
    wire.known(NOT_FOUND, 404)
    with pytest.raises(BrokerError, match=r"^alpaca knows itb-0+1, but shows no order under it: ") as told_so:
        wire.broker.submit(WANTED)
    assert not isinstance(told_so.value, OrderRefusedError)


@pytest.mark.parametrize(("status", "said"), REFUSALS)
def test_a_refusal_is_none_while_it_cannot_be_looked_up(wire: Wire, status: int, said: dict[str, Any]) -> None:
    wire.submitted(said, status)
    wire.raw("/v2/orders:by_client_order_id", "<html>")
    with pytest.raises(BrokerError) as told_so:
        wire.broker.submit(WANTED)
    assert not isinstance(told_so.value, OrderRefusedError)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_is_down_leaves_everything_open_and_is_sent_the_order_once(wire: Wire, status: int) -> None:
    wire.submitted(error(50010000), status)
    with pytest.raises(BrokerError, match=rf"^alpaca answered with status {status} ") as told_so:
        wire.broker.submit(WANTED)
    assert not isinstance(told_so.value, OrderRefusedError)
    assert [asked for asked in wire.asked if asked.startswith("POST")] == ["POST /v2/orders"]


# -- finding


def test_an_order_is_found_under_our_id(wire: Wire) -> None:
    asked = {"client_order_id": WANTED.client_order_id}
    wire.get("/v2/orders:by_client_order_id", row(), match=[query_param_matcher(asked)])
    assert wire.broker.find(WANTED.order()) == replace(
        PLACED,
        status=OrderStatus.FILLED,
        filled=Decimal(24),
        price=Decimal("41.2042"),
        updated_at=datetime(2026, 3, 3, 15, 0, 1, 250000, tzinfo=UTC),
    )


def test_an_id_the_broker_does_not_know_is_not_found(wire: Wire) -> None:
    wire.known(NOT_FOUND, 404)
    assert wire.broker.find(PLACED) is None


@pytest.mark.parametrize("status", [400, 403, 409, 422])
def test_any_other_failure_is_not_an_absence(wire: Wire, status: int) -> None:
    wire.known(NOT_FOUND, status)
    with pytest.raises(BrokerError):
        wire.broker.find(PLACED)


@pytest.mark.parametrize("said", STATUSES)
@pytest.mark.parametrize("filled", [0, 10])
def test_each_status_has_its_meaning_and_never_hides_what_was_filled(wire: Wire, said: str, filled: int) -> None:
    wire.known(resting(status=said, filled_qty=str(filled), filled_avg_price="41.25" if filled else None))
    found = wire.broker.find(PLACED)
    assert found is not None
    ends = {"filled": "filled", "canceled": "canceled", "replaced": "canceled", "expired": "expired"}
    ended = (ends | {"rejected": "rejected"}).get(said)
    assert found.status == (ended or ("partial" if filled else "working"))
    assert (found.filled, found.price) == (filled, Decimal("41.25") if filled else None)
    assert bool(found.reason) == (ended not in {None, "filled"})


def test_every_status_of_the_format_is_known() -> None:
    ended = {"filled", "canceled", "expired", "replaced", "rejected"}
    pending = {"pending_new", "pending_cancel", "pending_replace", "pending_review"}
    rare = {"accepted_for_bidding", "stopped", "suspended", "calculated", "held", "done_for_day"}
    assert set(STATUSES) == ended | pending | rare | {"accepted", "new", "partially_filled"}


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "teleported"},
        {"status": None},
        {"status": "FILLED"},
        {"side": "sell_short"},
        {"filled_qty": "-1"},
        {"filled_qty": 24},
        {"filled_qty": None},
        {"filled_avg_price": None},
        {"filled_avg_price": 41.2},
        {"filled_avg_price": "-41.2"},
        {"filled_at": "yesterday"},
        {"filled_at": 1772549999},
        {"id": "../account"},
        {"id": ID + "\n"},
        {"id": "ord_1"},
    ],
)
def test_an_order_that_cannot_be_read_is_left_as_it_is(wire: Wire, odd: dict[str, Any]) -> None:
    wire.known(row(**odd))
    with pytest.raises(BrokerError, match=rf"^alpaca: {next(iter(odd))}: ") as told_so:
        wire.broker.find(PLACED)
    assert not isinstance(told_so.value, OrderRefusedError)


# -- canceling


def test_a_cancellation_is_one_request_and_is_not_the_end(wire: Wire) -> None:
    responses.delete(f"{URL}/v2/orders/{ID}", status=204)
    wire.broker.cancel(ID)
    assert wire.asked == [f"DELETE /v2/orders/{ID}"]


def test_what_is_unknown_need_not_be_canceled(wire: Wire) -> None:
    responses.delete(f"{URL}/v2/orders/{ID}", json=NOT_FOUND, status=404)
    wire.broker.cancel(ID)


@pytest.mark.parametrize("status", ["filled", "canceled", "expired", "rejected", "replaced", "pending_cancel"])
def test_what_is_over_need_not_be_canceled(wire: Wire, status: str) -> None:
    responses.delete(f"{URL}/v2/orders/{ID}", json=error(42210000, "not cancelable"), status=422)
    wire.get(f"/v2/orders/{ID}", row(status=status))
    wire.broker.cancel(ID)


@pytest.mark.parametrize("status", ["new", "accepted", "pending_new", "partially_filled", "pending_replace"])
def test_what_is_live_and_cannot_be_canceled_is_said_to_be_so(wire: Wire, status: str) -> None:
    responses.delete(f"{URL}/v2/orders/{ID}", json=error(42210000, "not cancelable"), status=422)
    wire.get(f"/v2/orders/{ID}", row(status=status))
    with pytest.raises(BrokerError, match=r"^alpaca says 42210000 \(not cancelable\)$"):
        wire.broker.cancel(ID)


@pytest.mark.parametrize("order_id", ["", "../account", "a/b", "ord_1", f"{ID}/..", f"{ID}?", ID[:-1]])
def test_an_id_never_leads_to_another_address(wire: Wire, order_id: str) -> None:
    with pytest.raises(BrokerError, match=r"^alpaca: id: the id of an order was expected"):
        wire.broker.cancel(order_id)
    assert wire.asked == []


# -- listing


def book(wire: Wire, *rows: dict[str, Any], most: int = 500) -> None:
    """A list of orders that is paged as theirs is: by time of submission, which is left out itself."""

    def reply(request: Any) -> tuple[int, dict[str, str], str]:
        asked = request.params
        assert asked["status"] == "all"
        after = datetime.fromisoformat(asked["after"])
        found = [each for each in rows if datetime.fromisoformat(each["submitted_at"]) > after]
        found.sort(key=lambda each: each["submitted_at"], reverse=asked["direction"] == "desc")
        return 200, {}, json.dumps(found[: min(int(asked["limit"]), most)])

    responses.add_callback("GET", f"{URL}/v2/orders", callback=reply)


def numbered(n: int, **changes: Any) -> dict[str, Any]:
    at = NOW + timedelta(seconds=n // 3)  # three at a time
    facts = {"id": f"{n:08}{ID[8:]}", "client_order_id": f"c-{n}", "submitted_at": at.isoformat()}
    return row(**(facts | changes))


@pytest.mark.parametrize(("count", "most"), [(0, 500), (1, 500), (500, 500), (1203, 500), (25, 4)])
def test_every_order_is_listed_whatever_the_size_of_a_page(wire: Wire, count: int, most: int) -> None:
    book(wire, *(numbered(n) for n in range(count)), most=most)
    assert [order.client_order_id for order in wire.broker.orders(NOW)] == [f"c-{n}" for n in range(count)]


def test_the_first_instant_counts_and_what_was_before_does_not(wire: Wire) -> None:
    book(wire, *(numbered(n) for n in range(6)))
    found = wire.broker.orders(NOW + timedelta(seconds=1))
    assert [order.client_order_id for order in found] == ["c-3", "c-4", "c-5"]


def test_more_orders_at_one_instant_than_a_page_holds_are_not_taken_for_all(wire: Wire) -> None:
    book(wire, *(numbered(0, id=f"{n:08}{ID[8:]}") for n in range(9)), numbered(9), most=4)
    with pytest.raises(BrokerError, match=r"^alpaca: the pages of orders end before the newest of them; try again"):
        wire.broker.orders(NOW)


def test_a_page_that_is_missing_is_not_the_end(wire: Wire) -> None:
    wire.get("/v2/orders", [numbered(5)])
    wire.get("/v2/orders", [numbered(1)])
    wire.get("/v2/orders", [])
    with pytest.raises(BrokerError, match="end before the newest of them"):
        wire.broker.orders(NOW)


def test_pages_without_end_are_left(wire: Wire) -> None:
    wire.get("/v2/orders", [])
    for n in range(101):
        wire.get("/v2/orders", [numbered(n)])
    with pytest.raises(BrokerError, match=r"^alpaca: there are more than 100 pages of orders; ask for fewer days$"):
        wire.broker.orders(NOW)


def test_orders_of_others_are_told_as_far_as_our_words_go(wire: Wire) -> None:
    book(
        wire,
        numbered(0, type="limit", time_in_force="gtc", side="sell", status="new", filled_qty="0"),
        numbered(1, qty=None, notional="100", filled_qty="2.427"),
        numbered(2, order_class="mleg", symbol="", side="", qty="1"),
        numbered(3, symbol="BRK.B", status="canceled"),
    )
    found = wire.broker.orders(NOW)
    assert [(order.symbol, order.side, order.quantity, order.status) for order in found] == [
        ("NWRB", "sell", 24, "working"),
        ("NWRB", "buy", Decimal("2.427"), "filled"),
        ("BRK-B", "buy", 24, "canceled"),
    ]


@pytest.mark.parametrize("odd", [{"status": "odd"}, {"submitted_at": None}, {"id": None}, {"symbol": ""}, {"side": ""}])
def test_one_order_that_cannot_be_read_spoils_the_list(wire: Wire, odd: dict[str, Any]) -> None:
    wire.get("/v2/orders", [])
    wire.get("/v2/orders", [numbered(0), numbered(1, **odd)])
    wire.get("/v2/orders", [])
    with pytest.raises(BrokerError, match=rf"^alpaca: {next(iter(odd))}: "):
        wire.broker.orders(NOW)


# -- words


@given(st.from_regex(r"[A-Z]{1,5}(-[A-Z]{1,2})?", fullmatch=True))
def test_a_symbol_survives_the_way_there_and_back(symbol: str) -> None:
    assert ours(theirs(symbol)) == symbol


@given(
    quantity=st.decimals(min_value=Decimal("0.000000001"), max_value=10**9, places=9),
    side=st.sampled_from(Side),
    symbol=st.from_regex(r"[A-Z]{1,5}(-[A-Z])?", fullmatch=True),
)
def test_an_order_that_comes_back_as_it_was_sent_is_that_order(quantity: Decimal, side: Side, symbol: str) -> None:
    order = wanted(str(quantity), side=side, instrument=instrument(symbol)).order()
    sent = body(order)
    assert not set("eE+") & set(sent["qty"])
    answer = told(order, resting(id=OTHER_ID, **sent))
    assert answer == replace(order, broker_order_id=OTHER_ID, status=OrderStatus.WORKING, updated_at=None)
    assert listed(resting(**sent)).quantity == quantity
