"""The tables, readable with any SQLite or PostgreSQL tool: decimals and instants are text, secrets are nowhere."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Boolean, Column, ForeignKey, Integer, MetaData, String, Table, Text, TypeDecorator
from sqlalchemy.engine import Dialect

from bot.model import decimal_text

SCHEMA_VERSION: Final = 1


class Exact(TypeDecorator[Decimal]):
    """A decimal as text, so that no engine rounds it."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, _: Dialect) -> str | None:
        """Decimal to text."""
        return None if value is None else decimal_text(value)

    def process_result_value(self, value: str | None, _: Dialect) -> Decimal | None:
        """Text to decimal."""
        return None if value is None else Decimal(value)


class Instant(TypeDecorator[datetime]):
    """An aware instant as ISO 8601 text in UTC; sorts as it happened."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> str | None:
        """Instant to text."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, _: Dialect) -> datetime | None:
        """Text to instant."""
        return None if value is None else datetime.fromisoformat(value)


class Day(TypeDecorator[date]):
    """A date as ISO 8601 text."""

    impl = String(10)
    cache_ok = True

    def process_bind_param(self, value: date | None, _: Dialect) -> str | None:
        """Date to text."""
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, _: Dialect) -> date | None:
        """Text to date."""
        return None if value is None else date.fromisoformat(value)


metadata: Final = MetaData()

control: Final = Table(
    "control",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row: 1
    Column("schema_version", Integer, nullable=False),
    Column("trade_from", Instant),
    Column("halted", Text),
    Column("halted_at", Instant),
)

# What was seen and why it was or was not followed. A verdict that is not final is decided again while it is fresh.
events: Final = Table(
    "events",
    metadata,
    Column("event_key", String(40), primary_key=True),
    Column("symbols", Text, nullable=False),  # every ticker it was listed under, each between blanks
    Column("owner", Text),
    Column("decision", String(8), nullable=False),
    Column("rule", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("client_order_id", String(40), index=True),
    Column("first_seen_at", Instant, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("details", Text, nullable=False),  # the decision as `run --format json` prints it
)

lines: Final = Table(
    "lines",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("event_key", String(40), ForeignKey("events.event_key"), nullable=False, index=True),
)

orders: Final = Table(
    "orders",
    metadata,
    Column("client_order_id", String(40), primary_key=True),
    Column("decision_id", String(40), nullable=False, unique=True),
    Column("account", String(40), nullable=False),
    Column("strategy", String(80), nullable=False),
    Column("instrument", Text, nullable=False),  # the instrument with its proof, as JSON
    Column("symbol", String(16), nullable=False, index=True),
    Column("isin", String(12)),
    Column("mic", String(4)),
    Column("side", String(4), nullable=False),
    Column("quantity", Exact, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("session", Day, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("status", String(12), nullable=False, index=True),
    Column("broker_order_id", String(80), unique=True),
    Column("filled", Exact, nullable=False),
    Column("price", Exact),
    Column("fee", Exact, nullable=False),
    Column("reason", Text, nullable=False),
    Column("updated_at", Instant),
)

# The life of every order; only ever added to.
transitions: Final = Table(
    "transitions",
    metadata,
    Column("n", Integer, primary_key=True),
    Column("client_order_id", String(40), ForeignKey("orders.client_order_id"), nullable=False, index=True),
    Column("before", String(12), nullable=False),
    Column("after", String(12), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

fills: Final = Table(
    "fills",
    metadata,
    Column("client_order_id", String(40), ForeignKey("orders.client_order_id"), primary_key=True),
    Column("filled_before", Exact, primary_key=True),  # shares filled before this one: the same fill has the same place
    Column("symbol", String(16), nullable=False),
    Column("side", String(4), nullable=False),
    Column("quantity", Exact, nullable=False),
    Column("price", Exact, nullable=False),
    Column("fee", Exact, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("at", Instant, nullable=False),
)

cursors: Final = Table(
    "cursors", metadata, Column("name", String(80), primary_key=True), Column("value", Text, nullable=False)
)

mappings: Final = Table(
    "mappings",
    metadata,
    Column("request", Text, primary_key=True),
    Column("answer", Text, nullable=False),
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
    Column("client_order_id", String(40), nullable=False, unique=True),
    Column("broker_order_id", String(80), nullable=False, unique=True),
    Column("symbol", String(16), nullable=False),
    Column("isin", String(12)),
    Column("mic", String(4)),
    Column("side", String(4), nullable=False),
    Column("quantity", Exact, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("status", String(12), nullable=False, index=True),
    Column("filled", Exact, nullable=False),
    Column("price", Exact),
    Column("fee", Exact, nullable=False),
    Column("reason", Text, nullable=False),
    Column("valid_from", Instant),
    Column("valid_until", Instant),
    Column("updated_at", Instant),
)

paper_positions: Final = Table(
    "paper_positions",
    metadata,
    Column("symbol", String(16), primary_key=True),
    Column("isin", String(12)),
    Column("quantity", Exact, nullable=False),
    Column("average_price", Exact, nullable=False),
    Column("currency", String(3), nullable=False),
)


def row_of(table: Table, record: Any) -> dict[str, Any]:
    """Those fields of a record that the table has columns for."""
    return {column.name: getattr(record, column.name) for column in table.columns if hasattr(record, column.name)}
