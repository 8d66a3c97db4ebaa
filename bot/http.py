"""All network code in one small file: deadlines, identity, size cap, strict JSON, GET-only retries."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from bot.errors import BotError

DEADLINE_SECONDS: Final = 20.0
MAX_BYTES: Final = 5_000_000
MAX_HOPS: Final = 2
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class HttpError(BotError):
    """No usable answer came: not reached, too slow, too large, or sent elsewhere."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: status, headers by lower-case name, decompressed body."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8; HttpError when it is not."""
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise HttpError(f"{self.url} did not answer in UTF-8 (byte {error.start})") from error

    def json(self) -> Any:
        """The body as JSON; HttpError for anything a strict reader refuses."""
        try:
            return strict_json(self.text)
        except ValueError as error:
            raise HttpError(f"{self.url} did not answer with JSON ({error})") from error


def strict_json(text: str) -> Any:
    """JSON without the extras of Python's reader: no NaN, no infinity, no name twice in an object."""
    return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_twice)


class Http:
    """One polite client: every call ends by the deadline, and only a GET is ever tried again."""

    def __init__(self, user_agent: str, *, deadline: float = DEADLINE_SECONDS, max_bytes: int = MAX_BYTES) -> None:
        self._deadline = deadline
        self._max_bytes = max_bytes
        again = Retry(
            total=2,
            status_forcelist={500, 502, 503, 504},
            backoff_factor=0.3,
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        self._sessions = {"GET": _session(user_agent, again), "POST": _session(user_agent, Retry(0, read=False))}

    def get(self, url: str, *, params: Mapping[str, str] | None = None) -> Answer:
        """The page at this address, following at most two redirects and none to another host."""
        answer = self._send("GET", url, params=params)
        for _ in range(MAX_HOPS):
            if answer.status not in REDIRECTS:
                return answer
            target = urljoin(answer.url, answer.headers.get("location", ""))
            if urlsplit(target).hostname != urlsplit(url).hostname:
                raise HttpError(f"{_host(url)} redirects to another host ({_host(target)}), which is not followed")
            answer = self._send("GET", target)
        if answer.status in REDIRECTS:
            raise HttpError(f"{_host(url)} redirects more than {MAX_HOPS} times")
        return answer

    def post_json(self, url: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to one POST: never repeated, never redirected."""
        return self._send("POST", url, json=body, headers=headers)

    def _send(self, method: str, url: str, **arguments: Any) -> Answer:
        ends = time.monotonic() + self._deadline
        try:
            with self._sessions[method].request(
                method, url, stream=True, allow_redirects=False, timeout=self._deadline, **arguments
            ) as response:
                body = self._read(response, ends)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.url, response.status_code, headers, body)
        except requests.RequestException as error:
            # The exception's own text may quote the full address with its query: name the host and the kind only.
            raise HttpError(f"{_host(url)} could not be reached ({type(error).__name__})") from None

    def _read(self, response: requests.Response, ends: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(65536):
            body += chunk
            if len(body) > self._max_bytes:
                raise HttpError(f"{_host(response.url)} sent more than {self._max_bytes} bytes")
            if time.monotonic() > ends:
                raise HttpError(f"{_host(response.url)} did not finish within {self._deadline:.0f} s")
        return bytes(body)


def _session(user_agent: str, retry: Retry) -> requests.Session:
    session = requests.Session()
    session.headers.update({"User-Agent": user_agent, "Accept-Encoding": "gzip, deflate"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] or url


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object names a member twice")
    return result
