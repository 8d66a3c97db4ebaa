"""Full submissions: what the header says, and the one document that is the form."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SourceError
from bot.sources.edgar import submission

from .documents import bare_tags, document, transaction
from .documents import submission as written

XML = document(transaction())


def refusal(text: bytes) -> str:
    with pytest.raises(SourceError) as caught:
        submission.read(text)
    return str(caught.value)


def test_the_header_tells_form_number_and_times() -> None:
    found = submission.read(written(XML))
    assert (found.accession, found.form, found.filed_on) == ("0001999501-26-000003", "4", date(2026, 3, 2))
    assert found.accepted_at == datetime(2026, 3, 2, 22, 3, 41, tzinfo=UTC)
    assert found.document.strip() == XML.strip()


@pytest.mark.parametrize(
    ("accepted", "instant"),
    [
        ("20260302215800", datetime(2026, 3, 3, 2, 58, tzinfo=UTC)),  # the same filing day until 22:00
        ("20260309170000", datetime(2026, 3, 9, 21, 0, tzinfo=UTC)),  # the Monday after the clocks went forward
        ("20251102013000", datetime(2025, 11, 2, 6, 30, tzinfo=UTC)),  # the hour that comes twice: the later one
    ],
)
def test_the_acceptance_time_is_new_yorks_wall_clock(accepted: str, instant: datetime) -> None:
    assert submission.read(written(XML, accepted=accepted)).accepted_at == instant


def test_the_header_of_bare_tags_knows_no_acceptance_time() -> None:
    found = submission.read(bare_tags(XML))
    assert (found.accession, found.form, found.filed_on) == ("0001999501-26-000003", "4", date(2026, 3, 2))
    assert found.accepted_at is None
    assert found.document.strip() == XML.strip()


@pytest.mark.parametrize("end", [b"\r", b"\r\n"])
def test_line_ends_change_nothing(end: bytes) -> None:
    assert submission.read(written(XML).replace(b"\n", end)) == submission.read(written(XML))


def test_an_amendment_is_found_by_its_own_type() -> None:
    assert submission.read(written(document(form="4/A"), form="4/A")).form == "4/A"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "expected a submission whose header has a submission type, found none"),
        (written(XML, form="N-MFP2"), "expected a submission of form 3, 4 or 5, found 'N-MFP2'"),
        (written(XML, accepted="20261345170341"), "expected a day and time that exist in the header"),
        (written(XML, accepted="2026"), "header has an acceptance time of fourteen digits, found none"),
        (written(XML).replace(b"FILED AS OF DATE", b"DATE"), "header has a filing date, found none"),
        (written(XML).replace(b"ACCESSION NUMBER:\t\t00", b"ACCESSION NUMBER:\t\t"), "header has an accession number"),
        (
            written(XML).replace(b"<TYPE>4\n", b"<TYPE>COVER\n"),
            "a document of type 4 in the submission, found 2 others",
        ),
        (written(XML).replace(b"\n</XML>", b""), "expected a whole XML document of type 4"),
        (written(XML).partition(b"</DOCUMENT>\n</SEC")[0], "expected a whole XML document of type 4"),
        (b" " * 50_000_001, "expected a submission of at most 50000000 bytes, found 50000001"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: bytes, sentence: str) -> None:
    assert sentence in refusal(text)


@given(st.integers(min_value=0))
def test_a_submission_that_is_cut_is_refused(place: int) -> None:
    whole = written(XML)
    body = len(whole) - len(b"\n</SEC-DOCUMENT>\n")  # what follows the document adds nothing to it
    assert "expected" in refusal(whole[: place % (body - len(b"</DOCUMENT>"))])
