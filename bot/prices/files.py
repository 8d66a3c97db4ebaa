"""Prices from your own CSV files: daily bars (`date,symbol,open,close`) or quotes (`at,symbol,bid,ask`)."""

import csv
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from bot.errors import ConfigError
from bot.model import Quote
from bot.plugins import Kit
from bot.sessions import Sessions

PRICE: Final = re.compile(r"\d{1,7}(\.\d{1,8})?", re.ASCII)
SYMBOL: Final = re.compile(r"[A-Z][A-Z0-9]{0,5}([.-][A-Z]{1,2})?", re.ASCII)
STALE: Final = timedelta(days=7)  # longer than any run of holidays: an older price is no quote


def prices(kit: Kit) -> "PriceFiles":
    """Prices from the file or folder that the setting names."""
    return PriceFiles(Path(kit.argument), Sessions(kit.settings.venue))


class PriceFiles:
    """Quotes as the files had them at any instant.

    A daily bar is two quotes: its open when the session opens, its close when it closes. Both are per share, without a
    spread. ConfigError names the file, the line and the column that cannot be read.
    """

    def __init__(self, path: Path, sessions: Sessions) -> None:
        self._sessions = sessions
        self._quotes: dict[str, list[Quote]] = {}
        for file in _files(path):
            for quote in self._read(file):
                self._quotes.setdefault(quote.symbol, []).append(quote)
        for quotes in self._quotes.values():
            quotes.sort(key=lambda quote: quote.at)

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """The last quote known at that instant; None when there is none of the last seven days."""
        quotes = self._quotes.get(symbol, [])
        place = bisect_right(quotes, at, key=lambda quote: quote.at)
        last = quotes[place - 1] if place else None
        return last if last and at - last.at <= STALE else None

    def _read(self, file: Path) -> Iterator[Quote]:
        with file.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            names = set(reader.fieldnames or ())
            kind = self._bar if {"date", "open", "close"} <= names else self._quote
            wanted = {"date", "symbol", "open", "close"} if kind == self._bar else {"at", "symbol", "bid", "ask"}
            if missing := wanted - names:
                raise ConfigError(
                    f"{file} has no column {min(missing)!r}; write date,symbol,open,close or at,symbol,bid,ask"
                )
            for number, row in enumerate(reader, start=2):
                try:
                    yield from kind(row)
                except ValueError as error:
                    raise ConfigError(f"{file}, line {number}: {error}") from None

    def _bar(self, row: dict[str, str]) -> Iterable[Quote]:
        session = self._sessions.on(date.fromisoformat(row["date"]))
        symbol, currency = _symbol(row), row.get("currency") or "USD"
        for at, name in ((session.opens, "open"), (session.closes, "close")):
            price = _price(row, name)
            yield Quote(symbol=symbol, bid=price, ask=price, currency=currency, at=at)

    def _quote(self, row: dict[str, str]) -> Iterable[Quote]:
        at = datetime.fromisoformat(row["at"])
        if at.tzinfo is None:
            raise ValueError(f"at: {row['at']!r} has no time zone; write 2026-03-02T14:30:00Z")
        bid, ask = _price(row, "bid"), _price(row, "ask")
        if bid > ask:
            raise ValueError(f"bid {bid} is above ask {ask}")
        yield Quote(symbol=_symbol(row), bid=bid, ask=ask, currency=row.get("currency") or "USD", at=at.astimezone(UTC))


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise ConfigError(f"BOT_PRICES: there is no CSV file at {path}")
    return files


def _symbol(row: dict[str, str]) -> str:
    if not SYMBOL.fullmatch(row["symbol"]):
        raise ValueError(f"symbol: {row['symbol']!r} is not a ticker")
    return row["symbol"].replace(".", "-")


def _price(row: dict[str, str], name: str) -> Decimal:
    if not PRICE.fullmatch(row[name]) or not Decimal(row[name]):
        raise ValueError(f"{name}: {row[name]!r} is not a price")
    return Decimal(row[name])
