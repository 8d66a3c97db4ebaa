"""Two daemons over one store, or one whose connections end: never two writers, nothing doubled and nothing lost."""

from typing import Any

import pytest

from tests.duel.driver import PLANTED
from tests.duel.schedules import run

EACH = 3  # schedules of a test; `make evidence` looks at a thousand
SEEDS = (1,)
MOST = 40  # schedules in which a planted bug is seen


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Any:
    return None if request.param == "sqlite" else request.getfixturevalue("postgresql")


@pytest.mark.parametrize("seed", SEEDS)
def test_two_daemons_over_one_store_are_never_two_writers(seed: int, server: Any) -> None:
    outcome = run(EACH, seed=seed, server=server)
    assert outcome.wrong == []
    assert outcome.counts["changes of the leader"] > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_daemon_whose_connections_end_doubles_and_loses_nothing(seed: int, postgresql: Any) -> None:
    outcome = run(EACH, seed=seed, server=postgresql, bots=1)
    assert outcome.wrong == []
    assert outcome.counts["terminations"] > 0


@pytest.mark.parametrize("planted", sorted(PLANTED))
def test_a_bug_that_lets_two_write_is_seen(planted: str) -> None:
    assert run(MOST, planted=planted).wrong
