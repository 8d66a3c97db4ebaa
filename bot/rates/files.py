"""Exchange rates from your own file: the XML that the ECB offers for download, or a CSV (`date,base,quote,rate`)."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeVar

from bot.errors import ConfigError, RatesError
from bot.plugins import Kit
from bot.rates import ecb
from bot.rates.daily import DailyRates, Days, currency_of, day_of, rate_of

COLUMNS: Final = ("date", "base", "quote", "rate")

Value = TypeVar("Value")


def rates(kit: Kit) -> DailyRates:
    """The rates in the file that the setting names."""
    if not kit.argument:
        raise ConfigError("BOT_RATES: files needs a path: write files:PATH, a CSV or the ECB's XML")
    return read(Path(kit.argument))


def read(path: Path) -> DailyRates:
    """Every rate in the file; ConfigError names the file, the line and the cell that cannot be read.

    A line says that on `date`, from the quarter past four in Frankfurt, one `base` was worth `rate` in `quote`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"BOT_RATES: {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: expected UTF-8 text, found another byte") from None
    return DailyRates(f"files:{path}", _xml(path, text) if text.lstrip().startswith("<") else _csv(path, text))


def _xml(path: Path, text: str) -> Days:
    try:
        return ecb.parse(text)
    except RatesError as error:
        raise ConfigError(f"{path}: {error}") from None


def _csv(path: Path, text: str) -> Days:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        days = _days(reader)
    except (ValueError, csv.Error) as error:
        raise ConfigError(f"{path}, line {reader.line_num}: {error}") from None
    if not days:
        raise ConfigError(f"{path}: expected a line for every rate, found none")
    return days


def _days(reader: "csv.DictReader[str]") -> Days:
    days: dict[date, dict[tuple[str, str], Decimal]] = {}
    for day, pair, rate in _rows(reader):
        if days.setdefault(day, {}).setdefault(pair, rate) != rate:
            raise ValueError(f"rate: expected one from {' to '.join(pair)} on {day}, found {rate} as another")
    return days


def _rows(reader: "csv.DictReader[str]") -> Iterator[tuple[date, tuple[str, str], Decimal]]:
    names = list(reader.fieldnames or ())
    if any(names.count(name) != 1 for name in COLUMNS):
        raise ValueError(f"expected the columns {','.join(COLUMNS)}, found {','.join(names)[:80]!r}")
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"expected {len(names)} cells like the first line, found more or fewer")
        base, quote = _cell(row, "base", currency_of), _cell(row, "quote", currency_of)
        if base == quote:
            raise ValueError(f"quote: expected another currency than the base, found {quote!r} again")
        yield _cell(row, "date", day_of), (base, quote), _cell(row, "rate", rate_of)


def _cell(row: dict[str, str], name: str, read_as: Callable[[str], Value]) -> Value:
    try:
        return read_as(row[name])
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
