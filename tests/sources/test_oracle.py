"""BeautifulSoup reads the same pages, and finds the same cells: an oracle that shares no line with the parser."""

import re
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup

from bot.model import InsiderTrade
from bot.sources import finviz, openinsider
from bot.sources.finviz_rows import HEADINGS, KINDS
from bot.trades import to_records

from . import openinsider_pages
from .pages import LATER, LAYOUTS, Layout

WORDS = {(form, code): word for word, (form, code, _, _) in KINDS.items()}


def read_by_soup(page: str, named: str = "#Shares Total") -> list[list[str]]:
    """The texts of the insider table's rows, found by a heading that no other table has."""
    soup = BeautifulSoup(page, "lxml")
    [heading] = soup.find_all(lambda tag: tag.name in {"td", "th"} and tag.get_text(strip=True) == named)
    rows = heading.find_parent("table").find_all("tr")[1:]
    return [[cell.get_text(" ", strip=True) for cell in row.find_all("td", recursive=False)] for row in rows]


def cells(trade: InsiderTrade) -> list[str | Decimal | None]:
    """What the row's cells say that need no interpretation."""
    word = WORDS[trade.form or "", trade.code]
    return [trade.owner, trade.title or "", word, trade.price, trade.shares, trade.value, trade.shares_after]


def told(row: list[str]) -> list[str | Decimal | None]:
    owner, title, _, word, *numbers, _ = row[-9:]
    return [owner, title, word, *(Decimal(text.replace(",", "")) if text else None for text in numbers)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_both_find_the_same_cells(layout: Layout) -> None:
    page = layout.page()
    assert [cells(trade) for trade in to_records(finviz.parse(page, LATER))] == [
        told(row) for row in read_by_soup(page)
    ]


@pytest.mark.corpus
def test_both_find_the_same_cells_on_real_pages(corpus: Path) -> None:
    pages = [path for path in sorted(corpus.glob("finviz/*/*.html")) if "#Shares Total" in path.read_text("utf-8")]
    assert len(pages) >= 6
    for path in pages:
        page = path.read_text("utf-8")
        assert [cells(t) for t in to_records(finviz.parse(page, LATER))] == [told(row) for row in read_by_soup(page)]
        assert len(HEADINGS) - 1 <= len(read_by_soup(page)[0]) <= len(HEADINGS)


# OpenInsider


def openinsider_cells(trade: InsiderTrade) -> list[object]:
    """What the row's cells say, but for letters, labels and what is never read; directions as signs."""
    known_at = trade.known_at.astimezone(ZoneInfo("America/New_York")) if trade.known_at else None
    sign = -1 if trade.acquired == "D" or trade.side == "sell" else 1
    return [
        f"{known_at:%Y-%m-%d %H:%M:%S}", str(trade.traded_on), trade.symbol, trade.issuer, trade.owner, trade.title,
        trade.code, trade.price, sign * (trade.shares or 0), trade.shares_after, sign * (trade.value or 0),
    ]  # fmt: skip


def openinsider_told(row: list[str]) -> list[object]:
    _, filed, traded, ticker, company, owner, title, label, *numbers = row[:13]
    price, quantity, owned, _, value = (re.sub("[$,]", "", text) for text in numbers)
    return [
        filed, traded, ticker.replace(".", "-"), company, owner, title, label[:1],
        *map(Decimal, (price, quantity, owned, value)),
    ]  # fmt: skip


@pytest.mark.parametrize("layout", openinsider_pages.LAYOUTS[:2], ids=lambda layout: layout.name)
def test_both_find_the_same_cells_at_openinsider(layout: openinsider_pages.Layout) -> None:
    page = layout.page()
    assert [openinsider_cells(trade) for trade in to_records(openinsider.parse(page, LATER))] == [
        openinsider_told(row) for row in read_by_soup(page, "Owned")
    ]


@pytest.mark.corpus
def test_both_find_the_same_cells_on_a_real_openinsider_page(corpus: Path) -> None:
    pages = sorted(corpus.glob("openinsider/html/*.html"))
    assert pages
    for path in pages:
        page = path.read_text("utf-8")
        trades, rows = to_records(openinsider.parse(page, LATER)), read_by_soup(page, "Owned")
        assert [openinsider_cells(trade) for trade in trades] == [openinsider_told(row) for row in rows]
        links = re.findall(r'href="http://www.sec.gov(/Archives/[^"]+/)xsl[^/]+/([^"]+)"', page)
        assert [trade.url for trade in trades] == [f"https://www.sec.gov{folder}{file}" for folder, file in links]
        numbers = re.findall(r"/(\d{10})(\d\d)(\d{6})/", page)
        assert [trade.accession for trade in trades] == ["-".join(parts) for parts in numbers]
        assert [trade.owner_cik for trade in trades] == re.findall(r"/insider/[^/]+/(\d+)", page)
