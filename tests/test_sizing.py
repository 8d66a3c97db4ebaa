import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.model import Position, Side, Skip, Terms
from bot.plain import plain
from bot.sizing import (
    CLOSES,
    MOST,
    EqualWeight,
    FixedNotional,
    FixedQuantity,
    InverseVolatility,
    Means,
    Size,
    Wanted,
    check,
    named,
    size,
    volatility,
)  # fmt: skip

from .builders import quote

AMOUNTS = st.decimals(min_value="0.01", max_value=10**6, places=2)
HELD = Position(symbol="NWRB", quantity=Decimal(24), average_price=Decimal(40), currency="USD")


def unasked():
    raise AssertionError("this sizing does not go by it")


def means(notional=1000, equity=unasked, closes=unasked):
    return Means(notional=Decimal(notional), equity=equity, closes=closes)


def sized(side=Side.BUY, **changes):
    facts = {
        "quote": quote(), "position": None, "currency": "USD", "terms": Terms(), "sizing": FixedNotional(),
        "means": means(),
    }  # fmt: skip
    return size(side, **(facts | changes))


def test_a_buy_takes_as_many_whole_shares_as_the_amount_pays():
    found = sized(terms=Terms(fee=Decimal(1)))
    assert found == Size(
        quantity=Decimal(24),
        value=Decimal("960.48"),
        cost=Decimal("961.48"),
        words="1,000.00 USD at an ask of 40.02 USD: 24 whole shares, 960.48 USD + 1.00 USD fee = 961.48 USD",
        figures={"notional": Decimal(1000), "ask": Decimal("40.02"), "currency": "USD", "fee": Decimal(1)},
    )


def test_an_amount_that_is_just_enough_is_spent_to_the_last_cent():
    assert sized(quote=quote(ask=Decimal(250))).quantity == 4


def test_a_large_size_is_told_in_plain_digits():
    found = sized(quote=quote(bid=Decimal(1), ask=Decimal(1)), means=means("1E+5"))
    assert "100000 whole shares" in found.words


@pytest.mark.parametrize(
    ("changes", "rule", "words", "final", "figures"),
    [
        ({"quote": None}, "no_quote", "no quote", False, {}),
        ({"quote": quote(ask=Decimal(0))}, "no_quote", "no quote", False, {}),
        ({"quote": quote(bid=Decimal(0))}, "no_quote", "no quote", False, {}),
        ({"quote": quote(currency="EUR")}, "no_quote", "quoted in EUR and the account is in USD", False, {}),
        (
            {"quote": quote(ask=Decimal("1000.01"))}, "limit", "do not buy one whole share", True,
            {"notional": "1000", "ask": "1000.01", "currency": "USD", "fee": "0"},
        ),
        (
            {"terms": Terms(minimum=Decimal(961))}, "limit", "worth 960.48 USD; the broker takes no order below", True,
            {"notional": "1000", "ask": "40.02", "currency": "USD", "fee": "0", "quantity": "24", "value": "960.48",
             "minimum": "961"},
        ),
    ],
)  # fmt: skip
def test_a_buy_that_cannot_be_is_skipped_with_its_reason(changes, rule, words, final, figures):
    found = sized(**changes)
    assert isinstance(found, Skip)
    assert (found.rule, found.final, plain(found.figures)) == (rule, final, figures)
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
    found = sized(quote=quote(ask=ask), means=means(notional), terms=Terms(fee=fee))
    if isinstance(found, Size):
        assert found.quantity == int(found.quantity) >= 1
        assert found.quantity * ask == found.value <= notional < (found.quantity + 1) * ask
        assert found.cost == found.value + fee
    else:
        assert ask > notional


# -- other ways to size a buy


def wild(part):
    """Closes that rise and fall by this part, day by day, and end where they began."""
    return [Decimal(100) * (1 + Decimal(part) * (day % 2)) for day in range(CLOSES + 5)]


def test_a_fixed_quantity_is_that_many_shares_whatever_they_cost():
    found = sized(sizing=FixedQuantity(10))
    assert (found.quantity, found.value) == (10, Decimal("400.20"))
    assert found.words == "10 shares at an ask of 40.02 USD: 10 whole shares, 400.20 USD"


def test_equal_weight_spends_one_part_of_what_the_account_is_worth():
    found = sized(sizing=EqualWeight(20), means=means(equity=lambda: Decimal(50_000)))
    assert found.quantity == 62
    assert found.words.startswith("1/20 of 50,000.00 USD, 2,500.00 USD at an ask of 40.02 USD: 62 whole shares, ")


def test_an_account_of_unknown_worth_has_no_equal_parts():
    found = sized(sizing=EqualWeight(20), means=means(equity=lambda: None))
    assert (found.rule, found.final) == ("no_quote", False)
    assert "what the account is worth is not known" in found.reason


def test_a_wilder_share_is_bought_for_less_at_the_same_risk():
    closes = wild("0.05")
    found = sized(sizing=InverseVolatility(Decimal("0.3")), means=means(closes=lambda: closes))
    daily = math.log(1.05)
    moves = [daily if day % 2 == 0 else -daily for day in range(5, CLOSES + 4)]
    middle = sum(moves) / len(moves)
    yearly = math.sqrt(sum((move - middle) ** 2 for move in moves) / (len(moves) - 1) * 252)
    assert float(volatility(closes[-CLOSES:])) == pytest.approx(yearly, abs=1e-6)
    assert found.quantity == int(1000 * 0.3 / yearly / 40.02)
    assert f"volatility {yearly:.1%}, target 30%, at most x 2), {1000 * 0.3 / yearly:,.2f} USD" in found.words


def test_a_calm_share_is_bought_for_twice_the_amount_at_most():
    found = sized(sizing=InverseVolatility(Decimal("0.3")), means=means(closes=lambda: wild("0.001")))
    assert found.quantity == 49
    assert "1,000.00 USD x 2.00 (" in found.words


@pytest.mark.parametrize(
    ("closes", "words"),
    [
        ([], "0 of its last 20 closes are known"),
        (wild("0.05")[: CLOSES - 1], "19 of its last 20 closes are known"),
        ([Decimal(40)] * CLOSES, "its closes are all one"),
    ],
)
def test_without_a_volatility_nothing_is_bought(closes, words):
    found = sized(sizing=InverseVolatility(Decimal("0.3")), means=means(closes=lambda: closes))
    assert found == Skip(rule="no_quote", reason=f"its volatility is not known: {words} (BOT_PRICES)", final=False)


SIZINGS = st.sampled_from([FixedNotional(), FixedQuantity(7), EqualWeight(20), InverseVolatility(Decimal("0.2"))])


@given(sizing=SIZINGS, ask=AMOUNTS, amount=AMOUNTS, part=st.sampled_from(["0.001", "0.03", "0.5"]))
def test_every_sizing_is_rounded_down_and_spends_no_more_than_it_says(sizing, ask, amount, part):
    asked = means(amount, equity=lambda: amount, closes=lambda: wild(part))
    wanted = sizing(quote(ask=ask), asked)
    assert isinstance(wanted, Wanted)
    assert wanted.shares <= max(Decimal(7), MOST * amount / ask)
    found = sized(quote=quote(ask=ask), sizing=sizing, means=asked)
    if isinstance(found, Size):
        assert found.quantity == int(wanted.shares) >= 1
        assert found.words.startswith(wanted.words)
    else:
        assert wanted.shares < 1


@pytest.mark.parametrize("sizing", [FixedNotional(), FixedQuantity(7), EqualWeight(20), InverseVolatility(Decimal(1))])
def test_however_buys_are_sized_a_sale_closes_the_position(sizing):
    assert sized(Side.SELL, position=HELD, sizing=sizing).quantity == 24


@pytest.mark.parametrize(
    ("text", "sizing"),
    [
        ("notional", FixedNotional()),
        ("quantity:10", FixedQuantity(10)),
        ("equal:20", EqualWeight(20)),
        ("volatility:30%", InverseVolatility(Decimal("0.3"))),
    ],
)
def test_a_sizing_is_named_by_its_setting(text, sizing):
    assert named(check(text), lambda spec: pytest.fail(f"{spec} is none of one's own")) == sizing


@pytest.mark.parametrize(
    "text",
    ["", "half", "notional:5", "quantity", "quantity:0", "quantity:-1", "quantity:1.5", "equal:0", "volatility:30"],
)
def test_what_names_no_sizing_is_refused_with_the_ways_to_write_it(text):
    with pytest.raises(ValueError, match=r"^write notional, quantity:10, equal:20, volatility:30% or your own module"):
        check(text)


def own(function):
    return named(check("mine:half"), {"mine:half": function}.__getitem__)


def test_a_sizing_of_one_s_own_is_asked_like_ours():
    half = own(lambda quote, means: Wanted(means.notional / 2 / quote.ask, "half of the\nusual amount", {"half": 2}))
    found = sized(sizing=half)
    assert found.words == "half of the usual amount at an ask of 40.02 USD: 12 whole shares, 480.24 USD"
    assert found.figures["half"] == 2
    skip = Skip(rule="calm", reason="not today", final=False)
    assert sized(sizing=own(lambda *_: skip)) == skip


TELLS = "the sizing mine:half must return Wanted(shares, words), a decimal from 0 on, or a Skip"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda *_: None, TELLS),
        (lambda *_: Wanted(10, "ten"), TELLS),
        (lambda *_: Wanted(Decimal(-1), "short"), TELLS),
        (lambda *_: Wanted(Decimal("nan"), "odd"), TELLS),
        (lambda *_: Wanted(Decimal(1), None), "it must say why in words (found NoneType)"),
        (lambda *_: Wanted(Decimal(1), "one", 3), "the sizing mine:half has a bug: TypeError: 'int' object is not"),
        (lambda *_: Skip(rule="", reason="why"), "it must say why in words (found str)"),
        (lambda *_: Skip(rule="calm", reason="why", figures=[1]), "the sizing mine:half has a bug: TypeError: "),
        (lambda *_: 1 / 0, "the sizing mine:half has a bug (test_sizing.py, line "),
    ],
)
def test_a_sizing_of_one_s_own_that_gives_no_size_is_told_so_and_asked_again(function, words):
    found = sized(sizing=own(function))
    assert (found.rule, found.final, found.outage) == ("sizing", False, True)
    assert found.reason.startswith(words)


def test_what_is_no_function_is_no_sizing():
    with pytest.raises(ConfigError, match=r"^'mine:half' is no sizing: write a function of a quote and means"):
        own(3)
