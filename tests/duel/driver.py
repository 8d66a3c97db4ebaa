"""The lives of duelling daemons, each a fork of this process: one line of JSON on stdin is one request.

`{"begin": ...}` begins a life and answers with its process; `{"end": PID}` answers with its exit code once it is over.
A life ticks as the daemon does, by a clock in a file that all of them share. It may stop or kill itself at a failpoint,
and keeps a list of who wrote under which epoch, in the very transactions that write.
"""

import json
import logging
import mmap
import os
import signal
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text

import strategies.executives  # noqa: F401 - for the forks, which would import it otherwise
from bot import plugins
from bot.app import App, opened, staying
from bot.daemon import Daemon
from bot.errors import BotError, TryAgainError
from bot.settings import Settings
from bot.store import lead, postgresql, sqlite
from bot.store.lead import Lead
from bot.store.repository import Repository
from tests.duel import account
from tests.fakes import Maps

WATCHED = (
    (Repository, ("record", "move", "finish_session", "settle_in")),
    (account.JournalBroker, ("submit", "activate", "cancel", "find", "orders")),
)
NOTE = text("INSERT INTO writers (epoch, process) VALUES (:epoch, :process)")
LATER = timedelta(minutes=11)  # by then the daemon tries again what has failed
PAUSE = 0.001  # seconds


def anybody_writes() -> None:
    lead.check = lambda *_: None  # type: ignore[assignment]


def everybody_leads() -> None:
    Lead.epoch = lambda *_: 0  # type: ignore[assignment, method-assign]


PLANTED = {bug.__name__: bug for bug in (anybody_writes, everybody_leads)}  # what the oracle has to see


class SharedClock:
    """A clock that stands in this file, where anybody may set it."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), 8)

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(struct.unpack("d", self._bytes[:8])[0], tz=UTC)

    def set(self, now: datetime) -> None:
        self._bytes[:8] = struct.pack("d", now.timestamp())


class Told:
    """What a life tells of itself, a line at a time, and where it stops or dies by itself."""

    def __init__(self, path: Path, asked: dict[str, Any]) -> None:
        self._file = path.open("a", buffering=1, encoding="utf-8")
        self._signal, self._at = asked.get("signal"), asked.get("at", 0)
        self._passed = 0

    def tell(self, what: str) -> None:
        self._file.write(f"{os.getpid()} {what}\n")

    def failpoint(self) -> None:
        """Pass it, or stop, or die."""
        self._passed += 1
        if self._passed == self._at and self._signal:
            self.tell("stops" if self._signal == signal.SIGSTOP else "dies")
            os.kill(os.getpid(), self._signal)

    def around(self, method: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.failpoint()
            answer = method(*args, **kwargs)
            self.failpoint()
            return answer

        return call


def watch(told: Told) -> None:
    """Let every write be signed, and every step be a place to stop at."""
    leading = Repository._leading

    @contextmanager
    def signed(store: Repository) -> Iterator[Connection]:
        entered = False
        try:
            with leading(store) as connection:
                entered = True
                connection.execute(NOTE, {"epoch": store.epoch, "process": os.getpid()})
                told.failpoint()
                yield connection
                told.failpoint()
        except TryAgainError as error:
            if not entered and "took the lead" in str(error):
                told.tell("refused")
            raise

    Repository._leading = signed  # type: ignore[method-assign]
    for kind, names in WATCHED:
        for name in names:
            setattr(kind, name, told.around(getattr(kind, name)))


def live(asked: dict[str, Any]) -> None:
    """Lead, or exit with 75; then tick until killed, or so many times, eleven minutes after each other."""
    os.chdir(asked["folder"])
    clock, told = SharedClock(Path("clock")), Told(Path("told.txt"), asked)
    watch(told)
    PLANTED.get(asked.get("planted"), int)()
    settings = Settings.of(**asked["settings"])
    try:
        with staying(settings, clock=clock, trade_backlog=True) as daemon:
            tick(daemon, clock, asked.get("ticks"))
    except BotError as error:
        told.tell(f"ended: {error}")
        os._exit(error.exit_code)
    os._exit(0)


def tick(daemon: Daemon, clock: SharedClock, times: int | None) -> None:
    left, beaten = times, None
    while left is None or left:
        daemon.tick()
        if clock() != beaten:
            beaten = clock()
            daemon.beat()
        if left is None:
            time.sleep(PAUSE)
        else:
            clock.set(clock() + LATER)
            left -= 1


def hurry() -> None:
    """Nothing waits for the disk, nor for long for another process."""
    sqlite.PRAGMAS = ("PRAGMA busy_timeout=150", "PRAGMA foreign_keys=ON", "PRAGMA synchronous=OFF")  # type: ignore[misc]
    for name in ("WRITING", "READING"):
        setattr(postgresql, name, getattr(postgresql, name).replace("lock_timeout = '10s'", "lock_timeout = '150ms'"))
    logging.disable(logging.CRITICAL)  # who cannot write says so, again and again


def warm() -> None:
    """Pay once, for all lives, for what is only slow the first time; and nobody is asked what a ticker is."""
    App.mapper = lambda *_: Maps()  # type: ignore[method-assign, assignment]
    plugins.entry_points = cache(plugins.entry_points)  # type: ignore[attr-defined, assignment]
    create_engine("postgresql+psycopg://").dispose()  # nothing is connected, and its driver is imported
    settings = Settings.of(**account.PARTS, broker=f"{account.__name__}:one_step")
    with opened(settings, clock=lambda: account.BEGINS, fresh=True) as parts:
        parts.looking().plan()


def main() -> None:
    hurry()
    warm()
    for line in sys.stdin:
        asked = json.loads(line)
        if "end" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["end"], 0)[1])
        elif (answer := os.fork()) == 0:
            try:
                live(asked["begin"])
            except BaseException:  # noqa: BLE001 - a fork must not go on with what its parent does
                sys.excepthook(*sys.exc_info())
                os._exit(1)
        print(answer, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
