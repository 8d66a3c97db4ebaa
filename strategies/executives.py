"""The default strategy: officers who trade more than a sliver of what they hold, while it is news."""

from bot.plugins import Kit
from strategies.rules import (
    Stack,
    filed_within,
    follow,
    known_within,
    more_than,
    not_planned,
    officers_only,
    open_market,
)


def strategy(kit: Kit) -> Stack:
    """The `executives` strategy with the thresholds of the settings."""
    settings = kit.settings
    return follow(
        open_market,
        officers_only,
        not_planned,
        more_than(settings.more_than, base=settings.holdings_base),
        known_within(sessions=settings.known_within, venue=settings.venue),
        filed_within(days=settings.filed_within),
    )
