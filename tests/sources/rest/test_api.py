"""The client of JSON services: keys where they belong, patience with a busy service, one sentence for a refusal."""

from typing import Any

import pytest
from pydantic import SecretStr

from bot.demo.rest import FilingsApi
from bot.demo.serving import StandIn
from bot.errors import ConfigError, SourceError
from bot.http import Http
from bot.sources.rest.api import ATTEMPTS, Api, RefusedError, UnansweredError, credentials

from .service import Direct, Wrist, client, filing

URL = "https://api.example.com/filings"


def replying(*replies: tuple[int, dict[str, str], bytes]) -> Any:
    """A handler with these replies, the last one for ever."""
    left = list(replies)
    return lambda *_: left.pop(0) if len(left) > 1 else left[0]


OK: Any = (200, {}, b'{"n": 1.50}')


def test_a_busy_service_is_asked_again_after_the_pause_it_wants() -> None:
    wrist = Wrist()
    replies = replying((429, {"Retry-After": "7"}, b""), (503, {}, b""), (500, {}, b""), (429, {}, b""), OK)
    api = client(replies, sleep=wrist.sleep, monotonic=wrist.monotonic)
    assert str(api.get(URL)["n"]) == "1.50"
    assert wrist.slept == [7.0, 1.0, 2.0, 5.0]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_service_that_stays_busy_is_asked_five_times(status: int) -> None:
    direct = Direct(replying((status, {}, b"")))
    wrist = Wrist()
    api = Api(direct, "the service", {}, sleep=wrist.sleep, monotonic=wrist.monotonic)  # type: ignore[arg-type]
    with pytest.raises(UnansweredError, match=rf"^the service is busy \(status {status}\)$"):
        api.get(URL)
    assert len(direct.urls) == ATTEMPTS == 5


@pytest.mark.parametrize("wait", ["61", "3600", "99999"])
def test_a_pause_beyond_patience_is_for_the_next_time(wait: str) -> None:
    wrist = Wrist()
    api = client(replying((429, {"Retry-After": wait}, b""), OK), sleep=wrist.sleep, monotonic=wrist.monotonic)
    with pytest.raises(SourceError, match="is busy"):
        api.get(URL)
    assert wrist.slept == []


@pytest.mark.parametrize("wait", ["soon", "-5", "１", "Wed, 21 Oct 2026 07:28:00 GMT", "1e3"])
def test_a_pause_that_is_no_number_of_seconds_is_the_usual_one(wait: str) -> None:
    wrist = Wrist()
    client(replying((429, {"Retry-After": wait}, b""), OK), sleep=wrist.sleep, monotonic=wrist.monotonic).get(URL)
    assert wrist.slept == [5.0]


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (400, "answered with status 400 where 200 was expected: 'no such sort'"),
        (401, "refused the key, or wants one (status 401): 'no such sort'"),
        (403, "refused the key, or wants one (status 403): 'no such sort'"),
        (404, "has nothing at this address (status 404): 'no such sort'"),
        (422, "answered with status 422 where 200 was expected: 'no such sort'"),
        (302, "answered with status 302 where 200 was expected: 'no such sort'"),
    ],
)
def test_a_refusal_is_final_and_says_why(status: int, sentence: str) -> None:
    direct = Direct(replying((status, {}, b'{"error": {"code": "x", "message": "no such sort"}}')))
    with pytest.raises(RefusedError) as told:
        Api(direct, "the service", {}).get(URL)  # type: ignore[arg-type]
    assert str(told.value) == f"the service {sentence}"
    assert told.value.status == status
    assert len(direct.urls) == 1


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": {}}', b'{"error": 5}', b"\xff", b'{"message": ""}']
)
def test_a_refusal_without_words_is_one_too(body: bytes) -> None:
    with pytest.raises(RefusedError, match=r"\(status 401\)$"):
        client(replying((401, {}, body))).get(URL)


def test_what_a_refusal_says_is_shown_in_one_short_line() -> None:
    body = b'{"error": "' + b"a\\n\\u202e" * 500 + b'"}'
    with pytest.raises(RefusedError) as told:
        client(replying((400, {}, body))).get(URL)
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 200


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b"{",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b"\xff",
        b"[" * 100_000,
        b'{"a": 1' + b"0" * 5000 + b"}",
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(SourceError, match=r"the service: .* did not answer"):
        client(replying((200, {}, body))).get(URL)


def test_requests_are_so_many_seconds_apart() -> None:
    wrist = Wrist()
    api = client(replying(OK), every=1.0, sleep=wrist.sleep, monotonic=wrist.monotonic)
    for _ in range(3):
        api.get(URL)
    assert wrist.slept == [1.0, 1.0]
    wrist.now += 5
    api.get(URL)
    assert wrist.slept == [1.0, 1.0]


@pytest.mark.parametrize(
    ("header", "sent"), [("Authorization", "Bearer t0ken"), ("authorization", "Bearer t0ken"), ("X-Api-Key", "t0ken")]
)
def test_a_key_goes_in_its_header(header: str, sent: str) -> None:
    assert credentials("BOT_REST_KEY", SecretStr(" t0ken\n"), header) == {header: sent}
    api = FilingsApi([filing()], key="t0ken", header=header)
    assert client(api, headers={header: sent}).get(URL)["results"]
    with pytest.raises(RefusedError, match="401"):
        client(api).get(URL)


def test_no_key_is_no_header() -> None:
    assert credentials("BOT_REST_KEY", None) == credentials("BOT_REST_KEY", SecretStr("")) == {}


@pytest.mark.parametrize("key", ["two words", "kéy", "a\nb"])
def test_a_key_that_fits_no_header_is_a_wrong_setting(key: str) -> None:
    with pytest.raises(ConfigError, match="BOT_REST_KEY holds a character") as told:
        credentials("BOT_REST_KEY", SecretStr(key))
    assert key not in str(told.value)


def test_a_service_out_of_reach_is_said_without_its_key() -> None:
    with StandIn(lambda *_: None) as server:
        api = Api(Http("tests"), "the service", {"Authorization": "Bearer s3cret"})
        with pytest.raises(UnansweredError, match=r"the service: 127.0.0.1:\d+ could not be reached") as told:
            api.get(server.url, {"token": "s3cret"})
    assert "s3cret" not in str(told.value)


def test_a_key_is_not_carried_elsewhere() -> None:
    asked: list[str] = []

    def thief(*request: Any) -> Any:
        asked.append(request[1])
        return OK

    with (
        StandIn(thief) as other,
        StandIn(lambda *_: (302, {"Location": f"{other.url}/x"}, b"")) as server,
        pytest.raises(RefusedError, match="302"),
    ):
        Api(Http("tests"), "the service", {"X-Api-Key": "s3cret"}).get(server.url)
    assert asked == []
