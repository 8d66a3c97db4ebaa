from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Position, Side, Skip, Terms
from bot.sizing import Size, size

from .builders import quote

AMOUNTS = st.decimals(min_value="0.01", max_value=10**6, places=2)
HELD = Position(symbol="NWRB", quantity=Decimal(24), average_price=Decimal(40), currency="USD")


def sized(side=Side.BUY, **changes):
    facts = {"quote": quote(), "position": None, "currency": "USD", "notional": Decimal(1000), "terms": Terms()}
    return size(side, **(facts | changes))


def test_a_buy_takes_as_many_whole_shares_as_the_amount_pays():
    found = sized(terms=Terms(fee=Decimal(1)))
    assert found == Size(
        quantity=Decimal(24),
        value=Decimal("960.48"),
        cost=Decimal("961.48"),
        words="1,000.00 USD at an ask of 40.02 USD: 24 whole shares, 961.48 USD with fee",
    )


def test_an_amount_that_is_just_enough_is_spent_to_the_last_cent():
    assert sized(quote=quote(ask=Decimal(250))).quantity == 4


def test_a_large_size_is_told_in_plain_digits():
    found = sized(quote=quote(bid=Decimal(1), ask=Decimal(1)), notional=Decimal("1E+5"))
    assert "100000 whole shares" in found.words


@pytest.mark.parametrize(
    ("changes", "rule", "words", "final"),
    [
        ({"quote": None}, "no_quote", "no quote", False),
        ({"quote": quote(ask=Decimal(0))}, "no_quote", "no quote", False),
        ({"quote": quote(bid=Decimal(0))}, "no_quote", "no quote", False),
        ({"quote": quote(currency="EUR")}, "no_quote", "quoted in EUR and the account is in USD", False),
        ({"quote": quote(ask=Decimal("1000.01"))}, "limit", "do not buy one whole share", True),
        ({"terms": Terms(minimum=Decimal(961))}, "limit", "worth 960.48 USD; the broker takes no order below", True),
    ],
)
def test_a_buy_that_cannot_be_is_skipped_with_its_reason(changes, rule, words, final):
    found = sized(**changes)
    assert isinstance(found, Skip)
    assert (found.rule, found.final) == (rule, final)
    assert words in found.reason


def test_an_order_of_exactly_the_least_value_is_placed():
    assert isinstance(sized(terms=Terms(minimum=Decimal("960.48"))), Size)


def test_a_sale_closes_the_position_and_costs_nothing():
    found = sized(Side.SELL, position=HELD)
    assert (found.quantity, found.value, found.cost) == (24, Decimal("959.52"), 0)
    assert found.words == "sell all 24 shares bought, bid 39.98 USD"


@pytest.mark.parametrize(
    "position", [None, Position(symbol="NWRB", quantity=Decimal(0), average_price=Decimal(0), currency="USD")]
)
def test_nothing_is_sold_short(position):
    found = sized(Side.SELL, position=position, quote=None)
    assert isinstance(found, Skip)
    assert found.rule == "not_held"


@pytest.mark.parametrize("unquoted", [None, quote(currency="EUR")])
def test_a_sale_waits_for_a_quote(unquoted):
    found = sized(Side.SELL, position=HELD, quote=unquoted)
    assert isinstance(found, Skip)
    assert (found.rule, found.final) == ("no_quote", False)


@given(ask=AMOUNTS, notional=AMOUNTS, fee=st.decimals(min_value=0, max_value=100, places=2))
def test_a_buy_never_spends_more_than_its_amount(ask, notional, fee):
    found = sized(quote=quote(ask=ask), notional=notional, terms=Terms(fee=fee))
    if isinstance(found, Size):
        assert found.quantity == int(found.quantity) >= 1
        assert found.quantity * ask == found.value <= notional < (found.quantity + 1) * ask
        assert found.cost == found.value + fee
    else:
        assert ask > notional
