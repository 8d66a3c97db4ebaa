"""SecuritiesDB: every answer it may give, and rows that nothing ever trades on."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.demo.market import market
from bot.demo.rest import SecuritiesDbApi
from bot.demo.serving import StandIn
from bot.errors import ConfigError, SourceError
from bot.events import find_events
from bot.http import Http, strict_json
from bot.model import Skip
from bot.plan import Plan
from bot.plugins import Kit, find
from bot.settings import Settings
from bot.sources.rest import securitiesdb
from bot.sources.rest.activity import Activity, activity_of
from bot.sources.rest.api import ATTEMPTS
from bot.sources.rest.securitiesdb import SecuritiesDb, trades, watchlist
from bot.store.database import open_database
from bot.trades import to_records, to_table, validate
from tests.builders import trade
from tests.fakes import Shows
from tests.house import House

from .service import NOW, Wrist, client
from .test_values import anything

LINES = market(date(2026, 3, 3)).lines
PURCHASE = {"insider": "Okafor Adaeze M", "type": "Purchase", "date": "2026-02-27", "shares": 4000, "value": 163487.5}
SALE = {"insider": "Lindqvist Per", "type": "Sale", "date": "2026-02-20", "shares": "2000", "value": 81000.0}
GRANT = {"insider": "Lindqvist Per", "type": "Grant", "date": "2026-02-15", "shares": 1500, "value": 0}
FLOW = {"fund": "Example Capital", "action": "Exited", "shares_change": -12000, "pct_change": -100, "quarter": "2025Q4"}
INSIDERS = {
    "count": 3,
    "net_buy_sell_ratio": 2.0,
    "total_buy_value": 163487.5,
    "total_sell_value": "81000",
    "recent": [PURCHASE, SALE, GRANT],
}
META = {"status": 200, "timestamp_utc": "2026-03-02T23:10:00Z", "data_freshness_hours": 6.5}
DATA = {"ticker": "NWRB", "insider_transactions": INSIDERS, "institutional_flow": [FLOW]}
ANSWER: dict[str, Any] = strict_json(json.dumps({"meta": META, "data": DATA}))


def changed(path: str, value: Any) -> dict[str, Any]:
    """The answer with one member replaced; `...` takes it away."""
    answer = deepcopy(ANSWER)
    *folders, last = path.split(".")
    place: Any = answer
    for folder in folders:
        place = place[int(folder)] if isinstance(place, list) else place[folder]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return answer


def kit(**values: Any) -> Kit:
    return Kit(settings=Settings.of(**values), clock=lambda: NOW, http=Http("tests"))


@pytest.fixture
def api() -> SecuritiesDbApi:
    return SecuritiesDbApi(LINES)


@pytest.fixture
def asked(api: SecuritiesDbApi) -> Iterator[SecuritiesDb]:
    """The source over real HTTP, asked for one ticker, so that it need not pause."""
    with StandIn(api) as server:
        yield securitiesdb.source(kit(securitiesdb_url=server.url, watchlist=("NWRB",)))


def direct(api: Any, *tickers: str, **more: Any) -> SecuritiesDb:
    return SecuritiesDb(client(api, "SecuritiesDB", **more), "https://securitiesdb.example", tickers)


# The answer


def test_the_whole_answer_is_read() -> None:
    activity = activity_of(ANSWER, "NWRB")
    assert (activity.ratio, activity.count, activity.bought, activity.sold) == (2, 3, Decimal("163487.5"), 81000)
    assert [(deal.insider, deal.kind, deal.shares, deal.value) for deal in activity.recent] == [
        ("Okafor Adaeze M", "Purchase", 4000, Decimal("163487.5")),
        ("Lindqvist Per", "Sale", 2000, 81000),
        ("Lindqvist Per", "Grant", 1500, 0),
    ]
    (flow,) = activity.flow
    assert (flow.fund, flow.action, flow.shares_change, flow.percent_change) == (
        "Example Capital",
        "Exited",
        -12000,
        -100,
    )


def test_a_null_ratio_is_unknown() -> None:
    assert activity_of(changed("data.insider_transactions.net_buy_sell_ratio", None), "NWRB").ratio is None
    assert activity_of(changed("data.insider_transactions.net_buy_sell_ratio", 0), "NWRB").ratio == 0


@pytest.mark.parametrize("status", [500, "500", 404, 0])
def test_an_own_status_other_than_200_is_an_error_under_http_200(status: Any) -> None:
    with pytest.raises(SourceError, match=r"SecuritiesDB on NWRB\.meta: expected status 200, found"):
        activity_of(changed("meta.status", status), "NWRB")


def test_an_answer_about_another_company_is_an_error() -> None:
    with pytest.raises(SourceError, match="'ticker': expected NWRB, found 'HLCN'"):
        activity_of(changed("data.ticker", "HLCN"), "NWRB")
    assert activity_of(changed("data.ticker", "brk.b"), "BRK-B").ticker == "BRK-B"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data", ...),
        ("data", None),
        ("data.insider_transactions", ...),
        ("data.insider_transactions", []),
        ("data.insider_transactions.recent", ...),
        ("data.insider_transactions.recent", None),
        ("data.insider_transactions.recent.0", "x"),
        ("data.insider_transactions.recent.0.insider", None),
        ("data.insider_transactions.recent.0.type", ...),
        ("data.insider_transactions.recent.0.date", "27.02.2026"),
        ("data.insider_transactions.recent.0.shares", "4k"),
        ("data.insider_transactions.recent.0.shares", -4000),
        ("data.insider_transactions.net_buy_sell_ratio", "high"),
        ("data.insider_transactions.net_buy_sell_ratio", -1),
        ("data.insider_transactions.count", 1.5),
        ("data.institutional_flow", {}),
        ("data.institutional_flow.0", None),
        ("meta", "ok"),
    ],
)
def test_less_than_an_answer_is_an_error_and_never_no_insiders(path: str, value: Any) -> None:
    answer = changed(path, value) if not path.endswith(".0") else changed(path[:-2], [value])
    with pytest.raises(SourceError, match="SecuritiesDB on NWRB"):
        activity_of(answer, "NWRB")


def test_what_is_no_part_of_it_may_be_missing() -> None:
    assert activity_of(changed("institutional_flow", None), "NWRB").flow
    assert activity_of(changed("data.institutional_flow", ...), "NWRB").flow == ()
    assert activity_of(changed("meta", ...), "NWRB") == activity_of(ANSWER, "NWRB")


def test_the_names_that_other_clients_read_are_understood() -> None:
    row = {"insider_name": "Okafor Adaeze M", "transaction_type": "Purchase", "transaction_date": "2026-02-27"}
    (deal,) = activity_of(changed("data.insider_transactions.recent", [row]), "NWRB").recent
    assert (deal.insider, deal.kind, deal.on, deal.shares) == ("Okafor Adaeze M", "Purchase", date(2026, 2, 27), None)


@given(anything)
def test_no_answer_is_more_than_a_refusal(content: Any) -> None:
    try:
        activity_of(content, "NWRB")
    except SourceError as error:
        told = str(error)
    else:
        pytest.fail("anything was read as an answer")
    assert told.startswith("SecuritiesDB on NWRB")
    assert told.isprintable()


PATHS = [
    "meta", "meta.status", "data", "data.ticker", "data.insider_transactions", "data.institutional_flow",
    *(f"data.insider_transactions.{name}" for name in ANSWER["data"]["insider_transactions"]),
    *(f"data.insider_transactions.recent.1.{name}" for name in ("insider", "type", "date", "shares", "value")),
    *(f"data.institutional_flow.0.{name}" for name in ("fund", "action", "shares_change", "pct_change", "quarter")),
]  # fmt: skip


@given(st.sampled_from(PATHS), anything)
def test_no_member_is_more_than_a_refusal(path: str, value: Any) -> None:
    try:
        activity = activity_of(changed(path, value), "NWRB")
    except SourceError:
        return
    validate(to_table(trades(activity)))


# Asking


def test_the_settings_name_it() -> None:
    assert find("sources", "securitiesdb")[0] is securitiesdb.source


def test_it_answers_over_http(asked: SecuritiesDb, api: SecuritiesDbApi) -> None:
    table = validate(asked.fetch(NOW))
    assert set(table["symbol"]) == {"NWRB"}
    assert set(table["owner"]) == {"Okafor Adaeze M", "Tremblay-Osei Kwame"}
    assert api.journal == ["NWRB"]
    pd.testing.assert_frame_equal(table, asked.fetch(NOW))


def test_a_ticker_it_does_not_know_is_an_answer(api: SecuritiesDbApi) -> None:
    asked = direct(api, "ZZZZ")
    assert asked.activity("ZZZZ") is None
    assert validate(asked.fetch(NOW)).empty


def test_a_throttled_question_is_asked_again(asked: SecuritiesDb, api: SecuritiesDbApi) -> None:
    api.fail_next(429)
    assert direct(api).activity("NWRB")
    assert api.journal == ["NWRB", "NWRB"]


@pytest.mark.parametrize("failure", [400, 401, 403, 422, "garbage", "status_500"])
def test_a_failure_is_an_error(asked: SecuritiesDb, api: SecuritiesDbApi, failure: Any) -> None:
    api.fail_next(failure)
    with pytest.raises(SourceError, match="SecuritiesDB"):
        asked.fetch(NOW)


def test_one_failure_among_many_is_one_ticker_s(api: SecuritiesDbApi) -> None:
    api.fail_next(404, "garbage")
    table = direct(api, "NWRB", "QLMK", "SMFP", "KLPF").fetch(NOW)
    assert set(table["symbol"]) == {"SMFP", "KLPF"}
    (sentence,) = table.attrs["left_out"]
    assert sentence.startswith("QLMK: SecuritiesDB: ")


def test_a_busy_service_s_other_answers_count(api: SecuritiesDbApi) -> None:
    api.fail_next(*[429] * ATTEMPTS)
    told = direct(api).activities(["NWRB", "QLMK"])
    assert str(told["NWRB"]).startswith("SecuritiesDB is busy (status 429)")
    assert isinstance(told["QLMK"], Activity)


@pytest.mark.parametrize(("failures", "exit_code"), [(["garbage", "garbage"], 1), (["garbage", *[503] * ATTEMPTS], 75)])
def test_when_nobody_answers_it_is_an_error_and_a_busy_service_s_one_to_try_again(
    api: SecuritiesDbApi, failures: Any, exit_code: int
) -> None:
    api.fail_next(*failures)
    with pytest.raises(SourceError, match="SecuritiesDB") as told:
        direct(api).activities(["NWRB", "QLMK"])
    assert told.value.exit_code == exit_code


def test_a_service_that_refuses_everything_is_left_alone_after_three_times(api: SecuritiesDbApi) -> None:
    api.fail_next(*[401] * 10)
    with pytest.raises(SourceError, match="refused the key"):
        direct(api).activities(["NWRB", "QLMK", "SMFP", "KLPF", "HLCN"])
    assert len(api.journal) == securitiesdb.PATIENCE == 3


def test_failures_of_single_tickers_leave_nobody_unasked(api: SecuritiesDbApi) -> None:
    api.fail_next("garbage", "garbage", "garbage", 401, 401, 404, 401)
    told = direct(api).activities([*"ABCDEFG", "NWRB"])
    assert len(api.journal) == 8
    assert isinstance(told["NWRB"], Activity)
    assert securitiesdb.left_out(told) == tuple(f"{ticker}: {told[ticker]}" for ticker in "ABCDEG")


def test_it_is_asked_once_a_second(api: SecuritiesDbApi) -> None:
    wrist = Wrist()
    asked = direct(api, "NWRB", "QLMK", "SMFP", every=securitiesdb.SECONDS_BETWEEN, sleep=wrist.sleep,
                   monotonic=wrist.monotonic)  # fmt: skip
    asked.fetch(NOW)
    assert wrist.slept == [1.0, 1.0]


def test_a_key_is_sent_where_there_is_one() -> None:
    with StandIn(SecuritiesDbApi(LINES, key="k3y")) as server:
        scanner = securitiesdb.scanner(kit(securitiesdb_url=server.url, securitiesdb_key=SecretStr("k3y")))
        assert scanner.activity("NWRB")
        with pytest.raises(SourceError, match="SecuritiesDB refused the key"):
            securitiesdb.scanner(kit(securitiesdb_url=server.url)).activity("NWRB")


# The watchlist


def test_a_watchlist_is_tickers_and_files_of_them_each_once(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("HLCN\nbrk.b, NWRB\n\n", encoding="utf-8")
    assert watchlist(["NWRB", f"@{tmp_path}/list.txt", "nwrb"]) == ("NWRB", "HLCN", "BRK.B")


@pytest.mark.parametrize("entry", ["../admin", "NW RB", "A" * 20, "NWRB?x=1", "ＡＡＰＬ", "@", "@/nowhere/at/all"])
def test_what_is_no_ticker_never_gets_into_an_address(entry: str) -> None:
    with pytest.raises(ConfigError, match="the watchlist"):
        watchlist([entry])


def test_without_a_watchlist_there_is_no_such_source() -> None:
    with pytest.raises(ConfigError, match="BOT_WATCHLIST is empty"):
        securitiesdb.source(kit())


# Shown, never traded on


def test_a_row_has_nothing_that_a_trade_needs() -> None:
    rows = trades(activity_of(ANSWER, "NWRB"))
    assert [(row.code, row.acquired, row.shares) for row in rows] == [
        ("P", "A", 4000),
        ("S", "D", 2000),
        ("A", "A", 1500),
    ]
    for row in rows:
        assert row.symbol == "NWRB"
        assert (row.side, row.filed_on, row.known_at, row.price) == (None, None, None, None)
        assert (row.accession, row.owner_cik, row.title, row.is_officer) == (None, None, None, None)


def test_equal_rows_are_told_apart_and_keep_their_keys() -> None:
    row = ANSWER["data"]["insider_transactions"]["recent"][0]
    activity = activity_of(changed("data.insider_transactions.recent", [row, row]), "NWRB")
    keys = [line.key for line in trades(activity)]
    assert len({*keys}) == 2
    assert keys == [line.key for line in trades(activity)]


def follows_everything(events: pd.DataFrame, _: Any = None) -> pd.DataFrame:
    """The most reckless strategy there is."""
    return events.assign(decision="buy", rule="", reason="whatever it is")


def planned(*sources: Any) -> Plan:
    """What a bot with the most reckless strategy would do about what these sources show."""
    database = open_database("sqlite:///:memory:")
    try:
        house = House(database)
        house.sources = [*sources]
        bot = house.bot(looking=True)
        object.__setattr__(bot, "strategy", follows_everything)
        return bot.plan()
    finally:
        database.close()


class Shown:
    """A source that shows this activity."""

    name = "securitiesdb"

    def __init__(self, activity: Activity) -> None:
        self.activity = activity

    def fetch(self, _: Any) -> pd.DataFrame:
        return to_table(trades(self.activity))


def test_not_even_a_strategy_that_follows_everything_trades_on_it() -> None:
    plan = planned(Shown(activity_of(ANSWER, "NWRB")))
    assert len(plan.decisions) == 3
    assert {d.verdict.rule for d in plan.decisions if isinstance(d.verdict, Skip)} == {"quarantined"}
    assert plan.intents == ()
    assert len(planned(Shows(trade())).intents) == 1  # it would


def test_it_takes_nothing_from_a_trade_that_another_source_shows() -> None:
    real = trade(owner="Okafor Adaeze M", shares=Decimal(4000), price=Decimal("40.871875"))
    both = to_table([*trades(activity_of(ANSWER, "NWRB")), real])
    followed = [event for event in find_events(both) if event.trade.side]
    assert [(event.trade, event.quarantine) for event in followed] == [(real, None)]
    assert len(planned(Shown(activity_of(ANSWER, "NWRB")), Shows(real)).intents) == 1


def test_what_it_shows_is_in_the_trades_table() -> None:
    rows = to_records(to_table(trades(activity_of(ANSWER, "NWRB"))))
    assert [row.owner for row in rows] == ["Okafor Adaeze M", "Lindqvist Per", "Lindqvist Per"]
