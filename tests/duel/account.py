"""What the duelling daemons are made of: their news, and a paper account that is a journal in a file.

Whatever arrives at the account is one line, appended at once, and how an order stands follows from the lines before it.
So no process can hold another one up, and the journal is the oracle's as well.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import uuid4

from bot.model import Account, Instrument, Order, OrderIntent, OrderStatus, Position, Quote, Terms
from bot.plugins import Kit
from bot.ports import Strategy
from strategies.rules import follow, officers_only, open_market
from tests.builders import account, quote, trade
from tests.fakes import Shows

BEGINS: Final = datetime(2026, 3, 3, 11, 0, tzinfo=UTC)  # a Tuesday, 06:00 in New York: filings come
NEWS: Final = {"NWRB": 0, "QLMK": 0, "SMFP": 5, "VLPM": 15}  # symbol -> minutes after the beginning
PRICE: Final = Decimal(40)
PARTS: Final = {
    name: f"{__name__}:{part}" for name, part in (("sources", "news"), ("poll", "news"), ("strategy", "rules"))
}
JOURNAL: Final = Path("account.jsonl")  # where the daemon lives


def news(_: Kit) -> Shows:
    """An officer's purchase for each symbol, and one that is not to be followed."""
    rows = [
        trade(
            symbol=symbol,
            issuer=f"{symbol} Inc",
            owner=f"Officer Of {symbol}",
            known_at=BEGINS + timedelta(minutes=minutes),
            filed_on=BEGINS.date(),
        )
        for symbol, minutes in NEWS.items()
    ]
    return Shows(*rows, trade(symbol="TDWX", issuer="Tidewax Coatings Inc", is_officer=False))


def rules(_: Kit) -> Strategy:
    """Every officer's purchase is followed."""
    return follow(open_market, officers_only)


def two_step(_: Kit) -> "JournalBroker":
    """An account that takes whatever is submitted, as often as it comes: only what is activated is filled."""
    return JournalBroker(journal=JOURNAL, two_step=True, idempotent=False)


def one_step(_: Kit) -> "JournalBroker":
    """An account that fills what is submitted, once for every id."""
    return JournalBroker(journal=JOURNAL, two_step=False, idempotent=True)


def arrives(journal: Path, **what: str) -> None:
    """One more line."""
    file = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, (json.dumps(what) + "\n").encode())
    finally:
        os.close(file)


def journal_of(path: Path) -> list[dict[str, Any]]:
    """Everything that arrived at the account, in order."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def stands(journal: Sequence[dict[str, Any]], *, two_step: bool) -> dict[str, Order]:
    """Every order by the account's own id, as it stands after these lines."""
    orders: dict[str, Order] = {}
    for line in journal:
        if line["do"] == "submit":
            taken = not two_step and any(each.client_order_id == line["key"] for each in orders.values())
            if not taken:
                orders[line["id"]] = _placed(line, OrderStatus.INACTIVE if two_step else OrderStatus.FILLED)
        elif (order := orders.get(line["id"])) and not order.status.is_final:
            is_wanted = line["do"] == "activate"
            orders[order.broker_order_id or ""] = replace(
                order,
                status=OrderStatus.FILLED if is_wanted else OrderStatus.CANCELED,
                filled=order.quantity if is_wanted else Decimal(0),
                price=PRICE if is_wanted else None,
            )
    return orders


def _placed(line: dict[str, Any], status: OrderStatus) -> Order:
    is_filled = status is OrderStatus.FILLED
    begun = Order(
        client_order_id=line["key"],
        broker_order_id=line["id"],
        symbol=line["symbol"],
        side=line["side"],
        quantity=Decimal(line["quantity"]),
        currency="USD",
        status=status,
    )
    return replace(begun, filled=begun.quantity, price=PRICE) if is_filled else begun


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalBroker:
    """A paper account of this `journal`."""

    name: ClassVar[str] = "journal"
    needs_isin: ClassVar[bool] = False
    mic: ClassVar[str | None] = None
    queues: ClassVar[bool] = True
    key_ttl: ClassVar[timedelta | None] = None
    lookup_by_key: ClassVar[bool] = True
    list_all_statuses: ClassVar[bool] = True
    visibility_lag: ClassVar[timedelta] = timedelta(0)
    paper_proof: ClassVar[str] = ""

    journal: Path
    two_step: bool
    idempotent: bool

    def submit(self, intent: OrderIntent) -> Order:
        facts = {"symbol": intent.instrument.symbol, "side": intent.side, "quantity": str(intent.quantity)}
        made = uuid4().hex
        until = intent.valid_until.isoformat()
        arrives(self.journal, do="submit", id=made, key=intent.client_order_id, until=until, **facts)
        found = self._now()
        return found.get(made) or next(o for o in found.values() if o.client_order_id == intent.client_order_id)

    def activate(self, broker_order_id: str) -> None:
        arrives(self.journal, do="activate", id=broker_order_id)

    def cancel(self, broker_order_id: str) -> None:
        arrives(self.journal, do="cancel", id=broker_order_id)

    def find(self, order: Order) -> Order | None:
        """The recorded one; before one is recorded, one that is filled, or else the oldest that could be activated."""
        found = self._now()
        if order.broker_order_id:
            return found.get(order.broker_order_id)
        same = [each for each in found.values() if each.client_order_id == order.client_order_id]
        alive = [each for each in same if each.status is not OrderStatus.CANCELED]
        return next((each for each in alive if each.filled), None) or next(iter(alive), None)

    def orders(self, since: datetime) -> Sequence[Order]:
        return list(self._now().values())

    def account(self) -> Account:
        return account()

    def positions(self) -> Sequence[Position]:
        held: dict[str, Decimal] = {}
        for order in self._now().values():
            held[order.symbol] = held.get(order.symbol, Decimal(0)) + order.filled
        return [
            Position(symbol=symbol, quantity=quantity, average_price=PRICE, currency="USD")
            for symbol, quantity in held.items()
            if quantity
        ]

    def quote(self, instrument: Instrument, at: datetime) -> Quote | None:
        return quote(instrument.symbol, at=at, bid=PRICE, ask=PRICE)

    def terms(self) -> Terms:
        return Terms()

    def closed(self, at: datetime) -> str | None:
        return None

    def isin_candidates(self, symbol: str, name: str) -> Iterable[str]:
        return ()

    def _now(self) -> dict[str, Order]:
        return stands(journal_of(self.journal), two_step=self.two_step)
