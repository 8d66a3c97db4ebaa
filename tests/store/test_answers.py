"""Answers of the mapping service, in any database."""

from contextlib import closing
from datetime import timedelta

from bot.store.answers import Answers
from bot.store.database import open_database
from tests.builders import NOW

LATER = NOW + timedelta(hours=1)


def test_an_answer_is_kept_until_it_expires(database_url: str) -> None:
    with closing(open_database(database_url)) as database:
        answers = Answers(database)
        answers.put({"request": "first", "expired": "more"}, NOW)
        answers.put({"request": "second"}, LATER)
        answers.put({}, LATER)
        assert answers.get(["request", "expired", "other"], NOW) == {"request": "second"}
        assert answers.get(["request"], LATER) == {}
        assert answers.get([], NOW) == {}
