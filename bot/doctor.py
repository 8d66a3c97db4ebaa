"""Whether everything is in place for the bot to be left alone: findings, each with its remedy."""

import shutil
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Literal

from sqlalchemy.engine import make_url

from bot.app import App, opened, refuse_unsafe
from bot.errors import BotError
from bot.halt_file import HaltFile
from bot.http import Http, HttpError
from bot.limits import fall
from bot.ports import BrokerView, Clock
from bot.sessions import Sessions
from bot.settings import Settings
from bot.worth import worth

State = Literal["good", "look", "bad"]
ENOUGH_DISK: Final = 200 * 1024**2
ENOUGH_CALENDAR: Final = timedelta(days=90)
FARTHEST_CLOCK: Final = timedelta(seconds=60)
EARLIEST: Final = 2026  # the year this version was written in: an earlier clock is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: `good`, worth a `look`, or `bad`; and what to do about it."""

    state: State
    about: str
    finding: str
    remedy: str = ""


def examine(settings: Settings, clock: Clock) -> list[Finding]:
    """Every finding; nothing is changed, and no check stops the others."""
    findings: list[Finding] = []
    for about, check in CHECKS.items():
        try:
            findings += [
                Finding(state=state, about=about, finding=finding, remedy=remedy)
                for state, finding, remedy in check(settings, clock)
            ]
        except BotError as error:
            findings.append(Finding(state="bad", about=about, finding=str(error), remedy="as it says"))
        except Exception as error:  # noqa: BLE001 - no check stops the others
            bug = f"the check itself failed: {type(error).__name__}"
            findings.append(Finding(state="bad", about=about, finding=bug, remedy="please report it"))
    return findings


Found = Iterator[tuple[State, str, str]]


def _sources(settings: Settings, clock: Clock) -> Found:
    if not settings.sources:
        yield "bad", "BOT_SOURCES is empty", "name at least one: edgar, openinsider, finviz, files:PATH"
        return
    with opened(settings, clock=clock, fresh=True) as parts:
        yield "good", f"{len(parts.sources)} configured: {', '.join(settings.sources)}", ""
    if len(settings.sources) == 1:
        yield "look", "one source only", "with two, one may fail and the other is a second witness"


def _strategy(settings: Settings, clock: Clock) -> Found:
    with opened(settings, clock=clock, fresh=True) as parts:
        name, exits = parts.decider.provenance.strategy, parts.decider.policy.exits
    yield "good", f"{name} decides; what was bought is sold when {', or '.join(('officers sell', *exits.words()))}", ""


def _identity(settings: Settings, _: Clock) -> Found:
    if "@" in settings.user_agent or "http" in settings.user_agent:
        yield "good", f"requests say {settings.user_agent!r}", ""
    else:
        told = "add how to reach you: BOT_USER_AGENT='insiderbot/0.1 (you@your.domain)'"
        yield "look", f"requests say {settings.user_agent!r}, which names nobody", told


def _keys(settings: Settings, _: Clock) -> Found:
    if settings.openfigi_key:
        yield "good", "an OpenFIGI key is set", ""
    else:
        yield "look", "no OpenFIGI key: 25 requests a minute of 5 tickers each", "a free key makes it ten times faster"


def _broker(settings: Settings, clock: Clock) -> Found:
    with opened(settings, clock=clock, read_only=True) as parts:
        account = parts.broker.account()
        worth = f"{account.available:,.2f} of {account.cash:,.2f} {account.currency} available"
        yield "good", f"{parts.broker.name}, paper account {account.id}: {worth}", ""
        yield from _quotes(settings, parts)


def _quotes(settings: Settings, parts: App) -> Found:
    if parts.broker.mic not in {None, settings.venue}:
        at = f"{parts.broker.name} trades at {parts.broker.mic}, but BOT_VENUE is {settings.venue}"
        yield "bad", at, f"BOT_VENUE={parts.broker.mic}"
    account, now = parts.broker.account(), parts.clock()
    if account.currency != "USD":
        rate = parts.rates.rate(account.currency, "USD", now)
        found = (
            f"1 {rate.base} = {rate.rate:f} {rate.quote}, {rate.source} of {rate.on}" if rate else "there is no rate"
        )
        yield "good" if rate else "bad", found, "" if rate else "look at BOT_RATES"
    timetable = parts.timetable
    if not parts.broker.queues and not timetable.sessions.open_at(timetable.following(now)):
        closed = (
            f"{settings.venue} is closed at BOT_CYCLE_AT {settings.cycle_at}, when {parts.broker.name} takes no order"
        )
        yield "bad", closed, "choose a time within its hours"
    if parts.broker.name == "simulated" and not settings.prices:
        yield "bad", "the simulated broker has no prices: no order can be sized", "set BOT_PRICES=files:PATH"


def _unattended(settings: Settings, clock: Clock) -> Found:
    with opened(settings, clock=clock, read_only=True) as parts:
        refuse_unsafe(parts.broker)
        yield "good", f"{parts.broker.name} may be left alone: {traits(parts.broker)}", ""


def traits(broker: BrokerView) -> str:
    """What a broker declares about itself, in words."""
    lasts = f"for {_span(broker.key_ttl)}" if broker.key_ttl else "for ever"
    lag = f"may be out of sight for {_span(broker.visibility_lag)}" if broker.visibility_lag else "is in sight at once"
    return "; ".join(
        (
            "an order is placed, then activated" if broker.two_step else "an order is live once it is sent",
            f"its id is taken once, {lasts}" if broker.idempotent else "its id is taken as often as it is sent",
            "the id finds it again" if broker.lookup_by_key else "the id does not find it again",
            f"it {lag}",
            f"{broker.paper_proof!r} proves paper" if broker.paper_proof else "there is no real money",
        )
    )


def _span(of: timedelta) -> str:
    seconds = of.total_seconds()
    return f"{seconds / 86_400:g} days" if of.days else f"{seconds:g} s"


def _limits(settings: Settings, clock: Clock) -> Found:
    with opened(settings, clock=clock, fresh=True) as parts:
        notional = parts.decider.policy.notional
    if notional > settings.max_order_value:
        said_by = "BOT_NOTIONAL" if notional == settings.notional else "the strategy file's notional"
        over = f"{said_by} is {notional:,} and BOT_MAX_ORDER_VALUE {settings.max_order_value:,}"
        yield "bad", f"{over}: every buy of that size is refused", "lower the one or raise the other"
    yield (
        "good",
        f"buys: at most {settings.max_order_value:,} an order and {settings.max_name_value:,} a share,"
        f" {settings.max_cycle_orders} a cycle, {settings.max_day_orders} and {settings.max_day_value:,} a session;"
        f" {settings.cash_reserve:,} stay in cash; {settings.cooldown} days of rest after a loss",
        "",
    )
    with opened(settings, clock=clock, read_only=True) as parts:
        account = parts.broker.account()
        total, highest = worth(account, parts.broker, parts.rates, parts.clock()), parts.drawdown.highest(account)
    told = (
        f"halts above {settings.burst} new orders in a cycle, and {settings.max_drawdown:.0%} below the highest worth"
    )
    if total is None:
        yield "look", f"{told}; what the account is worth is not known now", "quotes are needed for all that is held"
    else:
        fallen = fall(total, highest)
        is_far = fallen * 2 > settings.max_drawdown
        remedy = "look at `insiderbot positions`" if is_far else ""
        yield "look" if is_far else "good", f"{told}; it is {fallen:.1%} below it now", remedy


def _clock(settings: Settings, clock: Clock) -> Found:
    now = clock()
    if now.year < EARLIEST:
        yield "bad", f"the clock says {now:%Y-%m-%d %H:%M} UTC", "set it, best by NTP"
        return
    with opened(settings, clock=clock, read_only=True) as parts:
        told = {"a cycle ran": parts.store.last_cycle(), "the daemon was alive": parts.store.heartbeat()}
    for what, at in told.items():
        if at and at > now + FARTHEST_CLOCK:
            yield "bad", f"it is {now:%Y-%m-%d %H:%M} UTC, but {what} at {at:%Y-%m-%d %H:%M} UTC", "set the clock"
            return
    yield _against_the_web(settings, now)


def _against_the_web(settings: Settings, now: datetime) -> tuple[State, str, str]:
    """How far the clock is from the one of the mapping service, which every cycle asks."""
    try:
        date = Http(settings.user_agent).get(settings.openfigi_url).headers.get("date")
        there = parsedate_to_datetime(date or "").astimezone(UTC)
    except (HttpError, ValueError) as error:
        return "look", f"{now:%Y-%m-%d %H:%M:%S} UTC, not compared: {error}", "is the network there?"
    off = abs(there - now)
    if off > FARTHEST_CLOCK:
        seconds = f"{off.total_seconds():,.0f} s off {settings.openfigi_url}"
        return "bad", f"{now:%Y-%m-%d %H:%M:%S} UTC, {seconds}", "set the clock, best by NTP"
    return "good", f"{now:%Y-%m-%d %H:%M:%S} UTC, as {settings.openfigi_url} has it", ""


def _calendar(settings: Settings, clock: Clock) -> Found:
    sessions = Sessions(settings.venue)
    last, following = sessions.last.day, sessions.next_open(clock())
    state: State = "good" if last - clock().date() > ENOUGH_CALENDAR else "bad"
    remedy = "" if state == "good" else "pip install --upgrade exchange-calendars"
    yield state, f"{settings.venue} is known until {last}; it opens next {following.opens:%Y-%m-%d %H:%M} UTC", remedy


def _notify(settings: Settings, clock: Clock) -> Found:
    with opened(settings, clock=clock, fresh=True) as parts:
        names = [notifier.name for notifier in parts.notifiers]
    if names:
        yield "good", f"told of orders and halts: {', '.join(names)}", ""
    else:
        yield "look", "nobody is told when the bot halts", "BOT_NOTIFY=ntfy://a-topic-of-your-own, say"


def _store(settings: Settings, clock: Clock) -> Found:
    with opened(settings, clock=clock, read_only=True) as parts:
        last, done = parts.store.last_cycle(), parts.store.session_done()
        open_orders, halted = len(parts.store.open_orders()), parts.store.halted()
    file = HaltFile(settings.halt_file).reason()
    if file:
        yield "look", f"halted: {file}", f"remove {settings.halt_file}"
    if halted and halted != file:
        yield "look", f"halted: {halted}", "insiderbot resume"
    if last is None:
        yield "good", f"{settings.shown()['BOT_DATABASE_URL']} is still empty", ""
        return
    sessions = f", sessions done until {done}" if done else ""
    yield "good", f"last cycle {last:%Y-%m-%d %H:%M} UTC{sessions}, {open_orders} orders open", ""


def _disk(settings: Settings, _: Clock) -> Found:
    url = make_url(settings.database_url.get_secret_value())
    if not url.drivername.startswith("sqlite") or not url.database:
        yield "good", "the database is a server's; this machine's disk does not matter to it", ""
        return
    folder = Path(url.database).absolute().parent
    if not folder.is_dir():
        yield "bad", f"there is no folder {folder}", "create it, or change BOT_DATABASE_URL"
        return
    free = shutil.disk_usage(folder).free
    state: State = "good" if free >= ENOUGH_DISK else "bad"
    yield state, f"{free / 1024**2:,.0f} MB free in {folder}", "" if state == "good" else "make room: 200 MB at least"


def _time_zones(settings: Settings, _: Clock) -> Found:
    for name in ("America/New_York", "Europe/Berlin"):
        try:
            offset = datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo(name)).utcoffset()
        except zoneinfo.ZoneInfoNotFoundError:
            yield "bad", f"there is no time-zone data for {name}", "pip install tzdata"
            return
        expected = timedelta(hours=-4 if name.startswith("America") else 2)
        if offset != expected:
            yield "bad", f"the time-zone data of {name} has no summer time", "pip install --upgrade tzdata"
            return
    yield "good", f"New York and Berlin are known; {settings.venue} is in {Sessions(settings.venue).zone}", ""


CHECKS: Final[dict[str, Callable[[Settings, Clock], Found]]] = {
    "sources": _sources,
    "strategy": _strategy,
    "identity": _identity,
    "keys": _keys,
    "broker": _broker,
    "unattended": _unattended,
    "limits": _limits,
    "notify": _notify,
    "clock": _clock,
    "calendar": _calendar,
    "store": _store,
    "disk": _disk,
    "time zones": _time_zones,
}
