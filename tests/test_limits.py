"""The limits on buys, the burst and the drawdown: each by example and by property, and each seen to be what refuses."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import limits as module
from bot.app import opened
from bot.limits import GUARDS, Breach, Buy, Drawdown, Entry, Known, Limits, burst, entry, fall, losses, refusal
from bot.model import Order, OrderIntent, OrderStatus, Side, Skip
from bot.plain import plain
from bot.settings import Settings
from tests.builders import NOW, account, instrument, intent

TODAY = date(2026, 3, 4)
AMOUNTS = st.decimals(min_value=1, max_value=5000, places=2)
OPEN = [status for status in OrderStatus if not status.is_final]


class Remembers(dict[str, str]):
    """A memory without a store."""

    def put(self, name: str, value: str) -> None:
        self[name] = value


def buy(value: str = "1000", **changes: Any) -> Buy:
    """A buy of Northwind Robotics worth 1,000 USD, with a fee of 1, of which nothing is held."""
    facts: dict[str, Any] = {
        "symbol": "NWRB",
        "share_class": "N",
        "session": TODAY,
        "at": NOW,
        "value": Decimal(value),
        "cost": Decimal(value) + 1,
        "held": Decimal(0),
        "currency": "USD",
    }
    return Buy(**(facts | changes))


def bought(value: str = "1000", **changes: Any) -> Entry:
    """An order that is open, for the same share and session, decided a day ago."""
    facts: dict[str, Any] = {
        "share_class": "N",
        "session": TODAY,
        "decided_at": NOW - timedelta(days=1),
        "filled": Decimal(0),
        "pending": Decimal(value),
    }
    return Entry(**(facts | changes))


def known(**changes: Any) -> Known:
    """Nothing so far, and 100,000 available."""
    facts: dict[str, Any] = {"past": (), "planned": (), "losses": {}, "available": Decimal(100_000)}
    return Known(**(facts | changes))


def filled(value: str = "1000", **changes: Any) -> Entry:
    return bought("0", filled=Decimal(value), **changes)


LONG_AGO = NOW - timedelta(days=31)
CASES: list[tuple[str, Buy, Known, Limits, str, dict[str, Any]]] = [  # what is only just refused
    (
        "within_order_value", buy("10000.01"), known(), Limits(),
        "it would be worth 10,000.01 USD; no order may be worth more than 10,000.00 USD (BOT_MAX_ORDER_VALUE)",
        {"value": "10000.01", "max_order_value": "10000"},
    ),
    (
        "within_name_value", buy("1000.01", held=Decimal(18_000)), known(past=[bought()]), Limits(),
        "NWRB held or on order would come to 20,000.01 USD; at most 20,000.00 USD (BOT_MAX_NAME_VALUE)",
        {"name_value": "20000.01", "max_name_value": "20000"},
    ),
    (
        "within_name_value", buy("1000.01"), known(past=[filled("18000")], planned=[bought()]), Limits(),
        "NWRB bought within 30 days would come to 20,000.01 USD; at most 20,000.00 USD (BOT_MAX_NAME_VALUE)",
        {"name_value": "20000.01", "max_name_value": "20000"},
    ),
    (
        "within_cycle_orders", buy(), known(planned=[bought(share_class="other")] * 30), Limits(),
        "30 buys in one cycle are the most there may be (BOT_MAX_CYCLE_ORDERS)",
        {"cycle_orders": 30, "max_cycle_orders": 30},
    ),
    (
        "within_day_orders", buy(),
        known(past=[filled("0", share_class="other")] * 49, planned=[bought("1")]), Limits(),
        "50 buys for the session of 2026-03-04 are the most there may be (BOT_MAX_DAY_ORDERS)",
        {"day_orders": 50, "max_day_orders": 50},
    ),
    (
        "within_day_value", buy("1000.01"),
        known(past=[filled("9000", share_class="other")] * 5, planned=[bought("4000", share_class="third")]), Limits(),
        "the buys for the session of 2026-03-04 would come to 50,000.01 USD; at most 50,000.00 USD (BOT_MAX_DAY_VALUE)",
        {"day_value": "50000.01", "max_day_value": "50000"},
    ),
    (
        "cooled_down", buy(), known(losses={"N": NOW - timedelta(days=7) + timedelta(minutes=1)}), Limits(),
        "NWRB was sold at a loss on 2026-02-24, and is not bought again before 2026-03-03 15:01 UTC (BOT_COOLDOWN)",
        {"sold_at_a_loss": "2026-02-24T15:01:00+00:00", "cooldown": 7},
    ),
    (
        "within_cash", buy(), known(available=Decimal("1100.99")), Limits(),
        "it would cost 1,001.00 USD with fee, but only 1,100.99 USD is available, of which 100.00 USD stay"
        " (BOT_CASH_RESERVE)",
        {"cost": "1001", "available": "1100.99", "cash_reserve": "100"},
    ),
]  # fmt: skip
NAMES = [f"{number} {case[0]}" for number, case in enumerate(CASES)]


def test_every_guard_has_its_case() -> None:
    assert {guard.__name__ for guard in GUARDS} == {case[0] for case in CASES}


@pytest.mark.parametrize(("guard", "wish", "so_far", "limits", "words", "figures"), CASES, ids=NAMES)
def test_a_buy_beyond_a_limit_is_refused_for_good_with_the_numbers(
    guard: str, wish: Buy, so_far: Known, limits: Limits, words: str, figures: dict[str, Any]
) -> None:
    rule = "cash" if guard == "within_cash" else "limit"
    refused = refusal(wish, so_far, limits)
    assert refused == Skip(rule=rule, reason=words, final=True)
    assert plain(refused.figures) == figures


@pytest.mark.parametrize(("guard", "wish", "so_far", "limits"), [case[:4] for case in CASES], ids=NAMES)
def test_without_that_one_guard_the_buy_would_be_placed(
    guard: str, wish: Buy, so_far: Known, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GUARDS", tuple(each for each in GUARDS if each.__name__ != guard))
    assert refusal(wish, so_far, limits) is None


@pytest.mark.parametrize(
    ("wish", "so_far"),
    [
        (buy("10000"), known()),
        (buy(held=Decimal(18_000)), known(past=[bought()])),
        (buy(), known(past=[filled("18000", decided_at=LONG_AGO + timedelta(days=2))], planned=[bought()])),
        (buy(), known(past=[filled("20000", session=date(2026, 2, 1), decided_at=LONG_AGO)])),
        (buy(), known(past=[filled("20000", share_class="other")])),
        (buy(), known(planned=[bought(share_class="other")] * 29)),
        (buy(), known(past=[filled("0")] * 49)),
        (buy(), known(past=[filled("0", session=date(2026, 3, 3))] * 50)),
        (buy(), known(past=[filled("9800", share_class="other")] * 5)),
        (buy(), known(losses={"N": NOW - timedelta(days=7)})),
        (buy(), known(losses={"other": NOW})),
        (buy(), known(available=Decimal(1101))),
    ],
)
def test_up_to_the_very_limit_and_beside_it_nothing_is_refused(wish: Buy, so_far: Known) -> None:
    assert refusal(wish, so_far, Limits()) is None


def test_a_loss_may_be_forgotten_at_once_and_cash_may_be_spent_to_the_last_cent() -> None:
    none = Limits(cooldown=timedelta(0), cash_reserve=Decimal(0))
    assert refusal(buy(), known(losses={"N": NOW}, available=Decimal(1001)), none) is None
    short = refusal(buy(), known(available=Decimal(1000)), none)
    assert short is not None
    assert short.reason == "it would cost 1,001.00 USD with fee, but only 1,000.00 USD is available"


@given(
    st.lists(st.tuples(st.sampled_from("NHT"), AMOUNTS, st.sampled_from([3, 4])), max_size=30),
    st.builds(
        Limits,
        order_value=AMOUNTS,
        name_value=AMOUNTS,
        cycle_orders=st.integers(1, 9),
        day_orders=st.integers(1, 9),
        day_value=AMOUNTS,
        cash_reserve=st.decimals(min_value=0, max_value=1000, places=2),
    ),
    AMOUNTS,
)
def test_whatever_is_wished_no_limit_is_ever_exceeded(
    wishes: list[tuple[str, Decimal, int]], limits: Limits, cash: Decimal
) -> None:
    planned: list[Entry] = []
    left = cash
    for share_class, value, day in wishes:
        wish = buy(str(value), share_class=share_class, session=date(2026, 3, day))
        if refusal(wish, known(planned=planned, available=left), limits) is None:
            planned.append(wish.entry())
            left -= wish.cost
    assert all(one.value <= limits.order_value for one in planned)
    assert all(worth(planned, share_class=each) <= limits.name_value for each in "NHT")
    assert all(worth(planned, session=date(2026, 3, day)) <= limits.day_value for day in (3, 4))
    assert all(sum(one.session.day == day for one in planned) <= limits.day_orders for day in (3, 4))
    assert len(planned) <= limits.cycle_orders
    assert left >= limits.cash_reserve or not planned


def worth(entries: Sequence[Entry], **facts: Any) -> Decimal:
    return sum(
        (one.value for one in entries if all(getattr(one, name) == value for name, value in facts.items())), Decimal(0)
    )


# -- how orders count


def order(**changes: Any) -> tuple[OrderIntent, Order]:
    names = {"instrument", "created_at", "session", "side"} & changes.keys()
    placed = intent(**{name: changes.pop(name) for name in names})
    return placed, replace(placed.order(), **changes)


def test_what_is_filled_counts_at_its_price_and_the_rest_at_what_it_may_cost() -> None:
    part = order(status=OrderStatus.PARTIAL, filled=Decimal(10), price=Decimal(39))
    counted = entry(*part, Decimal("560.28"))
    assert (counted.filled, counted.pending, counted.value) == (390, Decimal("560.28"), Decimal("950.28"))
    assert (counted.share_class, counted.session, counted.decided_at) == (
        instrument().share_class_figi, date(2026, 3, 4), NOW
    )  # fmt: skip


def sold(price: str, quantity: int = 24, **changes: Any) -> tuple[OrderIntent, Order]:
    facts = {"status": OrderStatus.FILLED, "filled": Decimal(quantity), "price": Decimal(price), "updated_at": NOW}
    return order(side=Side.SELL, **(facts | changes))


def paid(price: str, quantity: int = 24, **changes: Any) -> tuple[OrderIntent, Order]:
    facts = {"status": OrderStatus.FILLED, "filled": Decimal(quantity), "price": Decimal(price), "updated_at": NOW}
    return order(**(facts | changes))


@pytest.mark.parametrize(
    ("orders", "is_lost"),
    [
        ([paid("40"), sold("39.99")], True),
        ([paid("40"), sold("40")], False),
        ([paid("40"), paid("50"), sold("44.99")], True),  # 45 on average
        ([paid("40"), paid("50"), sold("45")], False),
        ([paid("50"), sold("60"), paid("40"), sold("45")], False),  # what was sold is no longer in the average
        ([paid("50"), sold("60", 12), paid("40", 12), sold("44.99", 12)], True),  # half of it is
        ([paid("40"), sold("30", 0, status=OrderStatus.EXPIRED)], False),
        ([paid("40"), sold("30", 5, status=OrderStatus.PARTIAL)], True),  # as far as it went
        ([sold("30")], False),  # what it had cost nobody knows
        ([paid("40"), sold("30", instrument=instrument("HLCN"))], False),
    ],
)
def test_a_loss_is_a_sale_below_what_the_shares_cost_on_average(
    orders: list[tuple[OrderIntent, Order]], *, is_lost: bool
) -> None:
    assert losses(orders) == ({instrument().share_class_figi: NOW} if is_lost else {})


def test_the_last_loss_counts() -> None:
    later = NOW + timedelta(days=3)
    again = losses([paid("40"), sold("30", 12), sold("30", 12, updated_at=later)])
    assert again == {instrument().share_class_figi: later}


@given(st.lists(st.tuples(AMOUNTS, st.integers(1, 99)), min_size=1, max_size=5), AMOUNTS)
def test_a_sale_of_everything_is_a_loss_when_it_brings_less_than_was_paid(
    buys: list[tuple[Decimal, int]], price: Decimal
) -> None:
    shares = sum(quantity for _, quantity in buys)
    cost = sum(paid_each * quantity for paid_each, quantity in buys)
    found = losses([*(paid(str(each), quantity) for each, quantity in buys), sold(str(price), shares)])
    assert bool(found) is (price * shares < cost)


# -- the burst


def test_more_new_orders_than_any_day_has_are_a_fault() -> None:
    assert burst(40, [], TODAY, Limits()) is None
    assert burst(41, [], TODAY, Limits()) == Breach(
        rule="limit", reason="41 new orders in one cycle, more than 40 (BOT_BURST): none is placed"
    )


def days(*ago: int) -> list[date]:
    return [TODAY - timedelta(days=each) for each in ago]


@pytest.mark.parametrize(
    ("sessions", "most"),
    [
        (days(60, 9, 9), 6),
        (days(61, 9), 3),
        (days(59, 9, 9), 40),  # too young to know what is usual
        (days(90, 90, 90, 70), 40),  # nothing at all in 60 days says nothing
        (days(*[60] * 30), 40),  # the setting is the most in any case
        (days(60, 0, 0, 0, 0), 3),  # what belongs to today does not make today usual
        (days(60, *[-1] * 9), 3),
    ],
)
def test_three_times_the_busiest_of_60_days_are_a_fault_too(sessions: list[date], most: int) -> None:
    assert burst(most, sessions, TODAY, Limits()) is None
    breach = burst(most + 1, sessions, TODAY, Limits())
    assert isinstance(breach, Breach)
    assert f"more than {most} ({'BOT_BURST' if most == 40 else '3 times the busiest of 60 days'})" in breach.reason


@given(st.integers(0, 200), st.lists(st.integers(-3, 200), max_size=50), st.integers(1, 100))
def test_the_setting_is_never_exceeded_and_no_order_is_no_burst(new: int, ago: list[int], most: int) -> None:
    breach = burst(new, days(*ago), TODAY, Limits(burst=most))
    assert breach or new <= most
    assert breach is None or new > min(most, 3)


# -- the drawdown


def test_a_fall_by_more_than_a_fifth_is_a_breach_and_is_measured_anew_from_there() -> None:
    watch = Drawdown(Remembers(), Decimal("0.2"))
    assert watch.refusal(Decimal(100_000), account()) is None
    assert watch.refusal(Decimal(110_000), account()) is None
    assert watch.refusal(Decimal(88_000), account()) is None  # exactly
    assert watch.highest(account()) == 110_000
    breach = watch.refusal(Decimal("87999.99"), account())
    assert breach == Breach(
        rule="limit",
        reason="the account is worth 87,999.99 USD, 20.0% below the 110,000.00 it was worth; at most 20.0%"
        " (BOT_MAX_DRAWDOWN)",
    )
    assert breach is not None
    assert (breach.figures["highest"], breach.figures["max_drawdown"]) == (Decimal(110_000), Decimal("0.2"))
    assert watch.highest(account()) == Decimal("87999.99")
    assert watch.refusal(Decimal("87999.99"), account()) is None


def test_what_is_not_known_is_waited_for() -> None:
    memory = Remembers()
    skip = Drawdown(memory, Decimal("0.2")).refusal(None, account())
    assert skip is not None
    assert (type(skip), skip.rule, skip.final, memory) == (Skip, "limit", False, {})
    assert skip.reason.startswith("what the account is worth is not known")


def test_another_account_has_its_own_highest_worth() -> None:
    watch = Drawdown(Remembers(), Decimal("0.2"))
    assert watch.refusal(Decimal(100_000), account()) is None
    assert watch.refusal(Decimal(10), account(id="other")) is None
    assert watch.refusal(Decimal(10), account(currency="EUR")) is None
    assert isinstance(watch.refusal(Decimal(10), account()), Breach)


@given(
    st.lists(st.decimals(min_value=0, max_value=10**6, places=2), max_size=20),
    st.decimals(min_value=0, max_value="0.99", places=2),
)
def test_a_breach_is_a_fall_below_the_highest_since_the_last_one(worths: list[Decimal], most: Decimal) -> None:
    watch, highest = Drawdown(Remembers(), most), Decimal(0)
    for each in worths:
        is_far = bool(highest) and (highest - each) / highest > most
        assert isinstance(watch.refusal(each, account()), Breach) is is_far
        highest = each if is_far else max(highest, each)


def test_a_fall_is_a_part_of_the_highest_worth() -> None:
    assert fall(Decimal(75), Decimal(100)) == Decimal("0.25")
    assert fall(Decimal(125), Decimal(100)) == fall(Decimal(75), None) == fall(Decimal(0), Decimal(0)) == 0


# -- in force


def test_the_settings_are_the_limits_in_force() -> None:
    chosen = {"max_order_value": 1, "max_name_value": 2, "max_cycle_orders": 3, "max_day_orders": 4, "max_day_value": 5}
    more = {"burst": 6, "cash_reserve": 7, "cooldown": 8, "max_drawdown": Decimal("0.09")}
    with opened(Settings.of(**chosen, **more), clock=lambda: datetime(2026, 3, 4, tzinfo=UTC), fresh=True) as parts:
        assert parts.limits == Limits(
            order_value=Decimal(1),
            name_value=Decimal(2),
            cycle_orders=3,
            day_orders=4,
            day_value=Decimal(5),
            burst=6,
            cash_reserve=Decimal(7),
            cooldown=timedelta(days=8),
        )
        assert parts.drawdown.most == Decimal("0.09")


def test_the_defaults_of_the_settings_are_the_limits_own() -> None:
    with opened(Settings.of(), clock=lambda: NOW, fresh=True) as parts:
        assert parts.limits == Limits()


def test_a_bot_from_settings_watches_its_limits(tmp_path: Any) -> None:
    (tmp_path / "saved").mkdir()
    with opened(Settings.of(sources=("files:saved",), burst=6), clock=lambda: NOW, fresh=True) as parts:
        for bot in (parts.looking(), parts.acting()):
            assert bot.trader.limits.burst == 6
            assert bot.trader.drawdown is not None
