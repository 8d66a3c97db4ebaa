"""The account and the bot at a glance."""

from typing import Any

from bot.app import App
from bot.limits import fall
from bot.plain import plain
from bot.reconcile import absent
from bot.worth import invested


def report(parts: App) -> dict[str, Any]:
    """The account in its own currency, what is open, and how far the bot has come, in JSON's types."""
    store, broker = parts.store, parts.broker
    account, positions = broker.account(), broker.positions()
    missing = absent(store, positions, parts.clock())
    value = invested(positions, account, broker, parts.rates, parts.clock())
    total, highest = None if value is None else account.cash + value, parts.drawdown.highest(account)
    return {
        "broker": broker.name,
        "account": account.id,
        "currency": account.currency,
        "cash": plain(account.cash),
        "available": plain(account.available),
        "invested": plain(value),
        "worth": plain(total),
        "highest_worth": plain(highest),
        "drawdown": None if total is None else plain(round(fall(total, highest), 4)),
        "positions": len(positions),
        "missing": ", ".join(f"{gone.quantity:f} {gone.symbol}" for gone in missing) or None,
        "open_orders": len(store.open_orders()),
        "orders": len(store.orders()),
        "halted": store.halted(),
        "trade_from": plain(store.trade_from()),
        "last_cycle": plain(store.last_cycle()),
        "session_done": plain(store.session_done()),
    }
