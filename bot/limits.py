"""What protects the account: limits on every buy, and breaches after which nothing is sent until somebody has looked.

A limit refuses one buy for good: nothing is kept back to be bought later. A sale only lowers what is at risk, and is
never refused by one. Whatever is not certain to be over counts in full.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.model import Account, Order, OrderIntent, Side, Skip
from bot.plain import decimal_text
from bot.ports import Memory

BOUGHT_WITHIN: Final = timedelta(days=30)  # what was bought of a share so lately counts, sold again or not
BUSY_WITHIN: Final = timedelta(days=60)  # the 99th percentile of so few days is the busiest of them
BUSIER: Final = 3  # times the busiest day: no market does that


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that buys may come to, in account currency, and when so many orders at once are a fault (`burst`).

    A day's buys are those meant for one session. `cash_reserve` is what a buy leaves in the account; for `cooldown` a
    share that was sold at a loss is not bought again.
    """

    order_value: Decimal = Decimal(10_000)
    name_value: Decimal = Decimal(20_000)
    cycle_orders: int = 30
    day_orders: int = 50
    day_value: Decimal = Decimal(50_000)
    burst: int = 40
    cash_reserve: Decimal = Decimal(100)
    cooldown: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach(Skip):
    """A refusal that is a sign of something wrong: the bot halts, for an operator to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A buy as the limits count it: what it was worth where filled, and what is `pending`, in account currency."""

    share_class: str
    session: date
    decided_at: datetime
    filled: Decimal
    pending: Decimal

    @property
    def value(self) -> Decimal:
        """All of it."""
        return self.filled + self.pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Buy:
    """A buy as it is wished: its `value`, its `cost` with the fee, and what is `held` of the share already."""

    symbol: str
    share_class: str
    session: date
    at: datetime
    value: Decimal
    cost: Decimal
    held: Decimal
    currency: str

    def entry(self) -> Entry:
        """The buy as it counts for those that come after it."""
        return Entry(
            share_class=self.share_class,
            session=self.session,
            decided_at=self.at,
            filled=Decimal(0),
            pending=self.value,
        )

    def money(self, amount: Decimal) -> str:
        """An amount in words."""
        return f"{amount:,.2f} {self.currency}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a buy is measured against: the buys `past` and `planned` in this cycle, losses, and the cash available."""

    past: Sequence[Entry]
    planned: Sequence[Entry]
    losses: Mapping[str, datetime]
    available: Decimal


Guard = Callable[[Buy, Known, Limits], Skip | None]


def refusal(buy: Buy, known: Known, limits: Limits) -> Skip | None:
    """The first limit that the buy would break, or None."""
    return next((skip for guard in GUARDS if (skip := guard(buy, known, limits))), None)


def within_order_value(buy: Buy, _: Known, limits: Limits) -> Skip | None:
    """One order is worth no more than this."""
    if buy.value <= limits.order_value:
        return None
    most = f"no order may be worth more than {buy.money(limits.order_value)} (BOT_MAX_ORDER_VALUE)"
    reason = f"it would be worth {buy.money(buy.value)}; {most}"
    return _limit(reason, value=buy.value, max_order_value=limits.order_value)


def within_name_value(buy: Buy, known: Known, limits: Limits) -> Skip | None:
    """Held and on order, or bought within 30 days, is no more than this of one share, whichever is more."""
    same = [entry for entry in (*known.past, *known.planned) if entry.share_class == buy.share_class]
    exposed = buy.held + _sum(entry.pending for entry in same)
    bought = _sum(entry.value for entry in same if entry.decided_at > buy.at - BOUGHT_WITHIN)
    total = max(exposed, bought) + buy.value
    if total <= limits.name_value:
        return None
    most = f"at most {buy.money(limits.name_value)} (BOT_MAX_NAME_VALUE)"
    which = "held or on order" if exposed >= bought else f"bought within {BOUGHT_WITHIN.days} days"
    reason = f"{buy.symbol} {which} would come to {buy.money(total)}; {most}"
    return _limit(reason, name_value=total, max_name_value=limits.name_value)


def within_cycle_orders(_: Buy, known: Known, limits: Limits) -> Skip | None:
    """One cycle has no more buys than this."""
    count = len(known.planned)
    if count < limits.cycle_orders:
        return None
    reason = f"{count} buys in one cycle are the most there may be (BOT_MAX_CYCLE_ORDERS)"
    return _limit(reason, cycle_orders=count, max_cycle_orders=limits.cycle_orders)


def within_day_orders(buy: Buy, known: Known, limits: Limits) -> Skip | None:
    """One session has no more buys than this, whatever became of them."""
    count = len(_of_day(buy, known))
    if count < limits.day_orders:
        return None
    reason = f"{count} buys for the session of {buy.session} are the most there may be (BOT_MAX_DAY_ORDERS)"
    return _limit(reason, day_orders=count, max_day_orders=limits.day_orders)


def within_day_value(buy: Buy, known: Known, limits: Limits) -> Skip | None:
    """The buys of one session are worth no more than this together."""
    total = _sum(entry.value for entry in _of_day(buy, known)) + buy.value
    if total <= limits.day_value:
        return None
    most = f"at most {buy.money(limits.day_value)} (BOT_MAX_DAY_VALUE)"
    reason = f"the buys for the session of {buy.session} would come to {buy.money(total)}; {most}"
    return _limit(reason, day_value=total, max_day_value=limits.day_value)


def cooled_down(buy: Buy, known: Known, limits: Limits) -> Skip | None:
    """A share that was sold at a loss is left alone for a while."""
    lost_at = known.losses.get(buy.share_class)
    if lost_at is None or buy.at >= lost_at + limits.cooldown:
        return None
    until = f"{lost_at + limits.cooldown:%Y-%m-%d %H:%M} UTC (BOT_COOLDOWN)"
    reason = f"{buy.symbol} was sold at a loss on {lost_at:%Y-%m-%d}, and is not bought again before {until}"
    return _limit(reason, sold_at_a_loss=lost_at, cooldown=limits.cooldown.days)


def within_cash(buy: Buy, known: Known, limits: Limits) -> Skip | None:
    """A buy is paid, fee and all, from the cash that need not stay."""
    if buy.cost <= known.available - limits.cash_reserve:
        return None
    stays = f", of which {buy.money(limits.cash_reserve)} stay (BOT_CASH_RESERVE)" if limits.cash_reserve else ""
    short = f"only {buy.money(known.available)} is available{stays}"
    figures = {"cost": buy.cost, "available": known.available, "cash_reserve": limits.cash_reserve}
    return Skip(rule="cash", reason=f"it would cost {buy.money(buy.cost)} with fee, but {short}", figures=figures)


GUARDS: Final[tuple[Guard, ...]] = (
    within_order_value,
    within_name_value,
    within_cycle_orders,
    within_day_orders,
    within_day_value,
    cooled_down,
    within_cash,
)


def entry(intent: OrderIntent, order: Order, expected: Decimal) -> Entry:
    """A buy of ours as it counts: what was filled at its price, and what is `expected` of the rest while it is open."""
    return Entry(
        share_class=intent.instrument.share_class_figi,
        session=intent.session,
        decided_at=intent.created_at,
        filled=order.filled * (order.price or 0),
        pending=expected,
    )


def losses(orders: Iterable[tuple[OrderIntent, Order]]) -> dict[str, datetime]:
    """When each share class was last sold for less than it had cost on average; by our own fills, fees left out.

    The orders come oldest first.
    """
    held: dict[str, tuple[Decimal, Decimal]] = {}  # shares, and what they cost
    lost: dict[str, datetime] = {}
    for intent, order in orders:
        if not order.filled or order.price is None or order.updated_at is None:
            continue
        key = intent.instrument.share_class_figi
        shares, cost = held.get(key, (Decimal(0), Decimal(0)))
        if order.side is Side.BUY:
            held[key] = shares + order.filled, cost + order.filled * order.price
            continue
        if order.price * shares < cost:
            lost[key] = order.updated_at
        left = max(shares - order.filled, Decimal(0))
        held[key] = left, cost * left / shares if shares else Decimal(0)
    return lost


def burst(new: int, sessions: Iterable[date], today: date, limits: Limits) -> Breach | None:
    """Why so many new orders in one cycle are no market but a fault, or None.

    `sessions` are those that all earlier orders were meant for; what is usual they tell once they go back far enough.
    """
    earlier = [day for day in sessions if day < today]
    usual = Counter(day for day in earlier if day >= today - BUSY_WITHIN)
    most, why = limits.burst, "BOT_BURST"
    if usual and min(earlier) <= today - BUSY_WITHIN and (busy := BUSIER * max(usual.values())) < most:
        most, why = busy, f"{BUSIER} times the busiest of {BUSY_WITHIN.days} days"
    if new <= most:
        return None
    reason = f"{new} new orders in one cycle, more than {most} ({why}): none is placed"
    return Breach(rule="limit", reason=reason, figures={"new_orders": new, "burst": most})


def fall(worth: Decimal, highest: Decimal | None) -> Decimal:
    """The part of the highest worth that is lost; 0 where nothing is."""
    return max(1 - worth / highest, Decimal(0)) if highest else Decimal(0)


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Watches how far an account falls below the most it was known to be worth: by no more than `most`, a part of 1."""

    memory: Memory
    most: Decimal

    def highest(self, account: Account) -> Decimal | None:
        """The most it was known to be worth; None when it never was."""
        kept = self.memory.get(_name(account))
        return Decimal(kept) if kept else None

    def refusal(self, worth: Decimal | None, account: Account) -> Skip | None:
        """Why nothing is bought now, or None; a new high is remembered, and after a breach it is measured anew."""
        if worth is None:
            unknown = "a share it holds has no quote or no exchange rate"
            return Skip(rule="limit", reason=f"what the account is worth is not known: {unknown}", final=False)
        highest = self.highest(account)
        fell = fall(worth, highest)
        if highest is None or worth > highest or fell > self.most:
            self.memory.put(_name(account), decimal_text(worth))
        if highest is None or fell <= self.most:
            return None
        sums = f"{worth:,.2f} {account.currency}, {fell:.1%} below the {highest:,.2f} it was worth"
        reason = f"the account is worth {sums}; at most {self.most:.1%} (BOT_MAX_DRAWDOWN)"
        figures = {"worth": worth, "highest": highest, "fall": fell, "max_drawdown": self.most}
        return Breach(rule="limit", reason=reason, figures=figures)


def _name(account: Account) -> str:
    return f"highest worth of {account.id} in {account.currency}"


def _of_day(buy: Buy, known: Known) -> list[Entry]:
    return [entry for entry in (*known.past, *known.planned) if entry.session == buy.session]


def _sum(values: Iterable[Decimal]) -> Decimal:
    return sum(values, Decimal(0))


def _limit(reason: str, **figures: Decimal | int | datetime) -> Skip:
    return Skip(rule="limit", reason=reason, figures=figures)
