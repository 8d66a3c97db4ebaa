"""From OpenFIGI's answers to the one share class a listing means, or the reason why it means none."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from bot.instruments.identifiers import figi_ticker, symbol_of
from bot.instruments.names import similar
from bot.instruments.openfigi import Answer, Hit, Job, JobError
from bot.model import Instrument, Listing, Skip

RULE: Final = "mapping"
# What an insider's trade can be followed in: ordinary shares, ADRs, and the units of REITs and of limited partnerships.
# Preferred shares, warrants, rights, SPAC units and funds move on other news than the company's own.
FOLLOWED: Final = frozenset({"Common Stock", "Depositary Receipt", "REIT", "Partnership Shares"})


def symbols_of(listing: Listing) -> list[str]:
    """The listing's symbols in our notation, sorted; what is not shaped like a US ticker is left out."""
    return sorted({symbol for text in listing.symbols if (symbol := symbol_of(text))})


def ticker_job(symbol: str) -> Job:
    """The question what this symbol is on the exchanges of the United States."""
    return Job("TICKER", figi_ticker(symbol), exchange="US", market="Equity")


def share_class(symbol: str, answer: Answer) -> Instrument | str:
    """The one share class behind a symbol, or why there is none."""
    if isinstance(answer, JobError):
        return f"OpenFIGI cannot read {symbol} ({answer.message})"
    listed = [hit for hit in answer if hit.exchange == "US" and symbol_of(hit.ticker or "") == symbol]
    if not listed:
        return f"OpenFIGI knows no US listing of {symbol}"
    shares = [hit for hit in listed if hit.type in FOLLOWED]
    if not shares:
        return (
            f"{symbol} is not a share one can follow ({', '.join(sorted({hit.type or 'no type' for hit in listed}))})"
        )
    classes = {hit.share_class_figi: hit.name for hit in shares if hit.share_class_figi}
    if not classes:
        return f"OpenFIGI names no share class for {symbol}, so nothing can be proven"
    if len(classes) > 1:
        several = ", ".join(f"{figi} ({name})" for figi, name in sorted(classes.items()))
        return f"{symbol} is several share classes: {several}"
    return _instrument(symbol, [hit for hit in shares if hit.share_class_figi])


def _instrument(symbol: str, hits: Sequence[Hit]) -> Instrument:
    hit = next((hit for hit in hits if hit.figi == hit.composite_figi), hits[0])
    name, figi = hit.name or symbol, str(hit.share_class_figi)
    proof = f"OpenFIGI: {symbol} (US) is share class {figi}, {name}, {hit.type}"
    return Instrument(
        symbol=symbol, name=name, share_class_figi=figi, composite_figi=hit.composite_figi, proof=(proof,)
    )


def choose(listing: Listing, known: Mapping[str, Instrument | str]) -> Instrument | Skip:
    """The instrument a listing means, given what each of its symbols is; several symbols must be one company."""
    symbols = symbols_of(listing)
    if not symbols:
        return _no(f"{_named(listing.symbols)} is not a US ticker" if listing.symbols else "no ticker")
    shares = [found for symbol in symbols if isinstance(found := known[symbol], Instrument)]
    if not shares:
        return _no("; ".join(str(known[symbol]) for symbol in symbols))
    if listing.issuer:
        return _of_issuer(shares, listing.issuer)
    if listing.owner:
        # A company that files as an owner is listed beside the company whose shares it traded.
        shares = [each for each in shares if not similar(each.name, listing.owner)] or shares
    return _of_one_company(listing, shares, known)


def witness(listing: Listing, instrument: Instrument) -> tuple[str, ...]:
    """What the listing itself says for the choice, in words."""
    issuer = (f"the name agrees with the source's, {listing.issuer}",) if listing.issuer else ()
    several = (f"listed under {_named(listing.symbols)}, of which {instrument.symbol} is the share one can follow",)
    return issuer + (several if len(listing.symbols) > 1 else ())


def _of_issuer(shares: Sequence[Instrument], issuer: str) -> Instrument | Skip:
    if named := [each for each in shares if similar(each.name, issuer)]:
        return named[0]
    found = _and([f"{each.symbol} is {each.name}" for each in shares])
    return _no(f"at OpenFIGI {found}, but the source names {issuer}: ticker reuse?")


def _of_one_company(
    listing: Listing, shares: Sequence[Instrument], known: Mapping[str, Instrument | str]
) -> Instrument | Skip:
    first, symbols = shares[0], [each.symbol for each in shares]
    if not all(similar(first.name, each.name) for each in shares):
        which = f"listed under {_and(symbols)}, which are different companies"
        return _no(f"{which}; the page cannot tell whose shares were traded")
    owners = {symbol for symbol, found in known.items() if isinstance(found, Instrument)} - set(symbols)
    strangers = [text for text in listing.symbols if not _akin(text, first.symbol) and symbol_of(text) not in owners]
    if strangers:
        which = f"listed under {_named(listing.symbols)}, and nothing ties {_named(strangers)} to {first.symbol}"
        return _no(f"{which}; the page cannot tell whose shares were traded")
    return first


def _akin(text: str, symbol: str) -> bool:
    """Whether two symbols can be one company's: ABCD-B, ABCDW and ABCDE, ABCDF are, tracking stocks are not.

    A company's further securities take the letters of its ticker and one or two more, or another fifth letter.
    """
    short, long = sorted((re.split("[^A-Z0-9]", each.strip().upper())[0] for each in (text, symbol)), key=len)
    longer = len(long) - len(short)
    extended = long.startswith(short) and longer <= (2 if len(short) > 2 else 1)
    return bool(short) and (extended or (len(short) == len(long) == 5 and short[:4] == long[:4]))


def _no(reason: str) -> Skip:
    return Skip(rule=RULE, reason=reason)


def _and(words: Sequence[str]) -> str:
    """A, B and C."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _named(texts: Sequence[str]) -> str:
    """Symbols in our notation, and in quotes what is none."""
    return _and([symbol_of(text) or repr(text[:20]) for text in texts])
