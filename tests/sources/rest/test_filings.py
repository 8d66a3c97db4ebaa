"""The filings API as a source: whole or an error, wherever its window starts, and however the process ends."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.demo.rest import FilingsApi
from bot.demo.serving import StandIn
from bot.errors import ConfigError, SourceError
from bot.events import find_events
from bot.http import Http, strict_json
from bot.plugins import Kit, find
from bot.settings import Settings
from bot.sources.rest import filings
from bot.sources.rest.fields import names_of
from bot.sources.rest.filings import Filings, filters_of
from bot.store.database import open_database
from bot.store.repository import Repository
from bot.trades import to_records, validate
from bot.views import Notes

from .service import NOW, client, filed, filing, source_on
from .test_pages import at_random
from .test_values import anything

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


class Staged:
    """A memory whose notes count once they are recorded."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.noted: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.kept.get(name)

    def put(self, name: str, value: str) -> None:
        self.noted[name] = value

    def record(self) -> None:
        self.kept |= self.noted


def kit(url: str = "https://api.example.com/filings", **values: Any) -> Kit:
    return Kit(settings=Settings.of(rest_url=url, **values), clock=lambda: NOW, http=Http("tests"))


def served(server: StandIn, **values: Any) -> Filings:
    return filings.source(kit(f"{server.url}/filings", **values))


def keys(source: Filings, now: datetime = NOW) -> list[str]:
    return list(source.fetch(now)["key"])


# Over real HTTP


@pytest.fixture
def api() -> FilingsApi:
    return FilingsApi([filing(number) for number in range(7)], page_size=3, key="t0ken")


@pytest.fixture
def server(api: FilingsApi) -> Iterator[StandIn]:
    with StandIn(api) as running:
        yield running


def test_the_settings_name_it() -> None:
    assert find("sources", "rest")[0] is filings.source


def test_every_record_arrives_as_a_line(api: FilingsApi, server: StandIn) -> None:
    table = validate(served(server, rest_key=SecretStr("t0ken")).fetch(NOW))
    assert list(table["key"]) == [f"rest:flg_{number:05}" for number in range(7)]
    assert [query["page_size"] for query in api.journal] == ["500"] * 3
    assert {(query["from_date"], query["to_date"], query["sort"]) for query in api.journal} == {
        ("2026-02-21", "2026-03-03", "created_at")
    }


def test_a_wrong_key_is_said_once_and_not_shown(api: FilingsApi, server: StandIn) -> None:
    with pytest.raises(SourceError) as told:
        served(server, rest_key=SecretStr("wr0ng")).fetch(NOW)
    assert str(told.value) == "rest: the service refused the key, or wants one (status 401): 'refused with 401'"
    assert len(api.journal) == 1


def test_a_throttled_download_goes_on(api: FilingsApi, server: StandIn) -> None:
    api.fail_next(429, 429)
    assert len(keys(served(server, rest_key=SecretStr("t0ken")))) == 7


@pytest.mark.parametrize("failure", [400, 403, 404, 422, "garbage"])
def test_a_failure_is_an_error_and_not_an_empty_list(api: FilingsApi, server: StandIn, failure: Any) -> None:
    api.fail_next(failure)
    with pytest.raises(SourceError, match="rest: the service"):
        served(server, rest_key=SecretStr("t0ken")).fetch(NOW)


def test_over_http_too_none_is_lost_or_doubled_while_records_come_in() -> None:
    for seed in range(25):
        generator = random.Random(seed)
        paging = generator.choice(["page", "offset", "cursor"])
        old = [at_random(generator, number) for number in range(generator.randrange(3, 15))]
        new = [at_random(generator, number) for number in range(100, 100 + generator.randrange(1, 4))]
        api = FilingsApi(old, paging=paging, page_size=generator.randrange(2, 5))  # type: ignore[arg-type]
        api.insert_next(*new)
        with StandIn(api) as server:
            source = served(
                server, rest_paging=paging, rest_filters=(generator.choice(["sort=-created_at", "sort=created_at"]),)
            )
            first, second = keys(source), keys(source)
        assert len({*first}) == len(first), seed
        assert {f"rest:{record['id']}" for record in old} <= {*first}, seed
        assert sorted(second) == sorted(f"rest:{name}" for name in api.records), seed


def test_another_service_s_words_are_a_setting() -> None:
    record = {
        "accessionNumber": "0001999501-26-000003", "filedAt": "2026-03-02T22:03:41Z", "formType": "4",
        "personName": "Okafor Adaeze M", "ticker": "NWRB", "companyName": "Northwind Robotics Inc",
        "isOfficer": True, "officerTitle": "CFO", "transactionDate": "2026-02-27", "transactionCode": "P",
        "shares": 3000, "pricePerShare": Decimal("40.8125"), "acquiredDisposed": "A", "sharesAfter": 21000,
    }  # fmt: skip
    asked: list[dict[str, str]] = []

    def service(_: str, __: str, query: dict[str, str], *___: Any) -> Any:
        asked.append(dict(query))
        text = str(record).replace("'", '"').replace("True", "true").replace('Decimal("40.8125")', "40.8125")
        return 200, {}, ('{"items": [' + text + '], "nextCursor": null}').encode()

    fields = (
        "results=items,next_cursor=nextCursor,accession=accessionNumber,published_at=filedAt,filed_on=filedAt,form=formType,"
        "owner=personName,issuer=companyName,is_officer=isOfficer,title=officerTitle,traded_on=transactionDate,"
        "code=transactionCode,price=pricePerShare,acquired=acquiredDisposed,shares_after=sharesAfter,page_size=limit,"
        "from_date=startDate,to_date=,id=,type="
    )
    with StandIn(service) as server:
        table = served(server, rest_fields=tuple(fields.split(",")), rest_filters=()).fetch(NOW)
    (trade,) = to_records(table)
    assert (trade.owner, trade.side, trade.shares_after, trade.value) == (
        "Okafor Adaeze M",
        "buy",
        21000,
        Decimal("122437.5"),
    )
    assert str(trade.filed_on) == "2026-03-02"
    assert asked == [{"startDate": "2026-02-21", "limit": "500"}]
    (event,) = find_events(table)
    assert event.held_before == 18000


# Settings


def test_without_an_address_there_is_no_such_source() -> None:
    with pytest.raises(ConfigError, match="BOT_REST_URL is empty"):
        filings.source(Kit(settings=Settings.of(), clock=lambda: NOW, http=Http("tests")))


@pytest.mark.parametrize("entry", ["country", "=US", ""])
def test_a_filter_without_name_or_value_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match="BOT_REST_FILTERS: expected name=value"):
        filings.source(kit(rest_filters=(entry,)))


def test_a_filter_may_hold_anything() -> None:
    assert filters_of(["q = a=b", "page_size=100"]) == {"q": "a=b", "page_size": "100"}


@pytest.mark.parametrize(("filters", "first"), [((), "1"), (("page=0",), "0"), (("page=1",), "1")])
def test_a_page_among_the_filters_is_the_first_one(filters: tuple[str, ...], first: str) -> None:
    api = FilingsApi(paging="page")
    with StandIn(api) as server:
        assert served(server, rest_paging="page", rest_filters=filters).fetch(NOW).empty
    assert [query["page"] for query in api.journal] == [first]
    with pytest.raises(ConfigError, match="pages begin at page=0 or 1, found '7'"):
        filings.source(kit(rest_filters=("page=7",)))


def test_a_wrong_word_is_found_before_anybody_is_asked() -> None:
    with pytest.raises(ConfigError, match="did you mean owner"):
        filings.source(kit(rest_fields=("ownr=x",)))


# What is there


def test_a_row_in_euros_a_null_value_and_a_grant_are_each_what_they_are() -> None:
    euros = filing(1, currency="EUR", ticker="WTM.DE", shares=2500, price=31.5, value=78750.0)
    api = FilingsApi([euros, filing(2), filing(3, transaction_type="acquisition", price=0)])
    eur, usd, grant = to_records(source_on(api).fetch(NOW))
    assert (eur.currency, eur.value, usd.currency, usd.value) == ("EUR", 78750, "USD", Decimal("122437.5"))
    assert (grant.code, grant.side, grant.price) == (None, None, 0)


def test_what_comes_late_is_still_in_the_window() -> None:
    memory = Staged()
    api = FilingsApi([filed(1, NOW - DAY)])
    source = source_on(api, memory=memory)
    keys(source)
    memory.record()
    api.insert(filed(2, NOW - 8 * DAY, told=NOW + 3 * DAY))
    assert "rest:flg_00002" in keys(source, NOW + 4 * DAY)


def test_a_correction_changes_the_line_and_not_its_key() -> None:
    api = FilingsApi([filing()])
    source = source_on(api)
    (before,) = to_records(source.fetch(NOW))
    api.insert(filing(shares="2000", updated_at="2026-03-03T10:00:00Z"))
    (after,) = to_records(source.fetch(NOW))
    assert (before.shares, after.shares) == (3000, 2000)
    assert before.key == after.key


def test_equal_tranches_without_ids_are_two_lines_with_keys_that_stay() -> None:
    content = {"results": [{name: value for name, value in filing().items() if name != "id"}] * 2}
    source = Filings(client(lambda *_: (200, {}, str(content).replace("'", '"').replace("None", "null").encode())),
                     "https://api.example.com/filings", names=names_of(()), overlap=10 * DAY)  # fmt: skip
    assert len({*keys(source)}) == 2
    assert keys(source) == keys(source)


def test_a_record_by_itself_that_cannot_be_read_is_left_out_and_said() -> None:
    api = FilingsApi([filing(number) for number in range(19)] + [filing(19, price="forty")])
    table = source_on(api).fetch(NOW)
    assert len(table) == 19
    assert table.attrs["left_out"] == (
        "flg_00019: record 20, 'price': expected a number such as 3000 or 40.8125, found 'forty'",
    )


def test_more_of_them_are_another_format() -> None:
    api = FilingsApi([filing(number, price="$40") for number in range(2)] + [filing(number) for number in range(2, 19)])
    with pytest.raises(SourceError, match="rest: 2 of 19 records cannot be read; flg_00000: record 1, 'price'"):
        source_on(api).fetch(NOW)


def test_a_word_that_no_record_knows_is_an_error() -> None:
    fields = names_of(["owner=person"])
    with pytest.raises(SourceError, match="rest: expected 'person' in the records"):
        source_on(FilingsApi([filing()]), names=fields).fetch(NOW)


def test_nothing_filed_is_an_empty_table() -> None:
    assert validate(source_on(FilingsApi()).fetch(NOW)).empty


# The watermark


def test_the_window_begins_before_the_newest_filing_known() -> None:
    memory = Staged()
    api = FilingsApi([filed(1, NOW - 2 * DAY), filed(2, NOW - DAY), filed(3, NOW - DAY, told=NOW + DAY)])
    source = source_on(api, memory=memory)
    keys(source)
    memory.record()
    assert memory.kept == {"rest": (NOW - DAY).isoformat()}
    keys(source, NOW + 30 * DAY)
    assert api.journal[-1]["from_date"] == f"{NOW - 11 * DAY:%Y-%m-%d}"


def test_a_watermark_of_the_future_hides_nothing() -> None:
    memory = Staged()
    memory.kept["rest"] = (NOW + 100 * DAY).isoformat()
    assert keys(source_on(FilingsApi([filed(1, NOW - 9 * DAY)]), memory=memory)) == ["rest:flg_00001"]


def test_a_crash_before_the_plan_is_recorded_loses_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.db"
    api = FilingsApi([filed(1, NOW)])

    def cycle(now: datetime, *, crashes: bool) -> list[str]:
        database = open_database(url)
        try:
            store = Repository(database)
            found = keys(source_on(api, memory=Notes(store)), now)
            if not crashes:
                store.record([], [], now)
        finally:
            database.close()
        return found

    cycle(NOW, crashes=False)
    api.insert(*(filed(number, NOW + number * DAY) for number in range(2, 60)))
    later = NOW + 60 * DAY
    assert len(cycle(later, crashes=True)) == 59
    assert len(cycle(later, crashes=True)) == 59
    assert len(cycle(later, crashes=False)) == 59
    assert len(cycle(later, crashes=False)) == 11  # only what may still come late, or be corrected


steps = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 9), st.sampled_from(["recorded", "crash", "outage"])),
    min_size=1,
    max_size=12,
)


@profile(max_examples=25)
@given(steps, st.sampled_from(["cursor", "page", "offset"]))
def test_whatever_happens_every_filing_is_recorded_once_the_service_and_the_bot_are_up(
    steps: list[tuple[int, int, str]], paging: str
) -> None:
    now, memory, recorded, api = NOW, Staged(), set[str](), FilingsApi(paging=paging, page_size=4)  # type: ignore[arg-type]
    for number, (days, late, end) in enumerate([(0, 0, "recorded"), *steps, (0, 0, "recorded")]):
        now += days * DAY
        api.insert(filed(number, now - late * DAY, told=now), filed(number + 100, now - DAY * (days // 2)))
        memory.noted.clear()  # the process is a new one
        if end == "outage":
            api.fail_next(403)
            with pytest.raises(SourceError):
                keys(source_on(api, paging=paging, memory=memory), now)
            continue
        found = keys(source_on(api, paging=paging, memory=memory), now)
        assert len({*found}) == len(found)
        if end == "recorded":
            recorded |= {*found}
            memory.record()
    assert recorded == {f"rest:{name}" for name in api.records}


# Anything an answer may be


@given(anything)
def test_no_answer_is_more_than_a_refusal(content: Any) -> None:
    api = client(lambda *_: (200, {}, b"{}"))
    api.get = lambda *_: content  # type: ignore[method-assign]
    source = Filings(api, "u", names=names_of(()), overlap=DAY)
    try:
        assert source.fetch(NOW).empty
    except SourceError as error:
        told = str(error)
        assert told.startswith("rest: ")


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 40))
def test_no_damaged_bytes_are_more_than_a_refusal(noise: bytes, start: int, length: int) -> None:
    whole = FilingsApi([filing(1)])("GET", "/filings", {}, {}, b"")[2]  # type: ignore[arg-type]
    damaged = whole[:start] + noise + whole[start + length :]
    source = Filings(
        client(lambda *_: (200, {}, damaged)), "https://a.example/filings", names=names_of(()), overlap=DAY
    )
    try:
        table = source.fetch(NOW)
    except SourceError:
        return
    assert len(table) <= 1
    assert strict_json(damaged.decode())["results"] is not None
