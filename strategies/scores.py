"""The issuers' scores on many dates at once: what the daily signal file and every study of conviction begin with."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import pandas as pd

from strategies.activity import lasting, standing, weighed
from strategies.features import value_usd
from strategies.history import DAY, codes, flags, history, in_order, numbers, sides
from strategies.kernels import Entries, Flags, Ids, Numbers, Places, Queries, Times, compiled, counting_sort

Variant = Literal["known", "seed"]
SEED_WORDS: Final = "ceo|chief|cfo|director|chair"
NEW_YORK: Final = "America/New_York"


def scores(
    events: pd.DataFrame, dates: "Sequence[date] | pd.DatetimeIndex", days: int = 30, variant: Variant = "known"
) -> pd.DataFrame:
    """Every issuer with a purchase in the window before each date: its score, best first, and what it is made of.

    Columns: `as_of` (the date as given), `issuer_id`, `score`, `value` (sum of the purchases), `buyers` (distinct
    people), `senior` (whether one of them is), `days_since` (the last purchase). Sorted by date, by falling score
    (unknown last), by `issuer_id`.

    `known` is `conviction`: as it stood at the end of that day in New York, or at the very instant where the dates are
    instants with a time zone. `seed` is the score of the published workflow that it comes from, kept for comparison: by
    the day of the trade, from `as_of` minus `days` to `as_of`, both included, hence with trades that nobody knew of
    yet; code P, quarantined or not and in every version; a missing `value` is 0, any money counts as the same, and
    senior is whose title or role contains ceo, chief, cfo, director or chair.
    """
    at = pd.DatetimeIndex([*dates]).unique().sort_values()
    by_day = variant == "seed"
    entries = _seed(events, days) if by_day else _known(events, days)
    times = _day_numbers(at) if by_day else _instants(at)
    issuers, when = _pairs(entries, times)
    asked = times[when]
    found = standing(Queries(issuers, asked, np.full(len(issuers), -1, dtype=np.int32)), entries, len(entries.groups))
    since = (asked - found.last) / (1 if by_day else DAY)
    score = weighed(found, since)
    best = _ranked(when, score, len(at))
    return pd.DataFrame(
        {
            "as_of": at.repeat(np.bincount(when, minlength=len(at))),
            "issuer_id": issuers[best],
            "score": score[best],
            "value": found.total[best],
            "buyers": found.people[best],
            "senior": found.senior[best],
            "days_since": since[best],
        },
        copy=False,
    )


def _known(events: pd.DataFrame, days: int) -> Entries:
    """The purchases from when they were known."""
    past = history(events)
    entries = lasting(events, past, numbers(value_usd(events, None)), days)
    return _sorted(entries, sides(events)[0] & past.counts)


def _seed(events: pd.DataFrame, days: int) -> Entries:
    """The purchases from the day they were made."""
    needed = ["issuer_id", "owner_id", "traded_on", "value", "title", "role"]
    bought = events.loc[flags((events["code"] == "P") & events["traded_on"].notna()), needed]
    title, role = (_has_seed_words(bought[name]) for name in ("title", "role"))
    made = _day_numbers(pd.DatetimeIndex(bought["traded_on"]))
    entries = Entries(
        groups=codes(bought["issuer_id"]),
        enters=made,
        leaves=made + days + 1,
        owners=codes(bought["owner_id"]),
        values=numbers(bought["value"].fillna(0)),
        senior=title | role,
    )
    return _sorted(entries, np.ones(len(bought), dtype=bool))


def _has_seed_words(texts: "pd.Series[str]") -> Flags:
    return flags(texts.str.contains(SEED_WORDS, case=False).astype("boolean"))


def _sorted(entries: Entries, which: Flags) -> Entries:
    return entries.at(in_order(np.flatnonzero(which), entries.enters, entries.groups))


def _pairs(entries: Entries, times: Times) -> tuple[Ids, Ids]:
    """Every issuer and place in `times` where a purchase of it stands, sorted by both."""
    first, last = (np.searchsorted(times, edge, side="left") for edge in (entries.enters, entries.leaves))
    # All dates of one issuer, then all of the next, on one line: each purchase adds what no earlier one has covered.
    offset = entries.groups.astype(np.int64) * len(times)
    ends = np.maximum.accumulate(offset + last)
    begins = np.maximum(offset + first, np.concatenate([[0], ends[:-1]]))
    lengths = np.maximum(ends - begins, 0)
    line = np.repeat(begins - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
    issuers, when = np.divmod(line, max(len(times), 1))
    return issuers.astype(np.int32), when.astype(np.int32)


def _ranked(when: Ids, score: Numbers, dates: int) -> Places:
    """The rows by date and falling score, unknown scores last; equal ones stay in their order."""
    order = compiled(counting_sort, len(when))(np.arange(len(when)), when, dates)
    falling = -score[order]
    for first, last in pairwise([0, *np.cumsum(np.bincount(when, minlength=dates))]):
        order[first:last] = order[first:last][np.argsort(falling[first:last], kind="stable")]
    return order


def _day_numbers(at: pd.DatetimeIndex) -> Times:
    return at.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64)


def _instants(at: pd.DatetimeIndex) -> Times:
    """Instants as they are, days by their last microsecond in New York."""
    if at.tz is not None:
        return at.as_unit("us").asi8
    return (at + pd.Timedelta(days=1)).tz_localize(NEW_YORK).as_unit("us").asi8 - 1
