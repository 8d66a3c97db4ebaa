"""The bot's database as others see it: what is durable at this moment, read beside the process that writes it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import text

from bot.model import Order, Side
from bot.store.database import Database, connected, parsed
from bot.store.repository import Repository


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

    def may_sweep(self, client_order_id: str, broker_order_id: str, now: datetime) -> str | None:
        """Why an inactive order of this key and id may not be canceled now, or None.

        Nobody may while the key is open: it may be the order that is looked for, or the one that is to be activated.
        """
        query = "SELECT status, broker_order_id, valid_until FROM orders WHERE client_order_id = :key"
        for order in self.rows(query, key=client_order_id):
            is_wanted = order["broker_order_id"] == broker_order_id and order["status"] == "inactive"
            is_over = datetime.fromisoformat(order["valid_until"]) <= now or self._unhalted("") is not None
            if order["status"] in {"intent", "submitting"} or (is_wanted and not is_over):
                return f"I8 {broker_order_id} is canceled while {client_order_id} is written down as {order['status']}"
        return None

    def bought(self, by: datetime) -> dict[str, Decimal]:
        """The shares that must be there, by what is written down as bought by this instant.

        Those are left out that were written off, or that an open sale may have sold by now.
        """
        left = {each.symbol: each.quantity for each in Repository(self._database).holdings(by)}
        for order in self.open_sales():
            left[order.symbol] = left.get(order.symbol, Decimal(0)) - (order.quantity - order.filled)
        return left

    def open_sales(self) -> list[Order]:
        """The sales that are not over."""
        return [order for _, order in Repository(self._database).open_orders() if order.side is Side.SELL]

    def account(self) -> str | None:
        """The account that orders are placed in."""
        return Repository(self._database).broker_account()

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
