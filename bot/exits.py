"""When what was bought is sold again, whatever officers do: after so many sessions, below a stop, or when you say so.

What counts of a share is the last purchase of it: another one begins the count anew, and sets the price paid. An exit
closes all that our fills hold of the share, as a sale that follows an officer does.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from functools import partial
from typing import Any, Final

from bot.errors import ConfigError
from bot.model import (
    Decision,
    Event,
    Holding,
    InsiderTrade,
    Order,
    OrderIntent,
    Quote,
    Side,
    Signal,
    Skip,
    Verdict,
)
from bot.own import asked, words
from bot.plain import decimal_text

SOURCE: Final = "exit"  # of the events that are our own


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A purchase of ours that was filled, at `price` a share in `currency`."""

    intent: OrderIntent
    quantity: Decimal
    price: Decimal
    currency: str

    def words(self) -> str:
        """Which one it was."""
        what = f"{decimal_text(self.quantity)} {self.intent.instrument.symbol} at {self._money(self.price)}"
        return f"{self.intent.client_order_id}: {what} on {self.intent.session}"

    def loss(self, quote: Quote) -> tuple[Decimal, str]:
        """The part of the price paid that the bid is below it, and that in words, rounded down."""
        part = 1 - quote.bid / self.price
        paid = f"paid {self._money(self.price)} on {self.intent.session}, bid {self._money(quote.bid)}"
        return part, f"{paid}: {part.quantize(Decimal('0.001'), ROUND_FLOOR):.1%} below"

    def _money(self, amount: Decimal) -> str:
        return f"{amount:,.2f} {self.currency}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A purchase as it stands now, and what it may be sold by.

    `age` is how many sessions have come since that of the purchase, the one that an exit would go into included;
    `closes` are the share's last ones, oldest first, as far as the price files know them, in the currency it was paid
    in. A quote and closes are asked only by an exit that needs them.
    """

    purchase: Purchase
    age: int
    ask: Callable[[], Quote | Skip | None]
    closes: Callable[[], Sequence[Decimal]] = tuple

    def figures(self) -> dict[str, Any]:
        """What was bought when and at what price, by name."""
        bought = self.purchase
        return {
            "bought": bought.quantity,
            "bought_on": bought.intent.session,
            "paid": bought.price,
            "currency": bought.currency,
            "age": self.age,
        }

    def quote(self) -> Quote | Skip:
        """What it costs now, in the currency it was paid in; a Skip while nobody knows."""
        found = self.ask()
        if isinstance(found, Skip) or (found and found.bid > 0 and found.currency == self.purchase.currency):
            return found
        unknown = f"without a quote in {self.purchase.currency} nobody knows whether it is to be sold"
        return Skip(rule="no_quote", reason=unknown, final=False)


WhenToSell = Callable[[Held], str | Skip | None]
"""Why a purchase is sold, or why that cannot be told now; None when it is kept."""


@dataclass(frozen=True, slots=True)
class OwnExit:
    """An exit of one's own, as module:function; what it cannot tell is asked again, and so is what it fails at."""

    spec: str
    function: WhenToSell

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ConfigError(f"{self.spec!r} is no exit: write a function of what is held that returns why it is sold")

    def __call__(self, held: Held) -> str | Skip | None:
        """What the function says, looked at."""
        said = asked("exit", self.spec, partial(self._answer, held))
        return _named(said, self.spec) if isinstance(said, Skip) else said

    def _answer(self, held: Held) -> str | Skip | None:
        found: object = self.function(held)
        if found is None or isinstance(found, Skip):
            return found
        if not isinstance(found, str):
            said = type(found).__name__
            raise ConfigError(f"the exit {self.spec} must return why it is sold, a Skip, or None (found {said})")
        return f"{words(found)} ({self.spec})"


def _named(unknown: Skip, said_as: str) -> Skip:
    """What one exit cannot tell now: asked again in this session, in which the others may sell."""
    return replace(unknown, reason=f"{unknown.reason} ({said_as})", final=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exits:
    """The exits in force: `after` so many sessions, at a `stop` so far below the price paid, a part of 1, and `own`.

    `said_as` are the names that who set the first two knows them by.
    """

    after: int | None = None
    stop: Decimal | None = None
    own: OwnExit | None = None
    said_as: tuple[str, str] = ("BOT_EXIT_AFTER", "BOT_STOP")

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self.after is not None or self.stop is not None or self.own is not None

    def asked(self) -> dict[str, Any]:
        """Their thresholds by the names of the settings."""
        asked = {"exit_after": self.after, "stop": self.stop, "exit_when": self.own and self.own.spec}
        return {name: value for name, value in asked.items() if value is not None}

    def words(self) -> list[str]:
        """When each of them sells."""
        after, stop = self.said_as
        told = [f"it was held for {self.after} sessions ({after})"] if self.after is not None else []
        if self.stop is not None:
            told.append(f"the bid is {decimal_text(self.stop * 100)}% below the price paid ({stop})")
        return [*told, f"{self.own.spec} says so"] if self.own else told

    def verdict(self, held: Held) -> Verdict | None:
        """Why it is sold, or else why one of them cannot tell now; None when it is kept."""
        unknown = None
        for said in self._said(held):
            if isinstance(said, str):
                return Signal(side=Side.SELL, reason=said)
            unknown = unknown or said
        return unknown

    def _said(self, held: Held) -> Iterator[str | Skip | None]:
        """What each of them says; who has an answer asks no other."""
        if self.after is not None and held.age >= self.after:
            ago = f"{held.age} session{'' if held.age == 1 else 's'} ago"
            why = f"bought on {held.purchase.intent.session}, {ago}; it is held for {self.after}"
            yield f"{why} ({self.said_as[0]})"
        if self.stop is not None:
            yield _stopped(held, self.stop, self.said_as[1])
        if self.own is not None:
            yield self.own(held)


def _stopped(held: Held, stop: Decimal, said_as: str) -> str | Skip | None:
    quote = held.quote()
    if isinstance(quote, Skip):
        return _named(quote, said_as)
    lost, told = held.purchase.loss(quote)
    return f"{told}, and it is sold from {decimal_text(stop * 100)}% ({said_as}) on" if lost >= stop else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """A purchase that is to be sold in a session, or of which nobody can tell."""

    purchase: Purchase
    session: date
    verdict: Verdict
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def decision_id(self) -> str:
        """The identity: of the purchase and the session alone, so a crash or a lost store comes to the same id."""
        bought = self.purchase.intent
        share_class, day = bought.instrument.share_class_figi, self.session.isoformat()
        facts = "|".join((bought.account, bought.strategy, share_class, Side.SELL, bought.decision_id, day))
        return "d-" + hashlib.sha256(facts.encode()).hexdigest()[:24]

    @property
    def key(self) -> str:
        """Of the event that the exit is."""
        return "x-" + self.decision_id.removeprefix("d-")

    def decision(self) -> Decision:
        """The exit as a decision like any other, on an event that nobody has reported because it is our own."""
        instrument = self.purchase.intent.instrument
        sale = InsiderTrade(
            key=self.key,
            source=SOURCE,
            issuer=instrument.name,
            symbol=instrument.symbol,
            owner="insiderbot",
            title=SOURCE,
            side=Side.SELL,
            currency=self.purchase.currency,
        )
        event = Event(key=self.key, trade=sale, keys=(self.key,), symbols=(instrument.symbol,), sources=(SOURCE,))
        evidence = {
            "purchase": self.purchase.words(),
            "exit": self.verdict.reason,
            "mapping": "; ".join(instrument.proof),
            "figures": self.figures,
        }
        return Decision(event=event, verdict=self.verdict, evidence=evidence)


def last_purchases(
    orders: Sequence[tuple[OrderIntent, Order]], holdings: Iterable[Holding], busy: Collection[str]
) -> list[Purchase]:
    """The last purchase of every share that our fills hold, but for the share classes that are `busy`.

    The orders come oldest first.
    """
    held = {(each.symbol, each.isin) for each in holdings}
    last: dict[str, Purchase] = {}
    for intent, order in sorted(orders, key=lambda pair: pair[0].session):
        if order.side is Side.BUY and order.filled and order.price and (order.symbol, order.isin) in held:
            last[intent.instrument.share_class_figi] = Purchase(
                intent=intent, quantity=order.filled, price=order.price, currency=order.currency
            )
    return [purchase for share_class, purchase in last.items() if share_class not in busy]


def due(held: Iterable[Held], exits: Exits, session: date) -> list[Exit]:
    """What is to be sold in the session, and that of which it cannot be told now."""
    judged = ((each, exits.verdict(each)) for each in held)
    return [
        Exit(purchase=each.purchase, session=session, verdict=verdict, figures=each.figures() | exits.asked())
        for each, verdict in judged
        if verdict
    ]
