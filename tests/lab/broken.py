"""What can go wrong at a broker's door, by name: the fault matrix in the words of each broker's interface."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from bot.demo.faults import (
    JSON,
    Effect,
    Fault,
    Process,
    answered,
    bomb,
    dropped,
    edited,
    html,
    long,
    lost,
    postponed,
    slow,
    truncated,
    twice,
)
from bot.demo.serving import Reply
from tests.lab.accounts import Account, LemonMarkets
from tests.lab.world import Break, share

Json = dict[str, Any]

HIDDEN: Final = timedelta(seconds=10)  # how long a list may lag behind
SKEW: Final = timedelta(minutes=10)  # how far the broker's clock is off
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*", re.ASCII)
KEYS: Final = ("idempotency", "notes", "client_order_id")
ELSEWHERE: Final = {"Location": "http://127.0.0.2:9/v1/orders/"}

TARGETS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "lemon_markets": {
        "create": ("POST", "/orders"),
        "activate": ("POST", "/orders/[^/]+/activate"),
        "post": ("POST", ".*"),
        "cancel": ("DELETE", ".*"),
        "find": ("GET", "/orders/[^/]+"),
        "list": ("GET", "/orders"),
        "account": ("GET", "/account"),
        "positions": ("GET", "/positions"),
        "get": ("GET", ".*"),
    },
    "alpaca": {
        "create": ("POST", "/v2/orders"),
        "post": ("POST", ".*"),
        "cancel": ("DELETE", ".*"),
        "find": ("GET", "/v2/orders:by_client_order_id"),
        "list": ("GET", "/v2/orders"),
        "account": ("GET", "/v2/account"),
        "positions": ("GET", "/v2/positions"),
        "get": ("GET", ".*"),
    },
}


def fault(wanted: Break, kind: str, account: Account) -> Fault:
    """The fault as the stand-in of this broker takes it."""
    method, path = TARGETS[kind][wanted.target]
    return Fault(method=method, path=path, effect=FAULTS[wanted.name](account), after=wanted.after, times=wanted.times)


def _said(lemon: tuple[int, str], alpaca: tuple[int, int | None]) -> Callable[[Account], Effect]:
    """The broker's own no, in its own form, instead of processing the request."""

    def effect(account: Account) -> Effect:
        if isinstance(account, LemonMarkets):
            status, word = lemon
            said = {"mode": "paper", "status": "error", "error_code": word, "error_message": "told to say so"}
            return answered(status, said, {"Retry-After": "1"})
        status, code = alpaca
        number = {} if code is None else {"code": code}
        return answered(status, {**number, "message": "told to say so"}, {"Retry-After": "1"})

    return effect


def _after(no: Callable[[Account], Effect]) -> Callable[[Account], Effect]:
    """The same no although the request is processed."""

    def effect(account: Account) -> Effect:
        say = no(account)

        def both(process: Process) -> Reply | None:
            process()
            return say(process)

        return both

    return effect


def _always(effect: Effect) -> Callable[[Account], Effect]:
    return lambda _: effect


def _changed(change: Callable[[Json], Json]) -> Callable[[Account], Effect]:
    """Every order in the answer is what `change` makes of it."""
    return _always(_retold(lambda content: _each(content, change)))


def _retold(change: Callable[[Any], Any]) -> Effect:
    """The answer's JSON is what `change` makes of it, where there is any."""

    def effect(process: Process) -> Reply | None:
        reply = process()
        return edited(change)(lambda: reply) if reply[2] else reply

    return effect


def _each(content: Any, change: Callable[[Json], Json]) -> Any:
    if isinstance(content, list):
        return [_each(item, change) for item in content]
    if isinstance(content, dict) and "side" in content and "id" in content:
        return change(content)
    if isinstance(content, dict) and "results" in content:
        return {**content, "results": _each(content["results"], change)}
    return content


def _renamed(order: Json) -> Json:
    """The same order under an id of the right form that is not its own."""
    last = "0" if order["id"][-1] != "0" else "1"
    return {**order, "id": order["id"][:-1] + last}


def _replaced(body: bytes, headers: Mapping[str, str] = JSON, status: int = 200) -> Callable[[Account], Effect]:
    """The request is processed, and this comes instead of the answer."""

    def effect(process: Process) -> Reply:
        process()
        return status, headers, body

    return _always(effect)


def _spoiled(process: Process) -> Reply | None:
    """The answer with a member twice."""
    status, headers, body = process()
    return status, headers, body.replace(b"{", b'{"side": "sell", "side": "sell", ', 1)


def _short(content: Any) -> Any:
    """A list without its last row, as when a page is missing."""
    if isinstance(content, list):
        return content[:-1]
    if isinstance(content, dict) and isinstance(content.get("results"), list):
        return {**content, "results": content["results"][:-1]}
    return content


def _swapped(content: Any) -> Any:
    """A list of which every order stands under the key of the next."""
    if isinstance(content, dict) and isinstance(content.get("results"), list):
        return {**content, "results": _swapped(content["results"])}
    if not isinstance(content, list):
        return content
    keys = [{name: row[name] for name in KEYS if name in row} for row in content]
    return [{**row, **key} for row, key in zip(content, keys[1:] + keys[:1], strict=True)]


def _lagging(account: Account) -> Effect:
    """A list, complete to all appearance, without the orders of the last seconds."""

    def seen(row: Json) -> bool:
        at = row.get("created_at")
        return not isinstance(at, str) or datetime.fromisoformat(_micro(at)) <= account.time.now - HIDDEN

    def late(content: Any) -> Any:
        if isinstance(content, list):
            return [row for row in content if seen(row)]
        if isinstance(content, dict) and isinstance(content.get("results"), list):
            kept = [row for row in content["results"] if seen(row)]
            return {**content, "results": kept, "total": content["total"] - len(content["results"]) + len(kept)}
        return content

    return _retold(late)


def _micro(instant: str) -> str:
    """An instant to the nanosecond as Python reads it."""
    return instant.replace("000Z", "+00:00") if instant.endswith("Z") and len(instant) > 24 else instant


def _real_money(account: Account) -> Effect:
    if isinstance(account, LemonMarkets):
        return _retold(lambda content: {**content, "mode": "money"})
    return _retold(
        lambda content: {**content, "account_number": "900000001"} if "account_number" in content else content
    )


def _taken_back(account: Account) -> Effect:
    """What is live, or was filled, is told as an order of which nothing was filled yet."""
    return _live_told_as(account, "activated", "new")


def _sent_back(account: Account) -> Effect:
    """What is live, or was filled, is told as an order that has not come so far."""
    return _live_told_as(account, "inactive", "accepted")


def _live_told_as(account: Account, lemon: str, alpaca: str) -> Effect:
    status = lemon if isinstance(account, LemonMarkets) else alpaca
    nothing = {"executed_quantity": 0, "executed_price": 0, "filled_qty": "0", "filled_avg_price": None}

    def change(order: Json) -> Json:
        is_live = order["status"] in {"activated", "executed", "new", "partially_filled", "filled"}
        return {**order, **nothing, "status": status} if is_live else order

    return _retold(lambda content: _each(content, change))


def _clock_off(by: timedelta) -> Callable[[Account], Effect]:
    """Every instant in the answer, and its date, are wrong by so much."""

    def moved(content: Any) -> Any:
        if isinstance(content, dict):
            return {name: moved(value) for name, value in content.items()}
        if isinstance(content, list):
            return [moved(each) for each in content]
        if isinstance(content, str) and INSTANT.fullmatch(content):
            return (datetime.fromisoformat(_micro(content)) + by).isoformat(timespec="microseconds")
        return content

    def effect(account: Account) -> Effect:
        def dated(process: Process) -> Reply | None:
            reply = _retold(moved)(process)
            if reply is None:
                return None
            status, headers, body = reply
            return status, {**headers, "Date": format_datetime(account.time.now + by, usegmt=True)}, body

        return dated

    return effect


def _meanwhile(happens: Callable[[Account], None]) -> Callable[[Account], Effect]:
    """Something happens in the account, just before the request is processed as if nothing were wrong."""

    def effect(account: Account) -> Effect:
        def then(process: Process) -> Reply:
            happens(account)
            return process()

        return then

    return effect


def _killed(*, processed: bool) -> Callable[[Account], Effect]:
    """Whoever sent the request dies while it waits for the answer."""

    def effect(account: Account) -> Effect:
        def kill(process: Process) -> None:
            if processed:
                process()
            account.kill()

        return kill

    return effect


_refused = _said((400, "instrument_not_tradable"), (422, 42210000))
_moved = answered(302, {}, ELSEWHERE)

FAULTS: Final[Mapping[str, Callable[[Account], Effect]]] = {
    "dropped": _always(dropped),
    "lost": _always(lost),
    "postponed": lambda account: postponed(account.waiting),
    "twice": _always(twice()),
    "twice, the first shown": _always(twice(0)),
    "busy": _said((503, "internal_error"), (503, 50010000)),
    "bad gateway": _always(html(502)),
    "too many": _said((429, "rate_limit_exceeded"), (429, 42910000)),
    "refused": _refused,
    "refused though taken": _after(_refused),
    "key refused": _said((401, "token_invalid"), (401, None)),
    "seen before": _said((400, "order_idempotency_violation"), (422, 40010001)),
    "truncated": _always(truncated),
    "a page": _always(html()),
    "nothing": _replaced(b""),
    "not a number": _replaced(b'{"results": {"id": NaN}, "qty": NaN, "mode": "paper"}'),
    "a member twice": _always(_spoiled),
    "another share": _changed(lambda order: {**order, "isin": share("TDWX").isin, "symbol": "TDWX"}),
    "another quantity": _changed(lambda order: {**order, "quantity": 999, "qty": "999"}),
    "another side": _changed(lambda order: {**order, "side": "buy" if order["side"] == "sell" else "sell"}),
    "another key": _changed(lambda order: {**order, "idempotency": "itb-other", "client_order_id": "itb-other"}),
    "another id": _changed(_renamed),
    "unknown status": _changed(lambda order: {**order, "status": "levitating"}),
    "too much filled": _changed(lambda order: {**order, "executed_quantity": 10**6, "filled_qty": "1000000"}),
    "moved": _always(_moved),
    "moved though taken": _after(_always(_moved)),
    "a row missing": _always(_retold(_short)),
    "lagging": _lagging,
    "real money": _real_money,
    "too long": _always(long),
    "a bomb": _always(bomb),
    "slow": _always(slow),
    "less filled": _taken_back,
    "status backwards": _sent_back,
    "clock ahead": _clock_off(SKEW),
    "clock behind": _clock_off(-SKEW),
    "filled in lots": _meanwhile(lambda account: account.fill_in_lots()),
    "canceled there": _meanwhile(lambda account: account.cancel_all()),
    "a stranger": _meanwhile(lambda account: account.stranger()),
    "reset": _meanwhile(lambda account: account.reset()),
    "killed before": _killed(processed=False),
    "killed after": _killed(processed=True),
    "keys swapped": _always(_retold(_swapped)),
}
"""Name -> the effect, before this account."""

MISLEADING: Final = frozenset({"a row missing", "lagging", "reset"})
"""Faults after which an account was reset, or looks so: a list without its last row, complete to all appearance."""
