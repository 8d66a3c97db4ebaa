"""Saved filings: a document, a submission, or a folder with thousands of them, as one table."""

import gzip
from codecs import BOM_UTF8
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from bot.errors import SourceError
from bot.sources import files
from bot.sources.edgar import saved
from bot.trades import to_records, validate

from .documents import PURCHASE, bare_tags, document, holding, submission, transaction

NOW = datetime(2026, 3, 3, tzinfo=UTC)
XML = document(transaction(), holding())


def fetch(path: Path) -> pd.DataFrame:
    return validate(files.Files(path).fetch(NOW))


@pytest.mark.parametrize("content", [XML, gzip.compress(XML, mtime=0)])
def test_a_document_knows_its_number_by_its_name_but_not_when_it_was_filed(content: bytes) -> None:
    bought, held = to_records(files.parse("0001999501-26-000003.xml", content, NOW))
    assert (bought.accession, bought.side, held.code) == ("0001999501-26-000003", "buy", None)
    assert (bought.filed_on, bought.known_at) == (None, None)
    assert to_records(files.parse("saved.xml", content, NOW))[0].accession is None


@pytest.mark.parametrize(
    ("content", "known_at"),
    [
        (submission(XML), datetime(2026, 3, 2, 22, 3, 41, tzinfo=UTC)),
        (bare_tags(XML), datetime(2026, 3, 3, 3, 0, tzinfo=UTC)),  # 22:00 in New York, as no time is told
    ],
)
def test_a_submission_is_known_since_it_was_accepted(content: bytes, known_at: datetime) -> None:
    bought, _ = to_records(files.parse("saved.txt", content, NOW))
    assert (bought.accession, str(bought.filed_on)) == ("0001999501-26-000003", "2026-03-02")
    assert bought.known_at == known_at


def test_a_folder_of_filings_is_one_table_with_each_line_once(tmp_path: Path) -> None:
    (tmp_path / "0001999501-26-000003.xml").write_bytes(XML)
    (tmp_path / "0001999501-26-000003.txt").write_bytes(submission(XML))
    (tmp_path / "0001999501-26-000004.xml").write_bytes(document(transaction(PURCHASE | {"transactionShares": "5"})))
    table = fetch(tmp_path)
    assert list(table["shares"].dropna()) == [3000, 5]
    assert list(table["known_at"].notna()) == [True, True, False]


@pytest.mark.parametrize("content", [XML, BOM_UTF8 + XML, b"\n" + XML.partition(b"?>")[2], submission(XML)])
def test_a_filing_in_a_text_file_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "saved.TXT").write_bytes(content)
    table = fetch(tmp_path)
    assert (len(table), table.attrs["left_out"]) == (2, ())


def test_text_files_that_are_no_filings_are_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"how to read an <ownershipDocument>")
    (tmp_path / "other.txt").write_bytes(b'<?xml version="1.0"?><feed/>')
    said = "2 text files are left out as they are no filings, such as notes.txt"
    with pytest.raises(SourceError, match=f"expected files ending in .*, found none; {said}$"):
        fetch(tmp_path)
    (tmp_path / "saved.xml").write_bytes(XML)
    assert fetch(tmp_path).attrs["left_out"] == (said,)


def test_a_bad_filing_is_named(tmp_path: Path) -> None:
    (tmp_path / "good.xml").write_bytes(XML)
    (tmp_path / "page.xml").write_bytes(b"<html><p>Form 4<br></html>")
    with pytest.raises(SourceError, match=r"^page\.xml: expected an ownership document .* found an HTML page$"):
        fetch(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8bbroken", b"<SEC-HEADER>\n"])
@pytest.mark.parametrize("name", ["saved.xml", "saved.txt", "saved.nc"])
def test_what_is_no_filing_is_refused_by_name(name: str, content: bytes) -> None:
    with pytest.raises(SourceError, match=f"^{name}: expected"):
        files.parse(name, content, NOW)


def test_very_many_filings_are_read_on_every_core_into_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        cells = PURCHASE | {"transactionShares": str(100 + number)}
        (tmp_path / f"0001999501-26-00000{number}.xml").write_bytes(document(transaction(cells)))
    alone = fetch(tmp_path)
    monkeypatch.setattr(saved, "MANY", 6)
    monkeypatch.setattr(saved, "CHUNK", 1)
    pd.testing.assert_frame_equal(fetch(tmp_path), alone)
    assert len(alone) == 6


def test_a_bad_one_among_very_many_is_named_and_ends_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        (tmp_path / f"0001999501-26-00000{number}.xml").write_bytes(XML if number != 2 else b"<html>")
    monkeypatch.setattr(saved, "MANY", 6)
    monkeypatch.setattr(saved, "CHUNK", 1)
    with pytest.raises(SourceError, match=r"^0001999501-26-000002\.xml: expected an ownership document"):
        fetch(tmp_path)


def test_one_core_reads_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.xml").write_bytes(XML)
    monkeypatch.setattr(saved, "MANY", 0)
    monkeypatch.setattr(saved.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(saved, "ProcessPoolExecutor", None)
    assert len(fetch(tmp_path)) == 2
