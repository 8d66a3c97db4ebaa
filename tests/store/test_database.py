"""How a database is opened: durable, ours, and untouched when it is only read."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError

from bot.errors import ConfigError, StoreError, TryAgainError
from bot.store import database as opening
from bot.store.database import Database, open_database
from bot.store.repository import Repository
from bot.store.tables import SCHEMA_VERSION, control, cursors
from tests.builders import NOW, decision, intent


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/bot.db"


def written(folder: Path) -> Path:
    """The file of a database with a decision and an order in it."""
    database = open_database(url(folder))
    Repository(database).record([decision()], [intent()], NOW)
    database.close()
    return folder / "bot.db"


def listing(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("synchronous", 3),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("busy_timeout", 10_000),
        ("journal_mode", "delete"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_every_connection_is_durable_and_strict(tmp_path: Path, pragma: str, value: object, read_only: bool) -> None:
    written(tmp_path)
    database = open_database(url(tmp_path), read_only=read_only)
    with database.read() as connection:
        assert connection.execute(text(f"PRAGMA {pragma}")).scalar() == value
    database.close()


def test_reading_changes_nothing_on_disk(tmp_path: Path) -> None:
    written(tmp_path)
    before = listing(tmp_path)
    database = open_database(url(tmp_path), read_only=True)
    store = Repository(database)
    assert len(store.orders()) == 1
    assert store.decided()
    assert store.trade_from() == NOW
    assert listing(tmp_path) == before
    database.close()
    assert listing(tmp_path) == before


def test_a_database_opened_for_reading_cannot_be_written(tmp_path: Path) -> None:
    written(tmp_path)
    database = open_database(url(tmp_path), read_only=True)
    with pytest.raises(StoreError, match="read-only, or holds an unfinished write"):
        Repository(database).halt("by hand", NOW)
    database.close()


def test_a_database_that_is_not_there_yet_reads_as_an_empty_one(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/not/there/bot.db", read_only=True)
    store = Repository(database)
    assert (store.orders(), store.decided(), store.trade_from()) == ([], [], None)
    assert list(tmp_path.iterdir()) == []
    database.close()


def test_a_file_left_empty_by_a_crash_reads_as_an_empty_database(tmp_path: Path) -> None:
    (tmp_path / "bot.db").touch()
    database = open_database(url(tmp_path), read_only=True)
    assert Repository(database).orders() == []
    database.close()
    assert listing(tmp_path) == {"bot.db": b""}


def test_a_new_database_is_opened_again_as_it_was(tmp_path: Path) -> None:
    written(tmp_path)
    database = open_database(url(tmp_path))
    assert [order.client_order_id for _, order in Repository(database).orders()] == [intent().client_order_id]
    database.close()


@pytest.mark.parametrize("name", ["odd ? name#1.db", "100%.db", "ünïcode.db"])
def test_the_file_has_the_very_name_that_was_asked_for(tmp_path: Path, name: str) -> None:
    open_database(URL.create("sqlite", database=str(tmp_path / name)).render_as_string()).close()
    assert [file.name for file in tmp_path.iterdir()] == [name]


# -- refusals, one sentence each


@pytest.mark.parametrize("read_only", [False, True])
def test_a_foreign_database_is_refused_and_not_touched(tmp_path: Path, read_only: bool) -> None:
    foreign = sqlite3.connect(tmp_path / "bot.db")
    foreign.execute("CREATE TABLE control (id INTEGER)")
    foreign.commit()
    foreign.close()
    before = listing(tmp_path)
    with pytest.raises(StoreError, match="not insiderbot's; choose another BOT_DATABASE_URL"):
        open_database(url(tmp_path), read_only=read_only)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_database_is_refused(tmp_path: Path, read_only: bool) -> None:
    written(tmp_path)
    database = open_database(url(tmp_path))
    with database.write() as connection:
        connection.execute(update(control).values(schema_version=SCHEMA_VERSION + 1))
    database.close()
    with pytest.raises(StoreError, match=rf"schema {SCHEMA_VERSION + 1}, this insiderbot knows {SCHEMA_VERSION}"):
        open_database(url(tmp_path), read_only=read_only)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path, read_only: bool) -> None:
    (tmp_path / "bot.db").write_text("date,symbol,open,close\n" * 100)
    before = listing(tmp_path)
    with pytest.raises(StoreError, match="file is not a database"):
        open_database(url(tmp_path), read_only=read_only)
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("sqlite:////no/such/folder/bot.db", "there is no folder /no/such/folder"),
        ("postgresql://somebody:secret@db/bot", "postgresql is not supported"),
        ("oracle+unheard://db/bot", "is not supported"),
        ("bot.db", "is not a database URL"),
        ("", "is not a database URL"),
    ],
)
def test_a_wrong_address_is_told_in_one_sentence(address: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as told:
        open_database(address)
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open database file"):
        open_database(f"sqlite:///{tmp_path}")


# -- several at once


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    database = open_database(url(tmp_path))
    half = insert(cursors).values(name="half", value="done")
    with pytest.raises(IntegrityError), database.write() as connection:
        [connection.execute(half) for _ in range(2)]
    with database.read() as connection:
        assert connection.execute(select(cursors.c.name)).all() == []
    database.close()


def test_a_database_held_by_another_says_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = sqlite3.connect(written(tmp_path), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(opening, "PRAGMAS", ("PRAGMA busy_timeout=1",))
    with pytest.raises(TryAgainError, match="in use by another process") as told:
        open_database(url(tmp_path))
    assert told.value.exit_code == 75
    holder.close()


WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from bot.store.database import open_database
from bot.store.repository import Repository

database = open_database(sys.argv[1])
store = Repository(database)
print("ready", flush=True)
sys.stdin.readline()
for n in range(int(sys.argv[3])):
    store.put({f"{sys.argv[2]}-{n}": "x" * 500}, datetime(2100, 1, 1, tzinfo=UTC))
    store.get([f"{sys.argv[2]}-{n}"], datetime(2026, 1, 1, tzinfo=UTC)) or sys.exit("lost")
database.close()
"""


def test_two_processes_that_write_at_once_lose_nothing_and_are_never_locked_out(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url(tmp_path), str(n), "40"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(2)
    ]
    for writer in writers:  # both have imported and opened (and one of them created) the database: now they start
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    ends = [(*writer.communicate(timeout=60), writer.returncode) for writer in writers]
    assert ends == [("", "", 0)] * 2
    database = open_database(url(tmp_path))
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM mappings")).scalar() == 80
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    database.close()


def test_closing_lets_go_of_the_file(tmp_path: Path) -> None:
    database = open_database(url(tmp_path))
    assert isinstance(database, Database)
    database.close()
    (tmp_path / "bot.db").unlink()
    assert list(tmp_path.iterdir()) == []
