"""How the bot halts by itself: durably, with the reason, until an operator resumes."""

import logging
from datetime import datetime
from typing import Final

from bot.ports import Store

log: Final = logging.getLogger("insiderbot.halting")


def halt(store: Store, reason: str, now: datetime) -> None:
    """From now on nothing is sent; where that was so before, the first reason stays."""
    if store.halt(f"halted by itself: {reason}", now, anew=False):
        log.error("halted", extra={"facts": {"reason": reason}})
