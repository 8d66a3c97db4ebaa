"""A full submission as the SEC disseminates it (`.txt`, or `.nc` with bare tags): header and ownership document.

The header's acceptance time is New York's wall clock, and the authoritative instant at which a filing became public.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from bot.errors import SourceError
from bot.sources.cells import in_utc
from bot.sources.edgar.fields import FORMS
from bot.sources.rows import shown

MAX_BYTES: Final = 50_000_000  # exhibits such as a scanned power of attorney come in the same file

# What the two kinds of header call the same thing.
_ACCESSION: Final = re.compile(rb"^(?:ACCESSION NUMBER:|<ACCESSION-NUMBER>)[ \t]*(\d{10}-\d{2}-\d{6})\b", re.MULTILINE)
_FORM: Final = re.compile(rb"^(?:CONFORMED SUBMISSION TYPE:|<TYPE>)[ \t]*(\S[^\n]{0,19})$", re.MULTILINE)
_FILED: Final = re.compile(rb"^(?:FILED AS OF DATE:|<FILING-DATE>)[ \t]*((?:19|20)\d{6})\b", re.MULTILINE)
_ACCEPTED: Final = re.compile(rb"^<ACCEPTANCE-DATETIME>[ \t]*((?:19|20)\d{12})\b", re.MULTILINE)
_TYPE: Final = re.compile(rb"^<TYPE>([^\n]*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a submission's header says of it, and its ownership document.

    `accepted_at` (UTC) is None where the header has no acceptance time, as the one with bare tags does not.
    """

    accession: str
    form: str
    filed_on: date
    accepted_at: datetime | None
    document: bytes


def read(text: bytes) -> Submission:
    """The submission in a file's bytes, whatever its line ends; SourceError when it has no ownership document."""
    if len(text) > MAX_BYTES:
        raise SourceError(f"expected a submission of at most {MAX_BYTES} bytes, found {len(text)}")
    text = b"\n" + text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    header, *documents = text.split(b"\n<DOCUMENT>\n")
    form = _told(_FORM, header, "a submission type")
    if form not in FORMS:
        raise SourceError(f"expected a submission of form 3, 4 or 5, found {shown(form)}")
    accepted = (
        _told(_ACCEPTED, header, "an acceptance time of fourteen digits")
        if b"\n<ACCEPTANCE-DATETIME>" in header
        else None
    )
    return Submission(
        accession=_told(_ACCESSION, header, "an accession number"),
        form=form,
        filed_on=_instant(_told(_FILED, header, "a filing date"), "%Y%m%d").date(),
        accepted_at=in_utc(_instant(accepted, "%Y%m%d%H%M%S")) if accepted else None,
        document=_ownership(documents, form),
    )


def _told(pattern: re.Pattern[bytes], header: bytes, what: str) -> str:
    match = pattern.search(header)
    if match is None:
        raise SourceError(f"expected a submission whose header has {what}, found none")
    return match[1].decode("ascii", "replace").strip()


def _instant(digits: str, written: str) -> datetime:
    try:
        return datetime.strptime(digits, written)  # noqa: DTZ007 - a wall clock, which the caller places
    except ValueError:
        raise SourceError(f"expected a day and time that exist in the header, found {shown(digits)}") from None


def _ownership(documents: list[bytes], form: str) -> bytes:
    """The XML of the document whose type is the form; exhibits have types of their own."""
    for document in documents:
        body, end, _ = document.partition(b"\n</DOCUMENT>")
        kind = _TYPE.search(body)
        if kind and kind[1].decode("ascii", "replace").strip() == form:
            xml, closed, _ = body.partition(b"\n<XML>\n")[2].partition(b"\n</XML>")
            if not end or not closed:
                raise SourceError(f"expected a whole XML document of type {form} in the submission, found none")
            return xml
    raise SourceError(f"expected a document of type {form} in the submission, found {len(documents)} others")
