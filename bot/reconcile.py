"""Our books against the broker's: what lives there of ours that we do not know, or hold to be over."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.errors import BrokerError, NotPaperError, UnwelcomeError
from bot.halting import halt
from bot.model import Account, Holding, Order, OrderStatus, Position, Side
from bot.ports import Broker, Clock, Store

log: Final = logging.getLogger("insiderbot.reconcile")
WATCHED: Final = timedelta(days=7)  # since it is over: two sessions at least, whatever the holidays
SETTLES: Final = timedelta(minutes=5)  # after a purchase: by then the shares are among the broker's positions
PREFIX: Final = "itb-"  # of every key that one of our orders is sent under
FILLING: Final = frozenset({OrderStatus.WORKING, OrderStatus.PARTIAL})
LIVE: Final = frozenset({*FILLING, OrderStatus.FILLED})
TOLD: Final = 3  # reasons for one halt; so many are read


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a comparison has found.

    `revived` are orders of ours that are over here, and live there or were filled, each with the broker's word; `stray`
    the broker's ids of inactive orders that nobody will ever activate; `disputed` our keys about which the books
    contradict; `breach` says why nothing may be sent before somebody has looked.
    """

    revived: tuple[tuple[Order, Order], ...] = ()
    stray: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()
    breach: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the account holds, and what is open there that is none of ours: others' orders are left alone."""

    positions: Sequence[Position]
    others: Sequence[Order]


class Reconciler:
    """Compares the books before anything is sent."""

    def __init__(self, broker: Broker, store: Store, clock: Clock) -> None:
        self._broker = broker
        self._store = store
        self._clock = clock

    def work(self) -> Books:
        """Open again what lives at the broker, cancel what nobody will activate, and halt where books contradict.

        The broker's books as they were read, of the orders those that were placed in the days looked at.
        BrokerError when the broker does not show all of its books: then nothing may be sent.
        """
        begun = self._clock()
        listed, account, positions = self._theirs()
        known = self._store.known([order.client_order_id for order in listed])
        findings = compare(
            known,
            listed,
            waiting=[order for _, order in self._store.open_orders()],
            acknowledged=self._store.acknowledged(),
            shown_by=begun - self._broker.visibility_lag,
        )
        pinned, gone = (
            self._store.broker_account(),
            absent(self._store, positions, self._clock(), further(known, listed)),
        )
        lost = reset(pinned, account, gone, positions)
        breach = findings.breach or lost
        # Only who was told has seen it: what is found while the bot is halted already will halt it again.
        is_told = breach is not None and halt(self._store, breach, self._clock())
        if is_told:
            self._store.acknowledge(findings.disputed, () if findings.breach else gone)
        elif breach is None and self._store.resumed():
            self._store.write_off(gone)
        if pinned is None or (is_told and breach is lost and account.id != pinned):
            self._store.settle_in(account.id)
        for order, answer in findings.revived:
            self._open_again(order, answer)
        for broker_order_id in findings.stray:
            self._cancel(broker_order_id, "an order that nobody will activate is canceled")
        for broker_order_id in live(listed) if self._store.flattens() else ():
            self._cancel(broker_order_id, "an order that lives is canceled, as it was asked for")
        others = [each for each in listed if each.client_order_id not in known and not each.status.is_final]
        return Books(positions=positions, others=others)

    def _theirs(self) -> tuple[Sequence[Order], Account, Sequence[Position]]:
        """The broker's books since the first order that is open or watched, read twice: they may change meanwhile."""
        watched = self._clock() - WATCHED
        since = min(self._store.decided_first(watched) or watched, watched) - timedelta(days=1)
        account, listed, positions = self._broker.account(), self._broker.orders(since), self._broker.positions()
        if _ids(listed) != _ids(self._broker.orders(since)):
            raise BrokerError("the broker's orders changed while they were read: nothing is sent for now")
        return listed, account, positions

    def _cancel(self, broker_order_id: str, why: str) -> None:
        """Cancel it; one that cannot be canceled now keeps nothing else from being done."""
        facts = {"id": broker_order_id}
        log.warning(why, extra={"facts": facts})
        try:
            self._broker.cancel(broker_order_id)
        except (NotPaperError, UnwelcomeError):
            raise
        except BrokerError as error:
            log.warning("it could not be canceled", extra={"facts": {**facts, "reason": str(error)}})

    def _open_again(self, order: Order, answer: Order) -> None:
        log.error("an order that was over is not", extra={"facts": {"client_order_id": order.client_order_id}})
        reason = f"it was {order.status} here, and is {answer.status} at the broker"
        alive = replace(order, status=OrderStatus.WORKING, broker_order_id=answer.broker_order_id, reason=reason)
        self._store.move(order, replace(alive, updated_at=self._clock()))


def compare(
    ours: Mapping[str, Order],
    listed: Sequence[Order],
    *,
    waiting: Sequence[Order] = (),
    acknowledged: Collection[str] = (),
    shown_by: datetime | None = None,
) -> Findings:
    """Our orders by their keys against all that the broker lists; what others have placed there is left alone.

    An order under one of our keys that is not the one we sent is a breach.
    Of the keys that are `acknowledged` nothing is found but strays, and live sales that are not known; no stray is what
    may be an order in `waiting`.
    What was filled after `shown_by` may not be listed as filled yet.
    """
    theirs = [order for order in listed if order.client_order_id.startswith(PREFIX)]
    found: dict[str, list[Order]] = {}
    for order in theirs:
        # A sale that we do not know may sell what we would sell next.
        sells = order.side is Side.SELL and order.status in FILLING and order.client_order_id not in ours
        if sells or order.client_order_id not in acknowledged:
            found.setdefault(order.client_order_id, []).append(order)
    unknown = tuple(key for key in found if key not in ours)
    known = [(ours[key], under_it) for key, under_it in found.items() if key in ours]
    same = [(order, [each for each in under_it if not _difference(order, each)]) for order, under_it in known]
    breaches = {
        order.client_order_id: reason for order, under_it in known if (reason := _breach(order, under_it, shown_by))
    }
    if unknown:
        breaches |= dict.fromkeys(
            unknown,
            f"the broker has {len(unknown)} orders of ours that this database does not know, such as {unknown[0]}:"
            " it is not the database they were placed from, or an older copy of it; a sale that is still live must end"
            " before anything is sent, and `insiderbot halt --flatten` cancels it",
        )
    reasons = list(dict.fromkeys(breaches.values()))
    return Findings(
        revived=tuple(
            (order, alive)
            for order, under_it in same
            if not _is_news(order, shown_by)
            and (alive := next((each for each in under_it if _is_alive(order, each)), None))
        ),
        stray=tuple(
            each.broker_order_id
            for each in theirs
            if each.broker_order_id and _is_stray(each, ours.get(each.client_order_id), waiting)
        ),
        disputed=tuple(breaches),
        breach="; ".join(reasons[:TOLD]) + (f"; and {more} more" if (more := len(reasons) - TOLD) > 0 else "") or None,
    )


def live(listed: Sequence[Order]) -> list[str]:
    """The broker's ids of those of our orders that can still be filled."""
    return [
        each.broker_order_id
        for each in listed
        if each.broker_order_id and each.client_order_id.startswith(PREFIX) and each.status in FILLING
    ]


def further(known: Mapping[str, Order], listed: Sequence[Order]) -> list[Order]:
    """Our orders as we know them of which the broker shows that they live, or that more of them was filled."""
    return [
        known[each.client_order_id]
        for each in listed
        if each.client_order_id in known
        and (each.status in FILLING or each.filled > known[each.client_order_id].filled)
    ]


def absent(store: Store, positions: Sequence[Position], now: datetime, alive: Sequence[Order] = ()) -> list[Holding]:
    """The shares that were bought and are not there, though no order of ours can have sold them meanwhile.

    The positions are to be read before: a sale that comes in since then is not missed.
    """
    holdings = store.holdings(bought_by=now - SETTLES)
    sent = [order for _, order in store.open_orders() if order.was_sent]
    return missing(holdings, list({order.client_order_id: order for order in (*sent, *alive)}.values()), positions)


def missing(holdings: Iterable[Holding], sent: Sequence[Order], positions: Sequence[Position]) -> list[Holding]:
    """What there is less of at the broker than our fills add up to and the sales that were sent leave."""
    found = []
    for holding in holdings:
        there = sum((each.quantity for each in positions if each.is_of(holding)), Decimal(0))
        if (short := holding.quantity - _selling(sent, holding) - there) > 0:
            found.append(replace(holding, quantity=short))
    return found


def for_sale(
    order: Order, holdings: Iterable[Holding], positions: Sequence[Position], sent: Sequence[Order]
) -> Decimal:
    """How many shares a sale may have: of those that are there and ours, less what others that were sent may sell."""
    ours = sum((each.quantity for each in holdings if each.is_of(order)), Decimal(0))
    there = sum((each.quantity for each in positions if each.is_of(order)), Decimal(0))
    return min(ours, there) - _selling(sent, order)


def _selling(sent: Sequence[Order], share: Holding | Order) -> Decimal:
    """What these may still sell of this share."""
    sales = (each for each in sent if each.side is Side.SELL and share.is_of(each))
    return sum((each.quantity - each.filled for each in sales), Decimal(0))


def reset(pinned: str | None, account: Account, gone: Sequence[Holding], positions: Sequence[Position]) -> str | None:
    """Why this is not the account as we left it, or None: another one, or one without the shares that were bought."""
    if pinned not in {None, account.id}:
        return (
            f"the broker shows account {account.id}, and orders were placed in {pinned}:"
            " it was reset, or the key is of another one"
        )
    if len(gone) > 1 or (gone and not any(each.is_of(gone[0]) for each in positions)):
        return (
            f"the broker holds less than was bought of {len(gone)} shares, such as {gone[0].symbol}:"
            " the account was reset, or somebody sold them"
        )
    return None


def _breach(order: Order, theirs: Sequence[Order], shown_by: datetime | None) -> str | None:
    """Why what the broker has under one key cannot be, or None."""
    if other := next((different for each in theirs if (different := _difference(order, each))), None):
        return f"the broker has another order under {order.client_order_id}, {other}"
    if more := next((each for each in theirs if each.filled > order.quantity), None):
        return f"the broker says that {more.filled} of {order.quantity} shares of {order.client_order_id} are filled"
    live = [each for each in theirs if each.status in LIVE or each.filled]
    if len(live) > 1:
        return f"the broker has {len(live)} live orders under {order.client_order_id}: there may be one"
    if live and order.broker_order_id not in {None, live[0].broker_order_id}:
        return (
            f"{order.client_order_id} lives at the broker as {live[0].broker_order_id},"
            f" and was placed as {order.broker_order_id}"
        )
    less = next(
        (each for each in theirs if each.broker_order_id == order.broker_order_id and each.filled < order.filled), None
    )
    if less and not _is_news(order, shown_by):
        return (
            f"the broker says that {less.filled} of {order.quantity} shares of {order.client_order_id} are filled,"
            f" where {order.filled} were before"
        )
    return None


def _is_news(order: Order, shown_by: datetime | None) -> bool:
    """Whether we know it so lately that what is listed may be older."""
    return shown_by is not None and order.updated_at is not None and order.updated_at > shown_by


def _is_alive(order: Order, theirs: Order) -> bool:
    """Whether an order that is over here is not over there, or more of it was filled."""
    is_over = order.status.is_final and order.status is not OrderStatus.FILLED
    is_it = order.broker_order_id in {None, theirs.broker_order_id}
    return is_over and is_it and (theirs.status in LIVE or theirs.filled > order.filled)


def _difference(order: Order, theirs: Order) -> str | None:
    """In what the broker's order is not the one that was sent, or None; it may call the share by another symbol."""
    for name in ("side", "quantity"):
        if getattr(order, name) != getattr(theirs, name):
            return f"with {name} {getattr(theirs, name)} where {getattr(order, name)} was sent"
    return None if order.is_of(theirs) else f"of {theirs.isin or theirs.symbol}"


def _is_stray(theirs: Order, mine: Order | None, waiting: Sequence[Order]) -> bool:
    """Whether nobody will ever activate it: it is inactive, its key is retired, and it can be no order that waits."""
    misnamed = mine is None or _difference(mine, theirs) is not None
    is_idle = theirs.status is OrderStatus.INACTIVE and _is_retired(mine, theirs)
    return is_idle and not any(_may_be(order, theirs, misnamed=misnamed) for order in waiting)


def _is_retired(order: Order | None, theirs: Order) -> bool:
    """Whether an order at the broker is none that we could still activate; never while the key is open."""
    return order is None or order.status.is_final or order.broker_order_id not in {None, theirs.broker_order_id}


def _may_be(order: Order, theirs: Order, *, misnamed: bool) -> bool:
    """Whether this is the open order, or, if `misnamed`, may be the one that was sent for it: answers can be wrong."""
    if order.broker_order_id:
        return order.broker_order_id == theirs.broker_order_id
    return misnamed and order.attempts > 0 and order.side is theirs.side and order.is_of(theirs)


def _ids(orders: Iterable[Order]) -> set[tuple[str, str | None]]:
    return {(order.client_order_id, order.broker_order_id) for order in orders}
