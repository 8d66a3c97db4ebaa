"""The README is true: its commands run as they stand, and its examples are used."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.exits import Held, Purchase
from tests.builders import intent, quote

ROOT = Path(__file__).parents[1]
DEMO = "BOT_DATABASE_URL=sqlite:///insiderbot-demo.db"
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


NEWSLETTER = json.dumps(
    [
        {
            "number": 1,
            "symbol": "NWRB",
            "owner": "Okafor Adaeze M",
            "title": "CFO",
            "traded_on": "2026-02-27",
            "filed_on": "2026-03-02",
            "known_at": "2026-03-02T22:03:00+00:00",
            "shares": 3000,
            "price": "40.81",
            "shares_after": 18500,
        }
    ]
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines()]


EXAMPLES = {
    text.split("\n")[0].removeprefix("# "): text
    for text in (*blocks("python"), *blocks("toml"))
    if text.startswith("# my")
}


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings that `demo --serve` prints, while it runs."""
    folder = tmp_path_factory.mktemp("served")
    command = [sys.executable, "-m", "bot", "demo", "--serve", "--folder", str(folder)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as server:
        assert server.stdout
        settings = {}
        for line in server.stdout:
            if line.startswith("BOT_"):
                name, _, value = line.strip().partition("=")
                settings[name] = value
            if "Ctrl-C" in line:
                break
        yield settings
        server.send_signal(signal.SIGINT)


def shell(command: str, folder: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **settings, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_every_command_is_one_that_this_file_runs() -> None:
    assert {line.split()[0] for line in commands()} == {"make", ".", "insiderbot", DEMO}


@pytest.mark.parametrize("target", re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE))
def test_every_make_target_exists(target: str) -> None:
    """CI runs `make demo` and `make test` themselves; here they would run this test again."""
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


def test_the_commands_run_in_their_order(stand_ins: dict[str, str], tmp_path: Path) -> None:
    run = [line for line in commands() if line.startswith(("insiderbot", DEMO))]
    assert len(run) >= 14
    for command in run:
        done = shell(command, tmp_path, stand_ins)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert "Traceback" not in done.stderr


def test_the_settings_shown_are_settings() -> None:
    known = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in set(re.findall(r"BOT_[A-Z_0-9]+", README)):
        assert f"# {name}=" in known, name


def test_the_rules_are_the_default_strategy_s() -> None:
    stack = re.search(r"follow\(([^)]*\)[^)]*\)[^)]*\)[^)]*)\)\n", "\n".join(blocks("python")))
    assert stack
    source = (ROOT / "strategies" / "executives.py").read_text(encoding="utf-8")
    names = re.findall(r"[a-z_]+(?=[,(]|$)", re.sub(r"\(.*?\)", "", stack[1]))
    places = [source.rindex(name) for name in names]
    assert len(names) == 6
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("example", "settings"),
    [
        ("my_strategy.py", {"BOT_STRATEGY": "my_strategy:strategy"}),
        ("my_source.py", {"BOT_SOURCES": "my_source:source"}),
        ("my_broker.py", {"BOT_BROKER": "my_broker:broker"}),
        ("my_size.py", {"BOT_SIZING": "my_size:careful"}),
        ("my_exit.py", {"BOT_EXIT_WHEN": "my_exit:tired"}),
    ],
)
def test_a_part_of_your_own_is_one_file_and_one_setting(
    example: str, settings: dict[str, str], stand_ins: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / example).write_text(EXAMPLES[example], encoding="utf-8")
    (tmp_path / "newsletter.json").write_text(NEWSLETTER, encoding="utf-8")
    done = shell(
        "insiderbot run --dry-run --format json",
        tmp_path,
        stand_ins | {"BOT_DATABASE_URL": "sqlite:///own.db"} | settings,
    )
    assert done.returncode == 0, done.stderr
    decisions = json.loads(done.stdout)["decisions"]
    if example == "my_source.py":
        assert [(d["symbol"], d["owner"], d["source"]) for d in decisions] == [
            ("NWRB", "Okafor Adaeze M", "newsletter")
        ]
    if example == "my_size.py":
        sizes = [d["evidence"]["size"] for d in decisions if "size" in d["evidence"]]
        assert sizes
        assert all(size.startswith("a careful ") for size in sizes)
    if example == "my_strategy.py":
        assert "filed_within" not in {d["rule"] for d in decisions}
    assert "buy" in {d["decision"] for d in decisions} or example == "my_source.py"


@pytest.mark.parametrize(
    ("age", "bid", "said"),
    [(19, 39, None), (20, 40, "it has not risen in 20 sessions"), (20, 41, None)],
)
def test_the_exit_of_your_own_sells_what_has_not_risen(age: int, bid: int, said: str | None) -> None:
    names: dict[str, Any] = {}
    exec(EXAMPLES["my_exit.py"], names)
    purchase = Purchase(intent=intent(), quantity=Decimal(24), price=Decimal(40), currency="USD")
    assert names["tired"](Held(purchase=purchase, age=age, ask=lambda: quote(bid=Decimal(bid)))) == said


NO_DAY = '{rule = "my_feature:no_fridays"}, {not = {rule = "my_feature:no_fridays"}}'
"""All that is told on a weekend was told on a Friday."""


@pytest.mark.parametrize(
    ("examples", "rules", "refusing"),
    [
        (["my.toml"], None, {"clustered_or_convinced"}),
        (["my_rule.py"], '{rule = "my_rule:dear", price = 50}', {"dear"}),
        (["my_feature.py"], NO_DAY, {"no_fridays", "not_no_fridays"}),
    ],
)
def test_a_strategy_file_names_rules_of_ours_and_of_your_own(
    examples: list[str], rules: str | None, refusing: set[str], stand_ins: dict[str, str], tmp_path: Path
) -> None:
    for example in examples:
        (tmp_path / example).write_text(EXAMPLES[example], encoding="utf-8")
    if rules:
        (tmp_path / "my.toml").write_text(f'name = "mine"\nrules = [{rules}]\n', encoding="utf-8")
    settings = {"BOT_DATABASE_URL": "sqlite:///own.db", "BOT_STRATEGY_FILE": "my.toml"}
    done = shell("insiderbot run --dry-run --format json", tmp_path, stand_ins | settings)
    assert done.returncode == 0, done.stderr
    refused = {d["rule"]: d["reason"] for d in json.loads(done.stdout)["decisions"]}
    assert refusing & refused.keys(), refused
    assert all("asked for: " in refused[rule] for rule in refusing & refused.keys())


def test_a_made_up_history_is_ranked_and_rewritten(tmp_path: Path) -> None:
    (tmp_path / "my_history.py").write_text(EXAMPLES["my_history.py"], encoding="utf-8")
    assert shell("python my_history.py", tmp_path, {}).returncode == 0
    ranked = shell("insiderbot signal --history made.parquet --as-of 2025-06-30 --top 3 --format json", tmp_path, {})
    assert [row["rank"] for row in json.loads(ranked.stdout)] == [1, 2, 3]
    checked = shell(
        "insiderbot lookahead-check --history made.parquet --instants 3 --format json",
        tmp_path,
        {"BOT_BARS": "files:bars.csv"},
    )
    assert json.loads(checked.stdout)["leak"] is None


@pytest.mark.parametrize("example", ["my_rule.py", "my_feature.py", "my_strategy.py"])
def test_an_example_of_what_decides_is_short(example: str) -> None:
    assert len([line for line in EXAMPLES[example].splitlines() if line]) <= 15


def test_the_source_of_your_own_passes_the_contract(tmp_path: Path) -> None:
    (tmp_path / "my_source.py").write_text(EXAMPLES["my_source.py"], encoding="utf-8")
    (tmp_path / "my_bench.py").write_text(
        "from my_source import Newsletter\n"
        "from tests.sources.test_contract import Setting\n"
        "def setting(folder):\n"
        "    file = folder / 'newsletter.json'\n"
        f"    return Setting(Newsletter(file), file.write_text, file.unlink, {NEWSLETTER!r}, '[]', 1)\n",
        encoding="utf-8",
    )
    passes_the_contract("tests/sources/test_contract.py", {"INSIDERBOT_SOURCE": "my_bench:setting"}, tmp_path)


def test_the_broker_of_your_own_passes_the_contract(tmp_path: Path) -> None:
    (tmp_path / "my_broker.py").write_text(EXAMPLES["my_broker.py"], encoding="utf-8")
    (tmp_path / "my_bench.py").write_text(
        "from dataclasses import replace\n"
        "from my_broker import NoPennyStocks\n"
        "from tests.brokers.test_contract import simulated\n"
        "def bench(folder):\n"
        "    made = simulated(folder)\n"
        "    return replace(made, broker=NoPennyStocks(made.broker), again=NoPennyStocks(made.again))\n",
        encoding="utf-8",
    )
    passes_the_contract("tests/brokers/test_contract.py", {"INSIDERBOT_BENCH": "my_bench:bench"}, tmp_path)


def passes_the_contract(suite: str, named: dict[str, str], folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", suite]
    environment = {**os.environ, **named, "PYTHONPATH": f"{folder}:{ROOT}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\[100%\]", done.stdout)
