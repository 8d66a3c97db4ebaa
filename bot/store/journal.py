"""What has happened, for whoever is told of it: each listener from where it was last told."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select

from bot.model import Notice, OrderStatus
from bot.plain import decimal_text
from bot.store import lead
from bot.store.database import Database
from bot.store.tables import cursors, halts, orders, transitions

TOLD: Final = "told:"
TELLING: Final = [status.value for status in (OrderStatus.WORKING, *(each for each in OrderStatus if each.is_final))]
SHOWN: Final = [orders.c[name] for name in ("side", "quantity", "symbol", "filled", "price", "currency")]
STEPS: Final = (
    select(transitions, *SHOWN).join(orders).where(transitions.c.after.in_(TELLING)).order_by(transitions.c.n)
)


class Journal:
    """The steps of all orders and the halts, both only ever added to: nothing that was committed goes untold."""

    def __init__(self, database: Database, epoch: Callable[[], int | None]) -> None:
        self._database = database
        self._epoch = epoch

    def begin(self, listeners: Iterable[str]) -> None:
        """Tell whoever is new among these what happens from now on."""
        for listener in listeners:
            with self._database.read() as connection:
                is_new = _marks(connection, listener) is None
            if is_new:
                self._mark(listener, *self._ends())

    def untold(self, listener: str) -> list[Notice]:
        """What this listener has not been told, the earliest first; a new one has missed nothing."""
        with self._database.read() as connection:
            marks = _marks(connection, listener)
            if marks is None:
                return []
            steps = connection.execute(STEPS.where(transitions.c.n > marks[0])).all()
            stops = connection.execute(select(halts).where(halts.c.n > marks[1]).order_by(halts.c.n)).all()
        return sorted([*map(_of_step, steps), *map(_of_halt, stops)], key=lambda notice: notice.at)

    def told(self, listener: str, notices: Sequence[Notice]) -> None:
        """From now on this listener knows these; TryAgainError when another process leads."""
        steps = [notice.number for notice in notices if notice.kind == "orders"]
        stops = [notice.number for notice in notices if notice.kind != "orders"]
        self._mark(listener, max(steps, default=0), max(stops, default=0))

    def _ends(self) -> tuple[int, int]:
        with self._database.read() as connection:
            last = [connection.execute(select(func.max(table.c.n))).scalar() or 0 for table in (transitions, halts)]
        return last[0], last[1]

    def _mark(self, listener: str, step: int, stop: int) -> None:
        with self._database.write() as connection:
            lead.check(connection, self._epoch())
            marks = _marks(connection, listener) or (0, 0)
            connection.execute(delete(cursors).where(cursors.c.name == TOLD + listener))
            value = json.dumps([max(step, marks[0]), max(stop, marks[1])])
            connection.execute(insert(cursors).values(name=TOLD + listener, value=value))


def _marks(connection: Connection, listener: str) -> tuple[int, int] | None:
    """The last step and the last halt that a listener was told of; None for a new one."""
    found = connection.execute(select(cursors.c.value).where(cursors.c.name == TOLD + listener)).scalar()
    return None if found is None else tuple(json.loads(found))


def _of_step(row: Any) -> Notice:
    price = f" at {decimal_text(row.price)} {row.currency}" if row.price else ""
    filled = "" if row.after == OrderStatus.FILLED else f", {decimal_text(row.filled)} of them filled"
    so_far = f"{filled}{price}" if row.filled and row.after != OrderStatus.WORKING else ""
    reason = f": {row.reason}" if row.reason else ""
    words = f"{row.side} {decimal_text(row.quantity)} {row.symbol} {row.after}{so_far}{reason}"
    return Notice(kind="orders", number=row.n, at=row.at, words=words)


def _of_halt(row: Any) -> Notice:
    if row.reason is None:
        return Notice(kind="resumed", number=row.n, at=row.at, words=f"resumed: {row.note}" if row.note else "resumed")
    return Notice(kind="halted", number=row.n, at=row.at, words=f"HALTED: {row.reason}")
