"""One schedule from its first life to the verdict."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bot.store.database import open_database
from bot.store.repository import Repository
from tests.fakes import Time
from tests.lab import oracle
from tests.lab.accounts import Account, Simulated, account
from tests.lab.broken import FAULTS, MISLEADING, fault
from tests.lab.ledger import Ledger
from tests.lab.lives import ENDED, ENDS, NOWHERE, Lives
from tests.lab.world import Schedule, Step

MINUTE: Final = timedelta(minutes=1)
FORGOTTEN: Final = timedelta(days=4)  # nothing that a broker lost so long ago is waited for
WATCHING: Final = frozenset({0, 2})  # the clean lives that decide nothing new, as the daemon's between its cycles
ROUNDS: Final = 3  # of four clean lives, with an operator who resumes between them
OPERATOR: Final = "an operator wants to look"
PATIENT, HASTY = 5, 0.3  # seconds for an answer; few where one of them takes minutes


@dataclass(slots=True)
class Tally:
    """What happened in so many schedules; `wrong` are violations with the command that repeats them."""

    schedules: int = 0
    requests: int = 0
    lives: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    halts: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count these too."""
        self.schedules += other.schedules
        self.requests += other.requests
        for name in ("lives", "faults", "orders", "halts"):
            getattr(self, name).update(getattr(other, name))
        self.wrong += other.wrong


class Experiment:
    """A bot, its account and its database, from beginning to end of one schedule."""

    def __init__(self, schedule: Schedule, lives: Lives, where: Account | Simulated, time: Time, database: str) -> None:
        self._schedule, self._lives, self._where, self._time = schedule, lives, where, time
        self._database = database
        self._ledger = Ledger(database)
        self.tally = Tally(schedules=1)

    def run(self) -> Tally:
        """Everything that happened."""
        for step in self._schedule.steps:
            self._live(step)
        self._recover()
        self._count()
        return self.tally

    def _live(self, step: Step) -> None:
        """A life among faults, which may be killed or end with a sentence."""
        self._time.now = step.at
        if step.late:
            self._where.let_through()
        if step.asks == "resume":
            self._resume()
        elif step.asks:
            self._halt(OPERATOR, flatten=step.asks == "flatten")
        if isinstance(self._where, Account):
            for each in step.breaks:
                self._where.fail(fault(each, self._schedule.kind, self._where), each.name)
        broker = NOWHERE if step.deaf else self._where.url
        deadline = HASTY if "slow" in self._schedule.broken else PATIENT
        cuts = {"cut_at": step.cut_at, "cut": step.cut}
        self._one(broker=broker, kill_at=step.kill_at, watching=step.watching, deadline=deadline, **cuts)

    def _recover(self) -> None:
        """Nothing is wrong any more: four clean lives, and again after an operator has looked at a halt."""
        if isinstance(self._where, Account):
            self._where.standin.heal()
        self._where.let_through()
        self._where.lag(timedelta())
        for _ in range(ROUNDS):
            self._resume()
            for number, at in enumerate(self._clean()):
                if number >= self._schedule.clean and not oracle.violations(self._evidence()):
                    break
                self._time.now = at
                if self._one(watching=number in WATCHING):
                    self._wrong("I2 a clean life ended with " + (self._lives.said() or "an error"))
                if number == max(WATCHING):
                    self._judge(oracle.orphans(self._evidence()))
            if not self._halted():
                break
        else:
            self._wrong(f"I2 it halts again and again: {self._halted()}")
        if self._where.must_halt and not self.tally.halts:
            self._wrong("F27 the account was reset, and nothing was halted")
        self._judge(oracle.violations(self._evidence()))

    def _clean(self) -> Iterable[datetime]:
        """Soon after, in a session, when it is over, and at an open days later."""
        sessions, now = self._schedule.sessions, self._time.now
        session = sessions.next_open(now + MINUTE)
        later = sessions.next_open(session.closes + FORGOTTEN)
        return now + MINUTE, session.opens + MINUTE, session.closes + 10 * MINUTE, later.opens + MINUTE

    def _one(self, **asked: Any) -> int:
        """One life and what it did wrong; its exit code."""
        rows, now = self._schedule.rows, self._time.now
        code = self._lives.live(self._schedule.kind, self._database, self._where, rows, now, **asked)
        self.tally.lives[ENDS.get(code, "crashed")] += 1
        self.tally.faults.update(each for each in self._lives.passed() if each == ENDED)
        self._judge(self._lives.wrong())
        if code not in ENDS:
            self._wrong(f"a life ended with {code}")
        return code

    def _judge(self, found: Iterable[str]) -> None:
        for what in found:
            self._wrong(what)

    def _evidence(self) -> oracle.Evidence:
        is_sqlite, where = self._database.startswith("sqlite"), self._where
        return oracle.evidence(self._schedule.rows, where.placed(), where.gone, self._ledger, sqlite=is_sqlite)

    def _halted(self) -> str | None:
        halted: str | None = self._ledger.rows("SELECT halted FROM control")[0]["halted"]
        return halted

    def _resume(self) -> None:
        """What an operator does who has looked at a halt, and removed its cause."""
        reason = self._halted()
        if reason is None:
            return
        self.tally.halts[reason.removeprefix("halted by itself: ")[:40]] += 1
        causes = MISLEADING if "was reset" in reason else set(FAULTS)
        if reason != OPERATOR and not self._schedule.broken & causes:
            self._wrong(f"I2 a halt without a cause: {reason}")
        self._halt(None)

    def _halt(self, reason: str | None, *, flatten: bool = False) -> None:
        """What an operator's command does."""
        database = open_database(self._database)
        Repository(database).halt(reason, self._time.now, flatten=flatten)
        database.close()

    def _count(self) -> None:
        self.tally.requests = self._where.requests
        self.tally.faults.update(self._where.hit)
        self.tally.orders.update(each.state for each in self._where.placed())
        if disputed := self._evidence().disputed:
            self.tally.orders["disputed"] += len(disputed)
        for order in self._ledger.rows("SELECT status FROM orders"):
            self.tally.orders[f"here {order['status']}"] += 1
        self._judge(self._where.breaches)
        self._ledger.close()

    def _wrong(self, what: str) -> None:
        self.tally.wrong.append((what, self._schedule.again))


def run(schedule: Schedule, lives: Lives, database: str) -> Tally:
    """What happens in this schedule, over a new database."""
    time = Time(schedule.steps[0].at)
    with account(schedule.kind, database, time) as where:
        where.lag(schedule.lag)
        return Experiment(schedule, lives, where, time, database).run()


def new_file(folder: Path) -> str:
    """The URL of a database that does not exist yet."""
    for path in folder.glob("bot.db*"):
        path.unlink()
    return f"sqlite:///{folder}/bot.db"
