"""The command line as a person meets it: exit codes, one sentence for every failure, the shapes programs rely on."""

import csv
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
import typer

from bot import cli
from bot.demo import openinsider
from bot.demo.companies import SHARES, records
from bot.demo.market import market
from bot.demo.openfigi import OpenFigiServer
from bot.demo.rest import FilingsApi, SecuritiesDbApi
from bot.demo.serving import Reply, StandIn
from bot.http import strict_json
from bot.model import InsiderTrade, Order
from bot.settings import Settings
from bot.store.tables import HEAD
from bot.strategy_file import schema
from tests.sources.pages import LINES, Line, new_list

BEFORE_OPEN = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)  # a Tuesday; what was filed on Monday evening is public
AFTER_OPEN = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
CANARY = "canary-7f3a9"
NOWHERE = "http://127.0.0.1:9"  # a port that nothing listens on
COLUMNS = list(InsiderTrade._fields)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return strict_json(self.out)

    @property
    def sentence(self) -> str:
        """The one line on stderr of a command that failed as expected and printed nothing else."""
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("insiderbot: ")
        return line.removeprefix("insiderbot: ")


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process, in the test's own folder and at a width of its own."""
    monkeypatch.setenv("COLUMNS", "140")

    def command(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["insiderbot", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int | None)
        return Result(code or 0, said.out, said.err)

    return command


def process(*arguments: str, env: Mapping[str, str] | None = None, program: Sequence[str] = ()) -> Result:
    """Runs a command in a process of its own, with no more environment than this."""
    usual = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    done = subprocess.run(
        [*(program or (sys.executable, "-m", "bot")), *arguments],
        env={**usual, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Result(done.returncode, done.stdout, done.stderr)


def folder() -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in Path().rglob("*") if path.is_file()}


@dataclass(slots=True)
class World:
    """The services around the bot: FinViz shows `page` with `status`, OpenFIGI knows the demo's companies."""

    figi: OpenFigiServer
    page: str
    status: int = 200
    asked: int = 0

    def reply(self, *_: object) -> Reply:
        self.asked += 1
        return self.status, {"Content-Type": "text/html; charset=utf-8"}, self.page.encode()

    def show(self, *lines: Line) -> None:
        self.page = new_list(lines)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A page with one officer's purchase worth following, prices around it, and settings that lead there."""
    prices = "at,symbol,bid,ask\n2026-03-02T20:59:00Z,NWRB,40.00,40.00\n2026-03-03T14:45:00Z,NWRB,41.00,41.00\n"
    Path("prices.csv").write_text(prices)
    with ExitStack() as services:
        figi = services.enter_context(OpenFigiServer(records(SHARES)))
        world = World(figi, new_list([Line()]))
        finviz = services.enter_context(StandIn(world.reply))
        settings = {
            "SOURCES": "finviz",
            "FINVIZ_URL": finviz.url,
            "OPENFIGI_URL": figi.url,
            "PRICES": "files:prices.csv",
            "SIMULATED_SPREAD": "0",
        }
        for name, value in settings.items():
            monkeypatch.setenv(f"BOT_{name}", value)
        yield world


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(BEFORE_OPEN, tick=False) as coordinates:
        yield coordinates


# -- the whole way, from a page to a position


@pytest.mark.usefixtures("world")
def test_a_trade_is_planned_placed_once_filled_and_explained(run: Run, clock: time_machine.Traveller) -> None:
    planned = run("run", "--dry-run", "--format", "json")
    assert planned.code == 0
    (intended,) = planned.json()["orders"]
    assert (intended["symbol"], intended["side"], intended["quantity"]) == ("NWRB", "buy", "25")
    assert intended["status"] == "intent"

    placed = run("run", "--trade-backlog", "--format", "json")
    assert placed.code == 0
    (order,) = placed.json()["orders"]
    assert order["client_order_id"] == intended["client_order_id"]
    assert order["status"] == "working"
    assert run("positions", "--format", "json").json() == []

    clock.move_to(AFTER_OPEN)
    again = run("run", "--trade-backlog", "--format", "json")
    assert again.json()["decisions"] == []
    (listed,) = run("orders", "--format", "json").json()
    assert (listed["status"], listed["price"], listed["filled"], listed["fee"]) == ("filled", "41", "25", "1")
    (position,) = run("positions", "--format", "json").json()
    assert (position["symbol"], position["quantity"], position["average_price"]) == ("NWRB", "25", "41")

    status = run("status", "--format", "json").json()
    assert (status["cash"], status["positions"], status["open_orders"], status["orders"]) == ("98974", 1, 0, 1)
    assert (status["trade_from"], status["last_cycle"]) == ("2026-03-03T12:00:00+00:00", "2026-03-03T15:00:00+00:00")

    for about in ("NWRB", "nwrb", order["client_order_id"]):
        (told,) = run("explain", about, "--format", "json").json()
        assert (told["decision"], told["order"]["status"]) == ("buy", "filled")
        assert [step["after"] for step in told["life"]] == ["submitting", "inactive", "activating", "working", "filled"]
    words = run("explain", "NWRB").out
    assert words.startswith("NWRB  Okafor Adaeze M, Chief Financial Officer: BUY")
    assert "25 whole shares" in words
    assert "  rules       + open_market: an open-market purchase\n              + officers_only: " in words
    rules = {check["name"]: check for check in told["checks"]}
    assert rules["more_than"]["passed"]
    assert rules["more_than"]["inputs"].keys() >= {"shares", "held_before", "fraction_of_holdings"}
    assert words.endswith("filled 25 at 41 USD, fee 1\n")
    kept = told["decided_by"]["settings"]
    assert f"by insiderbot 0.1.0, strategy executives, settings {kept}" in words
    shown = run("config", "show", "--format", "json").json()
    assert run("config", "show", "--kept", kept, "--format", "json").json() == sorted(shown, key=str)
    assert "no decision was made with settings 'nonsense'" in run("config", "show", "--kept", "nonsense").sentence


@pytest.mark.usefixtures("clock", "world")
def test_what_was_seen_becomes_a_signal_file(run: Run) -> None:
    assert "nothing was seen yet" in run("signal", "--as-of", "2026-03-03").sentence
    assert run("run").code == 0
    (best,) = run("signal", "--as-of", "2026-03-03", "--format", "json").json()
    assert (best["rank"], best["symbol"], best["buyers"]) == (1, "NWRB", 1)
    assert run("signal", "--as-of", "2026-03-03", "-o", "signal.csv").out == "1 rows written to signal.csv\n"
    assert "NWRB" in Path("signal.csv").read_text(encoding="utf-8")
    ranged = run("signal", "--from", "2026-03-01", "--as-of", "2026-03-04", "--format", "json").json()
    assert [row["as_of"] for row in ranged] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    none = run("signal", "--as-of", "2027-03-03")
    assert (none.code, "what was seen became public from 2026-03-02 to 2026-03-02" in none.err) == (0, True)
    assert "write it like 2026-03-02" in run("signal", "--as-of", "yesterday").sentence
    assert "is after" in run("signal", "--from", "2026-03-05", "--as-of", "2026-03-04").sentence


@pytest.mark.usefixtures("clock")
def test_a_dry_run_leaves_the_folder_as_it_was_without_and_with_a_database(run: Run, world: World) -> None:
    before = folder()
    assert run("run", "--dry-run").code == 0
    assert folder() == before
    assert run("run", "--trade-backlog").code == 0
    world.show(Line(), replace(LINES[6], filed=datetime(2026, 3, 2, 18, 0)))  # noqa: DTZ001
    before = folder()
    assert "insiderbot.db" in before
    looks = ("run --dry-run", "run --dry-run --as-of 2026-03-03T11:00Z", "trades", "map NWRB", "status", "orders")
    for look in (*looks, "positions", "explain NWRB", "config show"):
        assert run(*look.split()).code == 0, look
        assert folder() == before, look


@pytest.mark.usefixtures("world", "clock")
def test_what_was_public_before_the_first_cycle_is_backlog(run: Run) -> None:
    result = run("run", "--format", "json").json()
    assert result["orders"] == []
    assert [decision["rule"] for decision in result["decisions"]] == ["backlog"]


@pytest.mark.usefixtures("world", "clock")
def test_a_run_tells_whoever_wants_to_know_and_goes_on_where_it_cannot(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def take(*asked: Any) -> tuple[int, dict[str, str], bytes]:
        told.append(json.loads(asked[-1])["message"])
        return 200, {}, b""

    monkeypatch.setenv("BOT_NOTIFY", "json://127.0.0.1:9")
    placed = run("run", "--trade-backlog")
    assert placed.code == 0
    assert "could not be told" in placed.err
    with StandIn(take) as server:
        monkeypatch.setenv("BOT_NOTIFY", server.url.replace("http:", "json:"))
        assert run("run").code == 0  # what the one before it could not be told
        assert run("halt", "enough").code == 0
        for _ in range(2):
            assert run("run").code == 0
        assert run("run", "--dry-run").code == 0
    assert [message.split(" UTC ")[1] for message in told] == ["buy 25 NWRB working #4", "HALTED: enough #h1"]


@pytest.mark.usefixtures("world", "clock")
def test_a_halt_that_flattens_cancels_what_is_live(run: Run) -> None:
    assert run("run", "--trade-backlog").code == 0
    (order,) = run("orders", "--format", "json").json()
    assert order["status"] == "working"
    told = run("halt", "--flatten", "no more of this").out
    assert told.splitlines() == [
        "halted: no more of this; `insiderbot resume` allows sending again",
        "no order is open",
    ]
    (order,) = run("orders", "--format", "json").json()
    assert order["status"] == "canceled"


@pytest.mark.usefixtures("world", "clock")
def test_a_halted_bot_places_nothing_and_says_so(run: Run) -> None:
    halted = run("halt", "I am on holiday")
    assert (halted.code, halted.out) == (0, "halted: I am on holiday; `insiderbot resume` allows sending again\n")
    result = run("run", "--trade-backlog", "--format", "json").json()
    assert result["orders"] == []
    assert [(item["rule"], item["reason"]) for item in result["decisions"]] == [("halted", "I am on holiday")]
    assert "I am on holiday" in run("status").out
    assert run("resume").out == "resumed (it was halted: I am on holiday)\n"
    assert run("resume").out == "it was not halted\n"
    assert run("status", "--format", "json").json()["halted"] is None


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_halt_without_a_reason_is_a_halt(reason: str, run: Run) -> None:
    assert run("halt", reason).code == 0
    assert run("status", "--format", "json").json()["halted"] == "halted by hand"


@pytest.mark.usefixtures("world", "clock")
def test_too_little_cash_is_a_reason(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_SIMULATED_CASH", "900")
    result = run("run", "--dry-run", "--format", "json").json()
    (decision,) = result["decisions"]
    assert (decision["decision"], decision["rule"], result["orders"]) == ("skip", "cash", [])
    assert "but only 900.00 USD is available" in decision["reason"]


@pytest.mark.usefixtures("world", "clock")
def test_a_closed_venue_is_a_reason_when_the_entry_is_now(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_ENTRY", "now")
    (decision,) = run("run", "--dry-run", "--format", "json").json()["decisions"]
    assert decision["rule"] == "limit"
    assert decision["reason"] == "XNYS is closed until 2026-03-03 14:30 UTC, and BOT_ENTRY is now"


@pytest.mark.usefixtures("clock")
def test_a_plan_for_people_says_everything_once(run: Run, world: World) -> None:
    world.show(Line(), LINES[2])
    result = run("run", "--dry-run")
    assert result.out.startswith("Plan as of 2026-03-03 12:00 UTC\n\n")
    assert "Okafor Adaeze M, Chief Financial Officer" in result.out
    assert "officers_only (1)" in result.out
    assert result.out.endswith("2 lines → 2 events → 2 new − 1 officers_only = 1 followed, 1 order\n")
    assert result.err == ""


@pytest.mark.usefixtures("clock")
def test_a_name_that_commands_a_terminal_reaches_nobody(run: Run) -> None:
    line = replace(Line(), owner="Evil\u202eName", title="CEO \u200b=1+1")
    Path("page.html").write_text(new_list([line]), encoding="utf-8")
    for form in ("table", "csv"):
        said = run("parse", "page.html", "--format", form)
        assert "\u202e" not in said.out + said.err
        assert "\u200b" not in said.out + said.err


# -- shapes that programs rely on


@pytest.mark.usefixtures("world", "clock")
def test_the_shape_of_a_run_in_json(run: Run) -> None:
    result = run("run", "--dry-run", "--format", "json").json()
    assert list(result) == ["decisions", "orders", "degraded", "funnel"]
    (decision,), (order,) = result["decisions"], result["orders"]
    assert list(decision)[: len(COLUMNS)] == COLUMNS
    assert {"keys", "decision", "rule", "reason", "client_order_id", "evidence"} <= set(decision)
    assert (decision["shares"], decision["price"]) == ("3000", "40.81")
    assert decision["known_at"] == "2026-03-02T22:03:00+00:00"
    assert list(order) == [item.name for item in fields(Order)]
    assert order["valid_from"] == "2026-03-03T14:30:00+00:00"


@pytest.mark.usefixtures("clock")
def test_a_new_position_is_no_number_in_json_and_still_json(run: Run, world: World) -> None:
    world.show(replace(Line(), after=3000))
    (decision,) = run("run", "--dry-run", "--format", "json").json()["decisions"]
    assert (decision["decision"], decision["fraction_of_holdings"]) == ("buy", "Infinity")


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_shape_of_parsed_lines(form: str, run: Run) -> None:
    Path("page.html").write_text(new_list(LINES), encoding="utf-8")
    said = run("parse", "page.html", "--as-of", "2026-03-20T12:00Z", "--format", form)
    assert (said.code, said.err) == (0, "")
    if form == "csv":
        head, *rows = csv.reader(io.StringIO(said.out))
        assert head == COLUMNS
        assert len(rows) == len(said.out.splitlines()) - 1 == len(LINES)
        return
    objects = [json.loads(line) for line in said.out.splitlines()]
    assert len(objects) == len(LINES)
    assert all(list(each) == COLUMNS for each in objects)
    numbers = [each[name] for each in objects for name in ("shares", "price", "value", "shares_after")]
    assert all(isinstance(number, str | None) for number in numbers)
    assert all(datetime.fromisoformat(each["known_at"]).utcoffset() == timedelta(0) for each in objects)


@pytest.mark.parametrize(("form", "said"), [("json", "[]\n"), ("jsonl", ""), ("table", "none\n")])
def test_nothing_to_show_is_nothing_to_read(form: str, said: str, run: Run) -> None:
    assert run("orders", "--format", form).out == said
    assert run("positions", "--format", form).out == said


@pytest.mark.usefixtures("clock")
def test_csv_without_rows_still_has_its_heading(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("orders", "--format", "csv").out == ",".join(item.name for item in fields(Order)) + "\n"
    assert run("positions", "--format", "csv").out == "symbol,isin,quantity,average_price,currency\n"
    with StandIn(FilingsApi()) as service:
        monkeypatch.setenv("BOT_SOURCES", "rest")
        monkeypatch.setenv("BOT_REST_URL", f"{service.url}/filings")
        said = run("trades", "--format", "csv")
    assert (said.code, said.out) == (0, ",".join([*COLUMNS, "witnesses"]) + "\n")


@pytest.mark.usefixtures("world", "clock")
def test_a_mapped_ticker_shows_its_proof(run: Run) -> None:
    (row,) = run("map", " nwrb ", "--format", "json").json()
    assert (row["symbol"], row["name"], row["reason"]) == ("NWRB", "NORTHWIND ROBOTICS INC", "")
    head, *proof = run("map", "nwrb").out.splitlines()
    assert head.split()[:4] == ["nwrb", "NORTHWIND", "ROBOTICS", "INC"]
    assert [line.strip() for line in proof] == row["proof"]
    assert "is share class" in proof[0]


def test_the_status_of_a_bot_that_never_ran(run: Run) -> None:
    status = run("status", "--format", "json").json()
    assert (status["broker"], status["cash"], status["orders"], status["halted"]) == ("simulated", "100000", 0, None)
    assert [line.split()[-1] for line in run("status").out.splitlines()[-3:]] == ["-", "-", "-"]
    assert folder() == {}


def test_the_example_and_the_schema_are_what_the_settings_say(run: Run) -> None:
    assert run("config", "example").out == Settings.example()
    assert run("config", "schema").json() == json.loads(json.dumps(Settings.model_json_schema()))
    assert json.loads(run("config", "schema", "--strategy-file").out) == schema()


def test_the_settings_are_shown_without_secrets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_OPENFIGI_KEY", CANARY)
    monkeypatch.setenv("BOT_ACCOUNT", "second")
    for form in ("table", "json", "jsonl", "csv"):
        said = run("config", "show", "--format", form)
        assert said.code == 0
        assert CANARY not in said.out + said.err
        assert "second" in said.out
    shown = {row["setting"]: row["value"] for row in run("config", "show", "--format", "json").json()}
    assert list(shown) == Settings.names()
    assert shown["BOT_OPENFIGI_KEY"] == "********"


# -- what goes wrong


@pytest.mark.parametrize(
    ("settings", "arguments", "code", "words"),
    [
        ({}, ["run"], 2, "BOT_SOURCES is empty: write edgar or files:PATH, say, or try `insiderbot demo` first"),
        ({}, ["trades"], 2, "BOT_SOURCES is empty"),
        ({"BOT_SORCES": "x"}, ["status"], 2, "BOT_SORCES is not a setting of insiderbot; did you mean BOT_SOURCES?"),
        ({"BOT_NOTIONAL": "much"}, ["status"], 2, "BOT_NOTIONAL: write a plain number such as 100 (found 'much')"),
        (
            {"BOT_BROKER": "simulate"},
            ["status"],
            2,
            "there is no 'simulate' among the brokers; did you mean simulated?",
        ),
        ({"BOT_SOURCES": "finvis"}, ["trades"], 2, "there is no 'finvis' among the sources; did you mean finviz?"),
        ({"BOT_SOURCES": "files"}, ["trades"], 2, "files needs a path"),
        ({"BOT_SOURCES": "files:gone.html"}, ["trades"], 1, "gone.html: expected a file or a folder, found nothing"),
        ({"BOT_SOURCES": "mine:source"}, ["trades"], 2, "'mine:source' cannot be loaded: No module named 'mine'"),
        ({"BOT_SOURCES": "files:.", "BOT_VENUE": "XXXX"}, ["run", "--dry-run"], 1, ".: expected files ending in"),
        ({"BOT_SOURCES": "finviz"}, ["run", "--as-of", "2026-03-03T12:00Z"], 2, "--as-of decides as of the past"),
        ({"BOT_PRICES": "files:gone.csv"}, ["status"], 2, "BOT_PRICES: there is no CSV file at gone.csv"),
        ({"BOT_DATABASE_URL": "mysql://me:secret@host/x"}, ["status"], 2, "BOT_DATABASE_URL: mysql is not"),
        ({"BOT_DATABASE_URL": "postgresql://me:secret@127.0.0.1:9/x"}, ["run"], 75, "the database cannot be reached"),
        ({"BOT_CYCLE_AT": "9 o'clock"}, ["daemon"], 2, "BOT_CYCLE_AT: write a time of day such as 09:00 (found"),
        ({}, ["daemon"], 2, "BOT_SOURCES is empty"),
        ({"BOT_VENUE": "24/7"}, ["status"], 2, "BOT_VENUE: this does not fit: Calendar of the venue"),
        ({"BOT_VENUE": "ASEX", "BOT_SOURCES": "finviz"}, ["daemon"], 2, "the package has no whole calendar of ASEX"),
        ({}, ["health"], 1, "no daemon yet"),
        ({}, ["scan"], 2, "there is nothing to scan: name tickers by --watchlist or BOT_WATCHLIST"),
        ({"BOT_WATCHLIST": "NWRB"}, ["scan", "--threshold", "nan"], 2, "--threshold: 'nan' is no ratio"),
        ({"BOT_WATCHLIST": "NWRB"}, ["scan", "--threshold", "-1"], 2, "--threshold: '-1' is no ratio of buys to sells"),
        ({}, ["scan", "--watchlist", "no ticker"], 2, "the watchlist has 'no ticker'"),
        ({"BOT_SOURCES": "finviz,finviz"}, ["trades"], 2, "BOT_SOURCES names a source twice"),
        ({"BOT_SOURCES": "finviz", "BOT_BROKER": "os:getcwd"}, ["status"], 2, "'os:getcwd' is no factory"),
        ({"BOT_DATABASE_URL": "sqlite:///gone/x.db"}, ["status"], 2, "BOT_DATABASE_URL: there is no folder gone"),
        ({"BOT_DATABASE_URL": "my.db"}, ["status"], 2, "BOT_DATABASE_URL is not a database URL"),
        ({"BOT_DATABASE_URL": "sqlite:///gone/x.db"}, ["halt"], 2, "BOT_DATABASE_URL: there is no folder gone"),
        (
            {"BOT_BROKER_URL": "https://api.alpaca.markets"},
            ["status"],
            2,
            "BOT_BROKER_URL: api.alpaca.markets is for real money",
        ),
        (
            {},
            ["explain", " "],
            2,
            "name what to explain: a ticker, or the ID of a filing, an event, a decision or an order",
        ),
        ({}, ["explain", "NWRB"], 1, "nothing has been decided about 'NWRB' yet; `insiderbot run --dry-run` shows"),
        ({}, ["parse", "gone.html"], 1, "gone.html: expected a file or a folder, found nothing"),
    ],
)
def test_every_expected_failure_is_one_sentence_on_stderr(
    settings: dict[str, str], arguments: list[str], code: int, words: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    result = run(*arguments)
    assert result.sentence.startswith(words)
    assert result.code == code


@pytest.mark.parametrize(
    "text", ["garbage", "2022-13-01T00:00Z", "tomorrow", "0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", ""]
)
def test_an_instant_that_is_none_is_refused(text: str, run: Run) -> None:
    assert run("parse", "page.html", "--as-of", text or "''").sentence.endswith("write it like 2022-01-17T10:30Z")


@pytest.mark.parametrize("text", ["2022-01-17", "2022-01-17T10:30"])
def test_an_instant_without_a_zone_is_refused(text: str, run: Run) -> None:
    result = run("parse", "page.html", "--as-of", text)
    assert result.sentence == f"{text!r} has no time zone: write it like 2022-01-17T10:30Z"
    assert result.code == 2


@pytest.mark.usefixtures("world", "clock")
def test_an_instant_of_another_zone_is_shown_in_utc(run: Run) -> None:
    said = run("run", "--dry-run", "--as-of", "2026-03-03T13:00+01:00")
    assert said.out.startswith("Plan as of 2026-03-03 12:00 UTC\n")
    assert (
        said.err
        == "insiderbot: nothing counts as decided, bought or halted by then: every event is new, and nothing exits\n"
    )
    assert run("run", "--dry-run").err == ""


def test_as_of_an_instant_what_was_public_by_then_is_known_and_nothing_later(
    world: World, clock: time_machine.Traveller, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("three.toml").write_text('name = "three"\nrules = [{rule = "clustered", owners = 3}]\n')
    monkeypatch.setenv("BOT_STRATEGY_FILE", "three.toml")
    filed = datetime(2026, 3, 2, 16, 30)  # noqa: DTZ001
    second = Line(owner="Second Ann", owner_cik=2, accession="0000000002-26-000001", filed=filed)
    third = replace(second, owner="Third Bea", owner_cik=3, accession="0000000003-26-000001")
    world.show(Line(), second)
    assert run("run", "--trade-backlog").code == 0
    clock.shift(timedelta(days=1))

    def decided(*then: str) -> list[tuple[str, str, str]]:
        made = run("run", "--dry-run", "--format", "json", *then).json()["decisions"]
        return [(each["owner"], each["decision"], each["reason"]) for each in made]

    world.show(replace(third, filed=filed + timedelta(minutes=30)))
    ((*found, reason),) = decided("--as-of", "2026-03-02T22:02Z")  # before the first of them filed, at 22:03
    assert (found, reason[:10]) == (["Third Bea", "skip"], "2 officers")
    world.show(replace(third, filed=filed + timedelta(days=1)))
    assert decided("--as-of", "2026-03-02T22:10Z") == []
    for then in ("--as-of", "2026-03-04T10:00Z"), ():
        ((*found, reason),) = decided(*then)
        assert (found, reason[:10]) == (["Third Bea", "buy"], "3 officers")
    Path("insiderbot.db").unlink()
    ((*found, reason),) = decided("--as-of", "2026-03-04T10:00Z")
    assert (found, reason[:9]) == (["Third Bea", "skip"], "1 officer")


@pytest.mark.usefixtures("world", "clock")
@pytest.mark.parametrize("day", ["0001-01-02", "1970-01-01", "2190-01-01", "9999-12-30"])
def test_an_absurd_instant_is_no_crash(day: str, run: Run) -> None:
    assert run("run", "--dry-run", "--as-of", f"{day}T00:00Z").code in {0, 1, 2}


@pytest.mark.parametrize(
    ("status", "page", "words"),
    [
        (200, "", "expected an HTML page with the insider table"),
        (200, "<html><body><table><tr><td>x</td></tr></table></body></html>", "expected an insider table"),
        (200, new_list(LINES)[:2000], "expected a whole page"),
        (200, new_list([]), "expected rows in the insider table"),
        (200, "<html><title>Just a moment...</title></html>", "FinViz answered with a challenge"),
        (403, "no", "FinViz answered with a challenge"),
        (404, "no", "FinViz answered 404 where 200 was expected"),
        (429, "no", "FinViz answered 429, too many requests"),
        (500, "no", "FinViz answered 500 where 200 was expected"),
    ],
)
@pytest.mark.parametrize("command", ["run", "trades"])
def test_a_page_that_is_not_the_page_is_one_sentence(
    status: int, page: str, words: str, command: str, run: Run, world: World
) -> None:
    world.status, world.page = status, page
    result = run(command)
    assert words in result.sentence
    assert result.code == 1


def test_a_source_that_is_out_of_reach_is_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_SOURCES", "finviz")
    monkeypatch.setenv("BOT_FINVIZ_URL", NOWHERE)
    result = run("run", "--dry-run")
    assert result.sentence == "FinViz: 127.0.0.1:9 could not be reached (ConnectionError)"
    assert result.code == 1


@pytest.mark.usefixtures("clock")
def test_one_source_may_fail_while_another_answers(run: Run, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("page.html").write_text(new_list([Line()]), encoding="utf-8")
    monkeypatch.setenv("BOT_SOURCES", "finviz,files:page.html")
    world.status = 404
    result = run("run", "--dry-run", "--format", "json")
    assert result.code == 0
    assert result.json()["degraded"] == [{"name": "finviz", "reason": "FinViz answered 404 where 200 was expected"}]
    assert len(result.json()["orders"]) == 1
    assert result.err == "insiderbot: finviz is degraded: FinViz answered 404 where 200 was expected\n"


@pytest.mark.usefixtures("world", "clock")
def test_a_run_that_could_not_map_says_try_again_and_keeps_the_trade(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    url = os.environ["BOT_OPENFIGI_URL"]
    monkeypatch.setenv("BOT_OPENFIGI_URL", NOWHERE)
    monkeypatch.setattr("bot.instruments.openfigi.ATTEMPTS", 1)
    result = run("run", "--trade-backlog", "--format", "json")
    assert result.code == 75
    assert [decision["rule"] for decision in result.json()["decisions"]] == ["mapping"]
    assert [item["name"] for item in result.json()["degraded"]] == ["mapping"]
    assert "some trades are still to be decided: 127.0.0.1:9 could not be reached" in result.err
    monkeypatch.setenv("BOT_OPENFIGI_URL", url)
    assert len(run("run", "--trade-backlog", "--format", "json").json()["orders"]) == 1


def test_a_wrong_key_is_one_sentence_without_the_key(run: Run, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_OPENFIGI_KEY", CANARY)
    result = run("map", "NWRB")
    assert result.sentence.startswith("OpenFIGI refused BOT_OPENFIGI_KEY (401): correct it, or remove it")
    assert result.code == 2
    assert CANARY not in result.err
    assert world.figi.journal[0].headers["x-openfigi-apikey"] == CANARY


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("ticker", ["ZZZZ", "", "not a ticker", "NWRB; DROP TABLE", "Ｎ"])
def test_an_unknown_ticker_is_shown_with_its_reason(ticker: str, run: Run) -> None:
    result = run("map", "NWRB", ticker, "--format", "json")
    known, unknown = result.json()
    assert (known["symbol"], unknown["ticker"], unknown["symbol"]) == ("NWRB", ticker, None)
    assert unknown["reason"]
    assert result.err == f"insiderbot: 1 of 2 not mapped: {unknown['reason']}\n"
    assert result.code == 1


def test_one_file_of_several_may_fail_and_the_others_are_read(run: Run) -> None:
    Path("page.html").write_text(new_list(LINES), encoding="utf-8")
    result = run("parse", "page.html", "gone.html", "--as-of", "2026-03-20T12:00Z", "--format", "jsonl")
    assert (result.code, len(result.out.splitlines())) == (1, len(LINES))
    assert result.err == "insiderbot: gone.html: expected a file or a folder, found nothing\n"


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\x00" + b"\xff" * 4096])
@pytest.mark.parametrize("command", ["status", "halt"])
def test_a_file_that_is_no_database_is_refused_and_left_alone(content: bytes, command: str, run: Run) -> None:
    Path("insiderbot.db").write_bytes(content)
    result = run(command)
    assert result.sentence.startswith("the database cannot be used: ")
    assert result.code == 1
    assert Path("insiderbot.db").read_bytes() == content


@pytest.mark.parametrize("command", ["status", "halt"])
def test_somebody_elses_database_is_refused_and_left_alone(command: str, run: Run) -> None:
    import sqlite3

    with sqlite3.connect("insiderbot.db") as database:
        database.execute("CREATE TABLE orders (id INTEGER)")
    database.close()
    before = folder()
    assert run(command).sentence == "the database exists but is not insiderbot's; choose another BOT_DATABASE_URL"
    assert folder() == before


def test_a_folder_is_no_database(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("data").mkdir()
    monkeypatch.setenv("BOT_DATABASE_URL", "sqlite:///data")
    for command in ("status", "halt"):
        assert run(command).sentence.startswith("the database ")


# -- as a process of its own

COMMANDS = {
    (): "Follow the trades that company executives report",
    ("demo",): "Run the main job on an embedded market",
    ("run",): "One cycle: fetch, decide, submit, activate",
    ("trades",): "What the sources say now",
    ("parse",): "What a saved page, a CSV file or a filing says",
    ("map",): "The instrument behind a ticker",
    ("status",): "The account, what is open",
    ("orders",): "Every order, the oldest first",
    ("positions",): "What the account holds",
    ("explain",): "Why something was or was not followed",
    ("halt",): "Stop sending orders",
    ("notify",): "Send a message",
    ("resume",): "Allow sending again",
    ("scan",): "Where insiders buy more than they sell",
    ("daemon",): "Stay, and run one cycle per session of the venue",
    ("signal",): "ranked by conviction",
    ("lookahead-check",): "Whether a strategy looks ahead",
    ("doctor",): "Whether everything is in place",
    ("health",): "Whether the daemon is alive",
    ("db",): "Look after the database",
    ("db", "upgrade"): "Bring the database to this version's schema",
    ("config",): "Show the settings",
    ("config", "show"): "The settings in force, or those that decisions were made with",
    ("config", "schema"): "The settings as JSON Schema",
    ("config", "example"): "The text of .env.example",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_is_for(command: tuple[str, ...], run: Run) -> None:
    result = run(*command, "--help")
    assert result.code == 0
    assert COMMANDS[command] in " ".join(result.out.split())


def test_no_command_is_left_out_of_these_tests() -> None:
    def below(command: Any, *names: str) -> Iterator[tuple[str, ...]]:
        yield names
        for name, each in getattr(command, "commands", {}).items():
            yield from below(each, *names, name)

    assert set(below(typer.main.get_command(cli.app))) == set(COMMANDS)


def test_help_loads_nothing_heavy() -> None:
    heavy = ("pandas", "numpy", "sqlalchemy", "pydantic", "requests", "bs4", "exchange_calendars", "stdnum")
    code = (
        "import sys, atexit, bot.cli\n"
        f"atexit.register(lambda: print('loaded', [name for name in {heavy} if name in sys.modules]))\n"
        "sys.argv = ['insiderbot', '--help']\n"
        "bot.cli.main()\n"
    )
    result = process("-c", code, program=[sys.executable])
    assert result.code == 0
    assert "loaded []" in result.out


def test_the_module_and_the_script_are_the_same_program() -> None:
    script = Path(sys.executable).with_name("insiderbot")
    if not script.exists():
        pytest.skip("insiderbot is not installed as a script here")
    by_name = process("config", "example", program=[str(script)])
    assert by_name == process("config", "example") == Result(0, Settings.example(), "")


@pytest.mark.parametrize(
    "arguments", [["no-such-command"], ["run", "--no-such-option"], ["orders", "--format", "xml"], ["map"], ["parse"]]
)
def test_wrong_use_is_told_with_code_2_and_nothing_on_stdout(arguments: list[str], run: Run) -> None:
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Usage:" in result.err


def test_failures_and_warnings_go_to_stderr_and_the_code_is_the_programs() -> None:
    result = process("run", env={"BOT_SORCES": "finviz"})
    assert result.sentence == "BOT_SORCES is not a setting of insiderbot; did you mean BOT_SOURCES?"
    assert result.code == 2


def test_settings_are_read_from_the_env_file_of_the_folder() -> None:
    Path(".env").write_text(f"BOT_SOURCES=finviz\nBOT_FINVIZ_URL={NOWHERE}\n")
    result = process("run", "--dry-run")
    assert result.sentence == "FinViz: 127.0.0.1:9 could not be reached (ConnectionError)"
    assert result.code == 1


def test_a_terminal_that_knows_few_letters_is_no_crash() -> None:
    Path("page.html").write_text(new_list(LINES), encoding="utf-8")
    result = process("parse", "page.html", "--as-of", "2026-03-20T12:00Z", env={"PYTHONIOENCODING": "ascii"})
    assert result.code == 0
    assert "Okafor" in result.out


def test_a_log_line_is_one_line_whatever_is_in_it() -> None:
    code = (
        "import logging, bot.cli\n"
        "bot.cli.start(verbose=True)\n"
        "logging.getLogger('insiderbot.test').info('a %s b', 'Evil\\nName\\x1b[2J\\u202e')\n"
    )
    result = process("-c", code, program=[sys.executable])
    (line,) = result.err.splitlines()
    assert line.endswith(" info    a Evil�Name�[2J� b")


OWN = """
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from bot.model import InsiderTrade, Role, Side
from bot.trades import to_table
from strategies.rules import follow, open_market

class Desk:
    name = "own"

    def fetch(self, now):
        known = now - timedelta(hours=1)
        return to_table([InsiderTrade(
            key="1", source="own", form="4", issuer="Northwind Robotics Inc", symbol="NWRB", owner="Okafor Adaeze M",
            title="CFO", is_officer=True, role=Role.CFO, code="P", acquired="A", side=Side.BUY,
            traded_on=known.date(), filed_on=known.date(), known_at=known, shares=Decimal(10), price=Decimal(40),
            value=Decimal(400), currency="USD", shares_after=Decimal(1000),
        )])

def source(kit):
    return Desk()

def strategy(kit):
    return follow(open_market)
"""


def test_a_users_own_source_and_strategy_run_from_their_folder() -> None:
    Path("mine.py").write_text(OWN)
    now = datetime.now(UTC)
    Path("prices.csv").write_text(f"at,symbol,bid,ask\n{now - timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ},NWRB,40,40\n")
    before = folder()
    with OpenFigiServer(records(SHARES)) as figi:
        env = {
            "BOT_SOURCES": "mine:source",
            "BOT_STRATEGY": "mine:strategy",
            "BOT_PRICES": "files:prices.csv",
            "BOT_OPENFIGI_URL": figi.url,
        }
        result = process("run", "--dry-run", "--format", "json", env=env)
    assert (result.code, result.err) == (0, "")
    (decision,), (order,) = result.json()["decisions"], result.json()["orders"]
    assert (decision["decision"], decision["source"], order["symbol"]) == ("buy", "own", "NWRB")
    assert folder() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
def test_output_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "bot", "config", "example"]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "insiderbot: the output could not be written (No space left on device)\n"


def test_an_older_database_is_upgraded_when_asked_and_not_before(run: Run) -> None:
    assert run("halt", "on holiday").code == 0
    with sqlite3.connect("insiderbot.db") as connection:
        connection.execute("ALTER TABLE control ADD COLUMN schema_version INTEGER NOT NULL DEFAULT 1")
        connection.execute("ALTER TABLE control DROP COLUMN epoch")
        connection.execute("ALTER TABLE control DROP COLUMN broker_account")
        connection.execute("DROP TRIGGER broker_order_id_is_written_once")
        connection.execute("ALTER TABLE orders DROP COLUMN attempts")
        connection.execute("DROP TABLE halts")
        connection.execute("DROP TABLE history")
        connection.execute("DROP TABLE statements")
        connection.execute("DROP TABLE alembic_version")
    connection.close()
    assert "run `insiderbot db upgrade`" in run("status").sentence
    assert run("db", "upgrade").out == f"schema {HEAD}, was 0001\n"
    assert run("db", "upgrade").out == f"schema {HEAD}, as it was\n"
    assert run("status", "--format", "json").json()["halted"] == "on holiday"
    assert Path(f"insiderbot.db.before-{HEAD}").exists()


def test_the_doctor_shows_every_finding_and_fails_on_a_bad_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_OPENFIGI_URL", "http://127.0.0.1:9")
    result = run("doctor")
    assert (result.code, result.err) == (1, "insiderbot: 2 of 15 findings are bad: sources, broker\n")
    assert "bad   sources     BOT_SOURCES is empty\n                → name at least one: " in result.out
    findings = run("doctor", "--format", "json").json()
    assert {tuple(finding) for finding in findings} == {("state", "about", "finding", "remedy")}
    assert not Path("insiderbot.db").exists()


def test_a_scan_shows_who_buys_and_trades_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = market(date(2026, 3, 2)).lines
    with StandIn(SecuritiesDbApi(lines)) as service:
        monkeypatch.setenv("BOT_SECURITIESDB_URL", service.url)
        rows = run("scan", "--watchlist", "nwrb", "--format", "json").json()
        assert [row["ticker"] for row in rows] == ["NWRB"]
        assert {"standing", "ratio", "purchases", "sales", "reason", "recent", "flow"} <= set(rows[0])
        assert "NWRB" in run("scan", "--watchlist", "NWRB").out
    assert not list(Path().glob("*.db"))


def test_a_scan_goes_on_without_a_ticker_that_has_no_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    api = SecuritiesDbApi(market(date(2026, 3, 2)).lines)
    with StandIn(api) as service:
        monkeypatch.setenv("BOT_SECURITIESDB_URL", service.url)
        api.fail_next("garbage")
        said = run("scan", "--watchlist", "KLPF,NWRB", "--format", "json")
        assert {row["ticker"]: row["standing"] for row in said.json()} == {"NWRB": "below", "KLPF": "unknown"}
        assert said.code == 0
        assert "did not answer with JSON" in said.json()[1]["reason"]
        assert said.err.startswith("insiderbot: KLPF: SecuritiesDB: ")
        api.fail_next(*[503] * 5)
        monkeypatch.setattr("bot.sources.rest.api.BACKOFF_SECONDS", 0.0)
        said = run("scan", "--watchlist", "NWRB")
        assert (said.code, said.out, said.err) == (
            75,
            "",
            "insiderbot: SecuritiesDB is busy (status 503): 'refused with 503'\n",
        )


@pytest.mark.usefixtures("clock")
def test_trades_names_the_witnesses_of_every_line(run: Run, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Line()
    world.show(row)
    Path("saved.html").write_text(openinsider.list_page(market(date(2026, 3, 2)).lines), encoding="utf-8")
    monkeypatch.setenv("BOT_SOURCES", "finviz,files:saved.html")
    rows = run("trades", "--format", "json").json()
    assert {row["source"]: row["witnesses"] for row in rows if row["source"] == "finviz"} == {"finviz": ["finviz"]}
    assert {"openinsider"} == {name for row in rows if row["source"] != "finviz" for name in row["witnesses"]}
    assert "witnesses" in run("trades").out


@pytest.mark.usefixtures("clock")
def test_a_halt_that_flattens_needs_no_source(run: Run) -> None:
    assert run("halt", "--flatten").out.splitlines()[-1] == "no order is open"
