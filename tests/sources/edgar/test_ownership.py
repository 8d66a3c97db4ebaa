"""Ownership documents as records: every cell with its footnotes, or one sentence about what is wrong."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SourceError
from bot.sources.edgar import ownership
from bot.sources.edgar.ownership import Note, Ownership

from .documents import HOLDING, OPTION, PURCHASE, SALE, document, holding, owner, row, transaction


def refusal(content: bytes) -> str:
    with pytest.raises(SourceError) as caught:
        ownership.read(content)
    return str(caught.value)


def test_a_document_is_read_as_a_whole() -> None:
    content = ownership.read(
        document(
            transaction(notes={"transactionPricePerShare": ["F1", "F2"], "transactionCoding": ["F2"]}),
            holding(),
            derivatives=[row("derivativeTransaction", OPTION)],
            facts="<aff10b5One>0</aff10b5One>",
            footnotes={"F1": "Average  price.", "F2": "Bought\n by herself."},
            remarks=" Power of attorney. ",
        )
    )
    bought, held, exercised = content.lines
    assert (content.form, content.schema, content.period) == ("4", "X0508", date(2026, 2, 27))
    assert (content.issuer_cik, content.issuer, content.symbol) == ("0001999001", "Northwind Robotics Inc", "NWRB")
    assert (content.aff10b5_one, content.remarks) == (False, "Power of attorney.")
    assert content.signatures == (ownership.Signature(name="/s/ A. Okafor", signed_on=date(2026, 3, 2)),)
    assert (bought.number, bought.is_derivative, bought.is_holding) == (1, False, False)
    assert (bought.shares, bought.price, bought.shares_after) == (Decimal(3000), Decimal("40.8125"), Decimal(18500))
    assert (bought.code, bought.acquired, bought.form_type, bought.equity_swap) == ("P", "A", "4", False)
    assert bought.notes == (
        Note("transactionCoding", "F2", "Bought by herself."),
        Note("transactionPricePerShare", "F1", "Average price."),
        Note("transactionPricePerShare", "F2", "Bought by herself."),
    )
    assert (held.number, held.is_holding, held.code, held.shares) == (1, True, None, None)
    assert (held.shares_after, held.ownership, held.nature) == (Decimal(250), "I", "By spouse")
    assert (exercised.is_derivative, exercised.exercise_price) == (True, Decimal("12.5"))
    assert (exercised.exercisable_on, exercised.expires_on) == (date(2025, 1, 1), date(2030, 1, 1))
    assert (exercised.underlying, exercised.underlying_shares) == ("Common Stock", Decimal(3000))


def test_a_flag_that_is_left_out_is_neither_yes_nor_no() -> None:
    (only,) = ownership.read(document(owners=[owner(flags={"isDirector": "true", "isOther": " 0 "})])).owners
    assert (only.is_director, only.is_other, only.is_officer, only.is_ten_percent) == (True, False, None, None)


@pytest.mark.parametrize(
    ("text", "flag"), [("1", True), ("true", True), (" 1 ", True), ("0", False), ("false", False), ("", None)]
)
def test_flags_come_in_digits_and_in_words(text: str, flag: bool | None) -> None:
    assert ownership.read(document(facts=f"<aff10b5One>{text}</aff10b5One>")).aff10b5_one is flag


@pytest.mark.parametrize("text", ["2009-06-01", "2009-06-01-05:00", "2009-06-01+02:00", "2009-06-01Z"])
def test_a_time_zone_behind_a_day_is_cut(text: str) -> None:
    (line,) = ownership.read(document(transaction(PURCHASE | {"transactionDate": text}))).lines
    assert line.traded_on == date(2009, 6, 1)


def test_an_impossible_year_is_read_as_it_stands() -> None:
    (line,) = ownership.read(document(transaction(PURCHASE | {"transactionDate": "0023-02-27"}))).lines
    assert line.traded_on == date(23, 2, 27)


def test_a_missing_price_stays_missing() -> None:
    cells = {name: text for name, text in PURCHASE.items() if name != "transactionPricePerShare"}
    (line,) = ownership.read(
        document(transaction(cells, {"transactionPricePerShare": ["F1"]}), footnotes={"F1": "Not determinable."})
    ).lines
    assert line.price is None
    assert line.notes == (Note("transactionPricePerShare", "F1", "Not determinable."),)


def test_a_note_without_its_footnote_says_nothing() -> None:
    (line,) = ownership.read(document(transaction(notes={"transactionShares": ["F9"]}))).lines
    assert line.notes == (Note("transactionShares", "F9", ""),)


def test_lines_are_counted_within_their_kind() -> None:
    lines = ownership.read(document(transaction(), holding(), transaction(SALE), holding())).lines
    assert [(line.is_holding, line.number) for line in lines] == [(False, 1), (True, 1), (False, 2), (True, 2)]


def test_unknown_elements_are_left_alone() -> None:
    extra = "<nextYear><value>5</value><transactionRating>A</transactionRating></nextYear>"
    plain, more = (
        transaction(),
        transaction().replace("</nonDerivativeTransaction>", f"{extra}</nonDerivativeTransaction>"),
    )
    assert ownership.read(document(more, facts="<script>alert()</script>")) == ownership.read(document(plain))


def test_a_value_of_an_unknown_element_belongs_to_no_cell() -> None:
    odd = transaction().replace("<transactionAmounts>", "<transactionAmounts><hint><value>7</value></hint>")
    assert ownership.read(document(odd)) == ownership.read(document(transaction()))


def test_cells_need_no_value_element() -> None:
    bare = transaction().replace("<value>3000</value>", "3000")
    assert ownership.read(document(bare)) == ownership.read(document(transaction()))


def test_comments_and_cdata_change_nothing() -> None:
    odd = transaction().replace("<value>3000</value>", "<value>3<!-- no -->0<![CDATA[00]]></value>")
    assert ownership.read(document(odd)) == ownership.read(document(transaction()))


def test_line_ends_blanks_and_a_byte_order_mark_change_nothing() -> None:
    plain = document(transaction(), holding())
    for other in (plain.replace(b"\n", b"\r"), plain.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + plain, b"\n " + plain):
        assert ownership.read(other) == ownership.read(plain)


def test_western_letters_are_read_in_their_declared_encoding() -> None:
    text = document(owners=[owner(name="Müller José")]).decode()
    declared = text.replace('version="1.0"', 'version="1.0" encoding="ISO-8859-1"').encode("latin-1")
    assert ownership.read(declared).owners[0].name == "Müller José"
    assert ownership.read(text.encode()).owners[0].name == "Müller José"
    assert "broken" in refusal(text.encode("latin-1"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "cp037"])
def test_other_encodings_are_refused(encoding: str) -> None:
    assert "as XML in UTF-8" in refusal(document().decode().encode(encoding))


def test_an_encoding_that_could_hide_a_doctype_is_refused() -> None:
    hidden = document().replace(b'"1.0"?>', b'"1.0" encoding="utf-7"?>')
    assert refusal(hidden) == "expected an ownership document in UTF-8, found the encoding 'utf-7'"


BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<ownershipDocument>&b;</ownershipDocument>"""
FILE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><ownershipDocument>&f;</ownershipDocument>'


@pytest.mark.parametrize("content", [BOMB, FILE], ids=["bomb", "file"])
def test_a_doctype_is_refused_before_anything_is_read(content: bytes) -> None:
    assert refusal(content) == "expected an ownership document without a DOCTYPE, found one"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "found nothing"),
        (b'{"form": "4"}', "found '{"),
        (b"<html><body><p>Form 4<br></body></html>", "found an HTML page"),
        (b"<!doctype html><html><p>Form 4<br></html>", "found an HTML page"),
        (b"<ownershipDocument>&nbsp;</ownershipDocument>", "found a broken one"),
        (b"<edgarSubmission><headerData/></edgarSubmission>", "expected an ownershipDocument, found 'edgarSubmission'"),
        (document().replace(b"<ownershipDocument>", b'<ownershipDocument xmlns="urn:x">'), "found '{urn:x}"),
        (b"<a>" * 400 + b"</a>" * 400, "found a broken one"),
        (b"<ownershipDocument>" + b" " * 5_000_000 + b"</ownershipDocument>", "at most 5000000 bytes"),
        (b"<ownershipDocument/>", "expected an ownershipDocument with documentType, found none"),
        (document(form="144"), "expected one of 3, 3/A, 4, 4/A, 5, 5/A as documentType, found '144'"),
        (document(owners=[]), "expected an ownershipDocument with reportingOwner, found none"),
        (document(owners=[owner(cik="")]), "expected each reportingOwner with rptOwnerCik, found one without"),
        (document(owners=[owner(cik="12345678901")]), "expected a CIK of at most ten digits as rptOwnerCik"),
        (document(owners=[owner(name="Oka\u200bfor")]), "expected at most 1,000 printable characters as rptOwn"),
        (document(owners=[owner(flags={"officerTitle": "see " * 300})]), "expected at most 1,000 printable characters"),
        (document(facts="<issuer><issuerCik>1</issuerCik></issuer>"), "expected one text as issuerCik, found more"),
        (document(facts="<documentType>4</documentType>"), "expected one text as documentType, found more"),
        (document(holding(HOLDING | {"directOrIndirectOwnership": "X"})), "expected one of D, I as directOr"),
        (document(row("derivativeTransaction", OPTION)), "of its kind in each table, found something else in one"),
        (document(row("remark", HOLDING)), "of its kind in each table, found something else in one"),
        (document(transaction().replace("</nonDerivativeT", holding() + "</nonDerivativeT")), "something else in"),
        (document(transaction(PURCHASE | {"transactionDate": "2026-02-30"})), "a day that exists, as YYYY-MM-DD"),
        (document(transaction(PURCHASE | {"transactionDate": "0000-02-03"})), "a day that exists, as YYYY-MM-DD"),
        (document(transaction(PURCHASE | {"transactionShares": "1</value><value>2"})), "one text as transactionShares"),
        (document(transaction(PURCHASE | {"transactionShares": "1<b/>2"})), "expected one text as transactionShares"),
        (
            document(transaction(PURCHASE | {"securityTitle": "A</value></securityTitle><securityTitle><value>B"})),
            "expected one text as securityTitle, found more",
        ),
        (
            document(footnotes={"F1": "a", "F2": "b"}).replace(b'"F2"', b'"F1"'),
            "found one number twice",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(content: bytes, found: str) -> None:
    sentence = refusal(content)
    assert found in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "text", ["1,000", "-5", "+5", "1e3", "NaN", "$5", "1_000", "１２", "5 5", ".", "0x1F", "9" * 30]
)
def test_only_plain_digits_are_numbers(text: str) -> None:
    assert "expected a number in digits as transactionShares" in refusal(
        document(transaction(PURCHASE | {"transactionShares": text}))
    )


@given(st.decimals(min_value=0, max_value=10**12, places=4))
def test_every_number_the_schema_allows_is_read_exactly(number: Decimal) -> None:
    (line,) = ownership.read(document(transaction(PURCHASE | {"transactionShares": f" {number:f}\n"}))).lines
    assert line.shares == number


@given(st.integers(min_value=0))
def test_a_document_that_is_cut_is_never_half_read(place: int) -> None:
    whole = document(transaction(), holding()).rstrip()
    assert "expected" in refusal(whole[: place % len(whole)])


def test_records_cannot_be_changed() -> None:
    content: Ownership = ownership.read(document(transaction()))
    with pytest.raises(AttributeError):
        content.lines[0].shares = Decimal(1)  # type: ignore[misc]
    with pytest.raises(AttributeError):
        content.form = "3"  # type: ignore[misc]
