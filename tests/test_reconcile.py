"""Our books against the broker's: what is taken up again, what is canceled, and what halts the bot."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.errors import BrokerError
from bot.model import Account, Fill, Holding, Order, OrderStatus, Side
from bot.orders import Desk
from bot.reconcile import Findings, Reconciler, compare, missing, reset
from bot.store.database import open_database
from bot.store.repository import Repository
from tests.builders import NOW, account, intent, order
from tests.fakes import Fault, ScriptedBroker, Time, position

KEY = order().client_order_id
OTHER = "itb-" + "z" * 26
LIVE = [OrderStatus.WORKING, OrderStatus.PARTIAL, OrderStatus.FILLED]


def theirs(status: OrderStatus, number: str = "b-1", key: str = KEY) -> Order:
    return order(status=status, broker_order_id=number, client_order_id=key)


def found(ours: Order, *listed: Order) -> Findings:
    return compare({ours.client_order_id: ours}, listed)


# -- the comparison


@pytest.mark.parametrize("status", list(OrderStatus))
def test_books_that_agree_say_nothing(status: OrderStatus) -> None:
    """Nor does an order that is further at the broker than here: whoever looks it up will see."""
    ours = theirs(status)
    assert found(ours) == Findings()
    if not status.is_final:
        for further in (OrderStatus.INACTIVE, *LIVE, OrderStatus.CANCELED):
            assert found(ours, theirs(further)) == Findings()


@pytest.mark.parametrize("over", [OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELED])
@pytest.mark.parametrize("status", LIVE)
def test_what_is_over_here_and_lives_there_is_taken_up_again(over: OrderStatus, status: OrderStatus) -> None:
    ours = order(status=over)
    assert found(ours, theirs(status)).revived == ((ours, theirs(status)),)
    assert found(replace(ours, broker_order_id="b-1"), theirs(status)).breach is None


def test_what_was_seen_to_be_over_after_the_list_may_have_been_made_is_over() -> None:
    ours = order(status=OrderStatus.CANCELED, broker_order_id="b-1", updated_at=NOW)
    alive = theirs(OrderStatus.WORKING)
    assert compare({KEY: ours}, [alive], shown_by=NOW - timedelta(seconds=1)).revived == ()
    assert compare({KEY: ours}, [alive], shown_by=NOW).revived == ((ours, alive),)


@pytest.mark.parametrize("over", [OrderStatus.EXPIRED, OrderStatus.CANCELED])
def test_what_is_over_on_both_sides_and_was_filled_there_is_taken_up_again(over: OrderStatus) -> None:
    ours, partly = order(status=over), replace(theirs(OrderStatus.CANCELED), filled=Decimal(5), price=Decimal(40))
    assert found(ours, partly).revived == ((ours, partly),)
    assert found(replace(ours, filled=Decimal(5)), partly) == Findings()


def test_what_was_filled_is_over_for_both() -> None:
    assert found(theirs(OrderStatus.FILLED), theirs(OrderStatus.FILLED)) == Findings()


def test_another_order_that_lives_under_the_key_is_a_breach() -> None:
    ours = order(status=OrderStatus.WORKING, broker_order_id="b-1")
    assert "lives at the broker as b-2, and was placed as b-1" in (
        found(ours, theirs(OrderStatus.WORKING, "b-2")).breach or ""
    )


@pytest.mark.parametrize("status", [OrderStatus.PARTIAL, OrderStatus.FILLED, OrderStatus.EXPIRED])
def test_fewer_shares_than_were_filled_before_are_a_breach_once_all_of_them_must_be_shown(status: OrderStatus) -> None:
    ours = replace(theirs(status), filled=Decimal(7), price=Decimal(40), updated_at=NOW)
    less = replace(theirs(OrderStatus.WORKING), filled=Decimal(6), price=Decimal(40))
    books = {KEY: ours}
    for shown_by in (None, NOW):
        assert "6 of 24 shares" in (compare(books, [less], shown_by=shown_by).breach or "")
        assert compare(books, [replace(less, filled=Decimal(7))], shown_by=shown_by).breach is None
    assert compare(books, [less], shown_by=NOW - timedelta(seconds=1)).breach is None
    other = replace(less, broker_order_id="b-2", status=OrderStatus.CANCELED, filled=Decimal(0))
    assert compare(books, [other]).breach is None


@pytest.mark.parametrize("ours", [OrderStatus.SUBMITTING, OrderStatus.WORKING, OrderStatus.CANCELED])
def test_two_live_orders_under_one_key_are_a_breach(ours: OrderStatus) -> None:
    both = (theirs(OrderStatus.FILLED), theirs(OrderStatus.WORKING, "b-2"))
    assert f"2 live orders under {KEY}" in (found(order(status=ours), *both).breach or "")


@pytest.mark.parametrize("ours", [status for status in OrderStatus if not status.is_final])
def test_an_inactive_order_whose_key_is_open_is_never_canceled(ours: OrderStatus) -> None:
    recorded = None if ours in {OrderStatus.INTENT, OrderStatus.SUBMITTING} else "b-1"
    stands = order(status=ours, broker_order_id=recorded)
    assert found(stands, theirs(OrderStatus.INACTIVE)).stray == ()


def test_an_inactive_order_that_nobody_will_activate_is_canceled() -> None:
    twin = theirs(OrderStatus.INACTIVE, "b-2")
    assert found(theirs(OrderStatus.WORKING), theirs(OrderStatus.WORKING), twin).stray == ("b-2",)
    assert found(order(status=OrderStatus.EXPIRED), twin).stray == ("b-2",)
    assert found(order(status=OrderStatus.EXPIRED), replace(twin, status=OrderStatus.CANCELED)).stray == ()


def test_orders_of_ours_that_are_not_known_here_are_a_breach_and_those_of_others_are_none() -> None:
    foreign = theirs(OrderStatus.WORKING, "b-9", key="somebody-else")
    assert compare({}, [foreign, replace(foreign, client_order_id="")]) == Findings()
    lost = compare({}, [theirs(OrderStatus.INACTIVE, "b-3", OTHER), theirs(OrderStatus.WORKING), foreign])
    assert (lost.disputed, lost.stray) == ((OTHER, KEY), ("b-3",))
    assert f"2 orders of ours that this database does not know, such as {OTHER}" in (lost.breach or "")


def test_what_may_be_an_open_order_under_a_wrong_key_is_not_canceled() -> None:
    """A broker that misnames an order must not make us cancel it; the bot halts, and looks at it by its own key."""
    sent = order(status=OrderStatus.SUBMITTING, attempts=1)
    misnamed = theirs(OrderStatus.INACTIVE, "b-3", OTHER)

    def stray(waiting: Order, listed: Order = misnamed, **ours: Order) -> tuple[str, ...]:
        return compare({order.client_order_id: order for order in ours.values()}, [listed], waiting=[waiting]).stray

    assert stray(sent) == stray(replace(sent, status=OrderStatus.INTENT)) == ()
    assert stray(replace(sent, isin="US6655311099"), replace(misnamed, isin="US6655311099", symbol="THEIRS")) == ()
    for other in ({"attempts": 0}, {"symbol": "HLCN"}, {"side": Side.SELL}, {"broker_order_id": "b-1"}):
        assert stray(replace(sent, **other)) == ("b-3",)
    assert stray(theirs(OrderStatus.INACTIVE, "b-3")) == ()
    over = order(client_order_id=OTHER, status=OrderStatus.EXPIRED)
    assert stray(sent, over=over) == ("b-3",)
    assert stray(theirs(OrderStatus.ACTIVATING, "b-3"), over=over) == ()


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"side": Side.SELL}, "with side sell where buy was sent"),
        ({"quantity": Decimal(999)}, "with quantity 999 where 24 was sent"),
        ({"symbol": "HLCN"}, "of HLCN"),
    ],
)
@pytest.mark.parametrize("over", [OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.SUBMITTING])
def test_another_order_under_our_key_is_a_breach_and_is_not_taken_for_ours(
    over: OrderStatus, changes: dict[str, Any], difference: str
) -> None:
    ours = order(status=over, attempts=1)
    for status in (OrderStatus.WORKING, OrderStatus.INACTIVE):
        told = compare({KEY: ours}, [replace(theirs(status), **changes)], waiting=[ours])
        assert told.breach == f"the broker has another order under {KEY}, {difference}"
        assert (told.revived, told.disputed) == ((), (KEY,))


def test_the_broker_may_call_a_share_by_another_symbol_where_it_names_its_isin() -> None:
    ours = order(status=OrderStatus.WORKING, broker_order_id="b-1", isin="US6655311099")
    listed = replace(theirs(OrderStatus.WORKING), symbol="NORTHWIND ROBOTICS", isin="US6655311099")
    assert found(ours, listed) == Findings()


def test_an_open_order_that_is_listed_under_another_key_of_ours_is_not_canceled() -> None:
    sent = order(status=OrderStatus.SUBMITTING, attempts=1)
    other = order(client_order_id=OTHER, status=OrderStatus.WORKING, broker_order_id="b-2", symbol="HLCN")
    told = compare({OTHER: other, KEY: sent}, [theirs(OrderStatus.INACTIVE, "b-1", OTHER)], waiting=[sent, other])
    assert (told.stray, told.disputed) == ((), (OTHER,))


def test_more_than_was_ordered_and_a_second_order_that_was_filled_are_breaches() -> None:
    full = replace(theirs(OrderStatus.FILLED), filled=Decimal(24), price=Decimal(40))
    more = replace(full, filled=Decimal(30))
    assert "30 of 24 shares" in (found(full, more).breach or "")
    twin = replace(theirs(OrderStatus.CANCELED, "b-2"), filled=Decimal(5), price=Decimal(40))
    assert f"2 live orders under {KEY}" in (found(full, full, twin).breach or "")


def test_every_breach_is_told_but_for_a_great_many() -> None:
    keys = [f"itb-{letter * 26}" for letter in "abcde"]
    books = {key: order(client_order_id=key, status=OrderStatus.WORKING, broker_order_id="b-1") for key in keys}
    told = compare(books, [theirs(OrderStatus.WORKING, "b-2", key) for key in keys])
    assert (told.breach or "").count("lives at the broker as b-2") == 3
    assert (told.breach or "").endswith("; and 2 more")


def test_what_somebody_has_seen_is_no_breach_again_and_is_canceled_all_the_same() -> None:
    unknown = theirs(OrderStatus.INACTIVE, "b-3", OTHER)
    again = compare({}, [unknown], acknowledged={OTHER})
    assert (again.breach, again.disputed, again.stray) == (None, (), ("b-3",))


def test_a_sale_that_lives_there_and_is_not_known_here_is_a_breach_until_it_is_over() -> None:
    """It may sell the very shares that we would sell next."""
    for status, is_breach in ((OrderStatus.WORKING, True), (OrderStatus.PARTIAL, True), (OrderStatus.FILLED, False)):
        sale = replace(theirs(status, "b-3", OTHER), side=Side.SELL)
        assert (compare({}, [sale], acknowledged={OTHER}).breach is not None) == is_breach
        assert compare({}, [replace(sale, side=Side.BUY)], acknowledged={OTHER}).breach is None


def held(symbol: str = "NWRB", isin: str | None = None) -> Holding:
    return Holding(symbol=symbol, isin=isin, quantity=Decimal(24))


def test_shares_that_an_open_sale_may_have_sold_are_not_missing() -> None:
    sale = order(side=Side.SELL, quantity=Decimal(24), status=OrderStatus.WORKING)
    assert missing([held()], [], [position()]) == missing([held()], [sale], []) == []
    assert missing([held()], [replace(sale, side=Side.BUY)], []) == [held()]
    assert missing([held()], [replace(sale, symbol="HLCN")], []) == [held()]
    (left,) = missing([held()], [replace(sale, filled=Decimal(10))], [position(quantity=3)])
    assert left.quantity == 24 - 14 - 3
    assert missing([held(isin="US6655311099")], [], [replace(position("THEIRS"), isin="US6655311099")]) == []


def test_the_account_is_the_same_with_what_was_bought_but_for_a_part_of_one_share() -> None:
    here: Account = account()
    part = replace(held(), quantity=Decimal(3))
    assert reset(None, here, [], []) is None
    assert reset(here.id, here, [part], [position()]) is None
    assert "orders were placed in another" in (reset("another", here, [], []) or "")
    for gone in ([held()], [part, held("HLCN")]):
        assert f"less than was bought of {len(gone)} shares, such as NWRB" in (
            reset(here.id, here, gone, [position("TDWT")]) or ""
        )


# -- what is done about it


@pytest.fixture
def store() -> Iterator[Repository]:
    with closing(open_database("sqlite:///:memory:")) as database:
        made = Repository(database)
        made.record([], [intent()], NOW)
        yield made


def over(store: Repository, **changes: Any) -> Order:
    """The order is sent, and over."""
    sent = store.move(order(), order(status=OrderStatus.SUBMITTING, attempts=1, updated_at=NOW))
    return store.move(sent, replace(sent, status=OrderStatus.REJECTED, reason="no", updated_at=NOW, **changes))


def test_an_order_that_arrives_after_its_refusal_is_followed_to_its_end(store: Repository) -> None:
    over(store)
    broker = ScriptedBroker()
    broker.book[KEY] = theirs(OrderStatus.WORKING)
    broker.fill(24, "40")
    (after,) = Desk(broker, store, Time()).work()
    assert (after.status, after.filled, after.broker_order_id) == (OrderStatus.FILLED, 24, "b-1")
    steps = [step["after"] for step in store.life(KEY)]
    assert steps == ["submitting", "rejected", "working", "filled"]
    assert store.halted() is None
    assert broker.calls == ["find"]


def test_a_late_twin_is_canceled_and_the_order_goes_on(store: Repository) -> None:
    class Doubling(ScriptedBroker):
        def orders(self, since: datetime) -> list[Order]:
            return [*super().orders(since), replace(theirs(OrderStatus.INACTIVE, "b-twin"))]

    broker = Doubling()
    Desk(broker, store, Time()).work()
    Desk(broker, store, Time()).work()
    assert broker.calls.count("cancel") == 1
    assert store.known([KEY])[KEY].status is OrderStatus.WORKING


class Listing(ScriptedBroker):
    """A broker with further orders on its list, of which some cannot be canceled."""

    def __init__(self, *further: Order, stuck: str = "") -> None:
        super().__init__()
        self.further = further
        self.canceled: list[str] = []
        self._stuck = stuck

    def orders(self, since: datetime) -> list[Order]:
        return [*super().orders(since), *self.further]

    def cancel(self, broker_order_id: str) -> None:
        if broker_order_id == self._stuck:
            raise BrokerError("it cannot be deleted in this state")
        self.canceled.append(broker_order_id)
        super().cancel(broker_order_id)


def test_what_is_over_only_now_is_watched_however_old_it_is(store: Repository) -> None:
    asked: list[datetime] = []

    class Asked(ScriptedBroker):
        def orders(self, since: datetime) -> list[Order]:
            asked.append(since)
            return list(super().orders(since))

    clock = Time(NOW + timedelta(days=10))
    (after,) = Desk(Asked(), store, clock).work()
    assert after.status is OrderStatus.EXPIRED
    for days, is_watched in ((1, True), (6, True), (8, False)):
        clock.now = NOW + timedelta(days=10 + days)
        Desk(Asked(), store, clock).work()
        assert (asked[-1] < intent().created_at) == is_watched


def test_an_order_that_nobody_can_look_up_is_over_when_nothing_can_come_of_it(store: Repository) -> None:
    store.move(order(), order(status=OrderStatus.SUBMITTING, attempts=1, updated_at=NOW))
    broker, clock = ScriptedBroker(), Time()
    for days in range(6):
        clock.now = NOW + timedelta(days=days)
        broker.faults["find"] = Fault(BrokerError("a name that is no text"))
        Desk(broker, store, clock).work()
    ours = store.known([KEY])[KEY]
    assert (ours.status, ours.reason) == (
        OrderStatus.EXPIRED,
        "nobody could tell whether it was taken (a name that is no text); look at the broker's books",
    )


def test_a_stray_that_cannot_be_canceled_keeps_nothing_else_from_being_done(store: Repository) -> None:
    strays = [theirs(OrderStatus.INACTIVE, number, OTHER) for number in ("b-8", "b-9")]
    broker = Listing(*strays, stuck="b-8")
    Desk(broker, store, Time()).work()
    assert "orders of ours that this database does not know" in (store.halted() or "")
    assert broker.canceled == ["b-9"]
    store.halt(None, NOW)
    (after,) = Desk(broker, store, Time()).work()
    assert (after.status, store.halted()) == (OrderStatus.WORKING, None)


def test_what_is_found_while_the_bot_is_halted_halts_it_again(store: Repository) -> None:
    """Nobody was told of it, so nobody has seen it: not another account, and not a second live order."""
    broker = Listing()
    Desk(broker, store, Time()).work()
    store.halt("maintenance", NOW)
    broker.further = (theirs(OrderStatus.WORKING, "b-twin"),)
    Desk(broker, store, Time()).work()
    assert (store.halted(), store.acknowledged()) == ("maintenance", set())
    store.halt(None, NOW)
    Desk(broker, store, Time()).work()
    assert f"2 live orders under {KEY}" in (store.halted() or "")
    assert store.acknowledged() == {KEY}


def test_another_account_that_comes_while_the_bot_is_halted_is_not_settled_in(store: Repository) -> None:
    class Other(ScriptedBroker):
        def account(self) -> Account:
            return account(id="another")

    Reconciler(ScriptedBroker(), store, Time()).work()
    store.halt("maintenance", NOW)
    broker = Other()
    Desk(broker, store, Time()).work()
    assert store.broker_account() != "another"
    store.halt(None, NOW)
    Desk(broker, store, Time()).work()
    assert "the broker shows account another" in (store.halted() or "")
    assert "submit" not in broker.calls


def test_flattening_cancels_what_lives_there_whatever_the_books_say_of_it(store: Repository) -> None:
    twin = theirs(OrderStatus.WORKING, "b-twin")
    broker = Listing()
    Desk(broker, store, Time()).work()
    broker.further = (twin, theirs(OrderStatus.WORKING, "b-other", "somebody-else"))
    Desk(broker, store, Time()).work()
    assert f"2 live orders under {KEY}" in (store.halted() or "")
    store.halt("by hand", NOW, flatten=True)
    Desk(broker, store, Time()).work()
    assert broker.canceled == [store.known([KEY])[KEY].broker_order_id, "b-twin"]


@pytest.mark.parametrize("call", ["orders"])
def test_without_the_brokers_books_nothing_is_sent(store: Repository, call: str) -> None:
    broker = ScriptedBroker()
    broker.faults[call] = Fault(BrokerError("a page is missing"))
    (after,) = Desk(broker, store, Time()).work()
    assert (after.status, broker.calls) == (OrderStatus.INTENT, [])


def test_books_that_change_while_they_are_read_are_read_again_later(store: Repository) -> None:
    class Moving(ScriptedBroker):
        reads = 0

        def orders(self, since: datetime) -> list[Order]:
            self.reads += 1
            return [theirs(OrderStatus.WORKING, f"b-{self.reads}", "somebody-else")]

    with pytest.raises(BrokerError, match="changed while they were read"):
        Reconciler(Moving(), store, Time()).work()


def test_an_account_that_was_reset_halts_once_and_is_the_account_from_then_on(store: Repository) -> None:
    broker, clock = ScriptedBroker(), Time()
    Desk(broker, store, clock).work()
    broker.fill(24, "40")
    Desk(broker, store, clock).work()
    assert store.holdings() == [held()]
    broker.held = []
    Desk(broker, store, clock).work()
    assert store.halted() is None  # so shortly after the purchase it may not be among the positions
    clock.now += timedelta(minutes=6)
    Desk(broker, store, clock).work()
    assert "holds less than was bought of 1 shares" in (store.halted() or "")
    store.halt(None, NOW)
    assert store.holdings() == []
    Desk(broker, store, clock).work()
    assert store.halted() is None

    class Other(ScriptedBroker):
        def account(self) -> Account:
            return account(id="another")

    Desk(Other(), store, clock).work()
    assert "the broker shows account another" in (store.halted() or "")
    store.halt(None, NOW)
    Desk(Other(), store, clock).work()
    assert (store.halted(), store.broker_account()) == (None, "another")


def test_what_is_missing_of_a_share_is_written_off_once_somebody_has_resumed(store: Repository) -> None:
    broker, clock = ScriptedBroker(), Time()
    Desk(broker, store, clock).work()
    broker.fill(24, "40")
    Desk(broker, store, clock).work()
    broker.held = [position(quantity=20)]
    clock.now += timedelta(minutes=6)
    Desk(broker, store, clock).work()
    assert (store.halted(), store.holdings()) == (None, [held()])
    store.halt(None, NOW)
    Desk(broker, store, clock).work()
    assert (store.resumed(), store.holdings()) == (False, [replace(held(), quantity=Decimal(20))])
    broker.held = [position(quantity=10)]
    Desk(broker, store, clock).work()
    assert store.holdings() == [replace(held(), quantity=Decimal(20))]  # nobody has looked at this


def test_a_sale_that_was_filled_while_nobody_looked_is_no_reset(store: Repository) -> None:
    broker, clock = ScriptedBroker(), Time()
    Desk(broker, store, clock).work()
    broker.fill(24, "40")
    Desk(broker, store, clock).work()
    sale = intent(side=Side.SELL, decision_id="d-2", client_order_id="itb-" + "b" * 26)
    store.record([], [sale], clock.now)
    Desk(broker, store, clock).work()
    broker.fill(24, "41")
    broker.held = []
    clock.now += timedelta(minutes=6)
    Desk(broker, store, clock).work()
    assert (store.halted(), store.holdings(), store.open_orders()) == (None, [], [])


def test_two_live_orders_halt_once_and_whoever_resumes_has_seen_them(store: Repository) -> None:
    class Doubling(ScriptedBroker):
        def orders(self, since: datetime) -> list[Order]:
            return [*super().orders(since), theirs(OrderStatus.WORKING, "b-twin")]

    broker, clock = Doubling(), Time()
    Desk(broker, store, clock).work()
    Desk(broker, store, clock).work()
    assert store.halted() is not None
    store.halt(None, NOW)
    Desk(broker, store, clock).work()
    assert store.halted() is None


def test_books_that_were_compared_a_moment_ago_are_not_compared_again(store: Repository) -> None:
    class Counting(ScriptedBroker):
        reads = 0

        def orders(self, since: datetime) -> list[Order]:
            self.reads += 1
            return list(super().orders(since))

    broker, clock = Counting(), Time()
    desk = Desk(broker, store, clock)
    for _ in range(3):
        desk.work()
    assert broker.reads == 2
    clock.now += timedelta(minutes=1)
    desk.work()
    assert broker.reads == 4


def test_what_is_open_and_not_known_here_is_anothers_whatever_its_key(store: Repository) -> None:
    broker = ScriptedBroker()
    strange, foreign = (theirs(OrderStatus.WORKING, "b-8", OTHER), theirs(OrderStatus.PARTIAL, "b-9", "somebody-else"))
    broker.book = {each.client_order_id: each for each in (theirs(OrderStatus.WORKING), strange, foreign)}
    broker.book["over"] = theirs(OrderStatus.FILLED, "b-10", "over")
    desk = Desk(broker, store, Time())
    assert desk.others == ()
    desk.work()
    assert desk.others == [strange, foreign]


def test_holdings_are_what_our_fills_add_up_to(store: Repository) -> None:
    shares: dict[str, Any] = {"price": Decimal(40), "fee": Decimal(0), "currency": "USD", "at": NOW}
    sent = store.move(order(), order(status=OrderStatus.WORKING, broker_order_id="b-1", updated_at=NOW))
    fill = Fill(client_order_id=KEY, symbol="NWRB", side=Side.BUY, quantity=Decimal(24), **shares)
    store.move(sent, replace(sent, status=OrderStatus.FILLED, filled=Decimal(24), price=Decimal(40)), fill)
    assert [each.quantity for each in store.holdings()] == [24]
    sale = intent(client_order_id="itb-sale", decision_id="d-sale", side=Side.SELL, quantity=Decimal(24))
    store.record([], [sale], NOW)
    sold = replace(sale.order(), status=OrderStatus.FILLED, filled=Decimal(24), price=Decimal(40), updated_at=NOW)
    store.move(sale.order(), sold, replace(fill, client_order_id="itb-sale", side=Side.SELL))
    assert store.holdings() == []
