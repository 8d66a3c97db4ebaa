"""What several sources tell of one event: who must confirm it, and what happens when they differ."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo import finviz as finviz_pages
from bot.demo import openinsider as openinsider_pages
from bot.demo.market import market
from bot.engine import overruled
from bot.explain import explain
from bot.freshness import Freshness
from bot.model import InsiderTrade, Side, Skip
from bot.sessions import Sessions
from bot.sources import finviz, openinsider
from bot.store.database import open_database
from bot.trades import to_records
from bot.witnesses import PATIENCE, disputes, unconfirmed
from tests.builders import FEW, KNOWN_AT, NOW, decision, event, table, trade
from tests.fakes import Shows
from tests.house import MORNING, House

FILING = "0009995001-26-000003"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    database = open_database(f"sqlite:///{tmp_path}/bot.db")
    yield House(database)
    database.close()


def shown(source: str, **changes: Any) -> InsiderTrade:
    """The purchase as a web table shows it."""
    return trade(**({"source": source, "accession": FILING, "key": f"{FILING}:web"} | changes))


def filed(number: int = 1, **changes: Any) -> InsiderTrade:
    """A line of the filing itself."""
    facts = {
        "source": "edgar",
        "accession": FILING,
        "issuer_cik": "9999000001",
        "owner_cik": "9999500001",
        "key": f"{FILING}:9999000001:nt:{number}",
        "security": "Common Stock",
        "is_derivative": False,
        "ownership": "D",
        "is_officer": True,
    }
    return trade(**(facts | changes))


def run(house: House, now: datetime = MORNING, **changes: Any) -> dict[str, str]:
    """One cycle, and what stands of every owner afterwards: the rule that refused, or buy/sell."""
    house.time.now = now
    replace(house.bot(), **changes).run()
    return house.rules()


def reason(house: House) -> str:
    (row,) = house.store.decided()
    return str(row["reason"])


# -- the primary source


def test_what_the_primary_source_does_not_show_is_not_followed_yet(house: House) -> None:
    house.source.rows = [shown("openinsider")]
    assert run(house, primary="edgar") == {"Okafor Adaeze M": "unconfirmed"}
    assert reason(house) == "only openinsider shows it so far, and edgar, the primary source, does not"
    assert house.orders() == []


def test_it_is_followed_by_the_primary_source_s_numbers_once_it_is_shown_there(house: House) -> None:
    house.source.rows = [shown("openinsider", shares_after=None)]
    run(house, primary="edgar")
    house.source.rows.append(filed(shares=Decimal(1001)))
    house.time.now = MORNING + timedelta(hours=1)
    plan, orders = replace(house.bot(), primary="edgar").run()
    (decision,) = plan.decisions
    assert decision.event.sources == ("edgar", "openinsider")
    assert decision.event.trade.shares == 1001
    assert [order.symbol for order in orders] == ["NWRB"]
    assert run(house, MORNING + timedelta(hours=2), primary="edgar")
    assert len(house.store.orders()) == 1


def test_what_the_primary_source_shows_alone_is_followed(house: House) -> None:
    house.source.rows = [filed()]
    assert run(house, primary="edgar") == {"Okafor Adaeze M": "buy"}


def test_without_a_primary_source_every_witness_is_enough(house: House) -> None:
    house.source.rows = [shown("openinsider")]
    assert run(house) == {"Okafor Adaeze M": "buy"}


def test_any_source_can_be_the_primary_one(house: House) -> None:
    house.source.rows = [shown("openinsider"), shown("finviz", owner="Brandt Ilse", accession=None, key="other")]
    assert run(house, primary="finviz") == {"Okafor Adaeze M": "unconfirmed", "Brandt Ilse": "buy"}


def test_all_the_witnesses_are_named() -> None:
    skip = unconfirmed(event(sources=("finviz", "openinsider")), "edgar", NOW)
    assert skip
    assert skip.reason.startswith("only finviz and openinsider show it so far")


def test_what_is_no_filing_with_the_sec_says_how_to_follow_it_all_the_same() -> None:
    hint = "; to follow what it will never show, write BOT_PRIMARY=none"
    abroad = unconfirmed(event(sources=("rest",), trade=trade(accession=None, currency="EUR")), "edgar", NOW)
    filed_here = unconfirmed(event(sources=("rest",), trade=trade(accession=FILING)), "edgar", NOW)
    assert abroad
    assert filed_here
    assert abroad.reason == "only rest shows it so far, and edgar, the primary source, does not" + hint
    assert hint not in filed_here.reason


def test_a_refusal_by_a_web_page_s_facts_is_not_final_while_the_filing_may_still_come(house: House) -> None:
    """A page that cuts a title, or knows one line of the holdings, must not settle what the filing will tell."""
    house.source.rows = [shown("openinsider", title="See Remarks", is_officer=None)]
    assert run(house, primary="edgar") == {"Okafor Adaeze M": "officers_only"}
    house.source.rows.append(filed())
    run(house, MORNING + timedelta(hours=1), primary="edgar")
    assert house.orders() == [("buy", "NWRB", 25, "working")]


def test_a_doubt_about_a_web_page_s_row_is_not_final_while_the_filing_may_still_come(house: House) -> None:
    house.source.rows = [shown("openinsider", acquired=None)]
    assert run(house, primary="edgar") == {"Okafor Adaeze M": "quarantined"}
    house.source.rows.append(filed())
    run(house, MORNING + timedelta(hours=1), primary="edgar")
    assert house.orders() == [("buy", "NWRB", 25, "working")]


def test_without_a_primary_source_a_refusal_is_final(house: House) -> None:
    house.source.rows = [shown("openinsider", title="See Remarks", is_officer=None)]
    run(house)
    house.source.rows.append(filed())
    run(house, MORNING + timedelta(hours=1))
    assert house.orders() == []


def test_what_came_while_the_bot_was_halted_is_not_followed_later(house: House) -> None:
    house.store.halt("by hand", MORNING)
    other = {"owner": "Brandt Ilse", "accession": "0009995001-26-000004"}
    house.source.rows = [shown("openinsider"), shown("openinsider", key="other", is_officer=None, **other)]
    assert run(house, primary="edgar") == {"Okafor Adaeze M": "halted", "Brandt Ilse": "officers_only"}
    house.store.halt(None, MORNING)
    house.source.rows += [filed(), filed(key=f"{other['accession']}:9999000001:nt:1", owner_cik="2", **other)]
    run(house, MORNING + timedelta(hours=1), primary="edgar")
    assert house.orders() == []


@given(st.timedeltas(timedelta(0), timedelta(days=30)))
def test_the_primary_source_is_waited_for_a_week(age: timedelta) -> None:
    skip = unconfirmed(event(sources=("finviz",)), "edgar", KNOWN_AT + age)
    assert skip
    assert skip.final is (age > PATIENCE)


def test_what_never_became_public_is_not_waited_for() -> None:
    skip = unconfirmed(event(sources=("finviz",), trade=trade(known_at=None)), "edgar", NOW)
    assert skip
    assert skip.final


@pytest.mark.parametrize("halted", ["by hand", None])
@pytest.mark.parametrize("trade_from", [None, NOW])
@pytest.mark.parametrize("quarantine", ["it cannot be true", None])
def test_a_missing_confirmation_never_lets_through_what_is_refused_without_it(
    halted: str | None, trade_from: datetime | None, quarantine: str | None
) -> None:
    asked = decision(event=event(sources=("finviz",), quarantine=quarantine))
    missing = unconfirmed(asked.event, "edgar", NOW)
    refused, alone = overruled(asked, trade_from, halted, missing), overruled(asked, trade_from, halted, None)
    assert refused
    assert missing
    assert refused.rule == (alone or missing).rule


# -- one poll, some sources


def test_a_poll_of_the_primary_source_follows_what_it_shows(house: House) -> None:
    other = Shows(shown("openinsider", owner="Brandt Ilse", accession="2"), name="openinsider")
    edgar = Shows(filed(), name="edgar")
    polled = replace(house.bot(), sources=[edgar], primary="edgar")
    assert len(polled.run()[1]) == 1
    full = replace(house.bot(), sources=[edgar, other], primary="edgar")
    full.run()
    assert house.rules() == {"Okafor Adaeze M": "buy", "Brandt Ilse": "unconfirmed"}


def test_a_poll_does_not_take_the_others_for_silent(house: House) -> None:
    days = [date(2026, 2, 23) + timedelta(days=n) for n in range(5)]
    rows = [trade(key=str(n), filed_on=day, owner=f"P{n}") for n, day in enumerate(days * 5)]
    notes: dict[str, str] = {}

    class Memory:
        get = staticmethod(notes.get)
        put = staticmethod(notes.__setitem__)

    silent, lively = Shows(*rows, name="silent"), Shows(*rows, trade(key="new"), name="lively")
    bot = replace(house.bot(looking=True), freshness=Freshness(Memory(), Sessions("XNYS")))
    assert replace(bot, sources=[lively]).plan().degraded == ()
    (item,) = replace(bot, sources=[lively, silent]).plan().degraded
    assert (item.name, item.reason) == (
        "silent",
        "nothing filed on 2026-03-02, where 5 rows a day are usual; the newest row was filed on 2026-02-27",
    )
    assert set(notes) == {"freshness:lively", "freshness:silent"}


# -- what they tell differently


def tell(*rows: InsiderTrade) -> set[str]:
    return set(disputes(table(*rows)).values())


def test_what_sources_tell_alike_is_no_dispute() -> None:
    assert tell(shown("finviz"), shown("openinsider"), filed()) == set()
    assert tell(shown("finviz")) == set()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shares": Decimal(10_000)}, "10,000 shares bought at 40.00"),
        ({"price": Decimal(41)}, "1,000 shares bought at 41.00"),
        ({"code": "S"}, "1,000 shares sold at 40.00"),
    ],
)
def test_another_number_of_shares_price_or_side_is_told_beside_the_filing_s(change: dict[str, Any], words: str) -> None:
    expected = f"edgar tells of 1,000 shares bought at 40.00, finviz tells of {words}"
    assert tell(shown("finviz", **change), filed()) == {expected}
    assert tell(filed(), shown("finviz", **change), shown("openinsider")) == {expected}


@FEW
@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.decimals("0.01", "900", places=4)), min_size=1, max_size=8),
    st.booleans(),
)
def test_rounding_and_summing_up_are_no_dispute(lines: list[tuple[int, Decimal]], is_merged: bool) -> None:
    exact = [filed(n, shares=Decimal(s), price=p) for n, (s, p) in enumerate(lines, start=1)]
    shares = sum(s for s, _ in lines)
    average = sum((s * p for s, p in lines), Decimal(0)) / shares
    cent = Decimal("0.01")
    if is_merged:
        web = [shown("openinsider", shares=Decimal(shares), price=average.quantize(cent))]
    else:
        web = [
            shown("finviz", key=f"w{n}", shares=Decimal(s), price=p.quantize(cent)) for n, (s, p) in enumerate(lines)
        ]
    assert tell(*exact, *web) == set()


def test_each_line_may_lose_a_part_of_a_share() -> None:
    exact = [filed(n, shares=Decimal("100.9"), shares_after=Decimal(n)) for n in range(4)]
    cut = [shown("finviz", key=str(n), shares=Decimal(100), shares_after=Decimal(n)) for n in range(4)]
    assert tell(*exact, *cut) == set()
    assert tell(*exact, *cut[1:], shown("finviz", key="0", shares=Decimal(98)))


def test_the_filing_is_told_first_whatever_its_source_is_called() -> None:
    (words,) = tell(filed(source="the sec"), shown("finviz", shares=Decimal(7)))
    assert words.startswith("the sec tells of 1,000 shares bought")


@FEW
@given(st.integers(1000, 10**6), st.decimals("1", "900", places=2), st.sampled_from(["shares", "price"]))
def test_a_number_that_is_a_tenth_off_is_a_dispute(shares: int, price: Decimal, name: str) -> None:
    exact = filed(shares=Decimal(shares), price=price)
    facts = {"shares": Decimal(shares), "price": price}
    wrong = shown("openinsider", **(facts | {name: facts[name] * Decimal("1.1")}))
    assert tell(exact, wrong)
    assert tell(wrong._replace(source="finviz"), shown("openinsider", **facts))


def test_a_missing_number_is_none_to_differ_from() -> None:
    assert tell(shown("finviz", price=None, value=None), filed(price=Decimal(41))) == set()
    assert tell(shown("finviz", shares=None, value=None), filed(price=Decimal(41))) == set()
    words = "finviz tells of an unknown number of shares bought, openinsider tells of 1,000 shares sold at 40.00"
    assert tell(shown("finviz", shares=None, value=None), shown("openinsider", code="S")) == {words}


def test_a_code_that_only_one_of_them_shows_is_no_dispute() -> None:
    """Some pages show purchases only."""
    assert tell(filed(), filed(2, code="S", shares=Decimal(5)), shown("openinsider")) == set()


def test_what_a_page_lists_under_several_tickers_and_owners_is_counted_once() -> None:
    joint = {"owner": "Brill Holdings LP", "key": "joint"}
    rows = [shown("finviz"), shown("finviz", symbol="NWRB-A"), shown("finviz", **joint)]
    assert tell(*rows, filed()) == set()


def test_derivatives_and_other_filings_are_other_lines() -> None:
    option = filed(9, is_derivative=True, shares=Decimal(77), key=f"{FILING}:9999000001:dt:1")
    assert tell(filed(), option, shown("finviz")) == set()
    assert tell(filed(), shown("finviz", accession="0009995001-26-000004", shares=Decimal(7))) == set()


def test_rows_without_a_number_are_compared_by_owner_ticker_and_day() -> None:
    alone = shown("finviz", accession=None, owner="Adaeze M. Okafor", shares=Decimal(700))
    words = "finviz tells of 700 shares bought at 40.00, openinsider tells of 1,000 shares bought at 40.00"
    assert tell(alone, shown("openinsider")) == {words}
    assert tell(alone, shown("openinsider", accession=None, shares=Decimal(700))) == set()
    (words,) = tell(alone, filed())
    assert words == "edgar tells of 1,000 shares bought at 40.00, finviz tells of 700 shares bought at 40.00"


@pytest.mark.parametrize(
    "other",
    [{"owner": "Okafor Adaeze R"}, {"symbol": "HZLW"}, {"filed_on": date(2026, 3, 3)}, {"owner": None}],
)
def test_rows_without_a_number_of_another_owner_ticker_or_day_are_others(other: dict[str, Any]) -> None:
    assert tell(shown("finviz", accession=None, shares=Decimal(700), **other), shown("openinsider")) == set()


def test_several_rows_without_a_number_may_be_summed_up_on_another_page() -> None:
    tranches = [shown("finviz", accession=None, key=str(n), shares=Decimal(n)) for n in (400, 600)]
    assert tell(*tranches, shown("openinsider")) == set()
    assert tell(*tranches[:1], shown("openinsider"))


@pytest.mark.parametrize("change", [{"shares": Decimal(1300)}, {"price": Decimal(44)}, {"code": "S"}])
def test_nothing_is_followed_where_pages_differ_and_one_lacks_the_number(house: House, change: dict[str, Any]) -> None:
    unnumbered = {"accession": None, "key": "unnumbered"}
    house.source.rows = [shown("openinsider"), shown("rest", **(unnumbered | change))]
    assert run(house) == {"Okafor Adaeze M": "quarantined"}
    assert {row["rule"] for row in house.store.decided()} == {"quarantined"}
    assert house.orders() == []
    house.source.rows[1] = shown("rest", **unnumbered)
    assert [order.symbol for order in house.run(MORNING + timedelta(hours=1))] == ["NWRB"]


def test_the_filing_counts_and_the_page_that_differs_is_told(house: House) -> None:
    house.source.rows = [filed(), shown("finviz", shares=Decimal(10_000))]
    assert run(house, primary="edgar") == {"Okafor Adaeze M": "buy"}
    (row,) = house.store.decided()
    expected = (
        "edgar tells of 1,000 shares bought at 40.00, finviz tells of 10,000 shares bought at 40.00; the filing counts"
    )
    assert row["evidence"]["dispute"] == expected
    assert row["shares"] == "1000"
    assert f"  dispute     {expected}" in explain(row, None, [])


def test_where_two_pages_differ_and_nobody_has_read_the_filing_nothing_is_followed(house: House) -> None:
    house.source.rows = [shown("finviz"), shown("openinsider", price=Decimal(44))]
    assert run(house) == {"Okafor Adaeze M": "quarantined"}
    assert reason(house).startswith("finviz tells of 1,000 shares bought at 40.00, openinsider tells of 1,000 shares")
    house.source.rows[1] = shown("openinsider")
    assert run(house, MORNING + timedelta(hours=1)) == {"Okafor Adaeze M": "buy"}


def test_two_pages_that_differ_about_what_is_refused_anyway_change_nothing(house: House) -> None:
    house.source.rows = [
        shown("finviz", is_officer=False),
        shown("openinsider", is_officer=False, price=Decimal(44)),
    ]
    assert run(house) == {"Okafor Adaeze M": "officers_only"}


def test_two_sites_of_one_market_are_at_one() -> None:
    now = datetime(2026, 3, 2, 13, tzinfo=UTC)
    lines = market(date(2026, 3, 2)).public(now)
    one = finviz.parse(finviz_pages.list_page(lines, finviz_pages.LAYOUTS["2026"]), now)
    other = openinsider.parse(openinsider_pages.list_page(lines), now)
    rows = [*to_records(one), *to_records(other)]
    assert len({row.accession for row in rows}) > 20
    assert tell(*rows) == set()


def test_a_signal_keeps_its_side(house: House) -> None:
    house.source.rows = [filed(), shown("finviz", code="S", key="sold")]
    (decision,) = replace(house.bot(), primary="edgar").plan().decisions
    assert not isinstance(decision.verdict, Skip)
    assert decision.verdict.side is Side.BUY
