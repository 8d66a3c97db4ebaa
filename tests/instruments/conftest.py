"""A small fictional market behind the OpenFIGI stand-in, a clock that a sleep moves on, and a cache in memory."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from stdnum import figi as figi_rules

from bot.demo.openfigi import OpenFigiServer, Record
from bot.http import Http
from bot.instruments.mapper import ShareClassMapper
from bot.instruments.openfigi import OpenFigi

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Time:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def monotonic(self) -> float:
        return 1000.0 + sum(self.slept)

    def now(self) -> datetime:
        return START + timedelta(seconds=sum(self.slept))


class MemoryCache:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, datetime]] = {}

    def get(self, request: str, now: datetime) -> str | None:
        answer, expires_at = self.kept.get(request, (None, now))
        return answer if expires_at > now else None

    def put(self, request: str, answer: str, expires_at: datetime) -> None:
        self.kept[request] = (answer, expires_at)


def figi_of(body: str) -> str:
    """A fictional FIGI: eleven characters and their check digit."""
    return body + figi_rules.calc_check_digit(body)


def record(ticker: str, name: str, number: int, **other: Any) -> Record:
    """A US listing of the share class of this number."""
    figi = figi_of(f"BBG00ZZT{number:03}")
    return Record(
        **{
            "ticker": ticker,
            "name": name,
            "figi": figi,
            "composite_figi": figi,
            "share_class_figi": figi_of(f"BBG00ZZS{number:03}"),
            **other,
        }
    )


MARKET = (
    record("NWRB", "NORTHWIND ROBOTICS INC", 1, isins=("US6655311099",), cusip="665531109"),
    record("NW1", "NORTHWIND ROBOTICS INC", 1, exchange="GR", isins=("US6655311099",), cusip="665531109"),
    record("HLH/A", "HARBOR LANE HOLDINGS-CL A", 2, isins=("US4115551003",)),
    record("HLH/B", "HARBOR LANE HOLDINGS-CL B", 3, isins=("US4115552092",)),
    record("KITE", "KITE & LANTERN INC-CL C", 4, isins=("US4824431075",)),
    record("KITEL", "KITE & LANTERN INC-CL A", 5, isins=("US4824432065",)),
    record("SVKAY", "SOLVIK ASA-SPON ADR", 6, type="Depositary Receipt", isins=("US8344531027",)),
    record("SVKA", "SOLVIK ASA", 7, exchange="NO", isins=("NO0010096985",)),
    record("PINE", "PINE CREEK PROPERTIES", 8, type="REIT"),
    record("TARN", "TARN PIPELINE PARTNERS LP", 9, type="Partnership Shares"),
    record("TARNW", "TARN PIPELINE PARTNERS-CW29", 10, type="Warrant", share_class_figi=None),
    record("LEVL", "LEVEL SKY MARKET ETF", 11, type="Mutual Fund"),
    record("TWIN", "TWIN OAKS MILLING CO", 12),
    record("TWIN", "TWINSPIRE SOFTWARE INC", 13),
    record("NULO", "NULLARBOR OUTFITTERS LTD", 14, share_class_figi=None),
    record("GRNT", "GRANITE PEAK PETROLEUM CORP", 15),
)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def cache() -> MemoryCache:
    return MemoryCache()


@pytest.fixture
def server(time: Time) -> Iterator[OpenFigiServer]:
    with OpenFigiServer(MARKET, monotonic=time.monotonic) as running:
        yield running


@pytest.fixture
def client_of(time: Time, cache: MemoryCache) -> Callable[..., OpenFigi]:
    """A client of a URL, with a key or without, its time stopped."""

    def client(url: str, key: str | None = None, http: Http | None = None) -> OpenFigi:
        return OpenFigi(
            http or Http("tests"),
            url,
            SecretStr(key) if key is not None else None,
            clock=time.now,
            cache=cache,
            sleep=time.sleep,
            monotonic=time.monotonic,
        )

    return client


@pytest.fixture
def mapper_of(server: OpenFigiServer, client_of: Callable[..., OpenFigi]) -> Callable[..., ShareClassMapper]:
    """A mapper on the fictional market."""
    return lambda **options: ShareClassMapper(client_of(server.url), **options)


@pytest.fixture
def figis() -> dict[str, str | None]:
    """The share class behind each US ticker of the market, the first where there are two."""
    return {each.ticker: each.share_class_figi for each in reversed(MARKET) if each.exchange == "US"}
