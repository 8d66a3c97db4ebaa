"""The recorded readings of the invented pages; `python -m tests.sources.golden` writes them anew."""

import json
from pathlib import Path

import pandas as pd

from bot.plain import plain
from bot.sources import files
from bot.trades import to_records

from . import openinsider_pages
from .pages import LAYOUTS, LINES, NOW, csv_text, linked_csv, tutorial_csv

OF_TITLES = {"role", "is_officer", "is_director", "is_ten_percent"}
FOLDER = Path(__file__).parent / "golden"
PAGES = {f"{layout.name}.html": layout.page() for layout in (*LAYOUTS, *openinsider_pages.LAYOUTS)} | {
    "linked.csv": csv_text(linked_csv(LINES)),
    "tutorial.csv": csv_text(tutorial_csv(LINES)),
    "openinsider_market.csv": csv_text(openinsider_pages.market_csv(openinsider_pages.ROWS)),
    "openinsider_lines.jsonl": openinsider_pages.json_lines(openinsider_pages.ROWS),
}


def as_text(table: pd.DataFrame) -> str:
    """One JSON object per line with every column that is not missing; what a title means is tested elsewhere."""
    rows = [plain(record) for record in to_records(table)]
    known = [
        {name: value for name, value in row.items() if value is not None and name not in OF_TITLES} for row in rows
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in known)


def write() -> None:
    for name, text in PAGES.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        (FOLDER / f"{name}.jsonl").write_text(as_text(files.parse(name, text.encode(), NOW)), encoding="utf-8")


if __name__ == "__main__":
    write()
