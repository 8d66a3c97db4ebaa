"""OpenInsider's pages: every layout to the cell, letters and labels that change what a row is, and a strict gate."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import responses
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from bot.errors import ConfigError, SourceError
from bot.events import find_events
from bot.http import Http
from bot.model import InsiderTrade, Role
from bot.plausible import implausible
from bot.plugins import Kit
from bot.settings import Settings
from bot.sources import finviz, openinsider
from bot.sources.openinsider_rows import LIST
from bot.trades import to_records

from . import pages
from .mutations import ERROR_PAGES
from .openinsider_pages import (
    BUY,
    COMPANY,
    LAYOUTS,
    ONE_COMPANY,
    ROWS,
    SALE,
    Layout,
    Row,
    at,
    company,
    fragment,
    screener,
)
from .pages import NOW

NEW_YORK = ZoneInfo("America/New_York")
ADDRESS = "https://openinsider.com/latest-insider-trading"


def read(page: str) -> list[InsiderTrade]:
    return to_records(openinsider.parse(page, NOW))


def one(**changes: object) -> InsiderTrade:
    """What is read of a row, among others that are in order."""
    return read(screener([replace(ROWS[0], **changes), *ROWS]))[0]  # type: ignore[arg-type]


def refusal(page: str) -> str:
    with pytest.raises(SourceError) as caught:
        openinsider.parse(page, NOW)
    return str(caught.value)


# The layouts


def facts(trade: InsiderTrade) -> tuple[object, ...]:
    return (
        trade.source, trade.accession, trade.form, trade.issuer, trade.symbol, trade.owner_cik, trade.owner,
        trade.title, trade.code, trade.acquired, trade.side, trade.traded_on, trade.filed_on, trade.known_at,
        trade.shares, trade.price, trade.value, trade.currency, trade.shares_after,
    )  # fmt: skip


def expected(row: Row, *, issuer: bool = True) -> tuple[object, ...]:
    code = row.label[0]
    direction = None if "E" in row.flags or row.label.endswith("+OE") else "D" if row.quantity < 0 else "A"
    known_at = max(row.filed.replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC) for fold in (0, 1))
    return (
        "openinsider", row.accession, "4/A" if "A" in row.flags else "4", row.company if issuer else None,
        row.ticker.replace(".", "-"), str(row.owner_cik), row.owner, row.title, code, direction,
        {"P": "buy", "S": "sell"}.get(code), row.traded, row.filed.date(), known_at, Decimal(abs(row.quantity)),
        row.price, Decimal(abs(row.value)), "USD", Decimal(row.owned),
    )  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_cell_of_every_layout_arrives(layout: Layout) -> None:
    issuer = layout.render is not company
    assert [facts(trade) for trade in read(layout.page())] == [expected(row, issuer=issuer) for row in layout.rows]


def test_the_key_is_the_same_in_every_layout() -> None:
    assert len({tuple(trade.key for trade in read(layout.render(ONE_COMPANY))) for layout in LAYOUTS}) == 1


def test_what_the_page_does_not_tell_stays_missing() -> None:
    table = openinsider.parse(screener(ROWS), NOW)
    unknown = ["issuer_cik", "amends", "security", "is_derivative", "ownership", "plan_10b5_1"]
    assert table[unknown].isna().all(axis=None)


def test_what_became_of_the_price_is_never_read() -> None:
    later = [replace(row, later=("+7", "-7", "0", "+99"), change="-5%") for row in ROWS]
    pd.testing.assert_frame_equal(openinsider.parse(screener(later), NOW), openinsider.parse(screener(ROWS), NOW))


def test_the_link_is_the_raw_document_over_https() -> None:
    address = "https://www.sec.gov/Archives/edgar/data/1999501/000199950126000003/form_1999501.xml"
    assert read(screener(ROWS))[0].url == address


def test_a_page_without_links_is_read_by_its_texts() -> None:
    trades = read(re.sub(r"""</?a\b(?:"[^"]*"|[^>"])*>""", "", screener(ROWS)))
    assert [trade.owner for trade in trades] == [row.owner for row in ROWS]
    assert {(trade.accession, trade.url, trade.owner_cik) for trade in trades} == {(None, None, None)}


# Letters


@pytest.mark.parametrize(("flags", "form"), [("", "4"), ("M", "4"), ("D", "4"), ("A", "4/A"), ("ADM", "4/A")])
def test_an_amended_filing_is_another_form(flags: str, form: str) -> None:
    assert one(flags=flags).form == form


@pytest.mark.parametrize("flags", ["E", "EM", "AE", "ADEM"])
@pytest.mark.parametrize(("label", "sign"), [(BUY, 1), (SALE, -1)])
def test_a_filing_with_an_error_is_quarantined(flags: str, label: str, sign: int) -> None:
    changes = {"label": label, "quantity": sign * 3000, "value": sign * 122_430}
    trusted, doubted = one(**changes), one(**changes, flags=flags)
    assert trusted.acquired == ("A" if sign > 0 else "D")
    assert doubted.acquired is None
    assert doubted._replace(acquired=trusted.acquired, form="4") == trusted
    assert implausible(trusted) is None
    assert implausible(doubted)


def test_the_event_of_a_filing_with_an_error_is_quarantined() -> None:
    events = find_events(openinsider.parse(screener(ROWS), NOW))
    quarantined = {event.trade.side: bool(event.quarantine) for event in events if event.trade.owner == "Larkin Bo"}
    assert quarantined == {"buy": True, "sell": False}


def test_an_average_price_need_not_yield_the_value_to_the_dollar() -> None:
    merged = one(flags="M", quantity=29_770, price=Decimal("65.45"), value=1_948_563, owned=958_514)  # 65.4539 a share
    assert implausible(merged) is None


@pytest.mark.parametrize("flags", ["Q", "m", "MM", "D M", "MDAEM"])
def test_other_letters_are_refused(flags: str) -> None:
    page = screener([replace(ROWS[0], flags=flags)])
    assert refusal(page).startswith("row 1, column 'X': expected some of the letters A, D, E, M, or nothing, found")


# Trade types and signs


@pytest.mark.parametrize(
    ("label", "sign", "code", "acquired", "side"),
    [
        ("P - Purchase", 1, "P", "A", "buy"),
        ("S - Sale", -1, "S", "D", "sell"),
        ("S - Sale+OE", -1, "S", None, "sell"),  # of what came in by exercise, nobody says how much
        ("F - Tax", -1, "F", "D", None),
        ("M - OptEx", 1, "M", "A", None),
        ("X - OptEx", 1, "X", "A", None),
        ("A - Grant", 1, "A", "A", None),
        ("G - Gift", -1, "G", "D", None),
        ("G - Gift", 1, "G", "A", None),
        ("W - Inherited", 1, "W", "A", None),
    ],
)
def test_a_label_is_a_code_and_the_sign_a_direction(
    label: str, sign: int, code: str, acquired: str | None, side: str | None
) -> None:
    trade = one(label=label, quantity=sign * 3000, value=sign * 122_430)
    assert (trade.code, trade.acquired, trade.side, trade.shares) == (code, acquired, side, 3000)


@pytest.mark.parametrize(
    "label", ["P", "Purchase", "P - Sale", "S - Purchase", "S - Sale+", "Q - Quirk", "p - purchase", ""]
)
def test_another_trade_type_is_refused(label: str) -> None:
    assert "row 1, column 'Trade Type': expected" in refusal(screener([replace(ROWS[0], label=label)]))


@pytest.mark.parametrize(("label", "quantity", "word"), [(BUY, -3000, "above"), (SALE, 3000, "below")])
def test_a_sign_that_contradicts_the_trade_type_is_refused(label: str, quantity: int, word: str) -> None:
    page = screener([replace(ROWS[0], label=label, quantity=quantity, value=quantity * 40)])
    assert f"column 'Qty': expected a number {word} 0 for {label}" in refusal(page)


def test_quantity_and_value_have_the_same_sign() -> None:
    page = screener(ROWS).replace("+$122,438", "-$122,438")
    assert refusal(page) == "row 1, column 'Value': expected the sign of the quantity +3,000, found '-$122,438'"


def test_nothing_has_no_sign() -> None:
    gift = one(label="G - Gift", price=Decimal("0.00"), quantity=-500, value=0)
    assert (gift.acquired, gift.price, gift.value) == ("D", 0, 0)
    none = read(screener([*ROWS, ROWS[0]]).replace(">-30<", ">0<").replace(">-$362<", ">$0<"))[8]
    assert (none.code, none.acquired, none.shares) == ("F", None, 0)


def test_nothing_may_be_held_afterwards() -> None:
    assert one(label=SALE, quantity=-3000, value=-122_430, owned=0).shares_after == 0


# Tickers, names and titles


@pytest.mark.parametrize(
    ("ticker", "symbol"),
    [("NWRB", "NWRB"), ("BRK.B", "BRK-B"), ("BF-B", "BF-B"), ("X", "X"), ("CRDA.", None), ("", None)],
)
def test_a_symbol_has_a_dash_before_its_class(ticker: str, symbol: str | None) -> None:
    assert one(ticker=ticker).symbol == symbol


def test_the_ticker_is_the_text_of_its_link_alone() -> None:
    page = screener(ROWS).replace(">NWRB</a></b>", ">NWRB</a></b><script>Tip('NWRB chart', 360)</script>")
    assert read(page) == read(screener(ROWS))


def test_a_ticker_may_link_to_the_screener() -> None:
    assert read(screener(ROWS).replace('href="/NWRB" on', 'href="/screener?s=NWRB" on')) == read(screener(ROWS))


def test_a_page_that_a_browser_saved_has_whole_addresses() -> None:
    page = screener(ROWS)
    for path in ("/insider/", *{f"/{row.ticker}" for row in ROWS}):
        page = page.replace(f'href="{path}', f'href="http://openinsider.com{path}')
    assert read(page) == read(screener(ROWS))


def test_ticker_and_links_agree() -> None:
    page = screener(ROWS)
    assert "column 'Ticker'" in refusal(page.replace('href="/NWRB" on', 'href="/NWRC" on', 1))
    assert "column 'Company Name'" in refusal(page.replace('href="/NWRB">Nor', 'href="/NWRC">Nor', 1))


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("O'Neill-Vance Tam & Co", "O&#39;Neill-Vance-Tam-&amp;-Co"),
        ("Quayle Ines", "Quayle-In%C3%A9s"),
        ("Baxter Funds /adv/", "Baxter-Funds-/adv/"),
        ("Ng Y", "x"),
        ("T. Marsh Associates Inc /md/ Et Al", "T.-Marsh-Associates-Inc"),
    ],
)
def test_a_name_may_be_spelled_a_little_differently_in_its_link(name: str, address: str) -> None:
    page = screener([replace(ROWS[0], owner="NAME"), *ROWS[1:]]).replace(">NAME<", f">{name.replace('&', '&amp;')}<")
    assert read(page.replace("/insider/NAME/", f"/insider/{address}/"))[0].owner == name


def test_a_person_s_link_may_have_nothing_but_the_number() -> None:
    (trade, *_) = read(screener(ROWS).replace("/insider/Okafor-Adaeze-M/1999501", "/insider/0001999501"))
    assert (trade.owner, trade.owner_cik) == ("Okafor Adaeze M", "1999501")


def test_another_name_than_its_link_s_is_refused() -> None:
    page = screener(ROWS).replace(">Ode Quill<", ">Plumage Quill Holdings<")
    assert "row 6, column 'Insider Name': expected the same name in text and link" in refusal(page)


@pytest.mark.parametrize(
    ("title", "role", "is_officer"),
    [
        ("CEO", Role.CEO, True),
        ("Pres, CEO", Role.CEO, True),
        ("COB, CEO, 10%", Role.CEO, True),
        ("Vice COB, CFO", Role.CFO, True),
        ("SVP; GC", Role.GC, True),
        ("CEO - See Remarks", Role.CEO, True),
        ("Pres", Role.PRESIDENT, True),
        ("Exec COB, 10%", Role.CHAIR, True),
        ("COB", Role.CHAIR, None),
        ("See Remarks, 10%", Role.TEN_PERCENT, None),
        ("*See Remarks", Role.UNKNOWN, None),
        ("Dir", Role.DIRECTOR, False),
        ("Dir, 10%", Role.DIRECTOR, False),
        ("10%", Role.TEN_PERCENT, False),
    ],
)
def test_a_list_of_abbreviated_titles_is_understood(title: str, role: Role, is_officer: bool | None) -> None:
    trade = one(title=title)
    assert (trade.role, trade.is_officer, trade.title) == (role, is_officer, title)


# Days and times


@pytest.mark.parametrize(
    ("filed", "known_at"),
    [
        ("2026-03-02T17:03:41", "2026-03-02T22:03:41+00:00"),
        ("2026-07-02T21:58:42", "2026-07-03T01:58:42+00:00"),
        ("2025-11-02T01:30:15", "2025-11-02T06:30:15+00:00"),  # the hour comes twice: the later one
        ("2026-03-08T02:30:00", "2026-03-08T07:30:00+00:00"),  # the hour does not come at all: the later reading
    ],
)
def test_a_new_york_time_becomes_an_instant(filed: str, known_at: str) -> None:
    trade = one(filed=at(filed), traded=at(filed).date())
    assert trade.known_at == datetime.fromisoformat(known_at)
    assert trade.filed_on == at(filed).date()


@pytest.mark.parametrize("shown", ["2026-02-30", "2026-13-01", "2025-02-29", "2026-00-10"])
def test_a_day_that_never_was_is_refused(shown: str) -> None:
    page = screener(ROWS).replace(">2026-02-27<", f">{shown}<")
    assert refusal(page) == f"row 1, column 'Trade Date': expected a day that exists, found {shown!r}"


@pytest.mark.parametrize("shown", ["2026-03-02 24:00:00", "2026-03-02 17:60:00", "2026-02-29 10:00:00"])
def test_a_time_that_never_was_is_refused(shown: str) -> None:
    page = screener(ROWS).replace(">2026-03-02 17:03:41<", f">{shown}<")
    assert refusal(page) == f"row 1, column 'Filing Date': expected a day that exists, found {shown!r}"


# Any table there can be


names = st.text("aelnuztÉßñø&<>'\".,-", min_size=2, max_size=12).map(lambda text: f"Van {text.strip()}n")
kinds = st.sampled_from([(BUY, 1), (SALE, -1), ("S - Sale+OE", -1), ("F - Tax", -1), ("A - Grant", 1)])


@st.composite
def rows(draw: st.DrawFn) -> Row:
    filed = draw(st.datetimes(datetime(2003, 1, 1), datetime(2026, 3, 1)))  # noqa: DTZ001
    shares, cents, (label, sign) = draw(st.integers(1, 10**8)), draw(st.integers(1, 10**7)), draw(kinds)
    return Row(
        flags=draw(st.sampled_from(["", "A", "D", "M", "DM", "ADM", "E"])),
        owner=draw(names),
        owner_cik=draw(st.integers(1, 9_999_999_999)),
        title=draw(st.sampled_from(["CEO", "Dir", "10%", "Pres, CEO", "SVP; GC <acting>"])),
        traded=filed.date() - timedelta(days=draw(st.integers(0, 360))),
        label=label,
        price=Decimal(cents) / 100,
        quantity=sign * shares,
        value=sign * round(shares * Decimal(cents) / 100),
        owned=draw(st.integers(10**14, 10**15 - 1)),
        filed=filed.replace(microsecond=0),
        accession=f"{draw(st.integers(0, 9_999_999_999)):010}-{filed:%y}-{draw(st.integers(0, 999_999)):06}",
    )


@profile(max_examples=40)
@given(st.sampled_from(LAYOUTS), st.lists(rows(), min_size=1, max_size=6))
def test_what_was_rendered_is_read(layout: Layout, shown: list[Row]) -> None:
    issuer = layout.render is not company
    assert [facts(trade) for trade in read(layout.render(shown))] == [expected(row, issuer=issuer) for row in shown]


def outcome(page: str) -> pd.DataFrame | SourceError:
    try:
        return openinsider.parse(page, NOW)
    except SourceError as error:
        return error


PAGE = screener(ROWS[:3])


@given(st.text(), st.integers(0, len(PAGE)), st.integers(0, len(PAGE)))
def test_no_damage_is_more_than_a_refusal(text: str, start: int, end: int) -> None:
    found = outcome(PAGE[: min(start, end)] + text + PAGE[max(start, end) :])
    assert isinstance(found, SourceError) or 1 <= len(found) <= 3 + text.count("<")


@given(st.lists(st.sampled_from(["<table>", "</table>", "<tr>", "<td>", "<html>", "</html>", "<!--", "&nbsp;", *LIST])))
def test_no_heap_of_tags_is_more_than_a_refusal(tags: list[str]) -> None:
    assert isinstance(outcome("".join(tags)), SourceError)


# The gate


@pytest.mark.parametrize("page", ERROR_PAGES.values(), ids=list(ERROR_PAGES))
def test_a_page_without_its_table_is_refused(page: str) -> None:
    assert "expected" in refusal(page)


def test_another_site_s_table_is_refused() -> None:
    assert "expected an insider table (X, Filing Date, Trade Date," in refusal(pages.new_list(pages.LINES))


def test_a_page_grouped_by_company_is_refused_with_a_way_out() -> None:
    page = screener(ROWS).replace("Insider&nbsp;Name", "Industry").replace("<th>Title</th>", "<th>Ins</th>")
    assert refusal(page) == (
        "expected one row per person, found rows grouped by company (Industry and Ins), which name nobody: read"
        " another page, such as latest-insider-trading"
    )


def test_headings_without_rows_are_refused() -> None:
    for render in (screener, fragment):
        assert refusal(render([])) == "expected rows in the insider table, found only its headings"


def test_a_lost_a_new_and_a_moved_column_are_named() -> None:
    page = screener(ROWS)
    assert "(missing: Owned; unexpected: 'Held')" in refusal(page.replace("<th>Owned</th>", "<th>Held</th>"))
    assert "(twice: Qty)" in refusal(page.replace("<th>Qty</th>", "<th>Qty</th><th>Qty</th>"))
    assert "(moved: Price, Qty)" in refusal(page.replace("<th>Price</th><th>Qty</th>", "<th>Qty</th><th>Price</th>"))


def test_a_company_s_page_is_held_against_its_own_headings() -> None:
    text = refusal(company(ONE_COMPANY).replace("<th>Owned</th>", "<th>Held</th>"))
    assert text.startswith(f"expected the columns {', '.join(COMPANY)}, found")


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        (">$40.81<", ">40.81<", "Price"),
        (">+3,000<", ">3,000<", "Qty"),
        (">18,500<", "><", "Owned"),
        (">+19%<", ">DM<", "ΔOwn"),
        (">+$122,438<", ">$122.4K<", "Value"),
        (">2026-02-27<", ">Feb 27<", "Trade Date"),
        (">2026-03-02 17:03:41<", ">2026-03-02<", "Filing Date"),
        (">Northwind Robotics Inc<", ">Northwind\u202e Robotics Inc<", "Company Name"),
    ],
)
def test_a_cell_in_another_format_is_named(old: str, new: str, column: str) -> None:
    assert refusal(screener(ROWS).replace(old, new)).startswith(f"row 1, column {column!r}: expected")


def test_one_line_that_cannot_be_true_stays_and_two_refuse_the_page() -> None:
    page = screener(ROWS)
    assert len(read(page.replace("+$122,438", "+$922,438"))) == len(ROWS)
    two = page.replace("+$122,438", "+$922,438").replace("+$163,488", "+$963,488")
    assert "2 of 10 rows can hardly be true; row 1:" in refusal(two)


def test_an_exercise_shows_what_is_held_after_the_sale_that_follows() -> None:
    """The site shows the last balance of the filing in all its rows: less than was exercised is no contradiction."""
    assert len(read(screener([replace(ROWS[3], owned=0), replace(ROWS[4], owned=0)]))) == 2


@pytest.mark.parametrize(
    "address",
    [
        "http://sec.gov.example/Archives/edgar/data/1/a.xml",
        "http://www.sec.gov@example.org/Archives/edgar/data/1/a.xml",
        "http://www.sec.gov/cgi-bin/browse-edgar",
        "/Archives/edgar/data/1/a.xml",
        "javascript:alert(1)",
    ],
)
def test_a_filing_lies_in_the_archive_of_the_sec_and_nowhere_else(address: str) -> None:
    assert "expected a link into www.sec.gov/Archives/" in refusal(screener([Row()]).replace(Row().link, address))


def test_a_cell_has_one_link_and_the_right_one() -> None:
    page, link = screener(ROWS), '<a href="/insider/Quill-Ode/7"></a>'
    assert "column 'Insider Name': expected no such link" in refusal(page.replace("Quill</a>", f"Quill</a>{link}"))
    assert "column 'Title': expected no such link" in refusal(page.replace(">EVP, GC<", f">{link}EVP, GC<"))


# The network edge


def kit(**settings: object) -> Kit:
    return Kit(settings=Settings(**settings), clock=lambda: NOW, http=Http("tests"))  # type: ignore[arg-type]


@responses.activate
def test_every_view_is_asked_once_and_a_line_shown_twice_is_one() -> None:
    one_view = responses.get("https://openinsider.com/insider-purchases", body=screener(ROWS[:4]))
    other = responses.get("https://openinsider.com/screener?xs=1&cnt=100", body=screener(ROWS[2:]))
    source = openinsider.source(kit(openinsider_views="insider-purchases,/screener?xs=1&cnt=100"))
    assert source.name == "openinsider"
    pd.testing.assert_frame_equal(source.fetch(NOW), openinsider.parse(screener(ROWS), NOW))
    assert (one_view.call_count, other.call_count) == (1, 1)


@responses.activate
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"status": 403}, "OpenInsider answered with a challenge"),
        ({"status": 503, "body": "<title>Just a moment...</title>"}, "a challenge"),
        ({"status": 429}, "OpenInsider answered 429, too many requests"),
        ({"status": 404, "body": screener(ROWS)}, "404"),
        ({"status": 500}, "500"),
        ({"body": screener(ROWS).replace("Δ", "Á").encode("latin-1")}, "UTF-8"),
        ({"body": ERROR_PAGES["consent"]}, "expected"),
        ({"status": 302, "headers": {"location": "https://example.org/"}}, "another host"),
    ],
)
def test_any_other_answer_is_refused(answer: dict[str, object], sentence: str) -> None:
    responses.get(ADDRESS, **answer)
    with pytest.raises(SourceError, match=sentence):
        openinsider.source(kit()).fetch(NOW)


def test_no_view_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="BOT_OPENINSIDER_VIEWS"):
        openinsider.source(kit(openinsider_views=""))


def test_a_server_that_is_gone_is_a_source_error() -> None:
    with pytest.raises(SourceError, match=r"OpenInsider: .* could not be reached"):
        openinsider.source(kit(openinsider_url="http://127.0.0.1:9")).fetch(NOW)


# The same trade at FinViz


LINE = pages.Line(owner="Abernethy-Vasquez Guillermina Consuelo", title="Chief Financial Officer")
LABELS = {pages.BUY: BUY, pages.SALE: SALE, pages.EXERCISE: "M - OptEx"}


def row_of(line: pages.Line) -> Row:
    """How OpenInsider shows a line of FinViz: to the second, with a longer name and a shorter title."""
    sign = -1 if line.kind == pages.SALE else 1
    return Row(
        filed=line.filed.replace(second=41), accession=line.accession, traded=line.traded,
        ticker=line.ticker.replace("-", "."), company=line.company.removesuffix("."), owner=line.owner,
        owner_cik=line.owner_cik, title="CFO", label=LABELS[line.kind], price=line.price,
        quantity=sign * line.shares, owned=line.after or 0, value=sign * line.value,
    )  # fmt: skip


def both(*lines: pages.Line, change: Callable[[list[Row]], list[Row]] = list) -> pd.DataFrame:
    cut = [replace(line, owner=line.owner[:30].upper()) for line in lines]
    tables = finviz.parse(pages.new_list(cut), NOW), openinsider.parse(screener(change([*map(row_of, lines)])), NOW)
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"owner": "Okafor Adaeze M"},
        {"ticker": "BRK-B"},
        {"kind": pages.SALE},
        {"kind": pages.EXERCISE},
        {"filed": at("2026-03-02T00:15")},
    ],
)
def test_a_line_has_the_same_key_at_both_sites(changes: dict[str, object]) -> None:
    table = both(replace(LINE, **changes))  # type: ignore[arg-type]
    assert table["source"].tolist() == ["finviz", "openinsider"]
    assert table["key"].nunique() == 1
    (event,) = find_events(table)
    assert event.trade.shares == LINE.shares


def test_a_company_that_sells_in_several_lines_is_one_event_at_both_sites() -> None:
    (event,) = find_events(both(LINE, replace(LINE, shares=1200, price=Decimal("40.79"), value=48_948, after=19_700)))
    assert event.trade.shares == 4200


def test_lines_that_one_site_merges_are_one_event() -> None:
    lines = (
        LINE,
        replace(LINE, shares=1000, price=Decimal("40.85"), value=40_850, after=19_500, traded=date(2026, 3, 2)),
    )
    merged = replace(
        row_of(lines[1]), flags="M", traded=LINE.traded, quantity=4000, value=163_288, price=Decimal("40.82")
    )
    table = both(*lines, change=lambda _: [merged])
    (event,) = find_events(table)
    assert set(event.keys) == set(table["key"])
    (alone,) = find_events(table[table["source"] == "openinsider"])
    assert alone.key == event.key
