"""OpenInsider's pages: its lists and screener, and the page of one company.

They are read by their headings, whose set and order are part of the contract: a page that moved, lost or gained a
column is refused as a whole. So is one that groups rows by company: it names nobody. Asked only when it is named in
the settings, once per page and cycle.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import unquote

import pandas as pd
from lxml.etree import _Element

from bot.errors import ConfigError, SourceError
from bot.plugins import Kit
from bot.sources import pages
from bot.sources.openinsider_rows import COMPANY, LIST, PAGE
from bot.sources.rows import Row, refusal, to_trades

LAYOUTS: Final = (LIST, COMPANY)
GROUPED_BY: Final = ("Industry", "Ins")

_HERE: Final = r"(?:https?://[^/]+)?/+"
_LINKS: Final = {
    "Filing Date": re.compile(r"(.+)"),
    "Ticker": re.compile(rf"{_HERE}(?:screener\?s=)?([^/?&#]*)"),
    "Company Name": re.compile(rf"{_HERE}(?:screener\?s=)?([^/?&#]*)"),
    "Insider Name": re.compile(rf"{_HERE}insider/((?:.+/)?\d{{1,10}})", re.ASCII),
}
_WORD: Final = re.compile(r"[a-z]{2,}")


def source(kit: Kit) -> pages.Site:
    """The pages of OpenInsider that the settings name."""
    if not kit.settings.openinsider_views:
        raise ConfigError("BOT_OPENINSIDER_VIEWS names no page; write for example latest-insider-trading")
    addresses = [f"{kit.settings.openinsider_url}/{view.lstrip('/')}" for view in kit.settings.openinsider_views]
    return pages.Site(name="openinsider", title="OpenInsider", http=kit.http, pages=addresses, parse=parse)


def parse(page: str, now: datetime) -> pd.DataFrame:
    """The trades table of one page; SourceError, and no row at all, unless the whole page is as it was recorded."""
    return trades(pages.read(page), now)


def trades(root: _Element, now: datetime) -> pd.DataFrame:
    """The same of a page that has been read."""
    table, headings = pages.find_table(root, LAYOUTS)
    if "Insider Name" not in headings and set(GROUPED_BY) & set(headings):
        raise SourceError(
            f"expected one row per person, found rows grouped by company ({' and '.join(GROUPED_BY)}), which name"
            " nobody: read another page, such as latest-insider-trading"
        )
    pages.check_headings(headings, LAYOUTS)
    lines = pages.lines(table, headings)
    return to_trades([_row(number, line) for number, line in enumerate(lines, start=1)], PAGE, now)


def _row(number: int, line: Mapping[str, _Element]) -> Row:
    links = {
        column: told if column == "Filing Date" else unquote(told)
        for column, told in pages.links(number, line, _LINKS).items()
    }
    cells = {column: pages.text(tag) for column, tag in line.items()}
    if (link := line["Ticker"].find(".//a")) is not None:
        cells["Ticker"] = pages.text(link)  # a script for a tooltip may stand around it
    for column in ("Ticker", "Company Name"):
        if links.get(column, cells["Ticker"]) != cells["Ticker"]:
            raise refusal(number, column, "the same ticker in text and link", links[column])
    name, _, cik = links.get("Insider Name", "").rpartition("/")
    if name and not _is_called(cells["Insider Name"], name):
        raise refusal(number, "Insider Name", "the same name in text and link", cells["Insider Name"])
    return Row(number=number, cells=cells, filing=links.get("Filing Date", ""), owner_cik=cik.lstrip("0") or None)


def _is_called(name: str, link: str) -> bool:
    """Whether a link is about this name: most of its words are there, however the site spells the rest."""
    words, linked = set(_WORD.findall(name.lower())), set(_WORD.findall(link.lower()))
    return not words or not linked or 2 * len(words & linked) >= len(words)
