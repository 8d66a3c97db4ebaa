"""The companies and people of a made-up history: when they are listed, who serves where, and what their names are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bot.model import Role
from bot.sources.edgar.owners import position
from bot.sources.edgar.ownership import Owner

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ISSUER_CIK: Final = 9_980_000_000  # numbers that nobody will have for a long time
OWNER_CIK: Final = 9_970_000_000
ROWS_A_YEAR: Final = 12.5  # of a company
MOONLIGHTERS: Final = 0.04  # of all careers belong to somebody who has another one elsewhere
ROUTINE: Final = 0.12
YEAR: Final = 252  # sessions


@dataclass(frozen=True, slots=True)
class Position:
    """What somebody is to a company: the form's three flags, the title beside them, and how many in 1,000 are that."""

    title: str | None
    flags: str
    share: int

    @property
    def is_officer(self) -> bool:
        """Whether the form's box for officers is ticked."""
        return "O" in self.flags

    @property
    def is_director(self) -> bool:
        """Whether the form's box for directors is ticked."""
        return "D" in self.flags

    @property
    def is_ten_percent(self) -> bool:
        """Whether the form's box for holders of 10 % is ticked; who is nothing else is a company here."""
        return "T" in self.flags

    @property
    def is_entity(self) -> bool:
        """Whether it is a company that holds shares, and no person."""
        return self.flags == "T"

    @property
    def group(self) -> int:
        """Whose habits somebody in this position has: an officer's, a director's or a large holder's (0, 1, 2)."""
        return 2 if self.is_entity else 1 if self.flags.startswith("D") else 0

    @property
    def role(self) -> Role:
        """The role, as the reader of filings finds it."""
        owner = Owner(
            cik="",
            is_officer=self.is_officer,
            is_director=self.is_director,
            is_ten_percent=self.is_ten_percent,
            is_other=not self.flags,
            title=self.title if self.is_officer else None,
            other=None if self.is_officer else self.title,
        )
        return position(owner, None)[1].role


# Shares follow what filings of the last twenty years look like; a director's form has no title.
POSITIONS: Final = (
    Position("Chief Executive Officer", "O", 55),
    Position("President and CEO", "OD", 55),
    Position("Chief Financial Officer", "O", 60),
    Position("EVP & CFO", "O", 35),
    Position("Chief Operating Officer", "O", 35),
    Position("Chief Technology Officer", "O", 15),
    Position("General Counsel & Secretary", "O", 35),
    Position("Chief Accounting Officer", "O", 30),
    Position("VP and Treasurer", "O", 10),
    Position("Chief Marketing Officer", "O", 20),
    Position("President", "O", 20),
    Position("Executive Chairman", "OD", 15),
    Position("Executive Vice President", "O", 50),
    Position("Senior Vice President", "O", 60),
    Position("SVP, Human Resources", "O", 30),
    Position("See Remarks", "O", 25),
    Position("Former CFO", "", 5),
    Position(None, "D", 360),
    Position(None, "DT", 25),
    Position(None, "T", 60),
)
DIRECTOR: Final = POSITIONS.index(Position(None, "D", 360))


@dataclass(frozen=True, slots=True, kw_only=True)
class Careers:
    """Who serves at which company from which session to which, one element per career, by company.

    `issuer`, `owner`, `position` (of POSITIONS) and its `group` are numbers; `month` (0 to 11) is when somebody with a
    routine trades every year; `weight` is how much of all activity is this career's, in no unit.
    """

    issuer: Ints
    owner: Ints
    position: Ints
    group: Ints
    first: Ints
    last: Ints
    is_routine: Flags
    month: Ints
    weight: Floats


def careers(rng: np.random.Generator, *, rows: int, first: int, last: int) -> Careers:
    """The careers of a history of so many rows, between these sessions, both included."""
    issuers = max(3, round(rows / ROWS_A_YEAR / ((last - first + 1) / YEAR)))
    activity = np.minimum((1 - rng.random(issuers)) ** -0.75, 40.0)  # heavy-tailed (Pareto)
    listed, delisted = _lives(rng, issuers, first, last)
    people = 4 + (7 * np.sqrt(activity)).astype(np.int64)
    issuer = np.repeat(np.arange(issuers), people)
    count = len(issuer)
    since_listing = rng.random(count) < 0.4
    joins = listed[issuer] + np.where(
        since_listing, 0, (rng.random(count) * (delisted - listed)[issuer]).astype(np.int64)
    )
    stays = 60 + (-np.log(1 - rng.random(count)) * 7 * YEAR).astype(np.int64)
    leaves = np.minimum(joins + stays, delisted[issuer])
    shares = np.cumsum([position.share for position in POSITIONS])
    place = shares.searchsorted(rng.random(count) * shares[-1], side="right")
    owner, is_shared = _owners(rng, issuer, _of(place, "is_entity"))
    place = np.where(is_shared, DIRECTOR, place)
    return Careers(
        issuer=issuer,
        owner=owner,
        position=place,
        group=_of(place, "group"),
        first=joins,
        last=leaves,
        is_routine=rng.random(count) < ROUTINE,
        month=rng.integers(0, 12, count),
        weight=(activity / people)[issuer] * np.exp(0.7 * rng.standard_normal(count)) * (leaves - joins + 1),
    )


def _of(positions: Ints, name: str) -> npt.NDArray[Any]:
    """A field of these positions."""
    return np.array([getattr(position, name) for position in POSITIONS])[positions]


def _lives(rng: np.random.Generator, issuers: int, first: int, last: int) -> tuple[Ints, Ints]:
    """From which session to which each company is listed: nearly half of them all the time."""
    length = last - first
    listed = first + np.where(rng.random(issuers) < 0.6, 0, (rng.random(issuers) * 0.9 * length).astype(np.int64))
    left = np.maximum((rng.random(issuers) * (last - listed)).astype(np.int64), length // 20)
    return listed, np.where(rng.random(issuers) < 0.7, last, np.minimum(listed + left, last))


def _owners(rng: np.random.Generator, issuer: Ints, is_entity: Flags) -> tuple[Ints, Flags]:
    """Whose each career is, and which of them are a person's second; nobody has two at one company."""
    careers = np.arange(len(issuer))
    other = (rng.random(len(issuer)) * careers).astype(np.int64)
    shared = (rng.random(len(issuer)) < MOONLIGHTERS) & (issuer[other] != issuer)
    shared &= ~shared[other] & ~is_entity[other]
    _, once = np.unique(np.stack([issuer, np.where(shared, other, careers)]), axis=1, return_index=True)
    shared &= np.isin(careers, once)
    return np.where(shared, other, careers), shared


# -- names

_HEADS: Final = (
    "Bel", "Cor", "Dal", "Fen", "Gar", "Hal", "Jor", "Kel", "Lan", "Mer", "Nor", "Orr", "Pel", "Quil", "Rav", "Sel",
    "Tarn", "Ul", "Ver", "Wex", "Yar", "Zel",
)  # fmt: skip
_MIDDLES: Final = ("a", "e", "i", "o", "u", "ia", "eo", "am", "en", "il", "or", "un")
_TAILS: Final = (
    "brook", "crest", "dale", "fall", "gate", "holt", "lund", "mere", "moor", "ridge", "shaw", "stead", "thwaite",
    "ton", "vale", "wick", "worth",
)  # fmt: skip
_GIVEN: Final = (
    "Adaeze", "Bram", "Casimir", "Daria", "Ezra", "Fenwick", "Gwenda", "Hollis", "Ines", "Jory", "Kerensa", "Lucia",
    "Mirela", "Nadir", "Oriel", "Piers", "Quillon", "Rin", "Sunniva", "Teodor", "Ursel", "Viggo", "Wanda", "Xanthe",
    "Yorick", "Zofia",
)  # fmt: skip
_INITIALS: Final = tuple("ABCDEFGHIJKLMNOPRSTVW")
_TRADES: Final = (
    "Robotics", "Software", "Foods", "Materials", "Media", "Therapeutics", "Maritime", "Minerals", "Payments", "Optics",
    "Foundries", "Broadcasting",
)  # fmt: skip
_FORMS: Final = ("Inc", "Corp", "Holdings Inc", "Ltd", "Co")
_LETTERS: Final = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def company(number: int) -> str:
    """The name of a company; no two of the first 200,000 have the same."""
    stem, rest = _spelled(number, (_TAILS, _HEADS, _MIDDLES))
    return f"{stem[1]}{stem[2]}{stem[0]} {_TRADES[(number + rest) % len(_TRADES)]} {_FORMS[number % len(_FORMS)]}"


def ticker(number: int) -> str:
    """A company's ticker: six letters, which no American exchange gives."""
    letters, _ = _spelled(number * 7_919, (_LETTERS,) * 4)
    return "ZQ" + "".join(letters)


def owner_name(number: int, position: int) -> str:
    """Somebody's name as filings write it, last name first; no two of the first two million have the same."""
    (given, tail, head, initial, middle), _ = _spelled(number, (_GIVEN, _TAILS, _HEADS, _INITIALS, _MIDDLES))
    last = f"{head}{middle}{tail}"
    return f"{last} Partners {number} LP" if POSITIONS[position].is_entity else f"{last} {given} {initial}"


def _spelled(number: int, places: Sequence[Sequence[str]]) -> tuple[list[str], int]:
    """A number written in these digits, the lowest place first, and what is left of it."""
    digits = []
    for place in places:
        number, digit = divmod(number, len(place))
        digits.append(place[digit])
    return digits, number
