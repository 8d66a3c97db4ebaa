"""Pages: nothing is lost or doubled while records come in, and a list that misbehaves is refused."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from bot.demo.rest import FilingsApi
from bot.errors import SourceError
from bot.sources.rest.api import RefusedError
from bot.sources.rest.pages import LOOKS, Ask, Look, Page, Paging, by_cursor, by_number, by_offset, identity, page_of
from bot.sources.rest.values import Record

from .service import NAMES, READERS, asking, filing


def listed(*pages: Page) -> Ask:
    """These pages, one per request, whatever is asked for."""
    left = list(pages)
    return lambda _: left.pop(0)


def page(*ids: str | None, **more: Any) -> Page:
    return Page(tuple(Record("r", {"id": name}) for name in ids), **more)


def ids(look: Look) -> list[str]:
    return sorted(look.found)


def at_random(generator: random.Random, number: int) -> dict[str, Any]:
    """A record that may come anywhere in the order of time."""
    return filing(number, created_at=f"2026-03-02T{generator.randrange(24):02}:{generator.randrange(60):02}:00Z")


def test_of_a_thousand_downloads_with_records_coming_in_none_loses_or_doubles_one() -> None:
    turned = 0
    for seed in range(1000):
        generator = random.Random(seed)
        paging, sort = generator.choice(list(READERS)), generator.choice(["created_at", "-created_at"])
        old = [at_random(generator, number) for number in range(generator.randrange(25))]
        new = [at_random(generator, number) for number in range(100, 100 + generator.randrange(1, 6))]
        api = FilingsApi(old, paging=paging, page_size=generator.randrange(1, 6))
        api.insert_next(*new)
        known = {record["id"] for record in old}
        look = READERS[paging](asking(api, sort=sort))
        came = {record["id"] for record in new if record["id"] in api.records}
        assert known <= set(look.found) <= known | came, seed
        assert all(record.text("id") == name for name, record in look.found.items()), seed
        if paging != "cursor":
            assert set(look.found) == set(api.records), seed
        turned += len(api.journal)
        while len(api.records) < len(old) + len(new):
            api("GET", "/filings", *NOTHING)
        assert set(READERS[paging](asking(api, sort=sort)).found) == {*api.records}, seed
    assert turned > 5000


NOTHING: Any = ({}, {}, b"")


def test_what_shifts_over_a_page_s_edge_is_read_again() -> None:
    api = FilingsApi([filing(n, created_at=f"2026-03-02T10:00:0{n}Z") for n in range(6)], paging="page", page_size=2)
    late = [filing(n, created_at="2026-03-02T11:00:00Z") for n in (7, 8)]
    requests = 0

    def ask(parameters: Mapping[str, str]) -> Page:
        nonlocal requests
        requests += 1
        if requests in {2, 3}:  # the newest come first, and push the others on
            api.insert(late.pop())
        return asking(api, sort="-created_at")(parameters)

    assert len(by_number(ask).found) == 8
    assert requests > 4


def test_what_comes_in_at_the_end_needs_no_second_look() -> None:
    api = FilingsApi([filing(n, created_at=f"2026-03-02T10:00:0{n}Z") for n in range(4)], paging="page", page_size=2)
    api.insert_next(filing(8, created_at="2026-03-02T11:00:00Z"), filing(9, created_at="2026-03-02T12:00:00Z"))
    assert len(by_number(asking(api, sort="created_at")).found) == 6
    assert [query["page"] for query in api.journal] == ["1", "2", "3"]


def test_a_record_that_goes_while_the_list_is_read_takes_no_other_with_it() -> None:
    first, second = page("a", "b", total=4, pages=2), page("d", total=3, pages=2)
    again = (page("b", "c", total=3, pages=2), page("d", total=3, pages=2))
    assert ids(by_number(listed(first, second, *again))) == ["b", "c", "d"]


def test_a_list_that_never_holds_still_is_refused_after_a_few_looks() -> None:
    asked = 0

    def ask(_: Mapping[str, str]) -> Page:
        nonlocal asked
        asked += 1
        return page("a", total=1 + asked, pages=1)

    with pytest.raises(SourceError, match=f"in the list, found 1, at each of {LOOKS} readings"):
        by_number(ask)
    assert asked == LOOKS


@pytest.mark.parametrize("paging", READERS)
def test_a_count_that_is_not_reached_is_refused(paging: str) -> None:
    api = FilingsApi([filing(n) for n in range(5)], paging=paging, page_size=10)  # type: ignore[arg-type]
    api.fail_next(*["short"] * LOOKS * 2)
    with pytest.raises(SourceError, match="expected 6 records in the list, found 5"):
        READERS[paging](asking(api))


def test_without_a_count_two_readings_must_agree() -> None:
    looks = [("a", "b", "c"), ("a", "b", "d"), ("a", "b", "c", "d"), ("a", "b", "c", "d")]
    pages = [each for found in looks for each in (page(*found[:2]), page(*found[2:]), page())]
    assert ids(by_number(listed(*pages))) == ["a", "b", "c", "d"]


def test_without_a_count_of_pages_the_empty_one_is_the_last() -> None:
    assert ids(by_number(listed(page("a", total=2), page("b", total=2), page(total=2)))) == ["a", "b"]


@pytest.mark.parametrize("read", [by_number, by_offset])
def test_a_service_that_ignores_where_a_page_begins_is_refused(read: Paging) -> None:
    with pytest.raises(SourceError, match="expected the same records in the list"):
        read(lambda _: page("a", "b"))


def test_an_offset_is_the_number_of_records_that_came_however_many_were_asked_for() -> None:
    api = FilingsApi([filing(n) for n in range(5)], paging="offset", page_size=2)
    assert len(by_offset(asking(api)).found) == 5
    assert [query["offset"] for query in api.journal] == ["0", "2", "4", "5"]
    assert {query["limit"] for query in api.journal} == {"500"}


def test_a_total_of_a_page_alone_ends_no_list() -> None:
    pages = [page("a", "b", total=2), page("c", "d", total=2), page(total=0)]
    with pytest.raises(SourceError, match="expected 0 records in the list, found 4"):
        by_offset(listed(*pages * LOOKS))


@pytest.mark.parametrize(("first", "numbers"), [(1, ["1", "2", "3"]), (0, ["0", "1", "2"])])
def test_pages_are_counted_from_where_the_service_begins(first: int, numbers: list[str]) -> None:
    asked: list[str] = []

    def ask(parameters: Mapping[str, str]) -> Page:
        asked.append(parameters["page"])
        return page(f"id {parameters['page']}", total=3, pages=3)

    assert len(by_number(ask, first).found) == 3
    assert asked == numbers


def test_an_empty_list_is_empty() -> None:
    assert by_number(listed(page(total=0, pages=0))).found == {}
    assert by_cursor(listed(page())).found == {}


def test_the_same_cursor_twice_is_refused() -> None:
    pages = listed(page("a", cursor="x"), page("b", cursor="y"), page("c", cursor="x"))
    with pytest.raises(SourceError, match="expected another cursor on every page, found one that was there before"):
        by_cursor(pages)


def test_the_stand_in_s_repeated_cursor_is_refused() -> None:
    api = FilingsApi([filing(n) for n in range(5)], page_size=2)
    api.fail_next("empty_page", "same_cursor")
    with pytest.raises(SourceError, match="another cursor"):
        by_cursor(asking(api))


def test_an_empty_page_with_a_cursor_is_not_the_end() -> None:
    assert ids(by_cursor(listed(page(cursor="x"), page("a", cursor="y"), page(cursor="z"), page("b")))) == ["a", "b"]


def test_every_page_is_asked_for_with_the_cursor_of_the_one_before() -> None:
    api = FilingsApi([filing(n) for n in range(5)], page_size=2)
    by_cursor(asking(api, country="US"))
    assert "cursor" not in api.journal[0]
    assert len({query["cursor"] for query in api.journal[1:]}) == len(api.journal) - 1
    assert {query["country"] for query in api.journal} == {"US"}


@pytest.mark.parametrize("status", [400, 410])
def test_a_cursor_that_was_forgotten_starts_over(status: int) -> None:
    answers: list[Any] = [page("a", cursor="x"), RefusedError("gone", status), page("a", cursor="y"), page("b")]

    def ask(_: Mapping[str, str]) -> Page:
        answer = answers.pop(0)
        if isinstance(answer, Page):
            return answer
        raise answer

    assert ids(by_cursor(ask)) == ["a", "b"]


@pytest.mark.parametrize(("cursor", "status"), [(None, 400), (None, 410), ("x", 401), ("x", 422)])
def test_any_other_refusal_is_one(cursor: str | None, status: int) -> None:
    def ask(parameters: Mapping[str, str]) -> Page:
        if cursor and "cursor" not in parameters:
            return page("a", cursor=cursor)
        raise RefusedError("refused", status)

    with pytest.raises(RefusedError):
        by_cursor(ask)


def test_a_service_that_forgets_every_cursor_is_refused() -> None:
    def ask(parameters: Mapping[str, str]) -> Page:
        if "cursor" in parameters:
            raise RefusedError("gone", 410)
        return page("a", cursor="x")

    with pytest.raises(RefusedError, match="gone"):
        by_cursor(ask)


def test_a_list_without_end_is_refused() -> None:
    numbers = iter(range(10**6))
    with pytest.raises(SourceError, match="at most 2000 pages"):
        by_cursor(lambda _: page(str(next(numbers)), cursor=str(next(numbers))))
    with pytest.raises(SourceError, match="at most 2000 pages"):
        by_number(lambda _: page(str(next(numbers))))


def test_of_two_tellings_the_corrected_one_counts_whatever_comes_first() -> None:
    old, new = filing(price="40"), filing(price="41", updated_at="2026-03-02T23:00:00Z")
    for pair in ((old, new), (new, old)):
        look = Look()
        look.add(page_of([*pair], NAMES))
        assert [record.text("price") for record in look.found.values()] == ["41"]


@pytest.mark.parametrize("changes", [{}, {"updated_at": None}])
def test_two_lines_under_one_id_are_never_merged(changes: dict[str, Any]) -> None:
    lines = [filing(shares="3000", **changes), filing(shares="500", **changes)]
    with pytest.raises(SourceError, match="expected one record under each id, found two under 'flg_00001'"):
        by_cursor(listed(page_of(lines, NAMES)))
    assert len(by_cursor(listed(page_of(lines, {**NAMES, "id": ""}))).found) == 2
    assert len(by_cursor(listed(page_of([lines[0], lines[0]], NAMES))).found) == 1


def test_equal_records_without_an_id_are_two_on_one_page_and_one_on_two() -> None:
    look = Look()
    assert look.add(page(None, None))
    same = Record("r", {"id": None, "n": 0})
    twice = Look()
    twice.add(Page((same, same)))
    assert len(twice.found) == 2
    twice.add(Page((same,)))
    assert len(twice.found) == 2
    assert identity(same, {}) != identity(Record("r", {"n": 1}), {})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "the answer: expected a JSON object, found nothing"),
        ({"data": []}, "the answer, 'results': expected a list, found nothing"),
        ({"results": {}}, "the answer, 'results': expected a list, found an empty object"),
        ({"results": ["x"]}, r"the answer.results\[0\]: expected a JSON object, found 'x'"),
        ({"results": [], "total_count": "many"}, "the answer, 'total_count': expected a number"),
        ({"results": [], "total_count": 1.5}, "the answer, 'total_count': expected a"),
        ({"results": [], "next_cursor": {}}, "the answer, 'next_cursor': expected a text"),
    ],
)
def test_another_answer_is_refused(content: Any, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        page_of(content, NAMES)


def test_a_bare_list_is_a_page() -> None:
    assert len(page_of([{}, {}], NAMES).records) == 2
    assert page_of({"results": [], "next_cursor": ""}, NAMES).cursor is None
