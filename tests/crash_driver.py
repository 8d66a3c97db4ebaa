"""A bot whose process is killed where it is told to: one line of JSON on stdin is one life, its end is one on stdout.

Imports happen once; every life is a fork of this process that dies by a real SIGKILL at its n-th failpoint, or ends by
itself. A failpoint stands before and after everything that is written or sent, and inside every transaction.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event

from bot.book import Policy
from bot.engine import Bot
from bot.exits import Exits
from bot.model import OrderStatus, Terms
from bot.orders import Desk
from bot.store import sqlite
from bot.store.database import open_database
from bot.store.paper import PaperBooks
from bot.store.repository import Repository
from bot.trader import Trader
from brokers.simulated import SimulatedBroker
from strategies.rules import follow, officers_only, open_market
from tests.builders import quote, trade
from tests.fakes import Exchange, Maps, Quotes, Shows, Time, Weekdays

WATCHED = ((Repository, ("record", "move", "settle_in")), (SimulatedBroker, ("submit", "activate", "find", "orders")))


class Failpoints:
    """Writes down every failpoint passed and kills the process at the n-th."""

    def __init__(self, log: Path, kill_at: int) -> None:
        self._log = log.open("w", encoding="utf-8")
        self._kill_at = kill_at
        self._passed = 0

    def __call__(self, name: str) -> None:
        """Pass it, or die."""
        print(name, file=self._log, flush=True)
        self._passed += 1
        if self._passed == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, method: Any) -> Any:
        """The method with a failpoint before and after it."""

        def call(*args: Any, **kwargs: Any) -> Any:
            self(f"before {method.__name__}")
            answer = method(*args, **kwargs)
            self(f"after {method.__name__}")
            return answer

        return call


def live(url: str, now: str, prices: list[list[str]], failpoint: Callable[[str], None]) -> None:
    """One cycle over the database."""
    database = open_database(url)
    event.listen(database._engine, "commit", lambda _: failpoint("in a transaction"))
    clock = Time(datetime.fromisoformat(now))
    store = Repository(database)
    known = [
        quote(symbol, at=datetime.fromisoformat(at), bid=Decimal(price), ask=Decimal(price))
        for symbol, at, price in prices
    ]
    broker = SimulatedBroker(
        book=PaperBooks(database, Decimal(10_000)), prices=Quotes(*known), clock=clock, conditions=Terms(fee=Decimal(1))
    )
    rows = [
        trade(),
        trade(owner="Brandt Ilse", title="Chief Executive Officer"),
        trade(symbol="HLCN", owner="Aalto Eero"),
        trade(symbol="TDWT", owner="Quiroga Ines", is_officer=False),
    ]
    sessions: Any = Weekdays()
    policy = Policy(account="paper", strategy="executives", notional=Decimal(1000), exits=Exits(after=2))
    Bot(
        sources=[Shows(*rows)],
        strategy=follow(open_market, officers_only),
        trader=Trader(
            mapper=Maps(),
            broker=broker,
            store=store,
            sessions=sessions,
            rates=Exchange(),
            prices=Quotes(*known),
            policy=policy,
        ),
        store=store,
        clock=clock,
        desk=Desk(broker, store, clock),
        trade_backlog=True,
    ).run()
    assert all(order.status is not OrderStatus.REJECTED for _, order in store.orders())
    database.close()


def main() -> None:
    """Live as often as asked; a first life in memory pays for everything that is only slow once."""
    sqlite.PRAGMAS = (
        "PRAGMA foreign_keys=ON",
        "PRAGMA synchronous=OFF",
    )  # a killed process loses nothing by not waiting for the disk
    create_engine("postgresql+psycopg://").dispose()  # nothing is connected, and its driver is imported
    for line in sys.stdin:
        asked = json.loads(line)
        if not asked["log"]:
            live("sqlite:///:memory:", asked["now"], asked["prices"], lambda _: None)
            continue
        child = os.fork()
        if child == 0:
            failpoints = Failpoints(Path(asked["log"]), asked["kill_at"])
            for kind, names in WATCHED:
                for name in names:
                    setattr(kind, name, failpoints.around(getattr(kind, name)))
            live(asked["url"], asked["now"], asked["prices"], failpoints)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
