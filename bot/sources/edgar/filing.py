"""One filing from the archive: from the bytes of its submission to the lines of the trades table, and those as text."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final

from bot.errors import SourceError
from bot.filings import index_url
from bot.model import InsiderTrade, Role, Side
from bot.plain import plain
from bot.sources.cells import in_utc
from bot.sources.edgar import lines, ownership, submission
from bot.sources.edgar.listing import Listing
from bot.trades import CELLS, COLUMNS

SHARED: Final = ("model.py", "roles.py", "sources/cells.py", "sources/rows.py")  # what reading also depends on
END_OF_DAY: Final = time(22)  # when EDGAR closes in New York: a filing of the day is public by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What a submission says: when it was filed, since when it is public (UTC), and its lines as trades."""

    accession: str
    form: str
    issuer_cik: str
    filed_on: date
    known_at: datetime
    trades: tuple[InsiderTrade, ...]

    def listing(self) -> Listing:
        """The filing as EDGAR lists it."""
        return Listing(
            accession=self.accession,
            form=self.form,
            cik=str(int(self.issuer_cik)),
            filed_on=self.filed_on,
            accepted_at=self.known_at,
        )


def read(document: bytes, *, published_at: datetime | None = None) -> Filing:
    """The filing in a full submission; SourceError in one sentence when there is none.

    It is known since EDGAR accepted it, by its header; else since the feed's time in `published_at`, else since EDGAR
    closed on the day of filing.
    """
    found = submission.read(document)
    content = ownership.read(found.document)
    if content.form != found.form:
        raise SourceError(f"expected one form in header and document, found {found.form} and {content.form}")
    known_at = found.accepted_at or published_at or in_utc(datetime.combine(found.filed_on, END_OF_DAY))
    trades = lines.lines(
        content,
        accession=found.accession,
        filed_on=found.filed_on,
        known_at=known_at,
        url=index_url(content.issuer_cik, found.accession),
    )
    return Filing(
        accession=found.accession,
        form=found.form,
        issuer_cik=content.issuer_cik,
        filed_on=found.filed_on,
        known_at=known_at,
        trades=tuple(trades),
    )


@cache
def reader() -> str:
    """A name for the program that reads filings, which changes with its text: what another one read is read anew."""
    shared = [files("bot").joinpath(*name.split("/")) for name in SHARED]
    sources = [*files("bot.sources.edgar").iterdir(), *shared]
    texts = sorted(source.read_bytes() for source in sources if source.name.endswith(".py"))
    return hashlib.sha256(b"".join(texts)).hexdigest()[:16]


def as_text(trades: tuple[InsiderTrade, ...]) -> str:
    """The trades as one line of JSON: of each its cells, in the order of the table's columns."""
    return json.dumps([plain(CELLS(trade)) for trade in trades], separators=(",", ":"))


def from_text(text: str) -> list[InsiderTrade]:
    """The trades that were written as this text."""
    return [_trade(dict(zip(COLUMNS, cells, strict=True))) for cells in json.loads(text)]


_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "role": Role,
    "side": Side,
    "traded_on": date.fromisoformat,
    "filed_on": date.fromisoformat,
    "known_at": datetime.fromisoformat,
    "shares": Decimal,
    "price": Decimal,
    "value": Decimal,
    "shares_after": Decimal,
}


def _trade(cells: dict[str, Any]) -> InsiderTrade:
    for name, read_cell in _READ.items():
        if cells[name] is not None:
            cells[name] = read_cell(cells[name])
    return InsiderTrade(**cells)
