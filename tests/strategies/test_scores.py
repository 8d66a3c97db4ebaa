from datetime import UTC, date, datetime, timedelta
from math import log1p

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Role
from strategies.activity import conviction
from strategies.scores import scores
from tests.builders import FEW
from tests.strategies.happenings import HAPPENINGS, START, TABLES, Happening, table

DATES = st.lists(st.dates(date(2025, 10, 1), date(2025, 12, 5)), max_size=6, unique=True)
SENIOR = ("ceo", "chief", "cfo", "director", "chair")


def reference(events: pd.DataFrame, as_of: date, days: int) -> pd.DataFrame:
    """The published workflow's score of one date, over the whole table."""
    end = pd.Timestamp(as_of)
    window = (events["traded_on"] >= end - pd.Timedelta(days=days)) & (events["traded_on"] <= end)
    bought = events[(events["code"] == "P") & window]
    text = bought["title"].fillna("").str.lower() + " " + bought["role"].str.lower()
    senior = text.map(lambda words: any(word in words for word in SENIOR)).astype(bool)
    bought = bought.assign(value=bought["value"].fillna(0.0), senior=senior)
    found = bought.groupby("issuer_id").agg(
        value=("value", "sum"), buyers=("owner_id", "nunique"), senior=("senior", "any"), last=("traded_on", "max")
    )
    since = (end - found["last"]).dt.days
    score = np.log1p(found["value"]) + 0.75 * found["buyers"] + 1.0 * found["senior"] + (-0.05) * since
    result = found.assign(score=score, days_since=since).reset_index()
    return result.sort_values(["score", "issuer_id"], ascending=[False, True])


COLUMNS = ["issuer_id", "score", "value", "buyers", "senior", "days_since"]


def rows_of(frame: pd.DataFrame) -> list[tuple]:
    return list(frame[COLUMNS].itertuples(index=False, name=None))


@FEW
@given(TABLES, DATES, st.integers(0, 30))
def test_the_seed_score_is_exactly_the_published_one_on_every_date(happenings, dates, days):
    # Whole dollars, which add up to the same sum in any order.
    events = table(*(h._replace(value=h.value and round(h.value)) for h in happenings))
    found = scores(events, dates, days, "seed")
    assert [rows_of(found.ranked(day)) for day in dates] == [rows_of(reference(events, day, days)) for day in dates]


@FEW
@given(TABLES)
def test_the_known_score_at_an_instant_is_the_conviction_of_what_becomes_known_then(happenings):
    events = table(*happenings)
    trusted = events[events["known_at"].notna() & events["quarantine"].isna() & (events["superseded_at"].isna())]
    expected = conviction(5)(events, None)[trusted.index]
    found = scores(events, pd.DatetimeIndex(events["known_at"].dropna()), 5)
    of_each = [
        found.ranked(at).set_index("issuer_id")["score"].get(issuer, np.nan)
        for at, issuer in zip(trusted["known_at"], trusted["issuer_id"], strict=True)
    ]
    assert of_each == pytest.approx(expected.tolist(), rel=1e-14, abs=1e-14, nan_ok=True)


@FEW
@given(TABLES, st.lists(HAPPENINGS, max_size=5), st.integers(0, 12))
def test_nothing_that_becomes_known_later_changes_the_score_of_a_date(happenings, others, day):
    as_of = START + timedelta(days=day)
    before = [h for h in happenings if h.known is not None and h.known <= day]
    after = [h for h in others if h.known is not None and h.known > day]
    mixed, alone = scores(table(*before, *after), [as_of], 5), scores(table(*before), [as_of], 5)
    assert mixed.ranked(as_of).equals(alone.ranked(as_of))


def test_a_day_is_seen_from_its_end_in_new_york():
    late = Happening(known=(datetime(2025, 11, 8, 4, 59, tzinfo=UTC) - START) / timedelta(days=1))
    found = scores(table(late), [date(2025, 11, 6), date(2025, 11, 7)])
    assert found.ranked(date(2025, 11, 6)).empty
    assert found.ranked(date(2025, 11, 7))["days_since"].iloc[0] * 24 * 60 == pytest.approx(1)


def test_the_seed_sees_a_trade_on_its_day_although_nobody_had_heard_of_it():
    events = table(Happening(known=10, traded_on=date(2025, 11, 1)))
    dates = [date(2025, 10, 31), date(2025, 11, 1), date(2025, 12, 1), date(2025, 12, 2)]
    assert np.diff(scores(events, dates, variant="seed").starts).tolist() == [0, 1, 1, 0]
    assert np.diff(scores(events, dates).starts).tolist() == [0, 0, 1, 1]


def test_the_best_come_first_and_what_has_no_score_last():
    events = table(
        Happening(issuer=0, value=None),
        Happening(issuer=1, value=10.0),
        Happening(issuer=2, value=1000.0, role=Role.CEO),
        Happening(issuer=3, value=10.0),
    )
    found = scores(events, [START]).ranked(START)
    assert found["issuer_id"].tolist() == [2, 1, 3, 0]
    assert found["score"].tolist() == pytest.approx(
        [log1p(1000) + 1.75, log1p(10) + 0.75, log1p(10) + 0.75, np.nan], nan_ok=True
    )
    assert found["senior"].tolist() == [True, False, False, False]


def test_what_is_of_a_date_stands_together_and_in_the_order_of_the_issuers():
    events = table(Happening(issuer=1, known=1.0), Happening(issuer=0, known=2.0), Happening(issuer=1, known=3.0))
    found = scores(events, [START + timedelta(days=day) for day in range(5)])
    assert found.starts.tolist() == [0, 0, 1, 3, 5, 7]
    assert found.spells.issuers[found.spell].tolist() == [1, 0, 1, 0, 1, 0, 1]
    assert found.days_since.tolist() == [0, 0, 1, 1, 0, 2, 1]
    values = [1000, 1000, 1000, 1000, 2000, 1000, 2000]
    expected = [log1p(value) + 0.75 - 0.05 * days for value, days in zip(values, found.days_since, strict=True)]
    assert found.score.tolist() == pytest.approx(expected)


def test_dates_come_out_in_order_and_once_however_they_come_in():
    days = [date(2025, 11, 9), date(2025, 11, 5), date(2025, 11, 9)]
    assert scores(table(Happening(known=0)), days).dates.day.tolist() == [5, 9]


def test_a_date_that_was_not_asked_for_has_no_ranking():
    with pytest.raises(KeyError):
        scores(table(Happening()), [date(2025, 11, 5)]).ranked(date(2025, 11, 6))


@pytest.mark.parametrize("variant", ["known", "seed"])
def test_without_events_or_without_dates_there_are_no_scores(variant):
    day = date(2025, 11, 3)
    nothing = scores(table(), [day], variant=variant)
    assert nothing.ranked(day).columns.tolist() == COLUMNS
    assert len(nothing.score) == 0
    assert len(scores(table(Happening()), [], variant=variant).score) == 0
