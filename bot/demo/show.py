"""The demo: the real job, from real HTTP on this machine to a real database, on a market that does not exist."""

import csv
import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any, Final

import typer

from bot import render
from bot.app import opened, utc_now
from bot.demo.alpaca import market as american
from bot.demo.companies import SHARES, records
from bot.demo.ecb import EcbServer
from bot.demo.edgar.filings import from_lines
from bot.demo.edgar.server import EdgarServer
from bot.demo.finviz import FinVizServer
from bot.demo.lemon import market as german
from bot.demo.market import VENUE, Market, market, trading_day
from bot.demo.openfigi import OpenFigiServer
from bot.demo.openinsider import OpenInsiderServer
from bot.errors import ConfigError
from bot.model import NEW_YORK, Account, Order, Position
from bot.plain import plain
from bot.plan import Plan
from bot.render import Format
from bot.sessions import Sessions
from bot.settings import PREFIX, Settings

DAY: Final = date(2026, 3, 2)
CASH: Final = Decimal(6200)  # enough for six orders: the seventh shows what happens without cash
DATABASE: Final = "insiderbot-demo.db"
ORDER_COLUMNS: Final = ("side", "quantity", "symbol", "isin", "status", "price", "fee")
POSITION_COLUMNS: Final = ("symbol", "isin", "quantity", "average_price", "currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One run of the bot: what it planned, and how every order and the account stood afterwards."""

    title: str
    plan: Plan
    orders: tuple[Order, ...]
    positions: tuple[Position, ...]
    account: Account

    def as_json(self) -> dict[str, Any]:
        """The cycle in JSON's types."""
        return {
            "title": self.title,
            "at": plain(self.plan.as_of),
            "decisions": [decision.row() for decision in self.plan.decisions],
            "orders": plain(self.orders),
            "degraded": plain(self.plan.degraded),
        }


def run(folder: Path, form: Format) -> None:
    """Print the story of two days, told by five runs of the bot over one new database."""
    with _writing(folder):
        for ending in ("", "-wal", "-shm", "-journal"):  # SQLite keeps its journals beside the database
            (folder / (DATABASE + ending)).unlink(missing_ok=True)
    cycles = story(folder)
    last = cycles[-1]
    match form:
        case Format.TABLE:
            typer.echo(_text(folder, cycles))
        case Format.JSON:
            result = {
                "cycles": [cycle.as_json() for cycle in cycles],
                "orders": plain(last.orders),
                "positions": plain(last.positions),
                "account": plain(last.account),
            }
            typer.echo(json.dumps(result, indent=2))
        case _:
            typer.echo(render.rows(plain(last.orders), form, ORDER_COLUMNS))


def story(folder: Path) -> list[Cycle]:
    """Five runs of the bot over the database in `folder`: around the open of one day, and of the next."""
    sessions, today = Sessions(VENUE), market(DAY)
    tomorrow = sessions.entry(sessions.on(DAY).closes).day
    with _services(folder, today, DATABASE) as (finviz, values):
        settings = Settings.of(**values)
        cycles = []
        for day, hour, title in (
            (DAY, "08:00", "before the open, with the news of Friday evening"),
            (DAY, "09:31", "the market has opened, and the orders are filled"),
            (DAY, "15:00", "the same run again changes nothing"),
            (tomorrow, "08:00", "an officer has sold shares of a company the bot holds"),
            (tomorrow, "09:31", "the market has opened, and the position is closed"),
        ):
            at = datetime.combine(day, time.fromisoformat(hour), NEW_YORK).astimezone(UTC)
            finviz.show(today.public(at))
            cycles.append(_cycle(settings, title, at))
    return cycles


def serve(folder: Path) -> None:
    """Keep the services of the next session's market running, and print the settings that lead to them."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    now = utc_now()
    today = served(now)
    eve = trading_day(Sessions(VENUE), today.day, 1)
    with (
        _services(folder.resolve(), today, "insiderbot-served.db") as (finviz, values),
        OpenInsiderServer(today.public(now)) as openinsider,
        american.server(eve, clock=utc_now) as alpaca,
        german.server(eve, clock=utc_now) as lemon,
        EcbServer({eve: {"USD": german.USD_PER_EUR}}) as ecb,
        EdgarServer(from_lines(today.public(now)), clock=utc_now) as edgar,
    ):
        finviz.show(today.public(now))
        more = {
            "openinsider_url": openinsider.url,
            "edgar_url": edgar.url,
            "archive": str(folder.resolve() / "insiderbot-served-archive"),
            "user_agent": "insiderbot you@your.domain",
            "ecb_url": ecb.url,
            "alpaca_url": alpaca.url,
            "alpaca_key": alpaca.key,
            "alpaca_secret": alpaca.secret,
            "lemon_markets_url": lemon.url,
            "lemon_markets_key": lemon.trading_key,
            "lemon_markets_data_key": lemon.data_key,
        }
        typer.echo(_env(today, values | more))
        stop.wait()


def served(now: datetime) -> Market:
    """The market around the latest day whose news were out by `now`."""
    sessions = Sessions(VENUE)
    coming = sessions.entry(now).day
    first = market(coming)
    is_out = all(line.filed_at <= now for line in first.lines if line.filed_at < sessions.on(coming).opens)
    return first if is_out else market(trading_day(sessions, coming, 1))


@contextmanager
def _services(folder: Path, today: Market, database: str) -> Iterator[tuple[FinVizServer, dict[str, str]]]:
    """The stand-ins while they run, and the settings for them; prices and ISINs are written into the folder."""
    prices, isins = folder / "insiderbot-demo-prices.csv", folder / "insiderbot-demo-isins.csv"
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write(prices, [("date", "symbol", "open", "close"), *((b.on, b.symbol, b.open, b.close) for b in today.bars)])
        _write(isins, [("symbol", "isin"), *((share.ticker, share.isin) for share in SHARES if share.is_mapped)])
    with FinVizServer() as finviz, OpenFigiServer(records(SHARES)) as openfigi:
        yield (
            finviz,
            {
                "sources": "finviz",
                "finviz_url": finviz.url,
                "openfigi_url": openfigi.url,
                "openfigi_key": "",
                "prices": f"files:{prices}",
                "isin_file": str(isins),
                "database_url": f"sqlite:///{(folder / database).as_posix()}",
                "simulated_cash": str(CASH),
            },
        )


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(f"--folder: {folder} cannot be written to ({error.strerror})") from None


def _write(file: Path, lines: Sequence[Sequence[object]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(lines)


def _cycle(settings: Settings, title: str, at: datetime) -> Cycle:
    """One run as if started at that instant, with everything it knows read from the database."""
    with opened(settings, clock=lambda: at) as parts:
        plan, _ = parts.acting(trade_backlog=True).run()
        return Cycle(
            title=title,
            plan=plan,
            orders=tuple(order for _, order in parts.store.orders()),
            positions=tuple(parts.broker.positions()),
            account=parts.broker.account(),
        )


# -- words


def _text(folder: Path, cycles: Sequence[Cycle]) -> str:
    """The whole story; of the orders, each run shows those that it has changed."""
    earlier = [(), *(cycle.orders for cycle in cycles)]
    told = [
        _told(cycle, [order for order in cycle.orders if order not in before])
        for before, cycle in zip(earlier, cycles, strict=False)
    ]
    return render.blocks([_opening(), *told, _ending(folder, cycles[-1])])


def _opening() -> str:
    return (
        "This is a demo. Companies, people, prices and filings are fictional, and so is the date:\n"
        f"it plays on {_named(DAY)} and the day after. The bot is the real one: it reads pages\n"
        "over HTTP from stand-ins on this machine and trades a simulated account in a database."
    )


def _named(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _told(cycle: Cycle, changed: Sequence[Order]) -> str:
    headline = f"{cycle.plan.as_of.astimezone(NEW_YORK):%A %H:%M} in New York: {cycle.title}"
    decisions = [decision.row() for decision in cycle.plan.decisions]
    summary = render.funnel(cycle.plan.funnel) if decisions else "The page has nothing new: no decision, no order."
    orders = render.rows(plain(changed), Format.TABLE, ORDER_COLUMNS, title="Orders") if changed else ""
    return render.blocks([f"{headline}\n{'=' * len(headline)}", render.verdicts(decisions), summary, orders])


def _ending(folder: Path, last: Cycle) -> str:
    database = f"{PREFIX}DATABASE_URL=sqlite:///{(folder / DATABASE).as_posix()}"
    cash = f"Cash {last.account.cash:,.2f} {last.account.currency}, of {CASH:,.2f} at the start."
    positions = render.rows(plain(last.positions), Format.TABLE, POSITION_COLUMNS, title="Positions in the end")
    return render.blocks(
        [
            positions,
            cash,
            "Where to look next:\n"
            f"  {database} insiderbot orders\n"
            f"  {database} insiderbot explain NWRB\n"
            "  insiderbot demo --serve          keeps the stand-ins running, for your own experiments",
            "All of it was fictional and simulated. Not investment advice.",
        ]
    )


def _env(today: Market, values: Mapping[str, str]) -> str:
    lines = [f"{PREFIX}{name.upper()}={value}" for name, value in values.items()]
    return "\n".join(
        [
            "# Stand-ins of EDGAR, FinViz, OpenInsider, OpenFIGI, Alpaca, lemon.markets and the ECB are running,",
            f"# with the market of {_named(today.day)}.",
            "# Companies, people, prices and filings are fictional. Put these lines into .env and try elsewhere:",
            "#   insiderbot run --dry-run",
            "#   insiderbot run --trade-backlog",
            "# With /2020 or /2023 behind BOT_FINVIZ_URL the pages have the layout of that year.",
            "# The database keeps what was decided: delete its file to begin again.",
            *lines,
            "# The same market at Alpaca's paper account, which takes one request, while the US exchanges are open:",
            f"# {PREFIX}BROKER=alpaca",
            "# The same market in EUR, by ISIN, at a broker that takes two requests; it is open all day:",
            f"# {PREFIX}BROKER=lemon_markets",
            f"# {PREFIX}VENUE=XMUN",
            f"# {PREFIX}LEMON_MARKETS_VENUE=allday",
            "# Ctrl-C ends it.",
        ]
    )
