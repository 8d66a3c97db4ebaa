"""From the rows of FinViz's insider table, on a page or in a CSV, to the trades table - all of them or none."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar

import pandas as pd

from bot.errors import SourceError
from bot.model import InsiderTrade, Role, Side, decimal_text
from bot.plausible import HIGHEST_PRICE, MOST_SHARES, rounding
from bot.roles import Roles, classify
from bot.sources.cells import (
    NEW_YORK,
    FilingLink,
    Format,
    filed_at,
    filing_link,
    is_printable,
    number,
    traded_on,
)
from bot.trades import COLUMNS, to_table, validate

T = TypeVar("T")
COPIES: Final = 3  # one sale of exactly half the holdings is a sale; three and no other are a copied column
_CODE: Final = re.compile(r"[A-Z0-9./-]{1,9}")

HEADINGS: Final = (
    "Ticker",
    "Owner",
    "Relationship",
    "Date",
    "Transaction",
    "Cost",
    "#Shares",
    "Value ($)",
    "#Shares Total",
    "SEC Form 4",
)

# Transaction -> form, Form 4 code, acquired or disposed of, side. A proposed sale is a notice on Form 144.
KINDS: Final[Mapping[str, tuple[str, str | None, str | None, Side | None]]] = {
    "Buy": ("4", "P", "A", Side.BUY),
    "Sale": ("4", "S", "D", Side.SELL),
    "Option Exercise": ("4", "M", "A", None),
    "Proposed Sale": ("144", None, None, None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as text: its cells by heading, and what its links and attributes tell besides."""

    number: int
    cells: Mapping[str, str]
    filing: str = ""
    owner_cik: str | None = None
    issuer: str | None = None


def to_trades(rows: Sequence[Row], formats: Mapping[str, Format], now: datetime) -> pd.DataFrame:
    """The trades table of these rows; SourceError when one breaks its format or too many cannot be true."""
    for row in rows:
        _check_cells(row, formats)
    _check_columns(rows)
    roles = {title: classify(title or None) for title in {row.cells["Relationship"] for row in rows}}
    trades = [_trade(row, roles[row.cells["Relationship"]], now) for row in rows]
    _check_facts(trades)
    return validate(to_table(trades).assign(key=pd.Series(_keys(trades), dtype=COLUMNS["key"])))


def refusal(number: int, column: str, expected: str, found: str) -> SourceError:
    """The sentence about a cell that is not what its column holds."""
    return SourceError(f"row {number}, column {column!r}: expected {expected}, found {shown(found)}")


def shown(text: str) -> str:
    """Foreign text as a sentence may quote it: one printable line of at most 40 characters."""
    return ascii(text if len(text) <= 40 else text[:37] + "...")


def _check_cells(row: Row, formats: Mapping[str, Format]) -> None:
    for column, text in row.cells.items():
        if not formats[column].pattern.fullmatch(text):
            raise refusal(row.number, column, formats[column].expected, text)
        if not is_printable(text):
            raise refusal(row.number, column, "printable characters only", text)
    if not row.cells["#Shares Total"] and row.cells["Transaction"] != "Proposed Sale":
        raise refusal(row.number, "#Shares Total", "a number (only a Proposed Sale has none)", "")
    if not is_printable(row.issuer or ""):
        raise refusal(row.number, "Ticker", "a company name in printable characters", row.issuer or "")


def _check_columns(rows: Sequence[Row]) -> None:
    """Refuse columns of text that are empty, or that hold what belongs into another one."""
    columns = {
        name: Counter(row.cells[name] for row in rows)
        for name in ("Ticker", "Owner", "Relationship")
        if name in rows[0].cells
    }
    has_titles = _most(columns["Relationship"], _names_a_role)
    for name, texts in columns.items():
        if _most(texts, lambda text: not text.strip("-")):
            raise SourceError(f"column {name!r}: expected text, found most cells empty")
        if name != "Ticker" and _most(texts, _is_code):
            raise SourceError(f"column {name!r}: expected names or titles, found codes such as {shown(min(texts))}")
        if not has_titles and _most(texts, _names_a_role):
            raise SourceError(
                f"column {name!r}: found the titles expected under 'Relationship', as {shown(min(texts))}"
            )


def _most(texts: Counter[str], test: Callable[[str], bool]) -> bool:
    return 2 * sum(count for text, count in texts.items() if test(text)) > texts.total()


def _names_a_role(text: str) -> bool:
    return classify(text).role not in {Role.OTHER, Role.UNKNOWN}


def _is_code(text: str) -> bool:
    """Whether a text looks like a ticker or a number and is no abbreviated title: nobody is called so."""
    return bool(_CODE.fullmatch(text)) and not _names_a_role(text)


def _trade(row: Row, roles: Roles, now: datetime) -> InsiderTrade:
    cells = row.cells
    form, code, acquired, side = KINDS[cells["Transaction"]]
    filing = _filing(row)
    known_at = _told(row, "SEC Form 4", lambda text: filed_at(text, filing.year if filing else None, now))
    filed_on = known_at.astimezone(NEW_YORK).date()
    return InsiderTrade(
        key="",
        source="finviz",
        accession=filing.accession if filing else None,
        form=form,
        url=filing.url if filing else None,
        issuer=row.issuer,
        symbol=cells.get("Ticker", "").strip("-") or None,
        owner_cik=row.owner_cik,
        owner=cells["Owner"],
        title=cells["Relationship"] or None,
        is_officer=roles.is_officer,
        is_director=roles.is_director,
        is_ten_percent=roles.is_ten_percent,
        role=roles.role,
        code=code,
        acquired=acquired,
        side=side,
        traded_on=_told(row, "Date", lambda text: traded_on(text, filed_on)),
        filed_on=filed_on,
        known_at=known_at,
        shares=number(cells["#Shares"]),
        price=number(cells["Cost"]),
        value=number(cells["Value ($)"]),
        currency="USD",
        shares_after=number(cells["#Shares Total"]) if form == "4" else None,
    )


def _told(row: Row, column: str, read: Callable[[str], T]) -> T:
    """What a cell tells; a day that the calendar does not have is refused like a wrong format."""
    try:
        return read(row.cells[column])
    except ValueError:
        raise refusal(row.number, column, "a day that exists", row.cells[column]) from None


def _filing(row: Row) -> FilingLink | None:
    if not row.filing:
        return None
    link = filing_link(row.filing)
    if link is None:
        raise refusal(row.number, "SEC Form 4", "a link into www.sec.gov/Archives/", row.filing)
    return link


def _check_facts(trades: Sequence[InsiderTrade]) -> None:
    """Refuse the whole when more than a tenth of the lines (two at least), or all of them, can hardly be true."""
    halved = [trade.shares == trade.shares_after for trade in trades if trade.acquired == "D"]
    if len(halved) >= COPIES and all(halved):
        raise SourceError(f"column '#Shares Total': found a copy of '#Shares' in all {len(halved)} rows of sales")
    doubts = [(number, doubt) for number, trade in enumerate(trades, start=1) if (doubt := _doubt(trade))]
    if len(doubts) == len(trades) or len(doubts) > max(1, len(trades) / 10):
        number, doubt = doubts[0]
        raise SourceError(f"{len(doubts)} of {len(trades)} rows can hardly be true; row {number}: {doubt}")


def _doubt(trade: InsiderTrade) -> str | None:
    """What can hardly be true about a line, or None; rare on real pages, the rule where columns changed places."""
    shares, price, value = trade.shares or Decimal(0), trade.price or Decimal(0), trade.value or Decimal(0)
    after = trade.shares_after
    if trade.traded_on and trade.filed_on and trade.traded_on > trade.filed_on:
        return f"traded on {trade.traded_on}, filed before that on {trade.filed_on}"
    if not 0 < shares <= MOST_SHARES or price > HIGHEST_PRICE:
        return f"{shares:,f} shares at {price:,f}"
    if abs(shares * price - value) > rounding(shares, price, value):
        return f"{shares:,f} shares at {price:,f} are not worth {value:,f}"
    if after is not None and trade.acquired == "A" and after < shares:
        return f"{shares:,f} shares acquired, {after:,f} held afterwards"
    if after and after == value != shares:
        return f"{after:,f} shares held afterwards, the same as the value"
    return None


def _keys(trades: Sequence[InsiderTrade]) -> list[str]:
    """The key of every line; facts that one listing repeats are told apart by their order."""
    seen: Counter[tuple[str, str | None]] = Counter()
    keys = []
    for trade in trades:
        key = _key(trade)
        seen[key, trade.symbol] += 1
        again = seen[key, trade.symbol]
        keys.append(key if again == 1 else f"{key}-{again}")
    return keys


def _key(trade: InsiderTrade) -> str:
    """The line's identity: its facts without money, and its filing's number or, where that is unknown, its symbol.

    FinViz lists one filing under several tickers; with the number these rows are one line.
    """
    owner = (trade.owner or "").casefold()
    facts = [owner, trade.code or trade.form, str(trade.traded_on), decimal_text(trade.shares or Decimal(0))]
    if trade.accession is None:
        facts.insert(0, trade.symbol or "")
    digest = hashlib.sha256("|".join(str(fact) for fact in facts).encode()).hexdigest()[:12]
    return f"{trade.accession or 'row'}:{digest}"
