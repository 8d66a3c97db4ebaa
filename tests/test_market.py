"""What shares cost at one instant: each asked once, and the closes of the sessions that are over."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bot.market import LATELY, Market
from bot.model import Instrument, Quote
from tests.builders import instrument
from tests.fakes import Exchange, Quotes, ScriptedBroker, Weekdays
from tests.house import CLOSES, OPENS

VENUE: Any = Weekdays()
LAST = date(2026, 3, 2)  # a Monday, the last session that is over on Tuesday morning
MORNING = OPENS - timedelta(hours=1)


def market(prices: Quotes, **changes: Any) -> Market:
    facts = {"broker": ScriptedBroker(), "rates": Exchange(), "sessions": VENUE, "now": MORNING}
    return Market(prices=prices, **(facts | changes))


def closing_prices(*days: date) -> Quotes:
    """A price of so many dollars as the day of the month, at the end of each session."""
    prices = Quotes()
    for day in days:
        prices.price("NWRB", VENUE.on(day).closes, str(day.day))
    return prices


def test_the_closes_are_those_of_the_sessions_that_are_over_oldest_first() -> None:
    prices = closing_prices(LAST, date(2026, 2, 26), date(2026, 2, 27), OPENS.date())
    assert market(prices).closes("NWRB") == [26, 27, 2]
    assert market(prices, now=CLOSES).closes("NWRB") == [26, 27, 2, 3]
    assert market(prices, now=CLOSES - timedelta(seconds=1)).closes("NWRB") == [26, 27, 2]


def test_a_session_without_a_price_has_no_close() -> None:
    assert market(closing_prices(date(2026, 2, 25), LAST)).closes("NWRB") == [25, 2]
    assert market(closing_prices(LAST)).closes("HLCN") == []


def test_what_is_no_price_is_no_close() -> None:
    prices = closing_prices(LAST)
    prices.price("NWRB", VENUE.on(date(2026, 2, 27)).closes, "0")
    assert market(prices).closes("NWRB") == [2]


def test_a_close_is_half_way_between_bid_and_ask() -> None:
    prices = Quotes()
    prices.price("NWRB", VENUE.on(LAST).closes, "39", "41")
    assert market(prices).closes("NWRB") == [40]


def test_what_was_longer_ago_is_no_recent_close() -> None:
    assert (MORNING - LATELY).date() == date(2026, 1, 17)
    assert market(closing_prices(date(2026, 1, 16), date(2026, 1, 19))).closes("NWRB") == [19]


class Counting(ScriptedBroker):
    """Counts how often it was asked for a quote; of one share it has none."""

    asked = 0

    def quote(self, instrument: Instrument, at: Any) -> Quote | None:
        self.asked += 1
        return super().quote(instrument, at) if instrument.symbol == "NWRB" else None


def test_a_broker_is_asked_once_for_the_quote_of_a_share() -> None:
    broker = Counting()
    looked = market(Quotes(), broker=broker)
    for symbol in ("NWRB", "NWRB", "HLCN", "HLCN"):
        found = looked.quote(instrument(symbol))
        assert (found.ask if isinstance(found, Quote) else found) == (Decimal("40.02") if symbol == "NWRB" else None)
    assert broker.asked == 2
