"""Where the simulated broker keeps its account: the books a real broker would keep on its side."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from bot.model import Fill, Order, OrderStatus, Position, Side
from bot.store.database import Database
from bot.store.tables import paper_account, paper_orders, paper_positions, row_of

# Built once, because every order takes them several times.
ORDERS: Final = (
    select(paper_orders)
    .where(paper_orders.c.status.in_(bindparam("statuses", expanding=True)))
    .order_by(paper_orders.c.n)
)
CASH: Final = select(paper_account.c.cash)
ORDER: Final = select(paper_orders).where(paper_orders.c.client_order_id == bindparam("key"))
PLACE: Final = insert(paper_orders).inline()
CHANGE: Final = update(paper_orders).where(
    paper_orders.c.client_order_id == bindparam("key"), paper_orders.c.status == bindparam("stood")
)


class PaperBooks:
    """One paper account; it begins with `cash` when it is first written to."""

    def __init__(self, database: Database, cash: Decimal) -> None:
        self._database = database
        self._opening = cash

    def cash(self) -> Decimal:
        """Settled cash."""
        with self._database.read() as connection:
            return self._cash(connection)

    def orders(self, *statuses: OrderStatus) -> Sequence[Order]:
        """The orders in any of these statuses, oldest first; all of them when none is named."""
        wanted = {"statuses": [status.value for status in statuses or OrderStatus]}
        with self._database.read() as connection:
            return [_order(row) for row in connection.execute(ORDERS, wanted).mappings()]

    def order(self, client_order_id: str) -> Order | None:
        """The order of this id."""
        with self._database.read() as connection:
            return _found(connection, client_order_id)

    def place(self, order: Order) -> Order:
        """Keep a new order, or return the one already kept under its id."""
        with self._database.write() as connection:
            known = _found(connection, order.client_order_id)
            if known is None:
                connection.execute(PLACE, row_of(paper_orders, order))
        return known or order

    def change(self, order: Order, before: OrderStatus) -> None:
        """Keep the order's new status if it still has the one before; otherwise change nothing."""
        with self._database.write() as connection:
            _change(connection, order, before)

    def fill(self, order: Order, fill: Fill) -> None:
        """Keep a working order's fill together with its effect on cash and position, all or nothing, once."""
        paid = fill.quantity * fill.price * (1 if fill.side is Side.BUY else -1) + fill.fee
        with self._database.write() as connection:
            if not _change(connection, order, OrderStatus.WORKING):
                return  # filled by another look at the same moment
            cash = self._cash(connection) - paid
            connection.execute(delete(paper_account))
            connection.execute(insert(paper_account), {"id": 1, "cash": cash})
            _trade(connection, order, fill)

    def positions(self) -> Sequence[Position]:
        """Every open position, by symbol."""
        with self._database.read() as connection:
            rows = connection.execute(select(paper_positions).order_by(paper_positions.c.symbol)).mappings()
            return [Position(**row) for row in rows]

    def _cash(self, connection: Connection) -> Decimal:
        cash: Decimal | None = connection.execute(CASH).scalar()
        return self._opening if cash is None else cash


def _trade(connection: Connection, order: Order, fill: Fill) -> None:
    """The position after the fill: bought shares move its average price, sold ones do not."""
    this = paper_positions.c.symbol == fill.symbol
    row = connection.execute(select(paper_positions).where(this)).mappings().first()
    held, average = (row["quantity"], row["average_price"]) if row else (Decimal(0), Decimal(0))
    connection.execute(delete(paper_positions).where(this))
    after = held + (fill.quantity if fill.side is Side.BUY else -fill.quantity)
    if fill.side is Side.BUY:
        average = (held * average + fill.quantity * fill.price) / after
    if after > 0:
        position = Position(
            symbol=fill.symbol, isin=order.isin, quantity=after, average_price=average, currency=fill.currency
        )
        connection.execute(insert(paper_positions), row_of(paper_positions, position))


def _found(connection: Connection, client_order_id: str) -> Order | None:
    row = connection.execute(ORDER, {"key": client_order_id}).mappings().first()
    return _order(row) if row else None


def _change(connection: Connection, order: Order, before: OrderStatus) -> bool:
    stood = {"key": order.client_order_id, "stood": before}
    return connection.execute(CHANGE, stood | row_of(paper_orders, order)).rowcount == 1


def _order(row: Any) -> Order:
    values = {name: row[name] for name in Order.__dataclass_fields__ if name in row}
    return Order(**{**values, "side": Side(values["side"]), "status": OrderStatus(values["status"])})
