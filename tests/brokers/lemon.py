"""Canned answers of lemon.markets for one order, and the adapter that reads them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import responses
from pydantic import SecretStr

from bot.demo.companies import SHARES
from bot.http import Http
from bot.model import OrderIntent
from bot.plugins import Kit
from bot.settings import Settings
from brokers.lemon_markets import LemonMarkets
from brokers.lemon_markets import broker as factory
from tests.builders import NOW, instrument, intent
from tests.fakes import Time

URL = "https://paper.example/v1"
DATA_URL = "https://paper-data.example/v1"
KEY = "canary-key-7f3a9"
DATA_KEY = "canary-data-key-2b8e1"
ISIN = SHARES[0].isin
OTHER_ISIN = SHARES[1].isin
SHARE = instrument("NWRB", isin=ISIN)
EMPTY = {"results": [], "previous": None, "next": None, "total": 0, "page": 1, "pages": 0}


def wanted(quantity: int = 24, n: int = 1, **changes: Any) -> OrderIntent:
    facts: dict[str, Any] = {
        "client_order_id": f"itb-{n:026}",
        "decision_id": f"d-{n:024}",
        "instrument": SHARE,
        "currency": "EUR",
    }
    facts["valid_from"] = NOW - timedelta(hours=8)
    return intent(quantity=Decimal(quantity), **(facts | changes))


WANTED = wanted()
PLACED = replace(WANTED.order(), broker_order_id="ord_1")


def row(**changes: Any) -> dict[str, Any]:
    """The order of `wanted()` as lists have it, executed unless told otherwise."""
    facts = {
        "id": "ord_1",
        "isin": ISIN,
        "isin_title": "NORTHWIND ROBOTICS",
        "created_at": "2026-03-03T15:00:00.000+00:00",
        "executed_at": "2026-03-04T14:30:01.250+00:00",
        "side": "buy",
        "quantity": 24,
        "status": "executed",
        "executed_quantity": 24,
        "executed_price": 371250,
        "charge": 20000,
        "notes": WANTED.client_order_id,
        "idempotency": WANTED.client_order_id,
    }
    return facts | changes


def resting(**changes: Any) -> dict[str, Any]:
    """The same order, inactive."""
    idle = {"status": "inactive", "executed_at": None, "executed_quantity": 0, "executed_price": 0}
    return row(**(idle | changes))


def page(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"results": list(rows), "previous": None, "next": None, "total": len(rows), "page": 1, "pages": 1} | changes


def paper(content: dict[str, Any]) -> dict[str, Any]:
    return {"time": "2026-03-03T15:00:00.000+00:00", "status": "ok", "mode": "paper", **content}


def error(code: str, message: str = "ours", **changes: Any) -> dict[str, Any]:
    return paper({"status": "error", "error_code": code, "error_message": message}) | changes


class Wire:
    """The broker's side of the wire: canned answers, one after the other for the same address."""

    def __init__(self) -> None:
        self.broker = adapter()

    def trading(self, path: str, content: Any, status: int = 200, method: str = "GET", **more: Any) -> None:
        responses.add(method, URL + path, json=paper(content), status=status, **more)

    def raw(self, path: str, body: str, status: int = 200, method: str = "GET", **more: Any) -> None:
        responses.add(method, URL + path, body=body, status=status, **more)

    def data(self, path: str, content: Any, status: int = 200, **more: Any) -> None:
        responses.get(DATA_URL + path, json=content, status=status, **more)

    def orders(self, *rows: dict[str, Any]) -> None:
        self.trading("/orders/", page(*rows))

    def refuse(self, code: str, status: int = 400, path: str = "/orders/", **changes: Any) -> None:
        responses.post(URL + path, json=error(code, **changes), status=status)

    @property
    def asked(self) -> list[str]:
        return [f"{call.request.method} {call.request.url}" for call in responses.calls]


def adapter(**changes: Any) -> LemonMarkets:
    values = {
        "lemon_markets_url": URL,
        "lemon_markets_key": SecretStr(KEY),
        "lemon_markets_data_url": DATA_URL,
        "lemon_markets_data_key": SecretStr(DATA_KEY),
    }
    return factory(Kit(settings=Settings.of(**(values | changes)), clock=Time(), http=Http("tests", deadline=5)))
