"""Local stand-ins of outside services: real HTTP on loopback, answered by one function."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

Reply = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body of one answer; Content-Length is added, and Date where it is missing."""

PAUSE: Final = 0.01  # seconds between two bytes of a slow answer


class Slow(bytes):
    """A body that comes a byte at a time."""


class Query(dict[str, str]):
    """The query of an address: the last value of each name, and all of them in `pairs`, as they came."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self.pairs = tuple(pairs)

    def every(self, name: str) -> list[str]:
        """All values of a name that is repeated, or has several by comma."""
        return [value for key, values in self.pairs if key == name for value in values.split(",") if value]


Handler = Callable[[str, str, Query, Mapping[str, str], bytes], Reply | None]
"""Method, path, query, headers by lower-case name and body in, reply out; called from several threads at once.

None closes the connection without an answer.
"""


class StandIn:
    """A server on 127.0.0.1 that exists inside its `with` block; `url` is its base address without a closing slash."""

    def __init__(self, handler: Handler) -> None:
        self._server = _Server(("127.0.0.1", 0), _request_class(handler))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """Where it answers, such as http://127.0.0.1:40123."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a handler that hangs on purpose must not keep the program alive


def _pieces(body: bytes) -> Iterator[bytes]:
    """The body as it is sent."""
    if not isinstance(body, Slow):
        yield body
        return
    for number in range(len(body)):
        time.sleep(PAUSE)
        yield body[number : number + 1]


def _request_class(handler: Handler) -> type[BaseHTTPRequestHandler]:
    class Request(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            target = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            query = Query(parse_qsl(target.query, keep_blank_values=True))
            reply = handler(self.command, target.path, query, headers, body)
            if reply is None:
                return
            status, reply_headers, reply_body = reply
            with suppress(ConnectionError):  # the client may have given up meanwhile
                self.send_response_only(status)
                length = {"Date": self.date_time_string(), "Content-Length": str(len(reply_body))}
                for name, value in (length | dict(reply_headers)).items():
                    self.send_header(name, value)
                self.end_headers()
                for piece in _pieces(reply_body):
                    self.wfile.write(piece)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing: whoever wants a journal keeps it in the handler."""

    return Request
