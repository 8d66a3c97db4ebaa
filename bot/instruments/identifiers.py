"""Identifiers of securities: tickers in one notation; ISIN, CUSIP and FIGI with their check digits."""

import re
from typing import Final

from stdnum import cusip as cusip_rules
from stdnum import figi as figi_rules
from stdnum import isin as isin_rules

TICKER: Final = re.compile(r"([A-Za-z][A-Za-z0-9]{0,5})(?:[./-]([A-Za-z]{1,2}))?")
ISIN: Final = re.compile(r"[A-Za-z]{2}[A-Za-z0-9]{9}[0-9]")
CUSIP: Final = re.compile(r"[A-Za-z0-9]{8}[0-9]")
FIGI: Final = re.compile(r"[A-Z0-9]{12}")


def symbol_of(text: str) -> str | None:
    """The US ticker in our notation, `-` before the class letters: brk.b, BRK/B and BRK-B give BRK-B.

    None for what is not shaped like a ticker: a letter, up to five letters or digits, at most two class letters.
    """
    match = TICKER.fullmatch(text.strip())
    return "-".join(part for part in match.groups() if part).upper() if match else None


def figi_ticker(symbol: str) -> str:
    """The symbol as OpenFIGI writes it, `/` before the class letters."""
    return symbol.replace("-", "/")


def isin_of(text: str) -> str | None:
    """The ISIN in capitals when its form, country and check digit (ISO 6166) are right, else None."""
    number = text.strip()
    return number.upper() if ISIN.fullmatch(number) and isin_rules.is_valid(number) else None


def cusip_of(text: str) -> str | None:
    """The CUSIP in capitals when its form and check digit (ANSI X9.6) are right, else None."""
    number = text.strip()
    return number.upper() if CUSIP.fullmatch(number) and cusip_rules.is_valid(number) else None


def is_figi(text: str) -> bool:
    """Whether form and check digit (ANSI X9.145) of the FIGI are right."""
    return bool(FIGI.fullmatch(text) and figi_rules.is_valid(text))


def us_isin(cusip: str) -> str | None:
    """The ISIN that a valid CUSIP is part of; None for a foreign issuer's (CINS), which begins with a letter."""
    return None if cusip[0].isalpha() else str(cusip_rules.to_isin(cusip))
