"""A changed page is refused as a whole, or read exactly as before: nothing in between."""

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pytest

from bot.errors import SourceError
from bot.sources import files, finviz, openinsider
from bot.sources.finviz_rows import HEADINGS
from bot.sources.openinsider_rows import REQUIRED

from . import openinsider_mutations, openinsider_pages
from .mutations import Grid, of_csv, of_page
from .pages import LATER, LAYOUTS, LINES, Layout, csv_text, linked_csv, tutorial_csv

CORPUS_PAGES = (
    "quote_html_2020_2021/quote_AAPL_20201124.html",
    "quote_html_2020_2021/quote_AMZN_20201125.html",
    "quote_html_2020_2021/quote_FB_20201124.html",
    "quote_html_2020_2021/quote_GOOG_20201124.html",
    "quote_html_2023/quote_META_2023-05-29.html",
    "html_2026_fixture/finvizp_insider_global.html",
    "html_2026_fixture/finvizp_quote_insider_fragment.html",
)


def _misread(mutants: Iterable[tuple[str, bytes]], name: str, original: pd.DataFrame) -> tuple[list[str], int, int]:
    """The mutants that were read as something else, and how many were refused and how many read alike."""
    wrong, refused, alike = [], 0, 0
    for change, content in mutants:
        try:
            table = files.parse(name, content, LATER)
        except SourceError:
            refused += 1
            continue
        if table.equals(original):
            alike += 1
        else:
            wrong.append(change)
    return wrong, refused, alike


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_changed_page_is_refused_or_read_as_before(layout: Layout) -> None:
    page = layout.page()
    mutants = [(change, text.encode()) for change, text in of_page(page)]
    wrong, refused, alike = _misread(mutants, "page", finviz.parse(page, LATER))
    assert wrong == []
    assert refused > 200
    assert alike >= 2  # the page unchanged, and in one more frame


def _csv_mutants(table: list[list[str]]) -> list[tuple[str, bytes]]:
    required = [*HEADINGS, "Number of Shares", "Total Shares", "Publish Date"]
    return [(change, csv_text(changed).encode()) for change, changed in of_csv(table, required)]


@pytest.mark.parametrize("render", [linked_csv, tutorial_csv])
def test_a_changed_csv_is_refused_or_read_as_before(render) -> None:
    table = render(LINES)
    original = files.parse("csv", csv_text(table).encode(), LATER)
    wrong, refused, alike = _misread(_csv_mutants(table), "csv", original)
    assert wrong == []
    assert refused > 150
    assert alike >= 40  # columns may stand in any order


def _around(before: str) -> str:
    """What a page tells about its company, without the hundred kilobytes around it."""
    if "<html" not in before:
        return before
    title = re.search(r"<title>[^<]*", before)
    ticker = re.search(r'<a\b[^>]*id="ticker"[^>]*>[^<]*</a>', before)
    return f"<html><head>{title[0] if title else ''}</title></head><body>{ticker[0] if ticker else ''}"


@pytest.mark.corpus
@pytest.mark.parametrize("path", CORPUS_PAGES)
def test_a_real_page_changed_is_refused_or_read_as_before(corpus: Path, path: str) -> None:
    grid = Grid.of((corpus / "finviz" / path).read_text(encoding="utf-8"))
    page = Grid(_around(grid.before), grid.head, grid.rows[:10], "</html>" if "<html" in grid.before else "").page()
    mutants = [(change, text.encode()) for change, text in of_page(page)]
    wrong, refused, alike = _misread(mutants, path, finviz.parse(page, LATER))
    assert wrong == []
    assert refused > 200
    assert alike >= 2


# OpenInsider


@pytest.mark.parametrize("layout", openinsider_pages.LAYOUTS, ids=lambda layout: layout.name)
def test_a_changed_openinsider_page_is_refused_or_read_as_before(layout: openinsider_pages.Layout) -> None:
    page = layout.page()
    mutants = [(change, text.encode()) for change, text in openinsider_mutations.of_page(page)]
    wrong, refused, alike = _misread(mutants, "page", openinsider.parse(page, LATER))
    # Most rows have no letter in the first column: nothing can tell that there were some. And without the company a
    # list is one company's page.
    assert set(wrong) <= {"empty X", "drop column Company&nbsp;Name"}
    assert refused > 600
    assert alike >= 20  # unchanged, in a frame, or changed only in what is never read


@pytest.mark.corpus
def test_a_real_openinsider_page_changed_is_refused_or_read_as_before(corpus: Path) -> None:
    (path,) = sorted(corpus.glob("openinsider/html/*.html"))
    page = path.read_text(encoding="utf-8")
    mutants = [(change, text.encode()) for change, text in openinsider_mutations.of_page(page)]
    wrong, refused, alike = _misread(mutants, path.name, openinsider.parse(page, LATER))
    assert wrong == ["drop column Company&nbsp;Name"]
    assert refused > 600
    assert alike >= 20


def test_a_changed_openinsider_csv_is_refused_or_read_as_before() -> None:
    table = openinsider_pages.market_csv(openinsider_pages.ROWS)
    original = files.parse("csv", csv_text(table).encode(), LATER)
    required = [heading.replace(" ", "_") for heading in REQUIRED]
    mutants = [(change, csv_text(changed).encode()) for change, changed in of_csv(table, required)]
    wrong, refused, alike = _misread(mutants, "csv", original)
    assert wrong == []
    assert refused > 200
    assert alike >= 100  # columns may stand in any order, and most are never read


def test_changed_openinsider_json_lines_are_refused_or_read_as_before() -> None:
    lines = openinsider_pages.json_lines(openinsider_pages.ROWS)
    original = files.parse("jsonl", lines.encode(), LATER)
    wrong, refused, alike = _misread(openinsider_mutations.of_json_lines(lines), "jsonl", original)
    assert wrong == []
    assert refused > 200
    assert alike >= 10  # what is never read may change places
