"""What cannot be true about a reported trade: it is shown and explained, never traded."""

from decimal import Decimal
from typing import Final

from bot.model import InsiderTrade, Quote, Rate

MOST_SHARES: Final = Decimal(10**9)
HIGHEST_PRICE: Final = Decimal(10**6)
FARTHEST: Final = Decimal("0.3")  # of the market's price: a split, a wrong share class, a price per lot
FARTHEST_ABROAD: Final = Decimal("0.05")  # of the last US price known: between two venues that trade the same share


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
    if trade.form and trade.form.endswith("/A") and trade.amends is None:
        return "an amendment, and nothing tells of which filing"
    if trade.acquired is None:
        return "the source marks the filing as erroneous, or does not say whether shares came in or went out"
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


def far_off_abroad(trade: InsiderTrade, quote: Quote, rate: Rate, known: Quote | None) -> tuple[str, bool]:
    """The comparison, in words, of a quote in another currency with the last US price known; whether they disagree.

    That price is `known`, a quote in the trade's currency, or else what the insider paid or got.
    """
    here = (quote.bid + quote.ask) / 2
    there = here * rate.rate
    if known and known.currency == trade.currency:
        price, since = (known.bid + known.ask) / 2, f"quoted {known.at:%Y-%m-%d %H:%M} UTC"
    elif trade.price:
        price, since = trade.price, f"reported for {trade.traded_on}"
    else:
        return f"no price in {trade.currency} is known to compare the {here:,.2f} {quote.currency} with", True
    off = abs(there - price) / price
    words = (
        f"quoted at {here:,.2f} {quote.currency} = {there:,.2f} {rate.quote} "
        f"({rate.source} of {rate.on}: 1 {rate.base} = {rate.rate:f} {rate.quote}), "
        f"{off * 100:.1f} % off the last US price known, {price:,.2f} {trade.currency} ({since})"
    )
    return words, off > FARTHEST_ABROAD
