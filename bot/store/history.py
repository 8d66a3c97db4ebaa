"""The table of the past: every version of every event as a strategy sees it, found by company and person."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import Connection, insert, select

from bot.events import as_table
from bot.history import companies, people
from bot.model import Event
from bot.store.queries import chunks
from bot.store.tables import history
from bot.trades import COLUMNS, DAY, DTYPES, INSTANT, NUMBER, TEXT

SEVERAL: Final = "several"
LOOK_BACK: Final = timedelta(days=400)  # how far a strategy sees the others of a company; a person's own past is whole
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


def keep(connection: Connection, seen: Sequence[Event]) -> None:
    """Write down the versions that are not there yet; one whose instant nobody knows has no place in the past."""
    table = as_table(seen)
    told = table[table["known_at"].notna()].drop_duplicates(["event_key", "known_at"])
    if told.empty:
        return
    cells = {name: _plain(told[name], kind) for name, kind in KINDS.items()}
    cells |= {"company": companies(told), "person": people(told)}
    versions = select(history.c.event_key, history.c.known_at)
    kept = {
        (row.event_key, row.known_at)
        for chunk in chunks(cells["event_key"])
        for row in connection.execute(versions.where(history.c.event_key.in_(chunk)))
    }
    rows = (dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True))
    if new := [row for row in rows if (row["event_key"], row["known_at"]) not in kept]:
        connection.execute(insert(history), new)


def around(connection: Connection, seen: Sequence[Event]) -> pd.DataFrame:
    """The past of these events' companies and people: everything of the people, and the company's last 400 days."""
    table = as_table(seen)
    everything = select(*(history.c[name] for name in KINDS))
    first = table["known_at"].min()
    lately = everything if pd.isna(first) else everything.where(history.c.known_at >= _written(first - LOOK_BACK))
    rows: dict[tuple[str, str], Any] = {}
    for query, column, words in (
        (everything, history.c.person, people(table)),
        (lately, history.c.company, companies(table)),
    ):
        for chunk in chunks(sorted(set(words))):
            rows |= {(row.event_key, row.known_at): row for row in connection.execute(query.where(column.in_(chunk)))}
    cells = list(zip(*rows.values(), strict=True)) or [()] * len(KINDS)
    made = {name: _read(values, kind) for (name, kind), values in zip(KINDS.items(), cells, strict=True)}
    return pd.DataFrame(made | {"keys": np.fromiter(([()] * len(rows)), dtype=object)})


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
        return np.fromiter((tuple(cell.split()) for cell in cells), dtype=object)
    if kind == INSTANT:
        return pd.to_datetime(pd.Series(cells, dtype="str"), format="ISO8601", utc=True).astype(DTYPES[INSTANT])
    return pd.array(cells, dtype=DTYPES[kind])


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
