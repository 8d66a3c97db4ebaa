"""From the rows of an insider table, on a page or in a file, to the trades table - all of them or none."""

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
from bot.lines import NAME_LENGTH
from bot.model import InsiderTrade, Role, Side
from bot.plain import decimal_text
from bot.plausible import HIGHEST_PRICE, MOST_SHARES, rounding
from bot.roles import Roles, classify
from bot.sources.cells import FilingLink, Format, filing_link, is_printable
from bot.trades import COLUMNS, to_table, validate

T = TypeVar("T")
COPIES: Final = 3  # one sale of exactly half the holdings is a sale; three and no other are a copied column
_CODE: Final = re.compile(r"[A-Z0-9./-]{1,9}|True|False|nan|None")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as text: its cells by heading, and what its links and attributes tell besides."""

    number: int
    cells: Mapping[str, str]
    filing: str = ""
    owner_cik: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a site writes its rows, and what they mean.

    `formats` has every column; `texts` are those of names, the person's title last; `shares` and `shares_after` name
    the columns of what was traded and of what is held afterwards. `read` makes a line of a row and its title's roles;
    `checks` refuse rows that cannot be true together.
    """

    formats: Mapping[str, Format]
    texts: tuple[str, ...]
    shares: str
    shares_after: str
    read: Callable[[Row, Roles, datetime], InsiderTrade]
    checks: tuple[Callable[[Sequence[Row]], None], ...] = ()


def to_trades(rows: Sequence[Row], layout: Layout, now: datetime) -> pd.DataFrame:
    """The trades table of these rows; SourceError when one breaks its format or too many cannot be true."""
    for row in rows:
        _check_cells(row, layout)
    _check_columns(rows, layout)
    for check in layout.checks:
        check(rows)
    title = layout.texts[-1]
    roles = {text: classify(text or None) for text in {row.cells[title] for row in rows}}
    trades = [layout.read(row, roles[row.cells[title]], now) for row in rows]
    _check_facts(trades, layout)
    return validate(to_table(trades).assign(key=pd.Series(_keys(trades), dtype=COLUMNS["key"])))


def refusal(number: int, column: str, expected: str, found: str) -> SourceError:
    """The sentence about a cell that is not what its column holds."""
    return SourceError(f"row {number}, column {column!r}: expected {expected}, found {shown(found)}")


def shown(text: str) -> str:
    """Foreign text as a sentence may quote it: one printable line of at most 40 characters."""
    return ascii(text if len(text) <= 40 else text[:37] + "...")


def told(row: Row, column: str, read: Callable[[str], T]) -> T:
    """What a cell tells; a day that the calendar does not have is refused like a wrong format."""
    try:
        return read(row.cells[column])
    except ValueError:
        raise refusal(row.number, column, "a day that exists", row.cells[column]) from None


def filing_of(row: Row, column: str) -> FilingLink | None:
    """The filing that the link in a column leads to, or None without a link."""
    if not row.filing:
        return None
    link = filing_link(row.filing)
    if link is None:
        raise refusal(row.number, column, "a link into www.sec.gov/Archives/", row.filing)
    return link


def most(texts: Counter[str], test: Callable[[str], bool]) -> bool:
    """Whether more than half of the texts pass a test."""
    return 2 * sum(count for text, count in texts.items() if test(text)) > texts.total()


def _check_cells(row: Row, layout: Layout) -> None:
    for column, text in row.cells.items():
        if not layout.formats[column].pattern.fullmatch(text):
            raise refusal(row.number, column, layout.formats[column].expected, text)
        if not is_printable(text):
            raise refusal(row.number, column, "printable characters only", text)
    if not is_printable(row.issuer or ""):
        raise refusal(row.number, "Ticker", "a company name in printable characters", row.issuer or "")


def _check_columns(rows: Sequence[Row], layout: Layout) -> None:
    """Refuse columns of text that are empty, or that hold what belongs into another one."""
    title = layout.texts[-1]
    columns = {name: Counter(row.cells[name] for row in rows) for name in layout.texts if name in rows[0].cells}
    has_titles = most(columns[title], _names_a_role)
    for name, texts in columns.items():
        if most(texts, lambda text: not text.strip("-")):
            raise SourceError(f"column {name!r}: expected text, found most cells empty")
        if name != "Ticker" and most(texts, _is_code):
            raise SourceError(f"column {name!r}: expected names or titles, found codes such as {shown(min(texts))}")
        if not has_titles and most(texts, _names_a_role):
            raise SourceError(f"column {name!r}: found the titles expected under {title!r}, as {shown(min(texts))}")


def _names_a_role(text: str) -> bool:
    return classify(text).role not in {Role.OTHER, Role.UNKNOWN}


def _is_code(text: str) -> bool:
    """Whether a text looks like a ticker or a number and is no abbreviated title: nobody is called so."""
    return bool(_CODE.fullmatch(text)) and not _names_a_role(text)


def _check_facts(trades: Sequence[InsiderTrade], layout: Layout) -> None:
    """Refuse the whole when more than a tenth of the lines (two at least), or all of them, can hardly be true."""
    halved = [trade.shares == trade.shares_after for trade in trades if trade.acquired == "D"]
    if len(halved) >= COPIES and all(halved):
        raise SourceError(
            f"column {layout.shares_after!r}: found a copy of {layout.shares!r} in all {len(halved)} rows of sales"
        )
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
    if after is not None and trade.side == Side.BUY and after < shares:
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

    One filing listed under several tickers is one line with the number, and so is what two sites show of it: a name
    counts as far as the shorter one writes it.
    """
    owner = (trade.owner or "")[:NAME_LENGTH].strip().casefold()
    facts = [owner, trade.code or trade.form, str(trade.traded_on), decimal_text(trade.shares or Decimal(0))]
    if trade.accession is None:
        facts.insert(0, trade.symbol or "")
    digest = hashlib.sha256("|".join(str(fact) for fact in facts).encode()).hexdigest()[:12]
    return f"{trade.accession or 'row'}:{digest}"
