"""What FinViz writes into a cell: the exact formats of its insider table, and what they mean.

Formats as observed on pages of 2020 to 2026; a CSV saved from such a page has its numbers and dates as a spreadsheet
or a data frame writes them. Times are New York wall time, and most dates have no year.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TRANSACTIONS: Final = ("Buy", "Sale", "Option Exercise", "Proposed Sale")


@dataclass(frozen=True, slots=True)
class Format:
    """A pattern that the whole cell must match, and its description for the reader of an error."""

    pattern: re.Pattern[str]
    expected: str


def _format(pattern: str, expected: str) -> Format:
    return Format(re.compile(pattern, re.ASCII), expected)


_DAY: Final = rf"(?:{'|'.join(MONTHS)}) (?:0[1-9]|[12]\d|3[01])"
_WRITTEN_DAY: Final = rf"{_DAY}(?: '\d\d)?"
_ISO_DAY: Final = r"\d{4}-\d\d-\d\d(?:[ T]00:00:00(?:\.0+)?)?"
_GROUPED: Final = r"\d{1,3}(?:,\d{3}){1,4}|\d{1,3}"
_WHOLE: Final = rf"(?:{_GROUPED}|\d{{1,15}})(?:\.0+)?"

_TEXTS: Final = {
    "Ticker": _format(r"(?:[A-Z][A-Z0-9]{0,5}(?:[.-][A-Z]{1,2})?|-)?", "a ticker such as BRK-B, or nothing"),
    "Owner": _format(r".{1,200}", "a name"),
    "Relationship": _format(r".{0,200}", "a title"),
    "Transaction": _format("|".join(TRANSACTIONS), f"one of {', '.join(TRANSACTIONS)}"),
    "SEC Form 4": _format(rf"{_DAY} (?:0[1-9]|1[0-2]):[0-5]\d [AP]M", "a time such as Aug 25 07:08 PM"),
}

PAGE: Final[Mapping[str, Format]] = _TEXTS | {
    "Date": _format(_WRITTEN_DAY, "a day such as Jun 30 or Aug 19 '26"),
    "Cost": _format(rf"(?:{_GROUPED}|\d{{1,12}})\.\d{{2,4}}", "a price such as 98.90 or 2,168.11"),
    "#Shares": _format(_GROUPED, "a whole number such as 1,000"),
    "Value ($)": _format(_GROUPED, "a whole number such as 98,900"),
    "#Shares Total": _format(rf"(?:{_GROUPED})?", "a whole number such as 9,000"),
}
"""The columns of a page, by heading."""

TABLE: Final[Mapping[str, Format]] = _TEXTS | {
    "Date": _format(rf"{_WRITTEN_DAY}|{_ISO_DAY}", "a day such as Jun 30, Aug 19 '26 or 2026-08-19"),
    "Cost": _format(rf"(?:{_GROUPED}|\d{{1,12}})(?:\.\d{{1,4}})?", "a price such as 98.9"),
    "#Shares": _format(_WHOLE, "a whole number such as 1,000 or 1000.0"),
    "Value ($)": _format(_WHOLE, "a whole number such as 98,900 or 98900.0"),
    "#Shares Total": _format(rf"(?:{_WHOLE})?", "a whole number such as 9,000 or 9000.0"),
}
"""The columns of a CSV, by FinViz's headings."""

_FILING: Final = re.compile(
    r"https?://(?:www\.)?sec\.gov(?P<folder>/Archives/(?:[\w-][\w.-]*/)*)(?P<file>[\w-][\w.-]*)", re.ASCII
)
_STYLESHEET: Final = re.compile(r"xsl\w+/$", re.ASCII)
_ACCESSION: Final = re.compile(r"/(\d{10})-?(\d{2})-?(\d{6})(?=[/.-])", re.ASCII)
_LEAP_YEARS: Final = 9  # 29 February may be eight years away, around 1900 and 2100
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
    """The number in a cell that matches its format."""
    return Decimal(text.replace(",", ""))


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


def filed_at(text: str, year: int | None, now: datetime) -> datetime:
    """When a line was published, in UTC, from `Aug 25 07:08 PM` in New York; ValueError for a day that never was.

    `year` is the one in the accession number, which is drawn when the filing is submitted. Without it the year is the
    latest that does not lie after `now`. An hour that the clocks repeat is the later one.
    """
    if year is not None:
        return _instant(_in_year(text, year), text)
    latest = now.astimezone(NEW_YORK).year
    days = (day for year in range(latest, latest - _LEAP_YEARS, -1) if (day := _day(text, year)))
    for day in days:
        if (instant := _instant(day, text)) <= now:
            return instant
    raise ValueError(f"{text} was never")


def traded_on(text: str, filed_on: date) -> date:
    """The day of a trade; without a year the latest that is not after the filing. ValueError for no such day."""
    if text[:4].isdigit():
        return date.fromisoformat(text[:10])
    if "'" in text:
        return _in_year(text, 2000 + int(text[-2:]))
    for year in range(filed_on.year, filed_on.year - _LEAP_YEARS, -1):
        if (day := _day(text, year)) and day <= filed_on:
            return day
    raise ValueError(f"{text} was never")


def _in_year(text: str, year: int) -> date:
    return date(year, MONTHS.index(text[:3]) + 1, int(text[4:6]))


def _day(text: str, year: int) -> date | None:
    try:
        return _in_year(text, year)
    except ValueError:
        return None


def _instant(day: date, text: str) -> datetime:
    """The instant of `... 07:08 PM` on a day in New York, the later one of an hour that comes twice."""
    hour = int(text[-8:-6]) % 12 + (12 if text.endswith("PM") else 0)
    local = datetime.combine(day, time(hour, int(text[-5:-3])), NEW_YORK)
    return max(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
