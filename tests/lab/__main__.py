"""The fault laboratory from the command line: `schedules` at random, or `pairs` in all combinations."""

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import takewhile
from math import inf
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

from tests.lab.lives import zygote
from tests.lab.pairs import pairs
from tests.lab.run import Tally, new_file, run
from tests.lab.schedules import schedule
from tests.lab.world import KINDS, Schedule
from tests.postgresql import serving

INVARIANTS = (
    *("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I11", "I12"),
    *("F17", "F27", "F28", "integrity"),  # memory, a reset, strangers
)
EVERY = 50  # schedules between two lines of progress


def together(wanted: Sequence[Schedule], *, workers: int, store: str, seconds: float = inf) -> Tally:
    """What happens in all of them, or in those that are begun within so many seconds; told while it goes on."""
    total, begun, processes = Tally(), time.monotonic(), get_context("fork")
    done: SimpleQueue[Tally | None] = processes.SimpleQueue()
    for number in range(workers):
        arguments = (wanted[number::workers], store, done, begun + seconds)
        processes.Process(target=work, args=arguments, daemon=True).start()
    while workers:
        tally = done.get()
        if tally is None:
            workers -= 1
            continue
        total.add(tally)
        for what, again in tally.wrong:
            say(f"{again}\n    {what}")
        if total.schedules % EVERY == 0:
            say(progress(total, wanted, begun))
    say(progress(total, wanted, begun))
    return total


def progress(total: Tally, wanted: Sequence[Schedule], begun: float) -> str:
    """How far it has come."""
    seconds = time.monotonic() - begun
    return f"{total.schedules:,} of {len(wanted):,}, {len(total.wrong)} violations, {seconds:.0f} s"


def work(wanted: Sequence[Schedule], store: str, done: "SimpleQueue[Tally | None]", ends: float) -> None:
    """One worker, with a zygote of its own, and a database server where one is wanted; None when it has ended."""
    with ExitStack() as stack:
        lives = stack.enter_context(zygote(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        server = stack.enter_context(serving()) if store == "postgresql" else None
        for each in takewhile(lambda _: time.monotonic() < ends, wanted):
            try:
                done.put(run(each, lives, server.new_schema() if server else new_file(lives.folder)))
            except Exception:  # noqa: BLE001 - whoever waits for all of them is to hear of this one
                broken = f"the laboratory itself: {traceback.format_exc()}"
                done.put(Tally(schedules=1, wrong=[(broken, each.again)]))
        done.put(None)


def report(total: Tally) -> None:
    """All figures."""
    say(f"schedules {total.schedules:,}   requests {total.requests:,}   SIGKILLs {total.lives['killed']:,}")
    for name in ("lives", "faults", "orders", "halts"):
        say(f"{name}: " + ", ".join(f"{key} {count:,}" for key, count in getattr(total, name).most_common()))
    found = Counter(what.split()[0].rstrip(":") for what, _ in total.wrong)
    for name in (*INVARIANTS, *sorted(set(found) - set(INVARIANTS))):
        say(f"{name}: {found[name]} violations")


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def shard(words: str) -> tuple[int, int]:
    """`3/30` as the numbers it consists of."""
    part, _, parts = words.partition("/")
    return int(part), int(parts)


def parsed() -> Any:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=str(__doc__))
    kinds = parser.add_subparsers(dest="what", required=True)
    random, sweep = kinds.add_parser("schedules"), kinds.add_parser("pairs")
    random.add_argument("--count", type=int, default=10_000)
    random.add_argument("--seed", type=int, default=1)
    random.add_argument("--broker", choices=(*KINDS, "all"), default="all")
    random.add_argument("--terminate", action="store_true", help="end the lives' connections to PostgreSQL, too")
    sweep.add_argument("--shard", type=shard, default=(1, 1), metavar="1/30")
    for each in (random, sweep):
        each.add_argument("--only", type=int, help="the number of one that is to be repeated")
        each.add_argument("--workers", type=int, default=os.cpu_count() or 1)
        each.add_argument("--minutes", type=float, default=inf, help="begin none after so many")
        each.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    asked = parser.parse_args()
    if asked.what == "schedules" and asked.terminate and asked.store != "postgresql":
        parser.error("--terminate needs --store postgresql: no other database has connections that can be ended")
    return asked


def chosen(asked: Any) -> Sequence[Schedule]:
    """What the command line asks for."""
    if asked.what == "schedules":
        numbers = range(asked.count) if asked.only is None else [asked.only]
        kind = None if asked.broker == "all" else asked.broker
        return [schedule(number, asked.seed, kind, cut=asked.terminate) for number in numbers]
    part, parts = asked.shard
    return pairs()[part - 1 :: parts] if asked.only is None else [pairs()[asked.only]]


def main() -> None:
    """Run it, and say what happened; the exit code is 1 when anything is violated."""
    asked = parsed()
    wanted = chosen(asked)
    total = together(wanted, workers=min(asked.workers, len(wanted)), store=asked.store, seconds=asked.minutes * 60)
    report(total)
    sys.exit(1 if total.wrong or not total.schedules else 0)


if __name__ == "__main__":
    main()
