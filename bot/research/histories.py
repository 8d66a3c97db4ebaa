"""Histories to look into: made up, or read from a file."""

from pathlib import Path
from typing import Any, Final

import pandas as pd

from bot.errors import BotError, ConfigError
from bot.history import versions
from bot.trades import COLUMNS, INSTANT, NUMBER, TEXT, validate

KINDS: Final[dict[str, Any]] = {
    **COLUMNS,
    "event_key": TEXT,
    "basis": TEXT,
    "quarantine": TEXT,
    "held_before": NUMBER,
    "exercised": NUMBER,
    "issuer_id": "int32",
    "owner_id": "int32",
    "superseded_at": INSTANT,
}


def read(path: Path) -> pd.DataFrame:
    """The events table in a Parquet file, which holds one as `versions` makes it, or the trades table to make it of.

    ConfigError says what is wrong with the file.
    """
    try:
        table = pd.read_parquet(path)
    except ImportError:
        raise ConfigError("to read Parquet files, install pyarrow: `pip install insiderbot[research]`") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as a Parquet file: {error}") from None
    try:
        table = validate(table.astype({name: kind for name, kind in KINDS.items() if name in table}))
    except (BotError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} holds no trades table: {error}") from None
    if "event_key" not in table:
        return versions(table)
    if missing := [name for name in (*KINDS, "keys", "symbols") if name not in table]:
        raise ConfigError(f"{path} has events without {missing[0]!r}; write what `bot.history.versions` returns")
    return table.assign(keys=table["keys"].map(tuple), symbols=table["symbols"].map(tuple))
