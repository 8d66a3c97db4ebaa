"""What is SQLite's alone: a file of the very name, durable and strict, untouched when it is only read."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from bot.errors import StoreError, TryAgainError
from bot.store import sqlite
from bot.store.database import open_database
from bot.store.repository import Repository
from tests.builders import NOW, decision, intent


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/bot.db"


def written(folder: Path) -> Path:
    """The file of a database with a decision and an order in it."""
    with closing(open_database(url(folder))) as database:
        Repository(database).record([decision()], [intent()], NOW)
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
    with closing(open_database(url(tmp_path), read_only=read_only)) as database, database.read() as connection:
        assert connection.execute(text(f"PRAGMA {pragma}")).scalar() == value


def test_a_damaged_file_is_refused_wherever_the_damage_is(tmp_path: Path) -> None:
    file = written(tmp_path)
    sound = file.read_bytes()
    with closing(sqlite3.connect(file)) as connection:
        trees = {page for (page,) in connection.execute("SELECT rootpage FROM sqlite_master WHERE rootpage > 1")}
    for page in trees:
        damaged = bytearray(sound)
        damaged[(page - 1) * 4096 : (page - 1) * 4096 + 8] = b"\xee" * 8
        file.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"damaged|malformed"):
            open_database(url(tmp_path))


def test_reading_changes_nothing_on_disk(tmp_path: Path) -> None:
    written(tmp_path)
    before = listing(tmp_path)
    with closing(open_database(url(tmp_path), read_only=True)) as database:
        assert len(Repository(database).orders()) == 1
        assert listing(tmp_path) == before
    assert listing(tmp_path) == before


def test_a_database_that_is_not_there_yet_reads_as_an_empty_one(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/not-there.db", read_only=True)) as database:
        assert Repository(database).orders() == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_left_empty_by_a_crash_reads_as_an_empty_database(tmp_path: Path) -> None:
    (tmp_path / "bot.db").touch()
    with closing(open_database(url(tmp_path), read_only=True)) as database:
        assert Repository(database).orders() == []
    assert listing(tmp_path) == {"bot.db": b""}


@pytest.mark.parametrize("name", ["odd ? name#1.db", "100%.db", "ünïcode.db"])
def test_the_file_has_the_very_name_that_was_asked_for(tmp_path: Path, name: str) -> None:
    open_database(URL.create("sqlite", database=str(tmp_path / name)).render_as_string()).close()
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path, read_only: bool) -> None:
    (tmp_path / "bot.db").write_text("date,symbol,open,close\n" * 100)
    before = listing(tmp_path)
    with pytest.raises(StoreError, match="file is not a database"):
        open_database(url(tmp_path), read_only=read_only)
    assert listing(tmp_path) == before


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="may this user write to its folder"):
        open_database(f"sqlite:///{tmp_path}")


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A database that another process is writing, for a bot without patience."""
    file = written(tmp_path)
    monkeypatch.setattr(sqlite, "PRAGMAS", ("PRAGMA busy_timeout=1",))
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield file


@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_held_by_another_says_try_again(held: Path, read_only: bool) -> None:
    with pytest.raises(TryAgainError, match="in use by another process") as told:
        open_database(f"sqlite:///{held}", read_only=read_only)
    assert told.value.exit_code == 75


def test_what_was_written_is_a_sound_file_that_can_be_removed(tmp_path: Path) -> None:
    file = written(tmp_path)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    file.unlink()
    assert list(tmp_path.iterdir()) == []
