"""Saved filings: submissions and bare ownership documents as files, thousands of them as tables, read on every core."""

import gzip
import io
import os
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import pandas as pd

from bot.errors import SourceError
from bot.model import InsiderTrade
from bot.sources.edgar import filing, ownership, submission
from bot.sources.edgar.lines import lines
from bot.trades import to_table, validate

ENDINGS: Final = tuple(ending + zipped for ending in (".xml", ".txt", ".nc") for zipped in ("", ".gz"))
HEADER: Final = 2_000  # bytes within which a filing shows itself; older submissions begin with a signature
MANY: Final = 4_000  # filings; fewer are nearly read before another process has begun
CHUNK: Final = 250
GZIP: Final = b"\x1f\x8b"

_ACCESSION: Final = re.compile(r"\d{10}-\d{2}-\d{6}(?=\.)", re.ASCII)


def is_filing(content: bytes) -> bool:
    """Whether a file that begins like this is a full submission or an ownership document."""
    is_markup = content.removeprefix(BOM_UTF8).lstrip().startswith(b"<")
    return is_submission(content) or (is_markup and b"<ownershipDocument" in content[:HEADER])


def is_submission(content: bytes) -> bool:
    """Whether a file that begins like this is a full submission."""
    return b"<SEC-HEADER>" in content[:HEADER] or content.startswith(b"<SUBMISSION>")


def read(name: str, content: bytes) -> Sequence[InsiderTrade]:
    """The lines of a full submission, or of an ownership document, which does not know when it was filed.

    SourceError starting with the file's name.
    """
    try:
        content = unzipped(content, submission.MAX_BYTES) if content.startswith(GZIP) else content
        if is_submission(content):
            return filing.read(content).trades
        named = _ACCESSION.match(name)
        return lines(ownership.read(content), accession=named and named[0], filed_on=None, known_at=None, url=None)
    except SourceError as error:
        raise SourceError(f"{name}: {error}") from error


def tables(paths: Sequence[Path]) -> list[pd.DataFrame]:
    """The lines of all these filings in a few tables, in the order of the files."""
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    helpers = min(os.cpu_count() or 1, len(chunks)) - 1
    if len(paths) < MANY or not helpers:
        return [_table(paths)]
    with ProcessPoolExecutor(helpers, mp_context=get_context("spawn")) as pool:
        given = [pool.submit(_table, chunk) for chunk in chunks]
        try:
            # A helper needs a second to begin: until then, and on, this process reads from the other end.
            own = {place: _table(chunks[place]) for place in reversed(range(len(chunks))) if given[place].cancel()}
            return [own[place] if place in own else given[place].result() for place in range(len(chunks))]
        finally:
            for task in given:
                task.cancel()


def begin(path: Path, most: int) -> bytes:
    """The file's first bytes, one more than `most` where there are more; SourceError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error


def unzipped(content: bytes, most: int) -> bytes:
    """What a gzip file has in it, one byte more than `most` where there is more; SourceError when it is damaged."""
    try:
        with gzip.open(io.BytesIO(content)) as file:
            return file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"expected a whole gzip file, found {error}") from error


def _table(paths: Iterable[Path]) -> pd.DataFrame:
    return validate(to_table(trade for path in paths for trade in read(path.name, begin(path, submission.MAX_BYTES))))
