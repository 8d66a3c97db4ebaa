"""`insiderbot` on a machine that fails: one line of JSON on stdin is one life, its exit code is one line on stdout.

Imports happen once; every life is a fork of this process that runs the real command line in its folder, with a clock of
its own, and meets its fault when it is about to commit its n-th transaction, or at its n-th failpoint. It trades in an
account that is a journal (tests.duel.account), where the fault leaves a line of its own.
"""

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, text

import bot.app as wiring
from bot import cli, console  # noqa: F401 - console for the forks, which would import it otherwise
from bot.store import sqlite
from tests.duel import account
from tests.duel.account import arrives
from tests.duel.driver import warm

Fault = Callable[[Connection], None]
FILE = Path("bot.db")
LONGEST = 30  # seconds of a life


def full(_: Connection) -> None:
    """From now on the disk under the database is full, whatever is written: ENOSPC, by the device for that."""
    _replace(os.open("/dev/full", os.O_RDWR))


def broken(_: Connection) -> None:
    """From now on nothing can be written to the database's file: ESPIPE, since it is a pipe by now."""
    _replace(os.pipe()[1])


def read_only(connection: Connection) -> None:
    """From the next transaction on this connection may only read."""
    connection.exec_driver_sql("PRAGMA query_only=ON")


def held(_: Connection) -> None:
    """Before the next transaction begins another connection takes the database, and keeps it for as long as we live."""
    other = sqlite3.connect(FILE, isolation_level=None, check_same_thread=False)
    event.listen(Engine, "begin", lambda _: other.in_transaction or other.execute("BEGIN EXCLUSIVE"))


def crashed(connection: Connection) -> None:
    """The server's process of this connection is killed, whereupon the server starts again and forgets all others."""
    os.kill(connection.execute(text("SELECT pg_backend_pid()")).scalar_one(), signal.SIGKILL)


def _replace(other: int) -> None:
    """Let every open descriptor of the database's file lead elsewhere."""
    for link in Path("/proc/self/fd").iterdir():
        if link.exists() and link.samefile(FILE):
            os.dup2(other, int(link.name))


FAULTS: dict[str, Fault] = {fault.__name__: fault for fault in (full, broken, read_only, held, crashed)}


class Clock:
    """A clock that stands, and from its n-th look on stands elsewhere."""

    def __init__(self, now: datetime, jump: timedelta, at: int) -> None:
        self.now, self._jump, self._left = now, jump, at

    def __call__(self) -> datetime:
        self._left -= 1
        if self._left == 0:
            self.now += self._jump
        return self.now


class Failing:
    """Where a life meets its fault."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._fault = FAULTS.get(asked.get("fault", ""))
        self._commit, self._point = asked.get("commit", 0), asked.get("point", 0)
        self._commits = self._points = 0

    def commit(self, connection: Connection) -> None:
        """The n-th transaction is about to be committed."""
        self._commits += 1
        if self._fault and self._commits == self._commit:
            arrives(account.JOURNAL, do="fault", id="")
            self._fault(connection)
        self.pass_by()

    def pass_by(self) -> None:
        """The n-th place where it is told to end."""
        self._points += 1
        if self._points == self._point:
            arrives(account.JOURNAL, do="fault", id="")
            os.kill(os.getpid(), signal.SIGTERM)

    def told(self) -> str:
        return json.dumps({"commits": self._commits, "points": self._points})


def live(asked: dict[str, Any]) -> None:
    """One command, or the daemon until it is told to end."""
    signal.alarm(LONGEST)
    os.chdir(asked["folder"])
    os.environ.update(asked["settings"])
    out = os.open("out.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    failing = Failing(asked)
    event.listen(Engine, "commit", failing.commit)
    clock = Clock(datetime.fromisoformat(asked["now"]), timedelta(hours=asked.get("jump", 0)), asked.get("look", 0))

    def dated(journal: Path, **what: str) -> None:
        failing.pass_by()
        arrives(journal, **what, now=clock.now.isoformat())
        failing.pass_by()

    account.arrives = dated
    hasty = "PRAGMA synchronous=OFF"  # nobody pulls the plug: what a process has written, the next one reads
    sqlite.PRAGMAS = (*sqlite.PRAGMAS, hasty, *asked.get("pragmas", ()))  # type: ignore[misc]
    if not asked["command"].startswith("daemon"):  # whose alarm rings by the real clock
        wiring.utc_now = clock
    wiring.staying.__wrapped__.__kwdefaults__["clock"] = clock  # type: ignore[attr-defined]
    try:
        sys.argv = ["insiderbot", *asked["command"].split()]
        cli.main()
    finally:
        Path("passed.json").write_text(failing.told())


def main() -> None:
    warm()
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                live(asked)
                code = 0
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 0
            except BaseException:  # noqa: BLE001 - a fork must not go on with what its parent does
                sys.excepthook(*sys.exc_info())
            sys.stdout.flush()
            os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
