"""What is PostgreSQL's alone: the way in, what is told when there is none, and connections that die."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text, update
from sqlalchemy.engine import make_url

from bot.errors import BotError, ConfigError, StoreError, TryAgainError
from bot.store import postgresql as way
from bot.store.database import Database, open_database
from bot.store.repository import Repository
from bot.store.tables import control
from tests.builders import NOW, decision, event, intent, order, trade
from tests.postgresql import Server


@pytest.fixture
def url(postgresql: Server) -> str:
    return postgresql.new_database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(open_database(url)) as opened:
        yield opened


def shown(connection: Connection, name: str) -> object:
    return connection.execute(text(f"SHOW {name}")).scalar()


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_the_driver_need_not_be_named(url: str, scheme: str) -> None:
    made = make_url(url).set(drivername=scheme).render_as_string(hide_password=False)
    with closing(open_database(made)) as database:
        assert Repository(database).orders() == []


def test_a_write_is_durable_and_does_not_wait_for_ever(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("SELECT 1"))
        assert shown(connection, "synchronous_commit") == "on"
        assert shown(connection, "lock_timeout") == shown(connection, "statement_timeout") == "10s"
        assert shown(connection, "transaction_isolation") == "read committed"


@pytest.mark.parametrize("read_only", [False, True])
def test_reading_is_a_transaction_that_cannot_write(url: str, read_only: bool) -> None:
    open_database(url).close()
    with closing(open_database(url, read_only=read_only)) as database, database.read() as connection:
        assert shown(connection, "transaction_read_only") == "on"
        assert shown(connection, "transaction_isolation") == "repeatable read"


def test_a_reader_sees_one_moment_and_keeps_no_writer_waiting(database: Database) -> None:
    with database.read() as connection:
        assert connection.execute(select(control.c.halted)).scalar() is None
        Repository(database).halt("meanwhile", NOW)
        assert connection.execute(select(control.c.halted)).scalar() is None
    assert Repository(database).halted() == "meanwhile"


def test_every_text_is_sorted_by_its_bytes_whatever_the_server_speaks(database: Database) -> None:
    query = """
        SELECT DISTINCT collation_name, data_type FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'
        AND data_type NOT IN ('integer', 'boolean', 'double precision')
    """
    with database.read() as connection:
        assert connection.execute(text(query)).all() == [("C", "text")]


def test_the_tables_live_in_the_schema_that_the_address_names(postgresql: Server, url: str) -> None:
    with closing(open_database(url)) as database, database.write() as connection:
        connection.execute(text("CREATE SCHEMA second"))
    second = make_url(url).update_query_dict({"options": "-csearch_path=second"}).render_as_string(hide_password=False)
    for _ in range(2):
        with closing(open_database(second)) as database:
            Repository(database).halt("only here", NOW)
    with closing(open_database(url)) as database:
        assert Repository(database).halted() is None


def test_what_postgresql_cannot_keep_is_marked_where_it_was(database: Database) -> None:
    store = Repository(database)
    store.record([decision(event=event(trade=trade(owner="Nul\0 Byte")))], [intent()], NOW)
    store.move(order(), order(reason="a\0b", updated_at=NOW))
    assert store.order(order().client_order_id).reason == "a\N{REPLACEMENT CHARACTER}b"
    assert [row["owner"] for row in store.decided()] == ["Nul\0 Byte"]
    assert store.decided(about="no\0body") == []


# -- no way in


def sentence(address: str) -> tuple[type[BotError], str]:
    with pytest.raises(BotError) as told:
        open_database(address)
    words = str(told.value)
    assert "hunter2" not in words
    assert "\n" not in words
    return type(told.value), words


def test_a_wrong_password_is_told_without_it(postgresql: Server, url: str) -> None:
    postgresql.do("DROP ROLE IF EXISTS bot", "CREATE ROLE bot LOGIN PASSWORD 'right'")
    postgresql.ask_for_the_password_of("bot")
    wrong = make_url(url).set(username="bot", password="hunter2").render_as_string(hide_password=False)
    assert sentence(wrong) == (
        StoreError,
        'the database cannot be used: password authentication failed for user "bot"',
    )


def test_a_database_that_is_not_there_is_told(url: str) -> None:
    missing = make_url(url).set(database="missing").render_as_string(hide_password=False)
    assert sentence(missing) == (StoreError, 'the database cannot be used: database "missing" does not exist')


def test_a_server_that_is_not_there_may_come_back() -> None:
    kind, words = sentence("postgresql://bot:hunter2@127.0.0.1:1/bot")
    assert kind is TryAgainError
    assert words.startswith("the database cannot be reached: ")
    assert words.endswith("Connection refused")


def test_an_option_that_the_driver_does_not_know_is_told() -> None:
    kind, words = sentence("postgresql://bot:hunter2@127.0.0.1:1/bot?pasword=hunter2")
    assert (kind, words) == (StoreError, 'the database cannot be used: invalid connection option "pasword"')


def test_a_server_with_too_many_guests_may_have_room_later(postgresql: Server, url: str) -> None:
    postgresql.do("DROP ROLE IF EXISTS late", "CREATE ROLE late LOGIN CONNECTION LIMIT 0")
    late = make_url(url).set(username="late").render_as_string(hide_password=False)
    assert sentence(late) == (TryAgainError, 'the database cannot be reached: too many connections for role "late"')


def test_an_account_that_may_not_create_tables_is_told(postgresql: Server, url: str) -> None:
    postgresql.do("DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
    guest = make_url(url).set(username="guest").render_as_string(hide_password=False)
    assert sentence(guest) == (StoreError, "the database cannot be used: permission denied for schema public")


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"pip install 'insiderbot\[postgres\]'"):
        open_database("postgresql://bot:hunter2@127.0.0.1:1/bot")


def test_neither_driver_nor_migrations_are_imported_for_sqlite() -> None:
    script = (
        "import sys; from bot.store.database import open_database; open_database('sqlite:///:memory:');"
        "print(sorted({'psycopg', 'alembic'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True
    )
    assert run.stdout == "[]\n"


# -- held by another, and connections that die


def test_a_database_held_by_another_says_try_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_database(url)) as ours, closing(open_database(url)) as theirs:
        monkeypatch.setattr(way, "WRITING", way.WRITING.replace("10s", "10ms"))
        with theirs.write():
            with pytest.raises(TryAgainError, match="in use by another process") as told:
                Repository(ours).record([decision()], [intent()], NOW)
            assert told.value.exit_code == 75
            assert Repository(ours).orders() == []
        Repository(ours).record([decision()], [intent()], NOW)


def test_a_table_locked_by_an_administrator_says_try_again(
    postgresql: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_database(url)) as ours, closing(open_database(url)) as theirs:
        monkeypatch.setattr(way, "READING", way.READING.replace("10s", "10ms"))
        with theirs.write() as connection:
            connection.execute(text("LOCK TABLE orders"))
            with pytest.raises(TryAgainError, match="in use by another process"):
                Repository(ours).orders()


def end_the_others(postgresql: Server, url: str) -> None:
    """What an administrator, a restart or a broken network does to every connection of a database."""
    name = make_url(url).database
    postgresql.do(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")


def test_a_connection_that_died_while_nobody_used_it_is_not_noticed(postgresql: Server, url: str) -> None:
    with closing(open_database(url)) as database:
        store = Repository(database)
        store.record([decision()], [intent()], NOW)
        end_the_others(postgresql, url)
        assert store.orders() == [(intent(), order())]
        end_the_others(postgresql, url)
        store.halt("still here", NOW)


@pytest.mark.parametrize("at", ["before a statement", "before the end"])
def test_a_connection_that_dies_in_a_transaction_leaves_nothing_of_it(
    postgresql: Server, url: str, at: str, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(open_database(url)) as database:

        def half() -> None:
            with database.write() as connection:
                connection.execute(update(control).values(halted="half"))
                end_the_others(postgresql, url)
                if at == "before a statement":
                    connection.execute(update(control).values(trade_from=NOW))

        with pytest.raises(TryAgainError, match="connection to the database was lost"):
            half()
        store = Repository(database)
        assert (store.halted(), store.trade_from()) == (None, None)
        store.halt("whole", NOW)
        assert store.halted() == "whole"
    assert caplog.records == []


def test_a_connection_that_dies_while_reading_is_told(postgresql: Server, url: str) -> None:
    with closing(open_database(url)) as database:

        def half() -> None:
            with database.read() as connection:
                end_the_others(postgresql, url)
                connection.execute(text("SELECT 1"))

        with pytest.raises(TryAgainError, match="connection to the database was lost"):
            half()
        assert Repository(database).orders() == []
