"""Purchases at the companies whose insiders' purchases of the last month weigh most: the best ten by score."""

from bot.plugins import Kit
from strategies.company_rules import among_best
from strategies.rules import Stack, bought_only, filed_within, follow, known_within, open_market


def strategy(kit: Kit) -> Stack:
    """The `conviction` strategy; how long news is fresh comes from the settings."""
    settings = kit.settings
    return follow(
        open_market,
        bought_only,
        among_best(places=10, days=30),
        known_within(sessions=settings.known_within, venue=settings.venue),
        filed_within(days=settings.filed_within),
    )
