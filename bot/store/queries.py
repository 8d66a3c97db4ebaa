"""Queries by many keys at once, in pieces that every engine takes."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Column, Connection, Select

CHUNK: Final = 500  # keys per query: well below every engine's limit on bound values


def among(connection: Connection, query: Select[Any], column: Column[Any], keys: Sequence[str]) -> set[str]:
    """What the query finds where the column is one of the keys."""
    found: set[str] = set()
    for chunk in chunks(keys):
        found.update(connection.execute(query.where(column.in_(chunk))).scalars())
    return found


def chunks(keys: Sequence[str], size: int = CHUNK) -> Iterator[Sequence[str]]:
    """The keys, so many at a time."""
    return (keys[start : start + size] for start in range(0, len(keys), size))
