"""The network edge against real servers on loopback: deadlines, sizes, redirects, retries, strict JSON, no secrets."""

import gzip
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.serving import Reply, StandIn
from bot.http import Answer, Http, HttpError, strict_json

CANARY = "canary-7f3a9"


class Pages(StandIn):
    """Answers each path with its replies in turn, the last one for ever; `asked` has every request."""

    def __init__(self, **replies: Reply | list[Reply]) -> None:
        super().__init__(self._reply)
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        self._replies = {name: value if isinstance(value, list) else [value] for name, value in replies.items()}

    def _reply(self, method: str, path: str, _: Mapping[str, str], headers: Mapping[str, str], __: bytes) -> Reply:
        self.asked.append((method, path, headers))
        left = self._replies[path.strip("/")]
        return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def raw_server(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that speaks as it likes once a request has arrived; `talk` should end when its event is set."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        connection.recv(65536)
                        talk(connection, over)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def client(**limits: float) -> Http:
    return Http("insiderbot-test/1", deadline=limits.get("deadline", 5.0), max_bytes=int(limits.get("max_bytes", 5e6)))


def drip(connection: socket.socket, over: threading.Event, head: bytes, piece: bytes) -> None:
    connection.sendall(head)
    while not over.wait(0.02):
        connection.sendall(piece)


ENDLESS = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "no length": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X"),
    "status": (b"", b"H"),
    "silence": (b"", b""),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", ENDLESS)
def test_a_server_that_drips_is_left_at_the_deadline(kind: str, method: str) -> None:
    with raw_server(lambda connection, over: drip(connection, over, *ENDLESS[kind])) as url:
        http, start = client(deadline=0.3), time.monotonic()
        with pytest.raises(HttpError, match=r"^127\.0\.0\.1:\d+ (did not answer in full|could not be reached)"):
            http.get(url) if method == "GET" else http.post_json(url, {})
        assert time.monotonic() - start < 2


def test_a_body_that_drips_does_not_keep_its_connection() -> None:
    let_go = threading.Event()

    def talk(connection: socket.socket, over: threading.Event) -> None:
        try:
            drip(connection, over, *ENDLESS["body"])
        except OSError:
            let_go.set()

    with raw_server(talk) as url:
        with pytest.raises(HttpError):
            client(deadline=0.2).get(url)
        assert let_go.wait(5)


def test_redirects_and_retries_share_one_deadline() -> None:
    def slow(*_: object) -> Reply:
        time.sleep(0.2)
        return 503, {}, b""

    with StandIn(slow) as server:
        start = time.monotonic()
        with pytest.raises(HttpError, match=r"did not answer in full within 0\.3 s"):
            client(deadline=0.3).get(server.url)
        assert time.monotonic() - start < 0.6


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
def test_a_bomb_is_refused_by_its_unpacked_size(encoding: str) -> None:
    zeros = bytes(300_000)
    packed = {"identity": zeros, "gzip": gzip.compress(zeros), "deflate": zlib.compress(zeros)}[encoding]
    with Pages(bomb=(200, {"Content-Encoding": encoding}, packed)) as server:
        with pytest.raises(HttpError, match=r"^127\.0\.0\.1:\d+ sent more than 100000 bytes$"):
            client(max_bytes=100_000).get(f"{server.url}/bomb")
        assert len(client(max_bytes=300_000).get(f"{server.url}/bomb").body) == 300_000
        assert len(client(max_bytes=100_000).up_to(300_000).get(f"{server.url}/bomb").body) == 300_000


@settings(max_examples=25)
@given(st.binary(max_size=200_000))
def test_a_body_arrives_as_it_was_sent(body: bytes) -> None:
    with Pages(page=(200, {"Content-Encoding": "gzip"}, gzip.compress(body, 1))) as server:
        assert client().get(f"{server.url}/page").body == body


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut off",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\ncut off",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_is_cut_off_or_broken_is_no_answer(sent: bytes) -> None:
    with (
        raw_server(lambda connection, _: connection.sendall(sent)) as url,
        pytest.raises(HttpError, match=r"^127\.0\.0\.1:\d+ could not be reached \(\w+\)$"),
    ):
        client().get(url)


def test_nobody_there_is_one_sentence_without_the_query() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(HttpError) as caught:
        client().get(f"http://127.0.0.1:{port}/page", params={"token": CANARY})
    assert str(caught.value) == f"127.0.0.1:{port} could not be reached (ConnectionError)"


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:99999/", "nothing", "http://a b/"])
def test_an_address_that_is_none_is_one_sentence(url: str) -> None:
    with pytest.raises(HttpError, match="could not be reached"):
        client().get(url)


# -- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_same_host_is_followed(status: int) -> None:
    with Pages(old=(status, {"Location": "/new"}, b""), new=(200, {}, b"here")) as server:
        answer = client().get(f"{server.url}/old")
    assert (answer.status, answer.text, answer.url) == (200, "here", f"{server.url}/new")


def test_two_redirects_are_followed_and_no_third() -> None:
    hops = {name: (302, {"Location": f"/{after}"}, b"") for name, after in zip("abc", "bcd", strict=True)}
    with Pages(**hops, d=(200, {}, b"here")) as server:
        assert client().get(f"{server.url}/b").status == 200
        with pytest.raises(HttpError, match="redirects more than 2 times"):
            client().get(f"{server.url}/a")


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest",
        "https://{host}/page",
        "http://localhost:{port}/page",
        "http://127.0.0.1:1/page",
        "//evil.example/page",
        "http://{host}@evil.example/",
        "http://me:pw@{host}/page",
        "file:///etc/passwd",
        "http://[bad",
    ],
)
def test_a_redirect_to_anywhere_else_is_refused(location: str) -> None:
    with Pages(old=(302, {}, b""), page=(200, {}, b"")) as server:
        host = server.url.removeprefix("http://")
        server._replies["old"] = [(302, {"Location": location.format(host=host, port=host.rpartition(":")[2])}, b"")]
        with pytest.raises(HttpError, match=r"redirects to another host|could not be reached"):
            client().get(f"{server.url}/old")
        assert len(server.asked) == 1


def test_a_refused_redirect_is_told_without_its_query() -> None:
    elsewhere = {"Location": f"https://consent.example/?back={CANARY}"}
    with Pages(old=(302, elsewhere, b"")) as server, pytest.raises(HttpError, match=r"consent\.example") as caught:
        client().get(f"{server.url}/old")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_post_is_never_redirected_and_its_key_goes_nowhere_else(status: int) -> None:
    with Pages(new=(200, {}, b"[]")) as other:
        with Pages(old=(status, {"Location": f"{other.url}/new"}, b"")) as server:
            answer = client().post_json(f"{server.url}/old", [], headers={"X-OPENFIGI-APIKEY": CANARY})
        assert answer.status == status
        assert [method for method, *_ in server.asked] == ["POST"]
        assert other.asked == []


# -- retries


def test_a_get_is_tried_three_times_while_the_server_is_busy() -> None:
    busy: Reply = (503, {}, b"busy")
    with Pages(twice=[busy, busy, (200, {}, b"here")], always=busy) as server:
        http = client()
        assert http.get(f"{server.url}/twice").text == "here"
        assert http.get(f"{server.url}/always").status == 503
        assert [path for _, path, _ in server.asked] == ["/twice"] * 3 + ["/always"] * 3


@pytest.mark.parametrize("status", [200, 403, 404, 429])
def test_a_get_with_a_final_answer_is_asked_once(status: int) -> None:
    with Pages(page=(status, {"Retry-After": "1"}, b"")) as server:
        assert client().get(f"{server.url}/page").status == status
        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_post_is_never_repeated(status: int) -> None:
    with Pages(page=(status, {"Retry-After": "0"}, b"")) as server:
        assert client().post_json(f"{server.url}/page", {}).status == status
        assert len(server.asked) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_whose_answer_is_lost_is_not_repeated(method: str) -> None:
    requests: list[int] = []
    with raw_server(lambda *_: requests.append(1)) as url, pytest.raises(HttpError):
        client().get(url) if method == "GET" else client().post_json(url, {})
    assert len(requests) == 1


# -- identity and secrets


def test_every_request_says_who_asks() -> None:
    with Pages(page=(200, {}, b"")) as server:
        client().get(f"{server.url}/page")
        client().post_json(f"{server.url}/page", {})
        assert {headers["user-agent"] for *_, headers in server.asked} == {"insiderbot-test/1"}
        assert {headers["accept-encoding"] for *_, headers in server.asked} == {"gzip, deflate"}


def test_the_headers_of_one_post_are_not_those_of_the_next_request() -> None:
    with Pages(page=(200, {}, b"")) as server:
        http = client()
        http.post_json(f"{server.url}/page", {}, headers={"X-OPENFIGI-APIKEY": CANARY})
        http.post_json(f"{server.url}/page", {})
        http.get(f"{server.url}/page")
        assert [headers.get("x-openfigi-apikey") for *_, headers in server.asked] == [CANARY, None, None]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"not json"])
def test_the_address_in_an_error_has_no_query(body: bytes) -> None:
    with Pages(page=(200, {}, body)) as server:
        answer = client().get(f"{server.url}/page", params={"token": CANARY})
    with pytest.raises(HttpError, match=r"^127\.0\.0\.1:\d+ did not answer ") as caught:
        answer.json()
    assert CANARY not in str(caught.value)


# -- JSON


def answer(body: bytes) -> Answer:
    return Answer("https://host.example/page?token=1", 200, {}, body)


@pytest.mark.parametrize(
    "body",
    [
        b"NaN",
        b'{"a": Infinity}',
        b"[-Infinity]",
        b'{"a": 1, "a": 2}',
        b'[{"b": {"a": 1, "c": 0, "a": 1}}]',
        b"",
        b"{} {}",
        b"{'a': 1}",
        b"<html></html>",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"9" * 5000,
        b"1e99999999999999999999",
    ],
)
def test_what_a_strict_reader_refuses_is_refused(body: bytes) -> None:
    with pytest.raises(HttpError, match=r"^host\.example did not answer with JSON \("):
        answer(body).json()


def test_a_body_that_is_not_utf_8_is_refused_with_the_place() -> None:
    with pytest.raises(HttpError, match=r"^host\.example did not answer in UTF-8 \(byte 2\)$"):
        answer(b"ok\xff").json()


def test_fractions_are_decimals_and_never_infinite() -> None:
    assert strict_json("[0.1, 1e999, 7]") == [Decimal("0.1"), Decimal("1e999"), 7]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=9))
def test_plain_json_is_read_as_it_was_written(value: object) -> None:
    assert strict_json(json.dumps(value)) == value
