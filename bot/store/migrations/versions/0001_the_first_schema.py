"""The first schema, as it was written before there were migrations."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """An empty database to schema 0001."""
    op.create_table(
        "control",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("trade_from", sa.String(32)),
        sa.Column("halted", sa.Text),
        sa.Column("halted_at", sa.String(32)),
    )
    op.create_table(
        "events",
        sa.Column("event_key", sa.String(40), primary_key=True),
        sa.Column("symbols", sa.Text, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("decision", sa.String(8), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.Column("client_order_id", sa.String(40), index=True),
        sa.Column("first_seen_at", sa.String(32), nullable=False),
        sa.Column("decided_at", sa.String(32), nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    )
    op.create_table(
        "lines",
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("event_key", sa.String(40), sa.ForeignKey("events.event_key"), nullable=False, index=True),
    )
    op.create_table(
        "orders",
        sa.Column("client_order_id", sa.String(40), primary_key=True),
        sa.Column("decision_id", sa.String(40), nullable=False, unique=True),
        sa.Column("account", sa.String(40), nullable=False),
        sa.Column("strategy", sa.String(80), nullable=False),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("symbol", sa.String(16), nullable=False, index=True),
        sa.Column("isin", sa.String(12)),
        sa.Column("mic", sa.String(4)),
        sa.Column("side", sa.String(4), nullable=False),
        sa.Column("quantity", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("session", sa.String(10), nullable=False),
        sa.Column("valid_from", sa.String(32), nullable=False),
        sa.Column("valid_until", sa.String(32), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("status", sa.String(12), nullable=False, index=True),
        sa.Column("broker_order_id", sa.String(80), unique=True),
        sa.Column("filled", sa.String(40), nullable=False),
        sa.Column("price", sa.String(40)),
        sa.Column("fee", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("updated_at", sa.String(32)),
    )
    op.create_table(
        "transitions",
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column(
            "client_order_id", sa.String(40), sa.ForeignKey("orders.client_order_id"), nullable=False, index=True
        ),
        sa.Column("before", sa.String(12), nullable=False),
        sa.Column("after", sa.String(12), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_table(
        "fills",
        sa.Column("client_order_id", sa.String(40), sa.ForeignKey("orders.client_order_id"), primary_key=True),
        sa.Column("filled_before", sa.String(40), primary_key=True),
        sa.Column("symbol", sa.String(16), nullable=False),
        sa.Column("side", sa.String(4), nullable=False),
        sa.Column("quantity", sa.String(40), nullable=False),
        sa.Column("price", sa.String(40), nullable=False),
        sa.Column("fee", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "mappings",
        sa.Column("request", sa.Text, primary_key=True),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "paper_account",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("cash", sa.String(40), nullable=False),
    )
    op.create_table(
        "paper_orders",
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("client_order_id", sa.String(40), nullable=False, unique=True),
        sa.Column("broker_order_id", sa.String(80), nullable=False, unique=True),
        sa.Column("symbol", sa.String(16), nullable=False),
        sa.Column("isin", sa.String(12)),
        sa.Column("mic", sa.String(4)),
        sa.Column("side", sa.String(4), nullable=False),
        sa.Column("quantity", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", sa.String(12), nullable=False, index=True),
        sa.Column("filled", sa.String(40), nullable=False),
        sa.Column("price", sa.String(40)),
        sa.Column("fee", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("valid_from", sa.String(32)),
        sa.Column("valid_until", sa.String(32)),
        sa.Column("updated_at", sa.String(32)),
    )
    op.create_table(
        "paper_positions",
        sa.Column("symbol", sa.String(16), primary_key=True),
        sa.Column("isin", sa.String(12)),
        sa.Column("quantity", sa.String(40), nullable=False),
        sa.Column("average_price", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
    )
    op.execute(sa.text("INSERT INTO control (id, schema_version) VALUES (1, 1)"))
