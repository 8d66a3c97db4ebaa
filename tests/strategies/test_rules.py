from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.events import as_table, find_events
from bot.model import InsiderTrade, Role
from bot.news import public_by
from bot.sessions import Sessions
from strategies.composed import all_of, any_of
from strategies.rules import (
    Rule,
    filed_within,
    follow,
    known_within,
    more_than,
    not_planned,
    officers_only,
    open_market,
)
from tests.builders import FEW, KNOWN_AT, NOW, events, table, trade

NEW_YORK = Sessions("XNYS")
STACK = (
    open_market,
    officers_only,
    more_than("1%"),
    known_within(sessions=3, venue=NEW_YORK),
    filed_within(days=5),
)
executives = follow(*STACK)


def verdict(row: InsiderTrade, *rules: Rule, as_of: datetime | None = NOW) -> tuple[str, str, str]:
    """The decision, the refusing rule and the reason for the event of one line."""
    judged = follow(*(rules or STACK))(events(row), as_of).iloc[0]
    return judged["decision"], judged["rule"], judged["reason"]


def test_what_passes_every_rule_is_followed_with_every_rule_s_words():
    assert verdict(trade()) == (
        "buy",
        "",
        "an open-market purchase; 'Chief Financial Officer' is an officer (cfo); "
        "1,000 shares bought of 10,000 held before = 10 %, basis = line (asked for: more than 1 %); "
        "public since 2026-03-02 22:03 UTC, 1 session ago (asked for: at most 3); "
        "traded on 2026-02-27, filed on 2026-03-02, 1 business day later (asked for: at most 5)",
    )
    assert verdict(trade(code="S", shares_after=Decimal(9000)))[0] == "sell"


@pytest.mark.parametrize(
    ("changes", "rule", "reason"),
    [
        ({"code": "M"}, "open_market", "an option exercise (code M), not an open-market purchase or sale"),
        ({"code": "A"}, "open_market", "an award (code A), not an open-market"),
        ({"code": "Z"}, "open_market", "a transaction (code Z), not an open-market"),
        ({"code": None, "form": "144"}, "open_market", "a notice of a proposed sale (Form 144), not a trade"),
        ({"code": None}, "open_market", "a transaction (code unknown), not an open-market"),
        (
            {"is_officer": False, "role": Role.DIRECTOR, "title": "Director"},
            "officers_only",
            "'Director' is not an officer (director)",
        ),
        (
            {"is_officer": None, "role": Role.UNKNOWN, "title": "See Remarks"},
            "officers_only",
            "'See Remarks' does not say whether this is an officer",
        ),
        ({"is_officer": None, "title": None}, "officers_only", "no title does not say whether this is an officer"),
        (
            {"shares": Decimal(100), "shares_after": Decimal(10_100)},
            "more_than",
            "100 shares bought of 10,000 held before = 1 %, basis = line (asked for: more than 1 %)",
        ),
        ({"shares_after": None}, "more_than", "1,000 shares bought, but the holdings before are unknown"),
        ({"shares_after": Decimal(5)}, "more_than", "1,000 shares bought, but the holdings before are unknown"),
        ({"known_at": None}, "known_within", "the source does not say when it became public"),
        (
            {"known_at": KNOWN_AT - timedelta(days=5)},
            "known_within",
            "public since 2026-02-25 22:03 UTC, 4 sessions ago (asked for: at most 3)",
        ),
        (
            {"known_at": NOW + timedelta(days=1)},
            "known_within",
            "public since 2026-03-04 15:00 UTC, after the instant of decision",
        ),
        (
            {"traded_on": date(2026, 2, 20)},
            "filed_within",
            "traded on 2026-02-20, filed on 2026-03-02, 6 business days later (asked for: at most 5)",
        ),
        ({"traded_on": date(2026, 3, 3)}, "filed_within", "-1 business days later"),
        ({"traded_on": None}, "filed_within", "the source does not say when it was traded or filed"),
    ],
)
def test_a_refusal_names_its_rule_and_the_row_s_own_numbers(changes, rule, reason):
    decision, refused_by, why = verdict(trade(**changes))
    assert (decision, refused_by) == ("skip", rule)
    assert reason in why


def test_the_first_rule_that_refuses_names_the_refusal():
    hopeless = trade(code="M", is_officer=False, shares_after=None, known_at=None, traded_on=None)
    assert verdict(hopeless)[1] == "open_market"
    assert verdict(hopeless, *reversed(STACK))[1] == "filed_within"


# The faults of the first tutorial, each by name.


def test_a_president_and_ceo_is_not_missed():
    """The tutorial looked for titles that are equal to one of its list."""
    row = trade(title="President & CEO", role=Role.CEO)
    assert verdict(row)[0] == "buy"


def test_a_full_liquidation_is_followed():
    """The tutorial divided by the total after the trade, and skipped the rows where that is 0."""
    row = trade(code="S", shares_after=Decimal(0))
    decision, _, reason = verdict(row)
    assert decision == "sell"
    assert "1,000 shares sold of 1,000 held before = 100 %" in reason
    decision, rule, reason = verdict(row, more_than("1%", base="after"))
    assert (decision, rule) == ("skip", "more_than")
    assert reason == "1,000 shares sold, none held after (asked for: more than 1 %)"


def test_one_filing_under_several_tickers_is_followed_once():
    rows = [trade(symbol=symbol) for symbol in ("NWRB", "NWRB-A", "NWRB-B")]
    assert executives(events(*rows), NOW)["decision"].tolist() == ["buy"]


# Shares of holdings.


def test_a_new_position_is_followed_and_said_to_be_one():
    decision, _, reason = verdict(trade(shares_after=Decimal(1000)))
    assert decision == "buy"
    assert "none held before: a new position" in reason


@pytest.mark.parametrize("after", [0, 10_000])
def test_exercise_and_sell_is_not_followed(after):
    rows = [trade(code="M", shares_after=Decimal(after + 1000)), trade(code="S", shares_after=Decimal(after))]
    judged = executives(events(*rows), NOW)
    assert judged["rule"].tolist() == ["open_market", "more_than"]
    words = "an exercise-and-sell" if after == 0 else "less 1,000 that came in by exercise or award with them"
    assert words in judged["reason"].iloc[1]


@pytest.mark.parametrize(
    ("after", "words"),
    [(Decimal(11_000), "11,000 held after = 9.09 %"), (None, "but the holdings after are unknown")],
)
def test_base_after_says_what_it_measured_by(after, words):
    assert words in verdict(trade(shares_after=after), more_than("1%", base="after"))[2]


@pytest.mark.parametrize("share", ["1%", "0.01", Decimal("0.01")])
@pytest.mark.parametrize(("shares", "decision"), [(100, "skip"), (101, "buy"), (99, "skip")])
def test_exactly_the_share_is_not_more_than_it(share, shares, decision):
    row = trade(shares=Decimal(shares), shares_after=Decimal(10_000 + shares))
    assert verdict(row, more_than(share))[0] == decision


@FEW
@given(st.integers(1, 10**6), st.integers(1, 50))
def test_exactly_the_share_is_not_more_than_it_whatever_the_size(shares, per_cent):
    def decided(more: int) -> str:
        sold = Decimal(per_cent * shares + more)
        row = trade(code="S", shares=sold, shares_after=100 * shares - sold)
        return verdict(row, more_than(f"{per_cent}%"))[0]

    assert (decided(0), decided(1)) == ("skip", "sell")


# Plans.


@pytest.mark.parametrize(
    ("code", "plan", "decision", "reason"),
    [
        ("S", True, "skip", "sold under a plan made in advance (Rule 10b5-1)"),
        ("S", False, "sell", "not sold under a plan made in advance (Rule 10b5-1)"),
        ("S", None, "sell", "nothing says that the sale was planned (Rule 10b5-1)"),
        ("P", True, "buy", ""),
        ("P", None, "buy", ""),
    ],
)
def test_a_planned_sale_is_not_followed_and_a_planned_purchase_is(code, plan, decision, reason):
    rule = "not_planned" if decision == "skip" else ""
    assert verdict(trade(code=code, plan_10b5_1=plan), not_planned) == (decision, rule, reason)


@pytest.mark.parametrize(("code", "kind"), [("P", "purchase"), ("S", "sale")])
def test_a_purchase_that_the_filing_calls_something_else_says_so(code, kind):
    words = f"a {kind} (code {code}) that the filing itself says was not one on the open market"
    assert verdict(trade(code=code, side=None)) == ("skip", "open_market", words)


# Sessions and days.


@pytest.mark.parametrize(("as_of", "decision"), [("2022-01-20 15:00", "buy"), ("2022-01-21 15:00", "skip")])
def test_news_of_a_friday_evening_is_fresh_for_three_sessions_after_the_holiday(as_of, decision):
    row = trade(known_at=datetime(2022, 1, 14, 21, 39, tzinfo=UTC))
    found = verdict(row, known_within(sessions=3, venue=NEW_YORK), as_of=datetime.fromisoformat(f"{as_of}+00:00"))
    assert found[0] == decision


def test_without_an_instant_every_row_is_judged_as_it_became_known():
    assert verdict(trade(), as_of=None)[0] == "buy"
    assert verdict(trade(known_at=KNOWN_AT - timedelta(days=3000)), as_of=None)[0] == "buy"
    assert verdict(trade(known_at=None), as_of=None)[1] == "known_within"


@pytest.mark.parametrize(("traded_on", "decision"), [(date(2026, 2, 23), "buy"), (date(2026, 2, 20), "skip")])
def test_five_business_days_are_not_too_late(traded_on, decision):
    assert verdict(trade(traded_on=traded_on), filed_within(days=5))[0] == decision


# The stack itself.


def test_an_empty_table_is_judged_too():
    judged = executives(events(), NOW)
    assert judged.empty
    assert {"decision", "rule", "reason", "fraction_of_holdings", "days_to_file"} <= set(judged.columns)
    assert executives(events(), None).empty


def test_the_events_themselves_are_left_alone():
    given_ = events(trade())
    before = given_.copy()
    executives(given_, NOW)
    pd.testing.assert_frame_equal(given_, before)


def test_a_rule_of_one_s_own_stacks_like_the_others():
    dear = Rule(name="dear", passes=lambda events: events["price"] > 50, words="{price:,} a share")
    assert verdict(trade(), open_market, dear) == ("skip", "dear", "40 a share")
    assert verdict(trade(price=Decimal(60)), open_market, dear)[0] == "buy"


OWNERS = st.sampled_from(["Okafor Adaeze M", "Lindqvist Marit", "Brandt Jonas"])
ROWS = st.builds(
    trade,
    code=st.sampled_from("PSM"),
    owner=OWNERS,
    symbol=st.sampled_from(["NWRB", "ACWI"]),
    is_officer=st.none() | st.booleans(),
    traded_on=st.none() | st.dates(date(2026, 2, 16), date(2026, 3, 2)),
    known_at=st.none() | st.datetimes(datetime(2026, 2, 24), datetime(2026, 3, 6), timezones=st.just(UTC)),  # noqa: DTZ001
    shares=st.none() | st.sampled_from([Decimal(1), Decimal(100), Decimal(5000)]),
    shares_after=st.none() | st.sampled_from([Decimal(0), Decimal(100), Decimal(10_000)]),
)
MOMENTS = st.none() | st.just(NOW)


@FEW
@given(st.lists(ROWS, max_size=6), MOMENTS)
def test_a_row_is_skipped_if_and_only_if_a_rule_is_named(rows, as_of):
    judged = executives(events(*rows), as_of)
    assert ((judged["decision"] == "skip") == (judged["rule"] != "")).all()
    assert (judged["reason"] != "").all()
    followed = judged[judged["rule"] == ""]
    assert (followed["decision"] == followed["side"]).all()


@FEW
@given(st.lists(ROWS, max_size=6), MOMENTS)
def test_a_row_is_followed_if_and_only_if_every_rule_alone_lets_it_pass(rows, as_of):
    table = events(*rows)
    judged = executives(table, as_of)
    alone = [follow(rule)(table, as_of)["rule"] for rule in STACK]
    for refusals, rule in zip(zip(*alone, strict=True), judged["rule"], strict=True):
        assert rule == next((name for name in refusals if name), "")


@FEW
@given(st.lists(ROWS, max_size=6))
def test_what_becomes_known_later_changes_no_earlier_verdict(rows):
    """No look-ahead: a plan sees what was public, and is the same whatever came after it."""
    public = [row for row in rows if row.known_at is None or row.known_at <= NOW]
    then = executives(events(*public), NOW)
    now = executives(as_table(find_events(public_by(table(*rows), NOW))), NOW)
    pd.testing.assert_frame_equal(then, now)


@FEW
@given(st.lists(ROWS, max_size=5), st.lists(ROWS, max_size=3))
def test_filings_of_later_days_change_no_verdict_of_earlier_ones(rows, later):
    """Over a whole history at once, too: each event is judged as it became known."""
    after = [
        row._replace(
            key=f"later {number}",
            shares=Decimal(3),
            filed_on=date(2026, 4, 1),
            known_at=KNOWN_AT + timedelta(days=30),
        )
        for number, row in enumerate(later)
    ]
    alone = executives(events(*rows), None).set_index("event_key")
    among = executives(events(*rows, *after), None).set_index("event_key")
    pd.testing.assert_frame_equal(among.loc[alone.index], alone)


def test_two_bases_in_one_stack_do_not_mix():
    """30 % of what was held before, 23 % of what is held after."""
    row = trade(shares=Decimal(3000), shares_after=Decimal(13_000), value=None)
    decision, _, reason = verdict(row, more_than("25%"), more_than("20%", base="after"))
    assert decision == "buy"
    assert "3,000 shares bought of 10,000 held before = 30 %" in reason
    assert "3,000 shares bought, 13,000 held after = 23.08 %" in reason
    decision, rule, reason = verdict(row, more_than("25%"), more_than("25%", base="after"))
    assert (decision, rule) == ("skip", "more_than")
    assert "13,000 held after" in reason


def test_two_features_of_one_name_are_a_mistake():
    with pytest.raises(ConfigError, match="fraction_of_holdings"):
        follow(
            more_than("1%"),
            replace(more_than("1%"), features={"fraction_of_holdings": lambda events, _: events["shares"]}),
        )


def test_two_rules_of_one_stack_may_ask_how_old_the_news_is():
    stack = follow(any_of(known_within(sessions=1), all_of(known_within(sessions=9), open_market)))
    assert stack(events(trade()), NOW)["decision"].tolist() == ["buy"]
