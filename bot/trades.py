"""The trades table: one row per reported line, the one schema that every source yields."""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray

from bot.errors import SourceError
from bot.model import InsiderTrade, Role, Side

TEXT: Final = "str"
FLAG: Final = "boolean"  # three states: true, false, unknown
DAY: Final = "datetime64[s]"
INSTANT: Final = "datetime64[us, UTC]"
NUMBER: Final = "float64"

# A type's name is read here, once: to read it again for every column takes longer than to make the column.
DTYPES: Final[dict[str, Any]] = {kind: pd.api.types.pandas_dtype(kind) for kind in (TEXT, FLAG, DAY, INSTANT, NUMBER)}

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


def to_table(records: Iterable[InsiderTrade], **further: Any) -> pd.DataFrame:
    """The records as a trades table, one row each, in their order and with the schema's types; then further columns."""
    cells = list(zip(*map(CELLS, records), strict=True)) or [()] * len(COLUMNS)
    columns = zip(COLUMNS.items(), cells, strict=True)
    return pd.DataFrame({name: column(kind, values) for (name, kind), values in columns} | further)


def column(kind: str, values: Sequence[Any]) -> ExtensionArray:
    """A column of one of the schema's types, None where a value is missing."""
    if kind == TEXT:
        return texts([None if value is None else str(value) for value in values])
    made: ExtensionArray = pd.array(values, dtype=DTYPES[kind])
    return made


def texts(values: Any) -> ExtensionArray:
    """A column of texts, None where one is missing."""
    if DTYPES[TEXT].storage == "pyarrow":  # pandas would look at each before it hands them over
        import pyarrow

        values = pyarrow.array(values, pyarrow.large_string())
    made: ExtensionArray = pd.array(values, dtype=DTYPES[TEXT])
    return made


def to_records(table: pd.DataFrame) -> list[InsiderTrade]:
    """The rows of a trades table as records; further columns of the table are left out."""
    cells = {name: READERS[kind](table[name].array) for name, kind in COLUMNS.items()}
    cells["role"] = [Role(role) for role in cells["role"]]
    cells["side"] = [Side(side) if side else None for side in cells["side"]]
    return [InsiderTrade._make(row) for row in zip(*cells.values(), strict=True)]


def under_any_ticker(table: pd.DataFrame, rows: Any) -> pd.DataFrame:
    """Those of the rows (yes or no for each), and what the same people filed at the same instants.

    It may be the same lines under other tickers, where a page does not tell the filing's number.
    """
    who, when = (table[name].array.isin(table[name].array[rows].dropna().unique()) for name in ("owner", "known_at"))
    alike: pd.DataFrame = table.loc[rows | (who & when)]
    return alike


def validate(table: pd.DataFrame) -> pd.DataFrame:
    """The same table when it keeps the schema; otherwise TradesError naming the first row and column that do not."""
    kinds = {name: str(kind) for name, kind in table.dtypes.items()}
    if missing := [name for name in COLUMNS if name not in kinds]:
        raise TradesError(f"the trades table lacks the column {missing[0]!r}; it has {list(table.columns)}")
    for name, kind in COLUMNS.items():
        if kinds[name] != kind:
            raise TradesError(f"column {name!r} is of type {kinds[name]}, but {kind} was expected")
    for name in REQUIRED:
        _refuse(table, name, table[name].array.isna(), "is missing")
    for name, allowed in CHOICES.items():
        cells = table[name].array
        if not allowed.issuperset(cells.dropna().unique()):  # the row is looked for only then
            _refuse(table, name, ~cells.isna() & ~cells.isin(list(allowed)), f"is none of {sorted(allowed)}")
    for name in (name for name, kind in COLUMNS.items() if kind == NUMBER):
        _refuse(table, name, np.isinf(table[name].to_numpy()), "is not finite")
    for name in ("shares", "price", "value"):
        _refuse(table, name, table[name].to_numpy() < 0, "is negative")
    sided, traded = ~table["side"].array.isna(), table["code"].array.isin(["P", "S"])
    _refuse(table, "side", sided & ~traded, "is set although code is not P or S")
    return table


def _refuse(table: pd.DataFrame, name: str, bad: NDArray[np.bool_], problem: str) -> None:
    if bad.any():
        row = int(bad.argmax())
        raise TradesError(f"row {row + 1}, column {name!r} {problem} (found {table[name].iloc[row]!r})")


def _objects(cells: Any) -> list[Any]:
    if cells.isna().all():  # as in many columns of a web table; what follows takes ten times as long
        return [None] * len(cells)
    return list(cells.to_numpy(object, na_value=None))


def _exact(number: float) -> Decimal | None:
    """The decimal that was meant: a float's shortest notation, whole numbers without a fraction; None when missing."""
    if math.isnan(number):
        return None
    return Decimal(int(number)) if number.is_integer() else Decimal(repr(number))


# A column's cells as the record holds them, None where one is missing.
READERS: Final[dict[str, Callable[[Any], list[Any]]]] = {
    TEXT: _objects,
    FLAG: _objects,
    DAY: lambda cells: cells.to_numpy("datetime64[D]").tolist(),
    INSTANT: lambda cells: [at and at.replace(tzinfo=UTC) for at in cells.to_numpy("datetime64[us]").tolist()],
    NUMBER: lambda cells: [_exact(number) for number in cells.to_numpy("float64").tolist()],
}
