"""The contract suite can fail: a source with a fault does not keep that promise, which the sound one keeps."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bot.errors import SourceError
from bot.model import InsiderTrade, Role, Side
from bot.ports import Source
from bot.sources.files import Files
from bot.trades import TradesError, to_records, to_table

from . import pages
from . import test_contract as contract
from .pages import LINES, csv_text

Change = Callable[[list[InsiderTrade], datetime], list[InsiderTrade]]
Edit = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass
class Faulty:
    """A source whose table is changed on the way, by its records or as a table."""

    source: Source
    change: Change = lambda trades, _: trades
    edit: Edit = lambda table: table
    name: str = "faulty"

    def fetch(self, now: datetime) -> pd.DataFrame:
        return self.edit(to_table(self.change(to_records(self.source.fetch(now)), now)))


@dataclass
class Quiet(Faulty):
    """One that has no rows where it should have an error."""

    def fetch(self, now: datetime) -> pd.DataFrame:
        try:
            return self.source.fetch(now)
        except SourceError:
            return to_table([])


@dataclass
class Bare(Faulty):
    """One that lets another error through."""

    def fetch(self, now: datetime) -> pd.DataFrame:
        try:
            return self.source.fetch(now)
        except SourceError as error:
            raise ValueError(str(error)) from error


def each(**changes: Any) -> Change:
    return lambda trades, _: [trade._replace(**changes) for trade in trades]


def later(trades: list[InsiderTrade], now: datetime) -> list[InsiderTrade]:
    return [trade._replace(known_at=now + timedelta(seconds=1)) for trade in trades]


def just_now(trades: list[InsiderTrade], now: datetime) -> list[InsiderTrade]:
    return [trade._replace(known_at=now) for trade in trades]


def done_after(trades: list[InsiderTrade], _: datetime) -> list[InsiderTrade]:
    return [trade._replace(traded_on=trade.filed_on and trade.filed_on + timedelta(days=1)) for trade in trades]


class Counter:
    """Another key for the same line at every look."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self, trades: list[InsiderTrade], _: datetime) -> list[InsiderTrade]:
        self.looks += 1
        return [trade._replace(key=f"{trade.key}/{self.looks}") for trade in trades]


FAULTS: dict[str, tuple[Callable[[Source], Source], Callable[..., None]]] = {
    "no name": (lambda source: Faulty(source, name=""), contract.test_it_has_a_name),
    "a row lost": (
        lambda source: Faulty(source, edit=lambda table: table.iloc[:-1]),
        contract.test_it_yields_a_valid_trades_table,
    ),
    "a row more": (
        lambda source: Faulty(source, edit=lambda table: pd.concat([table, table.iloc[:1]])),
        contract.test_it_yields_a_valid_trades_table,
    ),
    "a column lost": (
        lambda source: Faulty(source, edit=lambda table: table.drop(columns="price")),
        contract.test_it_yields_a_valid_trades_table,
    ),
    "texts for numbers": (
        lambda source: Faulty(source, edit=lambda table: table.astype({"shares": "str"})),
        contract.test_it_yields_a_valid_trades_table,
    ),
    "another key every time": (
        lambda source: Faulty(source, change=Counter()),
        contract.test_it_says_the_same_when_asked_again,
    ),
    "one key for all": (
        lambda source: Faulty(source, change=each(key="x", symbol="NWRB")),
        contract.test_every_line_has_its_own_key_under_its_symbol,
    ),
    "known later": (
        lambda source: Faulty(source, change=later),
        contract.test_everything_was_known_before_now_and_after_it_was_done,
    ),
    "filed before it was done": (
        lambda source: Faulty(source, change=done_after),
        contract.test_everything_was_known_before_now_and_after_it_was_done,
    ),
    "no instant": (
        lambda source: Faulty(source, change=each(known_at=None)),
        contract.test_everything_was_known_before_now_and_after_it_was_done,
    ),
    "all are buys": (
        lambda source: Faulty(source, change=each(side=Side.BUY)),
        contract.test_only_open_market_trades_have_a_side,
    ),
    "no sides": (
        lambda source: Faulty(source, change=each(side=None)),
        contract.test_only_open_market_trades_have_a_side,
    ),
    "all are chiefs": (
        lambda source: Faulty(source, change=each(role=Role.CEO)),
        contract.test_what_a_title_means_is_the_role_table_s_business,
    ),
    "no rows for an error": (Quiet, contract.test_nothing_at_all_is_a_source_error),
    "no rows for none": (Quiet, contract.test_a_page_without_rows_is_told_unless_that_is_an_answer),
    "another error": (Bare, contract.test_nothing_at_all_is_a_source_error),
    "known since it is looked at": (
        lambda source: Faulty(source, change=just_now),
        contract.test_a_later_look_does_not_change_what_a_filing_settled,
    ),
}


@pytest.fixture
def sound(tmp_path: Path) -> contract.Setting:
    """A setting that passes."""
    path = tmp_path / "table.csv"
    path.write_text(csv_text(pages.linked_csv(LINES)), encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    return contract.Setting(
        Files(path), lambda told: contract._write(path, told), path.unlink, text, text.split("\n")[0], len(LINES)
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_breaks_its_promise(fault: str, sound: contract.Setting) -> None:
    faulty, promise = FAULTS[fault]
    promise(sound)
    sound.show(sound.page)
    with pytest.raises((AssertionError, TradesError, ValueError, pytest.fail.Exception)):
        promise(replace(sound, source=faulty(sound.source)))


@pytest.mark.parametrize("less", contract.LESS)
def test_a_source_that_is_quiet_about_less_is_found(
    less: Callable[[contract.Setting], str], sound: contract.Setting
) -> None:
    with pytest.raises(AssertionError):
        contract.test_less_than_its_table_is_told(replace(sound, source=Quiet(sound.source)), less)
