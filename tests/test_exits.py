"""Exits: what was bought is sold after so many sessions or at its stop, once for a purchase and session."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError, NotPaperError
from bot.exits import Exit, Exits, Held, OwnExit, Purchase, last_purchases
from bot.explain import explain
from bot.limits import Limits
from bot.market import Market
from bot.model import Fill, Holding, Order, OrderIntent, OrderStatus, Quote, Side, Signal, Skip
from bot.orders import client_order_id
from bot.plain import plain
from bot.store.database import open_database
from bot.views import ReadOnlyBroker
from tests.builders import FEW, NOW, decision, event, instrument, intent, quote, trade
from tests.fakes import Weekdays, bought, position
from tests.house import MORNING, OPENS, House
from tests.test_trader import Desk, followed

DAY = timedelta(days=1)
TWO = Exits(after=2)
STOP = Exits(stop=Decimal("0.15"))
WITHOUT = "without a quote in USD nobody knows whether it is to be sold (BOT_STOP)"


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A trader that holds 24 shares, bought at 40 half a year ago, and sells what is older than two sessions."""
    made = Desk(exits=TWO)
    held(made)
    yield made
    made.database.close()


@pytest.fixture
def house() -> Iterator[House]:
    """A bot that has bought 25 shares at 40 in the session of Tuesday, 3 March."""
    with closing(open_database("sqlite:///:memory:")) as database:
        made = House(database)
        made.run()
        made.quotes.price("NWRB", OPENS, "40")
        made.run(OPENS + timedelta(minutes=1))
        assert made.orders() == [("buy", "NWRB", 25, "filled")]
        yield made


def held(desk: Desk, quantity: int = 24, **changes: Any) -> None:
    bought(desk.store, quantity, **changes)
    desk.broker.held = [position(quantity=quantity)]


def exiting(house: House, exits: Exits) -> None:
    house.policy = replace(house.policy, exits=exits)


def purchase(**changes: Any) -> Purchase:
    facts: dict[str, Any] = {"quantity": Decimal(24), "price": Decimal(40), "currency": "USD"}
    return Purchase(**({"intent": intent()} | facts | changes))


def unasked() -> Quote:
    raise AssertionError("no stop needs a quote")


def standing(age: int, ask: Callable[[], Quote | Skip | None] = unasked, **changes: Any) -> Held:
    return Held(purchase=purchase(**changes), age=age, ask=ask)


# -- when


@pytest.mark.parametrize(
    ("now", "session"),
    [
        (OPENS + timedelta(hours=1), None),  # its own session
        (MORNING + DAY, None),
        (OPENS + DAY + timedelta(hours=1), None),  # the first after it is under way
        (OPENS + DAY + timedelta(hours=8), 5),  # the first is over: an order would go into the second
        (MORNING + 2 * DAY, 5),
        (OPENS + 2 * DAY + timedelta(hours=1), 5),
        (MORNING + 3 * DAY, 6),
        (MORNING + 4 * DAY, 9),  # a Saturday
    ],
)
def test_a_share_is_held_for_so_many_sessions(house: House, now: datetime, session: int | None) -> None:
    exiting(house, TWO)
    house.time.now = now
    planned = house.bot(looking=True).plan().intents
    assert [(each.side, each.quantity, each.session.day) for each in planned] == (
        [(Side.SELL, 25, session)] if session else []
    )


@pytest.mark.parametrize("days", [*range(1, 9)])
def test_days_on_which_the_venue_is_closed_do_not_count(house: House, days: int) -> None:
    exiting(house, Exits(after=days))
    last = [day for ahead in range(1, 14) if (day := OPENS.date() + ahead * DAY).weekday() < 5][days - 1]
    noon = datetime(last.year, last.month, last.day, 12, tzinfo=UTC)
    house.time.now = noon - DAY if (noon - DAY).weekday() < 5 else noon - 3 * DAY
    assert house.bot(looking=True).plan().intents == ()
    house.time.now = noon
    assert [each.session for each in house.bot(looking=True).plan().intents] == [last]


@pytest.mark.parametrize(
    ("bid", "is_sold"), [("40", False), ("34.0001", False), ("34", True), ("33.99", True), ("0.01", True)]
)
def test_a_stop_is_reached_when_the_bid_is_so_far_below_the_price_paid(bid: str, is_sold: bool) -> None:
    found = STOP.verdict(standing(0, lambda: quote(bid=Decimal(bid))))
    assert isinstance(found, Signal) is is_sold
    assert is_sold or found is None


@pytest.mark.parametrize("unknown", [None, quote(bid=Decimal(0)), quote(currency="EUR")])
def test_without_a_quote_a_stop_is_not_known_to_be_reached(unknown: Quote | None) -> None:
    assert STOP.verdict(standing(9, lambda: unknown)) == Skip(rule="no_quote", reason=WITHOUT, final=False)


def test_a_broker_that_cannot_be_asked_is_asked_again_soon() -> None:
    outage = Skip(rule="no_quote", reason="too many requests", final=False, outage=True)
    assert STOP.verdict(standing(9, lambda: outage)) == replace(outage, reason="too many requests (BOT_STOP)")


def test_what_is_due_anyway_needs_no_quote() -> None:
    found = replace(STOP, after=9).verdict(standing(9, unasked))
    assert found == Signal(
        side=Side.SELL, reason="bought on 2026-03-04, 9 sessions ago; it is held for 9 (BOT_EXIT_AFTER)"
    )


def test_an_exit_names_what_said_so() -> None:
    exits = Exits(after=9, stop=STOP.stop, said_as=("exit_after", "stop"))
    late, low = exits.verdict(standing(9, unasked)), exits.verdict(standing(0, lambda: quote(bid=Decimal(1))))
    assert isinstance(late, Signal)
    assert late.reason.endswith("it is held for 9 (exit_after)")
    assert isinstance(low, Signal)
    assert low.reason.endswith("and it is sold from 15% (stop) on")


def test_without_the_settings_nothing_is_ever_asked_or_sold(house: House) -> None:
    assert not Exits()
    assert Exits().verdict(standing(9_999)) is None
    house.time.now = MORNING + 100 * DAY
    assert house.bot(looking=True).plan().intents == ()


def test_without_the_settings_the_books_are_not_even_read(desk: Desk) -> None:
    nobody: Any = None
    trader = replace(desk.trader, store=nobody, policy=replace(desk.trader.policy, exits=Exits()))
    assert trader.intend((), MORNING) == ([], [])


# -- an exit of one's own


def own(function: Any) -> OwnExit:
    return OwnExit("mine:tired", function)


def test_an_exit_of_ones_own_is_told_its_purchase_its_age_its_quote_and_its_closes() -> None:
    def tired(held: Held) -> str:
        return f"{held.purchase.price} paid, {held.age} sessions, {held.quote().bid}, {held.closes()}"  # type: ignore[union-attr]

    held = replace(standing(7, quote), closes=lambda: [Decimal(39)])
    said = f"40 paid, 7 sessions, {quote().bid}, [Decimal('39')] (mine:tired)"
    assert Exits(own=own(tired)).verdict(held) == Signal(side=Side.SELL, reason=said)
    assert Exits(own=own(lambda _: None)).verdict(held) is None


def test_who_has_an_answer_is_not_kept_waiting_by_who_has_none() -> None:
    both = replace(STOP, own=own(lambda _: "tired\nof it"))
    assert both.verdict(standing(1, lambda: None)) == Signal(side=Side.SELL, reason="tired of it (mine:tired)")
    unknown = replace(STOP, own=own(lambda held: held.quote()))
    assert unknown.verdict(standing(1, lambda: None)) == Skip(rule="no_quote", reason=WITHOUT, final=False)


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda _: True, "the exit mine:tired must return why it is sold, a Skip, or None (found bool)"),
        (lambda _: " ", "it must say why in words (found str)"),
        (lambda _: Skip(rule="mine", reason=7), "it must say why in words (found int)"),  # type: ignore[arg-type]
        (lambda _: 1 / 0, "the exit mine:tired has a bug (test_exits.py, line "),
        (lambda: "tired", "the exit mine:tired has a bug: TypeError: "),
    ],
)
def test_an_exit_of_ones_own_that_gives_no_answer_is_told_and_asked_again(function: Any, problem: str) -> None:
    found = Exits(own=own(function)).verdict(standing(1))
    assert isinstance(found, Skip)
    assert (found.rule, found.final, found.outage) == ("exit", False, True)
    assert found.reason.startswith(problem)
    assert found.reason.endswith("(mine:tired)")


def test_what_a_broker_says_of_real_money_is_nobodys_bug() -> None:
    def real(_: Held) -> str:
        raise NotPaperError("live")

    with pytest.raises(NotPaperError):
        Exits(own=own(real)).verdict(standing(1))


def test_an_exit_that_cannot_tell_keeps_no_stop_from_selling_later_in_the_session(house: House) -> None:
    exiting(house, replace(STOP, own=own(lambda _: Skip(rule="mine", reason="cannot tell"))))
    assert house.run(MORNING + DAY) == []
    house.quotes.price("NWRB", MORNING + DAY, "33")
    house.run(MORNING + DAY)
    assert house.orders()[1:] == [("sell", "NWRB", 25, "working")]


def test_closes_are_told_in_the_currency_that_was_paid(desk: Desk) -> None:
    told: list[Any] = []
    day = date(2026, 3, 2)
    for session in Weekdays().between(day - 5 * DAY, day):
        desk.prices.price("NWRB", session.closes, "41")
    desk.trader = replace(
        desk.trader, policy=replace(desk.trader.policy, exits=Exits(own=own(lambda held: told.append(held.closes()))))
    )
    desk.intend()
    assert len(told[-1]) == 4
    assert set(told[-1]) == {41}
    market = Market(broker=desk.broker, rates=desk.trader.rates, prices=desk.prices, sessions=Weekdays(), now=MORNING)
    assert (len(market.closes("NWRB", "USD")), market.closes("NWRB", "EUR")) == (len(told[-1]), [])


def test_what_is_no_function_is_no_exit() -> None:
    with pytest.raises(ConfigError, match=r"^'mine:tired' is no exit: write a function"):
        own(3)


def test_an_exit_of_ones_own_sells_like_any_other(house: House) -> None:
    exiting(house, Exits(own=own(lambda held: "tired of it" if held.age >= 2 else None)))
    assert house.run(MORNING + DAY) == []
    house.run(MORNING + 2 * DAY)
    assert house.orders()[1:] == [("sell", "NWRB", 25, "working")]
    (told,) = [row for row in house.store.decided() if row["source"] == "exit"]
    assert told["reason"] == "tired of it (mine:tired)"


@given(
    price=st.decimals("0.01", 10_000, places=2),
    bid=st.decimals("0.01", 10_000, places=2),
    stop=st.decimals("0.01", "0.99", places=2),
)
def test_a_stop_never_sells_above_it(price: Decimal, bid: Decimal, stop: Decimal) -> None:
    found = Exits(stop=stop).verdict(standing(0, lambda: quote(bid=bid), price=price))
    assert isinstance(found, Signal) is (price - bid >= stop * price)


# -- of what


def pair(number: int, **changes: Any) -> tuple[OrderIntent, Order]:
    facts = {"decision_id": f"d-{number:024}", "session": date(2026, 3, number)}
    placed = intent(**(facts | {key: value for key, value in changes.items() if key in {"instrument", "side"}}))
    filled = changes.get("filled", 24)
    begun = replace(placed.order(), status=OrderStatus.FILLED, filled=Decimal(filled))
    return placed, replace(begun, price=Decimal(40 + number) if filled else None)


HELD = [Holding(symbol="NWRB", isin=None, quantity=Decimal(24))]


def test_the_last_purchase_of_a_share_counts() -> None:
    found = last_purchases([pair(2), pair(5), pair(4)], HELD, ())
    assert [(each.intent.session.day, each.price) for each in found] == [(5, 45)]


@pytest.mark.parametrize(
    "other",
    [
        pair(9, filled=0),
        pair(9, side=Side.SELL),
        pair(9, instrument=instrument("HLCN")),  # which is not held
    ],
)
def test_what_bought_nothing_that_is_held_is_no_purchase(other: tuple[OrderIntent, Order]) -> None:
    assert [each.intent.session.day for each in last_purchases([pair(2), other], HELD, ())] == [2]


def test_one_share_under_two_names_is_one_share() -> None:
    proven = instrument("NWRB", isin="US6655311099")
    both = [*HELD, Holding(symbol="NWRB", isin=proven.isin, quantity=Decimal(24))]
    assert [each.intent.session.day for each in last_purchases([pair(2), pair(3, instrument=proven)], both, ())] == [3]


def test_a_share_with_an_open_order_waits(desk: Desk) -> None:
    _, (sale,) = desk.intend()
    for side in Side:
        another = intent(side=side, client_order_id=client_order_id(side), decision_id=side, valid_until=NOW + DAY)
        desk.store.record([], [another], MORNING)
        assert desk.intend() == ([], [])
        desk.store.move(another.order(), replace(another.order(), status=OrderStatus.EXPIRED))
    assert desk.intend()[1] == [sale]


def test_what_others_have_bought_is_left_alone(desk: Desk) -> None:
    desk.broker.held = [position(quantity=100), position("HLCN", quantity=100)]
    _, (sale,) = desk.intend()
    assert (sale.instrument.symbol, sale.quantity) == ("NWRB", 24)


def test_what_is_gone_from_the_account_cannot_be_sold(desk: Desk) -> None:
    for held in ([position(quantity=10)], []):
        desk.broker.held = held
        (refused,), intents = desk.intend()
        assert (refused.verdict.rule, intents) == ("limit", [])
    desk.broker.held = [position(quantity=10)]
    desk.store.acknowledge([], [replace(each, quantity=Decimal(14)) for each in desk.store.holdings()])
    assert desk.intend()[1][0].quantity == 10


def test_what_was_written_off_is_not_sold(desk: Desk) -> None:
    desk.store.acknowledge([], desk.store.holdings())
    assert desk.intend() == ([], [])


@FEW
@given(
    purchases=st.lists(st.tuples(st.integers(1, 50), st.integers(1, 9)), min_size=1, max_size=4),
    there=st.integers(0, 120),
    officers=st.lists(st.integers(1, 3), max_size=2, unique=True),
)
def test_all_that_one_plan_sells_is_never_more_than_our_fills_hold(
    purchases: list[tuple[int, int]], there: int, officers: list[int]
) -> None:
    desk = Desk(exits=Exits(after=3, stop=Decimal("0.5")))
    with closing(desk.database):
        for quantity, days in purchases:
            bought(desk.store, quantity, at=MORNING - days * DAY)
        desk.broker.held = [position(quantity=there)] if there else []
        sales = [followed(code="S", owner=f"Officer {day}", filed_on=date(2026, 3, day)) for day in officers]
        settled, intents = desk.intend(*sales)
        ours = sum(quantity for quantity, _ in purchases)
        assert sum(each.quantity for each in intents) <= min(ours, there)
        desk.store.record(settled, intents, MORNING)
        assert desk.intend()[1] == []


# -- one order


facts = st.fixed_dictionaries(
    {
        "account": st.sampled_from(["paper", "second"]),
        "strategy": st.sampled_from(["executives", "another"]),
        "instrument": st.sampled_from([instrument(), instrument("HLCN")]),
        "decision_id": st.sampled_from(["d-1", "d-2"]),
    }
)
days = st.sampled_from([date(2026, 3, 4), date(2026, 3, 5)])


@given(facts, days, facts, days)
def test_an_exit_is_the_same_one_exactly_when_purchase_and_session_are(
    one: dict[str, Any], day: date, other: dict[str, Any], another: date
) -> None:
    bad = Skip(rule="no_quote", reason="unknown")
    first = Exit(purchase=purchase(intent=intent(**one)), session=day, verdict=bad)
    later = intent(**other, quantity=Decimal(7), created_at=NOW + DAY, client_order_id="itb-other")
    second = Exit(
        purchase=purchase(intent=later, price=Decimal(1)), session=another, verdict=Signal(side=Side.SELL, reason="")
    )
    is_same = (one, day) == (other, another)
    assert (first.decision_id == second.decision_id) is is_same
    assert (first.key == second.key) is is_same


def test_the_identity_of_an_exit_never_changes_from_one_version_to_the_next() -> None:
    made = Exit(purchase=purchase(), session=date(2026, 3, 5), verdict=Skip(rule="no_quote", reason="unknown"))
    assert (made.decision_id, made.key) == ("d-b5832ceb2923cd419b778e62", "x-b5832ceb2923cd419b778e62")


def test_an_exit_is_decided_once_for_a_session_and_again_for_the_next(house: House) -> None:
    exiting(house, TWO)
    house.run(MORNING + 2 * DAY)
    assert house.orders()[1:] == [("sell", "NWRB", 25, "working")]
    house.run(OPENS + 2 * DAY + timedelta(hours=7))  # nobody has quoted it in its session
    assert house.orders()[1:] == [("sell", "NWRB", 25, "expired"), ("sell", "NWRB", 25, "working")]
    assert [placed.session.day for placed, _ in house.store.orders()] == [3, 5, 6]
    house.quotes.price("NWRB", OPENS + 3 * DAY, "41")
    house.run(OPENS + 3 * DAY + timedelta(minutes=1))
    house.run(MORNING + 6 * DAY)
    assert house.orders()[2:] == [("sell", "NWRB", 25, "filled")]
    assert house.store.holdings() == []


@pytest.mark.parametrize("status", [OrderStatus.EXPIRED, OrderStatus.REJECTED, OrderStatus.CANCELED])
def test_a_sale_that_came_to_nothing_is_not_tried_twice_in_one_session(desk: Desk, status: OrderStatus) -> None:
    settled, intents = desk.intend()
    desk.store.record(settled, intents, MORNING)
    begun = intents[0].order()
    desk.store.move(begun, replace(begun, status=status))
    assert desk.intend(now=OPENS + timedelta(hours=1)) == ([], [])
    (again,) = desk.intend(now=MORNING + DAY)[1]
    assert (again.session, again.decision_id != intents[0].decision_id) == (OPENS.date() + DAY, True)


def test_a_strategy_of_another_name_does_not_sell_a_second_time_in_a_session(desk: Desk) -> None:
    settled, intents = desk.intend()
    desk.store.record(settled, intents, MORNING)
    desk.store.move(intents[0].order(), replace(intents[0].order(), status=OrderStatus.EXPIRED))
    desk.trader = replace(desk.trader, policy=replace(desk.trader.policy, strategy="clusters"))
    assert desk.intend() == ([], [])


def test_of_what_only_a_part_was_sold_the_rest_is_sold_in_the_next_session(desk: Desk) -> None:
    settled, intents = desk.intend()
    desk.store.record(settled, intents, MORNING)
    begun = intents[0].order()
    part = Fill(
        client_order_id=begun.client_order_id, symbol="NWRB", side=Side.SELL, quantity=Decimal(10), price=Decimal(40),
        fee=Decimal(0), currency="USD", at=NOW,
    )  # fmt: skip
    over = replace(begun, status=OrderStatus.EXPIRED, filled=Decimal(10), price=Decimal(40))
    desk.store.move(begun, over, part)
    assert desk.intend(now=NOW) == ([], [])
    assert [each.quantity for each in desk.intend(now=MORNING + DAY)[1]] == [14]


def test_who_buys_and_who_is_due_in_one_session_come_to_no_order(desk: Desk) -> None:
    settled, intents = desk.intend(followed())
    assert intents == []
    assert [(each.verdict.rule, each.verdict.reason) for each in settled] == 2 * [
        ("limit", "NWRB is both to be bought and to be sold: no order in either direction")
    ]


def test_an_officers_sale_and_an_exit_in_one_plan_are_one_order(desk: Desk) -> None:
    (sold, left), (sale,) = desk.intend(followed(code="S"))
    assert (sold.client_order_id, sale.quantity) == (sale.client_order_id, 24)
    assert left.verdict == Skip(rule="not_held", reason="another order sells all of it already")


def test_while_halted_nothing_is_sold_and_afterwards_it_is(desk: Desk) -> None:
    desk.store.halt("on holiday", MORNING)
    settled, intents = desk.intend()
    assert ([each.verdict for each in settled], intents) == (
        [Skip(rule="halted", reason="on holiday", final=False)],
        [],
    )
    desk.store.record(settled, intents, MORNING)
    desk.store.halt(None, MORNING)
    assert len(desk.intend()[1]) == 1


def test_entry_now_means_exit_now() -> None:
    desk = Desk(exits=TWO, entry="now")
    with closing(desk.database):
        held(desk)
        assert desk.intend() == ([], [])
        assert [each.session for each in desk.intend(now=NOW)[1]] == [NOW.date()]


def test_exits_are_no_burst_of_orders(desk: Desk) -> None:
    desk.trader = replace(desk.trader, limits=Limits(burst=1))
    for symbol in ("HLCN", "TDWT"):
        bought(desk.store, 24, symbol)
    desk.broker.held = [position(symbol, quantity=24) for symbol in ("NWRB", "HLCN", "TDWT")]
    settled, intents = desk.intend()
    assert ([type(each.verdict) for each in settled], len(intents)) == ([Signal] * 3, 3)


def test_a_stop_that_nobody_can_tell_is_said_and_decided_again(house: House) -> None:
    exiting(house, STOP)
    house.quotes.known.clear()
    house.run(MORNING + DAY)
    (told,) = [row for row in house.store.decided() if row["source"] == "exit"]
    assert (told["decision"], told["rule"], told["reason"]) == ("skip", "no_quote", WITHOUT)
    house.quotes.price("NWRB", MORNING + DAY, "33")
    house.run()
    assert house.orders()[1:] == [("sell", "NWRB", 25, "working")]


# -- what is seen of it


def test_a_dry_run_shows_the_exit_and_changes_nothing(house: House) -> None:
    exiting(house, STOP)
    house.quotes.price("NWRB", OPENS + timedelta(hours=6), "33")
    house.time.now = MORNING + DAY
    before = (house.store.decided(), house.orders())
    looked = house.bot(looking=True)
    assert isinstance(looked.trader.broker, ReadOnlyBroker)
    plan = looked.plan()
    assert (house.store.decided(), house.orders()) == before
    executed, orders = house.bot().run()
    assert executed == plan
    assert [order.client_order_id for order in orders] == [each.client_order_id for each in plan.intents]
    assert [order.side for order in orders] == [Side.SELL]


def test_the_numbers_of_an_exit_are_told_as_such(house: House) -> None:
    exiting(house, replace(STOP, after=9))
    house.quotes.price("NWRB", OPENS + timedelta(hours=6), "33")
    house.run(MORNING + DAY)
    (told,) = [row for row in house.store.decided() if row["source"] == "exit"]
    assert told["evidence"]["figures"] == {
        "bought": "25", "bought_on": "2026-03-03", "paid": "40", "age": 1, "exit_after": 9, "stop": "0.15",
        "bid": "33", "currency": "USD", "quantity": "25", "value": "825", "cost": "0",
    }  # fmt: skip


def test_an_exit_is_explained_from_the_purchase_to_the_fill(house: House) -> None:
    exiting(house, STOP)
    (bought_by,) = [row["client_order_id"] for row in house.store.decided()]
    house.quotes.price("NWRB", OPENS + timedelta(hours=6), "33")
    (sale,) = house.run(MORNING + DAY)
    (row,) = house.store.decided(about=sale.client_order_id)
    assert (row["source"], row["side"], row["decision"]) == ("exit", "sell", "sell")
    assert (
        row["reason"]
        == "paid 40.00 USD on 2026-03-03, bid 33.00 USD: 17.5% below, and it is sold from 15% (BOT_STOP) on"
    )
    lines = explain(row, plain(sale), [])
    assert lines == [
        f"NWRB  insiderbot, exit: SELL   [{row['event_key']}]",
        f"  purchase    {bought_by}: 25 NWRB at 40.00 USD on 2026-03-03",
        f"  exit        {row['reason']}",
        f"  instrument  {'; '.join(instrument().proof)}",
        "  session     XNYS 2026-03-04, 14:30 to 21:00 UTC",
        "  size        sell all 25 shares bought, bid 33.00 USD",
        f"  order       {sale.client_order_id}: sell 25 NWRB",
    ]


def test_an_exit_is_no_part_of_the_past_of_its_company(house: House) -> None:
    exiting(house, Exits(after=1))
    house.run(MORNING + DAY)
    seen = event(trade=trade(owner="Brandt Ilse"))
    assert set(house.store.past([seen])["source"]) == {"invented"}
    assert decision(event=seen) in house.store.unseen([decision(event=seen)])


def test_a_calendar_counts_the_sessions_from_the_first_day_to_the_last() -> None:
    assert [each.day.day for each in Weekdays().between(date(2026, 3, 6), date(2026, 3, 9))] == [6, 9]
