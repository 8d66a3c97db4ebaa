"""The order's life: written down, submitted, activated, watched; the same path after a crash as without one.

    intent ──► submitting ──► inactive ──► activating ──► working ──► filled
       │            │             │                          ├──► canceled, expired, rejected
       └► expired   └► rejected   └► expired

Every arrow is a transaction that ends before the next byte leaves. A broker with one step goes from submitting to
working. Whatever was interrupted is looked up under its own id before anything is sent again, so that a
crash, a time-out and a lost answer are one case.
"""

import base64
import hashlib
import logging
from dataclasses import replace
from datetime import date
from typing import Final

from bot.errors import BrokerError, NotPaperError, OrderRefusedError
from bot.model import Fill, Order, OrderIntent, OrderStatus, Side
from bot.ports import Broker, Clock, Store

log: Final = logging.getLogger("insiderbot.orders")


def decision_id(*, account: str, strategy: str, share_class: str, side: Side, filed_on: date) -> str:
    """The identity of a decision: facts every source agrees on, so a crash or a lost store comes to the same id."""
    facts = "|".join((account, strategy, share_class, side, filed_on.isoformat()))
    return "d-" + hashlib.sha256(facts.encode()).hexdigest()[:24]


def client_order_id(decision: str) -> str:
    """The key an order is sent under: 30 characters of [a-z2-7-], from the decision alone."""
    digest = hashlib.sha256(f"v1|paper|{decision}".encode()).digest()
    return "itb-" + base64.b32encode(digest).decode().lower()[:26]


class Desk:
    """Takes every open order as far as it goes."""

    def __init__(self, broker: Broker, store: Store, clock: Clock) -> None:
        self._broker = broker
        self._store = store
        self._clock = clock

    def work(self) -> list[Order]:
        """Drive all open orders and return them as they stand; one that cannot go on stays open for the next time."""
        results = []
        for intent, known in self._store.open_orders():
            order = known
            try:
                while (after := self._step(intent, order)).status is not order.status:
                    order = after
            except NotPaperError:
                raise
            except BrokerError as error:
                log.warning("%s %s stays %s: %s", intent.side, intent.instrument.symbol, order.status, error)
            results.append(order)
        return results

    def _step(self, intent: OrderIntent, order: Order) -> Order:
        """The next state of an order, or the order itself when there is nothing to do."""
        match order.status:
            case OrderStatus.INTENT:
                return self._submit(intent, order)
            case OrderStatus.SUBMITTING:
                return self._look_up(order, missing=OrderStatus.INTENT)
            case OrderStatus.INACTIVE:
                return self._activate(order)
            case OrderStatus.ACTIVATING | OrderStatus.WORKING | OrderStatus.PARTIAL:
                return self._look_up(order, missing=order.status)
            case _:
                return order

    def _submit(self, intent: OrderIntent, order: Order) -> Order:
        if halted := self._store.halted():
            log.warning("%s %s is not submitted: halted (%s)", intent.side, intent.instrument.symbol, halted)
            return order
        if self._clock() >= intent.valid_until:
            return self._move(
                order, replace(order, status=OrderStatus.EXPIRED, reason="its session ended before it was sent")
            )
        sent = self._move(order, replace(order, status=OrderStatus.SUBMITTING))
        try:
            answer = self._broker.submit(intent)
        except OrderRefusedError as error:
            return self._move(sent, replace(sent, status=OrderStatus.REJECTED, reason=str(error)))
        return self._adopt(sent, answer)

    def _activate(self, order: Order) -> Order:
        if self._store.halted() or order.broker_order_id is None:
            return order
        if order.valid_until and self._clock() >= order.valid_until:
            return self._move(
                order, replace(order, status=OrderStatus.EXPIRED, reason="its session ended before it was activated")
            )
        sent = self._move(order, replace(order, status=OrderStatus.ACTIVATING))
        self._broker.activate(order.broker_order_id)
        return self._look_up(sent, missing=sent.status)

    def _look_up(self, order: Order, *, missing: OrderStatus) -> Order:
        found = self._broker.find(order.client_order_id)
        return self._adopt(order, found) if found else self._move(order, replace(order, status=missing))

    def _adopt(self, order: Order, answer: Order) -> Order:
        """Our order with the broker's word on it, once the answer is seen to be about this very order."""
        _same(order, answer)
        status = answer.status
        after = replace(
            order,
            broker_order_id=answer.broker_order_id,
            status=status,
            filled=answer.filled,
            price=answer.price,
            fee=answer.fee,
            reason=answer.reason,
        )
        if answer.filled > order.filled and answer.price is not None:
            self._store.add_fill(_fill(order, answer), filled_before=order.filled)
        return self._move(order, after)

    def _move(self, order: Order, after: Order) -> Order:
        if after.status is order.status and after.filled == order.filled:
            return order
        log.info("%s %s %s: %s -> %s", order.side, order.quantity, order.symbol, order.status, after.status)
        return self._store.move(replace(after, updated_at=self._clock()), order.status)


def _same(order: Order, answer: Order) -> None:
    """BrokerError unless the broker speaks of the order we mean: an answer about another one proves nothing."""
    for name in ("client_order_id", "symbol", "side", "quantity"):
        if getattr(order, name) != getattr(answer, name):
            raise BrokerError(
                f"the broker answered with {name} {getattr(answer, name)!r} where {getattr(order, name)!r} was sent"
            )
    if order.broker_order_id not in {None, answer.broker_order_id}:
        raise BrokerError(
            f"the broker knows {order.client_order_id} as {answer.broker_order_id}, not {order.broker_order_id}"
        )


def _fill(order: Order, answer: Order) -> Fill:
    """What was filled since we last looked, at the price that makes our sum agree with the broker's average."""
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
        at=answer.updated_at or order.updated_at,  # type: ignore[arg-type]
    )
