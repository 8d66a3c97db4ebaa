"""What one full cycle over 1,000 fresh rows costs: CPU of the bot's own process, beside a bare parse of the same page.

The stand-ins of FinViz and OpenFIGI answer over HTTP from a process of their own; the bot fetches, parses, decides,
maps, sizes, writes everything down, submits, activates and fills, against a SQLite file on disk.
"""

import gc
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path

from bs4 import BeautifulSoup

from bot.app import opened
from bot.demo.companies import Share
from bot.demo.finviz import LAYOUTS, FinVizServer, list_page
from bot.demo.market import Line
from bot.demo.openfigi import OpenFigiServer, Record
from bot.model import OrderStatus
from bot.settings import Settings

ROWS = 1000
KEY = "benchmark"
NOW = datetime(2026, 3, 2, 13, tzinfo=UTC)  # a Monday, before the open


def shares() -> list[Share]:
    """A company for every row: AAAA, AAAB, and so on."""
    letters = [chr(ord("A") + number) for number in range(26)]
    tickers = (f"Z{a}{b}{c}" for a in letters for b in letters for c in letters)
    return [Share(n, next(tickers), f"Company {n} Inc", Decimal(20)) for n in range(1, ROWS + 1)]


def lines() -> list[Line]:
    """A row for every company, in the proportions of real weeks: 2 % buys and 25 % sales that pass every rule."""
    return [_line(share) for share in shares()]


def _line(share: Share) -> Line:
    is_buy, is_sale = share.issuer % 50 == 1, share.issuer % 4 == 0
    return Line(
        listed=(share,),
        owner=f"Person {share.issuer}",
        owner_cik=share.issuer,
        title="EVP and Chief Financial Officer" if is_buy or is_sale or share.issuer % 3 else "Director",
        transaction="Buy" if is_buy else "Sale" if is_sale or share.issuer % 2 else "Option Exercise",
        traded_on=date(2026, 2, 26),
        filed_at=datetime(2026, 2, 27, 22, share.issuer % 60, tzinfo=UTC),
        accession=f"0000999{share.issuer % 1000:03}-26-{share.issuer:06}",
        price=share.price,
        shares=500,
        value=share.price * 500,
        shares_after=10_500 if is_buy or is_sale else 1_000_000,
    )


def figi_records() -> list[Record]:
    """What OpenFIGI knows of them; the identifiers need not be well-formed for a benchmark's own peer."""
    return [
        Record(
            ticker=share.ticker,
            name=share.company.upper(),
            figi=f"ZZG{share.issuer:09}",
            composite_figi=f"ZZG{share.issuer:09}",
            share_class_figi=f"ZZS{share.issuer:09}",
        )
        for share in shares()
    ]


def serve(pipe: Connection) -> None:
    """Both stand-ins, until told to stop."""
    with FinVizServer(lines()) as finviz, OpenFigiServer(figi_records(), key=KEY) as figi:
        pipe.send((finviz.url, figi.url))
        pipe.recv()


@contextmanager
def stand_ins() -> Iterator[tuple[str, str]]:
    """The addresses of FinViz's and OpenFIGI's stand-in, in a process of their own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    process.start()
    theirs.close()  # a process that dies ends the wait below
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def cycle(folder: Path, finviz: str, figi: str) -> tuple[float, float, int]:
    """CPU and wall seconds of one cycle, and how many orders it placed."""
    prices = folder / "prices.csv"
    bars = "".join(f"2026-02-27,{share.ticker},20.00,20.00\n" for share in shares())
    prices.write_text("date,symbol,open,close\n" + bars, encoding="utf-8")
    settings = Settings.of(
        sources="finviz",
        prices=f"files:{prices}",
        database_url=f"sqlite:///{folder / 'bench.db'}",
        finviz_url=finviz,
        openfigi_url=figi,
        openfigi_key=KEY,
    )
    with opened(settings, clock=lambda: NOW) as parts:
        bot = parts.acting(trade_backlog=True)
        gc.freeze()  # as `insiderbot run` does
        wall, cpu = time.perf_counter(), time.process_time()
        plan, orders = bot.run()
        seconds = time.process_time() - cpu, time.perf_counter() - wall
    assert len(plan.decisions) == ROWS
    assert all(order.status is OrderStatus.WORKING for order in orders)
    return *seconds, len(orders)


def bare_parse() -> float:
    """CPU seconds to build the tree of the same page and do nothing with it: what no reader of it can go below."""
    page = list_page(lines(), LAYOUTS["2026"])
    start = time.process_time()
    BeautifulSoup(page, "lxml")
    return time.process_time() - start


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, stand_ins() as (finviz, figi):
        floor = bare_parse()
        cpu, wall, orders = cycle(Path(folder), finviz, figi)
    print(f"one cycle over {ROWS} fresh rows, {orders} orders placed: {cpu:.2f} s CPU, {wall:.2f} s wall")
    print(f"bare BeautifulSoup tree of the same page: {floor:.2f} s CPU; ratio {cpu / floor:.1f}")


if __name__ == "__main__":
    main()
