"""An EDGAR source that is killed where it is told to: one line of JSON on stdin is one life, its end one on stdout.

Imports happen once; every life is a fork of this process that dies by a real SIGKILL at its n-th call of a function,
Python's or C's, or ends by itself and tells which lines it has shown.
"""

import json
import os
import signal
import sys
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from tests.sources.edgar.world import edgar


def live(url: str, folder: str, now: str, kill_at: int) -> None:
    """One fetch; what it shows is written beside the archive."""
    source = edgar(url, Path(folder))
    calls = count(1)

    def die(*_: Any) -> None:
        if next(calls) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(die if kill_at else None)
    table = source.fetch(datetime.fromisoformat(now))
    sys.setprofile(None)
    told = {"keys": list(table["key"]), "left_out": table.attrs["left_out"], "calls": next(calls) - 1}
    Path(folder, "shown.json").write_text(json.dumps(told))


def main() -> None:
    for line in sys.stdin:
        life = os.fork()
        if not life:
            live(**json.loads(line))
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(life, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
