import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from bot.events import as_table, find_events
from bot.http import Http
from bot.plugins import Kit, find
from bot.ports import Strategy
from bot.settings import Settings
from bot.sources.files import Files
from strategies.executives import strategy
from tests.builders import NOW, events, trade

# The titles on the tutorial's page, read by eye; whoever is in neither list would fail the test.
OFFICERS = {
    "CAO and PFO and AO",
    "CFO and Treasurer",
    "COO/CFO",
    "CVP, Critical Care",
    "Chairman & CEO",
    "Chairman and Co-CEO",
    "Chairman, President and CEO",
    "Chief Commercial Officer",
    "Chief Executive Officer",
    "Chief Financial Officer",
    "Chief Information Officer",
    "Chief Legal Officer",
    "Chief Medical Officer",
    "Chief Operating Officer",
    "Chief Revenue Officer",
    "Chief Risk Officer",
    "Chief Scientific Officer",
    "EVP",
    "EVP & CHIEF MARKETING OFFICER",
    "EVP and CFO",
    "EVP and Chief Brand Officer",
    "EVP and Chief S&EA Officer",
    "EVP, CLO, CPO and Secretary",
    "EVP, Chief Financial Officer",
    "EVP, Chief Global Dev. Ofc.",
    "EVP, Chief Information Officer",
    "EVP, Chief Operating Officer",
    "EVP, Global Operations",
    "EVP, US OPERATIONS",
    "Executive VP",
    "Executive Vice President",
    "General Counsel",
    "President",
    "President & CEO",
    "President & COO, CEO CIB",
    "President, CEO",
    "President, Water & Protection",
    "SEVP & Chief Financial Officer",
    "SVP & CHIEF ACCOUNTING OFFICER",
    "SVP, GC & CCO",
    "SVP, General Counsel",
    "Sr. VP, CAO & Corp. Controller",
    "VP, Corporate Development",
    "VP, Finance",
}
OTHERS = {"Director", "10% Owner", "Portfolio Manager"}

BOUGHT = ["ASO"]
SOLD = [
    "AMC",
    "AMC",
    "AMC",
    "DDOG",
    "DKS",
    "MU",
    "NDAQ",
    "NEM",
    "PED",
    "PED",
    "PED",
    "PFSI",
    "PINS",
    "S",
    "S",
    "S",
    "SMTC",
    "TRTN",
    "VLDR",
    "ZUO",
]
SOLD_LONG_AGO = ["SURF", "SURF", "SURF", "SURF", "SURF", "VYGR"]


def executives(**changes: object) -> Strategy:
    settings = Settings.model_validate(changes)
    return strategy(Kit(settings=settings, clock=lambda: NOW, http=Http(user_agent="tests")))


def test_the_strategy_comes_in_by_the_plug_in_door():
    assert find("strategies", "executives") == (strategy, "")


@pytest.mark.parametrize(
    ("settings", "decision"),
    [
        ({}, "buy"),
        ({"more_than": "10%"}, "skip"),
        ({"more_than": "9.99%"}, "buy"),
        ({"more_than": "9.99%", "holdings_base": "after"}, "skip"),  # 1,000 of the 11,000 held after
        ({"filed_within": 1}, "buy"),
        ({"venue": "XETR"}, "buy"),
    ],
    ids=str,
)
def test_the_thresholds_come_from_the_settings(settings, decision):
    judged = executives(**settings)(events(trade()), NOW)
    assert judged["decision"].tolist() == [decision]


def test_how_long_news_is_fresh_comes_from_the_settings():
    later = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # the second session since
    assert executives(known_within=1)(events(trade()), later)["rule"].tolist() == ["known_within"]
    assert executives(known_within=2)(events(trade()), later)["decision"].tolist() == ["buy"]


def test_its_rules_are_asked_in_their_order():
    judged = executives()(events(), NOW)
    assert list(judged.columns[-6:]) == [
        "fraction_of_holdings",
        "sessions_since_known",
        "days_to_file",
        "decision",
        "rule",
        "reason",
    ]


# The tutorial's page of 14 January 2022, decided on the Monday after, against a count by hand.

ROWS = "finviz/lemon_markets_transactions_2022-01-17.csv"


@pytest.fixture(scope="module")
def rows(corpus: Path) -> list[dict[str, str]]:
    with (corpus / ROWS).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def judged(corpus: Path) -> pd.DataFrame:
    now = datetime(2022, 1, 17, 10, 30, tzinfo=UTC)  # a holiday in New York
    return executives()(as_table(find_events(Files(corpus / ROWS).fetch(now))), now)


@pytest.mark.corpus
def test_every_row_of_the_tutorial_is_in_an_event(rows, judged):
    keys = [key for keys in judged["keys"] for key in keys]
    assert len(rows) == len(keys) == len(set(keys)) == 111
    acts: dict[tuple[str, ...], Decimal] = {}
    for row in rows:
        act = row["Ticker"], row["Owner"], {"Buy": "P", "Sale": "S", "Option Exercise": "M"}[row["Transaction"]]
        acts[act] = acts.get(act, Decimal(0)) + Decimal(row["Number of Shares"])
    found = zip(judged["symbol"], judged["owner"], judged["code"], judged["shares"], strict=True)
    assert {(symbol, owner, code): shares for symbol, owner, code, shares in found} == acts
    assert len(judged) == len(acts) == 92
    assert judged["quarantine"].isna().all()


@pytest.mark.corpus
def test_the_tutorial_s_officers_are_those_one_reads_in_its_titles(rows, judged):
    assert {row["Relationship"] for row in rows} == OFFICERS | OTHERS
    assert set(judged.loc[judged["is_officer"].fillna(value=False), "title"]) == OFFICERS


def _traded(rows: list[dict[str, str]], kind: str) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        if row["Transaction"] == kind and row["Relationship"] in OFFICERS:
            who = row["Ticker"], row["Owner"]
            found[who] = found.get(who, Decimal(0)) + Decimal(row["Number of Shares"])
    return found


@pytest.mark.corpus
def test_the_tutorial_s_sales_of_more_than_one_per_cent_are_those_of_a_count_by_hand(rows, judged):
    sold, exercised = _traded(rows, "Sale"), _traded(rows, "Option Exercise")
    left = {(row["Ticker"], row["Owner"]): Decimal(row["Total Shares"]) for row in rows if row["Transaction"] == "Sale"}
    own = {who: max(Decimal(0), shares - exercised.get(who, Decimal(0))) for who, shares in sold.items()}
    followed = {who for who, shares in own.items() if shares > (left[who] + shares) / 100}
    assert sorted(symbol for symbol, _ in followed) == sorted(SOLD + SOLD_LONG_AGO)

    sales = judged[(judged["side"] == "sell") & judged["title"].isin(OFFICERS)]
    passed = sales[~sales["rule"].isin(["more_than", "officers_only"])]
    assert set(zip(passed["symbol"], passed["owner"], strict=True)) == followed
    assert len(sales) == len(sold)


@pytest.mark.corpus
def test_the_tutorial_s_purchases_by_officers_are_those_of_a_count_by_hand(rows, judged):
    bought = [row for row in rows if row["Transaction"] == "Buy" and row["Relationship"] in OFFICERS]
    assert [row["Ticker"] for row in bought] == BOUGHT
    shares, after = Decimal(bought[0]["Number of Shares"]), Decimal(bought[0]["Total Shares"])
    event = judged[(judged["side"] == "buy") & judged["title"].isin(OFFICERS)].iloc[0]
    assert event["held_before"] == after - shares
    assert event["fraction_of_holdings"] == pytest.approx(float(shares / (after - shares)))


@pytest.mark.corpus
def test_what_is_followed_of_the_tutorial_is_written_down_here(judged):
    assert sorted(judged.loc[judged["decision"] == "buy", "symbol"]) == BOUGHT
    assert sorted(judged.loc[judged["decision"] == "sell", "symbol"]) == SOLD
    assert sorted(judged.loc[judged["rule"] == "filed_within", "symbol"]) == SOLD_LONG_AGO


@pytest.mark.corpus
def test_what_the_tutorial_itself_would_have_missed_is_followed(judged):
    """Its list of titles had neither of these, and its division skipped whoever had sold all."""
    sold_all = judged[(judged["decision"] == "sell") & (judged["shares_after"] == 0)]
    assert sorted(sold_all["symbol"]) == ["AMC", "S"]
    assert sold_all["fraction_of_holdings"].tolist() == [1, 1]
    assert {"President, CEO", "Chairman & CEO"} <= set(judged.loc[judged["decision"] == "sell", "title"])


@pytest.mark.corpus
def test_dates_without_a_year_are_those_before_the_page(judged):
    months_ago = judged[judged["symbol"] == "SURF"]
    assert set(months_ago["traded_on"].dt.date) == {date(2021, 7, 21)}
    assert set(judged["filed_on"].dt.date) == {date(2022, 1, 14)}
