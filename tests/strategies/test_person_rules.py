"""Seniority and habits as rules: their words, and what they refuse because they cannot know."""

from datetime import date

import pytest

from bot.model import Role
from strategies.composed import not_
from strategies.person_rules import first_buy, largest, opportunistic, senior
from strategies.rules import Rule, follow
from tests.strategies.happenings import Happening, table

YEARS = [-1100, -735, -370]


def judged(rule: Rule, *happenings) -> list[tuple[str, str]]:
    found = follow(rule)(table(*happenings))
    return list(zip(found["decision"], found["reason"], strict=True))


@pytest.mark.parametrize(
    ("role", "decision", "words"),
    [
        (Role.CFO, "buy", "'CFO' is a role (cfo) of weight 1 (asked for: at least 0.7)"),
        (Role.CHIEF, "buy", "'CFO' is a role (chief) of weight 0.7 (asked for: at least 0.7)"),
        (Role.DIRECTOR, "skip", "'CFO' is a role (director) of weight 0.4 (asked for: at least 0.7)"),
        (Role.UNKNOWN, "skip", "'CFO' does not say what the person is"),
    ],
)
def test_senior_is_who_has_the_weight(role, decision, words):
    assert judged(senior(), Happening(role=role, title="CFO")) == [(decision, words)]
    assert judged(not_(senior()), Happening(role=Role.UNKNOWN))[0][0] == "skip"


def test_a_first_purchase_is_one_that_nothing_known_contradicts():
    other = Happening(known=-800, owner=5)
    rows = [other, Happening(known=0), Happening(known=1), Happening(known=2, code="S")]
    assert judged(first_buy(years=2), *rows) == [
        ("skip", "what is known does not reach 2 years back: it may be a first purchase or not"),
        ("buy", "the person's first purchase here in 2 years"),
        ("skip", "the person bought here before, within 2 years"),
        ("skip", "not a purchase"),
    ]


def test_first_purchases_of_different_spans_have_different_names():
    assert set(first_buy(years=2.5).features) == {"is_first_buy_2_5y"}
    assert set(first_buy(years=2).features) == {"is_first_buy_2y"}


def test_the_largest_is_more_than_every_one_before():
    rows = [Happening(known=0, value=5.0), Happening(known=1, value=4.0), Happening(known=2, value=6.0)]
    assert judged(largest, *rows) == [
        ("skip", "no earlier trade of the person here, of known value, to compare it with"),
        ("skip", "worth 4 USD, and the person's largest purchase here before was worth 5 USD"),
        ("buy", "worth 6 USD, the person's largest purchase here so far (the largest before: 5 USD)"),
    ]


def trader(*months: int) -> list[Happening]:
    """Purchases in these months of 2022 to 2024, then one in November 2025."""
    past = [
        Happening(known=back, traded_on=date(year, month, 9))
        for back, year, month in zip(YEARS, (2022, 2023, 2024), months, strict=False)
    ]
    return [*past, Happening()]


@pytest.mark.parametrize(
    ("months", "decisions", "words"),
    [
        ((11, 10, 11), ("buy", "buy"), "the person traded here in each of the three years before, never in the same"),
        ((11, 11, 11), ("skip", "skip"), "the person trades here by the calendar: in the same month of three years"),
        ((11, 10), ("skip", "buy"), "the person did not trade here in each of three years: unclassified"),
    ],
)
def test_who_is_unclassified_is_left_out_as_in_the_literature_unless_asked_for(months, decisions, words):
    strict, lenient = (judged(opportunistic(unclassified=wanted), *trader(*months))[-1] for wanted in (False, True))
    assert (strict[0], lenient[0]) == decisions
    assert strict[1].startswith(words)
    assert lenient[1] == strict[1]


@pytest.mark.parametrize("happening", [Happening(known=None), Happening(code="M")])
def test_what_is_no_trade_of_a_known_instant_is_never_opportunistic(happening):
    for rule in (opportunistic(), opportunistic(unclassified=True)):
        assert judged(rule, happening) == [("skip", "no open-market trade of a known instant")]
