"""Our own code with one bug in it each time, and the tests that see it: `python -m tests.mutants` runs them all.

The bugs are those that people really ship. Each is a short change of the source in a copy of the project; there the
tests that are named must fail. `python -m tests.mutants WORD` runs those with this word in their names.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PARTS = "bot", "brokers", "strategies", "tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A bug: `old` stands once in `file`, and `new` in its place is wrong, as these `tests` must see.

    `healed` says why nothing comes of it: another layer protects. Then the tests must pass all the same.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    healed: str = ""


ORDERS, RECONCILE, BOOK = "bot/orders.py", "bot/reconcile.py", "bot/book.py"
REPOSITORY, ENGINE = "bot/store/repository.py", "bot/engine.py"
LIFE, BOOKS, REPLAY = "tests/test_orders.py::", "tests/test_reconcile.py::", "tests/model/test_replay.py"

COVERED = """\
        if not self._is_covered(order):
            return self._look_up(order, missing=order.status)
        sent = self._move(order, replace(order, status="""  # and the one that is sent

MUTANTS = (
    Mutant(
        name="a new key on retry",
        file=ORDERS,
        old="self._broker.submit(intent)",
        new='self._broker.submit(replace(intent, client_order_id=f"{intent.client_order_id[:-1]}{sent.attempts}"))',
        tests=(LIFE + "test_a_lost_request_is_sent_again_under_the_same_id_in_the_next_cycle_only",),
    ),
    Mutant(
        name="a key that is not the decision's own",
        file=ORDERS,
        old='f"v1|paper|{decision}"',
        new='f"v1|paper|{decision}{id(object())}"',
        tests=(LIFE + "test_ids_never_change_from_one_version_to_the_next",),
    ),
    Mutant(
        name="a time-out is a refusal",
        file=ORDERS,
        old="except OrderRefusedError as error:\n            if sent.attempts",
        new="except BrokerError as error:\n            if sent.attempts",
        tests=(LIFE + "test_a_lost_request_is_sent_again_under_the_same_id_in_the_next_cycle_only",),
    ),
    Mutant(
        name="nothing durable before the order",
        file=ORDERS,
        old="sent = self._move(order, replace(order, status=OrderStatus.SUBMITTING, attempts=order.attempts + 1))",
        new="sent = replace(order, attempts=order.attempts + 1)",
        tests=(LIFE + "test_what_is_about_to_be_sent_is_durable_before_it_is_sent",),
    ),
    Mutant(
        name="seen before the decision is durable",
        file=REPOSITORY,
        old="                if intents:\n",
        new="            with self._leading() as connection:\n                if intents:\n",
        tests=(
            "tests/store/test_repository.py::test_a_plan_that_collides_with_what_is_written_leaves_nothing_and_says_try_again",
        ),
    ),
    Mutant(
        name="seen after the order",
        file=ENGINE,
        old="self.store.record(plan.decisions, plan.intents, plan.as_of, plan.seen)\n        return self.desk.work()",
        new="self.store.record((), plan.intents, plan.as_of)\n        orders = self.desk.work()\n"
        "        self.store.record(plan.decisions, (), plan.as_of)\n        return orders",
        tests=("tests/test_engine.py::test_the_same_rows_again_place_nothing_new",),
        healed="whoever decides an event again comes to the same decision, which has its order",
    ),
    Mutant(
        name="an unknown sale reserves nothing",
        file=BOOK,
        old="if order.side is Side.SELL:",
        new="if order.side is Side.SELL and order.broker_order_id:",
        tests=("tests/test_orders_machine.py::test_a_sale_that_nobody_knows_of_reserves_what_it_sells",),
    ),
    Mutant(
        name="an unknown purchase reserves nothing",
        file=BOOK,
        old="elif order.broker_order_id is None:",
        new="elif order.broker_order_id:",
        tests=(
            "tests/test_trader.py::test_what_an_order_that_the_broker_may_not_know_of_will_cost_is_not_spent_twice",
        ),
    ),
    Mutant(
        name="placed again after a lost activation",
        file=ORDERS,
        old="except OrderRefusedError as error:\n            found",
        new="except BrokerError as error:\n"
        "            return self._move(sent, replace(sent, status=OrderStatus.INTENT, broker_order_id=None))\n"
        "            found",
        tests=(LIFE + "test_an_activation_in_doubt_is_looked_up_before_it_is_repeated",),
    ),
    Mutant(
        name="whatever is found is activated",
        file=ORDERS,
        old="self._broker.activate(order.broker_order_id)",
        new="self._broker.activate(self._broker.find(replace(order, broker_order_id=None)).broker_order_id)",
        tests=(REPLAY,),
    ),
    Mutant(
        name="the answer's echo is not looked at",
        file=ORDERS,
        old='for name in ("client_order_id", "symbol", "isin", "side", "quantity"):',
        new="for name in ():",
        tests=(LIFE + "test_an_answer_about_another_order_or_an_impossible_state_is_not_believed",),
    ),
    Mutant(
        name="a known key is a failure at lemon.markets",
        file="brokers/lemon_markets.py",
        old="if known := self._search(order):",
        new="if False and (known := self._search(order)):",
        tests=("tests/brokers/test_lemon_orders.py::test_a_refusal_says_nothing_about_an_earlier_attempt",),
    ),
    Mutant(
        name="a known key is a failure at alpaca",
        file="brokers/alpaca.py",
        old="if known := self.find(order):",
        new="if False and (known := self.find(order)):",
        tests=("tests/brokers/test_alpaca_orders.py::test_a_refusal_says_nothing_about_an_earlier_attempt",),
    ),
    Mutant(
        name="a refusal of a retry is final",
        file=ORDERS,
        old="if sent.attempts > 1:",
        new="if sent.attempts > 99:",
        tests=(LIFE + "test_a_refusal_of_a_second_attempt_says_nothing_about_the_first",),
    ),
    Mutant(
        name="a refusal of an activation is final",
        file=ORDERS,
        old="return self._give_up(sent, OrderStatus.REJECTED, str(error))",
        new="return self._move(sent, replace(sent, status=OrderStatus.REJECTED, reason=str(error)))",
        tests=(REPLAY + "::test_the_code_does_not_go_wrong_where_the_model_with_a_bug_does",),
    ),
    Mutant(
        name="a key is trusted for as long as the broker knows it",
        file=ORDERS,
        old="lasts / 2",
        new="lasts",
        tests=(LIFE + "test_a_key_is_not_sent_again_once_the_broker_may_soon_forget_it",),
    ),
    Mutant(
        name="an order is sent on old books",
        file=ORDERS,
        old="        self._check_books()\n" + COVERED + "OrderStatus.SUBMITTING",
        new=COVERED + "OrderStatus.SUBMITTING",
        tests=(LIFE + "test_nothing_is_sent_on_books_that_are_older_than_a_minute",),
    ),
    Mutant(
        name="an order is activated on old books",
        file=ORDERS,
        old="        self._check_books()\n" + COVERED + "OrderStatus.ACTIVATING",
        new=COVERED + "OrderStatus.ACTIVATING",
        tests=(LIFE + "test_nothing_is_sent_on_books_that_are_older_than_a_minute",),
    ),
    Mutant(
        name="what another sale may sell is sold",
        file=ORDERS,
        old="return order.quantity <= left",
        new="return True",
        tests=(
            LIFE + "test_what_another_sale_of_ours_may_sell_is_not_sold",
            LIFE + "test_what_is_not_in_the_account_any_more_is_not_sold",
        ),
    ),
    Mutant(
        name="a sale that has sold by itself is in its own way",
        file=ORDERS,
        old=COVERED + "OrderStatus.ACTIVATING",
        new=COVERED.replace("self._look_up(order, missing=order.status)", "order") + "OrderStatus.ACTIVATING",
        tests=(LIFE + "test_a_sale_that_was_activated_after_all_is_seen_to_be_filled",),
    ),
    Mutant(
        name="what the broker shows of our sales explains nothing",
        file=RECONCILE,
        old="self._clock(), further(known, listed))",
        new="self._clock())",
        tests=(LIFE + "test_a_sale_that_the_broker_shows_as_filled_explains_what_is_gone_whatever_we_know_of_it",),
    ),
    Mutant(
        name="a sale that was never sent may have sold",
        file=RECONCILE,
        old="for _, order in store.open_orders() if order.was_sent]",
        new="for _, order in store.open_orders()]",
        tests=(LIFE + "test_what_is_not_in_the_account_any_more_is_not_sold",),
    ),
    Mutant(
        name="an older list is believed",
        file=RECONCILE,
        old="shown_by=begun - self._broker.visibility_lag",
        new="shown_by=self._clock() - self._broker.visibility_lag",
        tests=(LIFE + "test_what_is_filled_while_the_books_are_read_is_no_contradiction",),
    ),
    Mutant(
        name="an order that was sent before is sent again unseen",
        file=ORDERS,
        old="case OrderStatus.INTENT if order.attempts and",
        new="case OrderStatus.INTENT if False and",
        tests=(LIFE + "test_an_order_that_is_not_sent_again_at_once_is_looked_for_before_it_is_later",),
    ),
    Mutant(
        name="what the broker does not show is given up",
        file=ORDERS,
        old="        if found is None:\n            return self._missed(order)\n",
        new="        if found is None:\n            found = replace(order, status=OrderStatus.CANCELED)\n",
        tests=(LIFE + "test_an_order_is_not_given_up_before_the_broker_shows_that_it_is_over",),
    ),
    Mutant(
        name="a broker with one step and no key is taken",
        file="bot/app.py",
        old="if not (broker.two_step or broker.idempotent):",
        new="if False:",
        tests=("tests/test_app.py::test_a_broker_that_is_not_to_be_left_alone_is_used_by_hand_only",),
    ),
    Mutant(
        name="nothing is swept",
        file=RECONCILE,
        old="in findings.stray:",
        new="in ():",
        tests=(BOOKS + "test_a_late_twin_is_canceled_and_the_order_goes_on",),
    ),
    Mutant(
        name="an order whose key is open is swept",
        file=RECONCILE,
        old="return order is None or order.status.is_final or",
        new="return True or",
        tests=(BOOKS + "test_an_inactive_order_whose_key_is_open_is_never_canceled",),
    ),
    Mutant(
        name="what cannot be canceled stops everything",
        file=RECONCILE,
        old="except (NotPaperError, UnwelcomeError):",
        new="except BrokerError:",
        tests=(BOOKS + "test_a_stray_that_cannot_be_canceled_keeps_nothing_else_from_being_done",),
    ),
    Mutant(
        name="what nobody was told of is taken as seen",
        file=RECONCILE,
        old="is_told = breach is not None and halt(self._store, breach, self._clock())",
        new="is_told = breach is not None and (halt(self._store, breach, self._clock()) or True)",
        tests=(
            BOOKS + "test_what_is_found_while_the_bot_is_halted_halts_it_again",
            BOOKS + "test_another_account_that_comes_while_the_bot_is_halted_is_not_settled_in",
        ),
    ),
    Mutant(
        name="whatever is listed under a key is the order",
        file=RECONCILE,
        old="return None if order.is_of(theirs) else",
        new="return None if True else",
        tests=(BOOKS + "test_an_open_order_that_is_listed_under_another_key_of_ours_is_not_canceled",),
    ),
    Mutant(
        name="an open order is swept when the broker misnames it",
        file=RECONCILE,
        old="return misnamed and",
        new="return False and",
        tests=(BOOKS + "test_what_may_be_an_open_order_under_a_wrong_key_is_not_canceled",),
    ),
    Mutant(
        name="who only believes to lead writes",
        file="bot/store/lead.py",
        old="if epoch is not None and",
        new="if False and",
        tests=("tests/store/test_lead.py::test_who_only_believes_to_lead_changes_nothing",),
    ),
    Mutant(
        name="two lead at a time",
        file="bot/store/sqlite.py",
        old='connection.execute("BEGIN EXCLUSIVE")',
        new='connection.execute("BEGIN")',
        tests=("tests/store/test_lead.py::test_one_leads_at_a_time_and_the_next_one_when_it_ends[sqlite]",),
    ),
    Mutant(
        name="a step from anywhere",
        file=REPOSITORY,
        old="_state(after)).rowcount != 1:",
        new="_state(after)).rowcount < 0:",
        tests=("tests/store/test_repository.py::test_an_order_that_stands_elsewhere_is_not_moved",),
    ),
    Mutant(
        name="a step that sends while nothing may be sent",
        file=REPOSITORY,
        old="if after.status in SENDING and",
        new="if False and",
        tests=("tests/test_halting.py::test_the_store_itself_takes_no_step_that_sends",),
    ),
    Mutant(
        name="what lives there and is over here is left alone",
        file=RECONCILE,
        old="in findings.revived:",
        new="in ():",
        tests=(BOOKS + "test_an_order_that_arrives_after_its_refusal_is_followed_to_its_end",),
    ),
    Mutant(
        name="sent although the books were not compared",
        file=ORDERS,
        old="if is_reconciled:",
        new="if True:",
        tests=(BOOKS + "test_without_the_brokers_books_nothing_is_sent",),
    ),
    Mutant(
        name="sent again while it may be hidden",
        file=ORDERS,
        old="order.status is OrderStatus.SUBMITTING and self._may_be_hidden(order)",
        new="False",
        tests=(LIFE + "test_what_may_not_be_shown_yet_is_not_sent_again",),
    ),
)


def applied(mutant: Mutant, project: Path = PROJECT) -> str:
    """The file with the bug in it; ValueError unless there is exactly one place for it."""
    source = (project / mutant.file).read_text(encoding="utf-8")
    if (count := source.count(mutant.old)) != 1:
        raise ValueError(f"{mutant.name}: {mutant.file} has {count} times: {mutant.old}")
    return source.replace(mutant.old, mutant.new)


def copied(folder: Path) -> Path:
    """A copy of the project, as far as tests need it."""
    for part in PARTS:
        shutil.copytree(PROJECT / part, folder / part)  # with what is compiled: only the mutant's file is another one
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return folder


def survives(mutant: Mutant, folder: Path) -> bool:
    """Whether the tests pass in a copy with the bug in it; ValueError when it is no bug that they could judge."""
    (folder / mutant.file).write_text(applied(mutant), encoding="utf-8")
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutant.tests]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    finally:
        shutil.copy2(PROJECT / mutant.file, folder / mutant.file)
    if done.returncode not in {0, 1} or "ImportError" in done.stdout or "SyntaxError" in done.stdout:
        raise ValueError(f"{mutant.name}: the tests could not be run: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.returncode == 0


def main(words: list[str]) -> int:
    """Run them, and say which are caught; 1 when one is not that should be."""
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = copied(Path(name))
        for mutant in MUTANTS:
            if not all(word in mutant.name for word in words):
                continue
            alive = survives(mutant, folder)
            wrong += alive != bool(mutant.healed)
            said = f"healed: {mutant.healed}" if alive and mutant.healed else "SURVIVED" if alive else "caught"
            print(f"{mutant.name}: {said}", flush=True)  # noqa: T201
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
