"""What a record of a filings API says: which of its words are which of ours, and what they mean.

The words are those most of these services share; the settings rename them. What a service calls an acquisition may be a
grant or an exercise: only where something was paid is it taken for a purchase. Words nobody foresaw make no trade.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.errors import ConfigError, SourceError
from bot.model import InsiderTrade, Side
from bot.roles import classify
from bot.sources.cells import TICKER, filing_link
from bot.sources.rest.values import Record, described, end_of

# The words around the records: of a request, and of an answer.
WIRE: Final = (
    *("from_date", "to_date", "page", "page_size", "offset", "limit", "cursor"),
    *("results", "total_pages", "total_count", "next_cursor"),
)

# Our word -> theirs, unless the settings say otherwise.
NAMES: Final[Mapping[str, str]] = {
    **{word: word for word in WIRE},
    "id": "id",
    "accession": "accession",
    "form": "form",
    "url": "url",
    "issuer_cik": "issuer_cik",
    "issuer": "issuer_name",
    "symbol": "ticker",
    "owner_cik": "insider_cik",
    "owner": "insider_name",
    "title": "insider_role",
    "is_officer": "is_officer",
    "is_director": "is_director",
    "is_ten_percent": "is_ten_percent",
    "type": "transaction_type",
    "code": "transaction_code",
    "acquired": "acquired_disposed",
    "security": "security_type",
    "ownership": "ownership_nature",
    "plan_10b5_1": "plan_10b5_1",
    "traded_on": "transaction_date",
    "filed_on": "filing_date",
    "published_at": "published_at",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "shares": "shares",
    "price": "price",
    "value": "value",
    "currency": "currency",
    "shares_after": "shares_after",
}
NEEDED: Final = ("owner", "traded_on", "filed_on", "shares")  # without these no record is a trade
FEW: Final = 10

SIDES: Final[Mapping[str, Side]] = {"P": Side.BUY, "S": Side.SELL}
DIRECTIONS: Final[Mapping[str, str]] = {"P": "A", "S": "D"}
CODES: Final[Mapping[str, str]] = {"buy": "P", "purchase": "P", "sell": "S", "sale": "S", "grant": "A", "exercise": "M"}
IF_PAID: Final[Mapping[str, str]] = {"acquisition": "P", "disposition": "S"}

_LETTER: Final = re.compile(r"([A-Z])(?: ?- ?.*)?", re.ASCII)  # P, or P-Purchase
_FORM_4_CODES: Final = frozenset("PSVADFIMCEHOXGLWZJKU")
_DERIVATIVE: Final = re.compile(
    r"option|warrant|right|derivative|swap|future|convertible|(?:stock|share) unit|\b[rp]su"
)
_SHARE: Final = re.compile(r"common|share|stock|equity|\bad[rs]s?\b")
_ACCESSION: Final = re.compile(r"(\d{10})-?(\d{2})-?(\d{6})", re.ASCII)
_CIK: Final = re.compile(r"0*(\d{1,10})", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Za-z]{3}")  # as it stands: GBp is a hundredth of GBP
_OWNERSHIP: Final[Mapping[str, str]] = {"direct": "D", "d": "D", "indirect": "I", "i": "I"}


def names_of(entries: Sequence[str]) -> dict[str, str]:
    """Every word with its service's name for it; ConfigError for an entry that renames no word of ours."""
    names = dict(NAMES)
    for entry in entries:
        word, sign, name = (part.strip() for part in entry.partition("="))
        if not sign or word not in NAMES:
            close = difflib.get_close_matches(word, NAMES, n=1)
            hint = f"did you mean {close[0]}?" if close else f"choose from {', '.join(NAMES)}"
            raise ConfigError(f"BOT_REST_FIELDS: {entry!r} renames no word of ours (word=theirs); {hint}")
        names[word] = name
    return names


def check_words(records: Sequence[Record], renamed: Iterable[str]) -> None:
    """Refuse records that have never heard of a word no trade can do without, or of one the settings rename.

    A few records may all lack what is rarely told.
    """
    if not records:
        return
    wanted = (*NEEDED, *renamed) if len(records) >= FEW else NEEDED
    told = set().union(*(record.members for record in records))
    name = records[0].name
    missing = [name(word) for word in dict.fromkeys(wanted) if name(word) and name(word) not in told]
    if not {name("type"), name("code")} & told:
        missing.append(name("type") or name("code"))
    if missing:
        raise SourceError(
            f"expected {', '.join(map(repr, missing))} in the records, found {described(dict.fromkeys(sorted(told)))}:"
            " BOT_REST_FIELDS tells which word is which"
        )


def read(record: Record, key: str) -> InsiderTrade:
    """The line that a record tells; SourceError for a member that is not what it was to be."""
    price, shares, value = record.amount("price"), record.number("shares"), record.amount("value")
    code, acquired = _meaning(record, price)
    if shares is not None and shares < 0:
        if acquired != "D":
            raise record.refusal("shares", "a number below zero only where shares went out")
        shares = -shares
    is_derivative = _is_derivative(record.text("security"))
    title, is_officer = record.text("title"), record.flag("is_officer")
    roles = classify(title, flag=is_officer)
    is_director, is_ten_percent = record.flag("is_director"), record.flag("is_ten_percent")
    link = filing_link(record.text("url") or "")
    accession = _accession(record) or (link.accession if link else None)
    return InsiderTrade(
        key=key,
        source="rest",
        accession=accession,
        form=record.text("form"),
        url=link.url if link else None,
        issuer_cik=_cik(record, "issuer_cik"),
        issuer=record.text("issuer"),
        symbol=_symbol(record.text("symbol")),
        owner_cik=_cik(record, "owner_cik"),
        owner=record.text("owner"),
        title=title,
        is_officer=roles.is_officer,
        is_director=roles.is_director if is_director is None else is_director,
        is_ten_percent=roles.is_ten_percent if is_ten_percent is None else is_ten_percent,
        role=roles.role,
        code=code,
        acquired=acquired,
        side=None if is_derivative else SIDES.get(code or ""),
        security=record.text("security"),
        is_derivative=is_derivative,
        ownership=_OWNERSHIP.get((record.text("ownership") or "").lower()),
        plan_10b5_1=record.flag("plan_10b5_1"),
        traded_on=record.day("traded_on"),
        filed_on=record.day("filed_on"),
        known_at=_known_at(record),
        shares=shares,
        price=price,
        value=shares * price if value is None and shares is not None and price is not None else value,
        currency=_currency(record) or ("USD" if _is_of_the_sec(record, accession) else None),
        shares_after=record.number("shares_after"),
    )


def _meaning(record: Record, price: Decimal | None) -> tuple[str | None, str | None]:
    """The Form 4 code that a record stands for, and whether shares came in (A) or went out (D); None is unknown."""
    kind, letter = record.text("type") or "", record.text("code") or ""
    word = kind.lower()
    match = _LETTER.fullmatch(letter or kind)
    if match:
        code = match[1] if match[1] in _FORM_4_CODES else None
    elif letter:
        raise record.refusal("code", "a transaction code such as P")
    else:
        code = CODES.get(word) or (IF_PAID.get(word) if price else None)
    direction = (record.text("acquired") or "").upper()[:1]
    told = DIRECTIONS.get(CODES.get(word) or IF_PAID.get(word) or code or "")
    return code, direction if direction in {"A", "D"} else told


def _known_at(record: Record) -> datetime | None:
    """When the service could have shown it; without a time when its day was over in New York."""
    told = record.instant("published_at") or record.instant("created_at")
    filed_on = record.day("filed_on")
    return told or (end_of(filed_on) if filed_on else None)


def _is_derivative(security: str | None) -> bool | None:
    words = (security or "").lower()
    if _DERIVATIVE.search(words):
        return True
    return False if _SHARE.search(words) else None


def _symbol(ticker: str | None) -> str | None:
    """The ticker with a dash before its class letter; none where no share in the United States is called so."""
    return ticker.replace(".", "-") if ticker and re.fullmatch(TICKER, ticker, re.ASCII) else None


def _accession(record: Record) -> str | None:
    match = _ACCESSION.fullmatch(record.text("accession") or "")
    return "-".join(match.groups()) if match else None


def _is_of_the_sec(record: Record, accession: str | None) -> bool:
    """Whether a record tells of an ownership filing with the SEC, which is in US dollars where it does not say."""
    form = (record.text("form") or "").removesuffix("/A")
    return accession is not None or form in {"3", "4", "5"} or record.text("code") is not None


def _cik(record: Record, word: str) -> str | None:
    text = record.text(word)
    match = _CIK.fullmatch(text or "")
    if text and not match:
        raise record.refusal(word, "a CIK of at most ten digits")
    return match[1] if match else None


def _currency(record: Record) -> str | None:
    text = record.text("currency")
    if text and not _CURRENCY.fullmatch(text):
        raise record.refusal("currency", "a currency such as USD")
    return text
