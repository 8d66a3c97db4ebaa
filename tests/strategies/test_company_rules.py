"""Clusters and scores as rules: their words, and what they refuse because they cannot know."""

import pytest

from bot.model import Role
from strategies.company_rules import among_best, clustered, convinced
from strategies.composed import any_of, not_
from strategies.rules import Rule, follow
from tests.strategies.happenings import Happening, table


def judged(rule: Rule, *happenings) -> list[tuple[str, str]]:
    found = follow(rule)(table(*happenings))
    return list(zip(found["decision"], found["reason"], strict=True))


def officers(*known: float, code: str = "P") -> list[Happening]:
    return [Happening(known=at, owner=owner, officer=True, title="CFO", code=code) for owner, at in enumerate(known)]


def test_a_cluster_is_followed_once_and_each_row_tells_its_part_in_it():
    assert judged(clustered(owners=2, days=30), *officers(0, 1, 2)) == [
        ("skip", "1 officer bought within 30 days (asked for: 2)"),
        ("buy", "2 officers bought within 30 days (asked for: 2)"),
        ("skip", "3 officers bought within 30 days (asked for: 2), but the cluster was complete before"),
    ]


def test_a_cluster_of_sales_is_one_of_sales():
    assert judged(clustered(owners=2, days=30), *officers(0, 1, code="S"))[1] == (
        "sell",
        "2 officers sold within 30 days (asked for: 2)",
    )


def test_officers_make_the_cluster_unless_everybody_counts():
    director = Happening(known=1, owner=1, title="Director")
    unknown = Happening(known=1, owner=2, title=None, officer=None)
    rows = [*officers(0), director, unknown]
    assert judged(clustered(owners=2), *rows)[1:] == [
        ("skip", "'Director' is not known as an officer, of whom clusters are"),
        ("skip", "no title is not known as an officer, of whom clusters are"),
    ]
    assert judged(clustered(owners=2, officers=False), *rows)[1] == (
        "buy",
        "3 insiders bought within 30 days (asked for: 2)",
    )


def test_without_an_instant_there_is_no_cluster():
    assert judged(clustered(owners=1), Happening(known=None)) == [("skip", "nobody can tell who else traded by then")]


def test_two_clusters_of_different_sizes_stand_in_one_stack():
    rule = any_of(clustered(owners=3, days=30), clustered(owners=2, days=7))
    assert [decision for decision, _ in judged(rule, *officers(0, 9, 17, 18))] == ["skip", "skip", "buy", "buy"]


def test_a_score_is_compared_and_shown_rounded_down():
    rows = [Happening(value=1e5, role=Role.CFO)]  # log1p(100,000) + 0.75 + 1 = 13.26293...
    assert judged(convinced(13.26), *rows) == [
        ("buy", "the purchases of 30 days score 13.26 (asked for: at least 13.26)")
    ]
    assert judged(convinced(13.27), *rows) == [
        ("skip", "the purchases of 30 days score 13.26 (asked for: at least 13.27)")
    ]


@pytest.mark.parametrize("rule", [convinced(1), among_best()])
def test_only_a_purchase_of_known_value_has_a_score(rule):
    sale, unknown = Happening(known=1, code="S"), Happening(known=2, value=None)
    told = judged(rule, Happening(), sale, unknown)
    assert [decision for decision, _ in told] == ["buy", "skip", "skip"]
    assert told[1][1] == "not a purchase, and only purchases have a score"
    assert told[2][1] == "a purchase of the last 30 days is of unknown value, or nobody knows its instant"


@pytest.mark.parametrize("rule", [convinced(99), among_best()])
def test_a_sale_has_no_score_and_not_the_contrary_of_one_either(rule):
    told = judged(not_(rule), Happening(), Happening(known=1, code="S"), Happening(known=90, code="S"))
    assert [decision for decision, _ in told[1:]] == ["skip", "skip"]


def test_the_best_are_those_of_last_evening_s_list():
    rows = [Happening(value=10.0**power, issuer=power) for power in range(1, 4)]
    later = [Happening(known=1, value=1.0, issuer=power, owner=1) for power in (1, 3)]
    assert judged(among_best(places=2), *rows, *later)[3:] == [
        ("skip", "the purchases of 30 days score 3.98, place 3 of last evening's list (asked for: the first 2)"),
        ("buy", "the purchases of 30 days score 8.4, place 1 of last evening's list (asked for: the first 2)"),
    ]
