"""From the schema of an earlier insiderbot to this one's, all of it or nothing; imported by whoever upgrades only."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from bot.errors import StoreError
from bot.store import sqlite
from bot.store.database import connected, parsed, refuse_newer, schema_of
from bot.store.tables import HEAD, REVISIONS


def upgrade(url: str) -> tuple[str, str]:
    """The schema's revision before and after; the first is empty where there was no table yet.

    One transaction, which other processes see whole or not at all. A SQLite file is copied beside itself first, as
    `insiderbot.db.before-0003`. StoreError for a database that is newer or not ours.
    """
    place = parsed(url)
    database = connected(place, migrating=True)
    try:
        with database.write() as connection:
            before = schema_of(connection)
            if before != HEAD:
                _migrate(connection, place, before)
    finally:
        database.close()
    return before or "", HEAD


def _migrate(connection: Connection, place: URL, before: str | None) -> None:
    if before is not None:
        refuse_newer(before)
        _copy(place)
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "bot.store:migrations")
    if before == REVISIONS[0]:  # perhaps written before there were migrations: then it does not say so itself
        command.stamp(config, before)
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise StoreError("the database has rows that refer to nothing; nothing was changed")


def _copy(place: URL) -> None:
    if place.get_backend_name() == "sqlite" and (path := sqlite.path_of(place)):
        sqlite.copy_beside(path, f".before-{HEAD}")
