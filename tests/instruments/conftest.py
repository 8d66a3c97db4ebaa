"""The fictional market behind the OpenFIGI stand-in, with clients and mappers that ask it."""

from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr

from bot.demo.openfigi import OpenFigiServer
from bot.http import Http
from bot.instruments.mapper import ShareClassMapper
from bot.instruments.openfigi import OpenFigi
from tests.instruments.figi_market import MARKET, MemoryCache, Time


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
