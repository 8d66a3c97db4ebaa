"""What the positions are worth now, in the account's own currency."""

from datetime import datetime
from decimal import Decimal

from bot.errors import RatesError
from bot.model import Instrument, Position
from bot.ports import BrokerView, Rates


def invested(broker: BrokerView, rates: Rates, now: datetime) -> Decimal | None:
    """The sum of all positions at their bid, to the cent; None when a quote or an exchange rate is missing."""
    currency, total = broker.account().currency, Decimal(0)
    for position in broker.positions():
        quote = broker.quote(_instrument(position), now)
        rate = _rate(rates, quote.currency, currency, now) if quote else None
        if quote is None or rate is None:
            return None
        total += position.quantity * quote.bid * rate
    return total.quantize(Decimal("0.01"))


def _instrument(position: Position) -> Instrument:
    return Instrument(symbol=position.symbol, name=position.symbol, share_class_figi="", isin=position.isin)


def _rate(rates: Rates, base: str, currency: str, now: datetime) -> Decimal | None:
    if base == currency:
        return Decimal(1)
    try:
        found = rates.rate(base, currency, now)
    except RatesError:
        return None
    return found.rate if found else None
