"""What shares cost at one instant, each asked once, and whether a quote can be of the share that was traded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.errors import BrokerError, NotPaperError, RatesError
from bot.model import Account, InsiderTrade, Instrument, Quote, Skip
from bot.plausible import far_off, far_off_abroad
from bot.ports import BrokerView, Prices, Rates
from bot.sessions import Sessions
from bot.worth import worth

LATELY: Final = timedelta(days=45)  # a month of sessions, and some without a price: a holiday of the other exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The broker's quotes, and the prices and rates that are asked where it says too little."""

    broker: BrokerView
    rates: Rates
    prices: Prices
    sessions: Sessions
    now: datetime
    _quotes: dict[tuple[str, str | None], Quote | Skip | None] = field(default_factory=dict)

    def quote(self, instrument: Instrument) -> Quote | Skip | None:
        """What it costs; None when nobody knows, a Skip when the broker cannot be asked."""
        key = instrument.symbol, instrument.isin
        if key not in self._quotes:
            self._quotes[key] = self._asked(instrument)
        return self._quotes[key]

    def doubt(self, trade: InsiderTrade, instrument: Instrument, quote: Quote, evidence: dict[str, str]) -> Skip | None:
        """Why the quote cannot be for the share that was traded, or None; a comparison abroad is told in `evidence`."""
        currency = trade.currency or instrument.currency
        trade = trade._replace(currency=currency)
        figures = {"reported": trade.price, "bid": quote.bid, "ask": quote.ask, "currency": quote.currency}
        figures["reported_in"] = currency
        if currency == quote.currency:
            reason = far_off(trade, quote)
            return Skip(rule="quarantined", reason=reason, figures=figures) if reason else None
        try:
            rate = self.rates.rate(quote.currency, currency, self.now)
        except RatesError as error:
            return Skip(rule="no_quote", reason=str(error), final=False, outage=True)
        if rate is None:
            reason = f"it is quoted in {quote.currency}, and no rate to {currency} is known for this day"
            return Skip(rule="no_quote", reason=reason, final=False)
        known = self.prices.quote(instrument.symbol, self.now)
        evidence["exchange"], is_far = far_off_abroad(trade, quote, rate, known)
        figures["rate"] = rate.rate
        reason = evidence["exchange"]
        return Skip(rule="quarantined", reason=reason, final=False, figures=figures) if is_far else None

    def worth(self, account: Account) -> Decimal | None:
        """The account's cash and positions; None when a quote or an exchange rate cannot be had."""
        return worth(account, self.broker, self.rates, self.now)

    def closes(self, symbol: str, currency: str | None = None) -> Sequence[Decimal]:
        """The last price of every session of the last 45 days that is over and has one, oldest first.

        With a `currency`, only those in it.
        """
        days = self.sessions.between((self.now - LATELY).date(), self.now.date())
        asked = [(session, self.prices.quote(symbol, session.closes)) for session in days if session.closes <= self.now]
        return [
            (quote.bid + quote.ask) / 2
            for session, quote in asked
            if quote and quote.bid > 0 and quote.at >= session.opens and quote.currency == (currency or quote.currency)
        ]

    def _asked(self, instrument: Instrument) -> Quote | Skip | None:
        try:
            return self.broker.quote(instrument, self.now)
        except NotPaperError:
            raise
        except BrokerError as error:  # of this one share: the others are not to wait for it
            return Skip(rule="no_quote", reason=str(error), final=False, outage=True)
