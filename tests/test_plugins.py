"""The door for parts: built-in names, a user's own module:factory, and sentences for everything else."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from bot.errors import ConfigError
from bot.plugins import Kind, find

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Puts a module with this text into the current folder and returns its name; it is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    name = f"own_{abs(hash(tmp_path))}"

    def written(text: str) -> str:
        Path(f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return written


@pytest.mark.parametrize(
    ("kind", "spec", "module", "argument"),
    [
        ("sources", "finviz", "bot.sources.finviz", ""),
        ("sources", "files:saved/page.html", "bot.sources.files", "saved/page.html"),
        ("sources", "files:C:\\saved", "bot.sources.files", "C:\\saved"),
        ("strategies", "executives", "strategies.executives", ""),
        ("strategies", "small_caps", "strategies.small_caps", ""),
        ("bars", "files:bars.csv", "bot.prices.figures", "bars.csv"),
        ("sizes", "files:sizes.csv", "bot.prices.figures", "sizes.csv"),
        ("brokers", "simulated", "brokers.simulated", ""),
        ("prices", "files:prices.csv", "bot.prices.files", "prices.csv"),
    ],
)
def test_a_built_in_part_comes_in_by_its_name(kind: str, spec: str, module: str, argument: str) -> None:
    factory, told = find(cast("Kind", kind), spec)
    assert (factory.__module__, told) == (module, argument)


def test_an_own_part_comes_in_from_the_current_folder(write: Write) -> None:
    name = write("def source(kit):\n    return 'mine'\n")
    factory, argument = find("sources", f"{name}:source")
    assert (factory(None), argument) == ("mine", "")  # type: ignore[arg-type]


def test_an_own_part_may_lie_in_a_package() -> None:
    factory, _ = find("strategies", "strategies.executives:strategy")
    assert factory.__name__ == "strategy"


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        ("sources", "finvis", "there is no 'finvis' among the sources; did you mean finviz?"),
        (
            "sources",
            "",
            (
                "sources",
                "",
                "there is no '' among the sources; "
                "choose from edgar, files, finviz, openinsider, rest, securitiesdb or write module:factory",
            ),
        ),
        (
            "brokers",
            "zzz",
            "there is no 'zzz' among the brokers; choose from alpaca, lemon_markets, simulated or write module:factory",
        ),
        ("rates", "ecp", "there is no 'ecp' among the rates; did you mean ecb?"),
        ("strategies", "executive:", "there is no 'executive' among the strategies; did you mean executives?"),
        ("sources", ":source", "there is no '' among the sources; choose from "),
        ("sources", ".own:source", "there is no '.own' among the sources; choose from "),
        ("sources", "../own:source", "there is no '../own' among the sources; choose from "),
    ],
)
def test_an_unknown_name_is_refused_with_what_there_is(kind: str, spec: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find(cast("Kind", kind), spec)
    assert str(caught.value).startswith(words)


def test_a_missing_module_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^'no_such_module:source' cannot be loaded: No module named"):
        find("sources", "no_such_module:source")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be loaded: module .* has no attribute 'source'"),
        ("import no_such_module\n", "cannot be loaded: No module named 'no_such_module'"),
        ("def source(kit:\n", r"cannot be loaded: .* line 1\)"),
        ("x = 1\ny = 1 / 0\n", r"has a bug \(\w+.py, line 2\): ZeroDivisionError: division by zero"),
        ("source = 'text'\n", "is not a factory: write a function that takes a Kit and returns the part"),
    ],
)
def test_an_own_part_that_cannot_be_used_is_refused_in_one_sentence(text: str, words: str, write: Write) -> None:
    name = write(text)
    with pytest.raises(ConfigError, match=f"^'{name}:source' {words}$"):
        find("sources", f"{name}:source")
