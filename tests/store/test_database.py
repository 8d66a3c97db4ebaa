"""How a database is opened, on each engine: durable, ours, and untouched when it is only read."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from bot.errors import ConfigError, HaltedError, StoreError
from bot.model import OrderStatus
from bot.store.database import open_database
from bot.store.paper import PaperBooks
from bot.store.repository import Repository
from bot.store.tables import HEAD, REVISIONS, control, cursors, metadata, paper_positions, revision
from tests.builders import NOW, decision, event, intent, order

ROOT = Path(__file__).parents[2]


@pytest.fixture
def written(database_url: str) -> str:
    """The URL of a database with a decision and an order in it."""
    with closing(open_database(database_url)) as database:
        Repository(database).record([decision()], [intent()], NOW)
    return database_url


@contextmanager
def behind(url: str) -> Iterator[Connection]:
    """A connection that knows nothing of the bot."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        yield connection


def tables(url: str) -> set[str]:
    with behind(url) as connection:
        return set(inspect(connection).get_table_names())


def test_a_new_database_has_every_table_and_says_its_schema(database_url: str) -> None:
    open_database(database_url).close()
    assert tables(database_url) == {*metadata.tables, "alembic_version"}
    with behind(database_url) as connection:
        assert connection.execute(select(revision.c.version_num)).scalars().all() == [HEAD]


def test_a_new_database_is_opened_again_as_it_was(written: str) -> None:
    with closing(open_database(written)) as database:
        assert Repository(database).orders() == [(intent(), order())]


def test_a_database_that_is_read_shows_what_is_there(written: str) -> None:
    with closing(open_database(written, read_only=True)) as database:
        store = Repository(database)
        assert (len(store.orders()), len(store.decided()), store.trade_from()) == (1, 1, NOW)


def test_a_database_opened_for_reading_cannot_be_written(written: str) -> None:
    with closing(open_database(written, read_only=True)) as database:
        store = Repository(database)
        with pytest.raises(StoreError, match="the database is read-only"):
            store.halt("by hand", NOW)
        with pytest.raises(StoreError, match="the database is read-only"):
            store.record([], [replace(intent(), client_order_id="itb-2", decision_id="d-2")], NOW)
        assert (store.halted(), len(store.orders())) == (None, 1)


def test_a_reader_of_an_empty_database_sees_an_empty_one_and_creates_nothing(database_url: str) -> None:
    with closing(open_database(database_url, read_only=True)) as database:
        store = Repository(database)
        assert (store.orders(), store.decided(), store.trade_from()) == ([], [], None)
    assert tables(database_url) == set()


# -- refusals, one sentence each


@pytest.mark.parametrize("read_only", [False, True])
def test_a_foreign_database_is_refused_and_not_touched(database_url: str, read_only: bool) -> None:
    with behind(database_url) as connection:
        connection.execute(text("CREATE TABLE control (id INTEGER)"))
    with pytest.raises(StoreError, match="not insiderbot's; choose another BOT_DATABASE_URL"):
        open_database(database_url, read_only=read_only)
    assert tables(database_url) == {"control"}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (REVISIONS[0], f"the database has schema 0001, this insiderbot needs {HEAD}: run `insiderbot db upgrade`"),
        ("9999", f"the database has schema 9999, this insiderbot knows {HEAD}: use the version that wrote it"),
    ],
)
def test_another_schema_is_refused(written: str, found: str, sentence: str, read_only: bool) -> None:
    with behind(written) as connection:
        connection.execute(update(revision).values(version_num=found))
    with pytest.raises(StoreError) as told:
        open_database(written, read_only=read_only)
    assert str(told.value) == sentence


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("sqlite:////no/such/folder/bot.db", "there is no folder /no/such/folder"),
        ("oracle+unheard://somebody:secret@db/bot", "is not supported"),
        ("postgresql+psycopg2://somebody:secret@db/bot", "is not supported; write .* postgresql://user:password@host"),
        ("postgres://somebody:secret@db/bot", "postgres is not supported"),
        ("postgresql://somebody:open@secret@db/bot", "write the @ of a password as %40"),
        ("postgresql://somebody:open@very:secret@db/bot", "is not a database URL"),
        ("bot.db", "is not a database URL"),
        ("", "is not a database URL"),
    ],
)
def test_a_wrong_address_is_told_in_one_sentence(address: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as told:
        open_database(address)
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)


# -- several at once


def test_a_failed_transaction_leaves_nothing(database_url: str) -> None:
    with closing(open_database(database_url)) as database:
        half = insert(cursors).values(name="half", value="done")
        with pytest.raises(IntegrityError), database.write() as connection:
            [connection.execute(half) for _ in range(2)]
        with database.read() as connection:
            assert connection.execute(select(cursors.c.name)).all() == []


def test_what_a_process_did_not_finish_does_not_block_the_next_one(written: str) -> None:
    script = """if True:
        import os, signal, sys
        from bot.store.database import open_database
        from bot.store.tables import control
        with open_database(sys.argv[1]).write() as connection:
            connection.execute(control.update().values(halted="half"))
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert subprocess.run([sys.executable, "-c", script, written], cwd=ROOT, check=False).returncode == -9
    with closing(open_database(written)) as database:
        store = Repository(database)
        assert store.halted() is None
        store.halt("whole", NOW)
        assert store.halted() == "whole"


TOGETHER = """
import sys
from contextlib import closing
from datetime import UTC, datetime
from bot.errors import TryAgainError
from bot.store.answers import Answers
from bot.store.database import open_database
from bot.store.repository import Repository
from tests.builders import NOW, decision, event, intent

url, name = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
won = []
with closing(open_database(url)) as database:
    store, answers = Repository(database), Answers(database)
    for n in range(10):
        answers.put({f"{name}-{n}": "x" * 500}, datetime(2100, 1, 1, tzinfo=UTC))
        answers.get([f"{name}-{n}"], datetime(2026, 1, 1, tzinfo=UTC)) or sys.exit("lost")
        plan = [decision(event=event(key=f"e-{n}", keys=(f"row:{n}",)))]
        try:
            store.record(plan, [intent(client_order_id=f"itb-{n}", decision_id=f"d-{n}")], NOW)
            won.append(n)
        except TryAgainError as error:
            assert str(error).endswith("nothing was sent"), error
print(*won)
"""


def test_two_processes_that_create_write_and_decide_at_once_lose_nothing_and_do_nothing_twice(
    database_url: str,
) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", TOGETHER, database_url, name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for writer in writers:  # both have imported everything: now they start
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    ends = [(*writer.communicate(timeout=60), writer.returncode) for writer in writers]
    assert [end[1:] for end in ends] == [("", 0)] * 2
    assert sorted(int(n) for out, *_ in ends for n in out.split()) == list(range(10))
    with closing(open_database(database_url)) as database:
        store = Repository(database)
        assert (len(store.orders()), len(store.decided())) == (10, 10)
        with database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM mappings")).scalar() == 20


def test_of_two_that_write_at_the_same_moment_one_waits_and_sees_what_the_other_wrote(database_url: str) -> None:
    with closing(open_database(database_url)) as first, closing(open_database(database_url)) as second:
        Repository(first).record([], [intent()], NOW)
        told: list[str] = []

        def late() -> None:
            with pytest.raises(HaltedError) as halted:
                Repository(second).move(order(), order(status=OrderStatus.SUBMITTING, updated_at=NOW))
            told.append(str(halted.value))

        waiting = threading.Thread(target=late)
        with first.write() as connection:
            waiting.start()
            waiting.join(0.05)
            assert waiting.is_alive()
            connection.execute(update(control).values(halted="by the first"))
        waiting.join(20)
        assert told == ["by the first"]
        assert Repository(first).orders() == [(intent(), order())]


# -- the same text, whatever the engine


def test_words_come_back_whatever_their_length(database_url: str) -> None:
    long = "X" * 300
    with closing(open_database(database_url)) as database:
        store = Repository(database)
        store.record([decision(event=event(key=long, keys=(long,), symbols=(long,)))], [intent(strategy=long)], NOW)
        moved = order(broker_order_id=long, reason=long, status=OrderStatus.REJECTED, updated_at=NOW)
        assert store.move(order(), moved) == store.order(order().client_order_id)
        assert [row["event_key"] for row in store.decided(about=long)] == [long]


def test_symbols_are_sorted_by_their_bytes(database_url: str) -> None:
    with closing(open_database(database_url)) as database:
        with database.write() as connection:
            for symbol in ("BRKA", "BRK-B", "aapl", "AAPL", "Z"):
                held = {"symbol": symbol, "quantity": Decimal(1), "average_price": Decimal(1), "currency": "USD"}
                connection.execute(insert(paper_positions), held)
        held_now = PaperBooks(database, Decimal(0)).positions()
        assert [position.symbol for position in held_now] == ["AAPL", "BRK-B", "BRKA", "Z", "aapl"]
