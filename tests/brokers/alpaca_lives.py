"""A bot that trades at Alpaca's stand-in, killed where it is told to: one line of JSON on stdin is one life.

Its end is one line on stdout: the exit code. A failpoint stands before and after everything that is written or sent.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bot.book import Policy
from bot.engine import Bot
from bot.http import Http
from bot.orders import Desk
from bot.store import sqlite
from bot.store.database import open_database
from bot.store.repository import Repository
from bot.trader import Trader
from strategies.rules import follow, officers_only, open_market
from tests.brokers.alpaca import adapter
from tests.builders import trade
from tests.crash_driver import Failpoints
from tests.fakes import Exchange, Maps, Quotes, Shows, Time, Weekdays

WATCHED = ((Repository, ("record", "move")), (Http, ("get", "post_json")))


def live(asked: dict[str, Any], failpoint: Callable[[str], None]) -> None:
    """One cycle over the database."""
    database = open_database(asked["url"])
    event.listen(database._engine, "commit", lambda _: failpoint("in a transaction"))
    clock = Time(datetime.fromisoformat(asked["now"]))
    store, sessions = Repository(database), Weekdays()
    broker = adapter(alpaca_url=asked["broker"], alpaca_key=asked["key"], alpaca_secret=asked["secret"])
    rows = [
        trade(),
        trade(owner="Brandt Ilse", title="Chief Executive Officer"),
        trade(symbol="KLPF", owner="Aalto Eero", price=Decimal(54)),
        trade(symbol="TDWX", owner="Quiroga Ines", is_officer=False),
    ]
    trader = Trader(
        mapper=Maps(),
        broker=broker,
        store=store,
        sessions=sessions,  # type: ignore[arg-type]
        rates=Exchange(),
        prices=Quotes(),
        policy=Policy(account="paper", strategy="executives", notional=Decimal(1000)),
    )
    Bot(
        sources=[Shows(*rows)],
        strategy=follow(open_market, officers_only),
        trader=trader,
        store=store,
        clock=clock,
        desk=Desk(broker, store, clock),
        trade_backlog=True,
    ).run()
    database.close()


def main() -> None:
    """Live as often as asked, each life a fork of this process; the first one, in it, pays for what is slow once."""
    sqlite.PRAGMAS = ("PRAGMA foreign_keys=ON", "PRAGMA synchronous=OFF")  # a killed process need not wait for the disk
    for line in sys.stdin:
        asked = json.loads(line)
        if not asked["log"]:
            live(asked, lambda _: None)
            print(0, flush=True)  # noqa: T201
            continue
        child = os.fork()
        if child == 0:
            failpoints = Failpoints(Path(asked["log"]), asked["kill_at"])
            for kind, names in WATCHED:
                for name in names:
                    setattr(kind, name, failpoints.around(getattr(kind, name)))
            live(asked, failpoints)
            os._exit(0)
        print(child, flush=True)  # noqa: T201
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
