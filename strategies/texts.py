"""Texts put together from pieces, one for each row: a few as Python joins them, very many by a compiled loop."""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from itertools import pairwise, repeat
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from strategies.kernels import Ids, jitted, pays

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
    """Some rows of a table, by their places in ascending order, and the pieces that a text about each consists of."""

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
        return _at_once(said, count)
    texts = np.full(count, "", dtype=object)
    for rows, pieces in said:
        texts[rows] = concatenated(pieces, len(rows))
    return strings(texts)


class Compositions(NamedTuple):
    """What texts are made of, in UTF-8, in several ways: words that are alike in all of a way, and values between them.

    Way n has the columns from columns_begin[n] until before columns_begin[n + 1]. Words number c + n stand before the
    value of its column c, and the next ones behind its last value. Its values lie row by row from values_begin[n] on,
    each as in `Spelled`, of the texts of its column, which begin with number first[c]. Words and texts lie end to end,
    number n from begin[n] until before begin[n + 1].
    """

    words: Letters
    words_begin: Places
    texts: Letters
    texts_begin: Places
    columns_begin: Places
    first: Places
    values: Places
    values_begin: Places


def beginnings(made: Compositions, ways: Ids) -> Places:
    """Where each row's text begins, put together in the row's way, and where the last one ends."""
    begins, free = np.zeros(len(ways) + 1, dtype=np.int64), made.values_begin.copy()
    for row in range(len(ways)):
        way = ways[row]
        column, end = made.columns_begin[way], made.columns_begin[way + 1]
        size = made.words_begin[end + way + 1] - made.words_begin[column + way]
        while column < end:
            value = made.values[free[way]]
            free[way] += 1
            if value < 0:
                digits, limit = 1, 10
                while ~value >= limit:
                    digits, limit = digits + 1, limit * 10
                size += digits + (digits - 1) // 3
            else:
                text = made.first[column] + value
                size += made.texts_begin[text + 1] - made.texts_begin[text]
            column += 1
        begins[row + 1] = begins[row] + size
    return begins


def write(made: Compositions, ways: Ids, out: Letters) -> None:
    """The texts, end to end."""
    free = made.values_begin.copy()
    at = np.uint64(0)  # without a sign, as other places in a text: one that has a sign is looked at twice
    for row in range(len(ways)):
        way = ways[row]
        column, end = made.columns_begin[way], made.columns_begin[way + 1]
        while True:
            begin = np.uint64(made.words_begin[column + way])
            size = np.uint64(made.words_begin[column + way + 1]) - begin
            for letter in range(size):
                out[at + letter] = made.words[begin + letter]
            at += size
            if column == end:
                break
            value = made.values[free[way]]
            free[way] += 1
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
                text = made.first[column] + value
                begin = np.uint64(made.texts_begin[text])
                size = np.uint64(made.texts_begin[text + 1]) - begin
                for letter in range(size):
                    out[at + letter] = made.texts[begin + letter]
            at += size
            column += 1


def _at_once(said: Sequence[Said], count: int) -> Any:
    """The column as pyarrow keeps it: all texts end to end, in UTF-8, and where each begins.

    Layout: https://arrow.apache.org/docs/format/Columnar.html#variable-size-binary-layout
    """
    import pyarrow as pa

    ways = np.full(count, len(said), dtype=np.int32)
    for way, (rows, _) in enumerate(said):
        ways[rows] = way
    made = _compositions([*said, Said(np.empty(0, dtype=np.intp), [])])  # the last one says nothing
    begins = jitted(beginnings)(made, ways)
    text = np.empty(begins[-1], dtype=np.uint8)
    jitted(write)(made, ways, text)
    return pd.array(pa.LargeStringArray.from_buffers(count, pa.py_buffer(begins), pa.py_buffer(text)), dtype="str")


def _compositions(said: Sequence[Said]) -> Compositions:
    spelled = [[piece for piece in pieces if isinstance(piece, Spelled)] for _, pieces in said]
    columns = [piece for own in spelled for piece in own]
    begins = np.cumsum([0, *(len(rows) * len(own) for (rows, _), own in zip(said, spelled, strict=True))])
    values = np.empty(begins[-1], dtype=np.int64)
    for own, (begin, end) in zip(spelled, pairwise(begins), strict=True):
        for column, piece in enumerate(own):
            values[begin + column : end : len(own)] = piece.places
    return Compositions(
        *_encoded(word for _, pieces in said for word in _words(pieces)),
        *_encoded(text for column in columns for text in column.texts),
        columns_begin=np.cumsum([0, *map(len, spelled)]),
        first=np.cumsum([0, *(len(column.texts) for column in columns)]),
        values=values,
        values_begin=begins,
    )


def _words(pieces: Sequence[Piece]) -> list[str]:
    """What stands before each value and behind the last."""
    words = [""]
    for piece in pieces:
        if isinstance(piece, str):
            words[-1] += piece
        else:
            words.append("")
    return words


def _encoded(texts: Iterable[str]) -> "tuple[Letters, Places]":
    """The texts end to end, and where each begins and the last ends."""
    encoded = [text.encode() for text in texts]
    begins = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), begins
