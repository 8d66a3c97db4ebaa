"""Reasons: sentences with a row's own numbers in them, written for forty rows or for four million.

A sentence is text with fields, `{column}` or `{column:form}`; what a form makes of a value is said at `_form`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property, lru_cache
from string import Formatter
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from bot.errors import ConfigError
from strategies.texts import Piece, Places, Said, Spelled, Texts, objects

Condition: TypeAlias = "pd.Series[bool] | bool"
Sentence: TypeAlias = "str | tuple[Iterable[Case], ...]"
"""Text with fields, or the sentences of several in a row, joined by semicolons."""

Case: TypeAlias = "tuple[Condition, Sentence]"
"""A condition on the rows, and the sentence for those it holds for."""

Writer: TypeAlias = "Callable[[list[Any]], Sequence[str]]"


class Part(NamedTuple):
    """A piece of a sentence: words, then a column's value in some form, or nothing.

    Beside a `limit` (`>0.01`) the value is shown as above it, or not, as it is.
    """

    words: str
    column: str
    form: str
    limit: str = ""


def written(table: pd.DataFrame, cases: Iterable[Case], rows: Places) -> Iterator[Said]:
    """Those of the rows (places in the table) of which something is said, with it: what stands under their case."""
    return (_filled(sentence, table, hit) for sentence, hit in _sentences(cases, rows) if sentence)


def joined(table: pd.DataFrame, parts: Iterable[Iterable[Case]], rows: Places) -> Iterator[Said]:
    """The same of what several say of each of these rows, one after the other."""
    return (_filled(sentence, table, hit) for sentence, hit in _in_a_row(parts, rows) if sentence)


def falling(cases: Iterable[Case], rows: Places) -> Iterator[tuple[Sentence, Places]]:
    """Each sentence with those of the rows that fall under its case and under none before it."""
    left = iter(cases)
    while len(rows) and (case := next(left, None)):  # a case that nobody needs is not even looked at
        condition, sentence = case
        hit = _holds(condition, rows)
        if hit.all():
            yield sentence, rows
            return
        if hit.any():
            yield sentence, rows[hit]
            rows = rows[~hit]


def _sentences(cases: Iterable[Case], rows: Places) -> Iterator[tuple[str, Places]]:
    """Each text with those of the rows that it is to be filled for."""
    for sentence, hit in falling(cases, rows):
        if isinstance(sentence, str):
            yield sentence, hit
        else:
            yield from _in_a_row(sentence, hit)


def _in_a_row(parts: Iterable[Iterable[Case]], rows: Places) -> Iterator[tuple[str, Places]]:
    """The texts of several, joined by semicolons, with those of the rows that have just these."""
    alike, said = np.zeros(len(rows), dtype=np.intp), []
    places = np.empty(rows.max(initial=-1) + 1, dtype=np.int32)
    for cases in parts:
        texts, places[rows] = [""], 0
        for text, hit in _sentences(cases, rows):
            places[hit] = len(texts)
            texts.append(text)
        place = places[rows]
        if len(texts) > 2 or not place.all():  # else all of them are told the same
            alike, _ = pd.factorize(alike * len(texts) + place)
        said.append((texts, place))
    first = np.empty(alike.max(initial=-1) + 1, dtype=np.intp)
    first[alike[::-1]] = np.arange(len(rows))[::-1]  # of places that are alike the first is written last
    for number, row in enumerate(first.tolist()):
        yield "; ".join(text for texts, place in said if (text := texts[place[row]])), rows[alike == number]


def columns_of(sentence: str) -> list[str]:
    """The columns that the sentence shows."""
    return list(dict.fromkeys(part.column for part in parts(sentence) if part.column))


def shown(cases: Iterable[Case], rows: Places) -> Iterator[tuple[list[str], Places]]:
    """The columns that the sentences of these rows show, with the rows."""
    for sentence, hit in falling(cases, rows):
        if isinstance(sentence, str):
            yield columns_of(sentence), hit
        else:
            for part in sentence:
                yield from shown(part, hit)


def percent(fraction: float) -> str:
    """The fraction that is asked for, in percent and in full."""
    return f"{decimals(fraction * 100)} %"


def decimals(number: float) -> str:
    """The number that is asked for, in full."""
    return f"{number:,.15g}"


def _holds(condition: Condition, rows: Places) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    if isinstance(condition, bool):
        return np.full(len(rows), condition)
    holds = pd.Series(condition, copy=False).array.take(rows)  # an array will do, too
    return pd.Series(holds).fillna(value=False).to_numpy(dtype=bool)


def _filled(sentence: str, table: pd.DataFrame, rows: Places) -> Said:
    """The sentence with each row's own values; what many rows share is written once."""
    taken = cache(lambda column: _Taken(table, column, rows))  # once, however often it is shown
    pieces: list[Piece] = []
    for piece in (piece for part in parts(sentence) for piece in _pieces(part, taken)):
        if pieces and (one := _as_one(pieces[-1], piece)):
            pieces[-1] = one
        else:
            pieces.append(piece)
    return Said(rows, pieces)


def _as_one(left: Piece, right: Piece) -> "Piece | None":
    """What two pieces say together, if many rows say the same."""
    if isinstance(left, str):
        if isinstance(right, str):
            return left + right
        return Spelled(right.places, left + right.texts) if _is_shared(right) else None
    if isinstance(right, str):
        return Spelled(left.places, left.texts + right) if _is_shared(left) else None
    if left.places is right.places:  # one column in two forms
        return Spelled(left.places, left.texts + right.texts)
    count, ways = len(left.places), len(left.texts) * len(right.texts)
    if ways > count or not (_is_shared(left) and _is_shared(right)):
        return None
    together = left.places * len(right.texts) + right.places
    occurs = np.zeros(ways, dtype=bool)
    occurs[together] = True
    if np.count_nonzero(occurs) * SHARED > count:
        return None
    first, second = np.divmod(np.flatnonzero(occurs), len(right.texts))
    return Spelled((np.cumsum(occurs) - 1)[together], left.texts[first] + right.texts[second])


def _is_shared(piece: Spelled) -> bool:
    return len(piece.texts) * SHARED <= len(piece.places) and not (piece.places < 0).any()


class _Numbered(NamedTuple):
    """Some values as places among the `distinct` ones, or behind them where one is missing; not all need `occur`."""

    places: Places
    distinct: Any
    occur: "np.ndarray[tuple[int], np.dtype[np.bool_]]"


class _Taken:
    """A column's values in some rows of a table."""

    def __init__(self, table: pd.DataFrame, column: str, rows: Places) -> None:
        if column not in table.columns:
            raise ConfigError(
                f"a rule's sentence shows {column!r}, which is neither a column of the events nor a feature"
            )
        self.values: Any = table[column].array.take(rows)

    @cached_property
    def numbered(self) -> _Numbered:
        return _numbered(self.values)


def _pieces(part: Part, taken: Callable[[str], _Taken]) -> list[Piece]:
    """A part's words, and its value as a sentence shows it."""
    before: list[Piece] = [part.words] if part.words else []
    if not part.column:
        return before
    column = taken(part.column)
    try:
        if part.form not in ROUNDED:
            return [*before, _spelled(column.numbered, part)]
        rounded = ROUNDED[part.form](column.values)
        rounded = _on_its_side(rounded, column.values.astype("float64"), part.limit) if part.limit else rounded
        return before + (_counted(rounded, part) if part.form in ENDS else [_spelled(_numbered(rounded), part)])
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"a rule's sentence cannot show {part.column!r} as {part.form!r}") from error


def _on_its_side(hundredths: Any, fractions: Any, limit: str) -> Any:
    """Rounded percentages, moved by one hundredth where rounding has brought them to the other side of the limit."""
    above = np.greater_equal if limit.startswith(">=") else np.greater
    least = float(limit.strip(">="))
    # But for the noise of a float: 40 is 20 % below 50.
    is_above, seems = above(np.round(fractions, 12), least), above(hundredths, round(least * 10_000, 6))
    return hundredths + (is_above & ~seems) - (seems & ~is_above)


def _numbered(values: Any) -> _Numbered:
    has_numbers = isinstance(values, pd.Categorical) and len(values.categories) <= len(values)
    places, distinct = (values.codes.astype(np.intp), values.categories) if has_numbers else pd.factorize(values)
    places[places < 0] = len(distinct)
    occur = np.zeros(len(distinct) + 1, dtype=bool)
    occur[places] = True
    return _Numbered(places, distinct, occur[:-1])


def _spelled(values: _Numbered, part: Part) -> Spelled:
    """Each distinct value written once."""
    write, missing = _form(part)
    texts: Texts = np.full(len(values.distinct) + 1, missing, dtype=object)
    texts[:-1][values.occur] = write(values.distinct[values.occur].tolist())
    return Spelled(values.places, texts)


def _counted(values: Any, part: Part) -> list[Piece]:
    """Whole numbers as they are, since there may be millions of them, then what ends them; any others spelled."""
    numbers, ends = np.array(values, dtype=np.float64), ENDS[part.form]
    odd = np.flatnonzero(~((numbers >= 0) & (numbers < LARGEST)))
    others = _spelled(_numbered(numbers[odd]), part)
    numbers[odd] = 0
    whole, end = numbers.astype(np.int64), []
    if ends:
        whole, place = np.divmod(whole, len(ends))
        place[odd] = len(ends)  # nothing
        end = [Spelled(place, objects([*ends, ""]))]
    whole = ~whole
    whole[odd] = others.places
    return [Spelled(whole, others.texts), *end]


def _form(part: Part) -> tuple[Writer, str]:
    """How values are written, and what stands where one is missing.

    `{x}` as it is, `{x!r}` quoted, `{x:,}` whole with commas, `{x:.2}` with two decimals at most, rounded down so that
    it stays below what it is below, `{x:%}` a fraction in percent with two decimals at most, `{x:%>0.01}` and
    `{x:%>=0.01}` the same, but above 0.01 or from it on only if it is so,
    `{x:day(s)}` counted (1 day, 2 days), `{x:date}` and `{x:minute}` a date, an instant in UTC; `{x:buy=bought|=sold}`
    what stands behind the value's name, or behind none.
    """
    if part.form in FORMS:
        return FORMS[part.form], f"no {part.column}" if part.form == "r" else "unknown"
    if part.form.endswith("(s)"):
        thing = part.form.removesuffix("(s)")
        return lambda values: [f"{value:.0f} {thing}{'' if round(value) == 1 else 's'}" for value in values], "unknown"
    if "=" in part.form:
        named = dict(choice.partition("=")[::2] for choice in part.form.split("|"))
        return lambda values: [named.get(value, named.get("", value)) for value in map(str, values)], named.get(
            "", "unknown"
        )
    known = ", ".join([*filter(None, FORMS), "minute", "thing(s)", "value=text|=any other"])
    raise ConfigError(f"a rule's sentence has no form {part.form!r} for {part.column}; the forms are {known}")


def _whole(numbers: list[float]) -> list[str]:
    return [f"{number:,.0f}" for number in numbers]


def _decimals(hundredths: list[float]) -> list[str]:
    return [f"{number / 100:,.2f}".rstrip("0").rstrip(".") for number in hundredths]


def _percents(hundredths: list[float]) -> list[str]:
    return [f"{number} %" for number in _decimals(hundredths)]


CENTS: Final = [f".{number:02}".rstrip("0").rstrip(".") for number in range(100)]
SHARED: Final = 16  # so many rows for each text: else to put it together takes longer than to write its halves
LARGEST: Final = 1e15  # below it, a float is every whole number
# Of the forms that show numbers, what may follow their whole part.
ENDS: Final[dict[str, list[str]]] = {",": [], ".2": CENTS, "%": [f"{cents} %" for cents in CENTS]}

FORMS: Final[dict[str, Writer]] = {
    "": lambda values: list(map(str, values)),
    "r": lambda values: list(map(repr, values)),
    ",": _whole,
    ".2": _decimals,
    "%": _percents,
    "date": lambda days: np.array(days, dtype=np.int64).astype("datetime64[D]").astype(str).tolist(),
    "clock": lambda minutes: [f"{minute // 60:02.0f}:{minute % 60:02.0f}" for minute in minutes],
}

# What is written alike is made alike first, so that there is less to write.
ROUNDED: Final[dict[str, Callable[[Any], Any]]] = {
    ",": lambda numbers: np.rint(numbers.astype("float64")) + 0.0,  # which makes 0 of -0
    ".2": lambda numbers: np.floor(np.round(numbers.astype("float64") * 100, 6)) + 0.0,  # but for the noise of a float
    "%": lambda fractions: np.rint(fractions.astype("float64") * 10_000) + 0.0,
    "date": lambda instants: _since_1970(instants, "D"),
    "clock": lambda instants: _since_1970(instants, "m", 24 * 60),
}


def _since_1970(instants: Any, unit: str, cycle: int = 0) -> Any:
    """Whole days or minutes, or those of a cycle of so many; NaN where the instant is missing."""
    counted = np.asarray(instants if instants.tz is None else instants.tz_convert(None)).astype(f"datetime64[{unit}]")
    whole = counted.view(np.int64)
    return np.where(np.isnat(counted), np.nan, whole % cycle if cycle else whole)


@lru_cache(maxsize=1000)
def parts(sentence: str) -> tuple[Part, ...]:
    """What the sentence consists of; `{x:minute}` is a date and a time of day. ConfigError for what is no sentence."""
    made: list[Part] = []
    try:
        parsed = [*Formatter().parse(sentence)]
    except ValueError as error:
        raise ConfigError(f"the sentence {sentence!r} of a rule cannot be read: {error}") from None
    for words, column, form, conversion in parsed:
        if column == "":
            raise ConfigError(
                f"a field of the sentence {sentence!r} of a rule names no column; braces are {{{{ and }}}}"
            )
        if form == "minute":
            made += [Part(words, column or "", "date"), Part(" ", column or "", "clock")]
        else:
            kind = form or conversion or ""
            is_limited = kind.startswith("%>")
            made.append(Part(words, column or "", *(("%", kind[1:]) if is_limited else (kind,))))
    return tuple(made)
