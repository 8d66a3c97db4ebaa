"""Rates of whole days: since when each is public, and what they say about any two currencies."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from bot.model import Rate

FRANKFURT: Final = ZoneInfo("Europe/Berlin")
PUBLIC: Final = time(16, 15)  # the ECB says "around 16:00 CET": a quarter of an hour is its room for "around"
STALE: Final = timedelta(days=7)  # longer than any run of holidays: an older rate is no rate
DIGITS: Final = 10
EUR: Final = "EUR"

DAY: Final = re.compile(r"(19|20)\d\d-\d\d-\d\d", re.ASCII)
CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
POSITIVE: Final = re.compile(r"(?=.*[1-9])\d{1,9}(\.\d{1,12})?", re.ASCII)

Pairs = Mapping[tuple[str, str], Decimal]
"""Base and quote -> how many units of `quote` one unit of `base` is worth."""

Days = Mapping[date, Pairs]


class DailyRates:
    """The rates of some days, each visible from the quarter past four in Frankfurt on its day.

    That is when the ECB's are public: it updates them around 16:00 CET on every working day
    (https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/).
    """

    def __init__(self, source: str, days: Days) -> None:
        self._source = source
        self._days = days

    def rate(self, base: str, quote: str, at: datetime) -> Rate | None:
        """The last rate public at that instant and for at most seven days; None when there is none.

        A day's own pair, else the inverse, else both currencies' worth in EUR on one day; rounded to ten digits.
        """
        today = at.astimezone(FRANKFURT).date()
        if base == quote:
            return self._of(base, quote, Fraction(1), today)
        for day in (today - timedelta(days=age) for age in range(STALE.days + 1)):
            if timedelta(0) <= at - public_at(day) <= STALE and (worth := _worth(self._days.get(day, {}), base, quote)):
                return self._of(base, quote, worth, day)
        return None

    def _of(self, base: str, quote: str, worth: Fraction, day: date) -> Rate:
        rate = Context(prec=DIGITS).divide(Decimal(worth.numerator), Decimal(worth.denominator))
        return Rate(base=base, quote=quote, rate=rate, on=day, source=self._source)


def public_at(day: date) -> datetime:
    """The instant (UTC) from which a day's rates count as public."""
    return datetime.combine(day, PUBLIC, FRANKFURT).astimezone(UTC)


def day_of(text: str) -> date:
    """The day written as 2026-03-02; ValueError says what was expected and found."""
    with suppress(ValueError):  # 30 February looks like a day, but never was
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    raise _unlike("a day such as 2026-03-02", text)


def currency_of(text: str) -> str:
    """The currency code; ValueError says what was expected and found."""
    if not CURRENCY.fullmatch(text):
        raise _unlike("a currency code such as USD", text)
    return text


def rate_of(text: str) -> Decimal:
    """The positive decimal; ValueError says what was expected and found."""
    if not POSITIVE.fullmatch(text):
        raise _unlike("a positive decimal such as 1.0834", text)
    return Decimal(text)


def _unlike(expected: str, text: str) -> ValueError:
    return ValueError(f"expected {expected}, found {text[:40]!r}")


def _worth(pairs: Pairs, base: str, quote: str) -> Fraction | None:
    """What one unit of `base` is worth, exactly: the pair, its inverse, or the way through EUR."""
    if direct := _direct(pairs, base, quote):
        return direct
    first, second = _direct(pairs, base, EUR), _direct(pairs, EUR, quote)
    return first * second if first and second else None


def _direct(pairs: Pairs, base: str, quote: str) -> Fraction | None:
    if rate := pairs.get((base, quote)):
        return Fraction(rate)
    inverse = pairs.get((quote, base))
    return 1 / Fraction(inverse) if inverse else None
