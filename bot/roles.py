"""From a free-text title to a role: one versioned table, read the way a lexer reads.

A title is brought into a plain form and cut from left to right into the phrases of TABLE. Where several lines fit, the
first one wins, so "vice president" is spent before "president" could be seen in it. Words that no line explains make
the answer unknown rather than no, unless an officer is named beside them.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from bot.model import Role

TABLE_VERSION: Final = "2026-11"
LONGEST: Final = 200  # characters; a longer text is no title

_CHAIR = r"(?:co )?(?:chair\w*|cha(?:ri|i)man|chrm?n?|chmn?|cob)(?: of (?:the )?(?:board|bod))?(?: of directors)?"
_CHIEF = r"(?:chief|chf|cheif)"
_PRINCIPAL = r"prin\w*"
_ASSISTANT = r"(?:ass(?:is)?t?(?:ant)?|assoc\w*)"
_OUTSIDE = r"(?:lead|independent|outside|inside|external|presiding|board|non ?employee|non ?exec\w*)"

# Whom a phrase names; whether it makes an officer (None: not by itself); how it is written, in plain form.
TABLE: Final[tuple[tuple[Role, bool | None, str], ...]] = (
    (Role.UNKNOWN, None, r"(?:please |pls )?see\b[^,]*|remarks?|n ?,? ?a|none|other|unknown"),
    (Role.OTHER, None, rf"(?:office of|to) (?:the )?(?:co )?(?:ceo|{_CHIEF} exe\w*(?: off\w*)?|pres\w*|{_CHAIR})"),
    (Role.OTHER, None, r"in chief"),
    (Role.CHAIR, False, rf"non ?exec\w* (?:vice )?{_CHAIR}"),
    (Role.CHAIR, True, rf"exe(?:c\w*)? {_CHAIR}"),
    (Role.OFFICER, True, rf"exe(?:c\w*)? vice {_CHAIR}"),
    (Role.OTHER, None, rf"(?:vice|v|deputy) {_CHAIR}"),
    (Role.CHAIR, None, _CHAIR),
    (Role.OTHER, None, rf"{_ASSISTANT} (?:corp\w* )?(?:vp|vice pres\w*|sec\w*|treas\w*|gen\w* co\w*|cont\w*)"),
    (Role.OFFICER, True, rf"deputy (?:c[a-z]o|{_CHIEF}|pres\w*|gen\w*)(?: [^,]*)?"),
    (Role.CEO, True, rf"[gi]?ceo|peo|(?:{_CHIEF}|{_PRINCIPAL}) exe\w*(?: off\w*)?"),
    (Role.CFO, True, rf"[gi]?cfo|pfo|(?:{_CHIEF}|{_PRINCIPAL}) fin\w*"),
    (Role.COO, True, rf"coo|{_CHIEF} op(?:er\w*|s)"),
    (Role.CTO, True, rf"cto|{_CHIEF} tech\w*"),
    (Role.GC, True, rf"gc|clo|{_CHIEF} (?:leg(?:al)?|counsel)|gen(?:eral|l)? (?:c|cou\w*|cns\w*|csl)"),
    (Role.ACCOUNTING, True, rf"cao|pao|(?:{_CHIEF}|{_PRINCIPAL}) ac+\w*|accounting officer"),
    (Role.ACCOUNTING, True, r"controller|comptroller|ctrlr"),
    (Role.TREASURER, True, r"treas(?!ury)\w*|tres"),
    (Role.SECRETARY, True, r"sece?(?:r\w*|t?y)?(?! (?:\d|report|filing))"),
    (Role.CHIEF, True, rf"{_CHIEF}|c[a-z]o|c[b-df-hj-np-tv-z]{{2}}o|ciso|ceco"),
    (Role.VP, True, r"(?:1st|[a-z]{0,5})vp|[es]vp\w+|v p|vice ?p(?:re?\w*)?"),
    (Role.PRESIDENT, True, r"pres(?:i+(?:d(?!ing)\w*)?|d\w*)?"),
    (Role.OFFICER, True, r"off(?:ice|c|ie)rs?|off(?:ic?)?|ofcr?"),
    (Role.OFFICER, True, r"gm|gen(?:eral|l)? (?:ma?|man\w*|mgr)|(?:man\w*|mn?g) dir\w*"),
    (Role.TEN_PERCENT, False, r"(?:10 ?%|(?:10|ten) percent)(?: beneficial)?(?: ?\w*(?:owner|holder)s?)?"),
    (Role.DIRECTOR, False, rf"(?:{_OUTSIDE} ){{0,2}}dir(?:ectors?)?|board member"),
    (Role.DIRECTOR, False, r"member of (?:the )?board(?: of directors)?"),
    (Role.OTHER, False, r"trustee|portfolio manager|entity|under common control|confidentiality|agreement|affiliate"),
    (Role.OTHER, False, r"beneficial|owner|\w*holder|employee|(?:more|greater) than"),
    (Role.OTHER, False, r"of|the|an?|to|company|issuer"),
    (Role.OTHER, None, r"\w+ dir(?:ector)?|(?:co )?founder|co|interim|acting|sr|senior|exec(?:utive)?|corp(?:orate)?"),
)

# Whoever is described like this is no officer, whatever else the title says.
NEVER: Final[tuple[str, ...]] = (
    r"former(?:ly)?|fmr|ex (?:c[a-z]o|chief|pres\w*|off\w*|dir\w*|chair\w*)|past|previous(?:ly)?|prior",
    r"resign\w*|retired|emerit\w*|deceased|until",
    r"advis[eo]r|consultant|by deput\w*|may be deemed|not an?|non officer",
    r"members? (?:of|,) (?:[\w%]+ ){0,6}group|group member|(?:13 ?[dg]|10 ?%)(?: \w+)? group",
    r"spouse|wife|husband|(?:estate|relative|affiliate) of|(?:assistant|aide|secretary) to",
    r"(?<!owner )(?<!holder )(?:of|to) (?:an? |the )?(?:10 ?%|ten percent)",
)

_PLAIN: Final = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"['’`´\"“”\u00ad\u200b-\u200f\u2060\ufeff]", ""),  # quotes, and what nobody can see
        (r"\bex[-‐‑–](?!officio)", "former "),  # only the hyphen tells "Ex-CEO" from "Ex VP", an executive one
        (r"\b([a-z])\. ?(?=[a-z]\b)", r"\1"),  # C.E.O.
        (r"\(([a-z])\)", r"\1"),  # Officer(s), 13(d)
        (r"(?<=\s)[-‐‑–—](?=\s)|\band\b", ","),
        (r"[-‐‑–—._*<>]", " "),
        (r"[^\w\s%]+", " , "),
        (r"\s+", " "),
    )
)
_PHRASE: Final = re.compile(r"(?<!\w)(?:" + "|".join(f"({pattern})" for _, _, pattern in TABLE) + r")(?!\w)")
_NEVER: Final = re.compile(r"(?<!\w)(?:" + "|".join(NEVER) + r")(?!\w)")
_SENIORITY: Final = tuple(Role)


@dataclass(frozen=True, slots=True)
class Roles:
    """What a title says about a person; None is unknown, which is not the same as no."""

    role: Role
    is_officer: bool | None
    is_director: bool | None
    is_ten_percent: bool | None


def classify(title: str | None, *, flag: bool | None = None) -> Roles:
    """Everything a title says, with the most senior role it names.

    `flag` is the filing's isOfficer when a filing was read: True wins over any title, and False over all but a title
    that names an officer (a person reported as "other" with an officer's title counts). Without it, "See Remarks", a
    bare "Chairman" or a title nobody foresaw leave `is_officer` None. Never raises.
    """
    found = _said(title or "")
    if flag is None:
        return found
    is_officer = flag or found.is_officer is True
    role = min(found.role, Role.OFFICER, key=_SENIORITY.index) if is_officer else found.role
    return replace(found, role=role, is_officer=is_officer)


@lru_cache(maxsize=10_000)  # most people share their title with many others
def _said(title: str) -> Roles:
    return _read(_plain(title))


def _plain(title: str) -> str:
    """Lower-case words with single spaces, parts set off by commas; compatibility letters unified (Unicode NFKC)."""
    text = " ".join(unicodedata.normalize("NFKC", title).casefold().split())
    if len(text) > LONGEST:
        return ""
    for pattern, plain in _PLAIN:
        text = pattern.sub(plain, text)
    return text.strip()


def _read(text: str) -> Roles:
    if _NEVER.search(text):
        return Roles(role=Role.OTHER, is_officer=False, is_director=None, is_ten_percent=None)
    named = [TABLE[match.lastindex - 1] for match in _PHRASE.finditer(text) if match.lastindex]
    roles = {role for role, _, _ in named}
    verdicts = {verdict for _, verdict, _ in named} or {None}
    if any(letter.isalpha() for letter in _PHRASE.sub("", text)):
        # "Director, Sales" is no seat on the board: beside unexplained words the bare word proves nothing.
        roles = roles - {Role.DIRECTOR} | {Role.OTHER}
        verdicts |= {None}
    return Roles(
        role=min(roles, key=_SENIORITY.index, default=Role.UNKNOWN),
        is_officer=True if True in verdicts else None if None in verdicts else False,
        is_director=True if Role.DIRECTOR in roles else None,
        is_ten_percent=True if Role.TEN_PERCENT in roles else None,
    )
