"""All network code in one small file: deadlines, identity, size cap, strict JSON, GET-only retries."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from bot.deadline import within
from bot.errors import BotError, NotPaperError
from bot.live_hosts import refusal
from bot.settings import LOOPBACK

DEADLINE_SECONDS: Final = 20.0
MAX_BYTES: Final = 5_000_000
MAX_HOPS: Final = 2
DIRECT: Final = {"http": "", "https": ""}  # a proxy elsewhere cannot reach this machine
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
            raise HttpError(f"{_host(self.url)} did not answer in UTF-8 (byte {error.start})") from error

    def json(self) -> Any:
        """The body as JSON; HttpError for anything a strict reader refuses."""
        try:
            return strict_json(self.text)
        except (ValueError, RecursionError) as error:
            raise HttpError(f"{_host(self.url)} did not answer with JSON ({error})") from error


def strict_json(text: str) -> Any:
    """JSON without the extras of Python's reader: no NaN, no infinity, no name twice; fractions are decimals."""
    return json.loads(text, parse_constant=_no_constant, parse_float=_fraction, object_pairs_hook=_no_twice)


class Http:
    """One polite client: every call ends by the deadline, and only a GET is ever tried again.

    NotPaperError, before a name is looked up, when a request would go to a host of real money.
    """

    def __init__(self, user_agent: str, *, deadline: float = DEADLINE_SECONDS, max_bytes: int = MAX_BYTES) -> None:
        self._user_agent = user_agent
        self._deadline = deadline
        self._max_bytes = max_bytes
        again = Retry(
            total=2,
            read=0,
            status_forcelist={500, 502, 503, 504},
            backoff_factor=0.3,
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        self._again = _session(user_agent, again)
        self._once = _session(user_agent, Retry(0, read=False))

    def up_to(self, max_bytes: int) -> "Http":
        """A client like this one, for answers of at most so many bytes."""
        return Http(self._user_agent, deadline=self._deadline, max_bytes=max_bytes)

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Answer:
        """The page at this address, following at most two redirects and none to another host; with headers, none.

        A server that is busy (5xx) is asked twice again, unless it is to be asked only `once`.
        """
        session = self._once if once else self._again
        if headers:
            return self._in_time(url, lambda: self._send(session, "GET", url, params=params, headers=headers))
        return self._in_time(url, lambda: self._follow(session, url, params))

    def post_json(self, url: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to one POST: never repeated, never redirected."""
        return self._in_time(url, lambda: self._send(self._once, "POST", url, json=body, headers=headers))

    def delete(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to one DELETE: never repeated, never redirected."""
        return self._in_time(url, lambda: self._send(self._once, "DELETE", url, headers=headers))

    def _in_time(self, url: str, call: Callable[[], Answer]) -> Answer:
        """What the call answers, or HttpError at the deadline, wherever names, handshakes or bytes keep it waiting."""
        try:
            return within(self._deadline, call)
        except TimeoutError:
            raise HttpError(f"{_host(url)} did not answer in full within {self._deadline:g} s") from None

    def _follow(self, session: requests.Session, url: str, params: Mapping[str, str] | None) -> Answer:
        answer = self._send(session, "GET", url, params=params)
        for _ in range(MAX_HOPS):
            if answer.status not in REDIRECTS:
                return answer
            answer = self._send(session, "GET", _target(answer))
        if answer.status in REDIRECTS:
            raise HttpError(f"{_host(url)} redirects more than {MAX_HOPS} times")
        return answer

    def _send(self, session: requests.Session, method: str, url: str, **arguments: Any) -> Answer:
        ends = time.monotonic() + self._deadline
        try:
            with session.request(
                method,
                url,
                stream=True,
                allow_redirects=False,
                timeout=self._deadline,
                proxies=DIRECT if urlsplit(url).hostname in LOOPBACK else None,
                **arguments,
            ) as response:
                body = self._read(response, ends)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.url, response.status_code, headers, body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            # The exception's own text may quote the full address with its query: name the host and the kind only.
            raise HttpError(f"{_host(url)} could not be reached ({type(error).__name__})") from None

    def _read(self, response: requests.Response, ends: float) -> bytes:
        body = bytearray()
        while chunk := response.raw.read1(65536, decode_content=True):  # what is there, not what fills the buffer
            body += chunk
            if len(body) > self._max_bytes:
                raise HttpError(f"{_host(response.url)} sent more than {self._max_bytes} bytes")
            if time.monotonic() > ends:  # nobody waits any more: let go of the connection
                raise HttpError(f"{_host(response.url)} did not answer in full within {self._deadline:g} s")
        return bytes(body)


def _target(answer: Answer) -> str:
    """Where a redirect leads, which must be another page of the same host and scheme."""
    target = urljoin(answer.url, answer.headers.get("location", ""))
    if urlsplit(target)[:2] != urlsplit(answer.url)[:2]:
        raise HttpError(f"{_host(answer.url)} redirects to another host ({_host(target)}), which is not followed")
    return target


def _session(user_agent: str, retry: Retry) -> requests.Session:
    session = requests.Session()
    session.auth = _paper_only  # without any, a .netrc of this machine would replace our Authorization
    session.headers.update({"User-Agent": user_agent, "Accept-Encoding": "gzip, deflate"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _paper_only(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The request as it is, once the host it really goes to is seen not to be a live one."""
    if reason := refusal(urllib3.util.parse_url(str(request.url)).host):
        raise NotPaperError(reason)
    return request


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] or url


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # past all exponents: JSON would have it, no Decimal can
        raise ValueError(f"{text[:40]} is past all exponents") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object names a member twice")
    return result
