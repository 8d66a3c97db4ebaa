"""Records in JSON's own types: the one way a value leaves the program."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from math import isfinite, isnan
from typing import Any, Final


def decimal_text(value: Decimal) -> str:
    """The shortest plain notation of a decimal: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def one_line(text: str) -> str:
    """The text without what no line shows: ends of lines, control characters, halves of letters."""
    if text.isprintable():
        return text.strip()
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _float(value: float) -> float | str | None:
    """JSON has neither infinity nor not-a-number: infinity is a string, like a decimal."""
    if isfinite(value):
        return value
    return None if isnan(value) else decimal_text(Decimal(value))


# By exact type, because a cycle asks tens of thousands of times.
_AS_IT_IS: Final = frozenset({type(None), str, bool, int})
_WRITTEN: Final[Mapping[type, Callable[[Any], Any]]] = {
    Decimal: decimal_text,
    float: _float,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
}


def plain(value: Any) -> Any:
    """The value in JSON's own types: decimals as strings, instants and dates as ISO 8601, records as objects.

    What JSON has no type for is its text.
    """
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if written := _WRITTEN.get(kind):
        return written(value)
    if names := getattr(kind, "__dataclass_fields__", None) or getattr(kind, "_fields", None):
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, StrEnum):
        return str(value)
    if written := next((written for base, written in _WRITTEN.items() if isinstance(value, base)), None):
        return written(value)
    return plain(value.item()) if hasattr(value, "item") else str(value)  # a number of NumPy's, or nobody knows what
