"""Several sources tell of one event: whether the primary one does, and what they tell differently."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import pandas as pd

from bot.lines import is_filed, same_name
from bot.model import Decision, Event, InsiderTrade, Signal, Skip
from bot.plausible import rounding
from bot.trades import to_records

PATIENCE: Final = timedelta(days=7)  # what the primary source has not shown by then, it will not show
VERBS: Final[Mapping[str, str]] = {"P": "bought", "S": "sold"}


class Telling(NamedTuple):
    """The sum of one source's open-market lines of one code, of one filing or day; None where it does not say all."""

    shares: Decimal | None
    value: Decimal | None
    lines: int


def unconfirmed(event: Event, primary: str | None, now: datetime) -> Skip | None:
    """Why an event that the primary source does not show is not followed; None when it does, or there is none."""
    if primary is None or primary in event.sources:
        return None
    known_at, shows = event.trade.known_at, "shows" if len(event.sources) == 1 else "show"
    # Without a number of the SEC's the filing may be one of another country's.
    never = "" if event.trade.accession else "; to follow what it will never show, write BOT_PRIMARY=none"
    return Skip(
        rule="unconfirmed",
        reason=f"only {' and '.join(event.sources)} {shows} it so far, and {primary}, the primary source, does not"
        + never,
        final=known_at is None or now - known_at > PATIENCE,
    )


def compared(decisions: Sequence[Decision], trades: pd.DataFrame) -> list[Decision]:
    """The decisions, those to follow with what sources tell differently of their filings and days.

    A filing that was read itself settles it. Where only web tables tell of it, nobody can say which of them is right:
    the event is not followed while they differ.
    """
    followed = {key for each in decisions if isinstance(each.verdict, Signal) for key in each.event.keys}
    if not followed or trades["source"].nunique() < 2:  # as most often: there is nothing to compare
        return list(decisions)
    lines = trades["key"].isin(followed)
    filings, symbols = (trades.loc[lines, name].dropna() for name in ("accession", "symbol"))
    found = disputes(trades[trades["accession"].isin(filings) | trades["symbol"].isin(symbols)])
    return [_settled(decision, found) for decision in decisions]


def disputes(trades: pd.DataFrame) -> dict[str, str]:
    """What sources tell differently of one filing, beyond rounding, in words by the key of each of its rows.

    Compared are the sums of shares and values, by code: some sites show a line for each tranche, and others one for all
    of them. A code that only one source shows is no dispute where another one is in common. Where a row lacks its
    filing's number, everything that its owner filed on its day under its ticker is compared as one filing.
    """
    told = trades[trades["code"].isin(list(VERBS)) & ~trades["is_derivative"].fillna(value=False)]
    filings: dict[str, list[InsiderTrade]] = defaultdict(list)
    days: dict[tuple[str, str, date], list[InsiderTrade]] = defaultdict(list)
    for trade in to_records(told):
        if trade.accession:
            filings[trade.accession].append(trade)
        if trade.owner and trade.symbol and trade.filed_on:
            days[same_name(trade.owner), trade.symbol, trade.filed_on].append(trade)
    unnumbered = [rows for rows in days.values() if any(row.accession is None for row in rows)]
    return {row.key: words for rows in (*unnumbered, *filings.values()) if (words := _dispute(rows)) for row in rows}


def _settled(decision: Decision, found: Mapping[str, str]) -> Decision:
    words = next((found[key] for key in decision.event.keys if key in found), None)
    if words is None:
        return decision
    if is_filed(decision.event.trade):
        return replace(decision, evidence={**decision.evidence, "dispute": f"{words}; the filing counts"})
    if isinstance(decision.verdict, Signal):
        return replace(decision, verdict=Skip(rule="quarantined", reason=words, final=False))
    return decision


def _dispute(rows: Sequence[InsiderTrade]) -> str | None:
    """What the sources of one filing's or day's rows tell, where it is not the same; the filing itself comes first."""
    filed = {row.source for row in rows if is_filed(row)}
    sources = sorted({row.source for row in rows}, key=lambda source: (source not in filed, source))
    first, *others = ((source, _tellings(row for row in rows if row.source == source)) for source in sources)
    differing = [other for other in others if not _agree(first[1], other[1])]
    if not differing:
        return None
    return ", ".join(f"{source} tells of {_words(tellings)}" for source, tellings in (first, *differing))


def _tellings(rows: Iterable[InsiderTrade]) -> dict[str, Telling]:
    """One source's sums by code, by the owner it lists the most lines under: joint filers tell the same ones again."""
    lines: dict[str, dict[str, dict[str, InsiderTrade]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        lines[row.code or ""][same_name(row.owner)][row.key] = row
    return {code: _sum(max(owners.values(), key=len).values()) for code, owners in lines.items()}


def _sum(rows: Iterable[InsiderTrade]) -> Telling:
    told = [(row.shares, row.price) for row in rows]
    shares = [number for number, _ in told if number is not None]
    values = [number * price for number, price in told if number is not None and price is not None]
    return Telling(
        shares=sum(shares, Decimal(0)) if len(shares) == len(told) else None,
        value=sum(values, Decimal(0)) if len(values) == len(told) else None,
        lines=len(told),
    )


def _agree(one: Mapping[str, Telling], other: Mapping[str, Telling]) -> bool:
    common = one.keys() & other.keys()
    return bool(common) and all(_is_close(one[code], other[code]) for code in common)


def _is_close(one: Telling, other: Telling) -> bool:
    """Whether two sums differ by no more than rounding every line to whole shares and cents explains."""
    if not one.shares or not other.shares:
        return True
    if abs(one.shares - other.shares) > max(one.lines, other.lines):
        return False
    if one.value is None or other.value is None:
        return True
    return abs(one.value - other.value) <= rounding(one.shares, one.value / one.shares, one.value)


def _words(tellings: Mapping[str, Telling]) -> str:
    return " and ".join(_told(tellings[code], VERBS[code]) for code in sorted(tellings))


def _told(telling: Telling, verb: str) -> str:
    shares, value, _ = telling
    number = "an unknown number of" if shares is None else f"{shares:,f}"
    at = f" at {value / shares:,.2f}" if shares and value is not None else ""
    return f"{number} shares {verb}{at}"
