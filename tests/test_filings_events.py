"""Events from filings that were read themselves, alone and beside what web tables show of them."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import as_table, decided, find_events
from bot.filings import same_class
from bot.lines import is_filed, is_holding
from bot.model import Decision, Event, InsiderTrade, Role, Side
from bot.plausible import implausible
from bot.store.database import open_database
from bot.store.repository import Repository

from .builders import FEW, KNOWN_AT, NOW, decision, table, trade

ISSUER, OWNER, OTHER = "0009990001", "0009995001", "0009995002"
FIRST, SECOND, THIRD = "0009995001-26-000003", "0009995001-26-000004", "0009995002-26-000001"
DAY = date(2026, 3, 2)
LATER = KNOWN_AT + timedelta(days=2)
UNLINKED = "unlinked: a line of an amendment of the filing of 2026-03-02 that restates none of its lines"


def filed(number: int = 1, accession: str = FIRST, kind: str = "nt", **changes) -> InsiderTrade:
    """One line of a filing about Northwind Robotics as it was read itself; `kind` is its table and what it is."""
    facts = {
        "source": "edgar",
        "accession": accession,
        "key": f"{accession}:{changes.get('issuer_cik', ISSUER)}:{kind}:{number}",
        "issuer_cik": ISSUER,
        "owner_cik": OWNER,
        "security": "Common Stock",
        "is_derivative": kind.startswith("d"),
        "ownership": "D",
    }
    return trade(**(facts | changes))


def numbered(kind, **changes) -> InsiderTrade:
    """A line whose changes may be whole numbers."""
    exact = {name: Decimal(value) if isinstance(value, int) else value for name, value in changes.items()}
    return kind(**exact)


def holding(number: int, after: int, accession: str = FIRST, **changes) -> InsiderTrade:
    """A line that says what is held, and no more."""
    nothing = {"code": None, "traded_on": None, "shares": None, "price": None, "value": None, "acquired": None}
    return filed(number, accession, "nh", **(nothing | {"shares_after": Decimal(after)} | changes))


def amended(number: int = 1, accession: str = SECOND, original: date = DAY, **changes) -> InsiderTrade:
    """A line of an amendment of the filing of `original`, two days later."""
    owner = changes.get("owner_cik", OWNER)
    facts = {"form": "4/A", "amends": f"{ISSUER}:{owner}:{original}", "known_at": LATER, "filed_on": LATER.date()}
    return filed(number, accession, **(facts | changes))


def row(**changes) -> InsiderTrade:
    """The same filing as FinViz shows it: to the minute, without class or issuer's number."""
    facts = {"source": "finviz", "accession": FIRST, "known_at": KNOWN_AT.replace(second=0)}
    return trade(**(facts | changes))


def only(*lines: InsiderTrade) -> Event:
    (event,) = find_events(table(*lines))
    return event


def sums(*lines: InsiderTrade) -> set[tuple[object, ...]]:
    return {
        (event.key, event.trade.shares, event.trade.price, event.held_before, event.trade.shares_after)
        for event in find_events(table(*lines))
    }


# One event across filings.


def test_lines_in_several_accessions_of_one_day_are_one_event():
    """A form has room for thirty lines; what is more goes on in the next filing."""
    event = only(
        filed(1, shares=Decimal(100), price=Decimal(10), shares_after=Decimal(1100)),
        filed(
            1,
            SECOND,
            shares=Decimal(300),
            price=Decimal(12),
            shares_after=Decimal(1400),
            traded_on=date(2026, 2, 26),
            known_at=KNOWN_AT + timedelta(minutes=3),
        ),
    )
    assert (event.trade.shares, event.trade.price, event.trade.value) == (400, Decimal("11.5"), 4600)
    assert (event.trade.traded_on, event.trade.known_at) == (date(2026, 2, 26), KNOWN_AT + timedelta(minutes=3))
    assert (event.held_before, event.trade.shares_after) == (1000, 1400)


@FEW
@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=9),
    st.lists(st.sampled_from([FIRST, SECOND, THIRD]), min_size=9, max_size=9),
    st.integers(0, 1000),
)
def test_how_filings_divide_the_lines_does_not_matter(steps, accessions, start):
    held, lines = start, []
    for number, (shares, accession) in enumerate(zip(steps, sorted(accessions), strict=False), start=1):
        held += shares
        lines.append(
            filed(number, accession, shares=Decimal(shares), shares_after=Decimal(held), price=Decimal(number))
        )
    event = only(*lines)
    assert (event.held_before, event.trade.shares, event.trade.shares_after) == (start, sum(steps), held)
    assert len(event.keys) == len(lines)


def test_the_same_title_with_and_without_its_par_value_is_one_class():
    for title in ("COMMON STOCK", "Common Stock, par value $.01 per share", "Common Stock, $.25 Par Value"):
        assert same_class(title) == same_class("Common Stock"), title
    assert same_class("Common Shares, no par value") == same_class("Common Shares")
    assert len({same_class(f"Class {letter} Common Stock") for letter in "ABC"}) == 3


def test_two_classes_are_two_events():
    lines = filed(1, security="Class A Common Stock"), filed(2, security="Class B Common Stock")
    assert len(find_events(table(*lines))) == 2


def test_lines_that_one_filing_repeats_are_several():
    assert only(filed(1), filed(2)).trade.shares == 2000


def test_a_filing_that_is_read_twice_is_read_once():
    again = filed(1)._replace(known_at=LATER)
    assert only(filed(1), again).trade == only(filed(1)).trade


def test_a_derivative_of_the_same_title_is_another_class():
    event = next(e for e in find_events(table(filed(1), filed(1, kind="dt", code="M"))) if e.trade.side)
    assert (event.held_before, event.exercised) == (10_000, 0)


def test_a_doubtful_derivative_is_no_doubt_about_the_shares():
    found = find_events(table(filed(1), filed(1, kind="dt", code="M", traded_on=None)))
    assert [bool(event.quarantine) for event in found] == [False, True]


def test_options_that_came_in_are_no_shares_that_did():
    option = row(key="option", code="M", is_derivative=True)
    (sale,) = (event for event in find_events(table(option, row(key="sale", code="S"))) if event.trade.side)
    assert sale.exercised == 0


def test_alike_purchases_on_two_ownership_lines_of_one_person_are_two():
    assert only(filed(1), filed(1, SECOND, ownership="I")).trade.shares == 2000
    assert only(filed(1), filed(1, SECOND)).trade.shares == 1000  # the same line, filed again


# One trade, several owners.

FUND = {"owner": "Brill Holdings LP", "owner_cik": OTHER, "is_officer": False, "is_ten_percent": True, "title": None}


@pytest.mark.parametrize("fund_is_first", [True, False])
def test_a_trade_that_a_fund_and_its_manager_both_file_is_the_officer_s(fund_is_first):
    fund, officer = filed(1, THIRD, **FUND), filed(1, ownership="I")
    event = only(*([fund, officer] if fund_is_first else [officer, fund]))
    assert (event.trade.shares, event.trade.owner, event.held_before) == (1000, "Okafor Adaeze M", 10_000)
    assert set(event.keys) == {fund.key, officer.key}
    assert {f"acc:{FIRST}:buy", f"acc:{THIRD}:buy"} <= set(event.aliases)


@pytest.mark.parametrize(
    "change",
    [
        {"traded_on": date(2026, 2, 26)},
        {"code": "S"},
        {"shares": Decimal(1001)},
        {"price": Decimal(41)},
        {"shares_after": Decimal(12_000)},
        {"ownership": "D"},
        {"security": "Class B Common Stock"},
        {"issuer_cik": "0009990002"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_owners_whose_lines_differ_have_each_their_own(change):
    assert len(find_events(table(filed(1), filed(1, THIRD, **(FUND | {"ownership": "I"} | change))))) == 2


def test_what_two_directors_are_awarded_alike_is_two_awards():
    other = filed(1, THIRD, code="A", **(FUND | {"ownership": "I"}))
    assert len(find_events(table(filed(1, code="A", ownership="I"), other))) == 2


def test_repeated_lines_are_counted_once_for_each_owner_s_filing():
    mine, theirs = (filed(1), filed(2)), (filed(1, THIRD, **FUND), filed(2, THIRD, **FUND))
    lines = [*mine, *(line._replace(ownership="I") for line in theirs)]
    assert only(*lines).trade.shares == 2000


def test_what_an_owner_files_besides_the_shared_line_is_an_event_of_its_own():
    own = filed(2, THIRD, **(FUND | {"shares": Decimal(7), "ownership": "I"}))
    found = find_events(table(filed(1), filed(1, THIRD, **(FUND | {"ownership": "I"})), own))
    assert [(event.trade.owner, event.trade.shares) for event in found] == [
        ("Okafor Adaeze M", 1000),
        ("Brill Holdings LP", 7),
    ]


def test_a_web_table_that_lists_a_filing_under_two_owners_shows_one_event():
    owner = {"owner": "Brill Holdings LP", "is_officer": False, "is_ten_percent": True}
    for rows in ([row(key="a", **owner), row(key="b")], [row(key="b"), row(key="a", **owner)]):
        event = only(*rows)
        assert (event.trade.owner, event.trade.shares, event.keys) == ("Okafor Adaeze M", 1000, ("a", "b"))


# The filing and the web tables.


def test_a_web_row_is_a_witness_of_the_filing_it_shows():
    """FinViz cuts names, rounds prices and tells minutes; the filing is exact."""
    exact = filed(price=Decimal("40.0048"), owner="Okafor-Brandenburg Adaeze Margarethe")
    shown = row(key="web", price=Decimal("40.00"), owner="Okafor-Brandenburg Adaeze Marg")
    merged = row(key="other", source="openinsider", known_at=KNOWN_AT + timedelta(seconds=41), shares_after=None)
    for lines in ([exact, shown, merged], [merged, shown, exact]):
        event = only(*lines)
        assert event.trade == exact._replace(value=event.trade.value)
        assert event.sources == ("edgar", "finviz", "openinsider")
        assert set(event.keys) == {exact.key, "web", "other"}
        assert replace(decision(), event=event).row()["sources"] == ["edgar", "finviz", "openinsider"]


def test_tranches_of_the_filing_and_their_sum_on_a_page_are_one_event():
    lines = [filed(n, shares=Decimal(100 * n), shares_after=Decimal(a)) for n, a in ((1, 1100), (2, 1300))]
    event = only(*lines, row(key="sum", shares=Decimal(300), shares_after=Decimal(1300)))
    assert (event.trade.shares, event.held_before, len(event.keys)) == (300, 1000, 3)


@pytest.mark.parametrize("shares", [100, 300], ids=["a tranche", "the sum"])
def test_a_row_without_its_filing_s_number_meets_the_filing(shares):
    lines = [filed(n, shares=Decimal(100 * n), shares_after=Decimal(a)) for n, a in ((1, 1100), (2, 1300))]
    saved = row(key="saved", accession=None, shares=Decimal(shares), price=Decimal("40.01"))
    assert "saved" in only(*lines, saved).keys


@pytest.mark.parametrize(
    "change", [{"owner": "Lindqvist Marit"}, {"code": "S"}, {"shares": Decimal(7)}, {"filed_on": date(2026, 3, 3)}]
)
def test_a_row_of_something_else_is_no_witness(change):
    found = find_events(table(filed(), row(key="saved", accession=None, **change)))
    assert [event.sources for event in found] == [("edgar",), ("finviz",)]


def test_a_filing_under_several_tickers_is_one_event_of_its_issuer():
    """One holder's purchases were listed under the holder's own two tickers as well."""
    rows = [row(key=symbol, symbol=symbol, issuer="Brill Holdings") for symbol in ("BRLA", "BRLB", "NWRB")]
    event = only(*rows, filed())
    assert (event.symbols, event.trade.issuer, len(event.keys)) == (("NWRB",), "Northwind Robotics Inc", 4)
    assert only(*rows, filed(symbol=None)).symbols == ("BRLA", "BRLB", "NWRB")  # the filing has no ticker to decide by


def test_a_doubt_about_a_row_is_settled_by_the_filing():
    assert only(filed(), row(key="web", acquired=None)).quarantine is None
    assert only(filed(price=Decimal(0)), row(key="web")).quarantine == "the price is 0"


def test_a_row_that_calls_a_purchase_what_the_filing_does_not_is_not_followed():
    """A private placement has the code of a purchase; the filing says so, a table does not."""
    event = only(filed(side=None), row(key="web"))
    assert (event.trade.side, event.keys) == (None, (filed().key, "web"))
    (told,) = find_events(table(holding(1, 900), row(key="web")))
    assert told.quarantine == "the filing itself reports no trade"


# From one cycle to the next.


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Repository]:
    database = open_database(f"sqlite:///{tmp_path}/bot.db")
    yield Repository(database)
    database.close()


def judged(*lines: InsiderTrade) -> list[Decision]:
    return [decision(event=event) for event in find_events(table(*lines)) if event.trade.side]


@pytest.mark.parametrize(
    ("yesterday", "today"),
    [
        ([row(key="web")], [filed()]),
        ([filed()], [row(key="web")]),
        ([row(key="web", owner="Brill Holdings LP")], [filed()]),
        ([row(key="web", symbol="BRLA"), row(key="web", symbol="NWRB")], [filed()]),
        ([row(key="saved", accession=None)], [filed(price=Decimal("40.0012"))]),
        ([filed()], [row(key="saved", accession=None)]),
        ([filed()], [filed(), filed(1, THIRD, **(FUND | {"ownership": "I"}))]),
        ([filed()], [filed(), amended(shares=Decimal(900))]),
        ([filed()], [amended(shares=Decimal(900))]),
        ([filed()], [filed(), amended(code="S")]),
        ([row(key="web")], [filed(), amended(shares=Decimal(900))]),
        ([filed(), amended(shares=Decimal(900))], [filed(), amended(shares=Decimal(900)), row(key="web")]),
    ],
)
def test_what_was_decided_in_another_telling_is_not_decided_again(yesterday, today, store):
    decisions = judged(*yesterday)
    assert store.unseen(decisions) == decisions
    store.record(decisions, [], NOW)
    assert judged(*today)
    assert store.unseen(judged(*today)) == []


def test_another_trade_of_the_same_person_is_new(store):
    store.record(judged(filed()), [], NOW)
    other = filed(1, SECOND, code="S", shares_after=Decimal(9000))
    assert store.unseen(judged(filed(), other)) == judged(other)


# Amendments.


def test_an_amendment_supersedes_what_it_restates_and_nothing_else():
    lines = [filed(1, shares=Decimal(100), shares_after=Decimal(10_100)), filed(2, price=Decimal(50))]
    corrected = amended(1, price=Decimal(51), shares=Decimal(900), shares_after=Decimal(11_000))
    before, event = only(*lines), only(*lines, corrected)
    assert (event.key, event.trade.shares) == (before.key, 1000)
    assert event.trade.value == 100 * 40 + 900 * 51
    assert set(event.keys) == {*before.keys, corrected.key}


def test_an_amended_event_keeps_its_filing_day_and_is_known_since_the_amendment():
    event = only(filed(), amended(shares=Decimal(900)))
    assert (event.trade.filed_on, event.trade.known_at, event.trade.form) == (DAY, LATER, "4/A")
    assert event.quarantine is None
    assert event.first_known_at == KNOWN_AT


def test_what_an_amendment_repeats_unchanged_was_known_before():
    event = only(filed(), amended())
    assert (event.trade.known_at, event.trade.form) == (KNOWN_AT, "4")


def test_an_amendment_may_correct_the_class_and_the_day():
    """Of one filing each, line by line where the counts agree."""
    lines = [filed(1, security="Variable Rate Shares"), filed(2, security="Variable Rate Shares", code="S")]
    restated = [amended(1, shares=Decimal(5)), amended(2, code="S", shares=Decimal(5), traded_on=date(2026, 2, 20))]
    found = find_events(table(*lines, *restated))
    assert [(event.trade.side, event.trade.shares, event.trade.security) for event in found] == [
        (Side.BUY, 5, "Common Stock"),
        (Side.SELL, 5, "Common Stock"),
    ]
    assert {event.key for event in found} == {event.key for event in find_events(table(*lines))}


@pytest.mark.parametrize(("shares", "price", "after"), [(2, 30, 14), (4, 20, 15), (4, 25, 13), (2, 25, 13)])
def test_an_amendment_of_one_tranche_leaves_the_others_alone(shares, price, after):
    """Whichever of its numbers is right still tells which tranche it was."""
    lines = [
        filed(n, shares=Decimal(n), price=Decimal(10 * n), shares_after=Decimal(a))
        for n, a in ((1, 11), (2, 13), (3, 16))
    ]
    event = only(*lines, amended(shares=Decimal(shares), price=Decimal(price), shares_after=Decimal(after)))
    assert event.trade.value == 1 * 10 + shares * price + 3 * 30


@pytest.mark.parametrize("filed_on", [DAY, LATER.date()])
def test_a_line_that_an_amendment_adds_is_unlinked_and_never_traded(filed_on):
    added = amended(2, shares=Decimal(7), shares_after=Decimal(11_007), filed_on=filed_on)
    original, extra = find_events(table(filed(), amended(), added))
    assert (original.trade.shares, original.quarantine) == (1000, None)
    assert (extra.trade.shares, extra.keys) == (7, (added.key,))
    assert extra.quarantine == UNLINKED


@pytest.mark.parametrize(
    ("original", "omitted"),
    [
        ({}, {"code": "S", "shares": 9000, "price": 45, "traded_on": date(2026, 2, 25), "shares_after": 9500}),
        (
            {"code": "A", "shares": 100, "price": 0},
            {"shares": 10_000, "price": 41, "traded_on": date(2026, 2, 26), "shares_after": 27_600},
        ),
        ({}, {"shares": 500, "price": 41, "traded_on": date(2026, 2, 26), "shares_after": 11_500}),
        ({}, {"shares": 500, "price": 40, "traded_on": date(2026, 2, 26), "shares_after": 10_000}),
        ({"code": "A", "price": 0}, {"code": "G", "shares": 5, "price": 0, "traded_on": date(2026, 2, 26)}),
    ],
)
def test_an_amendment_of_an_omitted_line_alone_leaves_the_original_as_it_is(original, omitted):
    line, added = numbered(filed, **original), numbered(amended, **omitted)
    before, (still, extra) = only(line), find_events(table(line, added))
    assert still == before
    assert (extra.trade.shares, extra.keys, extra.quarantine) == (omitted["shares"], (added.key,), UNLINKED)


@pytest.mark.parametrize(
    "change",
    [
        {"code": "S", "acquired": "D", "price": 41},
        {"security": "Class B Common Stock", "shares": 900},
        {"traded_on": date(2026, 2, 26), "shares_after": 11_500},
        {"traded_on": date(2026, 2, 26), "price": 41},
        {"traded_on": date(2026, 2, 26), "shares": 900},
    ],
)
def test_a_line_with_another_day_code_or_class_still_restates_the_one_it_agrees_with(change):
    event = only(numbered(filed), numbered(amended, **change))
    assert (event.trade.form, event.quarantine, len(event.keys)) == ("4/A", None, 2)


def test_an_amendment_of_a_filing_that_was_not_seen_has_its_identity_and_is_not_traded():
    event = only(amended())
    assert event.key == only(filed()).key
    assert event.trade.filed_on == DAY
    assert event.quarantine == "an amendment of the filing of 2026-03-02, which was not seen"
    again = only(amended(), amended(accession=THIRD, shares=Decimal(900), known_at=LATER + timedelta(days=1)))
    assert (again.key, again.trade.shares, bool(again.quarantine)) == (event.key, 900, True)


@pytest.mark.parametrize(
    "original", [filed(filed_on=date(2026, 3, 3)), filed(owner_cik=OTHER), filed(issuer_cik="0009990002")]
)
def test_an_amendment_is_of_this_issuer_s_owner_s_and_day_s_filing_only(original):
    found = find_events(table(original, amended()))
    assert len(found) == 2
    assert [bool(event.quarantine) for event in found] == [False, True]


def test_a_second_amendment_supersedes_the_first():
    second = amended(accession=THIRD, shares=Decimal(800), known_at=LATER + timedelta(days=1))
    for lines in ([filed(), amended(shares=Decimal(900)), second], [second, amended(shares=Decimal(900)), filed()]):
        event = only(*lines)
        assert (event.trade.shares, event.trade.known_at, event.key) == (800, second.known_at, only(filed()).key)


def test_an_amendment_that_shows_a_trade_was_none_ends_the_signal():
    event = only(filed(), amended(code="J"))
    assert (event.trade.side, event.trade.code) == (None, "J")
    assert f"acc:{FIRST}:buy" in event.aliases


def test_an_amended_line_is_judged_by_its_original_s_day():
    event = only(filed(), amended(traded_on=date(2026, 3, 3)))
    assert event.quarantine == "traded on 2026-03-03, after it was filed on 2026-03-02"


@FEW
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=5), st.data())
def test_a_restated_open_market_filing_is_one_event_with_the_amended_numbers(tranches, data):
    """Whatever it corrects, and in whatever order the rows come."""
    held, lines, restated = 1000, [], []
    for number, (shares, price) in enumerate(tranches, start=1):
        held += shares
        numbers = {"shares": Decimal(shares), "price": Decimal(price), "shares_after": Decimal(held)}
        lines.append(filed(number, **numbers))
        restated.append(amended(number, **(numbers | {"price": Decimal(price + data.draw(st.integers(0, 3)))})))
    event = only(*data.draw(st.permutations([*lines, *restated])))
    assert event.key == only(*lines).key
    assert event.trade.value == sum(line.value for line in restated)
    assert set(event.keys) == {line.key for line in (*lines, *restated)}


# Holdings, and what came in with a sale.


def test_holdings_are_the_person_s_total_over_all_lines_of_the_class():
    event = only(
        filed(1, shares=Decimal(3000), shares_after=Decimal(18_500)),
        filed(2, shares_after=Decimal(6000), ownership="I"),
        holding(1, 250, ownership="I"),
        holding(2, 99, security="Class B Common Stock"),
        filed(1, kind="dh", code=None, shares=None, price=None, value=None, shares_after=Decimal(10**6)),
    )
    assert (event.held_before, event.trade.shares, event.trade.shares_after) == (20_750, 4000, 24_750)
    assert as_table([event])["basis"].tolist() == ["filing"]
    assert as_table(find_events(table(row())))["basis"].tolist() == ["line"]


def test_holdings_are_no_events():
    lines = filed(1), holding(1, 250)
    assert only(*lines).keys == (lines[0].key,)
    assert find_events(table(holding(1, 250))) == []


def test_a_first_purchase_beside_another_class_is_no_new_position():
    event = only(filed(shares_after=Decimal(1000)), holding(1, 400, security="Class B Common Stock"))
    assert event.held_before == 400
    assert only(filed(shares_after=Decimal(1000))).held_before == 0
    assert only(filed(shares_after=Decimal(1000)), holding(1, 400, ownership="I")).held_before == 400


@pytest.mark.parametrize(("code", "exercised"), [("M", 600), ("X", 600), ("C", 600), ("A", 600), ("G", 0), ("P", 0)])
def test_what_came_in_with_a_sale_counts_where_it_was_exercised_or_awarded(code, exercised):
    got = filed(1, code=code, shares=Decimal(600), shares_after=Decimal(1600), acquired="A", side=None)
    option = filed(1, kind="dt", code=code, shares=Decimal(600), acquired="A", side=None, security="Option")
    found = find_events(table(got, filed(2, code="S", shares_after=Decimal(600)), option))
    (sale,) = (event for event in found if event.trade.side)
    assert (sale.exercised, sale.held_before) == (exercised, 1000)


# What cannot be true.


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"price": Decimal(0)}, "the price is 0"),
        ({"acquired": "D", "side": None}, "a purchase (code P) is marked as D"),
        ({"code": "S", "acquired": "A", "side": None}, "a sale (code S) is marked as A"),
        ({"traded_on": date(23, 2, 27)}, "traded on 0023-02-27, before there were such reports"),
        ({"traded_on": date(2026, 3, 3)}, "after it was filed on 2026-03-02"),
        (
            {"traded_on": date(2026, 3, 4), "filed_on": date(2026, 3, 5)},
            "traded on 2026-03-04, after it was public on 2026-03-02",
        ),
        ({"shares": Decimal(20_000_000), "price": Decimal(501)}, "are more than 10,000,000,000 USD"),
        ({"security": "Series D Preferred Stock"}, "is not the common share"),
        ({"security": "Warrant (right to buy)"}, "is not the common share"),
        ({"security": "Ordinary Shares (1234.XY)"}, "'Ordinary Shares (1234.XY)' is listed abroad"),
        ({"currency": None}, "the price is not in US dollars"),
    ],
)
def test_a_line_of_a_filing_that_cannot_be_true_is_quarantined(changes, reason):
    assert reason in str(only(filed(**changes)).quarantine)


@pytest.mark.parametrize(
    "sound",
    [
        filed(),
        filed(code="S"),
        filed(code="G", price=Decimal(0)),
        filed(security="American Depositary Shares (NWRB)"),
        filed(shares=Decimal(20_000_000), price=Decimal(500)),
        filed(code="P", kind="dt", acquired="D", side=None),
    ],
)
def test_a_sound_line_of_a_filing_is_not(sound):
    assert implausible(sound) is None


@pytest.mark.parametrize(
    ("traded", "held", "sound"),
    [
        ("American Depositary Shares", "Common Shares", False),
        ("Common Shares", "ADS", False),
        ("ADS", "American Depositary Shares", True),
        ("Class A Common Shares", "Class B Common Shares", True),
    ],
)
def test_receipts_beside_the_shares_they_stand_for_are_quarantined(traded, held, sound):
    event = only(filed(security=traded), holding(1, 11_051, security=held))
    assert sound == (event.quarantine is None)
    assert sound or "how many shares a receipt stands for is not known" in str(event.quarantine)


def test_a_plan_of_any_part_is_the_event_s():
    lines = filed(1, plan_10b5_1=False), filed(2, plan_10b5_1=True)
    assert only(*lines).trade.plan_10b5_1 is True
    assert only(filed(1, plan_10b5_1=False), filed(2)).trade.plan_10b5_1 is None
    assert only(filed(1, plan_10b5_1=False), filed(2, plan_10b5_1=False)).trade.plan_10b5_1 is False


# Properties over many lines.

LINES = st.builds(
    lambda number, accession, kind, form, **facts: _line(number, accession, kind, form, facts),
    st.integers(1, 3),
    st.sampled_from([FIRST, SECOND, THIRD]),
    st.sampled_from(["nt", "nt", "nh", "dt"]),
    st.sampled_from(["4", "4", "4/A"]),
    code=st.sampled_from("PSMA"),
    shares=st.sampled_from([Decimal(1), Decimal(2), Decimal(100)]),
    shares_after=st.none() | st.sampled_from([Decimal(0), Decimal(100), Decimal(101)]),
    ownership=st.sampled_from("DI"),
    security=st.sampled_from(["Common Stock", "Class B Common Stock"]),
    price=st.sampled_from([Decimal(10), Decimal(11)]),
)


def _line(number: int, accession: str, kind: str, form: str, facts: dict) -> InsiderTrade:
    """A line whose filing has one owner, one form and one time, as filings have."""
    owner = {FIRST: OWNER, SECOND: OWNER, THIRD: OTHER}[accession]
    facts |= {"owner_cik": owner, "owner": f"Person {owner}"}
    if kind == "nh":
        return holding(number, 7, accession, owner_cik=owner, owner=f"Person {owner}", ownership=facts["ownership"])
    if form == "4/A" and accession != FIRST:
        return amended(number, accession, kind=kind, **facts)
    return filed(number, accession, kind, **facts)


def _distinct(lines: list[InsiderTrade]) -> list[InsiderTrade]:
    return list({line.key: line for line in lines}.values())


@FEW
@given(
    st.lists(LINES, max_size=8).map(_distinct).flatmap(lambda lines: st.tuples(st.just(lines), st.permutations(lines)))
)
def test_the_order_of_the_lines_does_not_matter(both):
    assert sums(*both[0]) == sums(*both[1])


@FEW
@given(st.lists(LINES, max_size=8).map(_distinct))
def test_every_transaction_is_in_exactly_one_event(lines):
    found = find_events(table(*lines))
    assert Counter(key for event in found for key in event.keys) == dict.fromkeys(
        (line.key for line in lines if not is_holding(line)), 1
    )
    assert len({event.key for event in found}) == len(found)


# Real filings.


def _filings(corpus: Path) -> Iterator[tuple[Path, list[InsiderTrade]]]:
    """Each document of the corpus with its lines, filed on the day it was signed, under a number made up if need be."""
    from bot.errors import SourceError
    from bot.sources.edgar import lines, ownership

    for number, path in enumerate(sorted((corpus / "edgar/form4_xml").glob("*.xml"))):
        try:
            document = ownership.read(path.read_bytes())
        except SourceError:
            continue  # whether it should have been read is the reader's test
        name = path.stem if re.fullmatch(r"\d{10}-\d\d-\d{6}", path.stem) else f"0000999999-26-{number:06}"
        signed = [signature.signed_on for signature in document.signatures if signature.signed_on]
        traded = [line.traded_on for line in document.lines if line.traded_on]
        day = max([*signed, *traded, document.period or date.min])
        known_at = datetime.combine(day, time(22), UTC)
        yield path, lines.lines(document, accession=name, filed_on=day, known_at=known_at, url=None)


@pytest.fixture(scope="module")
def real(corpus: Path) -> dict[str, list[InsiderTrade]]:
    return {path.name: lines for path, lines in _filings(corpus)}


@pytest.fixture(scope="module")
def found(real: dict[str, list[InsiderTrade]]) -> list[Event]:
    return find_events(table(*(line for lines in real.values() for line in lines)))


def of(found: list[Event], lines: list[InsiderTrade], side: Side | None = None) -> Event:
    """The event of a filing's first transaction on this side."""
    key = next(line.key for line in lines if not is_holding(line) and side in {None, line.side})
    return next(event for event in found if key in event.keys)


@pytest.mark.corpus
def test_every_real_transaction_is_in_exactly_one_event(real, found):
    keys = Counter(key for event in found for key in event.keys)
    lines = [line for lines in real.values() for line in lines]
    assert len(lines) > 2000
    assert all(map(is_filed, lines))
    assert keys == dict.fromkeys((line.key for line in lines if not is_holding(line)), 1)
    assert len({event.key for event in found}) == len(found)


@pytest.mark.corpus
def test_real_balances_differ_by_what_moved(found):
    """Before plus what came in less what went out is after, but for what the filings themselves get wrong."""
    known = [
        event for event in found if event.trade.side and event.held_before and event.trade.shares_after is not None
    ]
    alone = [event for event in known if not event.exercised and event.trade.code == "S"]
    wrong = [event for event in alone if event.trade.shares_after != event.held_before - event.trade.shares]
    assert len(alone) > 50
    assert all(event.held_before >= event.trade.shares_after for event in wrong)
    unknown = [event for event in found if event.trade.side and event.held_before is None]
    assert len(unknown) <= 0.05 * len(known)


@pytest.mark.corpus
def test_sales_that_fill_six_forms_are_one_event(real, found):
    (event,) = (event for event in found if len(event.keys) == 144)
    assert len({key.partition(":")[0] for key in event.keys}) == 6
    assert event.trade.side == Side.SELL
    assert event.quarantine is None


@pytest.mark.corpus
def test_the_real_amendment_of_purchases_is_the_same_event(real, found):
    original, amendment = (
        next(lines for name, lines in real.items() if tag in name) for tag in ("2913da2a", "d1bd34ca")
    )
    for side in (Side.BUY, Side.SELL):
        event = of(found, original, side)
        assert event is of(found, amendment, side)
        assert event.trade.security == "COMMON STOCK"
        assert event.trade.shares == 4780
        assert event.trade.filed_on == original[0].filed_on
        assert event.key == of(find_events(table(*original)), original, side).key


@pytest.mark.corpus
def test_the_real_amendment_of_an_award_restates_its_number(real, found):
    original, amendment = (
        next(lines for name, lines in real.items() if tag in name) for tag in ("7e251512", "77e1c82f")
    )
    options = next(line for line in amendment if line.is_derivative)
    (event,) = (event for event in found if options.key in event.keys)
    assert (event.trade.shares, len(event.keys)) == (1_000_000, 2)
    assert {line.key for line in original} < {key for event in found for key in event.keys}


@pytest.mark.corpus
def test_real_amendments_without_their_originals_are_never_traded(real, found):
    alone = [lines for name, lines in real.items() if "PANW_2021" in name or name == "0000707549-25-000004.xml"]
    assert len(alone) == 2
    assert all("which was not seen" in str(of(found, lines).quarantine) for lines in alone)


@pytest.mark.corpus
def test_the_real_edge_cases_are_quarantined_with_their_reason(real, found):
    def reason(name: str) -> str:
        return str(of(found, next(lines for file, lines in real.items() if name in file)).quarantine)

    assert "a purchase (code P) is marked as D" in reason("AREC_2024-07-19")
    assert "listed abroad" in reason("0001046179-26-000286")


@pytest.mark.corpus
def test_small_real_purchases_reported_early_are_no_signal(real, found):
    early = of(found, real["0001046179-26-000288.xml"])
    assert (early.trade.side, early.trade.code, early.trade.shares) == (None, "P", 17)


def test_a_judged_filing_says_its_basis():
    from strategies.rules import follow, more_than

    found = find_events(table(filed()))
    judged = follow(more_than("1%"))(as_table(found), NOW)
    assert "10,000 held before = 10 %, basis = filing" in decided(found, judged)[0].verdict.reason


def test_a_role_is_the_lead_s():
    event = only(filed(1, THIRD, **(FUND | {"role": Role.TEN_PERCENT})), filed(1, ownership="I", role=Role.CFO))
    assert event.trade.role == Role.CFO
