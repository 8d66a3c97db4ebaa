"""The Atom feed of current filings: what an entry says, and pages that are no feed."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.edgar import pages
from bot.errors import SourceError
from bot.sources.edgar import feed
from bot.sources.edgar.listing import Listing
from tests.builders import FEW
from tests.sources.edgar.world import NOW, accession, filing, filings, noise, outcome

PAGE = pages.feed(pages.entries(filings(2)), NOW)
TEXT = PAGE.decode("latin-1")


def test_an_entry_says_number_form_folder_day_and_instant() -> None:
    evening = datetime(2026, 3, 2, 21, 58, 41, tzinfo=UTC) + timedelta(hours=5)
    shown = pages.entries([filing(7, evening, "4/A")])
    assert set(feed.read(pages.feed(shown, NOW))) == {
        Listing(accession=accession(7), form="4/A", cik=cik, filed_on=date(2026, 3, 2), accepted_at=evening)
        for cik in ("1999007", "2999007")
    }


def test_every_party_is_an_entry_in_the_page_s_order() -> None:
    found = [listing.accession for listing in feed.read(PAGE)]
    assert found == [accession(2), accession(2), accession(1), accession(1)]


def test_noise_is_read_and_keeps_its_form() -> None:
    assert {one.form for one in feed.read(pages.feed(pages.entries(noise(3)), NOW))} == {"424B2"}


def test_the_encoding_is_the_one_the_page_declares() -> None:
    assert "Søn".encode("latin-1") in PAGE
    assert feed.read(TEXT.replace("ISO-8859-1", "UTF-8").encode()) == feed.read(PAGE)


def test_a_page_past_the_end_has_no_entries() -> None:
    assert feed.read(pages.feed([], NOW)) == []


def test_summer_and_winter_time_are_told_by_the_page() -> None:
    july = datetime(2026, 7, 1, 20, 0, tzinfo=UTC)
    page = pages.feed(pages.entries([filing(1, july)]), july)
    assert b"T16:00:00-04:00" in page
    assert {one.accepted_at for one in feed.read(page)} == {july}


@pytest.mark.parametrize(
    ("pattern", "instead", "said"),
    [
        (r"urn:tag:sec.gov,2008:accession-number=\S{20}", "urn:uuid:1", "an accession number"),
        (r"accession-number=\S{20}", "accession-number=0001999501-26-000009", "one filing in number and address"),
        (r'href="[^"]*"', 'href="https://elsewhere.example/"', "the address of a filing"),
        (r'(?s)<link .*?/>', "", "link with href"),
        (r' term="4"', "", "category with term"),
        (r"Filed:", "Sent:", "the day of filing"),
        (r"Filed:&lt;/b&gt; 2026-03-04", "Filed:&lt;/b&gt; 2026-02-30", "day is out of range"),
        (r"T\d\d:\d\d:\d\d-05:00</updated>\n<cat", "T16:00:00</updated>\n<cat", "an instant with its zone"),
        (r"<updated>[^<]*</updated>\n<cat", "<updated>2026-03-04T25:00:00-05:00</updated>\n<cat", "hour must be"),
        (r"<updated>[^<]*</updated>\n<cat", "<updated>٢026-03-04T16:00:00-05:00</updated>\n<cat", "an instant"),
    ],
)  # fmt: skip
def test_an_entry_that_lacks_something_refuses_the_page(pattern: str, instead: str, said: str) -> None:
    spoiled = re.sub(pattern, instead, TEXT)
    assert spoiled != TEXT
    with pytest.raises(SourceError, match=said) as caught:
        feed.read(spoiled.encode("latin-1", "xmlcharrefreplace"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "page",
    [b"", b"  ", b"<html><body>blocked</body></html>", b"{}", PAGE[:900], b"<feed><entry/></feed>", b"\x00\xff"],
)
def test_what_is_no_feed_is_refused(page: bytes) -> None:
    with pytest.raises(SourceError, match="expected an Atom feed"):
        feed.read(page)


def test_an_entity_is_not_resolved(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("0001999501-26-000001")
    entity = f'<!DOCTYPE feed [<!ENTITY secret SYSTEM "file://{tmp_path}/secret.txt">]>\n<feed'
    page = TEXT.replace("<feed", entity, 1).replace(f"accession-number={accession(1)}", "accession-number=&secret;")
    with pytest.raises(SourceError, match="an accession number"):
        feed.read(page.encode("latin-1"))


@FEW
@given(st.data())
def test_a_spoiled_page_is_read_or_refused_in_one_sentence(data: st.DataObject) -> None:
    spoiled = bytearray(PAGE)
    for place in data.draw(st.lists(st.integers(0, len(PAGE) - 1), min_size=1, max_size=8)):
        spoiled[place] = data.draw(st.integers(0, 255))
    found = outcome(feed.read, bytes(spoiled))
    if isinstance(found, SourceError):
        assert "\n" not in str(found)
    else:
        assert all(re.fullmatch(r"[0-9]{10}-[0-9]{2}-[0-9]{6}", one.accession) for one in found)


@pytest.mark.corpus
def test_every_recorded_page_has_as_many_entries_as_it_looks_like(corpus: Path) -> None:
    recorded = sorted((corpus / "edgar/feeds").glob("*.xml"))
    assert recorded
    for path in recorded:
        page = path.read_bytes()
        listings = feed.read(page)
        numbers = re.findall(rb"<id>urn:tag:sec.gov,2008:accession-number=([\d-]+)</id>", page)
        assert [one.accession.encode() for one in listings] == numbers, path.name
        assert [one.form.encode() for one in listings] == re.findall(rb'term="([^"]+)"', page), path.name
        accepted = [one.accepted_at for one in listings if one.accepted_at]
        assert accepted == sorted(accepted, reverse=True), path.name
        assert len(accepted) == len(listings)


@pytest.mark.corpus
def test_the_recorded_page_past_the_end_is_no_feed(corpus: Path) -> None:
    for path in (corpus / "edgar/feeds").glob("*http503*"):
        with pytest.raises(SourceError, match="expected an Atom feed"):
            feed.read(path.read_bytes())
