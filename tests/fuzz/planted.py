"""Parsers with a fault at one input each, to see that it is found."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.errors import SourceError

AT = 7
MANY = 150_000_000


@dataclass(frozen=True)
class Planted:
    """A parser that does this at input seven, and reads or refuses the others."""

    fault: Callable[[], object]
    error: type[SourceError] = SourceError

    def input(self, seed: int, number: int) -> bytes:
        return f"{seed} {number}".encode()

    def read(self, content: bytes) -> None:
        number = int(content.split()[1])
        if number == AT:
            self.fault()
        if number % 2:
            raise SourceError("expected an even number, found an odd one")


def _raise(error: Exception) -> None:
    raise error


def _hang() -> None:
    while True:
        pass


PARSERS = {
    "sound": Planted(lambda: None),
    "raises": Planted(lambda: _raise(ValueError("what no reader should see"))),
    "babbles": Planted(lambda: _raise(SourceError("two\nlines"))),
    "says_nothing": Planted(lambda: _raise(SourceError(""))),
    "sleeps": Planted(lambda: time.sleep(0.4)),
    "hangs": Planted(_hang),
    "eats": Planted(lambda: b"x" * MANY),
    "dies": Planted(lambda: os._exit(3)),
}
