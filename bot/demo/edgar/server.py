"""EDGAR on this machine: feed, daily indexes, submissions and archives, and its ways of refusing."""

import re
import time
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from threading import Lock
from typing import Final, Literal

from bot.demo.edgar import pages
from bot.demo.edgar.filings import Filing
from bot.demo.serving import Query, Reply, StandIn
from bot.model import NEW_YORK
from bot.ports import Clock

Failure = int | Literal["page", "cut"]
"""A status; a web page with status 200 instead of the answer; or only half of the answer."""

OWNERSHIP: Final = frozenset({"3", "3/A", "4", "4/A", "5", "5/A"})
INDEXES: Final = {"form": pages.by_form, "master": pages.master}
DEEPEST: Final = 5000
RECENT: Final = 1000  # filings that a company's submissions have in one piece; a year's are never divided
OLDER: Final = 2000  # filings of an older page
BLOCKED_SECONDS: Final = 600.0


class EdgarServer(StandIn):
    """Serves what was accepted by the clock inside a `with` block; `journal` has the path of every request.

    A day's index is there from the next day on. More than `per_second` requests in a second, or a User-Agent without a
    contact, are refused with a web page; so is an address that does not exist among the indexes, as the SEC does.
    """

    def __init__(self, filings: Iterable[Filing] = (), *, clock: Clock, per_second: int | None = 10) -> None:
        super().__init__(self._reply)
        self.journal: list[str] = []
        self._filings = {filing.accession: filing for filing in filings}
        self._hidden: set[str] = set()
        self._clock = clock
        self._asked: deque[float] = deque(maxlen=per_second and per_second + 1)
        self._blocked_until = 0.0
        self._failures: dict[str, deque[Failure]] = {}
        self._lock = Lock()

    def publish(self, *filings: Filing, disseminated: bool = True) -> None:
        """Let filings appear from now on; one that is not disseminated yet is listed, but its documents are missing."""
        with self._lock:
            self._filings |= {filing.accession: filing for filing in filings}
            accessions = {filing.accession for filing in filings}
            self._hidden = self._hidden - accessions if disseminated else self._hidden | accessions

    def fail_next(self, part: str, *failures: Failure) -> None:
        """Let the next answers whose path contains this part fail like this, one after the other."""
        with self._lock:
            self._failures.setdefault(part, deque()).extend(failures)

    def _reply(self, _: str, path: str, query: Query, headers: Mapping[str, str], __: bytes) -> Reply:
        with self._lock:
            self.journal.append(path)
            failure = next((queue.popleft() for part, queue in self._failures.items() if queue and part in path), None)
            refused = "@" not in headers.get("user-agent", "") or self._is_too_fast()
            public = [filing for filing in self._filings.values() if filing.accepted_at <= self._clock()]
        if refused:
            return _page(403, "Request Rate Threshold Exceeded, or Undeclared Automated Tool")
        if isinstance(failure, int):
            return _page(failure, "SEC.gov | File Unavailable")
        if failure == "page":
            return _page(200, "This page is temporarily unavailable")
        status, kind, body = self._answer(path, query, public)
        return status, kind, body[: len(body) // 2] if failure == "cut" else body

    def _is_too_fast(self) -> bool:
        """Whether this request is one too many; every further one prolongs the block."""
        now = time.monotonic()
        self._asked.append(now)
        full = self._asked.maxlen is not None and len(self._asked) == self._asked.maxlen
        if now < self._blocked_until or (full and now - self._asked[0] < 1):
            self._blocked_until = now + BLOCKED_SECONDS
        return now < self._blocked_until

    def _answer(self, path: str, query: Query, public: list[Filing]) -> Reply:
        if path == "/cgi-bin/browse-edgar":
            return self._feed(query, public)
        if path.startswith("/Archives/edgar/daily-index/"):
            return self._index(path, public)
        if match := re.fullmatch(r"/Archives/edgar/data/(\d+)/(?:\d{18}/)?(\d{10}-\d\d-\d{6})\.txt", path):
            filing = self._shown(match[2], int(match[1]), public)
            return _found("text/plain", filing.submission) if filing and filing.submission else _missing()
        if match := re.fullmatch(r"/Archives/edgar/data/(\d+)/(\d{10})(\d\d)(\d{6})/(.+)", path):
            filing = self._shown("-".join(match.groups()[1:4]), int(match[1]), public)
            return _file(filing, path, match[5]) if filing else _missing()
        if match := re.fullmatch(r"/submissions/CIK(\d{10})(?:-submissions-\d{3})?\.json", path):
            return self._submissions(int(match[1]), path.rpartition("/")[2], public)
        if path == "/files/company_tickers.json":
            return _found("application/json", pages.tickers(public))
        return _missing()

    def _feed(self, query: Query, public: list[Filing]) -> Reply:
        start, count = int(query.get("start") or 0), int(query.get("count") or 40)
        if start > DEEPEST:
            return _page(503, "SEC.gov | File Unavailable")
        is_owners = {"only": (True,), "exclude": (False,)}.get(query.get("owner", "include"), (True, False))
        asked = [
            filing
            for filing in public
            if filing.form.startswith(query.get("type", "")) and (filing.form in OWNERSHIP) in is_owners
        ]
        shown = pages.entries(asked)[start : start + count]
        return _found("application/atom+xml", pages.feed(shown, self._clock()))

    def _index(self, path: str, public: list[Filing]) -> Reply:
        today = self._clock().astimezone(NEW_YORK).date()
        days = sorted({filing.filed_on for filing in public if filing.filed_on < today})
        folder, _, name = path.rpartition("/")
        if name == "index.json" and folder in {_folder(day) for day in _working_days(today)}:
            kinds = [(kind, day) for day in days if _folder(day) == folder for kind in INDEXES]
            return _found("application/json", pages.folder(folder, [f"{kind}.{day:%Y%m%d}.idx" for kind, day in kinds]))
        for day in days:
            for kind, render in INDEXES.items():
                if path == f"{_folder(day)}/{kind}.{day:%Y%m%d}.idx":
                    shown = pages.entries(filing for filing in public if filing.filed_on == day)
                    return _found("text/plain", render(shown, day))
        return _page(403, "Access Denied")

    def _submissions(self, cik: int, name: str, public: list[Filing]) -> Reply:
        """The page of this name: what is latest, or a page of older filings."""
        shown = [(filing, party) for filing, party in pages.entries(public) if party.cik == cik]
        if not shown:
            return _missing()
        filings, party = [filing for filing, _ in shown], shown[0][1]
        year_ago = self._clock() - timedelta(days=365)
        recent = max(RECENT, sum(filing.accepted_at > year_ago for filing in filings))
        older = {
            f"CIK{cik:010}-submissions-{number:03}.json": filings[start : start + OLDER]
            for number, start in enumerate(range(recent, len(filings), OLDER), start=1)
        }
        if name in older:
            return _found("application/json", pages.older_submissions(older[name], party))
        if name == f"CIK{cik:010}.json":
            return _found("application/json", pages.submissions(filings[:recent], older, party))
        return _missing()

    def _shown(self, accession: str, cik: int, public: list[Filing]) -> Filing | None:
        """A filing that may be read, in the folder of one of its parties."""
        filing = self._filings.get(accession)
        if filing not in public or accession in self._hidden or filing is None:
            return None
        return filing if cik in {party.cik for party in filing.parties} else None


def _folder(day: date) -> str:
    return f"/Archives/edgar/daily-index/{day.year}/QTR{(day.month + 2) // 3}"


def _working_days(today: date) -> list[date]:
    """The working days of the year before today, New Year left out: a quarter's folder is made with its first index."""
    days = [today - timedelta(days=number) for number in range(1, 366)]
    return [day for day in days if day.weekday() < 5 and (day.month, day.day) != (1, 1)]


def _file(filing: Filing, path: str, name: str) -> Reply:
    """What lies in a filing's own folder; below `xsl…` the document is a web page."""
    if name == "index.json":
        names = ["form4.xml", f"{filing.accession}.txt", f"{filing.accession}-index.htm"]
        return _found("application/json", pages.folder(path.rpartition("/")[0], names))
    if name == "form4.xml" and filing.document:
        return _found("text/xml", filing.document)
    if re.fullmatch(r"xslF345X\d\d/form4\.xml", name):
        return _page(200, "SEC FORM 4")
    return _missing()


def _found(kind: str, body: bytes) -> Reply:
    return 200, {"Content-Type": kind}, body


def _missing() -> Reply:
    return _page(404, "404 Not Found")


def _page(status: int, title: str) -> Reply:
    page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return status, {"Content-Type": "text/html"}, page.encode()
