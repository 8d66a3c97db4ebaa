"""The bot's lives: one line of JSON on stdin is one life, its process and its exit code are two lines on stdout.

Imports happen once; a life is one of a fork of this process, which dies by a real SIGKILL at its n-th failpoint, or
ends by itself: then, as in a daemon, the next bot may begin in the same process. A failpoint stands before and after
everything that is written or sent, and inside every transaction. What the life must never do is written into its log,
with a `!` before it.
"""

import gc
import json
import os
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import monotonic, sleep
from typing import Any, Final

import pandas as pd
import psycopg
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, event, make_url
from urllib3.util.retry import Retry

from bot.book import Policy
from bot.engine import Bot
from bot.errors import BotError, TryAgainError
from bot.http import Http
from bot.model import Order, OrderIntent, OrderStatus, Terms
from bot.orders import Desk
from bot.ports import Clock
from bot.sessions import Sessions
from bot.store import postgresql, sqlite
from bot.store.database import Database, open_database
from bot.store.lead import Lead
from bot.store.paper import PaperBooks
from bot.store.repository import Repository
from bot.trader import Trader
from bot.trades import to_table
from brokers import alpaca_api, lemon_api
from brokers.alpaca import Alpaca
from brokers.lemon_markets import LemonMarkets
from brokers.simulated import SimulatedBroker
from strategies.rules import follow, officers_only, open_market
from tests import crash_driver
from tests.fakes import Exchange, Maps, Quotes, Time
from tests.lab.ledger import Ledger
from tests.lab.world import ACCOUNT, CASH, NOTIONAL, STRATEGY, TICKERS, VENUES, Row, listed, share

TOLD: Final = 3  # the exit code of a failure that the bot tells in a sentence
MOST_GROWN: Final = 64 * 2**20  # bytes that a life may need more than the zygote, whatever it is sent: half is usual
APPLICATION: Final = "a life"  # what its connections to PostgreSQL are named
BACKENDS: Final = "SELECT pid FROM pg_stat_activity WHERE application_name = %s ORDER BY backend_start"
WATCHED: Final = (
    (Repository, ("record", "move", "settle_in", "acknowledge", "write_off", "halt")),
    (Http, ("get", "post_json", "delete")),
    (SimulatedBroker, ("submit", "activate", "find", "orders", "cancel")),
)


ORIGINAL: Final = {(kind, name): getattr(kind, name) for kind, names in WATCHED for name in names} | {
    (socket.socket, "connect"): socket.socket.connect
}


class Failpoints(crash_driver.Failpoints):
    """Those of the crash tests; they also end connections to the database, and write down what must never happen."""

    def __init__(self, asked: dict[str, Any]) -> None:
        super().__init__(Path(asked["log"]), asked["kill_at"])
        self._asked = asked

    def __call__(self, name: str) -> None:
        """Pass it, or die; before it the server may end connections of this life."""
        if self._passed + 1 == self._asked["cut_at"] and end_connections(self._asked):
            print("connections ended", file=self._log, flush=True)
        super().__call__(name)

    def forbidden(self, what: str) -> None:
        """Note what must never happen."""
        print("!", " | ".join(what.splitlines()), file=self._log, flush=True)


def end_connections(asked: dict[str, Any]) -> int:
    """End those of this life's connections to PostgreSQL that are asked for, as its server's administrator would."""
    url = make_url(asked["database"]).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True, application_name="administrator") as administrator:
        found = administrator.execute(BACKENDS, [APPLICATION]).fetchall()
        chosen = [backend for number, (backend,) in enumerate(found) if asked["cut"] >> number & 1]
        for backend in chosen:
            administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])  # and wait until it is gone
    return len(chosen)


def live(asked: dict[str, Any], passed: Callable[[str], None]) -> None:
    """One cycle over the database."""
    database = open_database(asked["database"])
    event.listen(database._engine, "commit", lambda _: passed("in a transaction"))
    clock = Time(datetime.fromisoformat(asked["now"]))
    store = Repository(database)
    with closing(Lead(asked["database"])) as lead, closing(database):
        store.epoch = leading(lead, database)
        broker = BROKERS[asked["kind"]](asked, clock, database)
        sessions = Sessions(VENUES[asked["kind"]])
        trader = Trader(
            mapper=Maps(**{symbol: listed(symbol) for symbol in TICKERS}),
            broker=broker,
            store=store,
            sessions=sessions,
            rates=Exchange(EUR_USD="1.10"),
            prices=Quotes(),
            policy=Policy(account=ACCOUNT, strategy=STRATEGY, notional=NOTIONAL),
        )
        bot = Bot(
            sources=[Shown(asked)],
            strategy=follow(open_market, officers_only),
            trader=trader,
            store=store,
            clock=clock,
            desk=Desk(broker, store, clock),
            trade_backlog=True,
        )
        bot.watch() if asked["watching"] else bot.run()


class Shown:
    """A source that always shows the same table."""

    name = "invented"

    def __init__(self, asked: dict[str, Any]) -> None:
        self._table = table(json.dumps(asked["rows"]))

    def fetch(self, now: datetime) -> pd.DataFrame:
        """All of it."""
        return self._table


@lru_cache(maxsize=1)  # built in the zygote, before it forks: all lives of a schedule are shown the same
def table(rows: str) -> pd.DataFrame:
    """The rows as a source shows them."""
    made = [Row(**row | {"known_at": datetime.fromisoformat(row["known_at"])}) for row in json.loads(rows)]
    return to_table([row.trade() for row in made])


def leading(lead: Lead, database: Database) -> int:
    """The lead; PostgreSQL takes a moment to see that whoever had it was killed."""
    ends = monotonic() + 5
    while True:
        try:
            return lead.epoch(database)
        except TryAgainError:
            if monotonic() > ends:
                raise
            sleep(0.01)


def at_lemon_markets(asked: dict[str, Any], clock: Clock, _: Database) -> Any:
    """The adapter before the stand-in."""
    http, url = Http("laboratory", deadline=asked["deadline"]), asked["broker"] + "/v1"
    trading, data = map(SecretStr, asked["keys"])
    return LemonMarkets(
        trading=lemon_api.Api(http, url, trading, settings=("URL", "KEY"), paper=True),
        data=lemon_api.Api(http, url, data, settings=("URL", "KEY"), paper=False),
        clock=clock,
        venue="xmun",
        minimum=Decimal(50),
    )


def at_alpaca(asked: dict[str, Any], clock: Clock, _: Database) -> Any:
    """The adapter before the stand-in."""
    http, url = Http("laboratory", deadline=asked["deadline"]), asked["broker"]
    return Alpaca(api=alpaca_api.Api(http, url, url, *map(SecretStr, asked["keys"])))


def simulated(asked: dict[str, Any], clock: Clock, database: Database) -> Any:
    """The embedded broker, whose prices are known an hour before the first row and at every open."""
    quotes = Quotes()
    first = datetime.fromisoformat(asked["rows"][0]["known_at"]) - timedelta(days=2)
    for session in Sessions("XNYS").between(first.date(), first.date() + timedelta(days=60)):
        for symbol in TICKERS:
            quotes.price(symbol, session.opens, str(share(symbol).price))
    return SimulatedBroker(book=PaperBooks(database, CASH), prices=quotes, clock=clock, conditions=Terms())


BROKERS: Final = {"lemon_markets": at_lemon_markets, "alpaca": at_alpaca, "simulated": simulated}


def confine(asked: dict[str, Any], failpoints: Failpoints) -> None:
    """Refuse and note every connection but those to the broker."""
    connect = socket.socket.connect
    own = asked["broker"].removeprefix("http://")

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family == socket.AF_INET and f"{address[0]}:{address[1]}" != own:
            failpoints.forbidden(f"I12 a connection to {address}")
            raise ConnectionRefusedError
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[assignment, method-assign]


def witness(asked: dict[str, Any], failpoints: Failpoints) -> None:
    """Look into the database at the door of the simulated broker, as others do at the end of the wire."""
    submit, activate, cancel = SimulatedBroker.submit, SimulatedBroker.activate, SimulatedBroker.cancel
    ledger = Ledger(asked["database"])

    def seen(breach: str | None) -> None:
        if breach:
            failpoints.forbidden(breach)

    def submitted(self: SimulatedBroker, intent: OrderIntent) -> Order:
        seen(ledger.may_create(intent.client_order_id))
        return submit(self, intent)

    def activated(self: SimulatedBroker, broker_order_id: str) -> None:
        seen(ledger.may_activate(broker_order_id))
        activate(self, broker_order_id)

    def canceled(self: SimulatedBroker, broker_order_id: str) -> None:
        order = next((each for each in self.book.orders() if each.broker_order_id == broker_order_id), None)
        if order and order.status is OrderStatus.INACTIVE:
            seen(ledger.may_sweep(order.client_order_id, broker_order_id, self.clock()))
        cancel(self, broker_order_id)

    SimulatedBroker.submit, SimulatedBroker.activate = submitted, activated  # type: ignore[method-assign]
    SimulatedBroker.cancel = canceled  # type: ignore[method-assign]


def life(asked: dict[str, Any]) -> int:
    """A life from its beginning to its end; its exit code."""
    for kind, name in ORIGINAL:
        setattr(kind, name, ORIGINAL[kind, name])
    failpoints, begun = Failpoints(asked), peak()
    if asked["kind"] == "simulated":
        witness(asked, failpoints)
    for kind, names in WATCHED:
        for name in names:
            setattr(kind, name, failpoints.around(getattr(kind, name)))
    confine(asked, failpoints)
    try:
        live(asked, failpoints)
    except BotError as error:
        print("told:", error, file=failpoints._log, flush=True)
        return TOLD
    except BaseException:  # noqa: BLE001 - whatever it is, it must not happen
        failpoints.forbidden(traceback.format_exc())
        return 1
    finally:
        if (grown := peak() - begun) > MOST_GROWN:
            failpoints.forbidden(f"F17 {grown >> 20} MB more were needed at a time")
    return 0


def peak() -> int:
    """The most memory this process has had at a time, in bytes."""
    return getrusage(RUSAGE_SELF).ru_maxrss * 1024


class Body:
    """The process that lives: a fork of this one, which has one life after the other until one does not end well."""

    def __init__(self) -> None:
        asked, answered = os.pipe(), os.pipe()
        self.process = os.fork()
        if self.process == 0:
            os.close(asked[1])
            os.close(answered[0])
            with os.fdopen(asked[0]) as lines:
                for line in lines:
                    code = life(json.loads(line))
                    if code:
                        os._exit(code)
                    os.write(answered[1], b"\n")
            os._exit(0)
        os.close(asked[0])
        os.close(answered[1])
        self._asks, self._answer = os.fdopen(asked[1], "w", buffering=1), answered[0]

    def live(self, line: str) -> int:
        """The exit code of this life; the next one needs another body unless it is 0."""
        print(line, file=self._asks, flush=True)
        if os.read(self._answer, 1):
            return 0
        with suppress(BrokenPipeError):
            self._asks.close()
        os.close(self._answer)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def compiling_once() -> Callable[..., Engine]:
    """The engines of all lives of one kind of database, which share what the first of them has compiled."""
    made: list[Engine] = []

    def create(*words: Any, **options: Any) -> Engine:
        made.append(engine := create_engine(*words, **options))
        engine.dialect, engine._compiled_cache = made[0].dialect, made[0]._compiled_cache
        return engine

    return create


def main() -> None:
    """Live as often as asked; a first life in it, without a log, pays for everything that is slow once."""
    no_waiting = [pragma.replace("synchronous=EXTRA", "synchronous=OFF") for pragma in sqlite.PRAGMAS]
    setattr(sqlite, "PRAGMAS", tuple(no_waiting))  # noqa: B010 - a killed process loses nothing by it
    for module in (sqlite, postgresql):
        setattr(module, "create_engine", compiling_once())  # noqa: B010
    Retry.sleep = lambda *_: None  # type: ignore[method-assign] # patience is not what is tried here
    os.environ["PGAPPNAME"] = APPLICATION
    body: Body | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        if not asked["log"]:
            with suppress(BotError):  # one that is wrong on purpose
                live(asked, lambda _: None)
            gc.collect()
            gc.freeze()
            print(0, flush=True)  # noqa: T201
            continue
        table(json.dumps(asked["rows"]))
        body = body or Body()
        print(body.process, flush=True)  # noqa: T201
        code = body.live(line.strip())
        body = None if code else body
        print(code, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
