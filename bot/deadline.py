"""A call that ends in time, whatever it waits for."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """What the call returns or raises; TimeoutError after so many seconds, and then nobody waits for it any more."""
    answer: Future[T] = Future()
    Thread(target=_settle, args=(answer, call), daemon=True).start()
    return answer.result(seconds)


def _settle(answer: "Future[T]", call: Callable[[], T]) -> None:
    try:
        answer.set_result(call())
    except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is awaited
        answer.set_exception(error)
