"""From a filing's appearance on EDGAR's feed to its one activated order: how long it takes, and that it stays one."""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event

import pytest

from bot.app import opened
from bot.demo.edgar.filings import Filing, from_document
from bot.demo.serving import Slow, StandIn
from bot.http import Http
from bot.model import OrderStatus, Side
from bot.sessions import Sessions
from bot.settings import Settings
from tests.gettex import Gettex, gettex
from tests.recorded import News, first_to_follow, followed
from tests.share import some
from tests.sources.edgar import world

PATIENCE = 60  # seconds
LIMIT = 2.0  # seconds, besides those between two looks at the feed
TRIES = 3  # what takes longer only because the machine is busy takes less another time


@pytest.fixture(scope="module")
def recorded(corpus: Path) -> dict[str, News | None]:
    return {"purchase": first_to_follow(corpus, Side.BUY), "sale": first_to_follow(corpus, Side.SELL)}


@pytest.fixture(
    params=[
        "invented purchase",
        pytest.param("recorded purchase", marks=pytest.mark.corpus),
        pytest.param("recorded sale", marks=pytest.mark.corpus),
    ]
)
def news(request: pytest.FixtureRequest) -> News:
    """A filing to follow, accepted while gettex is open."""
    if request.param.startswith("invented"):
        filing = world.filing(1, datetime.fromisoformat("2026-03-02T15:00:00+00:00"))
        return News(filing=filing, trade=followed(filing, Decimal("0.01"))[0], more_than=Decimal("0.01"))
    kind = request.param.removeprefix("recorded ")
    found: News | None = request.getfixturevalue("recorded")[kind]
    if not found:
        pytest.skip(f"no officer's {kind} is recorded that was accepted while gettex was open")
    return found


@pytest.fixture
def there(news: News, tmp_path: Path) -> Iterator[Gettex]:
    with waiting(news, tmp_path) as services:
        yield services


@contextmanager
def waiting(news: News, folder: Path) -> Iterator[Gettex]:
    """The services at the instant of acceptance; the bot has been there since yesterday, and holds what may be sold."""
    with gettex(folder, news) as services:
        assert services.run() == []
        if news.trade.side is Side.SELL:
            services.hold(5)
        services.clock.set(news.filing.accepted_at)
        yield services


@contextmanager
def daemon(there: Gettex) -> Iterator[None]:
    """A process that has done what was due, and looks at the feed every second."""
    command = [sys.executable, "-m", "tests.daemon_driver", f"{there.clock.behind.total_seconds()}"]
    folder = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=folder, env=there.environment(), stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            told = [process.stderr.readline()]
            while told[-1] and json.loads(told[-1])["event"] != "cycle done":
                told.append(process.stderr.readline())
            assert told[-1], f"the daemon ended: {told[-2:]}"
            yield
        finally:
            process.kill()


def seconds(news: News, folder: Path) -> float:
    """How long a daemon takes from the filing's appearance to the order at the broker, activated."""
    folder.mkdir()
    with waiting(news, folder) as there, daemon(there):
        activated = there.witness("/orders/[^/]+/activate")
        begun = time.monotonic()
        there.edgar.publish(news.filing)
        assert activated.seen.wait(PATIENCE), "no order was activated"
        taken = activated.at - begun
    with opened(Settings.of(**there.settings), clock=there.clock) as parts:
        _, order = parts.store.orders()[-1]
        (decision,) = parts.store.decided(about=order.client_order_id)
    assert (order.symbol, order.isin, order.side) == (news.trade.symbol, there.isin, news.trade.side)
    assert (decision["source"], decision["accession"]) == ("edgar", news.filing.accession)
    assert datetime.fromisoformat(decision["known_at"]) == news.filing.accepted_at
    return taken


def test_a_filing_on_the_feed_is_an_activated_order_within_two_seconds(
    news: News, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries: list[float] = []
    while not tries or (tries[-1] > LIMIT and len(tries) < TRIES):
        tries.append(seconds(news, tmp_path / str(len(tries))) - 1)
    with capsys.disabled():
        print(f"[{news.filing.accession}: {tries[-1]:+.2f} s beyond the second between two looks]", end=" ")  # noqa: T201
    assert tries[-1] < LIMIT, tries


def test_a_service_that_takes_for_ever_to_be_told_holds_up_no_order(tmp_path: Path) -> None:
    filing = world.filing(1, datetime.fromisoformat("2026-03-02T15:00:00+00:00"))
    news = News(filing=filing, trade=followed(filing, Decimal("0.01"))[0], more_than=Decimal("0.01"))
    asked = Event()

    def drip(*_: object) -> tuple[int, dict[str, str], bytes]:
        asked.set()
        return 200, {}, Slow(b"x" * 100_000)

    with StandIn(drip) as service, waiting(news, tmp_path) as there:
        there.settings["notify"] = service.url.replace("http:", "json:")
        with daemon(there):
            with opened(Settings.of(**there.settings), clock=there.clock) as parts:
                parts.store.halt("something to tell", there.clock())
                parts.store.halt(None, there.clock())
            assert asked.wait(PATIENCE)
            activated = there.witness("/orders/[^/]+/activate")
            begun = time.monotonic()
            there.edgar.publish(news.filing)
            assert activated.seen.wait(PATIENCE), "no order was activated"
    assert activated.at - begun < PATIENCE / 4


def posted(there: Gettex) -> Counter[str]:
    """How often what was posted to the broker, whatever the order's number."""
    return Counter(re.sub("ord_[^/]+", "N", call.path) for call in there.lemon.journal if call.method == "POST")


def test_a_filing_listed_under_everybody_is_read_once_and_is_one_order(news: News, there: Gettex) -> None:
    there.edgar.publish(news.filing)
    feed = Http("tests@example.org").get(f"{there.edgar.url}/cgi-bin/browse-edgar?type=4&count=100").body
    assert feed.count(f"accession-number={news.filing.accession}<".encode()) == len(news.filing.parties) > 1
    (order,) = there.run()
    assert order.status is OrderStatus.FILLED
    assert there.run() == there.run() == []
    assert posted(there) == {"/orders": 1, "/orders/N/activate": 1}
    assert sum(path.endswith(f"{news.filing.accession}.txt") for path in there.edgar.journal) == 1


def multiplied(element: str, by: str) -> Callable[[str], str]:
    """An edit of a document: every number of this kind times so much."""
    number = re.compile(rf"(<{element}>\s*<value>)\s*([\d.]+)\s*(</value>)")
    return lambda text: number.sub(lambda found: f"{found[1]}{Decimal(found[2]) * Decimal(by):.4f}{found[3]}", text)


def one_line_more(text: str) -> str:
    """The first line once more, with twice as many shares."""
    line = re.search(r"<nonDerivativeTransaction>.*?</nonDerivativeTransaction>", text, re.DOTALL)
    assert line
    return text.replace(line[0], line[0] + multiplied("transactionShares", "2")(line[0]), 1)


EDITS: dict[str, Callable[[str], str]] = {
    "the same again": str,
    "other shares": multiplied("transactionShares", "1.5"),
    "another price": multiplied("transactionPricePerShare", "1.01"),
    "another balance": multiplied("sharesOwnedFollowingTransaction", "1.25"),
    "another title": lambda text: re.sub("(<officerTitle>)[^<]*", r"\1President", text),
    "a line more": one_line_more,
}


def amendment(of: Filing, accepted_at: datetime, edit: Callable[[str], str]) -> Filing:
    """A 4/A that says what the filing says, but for the edit."""
    text = edit((of.document or b"").decode())
    original = f"<dateOfOriginalSubmission>{of.filed_on}</dateOfOriginalSubmission>"
    text = re.sub(r"<dateOfOriginalSubmission>.*?</dateOfOriginalSubmission>", "", text, flags=re.DOTALL)
    text = re.sub(r"(<documentType>\s*4)(\s*<)", r"\1/A\2", text).replace(
        "</periodOfReport>", f"</periodOfReport>{original}", 1
    )
    return from_document(text.encode(), f"{of.accession[:-6]}999999", accepted_at)


@pytest.mark.parametrize(
    ("edit", "later"),
    [*((edit, "next session") for edit in some([*EDITS][1:])), ("other shares", "soon"), ("other shares", "at once")],
)
def test_an_amendment_of_a_filing_that_was_followed_is_no_second_order(
    edit: str, later: str, news: News, there: Gettex
) -> None:
    there.edgar.publish(news.filing)
    if later != "at once":
        assert len(there.run()) == 1
    if news.trade.side is Side.SELL:
        there.hold(5)  # what a second order could sell
    tomorrow = Sessions("XMUN").next_open(news.filing.accepted_at).opens + timedelta(hours=6)
    at = tomorrow if later == "next session" else news.filing.accepted_at + timedelta(minutes=1)
    there.clock.set(at + timedelta(seconds=1))
    amended = amendment(news.filing, at, EDITS[edit])
    there.edgar.publish(amended)
    orders = there.run()
    assert len(orders) == (later == "at once")
    assert any(path.endswith(f"{amended.accession}.txt") for path in there.edgar.journal)
    assert there.run() == []
    assert posted(there) == {"/orders": 1, "/orders/N/activate": 1}
