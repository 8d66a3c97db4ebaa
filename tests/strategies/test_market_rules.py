"""Price and size as rules: their words, and what they refuse because the tables do not tell."""

from datetime import date, timedelta

import pandas as pd
import pytest

from bot.errors import ConfigError
from strategies.composed import all_of, not_
from strategies.market_rules import dipped, liquid, smaller_than
from strategies.rules import Rule, follow
from tests.builders import NOW, events, trade

MONDAY = date(2026, 3, 2)  # the day before NOW
DAYS = pd.to_datetime([MONDAY - timedelta(days=back) for back in (1, 0)])
BARS = pd.DataFrame({"symbol": "NWRB", "date": DAYS, "close": [50.0, 40.0], "volume": [100.0, 200.0]})
SIZES = pd.DataFrame({"symbol": ["NWRB", "HLCN"], "date": DAYS, "market_cap": [2e9, float("nan")]})


def judged(rule: Rule, symbol: str = "NWRB") -> tuple[str, str]:
    found = follow(rule)(events(trade(symbol=symbol, known_at=NOW)), NOW).iloc[0]
    return found["decision"], found["reason"]


def test_no_price_falls_by_more_than_all_of_it():
    with pytest.raises(ConfigError, match=r"no price falls by 150 %: write a share from 0 to 100%"):
        dipped("150%", bars=BARS)


@pytest.mark.parametrize(
    ("rule", "decision", "words"),
    [
        (
            dipped("20%", bars=BARS, sessions=2),
            "buy",
            "20 % below the highest close of 2 sessions (asked for: at least 20 %)",
        ),
        (
            dipped(0.21, bars=BARS, sessions=2),
            "skip",
            "20 % below the highest close of 2 sessions (asked for: at least 21 %)",
        ),
        (dipped("1%", bars=BARS, sessions=3), "skip", "NWRB has no closes of the last 3 sessions"),
        (
            liquid(6500, bars=BARS, sessions=2),
            "buy",
            "6,500 traded in a day, on average (asked for: at least 6,500)",
        ),
        (
            liquid(6500.5, bars=BARS, sessions=2),
            "skip",
            "6,500 traded in a day, on average (asked for: at least 6,500.5)",
        ),
        (liquid(1, bars=BARS, sessions=3), "skip", "NWRB has no closes and volumes of the last 3 sessions"),
        (
            smaller_than(2e9, sizes=SIZES),
            "skip",
            "the company is worth 2,000,000,000 (asked for: less than 2,000,000,000)",
        ),
        (
            smaller_than(2e9 + 1, sizes=SIZES),
            "buy",
            "the company is worth 2,000,000,000 (asked for: less than 2,000,000,001)",
        ),
    ],
)
def test_a_threshold_is_shown_with_the_figure(rule, decision, words):
    assert judged(rule) == (decision, words)


@pytest.mark.parametrize("symbol", ["HLCN", "TDWT"])
def test_an_unknown_size_is_refused_both_ways(symbol):
    small = smaller_than(2e9, sizes=SIZES)
    words = f"what the company of {symbol} is worth is unknown"
    assert judged(small, symbol) == judged(not_(small), symbol) == ("skip", words)


def test_a_rule_and_its_contrary_make_a_range():
    middle = all_of(smaller_than(1e10, sizes=SIZES), not_(smaller_than(2e9, sizes=SIZES)), name="mid_caps")
    assert judged(middle) == (
        "buy",
        "the company is worth 2,000,000,000 (asked for: less than 10,000,000,000); "
        "the company is worth 2,000,000,000 (not asked for: less than 2,000,000,000)",
    )
