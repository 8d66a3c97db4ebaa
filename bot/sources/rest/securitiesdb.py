"""SecuritiesDB's insider activity by ticker: a second opinion and a list to scan, never by itself a reason to trade.

Its rows name no filing, no price and no hour. As trades they have no side, no filing day and no instant of becoming
public: no rule lets such a row pass, and the engine quarantines it whatever a strategy says.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pandas as pd

from bot.errors import ConfigError, SourceError
from bot.model import InsiderTrade
from bot.plain import decimal_text
from bot.plugins import Kit
from bot.sources.cells import TICKER
from bot.sources.rest.activity import Activity, Deal, activity_of
from bot.sources.rest.api import Api, RefusedError, UnansweredError, credentials
from bot.trades import to_table, validate

NAME: Final = "securitiesdb"
SECONDS_BETWEEN: Final = 1.0
PATIENCE: Final = 3  # so many failures in a row are the service's, and not those of single tickers
KINDS: Final[Mapping[str, tuple[str, str]]] = {"purchase": ("P", "A"), "sale": ("S", "D"), "grant": ("A", "A")}

Answer = Activity | SourceError | None
"""What is known about a company, why there is no telling, or None where the service does not know the ticker."""


class SecuritiesDb:
    """What SecuritiesDB knows about these tickers."""

    name = NAME

    def __init__(self, api: Api, url: str, tickers: Sequence[str]) -> None:
        self._api = api
        self._url = url
        self._tickers = tickers

    def fetch(self, _: datetime) -> pd.DataFrame:
        """The rows of all tickers as trades that nothing may trade on; SourceError when none has an answer."""
        told = self.activities(self._tickers)
        known = [answer for answer in told.values() if isinstance(answer, Activity)]
        table = validate(to_table(trade for activity in known for trade in trades(activity)))
        table.attrs["left_out"] = left_out(told)
        return table

    def activities(self, tickers: Sequence[str]) -> dict[str, Answer]:
        """What is known about each ticker, or why there is no telling; SourceError when none of them has an answer."""
        told: dict[str, Answer] = {}
        for ticker in tickers:
            last = list(told.values())[-PATIENCE:]
            told[ticker] = last[-1] if _is_out(last) else self._answer(ticker)
        failures = [answer for answer in told.values() if isinstance(answer, SourceError)]
        if failures and len(failures) == len(told):
            raise next((error for error in failures if isinstance(error, UnansweredError)), failures[0])
        return told

    def _answer(self, ticker: str) -> Answer:
        try:
            return self.activity(ticker)
        except SourceError as error:
            return error

    def activity(self, ticker: str) -> Activity | None:
        """What is known about one company; None when the service does not know the ticker."""
        url = f"{self._url}/api/v1/stocks/{quote(ticker, safe='')}/insider-activity"
        try:
            return activity_of(self._api.get(url), ticker)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise


def source(kit: Kit) -> SecuritiesDb:
    """SecuritiesDB on the settings' watchlist."""
    tickers = watchlist(kit.settings.watchlist)
    if not tickers:
        raise ConfigError("BOT_WATCHLIST is empty: securitiesdb is asked ticker by ticker; write for example AAPL,MSFT")
    return scanner(kit, tickers)


def scanner(kit: Kit, tickers: Sequence[str] = ()) -> SecuritiesDb:
    """SecuritiesDB, for any tickers one likes to ask about."""
    settings = kit.settings
    api = Api(
        kit.http, "SecuritiesDB", credentials("BOT_SECURITIESDB_KEY", settings.securitiesdb_key), every=SECONDS_BETWEEN
    )
    return SecuritiesDb(api, settings.securitiesdb_url, tickers)


def watchlist(entries: Sequence[str]) -> tuple[str, ...]:
    """Tickers, each once, from entries that are tickers or name a file of them (@FILE); ConfigError for another one."""
    found: dict[str, None] = {}
    for entry in entries:
        for ticker in _in_file(Path(entry[1:])) if entry.startswith("@") else [entry]:
            if not re.fullmatch(TICKER, ticker.upper(), re.ASCII):
                raise ConfigError(f"the watchlist has {ticker[:40]!r}, which is no ticker such as AAPL or BRK.B")
            found[ticker.upper()] = None
    return tuple(found)


def left_out(told: Mapping[str, Answer]) -> tuple[str, ...]:
    """Why there is no telling about some of the tickers, a sentence each."""
    return tuple(f"{ticker}: {answer}" for ticker, answer in told.items() if isinstance(answer, SourceError))


def _is_out(last: Sequence[Answer]) -> bool:
    """Whether the service refuses or is busy whatever it is asked, by its last answers: it is left alone then."""
    return len(last) == PATIENCE and all(isinstance(each, RefusedError | UnansweredError) for each in last)


def trades(activity: Activity) -> list[InsiderTrade]:
    """The rows as trades without side, price, filing day and instant."""
    seen: Counter[str] = Counter()
    return [_trade(activity.ticker, deal, seen) for deal in activity.recent]


def _trade(ticker: str, deal: Deal, seen: Counter[str]) -> InsiderTrade:
    code, acquired = KINDS.get(deal.kind.lower(), (None, None))
    return InsiderTrade(
        key=_key(ticker, deal, seen),
        source=NAME,
        symbol=ticker.replace(".", "-"),
        owner=deal.insider,
        code=code,
        acquired=acquired,
        traded_on=deal.on,
        shares=deal.shares,
        value=deal.value,
        currency="USD",
    )


def _key(ticker: str, deal: Deal, seen: Counter[str]) -> str:
    """A digest of the row's facts; rows that say the same are told apart by their order."""
    shares = "" if deal.shares is None else decimal_text(deal.shares)
    facts = "|".join((ticker, deal.insider, deal.kind, str(deal.on), shares))
    seen[facts] += 1
    return f"{NAME}:{hashlib.sha256(f'{facts}|{seen[facts]}'.encode()).hexdigest()[:24]}"


def _in_file(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").replace(",", " ").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the watchlist {path} cannot be read as UTF-8 text ({type(error).__name__})") from None
