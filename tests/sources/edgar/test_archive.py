"""The archive of documents: whole or not at all, once, and never another one than was kept."""

import gzip
import hashlib
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SourceError
from bot.sources.edgar import catalogue, filing
from bot.sources.edgar.archive import Archive
from bot.sources.edgar.listing import Listing, Scope
from tests.builders import FEW, trade
from tests.sources.edgar.world import accession
from tests.sources.edgar.world import filing as filed

DAY = date(2026, 3, 4)
FOURS = frozenset({"4", "4/A"})
SCOPE = Scope(since=DAY, forms=FOURS)
FIRST = Listing(accession=accession(1), form="4", cik="1999001", filed_on=DAY)
LATER = Listing(
    accession=accession(2), form="4", cik="1999002", filed_on=DAY, accepted_at=datetime(2026, 3, 4, 21, 0, tzinfo=UTC)
)


def test_a_document_comes_back_by_its_hash(tmp_path: Path) -> None:
    digest = Archive(tmp_path / "new").keep(b"<SEC-DOCUMENT>")
    assert digest == hashlib.sha256(b"<SEC-DOCUMENT>").hexdigest()
    assert Archive(tmp_path / "new").read(digest) == b"<SEC-DOCUMENT>"


def test_the_same_bytes_are_kept_once_and_compressed(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    digest = archive.keep(b"one" * 1000)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    written = path.stat().st_ino
    assert archive.keep(b"one" * 1000) == digest
    assert path.stat().st_ino == written
    assert path.stat().st_size < 100
    assert gzip.decompress(path.read_bytes()) == b"one" * 1000


def test_the_archive_lists_its_documents(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    assert list(archive) == []
    digests = {archive.keep(f"{number}".encode()) for number in range(9)}
    assert set(archive) == digests
    assert len(list(archive)) == 9


def test_a_document_that_was_not_finished_is_none(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    digest = archive.keep(b"whole")
    (path,) = tmp_path.rglob("*.gz")
    (path.parent / "leftover.part").write_bytes(path.read_bytes()[:5])
    assert list(archive) == [digest]


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b", gzip.compress(b"another", mtime=0), b"not gzip"])
def test_a_damaged_document_is_not_given_out_and_can_be_kept_again(tmp_path: Path, damage: bytes) -> None:
    archive = Archive(tmp_path)
    digest = archive.keep(b"whole")
    (path,) = tmp_path.rglob("*.gz")
    path.write_bytes(damage)
    assert archive.read(digest) is None
    assert archive.keep(b"whole") == digest
    assert archive.read(digest) == b"whole"


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert Archive(tmp_path).read("0" * 64) is None


def test_an_archive_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="the archive cannot be written"):
        Archive(tmp_path / "file").keep(b"whole")


def test_what_is_listed_waits_the_latest_first_and_is_listed_once(tmp_path: Path) -> None:
    with catalogue.opened(tmp_path / "c") as known:
        assert known.is_empty()
        known.add([FIRST, LATER, FIRST], [])
    with catalogue.opened(tmp_path / "c") as known:
        assert not known.is_empty()
        assert known.waiting(SCOPE) == [LATER, FIRST]
        assert known.ground(SCOPE) == {FIRST.accession, LATER.accession}
        assert known.waiting(replace(SCOPE, since=date(2026, 3, 5))) == []


def test_what_came_alone_is_known_but_no_known_ground_until_the_feed_lists_it(tmp_path: Path) -> None:
    alone = replace(LATER, accepted_at=None)
    with catalogue.opened(tmp_path / "c") as known:
        known.note([alone])
        assert (known.waiting(SCOPE), known.ground(SCOPE)) == ([alone], set())
        known.add([LATER])
        known.note([alone])
        assert (known.waiting(SCOPE), known.ground(SCOPE)) == ([LATER], {LATER.accession})


def test_only_what_is_meant_is_told(tmp_path: Path) -> None:
    third = replace(FIRST, accession=accession(3), form="3")
    with catalogue.opened(tmp_path / "c") as known:
        known.add([FIRST, LATER, third])
        assert known.waiting(SCOPE) == [LATER, FIRST]
        assert known.waiting(replace(SCOPE, forms=frozenset({"3"}))) == [third]
        assert known.waiting(replace(SCOPE, accessions=frozenset({FIRST.accession, third.accession}))) == [FIRST]
        assert known.waiting(replace(SCOPE, accessions=frozenset())) == []


def test_a_day_is_done_for_the_forms_it_was_read_for(tmp_path: Path) -> None:
    more = replace(SCOPE, forms=FOURS | {"3", "3/A"})
    with catalogue.opened(tmp_path / "c") as known:
        known.add([], [DAY], FOURS)
        assert (known.days(SCOPE), known.days(more)) == ({DAY}, set())
        known.add([], [DAY], more.forms)
        assert known.days(more) == {DAY}
        assert known.days(replace(SCOPE, since=date(2026, 3, 5))) == set()


def test_tickers_are_those_of_their_day(tmp_path: Path) -> None:
    with catalogue.opened(tmp_path / "c") as known:
        known.keep_tickers({"NWRB": "0001999001", "HLCN": "0001999002"}, DAY)
        known.keep_tickers({"NWRB": "0001999003"}, DAY)
        assert known.tickers(DAY) == {"NWRB": "0001999003"}
        assert known.tickers(date(2026, 3, 5)) == {}


def test_filings_and_days_are_listed_together_or_not_at_all(tmp_path: Path) -> None:
    with catalogue.opened(tmp_path / "c") as known:
        with pytest.raises(ZeroDivisionError):
            known.add([FIRST], (date(2026, 3, 1 // number) for number in (1, 0)), FOURS)
        assert known.is_empty()
        known.add([FIRST], [DAY], FOURS)
        assert known.days(SCOPE) == {DAY}


def test_what_is_kept_waits_no_more_and_says_what_it_says(tmp_path: Path) -> None:
    found = filing.read(filed(1).submission)
    with catalogue.opened(tmp_path / "c") as known:
        known.add([FIRST, LATER], [])
        known.keep(FIRST, "a" * 64, found)
        known.keep(LATER, "b" * 64, SourceError("expected a form, found none"))
        assert known.waiting(SCOPE) == []
        assert [filing.from_text(text) for text in known.trades(SCOPE)] == [list(found.trades)]
        assert known.refusals(SCOPE) == [(LATER.accession, "expected a form, found none")]
        known.lose(FIRST)
        assert known.waiting(SCOPE) == [FIRST]


def test_what_another_version_has_read_is_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with catalogue.opened(tmp_path / "c") as known:
        known.add([FIRST], [])
        known.keep(FIRST, "a" * 64, SourceError("not yet understood"))
        assert known.unread(SCOPE) == []
        monkeypatch.setattr(catalogue, "reader", lambda: "the next version")
        assert known.unread(SCOPE) == [(FIRST, "a" * 64)]


def test_a_file_that_is_no_catalogue_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"not a database" * 1000)
    with pytest.raises(SourceError, match="may be deleted"), catalogue.opened(tmp_path / "c"):
        pass


def test_a_catalogue_that_breaks_while_it_is_used_says_so_too(tmp_path: Path) -> None:
    def use() -> None:
        with catalogue.opened(tmp_path / "c") as known, closing(sqlite3.connect(tmp_path / "c")) as other:
            other.execute("DROP TABLE filings")
            known.is_empty()

    with pytest.raises(SourceError, match="no such table"):
        use()


def test_trades_survive_as_text() -> None:
    full = trade(amends="1:2:2026-03-01", plan_10b5_1=False, ownership="I", shares_after=None)
    assert filing.from_text(filing.as_text((full, trade(code="M", known_at=None)))) == [
        full,
        trade(code="M", known_at=None),
    ]


@FEW
@given(st.decimals(0, 10**12, places=4), st.datetimes(timezones=st.just(UTC)))
def test_every_number_and_instant_survives_as_text(shares: object, known_at: datetime) -> None:
    one = trade(shares=shares, known_at=known_at)
    assert filing.from_text(filing.as_text((one,))) == [one]
