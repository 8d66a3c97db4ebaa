"""Who leads: one at a time, however the other one ended, and nobody who only believes to lead writes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.errors import TryAgainError
from bot.model import OrderStatus
from bot.store.database import Database, open_database
from bot.store.lead import Lead
from bot.store.repository import Repository
from tests.builders import NOW, intent, order
from tests.postgresql import Server


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(open_database(database_url)) as opened:
        yield opened


def leading(database: Database, lead: Lead) -> Repository:
    store = Repository(database)
    store.epoch = lead.epoch(database)
    return store


def test_one_leads_at_a_time_and_the_next_one_when_it_ends(database_url: str, database: Database) -> None:
    with closing(Lead(database_url)) as first, closing(Lead(database_url)) as second:
        assert first.epoch(database) == first.epoch(database) == 1
        with pytest.raises(TryAgainError, match="only one may run at a time"):
            second.epoch(database)
        first.close()
        assert second.epoch(database) == 2


def test_who_only_believes_to_lead_changes_nothing(database_url: str, database: Database) -> None:
    with closing(Lead(database_url)) as first, closing(Lead(database_url)) as second:
        zombie = leading(database, first)
        zombie.record([], [intent()], NOW)
        first.close()
        leading(database, second)
        for write in (
            lambda: zombie.record([], [intent(client_order_id="itb-2", decision_id="d-2")], NOW),
            lambda: zombie.move(order(), order(status=OrderStatus.SUBMITTING, updated_at=NOW)),
            lambda: zombie.finish_session(NOW.date()),
            lambda: zombie.beat(NOW),
            lambda: zombie.settle_in("another"),
            lambda: zombie.halt("what it saw is old", NOW, anew=False),
        ):
            with pytest.raises(TryAgainError, match="took the lead over this database meanwhile"):
                write()
        assert [found.status for _, found in zombie.orders()] == [OrderStatus.INTENT]
        assert (zombie.session_done(), zombie.heartbeat(), zombie.broker_account()) == (None, None, None)
        assert zombie.halted() is None


def test_a_lead_that_was_lost_is_taken_again(database_url: str, database: Database) -> None:
    """As when a copy of the database was put back."""
    with closing(Lead(database_url)) as lead:
        leading(database, lead)
        with database.write() as connection:
            connection.execute(text("UPDATE control SET epoch = 7"))
        leading(database, lead).finish_session(NOW.date())
        assert lead.epoch(database) == 8


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_lock_whose_file_was_deleted_is_none(database_url: str, database: Database, tmp_path: Path) -> None:
    with closing(Lead(database_url)) as first, closing(Lead(database_url)) as second:
        first.epoch(database)
        (tmp_path / "bot.db.lead").unlink()
        assert second.epoch(database) == 2
        with pytest.raises(TryAgainError, match="only one may run at a time"):
            first.epoch(database)
        second.close()
        assert first.epoch(database) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_lock_whose_file_is_deleted_as_it_is_taken_is_tried_again(
    database_url: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deleted(sqlite3.Connection):
        def execute(self, *words: Any) -> sqlite3.Cursor:
            done = super().execute(*words)
            (tmp_path / "bot.db.lead").unlink()
            return done

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Deleted))
    with closing(Lead(database_url)) as lead, pytest.raises(TryAgainError, match="was deleted while it was locked"):
        lead.epoch(database)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_another_name_of_the_file_is_the_same_database(database_url: str, database: Database, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "bot.db")
    with closing(Lead(database_url)) as first, closing(Lead(f"sqlite:///{tmp_path}/link.db")) as second:
        first.epoch(database)
        with pytest.raises(TryAgainError):
            second.epoch(database)


def test_a_leader_whose_server_connection_was_ended_leads_no_more(postgresql: Server) -> None:
    url = postgresql.new_database()
    with closing(open_database(url)) as database, closing(Lead(url)) as first, closing(Lead(url)) as second:
        zombie = leading(database, first)
        postgresql.do(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1818583396"
        )
        assert second.epoch(database) == 2
        with pytest.raises(TryAgainError, match="meanwhile"):
            zombie.finish_session(NOW.date())
        with pytest.raises(TryAgainError, match="only one"):
            first.epoch(database)
