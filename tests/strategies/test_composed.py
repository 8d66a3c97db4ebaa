"""Rules made of rules: who passes, in whose words, and that unknown is refused both ways."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from strategies.composed import all_of, any_of, not_
from strategies.rules import Rule, bought_only, follow, more_than, not_planned, officers_only, worth
from strategies.words import decimals
from tests.builders import FEW

NUMBERS = st.none() | st.integers(0, 3).map(float)
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=6)


def column_over(name: str, least: float) -> Rule:
    """Passes where a column of the table is over a number; says nothing of rows where it is 0."""

    def words(events):
        yield events[name].isna(), f"{name} is unknown"
        yield events[name] > 0, f"{name} is {{{name}:.2}} (asked for: more than {decimals(least)})"

    return Rule(name=f"{name}_over", passes=lambda events: events[name] > least, words=words, needs=(name,))


A, B = column_over("a", 1), column_over("b", 2)


def table_of(rows) -> pd.DataFrame:
    a, b = zip(*rows, strict=True) if rows else ((), ())
    table = pd.DataFrame({"a": pd.Series(a, dtype="float64"), "b": pd.Series(b, dtype="float64")})
    return table.assign(side=pd.Series("buy", index=table.index, dtype="str"))


def judged(rule: Rule, *rows) -> list[tuple[bool, str]]:
    found = follow(rule)(table_of(rows))
    return list(zip(found["decision"] == "buy", found["reason"], strict=True))


def test_any_of_says_what_let_a_row_pass_or_all_that_was_amiss():
    assert judged(any_of(A, B), (2, 3), (0, 3), (1, None)) == [
        (True, "a is 2 (asked for: more than 1)"),
        (True, "b is 3 (asked for: more than 2)"),
        (False, "a is 1 (asked for: more than 1); b is unknown"),
    ]


def test_all_of_says_what_refused_a_row_or_all_that_it_passed():
    assert judged(all_of(A, B), (2, 3), (0.5, 3), (2, None)) == [
        (True, "a is 2 (asked for: more than 1); b is 3 (asked for: more than 2)"),
        (False, "a is 0.5 (asked for: more than 1)"),
        (False, "b is unknown"),
    ]


def test_not_says_that_the_threshold_was_not_asked_for():
    assert judged(not_(A), (1, 0), (2, 0), (None, 0)) == [
        (True, "a is 1 (not asked for: more than 1)"),
        (False, "a is 2 (not asked for: more than 1)"),
        (False, "a is unknown"),
    ]
    assert judged(not_(not_(A)), (2, 0)) == [(True, "a is 2 (asked for: more than 1)")]
    assert judged(not_(any_of(A, B)), (1, 2)) == [
        (True, "a is 1 (not asked for: more than 1); b is 2 (not asked for: more than 2)")
    ]


def test_what_says_nothing_leaves_no_semicolon_behind():
    silent = Rule(name="silent", passes=lambda events: events["a"].notna(), words=lambda _: [])
    stack = follow(silent, all_of(silent, silent), all_of(silent, A), any_of(silent, A))
    assert stack(table_of([(2, 0)]))["reason"].tolist() == ["a is 2 (asked for: more than 1)"]
    assert follow(A, all_of(silent, silent))(table_of([(2, 0)]))["reason"].tolist() == [
        "a is 2 (asked for: more than 1)"
    ]
    assert follow(A, all_of(silent, B))(table_of([(2, 3)]))["reason"].tolist() == [
        "a is 2 (asked for: more than 1); b is 3 (asked for: more than 2)"
    ]


@FEW
@given(ROWS)
def test_rules_of_rules_are_the_logic_of_three_values(rows):
    def passes(rule):
        return [passed for passed, _ in judged(rule, *rows)]

    a, b = ([value > least if value is not None else None for value in values] for values, least in _columns(rows))
    assert passes(any_of(A, B)) == [bool(one) or bool(other) for one, other in zip(a, b, strict=True)]
    assert passes(all_of(A, B)) == [bool(one) and bool(other) for one, other in zip(a, b, strict=True)]
    assert passes(not_(A)) == [one is False for one in a]
    assert passes(not_(any_of(A, B))) == [one is False and other is False for one, other in zip(a, b, strict=True)]
    assert passes(not_(not_(A))) == passes(A)


def _columns(rows):
    return [([row[0] for row in rows], 1), ([row[1] for row in rows], 2)]


@FEW
@given(ROWS)
def test_rules_of_rules_of_rules_say_the_same_for_one_row_and_for_many(rows):
    deep = any_of(all_of(A, not_(B)), not_(any_of(B, all_of(A, B))), name="deep")
    assert judged(deep, *rows) == [judged(deep, row)[0] for row in rows]


def test_names_are_put_together_unless_one_is_given():
    assert any_of(A, B).name == "a_over_or_b_over"
    assert all_of(A, not_(B)).name == "a_over_and_not_b_over"
    assert [any_of(A, name="x").name, all_of(A, name="y").name, not_(A, name="z").name] == ["x", "y", "z"]


def test_features_and_needs_are_those_of_all_parts():
    rule = any_of(worth(5.0), all_of(more_than("1%"), officers_only), not_(bought_only), not_planned)
    assert set(rule.features) == {"value_usd", "fraction_of_holdings"}
    assert rule.needs == ("is_officer", "side")


def test_ten_rules_in_one_are_soon_said():
    """The cases of ten rules have sixty million combinations."""
    many = [column_over("ab"[place % 2], place + 5.0) for place in range(10)]
    ((passed, reason),) = judged(any_of(*many), (1, 2))
    assert not passed
    assert reason.count("asked for") == 10


@pytest.mark.parametrize("several", [any_of, all_of])
def test_of_no_rules_nothing_is_made(several):
    with pytest.raises(ConfigError, match="at least one rule"):
        several()
