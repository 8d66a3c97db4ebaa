"""The sources that ask a service of many answers, each before a stand-in whose first answer can be replaced."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.demo.edgar import pages as edgar_pages
from bot.demo.edgar.server import EdgarServer
from bot.demo.serving import Handler, Query, Reply, StandIn
from bot.http import Http
from bot.plugins import Kit
from bot.ports import Source
from bot.settings import Settings
from bot.sources.rest import filings
from bot.sources.rest.api import Api
from bot.sources.rest.securitiesdb import SecuritiesDb

from .edgar import world
from .pages import NOW
from .rest.service import filing

FIRST = {"start": "0", "page": "1"}
FILINGS = world.filings(3, until=NOW - timedelta(hours=1))
RECORDS = [filing(number) for number in range(3)]
DEALS: list[Mapping[str, object]] = [
    {"insider": "Okafor Adaeze M", "type": kind, "date": "2026-02-27", "shares": 3000, "value": 122437.5}
    for kind in ("Purchase", "Sale", "Grant")
]


class Stage(StandIn):
    """A service with something else as the first page of what is asked for at such a path; hidden, it refuses all."""

    def __init__(self, part: str, other: Handler) -> None:
        super().__init__(self._reply)
        self._part = part
        self._other = other
        self._text: str | None = None

    def show(self, text: str) -> None:
        self._text = text

    def hide(self) -> None:
        self._text = None

    def _reply(self, method: str, path: str, query: Query, headers: Mapping[str, str], body: bytes) -> Reply | None:
        if self._text is None:
            return 403, {}, b"Forbidden"
        is_first = "cursor" not in query and all(query.get(name, number) == number for name, number in FIRST.items())
        if self._part in path and is_first:
            return 200, {}, self._text.encode()
        return self._other(method, path, query, headers, body)


@dataclass(frozen=True)
class Service:
    """A service and what it is asked: `part` is of the path whose answer is shown, `other` answers the rest."""

    part: str
    source: Callable[[str, Path], Source]
    page: str
    empty_page: str | None = None
    other: Handler = lambda *_: (404, {}, b"")
    later: datetime = NOW + timedelta(days=1000)
    flagged: bool = False
    lines: int = 3

    def stage(self) -> Stage:
        return Stage(self.part, self.other)


def _feed(*shown: edgar_pages.Entry) -> str:
    return edgar_pages.feed(shown, NOW).decode("latin-1")


def _activity(*deals: Mapping[str, object]) -> str:
    facts = {"count": len(deals), "net_buy_sell_ratio": 1.0, "total_buy_value": 1, "total_sell_value": 1}
    return json.dumps({"data": {"ticker": "NWRB", "insider_transactions": {**facts, "recent": deals}}})


def _rest(paging: str) -> Callable[[str, Path], Source]:
    def source(url: str, _: Path) -> Source:
        settings = Settings.of(rest_url=f"{url}/filings", rest_paging=paging)
        return filings.source(Kit(settings=settings, clock=lambda: NOW, http=Http("tests")))

    return source


SERVICES = {
    "edgar": Service(
        part="browse-edgar",
        source=lambda url, folder: world.edgar(url, folder, lookback=timedelta(days=30)),
        page=_feed(*edgar_pages.entries(FILINGS)),
        empty_page=_feed(),
        other=EdgarServer(FILINGS, clock=lambda: NOW, per_second=None)._reply,
        later=NOW + timedelta(hours=12),
        flagged=True,
    ),
    "rest:cursor": Service(
        part="/filings", source=_rest("cursor"), page=json.dumps({"results": RECORDS, "next_cursor": None})
    ),
    "rest:page": Service(
        part="/filings",
        source=_rest("page"),
        page=json.dumps({"results": RECORDS, "page": 1, "page_size": 500, "total_pages": 1, "total_count": 3}),
    ),
    "securitiesdb": Service(
        part="/insider-activity",
        source=lambda url, _: SecuritiesDb(Api(Http("tests"), "SecuritiesDB", {}), url, ["NWRB"]),
        page=_activity(*DEALS),
    ),
}
