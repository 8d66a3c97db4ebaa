"""An ownership document (SEC forms 3, 4 and 5) as records: everything it says, with each footnote at its cell.

The format is the EDGAR Ownership XML Technical Specification. Elements are known by name, so that a new schema version
may add some; a known one that is there twice is refused, since nobody could tell which of the two is meant.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any, Final, NamedTuple

from lxml import etree

from bot.errors import SourceError
from bot.sources.edgar.fields import FACTS, ISSUER, LINE, OWNER, SIGNATURE, Fields, Kind, prose
from bot.sources.rows import shown

MAX_BYTES: Final = 5_000_000  # the form allows 60 lines and 99 footnotes of 1,000 characters
# In all of these a DOCTYPE is the same bytes, so that none hides from the search for it.
ENCODINGS: Final = frozenset({"utf-8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252"})

# Table -> whether it is of derivatives; and its lines -> whether they are holdings.
TABLES: Final = {
    "nonDerivativeTable": (False, {"nonDerivativeTransaction": False, "nonDerivativeHolding": True}),
    "derivativeTable": (True, {"derivativeTransaction": False, "derivativeHolding": True}),
}
REPEATED: Final = frozenset({"reportingOwner", "ownerSignature"})
REQUIRED: Final = ("documentType", "issuer", "reportingOwner")
PARTS: Final = frozenset({*FACTS, *TABLES, *REPEATED, "issuer", "footnotes"})

_DECLARED: Final = re.compile(rb"<\?xml\s[^>]*?\bencoding\s*=\s*[\"']([\w.:-]{1,40})[\"']", re.ASCII)
_HTML: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.ASCII)


class Note(NamedTuple):
    """A footnote on a cell: the name of the cell's element, the footnote's number in the document, and its text."""

    cell: str
    id: str
    text: str


class Owner(NamedTuple):
    """A reporting owner; a flag that the document leaves out is None, which forms mean as no."""

    cik: str
    name: str | None = None
    is_director: bool | None = None
    is_officer: bool | None = None
    is_ten_percent: bool | None = None
    is_other: bool | None = None
    title: str | None = None
    other: str | None = None


class Line(NamedTuple):
    """One line of a table: a transaction, or a holding (which has neither code nor day); missing stays missing.

    `number` counts the lines of its kind within its table from 1. `shares` and `total_value` are what was traded (one
    of them is filed), `price` USD per share, `shares_after` and `value_after` what is held afterwards. `form_type` 5
    inside a form 4 is a trade reported early of its own accord. `notes` are the footnotes on the line's cells.
    """

    number: int
    is_derivative: bool
    is_holding: bool
    security: str | None = None
    traded_on: date | None = None
    deemed_executed_on: date | None = None
    form_type: str | None = None
    code: str | None = None
    equity_swap: bool | None = None
    timeliness: str | None = None
    shares: Decimal | None = None
    total_value: Decimal | None = None
    price: Decimal | None = None
    acquired: str | None = None
    shares_after: Decimal | None = None
    value_after: Decimal | None = None
    ownership: str | None = None
    nature: str | None = None
    exercise_price: Decimal | None = None
    exercisable_on: date | None = None
    expires_on: date | None = None
    underlying: str | None = None
    underlying_shares: Decimal | None = None
    underlying_value: Decimal | None = None
    notes: tuple[Note, ...] = ()


class Signature(NamedTuple):
    """Who signed, as written, and when."""

    name: str | None = None
    signed_on: date | None = None


class Ownership(NamedTuple):
    """A whole ownership document; addresses are left out.

    CIKs have ten digits. `symbol` is the issuer's trading symbol as filed, which is free text. `original_filed_on` is
    an amendment's only pointer to what it amends. `lines` are in the document's order, non-derivative ones first.
    """

    form: str
    issuer_cik: str
    owners: tuple[Owner, ...]
    issuer: str | None = None
    symbol: str | None = None
    lines: tuple[Line, ...] = ()
    schema: str | None = None
    foreign_symbol: str | None = None
    period: date | None = None
    original_filed_on: date | None = None
    no_securities_owned: bool | None = None
    not_subject_to_section_16: bool | None = None
    form3_holdings_reported: bool | None = None
    form4_transactions_reported: bool | None = None
    aff10b5_one: bool | None = None
    footnotes: tuple[Note, ...] = ()
    remarks: str | None = None
    signatures: tuple[Signature, ...] = ()


def read(document: bytes) -> Ownership:
    """What an ownership document says; SourceError in one sentence when it is another document, or not sound.

    At most 5 MB, nested at most 256 deep, in UTF-8 or a Western single-byte encoding, and without a DOCTYPE: entities
    are what makes a document explode, or another one appear in its place.
    """
    root = _root(document)
    parts: dict[str, list[etree._Element]] = {}
    for part in root:
        if part.tag in PARTS:
            parts.setdefault(part.tag, []).append(part)
    if twice := [name for name, found in parts.items() if len(found) > 1 and name not in REPEATED]:
        raise SourceError(f"expected {twice[0]} once, found it {len(parts[twice[0]])} times")
    if missing := [name for name in REQUIRED if name not in parts]:
        raise SourceError(f"expected an ownershipDocument with {missing[0]}, found none")
    facts, _ = _cells([part for name, (part, *_) in parts.items() if name in FACTS], FACTS)
    notes = (note for part in parts.get("footnotes", ()) for note in part if note.tag == "footnote")
    footnotes = tuple([_footnote(note) for note in notes])
    texts = {note.id: note.text for note in footnotes}
    if len(texts) != len(footnotes):
        raise SourceError("expected footnotes with different numbers, found one number twice")
    return Ownership(
        **_with("form", facts, root),
        **_with("issuer_cik", _cells(parts["issuer"][0].iter(), ISSUER)[0], parts["issuer"][0]),
        owners=tuple([Owner(**_with("cik", _cells(part.iter(), OWNER)[0], part)) for part in parts["reportingOwner"]]),
        lines=tuple(line for name in TABLES for table in parts.get(name, ()) for line in _lines(table, texts)),
        footnotes=footnotes,
        signatures=tuple(Signature(**_cells(part.iter(), SIGNATURE)[0]) for part in parts.get("ownerSignature", ())),
    )


def _root(document: bytes) -> etree._Element:
    """The root of an ownership document that is safe to walk."""
    document = document.removeprefix(b"\xef\xbb\xbf").strip()
    if len(document) > MAX_BYTES:
        raise SourceError(f"expected an ownership document of at most {MAX_BYTES} bytes, found {len(document)}")
    if not document.startswith(b"<") or b"\0" in document:
        raise SourceError(f"expected an ownership document as XML in UTF-8, found {_start(document)}")
    if b"<!DOCTYPE" in document:
        raise SourceError("expected an ownership document without a DOCTYPE, found one")
    try:
        root = etree.fromstring(document, _parser(_encoding(document)))
    except etree.XMLSyntaxError as error:
        found = "an HTML page" if _HTML.search(document[:2000]) else f"a broken one ({shown(error.msg or '')})"
        raise SourceError(f"expected an ownership document as whole XML, found {found}") from None
    if root.tag != "ownershipDocument":
        raise SourceError(f"expected an ownershipDocument, found {shown(str(root.tag))}")
    return root


def _encoding(document: bytes) -> str:
    """The encoding that the document declares, if it is one of those in which nothing hides."""
    declared = _DECLARED.match(document)
    encoding = declared[1].decode("ascii").lower() if declared else "utf-8"
    if encoding not in ENCODINGS:
        raise SourceError(f"expected an ownership document in UTF-8, found the encoding {shown(encoding)}")
    return encoding


@cache  # a parser is costly to make, and may be shared by threads
def _parser(encoding: str) -> etree.XMLParser:
    """A parser that follows nothing out of the document and reads it in the encoding that was checked."""
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        collect_ids=False,
        remove_blank_text=True,
        remove_comments=True,
        remove_pis=True,
    )


def _start(document: bytes) -> str:
    return shown(document[:40].decode("ascii", "replace")) if document else "nothing"


def _cells(part: Iterable[etree._Element], fields: Fields) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The values by field in a part's elements, and its footnotes as pairs of element name and footnote number.

    The text of a cell stands in its element or in a `value` within it; a blank one is missing.
    """
    values: dict[str, Any] = {}
    marks = []
    known: tuple[str, Kind] | None = None
    for element in part:
        name = element.tag
        if name != "value":
            known = fields.get(name)
            if name == "footnoteId":
                marks.append((_parent(element), element.get("id", "")))
        if known is None or not (text := element.text) or not (text := text.strip()):
            continue
        field, kind = known
        if field in values or len(element):
            raise _refusal(element, f"expected one text as {_cell(element)}, found more")
        try:
            values[field] = kind.read(text)
        except (ValueError, KeyError):
            raise _refusal(element, f"expected {kind.expected} as {_cell(element)}, found {shown(text)}") from None
    return values, marks


def _cell(element: etree._Element) -> str:
    return _parent(element) if element.tag == "value" else element.tag


def _parent(element: etree._Element) -> str:
    parent = element.getparent()
    return "" if parent is None else parent.tag


def _with(needed: str, values: dict[str, Any], part: etree._Element) -> dict[str, Any]:
    """The part's values, the needed one among them."""
    if needed not in values:
        raise _refusal(part, f"expected {part.tag} with its {needed.replace('_', ' ')}, found none")
    return values


def _refusal(element: etree._Element, problem: str) -> SourceError:
    return SourceError(f"line {element.sourceline}: {problem}")


def _footnote(note: etree._Element) -> Note:
    return Note("", note.get("id", ""), prose("".join(map(str, note.itertext())) if len(note) else note.text or ""))


def _lines(table: etree._Element, texts: Mapping[str, str]) -> Iterator[Line]:
    is_derivative, kinds = TABLES[table.tag]
    numbers = {is_holding: count(1) for is_holding in kinds.values()}
    for row in table:
        if row.tag not in kinds:
            raise _refusal(row, f"expected {' or '.join(kinds)} in {table.tag}, found {shown(str(row.tag))}")
        is_holding = kinds[row.tag]
        values, marks = _cells(row.iter(), LINE)
        if marks:
            values["notes"] = tuple([Note(cell, number, texts.get(number, "")) for cell, number in marks])
        yield Line(next(numbers[is_holding]), is_derivative, is_holding, **values)
