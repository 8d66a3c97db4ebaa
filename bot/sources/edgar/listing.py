"""What EDGAR lists of a filing: its number and form, whose folder it is in, since when; and which of them are meant."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A filing as it is listed, once for the issuer and once for every owner.

    `cik` is the person or company of this entry, whose folder has the filing like every other's. `accepted_at` is in
    UTC, and None where only the day is known, or the time cannot be trusted.
    """

    accession: str
    form: str
    cik: str
    filed_on: date
    accepted_at: datetime | None = None

    @property
    def path(self) -> str:
        """Where the full submission stands below the site's address."""
        return f"/Archives/edgar/data/{self.cik}/{self.accession}.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which filings are meant: those of these forms, amendments named, that were filed on this day or later.

    `issuer` is a CIK of ten digits, and `accessions` are then the only filings meant; None stands for all.
    """

    since: date
    forms: frozenset[str]
    issuer: str | None = None
    accessions: frozenset[str] | None = None


def with_amendments(forms: Iterable[str]) -> frozenset[str]:
    """These forms and the ones that amend them: 4 and 4/A."""
    return frozenset(form + ending for form in forms for ending in ("", "/A"))
