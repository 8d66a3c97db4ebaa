"""The daemon as it is lived with: a real process, real signals, a store that outlives it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot.app import opened, staying, utc_now
from bot.daemon import GRACE, STUCK, Daemon
from bot.demo.companies import SHARES, records
from bot.demo.finviz import LAYOUTS, list_page
from bot.demo.openfigi import OpenFigiServer
from bot.demo.serving import Reply, StandIn
from bot.demo.show import served
from bot.errors import BrokerError, ConfigError, NotPaperError, SourceError
from bot.model import Order, OrderIntent, OrderStatus
from bot.plan import Plan
from bot.sessions import Sessions
from bot.settings import Settings
from bot.timetable import Timetable
from tests.builders import intent, order
from tests.fakes import Time

MORNING = datetime(2026, 3, 4, 15, tzinfo=UTC)  # a Wednesday, an hour after the cycle of its session
PATIENCE = 60  # seconds for a process to start on a busy machine


class Page:
    """A site whose page can be held back: `asked` is set when somebody waits for it, `released` lets them have it."""

    def __init__(self, now: datetime) -> None:
        self.asked, self.released, self.requests = Event(), Event(), 0
        self.released.set()
        self._page = list_page(served(now).public(now), LAYOUTS["2026"]).encode()

    def reply(self, *_: object) -> Reply:
        self.requests += 1
        self.asked.set()
        self.released.wait(PATIENCE)
        return 200, {"Content-Type": "text/html; charset=utf-8"}, self._page


@contextmanager
def world(folder: Path, now: datetime | None = None) -> Iterator[tuple[Page, dict[str, str]]]:
    """FinViz and OpenFIGI on loopback, with a market around the present, and the settings that lead there."""
    now = now or utc_now()
    page = Page(now)
    bars = "".join(f"{bar.on},{bar.symbol},{bar.open},{bar.close}\n" for bar in served(now).bars)
    (folder / "prices.csv").write_text("date,symbol,open,close\n" + bars, encoding="utf-8")
    with StandIn(page.reply) as finviz, OpenFigiServer(records(SHARES)) as figi:
        yield (
            page,
            {
                "BOT_SOURCES": "finviz",
                "BOT_FINVIZ_URL": finviz.url,
                "BOT_OPENFIGI_URL": figi.url,
                "BOT_PRICES": f"files:{folder / 'prices.csv'}",
                "BOT_DATABASE_URL": f"sqlite:///{folder / 'bot.db'}",
            },
        )


class Life:
    """One life of the daemon; `log` has the lines it has written so far, as they were read."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("BOT_")}
        self.log: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "daemon", "--trade-backlog"],
            cwd=folder,
            env=clean | {"BOT_LOG_FORMAT": "json", "PYTHONPATH": str(Path(__file__).parents[1])} | env,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, event: str) -> dict[str, Any]:
        """Read on to the first line about this."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == event:
                return self.log[-1]
        raise AssertionError(f"the daemon ended without {event!r}: {self.log[-3:]}")

    def end(self, number: signal.Signals) -> tuple[int, float]:
        """Send a signal; the exit code, and how many seconds the end has taken."""
        begun = time.monotonic()
        self.process.send_signal(number)
        assert self.process.stderr
        self.log += [json.loads(line) for line in self.process.stderr]
        return self.process.wait(PATIENCE), time.monotonic() - begun


@contextmanager
def life(folder: Path, env: Mapping[str, str]) -> Iterator[Life]:
    made = Life(folder, env)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait(PATIENCE)
        if made.process.stderr:
            made.process.stderr.close()


def settings(env: Mapping[str, str]) -> Settings:
    return Settings.of(**{name.removeprefix("BOT_").lower(): value for name, value in env.items()})


def health(folder: Path, env: Mapping[str, str]) -> int:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("BOT_")}
    command = [sys.executable, "-m", "bot", "health"]
    path = {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(command, cwd=folder, env=clean | path | env, check=False, capture_output=True).returncode


def test_a_daemon_runs_its_cycle_at_once_says_so_and_stops_when_told(tmp_path: Path) -> None:
    with world(tmp_path) as (page, env):
        assert health(tmp_path, env) == 1
    with world(tmp_path) as (page, env), life(tmp_path, env) as daemon:
        begun, done = daemon.until("cycle begins"), daemon.until("cycle done")
        assert begun["sessions"] == done["sessions"]
        assert len(begun["sessions"]) == 1
        assert health(tmp_path, env) == 0
        code, seconds = daemon.end(signal.SIGTERM)
        assert (code, page.requests) == (0, 1)
        assert seconds < 10
        decisions = [line for line in daemon.log if line["event"] == "decision"]
        orders = [line for line in daemon.log if line["event"] == "order"]
        assert {"symbol", "owner", "decision", "rule", "reason", "level", "at"} <= set(decisions[0])
        # It lives in the real present: while the venue is open, what works is filled.
        assert {order["status"] for order in orders} in ({"working"}, {"filled"})
        with opened(settings(env), read_only=True) as parts:
            assert len(parts.store.decided()) == len(decisions)
            assert len(parts.store.orders()) == len(orders) > 0
            assert parts.store.session_done() == date.fromisoformat(done["sessions"][-1])


def test_a_second_life_on_the_same_day_has_nothing_to_do(tmp_path: Path) -> None:
    with world(tmp_path) as (page, env):
        with life(tmp_path, env) as first:
            first.until("cycle done")
        with life(tmp_path, env) as second:
            second.until("daemon begins")
            while health(tmp_path, env):
                assert second.process.poll() is None
            code, _ = second.end(signal.SIGINT)
            assert code == 0
            assert [line["event"] for line in second.log] == ["daemon begins", "stopped"]
        assert page.requests == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_end_in_the_middle_of_a_cycle_loses_nothing_and_doubles_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    with world(tmp_path) as (page, env):
        page.released.clear()
        with life(tmp_path, env) as first:
            first.until("cycle begins")
            assert page.asked.wait(PATIENCE)
            code, seconds = first.end(number)
            assert code == (0 if number is signal.SIGTERM else -signal.SIGKILL)
            assert seconds < 10
            if number is signal.SIGTERM:
                assert seconds > GRACE.total_seconds() - 1
                assert first.log[-1]["event"].startswith("the cycle under way is abandoned")
        with opened(settings(env), read_only=True) as parts:
            assert (parts.store.session_done(), parts.store.orders()) == (None, [])
        page.released.set()
        with life(tmp_path, env) as second:
            second.until("cycle done")
        with opened(settings(env), read_only=True) as parts:
            placed = [order.client_order_id for _, order in parts.store.orders()]
            assert len(placed) == len(set(placed)) > 0


def test_settings_that_cannot_work_end_the_daemon_before_it_begins(tmp_path: Path) -> None:
    env = {"BOT_DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}", "BOT_SOURCES": "finvis"}
    with pytest.raises(ConfigError, match="did you mean finviz"):
        staying(settings(env)).__enter__()
    with pytest.raises(ConfigError, match="BOT_ENTRY is now, but XNYS is closed at BOT_CYCLE_AT 09:00"):
        staying(settings(env | {"BOT_SOURCES": "finviz", "BOT_ENTRY": "now"})).__enter__()
    with pytest.raises(ConfigError, match="no calendar for 'XXXX'"):
        staying(settings(env | {"BOT_SOURCES": "finviz", "BOT_VENUE": "XXXX"})).__enter__()


# -- what it does when something is wrong, without a process


@pytest.fixture
def around(tmp_path: Path) -> Iterator[tuple[Time, Page, dict[str, str]]]:
    with world(tmp_path, MORNING) as (page, env):
        yield Time(MORNING), page, env


@pytest.fixture
def lived(around: tuple[Time, Page, dict[str, str]]) -> Iterator[tuple[Daemon, Time, Page, dict[str, str]]]:
    clock, page, env = around
    with staying(settings(env), clock=clock, trade_backlog=True) as daemon:
        yield daemon, clock, page, env


def told(caplog: pytest.LogCaptureFixture, event: str) -> list[Mapping[str, Any]]:
    return [record.__dict__["facts"] for record in caplog.records if record.getMessage() == event]


def test_a_source_that_fails_is_asked_again_after_ten_minutes_and_not_before(
    around: tuple[Time, Page, dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    clock, _, env = around
    requests: list[datetime] = []

    def fails(*_: object) -> Reply:
        requests.append(clock.now)
        return 503, {}, b""

    begun = clock.now
    with (
        StandIn(fails) as failing,
        staying(settings(env | {"BOT_FINVIZ_URL": failing.url}), clock=clock) as daemon,
    ):
        for _ in range(40):
            daemon.tick()
            clock.now += timedelta(minutes=1)
    assert [(at - begun) // timedelta(minutes=1) for at in requests] == [0, 10, 30]
    left = told(caplog, "left for later")[0]
    assert "503" in left["reason"]
    assert left["again_at"] == begun + timedelta(minutes=10)
    with opened(settings(env), read_only=True) as parts:
        assert parts.store.session_done() is None


def test_a_site_that_shows_a_challenge_is_not_asked_again_before_the_next_session(
    around: tuple[Time, Page, dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    clock, _, env = around
    requests: list[datetime] = []

    def challenges(*_: object) -> Reply:
        requests.append(clock.now)
        return 503, {"cf-mitigated": "challenge"}, b"Just a moment..."

    with StandIn(challenges) as site:
        begun = next_at = clock.now
        for turn in range(40):  # and restarts do not matter
            clock.now = begun + turn * (next_at - begun) / 40
            with staying(settings(env | {"BOT_FINVIZ_URL": site.url}), clock=clock) as daemon:
                daemon.tick()
                next_at = daemon.plans()["next_at"]
        assert len(requests) == 1
        assert "stop for today" in told(caplog, "blocked")[0]["reason"]
        clock.now = next_at
        with staying(settings(env | {"BOT_FINVIZ_URL": site.url}), clock=clock) as daemon:
            daemon.tick()
    assert len(requests) == 2


def test_two_daemons_over_one_database_are_one_too_many(
    lived: tuple[Daemon, Time, Page, dict[str, str]], tmp_path: Path
) -> None:
    daemon, _, page, env = lived
    begun = time.monotonic()
    with life(tmp_path, env) as second, pytest.raises(AssertionError):
        second.until("cycle begins")
    assert (second.process.returncode, page.requests) == (75, 0)
    assert "another insiderbot leads" in second.log[-1]["event"]
    assert time.monotonic() - begun < PATIENCE
    daemon.tick()
    assert page.requests == 1


def test_what_could_not_be_asked_is_asked_again_on_the_same_day(
    around: tuple[Time, Page, dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    clock, page, env = around
    broken = settings(env | {"BOT_OPENFIGI_URL": "http://127.0.0.1:9"})
    with staying(broken, clock=clock, trade_backlog=True) as daemon:
        daemon.tick()
    assert "127.0.0.1:9" in told(caplog, "left for later")[0]["reason"]
    with opened(settings(env), read_only=True) as parts:
        assert (parts.store.session_done(), parts.store.orders()) == (None, [])
    with staying(settings(env), clock=clock, trade_backlog=True) as daemon:
        daemon.tick()
    with opened(settings(env), read_only=True) as parts:
        assert parts.store.session_done()
        assert parts.store.orders()
    assert page.requests == 2


def test_a_watch_that_fails_does_not_delay_the_next_session(
    lived: tuple[Daemon, Time, Page, dict[str, str]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    daemon, clock, _, env = lived
    daemon.tick()
    timetable = daemon._timetable
    due = timetable.following(clock.now)

    def fails(_: object) -> None:
        raise BrokerError("nobody there")

    monkeypatch.setattr("bot.orders.Desk.work", fails)
    while clock.now < due - timedelta(minutes=2):
        clock.now = min(clock.now + timedelta(minutes=7), due - timedelta(minutes=2))
        daemon.tick()
    assert told(caplog, "left for later")
    monkeypatch.undo()
    clock.now = due
    daemon.tick()
    with opened(settings(env), read_only=True) as parts:
        assert parts.store.session_done() == timetable.due(None, due)[-1].day


def test_an_outage_of_weeks_is_borne(
    lived: tuple[Daemon, Time, Page, dict[str, str]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    daemon, clock, *_ = lived

    def fails(_: object) -> None:
        raise BrokerError("nobody there")

    monkeypatch.setattr("bot.orders.Desk.work", fails)
    for _ in range(100):
        clock.now += timedelta(hours=1)
        daemon.tick()
    waits = [failure["again_at"] for failure in told(caplog, "left for later")]
    assert len(waits) > 90
    assert max(after - before for before, after in pairwise(waits)) <= timedelta(hours=2)


@pytest.mark.parametrize("while_watching", [False, True])
def test_an_answer_that_is_not_paper_halts_the_bot_by_itself(
    while_watching: bool, lived: tuple[Daemon, Time, Page, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, clock, _, env = lived

    def real_money(*_: object) -> None:
        raise NotPaperError("the account is not a paper account")

    if while_watching:
        daemon.tick()
        clock.now += timedelta(minutes=6)
    monkeypatch.setattr("brokers.simulated.SimulatedBroker.account", real_money)
    monkeypatch.setattr("brokers.simulated.SimulatedBroker.find", real_money)
    daemon.tick()
    with opened(settings(env)) as parts:
        assert parts.store.halted() == "halted by itself: the account is not a paper account"
        assert bool(parts.store.session_done()) is while_watching


def test_open_orders_are_looked_at_between_the_cycles(
    lived: tuple[Daemon, Time, Page, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, clock, page, _ = lived
    looks: list[datetime] = []
    daemon.tick()
    monkeypatch.setattr("bot.orders.Desk.work", lambda _: looks.append(clock.now) or [])
    begun = clock.now
    for _ in range(24):
        clock.now += timedelta(seconds=30)
        daemon.tick()
    assert [(at - begun) // timedelta(minutes=1) for at in looks] == [5, 10]
    assert page.requests == 1


def test_a_cycle_that_is_stuck_gives_no_sign_of_life(lived: tuple[Daemon, Time, Page, dict[str, str]]) -> None:
    daemon, clock, _, env = lived
    daemon.beat()
    first = clock.now
    daemon._busy_since = clock.now
    clock.now += STUCK + timedelta(seconds=1)
    daemon.beat()
    with opened(settings(env), read_only=True) as parts:
        assert parts.store.heartbeat() == first.astimezone(UTC)


class Polled:
    """Parts whose bot says what it was asked for."""

    def __init__(self) -> None:
        self.done: date | None = None
        self.asked: list[str] = []
        self.fails = 0

    @property
    def store(self) -> "Polled":
        return self

    def session_done(self) -> date | None:
        return self.done

    def finish_session(self, day: date) -> None:
        self.done = day

    def open_orders(self) -> list[tuple[OrderIntent, Order]]:
        return [(intent(), order(status=OrderStatus.WORKING))]

    def beat(self, now: datetime) -> None: ...

    def lead(self) -> None: ...

    def tell(self) -> list[str]:
        return []

    def acting(self, *, trade_backlog: bool = False, polling: bool = False) -> Any:
        self._kind = "poll" if polling else "cycle"
        return self

    def run(self) -> Any:
        self.asked.append(self._kind)
        if self._kind == "poll" and self.fails:
            self.fails -= 1
            raise SourceError("busy")
        return Plan(as_of=datetime.now(UTC), decisions=(), intents=(), degraded=()), []

    def watch(self) -> None:
        self.asked.append("watch")


def test_what_is_polled_is_asked_while_filings_come_and_orders_are_watched_at_all_times() -> None:
    parts, clock = Polled(), Time(datetime(2026, 3, 3, 1, tzinfo=UTC))  # Monday 20:00 in New York
    opened_parts: Any = lambda: nullcontext(parts)  # noqa: E731
    timetable = Timetable(sessions=Sessions("XNYS"), at=clock_time(9))
    daemon = Daemon(opened_parts, timetable, clock, poll_every=timedelta(minutes=1))
    told: list[tuple[int, str]] = []
    begun = clock.now
    while clock.now < begun + timedelta(hours=14):
        parts.asked.clear()
        daemon.tick()
        told += [((clock.now - begun) // timedelta(minutes=1), what) for what in parts.asked]
        clock.now += timedelta(seconds=10)
    assert told[0] == (0, "cycle")  # of the session before, at once
    assert [minute for minute, what in told if what == "cycle"] == [0, 13 * 60]
    evening = [minute for minute, what in told if what == "poll" and minute < 300]
    assert (len(evening), evening[-1]) == (135, 135)  # until 22:15
    morning = [minute for minute, what in told if what == "poll" and minute > 300]
    assert morning[0] == 595  # from 5:55 on
    night = [minute for minute, what in told if what == "watch"]
    assert all(later - earlier == 5 for earlier, later in pairwise(night))
    assert len(night) > 80


def test_a_poll_that_fails_is_tried_again_a_little_later_each_time_and_orders_are_watched_meanwhile() -> None:
    parts, clock = Polled(), Time(datetime(2026, 3, 3, 1, tzinfo=UTC))
    parts.fails = 4
    opened_parts: Any = lambda: nullcontext(parts)  # noqa: E731
    timetable = Timetable(sessions=Sessions("XNYS"), at=clock_time(9))
    daemon = Daemon(opened_parts, timetable, clock, poll_every=timedelta(minutes=1))
    begun, told = clock.now, []
    while clock.now < begun + timedelta(minutes=30):
        parts.asked.clear()
        daemon.tick()
        told += [((clock.now - begun) // timedelta(minutes=1), what) for what in parts.asked]
        clock.now += timedelta(seconds=10)
    assert [minute for minute, what in told if what == "poll"][:7] == [1, 3, 7, 15, 25, 26, 27]
    assert [what for minute, what in told if 8 <= minute < 15] == ["watch"]
