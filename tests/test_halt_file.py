"""A file that halts by being there, whatever is in it; only what is certainly not there does not."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.halt_file import LONGEST, HaltFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "HALT"


def test_what_is_not_there_does_not_halt(path: Path) -> None:
    assert HaltFile(path).reason() is None
    assert HaltFile(path / "in" / "no" / "folder").reason() is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"on holiday", "on holiday"),
        (b"\n\n  on holiday\t\r\nuntil Monday\n", "on holiday"),
        ("Störung".encode(), "Störung"),
        (b"\xff\x00broken\x1b[31m", "\ufffd broken [31m"),
        (b"x" * 10_000, "x" * LONGEST),
    ],
)
def test_the_first_line_is_the_reason(path: Path, content: bytes, said: str) -> None:
    path.write_bytes(content)
    assert HaltFile(path).reason() == f"{said} ({path})"


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\x00\x1b"])
def test_an_empty_file_halts(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert HaltFile(path).reason() == f"there is a file {path}"


def test_a_file_that_is_gone_halts_no_more(path: Path) -> None:
    path.touch()
    assert HaltFile(path).reason()
    path.unlink()
    assert HaltFile(path).reason() is None


def test_a_folder_in_its_place_halts(path: Path) -> None:
    path.mkdir()
    assert HaltFile(path).reason() == f"there is something at {path}, which is no file"


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in the file system")
def test_a_pipe_in_its_place_halts_and_nobody_waits_for_a_writer(path: Path) -> None:
    os.mkfifo(path)
    assert HaltFile(path).reason() == f"there is something at {path}, which is no file"


def test_a_link_halts_wherever_it_leads(path: Path) -> None:
    target = path.with_name("reason.txt")
    path.symlink_to(target)
    assert HaltFile(path).reason() == f"there is something at {path}, which is no file"
    target.write_text("on holiday")
    assert HaltFile(path).reason() == f"on holiday ({path})"


def test_what_cannot_be_looked_at_halts(path: Path) -> None:
    path.write_text("a file where a folder was meant")
    below = path / "HALT"
    assert HaltFile(below).reason() == f"whether there is a file {below} cannot be told: Not a directory"


@pytest.mark.parametrize("method", ["lstat", "is_file", "open"])
def test_what_may_not_be_read_halts(path: Path, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    path.touch()
    monkeypatch.setattr(Path, method, refuse)
    assert HaltFile(path).reason() == f"whether there is a file {path} cannot be told: Permission denied"
