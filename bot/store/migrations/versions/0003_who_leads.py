"""Who leads, the broker's account, how often an order was about to be sent, and a broker's id that is written once."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WRITTEN_ONCE = {
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


def upgrade() -> None:
    """Schema 0002 to 0003."""
    with op.batch_alter_table("control") as batch:
        batch.add_column(sa.Column("epoch", sa.Integer, nullable=False, server_default="0"))
        batch.add_column(sa.Column("broker_account", TEXT))
    with op.batch_alter_table("orders") as batch:
        batch.add_column(sa.Column("attempts", sa.Integer, nullable=False, server_default="0"))
    # An order that was sent may have been sent once: whatever is refused from now on was refused again.
    op.execute("UPDATE orders SET attempts = 1 WHERE status <> 'intent'")
    for statement in WRITTEN_ONCE[op.get_bind().dialect.name]:
        op.execute(statement)
