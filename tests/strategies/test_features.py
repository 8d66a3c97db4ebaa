from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import inf

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.tseries.holiday import USFederalHolidayCalendar

from bot.model import Role
from bot.sessions import Sessions
from strategies.features import (
    ROLE_WEIGHTS,
    days_late,
    days_to_file,
    fraction_of_holdings,
    role_weight,
    sessions_since_known,
    value_usd,
)
from tests.builders import FEW, KNOWN_AT, NOW, events, trade

MISSING = None


def told(column: pd.Series) -> list[float | None]:
    return [None if pd.isna(number) else number for number in column]


def fraction(base="before", **changes) -> float | None:
    """The feature of one event, given its columns as numbers."""
    table = events(trade(code=changes.pop("code", "S"))).assign(**changes)
    return told(fraction_of_holdings(base)(table, None))[0]


@pytest.mark.parametrize(
    ("code", "shares", "held_before", "exercised", "expected"),
    [
        ("S", 100, 1000, 0, 0.1),
        ("P", 100, 1000, 0, 0.1),
        ("P", 3000, 1000, 0, 3.0),
        ("S", 1000, 1000, 0, 1.0),  # a full liquidation
        ("P", 100, 0, 0, inf),  # a new position
        ("S", 100, 0, 100, 0.0),  # an exercise-and-sell by somebody who held nothing
        ("S", 100, 1000, 100, 0.0),  # an exercise-and-sell
        ("S", 150, 1000, 100, 0.05),  # the part that was not exercised
        ("S", 100, 1000, 150, 0.0),  # never less than nothing
        ("P", 100, 1000, 100, 0.1),  # what came in with a purchase is not taken off it
        ("S", 100, np.nan, 0, MISSING),
        ("P", 100, np.nan, 0, MISSING),
        ("S", 100, -5, 0, MISSING),
        ("P", np.nan, 0, 0, MISSING),
        ("S", np.nan, 1000, 0, MISSING),
    ],
)
def test_a_trade_is_measured_by_what_was_held_before(code, shares, held_before, exercised, expected):
    assert fraction(code=code, shares=shares, held_before=held_before, exercised=exercised) == expected


@pytest.mark.parametrize(
    ("shares", "shares_after", "expected"),
    [(100, 1000, 0.1), (100, 0, MISSING), (100, np.nan, MISSING), (100, -5, MISSING), (np.nan, 10, MISSING)],
)
def test_base_after_measures_by_what_is_held_after_and_knows_no_liquidation(shares, shares_after, expected):
    """As the tutorial had it: it skipped every row with a total of 0."""
    assert fraction("after", shares=shares, shares_after=shares_after, held_before=1000.0) == expected


@given(st.integers(1, 10**7), st.integers(1, 99))
def test_a_whole_per_cent_is_exactly_that(shares, per_cent):
    assert per_cent * shares / (100 * shares) == float(Decimal(per_cent) / 100)


def days(traded_on: date | None, filed_on: date | None) -> float | None:
    return told(days_to_file(events(trade(traded_on=traded_on, filed_on=filed_on)), None))[0]


@pytest.mark.parametrize(
    ("traded_on", "filed_on", "expected"),
    [
        (date(2026, 3, 2), date(2026, 3, 2), 0),
        (date(2026, 3, 2), date(2026, 3, 3), 1),
        (date(2026, 2, 27), date(2026, 3, 2), 1),  # over a weekend
        (date(2026, 2, 28), date(2026, 3, 2), 0),  # traded on a Saturday
        (date(2022, 1, 14), date(2022, 1, 18), 1),  # over Martin Luther King's day
        (date(2021, 12, 30), date(2022, 1, 3), 1),  # New Year's day 2022 was observed on the Friday before
        (date(2026, 11, 25), date(2026, 11, 30), 2),  # over Thanksgiving
        (date(2021, 7, 21), date(2022, 1, 14), 121),
        (date(2026, 3, 3), date(2026, 3, 2), -1),
        (None, date(2026, 3, 2), MISSING),
        (date(2026, 3, 2), None, MISSING),
    ],
)
def test_business_days_to_the_filing_leave_out_weekends_and_federal_holidays(traded_on, filed_on, expected):
    assert days(traded_on, filed_on) == expected


def test_a_row_with_its_days_reversed_takes_no_holiday_from_the_others():
    reversed_, sound = {"traded_on": date(2026, 2, 20), "filed_on": date(2026, 1, 5)}, {"owner": "Lindqvist Marit"}
    table = events(trade(**reversed_), trade(**sound))
    assert told(days_to_file(table, None)) == [-32, 1]  # 34 weekdays, two of them holidays


DAYS = st.dates(date(2021, 1, 1), date(2026, 12, 31))


@FEW
@given(DAYS, st.integers(0, 400))
def test_business_days_are_counted_as_one_would_by_hand(traded_on, later):
    filed_on = traded_on + timedelta(days=later)
    free = {day.date() for day in USFederalHolidayCalendar().holidays(traded_on, filed_on)}
    passed = [traded_on + timedelta(days=n) for n in range(later)]
    assert days(traded_on, filed_on) == len([day for day in passed if day.weekday() < 5 and day not in free])


@FEW
@given(st.lists(st.tuples(st.none() | DAYS, st.none() | DAYS), max_size=4))
def test_the_days_of_a_row_do_not_depend_on_the_others(rows):
    trades = [
        trade(traded_on=traded, filed_on=filed, owner=f"Person {number}", key=str(number))
        for number, (traded, filed) in enumerate(rows)
    ]
    assert told(days_to_file(events(*trades), None)) == [days(traded, filed) for traded, filed in rows]


@pytest.mark.parametrize(
    ("filed_on", "deadline", "expected"),
    [
        (date(2026, 3, 2), 2, 0),
        (date(2026, 3, 4), 2, 0),
        (date(2026, 3, 5), 2, 1),
        (date(2026, 3, 5), 3, 0),
        (date(2026, 2, 27), 2, 0),  # filed before it was made: odd, but not late
        (None, 2, MISSING),
    ],
)
def test_a_filing_is_late_by_the_days_beyond_the_deadline(filed_on, deadline, expected):
    table = events(trade(traded_on=date(2026, 3, 2), filed_on=filed_on))
    assert told(days_late(deadline)(table, None)) == [expected]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"value": Decimal(7)}, 7.0),
        ({"value": None}, 40_000.0),
        ({"value": None, "price": None}, MISSING),
        ({"currency": "EUR"}, MISSING),
        ({"currency": None}, MISSING),
    ],
)
def test_a_value_is_as_filed_else_shares_times_price_and_in_dollars_alone(facts, expected):
    assert told(value_usd(events(trade(**facts)), None)) == [expected]


def test_every_role_has_a_weight_but_the_unknown_one():
    assert set(ROLE_WEIGHTS) == set(Role) - {Role.UNKNOWN}
    rows = [trade(role=role, owner=f"Person {role}") for role in (Role.CFO, Role.UNKNOWN, Role.TEN_PERCENT)]
    table = events(*rows).set_axis([5, 6, 7])
    assert told(role_weight(table, None)) == [1.0, MISSING, 0.1]
    assert role_weight(table, None).index.tolist() == [5, 6, 7]


def test_features_of_the_row_have_nothing_to_say_of_an_empty_table():
    for feature in (value_usd, role_weight, days_late()):
        assert len(feature(events(), None)) == 0


def test_equal_deadlines_make_the_same_feature():
    assert days_late(3) is days_late(3)


since = sessions_since_known(Sessions("XNYS"))


def test_sessions_are_counted_up_to_the_instant_of_decision():
    assert told(since(events(trade()), NOW)) == [1]
    assert told(since(events(trade()), NOW + timedelta(days=7))) == [6]


def test_as_it_became_known_nothing_has_passed_yet():
    table = events(trade(), trade(symbol="ACWI", known_at=None, shares=Decimal(1)))
    assert told(since(table, None)) == [0, MISSING]


@pytest.mark.parametrize("known_at", [None, KNOWN_AT + timedelta(days=30), NOW + timedelta(microseconds=1)])
def test_what_was_not_known_by_then_has_no_count(known_at):
    assert told(since(events(trade(known_at=known_at)), NOW)) == [MISSING]


def test_what_becomes_known_at_the_very_instant_is_known():
    assert told(since(events(trade(known_at=NOW)), NOW)) == [0]


def test_a_day_of_mourning_is_no_session():
    table = events(trade(known_at=datetime(2025, 1, 8, 22, 0, tzinfo=UTC)))
    assert told(since(table, datetime(2025, 1, 10, 14, 0, tzinfo=UTC))) == [0]
