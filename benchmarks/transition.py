"""What one durable step of an order costs, beside a bare sqlite3 commit of the same UPDATE and INSERT.

The step is the one the desk takes: compare-and-set by the leader, whether anything may be sent, and a line in the
journal. Both files are on the same disk with the same tables and pragmas, and the two take turns.
"""

import gc
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

from bot.halt_file import HaltFile
from bot.model import Instrument, Order, OrderIntent, OrderStatus, Side
from bot.store.database import open_database
from bot.store.lead import Lead
from bot.store.repository import Repository
from bot.store.sqlite import PRAGMAS

ROUNDS = 400
NOW = datetime(2026, 3, 2, 13, tzinfo=UTC)
KEY = "itb-" + "a" * 26
UPDATE = "UPDATE orders SET status = ?, attempts = ?, updated_at = ? WHERE client_order_id = ? AND status = ?"
INSERT = "INSERT INTO transitions (client_order_id, before, after, reason, at) VALUES (?, ?, ?, ?, ?)"


def intent() -> OrderIntent:
    """The order that is moved to and fro."""
    return OrderIntent(
        client_order_id=KEY,
        decision_id="d-1",
        account="paper",
        strategy="executives",
        instrument=Instrument(symbol="ZAAA", name="Company 1 Inc", share_class_figi="ZZS1"),
        side=Side.BUY,
        quantity=Decimal(10),
        currency="USD",
        session=date(2026, 3, 2),
        valid_from=NOW,
        valid_until=NOW + timedelta(hours=7),
        created_at=NOW,
    )


def orders() -> Iterator[Order]:
    """The order as it is about to be sent, and as nobody has it, in turns."""
    order = intent().order()
    while True:
        order = replace(order, status=OrderStatus.SUBMITTING, attempts=order.attempts + 1, updated_at=NOW)
        yield order
        order = replace(order, status=OrderStatus.INTENT)
        yield order


@contextmanager
def ours(folder: Path) -> Iterator[Callable[[], object]]:
    """The repository's step."""
    url = f"sqlite:///{folder / 'ours.db'}"
    with closing(open_database(url)) as database, closing(Lead(url)) as lead:
        store = Repository(database, HaltFile(folder / "HALT"))
        store.epoch = lead.epoch(database)
        store.record([], [intent()], NOW)
        state, coming = [intent().order()], orders()
        yield lambda: state.append(store.move(state.pop(), next(coming)))


@contextmanager
def bare(folder: Path) -> Iterator[Callable[[], object]]:
    """sqlite3's own: BEGIN IMMEDIATE, UPDATE, INSERT, COMMIT."""
    file = folder / "bare.db"
    with closing(open_database(f"sqlite:///{file}")) as database:
        Repository(database).record([], [intent()], NOW)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for pragma in PRAGMAS:
            connection.execute(pragma)
        state, coming = [intent().order()], orders()

        def step() -> None:
            before, after, at = state.pop(), next(coming), NOW.isoformat()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(UPDATE, (after.status, after.attempts, at, KEY, before.status))
            connection.execute(INSERT, (KEY, before.status, after.status, "", at))
            connection.execute("COMMIT")
            state.append(after)

        yield step


def timed(step: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall microseconds of one step."""
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    return (time.process_time() - cpu) * 1e6, (time.perf_counter() - wall) * 1e6


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name, ours(Path(name)) as step, bare(Path(name)) as peer:
        timed(step), timed(peer)  # what is compiled once
        gc.collect()
        gc.freeze()
        pairs = [(timed(step), timed(peer)) for _ in range(ROUNDS)]
    for kind, column in (("CPU", 0), ("wall", 1)):
        mine, theirs = median(pair[0][column] for pair in pairs), median(pair[1][column] for pair in pairs)
        print(
            f"one step of an order: {mine:.0f} us {kind}, bare sqlite3 {theirs:.0f} us; ratio {mine / theirs:.2f}"
            " (at most 2.5)"
        )


if __name__ == "__main__":
    main()
