"""A filings API with invented records, asked directly or over loopback."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.demo.rest import FilingsApi, SecuritiesDbApi
from bot.demo.serving import Query
from bot.http import Answer
from bot.sources.rest.api import Api
from bot.sources.rest.fields import names_of
from bot.sources.rest.filings import Filings, filters_of
from bot.sources.rest.pages import Ask, Page, by_cursor, by_number, by_offset, page_of

NOW = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)  # a Tuesday, 10:00 in New York
NAMES = names_of(())
READERS = {"page": by_number, "offset": by_offset, "cursor": by_cursor}


def filing(number: int = 1, **changes: Any) -> dict[str, Any]:
    """The finance chief of Northwind Robotics buys 3,000 shares at 40.8125 USD, filed on 2 March 2026."""
    facts = {
        "id": f"flg_{number:05}",
        "issuer_id": "iss_1999001",
        "issuer_name": "Northwind Robotics Inc",
        "ticker": "NWRB",
        "insider_id": "ins_1999501",
        "insider_name": "Okafor Adaeze M",
        "insider_role": "Chief Financial Officer",
        "transaction_date": "2026-02-27",
        "filing_date": "2026-03-02",
        "transaction_type": "purchase",
        "shares": "3000",
        "price": "40.8125",
        "currency": "USD",
        "value": None,
        "ownership_nature": "direct",
        "security_type": "common",
        "created_at": "2026-03-02T22:04:10Z",
        "updated_at": "2026-03-02T22:04:10Z",
        "published_at": "2026-03-02T22:03:41Z",
    }
    return facts | changes


def filed(number: int, at: datetime, *, told: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """A filing of this instant, which the service has told since then, or since `told`."""
    shown = (told or at).isoformat()
    times = {"created_at": shown, "updated_at": shown, "published_at": shown}
    return filing(number, filing_date=f"{at:%Y-%m-%d}", transaction_date=f"{at:%Y-%m-%d}", **times, **changes)


class Direct:
    """An HTTP client that hands every request to a handler in this process."""

    def __init__(self, handler: FilingsApi | SecuritiesDbApi) -> None:
        self.handler = handler
        self.urls: list[str] = []

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Answer:
        assert once  # who repeats a request is the client above
        self.urls.append(url)
        path = "/" + url.split("/", 3)[3]
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        status, told, body = self.handler("GET", path, Query(list((params or {}).items())), lower, b"")
        return Answer(url, status, {name.lower(): value for name, value in told.items()}, body)


class Wrist:
    """A clock that only a sleep moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


def client(handler: Any, title: str = "the service", headers: Mapping[str, str] | None = None, **more: Any) -> Api:
    """A client of a handler in this process that never really sleeps."""
    wrist = Wrist()
    return Api(Direct(handler), title, headers or {}, **{"sleep": wrist.sleep, "monotonic": wrist.monotonic} | more)  # type: ignore[arg-type]


def source_on(api: FilingsApi, *, paging: str = "cursor", sort: str = "created_at", **more: Any) -> Filings:
    """The source in front of a handler in this process."""
    settings: dict[str, Any] = {"names": NAMES, "overlap": timedelta(days=10), "filters": filters_of([f"sort={sort}"])}
    turn = READERS[paging]
    return Filings(client(api), "https://api.example.com/filings", **settings | {"paging": turn} | more)


def asking(api: FilingsApi, **filters: str) -> Ask:
    """The pages of a handler, without a client and without JSON's bytes in between being read twice."""

    def ask(page: Mapping[str, str]) -> Page:
        status, _, body = api("GET", "/filings", Query([*page.items(), *filters.items()]), {}, b"")
        assert status == 200, body
        return page_of(json.loads(body), NAMES)

    return ask
