"""FinViz, OpenInsider and EDGAR at once, over real HTTP: one event with three witnesses, and what is usual of each."""

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import app, cli
from bot.app import opened
from bot.demo.companies import SHARES, records
from bot.demo.edgar.filings import from_lines
from bot.demo.edgar.server import EdgarServer
from bot.demo.finviz import FinVizServer
from bot.demo.market import Line, market
from bot.demo.openfigi import OpenFigiServer
from bot.demo.openinsider import OpenInsiderServer
from bot.demo.show import DAY
from bot.errors import ConfigError
from bot.settings import Settings
from tests.fakes import Time

OWNER = "Okafor Adaeze M"
NEWS = market(DAY)
EVENING = max(line.filed_at for line in NEWS.lines if line.filed_at.date() < DAY) + timedelta(minutes=1)
FILED = from_lines([line for line in NEWS.lines if line.owner in {OWNER, "Dunmore Casimir"}])  # read at the SEC's pace


@dataclass(slots=True)
class World:
    """Three sites with one market, and the clock of whoever asks them."""

    clock: Time
    finviz: FinVizServer
    openinsider: OpenInsiderServer
    edgar: EdgarServer
    settings: dict[str, str]

    def show(self, lines: Sequence[Line]) -> None:
        """On the two web pages; what EDGAR has, it keeps."""
        self.finviz.show(lines)
        self.openinsider.show(lines)

    def run(self, *, polling: bool = False, dry: bool = False, **settings: str) -> Any:
        """One cycle's plan."""
        with opened(Settings.of(**(self.settings | settings)), clock=self.clock, read_only=dry) as parts:
            return parts.looking().plan() if dry else parts.acting(trade_backlog=True, polling=polling).run()[0]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    bars = "".join(f"{bar.on},{bar.symbol},{bar.open},{bar.close}\n" for bar in NEWS.bars)
    (tmp_path / "prices.csv").write_text("date,symbol,open,close\n" + bars, encoding="utf-8")
    lines, clock = NEWS.public(EVENING), Time(EVENING)
    with ExitStack() as services:
        finviz = services.enter_context(FinVizServer())
        openinsider = services.enter_context(OpenInsiderServer(lines))
        edgar = services.enter_context(EdgarServer(FILED, clock=clock, per_second=None))
        figi = services.enter_context(OpenFigiServer(records(SHARES)))
        finviz.show(lines)
        yield World(
            clock,
            finviz,
            openinsider,
            edgar,
            {
                "sources": "finviz,openinsider,edgar",
                "finviz_url": finviz.url,
                "openinsider_url": openinsider.url,
                "edgar_url": edgar.url,
                "archive": str(tmp_path / "archive"),
                "user_agent": "insiderbot tests@example.org",
                "openfigi_url": figi.url,
                "prices": f"files:{tmp_path / 'prices.csv'}",
                "database_url": f"sqlite:///{tmp_path / 'bot.db'}",
            },
        )


def decided(plan: Any, owner: str = OWNER) -> dict[str, Any]:
    (row,) = [decision.row() for decision in plan.decisions if decision.event.trade.owner == owner]
    return dict(row)


def test_one_event_has_three_witnesses_and_the_filing_s_numbers(world: World) -> None:
    plan = world.run()
    row = decided(plan)
    assert (row["sources"], row["source"], row["decision"]) == (["edgar", "finviz", "openinsider"], "edgar", "buy")
    assert "dispute" not in row["evidence"]
    assert plan.degraded == ()
    assert len([intent for intent in plan.intents if intent.instrument.symbol == "NWRB"]) == 1


def test_trades_names_all_three_beside_every_row_of_the_event(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in world.settings.items():
        monkeypatch.setenv(f"BOT_{name.upper()}", value)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(app, "utc_now", world.clock)

    def printed(form: str) -> str:
        monkeypatch.setattr(sys, "argv", ["insiderbot", "trades", "--format", form])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
        return capsys.readouterr().out

    rows = [row for row in json.loads(printed("json")) if row["symbol"] == "NWRB"]
    assert sorted(row["source"] for row in rows) == ["edgar", "finviz", "openinsider"]
    assert [row["witnesses"] for row in rows] == [["edgar", "finviz", "openinsider"]] * 3
    lines = [line.strip() for line in printed("table").splitlines() if " NWRB " in line]
    assert len(lines) == 3
    assert all(line.endswith("edgar, finviz, openinsider") for line in lines)


def test_what_edgar_does_not_have_is_unconfirmed_until_a_poll_of_edgar_shows_it(world: World) -> None:
    (news,) = [line for line in NEWS.lines if line.owner == OWNER]
    (missing,) = [filing for filing in FILED if filing.accession == news.accession]
    with EdgarServer([filing for filing in FILED if filing != missing], clock=world.clock, per_second=None) as late:
        world.settings["edgar_url"] = late.url
        row = decided(world.run())
        assert (row["sources"], row["rule"]) == (["finviz", "openinsider"], "unconfirmed")
        late.publish(missing)
        row = decided(world.run(polling=True))
    assert (row["sources"], row["decision"]) == (["edgar"], "buy")
    again = world.run()
    assert [decision for decision in again.decisions if decision.event.trade.owner == OWNER] == []


def test_with_none_as_primary_a_web_page_is_enough(world: World) -> None:
    with EdgarServer([FILED[0]], clock=world.clock, per_second=None) as late:
        world.settings["edgar_url"] = late.url
        assert decided(world.run(primary="none", dry=True))["decision"] == "buy"
        assert decided(world.run(dry=True))["rule"] == "unconfirmed"


@pytest.mark.parametrize(
    ("sources", "primary", "expected"),
    [
        ("edgar,finviz", "", "edgar"),
        ("finviz,openinsider", "", None),
        ("edgar:NWRB,finviz", "", None),
        ("edgar,finviz", "none", None),
        ("edgar,finviz", "finviz", "finviz"),
        ("edgar:NWRB,finviz", "edgar:NWRB", "edgar"),
    ],
)
def test_the_primary_source_is_edgar_unless_another_is_named(
    sources: str, primary: str, expected: str | None, world: World
) -> None:
    settings = Settings.of(**world.settings | {"sources": sources, "primary": primary})
    with opened(settings, clock=world.clock, fresh=True) as parts:
        assert parts.looking().primary == expected


@pytest.mark.parametrize(
    ("primary", "sentence"),
    [
        ("edgr", "BOT_PRIMARY is edgr, which is none of BOT_SOURCES (finviz, files:saved), nor none"),
        ("edgar", "BOT_PRIMARY is edgar, which is none of BOT_SOURCES (finviz, files:saved), nor none"),
        (
            "files:saved",
            "BOT_PRIMARY: the rows of files:saved are those of the sites they were saved from; name a site",
        ),
    ],
)
def test_a_primary_source_that_cannot_be_one_is_a_sentence(primary: str, sentence: str, world: World) -> None:
    settings = Settings.of(**world.settings | {"sources": "finviz,files:saved", "primary": primary})
    with opened(settings, clock=world.clock, fresh=True) as parts, pytest.raises(ConfigError) as refused:
        parts.looking()
    assert str(refused.value) == sentence


def test_a_part_of_your_own_can_be_the_primary_source_by_its_name_and_by_its_factory(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_letter.py").write_text(
        "class Letter:\n    name = 'letter'\n\ndef source(kit):\n    return Letter()\n"
    )
    for primary in ("letter", "my_letter:source"):
        settings = Settings.of(**world.settings | {"sources": "my_letter:source", "primary": primary})
        with opened(settings, clock=world.clock, fresh=True) as parts:
            assert parts.primary == "letter"


# -- what a source has shown before


def lively(days: int) -> list[Line]:
    """As many purchases on each of the last business days, the latest first."""
    (one,) = [line for line in NEWS.lines if line.owner == OWNER]
    return [
        Line(
            **{name: getattr(one, name) for name in Line.__dataclass_fields__}
            | {
                "owner": f"Person Number {number}",
                "owner_cik": 9_999_600_000 + number,
                "accession": f"9999600{number:03}-26-{day:06}",
                "filed_at": one.filed_at - timedelta(days=day),
                "traded_on": one.traded_on - timedelta(days=day),
                "shares_after": 60_000 + number,
            }
        )
        for day in range(days)
        if (one.filed_at - timedelta(days=day)).weekday() < 5
        for number in range(3)
    ]


def test_a_page_that_stands_still_is_degraded_and_its_rows_are_used(world: World) -> None:
    world.show(lively(8))
    assert world.run(sources="finviz").degraded == ()
    world.clock.now += timedelta(days=4)  # from Friday evening to Tuesday: nothing came on Monday
    plan = world.run(sources="finviz", known_within="9")
    assert [(item.name, item.reason) for item in plan.degraded] == [
        ("finviz", "nothing filed on 2026-03-02, where 3 rows a day are usual; the newest row was filed on 2026-02-27")
    ]


def test_what_is_usual_is_remembered_by_a_cycle_and_not_by_a_dry_run(world: World, tmp_path: Path) -> None:
    def digest() -> str:
        return hashlib.sha256((tmp_path / "bot.db").read_bytes()).hexdigest()

    def kept() -> str | None:
        with opened(Settings.of(**world.settings), clock=world.clock, read_only=True) as parts:
            return parts.store.recall("freshness:finviz")

    world.show(lively(8))
    world.run(sources="finviz")
    before, stands = kept(), digest()
    assert before
    assert json.loads(before)["filed"]["2026-02-25"] == 3
    world.clock.now += timedelta(days=1)
    world.run(sources="finviz", dry=True)
    assert (kept(), digest()) == (before, stands)
    world.run(sources="finviz")
    assert kept() != before
