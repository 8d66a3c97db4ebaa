"""The default strategy's verdicts, each with its reason in words, beside the row loop of the tutorial it grew from.

    python benchmarks/verdicts.py [ROWS]

The loop goes over the tutorial's own table, with `iterrows`, and gives two sets of ISINs and no reason. Verdicts are
given twice in each turn, and the second time counts: the first pays for memory that the system takes back in between,
and the very first, which is told as well, for compiled code that is loaded.
"""

import resource
import sys
import time
from statistics import median

import pandas as pd

from bot.demo.history import made_up
from bot.history import lean
from strategies.rules import filed_within, follow, known_within, more_than, not_planned, officers_only, open_market

ROWS = 4_000_000
LOOPED = 162_000
TURNS = 7


def tutorial_table(events: pd.DataFrame) -> pd.DataFrame:
    """The events as the tutorial's bot scraped them: text and numbers, and an ISIN for each."""
    kinds = events["code"].map({"P": "Buy", "S": "Sale", "M": "Option Exercise"}).astype(object).fillna("Gift")
    return pd.DataFrame(
        {
            "Ticker": events["symbol"].astype(object),
            "Owner": events["owner"].astype(object),
            "Relationship": events["title"].astype(object).fillna("See Remarks"),
            "Date": events["traded_on"].dt.strftime("%b %d").astype(object),
            "Transaction": kinds,
            "Cost": events["price"],
            "#Shares": events["shares"],
            "Value ($)": events["value"],
            "#Shares Total": events["shares_after"].fillna(0.0),
            "SEC Form 4": events["known_at"].dt.strftime("%b %d %I:%M %p").astype(object),
            "ISIN": "US" + events["issuer_cik"].astype(object),
        }
    )


def looped(table: pd.DataFrame) -> tuple[set[str], set[str]]:
    """Whom the tutorial's rules buy and sell: its loop, in our words."""
    buys, sells = set(), set()
    for _, row in table.iterrows():
        role = row["Relationship"]
        if row["Transaction"] not in ("Buy", "Sale") or row["#Shares Total"] == 0:
            continue
        if not (role in ("CEO", "CFO", "COO", "CTO") or "Officer" in role):
            continue
        if row["#Shares"] / row["#Shares Total"] > 0.01:
            (buys if row["Transaction"] == "Buy" else sells).add(row["ISIN"])
    return buys, sells


def main() -> None:
    """Both, turn by turn."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    events = lean(made_up(seed=1, rows=rows))
    executives = follow(
        open_market, officers_only, not_planned, more_than("1%"), known_within(sessions=3), filed_within(days=5)
    )
    table = tutorial_table(events.head(LOOPED))
    loop, cold, own = [], [], []
    for _ in range(TURNS):
        start = time.process_time()
        looped(table)
        loop.append((time.process_time() - start) / len(table) * rows)
        for taken in (cold, own):
            start = time.process_time()
            judged = executives(events, None)
            taken.append(time.process_time() - start)
    print(judged["rule"].value_counts().to_string())
    print("\n".join(judged.groupby("rule")["reason"].first()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"the row loop, from {len(table):,} rows: {min(loop):,.0f} s; {rows:,} verdicts with reasons: {min(own):.2f} s"
    )
    print(f"the first time {cold[0]:.2f} s, at the beginning of a turn {median(cold):.2f} s")
    print(f"{min(loop) / min(own):,.0f} x (goal 100); peak {peak:.1f} GB")


if __name__ == "__main__":
    main()
