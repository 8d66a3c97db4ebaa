"""Killed at any point, the bot ends with exactly one paper order per decision, its books right and nothing lost."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.model import OrderStatus, Side
from bot.store.database import open_database
from bot.store.paper import PaperBooks
from bot.store.repository import Repository
from tests.share import some

KILLED = -signal.SIGKILL
MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
OPENS = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
PRICES = [
    [symbol, at.isoformat(), price]
    for symbol, price in (("NWRB", "40"), ("HLCN", "50"))
    for at in (MORNING - timedelta(hours=11), OPENS, OPENS + timedelta(days=2))
]
DAY = (MORNING, OPENS + timedelta(minutes=1), OPENS + timedelta(hours=8))  # placed, filled, nothing left to do
LATER = (MORNING + timedelta(days=2), OPENS + timedelta(days=2, minutes=1))  # exits placed, and filled
POINTS = (62, 19)  # failpoints that an undisturbed morning and an undisturbed opening pass
LATER_POINTS = (59, 19)  # and those of the exits


def points(passed: int, *, step: int = 1) -> list[tuple[str, int]]:
    """Every third failpoint on SQLite, or every `step`th of these, and every fourth of them on PostgreSQL."""
    here = some(range(0, passed, step), every=3)
    return [("sqlite", n + 1) for n in here] + [("postgresql", n + 1) for n in here[::4]]


class Lives:
    """The lives of one bot; `live` is one of them, killed at a failpoint or not."""

    def __init__(self, driver: "subprocess.Popen[str]", url: str, folder: Path) -> None:
        self._driver = driver
        self.url = url
        self.log = folder / "failpoints.txt"

    def live(self, cycle: int, *, kill_at: int = 0) -> int:
        """The exit code of a cycle of the day, killed at the n-th failpoint unless that is 0."""
        ask(self._driver, cycle, url=self.url, kill_at=kill_at, log=str(self.log))
        assert self._driver.stdout is not None
        return int(self._driver.stdout.readline())


def ask(driver: "subprocess.Popen[str]", cycle: int, **asked: object) -> None:
    assert driver.stdin is not None
    driver.stdin.write(json.dumps({"now": (*DAY, *LATER)[cycle].isoformat(), "prices": PRICES, **asked}) + "\n")
    driver.stdin.flush()


@pytest.fixture(scope="module")
def driver() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash_driver"],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        ask(process, 1, log="")
        yield process


@pytest.fixture
def lives(driver: "subprocess.Popen[str]", database_url: str, tmp_path: Path) -> Lives:
    return Lives(driver, database_url, tmp_path)


def check(lives: Lives) -> None:
    """The oracle: from the rows, one filled order per decision at the broker; then our own books agree with it."""
    database = open_database(lives.url)
    book, store = PaperBooks(database, Decimal(10_000)), Repository(database)
    traded = sorted((o.symbol, o.quantity, o.price, o.status) for o in book.orders())
    assert traded == [("HLCN", 20, 50, OrderStatus.FILLED), ("NWRB", 25, 40, OrderStatus.FILLED)]
    assert book.cash() == Decimal(10_000) - 25 * 40 - 20 * 50 - 2
    assert [(held.symbol, held.quantity) for held in book.positions()] == [("HLCN", 20), ("NWRB", 25)]
    ours = {order.client_order_id: order for _, order in store.orders()}
    assert {key: order.filled for key, order in ours.items()} == {o.client_order_id: o.filled for o in book.orders()}
    assert store.open_orders() == []
    decided = {row["owner"]: row["client_order_id"] for row in store.decided()}
    assert set(decided) == {"Okafor Adaeze M", "Brandt Ilse", "Aalto Eero", "Quiroga Ines"}
    assert decided["Okafor Adaeze M"] == decided["Brandt Ilse"]
    assert {key for key in decided.values() if key} == set(ours)
    with database.read() as connection:
        if lives.url.startswith("sqlite"):
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert connection.execute(text("SELECT count(*) FROM fills")).scalar() == 2
    database.close()


def check_exits(lives: Lives) -> None:
    """The oracle after the exits: what was bought is sold, each share by one order, and nothing else has happened."""
    database = open_database(lives.url)
    book, store = PaperBooks(database, Decimal(10_000)), Repository(database)
    sold = sorted((o.side, o.symbol, o.quantity, o.status) for o in book.orders())
    assert sold == [(side, *share, OrderStatus.FILLED) for side in Side for share in (("HLCN", 20), ("NWRB", 25))]
    assert (book.cash(), list(book.positions()), store.holdings()) == (Decimal(10_000) - 4, [], [])
    ours = {order.client_order_id: order.filled for _, order in store.orders()}
    assert ours == {order.client_order_id: order.filled for order in book.orders()}
    exits = [row for row in store.decided() if row["source"] == "exit"]
    assert sorted(row["symbol"] for row in exits) == ["HLCN", "NWRB"]
    assert {row["client_order_id"] for row in store.decided() if row["client_order_id"]} == set(ours)
    assert store.open_orders() == []
    database.close()


def test_an_undisturbed_day_passes_every_failpoint(lives: Lives) -> None:
    passed = []
    for cycle in range(5):
        if cycle == len(DAY):
            check(lives)
        assert lives.live(cycle) == 0
        passed.append(len(lives.log.read_text().splitlines()))
    assert (*passed[:2], *passed[3:]) == POINTS + LATER_POINTS
    check_exits(lives)


@pytest.mark.parametrize(("database_url", "point"), points(POINTS[0]), indirect=["database_url"])
def test_killed_while_it_decides_places_and_activates(lives: Lives, point: int) -> None:
    assert lives.live(0, kill_at=point) == KILLED
    assert lives.live(0) == 0
    assert lives.live(1) == 0
    check(lives)


@pytest.mark.parametrize(("database_url", "point"), points(POINTS[1]), indirect=["database_url"])
def test_killed_while_the_orders_are_filled(lives: Lives, point: int) -> None:
    assert lives.live(0) == 0
    assert lives.live(1, kill_at=point) == KILLED
    assert lives.live(1) == 0
    check(lives)


@pytest.mark.parametrize(("database_url", "point"), points(LATER_POINTS[0], step=2), indirect=["database_url"])
def test_killed_while_it_decides_and_places_exits(lives: Lives, point: int) -> None:
    assert [lives.live(0), lives.live(1), lives.live(3, kill_at=point)] == [0, 0, KILLED]
    assert [lives.live(3), lives.live(4)] == [0, 0]
    check_exits(lives)


@pytest.mark.parametrize(("database_url", "point"), points(LATER_POINTS[1], step=2), indirect=["database_url"])
def test_killed_while_the_exits_are_filled(lives: Lives, point: int) -> None:
    assert [lives.live(0), lives.live(1), lives.live(3), lives.live(4, kill_at=point)] == [0, 0, 0, KILLED]
    assert lives.live(4) == 0
    check_exits(lives)


@pytest.mark.parametrize("step", [3, 7])
def test_killed_in_every_life_it_gets_a_little_further_each_time(lives: Lives, step: int) -> None:
    for point in range(step, POINTS[0], step):
        if lives.live(0, kill_at=point) == 0:
            break
    assert lives.live(0) == 0
    assert lives.live(1) == 0
    check(lives)
