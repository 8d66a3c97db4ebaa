"""Fictional filings, as many as a test wants, and an EDGAR source over a stand-in that serves them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bot.demo.edgar.filings import Filing, from_document
from bot.demo.edgar.server import EdgarServer
from bot.errors import SourceError
from bot.http import Http
from bot.sources.edgar.source import Edgar

NOW = datetime(2026, 3, 4, 22, 0, tzinfo=UTC)  # a Wednesday, 17:00 in New York
LOOKBACK = timedelta(days=7)
AGENT = "insiderbot-test ops@northwind.example"
ROW = """<nonDerivativeTransaction><securityTitle><value>Common Stock</value></securityTitle>
<transactionDate><value>2026-02-27</value></transactionDate>
<transactionCoding><transactionFormType>4</transactionFormType><transactionCode>P</transactionCode>
<equitySwapInvolved>0</equitySwapInvolved></transactionCoding>
<transactionAmounts><transactionShares><value>{shares}</value></transactionShares>
<transactionPricePerShare><value>40.8125</value></transactionPricePerShare>
<transactionAcquiredDisposedCode><value>A</value></transactionAcquiredDisposedCode></transactionAmounts>
<postTransactionAmounts><sharesOwnedFollowingTransaction><value>18500</value></sharesOwnedFollowingTransaction>
</postTransactionAmounts><ownershipNature><directOrIndirectOwnership><value>D</value></directOrIndirectOwnership>
</ownershipNature></nonDerivativeTransaction>"""


T = TypeVar("T")


class Moment:
    """A clock that stands still until it is set."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def accession(number: int) -> str:
    return f"0001999501-26-{number:06}"


def document(number: int, form: str = "4") -> bytes:
    """Owner number so and so buys 1,000 shares and as many more as their number, of one of nine companies."""
    original = "<dateOfOriginalSubmission>2026-03-02</dateOfOriginalSubmission>" if form.endswith("/A") else ""
    return f"""<?xml version="1.0"?>
<ownershipDocument><schemaVersion>X0508</schemaVersion><documentType>{form}</documentType>
<periodOfReport>2026-02-27</periodOfReport>{original}
<issuer><issuerCik>{1999000 + number % 9:010}</issuerCik><issuerName>Northwind &amp; Søn {number % 9} Inc</issuerName>
<issuerTradingSymbol>NWR{"ABCDEFGHI"[number % 9]}</issuerTradingSymbol></issuer>
<reportingOwner><reportingOwnerId><rptOwnerCik>{2999000 + number:010}</rptOwnerCik>
<rptOwnerName>Okafor Adaeze {number}</rptOwnerName></reportingOwnerId>
<reportingOwnerRelationship><isOfficer>1</isOfficer><officerTitle>CFO</officerTitle></reportingOwnerRelationship>
</reportingOwner><aff10b5One>0</aff10b5One>
<nonDerivativeTable>{ROW.format(shares=1000 + number)}</nonDerivativeTable></ownershipDocument>""".encode()


def filing(number: int, accepted_at: datetime = NOW - timedelta(hours=1), form: str = "4") -> Filing:
    """One filing, accepted an hour before now."""
    return from_document(document(number, form), accession(number), accepted_at)


def filings(
    count: int, *, first: int = 1, until: datetime = NOW, every: timedelta = timedelta(minutes=1)
) -> list[Filing]:
    """So many filings, numbered from the earliest to the latest, which is accepted at `until`."""
    return [filing(first + number, until - (count - 1 - number) * every) for number in range(count)]


def noise(count: int, form: str = "424B2") -> list[Filing]:
    """Filings of another form whose name begins alike."""
    return [filing(900_000 + number, NOW - timedelta(minutes=number), form) for number in range(count)]


def outcome(read: Callable[[bytes], T], text: bytes) -> T | SourceError:
    """What comes of reading it."""
    try:
        return read(text)
    except SourceError as error:
        return error


def server(*filings: Filing, clock: Callable[[], datetime] = Moment()) -> EdgarServer:  # noqa: B008
    """A stand-in that has no limit."""
    return EdgarServer(filings, clock=clock, per_second=None)


def edgar(
    url: str,
    folder: Path,
    *,
    user_agent: str = AGENT,
    lookback: timedelta = LOOKBACK,
    forms: tuple[str, ...] = ("4",),
    issuer: str = "",
) -> Edgar:
    """The source, as fast as it goes."""
    return Edgar(Http(user_agent), url, folder, lookback, forms=forms, issuer=issuer, per_second=1e6)
