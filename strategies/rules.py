"""Rules of the trade itself, each a named test of features with a reason in words; `follow` stacks rules up."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

import pandas as pd
from pydantic import NonNegativeInt, PositiveFloat

from bot.errors import ConfigError
from bot.sessions import Sessions
from strategies.features import (
    Base,
    days_late,
    days_to_file,
    fraction_of_holdings,
    sessions_since_known,
    value_usd,
)
from strategies.stack import Rule, Stack, follow, open_market
from strategies.words import Case, Condition, decimals, percent

__all__ = [
    "Rule",
    "Share",
    "Stack",
    "bought_only",
    "filed_within",
    "follow",
    "fraction",
    "known_within",
    "more_than",
    "not_planned",
    "officers_only",
    "on_time",
    "open_market",
    "sold_only",
    "worth",
]

Share = str | float | Decimal
"""A part of a whole: `"1%"`, or 0.01."""


def _officer_words(events: pd.DataFrame) -> Iterator[Case]:
    title = "{title!r}"
    yield events["is_officer"].isna(), f"{title} does not say whether this is an officer"
    yield events["is_officer"], f"{title} is an officer ({{role}})"
    yield True, f"{title} is not an officer ({{role}})"


officers_only: Final = Rule(
    name="officers_only", passes=lambda events: events["is_officer"], words=_officer_words, needs=("is_officer",)
)
"""Only people who are officers of the company; unknown counts as no."""


def _only(name: str, side: str) -> Rule:
    return Rule(
        name=name,
        passes=lambda events: events["side"] == side,
        words="{side:buy=a purchase|sell=a sale|=neither a purchase nor a sale on the open market}",
        needs=("side",),
        asked={"side": side},
    )


bought_only: Final = _only("bought_only", "buy")
"""Only purchases on the open market."""

sold_only: Final = _only("sold_only", "sell")
"""Only sales on the open market."""


def _planned_words(events: pd.DataFrame) -> Iterator[Case]:
    sold = events["side"] == "sell"  # whether a purchase was planned does not matter
    yield sold & events["plan_10b5_1"].isna(), "nothing says that the sale was planned (Rule 10b5-1)"
    yield sold & events["plan_10b5_1"], "sold under a plan made in advance (Rule 10b5-1)"
    yield sold, "not sold under a plan made in advance (Rule 10b5-1)"


not_planned: Final = Rule(
    name="not_planned",
    passes=lambda events: ~((events["side"] == "sell") & events["plan_10b5_1"].fillna(value=False)),
    words=_planned_words,
    reads=("side", "plan_10b5_1"),
)
"""No sales under a plan that was made in advance (Rule 10b5-1); purchases pass, planned or not."""


def fraction(share: Share) -> float:
    """The share as a fraction: `"1%"` and 0.01 are alike; ConfigError for what is no number from 0 on."""
    text = str(share).strip()
    try:
        number = Decimal(text.removesuffix("%").strip()) / (100 if text.endswith("%") else 1)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or number < 0:
        raise ConfigError(f"{share!r} is not a share: write 1% or 0.01")
    if number > 1 and not text.endswith("%"):
        part, whole = f"{float(number):.15g}%", f"{float(number * 100):.15g}%"
        raise ConfigError(f"{share!r} is {whole}: write '{part}', or '{whole}' if that is what you mean")
    return float(number)


def more_than(share: Share, *, base: Base = "before") -> Rule:
    """Only trades of more than this share of the person's holdings (`"1%"` or 0.01), before or after the trade."""
    name = "fraction_of_holdings" if base == "before" else "fraction_of_holdings_after"
    least = fraction(share)

    def words(events: pd.DataFrame) -> Iterator[Case]:
        asked = f" (asked for: more than {percent(least)})"
        cases = _share_before(events, least) if base == "before" else _share_after(events, least)
        yield from ((rows, "{shares:,} shares {side:buy=bought|=sold}" + sentence + asked) for rows, sentence in cases)

    return Rule(
        name="more_than",
        passes=lambda events: events[name] > least,
        words=words,
        features={name: fraction_of_holdings(base)},
        asked={"share": least, "base": base},
    )


def _share_before(events: pd.DataFrame, least: float) -> Iterator[tuple[Condition, str]]:
    yield events["held_before"].isna(), ", but the holdings before are unknown"
    less = (events["side"] == "sell") & (events["exercised"] > 0)
    for rows, net in ((less, " less {exercised:,} that came in by exercise or award with them"), (~less, "")):
        new = ", none held before: {side:buy=a new position|=an exercise-and-sell}"
        yield rows & (events["held_before"] == 0), net + new
        share = f"{{fraction_of_holdings:%>{least!r}}}"
        yield rows, f"{net} of {{held_before:,}} held before = {share}, basis = {{basis}}"


def _share_after(events: pd.DataFrame, least: float) -> Iterator[tuple[Condition, str]]:
    yield events["shares_after"].isna(), ", but the holdings after are unknown"
    share = f"{{fraction_of_holdings_after:%>{least!r}}}"
    yield events["shares_after"] > 0, f", {{shares_after:,}} held after = {share}"
    yield True, ", none held after"


def worth(least: PositiveFloat) -> Rule:
    """Only trades of at least so many US dollars; in other money, or without a value, never."""

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield events["value_usd"].isna(), "what it was worth in USD is unknown"
        yield True, f"worth {{value_usd:.2}} USD (asked for: at least {decimals(least)})"

    return Rule(
        name="worth",
        passes=lambda events: events["value_usd"] >= least,
        words=words,
        features={"value_usd": value_usd},
        asked={"least": least},
    )


def known_within(*, sessions: NonNegativeInt, venue: str | Sessions = "XNYS") -> Rule:
    """Only events that became public at most so many sessions of the venue ago; without an instant, never."""
    calendar = Sessions(venue) if isinstance(venue, str) else venue

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield events["known_at"].isna(), "the source does not say when it became public"
        since = "public since {known_at:minute} UTC, "
        yield events["sessions_since_known"].isna(), since + "after the instant of decision"
        yield True, since + f"{{sessions_since_known:session(s)}} ago (asked for: at most {sessions})"

    return Rule(
        name="known_within",
        passes=lambda events: events["sessions_since_known"] <= sessions,
        words=words,
        features={"sessions_since_known": sessions_since_known(calendar)},
        asked={"sessions": sessions, "venue": calendar.mic},
    )


def filed_within(*, days: NonNegativeInt) -> Rule:
    """Only trades that were filed at most so many business days after they were made."""

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield events["days_to_file"].isna(), "the source does not say when it was traded or filed"
        made = "traded on {traded_on:date}, filed on {filed_on:date}, {days_to_file:business day(s)} later"
        yield True, f"{made} (asked for: at most {days})"

    return Rule(
        name="filed_within",
        passes=lambda events: events["days_to_file"].between(0, days),
        words=words,
        features={"days_to_file": days_to_file},
        asked={"days": days},
    )


def on_time(*, deadline: NonNegativeInt = 2) -> Rule:
    """Only trades that were filed by the legal deadline, so many business days after they were made."""
    late = f"days_late_{deadline}"

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield events["days_to_file"].isna(), "the source does not say when it was traded or filed"
        yield events["days_to_file"] < 0, "filed on {filed_on:date}, before it was traded on {traded_on:date}"
        made = f"filed {{days_to_file:business day(s)}} after the trade, {{{late}:business day(s)}} late"
        yield True, f"{made} (asked for: at most {deadline} after it)"

    return Rule(
        name="on_time",
        passes=lambda events: (events[late] <= 0) & (events["days_to_file"] >= 0),
        words=words,
        features={"days_to_file": days_to_file, late: days_late(deadline)},
        asked={"deadline": deadline},
    )
