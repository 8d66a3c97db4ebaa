"""What the feed and the indexes of EDGAR say of a filing: its number and form, whose folder it is in, since when."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A filing as it is listed, once for the issuer and once for every owner.

    `cik` is the person or company of this entry, whose folder has the filing like every other's. `accepted_at` is in
    UTC, and None in an index, which knows only the day.
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
