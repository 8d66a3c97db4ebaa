"""The protocols between the engine and its parts; a part is anything with these methods."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from bot.model import (
    Account,
    Decision,
    Event,
    Fill,
    Holding,
    Instrument,
    Listing,
    Notice,
    Order,
    OrderIntent,
    OrderStatus,
    Position,
    Quote,
    Rate,
    Reach,
    Skip,
    Terms,
)

if TYPE_CHECKING:
    import pandas as pd

Clock = Callable[[], datetime]
"""The current instant, aware and in UTC; the only way any part learns the time."""

Strategy = Callable[["pd.DataFrame", datetime | None], "pd.DataFrame"]
"""Events table and the instant of decision in, the same rows with `decision`, `rule` and `reason` out."""


class Source(Protocol):
    """Where insider trades come from."""

    name: str

    def fetch(self, now: datetime) -> "pd.DataFrame":
        """The trades table the source shows at `now`; SourceError when it shows anything less than that.

        What single filings a source of many had to leave out is told in the table's `attrs["left_out"]`, a sentence
        each; such a source is degraded, and the rest of its table is used.
        """
        ...


class Notifier(Protocol):
    """Whoever is told what happens; the name stays the same for as long as it is the same one."""

    name: str

    def send(self, title: str, body: str) -> None:
        """Deliver a message; NotifyError when it was not taken."""
        ...


class Journal(Protocol):
    """What has happened, and how much of it each listener has been told."""

    def untold(self, listener: str) -> Sequence[Notice]:
        """What this listener has not been told, the earliest first."""
        ...

    def told(self, listener: str, notices: Sequence[Notice]) -> None:
        """From now on this listener knows these."""
        ...


class Memory(Protocol):
    """What a source remembers from one cycle to the next."""

    def get(self, name: str) -> str | None:
        """What was kept under this name, or None."""
        ...

    def put(self, name: str, value: str) -> None:
        """Keep this with the next plan that is recorded, in the same transaction; without one it is forgotten."""
        ...


class Mapper(Protocol):
    """From tickers as a source writes them to instruments that are proven to be the same share class."""

    def find(self, listings: Sequence[Listing]) -> dict[Listing, Instrument | Skip]:
        """For every listing its instrument, or the reason why there is none; an outage is a Skip that is not final."""
        ...


class MappingCache(Protocol):
    """What a mapper has learned, kept from one run to the next."""

    def get(self, requests: Sequence[str], now: datetime) -> Mapping[str, str]:
        """The answers stored for these requests that have not expired by `now`."""
        ...

    def put(self, answers: Mapping[str, str], expires_at: datetime) -> None:
        """Keep the answers, by their request, until they expire."""
        ...


class Prices(Protocol):
    """Where quotes come from when the broker has none of its own."""

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """The last quote known at that instant; its `at` tells its age. None when there is none."""
        ...

    def first(self, symbol: str, since: datetime, until: datetime) -> Quote | None:
        """The earliest quote from `since` to `until`, both included; None when there is none."""
        ...


class Rates(Protocol):
    """Where exchange rates come from."""

    def rate(self, base: str, quote: str, at: datetime) -> Rate | None:
        """The last reference rate from `base` to `quote` that was public at that instant; None when there is none.

        RatesError when the service that has it cannot be asked.
        """
        ...


class BrokerView(Protocol):
    """What may be asked of a broker without changing anything; a dry run gets no more than this."""

    name: str
    two_step: bool
    """Whether an order is placed inactive and must be activated."""
    needs_isin: bool
    """Whether instruments are named by ISIN, so that only a proven ISIN can be traded."""
    mic: str | None
    """The one venue it trades at (ISO 10383), or None when it is the user's choice."""
    idempotent: bool
    """Whether an id is taken once: the same one again is refused, or answered with the order that is there."""
    key_ttl: timedelta | None
    """How long that holds; None is for ever."""
    lookup_by_key: bool
    """Whether an order can be found by our id alone, asked for by it or looked for among all orders."""
    list_all_statuses: bool
    """Whether `orders` shows those that are over, too."""
    visibility_lag: timedelta
    """How long an order or a fill may stay out of what is found and listed."""
    paper_proof: str
    """The field of its answers that proves paper; empty for a broker that knows no real money."""

    def account(self) -> Account:
        """The paper account now; NotPaperError when the answer does not prove paper."""
        ...

    def positions(self) -> Sequence[Position]:
        """Every open position."""
        ...

    def quote(self, instrument: Instrument, at: datetime) -> Quote | None:
        """What the instrument costs at this broker, or None."""
        ...

    def terms(self) -> Terms:
        """What an order costs and the least it must be worth."""
        ...

    def closed(self, at: datetime) -> str | None:
        """Why the venue takes no order at this instant, or None; a broker that keeps orders for the open is never."""
        ...

    def isin_candidates(self, symbol: str, name: str) -> Iterable[str]:
        """ISINs the broker's instrument search offers; candidates only, nothing is proven by being found."""
        ...


class Broker(BrokerView, Protocol):
    """A paper broker."""

    queues: bool
    """Whether an active order waits there for the session it is meant for; if not, it is kept here until then."""

    def submit(self, intent: OrderIntent) -> Order:
        """Place the order (inactive at a two-step broker); the same id again returns the same order, never a second.

        OrderRefusedError is a definite no. Any other BrokerError leaves it open whether the order exists.
        """
        ...

    def activate(self, broker_order_id: str) -> None:
        """Send a placed order to the market; to do it again changes nothing.

        OrderRefusedError is a definite no, as for `submit`.
        """
        ...

    def find(self, order: Order) -> Order | None:
        """What the broker knows of this order of ours, whatever its status; None when it has never seen its id."""
        ...

    def cancel(self, broker_order_id: str) -> None:
        """Ask for the end of an order, which may still be filled until it is canceled; over or unknown is no error.

        Any BrokerError leaves it open what became of the order.
        """
        ...

    def orders(self, since: datetime) -> Sequence[Order]:
        """Every order of the account placed since then, whatever its status and whoever sent it; older ones may be too.

        BrokerError when they are not seen to be complete. What others sent has their `client_order_id`, or ""; the
        symbol is the broker's own title for the share where it names shares by ISIN.
        """
        ...


class PaperBook(Protocol):
    """Where a simulated broker keeps its account; each method is one durable step."""

    def cash(self) -> Decimal:
        """Settled cash."""
        ...

    def orders(self, *statuses: OrderStatus) -> Sequence[Order]:
        """The orders in any of these statuses, oldest first; all of them when none is named."""
        ...

    def order(self, client_order_id: str) -> Order | None:
        """The order of this id."""
        ...

    def place(self, order: Order) -> Order:
        """Keep a new order, or return the one already kept under its id."""
        ...

    def change(self, order: Order, before: OrderStatus) -> None:
        """Keep the order's new status if it still has the one before; otherwise change nothing."""
        ...

    def fill(self, order: Order, fill: Fill) -> None:
        """Keep a working order's fill together with its effect on cash and position, all or nothing, once."""
        ...

    def positions(self) -> Sequence[Position]:
        """Every open position."""
        ...


class Store(Protocol):
    """What the bot remembers: what it has seen and decided, its orders, and whether it is halted."""

    def unseen(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Those on events that no earlier cycle has decided for good, under their own key or any of their lines'."""
        ...

    def seen_lines(self, keys: Sequence[str]) -> set[str]:
        """Those of the lines' keys whose events have been decided for good."""
        ...

    def stated_on(self, statements: Sequence[str]) -> Mapping[str, Set[date]]:
        """On which days the events were filed that stated each of these, where any was."""
        ...

    def trade_from(self) -> datetime | None:
        """The instant of the first real cycle; None before it."""
        ...

    def halted(self) -> str | None:
        """The reason why nothing may be sent, or None."""
        ...

    def halt(
        self, reason: str | None, now: datetime, *, anew: bool = True, flatten: bool = False, note: str = ""
    ) -> bool:
        """Stop sending for this reason, durably; None starts again, why tells the `note`. Not `anew`, an earlier stays.

        Whether this reason is now the one. `flatten`, the orders that live are to be canceled, too.
        """
        ...

    def flattens(self) -> bool:
        """Whether it is halted and the orders that live are to be canceled."""
        ...

    def have_decisions(self, decision_ids: Sequence[str]) -> set[str]:
        """Those of the ids that an order was already decided under."""
        ...

    def past(self, seen: Sequence[Event], reach: Reach) -> "pd.DataFrame":
        """What was seen before of the companies and people in these events, as a table of events; no further back."""
        ...

    def record(
        self,
        decisions: Sequence[Decision],
        intents: Sequence[OrderIntent],
        now: datetime,
        seen: Sequence[Event] = (),
    ) -> None:
        """Write down a whole plan in one transaction: what was seen, why it was decided so, and what will be sent.

        Events, and versions and statements of them, that were not `seen` before join the past.
        """
        ...

    def open_orders(self) -> list[tuple[OrderIntent, Order]]:
        """Every order of ours that is not final, oldest first."""
        ...

    def decided_first(self, over_since: datetime) -> datetime | None:
        """When the first of the orders was decided that are open, or are over only since this instant; None of none."""
        ...

    def known(self, keys: Sequence[str]) -> dict[str, Order]:
        """Those of the orders with these keys that are ours."""
        ...

    def holdings(self, bought_by: datetime | None = None) -> list[Holding]:
        """The shares that our fills add up to, less what was written off; of purchases those made by that instant."""
        ...

    def broker_account(self) -> str | None:
        """The account orders are placed in; None before the first."""
        ...

    def settle_in(self, account: str) -> None:
        """From now on this is the account orders are placed in."""
        ...

    def acknowledged(self) -> set[str]:
        """The keys of orders at the broker for which the bot does not halt again."""
        ...

    def resumed(self) -> bool:
        """Whether somebody has resumed the bot since shares that are gone were last written off."""
        ...

    def write_off(self, gone: Iterable[Holding]) -> None:
        """Look for these shares no more, as whoever resumed the bot has agreed."""
        ...

    def acknowledge(self, keys: Iterable[str], gone: Iterable[Holding]) -> None:
        """Do not halt again for the orders with these keys, nor for these shares, which are gone."""
        ...

    def move(self, before: Order, after: Order, fill: Fill | None = None) -> Order:
        """Keep an order's next state, and the fill that led there, in one transaction.

        TryAgainError when the order no longer stands where we last saw it, HaltedError when nothing may be sent.
        """
        ...
