"""EDGAR's stand-in: the same filings in feed, indexes and archives, and the ways in which the SEC refuses."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.edgar.filings import Filing, from_document, from_folder, from_lines, from_submission
from bot.demo.edgar.server import EdgarServer
from bot.demo.market import Line, market
from bot.http import Answer, Http
from bot.model import InsiderTrade
from bot.sources.edgar import feed, index
from bot.sources.edgar.source import Edgar
from bot.trades import to_records
from tests.sources.edgar.world import AGENT, Moment, accession, document, edgar, filing, filings, server

DAY = date(2026, 3, 3)
NOW = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)  # the evening of the day, 22:00 in New York
FEED = "/cgi-bin/browse-edgar?action=getcurrent&output=atom"


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return market(DAY).public(NOW)


@pytest.fixture(scope="module")
def site(lines: list[Line]) -> Iterator[EdgarServer]:
    noise = [filing(number, NOW - timedelta(minutes=number), "424B2") for number in (1, 2, 3)]
    with server(*from_lines(lines), *noise, clock=Moment(NOW)) as running:
        yield running


def get(site: EdgarServer, path: str, user_agent: str = AGENT) -> Answer:
    return Http(user_agent).get(site.url + path)


def path_of(filing: Filing) -> str:
    return f"/Archives/edgar/data/{filing.parties[0].cik}/{filing.accession}.txt"


def facts(trade: InsiderTrade) -> tuple[Any, ...]:
    return (
        trade.accession, trade.owner, trade.owner_cik, trade.code, trade.traded_on, trade.known_at, trade.price,
        trade.shares, trade.shares_after,
    )  # fmt: skip


def test_the_demo_s_market_is_told_line_by_line(lines: list[Line], site: EdgarServer, tmp_path: Path) -> None:
    codes = {"Buy": "P", "Sale": "S", "Option Exercise": "M"}
    told = to_records(edgar(site.url, tmp_path, lookback=timedelta(days=30)).fetch(NOW))
    assert sorted(map(facts, told)) == sorted(
        (
            line.accession, line.owner, str(line.owner_cik), codes[line.transaction], line.traded_on, line.filed_at,
            line.price, line.shares, line.shares_after,
        )
        for line in lines
        if line.transaction in codes
    )  # fmt: skip


def test_officers_directors_and_owners_are_told_apart(lines: list[Line], site: EdgarServer, tmp_path: Path) -> None:
    told = {trade.owner: trade for trade in to_records(edgar(site.url, tmp_path).fetch(NOW))}
    assert (told["Ferreira-Oake Ines"].is_officer, told["Ferreira-Oake Ines"].is_director) == (False, True)
    assert (told["Cobalt Heron Partners LP"].is_officer, told["Cobalt Heron Partners LP"].is_ten_percent) == (
        False,
        True,
    )
    assert (told["Okafor Adaeze M"].is_officer, told["Okafor Adaeze M"].title) == (True, "Chief Executive Officer")


def test_the_feed_has_every_party_the_latest_first_in_pages(site: EdgarServer, lines: list[Line]) -> None:
    first = feed.read(get(site, f"{FEED}&type=4&owner=only&count=40").body)
    rest = feed.read(get(site, f"{FEED}&type=4&owner=only&count=100&start=40").body)
    both = [*first, *rest]
    assert len(first) == 40
    assert len(both) == 2 * len({line.accession for line in lines if line.transaction != "Proposed Sale"})
    assert [one.accepted_at for one in both] == sorted((one.accepted_at for one in both), reverse=True)


def test_the_form_is_a_prefix_unless_owners_alone_are_asked_for(site: EdgarServer) -> None:
    def forms(query: str) -> set[str]:
        return {one.form for one in feed.read(get(site, f"{FEED}&count=100{query}").body)}

    assert forms("&type=4") == {"4", "424B2"}
    assert forms("&type=4&owner=only") == {"4"}
    assert forms("&type=4&owner=exclude") == {"424B2"}
    assert forms("&type=5") == set()


def test_the_feed_ends_where_the_sec_s_ends(site: EdgarServer) -> None:
    assert feed.read(get(site, f"{FEED}&start=5000").body) == []
    past = get(site, f"{FEED}&start=5100")
    assert (past.status, b"File Unavailable" in past.body) == (503, True)


def test_an_index_is_there_from_the_next_day_on(lines: list[Line]) -> None:
    clock = Moment(NOW)
    with server(*from_lines(lines), clock=clock) as site:
        folder = "/Archives/edgar/daily-index/2026/QTR1"
        names = [item["name"] for item in get(site, f"{folder}/index.json").json()["directory"]["item"]]
        assert "master.20260302.idx" in names
        assert "form.20260303.idx" not in names
        assert get(site, f"{folder}/master.20260303.idx").status == 403
        clock.now = NOW + timedelta(hours=3)
        master, by_form = (get(site, f"{folder}/{kind}.20260303.idx").body for kind in ("master", "form"))
        assert set(index.read(master)) == set(index.read(by_form))
        assert {one.accession for one in index.read(master)} == {
            line.accession for line in lines if line.filed_at > NOW - timedelta(hours=22)
        }
        assert get(site, "/Archives/edgar/daily-index/2026/QTR2/index.json").status == 403


def test_a_filing_s_folder_has_its_document_plain_and_rendered() -> None:
    one = filing(1)
    with server(one) as site:
        folder = f"/Archives/edgar/data/1999001/{one.accession.replace('-', '')}"
        assert get(site, path_of(one)).body == one.submission
        assert get(site, f"{folder}/{one.accession}.txt").body == one.submission
        assert get(site, f"{folder}/form4.xml").body == document(1)
        assert get(site, f"{folder}/xslF345X05/form4.xml").body.startswith(b"<!DOCTYPE html")
        names = [item["name"] for item in get(site, f"{folder}/index.json").json()["directory"]["item"]]
        assert "form4.xml" in names
        assert get(site, f"{folder}/other.xml").status == 404
        assert get(site, path_of(one).replace("1999001", "1999002")).status == 404


@pytest.mark.parametrize(("number", "told"), [(1, "2026-03-03T17:03:41.000Z"), (2, "2026-03-03T22:03:41.000Z")])
def test_every_other_company_s_submissions_have_new_york_s_time_with_a_z(number: int, told: str) -> None:
    one = filing(number, datetime(2026, 3, 3, 22, 3, 41, tzinfo=UTC))
    with server(one) as site:
        recent = get(site, f"/submissions/CIK{1999000 + number:010}.json").json()["filings"]["recent"]
        assert recent["acceptanceDateTime"] == [told]
        assert recent["accessionNumber"] == [accession(number)]
        assert recent["filingDate"] == ["2026-03-03"]
        assert get(site, "/submissions/CIK0000000001.json").status == 404


def test_submissions_are_columns_of_one_length_and_say_who_it_is() -> None:
    paper = replace(filing(10, NOW - timedelta(hours=2)), submission=b"")
    with server(*filings(9, until=NOW), paper, clock=Moment(NOW)) as site:
        company = get(site, "/submissions/CIK0001999001.json").json()
        owner = get(site, "/submissions/CIK0002999001.json").json()
        assert get(site, path_of(paper)).status == 404
    assert {len(column) for column in company["filings"]["recent"].values()} == {2}
    assert company["filings"]["recent"]["primaryDocument"] == ["xslF345X05/form4.xml", f"{accession(10)}.paper"]
    assert (company["cik"], company["name"], company["tickers"]) == ("0001999001", "Northwind & Søn 1 Inc", ["NWRB"])
    assert [
        (found["insiderTransactionForIssuerExists"], found["insiderTransactionForOwnerExists"])
        for found in (company, owner)
    ] == [(1, 0), (0, 1)]


@pytest.mark.parametrize(("every", "sizes"), [(timedelta(minutes=1), [20]), (timedelta(days=70), [6, 8, 6])])
def test_what_is_older_than_a_year_is_on_pages_of_its_own(
    every: timedelta, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least a year's filings and the latest thousand are in one piece; here it is five, and eight a page."""
    monkeypatch.setattr("bot.demo.edgar.server.RECENT", 5)
    monkeypatch.setattr("bot.demo.edgar.server.OLDER", 8)
    published = [filing(1 + 9 * number, NOW - number * every - timedelta(minutes=1)) for number in range(20)]
    with server(*published, clock=Moment(NOW)) as site:
        found = get(site, "/submissions/CIK0001999001.json").json()["filings"]
        pages = [found["recent"], *(get(site, f"/submissions/{file['name']}").json() for file in found["files"])]
        assert [len(page["accessionNumber"]) for page in pages] == sizes
        assert [number for page in pages for number in page["accessionNumber"]] == [one.accession for one in published]
        for file, page in zip(found["files"], pages[1:], strict=True):
            days = page["filingDate"]
            assert (file["filingCount"], file["filingTo"], file["filingFrom"]) == (len(days), days[0], days[-1])
        assert get(site, f"/submissions/CIK0001999001-submissions-{len(pages):03}.json").status == 404


def test_every_issuer_has_its_ticker_in_the_list() -> None:
    with server(*filings(3, until=NOW), clock=Moment(NOW)) as site:
        found = get(site, "/files/company_tickers.json").json()
    assert found == {
        f"{number}": {
            "cik_str": 1999001 + number,
            "ticker": f"NWR{letter}",
            "title": f"Northwind & Søn {number + 1} Inc",
        }
        for number, letter in enumerate("BCD")
    }


def test_who_names_no_contact_is_refused_with_a_page(site: EdgarServer) -> None:
    refused = get(site, FEED, "insiderbot")
    assert (refused.status, refused.headers["content-type"]) == (403, "text/html")


def test_who_asks_too_fast_is_refused_until_they_wait() -> None:
    with EdgarServer([filing(1)], clock=Moment(NOW), per_second=3) as site:
        http = Http(AGENT)
        assert [http.get(site.url + FEED).status for _ in range(6)] == [200, 200, 200, 403, 403, 403]


def test_nothing_is_shown_before_it_was_accepted() -> None:
    clock = Moment(NOW)
    with server(filing(1, NOW + timedelta(minutes=1)), clock=clock) as site:
        assert feed.read(get(site, FEED).body) == []
        assert get(site, path_of(filing(1))).status == 404
        clock.now += timedelta(minutes=1)
        assert len(feed.read(get(site, FEED).body)) == 2


def test_a_filing_can_appear_while_the_server_runs() -> None:
    one = filing(1, NOW)
    with server(clock=Moment(NOW)) as site:
        site.publish(one, disseminated=False)
        assert len(feed.read(get(site, FEED).body)) == 2
        assert get(site, path_of(one)).status == 404
        site.publish(one)
        assert get(site, path_of(one)).status == 200


def test_an_answer_can_fail_by_its_path() -> None:
    with server(filing(1, NOW), clock=Moment(NOW)) as site:
        site.fail_next("browse", 429, "page", "cut")
        found = [get(site, FEED) for _ in range(4)]
        assert [answer.status for answer in found] == [429, 200, 200, 200]
        assert found[1].body.startswith(b"<!DOCTYPE html")
        assert found[3].body.startswith(found[2].body)
        assert 0 < len(found[2].body) < len(found[3].body)


def test_a_folder_of_saved_filings_can_be_served(tmp_path: Path) -> None:
    saved = filings(3)
    for one in saved[:2]:
        (tmp_path / f"{one.accession}.txt").write_bytes(one.submission)
    (tmp_path / "third.xml").write_bytes(document(3))
    (tmp_path / "times.tsv").write_text(f"third.xml\t{saved[2].accession}\t{saved[2].accepted_at.isoformat()}\n")
    assert from_folder(tmp_path) == saved


def test_a_submission_without_its_time_is_no_filing() -> None:
    with pytest.raises(ValueError, match="ACCEPTANCE-DATETIME"):
        from_submission(filing(1).submission.replace(b"<ACCEPTANCE-DATETIME>", b"<ACCEPTED>"))


@pytest.mark.corpus
def test_recorded_filings_are_served_and_read(corpus: Path, tmp_path: Path) -> None:
    """Each is read, or said to be one that has no document in it."""
    recorded = [
        from_submission(path.read_bytes())
        for path in sorted((corpus / "edgar/submissions_txt").glob("*.txt"))
        if b"<ACCEPTANCE-DATETIME>" in path.read_bytes()
    ]
    assert len(recorded) > 5
    for number, one in enumerate(recorded):
        clock = Moment(one.accepted_at + timedelta(minutes=5))
        with server(one, clock=clock) as site:
            table = edgar(site.url, tmp_path / str(number)).fetch(clock.now)
            assert set(table["accession"]) == {one.accession}
            assert set(table["known_at"]) == {one.accepted_at}
            assert table.attrs["left_out"] == ()


@pytest.mark.corpus
def test_recorded_documents_can_be_filed_again(corpus: Path, tmp_path: Path) -> None:
    documents = sorted((corpus / "edgar/form4_xml").glob("*.xml"))[:60]
    fours = [text for text in map(Path.read_bytes, documents) if re.search(rb"<documentType>4(/A)?<", text)]
    filed = [
        from_document(text, accession(number), NOW - timedelta(minutes=number)) for number, text in enumerate(fours, 1)
    ]
    with server(*filed, clock=Moment(NOW)) as site:
        source: Edgar = edgar(site.url, tmp_path)
        table = source.fetch(NOW)
    assert table.attrs["left_out"] == ()
    with_lines = rb"<(?:nonD|d)erivative(?:Transaction|Holding)>"
    assert set(table["accession"]) == {one.accession for one in filed if re.search(with_lines, one.submission)}
