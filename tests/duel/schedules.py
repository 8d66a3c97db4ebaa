"""Random schedules of what befalls daemons over one store, and the oracle that says what must hold after each."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from bot.model import OrderStatus
from bot.store.database import Database, open_database
from bot.store.repository import Repository
from tests.duel import account
from tests.duel.account import BEGINS, NEWS, journal_of, stands
from tests.postgresql import Server

Kind = Literal["two_step", "one_step"]
KILLED: Final = -signal.SIGKILL
TAKEN: Final = 75  # another one leads
STEPS: Final = 14  # of a schedule
SLOWEST: Final = 0.04  # seconds between two of them
POINTS: Final = 120  # failpoints among which a life may stop or die by itself; a whole one passes about as many
PATIENCE: Final = 10.0  # seconds in which a server has ended its connections
CLEAN: Final = (3, 2)  # ticks of the two last lives, which nothing befalls
WRITERS: Final = {
    "sqlite": "CREATE TABLE writers (n INTEGER PRIMARY KEY, epoch INTEGER, process INTEGER)",
    "postgresql": "CREATE TABLE writers (n SERIAL PRIMARY KEY, epoch INTEGER, process INTEGER)",
}
BACKENDS: Final = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
END_ONE: Final = "SELECT pg_terminate_backend(:pid)"


class Driver:
    """The process whose forks are the daemons."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def begin(self, **asked: Any) -> int:
        """A new life; its process."""
        return self._asked({"begin": asked})

    def end(self, process: int) -> int:
        """The exit code of a life, once it is over."""
        return self._asked({"end": process})

    def _asked(self, what: dict[str, Any]) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def driver() -> Iterator[Driver]:
    """A driver that is ready, and its end."""
    command = [sys.executable, "-m", "tests.duel.driver"]
    folder = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Driver(process)


class Place:
    """Where the stores are: a new one for each schedule; on PostgreSQL its backends can be ended."""

    def __init__(self, server: Server | None) -> None:
        self._url = server.new_database() if server else None
        self._admin: Engine | None = None
        if self._url:
            self._admin = create_engine(self._url, isolation_level="AUTOCOMMIT")

    @contextmanager
    def store(self, folder: Path) -> Iterator[str]:
        """The URL of an empty store, with a list of its writers."""
        name = folder.name.replace("-", "_").lower()
        if self._url is None:
            url = f"sqlite:///{folder}/bot.db"
        else:
            self._do(f'CREATE SCHEMA "{name}"')
            url = make_url(self._url).update_query_dict({"options": f"-csearch_path={name}"})
            url = url.render_as_string(hide_password=False)
        database = open_database(url)
        with database.write() as connection:
            connection.execute(text(WRITERS[connection.dialect.name]))
        database.close()
        try:
            yield url
        finally:
            if self._admin:
                self.empty()  # whoever was killed holds locks for a moment longer
                self._do(f'DROP SCHEMA "{name}" CASCADE')

    def terminate(self, chosen: Callable[[list[int]], list[int]]) -> int:
        """End the connections that are chosen; how many there were."""
        if self._admin is None:
            return 0
        with self._admin.connect() as connection:
            pids = chosen(sorted(connection.execute(text(BACKENDS)).scalars()))
            for pid in pids:
                connection.execute(text(END_ONE), {"pid": pid})
        return len(pids)

    def empty(self) -> None:
        """End all connections, and wait until the server has let go of what they held."""
        until = time.monotonic() + PATIENCE
        while self.terminate(lambda pids: pids) and time.monotonic() < until:
            time.sleep(0.01)

    def close(self) -> None:
        """Let go of the server."""
        if self._admin:
            self._admin.dispose()

    def _do(self, statement: str) -> None:
        assert self._admin
        with self._admin.connect() as connection:
            connection.execute(text(statement))


@dataclass(slots=True)
class Outcome:
    """What has happened in all schedules so far, counted by name, and what was wrong: seed and sentence."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[int, str]] = field(default_factory=list)


class Schedule:
    """One schedule over `bots` daemons; all that is random follows from its seed, but for how fast processes run."""

    def __init__(
        self, seed: int, driver: Driver, place: Place, url: str, folder: Path, bots: int, planted: str
    ) -> None:
        self._random = Random(seed)
        self._driver, self._place, self._folder = driver, place, folder
        self._url, self._planted = url, planted
        self.kind: Kind = self._random.choice(("two_step", "one_step"))
        self.counts: Counter[str] = Counter(schedules=1)
        self.wrong: list[str] = []
        self._alive: list[int | None] = [None] * bots
        self._now = BEGINS
        self._set_clock()
        is_alone = bots == 1
        self._actions: dict[Callable[[int], None], int] = {
            self._begin: 6,
            self._pass_time: 4,
            self._kill: 2,
            self._terminate: 5 if is_alone else 2,
            self._stop: 0 if is_alone else 3,
            self._wake: 0 if is_alone else 3,
            self._unlock: 0 if is_alone else 1,
            self._overtake: 0 if is_alone else 4,
        }

    def run(self) -> None:
        """Let it happen, and then look."""
        for bot in self._random.sample(range(len(self._alive)), len(self._alive)):  # together, in either order
            self._begin(bot)
        actions, weights = list(self._actions), list(self._actions.values())
        for _ in range(STEPS):
            time.sleep(self._random.uniform(0, SLOWEST))
            self._random.choices(actions, weights)[0](self._random.randrange(len(self._alive)))
        for bot in range(len(self._alive)):
            self._wake(bot)
        time.sleep(self._random.uniform(0, SLOWEST))
        for bot in range(len(self._alive)):
            self._kill(bot)
        self._place.empty()  # the server may not have noticed yet that nobody is there
        for ticks in CLEAN:
            process = self._driver.begin(**self._asked(), ticks=ticks)
            if code := self._driver.end(process):
                self.wrong.append(f"a life that nothing befell ended with {code}: {self._told()[-1:]}")
        self._check()

    # -- what befalls a bot

    def _begin(self, bot: int) -> None:
        """Start it unless it is there; it may be about to stop or die by itself."""
        if process := self._alive[bot]:
            if not _is_over(process):
                return
            self._over(bot)
        own = self._random.choice((None, None, signal.SIGKILL, signal.SIGSTOP))
        if own == signal.SIGSTOP and len(self._alive) == 1:
            own = signal.SIGKILL
        at = self._random.randint(1, POINTS)
        self._alive[bot] = self._driver.begin(**self._asked(), signal=own, at=at)
        self.counts["lives"] += 1

    def _kill(self, bot: int) -> None:
        if process := self._alive[bot]:
            os.kill(process, signal.SIGKILL)
            self._over(bot)

    def _stop(self, bot: int) -> None:
        if process := self._alive[bot]:
            os.kill(process, signal.SIGSTOP)
            self.counts["stops"] += 1

    def _wake(self, bot: int) -> None:
        if process := self._alive[bot]:
            os.kill(process, signal.SIGCONT)

    def _terminate(self, _: int) -> None:
        """End some of the connections that there are."""
        some = self._place.terminate(lambda pids: [pid for pid in pids if self._random.random() < 0.7])
        self.counts["terminations"] += some

    def _unlock(self, _: int) -> None:
        """Somebody deletes the file whose lock says who leads."""
        if self._url.startswith("sqlite"):
            (self._folder / "bot.db.lead").unlink(missing_ok=True)
            self.counts["unlocks"] += 1

    def _overtake(self, bot: int) -> None:
        """The one who leads stands still and loses the lead, the other one takes it, and the first one wakes up."""
        self._stop(bot)
        self._terminate(bot)
        self._unlock(bot)
        self._begin((bot + 1) % len(self._alive))
        self._pass_time(bot)
        time.sleep(self._random.uniform(SLOWEST, 4 * SLOWEST))
        self._wake(bot)

    def _pass_time(self, _: int) -> None:
        self._now += timedelta(seconds=self._random.choice((61, 61, 301, 661)))
        self._set_clock()

    def _over(self, bot: int) -> None:
        process = self._alive[bot]
        assert process
        code = self._driver.end(process)
        self._alive[bot] = None
        self.counts["kills" if code == KILLED else "ended without the lead"] += 1
        if code not in {KILLED, TAKEN}:
            self.wrong.append(f"a life ended with {code}: {self._told()[-1:]}")

    # -- the oracle

    def _check(self) -> None:
        told = [line.partition(" ")[2] for line in self._told()]
        self.counts["stops"] += told.count("stops")
        self.counts["late writes refused"] += told.count("refused")
        database = open_database(self._url)
        try:
            with database.read() as connection:
                if self._url.startswith("sqlite"):
                    state = connection.execute(text("PRAGMA integrity_check")).scalar()
                    self._must(state == "ok", f"the file is damaged: {state}")
                written = connection.execute(text("SELECT epoch, process FROM writers ORDER BY n")).all()
            self._writers([(int(epoch), int(process)) for epoch, process in written])
            self._orders(database)
        finally:
            database.close()

    def _writers(self, written: list[tuple[int, int]]) -> None:
        """Never two: an epoch belongs to one process, and whoever has written under a later one is the only one."""
        epochs = [epoch for epoch, _ in written]
        self._must(epochs == sorted(epochs), f"an earlier leader wrote after a later one: {epochs}")
        processes = defaultdict(set)
        for epoch, process in written:
            processes[epoch].add(process)
        shared = {epoch: sorted(those) for epoch, those in processes.items() if len(those) > 1}
        self._must(not shared, f"several processes wrote under one epoch: {shared}")
        self.counts["changes of the leader"] += len(processes) - 1

    def _orders(self, database: Database) -> None:
        store = Repository(database)
        journal = journal_of(self._folder / "account.jsonl")
        theirs = list(stands(journal, two_step=self.kind == "two_step").values())
        live = Counter(each.symbol for each in theirs if each.status is not OrderStatus.CANCELED)
        filled = Counter(each.symbol for each in theirs if each.filled)
        self._must(filled == Counter(list(NEWS)), f"orders that were filled: {dict(filled)}")
        self._must(live == filled, f"orders that could still be activated: {dict(live - filled)}")
        ours = {order.client_order_id: order for _, order in store.orders()}
        known = {(key, order.broker_order_id, order.filled) for key, order in ours.items()}
        wanted = {(each.client_order_id, each.broker_order_id, each.filled) for each in theirs if each.filled}
        self._must(known == wanted, f"our books say {sorted(known)}, the broker's {sorted(wanted)}")
        activated = {line["id"] for line in journal if line["do"] == "activate"}
        recorded = {order.broker_order_id for order in ours.values()}
        self._must(activated <= recorded, f"activated, and never recorded: {activated - recorded}")
        decided = {row["owner"] for row in store.decided()}, len(store.decided())
        self._must(decided[1] == len(NEWS) + 1, f"{decided[1]} events were decided")
        self._must(store.halted() is None, f"halted: {store.halted()}")
        sent = Counter(line["key"] for line in journal if line["do"] == "submit")
        for key, times in sent.items():
            written = sum(step["after"] == "submitting" for step in store.life(key))
            self._must(times <= written, f"{key} was sent {times} times and written down {written} times before")
        self.counts["submits"] += sent.total()
        self.counts["orders"] += len(ours)

    def _must(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)

    def _asked(self) -> dict[str, Any]:
        broker = f"{account.__name__}:{self.kind}"
        settings = {**account.PARTS, "broker": broker, "database_url": self._url}
        return {"folder": str(self._folder), "settings": settings, "planted": self._planted}

    def _set_clock(self) -> None:
        (self._folder / "clock").touch()
        with (self._folder / "clock").open("r+b") as file:  # never shorter than it was: it is mapped by the lives
            file.write(struct.pack("d", self._now.timestamp()))

    def _told(self) -> list[str]:
        path = self._folder / "told.txt"
        return path.read_text().splitlines() if path.exists() else []


def _is_over(process: int) -> bool:
    """Whether it has ended, and only its parent has not looked yet."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def run(count: int, *, seed: int = 1, server: Server | None = None, bots: int = 2, planted: str = "") -> Outcome:
    """What has happened in so many schedules; up to the first that a `planted` bug is seen in."""
    outcome = Outcome()
    with closing(running(count, seed=seed, server=server, bots=bots, planted=planted)) as all_of_them:
        for outcome in all_of_them:
            if planted and outcome.wrong:
                break
    return outcome


def running(
    count: int, *, seed: int = 1, server: Server | None = None, bots: int = 2, planted: str = ""
) -> Generator[Outcome]:
    """So many schedules with the seeds from this one on, over SQLite without a server; after each, all so far."""
    outcome, place = Outcome(), Place(server)
    try:
        with driver() as forking:
            for number in range(seed, seed + count):
                with TemporaryDirectory(prefix="duel-") as name, place.store(folder := Path(name)) as url:
                    schedule = Schedule(number, forking, place, url, folder, bots, planted)
                    schedule.run()
                outcome.counts += schedule.counts
                outcome.wrong += [(number, sentence) for sentence in schedule.wrong]
                yield outcome
    finally:
        place.close()
