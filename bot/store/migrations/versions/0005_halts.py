"""Every halt and every end of one, for whoever is told of them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Schema 0004 to 0005."""
    op.create_table(
        "halts",
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("reason", TEXT),
        sa.Column("at", TEXT, nullable=False),
    )
