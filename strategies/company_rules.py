"""Rules about what a company's insiders do together: clusters, and the score of their purchases."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache

import pandas as pd
from pydantic import PositiveInt

from strategies.activity import cluster_size, conviction
from strategies.cluster_events import completes_cluster
from strategies.features import Feature, reach_of, reaching
from strategies.ranks import conviction_rank
from strategies.rules import Rule
from strategies.words import Case, decimals


def clustered(*, owners: PositiveInt = 3, days: PositiveInt = 30, officers: bool = True) -> Rule:
    """Only the trade that completes a cluster: so many people, or officers, on its side within so many days.

    It passes once for each wave of trades: who comes later joins a cluster that was complete before. Alldredge and
    Blank, "Do Insiders Cluster Trades with Colleagues?", Journal of Financial Research 42 (2019).
    """
    people = "officer" if officers else "insider"
    size = f"{people}s_in_{days}_days"
    completes = f"completes_{owners}_{size}"

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield events[size].isna(), "nobody can tell who else traded by then"
        if officers:
            yield (
                ~events["is_officer"].fillna(value=False),
                "{title!r} is not known as an officer, of whom clusters are",
            )
        traded = f"{{{size}:{people}(s)}} {{side:buy=bought|=sold}} within {days} days (asked for: {owners})"
        yield (events[completes] < 1) & (events[size] >= owners), f"{traded}, but the cluster was complete before"
        yield True, traded

    return Rule(
        name="clustered",
        passes=lambda events: events[completes] > 0,
        words=words,
        features={
            size: cluster_size(days, officers=officers),
            completes: completes_cluster(owners, days, officers=officers),
        },
        asked={"owners": owners, "days": days, "officers": officers},
    )


def convinced(score: float, *, days: PositiveInt = 30) -> Rule:
    """Only purchases at a company whose insiders' purchases of so many days score at least this much.

    The score is `conviction`: a purchase of 100,000 USD by one senior officer scores 13.26 on its first day.
    """
    name = f"conviction_{days}d"

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield from _without_score(events, name, days)
        yield True, f"the purchases of {days} days score {{{name}:.2}} (asked for: at least {decimals(score)})"

    return Rule(
        name="convinced",
        passes=lambda events: (events["side"] == "buy") & (events[name] >= score),
        words=words,
        features={name: _of_purchases(conviction(days))},
        needs=("side",),
        asked={"score": score, "days": days},
    )


def among_best(*, places: PositiveInt = 10, days: PositiveInt = 30) -> Rule:
    """Only purchases at a company that would be among the first so many of last evening's list of scores.

    The list has the scores (`conviction`) of all companies in the table; equal ones share a place.
    """
    name, rank = f"conviction_{days}d", f"conviction_rank_{days}d"

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield from _without_score(events, name, days)
        score = f"the purchases of {days} days score {{{name}:.2}}, place {{{rank}:,}} of last evening's list"
        yield True, f"{score} (asked for: the first {places})"

    return Rule(
        name="among_best",
        passes=lambda events: (events["side"] == "buy") & (events[rank] <= places),
        words=words,
        features={name: _of_purchases(conviction(days)), rank: _of_purchases(conviction_rank(days))},
        needs=("side",),
        asked={"places": places, "days": days},
    )


@cache
def _of_purchases(feature: Feature) -> Feature:
    """The feature of purchases, and of nothing else, so that nothing else has the contrary of it."""

    def bought(events: pd.DataFrame, as_of: datetime | None) -> "pd.Series[float]":
        return feature(events, as_of).where((events["side"] == "buy").fillna(value=False))

    return reaching(**reach_of([feature])._asdict())(bought)


def _without_score(events: pd.DataFrame, name: str, days: int) -> Iterator[Case]:
    yield events["side"] != "buy", "not a purchase, and only purchases have a score"
    yield events[name].isna(), f"a purchase of the last {days} days is of unknown value, or nobody knows its instant"
