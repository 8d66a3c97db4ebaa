"""FinViz's stand-in: three layouts that say the same, filters, redirects, and misbehaviour on demand."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from bot.demo.companies import SHARES, Share
from bot.demo.finviz import LAYOUTS, FinVizServer, Layout, list_page, quote_page
from bot.demo.market import Line, market
from bot.demo.pages import Failure
from bot.errors import SourceError
from bot.http import Http
from bot.model import NEW_YORK
from bot.plugins import Kit
from bot.ports import Source
from bot.settings import Settings
from bot.sources import finviz
from bot.sources.finviz import parse

NOW = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
CODES = {"Buy": "P", "Sale": "S", "Option Exercise": "M", "Proposed Sale": None}

layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return market(date(2026, 3, 2)).public(NOW)


@pytest.fixture(scope="module")
def server(lines: list[Line]) -> Iterator[FinVizServer]:
    with FinVizServer(lines) as running:
        yield running


def source(server: FinVizServer, *views: str, era: str = "") -> Source:
    settings = Settings(finviz_url=server.url + era, finviz_views=views or ("insidertrading?tc=7",))
    return finviz.source(Kit(settings=settings, clock=lambda: NOW, http=Http("insiderbot-test")))


def facts(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    names = ("symbol", "owner", "owner_cik", "title", "code", "traded_on", "known_at", "accession")
    numbers = ("price", "shares", "value", "shares_after")
    missing = table.astype(object).where(table.notna(), None)
    return [tuple(row) for row in missing[[*names, *numbers]].itertuples(index=False)]


def expected(lines: list[Line]) -> list[tuple[Any, ...]]:
    return [
        (
            share.ticker if share else None,
            line.owner[:30].rstrip(),
            str(line.owner_cik),
            line.title[:30].rstrip(),
            CODES[line.transaction],
            pd.Timestamp(line.traded_on),
            pd.Timestamp(line.filed_at),
            line.accession,
            float(line.price),
            float(line.shares),
            float(round(line.value)),
            None if line.shares_after is None else float(line.shares_after),
        )
        for line in lines
        for share in line.listed or (None,)
    ]


@layouts
def test_every_layout_says_what_was_filed(lines: list[Line], layout: Layout) -> None:
    assert facts(parse(list_page(lines, layout), NOW)) == expected(lines)


@layouts
@pytest.mark.parametrize("share", [share for share in SHARES if share.ticker in {"NWRB", "MRVB-B", "SMFP", "TDWX"}])
def test_a_quote_page_has_the_lines_of_its_company(lines: list[Line], layout: Layout, share: Share) -> None:
    own = [replace(line, listed=(share,)) for line in lines if share in line.listed]
    table = parse(quote_page(lines, layout, share), NOW)
    assert facts(table) == expected(own)
    assert set(table["issuer"]) == {share.company}


def test_only_the_latest_layout_names_the_company(lines: list[Line]) -> None:
    issuers = {era: parse(list_page(lines, layout), NOW)["issuer"].notna().sum() for era, layout in LAYOUTS.items()}
    assert issuers == {"2020": 0, "2023": 0, "2026": len(expected(lines)) - 1}  # one line has no ticker


@pytest.mark.parametrize(("view", "wanted"), [("1", {"Buy"}), ("2", {"Sale", "Proposed Sale"}), ("7", set(CODES))])
@layouts
def test_the_filter_chooses_the_lines(lines: list[Line], layout: Layout, view: str, wanted: set[str]) -> None:
    page = list_page(lines, layout, view)
    assert facts(parse(page, NOW)) == expected([line for line in lines if line.transaction in wanted])
    assert f'value="insidertrading?tc={view}" selected' in page


@pytest.mark.parametrize("era", ["", "/2020", "/2023", "/2026"])
def test_the_path_chooses_the_layout(lines: list[Line], server: FinVizServer, era: str) -> None:
    table = source(server, era=era).fetch(NOW)
    assert facts(table) == expected(lines)
    assert table["issuer"].notna().any() == (era in {"", "/2026"})
    assert server.journal[-1] == f"{era}/insidertrading?tc=7"


def test_the_old_address_leads_to_the_new_one(server: FinVizServer) -> None:
    table = source(server, "insidertrading.ashx?tc=1").fetch(NOW)
    assert set(table["code"]) == {"P"}
    assert server.journal[-2:] == ["/insidertrading.ashx?tc=1", "/insidertrading?tc=1"]


@pytest.mark.parametrize("address", ["quote.ashx?t=NWRB", "stock?t=NWRB"])
def test_both_addresses_of_a_quote_page_work(server: FinVizServer, address: str) -> None:
    assert set(source(server, address).fetch(NOW)["symbol"]) == {"NWRB"}


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
def test_misbehaviour_is_one_sentence_and_then_over(
    lines: list[Line], server: FinVizServer, failure: Failure, said: str
) -> None:
    server.fail_next(failure)
    with pytest.raises(SourceError, match=said) as caught:
        source(server).fetch(NOW)
    assert "\n" not in str(caught.value)
    assert len(source(server).fetch(NOW)) == len(expected(lines))


def test_an_unknown_company_and_an_unknown_page_are_not_found(server: FinVizServer) -> None:
    for view in ("quote.ashx?t=NOBODY", "screener"):
        with pytest.raises(SourceError, match="404"):
            source(server, view).fetch(NOW)


def test_the_page_can_be_replaced(lines: list[Line]) -> None:
    with FinVizServer(lines) as server:
        server.show(lines[:2])
        assert facts(source(server).fetch(NOW)) == expected(lines[:2])


@layouts
def test_foreign_text_stays_text(lines: list[Line], layout: Layout) -> None:
    line = replace(lines[0], owner='</td><script>"O\'Hara" & co', title='<b a="1">&amp;')
    assert facts(parse(list_page([line], layout), NOW)) == expected([line])


@profile(max_examples=20, deadline=None)
@given(
    layout=st.sampled_from(list(LAYOUTS.values())),
    quantity=st.integers(1, 10**8),
    cents=st.integers(1, 10**8),
    after=st.integers(0, 10**9),
    filed=st.datetimes(datetime(2024, 1, 1, 12), datetime(2026, 3, 2), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_whatever_numbers_are_served_come_back(
    layout: Layout, quantity: int, cents: int, after: int, filed: datetime
) -> None:
    lines = market(date(2026, 3, 2)).public(NOW)[:4]  # one line among several may look odd, a page of one may not
    price, filed_on = Decimal(cents) / 100, filed.astimezone(NEW_YORK).date()
    lines[0] = replace(
        lines[0],
        transaction="Sale",
        shares=quantity,
        price=price,
        value=price * quantity,
        shares_after=after,
        traded_on=filed_on.replace(day=1),
        filed_at=filed.replace(second=0, microsecond=0, fold=0),
        accession=f"9999500001-{filed_on:%y}-000001",
    )
    assert facts(parse(list_page(lines, layout), NOW))[0] == expected(lines)[0]
