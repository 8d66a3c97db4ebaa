"""What halts the bot, by hand or by itself: nothing is decided, submitted or activated until somebody has looked."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from bot.app import opened
from bot.engine import Bot
from bot.errors import HaltedError
from bot.halt_file import HaltFile
from bot.halting import halt
from bot.limits import Drawdown, Limits
from bot.model import OrderStatus
from bot.settings import Settings
from bot.store.database import open_database
from bot.store.repository import Repository
from bot.views import Notes
from tests.builders import KNOWN_AT, NOW, intent, order, trade
from tests.house import MORNING, NEXT_MORNING, OPENS, House

FILE = Path("HALT")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    database = open_database(f"sqlite:///{tmp_path}/bot.db")
    made = House(database)
    made.store = Repository(database, HaltFile(FILE))
    yield made
    database.close()


def limited(house: House, **changes: Any) -> Bot:
    """The bot with these limits, and with its eye on a fall by a fifth."""
    bot = house.bot()
    drawdown = Drawdown(Notes(house.store), Decimal("0.2"))
    return replace(bot, trader=replace(bot.trader, limits=Limits(**changes), drawdown=drawdown))


# -- the file


def test_while_the_file_is_there_nothing_is_decided_and_it_is_not_followed_later(house: House) -> None:
    FILE.write_text("on holiday\n")
    assert house.run() == []
    (row,) = house.store.decided()
    assert (row["rule"], row["reason"]) == ("halted", "on holiday (HALT)")
    FILE.unlink()
    assert house.run(MORNING + timedelta(hours=1)) == []
    assert house.broker.book.orders() == []


def test_a_file_that_comes_between_plan_and_execution_keeps_everything_here(house: House) -> None:
    bot = house.bot()
    plan = bot.plan()
    FILE.touch()
    (kept,) = bot.execute(plan)
    assert kept.status is OrderStatus.INTENT
    assert house.broker.book.orders() == []
    FILE.unlink()
    (sent,) = house.run()
    assert sent.status is OrderStatus.WORKING


def test_a_file_that_comes_between_submission_and_activation_leaves_nothing_live(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = type(house.broker).submit
    monkeypatch.setattr(type(house.broker), "submit", lambda self, wish: (submit(self, wish), FILE.touch())[0])
    house.run()
    (placed,) = house.broker.book.orders()
    assert placed.status not in {OrderStatus.WORKING, OrderStatus.FILLED}


@pytest.mark.parametrize("status", [OrderStatus.SUBMITTING, OrderStatus.ACTIVATING])
def test_the_store_itself_takes_no_step_that_sends(house: House, status: OrderStatus) -> None:
    house.store.record([], [intent()], NOW)
    FILE.mkdir()
    with pytest.raises(HaltedError, match="which is no file"):
        house.store.move(order(), order(status=status))
    assert house.store.order(order().client_order_id) == order()


def test_a_halt_by_itself_lasts_although_a_file_was_there_first(house: House) -> None:
    FILE.touch()
    halt(house.store, "the books contradict", NOW)
    FILE.unlink()
    assert house.store.halted() == "halted by itself: the books contradict"


def test_the_first_reason_of_a_halt_by_itself_stays(house: House, caplog: pytest.LogCaptureFixture) -> None:
    halt(house.store, "first", NOW)
    halt(house.store, "second", NOW)
    assert house.store.halted() == "halted by itself: first"
    assert len(caplog.records) == 1


def test_the_settings_name_the_file() -> None:
    Path("stop").touch()
    for name in ("stop", "HALT"):
        with opened(Settings.of(halt_file=Path(name)), clock=lambda: NOW, fresh=True) as parts:
            assert parts.store.halted() == ("there is a file stop" if name == "stop" else None)


def test_resume_says_that_the_file_still_halts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    FILE.touch()
    monkeypatch.setattr(sys, "argv", ["insiderbot", "resume"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "still halted: there is a file HALT; remove HALT first" in capsys.readouterr().err


def test_a_halt_lasts_where_resume_finds_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(Settings.of()) as parts:
        parts.store.halt("before the file", NOW)
        FILE.touch()
        monkeypatch.setattr(sys, "argv", ["insiderbot", "resume"])
        with pytest.raises(SystemExit):
            cli.main()
        FILE.unlink()
        assert parts.store.halted() == "before the file"


# -- by itself


def test_a_burst_halts_and_places_nothing_and_is_not_followed_later(house: House) -> None:
    house.source.rows.append(trade(symbol="HLCN", owner="Brandt Ilse"))
    plan, orders = limited(house, burst=1).run()
    assert (orders, house.store.orders(), house.broker.book.orders()) == ([], [], [])
    assert plan.breach == "2 new orders in one cycle, more than 1 (BOT_BURST): none is placed"
    assert house.store.halted() == f"halted by itself: {plan.breach}"
    house.store.halt(None, MORNING)
    house.source.rows.append(trade(symbol="TDWT", owner="Aalto Eero"))
    limited(house, burst=1).run()
    assert [row[1] for row in house.orders()] == ["TDWT"]


def test_a_fall_halts_and_after_resuming_the_next_one_is_measured_from_there(house: House) -> None:
    house.policy = replace(house.policy, notional=Decimal(9_500))
    assert limited(house).run()[0].breach is None
    house.quotes.price("NWRB", OPENS, "40")
    house.run(OPENS)  # 237 shares at 40 of 10,000
    house.time.now = NEXT_MORNING
    house.quotes.price("NWRB", NEXT_MORNING, "31")
    evening = {"filed_on": date(2026, 3, 3), "known_at": KNOWN_AT + timedelta(days=1)}
    house.source.rows = [trade(symbol="HLCN", **evening)]
    house.policy = replace(house.policy, notional=Decimal(400))
    plan, orders = limited(house).run()
    assert orders == []
    assert "below the 10,000.00 it was worth; at most 20.0% (BOT_MAX_DRAWDOWN)" in (plan.breach or "")
    assert house.store.halted() == f"halted by itself: {plan.breach}"
    house.store.halt(None, NEXT_MORNING)
    house.source.rows.append(trade(symbol="TDWT", owner="Brandt Ilse", **evening))
    plan, (placed,) = limited(house).run()
    assert (plan.breach, placed.symbol) == (None, "TDWT")


def test_a_plan_that_only_looks_halts_nothing(house: House) -> None:
    house.source.rows.append(trade(symbol="HLCN", owner="Brandt Ilse"))
    bot = replace(limited(house, burst=1), desk=None)
    assert bot.plan().breach
    assert house.store.halted() is None
