"""The daily signal: ranked as the score says, named as the filings say, written and read back."""

import math
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bot.errors import ConfigError
from bot.events import as_table, find_events
from bot.history import versions, with_past
from bot.model import InsiderTrade, Role
from bot.research.signals import COLUMNS, check_path, signal, unheard, write
from bot.store.database import open_database
from bot.store.repository import Repository
from tests.builders import KNOWN_AT, NOW, table, trade
from tests.real_purchases import purchases
from tests.share import ALL

TODAY = date(2026, 3, 3)
DAY = timedelta(days=1)


def bought(**changes: object) -> InsiderTrade:
    return trade(**({"known_at": KNOWN_AT, "url": "https://www.sec.gov/Archives/one"} | changes))


ROWS = (
    bought(),
    bought(owner="Brandt Ilse", role=Role.CEO, title="CEO", url="https://www.sec.gov/Archives/two"),
    bought(symbol="HLCN", issuer="Halcyon Foods", owner="Lindqvist Marit", role=Role.VP, title="VP"),
    bought(symbol="QLMK", issuer="Quillmark", owner="Aalto Eero", currency="EUR"),
    bought(symbol="KLPF", issuer="Kelpfield", owner="Aalto Eero", code="S"),
)


def history(*rows: InsiderTrade) -> pd.DataFrame:
    events = as_table(find_events(table(*rows)))
    return with_past(events, events.head(0))


def test_companies_are_ranked_by_the_score_of_the_reference_and_the_unknown_stand_last() -> None:
    made = signal(history(*ROWS), [TODAY])
    assert list(made.columns) == [*COLUMNS]
    assert made["symbol"].tolist() == ["NWRB", "HLCN", "QLMK"]
    assert made["rank"].tolist() == [1, 2, 3]
    first = made.iloc[0]
    waited = first["days_since"]
    assert 1 < waited < 1.5
    assert first["score"] == pytest.approx(math.log1p(80_000) + 2 * 0.75 + 1 - 0.05 * waited)
    assert (first["value"], first["buyers"], bool(first["senior"])) == (80_000, 2, True)
    assert set(first["filings"].split()) == {ROWS[0].url, ROWS[1].url}
    assert math.isnan(made.iloc[2]["score"])


def test_a_day_shows_nothing_that_became_known_after_it() -> None:
    late = bought(symbol="HLCN", owner="Marit", known_at=KNOWN_AT + 2 * DAY, filed_on=TODAY + DAY)
    days = [date(2026, 3, 1), date(2026, 3, 2), TODAY + DAY]
    made = signal(history(ROWS[0], late), days)
    assert list(zip(made["as_of"], made["symbol"], strict=True)) == [
        ("2026-03-02", "NWRB"),
        ("2026-03-04", "HLCN"),
        ("2026-03-04", "NWRB"),
    ]


def test_a_company_is_named_as_it_was_on_that_day() -> None:
    renamed = {"symbol": "NWX", "issuer": "Northwind Group", "issuer_cik": "0009990001"}
    then, now = (
        bought(issuer_cik="0009990001"),
        bought(**renamed, known_at=KNOWN_AT + 60 * DAY, filed_on=TODAY + 59 * DAY),
    )
    made = signal(history(then, now), [TODAY, TODAY + 60 * DAY])
    assert list(zip(made["symbol"], made["issuer"], strict=True)) == [
        (then.symbol, then.issuer),
        ("NWX", "Northwind Group"),
    ]


def test_equal_scores_stand_in_the_order_of_their_tickers_however_the_history_is_sorted() -> None:
    rows = [bought(symbol=symbol, issuer=symbol, owner=symbol) for symbol in ("BRXB", "NWRB", "HLCN")]
    for order in (rows, rows[::-1], rows[1:] + rows[:1]):
        assert signal(history(*order), [TODAY], top=2)["symbol"].tolist() == ["BRXB", "HLCN"]


def test_only_so_many_of_each_day_are_kept_and_a_purchase_counts_only_so_long() -> None:
    assert signal(history(*ROWS), [TODAY, TODAY + DAY], top=1)["symbol"].tolist() == ["NWRB", "NWRB"]
    assert signal(history(*ROWS), [TODAY + 5 * DAY], days=5).empty


def test_a_filing_of_which_only_the_number_is_told_is_linked_all_the_same() -> None:
    number = "0009990001-26-000003"
    bare = bought(url=None, issuer_cik="0009990001", accession=number)
    (links,) = signal(history(bare, ROWS[1]), [TODAY])["filings"][:1]
    lean = history(bare, ROWS[1]).assign(url=lambda events: events["url"].astype("category"))
    assert signal(lean, [TODAY])["filings"].tolist()[0] == links
    odd = [{"issuer_cik": "../../x", "accession": number}, {"accession": "a b"}, {"issuer_cik": ""}]
    for each in odd:
        assert signal(history(bare._replace(**each)), [TODAY])["filings"].tolist() == [""]
    assert links.split() == [f"https://www.sec.gov/Archives/edgar/data/9990001/000999000126000003/{number}-index.htm"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_signal_is_read_back_as_it_was_written(tmp_path: Path, ending: str) -> None:
    made = signal(history(*ROWS), [TODAY])
    path = tmp_path / f"signal.{ending}"
    write(made, path)
    again = pd.read_csv(path, dtype={"issuer_cik": "str"}) if ending == "csv" else pd.read_parquet(path)
    assert again["symbol"].tolist() == made["symbol"].tolist()
    assert again["score"].tolist()[:2] == made["score"].tolist()[:2]
    assert set(again["as_of"]) == {TODAY if ending == "parquet" else "2026-03-03"}


def test_an_empty_signal_has_the_types_of_a_full_one(tmp_path: Path) -> None:
    for name, day in (("full", TODAY), ("empty", TODAY - 9 * DAY)):
        write(signal(history(*ROWS), [day]), tmp_path / f"{name}.parquet")
    full, empty = (pq.read_schema(tmp_path / f"{name}.parquet").remove_metadata() for name in ("full", "empty"))
    assert empty == full


def test_a_spreadsheet_runs_no_formula_of_a_filing(tmp_path: Path) -> None:
    evil = bought(issuer='=HYPERLINK("http://evil.example")', owner="Marit")
    write(signal(history(evil), [TODAY]), tmp_path / "signal.csv")
    assert pd.read_csv(tmp_path / "signal.csv")["issuer"].tolist() == ["'" + str(evil.issuer)]


@pytest.mark.parametrize(
    ("name", "told"), [("signal.xlsx", r"ends in \.csv or \.parquet"), ("no/signal.csv", "there is no folder")]
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_computed(
    name: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=told):
        check_path(tmp_path / name)


def test_a_file_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "signal.csv").mkdir()
    with pytest.raises(ConfigError, match=r"signal\.csv cannot be written: Is a directory"):
        write(signal(history(*ROWS), [TODAY]), tmp_path / "signal.csv")


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1900, 1, 1), date(2200, 12, 31)])
def test_a_day_far_from_every_filing_has_no_signal(day: date) -> None:
    assert signal(history(*ROWS), [day, TODAY])["as_of"].unique().tolist() == ["2026-03-03"]


def test_what_the_store_has_seen_makes_the_same_signal(database_url: str) -> None:
    with closing(open_database(database_url)) as database:
        store = Repository(database)
        assert store.history().empty
        store.record([], [], NOW, find_events(table(*ROWS)))
        pd.testing.assert_frame_equal(signal(store.history(), [TODAY]), signal(history(*ROWS), [TODAY]))


def test_the_value_of_one_purchase_is_its_own() -> None:
    assert signal(history(bought(shares=Decimal(10))), [TODAY])["value"].tolist() == [400]


def test_the_published_score_counts_purchases_that_nobody_knew_of_and_says_how_many() -> None:
    secret = bought(symbol="CRDM", owner="Marit", traded_on=TODAY, known_at=KNOWN_AT + 3 * DAY, filed_on=TODAY + DAY)
    events = history(*ROWS, secret)
    assert "CRDM" not in set(signal(events, [TODAY])["symbol"])
    made = signal(events, [TODAY], variant="seed")
    assert "CRDM" in set(made["symbol"])
    assert made.loc[made["symbol"] == "CRDM", "filings"].tolist() == [secret.url]
    counted, unknown = unheard(events, [TODAY], 30)
    assert (counted, unknown) == (1 + sum(row.code == "P" for row in ROWS), 1)


@pytest.mark.corpus
@pytest.mark.skipif(not ALL, reason="looks at ten years: `make evidence` does")
def test_a_tenth_of_what_the_published_score_counted_was_not_known_yet(corpus: Path) -> None:
    events = versions(purchases(corpus))
    days = [day.date() for day in pd.date_range("2010-01-04", "2019-12-31")]
    counted, unknown = unheard(events, days, 30)
    assert (len(events), f"{unknown / counted:.1%}") == (23_062, "10.8%")
