from math import fsum, log1p, nan

import pytest
from hypothesis import given

from bot.model import Role
from strategies.activity import SENIOR, cluster_size, conviction, senior_buyer
from tests.builders import FEW
from tests.strategies.happenings import TABLES, Happening, seen, table, told


def told_of(feature, *happenings) -> list[float | None]:
    return told(feature(table(*happenings), None))


def window(happenings, now, days, side):
    return [
        one
        for one in seen(happenings, now)
        if one.issuer == now.issuer and one.side == side and now.known - one.known <= days
    ]


def naive_cluster(happenings, now, days, officers):
    if now.known is None or now.side is None:
        return None
    return len({one.owner for one in window(happenings, now, days, now.side) if not officers or one.officer})


def naive_senior(happenings, now, days):
    if now.known is None:
        return None
    return float(any(one.role in SENIOR for one in window(happenings, now, days, "buy")))


def naive_conviction(happenings, now, days):
    bought = window(happenings, now, days, "buy") if now.known is not None else []
    if not bought or any(one.value is None or one.currency != "USD" for one in bought):
        return nan
    senior = any(one.role in SENIOR for one in bought)
    people = len({one.owner for one in bought})
    value = fsum(one.value for one in bought)
    return log1p(value) + 0.75 * people + senior - 0.05 * (now.known - max(one.known for one in bought))


@FEW
@pytest.mark.parametrize("officers", [False, True])
@given(happenings=TABLES)
def test_a_cluster_is_who_is_seen_to_trade_on_one_side_in_the_window(officers, happenings):
    expected = [naive_cluster(happenings, now, 5, officers) for now in happenings]
    assert told_of(cluster_size(5, officers=officers), *happenings) == expected


@FEW
@given(TABLES)
def test_a_senior_buyer_is_one_who_is_seen_to_buy_in_the_window(happenings):
    assert told_of(senior_buyer(5), *happenings) == [naive_senior(happenings, now, 5) for now in happenings]


@FEW
@given(TABLES)
def test_conviction_is_the_formula_over_what_is_seen_in_the_window(happenings):
    expected = [naive_conviction(happenings, now, 5) for now in happenings]
    assert list(conviction(5)(table(*happenings), None)) == pytest.approx(expected, rel=1e-14, abs=1e-14, nan_ok=True)


def test_three_people_make_a_cluster_one_after_the_other():
    people = [Happening(known=day, owner=day) for day in range(3)]
    assert told_of(cluster_size(30), *people) == [1, 2, 3]


def test_who_trades_twice_is_one_person_until_the_last_trade_is_too_old():
    days = [Happening(known=0, owner=0), Happening(known=20, owner=0), Happening(known=40, owner=1)]
    assert told_of(cluster_size(30), *days, Happening(known=51, owner=1)) == [1, 1, 2, 1]


def test_the_window_ends_with_the_thirtieth_day():
    assert told_of(cluster_size(30), Happening(known=0), Happening(known=30, owner=1)) == [1, 2]
    assert told_of(cluster_size(30), Happening(known=0), Happening(known=30.001, owner=1)) == [1, 1]


def test_what_becomes_known_at_one_instant_sees_each_other():
    assert told_of(cluster_size(30), Happening(owner=0), Happening(owner=1)) == [2, 2]


def test_buyers_and_sellers_and_other_companies_make_no_cluster_together():
    others = [Happening(owner=1, code="S"), Happening(owner=2, issuer=1), Happening(owner=3, code="M")]
    assert told_of(cluster_size(30), Happening(), *others) == [1, 1, 1, None]


def test_the_row_of_a_director_tells_how_many_officers_bought():
    rows = [Happening(officer=False), Happening(known=1, owner=1, officer=True), Happening(known=2, owner=2)]
    assert told_of(cluster_size(30, officers=True), *rows) == [0, 1, 1]


def test_an_amendment_takes_the_place_of_what_it_amends():
    first = Happening(known=0, value=100.0, gone=2)
    amended = Happening(known=2, value=900.0)
    later = Happening(known=3, owner=1, value=1.0)
    assert told_of(cluster_size(30), first, amended, later) == [1, 1, 2]
    assert told_of(conviction(30), first, amended, later)[2] == pytest.approx(log1p(901) + 1.5, rel=1e-15)


def test_a_quarantined_row_counts_for_itself_alone():
    rows = [Happening(quarantined=True, role=Role.CEO), Happening(known=1, owner=1)]
    assert told_of(cluster_size(30), *rows) == [1, 1]
    assert told_of(senior_buyer(30), *rows) == [1, 0]
    assert told_of(conviction(30), *rows) == pytest.approx([log1p(1000) + 1.75, log1p(1000) + 0.75], rel=1e-15)


def test_a_sale_has_the_score_of_the_purchases_before_it():
    rows = [Happening(known=0), Happening(known=4, code="S", owner=1), Happening(known=31, code="S", owner=1)]
    assert told_of(conviction(30), *rows)[1:] == [pytest.approx(log1p(1000) + 0.75 - 0.2), None]


def test_a_billion_that_has_left_the_window_leaves_no_trace():
    rows = [Happening(known=0, value=1e12), Happening(known=20, value=0.1), Happening(known=40, value=0.2)]
    assert told_of(conviction(30), *rows)[2] == log1p(0.1 + 0.2) + 0.75


def test_a_billion_that_was_amended_away_leaves_no_trace():
    rows = [Happening(known=0, value=0.1), Happening(known=1, value=1e12, gone=2), Happening(known=3, value=0.2)]
    assert told_of(conviction(30), *rows)[2] == log1p(0.1 + 0.2) + 0.75


@pytest.mark.parametrize("unknown", [{"value": None}, {"currency": "EUR"}, {"currency": None}])
def test_an_unknown_value_in_the_window_makes_no_score(unknown):
    rows = [Happening(known=0, **unknown), Happening(known=1, owner=1), Happening(known=31, owner=1)]
    assert [score is None for score in told_of(conviction(30), *rows)] == [True, True, False]


def test_what_is_known_at_no_instant_has_no_history_and_is_in_nobodys():
    rows = [Happening(known=None), Happening(known=1, owner=1)]
    assert told_of(cluster_size(30), *rows) == [None, 1]
    assert told_of(senior_buyer(30), *rows) == [None, 0]
    assert told_of(conviction(30), *rows)[0] is None


def test_equal_parameters_make_the_same_feature():
    assert cluster_size(7, officers=True) is cluster_size(7, officers=True)
    assert senior_buyer(7) is senior_buyer(7)
    assert conviction(7) is conviction(7)
    assert conviction(7) is not conviction(8)


def test_an_empty_table_has_no_features():
    for feature in (cluster_size(), senior_buyer(), conviction()):
        assert told_of(feature) == []
