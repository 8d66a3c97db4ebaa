"""EDGAR's daily and quarterly indexes: every filing of a day or quarter, once for each of its parties.

Five kinds exist: by form, by company, master and XBRL (separated by bars), and crawler (by company, with the address of
a page). Rows are read from their right end, where number, day and path are plain; the columns of the heading do not
stand above those of the rows.
"""

import re
from datetime import date, datetime
from typing import Final

from bot.errors import SourceError
from bot.sources.edgar.listing import Listing
from bot.sources.rows import shown

_FILE: Final = (
    r"(?:https?://[\w.:-]+/Archives/)?/?edgar/data/\d{1,10}/(?P<accession>\d{10}-\d\d-\d{6})(?:\.txt|-index\.html?)"
)
_DAY: Final = r"(?P<day>\d{8}|\d{4}-\d\d-\d\d)"
_END: Final = rf"\s+(?P<cik>\d{{1,10}})\s+{_DAY}\s+{_FILE}\s*"
_FORM: Final = r"(?P<form>\S+(?: \S+)*?)"

# The first words of the line of headings -> what a row looks like.
_LAYOUTS: Final = {
    "CIK|Company Name|Form Type|Date Filed": re.compile(
        rf"(?P<cik>\d{{1,10}})\|.*\|(?P<form>[^|]+)\|{_DAY}\|{_FILE}\s*", re.ASCII
    ),
    "Form Type": re.compile(rf"{_FORM} {{2,}}.*?{_END}", re.ASCII),
    "Company Name": re.compile(rf".*? {{2,}}{_FORM}{_END}", re.ASCII),
}
_LONGEST: Final = 1000  # characters of a row; a name has 150 at most
_RULE: Final = re.compile(r"-{40,}\s*")


def read(page: bytes) -> list[Listing]:
    """Every row of an index, whatever its form, in the index's order.

    SourceError, and no row at all, when the headings are unknown, a row cannot be read, or there is none.
    """
    lines = page.decode("latin-1").splitlines()  # names may be in any one-byte encoding; the rest is ASCII
    rule = next((number for number, line in enumerate(lines) if _RULE.fullmatch(line)), None)
    if rule is None:
        raise SourceError(f"expected an EDGAR index with a line of dashes, found {shown(' '.join(lines[:3]))}")
    layout = _layout(lines[:rule])
    rows = [(number, line) for number, line in enumerate(lines[rule + 1 :], start=rule + 2) if line.strip()]
    if not rows:
        raise SourceError("expected an EDGAR index with rows, found only its headings")
    return [_listing(number, line, layout) for number, line in rows]


def _layout(heading: list[str]) -> re.Pattern[str]:
    for line in reversed(heading):  # a heading may be wrapped: its first half decides
        for words, pattern in _LAYOUTS.items():
            if line.startswith(words):
                return pattern
    raise SourceError(f"expected the headings of an EDGAR index, found {shown(' '.join(heading[-2:]))}")


def _listing(number: int, line: str, layout: re.Pattern[str]) -> Listing:
    match = layout.fullmatch(line) if len(line) <= _LONGEST else None
    filed_on = match and _day(match["day"])
    if match is None or filed_on is None:
        raise SourceError(f"line {number} of an EDGAR index: expected form, CIK, day and file, found {shown(line)}")
    return Listing(
        accession=match["accession"], form=match["form"].strip(), cik=str(int(match["cik"])), filed_on=filed_on
    )


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text.replace("-", ""), "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
