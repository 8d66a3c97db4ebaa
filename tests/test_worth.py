"""What the positions are worth, in one currency."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from bot.errors import RatesError
from bot.worth import invested as worth
from tests.builders import NOW, quote
from tests.fakes import Exchange, ScriptedBroker, position


def invested(broker: ScriptedBroker, rates: Exchange, now: datetime) -> Decimal | None:
    return worth(broker.positions(), broker.account(), broker, rates, now)


def holder() -> ScriptedBroker:
    broker = ScriptedBroker()
    broker.held = [position("NWRB", 10), position("HLCN", 5)]
    return broker


def test_nothing_held_is_worth_nothing() -> None:
    assert invested(ScriptedBroker(), Exchange(), NOW) == 0


def test_positions_are_worth_their_bid() -> None:
    broker = holder()
    broker.quoted = quote(bid=Decimal("40.001"), ask=Decimal(41))
    assert invested(broker, Exchange(), NOW) == Decimal("600.02")


def test_what_is_quoted_in_another_currency_is_exchanged() -> None:
    broker = holder()
    broker.currency, broker.quoted = "EUR", quote(bid=Decimal(40), ask=Decimal(41))
    assert invested(broker, Exchange(USD_EUR="0.925"), NOW) == Decimal(555)


def test_without_a_quote_or_a_rate_nobody_knows() -> None:
    broker = holder()
    broker.currency = "EUR"
    assert invested(broker, Exchange(), NOW) is None
    assert invested(broker, Exchange(error=RatesError("nobody answers")), NOW) is None
    broker.currency, broker.quoted = "USD", None
    silent = type("Silent", (ScriptedBroker,), {"quote": lambda *_: None})()
    silent.held = [replace(position(), isin="US6655311099")]
    assert invested(silent, Exchange(), NOW) is None
