"""Rules about price and size of the company on the eve of the news, over tables of daily figures (BOT_BARS, BOT_SIZES).

Money is in whatever the tables have it in; what they do not tell is unknown, and refused.
"""

from collections.abc import Iterator
from typing import Annotated

import pandas as pd
from pydantic import Field, PositiveFloat

from bot.errors import ConfigError
from strategies.market import average_daily_value, market_cap, price_dip
from strategies.rules import Rule, Share, fraction
from strategies.words import Case, decimals, percent

Sessions = Annotated[int, Field(gt=0, le=2500)]
"""Some ten years of them at most."""


def dipped(by: Share, *, bars: pd.DataFrame, sessions: Sessions = 20) -> Rule:
    """Only where the last close lies at least this share (`"20%"`) below the highest of the last so many sessions."""
    name, least = f"price_dip_{sessions}", fraction(by)
    if least > 1:
        raise ConfigError(f"no price falls by {percent(least)}: write a share from 0 to 100%")

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield events[name].isna(), f"{{symbol}} has no closes of the last {sessions} sessions"
        dip = f"{{{name}:%>={least!r}}} below the highest close of {sessions} sessions"
        yield True, f"{dip} (asked for: at least {percent(least)})"

    return Rule(
        name="dipped",
        passes=lambda events: events[name].round(9) >= least,  # 40 is 20 % below 50, in floats too
        words=words,
        features={name: price_dip(bars, sessions)},
        asked={"by": least, "sessions": sessions},
    )


def smaller_than(capital: PositiveFloat, *, sizes: pd.DataFrame) -> Rule:
    """Only companies that are worth less than this as a whole; its contrary (`not`) and it make a range."""

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield events["market_cap"].isna(), "what the company of {symbol} is worth is unknown"
        yield True, f"the company is worth {{market_cap:.2}} (asked for: less than {decimals(capital)})"

    return Rule(
        name="smaller_than",
        passes=lambda events: events["market_cap"] < capital,
        words=words,
        features={"market_cap": market_cap(sizes)},
        asked={"capital": capital},
    )


def liquid(value: PositiveFloat, *, bars: pd.DataFrame, sessions: Sessions = 20) -> Rule:
    """Only shares of which at least this value changes hands in a day, on the average of so many sessions."""
    name = f"average_daily_value_{sessions}"

    def words(events: pd.DataFrame) -> Iterator[Case]:
        yield events[name].isna(), f"{{symbol}} has no closes and volumes of the last {sessions} sessions"
        yield True, f"{{{name}:.2}} traded in a day, on average (asked for: at least {decimals(value)})"

    return Rule(
        name="liquid",
        passes=lambda events: events[name] >= value,
        words=words,
        features={name: average_daily_value(bars, sessions)},
        asked={"value": value, "sessions": sessions},
    )
