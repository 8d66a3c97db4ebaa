"""The commands that look into histories: does a strategy look ahead, and whom do insiders believe in."""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot import console
from bot.errors import BotError, ConfigError
from bot.model import NEW_YORK
from bot.options import As, start
from bot.render import Format

SHARES = 1e7  # that every made-up company consists of
research = typer.Typer()
History = Annotated[
    Path | None, typer.Option("--history", metavar="FILE", help="a Parquet file of trades or events instead")
]


@research.command("signal", rich_help_panel="Research")
def signal_(
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="at the end of which day, in New York")],
    *,
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="also of every day since then")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help=".csv or .parquet")] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=36_500, help="how long a purchase counts")] = 30,
    top: Annotated[int | None, typer.Option("--top", min=1, help="only so many companies of each day")] = None,
    published: Annotated[
        bool, typer.Option("--published", help="the score as it was published, for comparison: it looks ahead")
    ] = False,
    history: History = None,
    form: As = Format.TABLE,
) -> None:
    """The companies whose insiders buy, ranked by conviction, from what the bot has seen by a day."""
    from bot import app as wiring
    from bot.research import histories, signals

    last = _day(as_of, "--as-of")
    first = _day(since, "--from") if since else last
    if first > last:
        raise ConfigError(f"--from {first} is after --as-of {last}")
    if output:
        signals.check_path(output)
    if history:
        events = histories.read(history)
    else:
        with wiring.opened(start(), read_only=True) as parts:
            events = parts.store.history()
    if events.empty:
        raise BotError("nothing was seen yet: let `insiderbot run` or the daemon look first, or name a --history")
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    with console.progress("days", len(dates)) as progress:
        table = signals.signal(
            events, dates, days=days, top=top, variant="seed" if published else "known", progress=progress
        )
    if table.empty:
        public = events["known_at"].dt.tz_convert(NEW_YORK)
        span = f"from {public.min():%Y-%m-%d} to {public.max():%Y-%m-%d}"
        console.note(f"no purchase counts on these days: what was seen became public {span}")
    if published:
        counted, unheard = signals.unheard(events, dates, days)
        console.note(f"by the day of the trade: nobody knew yet of {unheard:,} of the {counted:,} purchases counted")
    if output is None:
        return console.show_rows(signals.rows(table), form, signals.SHOWN, signals.COLUMNS)
    signals.write(table, output)
    return console.say(f"{len(table):,} rows written to {output}")


@research.command("lookahead-check", rich_help_panel="Research")
def lookahead_check(
    *,
    strategy: Annotated[
        str, typer.Option("--strategy", help="a name or module:factory; BOT_STRATEGY if not given")
    ] = "",
    instants: Annotated[int, typer.Option("--instants", min=1, help="how many moments to look at")] = 1000,
    rows: Annotated[int, typer.Option("--rows", min=1000, help="how long a history to make up")] = 20_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="which history, and which moments of it")] = 0,
    history: History = None,
    form: As = Format.TABLE,
) -> None:
    """Whether a strategy looks ahead: what became known later is changed, and nothing said before may change."""
    from bot import app as wiring
    from bot.demo.history import made_up, prices
    from bot.plain import plain
    from bot.research import histories, lookahead

    with wiring.opened(start(), fresh=True) as parts:
        if history:
            events, daily = histories.read(history), histories.figures(parts.kit)
        else:
            events = made_up(seed=seed, rows=rows)
            daily = prices(events, seed=seed).assign(market_cap=lambda bars: bars["close"] * SHARES)
        name, _ = parts.decider.strategy_of(strategy, histories.tables(daily))
        with console.progress("instants", instants) as progress:
            report = lookahead.check(
                lambda changed: parts.decider.strategy_of(strategy, histories.tables(changed))[1],
                events,
                daily,
                instants=instants,
                seed=seed,
                progress=progress,
            )
    console.show_record({"strategy": name, **plain(report)}, form)
    if report.leak:
        raise BotError(f"{name} looks ahead: {report.leak}")


def _day(text: str, option: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option} {text!r} is not a date: write it like 2026-03-02") from None
    if not 1900 <= day.year <= 2200:
        raise ConfigError(f"{option} {day} is no day that anything was filed on: name one from 1900 to 2200")
    return day
