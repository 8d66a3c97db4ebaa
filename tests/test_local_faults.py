"""The machine fails: the disk, the file, the clock, the database server. Nothing is sent that was not written down
before, what a person is told is one sentence, and in the end there is one order per decision.

The real command line in a process of its own, over a real store; the oracle is the journal of the account.
"""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.model import Order
from bot.store.database import open_database
from bot.store.repository import Repository
from tests.duel import account
from tests.duel.account import BEGINS, NEWS, journal_of, stands
from tests.postgresql import Server
from tests.share import some

Kind = Literal["one_step", "two_step"]
KINDS: tuple[Kind, ...] = ("one_step", "two_step")
ALL = BEGINS + timedelta(minutes=30)  # by then all the news is out
COMMITS = {"one_step": 8, "two_step": 12}  # of an undisturbed first run at the beginning, with two orders
POINTS = {"one_step": 12, "two_step": 20}  # places where it may be told to end
QUICK = 20  # seconds on a busy machine; on an idle one it is less than one


class Bot:
    """One bot and its folder; `out` is what its last command has said."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path, kind: Kind, url: str = "") -> None:
        self._process, self.folder, self.kind = process, folder, kind
        self.url = url or f"sqlite:///{folder}/bot.db"
        self.seconds = 0.0

    def run(self, now: datetime = BEGINS, command: str = "run --trade-backlog", **fault: Any) -> int:
        """The exit code of one command at this instant, with this fault."""
        parts = {**account.PARTS, "broker": f"{account.__name__}:{self.kind}", "database_url": self.url}
        settings = {f"BOT_{name.upper()}": value for name, value in parts.items()}
        asked = {"folder": str(self.folder), "settings": settings, "command": command, "now": now.isoformat(), **fault}
        assert self._process.stdin
        assert self._process.stdout
        begun = time.monotonic()
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        self.seconds = time.monotonic() - begun
        return code

    @property
    def out(self) -> str:
        return (self.folder / "out.txt").read_text()

    @property
    def sentence(self) -> str:
        """The one sentence that a command which failed has said."""
        (line,) = [line for line in self.out.splitlines() if line.startswith("insiderbot: ")]
        return line.removeprefix("insiderbot: ")

    @property
    def halted(self) -> str:
        """Why it is halted, by `insiderbot status`."""
        assert self.run(command="status --format json") == 0
        return str(json.loads(self.out)["halted"])

    @property
    def journal(self) -> list[dict[str, Any]]:
        return journal_of(self.folder / "account.jsonl")

    @property
    def theirs(self) -> list[Order]:
        """Every order of the account as it stands."""
        return list(stands(self.journal, two_step=self.kind == "two_step").values())

    @property
    def sent(self) -> list[str]:
        """What was sent that could trade: submissions and activations, in order."""
        return [line["id"] for line in self.journal if line["do"] in {"submit", "activate"}]

    def sent_after_the_fault(self) -> int:
        after = self.journal[[line["do"] for line in self.journal].index("fault") :]
        return sum(line["do"] in {"submit", "activate"} for line in after)

    def check(self, symbols: set[str]) -> None:
        """One filled order for each of these, none that could still be, and all of them as our books have them."""
        theirs = self.theirs
        assert Counter(each.symbol for each in theirs if each.filled) == Counter(list(symbols))
        assert all(each.status.is_final for each in theirs)
        with closing(open_database(self.url)) as database:
            store = Repository(database)
            ours = {(o.symbol, o.broker_order_id, o.filled, o.status) for _, o in store.orders()}
            assert ours == {(o.symbol, o.broker_order_id, o.filled, o.status) for o in theirs if o.filled}
            assert store.halted() is None
            self.check_written_before_sent(store)
            if self.url.startswith("sqlite"):
                with database.read() as connection:
                    assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"

    def check_written_before_sent(self, store: Repository) -> None:
        for key, times in Counter(line["key"] for line in self.journal if line["do"] == "submit").items():
            assert times <= sum(step["after"] == "submitting" for step in store.life(key))


@pytest.fixture(scope="module")
def driver() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.local_faults_driver"]
    folder = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def bot(driver: "subprocess.Popen[str]", kind: Kind, tmp_path: Path) -> Bot:
    return Bot(driver, tmp_path, kind)


FIRST = {symbol for symbol, minutes in NEWS.items() if minutes == 0}


def test_an_undisturbed_run_commits_and_sends_as_often_as_these_tests_think(bot: Bot) -> None:
    assert bot.run() == 0, bot.out
    passed = json.loads((bot.folder / "passed.json").read_text())
    assert (passed["commits"], passed["points"]) == (COMMITS[bot.kind], POINTS[bot.kind])
    bot.check(FIRST)
    assert bot.run(ALL) == 0
    bot.check(set(NEWS))


# -- L2: told to end at any moment


@pytest.mark.parametrize("point", some(range(1, POINTS["two_step"] + 1, 3)))
def test_a_daemon_that_is_told_to_end_at_any_moment_ends_well(point: int, bot: Bot) -> None:
    point = (point - 1) % POINTS[bot.kind] + 1  # there may be no later one to meet
    code = bot.run(command="daemon --trade-backlog", point=point)
    assert code in {0, 143}, bot.out  # 143 before it has begun
    assert bot.seconds < 15
    assert bot.run() == 0
    bot.check(FIRST)


@pytest.mark.parametrize("point", some(range(1, POINTS["two_step"] + 1, 3)))
def test_a_run_that_is_told_to_end_at_any_moment_is_gone_on_with(point: int, bot: Bot) -> None:
    assert bot.run(point=point) in {-signal.SIGTERM, 0}
    assert bot.run() == 0
    bot.check(FIRST)


# -- L4, L8, L9: the disk


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("full", "the database cannot be used: database or disk is full"),
        ("broken", "the database cannot be used: disk I/O error"),
    ],
)
@pytest.mark.parametrize("commit", some(range(1, COMMITS["two_step"] + 1)))
def test_nothing_is_sent_after_a_commit_that_the_disk_has_refused(
    commit: int, fault: str, sentence: str, bot: Bot
) -> None:
    commit = (commit - 1) % COMMITS[bot.kind] + 1
    assert bot.run(fault=fault, commit=commit) == 1
    assert bot.seconds < QUICK
    assert bot.sentence == sentence
    assert bot.sent_after_the_fault() == 0
    assert bot.run() == 0, bot.out
    bot.check(FIRST)


@pytest.mark.parametrize("commit", range(1, COMMITS["one_step"]))
def test_nothing_is_sent_that_a_read_only_disk_could_not_take(commit: int, bot: Bot) -> None:
    """The transaction is the last one that is written; what it has written down may still be sent."""
    assert bot.run(fault="read_only", commit=commit) == 1
    assert bot.sentence.startswith("the database is read-only")
    assert bot.sent_after_the_fault() <= 1
    assert bot.run() == 0
    bot.check(FIRST)


def test_a_read_only_disk_sends_nothing_from_the_beginning(bot: Bot) -> None:
    assert bot.run() == 0
    before = bot.sent
    assert bot.run(ALL, pragmas=["PRAGMA query_only=ON"]) == 1
    assert bot.sentence.startswith("the database is read-only")
    assert bot.sent == before


def test_a_folder_in_which_nobody_can_lead_sends_nothing(bot: Bot) -> None:
    (bot.folder / "bot.db.lead").mkdir()  # even for root no file can be made there
    assert bot.run() == 1
    assert "cannot be locked" in bot.sentence
    assert bot.sent == []


# -- L5, L6: the store

HALTS = ((1, 1), (2, 0), (26, 0))  # hours later, and the exit code: the run that halts tells so


def test_a_database_of_yesterday_halts_the_bot_and_sends_nothing(bot: Bot) -> None:
    assert bot.run() == 0
    shutil.copy(bot.folder / "bot.db", bot.folder / "yesterday.db")
    assert bot.run(ALL) == 0
    bot.check(set(NEWS))
    before = bot.sent
    shutil.copy(bot.folder / "yesterday.db", bot.folder / "bot.db")
    for hours, code in HALTS:
        assert bot.run(ALL + timedelta(hours=hours)) == code
        assert bot.sent == before
    assert "or an older copy of it" in bot.halted


def test_a_database_that_was_deleted_halts_the_bot_and_sends_nothing(bot: Bot) -> None:
    assert bot.run() == 0
    before = bot.sent
    for file in bot.folder.glob("bot.db*"):
        file.unlink()
    for hours, code in HALTS:
        assert bot.run(BEGINS + timedelta(hours=hours)) == code
        assert bot.sent == before
    assert "it is not the database they were placed from" in bot.halted


# -- L7: the store is locked


def test_a_database_that_another_holds_for_long_is_tried_again_later(bot: Bot) -> None:
    assert bot.run() == 0
    before = bot.sent
    with closing(sqlite3.connect(bot.folder / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert bot.run(ALL, pragmas=["PRAGMA busy_timeout=100"]) == 75
        assert bot.sentence == "the database is in use by another process"
    assert bot.sent == before
    assert bot.run(ALL) == 0
    bot.check(set(NEWS))


@pytest.mark.parametrize("commit", range(1, COMMITS["one_step"]))
def test_a_database_that_another_takes_in_the_middle_is_gone_on_with_later(commit: int, bot: Bot) -> None:
    assert bot.run(fault="held", commit=commit, pragmas=["PRAGMA busy_timeout=50"]) == 75
    assert bot.sentence == "the database is in use by another process"
    assert bot.sent_after_the_fault() <= 1
    assert bot.run() == 0
    bot.check(FIRST)


# -- L10: the clock


def jumps(seed: int) -> list[timedelta]:
    random = Random(seed)
    return [timedelta(hours=random.choice((-24, -1, 0, 1, 24))) for _ in range(4)]


def check_sessions(bot: Bot) -> None:
    """Nothing was submitted, by the bot's own clock, for a session that was over."""
    for line in bot.journal:
        if line["do"] == "submit":
            assert line["now"] < line["until"]


@pytest.mark.parametrize("seed", some(range(6), every=2))
def test_a_clock_that_jumps_between_lives_makes_no_second_order(seed: int, bot: Bot) -> None:
    now = BEGINS
    for jump in jumps(seed):
        now += jump
        assert bot.run(now) == 0, bot.out
    assert bot.run(BEGINS) == 0
    filled = {each.symbol for each in bot.theirs if each.filled}
    assert filled >= FIRST
    bot.check(filled)
    check_sessions(bot)


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
@pytest.mark.parametrize("look", some([8, 2, 4, 6, 10], every=2))
def test_a_clock_that_jumps_within_a_life_makes_no_second_order(look: int, hours: int, bot: Bot) -> None:
    assert bot.run(jump=hours, look=look) == 0, bot.out
    assert bot.run() == 0
    theirs = [each for each in bot.theirs if each.filled]
    assert len(theirs) == len({each.symbol for each in theirs})
    check_sessions(bot)


# -- L13: the database server


@pytest.mark.parametrize("commit", some(range(1, COMMITS["two_step"] + 1)))
def test_a_server_that_crashes_in_a_transaction_loses_and_doubles_nothing(
    commit: int, kind: Kind, driver: "subprocess.Popen[str]", tmp_path: Path, postgresql: Server
) -> None:
    bot = Bot(driver, tmp_path, kind, postgresql.new_schema())
    commit = (commit - 1) % COMMITS[kind] + 1
    assert bot.run(fault="crashed", commit=commit) == 75, bot.out
    assert bot.sentence.startswith(("the connection to the database was lost", "the database cannot be reached"))
    assert bot.sent_after_the_fault() == 0
    wait_for(postgresql)
    assert bot.run() == 0, bot.out
    bot.check(FIRST)


def wait_for(server: Server) -> None:
    """Until it is there again after a crash."""
    server.admin.dispose()
    for _ in range(600):
        try:
            server.do("SELECT 1")
        except OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server did not come back")


# -- L14: the file


PAGE = 4096  # bytes


@pytest.mark.parametrize("part", some(range(6)))
def test_a_damaged_page_is_refused_at_once_and_nothing_is_sent(part: int, bot: Bot) -> None:
    assert bot.run() == 0
    file = bot.folder / "bot.db"
    sound = file.read_bytes()
    for page in range(part, len(sound) // PAGE, 6):
        file.write_bytes(sound[: page * PAGE] + Random(page).randbytes(PAGE) + sound[(page + 1) * PAGE :])
        before = bot.sent
        assert bot.run(ALL) == 1
        assert "database" in bot.sentence
        assert bot.seconds < QUICK
        assert bot.sent == before
