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
        lines.append(f"  decided     {_instant(decision['decided_at'])} by {words}")
    checks = decision.get("checks") or []
    said = [line for check in checks for line in _check(check)]
    lines += [f"  {'' if number else 'rules':<11} {line}" for number, line in enumerate(said)]
    steps = {name: label for name, label in STEPS.items() if name in evidence and not (checks and name == "strategy")}
    lines += [f"  {label:<11} {evidence[name]}" for name, label in steps.items()]
    if decision["decision"] == "skip":
        return [*lines, f"  no order    {decision['rule']}: {decision['reason']}"]
    if order is None:
        return lines
    lines.append(f"  order       {order['client_order_id']}: {order['side']} {order['quantity']} {order['symbol']}")
    steps_of = (f"{_instant(step['at'], 19)}  {step['before']} -> {step['after']}  {step['reason']}" for step in life)
    lines += [f"    {step}".rstrip() for step in steps_of]
    if order["price"]:
        lines.append(f"    filled {order['filled']} at {order['price']} {order['currency']}, fee {order['fee']}")
    return lines


def _check(check: Mapping[str, Any]) -> list[str]:
    """What a rule says, and below it what those say that it is made of."""
    words, parts = check["words"] or "has nothing to say of this", check.get("parts") or []
    while len(parts) == 1:  # of a contrary, which says what its one part says
        parts = parts[0].get("parts") or []
    below = [f"    {line}" for part in parts for line in _check(part)]
    return [f"{'+' if check['passed'] else '-'} {check['name']}: {words}", *below]


def _instant(text: str, until: int = 16) -> str:
    """An instant as it stands in sentences, to the minute or to the second."""
    return f"{text[:until].replace('T', ' ')} UTC"


def _headline(decision: Mapping[str, Any]) -> str:
    symbols = ", ".join(decision["symbols"]) or "no ticker"
    who = f"{decision['owner'] or 'no name'}, {decision['title'] or 'no title'}"
    verdict = decision["decision"].upper() if decision["decision"] != "skip" else f"skip ({decision['rule']})"
    return f"{symbols}  {who}: {verdict}   [{decision['event_key']}]"


def _filing(decision: Mapping[str, Any]) -> str:
    where = decision["url"] or decision["accession"] or f"{len(decision['keys'])} rows"
    known = _instant(decision["known_at"]) if decision["known_at"] else "an unknown instant"
    return f"form {decision['form']} from {decision['source']}, public since {known}: {where}"
