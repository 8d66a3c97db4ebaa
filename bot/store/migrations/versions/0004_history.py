"""What was seen of companies and people, kept as strategies look at it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Schema 0003 to 0004."""
    op.create_table(
        "history",
        sa.Column("event_key", TEXT, primary_key=True),
        sa.Column("known_at", TEXT, primary_key=True),
        sa.Column("company", TEXT, nullable=False),
        sa.Column("person", TEXT, nullable=False),
        sa.Column("key", TEXT),
        sa.Column("source", TEXT),
        sa.Column("accession", TEXT),
        sa.Column("form", TEXT),
        sa.Column("amends", TEXT),
        sa.Column("url", TEXT),
        sa.Column("issuer_cik", TEXT),
        sa.Column("issuer", TEXT),
        sa.Column("symbol", TEXT),
        sa.Column("owner_cik", TEXT),
        sa.Column("owner", TEXT),
        sa.Column("title", TEXT),
        sa.Column("is_officer", sa.Boolean),
        sa.Column("is_director", sa.Boolean),
        sa.Column("is_ten_percent", sa.Boolean),
        sa.Column("role", TEXT),
        sa.Column("code", TEXT),
        sa.Column("acquired", TEXT),
        sa.Column("side", TEXT),
        sa.Column("security", TEXT),
        sa.Column("is_derivative", sa.Boolean),
        sa.Column("ownership", TEXT),
        sa.Column("plan_10b5_1", sa.Boolean),
        sa.Column("traded_on", TEXT),
        sa.Column("filed_on", TEXT),
        sa.Column("shares", sa.Double),
        sa.Column("price", sa.Double),
        sa.Column("value", sa.Double),
        sa.Column("currency", TEXT),
        sa.Column("shares_after", sa.Double),
        sa.Column("symbols", TEXT),
        sa.Column("held_before", sa.Double),
        sa.Column("basis", TEXT),
        sa.Column("exercised", sa.Double),
        sa.Column("quarantine", TEXT),
    )
    op.create_index("history_of_a_company", "history", ["company", "known_at"])
    op.create_index("history_of_a_person", "history", ["person"])
    op.create_index("history_by_instant", "history", ["known_at"])
