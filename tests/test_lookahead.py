"""The check for look-ahead finds what was planted, names it, and finds nothing in what the house is built of."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bot import cli
from bot.contract import check_strategy
from bot.demo.history import as_filings, made_up, prices
from bot.errors import BotError, ConfigError
from bot.plugins import installed
from bot.ports import Strategy
from bot.research.histories import read
from bot.research.lookahead import Report, check
from strategies.activity import cluster_size, conviction, senior_buyer
from strategies.features import Feature, days_late, role_weight, value_usd
from strategies.habits import is_first_buy, is_largest, is_routine, largest_before
from strategies.market import average_daily_value, market_cap, price_dip
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
from tests.share import count

SEED = 5
INSTANTS = count(1000, 4)


@cache
def history() -> pd.DataFrame:
    return made_up(seed=SEED, rows=3000)


@cache
def bars() -> pd.DataFrame:
    return prices(history(), seed=SEED)


def looking_at(**features: Feature) -> Strategy:
    name = next(iter(features))
    words = Rule(name=name, passes=lambda events: events[name] > 0, words="{side}", features=features)
    return follow(open_market, words)


def found(strategy: Strategy, instants: int = INSTANTS) -> Report:
    return check(lambda _: strategy, history(), instants=instants, seed=SEED)


# -- what does not look ahead


def test_the_default_strategy_does_not_look_ahead() -> None:
    rules = (open_market, officers_only, not_planned, more_than("1%"), known_within(sessions=3), filed_within(days=5))
    report = found(follow(*rules))
    assert (report.instants, report.leak) == (INSTANTS, None)


def test_no_feature_of_events_looks_ahead() -> None:
    features: dict[str, Feature] = {
        "cluster": cluster_size(),
        "officers": cluster_size(officers=True),
        "senior": senior_buyer(),
        "conviction": conviction(),
        "first": is_first_buy(),
        "largest": is_largest,
        "before": largest_before,
        "routine": is_routine,
        "late": days_late(),
        "weight": role_weight,
        "worth": value_usd,
    }
    report = found(looking_at(**features), 2 * INSTANTS)
    assert (report.instants, report.leak) == (2 * INSTANTS, None)
    assert min(report.rewritten, report.compared) > 100 * report.instants


def test_no_feature_of_prices_looks_ahead() -> None:
    def made(daily: pd.DataFrame) -> Strategy:
        sizes = daily.assign(market_cap=daily["close"] * 1e6)
        return looking_at(dip=price_dip(daily), turnover=average_daily_value(daily), size=market_cap(sizes))

    report = check(made, history(), bars(), instants=INSTANTS, seed=SEED)
    assert (report.instants, report.leak) == (INSTANTS, None)


# -- planted: three ways to look ahead


def routine_in_the_whole_sample(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
    """Whether the person trades in this month in three years, whenever they are."""
    who = [events["issuer_id"], events["owner_id"], events["traded_on"].dt.month]
    years = events["traded_on"].dt.year.where(events["side"].notna())
    return (years.groupby(who).transform("nunique") >= 3).astype(float)


def cluster_by_day_of_trade(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
    """How many people had bought in the thirty days up to the trade, whether anybody knew or not."""
    sizes = np.full(len(events), np.nan)
    for _, company in events.reset_index(drop=True).query("side == 'buy'").groupby("issuer_id"):
        for row, day in company["traded_on"].items():
            near = company["traded_on"].between(day - pd.Timedelta(days=30), day)
            sizes[row] = company.loc[near, "owner_id"].nunique()
    return pd.Series(sizes, index=events.index)


def close_of_the_day(daily: pd.DataFrame) -> Feature:
    """The close of the day on which it became known, in the morning as well as in the evening."""
    closes = daily.set_index(["symbol", "date"])["close"]

    def close(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
        days = events["known_at"].dt.tz_convert("America/New_York").dt.tz_localize(None).dt.normalize()
        wanted = pd.MultiIndex.from_arrays([events["symbol"], days.astype(closes.index.dtypes["date"])])
        return pd.Series(closes.reindex(wanted).to_numpy(), index=events.index)

    return close


@pytest.mark.parametrize(
    ("name", "feature"), [("routine", routine_in_the_whole_sample), ("cluster", cluster_by_day_of_trade)]
)
def test_a_feature_that_looks_at_the_whole_sample_or_by_the_day_of_the_trade_is_found(
    name: str, feature: Feature
) -> None:
    report = found(looking_at(**{name: feature}), 200)
    assert report.instants < 200
    leak = report.leak
    assert leak
    assert leak.changed == name
    assert leak.known_at <= leak.instant
    assert leak.before != leak.after
    (fact,) = leak.later  # one row is enough, and it is told
    assert fact.startswith(("with ", "without "))
    assert str(leak).startswith(f"{name} of {leak.event_key}")
    with pytest.raises(AssertionError, match=r"^(it looks ahead: .* becomes .*|what became known after .*)"):
        check_strategy(looking_at(**{name: feature}))


@pytest.mark.parametrize("by", ["event_key", "key"])
def test_who_remembers_the_first_answer_is_found_as_well(by: str) -> None:
    seen: dict[str, float] = {}

    def total(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
        of_all = events.groupby("owner_id")["shares"].transform("sum")
        told = [seen.setdefault(key, number) for key, number in zip(events[by], of_all, strict=True)]
        return pd.Series(told, events.index, dtype="float64")

    leak = found(looking_at(total=total), 200).leak
    assert leak
    assert leak.changed == "total"


def test_a_close_of_the_same_day_is_found_and_named() -> None:
    report = check(lambda daily: looking_at(close=close_of_the_day(daily)), history(), bars(), instants=200, seed=SEED)
    assert report.leak
    assert report.leak.changed == "close"
    (fact,) = report.leak.later
    assert f" {report.leak.symbol} {report.leak.instant:%Y-%m-%d}" in fact


@pytest.mark.parametrize("days", [0, 420])
def test_a_high_of_a_year_with_the_day_s_own_close_or_a_later_one_is_found(days: int) -> None:
    def made(daily: pd.DataFrame) -> Strategy:
        closes = daily.set_index(["symbol", "date"])["close"].groupby(level="symbol").rolling(250).max().droplevel(0)

        def high(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
            local = events["known_at"].dt.tz_convert("America/New_York").dt.tz_localize(None)
            on = (local + pd.Timedelta(days=days)).dt.normalize()
            wanted = pd.MultiIndex.from_arrays([events["symbol"], on.astype(closes.index.dtypes["date"])])
            return pd.Series(closes.reindex(wanted).to_numpy(), index=events.index)

        return looking_at(high=high)

    leak = check(made, history(), bars(), instants=200, seed=SEED).leak
    assert leak
    assert leak.changed == "high"


def test_a_verdict_that_only_the_future_explains_is_found_without_any_feature() -> None:
    honest = looking_at(worth=value_usd)

    def sure_of_the_best(events: pd.DataFrame, as_of: datetime | None) -> pd.DataFrame:
        judged = honest(events, as_of)
        return judged.assign(decision=judged["decision"].mask(judged["worth"] < judged["worth"].max(), "skip"))

    leak = found(sure_of_the_best, 200).leak
    assert leak
    assert leak.changed == "decision"
    assert {leak.before, leak.after} <= {"buy", "sell", "skip"}


# -- what the check is worth


def test_a_strategy_that_later_facts_do_not_concern_is_not_said_to_be_checked() -> None:
    def never(events: pd.DataFrame, _: datetime | None) -> pd.DataFrame:
        return events.assign(decision="skip", rule="never", reason="never")

    with pytest.raises(BotError, match="only 0 of 3 instants were followed by something that matters"):
        found(never, 3)


def test_a_strategy_that_loses_rows_is_told_so() -> None:
    honest = looking_at(worth=value_usd)

    def lossy(events: pd.DataFrame, as_of: datetime | None) -> pd.DataFrame:
        return honest(events, as_of).iloc[1:]

    with pytest.raises(ConfigError, match="must return every row"):
        found(lossy)


# -- on the command line

PLANTED = """
import pandas as pd
from strategies.rules import Rule, follow, open_market

def feature(events, _):
    return (events["shares"] < events["shares"].max()).astype(float)

def strategy(kit):
    rule = Rule(name="small", passes=lambda events: events["small"] > 0, words="small", features={"small": feature})
    return follow(open_market, rule)
"""


def test_a_strategy_that_returns_nothing_is_told_so() -> None:
    with pytest.raises(
        ConfigError, match=r"^the strategy must return the events with its verdicts \(found NoneType\)$"
    ):
        check(lambda _: lambda *_: None, history(), instants=2)


def test_the_command_says_what_was_compared(capsys: pytest.CaptureFixture[str]) -> None:
    command("--instants", "2", "--rows", "1000", "--format", "json")
    report = json.loads(capsys.readouterr().out)
    assert {name: report[name] for name in ("strategy", "instants", "leak")} == {
        "strategy": "executives",
        "instants": 2,
        "leak": None,
    }
    assert report["rewritten"] > 0
    assert report["compared"] > 0


def test_the_command_fails_for_a_strategy_of_one_s_own_that_looks_ahead(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "planted_strategy.py").write_text(PLANTED)
    with pytest.raises(BotError, match="planted_strategy:strategy looks ahead: small of e-") as failure:
        command("--strategy", "planted_strategy:strategy", "--rows", "1000", "--format", "json")
    assert failure.value.exit_code == 1
    leak = json.loads(capsys.readouterr().out)["leak"]
    assert leak["changed"] == "small"
    assert len(leak["later"]) == 1


def test_the_command_reads_a_history_or_the_trades_to_make_it_of(tmp_path: Path) -> None:
    events = made_up(seed=SEED, rows=1000, years=4)
    events.to_parquet(tmp_path / "events.parquet")
    again = read(tmp_path / "events.parquet")
    pd.testing.assert_frame_equal(again, events)
    as_filings(events).to_parquet(tmp_path / "trades.parquet")
    assert len(read(tmp_path / "trades.parquet")) == len(events)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (pd.DataFrame({"key": ["1"]}), "holds no trades table: the trades table lacks the column 'source'"),
        (made_up(seed=1, rows=5).drop(columns="superseded_at"), "has events without 'superseded_at'"),
    ],
)
def test_a_file_that_is_no_history_is_refused_in_one_sentence(
    table: pd.DataFrame, problem: str, tmp_path: Path
) -> None:
    table.to_parquet(tmp_path / "odd.parquet")
    with pytest.raises(ConfigError, match=problem):
        read(tmp_path / "odd.parquet")
    (tmp_path / "odd.parquet").write_text("no Parquet")
    with pytest.raises(ConfigError, match="cannot be read as a Parquet file"):
        read(tmp_path / "odd.parquet")


def command(*arguments: str) -> None:
    cli.app(["lookahead-check", *arguments], standalone_mode=False)


SAME_DAY = """
from bot.plugins import daily_figures
from strategies.rules import Rule, follow
from tests.test_lookahead import close_of_the_day

def strategy(kit):
    close = close_of_the_day(daily_figures(kit, "bars"))
    features = {"close": close}
    return follow(Rule(name="dear", passes=lambda events: events["close"] > 20, words="{close}", features=features))
"""


def test_the_command_changes_the_figures_that_a_strategy_of_its_own_looks_at(tmp_path: Path) -> None:
    (tmp_path / "dear.py").write_text(SAME_DAY)
    with pytest.raises(BotError, match="dear:strategy looks ahead: close of "):
        command("--strategy", "dear:strategy", "--instants", "200", "--rows", "3000", "--seed", str(SEED))


def test_the_command_looks_at_the_figures_of_the_settings_beside_a_history_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history().to_parquet(tmp_path / "events.parquet")
    asked = ("--strategy", "small_caps", "--history", "events.parquet", "--instants", "3")
    with pytest.raises(ConfigError, match="the strategy needs sizes, and BOT_SIZES is empty"):
        command(*asked)
    daily = bars().assign(market_cap=1e9)
    for name, numbers in (("bars", ["close", "volume"]), ("sizes", ["market_cap"])):
        daily[["date", "symbol", *numbers]].to_csv(f"{name}.csv", index=False)
        monkeypatch.setenv(f"BOT_{name.upper()}", f"files:{name}.csv")
    command(*asked)


@pytest.mark.parametrize("strategy", sorted(installed("strategies")))
def test_no_strategy_that_is_installed_looks_ahead(strategy: str) -> None:
    command("--strategy", strategy, "--instants", str(INSTANTS), "--rows", "3000")
