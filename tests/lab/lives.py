"""The worker's hold on the zygote: one life after the other, each with its exit code and what it did wrong."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tests.builders import NOW
from tests.fakes import Time
from tests.lab.accounts import Account, Simulated, account
from tests.lab.world import KINDS, Row
from tests.lab.zygote import TOLD

PROJECT: Final = Path(__file__).parents[2]
KILLED: Final = -signal.SIGKILL
NOWHERE: Final = "http://127.0.0.1:1"
CALM: Final = {"kill_at": 0, "cut_at": 0, "cut": 0, "watching": False, "deadline": 5}
ENDED: Final = "connections ended"  # as a life notes it
ENDS: Final = {0: "done", KILLED: "killed", TOLD: "told"}


class Lives:
    """Every life of every bot of this worker."""

    def __init__(self, zygote: "subprocess.Popen[str]", folder: Path) -> None:
        self._zygote = zygote
        self.folder = folder
        self.log = folder / "failpoints.txt"

    def live(
        self,
        kind: str,
        database: str,
        where: Account | Simulated,
        rows: tuple[Row, ...],
        now: datetime,
        **more: Any,
    ) -> int:
        """The exit code of one life; `more` is what is asked of it besides, as in CALM."""
        where.born(None)
        self._ask(kind, database, where, rows, now, log=str(self.log), **more)
        where.born(self._line())
        code = self._line()
        where.born(None)
        return code

    def warm(self) -> None:
        """Let the zygote live once before every broker, so that its forks need not import or compile anything."""
        row = Row(number=0, symbol="NWRB", code="P", is_officer=True, known_at=NOW)
        for kind in KINDS:
            database = f"sqlite:///{self.folder}/warm-{kind}.db"
            with account(kind, database, Time()) as where:
                self._ask(kind, database, where, (row,), NOW, log="")
                self._line()

    def passed(self) -> list[str]:
        """The failpoints that the last life has passed."""
        return [line for line in self.log.read_text().splitlines() if not line.startswith(("!", "told:"))]

    def wrong(self) -> list[str]:
        """What the last life did that no life may."""
        return [line[2:] for line in self.log.read_text().splitlines() if line.startswith("!")]

    def said(self) -> str:
        """With which sentence the last life ended."""
        return next((line[6:] for line in self.log.read_text().splitlines() if line.startswith("told:")), "")

    def _ask(
        self,
        kind: str,
        database: str,
        where: Account | Simulated,
        rows: tuple[Row, ...],
        now: datetime,
        **more: Any,
    ) -> None:
        asked = {"kind": kind, "database": database, "broker": where.url, "keys": where.keys, **CALM, **more}
        asked |= {"rows": [told(row) for row in rows], "now": now.isoformat()}
        assert self._zygote.stdin
        self._zygote.stdin.write(json.dumps(asked) + "\n")
        self._zygote.stdin.flush()

    def _line(self) -> int:
        assert self._zygote.stdout
        return int(self._zygote.stdout.readline())


def told(row: Row) -> dict[str, Any]:
    """A row in JSON's types."""
    return asdict(row) | {"known_at": row.known_at.isoformat()}


@contextmanager
def zygote(folder: Path, project: Path = PROJECT) -> Iterator[Lives]:
    """A warm zygote of this project, or of a copy with a bug in it; its databases and logs are in the folder."""
    command = [sys.executable, "-m", "tests.lab.zygote"]
    with (
        (folder / "said.txt").open("w") as said,
        subprocess.Popen(
            command,
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        lives = Lives(process, folder)
        lives.warm()
        yield lives
