"""Kills the bot again and again while filings come in, and counts: `python -m tests.kills --filings 10000`.

A life of the bot is a process that reads the news at EDGAR, decides, places and activates orders, as the daemon does
whenever it looks. A SIGKILL ends it at a random instant; the next life finds what the last one has left, and more news.
In the end every filing was decided once, and every order that follows is at the broker once.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count as counting
from pathlib import Path
from random import Random
from typing import Any

from bot.app import opened
from bot.demo.companies import Share, records
from bot.demo.edgar.filings import Filing
from bot.demo.edgar.server import EdgarServer
from bot.demo.openfigi import OpenFigiServer
from bot.model import NEW_YORK, Order, OrderStatus
from bot.ports import Clock
from bot.settings import Settings
from bot.store.paper import PaperBooks
from tests.sources.edgar import world

FIRST_DAY = datetime(2026, 3, 2, tzinfo=NEW_YORK)  # a Monday
FRIDAY = FIRST_DAY - timedelta(days=3)
A_DAY = 2500  # filings; fewer would leave the bot dead for so long that orders miss their session
OPENS, CLOSES = 6 * 60, 22 * 60  # minutes of the day while EDGAR accepts filings
COMPANIES = 9
PRICE = Decimal("40.81")
LIVES = 3  # between the arrival of two batches
LONGER = 1.2  # lives grow with what is known: whoever is killed is expected to have needed more time than was thought
DONE = {OrderStatus.WORKING, OrderStatus.FILLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened, and what is wrong in the end."""

    lives: int
    kills: int
    filings: int
    downloads: int
    orders: int
    wrong: tuple[str, ...]


class Lives:
    """One life of the bot after the other; `lived` of them so far, and `killed`."""

    def __init__(self, driver: "subprocess.Popen[str]", settings: Mapping[str, Any], random: Random) -> None:
        self._driver = driver
        self._settings = settings
        self._random = random
        self._usual = 0.0
        self.lived = self.killed = 0

    def live(self, now: datetime, *, to_the_end: bool = False) -> None:
        """One life, killed at a random instant unless it may go to the end; AssertionError when it ends otherwise."""
        assert self._driver.stdin
        assert self._driver.stdout
        spared = to_the_end or not self._usual
        seconds = None if spared else self._random.uniform(0, self._usual)
        asked = {"settings": self._settings, "now": now.isoformat(), "seconds": seconds}
        self._driver.stdin.write(json.dumps(asked) + "\n")
        self._driver.stdin.flush()
        ended = json.loads(self._driver.stdout.readline())
        assert ended["code"] in {0, -signal.SIGKILL}, f"a life ended by itself with {ended['code']}"
        self.lived += 1
        if ended["code"]:
            self.killed += 1
            self._usual *= LONGER
        else:
            self._usual = ended["seconds"]


@contextmanager
def driver() -> Iterator["subprocess.Popen[str]"]:
    """The process whose forks are the lives."""
    command = [sys.executable, "-m", "tests.kills_driver"]
    folder = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def run(count: int, folder: Path, *, seed: int = 1) -> Outcome:
    """So many filings, in batches over days, and three lives after each batch; the last one is not killed."""
    random, clock = Random(seed), world.Moment()
    days = [FIRST_DAY + timedelta(days=number) for number in range(-(-count // A_DAY))]
    coming = filings(count, days, random)
    with services(folder, clock, days) as (edgar, settings), driver() as forking:
        lives = Lives(forking, settings, random)
        for batch in batches(coming):
            clock.now = batch[-1].accepted_at
            edgar.publish(*batch)
            for _ in range(LIVES):
                lives.live(clock.now)
        lives.live(clock.now, to_the_end=True)
        downloads = Counter(Path(path).stem for path in edgar.journal if path.endswith(".txt"))
        with opened(Settings.of(**settings), clock=clock) as parts:
            decided = Counter(row["accession"] for row in parts.store.decided())
            ours = [order for _, order in parts.store.orders()]
            theirs = PaperBooks(parts._database, Decimal(0)).orders()
    once = Counter(filing.accession for filing in coming)
    expected = {(filing.parties[0].cik, filing.filed_on) for filing in coming}
    found = {
        "filings that were lost": once - decided,
        "filings that were decided twice": decided - once,
        "filings that were read again though no kill had cut them off": downloads.total() - count > lives.killed,
        "orders that are missing or too many": len(ours) != len(expected),
        "orders that are not at the broker as we know them": states(ours) != states(theirs),
        "orders that are neither working nor filled": {order.status for order in ours} - DONE,
    }
    return Outcome(
        lives=lives.lived,
        kills=lives.killed,
        filings=decided.total(),
        downloads=downloads.total(),
        orders=len(theirs),
        wrong=tuple(name for name, is_wrong in found.items() if is_wrong),
    )


def states(orders: Sequence[Order]) -> Counter[tuple[Any, ...]]:
    """How often there is each order."""
    return Counter((order.client_order_id, order.status, order.filled) for order in orders)


def filings(count: int, days: Sequence[datetime], random: Random) -> list[Filing]:
    """So many officers' purchases in the order of their acceptance on these days, while EDGAR was open."""
    instants = [random.choice(days) + timedelta(minutes=random.randrange(OPENS, CLOSES)) for _ in range(count)]
    made = [world.filing(number, at.astimezone(UTC)) for number, at in enumerate(instants, start=1)]
    return sorted(made, key=lambda one: one.accepted_at)


def batches(coming: Sequence[Filing]) -> list[Sequence[Filing]]:
    """Ten to a hundred at a time."""
    size = max(10, min(100, len(coming) // 20))
    return [coming[first : first + size] for first in range(0, len(coming), size)]


@contextmanager
def services(folder: Path, clock: Clock, days: Sequence[datetime]) -> Iterator[tuple[EdgarServer, dict[str, Any]]]:
    """EDGAR and OpenFIGI on loopback, prices in a file, and the settings that lead to them and to a paper account."""
    shares = [
        Share(900 + number, f"NWR{'ABCDEFGHI'[number]}", f"Northwind & Søn {number} Inc", PRICE)
        for number in range(COMPANIES)
    ]
    bars = [f"{day:%Y-%m-%d},{share.ticker},{PRICE},{PRICE}" for day in (FRIDAY, *days) for share in shares]
    (folder / "prices.csv").write_text("\n".join(["date,symbol,open,close", *bars]), encoding="utf-8")
    minute = counting()  # a life that is killed may not have kept what it was told, and the next one asks again at once
    with (
        EdgarServer(clock=clock, per_second=None) as edgar,
        OpenFigiServer(records(shares), monotonic=lambda: 60.0 * next(minute)) as figi,
    ):
        yield (
            edgar,
            {
                "sources": ["tests.kills_driver:source"],
                "edgar_url": edgar.url,
                "archive": str(folder / "archive"),
                "user_agent": "insiderbot tests@example.org",
                "openfigi_url": figi.url,
                "prices": f"files:{folder / 'prices.csv'}",
                "database_url": f"sqlite:///{folder / 'bot.db'}",
            },
        )


def main() -> None:
    """Run it, and say what happened; the exit code is 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=str(__doc__), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--filings", type=int, default=10_000, help="how many come in (default: 10000)")
    parser.add_argument("--seed", type=int, default=1, help="another one, other filings and other kills")
    asked = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(asked.filings, Path(folder), seed=asked.seed)
    print(  # noqa: T201
        f"{outcome.kills} of {outcome.lives} lives were killed; {outcome.filings:,} filings decided, downloaded"
        f" {outcome.downloads:,} times, {outcome.orders} orders placed; {time.monotonic() - begun:.0f} s"
    )
    sys.exit(f"wrong: {'; '.join(outcome.wrong)}" if outcome.wrong else 0)


if __name__ == "__main__":
    main()
