"""Prices from files: known when somebody could have known them, and never a wrong one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ConfigError
from bot.http import Http
from bot.plugins import Kit
from bot.prices.files import PriceFiles, prices
from bot.settings import Settings
from tests.fakes import Time, Weekdays

OPENS = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
CLOSES = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
BARS = "date,symbol,open,close\n2026-03-02,NWRB,40.10,41\n2026-03-03,NWRB,42,43.5\n2026-03-02,BRX.B,7,8\n"
QUOTES = "at,symbol,bid,ask\n2026-03-02T09:30:00-05:00,NWRB,39.9,40.1\n2026-03-02T15:00Z,NWRB,41,41.2\n"
VENUE: Any = Weekdays()


def read(text: str | bytes, tmp_path: Path) -> PriceFiles:
    (tmp_path / "prices.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return PriceFiles(tmp_path / "prices.csv", VENUE)


def asked(files: PriceFiles, at: datetime, symbol: str = "NWRB") -> tuple[Decimal, Decimal] | None:
    quote = files.quote(symbol, at)
    assert quote is None or (quote.at <= at and quote.symbol == symbol and quote.currency == "USD")
    return (quote.bid, quote.ask) if quote else None


@pytest.mark.parametrize(
    ("at", "price"),
    [
        (OPENS - timedelta(microseconds=1), None),
        (OPENS, "40.10"),
        (CLOSES - timedelta(microseconds=1), "40.10"),
        (CLOSES, "41"),
        (OPENS + timedelta(days=1), "42"),
        (CLOSES + timedelta(days=8), "43.5"),
        (CLOSES + timedelta(days=8, microseconds=1), None),
    ],
)
def test_a_bar_is_its_open_from_the_open_and_its_close_from_the_close(
    tmp_path: Path, at: datetime, price: str | None
) -> None:
    assert asked(read(BARS, tmp_path), at) == ((Decimal(price), Decimal(price)) if price else None)


def test_quotes_hold_from_their_instant_on(tmp_path: Path) -> None:
    files = read(QUOTES, tmp_path)
    assert asked(files, OPENS - timedelta(seconds=1)) is None
    assert asked(files, OPENS) == (Decimal("39.9"), Decimal("40.1"))
    assert asked(files, OPENS + timedelta(minutes=30)) == (41, Decimal("41.2"))


def test_a_class_letter_is_written_with_a_hyphen(tmp_path: Path) -> None:
    assert asked(read(BARS, tmp_path), OPENS, "BRX-B") == (7, 7)
    assert asked(read(BARS, tmp_path), OPENS, "BRX.B") is None


def test_every_file_of_a_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(BARS)
    (tmp_path / "quotes.csv").write_text(QUOTES.replace("NWRB", "HLCN"))
    (tmp_path / "notes.txt").write_text("not a price")
    files = PriceFiles(tmp_path, VENUE)
    assert asked(files, OPENS) == (Decimal("40.10"), Decimal("40.10"))
    assert asked(files, OPENS, "HLCN") == (Decimal("39.9"), Decimal("40.1"))


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + BARS.encode(),
        BARS.replace("\n", "\r\n"),
        BARS + "\n\n",
        BARS + "2026-03-02,NWRB,40.10,41\n",
        "symbol,close,volume,open,date\nNWRB,41,900,40.10,2026-03-02\n",
        BARS.replace("close\n", "close,currency\n", 1)
        .replace("41\n", "41,USD\n")
        .replace("43.5\n", "43.5,\n")
        .replace("7,8\n", "7,8,USD\n"),
    ],
)
def test_harmless_differences_do_not_matter(tmp_path: Path, text: str | bytes) -> None:
    assert asked(read(text, tmp_path), OPENS) == (Decimal("40.10"), Decimal("40.10"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 0: there is no column"),
        ("date,symbol,open,price\n", "line 1: there is no column"),
        ("at,symbol,bid\n", "line 1: there is no column 'ask'"),
        (BARS + "2026-03-04,NWRB,1,234.50,235\n", "line 5: it has more or fewer cells"),
        (BARS + "2026-03-04,NWRB,40\n", "line 5: it has more or fewer cells"),
        (BARS + "2026-03-07,NWRB,40,41\n", "line 5: 2026-03-07 is no trading day of XNYS"),
        (BARS + "20260304,NWRB,40,41\n", "line 5: date: '20260304' is not a day"),
        (BARS + "2026-03-32,NWRB,40,41\n", "line 5: day "),
        (BARS + "2026-03-04,nwrb,40,41\n", "line 5: symbol: 'nwrb' is not a ticker"),
        (BARS + "2026-03-04,NWRB,40,nan\n", "line 5: close: 'nan' is not a price"),
        (BARS + "2026-03-04,NWRB,40,0.00\n", "line 5: close: '0.00' is not a price"),
        (BARS + "2026-03-04,NWRB,-40,41\n", "line 5: open: '-40' is not a price"),
        (BARS + "2026-03-04,NWRB,1e3,41\n", "line 5: open: '1e3' is not a price"),
        (BARS + "2026-03-04,NWRB,1_0,41\n", "line 5: open: '1_0' is not a price"),
        (BARS + "2026-03-04,NWRB,٤٠,41\n", "line 5: open: '٤٠' is not a price"),
        (BARS + "2026-03-02,NWRB,40.11,41\n", "two different prices for NWRB at 2026-03-02 14:30 UTC"),
        (BARS + '2026-03-04,NWRB,40,"41\n', "unexpected end of data"),
        (BARS.encode() + b"2026-03-04,NW\xffB,40,41\n", "'utf-8' codec"),
        (QUOTES + "2026-03-02T15:00,NWRB,40,41\n", "line 4: at: '2026-03-02T15:00' is not an instant with its time"),
        (QUOTES + "2026-03-02,NWRB,40,41\n", "line 4: at: '2026-03-02' is not an instant"),
        (QUOTES + "2026-03-02T25:00Z,NWRB,40,41\n", "line 4: hour "),
        (QUOTES + "2026-03-02T16:00Z,NWRB,41,40\n", "line 4: bid 41 is above ask 40"),
        (
            "at,symbol,bid,ask,currency\n2026-03-02T16:00Z,NWRB,40,41,dollars\n",
            "line 2: currency: 'dollars' is not a code",
        ),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(ConfigError) as told:
        read(text, tmp_path)
    assert words in str(told.value)
    assert "prices.csv" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["", "missing.csv", "missing"])
def test_a_place_without_prices_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="BOT_PRICES: there is no CSV file"):
        PriceFiles(tmp_path / name, VENUE)


def test_the_factory_reads_what_stands_behind_its_name(tmp_path: Path) -> None:
    (tmp_path / "quotes.csv").write_text(QUOTES)
    kit = Kit(settings=Settings.model_validate({}), clock=Time(), http=Http("tests"), argument=str(tmp_path))
    assert asked(prices(kit), OPENS) == (Decimal("39.9"), Decimal("40.1"))
