"""From reported lines to economic events: what one person did on one side, filed on one day, counted once.

A web table shows one filing in several rows (tranches) and under several tickers (share classes, preferred shares,
warrants, the reporting owner's own ticker). An event joins what belongs together; nothing is followed twice.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from bot.model import Decision, Event, InsiderTrade, Side, Signal, Skip
from bot.trades import COLUMNS, exact, to_records, to_table

NAME_LENGTH: Final = 30  # FinViz cuts names there; every source is compared on what all of them show
MOST_SHARES: Final = Decimal(10**9)
HIGHEST_PRICE: Final = Decimal(10**6)
_Balance = tuple[datetime, Decimal]  # known since, shares held
EXTRA: Final = ("event_key", "keys", "symbols", "held_before", "exercised", "quarantine")


@dataclass(slots=True)
class _Line:
    """One reported line, with every ticker and key it was shown under."""

    trade: InsiderTrade
    symbols: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)

    def issuer(self) -> str:
        """Whose shares they are, as far as the line tells: the issuer's number, or all its tickers."""
        return self.trade.issuer_cik or "/".join(sorted(self.symbols)) or self.trade.issuer or self.trade.key


def to_events(trades: pd.DataFrame) -> pd.DataFrame:
    """The events in a trades table: its columns summed up per event, and `EXTRA` beside them, in order of appearance.

    An event's `shares` and `value` are sums, `price` is weighted by shares, `traded_on` is its earliest day (as box 3
    of the form has it), `known_at` its latest line's, `held_before` and `shares_after` balances in shares.
    """
    groups: dict[tuple[str, ...], list[_Line]] = {}
    filings: dict[tuple[str, ...], list[InsiderTrade]] = {}
    records = to_records(trades)
    lines = _lines(records)
    for line in lines:
        trade = line.trade
        who = (line.issuer(), _same_name(trade.owner), str(trade.filed_on), trade.security or "")
        what = trade.side or trade.code or trade.form or ""
        groups.setdefault((*who, what), []).append(line)
        filings.setdefault(who, []).append(trade)
    balances = _balances(lines)
    events = [_event(_event_key(group), found, filings[group[:-1]], balances) for group, found in groups.items()]
    place = {trade.key: row for row, trade in reversed(list(enumerate(records)))}
    return to_event_table(sorted(events, key=lambda event: min(place[key] for key in event.keys)))


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
        held_before=None if pd.isna(before) else exact(before),
        exercised=exact(exercised),
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
        if trade.issuer and line.trade.issuer and trade.issuer != line.trade.issuer:
            # A listed company that files as an owner is listed too: neither name is sure to be the issuer's.
            line.trade = replace(line.trade, issuer=None)
    lines = list({id(line): line for line in found.values()}.values())
    tickers: dict[str, set[str]] = {}
    for line in lines:
        if line.trade.accession:
            tickers.setdefault(line.trade.accession, set()).update(line.symbols)
    for line in lines:
        line.symbols |= tickers.get(line.trade.accession or "", set())
    return lines


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


def _event(
    key: str, lines: list[_Line], filing: list[InsiderTrade], balances: dict[tuple[str, str], list[_Balance]]
) -> Event:
    """The sum of an event's lines."""
    trades = [line.trade for line in lines]
    first, symbols = trades[0], tuple(sorted(set().union(*(line.symbols for line in lines))))
    known = [trade.known_at for trade in trades if trade.known_at]
    before, after = balance(_in_order(filing)) if first.side else (None, first.shares_after)
    if before == 0 and first.side == Side.BUY and known:
        before = _held_earlier([(symbol, _same_name(first.owner)) for symbol in symbols], min(known), balances)
    total = replace(
        first,
        issuer=first.issuer if all(trade.issuer == first.issuer for trade in trades) else None,
        traded_on=min((trade.traded_on for trade in trades if trade.traded_on), default=None),
        known_at=max(known, default=None),
        shares=_sum(trade.shares for trade in trades),
        value=_sum(trade.value for trade in trades),
        price=_weighted_price(trades),
        shares_after=after,
    )
    return Event(
        key=key,
        trade=total,
        keys=tuple(sorted(set().union(*(line.keys for line in lines)))),
        symbols=symbols,
        held_before=before,
        exercised=_sum(t.shares for t in filing if t.acquired == "A" and t.side is None) or Decimal(0),
        quarantine=next((problem for trade in trades if (problem := implausible(trade))), None),
    )


def balance(lines: Sequence[InsiderTrade]) -> tuple[Decimal | None, Decimal | None]:
    """A person's balance in shares before and after these lines; None when a line does not show it, or it is negative.

    Lines are chained: a line's balance before it is its balance after it less what it acquired. A line that starts
    where the last one of its chain ended goes on with it. So does one that shows the same balance after it, as web
    tables do for all lines of a day. A gap no larger than everything that moved is the same ownership line with
    something unreported between (if shares appear from nowhere they were held before); a larger gap is another
    ownership line, whose balance adds up.
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
            gap = opening - chain[1]
            chain[0] += gap if line.shares_after == chain[1] else max(Decimal(0), gap)
            chain[1] = line.shares_after
    if not chains or any(before < 0 or after < 0 for before, after in chains):
        return None, None
    return sum((chain[0] for chain in chains), Decimal(0)), sum((chain[1] for chain in chains), Decimal(0))


def _in_order(filing: list[InsiderTrade]) -> list[InsiderTrade]:
    """The lines of one person's filing as they happened: by day, what came in before what went out, then by balance."""
    moving = [line for line in filing if line.acquired is not None and not line.is_derivative]
    return sorted(
        moving,
        key=lambda line: (
            line.traded_on or line.filed_on or date.min,
            line.acquired == "D",
            (line.shares_after or Decimal(0)) * (1 if line.acquired == "A" else -1),
        ),
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


def _same_name(name: str | None) -> str:
    """A name as every source would write it: letters and digits in upper case, cut where the shortest source cuts."""
    plain = unicodedata.normalize("NFKD", (name or "")[:NAME_LENGTH]).encode("ascii", "ignore").decode().upper()
    return " ".join("".join(letter if letter.isalnum() else " " for letter in plain).split())


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
