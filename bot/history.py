"""What was known of companies and people before: events as they became public, one row for each version of one.

An amendment, or a later part of the same day's filings, makes a new version of an event. The first stays what was known
until then, so that what is said of the past is what could have been said then.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bot.events import as_table, find_events
from bot.filings import UNSEEN
from bot.lines import same_name
from bot.model import Event, Side
from bot.plausible import implausible
from bot.trades import DTYPES, INSTANT

_Balances = dict[tuple[str, str], list[tuple[datetime, str, Decimal]]]  # ticker, person -> known at, event, shares
HISTORY_FROM: Final = "history_from"


def with_past(table: pd.DataFrame, past: pd.DataFrame) -> pd.DataFrame:
    """An events table with the rows of the past below it, and who is who in all of it.

    It has three more columns: `issuer_id` and `owner_id`, whole numbers from 0 that only tell who is the same within
    this table (by number of the SEC's, else by ticker and by name), and `superseded_at`, the instant from which on a
    later version of the event holds. `attrs["history_from"]` is the instant (ISO 8601) from which on it is known what
    happened: the earliest in this table, or what one of the two was told to reach back to.
    """
    beginnings = [*_beginnings(table), *_beginnings(past)]
    if len(past):
        both = pd.concat([table, past], ignore_index=True)
        again = both.duplicated(["event_key", "known_at"]) & (both.index >= len(table))
        table = both.loc[~again].reset_index(drop=True)
    linked = table.assign(
        issuer_id=_numbered(companies(table)),
        owner_id=_numbered(people(table)),
        superseded_at=_superseded(table),
    )
    # A text, because pandas copies the attributes with every step, and an instant takes fifty times as long.
    linked.attrs = {HISTORY_FROM: min(beginnings).isoformat()} if beginnings else {}
    return linked


def recalled(seen: Sequence[Event], past: pd.DataFrame) -> list[Event]:
    """The events with what only the past tells of them.

    A purchase that begins at nothing opens no new position where an earlier event of the person shows shares: the last
    one's are what was held before. An amendment that is seen without its original is the next version of an event that
    the past has in another one, with the numbers it tells.
    """
    if past.empty:
        return list(seen)
    there = {
        key: at.to_pydatetime()
        for key, at, doubt in zip(past["event_key"], past["known_at"], past["quarantine"], strict=True)
        if not _is_unseen(doubt)
    }
    balances = _balances(past) if any(map(_opens, seen)) else {}
    return [_recalled(event, there.get(event.key), balances) for event in seen]


def _recalled(event: Event, before: datetime | None, balances: _Balances) -> Event:
    at = event.trade.known_at
    if _is_unseen(event.quarantine) and before and at and before < at:
        event = replace(event, quarantine=implausible(event.trade))
    if _opens(event) and event.first_known_at:
        told = [
            balance
            for symbol in event.symbols
            for balance in balances.get((symbol, same_name(event.trade.owner)), ())
            if balance[0] < event.first_known_at and balance[1] != event.key
        ]
        event = replace(event, held_before=max(told)[2]) if told else event
    return event


def _opens(event: Event) -> bool:
    """Whether it is a purchase by someone who seems to hold nothing."""
    return event.trade.side is Side.BUY and event.held_before == 0


def _is_unseen(doubt: Any) -> bool:
    """Whether the doubt about an event is that it is an amendment without its original."""
    return isinstance(doubt, str) and doubt.endswith(UNSEEN)


def _balances(past: pd.DataFrame) -> _Balances:
    """What the past says who holds of what, by ticker and person."""
    held = past[(past["shares_after"] > 0) & ~past["is_derivative"].fillna(value=False)]
    found: _Balances = {}
    names = ("symbols", "owner", "known_at", "event_key", "shares_after")
    for symbols, owner, at, key, shares in zip(*(held[name] for name in names), strict=True):
        for symbol in symbols:
            told = (at.to_pydatetime(), key, Decimal(repr(shares)))
            found.setdefault((symbol, same_name(None if pd.isna(owner) else owner)), []).append(told)
    return found


def _beginnings(table: pd.DataFrame) -> list[pd.Timestamp]:
    """From when on this table tells what happened: at its first row, or since when it is said to do so."""
    said = [pd.Timestamp(table.attrs[HISTORY_FROM])] if HISTORY_FROM in table.attrs else []
    first = table["known_at"].min()
    return said if pd.isna(first) else [*said, first]


def versions(trades: pd.DataFrame) -> pd.DataFrame:
    """Every version of every event in a trades table, as they became public, with who is who: a history.

    Events whose day's filings became public at one instant have one version; the others are looked at as of each.
    """
    made = find_events(trades)
    told = trades[trades["known_at"].notna()]
    instants = dict(zip(told["key"], told["known_at"].dt.to_pydatetime(), strict=True))
    days: dict[tuple[str, str, str], list[Event]] = {}
    for event, company, person in zip(made, *_who(made), strict=True):
        days.setdefault((company, person, str(event.trade.filed_on)), []).append(event)
    found: list[Event] = []
    for events in days.values():
        public = sorted({instants[key] for event in events for key in event.keys if key in instants})
        found += events if len(public) < 2 else _as_of_each(events, public, trades)
    return with_past(as_table(recalled(found, as_table(found))), as_table([]))


def companies(table: pd.DataFrame) -> list[str]:
    """Whose shares each event is about, in a word: by number, else by ticker; who has neither is nobody else."""
    cells = (_objects(table[name]) for name in ("issuer_cik", "symbol", "event_key"))
    return [number or (f"ticker {ticker}" if ticker else str(key)) for number, ticker, key in zip(*cells, strict=True)]


def people(table: pd.DataFrame) -> list[str]:
    """Who traded, in a word: by number, else by name."""
    cells = (_objects(table[name]) for name in ("owner_cik", "owner", "event_key"))
    return [
        number or (f"name {same_name(name)}" if name else str(key)) for number, name, key in zip(*cells, strict=True)
    ]


def _objects(column: Any) -> list[str | None]:
    return list(column.to_numpy(object, na_value=None))


def _who(events: Sequence[Event]) -> tuple[list[str], list[str]]:
    table = as_table(events)
    return companies(table), people(table)


def _as_of_each(events: Sequence[Event], public: Sequence[datetime], trades: pd.DataFrame) -> list[Event]:
    """The versions of these events at each of the instants; whatever shares a line is one event, named as at first."""
    symbols, numbers = {s for e in events for s in e.symbols}, {e.trade.issuer_cik for e in events} - {None}
    about = trades[trades["symbol"].isin(symbols) | trades["issuer_cik"].isin(numbers)]
    keys = {key for event in events for key in event.keys}
    names: dict[str, str] = {}
    found: dict[tuple[str, datetime | None], Event] = {}
    for at in public:
        for event in find_events(about[about["known_at"] <= at]):
            if not keys.isdisjoint(event.keys):
                name = next((names[key] for key in event.keys if key in names), event.key)
                names |= dict.fromkeys(event.keys, name)
                found.setdefault((name, event.trade.known_at), replace(event, key=name))
    return list(found.values())


def _numbered(words: list[str]) -> NDArray[np.int32]:
    return pd.factorize(np.array(words, dtype=object))[0].astype(np.int32)


def _superseded(table: pd.DataFrame) -> "pd.Series[pd.Timestamp]":
    """When the next version of the same event became public."""
    until = pd.Series(pd.NaT, index=table.index, dtype=DTYPES[INSTANT])
    several = table["event_key"].duplicated(keep=False) & table["known_at"].notna()
    if several.any():
        ordered = table.loc[several].sort_values("known_at")
        until.loc[ordered.index] = ordered.groupby("event_key")["known_at"].shift(-1)
    return until  # type: ignore[no-any-return]


def lean(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with every text that rows share kept once (a category), as a long history is best held."""
    texts = [name for name, kind in table.dtypes.items() if kind == "str" and not table[name].is_unique]
    return table.assign(**{str(name): table[name].astype("category") for name in texts})
