"""Saved insider tables: pages as a browser stores them, CSVs and JSON lines of scrapers, and filings themselves."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from bot.errors import ConfigError, SourceError
from bot.http import strict_json
from bot.plugins import Kit
from bot.sources import finviz, finviz_rows, openinsider, openinsider_rows, pages
from bot.sources.cells import clean
from bot.sources.edgar import saved
from bot.sources.rows import Layout, Row, shown, to_trades
from bot.trades import to_table, validate

TABLES_AND_PAGES: Final = tuple(
    ending + zipped for ending in (".html", ".htm", ".csv", ".jsonl") for zipped in ("", ".gz")
)
ENDINGS: Final = TABLES_AND_PAGES + saved.ENDINGS
MAX_BYTES: Final = 5_000_000
FILING: Final = "SEC Form 4 Link"

# What the first tutorial's scraper called three of FinViz's columns.
OTHER_NAMES: Final[Mapping[str, str]] = {
    "Number of Shares": "#Shares",
    "Total Shares": "#Shares Total",
    "Publish Date": "SEC Form 4",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The headings by which a site's table is recognised in a file; further ones are left alone."""

    layout: Layout
    required: tuple[str, ...]
    optional: tuple[str, ...]


TABLES: Final = (
    Table(layout=finviz_rows.TABLE, required=finviz_rows.HEADINGS, optional=(FILING,)),
    Table(layout=openinsider_rows.TABLE, required=openinsider_rows.REQUIRED, optional=openinsider_rows.OPTIONAL),
)


class Files:
    """A file, or every file of a folder, as one trades table."""

    def __init__(self, path: Path) -> None:
        self.name = f"files:{path}"
        self._path = path

    def fetch(self, now: datetime) -> pd.DataFrame:
        """The trades in the files, each line once; SourceError naming the file when one of them is refused.

        A folder may have other text files, too, which `attrs["left_out"]` tells.
        """
        paths, others = self._paths()
        tables = [
            parse(path.name, saved.begin(path, MAX_BYTES), min(now, _saved_at(path)))
            for path in paths
            if not _is_filing(path.name)
        ]
        if filings := [path for path in paths if _is_filing(path.name)]:
            tables += saved.tables(filings)
        table = pd.concat(tables, ignore_index=True).drop_duplicates(["key", "symbol"], ignore_index=True)
        table.attrs["left_out"] = tuple(_told(others))
        return table

    def _paths(self) -> tuple[list[Path], list[Path]]:
        """The files to read, and the text files of the folder that are no filings."""
        if not self._path.exists():
            raise SourceError(f"{self._path}: expected a file or a folder, found nothing")
        if not self._path.is_dir():
            return [self._path], []
        paths = sorted(path for path in self._path.iterdir() if path.name.lower().endswith(ENDINGS))
        others = [path for path in paths if _is_other_text(path)]
        paths = sorted({*paths} - {*others})
        if not paths:
            found = "; ".join(["none", *_told(others)])
            raise SourceError(f"{self._path}: expected files ending in {', '.join(ENDINGS)}, found {found}")
        return paths, others


def source(kit: Kit) -> Files:
    """The files behind `files:PATH`."""
    if not kit.argument:
        raise ConfigError("files needs a path: write files:PATH, a page, CSV, JSON lines, a filing or a folder of them")
    return Files(Path(kit.argument))


def parse(name: str, content: bytes, now: datetime) -> pd.DataFrame:
    """The trades in a file's bytes, page, table or filing, gzipped or not; SourceError starting with its name."""
    if _is_filing(name):
        return validate(to_table(saved.read(name, content)))
    try:
        text = _text(content)
        return _page(text, now) if text.lstrip().startswith("<") else _table(text, now)
    except SourceError as error:
        raise SourceError(f"{name}: {error}") from error


def _is_filing(name: str) -> bool:
    return name.lower().endswith(saved.ENDINGS)


def _is_other_text(path: Path) -> bool:
    return path.suffix.lower() == ".txt" and not saved.is_filing(saved.begin(path, saved.HEADER))


def _told(others: list[Path]) -> list[str]:
    return [f"{len(others)} text files are left out as they are no filings, such as {others[0].name}"] if others else []


def _saved_at(path: Path) -> datetime:
    """When the file was last written: what it says was public by then, however late it is read.

    Without this a CSV without years would be news again every year. A time before there was a FinViz is no time.
    """
    saved_at = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    return saved_at if saved_at.year >= 2007 else datetime.max.replace(tzinfo=UTC)


def _text(content: bytes) -> str:
    if content.startswith(saved.GZIP):
        content = saved.unzipped(content, MAX_BYTES)
    if len(content) > MAX_BYTES:
        raise SourceError(f"expected at most {MAX_BYTES} bytes, found more")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"expected UTF-8 text, found something else at byte {error.start}") from error


def _page(text: str, now: datetime) -> pd.DataFrame:
    """The trades on a page of any site, which its headings tell."""
    root = pages.read(text)
    read = openinsider.trades if pages.tables(root, openinsider.LAYOUTS) else finviz.trades
    return read(root, now)


def _table(text: str, now: datetime) -> pd.DataFrame:
    """The trades in a table of any site, which its headings tell."""
    first, *lines = _objects(text) if text.lstrip().startswith("{") else _lines(text)
    names = [clean(name) for name in first]
    table = max(TABLES, key=lambda table: len({*map(_heading, names)} & {*table.required}))
    headings = _headings(names, table)
    return to_trades([_row(number, line, headings, table) for number, line in enumerate(lines, 1)], table.layout, now)


def _lines(text: str) -> list[list[str]]:
    """The lines of a CSV, the headings first."""
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise SourceError(f"expected a CSV table, found {error}") from error
    if len(lines) < 2:
        raise SourceError(f"expected a CSV with headings and rows, found {shown(text)}")
    return lines


def _objects(text: str) -> list[list[str]]:
    """The objects of JSON lines as a table, the names of the first as headings."""
    objects = [_object(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    names = list(objects[0])
    for number, found in enumerate(objects, start=1):
        if found.keys() != objects[0].keys():
            raise SourceError(f"row {number}: expected the names of the first row, found {shown(', '.join(found))}")
    return [names, *([_cell(found[name]) for name in names] for found in objects)]


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        found = strict_json(line)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"line {number}: expected a JSON object, found {shown(line)}") from error
    if not isinstance(found, dict) or any(isinstance(value, dict | list) for value in found.values()):
        raise SourceError(f"line {number}: expected a JSON object of plain values, found {shown(line)}")
    return found


def _cell(value: Any) -> str:
    """A member as a cell: text as it is, a number as it was written, null as nothing."""
    return "" if value is None else str(value)


def _heading(name: str) -> str:
    """A heading in its site's words: scrapers write an underscore for a blank, or a name of their own."""
    return OTHER_NAMES.get(name, name).replace("_", " ")


def _headings(names: list[str], table: Table) -> list[str]:
    """The headings in their site's words; one that is there twice is refused, or a required one that is missing."""
    headings = [_heading(name) for name in names]
    wrong = [heading for heading in table.required if headings.count(heading) != 1]
    wrong += [heading for heading in table.optional if headings.count(heading) > 1]
    if wrong:
        expected, found = ", ".join(table.required), ", ".join(shown(name) for name in names[:20])
        raise SourceError(f"expected the columns {expected}, found {found} (missing or twice: {', '.join(wrong)})")
    return headings


def _row(number: int, line: list[str], headings: list[str], table: Table) -> Row:
    if len(line) != len(headings):
        raise SourceError(f"row {number}: expected {len(headings)} cells, found {len(line)}")
    cells = dict(zip(headings, map(clean, line), strict=True))
    known = {name: cells[name] for name in (*table.required, *table.optional) if name in cells}
    return Row(number=number, filing=known.pop(FILING, ""), cells=known)
