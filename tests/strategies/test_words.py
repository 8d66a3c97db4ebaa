"""Sentences with a row's own numbers: every form, missing values, and the same words for one row and for many."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from strategies import kernels, texts
from strategies.texts import gathered
from strategies.words import columns_of, percent, written

NUMBERS = st.none() | st.floats(-1e12, 1e12) | st.sampled_from([0.0, -0.0, -0.001, 0.5, 1.5, 2.5, 999.5, 1e15, 1e300])
TABLES = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", None]),
        st.sampled_from(["Chief {Officer}", "Director, 'M&A'", "Président\n財務", None]),
        NUMBERS,
        st.none() | st.integers(0, 40),
        st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001
    ),
    min_size=1,
    max_size=30,
)
SENTENCES = (
    "{side:buy=bought|=sold} by {title!r}",
    "{shares:,} shares ({shares:.2}), {share:%} of all, {days:day(s)} later",
    "{side}: {title}; known at {known_at:minute}, traded on {known_at:date}",
    "nothing of its own",
)


def table_of(rows):
    sides, titles, shares, days, known = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "side": pd.Series(sides, dtype="str"),
            "title": pd.Series(titles, dtype="str"),
            "shares": pd.Series(shares, dtype="float64"),
            "share": pd.Series(shares, dtype="float64") / 1e6,
            "days": pd.Series(days, dtype="float64"),
            "known_at": pd.Series([at and at.replace(tzinfo=UTC) for at in known], dtype="datetime64[us, UTC]"),
        }
    )


def said(table, *cases):
    rows = np.arange(len(table))
    return gathered([*written(table, cases, rows)], len(rows)).tolist()


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("{shares:,} shares", "1,234,568 shares"),
        ("{shares:.2} shares", "1,234,567.5 shares"),
        ("{share:.2} of a million", "1.23 of a million"),
        ("{share:%}", "123.46 %"),
        ("{days:business day(s)}", "1 business day"),
        ("{known_at:minute} UTC", "2026-03-02 22:01 UTC"),
        ("{known_at:date}", "2026-03-02"),
        ("{side:buy=bought|=sold}", "bought"),
        ("{side:sell=sold|=other}", "other"),
        ("{side:buy=bought -> up|=sold}", "bought -> up"),
        ("{title!r}", "\"Director, 'M&A'\""),
        ("{title}", "Director, 'M&A'"),
    ],
)
def test_a_form_writes_a_value(sentence, words):
    known = datetime(2026, 3, 2, 22, 1, 59)  # noqa: DTZ001
    assert said(table_of([("buy", "Director, 'M&A'", 1_234_567.5, 1, known)]), (True, sentence)) == [words]


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("{shares:,}", "unknown"),
        ("{share:%}", "unknown"),
        ("{days:day(s)}", "unknown"),
        ("{known_at:minute}", "unknown unknown"),
        ("{side:buy=bought|=sold}", "sold"),
        ("{side:buy=bought}", "unknown"),
        ("{title!r}", "no title"),
    ],
)
def test_a_missing_value_is_said_to_be_missing(sentence, words):
    assert said(table_of([(None, None, None, None, None)]), (True, sentence)) == [words]


@given(TABLES, st.sampled_from(SENTENCES), st.sampled_from([1, 100]))
def test_many_rows_are_told_as_each_row_alone(rows, sentence, times):
    table = table_of(rows * times)
    alone = [said(table_of([row]), (True, sentence))[0] for row in rows] * times
    assert said(table, (True, sentence)) == alone
    assert said(table.astype({"side": "category", "title": "category"}), (True, sentence)) == alone


def test_a_category_that_no_row_has_is_not_written():
    days = pd.Categorical([1.0] * 20, categories=[1.0, np.inf])
    assert said(pd.DataFrame({"days": days}), (True, "{days:day(s)}")) == ["1 day"] * 20
    nobody = pd.Categorical([None] * 20, categories=["a"])
    assert said(pd.DataFrame({"days": nobody}), (True, "{days:day(s)}")) == ["unknown"] * 20


@given(TABLES, st.sampled_from(SENTENCES), st.sampled_from([1, 20]))
def test_compiled_or_one_by_one_the_words_are_the_same(rows, sentence, times):
    pytest.importorskip("numba")
    table = table_of(rows * times)
    cases = [(table["days"] > 20, ""), (table["side"] == "buy", sentence), (table["days"] > 10, "élu « " + sentence)]
    one_by_one = said(table, *cases)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "LONG", 0)
        patch.setattr(texts, "MANY", 0)
        assert said(table, *cases) == one_by_one


@given(TABLES)
def test_a_row_falls_under_its_first_case_and_without_one_nothing_is_said(rows):
    table = table_of(rows)
    cases = [(table["days"] > 20, "late"), (table["side"] == "buy", "bought"), (table["days"] > 10, "later")]
    expected = [
        "late" if (row[3] or 0) > 20 else "bought" if row[0] == "buy" else "later" if (row[3] or 0) > 10 else ""
        for row in rows
    ]
    assert said(table, *cases) == expected


def test_a_condition_may_be_an_array():
    table = table_of([("buy", None, 1.0, None, None), ("sell", None, None, None, None)])
    cases = [((table["side"] == "buy").to_numpy(), "bought"), ((table["shares"] > 0).array, "never"), (True, "sold")]
    assert said(table, *cases) == ["bought", "sold"]


@given(st.floats(0, 10), st.integers(0, 10**6))
def test_a_share_is_shown_on_the_side_of_what_is_asked_for_where_it_is(share, millionths):
    least = millionths / 10**6
    table = table_of([("buy", None, 1.0, None, None)]).assign(share=[share])
    asked = shown(percent(least))
    (above,), (from_it_on,) = (said(table, (True, f"{{share:%{limit}{least!r}}}")) for limit in (">", ">="))
    if abs(share - least) > 1e-9:  # nearer than that is the noise of a float
        assert (shown(above) > asked) == (share > least)
        assert (shown(from_it_on) >= asked) == (share >= least)
    assert {abs(shown(text) - Decimal(share) * 100) <= Decimal("0.0151") for text in (above, from_it_on)} == {True}


@pytest.mark.parametrize(
    ("share", "words"), [(0.01004, "1.01 %"), (0.01, "1 %"), (0.00997, "1 %"), (0.0123, "1.23 %"), (np.inf, "inf %")]
)
def test_what_is_more_than_one_percent_is_not_said_to_be_one_percent(share, words):
    table = table_of([("buy", None, 1.0, None, None)]).assign(share=[share])
    assert said(table, (True, "{share:%>0.01}")) == [words]


@pytest.mark.parametrize(
    ("asked", "words"), [(0.00125, "0.125 %"), (0.00004, "0.004 %"), (0.07, "7 %"), (12.0, "1,200 %")]
)
def test_what_is_asked_for_is_written_in_full(asked, words):
    assert percent(asked) == words


def shown(text):
    """The number that a percentage says."""
    return Decimal(text.removesuffix(" %").replace(",", ""))


def test_a_share_beyond_all_bounds_is_written():
    table = table_of([("buy", None, 1.0, None, None)]).assign(share=[np.inf])
    assert said(table, (True, "{share:%}")) == ["inf %"]


@pytest.mark.parametrize("number", [-0.0, -0.00001])
def test_nothing_is_not_less_than_nothing(number):
    table = table_of([("buy", None, number, None, None), ("buy", None, None, None, None)]).assign(share=number)
    assert said(table, (True, "{shares:,}, {share:%}")) == ["0, 0 %", "unknown, 0 %"]


@pytest.mark.parametrize(
    ("sentence", "named"),
    [("{shoes}", "'shoes'"), ("{shares:dozens}", "'dozens'"), ("{}", "'{}'"), ("in {:%}", "'in {:%}'")],
)
def test_an_unknown_column_or_form_is_refused_by_its_name(sentence, named):
    with pytest.raises(ConfigError, match=named):
        said(table_of([("buy", None, 1.0, None, None)]), (True, sentence))


def test_a_sentence_names_its_columns_once():
    assert columns_of("{known_at:minute}: {shares:,} of {known_at:date}, 5 %") == ["known_at", "shares"]
