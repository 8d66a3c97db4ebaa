"""How many shares: a signal, a quote and a position become a size, or a reason for none."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from bot.model import Position, Quote, Side, Skip, Terms
from bot.plain import decimal_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Whole shares, what they are worth, what they are expected to cost (0 for a sale), and the sum that led there."""

    quantity: Decimal
    value: Decimal
    cost: Decimal
    words: str


def size(
    side: Side, *, quote: Quote | None, position: Position | None, currency: str, notional: Decimal, terms: Terms
) -> Size | Skip:
    """A buy spends at most `notional` in account currency on whole shares; a sale closes what was bought."""
    if side is Side.SELL and (position is None or position.quantity <= 0):
        return Skip(rule="not_held", reason="none of it is held, and nothing is sold short")
    if quote is None or quote.bid <= 0 or quote.ask <= 0:
        return Skip(rule="no_quote", reason="there is no quote for it", final=False)
    if quote.currency != currency:
        reason = f"it is quoted in {quote.currency} and the account is in {currency}: no exchange rate"
        return Skip(rule="no_quote", reason=reason, final=False)
    if side is Side.SELL and position is not None:
        return Size(
            quantity=position.quantity,
            value=position.quantity * quote.bid,
            cost=Decimal(0),
            words=f"sell all {decimal_text(position.quantity)} shares bought, bid {_money(quote.bid, quote)}",
        )
    return _buy(quote, notional, terms)


def _buy(quote: Quote, notional: Decimal, terms: Terms) -> Size | Skip:
    quantity = (notional / quote.ask).to_integral_value(ROUND_FLOOR)
    asked = f"{_money(notional, quote)} at an ask of {_money(quote.ask, quote)}"
    if quantity < 1:
        return Skip(rule="limit", reason=f"{asked} do not buy one whole share")
    worth = quantity * quote.ask
    if worth < terms.minimum:
        least = f"the broker takes no order below {_money(terms.minimum, quote)}"
        return Skip(
            rule="limit", reason=f"{asked} buy {decimal_text(quantity)} shares worth {_money(worth, quote)}; {least}"
        )
    cost = worth + terms.fee
    words = f"{asked}: {decimal_text(quantity)} whole shares, {_money(cost, quote)} with fee"
    return Size(quantity=quantity, value=worth, cost=cost, words=words)


def _money(amount: Decimal, quote: Quote) -> str:
    return f"{amount:,.2f} {quote.currency}"
