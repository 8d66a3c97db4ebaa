"""Arguments in, printing out: the commands that use the bot and look at it, and how any command ends."""

import gc
import io
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot import console
from bot.cli_operate import operate
from bot.cli_research import research
from bot.errors import BotError, ConfigError, HaltedError, TryAgainError
from bot.options import As, AsOf, Verbose, clock_of, start
from bot.render import Format

if TYPE_CHECKING:
    from bot.app import App

HELP: Final = """Follow the trades that company executives report to the SEC: on paper, and say why.

New here? `insiderbot demo` runs everything on a made-up market. Then write your settings to .env
(`insiderbot config example`) and look at what it would do: `insiderbot run --dry-run`.

Simulated orders only. Not investment advice.
"""

app = typer.Typer(
    help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)
app.add_typer(operate)
app.add_typer(research)


def main() -> None:
    """Run the command line; an expected failure is one sentence on stderr and its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may know fewer letters than the names of people
    try:
        app()
    except BotError as error:
        console.note(str(error))
        sys.exit(error.exit_code)


# -- use


@app.command(rich_help_panel="Start here")
def demo(
    *,
    folder: Annotated[Path, typer.Option("--folder", help="where the demo keeps its database")] = Path(),
    serve: Annotated[
        bool, typer.Option("--serve", help="keep the stand-ins running, and print settings to use them")
    ] = False,
    form: As = Format.TABLE,
) -> None:
    """Run the main job on an embedded market: no key, no network, a few seconds."""
    from bot.demo import show

    show.serve(folder) if serve else show.run(folder, form)


@app.command(rich_help_panel="Use")
def run(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only print the plan; nothing changes anywhere")] = False,
    as_of: AsOf = None,
    trade_backlog: Annotated[
        bool, typer.Option("--trade-backlog", help="also follow what was public before the first cycle")
    ] = False,
    form: As = Format.TABLE,
    verbose: Verbose = False,
) -> None:
    """One cycle: fetch, decide, submit, activate. `--dry-run` prints the plan and changes nothing."""
    from bot import app as wiring

    settings = start(verbose=verbose)
    if as_of and not dry_run:
        raise ConfigError("--as-of decides as of the past and goes with --dry-run only")
    clock = clock_of(as_of)
    gc.freeze()  # what is imported by now stays: looking through it would be a tenth of a cycle
    if dry_run:
        if as_of:
            console.note("nothing counts as decided, bought or halted by then: every event is new, and nothing exits")
        parts_of = wiring.rewound if as_of else partial(wiring.opened, read_only=True)
        with parts_of(settings, clock=clock) as parts:
            plan = parts.looking().plan()
            console.show_cycle(plan, [intent.order() for intent in plan.intents], form)
        return
    with wiring.opened(settings, clock=clock) as parts:
        was_halted = parts.store.halted()
        try:
            plan, orders = parts.acting(trade_backlog=trade_backlog).run()
            console.show_cycle(plan, orders, form)
        finally:
            tell(parts)
        if breach := plan.breach or (None if was_halted else parts.store.halted()):
            raise HaltedError(f"the bot has halted: {breach}; `insiderbot resume` allows sending again")
        if plan.unfinished:
            raise TryAgainError(f"some trades are still to be decided: {plan.unfinished}")


@app.command(rich_help_panel="Use")
def trades(*, as_of: AsOf = None, form: As = Format.TABLE) -> None:
    """What the sources say now, line by line."""
    from bot import app as wiring
    from bot.events import find_events
    from bot.news import gather

    settings, clock = start(), clock_of(as_of)
    with wiring.opened(settings, clock=clock, fresh=True) as parts:
        table, degraded = gather(parts.sources, clock())
    for item in degraded:
        console.note(f"{item.name} is degraded: {item.reason}")
    witnesses = {key: event.sources for event in find_events(table) for key in event.keys}
    console.show_trades(table, form, witnesses)


@app.command(rich_help_panel="Use")
def parse(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="saved pages, CSV files or filings")],
    *,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="INSTANT", help="when the pages were saved: settles dates without a year"),
    ] = None,
    form: As = Format.TABLE,
) -> None:
    """What a saved page, a CSV file or a filing says, line by line."""
    import pandas as pd

    from bot.errors import SourceError
    from bot.sources.files import Files

    now, tables, problems = clock_of(as_of)(), [], []
    for file in files:
        try:
            tables.append(Files(file).fetch(now))
        except SourceError as error:
            problems.append(str(error))
    if tables:
        console.show_trades(pd.concat(tables, ignore_index=True), form)
    if problems:
        raise SourceError("; ".join(problems))


@app.command("map", rich_help_panel="Use")
def map_(tickers: Annotated[list[str], typer.Argument(metavar="TICKER...")], *, form: As = Format.TABLE) -> None:
    """The instrument behind a ticker, and the proof that it is the right one."""
    from bot import app as wiring
    from bot.model import Listing, Skip
    from bot.views import ReadOnlyCache

    asked = {ticker: Listing(symbols=(ticker.strip().upper(),)) for ticker in tickers}
    with wiring.opened(start(), read_only=True) as parts:
        mapped = parts.mapper(cache=ReadOnlyCache(parts.answers)).find(list(asked.values()))
    found = {ticker: mapped[listing] for ticker, listing in asked.items()}
    console.show_instruments(found, form)
    if failures := [result for result in found.values() if isinstance(result, Skip)]:
        unanswered = any(not failure.final for failure in failures)
        raise (TryAgainError if unanswered else BotError)(
            f"{len(failures)} of {len(found)} not mapped: {failures[0].reason}"
        )


@app.command(rich_help_panel="Use")
def scan(
    *,
    tickers: Annotated[
        str, typer.Option("--watchlist", metavar="TICKERS", help="by comma, or @FILE; BOT_WATCHLIST if not given")
    ] = "",
    threshold: Annotated[
        str, typer.Option("--threshold", help="bought / sold, from which on a share stands out")
    ] = "1.5",
    form: As = Format.TABLE,
) -> None:
    """Where insiders buy more than they sell, by SecuritiesDB: shown, never traded on."""
    from bot import app as wiring
    from bot.plain import plain
    from bot.sources.rest.securitiesdb import left_out, scanner, watchlist
    from bot.sources.scan import scan as scanned
    from bot.sources.scan import threshold_of

    settings, least = start(), threshold_of(threshold)
    wanted = watchlist([text.strip() for text in tickers.split(",") if text.strip()] or settings.watchlist)
    if not wanted:
        raise ConfigError("there is nothing to scan: name tickers by --watchlist or BOT_WATCHLIST")
    with wiring.opened(settings, fresh=True) as parts:
        told = scanner(parts.kit).activities(wanted)
        rows = [plain(row) for row in scanned(told, now=parts.clock(), threshold=least)]
    for sentence in left_out(told):
        console.note(sentence)
    console.show_rows(rows, form, console.SCAN_COLUMNS)


@app.command(rich_help_panel="Use")
def daemon(
    *,
    trade_backlog: Annotated[
        bool, typer.Option("--trade-backlog", help="also follow what was public before the first cycle")
    ] = False,
) -> None:
    """Stay, and run one cycle per session of the venue, at BOT_CYCLE_AT; the log goes to stderr."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # process 1 of a container ignores what nobody handles
    from bot import app as wiring
    from bot.daemon import log, serve

    settings = start(verbose=True)
    try:
        with wiring.staying(settings, trade_backlog=trade_backlog) as daemon:
            serve(daemon, wiring.utc_now)
    except BotError as error:
        if settings.log_format != "json":
            raise
        log.error(str(error))  # for whoever reads nothing but the log
        sys.exit(error.exit_code)


def tell(parts: "App") -> None:
    """Tell whoever wants to know; who cannot be told within some seconds is told with the next run."""
    from bot.notify import PATIENCE

    for failure in parts.tell(PATIENCE):
        console.note(failure)


# -- look


@app.command(rich_help_panel="Look")
def status(*, form: As = Format.TABLE) -> None:
    """The account, what is open, and whether the bot is halted."""
    from bot import app as wiring
    from bot.status import report

    with wiring.opened(start(), read_only=True) as parts:
        row = report(parts)
    console.show_record(row, form)


@app.command(rich_help_panel="Look")
def orders(*, form: As = Format.TABLE) -> None:
    """Every order, the oldest first."""
    from bot import app as wiring

    with wiring.opened(start(), read_only=True) as parts:
        console.show_orders([order for _, order in parts.store.orders()], form)


@app.command(rich_help_panel="Look")
def positions(*, form: As = Format.TABLE) -> None:
    """What the account holds."""
    from bot import app as wiring

    with wiring.opened(start(), read_only=True) as parts:
        console.show_positions(parts.broker.positions(), form)


@app.command(rich_help_panel="Look")
def explain(about: Annotated[str, typer.Argument(metavar="ID|TICKER")], *, form: As = Format.TABLE) -> None:
    """Why something was or was not followed: filing, rules, proof, size, the order's life."""
    from bot import app as wiring
    from bot.explain import explain as told
    from bot.plain import plain

    if not about.strip():
        raise ConfigError("name what to explain: a ticker, or the ID of a filing, an event, a decision or an order")
    with wiring.opened(start(), read_only=True) as parts:
        decisions = parts.store.decided(about=about)
        known = {order.client_order_id: plain(order) for _, order in parts.store.orders()}
        lives = {key: parts.store.life(key) for d in decisions if (key := d["client_order_id"])}
    if not decisions:
        raise BotError(f"nothing has been decided about {about!r} yet; `insiderbot run --dry-run` shows what would be")
    if form is not Format.TABLE:
        rows = [
            {**d, "order": known.get(d["client_order_id"]), "life": lives.get(d["client_order_id"], [])}
            for d in decisions
        ]
        return console.show_rows(rows, form, ())
    blocks = [told(d, known.get(d["client_order_id"]), lives.get(d["client_order_id"], [])) for d in decisions]
    return console.show_blocks(blocks, indent=14)
