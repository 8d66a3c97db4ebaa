"""Where a company's score stands among those of all companies in the table."""

from datetime import datetime
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from bot.model import NEW_YORK
from strategies.activity import FADING, conviction
from strategies.features import Feature, reaching
from strategies.history import codes, column, numbers
from strategies.scores import scores

ALIKE: Final = 1e-9  # what two scores may differ by and be the same: more than the noise of a float


@cache
def conviction_rank(days: int = 30) -> Feature:
    """The place of the issuer's `conviction` among the scores of the evening before: 1 when no other company has more.

    Those are as they stood at the end of the day before the row's `known_at` in New York, faded since, so that the
    order in which a day's news arrives changes nothing; equal scores share the better place. Unknown without a score;
    an issuer whose score is unknown is ahead of nobody.
    """

    @reaching(company=days, market=days + 2)  # before an evening that may be more than a day ago
    def rank(events: pd.DataFrame, as_of: datetime | None) -> "pd.Series[float]":
        own = numbers(conviction(days)(events, as_of))
        rows = np.flatnonzero(~np.isnan(own))
        known = pd.DatetimeIndex(events["known_at"])[rows].tz_convert(NEW_YORK)
        today, eves = pd.factorize(known.tz_localize(None).normalize() - pd.Timedelta(days=1), sort=True)
        least = own[rows] + FADING * ((known - known.normalize()) / pd.Timedelta(days=1)) + ALIKE
        listed = scores(events, pd.DatetimeIndex(eves), days)
        issuers, places = codes(events["issuer_id"]), np.empty(len(rows))
        order = np.argsort(today, kind="stable")
        edges = np.searchsorted(today[order], np.arange(1, len(eves)))
        for eve, asked in enumerate(np.split(order, edges) if len(eves) else []):
            on = slice(listed.starts[eve], listed.starts[eve + 1])
            mine = np.full(issuers.max(initial=0) + 1, -np.inf)
            mine[listed.spells.issuers[listed.spell[on]]] = listed.score[on]
            falling = np.sort(-listed.score[on][~np.isnan(listed.score[on])])
            ahead = np.searchsorted(falling, -least[asked])
            places[asked] = 1 + ahead - (mine[issuers[rows[asked]]] > least[asked])
        return column(events, rows, places)

    return rank
