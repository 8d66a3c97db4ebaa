"""The table of the past: every version of every event as a strategy sees it, found by company and person."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import Connection, func, insert, select

from bot.events import as_table
from bot.history import HISTORY_FROM, companies, people
from bot.model import Event, Side
from bot.store.queries import chunks
from bot.store.tables import history
from bot.trades import COLUMNS, DAY, DTYPES, INSTANT, NUMBER, TEXT

SEVERAL: Final = "several"
MANY: Final = 10_000  # keys per query; twice as many are below every engine's limit on bound values
LOOK_BACK: Final = timedelta(days=400)  # how far a strategy sees the others of a company; a person's own past is whole
LATELY: Final = timedelta(days=40)  # how far it sees whatever anybody bought: ranks compare all companies
KINDS: Final = {
    **{name: kind for name, kind in COLUMNS.items() if name != "key"},
    "key": TEXT,
    "event_key": TEXT,
    "symbols": SEVERAL,
    "held_before": NUMBER,
    "basis": TEXT,
    "exercised": NUMBER,
    "quarantine": TEXT,
}
EVERYTHING: Final = select(*(history.c[name] for name in KINDS))


def keep(connection: Connection, seen: Sequence[Event]) -> None:
    """Write down the versions that are not there yet; one whose instant nobody knows has no place in the past."""
    table = as_table(seen)
    told = table[table["known_at"].notna()].drop_duplicates(["event_key", "known_at"])
    if told.empty:
        return
    cells = cells_of(told)
    versions = select(history.c.event_key, history.c.known_at)
    kept = {
        (row.event_key, row.known_at)
        for chunk in chunks(cells["event_key"])
        for row in connection.execute(versions.where(history.c.event_key.in_(chunk)))
    }
    rows = (dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True))
    if new := [row for row in rows if (row["event_key"], row["known_at"]) not in kept]:
        connection.execute(insert(history), new)


def cells_of(told: pd.DataFrame) -> dict[str, list[Any]]:
    """The columns of the table of the past, filled from an events table, in the types that every engine takes."""
    cells = {name: _plain(told[name], kind) for name, kind in KINDS.items()}
    return cells | {"company": companies(told), "person": people(told)}


def around(connection: Connection, seen: Sequence[Event]) -> pd.DataFrame:
    """The past of these events' companies and people: everything of the people, and the company's last 400 days.

    Of the people that is everything, since whatever they filed may show what they held; of the company's others what
    was bought and sold on the open market, and what anybody bought lately.
    Its `attrs` say from when on anything was kept, of whomever: before that, nothing is known not to have happened.
    """
    table = as_table(seen)
    first = table["known_at"].min()
    since = "" if pd.isna(first) else _written(first - LOOK_BACK)
    rows: list[Sequence[Any]] = []
    for who, where in zip_longest(*(chunks(sorted(set(words)), MANY) for words in (people(table), companies(table)))):
        lately = history.c.company.in_(where or ()) & (history.c.known_at >= since) & history.c.side.is_not(None)
        rows += connection.execute(EVERYTHING.where(history.c.person.in_(who or ()) | lately)).all()
    if not pd.isna(first):
        bought = history.c.side == Side.BUY
        rows += connection.execute(EVERYTHING.where(bought, history.c.known_at >= _written(first - LATELY))).all()
    past = _table(rows).drop_duplicates(["event_key", "known_at"], ignore_index=True)
    if beginning := connection.scalar(select(func.min(history.c.known_at))):
        past.attrs[HISTORY_FROM] = beginning
    return past


def whole(connection: Connection) -> pd.DataFrame:
    """Everything that was kept, in the order in which it became public."""
    return _table(connection.execute(EVERYTHING.order_by(history.c.known_at, history.c.event_key)).all())


def _table(rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    cells = list(zip(*rows, strict=True)) or [()] * len(KINDS)
    made = {name: _read(values, kind) for (name, kind), values in zip(KINDS.items(), cells, strict=True)}
    return pd.DataFrame(made | {"keys": np.fromiter(([()] * len(rows)), dtype=object)}, copy=False)


def _plain(column: "pd.Series[Any]", kind: str) -> list[Any]:
    """A column in the types that every engine takes."""
    if kind == SEVERAL:
        return [" ".join(cell) for cell in column]
    if kind == INSTANT:
        return [_written(instant) for instant in column]
    if kind == DAY:
        column = column.dt.strftime("%Y-%m-%d")
    return [None if missing else cell for cell, missing in zip(column.tolist(), column.isna(), strict=True)]


def _read(cells: Sequence[Any], kind: str) -> Any:
    """A column of the events table."""
    if kind == SEVERAL:
        several = {cell: tuple(cell.split()) for cell in set(cells)}
        return np.fromiter(map(several.__getitem__, cells), dtype=object)
    if kind == INSTANT:
        return pd.to_datetime(pd.Series(cells, dtype="str"), format="ISO8601", utc=True).astype(DTYPES[INSTANT])
    return pd.array(cells, dtype=DTYPES[kind])


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
