"""Each parser as a function of bytes: what reads a file is given one, what asks a service hears one answer."""

import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import SecretStr

from bot import strategy_file
from bot.http import Answer, Http
from bot.instruments.openfigi import Job, OpenFigi
from bot.model import InsiderTrade
from bot.plugins import Kit
from bot.prices.files import US
from bot.rates.ecb import Ecb
from bot.sessions import Sessions
from bot.settings import Settings
from bot.sources import files
from bot.sources.edgar import ownership
from bot.sources.edgar.lines import lines
from bot.sources.edgar.site import Site
from bot.sources.pages import Site as Pages
from bot.sources.rest.api import Api
from bot.sources.rest.filings import Filings
from bot.sources.rest.pages import Ask, Look
from bot.sources.rest.securitiesdb import SecuritiesDb
from bot.trades import to_table, validate
from brokers.alpaca import Alpaca
from brokers.alpaca_api import Api as AlpacaApi
from brokers.lemon_api import Api as LemonApi
from brokers.lemon_markets import LemonMarkets
from tests.brokers.lemon import DATA_URL, URL
from tests.builders import NOW
from tests.instruments.figi_market import MemoryCache
from tests.sources.rest.service import NAMES

Read = Callable[[bytes], object]

MEMORY = Path("/dev/shm")
LAST_PAGE = b'{"results": [], "next_cursor": null}'


class Told:
    """An HTTP client that hears this from every address, and from all pages but the first that there is no more."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self._body = body
        self._status = status

    def get(self, url: str, *, params: Mapping[str, str] | None = None, **_: Any) -> Answer:
        is_later = "cursor" in (params or {}) or (params or {}).get("page", "1") != "1"
        return Answer(url, self._status, {}, LAST_PAGE if is_later else self._body)

    def post_json(self, url: str, body: Any, **_: Any) -> Answer:
        return self.get(url)


class NoPace:
    """Nobody waits, and nobody is stopped for longer than one request."""

    def wait(self) -> None:
        """At once."""

    def stop(self) -> str:
        return "tomorrow"


def trades_of(told: Sequence[InsiderTrade]) -> object:
    """The lines, which must fit into the trades table."""
    return validate(to_table(told))


def ownership_document(content: bytes) -> object:
    told = ownership.read(content)
    return trades_of(lines(told, accession=None, filed_on=None, known_at=None, url=None))


def saved(name: str) -> Read:
    """What `files:` reads under such a name."""
    return lambda content: files.parse(name, content, NOW)


def in_file(read: Callable[[Path], object], name: str) -> Read:
    """What reads a file, given one in memory where there is such a folder."""

    def reading(content: bytes) -> object:
        path = Path(_folder().name, name)
        path.write_bytes(content)
        return read(path)

    return reading


def strategy(path: Path) -> object:
    """A strategy file, whose rules may look at what companies are worth."""
    sizes = pd.DataFrame({"symbol": ["NWRB"], "date": [pd.Timestamp("2026-03-02")], "market_cap": [1e9]})
    kit = Kit(settings=Settings.of(), clock=lambda: NOW, http=Http("tests"), figures={"sizes": sizes})
    return strategy_file.read(path, kit)


def site(ask: Callable[[Site], object]) -> Read:
    """A request to EDGAR."""
    return lambda content: ask(Site(Told(content), "https://edgar.example", NoPace()))  # type: ignore[arg-type]


def company(content: bytes) -> object:
    """A company's latest submissions, asked of the company they are about where that can be told."""
    found = re.search(rb'"cik"\s*:\s*"?(\d{1,10})\b', content)
    return site(lambda edgar: edgar.submissions((found[1] if found else b"0").decode().zfill(10)))(content)


def company_older(content: bytes) -> object:
    return site(lambda edgar: edgar.older_submissions("CIK0001999001-submissions-001.json", "0001999001"))(content)


def web(parse: Callable[[str, datetime], Any]) -> Read:
    """A page of a web site."""

    def read(content: bytes) -> object:
        http: Any = Told(content)
        return Pages(name="site", title="Site", http=http, pages=["https://site.example"], parse=parse).fetch(NOW)

    return read


def filings(paging: Callable[[Ask], Look]) -> Read:
    """A list of a filings API, which ends after its first page."""

    def read(content: bytes) -> object:
        source = Filings(_api(content), "https://api.example", names=NAMES, paging=paging, overlap=timedelta(9))
        return source.fetch(NOW)

    return read


def securitiesdb(content: bytes) -> object:
    return SecuritiesDb(_api(content), "https://api.example", ["NWRB"]).fetch(NOW)


def openfigi(content: bytes) -> object:
    """OpenFIGI's answer to as many jobs as it has answers, where that can be told."""
    jobs = [Job("TICKER", f"N{number}") for number in range(_length(content))]
    figi = OpenFigi(
        Told(content),  # type: ignore[arg-type]
        "https://api.example",
        SecretStr("key"),
        clock=lambda: NOW,
        cache=MemoryCache(),
        sleep=lambda _: None,
        monotonic=lambda: 0.0,
    )
    return figi.map(jobs)


def ecb(content: bytes) -> object:
    return Ecb(Told(content), "https://ecb.example").rate("USD", "JPY", datetime(2026, 3, 9, tzinfo=UTC))  # type: ignore[arg-type]


def lemon(ask: Callable[[LemonMarkets], object], status: int = 200) -> Read:
    """A question to lemon.markets."""

    def read(content: bytes) -> object:
        http: Any = Told(content, status=status)
        apis = {
            name: LemonApi(http, url, SecretStr("key"), settings=("URL", "KEY"), paper=name == "trading")
            for name, url in (("trading", URL), ("data", DATA_URL))
        }
        return ask(LemonMarkets(**apis, clock=lambda: NOW, venue="xmun", minimum=Decimal(50)))

    return read


def alpaca(ask: Callable[[Alpaca], object]) -> Read:
    """A question to Alpaca."""

    def read(content: bytes) -> object:
        http: Any = Told(content)
        return ask(Alpaca(api=AlpacaApi(http, URL, DATA_URL, SecretStr("key"), SecretStr("secret"))))

    return read


@cache
def us_sessions() -> Sessions:
    return Sessions(US)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of this process."""
    return tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)


def _api(content: bytes) -> Api:
    http: Any = Told(content)
    return Api(http, "the service", {}, sleep=lambda _: None, monotonic=lambda: 0.0)


def _length(content: bytes) -> int:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return 1
    return min(len(found), 100) if isinstance(found, list) else 1
