"""Prices from your own CSV files: daily bars (`date,symbol,open,close`) or quotes (`at,symbol,bid,ask`)."""

import csv
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Final

from bot.errors import ConfigError
from bot.model import Quote
from bot.plugins import Kit
from bot.sessions import Sessions

PRICE: Final = re.compile(r"\d{1,7}(\.\d{1,8})?", re.ASCII)
SYMBOL: Final = re.compile(r"[A-Z][A-Z0-9]{0,5}([.-][A-Z]{1,2})?", re.ASCII)
CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
DAY: Final = re.compile(r"(19|20)\d\d-\d\d-\d\d", re.ASCII)
INSTANT: Final = re.compile(rf"{DAY.pattern}[T ]\d\d:\d\d(:\d\d(\.\d{{1,6}})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
US: Final = "XNYS"  # a bar of a US share is known when the session ends there, wherever the orders go
STALE: Final = timedelta(days=7)  # longer than any run of holidays: an older price is no quote


def prices(kit: Kit) -> "PriceFiles":
    """Prices from the file or folder that the setting names."""
    if not kit.argument:
        raise ConfigError("BOT_PRICES: files needs a path: write files:PATH, a CSV or a folder of them")
    return PriceFiles(Path(kit.argument), Sessions(US))


class PriceFiles:
    """Quotes as the files had them at any instant.

    A daily bar is two quotes: its open when the session opens, its close when it closes. Both are per share, without a
    spread. ConfigError names the file, the line and the cell that cannot be read.
    """

    def __init__(self, path: Path, sessions: Sessions) -> None:
        self._sessions = sessions
        self._quotes: dict[str, list[Quote]] = {}
        for file in _files(path):
            for quote in self._read(file):
                self._quotes.setdefault(quote.symbol, []).append(quote)
        for quotes in self._quotes.values():
            quotes.sort(key=lambda quote: quote.at)
            for one, next_one in pairwise(quotes):
                if one.at == next_one.at and one != next_one:
                    raise ConfigError(
                        f"{path} has two different prices for {one.symbol} at {one.at:%Y-%m-%d %H:%M} UTC"
                    )

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """The last quote known at that instant; None when there is none of the last seven days."""
        quotes = self._quotes.get(symbol, [])
        place = bisect_right(quotes, at, key=lambda quote: quote.at)
        last = quotes[place - 1] if place else None
        return last if last and at - last.at <= STALE else None

    def first(self, symbol: str, since: datetime, until: datetime) -> Quote | None:
        """The earliest quote from `since` to `until`, both included; None when there is none."""
        quotes = self._quotes.get(symbol, [])
        place = bisect_left(quotes, since, key=lambda quote: quote.at)
        return quotes[place] if place < len(quotes) and quotes[place].at <= until else None

    def _read(self, file: Path) -> Iterator[Quote]:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            try:
                yield from self._rows(reader)
            except (ValueError, csv.Error) as error:
                raise ConfigError(f"{file}, line {reader.line_num}: {error}") from None

    def _rows(self, reader: "csv.DictReader[str]") -> Iterator[Quote]:
        names = set(reader.fieldnames or ())
        kind = self._bar if {"date", "open", "close"} <= names else self._quote
        wanted = {"date", "symbol", "open", "close"} if kind == self._bar else {"at", "symbol", "bid", "ask"}
        if missing := wanted - names:
            raise ValueError(f"there is no column {min(missing)!r}; write date,symbol,open,close or at,symbol,bid,ask")
        for row in reader:
            if None in row or None in row.values():
                raise ValueError("it has more or fewer cells than the first line has columns")
            yield from kind(row)

    def _bar(self, row: dict[str, str]) -> Iterable[Quote]:
        if not DAY.fullmatch(row["date"]):
            raise ValueError(f"date: {row['date'][:40]!r} is not a day; write 2026-03-02")
        session = self._sessions.on(date.fromisoformat(row["date"]))
        for at, name in ((session.opens, "open"), (session.closes, "close")):
            price = _price(row, name)
            yield Quote(symbol=_symbol(row), bid=price, ask=price, currency=_currency(row), at=at)

    def _quote(self, row: dict[str, str]) -> Iterable[Quote]:
        if not INSTANT.fullmatch(row["at"]):
            raise ValueError(f"at: {row['at'][:40]!r} is not an instant with its time zone; write 2026-03-02T14:30:00Z")
        at, bid, ask = datetime.fromisoformat(row["at"]), _price(row, "bid"), _price(row, "ask")
        if bid > ask:
            raise ValueError(f"bid {bid} is above ask {ask}")
        yield Quote(symbol=_symbol(row), bid=bid, ask=ask, currency=_currency(row), at=at.astimezone(UTC))


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise ConfigError(f"BOT_PRICES: there is no CSV file at {path}")
    return files


def _symbol(row: dict[str, str]) -> str:
    if not SYMBOL.fullmatch(row["symbol"]):
        raise ValueError(f"symbol: {row['symbol'][:40]!r} is not a ticker")
    return row["symbol"].replace(".", "-")


def _currency(row: dict[str, str]) -> str:
    currency = row.get("currency") or "USD"
    if not CURRENCY.fullmatch(currency):
        raise ValueError(f"currency: {currency[:40]!r} is not a code of three letters")
    return currency


def _price(row: dict[str, str], name: str) -> Decimal:
    if not PRICE.fullmatch(row[name]) or not Decimal(row[name]):
        raise ValueError(f"{name}: {row[name][:40]!r} is not a price")
    return Decimal(row[name])
