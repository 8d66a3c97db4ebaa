"""OpenFIGI's mapping service (API v3): batches, rate limit, retries, and answers that are kept.

It maps identifiers to FIGIs, never a ticker to an ISIN. Format: https://www.openfigi.com/api/documentation
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final

from pydantic import SecretStr

from bot import http
from bot.errors import BotError, ConfigError, TryAgainError
from bot.instruments.pace import Pace
from bot.ports import Clock, MappingCache

KEEP_HITS: Final = timedelta(days=30)
KEEP_NOTHING: Final = timedelta(days=1)
REQUESTS_PER_WINDOW: Final = 25
ATTEMPTS: Final = 4
BUSY: Final = frozenset({500, 502, 503, 504})


class OutageError(TryAgainError):
    """OpenFIGI did not answer every job; `answered` holds those it did, and what was already known."""

    def __init__(self, sentence: str, answered: "Mapping[Job, Answer]") -> None:
        super().__init__(sentence)
        self.answered = answered


@dataclass(frozen=True, slots=True)
class Job:
    """One question: an identifier of a kind (`idType`), narrowed down by exchange code and market sector."""

    kind: str
    value: str
    exchange: str | None = None
    market: str | None = None

    @property
    def body(self) -> dict[str, str]:
        """The job in OpenFIGI's words."""
        words = {
            "idType": self.kind,
            "idValue": self.value,
            "exchCode": self.exchange,
            "marketSecDes": self.market,
        }
        return {name: value for name, value in words.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Hit:
    """One listing of one security; `type` is OpenFIGI's securityType2, and any field but `figi` may be missing."""

    figi: str
    name: str | None
    ticker: str | None
    exchange: str | None
    composite_figi: str | None
    share_class_figi: str | None
    type: str | None


# The names of a hit's fields in OpenFIGI's answers, in the order of the record.
HIT_WORDS: Final = ("figi", "name", "ticker", "exchCode", "compositeFIGI", "shareClassFIGI", "securityType2")


@dataclass(frozen=True, slots=True)
class JobError:
    """OpenFIGI could not read this one job; the message is its own."""

    message: str


Answer = tuple[Hit, ...] | JobError
"""A job's hits (an empty tuple: nothing found), or its error."""


class OpenFigi:
    """The mapping service behind one URL, asked no faster than it allows and never twice for what is known."""

    def __init__(
        self,
        client: http.Http,
        url: str,
        key: SecretStr | None,
        *,
        clock: Clock,
        cache: MappingCache,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        secret = key.get_secret_value().strip() if key else ""
        if not re.fullmatch(r"[!-~]*", secret):
            raise ConfigError("BOT_OPENFIGI_KEY holds a character that no key has: write it without spaces or quotes")
        self._http = client
        self._url = f"{url}/v3/mapping"
        self._headers = {"X-OPENFIGI-APIKEY": secret} if secret else {}
        self._clock = clock
        self._cache = cache
        self._jobs_per_request = 100 if secret else 5
        self._window = 6.0 if secret else 60.0
        self._pace = Pace(REQUESTS_PER_WINDOW, self._window, sleep=sleep, monotonic=monotonic)

    def map(self, jobs: Sequence[Job]) -> list[Answer]:
        """The answers in the order of the jobs; what is known is not asked again, nor anything twice.

        OutageError when OpenFIGI is out of reach, too busy or unintelligible; ConfigError when it refuses the key;
        BotError when it refuses the request itself.
        """
        answers = self._remembered(jobs)
        left = [job for job in dict.fromkeys(jobs) if job not in answers]
        self._pace.begin()
        try:
            while left:
                batch = left[: self._jobs_per_request]
                reply = self._ask(batch)
                if reply.status == 413 and len(batch) > 1:
                    self._jobs_per_request = len(batch) // 2
                    continue
                fresh = dict(zip(batch, self._read(reply, len(batch)), strict=True))
                self._remember(fresh)
                answers |= fresh
                left = left[len(batch) :]
        except (TryAgainError, http.HttpError) as error:
            raise OutageError(str(error), answers) from None
        return [answers[job] for job in jobs]

    def _ask(self, batch: Sequence[Job]) -> http.Answer:
        """One request, repeated while the service is busy: a mapping changes nothing there."""
        trouble = "OpenFIGI's rate limit is used up"
        for attempt in range(ATTEMPTS):
            if not self._pace.wait():
                break
            backoff = float(2**attempt)
            try:
                reply = self._http.post_json(self._url, [job.body for job in batch], headers=self._headers)
            except http.HttpError as error:
                trouble = str(error)
            else:
                reset = _seconds(reply.headers.get("ratelimit-reset"), self._window)
                if reply.headers.get("ratelimit-remaining") == "0":
                    self._pace.pause(reset)
                if reply.status not in BUSY | {429}:
                    return reply
                trouble = f"OpenFIGI is busy ({reply.status})"
                backoff = _seconds(reply.headers.get("retry-after"), reset) if reply.status == 429 else backoff
            self._pace.pause(backoff)
        raise TryAgainError(f"{trouble}; try again later")

    def _read(self, reply: http.Answer, count: int) -> list[Answer]:
        if reply.status in {401, 403} and self._headers:
            raise ConfigError(
                f"OpenFIGI refused BOT_OPENFIGI_KEY ({reply.status}): correct it, or remove it to work without a key"
            )
        if 400 <= reply.status < 500:
            raise BotError(f"OpenFIGI refused the request ({reply.status})")
        if reply.status != 200:
            raise TryAgainError(f"OpenFIGI answered with status {reply.status} where 200 was expected")
        content = reply.json()
        if not isinstance(content, list) or len(content) != count:
            raise TryAgainError(f"OpenFIGI was to answer {count} jobs, but sent {_shape(content)}")
        try:
            return [_answer(item) for item in content]
        except ValueError as error:
            raise TryAgainError(f"OpenFIGI's answer cannot be used: {error}") from None

    def _remembered(self, jobs: Sequence[Job]) -> dict[Job, Answer]:
        kept = self._cache.get([self._request(job) for job in jobs], self._clock())
        answers = {}
        for job in jobs:
            # What another version or somebody's hand has written is asked again.
            with suppress(KeyError, ValueError):
                answers[job] = _answer(http.strict_json(kept[self._request(job)]))
        return answers

    def _remember(self, answers: Mapping[Job, Answer]) -> None:
        now = self._clock()
        kept = {self._request(job): answer for job, answer in answers.items() if not isinstance(answer, JobError)}
        self._cache.put({request: _written(hits) for request, hits in kept.items() if hits}, now + KEEP_HITS)
        self._cache.put({request: _written(hits) for request, hits in kept.items() if not hits}, now + KEEP_NOTHING)

    def _request(self, job: Job) -> str:
        return f"POST {self._url} {json.dumps(job.body, sort_keys=True)}"


def _written(hits: Sequence[Hit]) -> str:
    """An answer in OpenFIGI's own form."""
    data = [
        {word: getattr(hit, field.name) for word, field in zip(HIT_WORDS, fields(Hit), strict=True)} for hit in hits
    ]
    return json.dumps({"data": data} if data else {"warning": "No identifier found."})


def _answer(item: Any) -> Answer:
    """One job's answer from its JSON; ValueError when it is none of data, warning and error, or more than one."""
    kinds = [kind for kind in ("data", "warning", "error") if isinstance(item, dict) and kind in item]
    if kinds == ["data"] and isinstance(item["data"], list):
        return tuple(_hit(row) for row in item["data"])
    if kinds == ["warning"] and isinstance(item["warning"], str):
        return ()
    if kinds == ["error"] and isinstance(item["error"], str):
        return JobError(_printable(item["error"]))
    raise ValueError(f"data, warning or error was expected for each job, found {_shape(item)}")


def _hit(row: Any) -> Hit:
    values = [row.get(word) for word in HIT_WORDS] if isinstance(row, dict) else []
    if not values or not values[0] or not all(value is None or isinstance(value, str) for value in values):
        raise ValueError(f"a listing with its FIGI was expected, found {_shape(row)}")
    return Hit(_printable(values[0]), *(None if value is None else _printable(value) for value in values[1:]))


def _printable(text: str) -> str:
    """Foreign text fit for one line of a log: control characters become spaces, and its length is bounded."""
    if text.isprintable() and "  " not in text:  # as nearly every one is
        return text.strip(" ")[:200]
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200]


def _shape(content: Any) -> str:
    if isinstance(content, list):
        return f"a list of {len(content)}"
    if isinstance(content, dict):
        return f"an object with {', '.join(_printable(str(name)) for name in list(content)[:5]) or 'nothing in it'}"
    return f"{type(content).__name__} {_printable(str(content))[:40]!r}"


def _seconds(text: str | None, default: float) -> float:
    return float(int(text)) if text and re.fullmatch(r"[0-9]{1,5}", text) else default
