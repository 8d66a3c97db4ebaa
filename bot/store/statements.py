"""What rows of web tables stated, by the day on which the events were filed that they were lines of."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, insert, select

from bot.model import Event
from bot.store.queries import chunks
from bot.store.tables import statements


def keep(connection: Connection, seen: Sequence[Event]) -> None:
    """Write down what is not there yet."""
    told = {(stated, event.trade.filed_on) for event in seen if event.trade.filed_on for stated in event.statements}
    kept = filed_on(connection, sorted({stated for stated, _ in told}))
    if new := [(stated, day) for stated, day in told if day not in kept.get(stated, ())]:
        connection.execute(insert(statements), [{"statement": stated, "filed_on": day} for stated, day in sorted(new)])


def filed_on(connection: Connection, stated: Sequence[str]) -> dict[str, set[date]]:
    """On which days the events were filed that stated each of these, where any was."""
    days: dict[str, set[date]] = {}
    for chunk in chunks(stated):
        for statement, day in connection.execute(select(statements).where(statements.c.statement.in_(chunk))):
            days.setdefault(statement, set()).add(day)
    return days
