import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bot.history import lean
from bot.model import Role
from strategies import kernels
from strategies.activity import cluster_size, conviction, senior_buyer
from strategies.features import role_weight, value_usd
from strategies.habits import is_first_buy, is_largest, is_routine
from strategies.kernels import compiled, counting_sort, spread
from strategies.scores import scores
from tests.builders import FEW
from tests.strategies.happenings import HAPPENINGS, START, TABLES, Happening, table

PAST = [
    cluster_size(5),
    cluster_size(5, officers=True),
    senior_buyer(5),
    conviction(5),
    is_first_buy(5 / 365.25),
    is_largest,
    is_routine,
    value_usd,
]


def some(rows: int):
    """A table that has everything in it: ties, versions, missing values, quarantine, years of history."""
    chance = np.random.default_rng(7)
    roles = [Role.CEO, Role.DIRECTOR, Role.VP]
    happenings = []
    for _ in range(rows):
        known = float(chance.integers(0, 4000)) / 2
        gone = known + float(chance.integers(0, 30)) if chance.random() < 0.1 else None
        happenings.append(
            Happening(
                known=known if chance.random() < 0.98 else None,
                issuer=int(chance.integers(0, 5)),
                owner=int(chance.integers(0, 8)),
                code=str(chance.choice(["P", "S", "M"])),
                value=None if chance.random() < 0.02 else round(float(chance.lognormal(10, 3)), 2),
                role=roles[chance.integers(0, 3)],
                officer=bool(chance.random() < 0.5),
                gone=gone,
                quarantined=bool(chance.random() < 0.05),
                traded_on=(START + np.timedelta64(int(known), "D").item()).date(),
            )
        )
    return table(*happenings)


def test_compiled_or_plain_a_kernel_finds_the_same(monkeypatch):
    pytest.importorskip("numba")
    events, dates = some(400), [START + np.timedelta64(day, "D").item() for day in range(0, 2000, 7)]
    plain = [feature(events, None) for feature in PAST], scores(events, dates, 60)
    monkeypatch.setattr(kernels, "LONG", 0)
    fast = [feature(events, None) for feature in PAST], scores(events, dates, 60)
    for one, other in zip(plain[0], fast[0], strict=True):
        assert one.equals(other)
        assert one.notna().any()
    assert all(plain[1].ranked(day).equals(fast[1].ranked(day)) for day in dates)
    assert len(plain[1].score) > 0


def added(numbers):
    assert isinstance(numbers, list)
    return sum(numbers)


def test_a_short_table_compiles_nothing(monkeypatch):
    monkeypatch.setattr(kernels, "jitted", None)
    assert compiled(added, kernels.LONG - 1)(np.arange(4)) == 6


def test_without_numba_a_long_table_takes_the_plain_loops(monkeypatch):
    monkeypatch.setattr(kernels, "find_spec", lambda name: None)
    assert compiled(added, 10**9)(np.arange(4)) == 6


@FEW
@given(TABLES, st.lists(HAPPENINGS, max_size=6), st.integers(0, 12), st.randoms())
def test_nothing_that_becomes_known_later_changes_a_feature_whatever_the_order_of_the_rows(past, others, day, chance):
    """Rows that become known later are added, taken away, mixed in; so is when the known ones will be superseded."""
    before = [h for h in past if h.known is not None and h.known <= day]
    after = [h for h in others if h.known is not None and h.known > day]
    later = [h._replace(gone=None) if h.gone is not None and h.gone > day else h for h in before]
    mixed = [*enumerate(later), *((None, h) for h in after)]
    chance.shuffle(mixed)
    places = {number: place for place, (number, _) in enumerate(mixed) if number is not None}
    one, other = table(*before), table(*(h for _, h in mixed))
    for feature in PAST:
        expected = feature(one, None)
        found = feature(other, None).iloc[[places[number] for number in range(len(before))]]
        assert found.tolist() == pytest.approx(expected.tolist(), rel=0, abs=0, nan_ok=True)


@FEW
@given(TABLES)
def test_a_feature_keeps_the_index_and_changes_nothing(happenings):
    events = table(*happenings)
    events.index = events.index[::-1] + 100
    copy = events.copy(deep=True)
    for feature in PAST:
        found = feature(events, None)
        assert found.index.equals(events.index)
        assert found.dtype == "float64"
    assert events.equals(copy)


@FEW
@given(TABLES)
def test_text_that_is_kept_once_as_in_a_long_history_changes_nothing(happenings):
    events = table(*happenings)
    for feature in (*PAST, role_weight):
        assert feature(lean(events), None).equals(feature(events, None))
    for variant in ("known", "seed"):
        found = [scores(each, [START], variant=variant).ranked(START) for each in (events, lean(events))]
        assert found[0].equals(found[1])


CODES = arrays.arrays(np.int32, st.integers(0, 30), elements=st.integers(0, 5))


@given(CODES, st.randoms())
def test_a_counting_sort_is_stable(codes, chance):
    order = np.array(chance.sample(range(len(codes)), len(codes)), dtype=np.int64)
    expected = order[np.argsort(codes[order], kind="stable")]
    assert counting_sort(order, codes, 6).tolist() == expected.tolist()


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)).map(sorted), max_size=6))
def test_every_date_has_the_spells_that_stand_at_it(spells):
    first, until = (np.array([spell[end] for spell in spells], dtype=np.int64) for end in (0, 1))
    standing = [[n for n, (begun, over) in enumerate(spells) if begun <= day < over] for day in range(6)]
    starts = np.cumsum([0, *map(len, standing)])
    assert spread(first, until, starts).tolist() == [n for day in standing for n in day]
