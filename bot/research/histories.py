"""Histories to look into, and daily figures beside them, read from files."""

from pathlib import Path
from typing import Any, Final

import pandas as pd

from bot.errors import BotError, ConfigError
from bot.history import versions
from bot.plugins import Kit, Table, daily_figures
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


FIGURES: Final[dict[Table, tuple[str, ...]]] = {
    "bars": ("symbol", "date", "open", "close", "volume"),
    "sizes": ("symbol", "date", "market_cap"),
}


def read(path: Path) -> pd.DataFrame:
    """The events table in a Parquet file, which holds one as `versions` makes it, or the trades table to make it of.

    ConfigError says what is wrong with the file.
    """
    try:
        table = pd.read_parquet(path)
    except ImportError:
        raise ConfigError("to read Parquet files, install pyarrow: `pip install insiderbot[research]`") from None
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}") from None
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


def figures(kit: Kit) -> pd.DataFrame:
    """The bars and sizes that the settings name, in one table: a row for each symbol and day."""
    named = [daily_figures(kit, table) for table in FIGURES if getattr(kit.settings, table)]
    whole = pd.DataFrame(columns=["symbol", "date"]) if not named else named[0]
    return whole if len(named) < 2 else whole.merge(named[1], on=["symbol", "date"], how="outer")


def tables(daily: pd.DataFrame) -> dict[Table, pd.DataFrame]:
    """The same figures as rules ask for them; a table without any is left out."""
    parts = {table: daily[[name for name in names if name in daily]] for table, names in FIGURES.items()}
    return {
        table: part.dropna(subset=part.columns[2:], how="all") for table, part in parts.items() if len(part.columns) > 2
    }
