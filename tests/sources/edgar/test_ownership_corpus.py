"""Real ownership documents: read as a second reader, the manifest, a third party and a person read them."""

import csv
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.model import Side
from bot.sources.edgar import ownership
from bot.sources.edgar.footnotes import not_open_market
from bot.sources.edgar.lines import lines
from bot.sources.edgar.ownership import Ownership
from bot.trades import to_table, validate

from .second_reader import NUMBERS, TEXTS, facts, words

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def documents(corpus: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((corpus / "edgar/form4_xml").glob("*.xml"))}


@pytest.fixture(scope="module")
def read(documents: dict[str, bytes]) -> dict[str, Ownership]:
    return {name: ownership.read(document) for name, document in documents.items()}


def test_every_document_says_what_a_second_reader_finds(
    documents: dict[str, bytes], read: dict[str, Ownership]
) -> None:
    assert {name: plain(content) for name, content in read.items()} == {
        name: facts(document) for name, document in documents.items()
    }


def plain(content: Ownership) -> dict[str, Any]:
    """A document's facts as the second reader has them."""
    told = {
        f"{'d' if line.is_derivative else 'n'}{'h' if line.is_holding else 't'}:{line.number}": {
            name: text_of(getattr(line, name)) for name in TEXTS
        }
        | {name: getattr(line, name) for name in (*NUMBERS, "equity_swap")}
        | {"notes": [tuple(note) for note in line.notes]}
        for line in content.lines
    }
    return {
        "form": content.form,
        "period": str(content.period),
        "original": text_of(content.original_filed_on),
        "box": content.aff10b5_one,
        "remarks": content.remarks,
        "issuer": (content.issuer_cik, content.issuer, content.symbol),
        "owners": [
            (o.cik, o.name, o.is_director, o.is_officer, o.is_ten_percent, o.is_other, o.title, o.other)
            for o in content.owners
        ],
        "lines": told,
    }


def text_of(value: Any) -> str | None:
    return None if value is None else str(value)


def test_every_document_has_as_many_lines_as_the_manifest_says(corpus: Path, read: dict[str, Ownership]) -> None:
    with (corpus / "edgar/MANIFEST.tsv").open(encoding="utf-8") as file:
        rows = {
            Path(row["file"]).name: row for row in csv.DictReader(file, delimiter="\t") if "form4_xml" in row["file"]
        }
    assert rows.keys() == read.keys()
    for name, content in read.items():
        trades = [line.is_derivative for line in content.lines if not line.is_holding]
        row = rows[name]
        expected = row["n nonderivative transactions"], row["n derivative transactions"]
        assert (str(trades.count(False)), str(trades.count(True))) == expected, name
        assert (content.form, content.schema) == (row["form type"], row["schema version"]), name


def test_all_lines_make_one_table_that_keeps_the_schema(read: dict[str, Ownership]) -> None:
    nothing = {"filed_on": None, "known_at": None, "url": None}
    trades = [trade for name, content in read.items() for trade in lines(content, accession=name, **nothing)]
    table = validate(to_table(trades))
    assert len(table) == sum(len(content.lines) for content in read.values())
    assert table["key"].is_unique
    assert table["symbol"].notna().all()  # every issuer of this corpus is listed


# Read by a person: start of the file's name; owners; lines (transactions, holdings, those of derivatives); buys, sells;
# the role of who leads; whether the first signal, or else the first line, is planned; the day an amendment points to.
BY_HAND = """
0000002488-24-000005     1 2/0/1/0  0 0 accounting  False -
0000034088-26-000075     1 0/0/0/0  0 0 -           -     -
0000707549-25-000004     1 2/0/0/0  0 0 director    False 2024-11-04
0000899243-20-034355     1 8/0/10/0 1 0 director    None  -
0000899243-21-031284     1 1/0/1/0  0 0 other       None  -
0000899243-21-036608     7 0/2/0/0  0 0 ten_percent None  -
0000899243-21-044370     1 0/0/0/0  0 0 -           -     -
0000899243-22-012864     4 0/1/0/0  0 0 ten_percent None  -
0000950170-24-009914     6 0/0/0/5  0 0 ten_percent None  -
0001046179-26-000288     1 2/3/0/0  0 0 vp          False -
0001046179-26-000290     1 0/4/1/1  0 0 coo         False -
0001062993-21-007940     1 4/2/0/0  0 0 director    None  -
0001062993-22-021877     1 0/0/1/0  0 0 director    None  -
0001104659-26-062860     1 3/1/2/0  0 1 cfo         False -
0001140361-26-017175     1 1/0/0/0  0 1 cfo         True  -
0001193125-26-236842     1 1/0/0/0  0 1 ten_percent False -
0001209191-12-022044     2 5/0/2/0  0 2 director    True  -
0001209191-13-014365     2 7/0/1/0  0 5 director    True  -
0001225208-26-005410     1 1/2/0/0  0 1 ceo         True  -
0001288257-12-000028     1 2/0/0/0  2 0 director    None  -
0001494730-11-000006     1 1/0/0/0  0 0 ceo         None  -
0001819848-24-000298     1 1/2/1/0  0 0 director    False -
ConnorVO__xml_no_deemed  1 6/2/0/0  0 6 officer     True  -
ConnorVO__xml_timestamp  1 1/0/0/0  0 0 director    None  -
RxDataLab__promis        1 3/0/4/0  0 0 ten_percent False -
RxDataLab__wave          1 11/0/5/0 0 6 cfo         True  -
dgunning__form3.nosec    1 0/0/0/0  0 0 -           -     -
feiseli__form4_tz        1 1/0/0/0  0 0 ten_percent False -
joeychilson__form4a      1 1/0/0/0  0 0 director    None  2021-12-15
tossww__77e1c82f         1 1/0/1/0  0 0 ceo         False 2025-10-22
tossww__812c9cd4         2 1/0/0/0  0 0 ten_percent False -
tossww__d1bd34ca         2 2/0/0/0  1 1 ten_percent False 2025-09-29
tossww__d3b7342b         2 0/1/0/0  0 0 ten_percent False -
tossww__e01445ac         1 1/0/0/0  0 1 director    True  -
tossww__f4f43195         3 0/0/0/0  0 0 -           -     -
"""


@pytest.mark.parametrize("told", BY_HAND.strip().splitlines())
def test_odd_documents_are_read_as_a_person_reads_them(told: str, read: dict[str, Ownership]) -> None:
    name, *expected = told.split()
    (content,) = (content for file, content in read.items() if file.startswith(name))
    trades = lines(content, accession=None, filed_on=None, known_at=None, url=None)
    places = [trade.key.split(":")[2] for trade in trades]
    sides = [trade.side for trade in trades]
    first = next((trade for trade in trades if trade.side), trades[0] if trades else None)
    assert expected == [
        str(len(content.owners)),
        "/".join(str(places.count(place)) for place in ("nt", "nh", "dt", "dh")),
        str(sides.count(Side.BUY)),
        str(sides.count(Side.SELL)),
        str(first.role) if first else "-",
        str(first.plan_10b5_1) if first else "-",
        (first.amends or "-").rpartition(":")[2] if first else "-",
    ]


def test_one_purchase_of_the_corpus_says_that_it_was_no_trade_on_the_market(read: dict[str, Ownership]) -> None:
    told = [name[:20] for name, content in read.items() for is_elsewhere in not_open_market(content) if is_elsewhere]
    assert told == ["0001494730-11-000006"]


@pytest.fixture(scope="module")
def third_party() -> Any:
    """edgartools, which must ask the network about every owner unless it is told that all are companies."""
    owners = pytest.importorskip("edgar.ownership.owners")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owners, "Entity", lambda *_: SimpleNamespace(data=SimpleNamespace(is_company=True)))
        yield pytest.importorskip("edgar.ownership.ownershipforms").Ownership


# What edgartools tells otherwise, by file and fact, and why.
EXPLAINED = {
    ("ConnorVO__xml_timestamp__BICX_2021-09-30.xml", "nt:1", "traded_on"): "it keeps the time zone behind a day",
    ("feiseli__form4_tz_suffix_date__AREC_2024-07-19.xml", "nt:1", "traded_on"): "it keeps the time zone behind a day",
    ("0000899243-22-012864.xml", "nh:1", "is_direct"): "it takes a D with a footnote for indirect",
    ("0001209191-20-061332.xml", "nh:1", "is_direct"): "it takes a D with a footnote for indirect",
}
COLUMNS = {
    "security": "Security",
    "traded_on": "Date",
    "form_type": "form",
    "code": "Code",
    "acquired": "AcquiredDisposed",
    "ownership": "DirectIndirect",
    "shares": "Shares",
    "price": "Price",
    "shares_after": "Remaining",
}


def test_every_difference_from_edgartools_is_explained(
    third_party: Any, documents: dict[str, bytes], read: dict[str, Ownership]
) -> None:
    found = set()
    for name, content in read.items():
        theirs, ours = their_facts(third_party.parse_xml(documents[name].decode())), our_facts(content)
        assert theirs.keys() == ours.keys(), name
        found |= {(name, *fact) for fact, value in ours.items() if theirs[fact] != value}
    assert found == EXPLAINED.keys()


def our_facts(content: Ownership) -> dict[tuple[str, str], Any]:
    """What both tell, by line and field."""
    told: dict[tuple[str, str], Any] = {
        ("", "issuer"): (content.issuer_cik, content.issuer, content.symbol),
        ("", "plan"): content.aff10b5_one,
        ("", "owners"): [
            (o.cik, o.name, bool(o.is_director), bool(o.is_officer), bool(o.is_ten_percent), bool(o.is_other))
            for o in content.owners
        ],
    }
    for line in content.lines:
        place = f"{'d' if line.is_derivative else 'n'}{'h' if line.is_holding else 't'}:{line.number}"
        if not line.is_holding:
            told |= {(place, name): worth(getattr(line, name)) for name in COLUMNS}
        elif not line.is_derivative:
            told |= {(place, "is_direct"): line.ownership == "D", (place, "shares_after"): worth(line.shares_after)}
    return told


def their_facts(parsed: dict[str, Any]) -> dict[tuple[str, str], Any]:
    issuer, tables = parsed["issuer"], {"n": parsed["non_derivative_table"], "d": parsed["derivative_table"]}
    told: dict[tuple[str, str], Any] = {
        ("", "issuer"): (issuer.cik, words(issuer.name), issuer.ticker),
        ("", "plan"): parsed["aff10b5_one"],
        ("", "owners"): [
            (o.cik, o.name, o.is_director, o.is_officer, o.is_ten_pct_owner, o.is_other)
            for o in parsed["reporting_owners"].owners
        ],
    }
    for table, found in tables.items():
        for number, row in enumerate(rows_of(found.transactions), start=1):
            told |= {(f"{table}t:{number}", name): worth(row[column]) for name, column in COLUMNS.items()}
    for number, row in enumerate(rows_of(tables["n"].holdings), start=1):
        told |= {("nh:" + str(number), "is_direct"): row["Direct"] == "Yes"}
        told |= {("nh:" + str(number), "shares_after"): worth(row["Shares"])}
    return told


def rows_of(part: Any) -> list[dict[str, Any]]:
    return [] if part.data is None else part.data.to_dict("records")


def worth(value: Any) -> Any:
    """A cell as both can be compared: numbers as decimals, texts without the footnotes shown behind them."""
    if value is None or value != value:
        return None
    text = words(re.sub(r"\s*\[?F\d[F\d\], \[]*$", "", str(value)))
    return Decimal(text) if text and re.fullmatch(r"\d+(\.\d+)?(e[+-]?\d+)?", text) else text
