"""The issuers' scores on many dates at once: what the daily signal file and every study of conviction begin with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from bot.model import NEW_YORK
from strategies.activity import FADING, Standing, lasting, standing, weight
from strategies.features import value_usd
from strategies.history import DAY, codes, flags, history, in_order, numbers, sides
from strategies.kernels import FOREVER, Entries, Flags, Ids, Numbers, Places, Queries, Times, compiled, spread

Variant = Literal["known", "seed"]
SEED_WORDS: Final = "ceo|chief|cfo|director|chair"


class Spells(NamedTuple):
    """Runs of dates on which the same purchases of an issuer stand, sorted by both: one element for each run.

    `first` and `until` are places of dates, the second one past the last of the run.
    """

    issuers: Places
    first: Places
    until: Places
    found: Standing


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Every issuer with a purchase in the window before each date, and its score; NaN where that is unknown.

    What is of the n-th date stands from `starts[n]` until before `starts[n + 1]`, its issuers in the order of their
    numbers: the score, days since the last purchase, and the place in `spells` of what else the score is made of.
    """

    dates: pd.DatetimeIndex
    starts: Places
    score: Numbers
    days_since: Numbers
    spell: Ids
    spells: Spells

    def ranked(self, as_of: date) -> pd.DataFrame:
        """The issuers on one of the dates, best first (unknown last, equal ones by number), with what made the score.

        Columns: `issuer_id`, `score`, `value` (sum of the purchases), `buyers` (distinct people), `senior` (whether
        one of them is), `days_since` (the last purchase). KeyError for a date that was not asked for.
        """
        place = int(self.dates.get_loc(pd.Timestamp(as_of)))  # type: ignore[arg-type] # no date is there twice
        rows = slice(self.starts[place], self.starts[place + 1])
        best = np.argsort(-self.score[rows], kind="stable")
        spell = self.spell[rows][best]
        return pd.DataFrame(
            {
                "issuer_id": self.spells.issuers[spell],
                "score": self.score[rows][best],
                "value": self.spells.found.total[spell],
                "buyers": self.spells.found.people[spell],
                "senior": self.spells.found.senior[spell],
                "days_since": self.days_since[rows][best],
            }
        )


def scores(
    events: pd.DataFrame, dates: "Sequence[date] | pd.DatetimeIndex", days: int = 30, variant: Variant = "known"
) -> Scores:
    """Every issuer with a purchase in the window before each date, and its score.

    `known` is `conviction`: as it stood at the end of that day in New York, or at the very instant where the dates are
    instants with a time zone. `seed` is the score of the published workflow that it comes from, kept for comparison: by
    the day of the trade, from `as_of` minus `days` to `as_of`, both included, hence with trades that nobody knew of
    yet; code P, quarantined or not and in every version; a missing `value` is 0, any money counts as the same, and
    senior is whose title or role contains ceo, chief, cfo, director or chair.
    """
    at = pd.DatetimeIndex([*dates]).unique().sort_values()
    by_day = variant == "seed"
    times = _day_numbers(at) if by_day else _instants(at)
    spells = _spells(_seed(events, days) if by_day else _known(events, days), times)
    begun, over = (np.bincount(places, minlength=len(at) + 1) for places in (spells.first, spells.until))
    counts = np.cumsum(begun - over)[:-1]
    starts = np.concatenate([[0], np.cumsum(counts)])
    spell = compiled(spread, int(starts[-1]))(spells.first, spells.until, starts)
    since = (np.repeat(times, counts) - spells.found.last[spell]) / (1 if by_day else DAY)
    return Scores(
        dates=at,
        starts=starts,
        score=weight(spells.found)[spell] - FADING * since,
        days_since=since,
        spell=spell,
        spells=spells,
    )


def _known(events: pd.DataFrame, days: int) -> Entries:
    """The purchases from when they were known."""
    needed = ["known_at", "superseded_at", "quarantine", "role", "value", "shares", "price", "currency"]
    bought = events.loc[sides(events)[0], ["issuer_id", "owner_id", *needed]]
    past = history(bought)
    entries = lasting(bought, past, numbers(value_usd(bought, None)), days)
    return _sorted(entries, np.flatnonzero(past.counts))


def _seed(events: pd.DataFrame, days: int) -> Entries:
    """The purchases from the day they were made."""
    needed = ["issuer_id", "owner_id", "traded_on", "value", "title", "role"]
    bought = events.loc[flags(events["code"] == "P"), needed].dropna(subset="traded_on")
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
    return _sorted(entries, np.arange(len(bought)))


def _has_seed_words(texts: "pd.Series[str]") -> Flags:
    return flags(texts.str.contains(SEED_WORDS, case=False).astype("boolean"))


def _sorted(entries: Entries, which: Places) -> Entries:
    return entries.at(in_order(which, entries.enters, entries.groups))


def _spells(entries: Entries, times: Times) -> Spells:
    """The runs of these times in which no purchase of the issuer enters or leaves."""
    first, until = (np.searchsorted(times, edge) for edge in (entries.enters, entries.leaves))
    # All times of one issuer, and one when nothing stands any more, then all of the next, on one line.
    line = entries.groups.astype(np.int64) * (len(times) + 1)
    edges = np.sort(np.concatenate([line + first, line + until]))
    edges = edges[np.diff(edges, prepend=-1) > 0]
    issuers, place = np.divmod(edges, len(times) + 1)
    asked, nobody = np.append(times, FOREVER)[place], np.full(len(edges), -1, dtype=np.int32)
    found = standing(Queries(issuers.astype(np.int32), asked, nobody), entries, len(entries.groups))
    live = np.flatnonzero(found.people)  # never the last run of an issuer
    return Spells(issuers[live], place[live], place[live + 1], Standing._make(each[live] for each in found))


def _day_numbers(at: pd.DatetimeIndex) -> Times:
    return at.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64)


def _instants(at: pd.DatetimeIndex) -> Times:
    """Instants as they are, days by their last microsecond in New York."""
    if at.tz is not None:
        return at.as_unit("us").asi8
    return (at + pd.Timedelta(days=1)).tz_localize(NEW_YORK).as_unit("us").asi8 - 1
