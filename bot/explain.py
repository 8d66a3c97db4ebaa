"""The chain behind a decision, as text: filing, rules, mapping proof, size, and the order's life."""

from collections.abc import Mapping, Sequence
from typing import Any

STEPS = {
    "purchase": "purchase",
    "exit": "exit",
    "dispute": "dispute",
    "strategy": "rules",
    "mapping": "instrument",
    "session": "session",
    "exchange": "price",
    "size": "size",
    "order": "order",
}


def explain(
    decision: Mapping[str, Any], order: Mapping[str, Any] | None, life: Sequence[Mapping[str, Any]]
) -> list[str]:
    """The lines that say why one event was or was not followed, from the filing to the fill.

    `decision` is a decision as `run --format json` prints it, `order` its order and `life` that order's steps.
    """
    evidence = decision.get("evidence") or {}
    lines = [_headline(decision)] + [f"  filing      {_filing(decision)}"] * ("exit" not in evidence)
    if len(sources := decision.get("sources") or ()) > 1:
        lines.append(f"  witnesses   {', '.join(sources)}")
    if made_by := decision.get("decided_by"):
        words = "insiderbot {insiderbot}, strategy {strategy}, settings {settings}".format_map(made_by)
        lines.append(f"  decided     {decision['decided_at'][:16].replace('T', ' ')} UTC by {words}")
    checks = decision.get("checks") or []
    lines += [f"  {'' if number else 'rules':<11} {_check(check)}" for number, check in enumerate(checks)]
    steps = {name: label for name, label in STEPS.items() if name in evidence and not (checks and name == "strategy")}
    lines += [f"  {label:<11} {evidence[name]}" for name, label in steps.items()]
    if decision["decision"] == "skip":
        return [*lines, f"  no order    {decision['rule']}: {decision['reason']}"]
    if order is None:
        return lines
    lines.append(f"  order       {order['client_order_id']}: {order['side']} {order['quantity']} {order['symbol']}")
    lines += [f"    {step['at'][:19]}  {step['before']} -> {step['after']}  {step['reason']}".rstrip() for step in life]
    if order["price"]:
        lines.append(f"    filled {order['filled']} at {order['price']} {order['currency']}, fee {order['fee']}")
    return lines


def _check(check: Mapping[str, Any]) -> str:
    said = f"{check['name']}: {check['words']}" if check["words"] else check["name"]
    return f"{'+' if check['passed'] else '-'} {said}"


def _headline(decision: Mapping[str, Any]) -> str:
    symbols = ", ".join(decision["symbols"]) or "no ticker"
    who = f"{decision['owner'] or 'no name'}, {decision['title'] or 'no title'}"
    verdict = decision["decision"].upper() if decision["decision"] != "skip" else f"skip ({decision['rule']})"
    return f"{symbols}  {who}: {verdict}   [{decision['event_key']}]"


def _filing(decision: Mapping[str, Any]) -> str:
    where = decision["url"] or decision["accession"] or f"{len(decision['keys'])} rows"
    known = decision["known_at"] or "an unknown instant"
    return f"form {decision['form']} from {decision['source']}, public since {known}: {where}"
