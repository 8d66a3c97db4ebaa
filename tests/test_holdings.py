"""What a person holds, from the lines of filings that were read themselves."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.holdings import total
from bot.model import InsiderTrade

from .test_filings_events import FIRST, SECOND, filed, holding


def line(number: int, code: str, shares: int, after: int | None, accession: str = FIRST, **changes) -> InsiderTrade:
    left = None if after is None else Decimal(after)
    return filed(number, accession, code=code, shares=Decimal(shares), shares_after=left, **changes)


INDIRECT = {"ownership": "I"}
EARLIER = {"traded_on": date(2026, 2, 26)}


@pytest.mark.parametrize(
    ("lines", "before", "after"),
    [
        # one line, chained in its filing's order or by its balances
        ([line(1, "P", 100, 1100), line(2, "P", 50, 1150)], 1000, 1150),
        ([line(1, "S", 50, 850), line(2, "S", 100, 900)], 1000, 850),
        ([line(1, "S", 100, 900), line(2, "P", 60, 960)], 1000, 960),
        ([line(1, "M", 500, 1500), line(2, "S", 500, 1000)], 1000, 1000),
        ([line(1, "P", 100, 200), line(2, "P", 100, 300, **EARLIER)], 100, 300),
        # direct and indirect lines that are near each other add up
        ([line(1, "P", 100, 1100), line(2, "P", 100, 1150, **INDIRECT)], 2050, 2250),
        ([line(1, "P", 100, 1100, **INDIRECT), line(2, "P", 100, 1150, **INDIRECT)], 2050, 2250),
        # direct lines that leave gaps are one line all the same
        ([line(1, "S", 100, 700), line(2, "S", 100, 700)], 900, 700),
        ([line(1, "M", 600, 1600), line(2, "S", 6, 1000), line(3, "S", 50, 1000)], 1050, 1000),
        # holdings count before and after
        ([line(1, "P", 100, 1100), holding(1, 250, ownership="I"), holding(2, 250, ownership="I")], 1500, 1600),
        ([line(1, "P", 100, 1100), holding(1, 7)], 1007, 1107),
        ([line(1, "S", 100, 700), line(2, "S", 100, 700), holding(1, 7)], 907, 707),
        # and once, when the filings of a day repeat them
        (
            [
                *(line(1, "P", 100, 1100), holding(1, 250, ownership="I")),
                *(line(1, "P", 50, 1150, SECOND), holding(1, 250, SECOND, ownership="I")),
            ],
            1250,
            1400,
        ),
        ([line(1, "P", 100, 1100), line(1, "P", 9, 90, SECOND, **INDIRECT), holding(1, 1100, SECOND)], 1081, 1190),
        ([holding(1, 90, ownership="I"), line(1, "P", 9, 99, SECOND, **INDIRECT)], 90, 99),
        ([holding(1, 90)], 90, 90),
        # derivatives do not
        ([line(1, "P", 100, 1100), filed(1, kind="dt", shares_after=Decimal(9))], 1000, 1100),
        # not to be known
        ([], None, None),
        ([line(1, "P", 100, None)], None, None),
        ([line(1, "P", 100, 1100), holding(1, 0, shares_after=None)], None, None),
        ([line(1, "P", 100, 50)], None, None),
        ([line(1, "P", 100, 50, **INDIRECT)], None, None),
        ([line(1, "P", 100, 1100), line(2, "P", 100, 50, **INDIRECT)], None, None),
        ([line(1, "P", 100, 1100, acquired=None)], None, None),
    ],
)
def test_the_total_before_and_after_is_of_all_lines(lines, before, after):
    assert total(lines) == (before, after)


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.lists(st.integers(-(10**3), 10**3).filter(bool), max_size=4)),
        min_size=1,
        max_size=4,
        unique_by=lambda owned: owned[0] // 20_000,  # so far apart that no balance of one is another's
    )
)
def test_ownership_lines_that_never_meet_add_up(owned):
    lines, before, after = [], 0, 0
    for place, (start, steps) in enumerate(owned):
        held = start + 10_000
        before += held
        if not steps:
            lines.append(holding(place + 1, held, ownership="I"))
        for step in steps:
            held += step
            lines.append(line(len(lines) + 1, "P" if step > 0 else "S", abs(step), held, ownership="DI"[place > 0]))
        after += held
    assert total(lines) == (before, after)
