"""The trades table: one row per reported line, the one schema that every source yields."""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import pandas as pd

from bot.errors import SourceError
from bot.model import InsiderTrade, Role, Side

TEXT: Final = "str"
FLAG: Final = "boolean"  # three states: true, false, unknown
DAY: Final = "datetime64[s]"
INSTANT: Final = "datetime64[us, UTC]"
NUMBER: Final = "float64"

# Column -> pandas type, in the contract's order. Missing stays missing: never 0, never "".
COLUMNS: Final[dict[str, str]] = {
    "key": TEXT,
    "source": TEXT,
    "accession": TEXT,
    "form": TEXT,
    "amends": TEXT,
    "url": TEXT,
    "issuer_cik": TEXT,
    "issuer": TEXT,
    "symbol": TEXT,
    "owner_cik": TEXT,
    "owner": TEXT,
    "title": TEXT,
    "is_officer": FLAG,
    "is_director": FLAG,
    "is_ten_percent": FLAG,
    "role": TEXT,
    "code": TEXT,
    "acquired": TEXT,
    "side": TEXT,
    "security": TEXT,
    "is_derivative": FLAG,
    "ownership": TEXT,
    "plan_10b5_1": FLAG,
    "traded_on": DAY,
    "filed_on": DAY,
    "known_at": INSTANT,
    "shares": NUMBER,
    "price": NUMBER,
    "value": NUMBER,
    "currency": TEXT,
    "shares_after": NUMBER,
}

CELLS: Final = attrgetter(*COLUMNS)
REQUIRED: Final = ("key", "source", "role")
CHOICES: Final[dict[str, frozenset[str]]] = {
    "role": frozenset(Role),
    "side": frozenset(Side),
    "acquired": frozenset("AD"),
    "ownership": frozenset("DI"),
}


class TradesError(SourceError):
    """A source's table breaks the schema; the sentence names row and column."""


def to_table(records: Iterable[InsiderTrade]) -> pd.DataFrame:
    """The records as a trades table, one row each, in their order and with the schema's types."""
    columns = list(zip(*map(CELLS, records), strict=True)) or [()] * len(COLUMNS)
    return pd.DataFrame({name: _column(name, cells) for name, cells in zip(COLUMNS, columns, strict=True)})


def to_records(table: pd.DataFrame) -> list[InsiderTrade]:
    """The rows of a trades table as records; further columns of the table are left out."""
    columns = [_cells(table[name], kind) for name, kind in COLUMNS.items()]
    return [_record(dict(zip(COLUMNS, cells, strict=True))) for cells in zip(*columns, strict=True)]


def validate(table: pd.DataFrame) -> pd.DataFrame:
    """The same table when it keeps the schema; otherwise TradesError naming the first row and column that do not."""
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise TradesError(f"the trades table lacks the column {missing[0]!r}; it has {list(table.columns)}")
    for name, kind in COLUMNS.items():
        if str(table[name].dtype) != kind:
            raise TradesError(f"column {name!r} is of type {table[name].dtype}, but {kind} was expected")
    for name in REQUIRED:
        _refuse(table, name, table[name].isna(), "is missing")
    for name, allowed in CHOICES.items():
        _refuse(table, name, table[name].notna() & ~table[name].isin(allowed), f"is none of {sorted(allowed)}")
    for name in (name for name, kind in COLUMNS.items() if kind == NUMBER):
        _refuse(table, name, table[name].abs() == math.inf, "is not finite")
    for name in ("shares", "price", "value"):
        _refuse(table, name, table[name] < 0, "is negative")
    _refuse(
        table, "side", table["side"].notna() & ~table["code"].isin(["P", "S"]), "is set although code is not P or S"
    )
    return table


def _refuse(table: pd.DataFrame, name: str, bad: "pd.Series[bool]", problem: str) -> None:
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise TradesError(f"row {row + 1}, column {name!r} {problem} (found {table[name].iloc[row]!r})")


def _column(name: str, values: Sequence[Any]) -> pd.Series:
    kind = COLUMNS[name]
    if not any(value is not None for value in values):
        return pd.Series([None] * len(values), dtype=kind)
    if kind == NUMBER:
        return pd.Series([None if value is None else float(value) for value in values], dtype=kind)
    if kind == TEXT:
        return pd.Series([None if value is None else str(value) for value in values], dtype=kind)
    return pd.Series(values, dtype=kind)


def _cells(column: pd.Series, kind: str) -> list[Any]:
    """A column's cells as the record holds them, None where one is missing."""
    read, missing = READERS[kind], column.isna()
    if missing.all():
        return [None] * len(column)
    cells = zip(missing.tolist(), column.astype(object).tolist(), strict=True)
    return [None if is_missing else read(value) for is_missing, value in cells]


def _exact(number: float) -> Decimal:
    """The decimal that was meant: a float's shortest notation, whole numbers without a fraction."""
    return Decimal(int(number)) if number.is_integer() else Decimal(repr(number))


READERS: Final[dict[str, Callable[[Any], Any]]] = {
    TEXT: str,
    FLAG: bool,
    DAY: lambda stamp: date(stamp.year, stamp.month, stamp.day),
    INSTANT: lambda stamp: stamp.to_pydatetime().astimezone(UTC),
    NUMBER: lambda number: _exact(float(number)),
}


def _record(cells: dict[str, Any]) -> InsiderTrade:
    cells["role"] = Role(cells["role"])
    cells["side"] = Side(cells["side"]) if cells["side"] else None
    return InsiderTrade(**cells)
