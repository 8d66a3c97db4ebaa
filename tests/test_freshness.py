"""What a source usually shows, and what is said of it when it shows less."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.freshness import Freshness, History, business_days, learned_days, shrunk, silent_or_few
from bot.sessions import Sessions
from bot.trades import to_table
from tests.builders import FEW, trade

XNYS = Sessions("XNYS")
MONDAY = date(2026, 3, 2)
WEEK = [MONDAY + timedelta(days=n) for n in range(5)]  # Monday to Friday
TODAY = date(2026, 3, 9)  # the Monday after it
NOW = datetime(2026, 3, 9, 13, 0, tzinfo=UTC)  # 9:00 in New York


class Notebook(dict[str, str]):
    """A memory that keeps at once."""

    def put(self, name: str, value: str) -> None:
        self[name] = value


def shows(**days: int) -> dict[date, int]:
    """Rows by day of that week, or of the Monday after it: `mon=3, next_mon=1`."""
    names = dict(zip(("mon", "tue", "wed", "thu", "fri", "next_mon"), [*WEEK, TODAY], strict=True))
    return {names[name]: rows for name, rows in days.items()}


def table(filed: Mapping[date, int], undated: int = 0) -> pd.DataFrame:
    days = [day for day, rows in filed.items() for _ in range(rows)]
    return to_table(trade(key=str(n), filed_on=day) for n, day in enumerate([*days, *[None] * undated]))


def told(filed: Mapping[date, int], known: Mapping[date, int] | None = None) -> list[str]:
    return silent_or_few(History(filed=known or {}), filed, WEEK)


# -- which days count


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """An instant by New York's winter clock."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (at(date(2026, 3, 3), 21, 59), date(2026, 3, 2)),
        (at(date(2026, 3, 3), 22), date(2026, 3, 3)),
        (at(date(2026, 3, 7), 12), date(2026, 3, 6)),
        (at(date(2026, 1, 20), 9), date(2026, 1, 16)),  # Martin Luther King's day
        (at(date(2025, 1, 10), 9), date(2025, 1, 8)),  # a day of mourning
    ],
    ids=["a minute before EDGAR closes", "when it closes", "weekend", "holiday", "mourning"],
)
def test_the_last_business_day_is_over_when_edgar_closes(now: datetime, last: date) -> None:
    assert business_days(XNYS, now)[-1] == last


@pytest.mark.parametrize(
    "day",
    [date(2026, 10, 12), date(2026, 11, 11), date(2023, 11, 10), date(2018, 11, 12), date(2021, 12, 31)],
    ids=["Columbus", "Veterans", "Veterans on a Saturday", "Veterans on a Sunday", "New Year on a Saturday"],
)
def test_a_federal_holiday_is_no_business_day_though_the_exchange_is_open(day: date) -> None:
    """Nothing at all was filed on the 21 such days of ten recorded years."""
    assert XNYS.on(day).day == day
    assert business_days(XNYS, at(day, 23))[-1] < day


def test_beyond_the_calendar_nothing_is_said() -> None:
    assert Freshness(Notebook(), XNYS).doubts("invented", table(shows(mon=3)), datetime(2037, 1, 5, tzinfo=UTC)) == []


# -- silence


def test_a_source_that_shows_nothing_of_the_last_business_day_is_told() -> None:
    assert told(shows(mon=9, tue=210, wed=190, thu=220)) == [
        "nothing filed on 2026-03-06, where 210 rows a day are usual; the newest row was filed on 2026-03-05"
    ]


def test_three_days_must_be_known() -> None:
    assert told(shows(mon=9, tue=210, wed=190)) == []  # Monday may be cut off
    assert told(shows(tue=1, wed=1), {WEEK[0]: 1})


def test_rows_of_the_day_after_are_no_excuse() -> None:
    (words,) = told(shows(mon=5, tue=5, wed=5, thu=5, next_mon=7))
    assert words.endswith("the newest row was filed on 2026-03-09")


def test_a_table_that_does_not_reach_back_so_far_says_nothing_of_the_day() -> None:
    usual = {MONDAY - timedelta(days=n): 200 for n in range(9)}
    assert told(shows(next_mon=100), usual) == []
    assert told(shows(fri=1, next_mon=99), usual) == []  # cut off there


def test_what_was_shown_of_the_day_before_is_not_forgotten() -> None:
    usual = dict.fromkeys(WEEK, 200)
    assert told(shows(thu=1), usual) == []
    assert told(shows(thu=1), {**usual, WEEK[4]: 0})


def test_a_source_that_lists_few_companies_is_never_silent() -> None:
    assert told(shows(mon=4, wed=2)) == []
    assert told(shows(thu=2), dict.fromkeys([MONDAY - timedelta(days=n) for n in range(9)], 0)) == []


def test_a_day_without_rows_is_no_news_where_there_are_many_of_them() -> None:
    days = [MONDAY - timedelta(days=n) for n in range(1, 20)]  # and the Thursday that is shown: 20
    for empty, is_silent in ((2, True), (3, False)):
        known = {day: 0 if n < empty else 3 for n, day in enumerate(days)}
        assert bool(told(shows(thu=3), known)) is is_silent


def test_a_source_that_has_ended_stays_silent_as_long_as_it_lasts() -> None:
    freshness, page = Freshness(Notebook(), XNYS), table(shows(mon=5, tue=5, wed=5, thu=5, fri=5))
    said = [freshness.doubts("invented", page, NOW + timedelta(days=n)) for n in range(90)]
    assert said[0] == []
    assert all("the newest row was filed on 2026-03-06" in words for (words,) in said[1:])


# -- few


def test_less_than_a_fifth_of_the_usual_is_told() -> None:
    usual = {MONDAY - timedelta(days=n): 100 for n in range(1, 6)}
    assert told(shows(thu=1, fri=19), usual) == ["only 19 rows filed on 2026-03-06, where 100 a day are usual"]
    assert told(shows(thu=1, fri=20), usual) == []
    assert told(shows(thu=1, fri=1), dict.fromkeys(usual, 19)) == []  # too small to tell
    assert told(shows(thu=1, fri=19), dict(list(usual.items())[:4])) == []  # too few days


def test_the_day_itself_is_no_part_of_what_is_usual() -> None:
    usual = {MONDAY - timedelta(days=n): 100 for n in range(1, 5)}
    assert told(shows(thu=1, fri=1), {**usual, WEEK[4]: 1}) == []
    assert shrunk(History(shown={**usual, TODAY: 100}), 1, TODAY) == []


def test_one_row_is_one_row() -> None:
    usual = {MONDAY - timedelta(days=n): 100 for n in range(1, 6)}
    assert told(shows(thu=1, fri=1), usual) == ["only 1 row filed on 2026-03-06, where 100 a day are usual"]
    (words,) = told(shows(thu=1), dict.fromkeys(usual, 1))
    assert words.startswith("nothing filed on 2026-03-06, where 1 row a day is usual; ")


# -- the whole table


def test_a_table_that_shrank_is_told() -> None:
    usual = History(shown=dict.fromkeys(WEEK, 1000))
    assert shrunk(usual, 199, TODAY) == ["only 199 rows shown, where 1,000 are usual"]
    assert shrunk(usual, 200, TODAY) == []
    assert shrunk(History(shown=dict.fromkeys(WEEK[:4], 1000)), 1, TODAY) == []
    assert shrunk(History(shown=dict.fromkeys(WEEK, 19)), 1, TODAY) == []


def test_a_hundred_looks_on_one_day_are_one() -> None:
    """The daemon asks some sources every minute; what is usual must not be what was so for the last minutes."""
    freshness = Freshness(Notebook(), XNYS)
    for day in WEEK:
        freshness.doubts("invented", table({}, undated=100), at(day, 9))
    for minute in range(30):
        said = freshness.doubts("invented", table({}, undated=10), at(TODAY, 9, minute))
        assert said == ["only 10 rows shown, where 100 are usual"]


# -- what is learned


def test_the_most_that_was_ever_shown_of_a_day_counts() -> None:
    assert learned_days({WEEK[1]: 50}, shows(mon=1, tue=30, wed=40), WEEK)[WEEK[1]] == 50
    assert learned_days({WEEK[1]: 20}, shows(mon=1, tue=30, wed=40), WEEK)[WEEK[1]] == 30


def test_the_day_that_a_page_cuts_off_does_not_lower_what_is_usual() -> None:
    assert WEEK[0] not in learned_days({}, shows(mon=3, tue=200, wed=200), WEEK)
    assert learned_days({}, shows(mon=300, tue=200, wed=200), WEEK)[WEEK[0]] == 300
    assert learned_days({}, shows(mon=180), WEEK) == {WEEK[0]: 180}  # a page that ends within a day


def test_days_without_rows_are_known_as_far_as_a_table_reaches() -> None:
    assert learned_days({}, shows(mon=1, tue=2, thu=3), WEEK) == {WEEK[1]: 2, WEEK[2]: 0, WEEK[3]: 3}


def test_today_is_not_over_and_weekends_are_no_days() -> None:
    saturday = MONDAY + timedelta(days=5)
    days = learned_days({}, {MONDAY: 9, saturday: 2, TODAY: 1}, WEEK)
    assert set(days) == set(WEEK)


def test_a_row_filed_in_the_future_and_a_row_without_a_day_do_not_count() -> None:
    memory = Notebook()
    Freshness(memory, XNYS).doubts("invented", table({**shows(mon=5, thu=5), date(2027, 1, 4): 9}, undated=7), NOW)
    kept = json.loads(memory["freshness:invented"])
    assert kept == {
        "filed": {"2026-03-02": 5, "2026-03-03": 0, "2026-03-04": 0, "2026-03-05": 5},
        "shown": {"2026-03-09": 26},
    }


def test_a_table_without_any_day_is_nothing_to_learn_from() -> None:
    memory = Notebook()
    assert Freshness(memory, XNYS).doubts("invented", table({}, undated=3), NOW) == []
    assert json.loads(memory["freshness:invented"]) == {"filed": {}, "shown": {"2026-03-09": 3}}


def test_every_source_has_a_history_of_its_own() -> None:
    memory = Notebook()
    freshness = Freshness(memory, XNYS)
    freshness.doubts("one", table(shows(mon=5)), NOW)
    freshness.doubts("other", table(shows(mon=7)), NOW)
    assert memory["freshness:one"] != memory["freshness:other"]


def test_what_has_not_changed_is_not_written_again() -> None:
    memory = Notebook()
    freshness = Freshness(memory, XNYS)
    freshness.doubts("invented", table(shows(mon=5)), NOW)
    memory.put = None  # type: ignore[assignment, method-assign]
    assert freshness.doubts("invented", table(shows(mon=5)), NOW) == []


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "3", '{"filed": 3}', '{"filed": {"2026-03-02": -1}}', '{"filed": {"monday": 1}}',
             '{"filed": {"2026-03-02": true}}', '{"shown": {"2026-03-02": "9"}}', '{"shown": {"2026-03-02": NaN}}'],
)  # fmt: skip
def test_a_memory_that_cannot_be_read_is_learned_again(text: str) -> None:
    assert History.of(text) == History()


DAYS = st.dictionaries(st.dates(date(2026, 1, 1), date(2026, 3, 6)), st.integers(0, 10**6), max_size=30)
SHOWN = st.dictionaries(st.sampled_from(WEEK), st.integers(1, 500), max_size=5)


@given(DAYS, DAYS)
def test_a_history_is_read_as_it_was_written(filed: Mapping[date, int], shown: Mapping[date, int]) -> None:
    history = History(filed=filed, shown=shown)
    assert History.of(history.text()) == history


@given(DAYS, DAYS)
def test_what_is_kept_does_not_grow(filed: dict[date, int], more: dict[date, int]) -> None:
    long_ago = {day - timedelta(days=400): rows for day, rows in more.items()}
    assert max(len(days) for days in json.loads(History(filed=filed | long_ago).text()).values()) <= 30


@given(DAYS, SHOWN)
def test_nothing_that_is_known_of_a_day_is_ever_lowered(known: Mapping[date, int], filed: Mapping[date, int]) -> None:
    after = learned_days(known, filed, WEEK)
    assert all(after[day] >= rows for day, rows in known.items())
    assert learned_days(after, filed, WEEK) == after


@given(SHOWN, st.integers(1, 500))
def test_a_day_that_is_as_full_as_all_others_is_never_told(filed: Mapping[date, int], rows: int) -> None:
    assert told(dict.fromkeys(filed, rows) | {WEEK[4]: rows}, dict.fromkeys(WEEK[:4], rows)) == []


@FEW
@given(st.lists(st.integers(1, 300), min_size=25, max_size=25), st.integers(1, 400))
def test_a_page_of_any_length_over_a_lively_site_is_never_silent(per_day: list[int], longest: int) -> None:
    """One look each business morning at a page that ends after so many rows."""
    days = business_days(XNYS, NOW)[-25:]
    freshness = Freshness(Notebook(), XNYS)
    filed: list[date] = []
    for day, rows in zip(days, per_day, strict=True):
        filed += [day] * rows
        said = freshness.doubts("invented", frame(Counter(filed[-longest:])), at(day, 23))
        assert not any("nothing filed" in words for words in said)


@FEW
@given(st.lists(st.integers(20, 300), min_size=6, max_size=15), st.integers(1, 10))
def test_a_page_that_stands_still_is_told_from_the_next_business_day_on(per_day: list[int], days_later: int) -> None:
    days = business_days(XNYS, NOW)
    stopped = len(days) - days_later - 1
    counts = dict(zip(days[stopped - len(per_day) + 1 : stopped + 1], per_day, strict=True))
    (words,) = Freshness(Notebook(), XNYS).doubts("invented", frame(counts), NOW)
    assert words.startswith(f"nothing filed on {days[-1]}")
    assert words.endswith(f"the newest row was filed on {days[stopped]}")


def frame(counts: Mapping[date, int]) -> pd.DataFrame:
    """A table of nothing but filing days, which is quick to make."""
    days = [day for day, rows in counts.items() for _ in range(rows)]
    return pd.DataFrame({"filed_on": pd.Series(days, dtype="datetime64[s]")})
