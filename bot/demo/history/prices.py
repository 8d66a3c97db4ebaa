"""What the shares of a made-up history cost: random walks, and the effects that are planted in them."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from bot.demo.history.calendar import sessions
from bot.demo.history.cast import ISSUER_CIK, Floats, Ints
from bot.sessions import REACTION
from bot.trades import DAY, TEXT

Mark = Callable[[pd.DataFrame], "pd.Series[bool]"]
"""Events table in, whether the price reacts to a row out, on the table's index."""

BEFORE: Final = 60  # sessions with prices before a company's first event
LEAST: Final = 0.0001  # that a share costs: of nothing there are no returns
AFTER: Final = 250  # at most so many after its last one, when it is delisted


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A drift that follows what `after` marks: 0.05 is +5 % in so many sessions, evenly, whatever else happens.

    It begins at the open of the first session that opens at least five minutes after the row was known, works between
    open and close, and is complete at the close of the last session.
    """

    after: Mark
    drift: float
    sessions: int

    def __post_init__(self) -> None:
        if not (self.drift > -1 and self.sessions > 0):
            raise ValueError(
                f"an effect is a drift above -1 in at least 1 session (found {self.drift}, {self.sessions})"
            )


@dataclass(frozen=True, slots=True)
class _Drift:
    """An effect at work on one company: its first session, and the logarithm of each session's factor."""

    entry: int
    sessions: int
    step: float


def prices(events: pd.DataFrame, *, seed: int, effects: Sequence[Effect] = ()) -> pd.DataFrame:
    """Daily bars of the companies in an events table that `made_up` made with this seed.

    Columns symbol, date, open, close (in the issuer's currency, unadjusted, four decimals) and volume (shares), sorted
    by symbol and date. Bars begin before a company's first event and end up to a year after its last. Without effects
    every open and close is the one before it times noise whose mean is 1; with them the noise is the same. What the
    events table says was paid is the price without effects.
    """
    listed = events[events["symbol"].notna()]
    number = (listed["issuer_cik"].astype("int64") - ISSUER_CIK).to_numpy()
    drifts = _drifts(listed, number, effects)
    companies = listed.groupby(number).agg(
        symbol=("symbol", "first"), first=("traded_on", "min"), last=("traded_on", "max")
    )
    companies = companies.sort_values("symbol")
    days = sessions()[0]
    spans = np.searchsorted(days, companies[["first", "last"]].to_numpy().astype(days.dtype)).tolist()
    bars = [
        _bars(seed, issuer, first, last, drifts.get(issuer, ()))
        for issuer, (first, last) in zip(companies.index.tolist(), spans, strict=True)
    ]
    at, *levels = (np.concatenate([np.empty(0), *column]) for column in zip(*bars, strict=True))
    lengths = [len(column) for column, *_ in bars]
    return pd.DataFrame(
        {
            "symbol": companies["symbol"].astype(TEXT).array.take(np.repeat(np.arange(len(bars)), lengths)),
            "date": days[at.astype(np.int64)].astype(DAY),
            **dict(zip(("open", "close", "volume"), levels, strict=True)),
        }
    )


def officer_clusters(*, owners: int = 3, days: int = 30) -> Mark:
    """Marks the purchase by which so many officers of a company have bought within these calendar days, as known.

    What is quarantined does not count; a company that has just had a cluster has its next one after these days.
    """

    def mark(events: pd.DataFrame) -> "pd.Series[bool]":
        is_bought = (events["side"] == "buy") & events["is_officer"].fillna(value=False) & events["quarantine"].isna()
        bought = events[is_bought & events["known_at"].notna()].sort_values("known_at", kind="stable")
        found = [
            row
            for _, rows in bought.drop_duplicates("event_key").groupby("issuer_id")
            for row in _completing(rows, owners=owners, within=timedelta(days=days))
        ]
        return pd.Series(events.index.isin(found), index=events.index)

    return mark


def _completing(bought: pd.DataFrame, *, owners: int, within: timedelta) -> Iterator[object]:
    """The rows, of one company's purchases in their order, that complete a cluster."""
    recent: deque[tuple[pd.Timestamp, int]] = deque()
    last: pd.Timestamp | None = None
    for row, at, owner in zip(bought.index, bought["known_at"], bought["owner_id"], strict=True):
        recent.append((at, owner))
        while at - recent[0][0] > within:
            recent.popleft()
        if len({owner for _, owner in recent}) >= owners and (last is None or at - last > within):
            last = at
            yield row


def walk(seed: int, issuer: int, *, length: int) -> tuple[Floats, Floats]:
    """The open and close of a company in the first so many sessions, listed or not; the same for a seed and a number.

    Steps are normal in logarithms, 0.8 to 2.2 % a day, three tenths of the variance over night.
    """
    rng = np.random.default_rng((seed, 1, issuer))
    sigma, start = rng.random(2)
    variance = np.square(0.008 + 0.014 * sigma) * np.array([0.3, 0.7])
    steps = rng.standard_normal((length, 2)) * np.sqrt(variance) - variance / 2  # so that a factor's mean is 1
    level = np.exp(np.log(5 + 120 * np.square(start)) + np.cumsum(steps)).reshape(length, 2)
    return level[:, 0], level[:, 1]


def _drifts(events: pd.DataFrame, number: npt.NDArray[Any], effects: Sequence[Effect]) -> dict[int, list[_Drift]]:
    """What the effects do, by company."""
    found: dict[int, list[_Drift]] = {}
    for effect in effects:
        marked = effect.after(events).to_numpy(dtype=bool)
        known = (events["known_at"] + REACTION).dt.tz_convert(None).to_numpy()[marked]
        step = float(np.log1p(effect.drift)) / effect.sessions
        entries = sessions()[1].searchsorted(known)
        for issuer, entry in zip(number[marked].tolist(), entries.tolist(), strict=True):
            found.setdefault(issuer, []).append(_Drift(entry, effect.sessions, step))
    return found


def _bars(
    seed: int, issuer: int, first: int, last: int, drifts: Sequence[_Drift]
) -> tuple[Ints, Floats, Floats, Floats]:
    """Session numbers, opens, closes and volumes of one company, around its first and last event."""
    count = len(sessions()[0])
    opens, closes = walk(seed, issuer, length=count)
    steps = np.zeros(count)
    for drift in drifts:
        steps[drift.entry : drift.entry + drift.sessions] += drift.step
    drifted = np.cumsum(steps)
    rng = np.random.default_rng((seed, 2, issuer))
    listed = np.arange(max(0, first - BEFORE), min(count, last + int(rng.integers(1, AFTER))))
    volumes = np.floor(np.exp(10 + 5 * rng.random() + 0.5 * rng.standard_normal(len(listed))))
    opens, closes = opens * np.exp(drifted - steps), closes * np.exp(drifted)
    opens, closes = (np.maximum(np.round(prices[listed], 4), LEAST) for prices in (opens, closes))
    return listed, opens, closes, volumes
