"""An upgrade that is killed where it is told to: one line of JSON on stdin is one life, its end is one on stdout."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from bot.store.migrations import upgrade


@contextmanager
def failing(at: int, fail: Callable[[], Any]) -> Iterator[list[str]]:
    """Fail before the n-th statement that changes anything, or at the end; yields the statements that were reached."""
    reached: list[str] = []

    def pass_by(name: str) -> None:
        reached.append(name)
        if len(reached) == at:
            fail()

    def statement(_c: Any, _cursor: Any, words: str, *_: Any) -> None:
        if not words.lstrip().startswith(("SELECT", "PRAGMA", "BEGIN", "SET")):
            pass_by(words)

    def commit(_: Any) -> None:
        pass_by("COMMIT")

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", commit)
    try:
        yield reached
    finally:
        event.remove(Engine, "before_cursor_execute", statement)
        event.remove(Engine, "commit", commit)


def main() -> None:
    """Upgrade as often as asked, each time in a fork of this process."""
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            with failing(asked["kill_at"], lambda: os.kill(os.getpid(), signal.SIGKILL)):
                upgrade(asked["url"])
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
