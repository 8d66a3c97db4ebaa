"""The only wiring: from settings to a bot that acts, or to one that only looks."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from bot.decider import Decider
from bot.engine import Bot
from bot.errors import BotError, ConfigError
from bot.freshness import Freshness
from bot.halt_file import HaltFile
from bot.http import Http
from bot.limits import Drawdown, Limits
from bot.notify import Herald, services
from bot.orders import Desk
from bot.plugins import Kit
from bot.ports import Broker, BrokerView, Clock, Mapper, MappingCache, Notifier, Prices, Rates, Source
from bot.prices import NoPrices
from bot.sessions import Sessions
from bot.settings import Settings
from bot.store.answers import Answers
from bot.store.database import Database, open_database
from bot.store.journal import Journal
from bot.store.lead import Lead
from bot.store.paper import PaperBooks
from bot.store.repository import Repository
from bot.timetable import Timetable
from bot.trader import Trader
from bot.views import Notes, ReadOnlyBroker, ReadOnlyCache, Rewound

if TYPE_CHECKING:
    from bot.daemon import Daemon

IN_MEMORY = "sqlite:///:memory:"
EDGAR_ALONE = ("edgar",)  # what BOT_POLL is when nobody has set it: then it need not be among the sources


def utc_now() -> datetime:
    """The real clock; every part is handed one and asks no other."""
    return datetime.now(UTC)


@contextmanager
def opened(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    read_only: bool = False,
    fresh: bool = False,
    lead: Lead | None = None,
    herald: Herald | None = None,
) -> Iterator["App"]:
    """The parts of one run over the settings' database: writable, read-only, or as if there were none yet (`fresh`).

    Whoever acts leads: until the end of the run, or for as long as a `lead` lasts that is handed in. So does a `herald`
    tell.
    """
    url = IN_MEMORY if fresh else settings.database_url.get_secret_value()
    database, own = open_database(url, read_only=read_only), Lead(url)
    try:
        yield App(settings, database, clock, lead or own, herald)
    finally:
        own.close()
        database.close()


@contextmanager
def rewound(settings: Settings, *, clock: Clock) -> Iterator["App"]:
    """The parts of a look at what would have been decided at the clock's instant.

    Nothing was decided or bought by then; what was seen, the settings' database knows.
    """
    url = settings.database_url.get_secret_value()
    with (
        closing(open_database(IN_MEMORY)) as empty,
        closing(open_database(url, read_only=True)) as database,
        closing(Lead(IN_MEMORY)) as lead,
    ):
        parts = App(settings, empty, clock, lead)
        parts.store = Rewound(empty, Repository(database), clock())
        parts.answers = Answers(database)  # which ticker is which share is not dated
        yield parts


@contextmanager
def staying(settings: Settings, *, clock: Clock = utc_now, trade_backlog: bool = False) -> Iterator["Daemon"]:
    """The daemon of these settings, which leads until the block ends.

    What is wrong with the settings is told now, not at its first cycle; TryAgainError while another process leads.
    """
    from bot.daemon import Daemon

    lead = Lead(settings.database_url.get_secret_value())

    herald: Herald | None = None

    def parts() -> AbstractContextManager[App]:
        return opened(settings, clock=clock, lead=lead, herald=herald)

    with closing(lead):
        with parts() as tried:
            herald = tried.herald
            is_polled = bool(tried.acting(polling=True).sources)
            refuse_unsafe(tried.broker)
            timetable = tried.timetable
        coming = timetable.following(clock())
        if settings.entry == "now" and not timetable.sessions.open_at(coming):
            raise ConfigError(
                f"BOT_ENTRY is now, but {settings.venue} is closed at BOT_CYCLE_AT {settings.cycle_at}:"
                " nothing could enter"
            )
        every = timedelta(seconds=settings.poll_every) if is_polled else None
        yield Daemon(parts, timetable, clock, poll_every=every, trade_backlog=trade_backlog)


def refuse_unsafe(broker: BrokerView) -> None:
    """ConfigError for a broker that nobody can leave alone, because a lost answer may hide an order."""
    if not (broker.two_step or broker.idempotent):
        problem = "could take an order twice when an answer is lost"
    elif not broker.list_all_statuses:
        problem = "cannot list all orders of its account"
    else:
        return
    raise ConfigError(f"{broker.name} {problem}: it must not be left alone, so use `insiderbot run` by hand")


class App:
    """The parts of one run, each built when it is first asked for."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, lead: Lead, herald: Herald | None = None
    ) -> None:
        self._lead = lead
        self._herald = herald
        self.settings = settings
        self.clock = clock
        self.store = Repository(database, HaltFile(settings.halt_file))
        self.answers = Answers(database)
        self._database = database

    def acting(self, *, trade_backlog: bool = False, polling: bool = False) -> Bot:
        """A bot that writes down, submits and activates; `polling`, it asks the sources of BOT_POLL only.

        TryAgainError while another process leads over the same database.
        """
        self.store.provenance = self.decider.provenance
        herald = self.herald
        bot = self._bot(self.broker, self.answers, desk=self.desk(), trade_backlog=trade_backlog)
        self.journal.begin(herald.names)
        return replace(bot, sources=self.polled) if polling else bot

    def desk(self) -> Desk:
        """What takes open orders further, without any source; TryAgainError while another process leads."""
        self.lead()
        return Desk(self.broker, self.store, self.clock)

    def tell(self, patience: float = 0) -> list[str]:
        """Begin to tell whoever BOT_NOTIFY names what has happened; who could not be told, and why.

        With `patience`, so many seconds are waited for the end of it. Only the process that leads tells anything:
        another one's marks would be in its way.
        """
        if self.store.epoch is None:
            return []
        try:
            failures = self.herald.tell(self.journal)
            if not patience:
                return failures
            late = self.herald.wait(patience)
            return [*failures, *self.herald.tell(self.journal), *late]
        except BotError as error:
            return [str(error)]

    def lead(self) -> None:
        """Write as the one process that leads; TryAgainError while another one does."""
        self.store.epoch = self._lead.epoch(self._database)

    def looking(self) -> Bot:
        """A bot that can plan and nothing else; it looks past the backlog, since nothing of it will be traded."""
        return self._bot(ReadOnlyBroker(self.broker), ReadOnlyCache(self.answers), desk=None, trade_backlog=True)

    def mapper(self, broker: BrokerView | None = None, cache: MappingCache | None = None) -> Mapper:
        """From tickers to proven instruments, by OpenFIGI and every table of ISINs there is."""
        from bot.instruments.mapper import ShareClassMapper
        from bot.instruments.openfigi import OpenFigi

        settings, broker = self.settings, broker or self.broker
        service = OpenFigi(
            self.kit.http, settings.openfigi_url, settings.openfigi_key, cache=cache or self.answers, clock=self.clock
        )
        return ShareClassMapper(
            service,
            isin_file=settings.isin_file,
            candidates=[broker.isin_candidates],
            needs_isin=broker.needs_isin,
        )

    @cached_property
    def sources(self) -> list[Source]:
        """Every source the settings name; ConfigError when they name none, or one twice."""
        specs = self.settings.sources
        if not specs:
            raise ConfigError("BOT_SOURCES is empty: write edgar or files:PATH, say, or try `insiderbot demo` first")
        sources: list[Source] = [self.kit.part("sources", spec) for spec in specs]
        if bare := [spec for spec in specs if spec.endswith(":")]:
            raise ConfigError(
                f"BOT_SOURCES has {bare[0]}, with nothing behind the colon: name it, as in edgar:AAPL, or leave it out"
            )
        if len({source.name for source in sources}) < len(specs):
            raise ConfigError("BOT_SOURCES names a source twice: a second witness is another source")
        return sources

    @property
    def polled(self) -> list[Source]:
        """The sources that are asked between the sessions' cycles; ConfigError when a name is none of them."""
        found = {name: self._named(name) for name in self.settings.poll}
        unknown = [name for name in found if found[name] is None]
        if unknown and self.settings.poll != EDGAR_ALONE:
            raise ConfigError(f"BOT_POLL names {unknown[0]}, which is none of BOT_SOURCES")
        return [source for source in self.sources if source in found.values()]

    def _named(self, name: str) -> Source | None:
        """The source that BOT_SOURCES, or it itself, calls so."""
        named = zip(self.settings.sources, self.sources, strict=True)
        same = (source for spec, source in named if name.casefold() in {spec.casefold(), source.name.casefold()})
        return next(same, None)

    @property
    def primary(self) -> str | None:
        """The name of the source that must show an event before it is traded; None when there is none."""
        named, specs = self.settings.primary, self.settings.sources
        if not named:
            return "edgar" if "edgar" in specs else None
        if named == "none":
            return None
        if named.startswith("files:"):
            raise ConfigError(
                f"BOT_PRIMARY: the rows of {named} are those of the sites they were saved from; name a site"
            )
        source = self._named(named)
        if source is None:
            raise ConfigError(f"BOT_PRIMARY is {named}, which is none of BOT_SOURCES ({', '.join(specs)}), nor none")
        return "edgar" if source.name.startswith("edgar:") else source.name  # the rows of edgar:ISSUER are EDGAR's

    @cached_property
    def notifiers(self) -> list[Notifier]:
        """Whoever is to be told what happens; ConfigError where a URL is none that Apprise knows."""
        return services(self.settings.notify.get_secret_value()) if self.settings.notify else []

    @cached_property
    def herald(self) -> Herald:
        """Who tells them; the daemon's own one lasts longer than these parts."""
        return self._herald or Herald(self.notifiers, self.settings.account, self.clock)

    @cached_property
    def journal(self) -> Journal:
        """What has happened."""
        return Journal(self._database, lambda: self.store.epoch)

    @cached_property
    def broker(self) -> Broker:
        """The broker the settings name."""
        book = PaperBooks(self._database, self.settings.simulated_cash)
        broker: Broker = self.kit.part("brokers", self.settings.broker, prices=self.prices, book=book)
        return broker

    @cached_property
    def decider(self) -> Decider:
        """How it is decided."""
        return Decider(self.kit)

    @cached_property
    def prices(self) -> Prices:
        """Where quotes come from; without a setting there are none."""
        prices: Prices = self.kit.part("prices", self.settings.prices) if self.settings.prices else NoPrices()
        return prices

    @cached_property
    def rates(self) -> Rates:
        """Where exchange rates come from; nobody is asked before two currencies differ."""
        rates: Rates = self.kit.part("rates", self.settings.rates)
        return rates

    @property
    def limits(self) -> Limits:
        """The limits in force."""
        settings = self.settings
        return Limits(
            order_value=settings.max_order_value,
            name_value=settings.max_name_value,
            cycle_orders=settings.max_cycle_orders,
            day_orders=settings.max_day_orders,
            day_value=settings.max_day_value,
            burst=settings.burst,
            cash_reserve=settings.cash_reserve,
            cooldown=timedelta(days=settings.cooldown),
        )

    @property
    def drawdown(self) -> Drawdown:
        """What watches how far the account falls."""
        return Drawdown(Notes(self.store), self.settings.max_drawdown)

    @property
    def timetable(self) -> Timetable:
        """When the daemon's cycles are due."""
        return Timetable(sessions=Sessions(self.settings.venue), at=time.fromisoformat(self.settings.cycle_at))

    @cached_property
    def kit(self) -> Kit:
        """What every factory of a part is given."""
        http = Http(self.settings.user_agent)
        return Kit(settings=self.settings, clock=self.clock, http=http, memory=Notes(self.store))

    def _bot(self, broker: BrokerView, cache: MappingCache, *, desk: Desk | None, trade_backlog: bool) -> Bot:
        settings = self.settings
        if broker.mic not in {None, settings.venue}:
            raise ConfigError(
                f"BOT_VENUE is {settings.venue}, but {broker.name} trades at {broker.mic}: write BOT_VENUE={broker.mic}"
            )
        trader = Trader(
            mapper=self.mapper(broker, cache),
            broker=broker,
            store=self.store,
            sessions=Sessions(settings.venue),
            rates=self.rates,
            prices=self.prices,
            policy=self.decider.policy,
            limits=self.limits,
            drawdown=self.drawdown,
        )
        return Bot(
            sources=self.sources,
            strategy=self.decider.strategy[1],
            trader=trader,
            store=self.store,
            clock=self.clock,
            desk=desk,
            primary=self.primary,
            freshness=Freshness(Notes(self.store), Sessions("XNYS")),  # whatever the venue: filings come by its days
            trade_backlog=trade_backlog,
        )
