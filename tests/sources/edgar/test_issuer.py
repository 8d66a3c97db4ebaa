"""One company's filings over real HTTP, beside the feed of all: shared archive, ground of its own, forms by choice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from bot.demo.edgar import server as stand_in
from bot.demo.edgar.filings import Filing, from_document
from bot.demo.edgar.server import EdgarServer
from bot.errors import ConfigError, SourceError
from bot.events import as_table, find_events
from bot.http import Http
from bot.plugins import Kit
from bot.ports import Source
from bot.settings import Settings
from bot.sources.edgar.source import Edgar, source
from bot.trades import to_records, validate
from strategies.executives import strategy as executives
from tests.sources.edgar.documents import HOLDING, PURCHASE, document, holding, transaction
from tests.sources.edgar.world import NOW, Moment, accession, edgar, filing, filings, server

FEED = "/cgi-bin/browse-edgar"
CIK = "1999001"  # of every ninth company
DAYS = timedelta(days=1)


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def site(clock: Moment) -> Iterator[EdgarServer]:
    with server(clock=clock) as running:
        yield running


def company(
    site: EdgarServer, folder: Path, issuer: str = CIK, days: int = 7, forms: tuple[str, ...] = ("4",)
) -> Edgar:
    return edgar(site.url, folder, issuer=issuer, lookback=timedelta(days=days), forms=forms)


def about(count: int, *, every: timedelta = timedelta(minutes=1), until: datetime = NOW) -> list[Filing]:
    """So many filings about the first company, the latest last."""
    return [filing(1 + 9 * number, until - (count - 1 - number) * every) for number in range(count)]


def shown(table: pd.DataFrame) -> list[str]:
    assert validate(table)["key"].is_unique
    return sorted(table["accession"])


def numbers(*filings: Filing) -> list[str]:
    return sorted(one.accession for one in filings)


def documents(site: EdgarServer) -> list[str]:
    return [path.rpartition("/")[2].removesuffix(".txt") for path in site.journal if path.endswith(".txt")]


def of_form(form: str, number: int, *rows: str, accepted_at: datetime = NOW - timedelta(hours=1)) -> Filing:
    """A filing of another form, by the officer of the first company."""
    return from_document(document(*rows, form=form), accession(number), accepted_at)


# -- one company


@pytest.mark.parametrize("issuer", [CIK, "0001999001", "NWRB"])
def test_a_company_s_filings_are_found_by_its_number_or_its_ticker(
    site: EdgarServer, tmp_path: Path, issuer: str
) -> None:
    site.publish(*filings(30))
    table = company(site, tmp_path, issuer).fetch(NOW)
    assert shown(table) == [accession(number) for number in (1, 10, 19, 28)]
    assert set(table["issuer_cik"]) == {"0001999001"}
    assert table.attrs["left_out"] == ()
    assert FEED not in site.journal
    assert documents(site) == [accession(number) for number in (28, 19, 10, 1)]


@pytest.mark.parametrize("cik", [1999001, 1999002])
def test_since_when_it_is_known_is_told_by_the_filing_not_by_the_list(
    site: EdgarServer, tmp_path: Path, cik: int
) -> None:
    """The list's time is New York's for one of the two companies and UTC for the other, with the same Z."""
    accepted_at = datetime(2026, 3, 4, 1, 30, 41, tzinfo=UTC)  # the evening of the 3rd in New York
    site.publish(filing(cik - 1999000, accepted_at))
    (trade,) = to_records(company(site, tmp_path, str(cik)).fetch(NOW))
    assert (trade.known_at, str(trade.filed_on)) == (accepted_at, "2026-03-03")


def test_the_lookback_reaches_into_older_pages_and_no_further(
    site: EdgarServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_in, "RECENT", 3)
    monkeypatch.setattr(stand_in, "OLDER", 4)
    published = about(20, every=100 * DAYS)
    site.publish(*published)
    for days, expected, pages in ((350, 4, 1), (450, 5, 2), (850, 9, 3), (1000, 11, 3), (2000, 20, 5)):
        site.journal.clear()
        table = company(site, tmp_path, days=days).fetch(NOW)
        assert shown(table) == numbers(*published[-expected:])
        assert len([path for path in site.journal if path.startswith("/submissions")]) == pages, days


def test_what_is_known_is_not_fetched_again_by_whom_ever(site: EdgarServer, tmp_path: Path) -> None:
    site.publish(*filings(20))
    edgar(site.url, tmp_path).fetch(NOW)
    site.journal.clear()
    assert shown(company(site, tmp_path).fetch(NOW)) == [accession(1), accession(10), accession(19)]
    assert site.journal == ["/submissions/CIK0001999001.json"]


def test_a_company_s_source_leaves_what_waits_for_others_alone(site: EdgarServer, tmp_path: Path) -> None:
    site.publish(*filings(20))
    site.fail_next(".txt", *["cut"] * 5)
    with pytest.raises(SourceError, match="wait to be read"):
        edgar(site.url, tmp_path).fetch(NOW)
    site.journal.clear()
    assert shown(company(site, tmp_path).fetch(NOW)) == [accession(1), accession(10), accession(19)]
    assert documents(site) == [accession(19), accession(10), accession(1)]


def test_what_a_company_s_list_has_is_no_known_ground_for_the_feed(site: EdgarServer, tmp_path: Path) -> None:
    """The company fills a page of the feed: if its filings counted as ground, what lies below would not be read."""
    below = filings(30, first=1000, until=NOW - timedelta(hours=5))
    site.publish(*below, *about(60))
    assert len(company(site, tmp_path).fetch(NOW)) == 60 + sum(one.parties[0].cik == int(CIK) for one in below)
    table = edgar(site.url, tmp_path).fetch(NOW)
    assert shown(table) == numbers(*below, *about(60))
    assert table.attrs["left_out"] == ()


def test_the_archive_read_again_is_no_known_ground_either(site: EdgarServer, tmp_path: Path) -> None:
    """Its documents are the latest of what was waiting; what waited below them has to be listed again."""
    site.publish(*filings(60))
    site.fail_next(f"{accession(20)}.txt", 403)
    with pytest.raises(SourceError, match="refused"):
        edgar(site.url, tmp_path).fetch(NOW)
    for path in [*tmp_path.glob("catalogue*"), tmp_path / "pace.sqlite"]:
        path.unlink()
    assert shown(edgar(site.url, tmp_path).fetch(NOW)) == numbers(*filings(60))


def test_days_whose_index_was_not_read_are_not_done_by_a_company_s_list(site: EdgarServer, tmp_path: Path) -> None:
    site.publish(filing(1, NOW - 2 * DAYS), filing(2, NOW - 2 * DAYS))
    assert shown(company(site, tmp_path).fetch(NOW)) == [accession(1)]
    assert shown(edgar(site.url, tmp_path).fetch(NOW)) == [accession(1), accession(2)]
    assert any(path.endswith("master.20260302.idx") for path in site.journal)


def test_what_a_company_files_about_another_one_is_not_about_it(site: EdgarServer, tmp_path: Path) -> None:
    """Owner number 1 of the second company has the first company's CIK: both lists have the filing."""
    text = filing(2).submission.replace(b"0002999002", b"0001999001")
    as_owner = from_document(text.partition(b"<XML>\n")[2].partition(b"\n</XML>")[0], accession(2), NOW)
    site.publish(as_owner, filing(1))
    assert {party.cik for party in as_owner.parties} == {1999001, 1999002}
    assert shown(company(site, tmp_path).fetch(NOW)) == [accession(1)]
    assert shown(company(site, tmp_path, "1999002").fetch(NOW)) == [accession(2)]


def test_a_company_about_which_nothing_was_filed_of_late_is_an_empty_table(site: EdgarServer, tmp_path: Path) -> None:
    site.publish(filing(1, NOW - 30 * DAYS))
    table = company(site, tmp_path).fetch(NOW)
    assert validate(table).empty
    assert table.attrs["left_out"] == ()


def test_a_filing_on_paper_is_said_and_not_asked_for(site: EdgarServer, tmp_path: Path) -> None:
    site.publish(filing(1), replace(filing(10), submission=b""))
    table = company(site, tmp_path).fetch(NOW)
    assert shown(table) == [accession(1)]
    assert table.attrs["left_out"] == (f"1 of EDGAR's filings were made on paper, such as {accession(10)}",)
    assert documents(site) == [accession(1)]


@pytest.mark.parametrize(
    ("issuer", "said"),
    [
        ("77", "^expected a company with the CIK 0000000077 at EDGAR, found none$"),
        ("NONE", "^expected NONE among EDGAR's tickers, found no company, or two: write its CIK"),
        (
            "2999001",
            "^expected a company with insiders under CIK 0002999001, found 'Okafor Adaeze 1', about whom nobody",
        ),
    ],
)
def test_a_company_that_is_none_is_said(site: EdgarServer, tmp_path: Path, issuer: str, said: str) -> None:
    site.publish(filing(1))
    with pytest.raises(SourceError, match=said):
        company(site, tmp_path, issuer).fetch(NOW)


@pytest.mark.parametrize("failure", [403, "page"])
def test_a_refusal_of_the_list_stops_everybody(site: EdgarServer, tmp_path: Path, failure: int | str) -> None:
    site.publish(filing(1))
    site.fail_next("/submissions/", failure)  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="refused a request"):
        company(site, tmp_path).fetch(NOW)
    with pytest.raises(SourceError, match="is not asked again before"):
        edgar(site.url, tmp_path).fetch(NOW)


def test_the_list_of_tickers_is_asked_for_once_a_day_for_all(site: EdgarServer, tmp_path: Path, clock: Moment) -> None:
    site.publish(*filings(9))
    for issuer in ("NWRB", "NWRC", "NWRB"):
        company(site, tmp_path, issuer).fetch(NOW)
    assert site.journal.count("/files/company_tickers.json") == 1
    clock.now = NOW + DAYS
    company(site, tmp_path, "NWRC").fetch(clock.now)
    assert site.journal.count("/files/company_tickers.json") == 2


# -- forms


def test_forms_3_and_5_are_read_when_they_are_asked_for(site: EdgarServer, tmp_path: Path) -> None:
    """By the feed and by the index; what is called alike is left alone."""
    today = [of_form("3", 903, holding()), of_form("5", 905, transaction())]
    before = [of_form(f"{form}", 910 + form, holding(), accepted_at=NOW - DAYS) for form in (3, 5)]
    noise = [of_form("305B2", 920), of_form("40-F", 921)]
    site.publish(*today, *before, *noise, filing(1))
    assert shown(edgar(site.url, tmp_path).fetch(NOW)) == [accession(1)]
    table = edgar(site.url, tmp_path, forms=("3", "4", "5")).fetch(NOW)
    assert shown(table) == numbers(filing(1), *today, *before)
    assert set(table["form"]) == {"3", "4", "5"}
    assert table.attrs["left_out"] == ()
    assert shown(edgar(site.url, tmp_path).fetch(NOW)) == [accession(1)]
    assert shown(edgar(site.url, tmp_path, forms=("5",)).fetch(NOW)) == numbers(today[1], before[1])


@pytest.mark.parametrize("forms", [("3",), ("4",), ("3", "4", "5")])
def test_every_form_comes_with_its_amendments(site: EdgarServer, tmp_path: Path, forms: tuple[str, ...]) -> None:
    published = {
        form: replace(filing(number, form=form), form=form)
        for number, form in enumerate(("3", "3/A", "4", "4/A", "5", "5/A"), start=1)
    }
    site.publish(*published.values())
    wanted = [one for form, one in published.items() if form[0] in forms]
    assert shown(edgar(site.url, tmp_path, forms=forms).fetch(NOW)) == numbers(*wanted)
    mine = [one for one in wanted if one.parties[0].cik == 1999001]
    assert shown(company(site, tmp_path, forms=forms).fetch(NOW)) == numbers(*mine)


def test_every_form_has_a_ground_of_its_own(site: EdgarServer, tmp_path: Path) -> None:
    """Days were read for form 4 alone: they are read again when 3 is asked for too."""
    site.publish(filing(1, NOW - 2 * DAYS), of_form("3", 903, holding(), accepted_at=NOW - 2 * DAYS))
    site.publish(filing(2), filing(3, NOW - DAYS))
    edgar(site.url, tmp_path).fetch(NOW)
    site.journal.clear()
    assert accession(903) in shown(edgar(site.url, tmp_path, forms=("3", "4")).fetch(NOW))
    assert any(path.endswith("master.20260302.idx") for path in site.journal)
    site.journal.clear()
    edgar(site.url, tmp_path, forms=("3", "4")).fetch(NOW)
    assert set(site.journal) == {FEED}


@pytest.mark.parametrize("form", ["3", "5"])
def test_an_empty_feed_of_another_form_than_4_is_nothing_unusual(site: EdgarServer, tmp_path: Path, form: str) -> None:
    site.publish(filing(1))
    table = edgar(site.url, tmp_path, forms=("4", form)).fetch(NOW)
    assert (shown(table), table.attrs["left_out"]) == ([accession(1)], ())
    alone = edgar(site.url, tmp_path, forms=(form,)).fetch(NOW)
    assert validate(alone).empty
    assert alone.attrs["left_out"] == ()


# -- what becomes of them


def verdicts(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    judged = executives(kit())(as_table(find_events(table)), NOW)
    return [tuple(row) for row in judged[["decision", "rule", "reason"]].itertuples(index=False)]


def test_what_a_form_3_says_is_held_is_shown_and_no_event(site: EdgarServer, tmp_path: Path) -> None:
    site.publish(of_form("3", 903, holding(), holding(HOLDING | {"directOrIndirectOwnership": "D"})))
    table = edgar(site.url, tmp_path, forms=("3",)).fetch(NOW)
    assert [(trade.form, trade.side, trade.shares) for trade in to_records(table)] == [("3", None, None)] * 2
    assert find_events(table) == []


def test_what_only_form_5_has_to_report_has_no_side(site: EdgarServer, tmp_path: Path) -> None:
    site.publish(of_form("5", 905, transaction(PURCHASE | {"transactionFormType": "5"})))
    table = edgar(site.url, tmp_path, forms=("5",)).fetch(NOW)
    assert [trade.side for trade in to_records(table)] == [None]
    assert [(decision, rule) for decision, rule, _ in verdicts(table)] == [("skip", "open_market")]


def test_a_purchase_that_a_form_5_reports_late_is_too_old_to_follow(site: EdgarServer, tmp_path: Path) -> None:
    """Form 4 had to report it within two days: it is a purchase, with a side, and no news by its own dates."""
    late = PURCHASE | {"transactionDate": "2025-11-14", "transactionTimeliness": "L"}
    site.publish(of_form("5", 905, transaction(late)))
    table = edgar(site.url, tmp_path, forms=("5",)).fetch(NOW)
    assert [trade.side for trade in to_records(table)] == ["buy"]
    ((decision, rule, _),) = verdicts(table)
    assert (decision, rule) == ("skip", "filed_within")


# -- by the settings


def kit(argument: str = "", **settings: object) -> Kit:
    values = {"user_agent": "northwind ops@northwind.example"} | settings
    return Kit(settings=Settings.of(**values), clock=Moment(), http=Http("a b@c.example"), argument=argument)


@pytest.mark.parametrize(
    ("argument", "name"),
    [("", "edgar"), ("320", "edgar:320"), ("nwrb", "edgar:NWRB"), ("BRK.B", "edgar:BRK-B")],
)
def test_a_source_is_called_by_its_company(argument: str, name: str, tmp_path: Path) -> None:
    built: Source = source(kit(argument, archive=tmp_path))
    assert built.name == name


@pytest.mark.parametrize("argument", ["Northwind Robotics", "12345678901", "../etc", "٣", "NWRB,HLCN", "?", " "])
def test_what_names_no_company_is_refused_at_once(argument: str) -> None:
    with pytest.raises(ConfigError, match="names no company: write its CIK or its ticker, edgar:320193 or edgar:AAPL"):
        source(kit(argument))


def test_the_settings_choose_company_forms_and_lookback(site: EdgarServer, tmp_path: Path) -> None:
    site.publish(filing(1), of_form("3", 903, holding()), filing(10, NOW - 300 * DAYS), filing(2))
    facts = {"archive": tmp_path, "edgar_url": site.url, "edgar_lookback": 400, "edgar_forms": ("3", "4")}
    assert shown(source(kit("NWRB", **facts)).fetch(NOW)) == [accession(number) for number in (1, 10, 903)]
    assert shown(source(kit("nwrb", **facts | {"edgar_lookback": 2})).fetch(NOW)) == [accession(1), accession(903)]


@pytest.mark.corpus
def test_recorded_filings_are_found_by_their_company(corpus: Path, tmp_path: Path) -> None:
    """Every sixth recorded document, filed again: the lines about a company are those of its own source."""
    paths = sorted((corpus / "edgar/form4_xml").glob("*.xml"))[::6]
    filed = [
        from_document(path.read_bytes(), accession(number), NOW - number * timedelta(minutes=1))
        for number, path in enumerate(paths, start=1)
    ]
    issuers = {party.cik for one in filed for party in one.parties if party.role == "Issuer"}
    forms = ("3", "4", "5")
    with server(*filed, clock=Moment()) as site:
        everything = edgar(site.url, tmp_path / "all", forms=forms).fetch(NOW)
        for issuer in sorted(issuers)[:9]:
            table = company(site, tmp_path / "one", str(issuer), forms=forms).fetch(NOW)
            about_it = everything[everything["issuer_cik"] == f"{issuer:010}"]
            assert list(table["key"]) == list(about_it["key"])
            assert list(table["known_at"]) == list(about_it["known_at"])
            assert table.attrs["left_out"] == ()
