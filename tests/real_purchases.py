"""The recorded purchases of 2010 to 2019 as a trades table, each once."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from bot.model import InsiderTrade, Side
from bot.roles import classify
from bot.trades import to_table

NEW_YORK = ZoneInfo("America/New_York")
LATEST = time(22)  # by then every filing of a day is public


def purchases(corpus: Path) -> pd.DataFrame:
    """A row for each purchase, by one of the collections that know of its ticker and filing day: one with balances."""
    rows = pd.read_parquet(corpus / "openinsider/insider_trades.parquet")
    rows = rows.assign(day=rows["filed_at"].str[:10], unknown=rows["owned_after"].isna())
    chosen = (
        rows.sort_values(["unknown", "source"], kind="stable").groupby(["ticker", "day"])["source"].transform("first")
    )
    once = rows[rows["source"] == chosen].drop_duplicates(
        ["ticker", "filed_at", "insider", "trade_date", "qty", "price"]
    )
    return to_table(_trade(number, row) for number, row in enumerate(once.to_dict("records")))


def _trade(number: int, row: dict[str, Any]) -> InsiderTrade:
    filed, roles = datetime.fromisoformat(row["filed_at"]), classify(row["title"])
    known = filed if row["filed_has_time"] else datetime.combine(filed.date(), LATEST)
    shares, price = Decimal(str(row["qty"])), Decimal(str(row["price"]))
    return InsiderTrade(
        key=f"recorded-{number}",
        source="recorded",
        form="4",
        issuer=row["company"],
        symbol=row["ticker"],
        owner=row["insider"],
        title=row["title"],
        is_officer=roles.is_officer,
        is_director=roles.is_director,
        is_ten_percent=roles.is_ten_percent,
        role=roles.role,
        code="P",
        acquired="A",
        side=Side.BUY,
        traded_on=date.fromisoformat(row["trade_date"][:10]),
        filed_on=filed.date(),
        known_at=known.replace(tzinfo=NEW_YORK).astimezone(UTC),
        shares=shares,
        price=price,
        value=shares * price,
        currency="USD",
        shares_after=None if pd.isna(row["owned_after"]) else Decimal(str(row["owned_after"])),
    )
