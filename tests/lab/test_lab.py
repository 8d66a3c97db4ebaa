"""Random schedules and pairs of faults, with real kills; and an oracle that can fail."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.demo.serving import Query
from bot.model import Side
from tests.builders import NOW
from tests.fakes import Time
from tests.lab import oracle
from tests.lab.accounts import Account, Alpaca, LemonMarkets, Placed, account
from tests.lab.broken import FAULTS, TARGETS, fault
from tests.lab.ledger import Ledger
from tests.lab.lives import KILLED, Lives, zygote
from tests.lab.oracle import Evidence
from tests.lab.pairs import pairs
from tests.lab.run import Experiment, Tally, new_file, run
from tests.lab.schedules import schedule
from tests.lab.world import KINDS, TICKERS, Break, Row, Schedule
from tests.lab.zygote import TOLD
from tests.mutants import MUTANTS, applied, copied
from tests.share import count, some

SCHEDULES, CHUNKS = count(1000, 24), count(8, 1)  # `make lab` looks at 1,000, `make evidence` at 10,000
SHARD, SHARDS = 1, count(30, 2400)
SEED = 20_260_303
SEEN = (  # a bug of ours, the schedule that is the first to see it, and the invariant it breaks
    ("nothing durable before the order", 0, "I3"),
    ("an order whose key is open is swept", 2, "I8"),
    ("a step that sends while nothing may be sent", 35, "I11"),
)

BUY = Row(number=0, symbol="NWRB", code="P", is_officer=True, known_at=NOW - timedelta(hours=17))
SELL = replace(BUY, number=1, code="S")
OTHER = replace(BUY, number=2, symbol="KLPF", is_officer=False)
PLACED = Placed(
    id="b-1",
    key=BUY.client_order_id,
    symbol="NWRB",
    side=Side.BUY,
    quantity=Decimal(24),
    filled=Decimal(24),
    state="filled",
    was_live=True,
)
ORDER = {
    "client_order_id": BUY.client_order_id,
    "broker_order_id": "b-1",
    "symbol": "NWRB",
    "side": "buy",
    "quantity": "24",
    "filled": "24",
    "status": "filled",
    "reason": "",
}
FOLLOWED = {"final": 1, "rule": "", "reason": "", "client_order_id": BUY.client_order_id}
SKIPPED = {"final": 1, "rule": "officers_only", "reason": "a director", "client_order_id": None}
WELL = Evidence(
    rows=[BUY, OTHER],
    placed=[PLACED],
    decided={BUY.key: FOLLOWED, OTHER.key: SKIPPED},
    orders={BUY.client_order_id: ORDER},
    bought={"NWRB": Decimal(24)},
    integrity="ok",
)


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    with zygote(tmp_path_factory.mktemp("laboratory")) as lives:
        yield lives


def calm(kind: str) -> Schedule:
    """Two decisions that nothing befalls."""
    return next(each for each in pairs() if each.kind == kind and not each.broken and not each.steps[0].kill_at)


def lived(lives: Lives, kind: str, *breaks: list[Break], strange: bool = False) -> tuple[Tally, list[Placed]]:
    """What becomes of these decisions, and the orders there, when this breaks, life by life, ten minutes apart.

    `strange`, somebody else has bought there before.
    """
    first, database = calm(kind).steps[0], new_file(lives.folder)
    steps = [
        replace(first, at=first.at + number * timedelta(minutes=10), breaks=tuple(those))
        for number, those in enumerate(breaks)
    ]
    time = Time(first.at - timedelta(minutes=1))
    with account(kind, database, time) as where:
        if strange and isinstance(where, Account):
            where.stranger()
        experiment = Experiment(replace(calm(kind), steps=tuple(steps), clean=4), lives, where, time, database)
        return experiment.run(), where.placed()


def together(wanted: list[Schedule], lives: Lives) -> Tally:
    total = Tally()
    for each in wanted:
        total.add(run(each, lives, new_file(lives.folder)))
    return total


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whatever_fails_and_whenever_it_is_killed_every_invariant_holds(lives: Lives, chunk: int) -> None:
    size = SCHEDULES // CHUNKS
    total = together([schedule(number, SEED) for number in range(chunk * size, (chunk + 1) * size)], lives)
    assert total.wrong == []
    assert min(total.lives["killed"], total.orders["filled"], len(total.faults)) > 2


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_fault_upon_a_fault_and_a_kill_between_them_change_nothing(lives: Lives, chunk: int) -> None:
    assert together(pairs()[SHARD - 1 :: SHARDS][chunk::CHUNKS], lives).wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_without_faults_and_kills_both_decisions_are_filled(lives: Lives, kind: str) -> None:
    total = run(calm(kind), lives, new_file(lives.folder))
    assert (total.wrong, total.orders["filled"], total.orders["here filled"]) == ([], 2, 2)
    assert total.lives == {"done": 4}


@pytest.mark.parametrize("kind", KINDS)
def test_a_life_ends_at_the_failpoint_it_is_told_and_an_order_has_many(lives: Lives, kind: str) -> None:
    database, time = new_file(lives.folder), Time(calm(kind).steps[0].at)
    with account(kind, database, time) as where:
        assert lives.live(kind, database, where, calm(kind).rows, time.now, kill_at=20) == KILLED
        assert len(lives.passed()) == 20
        assert lives.live(kind, database, where, calm(kind).rows, time.now) == 0
    assert {"before record", "after record", "before move", "in a transaction"} <= set(lives.passed())


@pytest.mark.parametrize(("bug", "number", "invariant"), SEEN)
def test_a_bug_in_the_order_path_is_seen_by_a_schedule(tmp_path: Path, bug: str, number: int, invariant: str) -> None:
    mutant = next(each for each in MUTANTS if each.name == bug)
    (project := tmp_path / "project").mkdir()
    (copied(project) / mutant.file).write_text(applied(mutant), encoding="utf-8")
    with zygote(tmp_path, project) as wrong_lives:
        found = run(schedule(number, SEED), wrong_lives, new_file(tmp_path)).wrong
    assert invariant in {what.split()[0] for what, _ in found}


@pytest.mark.parametrize("number", range(3))
def test_a_life_whose_connections_to_the_database_end_doubles_and_loses_nothing(
    lives: Lives, postgresql: Any, number: int
) -> None:
    total = run(schedule(number, SEED, cut=True), lives, postgresql.new_schema())
    assert total.wrong == []
    assert total.faults["connections ended"] > 0


@pytest.mark.parametrize("name", some([*FAULTS]))
@pytest.mark.parametrize("kind", sorted(TARGETS))
def test_every_fault_can_happen_to_every_broker(lives: Lives, kind: str, name: str) -> None:
    target = {"lagging": "list", "a row missing": "list", "real money": "account"}.get(name, "create")
    first, *others = calm(kind).steps
    steps = (replace(first, breaks=(Break(name=name, target=target),)), *others)
    assert run(replace(calm(kind), steps=steps), lives, new_file(lives.folder)).faults == {name: 1}


@pytest.mark.parametrize("kind", sorted(TARGETS))
@pytest.mark.parametrize(
    ("name", "sentence"),
    [("too long", "more than 5000000 bytes"), ("a bomb", "more than 5000000 bytes"), ("slow", "in full within 0.2 s")],
)
def test_an_answer_without_an_end_is_refused_in_little_memory_and_time(
    lives: Lives, kind: str, name: str, sentence: str
) -> None:
    deadline = 0.2 if name == "slow" else 5
    first = calm(kind).steps[0]
    with account(kind, database := new_file(lives.folder), Time(first.at)) as where:
        assert isinstance(where, Account)
        where.fail(fault(Break(name=name, target="account", times=9), kind, where), name)
        assert lives.live(kind, database, where, calm(kind).rows, first.at, deadline=deadline) == TOLD
        assert len(where.hit) > 1
    assert sentence in lives.said()
    assert lives.wrong() == []


@pytest.mark.parametrize("kind", sorted(TARGETS))
def test_orders_that_are_filled_in_part_are_followed_share_by_share(lives: Lives, kind: str) -> None:
    total, placed = lived(lives, kind, [Break(name="filled in lots", target="create")], [])
    assert total.wrong == []
    assert {each.state for each in placed} == ({"filled", "over"} if kind == "lemon_markets" else {"over"})
    assert all(0 < each.filled < each.quantity for each in placed if each.state == "over")


@pytest.mark.parametrize("kind", sorted(TARGETS))
def test_what_is_canceled_there_in_part_ends_here_with_that_part(lives: Lives, kind: str) -> None:
    later = [Break(name="canceled there", target="list")]
    total, placed = lived(lives, kind, [Break(name="filled in lots", target="create")], later)
    assert total.wrong == []
    assert {(each.state, each.filled < each.quantity) for each in placed} == {("over", True)}


@pytest.mark.parametrize("kind", sorted(TARGETS))
@pytest.mark.parametrize("target", ["find", "list"])
def test_fewer_shares_than_before_halt_the_bot(lives: Lives, kind: str, target: str) -> None:
    later = [Break(name="less filled", target=target, times=9)]
    total, _ = lived(lives, kind, [Break(name="filled in lots", target="create")], [], later)
    assert total.wrong == []
    assert any("shares of itb-" in reason or "the broker says that" in reason for reason in total.halts)


def test_an_order_that_is_said_to_be_inactive_again_halts_the_bot(lives: Lives) -> None:
    later = [Break(name="status backwards", target="find", times=9)]
    total, _ = lived(lives, "lemon_markets", [Break(name="filled in lots", target="create")], later)
    assert total.wrong == []
    assert any("the broker says that" in reason for reason in total.halts)


@pytest.mark.parametrize("kind", sorted(TARGETS))
def test_an_account_that_was_reset_halts_the_bot_and_nothing_is_sent(lives: Lives, kind: str) -> None:
    total, placed = lived(lives, kind, [], [Break(name="reset", target="account")])
    assert total.wrong == []
    assert placed == []
    assert [reason[:19] for reason in total.halts] == [
        "the broker holds le" if kind == "lemon_markets" else "the broker shows ac"
    ]


@pytest.mark.parametrize("kind", sorted(TARGETS))
def test_a_strangers_orders_are_left_alone_and_their_shares_count(
    lives: Lives, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.lab.accounts.STRANGE", 520)  # so many of NWRB that no more may be bought
    total, placed = lived(lives, kind, [], strange=True)
    assert total.wrong == []
    assert {each.symbol for each in placed} == {"KLPF"}
    assert total.orders["here filled"] == 1


@pytest.mark.parametrize("kind", sorted(TARGETS))
@pytest.mark.parametrize("name", ["clock ahead", "clock behind"])
def test_a_broker_whose_clock_is_wrong_gets_the_same_orders(lives: Lives, kind: str, name: str) -> None:
    total, placed = lived(lives, kind, [Break(name=name, target=target, times=999) for target in ("get", "post")])
    assert total.wrong == []
    assert [each.state for each in placed] == ["filled", "filled"]
    assert total.faults[name] > 5


def test_the_door_sees_what_is_done_to_the_orders_of_others_and_to_open_keys(lives: Lives) -> None:
    first = calm("lemon_markets").steps[0]
    with account("lemon_markets", database := new_file(lives.folder), Time(first.at)) as where:
        assert isinstance(where, LemonMarkets)
        where.fail(fault(Break(name="lost", target="create"), "lemon_markets", where), "lost")
        assert lives.live("lemon_markets", database, where, calm("lemon_markets").rows, first.at) == 0
        (waiting,) = (each for each in where.placed() if each.state == "inactive")
        where.stranger()
        where._arrived("DELETE", f"/orders/{waiting.id}", Query([]), b"", lambda _: None)
        for other in sorted(where._foreign):
            where._arrived("DELETE", f"/orders/{other}", Query([]), b"", lambda _: None)
            where._arrived("POST", f"/orders/{other}/activate", Query([]), b"{}", lambda _: None)
    assert Counter(breach.split()[0] for breach in where.breaches) == {"I8": 1, "F28": 4 * len(TICKERS)}


def test_what_is_well_is_found_well() -> None:
    assert oracle.violations(WELL) == []
    assert oracle.orphans(WELL) == []


@pytest.mark.parametrize(
    ("number", "seen"),
    [
        ("I1", replace(WELL, placed=[PLACED, replace(PLACED, id="b-2")])),
        ("I2", replace(WELL, decided={BUY.key: FOLLOWED})),
        ("I2", replace(WELL, decided={**WELL.decided, BUY.key: {**FOLLOWED, "final": 0}})),
        ("I2", replace(WELL, orders={}, placed=[], bought={})),
        ("I2", replace(WELL, orders={BUY.client_order_id: {**ORDER, "status": "submitting"}})),
        ("I2", replace(WELL, placed=[], orders={BUY.client_order_id: {**ORDER, "status": "expired"}})),
        ("I3", replace(WELL, rows=[OTHER])),
        ("I3", replace(WELL, placed=[PLACED, replace(PLACED, key=SELL.client_order_id)])),
        ("I4", replace(WELL, placed=[replace(PLACED, id="b-2")])),
        ("I5", replace(WELL, orders={BUY.client_order_id: {**ORDER, "status": "canceled"}})),
        ("I5", replace(WELL, placed=[])),
        ("I6", replace(WELL, placed=[replace(PLACED, side=Side.SELL)])),
        ("I9", replace(WELL, orders={BUY.client_order_id: {**ORDER, "filled": "25"}})),
        ("I9", replace(WELL, bought={"NWRB": Decimal(48)})),
        ("integrity:", replace(WELL, integrity="a page is never used")),
    ],
)
def test_what_is_planted_is_reported(number: str, seen: Evidence) -> None:
    assert number in {what.split()[0] for what in oracle.violations(seen)}


def test_an_order_that_waits_to_be_activated_by_nobody_is_reported() -> None:
    waiting = replace(PLACED, id="b-2", state="inactive", was_live=False)
    assert [what.split()[0] for what in oracle.orphans(replace(WELL, placed=[PLACED, waiting]))] == ["I7"]


@pytest.mark.parametrize("kind", ["lemon_markets", "alpaca"])
def test_the_witness_at_the_door_sees_what_was_not_written_down(lives: Lives, kind: str) -> None:
    database, time = new_file(lives.folder), Time(calm(kind).steps[0].at)
    with account(kind, database, time) as where:
        assert isinstance(where, LemonMarkets | Alpaca)
        where.fail(fault(Break(name="postponed", target="create"), kind, where), "postponed")
        assert lives.live(kind, database, where, calm(kind).rows, time.now, kill_at=0) == 0
        assert where.breaches == []
        sent = next(each for each in where.standin.journal if each.method == "POST")
        ledger = Ledger(database)
        assert ledger.may_create("itb-unknown") is not None
        assert ledger.may_activate("ord-unknown") is not None
        ledger.close()
        where._arrived("POST", sent.path, sent.query, sent.body.replace(b"itb-", b"xxx-"), lambda _: None)
    assert [breach.split()[0] for breach in where.breaches] == ["I3"]
