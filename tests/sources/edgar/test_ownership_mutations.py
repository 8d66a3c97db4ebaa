"""Whatever bytes come, the answer is records that keep the schema, or one sentence."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SourceError
from bot.sources.edgar import ownership, submission
from bot.sources.edgar.lines import lines
from bot.trades import to_table, validate

from .documents import OPTION, bare_tags, document, holding, row, transaction
from .documents import submission as written
from .mutations import mutants

XML = document(
    transaction(notes={"transactionPricePerShare": ["F1"]}),
    holding(),
    derivatives=[row("derivativeTransaction", OPTION)],
    facts="<aff10b5One>true</aff10b5One>",
    footnotes={"F1": "Bought under a Rule 10b5-1 plan, in a private placement."},
    remarks="Chief Executive Officer",
)
ORIGINALS = [XML, written(XML), bare_tags(XML)]


def swallowed(content: bytes) -> int | None:
    """How many lines are read from these bytes, which must keep the schema; None when one sentence refuses them."""
    try:
        if b"<ACCESSION" in content or b"ACCESSION NUMBER" in content:
            content = submission.read(content).document
        told = ownership.read(content)
        trades = lines(
            told, accession=None, filed_on=date(2026, 3, 2), known_at=datetime(2026, 3, 2, tzinfo=UTC), url=None
        )
    except SourceError as error:
        return None if str(error).isprintable() else -1
    validate(to_table(trades))
    return len(trades)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_filings_are_read_or_refused(seed: int) -> None:
    read = [swallowed(content) for content in mutants(ORIGINALS, 150, seed)]
    assert None in read
    assert -1 not in read
    assert any(read)  # some mutants survive, or nothing but refusals was tested


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(content: bytes) -> None:
    assert swallowed(content) is None


@given(st.text(max_size=60), st.sampled_from([b"3000", b"NWRB", b"2026-02-27", b"Common Stock", b"Chief Executive"]))
def test_any_text_in_a_cell_is_read_or_refused(text: str, place: bytes) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").encode("utf-8", "surrogatepass")
    assert swallowed(XML.replace(place, escaped)) in {None, 3}
