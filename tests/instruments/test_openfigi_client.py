import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses

from bot.demo.openfigi import OpenFigiServer
from bot.errors import BotError, ConfigError
from bot.http import Http
from bot.instruments.openfigi import Hit, Job, JobError, OpenFigi, OutageError
from tests.instruments.figi_market import MemoryCache, Time

URL = "https://figi.example"
ClientOf = Callable[..., OpenFigi]

NWRB = Job("TICKER", "NWRB", exchange="US", market="Equity")
NOBODY = Job("TICKER", "NOBODY", exchange="US")
BROKEN = Job("ID_ISIN", "US66553")
MANY = [Job("TICKER", f"T{number}", exchange="US") for number in range(12)]
NOTHING = {"warning": "No identifier found."}


def reply(*answers: Any, status: int = 200, **headers: str) -> None:
    responses.post(
        f"{URL}/v3/mapping",
        status=status,
        json=list(answers),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def test_hits_nothing_and_a_job_error_come_back_in_order(server: OpenFigiServer, client_of: ClientOf) -> None:
    hits, nothing, error = client_of(server.url).map([NWRB, NOBODY, BROKEN])
    assert isinstance(hits, tuple)
    assert [(hit.ticker, hit.exchange, hit.type) for hit in hits] == [("NWRB", "US", "Common Stock")]
    assert nothing == ()
    assert error == JobError("Invalid idValue format.")


def test_without_a_key_five_jobs_go_in_one_request(server: OpenFigiServer, client_of: ClientOf) -> None:
    client_of(server.url).map(MANY)
    assert [len(request.jobs) for request in server.journal] == [5, 5, 2]
    assert all("x-openfigi-apikey" not in request.headers for request in server.journal)


@pytest.mark.parametrize("key", [None, "", "  "])
def test_an_empty_key_is_none(server: OpenFigiServer, client_of: ClientOf, key: str | None) -> None:
    assert client_of(server.url, key).map([NOBODY]) == [()]


def test_with_a_key_a_hundred_jobs_go_in_one_request(time: Time, client_of: ClientOf) -> None:
    with OpenFigiServer([], key="a-key", monotonic=time.monotonic) as server:
        jobs = [Job("TICKER", f"T{number}") for number in range(130)]
        assert client_of(server.url, "a-key").map(jobs) == [()] * 130
    assert [len(request.jobs) for request in server.journal] == [100, 30]


def test_the_same_job_is_sent_once(server: OpenFigiServer, client_of: ClientOf) -> None:
    first, second = client_of(server.url).map([NWRB, NWRB])
    assert first == second
    assert first
    assert [len(request.jobs) for request in server.journal] == [1]


def test_no_jobs_are_no_request(server: OpenFigiServer, client_of: ClientOf) -> None:
    assert client_of(server.url).map([]) == []
    assert server.journal == []


def test_what_is_known_is_not_asked_again(server: OpenFigiServer, client_of: ClientOf) -> None:
    first = client_of(server.url).map([NWRB, NOBODY])
    assert client_of(server.url).map([NOBODY, NWRB]) == first[::-1]
    assert len(server.journal) == 1


def test_hits_are_kept_thirty_days_and_nothing_found_one(
    server: OpenFigiServer, client_of: ClientOf, cache: MemoryCache, time: Time
) -> None:
    client_of(server.url).map([NWRB, NOBODY])
    kept = {json.loads(request.split(" ", 2)[2])["idValue"]: expiry for request, (_, expiry) in cache.kept.items()}
    assert kept == {"NWRB": time.now() + timedelta(days=30), "NOBODY": time.now() + timedelta(days=1)}
    time.sleep(timedelta(days=2).total_seconds())
    client_of(server.url).map([NWRB, NOBODY])
    assert [job["idValue"] for job in server.journal[-1].jobs] == ["NOBODY"]


def test_a_job_error_is_not_kept(server: OpenFigiServer, client_of: ClientOf, cache: MemoryCache) -> None:
    client_of(server.url).map([BROKEN])
    assert cache.kept == {}


def test_an_answer_of_another_service_is_not_taken(server: OpenFigiServer, client_of: ClientOf) -> None:
    client_of(server.url).map([NWRB])
    with OpenFigiServer([]) as other:
        assert client_of(other.url).map([NWRB]) == [()]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"data": 1}', '{"data": [], "data": []}', "null"])
def test_a_damaged_cache_is_asked_again(
    server: OpenFigiServer, client_of: ClientOf, cache: MemoryCache, text: str
) -> None:
    client_of(server.url).map([NWRB])
    cache.kept = {request: (text, expiry) for request, (_, expiry) in cache.kept.items()}
    assert client_of(server.url).map([NWRB])[0]
    assert len(server.journal) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_busy_service_is_asked_again(server: OpenFigiServer, client_of: ClientOf, time: Time, status: int) -> None:
    server.fail_next(status, status)
    assert client_of(server.url).map([NWRB])[0]
    assert time.slept == [1, 2]


def test_a_lasting_outage_ends_after_four_attempts(
    server: OpenFigiServer, client_of: ClientOf, cache: MemoryCache
) -> None:
    server.fail_next(*[503] * 4)
    with pytest.raises(OutageError, match=r"^OpenFIGI is busy \(503\); try again later$"):
        client_of(server.url).map([NWRB])
    assert len(server.journal) == 4
    assert cache.kept == {}


def test_an_outage_keeps_what_was_answered_before(server: OpenFigiServer, client_of: ClientOf) -> None:
    client = client_of(server.url)
    client.map(MANY[:1])
    server.fail_next(503, 503, 503, 503)
    with pytest.raises(OutageError) as caught:
        client.map(MANY)
    assert dict(caught.value.answered) == {MANY[0]: ()}


def test_half_of_an_outage_is_kept_too(server: OpenFigiServer, client_of: ClientOf) -> None:
    client = client_of(server.url)
    client.map(MANY[:5])
    server.fail_next("garbage")
    with pytest.raises(OutageError) as caught:
        client.map([*MANY[:5], *MANY[5:10]])
    assert set(caught.value.answered) == set(MANY[:5])
    assert client.map(MANY[:10]) == [()] * 10
    assert [len(request.jobs) for request in server.journal] == [5, 5, 5]


@pytest.mark.parametrize("failure", ["garbage", "short", "error", 301, 204])
def test_an_unusable_answer_is_an_outage_and_never_data(
    server: OpenFigiServer, client_of: ClientOf, cache: MemoryCache, failure: Any
) -> None:
    server.fail_next(failure)
    with pytest.raises(OutageError):
        client_of(server.url).map([NWRB, NOBODY])
    assert cache.kept == {}


@pytest.mark.parametrize(
    "item",
    [
        None,
        [],
        {},
        "data",
        {"data": None},
        {"data": {}},
        {"data": [[]]},
        {"data": [{}]},
        {"data": [{"figi": None}]},
        {"data": [{"figi": ""}]},
        {"data": [{"figi": 7}]},
        {"data": [{"figi": "BBG00ZZT1XX0", "ticker": 7}]},
        {"data": [], "error": "both"},
        {"warning": None},
        {"error": 5},
    ],
)
@responses.activate
def test_a_wrong_shape_is_an_outage(client_of: ClientOf, item: Any) -> None:
    reply(item)
    with pytest.raises(OutageError, match="OpenFIGI's answer cannot be used"):
        client_of(URL).map([NWRB])


@responses.activate
def test_empty_data_is_nothing_found(client_of: ClientOf) -> None:
    reply({"data": []})
    assert client_of(URL).map([NWRB]) == [()]


@responses.activate
def test_foreign_text_comes_in_one_printable_line(client_of: ClientOf) -> None:
    reply({"data": [{"figi": "BBG00ZZT1XX0", "name": "NORTH\n\x1b[31mWIND " + "X" * 300}]}, {"error": "a\r\nb"})
    hits, error = client_of(URL).map([NWRB, NOBODY])
    assert hits == (Hit("BBG00ZZT1XX0", "NORTH [31mWIND " + "X" * 185, None, None, None, None, None),)
    assert error == JobError("a b")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_the_users_to_correct(server: OpenFigiServer, client_of: ClientOf, status: int) -> None:
    server.fail_next(status)
    with pytest.raises(ConfigError) as caught:
        client_of(server.url, "s3cret-key").map([NWRB])
    assert str(caught.value) == (
        f"OpenFIGI refused BOT_OPENFIGI_KEY ({status}): correct it, or remove it to work without a key"
    )


@pytest.mark.parametrize("key", ["two words", "quo\nted", "schlüssel"])
def test_a_key_that_cannot_be_one_is_refused_unsent_and_unsaid(
    server: OpenFigiServer, client_of: ClientOf, key: str
) -> None:
    with pytest.raises(ConfigError, match="BOT_OPENFIGI_KEY") as caught:
        client_of(server.url, key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("failure", [400, 401, 404, 413, 500, 429, "garbage", "short", "error"])
def test_the_key_is_sent_in_its_header_and_said_in_no_message(
    server: OpenFigiServer, client_of: ClientOf, failure: Any
) -> None:
    server.fail_next(*[failure] * 4)
    with pytest.raises(BotError) as caught:
        client_of(server.url, "s3cret-key").map([NWRB])
    assert server.journal[0].headers["x-openfigi-apikey"] == "s3cret-key"
    assert "s3cret-key" not in str(caught.value)
    assert "s3cret-key" not in repr(caught.value)


@pytest.mark.parametrize("status", [400, 401, 404, 405, 406, 413])
def test_another_refusal_names_its_status(server: OpenFigiServer, client_of: ClientOf, status: int) -> None:
    server.fail_next(status)
    with pytest.raises(BotError, match=rf"refused the request \({status}\)") as caught:
        client_of(server.url).map([NWRB])
    assert type(caught.value) is BotError


def test_too_many_jobs_are_sent_in_halves_from_then_on(server: OpenFigiServer, client_of: ClientOf) -> None:
    server.fail_next(413)
    client = client_of(server.url)
    assert client.map(MANY[:8]) == [()] * 8
    assert [len(request.jobs) for request in server.journal] == [5, 2, 2, 2, 2]


def test_the_twenty_sixth_request_waits_for_the_window(server: OpenFigiServer, client_of: ClientOf, time: Time) -> None:
    client = client_of(server.url)
    for number in range(26):
        client.map([Job("TICKER", f"S{number}")])
    assert sum(time.slept) == pytest.approx(60, abs=1)
    assert len(server.journal) == 26  # none was answered 429


@responses.activate
def test_with_a_key_the_window_is_six_seconds(client_of: ClientOf, time: Time) -> None:
    reply(NOTHING)
    client = client_of(URL, "a-key")
    for number in range(26):
        client.map([Job("TICKER", f"S{number}")])
    assert time.slept == [6]


@responses.activate
def test_an_exhausted_limit_is_waited_for(client_of: ClientOf, time: Time) -> None:
    reply(NOTHING, ratelimit_remaining="0", ratelimit_reset="17")
    reply(NOTHING, ratelimit_remaining="24", ratelimit_reset="60")
    client = client_of(URL)
    client.map([NWRB])
    assert time.slept == []
    client.map([NOBODY])
    client.map([Job("TICKER", "OTHER")])
    assert time.slept == [17]


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry_after": "30", "ratelimit_reset": "42"}, 30),
        ({"ratelimit_reset": "42"}, 42),
        ({"retry_after": "Mon, 02 Mar 2026 12:00:30 GMT"}, 60),
        ({"retry_after": "-5"}, 60),
        ({"retry_after": "٣"}, 60),
        ({"ratelimit_reset": "1795000000"}, 60),
        ({}, 60),
    ],
)
@responses.activate
def test_a_429_is_waited_out(client_of: ClientOf, time: Time, headers: dict[str, str], pause: float) -> None:
    if all(value.isascii() for value in headers.values()):
        reply(status=429, **headers)
    else:
        responses.post(f"{URL}/v3/mapping", status=429)
    reply(NOTHING)
    assert client_of(URL).map([NWRB]) == [()]
    assert time.slept == [pause]


@responses.activate
def test_nobody_waits_longer_than_a_minute(client_of: ClientOf, time: Time) -> None:
    reply(status=429, retry_after="300")
    with pytest.raises(OutageError, match="busy"):
        client_of(URL).map([NWRB])
    assert time.slept == []


@responses.activate
def test_a_second_429_is_an_outage(client_of: ClientOf, time: Time) -> None:
    reply(status=429, retry_after="60")
    with pytest.raises(OutageError, match=r"busy \(429\)"):
        client_of(URL).map([NWRB])
    assert time.slept == [60]


def test_more_jobs_than_a_minute_takes_are_an_outage_with_the_first_answers(
    server: OpenFigiServer, client_of: ClientOf, time: Time
) -> None:
    jobs = [Job("TICKER", f"S{number}") for number in range(5 * 51)]
    with pytest.raises(OutageError, match="rate limit is used up") as caught:
        client_of(server.url).map(jobs)
    assert len(caught.value.answered) == 5 * 50
    assert sum(time.slept) <= 65


@responses.activate
def test_a_service_out_of_reach_is_an_outage_that_names_the_host(client_of: ClientOf, time: Time) -> None:
    responses.post(f"{URL}/v3/mapping", body=requests.ConnectTimeout("secret address"))
    with pytest.raises(OutageError, match=r"^figi\.example could not be reached \(ConnectTimeout\); try again later$"):
        client_of(URL).map([NWRB])
    assert time.slept == [1, 2, 4]


def test_a_silent_service_is_an_outage_by_the_deadline(server: OpenFigiServer, client_of: ClientOf) -> None:
    server.fail_next("silence", "silence", "silence", "silence")
    with pytest.raises(OutageError, match=r"^127\.0\.0\.1:[0-9]+ .+; try again later$"):
        client_of(server.url, http=Http("tests", deadline=0.05)).map([NWRB])


def test_a_refused_key_is_not_an_outage_even_when_much_is_known(server: OpenFigiServer, client_of: ClientOf) -> None:
    client_of(server.url).map([NWRB])
    with pytest.raises(ConfigError):
        client_of(server.url, "wrong").map([NWRB, NOBODY])
