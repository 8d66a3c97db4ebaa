"""What cannot be true about a reported trade: it is shown and explained, never traded."""

from decimal import Decimal
from typing import Final

from bot.model import InsiderTrade, Quote

MOST_SHARES: Final = Decimal(10**9)
HIGHEST_PRICE: Final = Decimal(10**6)
FARTHEST: Final = Decimal("0.3")  # of the market's price: a split, a wrong share class, a price per lot


def implausible(trade: InsiderTrade) -> str | None:
    """Why a line cannot be true as it stands, or None; such a line is shown and explained, never traded."""
    shares, price = trade.shares, trade.price
    if trade.traded_on is None or trade.filed_on is None:
        return "the line does not say when it was traded or filed"
    if trade.traded_on > trade.filed_on:
        return f"traded on {trade.traded_on}, after it was filed on {trade.filed_on}"
    if (
        shares
        and price
        and trade.value is not None
        and abs(shares * price - trade.value) > rounding(shares, price, trade.value)
    ):
        return f"{shares:,f} shares at {price:,f} are not worth {trade.value:,f}"
    if trade.side is None:
        return None
    if shares is None or not 0 < shares <= MOST_SHARES:
        return f"{shares} shares were traded"
    if price is None or not 0 < price <= HIGHEST_PRICE:
        return f"the price is {price}"
    if trade.acquired != ("A" if trade.side == "buy" else "D"):
        return f"a {trade.side} is marked as {trade.acquired} (A acquired, D disposed of)"
    return None


def rounding(shares: Decimal, price: Decimal, value: Decimal) -> Decimal:
    """How far shares x price may be from the value shown: 1 %, or what rounding to whole shares and cents explains."""
    return max(value / 100, price / 2 + shares / 200 + 1)


def far_off(trade: InsiderTrade, quote: Quote) -> str | None:
    """Why the price of a trade does not belong to the share that is quoted, or None."""
    middle = (quote.bid + quote.ask) / 2
    if trade.price is None or trade.currency != quote.currency or abs(trade.price - middle) <= FARTHEST * middle:
        return None
    return f"reported at {trade.price:,f}, more than 30 % off the {middle:,.2f} {quote.currency} it is quoted at"
