from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.sessions import Sessions

NEW_YORK = Sessions("XNYS")
INSTANTS = st.datetimes(datetime(2005, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("known_at", "opens"),
    [
        ("2026-03-02 22:03", "2026-03-03 14:30"),  # the evening before
        ("2026-03-03 14:25", "2026-03-03 14:30"),  # exactly five minutes are enough
        ("2026-03-03 14:26", "2026-03-04 14:30"),  # less than five minutes are not
        ("2026-03-03 14:30", "2026-03-04 14:30"),  # during the session
        ("2022-01-14 21:39", "2022-01-18 14:30"),  # a Friday evening before Martin Luther King's day
        ("2026-03-06 22:00", "2026-03-09 13:30"),  # over the weekend on which New York's clocks go forward
        ("2025-10-31 22:00", "2025-11-03 14:30"),  # and back
        ("2026-11-27 19:00", "2026-11-30 14:30"),  # after a half day
        ("2025-01-08 22:00", "2025-01-10 14:30"),  # over a day of mourning
    ],
)
def test_news_is_traded_in_the_first_session_that_opens_five_minutes_later(known_at, opens):
    assert NEW_YORK.entry(at(known_at)).opens == at(opens)


@given(INSTANTS)
def test_no_session_opens_between_the_reaction_and_the_entry(known_at):
    entry = NEW_YORK.entry(known_at)
    assert entry.opens - known_at >= timedelta(minutes=5)
    assert NEW_YORK.entry(entry.opens - timedelta(minutes=5)) == entry
    ready = known_at + timedelta(minutes=5)
    between = [ready.date() + timedelta(days=n) for n in range((entry.day - ready.date()).days)]
    assert not any(opens_on(day) and NEW_YORK.on(day).opens >= ready for day in between)


def opens_on(day: date) -> bool:
    try:
        return NEW_YORK.on(day).day == day
    except ValueError:
        return False


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        (date(2026, 3, 6), "2026-03-06 14:30", "2026-03-06 21:00"),
        (date(2026, 3, 9), "2026-03-09 13:30", "2026-03-09 20:00"),
        (date(2024, 7, 3), "2024-07-03 13:30", "2024-07-03 17:00"),
        (date(2026, 11, 27), "2026-11-27 14:30", "2026-11-27 18:00"),
    ],
)
def test_a_session_has_the_hours_of_its_season_and_of_half_days(day, opens, closes):
    session = NEW_YORK.on(day)
    assert (session.day, session.opens, session.closes) == (day, at(opens), at(closes))


@pytest.mark.parametrize("day", [date(2026, 3, 7), date(2022, 1, 17), date(2025, 1, 9), date(1995, 5, 5)])
def test_a_day_on_which_the_venue_is_closed_has_no_session(day):
    with pytest.raises(ValueError, match=f"{day} is no trading day of XNYS"):
        NEW_YORK.on(day)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-03-03 14:29", None),
        ("2026-03-03 14:30", date(2026, 3, 3)),
        ("2026-03-03 20:59", date(2026, 3, 3)),
        ("2026-03-03 21:00", None),
        ("2026-11-27 17:59", date(2026, 11, 27)),
        ("2026-11-27 18:00", None),
        ("2022-01-17 16:00", None),
        ("1995-05-05 16:00", None),
    ],
)
def test_the_venue_is_open_from_its_opening_until_just_before_its_close(instant, day):
    session = NEW_YORK.open_at(at(instant))
    assert (session.day if session else None) == day


@pytest.mark.parametrize(
    ("known_at", "as_of", "sessions"),
    [
        ("2026-03-02 22:03", "2026-03-03 14:29", 0),
        ("2026-03-02 22:03", "2026-03-03 14:30", 1),  # up to and including the instant of decision
        ("2026-03-03 14:30", "2026-03-03 20:00", 0),  # the session it became public in is not counted
        ("2026-03-06 15:00", "2026-03-09 13:29", 0),
        ("2026-03-06 15:00", "2026-03-09 13:30", 1),
        ("2022-01-14 21:39", "2022-01-17 23:00", 0),
        ("2022-01-14 21:39", "2022-01-18 15:00", 1),
        ("2026-11-25 22:00", "2026-11-30 15:00", 2),  # Thanksgiving closed, a half day counts
        ("2026-03-05 22:00", "2026-03-11 13:30", 4),
    ],
)
def test_sessions_that_have_begun_since_are_counted(known_at, as_of, sessions):
    known = pd.Series([at(known_at)], dtype="datetime64[us, UTC]")
    assert NEW_YORK.begun_since(known, at(as_of)).tolist() == [sessions]


def test_what_never_became_public_has_no_count():
    known = pd.Series([None, at("2026-03-02 22:03")], index=[7, 3], dtype="datetime64[us, UTC]")
    counted = NEW_YORK.begun_since(known, at("2026-03-04 15:00"))
    assert counted.isna().tolist() == [True, False]
    assert counted[3] == 2


@given(INSTANTS, INSTANTS, INSTANTS)
def test_sessions_add_up(first, second, third):
    early, middle, late = sorted((first, second, third))
    known = pd.Series([early, middle], dtype="datetime64[us, UTC]")
    whole, rest = NEW_YORK.begun_since(known, late)
    assert whole == rest + NEW_YORK.begun_since(known, middle)[0]


def test_other_venues_have_their_own_hours():
    assert Sessions("XETR").on(date(2026, 3, 9)).opens == at("2026-03-09 08:00")


def test_a_venue_without_a_calendar_is_named():
    with pytest.raises(ConfigError, match="no calendar for 'XXXX'"):
        Sessions("XXXX").entry(at("2026-03-03 12:00"))


def test_the_end_of_the_calendar_is_said():
    with pytest.raises(ConfigError, match=r"the calendar of XNYS ends on .* before 2999-01-01"):
        NEW_YORK.entry(at("2999-01-01 12:00"))
    with pytest.raises(ConfigError, match=r"the calendar of XNYS ends on .* before 2999-01-01"):
        NEW_YORK.on(date(2999, 1, 1))
    assert NEW_YORK.open_at(at("2999-01-01 12:00")) is None
