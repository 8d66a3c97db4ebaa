"""Venue calendars: is it open, when does it open next, how many sessions have begun since."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from bot.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

FIRST_DAY: Final = "2003-01-01"  # ownership filings are electronic since June 2003
LAST_DAY: Final = "2035-12-31"  # holidays are rules; the calendars that only record them end earlier
# gettex keeps the days and hours of Hamburg, whose calendar there is
LIKE: Final = {"XMUN": ("XHAM", "Europe/Berlin")}
REACTION: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One trading day of a venue, with its opening hours in UTC."""

    day: date
    opens: datetime
    closes: datetime


@dataclass(frozen=True)
class Sessions:
    """The trading days of one venue, named by its ISO 10383 MIC; read from the calendar package when first asked."""

    mic: str

    @cached_property
    def zone(self) -> ZoneInfo:
        """The venue's own time zone."""
        return _calendar(self.mic)[1]

    def look_up(self) -> None:
        """ConfigError when there is no calendar of this venue, which otherwise whoever asks first is told."""
        _calendar(self.mic)

    @property
    def last(self) -> Session:
        """The last session the calendar knows."""
        return self._all[-1]

    @cached_property
    def _all(self) -> tuple[Session, ...]:
        return _calendar(self.mic)[0]

    @cached_property
    def _openings(self) -> "NDArray[np.datetime64]":
        """When each session opens, in microseconds: nanoseconds end in 2262, and a later instant would wrap around."""
        import numpy as np

        return np.array([session.opens.replace(tzinfo=None) for session in self._all], dtype="datetime64[us]")

    def between(self, first: date, last: date) -> Sequence[Session]:
        """The sessions of these days, both included."""
        start = bisect_left(self._all, first, key=_day)
        return self._all[start : bisect_right(self._all, last, key=_day)]

    def entry(self, known_at: datetime) -> Session:
        """The first session that opens at least five minutes after the news."""
        return self.next_open(known_at + REACTION)

    def next_open(self, at: datetime) -> Session:
        """The first session that opens at this instant or later."""
        return self._at(bisect_left(self._all, at, key=_opening), at)

    def on(self, day: date) -> Session:
        """The session of this day; ValueError when the venue is closed on it."""
        position = bisect_left(self._all, day, key=_day)
        session = self._at(position, datetime(day.year, day.month, day.day, tzinfo=UTC))
        if session.day != day:
            raise ValueError(f"{day} is no trading day of {self.mic}")
        return session

    def open_at(self, at: datetime) -> Session | None:
        """The session in progress at this instant; None when the venue is closed."""
        position = bisect_right(self._all, at, key=_opening)
        session = self._all[position - 1] if position else None
        return session if session and at < session.closes else None

    def begun_since(self, known_at: "pd.Series[Any]", as_of: datetime) -> "pd.Series[Any]":
        """For each instant the number of sessions that have opened after it, up to and including `as_of`."""
        import pandas as pd

        before = self._openings.searchsorted(known_at.dt.tz_convert(None).to_numpy(), side="right")
        begun = bisect_right(self._all, as_of, key=_opening)
        return pd.Series(begun - before, index=known_at.index).where(known_at.notna()).astype("float64")

    def _at(self, position: int, asked: datetime) -> Session:
        if position < len(self._all):
            return self._all[position]
        last = self._all[-1].day
        raise ConfigError(
            f"the calendar of {self.mic} ends on {last}, before {asked:%Y-%m-%d}: upgrade exchange-calendars"
        )


@cache  # a calendar is a constant of the package: it is read once per process
def _calendar(mic: str) -> tuple[tuple[Session, ...], ZoneInfo]:
    import exchange_calendars  # slow to import, needed by few commands

    name, zone = LIKE.get(mic, (mic, None))
    try:
        calendar = _longest(exchange_calendars, name)
    except exchange_calendars.errors.InvalidCalendarName:
        raise ConfigError(
            f"there is no calendar for {mic!r}: write the ISO MIC of a venue, such as XNYS (BOT_VENUE)"
        ) from None
    schedule = calendar.schedule
    hours = (schedule[name].dt.tz_convert(UTC).dt.to_pydatetime() for name in ("open", "close"))
    sessions = (
        Session(day=day.date(), opens=opens, closes=closes)
        for day, opens, closes in zip(schedule.index, *hours, strict=True)
    )
    return tuple(sessions), ZoneInfo(zone or str(calendar.tz))


def _longest(package: Any, name: str) -> Any:
    """The calendar from our first day to our last, or as much of that as the package has recorded of its holidays."""
    for span in ({"start": FIRST_DAY, "end": LAST_DAY}, {"start": FIRST_DAY}, {}):
        with suppress(ValueError, NotImplementedError):  # what the package raises where it has not recorded so much
            return package.get_calendar(name, **span)
    raise ConfigError(f"the package has no whole calendar of {name} (BOT_VENUE): upgrade exchange-calendars")


def _opening(session: Session) -> datetime:
    return session.opens


def _day(session: Session) -> date:
    return session.day
