"""What may happen to a page or a file of OpenInsider between one day and the next, as (name, changed text) pairs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from . import mutations
from .mutations import Cell, Grid, Mutant, swap


def of_page(page: str) -> Iterator[Mutant]:
    grid = Grid.of(page, "Owned")
    for family in (mutations.columns, mutations.cells, mutations.tables, one_row, formats, links):
        yield from family(grid)


def one_row(grid: Grid) -> Iterator[Mutant]:
    """Cells of a single row shifted, left out, or exchanged with their neighbours."""
    changes: dict[str, Callable[[list[Cell]], list[Cell]]] = {
        "shift right": lambda row: [("", ""), *row[:-1]],
        "shift left": lambda row: [*row[1:], ("", "")],
        "rotate": lambda row: [row[-1], *row[:-1]],
    }
    for column, name in enumerate(grid.names):
        changes[f"drop {name}"] = mutations.drop(column)
        changes[f"double {name}"] = mutations.double(column)
        if column:
            changes[f"exchange {name} with its neighbour"] = swap(column - 1, column)
    for name, change in changes.items():
        for place in (0, len(grid.rows) - 1):
            rows = [*grid.rows[:place], change(list(grid.rows[place])), *grid.rows[place + 1 :]]
            yield f"{name} in row {place + 1}", replace(grid, rows=rows).page()


def formats(grid: Grid) -> Iterator[Mutant]:
    """Units, number and date formats changed, texts defaced."""
    changes: dict[str, list[Callable[[str], str]]] = {
        "X": [lambda t: t + "Z", lambda t: "1", lambda t: "MM", lambda t: t.lower() or "m"],
        "Filing&nbsp;Date": [
            lambda t: t[:10],
            lambda t: t[:16],
            lambda t: f"{t[5:7]}/{t[8:10]}/{t[:4]}{t[10:]}",
            lambda t: t + " EST",
            lambda t: t[:11] + "29:00:00",
            lambda t: t[:5] + "13-45" + t[10:],
            lambda t: "2 hours ago",
            arabic,
        ],
        "Trade&nbsp;Date": [
            lambda t: f"{t[8:10]}.{t[5:7]}.{t[:4]}",
            lambda t: t[:7],
            lambda t: t[:5] + "02-30",
            lambda t: t + " 00:00:00",
            lambda t: "2099-01-01",
            arabic,
        ],
        "Ticker": [
            lambda t: t.lower(),
            lambda t: t + "\u200b",
            lambda t: "\u202e" + t,
            lambda t: "",
        ],
        "Insider&nbsp;Name": [lambda t: "", lambda t: t + "\u202e", lambda t: "Somebody Else", lambda t: "\u200b"],
        "Company&nbsp;Name": [lambda t: t + "\ufeff", lambda t: ""],
        "Title": [lambda t: t + "\u0085", lambda t: "", lambda t: "7"],
        "Trade&nbsp;Type": [
            lambda t: t[0],
            lambda t: t.upper(),
            lambda t: t[4:],
            lambda t: t.replace(" - ", "-"),
            lambda t: t.replace("P - Purchase", "P - Sale").replace("S - Sale", "S - Purchase"),
            lambda t: "Q - Unheard of",
            lambda t: "P - Purchase" if t[0] == "S" else "S - Sale",
            lambda t: "Buy",
        ],
        "Price": [
            lambda t: t.replace("$", ""),
            lambda t: t.replace("$", "€"),
            lambda t: t.replace(".", ","),
            lambda t: t.replace(".", ""),
            lambda t: "-" + t,
            lambda t: "$NaN",
            lambda t: "$1e400",
            arabic,
        ],
        "Qty": [
            lambda t: t.replace("-", "+").replace("+", ""),
            lambda t: "-" + t[1:] if t[0] == "+" else "+" + t[1:],
            lambda t: f"{t[0]}{int(t[1:].replace(',', '')) / 1000:.1f}K",
            lambda t: t + ".0",
            lambda t: t.replace(",", " ") + "e0",
            lambda t: f"{t[0]}{int(t[1:].replace(',', '')) // 1000}",
            arabic,
        ],
        "Owned": [lambda t: "+" + t, lambda t: t + "k", lambda t: "", lambda t: "-" + t, arabic],
        "Value": [
            lambda t: t.replace("$", ""),
            lambda t: "-" + t[1:] if t[0] == "+" else "+" + t[1:],
            lambda t: t + "M",
            lambda t: t.replace(",", "'") + "'",
            lambda t: f"{t[:2]}{int(t[2:].replace(',', '')) // 1000 + 7}",
            arabic,
        ],
        "1d": [lambda t: "M", lambda t: "New", lambda t: "24,500"],
    }
    for name, column in ((name, grid.names.index(name)) for name in changes if name in grid.names):
        for number, change in enumerate(changes[name]):
            yield f"{name} written in another way ({number})", grid.with_text(column, change).page()


def links(grid: Grid) -> Iterator[Mutant]:
    """Links that lead elsewhere."""
    for name, (old, new) in {
        "another host": ("www.sec.gov", "www.sec.gov.example"),
        "host in front": ("http://www.sec.gov", "http://www.sec.gov@example.org"),
        "another folder": ("/Archives/", "/cgi-bin/"),
        "folder above": ("/Archives/", "/Archives/../"),
        "script": ("http://www.sec.gov", "javascript:"),
        "another ticker": ('<a href="/', '<a href="/X'),
        "another person": ("/insider/", "/insider/Somebody-Else-"),
        "no person": ("/insider/", "/who/"),
    }.items():
        yield (
            f"links: {name}",
            grid.with_rows(lambda row, o=old, n=new: [(more, inner.replace(o, n)) for more, inner in row]).page(),
        )


def of_json_lines(lines: str) -> Iterator[tuple[str, bytes]]:
    """Members dropped, renamed, exchanged or damaged, and lines cut."""
    objects = [json.loads(line) for line in lines.splitlines()]
    names = list(objects[0])
    read = names[1:4] + names[5:11] + names[12:13]  # what no reader can do without

    def of(changed: list[dict[str, object]]) -> bytes:
        return "".join(json.dumps(row) + "\n" for row in changed).encode()

    for name in read:
        yield f"drop {name}", of([{k: v for k, v in row.items() if k != name} for row in objects])
        yield f"drop {name} once", of([{k: v for k, v in objects[0].items() if k != name}, *objects[1:]])
        yield f"rename {name}", of([{f"{k}s" if k == name else k: v for k, v in row.items()} for row in objects])
        nothing = [] if name in {"Ticker", "Title"} else [None]  # those may be missing
        for value in ([], {}, True, 1e400, "\u202e", "nan", *nothing):
            yield f"{name} is {value!r}", of([row | {name: value} for row in objects])
            yield f"{name} is {value!r} once", of([*objects[:-1], objects[-1] | {name: value}])
        double = json.dumps(objects[0])[:-1] + f", {json.dumps(name)}: {json.dumps(objects[0][name])}}}\n"
        yield f"{name} twice", double.encode() + of(objects[1:])
    for one in names:
        for other in names[: names.index(one)]:
            yield (
                f"exchange {one} and {other}",
                of([row | {one: row[other], other: row[one]} for row in objects]),
            )
    for place in range(1, 21):
        yield f"cut off at {place}/21", lines[: len(lines) * place // 21].encode()


def arabic(shown: str) -> str:
    return shown.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)})
