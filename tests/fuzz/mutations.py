"""Inputs as bad luck and bad will change them: at any byte, or along the structure of their format.

A change takes a text and a source of chance and gives another text. What it changes is looked for from a random place
on, never in the whole text: a mutation must cost less than the reading of it.
"""

import gzip
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Literal

Change = Callable[[bytes, Random], bytes]
Shape = Literal["markup", "json", "table"]

MOST_BYTES = 1_000_000  # of an input, gzip bombs aside
ENCODINGS = ("latin-1", "cp1252", "utf-16", "utf-32", "utf-8-sig", "utf-7")
TOKENS = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1f\x8b", b"\r", b"\n\n", b"\x1b[31m", b"\xc2\x85", b"\xe2\x80\xa8",
    b"\xe2\x80\xae", b"\xe2\x80\x8b", b"\xed\xa0\x80", b"&#0;", b"&#8203;", b"&#xD800;", b"&amp;lt;", b"&nbsp;", b"&a;",
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?x ?>", b"</", b"/>", b'"', b"'", b'""', b",", b";", b"\t", b"|", b"\\",
    b"\\u0000", b"\\ud800", b"{", b"}", b"[", b"]", b"null", b"NaN", b"=cmd", b"%00", b"../",
)  # fmt: skip
NUMBERS = (
    b"0", b"-1", b"-0", b"+1", b"1e999", b"1E-999", b"1e" + b"9" * 20, b"NaN", b"Infinity", b"-Infinity", b"9" * 50,
    b"0." + b"0" * 400 + b"1", b"1" * 5000, b"1_000", b"1,00,0", b"1.2.3", b"0x10", b".5", b"5.", b"1/0", b" 1", b"",
    b"\xef\xbc\x91\xef\xbc\x92", b"\xd9\xa3", b"\xc2\xb2", b"\xe2\x85\xa3", b"2026-02-30", b"0000-00-00", b"9999-12-31",
    b"0001-01-01", b"2026-03-02T25:61:61Z", b"9999-12-31T23:59:59-14:00", b"0001-01-01T00:00:00+14:00", b"12/31/9999",
    b"Feb 29",
)  # fmt: skip
VALUES = (
    *NUMBERS,
    b"true",
    b"false",
    b"null",
    b"{}",
    b"[]",
    b'""',
    b'"\\u0000"',
    b'"\\ud800"',
    b'"x"',
    b"[[]]",
    b'{"a":1}',
)
BOMB = (
    b'<!DOCTYPE a [<!ENTITY b "'
    + b"b" * 999
    + b'"><!ENTITY c "'
    + b"&b;" * 999
    + b'"><!ENTITY d "'
    + b"&c;" * 999
    + b'">]>'
)

NUMBER = re.compile(rb"[0-9][0-9.,:/-]*")
TAG = re.compile(rb"<[^<>]{1,400}>")
OPENING = re.compile(rb"<([A-Za-z][\w:.-]*)([^<>]*)>")
ATTRIBUTE = re.compile(rb"\s([A-Za-z][\w:.-]*)=(\"[^\"<>]*\"|'[^'<>]*')")
MEMBER = re.compile(rb'"((?:[^"\\]|\\.){0,200})"(\s*:\s*)("(?:[^"\\]|\\.)*"|[^\s,\[\]{}"]+)')
VALUE = re.compile(rb'(?<=[:\[,])\s*("(?:[^"\\]|\\.)*"|[^\s,:\[\]{}"]+)(?=\s*[,\]}])')
OBJECT = re.compile(rb"\{[^{}]*\}")
CELL = re.compile(rb"(?:^|(?<=[,|\t\n]))[^,|\t\n]*", re.MULTILINE)


def mutant(seeds: Sequence[bytes], weights: Sequence[float], shape: Shape, chance: Random) -> bytes:
    """One of the seeds (`weights` are cumulative) after one to five changes, most of them along its structure."""
    (text,) = chance.choices(seeds, cum_weights=weights)
    for _ in range(chance.choice((1, 1, 2, 3, 5))):
        if chance.random() < 0.05:
            (other,) = chance.choices(seeds, cum_weights=weights)
            text = text[: _place(text, chance)] + other[_place(other, chance) :]
        else:
            text = chance.choice(CHANGES[shape if chance.random() < 0.65 else "bytes"])(text, chance)
        text = text[:MOST_BYTES]
    if chance.random() < 0.01:
        return chance.choice((_zipped, _zipped_badly, _bomb))(text, chance)
    return text


def _place(text: bytes, chance: Random) -> int:
    return chance.randint(0, len(text))


def _find(pattern: re.Pattern[bytes], text: bytes, chance: Random) -> re.Match[bytes] | None:
    """The first match behind a random place."""
    return pattern.search(text, _place(text, chance)) or pattern.search(text)


def _instead(match: re.Match[bytes], new: bytes, group: int = 0) -> bytes:
    """The matched text with something else in its place."""
    return match.string[: match.start(group)] + new + match.string[match.end(group) :]


def _changed(pattern: re.Pattern[bytes], new: Callable[[re.Match[bytes], Random], bytes], group: int = 0) -> Change:
    """The change that puts something else in the place of what matches."""

    def change(text: bytes, chance: Random) -> bytes:
        match = _find(pattern, text, chance)
        return _instead(match, new(match, chance), group) if match else text

    return change


def _swapped(pattern: re.Pattern[bytes], group: int = 0) -> Change:
    """The change that lets two things of a kind change places."""

    def change(text: bytes, chance: Random) -> bytes:
        one, other = _find(pattern, text, chance), _find(pattern, text, chance)
        if not one or not other:
            return text
        first, second = sorted((one, other), key=lambda match: match.start(group))
        if first.end(group) > second.start(group):
            return text
        between = text[first.end(group) : second.start(group)]
        head, tail = text[: first.start(group)], text[second.end(group) :]
        return head + second[group] + between + first[group] + tail

    return change


def _flip(text: bytes, chance: Random) -> bytes:
    place = _place(text, chance)
    return text[:place] + bytes([chance.randrange(256)]) + text[place + 1 :]


def _cut(text: bytes, chance: Random) -> bytes:
    place = _place(text, chance)
    return text[:place] + text[place + chance.randint(1, 200) :]


def _end(text: bytes, chance: Random) -> bytes:
    return text[: _place(text, chance)]


def _begin(text: bytes, chance: Random) -> bytes:
    return text[_place(text, chance) :]


def _insert(text: bytes, chance: Random) -> bytes:
    place = _place(text, chance)
    return text[:place] + chance.choice(TOKENS) + text[place:]


def _repeat(text: bytes, chance: Random) -> bytes:
    start = _place(text, chance)
    end = start + chance.randint(1, 400)
    return text[:end] + text[start:end] * chance.choice((1, 1, 2, 20, 200)) + text[end:]


def _recode(text: bytes, chance: Random) -> bytes:
    return text.decode("utf-8", "replace").encode(chance.choice(ENCODINGS), "replace")


def _zipped(text: bytes, chance: Random) -> bytes:
    return gzip.compress(text, 1)


def _zipped_badly(text: bytes, chance: Random) -> bytes:
    return chance.choice((_flip, _cut, _end, _repeat))(gzip.compress(text, 1), chance)


def _bomb(text: bytes, chance: Random) -> bytes:
    """A few kilobytes that unzip to a hundred megabytes."""
    filler = gzip.compress(chance.choice((b" ", b"<a>", b"1,2\n", b"0")) * 1_000_000, 1)
    return gzip.compress(text, 1) + filler * chance.choice((1, 10, 40))


def _new_number(_: re.Match[bytes], chance: Random) -> bytes:
    return chance.choice(NUMBERS)


def _new_value(_: re.Match[bytes], chance: Random) -> bytes:
    return chance.choice(VALUES)


def _nothing(_: re.Match[bytes], chance: Random) -> bytes:
    return b""


def _twice(match: re.Match[bytes], _: Random) -> bytes:
    return match[0] * 2


def _renamed(match: re.Match[bytes], chance: Random) -> bytes:
    name = match[1]
    return chance.choice(
        (name + b"s", name.lower(), name.upper(), name[:-1], b"x", name.replace(b"n", b"m"), b"xml:" + name)
    )


def _element(change: Callable[[bytes, Random], bytes]) -> Change:
    """The change of one whole element, from its tag to the next one that closes its name."""

    def changed(text: bytes, chance: Random) -> bytes:
        opening = _find(OPENING, text, chance)
        if not opening:
            return text
        closing = b"</" + opening[1] + b">"
        end = text.find(closing, opening.end())
        end = opening.end() if end < 0 else end + len(closing)
        return text[: opening.start()] + change(text[opening.start() : end], chance) + text[end:]

    return changed


def _nested(text: bytes, chance: Random) -> bytes:
    depth = chance.choice((1, 2, 50, 300, 5000))
    name = chance.choice((b"a", b"value", b"table", b"div", b"ownershipDocument"))
    return b"<%s>" % name * depth + text + b"</%s>" % name * depth


def _commented(text: bytes, chance: Random) -> bytes:
    before, after = chance.choice(((b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<script>", b"</script>")))
    return before + text + after


def _declared(text: bytes, chance: Random) -> bytes:
    """Entities that grow, or that lead to a file; declarations of other encodings and versions."""
    head = chance.choice(
        (
            BOMB,
            b'<!DOCTYPE a [<!ENTITY d SYSTEM "file:///etc/hostname">]>',
            b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
            b'<?xml version="1.0" encoding="UTF-16"?>',
            b'<?xml version="1.0" encoding="x-none"?>',
            b'<?xml version="9.9" standalone="no"?>',
        )
    )
    head, body = (head, text) if head.startswith(b"<?") else (b"", text.replace(b"?>", b"?>" + head, 1))
    place = _find(re.compile(rb">[^<]"), body, chance)
    return head + (_instead(place, b">&d;") if place else body)


def _deep(match: re.Match[bytes], chance: Random) -> bytes:
    depth = chance.choice((2, 50, 1000, 100_000))
    before, after = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return before * depth + match[1] + after * chance.choice((depth, 0))


def _again(match: re.Match[bytes], chance: Random) -> bytes:
    """A member named twice, with the same value or another one."""
    return match[0] + b"," + b'"' + match[1] + b'":' + chance.choice((match[3], *VALUES))


def _columns(change: Callable[[list[bytes], int, Random], list[bytes]]) -> Change:
    """The change that does the same to the cells of every row of a table."""

    def changed(text: bytes, chance: Random) -> bytes:
        by = b"|" if b"|" in text[:2000] else b","
        rows = [line.split(by) for line in text.split(b"\n")]
        column, seed = chance.randrange(max(map(len, rows))), chance.random()
        return b"\n".join(
            by.join(change(row, column, Random(seed))) if len(row) > column else by.join(row) for row in rows
        )

    return changed


def _exchanged(row: list[bytes], column: int, chance: Random) -> list[bytes]:
    other = chance.randrange(len(row))
    row[column], row[other] = row[other], row[column]
    return row


def _quoted(match: re.Match[bytes], chance: Random) -> bytes:
    return chance.choice((b'"%s"', b'"%s', b'%s"', b'"%s\n"', b"'%s'", b'="%s"')) % match[0]


LINE = re.compile(rb"[^\n]*\n")
FLAT = (_changed(NUMBER, _new_number), _swapped(NUMBER))
CHANGES: dict[str, tuple[Change, ...]] = {
    "bytes": (_flip, _cut, _end, _begin, _insert, _insert, _repeat, _recode, *FLAT, *FLAT),
    "markup": (
        _element(_nested),
        _element(_commented),
        _element(lambda _, __: b""),
        _element(lambda text, chance: text * chance.choice((2, 2, 3, 50))),
        _changed(OPENING, _renamed, 1),
        _changed(OPENING, lambda match, _: match[0] + b' x="1" x="2"'),
        _changed(ATTRIBUTE, _renamed, 1),
        _changed(ATTRIBUTE, lambda _, chance: b'"%s"' % chance.choice(NUMBERS), 2),
        _changed(ATTRIBUTE, _twice),
        _changed(ATTRIBUTE, _nothing),
        _changed(TAG, _nothing),
        _changed(TAG, lambda match, chance: match[0] + chance.choice(TOKENS)),
        _swapped(TAG),
        _swapped(re.compile(rb"(?<=>)[^<>]+(?=<)")),
        _changed(re.compile(rb"(?<=>)[^<>]*(?=</)"), _new_number),
        _declared,
    ),
    "json": (
        _changed(MEMBER, _renamed, 1),
        _changed(MEMBER, _again),
        _changed(MEMBER, _new_value, 3),
        _changed(MEMBER, _nothing),
        _swapped(MEMBER, 3),
        _swapped(MEMBER, 1),
        _changed(VALUE, _new_value, 1),
        _changed(VALUE, _deep, 1),
        _changed(OBJECT, _twice),
        _changed(OBJECT, lambda match, _: match[0] + b"," + match[0]),
        _changed(OBJECT, _new_value),
        _swapped(OBJECT),
    ),
    "table": (
        _columns(_exchanged),
        _columns(lambda row, column, _: row[:column] + row[column + 1 :]),
        _columns(lambda row, column, _: row[: column + 1] + row[column:]),
        _columns(lambda row, column, _: [*row[:column], b"", *row[column:]]),
        _columns(lambda row, column, chance: [*row[:column], chance.choice(NUMBERS), *row[column + 1 :]]),
        _changed(CELL, _new_number),
        _changed(CELL, _quoted),
        _changed(CELL, _nothing),
        _swapped(CELL),
        _changed(LINE, _nothing),
        _changed(LINE, lambda match, chance: match[0] * chance.choice((2, 2, 200))),
        _swapped(LINE),
    ),
}  # fmt: skip
