"""Whether two spellings of a company's name can mean one company: abbreviations, cut-off ends, legal forms and all."""

import re
import unicodedata
from typing import Final

# Legal forms, share classes and the little words around them: they tell no company from another.
NOISE: Final = re.compile(
    "AB|ADRS?|ADS|AG|AND|ASA|CL|CLASS|CO|COM|COMMON|COMPANIES|COMPANY|CORP|CORPORATION|COS|DE|DEL|GDR|INC|INCORPORATED|"
    "LIMITED|LLC|LP|LTD|NEW|NV|OF|ORD|PLC|REG|SA|SE|SHARES|SHS|SP|SPONS?|SPONSORED|STOCK|THE|TR|TRUST"
)
# Words that very many companies share: agreement on them alone is no agreement.
COMMON: Final = re.compile(
    "ACQUISITION|AMERICAN?|BANC|BANCORP|BAN[CK]SHARES|BANK|BIOSCIENCES|BRANDS|CAPITAL|CENTRAL|CHINA|CITY|COMMUNICATIONS|"
    "COMMUNITY|ENERGY|ENTERPRISES|ENTERTAINMENT|FINANCIAL|FIRST|FOODS|GENERAL|GLOBAL|GOLD|GROUP|HEALTH|HEALTHCARE|"
    "HOLDINGS?|INDUSTRIES|INSURANCE|INTERNATIONAL|INTL|INVESTMENT|LABORATORIES|MANAGEMENT|MANUFACTURING|MEDICAL|NATIONAL|"
    "NETWORKS|OIL|PARTNERS|PETROLEUM|PHARMA|PHARMACEUTICALS|POWER|PROPERTIES|REALTY|RESOURCES|SCIENCES|SERVICES|SOFTWARE|"
    "SOLUTIONS|STATES|SYSTEMS|TECH|TECHNOLOG(Y|IES)|THERAPEUTICS|UNITED"
)
COMMON_WEIGHT: Final = 0.3
COMMON_MISSED: Final = 0.5  # a common word that only one name has tells more than one that both have
ABBREVIATED: Final = 0.65  # the part of a word's weight that agrees when only its abbreviation does
ENOUGH: Final = 0.6
CUT_AT: Final = 26  # OpenFIGI cuts names off at about 28 characters, in the middle of a word if need be


def similar(one: str, other: str) -> bool:
    """Whether enough of the two names' words agree, in any order; an abbreviation agrees with its word.

    Words that many companies share count little, legal forms and share classes nothing. A name long enough to have
    lost its end is not blamed for what only the other one has.
    """
    one, other = sorted((one, other))  # so that the outcome cannot depend on who is asked about whom
    words, others = _words(one), _words(other)
    agreed = half = 0.0
    for word in sorted(words, key=len, reverse=True):
        if partner := _partner(word, others):
            weight = _weight(max(word, partner, key=len))
            agreed += weight if word == partner else weight * ABBREVIATED
            half += 0 if word == partner else weight * (1 - ABBREVIATED)
            words.remove(word)
            others.remove(partner)
    missed = [sum(max(_weight(word), COMMON_MISSED) for word in rest) for rest in (words, others)]
    cut = [each for name, each in zip((one, other), missed, strict=True) if len(name) >= CUT_AT]
    against = half + min([sum(missed) / 2, *cut])
    return agreed > 0 and agreed >= ENOUGH * (agreed + against)


def _words(name: str) -> list[str]:
    """The telling words in capitals; all of them when none tells."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
    # EDGAR ends a name with the state of incorporation: BANK OF AMERICA CORP /DE/
    plain = re.sub(r"(?<=\w) *[/\\][A-Z ]{2,4}[/\\]?$", "", plain)
    words = re.findall(r"[A-Z0-9]+", re.sub(r"[.&]", "", plain))
    telling = [word for word in words if not NOISE.fullmatch(word)]
    return [word for word in telling if len(word) > 1] or telling or words


def _partner(word: str, others: list[str]) -> str | None:
    if word in others:
        return word
    return next((other for other in others if _abbreviates(*sorted((word, other), key=len))), None)


def _abbreviates(short: str, long: str) -> bool:
    """Whether short is the beginning of long, or has its first and some later letters in order: SVCS of SERVICES."""
    if len(short) < 3 or short[0] != long[0]:
        return False
    letters = iter(long)
    in_order = all(letter in letters for letter in short)
    return long.startswith(short) or (in_order and (len(short) > 3 or bool(COMMON.fullmatch(long))))


def _weight(word: str) -> float:
    return COMMON_WEIGHT if COMMON.fullmatch(word) else 1.0
