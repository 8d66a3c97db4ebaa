"""Random schedules: a number and a seed become rows, lives, deaths and faults, the same ones on every machine."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from random import Random
from typing import Final

from bot.sessions import Session, Sessions
from tests.lab.broken import FAULTS, TARGETS
from tests.lab.world import KINDS, TICKERS, VENUES, Break, Row, Schedule, Step

FIRST: Final = date(2026, 3, 3)
LAST: Final = date(2026, 3, 4)
GAPS: Final = (3, 15, 70, 600, 3600)  # seconds between two lives
POINTS: Final = 60  # failpoints of a busy life
WHOLE: Final = 0.35  # of all lives are not killed


def schedule(number: int, seed: int, kind: str | None = None, *, cut: bool = False) -> Schedule:
    """The schedule of this number; `cut`, the connections to its database are ended as well."""
    random = Random(f"{seed}:{number}")
    kind = kind or KINDS[number % len(KINDS)]
    days = first_sessions(kind)
    broken = kind != "simulated" and random.random() < 0.9
    rows = _rows(random, days)
    steps = [step for day in days for step in _steps(random, kind, day, broken=broken)]
    return Schedule(
        kind=kind,
        rows=tuple(rows),
        steps=tuple(_cut(steps, Random(f"{seed}:{number}:cut")) if cut else steps),
        again=f"python -m tests.lab schedules --seed {seed} --only {number} --broker {kind}"
        + (" --store postgresql --terminate" if cut else ""),
        lag=timedelta(seconds=random.choice((0, 0, 2, 9))),
    )


@cache
def first_sessions(kind: str) -> tuple[Session, ...]:
    """The days on which a bot of this broker lives."""
    return tuple(Sessions(VENUES[kind]).between(FIRST, LAST))


def evening(day: Session) -> datetime:
    """The evening before, when the exchanges are closed."""
    return day.opens.replace(hour=0) - timedelta(hours=2)


def _rows(random: Random, days: Sequence[Session]) -> list[Row]:
    """Purchases of the evening before, then sales of what they bought, and whatever else comes in."""
    made: list[tuple[str, str, bool, datetime]] = []
    bought = random.sample(TICKERS, random.randint(1, 3))
    for symbol in bought:
        made += [(symbol, "P", True, evening(days[0]))] * random.choice((1, 1, 2))
    for _ in range(random.randint(0, 2)):
        during = days[0].opens + timedelta(minutes=random.randint(-90, 300))
        made.append((random.choice(TICKERS), random.choice("PPS"), random.random() < 0.8, during))
    for symbol in random.sample(bought, random.randint(0, len(bought))):
        made += [(symbol, "S", True, evening(days[1]))] * random.choice((1, 1, 2))
    return [
        Row(number=number, symbol=symbol, code=code, is_officer=is_officer, known_at=at)
        for number, (symbol, code, is_officer, at) in enumerate(made)
    ]


def _steps(random: Random, kind: str, day: Session, *, broken: bool) -> list[Step]:
    """Some lives of a day: before the open, at it, while it is open, after it."""
    at = day.opens + timedelta(minutes=random.choice((-60, 1, 1, 1, 30)))
    steps: list[Step] = []
    for _ in range(random.randint(2, 3)):
        steps.append(
            Step(
                at=at,
                kill_at=0 if random.random() < WHOLE else random.randint(1, random.choice((15, 30, POINTS))),
                breaks=tuple(_break(random, kind) for _ in range(random.choice((0, 1, 1, 2)))) if broken else (),
                late=random.random() < 0.5,
                deaf=broken and random.random() < 0.04,
                watching=bool(steps) and random.random() < 0.6,
                asks=random.choices(("", "halt", "flatten", "resume"), (30, 2, 1, 2))[0] if steps else "",
            )
        )
        at += timedelta(seconds=random.choice(GAPS))
        if random.random() < 0.1:
            at = max(at, day.closes + timedelta(minutes=random.randint(-3, 30)))
    return steps


def _cut(steps: list[Step], random: Random) -> list[Step]:
    """The same lives, which lose connections to their database, and are killed less often."""
    return [
        replace(
            step,
            cut_at=random.randint(1, random.choice((15, 30, POINTS))),
            cut=random.choice((1, 1, 2, 3)),
            kill_at=random.choice((0, step.kill_at)),
        )
        for step in steps
    ]


def _break(random: Random, kind: str) -> Break:
    """Any fault anywhere; half of all where orders are sent."""
    targets = list(TARGETS[kind])
    return Break(
        name=random.choice(list(FAULTS)),
        target=random.choice(targets) if random.random() < 0.5 else random.choice(("create", "post")),
        after=random.choice((0, 0, 1, 2, 3)),
        times=random.choice((1, 1, 1, 2, 4)),
    )
