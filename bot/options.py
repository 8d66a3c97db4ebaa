"""What several commands have in common: options by their names, the settings in force, the clock."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bot.errors import ConfigError
from bot.render import Format

As = Annotated[Format, typer.Option("--format", help="table for people; json, jsonl and csv for programs")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="INSTANT", help="decide as of then, such as 2022-01-17T10:30Z")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="say on stderr what happens")]


def start(*, verbose: bool = False) -> Any:
    """The settings in force; logging goes to stderr."""
    import logging

    from bot import logs
    from bot.settings import Settings

    logs.to_stderr(logging.INFO if verbose else logging.WARNING)
    settings = Settings.load()
    if settings.log_format == "json":
        logs.to_stderr(logging.INFO if verbose else logging.WARNING, "json")
    return settings


def clock_of(as_of: str | None) -> Any:
    """The clock, or one that stands at the instant that `--as-of` names."""
    from bot.app import utc_now

    if as_of is None:
        return utc_now
    try:
        instant = datetime.fromisoformat(as_of)
        in_utc = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigError(f"{as_of!r} is not an instant: write it like 2022-01-17T10:30Z") from None
    if instant.tzinfo is None:
        raise ConfigError(f"{as_of!r} has no time zone: write it like 2022-01-17T10:30Z")
    return lambda: in_utc
