"""A cluster is completed once, by whoever makes it so many people, and by nothing that became known later."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from strategies import cluster_events
from strategies.cluster_events import completes_cluster
from strategies.kernels import jitted
from tests.builders import FEW
from tests.strategies.happenings import TABLES, Happening, seen, table, told


def told_of(feature, *happenings) -> list[float | None]:
    return told(feature(table(*happenings), None))


def naive(happenings, now, owners, days, officers):
    """The docstring, word by word."""

    def size(one) -> int:
        window = [
            other
            for other in seen(happenings, one)
            if (other.issuer, other.side) == (one.issuer, one.side) and one.known - other.known <= days
        ]
        return len({other.owner for other in window if not officers or other.officer})

    def complete(one) -> bool:
        return size(one) >= owners and bool(not officers or one.officer)

    if now.known is None or now.side is None:
        return None
    earlier = [
        one
        for one in seen(happenings, now)
        if one is not now
        and (one.issuer, one.side) == (now.issuer, now.side)
        and now.known - days <= one.known < now.known
        and not (one.gone is not None and one.gone <= one.known)
    ]
    return float(complete(now) and not any(complete(one) for one in earlier))


@FEW
@pytest.mark.parametrize("officers", [False, True])
@given(happenings=TABLES)
def test_a_cluster_is_completed_where_it_was_not_complete_before(officers, happenings):
    expected = [naive(happenings, now, 2, 5, officers) for now in happenings]
    assert told_of(completes_cluster(2, 5, officers=officers), *happenings) == expected


def test_the_third_person_completes_a_cluster_and_the_fourth_only_joins_it():
    people = [Happening(known=day, owner=day) for day in range(4)]
    assert told_of(completes_cluster(3, 30), *people) == [0, 0, 1, 0]


def test_who_is_in_a_cluster_already_completes_nothing():
    rows = [Happening(known=0, owner=0), Happening(known=1, owner=1), Happening(known=2, owner=0)]
    assert told_of(completes_cluster(2, 30), *rows) == [0, 1, 0]
    assert told_of(completes_cluster(3, 30), *rows) == [0, 0, 0]


def test_a_wave_that_goes_on_is_one_cluster_however_long_it_lasts():
    wave = [Happening(known=10 * place, owner=place) for place in range(12)]
    assert sum(told_of(completes_cluster(3, 30), *wave)) == 1


def test_after_a_window_without_a_cluster_the_next_one_counts_again():
    first = [Happening(known=day, owner=day) for day in range(3)]
    assert told_of(completes_cluster(3, 30), *first, *(one._replace(known=one.known + 33) for one in first)) == [
        *(0, 0, 1),
        *(0, 0, 1),
    ]


def test_people_who_become_known_at_one_instant_complete_it_together():
    assert told_of(completes_cluster(2, 30), Happening(owner=0), Happening(owner=1), Happening(known=1, owner=2)) == [
        *(1, 1, 0)
    ]


def test_a_director_completes_no_cluster_of_officers():
    officers = [Happening(known=1, owner=owner, officer=True) for owner in range(2)]
    rows = [*officers, Happening(known=1, owner=2), Happening(known=2, owner=3)]
    assert told_of(completes_cluster(2, 30, officers=True), *rows) == [1, 1, 0, 0]


def test_a_quarantined_row_does_not_complete_it_for_the_others():
    rows = [Happening(owner=0), Happening(known=1, owner=1, quarantined=True), Happening(known=2, owner=2)]
    assert told_of(completes_cluster(2, 30), *rows) == [0, 1, 1]


def test_off_the_open_market_and_at_no_instant_nothing_is_known():
    rows = [Happening(code="M"), Happening(known=None)]
    assert told_of(completes_cluster(1, 30), *rows) == [None, None]
    assert told_of(completes_cluster()) == []


def test_equal_parameters_make_the_same_feature():
    assert completes_cluster(3, 7) is completes_cluster(3, 7)
    assert completes_cluster(3, 7) is not completes_cluster(2, 7)


def test_compiled_it_is_the_same(monkeypatch):
    rng = np.random.default_rng(5)
    rows = [
        Happening(known=float(rng.integers(0, 400)) / 2, owner=int(rng.integers(0, 6)), issuer=int(rng.integers(0, 3)))
        for _ in range(300)
    ]
    plain = completes_cluster(3, 5)(table(*rows), None)
    monkeypatch.setattr(cluster_events, "compiled", lambda kernel, _: jitted(kernel))
    pd.testing.assert_series_equal(completes_cluster(3, 5)(table(*rows), None), plain)
