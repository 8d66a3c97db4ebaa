"""Whoever wants to know is told of orders and halts: at least once, and never in the way of either."""

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from bot.deadline import within
from bot.errors import ConfigError, NotifyError
from bot.model import Notice
from bot.ports import Journal, Notifier
from bot.render import harmless

if TYPE_CHECKING:
    from apprise import NotifyBase

LONGEST: Final = 1800  # characters of a message: every service takes so many
LONGEST_LINE: Final = 200
LONGEST_WAIT: Final = 20.0  # seconds for a service, which may answer a byte at a time
APART: Final = re.compile(r"[\s,]+")


class Service:
    """One of the services that Apprise knows, by the URL it gives to it."""

    def __init__(self, url: str) -> None:
        try:
            import apprise
        except ImportError:
            raise ConfigError("BOT_NOTIFY needs Apprise: pip install 'insiderbot[notify]'") from None
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # what it says may quote keys
        asset = apprise.AppriseAsset(app_id="insiderbot", app_desc="insiderbot", app_url="", async_mode=False)
        made: NotifyBase | None = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if made is None:
            raise ConfigError("BOT_NOTIFY has a URL that Apprise does not know; it may be mistyped, or lack a part")
        made.overflow_mode = apprise.OverflowMode.SPLIT  # a short message service takes it in pieces
        self._service = apprise.Apprise(made, asset=asset)
        self._format = apprise.NotifyFormat.TEXT  # of each service's own marks all are to be escaped
        self.name = f"{made.service_name}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"

    def send(self, title: str, body: str) -> None:
        """Deliver it; NotifyError when the service did not take it."""
        try:
            is_sent = within(
                LONGEST_WAIT, lambda: self._service.notify(title=title, body=body, body_format=self._format)
            )
        except Exception as error:  # noqa: BLE001 - whatever is wrong there is no bug of ours, and stops nothing
            raise NotifyError(f"{self.name} could not be told ({type(error).__name__})") from None
        if not is_sent:
            raise NotifyError(f"{self.name} could not be told: it did not answer, or refused")


def services(urls: str) -> list[Notifier]:
    """The services behind these URLs, which stand apart by comma or blank; ConfigError for one that is none."""
    return [Service(url) for url in APART.split(urls) if url]


def tell(notifiers: Iterable[Notifier], journal: Journal, account: str) -> None:
    """Tell each of them what it has not been told; NotifyError, after all were tried, if one could not be reached."""
    failures = []
    for notifier in notifiers:
        if notices := journal.untold(notifier.name):
            try:
                notifier.send(*message(notices, account))
            except NotifyError as error:
                failures.append(str(error))
            else:
                journal.told(notifier.name, notices)
    if failures:
        raise NotifyError("; ".join(failures))


def message(notices: Sequence[Notice], account: str) -> tuple[str, str]:
    """The title and the lines that tell all of these, the latest of them if they are too many.

    Each line ends with its number in the journal: what is told twice, after a crash, has the same.
    """
    subject = next((notice.kind for notice in reversed(notices) if notice.kind != "orders"), "orders")
    lines = [_line(notice) for notice in notices]
    length, kept = 0, len(lines)
    while kept and length + len(lines[kept - 1]) < LONGEST:
        kept -= 1
        length += len(lines[kept]) + 1
    earlier = [f"and {kept} before: `insiderbot orders` shows them"] if kept else []
    return f"insiderbot {account}: {subject}", "\n".join([*earlier, *lines[kept:]])


def _line(notice: Notice) -> str:
    number = f"#{notice.number}" if notice.kind == "orders" else f"#h{notice.number}"
    return f"{notice.at:%Y-%m-%d %H:%M} UTC {harmless(' '.join(notice.words.split()), LONGEST_LINE)} {number}"
