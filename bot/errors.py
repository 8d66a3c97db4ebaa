"""The few failures a user can meet; everything else is a bug and crashes, or is `blamed` on a part of one's own.

BotError                  one sentence for the user; exit code 1
├── ConfigError           a setting or an argument is wrong; exit code 2
├── SourceError           a source did not answer, or not with the page it promised
│   └── BlockedError      it does not want to be asked by a bot: not before the next session
├── RatesError            there is no telling what a currency is worth: the service is out, or its answer is no rate
├── TryAgainError         another instance leads, or a service is throttled or out of reach; exit code 75
├── NotifyError           somebody who wants to know could not be told
├── HaltedError           nothing may be sent until an operator resumes
├── StoreError            the database is missing, foreign, or not writable
└── BrokerError           the broker's answer cannot be used
    ├── OrderRefusedError a definite no: the order does not exist there
    ├── UnwelcomeError    it wants no more requests of ours for now, or refuses the key
    ├── ContradictionError what it says cannot be true beside what it has said before: halted
    └── NotPaperError     something claims to be real money: everything stops

A refusal by a rule is not a failure: it is a `Skip`, a value with a reason.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import Final

HERE: Final = Path(__file__).parent
CALLERS: Final = (HERE.parent / "strategies" / "stack.py", Path(str(importlib.__file__)))


class BotError(Exception):
    """An expected failure, told in one sentence."""

    exit_code = 1


class ConfigError(BotError):
    """A setting or an argument is wrong; the sentence says which and what to write instead."""

    exit_code = 2


class SourceError(BotError):
    """A source failed its gate: the sentence says what was expected and what was found."""


class BlockedError(SourceError):
    """A site that shows a challenge, or forbids: it is not to be asked again today."""


class RatesError(BotError):
    """The exchange rates cannot be had; the sentence says from whom and why."""


class TryAgainError(BotError):
    """Nothing is wrong here, but something else is busy; the same command may work later."""

    exit_code = 75


class NotifyError(BotError):
    """A service could not deliver what happened; it will be told again."""


class HaltedError(BotError):
    """The bot is halted: the step that would have sent something was not taken."""


class StoreError(BotError):
    """The database cannot be used as it is."""


class BrokerError(BotError):
    """The broker did not answer, or its answer cannot be used; the order may or may not exist."""


class OrderRefusedError(BrokerError):
    """The broker refused the order for good; nothing was placed."""


class UnwelcomeError(BrokerError):
    """The broker wants no more requests for now; `for_good` when it will not before somebody has looked."""

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.for_good = for_good


class ContradictionError(BrokerError):
    """The broker contradicts what it has said before."""


class NotPaperError(BrokerError):
    """An answer does not prove paper trading."""


@contextmanager
def blamed(part: str) -> Iterator[None]:
    """Whatever goes wrong in a part that may be one's own becomes a ConfigError with its name and the line of it."""
    try:
        yield
    except BotError:
        raise
    except Exception as error:
        # The first line of it: the last one may lie deep in a library. Without any it could not even be called.
        lines = [line for line in extract_tb(error.__traceback__) if not _asks(line.filename)]
        place = f" ({Path(lines[0].filename).name}, line {lines[0].lineno})" if lines else ""
        what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ConfigError(f"{part} has a bug{place}: {what}") from error


def _asks(file: str) -> bool:
    """Whether this lies between a part and whoever wants something of it."""
    return file.startswith("<frozen importlib") or Path(file).is_relative_to(HERE) or Path(file) in CALLERS
