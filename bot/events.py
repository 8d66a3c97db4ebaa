"""From reported lines to economic events: what one person did on one side, filed on one day, counted once.

A web table shows one filing in several rows (tranches) and under several tickers (share classes, preferred shares,
warrants, the reporting owner's own ticker). An event joins what belongs together; nothing is followed twice.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from bot.model import Decision, Event, InsiderTrade, Side, Signal, Skip
from bot.trades import COLUMNS, to_records, to_table

NAME_LENGTH: Final = 30  # FinViz cuts names there; every source is compared on what all of them show
MOST_SHARES: Final = Decimal(10**9)
HIGHEST_PRICE: Final = Decimal(10**6)
EXTRA: Final = ("event_key", "keys", "symbols", "held_before", "exercised", "quarantine")


@dataclass(slots=True)
class _Line:
    """One reported line, with every ticker and key it was shown under."""

    trade: InsiderTrade
    symbols: set[str] = field(default_factory=set)
    keys: list[str] = field(default_factory=list)


def to_events(trades: pd.DataFrame) -> pd.DataFrame:
    """The events in a trades table: its columns summed up per event, and `EXTRA` beside them, in order of appearance.

    An event's `shares` and `value` are sums, `price` is weighted by shares, `traded_on` is its earliest day (as box 3
    of the form has it), `known_at` its latest line's, `held_before` and `shares_after` balances in shares.
    """
    groups: dict[tuple[Any, ...], list[_Line]] = {}
    filings: dict[tuple[Any, ...], list[InsiderTrade]] = {}
    lines = _lines(to_records(trades))
    for line in lines:
        trade = line.trade
        who = (min(line.symbols, default=""), _same_name(trade.owner), trade.filed_on)
        filings.setdefault(who, []).append(trade)
        groups.setdefault((*who, trade.code, trade.form == "144", trade.security), []).append(line)
    balances = _balances(lines)
    return to_event_table(_event(group, filings[key[:3]], balances) for key, group in groups.items())


def to_event_table(events: Iterable[Event]) -> pd.DataFrame:
    """The events as a table: the trades columns of their sums and the `EXTRA` ones."""
    rows = list(events)
    table = to_table(event.trade for event in rows)
    table["event_key"] = pd.Series([event.key for event in rows], dtype="str")
    table["keys"] = pd.Series([event.keys for event in rows], dtype="object")
    table["symbols"] = pd.Series([event.symbols for event in rows], dtype="object")
    table["held_before"] = pd.Series([_number(event.held_before) for event in rows], dtype="float64")
    table["exercised"] = pd.Series([float(event.exercised) for event in rows], dtype="float64")
    table["quarantine"] = pd.Series([event.quarantine for event in rows], dtype="str")
    return table


def from_judged_table(table: pd.DataFrame) -> list[Decision]:
    """The rows of an events table that a strategy has judged, as decisions; its further columns are the features."""
    rows = zip(to_records(table[list(COLUMNS)]), table[list(EXTRA)].itertuples(index=False, name=None), strict=True)
    names = [name for name in table.columns if name not in {*COLUMNS, *EXTRA, "decision", "rule", "reason"}]
    verdicts = table[["decision", "rule", "reason"]].itertuples(index=False, name=None)
    features = table[names].astype("float64").itertuples(index=False, name=None)
    return [
        Decision(
            event=_record(trade, extra),
            verdict=Skip(rule=rule, reason=reason)
            if decision == "skip"
            else Signal(side=Side(decision), reason=reason),
            features={name: None if pd.isna(number) else number for name, number in zip(names, numbers, strict=True)},
        )
        for (trade, extra), (decision, rule, reason), numbers in zip(rows, verdicts, features, strict=True)
    ]


def _record(trade: InsiderTrade, extra: tuple[Any, ...]) -> Event:
    key, keys, symbols, before, exercised, quarantine = extra
    return Event(
        key=key,
        trade=trade,
        keys=keys,
        symbols=symbols,
        held_before=None if pd.isna(before) else Decimal(repr(float(before))),
        exercised=Decimal(repr(float(exercised))),
        quarantine=None if pd.isna(quarantine) else quarantine,
    )


def implausible(trade: InsiderTrade) -> str | None:
    """Why a line cannot be true as it stands, or None; such a line is shown and explained, never traded."""
    shares, price = trade.shares, trade.price
    if trade.traded_on is None or trade.filed_on is None:
        return "the line does not say when it was traded or filed"
    if trade.traded_on > trade.filed_on:
        return f"traded on {trade.traded_on}, after it was filed on {trade.filed_on}"
    if trade.side is None:
        return None
    if shares is None or not 0 < shares <= MOST_SHARES:
        return f"{shares} shares were traded"
    if price is None or not 0 < price <= HIGHEST_PRICE:
        return f"the price is {price}"
    if trade.acquired != ("A" if trade.side == "buy" else "D"):
        return f"a {trade.side} is marked as {trade.acquired} (A acquired, D disposed of)"
    if trade.value is not None and abs(shares * price - trade.value) > rounding(shares, price, trade.value):
        return f"{shares:,f} shares at {price:,f} are not worth {trade.value:,f}"
    return None


def rounding(shares: Decimal, price: Decimal, value: Decimal) -> Decimal:
    """How far shares x price may be from the value shown: 1 %, or what rounding to whole shares and cents explains."""
    return max(value / 100, price / 2 + shares / 200 + 1)


def _lines(records: Sequence[InsiderTrade]) -> list[_Line]:
    """The distinct lines, each with all its tickers.

    Rows of one filing share their key under every ticker. Without a filing's number, rows that agree in everything
    but the ticker are one line; where the same line also came with a number, such a row is only its witness.
    """
    lines: dict[Any, _Line] = {}
    numbered: dict[tuple[Any, ...], _Line] = {}
    tickers: dict[str, set[str]] = {}
    for trade in sorted(records, key=lambda trade: trade.accession is None):
        facts = (_same_name(trade.owner), trade.code, trade.traded_on, trade.shares, trade.price, trade.shares_after)
        witnessed = numbered.get((*facts, trade.symbol))
        if trade.accession:
            line = lines.setdefault(trade.key, _Line(trade))
            numbered[(*facts, trade.symbol)] = line
            tickers.setdefault(trade.accession, set()).update({trade.symbol} if trade.symbol else ())
        elif witnessed:
            line = witnessed
        else:
            line = lines.setdefault((*facts, trade.known_at), _Line(trade))
        if trade.key not in line.keys:
            line.keys.append(trade.key)
        if trade.symbol:
            line.symbols.add(trade.symbol)
    for line in lines.values():
        line.symbols |= tickers.get(line.trade.accession or "", set())
    return list(lines.values())


def _event(
    lines: list[_Line], filing: list[InsiderTrade], balances: dict[tuple[str, str], list[InsiderTrade]]
) -> Event:
    """The sum of an event's lines."""
    trades = [line.trade for line in lines]
    first = trades[0]
    symbols = tuple(sorted(set().union(*(line.symbols for line in lines))))
    shares, value = _sum(trade.shares for trade in trades), _sum(trade.value for trade in trades)
    before, after = balance(_in_order(filing)) if first.side else (None, first.shares_after)
    if before == 0 and first.side == "buy":
        before = _held_earlier(first, balances)
    total = replace(
        first,
        symbol=first.symbol if first.symbol in symbols else next(iter(symbols), None),
        traded_on=min((trade.traded_on for trade in trades if trade.traded_on), default=None),
        known_at=max((trade.known_at for trade in trades if trade.known_at), default=None),
        shares=shares,
        value=value,
        price=_weighted_price(trades),
        shares_after=after,
    )
    return Event(
        key=_event_key(total, symbols),
        trade=total,
        keys=tuple(dict.fromkeys(key for line in lines for key in line.keys)),
        symbols=symbols,
        held_before=before,
        exercised=_sum(t.shares for t in filing if t.acquired == "A" and t.side is None) or Decimal(0),
        quarantine=next((problem for trade in trades if (problem := implausible(trade))), None),
    )


def balance(lines: Sequence[InsiderTrade]) -> tuple[Decimal | None, Decimal | None]:
    """A person's balance in shares before and after these lines; None when a line does not show it, or it is negative.

    Lines are chained: a line's balance before it is its balance after it less what it acquired. A line that starts
    where the last one of its chain ended goes on with it. A gap no larger than everything that moved is the same
    ownership line with something unreported between (if shares appear from nowhere they were held before); a larger
    gap is another ownership line, whose balance adds up.
    """
    moved = sum((line.shares or Decimal(0) for line in lines), Decimal(0))
    chains: list[list[Decimal]] = []  # [before, after] of each ownership line
    for line in lines:
        if line.shares is None or line.shares_after is None or line.acquired is None:
            return None, None
        opening = line.shares_after - (line.shares if line.acquired == "A" else -line.shares)
        chain = min(chains, key=lambda chain: abs(opening - chain[1]), default=None)
        if chain is None or abs(opening - chain[1]) > moved:
            chains.append([opening, line.shares_after])
        else:
            chain[0] += max(Decimal(0), opening - chain[1])
            chain[1] = line.shares_after
    if not chains or any(before < 0 or after < 0 for before, after in chains):
        return None, None
    return sum((chain[0] for chain in chains), Decimal(0)), sum((chain[1] for chain in chains), Decimal(0))


def _in_order(filing: list[InsiderTrade]) -> list[InsiderTrade]:
    """The lines of one person's filing as they happened: by day, what came in before what went out, then by balance."""
    moving = [line for line in filing if line.acquired is not None]
    return sorted(
        moving,
        key=lambda line: (
            line.traded_on or line.filed_on,
            line.acquired == "D",
            (line.shares_after or Decimal(0)) * (1 if line.acquired == "A" else -1),
        ),
    )


def _balances(lines: list[_Line]) -> dict[tuple[str, str], list[InsiderTrade]]:
    held: dict[tuple[str, str], list[InsiderTrade]] = {}
    for line in lines:
        if line.trade.shares_after:
            for symbol in line.symbols:
                held.setdefault((symbol, _same_name(line.trade.owner)), []).append(line.trade)
    return held


def _held_earlier(trade: InsiderTrade, balances: dict[tuple[str, str], list[InsiderTrade]]) -> Decimal:
    """What an earlier filing says the person holds; 0 when there is none, which makes the buy a new position."""
    earlier = [
        line
        for line in balances.get((trade.symbol or "", _same_name(trade.owner)), [])
        if line.known_at and trade.known_at and line.known_at < trade.known_at
    ]
    latest = max(earlier, key=lambda line: line.known_at or trade.known_at, default=None)  # type: ignore[arg-type,return-value]
    return (latest.shares_after or Decimal(0)) if latest else Decimal(0)


def _weighted_price(trades: list[InsiderTrade]) -> Decimal | None:
    if len(trades) == 1:
        return trades[0].price
    shares = _sum(trade.shares for trade in trades)
    paid = _sum(None if t.shares is None or t.price is None else t.shares * t.price for t in trades)
    return (paid / shares).quantize(Decimal("0.0001")) if paid is not None and shares else None


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    """The sum, missing when any part of it is."""
    total = Decimal(0)
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _event_key(trade: InsiderTrade, symbols: tuple[str, ...]) -> str:
    issuer = trade.issuer_cik or (symbols[0] if symbols else trade.key)
    facts = (issuer, _same_name(trade.owner), trade.security or "", trade.code or trade.form or "", str(trade.filed_on))
    return "e-" + hashlib.sha256("|".join(facts).encode()).hexdigest()[:24]


def _same_name(name: str | None) -> str:
    """A name as every source would write it: letters and digits in upper case, cut where the shortest source cuts."""
    plain = unicodedata.normalize("NFKD", (name or "")[:NAME_LENGTH]).encode("ascii", "ignore").decode().upper()
    return " ".join("".join(letter if letter.isalnum() else " " for letter in plain).split())


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
