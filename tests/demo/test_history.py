"""Made-up histories: structured as real ones, the same for a seed, with nothing in the prices but what was planted."""

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.history import Effect, as_filings, made_up, officer_clusters, prices
from bot.demo.history.calendar import business_days, sessions
from bot.demo.history.cast import POSITIONS, company, owner_name, ticker
from bot.events import as_table, find_events
from bot.lines import same_name
from bot.model import Role
from bot.plausible import implausible
from bot.sessions import REACTION
from bot.trades import COLUMNS, DAY, INSTANT, validate
from bot.trades import to_records as records

FEW = settings(max_examples=8)
SEED = 7
MOVING = ["shares", "price", "value", "shares_after"]
PERSON = ["issuer_cik", "owner_cik"]
EXTRA = {
    "event_key": "str",
    "keys": "object",
    "symbols": "object",
    "held_before": "float64",
    "basis": "str",
    "exercised": "float64",
    "quarantine": "str",
    "issuer_id": "int32",
    "owner_id": "int32",
    "superseded_at": INSTANT,
}
BARS = {"symbol": "str", "date": DAY, "open": "float64", "close": "float64", "volume": "float64"}
DIGEST = 2653867455281746206  # of the first seed's thousand rows; a change of the generator changes it


@cache  # read only: every test of a process looks at the same
def history() -> pd.DataFrame:
    return made_up(seed=SEED, rows=20_000)


def originals() -> pd.DataFrame:
    return history()[history()["form"] == "4"]


def digest(table: pd.DataFrame) -> int:
    """A number for everything in the table, whatever its strings are stored in."""
    texts = table.assign(**{name: table[name].map(str) for name in table if table[name].dtype in ("str", object)})
    return int(pd.util.hash_pandas_object(texts.astype({"known_at": str, "superseded_at": str})).sum())


# The table.


def test_a_seed_is_the_same_history_everywhere() -> None:
    """The number was found once; other machines and versions have to find it, too."""
    assert digest(made_up(seed=SEED, rows=1000)) == digest(made_up(seed=SEED, rows=1000)) == DIGEST
    assert digest(made_up(seed=SEED + 1, rows=1000)) != DIGEST


@FEW
@given(seed=st.integers(0, 10**9), rows=st.integers(1, 2000), years=st.integers(1, 22))
def test_a_history_of_any_size_keeps_the_schema(seed: int, rows: int, years: int) -> None:
    table = validate(made_up(seed=seed, rows=rows, years=years))
    assert len(table) == rows
    extra = {name: str(kind) for name, kind in table.dtypes.items() if name not in COLUMNS}
    assert extra == EXTRA
    assert table["known_at"].is_monotonic_increasing
    assert table["traded_on"].min() >= pd.Timestamp(f"{2026 - years}-01-01")


@pytest.mark.parametrize(("rows", "years"), [(0, 20), (10, 0), (10, 23)])
def test_a_history_without_rows_or_of_too_many_years_is_refused(rows: int, years: int) -> None:
    with pytest.raises(ValueError, match="at least one row and 1 to 22 years"):
        made_up(seed=SEED, rows=rows, years=years)


def test_codes_are_as_frequent_as_in_real_filings() -> None:
    shares = originals()["code"].value_counts(normalize=True)
    assert 0.07 < shares["P"] < 0.12
    assert 0.24 < shares["S"] < 0.31
    assert 0.18 < shares["M"] < 0.30
    assert 0.17 < shares["A"] < 0.27
    assert 0.05 < shares["F"] < 0.12
    assert shares[["G", "D", "C", "J"]].min() > 0.002


def test_purchases_and_sales_have_a_side_and_nothing_else_has() -> None:
    sides = history()["side"].fillna("none").groupby(history()["code"]).unique().map(list).to_dict()
    assert sides.pop("P") == ["buy"]
    assert sides.pop("S") == ["sell"]
    assert all(side == ["none"] for side in sides.values())


def test_issuers_differ_much_in_activity_and_come_and_go() -> None:
    rows = history().groupby("issuer_id")["traded_on"].agg(["size", "min", "max"])
    assert rows["size"].max() > 6 * rows["size"].median()
    assert (rows["min"] > "2008-01-01").mean() > 0.1
    assert (rows["max"] < "2023-01-01").mean() > 0.1


def test_numbers_of_issuers_and_owners_are_dense_and_say_who_is_who() -> None:
    for number, cik in (("issuer_id", "issuer_cik"), ("owner_id", "owner_cik")):
        pairs = history()[[number, cik]].drop_duplicates()
        assert sorted(pairs[number]) == list(range(len(pairs)))
        assert pairs[cik].is_unique


def test_some_people_serve_at_two_companies() -> None:
    companies = history().groupby("owner_id")["issuer_id"].nunique()
    assert 0.005 < (companies > 1).mean() < 0.1


def test_roles_agree_with_the_flags_of_the_form() -> None:
    for position in POSITIONS:
        assert position.role != Role.UNKNOWN
        assert position.is_officer == (position.role not in {Role.DIRECTOR, Role.TEN_PERCENT, Role.OTHER})
    assert history()["role"].nunique() > 10
    assert (history()["is_officer"] | history()["is_director"] | history()["is_ten_percent"]).mean() > 0.98


def test_every_company_and_every_person_has_a_name_of_their_own() -> None:
    count = 20_000
    assert len({company(number) for number in range(count)}) == count
    assert len({ticker(number) for number in range(count)}) == count
    assert len({same_name(owner_name(number, number % len(POSITIONS))) for number in range(count)}) == count


# When.


def test_trades_are_of_sessions_and_filings_of_business_days_within_the_hours_of_edgar() -> None:
    assert history()["traded_on"].isin(sessions()[0].astype(DAY)).all()
    days = originals()["filed_on"].to_numpy().astype("datetime64[D]")
    assert (business_days(days, np.zeros(len(days), np.int64)) == days).all()
    local = originals()["known_at"].dt.tz_convert("America/New_York")
    assert (local.dt.tz_localize(None).dt.normalize() == originals()["filed_on"]).all()
    assert local.dt.hour.between(6, 21).all()
    assert 0.6 < (local.dt.hour >= 16).mean() < 0.8


def test_most_is_filed_within_two_business_days_and_some_of_it_late() -> None:
    days = (originals()[name].to_numpy().astype("datetime64[D]") for name in ("traded_on", "filed_on"))
    taken = np.busday_count(*days)
    assert taken.min() >= 0
    assert 0.9 < (taken <= 3).mean() < 0.99  # a holiday may come between
    assert (taken > 10).any()


def test_the_box_for_plans_exists_since_april_2023() -> None:
    boxed = history()["filed_on"] >= "2023-04-01"
    assert history().loc[~boxed, "plan_10b5_1"].isna().all()
    assert history().loc[boxed, "plan_10b5_1"].notna().all()
    assert 0.2 < history().loc[boxed & (history()["side"] == "sell"), "plan_10b5_1"].mean() < 0.5


def test_some_trade_in_the_same_month_of_three_years_running_and_most_do_not() -> None:
    traded = history().loc[history()["side"].notna(), [*PERSON, "traded_on"]]
    years = traded["traded_on"].dt.year.groupby([*(traded[name] for name in PERSON), traded["traded_on"].dt.month])
    routine = years.agg(lambda found: any({year, year + 1, year + 2} <= set(found) for year in found))
    share = routine.groupby(level=PERSON).any().mean()
    assert 0.05 < share < 0.35


# Balances.


def test_balances_of_a_person_in_a_class_are_a_chain() -> None:
    final = history()[history()["superseded_at"].isna() & ~history()["is_derivative"]]
    told = final.assign(closing=final["shares_after"].where(final["side"].notna()))
    filings = told.groupby([*PERSON, "filed_on"])
    opening, closing = filings["held_before"].first(), filings["closing"].first()
    previous = closing.groupby(level=PERSON).shift()
    links = opening.notna() & previous.notna()
    assert links.sum() > 500
    assert (opening[links] == previous[links]).all()


def test_an_event_moves_a_balance_by_its_shares() -> None:
    told = history()[history()["side"].notna() & history()["held_before"].notna()]
    alone = told[~told.duplicated([*PERSON, "filed_on", "form"], keep=False)]
    others = history().groupby([*PERSON, "filed_on"])["event_key"].nunique()
    alone = alone[(others.loc[pd.MultiIndex.from_frame(alone[[*PERSON, "filed_on"]])] == 1).to_numpy()]
    gain = np.where(alone["side"] == "buy", alone["shares"], -alone["shares"])
    assert (alone["held_before"] + gain == alone["shares_after"]).all()
    assert (history()["shares_after"].dropna() >= 0).all()
    assert (told["held_before"] == 0).any()
    assert (told.loc[told["side"] == "sell", "shares_after"] == 0).any()


def test_shares_are_exercised_and_sold_in_one_filing() -> None:
    sold = history()[history()["side"] == "sell"]
    assert 0.1 < (sold["exercised"] > 0).mean() < 0.5
    assert (sold["exercised"] == sold["shares"]).any()


def test_some_numbers_are_missing_and_some_prices_in_other_currencies() -> None:
    assert 0.005 < history()["shares_after"].isna().mean() < 0.03
    assert history()["price"].isna().any()
    assert history()["symbol"].isna().any()
    assert set(history()["currency"]) == {"USD", "CAD", "EUR", "GBP"}


# Versions.


def test_an_amendment_supersedes_the_first_version_the_moment_it_is_known() -> None:
    second = history()[history()["form"] == "4/A"].set_index("event_key")
    assert len(second) == round(0.02 * len(history()))
    assert second.index.is_unique
    first = originals().set_index("event_key")
    assert first.index.is_unique
    assert set(first.index[first["superseded_at"].notna()]) == set(second.index)
    first = first.loc[second.index]
    assert (first["superseded_at"] == second["known_at"]).all()
    assert (first["known_at"] < second["known_at"]).all()
    assert second["superseded_at"].isna().all()
    assert (first[MOVING].fillna(-1) != second[MOVING].fillna(-1)).any(axis=1).all()
    same = ["code", "traded_on", "filed_on", "owner_id", "issuer_id"]
    assert (first[same] == second[same]).all(axis=None)


def test_what_is_quarantined_is_what_the_bot_itself_finds_implausible() -> None:
    doubted = history()["quarantine"].notna()
    assert 0.001 < doubted.mean() < 0.02
    found = [implausible(trade) for trade in records(history()[history()["keys"].map(len) == 1])]
    told = history().loc[history()["keys"].map(len) == 1, "quarantine"]
    assert found == [None if pd.isna(reason) else reason for reason in told]


# The lines.


@FEW
@given(seed=st.integers(0, 10**9), rows=st.integers(1, 400), years=st.integers(1, 22), part=st.floats(0, 1))
def test_events_are_found_again_in_the_lines_known_by_an_instant(seed: int, rows: int, years: int, part: float) -> None:
    told = made_up(seed=seed, rows=rows, years=years)
    lines = validate(as_filings(told))
    at = told["known_at"].iloc[round(part * (rows - 1))]
    found = as_table(find_events(lines[lines["known_at"] <= at])).set_index("keys").sort_index()
    current = told[(told["known_at"] <= at) & ~(told["superseded_at"] <= at)].set_index("keys").sort_index()
    assert list(found.index) == list(current.index)
    # Who buys after having sold everything is taken to hold the last balance above zero that was known.
    again = (current["side"] == "buy") & (current["held_before"] == 0) & (found["held_before"] > 0)
    found["held_before"] = found["held_before"].where(~again, 0.0)
    columns = [name for name in found if name != "event_key"]
    pd.testing.assert_frame_equal(found[columns], current[columns], check_dtype=False)


def test_some_events_are_told_in_several_lines() -> None:
    told = made_up(seed=SEED, rows=1000)
    lines = as_filings(told)
    assert len(lines) > 1.03 * len(told)
    assert lines["key"].is_unique
    assert set(lines["key"]) == {key for keys in told["keys"] for key in keys}


# The prices.


def plain_and_planted(effect: Effect) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The bars without the effect and with it, by symbol and date."""
    bars = (prices(history(), seed=SEED, effects=effects) for effects in ((), (effect,)))
    plain, planted = (table.set_index(["symbol", "date"]) for table in bars)
    return plain, planted


def returns(bars: pd.DataFrame, marked: pd.DataFrame, length: int) -> "pd.Series[float]":
    """What following each marked row would have returned: from the next open to the close."""
    opens = sessions()[1]
    entry = opens.searchsorted((marked["known_at"] + REACTION).dt.tz_convert(None).to_numpy())
    is_over = entry + length <= len(opens)
    marked, entry, days = marked[is_over], entry[is_over], sessions()[0].astype(DAY)
    bought, sold = (
        bars[name].reindex(pd.MultiIndex.from_arrays([marked["symbol"], days[at]]))
        for name, at in (("open", entry), ("close", entry + length - 1))
    )
    return pd.Series(sold.to_numpy() / bought.to_numpy() - 1, index=marked.index).dropna()


def z_score(found: "pd.Series[float]", expected: float = 0.0) -> float:
    """How many standard errors the mean is from what was expected."""
    return float((found.mean() - expected) / found.std() * len(found) ** 0.5)


def test_the_planted_effect_is_there_and_is_all_that_is_there() -> None:
    for impossible in ({"drift": 0.1, "sessions": 0}, {"drift": -1.0, "sessions": 20}):
        with pytest.raises(ValueError, match="a drift above -1 in at least 1 session"):
            Effect(after=officer_clusters(), **impossible)
    effect = Effect(after=officer_clusters(), drift=0.05, sessions=20)
    plain, planted = plain_and_planted(effect)
    marked = history()[effect.after(history()) & history()["symbol"].notna()]
    assert len(marked) >= 10
    gained = (1 + returns(planted, marked, 20)) / (1 + returns(plain, marked, 20))
    assert gained.to_numpy() == pytest.approx(1.05, abs=2e-3)  # prices have four decimals
    untouched = ~plain.index.get_level_values("symbol").isin(marked["symbol"])
    pd.testing.assert_frame_equal(plain[untouched], planted[untouched])
    first = marked.groupby("symbol")["known_at"].min().dt.tz_convert(None)
    day = plain.index.get_level_values("date").to_series(index=plain.index)
    before = day < plain.index.get_level_values("symbol").map(first).to_series(index=plain.index).dt.normalize()
    assert before.any()
    pd.testing.assert_frame_equal(plain[before], planted[before])
    pd.testing.assert_series_equal(plain["volume"], planted["volume"])


def test_a_study_finds_what_was_planted_and_nothing_where_nothing_was() -> None:
    def bought(events: pd.DataFrame) -> "pd.Series[bool]":
        return (events["side"] == "buy") & (events["form"] == "4")

    plain, planted = plain_and_planted(Effect(after=bought, drift=0.03, sessions=5))
    marked = history()[bought(history()) & history()["symbol"].notna()]
    others = originals()[(originals()["side"] == "sell") & originals()["symbol"].notna()]
    assert z_score(returns(planted, marked, 5)) > 10
    assert abs(z_score(returns(plain, marked, 5))) < 4
    assert abs(z_score(returns(plain, others, 5))) < 4


def test_without_effects_no_step_has_a_mean() -> None:
    bars = prices(history(), seed=SEED)
    within = bars["close"] / bars["open"] - 1
    overnight = (bars["open"] / bars["close"].shift() - 1)[bars["symbol"] == bars["symbol"].shift()]
    assert abs(z_score(within)) < 4
    assert abs(z_score(overnight)) < 4


def test_bars_are_of_sessions_of_all_companies_with_a_ticker_and_end_with_some_of_them() -> None:
    bars = prices(history(), seed=SEED)
    assert dict(bars.dtypes.astype(str)) == BARS
    assert set(bars["symbol"]) == set(history()["symbol"].dropna())
    assert bars.sort_values(["symbol", "date"]).index.equals(bars.index)
    assert not bars.duplicated(["symbol", "date"]).any()
    assert bars["date"].isin(sessions()[0].astype(DAY)).all()
    assert (bars[["open", "close", "volume"]] > 0).all(axis=None)
    assert (bars.groupby("symbol")["date"].max() < "2024-01-01").mean() > 0.1
    own = history()["symbol"].iloc[-1]
    alone = prices(history()[history()["symbol"] == own], seed=SEED)
    pd.testing.assert_frame_equal(alone, bars[bars["symbol"] == own].reset_index(drop=True))


def test_market_prices_in_the_events_are_of_the_bars() -> None:
    paid = originals()[
        originals()["side"].notna() & originals()["symbol"].notna() & originals()["superseded_at"].isna()
    ]
    bars = prices(history(), seed=SEED).set_index(["symbol", "date"])
    day = bars.loc[pd.MultiIndex.from_frame(paid[["symbol", "traded_on"]])]
    known = paid["price"].notna().to_numpy()
    price = paid["price"].to_numpy()[known]
    low, high = (getattr(day[["open", "close"]], name)(axis=1).to_numpy()[known] for name in ("min", "max"))
    assert ((low - 0.01 <= price) & (price <= high + 0.01)).all()


def bought(*rows: tuple[int, int, int]) -> pd.DataFrame:
    """Purchases by officers as (issuer, owner, day of March 2024)."""
    return pd.DataFrame(
        {
            "event_key": [f"e-{number}" for number in range(len(rows))],
            "issuer_id": [issuer for issuer, _, _ in rows],
            "owner_id": [owner for _, owner, _ in rows],
            "known_at": pd.to_datetime([datetime(2024, 3, day, 21, tzinfo=UTC) for _, _, day in rows]),
            "side": "buy",
            "is_officer": pd.array([True] * len(rows), dtype="boolean"),
            "quarantine": pd.Series([None] * len(rows), dtype="str"),
        }
    )


def test_a_cluster_is_three_officers_of_one_company_within_the_days_and_once() -> None:
    mark = officer_clusters(owners=3, days=10)
    assert list(mark(bought((1, 1, 1), (1, 2, 4), (1, 2, 5), (2, 3, 6), (1, 3, 7), (1, 4, 8)))) == [
        *(False, False, False, False, True, False)
    ]
    assert not mark(bought((1, 1, 1), (1, 2, 4), (1, 3, 12))).any()
    late_first = bought((1, 3, 7), (1, 1, 1), (1, 2, 4))
    assert list(mark(late_first)) == [True, False, False]


@pytest.mark.parametrize(
    "change",
    [{"side": "sell"}, {"is_officer": pd.NA}, {"is_officer": False}, {"quarantine": "so"}, {"known_at": pd.NaT}],
)
def test_what_is_no_trusted_purchase_of_an_officer_is_in_no_cluster(change: dict[str, object]) -> None:
    events = bought((1, 1, 1), (1, 2, 4), (1, 3, 7))
    for name, value in change.items():
        events.loc[1, name] = value
    assert officer_clusters()(bought((1, 1, 1), (1, 2, 4), (1, 3, 7))).any()
    assert not officer_clusters()(events).any()
