"""The order protocol, searched whole: nothing goes wrong at brokers that are taken, and every modelled bug shows."""

import pytest

from tests.model.__main__ import bugged, main, starts, told
from tests.model.protocol import ATTENDED, BUGS, HOPELESS, INTENT, KINDS, Kind, Model, Ours, State
from tests.model.search import search

# How many states there are at least: a model that lost some of its steps would find nothing wrong, either.
LEAST = {KINDS[0]: 80_000, KINDS[1]: 30_000, KINDS[2]: 200_000, ATTENDED: 10_000}


@pytest.mark.parametrize("kind", LEAST, ids=lambda kind: kind.name)
def test_a_purchase_is_never_made_twice_or_lost_and_every_run_can_end_in_agreement(kind: Kind) -> None:
    model = Model(kind)
    found = [search(model, start) for start in starts(model)]
    assert [each.troubles for each in found] == [{}] * len(found)
    assert sum(each.states for each in found) >= LEAST[kind]


@pytest.mark.parametrize("kind", LEAST, ids=lambda kind: kind.name)
def test_a_position_is_never_sold_twice(kind: Kind) -> None:
    model = Model(kind, sells=True)
    assert [search(model, start).troubles for start in starts(model)] == [{}, {}]


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_in_the_protocol_is_found(bug: str) -> None:
    model, start = bugged(bug)
    assert search(model._replace(bug=None), start).troubles == {}
    troubles = search(model, start).troubles
    assert troubles
    assert all(told(path) for path in troubles.values())


def test_no_client_can_help_a_broker_that_takes_an_order_in_one_step_and_twice() -> None:
    found = search(Model(HOPELESS), State((Ours(INTENT),), faults=1), first=True)
    assert [told(path) for path in found.troubles.values()] == ["cycle True; list answered; commit 0; submit 0 doubled"]


def test_a_state_without_a_way_out_is_told_with_the_shortest_way_into_it() -> None:
    model, start = bugged("nothing is swept")
    (path,) = search(model, start).troubles.values()
    assert told(path).endswith("submit 0 doubled")


def test_the_command_says_what_it_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("tests.model.__main__.starts", lambda model: [State((Ours(INTENT),), faults=1)])
    assert main() == 0
    said = capsys.readouterr().out
    assert "two steps, key" in said
    assert said.count(": found\n") == len(BUGS)
    monkeypatch.setattr("tests.model.__main__.BUGS", {})
    monkeypatch.setattr("tests.model.__main__.KINDS", (HOPELESS,))
    assert main() == 1
