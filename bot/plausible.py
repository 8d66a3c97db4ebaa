"""What cannot be true about a reported trade: it is shown and explained, never traded."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from bot.model import InsiderTrade, Quote, Rate

MOST_SHARES: Final = Decimal(10**9)
HIGHEST_PRICE: Final = Decimal(10**6)
HIGHEST_VALUE: Final = Decimal(10**10)
EARLIEST: Final = date(1934, 6, 6)  # the Securities Exchange Act, which these reports are made under
OPEN_MARKET: Final = {"P": "A", "S": "D"}  # code -> whether shares came in or went out
FARTHEST: Final = Decimal("0.3")  # of the market's price: a split, a wrong share class, a price per lot
FARTHEST_ABROAD: Final = Decimal("0.05")  # of the last US price known: between two venues that trade the same share


_DEPOSITARY: Final = re.compile(r"\b(?:american deposit[ao]ry|ad[rs]s?)\b", re.IGNORECASE)
_LISTED_ABROAD: Final = re.compile(r"\(\s*\w{1,12}\.[A-Z]{1,2}\s*\)")  # Ordinary Shares (1234.XY)
_NO_SHARE: Final = re.compile(r"\b(?:preferred|preference|warrants?|notes?|bonds?|debentures?)\b", re.IGNORECASE)


def implausible(trade: InsiderTrade) -> str | None:
    """Why a line cannot be true as it stands, or None; such a line is shown and explained, never traded."""
    if doubt := _wrong_days(trade) or _wrong_value(trade):
        return doubt
    if trade.side is None:
        return _wrong_direction(trade)
    if doubt := _wrong_numbers(trade):
        return doubt
    if trade.form and trade.form.endswith("/A") and trade.amends is None:
        return "an amendment, and nothing tells of which filing"
    if trade.acquired is None:
        return "the source marks the filing as erroneous, or does not say how much came in and went out with it"
    if trade.acquired != ("A" if trade.side == "buy" else "D"):
        return f"a {trade.side} is marked as {trade.acquired} (A acquired, D disposed of)"
    return _other_security(trade)


def _wrong_days(trade: InsiderTrade) -> str | None:
    if trade.traded_on is None or trade.filed_on is None:
        return "the line does not say when it was traded or filed"
    if trade.traded_on > trade.filed_on:
        return f"traded on {trade.traded_on}, after it was filed on {trade.filed_on}"
    if trade.known_at and trade.traded_on > trade.known_at.date():
        return f"traded on {trade.traded_on}, after it was public on {trade.known_at:%Y-%m-%d}"
    if trade.traded_on < EARLIEST:
        return f"traded on {trade.traded_on}, before there were such reports"
    return None


def _wrong_value(trade: InsiderTrade) -> str | None:
    shares, price, value = trade.shares, trade.price, trade.value
    if not shares or not price or value is None or abs(shares * price - value) <= rounding(shares, price, value):
        return None
    return f"{shares:,f} shares at {price:,f} are not worth {value:,f}"


def _wrong_numbers(trade: InsiderTrade) -> str | None:
    shares, price = trade.shares, trade.price
    if shares is None or not 0 < shares <= MOST_SHARES:
        return f"{shares} shares were traded"
    if price is None or not 0 < price <= HIGHEST_PRICE:
        return f"the price is {price}"
    if shares * price > HIGHEST_VALUE:
        return f"{shares:,f} shares at {price:,f} are more than {HIGHEST_VALUE:,} USD"
    return None


def _wrong_direction(trade: InsiderTrade) -> str | None:
    """Why an open-market code contradicts what the line says of the shares; it is why such a line has no side."""
    expected = OPEN_MARKET.get(trade.code or "")
    if trade.is_derivative or expected is None or trade.acquired in {None, expected}:
        return None
    kind = "purchase" if trade.code == "P" else "sale"
    return f"a {kind} (code {trade.code}) is marked as {trade.acquired} (A acquired, D disposed of)"


def _other_security(trade: InsiderTrade) -> str | None:
    """Why what was traded is not the share that the ticker stands for, or None."""
    security = trade.security or ""
    if security and trade.currency is None:
        return "the filing says that the price is not in US dollars"
    if _NO_SHARE.search(security):
        return f"{security!r} is not the common share that the ticker stands for"
    if _LISTED_ABROAD.search(security) and not _DEPOSITARY.search(security):
        return f"{security!r} is listed abroad: the ticker stands for a receipt of an unknown number of them"
    return None


def mixed_classes(trade: InsiderTrade, others: Sequence[InsiderTrade]) -> str | None:
    """Why it cannot be told what a share is beside what the same filings say of other classes, or None."""
    titles = {other.security or "" for other in others if not other.is_derivative}
    is_receipt = bool(_DEPOSITARY.search(trade.security or ""))
    if trade.side is None or all(bool(_DEPOSITARY.search(title)) == is_receipt for title in titles):
        return None
    return "the filing counts shares and depositary receipts, and how many shares a receipt stands for is not known"


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
