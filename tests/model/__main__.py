"""Searches the order protocol whole and prints what was found: `python -m tests.model`."""

import sys
import time
from collections.abc import Sequence

from tests.model.protocol import ATTENDED, BUGS, HOPELESS, INTENT, KINDS, UNDECIDED, Label, Model, Ours, State
from tests.model.search import search

SELLING = "what is unknown reserves nothing", "a refusal of an activation is final"


def starts(model: Model) -> list[State]:
    """Where a search begins: how many decisions there are, and how much may go wrong with them."""
    if model.sells:
        undecided = (Ours(UNDECIDED),) * 2
        return [State(undecided, crashes=1, faults=2), State(undecided, faults=3)]
    decided = Ours(INTENT)
    return [
        State((decided,), crashes=2, faults=3),
        State((decided,), crashes=1, faults=2, halts=1, hours=2),
        State((decided,) * 2, crashes=1, faults=2),
        State((decided,) * 3, faults=1),
    ]


def bugged(bug: str) -> tuple[Model, State]:
    """A model with this bug, and the smallest start it shows from."""
    model = Model(BUGS[bug], bug=bug, sells=bug in SELLING)
    return model, State((Ours(UNDECIDED),) * 2 if model.sells else (Ours(INTENT),), crashes=1, faults=2)


def told(steps: Sequence[Label]) -> str:
    """A path in words."""
    return "; ".join(" ".join(str(part) for part in step) for step in steps)


def main() -> int:
    """Print it all; 1 when something is wrong with the protocol, or a bug was not found."""
    failed, total, began = 0, 0, time.monotonic()
    for kind in (*KINDS, ATTENDED):
        for model in (Model(kind), Model(kind, sells=True)):
            found = [search(model, start) for start in starts(model)]
            states, transitions = sum(each.states for each in found), sum(each.transitions for each in found)
            troubles = {trouble: path for each in found for trouble, path in each.troubles.items()}
            failed += len(troubles)
            total += states
            what = "sales of one position" if model.sells else "purchases"
            print(f"{kind.name:32} {what:22} {states:8,} states {transitions:9,} steps  {len(troubles)} violations")  # noqa: T201
            for trouble, steps in troubles.items():
                print(f"    {trouble}: {told(steps)}")  # noqa: T201
    print(f"{total:,} states in {time.monotonic() - began:.1f} s\n")  # noqa: T201
    hopeless = search(Model(HOPELESS), State((Ours(INTENT),), faults=1), first=True)
    failed += not hopeless.troubles
    print(f"{HOPELESS.name}: refused, because no client can help it")  # noqa: T201
    print("\n".join(f"    {trouble}: {told(steps)}" for trouble, steps in hopeless.troubles.items()))  # noqa: T201
    for bug in BUGS:
        troubles = search(*bugged(bug), first=True).troubles
        failed += not troubles
        print(f"{bug}: {'found' if troubles else 'NOT FOUND'}")  # noqa: T201
        print("\n".join(f"    {trouble}: {told(steps)}" for trouble, steps in troubles.items()))  # noqa: T201
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
