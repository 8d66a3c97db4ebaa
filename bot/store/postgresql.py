"""PostgreSQL, opened so that it behaves as a file does: one writer at a time, readers that see one moment."""

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection as Transaction
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from bot.errors import ConfigError, StoreError, TryAgainError

if TYPE_CHECKING:
    from psycopg import Connection

WRITERS: Final = 0x696E7369646572  # the advisory lock of whoever writes: "insider" in ASCII
LEADERS: Final = 0x6C656164  # and of the one process that leads: "lead"
# Settings of one transaction, so that they also hold behind a connection pooler. Whoever writes waits for the lock
# first, and sees everything that was committed until it got it.
WRITING: Final = f"""
SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
SET LOCAL lock_timeout = '10s';
SET LOCAL statement_timeout = '10s';
SET LOCAL synchronous_commit = on;
SELECT pg_advisory_xact_lock({WRITERS})
"""
READING: Final = """
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL lock_timeout = '10s';
SET LOCAL statement_timeout = '10s'
"""
# What the address may say otherwise: a server that is out of reach or vanished is noticed within half a minute.
PATIENCE: Final = {
    "connect_timeout": "10",
    "tcp_user_timeout": "25000",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
BUSY: Final = frozenset({"55P03", "57014", "40001", "40P01"})  # lock or statement timed out, serialization, deadlock
LOST: Final = frozenset({"57P01", "57P02", "57P03"})  # the server shuts down, crashed, or is still starting
READ_ONLY: Final = "25006"
NOT_NOW: Final = re.compile("too many|connection slots|starting up|shutting down|recovery|not yet accepting")


def engine(url: URL, *, read_only: bool) -> Engine:
    """The engine of a database on a server; nothing is connected yet. ConfigError when the driver is missing."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise ConfigError("BOT_DATABASE_URL: PostgreSQL needs its driver: pip install 'insiderbot[postgres]'") from None
    if "@" in (url.host or ""):
        raise ConfigError("BOT_DATABASE_URL: write the @ of a password as %40")
    made = create_engine(
        url.set(drivername="postgresql+psycopg", query={**PATIENCE, **url.query}),
        pool_size=1,
        pool_pre_ping=True,
        # A prepared statement belongs to one connection, which a pooler may change between two transactions.
        connect_args={"prepare_threshold": None, "client_encoding": "utf8"},
    )
    event.listen(made, "connect", lambda connection, _: _keep_text(connection))
    event.listen(made, "begin", lambda connection: _begin(connection, read_only=read_only))
    return made


class Lock:
    """An advisory lock, which the server lets go of when its connection ends."""

    def __init__(self, connection: "Connection[Any]") -> None:
        self._connection = connection

    def close(self) -> None:
        """Let go of it at once: the server notices only a moment later that a connection has ended."""
        import psycopg

        with suppress(psycopg.Error):
            self._connection.execute("SELECT pg_advisory_unlock(%s)", [LEADERS])
        self._connection.close()

    def held(self) -> bool:
        """Whether the connection still answers."""
        import psycopg

        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True


def locked(url: URL) -> Lock | None:
    """The lock of this database on a connection of its own, or None while another process has it."""
    import psycopg

    address = url.set(drivername="postgresql", query={**PATIENCE, **url.query}).render_as_string(hide_password=False)
    try:
        connection = psycopg.connect(address, autocommit=True)
        taken = connection.execute("SELECT pg_try_advisory_lock(%s)", [LEADERS]).fetchone()
    except psycopg.Error as error:
        raise TryAgainError("the database cannot be reached, or does not say who leads") from error
    if taken == (True,):
        return Lock(connection)
    connection.close()
    return None


def told(error: DBAPIError) -> StoreError | TryAgainError:
    """What went wrong, in one sentence and without the address it was sent to."""
    state = getattr(error.orig, "sqlstate", None)
    words = (str(error.orig).splitlines() or [""])[0].removeprefix("connection failed: ")
    if state in BUSY:
        return TryAgainError("the database is in use by another process")
    if state == READ_ONLY:
        return StoreError("the database is read-only")
    if state in LOST or error.connection_invalidated:
        return TryAgainError("the connection to the database was lost; what was not yet written down is undone")
    _, refused, why = words.partition("FATAL: ")
    why = why.strip() or words
    if state is None and isinstance(error, OperationalError) and (not refused or NOT_NOW.search(why)):
        return TryAgainError(f"the database cannot be reached: {why}")
    return StoreError(f"the database cannot be used: {why}")


def _begin(connection: Transaction, *, read_only: bool) -> None:
    reading = read_only or "reading" in connection.get_execution_options()
    connection.exec_driver_sql(READING if reading else WRITING)


def _keep_text(connection: Any) -> None:
    """Foreign text may hold a NUL, which is the one character that PostgreSQL cannot keep."""
    from psycopg.types.string import StrDumper

    class WithoutNul(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    connection.adapters.register_dumper(str, WithoutNul)
