"""The store's one door: what has been seen, what was decided and why, and where every order stands."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Connection, bindparam, delete, false, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.errors import ContradictionError, HaltedError, StoreError, TryAgainError
from bot.halt_file import HaltFile
from bot.model import (
    UNTOLD,
    Decision,
    Event,
    Fill,
    Holding,
    Instrument,
    Order,
    OrderIntent,
    OrderStatus,
    Reach,
    Side,
)
from bot.plain import plain
from bot.provenance import Provenance
from bot.store import decisions as recorded
from bot.store import lead
from bot.store import statements as stated
from bot.store.database import Database
from bot.store.decisions import parts
from bot.store.queries import among, chunks
from bot.store.tables import control, cursors, events, fills, halts, lines, orders, row_of, transitions

if TYPE_CHECKING:
    import pandas as pd

LAST_CYCLE: Final = "last_cycle"
SESSION_DONE: Final = "session_done"
HEARTBEAT: Final = "heartbeat"
ACKNOWLEDGED: Final = "acknowledged_orders"
WRITTEN_OFF: Final = "written_off"
FLATTEN: Final = "flatten"
RESUMED: Final = "resumed"
SETTINGS: Final = "settings:"
OPEN: Final = [status.value for status in OrderStatus if not status.is_final]
# Built once, because every order takes them: whether it may be sent, and compare-and-set of its state.
STEP: Final = insert(transitions).inline()  # nobody asks for its number
HALTED: Final = select(control.c.halted)
SENDING: Final = frozenset({OrderStatus.SUBMITTING, OrderStatus.ACTIVATING})
MOVE: Final = update(orders).where(
    orders.c.client_order_id == bindparam("key"),
    orders.c.status == bindparam("stood"),
    orders.c.attempts == bindparam("stood_attempts"),
    orders.c.filled == bindparam("stood_filled"),
)


class Repository:
    """What the bot remembers, in one database.

    While there is a `halt_file` nothing may be sent.
    With an `epoch` what is decided and sent is written down as long as that is the epoch of the process that leads.
    With a `provenance` every decision is kept with what made it, and the settings under their hash.
    """

    def __init__(self, database: Database, halt_file: HaltFile | None = None) -> None:
        self._halt_file = halt_file
        self.epoch: int | None = None
        self.provenance: Provenance | None = None
        self._database = database
        self._notes: dict[str, str] = {}

    # -- what has been seen and decided

    def unseen(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Those on events that no earlier cycle has decided for good, under their own key or any of their lines'."""
        keys = [decision.event.key for decision in decisions]
        seen = self.seen_lines([key for decision in decisions for key in parts(decision)])
        with self._database.read() as connection:
            decided = among(connection, select(events.c.event_key).where(events.c.final), events.c.event_key, keys)
        return [d for d in decisions if d.event.key not in decided and seen.isdisjoint(parts(d))]

    def seen_lines(self, keys: Sequence[str]) -> set[str]:
        """Those of the lines' keys whose events have been decided for good."""
        by_line = select(lines.c.key).join(events, events.c.event_key == lines.c.event_key)
        with self._database.read() as connection:
            return among(connection, by_line.where(events.c.final), lines.c.key, keys)

    def stated_on(self, statements: Sequence[str]) -> dict[str, set[date]]:
        """On which days the events were filed that stated each of these, where any was."""
        with self._database.read() as connection:
            return stated.filed_on(connection, statements)

    def past(self, seen: Sequence[Event], reach: Reach = UNTOLD) -> "pd.DataFrame":
        """What was seen before of the companies and people in these events, as a table of events; no further back."""
        from bot.store import history  # heavy, and most commands need no past

        with self._database.read() as connection:
            return history.around(connection, seen, reach)

    def history(self) -> "pd.DataFrame":
        """Every version of every event that was seen, with who is who."""
        from bot.history import with_past
        from bot.store import history

        with self._database.read() as connection:
            everything = history.whole(connection)
        return with_past(everything, everything.head(0))

    def record(
        self,
        decisions: Sequence[Decision],
        intents: Sequence[OrderIntent],
        now: datetime,
        seen: Sequence[Event] = (),
    ) -> None:
        """Write down a whole plan in one transaction: what was seen, why it was decided so, and what will be sent."""
        try:
            with self._leading() as connection:
                connection.execute(update(control).where(control.c.trade_from.is_(None)).values(trade_from=now))
                recorded.record(connection, decisions, now, self.provenance)
                if self.provenance and decisions:
                    _keep(connection, SETTINGS + self.provenance.settings_id, self.provenance.settings_text)
                if seen:
                    from bot.store import history

                    history.keep(connection, seen)
                    stated.keep(connection, seen)
                if intents:
                    connection.execute(insert(orders), [_new_order(intent) for intent in intents])
                for name, value in {**self._notes, LAST_CYCLE: now.isoformat()}.items():
                    _keep(connection, name, value)
        except IntegrityError as error:
            raise TryAgainError("another process decided the same events at this moment; nothing was sent") from error

    def have_decisions(self, decision_ids: Sequence[str]) -> set[str]:
        """Those of the ids that an order was already decided under."""
        with self._database.read() as connection:
            return among(connection, select(orders.c.decision_id), orders.c.decision_id, decision_ids)

    def decided(self, *, about: str | None = None) -> list[dict[str, Any]]:
        """The recorded decisions as `run --format json` prints them, the latest first.

        `about` is a symbol, an event's or a line's key, a filing's number, the id of a decision or of an order.
        """
        query = select(events.c.details).order_by(events.c.decided_at.desc(), events.c.event_key)
        if about is not None:
            symbol = about.upper().replace(".", "-").replace("/", "-")
            line = select(lines.c.event_key).where(lines.c.key == about)
            order = select(orders.c.client_order_id).where(orders.c.decision_id == about)
            query = query.where(
                (events.c.symbols.contains(f" {symbol} ", autoescape=True))
                | events.c.event_key.in_([about])
                | events.c.event_key.in_(line)
                | events.c.client_order_id.in_([about])
                | events.c.client_order_id.in_(order)
                | (_of_filing(about) if about[:10].isdecimal() else false())
            )
        with self._database.read() as connection:
            return [json.loads(details) for details in connection.execute(query).scalars()]

    def settings(self, name: str) -> dict[str, str] | None:
        """The settings that decisions were made with, by the hash they show; secrets masked."""
        kept = self._kept(SETTINGS + name)
        return None if kept is None else dict(json.loads(kept))

    # -- orders

    def open_orders(self) -> list[tuple[OrderIntent, Order]]:
        """Every order of ours that is not final, oldest first."""
        return self._orders(orders.c.status.in_(OPEN))

    def decided_first(self, over_since: datetime) -> datetime | None:
        """When the first of the orders was decided that are open, or are over only since this instant; None of none."""
        recent = orders.c.status.in_(OPEN) | (orders.c.updated_at >= over_since)
        with self._database.read() as connection:
            return connection.execute(select(func.min(orders.c.created_at)).where(recent)).scalar()

    def orders(self) -> list[tuple[OrderIntent, Order]]:
        """Every order of ours, oldest first."""
        return self._orders(orders.c.client_order_id.is_not(None))

    def order(self, client_order_id: str) -> Order:
        """One order of ours as it stands; StoreError when there is none of this id."""
        for _, order in self._orders(orders.c.client_order_id == client_order_id):
            return order
        raise StoreError(f"there is no order {client_order_id}")

    def known(self, keys: Sequence[str]) -> dict[str, Order]:
        """Those of the orders with these keys that are ours."""
        found = [each for chunk in chunks(keys) for each in self._orders(orders.c.client_order_id.in_(chunk))]
        return {order.client_order_id: order for _, order in found}

    def holdings(self, bought_by: datetime | None = None) -> list[Holding]:
        """The shares that our fills add up to, less what was written off; of purchases those made by that instant."""
        query = select(fills.c.symbol, orders.c.isin, fills.c.side, fills.c.quantity).join(orders)
        if bought_by:
            query = query.where((fills.c.at <= bought_by) | (fills.c.side == Side.SELL))
        held: dict[tuple[str, str | None], Decimal] = {}
        with self._database.read() as connection:
            for symbol, isin, side, quantity in connection.execute(query):
                share = symbol, isin
                held[share] = held.get(share, Decimal(0)) + (quantity if side == Side.BUY else -quantity)
        gone = json.loads(self._kept(WRITTEN_OFF) or "{}")
        left = {share: quantity - Decimal(gone.get(share[0], 0)) for share, quantity in held.items()}
        return [Holding(symbol=symbol, isin=isin, quantity=q) for (symbol, isin), q in left.items() if q > 0]

    def move(self, before: Order, after: Order, fill: Fill | None = None) -> Order:
        """Keep an order's next state, and the fill that led there, in one transaction.

        TryAgainError when the order no longer stands where we last saw it, or another process leads; HaltedError when
        the next state would send it, and nothing may be sent; ContradictionError when its id is another order's.
        """
        stood = {
            "key": before.client_order_id,
            "stood": before.status,
            "stood_attempts": before.attempts,
            "stood_filled": before.filled,
        }
        try:
            with self._leading() as connection:
                if after.status in SENDING and (halted := self._halted(connection)):
                    raise HaltedError(halted)
                if connection.execute(MOVE, stood | _state(after)).rowcount != 1:
                    raise TryAgainError(
                        f"order {before.client_order_id} is no longer {before.status}: another process moved it"
                    )
                connection.execute(STEP, _step(before, after))
                if fill:
                    connection.execute(insert(fills), row_of(fills, fill) | {"filled_before": before.filled})
        except IntegrityError as error:
            raise ContradictionError(
                f"order {before.client_order_id}: {after.broker_order_id} is already the broker's id of another order"
            ) from error
        return after

    def life(self, client_order_id: str) -> list[dict[str, Any]]:
        """Every step an order has taken, in order: `before`, `after`, `reason`, `at`."""
        query = select(transitions).where(transitions.c.client_order_id == client_order_id).order_by(transitions.c.n)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [{name: plain(row[name]) for name in ("before", "after", "reason", "at")} for row in rows]

    # -- control

    def trade_from(self) -> datetime | None:
        """The instant of the first real cycle; None before it."""
        with self._database.read() as connection:
            return connection.execute(select(control.c.trade_from)).scalar()

    def last_cycle(self) -> datetime | None:
        """The instant of the last real cycle; None before it."""
        value = self._kept(LAST_CYCLE)
        return datetime.fromisoformat(value) if value else None

    def session_done(self) -> date | None:
        """The last session whose cycle the daemon has completed; None before the first."""
        value = self._kept(SESSION_DONE)
        return date.fromisoformat(value) if value else None

    def finish_session(self, day: date) -> None:
        """From now on this session and all before it are done."""
        with self._leading() as connection:
            _keep(connection, SESSION_DONE, day.isoformat())

    def beat(self, now: datetime) -> None:
        """The daemon was alive and well at this instant, and leads."""
        with self._leading() as connection:
            _keep(connection, HEARTBEAT, now.isoformat())

    def heartbeat(self) -> datetime | None:
        """When the daemon was last alive and well; None when there never was one."""
        value = self._kept(HEARTBEAT)
        return datetime.fromisoformat(value) if value else None

    def broker_account(self) -> str | None:
        """The account orders are placed in; None before the first."""
        with self._database.read() as connection:
            return connection.execute(select(control.c.broker_account)).scalar()

    def settle_in(self, account: str) -> None:
        """From now on this is the account orders are placed in."""
        with self._leading() as connection:
            connection.execute(update(control).values(broker_account=account))

    def acknowledged(self) -> set[str]:
        """The keys of orders that are not ours to know, as whoever resumed the bot has seen."""
        return set(json.loads(self._kept(ACKNOWLEDGED) or "[]"))

    def acknowledge(self, keys: Iterable[str], gone: Iterable[Holding]) -> None:
        """Do not halt again for the orders with these keys, nor for these shares, which are gone."""
        with self._leading() as connection:
            seen = {*json.loads(_kept(connection, ACKNOWLEDGED) or "[]"), *keys}
            _keep(connection, ACKNOWLEDGED, json.dumps(sorted(seen)))
            _write_off(connection, gone)

    def resumed(self) -> bool:
        """Whether somebody has resumed the bot since shares that are gone were last written off."""
        return self._kept(RESUMED) == "yes"

    def write_off(self, gone: Iterable[Holding]) -> None:
        """Look for these shares no more, as whoever resumed the bot has agreed."""
        with self._leading() as connection:
            _keep(connection, RESUMED, "no")
            _write_off(connection, gone)

    def halted(self) -> str | None:
        """The reason why nothing may be sent, or None."""
        with self._database.read() as connection:
            return self._halted(connection)

    def halt(
        self, reason: str | None, now: datetime, *, anew: bool = True, flatten: bool = False, note: str = ""
    ) -> bool:
        """Stop sending for this reason, durably; None starts again, why tells the `note`. Not `anew`, an earlier stays.

        Whether this reason is now the one. `flatten`, the orders that live are to be canceled, too. TryAgainError when
        another process leads: what this one has seen may be old.
        """
        change = update(control).values(halted=reason, halted_at=now if reason else None)
        with self._leading() as connection:
            if flatten or not reason:
                _keep(connection, FLATTEN, "yes" if flatten else "no")
            if not reason:
                _keep(connection, RESUMED, "yes")
            was = connection.execute(HALTED).scalar()
            if is_new := anew or was is None:
                connection.execute(change)
            if is_new and was != reason:
                connection.execute(insert(halts).values(reason=reason, at=now, note=note or None))
            return is_new

    def flattens(self) -> bool:
        """Whether it is halted and the orders that live are to be canceled."""
        return self._kept(FLATTEN) == "yes"

    # -- what sources remember

    def recall(self, name: str) -> str | None:
        """What a source has kept under this name."""
        return self._kept(f"source:{name}")

    def remember(self, name: str, value: str) -> None:
        """Keep this with the next plan that is recorded; when none ever is, it is as if it had never been read."""
        self._notes[f"source:{name}"] = value

    @contextmanager
    def _leading(self) -> Iterator[Connection]:
        """A transaction of the one process that may decide and send."""
        with self._database.write() as connection:
            lead.check(connection, self.epoch)
            yield connection

    def _halted(self, connection: Connection) -> str | None:
        return connection.execute(HALTED).scalar() or (self._halt_file.reason() if self._halt_file else None)

    def _kept(self, name: str) -> str | None:
        with self._database.read() as connection:
            return _kept(connection, name)

    def _orders(self, condition: Any) -> list[tuple[OrderIntent, Order]]:
        query = select(orders).where(condition).order_by(orders.c.created_at, orders.c.client_order_id)
        with self._database.read() as connection:
            return [_order(row) for row in connection.execute(query)]


def _of_filing(accession: str) -> ColumnElement[bool]:
    """On an event that this filing tells, by its number with or without dashes; there is no index of it."""
    if accession.isdecimal():  # as it stands in the address of its page
        accession = f"{accession[:10]}-{accession[10:12]}-{accession[12:]}"
    return events.c.details.contains(f'"accession": {json.dumps(accession)},', autoescape=True)


def _kept(connection: Connection, name: str) -> str | None:
    return connection.execute(select(cursors.c.value).where(cursors.c.name == name)).scalar()


def _write_off(connection: Connection, gone: Iterable[Holding]) -> None:
    off = json.loads(_kept(connection, WRITTEN_OFF) or "{}")
    off |= {each.symbol: plain(Decimal(off.get(each.symbol, 0)) + each.quantity) for each in gone}
    _keep(connection, WRITTEN_OFF, json.dumps(off))


def _keep(connection: Connection, name: str, value: str) -> None:
    connection.execute(delete(cursors).where(cursors.c.name == name))
    connection.execute(insert(cursors).values(name=name, value=value))


def _new_order(intent: OrderIntent) -> dict[str, Any]:
    return {
        **row_of(orders, intent),
        **row_of(orders, intent.order()),
        "instrument": json.dumps(plain(intent.instrument)),
    }


def _state(order: Order) -> dict[str, Any]:
    names = ("broker_order_id", "status", "attempts", "filled", "price", "fee", "reason", "updated_at")
    return {name: getattr(order, name) for name in names}


def _step(before: Order, after: Order) -> dict[str, Any]:
    return {
        "client_order_id": before.client_order_id,
        "before": before.status,
        "after": after.status,
        "reason": after.reason,
        "at": after.updated_at,
    }


def _order(row: Any) -> tuple[OrderIntent, Order]:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a row's names
    values |= {"side": Side(values["side"]), "status": OrderStatus(values["status"])}
    instrument = json.loads(values["instrument"])
    values["instrument"] = Instrument(**{**instrument, "proof": tuple(instrument["proof"])})
    return tuple(kind(**{item.name: values[item.name] for item in fields(kind)}) for kind in (OrderIntent, Order))  # type: ignore[return-value]
