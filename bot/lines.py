"""From rows to the distinct lines they tell of: several rows, tickers, sources and owners of one line are one line.

A filing that was read itself is told by its own lines alone; what web tables show of it are its witnesses.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from unicodedata import combining, normalize

from bot.model import InsiderTrade
from bot.plausible import implausible

NAME_LENGTH: Final = 30  # FinViz cuts names there; every source is compared on what all of them show

_PLACE: Final = re.compile(r"([\w-]+):(\d{1,10}):([nd][th]):(\d{1,6})", re.ASCII)


@dataclass(slots=True, eq=False)
class Line:
    """One reported line, with every ticker, key, source and filing it was shown under, and what is wrong with it.

    `statements` are what rows of web tables say of it, a word each. `trade` is what it says by its latest version,
    `origin` its first, which decides whose event it is. `apart` is set on a line of an amendment that restates none of
    the original's lines: it belongs to no other line's event.
    """

    trade: InsiderTrade
    origin: InsiderTrade
    symbols: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    filings: set[str] = field(default_factory=set)
    statements: set[str] = field(default_factory=set)
    problem: str | None = None
    apart: str = ""

    @classmethod
    def of(cls, trade: InsiderTrade) -> "Line":
        """The line of one row."""
        return cls(
            trade=trade,
            origin=trade,
            symbols={trade.symbol} if trade.symbol else set(),
            keys={trade.key},
            sources={trade.source},
            filings={filing} if (filing := trade.accession or (place(trade) or ("",))[0]) else set(),
            statements={stated} if (stated := statement(trade)) else set(),
            problem=None if is_holding(trade) else implausible(trade),
        )

    def join(self, other: "Line") -> None:
        """Take in another telling of this line: all it is known by, but neither facts nor tickers."""
        self.keys |= other.keys
        self.sources |= other.sources
        self.filings |= other.filings
        self.statements |= other.statements


def place(trade: InsiderTrade) -> tuple[str, str, int] | None:
    """Filing, table and number of a line that was read from the filing itself, as its key tells; None for others."""
    match = _PLACE.fullmatch(trade.key) if trade.issuer_cik else None
    return (match[1], match[3], int(match[4])) if match and match[2] == trade.issuer_cik else None


def is_filed(trade: InsiderTrade) -> bool:
    """Whether a row is a line of the filing itself."""
    return place(trade) is not None


def statement(trade: InsiderTrade) -> str | None:
    """What a row of a web table states, in a word that is the same in every later filing that states it again.

    None where a fact is missing, and for a line of a filing itself, whose amendments say what they amend.
    """
    if is_filed(trade) or not trade.symbol or not (facts := _facts(trade)):
        return None
    return "row:" + hashed((trade.symbol, *map(str, facts)))


def hashed(facts: Iterable[str]) -> str:
    """Facts as one short word."""
    return hashlib.sha256("|".join(facts).encode()).hexdigest()[:24]


def is_holding(trade: InsiderTrade) -> bool:
    """Whether a line of a filing says what is held, and no more."""
    return trade.code is None and trade.shares is None and is_filed(trade)


def web_lines(rows: Iterable[InsiderTrade]) -> list[Line]:
    """The distinct lines of web tables and saved ones; what has a filing's number and was known first leads.

    Rows are one line when they have the same key, or when they agree in person, code, day, shares, price and balance,
    and in the ticker or the instant; in one filing, whoever of its owners they are listed under. All lines of one
    filing are listed under all its tickers.
    """
    found: dict[tuple[Any, ...], Line] = {}
    for trade in sorted(rows, key=_precedence):
        names = _names(trade)
        line = next((found[name] for name in names if name in found), None)
        if line is None:
            line = Line.of(trade)
        else:
            _tell_again(line, trade)
        for name in names:
            found.setdefault(name, line)
    lines = _told_once(list(dict.fromkeys(found.values())))
    tickers: dict[str, set[str]] = {}
    for line in lines:
        if line.trade.accession:
            tickers.setdefault(line.trade.accession, set()).update(line.symbols)
    for line in lines:
        line.symbols |= tickers.get(line.trade.accession or "", set())
    return lines


def unexplained(web: Sequence[Line], filed: Sequence[Line]) -> list[Line]:
    """The web lines that no filing read tells of; every other is now a witness of its filing's line.

    A row is of a filing by its number; without one, by owner, code, days and whole shares, of a line or of the sum of
    all lines of that code. The filing's facts win, its issuer and its doubts among them.
    """
    if not filed:
        return list(web)
    filings: dict[str, list[Line]] = {}
    tellings: dict[tuple[Any, ...], Line] = {}
    sums: dict[tuple[Any, ...], list[Line]] = {}
    for line in filed:
        for accession in line.filings:
            filings.setdefault(accession, []).append(line)
        if not is_holding(line.trade) and line.trade.shares is not None:
            trade = line.trade
            tellings.setdefault(_telling(trade, trade.shares), line)
            sums.setdefault((trade.issuer_cik, trade.owner_cik, trade.filed_on, trade.code), []).append(line)
    for lines in sums.values():
        total = sum((line.trade.shares or Decimal(0) for line in lines), Decimal(0))
        tellings.setdefault(_telling(lines[0].trade, total), lines[0])
    left = []
    for line in web:
        of = filings.get(line.trade.accession or "")
        witnessed = _likest(of, line.trade) if of else tellings.get(_telling(line.trade, line.trade.shares))
        if witnessed:
            witnessed.join(line)
            witnessed.symbols = witnessed.symbols or line.symbols  # the row's ticker only where the filing has none
        else:
            left.append(line)
            line.problem = "the filing itself reports no trade" if of else line.problem
    return left


def _likest(lines: Sequence[Line], trade: InsiderTrade) -> Line | None:
    """The line of a filing that a row of it is most likely to show."""
    return min(
        (line for line in lines if not is_holding(line.trade)),
        key=lambda line: (line.trade.code != trade.code, _whole(line.trade.shares) != _whole(trade.shares)),
        default=None,
    )


def _telling(trade: InsiderTrade, shares: Decimal | None) -> tuple[Any, ...]:
    """What a row without its filing's number is recognised by; where a fact is missing, nothing is."""
    facts = (trade.code, trade.filed_on, _whole(shares))
    return (same_name(trade.owner), *facts) if trade.owner and None not in facts else (trade.key,)


def _whole(shares: Decimal | None) -> int | None:
    """The number of shares as web tables round it; how they round halves is not known."""
    return None if shares is None else int(shares)


def _tell_again(line: Line, trade: InsiderTrade) -> None:
    """Join a further row of a line: whoever of several sources has found a problem is believed."""
    line.join(again := Line.of(trade))
    line.symbols |= again.symbols
    line.problem = line.problem or again.problem
    names_differ = trade.issuer and line.trade.issuer and trade.issuer != line.trade.issuer
    if names_differ and trade.symbol != line.trade.symbol:
        # A listed company that files as an owner is listed too: neither name is sure to be the issuer's.
        line.trade = line.trade._replace(issuer=None)


def _told_once(lines: list[Line]) -> list[Line]:
    """The lines without a second telling of a filing: of several sources the one with most lines has merged fewest."""
    filings: dict[tuple[Any, ...], list[Line]] = {}
    for line in lines:
        trade = line.trade
        filings.setdefault((trade.accession, trade.code) if trade.accession else (id(line),), []).append(line)
    once = [line for told in filings.values() for line in (_best_told(told) if len(told) > 1 else told)]
    return _told_once_without_number(once) if len({source for line in once for source in line.sources}) > 1 else once


def _told_once_without_number(lines: list[Line]) -> list[Line]:
    """The same where a source does not give the number: what a person did on a day is told by one source."""
    crowds: dict[tuple[Any, ...], list[Line]] = {}
    for line in lines:
        trade = line.trade
        who = (same_name(trade.owner), min(line.symbols, default=""), trade.filed_on, trade.code)
        crowds.setdefault(who, []).append(line)
    told = []
    for crowd in crowds.values():
        is_twice = len({source for line in crowd for source in line.sources}) > 1
        numberless = any(line.trade.accession is None for line in crowd)
        told += _best_told(crowd) if is_twice and numberless and len(crowd) > 1 else crowd
    return told


def _best_told(told: list[Line]) -> list[Line]:
    """The lines of one source, once for all owners; what else was told is kept with the first of them."""
    tellings = [
        _of_all_owners([line for line in told if source in line.sources])
        for source in sorted(set().union(*(line.sources for line in told)))
    ]
    best = max(tellings, key=lambda lines: (len(lines), sum(line.trade.shares or Decimal(0) for line in lines)))
    for line in told:
        if line not in best:
            best[0].join(line)
            best[0].symbols |= line.symbols
            best[0].problem = best[0].problem or line.problem
    return best


def _of_all_owners(told: list[Line]) -> list[Line]:
    """One source's lines of a filing without those that repeat another's for one more owner; an officer leads."""
    owners: dict[tuple[Any, ...], dict[str, Line]] = {}
    for line in sorted(told, key=lambda line: seniority(line.trade)):
        trade = line.trade
        facts = (trade.traded_on, trade.shares, trade.price, trade.shares_after)
        owners.setdefault(facts if trade.shares is not None else (line,), {}).setdefault(same_name(trade.owner), line)
    kept = {id(next(iter(by_owner.values()))) for by_owner in owners.values()}
    return [line for line in told if id(line) in kept]


def seniority(trade: InsiderTrade) -> int:
    """Who leads where several persons report one trade: an officer, a director, a holder of 10 %, then anyone."""
    flags = (trade.is_officer, trade.is_director and not trade.is_ten_percent, trade.is_director, trade.is_ten_percent)
    return next((rank for rank, flag in enumerate(flags) if flag), len(flags))


def _precedence(trade: InsiderTrade) -> tuple[Any, ...]:
    return trade.accession is None, str(trade.known_at), trade.symbol or "", trade.key, str(trade.price)


def _names(trade: InsiderTrade) -> list[tuple[Any, ...]]:
    """Everything a line may be recognised by; where a fact is missing, agreement means nothing."""
    names: list[tuple[Any, ...]] = [(trade.key,)]
    if facts := _facts(trade):
        names += [(*facts, where) for where in (trade.symbol, trade.known_at) if where]
    return names


def _facts(trade: InsiderTrade) -> tuple[Any, ...]:
    """Who traded what on which day, and what was left; nothing where the person, the shares or the day is missing."""
    if not trade.owner or trade.shares is None or not trade.traded_on:
        return ()
    who = same_name(trade.owner)
    return who, trade.code, trade.traded_on, trade.shares, trade.price, trade.shares_after


@lru_cache(maxsize=10_000)  # every line asks for its owner several times
def same_name(name: str | None) -> str:
    """A name as every source would write it: letters and digits in upper case, cut where the shortest source cuts.

    Its words are in alphabetical order, for some put the first name first. Every initial counts: two persons may differ
    in no more than that. Accents do not count, for some leave them out.
    """
    plain = (sign for sign in normalize("NFKD", (name or "")[:NAME_LENGTH]) if not combining(sign))
    return " ".join(sorted("".join(sign if sign.isalnum() else " " for sign in plain).upper().split()))
