"""One plan's running account: what each order that is wished leaves for those after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, Protocol

from bot import limits, orders
from bot.exits import Exits
from bot.limits import Breach, Buy, Drawdown, Entry, Known, Limits
from bot.market import Market
from bot.model import Decision, Holding, Instrument, Order, OrderIntent, Position, Quote, Side, Skip
from bot.ports import Store
from bot.reconcile import absent
from bot.sessions import Session
from bot.sizing import FixedNotional, Means, Size, Sizing, size


class History(Store, Protocol):
    """A store that tells of the orders that are over, too."""

    def orders(self) -> list[tuple[OrderIntent, Order]]:
        """Every order of ours, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How signals become orders: under which account and strategy, how large a buy is, when it enters, when it ends.

    `notional` is the usual amount of a buy in account currency, which a `sizing` may go by or not.
    """

    account: str
    strategy: str
    notional: Decimal
    entry: Literal["next_open", "now"] = "next_open"
    sizing: Sizing = field(default_factory=FixedNotional)
    exits: Exits = field(default_factory=Exits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A signal with its instrument, the session it can go into, and the identity of the decision it leads to."""

    decision: Decision
    side: Side
    known_at: datetime
    session: Session | Skip
    instrument: Instrument
    decision_id: str
    is_exit: bool = False


class Book:
    """One plan's running account: what is held and available, and what is already intended."""

    def __init__(
        self,
        market: Market,
        store: History,
        wishes: Sequence[Wish],
        *,
        policy: Policy,
        most: Limits,
        drawdown: Drawdown | None,
        others: Sequence[Order] | None = (),
    ) -> None:
        self._market = market
        self._others = others
        self._store = store
        self._policy = policy
        self._limits = most
        self._drawdown = drawdown
        self._decided = store.have_decisions([wish.decision_id for wish in wishes])
        new = [wish for wish in wishes if wish.decision_id not in self._decided]
        self._wanted = {(wish.instrument.share_class_figi, wish.side) for wish in new}
        self._account = market.broker.account()
        self._terms = market.broker.terms()
        self._held = list(market.broker.positions())
        self._ours = _bought(self._held, store.holdings())
        self._absent = absent(store, self._held, market.now)
        self._wished: set[str] = set()
        self._planned: list[Entry] = []
        self._open: set[tuple[str, Side]] = set()
        for intent, order in store.open_orders():
            self._open.add((order.symbol, order.side))
            if order.side is Side.SELL:
                self._give_up(intent.instrument, order.quantity - order.filled)
            elif order.broker_order_id is None:  # the broker has not reserved for it what it may not know of
                self._spend(self._expected(intent.instrument, order) + self._terms.fee)
        self.intents: dict[str, OrderIntent] = {}

    def enter(self, wish: Wish) -> Decision:
        """The decision with the order that follows from it, or with the reason why none does."""
        evidence = dict(wish.decision.evidence)
        key = orders.client_order_id(wish.decision_id)
        if key in self.intents or wish.decision_id in self._decided:
            evidence["order"] = "one order follows all who filed the same on that day"
            return replace(wish.decision, client_order_id=key, evidence=evidence)
        intent = self._hindrance(wish) or self._intent(wish, key, evidence)
        if isinstance(intent, Skip):
            return replace(wish.decision, verdict=intent, evidence=evidence)
        self.intents[key] = intent
        return replace(wish.decision, client_order_id=key, evidence=evidence)

    def burst(self) -> Breach | None:
        """Why all that is new is too much to be true, or None; what a limit refused is new as well."""
        sessions = [intent.session for intent, _ in self._orders] if self._wished else []
        return limits.burst(len(self._wished), sessions, self._market.now.date(), self._limits)

    def _hindrance(self, wish: Wish) -> Skip | None:
        """Why no order may be placed now whatever it costs, or None."""
        symbol, opposite = wish.instrument.symbol, Side.SELL if wish.side is Side.BUY else Side.BUY
        if (wish.instrument.share_class_figi, opposite) in self._wanted:
            return Skip(
                rule="limit", reason=f"{symbol} is both to be bought and to be sold: no order in either direction"
            )
        if (symbol, opposite) in self._open:
            return Skip(rule="limit", reason=f"an order to {opposite} {symbol} is still open", final=False)
        if self._closed:
            return Skip(rule="limit", reason=self._closed, final=False)
        if self._others is None and wish.side is Side.BUY:
            unknown = "the broker's orders could not be read, and others may buy the same in this account"
            return Skip(rule="limit", reason=unknown, final=False)
        if gone := next((each for each in self._absent if each.is_of(wish.instrument)), None):
            reason = (
                f"{gone.quantity:f} shares of {symbol} that were bought are not in the account: no order of it before"
                " `insiderbot resume` says that this is so"
            )
            return Skip(rule="limit", reason=reason, final=False, figures={"missing": gone.quantity})
        return self._fallen if wish.side is Side.BUY else None

    @cached_property
    def _closed(self) -> str | None:
        return self._market.broker.closed(self._market.now)

    @cached_property
    def _fallen(self) -> Skip | None:
        """Why nothing is bought because of what the account has lost, or None."""
        return self._drawdown.refusal(self._worth, self._account) if self._drawdown else None

    @cached_property
    def _worth(self) -> Decimal | None:
        return self._market.worth(self._account)

    @cached_property
    def _orders(self) -> list[tuple[OrderIntent, Order]]:
        """Every order of this account so far: an account of another broker may be in another currency."""
        return [pair for pair in self._store.orders() if pair[1].currency == self._account.currency]

    @cached_property
    def _past(self) -> list[Entry]:
        return [
            limits.entry(intent, order, self._expected(intent.instrument, order))
            for intent, order in self._orders
            if order.side is Side.BUY
        ]

    @cached_property
    def _losses(self) -> Mapping[str, datetime]:
        return limits.losses(self._orders)

    def _intent(self, wish: Wish, key: str, evidence: dict[str, Any]) -> OrderIntent | Skip:
        """The order with its session and size, each step in words among the evidence."""
        session = wish.session
        if isinstance(session, Skip):
            return session
        evidence["session"] = (
            f"{self._market.sessions.mic} {session.day}, {session.opens:%H:%M} to {session.closes:%H:%M} UTC"
        )
        quote = self._market.quote(wish.instrument)
        if isinstance(quote, Skip):
            return quote
        if quote and (doubt := self._market.doubt(wish.decision.event.trade, wish.instrument, quote, evidence)):
            return doubt
        sized = self._size(wish, quote)
        if isinstance(sized, Skip):
            return sized
        evidence["size"] = sized.words
        sums = {"quantity": sized.quantity, "value": sized.value, "cost": sized.cost}
        evidence["figures"] = {**evidence.get("figures", {}), **sized.figures, **sums}
        if not wish.is_exit:  # which no page has told, and no more of it can be than was bought
            self._wished.add(key)
        if wish.side is Side.BUY and (refused := self._refused(wish, session, sized)):
            return refused
        self._spend(sized.cost)
        if wish.side is Side.SELL:
            self._give_up(wish.instrument, sized.quantity)
        return OrderIntent(
            client_order_id=key,
            decision_id=wish.decision_id,
            account=self._policy.account,
            strategy=self._policy.strategy,
            instrument=replace(wish.instrument, mic=self._market.sessions.mic),
            side=wish.side,
            quantity=sized.quantity,
            currency=self._account.currency,
            session=session.day,
            valid_from=session.opens,
            valid_until=session.closes,
            created_at=self._market.now,
        )

    def _expected(self, instrument: Instrument, order: Order) -> Decimal:
        """What an order may still cost, without fee; where the share has no quote now, what every buy may."""
        if order.status.is_final:
            return Decimal(0)
        if isinstance(quote := self._market.quote(instrument), Quote):
            return (order.quantity - order.filled) * quote.ask
        policy, most = self._policy, self._limits.order_value
        return policy.notional if policy.sizing == FixedNotional() else most

    def _spend(self, cost: Decimal) -> None:
        """What is to be paid is not there for others."""
        self._account = replace(self._account, available=self._account.available - cost)

    def _give_up(self, instrument: Instrument, quantity: Decimal) -> None:
        """Shares that an order already sells cannot be sold by another."""
        self._ours = [
            replace(position, quantity=position.quantity - quantity) if position.is_of(instrument) else position
            for position in self._ours
        ]

    def _refused(self, wish: Wish, session: Session, sized: Size) -> Skip | None:
        """The limit that a buy would break, or None, and then it counts for those after it."""
        position = _of(wish.instrument, self._held)
        theirs = (each for each in self._others or () if each.side is Side.BUY and each.is_of(wish.instrument))
        shares = sum((each.quantity - each.filled for each in theirs), position.quantity if position else Decimal(0))
        buy = Buy(
            symbol=wish.instrument.symbol,
            share_class=wish.instrument.share_class_figi,
            session=session.day,
            at=self._market.now,
            value=sized.value,
            cost=sized.cost,
            held=shares * sized.value / sized.quantity,
            currency=self._account.currency,
        )
        known = Known(past=self._past, planned=self._planned, losses=self._losses, available=self._account.available)
        refused = limits.refusal(buy, known, self._limits)
        if refused is None:
            self._planned.append(buy.entry())
        return refused

    def _size(self, wish: Wish, quote: Quote | None) -> Size | Skip:
        policy, ours = self._policy, _of(wish.instrument, self._ours)
        if wish.side is Side.SELL and ours is None and _of(wish.instrument, self._held):
            return Skip(rule="not_held", reason="the shares held were not bought by this bot, and it sells no others")
        if wish.side is Side.SELL and ours and ours.quantity <= 0:
            return Skip(rule="not_held", reason="another order sells all of it already")
        return size(
            wish.side,
            quote=quote,
            position=ours,
            currency=self._account.currency,
            terms=self._terms,
            sizing=policy.sizing,
            means=Means(
                notional=policy.notional,
                equity=lambda: self._worth,
                closes=lambda: self._market.closes(wish.instrument.symbol),
            ),
        )


def _of(instrument: Instrument, positions: Sequence[Position]) -> Position | None:
    return next((position for position in positions if position.is_of(instrument)), None)


def _bought(positions: Sequence[Position], holdings: Sequence[Holding]) -> list[Position]:
    """Of what the account holds, the shares that our own fills add up to: no others are ours to sell."""
    ours = [
        replace(
            position,
            quantity=min(
                position.quantity, sum((each.quantity for each in holdings if position.is_of(each)), Decimal(0))
            ),
        )
        for position in positions
    ]
    return [position for position in ours if position.quantity > 0]
