"""The daily and quarterly indexes in all their layouts, and files that are none."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.edgar import pages
from bot.errors import SourceError
from bot.sources.edgar import index
from bot.sources.edgar.listing import Listing
from tests.builders import FEW
from tests.sources.edgar.world import accession, filing, filings, noise, outcome

DAY = date(2026, 3, 4)
SHOWN = pages.entries([*filings(3), filing(4, form="4/A"), *noise(2)])
MASTER, BY_FORM = pages.master(SHOWN, DAY), pages.by_form(SHOWN, DAY)
ROW = Listing(accession=accession(1), form="4", cik="1999001", filed_on=DAY)
PATH = f"edgar/data/1999001/{accession(1)}"
RULE = "-" * 80


def page(*lines: str) -> bytes:
    return "\n".join(("Description: an index", *lines)).encode("latin-1")


def test_a_row_is_a_filing_under_one_of_its_parties() -> None:
    assert index.read(MASTER) == [
        Listing(accession=filed.accession, form=filed.form, cik=str(party.cik), filed_on=DAY) for filed, party in SHOWN
    ]


def test_both_daily_indexes_say_the_same() -> None:
    assert len(index.read(BY_FORM)) == len(SHOWN)
    assert set(index.read(BY_FORM)) == set(index.read(MASTER))


@pytest.mark.parametrize(
    "lines",
    [
        ("CIK|Company Name|Form Type|Date Filed|File Name", RULE, f"1999001|NORTHWIND|4|20260304|{PATH}.txt"),
        ("CIK|Company Name|Form Type|Date Filed|Filename", RULE, f"1999001|NORTHWIND|4|2026-03-04|{PATH}.txt"),
        ("CIK|Company Name|Form Type|Date Filed|Filename", RULE, f"1999001|A|B|4|2026-03-04|{PATH}.txt"),
        ("CIK|Company Name|Form Type|Date Filed|Filename", RULE, f"0001999001|A  B|4|20260304|{PATH}.txt  "),
        ("Form Type   Company Name   CIK   Date Filed  File Name", RULE,
         f"4   NORTHWIND   1999001   2026-03-04  {PATH}.txt"),
        ("Form Type   Company Name   CIK", "      Date Filed  File Name", RULE, "",
         f"4           N  O R 4  77  1999001     20260304    {PATH}.txt          "),
        ("Company Name   Form Type   CIK", "      Date Filed  File Name", RULE,
         f"FUND 4  THE  4   1999001   20260304    {PATH}.txt"),
        ("Company Name   Form Type   CIK", "      Date Filed  URL ", RULE,
         f"FUND   4   1999001   20260304    http://www.sec.gov/Archives/{PATH}-index.htm"),
    ],
)  # fmt: skip
def test_every_layout_is_read_from_its_right_end(lines: tuple[str, ...]) -> None:
    assert index.read(page(*lines)) == [ROW]
    assert index.read(page(*lines).replace(b"\n", b"\r\n")) == [ROW]


def test_a_form_of_several_words_is_one_form() -> None:
    heading = "Company Name   Form Type   CIK"
    row = f"NORTHWIND   SCHEDULE 13D/A   1999001   20260304    {PATH}.txt"
    assert [one.form for one in index.read(page(heading, RULE, row))] == ["SCHEDULE 13D/A"]


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (b"", "a line of dashes"),
        (b"<html><body>blocked</body></html>", "a line of dashes"),
        (page("Name, Form", RULE, f"4 {PATH}.txt"), "the headings"),
        (page("CIK|Company Name|Form Type|Date Filed|File Name", RULE), "only its headings"),
        (MASTER[:-10], "line 18 "),
        (MASTER.replace(b"20260304", b"20260230"), "line 7 "),
        (MASTER.replace(b"|4|", b"||"), "expected form, CIK, day and file"),
        (BY_FORM.replace(b"edgar/data", b"data"), "expected form, CIK, day and file"),
        (page("Form Type   Company Name", RULE, "4 " + "  x" * 100_000), "line 4 "),
    ],
)
def test_an_index_that_cannot_be_read_whole_is_refused(spoiled: bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        index.read(spoiled)
    assert "\n" not in str(caught.value)


@FEW
@given(st.data(), st.sampled_from([MASTER, BY_FORM]))
def test_a_spoiled_index_is_read_or_refused(data: st.DataObject, whole: bytes) -> None:
    spoiled = bytearray(whole)
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=8)):
        spoiled[place] = data.draw(st.integers(0, 255))
    found = outcome(index.read, bytes(spoiled))
    if isinstance(found, SourceError):
        assert "\n" not in str(found)
    else:
        assert all(re.fullmatch(r"[0-9]{10}-[0-9]{2}-[0-9]{6}", one.accession) for one in found)


@pytest.mark.corpus
def test_every_recorded_index_has_as_many_rows_as_it_looks_like(corpus: Path) -> None:
    recorded = sorted((corpus / "edgar/index").iterdir())
    assert recorded
    for path in recorded:
        text = path.read_bytes()
        listings = index.read(text)
        rows = re.findall(rb"edgar/data/\d+/(\d{10}-\d\d-\d{6})(?:\.txt|-index\.htm)", text)
        assert [one.accession.encode() for one in listings] == rows, path.name
        fours = re.findall(rb"(?m)(?:^|\||[^\S\n]{2})(4|4/A)(?:\|(?:\d{8}|\d{4}-\d\d-\d\d)\||[^\S\n]{2,}\S)", text)
        assert [one.form for one in listings if one.form in {"4", "4/A"}] == [form.decode() for form in fours], (
            path.name
        )
