"""A small campaign against every parser, and a campaign against parsers with faults that it must find."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from random import Random
from types import FrameType, FunctionType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.__main__ import main
from tests.fuzz.campaign import CHUNK, Limits, Task, attempt, tasks
from tests.fuzz.mutations import CHANGES, Change
from tests.fuzz.parsers import PARSERS, Parser
from tests.fuzz.planted import AT
from tests.fuzz.planted import PARSERS as PLANTED

ROOT = Path(__file__).parents[2]
READERS = ("bot.sources", "bot.rates", "bot.prices", "bot.instruments", "brokers")
SELF_MADE = {name: replace(parser, recorded=()) for name, parser in PARSERS.items()}
FEW = 100
EACH_CHANGE = [(shape, number) for shape, changes in CHANGES.items() for number in range(len(changes))]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "tests.fuzz", *arguments]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)


# -- every parser


@pytest.mark.parametrize("name", PARSERS)
def test_a_mutated_input_is_read_or_refused(name: str) -> None:
    parser = SELF_MADE[name]
    outcomes = [(number, attempt(parser, parser.input(1, number))[0]) for number in range(FEW)]
    assert [outcome for outcome in outcomes if outcome[1] not in {"read", "refused"}] == []
    assert "refused" in {outcome for _, outcome in outcomes}


@pytest.mark.parametrize("name", [name for name in PARSERS if name != "lemon-refused"])
def test_what_is_mutated_is_read_before(name: str) -> None:
    parser = SELF_MADE[name]
    assert "read" in {attempt(parser, example)[0] for example in parser.made()}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("saved-page", b"<!--<table><tr><td></td></tr></table>-->"),
        (
            "saved-page",
            b"<table><tr><th>Owner<th>Relationship<th>Date<th>Cost" + b"<th>Extra" * 2000 + b"</tr></table>",
        ),
        ("prices", b"date,symbol,open,close\n2026-03-02,NWRB,40," + b"1" * 5000),
        ("isin-file", b"symbol,isin\nNWRB," + b"1" * 5000),
        ("lemon-orders", b'{"mode": "paper", "results": [{"id": "1", "notes": {}}], "total": 1, "page": 1}'),
    ],
)
def test_what_was_once_found_is_refused(name: str, content: bytes) -> None:
    assert attempt(PARSERS[name], content)[0] == "refused"


def test_no_reader_is_left_out() -> None:
    called = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            called.add(frame.f_code)

    sys.setprofile(note)
    try:
        for parser in SELF_MADE.values():
            for example in parser.made():
                attempt(parser, example)
    finally:
        sys.setprofile(None)
    assert {f"{reader.__module__}.{reader.__name__}" for reader in readers() if reader.__code__ not in called} == set()


def readers() -> Iterator[FunctionType]:
    """The public functions that, by their names, read what others wrote."""
    for package in map(import_module, READERS):
        for module in map(
            import_module, (found.name for found in walk_packages(package.__path__, f"{package.__name__}."))
        ):
            for name, value in vars(module).items():
                is_reader = name in {"read", "parse"} or name.startswith("read_")
                if is_reader and isinstance(value, FunctionType) and value.__module__ == module.__name__:
                    yield value


# -- mutations


def test_an_input_is_the_same_for_the_same_seed_and_number() -> None:
    parser = SELF_MADE["ownership"]
    inputs = [parser.input(1, number) for number in range(20)]
    assert inputs == [parser.input(1, number) for number in range(20)]
    assert len(set(inputs)) > 10  # now and then there is nothing to change where a change was to be
    assert inputs != [parser.input(2, number) for number in range(20)]


@pytest.mark.parametrize(("shape", "number"), EACH_CHANGE)
def test_every_change_changes_something(shape: str, number: int) -> None:
    change: Change = CHANGES[shape][number]
    fitting = next(parser for parser in SELF_MADE.values() if parser.shape == shape or shape == "bytes")
    example = next(iter(fitting.made()))
    assert any(change(example, Random(chance)) != example for chance in range(9))


@pytest.mark.parametrize(("shape", "number"), EACH_CHANGE)
@given(content=st.binary(max_size=60), chance=st.integers(0, 999))
def test_a_change_takes_any_bytes(shape: str, number: int, content: bytes, chance: int) -> None:
    assert isinstance(CHANGES[shape][number](content, Random(chance)), bytes)


# -- the campaign


def test_the_inputs_are_shared_out_among_the_parsers() -> None:
    made = tasks("x:y", ["a", "b"], 3 * CHUNK, 1, Limits())
    assert made == [
        Task("x:y", name, 1, numbers, Limits())
        for numbers in (range(CHUNK), range(CHUNK, CHUNK + CHUNK // 2))
        for name in "ab"
    ]


def test_the_command_tells_what_came_of_every_input(tmp_path: Path) -> None:
    done = command(
        "--inputs",
        str(10 * len(PARSERS)),
        "--jobs",
        "2",
        "--json",
        f"{tmp_path}/told.json",
        "--findings",
        f"{tmp_path}/found",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, dict[str, Any]] = json.loads((tmp_path / "told.json").read_text())["parsers"]
    assert told.keys() == PARSERS.keys()
    assert all(tally["inputs"] == tally["read"] + tally["refused"] == 10 for tally in told.values())
    assert all(0 < tally["slowest_ms"] < 1000 and 0 < tally["peak_mb"] < 512 for tally in told.values())
    assert f"{10 * len(PARSERS):,} inputs" in done.stdout


def test_a_parser_nobody_has_is_named() -> None:
    with pytest.raises(SystemExit, match="there is no parser 'tea-leaves'; choose from ownership, "):
        main(["--parser", "tea-leaves"])


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A campaign against the parsers with faults."""
    folder = tmp_path_factory.mktemp("planted")
    limits = ["--seconds", "0.2", "--hang", "4", "--megabytes", "120"]
    where = ["--json", f"{folder}/told.json", "--findings", f"{folder}/found", "--seed", "5"]
    inputs = str(len(PLANTED) * 20)
    table = ["--table", "tests.fuzz.planted:PARSERS", "--inputs", inputs, "--jobs", "2"]
    return command(*table, *limits, *where), folder


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("raises", "ValueError in tests/fuzz/planted.py:"),
        ("babbles", "is refused without one clear sentence"),
        ("says_nothing", "is refused without one clear sentence"),
        ("sleeps", "is slow"),
        ("hangs", "took more than 4 s"),
        ("eats", "takes too much memory"),
        ("dies", "ended its process (3)"),
    ],
)
def test_a_fault_is_found_and_its_input_saved(name: str, problem: str, planted: Any) -> None:
    done, folder = planted
    tally = json.loads((folder / "told.json").read_text())["parsers"][name]
    assert {finding["number"] for finding in tally["findings"]} == {AT}
    assert any(finding["problem"].startswith(problem) for finding in tally["findings"])
    assert tally["inputs"] == 20  # the others were taken too
    assert tally["read"] + tally["refused"] >= 19
    assert (folder / "found" / f"{name}-5-{AT}").read_bytes() == b"5 7"
    assert f"{name}, seed 5, input {AT}: {problem}" in done.stdout
    assert done.returncode == 1


def test_a_sound_parser_has_no_finding(planted: Any) -> None:
    done, folder = planted
    tally = json.loads((folder / "told.json").read_text())["parsers"]["sound"]
    assert (tally["inputs"], tally["read"], tally["refused"], tally["findings"]) == (20, 10, 10, [])
    assert "sound, seed" not in done.stdout


def test_parsers_are_told_by_name() -> None:
    assert [name for name, parser in PARSERS.items() if parser.name != name] == []
    assert all(isinstance(parser, Parser) for parser in PARSERS.values())
