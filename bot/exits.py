"""When what was bought is sold again, whatever officers do: after so many sessions, or below a stop.

What counts of a share is the last purchase of it: another one begins the count anew, and sets the price paid. An exit
closes all that our fills hold of the share, as a sale that follows an officer does.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import partial
from typing import Final

from bot.model import (
    Decision,
    Event,
    Holding,
    InsiderTrade,
    Instrument,
    Order,
    OrderIntent,
    Quote,
    Side,
    Signal,
    Skip,
    Verdict,
)
from bot.plain import decimal_text
from bot.sessions import Sessions

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
class Exits:
    """The exits in force: `after` so many sessions, and at a `stop` so far below the price paid, a part of 1.

    `said_as` are the names that who set them knows them by.
    """

    after: int | None = None
    stop: Decimal | None = None
    said_as: tuple[str, str] = ("BOT_EXIT_AFTER", "BOT_STOP")

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self.after is not None or self.stop is not None

    def verdict(self, purchase: Purchase, age: int, quote: Callable[[], Quote | Skip | None]) -> Verdict | None:
        """Why it is sold, or why that cannot be told now; None when it is kept. The quote is asked only for a stop.

        `age` is how many sessions have come since that of the purchase, the one that an exit would go into included.
        """
        if self.after is not None and age >= self.after:
            ago = f"{age} session{'' if age == 1 else 's'} ago"
            why = f"bought on {purchase.intent.session}, {ago}; it is held for {self.after}"
            return Signal(side=Side.SELL, reason=f"{why} ({self.said_as[0]})")
        return None if self.stop is None else _stopped(purchase, self.stop, self.said_as[1], quote())


def _stopped(purchase: Purchase, stop: Decimal, said_as: str, quote: Quote | Skip | None) -> Verdict | None:
    if isinstance(quote, Skip):
        return quote
    if quote is None or quote.bid <= 0 or quote.currency != purchase.currency:
        unknown = f"without a quote in {purchase.currency} nobody knows whether it has reached its stop ({said_as})"
        return Skip(rule="no_quote", reason=unknown, final=False)
    lost, words = purchase.loss(quote)
    least = f"{decimal_text(stop * 100)}% ({said_as})"
    return Signal(side=Side.SELL, reason=f"{words}, and it is sold from {least} on") if lost >= stop else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """A purchase that is to be sold in a session, or of which nobody can tell."""

    purchase: Purchase
    session: date
    verdict: Verdict

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


def due(
    purchases: Iterable[Purchase],
    exits: Exits,
    session: date,
    sessions: Sessions,
    quote: Callable[[Instrument], Quote | Skip | None],
) -> list[Exit]:
    """The purchases that are to be sold in the session, and those of which that cannot be told now."""
    found = []
    for purchase in purchases:
        intent = purchase.intent
        age = len(sessions.between(intent.session + timedelta(days=1), session))
        if verdict := exits.verdict(purchase, age, partial(quote, intent.instrument)):
            found.append(Exit(purchase=purchase, session=session, verdict=verdict))
    return found
