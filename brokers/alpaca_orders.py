"""An order in Alpaca's words, and its words on an order: what was sent, and where it stands."""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from bot.errors import BrokerError
from bot.model import Order, OrderStatus, Side
from bot.plain import decimal_text
from brokers.alpaca_api import Row, amount, instant, text, unexpected

CURRENCY: Final = "USD"
ORDER_ID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

# What each status means to us, and the reason we give for it. What can still be filled is working.
STATUSES: Final[Mapping[str, tuple[OrderStatus, str]]] = {
    "accepted": (OrderStatus.WORKING, ""),
    "accepted_for_bidding": (OrderStatus.WORKING, ""),
    "calculated": (OrderStatus.WORKING, ""),
    "done_for_day": (OrderStatus.WORKING, ""),
    "held": (OrderStatus.WORKING, ""),
    "new": (OrderStatus.WORKING, ""),
    "partially_filled": (OrderStatus.WORKING, ""),
    "pending_cancel": (OrderStatus.WORKING, ""),
    "pending_new": (OrderStatus.WORKING, ""),
    "pending_replace": (OrderStatus.WORKING, ""),
    "pending_review": (OrderStatus.WORKING, ""),
    "stopped": (OrderStatus.WORKING, ""),
    "suspended": (OrderStatus.WORKING, ""),
    "filled": (OrderStatus.FILLED, ""),
    "canceled": (OrderStatus.CANCELED, "canceled at alpaca"),
    "expired": (OrderStatus.EXPIRED, "not filled by the end of its day"),
    "rejected": (OrderStatus.REJECTED, "rejected by alpaca, which gives no reason"),
    "replaced": (OrderStatus.CANCELED, "replaced at alpaca by another order, which is not followed"),
}


def theirs(symbol: str) -> str:
    """Our symbol as Alpaca writes it: BRK.B."""
    return symbol.replace("-", ".")


def ours(symbol: str) -> str:
    """Alpaca's symbol as we write it: BRK-B."""
    return symbol.replace(".", "-")


def body(order: Order) -> dict[str, str]:
    """What is sent: the same order has the same body, whenever it is sent."""
    return {
        "symbol": theirs(order.symbol),
        "qty": decimal_text(order.quantity),
        "side": order.side.value,
        "type": "market",
        "time_in_force": "day",
        "client_order_id": order.client_order_id,
    }


def listed(row: Row) -> Order:
    """Any order of the account, in our words; BrokerError when it speaks in words unknown to us."""
    if (side := text(row, "side")) not in set(Side):
        raise unexpected("side", "buy or sell", side)
    if (said := text(row, "status")) not in STATUSES:
        raise unexpected("status", "one of an order", said)
    status, reason = STATUSES[said]
    filled = amount(row, "filled_qty", least=Decimal(0))
    is_by_value = row.get("qty") is None and row.get("notional") is not None  # its quantity is known by its fills only
    return Order(
        client_order_id=text(row, "client_order_id"),
        broker_order_id=_order_id(text(row, "id")),
        symbol=ours(text(row, "symbol")),
        side=Side(side),
        quantity=filled if is_by_value else amount(row, "qty", least=Decimal(0)),
        currency=CURRENCY,
        status=OrderStatus.PARTIAL if filled and status is OrderStatus.WORKING else status,
        filled=filled,
        price=amount(row, "filled_avg_price", least=Decimal(0)) if filled else None,
        reason=reason,
        updated_at=instant(row, "filled_at") if filled and row.get("filled_at") is not None else None,
    )


def told(order: Order, row: Row) -> Order:
    """Our order with the broker's word on it; BrokerError when that is about another order."""
    answer, sent = listed(row), body(order)
    for name in ("type", "time_in_force", "notional"):  # an answer may leave them out, but not contradict
        if row.get(name) not in (None, sent.get(name)):
            raise _another(name, sent.get(name), row[name])
    for name in ("client_order_id", "symbol", "side", "quantity"):
        if (found := getattr(answer, name)) != getattr(order, name):
            raise _another(name, getattr(order, name), found)
    return replace(answer, isin=order.isin, mic=order.mic, valid_from=order.valid_from, valid_until=order.valid_until)


def path(broker_order_id: str) -> str:
    """Where an order is found; BrokerError when its id could lead elsewhere."""
    return f"/v2/orders/{_order_id(broker_order_id)}"


def _another(name: str, sent: object, found: object) -> BrokerError:
    return unexpected(name, f"what was sent, {str(sent)!r},", str(found))


def _order_id(words: str) -> str:
    if not ORDER_ID.fullmatch(words):
        raise unexpected("id", "the id of an order", words)
    return words
