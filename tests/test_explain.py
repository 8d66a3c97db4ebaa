"""The chain behind a decision: filing, rules, instrument, size, the order's life - or the reason for none."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.errors import OrderRefusedError
from bot.explain import explain
from bot.model import OrderStatus, Skip
from bot.orders import Desk
from bot.plain import plain
from bot.store.database import open_database
from bot.store.repository import Repository
from tests.builders import NOW, decision, event, intent, order, trade
from tests.fakes import Fault, ScriptedBroker, Time

EVIDENCE = {
    "strategy": "an open-market purchase of 1,000 shares",
    "mapping": "one US share class",
    "session": "XNYS 2026-03-04",
    "size": "24 whole shares",
}
LIFE = [
    {"before": "intent", "after": "submitting", "reason": "", "at": plain(NOW)},
    {"before": "submitting", "after": "inactive", "reason": "", "at": plain(NOW)},
]


def followed(**changes: Any) -> Mapping[str, Any]:
    return decision(client_order_id="itb-" + "a" * 26, evidence=EVIDENCE, **changes).row()


def test_the_chain_goes_from_the_filing_to_the_fill() -> None:
    filled = order(status=OrderStatus.FILLED, filled=Decimal(24), price=Decimal("40.02"), fee=Decimal(1))
    filing = event(trade=trade(url="https://www.sec.gov/Archives/x.xml"))
    lines = explain(followed(event=filing), plain(filled), LIFE)
    assert lines[0].startswith("NWRB  Okafor Adaeze M, Chief Financial Officer: BUY   [e-NWRB/")
    assert lines[1:] == [
        "  filing      form 4 from invented, public since 2026-03-02 22:03 UTC: https://www.sec.gov/Archives/x.xml",
        "  rules       an open-market purchase of 1,000 shares",
        "  instrument  one US share class",
        "  session     XNYS 2026-03-04",
        "  size        24 whole shares",
        f"  order       itb-{'a' * 26}: buy 24 NWRB",
        "    2026-03-03 15:00:00 UTC  intent -> submitting",
        "    2026-03-03 15:00:00 UTC  submitting -> inactive",
        "    filled 24 at 40.02 USD, fee 1",
    ]


def test_a_refusal_ends_with_its_rule_and_reason() -> None:
    refused = decision(verdict=Skip(rule="more_than", reason="0.2 % of the holdings")).row()
    assert explain(refused, None, [])[-1] == "  no order    more_than: 0.2 % of the holdings"
    assert "skip (more_than)" in explain(refused, None, [])[0]


def test_a_refusal_after_the_rules_still_tells_which_they_were() -> None:
    refused = decision(verdict=Skip(rule="cash", reason="too dear"), evidence={"strategy": "it passed"}).row()
    assert explain(refused, None, [])[2:] == ["  rules       it passed", "  no order    cash: too dear"]


def test_a_reason_in_the_orders_life_is_told() -> None:
    life = [{"before": "submitting", "after": "rejected", "reason": "insufficient funds", "at": plain(NOW)}]
    rejected = plain(order(status=OrderStatus.REJECTED))
    lines = explain(followed(), rejected, life)
    assert lines[-1] == "    2026-03-03 15:00:00 UTC  submitting -> rejected  insufficient funds"


def test_what_a_source_does_not_say_is_named_as_missing() -> None:
    bare = trade(owner=None, title=None, known_at=None, accession=None, url=None)
    said = explain(decision(event=event(trade=bare, symbols=())).row(), None, [])
    assert said[0].startswith("no ticker  no name, no title: BUY")
    assert said[1] == "  filing      form 4 from invented, public since an unknown instant: 1 rows"


def test_the_accession_stands_in_for_an_address() -> None:
    numbered = event(trade=trade()._replace(accession="0001999501-26-000003"))
    assert explain(decision(event=numbered).row(), None, [])[1].endswith(": 0001999501-26-000003")


# -- the life of an order as it was written down


class Life:
    """One order at a broker of two steps, driven by the desk, which looks again after every hour that passes."""

    def __init__(self, store: Repository) -> None:
        self.broker = ScriptedBroker()
        self.time = Time()
        self._store = store
        self._desk = Desk(self.broker, store, self.time)

    def goes_on(self, hours: int = 1) -> None:
        """The desk looks, and so much time passes."""
        self._desk.work()
        self.time.now += timedelta(hours=hours)

    def ends_there(self, status: OrderStatus, reason: str) -> None:
        """The broker says that the order is over."""
        for key, known in self.broker.book.items():
            self.broker.book[key] = replace(known, status=status, reason=reason)

    def told(self) -> list[str]:
        """What is said of the order."""
        (row,) = self._store.decided()
        lines = explain(row, plain(self._store.order(KEY)), self._store.life(KEY))
        return lines[lines.index(f"  order       {KEY}: buy 24 NWRB") + 1 :]


KEY = "itb-" + "a" * 26
SENT = [
    "    2026-03-03 15:00:00 UTC  intent -> submitting",
    "    2026-03-03 15:00:00 UTC  submitting -> inactive",
    "    2026-03-03 15:00:00 UTC  inactive -> activating",
    "    2026-03-03 15:00:00 UTC  activating -> working",
]


@pytest.fixture
def life() -> Iterator[Life]:
    with closing(open_database("sqlite:///:memory:")) as database:
        store = Repository(database)
        store.record([decision(client_order_id=KEY)], [intent()], NOW)
        yield Life(store)


def filled(life: Life) -> None:
    life.goes_on()
    life.broker.fill(10, "40.02")
    life.goes_on()
    life.broker.fill(24, "40.01")
    life.goes_on()


def rejected(life: Life) -> None:
    life.broker.faults["submit"] = Fault(OrderRefusedError("not enough money"))
    life.goes_on()


def canceled(life: Life) -> None:
    life.goes_on()
    life.ends_there(OrderStatus.CANCELED, "canceled by somebody else")
    life.goes_on()


def expired(life: Life) -> None:
    life.goes_on()
    life.ends_there(OrderStatus.EXPIRED, "not filled by the end of its day")
    life.goes_on()


def never_sent(life: Life) -> None:
    life.time.now += timedelta(days=7)
    life.goes_on()


def canceled_after_a_fill(life: Life) -> None:
    life.goes_on()
    life.broker.fill(10, "40.02")
    life.ends_there(OrderStatus.CANCELED, "canceled by somebody else")
    life.goes_on()


def lost(life: Life) -> None:
    life.broker.faults["submit"] = Fault()
    life.goes_on()
    life.goes_on()


@pytest.mark.parametrize(
    ("lived", "told"),
    [
        (
            filled,
            [
                *SENT,
                "    2026-03-03 16:00:00 UTC  working -> partial",
                "    2026-03-03 17:00:00 UTC  partial -> filled",
                "    filled 24 at 40.01 USD, fee 1",
            ],
        ),
        (rejected, [SENT[0], "    2026-03-03 15:00:00 UTC  submitting -> rejected  not enough money"]),
        (canceled, [*SENT, "    2026-03-03 16:00:00 UTC  working -> canceled  canceled by somebody else"]),
        (expired, [*SENT, "    2026-03-03 16:00:00 UTC  working -> expired  not filled by the end of its day"]),
        (never_sent, ["    2026-03-10 15:00:00 UTC  intent -> expired  its session ended before it was sent"]),
        (
            canceled_after_a_fill,
            [
                *SENT,
                "    2026-03-03 16:00:00 UTC  working -> canceled  canceled by somebody else",
                "    filled 10 at 40.02 USD, fee 1",
            ],
        ),
        (
            lost,
            [
                SENT[0],
                "    2026-03-03 16:00:00 UTC  submitting -> intent",
                *(step.replace(" 15:", " 16:") for step in SENT),
            ],
        ),
    ],
    ids=["filled", "rejected", "canceled", "expired", "never sent", "canceled after a fill", "lost"],
)
def test_the_life_of_an_order_is_told_step_by_step(life: Life, lived: Callable[[Life], None], told: list[str]) -> None:
    lived(life)
    assert life.told() == told


def test_every_rule_is_told_with_whether_it_passed_and_what_it_is_made_of() -> None:
    parts = [
        {"name": "worth", "passed": False, "words": "worth 7 USD (asked for: at least 9)"},
        {"name": "senior", "passed": True, "words": "the finance chief"},
    ]
    checks = [
        {"name": "open_market", "passed": True, "words": "an open-market purchase", "inputs": {}},
        {"name": "quiet", "passed": True, "words": "", "inputs": {}},
        {"name": "any", "passed": True, "words": "the finance chief", "inputs": {}, "asked": {}, "parts": parts},
        {"name": "not_worth", "passed": True, "words": "worth 7 USD", "parts": parts[:1]},
        {"name": "not_any", "passed": False, "words": "the finance chief", "parts": [{"parts": parts}]},
        {"name": "more_than", "passed": False, "words": "0.2 % of the holdings", "inputs": {"shares": 7}},
    ]
    lines = explain({**followed(), "checks": checks}, None, [])
    begin = lines.index("  rules       + open_market: an open-market purchase")
    both = [
        "                  - worth: worth 7 USD (asked for: at least 9)",
        "                  + senior: the finance chief",
    ]
    assert lines[begin + 1 : begin + 10] == [
        "              + quiet: has nothing to say of this",
        "              + any: the finance chief",
        *both,
        "              + not_worth: worth 7 USD",
        "              - not_any: the finance chief",
        *both,
        "              - more_than: 0.2 % of the holdings",
    ]
