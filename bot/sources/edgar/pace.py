"""How fast EDGAR may be asked by everything on this machine: one request after the other, and none after a refusal.

The SEC allows ten requests a second per user, whatever the number of programs, and shuts out for ten minutes who asks
faster or does not say who they are. Programs that share the file share the pace, also with those that ran before them.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.errors import SourceError

PER_SECOND: Final = 5.0
STOP_SECONDS: Final = 600.0
LONGEST_QUEUE: Final = 60.0  # seconds; a turn farther away was given before the clock was set back


class StoppedError(SourceError):
    """Nobody may ask EDGAR now."""


class SharedPace:
    """Hands out turns to ask; `time` is the wall clock, because it outlives a process and a restart."""

    def __init__(
        self,
        path: Path,
        per_second: float = PER_SECOND,
        *,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = path
        self._gap = 1 / per_second
        self._wall_clock = wall_clock
        self._sleep = sleep

    def wait(self) -> None:
        """Return when it is this caller's turn; StoppedError at once while nobody may ask."""
        now = self._wall_clock()
        with self._state() as state:
            turn, stopped_until = state.execute("SELECT turn, stopped_until FROM pace").fetchone()
            if now < stopped_until <= now + STOP_SECONDS:
                raise StoppedError(f"EDGAR refused a request and is not asked again before {_shown(stopped_until)}")
            start = turn if now < turn < now + LONGEST_QUEUE else now
            state.execute("UPDATE pace SET turn = ?", [start + self._gap])
        if start > now:
            self._sleep(start - now)

    def stop(self) -> str:
        """Let nobody ask for ten minutes; until when that is, in words."""
        until = self._wall_clock() + STOP_SECONDS
        with self._state() as state:
            state.execute("UPDATE pace SET stopped_until = ?", [until])
        return _shown(until)

    @contextmanager
    def _state(self) -> Iterator[sqlite3.Connection]:
        """The file, made if need be, and locked until the block is left."""
        try:
            with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as state:
                state.execute("PRAGMA synchronous = OFF")  # a turn that a power failure takes back harms nobody
                state.execute("CREATE TABLE IF NOT EXISTS pace (turn REAL NOT NULL, stopped_until REAL NOT NULL)")
                state.execute("BEGIN IMMEDIATE")
                state.execute("INSERT INTO pace SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM pace)")
                yield state
                state.execute("COMMIT")
        except sqlite3.Error as error:
            raise SourceError(f"{self._path}: the pace of EDGAR requests cannot be kept ({error})") from None


def _shown(instant: float) -> str:
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%d %H:%M} UTC"
