"""A local stand-in of OpenInsider: its lists, a page per company, and the page that groups purchases by company.

The markup follows recorded pages: headings with non-breaking spaces, a tooltip in the ticker's link, signs before
quantities and values. The site shows a filing under one ticker, its trades of one kind as one row with the average
price, and no notices of proposed sales.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from html import escape
from itertools import groupby
from typing import Final

from bot.demo.market import Line
from bot.demo.pages import PageServer, not_found
from bot.demo.serving import Reply
from bot.model import NEW_YORK

HEADINGS: Final = (
    "X", "Filing Date", "Trade Date", "Ticker", "Company Name", "Insider Name", "Title", "Trade Type", "Price", "Qty",
    "Owned", "ΔOwn", "Value", "1d", "1w", "1m", "6m",
)  # fmt: skip
GROUPED: Final = (*HEADINGS[:5], "Industry", "Ins", *HEADINGS[7:])
LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "latest-insider-trading": ("Buy", "Sale"),
    "insider-purchases": ("Buy",),
    "insider-sales": ("Sale",),
    "screener": ("Buy", "Sale", "Option Exercise"),
}
CLUSTERS: Final = "latest-cluster-buys"
LABELS: Final = {"Buy": "P - Purchase", "Sale": "S - Sale", "Option Exercise": "M - OptEx"}
COLOURS: Final = {"Buy": "#ecffec", "Sale": "#fff2f2", "Option Exercise": "#ffffff"}
TITLES: Final = (
    ("Chief Executive Officer", "CEO"), ("Chief Financial Officer", "CFO"), ("Chief Operating Officer", "COO"),
    ("Chief Technology Officer", "CTO"), ("General Counsel", "GC"), ("President", "Pres"), ("Director", "Dir"),
    ("10% Owner", "10%"), (" & ", ", "),
)  # fmt: skip


class OpenInsiderServer(PageServer):
    """OpenInsider with these lines inside a `with` block."""

    def __init__(self, lines: Sequence[Line] = ()) -> None:
        super().__init__(_answer, lines, swapped=("Price", "Qty"))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the site: the sum of a filing's lines of one kind, and its flags."""

    line: Line
    flags: str
    label: str


def rows(lines: Sequence[Line]) -> list[Row]:
    """The lines as the site sums them up, in their order."""
    shown = [line for line in lines if line.transaction in LABELS]
    exercised = {line.accession for line in shown if line.transaction == "Option Exercise"}
    found = []
    for (accession, kind), group in groupby(shown, key=lambda line: (line.accession, line.transaction)):
        several = list(group)
        flags = "D" * (accession in exercised) + "M" * (len(several) > 1)
        found.append(Row(_sum(several), flags, LABELS[kind] + "+OE" * (kind == "Sale" and accession in exercised)))
    return found


def list_page(lines: Sequence[Line], kinds: Sequence[str] = LISTS["latest-insider-trading"]) -> str:
    """The latest rows of these kinds, of all companies."""
    return _page("Latest Insider Trading", HEADINGS, [row for row in rows(lines) if row.line.transaction in kinds])


def company_page(lines: Sequence[Line], ticker: str) -> str:
    """All rows of one company, whose name has no column."""
    headings = [heading for heading in HEADINGS if heading != "Company Name"]
    return _page(ticker, headings, [row for row in rows(lines) if _ticker(row.line) == ticker])


def cluster_page(lines: Sequence[Line]) -> str:
    """Purchases grouped by company, which name nobody."""
    return _page("Latest Cluster Buys", GROUPED, [row for row in rows(lines) if row.line.transaction == "Buy"])


def _answer(path: str, _: Mapping[str, str], lines: Sequence[Line]) -> str | Reply:
    name = path.removeprefix("/")
    if name in LISTS:
        return list_page(lines, LISTS[name])
    if name == CLUSTERS:
        return cluster_page(lines)
    return company_page(lines, name) if name in map(_ticker, lines) else not_found("Not found")


def _sum(lines: Sequence[Line]) -> Line:
    """One line for several: the earliest day, the average price, the balance after the last."""
    if len(lines) == 1:
        return lines[0]
    shares, value = sum(line.shares for line in lines), sum((line.value for line in lines), Decimal(0))
    price = (value / shares).quantize(Decimal("0.01"))
    earliest = min(line.traded_on for line in lines)
    return replace(lines[-1], traded_on=earliest, shares=shares, value=value, price=price)


def _ticker(line: Line) -> str:
    return line.listed[0].ticker if line.listed else ""


def _cells(row: Row) -> dict[str, str]:
    """The cells as HTML, by heading; what became of the price is not known yet."""
    line, sign = row.line, "-" if row.line.transaction == "Sale" else "+"
    ticker, company = escape(_ticker(line)), escape(line.listed[0].company if line.listed else "")
    tip = f"Tip('<img src=\\'chart?chart={ticker}\\' width=\\'360px\\'>', DELAY, 1)"
    person = re.sub("[^A-Za-z.,'-]+", "-", line.owner)
    held = f'title="{line.shares_after:,} direct shares\n1 Elm Street"'
    return {
        "X": row.flags,
        "Filing Date": f'<div><a href="{escape(line.url)}">{_time(line)}</a></div>',
        "Trade Date": f"<div>{line.traded_on}</div>",
        "Ticker": f'<b> <a href="/{ticker}" onmouseover="{tip}" onmouseout="UnTip()">{ticker}</a></b>',
        "Company Name": f'<a href="/{ticker}">{company}</a>',
        "Insider Name": f'<a href="/insider/{escape(person)}/{line.owner_cik}" {held}>{escape(line.owner)}</a>',
        "Industry": "Manufacturing",
        "Ins": "1",
        "Title": escape(_title(line.title)),
        "Trade Type": row.label,
        "Price": f"${line.price:,.2f}",
        "Qty": f"{sign}{line.shares:,}",
        "Owned": f"{line.shares_after:,}",
        "ΔOwn": _change(line, sign),
        "Value": f"{sign}${line.value:,.0f}",
    }


def _time(line: Line) -> str:
    return f"{line.filed_at.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S}"


def _title(title: str) -> str:
    for long, short in TITLES:
        title = title.replace(long, short)
    return title


def _change(line: Line, sign: str) -> str:
    """By how much the holdings changed, in percent of what they were before."""
    after = line.shares_after or 0
    before = after - line.shares if sign == "+" else after + line.shares
    if before <= 0:
        return "New"
    percent = round(100 * line.shares / before)
    return ">999%" if percent > 999 else f"{sign * (percent != 0)}{percent}%"


def _page(title: str, headings: Sequence[str], shown: Sequence[Row]) -> str:
    head = "".join(f"<th><h3>{heading.replace(' ', '&nbsp;')}</h3></th>" for heading in headings)
    body = "\n".join(_line(row, headings) for row in shown)
    menu = '<table><tr><td><a href="/latest-insider-trading">Latest</a></td></tr></table>'
    table = f'<table width="100%" class="tinytable"><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>'
    return (
        f"<!DOCTYPE html>\n<html><head><title>{title} - a stand-in with fictional people</title></head>\n"
        f"<body>{menu}\n{table}\n</body></html>\n"
    )


def _line(row: Row, headings: Sequence[str]) -> str:
    cells = _cells(row)
    tags = "".join(f"<td align=right>{cells.get(heading, '')}</td>" for heading in headings)
    return f'<tr style="background:{COLOURS[row.line.transaction]}">{tags}</tr>'
