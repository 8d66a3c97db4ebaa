from typing import Any

import pytest
import requests

from bot.demo.openfigi import OpenFigiServer
from bot.demo.serving import StandIn
from tests.instruments.figi_market import MARKET, Time, figi_of

NWRB = {"idType": "TICKER", "idValue": "NWRB"}


def ask(server: OpenFigiServer, *jobs: Any, **headers: str) -> requests.Response:
    return requests.post(f"{server.url}/v3/mapping", json=list(jobs), headers=headers, timeout=5)


def exchanges(answer: dict[str, Any]) -> list[str]:
    return [row["exchCode"] for row in answer["data"]]


def test_the_answer_has_the_services_fields(server: OpenFigiServer) -> None:
    (answer,) = ask(
        server, {**NWRB, "exchCode": "US", "marketSecDes": "Equity", "securityType2": "Common Stock"}
    ).json()
    assert answer == {
        "data": [
            {
                "figi": figi_of("BBG00ZZT001"),
                "name": "NORTHWIND ROBOTICS INC",
                "ticker": "NWRB",
                "exchCode": "US",
                "compositeFIGI": figi_of("BBG00ZZT001"),
                "securityType": "Common Stock",
                "marketSector": "Equity",
                "shareClassFIGI": figi_of("BBG00ZZS001"),
                "securityType2": "Common Stock",
                "securityDescription": "NWRB",
            }
        ]
    }


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("ID_ISIN", "US6655311099"),
        ("ID_CUSIP", "665531109"),
        ("ID_BB_GLOBAL_SHARE_CLASS_LEVEL", figi_of("BBG00ZZS001")),
        ("ID_BB_GLOBAL", figi_of("BBG00ZZT001")),
    ],
)
def test_every_identifier_leads_to_all_listings(server: OpenFigiServer, kind: str, value: str) -> None:
    (answer,) = ask(server, {"idType": kind, "idValue": value}).json()
    assert exchanges(answer) == ["US", "GR"]


@pytest.mark.parametrize("narrower", [{"exchCode": "GR"}, {"marketSecDes": "Pfd"}, {"securityType2": "REIT"}])
def test_filters_narrow_down(server: OpenFigiServer, narrower: dict[str, str]) -> None:
    assert ask(server, {**NWRB, **narrower}).json() == [{"warning": "No identifier found."}]


def test_answers_keep_the_order_of_the_jobs(server: OpenFigiServer) -> None:
    ghost, broken = {"idType": "TICKER", "idValue": "GHOST"}, {"idType": "ID_ISIN", "idValue": "US66"}
    answers = ask(server, ghost, NWRB, broken).json()
    assert [list(answer) for answer in answers] == [["warning"], ["data"], ["error"]]


@pytest.mark.parametrize(
    "body", [NWRB, [7], [{"idType": "TICKER"}], [{**NWRB, "color": "red"}], [{**NWRB, "strike": 1}]]
)
def test_what_is_no_array_of_jobs_is_refused(server: OpenFigiServer, body: Any) -> None:
    assert requests.post(f"{server.url}/v3/mapping", json=body, timeout=5).status_code == 400
    assert requests.post(f"{server.url}/v3/mapping", data=b"{", timeout=5).status_code == 400
    assert server.journal == []


def test_another_path_and_another_verb_are_refused(server: OpenFigiServer) -> None:
    assert requests.post(f"{server.url}/v3/search", json=[NWRB], timeout=5).status_code == 404
    assert requests.get(f"{server.url}/v3/mapping", timeout=5).status_code == 405


def test_job_limits_and_keys_are_enforced() -> None:
    with OpenFigiServer(MARKET) as server:
        assert [ask(server, *[NWRB] * jobs).status_code for jobs in (5, 6)] == [200, 413]
        assert ask(server, NWRB, **{"X-OPENFIGI-APIKEY": "any"}).status_code == 401
    with OpenFigiServer(MARKET, key="right") as server:
        key = {"X-OPENFIGI-APIKEY": "right"}
        assert [ask(server, *[NWRB] * jobs, **key).status_code for jobs in (100, 101)] == [200, 413]
        assert ask(server, NWRB).status_code == 401


def test_the_rate_limit_is_counted_told_and_enforced(server: OpenFigiServer, time: Time) -> None:
    answers = [ask(server, NWRB) for _ in range(26)]
    assert [answer.status_code for answer in answers] == [200] * 25 + [429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers[:25]] == [
        str(left) for left in range(24, -1, -1)
    ]
    assert answers[-1].headers["retry-after"] == "61"
    time.sleep(60)
    assert ask(server, NWRB).status_code == 200


def test_failures_come_as_told_and_end(server: OpenFigiServer) -> None:
    server.fail_next(503, "garbage", "error", "short")
    answers = [ask(server, NWRB) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [503, 200, 200, 200, 200]
    assert answers[1].text.startswith("<html>")
    assert answers[2].json() == {"error": "Internal error."}
    assert answers[3].json() == []
    assert exchanges(answers[4].json()[0]) == ["US"]


def test_the_journal_has_every_request(server: OpenFigiServer) -> None:
    ask(server, NWRB, **{"User-Agent": "tests"})
    (request,) = server.journal
    assert request.jobs == [NWRB]
    assert request.headers["user-agent"] == "tests"


def test_a_stand_in_is_gone_after_its_block() -> None:
    with StandIn(
        lambda method, path, query, headers, body: (200, {"X-Path": path}, f"{method} {query}".encode())
    ) as it:
        answer = requests.get(f"{it.url}/page?a=1&b=", timeout=5)
        assert (answer.headers["X-Path"], answer.text) == ("/page", "GET {'a': '1', 'b': ''}")
    with pytest.raises(requests.ConnectionError):
        requests.get(it.url, timeout=5)
