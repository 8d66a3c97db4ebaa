"""What the commands print: tables for people, JSON for programs on stdout, and notes on stderr."""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from bot.errors import BotError
from bot.render import Format

ORDER_COLUMNS: Final = (
    "side", "quantity", "symbol", "isin", "status", "filled", "price", "currency", "reason", "client_order_id",
)  # fmt: skip
POSITION_COLUMNS: Final = ("symbol", "isin", "quantity", "average_price", "currency")
TRADE_COLUMNS: Final = (
    "symbol", "owner", "title", "code", "traded_on", "filed_on", "shares", "price", "value", "shares_after",
)  # fmt: skip
SCAN_COLUMNS: Final = (
    "ticker", "standing", "ratio", "purchases", "buyers", "bought", "sales", "sellers", "sold", "reason",
)  # fmt: skip


def show_cycle(plan: Any, orders: Sequence[Any], form: Format) -> None:
    """A plan with its orders: one JSON object, or tables with the way from events to orders below."""
    from bot import render
    from bot.plain import plain

    decisions = [decision.row() for decision in plan.decisions]
    degraded = plain(list(plan.degraded))
    for item in plan.degraded:
        note(f"{item.name} is degraded: {item.reason}")
    if form is Format.JSON:
        import json

        told = {"decisions": decisions, "orders": plain(orders), "degraded": degraded, "funnel": plan.funnel}
        return say(json.dumps(told, indent=2))
    if form is not Format.TABLE:
        return show_rows(decisions, form, ())
    parts = [f"Plan as of {plan.as_of:%Y-%m-%d %H:%M} UTC", render.verdicts(decisions)]
    if orders:
        parts.append(render.rows(plain(orders), form, ORDER_COLUMNS, title="Orders"))
    return say(render.blocks([*parts, render.funnel(plan.funnel)]))


def show_trades(table: Any, form: Format, witnesses: Mapping[str, Sequence[str]] | None = None) -> None:
    """A trades table, line by line; with `witnesses`, also the sources that tell of each line's event, by its key."""
    from bot.plain import plain
    from bot.trades import COLUMNS, to_records

    rows = [plain(record) for record in to_records(table)]
    if witnesses is None:
        return show_rows(rows, form, TRADE_COLUMNS, COLUMNS)
    for row in rows:
        sources = list(witnesses.get(row["key"], [row["source"]]))
        row["witnesses"] = ", ".join(sources) if form is Format.TABLE else sources
    return show_rows(rows, form, (*TRADE_COLUMNS, "witnesses"), (*COLUMNS, "witnesses"))


def show_orders(orders: Sequence[Any], form: Format) -> None:
    """Orders, one a line."""
    from bot.model import Order
    from bot.plain import plain

    show_rows(plain(orders), form, ORDER_COLUMNS, Order.__dataclass_fields__)


def show_positions(positions: Sequence[Any], form: Format) -> None:
    """Positions, one a line."""
    from bot.model import Position
    from bot.plain import plain

    show_rows(plain(positions), form, POSITION_COLUMNS, Position.__dataclass_fields__)


def show_instruments(found: Mapping[str, Any], form: Format) -> None:
    """What is behind each ticker: an instrument with its proof, or a skip with its reason."""
    from bot.model import Instrument
    from bot.plain import plain

    empty: dict[str, Any] = {**dict.fromkeys(Instrument.__dataclass_fields__), "proof": []}
    rows = [
        {"ticker": ticker, **plain(result), "reason": ""}
        if isinstance(result, Instrument)
        else {"ticker": ticker, **empty, "reason": result.reason}
        for ticker, result in found.items()
    ]
    if form is not Format.TABLE:
        return show_rows(rows, form, ())
    return show_blocks([_proof(row) for row in rows], indent=4)


def show_record(record: Mapping[str, Any], form: Format) -> None:
    """One record: an object, or a table of its names and values."""
    if form is Format.JSON:
        import json

        return say(json.dumps(record, indent=2))
    if form is not Format.TABLE:
        return show_rows([record], form, tuple(record))
    lines = [{"": name.replace("_", " "), "value": "-" if value is None else value} for name, value in record.items()]
    return show_rows(lines, form, ("", "value"))


def show_rows(
    rows: Sequence[Mapping[str, Any]], form: Format, columns: Sequence[str], names: Collection[str] = ()
) -> None:
    """Rows in the form that was asked for; a table has these columns only, and CSV a heading of these `names`."""
    from bot import render

    if text := render.rows(rows, form, columns, names=names):
        say(text)


def show_blocks(blocks: Sequence[Sequence[str]], *, indent: int) -> None:
    """Paragraphs, each with its lines after the first one indented."""
    from bot import render

    say(render.blocks(render.paragraphs(block, indent=indent) for block in blocks))


def show_findings(findings: Sequence[Any], form: Format) -> None:
    """What the doctor found, each with its remedy."""
    from bot.plain import plain

    if form is not Format.TABLE:
        return show_rows([plain(finding) for finding in findings], form, ())
    pairs = [(f"{each.state:4}  {each.about:10}  {each.finding}", each.remedy) for each in findings]
    lines = [line for told, remedy in pairs for line in (told, f"{'':16}→ {remedy}" if remedy else "") if line]
    return show_blocks([lines], indent=18)


def say(text: str) -> None:
    """Print on stdout; BotError when it cannot be written."""
    try:
        print(text, flush=True)  # noqa: T201
    except OSError as error:  # what was to be done is done; only the telling failed
        sys.stdout = None  # or the interpreter would try once more at its end
        if isinstance(error, BrokenPipeError):  # whoever reads has read enough
            sys.exit(1)
        raise BotError(f"the output could not be written ({error.strerror})") from None


def note(text: str) -> None:
    """Print one line on stderr."""
    from bot.render import harmless

    print(f"insiderbot: {harmless(text, 2000)}", file=sys.stderr)  # noqa: T201


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, where a person looks at it, and what to tell how far it is."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _proof(row: Mapping[str, Any]) -> list[str]:
    """A mapped ticker with its identifiers, and under it the proof, or the reason why there is none."""
    known = filter(None, (row["name"], row["isin"], row["share_class_figi"]))
    why = row["proof"] or [row["reason"]]
    return ["  ".join([row["ticker"], *known]), *(f"  {line}" for line in why)]
