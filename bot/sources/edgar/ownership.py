"""An ownership document (SEC forms 3, 4 and 5) as records: everything it says, with each footnote at its cell.

The format is the EDGAR Ownership XML Technical Specification. Elements are known by name, so that a new schema version
may add some; a known one that is there twice is refused, since nobody could tell which of the two is meant.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache, partial
from typing import Any, Final, NamedTuple

from lxml import etree

from bot.errors import SourceError
from bot.sources.edgar.fields import FACTS, ISSUER, LINE, OWNER, SIGNATURE, UNREADABLE, Fields, prose
from bot.sources.rows import shown

MAX_BYTES: Final = 5_000_000  # the form allows 60 lines and 99 footnotes of 1,000 characters
# In all of these a DOCTYPE is the same bytes, so that none hides from the search for it.
ENCODINGS: Final = frozenset({"utf-8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252"})

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
    an amendment's only pointer to what it amends. `lines` are in the document's order.
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


RECORDS: Final = (Ownership, Owner, Line, Signature)
THE_DOCUMENT, AN_OWNER, A_LINE, A_SIGNATURE = range(len(RECORDS))
Values = list[Any]
"""A record that is being read: what is known of each of its fields, else None."""

Cell = tuple[int, int, Callable[[str], Any], str]
"""Which of RECORDS an element belongs to, the place of its value there, how it is read, and what is expected of it."""


def _blank(record: Any, **said: Any) -> Values:
    """The record when nothing is known but what is said by the name of its element."""
    return [said.get(field) for field in record._fields]


def _cells(record: Any, fields: Fields) -> dict[str, Cell]:
    return {
        element: (RECORDS.index(record), record._fields.index(field), *kind)
        for element, (field, kind) in fields.items()
    }


def _maker(record: Any) -> Callable[[Iterable[Any]], Any]:
    """What makes the record of values in their places, without the price of a constructor that knows names."""
    return partial(tuple.__new__, record)


# Element -> which of RECORDS it begins.
BEGINS: Final[Mapping[str, tuple[int, Values]]] = {
    "reportingOwner": (AN_OWNER, _blank(Owner)),
    "nonDerivativeTransaction": (A_LINE, _blank(Line, is_derivative=False, is_holding=False)),
    "nonDerivativeHolding": (A_LINE, _blank(Line, is_derivative=False, is_holding=True)),
    "derivativeTransaction": (A_LINE, _blank(Line, is_derivative=True, is_holding=False)),
    "derivativeHolding": (A_LINE, _blank(Line, is_derivative=True, is_holding=True)),
    "ownerSignature": (A_SIGNATURE, _blank(Signature)),
}
HAS_DERIVATIVES: Final = {"nonDerivativeTable": False, "derivativeTable": True}
OTHERS: Final = frozenset({*BEGINS, *HAS_DERIVATIVES, "footnote"})
CELLS: Final = {
    **_cells(Ownership, {**FACTS, **ISSUER}),
    **_cells(Owner, OWNER),
    **_cells(Line, LINE),
    **_cells(Signature, SIGNATURE),
}
NOTHING: Final = tuple(_blank(record) for record in RECORDS)
FORM, ISSUER_CIK, OWNERS, LINES, FOOTNOTES, SIGNATURES = map(
    Ownership._fields.index, ("form", "issuer_cik", "owners", "lines", "footnotes", "signatures")
)
CIK: Final = Owner._fields.index("cik")
NUMBER, IS_DERIVATIVE, IS_HOLDING, NOTES = map(Line._fields.index, ("number", "is_derivative", "is_holding", "notes"))
_NOTE, _OWNER, _LINE, _SIGNATURE = (_maker(record) for record in (Note, Owner, Line, Signature))


class _Seen:
    """What has been seen of a document so far."""

    def __init__(self) -> None:
        self.records: list[list[Values]] = [[] for _ in RECORDS]
        self.footnotes: list[Note] = []
        self.rows = [0, 0]  # of the table without derivatives, and of the one with them
        self.numbers = dict.fromkeys(BEGINS, 0)
        # The record that a cell belongs to: at first one that is nobody's, since a cell outside of its record is none.
        self.current = [blank.copy() for blank in NOTHING]
        self.marks: list[tuple[str, str]] = []

    def note(self, name: str, element: etree._Element) -> None:
        """Take note of an element that is no cell, and with which a line before it ends."""
        self.marks = []
        if name in BEGINS:
            which, blank = BEGINS[name]
            self.current[which] = values = blank.copy()
            self.records[which].append(values)
            if which == A_LINE:
                self.numbers[name] = values[NUMBER] = self.numbers[name] + 1
                values[NOTES] = self.marks
        elif name in HAS_DERIVATIVES:
            self.rows[HAS_DERIVATIVES[name]] += len(element)
        else:
            text = "".join(map(str, element.itertext())) if len(element) else element.text or ""
            self.footnotes.append(_NOTE(("", element.get("id", ""), prose(text))))


def read(document: bytes) -> Ownership:
    """What an ownership document says; SourceError in one sentence when it is another document, or not sound.

    At most 5 MB, nested at most 256 deep, in UTF-8 or a Western single-byte encoding, and without a DOCTYPE: entities
    are what makes a document explode, or another one appear in its place.
    """
    seen = _walk(_root(document))
    _, owners, lines, signatures = seen.records
    values = seen.current[THE_DOCUMENT]
    needed = {"documentType": values[FORM], "issuerCik": values[ISSUER_CIK], "reportingOwner": owners}
    if missing := [name for name, found in needed.items() if not found]:
        raise SourceError(f"expected an ownershipDocument with {missing[0]}, found none")
    if None in [owner[CIK] for owner in owners]:
        raise SourceError("expected each reportingOwner with rptOwnerCik, found one without")
    if seen.rows != [len(lines) - (derivative := sum([line[IS_DERIVATIVE] for line in lines])), derivative]:
        raise SourceError("expected transactions and holdings of its kind in each table, found something else in one")
    texts = {note.id: note.text for note in seen.footnotes}
    if len(texts) < len(seen.footnotes):
        raise SourceError("expected footnotes with different numbers, found one number twice")
    values[OWNERS] = tuple(map(_OWNER, owners))
    values[LINES] = tuple([_finished(line, texts) for line in lines])
    values[FOOTNOTES] = tuple(seen.footnotes)
    values[SIGNATURES] = tuple(map(_SIGNATURE, signatures))
    return Ownership._make(values)


def _walk(root: etree._Element) -> _Seen:
    """All that stands in the elements, in one walk over them: to look at each is what a filing costs.

    The text of a cell stands in its element or in a `value` within it; a blank one is missing.
    """
    seen = _Seen()
    current = seen.current
    cells = CELLS.get
    cell = None
    for element in root.iter():
        name = element.tag
        if name != "value":
            if name == "footnoteId":
                parent = element.getparent()
                seen.marks.append(("" if parent is None else parent.tag, element.get("id", "")))
                continue
            if (cell := cells(name)) is None:
                if name in OTHERS:
                    seen.note(name, element)
                continue
        if cell is None or not (text := element.text):
            continue
        which, place, read_text, _ = cell
        values = current[which]
        if values[place] is None and not len(element):
            try:
                values[place] = read_text(text)
                continue
            except UNREADABLE:
                pass
        _look_closer(element, values, cell)
    return seen


def _look_closer(element: etree._Element, values: Values, cell: Cell) -> None:
    """Read a text that has blanks around it, or is blank, or is wrong."""
    _, place, read_text, expected = cell
    if not (text := (element.text or "").strip()):
        return
    if values[place] is not None or len(element):
        raise _refusal(element, f"expected one text as {_cell(element)}, found more")
    try:
        values[place] = read_text(text)
    except UNREADABLE:
        raise _refusal(element, f"expected {expected} as {_cell(element)}, found {shown(text)}") from None


def _finished(line: Values, texts: Mapping[str, str]) -> Line:
    """The line with the texts of its footnotes."""
    line[NOTES] = tuple([_NOTE((cell, number, texts.get(number, ""))) for cell, number in line[NOTES]])
    done: Line = _LINE(line)
    return done


def _root(document: bytes) -> etree._Element:
    """The root of an ownership document that is safe to walk."""
    document = document.removeprefix(b"\xef\xbb\xbf").strip()
    if len(document) > MAX_BYTES:
        raise SourceError(f"expected an ownership document of at most {MAX_BYTES} bytes, found {len(document)}")
    if not document.startswith(b"<") or b"\0" in document:
        raise SourceError(f"expected an ownership document as XML in UTF-8, found {_start(document)}")
    if b"!" in document and b"<!DOCTYPE" in document:  # a single byte is found in a tenth of the time
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


def _cell(element: etree._Element) -> str:
    return _parent(element) if element.tag == "value" else element.tag


def _parent(element: etree._Element) -> str:
    parent = element.getparent()
    return "" if parent is None else parent.tag


def _refusal(element: etree._Element, problem: str) -> SourceError:
    return SourceError(f"line {element.sourceline}: {problem}")
