"""How a database is opened: durable to the last commit, or strictly read-only."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from bot.errors import ConfigError, StoreError, TryAgainError
from bot.store.tables import SCHEMA_VERSION, control, metadata

# A rollback journal, because WAL had a corruption race before SQLite 3.51.3; EXTRA also survives a power loss between
# the journal's deletion and its directory entry. A few commits a day make their price irrelevant.
PRAGMAS: Final = (
    "PRAGMA busy_timeout=10000",
    "PRAGMA synchronous=EXTRA",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
)


class Database:
    """An open database with its tables; `write` and `read` are the two ways in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, durable when the block ends and undone when it raises; IntegrityError passes through."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise _told(error) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for queries, which take no lock that a writer would wait for."""
        try:
            with self._engine.connect().execution_options(reading=True) as connection:
                yield connection
        except DBAPIError as error:
            raise _told(error) from error

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def open_database(url: str, *, read_only: bool = False) -> Database:
    """The database at this SQLAlchemy URL, created when it is new.

    Read-only, nothing on disk changes: where there is no database yet, or an empty file, it is an empty one in memory.
    """
    parsed = _parsed(url)
    path = None if parsed.database in {None, "", ":memory:"} else Path(str(parsed.database))
    if read_only and path and (not path.exists() or (path.is_file() and not path.stat().st_size)):
        path = None
    if path is not None and not read_only and not path.parent.is_dir():
        raise ConfigError(f"BOT_DATABASE_URL: there is no folder {path.parent}; create it or choose another place")
    database = Database(_engine(path, read_only=read_only and path is not None))
    try:
        _prepare(database, create=path is None or not read_only)
    except BaseException:
        database.close()
        raise
    return database


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("BOT_DATABASE_URL is not a database URL; write sqlite:///insiderbot.db") from None
    try:
        dialect = parsed.get_dialect().name
    except NoSuchModuleError:
        dialect = parsed.drivername
    if dialect != "sqlite":
        raise ConfigError(f"BOT_DATABASE_URL: {dialect} is not supported; write sqlite:///insiderbot.db")
    return parsed


def _engine(path: Path | None, *, read_only: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        name = f"file:{_quoted(path)}?mode={'ro' if read_only else 'rwc'}" if path else ":memory:"
        connection = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)
        for pragma in PRAGMAS:
            connection.execute(pragma)
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool)
    # The driver would begin late and upgrade a reader to a writer, which fails at once under contention.
    event.listen(engine, "begin", lambda connection: _begin(connection, read_only=read_only))
    return engine


def _begin(connection: Connection, *, read_only: bool) -> None:
    reading = read_only or "reading" in connection.get_execution_options()
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _prepare(database: Database, *, create: bool) -> None:
    """Create the tables of a new database; refuse one that is not ours or is newer than we are."""
    with database.write() as connection:
        names = set(inspect(connection).get_table_names())
        if not names and create:
            metadata.create_all(connection)
            connection.execute(insert(control).values(id=1, schema_version=SCHEMA_VERSION))
        elif not set(metadata.tables) <= names:
            raise StoreError("the database exists but is not insiderbot's; choose another BOT_DATABASE_URL")
        version = connection.execute(select(control.c.schema_version)).scalar()
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"the database has schema {version}, this insiderbot knows {SCHEMA_VERSION}: use the version that wrote it"
        )


def _quoted(path: Path) -> str:
    return path.absolute().as_uri().removeprefix("file://")


def _told(error: DBAPIError) -> StoreError | TryAgainError:
    words = str(error.orig)
    if "locked" in words:
        return TryAgainError("the database is in use by another process")
    if "readonly database" in words:
        return StoreError("the database is read-only, or holds an unfinished write that `insiderbot run` completes")
    return StoreError(f"the database cannot be used: {words}")
