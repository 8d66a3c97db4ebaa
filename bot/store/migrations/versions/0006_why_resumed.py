"""Why a bot was resumed, in the words of who did it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Schema 0005 to 0006."""
    op.add_column("halts", sa.Column("note", TEXT))
