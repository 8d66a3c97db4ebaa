"""The ticker in an issuer's trading symbol, which filers write as they like."""

import re
from typing import Final

from bot.sources.cells import TICKER

_EXCHANGE: Final = re.compile(
    r"\b(?:NYSE|NASDAQ|AMEX|OTC|TSX|CBOE)(?:[ -]?(?:AMERICAN|ARCA|MKT|GS|GM|CM|QB|QX|BB|PINK|PK|V))?\b\s*[:-]?",
    re.ASCII,
)
_BETWEEN: Final = re.compile(r"[,;&\s]+|\bAND\b")
_NONE: Final = frozenset({"NONE", "N/A", "NA", "N.A", "NOT APPLICABLE", "NOT LISTED", "PRIVATE", "UNLISTED", "TBD"})
_TICKER: Final = re.compile(TICKER, re.ASCII)
# What is listed beside a share under its ticker and a few letters more: warrants, units, rights.
_BESIDE: Final = frozenset({"W", "WS", "WT", "U", "UN", "R", "RT", "-W", "-WS", "-WT", "-U", "-UN", "-R", "-RT"})


def ticker(text: str | None) -> str | None:
    """The ticker in upper case with `-` before a class letter; None when there is none, or no telling which.

    Of several tickers the first one is meant when the others are its warrants, units and rights.
    """
    text = (text or "").upper().strip(" .\"'()[]$*-")
    if text in _NONE:
        return None
    words = [word.strip("\"'()[]$*:") for word in _BETWEEN.split(_EXCHANGE.sub(" ", text))]
    found = list(dict.fromkeys(_classed(word) for word in words if word and word not in _NONE))
    if not found or not all(map(_TICKER.fullmatch, found)):
        return None
    first, *others = found
    return first if all(other.removeprefix(first) in _BESIDE for other in others) else None


def _classed(word: str) -> str:
    return word.replace(".", "-").replace("/", "-")
