"""What several sources show together: each line once, whoever is asked first."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from bot.model import InsiderTrade
from bot.news import gather, public_by
from bot.trades import to_records, to_table, validate
from tests.builders import NOW, trade


class Shows:
    def __init__(self, *rows: InsiderTrade) -> None:
        self.name = "invented"
        self._rows = rows

    def fetch(self, now: datetime) -> pd.DataFrame:
        table = to_table(self._rows)
        table.attrs["left_out"] = ("a page",)
        return table


def test_a_line_that_two_sources_show_is_there_once() -> None:
    first, second, third = (trade(key=key) for key in ("first", "second", "third"))
    table, degraded = gather([Shows(first, second), Shows(second, third), Shows()], NOW)
    assert to_records(validate(table)) == [first, second, third]
    assert list(table.index) == [0, 1, 2]
    assert table.attrs == {}
    assert len(degraded) == 3


def test_another_site_s_line_and_another_symbol_s_are_other_lines() -> None:
    rows = [trade(key="one"), trade(key="one", source="other"), trade(key="one", symbol=None)]
    table, _ = gather([Shows(*rows), Shows(*rows)], NOW)
    assert to_records(table) == rows


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_line_that_says_when_it_was_public_is_kept(order: tuple[int, int]) -> None:
    """A document in a folder does not know it, the site does."""
    sources = [Shows(trade(key="one", known_at=None), trade(key="two")), Shows(trade(key="one"))]
    table, _ = gather([sources[number] for number in order], NOW)
    assert table["key"].value_counts().to_dict() == {"one": 1, "two": 1}
    assert table["known_at"].notna().all()


def test_what_becomes_public_later_is_left_out_and_what_does_not_say_when_is_kept() -> None:
    later = NOW + timedelta(microseconds=1)
    rows = [trade(key="now", known_at=NOW), trade(key="unknown", known_at=None), trade(key="later", known_at=later)]
    assert list(public_by(to_table(rows), NOW)["key"]) == ["now", "unknown"]
    assert list(public_by(to_table(rows), later)["key"]) == ["now", "unknown", "later"]
