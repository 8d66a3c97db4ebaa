"""The fictional market: well-formed identifiers, one story on every day, and nothing that really exists."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.demo.companies import SHARES
from bot.demo.finviz import LAYOUTS, list_page
from bot.demo.market import DAYS_BEFORE, VENUE, market, trading_day
from bot.events import as_table, find_events
from bot.instruments.identifiers import cusip_of, is_figi, isin_of, symbol_of
from bot.model import NEW_YORK
from bot.sessions import Sessions
from bot.sources.finviz import parse
from strategies.rules import filed_within, follow, known_within, more_than, officers_only, open_market

DAYS = [
    date(2026, 3, 2),
    date(2026, 3, 9),  # the clocks have changed over the weekend
    date(2026, 1, 2),  # its news are of the year before
    date(2025, 11, 28),  # half a day after Thanksgiving
    date(2024, 9, 3),  # after Labor Day
]


def test_every_identifier_has_its_check_digit_and_is_unique() -> None:
    assert all(symbol_of(share.ticker) == share.ticker for share in SHARES)
    assert all(cusip_of(share.cusip) and isin_of(share.isin) for share in SHARES)
    figis = [share.figi(kind) for share in SHARES for kind in "LS"]
    assert all(map(is_figi, figis))
    assert len({*figis, *(share.isin for share in SHARES)}) == 3 * len(SHARES)


def test_a_day_without_a_session_has_no_market() -> None:
    with pytest.raises(ValueError, match="2026-02-28 is no trading day"):
        market(date(2026, 2, 28))


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_news_are_out_before_the_open_and_on_the_evening(day: date) -> None:
    sessions = Sessions(VENUE)
    today = market(day)
    assert market(day) == today
    opens, closes = sessions.on(day).opens, sessions.on(day).closes
    assert not [line for line in today.lines if opens <= line.filed_at <= closes]
    before = today.public(opens)
    assert before == sorted(before, key=lambda line: line.filed_at, reverse=True)
    assert {sessions.entry(line.filed_at).day for line in before if "Hollingberry" not in line.owner} == {day}
    assert [line.owner for line in today.lines if line not in before] == ["Tremblay-Osei Kwame", "Yarrow Odile"]


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_no_line_contradicts_itself(day: date) -> None:
    for line in market(day).lines:
        filed_on = line.filed_at.astimezone(NEW_YORK).date()
        assert line.traded_on <= filed_on
        assert line.accession[11:13] == f"{filed_on:%y}"
        assert line.value in {line.price * line.shares, 10 * line.price * line.shares}
        assert (line.shares_after is None) == (line.transaction == "Proposed Sale")


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_open_is_never_the_close_before(day: date) -> None:
    sessions = Sessions(VENUE)
    bars = {(bar.symbol, bar.on): bar for bar in market(day).bars}
    compared = 0
    for (symbol, on), bar in bars.items():
        earlier = bars.get((symbol, trading_day(sessions, on, 1)))
        if earlier:
            compared += 1
            assert bar.open != earlier.close
    assert compared > 8 * 18
    assert min(on for _, on in bars) - day >= timedelta(days=-DAYS_BEFORE)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_strategy_judges_alike_on_every_day(day: date) -> None:
    sessions = Sessions(VENUE)
    now = sessions.on(day).opens - timedelta(hours=1)
    events = as_table(find_events(parse(list_page(market(day).public(now), LAYOUTS["2026"]), now)))
    strategy = follow(
        open_market,
        officers_only,
        more_than("1%"),
        known_within(sessions=3, venue=sessions),
        filed_within(days=5),
    )
    judged = strategy(events, now)
    refused: dict[str, set[str]] = {}
    for row in judged.itertuples():
        refused.setdefault(str(row.rule), set()).add(str(row.owner).split()[0])
    assert refused.pop("") == {
        "Okafor", "LINDQVIST", "Abernethy-Vasquez", "Penhallow", "Nakagawa-Birch", "Sorrel", "Dunmore", "Grimshaw",
        "Tanaka-Wolfe", "Vantongeren", "Islay", "Castellane", "Oyelaran", "Halvorsen-Diaz", "Ashgrove", "Quist",
        "Dragomir",
    }  # fmt: skip
    assert refused == {
        "open_market": {"Eastaugh", "Brannigan", "Stone-Achterberg"},
        "officers_only": {"Ferreira-Oake", "Cobalt", "Marchetti"},
        "more_than": {"Whitlock", "Eastaugh"},
        "known_within": {"Hollingberry"},
        "filed_within": {"Ravensdale"},
    }
    assert list(judged[judged["quarantine"].notna()]["owner"]) == ["Halvorsen-Diaz Ilse"]


@pytest.mark.corpus
def test_no_ticker_and_no_company_is_real(corpus: Path) -> None:
    files = sorted((corpus / "edgar" / "json").glob("company_tickers*.json"))
    content = [json.loads(file.read_text()) for file in files]
    real = [row for each in content for row in (each.values() if isinstance(each, dict) else each)]
    known = [(row["ticker"], row["title"].upper()) for row in real if isinstance(row, dict) and "ticker" in row]
    assert len(known) > 5000
    tickers = {ticker for ticker, _ in known}
    for share in SHARES:
        stem = share.ticker.split("-")[0]
        assert not {ticker for ticker in tickers if ticker.split("-")[0] == stem}
        first = share.company.upper().split()[0]
        assert first == "NORTHWIND" or not [title for _, title in known if first in title.split()]
