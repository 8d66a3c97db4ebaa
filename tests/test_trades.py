from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import InsiderTrade, Role, Side
from bot.trades import COLUMNS, TradesError, to_records, to_table, validate

from .builders import FEW, trade

NUMBERS = st.decimals(min_value=0, max_value=10**9, places=4).map(lambda number: Decimal(repr(float(number))))
OPTIONAL = {
    "symbol": st.none() | st.text(min_size=1),
    "owner": st.none() | st.text(min_size=1),
    "is_officer": st.none() | st.booleans(),
    "plan_10b5_1": st.none() | st.booleans(),
    "side": st.none() | st.sampled_from(Side),
    "traded_on": st.none() | st.dates(),
    "known_at": st.none() | st.datetimes(timezones=st.just(UTC)),
    "shares": st.none() | NUMBERS,
    "price": st.none() | NUMBERS,
    "shares_after": st.none() | NUMBERS,
}
RECORDS = st.fixed_dictionaries(
    {"key": st.text(min_size=1), "source": st.text(min_size=1), "role": st.sampled_from(Role), **OPTIONAL}
).map(lambda cells: InsiderTrade(**cells))


@FEW
@given(st.lists(RECORDS, max_size=5))
def test_records_come_back_from_the_table_as_they_went_in(records):
    assert to_records(to_table(records)) == records


@FEW
@given(st.lists(RECORDS, max_size=3))
def test_every_table_has_the_schema_s_columns_and_types(records):
    assert {name: str(dtype) for name, dtype in to_table(records).dtypes.items()} == COLUMNS


def test_what_is_missing_stays_missing():
    bare = InsiderTrade(key="k", source="invented")
    assert to_table([bare]).drop(columns=["key", "source", "role"]).isna().all(axis=None)
    assert to_records(to_table([bare])) == [bare]


def test_a_zero_is_a_number_and_not_missing():
    row = trade(shares_after=Decimal(0), price=Decimal(0))
    assert to_records(to_table([row]))[0].shares_after == 0
    assert not to_table([row])[["price", "shares_after"]].isna().any(axis=None)


def test_a_decimal_comes_back_in_its_shortest_notation():
    back = to_records(to_table([trade(price=Decimal("78.41"))]))[0]
    assert str(back.price) == "78.41"


def test_further_columns_are_left_out():
    assert to_records(to_table([trade()]).assign(decision="buy")) == [trade()]


def test_instants_are_in_utc_and_days_are_days():
    back = to_records(to_table([trade()]))[0]
    assert back.known_at is not None
    assert back.known_at.tzinfo is UTC
    assert type(back.filed_on) is date


def test_the_columns_are_the_record_s_fields():
    assert list(InsiderTrade._fields) == list(COLUMNS)


def test_a_table_in_order_is_returned_as_it_is():
    table = to_table([trade(), trade(code="S"), trade(code="M"), InsiderTrade(key="k", source="invented")])
    assert validate(table) is table
    assert validate(to_table([])).empty


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_without_a_column_is_refused_by_its_name(name):
    with pytest.raises(TradesError, match=f"lacks the column '{name}'"):
        validate(to_table([trade()]).drop(columns=name))


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_another_type_is_refused_by_its_name(name):
    table = to_table([trade()])
    table[name] = pd.Series([object()], dtype="object")
    with pytest.raises(TradesError, match=f"column '{name}' is of type object"):
        validate(table)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"key": None}, "row 2, column 'key' is missing"),
        ({"source": None}, "row 2, column 'source' is missing"),
        ({"role": "boss"}, "row 2, column 'role' is none of .*found 'boss'"),
        ({"side": "short"}, "row 2, column 'side' is none of .*found 'short'"),
        ({"acquired": "X"}, "row 2, column 'acquired' is none of .*found 'X'"),
        ({"ownership": "X"}, "row 2, column 'ownership' is none of .*found 'X'"),
        ({"shares": Decimal(-1)}, r"row 2, column 'shares' is negative \(found .*-1.0"),
        ({"price": Decimal(-1)}, "row 2, column 'price' is negative"),
        ({"value": Decimal(-1)}, "row 2, column 'value' is negative"),
        ({"price": Decimal("inf")}, "row 2, column 'price' is not finite"),
        ({"shares_after": Decimal("-inf")}, "row 2, column 'shares_after' is not finite"),
        ({"code": "M"}, "row 2, column 'side' is set although code is not P or S"),
        ({"code": None}, "row 2, column 'side' is set although code is not P or S"),
    ],
)
def test_a_bad_cell_is_refused_by_row_and_column(changes, sentence):
    with pytest.raises(TradesError, match=sentence):
        validate(to_table([trade(), trade()._replace(**changes), trade()]))


def test_a_negative_balance_may_stand_in_the_table():
    assert len(validate(to_table([trade(shares_after=Decimal(-5))]))) == 1


def test_an_instant_keeps_its_microseconds_however_late():
    late = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert to_records(to_table([trade(known_at=late)]))[0].known_at == late
