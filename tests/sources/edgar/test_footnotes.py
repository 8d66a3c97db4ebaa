"""What footnotes tell, and what they leave open."""

import pytest

from bot.sources.edgar import ownership
from bot.sources.edgar.footnotes import foreign_currency, not_open_market, plans_10b5_1

from .documents import PURCHASE, SALE, document, transaction


def noted(text: str, cell: str = "transactionCoding", code: str = "S", **more: str) -> ownership.Ownership:
    cells = SALE if code == "S" else PURCHASE
    return ownership.read(document(transaction(cells, {cell: ["F1"]}), footnotes={"F1": text}, **more))


@pytest.mark.parametrize(
    "text",
    [
        "The sale was effected pursuant to a Rule 10b5-1 trading plan adopted on March 1, 2025.",
        "SALES MADE UNDER A RULE 10B5-1 PLAN.",
        "Shares were sold in accordance with a plan meeting Rule 10b5\u20111.",
        "Average price. This transaction was executed through a 10b5-1 plan, which terminates on May 1, 2027.",
    ],
)
def test_a_sentence_that_says_so_makes_a_plan(text: str) -> None:
    assert plans_10b5_1(noted(text)) == [True]


@pytest.mark.parametrize(
    "text",
    [
        "This sale was not made pursuant to a Rule 10b5-1 trading plan.",
        "The shares were sold outside of, and not under, a 10b5-1 plan.",
        "The reporting person terminated the sales under his 10b5-1 plan.",
        "The reporting person intends to effect sales pursuant to a Rule 10b5-1 plan.",
        "The reporting person may sell shares in transactions pursuant to Rule 10b5-1.",
        "The reporting person adopted a Rule 10b5-1 plan on May 1, 2026.",
        "No sale was effected under the 10b5-1 plan.",
        "Sold in compliance with Rule 10b-5.",
        "Weighted average price.",
    ],
)
def test_everything_else_leaves_a_plan_open(text: str) -> None:
    assert plans_10b5_1(noted(text)) == [None]


@pytest.mark.parametrize(("box", "plan"), [("1", True), ("0", False)])
def test_the_box_of_the_form_wins_over_its_text(box: str, plan: bool) -> None:
    facts = f"<aff10b5One>{box}</aff10b5One>"
    assert plans_10b5_1(noted("Sold pursuant to a Rule 10b5-1 plan.", facts=facts)) == [plan]
    assert plans_10b5_1(noted("Not sold pursuant to a Rule 10b5-1 plan.", facts=facts)) == [plan]


def test_a_footnote_speaks_for_its_own_lines_only_unless_it_speaks_of_the_form() -> None:
    rows = transaction(SALE, {"transactionCoding": ["F1"]}), transaction(SALE)
    own = document(*rows, footnotes={"F1": "Sold pursuant to a Rule 10b5-1 plan."})
    whole = document(*rows, footnotes={"F1": "The sales reported on this form were made under a 10b5-1 plan."})
    remarks = document(*rows, remarks="Sales were made under a 10b5-1 plan.", footnotes={"F1": "."})
    assert plans_10b5_1(ownership.read(own)) == [True, None]
    assert plans_10b5_1(ownership.read(whole)) == [True, True]
    assert plans_10b5_1(ownership.read(remarks)) == [True, True]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The trust purchased these shares in a private placement with the issuer.", "P"),
        ("Acquired in a privately negotiated transaction.", "P"),
        ("Shares purchased in the Issuer's underwritten public offering.", "P"),
        ("Purchased through the directed share program.", "P"),
        ("Shares were purchased directly from the Company.", "P"),
        ("Acquired under a purchase agreement with the Issuer.", "P"),
        ("Acquired through a dividend reinvestment plan.", "P"),
        ("Reinvestment of cash dividends.", "P"),
        ("Purchased under the 2019 Employee Stock Purchase Plan.", "P"),
        ("Acquired under the company's 401(k) plan.", "P"),
        ("The shares were sold to the underwriters.", "S"),
        ("Shares sold in the Issuer's secondary offering.", "S"),
        ("Shares withheld by the Issuer to pay taxes.", "S"),
        ("Tendered in the tender offer.", "S"),
        ("Sold in a private transaction.", "S"),
    ],
)
def test_a_trade_off_the_market_is_told_by_a_clear_sentence(text: str, code: str) -> None:
    for cell in ("transactionCoding", "transactionShares", "transactionPricePerShare", "securityTitle"):
        assert not_open_market(noted(text, cell, code)) == [True]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Purchased on the open market, not in a private placement.", "P"),
        ("Includes 120 shares acquired through the dividend reinvestment plan.", "P"),
        ("Bought in several transactions. The reporting person undertakes to provide details to the issuer.", "P"),
        ("The purchased shares are held by a private company.", "P"),
        ("Purchased from a broker. The Company's shares are listed.", "P"),
        ("The shares sold had been acquired in a private placement in 2019.", "S"),
        ("Sold after the lock-up agreed in connection with the initial public offering.", "S"),
        ("Weighted average price of shares sold, information is available to the issuer.", "S"),
        ("The reporting person undertakes to provide to the Issuer the number of shares sold at each price.", "S"),
        ("Shares sold to pay the reporting person's taxes.", "S"),
        ("Sold to the Company's former chairman.", "S"),
    ],
)
def test_whatever_else_is_said_leaves_a_trade_on_the_market(text: str, code: str) -> None:
    assert not_open_market(noted(text, code=code)) == [None]


def test_footnotes_on_balances_tell_nothing_of_the_trade() -> None:
    text = "Shares purchased in a private placement."
    for cell in ("sharesOwnedFollowingTransaction", "natureOfOwnership", "directOrIndirectOwnership"):
        assert not_open_market(noted(text, cell, "P")) == [None]


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("The price is in Canadian dollars.", True),
        ("Paid in HK$ at 12.40.", True),
        ("Price in CAD.", True),
        ("Price of €12.", True),
        ("Translated from New Taiwan dollars, NT$2,210, at NT$31.65 to US$1.", None),
        ("Bought for C$5 and converted at 0.73.", None),
        ("Average of prices from $40.70 to $40.95.", None),
    ],
)
def test_a_price_in_another_currency_is_told_by_its_footnote(text: str, foreign: bool | None) -> None:
    assert foreign_currency(noted(text, "transactionPricePerShare")) == [foreign]
    assert foreign_currency(noted(text, "transactionShares")) == [None]
