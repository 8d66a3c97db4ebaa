"""From followed events, and exits that are due, to orders as intended: instrument, session, size; it only reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial

from bot import exits, orders
from bot.book import Book, History, Policy, Wish
from bot.limits import Drawdown, Limits
from bot.market import Market
from bot.model import Decision, Instrument, Listing, Order, OrderIntent, Signal, Skip
from bot.ports import BrokerView, Mapper, Prices, Rates
from bot.sessions import Session, Sessions


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

    def intend(
        self, decisions: Sequence[Decision], now: datetime, others: Sequence[Order] | None = ()
    ) -> tuple[list[Decision], list[OrderIntent]]:
        """The same decisions, each signal now with its order or turned into a Skip, exits, and the orders to place.

        What `others` still buy in the same account counts as if it were held; where nobody knows, nothing is bought.
        """
        market = Market(broker=self.broker, rates=self.rates, prices=self.prices, sessions=self.sessions, now=now)
        wanted = [decision for decision in decisions if isinstance(decision.verdict, Signal)]
        found = self.mapper.find([_listing(decision) for decision in wanted]) if wanted else {}
        outcomes = [self._wish(decision, found[_listing(decision)], now) for decision in wanted]
        outcomes += (leaving := self._exits(market))
        decisions = [*decisions, *(each.decision if isinstance(each, Wish) else each for each in leaving)]
        settled = {each.event.key: each for each in outcomes if isinstance(each, Decision)}
        wishes = [each for each in outcomes if isinstance(each, Wish)]
        if not wishes:
            return [settled.get(decision.event.key, decision) for decision in decisions], []
        book = Book(
            market, self.store, wishes, policy=self.policy, most=self.limits, drawdown=self.drawdown, others=others
        )
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
        entry = self.sessions.entry(known_at)
        return entry if entry.opens > now and self.policy.entry == "next_open" else self._session(now)

    def _session(self, now: datetime) -> Session | Skip:
        """The session that an order can still go into: the one under way, or else the next."""
        under_way, following = self.sessions.open_at(now), self.sessions.next_open(now)
        if under_way or self.policy.entry == "next_open":
            return under_way or following
        closed = f"{self.sessions.mic} is closed until {following.opens:%Y-%m-%d %H:%M} UTC, and BOT_ENTRY is now"
        return Skip(rule="limit", reason=closed, final=False)

    def _exits(self, market: Market) -> list[Wish | Decision]:
        """The exits that are due and were not decided before, or the reason why that cannot be told or done now.

        A share with an open order waits: it is being sold, or bought, which begins its count anew.
        """
        policy, session = self.policy.exits, self._session(market.now)
        if not policy or isinstance(session, Skip):
            return []
        busy = {intent.instrument.share_class_figi for intent, _ in self.store.open_orders()}
        purchases = exits.last_purchases(self.store.orders(), self.store.holdings(), busy)
        held = [self._held(purchase, session.day, market) for purchase in purchases]
        due = {each.key: each for each in exits.due(held, policy, session.day)}
        new, halted = self.store.unseen([each.decision() for each in due.values()]), self.store.halted()
        if halted:
            return [replace(each, verdict=Skip(rule="halted", reason=halted, final=False)) for each in new]
        return [
            each
            if isinstance(each.verdict, Skip)
            else Wish(
                decision=each,
                side=each.verdict.side,
                known_at=market.now,
                session=session,
                instrument=due[each.event.key].purchase.intent.instrument,
                decision_id=due[each.event.key].decision_id,
                is_exit=True,
            )
            for each in new
        ]

    def _held(self, purchase: exits.Purchase, day: date, market: Market) -> exits.Held:
        """The purchase as it stands, were it sold in the session of this day."""
        instrument, since = purchase.intent.instrument, purchase.intent.session + timedelta(days=1)
        return exits.Held(
            purchase=purchase,
            age=len(self.sessions.between(since, day)),
            ask=partial(market.quote, instrument),
            closes=partial(market.closes, instrument.symbol, purchase.currency),
        )

    def _wish(self, decision: Decision, instrument: Instrument | Skip, now: datetime) -> Wish | Decision:
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
        return Wish(
            decision=replace(decision, evidence=evidence),
            side=signal.side,
            known_at=trade.known_at,
            session=self.session(trade.known_at, now),
            instrument=instrument,
            decision_id=decision_id,
        )


def _listing(decision: Decision) -> Listing:
    trade = decision.event.trade
    return Listing(symbols=decision.event.symbols, issuer=trade.issuer, owner=trade.owner)
