"""How a database is opened, on SQLite or PostgreSQL: durable to the last commit, or strictly read-only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, insert, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError

from bot.errors import BotError, ConfigError, StoreError
from bot.live_hosts import refusal
from bot.store import postgresql, sqlite
from bot.store.tables import HEAD, REVISIONS, WRITTEN_ONCE, control, metadata, revision

IN_MEMORY: Final = "sqlite:///:memory:"
OURS: Final = frozenset({"control", "events", "lines", "orders", "transitions"})  # in every revision of the schema
PLACES: Final = "write sqlite:///insiderbot.db or postgresql://user:password@host/name"


class Database:
    """An open database; `write` and `read` are the two ways in."""

    def __init__(self, engine: Engine, told: Callable[[DBAPIError], BotError]) -> None:
        self._engine = engine
        self._told = told

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, durable when the block ends and undone when it raises; IntegrityError passes through.

        Whoever writes is alone: TryAgainError when another process does so for more than ten seconds.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise self._told(error) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for queries, which see one moment and take no lock that a writer would wait for."""
        try:
            with self._engine.connect().execution_options(reading=True) as connection:
                yield connection
        except DBAPIError as error:
            raise self._told(error) from error

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def open_database(url: str, *, read_only: bool = False) -> Database:
    """The database at this SQLAlchemy URL with its tables, which are created when there are none.

    Read-only, nothing is changed: where there is no database or no table yet, it is an empty one in memory.
    """
    database = connected(parsed(url), read_only=read_only)
    try:
        with database.read() as connection:
            found = schema_of(connection)
            if found and not read_only:
                _examine(connection)
        if found is None and read_only:
            database.close()
            database = connected(parsed(IN_MEMORY))
        if found is None:
            _create(database)
        else:
            _check(found)
    except BaseException:
        database.close()
        raise
    return database


def parsed(url: str) -> URL:
    """The URL of a database that can be used; ConfigError for any other."""
    try:
        made = make_url(url)
    except (ArgumentError, ValueError):  # a port that is none may be a part of the password: it is not repeated
        raise ConfigError(f"BOT_DATABASE_URL is not a database URL; {PLACES}") from None
    if made.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"}:
        raise ConfigError(f"BOT_DATABASE_URL: {made.drivername} is not supported; {PLACES}")
    if reason := refusal(made.host):
        raise ConfigError(f"BOT_DATABASE_URL: {reason}")
    return made


def connected(url: URL, *, read_only: bool = False, migrating: bool = False) -> Database:
    """The database as it is, whatever is in it."""
    if url.get_backend_name() == "sqlite":
        return Database(sqlite.engine(url, read_only=read_only, migrating=migrating), sqlite.told)
    return Database(postgresql.engine(url, read_only=read_only), postgresql.told)


def schema_of(connection: Connection) -> str | None:
    """The revision of the schema that is there, None where there is no table; StoreError when it is somebody else's."""
    names = set(inspect(connection).get_table_names())
    if not names:
        return None
    if not names >= OURS:
        raise StoreError("the database exists but is not insiderbot's; choose another BOT_DATABASE_URL")
    if revision.name not in names:
        return REVISIONS[0]  # written before there were migrations
    return connection.execute(select(revision.c.version_num)).scalar() or "of no version"


def refuse_newer(found: str) -> None:
    """StoreError for a schema that this insiderbot does not know."""
    if found not in REVISIONS:
        raise StoreError(
            f"the database has schema {found}, this insiderbot knows {HEAD}: use the version that wrote it"
        )


def _examine(connection: Connection) -> None:
    """StoreError for a damaged file, also where this run would not meet the damage; a server looks after its own."""
    if connection.dialect.name != "sqlite":
        return
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if found != "ok":
        raise StoreError(f"the database file is damaged ({found}): nothing is sent; put a copy of it back")


def _check(found: str) -> None:
    refuse_newer(found)
    if found != HEAD:
        raise StoreError(f"the database has schema {found}, this insiderbot needs {HEAD}: run `insiderbot db upgrade`")


def _create(database: Database) -> None:
    """Create the tables, unless another process was faster."""
    with database.write() as connection:
        found = schema_of(connection)
        if found is None:
            metadata.create_all(connection, checkfirst=False)
            for statement in WRITTEN_ONCE[connection.dialect.name]:
                connection.exec_driver_sql(statement)
            revision.create(connection, checkfirst=False)
            connection.execute(insert(revision).values(version_num=HEAD))
            connection.execute(insert(control).values(id=1))
    _check(found or HEAD)
