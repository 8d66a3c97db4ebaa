"""GETs of a JSON service: paced, patient where it asks for patience, and one clear sentence for everything else."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import SecretStr

from bot.errors import ConfigError, SourceError, TryAgainError
from bot.http import Answer, Http, HttpError
from bot.sources.rows import shown

ATTEMPTS: Final = 5
BUSY: Final = frozenset({429, 500, 502, 503, 504})
BACKOFF_SECONDS: Final = 0.5  # after a failure, and twice as long after each one more
BUSY_SECONDS: Final = 5.0  # after a 429 that does not say how long
PATIENCE_SECONDS: Final = 60.0  # a longer pause is a matter for the next cycle


class RefusedError(SourceError):
    """The service refused the request with this status, and would refuse it again."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class UnansweredError(SourceError):
    """The service is busy or out of reach, whatever it is asked: later it may answer."""

    exit_code = TryAgainError.exit_code


class Api:
    """A JSON service; `title` is what sentences call it, `every` the least seconds between two requests."""

    def __init__(
        self,
        http: Http,
        title: str,
        headers: Mapping[str, str],
        *,
        every: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._title = title
        self._headers = {"Accept": "application/json", **headers}
        self._every = every
        self._sleep = sleep
        self._monotonic = monotonic
        self._not_before = 0.0

    def get(self, url: str, params: Mapping[str, str] | None = None) -> Any:
        """The JSON at this address; RefusedError for a request it refuses, UnansweredError while it has no answer."""
        answer = self._ask(url, params)
        if answer.status != 200:
            raise self._refusal(answer)
        try:
            return answer.json()
        except HttpError as error:
            raise SourceError(f"{self._title}: {error}") from None

    def _ask(self, url: str, params: Mapping[str, str] | None) -> Answer:
        """The answer, asked for again while the service is busy: a GET changes nothing there."""
        for attempt in range(ATTEMPTS - 1):
            answer = self._once(url, params)
            pause = _pause(answer, BACKOFF_SECONDS * 2**attempt)
            if answer.status not in BUSY or pause > PATIENCE_SECONDS:
                return answer
            self._not_before = max(self._not_before, self._monotonic() + pause)
        return self._once(url, params)

    def _once(self, url: str, params: Mapping[str, str] | None) -> Answer:
        self._wait()
        try:
            return self._http.get(url, params=params, headers=self._headers, once=True)
        except HttpError as error:
            raise UnansweredError(f"{self._title}: {error}") from None

    def _wait(self) -> None:
        now = self._monotonic()
        if self._not_before > now:
            self._sleep(self._not_before - now)
        self._not_before = max(self._not_before, now) + self._every

    def _refusal(self, answer: Answer) -> SourceError:
        status, said = answer.status, _said(answer)
        if status in BUSY:
            return UnansweredError(f"{self._title} is busy (status {status}){said}")
        if status in {401, 403}:
            return RefusedError(f"{self._title} refused the key, or wants one (status {status}){said}", status)
        if status == 404:
            return RefusedError(f"{self._title} has nothing at this address (status 404){said}", status)
        return RefusedError(f"{self._title} answered with status {status} where 200 was expected{said}", status)


def credentials(setting: str, key: SecretStr | None, header: str = "Authorization") -> dict[str, str]:
    """The header that carries a key: a Bearer token under Authorization, as it is under another name."""
    secret = key.get_secret_value().strip() if key else ""
    if not re.fullmatch(r"[!-~]*", secret):
        raise ConfigError(f"{setting} holds a character that no key has: write it without spaces or quotes")
    if not secret:
        return {}
    return {header: f"Bearer {secret}" if header.lower() == "authorization" else secret}


def _pause(answer: Answer, backoff: float) -> float:
    """How long a busy service is to be left alone."""
    asked = answer.headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,5}", asked):
        return float(asked)
    return BUSY_SECONDS if answer.status == 429 else backoff


def _said(answer: Answer) -> str:
    """What the service says about its refusal, as far as it fits into a sentence."""
    try:
        content = answer.json()
    except HttpError:
        return ""
    told = content.get("error", content) if isinstance(content, dict) else None
    message = told.get("message") if isinstance(told, dict) else told
    return f": {shown(message)}" if isinstance(message, str) and message else ""
