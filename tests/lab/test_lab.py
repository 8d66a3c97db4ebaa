"""Random schedules and pairs of faults, with real kills; and an oracle that can fail."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.model import Side
from tests.builders import NOW
from tests.fakes import Time
from tests.lab import oracle
from tests.lab.accounts import Alpaca, LemonMarkets, Placed, account
from tests.lab.broken import FAULTS, TARGETS, fault
from tests.lab.ledger import Ledger
from tests.lab.lives import KILLED, Lives, zygote
from tests.lab.oracle import Evidence
from tests.lab.pairs import pairs
from tests.lab.run import Tally, new_file, run
from tests.lab.schedules import schedule
from tests.lab.world import KINDS, Break, Row, Schedule

SCHEDULES, CHUNKS = 240, 12  # 1,000 take six minutes on two cores: that many are in `make evidence`
SHARD, SHARDS = 1, 180
SEED = 20_260_303

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
    assert total.lives["killed"] > size
    assert total.orders["filled"] > size
    assert len(total.faults) >= 5


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_fault_upon_a_fault_and_a_kill_between_them_change_nothing(lives: Lives, chunk: int) -> None:
    assert together(pairs()[SHARD - 1 :: SHARDS][chunk::CHUNKS], lives).wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_without_faults_and_kills_both_decisions_are_filled(lives: Lives, kind: str) -> None:
    calm = next(each for each in pairs() if each.kind == kind and not each.broken and not each.steps[0].kill_at)
    total = run(calm, lives, new_file(lives.folder))
    assert (total.wrong, total.orders["filled"], total.orders["here filled"]) == ([], 2, 2)
    assert total.lives == {"done": 4}


@pytest.mark.parametrize("kind", KINDS)
def test_a_life_ends_at_the_failpoint_it_is_told_and_an_order_has_many(lives: Lives, kind: str) -> None:
    calm = next(each for each in pairs() if each.kind == kind and not each.broken and not each.steps[0].kill_at)
    database, time = new_file(lives.folder), Time(calm.steps[0].at)
    with account(kind, database, time) as where:
        assert lives.live(kind, database, where, calm.rows, time.now, kill_at=20) == KILLED
        assert len(lives.passed()) == 20
        assert lives.live(kind, database, where, calm.rows, time.now) == 0
    assert {"before record", "after record", "before move", "in a transaction"} <= set(lives.passed())


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("kind", sorted(TARGETS))
def test_every_fault_can_happen_to_every_broker(lives: Lives, kind: str, name: str) -> None:
    target = {"lagging": "list", "a row missing": "list", "real money": "account"}.get(name, "create")
    calm = next(each for each in pairs() if each.kind == kind and not each.broken and not each.steps[0].kill_at)
    steps = (replace(calm.steps[0], breaks=(Break(name=name, target=target),)), *calm.steps[1:])
    assert run(replace(calm, steps=steps), lives, new_file(lives.folder)).faults == {name: 1}


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
    calm = next(each for each in pairs() if each.kind == kind and not each.broken and not each.steps[0].kill_at)
    database, time = new_file(lives.folder), Time(calm.steps[0].at)
    with account(kind, database, time) as where:
        assert isinstance(where, LemonMarkets | Alpaca)
        where.fail(fault(Break(name="postponed", target="create"), kind, where), "postponed")
        assert lives.live(kind, database, where, calm.rows, time.now, kill_at=0) == 0
        assert where.breaches == []
        sent = next(each for each in where.standin.journal if each.method == "POST")
        ledger = Ledger(database)
        assert ledger.may_create("itb-unknown") is not None
        assert ledger.may_activate("ord-unknown") is not None
        ledger.close()
        where._arrived("POST", sent.path, sent.query, sent.body.replace(b"itb-", b"xxx-"), lambda _: None)
    assert [breach.split()[0] for breach in where.breaches] == ["I3"]
