"""When a cycle is due: once per session of the venue, at a time of day there, never twice; and when to try again."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from bot.model import NEW_YORK
from bot.sessions import Session, Sessions

OPENS, CLOSES = time(5, 55), time(22, 15)  # EDGAR accepts filings from 6:00 to 22:00 there
LONGEST_CLOSURE: Final = timedelta(days=14)


def filings_come(now: datetime) -> bool:
    """Whether the SEC may be publishing filings: on weekdays, early till late in New York."""
    there = now.astimezone(NEW_YORK)
    return there.weekday() < 5 and OPENS <= there.time() <= CLOSES


def patience(failures: int, first: timedelta, last: timedelta) -> timedelta:
    """How long to wait after so many failures in a row: the first time, then twice as long each time, up to the last.

    Also after an outage of weeks, the failures of which no longer double anything.
    """
    return min(first * (1 << min(failures - 1, 20)), last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """The cycles of one venue: `at` is wall time in the venue's own zone, so that it follows its clocks."""

    sessions: Sessions
    at: time

    def instant(self, session: Session) -> datetime:
        """When the session's cycle is due, in UTC."""
        return datetime.combine(session.day, self.at, self.sessions.zone).astimezone(UTC)

    def due(self, done: date | None, now: datetime) -> tuple[Session, ...]:
        """The sessions after `done` whose cycle should have been by now; one cycle serves them all.

        Without any done before, it is the latest alone: a new bot begins at once, not with the next session.
        """
        today = now.astimezone(self.sessions.zone).date()
        if done and done > today + timedelta(days=1):
            done = None  # written by a clock that was ahead
        first = done + timedelta(days=1) if done else today - LONGEST_CLOSURE
        passed = tuple(session for session in self.sessions.between(first, today) if self.instant(session) <= now)
        return passed if done else passed[-1:]

    def following(self, now: datetime) -> datetime:
        """When the next cycle is due after this instant."""
        today = now.astimezone(self.sessions.zone).date()
        coming = self.sessions.between(today, today + LONGEST_CLOSURE)
        instants = (instant for session in coming if (instant := self.instant(session)) > now)
        return next(instants, None) or self.instant(self.sessions.next_open(now))
