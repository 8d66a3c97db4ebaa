"""What the mapping service said, kept until it expires."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select

from bot.store.database import Database
from bot.store.queries import chunks
from bot.store.tables import mappings


class Answers:
    """The answers in one database, by their requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, requests: Sequence[str], now: datetime) -> dict[str, str]:
        """The answers stored for these requests that have not expired by `now`."""
        found: dict[str, str] = {}
        with self._database.read() as connection:
            for chunk in chunks(requests):
                query = select(mappings.c.request, mappings.c.answer).where(mappings.c.request.in_(chunk))
                found |= {
                    row.request: row.answer for row in connection.execute(query.where(mappings.c.expires_at > now))
                }
        return found

    def put(self, answers: Mapping[str, str], expires_at: datetime) -> None:
        """Keep the answers, by their request, until they expire."""
        if not answers:
            return
        with self._database.write() as connection:
            for chunk in chunks(list(answers)):
                connection.execute(delete(mappings).where(mappings.c.request.in_(chunk)))
            rows = [{"request": key, "answer": answer, "expires_at": expires_at} for key, answer in answers.items()]
            connection.execute(insert(mappings), rows)
