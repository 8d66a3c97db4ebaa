"""What the features of a whole history cost, and the scores of twenty years of days beside the loop they come from.

    python benchmarks/features.py [ROWS]

The reference recomputes the published workflow's score over the whole table for every date, in pandas.
"""

import resource
import sys
import time
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from bot.model import Role
from strategies import kernels
from strategies.activity import cluster_size, conviction, senior_buyer
from strategies.features import days_late, days_to_file, fraction_of_holdings, role_weight, value_usd
from strategies.habits import is_first_buy, is_largest, is_routine
from strategies.market import average_daily_value, market_cap, price_dip
from strategies.scores import scores

ROWS = 4_000_000
DATES = 5_000
SAMPLE = 5
FIRST, LAST = np.datetime64("2006-01-02"), np.datetime64("2026-01-02")
ROLES = [Role.DIRECTOR, Role.CEO, Role.CFO, Role.VP, Role.TEN_PERCENT, Role.UNKNOWN]
TITLES = ["Director", "President and CEO", "Chief Financial Officer", "SVP, Sales", "10% Owner", "See Remarks"]
WORDS = ("ceo", "chief", "cfo", "director", "chair")


def made(rows: int) -> pd.DataFrame:
    """So many events over twenty years: twelve in a hundred are purchases, one in fifty is amended a month later."""
    chance = np.random.default_rng(1)
    issuers, kinds = max(rows // 300, 1), chance.integers(0, len(ROLES), rows)
    days = np.sort(FIRST + (chance.random(rows) * (LAST - FIRST).astype(int)).astype("timedelta64[D]"))
    known = days.astype("datetime64[us]") + chance.integers(50_000, 95_000, rows).astype("timedelta64[s]")
    gone = np.where(chance.random(rows) < 0.02, known + np.timedelta64(30, "D"), np.datetime64("NaT"))
    sides = chance.choice(3, rows, p=[0.12, 0.28, 0.6])
    shares, price = chance.integers(1, 100_000, rows).astype(float), chance.integers(100, 20_000, rows) / 100
    issuer = chance.integers(0, issuers, rows)
    events = pd.DataFrame(
        {
            "issuer_id": issuer.astype("int32"),
            "owner_id": (issuer * 12 + chance.integers(0, 12, rows)).astype("int32"),
            "symbol": words([f"Z{n}" for n in range(issuers)], issuer),
            "side": words(["buy", "sell", None], sides),
            "code": words(["P", "S", "M"], sides),
            "role": words(ROLES, kinds),
            "title": words(TITLES, kinds),
            "currency": words(["USD", "EUR"], (chance.random(rows) < 0.01).astype(int)),
            "quarantine": words(["odd", None], (chance.random(rows) > 0.005).astype(int)),
            "is_officer": pd.array(np.isin(kinds, (1, 2, 3)), dtype="boolean"),
            "known_at": pd.DatetimeIndex(known).tz_localize("UTC"),
            "superseded_at": pd.DatetimeIndex(gone).tz_localize("UTC"),
            "traded_on": (days - chance.integers(0, 4, rows).astype("timedelta64[D]")).astype("datetime64[s]"),
            "filed_on": days.astype("datetime64[s]"),
            "shares": shares,
            "price": price,
            "value": np.where(chance.random(rows) < 0.01, np.nan, shares * price),
            "held_before": chance.integers(0, 1_000_000, rows).astype(float),
            "exercised": np.zeros(rows),
        }
    )
    return events.take(chance.permutation(rows)).reset_index(drop=True)


def words(choices: list[Any], which: np.ndarray) -> pd.Series:
    """A column of text."""
    return pd.Series(pd.array(choices, dtype="str").take(which))


def bars(events: pd.DataFrame) -> pd.DataFrame:
    """Closes, volumes and sizes of every symbol on a hundred days of the twenty years."""
    symbols, days = events["symbol"].unique(), pd.bdate_range("2015-01-01", periods=100)
    table = pd.MultiIndex.from_product([symbols, days], names=["symbol", "date"]).to_frame(index=False)
    return table.assign(close=20.0, volume=1000.0, market_cap=1e9)


def reference(events: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """The published workflow's score of one date, recomputed over the whole table."""
    start = as_of - pd.Timedelta(days=30)
    bought = events[(events["code"] == "P") & (events["traded_on"] >= start) & (events["traded_on"] <= as_of)]
    text = bought["title"].fillna("").str.lower() + " " + bought["role"].str.lower()
    senior = text.map(lambda title: any(word in title for word in WORDS))
    grouped = bought.assign(value=bought["value"].fillna(0.0), senior=senior).groupby("issuer_id")
    found = grouped.agg(
        value=("value", "sum"), people=("owner_id", "nunique"), senior=("senior", "any"), last=("traded_on", "max")
    )
    since = (as_of - found["last"]).dt.days
    found["score"] = np.log1p(found["value"]) + 0.75 * found["people"] + 1.0 * found["senior"] - 0.05 * since
    return found.sort_values("score", ascending=False)


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
        "is_routine": is_routine,
        "price_dip": price_dip(table),
        "average_daily_value": average_daily_value(table),
        "market_cap": market_cap(table),
    }


def compile_all(events: pd.DataFrame) -> float:
    """Seconds until all kernels are compiled, or read from the cache."""
    few = events.head(10 * kernels.LONG)
    start = time.perf_counter()
    for feature in (conviction(), is_largest, is_routine):
        feature(few, None)
    scores(few, pd.date_range("2010-01-01", periods=100))
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


def time_scores(events: pd.DataFrame) -> None:
    days = pd.bdate_range(date(2006, 2, 1), periods=DATES).as_unit("s")
    start = time.perf_counter()
    for day in days[:: DATES // SAMPLE]:
        reference(events, day)
    loop = (time.perf_counter() - start) / SAMPLE * DATES
    for variant in ("seed", "known"):
        start = time.perf_counter()
        found = scores(events, days, variant=variant)  # type: ignore[arg-type]
        seconds = time.perf_counter() - start
        print(
            f"scores ({variant}) of {DATES:,} dates, {len(found):,} rows: {seconds:.2f} s; the loop takes {loop:,.0f} s"
        )
        print(f"  ratio {loop / seconds:,.0f} (at least 5,000)")


def main() -> None:
    """Print the figures."""
    events = made(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
    print(f"kernels compiled, or read from the cache, in {compile_all(events):.1f} s")
    time_features(events)
    time_scores(events)
    print(f"memory in all: {gigabytes():.2f} GB")


if __name__ == "__main__":
    main()
