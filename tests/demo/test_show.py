"""The demo's story, fact by fact, and the commands a newcomer types."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import pytest

from bot.demo import show
from bot.demo.companies import SHARES
from bot.demo.market import market
from bot.errors import ConfigError
from bot.model import Order, OrderStatus, Side, Signal, Skip
from bot.render import Format

HALF_SPREAD = Decimal("0.0005")
FOLLOWED = {"LMNX", "MRVB-A", "NWRB", "QLMK", "SMFP", "VLPM"}
ISINS = {share.ticker: share.isin for share in SHARES}


@pytest.fixture(scope="module")
def cycles(tmp_path_factory: pytest.TempPathFactory) -> list[show.Cycle]:
    return show.story(tmp_path_factory.mktemp("demo"))


def verdicts(cycle: show.Cycle) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for decision in cycle.plan.decisions:
        rule = decision.verdict.rule if isinstance(decision.verdict, Skip) else ""
        found.setdefault(rule, set()).add("/".join(decision.event.symbols))
    return found


def reason(cycle: show.Cycle, owner: str) -> str:
    return next(d.verdict.reason for d in cycle.plan.decisions if (d.event.trade.owner or "").startswith(owner))


def by_symbol(orders: Sequence[Order], side: Side) -> dict[str, Order]:
    return {order.symbol: order for order in orders if order.side is side}


def test_every_verdict_is_in_the_story(cycles: list[show.Cycle]) -> None:
    assert verdicts(cycles[0]) == {
        "": {"NWRB", "QLMK", "SMFP", "VLPM", "MRVB-A/MRVB-B/MRVB-PC", "LMNX"},
        "open_market": {"TDWX", "HZLW"},
        "officers_only": {"THWK", "BLPT"},
        "more_than": {"BLPT", "TDWX"},
        "known_within": {"SMFP"},
        "filed_within": {"KLPF"},
        "mapping": {"PEWT", "GDRW", "HLHC/TDWX", ""},
        "not_held": {"THWK"},
        "limit": {"WNDC", "KLPF"},
        "quarantined": {"OSCM"},
        "cash": {"HZLW"},
    }


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ("Okafor", "3,000 shares bought of 60,000 held before = 5 %"),
        ("Penhallow", "'President & CEO' is an officer"),
        ("Nakagawa", "a new position"),
        ("Dunmore", "2,250 shares bought of 20,000 held before = 11.25 %"),
        ("Whitlock", "300 shares bought of 100,000 held before = 0.3 %"),
        ("Marchetti", "'See Remarks' does not say"),
        ("Cobalt", "'10% Owner' is not an officer"),
        ("Ravensdale", "asked for: at most 5"),
        ("Hollingberry", "asked for: at most 3"),
        ("Grimshaw", "no US listing of PEWT"),
        ("Tanaka", "GDRW is several share classes"),
        ("Vantongeren", "different companies"),
        ("Islay", "no ticker"),
        ("Oyelaran", "do not buy one whole share"),
        ("Quist", "KLPF is both to be bought and to be sold"),
        ("Castellane", "none of it is held"),
        ("Stone", "Form 144"),
        ("Brannigan", "an option exercise"),
        ("Halvorsen", "are not worth"),
    ],
)
def test_every_reason_names_its_facts(cycles: list[show.Cycle], owner: str, words: str) -> None:
    assert words in reason(cycles[0], owner)


def test_an_exercise_and_sell_is_two_events_and_no_order(cycles: list[show.Cycle]) -> None:
    events = [d for d in cycles[0].plan.decisions if d.event.trade.owner == "Eastaugh Mirela"]
    rules = {d.event.trade.code: d.verdict.rule for d in events if isinstance(d.verdict, Skip)}
    assert rules == {"M": "open_market", "S": "more_than"}


def test_two_witnesses_share_one_order(cycles: list[show.Cycle]) -> None:
    followed = [d for d in cycles[0].plan.decisions if isinstance(d.verdict, Signal)]
    assert len(followed) == 7
    assert {d.client_order_id for d in followed} == {order.client_order_id for order in cycles[0].orders}
    assert len({d.client_order_id for d in followed if d.event.symbols == ("QLMK",)}) == 1
    assert {order.symbol for order in cycles[0].orders} == FOLLOWED
    assert len(cycles[0].orders) == len(FOLLOWED)


def test_before_the_open_orders_are_activated_and_nothing_is_filled(cycles: list[show.Cycle]) -> None:
    assert {(order.status, order.filled) for order in cycles[0].orders} == {(OrderStatus.WORKING, Decimal(0))}
    assert cycles[0].account.cash == show.CASH
    assert not cycles[0].positions


def test_orders_are_filled_at_the_open_with_half_the_spread(cycles: list[show.Cycle]) -> None:
    bars = {(bar.symbol, bar.on): bar for bar in market(show.DAY).bars}
    orders = by_symbol(cycles[1].orders, Side.BUY)
    assert set(orders) == FOLLOWED
    for symbol, order in orders.items():
        assert order.status is OrderStatus.FILLED
        assert order.isin == ISINS[symbol]
        paid = bars[symbol, show.DAY].open * (1 + HALF_SPREAD)
        assert order.price == paid.quantize(Decimal("0.0001"))
        assert order.filled * paid <= 1010


def test_the_same_run_again_changes_nothing(cycles: list[show.Cycle]) -> None:
    for cycle in (cycles[1], cycles[2], cycles[4]):
        assert not cycle.plan.decisions
        assert not cycle.plan.intents
    assert (cycles[1].orders, cycles[1].account) == (cycles[2].orders, cycles[2].account)


def test_the_officers_sale_closes_the_position(cycles: list[show.Cycle]) -> None:
    assert verdicts(cycles[3]) == {"": {"NWRB"}, "officers_only": {"BLPT"}}
    assert "6,000 shares sold of 20,000 held before = 30 %" in reason(cycles[3], "Tremblay")
    bought, sold = (by_symbol(cycles[4].orders, side)["NWRB"] for side in (Side.BUY, Side.SELL))
    assert (sold.quantity, sold.status) == (bought.quantity, OrderStatus.FILLED)
    opening = next(bar.open for bar in market(show.DAY).bars if (bar.symbol, bar.on) == ("NWRB", date(2026, 3, 3)))
    assert sold.price == (opening * (1 - HALF_SPREAD)).quantize(Decimal("0.0001"))
    assert {position.symbol for position in cycles[4].positions} == FOLLOWED - {"NWRB"}


def test_cash_adds_up(cycles: list[show.Cycle]) -> None:
    for cycle in cycles:
        moved = [
            order.fee + order.filled * (order.price or 0) * (1 if order.side is Side.BUY else -1)
            for order in cycle.orders
        ]
        assert cycle.account.cash == show.CASH - sum(moved)
        assert 0 <= cycle.account.available <= cycle.account.cash


def test_no_source_and_no_service_is_degraded(cycles: list[show.Cycle]) -> None:
    assert [cycle.plan.degraded for cycle in cycles] == [()] * 5


def test_as_json_the_demo_is_one_object(
    cycles: list[show.Cycle], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "story", lambda _: cycles)
    show.run(tmp_path, Format.JSON)
    told = json.loads(capsys.readouterr().out)
    assert [len(cycle["decisions"]) for cycle in told["cycles"]] == [27, 0, 0, 2, 0]
    assert len(told["orders"]) == 7
    assert {position["symbol"] for position in told["positions"]} == FOLLOWED - {"NWRB"}
    assert Decimal(told["account"]["cash"]) < show.CASH


def test_as_csv_the_demo_is_its_orders(
    cycles: list[show.Cycle], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "story", lambda _: cycles)
    show.run(tmp_path, Format.CSV)
    assert len(capsys.readouterr().out.splitlines()) == 1 + 7


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(ConfigError, match=r"--folder: .* cannot be written to"):
            show.run(folder, Format.TABLE)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-02-28T12:00+00:00", date(2026, 3, 2)),  # a Saturday: Friday evening's news
        ("2026-03-02T14:00+00:00", date(2026, 3, 2)),  # Monday before the open
        ("2026-03-02T15:00+00:00", date(2026, 3, 2)),  # Monday after the open: this evening's news are to come
        ("2026-03-02T22:00+00:00", date(2026, 3, 2)),  # not all of this evening's news are out
        ("2026-03-03T02:00+00:00", date(2026, 3, 3)),  # all are
        ("2026-07-03T12:00+00:00", date(2026, 7, 6)),  # a holiday
    ],
)
def test_the_market_served_is_the_latest_whose_news_are_out(now: str, day: date) -> None:
    at = datetime.fromisoformat(now).astimezone(UTC)
    served = show.served(at)
    assert served.day == day
    assert len(served.public(at)) >= 29


def command(line: str, folder: Path, **more: str) -> str:
    """What `python -m bot` prints; it must succeed and say nothing on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", *line.split()],
        cwd=folder,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_demo_starts_afresh_and_the_commands_it_names_work(tmp_path: Path) -> None:
    (tmp_path / show.DATABASE).write_text("left by something else")
    told = command("demo", tmp_path, COLUMNS="100", BOT_BROKER="none")  # what is set for the real bot is left out
    assert "a new position" in told
    named = [line.split() for line in told.splitlines() if line.startswith("  BOT_DATABASE_URL=")]
    results = [
        command(" ".join(rest), tmp_path, COLUMNS="140", BOT_DATABASE_URL=url.partition("=")[2])
        for url, program, *rest in named
        if program == "insiderbot"
    ]
    assert len(results) == 2
    assert all(symbol in results[0] for symbol in FOLLOWED)
    assert "Okafor Adaeze M" in results[1]


def test_what_serve_prints_is_all_that_is_needed_for_any_broker_of_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "demo", "--serve"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as serving:
        try:
            assert serving.stdout
            printed = []
            for line in serving.stdout:
                printed.append(line)
                if "Ctrl-C" in line:
                    break
            (tmp_path / ".env").write_text("".join(printed))
            plan: Mapping[str, Any] = json.loads(command("run --dry-run --format json", tmp_path))
            others = {
                broker: json.loads(command("status --format json", tmp_path, **chosen(printed, broker)))
                for broker in ("alpaca", "lemon_markets")
            }
            serving.send_signal(signal.SIGINT)
            assert serving.wait(timeout=20) == 0
        finally:
            serving.kill()
    assert plan["degraded"] == []
    assert {"QLMK", "SMFP", "VLPM"} <= {order["symbol"] for order in plan["orders"]}
    rules = {decision["rule"] for decision in plan["decisions"]}
    assert {"open_market", "officers_only", "more_than", "mapping", "quarantined"} <= rules
    assert not list(tmp_path.glob("*.db"))
    assert others["alpaca"]["account"].startswith("PA")
    assert (others["alpaca"]["currency"], others["lemon_markets"]["currency"]) == ("USD", "EUR")


def chosen(printed: Sequence[str], broker: str) -> dict[str, str]:
    """The settings that are printed as a comment, from this broker's own to the next comment in words."""
    start = printed.index(f"# BOT_BROKER={broker}\n")
    settings = takewhile(lambda line: line.startswith("# BOT_"), printed[start:])
    return dict(line.removeprefix("# ").strip().split("=") for line in settings)


def test_runs_follow_one_another(cycles: list[show.Cycle]) -> None:
    assert all(one.plan.as_of < other.plan.as_of for one, other in pairwise(cycles))
