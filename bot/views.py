"""As much of the store and of the broker as a part may use: a source its own corner, who only looks no way to act."""

from collections.abc import Mapping
from datetime import datetime

from bot.ports import BrokerView, MappingCache
from bot.store.repository import Repository


class Notes:
    """A source's own corner of the store."""

    def __init__(self, store: Repository) -> None:
        self.get = store.recall
        self.put = store.remember


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
