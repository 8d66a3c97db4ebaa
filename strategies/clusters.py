"""Officers who trade together: the purchase, or sale, that makes three of them within thirty days."""

from bot.plugins import Kit
from strategies.company_rules import clustered
from strategies.rules import Stack, filed_within, follow, known_within, not_planned, open_market


def strategy(kit: Kit) -> Stack:
    """The `clusters` strategy; how long news is fresh comes from the settings."""
    settings = kit.settings
    return follow(
        open_market,
        not_planned,
        clustered(owners=3, days=30, officers=True),
        known_within(sessions=settings.known_within, venue=settings.venue),
        filed_within(days=settings.filed_within),
    )
