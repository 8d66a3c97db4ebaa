"""Events tables of invented people whose every fact about time, order and trust can be chosen, and their look back."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pandas as pd
from hypothesis import strategies as st

from bot.model import Role
from bot.trades import to_table
from tests.builders import trade

START = datetime(2025, 11, 3, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Happening(NamedTuple):
    """One version of an event; days are counted from START, `value` is in USD."""

    known: float | None = 0.0
    issuer: int = 0
    owner: int = 0
    code: str | None = "P"
    value: float | None = 1000.0
    role: Role = Role.DIRECTOR
    officer: bool | None = False
    gone: float | None = None
    quarantined: bool = False
    traded_on: date | None = date(2025, 10, 31)
    currency: str | None = "USD"
    title: str | None = None

    @property
    def known_at(self) -> datetime | None:
        return None if self.known is None else START + self.known * DAY

    @property
    def superseded_at(self) -> datetime | None:
        return None if self.gone is None else START + self.gone * DAY

    @property
    def side(self) -> str | None:
        return {"P": "buy", "S": "sell"}.get(self.code or "")


def table(*happenings: Happening) -> pd.DataFrame:
    """They as a strategy sees them, in this order."""
    return to_table(map(_line, range(len(happenings)), happenings)).assign(
        event_key=pd.Series([f"e-{row}" for row in range(len(happenings))], dtype="str"),
        quarantine=pd.Series(["it looks odd" if h.quarantined else None for h in happenings], dtype="str"),
        issuer_id=pd.Series([h.issuer for h in happenings], dtype="int32"),
        owner_id=pd.Series([h.owner for h in happenings], dtype="int32"),
        superseded_at=pd.Series([h.superseded_at for h in happenings], dtype="datetime64[us, UTC]"),
    )


def _line(row: int, happening: Happening) -> Any:
    return trade(
        key=str(row),
        code=happening.code,
        known_at=happening.known_at,
        traded_on=happening.traded_on,
        role=happening.role,
        title=happening.title,
        is_officer=happening.officer,
        value=None if happening.value is None else Decimal(str(happening.value)),
        shares=None,
        currency=happening.currency,
    )


def seen(happenings: Iterable[Happening], now: Happening) -> list[Happening]:
    """What counts for one of them, itself included: the contract, word by word."""
    return [
        one
        for one in happenings
        if one is now
        or (
            one.known is not None
            and now.known is not None
            and one.known <= now.known
            and not (one.gone is not None and one.gone <= now.known)
            and not one.quarantined
        )
    ]


def told(column: pd.Series) -> list[float | None]:
    """The column with None for unknown."""
    return [None if pd.isna(number) else number for number in column]


MOMENTS = st.integers(0, 24).map(lambda half_days: half_days / 2)  # few enough that many fall together
HAPPENINGS = st.builds(
    Happening,
    known=st.none() | MOMENTS | MOMENTS | MOMENTS,
    issuer=st.integers(0, 1),
    owner=st.integers(0, 2),
    code=st.sampled_from(["P", "P", "S", "M"]),
    value=st.none() | st.sampled_from([1e12, 0.1, 0.2, 0.3, 1000.0, 1000.0]),
    role=st.sampled_from([Role.CEO, Role.CHAIR, Role.DIRECTOR, Role.UNKNOWN]),
    officer=st.sampled_from([True, False, None]),
    gone=st.none() | st.none() | MOMENTS,
    quarantined=st.sampled_from([False, False, False, True]),
    traded_on=st.none() | st.dates(date(2025, 10, 1), date(2025, 11, 20)),
    currency=st.sampled_from(["USD", "USD", "USD", "EUR"]),
    title=st.sampled_from([None, "Chief Counsel", "Vice CHAIR", "See Remarks"]),
)
TABLES = st.lists(HAPPENINGS, max_size=14)
