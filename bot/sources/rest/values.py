"""What stands in a JSON object of another's service, read strictly: typed, or refused in one sentence.

Numbers may be strings, and are decimals of ASCII digits either way. Null, a missing member and an empty text are the
same: not told.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final, TypeVar

from bot.errors import SourceError
from bot.model import NEW_YORK
from bot.sources.cells import clean, in_utc, is_printable
from bot.sources.rows import shown

Moment = TypeVar("Moment", date, datetime)

LATEST: Final = time(22)  # New York: by then every filing of a day is public, where nothing tells the time
LONGEST: Final = 500
MOST_MEMBERS: Final = 12  # of an object are named in a sentence about it

_NUMBER: Final = re.compile(r"-?\d{1,15}(?:\.\d{1,30})?", re.ASCII)  # 4/3 has seventeen digits in JSON
_DAY: Final = re.compile(r"(?!9999)\d{4}-\d\d-\d\d", re.ASCII)  # a day later is still a day for any clock
_INSTANT: Final = re.compile(
    r"(?:19|20)\d\d-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)", re.ASCII
)
_FLAGS: Final[Mapping[str, bool]] = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Record:
    """A JSON object; `place` is what sentences call it, `names` are the members' names where they are not ours."""

    place: str
    members: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, word: str) -> str:
        """What the service calls a word of ours; empty where it has none for it."""
        return self.names.get(word, word)

    def get(self, word: str) -> Any:
        """The member as it came, None where nothing is told."""
        name = self.name(word)
        value = self.members.get(name) if name else None
        return None if value == "" else value

    def text(self, word: str) -> str | None:
        """A text with white space as a reader sees it; a whole number is text too, as identifiers go."""
        value = self.get(word)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
            return str(value)
        if not isinstance(value, str | None) or not is_printable(clean(value or "")) or len(value or "") > LONGEST:
            raise self.refusal(word, f"a text of at most {LONGEST} printable characters")
        return clean(value or "") or None

    def number(self, word: str) -> Decimal | None:
        """A number, with its sign."""
        value = self.get(word)
        if value is None:
            return None
        written = _written(value)
        if not _NUMBER.fullmatch(written):
            raise self.refusal(word, "a number such as 3000 or 40.8125")
        return Decimal(written)

    def amount(self, word: str) -> Decimal | None:
        """A number that is not below zero."""
        number = self.number(word)
        if number is not None and number < 0:
            raise self.refusal(word, "a number that is not below zero")
        return number

    def count(self, word: str) -> int | None:
        """A whole number that is not below zero."""
        number = self.amount(word)
        if number is not None and number != int(number):
            raise self.refusal(word, "a whole number")
        return None if number is None else int(number)

    def flag(self, word: str) -> bool | None:
        """True, false or unknown."""
        value = self.get(word)
        known = _FLAGS.get(_written(value).lower())
        if value is not None and known is None:
            raise self.refusal(word, "true or false")
        return known

    def day(self, word: str) -> date | None:
        """A day; of an instant its day in New York."""
        value = self.get(word)
        if isinstance(value, str) and _DAY.fullmatch(value):
            return self._existing(word, date.fromisoformat)
        told = self.instant(word)
        return told.astimezone(NEW_YORK).date() if told else None

    def instant(self, word: str) -> datetime | None:
        """An instant in UTC; a mere day is over in New York by then."""
        value = self.get(word)
        if value is None:
            return None
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            return self._existing(word, datetime.fromisoformat).astimezone(UTC)
        if isinstance(value, str) and _DAY.fullmatch(value):
            return end_of(self._existing(word, date.fromisoformat))
        raise self.refusal(word, "a day or an instant with its zone, such as 2026-03-02T22:03:41Z")

    def record(self, word: str) -> "Record":
        """The object under this name."""
        return record_of(f"{self.place}.{word}", self.get(word))

    def records(self, word: str) -> list["Record"]:
        """The objects in the list under this name."""
        value = self.get(word)
        if not isinstance(value, list):
            raise self.refusal(word, "a list")
        return [record_of(f"{self.place}.{word}[{number}]", item) for number, item in enumerate(value)]

    def refusal(self, word: str, expected: str) -> SourceError:
        """The sentence about a member that is not what it was to be."""
        return SourceError(f"{self.place}, {self.name(word)!r}: expected {expected}, found {described(self.get(word))}")

    def _existing(self, word: str, read: Callable[[str], Moment]) -> Moment:
        try:
            return read(self.get(word))
        except ValueError:
            raise self.refusal(word, "a day that exists") from None


def record_of(place: str, value: Any, names: Mapping[str, str] | None = None) -> Record:
    """The JSON object as a record; SourceError when it is no object."""
    if not isinstance(value, dict):
        raise SourceError(f"{place}: expected a JSON object, found {described(value)}")
    return Record(place, value, names or {})


def end_of(day: date) -> datetime:
    """When everything that was filed on a day is public."""
    return in_utc(datetime.combine(day, LATEST))


def described(value: Any) -> str:
    """A JSON value as a sentence may quote it."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        names = ", ".join(shown(str(name)) for name in list(value)[:MOST_MEMBERS])
        return f"an object with {names}" if names else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return shown(value if isinstance(value, str) else _written(value))


def _written(value: Any) -> str:
    """A plain value as its digits or letters; what no number could be so long for is cut short."""
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() and abs(value.adjusted()) < 40 else str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**40 else "a number of more than 40 digits"
    return str(value) if isinstance(value, str | bool) else type(value).__name__
