"""Whoever wants to know is told of orders and halts: at least once, and never in the way of either."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Final

from bot.deadline import begun
from bot.errors import BotError, ConfigError, NotifyError
from bot.model import Notice
from bot.ports import Clock, Journal, Notifier
from bot.render import harmless
from bot.timetable import patience

if TYPE_CHECKING:
    from apprise import Apprise

LONGEST: Final = 1800  # characters of a message; chats take some 2,000
LONGEST_LINE: Final = 200
FIRST_RETRY: Final = timedelta(minutes=1)
LAST_RETRY: Final = timedelta(hours=1)
PATIENCE: Final = 20.0  # seconds that a command waits for those it tells
SLOW: Final = timedelta(minutes=1)  # nobody who takes a message needs longer
APART: Final = re.compile(r"[\s,]+(?=[A-Za-z][\w.+-]*://)")  # a URL may have commas of its own


class Service:
    """One of the services that Apprise knows, by the URL it gives to it."""

    def __init__(self, url: str) -> None:
        try:
            import apprise
        except ImportError:
            raise ConfigError("BOT_NOTIFY needs Apprise: pip install 'insiderbot[notify]'") from None
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # what it says may quote keys
        asset = apprise.AppriseAsset(app_id="insiderbot", app_desc="insiderbot", app_url="", async_mode=False)
        made = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if made is None:
            raise ConfigError("BOT_NOTIFY has a URL that Apprise does not know; it may be mistyped, or lack a part")
        made.overflow_mode = apprise.OverflowMode.SPLIT  # a short message service takes it in pieces
        self._service: Apprise = apprise.Apprise(made, asset=asset)
        self._format = apprise.NotifyFormat.TEXT  # of each service's own marks all are to be escaped
        self.name = str(made.service_name)

    def send(self, title: str, body: str) -> None:
        """Deliver it; NotifyError when the service did not take it."""
        try:
            is_sent = self._service.notify(title=title, body=body, body_format=self._format)
        except Exception as error:  # noqa: BLE001 - whatever is wrong there is no bug of ours, and stops nothing
            raise NotifyError(f"{self.name} could not be told ({type(error).__name__})") from None
        if not is_sent:
            raise NotifyError(f"{self.name} could not be told: it did not answer, or refused")


def services(urls: str) -> list[Notifier]:
    """The services behind these URLs, which stand apart by comma or blank; ConfigError for one that is none.

    They are named by their kind, the second of a kind with its number, so that a new key makes no new listener.
    """
    made, seen = [Service(url) for url in APART.split(urls.strip(" ,")) if url], Counter[str]()
    for service in made:
        seen[service.name] += 1
        if (number := seen[service.name]) > 1:
            service.name = f"{service.name} {number}"
    return [*made]


class Herald:
    """Tells each notifier what it has not been told, beside whatever else goes on, and remembers what is under way."""

    def __init__(self, notifiers: Iterable[Notifier], account: str, clock: Clock) -> None:
        self._errands = [_Errand(notifier, account, clock) for notifier in notifiers]
        self._busy = Lock()

    @property
    def names(self) -> list[str]:
        """Who is told."""
        return [errand.name for errand in self._errands]

    def tell(self, journal: Journal) -> list[str]:
        """Mark what was delivered since the last time, begin to deliver what is new; who could not be told, and why.

        What the database says against it is told so, too, and keeps nobody behind from being tried.
        """
        if not self._busy.acquire(blocking=False):
            return []
        try:
            return [failure for errand in self._errands if (failure := errand.go(journal))]
        finally:
            self._busy.release()

    def wait(self, seconds: float) -> list[str]:
        """Wait so long at most for what is under way; who has not taken it by then."""
        wait([errand.sending for errand in self._errands if errand.sending], seconds)
        late = [errand.name for errand in self._errands if errand.sending and not errand.sending.done()]
        return [f"{name} has not taken a message within {seconds:g} s; it is told the next time" for name in late]


class _Errand:
    """What is on its way to one notifier: one message at a time, and after a failure none for a while."""

    def __init__(self, notifier: Notifier, account: str, clock: Clock) -> None:
        self.name = notifier.name
        self.sending: Future[None] | None = None
        self._notifier, self._account, self._clock = notifier, account, clock
        self._carried: Sequence[Notice] = ()
        self._delivered: Sequence[Notice] = ()
        self._failures = 0
        self._again_at = self._slow_at = datetime.min.replace(tzinfo=UTC)

    def go(self, journal: Journal) -> str | None:
        """What has failed since the last time, if anything."""
        now, failure = self._clock(), None
        if self.sending:
            if not self.sending.done():
                return self._slow(now)
            failure, self.sending = self._ended(self.sending.exception(), now), None
        if self._delivered:
            try:
                journal.told(self.name, self._delivered)
            except BotError as error:  # a mark that cannot be written is no reason to send it again
                return f"{self.name} was told, and that is not written down: {error}"
            self._delivered = ()
        if not now < self._again_at <= now + LAST_RETRY and (notices := journal.untold(self.name)):
            self._carried, self._slow_at = notices, now + SLOW
            title, body = message(notices, self._account)
            self.sending = begun(lambda: self._notifier.send(title, body))
        return failure

    def _ended(self, error: BaseException | None, now: datetime) -> str | None:
        if error is None:
            self._delivered, self._failures = self._carried, 0
            return None
        self._failures += 1
        self._again_at = now + patience(self._failures, FIRST_RETRY, LAST_RETRY)
        return str(error)

    def _slow(self, now: datetime) -> str | None:
        if now < self._slow_at:
            return None
        self._slow_at = datetime.max.replace(tzinfo=UTC)
        return f"{self.name} has not taken a message within {SLOW.total_seconds():g} s; it gets no other meanwhile"


def message(notices: Sequence[Notice], account: str) -> tuple[str, str]:
    """The title and the lines that tell all of these; of orders the latest, if they are too many.

    Each line ends with its number in the journal: what is told twice, after a crash, has the same.
    """
    halts = [notice for notice in notices if notice.kind != "orders"]
    subject = halts[-1].kind if halts else "orders"
    kept, length = {*map(id, halts[-3:])}, sum(len(_line(notice)) + 1 for notice in halts[-3:])
    for notice in reversed(notices):
        if notice.kind == "orders" and (length := length + len(_line(notice)) + 1) < LONGEST:
            kept.add(id(notice))
    lines = [_line(notice) for notice in notices if id(notice) in kept]
    left_out = len(notices) - len(lines)
    earlier = [f"and {left_out} before: `insiderbot orders` shows them"] if left_out else []
    return f"insiderbot {account}: {subject}", "\n".join([*earlier, *lines])


def _line(notice: Notice) -> str:
    number = f"#{notice.number}" if notice.kind == "orders" else f"#h{notice.number}"
    return f"{notice.at:%Y-%m-%d %H:%M} UTC {harmless(' '.join(notice.words.split()), LONGEST_LINE)} {number}"
