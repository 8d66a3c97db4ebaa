"""Ownership documents and submissions of companies and people that do not exist."""

from collections.abc import Iterable, Mapping

Cells = Mapping[str, str]

CODING = ("transactionFormType", "transactionCode", "equitySwapInvolved")
GROUPS = {
    "transactionShares": "transactionAmounts",
    "transactionTotalValue": "transactionAmounts",
    "transactionPricePerShare": "transactionAmounts",
    "transactionAcquiredDisposedCode": "transactionAmounts",
    "sharesOwnedFollowingTransaction": "postTransactionAmounts",
    "valueOwnedFollowingTransaction": "postTransactionAmounts",
    "directOrIndirectOwnership": "ownershipNature",
    "natureOfOwnership": "ownershipNature",
    "underlyingSecurityTitle": "underlyingSecurity",
    "underlyingSecurityShares": "underlyingSecurity",
}

PURCHASE: Cells = {
    "securityTitle": "Common Stock",
    "transactionDate": "2026-02-27",
    "transactionFormType": "4",
    "transactionCode": "P",
    "equitySwapInvolved": "0",
    "transactionShares": "3000",
    "transactionPricePerShare": "40.8125",
    "transactionAcquiredDisposedCode": "A",
    "sharesOwnedFollowingTransaction": "18500",
    "directOrIndirectOwnership": "D",
}
SALE: Cells = PURCHASE | {"transactionCode": "S", "transactionAcquiredDisposedCode": "D"}
HOLDING: Cells = {
    "securityTitle": "Common Stock",
    "sharesOwnedFollowingTransaction": "250",
    "directOrIndirectOwnership": "I",
    "natureOfOwnership": "By spouse",
}
OPTION: Cells = PURCHASE | {
    "securityTitle": "Stock Option (right to buy)",
    "conversionOrExercisePrice": "12.5",
    "transactionCode": "M",
    "exerciseDate": "2025-01-01",
    "expirationDate": "2030-01-01",
    "underlyingSecurityTitle": "Common Stock",
    "underlyingSecurityShares": "3000",
}
OFFICER: Cells = {"isDirector": "1", "isOfficer": "1", "officerTitle": "Chief Financial Officer"}


def row(kind: str, cells: Cells, notes: Mapping[str, Iterable[str]] | None = None) -> str:
    """A line of a table, its cells in their groups; `notes` are the footnotes at each cell."""
    groups: dict[str, str] = {}
    for name in dict.fromkeys((*cells, *(notes or {}))):
        marks = "".join(f'<footnoteId id="{number}"/>' for number in (notes or {}).get(name, ()))
        if name == "transactionCoding":
            groups[name] = groups.get(name, "") + marks
        elif name in CODING:
            groups["transactionCoding"] = groups.get("transactionCoding", "") + f"<{name}>{cells[name]}</{name}>"
        else:
            value = f"<value>{cells[name]}</value>" if name in cells else ""
            group = GROUPS.get(name, "")
            groups[group] = groups.get(group, "") + f"<{name}>{value}{marks}</{name}>"
    bare = groups.pop("", "")
    return f"<{kind}>{bare}{''.join(f'<{name}>{inner}</{name}>' for name, inner in groups.items())}</{kind}>"


def transaction(cells: Cells = PURCHASE, notes: Mapping[str, Iterable[str]] | None = None) -> str:
    return row("nonDerivativeTransaction", cells, notes)


def holding(cells: Cells = HOLDING) -> str:
    return row("nonDerivativeHolding", cells)


def owner(cik: str = "0001999501", name: str = "Okafor Adaeze M", flags: Cells = OFFICER) -> str:
    told = "".join(f"<{flag}>{value}</{flag}>" for flag, value in flags.items())
    return (
        f"<reportingOwner><reportingOwnerId><rptOwnerCik>{cik}</rptOwnerCik><rptOwnerName>{name}</rptOwnerName>"
        "</reportingOwnerId><reportingOwnerAddress><rptOwnerCity>PORTLAND</rptOwnerCity></reportingOwnerAddress>"
        f"<reportingOwnerRelationship>{told}</reportingOwnerRelationship></reportingOwner>"
    )


def document(
    *rows: str,
    derivatives: Iterable[str] = (),
    owners: Iterable[str] = (owner(),),
    form: str = "4",
    symbol: str = "NWRB",
    facts: str = "",
    footnotes: Mapping[str, str] | None = None,
    remarks: str = "",
) -> bytes:
    """An ownership document as EDGAR has it; `facts` are further elements after the owners."""
    notes = "".join(f'<footnote id="{number}">{text}</footnote>' for number, text in (footnotes or {}).items())
    return f"""<?xml version="1.0"?>
<ownershipDocument>
  <schemaVersion>X0508</schemaVersion>
  <documentType>{form}</documentType>
  <periodOfReport>2026-02-27</periodOfReport>
  <issuer>
    <issuerCik>0001999001</issuerCik>
    <issuerName>Northwind Robotics Inc</issuerName>
    <issuerTradingSymbol>{symbol}</issuerTradingSymbol>
  </issuer>
  {"".join(owners)}{facts}
  <nonDerivativeTable>{"".join(rows)}</nonDerivativeTable>
  <derivativeTable>{"".join(derivatives)}</derivativeTable>
  <footnotes>{notes}</footnotes>
  <remarks>{remarks}</remarks>
  <ownerSignature><signatureName>/s/ A. Okafor</signatureName><signatureDate>2026-03-02</signatureDate></ownerSignature>
</ownershipDocument>
""".encode()


def submission(xml: bytes, form: str = "4", accepted: str = "20260302170341") -> bytes:
    """A full submission with an exhibit before the document that matters."""
    return (
        b"<SEC-DOCUMENT>0001999501-26-000003.txt : 20260302\n"
        b"<SEC-HEADER>0001999501-26-000003.hdr.sgml : 20260302\n"
        + (f"<ACCEPTANCE-DATETIME>{accepted}\n".encode() if accepted else b"")
        + f"ACCESSION NUMBER:\t\t0001999501-26-000003\nCONFORMED SUBMISSION TYPE:\t{form}\n".encode()
        + b"PUBLIC DOCUMENT COUNT:\t\t2\nFILED AS OF DATE:\t\t20260302\n</SEC-HEADER>\n"
        b"<DOCUMENT>\n<TYPE>EX-24\n<SEQUENCE>2\n<TEXT>\nA power of attorney.\n</TEXT>\n</DOCUMENT>\n"
        + f"<DOCUMENT>\n<TYPE>{form}\n<SEQUENCE>1\n<FILENAME>form4.xml\n<TEXT>\n<XML>\n".encode()
        + xml
        + b"\n</XML>\n</TEXT>\n</DOCUMENT>\n</SEC-DOCUMENT>\n"
    )


def bare_tags(xml: bytes) -> bytes:
    """The same submission as the feed of bare tags has it, with carriage returns alone."""
    lines = [
        b"<SUBMISSION>\n<ACCESSION-NUMBER>0001999501-26-000003",
        b"<TYPE>4",
        b"<FILING-DATE>20260302",
        b"<DOCUMENT>",
        b"<TYPE>4",
        b"<TEXT>",
        b"<XML>",
        xml,
        b"</XML>",
        b"</TEXT>",
        b"</DOCUMENT>",
        b"</SUBMISSION>",
    ]
    return b"\r".join(lines)
