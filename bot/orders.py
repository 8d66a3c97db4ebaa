"""The order's life: written down, submitted, activated, watched; the same path after a crash as without one.

    intent ──► submitting ──► inactive ──► activating ──► working ──► filled
       │            │             │                          ├──► canceled, expired, rejected
       └► expired   └► rejected   └► canceled, expired

Every arrow is a transaction that ends before the next byte leaves. A broker with one step goes from submitting to
working. Whatever was interrupted is looked up under its own id before anything is sent again, so that a
crash, a time-out and a lost answer are one case. What is over here is watched for some days more: a request may arrive
later than its answer.
"""

import base64
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from bot.errors import (
    BrokerError,
    ContradictionError,
    HaltedError,
    NotPaperError,
    OrderRefusedError,
    UnwelcomeError,
)
from bot.halting import halt
from bot.model import Fill, Order, OrderIntent, OrderStatus, Side
from bot.ports import Broker, Clock, Store
from bot.reconcile import Books, Reconciler, for_sale

log: Final = logging.getLogger("insiderbot.orders")
LOST: Final = timedelta(days=3)  # after its session: nothing that a broker forgot so long ago can still come back
FRESH: Final = timedelta(minutes=1)  # nothing is sent on books that were compared longer ago
LATE: Final = timedelta(minutes=5)  # after its session: by then the broker has ended what was not filled
UNKNOWN: Final = 3  # orders of which nobody knows whether they exist: then it is not the orders
OURS: Final = {OrderStatus.INTENT, OrderStatus.SUBMITTING, OrderStatus.ACTIVATING}  # what we alone know of an order


def decision_id(*, account: str, strategy: str, share_class: str, side: Side, filed_on: date) -> str:
    """The identity of a decision: facts every source agrees on, so a crash or a lost store comes to the same id."""
    facts = "|".join((account, strategy, share_class, side, filed_on.isoformat()))
    return "d-" + hashlib.sha256(facts.encode()).hexdigest()[:24]


def client_order_id(decision: str) -> str:
    """The key an order is sent under: 30 characters of [a-z2-7-], from the decision alone."""
    digest = hashlib.sha256(f"v1|paper|{decision}".encode()).digest()
    return "itb-" + base64.b32encode(digest).decode().lower()[:26]


class _OldBooksError(BrokerError):
    """The books were compared too long ago for anything to be sent now."""


class Desk:
    """Takes every open order as far as it goes."""

    def __init__(self, broker: Broker, store: Store, clock: Clock) -> None:
        self._broker = broker
        self._store = store
        self._clock = clock
        self._reconciler = Reconciler(broker, store, clock)
        self._reconciled_at: datetime | None = None
        self._books: Books | None = Books(positions=(), others=())

    @property
    def others(self) -> Sequence[Order] | None:
        """The open orders in the account that are none of ours; None where they could not be read."""
        return self._books.others if self._books else None

    def work(self) -> list[Order]:
        """Drive all open orders and return them as they stand; one that cannot go on stays open for the next time.

        Nothing is sent before our books and the broker's were compared.
        """
        is_reconciled = self._asked(self._reconcile)
        waiting = self._store.open_orders()
        if is_reconciled:
            self._asked(lambda: self._drive_all(waiting))
        found = self._store.known([order.client_order_id for _, order in waiting])
        after = [found[order.client_order_id] for _, order in waiting]
        sent = [order for order in after if order.status is OrderStatus.SUBMITTING]
        unknown = {order.client_order_id for order in sent if order.attempts > 1 or not self._may_be_hidden(order)}
        if len(unknown := unknown - self._store.acknowledged()) >= UNKNOWN:
            halt(
                self._store, f"nobody knows whether {len(unknown)} orders exist, such as {min(unknown)}", self._clock()
            )
        return after

    def _asked(self, questions: Callable[[], object]) -> bool:
        """Whether the broker has answered; where it will not before somebody has looked, the bot is halted."""
        try:
            questions()
        except NotPaperError:
            raise
        except BrokerError as error:
            log.warning("nothing more is sent for now", extra={"facts": {"reason": str(error)}})
            if isinstance(error, UnwelcomeError) and error.for_good:
                halt(self._store, str(error), self._clock())
            return False
        return True

    def _reconcile(self) -> None:
        """Compare the books, unless that was done a moment ago."""
        if not self._is_fresh():
            begun, self._books = self._clock(), None
            self._books = self._reconciler.work()
            self._reconciled_at = begun
            if not self._is_fresh():
                raise BrokerError(f"the broker's books took {FRESH.seconds} s to read: they are old already")

    def _is_fresh(self) -> bool:
        """Whether the books were compared a moment ago; a clock that was set back says nothing about it."""
        return self._reconciled_at is not None and timedelta(0) <= self._clock() - self._reconciled_at < FRESH

    def _drive_all(self, waiting: Sequence[tuple[OrderIntent, Order]]) -> None:
        """Drive one after the other; where the books grow old meanwhile, they are compared again before the next."""
        before: Sequence[tuple[OrderIntent, Order]] = ()
        while waiting and waiting != before:
            self._reconcile()
            before, waiting = waiting, self._drive_while_fresh(waiting)

    def _drive_while_fresh(self, waiting: Sequence[tuple[OrderIntent, Order]]) -> list[tuple[OrderIntent, Order]]:
        """Those whose turn has not come when the books are old, as they stand then."""
        disputed = self._store.acknowledged()
        left = [order.client_order_id for _, order in waiting]
        for intent, order in waiting:
            try:
                if order.client_order_id in disputed:
                    reason = "our books and the broker's contradict about it; look there what became of it"
                    self._set_aside(order, reason)
                else:
                    self._drive(intent, order)
            except _OldBooksError:
                return [pair for pair in self._store.open_orders() if pair[1].client_order_id in left]
            left.remove(order.client_order_id)
        return []

    def _drive(self, intent: OrderIntent, order: Order) -> None:
        try:
            while (after := self._step(intent, order)).status is not order.status:
                order = after
        except (NotPaperError, UnwelcomeError, _OldBooksError):
            raise
        except (BrokerError, HaltedError) as error:
            log.warning("order left as it is", extra={"facts": {**_told(order), "reason": str(error)}})
            if isinstance(error, ContradictionError) and halt(self._store, str(error), self._clock()):
                self._store.acknowledge([order.client_order_id], ())
            elif order.status is OrderStatus.SUBMITTING:
                self._set_aside(order, f"nobody could tell whether it was taken ({error}); look at the broker's books")

    def _set_aside(self, order: Order, reason: str) -> None:
        """Leave an order alone of which nobody knows; it counts as open until nothing can come of it."""
        if self._is_lost(order):
            self._move(order, replace(order, status=OrderStatus.EXPIRED, reason=reason))

    def _is_lost(self, order: Order) -> bool:
        return order.valid_until is not None and self._clock() >= order.valid_until + LOST

    def _step(self, intent: OrderIntent, order: Order) -> Order:
        """The next state of an order, or the order itself when there is nothing to do."""
        match order.status:
            case OrderStatus.INTENT | OrderStatus.INACTIVE if self._is_early(intent):
                return order
            case OrderStatus.INTENT if order.attempts and not self._may_repeat(intent):
                return self._look_up(order, missing=order.status)
            case OrderStatus.INTENT:
                return self._submit(intent, order)
            case OrderStatus.SUBMITTING:
                return self._look_up(order, missing=OrderStatus.INTENT if self._may_repeat(intent) else order.status)
            case OrderStatus.INACTIVE:
                return self._activate(order)
            case OrderStatus.ACTIVATING:
                return self._look_up(order, missing=order.status)
            case OrderStatus.WORKING | OrderStatus.PARTIAL:
                return self._watch(order)
            case _:
                return order

    def _is_early(self, intent: OrderIntent) -> bool:
        """Whether the order is to wait for its session here, because the broker would fill it before."""
        return not self._broker.queues and self._clock() < intent.valid_from

    def _may_repeat(self, intent: OrderIntent) -> bool:
        """Whether an order that is not there is taken up again, be it to be ended; else it is only looked for.

        A broker that knows a key for some time only is trusted with it for half of that.
        """
        now, lasts = self._clock(), self._broker.key_ttl
        # No attempt was earlier than this.
        first = intent.created_at if self._broker.queues else max(intent.created_at, intent.valid_from)
        return lasts is None or now < first + lasts / 2 or now >= intent.valid_until

    def _submit(self, intent: OrderIntent, order: Order) -> Order:
        if self._clock() >= intent.valid_until:
            return self._move(
                order, replace(order, status=OrderStatus.EXPIRED, reason="its session ended before it was sent")
            )
        self._check_books()
        if not self._is_covered(order):
            return self._look_up(order, missing=order.status)
        sent = self._move(order, replace(order, status=OrderStatus.SUBMITTING, attempts=order.attempts + 1))
        self._check_session(sent)
        try:
            answer = self._broker.submit(intent)
        except OrderRefusedError as error:
            if sent.attempts > 1:  # this attempt was refused, but an earlier one may still arrive
                raise BrokerError(f"{error}; an earlier attempt may still have been taken") from None
            return self._move(sent, replace(sent, status=OrderStatus.REJECTED, reason=str(error)))
        _check(sent, answer)
        found = self._broker.find(sent)  # by our key, since only the id of this very order may ever be activated
        if found is None and self._broker.lookup_by_key:
            raise BrokerError(f"the broker has taken {sent.client_order_id}, and does not show it yet")
        if found and found.broker_order_id != answer.broker_order_id:
            raise BrokerError(f"the broker answered with id {answer.broker_order_id}, and has {found.broker_order_id}")
        return self._adopt(sent, answer)

    def _activate(self, order: Order) -> Order:
        if order.broker_order_id is None:
            return order
        if order.valid_until and self._clock() >= order.valid_until:
            return self._give_up(order, OrderStatus.EXPIRED, "its session ended before it was activated")
        if halted := self._store.halted():
            return self._give_up(order, OrderStatus.CANCELED, halted)
        self._check_books()
        if not self._is_covered(order):
            return self._look_up(order, missing=order.status)
        sent = self._move(order, replace(order, status=OrderStatus.ACTIVATING))
        self._check_session(sent)
        try:
            self._broker.activate(order.broker_order_id)
        except OrderRefusedError as error:
            found = self._broker.find(sent)
            if found and found.status is not OrderStatus.INACTIVE:
                return self._adopt(sent, found)
            return self._give_up(sent, OrderStatus.REJECTED, str(error))  # an earlier activation may still arrive
        return self._look_up(sent, missing=sent.status)

    def _check_books(self) -> None:
        """_OldBooksError unless the books were compared a moment ago."""
        if not self._is_fresh():
            raise _OldBooksError("the books were compared more than a minute ago")

    def _is_covered(self, order: Order) -> bool:
        """Whether what is to be sold is there, and is not being sold already; it may be this very order that does."""
        if order.side is Side.BUY:
            return True
        positions = self._books.positions if self._books else ()
        waiting = [each for _, each in self._store.open_orders() if each.client_order_id != order.client_order_id]
        sent = [each for each in waiting if each.was_sent]
        left = for_sale(order, self._store.holdings(), positions, sent)
        if order.quantity > left:
            log.warning("there is not so much to be sold", extra={"facts": {**_told(order), "left": left}})
        return order.quantity <= left

    def _check_session(self, order: Order) -> None:
        """BrokerError if the session ended while the step was written, as it does when a laptop sleeps right then."""
        if order.valid_until and self._clock() >= order.valid_until:
            raise BrokerError(f"the session of {order.client_order_id} has ended; nothing was sent")

    def _watch(self, order: Order) -> Order:
        """A working order as it stands; one that has outlived its session, or is not wanted any more, is taken back."""
        after = self._look_up(order, missing=order.status)
        is_late = after.valid_until and self._clock() >= after.valid_until + LATE
        if (is_late or self._store.flattens()) and after.broker_order_id and not after.status.is_final:
            self._broker.cancel(after.broker_order_id)
            return self._look_up(after, missing=after.status)
        return after

    def _give_up(self, order: Order, status: OrderStatus, reason: str) -> Order:
        """The end of an order that is not active, once the broker says that it is over there."""
        self._broker.cancel(order.broker_order_id or "")
        found = self._broker.find(order)
        if found is None:
            return self._missed(order)
        if not (found.status.is_final and found.filled == 0):
            return self._adopt(order, found)
        return self._move(order, replace(order, status=status, reason=reason))

    def _look_up(self, order: Order, *, missing: OrderStatus) -> Order:
        found = self._broker.find(order)
        if found and (difference := _difference(order, found)) and found == self._broker.find(order):
            raise ContradictionError(difference)  # said twice, it is another order under our key
        if found is None and order.status is OrderStatus.SUBMITTING and self._may_be_hidden(order):
            raise BrokerError(f"{order.client_order_id} may be there and not be shown yet")
        if found is None and order.broker_order_id:
            return self._missed(order)
        return self._adopt(order, found) if found else self._move(order, replace(order, status=missing))

    def _missed(self, order: Order) -> Order:
        """An order that the broker has taken and does not show: nobody can tell what became of it until it is lost."""
        if self._is_lost(order):
            reason = f"the broker no longer knows {order.broker_order_id}, and its session is long over"
            return self._move(order, replace(order, status=OrderStatus.EXPIRED, reason=reason))
        raise BrokerError(f"the broker no longer knows {order.broker_order_id}; look there what became of it")

    def _may_be_hidden(self, order: Order) -> bool:
        """Whether it was sent so shortly ago that the broker may not show it yet."""
        return order.updated_at is not None and self._clock() < order.updated_at + self._broker.visibility_lag

    def _adopt(self, order: Order, answer: Order) -> Order:
        """Our order with the broker's word on it, once the answer is seen to be about this very order."""
        _check(order, answer)
        after = replace(
            order,
            broker_order_id=answer.broker_order_id,
            status=answer.status,
            filled=answer.filled,
            price=answer.price,
            fee=answer.fee,
            reason=answer.reason,
        )
        return self._move(order, after, _fill(order, answer, self._clock()))

    def _move(self, order: Order, after: Order, fill: Fill | None = None) -> Order:
        if after.status is order.status and after.filled == order.filled:
            return order
        log.info("order moved", extra={"facts": {**_told(order), "after": after.status, "reason": after.reason}})
        return self._store.move(order, replace(after, updated_at=self._clock()), fill)


def _told(order: Order) -> dict[str, object]:
    """What a line of the log says of an order."""
    names = ("client_order_id", "side", "quantity", "symbol", "status")
    return {name: getattr(order, name) for name in names}


def _check(order: Order, answer: Order) -> None:
    """BrokerError unless the broker speaks of the order we mean, and of a state it can be in."""
    if difference := _difference(order, answer):
        raise BrokerError(difference)
    if order.broker_order_id not in {None, answer.broker_order_id}:
        raise ContradictionError(
            f"the broker knows {order.client_order_id} as {answer.broker_order_id}, not {order.broker_order_id}"
        )
    if answer.status in OURS:
        raise BrokerError(f"the broker answered with status {answer.status}, which no broker can know")
    if answer.status is OrderStatus.INACTIVE and order.status in {OrderStatus.WORKING, OrderStatus.PARTIAL}:
        raise ContradictionError(
            f"the broker says that {order.client_order_id} is inactive, and said before that it was not"
        )
    if order.broker_order_id and not order.filled <= answer.filled <= order.quantity:
        raise ContradictionError(
            f"the broker says that {answer.filled} of {order.quantity} shares of {order.client_order_id} are filled,"
            f" where {order.filled} were before"
        )
    least = order.quantity if answer.status is OrderStatus.FILLED else order.filled
    if not least <= answer.filled <= order.quantity or (answer.filled and answer.price is None):
        raise BrokerError(
            f"the broker answered {answer.status} with {answer.filled} of {order.quantity} shares filled "
            f"at {answer.price}, where {order.filled} were filled before"
        )


def _difference(order: Order, answer: Order) -> str | None:
    """In what the broker's order is not the one that was sent, or None."""
    for name in ("client_order_id", "symbol", "isin", "side", "quantity"):
        if getattr(order, name) != getattr(answer, name):
            return f"the broker answered with {name} {getattr(answer, name)!r} where {getattr(order, name)!r} was sent"
    return None


def _fill(order: Order, answer: Order, now: datetime) -> Fill | None:
    """What was filled since we last looked, at the price that makes our sum agree with the broker's average."""
    if answer.filled == order.filled:
        return None
    quantity = answer.filled - order.filled
    paid = answer.filled * (answer.price or 0) - order.filled * (order.price or 0)
    return Fill(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=quantity,
        price=paid / quantity,
        fee=answer.fee - order.fee,
        currency=order.currency,
        at=answer.updated_at or now,
    )
