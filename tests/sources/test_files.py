"""Saved pages and CSVs: what is in them is found by its heading, and a bad file is named, never skipped."""

import csv
import gzip
import io
import json
import os
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import ConfigError, SourceError
from bot.http import Http
from bot.plugins import Kit
from bot.settings import Settings
from bot.sources import files, finviz, openinsider
from bot.trades import to_records

from . import openinsider_pages
from .openinsider_pages import ROWS, json_lines, market_csv
from .pages import (
    LATER,
    LINES,
    NOW,
    ONE_COMPANY,
    csv_text,
    linked_csv,
    new_fragment,
    new_list,
    old_quote,
    tutorial_csv,
)

NEW_YORK = ZoneInfo("America/New_York")
NUMBERS = ("Price", "Qty", "Owned", "Value")
unhurried = settings(deadline=None)  # pages are large and machines are shared


def kit(argument: str) -> Kit:
    return Kit(settings=Settings(), clock=lambda: NOW, http=Http("tests"), argument=argument)


def fetch(path: Path) -> pd.DataFrame:
    return files.source(kit(str(path))).fetch(NOW)


def read(text: str, name: str = "saved.csv") -> pd.DataFrame:
    return files.parse(name, text.encode(), NOW)


def refusal(content: bytes, name: str = "saved.csv") -> str:
    with pytest.raises(SourceError) as caught:
        files.parse(name, content, NOW)
    return str(caught.value)


# Tables


def test_a_csv_says_what_its_page_says() -> None:
    told_by_links_only = ["issuer", "owner_cik"]
    page, table = finviz.parse(new_list(LINES), NOW), read(csv_text(linked_csv(LINES)))
    pd.testing.assert_frame_equal(table.drop(columns=told_by_links_only), page.drop(columns=told_by_links_only))


def test_a_csv_without_links_says_the_same_trades() -> None:
    fresh = [line for line in LINES if line.filed.year == 2026]
    page, table = finviz.parse(new_list(fresh), NOW), read(csv_text(tutorial_csv(fresh)))
    same = [
        "symbol",
        "owner",
        "role",
        "code",
        "side",
        "traded_on",
        "filed_on",
        "known_at",
        "shares",
        "price",
        "value",
        "shares_after",
    ]
    pd.testing.assert_frame_equal(table[same], page[same])
    assert table["accession"].isna().all()


@unhurried
@given(st.randoms(use_true_random=False))
def test_columns_may_stand_in_any_order(chance: random.Random) -> None:
    for render in (linked_csv, tutorial_csv):
        table = render(LINES)
        order = chance.sample(range(len(table[0])), len(table[0]))
        shuffled = [[line[place] for place in order] for line in table]
        assert read(csv_text(shuffled)).equals(read(csv_text(table)))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text + "\n\n",
        lambda text: text.rstrip(),
    ],
)
def test_line_ends_and_marks_of_other_programs_change_nothing(change) -> None:
    text = csv_text(linked_csv(LINES))
    assert read(change(text)).equals(read(text))


@pytest.mark.parametrize(
    "shown",
    ["2026-02-27", "2026-02-27 00:00:00", "2026-02-27T00:00:00", "2026-02-27 00:00:00.000", "Feb 27", "Feb 27 '26"],
)
def test_a_day_may_be_written_in_these_ways(shown: str) -> None:
    table = linked_csv(LINES[:1])
    table[1][table[0].index("Date")] = shown
    (trade,) = to_records(read(csv_text(table)))
    assert str(trade.traded_on) == "2026-02-27"


@pytest.mark.parametrize(
    "shown", ["2026-02-30", "2026-13-01", "2026-02-27 09:30:00", "27.02.2026", "1772150400", "nan", ""]
)
def test_a_day_in_any_other_way_is_refused(shown: str) -> None:
    table = linked_csv(LINES[:1])
    table[1][table[0].index("Date")] = shown
    assert refusal(csv_text(table).encode()).startswith("saved.csv: row 1, column 'Date': expected a day")


@pytest.mark.parametrize(("shown", "shares"), [("3000", 3000), ("3,000", 3000), ("3000.0", 3000), ("3,000.00", 3000)])
def test_a_number_may_be_written_in_these_ways(shown: str, shares: int) -> None:
    table = linked_csv(LINES[:1])
    table[1][table[0].index("#Shares")] = shown
    assert read(csv_text(table))["shares"].tolist() == [shares]


@pytest.mark.parametrize(
    "shown",
    ["3000.5", "3.0k", "3_000", "３０００", "3e3", "-3000", "+3000", "inf", "nan", "", "30,00", "0x10", "9" * 20],
)
def test_a_number_in_any_other_way_is_refused(shown: str) -> None:
    table = linked_csv(LINES[:1])
    table[1][table[0].index("#Shares")] = shown
    assert "row 1, column '#Shares': expected a whole number" in refusal(csv_text(table).encode())


def test_a_missing_heading_is_named_with_what_was_found() -> None:
    table = tutorial_csv(LINES)
    table[0][table[0].index("Cost")] = "Price"
    text = refusal(csv_text(table).encode())
    assert text.startswith("saved.csv: expected the columns Ticker, Owner,")
    assert text.endswith("'gm_ticker' (missing or twice: Cost)")


def test_a_heading_under_both_its_names_is_refused() -> None:
    table = [[*line, line[7]] for line in tutorial_csv(LINES)]
    table[0][-1] = "#Shares"
    assert "missing or twice: #Shares" in refusal(csv_text(table).encode())


def test_price_and_shares_that_changed_places_are_refused() -> None:
    table = tutorial_csv(LINES)
    cost, shares = table[0].index("Cost"), table[0].index("Number of Shares")
    table[0][cost], table[0][shares] = table[0][shares], table[0][cost]
    assert "column '#Shares': expected a whole number" in refusal(csv_text(table).encode())


def test_an_address_outside_the_archive_is_refused() -> None:
    text = csv_text(linked_csv(LINES)).replace("http://www.sec.gov/", "http://sec.example/")
    assert "expected a link into www.sec.gov/Archives/" in refusal(text.encode())


# OpenInsider's tables


def market_price(shown: str, quantity: str, value: str) -> Decimal | None:
    """The price that is read of a row, among others that are in order."""
    table = market_csv([*ROWS, ROWS[0]])
    for heading, text in (("Price", shown), ("Qty", quantity), ("Value", value)):
        table[-1][table[0].index(heading)] = text
    return to_records(read(csv_text(table)))[-1].price


def test_a_saved_page_is_its_site_s_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "1.html").write_text(openinsider_pages.screener(ROWS))
    (tmp_path / "2.html").write_text(new_list(LINES))
    table = fetch(tmp_path)
    assert table["source"].drop_duplicates().tolist() == ["openinsider", "finviz"]
    assert set(table["key"]) == {key for name in ("1", "2") for key in fetch(tmp_path / f"{name}.html")["key"]}


def test_json_lines_say_what_their_page_says() -> None:
    told_by_links_only = ["key", "accession", "url", "owner_cik"]
    page, lines = openinsider.parse(openinsider_pages.screener(ROWS), NOW), read(json_lines(ROWS))
    pd.testing.assert_frame_equal(lines.drop(columns=told_by_links_only), page.drop(columns=told_by_links_only))


def test_a_table_without_letters_and_times_is_known_at_the_end_of_its_day() -> None:
    for trade, row in zip(to_records(read(csv_text(market_csv(ROWS)))), ROWS, strict=True):
        assert trade.form == "4"
        assert trade.filed_on == row.filed.date()
        assert trade.known_at
        assert trade.known_at.astimezone(NEW_YORK).strftime("%H:%M") == "22:00"


def test_what_was_paid_is_what_the_value_says_not_a_price_of_another_day() -> None:
    for trade, row in zip(to_records(read(csv_text(market_csv(ROWS)))), ROWS, strict=True):
        assert trade.price
        assert abs(trade.price - row.price) < Decimal("0.05")


@pytest.mark.parametrize(
    ("shown", "quantity", "value", "price"),
    [
        ("5.95", "13", "77", "5.95"),  # it yields the value but for rounding
        ("$5.95", "+13", "+$77", "5.95"),
        ("6.15", "13", "77", "5.9231"),
        ("0.5", "4250000.0", "5000.0", "0.0012"),
        ("0.00", "2000", "0", "0"),
        ("$5.99", "+1300", "+$7700", "5.99"),  # the site's own
        ("0.004", "30000000", "24000", "0.0008"),
        ("0", "30000000", "24000", "0.0008"),
    ],
)
def test_a_price_stands_where_it_yields_the_value(shown: str, quantity: str, value: str, price: str) -> None:
    assert market_price(shown, quantity, value) == Decimal(price)


def test_prices_far_from_what_was_paid_are_another_column() -> None:
    table = market_csv(ROWS)
    price, owned = table[0].index("Price"), table[0].index("Owned")
    for line in table[1:]:
        line[price] = line[owned]
    assert "column 'Price': expected about Value / Qty, found it in 0 of 10 rows" in refusal(csv_text(table).encode())


def test_companies_and_persons_that_changed_places_are_refused() -> None:
    table = market_csv(ROWS)
    company, person = table[0].index("Company_Name"), table[0].index("Insider_Name")
    table[0][company], table[0][person] = table[0][person], table[0][company]
    assert "column 'Insider Name': found the companies of 'Company Name'" in refusal(csv_text(table).encode())


def test_a_table_of_funds_alone_needs_no_company() -> None:
    table = market_csv([openinsider_pages.Row(owner=f"Fund {letter} LLC") for letter in "ABC"])
    place = table[0].index("Company_Name")
    assert len(read(csv_text([[*line[:place], *line[place + 1 :]] for line in table]))) == 3


def test_a_sale_without_its_sign_is_refused() -> None:
    text = csv_text(market_csv(ROWS)).replace("-310001.0", "310001.0")
    assert "row 3, column 'Qty': expected a number below 0 for S - Sale, found '310001.0'" in refusal(text.encode())


def test_the_headings_tell_which_site_s_columns_are_missing() -> None:
    text = csv_text(market_csv(ROWS)).replace("Insider_Name", "Who", 1)
    assert "expected the columns Filing Date, Trade Date, Ticker, Insider Name," in refusal(text.encode())
    assert "(missing or twice: Insider Name)" in refusal(text.encode())


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ('{"a": 1', "line 1: expected a JSON object, found"),
        ('{"a": NaN}', "line 1: expected a JSON object, found"),
        ('{"a": 1, "a": 2}', "line 1: expected a JSON object, found"),
        ('{"a": [1]}', "line 1: expected a JSON object of plain values"),
        ('{"a": 1}\n[1]', "line 2: expected a JSON object of plain values"),
        ('{"a": 1}\n{"b": 1}', "row 2: expected the names of the first row, found 'b'"),
        ("{}", "expected the columns"),
        ('{"a": 1}', "expected the columns"),
    ],
)
def test_json_lines_that_are_no_table_are_refused(lines: str, sentence: str) -> None:
    assert refusal(lines.encode(), "saved.jsonl").startswith(f"saved.jsonl: {sentence}")


def test_numbers_and_nulls_of_json_are_cells_too() -> None:
    first = json.loads(json_lines(ROWS[:1]))
    second = first | {"Ticker": None, "Title": None, "Price": 40.81, "Qty": 3000, "Owned": 18500.0, "Value": 122438}
    third = first | {"Insider\u00a0Name": "Somebody Else"}
    trades = to_records(read("\n".join(map(json.dumps, (first, second, third)))))
    assert (trades[1].symbol, trades[1].title) == (None, None)
    assert [trades[1].price, trades[1].shares, trades[1].shares_after] == [Decimal("40.81"), 3000, 18_500]


# Bytes


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "expected a CSV with headings and rows"),
        (b"Ticker,Owner\n", "expected a CSV with headings and rows"),
        (b'Ticker,"Owner\nA,B\n', "expected a CSV table"),
        (b"\xff\xfe<\x00h\x00", "expected UTF-8 text, found something else at byte 0"),
        (new_list(LINES).encode("latin-1"), "expected UTF-8 text"),
        (b"\x1f\x8b\x08rubbish", "expected a whole gzip file"),
        (gzip.compress(new_list(LINES).encode())[:-20], "expected a whole gzip file"),
        (gzip.compress(b"\0" * 6_000_000), "expected at most 5000000 bytes"),
        (b" " * 5_000_001, "expected at most 5000000 bytes"),
        (b"<html></html>", "expected an HTML page with the insider table"),
        (b"<?xml version='1.0'?><ownershipDocument></ownershipDocument>", "expected an HTML page"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_under_its_name(content: bytes, sentence: str) -> None:
    assert refusal(content, "inbox.csv").startswith(f"inbox.csv: {sentence}")


@unhurried
@given(st.binary())
def test_no_bytes_are_more_than_a_refusal(content: bytes) -> None:
    assert refusal(content)


@unhurried
@given(st.text())
def test_no_text_is_more_than_a_refusal(text: str) -> None:
    assert refusal(text.encode(errors="surrogatepass"))


TEXT = csv_text(linked_csv(LINES[:3]))


@unhurried
@given(st.text(), st.integers(0, len(TEXT)), st.integers(0, len(TEXT)))
def test_no_damage_to_a_csv_is_more_than_a_refusal(text: str, start: int, end: int) -> None:
    damaged = TEXT[: min(start, end)] + text + TEXT[max(start, end) :]
    try:
        table = files.parse("csv", damaged.encode(errors="surrogatepass"), NOW)
    except SourceError:
        return
    assert 1 <= len(table) <= 3 + text.count("\n") + text.count("\r")


# Files and folders


def test_a_file_is_known_by_its_content_not_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "page.csv").write_bytes(gzip.compress(new_list(LINES).encode()))
    (tmp_path / "table.html").write_text(csv_text(linked_csv(LINES)))
    assert fetch(tmp_path / "page.csv").equals(finviz.parse(new_list(LINES), NOW))
    assert fetch(tmp_path / "table.html").equals(read(csv_text(linked_csv(LINES))))


def test_the_source_is_named_after_its_path(tmp_path: Path) -> None:
    assert files.source(kit(str(tmp_path))).name == f"files:{tmp_path}"


def test_a_folder_is_every_known_file_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text(old_quote(ONE_COMPANY))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(csv_text(tutorial_csv(LINES[:4])).encode()))
    (tmp_path / "C.HTM").write_text(new_list(LINES[6:8]))
    (tmp_path / "notes.txt").write_text("no table")
    (tmp_path / "z.jsonl.gz").write_bytes(gzip.compress(json_lines(ROWS[1:3]).encode()))
    table = fetch(tmp_path)
    assert len(table) == 4 + len(ONE_COMPANY) + 2 + 2
    has_no_filing = [False] * 2 + [True] * 4 + [False] * len(ONE_COMPANY) + [True] * 2
    assert table["key"].str.startswith("row:").tolist() == has_no_filing


def test_overlapping_pages_show_every_line_once(tmp_path: Path) -> None:
    (tmp_path / "monday.html").write_text(new_list(LINES[4:]))
    (tmp_path / "tuesday.html").write_text(new_list(LINES[:8]))
    (tmp_path / "fragment.html").write_text(new_fragment(ONE_COMPANY))
    (tmp_path / "fragment_again.html").write_text(new_fragment(ONE_COMPANY))
    table = fetch(tmp_path)
    assert len(table) == len(LINES) + len(ONE_COMPANY)
    assert not table.duplicated(["key", "symbol"]).any()


def test_one_bad_file_refuses_the_folder_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "good.html").write_text(new_list(LINES))
    (tmp_path / "half.html").write_text(new_list(LINES)[:-9])
    with pytest.raises(SourceError, match=r"^half\.html: expected a whole page"):
        fetch(tmp_path)


def test_an_empty_folder_and_a_missing_path_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected files ending in"):
        fetch(tmp_path)
    with pytest.raises(SourceError, match="expected a file or a folder, found nothing"):
        fetch(tmp_path / "nowhere")


def test_a_folder_with_a_table_s_name_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "odd.csv").mkdir()
    with pytest.raises(SourceError, match=r"odd\.csv: cannot be read"):
        fetch(tmp_path)


def test_no_path_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="files:PATH"):
        files.source(kit(""))


# Real tables


CSVS = {"lemon_markets_transactions_2022-01-17.csv": 111, "finviz_insider_2023.csv.gz": 4457}


@pytest.mark.corpus
@pytest.mark.parametrize("name", CSVS)
def test_a_real_csv_is_right_to_the_cell(corpus: Path, name: str) -> None:
    content = (corpus / "finviz" / name).read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    now = datetime(2022, 1, 17, 12, tzinfo=UTC) if "2022" in name else LATER
    trades = to_records(files.parse(name, content, now))
    assert len(trades) == len(rows) == CSVS[name]
    kinds = {"Buy": "P", "Sale": "S", "Option Exercise": "M"}
    for trade, row in zip(trades, rows, strict=True):
        shown = {files.OTHER_NAMES.get(heading, heading): cell for heading, cell in row.items()}
        assert (trade.symbol, trade.owner) == (shown["Ticker"], " ".join(shown["Owner"].split()))
        assert trade.title == (" ".join(shown["Relationship"].split()) or None)
        assert trade.code == kinds[shown["Transaction"]]
        numbers = [trade.price, trade.shares, trade.value, trade.shares_after]
        assert numbers == [Decimal(shown[heading]) for heading in ("Cost", "#Shares", "Value ($)", "#Shares Total")]
        assert trade.known_at
        local = trade.known_at.astimezone(NEW_YORK)
        assert f"{local:%b %d %I:%M %p}" == shown["SEC Form 4"]
        assert local.year == (2022 if "2022" in name else 2023)
        assert trade.filed_on == local.date()
        assert shown["Date"] in {f"{trade.traded_on:%b %d}", f"{trade.traded_on} 00:00:00"}
        if link := shown.get("SEC Form 4 Link"):
            number = (trade.accession or "").replace("-", "")
            assert number in link.split("/")
            assert (
                trade.url
                == f"https://www.sec.gov/Archives/edgar/data/{link.split('/')[6]}/{number}/{link.split('/')[-1]}"
            )


@pytest.mark.corpus
def test_the_tutorial_s_table_is_dated_before_its_day(corpus: Path) -> None:
    content = (corpus / "finviz" / "lemon_markets_transactions_2022-01-17.csv").read_bytes()
    table = files.parse("csv", content, datetime(2022, 1, 17, 12, tzinfo=UTC))
    assert set(table["filed_on"].dt.year) == {2022}
    assert set(table["traded_on"].dt.year) == {2021, 2022}  # the trades of July were filed late
    assert (table["traded_on"] <= table["filed_on"]).all()


def test_a_file_without_years_is_not_news_again_every_year(tmp_path: Path) -> None:
    """A row is never younger than the file it stands in."""
    path = tmp_path / "saved.csv"
    path.write_text(csv_text(tutorial_csv(LINES)), encoding="utf-8")
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    first = files.Files(path).fetch(NOW)
    assert files.Files(path).fetch(NOW + timedelta(days=365)).equals(first)


def test_a_device_that_says_nothing_is_refused_in_one_sentence() -> None:
    with pytest.raises(SourceError):
        files.Files(Path(os.devnull)).fetch(NOW)


@pytest.mark.corpus
def test_real_json_lines_are_right_to_the_cell(corpus: Path) -> None:
    (path,) = sorted((corpus / "openinsider" / "raw").glob("*.jsonl.gz"))
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines()]
    table = to_records(files.parse(path.name, path.read_bytes(), LATER))
    assert len(table) == len(rows)
    for trade, row in zip(table, rows, strict=True):
        shown = {heading.replace("\u00a0", " "): " ".join(text.split()) for heading, text in row.items()}
        assert (trade.symbol, trade.issuer) == (shown["Ticker"].replace(".", "-"), shown["Company Name"])
        assert (trade.owner, trade.title, trade.code) == (shown["Insider Name"], shown["Title"] or None, "P")
        assert (trade.form, trade.acquired) == ("4/A" if "A" in shown["X"] else "4", None if "E" in shown["X"] else "A")
        assert trade.known_at
        assert f"{trade.known_at.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S}" == shown["Filing Date"]
        assert str(trade.traded_on) == shown["Trade Date"]
        numbers = [Decimal(shown[name].translate({ord(sign): None for sign in "+$,"})) for name in NUMBERS]
        assert [trade.price, trade.shares, trade.shares_after, trade.value] == numbers


@pytest.mark.corpus
def test_a_real_csv_with_market_prices_is_right_to_the_cell(corpus: Path) -> None:
    (path,) = sorted((corpus / "openinsider" / "raw").glob("*.csv.gz"))
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))
    trades = to_records(files.parse(path.name, path.read_bytes(), LATER))
    assert len(trades) == len(rows)
    for trade, row in zip(trades, rows, strict=True):
        assert trade.symbol == (None if row["Ticker"].endswith(".") else row["Ticker"].replace(".", "-"))
        assert trade.issuer == " ".join(row["Company_Name"].split())
        assert trade.owner == " ".join(row["Insider_Name"].split())
        assert (trade.code, trade.side, str(trade.traded_on)) == ("P", "buy", row["Trade_Date"])
        assert str(trade.filed_on) == row["Filing_Date"]
        numbers = [Decimal(row[name]) for name in ("Qty", "Owned", "Value")]
        assert [trade.shares, trade.shares_after, trade.value] == numbers
        assert trade.price
        assert abs(trade.price * numbers[0] - numbers[2]) <= numbers[2] / 50 + 1  # the value, rounded
