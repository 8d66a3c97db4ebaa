"""A local stand-in of the European Central Bank's reference rates, for the demo and the tests."""

from collections import deque
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from bot.demo.serving import Reply, StandIn

HISTORY: Final = "/stats/eurofxref/eurofxref-hist-90d.xml"
LATEST: Final = "/stats/eurofxref/eurofxref-daily.xml"

Failure = int | Literal["garbage"]
"""A status; or 200 with a web page in place of the rates."""

Days = Mapping[date, Mapping[str, Decimal]]
"""Day -> currency -> how many units of it one EUR is worth."""


class EcbServer(StandIn):
    """Answers GET for the rates of all the given days, and of the last one, inside a `with` block.

    `journal` has the paths in the order they were asked for.
    """

    def __init__(self, days: Days) -> None:
        super().__init__(self._reply)
        self.journal: list[str] = []
        self._pages = {HISTORY: document(days), LATEST: document({day: days[day] for day in sorted(days)[-1:]})}
        self._failures: deque[Failure] = deque()

    def fail_next(self, *failures: Failure) -> None:
        """Let the next requests fail like this, one after the other."""
        self._failures.extend(failures)

    def _reply(self, method: str, path: str, _: Mapping[str, str], __: Mapping[str, str], ___: bytes) -> Reply:
        if path not in self._pages:
            return 404, {}, b"Not Found"
        if method != "GET":
            return 405, {}, b"Method Not Allowed"
        self.journal.append(path)
        failure = self._failures.popleft() if self._failures else None
        if failure == "garbage":
            return 200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><body>Maintenance</body></html>"
        if failure:
            return failure, {"Content-Type": "text/html"}, b"Refused."
        return 200, {"Content-Type": "text/xml"}, self._pages[path].encode()


def document(days: Days) -> str:
    """The rates as the ECB publishes them, the last day first."""
    cubes = "\n".join(_day(day, days[day]) for day in sorted(days, reverse=True))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"'
        ' xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">'
        "<gesmes:subject>Reference rates</gesmes:subject>"
        "<gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>"
        f"<Cube>{cubes}</Cube></gesmes:Envelope>"
    )


def _day(day: date, rates: Mapping[str, Decimal]) -> str:
    lines = "".join(f'<Cube currency="{currency}" rate="{rate:f}"/>' for currency, rate in rates.items())
    return f'<Cube time="{day}">{lines}</Cube>'
