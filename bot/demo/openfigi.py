"""A local stand-in of OpenFIGI's mapping service (API v3), for the demo and the tests."""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, Final, Literal

from bot.demo.serving import Reply, StandIn

REQUESTS_PER_WINDOW: Final = 25
KINDS: Final = ("TICKER", "ID_CUSIP", "ID_BB_GLOBAL", "ID_BB_GLOBAL_SHARE_CLASS_LEVEL", "ID_ISIN")
FIELDS: Final = frozenset({"idType", "idValue", "exchCode", "marketSecDes", "securityType2"})
ISIN: Final = re.compile("[A-Z]{2}[A-Z0-9]{9}[0-9]")

Failure = int | Literal["garbage", "short", "error", "silence"]
"""A status; or 200 with no JSON, with one answer too few, with an error for the whole; or no answer at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One listing the stand-in knows, with the identifiers that lead to it; `type` is the securityType2."""

    ticker: str
    name: str
    figi: str
    composite_figi: str
    share_class_figi: str | None
    exchange: str = "US"
    type: str = "Common Stock"
    market: str = "Equity"
    isins: tuple[str, ...] = ()
    cusip: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived: its headers by lower-case name, and its jobs."""

    headers: Mapping[str, str]
    jobs: list[dict[str, Any]]


class OpenFigiServer(StandIn):
    """Answers POST /v3/mapping from its records inside a `with` block, as strictly as the real service.

    With a `key`, requests must carry it and may then be larger and more frequent; without one, a key is refused too.
    """

    def __init__(
        self,
        records: Sequence[Record],
        key: str | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(self._reply)
        self.journal: list[Request] = []
        self._records = _index(records)
        self._key = key
        self._jobs, self._window = (100, 6.0) if key else (5, 60.0)
        self._failures: deque[Failure] = deque()
        self._arrived: deque[float] = deque()
        self._monotonic = monotonic
        self._closed = Event()

    def fail_next(self, *failures: Failure) -> None:
        """Let the next requests fail like this, one after the other."""
        self._failures.extend(failures)

    def __exit__(self, *problem: object) -> None:
        self._closed.set()
        super().__exit__(*problem)

    def _reply(self, method: str, path: str, _: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Reply:
        if path != "/v3/mapping":
            return 404, {}, b"Not Found"
        if method != "POST":
            return 405, {}, b"Method Not Allowed"
        try:
            jobs = json.loads(body)
        except ValueError:
            jobs = None
        if not isinstance(jobs, list) or not all(_is_job(job) for job in jobs):
            return 400, {}, b"Request body must be an array of jobs."
        self.journal.append(Request(headers, jobs))
        failure = self._failures.popleft() if self._failures else None
        if failure == "silence":
            self._closed.wait()
        refused, limits = self._refused(len(jobs), headers)
        status = failure if isinstance(failure, int) else refused
        if status != 200:
            wait = {"retry-after": limits["ratelimit-reset"]} if status == 429 else {}
            return status, {**limits, **wait, "Content-Type": "text/html"}, b"Refused."
        return 200, {**limits, "Content-Type": "application/json; charset=utf-8"}, self._body(jobs, failure)

    def _refused(self, jobs: int, headers: Mapping[str, str]) -> tuple[int, dict[str, str]]:
        """The status this request deserves, and the rate-limit headers it gets."""
        now = self._monotonic()
        while self._arrived and self._arrived[0] <= now - self._window:
            self._arrived.popleft()
        full = len(self._arrived) >= REQUESTS_PER_WINDOW
        if not full:
            self._arrived.append(now)
        limits = {
            "ratelimit-limit": str(REQUESTS_PER_WINDOW),
            "ratelimit-remaining": str(REQUESTS_PER_WINDOW - len(self._arrived)),
            "ratelimit-reset": str(int(self._arrived[0] + self._window - now) + 1),
        }
        if headers.get("x-openfigi-apikey") != self._key:
            return 401, limits
        if jobs > self._jobs:
            return 413, limits
        return (429 if full else 200), limits

    def _body(self, jobs: list[dict[str, Any]], failure: Failure | None) -> bytes:
        if failure == "garbage":
            return b"<html>Service is under maintenance</html>"
        if failure == "error":
            return b'{"error": "Internal error."}'
        answers = [self._answer(job) for job in jobs]
        return json.dumps(answers[1:] if failure == "short" else answers).encode()

    def _answer(self, job: Mapping[str, Any]) -> dict[str, Any]:
        if job["idType"] == "ID_ISIN" and not ISIN.fullmatch(job["idValue"]):
            return {"error": "Invalid idValue format."}
        known = self._records.get((job["idType"], job["idValue"]), ())
        found = [_as_sent(record) for record in known if _passes(job, record)]
        return {"data": found} if found else {"warning": "No identifier found."}


def _is_job(job: Any) -> bool:
    """Whether it has a kind and a value, and text in every field, of those the stand-in knows."""
    return (
        isinstance(job, dict)
        and set(job) <= FIELDS
        and all(isinstance(value, str) for value in job.values())
        and job.get("idType") in KINDS
        and bool(job.get("idValue"))
    )


def _index(records: Sequence[Record]) -> dict[tuple[str, str | None], list[Record]]:
    """Records by kind and value of everything that leads to them."""
    found: dict[tuple[str, str | None], list[Record]] = {}
    for record in records:
        values = (record.ticker, record.cusip, record.figi, record.share_class_figi)
        for identifier in [*zip(KINDS, values, strict=False), *(("ID_ISIN", isin) for isin in record.isins)]:
            found.setdefault(identifier, []).append(record)
    return found


def _passes(job: Mapping[str, str], record: Record) -> bool:
    filters = {"exchCode": record.exchange, "marketSecDes": record.market, "securityType2": record.type}
    return all(job.get(name, value) == value for name, value in filters.items())


def _as_sent(record: Record) -> dict[str, str | None]:
    return {
        "figi": record.figi,
        "name": record.name,
        "ticker": record.ticker,
        "exchCode": record.exchange,
        "compositeFIGI": record.composite_figi,
        "securityType": record.type,
        "marketSector": record.market,
        "shareClassFIGI": record.share_class_figi,
        "securityType2": record.type,
        "securityDescription": record.ticker,
    }
