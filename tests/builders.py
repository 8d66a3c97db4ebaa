"""Records about invented people and companies; a test names only the facts it is about."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
from hypothesis import settings

from bot.events import as_table, find_events
from bot.model import (
    Account,
    Decision,
    Event,
    InsiderTrade,
    Instrument,
    Order,
    OrderIntent,
    Quote,
    Role,
    Side,
    Signal,
)
from bot.trades import to_table

FEW = settings(max_examples=25, deadline=None)  # for properties of tables, each of which takes milliseconds to build
NOW = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)  # a Tuesday, 10:00 in New York
KNOWN_AT = datetime(2026, 3, 2, 22, 3, tzinfo=UTC)  # the evening before
KINDS = {  # code -> side, acquired or disposed of
    "P": (Side.BUY, "A"),
    "S": (Side.SELL, "D"),
    "M": (None, "A"),
    "A": (None, "A"),
    "F": (None, "D"),
}


def trade(**changes: Any) -> InsiderTrade:
    """One line: the finance chief of Northwind Robotics buys 1,000 shares at 40 USD and holds 11,000 after it.

    `side` and `acquired` follow from `code`, `value` from shares and price, and `key` from all facts, unless given.
    """
    code = changes.get("code", "P")
    side, acquired = KINDS.get(code, (None, None))
    facts: dict[str, Any] = {
        "source": "invented",
        "form": "4",
        "issuer": "Northwind Robotics Inc",
        "symbol": "NWRB",
        "owner": "Okafor Adaeze M",
        "title": "Chief Financial Officer",
        "is_officer": True,
        "role": Role.CFO,
        "code": code,
        "acquired": acquired,
        "side": side,
        "traded_on": date(2026, 2, 27),
        "filed_on": date(2026, 3, 2),
        "known_at": KNOWN_AT,
        "shares": Decimal(1000),
        "price": Decimal(40),
        "currency": "USD",
        "shares_after": Decimal(11_000),
    } | changes
    if facts["shares"] is not None and facts["price"] is not None:
        facts.setdefault("value", facts["shares"] * facts["price"])
    facts.setdefault(
        "key", "/".join(str(facts.get(name)) for name in ("symbol", "owner", "code", "traded_on", "shares"))
    )
    return InsiderTrade(**facts)


def table(*trades: InsiderTrade) -> pd.DataFrame:
    """The lines as a trades table."""
    return to_table(trades)


def events(*trades: InsiderTrade) -> pd.DataFrame:
    """The events in these lines."""
    return as_table(find_events(to_table(trades)))


def instrument(symbol: str = "NWRB", **changes: Any) -> Instrument:
    """A proven common share without an ISIN."""
    facts: dict[str, Any] = {"symbol": symbol, "name": f"{symbol} INC", "share_class_figi": f"BBG001{symbol:0>6}"[:12]}
    return Instrument(**(facts | changes))


def quote(symbol: str = "NWRB", **changes: Any) -> Quote:
    """39.98 bid and 40.02 asked, in USD, this minute."""
    facts: dict[str, Any] = {
        "symbol": symbol,
        "bid": Decimal("39.98"),
        "ask": Decimal("40.02"),
        "currency": "USD",
        "at": NOW,
    }
    return Quote(**(facts | changes))


def account(**changes: Any) -> Account:
    """A paper account with 100,000 USD, all of it available."""
    facts: dict[str, Any] = {"id": "paper", "currency": "USD", "cash": Decimal(100_000), "available": Decimal(100_000)}
    return Account(**(facts | changes))


def intent(**changes: Any) -> OrderIntent:
    """To buy 24 shares of Northwind Robotics in the session of 4 March 2026."""
    facts: dict[str, Any] = {
        "client_order_id": "itb-" + "a" * 26,
        "decision_id": "d-" + "0" * 24,
        "account": "paper",
        "strategy": "executives",
        "instrument": instrument(),
        "side": Side.BUY,
        "quantity": Decimal(24),
        "currency": "USD",
        "session": date(2026, 3, 4),
        "valid_from": datetime(2026, 3, 4, 14, 30, tzinfo=UTC),
        "valid_until": datetime(2026, 3, 4, 21, 0, tzinfo=UTC),
        "created_at": NOW,
    }
    return OrderIntent(**(facts | changes))


def order(**changes: Any) -> Order:
    """The order of `intent()`, as it begins."""
    return replace(intent().order(), **changes)


def event(**changes: Any) -> Event:
    """One event of the one line `trade()`, 10,000 shares held before; `trade` may be given as any other record."""
    line = changes.get("trade", trade())
    facts: dict[str, Any] = {
        "key": f"e-{line.key}",
        "trade": line,
        "keys": (line.key,),
        "symbols": (line.symbol,),
        "held_before": Decimal(10_000),
    }
    return Event(**(facts | changes))


def decision(**changes: Any) -> Decision:
    """A yes to `event()`."""
    followed = changes.get("event", event())
    facts: dict[str, Any] = {
        "event": followed,
        "verdict": Signal(side=followed.trade.side or Side.BUY, reason="it passed every rule"),
    }
    return Decision(**(facts | changes))
