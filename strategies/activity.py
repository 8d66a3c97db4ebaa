"""What a company's insiders did together: features over the days up to the instant a row became known."""

from datetime import datetime
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from bot.model import Role
from strategies.features import Feature, reaching, value_usd
from strategies.history import DAY, History, codes, column, ending, flags, history, in_order, nothing, numbers, sides
from strategies.kernels import NEVER, Entries, Flags, Ids, Numbers, Places, Queries, Times, compiled, sweep

SENIOR: Final = frozenset({Role.CEO, Role.CFO, Role.COO, Role.CTO, Role.PRESIDENT, Role.CHAIR, Role.CHIEF})
"""Who decides for the whole company: its chief officers of any kind, its president, and whoever chairs the board."""

FADING: Final = 0.05  # of a score, for every day since the last purchase


class Standing(NamedTuple):
    """What stands at each query: sum of the values, distinct owners, whether one is senior, when the last entered."""

    total: Numbers
    people: Ids
    senior: Flags
    last: Times


@cache
def cluster_size(days: int = 30, *, officers: bool = False) -> Feature:
    """How many people bought, or sold, together: distinct owners of the issuer's events on the row's own side.

    Counted are the events that became known within `days` times 24 hours up to the row's `known_at`, both ends
    included, itself too. With `officers` only officers are counted, and the others' rows tell how many of them traded.
    Unknown without `known_at` and off the open market. After the clusters of Alldredge and Blank, "Do Insiders Cluster
    Trades with Colleagues?" (2019), by what was public instead of the day of the trade.
    """

    @reaching(company=days)
    def size(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
        past, (bought, sold) = history(events), sides(events)
        entries = lasting(events, past, nothing(len(events)), days)
        entries = entries._replace(groups=entries.groups * 2 + sold)
        rows = in_order(np.flatnonzero((past.known != NEVER) & (bought | sold)), past.known, entries.groups)
        counted = flags(events["is_officer"]) if officers else bought | sold
        return column(events, rows, _around(rows, counted, past, entries).people)

    return size


@cache
def senior_buyer(days: int = 30) -> Feature:
    """Whether anyone senior (`SENIOR`) bought shares of the issuer: 1 when one did, else 0.

    Of all the purchases that became known within `days` times 24 hours up to the row's `known_at`, both ends included,
    itself too, on rows of either side and of neither. A role that is not known is not senior.
    """

    @reaching(company=days)
    def senior(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
        past = history(events)
        rows, found = _bought(events, past, lasting(events, past, nothing(len(events)), days))
        return column(events, rows, found.senior)

    return senior


@cache
def conviction(days: int = 30) -> Feature:
    """The issuer's score as of the row's `known_at`, from the purchases known within `days` times 24 hours up to it.

    log1p(sum of `value_usd`) + 0.75 for every distinct buyer + 1 when one is senior (`SENIOR`) - 0.05 for every day,
    in fractions, since the last purchase became known. Without a purchase, or with one of unknown value, there is no
    score. After the first-model workflow of an insider-filings API, which sums by the day of the trade.
    """

    @reaching(company=days)
    def score(events: pd.DataFrame, _: datetime | None) -> "pd.Series[float]":
        past = history(events)
        rows, found = _bought(events, past, lasting(events, past, numbers(value_usd(events, None)), days))
        passed = np.where(found.last == NEVER, np.nan, (past.known[rows] - found.last) / DAY)
        return column(events, rows, weight(found) - FADING * passed)

    return score


def weight(found: Standing) -> Numbers:
    """The score of each sum of purchases before it begins to fade."""
    score: Numbers = np.log1p(found.total) + 0.75 * found.people + 1.0 * found.senior
    return score


def standing(queries: Queries, entries: Entries, shared: int) -> Standing:
    """What stands at these queries; only the first so many entries stand for them all."""
    leaving = in_order(np.arange(shared), entries.leaves, entries.groups)
    people = int(entries.owners.max(initial=-1)) + 1
    return Standing(*compiled(sweep, len(queries.groups) + shared)(queries, entries, leaving, people))


def lasting(events: pd.DataFrame, past: History, values: Numbers, days: int) -> Entries:
    """All rows, in the table's order, as they stand for so many days after they became known, by issuer."""
    senior = flags(events["role"].isin(SENIOR))
    leaves = ending(past.until, past.known, days * DAY)
    return Entries(codes(events["issuer_id"]), past.known, leaves, codes(events["owner_id"]), values, senior)


def _bought(events: pd.DataFrame, past: History, entries: Entries) -> tuple[Places, Standing]:
    """The rows with a `known_at`, sorted, and what stands of their issuers' purchases when they become known."""
    rows = in_order(np.flatnonzero(past.known != NEVER), past.known, entries.groups)
    return rows, _around(rows, sides(events)[0], past, entries)


def _around(rows: Places, counted: Flags, past: History, entries: Entries) -> Standing:
    """What stands of the counted rows when each of these rows, sorted by group and time, becomes known.

    `entries` are all rows of the table, in its order. A row that counts for nobody else, because it is quarantined or
    was superseded at once, still counts for itself.
    """
    shared, lonely = rows[(counted & past.counts)[rows]], (counted & ~past.counts)[rows]
    alone = np.where(lonely, len(shared) + np.cumsum(lonely) - 1, -1).astype(np.int32)
    chosen = np.concatenate([shared, rows[lonely]])
    queries = Queries(entries.groups[rows], entries.enters[rows], alone)
    return standing(queries, entries.at(chosen), len(shared))
