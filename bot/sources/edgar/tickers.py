"""EDGAR's list of tickers: which company files under which CIK."""

import re
from collections.abc import Mapping
from typing import Any, Final

from bot.errors import SourceError
from bot.sources.rows import shown

_CIK: Final = re.compile(r"\d{1,10}", re.ASCII)


def read(found: Any) -> dict[str, str]:
    """Every ticker's CIK, of ten digits; a ticker that two companies have is nobody's.

    SourceError unless each entry has both.
    """
    if not isinstance(found, Mapping) or not found:
        raise SourceError(f"expected EDGAR's list of tickers, found {shown(str(found))}")
    ciks: dict[str, set[str]] = {}
    for entry in found.values():
        ticker, cik = (entry.get("ticker"), entry.get("cik_str")) if isinstance(entry, Mapping) else (None, None)
        if not isinstance(ticker, str) or not ticker.strip() or not _CIK.fullmatch(str(cik)):
            raise SourceError(f"expected a ticker and its CIK in EDGAR's list, found {shown(str(entry))}")
        ciks.setdefault(as_listed(ticker), set()).add(str(cik).zfill(10))
    return {ticker: min(several) for ticker, several in ciks.items() if len(several) == 1}


def as_listed(ticker: str) -> str:
    """A ticker as EDGAR writes it: BRK-B for brk.b."""
    return ticker.strip().upper().replace(".", "-").replace("/", "-")
