"""How the stand-in fails when told to: which requests, and what becomes of them."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.demo.lemon.book import RefusalError
from bot.demo.serving import Reply

Process = Callable[[], Reply]
"""The request, taken through the service as if nothing were wrong."""

Effect = Callable[[Process], Reply | None]
"""What becomes of a request: whether it is processed, and how it is answered; None is no answer at all."""

HTML: Final = {"Content-Type": "text/html; charset=utf-8"}


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


def processed(process: Process) -> Reply:
    """Nothing is wrong."""
    return process()


def dropped(_: Process) -> None:
    """The connection breaks before the request is processed."""


def lost(process: Process) -> None:
    """The connection breaks after the request was processed: the answer is lost."""
    process()


def refused(status: int, code: str = "internal_error") -> Effect:
    """The request is not processed; the answer has this status and error code."""

    def refuse(_: Process) -> Reply:
        raise RefusalError(code, "told to fail", status)

    return refuse


def delayed(wait: Callable[[], object]) -> Effect:
    """The request is processed once `wait` returns, whether somebody still waits for the answer or not."""

    def late(process: Process) -> Reply:
        wait()
        return process()

    return late


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


def edited(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Effect:
    """The request is processed, and the answer is what `change` makes of it."""

    def changed(process: Process) -> Reply:
        status, headers, body = process()
        return status, headers, json.dumps(change(json.loads(body))).encode()

    return changed


def money(process: Process) -> Reply | None:
    """The request is processed, and the answer claims to be real money."""
    return edited(lambda answer: {**answer, "mode": "money"})(process)
