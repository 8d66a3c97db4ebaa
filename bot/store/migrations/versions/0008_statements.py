"""What rows of web tables stated: a later filing that states it again is no news when the first has left its page."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Schema 0007 to 0008."""
    op.create_table(
        "statements",
        sa.Column("statement", TEXT, primary_key=True),
        sa.Column("filed_on", TEXT, primary_key=True),
    )
