"""Recorded filings of which it is recorded, too, when EDGAR accepted them; and which of them is the first to follow."""

import csv
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bot.demo.edgar.filings import Filing, from_document, from_submission
from bot.errors import SourceError
from bot.events import as_table, find_events
from bot.http import Http
from bot.model import NEW_YORK, InsiderTrade, Side
from bot.plugins import Kit
from bot.sessions import Sessions
from bot.settings import Settings
from bot.sources.edgar import filing as reading
from bot.timetable import filings_come
from bot.trades import to_table
from strategies.executives import strategy

THRESHOLDS = (Decimal("0.01"), Decimal(0))
WHILE = timedelta(minutes=5)  # how long the venue must stay open


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A filing that is followed at `more_than`, what it says of the trade, and the ISIN that is recorded for it."""

    filing: Filing
    trade: InsiderTrade
    more_than: Decimal
    isin: str | None = None


def first_to_follow(corpus: Path, side: Side) -> News | None:
    """By accession the first form 4 on this side, accepted while gettex is open, that the default strategy follows.

    Where there is none, the first that it would follow whatever the share of the officer's holdings.
    """
    venue = Sessions("XMUN")
    during = [one for one in accepted(corpus) if one.form == "4" and is_open(venue, one.accepted_at)]
    known = isins(corpus)
    for more_than in THRESHOLDS:
        for filing in during:
            trades = followed(filing, more_than)
            if [trade.side for trade in trades] == [side]:
                return News(filing=filing, trade=trades[0], more_than=more_than, isin=known.get(trades[0].symbol))
    return None


def is_open(venue: Sessions, at: datetime) -> bool:
    """Whether the venue is open, and stays so for a while."""
    return bool(venue.open_at(at) and venue.open_at(at + WHILE))


def accepted(corpus: Path) -> list[Filing]:
    """Every filing with its time of acceptance: by its own header, or by the list of its company's submissions."""
    found = {}
    for path in (corpus / "edgar/submissions_txt").glob("*.txt"):
        with suppress(ValueError):  # of before 2003, without a time
            filing = from_submission(path.read_bytes())
            found[filing.accession] = filing
    times = listed(corpus)
    for path in (corpus / "edgar/form4_xml").glob("*.xml"):
        if path.stem in times:
            found.setdefault(path.stem, from_document(path.read_bytes(), path.stem, times[path.stem]))
    return [found[accession] for accession in sorted(found)]


def listed(corpus: Path) -> dict[str, datetime]:
    """Accession -> acceptance, from those lists alone whose Z is proven to mean UTC.

    Of some companies it is New York's time in spite of the Z, always; a list with a time at which EDGAR would then have
    been closed is not one of them.
    """
    found: dict[str, datetime] = {}
    for path in sorted((corpus / "edgar/json").glob("CIK*.json")):
        recent = json.loads(path.read_text(encoding="utf-8")).get("filings", {}).get("recent", {})
        texts = recent.get("acceptanceDateTime", [])
        times = [datetime.fromisoformat(text) for text in texts]
        if not all(filings_come(time.replace(tzinfo=NEW_YORK)) for time in times):
            found |= dict(zip(recent["accessionNumber"], times, strict=True))
    return found


def followed(filing: Filing, more_than: Decimal) -> list[InsiderTrade]:
    """What the default strategy would follow of this filing alone, at its acceptance."""
    kit = Kit(settings=Settings.of(more_than=more_than), clock=lambda: filing.accepted_at, http=Http("nobody"))
    try:
        lines = reading.read(filing.submission).trades
    except SourceError:
        return []
    events = [event for event in find_events(to_table(lines)) if event.trade.symbol and not event.quarantine]
    decisions = strategy(kit)(as_table(events), filing.accepted_at + timedelta(seconds=1))["decision"]
    return [event.trade for event, told in zip(events, decisions, strict=True) if told == event.trade.side]


def isins(corpus: Path) -> dict[str | None, str]:
    """US ticker -> ISIN, as the recorded tables of listings have them."""
    found: dict[str | None, str] = {}
    for path in sorted((corpus / "isin").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row.get("us_ticker") or row["ticker"], row.get("isin") or row["ISIN"])
    return found
