"""OpenInsider's pages and files of invented companies, in every layout that has been seen."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from html import escape

from bot.sources.openinsider_rows import COMPANY, LIST

BUY, SALE = "P - Purchase", "S - Sale"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row; quantity and value have their signs, `filed` is New York wall time without a zone."""

    flags: str = ""
    filed: datetime = datetime(2026, 3, 2, 17, 3, 41)  # noqa: DTZ001
    accession: str = "0001999501-26-000003"
    traded: date = date(2026, 2, 27)
    ticker: str = "NWRB"
    company: str = "Northwind Robotics Inc"
    owner: str = "Okafor Adaeze M"
    owner_cik: int = 1999501
    title: str = "CFO"
    label: str = BUY
    price: Decimal = Decimal("40.81")
    quantity: int = 3000
    owned: int = 18_500
    change: str = "+19%"
    value: int = 122_438
    later: tuple[str, str, str, str] = ("", "", "", "")

    @property
    def link(self) -> str:
        folder = self.accession.replace("-", "")
        return f"http://www.sec.gov/Archives/edgar/data/{self.owner_cik}/{folder}/xslF345X05/form_{self.owner_cik}.xml"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


ROWS = (
    Row(),
    Row(
        flags="M", owner="D'Arc-Nunez Jose", owner_cik=1999889, title="EVP, GC", quantity=4000, price=Decimal("40.87"),
        owned=24_500, change="+20%", value=163_488, filed=at("2026-03-02T16:05:08"), accession="0001999889-26-000001",
        later=("+1", "-3", "", ""),
    ),
    Row(  # a fund, and a price above a thousand dollars
        owner="Harbour Lane Partners, L.P.", owner_cik=1999777, title="10%", label=SALE, price=Decimal("2168.11"),
        quantity=-310_001, owned=2_000_000, change="-13%", value=-672_116_268, traded=date(2026, 2, 25),
        filed=at("2026-02-27T21:58:42"), ticker="ACWX", company="Acme Widgets & Sons Corp",
        accession="0001999777-26-000012", later=("0", "+2", "-11", ""),
    ),
    Row(
        flags="D", owner="Vale Hollis", owner_cik=1999901, title="Pres, CEO", label="M - OptEx", price=Decimal("12.10"),
        quantity=5000, owned=9000, change="New", value=60_500, filed=at("2026-02-24T06:00:07"),
        traded=date(2026, 2, 20), ticker="ACWX", company="Acme Widgets & Sons Corp", accession="0001999901-26-000077",
    ),
    Row(
        flags="D", owner="Vale Hollis", owner_cik=1999901, title="Pres, CEO", label="S - Sale+OE",
        price=Decimal("14.00"), quantity=-5000, owned=9000, change="-36%", value=-70_000,
        filed=at("2026-02-24T06:00:07"), traded=date(2026, 2, 20), ticker="ACWX", company="Acme Widgets & Sons Corp",
        accession="0001999901-26-000077", later=("+5", "+12", "+20", "-45"),
    ),
    Row(
        flags="A", owner="Ode Quill", owner_cik=1999902, title="See Remarks", price=Decimal("3.05"), quantity=2000,
        owned=23_042, change="+10%", value=6100, traded=date(2024, 2, 29), filed=at("2024-02-29T12:30:00"),
        ticker="PLM.B", company="Plumage Inc", accession="0001999902-24-000009", later=(">999", "0", "0", "0"),
    ),
    Row(
        flags="EM", owner="Larkin Bo", owner_cik=1999903, title="COB, CEO, 10%", price=Decimal("9.40"),
        quantity=12_000, owned=12_000, change="-772%", value=112_800, traded=date(2023, 3, 10),
        filed=at("2023-03-12T13:00:59"), ticker="FERN", company="Fern & Bracken Ltd", accession="0001999903-23-000012",
    ),
    Row(
        owner="Larkin Bo", owner_cik=1999903, title="COB, CEO, 10%", label=SALE, price=Decimal("321.53"),
        quantity=-6517, owned=0, change="-100%", value=-2_095_411, traded=date(2023, 8, 10),
        filed=at("2023-08-14T21:35:10"), ticker="FERN", company="Fern & Bracken Ltd", accession="0001999903-23-000031",
    ),
    Row(
        owner="Stone Miriam", owner_cik=1999888, title="Dir", label="F - Tax", price=Decimal("12.05"), quantity=-30,
        owned=725, change="-4%", value=-362, traded=date(2025, 12, 30), filed=at("2026-01-02T06:00:01"), ticker="FERN",
        company="Fern & Bracken Ltd", accession="0001999888-26-000001",
    ),
    Row(
        flags="DM", owner="Stone Miriam", owner_cik=1999888, title="Dir", price=Decimal("0.91"), quantity=750_000,
        owned=1_200_000, change=">999%", value=682_500, traded=date(2025, 12, 29), filed=at("2026-01-02T06:00:01"),
        ticker="FERN", company="Fern & Bracken Ltd", accession="0001999888-26-000002",
    ),
)  # fmt: skip

ONE_COMPANY = tuple(replace(row, ticker="FERN", company="Fern & Bracken Ltd") for row in ROWS)


def texts(row: Row) -> dict[str, str]:
    """The cells by heading, as the site writes them."""
    sign = "-" if row.quantity < 0 else "+"
    cells = (
        row.flags, f"{row.filed:%Y-%m-%d %H:%M:%S}", str(row.traded), row.ticker, row.company, row.owner, row.title,
        row.label, f"${row.price:,.2f}", f"{row.quantity:+,}", f"{row.owned:,}", row.change,
        f"{sign}${abs(row.value):,}", *row.later,
    )  # fmt: skip
    return dict(zip(LIST, cells, strict=True))


def _cells(row: Row, headings: Sequence[str]) -> list[str]:
    """The same as HTML: links, and a script for the ticker's tooltip in an attribute."""
    shown = {heading: escape(text) for heading, text in texts(row).items()}
    tip = f"Tip('<img src=\\'https://charts.example/c?t={row.ticker}&v=1\\' alt=\\'\\' width=\\'360px\\'>', DELAY, 1)"
    shown["Filing Date"] = (
        f'<div><a href="{row.link}" title="SEC Form 4" target="_blank">{shown["Filing Date"]}</a></div>'
    )
    shown["Trade Date"] = f"<div>{shown['Trade Date']}</div>"
    shown["Ticker"] = f'<b> <a href="/{row.ticker}" onmouseover="{tip}" onmouseout="UnTip()">{row.ticker}</a></b>'
    shown["Company Name"] = f'<a href="/{row.ticker}">{shown["Company Name"]}</a>'
    slug = escape(row.owner.replace(" ", "-"))
    address = (
        f'href="/insider/{slug}/{row.owner_cik}" title="{row.owned:,} direct shares\n12 Elm Street\nSmalltown, OH"'
    )
    shown["Insider Name"] = f"<a {address}>{shown['Insider Name']}</a>"
    return [shown[heading] for heading in headings]


@dataclass(frozen=True)
class Layout:
    """How a page looks around the columns."""

    name: str
    rows: Sequence[Row]
    render: Callable[[Sequence[Row]], str]

    def page(self) -> str:
        return self.render(self.rows)


def fragment(rows: Sequence[Row]) -> str:
    """The table alone, as it was recorded in 2026: headings in `h3`, no head and no body, few attributes quoted."""
    head = "".join(f'<th width="31"><h3>{name.replace(" ", "&nbsp;")}</h3></th>\n\t' for name in LIST)
    head = head.replace("Type<", "Type&nbsp;&nbsp;<").replace("Δ", "&Delta;")
    body = "\n".join(_line(_cells(row, LIST)) for row in rows)
    return f'<table width="100%" cellpadding="0" class="tinytable"><tr>\n\t{head}</tr>\n{body}</table>'


def screener(rows: Sequence[Row]) -> str:
    """A whole page: the form's own table before it, a head and a body."""
    return _page("OpenInsider", LIST, rows)


def company(rows: Sequence[Row]) -> str:
    """One company's page: its name has no column."""
    return _page(f"{rows[0].ticker} - SEC Form 4 Insider Trading Screener", COMPANY, rows)


def _page(name: str, headings: Sequence[str], rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{text.replace(' ', '&nbsp;')}</th>" for text in headings)
    body = "\n".join(_line(_cells(row, headings)) for row in rows)
    form = "<form><table><tr><td>Ticker</td><td>Title</td></tr></table></form><script>Tip('<td>');</script>"
    table = f'<table class="tinytable"><thead><tr>{head}</tr></thead>\n<tbody>{body}\n</tbody></table>'
    return f"<!DOCTYPE html>\n<html><head><title>{name}</title></head>\n<body>{form}\n{table}\n</body></html>\n"


def _line(cells: Sequence[str]) -> str:
    return '<tr style="background:#ffffff">' + "".join(f"<td align=right>{cell}</td>" for cell in cells) + "</tr>"


LAYOUTS = (
    Layout("openinsider_fragment", ROWS, fragment),
    Layout("openinsider_screener", ROWS, screener),
    Layout("openinsider_company", ONE_COMPANY, company),
)


def json_lines(rows: Sequence[Row]) -> str:
    """The rows as a scraper kept them: the site's texts under its headings, with their non-breaking spaces."""
    named = ({name.replace(" ", "\u00a0"): text for name, text in texts(row).items()} for row in rows)
    return "".join(json.dumps(row) + "\n" for row in named)


def market_csv(rows: Sequence[Row]) -> list[list[str]]:
    """The rows as a study kept them: headings with underscores, plain numbers, days without time, later prices."""
    table = [["idx", *(name.replace(" ", "_") for name in LIST[1:9]), *LIST[9:13], "2w", "1yr%", "active"]]
    for number, row in enumerate(rows):
        cells = texts(row)
        later = f"{float(row.price) * (1.04 + number % 3 / 50):.6f}"  # what it cost another day
        table.append(
            [
                str(number), *(cells[name] for name in LIST[1:8]), later, str(float(row.quantity)),
                str(float(row.owned)), row.change.strip("+%>"), str(float(row.value)), later, "", "True",
            ]
        )  # fmt: skip
        table[-1][1] = cells["Filing Date"][:10]
    return table
