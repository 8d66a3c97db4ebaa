"""The order's life: one order per decision, written down before anything is sent, whatever the broker answers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BrokerError, NotPaperError, OrderRefusedError, TryAgainError, UnwelcomeError
from bot.model import Account, Fill, Order, OrderIntent, OrderStatus, Position, Side
from bot.orders import LOST, Desk, client_order_id, decision_id
from bot.store.database import Database, open_database
from bot.store.repository import Repository
from tests.builders import NOW, decision, intent
from tests.fakes import Fault, ScriptedBroker, Time, bought, position

FACTS: dict[str, Any] = {
    "account": "paper",
    "strategy": "executives",
    "share_class": "BBG001S5N8V8",
    "side": Side.BUY,
    "filed_on": date(2026, 3, 2),
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/bot.db")
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> Repository:
    """A store with the one intent of `intent()`."""
    repository = Repository(database)
    repository.record([decision()], [intent()], NOW)
    return repository


@pytest.fixture(params=["two-step", "one-step"])
def broker(request: pytest.FixtureRequest) -> ScriptedBroker:
    return ScriptedBroker(two_step=request.param == "two-step")


def work(broker: ScriptedBroker, store: Repository, time: Time | None = None) -> Order:
    (order,) = Desk(broker, store, time or Time()).work()
    return order


def sent(broker: ScriptedBroker) -> list[str]:
    return [call for call in broker.calls if call != "find"]


def walked(store: Repository, key: str = intent().client_order_id) -> list[str]:
    life = store.life(key)
    assert [step["before"] for step in life[1:]] == [step["after"] for step in life[:-1]]
    return [step["after"] for step in life]


# -- identities


def test_an_id_is_thirty_characters_that_every_broker_accepts() -> None:
    assert re.fullmatch(r"itb-[a-z2-7]{26}", client_order_id(decision_id(**FACTS)))


def test_ids_never_change_from_one_version_to_the_next() -> None:
    assert decision_id(**FACTS) == "d-f831ea2f5b2373126534ea2c"
    assert client_order_id("d-f831ea2f5b2373126534ea2c") == "itb-efjjggspjz6zndahspv3l7ljqi"


@pytest.mark.parametrize(
    "other",
    [
        {"account": "second"},
        {"strategy": "clusters"},
        {"share_class": "BBG001S5N8V9"},
        {"side": Side.SELL},
        {"filed_on": date(2026, 3, 3)},
    ],
)
def test_every_fact_of_a_decision_makes_another_id(other: dict[str, Any]) -> None:
    one, another = decision_id(**FACTS), decision_id(**(FACTS | other))
    assert one != another
    assert client_order_id(one) != client_order_id(another)


@given(st.lists(st.text(max_size=40), unique=True, min_size=2, max_size=20))
def test_different_decisions_are_never_sent_under_one_id(decisions: list[str]) -> None:
    assert len({client_order_id(each) for each in decisions}) == len(decisions)


# -- the way without trouble


def test_a_two_step_order_is_written_down_placed_activated_and_filled(store: Repository) -> None:
    broker = ScriptedBroker()
    assert work(broker, store).status is OrderStatus.WORKING
    broker.fill(24, "40.02")
    order = work(broker, store)
    assert (order.status, order.filled, order.price, order.fee) == (
        OrderStatus.FILLED,
        Decimal(24),
        Decimal("40.02"),
        Decimal(1),
    )
    assert walked(store) == ["submitting", "inactive", "activating", "working", "filled"]
    assert sent(broker) == ["submit", "activate"]
    assert store.open_orders() == []


def test_a_one_step_order_works_as_soon_as_it_is_submitted(store: Repository) -> None:
    broker = ScriptedBroker(two_step=False)
    assert work(broker, store).status is OrderStatus.WORKING
    assert walked(store) == ["submitting", "working"]
    assert "activate" not in broker.calls


def test_a_working_order_is_only_looked_at(store: Repository, broker: ScriptedBroker) -> None:
    work(broker, store)
    broker.calls.clear()
    assert work(broker, store).status is OrderStatus.WORKING
    assert broker.calls == ["find"]


class Inspector(ScriptedBroker):
    """A broker that looks into the database by a connection of its own before it does anything."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.seen: list[tuple[str, str]] = []

    def _call(self, name: str) -> Any:
        other = open_database(self.url, read_only=True)
        self.seen += [(name, order.status.value) for _, order in Repository(other).orders()]
        other.close()
        return super()._call(name)


def test_what_is_about_to_be_sent_is_durable_before_it_is_sent(store: Repository, tmp_path: Path) -> None:
    broker = Inspector(f"sqlite:///{tmp_path}/bot.db")
    work(broker, store)
    assert broker.seen[:3] == [("submit", "submitting"), ("find", "submitting"), ("activate", "activating")]


# -- trouble


def test_a_refused_order_is_rejected_with_the_brokers_reason(store: Repository, broker: ScriptedBroker) -> None:
    broker.faults["submit"] = Fault(OrderRefusedError("not tradable here"))
    order = work(broker, store)
    assert (order.status, order.reason) == (OrderStatus.REJECTED, "not tradable here")
    assert Desk(broker, store, Time()).work() == []
    assert broker.calls == ["submit"]


def test_a_lost_answer_is_looked_up_and_adopted_and_nothing_is_sent_again(
    store: Repository, broker: ScriptedBroker
) -> None:
    broker.faults["submit"] = Fault(after=True)
    assert work(broker, store).status is OrderStatus.SUBMITTING
    assert work(broker, store).status is OrderStatus.WORKING
    assert broker.calls.count("submit") == 1


def test_a_lost_request_is_sent_again_under_the_same_id_in_the_next_cycle_only(
    store: Repository, broker: ScriptedBroker
) -> None:
    broker.faults["submit"] = Fault()
    assert work(broker, store).status is OrderStatus.SUBMITTING
    assert broker.calls == ["submit"]
    assert work(broker, store).status is OrderStatus.WORKING
    assert broker.calls[1:3] == ["find", "submit"]
    assert list(broker.book) == [intent().client_order_id]


def test_while_the_look_up_fails_nothing_is_sent(store: Repository, broker: ScriptedBroker) -> None:
    broker.faults["submit"] = Fault(after=True)
    work(broker, store)
    for _ in range(3):
        broker.faults["find"] = Fault()
        assert work(broker, store).status is OrderStatus.SUBMITTING
    assert broker.calls == ["submit", "find", "find", "find"]


@pytest.mark.parametrize("after", [False, True])
def test_an_activation_in_doubt_is_looked_up_before_it_is_repeated(store: Repository, after: bool) -> None:
    broker = ScriptedBroker()
    broker.faults["activate"] = Fault(after=after)
    assert work(broker, store).status is OrderStatus.ACTIVATING
    assert work(broker, store).status is OrderStatus.WORKING
    assert broker.calls[:4] == ["submit", "find", "activate", "find"]
    assert sent(broker) == (["submit", "activate"] if after else ["submit", "activate", "activate"])


def test_an_order_filled_while_nobody_looked_is_adopted_as_filled(store: Repository, broker: ScriptedBroker) -> None:
    broker.faults["submit"] = Fault(after=True)
    work(broker, store)
    broker.fill(24, "40.02")
    assert work(broker, store).status is OrderStatus.FILLED
    assert broker.calls == ["submit", "find"]


def test_trouble_with_one_order_does_not_keep_back_the_next(store: Repository, broker: ScriptedBroker) -> None:
    second = intent(client_order_id="itb-" + "b" * 26, decision_id="d-" + "1" * 24)
    store.record([], [second], NOW + timedelta(minutes=1))
    broker.faults["submit"] = Fault()
    statuses = [order.status for order in Desk(broker, store, Time()).work()]
    assert statuses == [OrderStatus.SUBMITTING, OrderStatus.WORKING]


@pytest.mark.parametrize(
    "lie",
    [
        {"client_order_id": "itb-" + "z" * 26},
        {"symbol": "HLCN"},
        {"side": Side.SELL},
        {"quantity": Decimal(240)},
        {"status": OrderStatus.SUBMITTING},
        {"status": OrderStatus.FILLED},
        {"filled": Decimal(25), "price": Decimal(40)},
        {"filled": Decimal(-1), "price": Decimal(40)},
        {"filled": Decimal(5)},
    ],
)
def test_an_answer_about_another_order_or_an_impossible_state_is_not_believed(
    store: Repository, broker: ScriptedBroker, lie: dict[str, Any]
) -> None:
    broker.lies = lie
    assert work(broker, store).status is OrderStatus.SUBMITTING
    assert broker.calls == ["submit"]
    broker.lies = {}
    assert work(broker, store).status is OrderStatus.WORKING
    assert broker.calls.count("submit") == 1


class Fickle(ScriptedBroker):
    """A broker that tells of so many shares, one answer after the other, and then of those that were sent."""

    told: tuple[int, ...] = ()

    def find(self, order: Order) -> Order | None:
        found = super().find(order)
        if not self.told or found is None:
            return found
        quantity, *rest = self.told
        self.told = tuple(rest)
        return replace(found, quantity=Decimal(quantity))


@pytest.mark.parametrize(("told", "is_believed"), [((7, 24), False), ((7, 8), False), ((7, 7), True)])
def test_an_order_under_our_key_that_is_another_one_twice_is_a_contradiction(
    store: Repository, told: tuple[int, ...], is_believed: bool
) -> None:
    broker = Fickle()
    broker.faults["submit"] = Fault(after=True)
    assert work(broker, store).status is OrderStatus.SUBMITTING
    broker.told = told
    assert work(broker, store).status is OrderStatus.SUBMITTING
    assert (store.halted() is not None) == is_believed
    store.halt(None, NOW)
    assert work(broker, store).status is (OrderStatus.SUBMITTING if is_believed else OrderStatus.WORKING)
    assert broker.calls.count("submit") == 1


def test_an_id_that_the_broker_does_not_know_the_order_by_is_not_believed(
    store: Repository, broker: ScriptedBroker
) -> None:
    submit = broker.submit
    broker.submit = lambda wanted: replace(submit(wanted), broker_order_id="b-of-another")  # type: ignore[method-assign]
    assert work(broker, store).status is OrderStatus.SUBMITTING
    order = work(broker, store)
    assert (order.status, order.broker_order_id) == (OrderStatus.WORKING, f"b-{intent().client_order_id[4:]}")
    assert "b-of-another" not in {each.broker_order_id for each in broker.book.values()}
    assert broker.calls.count("activate") == broker.two_step


def test_an_activation_refused_for_good_is_canceled_so_that_no_earlier_one_can_arrive(store: Repository) -> None:
    broker = Refuses()
    Desk(broker, store, Time(NOW)).work()
    assert broker.calls[-2:] == ["cancel", "find"]
    assert {order.status for order in broker.book.values()} == {OrderStatus.CANCELED}


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"status": OrderStatus.INACTIVE, "filled": Decimal(7)}, "is inactive"),
        ({"status": OrderStatus.WORKING, "filled": Decimal(6)}, "6 of 24 shares"),
        ({"status": OrderStatus.FILLED, "filled": Decimal(25)}, "25 of 24 shares"),
    ],
)
def test_an_order_that_has_been_further_than_the_broker_says_halts_and_stays_as_it_was(
    store: Repository, broker: ScriptedBroker, told: dict[str, Any], sentence: str
) -> None:
    work(broker, store)
    placed = intent().client_order_id
    partly = replace(broker.book[placed], status=OrderStatus.PARTIAL, filled=Decimal(7), price=Decimal(40))
    broker.book[placed] = partly
    assert work(broker, store).filled == 7
    broker.book[placed] = replace(partly, **told)
    asked = len(broker.calls)
    order = work(broker, store)
    assert (order.status, order.filled) == (OrderStatus.PARTIAL, 7)
    assert sentence in (store.halted() or "")
    assert set(broker.calls[asked:]) <= {"find"}


def test_an_order_the_books_contradict_about_is_left_alone_after_the_halt_and_over_in_the_end(
    store: Repository, broker: ScriptedBroker
) -> None:
    work(broker, store)
    placed = intent().client_order_id
    broker.book[placed] = replace(broker.book[placed], broker_order_id="b-of-another")
    assert work(broker, store).status is OrderStatus.WORKING
    assert "b-of-another" in (store.halted() or "")
    store.halt(None, NOW)
    asked = len(broker.calls)
    assert work(broker, store).status is OrderStatus.WORKING
    assert (store.halted(), broker.calls[asked:]) == (None, [])
    late = Time(intent().valid_until + LOST)
    assert [order.status for order in Desk(broker, store, late).work()] == [OrderStatus.EXPIRED]


def test_an_order_that_changes_its_broker_id_is_not_believed(store: Repository, broker: ScriptedBroker) -> None:
    work(broker, store)
    broker.fill(24, "40")
    broker.lies = {"broker_order_id": "b-other"}
    assert work(broker, store).status is OrderStatus.WORKING


def test_fills_that_disappear_are_not_believed(store: Repository, broker: ScriptedBroker) -> None:
    work(broker, store)
    broker.fill(10, "40")
    assert work(broker, store).filled == 10
    broker.fill(5, "40")
    assert work(broker, store).filled == 10


def test_two_orders_under_one_broker_id_halt_the_bot(store: Repository, broker: ScriptedBroker) -> None:
    second = intent(client_order_id="itb-" + "b" * 26, decision_id="d-" + "1" * 24)
    store.record([], [second], NOW + timedelta(minutes=1))
    broker.lies = {"broker_order_id": "b-same"}
    Desk(broker, store, Time()).work()
    assert "b-same is already the broker's id of another order" in (store.halted() or "")


@pytest.mark.parametrize("call", ["submit", "find"])
def test_anything_that_is_not_paper_stops_everything(store: Repository, broker: ScriptedBroker, call: str) -> None:
    if call == "find":
        work(broker, store)
    broker.faults[call] = Fault(NotPaperError("mode is money"))
    with pytest.raises(NotPaperError, match="money"):
        Desk(broker, store, Time()).work()


def test_a_halted_bot_neither_submits_nor_activates(store: Repository) -> None:
    broker = ScriptedBroker()
    store.halt("by hand", NOW)
    assert work(broker, store).status is OrderStatus.INTENT
    assert broker.calls == []
    store.halt(None, NOW)
    broker.faults["submit"] = Fault(after=True)
    work(broker, store)
    store.halt("by hand", NOW)
    order = work(broker, store)
    assert (order.status, order.reason) == (OrderStatus.CANCELED, "by hand")
    assert sent(broker) == ["submit", "cancel"]
    assert [each.status for each in broker.book.values()] == [OrderStatus.CANCELED]
    store.halt(None, NOW)
    assert Desk(broker, store, Time()).work() == []


def test_an_order_is_never_sent_once_its_session_is_over(store: Repository, broker: ScriptedBroker) -> None:
    order = work(broker, store, Time(intent().valid_until))
    assert order.status is OrderStatus.EXPIRED
    assert order.reason
    assert broker.calls == []


def test_an_order_is_never_activated_once_its_session_is_over(store: Repository) -> None:
    broker = ScriptedBroker()
    broker.faults["submit"] = Fault(after=True)
    work(broker, store)
    assert work(broker, store, Time(intent().valid_until)).status is OrderStatus.EXPIRED
    assert "activate" not in broker.calls


def test_a_lost_request_is_not_sent_again_once_its_session_is_over(store: Repository, broker: ScriptedBroker) -> None:
    broker.faults["submit"] = Fault()
    work(broker, store)
    assert work(broker, store, Time(intent().valid_until)).status is OrderStatus.EXPIRED
    assert broker.calls == ["submit", "find"]


@pytest.mark.parametrize(("status", "sent_before"), [("submitting", []), ("activating", ["submit"])])
def test_nothing_is_sent_when_the_session_ends_while_the_step_is_written(
    status: str, sent_before: list[str], store: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, time, move = ScriptedBroker(), Time(), store.move

    def slowly(order: Order, after: Order, fill: Fill | None = None) -> Order:
        if after.status == status:
            time.now = intent().valid_until
        return move(order, after, fill)

    monkeypatch.setattr(store, "move", slowly)
    assert work(broker, store, time).status == status
    assert sent(broker) == sent_before
    time.now += timedelta(minutes=1)
    assert work(broker, store, time).status is OrderStatus.EXPIRED
    assert "activate" not in broker.calls
    assert [each.status for each in broker.book.values()] in ([], [OrderStatus.CANCELED])


# -- fills


def fills(database: Database) -> list[tuple[Decimal, Decimal, Decimal]]:
    from sqlalchemy import select

    from bot.store import tables

    with database.read() as connection:
        columns = tables.fills.c
        query = select(columns.quantity, columns.price, columns.fee).order_by(columns.at)
        return [tuple(row) for row in connection.execute(query)]


def test_partial_fills_add_up_to_the_brokers_average(
    store: Repository, database: Database, broker: ScriptedBroker
) -> None:
    work(broker, store)
    broker.fill(10, "40")
    order = work(broker, store)
    assert (order.status, order.filled) == (OrderStatus.PARTIAL, Decimal(10))
    broker.fill(16, "40.375")
    assert work(broker, store).filled == Decimal(16)
    broker.fill(24, "40.25")
    assert work(broker, store).status is OrderStatus.FILLED
    assert fills(database) == [(10, 40, 1), (6, 41, 0), (8, 40, 0)]
    assert walked(store)[-3:] == ["partial", "partial", "filled"]


class Crashing(Repository):
    """A store whose process dies at the first move it is asked for."""

    def move(self, before: Order, after: Order, fill: Any = None) -> Order:
        raise KeyboardInterrupt


def test_a_fill_and_its_order_are_kept_together_or_not_at_all(
    store: Repository, database: Database, broker: ScriptedBroker
) -> None:
    work(broker, store)
    broker.fill(10, "40")
    with pytest.raises(KeyboardInterrupt):
        Desk(broker, Crashing(database), Time()).work()
    broker.fill(24, "40")
    work(broker, store)
    assert fills(database) == [(24, 40, 1)]


def test_a_desk_that_was_overtaken_by_another_changes_nothing(store: Repository, broker: ScriptedBroker) -> None:
    class Overtaken(ScriptedBroker):
        def submit(self, intent: OrderIntent) -> Order:
            stands = store.order(intent.client_order_id)
            store.move(stands, replace(stands, status=OrderStatus.CANCELED))
            return super().submit(intent)

    with pytest.raises(TryAgainError, match="no longer submitting"):
        Desk(Overtaken(), store, Time()).work()
    assert store.order(intent().client_order_id).status is OrderStatus.CANCELED


def test_a_halt_between_two_steps_stops_the_next_one(store: Repository, broker: ScriptedBroker) -> None:
    class Halting(ScriptedBroker):
        def submit(self, intent: OrderIntent) -> Order:
            answer = super().submit(intent)
            store.halt("stop", NOW)
            return answer

    halting = Halting()
    work(halting, store)
    assert store.order(intent().client_order_id).status is OrderStatus.CANCELED
    assert halting.calls == ["submit", "find", "cancel", "find"]


def test_a_halt_at_the_last_moment_stops_the_activation(store: Repository) -> None:
    class Halting(Repository):
        """Halted by somebody else just after it was asked."""

        def halted(self) -> str | None:
            answer = super().halted()
            store.halt("stop", NOW)
            return answer

    broker, moved = ScriptedBroker(), Halting(store._database)
    Desk(broker, moved, Time()).work()
    assert sent(broker) == ["submit"]
    assert store.order(intent().client_order_id).status is OrderStatus.INACTIVE


def test_an_order_the_broker_has_lost_is_told(
    store: Repository, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
) -> None:
    work(broker, store)
    broker.book.clear()
    work(broker, store)
    assert "no longer knows" in caplog.records[-1].__dict__["facts"]["reason"]


def test_an_error_that_is_none_of_ours_is_not_swallowed(store: Repository, broker: ScriptedBroker) -> None:
    broker.faults["submit"] = Fault(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        Desk(broker, store, Time()).work()
    assert store.order(intent().client_order_id).status is OrderStatus.SUBMITTING


def test_a_failed_order_is_told_in_the_log(
    store: Repository, broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.faults["submit"] = Fault(BrokerError("timed out"))
    work(broker, store)
    left = next(record for record in caplog.records if record.getMessage() == "order left as it is")
    assert (left.__dict__["facts"]["symbol"], left.__dict__["facts"]["reason"]) == ("NWRB", "timed out")


def test_a_halt_leaves_what_is_live_unless_it_is_to_be_canceled(store: Repository, broker: ScriptedBroker) -> None:
    assert work(broker, store).status is OrderStatus.WORKING
    store.halt("stop", NOW)
    assert work(broker, store).status is OrderStatus.WORKING
    store.halt("stop", NOW, flatten=True)
    assert work(broker, store).status is OrderStatus.CANCELED
    assert store.flattens()
    store.halt(None, NOW)
    assert not store.flattens()


def test_an_order_waits_here_for_its_session_where_the_broker_would_not(
    store: Repository, broker: ScriptedBroker
) -> None:
    broker.queues = False
    wanted = intent()
    clock = Time(wanted.valid_from - timedelta(seconds=1))
    desk = Desk(broker, store, clock)
    assert [order.status for order in desk.work()] == [OrderStatus.INTENT]
    assert broker.calls == []
    clock.now = wanted.valid_from
    assert [order.status for order in desk.work()] == [OrderStatus.WORKING]


class Refuses(ScriptedBroker):
    def activate(self, broker_order_id: str) -> None:
        raise OrderRefusedError("insufficient funds")


def test_a_refusal_of_the_activation_is_the_last_word_unless_the_order_is_live(store: Repository) -> None:
    broker = Refuses()
    (order,) = Desk(broker, store, Time(NOW)).work()
    assert (order.status, order.reason) == (OrderStatus.REJECTED, "insufficient funds")


def test_a_refusal_of_the_activation_of_a_live_order_is_none(store: Repository) -> None:
    broker = Refuses()
    submit = broker.submit

    def live(wanted):
        answer = submit(wanted)
        broker.book[wanted.client_order_id] = replace(answer, status=OrderStatus.WORKING)
        return answer

    broker.submit = live  # type: ignore[method-assign]
    (order,) = Desk(broker, store, Time(NOW)).work()
    assert order.status is OrderStatus.WORKING


def test_an_order_that_the_broker_has_forgotten_does_not_stay_open_for_ever(
    store: Repository, broker: ScriptedBroker
) -> None:
    wanted = intent()
    clock = Time(NOW)
    desk = Desk(broker, store, clock)
    desk.work()
    broker.book.clear()
    clock.now = wanted.valid_until + timedelta(days=2)
    assert [order.status for order in desk.work()] == [OrderStatus.WORKING]
    clock.now = wanted.valid_until + timedelta(days=3)
    (order,) = desk.work()
    assert order.status is OrderStatus.EXPIRED
    assert "no longer knows" in order.reason


def test_a_key_is_not_sent_again_once_the_broker_may_soon_forget_it(store: Repository, broker: ScriptedBroker) -> None:
    broker.key_ttl = timedelta(hours=2)
    broker.faults["submit"] = Fault()
    work(broker, store)
    clock = Time(NOW + timedelta(hours=1))
    assert work(broker, store, clock).status is OrderStatus.SUBMITTING
    assert broker.calls == ["submit", "find"]
    clock.now = intent().valid_until
    order = work(broker, store, clock)
    assert (order.status, order.reason) == (OrderStatus.EXPIRED, "its session ended before it was sent")


@pytest.mark.parametrize("how", ["halted", "books"])
def test_an_order_that_is_not_sent_again_at_once_is_looked_for_before_it_is_later(
    store: Repository, broker: ScriptedBroker, how: str
) -> None:
    """It was not there, and then nothing could be sent; the first attempt arrives, and the broker forgets its key."""
    broker.key_ttl, clock, find = timedelta(hours=2), Time(), broker.find
    broker.faults["submit"] = Fault()
    work(broker, store, clock)

    def interrupted(order: Order) -> Order | None:
        if how == "halted":
            store.halt("stop", NOW)
        clock.now += timedelta(minutes=2)
        broker.faults["orders"] = Fault()
        return find(order)

    broker.find = interrupted  # type: ignore[method-assign]
    order = work(broker, store, clock)
    assert order.status is OrderStatus.INTENT
    broker.find, broker.faults = find, {}  # type: ignore[method-assign]
    store.halt(None, NOW)
    broker.book[order.client_order_id] = replace(order, status=OrderStatus.WORKING, broker_order_id="b-late")
    clock.now += timedelta(hours=3)
    assert work(broker, store, clock).broker_order_id == "b-late"
    assert broker.calls.count("submit") == 1


def test_a_key_is_as_old_as_its_first_attempt_may_be(store: Repository, broker: ScriptedBroker) -> None:
    """Decided days before its session, and sent when that opens."""
    days = timedelta(days=4)
    late = {"valid_from": NOW + days, "valid_until": NOW + days + timedelta(hours=6)}
    for _, order in store.open_orders():
        store.move(order, replace(order, status=OrderStatus.EXPIRED, updated_at=NOW))
    store.record([], [intent(client_order_id="itb-late", decision_id="d-late", **late)], NOW)
    broker.queues, broker.key_ttl = False, timedelta(days=7)
    clock = Time(NOW + days)
    broker.faults["submit"] = Fault()
    Desk(broker, store, clock).work()
    (order,) = Desk(broker, store, clock).work()
    assert order.status is OrderStatus.WORKING


class Slow(ScriptedBroker):
    """A broker whose every answer takes thirty-five seconds, and how old the books are whenever something is sent."""

    def __init__(self, clock: Time, *, two_step: bool) -> None:
        super().__init__(two_step=two_step)
        self.clock, self.ages = clock, list[timedelta]()
        self.read_at = clock.now

    def account(self) -> Account:
        """The reading of the books begins with it."""
        self.read_at = self.clock.now
        return super().account()

    def _call(self, name: str) -> Any:
        if name in {"submit", "activate"}:
            self.ages.append(self.clock.now - self.read_at)
        self.clock.now += timedelta(seconds=35)
        return super()._call(name)


def test_nothing_is_sent_on_books_that_are_older_than_a_minute(store: Repository, broker: ScriptedBroker) -> None:
    for letter in "bcde":
        store.record([], [intent(client_order_id=f"itb-{letter * 26}", decision_id=f"d-{letter}")], NOW)
    clock = Time()
    slow = Slow(clock, two_step=broker.two_step)
    assert [order.status for order in Desk(slow, store, clock).work()] == [OrderStatus.WORKING] * 5
    assert len(slow.ages) == 5 * (1 + slow.two_step)
    assert max(slow.ages) < timedelta(minutes=1) < clock.now - NOW


def test_what_is_found_between_two_orders_of_a_cycle_stops_the_second(
    store: Repository, broker: ScriptedBroker
) -> None:
    second = intent(client_order_id="itb-" + "b" * 26, decision_id="d-" + "1" * 24)
    store.record([], [second], NOW + timedelta(minutes=1))
    clock = Time()
    slow = Slow(clock, two_step=broker.two_step)

    def submit(wanted: OrderIntent) -> Order:
        clock.now += timedelta(minutes=1)
        slow.book["itb-strange"] = replace(wanted.order(), client_order_id="itb-strange", status=OrderStatus.WORKING)
        return ScriptedBroker.submit(slow, wanted)

    slow.submit = submit  # type: ignore[method-assign]
    first, other = Desk(slow, store, clock).work()
    assert "this database does not know" in (store.halted() or "")
    assert (first.status, other.status) == (
        OrderStatus.CANCELED if slow.two_step else OrderStatus.WORKING,
        OrderStatus.INTENT,
    )


def test_books_that_take_a_minute_to_read_are_not_to_be_sent_on(store: Repository, broker: ScriptedBroker) -> None:
    clock, held = Time(), broker.positions

    def positions() -> Sequence[Position]:
        clock.now += timedelta(minutes=1)
        return held()

    broker.positions = positions  # type: ignore[method-assign]
    assert work(broker, store, clock).status is OrderStatus.INTENT
    assert broker.calls == []


def test_a_clock_that_was_set_back_makes_no_books_fresh(store: Repository, broker: ScriptedBroker) -> None:
    clock, reads, orders = Time(), list[datetime](), broker.orders
    broker.orders = lambda since: [reads.append(since), *orders(since)][1:]  # type: ignore[func-returns-value,method-assign]
    desk = Desk(broker, store, clock)
    desk.work()
    clock.now -= timedelta(hours=2)
    assert len(reads) == 2
    desk.work()
    assert len(reads) == 4


def test_what_is_filled_while_the_books_are_read_is_no_contradiction(store: Repository, broker: ScriptedBroker) -> None:
    """The list may be older than what we know, and to read the positions takes longer than it may lag."""
    work(broker, store)
    broker.visibility_lag, clock = timedelta(seconds=10), Time()
    order = store.order(intent().client_order_id)
    store.move(order, replace(order, filled=Decimal(24), price=Decimal(40), status=OrderStatus.FILLED, updated_at=NOW))

    def positions() -> Sequence[Position]:
        clock.now += timedelta(seconds=30)
        return [position(order.symbol, 24)]

    broker.positions = positions  # type: ignore[method-assign]
    Desk(broker, store, clock).work()
    assert store.halted() is None
    assert store.order(order.client_order_id).filled == 24


def test_a_trouble_in_the_middle_of_a_cycle_is_no_orders_fault(store: Repository, broker: ScriptedBroker) -> None:
    for letter in "bcd":
        store.record([], [intent(client_order_id=f"itb-{letter * 26}", decision_id=f"d-{letter}")], NOW)
    clock, reads, orders = Time(), list[datetime](), broker.orders

    def failing(since: datetime) -> Sequence[Order]:
        reads.append(since)
        if len(reads) > 2:
            raise BrokerError("out of reach")
        return orders(since)

    broker.orders = failing  # type: ignore[method-assign]
    submit = broker.submit

    def submitting(wanted: OrderIntent) -> Order:
        clock.now += timedelta(minutes=2)
        return submit(wanted)

    broker.submit = submitting  # type: ignore[method-assign]
    after = Desk(broker, store, clock).work()
    assert [order.status for order in after[1:]] == [OrderStatus.INTENT] * 3
    assert (len(reads), store.halted(), store.acknowledged()) == (3, None, set())


def sale(letter: str, **changes: Any) -> OrderIntent:
    return intent(client_order_id=f"itb-{letter * 26}", decision_id=f"d-{letter}", side=Side.SELL, **changes)


def test_what_another_sale_of_ours_may_sell_is_not_sold(store: Repository, broker: ScriptedBroker) -> None:
    """The other one was over, and lives after all."""
    bought(store, 24)
    earlier = sale("s")
    store.record([], [earlier, sale("t", created_at=NOW + timedelta(minutes=1))], NOW)
    known = store.order(earlier.client_order_id)
    sent = store.move(known, replace(known, status=OrderStatus.SUBMITTING, attempts=1))
    store.move(sent, replace(sent, status=OrderStatus.REJECTED, updated_at=NOW))
    broker.held = [position("NWRB", 24)]
    broker.book[earlier.client_order_id] = replace(earlier.order(), status=OrderStatus.WORKING, broker_order_id="b-s")
    Desk(broker, store, Time(NOW + timedelta(minutes=2))).work()
    selling = [order.client_order_id for order in broker.book.values() if order.side is Side.SELL]
    assert selling == [earlier.client_order_id]
    assert store.order(sale("t").client_order_id).status is OrderStatus.INTENT


class Sold(ScriptedBroker):
    """A broker at which a sale may be filled, and whose activations take effect when the test says so."""

    def activate(self, broker_order_id: str) -> None:
        self.calls.append("activate")

    def sells(self, key: str, quantity: int) -> None:
        """So many of 24 shares change hands."""
        status = OrderStatus.FILLED if quantity == 24 else OrderStatus.PARTIAL
        self.book[key] = replace(self.book[key], status=status, filled=Decimal(quantity), price=Decimal(40))
        self.held = [position("NWRB", 24 - quantity)] if quantity < 24 else []


@pytest.mark.parametrize(("quantity", "status"), [(24, OrderStatus.FILLED), (6, OrderStatus.PARTIAL)])
def test_a_sale_that_was_activated_after_all_is_seen_to_be_filled(
    database: Database, quantity: int, status: OrderStatus
) -> None:
    """It was still inactive when it was looked at: what it sells is not missing to itself."""
    store, broker, wanted, clock = Repository(database), Sold(), sale("s"), Time()
    bought(store, 24)
    store.record([], [wanted], NOW)
    broker.held = [position("NWRB", 24)]
    desk = Desk(broker, store, clock)
    assert [order.status for order in desk.work()] == [OrderStatus.INACTIVE]
    broker.sells(wanted.client_order_id, quantity)
    clock.now += timedelta(minutes=2)
    assert [(order.status, order.filled) for order in desk.work()] == [(status, quantity)]
    assert store.halted() is None


def test_a_sale_that_arrived_late_and_was_filled_is_adopted_and_not_sent_again(database: Database) -> None:
    store, broker, wanted, clock = Repository(database), Sold(two_step=False), sale("s"), Time()
    bought(store, 24)
    store.record([], [wanted], NOW)
    broker.held = [position("NWRB", 24)]
    desk = Desk(broker, store, clock)
    broker.faults["submit"] = Fault()
    desk.work()
    store.halt("stop", NOW)
    clock.now += timedelta(minutes=2)
    assert [order.status for order in desk.work()] == [OrderStatus.INTENT]
    broker.book[wanted.client_order_id] = replace(wanted.order(), broker_order_id="b-late")
    broker.sells(wanted.client_order_id, 24)
    store.halt(None, NOW)
    clock.now += timedelta(minutes=2)
    assert [order.status for order in desk.work()] == [OrderStatus.FILLED]
    assert (store.holdings(), broker.calls.count("submit")) == ([], 1)


@pytest.mark.parametrize("known", [OrderStatus.INTENT, OrderStatus.REJECTED])
def test_a_sale_that_the_broker_shows_as_filled_explains_what_is_gone_whatever_we_know_of_it(
    database: Database, known: OrderStatus
) -> None:
    """The database is older than the sale, or has just been told that it was refused."""
    store, broker, wanted, clock = Repository(database), Sold(two_step=False), sale("s"), Time()
    bought(store, 24)
    store.record([], [wanted], NOW)
    if known is OrderStatus.REJECTED:
        order = store.order(wanted.client_order_id)
        sent = store.move(order, replace(order, status=OrderStatus.SUBMITTING, attempts=1))
        store.move(sent, replace(sent, status=known, updated_at=NOW))
    broker.visibility_lag = timedelta(seconds=10)
    broker.book[wanted.client_order_id] = replace(wanted.order(), broker_order_id="b-1")
    broker.sells(wanted.client_order_id, 24)
    clock.now += timedelta(seconds=2)
    Desk(broker, store, clock).work()
    clock.now += timedelta(seconds=30)
    Desk(broker, store, clock).work()
    assert store.halted() is None
    assert store.order(wanted.client_order_id).status is OrderStatus.FILLED
    assert store.holdings() == []


@pytest.mark.parametrize(("held", "halts"), [(20, False), (0, True)])
def test_what_is_not_in_the_account_any_more_is_not_sold(
    store: Repository, broker: ScriptedBroker, held: int, halts: bool
) -> None:
    bought(store, 24)
    store.record([], [sale("s")], NOW)
    broker.held = [position("NWRB", held)] if held else []
    Desk(broker, store, Time()).work()
    assert bool(store.halted()) is halts
    assert sale("s").client_order_id not in broker.book


def test_an_order_is_not_given_up_before_the_broker_shows_that_it_is_over(store: Repository) -> None:
    class Forgetful(ScriptedBroker):
        def cancel(self, broker_order_id: str) -> None:
            self.book.clear()

    broker, wanted = Forgetful(), intent()
    broker.faults["activate"] = Fault()
    placed = work(broker, store)
    assert placed.status is OrderStatus.ACTIVATING
    store.halt("stop", NOW)
    clock = Time()
    assert work(broker, store, clock).status is OrderStatus.INACTIVE
    assert broker.book == {}
    clock.now = wanted.valid_until + timedelta(days=3)
    order = work(broker, store, clock)
    assert (order.status, order.reason) == (
        OrderStatus.EXPIRED,
        f"the broker no longer knows {order.broker_order_id}, and its session is long over",
    )


# -- what may still come after it is over, and what has no end


def test_a_refusal_of_a_second_attempt_says_nothing_about_the_first(store: Repository, broker: ScriptedBroker) -> None:
    broker.faults["submit"] = Fault()
    work(broker, store)
    broker.faults["submit"] = Fault(OrderRefusedError("not tradable here"))
    order = work(broker, store)
    assert (order.status, order.attempts) == (OrderStatus.SUBMITTING, 2)
    broker.faults["find"] = Fault()
    broker.book[order.client_order_id] = replace(order, status=OrderStatus.WORKING, broker_order_id="b-late")
    assert work(broker, store).status is OrderStatus.SUBMITTING
    assert work(broker, store).broker_order_id == "b-late"
    assert broker.calls.count("submit") == 2


def test_what_may_not_be_shown_yet_is_not_sent_again(store: Repository, broker: ScriptedBroker) -> None:
    broker.visibility_lag = timedelta(seconds=10)
    broker.faults["submit"] = Fault(after=True)
    clock = Time()
    work(broker, store, clock)
    hidden, broker.book = broker.book, {}
    clock.now += timedelta(seconds=9)
    assert work(broker, store, clock).status is OrderStatus.SUBMITTING
    broker.book = hidden
    clock.now += timedelta(seconds=1)
    assert work(broker, store, clock).status is OrderStatus.WORKING
    assert broker.calls.count("submit") == 1


def test_an_id_is_not_believed_before_the_order_is_shown_under_our_key(
    store: Repository, broker: ScriptedBroker
) -> None:
    broker.visibility_lag = timedelta(seconds=10)
    clock, shown = Time(), broker.find
    broker.find = lambda order: None  # type: ignore[method-assign]
    order = work(broker, store, clock)
    assert (order.status, order.broker_order_id) == (OrderStatus.SUBMITTING, None)
    broker.find = shown  # type: ignore[method-assign]
    clock.now += timedelta(seconds=3)
    order = work(broker, store, clock)
    assert (order.status, broker.calls.count("submit")) == (OrderStatus.WORKING, 1)
    assert order.broker_order_id == broker.book[order.client_order_id].broker_order_id


def test_an_order_that_outlives_its_session_is_taken_back(store: Repository, broker: ScriptedBroker) -> None:
    work(broker, store)
    clock = Time(intent().valid_until)
    assert work(broker, store, clock).status is OrderStatus.WORKING
    clock.now += timedelta(minutes=5)
    assert work(broker, store, clock).status is OrderStatus.CANCELED
    assert broker.calls.count("cancel") == 1


def test_an_order_that_was_filled_while_it_was_given_up_is_filled(store: Repository) -> None:
    class Quick(ScriptedBroker):
        """Somebody activates it, and the market is faster than the cancellation."""

        def cancel(self, broker_order_id: str) -> None:
            self.fill(24, "40")

    broker = Quick()
    broker.faults["submit"] = Fault(after=True)
    work(broker, store)
    order = work(broker, store, Time(intent().valid_until))
    assert (order.status, order.filled) == (OrderStatus.FILLED, 24)


def test_an_unwelcome_bot_sends_nothing_more_and_waits(store: Repository, broker: ScriptedBroker) -> None:
    second = intent(client_order_id="itb-" + "b" * 26, decision_id="d-" + "1" * 24)
    store.record([], [second], NOW + timedelta(minutes=1))
    broker.faults["submit"] = Fault(UnwelcomeError("too many requests"))
    assert [order.status for order in Desk(broker, store, Time()).work()] == [
        OrderStatus.SUBMITTING,
        OrderStatus.INTENT,
    ]
    assert (broker.calls, store.halted()) == (["submit"], None)
    broker.faults["find"] = Fault(UnwelcomeError("the key is refused", for_good=True))
    Desk(broker, store, Time()).work()
    assert store.halted() == "halted by itself: the key is refused"
    assert broker.calls == ["submit", "find"]


def test_three_orders_that_nobody_knows_of_halt_the_bot(store: Repository, broker: ScriptedBroker) -> None:
    class Silent(ScriptedBroker):
        def submit(self, intent: OrderIntent) -> Order:
            raise BrokerError("timed out")

    for letter in "bc":
        store.record([], [intent(client_order_id=f"itb-{letter * 26}", decision_id=f"d-{letter}")], NOW)
    broker = Silent(two_step=broker.two_step)
    Desk(broker, store, Time()).work()
    assert "nobody knows whether 3 orders exist" in (store.halted() or "")
    store.halt(None, NOW)
    store.acknowledge([f"itb-{'b' * 26}"], ())  # somebody has looked at this one
    Desk(broker, store, Time()).work()
    assert store.halted() is None


def test_orders_are_unknown_only_when_the_broker_must_show_them(store: Repository, broker: ScriptedBroker) -> None:
    class Blind(ScriptedBroker):
        visibility_lag = timedelta(seconds=10)

        def find(self, order: Order) -> Order | None:
            raise BrokerError("timed out")

    for letter in "bc":
        store.record([], [intent(client_order_id=f"itb-{letter * 26}", decision_id=f"d-{letter}")], NOW)
    broker, halts = Blind(two_step=broker.two_step), []
    for seconds in (0, 9, 10):
        Desk(broker, store, Time(NOW + timedelta(seconds=seconds))).work()
        halts.append(bool(store.halted()))
    assert halts == [False, False, True]
    assert broker.calls == ["submit"] * 3


def test_orders_that_never_get_through_are_unknown_although_each_may_be_hidden(
    store: Repository, broker: ScriptedBroker
) -> None:
    class Deaf(ScriptedBroker):
        visibility_lag = timedelta(seconds=10)

        def submit(self, intent: OrderIntent) -> Order:
            self.calls.append("submit")
            raise BrokerError("timed out")

    for letter in "bc":
        store.record([], [intent(client_order_id=f"itb-{letter * 26}", decision_id=f"d-{letter}")], NOW)
    broker, halts = Deaf(two_step=broker.two_step), []
    for seconds in (0, 15, 30):
        Desk(broker, store, Time(NOW + timedelta(seconds=seconds))).work()
        halts.append(bool(store.halted()))
    assert halts == [False, True, True]
    assert broker.calls.count("submit") == 6


@pytest.mark.parametrize("filled", [5, 25])
def test_a_broker_that_contradicts_itself_halts_the_bot(store: Repository, broker: ScriptedBroker, filled: int) -> None:
    work(broker, store)
    broker.fill(10, "40")
    work(broker, store)
    broker.fill(filled, "40")
    assert work(broker, store).filled == 10
    assert f"{filled} of 24 shares" in (store.halted() or "")
