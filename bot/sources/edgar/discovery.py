"""What was filed since what is known: the feed for today, the daily indexes for the days before.

The feed is read from its top down to known ground, page over page with an overlap, because it moves while it is read. A
filing that appears in it late, below known ground, or that is deeper than the feed, comes with the index of its day.
Every form has a feed of its own, since the feed is asked for all forms whose name begins alike.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Final

from bot.model import NEW_YORK
from bot.sources.edgar.catalogue import Catalogue
from bot.sources.edgar.listing import Listing, Scope, with_amendments
from bot.sources.edgar.site import Site

DAILY: Final = "4"  # the form that somebody files every day; the feed of another one may be empty
OVERLAP: Final = 20  # entries of a page that are read again with the next one; if all are known, so is what follows
DEPTH: Final = 5000  # entries; the feed answers 503 beyond
DAY: Final = timedelta(days=1)
INDEXED_BY: Final = time(6)  # on the morning after, New York
RETRY: Final = timedelta(minutes=30)  # an index that is not there yet is looked for again


class Discovery:
    """Lists in the catalogue what EDGAR has of these forms (3, 4, 5) and the catalogue does not know."""

    def __init__(self, site: Site, forms: Iterable[str]) -> None:
        self._site = site
        self._asked = sorted(set(forms))
        self._forms = with_amendments(forms)
        self._looked_at: datetime | None = None

    def run(self, catalogue: Catalogue, now: datetime, since: date) -> tuple[Scope, list[str]]:
        """List what was filed since that day; which filings those are, and a sentence for everything that is missing.

        SourceError when EDGAR does not answer: nothing is listed then, and known ground stays where it was.
        """
        scope = Scope(since=since, forms=self._forms)
        self._missed_days(catalogue, now, scope)
        covered = catalogue.days(scope)
        today = now.astimezone(NEW_YORK).date()
        floor = min((day for day in _weekdays(since, today) if day not in covered), default=today)
        known = catalogue.ground(scope)
        found, missing = [], []
        for form in self._asked:
            listings, complete = self._recent(form, known, datetime.combine(floor, time(), NEW_YORK))
            found += listings
            if not complete:
                missing.append(
                    f"EDGAR's feed of form {form} ends before known ground, after {len(listings)} filings:"
                    " the daily indexes have the rest"
                )
        catalogue.add(found)
        return scope, missing

    def _missed_days(self, catalogue: Catalogue, now: datetime, scope: Scope) -> None:
        """List what the indexes of past days have; a day without one is done when a later day has one."""
        if self._looked_at and now - self._looked_at < RETRY:
            return
        covered = catalogue.days(scope)
        missed = [day for day in _weekdays(scope.since, _last_indexed(now)) if day not in covered]
        self._looked_at = now if missed else None
        indexed: set[date] = set()
        for _, days in groupby(missed, key=lambda day: (day.year, (day.month + 2) // 3)):
            indexed |= self._site.indexed(next(days))
        for day in missed:
            if day in indexed:
                catalogue.add(_of(self._forms, self._site.index(day)), [day], self._forms)
            elif any(later > day for later in indexed):
                catalogue.add((), [day], self._forms)

    def _recent(self, form: str, known: set[str], floor: datetime) -> tuple[list[Listing], bool]:
        """A form's feed down to known ground or this instant, and whether it reached that far."""
        forms = with_amendments([form])
        found: dict[str, Listing] = {}
        start = 0
        while start <= DEPTH:
            page = self._site.recent(form, start)
            if not page:
                return list(found.values()), page is not None and (start > 0 or form != DAILY)
            found |= {one.accession: one for one in _of(forms, page)}
            tail = _of(forms, page[-OVERLAP:])
            oldest = page[-1].accepted_at
            if (tail and all(one.accession in known for one in tail)) or (oldest and oldest < floor):
                return list(found.values()), True
            start += len(page) - OVERLAP if len(page) > OVERLAP else len(page)
        return list(found.values()), False


def _of(forms: frozenset[str], listings: Iterable[Listing]) -> list[Listing]:
    return [one for one in listings if one.form in forms]


def _last_indexed(now: datetime) -> date:
    """The last day whose index should be there."""
    local = now.astimezone(NEW_YORK)
    return local.date() - (DAY if local.time() >= INDEXED_BY else 2 * DAY)


def _weekdays(first: date, last: date) -> Iterator[date]:
    """The days on which EDGAR may take filings; its folder of a new quarter is not there before the first of them."""
    days = (first + number * DAY for number in range((last - first).days + 1))
    return (day for day in days if day.weekday() < 5 and not _is_new_year(day))


def _is_new_year(day: date) -> bool:
    return (day.month, day.day) == (1, 1) or ((day.month, day.day) == (1, 2) and day.weekday() == 0)
