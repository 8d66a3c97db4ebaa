"""What was known of companies and people before: events as they became public, one row for each version of one.

An amendment, or a later part of the same day's filings, makes a new version of an event. The first stays what was known
until then, so that what is said of the past is what could have been said then.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bot.events import as_table, balances, find_events, held_earlier, opens
from bot.filings import UNSEEN
from bot.lines import same_name
from bot.model import Event, InsiderTrade
from bot.plausible import implausible
from bot.trades import DTYPES, INSTANT, NUMBER, READERS, TEXT, to_records, under_any_ticker

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
    the past has in another one, with the numbers it tells. A version that was seen with more shares is what it was
    then: some of its lines have left their page.
    """
    if past.empty:
        return list(seen)
    own = past[past["event_key"].isin([event.key for event in seen])]
    there = {
        key: at.to_pydatetime()
        for key, at, doubt in zip(own["event_key"], own["known_at"], own["quarantine"], strict=True)
        if not is_unseen(doubt)
    }
    linked = [_linked(event, there.get(event.key)) for event in _whole(seen, own)]
    opening = {same_name(event.trade.owner) for event in seen if opens(event)}
    told = balances(*_told(past, opening)) if opening else {}
    return [held_earlier(event, told) for event in linked]


def _whole(seen: Sequence[Event], own: pd.DataFrame) -> list[Event]:
    """The events, those of which more shares were seen before as they were seen then, with what was doubted then."""
    shown = {(event.key, event.trade.known_at): float(event.trade.shares or 0) for event in seen}
    versions = zip(own["event_key"], own["known_at"], own["shares"], own["quarantine"], strict=True)
    fuller = own.loc[
        [not is_unseen(doubt) and shares > shown.get((key, at), shares) for key, at, shares, doubt in versions]
    ]
    numbers = (READERS[NUMBER](fuller[name].array) for name in ("held_before", "exercised"))
    doubts = READERS[TEXT](fuller["quarantine"].array)
    then = dict(zip(fuller["event_key"], zip(to_records(fuller), *numbers, doubts, strict=True), strict=True))
    return [_as_then(event, *then[event.key]) if event.key in then else event for event in seen]


def _as_then(
    event: Event, trade: InsiderTrade, held_before: Decimal | None, exercised: Decimal | None, doubt: str | None
) -> Event:
    exercised = exercised or Decimal(0)
    return replace(event, trade=trade, held_before=held_before, exercised=exercised, quarantine=doubt)


def _linked(event: Event, before: datetime | None) -> Event:
    """The event without the doubt that its original was not seen, if it was."""
    at = event.trade.known_at
    if is_unseen(event.quarantine) and before and at and before < at:
        return replace(event, quarantine=implausible(event.trade))
    return event


def is_unseen(doubt: Any) -> bool:
    """Whether the doubt about an event is that it is an amendment without its original."""
    return isinstance(doubt, str) and doubt.endswith(UNSEEN)


def _told(past: pd.DataFrame, people: Set[str]) -> Iterator[tuple[Iterable[str], InsiderTrade, str]]:
    """The past events of these people: their tickers, their sums, their keys."""
    names = {owner: same_name(owner) for owner in past["owner"].dropna().unique()}
    theirs = past[past["owner"].astype(object).map(names).isin(people)]
    return zip(theirs["symbols"], to_records(theirs), theirs["event_key"], strict=True)


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
    for event in made:
        days.setdefault((company_in(event), person_in(event), str(event.trade.filed_on)), []).append(event)
    found: list[Event] = []
    for events in days.values():
        public = sorted({instants[key] for event in events for key in event.keys if key in instants})
        found += events if len(public) < 2 else _as_of_each(events, public, trades)
    return with_past(as_table(recalled(found, as_table(found))), as_table([]))


def companies(table: pd.DataFrame) -> list[str]:
    """Whose shares each event is about, in a word: by number, else by ticker; who has neither is nobody else."""
    return [_company(*cells) for cells in _cells(table, "issuer_cik", "symbol")]


def people(table: pd.DataFrame) -> list[str]:
    """Who traded, in a word: by number, else by name."""
    return [_person(*cells) for cells in _cells(table, "owner_cik", "owner")]


def company_in(event: Event) -> str:
    """The same of one event."""
    return _company(event.trade.issuer_cik, event.trade.symbol, event.key)


def person_in(event: Event) -> str:
    """The same of one event."""
    return _person(event.trade.owner_cik, event.trade.owner, event.key)


def _company(number: str | None, ticker: str | None, key: str | None) -> str:
    return number or (f"ticker {ticker}" if ticker else str(key))


def _person(number: str | None, name: str | None, key: str | None) -> str:
    return number or (f"name {plain}" if (plain := same_name(name)) else str(key))


def _cells(table: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    """These columns and the event's key, row by row, None where a cell is missing."""
    columns: list[Any] = [table[name] for name in (*names, "event_key")]
    return zip(*(column.to_numpy(object, na_value=None) for column in columns), strict=True)


def _as_of_each(events: Sequence[Event], public: Sequence[datetime], trades: pd.DataFrame) -> list[Event]:
    """The versions of these events at each of the instants; whatever shares a line is one event, named as at first."""
    symbols, numbers = {s for e in events for s in e.symbols}, {e.trade.issuer_cik for e in events} - {None}
    about = under_any_ticker(trades, trades["symbol"].isin(symbols) | trades["issuer_cik"].isin(numbers))
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
