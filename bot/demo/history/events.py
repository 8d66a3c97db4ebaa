"""A made-up history of insider trading, of any size: an events table with the structure of real ones.

Everything in it is drawn from one seed. The steps before this one make columns of numbers; here the texts are written.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from bot.demo.history.acts import SECURITIES, SIDES, STEPS, STOCK, acts
from bot.demo.history.calendar import LONGEST, first_of, instants, sessions
from bot.demo.history.cast import ISSUER_CIK, OWNER_CIK, POSITIONS, Careers, Ints, careers, company, owner_name, ticker
from bot.demo.history.reports import reports
from bot.plausible import implausible
from bot.trades import COLUMNS, DAY, FLAG, TEXT, to_records

CURRENCIES: Final = ("USD",) * 47 + ("CAD", "EUR", "GBP")
UNLISTED: Final = 97  # of so many companies one has no ticker
AGENT_CIK: Final = 9_990_000_000  # whose number begins an accession number
PER_AGENT: Final = 10**6
EXTRA: Final = (
    *("event_key", "keys", "symbols", "held_before", "basis", "exercised", "quarantine"),
    *("issuer_id", "owner_id", "superseded_at"),
)


def made_up(*, seed: int, rows: int, years: int = 20) -> pd.DataFrame:
    """The events table of a made-up history up to the end of 2025, of so many rows, sorted by known_at.

    Columns are those of the trades table and the events table's own, with `issuer_id`, `owner_id` and `superseded_at`.
    The same seed gives the same table everywhere. ValueError when there cannot be so few rows or so many years.
    """
    if not 1 <= years <= LONGEST or rows < 1:
        raise ValueError(f"a history has at least one row and 1 to {LONGEST} years, not {rows} rows and {years} years")
    rng = np.random.default_rng((seed, 0))
    cast = careers(rng, rows=rows, first=first_of(years), last=len(sessions()[0]) - 1)
    told = reports(rng, acts(rng, cast, count=round(rows * 0.8) + 40), cast, seed=seed, rows=rows)
    events = _table(told, cast)
    doubted = np.flatnonzero(told["is_doubted"])
    reasons = [implausible(trade) for trade in to_records(events.iloc[doubted])]
    return events.assign(quarantine=pd.Series(reasons, index=doubted, dtype=TEXT).reindex(events.index))


def _table(told: pd.DataFrame, cast: Careers) -> pd.DataFrame:
    """The events table of the reports, in their order, still without quarantine."""
    career, step, position = told["career"].to_numpy(), told["step"].to_numpy(), cast.position[told["career"]]
    issuers, issuer = np.unique(cast.issuer[career], return_inverse=True)
    owners, owner = np.unique(cast.owner[career], return_inverse=True)
    tickers = [None if number % UNLISTED == UNLISTED - 1 else ticker(number) for number in issuers.tolist()]
    is_amended = told["is_amended"].to_numpy()
    first = np.empty(len(told), np.int64)  # the row of each row's first version
    first[told["event"].to_numpy()[~is_amended]] = np.flatnonzero(~is_amended)
    first = first[told["event"]]
    issuer_cik = _texts([f"{ISSUER_CIK + number}" for number in issuers.tolist()], issuer)
    accession = _accessions(told)
    line = _texts([f":{'nt' if taken.security == STOCK else 'dt'}:" for taken in STEPS], step)
    key = accession + ":" + issuer_cik + line + (told["place"] * 10).astype(TEXT)
    columns = {
        "key": key,
        "source": _texts(["made-up"], is_amended * 0),
        "accession": accession,
        "form": _texts(["4", "4/A"], is_amended * 1),
        "issuer_cik": issuer_cik,
        "issuer": _texts([company(number) for number in issuers.tolist()], issuer),
        "symbol": _texts(tickers, issuer),
        "owner_cik": _texts([f"{OWNER_CIK + number}" for number in owners.tolist()], owner),
        "owner": _texts([owner_name(number, int(cast.position[number])) for number in owners.tolist()], owner),
        "title": _texts([place.title for place in POSITIONS], position),
        "is_officer": _flags([place.is_officer for place in POSITIONS], position),
        "is_director": _flags([place.is_director for place in POSITIONS], position),
        "is_ten_percent": _flags([place.is_ten_percent for place in POSITIONS], position),
        "role": _texts([place.role for place in POSITIONS], position),
        "code": _texts([taken.code for taken in STEPS], step),
        "acquired": _texts([taken.acquired for taken in STEPS], step),
        "side": _texts([SIDES.get(taken.code) for taken in STEPS], step),
        "security": _texts([SECURITIES[taken.security] for taken in STEPS], step),
        "is_derivative": _flags([taken.security != STOCK for taken in STEPS], step),
        "ownership": _texts(["I" if place.is_entity else "D" for place in POSITIONS], position),
        "plan_10b5_1": _flags([False, True, None], told["planned"]),
        "traded_on": sessions()[0][told["traded"]].astype(DAY),
        "filed_on": told["filed"].to_numpy().astype("datetime64[D]").astype(DAY),
        "known_at": instants(told["known"]),
        "currency": _texts([CURRENCIES[number % len(CURRENCIES)] for number in issuers.tolist()], issuer),
        "event_key": "e-" + told["event"].astype(TEXT),
        "keys": _objects(_lines(key.tolist(), told["lines"].to_numpy(), first)),
        "symbols": _objects([(symbol,) if symbol else () for symbol in tickers])[issuer],
        "basis": _texts(["filing"], is_amended * 0),
        "issuer_id": issuer.astype(np.int32),
        "owner_id": owner.astype(np.int32),
        "superseded_at": instants(told["superseded"]),
    }
    columns["amends"] = _amends(columns, is_amended)
    missing = _texts([None], is_amended * 0)
    return pd.DataFrame({name: columns.get(name, told.get(name, missing)) for name in (*COLUMNS, *EXTRA)}, copy=False)


def _accessions(told: pd.DataFrame) -> "pd.Series[str]":
    """The accession number of each row's filing: who filed it, the year, and the number of it."""
    known = pd.to_datetime(told["known"], unit="s")
    agent = (AGENT_CIK + told["filing"].astype("int64") // PER_AGENT).astype(TEXT)
    number = (PER_AGENT + told["filing"] % PER_AGENT).astype(TEXT).str[1:]
    return agent + "-" + known.dt.year.astype(TEXT).str[2:] + "-" + number


def _lines(keys: list[str], lines: Ints, first: Ints) -> list[tuple[str, ...]]:
    """The keys of all lines that each row is told in, an amendment's with those of what it amends."""
    found: list[tuple[str, ...]] = list(zip(keys, strict=True))
    for row in np.flatnonzero(lines > 1).tolist():
        found[row] = tuple(keys[row][:-1] + str(number) for number in range(lines[row]))
    for row in np.flatnonzero(first != np.arange(len(keys))).tolist():
        found[row] = tuple(sorted((*found[first[row]], *found[row])))
    return found


def _amends(columns: dict[str, Any], is_amended: npt.NDArray[np.bool_]) -> "pd.Series[str]":
    """Which filing an amendment amends, as EDGAR's reader writes it: issuer, owner and the original's day."""
    rows = np.flatnonzero(is_amended)
    who = (columns[name].take(rows) for name in ("issuer_cik", "owner_cik"))
    names = [
        ":".join(map(str, name)) for name in zip(*who, columns["filed_on"][rows].astype("datetime64[D]"), strict=True)
    ]
    return pd.Series(names, index=rows, dtype=TEXT).reindex(range(len(is_amended)))


def _texts(texts: Sequence[str | None], which: Any) -> Any:
    """A column of a few texts, by their numbers."""
    return pd.array(texts, dtype=TEXT).take(which)


def _flags(flags: Sequence[bool | None], which: Any) -> Any:
    return pd.array(flags, dtype=FLAG).take(which)


def _objects(values: Sequence[tuple[str, ...]]) -> npt.NDArray[np.object_]:
    """The tuples as cells, for an array would take them for rows."""
    cells = np.empty(len(values), object)
    cells[:] = values
    return cells
