"""How much of all that could be tried a run of the tests tries: a share, or all of it with INSIDERBOT_ALL=1."""

import os
from collections.abc import Sequence
from typing import Final, TypeVar

ALL: Final = bool(os.environ.get("INSIDERBOT_ALL"))  # as `make evidence` sets it
T = TypeVar("T")


def some(these: Sequence[T], *, every: int = 4) -> Sequence[T]:
    """Every fourth of these, or so."""
    return these if ALL else these[::every]


def count(whole: int, share: int) -> int:
    """So many in all, or this share of them."""
    return whole if ALL else share
