"""What it takes to decide a day's 1,000 rows against a stored history of 4,000,000: events, their past, verdicts.

    python benchmarks/today.py [ROWS]

The history is `made_up`, in a SQLite file as the store keeps it; the day is the last of it, and its rows are lines of
people and companies that the history knows. Only what one cycle does about them is timed; to fill the file takes some
minutes.
"""

import sys
import time
from contextlib import closing
from decimal import Decimal
from itertools import pairwise
from math import isnan
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pandas as pd

from bot.demo.history import as_filings, made_up
from bot.events import as_table, decided, find_events
from bot.history import recalled, with_past
from bot.model import Event
from bot.store.database import open_database
from bot.store.history import keep
from bot.store.repository import Repository
from bot.trades import to_records
from strategies.activity import cluster_size, conviction
from strategies.habits import is_first_buy, is_routine
from strategies.rules import Rule, follow, open_market

ROWS = 4_000_000
TODAY = 1_000
TURNS = 7
BATCH = 100_000

looking_back = follow(
    open_market,
    Rule(
        name="looks_back",
        passes=lambda events: (
            (events["cluster_size"] >= 2)
            & (events["conviction"] > 10)
            & (events["is_first_buy"] == 1)
            & (events["is_routine"] != 1)
        ),
        words="{cluster_size:,} traded together, conviction {conviction}, first {is_first_buy}, routine {is_routine}",
        features={
            "cluster_size": cluster_size(),
            "conviction": conviction(),
            "is_first_buy": is_first_buy(),
            "is_routine": is_routine,
        },
    ),
)


def fill(path: Path, table: pd.DataFrame) -> None:
    """Keep the events where the store keeps its past, in one transaction: the pages of a new file need no journal."""
    with closing(open_database(f"sqlite:///{path}")) as database, database.write() as connection:
        connection.exec_driver_sql("PRAGMA cache_size=-4000000")
        for start in range(0, len(table), BATCH):
            keep(connection, events(table.iloc[start : start + BATCH]))


def events(table: pd.DataFrame) -> list[Event]:
    """The events that a table was made of."""
    cells = (table[name].tolist() for name in ("event_key", "symbols", "held_before", "exercised"))
    return [
        Event(key=key, trade=trade, keys=(), symbols=symbols, held_before=exact(before), exercised=Decimal(exercised))
        for trade, key, symbols, before, exercised in zip(to_records(table), *cells, strict=True)
    ]


def exact(number: float) -> Decimal | None:
    return None if isnan(number) else Decimal(number)


def decide(store: Repository, trades: pd.DataFrame) -> list[tuple[str, float, float]]:
    """What a cycle does: each step with its seconds, and those of them that the CPU worked for it."""
    clock = [now()]
    seen = find_events(trades)
    clock.append(now())
    past = store.past(seen, looking_back.reach)
    clock.append(now())
    table = with_past(as_table(recalled(seen, past)), past)
    clock.append(now())
    judged = looking_back(table, None)
    clock.append(now())
    decisions = decided(seen, judged[judged.index < len(seen)])
    clock.append(now())
    steps = (
        f"{len(seen):,} events",
        f"{len(past):,} rows of their past",
        "all in one table",
        "verdicts",
        f"{len(decisions):,} decisions",
    )
    taken = ((whole - begun, cpu - worked) for (begun, worked), (whole, cpu) in pairwise(clock))
    return [(step, *seconds) for step, seconds in zip(steps, taken, strict=True)]


def now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def main() -> None:
    """Print the figures."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    made = made_up(seed=1, rows=rows + rows // 50)
    made = made[made["known_at"] < pd.Timestamp("2026-01-01", tz="UTC")]  # then only amendments are left
    day = made.tail(TODAY)
    history = made[made["known_at"] < day["known_at"].iloc[0]].tail(rows)
    trades = as_filings(day).tail(TODAY)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        fill(path, history)
        size = path.stat().st_size / 1e9
        print(f"{len(trades):,} rows of today, {len(history):,} stored ({size:.1f} GB)")
        with closing(open_database(f"sqlite:///{path}")) as database:
            turns = [decide(Repository(database), trades) for _ in range(TURNS)]
    for step in zip(*turns, strict=True):
        print(f"  {step[0][0]:30} {median(turn[1] for turn in step):6.3f} s, CPU {median(t[2] for t in step):6.3f} s")
    whole, cpu = ([sum(step[place] for step in turn) for turn in turns] for place in (1, 2))
    print(f"decided in {median(whole):.2f} s, CPU {median(cpu):.2f} s (at most 0.5 s)")
    print(f"the first time, with imports: {whole[0]:.2f} s, CPU {cpu[0]:.2f} s")


if __name__ == "__main__":
    main()
