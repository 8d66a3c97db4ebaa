"""The stand-ins of REST APIs: three ways of paging, records that come in meanwhile, and every bad day on demand."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from bot.demo.market import market
from bot.demo.rest import FilingsApi, SecuritiesDbApi, records
from bot.demo.serving import StandIn
from bot.http import Answer, Http

LINES = market(date(2026, 3, 3)).lines
HTTP = Http("insiderbot-test")


def record(number: int, **changes: Any) -> dict[str, Any]:
    """A record with no more than the stand-in itself looks at."""
    times = {"filing_date": "2026-03-02", "created_at": f"2026-03-02T10:00:{number:02}Z"}
    return {"id": f"flg_{number}", **times, "country": "US", **changes}


class Service:
    """A stand-in and a client of it."""

    def __init__(self, server: StandIn, path: str) -> None:
        self.url = server.url + path

    def get(self, **query: Any) -> Answer:
        return HTTP.get(self.url, params={name: str(value) for name, value in query.items()}, once=True)

    def page(self, **query: Any) -> dict[str, Any]:
        answer = self.get(**query)
        assert answer.status == 200, answer.body
        content: dict[str, Any] = answer.json()
        return content

    def ids(self, **query: Any) -> list[str]:
        return [found["id"] for found in self.page(**query)["results"]]


@pytest.fixture
def numbered() -> FilingsApi:
    return FilingsApi([record(n) for n in range(5)], paging="page", page_size=2)


@pytest.fixture
def cursor() -> FilingsApi:
    return FilingsApi([record(n) for n in range(5)], page_size=2)


@pytest.fixture
def by_number(numbered: FilingsApi) -> Iterator[Service]:
    with StandIn(numbered) as server:
        yield Service(server, "/filings")


@pytest.fixture
def by_cursor(cursor: FilingsApi) -> Iterator[Service]:
    with StandIn(cursor) as server:
        yield Service(server, "/filings")


def test_pages_have_numbers_and_totals(by_number: Service) -> None:
    first = by_number.page(sort="created_at")
    assert (first["page"], first["page_size"], first["total_pages"], first["total_count"]) == (1, 2, 3, 5)
    assert by_number.ids(sort="created_at", page=3) == ["flg_4"]
    assert by_number.ids(page=4) == []


def test_an_offset_counts_records_and_no_other_way_s_words_are_known() -> None:
    with StandIn(FilingsApi([record(n) for n in range(5)], paging="offset", page_size=3)) as server:
        service = Service(server, "/filings")
        assert service.page(limit=2)["total_count"] == 5
        assert service.ids(sort="created_at", offset=1, limit=2) == ["flg_1", "flg_2"]
        assert service.ids(sort="created_at", offset=3) == ["flg_3", "flg_4"]
        assert service.ids(offset=5) == []
        assert service.get(page=1).status == 422


def test_the_newest_come_first_unless_asked_otherwise(by_number: Service) -> None:
    assert by_number.ids() == ["flg_4", "flg_3"]
    assert by_number.ids(sort="created_at") == ["flg_0", "flg_1"]
    assert by_number.get(sort="price").status == 422


def test_a_page_is_never_larger_than_the_service_s(by_number: Service) -> None:
    assert len(by_number.ids(page_size=500)) == 2
    assert len(by_number.ids(page_size=1)) == 1
    assert by_number.get(page="one").status == 422


def test_a_new_record_pushes_the_others_over_the_edge_of_a_page(numbered: FilingsApi, by_number: Service) -> None:
    assert by_number.ids() == ["flg_4", "flg_3"]
    numbered.insert_next(record(9))
    assert by_number.ids(page=2) == ["flg_3", "flg_2"]


def test_a_cursor_leads_on_whatever_came_in(cursor: FilingsApi, by_cursor: Service) -> None:
    first = by_cursor.page()
    cursor.insert_next(record(9))
    second = by_cursor.page(cursor=first["next_cursor"])
    assert [found["id"] for found in second["results"]] == ["flg_2", "flg_1"]
    last = by_cursor.page(cursor=second["next_cursor"])
    assert ([found["id"] for found in last["results"]], last["next_cursor"]) == (["flg_0"], None)
    assert by_cursor.get(cursor="no base64!").status == 422


def test_an_empty_page_comes_before_the_one_asked_for(cursor: FilingsApi, by_cursor: Service) -> None:
    cursor.fail_next("empty_page")
    empty = by_cursor.page()
    assert empty["results"] == []
    assert by_cursor.ids(cursor=empty["next_cursor"]) == by_cursor.ids()


def test_a_cursor_comes_back(cursor: FilingsApi, by_cursor: Service) -> None:
    first = by_cursor.page()
    cursor.fail_next("same_cursor")
    assert by_cursor.page(cursor=first["next_cursor"])["next_cursor"] == first["next_cursor"]


@pytest.mark.parametrize("failure", [401, 404, 429, 500])
def test_a_failure_is_what_was_asked_for_and_then_over(cursor: FilingsApi, by_cursor: Service, failure: int) -> None:
    cursor.fail_next(failure)
    answer = by_cursor.get()
    assert answer.status == failure
    assert answer.json()["error"]["message"] == f"refused with {failure}"
    assert answer.headers.get("retry-after") == ("0" if failure == 429 else None)
    assert by_cursor.get().status == 200


def test_a_web_page_and_a_wrong_total_are_had_too(numbered: FilingsApi, by_number: Service) -> None:
    numbered.fail_next("garbage", "short")
    assert b"maintenance" in by_number.get().body
    assert by_number.page()["total_count"] == 6


def test_filters_and_days_choose_records(numbered: FilingsApi, by_number: Service) -> None:
    numbered.insert(record(6, country="DE"), record(7, filing_date="2026-02-20"))
    assert by_number.ids(country="DE") == ["flg_6"]
    assert by_number.ids(to_date="2026-02-28") == ["flg_7"]
    assert by_number.page(from_date="2026-03-02")["total_count"] == 6
    assert by_number.get(colour="red").status == 422
    assert by_number.get(from_date="March").status == 422


def test_a_correction_takes_the_place_of_its_record(numbered: FilingsApi, by_number: Service) -> None:
    numbered.insert(record(4, updated_at="2026-03-03T10:00:00Z"))
    assert by_number.page()["results"][0]["updated_at"] == "2026-03-03T10:00:00Z"
    assert by_number.page()["total_count"] == 5


def test_a_key_is_wanted_in_its_header() -> None:
    with StandIn(FilingsApi([record(1)], key="k3y", header="X-Api-Key")) as server:
        url = f"{server.url}/filings"
        assert HTTP.get(url).status == 401
        assert HTTP.get(url, headers={"Authorization": "Bearer k3y"}).status == 401
        assert HTTP.get(url, headers={"X-Api-Key": "k3y"}).status == 200
        assert HTTP.get(f"{server.url}/trades").status == 404
        assert HTTP.post_json(url, {}).status == 405


def test_the_market_s_lines_are_told_with_the_oddities_of_such_services() -> None:
    told = records(LINES)
    assert len({found["id"] for found in told}) == len(told)
    assert all(isinstance(found["shares"], str) for found in told[:-2])
    assert {"EUR", "USD"} == {found["currency"] for found in told}
    assert any(found["value"] is None for found in told)
    assert [(found["transaction_type"], found["price"]) for found in told[-1:]] == [("acquisition", 0)]
    json.dumps(told)
    assert records([]) == []


# SecuritiesDB


@pytest.fixture
def securities() -> SecuritiesDbApi:
    return SecuritiesDbApi(LINES)


@pytest.fixture
def service(securities: SecuritiesDbApi) -> Iterator[StandIn]:
    with StandIn(securities) as server:
        yield server


def activity(server: StandIn, ticker: str) -> Answer:
    return HTTP.get(f"{server.url}/api/v1/stocks/{ticker}/insider-activity", once=True)


def test_a_ticker_is_known_or_not(service: StandIn, securities: SecuritiesDbApi) -> None:
    known = activity(service, "NWRB").json()
    assert known["meta"]["status"] == 200
    assert known["data"]["ticker"] == "NWRB"
    assert [row["type"] for row in known["data"]["insider_transactions"]["recent"]] == ["Purchase", "Sale"]
    assert activity(service, "ZZZZ").status == 404
    assert securities.journal == ["NWRB", "ZZZZ"]
    assert HTTP.get(f"{service.url}/insider-trades").status == 404


def test_without_a_sale_the_ratio_is_null(service: StandIn) -> None:
    insiders = activity(service, "QLMK").json()["data"]["insider_transactions"]
    assert insiders["net_buy_sell_ratio"] is None
    assert insiders["count"] == len(insiders["recent"]) == 2


def test_its_bad_days_are_all_had(service: StandIn, securities: SecuritiesDbApi) -> None:
    securities.fail_next(429, "status_500", "garbage")
    answers = [activity(service, "NWRB") for _ in range(4)]
    assert [answer.status for answer in answers] == [429, 200, 200, 200]
    assert answers[1].json()["meta"]["status"] == 500
    assert b"<html>" in answers[2].body
    assert answers[3].json()["meta"]["status"] == 200
