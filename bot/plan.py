"""What a cycle is going to do, as a value: every decision with its reason, the orders that follow, and the counts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.exits import SOURCE
from bot.limits import Breach
from bot.model import Decision, Degraded, Event, OrderIntent, Skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the bot would do at `as_of`: one decision per new event or exit, the orders that follow, who did not answer.

    Of all `lines` that are public, `seen` are the events that the news are about, also those decided before.
    """

    as_of: datetime
    decisions: tuple[Decision, ...]
    intents: tuple[OrderIntent, ...]
    degraded: tuple[Degraded, ...]
    seen: tuple[Event, ...] = ()
    lines: int = 0

    @property
    def funnel(self) -> dict[str, Any]:
        """The way from lines to orders: what was public and new, exits, each rule's refusals, what was left."""
        exits = sum(SOURCE in each.event.sources for each in self.decisions)
        rules = [each.verdict.rule if isinstance(each.verdict, Skip) else "" for each in self.decisions]
        refused = Counter(rule for rule in rules if rule)
        return {
            "lines": self.lines,
            "events": len(self.seen),
            "new": len(self.decisions) - exits,
            "exits": exits,
            "refused": dict(refused.most_common()),
            "followed": len(rules) - refused.total(),
            "orders": len(self.intents),
        }

    @property
    def unfinished(self) -> str | None:
        """Why some events are still to be decided, soon; None when all are."""
        skips = (decision.verdict for decision in self.decisions)
        return next((skip.reason for skip in skips if isinstance(skip, Skip) and skip.outage), None)

    @property
    def breach(self) -> str | None:
        """Why the bot is to halt before anything is sent; None when nothing is amiss."""
        skips = (decision.verdict for decision in self.decisions)
        return next((skip.reason for skip in skips if isinstance(skip, Breach)), None)


def waiting(decisions: Sequence[Decision]) -> list[Degraded]:
    """The services that could not be asked, once each: their events are decided again next time."""
    skips = [decision.verdict for decision in decisions if isinstance(decision.verdict, Skip)]
    outages = dict.fromkeys((skip.rule, skip.reason) for skip in skips if skip.outage)
    return [Degraded(name=rule, reason=reason) for rule, reason in outages]
