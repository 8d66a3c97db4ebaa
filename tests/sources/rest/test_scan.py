"""The scanner: candidates by ratio and people, weak ones by one, and an unknown ratio that is never a number."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.market import market
from bot.demo.rest import SecuritiesDbApi
from bot.errors import ConfigError, SourceError
from bot.plain import plain
from bot.sources.rest.activity import Activity, Deal
from bot.sources.rest.securitiesdb import SecuritiesDb
from bot.sources.scan import ScanRow, Standing, scan, threshold_of

from .service import NOW, client

TODAY = date(2026, 3, 3)


def deal(insider: str = "Okafor Adaeze M", kind: str = "Purchase", days: int | None = 4) -> Deal:
    on = None if days is None else TODAY - timedelta(days=days)
    return Deal(insider=insider, kind=kind, on=on, shares=Decimal(100), value=Decimal(4000))


def activity(ratio: str | None, *recent: Deal) -> Activity:
    return Activity(
        ticker="NWRB",
        ratio=None if ratio is None else Decimal(ratio),
        count=len(recent),
        bought=Decimal(8000),
        sold=Decimal(4000),
        recent=recent,
        flow=(),
    )


def one(ratio: str | None, *recent: Deal, **options: Any) -> ScanRow:
    (row,) = scan({"NWRB": activity(ratio, *recent)}, now=NOW, **options)
    return row


TWO = (deal(), deal("Quayle Ines"))


@pytest.mark.parametrize(
    ("ratio", "recent", "standing"),
    [
        ("1.51", TWO, "candidate"),
        ("1.5", TWO, "below"),
        ("0", TWO, "below"),
        (None, TWO, "unknown"),
        ("99", (deal(),), "weak"),
        ("99", (deal(), deal()), "weak"),  # the same person twice
        ("99", (deal(), deal("OKAFOR ADAEZE M")), "weak"),
        ("99", (deal(), deal("Quayle Ines", "Sale")), "weak"),
        ("99", (deal(), deal("Quayle Ines", days=31)), "weak"),
        ("99", (deal(), deal("Quayle Ines", days=30)), "candidate"),
        ("99", (deal(), deal("Quayle Ines", days=-1)), "weak"),  # a day that has not come yet
        ("99", (deal(), deal("Quayle Ines", days=None)), "weak"),
        ("99", (deal("Quayle Ines", "purchase"), deal(kind="PURCHASE")), "candidate"),
        ("99", (), "weak"),
    ],
)
def test_a_candidate_has_the_ratio_and_two_buyers_within_a_month(
    ratio: str | None, recent: tuple[Deal, ...], standing: str
) -> None:
    assert one(ratio, *recent).standing == standing


def test_one_purchase_and_no_sale_is_not_strong_and_says_so() -> None:
    row = one("100", deal())
    assert row.standing is Standing.WEAK
    assert row.reason == "buys to sells 100, above 1.5; 1 purchase by 1, 0 sales by 0; 1 buyer within 30 days"


def test_counts_and_totals_stand_beside_the_ratio() -> None:
    row = one("2", *TWO, deal("Lindqvist Per", "Sale"), deal("Lindqvist Per", "Grant"))
    assert (row.purchases, row.sales, row.buyers, row.sellers, row.count) == (2, 1, 2, 1, 4)
    assert (row.bought, row.sold) == (8000, 4000)
    assert len(row.recent) == 4


def test_an_unknown_ratio_is_said_to_be_unknown() -> None:
    row = one(None, *TWO)
    assert row.ratio is None
    assert row.reason.startswith("the ratio is unknown; 2 purchases by 2")


def test_a_ticker_nobody_knows_has_its_row() -> None:
    (row,) = scan({"ZZZZ": None}, now=NOW)
    assert (row.ticker, row.standing, row.reason) == ("ZZZZ", "unknown", "the service does not know this ticker")


def test_a_ticker_without_an_answer_has_its_row_with_the_reason() -> None:
    (row,) = scan({"ZZZZ": SourceError("SecuritiesDB is busy (status 429)")}, now=NOW)
    assert (row.ticker, row.standing, row.reason) == ("ZZZZ", "unknown", "SecuritiesDB is busy (status 429)")


@pytest.mark.parametrize("text", ["-1", "-0.5", "+1", "nan", "inf", "1e3", "15%", "1,5", "", " 1", "１", "9" * 21])
def test_a_threshold_that_is_no_ratio_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no ratio of buys to sells: write 0 or more"):
        threshold_of(text)


@pytest.mark.parametrize("text", ["0", "1.5", "007", "12.25"])
def test_a_threshold_is_zero_or_more(text: str) -> None:
    assert threshold_of(text) == Decimal(text)


def test_the_threshold_is_an_option() -> None:
    assert one("2", *TWO, threshold=Decimal(2)).standing is Standing.BELOW
    assert one("2", *TWO, threshold=Decimal("1.99")).standing is Standing.CANDIDATE


def test_candidates_come_first_and_the_highest_ratio_before_others() -> None:
    found = scan(
        {
            "E": None,
            "D": activity("1", *TWO),
            "C": activity("9", deal()),
            "B": activity("2", *TWO),
            "A": activity("3", *TWO),
            "F": activity(None, *TWO),
        },
        now=NOW,
    )
    assert [row.ticker for row in found] == ["A", "B", "C", "D", "E", "F"]


def test_a_row_is_json() -> None:
    row = plain(one("2.50", *TWO))
    assert (row["ratio"], row["standing"], row["recent"][0]["on"]) == ("2.5", "candidate", "2026-02-27")


def test_a_scan_of_the_stand_in_finds_who_is_bought() -> None:
    lines = market(TODAY).lines
    source = SecuritiesDb(client(SecuritiesDbApi(lines)), "https://securitiesdb.example", ())
    found = {row.ticker: row for row in scan(source.activities(["NWRB", "QLMK", "ZZZZ", "KLPF"]), now=NOW)}
    assert found["QLMK"].standing is Standing.UNKNOWN  # two buyers, but without a sale there is no ratio
    assert (found["QLMK"].buyers, found["QLMK"].ratio) == (2, None)
    assert found["ZZZZ"].standing is Standing.UNKNOWN
    assert found["NWRB"].standing is Standing.BELOW
    assert (found["KLPF"].sales, found["KLPF"].flow[0].fund) == (1, "Cobalt Heron Partners LP")


deals = st.builds(
    deal, st.sampled_from(["A", "a", "B", "C"]), st.sampled_from(["Purchase", "Sale", "Grant"]), st.integers(-5, 60)
)


@given(st.none() | st.decimals(0, 100, places=2).map(str), st.lists(deals, max_size=6))
def test_a_candidate_is_never_one_person_s(ratio: str | None, recent: list[Deal]) -> None:
    row = one(ratio, *recent)
    assert row.purchases + row.sales <= len(recent)
    assert row.buyers <= 3
    if row.standing is Standing.CANDIDATE:
        assert ratio is not None
        assert len({one.insider.lower() for one in recent if one.kind == "Purchase"}) >= 2
