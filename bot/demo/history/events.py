"""A made-up history of insider trading, of any size: an events table with the structure of real ones.

Everything in it is drawn from one seed. The steps before this one make columns of numbers; here the texts are written.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from bot.demo.history.acts import CODES, SECURITIES, SIDES, STEPS, STOCK, acts
from bot.demo.history.calendar import FIRST_DAY, LONGEST, first_of, instants, sessions
from bot.demo.history.cast import ISSUER_CIK, OWNER_CIK, POSITIONS, Careers, Ints, careers, company, owner_name, ticker
from bot.demo.history.reports import reports
from bot.plausible import implausible
from bot.trades import COLUMNS, DAY, FLAG, TEXT, to_records

CURRENCIES: Final = ("USD",) * 47 + ("CAD", "EUR", "GBP")
UNLISTED: Final = 40  # of so many companies one has no ticker
AGENT_CIK: Final = 9_990_000_000  # whose number begins an accession number
PER_AGENT: Final = 10**6
CENTURY: Final = 100  # years, of which accession numbers give the last two digits
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
    columns = {**_who(told, cast), **_what(told)}
    columns |= _where(told, columns)
    missing = _texts([None], np.zeros(len(told), np.int8))
    return pd.DataFrame({name: columns.get(name, told.get(name, missing)) for name in (*COLUMNS, *EXTRA)}, copy=False)


def _who(told: pd.DataFrame, cast: Careers) -> dict[str, Any]:
    """The columns that tell of companies and people."""
    position = cast.position[told["career"]]
    issuers, issuer = np.unique(cast.issuer[told["career"]], return_inverse=True)
    owners, owner = np.unique(cast.owner[told["career"]], return_inverse=True)
    tickers = [None if number % UNLISTED == UNLISTED - 1 else ticker(number) for number in issuers.tolist()]
    return {
        "issuer_cik": _texts([f"{ISSUER_CIK + number}" for number in issuers.tolist()], issuer),
        "issuer": _texts([company(number) for number in issuers.tolist()], issuer),
        "symbol": _texts(tickers, issuer),
        "symbols": _objects([(symbol,) if symbol else () for symbol in tickers])[issuer],
        "currency": _texts([CURRENCIES[number % len(CURRENCIES)] for number in issuers.tolist()], issuer),
        "issuer_id": issuer.astype(np.int32),
        "owner_cik": _texts([f"{OWNER_CIK + number}" for number in owners.tolist()], owner),
        "owner": _texts([owner_name(number, int(cast.position[number])) for number in owners.tolist()], owner),
        "owner_id": owner.astype(np.int32),
        "title": _texts([place.title for place in POSITIONS], position),
        "is_officer": _flags([place.is_officer for place in POSITIONS], position),
        "is_director": _flags([place.is_director for place in POSITIONS], position),
        "is_ten_percent": _flags([place.is_ten_percent for place in POSITIONS], position),
        "role": _texts([place.role for place in POSITIONS], position),
        "ownership": _texts(["I" if place.is_entity else "D" for place in POSITIONS], position),
    }


def _what(told: pd.DataFrame) -> dict[str, Any]:
    """The columns that tell of the deed itself and its days."""
    step = told["step"].to_numpy()
    return {
        "code": _texts([taken.code for taken in STEPS], step),
        "acquired": _texts([taken.acquired for taken in STEPS], step),
        "side": _texts([SIDES.get(taken.code) for taken in STEPS], step),
        "security": _texts([SECURITIES[taken.security] for taken in STEPS], step),
        "is_derivative": _flags([taken.security != STOCK for taken in STEPS], step),
        "plan_10b5_1": _flags([False, True, None], told["planned"]),
        "traded_on": sessions()[0][told["traded"]].astype(DAY),
        "filed_on": told["filed"].to_numpy().astype("datetime64[D]").astype(DAY),
        "known_at": instants(told["known"]),
        "superseded_at": instants(told["superseded"]),
    }


def _where(told: pd.DataFrame, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that tell where it stands: in which filing, which lines of it, and which version of which event."""
    is_amended = told["is_amended"].to_numpy()
    first = np.empty(len(told), np.int64)  # the row of each event's first version
    first[told["event"].to_numpy()[~is_amended]] = np.flatnonzero(~is_amended)
    accession = _accessions(told)
    places = [f":{table}:{number}0" for number in range(len(CODES) + 1) for table in ("nt", "dt")]
    place = told["place"].to_numpy() * 2 + columns["is_derivative"].to_numpy(dtype=bool)
    key = accession + ":" + columns["issuer_cik"] + _texts(places, place)
    return {
        "key": key,
        "source": _texts(["made-up"], is_amended * 0),
        "accession": accession,
        "form": _texts(["4", "4/A"], is_amended * 1),
        "amends": _amends(columns, is_amended),
        "event_key": "e-" + told["event"].astype(TEXT),
        "keys": _objects(_lines(key.tolist(), told["lines"].to_numpy(), first[told["event"]])),
        "basis": _texts(["filing"], is_amended * 0),
    }


def _accessions(told: pd.DataFrame) -> "pd.Series[str]":
    """The accession number of each row's filing: who filed it, the year, and the number of it."""
    filing = told["filing"].to_numpy()
    years = pd.to_datetime(told["known"], unit="s").dt.year.to_numpy() - FIRST_DAY.year
    beginnings = [
        f"{AGENT_CIK + agent}-{year % 100:02}-"
        for agent in range(int(filing.max()) // PER_AGENT + 1)
        for year in range(FIRST_DAY.year, FIRST_DAY.year + CENTURY)
    ]
    number = pd.Series(PER_AGENT + filing % PER_AGENT).astype(TEXT).str[1:]
    return pd.Series(_texts(beginnings, filing // PER_AGENT * CENTURY + years)) + number


def _lines(keys: list[str], lines: Ints, first: Ints) -> list[tuple[str, ...]]:
    """The keys of all lines that each row is told in, an amendment's with those of what it amends."""
    found: list[tuple[str, ...]] = list(zip(keys, strict=True))
    for row in np.flatnonzero(lines > 1).tolist():
        found[row] = tuple(keys[row][:-1] + str(number) for number in range(lines[row]))
    for row in np.flatnonzero(first != np.arange(len(keys))).tolist():
        found[row] = tuple(sorted((*found[first[row]], *found[row])))
    return found


def _amends(columns: Mapping[str, Any], is_amended: npt.NDArray[np.bool_]) -> "pd.Series[str]":
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
