"""The contract that every strategy keeps: ours do, and one that breaks a promise is told which."""

from datetime import datetime

import pandas as pd
import pytest

from bot.contract import check_strategy
from bot.demo.history import made_up
from bot.ports import Strategy
from strategies.activity import cluster_size
from strategies.company_rules import among_best, clustered, convinced
from strategies.composed import any_of, not_
from strategies.features import reaching
from strategies.person_rules import first_buy, largest, opportunistic, senior
from strategies.rules import Rule, filed_within, follow, known_within, more_than, on_time, open_market, worth

EVENTS = made_up(seed=3, rows=400, years=2)


@pytest.mark.parametrize(
    "stack",
    [
        follow(open_market, any_of(clustered(owners=2), among_best(places=3)), known_within(sessions=3)),
        follow(open_market, convinced(12.0), any_of(first_buy(years=1), largest, not_(opportunistic()))),
        follow(senior(), not_(worth(50_000)), more_than("1%"), on_time(), filed_within(days=5)),
    ],
    ids=["activity", "habits", "rows"],
)
def test_stacks_of_our_rules_keep_the_contract(stack: Strategy) -> None:
    check_strategy(stack)


def test_what_is_no_strategy_is_told_so() -> None:
    with pytest.raises(AssertionError, match=r"^a strategy is a function .* \(found 3\)$"):
        check_strategy(3)  # type: ignore[arg-type]


def test_a_rule_that_is_wrong_breaks_the_contract_in_its_own_words() -> None:
    wrong = Rule(name="wrong", passes=lambda events: events["nowhere"] > 0, words="no")
    with pytest.raises(AssertionError, match=r"^the rule wrong looks at 'nowhere', which is neither"):
        check_strategy(follow(wrong))


def test_a_feature_may_be_of_no_kind_where_there_are_no_events() -> None:
    letters = Rule(
        name="short",
        passes=lambda events: events["letters"] < 9,
        words="{letters:letter(s)}",
        features={
            "letters": lambda events, _: pd.Series([len(x) for x in events["issuer_cik"].astype(str)], events.index)
        },
    )
    check_strategy(follow(letters))


def judged(events: pd.DataFrame, **verdict: object) -> pd.DataFrame:
    return events.assign(**({"decision": "skip", "rule": "mine", "reason": "why not"} | verdict))


def forgets_rows(events: pd.DataFrame, _: object) -> pd.DataFrame:
    return judged(events).iloc[1:]


def numbers_anew(events: pd.DataFrame, _: object) -> pd.DataFrame:
    return judged(events).reset_index(drop=True)


def loses_a_column(events: pd.DataFrame, _: object) -> pd.DataFrame:
    return judged(events).drop(columns="event_key")


def has_no_reason_column(events: pd.DataFrame, _: object) -> pd.DataFrame:
    return judged(events).drop(columns="reason")


def holds(events: pd.DataFrame, _: object) -> pd.DataFrame:
    return judged(events, decision="hold")


def decides_nothing(events: pd.DataFrame, _: object) -> pd.DataFrame:
    return judged(events, decision=None)


def names_no_rule(events: pd.DataFrame, _: object) -> pd.DataFrame:
    return judged(events, rule="")


def gives_no_reason(events: pd.DataFrame, _: object) -> pd.DataFrame:
    return judged(events, reason="")


def writes_into_its_table(events: pd.DataFrame, _: object) -> pd.DataFrame:
    events["rule"] = "mine"
    return judged(events)


def fails_without_events(events: pd.DataFrame, _: object) -> pd.DataFrame:
    return judged(events, reason=f"after {events['known_at'].iloc[0]:%Y}" if len(events) else "none").head(
        len(events) or 1 / 0  # type: ignore[arg-type]
    )


def looks_at_the_row_above(events: pd.DataFrame, _: object) -> pd.DataFrame:
    return judged(events, reason="the one before is " + events["event_key"].shift(fill_value="none"))


def looks_ahead(events: pd.DataFrame, _: object) -> pd.DataFrame:
    last = events.groupby("issuer_id")["known_at"].transform("max")
    return judged(events, reason="the last one is of " + last.astype("str"))


def looks_at_what_was_amended_later(events: pd.DataFrame, _: object) -> pd.DataFrame:
    return judged(events, reason="amended: " + events["superseded_at"].notna().astype("str"))


def looks_back_for_years(events: pd.DataFrame, _: object) -> pd.DataFrame:
    bought = events["known_at"].where(events["side"] == "buy")
    first = bought.groupby(events["issuer_id"]).transform("min")
    known = first.where(first <= events["known_at"])
    return judged(events, reason="the first was bought on " + known.astype("str").fillna("a day to come"))


@reaching(company=20)
def buyers(events: pd.DataFrame, as_of: datetime | None) -> "pd.Series[float]":
    return cluster_size(60)(events, as_of)


ALONE = Rule(
    name="alone", passes=lambda events: events["buyers"] == 1, words="{buyers:buyer(s)}", features={"buyers": buyers}
)


class SaysSomethingElse:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, events: pd.DataFrame, _: object) -> pd.DataFrame:
        self.asked += 1
        return judged(events, reason=f"asked {self.asked} times")


@pytest.mark.parametrize(
    ("strategy", "problem"),
    [
        (forgets_rows, "it must return every row"),
        (numbers_anew, "it must return every row"),
        (loses_a_column, "its table lacks the column 'event_key'"),
        (has_no_reason_column, "its table lacks the column 'reason'"),
        (holds, "only buy, sell and skip are decisions (found 'hold')"),
        (decides_nothing, "only buy, sell and skip are decisions"),
        (names_no_rule, "a skip must name the rule that refused"),
        (gives_no_reason, "a skip must have a reason"),
        (writes_into_its_table, "it changes the table it is given"),
        (SaysSomethingElse(), "it says something else when asked again"),
        (looks_at_the_row_above, "it depends on the order of the rows"),
        (looks_ahead, "what became known after"),
        (looks_at_what_was_amended_later, "what became known after"),
        (looks_back_for_years, "it looks further back than it is shown"),
        (follow(open_market, ALONE), "it looks further back than it is shown"),
    ],
)
def test_whoever_breaks_a_promise_is_told_which(strategy: Strategy, problem: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_strategy(strategy, EVENTS)
    assert str(caught.value).startswith(problem)


def test_a_strategy_is_asked_about_no_events_too() -> None:
    with pytest.raises(AssertionError, match=r"^it cannot judge a table of events: ZeroDivisionError"):
        check_strategy(fails_without_events, EVENTS)


def test_who_hands_in_a_factory_is_told_to_call_it() -> None:
    def factory(_: object) -> Strategy:
        return follow(open_market)

    with pytest.raises(AssertionError, match=r"TypeError: .*; hand in the strategy that your factory returns$"):
        check_strategy(factory, EVENTS)  # type: ignore[arg-type]
