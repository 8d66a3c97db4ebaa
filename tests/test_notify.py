"""Whoever wants to know is told of orders and halts: nothing twice without need, nothing never, nobody held up."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from bot import cli
from bot.app import opened
from bot.daemon import Daemon
from bot.demo.serving import Reply, StandIn
from bot.errors import ConfigError, NotifyError, TryAgainError
from bot.model import Notice, Order, OrderStatus
from bot.notify import LONGEST, message, services, tell
from bot.sessions import Sessions
from bot.settings import Settings
from bot.store.database import Database, open_database
from bot.store.journal import Journal
from bot.store.repository import Repository
from bot.timetable import Timetable
from tests.builders import NOW, decision, intent, order
from tests.fakes import Time

TELEGRAM = "tgram://123456789:abcdefg_hijklmnopqrstuvwxyz-12345678/-1001"
NOBODY = "json://127.0.0.1:9"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(open_database(database_url)) as made:
        yield made


@pytest.fixture
def store(database: Database) -> Repository:
    return Repository(database)


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database, lambda: None)


class Inbox:
    """A server that takes messages, or does what the test says instead."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.instead: Callable[[], int] = lambda: 200

    def __call__(self, method: str, path: str, query: Any, headers: Any, body: bytes) -> Reply:
        told = json.loads(body)
        self.taken.append((told["title"], told["message"]))
        return self.instead(), {}, b""


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def url(inbox: Inbox) -> Iterator[str]:
    """What BOT_NOTIFY calls the inbox."""
    with StandIn(inbox) as server:
        yield server.url.replace("http://", "json://")


def follow(store: Repository, *path: OrderStatus, **last: Any) -> Order:
    """An order that takes these steps, one a minute."""
    store.record([decision()], [intent()], NOW)
    stands = order()
    for minute, status in enumerate(path, start=1):
        more = last if minute == len(path) else {}
        after = replace(stands, status=status, updated_at=NOW + timedelta(minutes=minute), **more)
        stands = store.move(stands, after)
    return stands


def steps(count: int, words: str = "buy 24 NWRB working") -> list[Notice]:
    return [Notice(kind="orders", number=n, at=NOW, words=words) for n in range(1, count + 1)]


# -- what there is to tell


def test_a_listener_is_told_what_happens_after_it_was_first_named(store: Repository, journal: Journal) -> None:
    store.halt("before", NOW)
    journal.begin(["a"])
    assert (journal.untold("a"), journal.untold("b")) == ([], [])
    store.halt(None, NOW)
    journal.begin(["a", "b"])
    assert [notice.words for notice in journal.untold("a")] == ["resumed"]
    assert journal.untold("b") == []


def test_the_steps_that_matter_and_the_halts_are_told_in_the_order_they_happened_in(
    store: Repository, journal: Journal
) -> None:
    journal.begin(["a"])
    path = (OrderStatus.SUBMITTING, OrderStatus.INACTIVE, OrderStatus.ACTIVATING, OrderStatus.WORKING)
    placed = {"filled": Decimal(24), "price": Decimal("40.02"), "fee": Decimal(1), "reason": ""}
    store.record([decision()], [intent()], NOW)
    stands = order()
    for minute, status in enumerate((*path, OrderStatus.FILLED), start=1):
        more: Any = placed if status is OrderStatus.FILLED else {}
        at = NOW + timedelta(minutes=2 * minute)
        stands = store.move(stands, replace(stands, status=status, updated_at=at, **more))
    store.halt("halted by itself: why", NOW + timedelta(minutes=9), anew=False)
    store.halt("too late to matter", NOW + timedelta(minutes=9), anew=False)
    store.halt(None, NOW + timedelta(minutes=11))
    store.halt(None, NOW + timedelta(minutes=12))  # it was not halted
    assert [notice.words for notice in journal.untold("a")] == [
        "buy 24 NWRB working",
        "HALTED: halted by itself: why",
        "buy 24 NWRB filled at 40.02 USD",
        "resumed",
    ]


def test_what_was_told_is_not_told_again_and_each_listener_counts_for_itself(
    store: Repository, journal: Journal
) -> None:
    journal.begin(["a", "b"])
    follow(store, OrderStatus.SUBMITTING, OrderStatus.REJECTED, reason="no such share")
    store.halt("enough", NOW)
    told = journal.untold("a")
    assert [notice.words for notice in told] == ["HALTED: enough", "buy 24 NWRB rejected: no such share"]
    journal.told("a", told[:1])
    assert journal.untold("a") == told[1:]
    journal.told("a", told[1:])
    assert (journal.untold("a"), journal.untold("b")) == ([], told)


def test_who_has_lost_the_lead_marks_nothing_as_told(store: Repository, database: Database) -> None:
    late = Journal(database, lambda: 7)
    with pytest.raises(TryAgainError, match="another insiderbot took the lead"):
        late.begin(["a"])


# -- how it is told


@given(
    notices=st.lists(
        st.builds(
            Notice,
            kind=st.sampled_from(["orders", "halted", "resumed"]),
            number=st.integers(1, 10**6),
            at=st.just(NOW),
            words=st.text(max_size=400),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_a_message_is_short_and_has_a_line_for_each_of_the_latest(notices: list[Notice]) -> None:
    title, body = message(notices, "paper")
    lines = body.split("\n")
    assert title in {"insiderbot paper: orders", "insiderbot paper: halted", "insiderbot paper: resumed"}
    assert len(body) < LONGEST + 60
    left_out = int(lines[0].split()[1]) if lines[0].startswith("and ") else 0
    shown = lines[1:] if left_out else lines
    assert len(shown) + left_out == len(notices)
    marks = [f"#{'' if notice.kind == 'orders' else 'h'}{notice.number}" for notice in notices]
    assert [line.rsplit(" ", 1)[1] for line in shown] == marks[left_out:]


def test_a_title_says_whether_it_is_halted() -> None:
    halted = Notice(kind="halted", number=3, at=NOW, words="HALTED: the account was reset")
    assert message([*steps(2), halted, *steps(1)], "paper") == (
        "insiderbot paper: halted",
        "2026-03-03 15:00 UTC buy 24 NWRB working #1\n"
        "2026-03-03 15:00 UTC buy 24 NWRB working #2\n"
        "2026-03-03 15:00 UTC HALTED: the account was reset #h3\n"
        "2026-03-03 15:00 UTC buy 24 NWRB working #1",
    )
    assert message(steps(1), "paper")[0] == "insiderbot paper: orders"


def test_who_is_out_of_reach_is_told_later_and_the_others_at_once(
    store: Repository, journal: Journal, inbox: Inbox, url: str
) -> None:
    notifiers = services(f"{NOBODY}, {url}")
    journal.begin(notifier.name for notifier in notifiers)
    store.halt("enough", NOW)
    for _ in range(2):
        with pytest.raises(NotifyError, match=r"^JSON-[0-9a-f]{8} could not be told: it did not answer, or refused$"):
            tell(notifiers, journal, "paper")
    assert [title for title, _ in inbox.taken] == ["insiderbot paper: halted"]
    assert len(journal.untold(notifiers[0].name)) == 1


def test_who_refuses_is_told_again(store: Repository, journal: Journal, inbox: Inbox, url: str) -> None:
    (notifier,) = services(url)
    journal.begin([notifier.name])
    store.halt("enough", NOW)
    inbox.instead = lambda: 500
    with pytest.raises(NotifyError):
        tell([notifier], journal, "paper")
    inbox.instead = lambda: 200
    store.halt(None, NOW)
    for _ in range(2):
        tell([notifier], journal, "paper")
    assert [body.count("\n") for _, body in inbox.taken] == [0, 1]


def test_who_is_killed_before_it_knows_that_it_has_told_tells_again_and_leaves_nothing_out(
    inbox: Inbox, url: str
) -> None:
    with opened(Settings.of(notify=url)) as parts:
        parts.journal.begin([notifier.name for notifier in parts.notifiers])
        parts.store.halt("enough", NOW)
    code = "from bot.app import opened; from bot.settings import Settings\nwith opened(Settings.load()) as p: p.tell()"
    environment = {**os.environ, "BOT_NOTIFY": url}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as first:
        inbox.instead = lambda: kill(first)
    assert first.returncode == -9
    inbox.instead = lambda: 200
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert len(inbox.taken) == 2
    assert inbox.taken[0] == inbox.taken[1]


@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_whatever_a_broker_says_arrives_and_is_no_markup(name: str) -> None:
    (notifier,) = services(TELEGRAM)
    words = f"buy 24 <b>_NWRB_*</b> rejected: {name}"
    with responses.RequestsMock() as wire:
        wire.post(re.compile(r"https://api\.telegram\.org/.*"), json={"ok": True})
        notifier.send(*message(steps(1, words), "paper"))
        told = json.loads(wire.calls[0].request.body or b"")
    assert told["parse_mode"] == "HTML"
    assert "buy 24 &lt;b&gt;_NWRB_*&lt;/b&gt; rejected" in told["text"]


# -- the commands and the daemon


def test_a_test_message_shows_that_it_arrives(
    inbox: Inbox, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["insiderbot", "notify"])
    for value, said in ((url, "has taken a message"), ("", "BOT_NOTIFY names nobody"), (NOBODY, "could not be told")):
        monkeypatch.setenv("BOT_NOTIFY", value)
        with suppress(SystemExit):
            cli.main()
        told = capsys.readouterr()
        assert said in told.out + told.err
    assert inbox.taken == [("insiderbot paper: a test", "You will be told of orders and halts here.")]


@pytest.mark.parametrize("wrong", ["nonsense", "http//x", "ntfy://a, tgram://x"])
def test_a_url_that_is_none_is_told_and_not_repeated(wrong: str) -> None:
    with pytest.raises(ConfigError, match="BOT_NOTIFY has a URL that Apprise does not know") as told:
        services(wrong)
    assert "://" not in str(told.value)


def test_without_apprise_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match=r"pip install 'insiderbot\[notify\]'"):
        services(NOBODY)
    assert services("") == []


def kill(process: "subprocess.Popen[bytes]") -> int:
    process.kill()
    return 200


class Telling:
    """Parts of a daemon that only tells, and cannot as often as the test says."""

    def __init__(self, fails: int) -> None:
        self.fails = fails
        self.told = 0

    def lead(self) -> None: ...

    def tell(self) -> None:
        self.told += 1
        if self.told <= self.fails:
            raise NotifyError("nobody could be told")


def test_a_daemon_that_could_not_tell_tries_again_a_minute_later() -> None:
    parts, clock = Telling(fails=2), Time(datetime(2026, 3, 3, 1, tzinfo=UTC))
    timetable = Timetable(sessions=Sessions("XNYS"), at=clock_time(9))
    opened_parts: Any = lambda: nullcontext(parts)  # noqa: E731
    daemon = Daemon(opened_parts, timetable, clock)
    told = []
    for _ in range(30):
        daemon.tell()
        told.append(parts.told)
        clock.now += timedelta(seconds=10)
    assert told == [1] * 6 + [2] * 6 + list(range(3, 21))
