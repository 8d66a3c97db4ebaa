"""Duels of two daemons over one store, at random: `python -m tests.duel --count 1000 --store postgresql`.

With `--terminate` it is one daemon, whose connections to PostgreSQL are ended again and again.
"""

import argparse
import sys
import time
from contextlib import nullcontext

from tests.duel.schedules import run
from tests.postgresql import serving


def main() -> None:
    """Run them, and say what happened; the exit code is 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=str(__doc__), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="how many schedules (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first one; the others follow (default: 1)")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite", help="default: sqlite")
    parser.add_argument("--terminate", action="store_true", help="one bot, and its PostgreSQL connections are ended")
    asked = parser.parse_args()
    begun = time.monotonic()
    needs_server = asked.terminate or asked.store == "postgresql"
    with serving() if needs_server else nullcontext() as server:
        outcome = run(asked.count, seed=asked.seed, server=server, bots=1 if asked.terminate else 2)
    counted = ", ".join(f"{number:,} {name}" for name, number in outcome.counts.items())
    last, seconds = asked.seed + asked.count - 1, time.monotonic() - begun
    where = "postgresql" if needs_server else "sqlite"
    print(f"{where}, seeds {asked.seed} to {last}: {counted}; {len(outcome.wrong)} wrong; {seconds:.0f} s")  # noqa: T201
    for seed, sentence in outcome.wrong:
        print(f"seed {seed}: {sentence}")  # noqa: T201
    sys.exit(1 if outcome.wrong else 0)


if __name__ == "__main__":
    main()
