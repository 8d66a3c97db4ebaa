"""The lines in which a made-up history is told: the trades table that its events are found in."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import pandas as pd

from bot.lines import place
from bot.model import InsiderTrade
from bot.trades import to_records, to_table

CENT: Final = Decimal("0.01")


def as_filings(events: pd.DataFrame) -> pd.DataFrame:
    """The trades table of a small events table from `made_up`: `find_events` finds these events in it.

    One row per reported line and version, in the order of the events: some purchases and sales are told in three
    lines, and an amendment tells anew what it amends. What is found in the lines known by an instant are the versions
    current at it, but for one number: before somebody buys who had sold everything, 0 is held here, and there the last
    balance above 0 that was known.
    """
    trades = to_records(events)
    filings: dict[tuple[str | None, ...], list[InsiderTrade]] = {}
    for trade in trades:
        if trade.form == "4" and not trade.is_derivative:
            filings.setdefault(_filing(trade), []).append(trade)
    lines: list[InsiderTrade] = []
    for trade, keys, held in zip(trades, events["keys"], events["held_before"], strict=True):
        own = [key for key in keys if key.startswith(trade.accession or "")]
        earlier = sum(map(_gain, _earlier(trade, filings.get(_filing(trade), []))), Decimal(0))
        lines += _lines(trade, own, None if pd.isna(held) else Decimal(held) + earlier)
    return to_table(lines)


def _lines(trade: InsiderTrade, keys: Sequence[str], opening: Decimal | None) -> list[InsiderTrade]:
    """The lines of one version: three where it has as many keys, at prices around its own."""
    if trade.side is None or opening is None or trade.shares is None:
        opening = None if trade.shares_after is None else trade.shares_after - _gain(trade)
    if len(keys) == 1 or trade.shares is None or trade.price is None:
        parts = [(trade.shares or Decimal(0), trade.price)]
    else:
        part, step = (trade.shares - 1) // 2, (trade.price / 100).quantize(CENT)
        parts = [(part, trade.price + step), (part, trade.price - step), (trade.shares - 2 * part, trade.price)]
    lines = []
    for key, (shares, price) in zip(keys, parts, strict=True):
        line = trade._replace(key=key, shares=shares, price=price)
        if opening is not None:
            opening += _gain(line)
        value = trade.value if len(keys) == 1 else shares * price if price is not None else None
        lines.append(line._replace(value=value, shares_after=opening))
    return lines


def _filing(trade: InsiderTrade) -> tuple[str | None, ...]:
    """What one person filed on one day."""
    return trade.issuer_cik, trade.owner_cik, str(trade.filed_on)


def _earlier(trade: InsiderTrade, filed: Sequence[InsiderTrade]) -> list[InsiderTrade]:
    """What stands before it in its filing."""
    return [other for other in filed if (place(other) or ())[2:] < (place(trade) or ())[2:]]


def _gain(trade: InsiderTrade) -> Decimal:
    """The shares that came in, below zero where they went out."""
    shares = trade.shares or Decimal(0)
    return shares if trade.acquired == "A" else -shares
