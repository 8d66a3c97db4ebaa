"""A company's own filings, as EDGAR's submissions JSON lists them: the latest in columns, older ones on further pages.

After the SEC's "EDGAR Application Programming Interfaces". `acceptanceDateTime` ends in a Z, and is New York's time for
one filer and UTC for the next: it is not read at all, for a filing's own header tells since when it is known.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from bot.errors import SourceError
from bot.sources.edgar.listing import Listing
from bot.sources.rows import shown

COLUMNS: Final = ("accessionNumber", "form", "filingDate", "primaryDocument")
PAPER: Final = ".paper"  # how the document of a filing ends that EDGAR has no copy of

_ACCESSION: Final = re.compile(r"\d{10}-\d\d-\d{6}", re.ASCII)
_DAY: Final = re.compile(r"(?:19|20)\d\d-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Filings of one company in the page's order; those in `paper`, by number, came on paper, and cannot be read."""

    listings: tuple[Listing, ...]
    paper: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderPage:
    """A further page by its name, and the day of its latest filing."""

    name: str
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Submissions:
    """The page with a company's latest filings, and what pages have the others."""

    latest: Page
    older: tuple[OlderPage, ...]


def read(found: Any, cik: str) -> Submissions:
    """What the JSON lists of the company with this CIK of ten digits.

    SourceError, and no filing at all, when it is another company's, or a person's, or a part of it is not what it
    should be.
    """
    if str(_member(found, "cik")).zfill(10) != cik:
        raise SourceError(f"expected the submissions of CIK {cik}, found those of {shown(str(found['cik']))}")
    if _is_owner(found):
        name = shown(str(_member(found, "name")))
        raise SourceError(f"expected a company with insiders under CIK {cik}, found {name}, about whom nobody reports")
    filings = _member(found, "filings")
    older = tuple(_older(entry, cik) for entry in _list(filings, "files"))
    return Submissions(latest=page(_member(filings, "recent"), cik), older=older)


def page(found: Any, cik: str) -> Page:
    """The filings in the columns of a page; SourceError when one is missing, shorter than another, or has odd cells."""
    columns = [_list(found, name) for name in COLUMNS]
    lengths = {len(column) for column in found.values() if isinstance(column, list)}
    if len(lengths) > 1:
        raise SourceError(
            f"expected submissions in columns of one length, found lengths from {min(lengths)} to {max(lengths)}"
        )
    rows = list(zip(*columns, strict=True))
    return Page(
        listings=tuple(_listing(number, row, cik) for number, row in enumerate(rows, start=1)),
        paper=frozenset(accession for accession, _, _, document in rows if document.endswith(PAPER)),
    )


def _is_owner(found: Any) -> bool:
    """Whether somebody reports what they own, has no shares that are listed, and nobody reports on theirs.

    A company that nobody has reported on yet may be one whose insiders have only now to begin.
    """
    reported_on = _member(found, "insiderTransactionForIssuerExists") != 0
    return not reported_on and found.get("insiderTransactionForOwnerExists") == 1 and not found.get("tickers")


def _listing(number: int, row: Sequence[Any], cik: str) -> Listing:
    accession, form, filed_on, _ = row
    day = _day(filed_on) if all(isinstance(cell, str) for cell in row) else None
    if day is None or not form or not _ACCESSION.fullmatch(accession):
        found = shown(", ".join(map(str, row)))
        raise SourceError(f"submission {number}: expected number, form, day and document, found {found}")
    return Listing(accession=accession, form=form, cik=str(int(cik)), filed_on=day)


def _older(entry: Any, cik: str) -> OlderPage:
    name, until = str(_member(entry, "name")), _day(str(_member(entry, "filingTo")))
    if until is None or not re.fullmatch(rf"CIK{cik}-submissions-\d{{1,5}}\.json", name, re.ASCII):
        raise SourceError(f"expected a page of older submissions and its days, found {shown(str(entry))}")
    return OlderPage(name=name, until=until)


def _member(found: Any, name: str) -> Any:
    if not isinstance(found, Mapping) or name not in found:
        raise SourceError(f"expected submissions with {name}, found {shown(str(found))}")
    return found[name]


def _list(found: Any, name: str) -> list[Any]:
    value = _member(found, name)
    if not isinstance(value, list):
        raise SourceError(f"expected submissions with a list of {name}, found {shown(str(value))}")
    return value


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
