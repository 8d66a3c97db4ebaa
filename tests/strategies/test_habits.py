from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.habits import is_first_buy, is_largest, is_routine, largest_before
from tests.builders import FEW
from tests.strategies.happenings import START, TABLES, Happening, seen, table, told

WEEK = 7 / 365.25  # of a year


def told_of(feature, *happenings) -> list[float | None]:
    return told(feature(table(*happenings), None))


def earlier(happenings, now):
    """What is seen of the same person at the same issuer that became known before."""
    return [
        one
        for one in seen(happenings, now)
        if one is not now and (one.issuer, one.owner) == (now.issuer, now.owner) and one.known < now.known
    ]


def naive_first(happenings, now, days):
    if now.known is None:
        return None
    if now.side != "buy" or any(
        one.side == "buy" and now.known - one.known <= days for one in earlier(happenings, now)
    ):
        return 0.0
    beginning = min(one.known for one in happenings if one.known is not None)
    return None if beginning > now.known - days else 1.0


def usd(one):
    return one.value if one.currency == "USD" else None


def naive_largest(happenings, now):
    if now.known is None or now.side is None or usd(now) is None:
        return None
    values = [usd(one) for one in earlier(happenings, now) if one.side == now.side]
    if any(value is not None and value >= usd(now) for value in values):
        return 0.0
    return None if None in values or not values else 1.0


@FEW
@given(TABLES)
def test_a_first_buy_has_no_earlier_one_that_is_seen(happenings):
    expected = [naive_first(happenings, now, 7) for now in happenings]
    assert told_of(is_first_buy(WEEK), *happenings) == expected


@FEW
@given(TABLES)
def test_the_largest_trade_is_above_every_earlier_one_that_is_seen(happenings):
    assert told_of(is_largest, *happenings) == [naive_largest(happenings, now) for now in happenings]


@FEW
@given(TABLES)
def test_what_was_largest_before_is_the_most_of_those_that_are_seen(happenings):
    expected = [
        max(
            (usd(one) for one in earlier(happenings, now) if one.side == now.side and usd(one) is not None),
            default=None,
        )
        if now.known is not None and now.side is not None
        else None
        for now in happenings
    ]
    assert told_of(largest_before, *happenings) == expected


ANCIENT = Happening(known=-4000, issuer=9, owner=9)  # the history begins long ago


def test_a_first_buy_is_followed_by_others_until_three_years_have_passed():
    buys = [Happening(known=0), Happening(known=10), Happening(known=1000), Happening(known=1000 + 1095.76)]
    assert told_of(is_first_buy(), ANCIENT, *buys)[1:] == [1, 0, 0, 1]


def test_a_first_buy_is_unknown_where_the_history_does_not_reach_back_far_enough():
    assert told_of(is_first_buy(), Happening(known=0), Happening(known=1, owner=1), Happening(known=2)) == [
        None,
        None,
        0,
    ]


def test_a_table_may_say_since_when_it_tells_of_everything():
    events = table(Happening(known=0))
    events.attrs["history_from"] = START - timedelta(days=1096)
    assert told(is_first_buy()(events, None)) == [1]
    events.attrs["history_from"] = START - timedelta(days=1095)
    assert told(is_first_buy()(events, None)) == [None]


def test_who_bought_there_or_sold_here_or_was_quarantined_buys_for_the_first_time():
    others = [Happening(issuer=1), Happening(code="S"), Happening(owner=1), Happening(quarantined=True)]
    assert told_of(is_first_buy(), ANCIENT, *others, Happening(known=1))[-1] == 1


def test_two_purchases_that_become_known_together_are_both_the_first():
    assert told_of(is_first_buy(), ANCIENT, Happening(value=1.0), Happening(value=2.0))[1:] == [1, 1]


def test_an_amended_purchase_is_a_first_one_still():
    rows = [Happening(known=0, gone=2), Happening(known=2), Happening(known=3)]
    assert told_of(is_first_buy(), ANCIENT, *rows)[1:] == [1, 1, 0]


def test_a_sale_is_no_first_purchase():
    assert told_of(is_first_buy(), ANCIENT, Happening(code="S"))[-1] == 0


def test_the_largest_is_above_all_not_only_the_last():
    values = [Happening(known=day, value=value) for day, value in enumerate([5.0, 3.0, 4.0, 5.0, 6.0])]
    assert told_of(is_largest, *values) == [None, 0, 0, 0, 1]


def test_a_value_that_was_amended_away_is_not_the_largest_any_more():
    rows = [Happening(known=0, value=5e6, gone=1), Happening(known=1, value=5.0), Happening(known=2, value=6.0)]
    assert told_of(is_largest, *rows) == [None, None, 1]


def test_an_unknown_value_may_have_been_larger():
    rows = [Happening(known=0, value=None), Happening(known=1, value=5.0), Happening(known=2, value=4.0)]
    assert told_of(is_largest, *rows) == [None, None, 0]


def on(year: int, month: int, day: int = 15, **changes) -> Happening:
    """A trade of that day, known the day after at noon."""
    at = datetime(year, month, day, 12, tzinfo=UTC) - START + timedelta(days=1)
    return Happening(**{"known": at / timedelta(days=1), "traded_on": date(year, month, day)} | changes)


MAYS = [on(2021, 5), on(2022, 5), on(2023, 5)]
MIXED = [on(2021, 5), on(2022, 6), on(2023, 5)]


def routine(*trades) -> float | None:
    return told_of(is_routine, *trades)[-1]


def test_who_trades_every_may_is_a_routine_trader_from_the_next_january_on():
    assert told_of(is_routine, *MAYS, on(2023, 12), on(2024, 1), on(2024, 11)) == [None, None, None, None, 1, 1]


def test_who_trades_in_other_months_is_an_opportunistic_trader():
    assert routine(*MIXED, on(2024, 2)) == 0


def test_a_year_without_a_trade_makes_it_unclassified():
    assert routine(on(2021, 5), on(2023, 5), on(2024, 2)) is None
    assert routine(*MAYS, on(2025, 2)) is None


def test_purchases_and_sales_make_a_habit_together_but_awards_make_none():
    assert routine(on(2021, 5), on(2022, 5, code="S"), on(2023, 5), on(2024, 2)) == 1
    assert routine(on(2021, 5), on(2022, 5, code="A"), on(2023, 5), on(2024, 2)) is None


@pytest.mark.parametrize("other", [{"issuer": 1}, {"owner": 1}, {"quarantined": True}, {"traded_on": None}])
def test_a_trade_elsewhere_or_not_to_be_trusted_makes_no_habit(other):
    assert routine(on(2021, 5), on(2022, 5, **other), on(2023, 5), on(2024, 2)) is None


def test_what_was_filed_after_new_year_is_unknown_to_that_years_january_but_not_to_the_next():
    late = on(2023, 5, known=(datetime(2024, 1, 5, tzinfo=UTC) - START) / timedelta(days=1))
    months = [on(2021, 5), on(2022, 5), late, on(2024, 5)]
    assert told_of(is_routine, *months, on(2024, 11), on(2025, 2))[-2:] == [None, 1]


@pytest.mark.parametrize(("hour", "expected"), [(4, 1), (5, None)])
def test_the_year_begins_at_midnight_in_new_york(hour, expected):
    last = on(2023, 5, known=(datetime(2024, 1, 1, hour, 30, tzinfo=UTC) - START) / timedelta(days=1))
    assert routine(on(2021, 5), on(2022, 5), last, on(2024, 2)) == expected


@pytest.mark.parametrize(("told_first", "told_then", "expected"), [(6, 5, [0, 1]), (5, 6, [1, 0])])
def test_an_amendment_changes_the_months_from_the_january_after_it(told_first, told_then, expected):
    in_2024 = (datetime(2024, 3, 1, tzinfo=UTC) - START) / timedelta(days=1)
    first = on(2023, told_first, gone=in_2024)
    amended = on(2023, told_then, known=in_2024)
    trades = [on(2021, 5), on(2022, 5), first, amended, on(2024, 5)]
    assert told_of(is_routine, *trades, on(2024, 11), on(2025, 2))[-2:] == expected


def naive_routine(happenings, now):
    new_year = datetime(now.known_at.year, 1, 1, 5, tzinfo=UTC)
    trades = [
        one.traded_on
        for one in happenings
        if (one.issuer, one.owner) == (now.issuer, now.owner)
        and one.side
        and not one.quarantined
        and one.known_at < new_year
        and (one.superseded_at is None or one.superseded_at > new_year)
    ]
    months = [{day.month for day in trades if day.year == now.known_at.year - back} for back in (1, 2, 3)]
    if not all(months) or not now.side:
        return None
    return float(bool(months[0] & months[1] & months[2]))


TRADES = st.builds(
    lambda year, month, late, gone, **rest: on(year, month)._replace(
        known=(datetime(year, month, 16, 12, tzinfo=UTC) - START).days + late,
        gone=None if gone is None else (datetime(year, month, 16, 13, tzinfo=UTC) - START).days + late + gone,
        **rest,
    ),
    year=st.integers(2020, 2025),
    month=st.sampled_from([5, 12]),
    late=st.sampled_from([0, 0, 40, 400]),
    gone=st.sampled_from([None, None, 1, 300]),
    owner=st.integers(0, 1),
    code=st.sampled_from(["P", "S", "S", "M"]),
    quarantined=st.sampled_from([False, False, False, True]),
)


@FEW
@given(st.lists(TRADES, min_size=15, max_size=30))
def test_a_habit_is_what_could_be_seen_on_new_years_day(happenings):
    assert told_of(is_routine, *happenings) == [naive_routine(happenings, now) for now in happenings]


def test_equal_parameters_make_the_same_feature():
    assert is_first_buy(2) is is_first_buy(2)


def test_what_is_known_at_no_instant_has_no_habits_and_an_empty_table_none_at_all():
    for feature in (is_first_buy(), is_largest, is_routine, largest_before):
        assert told_of(feature, Happening(known=None)) == [None]
        assert told_of(feature) == []
