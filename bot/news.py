"""What the sources show at an instant, less what nobody could know yet and what was dealt with before."""

import logging
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import date, datetime
from typing import Final

import numpy as np
import pandas as pd

from bot.errors import BlockedError, NotPaperError, SourceError, StoreError, TryAgainError
from bot.freshness import Freshness
from bot.lines import statement
from bot.model import Degraded
from bot.ports import Source
from bot.trades import to_records, under_any_ticker, validate

LINE: Final = ("key", "symbol", "source")  # what tells the rows of a table apart
log: Final = logging.getLogger("insiderbot.news")


def gather(
    sources: Sequence[Source], now: datetime, freshness: Freshness | None = None
) -> tuple[pd.DataFrame, list[Degraded]]:
    """What the sources show at `now`, and which of them failed or fell short; SourceError when none answered."""
    tables, degraded, blocked = [], [], 0
    for source in sources:
        try:
            table = validate(source.fetch(now))
            tables.append(table)
            doubts = freshness.doubts(source.name, table, now) if freshness else ()
            reasons = (*table.attrs.get("left_out", ()), *doubts)
            degraded += [Degraded(name=source.name, reason=reason) for reason in reasons]
        except SourceError as error:
            blocked += isinstance(error, BlockedError)
            degraded.append(Degraded(name=source.name, reason=str(error)))
        except (StoreError, TryAgainError, NotPaperError):  # not the source's: nothing can go on
            raise
        except Exception as error:
            log.error("a bug in a source", exc_info=True, extra={"facts": {"source": source.name}})
            degraded.append(Degraded(name=source.name, reason=f"{source.name} has a bug: {type(error).__name__}"))
    if not tables:
        kind = BlockedError if blocked == len(sources) else SourceError
        raise kind("; ".join(item.reason for item in degraded))
    return _each_once(pd.concat(tables, ignore_index=True)), degraded


def _each_once(trades: pd.DataFrame) -> pd.DataFrame:
    """Every line of a filing once, as sources that overlap show it twice; one that says when it was public is kept."""
    trades.attrs = {}
    if trades["key"].is_unique or not trades.duplicated(list(LINE)).any():
        return trades
    timed_first = trades.sort_values("known_at", key=pd.isna, kind="stable")
    return timed_first.drop_duplicates(list(LINE)).sort_index(ignore_index=True)


def public_by(trades: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """The rows that were public at `now`, and those that do not say when (they are shown, never traded)."""
    public = np.logical_not(trades["known_at"].array > now)
    return trades if public.all() else trades.loc[public]


def around_new(trades: pd.DataFrame, seen: Set[str]) -> pd.DataFrame:
    """The rows that are new, and the old ones of the same companies and filings, which tell what they mean."""
    new = np.array([key not in seen for key in trades["key"].to_numpy(object)], dtype=bool)
    if new.all() or not new.any():  # as in most cycles: nothing is old, or nothing new
        return trades.iloc[: new.sum()]
    kept = new
    for name in ("issuer_cik", "symbol", "accession"):
        cells = trades[name].array
        kept = kept | cells.isin(cells[new].dropna().unique())
    return under_any_ticker(trades, kept)


def first_told(trades: pd.DataFrame, stated_on: Callable[[Sequence[str]], Mapping[str, Set[date]]]) -> pd.DataFrame:
    """The rows without those that state again what an event of another filing day had stated.

    Web tables show an amendment as a repetition. While both are shown they are one line; here the first may have left
    its page. What is stated again on the same filing day stays, for it may be half of an event.
    """
    told = [(row.filed_on, statement(row)) for row in to_records(trades)]
    known = stated_on(sorted({stated for _, stated in told if stated}))
    if not known:
        return trades
    return trades.loc[[not day or day in known.get(stated or "", {day}) for day, stated in told]]
