"""The bot's database as others see it: what is durable at this moment, read beside the process that writes it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from sqlalchemy import text

from bot.store.database import Database, connected, parsed


class Ledger:
    """What is written down, and what may be sent because of it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def may_create(self, client_order_id: str) -> str | None:
        """Why no order of this key may be sent now, or None."""
        orders = self.rows("SELECT status FROM orders WHERE client_order_id = :key", key=client_order_id)
        if [order["status"] for order in orders] != ["submitting"]:
            return f"I3 {client_order_id} is sent while it is written down as {orders}"
        return self._unhalted(f"create {client_order_id}")

    def may_activate(self, broker_order_id: str) -> str | None:
        """Why no order of this id may be activated now, or None."""
        orders = self.rows("SELECT status FROM orders WHERE broker_order_id = :id", id=broker_order_id)
        if [order["status"] for order in orders] != ["activating"]:
            return f"I4 {broker_order_id} is activated while it is written down as {orders}"
        return self._unhalted(f"activate {broker_order_id}")

    def rows(self, query: str, **values: Any) -> list[Mapping[str, Any]]:
        """What a query finds."""
        with self._database.read() as connection:
            return [dict(row) for row in connection.execute(text(query), values).mappings()]

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    @cached_property
    def _database(self) -> Database:
        return connected(parsed(self._url))

    def _unhalted(self, what: str) -> str | None:
        halted = self.rows("SELECT halted FROM control")[0]["halted"]
        return f"I11 {what} while halted: {halted}" if halted else None
