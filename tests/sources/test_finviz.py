"""FinViz's pages: every layout to the cell, years from thin air, and a gate that lets nothing half-read through."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import ConfigError, SourceError
from bot.http import Http
from bot.model import InsiderTrade, Side
from bot.plugins import Kit
from bot.settings import Settings
from bot.sources import finviz
from bot.sources.finviz_rows import HEADINGS
from bot.trades import to_records

from .mutations import ERROR_PAGES
from .pages import (
    BUY,
    EXERCISE,
    LATER,
    LAYOUTS,
    LINES,
    NOW,
    ONE_COMPANY,
    PROPOSED,
    SALE,
    Layout,
    Line,
    at,
    new_fragment,
    new_list,
    old_list,
    old_quote,
    styled_quote,
)

NEW_YORK = ZoneInfo("America/New_York")
unhurried = settings(deadline=None)  # pages are large and machines are shared
CODES = {
    BUY: ("P", "A", Side.BUY),
    SALE: ("S", "D", Side.SELL),
    EXERCISE: ("M", "A", None),
    PROPOSED: (None, None, None),
}


def read(page: str, now: datetime = NOW) -> list[InsiderTrade]:
    return to_records(finviz.parse(page, now))


def refusal(page: str, now: datetime = NOW) -> str:
    with pytest.raises(SourceError) as caught:
        finviz.parse(page, now)
    return str(caught.value)


# The layouts


def facts(trade: InsiderTrade) -> tuple[object, ...]:
    return (
        trade.accession,
        trade.form,
        trade.symbol,
        trade.owner_cik,
        trade.owner,
        trade.title,
        trade.code,
        trade.acquired,
        trade.side,
        trade.traded_on,
        trade.filed_on,
        trade.known_at,
        trade.shares,
        trade.price,
        trade.value,
        trade.currency,
        trade.shares_after,
        trade.source,
    )


def expected(line: Line, *, symbol: bool = True) -> tuple[object, ...]:
    form, after = ("144", None) if line.kind == PROPOSED else ("4", Decimal(line.after or 0))
    return (
        line.accession, form, line.ticker if symbol else None, str(line.owner_cik), line.owner, line.title,
        *CODES[line.kind], line.traded, line.filed.date(), line.filed.replace(tzinfo=NEW_YORK, fold=1).astimezone(UTC),
        Decimal(line.shares), line.price, Decimal(line.value), "USD", after, "finviz",
    )  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_cell_of_every_layout_arrives(layout: Layout) -> None:
    symbol = layout.render is not new_fragment
    assert [facts(trade) for trade in read(layout.page())] == [expected(line, symbol=symbol) for line in layout.lines]


@pytest.mark.parametrize("render", [old_quote, styled_quote])
def test_a_quote_page_tells_symbol_and_company(render) -> None:
    trades = read(render(ONE_COMPANY))
    assert {(trade.symbol, trade.issuer) for trade in trades} == {("NWRB", "Northwind Robotics Inc")}


def test_a_list_tells_the_company_of_every_line() -> None:
    assert [trade.issuer for trade in read(new_list(LINES))] == [line.company for line in LINES]
    assert {trade.issuer for trade in read(old_list(LINES))} == {None}


def test_the_link_is_the_raw_document_over_https() -> None:
    assert (
        read(new_list(LINES))[0].url
        == "https://www.sec.gov/Archives/edgar/data/1999501/000199950126000003/form_1999501.xml"
    )


def test_what_the_page_does_not_tell_stays_missing() -> None:
    table = finviz.parse(new_list(LINES), NOW)
    unknown = ["issuer_cik", "amends", "security", "is_derivative", "ownership", "plan_10b5_1"]
    assert table[unknown].isna().all(axis=None)


def test_a_row_without_a_ticker_is_kept_without_symbol() -> None:
    for blank in ("", "-"):
        page = (
            new_list(LINES)
            .replace(">PLUM</a>", f">{blank}</a>")
            .replace('"PLUM"', f'"{blank}"')
            .replace("t=PLUM", f"t={blank}")
        )
        assert [trade.symbol for trade in read(page)][8:10] == [None, None]


def test_a_link_that_tells_no_accession_number_is_kept_as_address() -> None:
    page = new_list(LINES[:1]).replace("/000199950126000003/xslF345X05/", "/")
    (trade,) = read(page)
    assert (trade.accession, trade.url) == (None, "https://www.sec.gov/Archives/edgar/data/1999501/form_1999501.xml")


def test_a_page_without_links_is_read_by_its_texts() -> None:
    bare = re.sub(r"</?a\b[^>]*>", "", new_list(LINES))
    trades = read(bare)
    assert [trade.owner for trade in trades] == [line.owner for line in LINES]
    assert {(trade.accession, trade.url, trade.owner_cik) for trade in trades} == {(None, None, None)}


# Keys


def test_one_filing_under_two_tickers_is_one_key() -> None:
    trades = read(new_list(LINES))
    assert trades[6].key == trades[7].key
    assert {trades[6].symbol, trades[7].symbol} == {"TRX-A", "TRX-B"}


def test_the_same_facts_twice_in_one_listing_are_two_keys() -> None:
    trades = read(new_list(LINES))
    assert trades[9].key == f"{trades[8].key}-2"


def test_keys_are_unique_within_a_symbol() -> None:
    table = finviz.parse(new_list(LINES), NOW)
    assert not table.duplicated(["key", "symbol"]).any()


def test_the_key_is_the_same_in_every_layout() -> None:
    keys = {tuple(trade.key for trade in read(layout.render(ONE_COMPANY))) for layout in LAYOUTS}
    assert len(keys) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"owner": "Okafor Adaeze N"},
        {"kind": SALE},
        {"traded": date(2026, 2, 26)},
        {"shares": 3001},
        {"accession": "0001999501-26-000004"},
    ],
)
def test_other_facts_are_another_key(change) -> None:
    assert read(new_list([Line()]))[0].key != read(new_list([replace(Line(), **change)]))[0].key


def test_price_and_total_are_no_part_of_the_key() -> None:
    other = replace(Line(), price=Decimal("40.80"), value=122_400, after=20_000)
    assert read(new_list([Line()]))[0].key == read(new_list([other]))[0].key


def test_without_a_filing_the_symbol_is_part_of_the_key() -> None:
    first, second = (
        read(re.sub(r"<a\b[^>]*>", "", new_list([replace(Line(), ticker=ticker)])))[0].key for ticker in ("AAA", "BBB")
    )
    assert first != second
    assert first.startswith("row:")


# Days and times


@pytest.mark.parametrize(
    ("filed", "known_at"),
    [
        ("2026-03-02T17:03", "2026-03-02T22:03+00:00"),
        ("2026-07-02T17:03", "2026-07-02T21:03+00:00"),
        ("2026-07-02T00:15", "2026-07-02T04:15+00:00"),
        ("2026-07-02T12:00", "2026-07-02T16:00+00:00"),
        ("2025-11-02T01:30", "2025-11-02T06:30+00:00"),  # the hour comes twice: the later one
        ("2026-03-08T02:30", "2026-03-08T07:30+00:00"),  # the hour does not come at all: the later reading
        ("2024-02-29T21:59", "2024-03-01T02:59+00:00"),
    ],
)
def test_a_new_york_time_becomes_an_instant(filed: str, known_at: str) -> None:
    line = replace(Line(), filed=at(filed), accession=f"0001999501-{filed[2:4]}-000003", traded=at(filed).date())
    (trade,) = read(new_list([line]))
    assert trade.known_at == datetime.fromisoformat(known_at)
    assert trade.filed_on == at(filed).date()


@pytest.mark.parametrize(
    ("now", "shown", "day"),
    [
        ("2026-01-05T12:00+00:00", "Jan 05 06:00 AM", "2026-01-05"),
        ("2026-01-05T12:00+00:00", "Jan 05 07:01 AM", "2025-01-05"),  # one minute ahead of the clock
        ("2026-01-05T12:00+00:00", "Dec 31 09:59 PM", "2025-12-31"),
        ("2026-01-01T03:00+00:00", "Dec 31 09:59 PM", "2025-12-31"),  # still the old year in New York
        ("2026-01-01T02:00+00:00", "Dec 31 09:59 PM", "2024-12-31"),
        ("2027-06-01T00:00+00:00", "Feb 29 05:00 PM", "2024-02-29"),
        ("2103-06-01T00:00+00:00", "Feb 29 05:00 PM", "2096-02-29"),
    ],
)
def test_without_a_filing_the_year_is_the_latest_that_is_not_ahead_of_the_clock(now: str, shown: str, day: str) -> None:
    page = re.sub(r"<a\b[^>]*>", "", old_list([Line()])).replace("Mar 02 05:03 PM", shown)
    (trade,) = read(page, datetime.fromisoformat(now))
    assert str(trade.filed_on) == day


def test_the_filing_settles_the_year_whatever_the_clock_says() -> None:
    assert read(old_list(LINES), NOW) == read(old_list(LINES), datetime(2031, 7, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("traded", "filed", "year"),
    [
        ("Dec 30", "2026-01-02T06:00", 2025),
        ("Jan 02", "2026-01-02T06:00", 2026),
        ("Jan 03", "2026-01-02T06:00", 2025),
        ("Feb 29", "2026-03-02T17:03", 2024),
    ],
)
def test_a_trade_is_never_dated_after_its_filing(traded: str, filed: str, year: int) -> None:
    page = old_list([replace(Line(), filed=at(filed))]).replace("Feb 27", traded)
    assert read(page)[0].traded_on == datetime.strptime(f"{year} {traded}", "%Y %b %d").date()  # noqa: DTZ007


def test_a_written_year_is_taken_as_it_is() -> None:
    line = replace(Line(), traded=date(2024, 8, 19))
    assert read(new_list([line]))[0].traded_on == date(2024, 8, 19)


@pytest.mark.parametrize("shown", ["Feb 30", "Jun 31", "Feb 29 '26"])
def test_a_day_that_never_was_is_refused(shown: str) -> None:
    page = new_list([Line()]).replace("Feb 27 &#x27;26", shown)
    assert refusal(page) == f"row 1, column 'Date': expected a day that exists, found {shown!r}"


@unhurried
@given(st.datetimes(datetime(2015, 1, 1), datetime(2026, 3, 1)), st.integers(0, 364))  # noqa: DTZ001
def test_any_time_within_a_year_before_the_clock_survives_without_its_year(filed: datetime, age: int) -> None:
    """A page shown at most eleven months after the filing, a trade at most a year before it: both years return."""
    filed = filed.replace(second=0, microsecond=0)
    line = replace(Line(), filed=filed, traded=filed.date() - timedelta(days=age))
    page = re.sub(r"<a\b[^>]*>", "", old_list([line]))
    (trade,) = read(page, filed.replace(tzinfo=NEW_YORK).astimezone(UTC) + timedelta(days=330))
    assert (trade.filed_on, trade.traded_on) == (filed.date(), line.traded)


# Any table there can be


names = st.text("aelnuztÉßñø&<>'\".,-", min_size=2, max_size=12).map(lambda text: f"Van {text.strip()}n")
titles = st.sampled_from(
    ["CEO", "Director", "10% Owner", "Chief Financial Officer", "EVP & Chief Mfg and Supply Cha", "SVP, GC <acting>"]
)
kinds = st.sampled_from([BUY, SALE, EXERCISE, PROPOSED])


@st.composite
def lines(draw: st.DrawFn) -> Line:
    filed = draw(st.datetimes(datetime(2006, 1, 1), datetime(2026, 3, 1)))  # noqa: DTZ001
    shares, cents, kind = draw(st.integers(1, 10**8)), draw(st.integers(1, 10**7)), draw(kinds)
    return Line(
        ticker="NWRB",
        owner=draw(names),
        owner_cik=draw(st.integers(1, 9_999_999_999)),
        title=draw(titles),
        traded=filed.date() - timedelta(days=draw(st.integers(0, 360))),
        kind=kind,
        price=Decimal(cents) / 100,
        shares=shares,
        value=round(shares * Decimal(cents) / 100),
        after=None if kind == PROPOSED else draw(st.integers(10**14, 10**15 - 1)),
        filed=filed.replace(second=0, microsecond=0),
        accession=f"{draw(st.integers(0, 9_999_999_999)):010}-{filed:%y}-{draw(st.integers(0, 999_999)):06}",
    )


@settings(unhurried, max_examples=40)
@given(st.sampled_from(LAYOUTS), st.lists(lines(), min_size=1, max_size=6))
def test_what_was_rendered_is_read(layout: Layout, shown: list[Line]) -> None:
    symbol = layout.render is not new_fragment
    assert [facts(trade) for trade in read(layout.render(shown))] == [expected(line, symbol=symbol) for line in shown]


def outcome(page: str) -> pd.DataFrame | SourceError:
    try:
        return finviz.parse(page, NOW)
    except SourceError as error:
        return error


@unhurried
@given(st.text())
def test_no_text_is_more_than_a_refusal(text: str) -> None:
    assert isinstance(outcome(text), SourceError)


PAGE = new_list(LINES[:3])


@unhurried
@given(st.text(), st.integers(0, len(PAGE)), st.integers(0, len(PAGE)))
def test_no_damage_is_more_than_a_refusal(text: str, start: int, end: int) -> None:
    found = outcome(PAGE[: min(start, end)] + text + PAGE[max(start, end) :])
    assert isinstance(found, SourceError) or 1 <= len(found) <= 3 + text.count("<")


@unhurried
@given(
    st.lists(
        st.sampled_from(
            [
                "<table>",
                "</table>",
                "<tr>",
                "<td>",
                "</td>",
                "<th>",
                "<html>",
                "</html>",
                "<!--",
                "<?xml",
                "<svg>",
                "&#0;",
                "Owner",
                *HEADINGS,
            ]
        )
    )
)
def test_no_heap_of_tags_is_more_than_a_refusal(tags: list[str]) -> None:
    assert isinstance(outcome("".join(tags)), SourceError)


# The gate


@pytest.mark.parametrize("page", ERROR_PAGES.values(), ids=list(ERROR_PAGES))
def test_a_page_without_its_table_is_refused(page: str) -> None:
    assert "expected" in refusal(page)


def test_a_refused_page_is_named_by_its_title() -> None:
    assert refusal(ERROR_PAGES["not found"]).endswith("found none on the page ('404 Not Found')")


def test_a_lost_a_new_and_a_moved_column_are_named() -> None:
    head = "".join(f"<th>{name}</th>" for name in HEADINGS)
    page = new_list(LINES)
    assert "(missing: Cost; unexpected: 'Price')" in refusal(page.replace("<th>Cost</th>", "<th>Price</th>"))
    assert "(moved: Date, Transaction)" in refusal(
        page.replace("<th>Date</th><th>Transaction</th>", "<th>Transaction</th><th>Date</th>")
    )
    assert "(twice: Cost)" in refusal(page.replace(head, head + "<th>Cost</th>"))


def test_headings_without_rows_are_refused() -> None:
    assert refusal(new_list([])) == "expected rows in the insider table, found only its headings"


def test_an_unknown_transaction_is_named() -> None:
    page = new_list(LINES).replace("Option Exercise", "Gift")
    assert (
        refusal(page)
        == "row 5, column 'Transaction': expected one of Buy, Sale, Option Exercise, Proposed Sale, found 'Gift'"
    )


def test_what_is_quoted_is_short_and_printable() -> None:
    page = new_list(LINES).replace(">40.81<", ">4\u202e0.81" + "1" * 500 + "<")
    text = refusal(page)
    assert text.isprintable()
    assert len(text) < 150


def test_a_ticker_must_be_the_one_of_its_link() -> None:
    assert "column 'Ticker'" in refusal(new_list(LINES).replace("stock?t=PLUM", "stock?t=PLUN"))
    assert "column 'Ticker'" in refusal(new_list(LINES).replace('ticker="PLUM"', 'ticker="PLUN"'))


def test_a_page_about_two_companies_is_refused() -> None:
    assert "one company" in refusal(old_quote(ONE_COMPANY).replace(">NWRB</a>", ">NWRC</a>"))


def test_an_empty_total_is_for_proposed_sales_only() -> None:
    assert "column '#Shares Total'" in refusal(new_list(LINES).replace(">18,500<", "><"))


def test_one_line_that_cannot_be_true_stays_and_two_refuse_the_page() -> None:
    page = new_list(LINES)
    assert len(read(page.replace(">122,438<", ">922,438<"))) == len(LINES)
    assert "2 of 12 rows can hardly be true; row 1:" in refusal(
        page.replace(">122,438<", ">922,438<").replace(">48,948<", ">948,948<")
    )


def test_up_to_a_tenth_of_a_long_page_may_be_doubtful() -> None:
    good, bad = Line(), replace(Line(), value=922_438)
    assert len(read(new_list([good] * 27 + [bad] * 3))) == 30
    assert "4 of 30 rows" in refusal(new_list([good] * 26 + [bad] * 4))


@pytest.mark.parametrize(
    "change",
    [
        {"traded": date(2026, 3, 3)},
        {"shares": 1_000_000_001, "value": 40_810_000_041, "after": 2_000_000_000},
        {"shares": 2, "price": Decimal("1000000.01"), "value": 2_000_000},
        {"shares": 0, "value": 0},
        {"value": 0},
        {"after": 2999},
    ],
)
def test_a_line_that_cannot_be_true_is_counted(change) -> None:
    assert "2 of 2 rows can hardly be true" in refusal(new_list([replace(Line(), **change)] * 2))


def test_rounding_to_whole_shares_and_cents_is_no_contradiction() -> None:
    small = replace(Line(), price=Decimal("0.01"), shares=1000, value=14)  # 0.0144 a share
    dear = replace(Line(), price=Decimal("622000.00"), shares=1, value=870_800)  # 1.4 shares
    assert len(read(new_list([small, dear, small, dear]))) == 4


def test_swapped_names_and_titles_are_refused_even_without_links() -> None:
    bare = re.sub(r"</?a\b[^>]*>", "", new_list([replace(line, owner=line.title, title=line.owner) for line in LINES]))
    assert "expected under 'Relationship'" in refusal(bare)


def test_two_tables_are_refused() -> None:
    assert "found 2" in refusal(new_fragment(LINES) + new_fragment(LINES))


@pytest.mark.parametrize(
    "address",
    [
        "http://sec.gov.example/Archives/edgar/data/1/a.xml",
        "http://example.org/www.sec.gov/Archives/edgar/data/1/a.xml",
        "http://www.sec.gov@example.org/Archives/edgar/data/1/a.xml",
        "http://www.sec.gov:8080/Archives/edgar/data/1/a.xml",
        "http://www.sec.gov/Archives/../cgi-bin/a.xml",
        "http://www.sec.gov/cgi-bin/browse-edgar",
        "//www.sec.gov/Archives/edgar/data/1/a.xml",
        "javascript:alert(1)",
    ],
)
def test_a_filing_lies_in_the_archive_of_the_sec_and_nowhere_else(address: str) -> None:
    assert "expected a link into www.sec.gov/Archives/" in refusal(new_list([Line()]).replace(Line().link, address))


def test_a_page_of_nothing_but_a_line_that_cannot_be_true_is_refused() -> None:
    assert "1 of 1 rows can hardly be true" in refusal(new_list([replace(Line(), value=922_438)]))


@pytest.mark.parametrize("span", ['colspan="2"', 'rowspan="2"'])
def test_a_joined_cell_is_refused_even_where_the_count_is_right(span: str) -> None:
    assert "joined cells" in refusal(new_list(LINES).replace("<td>Director", f"<td {span}>Director"))


def test_a_cell_has_one_link_and_the_right_one() -> None:
    link = '<a href="insidertrading?oc=7"></a>'
    assert "column 'Owner'" in refusal(new_list(LINES).replace("Ode Quill</a>", f"Ode Quill</a>{link}"))
    assert "column 'Relationship'" in refusal(new_list(LINES).replace("<td>Director", f"<td>{link}Director"))


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x7f"])
def test_a_page_with_control_characters_is_refused(sign: str) -> None:
    assert "control character" in refusal(new_list(LINES).replace("Quotes delayed", f"Quotes{sign}delayed"))


def test_a_company_s_name_is_printable() -> None:
    page = new_list(LINES).replace("Plumage Inc", "Plumage\u202e Inc")
    assert "row 9, column 'Ticker': expected a company name in printable characters" in refusal(page)


# The network edge


def kit(url: str = "https://finviz.com", **more: object) -> Kit:
    return Kit(settings=Settings(finviz_url=url, **more), clock=lambda: NOW, http=Http("tests"))


@responses.activate
def test_every_view_is_read_and_a_line_shown_twice_is_one() -> None:
    responses.get("https://finviz.com/insidertrading?tc=1", body=new_list(LINES[:4]))
    responses.get("https://finviz.com/insidertrading?tc=2", body=new_list(LINES[2:]))
    source = finviz.source(kit(finviz_views="insidertrading?tc=1,/insidertrading?tc=2"))
    assert source.name == "finviz"
    pd.testing.assert_frame_equal(source.fetch(NOW), finviz.parse(new_list(LINES), NOW))


@responses.activate
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"status": 403}, "a challenge"),
        ({"status": 200, "headers": {"cf-mitigated": "challenge"}, "body": new_list(LINES)}, "a challenge"),
        ({"status": 503, "body": "<title>Just a moment...</title>"}, "a challenge"),
        ({"status": 429}, "429"),
        ({"status": 404, "body": new_list(LINES)}, "404"),
        ({"status": 500}, "500"),
        ({"body": new_list(LINES).encode("latin-1")}, "UTF-8"),
        ({"body": ERROR_PAGES["consent"]}, "expected"),
        ({"status": 302, "headers": {"location": "https://example.org/"}}, "another host"),
    ],
)
def test_any_other_answer_is_refused(answer, sentence: str) -> None:
    responses.get("https://finviz.com/insidertrading", **answer)
    with pytest.raises(SourceError, match=sentence):
        finviz.source(kit()).fetch(NOW)


@responses.activate
def test_one_refused_view_refuses_all() -> None:
    responses.get("https://finviz.com/insidertrading?tc=1", body=new_list(LINES))
    responses.get("https://finviz.com/insidertrading?tc=2", status=404)
    with pytest.raises(SourceError, match="404"):
        finviz.source(kit(finviz_views="insidertrading?tc=1,insidertrading?tc=2")).fetch(NOW)


def test_no_view_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="BOT_FINVIZ_VIEWS"):
        finviz.source(kit(finviz_views=""))


class _Site(BaseHTTPRequestHandler):
    """FinViz on this machine: the new address answers, the old one redirects to it."""

    def do_GET(self) -> None:
        if self.path.startswith("/insidertrading.ashx"):
            self.send_response(302)
            self.send_header("Location", self.path.replace(".ashx", ""))
            self.end_headers()
            return
        body = new_list(LINES).encode() if self.path == "/insidertrading?tc=7" else b"<html></html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("view", ["insidertrading?tc=7", "insidertrading.ashx?tc=7"])
def test_a_real_server_is_read(site: str, view: str) -> None:
    table = finviz.source(kit(site, finviz_views=view)).fetch(NOW)
    pd.testing.assert_frame_equal(table, finviz.parse(new_list(LINES), NOW))


def test_a_server_that_is_gone_is_a_source_error() -> None:
    with pytest.raises(SourceError, match="could not be reached"):
        finviz.source(kit("http://127.0.0.1:9")).fetch(NOW)


# Real pages


def _by_hand(page: str, headings: int) -> list[tuple[str, ...]]:
    """The insider table's rows by regular expressions alone: the texts of the cells, then owner and filing link."""
    table = re.search(r"SEC Form 4</t[dh]>.*?</table>", page, flags=re.DOTALL)
    assert table
    found = []
    for row in re.findall(r"<tr\b.*?</tr>", table[0], flags=re.DOTALL):
        cells = [unescape(re.sub(r"<[^>]+>", "", "<td" + cell)).strip() for cell in re.split(r"<td", row)[1:]]
        assert len(cells) == headings
        link = re.findall(r'href="(http[^"]+)"', row)[-1]
        found.append((*cells[-headings:], re.findall(r"oc=(\d+)", row)[0], link))
    return found


QUOTE_PAGES = {
    "quote_html_2020_2021/quote_AAPL_20201124.html": 13,
    "quote_html_2020_2021/quote_AMZN_20201125.html": 97,
    "quote_html_2020_2021/quote_FB_20201124.html": 100,
    "quote_html_2020_2021/quote_GOOG_20201124.html": 58,
    "quote_html_2023/quote_META_2023-05-29.html": 100,
}


@pytest.mark.corpus
@pytest.mark.parametrize("path", QUOTE_PAGES)
def test_a_real_quote_page_is_right_to_the_cell(corpus: Path, path: str) -> None:
    page = (corpus / "finviz" / path).read_text(encoding="utf-8")
    rows, trades = _by_hand(page, 9), read(page, LATER)
    assert len(trades) == len(rows) == QUOTE_PAGES[path]
    for trade, (owner, title, traded, kind, cost, shares, value, after, filed, cik, link) in zip(
        trades, rows, strict=True
    ):
        number = re.search(r"/(\d{10})(\d\d)(\d{6})/", link)
        assert number
        year = 2000 + int(number[2])
        local = datetime.strptime(f"{year} {filed}", "%Y %b %d %I:%M %p").replace(tzinfo=NEW_YORK)
        assert trade.accession == "-".join(number.groups())
        assert trade.url == re.sub(r"/xsl[^/]+", "", link).replace("http:", "https:")
        assert (trade.owner, trade.title, trade.owner_cik) == (owner, title or None, cik)
        assert (trade.code, trade.acquired, trade.side) == CODES[kind]
        assert [trade.price, trade.shares, trade.value, trade.shares_after] == [
            Decimal(text.replace(",", "")) for text in (cost, shares, value, after)
        ]
        assert trade.known_at == local.astimezone(UTC)
        assert trade.filed_on == local.date()
        assert f"{trade.traded_on:%b %d}" == traded
        assert timedelta(0) <= local.date() - (trade.traded_on or date.max) < timedelta(days=366)
    assert {trade.symbol for trade in trades} == {re.search(r"quote_([A-Z]+)_", path)[1]}  # type: ignore[index]
    assert len({trade.issuer for trade in trades}) == 1
    assert all(first.traded_on >= second.traded_on for first, second in pairwise(trades))  # the page's own order


@pytest.mark.corpus
@pytest.mark.parametrize("path", QUOTE_PAGES)
def test_a_real_page_cut_off_anywhere_is_refused(corpus: Path, path: str) -> None:
    page = (corpus / "finviz" / path).read_text(encoding="utf-8").rstrip()
    for part in range(1, 20):
        assert "expected" in refusal(page[: len(page) * part // 20], LATER)
    assert "expected" in refusal(page[:-7], LATER)


@pytest.mark.corpus
@pytest.mark.parametrize(
    "path",
    [
        "quote_html_2020_2021/quote_AEZS_20201124.html",
        "quote_html_2020_2021/quote_INVALID_20220113.html",
        "quote_html_2023/quote_doesnotexist_404page_2023.html",
    ],
)
def test_a_real_page_without_insiders_is_refused(corpus: Path, path: str) -> None:
    assert "expected an insider table" in refusal((corpus / "finviz" / path).read_text(encoding="utf-8"), LATER)


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "rows", "symbols"), [("finvizp_insider_global.html", 3, 3), ("finvizp_quote_insider_fragment.html", 2, 0)]
)
def test_the_layout_of_2026_is_read(corpus: Path, name: str, rows: int, symbols: int) -> None:
    page = (corpus / "finviz" / "html_2026_fixture" / name).read_text(encoding="utf-8")
    trades = read(page, LATER)
    shown = [[unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row.split("<td")[1:]] for row in page.split("<tr")[2:]]
    assert len(trades) == rows
    for trade, row in zip(trades, shown, strict=True):
        traded = f"{trade.traded_on:%b %d '%y}"
        numbers = [f"{trade.price:,.2f}", f"{trade.shares:,.0f}", f"{trade.value:,.0f}", f"{trade.shares_after:,.0f}"]
        kind = {"P": BUY, "S": SALE}[trade.code or ""]
        filed = f"{trade.known_at.astimezone(NEW_YORK):%b %d %I:%M %p}" if trade.known_at else ""
        cells = [re.sub(r"^[^>]*>", "", cell).strip() for cell in row[-9:]]
        assert [trade.owner, trade.title, traded, kind, *numbers, filed] == cells
    assert sum(trade.symbol is not None for trade in trades) == symbols
    assert {trade.known_at.year for trade in trades if trade.known_at} == {2026}
