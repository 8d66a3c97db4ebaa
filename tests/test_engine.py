"""The whole cycle: a plan changes nothing, an execution happens once, and the same facts lead to the same orders."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.engine import overruled
from bot.errors import BotError, BrokerError, ConfigError, NotPaperError, SourceError, StoreError, TryAgainError
from bot.model import InsiderTrade, Order, OrderStatus, Side, Skip
from bot.news import around_new, gather
from bot.store.database import open_database
from bot.store.repository import Repository
from bot.trades import to_table
from brokers.simulated import SimulatedBroker
from tests.builders import KNOWN_AT, decision, event, instrument, intent, trade
from tests.fakes import Shows
from tests.house import CASH, CLOSES, MORNING, NEXT_MORNING, OPENS, House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    database = open_database(f"sqlite:///{tmp_path}/bot.db")
    yield House(database)
    database.close()


def sale(**changes: Any) -> InsiderTrade:
    """The same finance chief sells 1,000 of 11,000."""
    return trade(**({"code": "S", "shares_after": Decimal(10_000)} | changes))


# -- one cycle


def test_a_purchase_of_the_evening_is_followed_at_the_open(house: House) -> None:
    (order,) = house.run()
    assert (order.status, order.quantity) == (OrderStatus.WORKING, 25)  # 1,000 USD at 40
    assert (order.valid_from, order.valid_until) == (OPENS, CLOSES)
    house.quotes.price("NWRB", OPENS, "41")
    (filled,) = house.run(OPENS + timedelta(minutes=1))
    assert (filled.client_order_id, filled.status) == (order.client_order_id, OrderStatus.FILLED)
    assert house.run(OPENS + timedelta(minutes=2)) == []
    assert house.orders() == [("buy", "NWRB", 25, "filled")]
    assert house.broker.account().cash == CASH - 25 * 41 - 1


def test_what_others_buy_in_the_same_account_counts_for_the_name_and_is_left_alone(house: House) -> None:
    theirs = replace(
        intent(quantity=Decimal(480)).order(),
        client_order_id="theirs",
        broker_order_id="t-1",
        status=OrderStatus.WORKING,
    )
    theirs = house.broker.book.place(replace(theirs, valid_from=None, valid_until=None))
    plan, orders = house.bot().run()
    (settled,) = plan.decisions
    assert orders == []
    assert isinstance(settled.verdict, Skip)
    assert settled.verdict.reason.startswith("NWRB held or on order would come to 20,200.00 USD")
    assert list(house.broker.book.orders()) == [theirs]


def test_while_nobody_knows_what_others_buy_in_the_account_nothing_is_bought(house: House) -> None:
    house.broker = Unread(**{field.name: getattr(house.broker, field.name) for field in fields(house.broker)})
    plan, orders = house.bot().run()
    (settled,) = plan.decisions
    assert orders == []
    assert isinstance(settled.verdict, Skip)
    assert (settled.verdict.rule, settled.verdict.final) == ("limit", False)
    assert "the broker's orders could not be read" in settled.verdict.reason
    house.broker = SimulatedBroker(**{field.name: getattr(house.broker, field.name) for field in fields(house.broker)})
    assert [order.status for order in house.run()] == [OrderStatus.WORKING]


class Unread(SimulatedBroker):
    """It does not list its orders."""

    def orders(self, since: datetime) -> Sequence[Order]:
        raise BrokerError("out of reach")


def test_a_plan_changes_nothing(house: House, tmp_path: Path) -> None:
    house.run()
    house.source.rows.append(trade(symbol="HLCN", owner="Brandt Ilse"))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    books = (house.broker.account(), list(house.broker.positions()), house.broker.book.orders())
    plan = house.bot(looking=True).plan()
    assert [intent.instrument.symbol for intent in plan.intents] == ["HLCN"]
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert (house.broker.account(), list(house.broker.positions()), house.broker.book.orders()) == books


def test_a_bot_that_only_looks_cannot_execute(house: House) -> None:
    bot = house.bot(looking=True)
    with pytest.raises(ConfigError, match="dry run"):
        bot.execute(bot.plan())
    assert house.store.decided() == []


def test_the_plan_says_what_then_happens(house: House) -> None:
    planned = house.bot(looking=True).plan()
    executed, orders = house.bot().run()
    assert planned == executed
    assert [order.client_order_id for order in orders] == [intent.client_order_id for intent in planned.intents]


def test_a_bug_in_a_strategy_of_ones_own_is_told_with_its_line(house: House) -> None:
    def mine(events: pd.DataFrame, _: datetime | None) -> pd.DataFrame:
        return events.assign(decision=1 / 0)

    with pytest.raises(ConfigError, match=r"^the strategy has a bug \(test_engine.py, line \d+\): ZeroDivisionError"):
        replace(house.bot(), strategy=mine).plan()


def test_every_decision_explains_itself(house: House) -> None:
    (decision,) = house.bot().plan().decisions
    assert set(decision.evidence) == {"strategy", "mapping", "session", "size", "figures"}
    assert "XNYS 2026-03-03, 14:30 to 21:00 UTC" in decision.evidence["session"]


# -- never twice


@pytest.mark.parametrize("later", [MORNING, OPENS + timedelta(hours=1), NEXT_MORNING, NEXT_MORNING + timedelta(days=5)])
def test_the_same_rows_again_place_nothing_new(house: House, later: datetime) -> None:
    house.run()
    assert house.run(later) in ([], [house.store.order(house.store.orders()[0][1].client_order_id)])
    assert len(house.store.orders()) == 1
    assert len(house.broker.book.orders()) == 1


def test_a_lost_store_places_nothing_and_halts(house: House) -> None:
    (first,) = house.run()
    forgetful = open_database("sqlite:///:memory:")
    house.store = Repository(forgetful)
    assert house.run() == []
    assert f"1 orders of ours that this database does not know, such as {first.client_order_id}" in (
        house.store.halted() or ""
    )
    house.store.halt(None, MORNING)
    assert house.run(MORNING + timedelta(minutes=1)) == []
    assert house.store.halted() is None
    assert [order.client_order_id for order in house.broker.book.orders()] == [first.client_order_id]
    forgetful.close()


def test_the_same_plan_is_not_executed_twice(house: House) -> None:
    bot = house.bot()
    plan = bot.plan()
    bot.execute(plan)
    with pytest.raises(TryAgainError, match="another process decided the same events"):
        bot.execute(plan)
    assert len(house.broker.book.orders()) == 1


def test_two_witnesses_of_one_day_make_one_order(house: House) -> None:
    house.source.rows.append(trade(owner="Brandt Ilse", title="Chief Executive Officer"))
    (order,) = house.run()
    first, second = house.store.decided()
    assert first["client_order_id"] == second["client_order_id"] == order.client_order_id


def test_a_witness_who_comes_later_joins_the_order_that_is_there(house: House) -> None:
    house.run()
    house.source.rows.append(trade(owner="Brandt Ilse", title="Chief Executive Officer"))
    house.run(MORNING + timedelta(hours=1))
    assert len(house.store.orders()) == 1
    assert len({row["client_order_id"] for row in house.store.decided()}) == 1


def test_another_day_is_another_decision(house: House) -> None:
    house.source.rows.append(
        trade(owner="Brandt Ilse", filed_on=date(2026, 3, 1), known_at=KNOWN_AT - timedelta(days=1))
    )
    assert len(house.run()) == 2


def test_a_row_that_two_sources_show_is_one_event(house: House) -> None:
    house.sources = [house.source, Shows(*house.source.rows, name="second")]
    house.run()
    assert len(house.store.decided()) == len(house.store.orders()) == 1


# -- when


def test_what_was_public_before_the_first_cycle_is_backlog(house: House) -> None:
    assert house.run(trade_backlog=False) == []
    assert house.rules() == {"Okafor Adaeze M": "backlog"}
    house.source.rows.append(trade(owner="Brandt Ilse", known_at=MORNING + timedelta(minutes=1)))
    house.run(MORNING + timedelta(minutes=2), trade_backlog=False)
    assert house.rules() == {"Okafor Adaeze M": "backlog", "Brandt Ilse": "buy"}


def test_an_amendment_makes_no_news_of_what_was_public_before_the_first_cycle() -> None:
    amended = event(trade=trade(known_at=MORNING), first_known_at=KNOWN_AT)
    skip = overruled(decision(event=amended), KNOWN_AT + timedelta(minutes=1), None, None)
    assert skip is not None
    assert (skip.rule, skip.final) == ("backlog", False)
    assert overruled(decision(event=amended), KNOWN_AT, None, None) is None


def test_backlog_is_traded_when_it_is_asked_for_later(house: House) -> None:
    assert house.run(trade_backlog=False) == []
    assert house.run(MORNING + timedelta(minutes=1), trade_backlog=False) == []
    (order,) = house.run()
    assert order.status is OrderStatus.WORKING


def test_a_sale_waits_while_a_purchase_of_the_same_share_is_open(house: House) -> None:
    """Both would be filled at one open; and a sale that was dropped would leave what the officer sold."""
    house.run()
    house.source.rows.append(
        trade(
            key="sold", owner="Brandt Ilse", code="S", acquired="D", side=Side.SELL, shares_after=Decimal(0),
            known_at=MORNING + timedelta(minutes=1), filed_on=date(2026, 3, 3),
        )
    )  # fmt: skip
    (bought,) = house.run(MORNING + timedelta(minutes=2))
    assert bought.side is Side.BUY
    assert house.rules()["Brandt Ilse"] == "limit"
    house.quotes.price("NWRB", OPENS, "41")
    orders = house.run(OPENS + timedelta(minutes=1))
    assert {(order.side, order.status) for order in orders} >= {(Side.BUY, OrderStatus.FILLED)}
    assert house.rules()["Brandt Ilse"] == "sell"


def test_the_same_line_under_another_ticker_is_not_followed_again(house: House) -> None:
    house.run()
    house.source.rows = [trade(symbol="NWRB-A", key="row:other")]
    assert [order.symbol for order in house.run(MORNING + timedelta(minutes=1))] == ["NWRB"]  # still working
    assert house.orders() == [("buy", "NWRB", 25, "working")]


AMENDED: dict[str, Any] = {"filed_on": date(2026, 3, 20), "known_at": KNOWN_AT + timedelta(days=18)}


@pytest.mark.parametrize("trade_backlog", [True, False])
@pytest.mark.parametrize("left", [None, Decimal(11_000)])
def test_a_row_that_a_later_filing_tells_again_is_no_news_when_the_first_has_left_its_page(
    house: House, left: Decimal | None, trade_backlog: bool
) -> None:
    house.source.rows = [trade(key="first", shares_after=left)]
    house.run(trade_backlog=trade_backlog)
    house.source.rows = [
        trade(key="again", shares_after=left, **AMENDED),
        trade(key="new", shares=Decimal(2000), shares_after=Decimal(13_000), **AMENDED),
    ]
    house.time.now = AMENDED["known_at"] + timedelta(hours=12)
    (decided,) = house.bot(trade_backlog=trade_backlog).plan().decisions
    assert decided.event.keys == ("new",)
    house.source.rows.pop()
    assert house.bot(trade_backlog=trade_backlog).plan().decisions == ()


def test_what_follows_a_line_under_two_tickers_is_an_event_of_its_own(house: House) -> None:
    house.source.rows.append(trade(symbol="HLCN"))
    house.run()
    later = trade(shares=Decimal(2000), shares_after=Decimal(13_000), known_at=MORNING + timedelta(minutes=1))
    house.source.rows.append(later)
    house.time.now = MORNING + timedelta(minutes=2)
    (decided,) = house.bot().plan().decisions
    assert (decided.event.keys, decided.event.symbols) == ((later.key,), ("NWRB",))


def test_half_of_an_event_that_another_source_tells_of_is_not_followed_again(house: House) -> None:
    rows = [trade(key=f"{shares}", shares=Decimal(shares), shares_after=Decimal(11_000)) for shares in (1000, 2000)]
    house.source.rows = rows
    house.run()
    more = [trade(key=f"other {row.shares}", shares=row.shares, shares_after=Decimal(11_000)) for row in rows]
    house.source.rows = [*more, trade(key="more", shares=Decimal(3000), shares_after=Decimal(11_000))]
    assert house.bot().plan().decisions == ()


def test_a_price_that_is_not_the_shares_own_is_quarantined(house: House) -> None:
    house.source.rows = [trade(price=Decimal("4.00"), value=Decimal(4000))]
    assert house.run() == []
    assert house.rules() == {"Okafor Adaeze M": "quarantined"}


def test_news_of_the_session_waits_for_the_next_one(house: House) -> None:
    house.source.rows = [trade(filed_on=date(2026, 3, 3), known_at=OPENS + timedelta(hours=1))]
    (order,) = house.run(OPENS + timedelta(hours=2))
    assert order.valid_from == OPENS + timedelta(days=1)
    assert order.status is OrderStatus.WORKING


def test_news_less_than_five_minutes_before_the_open_waits_for_the_next_one(house: House) -> None:
    house.time.now = OPENS - timedelta(minutes=4)
    house.source.rows = [trade(known_at=OPENS - timedelta(minutes=5))]
    assert house.bot().plan().intents[0].valid_from == OPENS
    house.source.rows = [trade(known_at=OPENS - timedelta(minutes=4, seconds=59))]
    assert house.bot().plan().intents[0].valid_from == OPENS + timedelta(days=1)


def test_a_cycle_that_comes_late_enters_the_session_under_way(house: House) -> None:
    house.quotes.price("NWRB", OPENS + timedelta(minutes=50), "42")
    (order,) = house.run(OPENS + timedelta(hours=1))
    assert (order.status, order.price) == (OrderStatus.FILLED, 42)


def test_a_cycle_after_the_close_enters_the_next_session(house: House) -> None:
    (order,) = house.run(CLOSES + timedelta(minutes=1))
    assert order.valid_from == OPENS + timedelta(days=1)


def test_entry_now_enters_while_the_venue_is_open_and_says_so_when_it_is_not(house: House) -> None:
    house.policy = replace(house.policy, entry="now")
    assert house.run() == []
    (row,) = house.store.decided()
    assert (row["rule"], row["reason"]) == (
        "limit",
        "XNYS is closed until 2026-03-03 14:30 UTC, and BOT_ENTRY is now",
    )
    house.source.rows = [trade(owner="Brandt Ilse", known_at=OPENS + timedelta(minutes=9))]
    house.quotes.price("NWRB", OPENS, "41")
    (order,) = house.run(OPENS + timedelta(minutes=10))
    assert (order.status, order.price) == (OrderStatus.FILLED, 41)


# -- what is not followed


def test_a_halted_bot_decides_and_sends_nothing(house: House) -> None:
    house.store.halt("by hand", MORNING)
    assert house.run() == []
    assert house.rules() == {"Okafor Adaeze M": "halted"}
    assert house.broker.book.orders() == []


def test_a_halt_between_plan_and_execution_sends_nothing(house: House) -> None:
    bot = house.bot()
    plan = bot.plan()
    house.store.halt("by hand", MORNING)
    (order,) = bot.execute(plan)
    assert order.status is OrderStatus.INTENT
    assert house.broker.book.orders() == []


def test_a_line_that_cannot_be_true_is_quarantined(house: House) -> None:
    house.source.rows = [trade(price=Decimal(40), value=Decimal(4_000_000))]
    assert house.run() == []
    assert house.rules() == {"Okafor Adaeze M": "quarantined"}


def test_a_row_without_the_instant_it_became_public_is_shown_and_never_followed(house: House) -> None:
    house.source.rows = [trade(known_at=None)]
    assert house.run() == []
    assert house.rules() == {"Okafor Adaeze M": "known_within"}


def test_buying_and_selling_of_one_share_class_in_one_session_makes_no_order(house: House) -> None:
    house.source.rows = [trade(), sale(owner="Brandt Ilse"), trade(symbol="HLCN", owner="Aalto Eero")]
    (order,) = house.run()
    assert order.symbol == "HLCN"
    assert house.rules() == {"Okafor Adaeze M": "limit", "Brandt Ilse": "limit", "Aalto Eero": "buy"}


def test_the_cash_runs_out_within_one_plan(house: House) -> None:
    house.policy = replace(house.policy, notional=Decimal(6000))
    house.source.rows = [
        trade(known_at=KNOWN_AT + timedelta(minutes=n), symbol=symbol, owner=owner)
        for n, (symbol, owner) in enumerate([("NWRB", "Okafor Adaeze M"), ("HLCN", "Brandt Ilse")])
    ]
    house.run()
    assert house.orders() == [("buy", "NWRB", 150, "working")]
    assert house.rules() == {"Okafor Adaeze M": "buy", "Brandt Ilse": "cash"}


def test_without_a_quote_it_is_decided_again_next_time(house: House) -> None:
    house.source.rows = [trade(symbol="ZZZZ")]
    assert house.run() == []
    assert house.rules() == {"Okafor Adaeze M": "no_quote"}
    house.quotes.price("ZZZZ", MORNING, "40")
    (order,) = house.run(MORNING + timedelta(hours=1))
    assert order.symbol == "ZZZZ"
    (row,) = house.store.decided()
    assert row["first_seen_at"] == MORNING.isoformat()


# -- selling


def held(house: House) -> None:
    """25 shares of NWRB, bought at the open of 3 March; the news of that day's evening is next."""
    house.quotes.price("NWRB", OPENS, "40")
    house.run()
    house.run(OPENS)
    assert house.orders() == [("buy", "NWRB", 25, "filled")]
    house.time.now = NEXT_MORNING


def test_a_sale_closes_the_position(house: House) -> None:
    held(house)
    house.source.rows = [sale(filed_on=date(2026, 3, 3), known_at=KNOWN_AT + timedelta(days=1))]
    house.run()
    house.quotes.price("NWRB", OPENS + timedelta(days=1), "50")
    house.run(OPENS + timedelta(days=1))
    assert house.orders()[1:] == [("sell", "NWRB", 25, "filled")]
    assert house.broker.positions() == []
    assert house.broker.account().cash == CASH + 25 * 10 - 2


def test_nothing_is_sold_short(house: House) -> None:
    house.source.rows = [sale()]
    assert house.run() == []
    assert house.rules() == {"Okafor Adaeze M": "not_held"}


def test_a_position_is_sold_once_when_sales_of_two_days_arrive_together(house: House) -> None:
    held(house)
    evening = KNOWN_AT + timedelta(days=1)
    house.source.rows = [
        sale(filed_on=date(2026, 3, 3), known_at=evening),
        sale(filed_on=date(2026, 3, 4), known_at=evening + timedelta(hours=1), owner="Brandt Ilse"),
    ]
    house.run()
    assert house.orders()[1:] == [("sell", "NWRB", 25, "working")]
    assert house.rules()["Brandt Ilse"] == "not_held"


def test_a_position_is_sold_once_when_a_second_sale_arrives_while_the_order_is_open(house: House) -> None:
    held(house)
    evening = KNOWN_AT + timedelta(days=1)
    house.source.rows = [sale(filed_on=date(2026, 3, 3), known_at=evening)]
    house.run()
    house.source.rows = [sale(filed_on=date(2026, 3, 4), known_at=evening + timedelta(hours=1), owner="Brandt Ilse")]
    house.run(NEXT_MORNING + timedelta(hours=1))
    assert house.orders()[1:] == [("sell", "NWRB", 25, "working")]
    assert house.rules()["Brandt Ilse"] == "not_held"


# -- what does not answer


def test_a_source_that_fails_while_another_answers_is_degraded(house: House) -> None:
    house.sources = [Shows(name="broken", error=SourceError("the page lost its table")), house.source]
    plan, orders = house.bot().run()
    assert [(item.name, item.reason) for item in plan.degraded] == [("broken", "the page lost its table")]
    assert len(orders) == 1


def test_when_no_source_answers_nothing_is_written_down(house: House) -> None:
    house.sources = [Shows(name=name, error=SourceError(f"{name} is down")) for name in ("one", "two")]
    with pytest.raises(SourceError, match="one is down; two is down"):
        house.run()
    assert house.store.trade_from() is None


def test_a_mapping_outage_is_not_seen_and_decided_when_the_service_is_back(house: House) -> None:
    house.mapper.answers["NWRB"] = Skip(rule="mapping", reason="OpenFIGI is throttled", final=False, outage=True)
    plan, orders = house.bot().run()
    assert orders == []
    assert [(item.name, item.reason) for item in plan.degraded] == [("mapping", "OpenFIGI is throttled")]
    house.mapper.answers.clear()
    (order,) = house.run(MORNING + timedelta(hours=1))
    assert order.symbol == "NWRB"
    assert house.rules() == {"Okafor Adaeze M": "buy"}


def test_what_cannot_be_mapped_is_decided_for_good(house: House) -> None:
    house.mapper.answers["NWRB"] = Skip(rule="mapping", reason="not listed in the US")
    plan, _ = house.bot().run()
    assert plan.degraded == ()
    house.mapper.answers.clear()
    assert house.run() == []
    assert house.rules() == {"Okafor Adaeze M": "mapping"}


def test_only_what_passed_the_rules_is_mapped(house: House) -> None:
    house.source.rows = [
        trade(),
        trade(symbol="HLCN", owner="Brandt Ilse", is_officer=False),
        trade(symbol="TDWT", owner="Aalto Eero", code="M"),
    ]
    house.run()
    assert [listing.symbols for listing in house.mapper.asked] == [("NWRB",)]


def test_one_filing_under_several_tickers_is_asked_for_with_all_of_them(house: House) -> None:
    house.source.rows = [trade(symbol=symbol, key="0001/1", accession="0001") for symbol in ("NWRB", "NWRB-A")]
    (order,) = house.run()
    assert order.symbol == "NWRB"
    assert [listing.symbols for listing in house.mapper.asked] == [("NWRB", "NWRB-A")]


# -- the same facts, the same orders


def market() -> list[InsiderTrade]:
    """Buys and sales by several people, some on one day, some of them conflicting."""
    people = ["Okafor Adaeze M", "Brandt Ilse", "Aalto Eero", "Quiroga Ines"]
    return [
        trade(
            symbol=symbol,
            owner=people[(n + shift) % 4],
            code="S" if (n, shift) == (2, 1) else "P",
            known_at=KNOWN_AT + timedelta(minutes=7 * n),
            shares=Decimal(1000 + n),
            shares_after=Decimal(9000),
        )
        for n, symbol in enumerate(["NWRB", "HLCN", "TDWT", "NWRB"])
        for shift in (0, 1)
    ]


@pytest.fixture(scope="module")
def quiet() -> Iterator[House]:
    """A house in memory that is only ever planned in."""
    database = open_database("sqlite:///:memory:")
    house = House(database)
    house.policy = replace(house.policy, notional=Decimal(4000))  # enough for two of three
    yield house
    database.close()


def planned(house: House, *rows: InsiderTrade) -> tuple[Any, ...]:
    house.source.rows = list(rows)
    plan = house.bot(looking=True).plan()
    verdicts = {d.event.key: (d.verdict.reason, d.client_order_id) for d in plan.decisions}
    return {intent.client_order_id: intent for intent in plan.intents}, verdicts


ONCE = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ONCE
@given(st.permutations(market()))
def test_the_order_of_the_rows_does_not_matter(quiet: House, rows: list[InsiderTrade]) -> None:
    assert planned(quiet, *rows) == planned(quiet, *market())


@ONCE
@given(st.lists(st.tuples(st.sampled_from(["NWRB", "HLCN", "ZZZZ"]), st.sampled_from("PS"), st.integers(1, 10**6))))
def test_what_becomes_public_later_does_not_matter(quiet: House, future: list[tuple[str, str, int]]) -> None:
    later = [
        trade(symbol=symbol, code=code, owner="Farsight Cassandra", known_at=MORNING + timedelta(seconds=seconds))
        for symbol, code, seconds in future
    ]
    assert planned(quiet, *market(), *later) == planned(quiet, *market())


def test_no_source_at_all_is_an_error() -> None:
    with pytest.raises(SourceError):
        gather([], MORNING)


def test_the_side_of_an_order_is_the_side_of_the_insider(house: House) -> None:
    (intent,) = house.bot().plan().intents
    assert intent.side is Side.BUY
    assert intent.instrument == instrument(mic="XNYS")


def test_old_lines_are_looked_at_only_where_something_new_has_come() -> None:
    old, of_it, twin = trade(key="old"), trade(key="of-it", owner="Brandt Ilse"), trade(key="twin", symbol="HLCN")
    other = trade(key="other", symbol="HLCN", known_at=KNOWN_AT + timedelta(minutes=1))
    table = to_table([old, of_it, twin, other])
    assert around_new(table, {"old", "of-it", "twin", "other"}).empty
    assert list(around_new(table, {"old", "twin", "other"})["key"]) == ["old", "of-it", "twin"]
    assert list(around_new(table, set())["key"]) == ["old", "of-it", "twin", "other"]


class Buggy:
    name = "buggy"

    def fetch(self, now: datetime) -> Any:
        raise KeyError("a bug")


@pytest.mark.parametrize("error", [StoreError("it is damaged"), TryAgainError("it was lost"), NotPaperError("money")])
def test_what_is_not_a_sources_trouble_is_not_taken_for_a_bug_of_it(house: House, error: BotError) -> None:
    class Reading:
        name = "reading"

        def fetch(self, now: datetime) -> Any:
            raise error

    house.sources = [house.source, Reading()]
    with pytest.raises(type(error), match=str(error)):
        house.bot().plan()


def test_a_bug_in_one_source_is_its_own_trouble(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.sources = [Buggy(), house.source]
    plan, orders = house.bot().run()
    assert [(item.name, item.reason) for item in plan.degraded] == [("buggy", "buggy has a bug: KeyError")]
    assert len(orders) == 1
    assert caplog.records[0].exc_info
    house.sources = [Buggy()]
    with pytest.raises(SourceError, match="buggy has a bug"):
        house.bot().plan()


# -- the funnel


def test_the_funnel_counts_every_decision_once_and_adds_up(house: House) -> None:
    house.source.rows += [trade(symbol="HLCN", is_officer=False), trade(symbol="KLPF", code="M"), sale(symbol="QLMK")]
    plan = house.bot().plan()
    counted = plan.funnel
    assert (counted["lines"], counted["events"]) == (len(house.source.rows), len(plan.seen))
    assert counted["events"] == counted["new"] == len(plan.decisions)
    assert counted["new"] - sum(counted["refused"].values()) == counted["followed"]
    assert counted["orders"] == len(plan.intents)
    assert {"officers_only", "open_market"} <= set(counted["refused"])
    house.bot().execute(plan)
    assert house.bot().plan().funnel == dict.fromkeys(("events", "new", "exits", "followed", "orders"), 0) | {
        "lines": counted["lines"],
        "refused": {},
    }
