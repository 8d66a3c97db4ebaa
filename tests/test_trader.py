"""From a yes to an order: the instrument, the session, the size, and one identity for one decision."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.app import opened
from bot.book import Policy
from bot.errors import BrokerError, NotPaperError, RatesError
from bot.exits import Exits
from bot.limits import Limits
from bot.model import Decision, Holding, Instrument, Order, OrderStatus, Quote, Signal, Skip
from bot.orders import client_order_id, decision_id
from bot.plain import plain
from bot.sessions import Session
from bot.settings import Settings
from bot.sizing import EqualWeight, FixedNotional, FixedQuantity, InverseVolatility
from bot.store.database import open_database
from bot.store.repository import Repository
from bot.trader import Trader
from tests.builders import KNOWN_AT, NOW, decision, event, instrument, quote, trade
from tests.fakes import Exchange, Maps, Quotes, ScriptedBroker, Weekdays, bought, position

MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
OPENS = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)


class Desk:
    """A trader with its broker, mapper and store."""

    def __init__(self, rates: Exchange | None = None, **policy: Any) -> None:
        self.prices = Quotes()
        self.broker = ScriptedBroker()
        self.mapper = Maps()
        self.database = open_database("sqlite:///:memory:")
        self.store = Repository(self.database)
        self.others: list[Order] = []
        facts = {"account": "paper", "strategy": "executives", "notional": Decimal(1000)}
        sessions: Any = Weekdays()
        self.trader = Trader(
            mapper=self.mapper,
            broker=self.broker,
            store=self.store,
            sessions=sessions,
            rates=Exchange() if rates is None else rates,
            prices=self.prices,
            policy=Policy(**(facts | policy)),
        )

    def intend(self, *decisions: Decision, now: datetime = MORNING) -> Any:
        return self.trader.intend(decisions, now, self.others)

    def verdict(self, one: Decision, now: datetime = MORNING) -> Any:
        (settled,), _ = self.intend(one, now=now)
        return settled.verdict


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.database.close()


def followed(**changes: Any) -> Decision:
    return decision(event=event(trade=trade(**changes)))


def test_an_order_is_the_decisions_and_nothing_else(desk: Desk) -> None:
    (settled,), (intent,) = desk.intend(followed())
    decided = decision_id(
        account="paper",
        strategy="executives",
        share_class=instrument().share_class_figi,
        side=intent.side,
        filed_on=date(2026, 3, 2),
    )
    assert (intent.decision_id, intent.client_order_id) == (decided, client_order_id(decided))
    assert settled.client_order_id == intent.client_order_id
    assert (intent.quantity, intent.currency, intent.created_at) == (24, "USD", MORNING)
    assert (intent.session, intent.valid_from) == (OPENS.date(), OPENS)
    assert intent.order().status is OrderStatus.INTENT


@pytest.mark.parametrize(
    "same",
    [
        {"owner": "Brandt Ilse"},
        {"price": Decimal("40.01")},
        {"shares": Decimal(999)},
        {"known_at": KNOWN_AT + timedelta(minutes=1)},
        {"traded_on": date(2026, 2, 26)},
        {"source": "another"},
        {"title": "Chief Executive Officer"},
    ],
)
def test_what_sources_and_witnesses_may_differ_in_is_not_in_the_id(desk: Desk, same: dict[str, Any]) -> None:
    _, (one,) = desk.intend(followed())
    _, (other,) = desk.intend(followed(**same))
    assert one.client_order_id == other.client_order_id


def test_refusals_pass_through_untouched_and_are_not_mapped(desk: Desk) -> None:
    refused = decision(verdict=Skip(rule="officers_only", reason="no officer"))
    assert desk.intend(refused) == ([refused], [])
    assert desk.mapper.asked == []


def test_decisions_come_back_in_the_order_they_were_given(desk: Desk) -> None:
    rows = [
        followed(symbol=symbol, known_at=KNOWN_AT - timedelta(minutes=n))
        for n, symbol in enumerate(["NWRB", "HLCN", "TDWT"])
    ]
    settled, intents = desk.intend(*rows)
    assert [each.event.key for each in settled] == [each.event.key for each in rows]
    assert [intent.instrument.symbol for intent in intents] == ["TDWT", "HLCN", "NWRB"]  # the oldest news first


def test_what_cannot_be_mapped_is_refused_with_the_mappers_words(desk: Desk) -> None:
    refusal = Skip(rule="mapping", reason="not listed in the US")
    desk.mapper.answers["NWRB"] = refusal
    (settled,), intents = desk.intend(followed())
    assert (settled.verdict, intents) == (refusal, [])
    assert settled.evidence["strategy"] == "it passed every rule"


def test_the_proof_is_kept_with_the_decision(desk: Desk) -> None:
    proven: Instrument = instrument(proof=("one share class", "same FIGI"))
    desk.mapper.answers["NWRB"] = proven
    (settled,), (intent,) = desk.intend(followed())
    assert settled.evidence["mapping"] == "one share class; same FIGI"
    assert intent.instrument == replace(proven, mic="XNYS")


@pytest.mark.parametrize("missing", ["known_at", "filed_on"])
def test_a_yes_without_the_day_it_became_public_makes_no_order(desk: Desk, missing: str) -> None:
    verdict = desk.verdict(followed(**{missing: None}))
    assert (verdict.rule, desk.intend(followed(**{missing: None}))[1]) == ("known_within", [])


@pytest.mark.parametrize(
    ("known_at", "now", "day"),
    [
        (KNOWN_AT, MORNING, 3),
        (KNOWN_AT, OPENS, 3),  # under way
        (KNOWN_AT, OPENS + timedelta(hours=7), 4),  # after the close
        (OPENS, OPENS + timedelta(hours=1), 4),  # news of the session
        (datetime(2026, 3, 6, 22, 0, tzinfo=UTC), datetime(2026, 3, 7, 12, 0, tzinfo=UTC), 9),  # over the weekend
    ],
)
def test_the_session_is_the_first_one_after_the_news_that_can_still_be_traded(
    desk: Desk, known_at: datetime, now: datetime, day: int
) -> None:
    session = desk.trader.session(known_at, now)
    assert isinstance(session, Session)
    assert session.day == date(2026, 3, day)
    assert session.closes > now


def test_entry_now_needs_an_open_venue() -> None:
    desk = Desk(entry="now")
    session = desk.trader.session(KNOWN_AT, NOW)
    assert isinstance(session, Session)
    assert session.opens == OPENS
    assert desk.trader.session(KNOWN_AT, MORNING) == Skip(
        rule="limit", reason="XNYS is closed until 2026-03-03 14:30 UTC, and BOT_ENTRY is now", final=False
    )
    desk.database.close()


def test_a_sale_sells_all_that_was_bought(desk: Desk) -> None:
    desk.broker.held = [position(quantity=7)]
    bought(desk.store, 7)
    _, (intent,) = desk.intend(followed(code="S"))
    assert (intent.side.value, intent.quantity) == ("sell", 7)


def test_a_sale_does_not_sell_what_others_bought(desk: Desk) -> None:
    desk.broker.held = [position(quantity=9)]
    bought(desk.store, 7)
    _, (intent,) = desk.intend(followed(code="S"))
    assert intent.quantity == 7


@pytest.mark.parametrize("code", ["P", "S"])
def test_a_share_of_which_less_is_held_than_was_bought_is_left_alone_until_that_is_written_off(
    desk: Desk, code: str
) -> None:
    desk.broker.held = [position(quantity=7)]
    bought(desk.store, 9)
    reason = (
        "2 shares of NWRB that were bought are not in the account:"
        " no order of it before `insiderbot resume` says that this is so"
    )
    assert desk.verdict(followed(code=code)) == Skip(rule="limit", reason=reason, final=False)
    assert desk.intend(followed(symbol="KLPF", owner="Quiroga Ines"))[1] != []
    desk.store.acknowledge((), [Holding(symbol="NWRB", isin=None, quantity=Decimal(2))])
    _, (intent,) = desk.intend(followed(code=code))
    assert (intent.side, intent.quantity) == (("buy", 24) if code == "P" else ("sell", 7))


def test_shares_that_the_bot_did_not_buy_are_not_sold(desk: Desk) -> None:
    desk.broker.held = [position(quantity=7)]
    reason = "the shares held were not bought by this bot, and it sells no others"
    assert desk.verdict(followed(code="S")) == Skip(rule="not_held", reason=reason)


def test_an_order_of_ours_that_already_sells_leaves_nothing_to_sell(desk: Desk) -> None:
    desk.broker.held = [position(quantity=7)]
    bought(desk.store, 7)
    settled, intents = desk.intend(followed(code="S"))
    desk.store.record(settled, intents, MORNING)
    assert desk.verdict(followed(code="S", filed_on=date(2026, 3, 3))).rule == "not_held"


def test_the_cash_of_one_plan_is_spent_once(desk: Desk) -> None:
    desk.broker.cash = Decimal(1500)
    settled, intents = desk.intend(followed(), followed(symbol="HLCN"))
    assert len(intents) == 1
    assert {type(each.verdict) for each in settled} == {Signal, Skip}


def test_yeses_without_the_instant_they_became_public_do_not_stop_the_others(desk: Desk) -> None:
    settled, intents = desk.intend(followed(), followed(known_at=None, owner="Brandt Ilse"))
    assert [isinstance(decision.verdict, Skip) for decision in settled] == [False, True]
    assert len(intents) == 1


# -- at a venue in another currency


@pytest.fixture
def abroad() -> Iterator[Desk]:
    """An account in EUR at a venue that quotes 37 EUR, where 1 EUR is 1.08 USD: 39.96 USD."""
    made = Desk(Exchange(EUR_USD="1.08"))
    made.broker.currency = "EUR"
    made.broker.quoted = quote(bid=Decimal("36.95"), ask=Decimal("37.05"), currency="EUR")
    yield made
    made.database.close()


def test_a_trade_followed_in_another_currency_is_sized_by_the_ask_of_the_venue(abroad: Desk) -> None:
    (settled,), (intent,) = abroad.intend(followed(price=Decimal(40), value=Decimal(40_000)))
    assert (intent.quantity, intent.currency) == (26, "EUR")  # 1,000 EUR at 37.05
    assert settled.evidence["exchange"] == (
        "quoted at 37.00 EUR = 39.96 USD (invented of 2026-03-03: 1 EUR = 1.08 USD), "
        "0.1 % off the last US price known, 40.00 USD (reported for 2026-02-27)"
    )


def test_the_last_us_quote_known_is_newer_than_the_report(abroad: Desk) -> None:
    abroad.prices.price("NWRB", NOW - timedelta(days=1), "38.5")
    (settled,), intents = abroad.intend(followed(price=Decimal(50), value=Decimal(50_000)), now=NOW)
    assert len(intents) == 1
    assert "3.8 % off the last US price known, 38.50 USD (quoted 2026-03-02" in settled.evidence["exchange"]


@pytest.mark.parametrize(
    ("reported", "follows"), [("38.06", True), ("38.05", False), ("42.06", True), ("42.07", False)]
)
def test_a_quote_more_than_five_percent_off_the_us_price_is_not_of_that_share(
    abroad: Desk, reported: str, follows: bool
) -> None:
    price = Decimal(reported)
    verdict = abroad.verdict(followed(price=price, value=price * 1000))
    assert isinstance(verdict, Signal) is follows
    if not follows:
        assert (verdict.rule, verdict.final) == ("quarantined", False)
        assert "off the last US price known" in verdict.reason
        assert plain(verdict.figures)["reported"] == reported
        assert set(verdict.figures) == {"reported", "reported_in", "bid", "ask", "currency", "rate"}


def test_no_rate_no_order(abroad: Desk) -> None:
    abroad.trader = replace(abroad.trader, rates=Exchange(EUR_CHF="0.95"))
    assert abroad.verdict(followed()) == Skip(
        rule="no_quote", reason="it is quoted in EUR, and no rate to USD is known for this day", final=False
    )


def test_rates_out_of_reach_are_a_reason_that_may_pass(abroad: Desk) -> None:
    abroad.trader = replace(abroad.trader, rates=Exchange(error=RatesError("nobody answers")))
    assert abroad.verdict(followed()) == Skip(rule="no_quote", reason="nobody answers", final=False, outage=True)


def test_a_trade_that_names_no_currency_is_taken_for_one_in_the_currency_of_its_share(abroad: Desk) -> None:
    verdict = abroad.verdict(followed(currency=None, price=Decimal(400), value=Decimal(400_000)))
    assert "off the last US price known, 400.00 USD" in verdict.reason


def test_no_rate_is_asked_for_where_the_currencies_agree() -> None:
    desk = Desk(Exchange(error=AssertionError("asked")))
    assert len(desk.intend(followed())[1]) == 1
    desk.database.close()


def test_a_trade_without_any_price_cannot_be_compared_and_is_not_followed(abroad: Desk) -> None:
    verdict = abroad.verdict(followed(price=None, value=None))
    assert (verdict.rule, verdict.reason) == (
        "quarantined",
        "no price in USD is known to compare the 37.00 EUR with",
    )


class Throttled(ScriptedBroker):
    """A broker that quotes one share only."""

    error: type[BrokerError] = BrokerError

    def quote(self, instrument: Instrument, at: datetime) -> Quote | None:
        if instrument.symbol != "NWRB":
            raise self.error("too many requests")
        return super().quote(instrument, at)


def test_a_quote_that_cannot_be_had_does_not_keep_the_others_waiting(desk: Desk) -> None:
    desk.trader = replace(desk.trader, broker=Throttled())
    settled, intents = desk.intend(followed(symbol="HLCN"), followed())
    assert settled[0].verdict == Skip(rule="no_quote", reason="too many requests", final=False, outage=True)
    assert [intent.instrument.symbol for intent in intents] == ["NWRB"]


def test_an_answer_that_is_not_paper_stops_the_plan(desk: Desk) -> None:
    broker = Throttled()
    broker.error = NotPaperError
    desk.trader = replace(desk.trader, broker=broker)
    with pytest.raises(NotPaperError):
        desk.intend(followed(symbol="HLCN"))


def test_a_venue_that_is_closed_by_its_own_word_gets_no_order(desk: Desk) -> None:
    desk.broker.shut = "gettex is closed until Tuesday"
    assert desk.verdict(followed()) == Skip(rule="limit", reason="gettex is closed until Tuesday", final=False)


def test_a_position_is_recognised_by_its_isin_where_both_have_one(desk: Desk) -> None:
    here, other = "US6655311099", "US0378331005"
    desk.mapper.answers["NWRB"] = instrument("NWRB", isin=here)
    desk.broker.held = [
        replace(position("NORTHWIND ROBOTICS", quantity=7), isin=here),
        replace(position("NWRB", quantity=9), isin=other),
    ]
    bought(desk.store, 7, isin=here)
    bought(desk.store, 9, isin=other)
    _, (intent,) = desk.intend(followed(code="S"))
    assert intent.quantity == 7


def test_what_an_order_that_the_broker_may_not_know_of_will_cost_is_not_spent_twice(desk: Desk) -> None:
    desk.broker.cash = Decimal(1500)
    settled, intents = desk.intend(followed())
    desk.store.record(settled, intents, MORNING)  # and the process dies before it is sent
    assert desk.verdict(followed(symbol="HLCN")).rule == "cash"


def test_a_late_witness_of_a_purchase_already_decided_does_not_forbid_a_sale(desk: Desk) -> None:
    settled, intents = desk.intend(followed())
    desk.store.record(settled, intents, MORNING)
    for before, after in ((OrderStatus.INTENT, OrderStatus.SUBMITTING), (OrderStatus.SUBMITTING, OrderStatus.EXPIRED)):
        order = desk.store.order(intents[0].client_order_id)
        assert order.status is before
        desk.store.move(order, replace(order, status=after))
    desk.broker.held = [position(quantity=7)]
    bought(desk.store, 7)
    sale = followed(code="S", owner="Brandt Ilse", filed_on=date(2026, 3, 3))
    settled, (intent,) = desk.intend(followed(owner="Late Witness"), sale)
    assert intent.side.value == "sell"


# -- how large


def test_a_buy_is_sized_by_the_sizing_that_is_set_and_says_so() -> None:
    desk = Desk(sizing=FixedQuantity(7))
    (settled,), (intent,) = desk.intend(followed())
    assert (intent.quantity, settled.evidence["size"][:8]) == (7, "7 shares")
    desk.database.close()


def test_equal_weight_goes_by_what_the_account_is_worth_now() -> None:
    desk = Desk(sizing=EqualWeight(20))
    desk.broker.cash = Decimal(10_000)
    desk.broker.held = [position("HLCN", quantity=100)]  # worth 3,998 at their bid
    (settled,), (intent,) = desk.intend(followed())
    assert intent.quantity == 17
    assert settled.evidence["size"].startswith("1/20 of 13,998.00 USD, 699.90 USD at an ask of 40.02 USD: 17 ")
    assert plain(settled.evidence["figures"]) == {
        "quantity": "17", "value": "680.34", "cost": "680.34", "ask": "40.02", "currency": "USD", "fee": "0",
        "equity": "13998", "positions": 20,
    }  # fmt: skip
    desk.database.close()


def test_inverse_volatility_goes_by_the_closes_of_the_price_files() -> None:
    desk = Desk(sizing=InverseVolatility(Decimal("0.3")))
    assert desk.verdict(followed()).reason == (
        "its volatility is not known: 0 of its last 20 closes are known (BOT_PRICES)"
    )
    days = Weekdays().between(date(2026, 1, 20), date(2026, 3, 2))
    for number, session in enumerate(days):
        desk.prices.price("NWRB", session.closes, "40" if number % 2 else "42")
    (settled,), (intent,) = desk.intend(followed())
    assert (intent.quantity, settled.evidence["size"][:40]) == (9, "1,000.00 USD x 0.38 (volatility 79.5%, t")
    assert (f"{settled.evidence['figures']['volatility']:.1%}", settled.evidence["figures"]["notional"]) == (
        "79.5%",
        1000,
    )
    desk.database.close()


@pytest.mark.parametrize("sizing", [FixedQuantity(300), EqualWeight(2), FixedNotional()])
def test_the_limits_hold_however_a_buy_is_sized(sizing: Any) -> None:
    desk = Desk(sizing=sizing, notional=Decimal(12_000))
    verdict = desk.verdict(followed())
    assert (verdict.rule, "BOT_MAX_ORDER_VALUE" in verdict.reason) == ("limit", True)
    desk.database.close()


@pytest.mark.parametrize(("sizing", "follows"), [(FixedNotional(), True), (FixedQuantity(10), False)])
def test_an_open_buy_without_a_quote_counts_as_much_as_it_may_cost(sizing: Any, follows: bool) -> None:
    desk = Desk(sizing=sizing)
    settled, intents = desk.intend(followed(symbol="HLCN"))
    desk.store.record(settled, intents, MORNING)  # for 1,000, or for anything up to the limit of 10,000
    desk.trader = replace(desk.trader, broker=Silent(), limits=Limits(day_value=Decimal(3000)))
    verdict = desk.verdict(followed())
    assert isinstance(verdict, Signal) is follows
    desk.database.close()


class Silent(ScriptedBroker):
    """A broker that has no quote of one share."""

    def quote(self, instrument: Instrument, at: datetime) -> Quote | None:
        return super().quote(instrument, at) if instrument.symbol == "NWRB" else None


def test_sizing_and_exits_of_the_settings_are_those_in_force(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    chosen = {"sizing": "equal:20", "exit_after": 20, "stop": Decimal("0.15")}
    settings = Settings.of(sources=(f"files:{tmp_path}/saved",), **chosen)
    with opened(settings, clock=lambda: NOW, fresh=True) as parts:
        for bot in (parts.looking(), parts.acting()):
            policy = bot.trader.policy
            assert (policy.sizing, policy.exits) == (EqualWeight(20), Exits(after=20, stop=Decimal("0.15")))


def test_without_settings_a_buy_is_the_usual_amount_and_nothing_exits(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    with opened(Settings.of(sources=(f"files:{tmp_path}/saved",)), clock=lambda: NOW, fresh=True) as parts:
        policy = parts.looking().trader.policy
        assert (policy.sizing, policy.notional, policy.exits) == (FixedNotional(), 1000, Exits())
