"""From reported lines to economic events: what one person did on one side, filed on one day, counted once.

A web table shows one filing in several rows (tranches) and under several tickers (share classes, preferred shares,
warrants, the reporting owner's own ticker); filings are continued, amended, and filed again by everyone who has a part
in them. An event joins what belongs together; nothing is followed twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd

from bot.errors import ConfigError
from bot.filings import filed_lines, same_class
from bot.holdings import balance, total
from bot.lines import Line, hashed, is_filed, is_holding, same_name, unexplained, web_lines
from bot.model import Decision, Event, InsiderTrade, Side, Signal, Skip, Verdict
from bot.plain import decimal_text, one_line
from bot.plausible import mixed_classes
from bot.trades import COLUMNS, NUMBER, TEXT, column, to_records, to_table

Held = tuple[datetime, int, str, str, Decimal]
"""A balance: since when it was known, its line's key with its length before it, its event's key, and the shares."""
_Group = tuple[str, ...]
EXTRA: Final = ("event_key", "keys", "symbols", "held_before", "basis", "exercised", "quarantine")
LINKS: Final = ("issuer_id", "owner_id", "superseded_at")
VERDICT: Final = ("decision", "rule", "reason")
EXERCISES: Final = frozenset("ACMOX")  # awards, conversions, exercises


def find_events(trades: pd.DataFrame) -> list[Event]:
    """The events in a trades table, in order of appearance.

    An event's `shares` and `value` are sums, `price` is weighted by shares, `traded_on` is its earliest day (as box 3
    of the form has it), `known_at` its latest line's, `held_before` and `shares_after` balances in shares. Holdings,
    which no filing reports as transactions, count in the balances and are no events.
    """
    records = to_records(trades)
    filed = filed_lines(record for record in records if is_filed(record))
    lines = [*filed, *unexplained(web_lines(record for record in records if not is_filed(record)), filed)]
    filings: dict[_Group, dict[_Group, list[Line]]] = {}
    groups: dict[tuple[_Group, _Group, str], list[Line]] = {}
    for line in lines:
        who, kind = _who(line), _kind(line)
        filings.setdefault(who, {}).setdefault(kind, []).append(line)
        if not is_holding(line.trade):
            what = line.trade.side or line.trade.code or line.trade.form or ""
            groups.setdefault((who, kind, what), []).append(line)
    events = [
        _event("e-" + hashed((*who, *kind, what)), found, kind, filings[who])
        for (who, kind, what), found in groups.items()
    ]
    if any(map(opens, events)):
        holdings = ((line.symbols, line.trade, "") for line in lines if is_holding(line.trade))
        told = balances(*holdings, *((event.symbols, event.trade, event.key) for event in events))
        events = [held_earlier(event, told) for event in events]
    place = {trade.key: row for row, trade in reversed(list(enumerate(records)))}
    return sorted(events, key=lambda event: min(place[key] for key in event.keys))


def opens(event: Event) -> bool:
    """Whether it is a purchase by someone who seems to hold nothing."""
    return event.trade.side is Side.BUY and event.held_before == 0


def balances(*told: tuple[Iterable[str], InsiderTrade, str]) -> dict[tuple[str, str], list[Held]]:
    """What is told who holds of what, by ticker and person; each by its tickers, its line or sum, and its event."""
    held: dict[tuple[str, str], list[Held]] = {}
    for symbols, trade, event in told:
        if trade.known_at and trade.shares_after and not trade.is_derivative:
            for symbol in symbols:
                found = (trade.known_at, len(trade.key), trade.key, event, trade.shares_after)
                held.setdefault((symbol, same_name(trade.owner)), []).append(found)
    return held


def held_earlier(event: Event, told: Mapping[tuple[str, str], Sequence[Held]]) -> Event:
    """A purchase that opens a position, with what the last earlier event says is held there; any other as it is."""
    known = event.first_known_at
    if not (known and opens(event)):
        return event
    places = [(symbol, same_name(event.trade.owner)) for symbol in event.symbols]
    earlier = [held for place in places for held in told.get(place, ()) if held[0] < known and held[3] != event.key]
    return replace(event, held_before=max(earlier)[4]) if earlier else event


def basis(event: Event) -> str:
    """What the event was summed up from: the lines of a `filing`, or a `line` of a page."""
    return "filing" if is_filed(event.trade) else "line"


def as_table(events: Sequence[Event]) -> pd.DataFrame:
    """The events as a strategy sees them: the trades columns of their sums, and the `EXTRA` ones."""
    return to_table(
        (event.trade for event in events),
        event_key=column(TEXT, [event.key for event in events]),
        keys=np.fromiter((event.keys for event in events), dtype=object),
        symbols=np.fromiter((event.symbols for event in events), dtype=object),
        held_before=column(NUMBER, [event.held_before for event in events]),
        basis=column(TEXT, [basis(event) for event in events]),
        exercised=column(NUMBER, [event.exercised for event in events]),
        quarantine=column(TEXT, [event.quarantine for event in events]),
    )


def of_news(judged: Any, count: int) -> pd.DataFrame:
    """Of what a strategy returned, the rows of the news: so many, which stood above their past."""
    table = with_verdicts(judged)
    return table[table.index < count]


def with_verdicts(judged: Any) -> pd.DataFrame:
    """What a strategy returned; ConfigError when that is no table of events with verdicts."""
    if not isinstance(judged, pd.DataFrame):
        raise ConfigError(f"the strategy must return the events with its verdicts (found {type(judged).__name__})")
    if missing := [name for name in ("event_key", *VERDICT) if name not in judged]:
        raise ConfigError(f"the strategy's table lacks the column {missing[0]!r}: return the events with its verdicts")
    return judged


def decided(events: Sequence[Event], judged: pd.DataFrame, checks: Sequence[Any] = ()) -> list[Decision]:
    """Each event with the verdict that a strategy's table holds for it, and the table's further numbers as features.

    `checks` are what each rule says, row by row, where the strategy tells.
    ConfigError when the strategy has lost an event, or says neither buy, sell nor skip: every event needs a verdict.
    """
    own = {*COLUMNS, *EXTRA, *LINKS, *VERDICT}
    names = [
        str(name) for name, kind in judged.dtypes.items() if name not in own and pd.api.types.is_numeric_dtype(kind)
    ]
    verdicts = zip(*(judged[name] for name in VERDICT), strict=True)
    features = judged[names].astype("float64").to_numpy().tolist()
    rows = zip(judged["event_key"], verdicts, features, checks or [()] * len(judged), strict=True)
    found = {key: (_verdict(*words), numbers, told) for key, words, numbers, told in rows}
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
            checks=found[event.key][2],
        )
        for event in events
    ]


def _verdict(decision: str, rule: Any, reason: Any) -> Verdict:
    if decision == "skip" and not (isinstance(rule, str) and rule):
        raise ConfigError("the strategy skips an event by no rule: name the one that refused")
    reason = one_line(reason) if isinstance(reason, str) else ""
    if decision == "skip":
        return Skip(rule=one_line(rule), reason=reason)
    if decision not in set(Side):
        raise ConfigError(f"the strategy decided {decision!r}: only buy, sell and skip are decisions")
    return Signal(side=Side(decision), reason=reason)


def _who(line: Line) -> _Group:
    """Whose filings of which day: issuer, owner and day; numbers where the filing was read, else names as listed."""
    trade = line.origin
    if is_filed(trade):
        return str(trade.issuer_cik), trade.owner_cik or same_name(trade.owner), str(trade.filed_on)
    issuer = trade.issuer_cik or "/".join(sorted(line.symbols)) or line.trade.issuer or trade.key
    return issuer, same_name(trade.owner), str(trade.filed_on)


def _kind(line: Line) -> _Group:
    """Which shares, by the title of the line's first version; a derivative is another kind, whatever its title."""
    trade = line.origin
    if not is_filed(trade):
        return (trade.security or "",)
    return ("derivative " * bool(trade.is_derivative) + same_class(trade.security), *filter(None, [line.apart]))


def _event(key: str, lines: list[Line], kind: _Group, filing: dict[_Group, list[Line]]) -> Event:
    """The sum of an event's lines, beside what else the same person filed on that day, by class."""
    trades, alike = [line.trade for line in lines], [line.trade for line in filing[kind]]
    others = [line.trade for other, found in filing.items() if other != kind for line in found]
    first, symbols = trades[0], _all(line.symbols for line in lines)
    before, after = (None, first.shares_after)
    if first.side:
        before, after = (total if is_filed(first) else balance)(alike)
    if before == 0 and first.side == Side.BUY:
        before = _held_otherwise(others)
    summed = _sum_of(trades, after)
    return Event(
        key=key,
        trade=summed,
        keys=_all(line.keys for line in lines),
        symbols=symbols,
        sources=_all(line.sources for line in lines),
        held_before=before,
        exercised=_sum(t.shares for t in alike if _came_in(t)) or Decimal(0),
        first_known_at=max((line.origin.known_at for line in lines if line.origin.known_at), default=None),
        aliases=_aliases(lines, summed, symbols),
        statements=_all(line.statements for line in lines),
        quarantine=next((line.problem for line in filing[kind] if line.problem), None) or mixed_classes(first, others),
    )


def _came_in(trade: InsiderTrade) -> bool:
    """Whether shares came in by exercise, conversion or award."""
    return trade.acquired == "A" and trade.side is None and trade.code in EXERCISES and not trade.is_derivative


def _aliases(lines: list[Line], summed: InsiderTrade, symbols: Sequence[str]) -> tuple[str, ...]:
    """What an open-market event is recognised by in another telling of it, on another page or by the filing itself.

    By every filing and side, in any version; by owner, ticker, day and sum where a row does not tell its filing; and,
    for web rows, by each line's own facts under any ticker.
    """
    found = set()
    for line in lines:
        sides = {side for side in (line.trade.side, line.origin.side) if side}
        found |= {f"acc:{accession}:{side}" for accession in line.filings for side in sides}
        if not is_filed(line.trade) and (alias := _alias(line.trade)):
            found.add(alias)
    if summed.side and summed.owner and summed.shares is not None and summed.filed_on:
        facts = (same_name(summed.owner), summed.side, str(summed.filed_on), str(int(summed.shares)))
        found |= {"day:" + hashed((symbol, *facts)) for symbol in symbols}
    return tuple(sorted(found))


def _alias(trade: InsiderTrade) -> str | None:
    """What an open-market line is recognised by under any ticker, or None when one of its facts is missing."""
    numbers, when = (trade.shares, trade.price, trade.shares_after), (trade.traded_on, trade.known_at)
    if not trade.side or not trade.owner or None in numbers or None in when:
        return None
    facts = (trade.side, *(decimal_text(number) for number in numbers if number is not None), *map(str, when))
    return "line:" + hashed((same_name(trade.owner), *facts))


def _sum_of(trades: list[InsiderTrade], after: Decimal | None) -> InsiderTrade:
    """All lines in one; most events have no more than that."""
    first = trades[0]
    if len(trades) == 1:
        return first if first.shares_after == after else first._replace(shares_after=after)
    return first._replace(
        issuer=first.issuer if all(trade.issuer == first.issuer for trade in trades) else None,
        plan_10b5_1=_any_planned(trade.plan_10b5_1 for trade in trades),
        traded_on=min((trade.traded_on for trade in trades if trade.traded_on), default=None),
        known_at=max((trade.known_at for trade in trades if trade.known_at), default=None),
        shares=_sum(trade.shares for trade in trades),
        value=_sum(trade.value for trade in trades),
        price=_weighted_price(trades),
        shares_after=after,
    )


def _any_planned(plans: Iterable[bool | None]) -> bool | None:
    """Whether any of it was planned; unknown when that is not said of all of it."""
    found = set(plans)
    return True if True in found else None if None in found else False


def _held_otherwise(others: Sequence[InsiderTrade]) -> Decimal:
    """The most that the same filings show of any other class; who holds that opens no new position."""
    shown = (t.shares_after for t in others if t.shares_after and not t.is_derivative and is_filed(t))
    return max(shown, default=Decimal(0))


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


def _all(found: Iterable[set[str]]) -> tuple[str, ...]:
    return tuple(sorted(set().union(*found)))
