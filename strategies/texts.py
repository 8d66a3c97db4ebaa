"""Texts put together from pieces, one for each row: a few as Python joins them, many at once by a compiled loop."""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from itertools import repeat
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategies.kernels import Flags, jitted, pays

Texts: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.object_]]"
Places: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.intp]]"
Letters: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint8]]"
ONE, TEN = np.uint64(1), np.uint64(10)
ZERO, COMMA = np.uint8(ord("0")), np.uint8(ord(","))


class Spelled(NamedTuple):
    """For each of some rows the place of its text; many rows may share one."""

    places: Places
    texts: Texts


class Counted(NamedTuple):
    """For each of some rows a whole number from 0 on, which is written with commas."""

    numbers: Places


Piece: TypeAlias = "str | Spelled | Counted"
"""What is said of every row alike, or of each its own."""


class Said(NamedTuple):
    """Some rows of a table, by their places, and the pieces that a text about each of them consists of."""

    rows: Places
    pieces: Sequence[Piece]


def objects(texts: Sequence[str]) -> Texts:
    """The texts as an array."""
    return np.array(texts, dtype=object)


def strings(texts: Sequence[str]) -> Any:
    """The texts as a column, in which those that are the same are kept once, as pyarrow's columns do not."""
    return pd.array(texts, dtype=pd.StringDtype("python", na_value=np.nan))


def concatenated(pieces: Iterable[Piece], count: int) -> Texts:
    """One text for each of so many rows."""
    columns = zip(*(_listed(piece, count) for piece in pieces), strict=True)
    return np.fromiter(map("".join, columns), dtype=object, count=count)


def _listed(piece: Piece, count: int) -> Iterable[str]:
    if isinstance(piece, str):
        return repeat(piece, count)
    if isinstance(piece, Counted):
        return [f"{number:,}" for number in piece.numbers.tolist()]
    listed: list[str] = piece.texts[piece.places].tolist()
    return listed


def gathered(said: Iterable[Said], count: int) -> Any:
    """A column of strings for so many rows: what is said of each, or nothing."""
    if pays(count) and find_spec("pyarrow"):
        return _at_once([(rows, _composition(pieces, len(rows))) for rows, pieces in said], count)
    texts = np.full(count, "", dtype=object)
    for rows, pieces in said:
        texts[rows] = concatenated(pieces, len(rows))
    return pd.array(texts, dtype="str")


class Composition(NamedTuple):
    """Texts, one for each row, in UTF-8: words that all rows share before, between and behind each row's own values.

    `values` has for each value of a row (first axis) and each row (second axis) the number of a text, or, where the
    value is `counted`, a number from 0 on that is written with commas. Words and texts lie end to end, number n from
    begins[n] until before begins[n + 1].
    """

    words: Letters
    words_begin: Places
    texts: Letters
    texts_begin: Places
    counted: Flags
    values: npt.NDArray[np.int64]


def lengths(composition: Composition) -> Places:
    """How many bytes each text has."""
    columns, rows = composition.values.shape
    found = np.full(rows, composition.words_begin[-1])
    for column in range(columns):
        for row in range(rows):
            value = composition.values[column, row]
            if composition.counted[column]:
                digits, limit = 1, 10
                while value >= limit:
                    digits, limit = digits + 1, limit * 10
                found[row] += digits + (digits - 1) // 3
            else:
                found[row] += composition.texts_begin[value + 1] - composition.texts_begin[value]
    return found


def write(composition: Composition, begins: Places, out: Letters) -> None:
    """Each text to where it begins in `out`."""
    columns, rows = composition.values.shape
    for row in range(rows):
        at = np.uint64(begins[row])  # without a sign, no place needs to be looked at twice
        for column in range(columns + 1):
            first = np.uint64(composition.words_begin[column])
            size = np.uint64(composition.words_begin[column + 1]) - first
            for letter in range(size):
                out[at + letter] = composition.words[first + letter]
            at += size
            if column == columns:
                break
            value = composition.values[column, row]
            if composition.counted[column]:
                number, size, limit = np.uint64(value), ONE, TEN
                while number >= limit:
                    size, limit = size + ONE, limit * TEN
                size += (size - ONE) // np.uint64(3)
                place = at + size
                for letter in range(1, size + ONE):  # from the last one
                    place -= ONE
                    if letter % np.uint64(4):
                        out[place] = ZERO + number % TEN
                        number //= TEN
                    else:
                        out[place] = COMMA
            else:
                first = np.uint64(composition.texts_begin[value])
                size = np.uint64(composition.texts_begin[value + 1]) - first
                for letter in range(size):
                    out[at + letter] = composition.texts[first + letter]
            at += size


def _at_once(said: Iterable[tuple[Places, Composition]], count: int) -> Any:
    """The column as pyarrow keeps it: all texts end to end, in UTF-8, and where each begins.

    Layout: https://arrow.apache.org/docs/format/Columnar.html#variable-size-binary-layout
    """
    import pyarrow as pa

    said = [*said]
    begins = np.zeros(count + 1, dtype=np.int64)
    for rows, composition in said:
        begins[1:][rows] = jitted(lengths)(composition)
    np.cumsum(begins, out=begins)
    text = np.empty(begins[-1], dtype=np.uint8)
    for rows, composition in said:
        jitted(write)(composition, begins[rows], text)
    return pd.array(pa.LargeStringArray.from_buffers(count, pa.py_buffer(begins), pa.py_buffer(text)), dtype="str")


def _composition(pieces: Sequence[Piece], count: int) -> Composition:
    own = [piece for piece in pieces if not isinstance(piece, str)]
    words, texts, values = [""], [""], np.empty((len(own), count), dtype=np.int64)
    begins: dict[tuple[str, int], int] = {}  # pieces of the same kind have the same texts, which are kept once
    for piece in pieces:
        if isinstance(piece, str):
            words[-1] += piece
            continue
        if isinstance(piece, Counted):
            values[len(words) - 1] = piece.numbers
        else:
            before = ""
            if len(piece.texts) * 8 < count:  # these are fewer to begin with the words than there are rows
                before, words[-1] = words[-1], ""
            begin = begins.setdefault((before, id(piece.texts)), len(texts))
            if begin == len(texts):
                texts += [before + text for text in piece.texts]
            np.add(piece.places, begin, out=values[len(words) - 1])
        words.append("")
    counted = np.array([isinstance(piece, Counted) for piece in own], dtype=bool)
    return Composition(*_encoded(words), *_encoded(texts), counted, values)


def _encoded(texts: Iterable[str]) -> "tuple[Letters, Places]":
    """The texts end to end, and where each begins and the last ends."""
    encoded = [text.encode() for text in texts]
    begins = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), begins
