"""From reported lines to economic events: what one person did on one side, filed on one day, counted once.

A web table shows one filing in several rows (tranches) and under several tickers (share classes, preferred shares,
warrants, the reporting owner's own ticker). An event joins what belongs together; nothing is followed twice.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import pandas as pd

from bot.errors import ConfigError
from bot.holdings import balance
from bot.model import Decision, Event, InsiderTrade, Side, Signal, Skip, Verdict, decimal_text
from bot.plausible import implausible
from bot.trades import COLUMNS, to_records, to_table

NAME_LENGTH: Final = 30  # FinViz cuts names there; every source is compared on what all of them show
_Balance = tuple[datetime, Decimal]  # known since, shares held
EXTRA: Final = ("event_key", "keys", "symbols", "held_before", "exercised", "quarantine")


@dataclass(slots=True)
class _Line:
    """One reported line, with every ticker, key and source it was shown under, and what is implausible about it."""

    trade: InsiderTrade
    symbols: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    problem: str | None = None

    def issuer(self) -> str:
        """Whose shares they are, as far as the line tells: the issuer's number, or all its tickers."""
        return self.trade.issuer_cik or "/".join(sorted(self.symbols)) or self.trade.issuer or self.trade.key


def find_events(trades: pd.DataFrame) -> list[Event]:
    """The events in a trades table, in order of appearance.

    An event's `shares` and `value` are sums, `price` is weighted by shares, `traded_on` is its earliest day (as box 3
    of the form has it), `known_at` its latest line's, `held_before` and `shares_after` balances in shares.
    """
    groups: dict[tuple[str, ...], list[_Line]] = {}
    filings: dict[tuple[str, ...], list[_Line]] = {}
    records = to_records(trades)
    lines = _lines(records)
    for line in lines:
        trade = line.trade
        who = (line.issuer(), _same_name(trade.owner), str(trade.filed_on), trade.security or "")
        what = trade.side or trade.code or trade.form or ""
        groups.setdefault((*who, what), []).append(line)
        filings.setdefault(who, []).append(line)
    balances = _balances(lines)
    events = [_event(_event_key(group), found, filings[group[:-1]], balances) for group, found in groups.items()]
    place = {trade.key: row for row, trade in reversed(list(enumerate(records)))}
    return sorted(events, key=lambda event: min(place[key] for key in event.keys))


def as_table(events: Sequence[Event]) -> pd.DataFrame:
    """The events as a strategy sees them: the trades columns of their sums, and the `EXTRA` ones."""
    held = [None if event.held_before is None else float(event.held_before) for event in events]
    return to_table(event.trade for event in events).assign(
        event_key=pd.Series([event.key for event in events], dtype="str"),
        keys=pd.Series([event.keys for event in events], dtype="object"),
        symbols=pd.Series([event.symbols for event in events], dtype="object"),
        held_before=pd.Series(held, dtype="float64"),
        exercised=pd.Series([float(event.exercised) for event in events], dtype="float64"),
        quarantine=pd.Series([event.quarantine for event in events], dtype="str"),
    )


def decided(events: Sequence[Event], judged: pd.DataFrame) -> list[Decision]:
    """Each event with the verdict that a strategy's table holds for it, and the table's further numbers as features.

    ConfigError when the strategy has lost an event, or says neither buy, sell nor skip: every event needs a verdict.
    """
    names = [
        str(name)
        for name, kind in judged.dtypes.items()
        if name not in {*COLUMNS, *EXTRA, "decision", "rule", "reason"} and pd.api.types.is_numeric_dtype(kind)
    ]
    verdicts = judged[["event_key", "decision", "rule", "reason"]].itertuples(index=False, name=None)
    features = judged[names].astype("float64").itertuples(index=False, name=None)
    found = {key: (_verdict(*words), numbers) for (key, *words), numbers in zip(verdicts, features, strict=True)}
    if lost := [event for event in events if event.key not in found]:
        raise ConfigError(f"the strategy gave {len(lost)} of {len(events)} events no verdict; it must return every row")
    return [
        Decision(
            event=event,
            verdict=found[event.key][0],
            features={
                name: None if pd.isna(number) else number
                for name, number in zip(names, found[event.key][1], strict=True)
            },
        )
        for event in events
    ]


def _verdict(decision: str, rule: str, reason: str) -> Verdict:
    if decision == "skip":
        return Skip(rule=rule, reason=reason)
    if decision not in set(Side):
        raise ConfigError(f"the strategy decided {decision!r}: only buy, sell and skip are decisions")
    return Signal(side=Side(decision), reason=reason)


def _lines(records: Sequence[InsiderTrade]) -> list[_Line]:
    """The distinct lines, each with all its keys and tickers; what has a filing's number and was known first leads.

    Rows are one line when they have the same key, or when they agree in person, code, day, shares, price and balance,
    and in the ticker or the instant. All lines of one filing are listed under all its tickers.
    """
    found: dict[tuple[Any, ...], _Line] = {}
    for trade in sorted(records, key=_precedence):
        names = _names(trade)
        line = next((found[name] for name in names if name in found), None) or _Line(trade)
        for name in names:
            found.setdefault(name, line)
        line.keys.add(trade.key)
        line.symbols |= {trade.symbol} if trade.symbol else set()
        line.sources.add(trade.source)
        line.problem = line.problem or implausible(trade)  # whoever of several sources has found it
        names_differ = trade.issuer and line.trade.issuer and trade.issuer != line.trade.issuer
        if names_differ and trade.symbol != line.trade.symbol:
            # A listed company that files as an owner is listed too: neither name is sure to be the issuer's.
            line.trade = replace(line.trade, issuer=None)
    lines = _told_once(list({id(line): line for line in found.values()}.values()))
    tickers: dict[str, set[str]] = {}
    for line in lines:
        if line.trade.accession:
            tickers.setdefault(line.trade.accession, set()).update(line.symbols)
    for line in lines:
        line.symbols |= tickers.get(line.trade.accession or "", set())
    return lines


def _told_once(lines: list[_Line]) -> list[_Line]:
    """The lines without a second telling of a filing: of several sources the one with most lines has merged fewest."""
    if len({source for line in lines for source in line.sources}) < 2:
        return lines
    filings: dict[tuple[Any, ...], list[_Line]] = {}
    for line in lines:
        trade = line.trade
        who = (trade.accession, _same_name(trade.owner), trade.code) if trade.accession else (id(line),)
        filings.setdefault(who, []).append(line)
    return [line for told in filings.values() for line in _best_told(told)]


def _best_told(told: list[_Line]) -> list[_Line]:
    """The lines of one source; keys, tickers and problems of all others are kept with the first of them."""
    tellings = [
        [line for line in told if source in line.sources] for source in sorted(set().union(*(t.sources for t in told)))
    ]
    best = max(tellings, key=lambda lines: (len(lines), _sum(line.trade.shares for line in lines) or Decimal(0)))
    for line in told:
        if line not in best:
            best[0].keys |= line.keys
            best[0].symbols |= line.symbols
            best[0].problem = best[0].problem or line.problem
    return best


def _precedence(trade: InsiderTrade) -> tuple[Any, ...]:
    return trade.accession is None, str(trade.known_at), trade.symbol or "", trade.key, str(trade.price)


def _names(trade: InsiderTrade) -> list[tuple[Any, ...]]:
    """Everything a line may be recognised by; where a fact is missing, agreement means nothing."""
    names: list[tuple[Any, ...]] = [(trade.key,)]
    if trade.owner and trade.shares is not None and trade.traded_on:
        who = _same_name(trade.owner)
        facts = (who, trade.code, trade.traded_on, trade.shares, trade.price, trade.shares_after)
        names += [(*facts, where) for where in (trade.symbol, trade.known_at) if where]
    return names


def _alias(trade: InsiderTrade) -> str | None:
    """What an open-market line is recognised by under any ticker, or None when one of its facts is missing."""
    numbers, when = (trade.shares, trade.price, trade.shares_after), (trade.traded_on, trade.known_at)
    if not trade.side or not trade.owner or None in numbers or None in when:
        return None
    facts = (trade.side, *(decimal_text(number) for number in numbers if number is not None), *map(str, when))
    told = "|".join((_same_name(trade.owner), *facts))
    return "line:" + hashlib.sha256(told.encode()).hexdigest()[:24]


def _event(key: str, lines: list[_Line], filing: list[_Line], balances: dict[tuple[str, str], list[_Balance]]) -> Event:
    """The sum of an event's lines."""
    trades, filed = [line.trade for line in lines], [line.trade for line in filing]
    first, symbols = trades[0], tuple(sorted(set().union(*(line.symbols for line in lines))))
    known = [trade.known_at for trade in trades if trade.known_at]
    before, after = balance(filed) if first.side else (None, first.shares_after)
    if before == 0 and first.side == Side.BUY and known:
        before = _held_earlier([(symbol, _same_name(first.owner)) for symbol in symbols], min(known), balances)
    return Event(
        key=key,
        trade=_sum_of(trades, after),
        keys=tuple(sorted(set().union(*(line.keys for line in lines)))),
        symbols=symbols,
        held_before=before,
        exercised=_sum(t.shares for t in filed if t.acquired == "A" and t.side is None) or Decimal(0),
        aliases=tuple(sorted({alias for trade in trades if (alias := _alias(trade))})),
        quarantine=next((line.problem for line in filing if line.problem), None),
    )


def _sum_of(trades: list[InsiderTrade], after: Decimal | None) -> InsiderTrade:
    """All lines in one; most events have no more than that."""
    first = trades[0]
    if len(trades) == 1:
        return first if first.shares_after == after else replace(first, shares_after=after)
    return replace(
        first,
        issuer=first.issuer if all(trade.issuer == first.issuer for trade in trades) else None,
        traded_on=min((trade.traded_on for trade in trades if trade.traded_on), default=None),
        known_at=max((trade.known_at for trade in trades if trade.known_at), default=None),
        shares=_sum(trade.shares for trade in trades),
        value=_sum(trade.value for trade in trades),
        price=_weighted_price(trades),
        shares_after=after,
    )


def _balances(lines: list[_Line]) -> dict[tuple[str, str], list[_Balance]]:
    """What the lines say who holds of what, by ticker and person."""
    held: dict[tuple[str, str], list[_Balance]] = {}
    for line in lines:
        trade = line.trade
        if trade.known_at and trade.shares_after and not trade.is_derivative:
            for symbol in line.symbols:
                held.setdefault((symbol, _same_name(trade.owner)), []).append((trade.known_at, trade.shares_after))
    return held


def _held_earlier(
    places: list[tuple[str, str]], known_at: datetime, balances: dict[tuple[str, str], list[_Balance]]
) -> Decimal:
    """What the last earlier filing says is held there; 0 when there is none, which makes a buy a new position."""
    earlier = [told for place in places for told in balances.get(place, []) if told[0] < known_at]
    return max(earlier)[1] if earlier else Decimal(0)


def _weighted_price(trades: list[InsiderTrade]) -> Decimal | None:
    if len(trades) == 1:
        return trades[0].price
    shares = _sum(trade.shares for trade in trades)
    paid = _sum(None if t.shares is None or t.price is None else t.shares * t.price for t in trades)
    return Decimal(f"{paid / shares:.4f}") if paid is not None and shares else None


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    """The sum, missing when any part of it is."""
    total = Decimal(0)
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _event_key(group: tuple[str, ...]) -> str:
    return "e-" + hashlib.sha256("|".join(group).encode()).hexdigest()[:24]


@lru_cache(maxsize=10_000)  # every line asks for its owner several times
def _same_name(name: str | None) -> str:
    """A name as every source would write it: letters and digits in upper case, cut where the shortest source cuts."""
    plain = unicodedata.normalize("NFKD", (name or "")[:NAME_LENGTH]).encode("ascii", "ignore").decode().upper()
    return " ".join("".join(letter if letter.isalnum() else " " for letter in plain).split())
