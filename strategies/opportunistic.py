"""Officers who do not trade by the calendar, after Cohen, Malloy and Pomorski."""

from bot.plugins import Kit
from strategies.person_rules import opportunistic
from strategies.rules import Stack, filed_within, follow, known_within, not_planned, officers_only, open_market


def strategy(kit: Kit) -> Stack:
    """The `opportunistic` strategy; how long news is fresh comes from the settings."""
    settings = kit.settings
    return follow(
        open_market,
        officers_only,
        not_planned,
        opportunistic(),
        known_within(sessions=settings.known_within, venue=settings.venue),
        filed_within(days=settings.filed_within),
    )
