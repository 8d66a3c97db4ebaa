"""Insider pages and CSVs of invented companies, in every layout that has been seen."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html import escape

from bot.sources.finviz import QUOTE_HEADINGS
from bot.sources.finviz_rows import HEADINGS

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
BUY, SALE, EXERCISE, PROPOSED = "Buy", "Sale", "Option Exercise", "Proposed Sale"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of an insider table; `filed` is New York wall time without a zone, `price` has two decimals."""

    ticker: str = "NWRB"
    company: str = "Northwind Robotics Inc"
    owner: str = "Okafor Adaeze M"
    owner_cik: int = 1999501
    title: str = "Chief Financial Officer"
    traded: date = date(2026, 2, 27)
    kind: str = BUY
    price: Decimal = Decimal("40.81")
    shares: int = 3000
    value: int = 122_438
    after: int | None = 18_500
    filed: datetime = datetime(2026, 3, 2, 17, 3)  # noqa: DTZ001
    accession: str = "0001999501-26-000003"

    @property
    def link(self) -> str:
        folder = self.accession.replace("-", "")
        style = "xsl144X01" if self.kind == PROPOSED else "xslF345X05"
        return f"http://www.sec.gov/Archives/edgar/data/{self.owner_cik}/{folder}/{style}/form_{self.owner_cik}.xml"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


LINES = (
    Line(),
    Line(shares=1200, price=Decimal("40.79"), value=48_948, after=19_700),
    Line(  # what the fund sold at 12.3456 a share is shown rounded to cents
        owner="Harbour Lane Partners LP", owner_cik=1999777, title="10% Owner", kind=SALE, price=Decimal("12.35"),
        shares=310_001, value=3_827_148, after=2_000_000, traded=date(2026, 2, 25), filed=at("2026-02-27T21:59"),
        ticker="ACWX", company="Acme Widgets & Sons Corp", accession="0001999777-26-000012",
    ),
    Line(
        owner="Stone Miriam", owner_cik=1999888, title="Officer", kind=PROPOSED, price=Decimal("12.10"), shares=5000,
        value=60_500, after=None, traded=date(2026, 3, 2), filed=at("2026-03-02T16:40"), ticker="ACWX",
        company="Acme Widgets & Sons Corp", accession="0001999888-26-000001",
    ),
    Line(  # nothing is paid for vested units
        owner="D'ARC-NUÑEZ JOSÉ", owner_cik=1999889, title="EVP & Chief Mfg and Supply Cha", kind=EXERCISE,
        price=Decimal("0.00"), shares=75, value=0, after=755, traded=date(2025, 12, 30), filed=at("2026-01-02T06:00"),
        ticker="ACWX", company="Acme Widgets & Sons Corp", accession="0001999889-26-000001",
    ),
    Line(
        owner="D'ARC-NUÑEZ JOSÉ", owner_cik=1999889, title="EVP & Chief Mfg and Supply Cha", kind=SALE,
        price=Decimal("12.05"), shares=30, value=362, after=725, traded=date(2025, 12, 30),
        filed=at("2026-01-02T06:00"), ticker="ACWX", company="Acme Widgets & Sons Corp",
        accession="0001999889-26-000001",
    ),
    Line(  # one filing under two share classes, the price of a share above a thousand dollars
        owner="Vale Hollis", owner_cik=1999901, title="CEO", kind=SALE, price=Decimal("2168.11"), shares=100,
        value=216_811, after=9000, traded=date(2025, 11, 20), filed=at("2025-11-24T00:15"), ticker="TRX-A",
        company="Tremont Exchange Co", accession="0001999901-25-000077",
    ),
    Line(
        owner="Vale Hollis", owner_cik=1999901, title="CEO", kind=SALE, price=Decimal("2168.11"), shares=100,
        value=216_811, after=9000, traded=date(2025, 11, 20), filed=at("2025-11-24T00:15"), ticker="TRX-B",
        company="Tremont Exchange Co", accession="0001999901-25-000077",
    ),
    Line(  # the same facts twice in one filing, at two prices
        owner="Ode Quill", owner_cik=1999902, title="See Remarks", kind=BUY, price=Decimal("3.05"), shares=2000,
        value=6100, after=23_042, traded=date(2024, 2, 29), filed=at("2024-02-29T12:30"), ticker="PLUM",
        company="Plumage Inc", accession="0001999902-24-000009",
    ),
    Line(
        owner="Ode Quill", owner_cik=1999902, title="See Remarks", kind=BUY, price=Decimal("3.06"), shares=2000,
        value=6120, after=25_042, traded=date(2024, 2, 29), filed=at("2024-02-29T12:30"), ticker="PLUM",
        company="Plumage Inc", accession="0001999902-24-000009",
    ),
    Line(
        owner="Larkin Bo", owner_cik=1999903, title="Director", kind=SALE, price=Decimal("321.53"), shares=6517,
        value=2_095_411, after=0, traded=date(2023, 8, 10), filed=at("2023-08-14T21:35"), ticker="FERN",
        company="Fern & Bracken Ltd", accession="0001999903-23-000031",
    ),
    Line(
        owner="Larkin Bo", owner_cik=1999903, title="Director", kind=BUY, price=Decimal("9.40"), shares=12_000,
        value=112_800, after=12_000, traded=date(2023, 3, 10), filed=at("2023-03-12T13:00"), ticker="FERN",
        company="Fern & Bracken Ltd", accession="0001999903-23-000012",
    ),
)  # fmt: skip

ONE_COMPANY = tuple(replace(line, ticker="NWRB", company="Northwind Robotics Inc") for line in LINES[:6] + LINES[8:])


def day(on: date, *, year: bool) -> str:
    return f"{on:%b %d '%y}" if year else f"{on:%b %d}"


def texts(line: Line, *, year: bool = True, grouped_cost: bool = True) -> list[str]:
    """The cells in FinViz's order and formats."""
    return [
        line.ticker,
        line.owner,
        line.title,
        day(line.traded, year=year),
        line.kind,
        f"{line.price:,.2f}" if grouped_cost else f"{line.price:.2f}",
        f"{line.shares:,}",
        f"{line.value:,}",
        "" if line.after is None else f"{line.after:,}",
        f"{line.filed:%b %d %I:%M %p}",
    ]


@dataclass(frozen=True)
class Layout:
    """How a page of some year looks around the same ten columns."""

    name: str
    lines: Sequence[Line]
    render: Callable[[Sequence[Line]], str]

    def page(self) -> str:
        return self.render(self.lines)


def old_list(lines: Sequence[Line]) -> str:
    """The list of 2022: `td` headings, days without a year, the table inside tables for layout."""
    head = "".join(f'<td class="table-top">{escape(text)}</td>' for text in HEADINGS)
    rows = []
    for line in lines:
        cells = [escape(text) for text in texts(line, year=False)]
        cells[0] = f'<a class="tab-link" href="quote.ashx?t={line.ticker}&ty=c&p=d">{cells[0]}</a>'
        cells[1] = f'<a href="insidertrading.ashx?oc={line.owner_cik}&tc=7" class="tab-link">{cells[1]}</a>'
        cells[9] = f'<a href="{line.link}">{cells[9]}</a>'
        rows.append(
            '<tr class="insider-sale-row-2" valign="top">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        )
    table = f'<table class="body-table" width="100%">\n<tr class="table-top">{head}</tr>\n{"".join(rows)}</table>'
    return _framed(
        "Insider Trading",
        f"<table><tr><td>Market</td><td>Date</td></tr></table><table><tr><td>{table}</td></tr></table>",
    )


def old_quote(lines: Sequence[Line]) -> str:
    """A quote page of 2020: cells that are never closed, no thousands separator in the price, a title left open."""
    head = "\n".join(f'<td class="table-top-w" align="left">{escape(text)}</td>' for text in QUOTE_HEADINGS)
    rows = []
    for line in lines:
        cells = [escape(text, quote=False) for text in texts(line, year=False, grouped_cost=False)[1:]]
        cells[0] = f'<a href="insidertrading.ashx?oc={line.owner_cik}&tc=7" class="tab-link">{cells[0]}</a>'
        cells[8] = f'<a href="{line.link}" class="tab-link">{cells[8]}</a>'
        rows.append(
            '<tr class="insider-buy-row-1" valign="top"><td>'
            + '<td style="white-space:nowrap">'.join(cells)
            + "</td></tr>"
        )
    table = f'<table width="100%" cellpadding="3">\n<tr>\n{head}\n</tr>\n{"".join(rows)}</table>'
    ticker = f'<a href="quote.ashx?t={lines[0].ticker}&ty=c" class="fullview-ticker" id="ticker">{lines[0].ticker}</a>'
    facts = "<table><tr><td>Insider Own</td><td>1%</td></tr></table>"
    body = f"<table>{''.join(f'<tr><td>{part}</td></tr>' for part in (ticker, facts, table))}</table>"
    return _framed(f"{lines[0].ticker} {escape(lines[0].company)} Stock Quote\n", body)


def styled_quote(lines: Sequence[Line]) -> str:
    """A quote page of 2023: its own class, values in spans."""
    head = "".join(f'<td align="left" class="table-top is-white">{escape(text)}</td>\n' for text in QUOTE_HEADINGS)
    rows = []
    for line in lines:
        cells = [escape(text) for text in texts(line, year=False)[1:]]
        cells[0] = f'<a class="tab-link" href="insidertrading.ashx?oc={line.owner_cik}&amp;tc=7">{cells[0]}</a>'
        cells[3] = f"<span>{cells[3]}</span>"
        cells[8] = f'<a class="tab-link" href="{line.link}" target="_blank">{cells[8]}</a>'
        rows.append(
            '<tr class="insider-row is-sale-2">' + "".join(f'<td class="value">{cell}</td>' for cell in cells) + "</tr>"
        )
    table = f'<table class="body-table insider-trading-table">\n<tr>\n{head}</tr>\n{"".join(rows)}</table>'
    return _framed(f"{lines[0].ticker} - {escape(lines[0].company)} Stock Price and Quote", f"<div>{table}</div>")


def new_list(lines: Sequence[Line]) -> str:
    """The list of 2026: a table with a name, days with their year, the company in an attribute."""
    head = "".join(f"<th>{escape(text)}</th>" for text in HEADINGS)
    rows = []
    for line in lines:
        cells = [escape(text) for text in texts(line)]
        cells[0] = f'<a class="tab-link" href="stock?t={line.ticker}&amp;b=2">{cells[0]}</a>'
        cells[1] = f'<a class="tab-link" href="insidertrading?oc={line.owner_cik}&amp;tc=7&amp;b=2">{cells[1]}</a>'
        cells[4] = f"<span>{cells[4]}</span>"
        cells[9] = f'<a href="{line.link}" target="_blank" rel="nofollow">{cells[9]}</a>'
        first = f'<td data-boxover-ticker="{line.ticker}" data-boxover-company="{escape(line.company)}">{cells[0]}</td>'
        rows.append('<tr class="fv-insider-row">' + first + "".join(f"<td>{cell}</td>" for cell in cells[1:]) + "</tr>")
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    table = f'<table id="insider-table" class="styled-table-new">{body}</table>'
    return _framed("Latest Insider Trading - Insider Transactions - Form 4", table)


def new_fragment(lines: Sequence[Line]) -> str:
    """The table of a quote page of 2026 alone, as a widget loads it: nothing tells the company."""
    head = "".join(f"<th>{escape(text)}</th>" for text in QUOTE_HEADINGS)
    rows = []
    for line in lines:
        cells = [escape(text) for text in texts(line)[1:]]
        cells[0] = f'<a href="insidertrading?oc={line.owner_cik}">{cells[0]}</a>'
        cells[8] = f'<a href="{line.link}">{cells[8]}</a>'
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n")
    return f'<table class="body-table styled-table-new"><thead><tr>{head}</tr></thead>{"".join(rows)}</table>\n'


def _framed(title: str, body: str) -> str:
    note = "<script>var rows = '<td>';</script><p>Quotes delayed 15 minutes</p>"
    return f"<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n<body>\n{body}\n{note}\n</body>\n</html>\n"


LAYOUTS = (
    Layout("2020_quote", ONE_COMPANY, old_quote),
    Layout("2022_list", LINES, old_list),
    Layout("2023_quote", ONE_COMPANY, styled_quote),
    Layout("2026_list", LINES, new_list),
    Layout("2026_fragment", ONE_COMPANY, new_fragment),
)


def linked_csv(lines: Sequence[Line]) -> list[list[str]]:
    """The table as a scraper of 2023 kept it: numbers as a data frame writes them, ISO days, the filing's link."""
    names = [*HEADINGS]
    names.insert(1, "SEC Form 4 Link")
    table = [names]
    for line in lines:
        cells = texts(line)
        cells[3] = f"{line.traded} 00:00:00"
        for place, value in ((5, line.price), (6, line.shares), (7, line.value), (8, line.after)):
            cells[place] = "" if value is None else str(float(value))
        table.append([cells[0], line.link, *cells[1:]])
    return table


def tutorial_csv(lines: Sequence[Line]) -> list[list[str]]:
    """The table as the first tutorial kept it: other headings, an index, the ticker elsewhere, no link."""
    names = ["", *HEADINGS[:6], "Number of Shares", HEADINGS[7], "Total Shares", "Publish Date", "gm_ticker"]
    table = [names]
    for number, line in enumerate(lines):
        cells = texts(line, year=False)
        for place, value in ((5, line.price), (6, line.shares), (7, line.value), (8, line.after)):
            cells[place] = "" if value is None else str(float(value))
        table.append([str(2 * number), *cells, f"{number + 1}XQ"])
    return table


def csv_text(table: list[list[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(table)
    return text.getvalue()
