"""What is a habit of the person, and what is new: features of one person's own history at one issuer."""

from datetime import datetime
from functools import cache
from math import inf
from typing import Final

import numpy as np
import pandas as pd

from strategies.features import Feature, reaching, value_usd
from strategies.history import (
    DAY,
    LONGEST,
    History,
    codes,
    column,
    ending,
    history,
    in_order,
    microseconds,
    nothing,
    numbers,
    sides,
)
from strategies.kernels import FOREVER, NEVER, Flags, Ids, Numbers, Places, Times, compiled, earlier, routine

YEAR: Final = 365.25 * DAY
NEW_YORK: Final = np.timedelta64(5, "h")  # so much it is behind UTC on every 1 January


@cache
def is_first_buy(years: float = 3) -> Feature:
    """Whether the person buys shares of the issuer for the first time in so many years (of 365.25 days): 1 or 0.

    That is when no purchase of theirs became known at an earlier instant within the years before the row's `known_at`.
    Unknown without `known_at`, and when none is seen but the history begins later than that: at the table's earliest
    `known_at`, or the instant in `events.attrs["history_from"]` (ISO 8601). What is not a purchase is no first one.
    """
    span = round(min(years * YEAR, LONGEST))

    @reaching(person=years * 365.25)
    def first(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
        past, bought = history(events), sides(events)[0]
        rows, people = _by_person(past, bought, codes(events["issuer_id"]), codes(events["owner_id"]))
        enters = past.known[rows]
        leaves = ending(past.until[rows], enters, span)
        seen = compiled(earlier, len(rows))(people, enters, leaves, past.counts[rows], nothing(len(rows)))[0]
        unseen = np.where(enters - span < _beginning(events, past), np.nan, 1.0)
        return column(events, rows, np.where(seen, 0.0, unseen)).mask(~bought & (past.known != NEVER), 0.0)

    return first


@reaching(person=inf)
def is_largest(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
    """Whether the trade is of more value (`value_usd`) than every earlier one of the person, issuer and side: 1 or 0.

    Earlier is what became known at an earlier instant. Unknown when there is none, off the open market, and when the
    value of this one is unknown, or that of an earlier one while no other is as large.
    """
    rows, value, some, unsure, most = _beside_earlier(events)
    largest = np.where(most >= value, 0.0, np.where(unsure, np.nan, 1.0))
    return column(events, rows, np.where(some & ~np.isnan(value), largest, np.nan))


@reaching(person=inf)
def largest_before(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
    """The most that an earlier trade of the person, issuer and side was worth, in US dollars (`value_usd`).

    Earlier is what became known at an earlier instant. Unknown when no value of such a one is, and off the open market.
    """
    found = _beside_earlier(events)
    rows, most = found[0], found[-1]
    return column(events, rows, np.where(np.isneginf(most), np.nan, most))


def _beside_earlier(events: pd.DataFrame) -> tuple[Places, Numbers, Flags, Flags, Numbers]:
    """The open-market rows, what each is worth in US dollars, and what `earlier` tells of the person's on its side."""
    past, (bought, sold) = history(events), sides(events)
    # A person's purchases are one series and the sales another.
    apart = codes(events["owner_id"]) * 2 + sold
    rows, people = _by_person(past, bought | sold, codes(events["issuer_id"]), apart)
    known, value = past.known[rows], numbers(value_usd(events, None))[rows]
    found = compiled(earlier, len(rows))(people, known, past.until[rows], past.counts[rows], value)
    return rows, value, *found


@reaching(person=4 * 366)  # at the end of a year, since the beginning of the third before it
def is_routine(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
    """Whether the person trades shares of the issuer by the calendar: 1 routine, 0 opportunistic, NaN unclassified.

    Set on 1 January (New York) of the year in which the row became known, from what was known by then, and kept for
    the year: routine is who traded on the open market, on either side, in the same calendar month of each of the three
    years before (by `traded_on`), opportunistic who traded in each of them but never in the same month, unclassified
    who did not trade in one of them. Unknown off the open market, too. From Cohen, Malloy and Pomorski, "Decoding
    Inside Information", Journal of Finance 67 (2012), who know every trade on the day it is made.
    """
    past, (bought, sold) = history(events), sides(events)
    rows, people = _by_person(past, bought | sold, codes(events["issuer_id"]), codes(events["owner_id"]))
    known = _year(past.known[rows])
    first, last = int(known.min(initial=0)), int(known.max(initial=0))
    traded = events["traded_on"].to_numpy()[rows].astype("datetime64[M]").astype(np.int64)
    counts = past.counts[rows] & (traded != NEVER)
    gone = np.where(counts, _year(past.until[rows]) - first, 0)  # what does not count is gone from the beginning
    labels = compiled(routine, len(rows))(
        people, np.where(counts, traded - 12 * first, 0), known - first, gone, last - first + 1
    )
    return column(events, rows, labels)


def _by_person(past: History, which: Flags, issuers: Ids, owners: Ids) -> tuple[Places, Places]:
    """Those rows that have a `known_at`, sorted by issuer, owner and instant, and a number for each one's person."""
    rows = in_order(np.flatnonzero(which & (past.known != NEVER)), past.known, issuers, owners)
    return rows, issuers[rows].astype(np.int64) * (int(owners.max(initial=0)) + 1) + owners[rows]


def _beginning(events: pd.DataFrame, past: History) -> int:
    """From when on the table tells of everything."""
    if said := events.attrs.get("history_from"):
        return int(microseconds(pd.Series([said]))[0])
    return int(past.known[past.known != NEVER].min(initial=FOREVER))


def _year(instants: Times) -> Places:
    """The year that it is in New York, counted from 1970."""
    return (instants.view("datetime64[us]") - NEW_YORK).astype("datetime64[Y]").astype(np.int64)
