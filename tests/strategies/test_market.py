from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from strategies.market import average_daily_value, market_cap, price_dip
from tests.builders import FEW, events, trade
from tests.strategies.happenings import told

MONDAY = date(2026, 3, 2)


def bars(*closes, symbol="NWRB", until=MONDAY, volume=100.0) -> pd.DataFrame:
    """One close for each day up to the last, without regard to weekends."""
    days = [until - timedelta(days=back) for back in reversed(range(len(closes)))]
    return pd.DataFrame({"symbol": symbol, "date": pd.to_datetime(days), "close": closes, "volume": volume})


def at(feature, known_at=datetime(2026, 3, 3, 15, tzinfo=UTC), **changes) -> float | None:
    return told(feature(events(trade(known_at=known_at, **changes)), None))[0]


def test_a_dip_is_how_far_the_last_close_lies_below_the_highest():
    assert at(price_dip(bars(50.0, 40.0, 30.0), 3)) == pytest.approx(0.4)
    assert at(price_dip(bars(50.0, 40.0, 30.0), 2)) == pytest.approx(0.25)
    assert at(price_dip(bars(30.0, 40.0, 50.0), 3)) == 0


def test_the_close_of_the_day_itself_is_never_seen_however_late_it_became_known():
    feature = price_dip(bars(50.0, 40.0, 30.0), 2)
    evening = datetime(2026, 3, 3, 4, 59, tzinfo=UTC)  # Monday, a minute before midnight in New York
    assert at(feature, evening) == pytest.approx(0.2)
    assert at(feature, evening + timedelta(minutes=1)) == pytest.approx(0.25)


def test_the_day_begins_at_midnight_in_new_york_in_summer_too():
    feature = price_dip(bars(50.0, 40.0, 30.0, until=date(2026, 7, 6)), 2)
    evening = datetime(2026, 7, 7, 3, 59, tzinfo=UTC)
    assert at(feature, evening) == pytest.approx(0.2)
    assert at(feature, evening + timedelta(minutes=1)) == pytest.approx(0.25)


def test_too_few_closes_or_closes_too_long_ago_are_unknown():
    assert at(price_dip(bars(50.0, 40.0), 3)) is None
    assert at(price_dip(bars(50.0, 40.0, until=MONDAY - timedelta(days=9)), 2)) == pytest.approx(0.2)
    assert at(price_dip(bars(50.0, 40.0, until=MONDAY - timedelta(days=10)), 2)) is None


def test_another_symbol_and_an_unknown_instant_have_no_price():
    feature = price_dip(pd.concat([bars(50.0, 40.0), bars(9.0, 9.0, symbol="HLCN")]), 2)
    assert at(feature, symbol="HLCN") == 0
    assert at(feature, symbol="AAAA") is None
    assert at(feature, symbol="ZZZZ") is None
    assert at(feature, symbol=None) is None
    assert at(feature, known_at=None) is None


def test_a_close_that_is_missing_is_not_skipped():
    assert at(price_dip(bars(50.0, float("nan"), 40.0), 2)) is None


def test_the_daily_value_is_the_mean_of_close_times_volume():
    assert at(average_daily_value(bars(50.0, 40.0, 30.0), 2)) == 3500
    assert at(average_daily_value(bars(50.0, 40.0, volume=float("nan")), 2)) is None
    assert at(average_daily_value(bars(50.0), 2)) is None


def sizes(**days: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"symbol": "NWRB", "date": pd.to_datetime([day[1:] for day in days]), "market_cap": days.values()}
    )


def test_the_size_is_the_last_one_of_an_earlier_day_in_any_order_of_the_table():
    feature = market_cap(sizes(d20260303=3e9, d20250101=1e9, d20260302=2e9))
    assert at(feature) == 2e9
    assert at(feature, datetime(2026, 3, 1, tzinfo=UTC)) == 1e9
    assert at(feature, datetime(2025, 1, 1, 15, tzinfo=UTC)) is None


SYMBOLS = st.sampled_from(["AAAA", "HLCN", "NWRB", None])


@FEW
@given(
    st.dictionaries(st.tuples(SYMBOLS, st.integers(-20_100, 9)), st.integers(1, 9), max_size=20),
    st.lists(st.tuples(SYMBOLS, st.none() | st.integers(-20_200, 11)), min_size=1, max_size=9),
)
def test_every_row_has_its_own_symbol_s_last_figure_of_an_earlier_day(figures, asked):
    days = {place: pd.Timestamp(MONDAY + timedelta(days=place[1])) for place in figures}  # some lie before 1970
    table = pd.DataFrame(
        {
            "symbol": pd.Series([symbol for symbol, _ in figures], dtype="str"),
            "date": pd.Series(days.values(), dtype="datetime64[s]"),
            "market_cap": pd.Series(figures.values(), dtype="float64"),
        }
    )
    noon = datetime(2026, 3, 2, 17, tzinfo=UTC)
    known = [None if day is None else noon + timedelta(days=day) for _, day in asked]
    rows = pd.DataFrame(
        {
            "symbol": pd.Series([symbol for symbol, _ in asked], dtype="str"),
            "known_at": pd.Series(known, dtype="datetime64[us, UTC]"),
        }
    )
    before = [
        [on for of, on in sorted(figures, key=str) if of == symbol and day is not None and on < day]
        for symbol, day in asked
    ]
    expected = [
        figures[symbol, max(found)] if symbol and found else None
        for (symbol, _), found in zip(asked, before, strict=True)
    ]
    assert told(market_cap(table)(rows, None)) == expected


@FEW
@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.integers(1, 4), st.integers(0, 12))
def test_nothing_of_the_day_or_later_changes_a_price_feature(closes, sessions, back):
    known_at = datetime(2026, 3, 3, 15, tzinfo=UTC) - timedelta(days=back)
    table = bars(*map(float, closes))
    changed = table.assign(close=table["close"].where(table["date"] < pd.Timestamp(known_at.date()), 77.0))
    for factory in (price_dip, average_daily_value):
        assert at(factory(table, sessions), known_at) == at(factory(changed, sessions), known_at)


def test_features_of_the_very_same_table_are_one():
    table, other = bars(1.0), bars(1.0)
    assert price_dip(table, 5) is price_dip(table, 5)
    assert price_dip(table, 5) is not price_dip(other, 5)
    assert price_dip(table, 5) is not price_dip(table, 6)
    assert average_daily_value(table) is average_daily_value(table)
    size = sizes(d20260302=1.0)
    assert market_cap(size) is market_cap(size)


def test_a_table_without_a_needed_column_is_refused_in_a_sentence():
    with pytest.raises(ConfigError, match="lacks the column 'volume'; it needs symbol, date, close, volume"):
        average_daily_value(bars(1.0).drop(columns="volume"))


def test_a_table_without_rows_knows_nothing():
    assert at(price_dip(bars(1.0).head(0))) is None
    assert at(market_cap(sizes(d20260302=1.0).head(0))) is None


def test_the_events_keep_their_index():
    rows = events(trade(shares=Decimal(1)), trade(owner="Lindqvist Marit")).set_axis([7, 3])
    assert price_dip(bars(50.0, 40.0), 2)(rows, None).index.tolist() == [7, 3]
