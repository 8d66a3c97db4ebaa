"""From every earlier schema to this one, on each engine: no row is lost, and it happens whole or not at all."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, Column, Connection, insert, inspect, text, update

from bot.errors import ConfigError, StoreError
from bot.model import Fill, OrderStatus, Side
from bot.store import migrations
from bot.store.answers import Answers
from bot.store.database import connected, open_database, parsed
from bot.store.migrations import upgrade
from bot.store.paper import PaperBooks
from bot.store.repository import Repository
from bot.store.tables import HEAD, REVISIONS, metadata, revision
from tests.builders import NOW, decision, event, intent, order
from tests.store.migration_driver import failing

FOLDER = Path(migrations.__file__).parent
ROOT = Path(__file__).parents[2]
Rows = dict[str, list[tuple[Any, ...]]]
LATER = {"control": {"epoch", "broker_account"}, "orders": {"attempts"}}  # columns that the first schema had not
NEW = {"halts", "history", "statements"}  # and tables
NUMBERED = "n"  # the engine counts it
TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = to_regclass('orders')",
}


class Driver:
    """A process whose forks upgrade."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def end_of(self, url: str, *, kill_at: int) -> int:
        """The exit code of an upgrade that is killed before its n-th statement."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"url": url, "kill_at": kill_at}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    script = [sys.executable, "-m", "tests.store.migration_driver"]
    with subprocess.Popen(script, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Driver(process)


@pytest.fixture
def first(database_url: str) -> str:
    """The URL of a database as it was before there were migrations, with rows in every table."""
    with closing(connected(parsed(database_url))) as database:
        config = Config()
        config.set_main_option("script_location", "bot.store:migrations")
        with database.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, REVISIONS[0])
            revision.drop(connection)
            connection.execute(text("DELETE FROM control"))
            for name, values in filled().items():
                places = ", ".join(f":{column}" for column in values[0])
                connection.execute(text(f"INSERT INTO {name} ({', '.join(values[0])}) VALUES ({places})"), values)
    assert all(rows(database_url).values())
    return database_url


def filled() -> dict[str, list[dict[str, Any]]]:
    """Rows of every table, as the first schema has them; those that others refer to come first."""
    with closing(open_database("sqlite:///:memory:")) as database:
        fill_every_table(Repository(database), PaperBooks(database, Decimal(10_000)))
        Answers(database).put({"request": "answer"}, NOW)
        with database.read() as connection:
            found = {
                table.name: [dict(row) for row in connection.execute(text(f"SELECT * FROM {table.name}")).mappings()]
                for table in metadata.sorted_tables
                if table.name not in NEW
            }
    for name, table in found.items():
        later = {*LATER.get(name, ()), NUMBERED}
        found[name] = [{key: row[key] for key in row if key not in later} for row in table]
    flags = [(name, column.name) for name, table in metadata.tables.items() for column in table.c if is_flag(column)]
    for name, column in ((name, column) for name, column in flags if name not in NEW):
        found[name] = [row | {column: bool(row[column])} for row in found[name]]
    return found | {"control": [row | {"schema_version": 1} for row in found["control"]]}


def is_flag(column: "Column[Any]") -> bool:
    return isinstance(column.type, Boolean)


def fill_every_table(store: Repository, books: PaperBooks) -> None:
    done = {"status": OrderStatus.FILLED, "filled": Decimal(24), "broker_order_id": "b-1", "updated_at": NOW}
    shares: Any = {"quantity": Decimal(24), "price": Decimal("40.02"), "fee": Decimal(1), "currency": "USD"}
    fill = Fill(client_order_id=order().client_order_id, symbol="NWRB", side=Side.BUY, at=NOW, **shares)
    store.record([decision(), decision(event=event(key="e-2", keys=("row:2", "row:3")))], [intent()], NOW)
    store.move(order(), order(**done), fill)
    store.halt("by hand", NOW)
    books.place(order(**done | {"status": OrderStatus.WORKING}))
    books.fill(order(**done), fill)


def rows(url: str) -> Rows:
    """Every row as the database has it."""
    with closing(connected(parsed(url))) as database, database.read() as connection:
        return {
            name: sorted(map(tuple, connection.execute(text(f"SELECT {', '.join(columns)} FROM {name}"))))
            for name, table in metadata.tables.items()
            if name not in NEW
            if (columns := [column.name for column in table.c if column.name not in LATER.get(name, ())])
        }


def shape(connection: Connection) -> dict[str, Any]:
    """Everything the engine knows about its tables."""
    seen = inspect(connection)
    triggers = connection.execute(text(TRIGGERS[connection.dialect.name])).scalars().all()
    return {"triggers": sorted(triggers)} | {
        table: {
            "columns": [
                (c["name"], str(c["type"]), getattr(c["type"], "collation", None), c["nullable"], c["default"])
                for c in seen.get_columns(table)
            ],
            "key": seen.get_pk_constraint(table)["constrained_columns"],
            "refers": [(f["constrained_columns"], f["referred_table"]) for f in seen.get_foreign_keys(table)],
            "unique": sorted(u["column_names"] for u in seen.get_unique_constraints(table)),
            "indexes": sorted((i["name"] or "", i["column_names"]) for i in seen.get_indexes(table)),
        }
        for table in sorted(seen.get_table_names())
    }


def differences(connection: Connection) -> list[Any]:
    """What Alembic would change to get from what is there to what the bot expects."""
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


# -- the way


def test_the_revisions_are_the_files() -> None:
    script = ScriptDirectory(str(FOLDER))
    assert [each.revision for each in script.walk_revisions()] == list(reversed(REVISIONS))
    assert script.get_current_head() == HEAD


def test_a_database_that_was_upgraded_is_like_one_that_is_new(database_url: str) -> None:
    assert upgrade(database_url) == ("", HEAD)
    with closing(open_database(database_url)) as database:
        with database.read() as connection:
            assert differences(connection) == []
            upgraded = shape(connection)
        assert upgraded["triggers"] == ["broker_order_id_is_written_once"]
        with database.write() as connection:
            metadata.drop_all(connection)
            revision.drop(connection)
    with closing(open_database(database_url)) as database, database.read() as connection:
        assert differences(connection) == []
        assert shape(connection) == upgraded


def test_a_database_from_before_there_were_migrations_asks_for_the_upgrade_and_loses_no_row(first: str) -> None:
    before = rows(first)
    for read_only in (True, False):
        with pytest.raises(StoreError, match=f"has schema 0001, this insiderbot needs {HEAD}: run `insiderbot db up"):
            open_database(first, read_only=read_only)
    assert upgrade(first) == ("0001", HEAD)
    assert rows(first) == before
    assert upgrade(first) == (HEAD, HEAD)
    with closing(open_database(first)) as database:
        store = Repository(database)
        assert store.order(order().client_order_id).status is OrderStatus.FILLED
        assert (store.halted(), store.trade_from()) == ("by hand", NOW)
        store.halt(None, NOW)
        store.record([], [second := replace(intent(), client_order_id="itb-2", decision_id="d-2")], NOW)
        store.move(second.order(), replace(second.order(), status=OrderStatus.SUBMITTING, updated_at=NOW))
        PaperBooks(database, Decimal(0)).place(order(client_order_id="itb-2", broker_order_id="b-2"))
        with database.read() as connection:
            assert differences(connection) == []


def test_a_database_that_says_its_first_schema_is_upgraded_too(first: str) -> None:
    before = rows(first)
    with closing(connected(parsed(first))) as database, database.write() as connection:
        revision.create(connection)
        connection.execute(insert(revision).values(version_num="0001"))
    assert upgrade(first) == ("0001", HEAD)
    assert rows(first) == before


def test_of_two_upgrades_at_once_one_finds_it_done(first: str) -> None:
    before, ends = rows(first), []
    both = [threading.Thread(target=lambda: ends.append(upgrade(first))) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(20)
    assert sorted(ends) == [("0001", HEAD), (HEAD, HEAD)]
    assert rows(first) == before


# -- refusals


def test_a_newer_database_is_not_touched(database_url: str) -> None:
    with closing(open_database(database_url)) as database, database.write() as connection:
        connection.execute(update(revision).values(version_num="9999"))
    with pytest.raises(StoreError, match=r"has schema 9999, .*: use the version that wrote it"):
        upgrade(database_url)


def test_a_foreign_database_is_not_touched(database_url: str) -> None:
    with closing(connected(parsed(database_url))) as database:
        with database.write() as connection:
            connection.execute(text("CREATE TABLE orders (id INTEGER)"))
        with pytest.raises(StoreError, match="not insiderbot's"):
            upgrade(database_url)
        with database.read() as connection:
            assert inspect(connection).get_table_names() == ["orders"]


def test_a_wrong_address_is_told() -> None:
    with pytest.raises(ConfigError, match="is not a database URL"):
        upgrade("insiderbot.db")


# -- half an upgrade


class FailedError(Exception):
    """What nobody expected."""


def fail() -> None:
    raise FailedError


def still_the_first(url: str) -> bool:
    with closing(connected(parsed(url))) as database, database.read() as connection:
        seen = inspect(connection)
        version = "schema_version" in {column["name"] for column in seen.get_columns("control")}
        return version and not seen.has_table("alembic_version")


def test_an_upgrade_that_fails_anywhere_changes_nothing_and_can_be_done_again(first: str) -> None:
    before, at = rows(first), 1
    while True:
        try:
            with failing(at, fail):
                assert upgrade(first) == ("0001", HEAD)
            break
        except FailedError:
            pass
        assert still_the_first(first)
        assert rows(first) == before
        at += 8
    assert at > 50
    assert rows(first) == before


def test_an_upgrade_that_is_killed_anywhere_leaves_the_old_schema_whole(first: str, driver: Driver) -> None:
    before, at = rows(first), 1
    while driver.end_of(first, kill_at=at) == -signal.SIGKILL:
        assert still_the_first(first)
        assert rows(first) == before
        at += 17
    assert at > 50
    open_database(first).close()
    assert rows(first) == before


# -- the copy beside a file


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_is_copied_beside_itself_before_anything_happens(first: str, tmp_path: Path) -> None:
    before = rows(first)
    (tmp_path / "bot.db").chmod(0o600)
    with failing(1, fail), pytest.raises(FailedError):
        upgrade(first)
    upgrade(first)
    upgrade(first)
    copies = [f"bot.db.before-{HEAD}", f"bot.db.before-{HEAD}.2"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bot.db", *copies]
    for name in copies:
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert still_the_first(f"sqlite:///{tmp_path}/{name}")
        assert rows(f"sqlite:///{tmp_path}/{name}") == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_a_copy_there_is_no_upgrade(first: str, tmp_path: Path) -> None:
    (tmp_path / f"bot.db.before-{HEAD}.part").mkdir()
    with pytest.raises(StoreError, match=rf"could not be copied to .*before-{HEAD} \(.*\); nothing was changed"):
        upgrade(first)
    assert still_the_first(first)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_rows_that_refer_to_nothing_stop_the_upgrade(first: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bot.db")) as careless:
        careless.execute("DELETE FROM events")
        careless.commit()
    before = rows(first)
    with pytest.raises(StoreError, match="refer to nothing; nothing was changed"):
        upgrade(first)
    assert still_the_first(first)
    assert rows(first) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_in_a_folder_with_a_percent_sign_is_upgraded(first: str, tmp_path: Path) -> None:
    odd = tmp_path / "100% mine"
    odd.mkdir()
    (tmp_path / "bot.db").rename(odd / "bot.db")
    assert upgrade(f"sqlite:///{odd}/bot.db") == ("0001", HEAD)


def test_a_database_in_memory_has_nothing_to_copy() -> None:
    assert upgrade("sqlite:///:memory:") == ("", HEAD)
