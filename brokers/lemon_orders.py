"""An order in lemon.markets' words, and their words on an order: what was sent, where it stands, and why not."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from bot.errors import BrokerError
from bot.model import Order, OrderStatus, Side
from brokers.lemon_api import Row, euros, instant, printable, text, unexpected, whole

CURRENCY: Final = "EUR"
ORDER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

# What each status means to us, and the reason we give for it.
STATUSES: Final[Mapping[str, tuple[OrderStatus, str]]] = {
    "inactive": (OrderStatus.INACTIVE, ""),
    "activated": (OrderStatus.WORKING, ""),
    "open": (OrderStatus.WORKING, ""),
    "in_progress": (OrderStatus.WORKING, ""),
    "canceling": (OrderStatus.WORKING, ""),
    "executed": (OrderStatus.FILLED, ""),
    "canceled": (OrderStatus.CANCELED, "canceled at lemon_markets"),
    "expired": (OrderStatus.EXPIRED, "not executed by the end of its day"),
    "rejected": (OrderStatus.REJECTED, "rejected by lemon_markets or its venue, which give no reason"),
}
NOT_LIVE: Final = frozenset({OrderStatus.INACTIVE, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED})
SEEN_BEFORE: Final = "order_idempotency_violation"
# The errors that are a decision on this very order; any other leaves open what became of it.
REFUSALS: Final = frozenset(
    {
        SEEN_BEFORE,
        "account_insufficient_funds",
        "forbidden_for_venue",
        "instrument_not_found",
        "instrument_not_tradable",
        "insufficient_holdings",
        "invalid_query",
        "order_expiration_date_invalid",
        "order_limit_exceeded",
        "order_total_price_limit_exceeded",
        "order_total_price_too_low",
        "plan_not_allowed",
        "trading_blocked",
        "trading_disabled",
        "venue_not_found",
    }
)


def facts(order: Order) -> dict[str, Any]:
    """What makes the order this order, in the broker's words."""
    return {
        "isin": order.isin,
        "side": order.side.value,
        "quantity": int(order.quantity),
        "idempotency": order.client_order_id,
    }


def told(order: Order, row: Row) -> Order:
    """Our order with the broker's word on it; BrokerError when it speaks of another, or in words unknown to us."""
    for name, ours in facts(order).items():
        if type(row.get(name)) is not type(ours) or row[name] != ours:
            raise unexpected(name, f"what was sent, {ours!r},", row.get(name))
    return replace(
        listed(row), symbol=order.symbol, mic=order.mic, valid_from=order.valid_from, valid_until=order.valid_until
    )


def listed(row: Row) -> Order:
    """Any order of the account, under the title the broker has for the share; BrokerError for words unknown to us."""
    if (side := text(row, "side")) not in set(Side):
        raise unexpected("side", "buy or sell", side)
    if (said := text(row, "status")) not in STATUSES:
        raise unexpected("status", "one of an order", said)
    status, reason = STATUSES[said]
    filled = whole(row, "executed_quantity") if row.get("executed_quantity") is not None else 0
    return Order(
        client_order_id=text(row, "idempotency") if row.get("idempotency") else "",
        broker_order_id=_order_id(text(row, "id")),
        symbol=title(row),
        isin=text(row, "isin"),
        side=Side(side),
        quantity=Decimal(whole(row, "quantity", least=1)),
        currency=CURRENCY,
        status=OrderStatus.PARTIAL if filled and status is OrderStatus.WORKING else status,
        filled=Decimal(filled),
        price=euros(row, "executed_price", least=1) if filled else None,
        fee=euros(row, "charge") if filled else Decimal(0),  # announced before, charged when executed
        reason=reason,
        updated_at=instant(row, "executed_at") if row.get("executed_at") is not None else None,
    )


def ours(order: Order, rows: Iterable[Row]) -> Order | None:
    """Of all these orders the one that carries our id: the live one, else the oldest inactive, else the oldest.

    BrokerError when two of them are live, or when one that carries our id is another order.
    """
    mine = [row for row in rows if order.client_order_id in _names(row)]
    found = [told(order, row) for row in sorted(mine, key=lambda row: instant(row, "created_at"))]
    live = [each for each in found if each.status not in NOT_LIVE or each.filled]
    if len(live) > 1:
        raise BrokerError(
            f"lemon_markets has {len(live)} live orders under {order.client_order_id}: look at them there"
        )
    inactive = [each for each in found if each.status is OrderStatus.INACTIVE]
    return next(iter(live or inactive or found), None)


def title(row: Row) -> str:
    """What the broker calls a share; its ISIN where it has no name for it."""
    name = row.get("isin_title")
    return (isinstance(name, str) and printable(name)) or text(row, "isin")


def path(broker_order_id: str) -> str:
    """Where an order is found; BrokerError when its id could lead elsewhere."""
    return f"/orders/{_order_id(broker_order_id)}/"


def _names(row: Row) -> list[str | None]:
    """Where an order may carry our id: a member that is no text could be it, and must not be passed over."""
    names = [row.get(name) for name in ("idempotency", "notes")]
    for name, value in zip(("idempotency", "notes"), names, strict=True):
        if not isinstance(value, str | None):
            raise unexpected(name, "text or nothing", value)
    return names


def _order_id(words: str) -> str:
    if not ORDER_ID.fullmatch(words):
        raise unexpected("id", "the id of an order", words)
    return words
