"""One cycle for every session of seven years, whatever the clocks, the holidays and the computer do."""

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from bot.daemon import Daemon
from bot.errors import ConfigError, SourceError
from bot.plan import Plan
from bot.sessions import Sessions
from bot.timetable import Timetable, patience
from tests.share import some

NINE = time(9)
VENUES = {"XNYS": time(9), "XMUN": time(8, 30)}


def table(mic: str, at: time = NINE) -> Timetable:
    return Timetable(sessions=Sessions(mic), at=at)


def utc(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("mic", "day", "expected"),
    [
        ("XNYS", date(2026, 3, 6), utc(2026, 3, 6, 14)),  # the last Friday of winter time
        ("XNYS", date(2026, 3, 9), utc(2026, 3, 9, 13)),  # New York has changed its clocks, Germany has not
        ("XMUN", date(2026, 3, 9), utc(2026, 3, 9, 8)),
        ("XMUN", date(2026, 3, 30), utc(2026, 3, 30, 7)),
        ("XNYS", date(2026, 11, 2), utc(2026, 11, 2, 14)),
    ],
)
def test_a_cycle_is_due_at_its_time_of_day_at_the_venue(mic: str, day: date, expected: datetime) -> None:
    timetable = table(mic)
    assert timetable.instant(timetable.sessions.on(day)) == expected


def test_what_was_missed_is_due_together_and_what_is_done_is_not_due() -> None:
    timetable, friday = table("XNYS"), date(2026, 7, 3)  # the eve of Independence Day, observed: closed
    now = utc(2026, 7, 7, 13, 30)
    assert [s.day.day for s in timetable.due(date(2026, 7, 1), now)] == [2, 6, 7]
    assert [s.day.day for s in timetable.due(friday, now)] == [6, 7]
    assert timetable.due(date(2026, 7, 7), now) == ()
    assert timetable.due(date(2026, 7, 8), now) == ()  # the clock was set back


def test_what_a_clock_far_ahead_has_written_is_not_believed() -> None:
    assert [s.day for s in table("XNYS").due(date(2030, 1, 2), utc(2026, 7, 7, 13, 30))] == [date(2026, 7, 7)]


def test_a_calendar_that_ends_says_so() -> None:
    with pytest.raises(ConfigError, match="the calendar of XSHG ends on 2026-12-31"):
        table("XSHG").following(utc(2026, 12, 31, 23))


def test_a_new_bot_begins_with_the_latest_session_alone() -> None:
    saturday = utc(2026, 7, 11, 3)
    assert [s.day for s in table("XNYS").due(None, saturday)] == [date(2026, 7, 10)]


def test_an_hour_that_the_clocks_skip_or_repeat_is_due_once() -> None:
    # Chile's venue changes its clocks at midnight; a cycle at 00:30 meets an hour that comes twice.
    timetable = table("XSGO", time(0, 30))
    now, done, days = utc(2026, 4, 1), date(2026, 3, 31), []
    while now < utc(2026, 4, 10):
        for session in timetable.due(done, now):
            days.append(session.day)
            done = session.day
        now += timedelta(minutes=10)
    assert days == [session.day for session in timetable.sessions.between(date(2026, 4, 1), date(2026, 4, 9))]


# -- the daemon over seven years


class Remembered:
    """The store of a daemon, and what its bot was asked to do."""

    def __init__(self) -> None:
        self.done: date | None = None
        self.cycles: list[tuple[datetime, date]] = []
        self.now = utc(2023, 12, 31)
        self.fails = 0

    # the store
    def session_done(self) -> date | None:
        return self.done

    def finish_session(self, day: date) -> None:
        self.cycles.append((self.now, day))
        self.done = day

    def open_orders(self) -> list[Any]:
        return []

    def beat(self, now: datetime) -> None: ...

    # the parts
    @property
    def store(self) -> "Remembered":
        return self

    def lead(self) -> None: ...

    def tell(self) -> list[str]:
        return []

    def acting(self, *, trade_backlog: bool = False) -> Any:
        return self

    # the bot
    def run(self) -> Any:
        if self.fails:
            self.fails -= 1
            raise SourceError("nobody answers")
        return Plan(as_of=self.now, decisions=(), intents=(), degraded=()), []


def daemon(memory: Remembered, timetable: Timetable) -> Daemon:
    def opened() -> AbstractContextManager[Any]:
        return nullcontext(memory)

    return Daemon(opened, timetable, lambda: memory.now)


@pytest.mark.parametrize("mic", some([*VENUES], every=2))
def test_every_session_from_2024_to_2030_gets_exactly_one_cycle_at_its_time(mic: str) -> None:
    timetable, memory = table(mic, VENUES[mic]), Remembered()
    memory.done = date(2023, 12, 31)
    running = daemon(memory, timetable)
    while memory.now < utc(2031, 1, 1):
        running.tick()
        memory.now += timedelta(minutes=15)
    sessions = timetable.sessions.between(date(2024, 1, 1), date(2030, 12, 31))
    assert len(sessions) > 7 * 249
    assert [day for _, day in memory.cycles] == [session.day for session in sessions]
    late = [at - timetable.instant(timetable.sessions.on(day)) for at, day in memory.cycles]
    assert min(late) >= timedelta(0)
    assert max(late) < timedelta(minutes=15)


@pytest.mark.parametrize("mic", some([*VENUES][::-1], every=2))
def test_sleep_restarts_and_failures_lose_no_session_and_double_none(mic: str) -> None:
    timetable, memory = table(mic, VENUES[mic]), Remembered()
    memory.done = date(2023, 12, 31)
    running, ticks, served = daemon(memory, timetable), 0, []
    while memory.now < utc(2031, 1, 1):
        before = memory.done
        running.tick()
        if memory.done != before:
            served += timetable.sessions.between(before + timedelta(days=1), memory.done)
        ticks += 1
        if ticks % 1009 == 0:
            memory.now += timedelta(days=3)  # the laptop was closed
        if ticks % 97 == 0:
            running = daemon(memory, timetable)  # killed and started again, in the middle of the day
        if ticks % 131 == 0:
            memory.fails = ticks % 7  # the network is out for some attempts
        memory.now += timedelta(minutes=15)
    sessions = timetable.sessions.between(date(2024, 1, 1), date(2030, 12, 31))
    assert [session.day for session in served] == [session.day for session in sessions]
    assert len({day for _, day in memory.cycles}) == len(memory.cycles)


def test_a_cycle_that_fails_is_tried_again_later_and_later() -> None:
    timetable, memory = table("XNYS"), Remembered()
    memory.done, memory.now, memory.fails = date(2026, 3, 2), utc(2026, 3, 3, 14), 4
    running, attempts = daemon(memory, timetable), []
    while memory.done == date(2026, 3, 2):
        left = memory.fails
        running.tick()
        if memory.fails != left or memory.cycles:
            attempts.append((memory.now - utc(2026, 3, 3, 14)) // timedelta(minutes=1))
        memory.now += timedelta(minutes=1)
    assert attempts == [0, 10, 30, 70, 130]


def test_one_tick_by_a_clock_that_was_ahead_silences_nobody() -> None:
    timetable, memory = table("XNYS"), Remembered()
    memory.done, memory.now = date(2026, 3, 2), utc(2027, 3, 3, 20)
    running = daemon(memory, timetable)
    running.tick()
    memory.now, memory.cycles = utc(2026, 3, 3, 13), []
    while memory.now < utc(2026, 3, 7):
        running.tick()
        memory.now += timedelta(minutes=10)
    assert [day.day for _, day in memory.cycles] == [2, 3, 4, 5, 6]


def test_patience_doubles_up_to_its_end_and_outlasts_any_outage() -> None:
    first, last = timedelta(minutes=10), timedelta(hours=1)
    assert [patience(failures, first, last) for failures in (1, 2, 3, 4)] == [first, 2 * first, 4 * first, last]
    assert patience(10**9, first, last) == last
    assert patience(10**9, timedelta(seconds=1), timedelta(days=1)) == timedelta(days=1)
