"""What a schedule is about: who traded what, and when the bot lives and dies; plain values that repeat exactly."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

from bot.demo.companies import SHARES, Share
from bot.model import InsiderTrade, Instrument, Side
from bot.orders import client_order_id, decision_id
from bot.sessions import Sessions
from tests.builders import instrument, trade

KINDS: Final = ("lemon_markets", "alpaca", "simulated")
VENUES: Final = {"lemon_markets": "XMUN", "alpaca": "XNYS", "simulated": "XNYS"}
TICKERS: Final = ("NWRB", "KLPF", "QLMK", "HLHC")
NEW_YORK: Final = ZoneInfo("America/New_York")
ACCOUNT, STRATEGY = "paper", "executives"
CASH: Final = Decimal(50_000)
NOTIONAL: Final = Decimal(1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One reported trade; every row has another owner."""

    number: int
    symbol: str
    code: str
    is_officer: bool
    known_at: datetime

    @property
    def is_followed(self) -> bool:
        """Whether the laboratory's strategy follows it: an officer's own purchase or sale."""
        return self.is_officer and self.code in {"P", "S"}

    @property
    def side(self) -> Side:
        """What the bot is to do."""
        return Side.BUY if self.code == "P" else Side.SELL

    @property
    def key(self) -> str:
        """How the store finds it again."""
        return f"row-{self.number}"

    @property
    def client_order_id(self) -> str:
        """The key of the one order that may follow it, by the facts of the row alone."""
        return client_order_id(
            decision_id(
                account=ACCOUNT,
                strategy=STRATEGY,
                share_class=listed(self.symbol).share_class_figi,
                side=self.side,
                filed_on=self.known_at.astimezone(NEW_YORK).date(),
            )
        )

    def trade(self) -> InsiderTrade:
        """The row as a source shows it."""
        filed_on = self.known_at.astimezone(NEW_YORK).date()
        return trade(
            key=self.key,
            symbol=self.symbol,
            issuer=share(self.symbol).company,
            owner=f"Okafor Number {self.number}",
            title="Chief Financial Officer" if self.is_officer else "Director",
            is_officer=self.is_officer,
            code=self.code,
            price=share(self.symbol).price,
            traded_on=filed_on - timedelta(days=1),
            filed_on=filed_on,
            known_at=self.known_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A fault by its name on the requests of a target: it spares the first `after` and hits the next `times`."""

    name: str
    target: str
    after: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One life: when, what breaks from its beginning on, and the failpoint it dies at (0: none).

    `late` lets what was postponed through before it; a `deaf` life reaches no broker at all, and one that is only
    `watching` decides nothing new. `asks` is what an operator does before it. At the failpoint `cut_at` those of its
    connections to the database are ended that `cut` says (1: the first, 2: the second, 3: both).
    """

    at: datetime
    kill_at: int = 0
    breaks: tuple[Break, ...] = ()
    late: bool = False
    deaf: bool = False
    watching: bool = False
    asks: Literal["", "halt", "flatten", "resume"] = ""
    cut_at: int = 0
    cut: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One experiment; `again` is the command that repeats it.

    After it come four clean lives, of which only the first `clean` are lived when everything is settled by then.
    """

    kind: str
    rows: tuple[Row, ...]
    steps: tuple[Step, ...]
    again: str
    lag: timedelta = timedelta()
    clean: int = 4

    @property
    def sessions(self) -> Sessions:
        """The broker's venue."""
        return Sessions(VENUES[self.kind])

    @property
    def broken(self) -> set[str]:
        """The names of the faults in it."""
        return {each.name for step in self.steps for each in step.breaks}


def share(symbol: str) -> Share:
    """The company behind a ticker."""
    return next(each for each in SHARES if each.ticker == symbol)


def listed(symbol: str) -> Instrument:
    """The instrument that every ticker is mapped to."""
    return instrument(symbol, isin=share(symbol).isin)
