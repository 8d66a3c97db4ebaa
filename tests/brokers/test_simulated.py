"""The simulated broker: fills at prices somebody could have had, and books that add up to the cent."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import ConfigError, OrderRefusedError
from bot.http import Http
from bot.model import Order, OrderIntent, OrderStatus, Side, Terms
from bot.plugins import Kit
from bot.settings import Settings
from bot.store.database import Database, open_database
from bot.store.paper import PaperBooks
from brokers.simulated import SimulatedBroker
from brokers.simulated import broker as factory
from tests.builders import instrument, intent
from tests.fakes import Quotes, Time

EVENING = datetime(2026, 3, 3, 23, 0, tzinfo=UTC)
OPENS = intent().valid_from
CLOSES = intent().valid_until
CASH = Decimal(10_000)


class Account:
    """A simulated account with its clock, its quotes and its books."""

    def __init__(self, database: Database, *, spread: str = "0", cash: Decimal = CASH) -> None:
        self.time = Time(EVENING)
        self.quotes = Quotes()
        self.quotes.price("NWRB", EVENING - timedelta(hours=2), "40")
        self.book = PaperBooks(database, cash)
        self.broker = SimulatedBroker(
            book=self.book,
            prices=self.quotes,
            clock=self.time,
            conditions=Terms(fee=Decimal(1), minimum=Decimal(50)),
            spread=Decimal(spread),
        )

    def send(self, wanted: OrderIntent) -> Order:
        """Submit and activate."""
        placed = self.broker.submit(wanted)
        assert placed.broker_order_id is not None
        self.broker.activate(placed.broker_order_id)
        return self.look(wanted)

    def look(self, wanted: OrderIntent) -> Order:
        found = self.broker.find(wanted.order())
        assert found is not None
        return found

    def at(self, now: datetime) -> "Account":
        self.time.now = now
        return self

    def bought(self, quantity: int = 24) -> "Account":
        """The same account after a purchase at 40, and two days later."""
        wanted = buy(quantity, n=90)
        self.quotes.price("NWRB", OPENS, "40")
        self.send(wanted)
        assert self.at(OPENS).look(wanted).status is OrderStatus.FILLED
        return self


def buy(quantity: int = 24, *, n: int = 1, **changes: object) -> OrderIntent:
    ids = {"client_order_id": f"itb-{n:026}", "decision_id": f"d-{n:024}"}
    return intent(quantity=Decimal(quantity), **(ids | changes))


def sell(quantity: int = 24, *, n: int = 2) -> OrderIntent:
    """For the session after the one in which `buy()` is filled."""
    day = timedelta(days=1)
    return buy(quantity, n=n, side=Side.SELL, valid_from=OPENS + day, valid_until=CLOSES + day)


@pytest.fixture
def database() -> Iterator[Database]:
    opened = open_database("sqlite:///:memory:")
    yield opened
    opened.close()


@pytest.fixture
def account(database: Database) -> Account:
    return Account(database)


@pytest.fixture
def spread(database: Database) -> Account:
    """With 1 % between bid and ask."""
    return Account(database, spread="0.01")


# -- from placed to filled


def test_an_order_rests_until_it_is_activated(account: Account) -> None:
    account.broker.submit(buy())
    account.quotes.price("NWRB", OPENS, "41")
    assert account.at(OPENS).look(buy()).status is OrderStatus.INACTIVE
    assert account.broker.positions() == []
    assert account.broker.account().cash == CASH


def test_an_active_order_waits_for_its_session(account: Account) -> None:
    assert account.send(buy()).status is OrderStatus.WORKING
    assert account.at(OPENS - timedelta(seconds=1)).look(buy()).status is OrderStatus.WORKING


def test_it_is_filled_at_the_open_of_its_session_however_late_one_looks(account: Account) -> None:
    account.send(buy())
    account.quotes.price("NWRB", OPENS, "41")
    account.quotes.price("NWRB", OPENS + timedelta(hours=1), "45")
    order = account.at(CLOSES + timedelta(days=3)).look(buy())
    assert (order.status, order.filled, order.price, order.fee) == (OrderStatus.FILLED, 24, 41, 1)
    assert account.broker.account().cash == CASH - 24 * 41 - 1
    (held,) = account.broker.positions()
    assert (held.symbol, held.quantity, held.average_price) == ("NWRB", 24, 41)


def test_during_its_session_it_is_filled_at_the_price_of_the_moment(account: Account) -> None:
    account.quotes.price("NWRB", OPENS, "41")
    account.quotes.price("NWRB", OPENS + timedelta(minutes=110), "42")
    account.quotes.price("NWRB", OPENS + timedelta(hours=3), "43")
    order = account.at(OPENS + timedelta(hours=2)).send(buy())
    assert (order.status, order.price) == (OrderStatus.FILLED, 42)


def test_activated_in_its_session_it_waits_for_a_price_of_its_own_time(account: Account) -> None:
    """The open of hours ago is a price that nobody could have had."""
    account.quotes.price("NWRB", OPENS, "41")
    assert account.at(OPENS + timedelta(hours=2)).send(buy()).status is OrderStatus.WORKING
    account.quotes.price("NWRB", OPENS + timedelta(hours=3), "43")
    account.quotes.price("NWRB", OPENS + timedelta(hours=4), "99")
    order = account.at(OPENS + timedelta(hours=5)).look(buy())
    assert (order.status, order.price) == (OrderStatus.FILLED, 43)


@pytest.mark.parametrize("minutes", [10, 60, 300])
def test_when_somebody_looks_makes_no_difference(account: Account, minutes: int) -> None:
    account.send(buy())
    account.quotes.price("NWRB", OPENS + timedelta(minutes=5), "41")
    account.quotes.price("NWRB", OPENS + timedelta(minutes=30), "99")
    order = account.at(OPENS + timedelta(minutes=minutes)).look(buy())
    assert (order.status, order.price) == (OrderStatus.FILLED, 41)


def test_the_price_of_the_evening_before_fills_nothing(account: Account) -> None:
    account.send(buy())
    assert account.at(OPENS + timedelta(hours=1)).look(buy()).status is OrderStatus.WORKING
    account.quotes.price("NWRB", OPENS + timedelta(hours=2), "41")
    order = account.at(OPENS + timedelta(hours=3)).look(buy())
    assert (order.status, order.price) == (OrderStatus.FILLED, 41)


def test_without_a_price_by_the_close_it_expires(account: Account) -> None:
    account.send(buy())
    account.quotes.price("NWRB", CLOSES + timedelta(minutes=1), "41")
    order = account.at(CLOSES + timedelta(hours=1)).look(buy())
    assert (order.status, order.reason) == (OrderStatus.EXPIRED, "no price in its session")
    assert account.broker.account().cash == account.broker.account().available == CASH


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=1)])
def test_activated_after_the_close_it_is_never_filled(account: Account, late: timedelta) -> None:
    account.quotes.price("NWRB", OPENS, "41")
    account.quotes.price("NWRB", CLOSES, "42")
    assert account.at(CLOSES + late).send(buy()).status is OrderStatus.EXPIRED
    assert account.broker.positions() == []


def test_a_price_in_another_currency_fills_nothing(account: Account) -> None:
    account.send(buy())
    account.quotes.price("NWRB", OPENS, "41")
    account.quotes.known[-1] = replace(account.quotes.known[-1], currency="EUR")
    assert account.at(OPENS).look(buy()).status is OrderStatus.WORKING


# -- costs


def test_a_buy_pays_half_the_spread_more_and_a_sale_gets_half_of_it_less(spread: Account) -> None:
    spread.send(buy())
    spread.quotes.price("NWRB", OPENS, "40")
    assert spread.at(OPENS).look(buy()).price == Decimal("40.2")
    spread.send(sell())
    spread.quotes.price("NWRB", sell().valid_from, "50")
    assert spread.at(sell().valid_from).look(sell()).price == Decimal("49.75")
    assert spread.broker.account().cash == CASH - 24 * Decimal("40.2") + 24 * Decimal("49.75") - 2
    assert spread.broker.positions() == []


def test_a_quote_shows_the_spread(spread: Account) -> None:
    quote = spread.broker.quote(instrument(), EVENING)
    assert quote is not None
    assert (quote.bid, quote.ask) == (Decimal("39.8"), Decimal("40.2"))
    assert spread.broker.quote(instrument("HLCN"), EVENING) is None


def test_open_buys_are_reserved_with_their_fee(account: Account) -> None:
    account.broker.submit(buy(100, n=1))
    account.send(buy(50, n=2))
    assert account.broker.account().cash == CASH
    assert account.broker.account().available == CASH - 150 * 40 - 2


def test_an_order_that_was_never_activated_reserves_nothing_after_its_session(account: Account) -> None:
    account.broker.submit(buy(100))
    assert account.at(CLOSES).broker.account().available == CASH


# -- refusals


def test_the_last_cent_can_be_spent_and_not_one_more(database: Database) -> None:
    exact = Account(database, cash=Decimal(961))
    with pytest.raises(OrderRefusedError, match=r"insufficient funds: 1,001\.00 needed, 961\.00 USD available"):
        exact.broker.submit(buy(25, n=1))
    exact.broker.submit(buy(24, n=2))
    with pytest.raises(OrderRefusedError, match=r"0\.00 USD available"):
        exact.broker.submit(buy(2, n=3))


def test_below_the_smallest_order_nothing_is_placed(account: Account) -> None:
    with pytest.raises(OrderRefusedError, match=r"worth 40\.00 USD, below the smallest order of 50\.00"):
        account.broker.submit(buy(1))
    assert account.broker.find(buy(1).order()) is None


def test_without_a_quote_nothing_is_placed(account: Account) -> None:
    with pytest.raises(OrderRefusedError, match="there is no quote for HLCN in USD"):
        account.broker.submit(buy(instrument=instrument("HLCN")))


def test_what_is_not_held_is_not_sold(account: Account) -> None:
    with pytest.raises(OrderRefusedError, match="24 shares to sell, 0 held"):
        account.broker.submit(sell())
    account.bought(24)
    with pytest.raises(OrderRefusedError, match="25 shares to sell, 24 held"):
        account.broker.submit(sell(25))


def test_shares_are_not_sold_twice(account: Account) -> None:
    account.bought(24)
    account.broker.submit(sell(20, n=2))
    with pytest.raises(OrderRefusedError, match="5 shares to sell, 4 held"):
        account.broker.submit(sell(5, n=3))
    account.broker.submit(sell(4, n=4))


def test_an_open_that_gaps_above_the_cash_rejects_the_order_and_costs_nothing(account: Account) -> None:
    account.send(buy(240))
    account.quotes.price("NWRB", OPENS, "42")
    order = account.at(OPENS).look(buy(240))
    assert order.status is OrderStatus.REJECTED
    assert order.reason == "insufficient funds: 10,081.00 needed, 10,000.00 USD available"
    assert account.broker.account().available == CASH
    assert account.broker.positions() == []


# -- twice


def test_the_same_id_again_is_the_same_order(account: Account) -> None:
    first = account.broker.submit(buy())
    assert account.broker.submit(buy()) == first
    assert account.broker.account().available == CASH - 24 * 40 - 1


def test_a_second_activation_changes_nothing(account: Account) -> None:
    once = account.send(buy())
    account.at(EVENING + timedelta(minutes=1))
    assert account.send(buy()) == once
    account.quotes.price("NWRB", OPENS, "41")
    filled = account.at(OPENS).look(buy())
    assert account.at(OPENS + timedelta(hours=1)).send(buy()) == filled


def test_a_stale_activation_does_not_open_a_filled_order_again(account: Account) -> None:
    """Two looks at the same moment: one of them has read the order as inactive before the other fills it."""
    resting = account.broker.submit(buy())
    account.quotes.price("NWRB", OPENS, "41")
    account.at(OPENS).send(buy())
    account.book.change(resting, OrderStatus.INACTIVE)
    assert account.look(buy()).status is OrderStatus.FILLED
    assert account.broker.account().cash == CASH - 24 * 41 - 1


def test_many_looks_at_once_fill_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.db"
    wanted = buy()
    databases = [open_database(url) for _ in range(4)]
    accounts = [Account(database) for database in databases]
    accounts[0].send(wanted)
    together = threading.Barrier(len(accounts))

    def look(account: Account) -> None:
        account.quotes.price("NWRB", OPENS, "41")
        account.at(OPENS)
        together.wait()
        account.send(wanted)

    threads = [threading.Thread(target=look, args=(account,)) for account in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accounts[0].broker.account().cash == CASH - 24 * 41 - 1
    assert [position.quantity for position in accounts[0].broker.positions()] == [24]
    for database in databases:
        database.close()


# -- canceling and listing


def test_a_canceled_order_gives_back_what_it_had_reserved(account: Account) -> None:
    left = account.broker.account().available
    account.send(buy())
    assert account.broker.account().available < left
    account.broker.cancel(f"sim-{buy().client_order_id}")
    order = account.look(buy())
    assert (order.status, order.reason, order.updated_at) == (OrderStatus.CANCELED, "canceled", EVENING)
    assert account.broker.account().available == left


def test_the_market_comes_first_however_late_one_looks(account: Account) -> None:
    account.send(buy())
    account.quotes.price("NWRB", OPENS, "41")
    account.at(OPENS + timedelta(hours=1)).broker.cancel(f"sim-{buy().client_order_id}")
    assert account.look(buy()).status is OrderStatus.FILLED
    assert account.broker.account().cash == CASH - 24 * 41 - 1


def test_an_order_that_nobody_activated_in_its_session_can_still_be_canceled(account: Account) -> None:
    account.broker.submit(buy())
    account.at(CLOSES + timedelta(days=9)).broker.cancel(f"sim-{buy().client_order_id}")
    assert account.look(buy()).status is OrderStatus.CANCELED


def test_an_order_is_canceled_though_somebody_activates_it_at_that_moment(account: Account) -> None:
    account.broker.submit(buy())
    other = replace(account.broker)

    class Meanwhile(PaperBooks):
        def change(self, order: Order, before: OrderStatus) -> None:
            if before is OrderStatus.INACTIVE:
                other.activate(f"sim-{buy().client_order_id}")
            super().change(order, before)

    crossed = replace(account.broker, book=Meanwhile(account.book._database, CASH))
    crossed.cancel(f"sim-{buy().client_order_id}")
    assert account.look(buy()).status is OrderStatus.CANCELED


def test_orders_are_listed_as_they_stand_now_and_oldest_first(account: Account) -> None:
    for n in (3, 1, 2):
        account.broker.submit(buy(n=n, quantity=2))
    account.send(buy(n=4, quantity=2))
    account.broker.cancel(f"sim-{buy(n=1).client_order_id}")
    account.quotes.price("NWRB", OPENS, "41")
    listed = account.at(OPENS).broker.orders(EVENING)
    assert [(order.client_order_id[-1], order.status.value) for order in listed] == [
        ("3", "inactive"),
        ("1", "canceled"),
        ("2", "inactive"),
        ("4", "filled"),
    ]


# -- books


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from([Side.BUY, Side.SELL]), st.integers(2, 60), st.integers(100, 20_000)),
        min_size=1,
        max_size=12,
    )
)
def test_cash_and_shares_are_conserved_whatever_is_traded(trades: list[tuple[Side, int, int]]) -> None:
    database = open_database("sqlite:///:memory:")
    account = Account(database)
    cash, held, cost = CASH, Decimal(0), Decimal(0)
    for n, (side, quantity, cents) in enumerate(trades):
        day = timedelta(days=7 * n)
        price = Decimal(cents) / 100
        wanted = buy(quantity, n=n, side=side, valid_from=OPENS + day, valid_until=CLOSES + day)
        account.at(EVENING + day).quotes.price("NWRB", EVENING + day, str(price))
        account.quotes.price("NWRB", OPENS + day, str(price))
        try:
            account.send(wanted)
        except OrderRefusedError:
            continue
        assert account.at(OPENS + day).look(wanted).status is OrderStatus.FILLED
        if side is Side.BUY:
            cash, held, cost = cash - quantity * price - 1, held + quantity, cost + quantity * price
        else:
            cash, held, cost = cash + quantity * price - 1, held - quantity, cost - cost * quantity / held
        assert account.broker.account().cash == cash >= 0
        positions = account.broker.positions()
        assert sum(position.quantity for position in positions) == held >= 0
        assert abs(sum(each.quantity * each.average_price for each in positions) - cost) < Decimal("1e-20")
    database.close()


def test_the_factory_takes_its_conditions_from_the_settings(database: Database) -> None:
    settings = Settings.model_validate({"simulated_fee": "2.5", "simulated_spread": "1%", "simulated_minimum": "7"})
    kit = Kit(settings=settings, clock=Time(), http=Http("tests"), prices=Quotes(), book=PaperBooks(database, CASH))
    built = factory(kit)
    assert built.terms() == Terms(fee=Decimal("2.5"), minimum=Decimal(7))
    assert built.spread == Decimal("0.01")


@pytest.mark.parametrize("missing", ["prices", "book"])
def test_the_factory_needs_prices_and_books(database: Database, missing: str) -> None:
    parts: dict[str, object] = {"prices": Quotes(), "book": PaperBooks(database, CASH)}
    parts[missing] = None
    with pytest.raises(ConfigError, match="a place for its account and quotes"):
        factory(Kit(settings=Settings.model_validate({}), clock=Time(), http=Http("tests"), **parts))  # type: ignore[arg-type]
