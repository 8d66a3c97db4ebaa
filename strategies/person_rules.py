"""Rules about the person: how senior, and whether the trade is a habit or something new."""

from collections.abc import Iterator
from typing import Annotated, Final

import pandas as pd
from pydantic import Field

from strategies.features import role_weight, value_usd
from strategies.habits import is_first_buy, is_largest, is_routine, largest_before
from strategies.rules import Rule
from strategies.words import Case, decimals

Weight = Annotated[float, Field(ge=0, le=1)]
Years = Annotated[float, Field(gt=0, le=100)]


def senior(*, weight: Weight = 0.7) -> Rule:
    """Only people whose role weighs at least so much, from 0 to 1; a role that is not known has no weight.

    1 is the finance chief; 0.9 the chief executive, the president and whoever chairs the board; 0.8 the operating
    chief; 0.7 any other chief officer (`ROLE_WEIGHTS` in features.py).
    """

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield events["role_weight"].isna(), "{title!r} does not say what the person is"
        asked = f" (asked for: at least {decimals(weight)})"
        yield True, "{title!r} is a role ({role}) of weight {role_weight:.2}" + asked

    return Rule(
        name="senior",
        passes=lambda events: events["role_weight"] >= weight,
        words=words,
        features={"role_weight": role_weight},
        asked={"weight": weight},
    )


def first_buy(*, years: Years = 3) -> Rule:
    """Only a person's first purchase of the company's shares in so many years; a shorter history is no proof."""
    name, span = f"is_first_buy_{decimals(years).replace('.', '_')}y", decimals(years)

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield events[name].isna(), f"what is known does not reach {span} years back: it may be a first purchase or not"
        yield events["side"] != "buy", "not a purchase"
        yield events[name] > 0, f"the person's first purchase here in {span} years"
        yield True, f"the person bought here before, within {span} years"

    return Rule(
        name="first_buy",
        passes=lambda events: events[name] > 0,
        words=words,
        features={name: is_first_buy(years)},
        asked={"years": years},
    )


def _largest_words(events: pd.DataFrame) -> Iterator[Case]:
    yield events["is_largest"].isna(), "no earlier trade of the person here, of known value, to compare it with"
    worth, before = "worth {value_usd:.2} USD, ", "{largest_before:.2} USD"
    yield (
        events["is_largest"] > 0,
        f"{worth}the person's largest {{side:buy=purchase|=sale}} here so far (the largest before: {before})",
    )
    yield True, f"{worth}and the person's largest {{side:buy=purchase|=sale}} here before was worth {before}"


largest: Final = Rule(
    name="largest",
    passes=lambda events: events["is_largest"] > 0,
    words=_largest_words,
    features={"is_largest": is_largest, "value_usd": value_usd, "largest_before": largest_before},
)
"""Only trades of more value than every earlier one of the person at the company, on the same side."""


def opportunistic(*, unclassified: bool = False) -> Rule:
    """Only people who do not trade by the calendar: who traded in each of three years, never in the same month.

    As in Cohen, Malloy and Pomorski, "Decoding Inside Information", Journal of Finance 67 (2012), who compare these
    with routine traders and leave out everybody else: so whoever did not trade in each of the three years is refused,
    unless `unclassified` lets them pass, too.
    """

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield events["side"].isna() | events["known_at"].isna(), "no open-market trade of a known instant"
        yield (
            events["is_routine"].isna(),
            "the person did not trade here in each of three years: unclassified",
        )
        yield events["is_routine"] > 0, "the person trades here by the calendar: in the same month of three years"
        yield True, "the person traded here in each of the three years before, never in the same month of all"

    def passes(events: pd.DataFrame) -> "pd.Series[bool]":
        known = events["side"].notna() & events["known_at"].notna()
        return (events["is_routine"] == 0) | (known & events["is_routine"].isna() & unclassified)

    return Rule(
        name="opportunistic",
        passes=passes,
        words=words,
        features={"is_routine": is_routine},
        asked={"unclassified": unclassified},
    )
