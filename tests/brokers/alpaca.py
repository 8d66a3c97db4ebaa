"""Canned answers of Alpaca for one order, and the adapter that reads them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import responses
from pydantic import SecretStr

from bot.demo.alpaca.server import AlpacaServer
from bot.http import Http
from bot.model import OrderIntent
from bot.plugins import Kit
from bot.settings import Settings
from brokers.alpaca import DATA_URL, Alpaca
from brokers.alpaca import PAPER_URL as URL
from brokers.alpaca import broker as factory
from tests.builders import NOW, instrument, intent
from tests.fakes import Time

KEY, SECRET = "canary-key-7f3a9", "canary-secret-2b8e1"
SHARE = instrument("NWRB")
ID, OTHER_ID = "5d7c7f1e-0f0b-4c67-9f2e-3f7a2f5d9a10", "6d7c7f1e-0f0b-4c67-9f2e-3f7a2f5d9a11"
ACCOUNT = {
    "account_number": "PA3NW0000001",
    "currency": "USD",
    "cash": "99505.6",
    "non_marginable_buying_power": "99405.6",
}
ASSET = {"symbol": "NWRB", "status": "active", "tradable": True, "fractionable": True}


def wanted(quantity: int | str = 24, n: int = 1, **changes: Any) -> OrderIntent:
    """An order of the session under way."""
    facts = {"client_order_id": f"itb-{n:026}", "decision_id": f"d-{n:024}", "quantity": Decimal(quantity)}
    facts["valid_from"] = NOW - timedelta(hours=1)  # type: ignore[assignment]
    return intent(**(facts | changes))


WANTED = wanted()
PLACED = replace(WANTED.order(), broker_order_id=ID)


def row(**changes: Any) -> dict[str, Any]:
    """The order of `wanted()`, filled unless told otherwise."""
    facts = {
        "id": ID,
        "client_order_id": WANTED.client_order_id,
        "submitted_at": "2026-03-03T15:00:00.116870004Z",
        "filled_at": "2026-03-03T15:00:01.25Z",
        "symbol": "NWRB",
        "qty": "24",
        "notional": None,
        "filled_qty": "24",
        "filled_avg_price": "41.2042",
        "order_class": "",
        "type": "market",
        "side": "buy",
        "time_in_force": "day",
        "status": "filled",
    }
    return facts | changes


def resting(**changes: Any) -> dict[str, Any]:
    """The same order, live and not filled."""
    idle = {"status": "pending_new", "filled_qty": "0", "filled_avg_price": None, "filled_at": None}
    return row(**(idle | changes))


def error(code: int, message: str = "ours", **more: Any) -> dict[str, Any]:
    return {"code": code, "message": message, **more}


NOT_FOUND = error(40410000, "order not found")


class Wire:
    """The broker's side of the wire: canned answers, one after the other for the same address."""

    def __init__(self) -> None:
        self.broker = adapter()

    def get(self, path: str, content: Any, status: int = 200, **more: Any) -> None:
        responses.get(URL + path, json=content, status=status, **more)

    def data(self, content: Any, status: int = 200, **more: Any) -> None:
        responses.get(f"{DATA_URL}/v2/stocks/quotes/latest", json=content, status=status, **more)

    def raw(self, path: str, body: str, status: int = 200, method: str = "GET", **more: Any) -> None:
        responses.add(method, URL + path, body=body, status=status, **more)

    def ready(self, **asset: Any) -> None:
        """Account and share are as they should be."""
        self.get("/v2/account", ACCOUNT)
        self.get("/v2/assets/NWRB", ASSET | asset)

    def submitted(self, content: Any, status: int = 200) -> None:
        """What the POST of a good order is answered with."""
        self.ready()
        responses.post(f"{URL}/v2/orders", json=content, status=status)

    def known(self, content: Any, status: int = 200) -> None:
        """What is found under our id."""
        self.get("/v2/orders:by_client_order_id", content, status)

    @property
    def asked(self) -> list[str]:
        return [f"{call.request.method} {str(call.request.url).removeprefix(URL)}" for call in responses.calls]


def kit(**changes: Any) -> Kit:
    values = {"alpaca_key": SecretStr(KEY), "alpaca_secret": SecretStr(SECRET)} | changes
    return Kit(settings=Settings.of(**values), clock=Time(), http=Http("tests", deadline=5))


def adapter(**changes: Any) -> Alpaca:
    return factory(kit(**changes))


def before(standin: AlpacaServer, **changes: Any) -> Alpaca:
    """The adapter of the stand-in's account."""
    keys = {"alpaca_key": SecretStr(standin.key), "alpaca_secret": SecretStr(standin.secret)}
    return adapter(alpaca_url=standin.url, **keys, **changes)
