"""How the bot halts by itself: durably, with the reason, until an operator resumes."""

import logging
from datetime import datetime
from typing import Final

from bot.ports import Store

log: Final = logging.getLogger("insiderbot.halting")


def halt(store: Store, reason: str, now: datetime) -> bool:
    """From now on nothing is sent; where that was so before, the first reason stays. Whether this reason is told."""
    is_told = store.halt(f"halted by itself: {reason}", now, anew=False)
    if is_told:
        log.error("halted", extra={"facts": {"reason": reason}})
    return is_told
