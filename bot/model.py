"""The vocabulary: frozen records and enums, in the field's own words (SEC, FIX, ISO)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from math import inf
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from bot.plain import plain

NEW_YORK: Final = ZoneInfo("America/New_York")  # whose days are the SEC's and the exchanges'


class Side(StrEnum):
    """Direction of an open-market trade or of an order."""

    BUY = "buy"
    SELL = "sell"


class Role(StrEnum):
    """What a person is to the company, the most senior first where a title names several."""

    CEO = "ceo"
    CFO = "cfo"
    COO = "coo"
    CTO = "cto"
    PRESIDENT = "president"
    CHAIR = "chair"
    GC = "gc"
    ACCOUNTING = "accounting"  # chief or principal accounting officer, controller
    TREASURER = "treasurer"
    SECRETARY = "secretary"
    CHIEF = "chief"  # any other Chief … Officer
    VP = "vp"
    OFFICER = "officer"  # an officer whose title says no more
    DIRECTOR = "director"
    TEN_PERCENT = "ten_percent"
    OTHER = "other"  # a title that makes nobody an officer
    UNKNOWN = "unknown"  # "See Remarks", or nothing


class OrderStatus(StrEnum):
    """Where an order stands; intent, submitting and activating exist on our side alone: no broker answers with them."""

    INTENT = "intent"
    SUBMITTING = "submitting"
    INACTIVE = "inactive"
    ACTIVATING = "activating"
    WORKING = "working"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to the order."""
        return self in {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED}


class InsiderTrade(NamedTuple):
    """One reported line of an ownership filing; the fields are the columns of the trades table, in its order.

    It is a tuple because there are millions of them, and a frozen dataclass of 31 fields takes five times as long to
    make; write it with keywords, and change it by `_replace`.

    `code` is the Form 4 transaction code, `acquired` its A/D column, `side` is set for open-market P and S only.
    `shares_after` is what the line says is held afterwards. `plan_10b5_1` has three states: None is unknown.
    """

    key: str
    source: str
    accession: str | None = None
    form: str | None = None
    amends: str | None = None
    url: str | None = None
    issuer_cik: str | None = None
    issuer: str | None = None
    symbol: str | None = None
    owner_cik: str | None = None
    owner: str | None = None
    title: str | None = None
    is_officer: bool | None = None
    is_director: bool | None = None
    is_ten_percent: bool | None = None
    role: Role = Role.UNKNOWN
    code: str | None = None
    acquired: str | None = None
    side: Side | None = None
    security: str | None = None
    is_derivative: bool | None = None
    ownership: str | None = None
    plan_10b5_1: bool | None = None
    traded_on: date | None = None
    filed_on: date | None = None
    known_at: datetime | None = None
    shares: Decimal | None = None
    price: Decimal | None = None
    value: Decimal | None = None
    currency: str | None = None
    shares_after: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a source says about where shares are listed: one symbol, or several for one filing.

    `issuer` and `owner` are names as the source writes them; a mapper uses them to tell companies apart.
    """

    symbols: tuple[str, ...]
    issuer: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One tradable share class, with the evidence that it is the right one.

    `symbol` is the US ticker with `-` before a class letter (BRK-B). `isin` is None until it is proven.
    """

    symbol: str
    name: str
    share_class_figi: str
    composite_figi: str | None = None
    isin: str | None = None
    mic: str | None = None
    currency: str = "USD"
    proof: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Best bid and ask per share in `currency`, as last seen at `at`."""

    symbol: str
    bid: Decimal
    ask: Decimal
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A reference rate of one day: one unit of `base` is worth `rate` units of `quote` (ISO 4217 codes)."""

    base: str
    quote: str
    rate: Decimal
    on: date
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One trading day of one symbol: unadjusted open and close per share in `currency`."""

    symbol: str
    on: date
    open: Decimal
    close: Decimal
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A strategy's yes: follow this event on this side, for this reason."""

    side: Side
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A no with its rule and its reason; a Skip that is not final is decided again while the event is fresh.

    One for an `outage`, somebody who could not be asked, is to be decided again soon. The `figures` are the numbers of
    the reason, by name; those of a rule stand with its checks.
    """

    rule: str
    reason: str
    final: bool = True
    outage: bool = False
    figures: Mapping[str, Any] = field(default_factory=dict, compare=False)


Verdict = Signal | Skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """An order as decided, written down before anything is sent.

    `client_order_id` follows from the decision alone. `session` is the trading day it is meant for and `valid_from` to
    `valid_until` that day's opening hours; `quantity` is whole shares.
    """

    client_order_id: str
    decision_id: str
    account: str
    strategy: str
    instrument: Instrument
    side: Side
    quantity: Decimal
    currency: str
    session: date
    valid_from: datetime
    valid_until: datetime
    created_at: datetime

    def order(self) -> "Order":
        """The order as it begins, before anything is sent."""
        return Order(
            client_order_id=self.client_order_id,
            symbol=self.instrument.symbol,
            isin=self.instrument.isin,
            mic=self.instrument.mic,
            side=self.side,
            quantity=self.quantity,
            currency=self.currency,
            status=OrderStatus.INTENT,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            updated_at=self.created_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the broker or our store knows it; `price` and `fee` are averages and sums over its fills.

    `attempts` is how often we were about to send it: after the first, nobody knows what became of the ones before.
    """

    client_order_id: str
    broker_order_id: str | None = None
    symbol: str
    isin: str | None = None
    mic: str | None = None
    side: Side
    quantity: Decimal
    currency: str
    status: OrderStatus
    attempts: int = 0
    filled: Decimal = Decimal(0)
    price: Decimal | None = None
    fee: Decimal = Decimal(0)
    reason: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    updated_at: datetime | None = None

    @property
    def was_sent(self) -> bool:
        """Whether it may be at the broker, as far as we know: an intent that was never tried is not."""
        return self.attempts > 0 or self.status is not OrderStatus.INTENT

    def is_of(self, share: "Instrument | Order") -> bool:
        """Whether it is for shares of that instrument, or of that order's."""
        return _same_share(self, share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Shares that changed hands: quantity, price per share and fee in `currency`, at an instant."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Shares of one symbol that our own fills add up to."""

    symbol: str
    isin: str | None
    quantity: Decimal

    def is_of(self, share: "Instrument | Order") -> bool:
        """Whether these are shares of that instrument, or of that order's."""
        return _same_share(self, share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Shares held of one instrument and what one share cost on average, fees left out.

    A broker that names instruments by ISIN alone has its own title for the share as the symbol.
    """

    symbol: str
    isin: str | None = None
    quantity: Decimal
    average_price: Decimal
    currency: str

    def is_of(self, share: Instrument | Holding | Order) -> bool:
        """Whether these are shares of that instrument."""
        return _same_share(self, share)


def _same_share(one: Holding | Position | Order, other: Instrument | Holding | Order) -> bool:
    """By ISIN where both have one, else by symbol."""
    if one.isin and other.isin:
        return one.isin == other.isin
    return one.symbol == other.symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A paper account: settled `cash`, and `available` = cash less what open buys have reserved."""

    id: str
    currency: str
    cash: Decimal
    available: Decimal


class Reach(NamedTuple):
    """How many days a strategy looks back: at the person's trades, at all at the company, and at purchases anywhere.

    The figures here are for one that does not tell.
    """

    person: float = inf
    company: float = 400
    market: float = 40


UNTOLD: Final = Reach()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One economic event: what one person did in one class of one issuer on one side, filed on one day.

    `trade` sums the event's lines up in one record; `keys` are those lines, `symbols` every ticker they were listed
    under, and `aliases` what the same lines are recognised by when another page shows them under another ticker.
    `statements` are what rows of web tables said of them: a later filing's row that states it again is no news.
    `held_before` is the balance before the event and `exercised` what came in by exercise or award with it;
    `first_known_at` is when its lines became public, amended or not; `quarantine` says why the event cannot be trusted,
    or is None.
    """

    key: str
    trade: InsiderTrade
    keys: tuple[str, ...]
    symbols: tuple[str, ...]
    held_before: Decimal | None = None
    exercised: Decimal = Decimal(0)
    first_known_at: datetime | None = None
    quarantine: str | None = None
    aliases: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that happened and may be told: a step of an order, a halt or its end; orders and halts count apart."""

    kind: Literal["orders", "halted", "resumed"]
    number: int
    at: datetime
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided about one event, with everything it was decided on.

    A `Signal` names the order that follows it; several events may share one order. `features` are the numbers the rules
    looked at, `evidence` the steps after them in words: strategy, mapping proof, quote, sizing sum, and the `figures`
    of that sum, which those of a Skip join. `checks` are what each rule said of the event, in order, with its `name`,
    whether it `passed`, its `words`, the `inputs` it read, the thresholds it `asked` for, and the same of its `parts`.
    """

    event: Event
    verdict: Verdict
    client_order_id: str | None = None
    features: Mapping[str, float | None] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    checks: Sequence[Any] = ()

    def row(self) -> dict[str, Any]:
        """The decision in JSON's types: the event's columns, its lines, and `decision`, `rule` and `reason`."""
        verdict = self.verdict
        signal, skip = (verdict, None) if isinstance(verdict, Signal) else (None, verdict)
        figures = {**self.evidence.get("figures", {}), **(skip.figures if skip else {})}
        return {
            **plain(self.event.trade),
            "event_key": self.event.key,
            "keys": list(self.event.keys),
            "symbols": list(self.event.symbols),
            "sources": list(self.event.sources),
            "held_before": plain(self.event.held_before),
            "exercised": plain(self.event.exercised),
            **plain(self.features),
            "decision": plain(signal.side) if signal else "skip",
            "rule": skip.rule if skip else "",
            "reason": verdict.reason,
            "client_order_id": self.client_order_id,
            "evidence": plain({**self.evidence, **({"figures": figures} if figures else {})}),
            "checks": plain(list(self.checks)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A broker's conditions in account currency: fee per order, and the least an order must be worth."""

    fee: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Degraded:
    """A part that did not do its share this time, and why."""

    name: str
    reason: str
