"""What stands in a cell: the formats that sites have in common, and what texts, numbers, links and times mean."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from bot.model import NEW_YORK

GROUPED: Final = r"(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,3})"  # a whole number as a page writes it
WHOLE: Final = rf"(?:{GROUPED}|\d{{1,15}})(?:\.0+)?"  # as a spreadsheet or a data frame may write it
TICKER: Final = r"[A-Z][A-Z0-9]{0,5}(?:[.-][A-Z]{1,2})?"


@dataclass(frozen=True, slots=True)
class Format:
    """A pattern that the whole cell must match, and its description for the reader of an error."""

    pattern: re.Pattern[str]
    expected: str


def format_of(pattern: str, expected: str) -> Format:
    """The format with this pattern, whose classes mean ASCII: foreign digits are no digits here."""
    return Format(re.compile(pattern, re.ASCII), expected)


_FILING: Final = re.compile(
    r"https?://(?:www\.)?sec\.gov(?P<folder>/Archives/(?:[\w-][\w.-]*/)*)(?P<file>[\w-][\w.-]*)", re.ASCII
)
_STYLESHEET: Final = re.compile(r"xsl\w+/$", re.ASCII)
_ACCESSION: Final = re.compile(r"/(\d{10})-?(\d{2})-?(\d{6})(?=[/.-])", re.ASCII)
_BLANK: Final = re.compile(r"[ \t\r\n\f\u00a0]+")
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str) -> str:
    """The text as a reader sees it: runs of white space are one blank, accents are composed."""
    if text.isascii() and text.isprintable() and "  " not in text:  # as nearly every cell is
        return text.strip(" ")
    return unicodedata.normalize("NFC", _BLANK.sub(" ", text).strip(" "))


def is_printable(text: str) -> bool:
    """Whether there is nothing in the text that a reader cannot see: control, bidi and zero-width characters."""
    return text.isprintable() or not any(unicodedata.category(sign) in _UNPRINTABLE for sign in text)


def number(text: str) -> Decimal:
    """The number in a cell that matches its format, without sign and currency."""
    return Decimal(text.lstrip("+-$").replace(",", ""))


@dataclass(frozen=True, slots=True)
class FilingLink:
    """Where a line was filed: the address of the raw document and, if the address tells it, the accession number."""

    url: str
    accession: str | None

    @property
    def year(self) -> int | None:
        """The year in which the accession number was drawn."""
        return 2000 + int(self.accession[11:13]) if self.accession else None


def filing_link(address: str) -> FilingLink | None:
    """The filing behind an address in the SEC's archive; None for any other address."""
    match = _FILING.fullmatch(address)
    if match is None:
        return None
    found = _ACCESSION.search(address)
    folder = _STYLESHEET.sub("", match["folder"])
    return FilingLink(f"https://www.sec.gov{folder}{match['file']}", "-".join(found.groups()) if found else None)


def in_utc(local: datetime) -> datetime:
    """The instant of a wall time in New York, the later one of an hour that comes twice."""
    return max(local.replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC) for fold in (0, 1))
