"""The user's own table of ISINs: a CSV with the columns symbol and isin, or symbol and cusip, or all three."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import ConfigError
from bot.instruments.identifiers import cusip_of, isin_of, symbol_of, us_isin


@dataclass(frozen=True, slots=True)
class IsinFile:
    """Candidate ISINs by symbol: those written down, and those that follow from a written CUSIP."""

    isins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    from_cusips: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_isin_file(path: Path) -> IsinFile:
    """Every row checked down to its check digits; ConfigError names the file, the row and the column that is wrong."""
    isins: dict[str, tuple[str, ...]] = {}
    from_cusips: dict[str, tuple[str, ...]] = {}
    for where, row in _rows(path):
        symbol = symbol_of(row["symbol"])
        if symbol is None:
            raise ConfigError(f"{where}, column symbol: a US ticker was expected, found {row['symbol'][:40]!r}")
        if isin := _isin(where, row.get("isin", "")):
            isins[symbol] = (*isins.get(symbol, ()), isin)
        if isin := _isin_of_cusip(where, row.get("cusip", "")):
            from_cusips[symbol] = (*from_cusips.get(symbol, ()), isin)
    return IsinFile(isins, from_cusips)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with the words that say where it stands; the header is row 1."""
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read as a CSV file in UTF-8: {error}") from None
    header = [name.strip().lower() for name in lines[0]] if lines else []
    if "symbol" not in header or not {"isin", "cusip"} & set(header):
        found = str(header)[:80]
        raise ConfigError(f"{path}, row 1: the columns symbol and isin (or cusip) were expected, found {found}")
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) not in {0, len(header)}:
            raise ConfigError(f"{path}, row {number}: {len(header)} columns were expected, found {len(cells)}")
        if any(cell.strip() for cell in cells):
            row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            if not row.get("isin") and not row.get("cusip"):
                raise ConfigError(f"{path}, row {number}, column isin: an ISIN was expected, found nothing")
            yield f"{path}, row {number}", row


def _isin(where: str, text: str) -> str | None:
    if text and isin_of(text) is None:
        raise ConfigError(f"{where}, column isin: an ISIN with the right check digit was expected, found {text[:40]!r}")
    return isin_of(text)


def _isin_of_cusip(where: str, text: str) -> str | None:
    cusip = cusip_of(text)
    if text and cusip is None:
        found = repr(text[:40])
        raise ConfigError(f"{where}, column cusip: a CUSIP with the right check digit was expected, found {found}")
    if cusip and us_isin(cusip) is None:
        raise ConfigError(
            f"{where}, column cusip: {cusip} is a foreign issuer's, which leads to no ISIN; write the ISIN"
        )
    return us_isin(cusip) if cusip else None
