"""Your own daily figures as one table: bars (`date,symbol,close,volume`) or sizes (`date,symbol,market_cap`)."""

from pathlib import Path
from typing import Any, Final

import pandas as pd

from bot.errors import ConfigError
from bot.plugins import Kit, Table
from bot.prices.files import SYMBOL

NUMBERS: Final[dict[Table, tuple[str, ...]]] = {"bars": ("close", "volume"), "sizes": ("market_cap",)}


def bars(kit: Kit) -> pd.DataFrame:
    """Daily closes, unadjusted, and volumes in shares."""
    return daily("bars", kit.argument)


def sizes(kit: Kit) -> pd.DataFrame:
    """What companies were worth as a whole, each figure as of its day."""
    return daily("sizes", kit.argument)


def daily(table: Table, path: str) -> pd.DataFrame:
    """The rows of a CSV or Parquet file: `date`, `symbol`, and numbers, NaN where a cell is empty.

    There is one row for a symbol and a day; a symbol has `-` before the letter of its class. ConfigError names the
    file, the row (a CSV's line) and the cell that cannot be read.
    """
    setting, names = f"BOT_{table.upper()}", NUMBERS[table]
    if not path or not Path(path).is_file():
        raise ConfigError(f"{setting}: there is no file at {path!r}; write files:PATH, a CSV or Parquet file")
    read = _read(Path(path), setting)
    needed = ("date", "symbol", *names)
    if missing := [name for name in needed if name not in read.columns]:
        raise ConfigError(f"{path}: there is no column {missing[0]!r}; write {','.join(needed)}")
    days = pd.to_datetime(read["date"], format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")
    _refuse(path, read["date"], days.isna(), "is not a day; write 2026-03-02")
    symbols = read["symbol"].astype("str")
    _refuse(path, symbols, ~symbols.str.fullmatch(SYMBOL.pattern).fillna(value=False), "is not a ticker")
    figures = {name: pd.to_numeric(read[name], errors="coerce").astype("float64") for name in names}
    for name, numbers in figures.items():
        bad = read[name].notna() & (read[name] != "") & ~numbers.between(0, 1e15)
        _refuse(path, read[name], bad, "is not a number from 0 on; leave unknown cells empty")
    found = pd.DataFrame({"date": days, "symbol": symbols.str.replace(".", "-"), **figures})
    _refuse(path, symbols, found.duplicated(["date", "symbol"]), "has a second row for this day")
    return found


def _read(file: Path, setting: str) -> pd.DataFrame:
    try:
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        return pd.read_csv(file, dtype="str", keep_default_na=False, skip_blank_lines=False, encoding="utf-8-sig")
    except ImportError:
        raise ConfigError(f"{setting}: Parquet needs `pip install 'insiderbot[research]'`, or write a CSV") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{setting}: {file} cannot be read ({str(error).splitlines()[0][:200]})") from None


def _refuse(path: str, cells: "pd.Series[Any]", bad: "pd.Series[bool]", problem: str) -> None:
    if bad.any():
        row = int(bad.to_numpy().argmax())
        where = f"row {row + 1}" if path.endswith(".parquet") else f"line {row + 2}"
        raise ConfigError(f"{path}, {where}: {cells.name}: {str(cells.iloc[row])[:40]!r} {problem}")
