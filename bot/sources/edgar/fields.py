"""The elements of an ownership document: which field of a record each one fills, and how its text is read.

Types after the EDGAR Ownership XML Technical Specification: a blank element is a missing one, numbers have neither sign
nor separators, days may carry a time zone, flags come in digits and in words.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple
from unicodedata import normalize

from bot.sources.cells import clean, is_printable

LONGEST: Final = 1_000  # characters of a name or a title, in which patterns are searched
DIGITS: Final = 28  # of a number, as far as decimal arithmetic is exact
FORMS: Final = ("3", "3/A", "4", "4/A", "5", "5/A")

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d(?:Z|[+-]\d\d:\d\d)?", re.ASCII)


UNREADABLE: Final = (ValueError, KeyError, ArithmeticError)


class Kind(NamedTuple):
    """What a cell may hold: how its text is read, UNREADABLE if it cannot be, and what is expected."""

    read: Callable[[str], Any]
    expected: str


Fields = Mapping[str, tuple[str, Kind]]
"""Element -> the field it fills, and its kind."""


def prose(text: str) -> str:
    """Text on one line, whatever its white space; accents are composed (Unicode NFC)."""
    if text.isascii() and not ("\n" in text or "\t" in text or "\r" in text or "  " in text):
        return text.strip(" ")  # nearly all: XML knows no other blanks of ASCII, and to split is slow
    return normalize("NFC", " ".join(text.split()))


@lru_cache(maxsize=1_000)  # the lines of a filing name the same security, and say the same days
def _word(text: str) -> str:
    text = clean(text)
    if not text or len(text) > LONGEST or not is_printable(text):
        raise ValueError(text)
    return text


def _text(text: str) -> str | None:
    return prose(text) or None


def _number(text: str) -> Decimal:
    if text.strip("0123456789.") or len(text) > DIGITS:
        raise ValueError(text)
    return Decimal(text)


@lru_cache(maxsize=1_000)
def _day(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text[:10])


def _cik(text: str) -> str:
    if len(text) > 10 or not (text.isascii() and text.isdecimal()):
        raise ValueError(text)
    return text.zfill(10)


def _one_of(**choices: Any) -> Kind:
    """The kind that holds one of these texts, which mean what they stand for here."""
    return Kind(choices.__getitem__, f"one of {', '.join(choices)}")


def _letters(letters: str) -> Kind:
    return _one_of(**{letter: letter for letter in letters})


_TEXT: Final = Kind(_text, "text")
_WORD: Final = Kind(_word, "at most 1,000 printable characters")  # it says who or what is meant
_NUMBER_CELL: Final = Kind(_number, "a number in digits")
_DAY_CELL: Final = Kind(_day, "a day that exists, as YYYY-MM-DD")
_CIK_CELL: Final = Kind(_cik, "a CIK of at most ten digits")
_FLAG: Final = _one_of(**{"1": True, "true": True, "0": False, "false": False})

FACTS: Final[Fields] = {
    "schemaVersion": ("schema", _WORD),
    "documentType": ("form", _one_of(**{form: form for form in FORMS})),
    "periodOfReport": ("period", _DAY_CELL),
    "dateOfOriginalSubmission": ("original_filed_on", _DAY_CELL),
    "noSecuritiesOwned": ("no_securities_owned", _FLAG),
    "notSubjectToSection16": ("not_subject_to_section_16", _FLAG),
    "form3HoldingsReported": ("form3_holdings_reported", _FLAG),
    "form4TransactionsReported": ("form4_transactions_reported", _FLAG),
    "aff10b5One": ("aff10b5_one", _FLAG),
    "remarks": ("remarks", _TEXT),
}
ISSUER: Final[Fields] = {
    "issuerCik": ("issuer_cik", _CIK_CELL),
    "issuerName": ("issuer", _WORD),
    "issuerTradingSymbol": ("symbol", _WORD),
    "issuerForeignTradingSymbol": ("foreign_symbol", _WORD),
}
OWNER: Final[Fields] = {
    "rptOwnerCik": ("cik", _CIK_CELL),
    "rptOwnerName": ("name", _WORD),
    "isDirector": ("is_director", _FLAG),
    "isOfficer": ("is_officer", _FLAG),
    "isTenPercentOwner": ("is_ten_percent", _FLAG),
    "isOther": ("is_other", _FLAG),
    "officerTitle": ("title", _WORD),
    "otherText": ("other", _WORD),
}
SIGNATURE: Final[Fields] = {
    "signatureName": ("name", _TEXT),
    "signatureDate": ("signed_on", _DAY_CELL),
}
LINE: Final[Fields] = {
    "securityTitle": ("security", _WORD),
    "transactionDate": ("traded_on", _DAY_CELL),
    "deemedExecutionDate": ("deemed_executed_on", _DAY_CELL),
    "transactionFormType": ("form_type", _letters("345")),
    "transactionCode": ("code", _letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
    "equitySwapInvolved": ("equity_swap", _FLAG),
    "transactionTimeliness": ("timeliness", _letters("EL")),
    "transactionShares": ("shares", _NUMBER_CELL),
    "transactionTotalValue": ("total_value", _NUMBER_CELL),
    "transactionPricePerShare": ("price", _NUMBER_CELL),
    "transactionAcquiredDisposedCode": ("acquired", _letters("AD")),
    "sharesOwnedFollowingTransaction": ("shares_after", _NUMBER_CELL),
    "valueOwnedFollowingTransaction": ("value_after", _NUMBER_CELL),
    "directOrIndirectOwnership": ("ownership", _letters("DI")),
    "natureOfOwnership": ("nature", _TEXT),
    "conversionOrExercisePrice": ("exercise_price", _NUMBER_CELL),
    "exerciseDate": ("exercisable_on", _DAY_CELL),
    "expirationDate": ("expires_on", _DAY_CELL),
    "underlyingSecurityTitle": ("underlying", _WORD),
    "underlyingSecurityShares": ("underlying_shares", _NUMBER_CELL),
    "underlyingSecurityValue": ("underlying_value", _NUMBER_CELL),
}
