"""As much of the store and of the broker as a part may use: a source its own corner, who only looks no way to act."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from bot.model import NEW_YORK, UNTOLD, Event, Reach
from bot.ports import BrokerView, MappingCache
from bot.store.database import Database
from bot.store.repository import Repository

if TYPE_CHECKING:
    import pandas as pd


class Notes:
    """A source's own corner of the store."""

    def __init__(self, store: Repository) -> None:
        self.get = store.recall
        self.put = store.remember


class Rewound(Repository):
    """A store in which nothing was decided, bought or halted, and which knows what another one does of the past.

    That is what was public by `at`, and what filings of earlier days had stated.
    """

    def __init__(self, empty: Database, other: Repository, at: datetime) -> None:
        super().__init__(empty)
        self._other = other
        self._at = at

    def past(self, seen: Sequence[Event], reach: Reach = UNTOLD) -> "pd.DataFrame":
        """What the other saw of the companies and people in these events, as far as it was public."""
        past = self._other.past(seen, reach)
        return past[past["known_at"] <= self._at].reset_index(drop=True)

    def stated_on(self, statements: Sequence[str]) -> dict[str, set[date]]:
        """On which days before that of the instant the events were filed that stated each of these, where any was."""
        stated, today = self._other.stated_on(statements), self._at.astimezone(NEW_YORK).date()
        by_then = {told: {day for day in days if day < today} for told, days in stated.items()}
        return {told: days for told, days in by_then.items() if days}


class ReadOnlyBroker:
    """A broker with nothing left but its read methods: there is no submit here to call."""

    def __init__(self, broker: BrokerView) -> None:
        self.name = broker.name
        self.two_step = broker.two_step
        self.needs_isin = broker.needs_isin
        self.mic = broker.mic
        self.idempotent = broker.idempotent
        self.key_ttl = broker.key_ttl
        self.lookup_by_key = broker.lookup_by_key
        self.list_all_statuses = broker.list_all_statuses
        self.visibility_lag = broker.visibility_lag
        self.paper_proof = broker.paper_proof
        self.account = broker.account
        self.positions = broker.positions
        self.quote = broker.quote
        self.terms = broker.terms
        self.closed = broker.closed
        self.isin_candidates = broker.isin_candidates


class ReadOnlyCache:
    """What was learned before, and nothing new."""

    def __init__(self, cache: MappingCache) -> None:
        self.get = cache.get

    def put(self, answers: Mapping[str, str], expires_at: datetime) -> None:
        """Forget them."""
