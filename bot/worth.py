"""What the positions and the account are worth now, in the account's own currency."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from bot.errors import BrokerError, NotPaperError, RatesError
from bot.model import Account, Instrument, Position, Quote
from bot.ports import BrokerView, Rates


def worth(account: Account, broker: BrokerView, rates: Rates, now: datetime) -> Decimal | None:
    """The account's cash and positions; None when a quote or an exchange rate cannot be had."""
    value = invested(broker.positions(), account, broker, rates, now)
    return None if value is None else account.cash + value


def invested(
    positions: Sequence[Position], account: Account, broker: BrokerView, rates: Rates, now: datetime
) -> Decimal | None:
    """The sum of these positions at their bid, to the cent; None when a quote or an exchange rate cannot be had."""
    total = Decimal(0)
    for position in positions:
        quote = _quote(position, broker, now)
        rate = _rate(rates, quote.currency, account.currency, now) if quote else None
        if quote is None or rate is None:
            return None
        total += position.quantity * quote.bid * rate
    return total.quantize(Decimal("0.01"))


def _quote(position: Position, broker: BrokerView, now: datetime) -> Quote | None:
    held = Instrument(symbol=position.symbol, name=position.symbol, share_class_figi="", isin=position.isin)
    try:
        return broker.quote(held, now)
    except NotPaperError:
        raise
    except BrokerError:
        return None


def _rate(rates: Rates, base: str, currency: str, now: datetime) -> Decimal | None:
    if base == currency:
        return Decimal(1)
    try:
        found = rates.rate(base, currency, now)
    except RatesError:
        return None
    return found.rate if found else None
