"""Venue calendars: is it open, when does it open next, how many sessions have begun since."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from bot.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FIRST_DAY: Final = "2003-01-01"  # ownership filings are electronic since June 2003
REACTION: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One trading day of a venue, with its opening hours in UTC."""

    day: date
    opens: datetime
    closes: datetime


class Sessions:
    """The trading days of one venue, named by its ISO 10383 MIC; read from the calendar package when first asked."""

    def __init__(self, mic: str) -> None:
        self.mic = mic

    @cached_property
    def _schedule(self) -> "pd.DataFrame":
        import exchange_calendars  # slow to import, needed by few commands

        try:
            calendar: Any = exchange_calendars.get_calendar(self.mic, start=FIRST_DAY)
        except exchange_calendars.errors.InvalidCalendarName:
            raise ConfigError(
                f"BOT_VENUE: there is no calendar for {self.mic!r}; write an ISO MIC such as XNYS"
            ) from None
        # In microseconds, because nanoseconds end in 2262 and a later instant would wrap around.
        schedule: pd.DataFrame = calendar.schedule[["open", "close"]].astype("datetime64[us, UTC]")
        return schedule.set_axis(schedule.index.astype("datetime64[us]"))

    @cached_property
    def _opens(self) -> "np.ndarray[Any, Any]":
        opens: np.ndarray[Any, Any] = self._schedule["open"].dt.tz_convert(None).to_numpy()
        return opens

    def entry(self, known_at: datetime) -> Session:
        """The first session that opens at least five minutes after the news."""
        return self._at(int(self._opens.searchsorted(_naive(known_at + REACTION), side="left")), known_at)

    def on(self, day: date) -> Session:
        """The session of this day; ValueError when the venue is closed on it."""
        position = int(self._schedule.index.searchsorted(_naive(datetime(day.year, day.month, day.day, tzinfo=UTC))))
        session = self._at(position, datetime(day.year, day.month, day.day, tzinfo=UTC))
        if session.day != day:
            raise ValueError(f"{day} is no trading day of {self.mic}")
        return session

    def open_at(self, at: datetime) -> Session | None:
        """The session in progress at this instant; None when the venue is closed."""
        position = int(self._opens.searchsorted(_naive(at), side="right")) - 1
        session = self._at(position, at) if position >= 0 else None
        return session if session and at < session.closes else None

    def begun_since(self, known_at: "pd.Series[Any]", as_of: datetime) -> "pd.Series[Any]":
        """For each instant the number of sessions that have opened after it, up to and including `as_of`."""
        import pandas as pd

        begun = self._opens.searchsorted(_naive(as_of), side="right")
        before = self._opens.searchsorted(known_at.dt.tz_convert(None).to_numpy(), side="right")
        return pd.Series(begun - before, index=known_at.index).where(known_at.notna()).astype("float64")

    def _at(self, position: int, asked: datetime) -> Session:
        if position >= len(self._opens):
            last = self._schedule.index[-1].date()
            raise ConfigError(
                f"the calendar of {self.mic} ends on {last}, before {asked:%Y-%m-%d}: upgrade exchange-calendars"
            )
        row = self._schedule.iloc[position]
        return Session(
            day=self._schedule.index[position].date(),
            opens=row["open"].to_pydatetime().astimezone(UTC),
            closes=row["close"].to_pydatetime().astimezone(UTC),
        )


def _naive(at: datetime) -> "np.datetime64":
    import numpy as np

    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None))
