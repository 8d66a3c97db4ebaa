"""JSON values: ASCII numbers as text or number, days and instants that exist, and one sentence for the rest."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SourceError
from bot.http import strict_json
from bot.sources.rest.values import LONGEST, Record, described, record_of

plain = st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False)
anything = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)


def of(value: Any) -> Record:
    return Record("record 3", {"x": value})


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("3000", "3000"), (3000, "3000"), ("40.8125", "40.8125"), (Decimal("40.8125"), "40.8125"), ("-7", "-7"),
        (Decimal("1E+3"), "1000"), (0, "0"), (Decimal("2.50"), "2.50"),
        (Decimal("1.3333333333333333"), "1.3333333333333333"),
    ],
)  # fmt: skip
def test_a_number_is_the_same_as_text_and_as_number(value: Any, number: str) -> None:
    assert of(value).number("x") == Decimal(number)


@pytest.mark.parametrize(
    "value",
    ["1_000", "１２３", "٣", "1,000", "1e3", "NaN", "inf", " 5", "5 ", "+5", "0x10", "$5", "--5", ".5", "5.", "1" * 16,
     True, False, [], {}, [5], Decimal("1E+400"), Decimal("1E-400"), 10**16, 10**400],
)  # fmt: skip
def test_what_only_python_reads_as_a_number_is_refused(value: Any) -> None:
    with pytest.raises(SourceError, match=r"^record 3, 'x': expected a number such as 3000 or 40.8125, found ") as told:
        of(value).number("x")
    assert len(str(told.value)) < 150


@pytest.mark.parametrize("value", [None, ""])
def test_null_and_nothing_are_not_told(value: Any) -> None:
    record = of(value)
    found = (record.text("x"), record.number("x"), record.flag("x"), record.day("x"), record.instant("x"))
    assert found == (None,) * 5
    assert record.number("missing") is None


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-03-02T22:03:41Z", "2026-03-02T22:03:41+00:00"),
        ("2026-03-02T17:03:41-05:00", "2026-03-02T22:03:41+00:00"),
        ("2026-03-02 23:03:41.250+0100", "2026-03-02T22:03:41.250000+00:00"),
        ("2026-03-02T22:03Z", "2026-03-02T22:03:00+00:00"),
        ("2026-03-02", "2026-03-03T03:00:00+00:00"),  # 22:00 in New York
        ("2026-07-02", "2026-07-03T02:00:00+00:00"),
    ],
)
def test_an_instant_has_a_zone_and_a_day_is_over(value: str, instant: str) -> None:
    assert of(value).instant("x") == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    "value",
    ["2026-03-02T22:03:41", "22:03", "yesterday", "2026-02-30", "2026-02-30T10:00:00Z", "2026-03-02T24:01:00Z",
     1772488000, "0001-01-01T00:00:00+23:59", "２０２６-03-02", "2026-03-02T22:03:41+99:99", "9999-12-31", "0000-01-01",
     True],
)  # fmt: skip
def test_an_instant_without_zone_or_existence_is_refused(value: Any) -> None:
    with pytest.raises(SourceError, match="record 3, 'x': expected a day"):
        of(value).instant("x")


def test_the_day_of_an_instant_is_new_york_s() -> None:
    assert of("2026-03-03T02:10:00Z").day("x") == date(2026, 3, 2)
    assert of("2026-03-03").day("x") == date(2026, 3, 3)


@pytest.mark.parametrize(("value", "flag"), [(True, True), (False, False), ("True", True), ("0", False), (1, True)])
def test_a_flag_has_three_states(value: Any, flag: bool) -> None:
    assert of(value).flag("x") is flag


@pytest.mark.parametrize("value", ["yes", 2, [], "truе"])
def test_another_word_is_no_flag(value: Any) -> None:
    with pytest.raises(SourceError, match="expected true or false"):
        of(value).flag("x")


def test_a_text_is_cleaned_and_a_whole_number_is_one() -> None:
    assert of("  Okafor \u00a0 Adaeze ").text("x") == "Okafor Adaeze"
    assert of(1999501).text("x") == "1999501"


@pytest.mark.parametrize(
    "value", ["a\u202eb", "a\u200bb", "a\x00b", "a\ud800", "a" * (LONGEST + 1), True, {}, Decimal("1.5")]
)
def test_a_text_that_nobody_can_see_is_refused(value: Any) -> None:
    with pytest.raises(SourceError, match="printable") as told:
        of(value).text("x")
    assert str(told.value).isascii()


def test_a_number_below_zero_is_no_amount() -> None:
    with pytest.raises(SourceError, match="not below zero"):
        of("-5").amount("x")


def test_half_a_thing_is_no_count() -> None:
    assert of(7).count("x") == 7
    with pytest.raises(SourceError, match="a whole number"):
        of("7.5").count("x")


def test_a_renamed_word_is_read_under_its_name_and_blamed_under_it() -> None:
    record = Record("record 1", {"pricePerShare": "x", "price": "5"}, {"price": "pricePerShare"})
    with pytest.raises(SourceError, match="'pricePerShare'"):
        record.number("price")
    assert Record("record 1", {"price": "5", "": "7"}, {"price": ""}).number("price") is None


def test_what_is_no_object_is_refused() -> None:
    for value in (None, [], "x", 5):
        with pytest.raises(SourceError, match="expected a JSON object"):
            record_of("the answer", value)
    with pytest.raises(SourceError, match="expected a list, found an object with 'a'"):
        of({"a": 1}).records("x")
    with pytest.raises(SourceError, match=r"record 3.x\[1\]: expected a JSON object, found 'y'"):
        of([{}, "y"]).records("x")


def outcome(read: Callable[[str], Any]) -> Any:
    try:
        return read("x")
    except SourceError as error:
        return error


@given(anything)
def test_no_value_is_more_than_a_refusal(value: Any) -> None:
    record = of(value)
    for read in (record.text, record.number, record.amount, record.count, record.flag, record.day, record.instant,
                 record.record, record.records):  # fmt: skip
        found = outcome(read)
        if isinstance(found, SourceError):
            assert str(found).isprintable()
        assert not isinstance(found, Decimal) or (found.is_finite() and abs(found) < 10**15)
    assert described(value).isprintable()
    assert len(described(value)) < 700


@given(st.text("0123456789eE+-. \u0661\uff11_", max_size=12))
def test_a_number_is_what_its_digits_say(text: str) -> None:
    try:
        found = of(text).number("x")
    except SourceError:
        return
    assert found is None if not text else format(found or Decimal(0), "f").lstrip("-") in text


@given(st.decimals(-(10**12), 10**12, places=4))
def test_a_json_number_arrives_exactly(number: Decimal) -> None:
    assert of(strict_json(json.dumps({"x": str(number)}))["x"]).number("x") == number
    assert of(strict_json(f'{{"x": {number:f}}}')["x"]).number("x") == number


@given(st.integers(0, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_an_instant_arrives_exactly(instant: datetime) -> None:
    assert of(instant.isoformat()).instant("x") == instant
