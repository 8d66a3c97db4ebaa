"""The commands that look after a bot: halts, its health, its messages, its settings, its database."""

from functools import partial
from typing import Annotated, Final

import typer

from bot import console
from bot.deadline import within
from bot.errors import BotError, ConfigError, HaltedError, NotifyError, TryAgainError
from bot.halt_file import HaltFile
from bot.options import As, start
from bot.render import Format

TEST: Final = "You will be told of orders and halts here."
operate = typer.Typer()
config = typer.Typer(help="Show the settings.", no_args_is_help=True)
operate.add_typer(config, name="config", rich_help_panel="Operate")
db = typer.Typer(help="Look after the database.", no_args_is_help=True)
operate.add_typer(db, name="db", rich_help_panel="Operate")


@operate.command(rich_help_panel="Operate")
def halt(
    reason: Annotated[str, typer.Argument(help="why, for the record")] = "halted by hand",
    *,
    flatten: Annotated[
        bool, typer.Option("--flatten", help="also cancel the orders that are live; what is held stays held")
    ] = False,
) -> None:
    """Stop sending orders, durably; nothing that is live is touched, unless with `--flatten`."""
    from bot import app as wiring

    reason = reason.strip() or "halted by hand"
    with wiring.opened(start()) as parts:
        parts.store.halt(reason, wiring.utc_now(), flatten=flatten)
        console.say(f"halted: {reason}; `insiderbot resume` allows sending again")
        if flatten:
            try:
                parts.desk().work()
            except TryAgainError:
                console.say("the insiderbot that leads cancels the orders when it next looks at them")
            left = len(parts.store.open_orders())
            console.say(f"{left} orders are still open: `insiderbot orders` shows them" if left else "no order is open")


@operate.command(rich_help_panel="Operate")
def resume(reason: Annotated[str, typer.Argument(help="why, for the record")] = "") -> None:
    """Allow sending again after a halt; the next cycle writes off bought shares that the account has no more."""
    from bot import app as wiring

    with wiring.opened(start()) as parts:
        was, file = parts.store.halted(), HaltFile(parts.settings.halt_file)
        if still := file.reason():
            raise HaltedError(f"still halted: {still}; remove {file.path} first")
        parts.store.halt(None, wiring.utc_now(), note=reason.strip())
    console.say(f"resumed (it was halted: {was})" if was else "it was not halted")


@operate.command(rich_help_panel="Operate")
def doctor(*, form: As = Format.TABLE) -> None:
    """Whether everything is in place: each finding with what to do about it."""
    from bot import app as wiring
    from bot.doctor import examine

    findings = examine(start(), wiring.utc_now)
    console.show_findings(findings, form)
    if bad := [finding.about for finding in findings if finding.state == "bad"]:
        raise BotError(f"{len(bad)} of {len(findings)} findings are bad: {', '.join(bad)}")


@operate.command(rich_help_panel="Operate")
def health() -> None:
    """Whether the daemon is alive, by its last sign of life: for a container's health check."""
    from bot import app as wiring
    from bot.daemon import LATEST_SIGN

    with wiring.opened(start(), read_only=True) as parts:
        last, now = parts.store.heartbeat(), wiring.utc_now()
    if last is None or abs(now - last) > LATEST_SIGN:
        raise BotError(f"no sign of life of the daemon since {last:%Y-%m-%d %H:%M:%S} UTC" if last else "no daemon yet")
    console.say(f"alive, as of {last:%Y-%m-%d %H:%M:%S} UTC")


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this version's schema; a SQLite file is copied beside itself first."""
    from bot.store.migrations import upgrade

    before, after = upgrade(start().database_url.get_secret_value())
    console.say(f"schema {after}" + (", as it was" if before == after else f", was {before or 'empty'}"))


@operate.command(rich_help_panel="Operate")
def notify() -> None:
    """Send a message to whoever BOT_NOTIFY names, to see that it arrives."""
    from bot import app as wiring
    from bot.notify import PATIENCE

    settings = start()
    with wiring.opened(settings, fresh=True) as parts:
        if not parts.notifiers:
            raise ConfigError("BOT_NOTIFY names nobody: write a URL of Apprise, such as ntfy://topic")
        failures = []
        for notifier in parts.notifiers:
            try:
                within(PATIENCE, partial(notifier.send, f"insiderbot {settings.account}: a test", TEST))
            except TimeoutError:
                failures.append(f"{notifier.name} has not taken a message within {PATIENCE:g} s")
            except NotifyError as error:
                failures.append(str(error))
            else:
                console.say(f"{notifier.name} has taken a message")
    if failures:
        raise NotifyError("; ".join(failures))


@config.command("show")
def config_show(
    *,
    kept: Annotated[str, typer.Option("--kept", metavar="HASH", help="those that `explain` names by this hash")] = "",
    form: As = Format.TABLE,
) -> None:
    """The settings in force, or those that decisions were made with; secrets masked."""
    settings = start()
    shown: dict[str, str] | None = settings.shown()
    if kept:
        from bot import app as wiring

        with wiring.opened(settings, read_only=True) as parts:
            shown = parts.store.settings(kept)
    if shown is None:
        raise BotError(f"no decision was made with settings {kept!r}; `insiderbot explain` names them")
    rows = [{"setting": name, "value": value} for name, value in shown.items()]
    console.show_rows(rows, form, ("setting", "value"))


@config.command("schema")
def config_schema(
    *,
    strategy_file: Annotated[
        bool, typer.Option("--strategy-file", help="The strategy file instead, with every rule there is.")
    ] = False,
) -> None:
    """The settings as JSON Schema."""
    import json

    from bot.settings import Settings
    from bot.strategy_file import schema

    console.say(json.dumps(schema() if strategy_file else Settings.model_json_schema(), indent=2))


@config.command("example")
def config_example() -> None:
    """The text of .env.example: every setting with its meaning and default."""
    from bot.settings import Settings

    console.say(Settings.example().rstrip("\n"))
