"""Killed at any point before Alpaca's stand-in, the bot ends with exactly one live order per decision."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event

import pytest

from bot.demo.alpaca.market import server
from bot.demo.alpaca.server import AlpacaServer
from bot.demo.faults import Fault, Process
from bot.demo.serving import Reply
from bot.model import OrderStatus
from bot.store.database import open_database
from bot.store.repository import Repository
from tests.builders import NOW
from tests.fakes import Time
from tests.share import some

KILLED = -signal.SIGKILL
PATIENCE = 60  # seconds
POINTS = 60  # failpoints that an undisturbed first cycle passes


class Lives:
    """The lives of one bot, and the account they trade in; a minute passes between two of them."""

    def __init__(self, driver: "subprocess.Popen[str]", standin: AlpacaServer, time: Time, folder: Path) -> None:
        self._driver = driver
        self.standin, self.time = standin, time
        self.url = f"sqlite:///{folder}/bot.db"
        self.log = folder / "failpoints.txt"

    def begin(self, kill_at: int = 0) -> int:
        """A cycle that is to be killed at the n-th failpoint unless that is 0; its process."""
        ask(self._driver, self.standin, self.time, url=self.url, log=str(self.log), kill_at=kill_at)
        return self._line()

    def end(self) -> int:
        """Its exit code."""
        self.time.now += timedelta(minutes=1)
        return self._line()

    def live(self, kill_at: int = 0) -> int:
        self.begin(kill_at)
        return self.end()

    def _line(self) -> int:
        assert self._driver.stdout is not None
        return int(self._driver.stdout.readline())


def ask(driver: "subprocess.Popen[str]", standin: AlpacaServer, time: Time, **more: object) -> None:
    account = {"broker": standin.url, "key": standin.key, "secret": standin.secret}
    assert driver.stdin is not None
    driver.stdin.write(json.dumps({"now": time.now.isoformat(), **account, **more}) + "\n")
    driver.stdin.flush()


@pytest.fixture(scope="module")
def driver() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.brokers.alpaca_lives"]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        with server(NOW.date(), clock=(time := Time())) as standin:
            ask(process, standin, time, url="sqlite:///:memory:", log="")
            assert process.stdout is not None
            assert process.stdout.readline() == "0\n"
        yield process


@pytest.fixture
def lives(driver: "subprocess.Popen[str]", tmp_path: Path) -> Iterator[Lives]:
    time = Time()
    with server(NOW.date(), clock=time, cash=Decimal(10_000)) as standin:
        yield Lives(driver, standin, time, tmp_path)


def check(lives: Lives) -> None:
    """The oracle: one filled order per decision in the account, and each was written down before it was sent."""
    theirs = {order.ticket.client_order_id: order for order in lives.standin.orders}
    assert sorted((each.ticket.symbol, each.ticket.quantity, each.status) for each in theirs.values()) == [
        ("KLPF", 18, "filled"),
        ("NWRB", 24, "filled"),
    ]
    sent = [json.loads(each.body) for each in lives.standin.journal if each.method == "POST"]
    assert {json.dumps(body, sort_keys=True) for body in sent} == {
        json.dumps(body, sort_keys=True) for body in {body["client_order_id"]: body for body in sent}.values()
    }  # the same id never had another body
    database = open_database(lives.url)
    ours = {order.client_order_id: order for _, order in Repository(database).orders()}
    database.close()
    assert {key: order.status for key, order in ours.items()} == dict.fromkeys(theirs, OrderStatus.FILLED)
    assert {key: (order.filled, order.price) for key, order in ours.items()} == {
        key: (order.filled, order.average) for key, order in theirs.items()
    }


def test_an_undisturbed_day_passes_every_failpoint(lives: Lives) -> None:
    assert lives.live() == 0
    assert len(lives.log.read_text().splitlines()) == POINTS
    assert lives.live() == 0
    check(lives)


@pytest.mark.parametrize("point", some(range(1, POINTS + 1)))
def test_killed_while_it_decides_and_submits(lives: Lives, point: int) -> None:
    assert lives.live(kill_at=point) == KILLED
    assert lives.live() == 0
    assert lives.live() == 0
    check(lives)


@pytest.mark.parametrize("step", [3, 7])
def test_killed_in_every_life_it_gets_a_little_further_each_time(lives: Lives, step: int) -> None:
    for point in range(step, POINTS, step):
        if lives.live(kill_at=point) == 0:
            break
    assert lives.live() == 0
    assert lives.live() == 0
    check(lives)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("when", ["never", "before", "after the next life"])
def test_killed_while_an_order_is_on_its_way(lives: Lives, number: int, when: str) -> None:
    reached, over = Event(), Event()
    waiting: list[Process] = []

    def held(process: Process) -> Reply | None:
        if when == "before":
            process()
        waiting.append(process)
        reached.set()
        over.wait(PATIENCE)
        return None

    lives.standin.fail(Fault(method="POST", path="/v2/orders", effect=held, after=number - 1))
    process = lives.begin()
    assert reached.wait(PATIENCE)
    os.kill(process, signal.SIGKILL)
    assert lives.end() == KILLED
    over.set()
    assert lives.live() == 0
    if when == "after the next life":
        waiting[0]()
    assert lives.live() == 0
    assert lives.live() == 0
    check(lives)
