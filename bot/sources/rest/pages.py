"""A list in pages, read so that no record is lost or doubled although others arrive while it is read.

By page number or offset every new record may push others over a page's edge: what was read counts only if it is as many
records as the service says there are, else everything is read again. By cursor nothing shifts, but none must come back.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.errors import SourceError
from bot.sources.rest.api import RefusedError
from bot.sources.rest.values import Record, record_of
from bot.sources.rows import shown

PAGE_SIZE: Final = 500
LOOKS: Final = 5
MOST_PAGES: Final = 2_000
OUTDATED: Final = frozenset({400, 410})  # how a service says that it has forgotten a cursor


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its records, how many records and pages there are in all, and the cursor of the next page."""

    records: tuple[Record, ...]
    total: int | None = None
    pages: int | None = None
    cursor: str | None = None


Ask = Callable[[Mapping[str, str]], Page]
"""Parameters that choose a page in, by our words; that page of the list out."""

Place = Callable[[int, int], Mapping[str, str]]
"""How many pages and how many records were had in, the parameters of the page behind them out."""


@dataclass(slots=True)
class Look:
    """One reading of the whole list: every record once under its identity, and the totals the pages told."""

    found: dict[str, Record] = field(default_factory=dict)
    totals: list[int] = field(default_factory=list)

    def add(self, page: Page) -> bool:
        """Take a page in; whether it had anything new."""
        before = len(self.found)
        seen: dict[str, int] = {}
        for record in page.records:
            name = identity(record, seen)
            known = self.found.get(name)
            self.found[name] = _newer(known, record) if known else record
        self.totals += [] if page.total is None else [page.total]
        return len(self.found) > before


Paging = Callable[[Ask], Look]
"""How a list is read to its end: by cursor, by page number or by offset."""


def page_of(content: Any, names: Mapping[str, str]) -> Page:
    """The page in an answer, an object with a list of records or the bare list; SourceError for anything else."""
    if isinstance(content, list):
        content = {names["results"]: content}
    answer = record_of("the answer", content, names)
    records = enumerate(answer.records("results"), start=1)
    return Page(
        records=tuple(Record(f"record {number}", record.members, names) for number, record in records),
        total=answer.count("total_count"),
        pages=answer.count("total_pages"),
        cursor=answer.text("next_cursor"),
    )


def identity(record: Record, seen: dict[str, int]) -> str:
    """The record's id; without one all it says, and which of its equals on this page (counted in `seen`) it is."""
    if known := record.text("id"):
        return known
    content = json.dumps(record.members, sort_keys=True, default=str)
    seen[content] = seen.get(content, 0) + 1
    return f"{content}#{seen[content]}"


def by_number(ask: Ask, first: int = 1) -> Look:
    """Every record of a list whose pages have numbers; SourceError when it never holds still or lacks records."""
    return _at_rest(ask, lambda turned, _: {"page": str(first + turned), "page_size": str(PAGE_SIZE)})


def by_offset(ask: Ask) -> Look:
    """Every record of a list that is asked for from a record on, however many come; SourceError as for numbers."""
    return _at_rest(ask, lambda _, had: {"offset": str(had), "limit": str(PAGE_SIZE)})


def _at_rest(ask: Ask, place: Place) -> Look:
    """A list whose records may shift while it is read, once it has held still."""
    before = None
    for _ in range(LOOKS):
        look = Look()
        if _turn_pages(ask, look, place) and _is_whole(look, before):
            return look
        before = look
    raise SourceError(f"expected {_expected(look)} in the list, found {len(look.found)}, at each of {LOOKS} readings")


def by_cursor(ask: Ask) -> Look:
    """Every record of a list whose pages have cursors; SourceError when one comes back or records are lacking."""
    for looks_left in reversed(range(LOOKS)):
        look = Look()
        try:
            _follow(ask, look)
        except RefusedError as error:
            if error.status in OUTDATED and look.found and looks_left:
                continue
            raise
        if not look.totals or len(look.found) >= look.totals[0]:
            return look
    raise SourceError(f"expected {_expected(look)} in the list, found {len(look.found)}, at each of {LOOKS} readings")


def _turn_pages(ask: Ask, look: Look, place: Place) -> bool:
    """Whether the list was read to its end; not when a page has nothing but what others had.

    A total is no end: what a service calls so may count its page alone.
    """
    had = 0
    for turned in range(MOST_PAGES):
        page = ask(place(turned, had))
        is_new = look.add(page)
        had += len(page.records)
        if not page.records or (page.pages is not None and turned + 1 >= page.pages):
            return True
        if not is_new:
            return False
    raise SourceError(f"expected a list of at most {MOST_PAGES} pages, found more")


def _follow(ask: Ask, look: Look) -> None:
    """Read the list to its end, each page by the cursor of the one before."""
    seen: set[str] = set()
    page = ask({"page_size": str(PAGE_SIZE)})
    look.add(page)
    while page.cursor is not None:
        if page.cursor in seen:
            raise SourceError("expected another cursor on every page, found one that was there before")
        if len(seen) == MOST_PAGES:
            raise SourceError(f"expected a list of at most {MOST_PAGES} pages, found more")
        seen.add(page.cursor)
        page = ask({"page_size": str(PAGE_SIZE), "cursor": page.cursor})
        look.add(page)


def _is_whole(look: Look, before: Look | None) -> bool:
    """Whether the records are as many as there were at the end and none had gone; untold, as at the last reading."""
    if look.totals:
        return len(look.found) == look.totals[-1] and look.totals == sorted(look.totals)
    return before is not None and look.found.keys() == before.found.keys()


def _expected(look: Look) -> str:
    return f"{look.totals[-1]} records" if look.totals else "the same records"


def _newer(known: Record, record: Record) -> Record:
    """Of two tellings of a record the corrected one; SourceError when nothing tells which that is."""
    if known.members == record.members:
        return known
    before, after = known.instant("updated_at"), record.instant("updated_at")
    if before is None or after is None or before == after:
        raise SourceError(
            f"expected one record under each id, found two under {shown(record.text('id') or '')}:"
            " if the id is that of a filing of several lines, write id= in BOT_REST_FIELDS"
        )
    return known if after < before else record
