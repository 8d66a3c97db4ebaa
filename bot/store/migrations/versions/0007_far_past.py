"""A person's trades are found by when they became known, too: few strategies look at all of them."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Schema 0006 to 0007."""
    op.drop_index("history_of_a_person", "history")
    op.create_index("history_of_a_person", "history", ["person", "known_at"])
