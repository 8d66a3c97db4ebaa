"""From documents to trades: who leads, what is a signal, and by what a line is known again."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.model import InsiderTrade, Role, Side
from bot.sources.edgar import ownership
from bot.sources.edgar.lines import lines
from bot.sources.edgar.symbols import ticker
from bot.trades import to_table, validate

from .documents import HOLDING, OPTION, PURCHASE, SALE, document, holding, owner, row, transaction

FUND = owner("0001999700", "Harbor Growth Fund II, L.P.", {"isTenPercentOwner": "1", "isDirector": "1"})
PARTNER = owner("0001999701", "Lindqvist Sven", {"isDirector": "1", "isTenPercentOwner": "1"})


def trades(content: bytes, **facts: Any) -> list[InsiderTrade]:
    filed = {"accession": "0001999501-26-000003", "filed_on": date(2026, 3, 2), "known_at": None, "url": None}
    return lines(ownership.read(content), **(filed | facts))


def only(content: bytes) -> InsiderTrade:
    (trade,) = trades(content)
    return trade


def test_a_purchase_becomes_a_record_of_the_trades_table() -> None:
    known_at = datetime(2026, 3, 2, 22, 3, 41, tzinfo=UTC)
    (trade,) = trades(document(transaction(), facts="<aff10b5One>0</aff10b5One>"), known_at=known_at, url="https://x/y")
    assert trade == InsiderTrade(
        key="0001999501-26-000003:0001999001:nt:1",
        source="edgar",
        accession="0001999501-26-000003",
        form="4",
        url="https://x/y",
        issuer_cik="0001999001",
        issuer="Northwind Robotics Inc",
        symbol="NWRB",
        owner_cik="0001999501",
        owner="Okafor Adaeze M",
        title="Chief Financial Officer",
        is_officer=True,
        is_director=True,
        is_ten_percent=False,
        role=Role.CFO,
        code="P",
        acquired="A",
        side=Side.BUY,
        security="Common Stock",
        is_derivative=False,
        ownership="D",
        plan_10b5_1=False,
        traded_on=date(2026, 2, 27),
        filed_on=date(2026, 3, 2),
        known_at=known_at,
        shares=Decimal(3000),
        price=Decimal("40.8125"),
        value=Decimal("122437.5"),
        currency="USD",
        shares_after=Decimal(18500),
    )
    validate(to_table([trade]))


def test_every_line_has_its_place_in_its_key() -> None:
    content = document(transaction(), transaction(), holding(), derivatives=[row("derivativeTransaction", OPTION)])
    assert [trade.key.split(":", 2)[2] for trade in trades(content)] == ["nt:1", "nt:2", "nh:1", "dt:1"]


def test_without_an_accession_number_the_facts_stand_for_it_but_no_price() -> None:
    (first,) = trades(document(transaction()), accession=None)
    (dearer,) = trades(document(transaction(PURCHASE | {"transactionPricePerShare": "41"})), accession=None)
    (larger,) = trades(document(transaction(PURCHASE | {"transactionShares": "3001"})), accession=None)
    assert first.key == dearer.key != larger.key
    assert first.key.startswith("facts-")


def test_a_holding_trades_nothing() -> None:
    trade = only(document(holding()))
    assert (trade.code, trade.shares, trade.side, trade.value) == (None, None, None, None)
    assert (trade.shares_after, trade.ownership) == (Decimal(250), "I")


@pytest.mark.parametrize(
    "cells",
    [
        PURCHASE | {"transactionAcquiredDisposedCode": "D"},
        SALE | {"transactionAcquiredDisposedCode": "A"},
        PURCHASE | {"transactionFormType": "5"},
        PURCHASE | {"equitySwapInvolved": "1"},
        PURCHASE | {"transactionCode": "K"},
        PURCHASE | {"transactionCode": "V"},
        PURCHASE | {"transactionCode": "A"},
    ],
)
def test_what_is_no_plain_purchase_or_sale_of_form_4_has_no_side(cells: dict[str, str]) -> None:
    trade = only(document(transaction(cells)))
    assert trade.side is None
    assert trade.code == cells["transactionCode"]


def test_a_derivative_has_no_side_whatever_its_code() -> None:
    trade = only(document(derivatives=[row("derivativeTransaction", OPTION | {"transactionCode": "P"})]))
    assert (trade.side, trade.is_derivative) == (None, True)


def test_a_total_value_is_the_value_where_shares_are_missing() -> None:
    cells = {name: text for name, text in OPTION.items() if name != "transactionShares"} | {
        "transactionTotalValue": "1500.25"
    }
    trade = only(document(derivatives=[row("derivativeTransaction", cells)]))
    assert (trade.shares, trade.value) == (None, Decimal("1500.25"))


def test_a_missing_price_makes_the_value_unknown() -> None:
    trade = only(document(transaction({k: v for k, v in PURCHASE.items() if k != "transactionPricePerShare"})))
    assert (trade.price, trade.value) == (None, None)


def test_an_amendment_names_whose_filing_of_which_day_it_amends() -> None:
    amended = document(
        transaction(), form="4/A", facts="<dateOfOriginalSubmission>2026-02-20</dateOfOriginalSubmission>"
    )
    assert only(amended).amends == "0001999001:0001999501:2026-02-20"
    assert only(document(transaction())).amends is None


@pytest.mark.parametrize(
    ("owners", "name"),
    [
        ([FUND, PARTNER, owner()], "Okafor Adaeze M"),
        ([FUND, PARTNER], "Lindqvist Sven"),
        ([FUND], "Harbor Growth Fund II, L.P."),
        ([PARTNER, owner(flags={"isOther": "1", "otherText": "Chief Accounting Officer"})], "Okafor Adaeze M"),
    ],
)
def test_an_officer_leads_then_a_director_who_is_a_person_then_the_first(owners: list[str], name: str) -> None:
    assert only(document(transaction(), owners=owners)).owner == name


@pytest.mark.parametrize(
    ("flags", "title", "role", "is_officer"),
    [
        ({"isOfficer": "1", "officerTitle": "Pres. &amp; CEO"}, "Pres. & CEO", Role.CEO, True),
        ({"isOfficer": "1"}, None, Role.OFFICER, True),
        ({"isDirector": "1"}, None, Role.DIRECTOR, False),
        ({"isTenPercentOwner": "1", "isDirector": "0"}, None, Role.TEN_PERCENT, False),
        ({"isOther": "1", "otherText": "Chief Accounting Officer"}, "Chief Accounting Officer", Role.ACCOUNTING, True),
        ({"isOther": "1", "otherText": "Member of a group"}, None, Role.OTHER, False),
        ({"isDirector": "0", "officerTitle": "Treasurer"}, "Treasurer", Role.TREASURER, True),
        ({}, None, Role.UNKNOWN, None),
    ],
)
def test_flags_and_title_make_the_role(
    flags: dict[str, str], title: str | None, role: Role, is_officer: bool | None
) -> None:
    trade = only(document(transaction(), owners=[owner(flags=flags)]))
    assert (trade.title, trade.role, trade.is_officer) == (title, role, is_officer)


@pytest.mark.parametrize(
    ("remarks", "title"),
    [
        ("Chief Legal Officer and Secretary", "Chief Legal Officer and Secretary"),
        ("Exhibit 24 - Power of Attorney. Title: EVP, General Counsel.", "EVP, General Counsel"),
        ("The Reporting Person is the Chief Operating Officer of the Issuer.", "Chief Operating Officer of the Issuer"),
        ("Exhibit 24 - Power of Attorney", "See Remarks"),
        ("", "See Remarks"),
    ],
)
def test_a_title_that_points_to_the_remarks_is_taken_from_them_if_they_name_one(remarks: str, title: str) -> None:
    see = owner(flags={"isOfficer": "1", "officerTitle": "See Remarks"})
    trade = only(document(transaction(), owners=[see], remarks=remarks))
    assert (trade.title, trade.is_officer) == (title, True)
    assert (trade.role == Role.OFFICER) == (title == "See Remarks")


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("NWRB", "NWRB"),
        (" nwrb ", "NWRB"),
        ("NYSE: NWRB", "NWRB"),
        ("(NASDAQ:NWRB)", "NWRB"),
        ("NYSE American: NWRB", "NWRB"),
        ("NWR.B", "NWR-B"),
        ("NWR/B", "NWR-B"),
        ("NWRB, NWRBW", "NWRB"),
        ("NWRB; NWRBU; NWRB.WS", "NWRB"),
        ("NWRB NWRB", "NWRB"),
        ("NWRA, NWRB", None),
        ("NWR.A/NWR.B", None),
        ("NONE", None),
        ("n/a", None),
        ("N.A.", None),
        ("[none]", None),
        ("", None),
        (None, None),
        ("0001.HK", None),
        ("Not Applicable", None),
        ("<b>X</b>", None),
    ],
)
def test_a_symbol_is_a_ticker_when_there_is_no_doubt_which(text: str | None, symbol: str | None) -> None:
    assert ticker(text) == symbol


def test_the_holdings_of_a_form_3_are_lines_too() -> None:
    held = trades(document(holding(), holding(HOLDING | {"natureOfOwnership": "By trust"}), form="3"))
    assert [(trade.form, trade.code, trade.key[-4:]) for trade in held] == [("3", None, "nh:1"), ("3", None, "nh:2")]
