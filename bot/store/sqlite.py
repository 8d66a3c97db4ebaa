"""SQLite: one file, one writer at a time, durable to the last commit."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from bot.errors import ConfigError, StoreError, TryAgainError

# A rollback journal, because WAL had a corruption race before SQLite 3.51.3; EXTRA also survives a power loss between
# the journal's deletion and its directory entry. A few commits a day make their price irrelevant.
PRAGMAS: Final = (
    "PRAGMA busy_timeout=10000",
    "PRAGMA synchronous=EXTRA",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
)


def path_of(url: URL) -> Path | None:
    """The file behind a URL; None when it is in memory."""
    return None if url.database in {None, "", ":memory:"} else Path(str(url.database))


def engine(url: URL, *, read_only: bool, migrating: bool = False) -> Engine:
    """The engine of a file that is created when it is new, or of a database in memory.

    Read-only, nothing on disk changes, and a file that is not there is an empty database in memory. A migration
    rebuilds tables that others refer to, so it looks at foreign keys at its end instead of at every step.
    """
    path = path_of(url)
    if path and not path.parent.is_dir():
        raise ConfigError(f"BOT_DATABASE_URL: there is no folder {path.parent}; create it or choose another place")
    if read_only and path and not path.exists():
        path = None
    pragmas = (*PRAGMAS, "PRAGMA foreign_keys=OFF") if migrating else PRAGMAS
    name = f"file:{_quoted(path)}?mode={'ro' if read_only else 'rwc'}" if path else ":memory:"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)
        for pragma in pragmas:
            connection.execute(pragma)
        return connection

    made = create_engine("sqlite://", creator=connect, poolclass=StaticPool)
    # The driver would begin late and upgrade a reader to a writer, which fails at once under contention.
    event.listen(made, "begin", lambda connection: _begin(connection, read_only=read_only and path is not None))
    return made


class Lock:
    """A file beside the database that SQLite itself keeps locked for as long as this process lives."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._path = path
        self._file = path.stat().st_ino if path else 0  # OSError: somebody has deleted it meanwhile
        self.close = connection.close

    def held(self) -> bool:
        """Nobody can take it away, but somebody may have deleted it."""
        try:
            return self._path is None or self._path.stat().st_ino == self._file
        except OSError:
            return False


def locked(url: URL) -> Lock | None:
    """The lock of this database, or None while another process has it; in memory everyone is alone."""
    path = path_of(url)
    path = path.resolve().with_name(path.resolve().name + ".lead") if path else None  # one file by whatever name
    connection = None
    try:
        connection = sqlite3.connect(path or ":memory:", timeout=0, isolation_level=None, check_same_thread=False)
        connection.execute("BEGIN EXCLUSIVE")
        return Lock(connection, path)
    except (sqlite3.Error, OSError) as error:
        if connection:
            connection.close()
        if "locked" in str(error):
            return None
        # Somebody deleted it between two of these calls.
        if path and (isinstance(error, FileNotFoundError) or ("disk I/O" in str(error) and not path.exists())):
            raise TryAgainError(f"{path} was deleted while it was locked") from None
        raise StoreError(f"{path} cannot be locked ({error}); may this user write there?") from None


def told(error: DBAPIError) -> StoreError | TryAgainError:
    """What went wrong, in one sentence."""
    words = str(error.orig)
    if "locked" in words:
        return TryAgainError("the database is in use by another process")
    if "readonly database" in words:
        return StoreError("the database is read-only, or holds an unfinished write that `insiderbot run` completes")
    if "unable to open" in words:
        return StoreError("the database file cannot be opened: may this user write to its folder?")
    return StoreError(f"the database cannot be used: {words}")


def copy_beside(path: Path, ending: str) -> Path:
    """A complete copy of the database under its name with that ending (and a number when there is one already)."""
    place = next(each for each in _places(path, ending) if not each.exists())
    part = place.with_name(place.name + ".part")
    try:
        part.unlink(missing_ok=True)  # of a copy that was cut short
        source = sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True)
        with closing(source), closing(sqlite3.connect(part)) as target:
            source.backup(target)
        part.chmod(path.stat().st_mode)
        part.rename(place)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the database could not be copied to {place} ({error}); nothing was changed") from error
    return place


def _begin(connection: Connection, *, read_only: bool) -> None:
    reading = read_only or "reading" in connection.get_execution_options()
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _places(path: Path, ending: str) -> Iterator[Path]:
    yield path.with_name(path.name + ending)
    yield from (path.with_name(f"{path.name}{ending}.{n}") for n in count(2))


def _quoted(path: Path) -> str:
    return path.absolute().as_uri().removeprefix("file://")
