"""The table of the past: every version of every event as a strategy sees it, found by company and person."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from typing import Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, false, func, insert, select

from bot.events import basis, opens
from bot.history import HISTORY_FROM, company_in, is_unseen, person_in
from bot.model import Event, Reach, Side
from bot.store.queries import chunks
from bot.store.tables import history
from bot.trades import COLUMNS, DAY, DTYPES, FLAG, INSTANT, NUMBER, TEXT, texts

SEVERAL: Final = "several"
MANY: Final = 10_000  # keys per query; twice as many are below every engine's limit on bound values
BESIDES: Final = 400  # days that it is told of what else a person filed than trades
LONGEST: Final = 1000 * 365  # days, as far back as anybody looks
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
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for row in (_row(event) for event in seen if event.trade.known_at):
        told.setdefault((row["event_key"], row["known_at"]), row)
    versions = select(history.c.event_key, history.c.known_at)
    kept = {
        (row.event_key, row.known_at)
        for chunk in chunks(sorted({key for key, _ in told}))
        for row in connection.execute(versions.where(history.c.event_key.in_(chunk)))
    }
    if new := [row for version, row in told.items() if version not in kept]:
        connection.execute(insert(history), new)


def around(connection: Connection, seen: Sequence[Event], reach: Reach) -> pd.DataFrame:
    """The past of these events' companies and people, as far back as the `reach` asks for it.

    Of the people it is what they bought and sold on the open market, and whatever else they filed in the last 400 days;
    of the company's others, and of what anybody bought, the trades. It is everything of those who seem to begin a
    position, which may show what they held, and of what is amended by an event whose original is not among these. Its
    `attrs` say from when on anything was kept, of whomever: before that, nothing is known not to have happened.
    """
    first = min((event.trade.known_at for event in seen if event.trade.known_at), default=None)
    rows: list[Sequence[Any]] = []
    words = ({person_in(event) for event in seen}, {company_in(event) for event in seen})
    is_traded = history.c.side.is_not(None)
    for who, where in zip_longest(*(chunks(sorted(each), MANY) for each in words)):
        filed = is_traded | _since(first, BESIDES)
        theirs = history.c.person.in_(who or ()) & _since(first, reach.person) & filed
        others = history.c.company.in_(where or ()) & _since(first, reach.company) & is_traded
        rows += _fetched(connection, EVERYTHING.where(theirs | others))
    for who in chunks(sorted({person_in(event) for event in seen if opens(event)})):
        rows += _fetched(connection, EVERYTHING.where(history.c.person.in_(who)))
    for keys in chunks(sorted({event.key for event in seen if is_unseen(event.quarantine)})):
        rows += _fetched(connection, EVERYTHING.where(history.c.event_key.in_(keys)))
    if reach.market:
        bought = history.c.side == Side.BUY
        rows += _fetched(connection, EVERYTHING.where(bought, _since(first, reach.market)))
    past = _table(rows).drop_duplicates(["event_key", "known_at"], ignore_index=True)
    if beginning := connection.scalar(select(func.min(history.c.known_at))):
        past.attrs[HISTORY_FROM] = beginning
    return past


def whole(connection: Connection) -> pd.DataFrame:
    """Everything that was kept, in the order in which it became public."""
    return _table(_fetched(connection, EVERYTHING.order_by(history.c.known_at, history.c.event_key)))


def _since(first: datetime | None, days: float) -> ColumnElement[bool]:
    """What became known within so many days before the first of the news, or nothing."""
    return history.c.known_at >= _written(first - timedelta(days=min(days, LONGEST))) if first else false()


def _fetched(connection: Connection, query: Select[Any]) -> Sequence[Sequence[Any]]:
    """The rows as the driver has them: to make more of each takes half as long again as to read it."""
    found = connection.execute(query)
    rows: Sequence[Sequence[Any]] = found.cursor.fetchall()
    found.close()
    return rows


def _table(rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    cells = list(zip(*rows, strict=True)) or [()] * len(KINDS)
    made = {name: _read(values, kind) for (name, kind), values in zip(KINDS.items(), cells, strict=True)}
    return pd.DataFrame(made | {"keys": np.fromiter(([()] * len(rows)), dtype=object)}, copy=False)


def _row(event: Event) -> dict[str, Any]:
    """An event in the types that every engine takes."""
    cells = event.trade._asdict() | {
        "event_key": event.key,
        "symbols": event.symbols,
        "held_before": event.held_before,
        "basis": basis(event),
        "exercised": event.exercised,
        "quarantine": event.quarantine,
    }
    plain = {name: None if cells[name] is None else WRITERS[kind](cells[name]) for name, kind in KINDS.items()}
    return plain | {"company": company_in(event), "person": person_in(event)}


def _read(cells: Sequence[Any], kind: str) -> Any:
    """A column of the events table."""
    if kind == SEVERAL:
        several = {cell: tuple(cell.split()) for cell in set(cells)}
        return np.fromiter(map(several.__getitem__, cells), dtype=object)
    if kind == DAY:
        return np.array([cell or "NaT" for cell in cells], dtype=kind)
    if kind == INSTANT:
        return pd.to_datetime(pd.Series(cells, dtype="str"), format="ISO8601", utc=True).astype(DTYPES[INSTANT])
    return texts(cells) if kind == TEXT else pd.array(cells, dtype=DTYPES[kind])


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


# How each kind of cell is written down.
WRITERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    TEXT: str,
    FLAG: bool,
    DAY: date.isoformat,
    INSTANT: _written,
    NUMBER: float,
    SEVERAL: " ".join,
}
