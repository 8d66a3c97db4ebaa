"""Any filings API with pages of JSON records: the settings name its address, its words and how it is paged.

Asked for is what was filed since some days before the newest filing known, so that what comes late is not missed and
what is still fresh is seen again. The newest filing counts as known once the plan it led to is written down: a
watermark that moved earlier would lose what lies behind it when the process dies.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import pandas as pd

from bot.errors import ConfigError, SourceError
from bot.model import InsiderTrade
from bot.plugins import Kit
from bot.ports import Memory
from bot.sources.rest.api import Api, credentials
from bot.sources.rest.fields import NAMES, WIRE, check_words, names_of, read
from bot.sources.rest.pages import Page, Paging, by_cursor, by_number, by_offset, page_of
from bot.sources.rest.values import Record
from bot.trades import to_table, validate

NAME: Final = "rest"
MOST_LEFT_OUT: Final = 10  # one record in so many may be wrong by itself; more are another format


class Filings:
    """The filings of one API as a trades table."""

    name = NAME

    def __init__(
        self,
        api: Api,
        url: str,
        *,
        names: Mapping[str, str],
        renamed: Iterable[str] = (),
        filters: Mapping[str, str] | None = None,
        paging: Paging = by_cursor,
        overlap: timedelta,
        memory: Memory | None = None,
    ) -> None:
        self._api = api
        self._url = url
        self._names = names
        self._renamed = tuple(renamed)
        self._filters = filters or {}
        self._paging = paging
        self._overlap = overlap
        self._memory = memory

    def fetch(self, now: datetime) -> pd.DataFrame:
        """What was filed in the window, each record once; SourceError when it is not all there, or not as expected."""
        newest = self._newest(now)
        window = {"from_date": f"{newest - self._overlap:%Y-%m-%d}", "to_date": f"{now:%Y-%m-%d}"}
        try:
            found = self._paging(partial(self._ask, window)).found
            check_words(list(found.values()), self._renamed)
            trades, left_out = read_all(found)
        except SourceError as error:
            raise SourceError(f"{NAME}: {error}") from error
        self._remember(newest, trades, now)
        table = validate(to_table(trades))
        table.attrs["left_out"] = left_out
        return table

    def _ask(self, window: Mapping[str, str], page: Mapping[str, str]) -> Page:
        asked = {self._names[word]: value for word, value in {**window, **page}.items() if self._names[word]}
        return page_of(self._api.get(self._url, {**asked, **self._filters}), self._names)

    def _newest(self, now: datetime) -> datetime:
        """When the newest filing known became public, now where none is known."""
        kept = self._memory.get(NAME) if self._memory else None
        return min(datetime.fromisoformat(kept), now) if kept else now

    def _remember(self, newest: datetime, trades: Iterable[InsiderTrade], now: datetime) -> None:
        public = [trade.known_at for trade in trades if trade.known_at and trade.known_at <= now]
        if self._memory:
            self._memory.put(NAME, max(public, default=newest).isoformat())


def read_all(found: Mapping[str, Record]) -> tuple[list[InsiderTrade], tuple[str, ...]]:
    """The lines that the records tell, and why some had to be left out; SourceError when those are more than few."""
    trades, left_out = [], []
    for name, record in found.items():
        try:
            trades.append(read(record, _key(name, record)))
        except SourceError as error:
            left_out.append(f"{record.text('id') or 'without id'}: {error}")
    if len(left_out) > len(found) / MOST_LEFT_OUT:
        raise SourceError(f"{len(left_out)} of {len(found)} records cannot be read; {left_out[0]}")
    return trades, tuple(left_out)


def source(kit: Kit) -> Filings:
    """The filings API that the settings describe."""
    settings = kit.settings
    if settings.rest_url is None:
        raise ConfigError("BOT_REST_URL is empty: write the address of the filings API's list")
    names = names_of(settings.rest_fields)
    filters = filters_of(settings.rest_filters)
    first = filters.pop(names["page"], "1")
    if not re.fullmatch("[01]", first):
        raise ConfigError(f"BOT_REST_FILTERS: pages begin at {names['page']}=0 or 1, found {first!r}")
    pagings: Mapping[str, Paging] = {
        "cursor": by_cursor,
        "page": partial(by_number, first=int(first)),
        "offset": by_offset,
    }
    return Filings(
        Api(kit.http, "the service", credentials("BOT_REST_KEY", settings.rest_key, settings.rest_key_header)),
        settings.rest_url,
        names=names,
        renamed=[word for word in names if word not in WIRE and names[word] != NAMES[word]],
        filters=filters,
        paging=pagings[settings.rest_paging],
        overlap=timedelta(days=settings.rest_overlap_days),
        memory=kit.memory,
    )


def filters_of(entries: Sequence[str]) -> dict[str, str]:
    """The parameters of every request, or the number of the first page; ConfigError for an entry without its value."""
    pairs = [entry.partition("=") for entry in entries]
    for (name, sign, _), entry in zip(pairs, entries, strict=True):
        if not name or not sign:
            raise ConfigError(f"BOT_REST_FILTERS: expected name=value, found {entry!r}")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _key(name: str, record: Record) -> str:
    """The line's identity: the record's id, or a digest of all it says."""
    return f"{NAME}:{record.text('id') or hashlib.sha256(name.encode()).hexdigest()[:24]}"
