"""Where a company's score stands among those of all companies in the table."""

from datetime import datetime
from functools import cache

import numpy as np
import pandas as pd

from strategies.activity import conviction
from strategies.features import Feature
from strategies.history import column, numbers
from strategies.scores import NEW_YORK, scores


@cache
def conviction_rank(days: int = 30) -> Feature:
    """The place of the issuer's `conviction` in the list of the evening before: 1 when no other company scores more.

    The list has every issuer's score as it stood at the end of the day before the row's `known_at` in New York, so
    that the order in which a day's news arrives changes nothing; equal scores share the better place. Unknown without a
    score; an issuer whose score is unknown is ahead of nobody.
    """

    def rank(events: pd.DataFrame, as_of: datetime | None) -> "pd.Series[float]":
        own = numbers(conviction(days)(events, as_of))
        rows = np.flatnonzero(~np.isnan(own))
        known = pd.DatetimeIndex(events["known_at"])[rows].tz_convert(NEW_YORK).tz_localize(None)
        eves = known.normalize() - pd.Timedelta(days=1)
        listed = scores(events, eves.unique(), days).dropna(subset="score")
        asked = pd.DataFrame({"as_of": eves, "issuer_id": events["issuer_id"].to_numpy()[rows]})
        last = asked.merge(listed, how="left", on=["as_of", "issuer_id"])["score"].to_numpy()
        ahead = np.zeros(len(rows))
        falling = {eve: -listed["score"].to_numpy()[places] for eve, places in listed.groupby("as_of").indices.items()}
        for eve, places in asked.groupby("as_of").indices.items():
            ahead[places] = np.searchsorted(falling.get(eve, ahead[:0]), -own[rows][places])
        return column(events, rows, 1 + ahead - (last > own[rows]))

    return rank
