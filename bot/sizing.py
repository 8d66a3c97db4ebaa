"""How many shares: a signal, a quote and a position become a size, or a reason for none."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from functools import partial
from itertools import pairwise
from statistics import stdev
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from bot.errors import ConfigError
from bot.model import Position, Quote, Side, Skip, Terms
from bot.own import SPEC, asked, words
from bot.plain import decimal_text

CLOSES: Final = 20  # of which the realised volatility is taken
YEAR: Final = 252  # sessions, by which a daily volatility becomes a yearly one
MOST: Final = Decimal(2)  # times the usual amount, however calm a share has been
OWN: Final = re.compile(rf"(?!(?:notional|quantity|equal|volatility):){SPEC.pattern}")
SIZING: Final = re.compile(r"(notional)|(?:(quantity|equal):([1-9]\d{0,3}))|(?:volatility:([1-9]\d{0,2})%)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Whole shares, what they are worth, what they are expected to cost (0 for a sale), and the sum that led there.

    `figures` are what the sum was done with, by name; amounts are in account currency.
    """

    quantity: Decimal
    value: Decimal
    cost: Decimal
    words: str
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a buy may be sized by: the usual amount, what the account is worth, and the share's closes, oldest first.

    All in account currency; the last two are asked only by a sizing that needs them.
    """

    notional: Decimal
    equity: Callable[[], Decimal | None]
    closes: Callable[[], Sequence[Decimal]]


class Wanted(NamedTuple):
    """Shares, not yet whole, the sum that led there, and what it was done with, by name."""

    shares: Decimal
    words: str
    figures: Mapping[str, Any] = MappingProxyType({})


Sizing = Callable[[Quote, Means], Wanted | Skip]
"""How large a buy is before it is rounded down and measured against the limits."""


@dataclass(frozen=True, slots=True)
class FixedNotional:
    """Every buy spends the usual amount."""

    def __call__(self, quote: Quote, means: Means) -> Wanted | Skip:
        """What the amount pays for."""
        return Wanted(means.notional / quote.ask, _money(means.notional, quote), {"notional": means.notional})


@dataclass(frozen=True, slots=True)
class FixedQuantity:
    """Every buy is so many shares."""

    quantity: int

    def __call__(self, quote: Quote, means: Means) -> Wanted | Skip:  # noqa: ARG002
        """So many."""
        return Wanted(Decimal(self.quantity), f"{self.quantity} shares")


@dataclass(frozen=True, slots=True)
class EqualWeight:
    """Every buy spends the same part of what the account is worth: room for so many positions."""

    positions: int

    def __call__(self, quote: Quote, means: Means) -> Wanted | Skip:
        """What that part pays for; a Skip while nobody knows what the account is worth."""
        equity = means.equity()
        if equity is None:
            unknown = "a share it holds has no quote or no exchange rate"
            return Skip(rule="no_quote", reason=f"what the account is worth is not known: {unknown}", final=False)
        part = equity / self.positions
        words = f"1/{self.positions} of {_money(equity, quote)}, {_money(part, quote)}"
        return Wanted(part / quote.ask, words, {"equity": equity, "positions": self.positions})


@dataclass(frozen=True, slots=True)
class InverseVolatility:
    """Every buy runs the same risk: it spends the usual amount x target / volatility, at most twice the amount."""

    target: Decimal

    def __call__(self, quote: Quote, means: Means) -> Wanted | Skip:
        """What that pays for; a Skip while the price files do not tell the volatility."""
        closes = means.closes()[-CLOSES:]
        found = volatility(closes) if len(closes) == CLOSES else None
        if not found:
            told = f"{len(closes)} of its last {CLOSES} closes are known" if found is None else "its closes are all one"
            reason = f"its volatility is not known: {told} (BOT_PRICES)"
            return Skip(rule="no_quote", reason=reason, final=False, figures={"closes": len(closes)})
        factor = min(self.target / found, MOST)
        amount = means.notional * factor
        times = f"x {factor:.2f} (volatility {found:.1%}, target {self.target:.0%}, at most x {MOST})"
        words = f"{_money(means.notional, quote)} {times}, {_money(amount, quote)}"
        figures = {"notional": means.notional, "volatility": found, "target": self.target}
        return Wanted(amount / quote.ask, words, figures)


@dataclass(frozen=True, slots=True)
class OwnSizing:
    """A sizing of one's own, as module:function; what it fails at is asked again."""

    spec: str
    function: Sizing

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ConfigError(f"{self.spec!r} is no sizing: write a function of a quote and means that returns Wanted")

    def __call__(self, quote: Quote, means: Means) -> Wanted | Skip:
        """What the function says, looked at."""
        return asked("sizing", self.spec, partial(self._answer, quote, means))

    def _answer(self, quote: Quote, means: Means) -> Wanted | Skip:
        found: object = self.function(quote, means)
        if isinstance(found, Skip):
            return found
        shares = found.shares if isinstance(found, Wanted) else None
        if not (isinstance(found, Wanted) and isinstance(shares, Decimal) and shares.is_finite() and shares >= 0):
            raise ConfigError(
                f"the sizing {self.spec} must return Wanted(shares, words), a decimal from 0 on, or a Skip"
            )
        return Wanted(shares, words(found.words), dict(found.figures))


def check(text: str) -> str:
    """What BOT_SIZING may say, as it is; ValueError says how to write it."""
    if not (SIZING.fullmatch(text) or OWN.fullmatch(text)):
        raise ValueError("write notional, quantity:10, equal:20, volatility:30% or your own module:function")
    return text


def named(text: str, own: Callable[[str], Sizing]) -> Sizing:
    """The sizing of this name; one's `own` is loaded by it."""
    match = SIZING.fullmatch(text)
    if match is None:
        return OwnSizing(text, own(text))
    if match[1]:
        return FixedNotional()
    if match[4]:
        return InverseVolatility(Decimal(match[4]) / 100)
    return FixedQuantity(int(match[3])) if match[2] == "quantity" else EqualWeight(int(match[3]))


def volatility(closes: Sequence[Decimal]) -> Decimal:
    """The realised volatility of a year, a part of 1: the standard deviation of daily log returns x sqrt(252)."""
    returns = [math.log(after / before) for before, after in pairwise(closes)]
    return Decimal(f"{stdev(returns) * math.sqrt(YEAR):.6f}")


def size(
    side: Side,
    *,
    quote: Quote | None,
    position: Position | None,
    currency: str,
    terms: Terms,
    sizing: Sizing,
    means: Means,
) -> Size | Skip:
    """A buy is as many whole shares as the `sizing` comes to, in account currency; a sale closes what was bought."""
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
            figures={"bid": quote.bid, "currency": currency},
        )
    wanted = sizing(quote, means)
    return wanted if isinstance(wanted, Skip) else _buy(quote, wanted, terms)


def _buy(quote: Quote, wanted: Wanted, terms: Terms) -> Size | Skip:
    quantity = wanted.shares.to_integral_value(ROUND_FLOOR)
    asked = f"{wanted.words} at an ask of {_price(quote)}"
    figures = {**wanted.figures, "ask": quote.ask, "currency": quote.currency, "fee": terms.fee}
    if quantity < 1:
        return Skip(rule="limit", reason=f"{asked} do not buy one whole share", figures=figures)
    worth = quantity * quote.ask
    if worth < terms.minimum:
        least = f"the broker takes no order below {_money(terms.minimum, quote)}"
        reason = f"{asked} buy {decimal_text(quantity)} shares worth {_money(worth, quote)}; {least}"
        sums = {"quantity": quantity, "value": worth, "minimum": terms.minimum}
        return Skip(rule="limit", reason=reason, figures=figures | sums)
    cost = worth + terms.fee
    fee = f" + {_money(terms.fee, quote)} fee = {_money(cost, quote)}" if terms.fee else ""
    words = f"{asked}: {decimal_text(quantity)} whole shares, {_money(worth, quote)}{fee}"
    return Size(quantity=quantity, value=worth, cost=cost, words=words, figures=figures)


def _price(quote: Quote) -> str:
    """The ask, exactly enough for whoever multiplies by it."""
    whole, _, part = f"{quote.ask:,.6f}".partition(".")
    return f"{whole}.{part.rstrip('0'):0<2} {quote.currency}"


def _money(amount: Decimal, quote: Quote) -> str:
    return f"{amount:,.2f} {quote.currency}"
