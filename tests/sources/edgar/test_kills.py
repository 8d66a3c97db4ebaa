"""Killed anywhere while it reads EDGAR, the source goes on from there: nothing is lost and nothing is shown twice."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bot.demo.edgar.server import EdgarServer
from tests.sources.edgar.world import NOW, filing, filings, server

COUNT = int(os.environ.get("INSIDERBOT_KILLED_FILINGS", "300"))
BATCHES = 10 * max(1, COUNT // 1000)
LIVES = 3  # between the arrival of two batches
CALLS = 500  # of a function, a filing
KILLED = -signal.SIGKILL


class Lives:
    """The lives of one source over one folder."""

    def __init__(self, driver: "subprocess.Popen[str]", site: EdgarServer, folder: Path) -> None:
        self._driver = driver
        self._asked = {"url": site.url, "folder": str(folder), "now": NOW.isoformat()}
        self._shown = folder / "shown.json"

    def live(self, kill_at: int = 0) -> int:
        """The exit code of one fetch."""
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        self._driver.stdin.write(json.dumps({**self._asked, "kill_at": kill_at}) + "\n")
        self._driver.stdin.flush()
        return int(self._driver.stdout.readline())

    def shown(self) -> dict[str, Any]:
        """What the last life showed that was not killed."""
        told: dict[str, Any] = json.loads(self._shown.read_text())
        return told


@pytest.fixture
def site() -> Any:
    with server() as running:
        yield running


@pytest.fixture
def lives(site: EdgarServer, tmp_path: Path) -> Any:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.sources.edgar.fetching"],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Lives(process, site, tmp_path)


def test_killed_again_and_again_it_reads_every_filing_once(site: EdgarServer, lives: Lives, tmp_path: Path) -> None:
    """The first batch was filed yesterday and is in the index; the others arrive today, between the lives."""
    random, batch = Random(COUNT), COUNT // BATCHES
    ago = [timedelta(days=1)] * batch + [timedelta(minutes=random.randrange(720)) for _ in range(COUNT - batch)]
    published = [filing(number, NOW - before) for number, before in enumerate(ago, start=1)]
    arriving = sorted(published, key=lambda one: one.accepted_at)
    kills = 0
    while arriving:
        now, arriving = arriving[:batch], arriving[batch:]
        site.publish(*now)
        kills += sum(lives.live(kill_at=random.randrange(1, CALLS * COUNT)) == KILLED for _ in range(LIVES))
    assert lives.live() == 0
    told = lives.shown()
    assert sorted(key.partition(":")[0] for key in told["keys"]) == sorted(one.accession for one in published)
    assert told["left_out"] == []
    assert kills > BATCHES
    asked = Counter(path for path in site.journal if path.endswith(".txt"))
    assert sum(asked.values()) - COUNT <= kills, "a kill costs the one filing that was on its way"
    assert len(list((tmp_path / "documents").rglob("*.gz"))) == COUNT


def test_killed_at_any_call_of_a_small_fetch_it_loses_nothing(site: EdgarServer, lives: Lives, tmp_path: Path) -> None:
    """The last step of every life is another one, over a whole fetch of two filings."""
    published = filings(2, until=NOW - timedelta(days=1)) + filings(2, first=10)
    site.publish(*published)
    kill_at = 1
    while lives.live(kill_at) == KILLED:
        kill_at = max(kill_at + 1, kill_at * 6 // 5)
        if kill_at % 2:  # every other time from the beginning
            for path in tmp_path.glob("catalogue*"):
                path.unlink()
    assert sorted(key.partition(":")[0] for key in lives.shown()["keys"]) == sorted(one.accession for one in published)
    assert kill_at > 1000
