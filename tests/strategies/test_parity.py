"""For every strategy, deciding row by row as the filings arrive equals deciding over the whole table at once."""

import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.history import as_filings, made_up, prices
from bot.http import Http
from bot.model import InsiderTrade
from bot.plugins import Kit, find, installed
from bot.ports import Strategy
from bot.settings import Settings
from strategies.activity import cluster_size, conviction, senior_buyer
from strategies.cluster_events import completes_cluster
from strategies.features import Feature
from strategies.habits import is_first_buy, is_largest, is_routine, largest_before
from strategies.ranks import conviction_rank
from strategies.rules import Rule, follow, more_than, open_market
from tests.builders import NOW, table, trade
from tests.real_purchases import purchases
from tests.row_by_row import at_once, row_by_row
from tests.share import ALL, count

LOOKS_BACK: dict[str, Feature] = {
    "cluster": cluster_size(),
    "officers": cluster_size(officers=True),
    "senior": senior_buyer(),
    "conviction": conviction(),
    "first": is_first_buy(),
    "largest": is_largest,
    "before": largest_before,
    "routine": is_routine,
}
FAR: dict[str, Feature] = {  # further back than a strategy is shown that does not tell how far it looks
    "cluster": cluster_size(600),
    "senior": senior_buyer(600),
    "completes": completes_cluster(2, 300),
    "conviction": conviction(600),
    "rank": conviction_rank(100),
}


def looking_back(passes: str, least: float, features: dict[str, Feature] = LOOKS_BACK) -> Rule:
    """A rule on one of the features, which says them all."""
    sentence = ", ".join(f"{name} {{{name}}}" for name in features)
    return Rule(name=passes, passes=lambda events: events[passes] >= least, words=sentence, features=features)


LOOKING_BACK: dict[str, Strategy] = {
    "cluster": follow(open_market, looking_back("cluster", 2)),
    "conviction above 12": follow(open_market, more_than("1%"), looking_back("conviction", 12)),
    "first": follow(open_market, looking_back("first", 1)),
    "far": follow(open_market, looking_back("cluster", 2, FAR)),
    "first in a year": follow(open_market, looking_back("first", 1, {"first": is_first_buy(1)})),
    "routine": follow(open_market, looking_back("routine", 1, {"routine": is_routine})),
}
NAMES = [*installed("strategies"), *LOOKING_BACK]


def made(name: str, closes: pd.DataFrame) -> Strategy:
    """One of these strategies; what companies are worth goes with their prices."""
    if name in LOOKING_BACK:
        return LOOKING_BACK[name]
    sizes = closes[["symbol", "date"]].assign(market_cap=closes["close"] * 5e7)
    kit = Kit(settings=Settings.of(venue="XNYS"), clock=lambda: NOW, http=Http("tests"), figures={"sizes": sizes})
    strategy: Strategy = find("strategies", name)[0](kit)
    return strategy


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=count(20, 1), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_row_by_row_is_at_once_on_histories_with_sales_tranches_clusters_and_amendments(name: str, seed: int) -> None:
    events = made_up(seed=seed, rows=count(40, 16), years=4)
    trades, strategy = as_filings(events), made(name, prices(events, seed=seed))
    assert row_by_row(trades, strategy) == at_once(trades, strategy)


def page_rows(lines: Sequence[Any]) -> Iterator[InsiderTrade]:
    """Rows of a web table that does not tell filings' numbers: lines told on several days, or under several tickers."""
    for number, (symbols, owner, left, traded, days, hour) in enumerate(lines):
        for symbol, day in product(symbols, days):
            at = datetime(2024, 1, 1, 15 + hour, tzinfo=UTC) + timedelta(days=day)
            yield trade(
                key=f"line {number} of {symbol} on day {day}",
                symbol=symbol,
                owner=owner,
                shares=Decimal(100 * 2**number),
                shares_after=left and Decimal(left),
                traded_on=(datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=traded)).date(),
                filed_on=at.date(),
                known_at=at,
            )


def page_lines(tickers: int, days: int) -> st.SearchStrategy[Any]:
    """Lines under so many tickers, told on so many days."""
    return st.tuples(
        st.lists(st.sampled_from(["NWRB", "HLCN"]), min_size=1, max_size=tickers, unique=True),
        st.sampled_from(["Okafor Adaeze M", "Brandt Ilse"]),
        st.sampled_from([None, 5000]),
        st.integers(0, 1),
        st.lists(st.integers(2, 14), min_size=1, max_size=days, unique=True),
        st.integers(0, 3),
    )


@settings(max_examples=count(300, 30), deadline=None)
@given(st.lists(page_lines(2, 1) | page_lines(1, 3), min_size=1, max_size=6))
def test_row_by_row_is_at_once_where_pages_tell_a_line_again_later_or_under_another_ticker(
    lines: Sequence[Any],
) -> None:
    trades = table(*page_rows(lines))
    assert row_by_row(trades, LOOKING_BACK["cluster"]) == at_once(trades, LOOKING_BACK["cluster"])


@pytest.mark.parametrize(
    ("name", "days", "decision"),
    [
        ("routine", ("2022-01-03", "2023-01-03", "2024-01-03", "2025-12-31"), "buy"),
        ("routine", ("2022-01-03", "2023-01-03", "2024-02-01", "2025-12-31"), "skip"),
        ("first in a year", ("2024-12-31", "2025-12-31"), "skip"),
        ("first in a year", ("2024-12-30", "2025-12-31"), "buy"),
    ],
)
def test_row_by_row_is_at_once_as_far_back_as_a_person_is_looked_at(
    name: str, days: Sequence[str], decision: str
) -> None:
    on = [date.fromisoformat(day) for day in days]
    at = [datetime.combine(day, time(23), UTC) for day in on]
    trades = table(*(trade(traded_on=day, filed_on=day, known_at=known) for day, known in zip(on, at, strict=True)))
    told = row_by_row(trades, LOOKING_BACK[name])
    assert [said.decision for said in told.values()][-1] == decision
    assert told == at_once(trades, LOOKING_BACK[name])


@pytest.mark.corpus
@pytest.mark.parametrize("name", [*installed("strategies"), "cluster"] if ALL else ["conviction"])
def test_row_by_row_is_at_once_on_recorded_purchases(name: str, corpus: Path) -> None:
    trades = purchases(corpus)
    some = trades[[zlib.crc32(symbol.encode()) % count(1, 500) == 0 for symbol in trades["symbol"]]]
    closes = pd.read_parquet(corpus / "prices/B_yahoo_2009_2020.parquet", columns=["ticker", "date", "close"])
    strategy = made(name, closes.rename(columns={"ticker": "symbol"}))
    told = row_by_row(some, strategy)
    assert len(told) > 10
    assert {said.decision for said in told.values()} == {"buy", "skip"}
    assert told == at_once(some, strategy)
