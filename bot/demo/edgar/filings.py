"""Filings that the stand-in can serve: rendered from the demo's market, or read from a folder of saved ones.

Headers and documents follow the layout of real submissions (EDGAR Ownership XML Technical Specification).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import escape, unescape
from itertools import groupby
from pathlib import Path
from typing import Final

from bot.demo.market import Line
from bot.model import NEW_YORK

CODES: Final = {"Buy": ("P", "A"), "Sale": ("S", "D"), "Option Exercise": ("M", "A")}
ISSUERS: Final = 9_999_000_000  # nobody's numbers
TIMES: Final = "times.tsv"


@dataclass(frozen=True, slots=True)
class Party:
    """A company or person of a filing; `role` is the feed's word: Issuer, Reporting, Filer."""

    name: str
    cik: int
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """One filing: its submission as disseminated, and what the feed and the indexes say of it."""

    accession: str
    form: str
    accepted_at: datetime
    parties: tuple[Party, ...]
    submission: bytes

    @property
    def filed_on(self) -> date:
        """The day in New York; ownership forms keep it until EDGAR closes at 22:00."""
        return self.accepted_at.astimezone(NEW_YORK).date()

    @property
    def document(self) -> bytes | None:
        """The ownership document inside the submission; None for one on paper, which has no submission at all."""
        match = re.search(rb"<XML>\s*(.*?)\s*</XML>", self.submission, re.DOTALL)
        return match[1] if match else None

    @property
    def ticker(self) -> str:
        """The issuer's trading symbol, as the document has it."""
        found = re.search(rb"<issuerTradingSymbol>\s*(.*?)\s*</issuerTradingSymbol>", self.submission, re.DOTALL)
        return found[1].decode("utf-8", "replace") if found else ""


def from_lines(lines: Sequence[Line]) -> list[Filing]:
    """The market's lines as ownership filings, each accession once; notices of proposed sales are no such filings."""
    reported = [line for line in lines if line.transaction in CODES]
    groups = groupby(sorted(reported, key=lambda line: line.accession), key=lambda line: line.accession)
    return [_filing(list(group)) for _, group in groups]


def from_folder(folder: Path) -> list[Filing]:
    """The saved filings of a folder.

    A `.txt` is a full submission that tells its own time. A `.xml` is an ownership document whose accession number and
    instant (ISO 8601) stand in the folder's `times.tsv`, as three columns without headings: file, number, instant.
    """
    saved = [from_submission(path.read_bytes()) for path in sorted(folder.glob("*.txt"))]
    times = folder / TIMES
    rows = [row.split("\t") for row in times.read_text().splitlines()] if times.exists() else []
    return saved + [
        from_document((folder / name).read_bytes(), accession, datetime.fromisoformat(instant))
        for name, accession, instant in rows
    ]


def from_submission(text: bytes) -> Filing:
    """A full submission as a filing; ValueError without an acceptance time."""
    header = text.partition(b"<DOCUMENT>")[0].decode("utf-8", "replace")
    accepted = datetime.strptime(_only("<ACCEPTANCE-DATETIME>", header), "%Y%m%d%H%M%S").replace(tzinfo=NEW_YORK)
    roles = re.findall(r"^(ISSUER|REPORTING-OWNER|FILER|SUBJECT COMPANY):", header, re.MULTILINE)
    names = re.findall(r"^\s*COMPANY CONFORMED NAME:\s*(.*?)\s*$", header, re.MULTILINE)
    ciks = re.findall(r"^\s*CENTRAL INDEX KEY:\s*(\d+)", header, re.MULTILINE)
    words = {"ISSUER": "Issuer", "REPORTING-OWNER": "Reporting"}
    return Filing(
        accession=_only("ACCESSION NUMBER:", header),
        form=_only("CONFORMED SUBMISSION TYPE:", header),
        accepted_at=accepted.astimezone(UTC),
        parties=tuple(Party(n, int(c), words.get(r, "Filer")) for n, c, r in zip(names, ciks, roles, strict=True)),
        submission=text,
    )


def from_document(document: bytes, accession: str, accepted_at: datetime) -> Filing:
    """An ownership document as a filing of this number, accepted at this instant."""
    text = document.decode("utf-8", "replace")
    parties = [
        *(Party(unescape(n), int(c), "Issuer") for c, n in _pairs("issuerCik", "issuerName", text)),
        *(Party(unescape(n), int(c), "Reporting") for c, n in _pairs("rptOwnerCik", "rptOwnerName", text)),
    ]
    form = re.findall(r"<documentType>\s*(.*?)\s*</documentType>", text)[0]
    return Filing(
        accession=accession,
        form=form,
        accepted_at=accepted_at.astimezone(UTC),
        parties=tuple(parties),
        submission=_submission(document, accession, form, accepted_at, parties),
    )


def _only(label: str, header: str) -> str:
    found = re.search(rf"^{label}[ \t]*(\S.*?)\s*$", header, re.MULTILINE)
    if not found:
        raise ValueError(f"the header has no {label}")
    return found[1]


def _pairs(cik: str, name: str, text: str) -> list[tuple[str, str]]:
    return re.findall(rf"<{cik}>\s*(\d+)\s*</{cik}>\s*<{name}>\s*(.*?)\s*</{name}>", text, re.DOTALL)


def _filing(lines: Sequence[Line]) -> Filing:
    document = _document(lines).encode()
    return from_document(document, lines[0].accession, lines[0].filed_at)


def _submission(document: bytes, accession: str, form: str, accepted_at: datetime, parties: Sequence[Party]) -> bytes:
    """The submission of one document; nobody has an address."""
    local = accepted_at.astimezone(NEW_YORK)
    sections = {"Issuer": "ISSUER", "Reporting": "REPORTING-OWNER"}
    named = "".join(
        f"\n{sections.get(party.role, 'FILER')}:\n\n\tCOMPANY DATA:\n\t\tCOMPANY CONFORMED NAME:\t\t\t{party.name}\n"
        f"\t\tCENTRAL INDEX KEY:\t\t\t{party.cik:010}\n"
        for party in parties
    )
    header = (
        f"<SEC-DOCUMENT>{accession}.txt : {local:%Y%m%d}\n<SEC-HEADER>{accession}.hdr.sgml : {local:%Y%m%d}\n"
        f"<ACCEPTANCE-DATETIME>{local:%Y%m%d%H%M%S}\nACCESSION NUMBER:\t\t{accession}\n"
        f"CONFORMED SUBMISSION TYPE:\t{form}\nPUBLIC DOCUMENT COUNT:\t\t1\nFILED AS OF DATE:\t\t{local:%Y%m%d}\n{named}"
        f"</SEC-HEADER>\n<DOCUMENT>\n<TYPE>{form}\n<SEQUENCE>1\n<FILENAME>form4.xml\n<TEXT>\n<XML>\n"
    )
    return header.encode() + document + b"\n</XML>\n</TEXT>\n</DOCUMENT>\n</SEC-DOCUMENT>\n"


def _document(lines: Sequence[Line]) -> str:
    first = lines[0]
    share = first.listed[0] if first.listed else None
    company, ticker, number = (
        (share.company, share.ticker, share.issuer) if share else ("Unlisted Ventures Inc", "NONE", 0)
    )
    rows = "".join(map(_transaction, lines))
    return (
        '<?xml version="1.0"?>\n<ownershipDocument>\n<schemaVersion>X0508</schemaVersion>\n'
        f"<documentType>4</documentType>\n<periodOfReport>{min(line.traded_on for line in lines)}</periodOfReport>\n"
        f"<issuer><issuerCik>{ISSUERS + number:010}</issuerCik><issuerName>{escape(company)}</issuerName>"
        f"<issuerTradingSymbol>{ticker}</issuerTradingSymbol></issuer>\n"
        f"<reportingOwner><reportingOwnerId><rptOwnerCik>{first.owner_cik:010}</rptOwnerCik>"
        f"<rptOwnerName>{escape(first.owner)}</rptOwnerName></reportingOwnerId>{_relationship(first.title)}"
        "</reportingOwner>\n<aff10b5One>0</aff10b5One>\n"
        f"<nonDerivativeTable>\n{rows}</nonDerivativeTable>\n</ownershipDocument>"
    )


def _relationship(title: str) -> str:
    flags = {"isDirector": title == "Director", "isTenPercentOwner": title == "10% Owner"}
    flags["isOfficer"] = not any(flags.values())
    text = f"<officerTitle>{escape(title)}</officerTitle>" if flags["isOfficer"] else ""
    marks = "".join(f"<{name}>{int(value)}</{name}>" for name, value in sorted(flags.items()))
    return f"<reportingOwnerRelationship>{marks}{text}</reportingOwnerRelationship>"


def _transaction(line: Line) -> str:
    code, acquired = CODES[line.transaction]
    return (
        "<nonDerivativeTransaction><securityTitle><value>Common Stock</value></securityTitle>"
        f"<transactionDate><value>{line.traded_on}</value></transactionDate><transactionCoding>"
        f"<transactionFormType>4</transactionFormType><transactionCode>{code}</transactionCode>"
        "<equitySwapInvolved>0</equitySwapInvolved></transactionCoding><transactionAmounts>"
        f"<transactionShares><value>{line.shares}</value></transactionShares>"
        f"<transactionPricePerShare><value>{line.price}</value></transactionPricePerShare>"
        f"<transactionAcquiredDisposedCode><value>{acquired}</value></transactionAcquiredDisposedCode>"
        "</transactionAmounts><postTransactionAmounts><sharesOwnedFollowingTransaction>"
        f"<value>{line.shares_after}</value></sharesOwnedFollowingTransaction></postTransactionAmounts><ownershipNature>"
        "<directOrIndirectOwnership><value>D</value></directOrIndirectOwnership></ownershipNature>"
        "</nonDerivativeTransaction>\n"
    )
