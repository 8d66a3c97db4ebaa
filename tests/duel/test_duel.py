"""Two daemons over one store, or one whose connections end: never two writers, nothing doubled and nothing lost."""

from typing import Any

import pytest

from tests.duel.driver import PLANTED
from tests.duel.schedules import run
from tests.share import count

EACH = count(20, 3)  # schedules of a test; `python -m tests.duel` looks at a thousand
MOST = 40  # schedules in which a planted bug is seen


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Any:
    return None if request.param == "sqlite" else request.getfixturevalue("postgresql")


def test_two_daemons_over_one_store_are_never_two_writers(server: Any) -> None:
    outcome = run(EACH, seed=1, server=server)
    assert outcome.wrong == []
    assert outcome.counts["changes of the leader"] > 0


def test_a_daemon_whose_connections_end_doubles_and_loses_nothing(postgresql: Any) -> None:
    outcome = run(EACH, seed=1, server=postgresql, bots=1)
    assert outcome.wrong == []
    assert outcome.counts["terminations"] > 0


@pytest.mark.parametrize("planted", sorted(PLANTED))
def test_a_bug_that_lets_two_write_is_seen(planted: str) -> None:
    assert run(MOST, planted=planted).wrong
