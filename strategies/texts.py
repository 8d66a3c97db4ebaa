"""Texts put together from pieces, one for each row: a few as Python joins them, very many by a compiled loop."""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from itertools import repeat
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategies.kernels import jitted, pays

Texts: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.object_]]"
Places: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.intp]]"
Letters: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint8]]"
MANY: Final = 2_000_000  # pieces; Python joins fewer in the time in which numba is loaded
ONE, TEN = np.uint64(1), np.uint64(10)
ZERO, COMMA = np.uint8(ord("0")), np.uint8(ord(","))


class Spelled(NamedTuple):
    """For each of some rows the place of its text, which many rows may share, or ~n: the whole number n, with commas.

    Such a number is from 0 to 10 ** 18 - 1, so that ~n is below 0.
    """

    places: Places
    texts: Texts


Piece: TypeAlias = "str | Spelled"
"""What is said of every row alike, or of each its own."""


class Said(NamedTuple):
    """Some rows of a table, by their places, each once, and the pieces that a text about each of them consists of."""

    rows: Places
    pieces: Sequence[Piece]


def objects(texts: Sequence[str]) -> Texts:
    """The texts as an array."""
    return np.array(texts, dtype=object)


def strings(texts: "Sequence[str] | Texts") -> Any:
    """The texts as a column, in which those that are the same are kept once, as pyarrow's columns do not."""
    return pd.array(texts, dtype=pd.StringDtype("python", na_value=np.nan))


def concatenated(pieces: Sequence[Piece], count: int) -> Texts:
    """One text for each of so many rows."""
    columns = [_listed(piece, count) for piece in pieces]
    return np.fromiter(map("".join, zip(*columns, strict=True)), dtype=object, count=count)


def _listed(piece: Piece, count: int) -> Iterable[str]:
    if isinstance(piece, str):
        return repeat(piece, count)
    if (piece.places < 0).any():
        return [f"{~place:,}" if place < 0 else piece.texts[place] for place in piece.places.tolist()]
    listed: list[str] = piece.texts[piece.places].tolist()
    return listed


def gathered(said: Sequence[Said], count: int) -> Any:
    """A column of strings for so many rows: what is said of each, or nothing; no row is in two of them."""
    many = sum(len(rows) * len(pieces) for rows, pieces in said)
    if many >= MANY and pays(many) and find_spec("pyarrow"):
        return _at_once([(rows, _composition(pieces, len(rows))) for rows, pieces in said], count)
    texts = np.full(count, "", dtype=object)
    for rows, pieces in said:
        texts[rows] = concatenated(pieces, len(rows))
    return strings(texts)


class Composition(NamedTuple):
    """Texts, one for each row, in UTF-8: words that all rows share before, between and behind each row's own values.

    `values` has them by column and row: from 0 on the number of one of the column's texts, the first of which is
    number `first` of all; below 0 a number, as `Spelled` has it. Words and texts lie end to end: number n from
    begins[n] until before begins[n + 1].
    """

    words: Letters
    words_begin: Places
    texts: Letters
    texts_begin: Places
    first: Places
    values: npt.NDArray[np.int64]


def lengths(composition: Composition) -> Places:
    """How many bytes each text has."""
    columns, rows = composition.values.shape
    found = np.full(rows, composition.words_begin[-1])
    for column in range(columns):
        for row in range(rows):
            value = composition.values[column, row]
            if value < 0:
                digits, limit = 1, 10
                while ~value >= limit:
                    digits, limit = digits + 1, limit * 10
                found[row] += digits + (digits - 1) // 3
            else:
                text = composition.first[column] + value
                found[row] += composition.texts_begin[text + 1] - composition.texts_begin[text]
    return found


def write(composition: Composition, begins: Places, out: Letters) -> None:
    """Each text to where it begins in `out`."""
    columns, rows = composition.values.shape
    for row in range(rows):
        at = np.uint64(begins[row])  # as other places: numba looks twice at one that has a sign, as Python's may be < 0
        for column in range(columns + 1):
            begin = np.uint64(composition.words_begin[column])
            size = np.uint64(composition.words_begin[column + 1]) - begin
            for letter in range(size):
                out[at + letter] = composition.words[begin + letter]
            at += size
            if column == columns:
                break
            value = composition.values[column, row]
            if value < 0:
                number, size, limit = np.uint64(~value), ONE, TEN
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
                text = composition.first[column] + value
                begin = np.uint64(composition.texts_begin[text])
                size = np.uint64(composition.texts_begin[text + 1]) - begin
                for letter in range(size):
                    out[at + letter] = composition.texts[begin + letter]
            at += size


def _at_once(said: list[tuple[Places, Composition]], count: int) -> Any:
    """The column as pyarrow keeps it: all texts end to end, in UTF-8, and where each begins.

    Layout: https://arrow.apache.org/docs/format/Columnar.html#variable-size-binary-layout
    """
    import pyarrow as pa

    begins = np.zeros(count + 1, dtype=np.int64)
    for rows, composition in said:
        begins[1:][rows] = jitted(lengths)(composition)
    np.cumsum(begins, out=begins)
    text = np.empty(begins[-1], dtype=np.uint8)
    while said:  # and what is written is let go of
        rows, composition = said.pop()
        jitted(write)(composition, begins[rows], text)
    return pd.array(pa.LargeStringArray.from_buffers(count, pa.py_buffer(begins), pa.py_buffer(text)), dtype="str")


def _composition(pieces: Sequence[Piece], count: int) -> Composition:
    own = [piece for piece in pieces if not isinstance(piece, str)]
    words = [""]
    for piece in pieces:
        if isinstance(piece, str):
            words[-1] += piece
        else:
            words.append("")
    values = np.empty((len(own), count), dtype=np.int64)
    for column, piece in enumerate(own):
        values[column] = piece.places
    first = np.cumsum([0, *(len(piece.texts) for piece in own)], dtype=np.int64)
    texts = [text for piece in own for text in piece.texts]
    return Composition(*_encoded(words), *_encoded(texts), first, values)


def _encoded(texts: Iterable[str]) -> "tuple[Letters, Places]":
    """The texts end to end, and where each begins and the last ends."""
    encoded = [text.encode() for text in texts]
    begins = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), begins
