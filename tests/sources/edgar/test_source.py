"""EDGAR as a source, over real HTTP: nothing is lost, nothing is asked for twice, and every trouble is one sentence."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bot.demo.edgar.filings import Filing
from bot.demo.edgar.server import EdgarServer, Failure
from bot.errors import ConfigError, SourceError
from bot.http import MAX_BYTES, Http
from bot.plugins import Kit
from bot.settings import Settings
from bot.sources.edgar import catalogue, discovery
from bot.sources.edgar.source import Edgar, source
from bot.trades import to_records, validate
from tests.sources.edgar.world import NOW, Moment, accession, edgar, filing, filings, noise, server

FEED = "/cgi-bin/browse-edgar"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def site(clock: Moment) -> Iterator[EdgarServer]:
    with server(clock=clock) as running:
        yield running


@pytest.fixture
def bot(site: EdgarServer, tmp_path: Path) -> Edgar:
    return edgar(site.url, tmp_path)


def shown(table: pd.DataFrame) -> list[str]:
    """The accession numbers of the table; every line of it is there once."""
    assert validate(table)["key"].is_unique
    return sorted(table["accession"])


def numbers(*filings: Filing) -> list[str]:
    return sorted(one.accession for one in filings)


def documents(site: EdgarServer) -> list[str]:
    """The filings that were downloaded, in order."""
    return [path.rpartition("/")[2].removesuffix(".txt") for path in site.journal if path.endswith(".txt")]


def test_a_filing_becomes_rows_that_say_where_they_stand(site: EdgarServer, bot: Edgar) -> None:
    site.publish(filing(7))
    (trade,) = to_records(bot.fetch(NOW))
    assert (trade.source, trade.accession, trade.owner, trade.symbol) == (
        "edgar",
        accession(7),
        "Okafor Adaeze 7",
        "NWRH",
    )
    assert (trade.known_at, trade.filed_on) == (NOW - timedelta(hours=1), date(2026, 3, 4))
    assert trade.url == f"https://www.sec.gov/Archives/edgar/data/1999007/000199950126000007/{accession(7)}-index.htm"


def test_what_is_known_is_not_asked_for_again(site: EdgarServer, bot: Edgar, tmp_path: Path) -> None:
    site.publish(*filings(5))
    first = bot.fetch(NOW)
    site.journal.clear()
    pd.testing.assert_frame_equal(bot.fetch(NOW), first)
    pd.testing.assert_frame_equal(edgar(site.url, tmp_path).fetch(NOW), first)
    assert documents(site) == []


def test_a_new_filing_is_one_page_and_one_document(site: EdgarServer, bot: Edgar) -> None:
    site.publish(*filings(120))
    bot.fetch(NOW)
    site.journal.clear()
    site.publish(filing(500, NOW))
    assert accession(500) in shown(bot.fetch(NOW))
    assert site.journal == [FEED, f"/Archives/edgar/data/1999005/{accession(500)}.txt"]


def test_the_latest_is_read_first(site: EdgarServer, bot: Edgar) -> None:
    site.publish(*filings(4))
    bot.fetch(NOW)
    assert documents(site) == [accession(number) for number in (4, 3, 2, 1)]


def test_forms_whose_name_begins_alike_are_left_alone(
    site: EdgarServer, bot: Edgar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.demo.edgar.server.OWNERSHIP", {"4", "4/A", "424B2"})
    site.publish(*noise(250), filing(1), filing(2, form="4/A"))
    assert shown(bot.fetch(NOW)) == [accession(1), accession(2)]
    assert sorted(documents(site)) == [accession(1), accession(2)]


def test_pages_overlap_and_the_parties_of_a_filing_may_be_divided(site: EdgarServer, bot: Edgar) -> None:
    """A party more at the top, and every filing that was whole on a page is divided between two."""
    published = filings(170)
    alone = replace(published[-1], parties=published[-1].parties[:1])
    site.publish(*published[:-1], alone)
    assert shown(bot.fetch(NOW)) == numbers(*published)
    assert len(documents(site)) == 170


def test_what_arrives_while_pages_are_read_is_read_now_or_next_time(
    site: EdgarServer, bot: Edgar, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = filings(200, until=NOW - 30 * MINUTE), iter(filings(90, first=1000))
    site.publish(*early)
    page = discovery.Site.recent
    moved: list[int] = []

    def while_it_moves(self: Any, form: str, start: int) -> Any:
        found = page(self, form, start)
        moved.append(start)
        site.publish(*(next(late) for _ in range(15 if len(moved) <= 6 else 0)))
        return found

    monkeypatch.setattr(discovery.Site, "recent", while_it_moves)
    first = shown(bot.fetch(NOW))
    assert set(numbers(*early)) <= set(first)
    assert len(moved) > 6
    assert shown(bot.fetch(NOW)) == numbers(*early, *filings(90, first=1000))
    assert len(documents(site)) == 290


def test_the_feed_is_read_to_known_ground_and_no_further(site: EdgarServer, bot: Edgar) -> None:
    site.publish(*filings(150, until=NOW - 60 * MINUTE))
    bot.fetch(NOW)
    site.publish(*filings(60, first=1000))
    site.journal.clear()
    assert len(shown(bot.fetch(NOW))) == 210
    assert site.journal.count(FEED) == 2  # 120 entries are new, 80 a step


def test_a_failed_page_leaves_known_ground_where_it_was(site: EdgarServer, bot: Edgar) -> None:
    """If the first pages counted, what is on the third would never be looked at again."""
    site.publish(*filings(50, until=NOW - 300 * MINUTE))
    bot.fetch(NOW)
    site.publish(*filings(150, first=1000))
    feed_page = discovery.Site.recent
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(
            discovery.Site,
            "recent",
            lambda self, form, start: feed_page(self, form, start) if start < 160 else fail(),
        )
        with pytest.raises(SourceError, match="the third page"):
            bot.fetch(NOW)
    assert len(shown(bot.fetch(NOW))) == 200


def fail() -> Any:
    raise SourceError("no answer to the third page")


def test_missed_days_come_from_the_indexes(site: EdgarServer, bot: Edgar, clock: Moment) -> None:
    """Three days away, and a feed that does not reach as far back."""
    site.publish(filing(1, NOW - 6 * timedelta(days=1)))
    clock.now = NOW - 6 * timedelta(days=1)
    bot.fetch(clock.now)
    clock.now = NOW
    away = [filing(10 + number, NOW - timedelta(days=(1, 2, 5)[number % 3], minutes=number)) for number in range(60)]
    site.publish(*away)
    site.journal.clear()
    with pytest.MonkeyPatch.context() as shallow:
        shallow.setattr(discovery.Site, "recent", lambda *_: [])
        table = bot.fetch(NOW)
    assert shown(table) == [accession(1), *numbers(*away)]
    assert table.attrs["left_out"] == (
        "EDGAR's feed of form 4 ends before known ground, after 0 filings: the daily indexes have the rest",
    )
    assert [path.rpartition("/")[2] for path in site.journal if "daily-index" in path] == [
        "index.json", "master.20260226.idx", "master.20260227.idx", "master.20260302.idx", "master.20260303.idx",
    ]  # fmt: skip


def test_an_index_is_read_once(site: EdgarServer, bot: Edgar, tmp_path: Path) -> None:
    site.publish(*(filing(number, NOW - timedelta(days=number)) for number in range(1, 6)))
    bot.fetch(NOW)
    site.journal.clear()
    edgar(site.url, tmp_path).fetch(NOW)
    assert site.journal == [FEED]


def test_a_filing_that_appears_late_below_known_ground_comes_with_the_index(
    site: EdgarServer, bot: Edgar, clock: Moment
) -> None:
    site.publish(*filings(200))
    bot.fetch(NOW)
    late = filing(900, NOW - 150 * MINUTE)
    site.publish(late)
    assert late.accession not in shown(bot.fetch(NOW))
    clock.now = NOW + timedelta(hours=13, minutes=30)  # 06:30 the next morning
    assert late.accession in shown(bot.fetch(clock.now))


def test_a_day_without_an_index_is_not_looked_for_for_ever(site: EdgarServer, bot: Edgar, clock: Moment) -> None:
    """Monday was a holiday: the index of Tuesday says that there will be none."""
    site.publish(filing(1, NOW - timedelta(days=5)), filing(2, NOW - timedelta(hours=1)))
    tuesday = NOW - timedelta(days=1)
    clock.now = tuesday
    bot.fetch(tuesday)
    site.journal.clear()
    bot.fetch(tuesday + timedelta(minutes=29))
    assert site.journal == [FEED]
    bot.fetch(tuesday + timedelta(minutes=31))
    assert sum(path.endswith("/index.json") for path in site.journal) == 1
    clock.now = NOW + timedelta(days=1)
    bot.fetch(clock.now)
    site.journal.clear()
    bot.fetch(clock.now + timedelta(minutes=31))
    assert site.journal == [FEED]


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        (datetime(2026, 1, 2, 15, 0, tzinfo=UTC), {"2025/QTR4"}),
        (datetime(2026, 1, 5, 15, 0, tzinfo=UTC), {"2025/QTR4", "2026/QTR1"}),
        (datetime(2026, 4, 1, 15, 0, tzinfo=UTC), {"2026/QTR1"}),
        (datetime(2026, 4, 2, 9, 59, tzinfo=UTC), {"2026/QTR1"}),
        (datetime(2026, 4, 2, 10, 1, tzinfo=UTC), {"2026/QTR1", "2026/QTR2"}),
        (datetime(2023, 1, 3, 15, 0, tzinfo=UTC), {"2022/QTR4"}),
    ],
)
def test_a_quarter_s_folder_is_not_asked_for_before_it_is_there(
    now: datetime, asked: set[str], bot: Edgar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not exist is refused by the SEC like a program that asks too fast."""
    looked_at: list[date] = []
    monkeypatch.setattr(discovery.Site, "indexed", lambda _, day: looked_at.append(day) or set())
    monkeypatch.setattr(discovery.Site, "recent", lambda *_: [])
    bot.fetch(now)
    assert {f"{day.year}/QTR{(day.month + 2) // 3}" for day in looked_at} == asked


def test_the_first_fetch_looks_back_no_further_than_the_lookback(site: EdgarServer, tmp_path: Path) -> None:
    site.publish(*(filing(number, NOW - timedelta(days=number)) for number in range(1, 30)))
    table = edgar(site.url, tmp_path, lookback=timedelta(days=3)).fetch(NOW)
    assert shown(table) == [accession(number) for number in (1, 2, 3)]
    assert len(documents(site)) == 3


def test_what_is_not_disseminated_yet_is_said_and_asked_for_again(site: EdgarServer, bot: Edgar) -> None:
    site.publish(filing(1))
    site.publish(filing(2), filing(3), disseminated=False)
    table = bot.fetch(NOW)
    assert shown(table) == [accession(1)]
    (said,) = table.attrs["left_out"]
    assert said.startswith("2 of EDGAR's filings could not be had")
    assert "listed, but not there yet" in said
    site.publish(filing(2), filing(3))
    table = bot.fetch(NOW)
    assert (shown(table), table.attrs["left_out"]) == ([accession(number) for number in (1, 2, 3)], ())


def test_a_filing_that_cannot_be_read_is_kept_and_said_and_the_others_are_shown(
    site: EdgarServer, bot: Edgar, tmp_path: Path
) -> None:
    odd = replace(filing(2), submission=filing(2).submission.replace(b"<issuerCik>", b"<issuerCik>x"))
    site.publish(filing(1), odd)
    for _ in range(2):
        table = bot.fetch(NOW)
        assert shown(table) == [accession(1)]
        (said,) = table.attrs["left_out"]
        assert said.startswith(f"1 of EDGAR's filings could not be read, and are kept, such as {accession(2)}: ")
    assert len(documents(site)) == 2
    assert len(list((tmp_path / "documents").rglob("*.gz"))) == 2


def test_what_an_older_version_could_not_read_is_read_again_from_the_archive(
    site: EdgarServer, bot: Edgar, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish(*filings(3))
    with monkeypatch.context() as older:
        older.setattr("bot.sources.edgar.catalogue.reader", lambda: "older")
        older.setattr("bot.sources.edgar.filing.read", lambda *_, **__: fail())
        assert len(bot.fetch(NOW).attrs["left_out"]) == 1
    site.journal.clear()
    table = bot.fetch(NOW)
    assert (shown(table), table.attrs["left_out"]) == (numbers(*filings(3)), ())
    assert documents(site) == []


def test_a_damaged_document_is_fetched_again_when_it_is_needed(
    site: EdgarServer, bot: Edgar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish(*filings(3))
    bot.fetch(NOW)
    next(iter((tmp_path / "documents").rglob("*.gz"))).write_bytes(b"")
    monkeypatch.setattr(catalogue, "reader", lambda: "newer")
    site.journal.clear()
    assert shown(bot.fetch(NOW)) == numbers(*filings(3))
    assert len(documents(site)) == 1


def test_without_its_catalogue_the_archive_is_read_instead_of_the_site(
    site: EdgarServer, bot: Edgar, tmp_path: Path
) -> None:
    site.publish(*filings(5))
    before = bot.fetch(NOW)
    for path in tmp_path.glob("catalogue*"):
        path.unlink()
    site.journal.clear()
    pd.testing.assert_frame_equal(bot.fetch(NOW), before)
    assert documents(site) == []


def test_another_filing_than_the_one_asked_for_is_not_shown(site: EdgarServer, bot: Edgar) -> None:
    site.publish(replace(filing(1), submission=filing(2).submission), filing(3))
    table = bot.fetch(NOW)
    assert shown(table) == [accession(3)]
    assert f"expected the filing {accession(1)}, found {accession(2)}" in table.attrs["left_out"][0]


def test_half_a_filing_is_not_kept(site: EdgarServer, bot: Edgar, tmp_path: Path) -> None:
    site.publish(filing(1), filing(2))
    site.fail_next(f"{accession(1)}.txt", "cut")
    table = bot.fetch(NOW)
    assert shown(table) == [accession(2)]
    assert "a part of it" in table.attrs["left_out"][0]
    assert len(list((tmp_path / "documents").rglob("*.gz"))) == 1
    assert shown(bot.fetch(NOW)) == [accession(1), accession(2)]


def test_one_filing_in_trouble_does_not_hold_back_the_others(site: EdgarServer, bot: Edgar) -> None:
    site.publish(*filings(4))
    site.fail_next(f"{accession(3)}.txt", 500, 500, 500)
    table = bot.fetch(NOW)
    assert shown(table) == [accession(number) for number in (1, 2, 4)]
    assert "status 500" in table.attrs["left_out"][0]


def test_trouble_with_every_filing_is_the_site_s(site: EdgarServer, bot: Edgar) -> None:
    site.publish(*filings(30))
    site.fail_next(".txt", *["cut"] * 30)
    with pytest.raises(SourceError, match=r"^30 filings wait to be read: "):
        bot.fetch(NOW)
    assert len(documents(site)) == 5


def test_filings_that_are_never_had_leave_the_others_shown(site: EdgarServer, bot: Edgar) -> None:
    site.publish(*filings(30))
    bad = [accession(number) for number in (3, 8, 13, 18, 23, 28)]
    for number in bad:
        site.fail_next(number, *["cut"] * 9)
    first = bot.fetch(NOW)
    assert len(first.attrs["left_out"]) == 1
    site.journal.clear()
    again = bot.fetch(NOW)
    assert shown(again) == shown(first) == sorted({*numbers(*filings(30))} - {*bad})
    assert again.attrs["left_out"][0].startswith("5 of EDGAR's filings could not be had, which is tried again, such as")
    assert again.attrs["left_out"][1:] == ("1 more of EDGAR's filings were not asked for after 5 failures in a row",)
    assert documents(site) == bad[:0:-1]


def test_a_filing_with_a_large_exhibit_is_had(site: EdgarServer, bot: Edgar) -> None:
    exhibit = b"<DOCUMENT>\n<TYPE>EX-24\n<TEXT>\n" + b"M" * MAX_BYTES + b"\n</TEXT>\n</DOCUMENT>\n</SEC-DOCUMENT>"
    small = filing(1)
    site.publish(replace(small, submission=small.submission.replace(b"</SEC-DOCUMENT>", exhibit)))
    table = bot.fetch(NOW)
    assert (shown(table), table.attrs["left_out"]) == ([accession(1)], ())


@pytest.mark.parametrize("failure", [403, 429, "page"])
@pytest.mark.parametrize("where", [FEED, "index.json", ".idx", ".txt"])
def test_a_refusal_stops_everybody_for_ten_minutes(
    site: EdgarServer, bot: Edgar, tmp_path: Path, where: str, failure: Failure
) -> None:
    site.publish(filing(1), filing(2, NOW - timedelta(days=1)))
    site.fail_next(where, failure)
    with pytest.raises(SourceError, match=r"is not asked again before \d{4}-.* UTC; .* BOT_USER_AGENT"):
        bot.fetch(NOW)
    asked = len(site.journal)
    for again in (bot, edgar(site.url, tmp_path)):
        with pytest.raises(SourceError, match="is not asked again before"):
            again.fetch(NOW)
    assert len(site.journal) == asked


def test_nothing_is_lost_by_a_refusal(site: EdgarServer, bot: Edgar, tmp_path: Path) -> None:
    site.publish(*filings(9))
    site.fail_next(f"{accession(5)}.txt", 403)
    with pytest.raises(SourceError, match="refused a request with status 403"):
        bot.fetch(NOW)
    (tmp_path / "pace.sqlite").unlink()  # ten minutes later
    assert shown(bot.fetch(NOW)) == numbers(*filings(9))
    assert len(documents(site)) == 10


@pytest.mark.parametrize(
    ("where", "failure", "said"),
    [
        (FEED, 500, "expected the feed from EDGAR, found status 500"),
        (FEED, "cut", "expected an Atom feed"),
        ("index.json", 404, "expected the list of daily indexes from EDGAR, found status 404"),
        ("index.json", "cut", "expected the list of daily indexes from EDGAR as JSON"),
        (".idx", 500, "expected the index of 2026-03-03 from EDGAR, found status 500"),
        (".idx", "cut", "of an EDGAR index"),
    ],
)
def test_what_came_instead_is_said_and_nothing_is_lost(
    site: EdgarServer, bot: Edgar, where: str, failure: Failure, said: str
) -> None:
    site.publish(*filings(3, until=NOW - timedelta(days=1)), filing(9))
    site.fail_next(where, *[failure] * (3 if failure == 500 else 1))
    with pytest.raises(SourceError, match=said) as caught:
        bot.fetch(NOW)
    assert "\n" not in str(caught.value)
    table = bot.fetch(NOW + timedelta(hours=1))
    assert (shown(table), table.attrs["left_out"]) == (numbers(*filings(3), filing(9)), ())


@pytest.mark.parametrize("start", [0, 80, 1900])
def test_a_busy_site_is_not_the_end_of_the_feed(site: EdgarServer, bot: Edgar, start: int) -> None:
    """If it were, what is deeper would count as known."""
    site.fail_next(FEED, 503, 503, 503)
    with pytest.raises(SourceError, match="status 503"):
        bot._site.recent("4", start)


def test_the_feed_has_an_end_that_is_said(site: EdgarServer, bot: Edgar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.demo.edgar.server.DEEPEST", 100)
    monkeypatch.setattr("bot.sources.edgar.site.DEEP", 100)
    site.publish(*filings(200, every=timedelta(seconds=10)))
    table = bot.fetch(NOW)
    assert len(table) == 90
    assert table.attrs["left_out"] == (
        "EDGAR's feed of form 4 ends before known ground, after 90 filings: the daily indexes have the rest",
    )


def test_a_site_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    with server() as gone:
        address = gone.url
    with pytest.raises(SourceError, match=r"EDGAR: 127.0.0.1:\d+ could not be reached"):
        edgar(address, tmp_path).fetch(NOW)


def test_no_filings_at_all_are_no_answer(site: EdgarServer, bot: Edgar) -> None:
    site.publish(filing(1, NOW - timedelta(days=20)))
    with pytest.raises(SourceError, match="expected filings since 2026-02-25 at EDGAR, found none"):
        bot.fetch(NOW)


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="the archive cannot be made there"):
        edgar("http://127.0.0.1:1", tmp_path / "file").fetch(NOW)


def kit(**settings: Any) -> Kit:
    return Kit(settings=Settings.of(**settings), clock=Moment(), http=Http("insiderbot-test"))


def test_the_sec_must_be_told_whom_it_can_write_to(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="write for example BOT_USER_AGENT='insiderbot you@example"):
        source(kit())
    assert source(kit(user_agent="northwind ops@northwind.example", archive=tmp_path)).name == "edgar"


def test_the_factory_takes_address_folder_and_lookback_from_the_settings(site: EdgarServer, tmp_path: Path) -> None:
    site.publish(filing(1), filing(2, NOW - timedelta(days=3)))
    facts = {"user_agent": "a b@c.example", "archive": tmp_path / "here", "edgar_url": site.url, "edgar_lookback": 2}
    built = source(replace(kit(**facts), http=Http("a b@c.example")))
    assert shown(built.fetch(NOW)) == [accession(1)]
    assert (tmp_path / "here" / "documents").is_dir()
