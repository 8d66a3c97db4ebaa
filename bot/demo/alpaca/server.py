"""The stand-in over HTTP: paper trading (API v2) and market data of Alpaca from one base address."""

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from bot.demo.alpaca import api, views
from bot.demo.alpaca.book import Asset, Book, Order, Price, RefusalError
from bot.demo.faults import JSON, FailingStandIn, edited
from bot.demo.pace import Allowance, Pace
from bot.demo.serving import Query, Reply
from bot.ports import Clock
from bot.sessions import Sessions

MARKET_DATA: Final = "stocks"

real_money = edited(lambda account: {**account, "account_number": "900000001"})
"""An effect on /v2/account: the request is processed, and the account has the number of a live one."""


class AlpacaServer(FailingStandIn):
    """A paper account with `cash` USD inside a `with` block; `journal` has every request, in the order of the answers.

    Trading and market data share a pair of keys, and `per_minute` requests.
    """

    def __init__(
        self,
        assets: Sequence[Asset],
        prices: Mapping[str, Price],
        *,
        clock: Clock,
        cash: Decimal = Decimal(100_000),
        sessions: Sessions | None = None,
        per_minute: int = 200,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(self._reply)
        self.clock = clock
        self._sessions = sessions or Sessions("XNYS")
        self._cash = cash
        self._pace = Pace(per_minute, monotonic)
        self._begin(assets, prices)

    @property
    def orders(self) -> list[Order]:
        """Every order as it stands now, the oldest first."""
        with self._lock:
            self._book.settle(self.clock())
            return self._book.orders

    def take_over(self, orders: Sequence[Order]) -> None:
        """Keep orders that were placed and ended before, oldest first, and what they have done to cash and shares."""
        with self._lock:
            self._book.take_over(orders)

    def quote(self, symbol: str, bid: Decimal, ask: Decimal, at: datetime | None = None) -> None:
        """Let a share cost this from now on; what was due before is settled at the old price."""
        with self._lock:
            self._book.settle(self.clock())
            self._book.prices[symbol] = Price(bid=bid, ask=ask, at=at)

    def list_asset(self, asset: Asset) -> None:
        """Let a share be traded like this from now on."""
        with self._lock:
            self._book.assets[asset.symbol] = asset

    def lag(self, by: timedelta) -> None:
        """Show orders and positions so much later than they are; that an id was used is known at once."""
        with self._lock:
            self._book.lag = by

    def fill_in_lots(self, of: Decimal) -> None:
        """Fill no more than so many shares of an order at a time, from now on."""
        with self._lock:
            self._book.lot = of

    def reset(self) -> None:
        """A new paper account with new keys: every order and position is gone."""
        with self._lock:
            self._begin(list(self._book.assets.values()), self._book.prices)

    def _begin(self, assets: Sequence[Asset], prices: Mapping[str, Price]) -> None:
        self._book = Book(assets, prices, self._cash, self._sessions)
        self.key, self.secret = f"PK{secrets.token_hex(9).upper()}", secrets.token_hex(20)
        self._account_id, self._number = str(uuid4()), f"PA{secrets.token_hex(5).upper()}"

    def _reply(self, method: str, path: str, query: Query, headers: Mapping[str, str], body: bytes) -> Reply | None:
        parts = tuple(path.strip("/").split("/"))

        def process() -> Reply:
            with self._lock:
                now = self.clock()
                limits = _limits(allowance := self._pace.take(), now)
                call = api.Call(method=method, parts=parts[1:], query=query, body=body, now=now)
                try:
                    self._check(allowance, headers, parts[1:])
                    return _sent(200, self._answer(call), limits)
                except RefusalError as refusal:
                    code = {} if refusal.code is None else {"code": refusal.code}
                    return _sent(refusal.status, {**code, "message": str(refusal), **refusal.more}, limits)

        return self._met(method, path.rstrip("/"), query, body, lambda effect: effect(process))

    def _answer(self, call: api.Call) -> Any:
        self._book.settle(call.now)
        if (call.method, *call.parts) == ("GET", "account"):
            return views.account(self._book, self._account_id, self._number)
        return api.answer(self._book, call)

    def _check(self, allowance: Allowance, headers: Mapping[str, str], parts: Sequence[str]) -> None:
        if not allowance.is_admitted:
            raise RefusalError(429, 42910000, "too many requests")
        given = headers.get("apca-api-key-id"), headers.get("apca-api-secret-key")
        if given != (self.key, self.secret):
            is_data = parts[:1] == (MARKET_DATA,)
            raise RefusalError(401, None, "unauthorized.") if is_data else RefusalError(403, None, "forbidden.")


def _limits(allowance: Allowance, now: datetime) -> dict[str, str]:
    """The rate-limit headers of a request; the reset is an epoch's second."""
    return {
        "X-RateLimit-Limit": str(allowance.limit),
        "X-RateLimit-Remaining": str(allowance.left),
        "X-RateLimit-Reset": str(int(now.timestamp()) + allowance.seconds),
    }


def _sent(status: int, content: Any, headers: Mapping[str, str]) -> Reply:
    if content is None:
        return 204, headers, b""
    return status, {**headers, **JSON}, json.dumps(content).encode()
