"""How many requests a stand-in answers: so many in every window that begins with the first of them."""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

WINDOW_SECONDS: Final = 60.0


class Allowance(NamedTuple):
    """What became of one request: whether it is admitted, how many more are, and in how many seconds all are again."""

    is_admitted: bool
    limit: int
    left: int
    seconds: int


class Pace:
    """Counts requests in windows of a minute; `monotonic` tells the seconds."""

    def __init__(self, limit: int, monotonic: Callable[[], float]) -> None:
        self._limit, self._monotonic = limit, monotonic
        self._ends, self._left = -math.inf, 0

    def take(self) -> Allowance:
        """One more request."""
        now = self._monotonic()
        if now >= self._ends:
            self._ends, self._left = now + WINDOW_SECONDS, self._limit
        is_admitted = self._left > 0
        self._left -= is_admitted
        return Allowance(is_admitted, self._limit, self._left, math.ceil(self._ends - now))
