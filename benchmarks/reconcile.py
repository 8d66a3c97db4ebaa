"""What an idle comparison of the books costs with 10,000 past orders in the store and at the broker.

The stand-in answers over real HTTP from a process of its own. All the orders are over: bought and sold again, but for
the last buy. What is over is watched for a week, so only that week's orders are listed and compared: with 40 orders a
day, about as many as the limits allow, that is a few hundred; at worst, far beyond the limits, it is all of them.
"""

import gc
import json
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import insert

from bot.app import opened
from bot.demo.alpaca import book as alpaca
from bot.demo.alpaca import market as us
from bot.demo.companies import SHARES
from bot.demo.lemon import book as lemon
from bot.demo.lemon import market as german
from bot.model import Fill, Instrument, Order, OrderIntent, OrderStatus, Side
from bot.plain import plain
from bot.reconcile import WATCHED, Reconciler
from bot.settings import Settings
from bot.store.database import open_database
from bot.store.tables import fills, orders, row_of

PAST = 10_000
ROUNDS = 3
SHARE = SHARES[0]
QUANTITY = Decimal(10)
PRICE = Decimal(40)
NOW = datetime(2026, 3, 2, 13, tzinfo=UTC)
PACES = {"40 a day": timedelta(minutes=36), "all within a week": timedelta(minutes=1)}


def past(every: timedelta) -> list[tuple[OrderIntent, Order]]:
    """Our side of the orders, the oldest first."""
    return [_past(number, NOW - every * (PAST - number)) for number in range(PAST)]


def _past(number: int, at: datetime) -> tuple[OrderIntent, Order]:
    intent = OrderIntent(
        client_order_id=f"itb-{number:026}",
        decision_id=f"d-{number:024}",
        account="paper",
        strategy="executives",
        instrument=Instrument(symbol=SHARE.ticker, name=SHARE.company, share_class_figi="ZZS1", isin=SHARE.isin),
        side=Side.SELL if number % 2 and number < PAST - 1 else Side.BUY,
        quantity=QUANTITY,
        currency="USD",
        session=at.date(),
        valid_from=at,
        valid_until=at + timedelta(hours=7),
        created_at=at,
    )
    return intent, replace(
        intent.order(),
        broker_order_id=f"00000000-0000-0000-0000-{number:012}",
        status=OrderStatus.FILLED,
        attempts=1,
        filled=QUANTITY,
        price=PRICE,
        updated_at=at,
    )


def at_alpaca(intent: OrderIntent, order: Order) -> alpaca.Order:
    """The same order there."""
    side, key = intent.side.value, intent.client_order_id
    return alpaca.Order(
        id=str(order.broker_order_id),
        ticket=alpaca.Ticket(symbol=order.symbol, side=side, quantity=QUANTITY, client_order_id=key),
        submitted_at=intent.created_at,
        opens_at=intent.valid_from,
        expires_at=intent.valid_until,
        status="filled",
        filled=QUANTITY,
        paid=QUANTITY * PRICE,
        filled_at=intent.valid_from,
    )


def at_lemon(intent: OrderIntent, order: Order) -> lemon.Order:
    """The same order there."""
    isin, side, key = str(order.isin), intent.side.value, intent.client_order_id
    day, price = intent.session, lemon.units(PRICE)
    return lemon.Order(
        id=str(order.broker_order_id),
        ticket=lemon.Ticket(isin=isin, side=side, quantity=10, venue="allday", expires_on=day, idempotency=key),
        estimated_price=price,
        created_at=intent.created_at,
        expires_at=intent.valid_until,
        status="executed",
        activated_at=intent.valid_from,
        executed_at=intent.valid_from,
        executed=10,
        executed_price=price,
    )


def serve(pipe: Connection, broker: str, every: timedelta) -> None:
    """The broker's stand-in with the orders, until told to stop."""
    pairs = past(every)
    if broker == "alpaca":
        with us.server(NOW.date(), clock=lambda: NOW, per_minute=10**6) as server:
            server.take_over([at_alpaca(*pair) for pair in pairs])
            pipe.send({"alpaca_url": server.url, "alpaca_key": server.key, "alpaca_secret": server.secret})
            pipe.recv()
    else:
        with german.server(NOW.date(), clock=lambda: NOW, per_minute=10**6) as server:
            server.take_over([at_lemon(*pair) for pair in pairs])
            pipe.send({"lemon_markets_url": server.url, "lemon_markets_key": server.trading_key})
            pipe.recv()


@contextmanager
def standing_in(broker: str, every: timedelta) -> Iterator[dict[str, Any]]:
    """The settings that lead to the stand-in, in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, broker, every))
    process.start()
    there.close()  # a process that dies ends the wait below
    try:
        yield {"broker": broker, **here.recv()}
    finally:
        process.terminate()
        process.join()


def write_down(url: str, every: timedelta) -> None:
    """Fill the store with the orders as if the bot had placed them."""
    pairs = past(every)
    share = json.dumps(plain(pairs[0][0].instrument))
    rows = [{**row_of(orders, intent), **row_of(orders, order), "instrument": share} for intent, order in pairs]
    with closing(open_database(url)) as database, database.write() as connection:
        connection.execute(insert(orders), rows)
        connection.execute(
            insert(fills), [row_of(fills, fill(order)) | {"filled_before": Decimal(0)} for _, order in pairs]
        )


def fill(order: Order) -> Fill:
    """How the order was filled."""
    return Fill(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.filled,
        price=PRICE,
        fee=order.fee,
        currency=order.currency,
        at=order.updated_at or NOW,
    )


def reconciled(settings: Settings) -> tuple[float, int]:
    """The median of the seconds one comparison takes, the first of a connection left out, and how many it compared."""
    with opened(settings, clock=lambda: NOW) as parts:
        parts.lead()
        reconciler = Reconciler(parts.broker, parts.store, parts.clock)
        reconciler.work()
        gc.collect()
        gc.freeze()
        took = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            reconciler.work()
            took.append(time.perf_counter() - start)
        assert parts.store.halted() is None
        return median(took), len(parts.broker.orders(NOW - WATCHED - timedelta(days=1)))


def main() -> None:
    """Print the figures."""
    for broker in ("alpaca", "lemon_markets"):
        for pace, every in PACES.items():
            with tempfile.TemporaryDirectory() as folder, standing_in(broker, every) as values:
                url = f"sqlite:///{Path(folder, 'bench.db')}"
                write_down(url, every)
                seconds, compared = reconciled(Settings.of(**values, database_url=url))
            at = f"{PAST:,} past orders, {pace}, {compared:,} listed at {broker}"
            print(f"{at}: an idle reconcile takes {seconds:.2f} s")
    print(f"(at most 1 s with {next(iter(PACES))})")


if __name__ == "__main__":
    main()
