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
    result = found.assign(score=score, as_of=end, days_since=since).reset_index()
    return result.sort_values(["score", "issuer_id"], ascending=[False, True])


COLUMNS = ["as_of", "issuer_id", "score", "value", "buyers", "senior", "days_since"]


def rows_of(frame: pd.DataFrame) -> list[tuple]:
    return list(frame[COLUMNS].itertuples(index=False, name=None))


@FEW
@given(TABLES, DATES, st.integers(0, 30))
def test_the_seed_score_is_exactly_the_published_one_on_every_date(happenings, dates, days):
    # Whole dollars, which add up to the same sum in any order.
    events = table(*(h._replace(value=h.value and round(h.value)) for h in happenings))
    expected = [row for day in sorted(dates) for row in rows_of(reference(events, day, days))]
    assert rows_of(scores(events, dates, days, "seed")) == expected


@FEW
@given(TABLES)
def test_the_known_score_at_an_instant_is_the_conviction_of_what_becomes_known_then(happenings):
    events = table(*happenings)
    trusted = events[events["known_at"].notna() & events["quarantine"].isna() & (events["superseded_at"].isna())]
    expected = conviction(5)(events, None)[trusted.index]
    found = scores(events, pd.DatetimeIndex(events["known_at"].dropna()), 5).set_index(["as_of", "issuer_id"])["score"]
    at = pd.MultiIndex.from_frame(trusted[["known_at", "issuer_id"]])
    assert found.reindex(at).tolist() == pytest.approx(expected.tolist(), rel=1e-14, abs=1e-14, nan_ok=True)


@FEW
@given(TABLES, st.lists(HAPPENINGS, max_size=5), st.integers(0, 12))
def test_nothing_that_becomes_known_later_changes_the_score_of_a_date(happenings, others, day):
    as_of = [START + timedelta(days=day)]
    before = [h for h in happenings if h.known is not None and h.known <= day]
    after = [h for h in others if h.known is not None and h.known > day]
    assert scores(table(*before, *after), as_of, 5).equals(scores(table(*before), as_of, 5))


def test_a_day_is_seen_from_its_end_in_new_york():
    late = Happening(known=(datetime(2025, 11, 8, 4, 59, tzinfo=UTC) - START) / timedelta(days=1))
    found = scores(table(late), [date(2025, 11, 6), date(2025, 11, 7)])
    assert found["as_of"].tolist() == [pd.Timestamp(2025, 11, 7)]
    assert found["days_since"].iloc[0] * 24 * 60 == pytest.approx(1)


def test_the_seed_sees_a_trade_on_its_day_although_nobody_had_heard_of_it():
    events = table(Happening(known=10, traded_on=date(2025, 11, 1)))
    dates = [date(2025, 10, 31), date(2025, 11, 1), date(2025, 12, 1), date(2025, 12, 2)]
    assert scores(events, dates, variant="seed")["as_of"].dt.day.tolist() == [1, 1]
    assert scores(events, dates)["as_of"].tolist() == [pd.Timestamp(2025, 12, 1), pd.Timestamp(2025, 12, 2)]


def test_the_best_come_first_and_what_has_no_score_last():
    events = table(
        Happening(issuer=0, value=None),
        Happening(issuer=1, value=10.0),
        Happening(issuer=2, value=1000.0, role=Role.CEO),
        Happening(issuer=3, value=10.0),
    )
    found = scores(events, [START])
    assert found["issuer_id"].tolist() == [2, 1, 3, 0]
    assert found["score"].tolist() == pytest.approx(
        [log1p(1000) + 1.75, log1p(10) + 0.75, log1p(10) + 0.75, np.nan], nan_ok=True
    )
    assert found["senior"].tolist() == [True, False, False, False]


def test_dates_come_out_in_order_and_once_however_they_come_in():
    events = table(Happening(known=0))
    days = [date(2025, 11, 9), date(2025, 11, 5), date(2025, 11, 9)]
    assert scores(events, days)["as_of"].dt.day.tolist() == [5, 9]


@pytest.mark.parametrize("variant", ["known", "seed"])
def test_without_events_or_without_dates_there_are_no_scores(variant):
    empty, full = table(), table(Happening())
    assert scores(empty, [date(2025, 11, 3)], variant=variant).columns.tolist() == COLUMNS
    assert len(scores(empty, [date(2025, 11, 3)], variant=variant)) == 0
    assert len(scores(full, [], variant=variant)) == 0
