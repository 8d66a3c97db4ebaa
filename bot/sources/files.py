"""Saved insider tables: FinViz pages as a browser stores them, and CSVs as scrapers write them."""

import csv
import gzip
import io
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pandas as pd

from bot.errors import ConfigError, SourceError
from bot.plugins import Kit
from bot.sources import finviz
from bot.sources.cells import TABLE, clean
from bot.sources.rows import HEADINGS, Row, shown, to_trades

ENDINGS: Final = (".html", ".htm", ".html.gz", ".htm.gz", ".csv", ".csv.gz")
MAX_BYTES: Final = 5_000_000
FILING: Final = "SEC Form 4 Link"

# What the first tutorial's scraper called three of FinViz's columns.
OTHER_NAMES: Final[Mapping[str, str]] = {
    "Number of Shares": "#Shares",
    "Total Shares": "#Shares Total",
    "Publish Date": "SEC Form 4",
}


class Files:
    """A file, or every file of a folder, as one trades table."""

    def __init__(self, path: Path) -> None:
        self.name = f"files:{path}"
        self._path = path

    def fetch(self, now: datetime) -> pd.DataFrame:
        """The trades in the files, each line once; SourceError naming the file when one of them is refused."""
        tables = [parse(path.name, _content(path), min(now, _saved_at(path))) for path in self._paths()]
        return pd.concat(tables, ignore_index=True).drop_duplicates(["key", "symbol"], ignore_index=True)

    def _paths(self) -> list[Path]:
        if not self._path.exists():
            raise SourceError(f"{self._path}: expected a file or a folder, found nothing")
        if not self._path.is_dir():
            return [self._path]
        paths = sorted(path for path in self._path.iterdir() if path.name.lower().endswith(ENDINGS))
        if not paths:
            raise SourceError(f"{self._path}: expected files ending in {', '.join(ENDINGS)}, found none")
        return paths


def source(kit: Kit) -> Files:
    """The files behind `files:PATH`."""
    if not kit.argument:
        raise ConfigError("files needs a path: write files:PATH, a page, a CSV or a folder of them")
    return Files(Path(kit.argument))


def parse(name: str, content: bytes, now: datetime) -> pd.DataFrame:
    """The trades in a file's bytes, whether page or CSV, gzipped or not; SourceError starting with its name."""
    try:
        text = _text(content)
        return finviz.parse(text, now) if text.lstrip().startswith("<") else to_trades(_rows(text), TABLE, now)
    except SourceError as error:
        raise SourceError(f"{name}: {error}") from error


def _saved_at(path: Path) -> datetime:
    """When the file was last written: what it says was public by then, however late it is read.

    Without this a CSV without years would be news again every year. A time before there was a FinViz is no time.
    """
    saved_at = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    return saved_at if saved_at.year >= 2007 else datetime.max.replace(tzinfo=UTC)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error


def _text(content: bytes) -> str:
    if content.startswith(b"\x1f\x8b"):
        content = _unzipped(content)
    if len(content) > MAX_BYTES:
        raise SourceError(f"expected at most {MAX_BYTES} bytes, found more")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"expected UTF-8 text, found something else at byte {error.start}") from error


def _unzipped(content: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"expected a whole gzip file, found {error}") from error


def _rows(text: str) -> list[Row]:
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise SourceError(f"expected a CSV table, found {error}") from error
    if len(lines) < 2:
        raise SourceError(f"expected a CSV with headings and rows, found {shown(text)}")
    headings = _headings(lines[0])
    return [_row(number, line, headings) for number, line in enumerate(lines[1:], start=1)]


def _headings(line: list[str]) -> list[str]:
    """The headings in FinViz's words; a required one that is missing or there twice is refused."""
    names = [clean(text) for text in line]
    headings = [OTHER_NAMES.get(name, name) for name in names]
    wrong = [heading for heading in HEADINGS if headings.count(heading) != 1]
    wrong += [FILING] * (headings.count(FILING) > 1)
    if wrong:
        expected, found = ", ".join(HEADINGS), ", ".join(shown(name) for name in names[:20])
        raise SourceError(f"expected the columns {expected}, found {found} (missing or twice: {', '.join(wrong)})")
    return headings


def _row(number: int, line: list[str], headings: list[str]) -> Row:
    if len(line) != len(headings):
        raise SourceError(f"row {number}: expected {len(headings)} cells, found {len(line)}")
    cells = dict(zip(headings, map(clean, line), strict=True))
    return Row(number=number, cells={name: cells[name] for name in HEADINGS}, filing=cells.get(FILING, ""))
