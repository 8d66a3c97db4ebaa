"""EDGAR's Atom feed of current filings, page by page, the latest first.

An entry is a filing under one of its parties, so that a filing comes several times and may be divided between pages.
The form that is asked for is a prefix: whoever asks for 4 also gets 424B2 and 497.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Final

from lxml import etree

from bot.errors import SourceError
from bot.sources.edgar.listing import Listing
from bot.sources.rows import shown

_ATOM: Final = "{http://www.w3.org/2005/Atom}"
_ID: Final = re.compile(r"urn:tag:sec\.gov,2008:accession-number=(\d{10}-\d\d-\d{6})", re.ASCII)
_FOLDER: Final = re.compile(r"(?:https?://[\w.:-]+)?/Archives/edgar/data/(\d{1,10})/(\d{18})/[\w.-]+", re.ASCII)
_FILED: Final = re.compile(r"(?s:.*?)Filed:(?:</b>)?\s*(\d{4}-\d\d-\d\d)\b(?s:.*)", re.ASCII)
_INSTANT: Final = re.compile(r"(?:19|20)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)", re.ASCII)


def read(page: bytes) -> list[Listing]:
    """Every entry of a page, whatever its form, in the page's order.

    SourceError, and no entry at all, unless each of them says what a filing's entry says.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(page, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(f"expected an Atom feed of current filings, found {shown(str(error))}") from None
    if root.tag != f"{_ATOM}feed":
        raise SourceError(f"expected an Atom feed of current filings, found {shown(str(root.tag))}")
    return list(_listings(root))


def _listings(root: etree._Element) -> Iterator[Listing]:
    for number, entry in enumerate(root.iterchildren(f"{_ATOM}entry"), start=1):
        try:
            yield _listing(entry)
        except ValueError as error:
            raise SourceError(f"entry {number} of the feed of current filings: {error}") from None


def _listing(entry: etree._Element) -> Listing:
    accession = _found(_ID, _text(entry, "id"), "an accession number")[1]
    folder = _found(_FOLDER, _attribute(entry, "link", "href"), "the address of a filing")
    if folder[2] != accession.replace("-", ""):
        raise ValueError(f"expected one filing in number and address, found {accession} and {folder[2]}")
    return Listing(
        accession=accession,
        form=_attribute(entry, "category", "term"),
        cik=str(int(folder[1])),
        filed_on=date.fromisoformat(_found(_FILED, _text(entry, "summary"), "the day of filing")[1]),
        accepted_at=_instant(_text(entry, "updated")),
    )


def _found(pattern: re.Pattern[str], text: str, expected: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"expected {expected}, found {shown(text)}")
    return match


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(_found(_INSTANT, text, "an instant with its zone")[0]).astimezone(UTC)


def _text(entry: etree._Element, name: str) -> str:
    return (entry.findtext(_ATOM + name) or "").strip()


def _attribute(entry: etree._Element, name: str, attribute: str) -> str:
    found = entry.find(_ATOM + name)
    value = "" if found is None else (found.get(attribute) or "").strip()
    if not value:
        raise ValueError(f"expected {name} with {attribute}, found none")
    return value
