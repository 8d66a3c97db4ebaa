"""The wiring: what a run is given, and that one which only looks has nothing to change anything with."""

import hashlib
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot import app
from bot.errors import ConfigError
from bot.exits import Exits
from bot.plugins import Kit
from bot.ports import Broker, BrokerView
from bot.settings import Settings
from bot.sizing import EqualWeight
from bot.store.database import open_database
from bot.store.repository import Repository
from bot.views import ReadOnlyBroker, ReadOnlyCache, Rewound
from brokers.simulated import SimulatedBroker
from tests.builders import KNOWN_AT, NOW, event, intent, trade
from tests.fakes import ScriptedBroker

MEMORY = "sqlite:///:memory:"


def settings(**changes: Any) -> Settings:
    return Settings.load(None, **changes)


def at_now() -> datetime:
    return NOW


def folder() -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in Path().iterdir()}


def members(kind: type) -> set[str]:
    return {name for name in (*vars(kind), *getattr(kind, "__annotations__", {})) if not name.startswith("_")}


def test_a_read_only_run_without_a_database_creates_none() -> None:
    with app.opened(settings(), clock=at_now, read_only=True) as parts:
        assert parts.store.orders() == []
        assert parts.broker.account().cash == 100_000
    assert folder() == {}


def test_a_read_only_run_leaves_the_database_as_it_is() -> None:
    with app.opened(settings(), clock=at_now) as parts:
        parts.store.halt("for the test", NOW)
    before = folder()
    assert list(before) == ["insiderbot.db"]
    with app.opened(settings(), clock=at_now, read_only=True) as parts:
        assert parts.store.halted() == "for the test"
        assert parts.broker.account().cash == 100_000
    assert folder() == before


def test_a_fresh_run_knows_nothing_of_the_database() -> None:
    with app.opened(settings(), clock=at_now) as parts:
        parts.store.halt("for the test", NOW)
    before = folder()
    with app.opened(settings(), clock=at_now, fresh=True) as parts:
        assert parts.store.halted() is None
        parts.store.halt("only in memory", NOW)
    assert folder() == before


def test_a_read_only_broker_can_be_asked_everything_and_told_nothing() -> None:
    with app.opened(settings(), clock=at_now, read_only=True) as parts:
        view = ReadOnlyBroker(parts.broker)
    orders = members(Broker) - members(BrokerView)
    assert {"submit", "activate", "find", "cancel", "orders"} <= orders
    assert all(hasattr(view, name) for name in members(BrokerView))
    assert not any(hasattr(view, name) for name in orders)


def careless(kit: Kit) -> ScriptedBroker:
    """A broker that would take the same order twice."""
    broker = ScriptedBroker(two_step=False)
    broker.idempotent = False
    return broker


def forgetful(kit: Kit) -> ScriptedBroker:
    """A broker that shows open orders only."""
    broker = ScriptedBroker()
    broker.list_all_statuses = False
    return broker


def two_steps_without_ids(kit: Kit) -> ScriptedBroker:
    """A broker where an order that is there twice is inactive twice."""
    broker = ScriptedBroker(two_step=True)
    broker.idempotent = False
    return broker


@pytest.mark.parametrize(
    ("broker", "reason"),
    [
        ("careless", "scripted could take an order twice when an answer is lost: "),
        ("forgetful", "scripted cannot list all orders of its account: "),
    ],
)
def test_a_broker_that_is_not_to_be_left_alone_is_used_by_hand_only(broker: str, reason: str) -> None:
    chosen = settings(sources="finviz", broker=f"tests.test_app:{broker}")
    with pytest.raises(ConfigError) as told:
        app.staying(chosen, clock=at_now).__enter__()
    assert str(told.value) == f"{reason}it must not be left alone, so use `insiderbot run` by hand"
    with app.opened(chosen, clock=at_now) as parts:
        assert parts.acting().desk is not None
        assert parts.looking().desk is None


def one_step_by_id(kit: Kit) -> ScriptedBroker:
    """A broker whose orders are live at once, and never twice."""
    return ScriptedBroker(two_step=False)


@pytest.mark.parametrize(
    "broker", ["simulated", "tests.test_app:two_steps_without_ids", "tests.test_app:one_step_by_id"]
)
def test_a_broker_whose_orders_cannot_be_doubled_may_be_left_alone(broker: str) -> None:
    with app.staying(settings(sources="finviz", broker=broker), clock=at_now) as daemon:
        assert daemon


def test_a_read_only_cache_remembers_and_learns_nothing() -> None:
    with app.opened(settings(), clock=at_now) as parts:
        later = NOW + timedelta(days=1)
        parts.answers.put({"known": "answer"}, later)
        cache = ReadOnlyCache(parts.answers)
        cache.put({"new": "answer"}, later)
        assert cache.get(["known", "new"], NOW) == {"known": "answer"}


def test_a_bot_that_looks_has_no_desk_and_looks_past_the_backlog() -> None:
    with app.opened(settings(sources="finviz"), clock=at_now) as parts:
        looking, acting = parts.looking(), parts.acting()
    assert (looking.desk, looking.trade_backlog) == (None, True)
    assert acting.desk is not None
    assert acting.trade_backlog is False
    with pytest.raises(ConfigError, match="a dry run places nothing"):
        looking.execute(None)  # type: ignore[arg-type]


def test_no_sources_is_a_sentence_that_says_what_to_write() -> None:
    with (
        app.opened(settings(), read_only=True) as parts,
        pytest.raises(ConfigError, match=r"^BOT_SOURCES is empty: write edgar or files:PATH"),
    ):
        parts.looking()


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (
            "finviz,edgar:",
            "^BOT_SOURCES has edgar:, with nothing behind the colon: name it, as in edgar:AAPL, or leave",
        ),
        ("edgar:NWRB,edgar:nwrb", "^BOT_SOURCES names a source twice"),
        ("finviz,finviz", "^BOT_SOURCES names a source twice"),
        ("files:", "^files needs a path"),
    ],
)
def test_sources_that_cannot_be_meant_are_refused(sources: str, said: str) -> None:
    wrong = settings(sources=sources, user_agent="northwind ops@northwind.example")
    with app.opened(wrong, read_only=True) as parts, pytest.raises(ConfigError, match=said):
        parts.looking()


@pytest.mark.parametrize(("name", "value"), [("broker", "simulatd"), ("strategy", "executve"), ("sources", "finvz")])
def test_a_part_that_does_not_exist_is_refused_with_a_suggestion(name: str, value: str) -> None:
    wrong = settings(**({"sources": "finviz"} | {name: value}))
    with app.opened(wrong, read_only=True) as parts, pytest.raises(ConfigError, match="did you mean"):
        parts.looking()


def test_without_prices_there_is_no_quote() -> None:
    with app.opened(settings(), clock=at_now, read_only=True) as parts:
        assert parts.broker.quote(intent().instrument, NOW) is None


def test_the_settings_reach_the_simulated_account() -> None:
    chosen = settings(simulated_cash="500", simulated_fee="2", simulated_minimum="3", simulated_spread="1%")
    with app.opened(chosen, clock=at_now, read_only=True) as parts:
        broker = parts.broker
        assert broker.account().available == 500
    assert isinstance(broker, SimulatedBroker)
    assert (str(broker.terms().fee), str(broker.terms().minimum), str(broker.spread)) == ("2", "3", "0.01")


def test_the_clock_of_the_house_is_aware_and_in_utc() -> None:
    offset = app.utc_now().utcoffset()
    assert offset is not None
    assert not offset


@pytest.mark.parametrize(("name", "polled"), [("edgar:aapl", ["edgar:AAPL"]), ("EDGAR:AAPL", ["edgar:AAPL"])])
def test_a_source_is_polled_by_whatever_name_it_has(name: str, polled: list[str]) -> None:
    chosen = Settings.of(sources="edgar:aapl,finviz", poll=name, user_agent="bot me@host.example", database_url=MEMORY)
    with app.opened(chosen) as parts:
        assert [source.name for source in parts.polled] == polled


def test_a_name_in_bot_poll_that_is_no_source_is_told() -> None:
    chosen = {"user_agent": "bot me@host.example", "database_url": MEMORY}
    misspelt = app.opened(Settings.of(sources="edgar", poll="egdar", **chosen))
    with misspelt as parts, pytest.raises(ConfigError, match="BOT_POLL names egdar, which is none of BOT_SOURCES"):
        _ = parts.polled
    with app.opened(Settings.of(sources="finviz", **chosen)) as parts:
        assert parts.polled == []


def test_a_strategy_file_decides_under_its_own_name() -> None:
    Path("mine.toml").write_text('name = "mine"\nrules = [{rule = "largest"}]\n')
    with app.opened(settings(strategy_file="mine.toml", sources=("files:.",)), clock=at_now, fresh=True) as parts:
        name, strategy = parts.decider.strategy
        assert (name, [rule.name for rule in strategy.rules]) == ("mine", ["largest"])  # type: ignore[attr-defined]
        bot = parts.looking()
    assert (bot.strategy, bot.trader.policy.strategy) == (strategy, "mine")


def test_sizes_and_exits_are_the_strategy_file_s_and_otherwise_the_settings() -> None:
    Path("mine.toml").write_text('name = "mine"\nexit_after = 60\nsizing = "equal:20"\nrules = [{rule = "largest"}]')
    with app.opened(settings(strategy_file="mine.toml", stop="15%", notional=500), clock=at_now, fresh=True) as parts:
        policy = parts.decider.policy
        assert parts.decider.provenance.settings["strategy file"] == Path("mine.toml").read_text()
        kept = parts.decider.provenance.settings
        assert [kept[f"BOT_{name}"] for name in ("STRATEGY", "SIZING", "EXIT_AFTER", "STOP", "NOTIONAL")] == [
            "", "equal:20", "60", "0.15", "500",
        ]  # fmt: skip
    assert (policy.strategy, policy.notional, policy.sizing) == ("mine", 500, EqualWeight(20))
    assert policy.exits == Exits(after=60, stop=Decimal("0.15"), said_as=("exit_after", "BOT_STOP"))
    with app.opened(settings(exit_after=60), clock=at_now, fresh=True) as parts:
        policy = parts.decider.policy
    assert (policy.strategy, policy.exits) == ("executives", Exits(after=60))


def test_a_strategy_and_a_strategy_file_are_one_too_many() -> None:
    both = settings(strategy_file="mine.toml", strategy="clusters")
    with (
        app.opened(both, clock=at_now, fresh=True) as parts,
        pytest.raises(ConfigError, match=r"^BOT_STRATEGY and BOT_STRATEGY_FILE both say how to decide"),
    ):
        parts.decider.strategy  # noqa: B018


@pytest.mark.parametrize("setting", ["sizing", "exit_when"])
def test_the_code_of_a_size_or_an_exit_of_one_s_own_is_part_of_the_strategy_s_version(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path.cwd())
    names = []
    for part in (2, 3):
        Path("own_part.py").write_text(f"def half(*_):\n    return {part}\n")
        monkeypatch.delitem(sys.modules, "own_part", raising=False)
        with app.opened(settings(**{setting: "own_part:half"}), clock=at_now, fresh=True) as parts:
            names.append(parts.decider.provenance.strategy)
    assert names[0] != names[1]
    assert all(name.startswith("executives ") for name in names)
    monkeypatch.delitem(sys.modules, "own_part")


def test_a_size_or_an_exit_that_cannot_be_loaded_is_told_with_the_place_that_names_it() -> None:
    Path("mine.toml").write_text('name = "mine"\nexit_when = "nowhere:tired"\nrules = [{rule = "largest"}]')
    for chosen, place in (
        ({"strategy_file": "mine.toml"}, "mine.toml: exit_when"),
        ({"exit_when": "nowhere:tired"}, "BOT_EXIT_WHEN"),
        ({"sizing": "nowhere:tired"}, "BOT_SIZING"),
    ):
        with (
            app.opened(settings(**chosen), clock=at_now, fresh=True) as parts,
            pytest.raises(ConfigError, match=f"^{place}: 'nowhere:tired' cannot be loaded"),
        ):
            parts.decider.policy  # noqa: B018
    with (
        app.opened(settings(exit_when="math:pi"), clock=at_now, fresh=True) as parts,
        pytest.raises(ConfigError, match=r"^BOT_EXIT_WHEN: 'math:pi' is no exit: write a function"),
    ):
        parts.decider.policy  # noqa: B018


def test_a_look_back_knows_what_was_public_and_stated_by_then_and_no_more() -> None:
    with (
        closing(open_database("sqlite:///:memory:")) as empty,
        closing(open_database("sqlite:///:memory:")) as database,
    ):
        store = Repository(database)
        first = event(trade=trade(known_at=KNOWN_AT, filed_on=date(2026, 3, 2)), statements=("s",))
        again = event(trade=trade(key="b", known_at=NOW, filed_on=date(2026, 3, 3)), statements=("s", "t"))
        store.record([], [], NOW, [first, again])
        seen = [event(trade=trade(known_at=NOW + timedelta(days=1)))]
        for at, known in ((KNOWN_AT - timedelta(seconds=1), 0), (KNOWN_AT, 1), (NOW, 2)):
            assert len(Rewound(empty, store, at).past(seen)) == known
        for at, days in (
            (datetime(2026, 3, 3, 4, tzinfo=UTC), {}),  # the evening of 2 March in New York
            (datetime(2026, 3, 3, 6, tzinfo=UTC), {"s": {date(2026, 3, 2)}}),
            (datetime(2026, 3, 4, 6, tzinfo=UTC), {"s": {date(2026, 3, 2), date(2026, 3, 3)}, "t": {date(2026, 3, 3)}}),
        ):
            assert Rewound(empty, store, at).stated_on(["s", "t"]) == days


def test_a_bug_in_a_part_of_one_s_own_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path.cwd())
    Path("own_bug.py").write_text("def source(kit):\n    return 1 / 0\n")
    with (
        app.opened(settings(sources=("own_bug:source",)), clock=at_now, fresh=True) as parts,
        pytest.raises(ConfigError, match=r"^'own_bug:source' has a bug \(own_bug.py, line 2\): ZeroDivisionError"),
    ):
        parts.sources  # noqa: B018
    monkeypatch.delitem(sys.modules, "own_bug")
