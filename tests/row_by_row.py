"""Deciding as filings arrive, by the real bot over a real store, beside deciding over the whole table at once."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import NamedTuple, cast

import pandas as pd

from bot.engine import Bot
from bot.events import EXTRA, LINKS
from bot.history import versions
from bot.model import Decision, Order, OrderIntent
from bot.ports import Strategy
from bot.store.database import open_database
from bot.store.repository import Repository
from bot.trader import Trader
from bot.trades import COLUMNS
from tests.fakes import Time

GIVEN = {*COLUMNS, *EXTRA, *LINKS}
PAGE = timedelta(days=3)  # how far back the source shows what was filed


class Told(NamedTuple):
    """What was said of an event."""

    decision: str
    rule: str
    reason: str
    features: Mapping[str, float | None]


class Window:
    """A source that shows what became known in the last few days, as a page does."""

    name = "window"

    def __init__(self, trades: pd.DataFrame) -> None:
        self._trades = trades.sort_values("known_at", kind="stable", ignore_index=True)

    def instants(self) -> list[datetime]:
        return [at.to_pydatetime() for at in self._trades["known_at"].unique()]

    def fetch(self, now: datetime) -> pd.DataFrame:
        first, last = self._trades["known_at"].searchsorted([pd.Timestamp(now - PAGE), pd.Timestamp(now)], side="right")
        return self._trades.iloc[first:last]


class Onlooker:
    """A trader who finds nothing to trade."""

    def intend(
        self, decisions: Sequence[Decision], now: datetime, others: Sequence[Order]
    ) -> tuple[list[Decision], list[OrderIntent]]:
        return list(decisions), []


def row_by_row(trades: pd.DataFrame, strategy: Strategy) -> dict[str, Told]:
    """What the bot says of each event, by its key, when it first sees it: one cycle for every instant of the table."""
    source, clock, told = Window(trades), Time(), dict[str, Told]()
    with closing(open_database("sqlite:///:memory:")) as database:
        store = Repository(database)
        trader = cast("Trader", Onlooker())
        bot = Bot(sources=[source], strategy=strategy, trader=trader, store=store, clock=clock, trade_backlog=True)
        for clock.now in source.instants():
            plan = bot.plan()
            store.record(plan.decisions, plan.intents, plan.as_of, plan.seen)
            for decision in plan.decisions:
                told.setdefault(decision.event.key, _told(decision))
    return told


def at_once(trades: pd.DataFrame, strategy: Strategy) -> dict[str, Told]:
    """What the strategy says of the first version of each event, by its key, in the whole history; doubts overrule."""
    judged = strategy(versions(trades), None)
    first = judged.sort_values("known_at", kind="stable").drop_duplicates("event_key")
    names = [name for name, kind in judged.dtypes.items() if name not in GIVEN and pd.api.types.is_numeric_dtype(kind)]
    numbers = first[names].astype(object).where(first[names].notna(), None).to_dict("records")
    rows = zip(
        *(first[name] for name in ("event_key", "quarantine", "decision", "rule", "reason")), numbers, strict=True
    )
    return {
        key: Told(words[0], words[1], words[2], features)
        if pd.isna(doubt)
        else Told("skip", "quarantined", doubt, features)
        for key, doubt, *words, features in rows
    }


def _told(decision: Decision) -> Told:
    row = decision.row()
    return Told(row["decision"], row["rule"], row["reason"], decision.features)
