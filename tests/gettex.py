"""What a filing meets while gettex is open: EDGAR, OpenFIGI, the ECB and lemon.markets on loopback, for one share."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from threading import Event
from typing import Any

from bot.app import opened, utc_now
from bot.demo.companies import CENT, Share, records
from bot.demo.ecb import EcbServer
from bot.demo.edgar.server import EdgarServer
from bot.demo.lemon import market as german
from bot.demo.lemon.book import Price, Ticket
from bot.demo.lemon.faults import Fault, Process
from bot.demo.lemon.server import LemonMarketsServer
from bot.demo.openfigi import OpenFigiServer
from bot.demo.serving import Reply
from bot.model import Order
from bot.settings import Settings
from tests.fakes import bought
from tests.recorded import News
from tests.sources.edgar import world

DAY = timedelta(days=1)
HALF_SPREAD = Decimal("0.0005")


class SetBack:
    """A clock that runs on from the instant it was last set to; `behind` is how far the real one is ahead of it."""

    def __init__(self, instant: datetime) -> None:
        self.set(instant)

    def set(self, instant: datetime) -> None:
        """Let it be that instant now."""
        self.behind = utc_now() - instant

    def __call__(self) -> datetime:
        return utc_now() - self.behind


class Witness:
    """An effect on a request that changes nothing; it notes when the request was done."""

    def __init__(self) -> None:
        self.seen, self.at = Event(), 0.0

    def __call__(self, process: Process) -> Reply:
        reply = process()
        self.at = time.monotonic()
        self.seen.set()
        return reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Gettex:
    """The services, the clock they and the bot go by, and the settings that lead to them."""

    clock: SetBack
    edgar: EdgarServer
    lemon: LemonMarketsServer
    isin: str
    settings: dict[str, Any]

    def run(self) -> list[Order]:
        """What one look of the bot at the feed leads to; it knows only what the database tells."""
        with opened(Settings.of(**self.settings), clock=self.clock) as parts:
            return parts.acting(polling=True).run()[1]

    def environment(self) -> dict[str, str]:
        """The settings as the environment of a process has them, without those of this machine."""
        usual = {name: value for name, value in os.environ.items() if not name.upper().startswith("BOT_")}
        return usual | {f"BOT_{name.upper()}": str(value) for name, value in self.settings.items()}

    def hold(self, quantity: int) -> None:
        """Let the bot have bought so many of the shares, and the account have them, at today's price."""
        book, now = self.lemon._book, self.clock()
        wanted = Ticket(isin=self.isin, side="buy", quantity=quantity, venue="allday", expires_on=now.date() + DAY)
        book.activate(book.place(wanted, now).id, now)
        book.settle(now)
        with opened(Settings.of(**self.settings), clock=self.clock) as parts:
            bought(parts.store, quantity, "OURS", self.isin, now - 180 * DAY)

    def witness(self, path: str) -> Witness:
        """Who sees the next request that is posted there."""
        witness = Witness()
        self.lemon.fail(Fault(method="POST", path=path, effect=witness))
        return witness


@contextmanager
def gettex(folder: Path, news: News) -> Iterator[Gettex]:
    """The services on the day before the filing is accepted; they know its share, but not yet the filing."""
    clock = SetBack(news.filing.accepted_at - DAY)
    trade = news.trade
    share = Share(900, trade.symbol or "", trade.issuer or "", trade.price or Decimal(0))
    isin = news.isin or share.isin
    euros = share.price / german.USD_PER_EUR
    price = Price(
        bid=(euros * (1 - HALF_SPREAD)).quantize(CENT, ROUND_FLOOR),
        ask=(euros * (1 + HALF_SPREAD)).quantize(CENT, ROUND_CEILING),
    )
    days = [clock().date() - n * DAY for n in range(-6, 6)]
    rates = {day: {"USD": german.USD_PER_EUR} for day in days if day.weekday() < 5}
    earlier = world.filing(7, news.filing.accepted_at - 2 * DAY)  # EDGAR is never empty
    with (
        EdgarServer([earlier], clock=clock) as edgar,
        OpenFigiServer([replace(known, isins=(isin,)) for known in records([share])]) as figi,
        EcbServer(rates) as ecb,
        LemonMarketsServer(
            [replace(known, isin=isin) for known in german.securities([share])], {isin: price}, clock=clock
        ) as lemon,
    ):
        yield Gettex(
            clock=clock,
            edgar=edgar,
            lemon=lemon,
            isin=isin,
            settings={
                "sources": "edgar",
                "edgar_url": edgar.url,
                "archive": folder / "archive",
                "user_agent": "insiderbot tests@example.org",
                "openfigi_url": figi.url,
                "ecb_url": ecb.url,
                "database_url": f"sqlite:///{folder / 'bot.db'}",
                "broker": "lemon_markets",
                "lemon_markets_url": lemon.url + "/v1",
                "lemon_markets_key": lemon.trading_key,
                "lemon_markets_data_key": lemon.data_key,
                "venue": "XMUN",
                "entry": "now",
                "poll_every": 1,
                "notional": 20_000,
                "max_order_value": 20_000,
                "more_than": news.more_than,
            },
        )
