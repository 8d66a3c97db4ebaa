"""Made-up histories of insider trading: events, the lines they are told in, and prices that may react to them."""

from bot.demo.history.events import made_up
from bot.demo.history.lines import as_filings
from bot.demo.history.prices import Effect, Mark, officer_clusters, prices

__all__ = ["Effect", "Mark", "as_filings", "made_up", "officer_clusters", "prices"]
