"""Who leads: of all processes over one database one alone may decide and send.

A lock tells who is alive and leads: the engine lets go of it when its holder dies, however it dies. An epoch tells who
may write: whoever takes the lock counts it up, and who only believes to lead changes nothing any more.
"""

import threading
from typing import Final, Protocol

from sqlalchemy import Connection, select, update

from bot.errors import TryAgainError
from bot.store import postgresql, sqlite
from bot.store.database import Database, parsed
from bot.store.tables import control

EPOCH: Final = select(control.c.epoch)


class Lock(Protocol):
    """A lock that ends with its holder."""

    def held(self) -> bool:
        """Whether it is still ours."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Lead:
    """The lead over the database at this URL, from when its epoch is first asked for until it is closed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock: Lock | None = None
        self._epoch = 0
        self._asked = threading.Lock()  # by the daemon's cycle and by its sign of life

    def epoch(self, database: Database) -> int:
        """The number that our writes carry into this database; TryAgainError while another process leads.

        A lead that was lost, with the lock's file or connection or to another copy of the database, is taken again.
        """
        with self._asked:
            return self._taken(database)

    def _taken(self, database: Database) -> int:
        with database.read() as connection:
            is_ours = connection.execute(EPOCH).scalar() == self._epoch
        if self._lock is None or not self._lock.held() or not is_ours:
            self.close()
            place = parsed(self._url)
            engine = sqlite if place.get_backend_name() == "sqlite" else postgresql
            self._lock = engine.locked(place)
            if self._lock is None:
                raise TryAgainError("another insiderbot leads over this database: only one may run at a time")
            with database.write() as connection:
                connection.execute(update(control).values(epoch=control.c.epoch + 1))
                self._epoch = int(connection.execute(EPOCH).scalar_one())
        return self._epoch

    def close(self) -> None:
        """Leave the lead to another."""
        if self._lock:
            self._lock.close()
            self._lock = None


def check(connection: Connection, epoch: int | None) -> None:
    """TryAgainError when these writes are no longer a leader's; whoever has no epoch (None) needs no lead."""
    if epoch is not None and connection.execute(EPOCH).scalar() != epoch:
        raise TryAgainError("another insiderbot took the lead over this database meanwhile: nothing was written")
