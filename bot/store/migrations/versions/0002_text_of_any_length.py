"""Text of any length, sorted by its bytes; the number of the schema is Alembic's to keep.

PostgreSQL enforces lengths, which SQLite never did: a broker's long order id must not cost us the order.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = (
    "control", "events", "lines", "orders", "transitions", "fills", "cursors", "mappings",
    "paper_account", "paper_orders", "paper_positions",
)  # fmt: skip
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Schema 0001 to 0002."""
    there = sa.inspect(op.get_bind())
    for table in TABLES:
        words = [column["name"] for column in there.get_columns(table) if isinstance(column["type"], sa.String)]
        with op.batch_alter_table(table) as batch:
            for name in words:
                batch.alter_column(name, type_=TEXT)
            if table == "control":
                batch.drop_column("schema_version")
