"""The strategies beside `executives`: who is followed, and which settings they ask for."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from bot.errors import ConfigError
from bot.http import Http
from bot.plugins import Kit, find
from bot.settings import Settings
from strategies.rules import Stack
from tests.builders import NOW
from tests.strategies.happenings import Happening, table

FRIDAY = date(2025, 10, 31)


def named(name: str, **settings: object) -> Stack:
    kit = Kit(settings=Settings.of(**settings), clock=lambda: NOW, http=Http("tests"))
    made = find("strategies", name)[0](kit)
    assert isinstance(made, Stack)
    return made


def filed(*happenings: Happening) -> pd.DataFrame:
    """Their table, each filed on the Monday after its Friday, from 10,000 shares to 11,000."""
    facts = {"shares": 1000.0, "held_before": 10_000.0, "exercised": 0.0, "basis": "line", "plan_10b5_1": pd.NA}
    made = table(*happenings).assign(filed_on=pd.Timestamp("2025-11-03"), **facts)
    return made.astype({"filed_on": "datetime64[s]", "plan_10b5_1": "boolean"})


def officer(**facts: object) -> Happening:
    return Happening(traded_on=FRIDAY, officer=True, **facts)  # type: ignore[arg-type]


def refused(name: str, *happenings: Happening, **settings: object) -> list[str]:
    return named(name, **settings)(filed(*happenings), None)["rule"].tolist()


def test_clusters_follows_the_third_officer_within_thirty_days():
    people = [officer(owner=owner, known=float(owner)) for owner in range(4)]
    assert refused("clusters", *people) == ["clustered", "clustered", "", "clustered"]
    assert refused("clusters", *people[:2], people[2]._replace(known=32.0)) == ["clustered"] * 3


def test_conviction_follows_purchases_of_the_ten_best_companies():
    companies = [officer(issuer=issuer, owner=issuer, value=1000.0 * (issuer + 1)) for issuer in range(12)]
    again = [row._replace(known=1.0, value=1.0) for row in companies]
    sale = officer(known=1.0, issuer=11, owner=50, code="S")
    assert refused("conviction", *companies, *again, sale)[12:] == ["among_best"] * 2 + [""] * 10 + ["bought_only"]


def test_opportunistic_follows_officers_who_do_not_trade_by_the_calendar():
    past = [
        officer(known=-365.0 * back, owner=owner)._replace(traded_on=date(2025 - back, month, 9))
        for owner, months in enumerate([(11, 11, 11), (11, 10, 11), (11, 10)])
        for back, month in enumerate(months, 1)
    ]
    now = [officer(owner=owner) for owner in range(3)]
    assert refused("opportunistic", *past, *now)[-3:] == ["opportunistic", "", "opportunistic"]


def test_small_caps_are_companies_of_less_than_two_billion(tmp_path: Path):
    (tmp_path / "sizes.csv").write_text("date,symbol,market_cap\n2025-10-31,NWRB,1999999999\n")
    assert refused("small_caps", officer(), sizes=f"files:{tmp_path}/sizes.csv") == [""]
    (tmp_path / "sizes.csv").write_text("date,symbol,market_cap\n2025-10-31,NWRB,2000000000\n")
    assert refused("small_caps", officer(), sizes=f"files:{tmp_path}/sizes.csv") == ["smaller_than"]


def test_small_caps_without_sizes_says_which_setting_to_write():
    with pytest.raises(ConfigError) as caught:
        named("small_caps")
    assert str(caught.value) == (
        "the strategy needs sizes, and BOT_SIZES is empty: write BOT_SIZES=files:PATH, a CSV or Parquet file"
    )


@pytest.mark.parametrize("name", ["clusters", "conviction", "opportunistic"])
def test_how_long_news_is_fresh_comes_from_the_settings(name: str):
    late = filed(officer(value=1.0)).assign(filed_on=pd.Timestamp("2025-11-05").as_unit("s"))
    (checks,) = named(name, filed_within=2).checks(late, None)
    assert [check.passed for check in checks if check.name == "filed_within"] == [False]
    (checks,) = named(name, filed_within=3).checks(late, None)
    assert [check.passed for check in checks if check.name == "filed_within"] == [True]
