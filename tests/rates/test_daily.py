"""Rates of days: public from an instant on, never looked at before it, and the same from both sides."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rates.daily import STALE, DailyRates, currency_of, day_of, public_at, rate_of

FRIDAY = date(2026, 3, 6)
PUBLIC = datetime(2026, 3, 6, 15, 15, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
DAYS: Mapping[date, Mapping[tuple[str, str], Decimal]] = {
    date(2026, 3, 5): {("EUR", "USD"): Decimal("1.1"), ("EUR", "GBP"): Decimal("0.84"), ("EUR", "ISK"): Decimal(144)},
    FRIDAY: {("EUR", "USD"): Decimal("1.0625"), ("EUR", "GBP"): Decimal("0.85"), ("CHF", "USD"): Decimal("1.25")},
}
CURRENCIES = ("EUR", "USD", "GBP", "JPY", "CHF")

decimals = st.decimals(min_value="0.0001", max_value=10**7, places=4)
worths = st.dictionaries(st.sampled_from(CURRENCIES[1:]).map(lambda currency: ("EUR", currency)), decimals)
histories = st.dictionaries(st.dates(date(2026, 3, 1), date(2026, 4, 9)), worths)
instants = st.integers(0, 52 * 86_400).map(lambda second: datetime(2026, 2, 27, tzinfo=UTC) + timedelta(seconds=second))
currencies = st.sampled_from(CURRENCIES)


def asked(base: str, quote: str, at: datetime = PUBLIC) -> str | None:
    found = DailyRates("invented", DAYS).rate(base, quote, at)
    assert found is None or (found.base, found.quote, found.source) == (base, quote, "invented")
    return f"{found.rate} on {found.on}" if found else None


@pytest.mark.parametrize(
    ("at", "rate"),
    [
        (PUBLIC - timedelta(days=1) - INSTANT, None),
        (PUBLIC - timedelta(days=1), "1.1 on 2026-03-05"),
        (PUBLIC - INSTANT, "1.1 on 2026-03-05"),
        (PUBLIC, "1.0625 on 2026-03-06"),
        (PUBLIC + timedelta(days=7), "1.0625 on 2026-03-06"),
        (PUBLIC + timedelta(days=7) + INSTANT, None),
    ],
)
def test_a_rate_is_seen_from_its_publication_for_seven_days(at: datetime, rate: str | None) -> None:
    assert asked("EUR", "USD", at) == rate
    assert asked("EUR", "USD", at.astimezone(timezone(timedelta(hours=-11)))) == rate


@pytest.mark.parametrize(
    ("day", "hour"),
    [(date(2026, 3, 27), 15), (date(2026, 3, 30), 14), (date(2026, 10, 23), 14), (date(2026, 10, 26), 15)],
)
def test_the_hour_of_publication_is_that_of_the_clocks_in_frankfurt(day: date, hour: int) -> None:
    assert public_at(day) == datetime(day.year, day.month, day.day, hour, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("base", "quote", "rate"),
    [
        ("USD", "EUR", "0.9411764706 on 2026-03-06"),
        ("GBP", "EUR", "1.176470588 on 2026-03-06"),
        ("USD", "GBP", "0.8 on 2026-03-06"),
        ("GBP", "USD", "1.25 on 2026-03-06"),
        ("CHF", "USD", "1.25 on 2026-03-06"),
        ("USD", "CHF", "0.8 on 2026-03-06"),
        ("ISK", "USD", "0.007638888889 on 2026-03-05"),
    ],
)
def test_a_pair_follows_from_itself_its_inverse_or_the_euro_on_one_day(base: str, quote: str, rate: str) -> None:
    assert asked(base, quote) == rate


@pytest.mark.parametrize(("base", "quote"), [("EUR", "SEK"), ("SEK", "EUR"), ("SEK", "NOK"), ("CHF", "EUR")])
def test_a_currency_without_a_rate_is_none(base: str, quote: str) -> None:
    assert asked(base, quote) is None


def test_a_currency_is_worth_itself_on_the_day_in_frankfurt() -> None:
    assert asked("SEK", "SEK", datetime(2026, 3, 6, 23, 30, tzinfo=UTC)) == "1 on 2026-03-07"


def test_the_precision_of_the_caller_does_not_matter() -> None:
    with localcontext(prec=3):
        assert asked("USD", "EUR") == "0.9411764706 on 2026-03-06"


@given(histories, currencies, currencies, instants)
def test_there_and_back_is_where_one_was(
    days: dict[date, dict[tuple[str, str], Decimal]], base: str, quote: str, at: datetime
) -> None:
    rates = DailyRates("invented", days)
    there, back = rates.rate(base, quote, at), rates.rate(quote, base, at)
    assert (there is None) == (back is None)
    if there and back:
        assert there.on == back.on
        assert abs(there.rate * back.rate - 1) < Decimal("1e-8")


@given(histories, currencies, currencies, instants)
def test_what_is_published_later_changes_nothing(
    days: dict[date, dict[tuple[str, str], Decimal]], base: str, quote: str, at: datetime
) -> None:
    known = {day: pairs for day, pairs in days.items() if public_at(day) <= at}
    found = DailyRates("invented", days).rate(base, quote, at)
    assert found == DailyRates("invented", known).rate(base, quote, at)
    if found and base != quote:
        assert timedelta(0) <= at - public_at(found.on) <= STALE


@given(histories, currencies, instants)
def test_the_last_rate_of_the_week_is_the_one(
    days: dict[date, dict[tuple[str, str], Decimal]], currency: str, at: datetime
) -> None:
    pair = ("EUR", currency)
    fresh = [day for day in days if pair in days[day] and timedelta(0) <= at - public_at(day) <= STALE]
    found = DailyRates("invented", days).rate(*pair, at)
    if currency != "EUR":
        assert (found and found.on) == max(fresh, default=None)


@pytest.mark.parametrize(
    "text", ["", "0", "0.000", "-1", "+1", "1,5", "1.", ".5", "1e3", "nan", "inf", "1_0", " 1", "1\n", "١", "9" * 10]
)
def test_what_is_no_positive_decimal_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a positive decimal such as 1\.0834, found"):
        rate_of(text)


@pytest.mark.parametrize(("text", "rate"), [("1", 1), ("1816700", 1816700), ("0.00005", Decimal("0.00005"))])
def test_a_positive_decimal_is_a_rate(text: str, rate: Decimal) -> None:
    assert rate_of(text) == rate


@pytest.mark.parametrize("text", ["", "usd", "US", "USDX", "US$", "USD\n", "ÜSD"])
def test_three_capitals_are_a_currency_and_nothing_else_is(text: str) -> None:
    assert currency_of("USD") == "USD"
    with pytest.raises(ValueError, match="expected a currency code such as USD, found"):
        currency_of(text)


@pytest.mark.parametrize(
    "text", ["", "2026-02-30", "20260302", "2026-W10-1", "06.03.2026", "2026-03-06 ", "1026-03-06"]
)
def test_a_day_that_never_was_is_none(text: str) -> None:
    assert day_of("2026-03-06") == FRIDAY
    with pytest.raises(ValueError, match=r"^expected a day such as 2026-03-02, found"):
        day_of(text)


def test_foreign_text_is_quoted_in_one_short_line() -> None:
    with pytest.raises(ValueError) as told:  # noqa: PT011 - the length is what matters
        rate_of("1\n" * 5000)
    assert len(str(told.value)) < 150
    assert "\n" not in str(told.value)
