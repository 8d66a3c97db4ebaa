"""The lines of filings that were read themselves: amended by their amendments, and once for all who filed them."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

from bot.lines import Line, is_holding, place, seniority
from bot.model import InsiderTrade
from bot.plausible import implausible

AWARD: Final = "A"
UNSEEN: Final = "which was not seen"  # how the doubt about an amendment ends whose original is not there
Fact = Callable[[InsiderTrade], Any]

_PAR: Final = re.compile(r"[,(]?\s*(?:with\s+)?(?:(?:no|without)\s+)?(?:\$\s*[\d.]+\s+)?par\s+value.*", re.IGNORECASE)


def filed_lines(rows: Iterable[InsiderTrade]) -> list[Line]:
    """The distinct lines of filings in their filings' order, each by its latest version.

    An amendment points to its original by issuer, owner and the original's filing day. It supersedes the lines it
    restates; the line keeps its first version's identity and filing day, and is known since the amendment is. A line
    that restates none of the original's, or amends a filing that was not seen, has that as its problem.
    """
    lines: dict[str, Line] = {}
    for trade in sorted(rows, key=_in_order):
        line = Line.of(trade)
        lines.setdefault(trade.key, line).join(line)
    return _once_for_all_owners(_amended(list(lines.values())))


def index_url(issuer_cik: str, accession: str) -> str:
    """Where a filing can be read: its page at EDGAR, by the company's number and its own."""
    folder = f"{int(issuer_cik)}/{accession.replace('-', '')}"
    return f"https://www.sec.gov/Archives/edgar/data/{folder}/{accession}-index.htm"


@lru_cache(maxsize=10_000)
def same_class(security: str | None) -> str:
    """A class of shares as every filing would write it: lower case, without its par value."""
    return " ".join(re.findall(r"[^\W_]+", _PAR.sub("", security or "").lower()))


def _in_order(trade: InsiderTrade) -> tuple[Any, ...]:
    filing, table, number = place(trade) or ("", "", 0)
    return str(trade.known_at), filing, is_holding(trade), table, number


# -- amendments


def _amended(lines: list[Line]) -> list[Line]:
    """The lines as amended; those of an amendment stay only where they supersede none."""
    filings: dict[str, list[Line]] = defaultdict(list)
    amendments: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        trade = line.trade
        if trade.amends and (trade.form or "").endswith("/A"):
            amendments[_filing(trade)].append(line)
        else:
            filings[f"{trade.issuer_cik}:{trade.owner_cik}:{trade.filed_on}"].append(line)
    superseding: set[Line] = set()
    unseen: dict[str, list[Line]] = {}
    for restated in amendments.values():
        name = restated[0].trade.amends or ""
        if name in filings:
            superseding |= _supersede(filings[name], restated, name)
        else:
            filings[name] = unseen[name] = restated  # what amends it once more has this to go by
    for name, restated in unseen.items():
        _stand_alone(restated, name)
    return [line for line in lines if line not in superseding]


def _supersede(standing: list[Line], restated: list[Line], name: str) -> set[Line]:
    """Give the standing lines their new versions; the lines of the amendment that did so."""
    pairs = _pairs(standing, restated)
    for old, new in pairs:
        if _facts(old.trade) != _facts(new.trade):
            old.trade = new.trade._replace(filed_on=old.origin.filed_on)
            old.problem = None if is_holding(old.trade) else implausible(old.trade)
        old.join(new)
        old.symbols = new.symbols or old.symbols
    done = {new for _, new in pairs}
    for line in restated:
        if line not in done:
            line.apart = line.trade.key
            line.problem = (
                f"unlinked: a line of an amendment of the filing of {_day(name)} that restates none of its lines"
            )
    return done


def _stand_alone(restated: list[Line], name: str) -> None:
    """Give the lines of an amendment without its original that original's day, and so its identity."""
    day = _day(name)
    for line in restated:
        line.origin = line.origin._replace(filed_on=day)
        line.trade = line.trade._replace(filed_on=day)
        line.problem = f"an amendment of the filing of {day}, {UNSEEN}"


def _day(name: str) -> date | None:
    """The original's filing day in `issuer:owner:YYYY-MM-DD`."""
    text = name.rpartition(":")[2]
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _pairs(standing: Sequence[Line], restated: Sequence[Line]) -> list[tuple[Line, Line]]:
    """Which line restates which: by table, day, code and class, and by the numbers where that leaves a choice.

    One with another day, code or class restates what it agrees with in two of shares, price and balance, or in shares
    and day. Whatever agrees in less may be what the original left out, and restates nothing.
    """
    pairs: list[tuple[Line, Line]] = []
    old, new = list(standing), list(restated)
    for rule in _RULES:
        olds, news = _by(rule, old), _by(rule, new)
        for facts, lines in olds.items():
            if len(lines) == len(news.get(facts, ())):
                pairs += zip(lines, news[facts], strict=True)
        paired = {line for pair in pairs for line in pair}
        old, new = ([line for line in lines if line not in paired] for lines in (old, new))
    return pairs


def _by(fact: Fact, lines: Iterable[Line]) -> dict[Any, list[Line]]:
    found: dict[Any, list[Line]] = {}
    for line in lines:
        if facts := fact(line.trade):
            found.setdefault(facts, []).append(line)
    return found


def _same(trade: InsiderTrade) -> tuple[Any, ...]:
    return _table(trade), trade.traded_on, trade.code, same_class(trade.security)


def _all_of(*facts: Any) -> tuple[Any, ...] | None:
    """The facts, or None where one is missing or nought: to agree in that, as all awards do in price, says nothing."""
    return facts if all(facts) else None


def _filing(trade: InsiderTrade) -> str:
    return (place(trade) or ("",))[0]


def _table(trade: InsiderTrade) -> str:
    return (place(trade) or ("", ""))[1]


_RULES: Final[tuple[Fact, ...]] = (
    lambda trade: (*_same(trade), trade.shares, trade.price, trade.shares_after, trade.ownership),
    lambda trade: (*_same(trade), trade.shares, trade.price),
    lambda trade: (*_same(trade), trade.shares),
    lambda trade: (*_same(trade), trade.price),
    lambda trade: (*_same(trade), trade.shares_after),
    _same,
    lambda trade: _all_of(_table(trade), trade.shares, trade.price),
    lambda trade: _all_of(_table(trade), trade.shares, trade.shares_after),
    lambda trade: _all_of(_table(trade), trade.price, trade.shares_after),
    lambda trade: _all_of(_table(trade), trade.shares, trade.traded_on),
)


def _facts(trade: InsiderTrade) -> tuple[Any, ...]:
    numbers = (trade.shares, trade.price, trade.value, trade.shares_after)
    kind = (trade.code, trade.acquired, trade.side, same_class(trade.security), trade.ownership, trade.plan_10b5_1)
    return *numbers, *kind, trade.traded_on


# -- joint filers


def _once_for_all_owners(lines: list[Line]) -> list[Line]:
    """The lines without those that tell another filing's trade again, for the same person or for one who filed with it.

    Two persons' lines are one when they agree in class, day, code, shares, price and balance afterwards, and one of
    them at least holds indirectly: nobody else can own directly what one owns directly. Awards are everyone's own,
    however alike, and a line that is in doubt lends nothing to another.
    """
    found: dict[tuple[Any, ...], list[Line]] = defaultdict(list)
    again: set[Line] = set()
    times: Counter[tuple[Any, ...]] = Counter()
    for line in sorted(lines, key=lambda line: seniority(line.trade)):
        names = []
        for trade in dict.fromkeys((line.trade, line.origin)):
            facts = (line.trade.issuer_cik, *_retold(trade))
            if None in facts or line.problem:
                continue
            # Lines that one filing repeats are several: the second of them is the second of the other filing's.
            times[(_filing(trade), *facts)] += 1
            names.append((*facts, times[(_filing(trade), *facts)]))
        lead = next((lead for name in names for lead in found[name] if _is_told_by(lead.trade, line.trade)), None)
        if lead:
            lead.join(line)
            lead.symbols = lead.symbols or line.symbols
            again.add(line)
        else:
            for name in names:
                found[name].append(line)
    return [line for line in lines if line not in again]


def _retold(trade: InsiderTrade) -> tuple[Any, ...]:
    return same_class(trade.security), trade.traded_on, trade.code, trade.shares, trade.price, trade.shares_after


def _is_told_by(lead: InsiderTrade, trade: InsiderTrade) -> bool:
    if lead.owner_cik == trade.owner_cik:
        return lead.ownership == trade.ownership
    return trade.code != AWARD and "I" in {lead.ownership, trade.ownership}
