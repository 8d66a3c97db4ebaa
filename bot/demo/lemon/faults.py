"""How the stand-in of lemon.markets fails when told to: as any stand-in does, and in two ways of its own."""

from bot.demo.faults import (
    Effect,
    Fault,
    Process,
    delayed,
    dropped,
    edited,
    html,
    lost,
    processed,
    truncated,
    twice,
)
from bot.demo.lemon.book import RefusalError
from bot.demo.serving import Reply

__all__ = [
    "Effect",
    "Fault",
    "Process",
    "delayed",
    "dropped",
    "edited",
    "html",
    "lost",
    "money",
    "processed",
    "refused",
    "truncated",
    "twice",
]


def refused(status: int, code: str = "internal_error") -> Effect:
    """The request is not processed; the answer has this status and error code."""

    def refuse(_: Process) -> Reply:
        raise RefusalError(code, "told to fail", status)

    return refuse


def money(process: Process) -> Reply | None:
    """The request is processed, and the answer claims to be real money."""
    return edited(lambda answer: {**answer, "mode": "money"})(process)
