"""What every source promises, asked of each in turn.

To put your own source through it, write a function that takes an empty folder and returns a `Setting`, and name it:

    INSIDERBOT_SOURCE=my_package.bench:setting pytest tests/sources/test_contract.py

Its `page` shows lines that were all public on 20 March 2026, `empty_page` is the same without any of them. That
the suite finds what it is there for is tested in `test_contract_fails.py`.
"""

import importlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
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

from . import openinsider_pages, pages
from .openinsider_pages import ROWS
from .pages import LINES, NOW, csv_text
from .services import SERVICES, Service, Stage

FINVIZ = (pages.new_list(LINES), pages.new_list([]), len(LINES))
OPENINSIDER = (openinsider_pages.screener(ROWS), openinsider_pages.screener([]), len(ROWS))

# A source as the settings name it -> what it looks at, the page of the same site, one without rows, how many there are.
WORLDS = {
    "finviz": (FINVIZ[0], *FINVIZ),
    "files:page.html": (FINVIZ[0], *FINVIZ),
    "files:folder": (FINVIZ[0], *FINVIZ),
    "files:table.csv": (csv_text(pages.linked_csv(LINES)), *FINVIZ),
    "openinsider": (OPENINSIDER[0], *OPENINSIDER),
    "files:openinsider.html": (OPENINSIDER[0], *OPENINSIDER),
    "files:openinsider.jsonl": (openinsider_pages.json_lines(ROWS), *OPENINSIDER),
    "files:openinsider.csv": (csv_text(openinsider_pages.market_csv(ROWS)), *OPENINSIDER),
}
OWN = os.environ.get("INSIDERBOT_SOURCE")
ADDRESSES = {
    "finviz": "https://finviz.com/insidertrading",
    "openinsider": "https://openinsider.com/latest-insider-trading",
}


LATER = datetime.fromisoformat("2029-05-01T00:00:00+00:00")
# Words of which one is in every sentence about an answer that cannot be used.
SAID = "expected|did not answer|refused"


@dataclass(frozen=True)
class Setting:
    """A source with its world: `show` puts other words where it looks, `hide` takes everything away.

    `empty_page` is None where a list of nothing is an answer. `later` is another instant at which the same lines are
    shown, and `flagged` whether the source tells of a person more than the title.
    """

    source: Source
    show: Callable[[str], None]
    hide: Callable[[], None]
    page: str
    empty_page: str | None
    lines: int
    later: datetime = LATER
    flagged: bool = False

    def told(self) -> str:
        """What the source says of what it cannot show, as an error or beside its table; empty when nothing is wrong."""
        try:
            return "; ".join(self.source.fetch(NOW).attrs.get("left_out", ()))
        except SourceError as error:
            return str(error)


@pytest.fixture(params=[OWN] if OWN else [*WORLDS, *SERVICES])
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> Setting:
    """The source as the settings name it, with the invented lines to read."""
    spec = request.param
    if OWN:
        module, _, name = OWN.partition(":")
        made: Setting = getattr(importlib.import_module(module), name)(tmp_path)
        made.show(made.page)
        return made
    if spec in SERVICES:
        stage = request.getfixturevalue("stages").enter_context(SERVICES[spec].stage())
        return on_stage(SERVICES[spec], stage, tmp_path)
    factory, argument = plugins.find("sources", spec)
    kit = plugins.Kit(settings=Settings(), clock=lambda: NOW, http=Http("tests"), argument=argument)
    text, *told = WORLDS[spec]
    if spec in ADDRESSES:
        site = request.getfixturevalue("site")
        shown = Setting(factory(kit), lambda text: _serve(site, ADDRESSES[spec], text), site.reset, *told)
    else:
        path = tmp_path / argument
        if argument == "folder":
            path.mkdir()
            path /= "page.html"
        shown = Setting(factory(kit), lambda text: _write(path, text), path.unlink, *told)
    shown.show(text)
    return shown


def on_stage(service: Service, stage: Stage, folder: Path) -> Setting:
    """The source before a stand-in that shows its page."""
    stage.show(service.page)
    return Setting(
        service.source(stage.url, folder),
        stage.show,
        stage.hide,
        service.page,
        service.empty_page,
        service.lines,
        service.later,
        service.flagged,
    )


@pytest.fixture
def stages() -> Iterator[ExitStack]:
    with ExitStack() as stages:
        yield stages


@pytest.fixture
def site():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as site:
        yield site


def _serve(site: responses.RequestsMock, address: str, text: str) -> None:
    site.reset()
    site.get(address, body=text)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def test_it_has_a_name(setting: Setting) -> None:
    assert setting.source.name


def test_it_yields_a_valid_trades_table(setting: Setting) -> None:
    assert len(validate(setting.source.fetch(NOW))) == setting.lines


def test_it_says_the_same_when_asked_again(setting: Setting) -> None:
    pd.testing.assert_frame_equal(setting.source.fetch(NOW), setting.source.fetch(NOW))


def test_every_line_has_its_own_key_under_its_symbol(setting: Setting) -> None:
    assert not setting.source.fetch(NOW).duplicated(["key", "symbol"]).any()


def test_everything_was_known_before_now_and_after_it_was_done(setting: Setting) -> None:
    for trade in to_records(setting.source.fetch(NOW)):
        if trade.known_at is None:  # nobody knows since when: to look at, and nothing to trade on
            assert trade.side is None
            continue
        assert trade.known_at <= NOW
        assert trade.traded_on
        assert trade.filed_on
        assert trade.traded_on <= trade.filed_on


def test_only_open_market_trades_have_a_side(setting: Setting) -> None:
    for trade in to_records(setting.source.fetch(NOW)):
        if trade.known_at or trade.side:
            assert trade.side == {"P": "buy", "S": "sell"}.get(trade.code or "")
        if trade.side:
            assert trade.acquired in {None, "A" if trade.side == "buy" else "D"}


def test_what_a_title_means_is_the_role_table_s_business(setting: Setting) -> None:
    for trade in to_records(setting.source.fetch(NOW)):
        roles = classify(trade.title, flag=trade.is_officer if setting.flagged else None)
        assert (trade.role, trade.is_officer) == (roles.role, roles.is_officer)
        if not setting.flagged:
            assert (trade.is_director, trade.is_ten_percent) == (roles.is_director, roles.is_ten_percent)


LESS: list[Callable[[Setting], str]] = [
    lambda setting: "",
    lambda setting: "<html><body>Not found</body></html>",
    lambda setting: setting.page[:-9],
    lambda setting: "a,b\n1,2\n",
]


@pytest.mark.parametrize("less", LESS)
def test_less_than_its_table_is_told(setting: Setting, less: Callable[[Setting], str]) -> None:
    setting.show(less(setting))
    assert re.search(SAID, setting.told())


def test_a_page_without_rows_is_told_unless_that_is_an_answer(setting: Setting) -> None:
    if setting.empty_page is not None:
        setting.show(setting.empty_page)
        assert setting.told()


def test_nothing_at_all_is_a_source_error(setting: Setting) -> None:
    setting.hide()
    with pytest.raises(SourceError):
        setting.source.fetch(NOW)


def test_a_later_look_does_not_change_what_a_filing_settled(setting: Setting) -> None:
    pd.testing.assert_frame_equal(setting.source.fetch(NOW), setting.source.fetch(setting.later))
