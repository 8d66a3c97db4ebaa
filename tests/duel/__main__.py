"""Duels of two daemons over one store, at random: `python -m tests.duel --count 1000 --store postgresql`.

With `--terminate` it is one daemon, whose connections to PostgreSQL are ended again and again.
"""

import argparse
import sys
import time
from contextlib import nullcontext

from tests.duel.schedules import running
from tests.postgresql import serving

EVERY = 50  # schedules between two lines of progress


def main() -> None:
    """Run them, and say what happened; the exit code is 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=str(__doc__), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="how many schedules (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first one; the others follow (default: 1)")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite", help="default: sqlite")
    parser.add_argument("--terminate", action="store_true", help="one bot, and its PostgreSQL connections are ended")
    asked = parser.parse_args()
    begun, told = time.monotonic(), 0
    needs_server = asked.terminate or asked.store == "postgresql"
    last, where = asked.seed + asked.count - 1, "postgresql" if needs_server else "sqlite"
    with serving() if needs_server else nullcontext() as server:
        so_far = running(asked.count, seed=asked.seed, server=server, bots=1 if asked.terminate else 2)
        for number, outcome in enumerate(so_far, 1):
            if number % EVERY == 0 or number == asked.count:
                counted = ", ".join(f"{count:,} {name}" for name, count in outcome.counts.items())
                seconds = time.monotonic() - begun
                say(f"{where}, seeds {asked.seed} to {last}: {counted}; {len(outcome.wrong)} wrong; {seconds:.0f} s")
            for seed, sentence in outcome.wrong[told:]:
                say(f"seed {seed}: {sentence}")
            told = len(outcome.wrong)
    sys.exit(1 if told else 0)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
