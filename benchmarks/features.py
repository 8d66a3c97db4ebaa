"""What the features of a whole history cost, and the scores of twenty years of days beside the loop they come from.

    python benchmarks/features.py [ROWS]

The history is `made_up`, without the columns that no feature looks at (`keys`, `symbols`, most texts), as `lean` keeps
it; another process makes it, so that the memory printed here is what the features take.

The reference is the published workflow as such a workflow is written: `looped(table, as_of)` goes over the whole table
for every date, with text as a CSV has it. It takes the purchases by their type in lower case and by the 30 days up to
the date, goes through the groups of issuers, makes a row of each in Python, and sorts them. `grouped` does the same
with one `groupby().agg()` in place of the loop.
"""

import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from bot.demo.history import made_up
from bot.history import lean
from bot.trades import DAY
from strategies import kernels
from strategies.activity import cluster_size, conviction, senior_buyer
from strategies.features import days_late, days_to_file, fraction_of_holdings, role_weight, value_usd
from strategies.habits import is_first_buy, is_largest, is_routine, largest_before
from strategies.market import average_daily_value, market_cap, price_dip
from strategies.scores import Scores, Variant, scores

ROWS = 4_000_000
DATES = 5_000
SAMPLE = 5
TURNS = 3
NEEDED = [
    *("issuer_id", "owner_id", "symbol", "title", "is_officer", "role", "code", "side", "traded_on", "filed_on"),
    *("known_at", "superseded_at", "shares", "price", "value", "currency", "shares_after", "held_before", "exercised"),
    "quarantine",
]
TYPES = {"P": "Buy", "S": "Sale", "M": "Option Exercise", "A": "Award", "G": "Gift", "F": "Tax"}
BOUGHT = {"buy", "purchase", "acquisition"}
WORDS = ("ceo", "chief", "cfo", "director", "chair")


def generate(rows: int, path: Path) -> None:
    """Write the history down."""
    lean(made_up(seed=1, rows=rows)[NEEDED]).to_parquet(path, index=False)


def made(rows: int) -> pd.DataFrame:
    """The history, made elsewhere."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.parquet"
        maker = get_context("spawn").Process(target=generate, args=(rows, path))
        maker.start()
        maker.join()
        return pd.read_parquet(path).astype({"traded_on": DAY, "filed_on": DAY})  # the file has no whole seconds


def bars(events: pd.DataFrame) -> pd.DataFrame:
    """Closes, volumes and sizes of every symbol on a hundred days of the twenty years."""
    symbols, days = events["symbol"].dropna().unique(), pd.bdate_range("2015-01-01", periods=100)
    table = pd.MultiIndex.from_product([symbols, days], names=["symbol", "date"]).to_frame(index=False)
    return table.assign(close=20.0, volume=1000.0, market_cap=1e9)


def workflow_table(events: pd.DataFrame) -> pd.DataFrame:
    """The events as an API's rows come out of a CSV: plain text, dates that are parsed already, numbers."""
    role = events["title"].astype(object).fillna(events["role"].astype(object).str.title())
    return pd.DataFrame(
        {
            "issuer": named("Issuer", events["issuer_id"]),
            "insider": named("Insider", events["owner_id"]),
            "role": role,
            "type": events["code"].astype(object).map(TYPES).fillna("Other").astype(object),
            "date": events["traded_on"],
            "value": events["value"],
        }
    )


def named(what: str, numbers: "pd.Series[int]") -> np.ndarray[Any, Any]:
    return np.array([f"{what} {number}" for number in range(numbers.max() + 1)], dtype=object)[numbers]


def recent(table: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    bought = table["type"].str.lower().isin(BOUGHT)
    return table[bought & (table["date"] >= as_of - pd.Timedelta(days=30)) & (table["date"] <= as_of)]


def looped(table: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """The published workflow's scores of one date, issuer by issuer."""
    rows = []
    for issuer, group in recent(table, as_of).groupby("issuer"):
        value = group["value"].fillna(0).sum()
        insiders = group["insider"].nunique()
        roles = " ".join(group["role"].dropna().str.lower())
        senior = any(word in roles for word in WORDS)
        days = (as_of - group["date"].max()).days
        score = np.log1p(value) + 0.75 * insiders + 1.0 * senior - 0.05 * days
        rows.append({"issuer": issuer, "score": score, "value": value, "insiders": insiders, "days": days})
    return pd.DataFrame(rows).sort_values("score", ascending=False)


def grouped(table: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """The same, all issuers at once."""
    bought = recent(table, as_of)
    senior = bought["role"].str.lower().str.contains("|".join(WORDS)).fillna(value=False).astype(bool)
    found = (
        bought.assign(value=bought["value"].fillna(0), senior=senior)
        .groupby("issuer")
        .agg(value=("value", "sum"), insiders=("insider", "nunique"), senior=("senior", "any"), last=("date", "max"))
    )
    days = (as_of - found["last"]).dt.days
    score = np.log1p(found["value"]) + 0.75 * found["insiders"] + 1.0 * found["senior"] - 0.05 * days
    return found.assign(score=score).sort_values("score", ascending=False)


def gigabytes() -> float:
    """The most memory this process has ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def every_feature(events: pd.DataFrame) -> dict[str, Any]:
    table = bars(events)
    return {
        "fraction_of_holdings": fraction_of_holdings("before"),
        "days_to_file": days_to_file,
        "days_late": days_late(),
        "value_usd": value_usd,
        "role_weight": role_weight,
        "cluster_size": cluster_size(),
        "cluster_size, officers": cluster_size(officers=True),
        "senior_buyer": senior_buyer(),
        "conviction": conviction(),
        "is_first_buy": is_first_buy(),
        "is_largest": is_largest,
        "largest_before": largest_before,
        "is_routine": is_routine,
        "price_dip": price_dip(table),
        "average_daily_value": average_daily_value(table),
        "market_cap": market_cap(table),
    }


def compile_all(events: pd.DataFrame) -> float:
    """Seconds until all kernels are compiled, or read from the cache."""
    few = events.head(20 * kernels.LONG)
    start = time.perf_counter()
    for feature in (conviction(), is_largest, is_routine):
        feature(few, None)
    scores(few, pd.date_range("2006-02-01", periods=1000))
    return time.perf_counter() - start


def time_features(events: pd.DataFrame) -> None:
    features, before = every_feature(events), gigabytes()
    begun, worked = time.perf_counter(), time.process_time()
    for name, feature in features.items():
        start = time.perf_counter()
        feature(events, None)
        print(f"  {name:24} {time.perf_counter() - start:6.2f} s")
    wall, cpu = time.perf_counter() - begun, time.process_time() - worked
    print(f"all features of {len(events):,} events: {wall:.1f} s, {cpu:.1f} s of CPU (at most 10 s)")
    print(f"memory: {gigabytes():.2f} GB at most, {before:.2f} GB of it before the first feature (at most 3 GB)")


def best_of(turns: int, do: Callable[[], Any]) -> float:
    """Seconds of CPU."""
    taken = []
    for _ in range(turns):
        start = time.process_time()
        do()
        taken.append(time.process_time() - start)
    return min(taken)


def time_scores(events: pd.DataFrame) -> None:
    days = pd.bdate_range(date(2006, 2, 1), periods=DATES).as_unit("s")
    made: dict[Variant, Scores] = {v: scores(events, days, variant=v) for v in ("seed", "known")}
    found = made["seed"]
    own = {v: best_of(TURNS, lambda v=v: scores(events, days, variant=v)) for v in made}  # type: ignore[misc]
    ranking = best_of(1, lambda: [found.ranked(day) for day in days])
    print(f"memory with the scores: {gigabytes():.2f} GB")
    for variant, seconds in own.items():
        print(f"scores ({variant}) of {DATES:,} dates, {len(made[variant].score):,} in all: {seconds:.2f} s of CPU")
    print(f"  and a ranked table of each of the {DATES:,} dates: {ranking:.2f} s more")
    table, sample = workflow_table(events), days[DATES // SAMPLE // 2 :: DATES // SAMPLE]
    for reference in (looped, grouped):
        for day in sample:
            theirs, ours = reference(table, day)["score"], found.ranked(day)["score"]
            np.testing.assert_allclose(theirs, ours, rtol=1e-12)
        each = best_of(1, lambda f=reference: [f(table, day) for day in sample]) / SAMPLE  # type: ignore[misc]
        ratios = ", ".join(f"{variant} {each * DATES / seconds:,.0f}" for variant, seconds in own.items())
        goal = " (at least 5,000)" if reference is looped else ""
        print(f"{reference.__name__} in pandas: {each:.2f} s of CPU a date; so many times longer: {ratios}{goal}")


def main() -> None:
    """Print the figures."""
    events = made(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
    print(f"kernels compiled, or read from the cache, in {compile_all(events):.1f} s")
    time_features(events)
    time_scores(events)


if __name__ == "__main__":
    main()
