"""The daily signal: the companies whose insiders buy, ranked by conviction as it was known, with what it is made of."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bot.errors import ConfigError
from bot.filings import index_url
from bot.model import NEW_YORK
from bot.render import safe
from strategies.scores import Scores, Variant, scores

COLUMNS: Final = {
    "as_of": "str",
    "rank": "int64",
    "symbol": "str",
    "issuer": "str",
    "issuer_cik": "str",
    "score": "float64",
    "value": "float64",
    "buyers": "int32",
    "senior": "bool",
    "days_since": "float64",
    "filings": "str",
}
NEEDED: Final = (
    "event_key",
    "issuer_id",
    "known_at",
    "superseded_at",
    "traded_on",
    "symbol",
    "issuer",
    "issuer_cik",
    "accession",
    "url",
)
TEXTS: Final = ("symbol", "issuer", "filings")  # which strangers wrote
SHOWN: Final = ("as_of", "rank", "symbol", "issuer", "score", "value", "buyers", "senior", "days_since")


def signal(
    events: pd.DataFrame,
    dates: Sequence[date],
    *,
    days: int = 30,
    top: int | None = None,
    variant: Variant = "known",
    progress: Callable[[int], None] = lambda _: None,
) -> pd.DataFrame:
    """The ranked companies of each date, the best first, as they stood at the end of that day in New York.

    Columns are `COLUMNS`: `score` is `conviction` over the last `days`, `value` the sum of the purchases in USD,
    `buyers` distinct people, `senior` whether one of them is, `days_since` the last purchase became known, and
    `filings` where they can be read, the latest first. A company whose score is unknown, because a purchase does not
    say what it was worth in USD, stands at the end without one; equal ones stand in the order of their tickers. `top`
    keeps so many of each date. The variant `seed`
    is the published score, by the day of the trade, which counts what nobody knew yet (strategies/scores.py).
    """
    found = scores(events, dates, days, variant)
    live = {day.date() for day in found.dates[np.diff(found.starts) > 0]}
    counted, parts = _seed if variant == "seed" else _known, []
    for day, recent in counted(events, [day for day in dates if day in live], days):
        parts.append(_of_a_day(found, day, recent, top))
        progress(len(parts))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*COLUMNS])
    return table[[*COLUMNS]].astype(COLUMNS)


def unheard(events: pd.DataFrame, dates: Sequence[date], days: int) -> tuple[int, int]:
    """How many purchases the variant `seed` counts on these dates, all told, and how many of them nobody knew yet."""
    counted = unknown = 0
    for day, recent in _seed(events, dates, days):
        counted += len(recent)
        unknown += int((recent["known_at"] >= _end(day)).sum())
    return counted, unknown


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The signal as plain values, None where one is unknown."""
    told = table.astype(object).where(table.notna(), None)
    return [dict(zip(COLUMNS, row, strict=True)) for row in told.itertuples(index=False, name=None)]


def check_path(path: Path) -> None:
    """ConfigError unless `write` can write such a file, so that nobody waits for a table that has no place."""
    if path.suffix not in {".csv", ".parquet"}:
        raise ConfigError(f"{path}: write a name that ends in .csv or .parquet")
    if path.suffix == ".parquet" and not find_spec("pyarrow"):
        raise ConfigError("to write Parquet files, install pyarrow: `pip install insiderbot[research]`")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}")


def write(table: pd.DataFrame, path: Path) -> None:
    """Write the signal as CSV, safe for spreadsheets, or Parquet, with dates; ConfigError if it cannot be."""
    try:
        if path.suffix == ".parquet":
            days = pd.to_datetime(table["as_of"]).astype("date32[pyarrow]")
            table.assign(as_of=days).to_parquet(path, index=False)
        else:
            texts = {
                name: table[name].map({text: safe(text) for text in table[name].dropna().unique()}) for name in TEXTS
            }
            table.assign(**texts).to_csv(path, index=False)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from None


def _known(events: pd.DataFrame, dates: Iterable[date], days: int) -> Iterator[tuple[date, pd.DataFrame]]:
    """Each date with the purchases known in the window before its end, which still stood then, as they became known."""
    sound = (events["side"] == "buy").fillna(value=False) & events["quarantine"].isna() & events["known_at"].notna()
    bought = _linked(events.loc[sound, [*NEEDED]]).sort_values(["known_at", "event_key"])
    for day in dates:
        edges = [_end(day) - pd.Timedelta(days=days), _end(day)]
        recent = bought.iloc[slice(*bought["known_at"].searchsorted(edges))]
        yield day, recent[~(recent["superseded_at"] < edges[1])]


def _seed(events: pd.DataFrame, dates: Iterable[date], days: int) -> Iterator[tuple[date, pd.DataFrame]]:
    """Each date with the purchases made in the window up to it, whether anybody knew or not, as they became known."""
    made = (events["code"] == "P").fillna(value=False) & events["traded_on"].notna()
    bought = _linked(events.loc[made, [*NEEDED]]).sort_values("traded_on")
    for day in dates:
        edges = [pd.Timestamp(day) - pd.Timedelta(days=days), pd.Timestamp(day) + pd.Timedelta(days=1)]
        yield day, bought.iloc[slice(*bought["traded_on"].searchsorted(edges))].sort_values(["known_at", "event_key"])


def _linked(purchases: pd.DataFrame) -> pd.DataFrame:
    """The purchases with the address of their filing also where only its number was told."""
    numbers = {"issuer_cik": r"\d{1,10}", "accession": r"\d{10}-\d{2}-\d{6}"}
    told = purchases.loc[purchases["url"].isna(), [*numbers]].dropna()
    bare = told[np.logical_and.reduce([told[name].str.fullmatch(form) for name, form in numbers.items()])]
    links = [index_url(*row) for row in bare.itertuples(index=False)]
    return purchases.assign(url=purchases["url"].astype("str").fillna(pd.Series(links, bare.index, dtype="str")))


def _end(day: date) -> pd.Timestamp:
    return pd.Timestamp(day, tz=NEW_YORK) + pd.DateOffset(days=1)


def _of_a_day(found: Scores, day: date, recent: pd.DataFrame, top: int | None) -> pd.DataFrame:
    """The companies of a day, named as they were then: a ticker may be another company's by now."""
    names = recent.drop_duplicates("issuer_id", keep="last").set_index("issuer_id")
    linked = recent[::-1].dropna(subset="url").drop_duplicates(["issuer_id", "url"])
    links = linked.groupby("issuer_id")["url"].agg(" ".join)
    table = found.ranked(day)
    told = {name: names[name].reindex(table["issuer_id"]).to_numpy() for name in ("symbol", "issuer", "issuer_cik")}
    told |= {"filings": links.reindex(table["issuer_id"]).fillna("").to_numpy()}
    table = table.assign(as_of=day.isoformat(), **told)
    table = table.sort_values(["score", *told], ascending=[False, *(True for _ in told)]).head(top or len(table))
    return table.assign(rank=np.arange(1, len(table) + 1))
