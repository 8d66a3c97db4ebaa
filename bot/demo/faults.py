"""How a stand-in fails when told to: which requests, and what becomes of them."""

import gzip
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from threading import Lock
from typing import Any, Final

from bot.demo.serving import Handler, Query, Reply, Slow, StandIn

Process = Callable[[], Reply]
"""The request, taken through the service as if nothing were wrong."""

Effect = Callable[[Process], Reply | None]
"""What becomes of a request: whether it is processed, and how it is answered; None is no answer at all."""

JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
HTML: Final = {"Content-Type": "text/html; charset=utf-8"}
LONG: Final = 5_000_000  # bytes: more than anybody should take


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An effect on the requests of this method whose whole path, without closing slash, matches the pattern.

    It spares the first `after` of them and hits the next `times`, or all that follow when that is None.
    """

    method: str
    path: str
    effect: Effect
    after: int = 0
    times: int | None = 1


class Faults:
    """The faults that are still to come; of several for one request the oldest comes first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let this happen too."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Let nothing more happen."""
        self._faults.clear()

    def take(self, method: str, path: str) -> Effect:
        """What becomes of this request."""
        for number, fault in enumerate(self._faults):
            if fault.method != method or not re.fullmatch(fault.path, path):
                continue
            if fault.after:
                self._faults[number] = replace(fault, after=fault.after - 1)
                continue
            if fault.times == 1:
                del self._faults[number]
            elif fault.times:
                self._faults[number] = replace(fault, times=fault.times - 1)
            return fault.effect
        return processed


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it arrived, and the status it was answered with; None when the connection was closed instead.

    `path` is the service's own name of the endpoint, without closing slash.
    """

    method: str
    path: str
    query: Query
    body: bytes
    status: int | None


class FailingStandIn(StandIn):
    """A stand-in that fails when told to; `journal` has every request, in the order of the answers."""

    def __init__(self, handler: Handler) -> None:
        super().__init__(handler)
        self.journal: list[Request] = []
        self._faults = Faults()
        self._lock = Lock()

    def fail(self, fault: Fault) -> None:
        """Let this go wrong too, once it meets its requests."""
        with self._lock:
            self._faults.add(fault)

    def heal(self) -> None:
        """Let nothing more go wrong."""
        with self._lock:
            self._faults.clear()

    def _met(
        self, method: str, path: str, query: Query, body: bytes, answer: Callable[[Effect], Reply | None]
    ) -> Reply | None:
        """What `answer` makes of the effect that this request meets, written into the journal."""
        with self._lock:
            effect = self._faults.take(method, path)
        reply = answer(effect)
        status = reply[0] if reply else None
        self.journal.append(Request(method=method, path=path, query=query, body=body, status=status))
        return reply


def processed(process: Process) -> Reply:
    """Nothing is wrong."""
    return process()


def dropped(_: Process) -> None:
    """The connection breaks before the request is processed."""


def lost(process: Process) -> None:
    """The connection breaks after the request was processed: the answer is lost."""
    process()


def answered(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Effect:
    """The request is not processed; the answer has this status, this JSON, and these headers besides."""
    return lambda _: (status, {**JSON, **(headers or {})}, json.dumps(content).encode())


def delayed(wait: Callable[[], object]) -> Effect:
    """The request is processed once `wait` returns, whether somebody still waits for the answer or not."""

    def late(process: Process) -> Reply:
        wait()
        return process()

    return late


def postponed(waiting: list[Process]) -> Effect:
    """The connection breaks; the request is processed when somebody calls what is then in `waiting`."""

    def keep(process: Process) -> None:
        waiting.append(process)

    return keep


def twice(shown: int = 1) -> Effect:
    """The request arrives twice; the answer shown is the second's, or the first's (0)."""
    return lambda process: (process(), process())[shown]


def html(status: int = 200) -> Effect:
    """The request is processed, but a page comes instead of the answer."""

    def paged(process: Process) -> Reply:
        process()
        return status, HTML, b"<html><body>Under maintenance.</body></html>"

    return paged


def truncated(process: Process) -> Reply:
    """The request is processed, and the answer is cut in the middle."""
    status, headers, body = process()
    return status, headers, body[: len(body) // 2]


def long(process: Process) -> Reply:
    """The request is processed, and the answer goes on for megabytes, of which not one says anything."""
    status, headers, body = process()
    return status, headers, body + b" " * LONG


def bomb(process: Process) -> Reply:
    """The same with twenty times as much of nothing, in a few kilobytes of gzip."""
    status, headers, body = process()
    return status, {**headers, "Content-Encoding": "gzip"}, gzip.compress(body) + _nothing()


def slow(process: Process) -> Reply:
    """The request is processed, and the answer comes a byte at a time, for minutes."""
    status, headers, body = process()
    return status, headers, Slow(body + b" " * LONG)


@cache
def _nothing() -> bytes:
    return gzip.compress(b" " * (20 * LONG), compresslevel=1)


def edited(change: Callable[[Any], Any]) -> Effect:
    """The request is processed, and the answer is what `change` makes of it."""

    def changed(process: Process) -> Reply:
        status, headers, body = process()
        return status, headers, json.dumps(change(json.loads(body))).encode()

    return changed
