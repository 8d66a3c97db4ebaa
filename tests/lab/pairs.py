"""The pair sweep: a fault on the first request that is sent, another on the second, and a kill at every point."""

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from itertools import product
from typing import Final

from tests.lab.broken import FAULTS
from tests.lab.schedules import evening, first_sessions
from tests.lab.world import Break, Row, Schedule, Step

PAIRED: Final = (
    "dropped",
    "lost",
    "postponed",
    "twice",
    "busy",
    "bad gateway",
    "too many",
    "refused",
    "refused though taken",
    "key refused",
    "seen before",
    "truncated",
    "a page",
    "another share",
    "moved though taken",
    "unknown status",
)
READ: Final = ("find", "list", "account", "positions")
POINTS: Final = 40
EMBEDDED: Final = 45  # failpoints of the embedded broker's first life that are killed at, each with each of the second
AGAIN: Final = timedelta(seconds=15)


@cache
def pairs() -> tuple[Schedule, ...]:
    """All of them, in an order that never changes."""
    cases = [case for kind in ("lemon_markets", "alpaca") for case in (*_sent(kind), *_asked(kind))]
    cases += [("simulated", (), first, second) for first, second in product(range(EMBEDDED), repeat=2)]
    return tuple(_schedule(number, *case) for number, case in enumerate(cases))


Case = tuple[str, tuple[Break, ...], int, int]
"""Broker, what breaks in the first life, and the failpoints its first two lives die at."""


def _sent(kind: str) -> Iterator[Case]:
    """Fault by fault on the first two requests that change anything."""
    for first, second, kill_at in product((None, *PAIRED), (None, *PAIRED), range(POINTS + 1)):
        breaks = [Break(name=first, target="post")] if first else []
        if second:  # it never sees the request that the first one hits
            breaks.append(Break(name=second, target="post", after=0 if first else 1))
        yield kind, tuple(breaks), kill_at, 0


def _asked(kind: str) -> Iterator[Case]:
    """Every fault on everything that is asked, again and again, with a few kills."""
    for name, target, after, kill_at in product(FAULTS, READ, (0, 1), (0, 12, 24, 36)):
        yield kind, (Break(name=name, target=target, after=after, times=4),), kill_at, 0


def _schedule(number: int, kind: str, breaks: tuple[Break, ...], first: int, second: int) -> Schedule:
    """Two purchases in a session that is under way."""
    day = first_sessions(kind)[0]
    at = day.opens + timedelta(minutes=5)
    rows = [Row(number=n, symbol=symbol, code="P", is_officer=True, known_at=evening(day)) for n, symbol in ROWS]
    return Schedule(
        kind=kind,
        rows=tuple(rows),
        steps=(Step(at=at, kill_at=first, breaks=breaks), Step(at=at + AGAIN, kill_at=second, late=True)),
        again=f"python -m tests.lab pairs --only {number}",
        clean=2,
    )


ROWS: Final = ((0, "NWRB"), (1, "KLPF"), (2, "NWRB"))
