"""Every limit and guard within a whole plan: what it refuses, and that without it the order would be there."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot import limits as module
from bot.limits import GUARDS, Breach, Drawdown, Limits
from bot.model import Decision, OrderStatus, Side, Signal, Skip
from bot.orders import client_order_id
from tests.builders import KNOWN_AT, instrument, intent
from tests.fakes import bought, position
from tests.test_limits import Remembers
from tests.test_trader import MORNING, OPENS, Desk, followed

TODAY, YESTERDAY = OPENS.date(), MORNING - timedelta(days=1)
COST = Decimal("960.48")  # of 24 shares at 40.02
OPEN = [status for status in OrderStatus if not status.is_final]
OVER = [OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED]


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.database.close()


def limited(desk: Desk, **changes: Any) -> None:
    """These limits instead of the usual ones."""
    desk.trader = replace(desk.trader, limits=Limits(**changes))


def unquoted(desk: Desk, symbol: str) -> None:
    """The broker has no quote of this share."""
    ask = desk.broker.quote
    desk.broker.quote = lambda share, at: None if share.symbol == symbol else ask(share, at)  # type: ignore[method-assign]


def past(
    desk: Desk, status: OrderStatus, *, symbol: str = "HLCN", price: str | None = None, at: datetime = YESTERDAY,
    session: date = TODAY, side: Side = Side.BUY,
) -> None:  # fmt: skip
    """An order of 24 shares from an earlier cycle; with a price it is filled."""
    decided = f"d-{len(desk.store.orders()):024}"
    placed = intent(
        decision_id=decided,
        client_order_id=client_order_id(decided),
        instrument=instrument(symbol),
        side=side,
        session=session,
        created_at=at,
    )
    desk.store.record([], [placed], at)
    begun = placed.order()
    filled = Decimal(24 if price else 0)
    desk.store.move(
        begun,
        replace(begun, status=status, filled=filled, price=Decimal(price) if price else None, updated_at=at),
    )


def too_large(desk: Desk) -> None:
    limited(desk, order_value=COST - 1)


def much_held(desk: Desk) -> None:
    desk.broker.held = [position(quantity=24)]
    limited(desk, name_value=2 * COST - 1)


def much_wanted_by_others(desk: Desk) -> None:
    theirs = replace(intent().order(), client_order_id="", status=OrderStatus.PARTIAL, quantity=Decimal(30))
    sold, elsewhere = replace(theirs, side=Side.SELL), replace(theirs, symbol="HLCN")
    desk.others += [replace(theirs, filled=Decimal(6)), sold, elsewhere]
    limited(desk, name_value=2 * COST - 1)


def much_bought(desk: Desk) -> None:
    past(desk, OrderStatus.FILLED, symbol="NWRB", price="40.02", session=YESTERDAY.date())
    limited(desk, name_value=2 * COST - 1)


def many_in_the_cycle(desk: Desk) -> None:
    limited(desk, cycle_orders=1)


def many_in_the_day(desk: Desk) -> None:
    past(desk, OrderStatus.EXPIRED)
    limited(desk, day_orders=1)


def much_in_the_day(desk: Desk) -> None:
    past(desk, OrderStatus.SUBMITTING)
    limited(desk, day_value=2 * COST - 1)


def a_loss(desk: Desk) -> None:
    long_ago = MORNING - timedelta(days=40)
    past(desk, OrderStatus.FILLED, symbol="NWRB", price="40", at=long_ago, session=long_ago.date())
    past(desk, OrderStatus.FILLED, symbol="NWRB", price="39", side=Side.SELL, session=YESTERDAY.date())


def a_reserve(desk: Desk) -> None:
    desk.broker.cash = Decimal(1500)
    limited(desk, cash_reserve=Decimal(540))


def a_fall(desk: Desk) -> None:
    highest = Remembers({"highest worth of paper in USD": "125001"})
    desk.trader = replace(desk.trader, drawdown=Drawdown(highest, Decimal("0.2")))


def a_burst(desk: Desk) -> None:
    limited(desk, burst=1)


EARLIER = followed(symbol="TDWT", known_at=KNOWN_AT - timedelta(minutes=1))
Arrange = Callable[[Desk], None]
WITHIN: list[tuple[str, Arrange, str]] = [  # guard, what is there, words of the refusal
    ("within_order_value", too_large, "960.48 USD; no order may be worth more than 959.48 USD"),
    ("within_name_value", much_held, "NWRB held or on order would come to 1,920.96 USD; at most 1,919.96 USD"),
    (
        "within_name_value",
        much_wanted_by_others,
        "NWRB held or on order would come to 1,920.96 USD; at most 1,919.96 USD",
    ),
    ("within_name_value", much_bought, "NWRB bought within 30 days would come to 1,920.96 USD; at most 1,919.96 USD"),
    ("within_cycle_orders", many_in_the_cycle, "1 buys in one cycle"),
    ("within_day_orders", many_in_the_day, "1 buys for the session of 2026-03-03"),
    ("within_day_value", much_in_the_day, "2026-03-03 would come to 1,920.96 USD; at most 1,919.96 USD"),
    ("cooled_down", a_loss, "NWRB was sold at a loss on 2026-03-02"),
    ("within_cash", a_reserve, "only 1,500.00 USD is available, of which 540.00 USD stay"),
    ("drawdown", a_fall, "the account is worth 100,000.00 USD, 20.0% below the 125,001.00 it was worth"),
    ("burst", a_burst, "2 new orders in one cycle, more than 1 (BOT_BURST): none is placed"),
]
NAMES = [arrange.__name__ for _, arrange, _ in WITHIN]


def wished(guard: str) -> list[Decision]:
    """The buy in question; where it is one too many, after another one."""
    return [EARLIER, followed()] if guard in {"within_cycle_orders", "burst"} else [followed()]


def without(guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard is taken away: it allows everything."""
    if guard == "drawdown":
        monkeypatch.setattr(Drawdown, "refusal", lambda *_: None)
    elif guard == "burst":
        monkeypatch.setattr(module, "burst", lambda *_: None)
    else:
        monkeypatch.setattr(module, "GUARDS", tuple(each for each in GUARDS if each.__name__ != guard))


def test_every_guard_is_within_a_plan() -> None:
    assert {guard for guard, _, _ in WITHIN} == {guard.__name__ for guard in GUARDS} | {"drawdown", "burst"}


@pytest.mark.parametrize(("guard", "arrange", "words"), WITHIN, ids=NAMES)
def test_a_guard_refuses_the_order_and_says_why(desk: Desk, guard: str, arrange: Arrange, words: str) -> None:
    arrange(desk)
    settled, intents = desk.intend(*wished(guard))
    verdict = settled[-1].verdict
    assert isinstance(verdict, Skip)
    assert (verdict.rule, verdict.final) == ("cash" if guard == "within_cash" else "limit", True)
    assert words in verdict.reason
    assert [placed.instrument.symbol for placed in intents] == (["TDWT"] if guard == "within_cycle_orders" else [])
    assert settled[-1].client_order_id is None


@pytest.mark.parametrize(("guard", "arrange", "words"), WITHIN, ids=NAMES)
def test_without_the_guard_the_order_is_there(
    desk: Desk, guard: str, arrange: Arrange, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(guard, monkeypatch)
    arrange(desk)
    settled, intents = desk.intend(*wished(guard))
    assert isinstance(settled[-1].verdict, Signal)
    assert "NWRB" in {placed.instrument.symbol for placed in intents}


@pytest.mark.parametrize("status", OPEN)
def test_an_order_that_is_not_over_counts_in_full_whatever_is_known_of_it(desk: Desk, status: OrderStatus) -> None:
    past(desk, status)
    limited(desk, day_value=2 * COST - 1)
    assert desk.verdict(followed()).rule == "limit"
    limited(desk, day_value=2 * COST)
    assert isinstance(desk.verdict(followed()), Signal)


@pytest.mark.parametrize("status", OVER)
def test_an_order_that_came_to_nothing_is_worth_nothing(desk: Desk, status: OrderStatus) -> None:
    past(desk, status)
    limited(desk, day_value=COST)
    assert isinstance(desk.verdict(followed()), Signal)


def test_an_order_whose_share_has_no_quote_counts_with_the_size_of_a_buy(desk: Desk) -> None:
    unquoted(desk, "HLCN")
    past(desk, OrderStatus.SUBMITTING)
    limited(desk, day_value=1000 + COST - 1)
    assert "would come to 1,960.48 USD" in desk.verdict(followed()).reason


def test_orders_in_another_currency_are_another_accounts(desk: Desk) -> None:
    past(desk, OrderStatus.WORKING)
    desk.broker.currency = "EUR"
    desk.broker.quoted = replace(desk.broker.quote(instrument(), MORNING), currency="EUR")
    limited(desk, day_orders=1)
    desk.trader = replace(desk.trader, rates=type(desk.trader.rates)(EUR_USD="1"))
    assert isinstance(desk.verdict(followed()), Signal)


ANY: list[Arrange] = [too_large, many_in_the_day, much_in_the_day, a_loss, a_reserve, a_fall]


@pytest.mark.parametrize("arrange", ANY, ids=[each.__name__ for each in ANY])
def test_no_limit_keeps_a_share_from_being_sold(desk: Desk, arrange: Arrange) -> None:
    desk.broker.held = [position(quantity=24)]
    bought(desk.store)
    arrange(desk)
    _, (placed,) = desk.intend(followed(code="S"))
    assert placed.side is Side.SELL


def test_a_burst_refuses_everything_sales_and_witnesses_as_well_and_is_a_breach(desk: Desk) -> None:
    desk.broker.held = [position("HLCN")]
    bought(desk.store, symbol="HLCN")
    limited(desk, burst=1)
    witness, sale = followed(owner="Brandt Ilse"), followed(code="S", symbol="HLCN")
    settled, intents = desk.intend(followed(), witness, sale)
    assert intents == []
    assert {type(each.verdict) for each in settled} == {Breach}
    assert {each.client_order_id for each in settled} == {None}


def test_what_a_limit_refuses_is_new_as_well(desk: Desk) -> None:
    limited(desk, burst=1, order_value=Decimal(1))
    settled, _ = desk.intend(EARLIER, followed())
    assert [each.verdict.reason[:10] for each in settled] == ["it would b", "it would b"]
    limited(desk, burst=1, cycle_orders=1)
    settled, intents = desk.intend(EARLIER, followed())
    assert intents == []
    assert isinstance(settled[0].verdict, Breach)


def test_what_is_not_held_makes_no_burst(desk: Desk) -> None:
    limited(desk, burst=1)
    _, intents = desk.intend(followed(), followed(code="S", symbol="HLCN"), followed(code="S", symbol="TDWT"))
    assert len(intents) == 1


def test_a_worth_that_is_not_known_waits(desk: Desk) -> None:
    desk.trader = replace(desk.trader, drawdown=Drawdown(Remembers(), Decimal("0.2")))
    desk.broker.held = [replace(position("HLCN"), currency="USD")]
    unquoted(desk, "HLCN")
    verdict = desk.verdict(followed())
    assert (verdict.rule, verdict.final) == ("limit", False)


def test_a_limit_is_told_after_the_size_it_is_about(desk: Desk) -> None:
    too_large(desk)
    (settled,), _ = desk.intend(followed())
    assert settled.evidence["size"].startswith("1,000.00 USD at an ask of 40.02 USD: 24 whole shares")
