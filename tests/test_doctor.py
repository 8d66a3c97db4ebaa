"""What the doctor finds, and what is to be done about it."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.app import opened, staying
from bot.demo.serving import StandIn
from bot.doctor import CHECKS, Finding, examine
from bot.errors import ConfigError
from bot.plugins import Kit
from bot.settings import Settings
from bot.status import report
from tests.fakes import ScriptedBroker, Time

NOW = datetime.now(UTC)  # or a little later: the stand-in says what time it really is


@pytest.fixture
def good() -> Iterator[dict[str, Any]]:
    """Settings that are in order."""
    Path("prices.csv").write_text("date,symbol,open,close\n2026-11-20,NWRB,40,40\n")
    with StandIn(lambda *_: (200, {}, b"")) as server:
        yield {
            "sources": ("finviz", "openinsider"),
            "user_agent": "insiderbot/0.1 (somebody@example.org)",
            "openfigi_url": server.url,
            "openfigi_key": "a-key",
            "prices": "files:prices.csv",
            "notify": "json://127.0.0.1:9",
        }


def found(now: datetime | None = None, **values: Any) -> dict[str, list[Finding]]:
    findings = examine(Settings.of(**values), Time(now or datetime.now(UTC)))
    return {about: [each for each in findings if each.about == about] for about in CHECKS}


def states(findings: dict[str, list[Finding]]) -> dict[str, str]:
    """The worst state of every check."""
    order = ["good", "look", "bad"]
    return {about: max((each.state for each in each_of), key=order.index) for about, each_of in findings.items()}


def test_where_everything_is_in_order_everything_is_good(good: dict[str, Any]) -> None:
    assert set(states(found(**good)).values()) == {"good"}
    assert not Path("insiderbot.db").exists()


@pytest.mark.parametrize(
    ("change", "about", "state", "words"),
    [
        ({"sources": ()}, "sources", "bad", "BOT_SOURCES is empty"),
        ({"sources": ("finvis",)}, "sources", "bad", "did you mean finviz"),
        ({"sources": ("finviz",)}, "sources", "look", "one source only"),
        ({"user_agent": "insiderbot"}, "identity", "look", "names nobody"),
        ({"openfigi_key": None}, "keys", "look", "no OpenFIGI key"),
        ({"notify": None}, "notify", "look", "nobody is told when the bot halts"),
        ({"notify": "nonsense"}, "notify", "bad", "BOT_NOTIFY has a URL that Apprise does not know"),
        ({"prices": ""}, "broker", "bad", "no prices"),
        ({"strategy": "clustres"}, "strategy", "bad", "did you mean clusters?"),
        ({"strategy": "small_caps"}, "strategy", "bad", "the strategy needs sizes, and BOT_SIZES is empty"),
        ({"exit_when": "no_such:exit"}, "strategy", "bad", "'no_such:exit' cannot be loaded"),
        ({"sizing": "os:sep"}, "strategy", "bad", "'os:sep' is no sizing"),
        ({"notional": Decimal(10_001)}, "limits", "bad", "BOT_NOTIONAL is 10,001 and BOT_MAX_ORDER_VALUE 10,000"),
        ({"prices": "files:none.csv"}, "broker", "bad", "no CSV file"),
        (
            {"broker": "lemon_markets", "lemon_markets_url": "http://127.0.0.1:9", "lemon_markets_key": "k"},
            "broker",
            "bad",
            "127.0.0.1:9",
        ),
        ({"broker": "lemon_markets"}, "broker", "bad", "BOT_LEMON_MARKETS_URL"),
        (
            {"broker": "tests.test_app:careless"},
            "unattended",
            "bad",
            "could take an order twice when an answer is lost",
        ),
        ({"broker": "tests.test_app:forgetful"}, "unattended", "bad", "cannot list all orders of its account"),
        ({"broker": "lemon_markets"}, "unattended", "bad", "BOT_LEMON_MARKETS_URL"),
        ({"openfigi_url": "http://127.0.0.1:9"}, "clock", "look", "not compared"),
        ({"venue": "XXXX"}, "calendar", "bad", "no calendar for 'XXXX'"),
        ({"database_url": "sqlite:///nowhere/bot.db"}, "disk", "bad", "there is no folder"),
        ({"database_url": "mysql://host/bot"}, "store", "bad", "mysql is not supported"),
    ],
)
def test_every_fault_is_found_under_its_name(
    change: dict[str, Any], about: str, state: str, words: str, good: dict[str, Any]
) -> None:
    findings = found(**(good | change))
    assert states(findings)[about] == state
    assert any(words in each.finding for each in findings[about]), findings[about]
    assert all(each.remedy for each in findings[about] if each.state != "good")


def test_how_it_decides_and_when_it_sells_is_told(good: dict[str, Any]) -> None:
    (told,) = found(**good)["strategy"]
    assert told.finding == "executives decides; what was bought is sold when officers sell"
    (told,) = found(**good | {"exit_after": 60, "stop": Decimal("0.15"), "exit_when": "os:getcwd"})["strategy"]
    who, when = told.finding.split(" decides; ")
    assert re.fullmatch("executives [0-9a-f]{12}", who)  # the version of the code of one's own
    assert when == (
        "what was bought is sold when officers sell, or it was held for 60 sessions (BOT_EXIT_AFTER), or the bid is"
        " 15% below the price paid (BOT_STOP), or os:getcwd says so"
    )


def test_a_calendar_that_ends_soon_is_found(good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(found(**good))["calendar"] == "good"
    monkeypatch.setattr("bot.doctor.ENOUGH_CALENDAR", timedelta(days=10_000))
    findings = found(**good)
    assert states(findings)["calendar"] == "bad"
    assert "XNYS is known until 20" in findings["calendar"][0].finding
    assert "exchange-calendars" in findings["calendar"][0].remedy


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {},
            "simulated may be left alone: an order is placed, then activated; its id is taken once, for ever;"
            " the id finds it again; it is in sight at once; there is no real money",
        ),
        (
            {"broker": "alpaca", "alpaca_key": "k", "alpaca_secret": "s"},
            "alpaca may be left alone: an order is live once it is sent; its id is taken once, for ever;"
            " the id finds it again; it may be out of sight for 10 s; 'account_number' proves paper",
        ),
        (
            {"broker": "lemon_markets", "lemon_markets_url": "http://127.0.0.1:9", "lemon_markets_key": "k"},
            "lemon_markets may be left alone: an order is placed, then activated; its id is taken once, for 7 days;"
            " the id finds it again; it may be out of sight for 10 s; 'mode' proves paper",
        ),
        (
            {"broker": "tests.test_doctor:nameless"},
            "scripted may be left alone: an order is placed, then activated; its id is taken as often as it is sent;"
            " the id does not find it again; it is in sight at once; 'id' proves paper",
        ),
    ],
    ids=["simulated", "alpaca", "lemon_markets", "nameless"],
)
def test_what_a_broker_is_safe_by_is_told_in_one_line(good: dict[str, Any], changes: dict[str, Any], told: str) -> None:
    (unattended,) = found(**(good | changes))["unattended"]
    assert (unattended.state, unattended.finding) == ("good", told)


def nameless(kit: Kit) -> ScriptedBroker:
    """A broker that does not look at our ids."""
    broker = ScriptedBroker(two_step=True)
    broker.idempotent = broker.lookup_by_key = False
    return broker


def test_the_doctor_refuses_a_broker_in_the_words_of_the_daemon(good: dict[str, Any]) -> None:
    values = good | {"broker": "tests.test_app:careless"}
    with pytest.raises(ConfigError) as refused:
        staying(Settings.of(**values), clock=Time(NOW)).__enter__()
    assert [each.finding for each in found(**values)["unattended"]] == [str(refused.value)]


def test_a_clock_that_is_off_is_bad(good: dict[str, Any]) -> None:
    late = found(datetime.now(UTC) + timedelta(minutes=5), **good)["clock"][0]
    assert (late.state, "s off http://127.0.0.1" in late.finding) == ("bad", True)
    assert "the clock says 1999-01-01" in found(datetime(1999, 1, 1, tzinfo=UTC), **good)["clock"][0].finding


def test_a_cycle_in_the_future_means_that_the_clock_was_set_back(good: dict[str, Any]) -> None:
    with opened(Settings.of(**good)) as parts:
        parts.store.record([], [], NOW + timedelta(days=1))
    assert f"a cycle ran at {NOW + timedelta(days=1):%Y-%m-%d %H:%M} UTC" in found(**good)["clock"][0].finding


def test_a_halted_bot_is_worth_a_look(good: dict[str, Any]) -> None:
    with opened(Settings.of(**good)) as parts:
        parts.store.halt("on holiday", NOW)
    store = found(**good)["store"]
    assert (store[0].state, store[0].finding, store[0].remedy) == (
        "look",
        "halted: on holiday",
        "insiderbot resume",
    )


def test_a_halt_file_is_worth_a_look(good: dict[str, Any]) -> None:
    Path("HALT").write_text("the disk is full\n")
    store = found(**good)["store"]
    assert (store[0].state, store[0].finding, store[0].remedy) == (
        "look",
        "halted: the disk is full (HALT)",
        "remove HALT",
    )


def remember(good: dict[str, Any], worth: str) -> None:
    with opened(Settings.of(**good)) as parts:
        parts.drawdown.memory.put("highest worth of simulated in USD", worth)
        parts.store.record([], [], NOW)


@pytest.mark.parametrize(
    ("highest", "state", "words"),
    [("110000", "good", "it is 9.1% below it now"), ("112000", "look", "it is 10.7% below it now")],
)
def test_the_limits_in_force_are_told_and_how_far_the_account_has_fallen(
    good: dict[str, Any], highest: str, state: str, words: str
) -> None:
    remember(good, highest)
    limits = found(**good)["limits"]
    assert [each.state for each in limits] == ["good", state]
    assert "at most 10,000 an order and 20,000 a share, 30 a cycle, 50 and 50,000 a session" in limits[0].finding
    assert limits[1].finding == f"halts above 40 new orders in a cycle, and 20% below the highest worth; {words}"


def test_a_worth_that_nobody_knows_is_worth_a_look(good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.doctor.worth", lambda *_: None)
    assert "what the account is worth is not known now" in found(**good)["limits"][1].finding


def test_the_status_tells_the_fall_from_the_highest_worth(good: dict[str, Any]) -> None:
    with opened(Settings.of(**good)) as parts:
        first = report(parts)
    assert (first["worth"], first["highest_worth"], first["drawdown"]) == ("100000", None, "0")
    remember(good, "120000")
    with opened(Settings.of(**good), read_only=True) as parts:
        now = report(parts)
    assert (now["worth"], now["highest_worth"], now["drawdown"]) == ("100000", "120000", "0.1667")


def test_a_full_disk_is_bad(good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(".")._replace(free=50 * 1024**2)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    (disk,) = found(**good)["disk"]
    assert (disk.state, disk.remedy) == ("bad", "make room: 200 MB at least")


def test_a_password_in_the_database_url_is_not_shown(good: dict[str, Any]) -> None:
    findings = examine(Settings.of(**good, database_url="mysql://me:canary-7f3a9@host/bot"), Time(NOW))
    assert "canary-7f3a9" not in str(findings)
