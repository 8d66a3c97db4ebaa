"""When a cluster is complete: the feature that is true once for each wave of people who trade together."""

from datetime import datetime
from functools import cache

import numpy as np
import pandas as pd

from strategies.activity import cluster_size
from strategies.features import Feature, reaching
from strategies.history import DAY, codes, column, ending, flags, history, in_order, nothing, numbers, sides
from strategies.kernels import compiled, earlier


@cache
def completes_cluster(owners: int = 3, days: int = 30, *, officers: bool = False) -> Feature:
    """Whether this event makes the issuer's cluster complete: 1 or 0; unknown where `cluster_size` is.

    A cluster is complete at a row of somebody who counts when `cluster_size` is at least `owners` there. It becomes so
    at the rows that no such row precedes, at an earlier instant, within the `days` times 24 hours before. So whoever
    was in it already completes nothing, rows that become known at one instant complete it together, and a cluster that
    others keep joining is one: it can be completed anew when it has not been complete for all of the window.
    """

    @reaching(company=2 * days)  # who traded within so many days before a trade that is so many days old
    def completes(events: pd.DataFrame, as_of: datetime | None) -> "pd.Series[float]":
        past, (bought, sold) = history(events), sides(events)
        size = numbers(cluster_size(days, officers=officers)(events, as_of))
        complete = (size >= owners) & (flags(events["is_officer"]) if officers else bought | sold)
        groups = codes(events["issuer_id"]) * 2 + sold
        rows = in_order(np.flatnonzero(~np.isnan(size)), past.known, groups)
        enters = past.known[rows]
        leaves = ending(past.until[rows], enters, days * DAY)
        counts = (past.counts & complete)[rows]
        before = compiled(earlier, len(rows))(groups[rows].astype(np.int64), enters, leaves, counts, nothing(len(rows)))
        return column(events, rows, complete[rows] & ~before[0])

    return completes
