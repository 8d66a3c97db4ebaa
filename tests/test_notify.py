"""Whoever wants to know is told of orders and halts: nothing twice without need, nothing never, nobody held up."""

import html
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
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
from bot.errors import ConfigError, TryAgainError
from bot.model import Notice, Order, OrderStatus
from bot.notify import LONGEST, Herald, message, services
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
    store.halt(None, NOW + timedelta(minutes=11), note="I have looked")
    store.halt(None, NOW + timedelta(minutes=12))  # it was not halted
    assert [notice.words for notice in journal.untold("a")] == [
        "buy 24 NWRB working",
        "HALTED: halted by itself: why",
        "buy 24 NWRB filled at 40.02 USD",
        "resumed: I have looked",
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


def test_who_has_lost_the_lead_marks_nothing_as_told(store: Repository, database: Database, journal: Journal) -> None:
    journal.begin(["a"])
    store.halt("enough", NOW)
    late = Journal(database, lambda: 7)
    for attempt in (lambda: late.begin(["b"]), lambda: late.told("a", late.untold("a"))):
        with pytest.raises(TryAgainError, match="another insiderbot took the lead"):
            attempt()
    assert len(journal.untold("a")) == 1


def test_a_mark_never_goes_back(store: Repository, journal: Journal) -> None:
    journal.begin(["a"])
    store.halt("one", NOW)
    (first,) = journal.untold("a")
    store.halt(None, NOW)
    journal.told("a", journal.untold("a"))
    journal.told("a", [first])
    assert journal.untold("a") == []


def test_what_was_filled_of_an_order_that_is_over_is_told(store: Repository, journal: Journal) -> None:
    journal.begin(["a"])
    part = {"filled": Decimal(10), "price": Decimal(40), "broker_order_id": "b-1", "reason": "its session is over"}
    follow(store, OrderStatus.SUBMITTING, OrderStatus.WORKING, OrderStatus.EXPIRED, **part)
    assert [notice.words for notice in journal.untold("a")] == [
        "buy 24 NWRB working",
        "buy 24 NWRB expired, 10 of them filled at 40 USD: its session is over",
    ]


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
    shown = [line.rsplit(" ", 1)[1] for line in (lines[1:] if left_out else lines)]
    assert len(shown) + left_out == len(notices)
    halts = [f"#h{notice.number}" for notice in notices if notice.kind != "orders"]
    placed = [f"#{notice.number}" for notice in notices if notice.kind == "orders"]
    assert [number for number in shown if "h" in number] == halts[-3:]
    told = [number for number in shown if "h" not in number]
    assert told == placed[len(placed) - len(told) :]


def test_a_halt_is_told_however_many_orders_it_ends(store: Repository, journal: Journal) -> None:
    halted = Notice(kind="halted", number=3, at=NOW, words="HALTED: the account was reset")
    title, body = message([halted, *steps(60, "buy 24 NWRB canceled: the account was reset, and so on")], "paper")
    assert title == "insiderbot paper: halted"
    assert "HALTED: the account was reset #h3" in body
    assert body.startswith("and ")


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


def herald_of(urls: str, journal: Journal, clock: Time) -> Herald:
    """Who tells those behind the URLs what happens from now on."""
    herald = Herald(services(urls), "paper", clock)
    journal.begin(herald.names)
    return herald


def told_by(herald: Herald, journal: Journal) -> list[str]:
    """What has failed, when all was waited for."""
    begun = herald.tell(journal)
    herald.wait(30)
    return [*begun, *herald.tell(journal)]


def test_who_is_out_of_reach_is_told_later_and_later_and_the_others_at_once(
    store: Repository, journal: Journal, inbox: Inbox, url: str
) -> None:
    clock = Time()
    herald = herald_of(f"{NOBODY}, {url}", journal, clock)
    assert herald.names == ["JSON", "JSON 2"]
    store.halt("enough", NOW)
    failed = []
    for _ in range(40):
        failed.append(told_by(herald, journal))
        clock.now += timedelta(seconds=30)
    assert [number for number, failures in enumerate(failed) if failures] == [0, 2, 6, 14, 30]
    assert failed[0] == ["JSON could not be told: it did not answer, or refused"]
    assert [title for title, _ in inbox.taken] == ["insiderbot paper: halted"]
    assert len(journal.untold("JSON")) == 1


def test_who_refuses_is_told_again_with_what_has_happened_since(
    store: Repository, journal: Journal, inbox: Inbox, url: str
) -> None:
    clock = Time()
    herald = herald_of(url, journal, clock)
    store.halt("enough", NOW)
    inbox.instead = lambda: 500
    assert told_by(herald, journal) != []
    inbox.instead = lambda: 200
    store.halt(None, NOW)
    clock.now += timedelta(minutes=1)
    for _ in range(2):
        assert told_by(herald, journal) == []
    assert [body.count("\n") for _, body in inbox.taken] == [0, 1]


def test_what_was_delivered_is_not_sent_again_because_it_cannot_be_marked(
    store: Repository, journal: Journal, database: Database, inbox: Inbox, url: str
) -> None:
    herald = herald_of(url, journal, Time())
    store.halt("enough", NOW)
    late = Journal(database, lambda: 7)
    herald.tell(late)
    herald.wait(30)
    for _ in range(3):
        (failure,) = herald.tell(late)
        assert failure.startswith("JSON was told, and that is not written down: another insiderbot took the lead")
    assert told_by(herald, journal) == []
    assert (len(inbox.taken), journal.untold("JSON")) == (1, [])


def test_who_takes_for_ever_gets_one_message_and_is_said_once(
    store: Repository, journal: Journal, inbox: Inbox, url: str
) -> None:
    clock, free = Time(), threading.Event()
    herald = herald_of(url, journal, clock)
    store.halt("enough", NOW)
    inbox.instead = lambda: 200 if free.wait(30) else 500
    said = []
    for _ in range(5):
        said += herald.tell(journal)
        clock.now += timedelta(seconds=40)
    assert said == ["JSON has not taken a message within 60 s; it gets no other meanwhile"]
    assert herald.wait(0.01) == ["JSON has not taken a message within 0.01 s; it is told the next time"]
    free.set()
    herald.wait(30)
    assert herald.tell(journal) == []
    assert len(inbox.taken) == 1


def test_a_service_with_a_new_key_is_told_what_the_old_one_was_not(store: Repository, journal: Journal) -> None:
    journal.begin(herald.name for herald in services(TELEGRAM))
    store.halt("enough", NOW)
    (renewed,) = services(TELEGRAM.replace("abc", "xyz"))
    journal.begin([renewed.name])
    assert len(journal.untold(renewed.name)) == 1


def test_who_is_killed_before_it_knows_that_it_has_told_tells_again_and_leaves_nothing_out(
    inbox: Inbox, url: str
) -> None:
    with opened(Settings.of(notify=url)) as parts:
        parts.journal.begin(parts.herald.names)
        parts.store.halt("enough", NOW)
    code = (
        "from bot.app import opened; from bot.settings import Settings\n"
        "with opened(Settings.load()) as parts:\n    parts.lead()\n    assert parts.tell(30) == []"
    )
    environment = {**os.environ, "BOT_NOTIFY": url}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as first:
        inbox.instead = lambda: kill(first)
    assert first.returncode == -9
    inbox.instead = lambda: 200
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert len(inbox.taken) == 2
    assert inbox.taken[0] == inbox.taken[1]


def test_who_does_not_lead_tells_nothing(inbox: Inbox, url: str) -> None:
    with opened(Settings.of(notify=url)) as parts:
        parts.journal.begin(parts.herald.names)
        parts.store.halt("enough", NOW)
        assert parts.tell(30) == []
        assert inbox.taken == []
        parts.lead()
        assert parts.tell(30) == []
        assert len(inbox.taken) == 1


@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_whatever_a_broker_says_arrives_and_is_no_markup(name: str) -> None:
    (notifier,) = services(TELEGRAM)
    words = f"buy 24 <b>_NWRB_*</b> rejected: {name}"
    with responses.RequestsMock() as wire:
        wire.post(re.compile(r"https://api\.telegram\.org/.*"), json={"ok": True})
        title, body = message(steps(1, words), "paper")
        notifier.send(title, body)
        told = json.loads(wire.calls[0].request.body or b"")
    assert told["parse_mode"] == "HTML"
    assert "buy 24 &lt;b&gt;_NWRB_*&lt;/b&gt; rejected" in told["text"]
    shown = html.unescape(re.sub(r"<b>(.*?)</b>\r?\n", "", told["text"], count=1))
    assert "".join(shown.split()) == "".join(body.split())


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
    """Parts of a daemon that says whether it leads, and what it could not tell."""

    def __init__(self, *, due: Exception | None) -> None:
        self._due = due
        self.told = 0

    @property
    def store(self) -> Any:
        return self

    def session_done(self) -> date:
        if self._due:
            raise self._due
        return date(2026, 3, 3)

    def open_orders(self) -> list[Any]:
        return []

    def beat(self, now: datetime) -> None: ...

    def lead(self) -> None: ...

    def tell(self) -> list[str]:
        self.told += 1
        return ["nobody could be told"]


@pytest.mark.parametrize("due", [None, TryAgainError("busy")])
def test_a_daemon_tells_after_what_was_due_whether_or_not_it_failed(
    due: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    parts, clock = Telling(due=due), Time(datetime(2026, 3, 3, 1, tzinfo=UTC))
    timetable = Timetable(sessions=Sessions("XNYS"), at=clock_time(9))
    opened_parts: Any = lambda: nullcontext(parts)  # noqa: E731
    daemon = Daemon(opened_parts, timetable, clock)
    daemon.tick()
    assert parts.told == 1
    daemon.beat()
    assert parts.told == 2
    assert [record.facts["reason"] for record in caplog.records if record.getMessage() == "not told"] == [  # type: ignore[attr-defined]
        "nobody could be told"
    ] * 2
