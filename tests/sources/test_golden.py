"""Every layout that has been seen reads as it was recorded, cell by cell."""

import pytest

from bot.sources import files

from . import golden
from .pages import NOW

every_file = pytest.mark.parametrize("name", golden.PAGES)


@every_file
def test_every_layout_reads_as_recorded(name: str) -> None:
    content = (golden.FOLDER / name).read_bytes()
    recorded = (golden.FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    assert golden.as_text(files.parse(name, content, NOW)) == recorded


@every_file
def test_the_recorded_pages_are_the_invented_ones(name: str) -> None:
    assert (golden.FOLDER / name).read_text(encoding="utf-8") == golden.PAGES[name]
