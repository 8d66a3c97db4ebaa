"""FinViz's ten columns: the exact formats of its insider table, and what a row of it says.

Formats as observed on pages of 2020 to 2026; a CSV saved from such a page has its numbers and dates as a spreadsheet
or a data frame writes them. Times are New York wall time, and most dates have no year.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time
from typing import Final

from bot.model import NEW_YORK, InsiderTrade, Side
from bot.roles import Roles
from bot.sources.cells import GROUPED, TICKER, WHOLE, Format, format_of, in_utc, number
from bot.sources.rows import Layout, Row, filing_of, refusal, told

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEAP_YEARS: Final = 9  # 29 February may be eight years away, around 1900 and 2100

# Transaction -> form, Form 4 code, acquired or disposed of, side. A proposed sale is a notice on Form 144.
KINDS: Final[Mapping[str, tuple[str, str | None, str | None, Side | None]]] = {
    "Buy": ("4", "P", "A", Side.BUY),
    "Sale": ("4", "S", "D", Side.SELL),
    "Option Exercise": ("4", "M", "A", None),
    "Proposed Sale": ("144", None, None, None),
}

_DAY: Final = rf"(?:{'|'.join(MONTHS)}) (?:0[1-9]|[12]\d|3[01])"
_WRITTEN_DAY: Final = rf"{_DAY}(?: '\d\d)?"
_ISO_DAY: Final = r"\d{4}-\d\d-\d\d(?:[ T]00:00:00(?:\.0+)?)?"

_PAGE: Final[Mapping[str, Format]] = {
    "Ticker": format_of(rf"(?:{TICKER}|-)?", "a ticker such as BRK-B, or nothing"),
    "Owner": format_of(r".{1,200}", "a name"),
    "Relationship": format_of(r".{0,200}", "a title"),
    "Date": format_of(_WRITTEN_DAY, "a day such as Jun 30 or Aug 19 '26"),
    "Transaction": format_of("|".join(KINDS), f"one of {', '.join(KINDS)}"),
    "Cost": format_of(rf"(?:{GROUPED}|\d{{1,12}})\.\d{{2,4}}", "a price such as 98.90 or 2,168.11"),
    "#Shares": format_of(GROUPED, "a whole number such as 1,000"),
    "Value ($)": format_of(GROUPED, "a whole number such as 98,900"),
    "#Shares Total": format_of(rf"{GROUPED}?", "a whole number such as 9,000"),
    "SEC Form 4": format_of(rf"{_DAY} (?:0[1-9]|1[0-2]):[0-5]\d [AP]M", "a time such as Aug 25 07:08 PM"),
}
_TABLE: Final[Mapping[str, Format]] = {
    **_PAGE,
    "Date": format_of(rf"{_WRITTEN_DAY}|{_ISO_DAY}", "a day such as Jun 30, Aug 19 '26 or 2026-08-19"),
    "Cost": format_of(rf"(?:{GROUPED}|\d{{1,12}})(?:\.\d{{1,4}})?", "a price such as 98.9"),
    "#Shares": format_of(WHOLE, "a whole number such as 1,000 or 1000.0"),
    "Value ($)": format_of(WHOLE, "a whole number such as 98,900 or 98900.0"),
    "#Shares Total": format_of(rf"(?:{WHOLE})?", "a whole number such as 9,000 or 9000.0"),
}
HEADINGS: Final = tuple(_PAGE)


def read(row: Row, roles: Roles, now: datetime) -> InsiderTrade:
    """The line that a row tells; `now` settles the year where neither the row nor its filing does."""
    cells = row.cells
    form, code, acquired, side = KINDS[cells["Transaction"]]
    if not cells["#Shares Total"] and form == "4":
        raise refusal(row.number, "#Shares Total", "a number (only a Proposed Sale has none)", "")
    filing = filing_of(row, "SEC Form 4")
    known_at = told(row, "SEC Form 4", lambda text: filed_at(text, filing.year if filing else None, now))
    filed_on = known_at.astimezone(NEW_YORK).date()
    return InsiderTrade(
        key="",
        source="finviz",
        accession=filing.accession if filing else None,
        form=form,
        url=filing.url if filing else None,
        issuer=row.issuer,
        symbol=cells.get("Ticker", "").strip("-") or None,
        owner_cik=row.owner_cik,
        owner=cells["Owner"],
        title=cells["Relationship"] or None,
        is_officer=roles.is_officer,
        is_director=roles.is_director,
        is_ten_percent=roles.is_ten_percent,
        role=roles.role,
        code=code,
        acquired=acquired,
        side=side,
        traded_on=told(row, "Date", lambda text: traded_on(text, filed_on)),
        filed_on=filed_on,
        known_at=known_at,
        shares=number(cells["#Shares"]),
        price=number(cells["Cost"]),
        value=number(cells["Value ($)"]),
        currency="USD",
        shares_after=number(cells["#Shares Total"]) if form == "4" else None,
    )


PAGE: Final = Layout(
    formats=_PAGE,
    texts=("Ticker", "Owner", "Relationship"),
    shares="#Shares",
    shares_after="#Shares Total",
    read=read,
)
"""How a page writes the columns."""

TABLE: Final = replace(PAGE, formats=_TABLE)
"""How a CSV does, under FinViz's headings."""


def filed_at(text: str, year: int | None, now: datetime) -> datetime:
    """When a line was published, in UTC, from `Aug 25 07:08 PM` in New York; ValueError for a day that never was.

    `year` is the one in the accession number, which is drawn when the filing is submitted. Without it the year is the
    latest that does not lie after `now`. An hour that the clocks repeat is the later one.
    """
    if year is not None:
        return _instant(_in_year(text, year), text)
    latest = now.astimezone(NEW_YORK).year
    days = (day for year in range(latest, latest - _LEAP_YEARS, -1) if (day := _day(text, year)))
    for day in days:
        if (instant := _instant(day, text)) <= now:
            return instant
    raise ValueError(f"{text} was never")


def traded_on(text: str, filed_on: date) -> date:
    """The day of a trade; without a year the latest that is not after the filing. ValueError for no such day."""
    if text[:4].isdigit():
        return date.fromisoformat(text[:10])
    if "'" in text:
        return _in_year(text, 2000 + int(text[-2:]))
    for year in range(filed_on.year, filed_on.year - _LEAP_YEARS, -1):
        if (day := _day(text, year)) and day <= filed_on:
            return day
    raise ValueError(f"{text} was never")


def _in_year(text: str, year: int) -> date:
    return date(year, MONTHS.index(text[:3]) + 1, int(text[4:6]))


def _day(text: str, year: int) -> date | None:
    try:
        return _in_year(text, year)
    except ValueError:
        return None


def _instant(day: date, text: str) -> datetime:
    """The instant of `... 07:08 PM` on a day in New York."""
    hour = int(text[-8:-6]) % 12 + (12 if text.endswith("PM") else 0)
    return in_utc(datetime.combine(day, time(hour, int(text[-5:-3]))))
