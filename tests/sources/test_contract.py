"""What every source promises, asked of each in turn."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
import responses

from bot import plugins
from bot.errors import SourceError
from bot.http import Http
from bot.ports import Source
from bot.roles import classify
from bot.settings import Settings
from bot.trades import to_records, validate

from .pages import LINES, NOW, csv_text, linked_csv, new_list

SPECS = ("finviz", "files:page.html", "files:folder", "files:table.csv")


@dataclass(frozen=True)
class Setting:
    """A source with its world: `show` puts other words where it looks, `hide` takes everything away."""

    source: Source
    show: Callable[[str], None]
    hide: Callable[[], None]


@pytest.fixture(params=SPECS)
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> Setting:
    """The source as the settings name it, with the invented lines to read."""
    spec = request.param
    factory, argument = plugins.find("sources", spec)
    kit = plugins.Kit(settings=Settings(), clock=lambda: NOW, http=Http("tests"), argument=argument)
    if spec == "finviz":
        site = request.getfixturevalue("site")
        shown = Setting(factory(kit), lambda text: _serve(site, text), site.reset)
    else:
        path = tmp_path / argument
        if argument == "folder":
            path.mkdir()
            path /= "page.html"
        shown = Setting(factory(kit), lambda text: _write(path, text), path.unlink)
    shown.show(csv_text(linked_csv(LINES)) if spec.endswith(".csv") else new_list(LINES))
    return shown


@pytest.fixture
def site():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as site:
        yield site


def _serve(site: responses.RequestsMock, text: str) -> None:
    site.reset()
    site.get("https://finviz.com/insidertrading", body=text)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def test_it_has_a_name(setting: Setting) -> None:
    assert setting.source.name


def test_it_yields_a_valid_trades_table(setting: Setting) -> None:
    assert len(validate(setting.source.fetch(NOW))) == len(LINES)


def test_it_says_the_same_when_asked_again(setting: Setting) -> None:
    pd.testing.assert_frame_equal(setting.source.fetch(NOW), setting.source.fetch(NOW))


def test_every_line_has_its_own_key_under_its_symbol(setting: Setting) -> None:
    assert not setting.source.fetch(NOW).duplicated(["key", "symbol"]).any()


def test_everything_was_known_before_now_and_after_it_was_done(setting: Setting) -> None:
    for trade in to_records(setting.source.fetch(NOW)):
        assert trade.known_at
        assert trade.known_at <= NOW
        assert trade.traded_on
        assert trade.filed_on
        assert trade.traded_on <= trade.filed_on


def test_only_open_market_trades_have_a_side(setting: Setting) -> None:
    sides = {(trade.code, trade.acquired, trade.side) for trade in to_records(setting.source.fetch(NOW))}
    assert sides == {("P", "A", "buy"), ("S", "D", "sell"), ("M", "A", None), (None, None, None)}


def test_what_a_title_means_is_the_role_table_s_business(setting: Setting) -> None:
    for trade in to_records(setting.source.fetch(NOW)):
        roles = classify(trade.title)
        found = (trade.role, trade.is_officer, trade.is_director, trade.is_ten_percent)
        assert found == (roles.role, roles.is_officer, roles.is_director, roles.is_ten_percent)


@pytest.mark.parametrize(
    "text", ["", "<html><body>Not found</body></html>", new_list([]), new_list(LINES)[:-9], "a,b\n1,2\n"]
)
def test_less_than_its_table_is_a_source_error(setting: Setting, text: str) -> None:
    setting.show(text)
    with pytest.raises(SourceError, match="expected"):
        setting.source.fetch(NOW)


def test_nothing_at_all_is_a_source_error(setting: Setting) -> None:
    setting.hide()
    with pytest.raises(SourceError):
        setting.source.fetch(NOW)


def test_a_later_look_does_not_change_what_a_filing_settled(setting: Setting) -> None:
    later = datetime.fromisoformat("2029-05-01T00:00:00+00:00")
    pd.testing.assert_frame_equal(setting.source.fetch(NOW), setting.source.fetch(later))
