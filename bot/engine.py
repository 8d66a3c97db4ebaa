"""The whole idea on one screen: decide everything, write it down, then act on it.

source.fetch ─► events ─► strategy ─► store.unseen ─► mapper.find ─► session, size      plan(): reads only
store.record ─► broker.submit ─► broker.activate ─► fills                                execute(): writes
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from bot.errors import ConfigError, NotPaperError, blamed
from bot.events import as_table, decided, find_events, of_news
from bot.freshness import Freshness
from bot.halting import halt
from bot.history import recalled, with_past
from bot.model import UNTOLD, Decision, Event, Order, Skip
from bot.news import around_new, first_told, gather, public_by
from bot.orders import Desk
from bot.plan import Plan, waiting
from bot.ports import Clock, Source, Store, Strategy
from bot.trader import Trader
from bot.witnesses import compared, unconfirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Follows what executives do; without a `desk` it can only plan, with a `primary` source that one must confirm."""

    sources: Sequence[Source]
    strategy: Strategy
    trader: Trader
    store: Store
    clock: Clock
    desk: Desk | None = None
    primary: str | None = None
    freshness: Freshness | None = None
    trade_backlog: bool = False

    def plan(self) -> Plan:
        """Decide everything, change nothing."""
        now = self.clock()
        trades, degraded = gather(self.sources, now, self.freshness)
        public = public_by(trades, now)
        shown = around_new(public, self.store.seen_lines(public["key"].tolist()))
        news = first_told(shown, self.store.stated_on)
        seen = self._judged(find_events(news), now) if len(news) else []  # most cycles of a day have none
        judged = compared(seen, news)
        others = self.desk.others if self.desk else ()
        decisions, intents = self.trader.intend(self._unseen(judged, now), now, others)
        return Plan(
            as_of=now,
            decisions=tuple(decisions),
            intents=tuple(intents),
            degraded=(*degraded, *waiting(decisions)),
            seen=tuple(decision.event for decision in seen),
            lines=len(public),
        )

    def execute(self, plan: Plan) -> list[Order]:
        """Write the plan down, submit, activate; the orders as they stand afterwards."""
        if self.desk is None:
            raise ConfigError("a dry run places nothing")
        if plan.breach:  # first of all: what is recorded with it would not be seen as a breach again
            halt(self.store, plan.breach, plan.as_of)
        self.store.record(plan.decisions, plan.intents, plan.as_of, plan.seen)
        return self.desk.work()

    def run(self) -> tuple[Plan, list[Order]]:
        """One cycle: settle what is open, plan, execute; every order that was open in it, as it stands afterwards."""
        settled = self.watch()
        with self._paper_only():
            plan = self.plan()
            orders = {order.client_order_id: order for order in (*settled, *self.execute(plan))}
        return plan, list(orders.values())

    def watch(self) -> list[Order]:
        """Take every open order as far as it goes, and decide nothing new."""
        with self._paper_only():
            return self.desk.work() if self.desk else []

    @contextmanager
    def _paper_only(self) -> Iterator[None]:
        """Whatever does not prove paper halts the bot, for an operator to look at."""
        try:
            yield
        except NotPaperError as error:
            halt(self.store, str(error), self.clock())
            raise

    def _judged(self, found: Sequence[Event], now: datetime) -> list[Decision]:
        """What the strategy says of each event, which it sees together with the past of those in it."""
        if not found:
            return []
        past = self.store.past(found, getattr(self.strategy, "reach", UNTOLD))
        seen = recalled(found, past)
        table = with_past(as_table(seen), past)
        checks = getattr(self.strategy, "checks", None)  # a strategy of one's own need not tell more than a reason
        with blamed("the strategy"):
            news = of_news(self.strategy(table, now), len(seen))
            return decided(seen, news, checks(news, now) if checks else ())

    def _unseen(self, judged: Sequence[Decision], now: datetime) -> list[Decision]:
        """What is new, less what cannot be trusted, is older than the bot, comes while it is halted or unconfirmed."""
        trade_from = None if self.trade_backlog else self.store.trade_from() or now
        halted = self.store.halted()
        unseen = [
            (decision, overruled(decision, trade_from, halted, unconfirmed(decision.event, self.primary, now)))
            for decision in self.store.unseen(judged)
        ]
        return [replace(decision, verdict=skip) if skip else decision for decision, skip in unseen]


def overruled(decision: Decision, trade_from: datetime | None, halted: str | None, missing: Skip | None) -> Skip | None:
    """Why an event is not followed whatever the strategy says of it, or None.

    While the primary source may still show what is `missing`, no refusal is final but for a halt: its facts decide.
    """
    event, verdict = decision.event, decision.verdict
    final = bool(halted) or missing is None or missing.final
    if event.quarantine:
        return Skip(rule="quarantined", reason=event.quarantine, final=final)
    if isinstance(verdict, Skip):
        return replace(verdict, final=verdict.final and final)
    if trade_from and event.first_known_at and event.first_known_at < trade_from:
        since = f"public since {event.first_known_at:%Y-%m-%d %H:%M} UTC"
        reason = f"{since}, before this bot's first cycle at {trade_from:%Y-%m-%d %H:%M} UTC"
        return Skip(rule="backlog", reason=reason, final=False)
    return Skip(rule="halted", reason=halted) if halted else missing
