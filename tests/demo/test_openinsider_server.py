"""OpenInsider's stand-in: what was filed, as that site sums it up, and misbehaviour on demand."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from bot.demo import finviz as finviz_demo
from bot.demo.market import Line, market
from bot.demo.openinsider import OpenInsiderServer, cluster_page, company_page, list_page
from bot.demo.pages import Failure
from bot.errors import SourceError
from bot.events import find_events
from bot.http import Http
from bot.model import Event
from bot.plugins import Kit
from bot.ports import Source
from bot.settings import Settings
from bot.sources import finviz, openinsider
from bot.trades import to_records

NOW = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
EVERYTHING = ("Buy", "Sale", "Option Exercise")


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return market(date(2026, 3, 2)).public(NOW)


@pytest.fixture(scope="module")
def server(lines: list[Line]) -> Iterator[OpenInsiderServer]:
    with OpenInsiderServer(lines) as running:
        yield running


def source(server: OpenInsiderServer, *views: str) -> Source:
    settings = Settings(openinsider_url=server.url, openinsider_views=views or ("latest-insider-trading",))
    return openinsider.source(Kit(settings=settings, clock=lambda: NOW, http=Http("insiderbot-test")))


def facts(trades: pd.DataFrame) -> set[tuple[Any, ...]]:
    return {
        (
            t.symbol,
            t.owner,
            t.owner_cik,
            t.code,
            t.traded_on,
            t.known_at,
            t.accession,
            t.price,
            t.shares,
            t.shares_after,
        )
        for t in to_records(trades)
    }


def expected(lines: list[Line]) -> set[tuple[Any, ...]]:
    codes = {"Buy": "P", "Sale": "S", "Option Exercise": "M"}
    return {
        (
            line.listed[0].ticker if line.listed else None, line.owner, str(line.owner_cik), codes[line.transaction],
            line.traded_on, line.filed_at, line.accession, line.price, Decimal(line.shares), Decimal(line.shares_after),
        )
        for line in lines
        if line.shares_after is not None
    }  # fmt: skip


def test_it_says_what_was_filed(lines: list[Line]) -> None:
    single = [line for line in lines if line.owner != "Dunmore Casimir"]  # he bought in three lines
    assert facts(openinsider.parse(list_page(single, EVERYTHING), NOW)) == expected(single)


def test_several_lines_of_a_filing_are_one_row(lines: list[Line]) -> None:
    bought = [line for line in lines if line.owner == "Dunmore Casimir"]
    (trade,) = to_records(openinsider.parse(list_page(bought), NOW))
    assert (trade.shares, trade.shares_after) == (sum(line.shares for line in bought), bought[-1].shares_after)
    assert trade.traded_on == min(line.traded_on for line in bought)
    assert trade.value == round(sum(line.value for line in bought))
    assert min(line.price for line in bought) <= (trade.price or 0) <= max(line.price for line in bought)


def test_letters_and_labels_tell_of_merged_rows_and_exercises(lines: list[Line]) -> None:
    page = list_page(lines, EVERYTHING)
    assert set(re.findall(r"<td align=right>([ADEM]*)</td><td align=right><div><a", page)) == {"", "M", "D"}
    assert set(re.findall(r"[A-Z] - [A-Z][\w+]+", page)) == {"P - Purchase", "S - Sale", "S - Sale+OE", "M - OptEx"}


def test_a_notice_of_a_sale_is_not_shown(lines: list[Line]) -> None:
    assert any(line.transaction == "Proposed Sale" for line in lines)
    assert "Stone-Achterberg Mira" not in list_page(lines, EVERYTHING)


@pytest.mark.parametrize(
    ("view", "codes"),
    [
        ("latest-insider-trading", {"P", "S"}),
        ("insider-purchases", {"P"}),
        ("insider-sales", {"S"}),
        ("screener?xp=1&xs=1&xm=1", {"P", "S", "M"}),
    ],
)
def test_the_address_chooses_the_rows(server: OpenInsiderServer, view: str, codes: set[str]) -> None:
    assert set(source(server, view).fetch(NOW)["code"]) == codes
    assert server.journal[-1] == f"/{view}"


def test_a_company_s_page_has_its_rows_without_its_name(lines: list[Line], server: OpenInsiderServer) -> None:
    table = source(server, "TDWX").fetch(NOW)
    assert facts(table) == expected([line for line in lines if line.listed and line.listed[0].ticker == "TDWX"])
    assert table["issuer"].isna().all()
    assert "Company" not in company_page(lines, "TDWX")


def test_a_page_of_companies_is_refused(lines: list[Line], server: OpenInsiderServer) -> None:
    assert "Industry" in cluster_page(lines)
    with pytest.raises(SourceError, match="rows grouped by company"):
        source(server, "latest-cluster-buys").fetch(NOW)


def test_an_unknown_page_is_not_found(server: OpenInsiderServer) -> None:
    with pytest.raises(SourceError, match="404"):
        source(server, "NOBODY").fetch(NOW)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ("challenge", "challenge"),
        ("empty", "found only its headings"),
        ("no_table", "found"),
        ("swapped", "moved"),
        ("cut", "part of one"),
        (404, "404"),
        (429, "too many requests"),
    ],
)
def test_misbehaviour_is_one_sentence_and_then_over(server: OpenInsiderServer, failure: Failure, said: str) -> None:
    server.fail_next(failure)
    with pytest.raises(SourceError, match=said) as caught:
        source(server).fetch(NOW)
    assert "\n" not in str(caught.value)
    assert len(source(server).fetch(NOW)) > 20


def test_the_page_can_be_replaced(lines: list[Line]) -> None:
    with OpenInsiderServer(lines) as server:
        server.show(lines[:2])
        assert facts(source(server).fetch(NOW)) == expected(lines[:2])


def test_foreign_text_stays_text(lines: list[Line]) -> None:
    line = replace(lines[0], owner='</td><script>"O\'Hara" & co', title='<b a="1">&amp;')
    (trade,) = to_records(openinsider.parse(list_page([line]), NOW))
    assert (trade.owner, trade.title) == (line.owner, line.title)


def test_both_sites_tell_of_the_same_events(lines: list[Line]) -> None:
    """As many as one site has alone, one for each, and none of them with a second reading of the person's title."""
    shown = finviz.parse(finviz_demo.list_page(lines, finviz_demo.LAYOUTS["2026"]), NOW)
    other = openinsider.parse(list_page(lines, EVERYTHING), NOW)
    alone, together = find_events(shown), find_events(pd.concat([shown, other], ignore_index=True))
    assert [event.key for event in together] == [event.key for event in alone]
    assert all(set(event.keys) <= set(both.keys) for event, both in zip(alone, together, strict=True))
    roles = {event.keys: event.trade.role for event in alone}
    assert all(roles.get(event.keys) in {None, event.trade.role} for event in find_events(other))


def test_an_event_that_one_site_has_told_is_recognised_at_the_other(lines: list[Line]) -> None:
    def names(events: list[Event]) -> set[str]:
        return {name for event in events for name in (event.key, *event.keys)}

    told = names(find_events(finviz.parse(finviz_demo.list_page(lines, finviz_demo.LAYOUTS["2026"]), NOW)))
    assert all(names([event]) & told for event in find_events(openinsider.parse(list_page(lines, EVERYTHING), NOW)))
