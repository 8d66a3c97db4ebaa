"""The ECB's stand-in: both documents as the ECB has them, and failures on demand."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.ecb import HISTORY, LATEST, EcbServer, document
from bot.http import Http
from bot.rates.ecb import parse

FRIDAY = date(2026, 3, 6)
RATES = {
    FRIDAY: {"USD": Decimal("1.0625"), "IDR": Decimal("1.73E+4")},
    FRIDAY - timedelta(days=1): {"USD": Decimal("1.1")},
}
HTTP = Http("insiderbot-test")

currencies = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3).filter(lambda code: code != "EUR")
worths = st.dictionaries(currencies, st.decimals("0.0001", 10**7, places=4), min_size=1, max_size=4)


@pytest.fixture
def server() -> Iterator[EcbServer]:
    with EcbServer(RATES) as running:
        yield running


def test_the_history_has_every_day_and_the_daily_file_the_last(server: EcbServer) -> None:
    assert list(parse(HTTP.get(server.url + HISTORY).text)) == [FRIDAY, FRIDAY - timedelta(days=1)]
    assert parse(HTTP.get(server.url + LATEST).text) == {
        FRIDAY: {("EUR", "USD"): Decimal("1.0625"), ("EUR", "IDR"): Decimal(17300)}
    }
    assert server.journal == [HISTORY, LATEST]


def test_failures_come_in_their_order_and_end(server: EcbServer) -> None:
    server.fail_next(404, "garbage", 429)
    answers = [HTTP.get(server.url + HISTORY) for _ in range(4)]
    assert [answer.status for answer in answers] == [404, 200, 429, 200]
    assert b"Maintenance" in answers[1].body
    assert parse(answers[3].text)


def test_nothing_else_is_answered(server: EcbServer) -> None:
    assert HTTP.get(f"{server.url}/stats/eurofxref").status == 404
    assert HTTP.post_json(server.url + HISTORY, {}).status == 405
    assert server.journal == []


@given(st.dictionaries(st.dates(date(1999, 1, 4), date(2099, 12, 31)), worths, min_size=1, max_size=4))
def test_what_is_given_is_what_is_read(days: dict[date, dict[str, Decimal]]) -> None:
    assert parse(document(days)) == {
        day: {("EUR", currency): rate for currency, rate in rates.items()} for day, rates in days.items()
    }
