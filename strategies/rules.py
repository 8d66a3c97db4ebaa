"""Rules: named tests of features, with a reason in words and the row's own numbers; `follow` stacks them up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd

from bot.errors import ConfigError
from bot.ports import Strategy
from bot.sessions import Sessions
from strategies.features import Base, Feature, days_to_file, fraction_of_holdings, sessions_since_known

Row = Any
"""One event as a named tuple of its columns and features."""

CODES: Final = {
    "A": "an award",
    "C": "a conversion",
    "D": "a disposition to the issuer",
    "F": "shares withheld for tax",
    "G": "a gift",
    "M": "an option exercise",
    "X": "an option exercise",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A test every event must pass: `passes` decides all rows at once, `words` says it for one row, passed or not.

    A row that the test does not concern passes without words.
    """

    name: str
    passes: Callable[[pd.DataFrame], "pd.Series[bool]"]
    words: Callable[[Row], str]
    features: Mapping[str, Feature] = field(default_factory=dict)


def follow(*rules: Rule) -> Strategy:
    """A strategy that follows the events which pass every rule.

    It returns the events with each rule's features as columns, and `decision` (buy, sell or skip), `rule` (the first
    that refused, empty for none) and `reason` in words. ConfigError when two rules call different features by one name.
    """
    features = {name: feature for rule in rules for name, feature in rule.features.items()}
    for rule in rules:
        for name, feature in rule.features.items():
            if features[name] != feature:
                raise ConfigError(f"two rules call different features {name!r}; give one of them another name")

    def decide(events: pd.DataFrame, as_of: datetime | None = None) -> pd.DataFrame:
        table = events.assign(**{name: feature(events, as_of) for name, feature in features.items()})
        passed = [rule.passes(table).fillna(value=False).to_numpy(dtype=bool) for rule in rules]
        # The place of the first rule that refuses a row; one past the last rule when none does.
        first = np.argmin([*passed, np.zeros(len(table), dtype=bool)], axis=0)
        followed = first == len(rules)
        reasons = [
            rules[place].words(row) if place < len(rules) else "; ".join(filter(None, (r.words(row) for r in rules)))
            for place, row in zip(first, table.itertuples(index=False), strict=True)
        ]
        names = np.array([*(rule.name for rule in rules), ""], dtype=object)
        return table.assign(
            decision=table["side"].where(followed, "skip"),
            rule=pd.Series(names[first], index=table.index, dtype="str"),
            reason=pd.Series(reasons, index=table.index, dtype="str"),
        )

    return decide


def _open_market_words(row: Row) -> str:
    if isinstance(row.side, str):
        return "an open-market purchase" if row.side == "buy" else "an open-market sale"
    if row.form == "144":
        return "a notice of a proposed sale (Form 144), not a trade"
    if row.code in ("P", "S"):
        kind = "purchase" if row.code == "P" else "sale"
        return f"a {kind} (code {row.code}) that the filing itself says was not one on the open market"
    code = row.code if isinstance(row.code, str) else "none"
    return f"{CODES.get(code, 'a transaction')} (code {code}), not an open-market purchase or sale"


open_market: Final = Rule(name="open_market", passes=lambda events: events["side"].notna(), words=_open_market_words)
"""Only purchases (code P) and sales (code S) on the open market."""


def _officer_words(row: Row) -> str:
    title = f"{row.title!r}" if isinstance(row.title, str) and row.title else "no title"
    if pd.isna(row.is_officer):
        return f"{title} does not say whether this is an officer"
    return f"{title} is an officer ({row.role})" if row.is_officer else f"{title} is not an officer ({row.role})"


officers_only: Final = Rule(
    name="officers_only", passes=lambda events: events["is_officer"].fillna(value=False), words=_officer_words
)
"""Only people who are officers of the company; unknown counts as no."""


def _planned_words(row: Row) -> str:
    if row.side != "sell":
        return ""  # whether a purchase was planned does not matter
    if pd.isna(row.plan_10b5_1):
        return "nothing says that the sale was planned (Rule 10b5-1)"
    return f"{'sold' if row.plan_10b5_1 else 'not sold'} under a plan made in advance (Rule 10b5-1)"


not_planned: Final = Rule(
    name="not_planned",
    passes=lambda events: (events["side"] != "sell") | ~events["plan_10b5_1"].fillna(value=False),
    words=_planned_words,
)
"""No sales under a plan that was made in advance (Rule 10b5-1); purchases pass, planned or not."""


def more_than(share: str | Decimal, *, base: Base = "before") -> Rule:
    """Only trades of more than this share of the person's holdings (`"1%"` or 0.01), before or after the trade."""
    name = "fraction_of_holdings" if base == "before" else "fraction_of_holdings_after"
    least = Decimal(str(share).removesuffix("%")) / (100 if str(share).endswith("%") else 1)

    def words(row: Row) -> str:
        return f"{_holdings_words(row, base, getattr(row, name))} (asked for: more than {_percent(float(least))})"

    return Rule(
        name="more_than",
        passes=lambda events: events[name] > float(least),
        words=words,
        features={name: fraction_of_holdings(base)},
    )


def _holdings_words(row: Row, base: Base, fraction: float) -> str:
    traded = f"{row.shares:,.0f} shares {'bought' if row.side == 'buy' else 'sold'}"
    if base == "after":
        if pd.isna(row.shares_after):
            return f"{traded}, but the holdings after are unknown"
        held = f"{row.shares_after:,.0f} held after" if row.shares_after > 0 else "none held after"
        return f"{traded}, {held}" + (f" = {_percent(fraction)}" if row.shares_after > 0 else "")
    if pd.isna(row.held_before):
        return f"{traded}, but the holdings before are unknown"
    if row.side == "sell" and row.exercised:
        traded += f" less {row.exercised:,.0f} that came in by exercise or award with them"
    if row.held_before == 0:
        return f"{traded}, none held before: " + ("a new position" if row.side == "buy" else "an exercise-and-sell")
    return f"{traded} of {row.held_before:,.0f} held before = {_percent(fraction)}, basis = {row.basis}"


def known_within(*, sessions: int, venue: str | Sessions = "XNYS") -> Rule:
    """Only events that became public at most so many sessions of the venue ago; without an instant, never."""
    calendar = Sessions(venue) if isinstance(venue, str) else venue

    def words(row: Row) -> str:
        if pd.isna(row.known_at):
            return "the source does not say when it became public"
        since = f"public since {row.known_at:%Y-%m-%d %H:%M} UTC"
        if pd.isna(row.sessions_since_known):
            return f"{since}, after the instant of decision"
        return f"{since}, {_counted(row.sessions_since_known, 'session')} ago (asked for: at most {sessions})"

    return Rule(
        name="known_within",
        passes=lambda events: events["sessions_since_known"] <= sessions,
        words=words,
        features={"sessions_since_known": sessions_since_known(calendar)},
    )


def filed_within(*, days: int) -> Rule:
    """Only trades that were filed at most so many business days after they were made."""

    def words(row: Row) -> str:
        if pd.isna(row.days_to_file):
            return "the source does not say when it was traded or filed"
        made = f"traded on {row.traded_on:%Y-%m-%d}, filed on {row.filed_on:%Y-%m-%d}"
        return f"{made}, {_counted(row.days_to_file, 'business day')} later (asked for: at most {days})"

    return Rule(
        name="filed_within",
        passes=lambda events: events["days_to_file"].between(0, days),
        words=words,
        features={"days_to_file": days_to_file},
    )


def _counted(number: float, unit: str) -> str:
    return f"{number:.0f} {unit}" + ("" if number == 1 else "s")


def _percent(fraction: float) -> str:
    return f"{fraction * 100:.2f}".rstrip("0").rstrip(".") + " %"
