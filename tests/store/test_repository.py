"""What the bot remembers: decided once, written in one transaction, read back exactly."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bot.errors import ContradictionError, StoreError, TryAgainError
from bot.model import Decision, Fill, OrderStatus, Side, Skip
from bot.store.database import Database, open_database
from bot.store.queries import CHUNK
from bot.store.repository import Repository
from tests.builders import NOW, decision, event, instrument, intent, order, trade

LATER = NOW + timedelta(hours=1)
MAYBE = Skip(rule="mapping", reason="OpenFIGI is throttled", final=False)
NO = Skip(rule="officers_only", reason="not an officer")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> Repository:
    return Repository(database)


def about(key: str, *lines: str, **changes: Any) -> Decision:
    return decision(event=event(key=key, keys=lines or (f"{key}/1",)), **changes)


def count(database: Database, table: str) -> int:
    with database.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


# -- seen


def test_what_was_decided_is_not_decided_again(store: Repository) -> None:
    store.record([about("e-1"), about("e-2", verdict=NO)], [], NOW)
    assert store.unseen([about("e-1"), about("e-2"), about("e-3")]) == [about("e-3")]


def test_an_event_is_known_by_any_of_its_lines_whatever_its_own_key(store: Repository) -> None:
    store.record([about("e-1", "row:a", "row:b")], [], NOW)
    assert store.unseen([about("e-9", "row:x", "row:b"), about("e-8", "row:x")]) == [about("e-8", "row:x")]


def test_what_could_not_be_decided_is_decided_again_and_keeps_its_first_sight(store: Repository) -> None:
    store.record([about("e-1", verdict=MAYBE)], [], NOW)
    assert store.unseen([about("e-1")]) == [about("e-1")]
    store.record([about("e-1", verdict=NO)], [], LATER)
    assert store.unseen([about("e-1")]) == []
    (row,) = store.decided()
    assert (row["rule"], row["first_seen_at"], row["decided_at"]) == (
        "officers_only",
        NOW.isoformat(),
        LATER.isoformat(),
    )


def test_an_undecided_event_may_come_back_with_more_lines_or_under_another_key(store: Repository) -> None:
    store.record([about("e-1", "row:a", verdict=MAYBE)], [], NOW)
    store.record([about("e-1", "row:a", "row:b", verdict=MAYBE)], [], NOW)
    store.record([about("e-2", "row:a", "row:b", "row:c")], [], LATER)
    assert store.unseen([about("e-3", "row:c"), about("e-4", "row:a")]) == []


def test_of_an_undecided_event_that_is_told_under_another_key_nothing_is_left(store: Repository) -> None:
    store.record([about("e-1", "row:a", verdict=MAYBE), about("e-2", "row:b", "row:c", verdict=MAYBE)], [], NOW)
    store.record([about("e-3", "row:a", "row:b")], [], LATER)
    assert {row["event_key"] for row in store.decided()} == {"e-2", "e-3"}
    store.record([about("e-4", "row:c", verdict=MAYBE)], [], LATER)
    assert {row["event_key"] for row in store.decided()} == {"e-3", "e-4"}


def test_more_keys_than_one_query_takes_are_all_found(store: Repository) -> None:
    many = [about(f"e-{n}") for n in range(2 * CHUNK + 1)]
    store.record(many, [], NOW)
    assert store.unseen([*many, about("e-new")]) == [about("e-new")]


def test_hostile_text_is_kept_as_it_is(store: Repository) -> None:
    hostile = "'; DROP TABLE events; --\n\u202e\x00"
    store.record([decision(event=event(trade=trade(owner=hostile)))], [], NOW)
    (row,) = store.decided()
    assert row["owner"] == hostile


# -- recorded


def test_a_plan_is_written_down_whole(store: Repository) -> None:
    followed = about("e-1", client_order_id=intent().client_order_id)
    store.record([followed, about("e-2", verdict=NO)], [intent()], NOW)
    assert store.orders() == store.open_orders() == [(intent(), intent().order())]
    assert store.have_decisions([intent().decision_id, "d-other"]) == {intent().decision_id}
    assert (store.trade_from(), store.last_cycle()) == (NOW, NOW)
    assert [row["event_key"] for row in store.decided(about=intent().client_order_id)] == ["e-1"]


@pytest.mark.parametrize("about_what", ["nwrb", "NWRB", "e-1", "row:a"])
def test_a_decision_is_found_by_symbol_event_or_line(store: Repository, about_what: str) -> None:
    store.record([about("e-1", "row:a")], [], NOW)
    assert [row["event_key"] for row in store.decided(about=about_what)] == ["e-1"]
    assert store.decided(about="other") == []


def test_a_decision_is_found_by_the_number_of_its_filing(store: Repository) -> None:
    told = trade(accession="0009990001-26-000003")
    store.record([about("e-1"), decision(event=event(trade=told, key="e-2", keys=("row:2",)))], [], NOW)
    for number in ("0009990001-26-000003", "000999000126000003"):
        assert [row["event_key"] for row in store.decided(about=number)] == ["e-2"]
    assert store.decided(about="0009990001-26-00000_") == store.decided(about="0009990001-26-00000") == []


def test_the_first_cycle_is_remembered_and_the_last_one_moves_on(store: Repository) -> None:
    assert (store.trade_from(), store.last_cycle()) == (None, None)
    store.record([], [], NOW)
    store.record([], [], LATER)
    assert (store.trade_from(), store.last_cycle()) == (NOW, LATER)


@pytest.mark.parametrize(
    ("decisions", "intents"),
    [
        ([about("e-1")], []),
        ([about("e-2")], [intent()]),
        ([about("e-2")], [intent(client_order_id="itb-other")]),
        ([about("e-2"), about("e-2")], []),
    ],
)
def test_a_plan_that_collides_with_what_is_written_leaves_nothing_and_says_try_again(
    store: Repository, database: Database, decisions: list[Decision], intents: list[Any]
) -> None:
    store.record([about("e-1")], [intent()], NOW)
    with pytest.raises(TryAgainError, match="nothing was sent") as told:
        store.record([about("e-9"), *decisions], intents, LATER)
    assert told.value.exit_code == 75
    assert [row["event_key"] for row in store.decided()] == ["e-1"]
    assert [count(database, table) for table in ("events", "lines", "orders")] == [1, 1, 1]
    assert store.last_cycle() == NOW


# -- orders


def test_every_step_of_an_order_is_kept(store: Repository) -> None:
    store.record([], [intent()], NOW)
    sent = store.move(order(), order(status=OrderStatus.SUBMITTING, updated_at=NOW))
    refused = store.move(sent, replace(sent, status=OrderStatus.REJECTED, reason="no", updated_at=LATER))
    assert store.order(order().client_order_id) == refused
    assert store.open_orders() == []
    assert store.life(order().client_order_id) == [
        {"before": "intent", "after": "submitting", "reason": "", "at": NOW.isoformat()},
        {"before": "submitting", "after": "rejected", "reason": "no", "at": LATER.isoformat()},
    ]


@pytest.mark.parametrize(
    "stale", [{"status": OrderStatus.SUBMITTING}, {"filled": Decimal(1)}, {"client_order_id": "x"}]
)
def test_an_order_that_stands_elsewhere_is_not_moved(
    store: Repository, database: Database, stale: dict[str, Any]
) -> None:
    store.record([], [intent()], NOW)
    with pytest.raises(TryAgainError, match="another process moved it"):
        store.move(order(**stale), order(status=OrderStatus.FILLED, updated_at=NOW), fill())
    assert store.orders() == [(intent(), order())]
    assert (count(database, "transitions"), count(database, "fills")) == (0, 0)


def test_a_broker_id_belongs_to_one_order(store: Repository) -> None:
    second = intent(client_order_id="itb-second", decision_id="d-second")
    store.record([], [intent(), second], NOW)
    one = {"status": OrderStatus.INACTIVE, "broker_order_id": "b-1", "updated_at": NOW}
    store.move(order(), order(**one))
    with pytest.raises(ContradictionError, match="b-1 is already the broker's id of another order"):
        store.move(second.order(), replace(second.order(), **one))


def fill(quantity: int = 24, price: str = "40.02") -> Fill:
    return Fill(
        client_order_id=order().client_order_id,
        symbol="NWRB",
        side=Side.BUY,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(1),
        currency="USD",
        at=NOW,
    )


def test_the_same_fill_is_kept_once(store: Repository, database: Database) -> None:
    store.record([], [intent()], NOW)
    part = order(status=OrderStatus.PARTIAL, filled=Decimal(10), price=Decimal(40), updated_at=NOW)
    store.move(order(), part, fill(10))
    with pytest.raises(TryAgainError, match="another process moved it"):
        store.move(order(), part, fill(10))
    store.move(part, replace(part, status=OrderStatus.FILLED, filled=Decimal(24)), fill(14))
    assert count(database, "fills") == 2


def test_an_order_that_nobody_knows_is_an_error(store: Repository) -> None:
    with pytest.raises(StoreError, match="there is no order itb-none"):
        store.order("itb-none")


def test_orders_come_oldest_first(store: Repository) -> None:
    for n in (3, 1, 2):
        at = NOW + timedelta(minutes=n)
        store.record([], [intent(client_order_id=f"itb-{n}", decision_id=f"d-{n}", created_at=at)], at)
    assert [order.client_order_id for _, order in store.orders()] == ["itb-1", "itb-2", "itb-3"]


# -- exactly


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lasting(request: pytest.FixtureRequest) -> Iterator[Repository]:
    in_memory = request.param == "sqlite"
    opened = open_database("sqlite:///:memory:" if in_memory else request.getfixturevalue("postgresql").new_schema())
    yield Repository(opened)
    opened.close()


AMOUNTS = st.decimals(min_value="0.00000001", max_value="999999999999", allow_nan=False, places=8)
INSTANTS = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - the strategy below gives it a zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)
NUMBERS = iter(range(10**9))


@settings(deadline=None, max_examples=60)
@given(quantity=AMOUNTS, price=AMOUNTS, at=INSTANTS, name=st.text(max_size=30))
def test_decimals_instants_and_names_come_back_as_they_were(
    lasting: Repository, quantity: Decimal, price: Decimal, at: datetime, name: str
) -> None:
    n = next(NUMBERS)
    proven = instrument(name=name.encode("utf-8", "ignore").decode(), proof=("one", "two"))
    ids = {"client_order_id": f"itb-{n}", "decision_id": f"d-{n}"}
    wanted = intent(**ids, quantity=quantity, instrument=proven, valid_from=at, valid_until=at, created_at=at)
    lasting.record([], [wanted], at)
    sent = replace(wanted.order(), status=OrderStatus.WORKING, price=price, fee=price, updated_at=at)
    lasting.move(wanted.order(), sent)
    (found,) = [each for each in lasting.orders() if each[0].client_order_id == f"itb-{n}"]
    assert found == (wanted, sent)
    assert found[0].created_at.tzinfo is UTC


# -- halted, and what the mapping service said


def test_a_halt_lasts_until_it_is_lifted(store: Repository, database_url: str) -> None:
    assert store.halted() is None
    store.halt("by hand", NOW)
    other = open_database(database_url, read_only=True)
    assert Repository(other).halted() == "by hand"
    other.close()
    store.halt(None, NOW)
    assert store.halted() is None
