import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.instruments.identifiers import TICKER, cusip_of, figi_ticker, is_figi, isin_of, symbol_of, us_isin


@pytest.mark.parametrize("text", ["HLH.B", "HLH-B", "HLH/B", "hlh.b", " HLH-B "])
def test_every_notation_of_a_class_gives_one_symbol(text: str) -> None:
    assert symbol_of(text) == "HLH-B"
    assert figi_ticker("HLH-B") == "HLH/B"


@pytest.mark.parametrize(
    "text",
    ["", "1A", "TOOLONGX", "A B", "A-BCD", "A;B", "A'", "../A", "A\nB", "Ａ", "ſ", "ß", "A-", "-A", "A..B", "٣A"],
)
def test_what_is_not_shaped_like_a_us_ticker_is_none(text: str) -> None:
    assert symbol_of(text) is None


@given(st.text(max_size=12))
def test_a_symbol_is_capital_ascii_and_stable(text: str) -> None:
    symbol = symbol_of(text)
    assert symbol is None or (
        symbol.isascii() and symbol == symbol.upper() and symbol_of(figi_ticker(symbol)) == symbol
    )


@given(st.from_regex(TICKER, fullmatch=True))
def test_every_ticker_is_a_symbol(text: str) -> None:
    assert symbol_of(text) is not None


def test_check_digits_decide() -> None:
    assert isin_of("us6655311099") == "US6655311099"
    assert cusip_of("665531109") == "665531109"
    assert is_figi("BBG00ZZT1XX0")
    assert is_figi("BBG00ZZT1XY9")


@pytest.mark.parametrize("text", ["", "US6655311090", "US665531109", "XX6655311099", "US66553１1099", "US66553-1109-9"])
def test_a_wrong_isin_is_none(text: str) -> None:
    assert isin_of(text) is None


@pytest.mark.parametrize("text", ["", "665531108", "66553110", "66553110A", "6655 31109"])
def test_a_wrong_cusip_is_none(text: str) -> None:
    assert cusip_of(text) is None


@pytest.mark.parametrize("text", ["", "BBG00ZZT1XX1", "bbg00zzt1xx0", "BBG00ZAT1XX0", "BBG00ZZT1XX"])
def test_a_wrong_figi_is_refused(text: str) -> None:
    assert not is_figi(text)


def test_a_cusip_leads_to_the_isin_of_a_us_issuer_only() -> None:
    assert us_isin("665531109") == "US6655311099"
    assert us_isin("G99001102") is None


@given(st.text("0123456789", min_size=7, max_size=7), st.integers(0, 9))
def test_only_one_check_digit_fits(body: str, wrong: int) -> None:
    fitting = [digit for digit in "0123456789" if cusip_of(f"{body}0{digit}")]
    assert len(fitting) == 1
    isin = us_isin(f"{body}0{fitting[0]}")
    assert isin is not None
    assert (isin_of(f"{isin[:-1]}{wrong}") is not None) == (isin[-1] == str(wrong))


@pytest.mark.corpus
def test_all_recorded_identifiers_are_right_and_agree(corpus: Path) -> None:
    with (corpus / "isin" / "ticker_isin_german.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 1000
    for row in rows:
        assert isin_of(row["isin"]) == row["isin"]
        assert us_isin(str(cusip_of(row["cusip"]))) == row["isin"]
        assert symbol_of(row["us_ticker"]) == row["us_ticker"]
        for column in ("figi", "composite_figi", "shareclass_figi"):
            assert not row[column] or is_figi(row[column])
