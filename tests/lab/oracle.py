"""What must be true in the end, by the rows that went in and the orders in the account; the bot's word is checked."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.model import Side
from tests.lab.accounts import Placed
from tests.lab.ledger import Ledger
from tests.lab.world import Row

UNSURE = frozenset({"intent", "submitting", "inactive", "activating"})
LIVE = frozenset({"working", "partial", "filled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The rows, the orders at the broker, and the tables of the bot: lines with their events, orders, fills.

    `disputed` are the keys that the bot has halted for, because the books contradict: an operator has looked at them.
    `gone` are orders of an account that was reset.
    """

    rows: Sequence[Row]
    placed: Sequence[Placed]
    decided: Mapping[str, Mapping[str, Any]]
    orders: Mapping[str, Mapping[str, Any]]
    bought: Mapping[str, Decimal]
    integrity: str
    disputed: frozenset[str] = frozenset()
    gone: Sequence[Placed] = ()


def evidence(
    rows: Sequence[Row], placed: Sequence[Placed], gone: Sequence[Placed], ledger: Ledger, *, sqlite: bool
) -> Evidence:
    """What there is to judge by now."""
    lines = ledger.rows(
        "SELECT lines.key, decision, rule, reason, final, events.client_order_id"
        " FROM lines JOIN events ON events.event_key = lines.event_key"
    )
    fills: Counter[str] = Counter()
    for fill in ledger.rows("SELECT symbol, side, quantity FROM fills"):
        fills[fill["symbol"]] += Decimal(fill["quantity"]) * (1 if fill["side"] == Side.BUY else -1)  # type: ignore[assignment]
    return Evidence(
        rows=rows,
        placed=placed,
        decided={line["key"]: line for line in lines},
        orders={order["client_order_id"]: order for order in ledger.rows("SELECT * FROM orders")},
        bought={symbol: Decimal(quantity) for symbol, quantity in fills.items()},
        integrity=ledger.rows("PRAGMA integrity_check")[0]["integrity_check"] if sqlite else "ok",
        disputed=_disputed(ledger),
        gone=gone,
    )


def _disputed(ledger: Ledger) -> frozenset[str]:
    kept = ledger.rows("SELECT value FROM cursors WHERE name = 'acknowledged_orders'")
    return frozenset(json.loads(kept[0]["value"]) if kept else ())


def violations(seen: Evidence) -> list[str]:
    """Every invariant that does not hold, each with its number first."""
    return [
        *_doubles(seen),
        *_losses(seen),
        *_strangers(seen),
        *_disagreements(seen),
        *_miscopied(seen),
        *_oversold(seen.placed),
        *_oversold(seen.gone),
        *_miscounted(seen),
        *([] if seen.integrity == "ok" else [f"integrity: {seen.integrity}"]),
    ]


def orphans(seen: Evidence) -> list[str]:
    """Orders of ours that wait at the broker to be activated, and never will be."""
    open_ids = {order["broker_order_id"] for order in seen.orders.values() if order["status"] in UNSURE}
    searched = {key for key, order in seen.orders.items() if order["status"] in {"intent", "submitting"}}
    return [
        f"I7 {each.id} of {each.key} is inactive, and nobody will activate it"
        for each in seen.placed
        if each.state == "inactive" and each.id not in open_ids and each.key not in searched
    ]


def _doubles(seen: Evidence) -> list[str]:
    """More than one order that ever was live for one decision, in one account: one that was reset is another."""
    found = []
    for account in (seen.placed, seen.gone):
        live = Counter(each.key for each in account if each.was_live)
        found += [f"I1 {count} live orders under {key}" for key, count in live.items() if count > 1]
    return found


def _losses(seen: Evidence) -> list[str]:
    """Rows without an end, and orders that are neither one thing nor the other."""
    found = []
    live = {each.key for each in seen.placed if each.state in {"open", "filled"}}
    for row in seen.rows:
        decided = seen.decided.get(row.key)
        if decided is None or not decided["final"]:
            found.append(f"I2 {row.key} is not decided: {decided}")
        elif row.is_followed and not decided["rule"] and row.client_order_id not in seen.orders:
            found.append(f"I2 {row.key} is followed, and there is no order {row.client_order_id}")
        elif row.is_followed and decided["rule"] and not decided["reason"]:
            found.append(f"I2 {row.key} is not followed, and nobody knows why")
    for key, order in seen.orders.items():
        if order["status"] in UNSURE:
            found.append(f"I2 {key} is still {order['status']}")
        elif order["status"] not in LIVE and not order["reason"] and key not in live:
            found.append(f"I2 {key} is {order['status']}, and nobody knows why")
    return found


def _strangers(seen: Evidence) -> list[str]:
    """Orders that no row asks for."""
    wanted = {row.client_order_id for row in seen.rows if row.is_followed}
    placed = [*seen.placed, *seen.gone]
    return [f"I3 no row leads to {each.key}" for each in placed if each.key not in wanted] + [
        f"I3 {each.key} was never written down" for each in placed if each.key not in seen.orders
    ]


def _disagreements(seen: Evidence) -> list[str]:
    """Where the bot's word on an order is not the broker's."""
    found = []
    live = {each.key: each for each in seen.placed if each.state in {"open", "filled"}}
    filled = {each.id for each in seen.gone if each.filled}
    for key, order in seen.orders.items():
        if key in seen.disputed or (key not in live and order["broker_order_id"] in filled):
            continue
        there = live.get(key)
        if there and order["status"] not in LIVE:
            found.append(f"I5 {key} is {order['status']} here, and {there.state} at the broker")
        elif there is None and order["status"] in LIVE:
            found.append(f"I5 {key} is {order['status']} here, and not alive at the broker")
        elif there and order["broker_order_id"] != there.id:
            found.append(f"I4 {key} is {order['broker_order_id']} here, and lives as {there.id}")
    return found


def _miscopied(seen: Evidence) -> list[str]:
    """Where we count other shares than the broker has filled; before a reset there may have been more than we saw."""
    found = []
    placed = {each.id: each for each in seen.placed}
    gone = {each.id: each for each in seen.gone}
    for key, order in seen.orders.items():
        ours = Decimal(order["filled"])
        there, before = placed.get(order["broker_order_id"]), gone.get(order["broker_order_id"])
        if there and key not in seen.disputed and not ours == there.filled <= Decimal(order["quantity"]):
            found.append(f"I9 {key}: {ours} of {order['quantity']} here, {there.filled} at the broker")
        elif before and ours > before.filled:
            found.append(f"I9 {key}: {ours} of {order['quantity']} here, {before.filled} at the broker")
        elif ours and key not in seen.disputed and not there and not before:  # disputed, its id is a lie
            found.append(f"I9 {key}: {ours} here of an order that the broker never had")
    return found


def _oversold(placed: Sequence[Placed]) -> list[str]:
    """Shares that were sold without having been bought."""
    held: Counter[str] = Counter()
    for each in placed:
        held[each.symbol] += each.filled if each.side is Side.BUY else -each.filled  # type: ignore[assignment]
    return [
        f"I6 {-quantity} {symbol} were sold that were never bought" for symbol, quantity in held.items() if quantity < 0
    ]


def _miscounted(seen: Evidence) -> list[str]:
    """Shares that our fills have and the filled orders have not."""
    counted: Counter[str] = Counter()
    for order in seen.orders.values():
        counted[order["symbol"]] += Decimal(order["filled"]) * (1 if order["side"] == Side.BUY else -1)  # type: ignore[assignment]
    return [
        f"I9 fills of {symbol} come to {seen.bought.get(symbol, 0)}, its orders to {quantity}"
        for symbol, quantity in counted.items()
        if seen.bought.get(symbol, Decimal(0)) != quantity
    ]
