"""What functions of one's own return, looked at before anything believes it."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from bot.errors import BotError, ConfigError, NotPaperError, blamed
from bot.model import Skip
from bot.plain import one_line

SPEC: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*")  # how one's own are named: module:function
LONGEST: Final = 500  # letters of what is said, of which nobody reads more
Answer = TypeVar("Answer")


def asked(kind: str, spec: str, answer: Callable[[], Answer | Skip]) -> Answer | Skip:
    """The answer of a function of one's own, of some kind; a Skip, to be decided again soon, where it has a bug.

    So one share's bad luck keeps no other from being bought or sold, and whoever looks after the bot is told.
    """
    try:
        with blamed(f"the {kind} {spec}"):
            found = answer()
            return skip(found) if isinstance(found, Skip) else found
    except NotPaperError:  # which is the broker's word and stops everything
        raise
    except BotError as error:
        return Skip(rule=kind, reason=words(str(error)), final=False, outage=True)


def skip(found: Skip) -> Skip:
    """The Skip, when it says by which rule, and why; TypeError or ValueError for figures without names."""
    return replace(found, rule=words(found.rule), reason=words(found.reason), figures=dict(found.figures))


def words(text: object) -> str:
    """The text as it can be kept and shown anywhere; ConfigError when it is none."""
    if not isinstance(text, str) or not (line := one_line(text[: 2 * LONGEST])):
        raise ConfigError(f"it must say why in words (found {type(text).__name__})")
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
