"""Rows for people and for programs: a table, JSON, JSON lines or CSV; foreign text is made harmless in each."""

import csv
import io
import json
import re
import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, Final, Literal

HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # control, bidi and zero-width characters, line breaks
FORMULA: Final = re.compile(r"[=+\-@＝＋－＠]")
NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)
INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.:]+\+00:00", re.ASCII)
NAME: Final = re.compile(r"[\w.:-]{0,12}(, [\w.:-]{1,12})*", re.ASCII)  # a ticker, an ISIN, a day; several sources
LONGEST: Final = 256
# What may still refuse an event that its strategy would follow, the last hurdle first.
LATE: Final = (
    "cash", "limit", "not_held", "no_quote", "mapping", "unconfirmed", "halted", "backlog", "quarantined",
)  # fmt: skip


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


def rows(
    data: Sequence[Mapping[str, Any]],
    form: Format,
    columns: Sequence[str],
    *,
    title: str = "",
    names: Iterable[str] = (),
) -> str:
    """The rows as text in this format; `columns` are those a person wants to see, programs get every one.

    CSV has its heading without rows, too, where the `names` of all columns are told.
    """
    match form:
        case Format.JSON:
            return json.dumps(list(data), indent=2)
        case Format.JSONL:
            return "\n".join(json.dumps(row) for row in data)
        case Format.CSV:
            return as_csv(data, names)
        case Format.TABLE:
            return table(data, columns, title=title)


def table(
    data: Sequence[Mapping[str, Any]], columns: Sequence[str], *, title: str = "", width: int | None = None
) -> str:
    """The rows as a table as wide as the terminal, numbers to the right, UTC to the minute; `none` without rows."""
    if not data:
        return "none"
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    one_line = partial(Text, no_wrap=True, overflow="ellipsis")
    grid = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    told = {name: [_told_cell(row.get(name)) for row in data] for name in columns}
    told = {name: cells for name, cells in told.items() if any(cells)} or told
    for name, cells in told.items():
        is_number = all(not cell or NUMBER.fullmatch(cell) for cell in cells) and any(cells)
        is_name = all(NAME.fullmatch(cell) for cell in cells)
        # A column that may not wrap keeps its width: words are cut before any number, day or identifier is.
        justify: Literal["left", "right"] = "right" if is_number else "left"
        grid.add_column(one_line(name.replace("_", " ")), justify=justify, no_wrap=is_number or is_name)
    for row in zip(*told.values(), strict=True):
        grid.add_row(*(one_line(harmless(INSTANT.sub(r"\1 \2", cell))) for cell in row))
    screen = io.StringIO()
    console = Console(file=screen, width=width or terminal_width(), highlight=False, color_system=None)
    console.print(grid)
    return "\n".join(line.rstrip() for line in screen.getvalue().rstrip().splitlines())


def verdicts(decisions: Sequence[Mapping[str, Any]], *, width: int | None = None) -> str:
    """Decisions for a person: what is followed first, then the rest by the rule that refused it, with the reasons."""
    return blocks(
        "\n".join(
            [f"{rule or 'FOLLOWED'} ({len(group)})", *(_verdict(item, width or terminal_width()) for item in group)]
        )
        for rule, group in _by_rule(decisions).items()
    )


def _by_rule(decisions: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The decisions by the rule that refused them, those that came furthest first; followed ones under no name."""
    groups: dict[str, list[Mapping[str, Any]]] = {rule: [] for rule in ("", *LATE)}
    for decision in decisions:
        groups.setdefault(decision["rule"], []).append(decision)
    return {rule: group for rule, group in groups.items() if group}


def _verdict(decision: Mapping[str, Any], width: int) -> str:
    who = f"{decision['owner'] or 'no name'}, {decision['title'] or 'no title'}"
    what = decision["side"] or decision["code"] or decision["form"] or ""
    head = f"  {what:<5}{'/'.join(decision['symbols']) or '-':<8} {who}"
    why = [
        decision["reason"],
        *(f"{name}: {said}" for name, said in decision["evidence"].items() if name in {"mapping", "size"}),
    ]
    indent = " " * 7
    return "\n".join(
        [
            harmless(head, width),
            *(
                textwrap.fill(harmless(line, 1000), width, initial_indent=indent, subsequent_indent=indent)
                for line in why
            ),
        ]
    )


def paragraphs(lines: Iterable[str], *, indent: int, width: int | None = None) -> str:
    """Lines of text for a person, each wrapped to the terminal with its continuation indented."""
    return "\n".join(
        textwrap.fill(
            harmless(line, 1000),
            width or terminal_width(),
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines
    )


def as_csv(data: Sequence[Mapping[str, Any]], names: Iterable[str] = ()) -> str:
    """The rows as CSV; text that a spreadsheet would run as a formula is quoted with an apostrophe; one line each.

    Yes and no are True and False, as pandas writes them.
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    names = list(dict.fromkeys([*names, *(name for row in data for name in row)]))
    writer.writerow(names)
    writer.writerows([safe(_plain_cell(row.get(name))) for name in names] for row in data)
    return lines.getvalue().rstrip("\n")


def harmless(text: str, longest: int = LONGEST) -> str:
    """The text on one line, without characters that hide, reorder or command a terminal, cut to a bearable length."""
    visible = "".join("�" if unicodedata.category(letter) in HIDDEN else letter for letter in text[: longest + 1])
    return visible if len(visible) <= longest else visible[: longest - 1] + "…"


def funnel(counted: Mapping[str, Any]) -> str:
    """The way from lines to orders in one line: how many each rule refused, and what was left."""
    way = [_count(counted["lines"], "line")]
    if not (counted["new"] or counted["exits"]):
        return f"{way[0]}, nothing new"
    refused = [f"{number} {rule}" for rule, number in counted["refused"].items()]
    left = f"{counted['followed']} followed, {_count(counted['orders'], 'order')}"
    exits = f" + {_count(counted['exits'], 'exit')}" if counted["exits"] else ""
    way += [_count(counted["events"], "event"), " − ".join([f"{counted['new']} new{exits}", *refused]) + f" = {left}"]
    return " → ".join(way)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _told_cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):  # a measure; money is decimal, and other formats have it all
        return f"{value:.2f}"
    return _plain_cell(value)


def _plain_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value)
    return str(value)


def safe(text: str) -> str:
    """The text as a cell of a CSV file: one that a spreadsheet would run as a formula begins with an apostrophe."""
    visible = harmless(text, len(text))
    return "'" + visible if FORMULA.match(visible) and not NUMBER.fullmatch(visible) else visible


def blocks(parts: Iterable[str]) -> str:
    """Several blocks of text with an empty line between them, the empty ones left out."""
    return "\n\n".join(part for part in parts if part)


def terminal_width() -> int:
    """How wide the terminal is; output that goes into a file or a pipe has room."""
    return max(shutil.get_terminal_size((140, 24)).columns, 80)
