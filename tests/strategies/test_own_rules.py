"""Whoever writes a rule or a feature of their own is told in one sentence what is wrong with it."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from bot.contract import check_strategy
from bot.demo.history import made_up
from bot.errors import ConfigError
from bot.events import decided, of_news
from strategies.company_rules import clustered
from strategies.features import fraction_of_holdings
from strategies.person_rules import first_buy
from strategies.rules import Rule, follow, more_than, open_market
from tests.builders import event

EVENTS = made_up(seed=1, rows=40, years=1)


def cheap(**changes: Any) -> Rule:
    facts = {"name": "cheap", "passes": lambda events: events["price"] < 30, "words": "a share costs {price}"}
    return Rule(**(facts | changes))


def counted(events: pd.DataFrame, _: object) -> "pd.Series[float]":
    """Numbers by the order of the day, under labels of their own."""
    return events.sort_values("known_at").reset_index(drop=True).groupby("issuer_id").cumcount()


def judged(**changes: Any) -> pd.DataFrame:
    return follow(cheap(**changes))(EVENTS)


def refused(make: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as caught:
        make()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["", " ", None, 3, "two\nlines", "turned\u202e"])
def test_a_name_that_cannot_be_printed_is_refused(name: Any) -> None:
    assert refused(lambda: cheap(name=name)).startswith("a rule needs a name that can be printed on a line")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("costs {price", "the sentence 'costs {price' of a rule cannot be read: "),
        (None, "the words of cheap are neither a sentence nor a function that yields sentences"),
        (lambda _: "cheap", "the words of cheap must yield conditions with sentences (found 'cheap')"),
        (lambda _: None, "the words of cheap must yield conditions with sentences (found None)"),
        ("{price:date}", "a rule's sentence cannot show 'price' as 'date'"),
        ("{owner:,}", "a rule's sentence cannot show 'owner' as ','"),
        ("{owner:day(s)}", "a rule's sentence cannot show 'owner' as 'day(s)'"),
    ],
)
def test_words_that_are_no_sentence_are_refused(words: Any, problem: str) -> None:
    assert refused(lambda: judged(words=words)).startswith(problem)


@pytest.mark.parametrize(
    "passes",
    [
        lambda _: True,
        lambda events: (events["price"] < 30).to_numpy(),
        lambda events: (events["price"] < 30).iloc[1:],
        lambda events: (events["price"] < 30).sort_values(),
        lambda events: events["price"],
    ],
)
def test_a_rule_must_answer_for_each_event(passes: Any) -> None:
    assert refused(lambda: judged(passes=passes)) == (
        "the rule cheap must say yes or no of each event, under the index of the events"
    )


def test_a_bug_in_a_rule_or_a_feature_is_told_with_its_line() -> None:
    told = refused(lambda: judged(passes=lambda events: events["price"] < 1 // 0))
    assert told.startswith("the rule cheap has a bug (test_own_rules.py, line ")
    assert told.endswith("): ZeroDivisionError: integer division or modulo by zero")
    told = refused(lambda: judged(words=lambda events: ((True, text.no_such_thing) for text in ["a"])))
    assert told.startswith("the rule cheap has a bug (test_own_rules.py, line ")
    told = refused(lambda: judged(features={"odd": lambda events, _: events["price"].no_such_thing}))
    assert told.startswith("the feature odd has a bug (test_own_rules.py, line ")
    assert told.endswith("): AttributeError: 'Series' object has no attribute 'no_such_thing'")


def test_a_rule_that_looks_at_a_column_that_is_none_names_it() -> None:
    assert refused(lambda: judged(passes=lambda events: events["prise"] < 30)) == (
        "the rule cheap looks at 'prise', which is neither a column of the events nor one of its features"
    )


@pytest.mark.parametrize(
    "feature",
    [
        lambda *_: 1.0,
        lambda *_: None,
        lambda events, _: events["price"].iloc[:-1],
        lambda events, _: events["price"].sort_values(),
        lambda events, _: events["owner"],
    ],
)
def test_a_feature_must_give_each_event_its_number(feature: Any) -> None:
    assert refused(lambda: judged(features={"mine": feature})) == (
        "the feature mine must give one number for each event, under the index of the events"
    )


def test_numbers_under_other_labels_are_found_by_the_contract() -> None:
    """Where a table is numbered from 0 nobody can see them; the contract numbers its own otherwise."""
    mine = follow(cheap(features={"mine": counted}))
    with pytest.raises(AssertionError, match=r"^the feature mine must give one number"):
        check_strategy(mine, EVENTS)


@pytest.mark.parametrize("name", ["price", "side", "event_key", "owner_id", "decision"])
def test_a_feature_is_no_column_that_the_events_have(name: str) -> None:
    assert refused(lambda: follow(cheap(features={name: lambda events, _: events["price"]}))) == (
        f"the events have a column {name!r} already; give the feature another name"
    )


@pytest.mark.parametrize(
    ("rules", "hint"),
    [
        ([[open_market]], "found list"),
        ([more_than], "if more_than makes one, call it: more_than(...)"),
        ([None], "found NoneType"),
    ],
)
def test_a_strategy_follows_rules_only(rules: Any, hint: str) -> None:
    assert refused(lambda: follow(*rules)) == f"a strategy follows rules, one after the other; {hint}"


def test_a_rule_is_made_of_rules_only_and_sees_what_they_look_at() -> None:
    assert refused(lambda: cheap(parts=("a",))).endswith("found str")
    both = cheap(features={"mine": lambda events, _: events["price"]}, parts=(cheap(features={"mine": counted}),))
    assert refused(lambda: follow(both)).startswith("two rules call different features 'mine'")
    dear = Rule(
        name="dear",
        passes=lambda events: events["twice"] > 9,
        words="{twice:.2}",
        features={"twice": lambda events, _: 2 * events["price"]},
    )
    (told,) = follow(cheap(parts=(dear,))).checks(EVENTS.head(1))[0]
    assert told.parts[0].inputs == {"twice": 2 * EVENTS["price"].iloc[0]}


def test_there_may_be_any_number_of_rules() -> None:
    many = follow(*[open_market] * 300, cheap())(EVENTS)
    pd.testing.assert_series_equal(many["rule"], follow(open_market, cheap())(EVENTS)["rule"])


@pytest.mark.parametrize("rule", [clustered(days=2 * 10**8), first_buy(years=1e9), first_buy(years=float("inf"))])
def test_a_window_longer_than_all_history_is_all_of_it(rule: Rule) -> None:
    judged = follow(rule)(EVENTS)
    assert set(judged["rule"]) <= {rule.name, "", "open_market"}


def test_holdings_are_those_before_or_after() -> None:
    for make in (lambda: fraction_of_holdings("befor"), lambda: more_than("1%", base="now")):  # type: ignore[arg-type]
        assert refused(make).startswith("holdings are those before or after the trade (found '")


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (None, "the strategy must return the events with its verdicts (found NoneType)"),
        (EVENTS, "the strategy's table lacks the column 'decision': return the events with its verdicts"),
    ],
)
def test_what_a_strategy_returns_has_verdicts(table: Any, problem: str) -> None:
    assert refused(lambda: of_news(table, 1)) == problem


@pytest.mark.parametrize("rule", ["", None, float("nan")])
def test_a_strategy_skips_nothing_without_a_rule(rule: Any) -> None:
    one = event()
    table = pd.DataFrame({"event_key": [one.key], "decision": ["skip"], "rule": [rule], "reason": ["why not"]})
    assert refused(lambda: decided([one], table)) == (
        "the strategy skips an event by no rule: name the one that refused"
    )


def test_the_contract_says_what_came_back_instead_of_a_table() -> None:
    with pytest.raises(AssertionError, match=r"it must return the events with its verdicts \(found None\)"):
        check_strategy(lambda *_: None, EVENTS)  # type: ignore[arg-type, return-value]
