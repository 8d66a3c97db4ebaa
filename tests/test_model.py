"""The vocabulary in JSON's types: decimals as strings, instants with their zone, records as objects."""

import json
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.model import InsiderTrade, OrderStatus, Role, Side, Signal, Skip
from bot.plain import decimal_text, one_line, plain
from tests.builders import decision, event, instrument, intent, trade


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15))
@example(Decimal("1E+3"))
@example(Decimal("1E-7"))
@example(Decimal("0.10"))
@example(Decimal("-0.0"))
@example(Decimal(100))
def test_a_decimal_is_written_plainly_and_shortest(value: Decimal) -> None:
    text = decimal_text(value)
    assert Decimal(text) == value
    assert "e" not in text.lower()
    assert "." not in text or text[-1] not in "0."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+3"), "1000"),
        (Decimal(100), "100"),
        (Decimal("0.10"), "0.1"),
        (Decimal("0.00"), "0"),
        (Decimal("12.000"), "12"),
        (Decimal("-3.50"), "-3.5"),
        (Decimal("0.0000001"), "0.0000001"),
    ],
)
def test_decimals_as_text(value: Decimal, text: str) -> None:
    assert decimal_text(value) == text


def test_values_in_jsons_own_types() -> None:
    at = datetime(2026, 3, 2, 17, 3, tzinfo=timezone(timedelta(hours=-5)))
    assert plain({"a": (Decimal("1.50"), at, date(2026, 3, 2)), Side.BUY: Role.CFO, "n": None, "t": True, "i": 3}) == {
        "a": ["1.5", "2026-03-02T17:03:00-05:00", "2026-03-02"],
        "buy": "cfo",
        "n": None,
        "t": True,
        "i": 3,
    }


def test_what_json_has_no_type_for_is_its_text() -> None:
    assert plain([time(10, 30), re.compile("a+"), np.int64(4), np.float64("nan"), np.bool_(True)]) == [
        "10:30:00",
        "re.compile('a+')",
        4,
        None,
        True,
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("as it is", "as it is"),
        (" a\nb\r\n\tc\x00 ", "a b c"),
        ("\ud800half \u202eturned\xa0", "half turned"),
        ("\n", ""),
        ("Müller, 株式", "Müller, 株式"),
    ],
)
def test_a_text_on_one_line_can_be_written_anywhere(text: str, line: str) -> None:
    assert one_line(text) == line
    assert one_line(text).encode().decode() == line


def test_an_infinite_number_is_text_and_a_missing_one_is_null() -> None:
    said = plain([float("inf"), float("-inf"), float("nan"), Decimal("Infinity"), 0.5])
    assert said == ["Infinity", "-Infinity", None, "Infinity", 0.5]


def test_a_record_in_a_record_is_an_object_in_an_object() -> None:
    row = plain(intent(instrument=instrument(proof=("seen",))))
    assert row["instrument"]["proof"] == ["seen"]
    assert row["side"] == "buy"
    assert json.loads(json.dumps(row)) == row


def test_a_decision_is_the_events_columns_and_then_the_verdict() -> None:
    followed = decision(
        event=event(keys=("k1", "k2"), symbols=("NWRB", "NWRB-A"), held_before=Decimal("10000.0")),
        client_order_id="itb-1",
        features={"fraction_of_holdings": 0.1},
        evidence={"mapping": "seen"},
    ).row()
    columns = list(InsiderTrade._fields)
    assert list(followed)[: len(columns)] == columns
    assert followed["keys"] == ["k1", "k2"]
    assert followed["symbols"] == ["NWRB", "NWRB-A"]
    assert followed["held_before"] == "10000"
    assert followed["fraction_of_holdings"] == 0.1
    assert (followed["decision"], followed["rule"], followed["client_order_id"]) == ("buy", "", "itb-1")
    assert (followed["shares"], followed["known_at"]) == ("1000", "2026-03-02T22:03:00+00:00")
    assert json.loads(json.dumps(followed)) == followed


def test_a_refusal_names_its_rule() -> None:
    refused = decision(verdict=Skip(rule="more_than", reason="too little")).row()
    assert (refused["decision"], refused["rule"], refused["reason"]) == ("skip", "more_than", "too little")
    assert refused["client_order_id"] is None


def test_the_figures_of_a_refusal_join_those_of_the_steps_before_it() -> None:
    poor = Skip(rule="cash", reason="too little cash", figures={"available": Decimal("7.50"), "cost": Decimal(1001)})
    row = decision(verdict=poor, evidence={"size": "1000 / 40", "figures": {"value": 1000, "cost": 1000}}).row()
    assert row["evidence"] == {
        "size": "1000 / 40",
        "figures": {"value": 1000, "cost": "1001", "available": "7.5"},
    }


def test_a_sale_is_followed_by_a_sale() -> None:
    row = decision(event=event(trade=trade(code="S")), verdict=Signal(side=Side.SELL, reason="sold")).row()
    assert (row["decision"], row["side"], row["acquired"]) == ("sell", "sell", "D")


def test_four_statuses_are_final() -> None:
    assert {status for status in OrderStatus if status.is_final} == {"filled", "canceled", "expired", "rejected"}


def test_an_order_begins_as_its_intent_says() -> None:
    planned = intent()
    begun = planned.order()
    assert begun.status is OrderStatus.INTENT
    assert (begun.filled, begun.price, begun.broker_order_id) == (Decimal(0), None, None)
    assert (begun.client_order_id, begun.symbol) == (planned.client_order_id, "NWRB")
    assert begun.quantity == planned.quantity
    assert (begun.valid_from, begun.valid_until, begun.updated_at) == (
        planned.valid_from,
        planned.valid_until,
        planned.created_at,
    )
    assert planned.created_at.tzinfo is UTC


def test_records_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        trade().shares = Decimal(1)  # type: ignore[misc]
