"""A second reader of ownership documents, written apart from the first with the standard library alone, to compare."""

import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import Any

TABLES = {
    "./nonDerivativeTable/nonDerivativeTransaction": "nt",
    "./nonDerivativeTable/nonDerivativeHolding": "nh",
    "./derivativeTable/derivativeTransaction": "dt",
    "./derivativeTable/derivativeHolding": "dh",
}
TEXTS = {
    "security": "./securityTitle/value",
    "traded_on": "./transactionDate/value",
    "deemed_executed_on": "./deemedExecutionDate/value",
    "form_type": "./transactionCoding/transactionFormType",
    "code": "./transactionCoding/transactionCode",
    "timeliness": "./transactionTimeliness/value",
    "acquired": "./transactionAmounts/transactionAcquiredDisposedCode/value",
    "ownership": "./ownershipNature/directOrIndirectOwnership/value",
    "nature": "./ownershipNature/natureOfOwnership/value",
    "exercisable_on": "./exerciseDate/value",
    "expires_on": "./expirationDate/value",
    "underlying": "./underlyingSecurity/underlyingSecurityTitle/value",
}
NUMBERS = {
    "shares": "./transactionAmounts/transactionShares/value",
    "total_value": "./transactionAmounts/transactionTotalValue/value",
    "price": "./transactionAmounts/transactionPricePerShare/value",
    "shares_after": "./postTransactionAmounts/sharesOwnedFollowingTransaction/value",
    "value_after": "./postTransactionAmounts/valueOwnedFollowingTransaction/value",
    "exercise_price": "./conversionOrExercisePrice/value",
    "underlying_shares": "./underlyingSecurity/underlyingSecurityShares/value",
    "underlying_value": "./underlyingSecurity/underlyingSecurityValue/value",
}
DAYS = {"traded_on", "deemed_executed_on", "exercisable_on", "expires_on"}
FLAGS = {"1": True, "true": True, "0": False, "false": False, None: None}


def words(text: str | None) -> str | None:
    return re.sub(r"\s+", " ", text or "").strip() or None


def facts(document: bytes) -> dict[str, Any]:
    """Issuer, owners and lines as plain values; a line under its table, kind and number."""
    root = ET.fromstring(document.strip())
    return {
        "form": words(root.findtext("./documentType")),
        "period": (words(root.findtext("./periodOfReport")) or "")[:10],
        "original": words(root.findtext("./dateOfOriginalSubmission")),
        "box": FLAGS[words(root.findtext("./aff10b5One"))],
        "remarks": words(root.findtext("./remarks")),
        "issuer": tuple(words(root.findtext(f"./issuer/issuer{name}")) for name in ("Cik", "Name", "TradingSymbol")),
        "owners": [_owner(part) for part in root.findall("./reportingOwner")],
        "lines": {
            f"{place}:{number}": _line(row, root)
            for path, place in TABLES.items()
            for number, row in enumerate(root.findall(path), start=1)
        },
    }


def _owner(part: ET.Element) -> tuple[Any, ...]:
    relation = "./reportingOwnerRelationship/"
    flags = ("isDirector", "isOfficer", "isTenPercentOwner", "isOther")
    return (
        words(part.findtext("./reportingOwnerId/rptOwnerCik")),
        words(part.findtext("./reportingOwnerId/rptOwnerName")),
        *(FLAGS[words(part.findtext(relation + flag))] for flag in flags),
        words(part.findtext(relation + "officerTitle")),
        words(part.findtext(relation + "otherText")),
    )


def _line(row: ET.Element, root: ET.Element) -> dict[str, Any]:
    told: dict[str, Any] = {name: words(row.findtext(path)) for name, path in TEXTS.items()}
    for day in DAYS:
        told[day] = told[day] and told[day][:10]
    for name, path in NUMBERS.items():
        text = words(row.findtext(path))
        told[name] = None if text is None else Decimal(text)
    told["equity_swap"] = FLAGS[words(row.findtext("./transactionCoding/equitySwapInvolved"))]
    texts = {note.get("id"): words("".join(note.itertext())) or "" for note in root.findall("./footnotes/footnote")}
    parents = {child: parent for parent in row.iter() for child in parent}
    told["notes"] = [
        (parents[mark].tag, mark.get("id"), texts.get(mark.get("id"), "")) for mark in row.iter("footnoteId")
    ]
    return told
