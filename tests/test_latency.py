"""From a filing's appearance on EDGAR's feed to the activated order, by the daemon's own path."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.app import opened, staying
from bot.demo.companies import SHARES, records
from bot.demo.edgar.filings import from_lines
from bot.demo.edgar.server import EdgarServer
from bot.demo.market import market
from bot.demo.openfigi import OpenFigiServer
from bot.demo.show import DAY
from bot.model import OrderStatus
from bot.settings import Settings
from tests.fakes import Time


def test_a_filing_that_appears_is_an_order_at_the_next_poll(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    today = market(DAY)
    (news,) = [line for line in today.lines if line.owner == "Okafor Adaeze M"]
    filings = {filing.accession: filing for filing in from_lines(today.lines)}
    bars = "".join(f"{bar.on},{bar.symbol},{bar.open},{bar.close}\n" for bar in today.bars)
    (tmp_path / "prices.csv").write_text("date,symbol,open,close\n" + bars, encoding="utf-8")
    clock = Time(news.filed_at - timedelta(minutes=2))
    with ExitStack() as services:
        edgar = services.enter_context(
            EdgarServer([f for f in filings.values() if f.accepted_at < clock.now], clock=clock, per_second=None)
        )
        figi = services.enter_context(OpenFigiServer(records(SHARES)))
        settings = Settings.of(
            sources=("edgar",),
            edgar_url=edgar.url,
            archive=tmp_path / "archive",
            user_agent="insiderbot tests@example.org",
            openfigi_url=figi.url,
            prices=f"files:{tmp_path / 'prices.csv'}",
            database_url=f"sqlite:///{tmp_path / 'bot.db'}",
            simulated_minimum=Decimal(0),
            poll_every=1,
        )
        daemon = staying(settings, clock=clock)
        daemon.tick()  # everything that was there before: backlog
        with opened(settings, clock=clock) as parts:
            assert parts.store.orders() == []
        clock.now = news.filed_at + timedelta(seconds=1)
        edgar.publish(filings[news.accession])
        begun = time.monotonic()
        daemon.tick()
        seconds = time.monotonic() - begun
        with opened(settings, clock=clock) as parts:
            ((_, order),) = parts.store.orders()
            (decision,) = parts.store.decided(about=order.client_order_id)
    assert (order.symbol, order.side, order.status) == ("NWRB", "buy", OrderStatus.WORKING)
    assert decision["source"] == "edgar"
    assert datetime.fromisoformat(decision["known_at"]).astimezone(UTC) == news.filed_at
    with capsys.disabled():
        print(f"[feed to activated order: {seconds:.2f} s]", end=" ")  # noqa: T201
