"""The lives of a bot, of which most are killed: one line of JSON on stdin is one life, its end is one on stdout.

Imports happen once; every life is a fork of this process. It looks for news as the daemon does until a SIGKILL ends it
after so many seconds, or until it is done.
"""

import json
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from multiprocessing import get_context
from typing import Any

import strategies.executives  # noqa: F401 - as the others above: for the forks, which would import them otherwise
from bot.app import opened, utc_now
from bot.plugins import Kit
from bot.sessions import Sessions
from bot.settings import Settings
from bot.sources.edgar.source import Edgar


def source(kit: Kit) -> Edgar:
    """EDGAR as fast as it goes: the stand-in has no limit."""
    settings = kit.settings
    lookback = timedelta(days=settings.edgar_lookback)
    return Edgar(kit.http, settings.edgar_url, settings.archive, lookback, per_second=1e6)


def look(settings: Mapping[str, Any], now: str) -> None:
    """What the daemon does whenever it looks for news, at that instant."""
    at = datetime.fromisoformat(now)
    with opened(Settings.of(**settings), clock=lambda: at) as parts:
        parts.acting(polling=True, trade_backlog=True).run()


def main() -> None:
    processes = get_context("fork")
    Sessions("XNYS").open_at(utc_now())  # the calendar, too, is read once
    for line in sys.stdin:
        asked = json.loads(line)
        begun = time.monotonic()
        life = processes.Process(target=look, args=(asked["settings"], asked["now"]))
        life.start()
        life.join(asked["seconds"])
        life.kill()
        life.join()
        ended = {"code": life.exitcode, "seconds": time.monotonic() - begun}
        print(json.dumps(ended), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
