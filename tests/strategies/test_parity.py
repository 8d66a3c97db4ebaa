"""For every strategy, deciding row by row as the filings arrive equals deciding over the whole table at once."""

import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.history import as_filings, made_up
from bot.ports import Strategy
from strategies.activity import cluster_size, conviction, senior_buyer
from strategies.features import Feature
from strategies.habits import is_first_buy, is_largest, is_routine
from strategies.rules import (
    Rule,
    filed_within,
    follow,
    known_within,
    more_than,
    not_planned,
    officers_only,
    open_market,
)
from tests.fakes import Weekdays
from tests.real_purchases import purchases
from tests.row_by_row import at_once, row_by_row
from tests.share import count

LOOKS_BACK: dict[str, Feature] = {
    "cluster": cluster_size(),
    "officers": cluster_size(officers=True),
    "senior": senior_buyer(),
    "conviction": conviction(),
    "first": is_first_buy(),
    "largest": is_largest,
    "routine": is_routine,
}
SENTENCE = ", ".join(f"{name} {{{name}}}" for name in LOOKS_BACK)


def looking_back(passes: str, least: float) -> Rule:
    """A rule on one of the features, which says them all."""
    return Rule(name=passes, passes=lambda events: events[passes] >= least, words=SENTENCE, features=LOOKS_BACK)


EXECUTIVES = (open_market, officers_only, not_planned, more_than("1%"), filed_within(days=5))
STRATEGIES: dict[str, Strategy] = {
    "executives": follow(*EXECUTIVES, known_within(sessions=3, venue=Weekdays())),  # type: ignore[arg-type]
    "clusters": follow(open_market, looking_back("cluster", 2)),
    "conviction": follow(open_market, more_than("1%"), looking_back("conviction", 12)),
    "habits": follow(open_market, looking_back("first", 1)),
}


@pytest.mark.parametrize("name", STRATEGIES)
@settings(max_examples=count(20, 1), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_row_by_row_is_at_once_on_histories_with_sales_tranches_clusters_and_amendments(name: str, seed: int) -> None:
    trades = as_filings(made_up(seed=seed, rows=count(40, 16), years=4))
    assert row_by_row(trades, STRATEGIES[name]) == at_once(trades, STRATEGIES[name])


@pytest.mark.corpus
def test_row_by_row_is_at_once_on_recorded_purchases(corpus: Path) -> None:
    trades = purchases(corpus)
    some = trades[[zlib.crc32(symbol.encode()) % count(1, 500) == 0 for symbol in trades["symbol"]]]
    strategy = follow(open_market, officers_only, more_than("1%"), looking_back("cluster", 1))
    told = row_by_row(some, strategy)
    assert len(told) > 10
    assert told == at_once(some, strategy)
