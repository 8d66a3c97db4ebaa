"""The tables, readable with any SQLite or PostgreSQL tool: decimals and instants are text, secrets are nowhere."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect

from bot.plain import decimal_text

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")  # see migrations/versions
HEAD: Final = REVISIONS[-1]

# Of any length, and sorted by its bytes on every engine, as SQLite does it.
TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")


class Exact(TypeDecorator[Decimal]):
    """A decimal as text, so that no engine rounds it."""

    impl = TEXT
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, _: Dialect) -> str | None:
        """Decimal to text."""
        return None if value is None else decimal_text(value)

    def process_result_value(self, value: str | None, _: Dialect) -> Decimal | None:
        """Text to decimal."""
        return None if value is None else Decimal(value)


class Instant(TypeDecorator[datetime]):
    """An aware instant as ISO 8601 text in UTC; sorts as it happened."""

    impl = TEXT
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> str | None:
        """Instant to text."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, _: Dialect) -> datetime | None:
        """Text to instant."""
        return None if value is None else datetime.fromisoformat(value)


class Day(TypeDecorator[date]):
    """A date as ISO 8601 text."""

    impl = TEXT
    cache_ok = True

    def process_bind_param(self, value: date | None, _: Dialect) -> str | None:
        """Date to text."""
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, _: Dialect) -> date | None:
        """Text to date."""
        return None if value is None else date.fromisoformat(value)


# Alembic's own table as Alembic makes it; not in the metadata, which describes ours.
revision: Final = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

metadata: Final = MetaData()

control: Final = Table(
    "control",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row: 1
    Column("trade_from", Instant),
    Column("halted", TEXT),
    Column("halted_at", Instant),
    Column("epoch", Integer, nullable=False, server_default="0"),  # of the process that leads: nobody else may write
    Column("broker_account", TEXT),  # where orders are placed; another one is not ours
)

# What was seen and why it was or was not followed. A verdict that is not final is decided again while it is fresh.
events: Final = Table(
    "events",
    metadata,
    Column("event_key", TEXT, primary_key=True),
    Column("symbols", TEXT, nullable=False),  # every ticker it was listed under, each between blanks
    Column("owner", TEXT),
    Column("decision", TEXT, nullable=False),
    Column("rule", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("client_order_id", TEXT, index=True),
    Column("first_seen_at", Instant, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("details", TEXT, nullable=False),  # the decision as `run --format json` prints it
)

# Every version of every event that was seen, as a strategy sees it: what is said of the past is looked up here.
history: Final = Table(
    "history",
    metadata,
    Column("event_key", TEXT, primary_key=True),
    Column("known_at", TEXT, primary_key=True),  # as `Instant` writes it
    Column("company", TEXT, nullable=False),
    Column("person", TEXT, nullable=False),
    Column("key", TEXT),
    Column("source", TEXT),
    Column("accession", TEXT),
    Column("form", TEXT),
    Column("amends", TEXT),
    Column("url", TEXT),
    Column("issuer_cik", TEXT),
    Column("issuer", TEXT),
    Column("symbol", TEXT),
    Column("owner_cik", TEXT),
    Column("owner", TEXT),
    Column("title", TEXT),
    Column("is_officer", Boolean),
    Column("is_director", Boolean),
    Column("is_ten_percent", Boolean),
    Column("role", TEXT),
    Column("code", TEXT),
    Column("acquired", TEXT),
    Column("side", TEXT),
    Column("security", TEXT),
    Column("is_derivative", Boolean),
    Column("ownership", TEXT),
    Column("plan_10b5_1", Boolean),
    Column("traded_on", TEXT),
    Column("filed_on", TEXT),
    Column("shares", Double),
    Column("price", Double),
    Column("value", Double),
    Column("currency", TEXT),
    Column("shares_after", Double),
    Column("symbols", TEXT),
    Column("held_before", Double),
    Column("basis", TEXT),
    Column("exercised", Double),
    Column("quarantine", TEXT),
    Index("history_of_a_company", "company", "known_at"),
    Index("history_of_a_person", "person", "known_at"),
    Index("history_by_instant", "known_at"),
)

lines: Final = Table(
    "lines",
    metadata,
    Column("key", TEXT, primary_key=True),
    Column("event_key", TEXT, ForeignKey("events.event_key"), nullable=False, index=True),
)

# What rows of web tables stated, and when that was filed: a later filing's row that states it again is no news.
statements: Final = Table(
    "statements",
    metadata,
    Column("statement", TEXT, primary_key=True),
    Column("filed_on", Day, primary_key=True),
)

orders: Final = Table(
    "orders",
    metadata,
    Column("client_order_id", TEXT, primary_key=True),
    Column("decision_id", TEXT, nullable=False, unique=True),
    Column("account", TEXT, nullable=False),
    Column("strategy", TEXT, nullable=False),
    Column("instrument", TEXT, nullable=False),  # the instrument with its proof, as JSON
    Column("symbol", TEXT, nullable=False, index=True),
    Column("isin", TEXT),
    Column("mic", TEXT),
    Column("side", TEXT, nullable=False),
    Column("quantity", Exact, nullable=False),
    Column("currency", TEXT, nullable=False),
    Column("session", Day, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("status", TEXT, nullable=False, index=True),
    Column("broker_order_id", TEXT, unique=True),  # written once
    Column("filled", Exact, nullable=False),
    Column("price", Exact),
    Column("fee", Exact, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("updated_at", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),  # how often it was about to be sent
)

# The broker's id of an order is written once, whoever writes: engine -> the statements that see to it.
WRITTEN_ONCE: Final = {
    "sqlite": (
        """
        CREATE TRIGGER broker_order_id_is_written_once BEFORE UPDATE OF broker_order_id ON orders
        WHEN OLD.broker_order_id IS NOT NULL AND NEW.broker_order_id IS NOT OLD.broker_order_id
        BEGIN SELECT RAISE(ABORT, 'the broker''s id of an order is written once'); END
        """,
    ),
    "postgresql": (
        """
        CREATE OR REPLACE FUNCTION broker_order_id_is_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'the broker''s id of an order is written once' USING ERRCODE = '23514'; END $$
        """,
        """
        CREATE TRIGGER broker_order_id_is_written_once BEFORE UPDATE ON orders FOR EACH ROW
        WHEN (OLD.broker_order_id IS NOT NULL AND NEW.broker_order_id IS DISTINCT FROM OLD.broker_order_id)
        EXECUTE FUNCTION broker_order_id_is_written_once()
        """,
    ),
}

# The life of every order; only ever added to.
transitions: Final = Table(
    "transitions",
    metadata,
    Column("n", Integer, primary_key=True),
    Column("client_order_id", TEXT, ForeignKey("orders.client_order_id"), nullable=False, index=True),
    Column("before", TEXT, nullable=False),
    Column("after", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("at", Instant, nullable=False),
)

# Every halt with its reason, and every end of one, without, and perhaps with a note why; only ever added to.
halts: Final = Table(
    "halts",
    metadata,
    Column("n", Integer, primary_key=True),
    Column("reason", TEXT),
    Column("at", Instant, nullable=False),
    Column("note", TEXT),
)

fills: Final = Table(
    "fills",
    metadata,
    Column("client_order_id", TEXT, ForeignKey("orders.client_order_id"), primary_key=True),
    Column("filled_before", Exact, primary_key=True),  # shares filled before this one: the same fill has the same place
    Column("symbol", TEXT, nullable=False),
    Column("side", TEXT, nullable=False),
    Column("quantity", Exact, nullable=False),
    Column("price", Exact, nullable=False),
    Column("fee", Exact, nullable=False),
    Column("currency", TEXT, nullable=False),
    Column("at", Instant, nullable=False),
)

cursors: Final = Table(
    "cursors", metadata, Column("name", TEXT, primary_key=True), Column("value", TEXT, nullable=False)
)

mappings: Final = Table(
    "mappings",
    metadata,
    Column("request", TEXT, primary_key=True),
    Column("answer", TEXT, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

# The simulated broker's own books: what a real broker would keep on its side.
paper_account: Final = Table(
    "paper_account",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row: 1
    Column("cash", Exact, nullable=False),
)

paper_orders: Final = Table(
    "paper_orders",
    metadata,
    Column("n", Integer, primary_key=True),
    Column("client_order_id", TEXT, nullable=False, unique=True),
    Column("broker_order_id", TEXT, nullable=False, unique=True),
    Column("symbol", TEXT, nullable=False),
    Column("isin", TEXT),
    Column("mic", TEXT),
    Column("side", TEXT, nullable=False),
    Column("quantity", Exact, nullable=False),
    Column("currency", TEXT, nullable=False),
    Column("status", TEXT, nullable=False, index=True),
    Column("filled", Exact, nullable=False),
    Column("price", Exact),
    Column("fee", Exact, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("valid_from", Instant),
    Column("valid_until", Instant),
    Column("updated_at", Instant),
)

paper_positions: Final = Table(
    "paper_positions",
    metadata,
    Column("symbol", TEXT, primary_key=True),
    Column("isin", TEXT),
    Column("quantity", Exact, nullable=False),
    Column("average_price", Exact, nullable=False),
    Column("currency", TEXT, nullable=False),
)


def row_of(table: Table, record: Any) -> dict[str, Any]:
    """Those fields of a record that the table has columns for."""
    return {column.name: getattr(record, column.name) for column in table.columns if hasattr(record, column.name)}
