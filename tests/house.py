"""A bot with its whole surroundings, but for the outside world: what a test of the cycle needs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.book import Policy
from bot.engine import Bot
from bot.model import Order, Terms
from bot.orders import Desk
from bot.store.database import Database
from bot.store.paper import PaperBooks
from bot.store.repository import Repository
from bot.trader import Trader
from bot.views import ReadOnlyBroker
from brokers.simulated import SimulatedBroker
from strategies.rules import follow, known_within, more_than, officers_only, open_market
from tests.builders import trade
from tests.fakes import Exchange, Maps, Quotes, Shows, Time, Weekdays

MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)  # before the open that follows KNOWN_AT
OPENS = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
CLOSES = datetime(2026, 3, 3, 21, 0, tzinfo=UTC)
NEXT_MORNING = MORNING + timedelta(days=1)
CASH = Decimal(10_000)


class House:
    """A bot with its whole surroundings; `run` is one cycle as the command line runs it."""

    def __init__(self, database: Database) -> None:
        self.time = Time(MORNING)
        self.quotes = Quotes()
        for symbol in ("NWRB", "HLCN", "TDWT"):
            self.quotes.price(symbol, MORNING - timedelta(hours=11), "40")
        self.store = Repository(database)
        self.source = Shows(trade())
        self.sources = [self.source]
        self.mapper = Maps()
        self.sessions: Any = Weekdays()
        self.policy = Policy(account="paper", strategy="executives", notional=Decimal(1000))
        self.broker = SimulatedBroker(
            book=PaperBooks(database, CASH),
            prices=self.quotes,
            clock=self.time,
            conditions=Terms(fee=Decimal(1), minimum=Decimal(50)),
        )

    def bot(self, *, trade_backlog: bool = True, looking: bool = False) -> Bot:
        return Bot(
            sources=self.sources,
            strategy=follow(open_market, officers_only, more_than("1%"), known_within(sessions=3, venue=self.sessions)),
            trader=Trader(
                mapper=self.mapper,
                broker=ReadOnlyBroker(self.broker) if looking else self.broker,
                store=self.store,
                sessions=self.sessions,
                rates=Exchange(),
                prices=self.quotes,
                policy=self.policy,
            ),
            store=self.store,
            clock=self.time,
            desk=None if looking else Desk(self.broker, self.store, self.time),
            trade_backlog=trade_backlog,
        )

    def run(self, now: datetime | None = None, **options: Any) -> list[Order]:
        self.time.now = now or self.time.now
        return self.bot(**options).run()[1]

    def orders(self) -> list[tuple[str, str, Decimal, str]]:
        return [(o.side.value, o.symbol, o.quantity, o.status.value) for _, o in self.store.orders()]

    def rules(self) -> dict[str, str]:
        """Owner -> the rule that refused, or buy/sell."""
        return {row["owner"]: row["rule"] or row["decision"] for row in self.store.decided()}
