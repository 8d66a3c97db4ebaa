"""How decisions are kept: one row for each event with all that is known of it, and one for each line it is found by."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select

from bot.model import Decision, Skip
from bot.plain import plain
from bot.provenance import Provenance
from bot.store.queries import among, chunks
from bot.store.tables import events, lines


def parts(decision: Decision) -> tuple[str, ...]:
    """Everything an event's lines may come again under."""
    return decision.event.keys + decision.event.aliases


def record(connection: Connection, decisions: Sequence[Decision], now: datetime, made_by: Provenance | None) -> None:
    """Keep every decision with its lines; one that was not final before makes room and keeps its first sight."""
    keys = [decision.event.key for decision in decisions]
    owners = {key: decision.event.key for decision in decisions for key in parts(decision)}
    first_seen: dict[str, datetime] = {}
    for chunk in chunks(keys):
        query = select(events.c.event_key, events.c.first_seen_at).where(events.c.event_key.in_(chunk))
        first_seen |= {row.event_key: row.first_seen_at for row in connection.execute(query)}
    for chunk in chunks(list(first_seen)):
        connection.execute(delete(lines).where(lines.c.event_key.in_(chunk)))
        connection.execute(delete(events).where(events.c.event_key.in_(chunk), ~events.c.final))
    emptied = among(connection, select(lines.c.event_key), lines.c.key, list(owners)) - set(keys)
    for chunk in chunks(list(owners)):
        connection.execute(delete(lines).where(lines.c.key.in_(chunk)))
    if decisions:
        connection.execute(insert(events), [_row(d, first_seen.get(d.event.key, now), now, made_by) for d in decisions])
        connection.execute(insert(lines), [{"key": key, "event_key": event} for key, event in owners.items()])
    has_lines = exists().where(lines.c.event_key == events.c.event_key)
    for chunk in chunks(sorted(emptied)):  # told under another key by now, as a page's event is by its filing
        connection.execute(delete(events).where(events.c.event_key.in_(chunk), ~events.c.final, ~has_lines))


def _row(decision: Decision, first_seen_at: datetime, now: datetime, made_by: Provenance | None) -> dict[str, Any]:
    row = decision.row()
    told = {**row, "decided_at": plain(now), "first_seen_at": plain(first_seen_at)}
    return {
        **{name: row[name] for name in ("event_key", "owner", "decision", "rule", "reason", "client_order_id")},
        "symbols": f" {' '.join(row['symbols'])} ",
        "final": decision.verdict.final if isinstance(decision.verdict, Skip) else True,
        "first_seen_at": first_seen_at,
        "decided_at": now,
        "details": json.dumps(told | ({"decided_by": made_by.row()} if made_by else {})),
    }
