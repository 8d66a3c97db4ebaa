"""OpenInsider's seventeen columns: the exact formats of its table, and what a row of it says.

The formats are those of its lists and screener, of 2015 to 2026; files that scrapers saved have the dates and numbers
as a data frame writes them. Times are New York wall time. Four letters in the first column say of the filing: A it is
amended, D it has a derivative too, E an error was detected in it, M several trades are one row, with the earliest day
and the average price. What became of the price later (1d to 6m) was not known then, and is never read.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from bot.errors import SourceError
from bot.model import NEW_YORK, InsiderTrade, Side
from bot.plausible import FARTHEST
from bot.roles import Roles
from bot.sources.cells import GROUPED, TICKER, WHOLE, Format, format_of, in_utc, number
from bot.sources.rows import Layout, Row, filing_of, most, refusal, shown, told

LATER: Final = ("ΔOwn", "1d", "1w", "1m", "6m")  # never read, but what else stands there has come out of its column
CODES: Final = "ACDEFGHIJKLMOUWXZ"  # Form 4's transaction codes but for P and S
SIDES: Final[Mapping[str, Side]] = {"P": Side.BUY, "S": Side.SELL}
LATEST: Final = time(22)  # New York: by then every filing of a day is public, where a file tells no time

_DAY: Final = r"(?:19|20)\d\d-\d\d-\d\d"
_TIME: Final = r"\d\d:\d\d:\d\d"
_CHANGE: Final = format_of(r"[^A-Za-z,]{0,12}", "a change in percent, or nothing")

_TEXTS: Final = ("Company Name", "Insider Name", "Title")
_PAGE: Final[Mapping[str, Format]] = {
    "X": format_of(r"(?!.*(.).*\1)[ADEM]{0,4}", "some of the letters A, D, E, M, or nothing"),
    "Filing Date": format_of(rf"{_DAY} {_TIME}", "a time such as 2026-03-02 17:03:41"),
    "Trade Date": format_of(_DAY, "a day such as 2026-02-27"),
    "Ticker": format_of(rf"(?:{TICKER}|[A-Z]{{1,9}}\.)?", "a ticker such as BRK.B, or nothing"),
    "Company Name": format_of(r".{0,200}", "a company"),
    "Insider Name": format_of(r".{1,200}", "a name"),
    "Title": format_of(r".{0,200}", "a title"),
    "Trade Type": format_of(
        rf"P - Purchase|S - Sale(?:\+OE)?|[{CODES}] - \S.{{0,40}}", "P - Purchase, S - Sale or another code's label"
    ),
    "Price": format_of(rf"\${GROUPED}\.\d{{2,4}}", "a price such as $1,040.87"),
    "Qty": format_of(rf"[+-]{GROUPED}|0", "a number with its sign, such as +4,000 or -1,200"),
    "Owned": format_of(GROUPED, "a whole number such as 24,500"),
    "ΔOwn": format_of(r"New|[^A-Za-z]{0,12}", "a change such as +1%, New or >999%"),
    "Value": format_of(rf"[+-]?\${GROUPED}", "an amount with its sign, such as +$163,488"),
    "1d": _CHANGE,
    "1w": _CHANGE,
    "1m": _CHANGE,
    "6m": _CHANGE,
}
_NOTHING: Final = "[Nn]a[Nn]|None|null|True|False"  # what a data frame writes where there is no text
_TABLE: Final[Mapping[str, Format]] = {
    **_PAGE,
    "Filing Date": format_of(rf"{_DAY}(?:[ T]{_TIME})?", "a day or time such as 2026-03-02 17:03:41"),
    "Trade Date": format_of(rf"{_DAY}(?:[ T]00:00:00)?", "a day such as 2026-02-27"),
    "Price": format_of(rf"\$?(?:{GROUPED}|\d{{1,12}})(?:\.\d{{1,18}})?", "a price such as 40.87"),
    "Qty": format_of(rf"[+-]?{WHOLE}", "a whole number such as +4,000 or -1200.0"),
    "Owned": format_of(WHOLE, "a whole number such as 24,500 or 24500.0"),
    "Value": format_of(rf"[+-]?\$?{WHOLE}", "a whole number such as +$163,488 or 163488.0"),
    **dict.fromkeys(LATER, format_of(rf"New|NA|-?inf|{_NOTHING}|[^A-Za-z]{{0,40}}", "a change in percent, or nothing")),
    **{name: format_of(rf"(?!(?:{_NOTHING})$){_PAGE[name].pattern.pattern}", _PAGE[name].expected) for name in _TEXTS},
}

LIST: Final = tuple(_PAGE)
COMPANY: Final = tuple(heading for heading in LIST if heading != "Company Name")
OPTIONAL: Final = ("X", "Company Name", *LATER)
REQUIRED: Final = tuple(heading for heading in LIST if heading not in OPTIONAL)

_FIRM: Final = re.compile(r"\b(?:inc|corp|co|ltd|llc|lp|plc|nv|sa|trust|fund|holdings|group|partners|capital)\b")


def read(row: Row, roles: Roles, _: datetime) -> InsiderTrade:
    """The line that a row tells.

    What came in and went out stays unknown, which quarantines the line, where the site itself does not trust the
    filing (E), and for a sale with an option exercise (+OE), whose size it does not say.
    """
    cells, flags = row.cells, row.cells.get("X", "")
    _check_signs(row)
    code = cells["Trade Type"][0]
    shares, price, value = _amounts(row)
    filing = filing_of(row, "Filing Date")
    known_at = told(row, "Filing Date", _filed_at)
    return InsiderTrade(
        key="",
        source="openinsider",
        accession=filing.accession if filing else None,
        form="4/A" if "A" in flags else "4",
        url=filing.url if filing else None,
        issuer=cells.get("Company Name") or None,
        symbol=_symbol(cells["Ticker"]),
        owner_cik=row.owner_cik,
        owner=cells["Insider Name"],
        title=cells["Title"] or None,
        is_officer=roles.is_officer,
        is_director=roles.is_director,
        is_ten_percent=roles.is_ten_percent,
        role=roles.role,
        code=code,
        acquired=None if "E" in flags or cells["Trade Type"].endswith("+OE") else _direction(cells["Qty"]),
        side=SIDES.get(code),
        traded_on=told(row, "Trade Date", lambda text: date.fromisoformat(text[:10])),
        filed_on=known_at.astimezone(NEW_YORK).date(),
        known_at=known_at,
        shares=shares,
        price=price,
        value=value,
        currency="USD",
        shares_after=number(cells["Owned"]),
    )


def _read_saved(row: Row, roles: Roles, now: datetime) -> InsiderTrade:
    """The line of a file's row, whose price may be a later one of the market unless it has the site's dollar sign."""
    trade = read(row, roles, now)
    return trade if row.cells["Price"].startswith("$") else trade._replace(price=_paid(*_amounts(row)))


def _check_signs(row: Row) -> None:
    """Refuse a row whose signs contradict its trade type, or one another; nothing has no sign."""
    label, quantity, value = row.cells["Trade Type"], row.cells["Qty"], row.cells["Value"]
    shares, _, worth = _amounts(row)
    if shares and label[0] in SIDES and quantity.startswith("-") != (label[0] == "S"):
        raise refusal(row.number, "Qty", f"a number {'below' if label[0] == 'S' else 'above'} 0 for {label}", quantity)
    if shares and worth and value.startswith("-") != quantity.startswith("-"):
        raise refusal(row.number, "Value", f"the sign of the quantity {quantity}", value)


def _amounts(row: Row) -> tuple[Decimal, Decimal, Decimal]:
    """Shares, price and value of a row, without their signs."""
    return number(row.cells["Qty"]), number(row.cells["Price"]), number(row.cells["Value"])


def _direction(quantity: str) -> str | None:
    if not number(quantity):
        return None
    return "D" if quantity.startswith("-") else "A"


def _symbol(ticker: str) -> str | None:
    """The ticker with a dash before its class letter; none where the site has only the beginning of one (`CRDA.`)."""
    return None if ticker.endswith(".") else ticker.replace(".", "-") or None


def _filed_at(text: str) -> datetime:
    if len(text) == len("2026-03-02"):
        return in_utc(datetime.combine(date.fromisoformat(text), LATEST))
    return in_utc(datetime.fromisoformat(text))


def _paid(shares: Decimal, price: Decimal, value: Decimal) -> Decimal:
    """The price when it yields the value but for rounding to cents and dollars, else value / shares."""
    is_that = not shares or abs(shares * price - value) <= min(shares / 200, value / 100) + 1
    return price if is_that else Decimal(f"{value / shares:.4f}")


def _check_prices(rows: Sequence[Row]) -> None:
    """Refuse columns of amounts that changed places: prices of another day are still near those that were paid."""
    amounts = [_amounts(row) for row in rows]
    near = [abs(shares * price - value) <= FARTHEST * value for shares, price, value in amounts]
    if 2 * sum(near) <= len(rows):
        raise SourceError(f"column 'Price': expected about Value / Qty, found it in {sum(near)} of {len(rows)} rows")


def _check_names(rows: Sequence[Row]) -> None:
    """Refuse companies and persons that changed places, which no link of a file tells apart."""
    if "Company Name" not in rows[0].cells:
        return
    companies, people = (Counter(row.cells[name] for row in rows) for name in ("Company Name", "Insider Name"))
    if most(people, _is_firm) and not most(companies, _is_firm):
        raise SourceError(f"column 'Insider Name': found the companies of 'Company Name', as {shown(min(people))}")


def _is_firm(name: str) -> bool:
    return bool(_FIRM.search(name.lower().replace(".", "")))


PAGE: Final = Layout(
    formats=_PAGE,
    texts=("Ticker", *_TEXTS),
    shares="Qty",
    shares_after="Owned",
    read=read,
)
"""How a page writes the columns."""

TABLE: Final = replace(PAGE, formats=_TABLE, read=_read_saved, checks=(_check_prices, _check_names))
"""How a file does, under OpenInsider's headings."""
