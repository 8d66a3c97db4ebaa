"""What is known of EDGAR's filings: which were listed, which of them are in the archive, and what they say.

A filing is known as soon as it is listed here, and waits until its document is in the archive: a kill between any two
steps loses nothing. All the rest follows from the archive and is made again when this file is gone.

Known ground is what the feed or an index has listed, for they list everything of a form: a filing that came alone, with
its issuer's others or from the archive, says nothing of those around it.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from bot.errors import SourceError
from bot.sources.edgar.filing import Filing, as_text, reader
from bot.sources.edgar.listing import Listing, Scope

TABLES: Final = """
PRAGMA journal_mode = WAL;  -- together: no wait for the disk, and no damage when the power fails
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS filings (
    accession TEXT PRIMARY KEY,
    form TEXT NOT NULL,
    cik TEXT NOT NULL,
    filed_on TEXT NOT NULL,
    accepted_at TEXT,  -- by the feed
    is_ground INTEGER NOT NULL DEFAULT 0,  -- the feed or an index has listed it
    digest TEXT,       -- of the document in the archive; NULL while the filing waits for it
    reader TEXT,       -- which program has read it
    known_at TEXT,
    trades TEXT,
    refusal TEXT       -- why it could not be read
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS filings_by_day ON filings (filed_on);
CREATE TABLE IF NOT EXISTS indexed (  -- days whose index was read for the filings of a form, or will never come
    day TEXT, form TEXT, PRIMARY KEY (day, form)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tickers (ticker TEXT PRIMARY KEY, cik TEXT NOT NULL, read_on TEXT NOT NULL) WITHOUT ROWID;
"""
LIST: Final = """
INSERT INTO filings (accession, form, cik, filed_on, accepted_at, is_ground) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (accession) DO UPDATE SET
    is_ground = max(is_ground, excluded.is_ground), accepted_at = coalesce(accepted_at, excluded.accepted_at)
WHERE is_ground < excluded.is_ground OR (accepted_at IS NULL AND excluded.accepted_at IS NOT NULL)
"""
KEEP: Final = """
INSERT INTO filings (accession, form, cik, filed_on, accepted_at, digest, reader, known_at, trades, refusal)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (accession) DO UPDATE SET
    digest = excluded.digest, reader = excluded.reader, known_at = excluded.known_at, trades = excluded.trades,
    refusal = excluded.refusal
"""
SCOPE: Final = """
FROM filings WHERE filed_on >= :since AND form IN (SELECT value FROM json_each(:forms))
    AND (:accessions IS NULL OR accession IN (SELECT value FROM json_each(:accessions)))
"""
INDEXED: Final = """
SELECT day FROM indexed WHERE day >= :since AND form IN (SELECT value FROM json_each(:forms))
GROUP BY day HAVING count(*) = json_array_length(:forms)
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

    def add(self, listings: Iterable[Listing], days: Iterable[date] = (), forms: Collection[str] = ()) -> None:
        """From now on these filings are known ground, and these days need no look into their index for these forms."""
        with self.together():
            self._connection.executemany(LIST, ((*_cells(listing), True) for listing in listings))
            indexed = ((day.isoformat(), form) for day in days for form in forms)
            self._connection.executemany("INSERT OR IGNORE INTO indexed VALUES (?, ?)", indexed)

    def note(self, listings: Iterable[Listing]) -> None:
        """From now on these filings are known, and no more than these."""
        with self.together():
            self._connection.executemany(LIST, ((*_cells(listing), False) for listing in listings))

    def ground(self, scope: Scope) -> set[str]:
        """The accession numbers of known ground."""
        return {accession for (accession,) in self._rows(f"SELECT accession {SCOPE} AND is_ground", scope)}

    def days(self, scope: Scope) -> set[date]:
        """The days that need no look into their index any more, for any of the forms."""
        return {date.fromisoformat(day) for (day,) in self._rows(INDEXED, scope)}

    def waiting(self, scope: Scope) -> list[Listing]:
        """What is listed and not in the archive yet, the latest first."""
        query = f"SELECT accession, form, cik, filed_on, accepted_at {SCOPE} AND digest IS NULL"
        return [
            _listing(*row)
            for row in self._rows(f"{query} ORDER BY filed_on DESC, accepted_at DESC, accession DESC", scope)
        ]

    def unread(self, scope: Scope) -> list[tuple[Listing, str]]:
        """What is in the archive but was read by another version of the program, each with its hash."""
        query = f"SELECT accession, form, cik, filed_on, accepted_at, digest {SCOPE} AND reader != :reader"
        return [(_listing(*row), digest) for *row, digest in self._rows(query, scope)]

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

    def trades(self, scope: Scope) -> list[str]:
        """What each filing says, as text, in the order of days and accession numbers."""
        query = f"SELECT trades {SCOPE} AND trades IS NOT NULL ORDER BY filed_on, accession"
        return [text for (text,) in self._rows(query, scope)]

    def refusals(self, scope: Scope) -> list[tuple[str, str]]:
        """The filings that could not be read, each with the reason."""
        return self._rows(f"SELECT accession, refusal {SCOPE} AND refusal IS NOT NULL ORDER BY accession", scope)

    def tickers(self, day: date) -> dict[str, str]:
        """Every ticker's CIK as EDGAR had it on this day; nothing when it was not asked then."""
        return dict(self._connection.execute("SELECT ticker, cik FROM tickers WHERE read_on = ?", [day.isoformat()]))

    def keep_tickers(self, ciks: Mapping[str, str], day: date) -> None:
        """These are EDGAR's tickers, as of this day, and no others."""
        rows = [(ticker, cik, day.isoformat()) for ticker, cik in ciks.items()]
        with self.together():
            self._connection.execute("DELETE FROM tickers")
            self._connection.executemany("INSERT INTO tickers VALUES (?, ?, ?)", rows)

    def _rows(self, query: str, scope: Scope) -> list[Any]:
        values = {
            "since": scope.since.isoformat(),
            "forms": _list(scope.forms),
            "accessions": None if scope.accessions is None else _list(scope.accessions),
            "reader": reader(),
        }
        return self._connection.execute(query, values).fetchall()


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


def _list(values: Iterable[str]) -> str:
    """The values as one parameter of a query."""
    return json.dumps(sorted(values))


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
