"""Calls beside what goes on, and calls that end in time."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def begun(call: Callable[[], T]) -> "Future[T]":
    """What the call will return or raise; it goes on in a thread that keeps no process from ending."""
    answer: Future[T] = Future()
    Thread(target=_settle, args=(answer, call), daemon=True).start()
    return answer


def within(seconds: float, call: Callable[[], T]) -> T:
    """What the call returns or raises; TimeoutError after so many seconds, and then nobody waits for it any more."""
    return begun(call).result(seconds)


def _settle(answer: "Future[T]", call: Callable[[], T]) -> None:
    try:
        answer.set_result(call())
    except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is awaited
        answer.set_exception(error)
