"""The name of the program that reads filings: it changes with all that decides what they say."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from bot.sources.edgar import filing


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the program, which the reader is named after."""
    copy = tmp_path / "bot"
    shutil.copytree(str(files("bot")), copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(filing, "files", lambda package: tmp_path.joinpath(*package.split(".")))
    return copy


@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("sources/edgar/ownership.py", True),
        ("sources/edgar/footnotes.py", True),
        ("sources/cells.py", True),
        ("sources/rows.py", True),
        ("model.py", True),
        ("roles.py", True),
        ("engine.py", False),
    ],
)
def test_another_text_of_the_program_is_another_reader(program: Path, name: str, reads: bool) -> None:
    name_of_reader = filing.reader.__wrapped__
    before = name_of_reader()
    changed = program / name
    changed.write_text(changed.read_text("utf-8") + "\n# changed\n", "utf-8")
    assert (name_of_reader() != before) is reads
