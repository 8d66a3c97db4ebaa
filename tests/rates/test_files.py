"""Rates from a file: the ECB's XML and a CSV say the same, and a line that cannot be read is named."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.http import Http
from bot.plugins import Kit, find
from bot.rates import ecb
from bot.rates.daily import DailyRates
from bot.rates.files import rates, read
from bot.settings import Settings
from tests.fakes import Time

GOLDEN = Path(__file__).parent / "golden"
HISTORIC = (GOLDEN / "eurofxref-hist-90d.xml").read_text()
AT = datetime(2026, 3, 6, 18, 0, tzinfo=UTC)
CSV = "date,base,quote,rate\n2026-03-05,EUR,USD,1.1\n2026-03-06,EUR,USD,1.0625\n2026-03-06,USD,CHF,0.8\n"


def written(text: str | bytes, tmp_path: Path) -> DailyRates:
    (tmp_path / "rates").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(tmp_path / "rates")


def asked(files: DailyRates, base: str, quote: str, at: datetime = AT) -> tuple[Decimal, date] | None:
    rate = files.rate(base, quote, at)
    return (rate.rate, rate.on) if rate else None


def test_both_formats_of_one_history_say_the_same() -> None:
    table, document = read(GOLDEN / "rates.csv"), read(GOLDEN / "eurofxref-hist-90d.xml")
    for at in (datetime(2026, 3, day, hour, 30, tzinfo=UTC) for day in range(1, 16) for hour in (8, 20)):
        for base, quote in (("EUR", "USD"), ("USD", "EUR"), ("GBP", "JPY"), ("ISK", "USD"), ("IDR", "EUR")):
            assert asked(table, base, quote, at) == asked(document, base, quote, at)
    assert asked(table, "EUR", "USD") == (Decimal("1.0625"), date(2026, 3, 6))


def test_a_pair_is_found_from_both_sides_and_through_the_euro(tmp_path: Path) -> None:
    files = written(CSV.replace("USD,CHF,0.8", "CHF,EUR,1.0625"), tmp_path)
    assert asked(files, "CHF", "EUR") == (Decimal("1.0625"), date(2026, 3, 6))
    assert asked(files, "EUR", "CHF") == (Decimal("0.9411764706"), date(2026, 3, 6))
    assert asked(files, "CHF", "USD") == (Decimal("1.12890625"), date(2026, 3, 6))
    assert asked(files, "CHF", "SEK") is None


def test_a_rate_says_from_which_file_it_is(tmp_path: Path) -> None:
    rate = written(CSV, tmp_path).rate("USD", "CHF", AT)
    assert rate
    assert rate.source == f"files:{tmp_path / 'rates'}"


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + CSV.encode(),
        CSV.replace("\n", "\r\n"),
        CSV + "\n\n",
        CSV + "2026-03-06,EUR,USD,1.06250\n",
        CSV.replace(",1.0625", ',"1.0625"'),
        "rate,note,quote,base,date\n1.0625,fixing,USD,EUR,2026-03-06\n",
        b"\xef\xbb\xbf\n" + HISTORIC.split("?>", 1)[1].encode(),
        HISTORIC,
    ],
)
def test_harmless_differences_do_not_matter(tmp_path: Path, text: str | bytes) -> None:
    assert asked(written(text, tmp_path), "EUR", "USD") == (Decimal("1.0625"), date(2026, 3, 6))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 0: expected the columns date,base,quote,rate, found ''"),
        ("date,base,quote\n", "line 1: expected the columns date,base,quote,rate, found 'date,base,quote'"),
        ("date,base,quote,rate,rate\n", "line 1: expected the columns date,base,quote,rate, found"),
        ("date,base,quote,rate\n", "expected a line for every rate, found none"),
        (CSV + "2026-03-06,EUR,GBP\n", "line 5: expected 4 cells like the first line, found more or fewer"),
        (CSV + "2026-03-06,EUR,GBP,0,85\n", "line 5: expected 4 cells like the first line, found more or fewer"),
        (CSV + "06/03/2026,EUR,GBP,0.85\n", "line 5: date: expected a day such as 2026-03-02, found '06/03/2026'"),
        (CSV + "2026-02-30,EUR,GBP,0.85\n", "line 5: date: expected a day such as 2026-03-02, found '2026-02-30'"),
        (CSV + "2026-03-06,eur,GBP,0.85\n", "line 5: base: expected a currency code such as USD, found 'eur'"),
        (CSV + "2026-03-06,EUR,,0.85\n", "line 5: quote: expected a currency code such as USD, found ''"),
        (CSV + "2026-03-06,EUR,EUR,1.0\n", "line 5: quote: expected another currency than the base, found 'EUR'"),
        (CSV + "2026-03-06,EUR,GBP,0\n", "line 5: rate: expected a positive decimal such as 1.0834, found '0'"),
        (CSV + '2026-03-06,EUR,GBP,"0,85"\n', "line 5: rate: expected a positive decimal such as 1.0834, found '0,85'"),
        (CSV + "2026-03-06,EUR,USD,1.07\n", "line 5: rate: expected one from EUR to USD on 2026-03-06, found 1.07 as"),
        (CSV + '2026-03-06,EUR,GBP,"0.85\n', "line 4: unexpected end of data"),
        (CSV.encode() + b"2026-03-06,EUR,G\xffP,0.85\n", "line 5: expected UTF-8 text, found another byte"),
        (HISTORIC.replace("1.0625", "n/a"), "'USD' on 2026-03-06: expected a positive decimal such as 1.0834, found"),
        ("<!DOCTYPE html><html/>", "expected the ECB's XML, found a document with a DOCTYPE"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(ConfigError) as told:
        written(text, tmp_path)
    assert str(told.value).startswith(str(tmp_path / "rates"))
    assert words in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("name", "why"), [("missing.csv", "No such file or directory"), ("", "Is a directory")])
def test_a_place_without_a_file_is_told(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(ConfigError, match=rf"^BOT_RATES: .* cannot be read \({why}\)$"):
        read(tmp_path / name)


def kit(argument: str) -> Kit:
    return Kit(settings=Settings.of(), clock=Time(), http=Http("insiderbot-test"), argument=argument)


def test_the_factory_reads_what_stands_behind_its_name() -> None:
    factory, path = find("rates", f"files:{GOLDEN / 'rates.csv'}")
    assert factory is rates
    assert asked(rates(kit(path)), "EUR", "GBP") == (Decimal("0.85"), date(2026, 3, 6))


def test_the_factory_wants_a_path() -> None:
    with pytest.raises(ConfigError, match="BOT_RATES: files needs a path: write files:PATH"):
        rates(kit(""))


def test_the_documents_of_the_ecb_are_read_by_one_reader() -> None:
    days = ecb.parse(HISTORIC)
    assert asked(read(GOLDEN / "eurofxref-daily.xml"), "EUR", "IDR") == (
        days[date(2026, 3, 6)]["EUR", "IDR"],
        date(2026, 3, 6),
    )
