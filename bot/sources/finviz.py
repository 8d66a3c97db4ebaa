"""FinViz's insider pages: the list of the latest trades, and the table at the foot of a company's quote page.

Layouts of 2020 to 2026 are read by their headings, whose set and order are part of the contract: a page that moved,
lost or gained a column is refused as a whole. Asked only when it is named in the settings, once per page and cycle.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import pandas as pd
from lxml.etree import _Element

from bot.errors import ConfigError, SourceError
from bot.plugins import Kit
from bot.sources import pages
from bot.sources.cells import clean
from bot.sources.finviz_rows import HEADINGS, PAGE
from bot.sources.rows import Row, refusal, shown, to_trades

QUOTE_HEADINGS: Final = ("Insider Trading", *HEADINGS[2:])
LAYOUTS: Final = (HEADINGS, QUOTE_HEADINGS)

_TITLE: Final = re.compile(r"(?P<symbol>[A-Z][A-Z0-9.-]{0,8}) (?:- )?(?P<issuer>\S.*?) Stock (?:Price and )?Quote\b.*")
_LINKS: Final = {
    "Ticker": re.compile(r"(?:.*/)?(?:quote|stock)(?:\.ashx)?\?(?:[^#]*&)?t=([^&#]*).*"),
    "Owner": re.compile(r"(?:.*/)?insidertrading(?:\.ashx)?\?(?:[^#]*&)?oc=0*(\d{1,10})(?:[&#].*)?", re.ASCII),
    "SEC Form 4": re.compile(r"(.+)"),
}


def source(kit: Kit) -> pages.Site:
    """The pages of FinViz that the settings name."""
    if not kit.settings.finviz_views:
        raise ConfigError("BOT_FINVIZ_VIEWS names no page; write for example insidertrading?tc=7")
    addresses = [f"{kit.settings.finviz_url}/{view.lstrip('/')}" for view in kit.settings.finviz_views]
    return pages.Site(name="finviz", title="FinViz", http=kit.http, pages=addresses, parse=parse)


def parse(page: str, now: datetime) -> pd.DataFrame:
    """The trades table of one page; SourceError, and no row at all, unless the whole page is as it was recorded.

    `now` settles the year of lines that neither carry one nor link to a filing.
    """
    return trades(pages.read(page), now)


def trades(root: _Element, now: datetime) -> pd.DataFrame:
    """The same of a page that has been read."""
    table, headings = pages.find_table(root, LAYOUTS)
    pages.check_headings(headings, LAYOUTS)
    symbol, issuer = _subject(root) if headings == QUOTE_HEADINGS else (None, None)
    lines = pages.lines(table, HEADINGS[1:] if headings == QUOTE_HEADINGS else HEADINGS)
    return to_trades([_row(number, line, symbol, issuer) for number, line in enumerate(lines, start=1)], PAGE, now)


def _subject(root: _Element) -> tuple[str | None, str | None]:
    """Symbol and company of a quote page, as its ticker link and its title tell them."""
    link = next((link for link in root.iter("a") if link.get("id") == "ticker"), None)
    title = _TITLE.match(pages.title(root))
    named = title["symbol"] if title else None
    linked = named if link is None else pages.text(link)
    if named and linked != named:
        raise SourceError(f"expected a page about one company, found {shown(named)} and {shown(linked or '')}")
    return linked, title["issuer"] if title else None


def _row(number: int, line: Mapping[str, _Element], symbol: str | None, issuer: str | None) -> Row:
    """One line of the table; symbol and issuer are what the page says about all of them."""
    cells = {column: pages.text(tag) for column, tag in line.items()}
    links = pages.links(number, line, _LINKS)
    first = next(iter(line.values()))
    for ticker in (links.get("Ticker"), first.get("data-boxover-ticker")):
        if ticker is not None and ticker != cells.get("Ticker"):
            raise refusal(number, "Ticker", "the same ticker in text, link and attribute", ticker)
    company = first.get("data-boxover-company")
    return Row(
        number=number,
        cells={"Ticker": symbol, **cells} if symbol else cells,
        filing=links.get("SEC Form 4", ""),
        owner_cik=links.get("Owner"),
        issuer=clean(company) if company else issuer,
    )
