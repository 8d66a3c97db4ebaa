"""The stand-in over HTTP: trading and market data of lemon.markets' retail API (v1) from one base address.

Every path works with and without a closing slash, and with and without /v1 before it.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from bot.demo.faults import Effect, FailingStandIn
from bot.demo.lemon import api, views
from bot.demo.lemon.book import Book, Order, Price, RefusalError, Security
from bot.demo.lemon.views import Json
from bot.demo.pace import Allowance, Pace
from bot.demo.serving import Query, Reply
from bot.ports import Clock
from bot.sessions import Sessions


class LemonMarketsServer(FailingStandIn):
    """A paper account with `cash` EUR inside a `with` block; `journal` has every request, in the order of the answers.

    Trading and market data have a key each, and `per_minute` requests each.
    """

    def __init__(
        self,
        securities: Sequence[Security],
        prices: Mapping[str, Price],
        *,
        clock: Clock,
        cash: Decimal = Decimal(100_000),
        sessions: Sessions | None = None,
        trading_key: str = "standin-trading-key",
        data_key: str = "standin-data-key",
        per_minute: int = 300,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(self._reply)
        self.trading_key, self.data_key = trading_key, data_key
        self._cash = cash
        self._book = Book(securities, prices, cash, sessions or Sessions("XMUN"))
        self._clock = clock
        self._trading_pace, self._data_pace = Pace(per_minute, monotonic), Pace(per_minute, monotonic)

    @property
    def orders(self) -> list[Order]:
        """Every order as it stands now, the newest first."""
        with self._lock:
            self._book.settle(self._clock())
            return self._book.orders

    def take_over(self, orders: Sequence[Order]) -> None:
        """Keep orders that were placed and ended before, oldest first, and what they have done to cash and shares."""
        with self._lock:
            self._book.take_over(orders)

    def quote(self, isin: str, bid: Decimal, ask: Decimal, at: datetime | None = None) -> None:
        """Let a share cost this from now on; what was due before is settled at the old price."""
        with self._lock:
            self._book.settle(self._clock())
            self._book.prices[isin] = Price(bid=bid, ask=ask, at=at)

    def fill_in_lots(self, of: int) -> None:
        """Execute no more than so many shares of an order at a time, from now on."""
        with self._lock:
            self._book.lot = of

    def reset(self) -> None:
        """The same account anew: every order and position is gone."""
        with self._lock:
            book = self._book
            self._book = Book(list(book.securities.values()), book.prices, self._cash, book.sessions)

    def _reply(self, method: str, path: str, query: Query, headers: Mapping[str, str], body: bytes) -> Reply | None:
        short = re.sub(r"^/v1(?=/)", "", path).rstrip("/")
        parts = tuple(short.split("/")[1:])

        def process() -> Reply:
            with self._lock:
                call = api.Call(
                    method=method,
                    parts=parts,
                    address=self.url + path,
                    query=query,
                    content_type=headers.get("content-type", ""),
                    body=body,
                    now=self._clock(),
                )
                return self._processed(call, headers.get("authorization", ""))

        def answer(effect: Effect) -> Reply | None:
            try:
                return effect(process)
            except RefusalError as refusal:  # told to refuse
                return _refusal(parts, self._clock(), refusal, {})

        return self._met(method, short, query, body, answer)

    def _processed(self, call: api.Call, authorization: str) -> Reply:
        headers: dict[str, str] = {}
        try:
            if api.TRADING.intersection(call.parts[:1]):
                key, pace = self.trading_key, self._trading_pace
            else:
                key, pace = self.data_key, self._data_pace
            _check(authorization, key)
            headers |= _limits(pace.take())
            if "Retry-After" in headers:
                return _refusal(call.parts, call.now, RefusalError("rate_limit_exceeded", "wait", 429), headers)
            self._book.settle(call.now)
            return _sent(call.parts, call.now, 200, api.answer(self._book, call), headers)
        except RefusalError as refusal:
            return _refusal(call.parts, call.now, refusal, headers)


def _limits(allowance: Allowance) -> dict[str, str]:
    """The rate-limit headers of a request; with Retry-After when it was one too many."""
    reset = str(allowance.seconds)
    limits = {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.left),
        "RateLimit-Reset": reset,
    }
    return limits if allowance.is_admitted else {**limits, "Retry-After": reset}


def _check(authorization: str, expected: str) -> None:
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise RefusalError("unauthorized", "there is no Bearer key", 401)
    if key != expected:
        raise RefusalError("token_invalid", "this key does not open this", 401)


def _refusal(parts: Sequence[str], now: datetime, refusal: RefusalError, headers: Mapping[str, str]) -> Reply:
    answer = {"status": "error", "error_code": refusal.code, "error_message": str(refusal)}
    return _sent(parts, now, refusal.status, answer, headers)


def _sent(parts: Sequence[str], now: datetime, status: int, answer: Json, headers: Mapping[str, str]) -> Reply:
    """The answer with its time, and in trading with its status and mode."""
    common = {"status": "ok", "mode": "paper"} if api.TRADING.intersection(parts[:1]) else {}
    body = json.dumps({"time": views.stamp(now), **common, **answer}, ensure_ascii=False).encode()
    return status, {**headers, "Content-Type": "application/json; charset=utf-8"}, body
