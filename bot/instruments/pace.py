"""How fast a service may be asked: so many requests in so many seconds, pauses it demands, and an end to patience."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

PATIENCE_SECONDS: Final = 65.0


class Pace:
    """Waits before a request as long as it must, yet no longer than `PATIENCE_SECONDS` after `begin`."""

    def __init__(
        self,
        requests: int,
        seconds: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._sleep = sleep
        self._monotonic = monotonic
        self._sent: deque[float] = deque(maxlen=requests)
        self._not_before = 0.0
        self._ends = 0.0

    def begin(self) -> None:
        """Start the clock of one call."""
        self._ends = self._monotonic() + PATIENCE_SECONDS

    def pause(self, seconds: float) -> None:
        """Let the next request wait at least this long from now."""
        self._not_before = max(self._not_before, self._monotonic() + seconds)

    def wait(self) -> bool:
        """True when the next request may go; False at once when that would be too late."""
        now = self._monotonic()
        full = len(self._sent) == self._sent.maxlen
        start = max(now, self._not_before, self._sent[0] + self._seconds if full else now)
        if start > self._ends:
            return False
        if start > now:
            self._sleep(start - now)
        self._sent.append(start)
        return True
