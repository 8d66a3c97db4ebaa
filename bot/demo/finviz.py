"""A local stand-in of FinViz: the insider list and the quote pages, in the layouts of 2020, 2023 and 2026.

The markup follows recorded pages: class names, links and attributes, cells cut at 30 characters, days with or without
a year. The first part of the path chooses the layout (`/2020/insidertrading`); without one it is the latest.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import Final
from urllib.parse import urlencode

from bot.demo.companies import Share
from bot.demo.market import Line
from bot.demo.pages import PageServer, not_found
from bot.demo.serving import Reply
from bot.model import NEW_YORK

HEADINGS: Final = (
    "Ticker", "Owner", "Relationship", "Date", "Transaction", "Cost", "#Shares", "Value ($)", "#Shares Total",
    "SEC Form 4",
)  # fmt: skip
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONGEST: Final = 30
SHOWN: Final[Mapping[str, tuple[str, ...]]] = {"1": ("Buy",), "2": ("Sale", "Proposed Sale")}
PATH: Final = re.compile(r"(?:/(2020|2023|2026))?/(insidertrading|insidertrading\.ashx|quote\.ashx|stock)")


class FinVizServer(PageServer):
    """FinViz with these lines inside a `with` block."""

    def __init__(self, lines: Sequence[Line] = ()) -> None:
        super().__init__(_answer, lines, swapped=("Cost", "#Shares"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How an era writes the same ten columns."""

    table: str
    cell: str
    has_year: bool
    has_company: bool
    title: str
    rows: Mapping[str, str]
    kind: Callable[[str], str]


_OLD_ROWS: Final = {
    "Buy": "insider-buy-row-2 cursor-pointer",
    "Sale": "insider-sale-row-2 cursor-pointer",
    "Option Exercise": "insider-option-row cursor-pointer",
    "Proposed Sale": "insider-sale-row-1 cursor-pointer",
}
_ROWS: Final = {
    "Buy": "is-buy-2",
    "Sale": "is-sale-2",
    "Option Exercise": "is-option",
    "Proposed Sale": "is-proposedSale-1",
}

LAYOUTS: Final[Mapping[str, Layout]] = {
    "2020": Layout(
        table='<table width="100%" class="body-table" bgcolor="#d3d3d3">\n<tr>{}</tr>\n{}\n</table>',
        cell='<td class="table-top-w" align="left">{}</td>',
        has_year=False,
        has_company=False,
        title="{} {} Stock Quote",
        rows=_OLD_ROWS,
        kind=lambda text: text,
    ),
    "2023": Layout(
        table='<table class="body-table insider-trading-table" width="100%">\n<tr>{}</tr>\n{}\n</table>',
        cell='<td align="left" class="table-top is-white">{}</td>',
        has_year=False,
        has_company=False,
        title="{} - {} Stock Price and Quote",
        rows={kind: f"insider-row {name}" for kind, name in _ROWS.items()},
        kind="<span>{}</span>".format,
    ),
    "2026": Layout(
        table='<table id="insider-table" class="styled-table-new is-rounded body-table">\n'
        "<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody></table>",
        cell="<th>{}</th>",
        has_year=True,
        has_company=True,
        title="{} - {} Stock Price and Quote",
        rows={kind: f"fv-insider-row {name} cursor-pointer" for kind, name in _ROWS.items()},
        kind="<span>{}</span>".format,
    ),
}  # fmt: skip


def _answer(path: str, query: Mapping[str, str], lines: Sequence[Line]) -> str | Reply:
    route = PATH.fullmatch(path)
    if route is None:
        return not_found("Not found")
    if route[2] == "insidertrading.ashx":
        return 301, {"Location": f"{path.replace('.ashx', '', 1)}?{urlencode(query)}"}, b""
    layout = LAYOUTS[route[1] or "2026"]
    if route[2] == "insidertrading":
        return list_page(lines, layout, query.get("tc", "7"))
    shares = [share for line in lines for share in line.listed if share.ticker == query.get("t")]
    return quote_page(lines, layout, shares[0]) if shares else not_found("Stock not found")


def list_page(lines: Sequence[Line], layout: Layout, shown: str = "7") -> str:
    """The latest lines of all companies: 1 only buys, 2 only sales, 7 everything."""
    rows = [
        _row(line, layout, [_ticker_cell(share, layout), _owner_cell(line)])
        for line in lines
        if line.transaction in SHOWN.get(shown, (line.transaction,))
        for share in line.listed or (None,)
    ]
    choices = {"7": "All Transactions", "1": "Buy Transactions", "2": "Sale Transactions"}
    options = (
        f'<option value="insidertrading?tc={value}"{" selected" * (value == shown)}>{text}</option>'
        for value, text in choices.items()
    )
    chosen = f'<select id="transactionFilter">{"".join(options)}</select>'
    return _page("Insider Trading - a stand-in with fictional people", chosen + _table(HEADINGS, rows, layout))


def quote_page(lines: Sequence[Line], layout: Layout, share: Share) -> str:
    """One company's page: its insider table has no ticker, and the person's column is headed Insider Trading."""
    ticker, company = escape(share.ticker), escape(share.company)
    rows = [_row(line, layout, [_owner_cell(line)]) for line in lines if share in line.listed]
    link = f'<a class="tab-link" href="quote.ashx?t={ticker}&amp;ty=c&amp;ta=1&amp;p=d" id="ticker">{ticker}</a>'
    head = f'<table class="fullview-title"><tr><td align="center">{link} | <b>{company}</b></td></tr></table>'
    title = layout.title.format(ticker, company)
    return _page(title, head + _table(("Insider Trading", *HEADINGS[2:]), rows, layout))


def _page(title: str, body: str) -> str:
    menu = '<table class="header"><tr><td><a href="insidertrading?tc=7">Insider</a></td></tr></table>'
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body>{menu}\n{body}\n</body></html>\n"
    )


def _table(headings: Sequence[str], rows: Sequence[str], layout: Layout) -> str:
    head = "".join(layout.cell.format(heading) for heading in headings)
    return layout.table.format(head, "\n".join(rows))


def _row(line: Line, layout: Layout, first: list[str]) -> str:
    day = _day(line.traded_on) + (f" '{line.traded_on:%y}" if layout.has_year else "")
    numbers = (f"{line.price:,.2f}", f"{line.shares:,}", f"{line.value:,.0f}", _number(line.shares_after))
    cells = [
        *first,
        _cell(escape(line.title[:LONGEST])),
        _cell(day),
        _cell(layout.kind(line.transaction)),
        *(f'<td class="text-right">{number}</td>' for number in numbers),
        _cell(f'<a class="tab-link" href="{escape(line.url)}">{_time(line.filed_at)}</a>'),
    ]
    return f'<tr class="{layout.rows[line.transaction]}">{"".join(cells)}</tr>'


def _ticker_cell(share: Share | None, layout: Layout) -> str:
    if share is None:
        return _cell("")
    ticker = escape(share.ticker)
    box = f' data-boxover-ticker="{ticker}" data-boxover-company="{escape(share.company)}"' * layout.has_company
    return f'<td{box}><a class="tab-link" href="quote.ashx?t={ticker}">{ticker}</a></td>'


def _owner_cell(line: Line) -> str:
    address = f"insidertrading?oc={line.owner_cik}&amp;tc=7"
    return _cell(f'<a class="tab-link" href="{address}">{escape(line.owner[:LONGEST])}</a>')


def _cell(content: str) -> str:
    return f"<td>{content}</td>"


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _day(day: date) -> str:
    """English whatever the machine's language is."""
    return f"{MONTHS[day.month - 1]} {day:%d}"


def _time(at: datetime) -> str:
    local = at.astimezone(NEW_YORK)
    return f"{_day(local.date())} {local.hour % 12 or 12:02}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"
