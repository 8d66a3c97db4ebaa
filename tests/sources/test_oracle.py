"""BeautifulSoup reads the same pages, and finds the same cells: an oracle that shares no line with the parser."""

from decimal import Decimal
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from bot.model import InsiderTrade
from bot.sources import finviz
from bot.sources.rows import HEADINGS, KINDS
from bot.trades import to_records

from .pages import LATER, LAYOUTS, Layout

WORDS = {(form, code): word for word, (form, code, _, _) in KINDS.items()}


def read_by_soup(page: str) -> list[list[str]]:
    """The texts of the insider table's rows, found by a heading that no other table has."""
    soup = BeautifulSoup(page, "lxml")
    [heading] = soup.find_all(lambda tag: tag.name in {"td", "th"} and tag.get_text(strip=True) == "#Shares Total")
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
