"""From followed events to orders as intended: the instrument, the session, the size; everything here only reads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from bot import orders
from bot.model import Decision, Instrument, Listing, OrderIntent, Quote, Side, Signal, Skip
from bot.plausible import far_off
from bot.ports import BrokerView, Mapper, Store
from bot.sessions import Session, Sessions
from bot.sizing import Size, size


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How signals become orders: under which account and strategy, how large a buy is, and when it may enter."""

    account: str
    strategy: str
    notional: Decimal
    entry: Literal["next_open", "now"] = "next_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """Maps, schedules and sizes what a strategy wants to follow."""

    mapper: Mapper
    broker: BrokerView
    store: Store
    sessions: Sessions
    policy: Policy

    def intend(self, decisions: Sequence[Decision], now: datetime) -> tuple[list[Decision], list[OrderIntent]]:
        """The same decisions, each signal now with its order or turned into a Skip, and the orders to place."""
        wanted = [decision for decision in decisions if isinstance(decision.verdict, Signal)]
        if not wanted:
            return list(decisions), []
        found = self.mapper.find([_listing(decision) for decision in wanted])
        mapped = {decision.event.key: found[_listing(decision)] for decision in wanted}
        sides = _sides(wanted, mapped)
        book = _Book(self, now)
        settled = {}
        for decision in sorted(wanted, key=lambda decision: (decision.event.trade.known_at or now, decision.event.key)):
            settled[decision.event.key] = book.enter(decision, mapped[decision.event.key], sides)
        return [settled.get(decision.event.key, decision) for decision in decisions], list(book.intents.values())

    def session(self, known_at: datetime, now: datetime) -> Session | Skip:
        """The session an order is meant for: the first that opens five minutes after the news, or the one under way."""
        entry, under_way = self.sessions.entry(known_at), self.sessions.open_at(now)
        if self.policy.entry == "now":
            opens = self.sessions.next_open(now).opens
            closed = f"{self.sessions.mic} is closed until {opens:%Y-%m-%d %H:%M} UTC, and BOT_ENTRY is now"
            return under_way or Skip(rule="limit", reason=closed, final=False)
        return entry if entry.opens > now else (under_way or self.sessions.next_open(now))


class _Book:
    """One plan's running account: what is held and available, and what is already intended."""

    def __init__(self, trader: Trader, now: datetime) -> None:
        self._trader = trader
        self._now = now
        self._account = trader.broker.account()
        self._terms = trader.broker.terms()
        self._held = {position.symbol: position for position in trader.broker.positions()}
        self._open: set[tuple[str, Side]] = set()
        for _, order in trader.store.open_orders():
            self._open.add((order.symbol, order.side))
            if order.side is Side.SELL:
                self._give_up(order.symbol, order.quantity - order.filled)
        self.intents: dict[str, OrderIntent] = {}

    def enter(self, decision: Decision, instrument: Instrument | Skip, sides: dict[str, set[str]]) -> Decision:
        """The decision with the order that follows from it, or with the reason why none does."""
        signal = decision.verdict
        evidence = {**decision.evidence, "strategy": signal.reason}
        if isinstance(instrument, Skip):
            return replace(decision, verdict=instrument, evidence=evidence)
        evidence["mapping"] = "; ".join(instrument.proof)
        intent = self._intent(decision, signal, instrument, sides, evidence) if isinstance(signal, Signal) else signal
        if isinstance(intent, Skip):
            return replace(decision, verdict=intent, evidence=evidence)
        return replace(decision, client_order_id=intent, evidence=evidence)

    def _intent(
        self,
        decision: Decision,
        signal: Signal,
        instrument: Instrument,
        sides: dict[str, set[str]],
        evidence: dict[str, str],
    ) -> str | Skip:
        """The id of the order that follows the signal: a new one, or the one an earlier witness has led to."""
        trade, policy = decision.event.trade, self._trader.policy
        if trade.known_at is None or trade.filed_on is None:
            return Skip(rule="known_within", reason="the source does not say when it became public")
        decided = orders.decision_id(
            account=policy.account,
            strategy=policy.strategy,
            share_class=instrument.share_class_figi,
            side=signal.side,
            filed_on=trade.filed_on,
        )
        key = orders.client_order_id(decided)
        if key in self.intents or self._trader.store.has_decision(decided):
            evidence["order"] = "one order follows all who filed the same on that day"
            return key
        if len(sides[instrument.share_class_figi]) > 1:
            return Skip(
                rule="limit", reason=f"officers both bought and sold {instrument.symbol}: no order in either direction"
            )
        opposite = Side.SELL if signal.side is Side.BUY else Side.BUY
        if (instrument.symbol, opposite) in self._open:
            return Skip(rule="limit", reason=f"an order to {opposite} {instrument.symbol} is still open", final=False)
        session = self._trader.session(trade.known_at, self._now)
        if isinstance(session, Skip):
            return session
        evidence["session"] = (
            f"{self._trader.sessions.mic} {session.day}, {session.opens:%H:%M} to {session.closes:%H:%M} UTC"
        )
        quote = self._trader.broker.quote(instrument, self._now)
        if quote and (doubt := far_off(trade, quote)):
            return Skip(rule="quarantined", reason=doubt)
        sized = self._size(signal, instrument, quote)
        if isinstance(sized, Skip):
            return sized
        evidence["size"] = sized.words
        self._account = replace(self._account, available=self._account.available - sized.cost)
        if signal.side is Side.SELL:
            self._give_up(instrument.symbol, sized.quantity)
        self.intents[key] = OrderIntent(
            client_order_id=key,
            decision_id=decided,
            account=policy.account,
            strategy=policy.strategy,
            instrument=replace(instrument, mic=self._trader.sessions.mic),
            side=signal.side,
            quantity=sized.quantity,
            currency=self._account.currency,
            session=session.day,
            valid_from=session.opens,
            valid_until=session.closes,
            created_at=self._now,
        )
        return key

    def _give_up(self, symbol: str, quantity: Decimal) -> None:
        """Shares that an order already sells cannot be sold by another."""
        if position := self._held.get(symbol):
            self._held[symbol] = replace(position, quantity=position.quantity - quantity)

    def _size(self, signal: Signal, instrument: Instrument, quote: Quote | None) -> Size | Skip:
        return size(
            signal.side,
            quote=quote,
            position=self._held.get(instrument.symbol),
            account=self._account,
            notional=self._trader.policy.notional,
            terms=self._terms,
        )


def _listing(decision: Decision) -> Listing:
    trade = decision.event.trade
    return Listing(symbols=decision.event.symbols, issuer=trade.issuer, owner=trade.owner)


def _sides(wanted: Sequence[Decision], mapped: dict[str, Instrument | Skip]) -> dict[str, set[str]]:
    """For every share class the directions in which it is wanted."""
    sides: dict[str, set[str]] = {}
    for decision in wanted:
        instrument = mapped[decision.event.key]
        if isinstance(instrument, Instrument) and isinstance(decision.verdict, Signal):
            sides.setdefault(instrument.share_class_figi, set()).add(decision.verdict.side)
    return sides
