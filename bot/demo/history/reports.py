"""What is reported of the acts in a made-up history: events with prices, shares and balances, and their versions."""

from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from bot.demo.history.acts import ACTS, CODES, SECURITIES, STEPS, STOCK
from bot.demo.history.calendar import business_days, filing_hours
from bot.demo.history.cast import Careers, Floats, Ints
from bot.demo.history.prices import walk

AMENDED: Final = 0.02  # of all rows are second versions
DOUBTED: Final = 0.01  # of what is filed alone
NOT_SAID: Final = 0.015  # of all filings do not say what is held afterwards
IN_TRANCHES: Final = 0.2  # of all purchases and sales
PLANNED: Final = 0.35
PLANS_SINCE: Final = np.datetime64("2023-04-01")  # when the form got its box


def reports(rng: np.random.Generator, acts: pd.DataFrame, cast: Careers, *, seed: int, rows: int) -> pd.DataFrame:
    """So many versions of events, in numbers, by the instant they are known.

    `career`, `traded` and `filed` are those of the acts, `step` is a number in STEPS, `filing` counts filings and
    `place` lines within a filing's table, `known` and `superseded` are seconds on New York's clocks, `event` numbers
    events and `is_amended` marks their second versions, `planned` is -1 where nobody says, `lines` says how many lines
    the event is told in; what is left are the numbers of the events table.
    """
    amended = round(rows * AMENDED)
    events = _priced(rng, _steps(rng, acts, count=rows - amended), cast, seed)
    return _versions(rng, _told(rng, _held(rng, events)), amended=amended)


def _steps(rng: np.random.Generator, acts: pd.DataFrame, *, count: int) -> pd.DataFrame:
    """The steps of all acts (numbers in STEPS), every code once in a person's filings of a day, and so many of all.

    `filing` numbers persons' filing days; `dollars` is about what an act is worth.
    """
    lengths = np.array([len(steps) for steps, _ in ACTS])
    kind = acts["kind"].to_numpy()
    again = np.repeat(np.arange(len(acts)), lengths[kind])
    begins = np.cumsum(lengths[kind]) - lengths[kind]
    step = (np.cumsum(lengths) - lengths)[kind][again] + np.arange(len(again)) - begins[again]
    dollars = 1e5 * np.exp(1.3 * rng.standard_normal(len(acts)))
    changes = (acts[["career", "filed"]].diff() != 0).any(axis=1).to_numpy()
    filing = np.cumsum(changes)[again]
    what = np.array([step.security * len(CODES) + CODES.index(step.code) for step in STEPS])
    _, once = np.unique(filing * 100 + what[step], return_index=True)
    kept = np.sort(once[np.sort(rng.permutation(len(once))[:count])])
    steps = acts[["career", "traded", "filed"]].iloc[again[kept]].reset_index(drop=True).astype("int32")
    return steps.assign(
        step=step[kept].astype(np.int8),
        dollars=dollars[again[kept]],
        filing=_renumbered(filing[kept]).astype(np.int32),
    )


def _renumbered(groups: npt.NDArray[Any]) -> Ints:
    """Numbers that stand together, replaced by 0, 1, 2 and so on."""
    return np.cumsum(np.diff(groups, prepend=groups[:1]) != 0)


def _of_steps(events: pd.DataFrame, name: str) -> npt.NDArray[Any]:
    """A field of the events' steps."""
    fields: npt.NDArray[Any] = np.array([getattr(step, name) for step in STEPS])
    return fields.take(events["step"])


def _priced(rng: np.random.Generator, events: pd.DataFrame, cast: Careers, seed: int) -> pd.DataFrame:
    """The events with price, missing or 0 where nothing is paid, and shares."""
    count, how = len(events), _of_steps(events, "price")
    market = _market(rng, events, cast, seed)
    strike = np.round(market * (0.2 + 0.7 * rng.random(count)), 2).clip(0.01)
    nothing = np.where(rng.random(count) < 0.4, np.nan, 0.0)
    scale = np.array([1.0, 0.6, 12.0])[cast.group[events["career"]]]
    worth = events["dollars"].to_numpy() * _of_steps(events, "size") * scale
    return events.drop(columns="dollars").assign(
        price=np.choose(how, [market, strike, nothing]),
        shares=np.floor((worth / market).clip(10, 1e8)),
    )


def _market(rng: np.random.Generator, events: pd.DataFrame, cast: Careers, seed: int) -> Floats:
    """What a share cost at some time of the day of each event, in cents of the currency."""
    issuer, traded = cast.issuer[events["career"]], events["traded"].to_numpy()
    bounds = issuer.searchsorted(np.arange(cast.issuer[-1] + 2))
    moment, market = rng.random(len(events)), np.empty(len(events))
    for number, (start, end) in enumerate(pairwise(bounds.tolist())):
        if start < end:
            at = traded[start:end]
            opens, closes = walk(seed, number, length=int(at.max()) + 1)
            market[start:end] = opens[at] + moment[start:end] * (closes[at] - opens[at])
    return np.round(market, 2).clip(0.01)


def _held(rng: np.random.Generator, events: pd.DataFrame) -> pd.DataFrame:
    """The events with what was held before and after, and what came in by exercise with them.

    A purchase or sale shows what was held before and after all of its class that was filed with it.
    """
    security, is_side = _of_steps(events, "security"), np.isin(_of_steps(events, "code"), ["P", "S"])
    signed = events["shares"].to_numpy() * np.where(_of_steps(events, "acquired") == "A", 1, -1)
    came_in = np.where((signed > 0) & ~is_side & (security == STOCK), signed, 0.0)
    chain = events["career"].to_numpy() * len(SECURITIES) + security
    order = np.argsort(chain, kind="stable")
    after = _chained(rng, chain[order], signed[order])
    starts, lengths = _runs(events["filing"].to_numpy()[order] * len(SECURITIES) + security[order])
    opening, closing = (after - signed[order])[starts], after[starts + lengths - 1]
    held = pd.DataFrame(
        {
            "shares_after": np.where(is_side[order], np.repeat(closing, lengths), after),
            "held_before": np.where(is_side[order], np.repeat(opening, lengths), np.nan),
            "exercised": np.repeat(np.add.reduceat(came_in[order], starts), lengths),
        },
        index=order,
    ).sort_index()
    filing = events["filing"].to_numpy()
    is_silent = (rng.random(filing[-1] + 1) < NOT_SAID)[filing]
    held.loc[is_silent, ["shares_after", "held_before"]] = np.nan
    return pd.concat([events, held], axis=1)


def _chained(rng: np.random.Generator, chain: Ints, signed: Floats) -> Floats:
    """The balance after each event of what stands together as one chain, never below zero."""
    starts, lengths = _runs(chain)
    moved = np.cumsum(signed)
    moved -= np.repeat((moved - signed)[starts], lengths)
    least = np.minimum.reduceat(moved, starts)
    more = np.floor(np.abs(signed[starts]) * 40 * rng.random(len(starts)) ** 3)
    more[rng.random(len(starts)) < 0.25] = 0  # who had nothing before, or sells all in the end
    after: Floats = moved + np.repeat(np.maximum(-least, 0) + more, lengths)
    return after


def _runs(groups: Ints) -> tuple[Ints, Ints]:
    """Where each group of equal numbers begins, and how long it is."""
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    return starts, np.diff(starts, append=len(groups))


def _told(rng: np.random.Generator, events: pd.DataFrame) -> pd.DataFrame:
    """The events with when they are known, which are planned, in how many lines they are told, and what is wrong."""
    count, filing, code = len(events), events["filing"].to_numpy(), _of_steps(events, "code")
    filings = filing[-1] + 1
    table = pd.Series(filing * 2 + (_of_steps(events, "security") != STOCK))
    is_side, is_stock = np.isin(code, ["P", "S"]), _of_steps(events, "security") == STOCK
    is_alone = ~events["filing"].duplicated(keep=False).to_numpy()
    planned = np.where((code == "S") & (rng.random(filings) < PLANNED)[filing], 1, 0)
    doubted = is_alone & is_stock & (rng.random(count) < DOUBTED)
    price = np.where(doubted & is_side & (rng.random(count) < 0.5), np.nan, events["price"])
    value = np.round(events["shares"] * price, 2)
    in_tranches = is_side & ~doubted & (rng.random(count) < IN_TRANCHES)
    return events.assign(
        place=(table.groupby(table).cumcount() + 1).astype(np.int8),
        known=events["filed"] * 86_400.0 + filing_hours(rng, filings)[filing],
        planned=np.where(events["filed"] < PLANS_SINCE.astype(np.int64), -1, planned).astype(np.int8),
        lines=np.where(in_tranches, 3, 1).astype(np.int8),
        price=price,
        value=np.round(np.where(doubted, value * 1000, value), 2),
        is_doubted=doubted & ~(price == 0),
        is_alone=is_alone,
    )


def _versions(rng: np.random.Generator, events: pd.DataFrame, *, amended: int) -> pd.DataFrame:
    """The events as first told, some with a wrong number, and the second versions of those, by when they are known."""
    may_be = (_of_steps(events, "security") == STOCK) & ~events["is_doubted"]
    may_be &= events["is_alone"] | (events["price"] > 0)
    truth = events.iloc[np.sort(rng.permutation(np.flatnonzero(may_be))[:amended])]
    in_shares = truth["is_alone"] & (~(truth["price"] > 0) | (rng.random(len(truth)) < 0.6))
    lag = 1 + np.floor(-12 * np.log(1 - rng.random(len(truth)))).astype(np.int64)
    filed = business_days(truth["filed"].to_numpy().astype("datetime64[D]"), lag).astype(np.int64)
    known = filed * 86_400.0 + filing_hours(rng, len(truth))

    order = np.argsort(np.concatenate([events["known"], known]), kind="stable")
    event = np.concatenate([np.arange(len(events)), truth.index])[order]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first, second = place[truth.index], place[len(events) :]
    versions = events.take(event).assign(event=event.astype(np.int32), is_amended=False, superseded=np.nan)
    versions.index = pd.RangeIndex(len(order))
    mistaken = _mistaken(truth, in_shares)
    versions.loc[first, mistaken.columns] = mistaken.to_numpy()
    versions.loc[first, "superseded"] = known
    versions.loc[second, "known"] = known
    versions.loc[second, "filing"] = events["filing"].iloc[-1] + 1 + np.arange(len(truth), dtype=np.int32)
    versions.loc[second, "is_amended"] = True
    return versions


def _mistaken(truth: pd.DataFrame, in_shares: "pd.Series[bool]") -> pd.DataFrame:
    """The numbers that change where an event has half the shares that there were, or else too high a price."""
    shares = np.where(in_shares, truth["shares"] // 2, truth["shares"])
    price = np.where(in_shares, truth["price"], np.round(truth["price"] * 1.1 + 0.01, 2))
    missing = truth["shares"] - shares
    gain = np.where(_of_steps(truth, "acquired") == "A", missing, -missing)
    return pd.DataFrame(
        {
            "shares": shares,
            "price": price,
            "value": np.round(shares * price, 2),
            "shares_after": truth["shares_after"] - gain,
            "exercised": truth["exercised"] - np.where(truth["exercised"] > 0, missing, 0.0),
        }
    )
