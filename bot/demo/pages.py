"""What the stand-ins of web sites have in common: pages about lines that can be exchanged, and bad days on demand."""

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from urllib.parse import urlencode

from bot.demo.market import Line
from bot.demo.serving import Reply, StandIn

Failure = int | Literal["challenge", "empty", "no_table", "swapped", "cut"]
"""A status; the bot check; or a page without rows, without its table, with two columns swapped, or only half of it."""

Render = Callable[[str, Mapping[str, str], Sequence[Line]], str | Reply]
"""Path, query and lines in; a page out, or another reply where there is none."""


class PageServer(StandIn):
    """Serves pages about these lines inside a `with` block; `journal` has the address of every request.

    `swapped` are the two headings that change places on a bad day.
    """

    def __init__(self, render: Render, lines: Sequence[Line], swapped: tuple[str, str]) -> None:
        super().__init__(self._reply)
        self.journal: list[str] = []
        self._render = render
        self._lines = list(lines)
        self._swapped = swapped
        self._failures: deque[Failure] = deque()

    def show(self, lines: Sequence[Line]) -> None:
        """Serve other lines from now on."""
        self._lines = list(lines)

    def fail_next(self, *failures: Failure) -> None:
        """Let the next pages fail like this, one after the other."""
        self._failures.extend(failures)

    def _reply(self, _: str, path: str, query: Mapping[str, str], __: Mapping[str, str], ___: bytes) -> Reply:
        self.journal.append(f"{path}?{urlencode(query)}" if query else path)
        page = self._render(path, query, self._lines)
        if not isinstance(page, str):
            return page
        failure = self._failures.popleft() if self._failures else None
        if isinstance(failure, int):
            return html(failure, "<html><body>The page cannot be shown.</body></html>")
        if failure == "challenge":
            return html(403, "<html><head><title>Just a moment...</title></head></html>", {"cf-mitigated": "challenge"})
        return html(200, self._spoiled(page, failure))

    def _spoiled(self, page: str, failure: Failure | None) -> str:
        one, other = self._swapped
        match failure:
            case "empty":
                return re.sub("(?s)<tr [^>]*>.*?</tr>", "", page)  # a row of headings has no attribute
            case "no_table":
                return re.sub("(?s)<table.*</table>", "", page)
            case "swapped":
                return re.sub(f">({one}|{other})<", lambda found: f">{other if found[1] == one else one}<", page)
            case "cut":
                return page[: len(page) // 2]
            case _:
                return page


def html(status: int, page: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply with this page."""
    return status, {"Content-Type": "text/html; charset=utf-8", **(headers or {})}, page.encode()


def not_found(title: str) -> Reply:
    """The reply where there is no such page."""
    return html(404, f"<html><head><title>{title}</title></head><body>Not found</body></html>")
