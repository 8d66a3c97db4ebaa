"""Bytes of filings as bad luck and bad will change them, the same ones for the same seed."""

import random
from collections.abc import Callable, Iterator, Sequence

TOKENS = (
    b"<value>",
    b"</value>",
    b"<footnoteId id=\"F1\"/>",
    b"<nonDerivativeTransaction>",
    b"</nonDerivativeTable>",
    b"<!DOCTYPE x [<!ENTITY a \"b\">]>",
    b"&a;",
    b"&#0;",
    b"&#8203;",
    b"<![CDATA[",
    b"<!--",
    b"?>",
    b"\x00",
    b"\xff\xfe",
    b"\xe2\x80\xae",
    b"\r",
    b"-1",
    b"1e999",
    b"NaN",
    b"9" * 50,
    b"0023-13-45",
    b"\n<DOCUMENT>\n",
    b"\n</XML>\n",
    b"<ACCEPTANCE-DATETIME>00000000000000",
    b"\xd9\xa3",
    b"xmlns=\"urn:x\" ",
)  # fmt: skip


def mutants(originals: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """So many changed documents, each by one to six changes."""
    chance = random.Random(seed)
    for _ in range(count):
        text = chance.choice(originals)
        for _ in range(chance.randint(1, 6)):
            text = chance.choice(CHANGES)(text, chance, originals)
        yield text


def _place(text: bytes, chance: random.Random) -> int:
    return chance.randint(0, len(text))


def _flip(text: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    place = _place(text, chance)
    return text[:place] + bytes([chance.randrange(256)]) + text[place + 1 :]


def _cut(text: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    place = _place(text, chance)
    return text[:place] + text[place + chance.randint(1, 200) :]


def _end(text: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    return text[: _place(text, chance)]


def _insert(text: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    place = _place(text, chance)
    return text[:place] + chance.choice(TOKENS) + text[place:]


def _repeat(text: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    start = _place(text, chance)
    end = start + chance.randint(1, 400)
    return text[:end] + text[start:end] * chance.randint(1, 20) + text[end:]


def _splice(text: bytes, chance: random.Random, originals: Sequence[bytes]) -> bytes:
    other = chance.choice(originals)
    return text[: _place(text, chance)] + other[_place(other, chance) :]


def _swap_tag(text: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """Another element's text where one stood: still well-formed."""
    parts = text.split(b">")
    first, second = chance.randrange(len(parts)), chance.randrange(len(parts))
    one, two = parts[first].partition(b"<"), parts[second].partition(b"<")
    parts[first], parts[second] = two[0] + b"<" * bool(one[1]) + one[2], one[0] + b"<" * bool(two[1]) + two[2]
    return b">".join(parts)


CHANGES: tuple[Callable[[bytes, random.Random, Sequence[bytes]], bytes], ...] = (
    _flip,
    _cut,
    _end,
    _insert,
    _repeat,
    _splice,
    _swap_tag,
    _swap_tag,
)
