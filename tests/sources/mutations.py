"""What may happen to an insider page or a CSV between one day and the next, as (name, changed text) pairs."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Self

Cell = tuple[str, str]  # attributes and inner HTML
Mutant = tuple[str, str]

GERMAN = {
    "Ticker": "Kürzel", "Owner": "Inhaber", "Insider Trading": "Insiderhandel", "Relationship": "Beziehung",
    "Date": "Datum", "Transaction": "Transaktion", "Cost": "Kosten", "#Shares": "#Aktien", "Value ($)": "Wert ($)",
    "#Shares Total": "#Aktien gesamt", "SEC Form 4": "SEC-Formular 4",
}  # fmt: skip

ERROR_PAGES = {
    "not found": "<html><head><title>404 Not Found</title></head><body><table><tr><td>404</table></body></html>",
    "challenge": "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking</body></html>",
    "consent": "<html><body><h1>We value your privacy</h1><form><button>Accept all</button></form></body></html>",
    "captcha": '<html><body><div class="g-recaptcha" data-sitekey="x"></div></body></html>',
    "maintenance": "<html><body><table><tr><td>Down</td></tr><tr><td>Back soon</td></tr></table></body></html>",
    "json": '{"error": "rate limited"}',
    "nothing": "",
    "white space": " \n ",
}


@dataclass(frozen=True)
class Grid:
    """An insider page taken apart: the text around its table, the headings and the cells with their HTML."""

    before: str
    head: list[str]
    rows: list[list[Cell]]
    after: str

    @classmethod
    def of(cls, page: str, heading: str = "#Shares Total") -> Self:
        end = page.index("</table", page.index(heading))
        start = page.rindex("<table", 0, page.index(heading))
        head, *rows = re.split(r"<tr\b[^>]*>", page[start:end])[1:]
        return cls(page[:start], [inner for _, inner in _cells(head)], [_cells(row) for row in rows], page[end + 8 :])

    @property
    def names(self) -> list[str]:
        return [text(inner) for inner in self.head]

    def table(self) -> str:
        head = "".join(f"<th>{inner}</th>" for inner in self.head)
        rows = "".join(
            "<tr>" + "".join(f"<td{more}>{inner}</td>" for more, inner in row) + "</tr>\n" for row in self.rows
        )
        return f"<table><tr>{head}</tr>\n{rows}</table>"

    def page(self) -> str:
        return self.before + self.table() + self.after

    def with_head(self, change: Callable[[list[str]], list[str]]) -> "Grid":
        return replace(self, head=change(list(self.head)))

    def with_rows(self, change: Callable[[list[Cell]], list[Cell]]) -> "Grid":
        return replace(self, rows=[change(list(row)) for row in self.rows])

    def with_text(self, column: int, change: Callable[[str], str]) -> "Grid":
        """The text of one column changed, its links and attributes kept."""
        return replace(
            self,
            rows=[
                [*row[:column], _told(row[column], change(text(row[column][1]))), *row[column + 1 :]]
                for row in self.rows
            ],
        )


def text(inner: str) -> str:
    return re.sub(r"""<(?:"[^"]*"|[^>"])*>""", "", inner).strip()


def _cells(row: str) -> list[Cell]:
    parts = re.split(r"<t[dh]\b([^>]*)>", row)[1:]
    inner = [re.sub(r"</(td|th|tr|thead|tbody)\b.*", "", part, flags=re.DOTALL) for part in parts[1::2]]
    return list(zip(parts[::2], inner, strict=True))


def _told(cell: Cell, changed: str) -> Cell:
    more, inner = cell
    return (more, inner.replace(text(inner), changed) if text(inner) else changed)


def drop(column: int) -> Callable[[list], list]:
    return lambda items: items[:column] + items[column + 1 :]


def double(column: int) -> Callable[[list], list]:
    return lambda items: items[: column + 1] + items[column:]


def swap(one: int, other: int) -> Callable[[list], list]:
    def change(items: list) -> list:
        items[one], items[other] = items[other], items[one]
        return items

    return change


def columns(grid: Grid) -> Iterator[Mutant]:
    """Every column dropped, doubled, renamed or emptied, and every pair of them swapped."""
    for column, name in enumerate(grid.names):
        for verb, change in (("drop", drop(column)), ("double", double(column))):
            yield f"{verb} heading {name}", grid.with_head(change).page()
            yield f"{verb} cells {name}", grid.with_rows(change).page()
            yield f"{verb} column {name}", grid.with_head(change).with_rows(change).page()
        for new in (f"{name}s", name.lower(), "", "New"):
            yield (
                f"rename {name} to {new!r}",
                grid.with_head(lambda head, c=column, n=new: [*head[:c], n, *head[c + 1 :]]).page(),
            )
        yield f"empty {name}", grid.with_rows(lambda row, c=column: [*row[:c], ("", ""), *row[c + 1 :]]).page()
        yield (
            f"repeat {name} next door",
            grid.with_rows(lambda row, c=column: [*row[:c], row[c - 1], *row[c + 1 :]]).page(),
        )
        yield (
            f"add a column before {name}",
            grid.with_head(lambda head, c=column: [*head[:c], "Rank", *head[c:]])
            .with_rows(lambda row, c=column: [*row[:c], ("", "1"), *row[c:]])
            .page(),
        )
    for one, other in combinations(range(len(grid.head)), 2):
        names, change = f"{grid.names[one]} and {grid.names[other]}", swap(one, other)
        yield f"swap headings {names}", grid.with_head(change).page()
        yield f"swap cells {names}", grid.with_rows(change).page()
        yield f"swap columns {names}", grid.with_head(change).with_rows(change).page()
        yield f"swap texts {names}", replace(grid, rows=[_texts_swapped(row, one, other) for row in grid.rows]).page()


def _texts_swapped(row: list[Cell], one: int, other: int) -> list[Cell]:
    row = list(row)
    first, second = text(row[one][1]), text(row[other][1])
    row[one], row[other] = _told(row[one], second), _told(row[other], first)
    return row


def cells(grid: Grid) -> Iterator[Mutant]:
    """Cells shifted, merged and left out."""
    yield "shift right", grid.with_rows(lambda row: [("", ""), *row[:-1]]).page()
    yield "shift left", grid.with_rows(lambda row: [*row[1:], ("", "")]).page()
    yield "rotate right", grid.with_rows(lambda row: [row[-1], *row[:-1]]).page()
    yield "rotate left", grid.with_rows(lambda row: [*row[1:], row[0]]).page()
    yield (
        "drop empty cells",
        grid.with_rows(
            lambda row: [cell for cell in row if text(cell[1])] if not all(text(c[1]) for c in row) else row[:-1]
        ).page(),
    )
    for column, name in enumerate(grid.names[:-1]):
        merged = lambda row, c=column: [*row[:c], (row[c][0], f"{row[c][1]} {row[c + 1][1]}"), *row[c + 2 :]]  # noqa: E731
        wide = lambda row, c=column: [*row[:c], (' colspan="2"', row[c][1]), *row[c + 2 :]]  # noqa: E731
        yield f"merge {name} with the next", grid.with_rows(merged).page()
        yield (
            f"merge {name} with the next in one row",
            replace(grid, rows=[merged(grid.rows[0]), *grid.rows[1:]]).page(),
        )
        yield f"span {name} over the next", grid.with_rows(wide).page()
    first = grid.rows[0]
    for column, name in enumerate(grid.names):
        tall = [*first[:column], (' rowspan="2"', first[column][1]), *first[column + 1 :]]
        rest = [drop(column)(grid.rows[1]), *grid.rows[2:]] if len(grid.rows) > 1 else []
        yield f"join {name} over two rows", replace(grid, rows=[tall, *rest]).page()


def tables(grid: Grid) -> Iterator[Mutant]:
    """The table as a whole moved, doubled, gone, cut off or without its head."""
    whole, table = grid.page(), grid.table()
    yield "unchanged", whole
    yield "wrapped in a table", f"{grid.before}<table><tr><td>{table}</td></tr></table>{grid.after}"
    yield "table gone", grid.before + grid.after
    yield "table twice", grid.before + table + table + grid.after
    yield "table in its own cell", grid.with_rows(lambda row: [(row[0][0], row[0][1] + table), *row[1:]]).page()
    yield "no rows", replace(grid, rows=[]).page()
    yield "one empty row", replace(grid, rows=[[]]).page()
    yield "no headings", grid.with_head(lambda _: []).page()
    yield "headings after the rows", whole.replace("<table><tr>", "<table><tr><td>Today</td></tr><tr>")
    yield "headings again among the rows", replace(grid, rows=[*grid.rows, [("", name) for name in grid.head]]).page()
    yield "note among the rows", replace(grid, rows=[*grid.rows, [("", "Advertisement")]]).page()
    yield "headings translated", grid.with_head(lambda head: [GERMAN.get(text(name), name) for name in head]).page()
    yield "headings in capitals", grid.with_head(lambda head: [name.upper() for name in head]).page()
    start, end = len(grid.before), len(grid.before) + len(table)
    for place in range(1, 41):
        yield f"cut off at {place}/41 of the table", whole[: start + (end - start) * place // 41]
    for place in range(1, 11):
        yield f"cut off at {place}/11 of the page", whole[: len(whole) * place // 11]
        yield f"begun at {place}/11 of the page", whole[len(whole) * place // 11 :]
    yield from ERROR_PAGES.items()


def formats(grid: Grid) -> Iterator[Mutant]:
    """Units, number and date formats changed, texts defaced."""
    place = {name: number for number, name in enumerate(grid.names)}
    owner = grid.names[grid.names.index("Relationship") - 1]
    thousand = lambda shown: f"{int(shown.replace(',', '')) / 1000:.1f}K" if shown else ""  # noqa: E731
    changes: dict[str, list[Callable[[str], str]]] = {
        "#Shares": [
            thousand,
            lambda t: t.replace(",", "."),
            lambda t: "+" + t,
            lambda t: t + ".0",
            lambda t: t.replace(",", " ") + "e0",
            lambda t: "-" + t,
            lambda t: str(int(t.replace(",", "")) // 1000),
            _arabic,
        ],
        "Value ($)": [
            thousand,
            lambda t: "$" + t,
            lambda t: t + "M",
            lambda t: t.replace(",", "'") + "'",
            lambda t: str(int(t.replace(",", "")) // 1000 + 7),
            _arabic,
        ],
        "#Shares Total": [
            lambda t: thousand(t) or "-",
            lambda t: t + "%",
            lambda t: t or "0",
            lambda t: (t or "0") + "k",
        ],
        "Cost": [
            lambda t: "$" + t,
            lambda t: t.replace(".", ","),
            lambda t: t.split(".")[0],
            lambda t: t.replace(".", ""),
            lambda t: "NaN",
            lambda t: "1e400",
            lambda t: t + " €",
            _arabic,
        ],
        "Date": [
            lambda t: "2026-02-27",
            lambda t: "27 Feb",
            lambda t: "02/27/2026",
            lambda t: "Feb 30",
            lambda t: "Mrz 02",
            lambda t: t.upper(),
            lambda t: t + ", 2026",
            lambda t: "yesterday",
        ],
        "SEC Form 4": [
            lambda t: t[:6],
            lambda t: t[:-3],
            lambda t: t.replace("PM", "pm").replace("AM", "am"),
            lambda t: "Feb 30" + t[6:],
            lambda t: t[:7] + "19:08",
            lambda t: t + " EST",
            lambda t: "2 hours ago",
            lambda t: t[:7] + "13:00 PM",
        ],
        "Transaction": [
            lambda t: t.upper(),
            lambda t: "P",
            lambda t: "Purchase",
            lambda t: t + " (Auto)",
            lambda t: "Gift",
            lambda t: f"Big {t}",
            lambda t: "",
        ],
        "Ticker": [
            lambda t: t.lower(),
            lambda t: f"{t}.XNYS",
            lambda t: "../" + t,
            lambda t: t + "\u200b",
            lambda t: "\u202e" + t,
        ],
        owner: [lambda t: t + "\u202e", lambda t: "\u200b", lambda t: "", lambda t: "1", lambda t: "N/A"],
        "Relationship": [lambda t: t + "\u0085", lambda t: t + "\ufeff", lambda t: "", lambda t: "7"],
    }
    for name, column in place.items():
        for number, change in enumerate(changes[name]):
            yield f"{name} written in another way ({number})", grid.with_text(column, change).page()
    links = {
        "another host": ("www.sec.gov", "www.sec.gov.example"),
        "host in front": ("http://www.sec.gov", "http://www.sec.gov@example.org"),
        "another folder": ("/Archives/", "/cgi-bin/"),
        "folder above": ("/Archives/", "/Archives/../"),
        "script": ("http://www.sec.gov", "javascript:"),
        "another owner page": ("?oc=", "?who="),
        "no number": ("oc=", "oc=x"),
    }
    for name, (old, new) in links.items():
        yield (
            f"links: {name}",
            grid.with_rows(lambda row, o=old, n=new: [(more, inner.replace(o, n)) for more, inner in row]).page(),
        )
    if "Ticker" in place:
        yield (
            "links: another ticker",
            grid.with_rows(lambda row: [(m, i.replace("?t=", "?t=X")) for m, i in row]).page(),
        )


def _arabic(shown: str) -> str:
    return shown.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)})


def of_page(page: str) -> Iterator[Mutant]:
    grid = Grid.of(page)
    for family in (columns, cells, tables, formats):
        yield from family(grid)


def of_csv(table: list[list[str]], required: list[str]) -> Iterator[tuple[str, list[list[str]]]]:
    """The same for a CSV, whose columns may stand in any order: (name, changed table)."""
    head, *rows = table
    for column, name in enumerate(head):
        yield f"drop heading {name}", [drop(column)(head), *rows]
        yield f"drop cells {name}", [head, *map(drop(column), rows)]
        yield f"double heading {name}", [double(column)(head), *rows]
        yield f"double cells {name}", [head, *map(double(column), rows)]
        yield f"shift from {name}", [head, *([*row[:column], "", *row[column:-1]] for row in rows)]
        yield f"shift back from {name}", [head, *([*row[:column], *row[column + 1 :], ""] for row in rows)]
        if name in required:
            yield f"drop {name}", [drop(column)(line) for line in table]
            yield f"double {name}", [double(column)(line) for line in table]
            yield f"empty {name}", [head, *([*row[:column], "", *row[column + 1 :]] for row in rows)]
            for new in (name.lower() + "s", "", "New"):
                yield f"rename {name} to {new!r}", [[*head[:column], new, *head[column + 1 :]], *rows]
    for one, other in combinations(range(len(head)), 2):
        yield f"swap headings {head[one]} and {head[other]}", [swap(one, other)(list(head)), *rows]
        yield f"swap cells {head[one]} and {head[other]}", [head, *(swap(one, other)(list(row)) for row in rows)]
        yield f"swap columns {head[one]} and {head[other]}", [swap(one, other)(list(line)) for line in table]
    yield "no headings", rows
    yield "headings only", [head]
    yield "headings twice", [head, *table]
    yield "an empty line of cells", [*table, [""] * len(head)]
