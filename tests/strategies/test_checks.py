"""What every rule of a stack says of every event, for explaining: words, verdict and the numbers it looked at."""

import inspect
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.plugins import installed
from strategies.composed import all_of, any_of, not_
from strategies.rules import (
    Rule,
    Stack,
    bought_only,
    filed_within,
    follow,
    more_than,
    not_planned,
    officers_only,
    on_time,
    open_market,
    sold_only,
    worth,
)
from strategies.stack import Check
from tests.builders import FEW, KNOWN_AT, NOW, events, trade
from tests.strategies.test_market_rules import BARS, SIZES

STACK = follow(open_market, officers_only, any_of(worth(50_000), not_(more_than("5%"))), filed_within(days=5))
ROWS = st.builds(
    trade,
    code=st.sampled_from("PSM"),
    symbol=st.sampled_from(["NWRB", "HLCN"]),
    is_officer=st.none() | st.booleans(),
    traded_on=st.none() | st.dates(date(2026, 2, 16), date(2026, 3, 2)),
    shares=st.none() | st.sampled_from([Decimal(1), Decimal(100), Decimal(5000)]),
    shares_after=st.none() | st.sampled_from([Decimal(0), Decimal(100), Decimal(10_000)]),
)


def test_a_check_tells_the_words_and_what_was_looked_at_as_plain_values():
    (checks,) = follow(officers_only, worth(50_000), filed_within(days=5)).checks(events(trade()), NOW)
    assert checks == (
        Check(
            name="officers_only",
            passed=True,
            words="'Chief Financial Officer' is an officer (cfo)",
            inputs={"is_officer": True, "role": "cfo", "title": "Chief Financial Officer"},
            asked={},
        ),
        Check(
            name="worth",
            passed=False,
            words="worth 40,000 USD (asked for: at least 50,000)",
            inputs={"value_usd": 40_000.0},
            asked={"least": 50_000},
        ),
        Check(
            name="filed_within",
            passed=True,
            words="traded on 2026-02-27, filed on 2026-03-02, 1 business day later (asked for: at most 5)",
            inputs={"days_to_file": 1.0, "filed_on": date(2026, 3, 2), "traded_on": date(2026, 2, 27)},
            asked={"days": 5},
        ),
    )


def test_a_rule_tells_what_it_reads_also_where_it_has_nothing_to_say():
    ((market, planned),) = follow(open_market, not_planned).checks(events(trade(plan_10b5_1=True)), NOW)
    assert market.inputs == {"code": "P", "form": "4", "side": "buy"}
    assert (planned.words, planned.inputs) == ("", {"side": "buy", "plan_10b5_1": True})


def test_a_rule_that_is_made_of_rules_tells_what_each_of_them_says():
    either = any_of(worth(50_000), not_(all_of(more_than("5%"), officers_only), name="modest"))
    ((told,),) = follow(either).checks(events(trade(shares_after=Decimal(100_000))), NOW)
    assert [(part.name, part.passed, part.asked) for part in told.parts] == [
        ("worth", False, {"least": 50_000}),
        ("modest", True, {}),
    ]
    (inner,) = told.parts[1].parts
    assert [(part.name, part.passed, part.asked) for part in inner.parts] == [
        ("more_than", False, {"share": 0.05, "base": "before"}),
        ("officers_only", True, {}),
    ]


@pytest.mark.parametrize("name", sorted(installed("rules")))
def test_every_parameter_of_a_rule_of_ours_is_told_with_what_it_was_asked(name: str):
    made = installed("rules")[name]()
    if isinstance(made, Rule):
        return
    tables = {"bars": BARS, "sizes": SIZES}
    parameters = inspect.signature(made).parameters
    given = {
        key: tables.get(key, "3%" if key in {"share", "by"} else 3)
        for key, each in parameters.items()
        if each.default is each.empty
    }
    assert made(**given).asked.keys() == parameters.keys() - tables.keys()


def test_instants_lists_and_what_is_missing_are_plain_too():
    shows = Rule(name="shows", passes=lambda table: table["title"].isna(), words="{known_at:minute} {title} {keys}")
    ((check,),) = follow(shows).checks(events(trade(title=None, key="k")), NOW)
    assert check.inputs == {"known_at": datetime(2026, 3, 2, 22, 3, tzinfo=UTC), "title": None, "keys": ("k",)}
    assert type(check.inputs["known_at"]) is type(KNOWN_AT)


@FEW
@given(st.lists(ROWS, max_size=5), st.sampled_from([None, NOW]))
def test_the_checks_are_the_verdict_in_detail(rows, as_of):
    table = events(*rows)
    judged = STACK(table, as_of)
    checks = STACK.checks(table, as_of)
    assert len(checks) == len(table)
    for told, (_, row) in zip(checks, judged.iterrows(), strict=True):
        assert [check.name for check in told] == [rule.name for rule in STACK.rules]
        refusing = next((check for check in told if not check.passed), None)
        assert row["rule"] == (refusing.name if refusing else "")
        assert row["reason"] == (refusing.words if refusing else "; ".join(check.words for check in told))


def test_what_has_no_side_cannot_be_followed_whatever_the_rules():
    judged = follow(officers_only)(events(trade(code="M"), trade()), NOW)
    assert judged[["decision", "rule"]].to_numpy().tolist() == [["skip", "open_market"], ["buy", ""]]
    assert judged["reason"].tolist() == [
        "an option exercise (code M), not an open-market purchase or sale",
        "'Chief Financial Officer' is an officer (cfo)",
    ]


def test_no_events_and_no_rules_have_no_checks():
    assert STACK.checks(events()) == []
    assert follow().checks(events(trade())) == [()]


def test_a_stack_is_its_rules():
    assert follow(open_market, officers_only) == Stack((open_market, officers_only))
    assert STACK.rules[1] is officers_only


# The rules of the row itself that came with them.


def decided(rule: Rule, **changes) -> tuple[str, str]:
    judged = follow(rule)(events(trade(**changes)), NOW).iloc[0]
    return judged["decision"], judged["reason"]


@pytest.mark.parametrize(
    ("rule", "code", "decision", "words"),
    [
        (bought_only, "P", "buy", "a purchase"),
        (bought_only, "S", "skip", "a sale"),
        (bought_only, "M", "skip", "neither a purchase nor a sale on the open market"),
        (sold_only, "S", "sell", "a sale"),
        (sold_only, "P", "skip", "a purchase"),
        (not_(bought_only), "S", "sell", "a sale"),
        (not_(bought_only), "M", "skip", "neither a purchase nor a sale on the open market"),
    ],
)
def test_one_side_only(rule, code, decision, words):
    assert decided(rule, code=code) == (decision, words)


@pytest.mark.parametrize(
    ("changes", "decision", "words"),
    [
        ({}, "buy", "worth 40,000 USD (asked for: at least 40,000)"),
        ({"value": Decimal("39999.996")}, "skip", "worth 39,999.99 USD (asked for: at least 40,000)"),
        ({"value": None}, "buy", "worth 40,000 USD (asked for: at least 40,000)"),
        ({"value": None, "price": None}, "skip", "what it was worth in USD is unknown"),
        ({"currency": "EUR"}, "skip", "what it was worth in USD is unknown"),
    ],
)
def test_worth_is_in_dollars(changes, decision, words):
    assert decided(worth(40_000), **changes) == (decision, words)


@pytest.mark.parametrize(
    ("traded_on", "decision", "words"),
    [
        (date(2026, 2, 26), "buy", "filed 2 business days after the trade, 0 business days late (asked for: at most 2"),
        (date(2026, 2, 25), "skip", "filed 3 business days after the trade, 1 business day late (asked for: at most 2"),
        (date(2026, 3, 4), "skip", "filed on 2026-03-02, before it was traded on 2026-03-04"),
        (None, "skip", "the source does not say when it was traded or filed"),
    ],
)
def test_on_time_is_within_the_legal_deadline(traded_on, decision, words):
    found, why = decided(on_time(), traded_on=traded_on)
    assert found == decision
    assert why.startswith(words)
    assert decided(on_time(deadline=3), traded_on=date(2026, 2, 25))[0] == "buy"


@pytest.mark.parametrize("share", ["lots", "-1%", "", "%", -0.5, "inf", float("nan")])
def test_what_is_no_share_is_refused_in_one_sentence(share):
    with pytest.raises(ConfigError, match=r"is not a share: write 1% or 0\.01$"):
        more_than(share)
