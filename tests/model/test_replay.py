"""The model and the code are one protocol: on random paths the real desk makes the very calls that the model makes."""

import os
from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest

from tests.model.__main__ import bugged
from tests.model.protocol import INTENT, KINDS, UNDECIDED, Kind, Model, Ours, State
from tests.model.replay import Blank, Replay, follow, walk
from tests.model.search import search

WALKS = int(os.environ.get("INSIDERBOT_WALKS", "480"))  # in all
SHARE = 5  # of the walks of one kind: so many tests share them
BOUGHT = State((Ours(INTENT),) * 2, crashes=2, faults=3, halts=1, hours=2)
SOLD = State((Ours(UNDECIDED),) * 2, crashes=2, faults=3)


@pytest.fixture(scope="module")
def blank() -> Iterator[Blank]:
    with closing(Blank()) as made:
        yield made


@pytest.mark.parametrize("share", range(SHARE))
@pytest.mark.parametrize("sells", [False, True], ids=["purchases", "sales"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_code_walks_every_path_of_the_model(blank: Blank, kind: Kind, sells: bool, share: int) -> None:
    model, start = Model(kind, sells=sells), SOLD if sells else BOUGHT
    for seed in range(share, WALKS // len(KINDS) // 2, SHARE):
        with closing(blank.database()) as database:
            Replay(walk(model, start, Random(seed)), model, start, database).run()


@pytest.mark.parametrize(
    "bug",
    [
        "a new key on retry",
        "a time-out is a refusal",
        "placed again after a lost activation",
        "whatever is found is activated",
        "an order whose key is open is swept",
        "a refusal of a retry is final",
        "a refusal of an activation is final",
    ],
)
def test_the_code_does_not_go_wrong_where_the_model_with_a_bug_does(blank: Blank, bug: str) -> None:
    model, start = bugged(bug)
    for path in search(model, start, first=True).troubles.values():
        with closing(blank.database()) as database, pytest.raises(AssertionError):
            Replay(follow(model, start, path), model, start, database).run()
