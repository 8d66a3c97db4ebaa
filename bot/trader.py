"""From followed events to orders as intended: the instrument, the session, the size; everything here only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Literal, Protocol

from bot import limits, orders
from bot.errors import BrokerError, NotPaperError, RatesError
from bot.limits import Breach, Buy, Drawdown, Entry, Known, Limits
from bot.model import Decision, Holding, Instrument, Listing, Order, OrderIntent, Position, Quote, Side, Signal, Skip
from bot.plausible import far_off, far_off_abroad
from bot.ports import BrokerView, Mapper, Prices, Rates, Store
from bot.sessions import Session, Sessions
from bot.sizing import Size, size
from bot.worth import worth


class History(Store, Protocol):
    """A store that tells of the orders that are over, too."""

    def orders(self) -> list[tuple[OrderIntent, Order]]:
        """Every order of ours, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How signals become orders: under which account and strategy, how large a buy is, and when it may enter."""

    account: str
    strategy: str
    notional: Decimal
    entry: Literal["next_open", "now"] = "next_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """Maps, schedules and sizes what a strategy wants to follow.

    `rates` and `prices` are asked only where the broker quotes in another currency than the trade was reported in.
    Without a `drawdown` nobody watches how far the account falls.
    """

    mapper: Mapper
    broker: BrokerView
    store: History
    sessions: Sessions
    rates: Rates
    prices: Prices
    policy: Policy
    limits: Limits = field(default_factory=Limits)
    drawdown: Drawdown | None = None

    def intend(self, decisions: Sequence[Decision], now: datetime) -> tuple[list[Decision], list[OrderIntent]]:
        """The same decisions, each signal now with its order or turned into a Skip, and the orders to place."""
        wanted = [decision for decision in decisions if isinstance(decision.verdict, Signal)]
        if not wanted:
            return list(decisions), []
        found = self.mapper.find([_listing(decision) for decision in wanted])
        outcomes = [self._wish(decision, found[_listing(decision)]) for decision in wanted]
        settled = {each.event.key: each for each in outcomes if isinstance(each, Decision)}
        wishes = [each for each in outcomes if isinstance(each, _Wish)]
        book = _Book(self, wishes, now)
        for wish in sorted(wishes, key=lambda wish: (wish.known_at, wish.decision.event.key)):
            settled[wish.decision.event.key] = book.enter(wish)
        if breach := book.burst():
            settled |= {
                key: replace(each, verdict=breach, client_order_id=None)
                for key, each in settled.items()
                if each.client_order_id in book.intents
            }
            book.intents.clear()
        return [settled.get(decision.event.key, decision) for decision in decisions], list(book.intents.values())

    def session(self, known_at: datetime, now: datetime) -> Session | Skip:
        """The session an order is meant for: the first that opens five minutes after the news, or the one under way."""
        entry, under_way = self.sessions.entry(known_at), self.sessions.open_at(now)
        if self.policy.entry == "now":
            opens = self.sessions.next_open(now).opens
            closed = f"{self.sessions.mic} is closed until {opens:%Y-%m-%d %H:%M} UTC, and BOT_ENTRY is now"
            return under_way or Skip(rule="limit", reason=closed, final=False)
        return entry if entry.opens > now else (under_way or self.sessions.next_open(now))

    def _wish(self, decision: Decision, instrument: Instrument | Skip) -> "_Wish | Decision":
        """The signal with its instrument, or the decision with the reason why there is nothing to trade."""
        trade, signal = decision.event.trade, decision.verdict
        evidence = {**decision.evidence, "strategy": signal.reason}
        if isinstance(instrument, Skip):
            return replace(decision, verdict=instrument, evidence=evidence)
        evidence["mapping"] = "; ".join(instrument.proof)
        if isinstance(signal, Skip) or trade.known_at is None or trade.filed_on is None:
            unknown = Skip(rule="known_within", reason="the source does not say when it became public")
            return replace(decision, verdict=unknown, evidence=evidence)
        decision_id = orders.decision_id(
            account=self.policy.account,
            strategy=self.policy.strategy,
            share_class=instrument.share_class_figi,
            side=signal.side,
            filed_on=trade.filed_on,
        )
        return _Wish(
            decision=replace(decision, evidence=evidence),
            side=signal.side,
            known_at=trade.known_at,
            instrument=instrument,
            decision_id=decision_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A signal with its instrument, and the identity of the decision it leads to."""

    decision: Decision
    side: Side
    known_at: datetime
    instrument: Instrument
    decision_id: str


class _Book:
    """One plan's running account: what is held and available, and what is already intended."""

    def __init__(self, trader: Trader, wishes: Sequence[_Wish], now: datetime) -> None:
        self._trader = trader
        self._now = now
        self._decided = trader.store.have_decisions([wish.decision_id for wish in wishes])
        new = [wish for wish in wishes if wish.decision_id not in self._decided]
        self._wanted = {(wish.instrument.share_class_figi, wish.side) for wish in new}
        self._account = trader.broker.account()
        self._terms = trader.broker.terms()
        self._held = list(trader.broker.positions())
        self._ours = _bought(self._held, trader.store.holdings())
        self._quotes: dict[tuple[str, str | None], Quote | Skip | None] = {}
        self._wished: set[str] = set()
        self._planned: list[Entry] = []
        self._open: set[tuple[str, Side]] = set()
        for intent, order in trader.store.open_orders():
            self._open.add((order.symbol, order.side))
            if order.side is Side.SELL:
                self._give_up(intent.instrument, order.quantity - order.filled)
            elif order.broker_order_id is None:  # the broker has not reserved for it what it may not know of
                self._spend(self._expected(intent.instrument, order) + self._terms.fee)
        self.intents: dict[str, OrderIntent] = {}

    def enter(self, wish: _Wish) -> Decision:
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
        return limits.burst(len(self._wished), sessions, self._now.date(), self._trader.limits)

    def _hindrance(self, wish: _Wish) -> Skip | None:
        """Why no order may be placed now whatever it costs, or None."""
        symbol, opposite = wish.instrument.symbol, Side.SELL if wish.side is Side.BUY else Side.BUY
        if (wish.instrument.share_class_figi, opposite) in self._wanted:
            return Skip(rule="limit", reason=f"officers both bought and sold {symbol}: no order in either direction")
        if (symbol, opposite) in self._open:
            return Skip(rule="limit", reason=f"an order to {opposite} {symbol} is still open", final=False)
        if self._closed:
            return Skip(rule="limit", reason=self._closed, final=False)
        return self._fallen if wish.side is Side.BUY else None

    @cached_property
    def _closed(self) -> str | None:
        return self._trader.broker.closed(self._now)

    @cached_property
    def _fallen(self) -> Skip | None:
        """Why nothing is bought because of what the account has lost, or None."""
        trader = self._trader
        if trader.drawdown is None:
            return None
        total = worth(self._account, trader.broker, trader.rates, self._now)
        return trader.drawdown.refusal(total, self._account)

    @cached_property
    def _orders(self) -> list[tuple[OrderIntent, Order]]:
        """Every order of this account so far: an account of another broker may be in another currency."""
        return [pair for pair in self._trader.store.orders() if pair[1].currency == self._account.currency]

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

    def _intent(self, wish: _Wish, key: str, evidence: dict[str, str]) -> OrderIntent | Skip:
        """The order with its session and size, each step in words among the evidence."""
        trader = self._trader
        session = trader.session(wish.known_at, self._now)
        if isinstance(session, Skip):
            return session
        evidence["session"] = (
            f"{trader.sessions.mic} {session.day}, {session.opens:%H:%M} to {session.closes:%H:%M} UTC"
        )
        quote = self._quote(wish.instrument)
        if isinstance(quote, Skip):
            return quote
        if quote and (doubt := self._doubt(wish, quote, evidence)):
            return doubt
        sized = self._size(wish, quote)
        if isinstance(sized, Skip):
            return sized
        evidence["size"] = sized.words
        self._wished.add(key)
        if wish.side is Side.BUY and (refused := self._refused(wish, session, sized)):
            return refused
        self._spend(sized.cost)
        if wish.side is Side.SELL:
            self._give_up(wish.instrument, sized.quantity)
        return OrderIntent(
            client_order_id=key,
            decision_id=wish.decision_id,
            account=trader.policy.account,
            strategy=trader.policy.strategy,
            instrument=replace(wish.instrument, mic=trader.sessions.mic),
            side=wish.side,
            quantity=sized.quantity,
            currency=self._account.currency,
            session=session.day,
            valid_from=session.opens,
            valid_until=session.closes,
            created_at=self._now,
        )

    def _doubt(self, wish: _Wish, quote: Quote, evidence: dict[str, str]) -> Skip | None:
        """Why the quote cannot be for the share that was traded, or None."""
        currency = wish.decision.event.trade.currency or wish.instrument.currency
        trade = wish.decision.event.trade._replace(currency=currency)
        if currency == quote.currency:
            reason = far_off(trade, quote)
            return Skip(rule="quarantined", reason=reason) if reason else None
        try:
            rate = self._trader.rates.rate(quote.currency, currency, self._now)
        except RatesError as error:
            return Skip(rule="no_quote", reason=str(error), final=False, outage=True)
        if rate is None:
            reason = f"it is quoted in {quote.currency}, and no rate to {currency} is known for this day"
            return Skip(rule="no_quote", reason=reason, final=False)
        known = self._trader.prices.quote(wish.instrument.symbol, self._now)
        evidence["exchange"], is_far = far_off_abroad(trade, quote, rate, known)
        return Skip(rule="quarantined", reason=evidence["exchange"], final=False) if is_far else None

    def _quote(self, instrument: Instrument) -> Quote | Skip | None:
        key = instrument.symbol, instrument.isin
        if key not in self._quotes:
            self._quotes[key] = self._asked(instrument)
        return self._quotes[key]

    def _asked(self, instrument: Instrument) -> Quote | Skip | None:
        try:
            return self._trader.broker.quote(instrument, self._now)
        except NotPaperError:
            raise
        except BrokerError as error:  # of this one share: the others are not to wait for it
            return Skip(rule="no_quote", reason=str(error), final=False, outage=True)

    def _expected(self, instrument: Instrument, order: Order) -> Decimal:
        """What an order may still cost, without fee; the size of every buy where the share has no quote now."""
        if order.status.is_final:
            return Decimal(0)
        quote = self._quote(instrument)
        return (order.quantity - order.filled) * quote.ask if isinstance(quote, Quote) else self._trader.policy.notional

    def _spend(self, cost: Decimal) -> None:
        """What is to be paid is not there for others."""
        self._account = replace(self._account, available=self._account.available - cost)

    def _give_up(self, instrument: Instrument, quantity: Decimal) -> None:
        """Shares that an order already sells cannot be sold by another."""
        self._ours = [
            replace(position, quantity=position.quantity - quantity) if position.is_of(instrument) else position
            for position in self._ours
        ]

    def _refused(self, wish: _Wish, session: Session, sized: Size) -> Skip | None:
        """The limit that a buy would break, or None, and then it counts for those after it."""
        position = _of(wish.instrument, self._held)
        buy = Buy(
            symbol=wish.instrument.symbol,
            share_class=wish.instrument.share_class_figi,
            session=session.day,
            at=self._now,
            value=sized.value,
            cost=sized.cost,
            held=position.quantity * sized.value / sized.quantity if position else Decimal(0),
            currency=self._account.currency,
        )
        known = Known(past=self._past, planned=self._planned, losses=self._losses, available=self._account.available)
        refused = limits.refusal(buy, known, self._trader.limits)
        if refused is None:
            self._planned.append(buy.entry())
        return refused

    def _size(self, wish: _Wish, quote: Quote | None) -> Size | Skip:
        ours = _of(wish.instrument, self._ours)
        if wish.side is Side.SELL and ours is None and _of(wish.instrument, self._held):
            return Skip(rule="not_held", reason="the shares held were not bought by this bot, and it sells no others")
        return size(
            wish.side,
            quote=quote,
            position=ours,
            currency=self._account.currency,
            notional=self._trader.policy.notional,
            terms=self._terms,
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


def _listing(decision: Decision) -> Listing:
    trade = decision.event.trade
    return Listing(symbols=decision.event.symbols, issuer=trade.issuer, owner=trade.owner)
