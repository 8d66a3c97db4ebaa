"""What is known of EDGAR's filings: which were listed, which of them are in the archive, and what they say.

A filing is known as soon as it is listed here, and waits until its document is in the archive: a kill between any two
steps loses nothing. All the rest follows from the archive and is made again when this file is gone.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from bot.errors import SourceError
from bot.sources.edgar.filing import Filing, as_text, reader
from bot.sources.edgar.listing import Listing

TABLES: Final = """
PRAGMA journal_mode = WAL;  -- together: no wait for the disk, and no damage when the power fails
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS filings (
    accession TEXT PRIMARY KEY,
    form TEXT NOT NULL,
    cik TEXT NOT NULL,
    filed_on TEXT NOT NULL,
    accepted_at TEXT,  -- by the feed
    digest TEXT,       -- of the document in the archive; NULL while the filing waits for it
    reader TEXT,       -- which program has read it
    known_at TEXT,
    trades TEXT,
    refusal TEXT       -- why it could not be read
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS filings_by_day ON filings (filed_on);
CREATE TABLE IF NOT EXISTS days (day TEXT PRIMARY KEY) WITHOUT ROWID;  -- whose index was read, or will never come
"""
LIST: Final = "INSERT OR IGNORE INTO filings (accession, form, cik, filed_on, accepted_at) VALUES (?, ?, ?, ?, ?)"
KEEP: Final = """
INSERT INTO filings (accession, form, cik, filed_on, accepted_at, digest, reader, known_at, trades, refusal)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (accession) DO UPDATE SET
    digest = excluded.digest, reader = excluded.reader, known_at = excluded.known_at, trades = excluded.trades,
    refusal = excluded.refusal
"""


class Catalogue:
    """The open file; each method is one durable step, unless they are joined by `together`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """All steps inside the block become one: done as a whole or not at all."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def is_empty(self) -> bool:
        """Whether nothing was ever listed."""
        return self._connection.execute("SELECT 1 FROM filings LIMIT 1").fetchone() is None

    def add(self, listings: Iterable[Listing], days: Iterable[date]) -> None:
        """From now on these filings are known, and these days need no look into their index."""
        with self.together():
            self._connection.executemany(LIST, map(_cells, listings))
            self._connection.executemany("INSERT OR IGNORE INTO days VALUES (?)", [(day.isoformat(),) for day in days])

    def known(self, since: date) -> set[str]:
        """The accession numbers of everything listed that was filed on this day or later."""
        return {accession for (accession,) in self._rows("SELECT accession FROM filings WHERE filed_on >= ?", since)}

    def days(self, since: date) -> set[date]:
        """The days from this one on that need no look into their index any more."""
        return {date.fromisoformat(day) for (day,) in self._rows("SELECT day FROM days WHERE day >= ?", since)}

    def waiting(self, since: date) -> list[Listing]:
        """What is listed and not in the archive yet, the latest first."""
        query = (
            "SELECT accession, form, cik, filed_on, accepted_at FROM filings WHERE digest IS NULL AND filed_on >= ?"
            " ORDER BY filed_on DESC, accepted_at DESC, accession DESC"
        )
        return [_listing(*row) for row in self._rows(query, since)]

    def unread(self, since: date) -> list[tuple[Listing, str]]:
        """What is in the archive but was read by another version of the program, each with its hash."""
        query = (
            "SELECT accession, form, cik, filed_on, accepted_at, digest FROM filings"
            " WHERE filed_on >= ? AND reader != ?"
        )
        return [(_listing(*row), digest) for *row, digest in self._rows(query, since, reader())]

    def keep(self, listing: Listing, digest: str, outcome: Filing | SourceError) -> None:
        """The filing is in the archive, and this is what it says, or why it could not be read."""
        known_at, trades, refusal = None, None, None
        if isinstance(outcome, Filing):
            known_at, trades = _text(outcome.known_at), as_text(outcome.trades)
        else:
            refusal = str(outcome)
        self._connection.execute(KEEP, [*_cells(listing), digest, reader(), known_at, trades, refusal])

    def lose(self, listing: Listing) -> None:
        """The filing is not in the archive any more: let it wait for its document again."""
        self._connection.execute(
            "UPDATE filings SET digest = NULL, reader = NULL WHERE accession = ?", [listing.accession]
        )

    def trades(self, since: date) -> list[str]:
        """What each filing of this day or later says, as text, in the order of days and accession numbers."""
        query = "SELECT trades FROM filings WHERE filed_on >= ? AND trades IS NOT NULL ORDER BY filed_on, accession"
        return [text for (text,) in self._rows(query, since)]

    def refusals(self, since: date) -> list[tuple[str, str]]:
        """The filings of this day or later that could not be read, each with the reason."""
        query = "SELECT accession, refusal FROM filings WHERE filed_on >= ? AND refusal IS NOT NULL ORDER BY accession"
        return self._rows(query, since)

    def _rows(self, query: str, since: date, *more: str) -> list[Any]:
        return self._connection.execute(query, [since.isoformat(), *more]).fetchall()


@contextmanager
def opened(path: Path) -> Iterator[Catalogue]:
    """The catalogue in this file, which is made if need be; SourceError when the file is of no use."""
    try:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            connection.executescript(TABLES)
            yield Catalogue(connection)
    except sqlite3.Error as error:
        raise SourceError(
            f"{path}: what is known of EDGAR cannot be read or written ({error}); a damaged file may be deleted,"
            " it is made again from the archive"
        ) from None


def _cells(listing: Listing) -> tuple[str | None, ...]:
    return (listing.accession, listing.form, listing.cik, listing.filed_on.isoformat(), _text(listing.accepted_at))


def _listing(accession: str, form: str, cik: str, filed_on: str, accepted_at: str | None) -> Listing:
    return Listing(
        accession=accession,
        form=form,
        cik=cik,
        filed_on=date.fromisoformat(filed_on),
        accepted_at=datetime.fromisoformat(accepted_at) if accepted_at else None,
    )


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
