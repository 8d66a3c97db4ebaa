"""What people do in a made-up history, and when they do and file it: a row for each act, in columns of numbers."""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from bot.demo.history.calendar import FIRST_DAY, LAST_DAY, business_days, sessions
from bot.demo.history.cast import Careers, Floats, Ints

CLUSTERS: Final = 0.006  # clusters of purchases for every act
REGULAR: Final = 0.85  # of the acts of somebody with a routine follow it
LATE: Final = 0.06
FILED_WITHIN: Final = (0.12, 0.42, 1 - LATE)  # shares filed within 0, 1, 2 business days

STOCK, OPTION, UNIT, PREFERRED = range(4)
SECURITIES: Final = (
    "Common Stock",
    "Stock Option (right to buy)",
    "Restricted Stock Unit",
    "Series A Convertible Preferred Stock",
)
MARKET, STRIKE, NOTHING = range(3)


class Step(NamedTuple):
    """One line of what an act consists of: `size` is its part of the act's shares, `price` how it is priced."""

    code: str
    acquired: str
    security: int = STOCK
    size: float = 1.0
    price: int = NOTHING


BUY: Final = Step("P", "A", price=MARKET)
SELL: Final = Step("S", "D", price=MARKET)
EXERCISE: Final = (Step("M", "D", OPTION), Step("M", "A", price=STRIKE))
VESTING: Final = (Step("M", "D", UNIT), Step("M", "A"))
TAX: Final = Step("F", "D", size=0.4, price=MARKET)
CONVERSION: Final = (Step("C", "D", PREFERRED), Step("C", "A"))

# What an act is, and how often, of 1,000 acts, an officer, a director and a large holder do it.
ACTS: Final[tuple[tuple[tuple[Step, ...], tuple[int, int, int]], ...]] = (
    ((BUY,), (55, 150, 300)),
    ((SELL,), (235, 260, 470)),
    ((*EXERCISE, SELL), (130, 40, 0)),
    ((*VESTING, TAX), (105, 20, 0)),
    (EXERCISE, (40, 30, 0)),
    ((Step("A", "A"),), (185, 310, 10)),
    ((Step("A", "A", OPTION, 2.0),), (95, 80, 0)),
    ((TAX,), (85, 10, 0)),
    ((Step("G", "D"),), (25, 40, 30)),
    ((Step("D", "D", price=MARKET),), (25, 20, 40)),
    (CONVERSION, (5, 10, 80)),
    ((Step("J", "D"),), (5, 10, 40)),
)
STEPS: Final = tuple(step for steps, _ in ACTS for step in steps)
CODES: Final = tuple(dict.fromkeys(step.code for step in STEPS))
SIDES: Final = {"P": "buy", "S": "sell"}
PURCHASE, SALE = 0, 1  # in ACTS


def acts(rng: np.random.Generator, cast: Careers, *, count: int) -> pd.DataFrame:
    """About so many acts by career and day: career, kind (of ACTS), traded (a session), filed (days since 1970)."""
    career = _drawn(rng, cast.weight, count)
    kind = _kinds(rng, cast.group[career])
    traded = _within(rng, cast.first[career], cast.last[career])
    regular = cast.is_routine[career] & (rng.random(count) < REGULAR)
    month = _same_month(rng, cast, career)
    regular &= (cast.first[career] <= month) & (month <= cast.last[career])
    habit = np.where(cast.owner[career] % 5 == 0, PURCHASE, SALE)  # most routines are sales
    own = {
        "career": career,
        "kind": np.where(regular, habit, kind),
        "traded": np.where(regular, month, traded),
    }
    found = pd.concat([pd.DataFrame(own), _clusters(rng, cast, count=round(CLUSTERS * count))], ignore_index=True)
    return _filed(rng, found.iloc[np.argsort(found["career"] * len(sessions()[0]) + found["traded"], kind="stable")])


def _drawn(rng: np.random.Generator, weight: Floats, count: int) -> Ints:
    """So many careers, drawn by weight, in their order."""
    total = np.cumsum(weight)
    found: Ints = total.searchsorted(np.sort(rng.random(count)) * total[-1], side="right")
    return found


def _kinds(rng: np.random.Generator, group: Ints) -> Ints:
    often = np.cumsum([shares for _, shares in ACTS], axis=0)
    drawn = rng.random(len(group)) * often[-1][group]
    kinds: Ints = np.sum([drawn >= limits[group] for limits in often], axis=0, dtype=np.int64)
    return kinds


def _within(rng: np.random.Generator, first: Ints, last: Ints) -> Ints:
    sessions_in: Ints = (rng.random(len(first)) * (last - first + 1)).astype(np.int64)
    return first + sessions_in


def _same_month(rng: np.random.Generator, cast: Careers, career: Ints) -> Ints:
    """A session for each act in its career's own month, another year for each of a career's acts."""
    days = sessions()[0]
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    begins, ends = years[cast.first], years[cast.last]
    turn = np.arange(len(career)) - career.searchsorted(career)
    year = begins[career] + turn % (ends - begins + 1)[career]
    months = np.arange(f"{FIRST_DAY.year}-01", f"{LAST_DAY.year + 1}-01", dtype="datetime64[M]")
    starts = days.searchsorted(months.astype(days.dtype))
    found: Ints = starts[(year - FIRST_DAY.year) * 12 + cast.month[career]] + rng.integers(0, 18, len(career))
    return found


def _clusters(rng: np.random.Generator, cast: Careers, *, count: int) -> pd.DataFrame:
    """Purchases by up to eight people of one company within three weeks."""
    centre = np.repeat(_drawn(rng, cast.weight, count), sizes := rng.integers(4, 9, count))
    begins = np.repeat(rng.random(count), sizes)
    turn = np.arange(len(centre)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    start, end = (cast.issuer.searchsorted(cast.issuer[centre], side=side) for side in ("left", "right"))
    career = start + (centre - start + turn) % (end - start)
    traded = cast.first[centre] + (begins * (cast.last - cast.first)[centre]).astype(np.int64)
    traded += rng.integers(0, 15, len(traded))
    there = (turn < end - start) & (cast.first[career] <= traded) & (traded <= cast.last[career])
    return pd.DataFrame({"career": career, "kind": PURCHASE, "traded": traded})[there]


def _filed(rng: np.random.Generator, acts: pd.DataFrame) -> pd.DataFrame:
    """The acts with filed (day): within two business days or late, but then with the person's next filing."""
    drawn = rng.random(len(acts))
    late = 3 + np.floor(-15 * np.log(1 - rng.random(len(acts))))
    lag = np.where(drawn > FILED_WITHIN[-1], late, np.searchsorted(FILED_WITHIN, drawn)).astype(np.int64)
    filed = business_days(sessions()[0][acts["traded"].to_numpy()], lag)
    career = acts["career"].to_numpy()
    earliest = np.minimum.accumulate((career * 100_000 + filed.astype(np.int64))[::-1])[::-1]
    return acts.assign(filed=earliest - career * 100_000)
