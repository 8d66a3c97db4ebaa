"""The chain behind a decision: filing, rules, instrument, size, the order's life - or the reason for none."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bot.explain import explain
from bot.model import OrderStatus, Skip
from bot.plain import plain
from tests.builders import NOW, decision, event, order, trade

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
        "  filing      form 4 from invented, public since 2026-03-02T22:03:00+00:00: https://www.sec.gov/Archives/x.xml",
        "  rules       an open-market purchase of 1,000 shares",
        "  instrument  one US share class",
        "  session     XNYS 2026-03-04",
        "  size        24 whole shares",
        f"  order       itb-{'a' * 26}: buy 24 NWRB",
        "    2026-03-03T15:00:00  intent -> submitting",
        "    2026-03-03T15:00:00  submitting -> inactive",
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
    assert lines[-1] == "    2026-03-03T15:00:00  submitting -> rejected  insufficient funds"


def test_what_a_source_does_not_say_is_named_as_missing() -> None:
    bare = trade(owner=None, title=None, known_at=None, accession=None, url=None)
    said = explain(decision(event=event(trade=bare, symbols=())).row(), None, [])
    assert said[0].startswith("no ticker  no name, no title: BUY")
    assert said[1] == "  filing      form 4 from invented, public since an unknown instant: 1 rows"


def test_the_accession_stands_in_for_an_address() -> None:
    numbered = event(trade=trade()._replace(accession="0001999501-26-000003"))
    assert explain(decision(event=numbered).row(), None, [])[1].endswith(": 0001999501-26-000003")
