"""The lists of a company's submissions and of tickers: read as a whole or refused in one sentence."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SourceError
from bot.http import Http, strict_json
from bot.sources.edgar import submissions, tickers
from bot.sources.edgar.listing import Listing
from bot.sources.edgar.pace import SharedPace
from bot.sources.edgar.site import Site
from tests.builders import FEW

CIK = "0001999001"
RECENT = {
    "accessionNumber": ["0001999501-26-000003", "0001999001-26-000011", "9999999997-26-000001"],
    "filingDate": ["2026-03-02", "2026-02-20", "2026-02-19"],
    "acceptanceDateTime": ["2026-03-02T17:03:41.000Z", "2026-02-20T16:10:02.000Z", "2026-02-19T00:00:00.000Z"],
    "form": ["4/A", "10-K", "3"],
    "primaryDocument": ["xslF345X05/wk-form4_1.xml", "nwrb-20251231.htm", "9999999997-26-000001.paper"],
}
FOUND: dict[str, Any] = {
    "cik": CIK,
    "insiderTransactionForIssuerExists": 1,
    "name": "Northwind Robotics Inc",
    "filings": {
        "recent": RECENT,
        "files": [{"name": f"CIK{CIK}-submissions-001.json", "filingCount": 9, "filingTo": "2024-02-11"}],
    },
}


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The submissions with something that is not as it should be."""
    found = deepcopy(FOUND)
    change(found)
    return found


def test_the_columns_become_filings_in_their_order_without_a_time() -> None:
    found = submissions.read(FOUND, CIK)
    assert found.latest.listings == (
        Listing(accession="0001999501-26-000003", form="4/A", cik="1999001", filed_on=date(2026, 3, 2)),
        Listing(accession="0001999001-26-000011", form="10-K", cik="1999001", filed_on=date(2026, 2, 20)),
        Listing(accession="9999999997-26-000001", form="3", cik="1999001", filed_on=date(2026, 2, 19)),
    )
    assert found.latest.paper == {"9999999997-26-000001"}
    assert found.older == (submissions.OlderPage(name=f"CIK{CIK}-submissions-001.json", until=date(2024, 2, 11)),)


@pytest.mark.parametrize("cik", ["1999001", "0001999001", 1999001])
def test_the_number_may_have_its_zeros_or_not(cik: object) -> None:
    assert submissions.read(FOUND | {"cik": cik}, CIK).latest.listings


@pytest.mark.parametrize(
    "facts", [{}, {"insiderTransactionForOwnerExists": 0}, {"insiderTransactionForOwnerExists": 1, "tickers": ["NWRB"]}]
)
def test_a_company_that_nobody_has_reported_on_yet_is_one(facts: dict[str, Any]) -> None:
    assert submissions.read(FOUND | facts | {"insiderTransactionForIssuerExists": 0}, CIK).latest.listings


def test_a_company_without_filings_has_none() -> None:
    empty = {name: [] for name in RECENT}
    assert submissions.page(empty, CIK) == submissions.Page(listings=(), paper=frozenset())


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "expected submissions with cik, found '[]'"),
        (None, "expected submissions with cik, found 'None'"),
        ({}, "expected submissions with cik"),
        (changed(lambda f: f.update(cik="0001999002")), "expected the submissions of CIK 0001999001, found those of"),
        (changed(lambda f: f.update(cik=None)), "found those of 'None'"),
        (
            changed(lambda f: f.update(insiderTransactionForIssuerExists=0, insiderTransactionForOwnerExists=1)),
            "expected a company with insiders under CIK 0001999001, found 'Northwind Robotics Inc', about whom nobody",
        ),
        (changed(lambda f: f.pop("insiderTransactionForIssuerExists")), "with insiderTransactionForIssuerExists"),
        (changed(lambda f: f.pop("filings")), "expected submissions with filings"),
        (changed(lambda f: f["filings"].pop("recent")), "expected submissions with recent"),
        (changed(lambda f: f["filings"].pop("files")), "expected submissions with files"),
        (changed(lambda f: f["filings"].update(recent=[])), "expected submissions with accessionNumber"),
        (changed(lambda f: f["filings"].update(files={})), "expected submissions with a list of files"),
        *(
            (changed(lambda f, name=name: f["filings"]["recent"].pop(name)), f"expected submissions with {name}")
            for name in submissions.COLUMNS
        ),
        *(
            (
                changed(lambda f, name=name: f["filings"]["recent"][name].pop()),
                "expected submissions in columns of one length, found lengths from 2 to 3",
            )
            for name in RECENT
        ),
        (changed(lambda f: f["filings"]["recent"].update(form="4")), "expected submissions with a list of form"),
        *(
            (
                changed(lambda f, name=name, cell=cell: f["filings"]["recent"][name].__setitem__(1, cell)),
                "submission 2: expected number, form, day and document, found",
            )
            for name, cell in [
                ("accessionNumber", "1999001-26-11"),
                ("accessionNumber", "٠٠٠١٩٩٩٠٠١-26-000011"),
                ("accessionNumber", None),
                ("filingDate", "20260220"),
                ("filingDate", "2026-02-30"),
                ("filingDate", ""),
                ("form", ""),
                ("form", 4),
                ("primaryDocument", None),
            ]
        ),
        *(
            (
                changed(lambda f, name=name, value=value: f["filings"]["files"][0].update({name: value})),
                "expected a page of older submissions and its days",
            )
            for name, value in [
                ("name", "../CIK0001999001-submissions-001.json"),
                ("name", "CIK0001999002-submissions-001.json"),
                ("filingTo", "2024-02-31"),
            ]
        ),
        (changed(lambda f: f["filings"].update(files=["CIK"])), "expected submissions with name, found 'CIK'"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(found: Any, said: str) -> None:
    with pytest.raises(SourceError, match=re.escape(said)) as caught:
        submissions.read(found, CIK)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FOUND, *RECENT, "files"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@FEW
@given(JSON)
def test_whatever_the_json_is_it_is_read_or_refused(found: Any) -> None:
    for read in (lambda: submissions.read(found, CIK), lambda: submissions.page(found, CIK)):
        try:
            assert read()
        except SourceError:
            continue


@FEW
@given(st.dictionaries(st.integers(1, 10**10 - 1), st.from_regex(r"[A-Z]{1,5}", fullmatch=True)))
def test_every_ticker_that_one_company_has_is_its_own(companies: dict[int, str]) -> None:
    entries = [{"cik_str": cik, "ticker": f" {ticker} ", "title": "Inc"} for cik, ticker in companies.items()]
    names = list(companies.values())
    entries.append({"cik_str": 1, "ticker": "LONG-TAIL", "title": "Inc"})
    found = tickers.read({f"{number}": entry for number, entry in enumerate(entries)})
    assert found == {"LONG-TAIL": "0000000001"} | {
        ticker: f"{cik:010}" for cik, ticker in companies.items() if names.count(ticker) == 1
    }


@pytest.mark.parametrize("written", ["BRK-B", "brk.b", "BRK/B", " Brk.B "])
def test_a_class_is_written_with_a_dash(written: str) -> None:
    assert tickers.read({"0": {"cik_str": 7, "ticker": written, "title": ""}}) == {"BRK-B": "0000000007"}


@pytest.mark.parametrize(
    "found",
    [
        *([], {}, None, "NWRB", {"0": "NWRB"}, {"0": {"ticker": "NWRB"}}, {"0": {"cik_str": 1, "ticker": ""}}),
        *({"0": {"cik_str": cik, "ticker": "NWRB"}} for cik in (None, "x", -1, 10**10, True)),
        {"fields": ["cik", "name", "ticker"], "data": [[1999001, "Northwind Robotics Inc", "NWRB"]]},
    ],
)
def test_a_list_of_tickers_that_is_none_is_refused(found: Any) -> None:
    with pytest.raises(SourceError, match=r"^expected .* found "):
        tickers.read(found)


# -- where it is asked for


@pytest.fixture
def site(tmp_path: Path) -> Site:
    pace = SharedPace(tmp_path / "pace", 1e6)
    return Site(Http("insiderbot-test ops@northwind.example"), "https://www.sec.gov", pace)


@responses.activate
def test_submissions_have_a_host_of_their_own(site: Site) -> None:
    responses.get(f"https://data.sec.gov/submissions/CIK{CIK}.json", json=FOUND)
    responses.get(f"https://data.sec.gov/submissions/CIK{CIK}-submissions-001.json", json=RECENT)
    responses.get("https://www.sec.gov/files/company_tickers.json", json={"0": {"cik_str": 1999001, "ticker": "NWRB"}})
    assert site.submissions(CIK) == submissions.read(FOUND, CIK)
    assert site.older_submissions(f"CIK{CIK}-submissions-001.json", CIK) == submissions.page(RECENT, CIK)
    assert site.tickers() == {"NWRB": CIK}


@responses.activate
def test_a_number_that_is_nobody_s_is_said(site: Site) -> None:
    responses.get(f"https://data.sec.gov/submissions/CIK{CIK}.json", status=404)
    with pytest.raises(SourceError, match=f"^expected a company with the CIK {CIK} at EDGAR, found none$"):
        site.submissions(CIK)


@responses.activate
@pytest.mark.parametrize("body", ["", "{", '{"cik": NaN}', '{"cik": "1", "cik": "2"}', "\xff"])
def test_what_is_no_json_is_said(site: Site, body: str) -> None:
    responses.get(f"https://data.sec.gov/submissions/CIK{CIK}.json", body=body.encode("latin-1"))
    with pytest.raises(
        SourceError, match=rf"^expected the submissions of CIK {CIK} from EDGAR as JSON: data\.sec\.gov"
    ):
        site.submissions(CIK)


@responses.activate
@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_page_that_is_not_there_is_said(site: Site, status: int) -> None:
    responses.get(f"https://data.sec.gov/submissions/CIK{CIK}-submissions-001.json", status=status)
    with pytest.raises(SourceError):
        site.older_submissions(f"CIK{CIK}-submissions-001.json", CIK)


# -- real ones


@pytest.mark.corpus
def test_every_recorded_list_of_submissions_is_read_or_said_to_be_nobody_s(corpus: Path) -> None:
    read, refused = 0, []
    for path in sorted((corpus / "edgar/json").glob("CIK*.json")):
        found, cik = strict_json(path.read_text("utf-8")), path.name[3:13]
        try:
            page = submissions.page(found, cik) if "filings" not in found else submissions.read(found, cik).latest
        except SourceError as error:
            refused.append(str(error))
            continue
        columns = found.get("filings", {}).get("recent", found)
        read += len(page.listings)
        assert [one.accession for one in page.listings] == columns["accessionNumber"]
        assert [one.form for one in page.listings] == columns["form"]
        assert len(page.paper) == sum(name.endswith(".paper") for name in columns["primaryDocument"])
        older = submissions.read(found, cik).older if "filings" in found else ()
        assert [page.name for page in older] == [file["name"] for file in found.get("filings", {}).get("files", [])]
        assert all(page.until < min(one.filed_on for one in found_page(found, cik)) for page in older)
    assert read > 5_000
    assert all("about whom nobody reports" in sentence for sentence in refused)


def found_page(found: Any, cik: str) -> tuple[Listing, ...]:
    return submissions.read(found, cik).latest.listings


@pytest.mark.corpus
def test_every_recorded_list_of_tickers_is_read(corpus: Path) -> None:
    for path in sorted((corpus / "edgar/json").glob("company_tickers__*.json")):
        found = tickers.read(json.loads(path.read_text("utf-8")))
        assert len(found) > 9_000
        assert found["AAPL"] == "0000320193"
        assert found["BRK-B"] == "0001067983"
