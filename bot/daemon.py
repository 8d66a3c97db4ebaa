"""The bot that stays: an alarm clock, one cycle per session of the venue, and a clean end.

tick ─► a session due?  ─► one cycle ─► the session is written down as done
     ├► filings coming? ─► a cycle over the sources that are polled
     └► orders open?    ─► see what became of them

What is done is known to the store alone, so that sleep, a crash or a restart is nothing special: the next tick sees
what is due. A cycle that fails is tried again, later and later; a bug ends the process, and whoever started it starts
it anew.
"""

import logging
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from threading import Event, Lock, Timer
from typing import Final, Protocol

from bot.engine import Bot
from bot.errors import BlockedError, BotError, SourceError, TryAgainError
from bot.model import Decision, Degraded, Order, OrderIntent, OrderStatus, Skip
from bot.plan import Plan
from bot.ports import Clock
from bot.sessions import Session
from bot.timetable import Timetable, filings_come, patience

log: Final = logging.getLogger("insiderbot.daemon")
TICK: Final = timedelta(seconds=1)
BEAT: Final = timedelta(minutes=1)
WATCH: Final = timedelta(minutes=5)  # how often open orders are looked at between the cycles
SOON: Final = timedelta(seconds=15)  # and those of which nobody knows what became of them
IN_DOUBT: Final = frozenset({OrderStatus.SUBMITTING, OrderStatus.ACTIVATING})
FIRST_RETRY: Final = timedelta(minutes=10)  # a page is not to be asked for more often than that
LAST_RETRY: Final = timedelta(hours=1)
GRACE: Final = timedelta(seconds=8)  # what a cycle may still take when the daemon is told to stop
LATEST_SIGN: Final = 3 * BEAT  # an older sign of life is none
SECOND: Final = timedelta(seconds=1)
STUCK: Final = timedelta(minutes=30)  # no cycle takes so long


class Progress(Protocol):
    """What the daemon remembers across restarts."""

    def session_done(self) -> date | None:
        """The last session whose cycle was completed."""
        ...

    def finish_session(self, day: date) -> None:
        """From now on this session and all before it are done."""
        ...

    def open_orders(self) -> Sequence[tuple[OrderIntent, Order]]:
        """Every order of ours that is not final."""
        ...

    def beat(self, now: datetime) -> None:
        """The daemon was alive and well at this instant."""
        ...


class Parts(Protocol):
    """A store, and the bot over it."""

    @property
    def store(self) -> Progress:
        """What is remembered."""
        ...

    def lead(self) -> None:
        """Write as the one process that leads; TryAgainError while another one does."""
        ...

    def tell(self) -> Sequence[str]:
        """Begin to tell whoever wants to know what has happened; who could not be told, and why."""
        ...

    def acting(self, *, trade_backlog: bool = False, polling: bool = False) -> Bot:
        """A bot that writes down, submits and activates; `polling`, it asks only the sources for that."""
        ...


class Daemon:
    """One cycle for every session that is due, whenever `tick` is called; never two at once."""

    def __init__(
        self,
        opened: Callable[[], AbstractContextManager[Parts]],
        timetable: Timetable,
        clock: Clock,
        *,
        poll_every: timedelta | None = None,
        trade_backlog: bool = False,
    ) -> None:
        self._poll_every = poll_every
        self._opened = opened
        self._timetable = timetable
        self._clock = clock
        self._trade_backlog = trade_backlog
        self._busy = Lock()
        self._busy_since: datetime | None = None
        self._failures = 0
        self._degraded: tuple[Degraded, ...] = ()
        self._polls_failed = 0
        self._not_before = self._watch_at = self._poll_at = datetime.min.replace(tzinfo=UTC)

    def tick(self) -> None:
        """Do what is due now; what fails is logged and tried again later."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            now = self._busy_since = self._clock()
            if not now < self._not_before <= now + LAST_RETRY:  # what lies further ahead, another clock has said
                self._try(now)
        finally:
            self._busy_since = None
            self._busy.release()

    def plans(self) -> dict[str, object]:
        """What it is about to do, for the first line of the log."""
        sessions = self._timetable.sessions
        return {
            "venue": sessions.mic,
            "cycle_at": f"{self._timetable.at:%H:%M} {sessions.zone}",
            "next_at": self._timetable.following(self._clock()),
        }

    def beat(self) -> None:
        """Write down that the daemon is alive, unless a cycle is stuck."""
        now, since = self._clock(), self._busy_since
        if since and now - since > STUCK:
            log.error("a cycle is stuck", extra={"facts": {"since": since}})
            return
        try:
            with self._opened() as parts:
                parts.lead()
                parts.store.beat(now)
                _tell(parts)
        except BotError as error:
            log.error("no sign of life could be written", extra={"facts": {"reason": str(error)}})  # noqa: TRY400

    def rest(self, grace: timedelta) -> bool:
        """Wait for the cycle under way, if there is one, and begin no other; whether it ended in time."""
        return self._busy.acquire(timeout=grace.total_seconds())

    def _try(self, now: datetime) -> None:
        try:
            with self._opened() as parts:
                try:
                    self._do_what_is_due(parts, now)
                finally:
                    _tell(parts)
        except BotError as error:
            self._failures += 1
            again = self._clock() + patience(self._failures, FIRST_RETRY, LAST_RETRY)
            self._not_before = min(again, self._timetable.following(self._clock()))
            facts = {"reason": str(error), "again_at": self._not_before}
            log.error("left for later", extra={"facts": facts})  # noqa: TRY400 - the sentence is all there is to it
        else:
            self._failures = 0
            following = self._timetable.following(self._clock())
            self._not_before = min(now + (self._poll_every or WATCH), self._watch_at, following)

    def _do_what_is_due(self, parts: Parts, now: datetime) -> None:
        if due := self._timetable.due(parts.store.session_done(), now):
            self._cycle(parts, due)
        elif self._poll_every and now >= self._poll_at and filings_come(now):
            self._poll(parts, self._poll_every)
        elif now < self._watch_at <= now + LAST_RETRY:
            return
        elif parts.store.open_orders():
            parts.acting().watch()  # every change is logged where it is made
        in_doubt = any(order.status in IN_DOUBT for _, order in parts.store.open_orders())
        self._watch_at = now + (SOON if in_doubt else WATCH)

    def _poll(self, parts: Parts, every: timedelta) -> None:
        """Ask for what is new; a source that fails is asked again a little later each time."""
        try:
            self._log(*parts.acting(trade_backlog=self._trade_backlog, polling=True).run())
        except SourceError as error:
            self._polls_failed += 1
            self._poll_at = self._clock() + patience(self._polls_failed + 1, every, FIRST_RETRY)
            log.warning("a poll failed", extra={"facts": {"reason": str(error), "again_at": self._poll_at}})
        else:
            self._polls_failed = 0

    def _cycle(self, parts: Parts, due: Sequence[Session]) -> None:
        facts = {"sessions": [session.day for session in due], "due_at": self._timetable.instant(due[-1])}
        log.info("cycle begins", extra={"facts": facts})
        try:
            plan, orders = parts.acting(trade_backlog=self._trade_backlog).run()
        except BlockedError as error:  # to be asked again with the next session, and not before
            log.error("blocked", extra={"facts": {"reason": str(error)}})  # noqa: TRY400
        else:
            self._log(plan, orders)
            if plan.unfinished:
                raise TryAgainError(f"some trades are still to be decided: {plan.unfinished}")
        parts.store.finish_session(due[-1].day)
        log.info("cycle done", extra={"facts": {**facts, "next_at": self._timetable.following(self._clock())}})

    def _log(self, plan: Plan, orders: Sequence[Order]) -> None:
        """One line for every source that has newly failed, every decision, and every order."""
        for item in plan.degraded:
            if item not in self._degraded:  # a source that stays silent is not told with every poll
                log.warning("degraded", extra={"facts": {"name": item.name, "reason": item.reason}})
        self._degraded = plan.degraded
        for decision in plan.decisions:
            log.info("decision", extra={"facts": _facts(decision)})
        for order in orders:
            names = ("client_order_id", "side", "quantity", "symbol", "isin", "status", "reason")
            log.info("order", extra={"facts": {name: getattr(order, name) for name in names}})


def serve(daemon: Daemon, clock: Clock) -> None:
    """Tick until told to stop by SIGTERM or SIGINT; a cycle under way may end, and is abandoned after eight seconds.

    To be abandoned is no harm: whatever was under way is written down, and found again at the next start.
    """
    from apscheduler.schedulers.background import BackgroundScheduler

    stop, broken = Event(), Event()

    def stopping(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # whoever insists is obeyed at once
        last = Timer((GRACE + SECOND).total_seconds(), os._exit, (0,))  # a dumb database may hold even this thread
        last.daemon = True
        last.start()
        stop.set()

    def tick() -> None:
        try:
            daemon.tick()
        except BaseException:
            log.exception("a bug: the process ends")
            broken.set()
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopping)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns of every tick that meets a cycle under way
    alarm = BackgroundScheduler(timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None})
    alarm.add_job(tick, "interval", seconds=TICK.total_seconds(), next_run_time=clock())
    log.info("daemon begins", extra={"facts": daemon.plans()})
    alarm.start()
    daemon.beat()
    while not stop.wait(BEAT.total_seconds()):
        daemon.beat()
    alarm.shutdown(wait=False)
    if not daemon.rest(GRACE):
        log.warning("the cycle under way is abandoned; the next start goes on with it")
    else:
        log.info("stopped")
    logging.shutdown()
    os._exit(1 if broken.is_set() else 0)  # not to wait for a thread that waits for the network


def _tell(parts: Parts) -> None:
    """Nobody is waited for: what was delivered is marked the next time."""
    for failure in parts.tell():
        log.warning("not told", extra={"facts": {"reason": failure}})


def _facts(decision: Decision) -> dict[str, object]:
    trade, verdict = decision.event.trade, decision.verdict
    skip = verdict if isinstance(verdict, Skip) else None
    return {
        "event_key": decision.event.key,
        "symbol": trade.symbol,
        "owner": trade.owner,
        "decision": "skip" if isinstance(verdict, Skip) else verdict.side,
        "rule": skip.rule if skip else "",
        "reason": verdict.reason,
        "order": decision.client_order_id,
    }
