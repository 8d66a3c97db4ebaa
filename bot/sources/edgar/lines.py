"""From an ownership document to the trades table's records: one for every transaction and every holding."""

import hashlib
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from bot.model import InsiderTrade, Side
from bot.sources.edgar.footnotes import foreign_currency, not_open_market, plans_10b5_1
from bot.sources.edgar.owners import lead, position
from bot.sources.edgar.ownership import Line, Owner, Ownership
from bot.sources.edgar.symbols import ticker

SOURCE: Final = "edgar"

_SIDES: Final = {("P", "A"): Side.BUY, ("S", "D"): Side.SELL}


def lines(
    ownership: Ownership,
    *,
    accession: str | None,
    filed_on: date | None,
    known_at: datetime | None,
    url: str | None,
) -> list[InsiderTrade]:
    """The document's lines as records: its transactions, and its holdings as records without code and shares.

    `owner` is who leads the filing (`lead`), for all owners report the same lines. `side` is set for purchases and
    sales on the open market as far as the document tells; by `footnotes.not_open_market` a P or S may have none.
    """
    owner = lead(ownership.owners)
    title, roles = position(owner, ownership.remarks)
    filing = accession or _digest(ownership, owner)
    amends = _amends(ownership, owner)
    symbol = ticker(ownership.symbol)
    told = plans_10b5_1(ownership), not_open_market(ownership), foreign_currency(ownership)
    return [
        InsiderTrade(
            key=f"{filing}:{ownership.issuer_cik}:{_place(line)}",
            source=SOURCE,
            accession=accession,
            form=ownership.form,
            amends=amends,
            url=url,
            issuer_cik=ownership.issuer_cik,
            issuer=ownership.issuer,
            symbol=symbol,
            owner_cik=owner.cik,
            owner=owner.name,
            title=title,
            is_officer=roles.is_officer,
            is_director=roles.is_director,
            is_ten_percent=roles.is_ten_percent,
            role=roles.role,
            code=line.code,
            acquired=line.acquired,
            side=None if elsewhere else _side(line),
            security=line.security,
            is_derivative=line.is_derivative,
            ownership=line.ownership,
            plan_10b5_1=planned,
            traded_on=line.traded_on,
            filed_on=filed_on,
            known_at=known_at,
            shares=line.shares,
            price=line.price,
            value=_value(line),
            currency=None if foreign else "USD",
            shares_after=line.shares_after,
        )
        for line, planned, elsewhere, foreign in zip(ownership.lines, *told, strict=True)
    ]


def _place(line: Line) -> str:
    """The line's table (n, d), its kind (t, h) and its number among those."""
    return f"{'d' if line.is_derivative else 'n'}{'h' if line.is_holding else 't'}:{line.number}"


def _digest(ownership: Ownership, owner: Owner) -> str:
    """What stands for an unknown accession number: the facts of the document's lines, without prices."""
    facts = (
        (line.security, line.traded_on, line.code, line.acquired, line.shares, line.shares_after, line.ownership)
        for line in ownership.lines
    )
    told = repr((ownership.form, owner.cik, str(ownership.period), [tuple(map(str, fact)) for fact in facts]))
    return "facts-" + hashlib.sha256(told.encode()).hexdigest()[:24]


def _amends(ownership: Ownership, owner: Owner) -> str | None:
    """Whose filing of which day an amendment amends, as its own document knows no more; None for an original."""
    if ownership.original_filed_on is None:
        return None
    return f"{ownership.issuer_cik}:{owner.cik}:{ownership.original_filed_on}"


def _side(line: Line) -> Side | None:
    """The side of a purchase or sale that form 4 had to report; what is reported early (type 5) is none."""
    if line.is_derivative or line.equity_swap or line.form_type != "4":
        return None
    return _SIDES.get((line.code or "", line.acquired or ""))


def _value(line: Line) -> Decimal | None:
    """What was paid or received, in the price's currency; what is held is worth what nobody says."""
    return line.total_value if line.shares is None or line.price is None else line.shares * line.price
