"""A small market of fictional companies and people: what they report around one trading day, and what shares cost.

Every way a decision can go is in it once, so that each reason can be read beside the facts that led to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from bot.demo.companies import SHARES, Share
from bot.model import NEW_YORK, Bar
from bot.sessions import Sessions

VENUE: Final = "XNYS"
DAYS_BEFORE: Final = 7  # calendar days of prices around the day
DAYS_AFTER: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One reported line as FinViz shows it, once under every share class in `listed`.

    `transaction` is FinViz's word, `price` in USD with two decimals, `filed_at` in UTC with a full minute;
    `shares_after` is None on a proposed sale.
    """

    listed: tuple[Share, ...]
    owner: str
    owner_cik: int
    title: str
    transaction: str
    traded_on: date
    filed_at: datetime
    accession: str
    price: Decimal
    shares: int
    value: Decimal
    shares_after: int | None

    @property
    def url(self) -> str:
        """Where the filing would stand."""
        folder = f"{int(self.accession[:10])}/{self.accession.replace('-', '')}"
        style = "xsl144X01" if self.transaction == "Proposed Sale" else "xslF345X05"
        return f"http://www.sec.gov/Archives/edgar/data/{folder}/{style}/primary_doc.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One trading day, `day`: the lines filed before it and on its evening, and daily bars from before to after it."""

    day: date
    lines: tuple[Line, ...]
    bars: tuple[Bar, ...]

    def public(self, at: datetime) -> list[Line]:
        """The lines filed by then, the latest first, as FinViz sorts them."""
        return sorted(
            (line for line in self.lines if line.filed_at <= at), key=lambda line: line.filed_at, reverse=True
        )


@dataclass(frozen=True, slots=True)
class _Did:
    """One line of a filing; `days` are sessions between trade and filing, `worth` is how far the value is off."""

    transaction: str
    shares: int
    after: int | None
    days: int = 1
    worth: int = 1


@dataclass(frozen=True, slots=True)
class _Filing:
    """Who filed what at which New York time, `days` sessions before the day."""

    tickers: str
    owner: str
    title: str
    at: str
    lines: tuple[_Did, ...]
    days: int = 1


def _filing(tickers: str, owner: str, title: str, at: str, *lines: _Did, days: int = 1) -> _Filing:
    return _Filing(tickers, owner, title, at, lines, days)


_NEWS: Final[tuple[_Filing, ...]] = (
    # followed
    _filing("NWRB", "Okafor Adaeze M", "Chief Executive Officer", "16:31", _Did("Buy", 3_000, 63_000)),
    _filing("QLMK", "LINDQVIST TORE", "Chief Financial Officer", "16:40", _Did("Buy", 1_500, 24_000)),
    _filing("QLMK", "Abernethy-Vasquez Guillermina Consuelo", "EVP & Chief Operating Officer of the Group", "17:02",
            _Did("Buy", 900, 15_400)),
    _filing("SMFP", "Penhallow Jory", "President & CEO", "17:05", _Did("Buy", 4_200, 61_000)),
    _filing("VLPM", "Nakagawa-Birch Rin", "General Counsel", "17:11", _Did("Buy", 2_000, 2_000)),
    _filing("MRVB-A MRVB-B MRVB-PC", "Sorrel Beatrix", "Chief Executive Officer", "17:24", _Did("Buy", 5_000, 88_000)),
    _filing("LMNX", "Dunmore Casimir", "Chief Technology Officer", "17:40",
            _Did("Buy", 700, 20_700, 2), _Did("Buy", 1_100, 21_800), _Did("Buy", 450, 22_250)),
    # what the strategy refuses
    _filing("THWK", "Ferreira-Oake Ines", "Director", "16:12", _Did("Buy", 10_000, 41_000)),
    _filing("THWK", "Cobalt Heron Partners LP", "10% Owner", "16:15", _Did("Buy", 250_000, 4_100_000)),
    _filing("BLPT", "Marchetti Ola", "See Remarks", "16:20", _Did("Buy", 2_500, 19_000)),
    _filing("BLPT", "Whitlock Sunniva", "Chief Financial Officer", "16:22", _Did("Buy", 300, 100_300)),
    _filing("TDWX", "Eastaugh Mirela", "Chief Legal Officer", "16:25",
            _Did("Option Exercise", 8_000, 8_000), _Did("Sale", 8_000, 0)),
    _filing("TDWX", "Brannigan Teodor", "Chief Operating Officer", "16:27", _Did("Option Exercise", 6_000, 31_000)),
    _filing("HZLW", "Stone-Achterberg Mira", "Officer", "16:33", _Did("Proposed Sale", 5_000, None)),
    _filing("KLPF", "Ravensdale Piers", "Treasurer", "16:35", _Did("Buy", 1_200, 9_200, 15)),
    _filing("SMFP", "Hollingberry Anouk", "Chief Financial Officer", "18:05", _Did("Buy", 1_000, 12_000), days=10),
    # what cannot be mapped, held, sized, paid or believed
    _filing("PEWT", "Grimshaw Oriel", "Chief Executive Officer", "16:45", _Did("Buy", 6_000, 40_000)),
    _filing("GDRW", "Tanaka-Wolfe Ezra", "Chief Executive Officer", "16:47", _Did("Buy", 9_000, 120_000)),
    _filing("HLHC TDWX", "Vantongeren Lucia", "Chief Executive Officer", "16:50", _Did("Buy", 4_000, 44_000)),
    _filing("", "Islay Fenwick", "Chief Executive Officer", "16:52", _Did("Buy", 3_300, 28_000)),
    _filing("THWK", "Castellane Bram", "Chief Financial Officer", "17:15", _Did("Sale", 12_000, 0)),
    _filing("WNDC", "Oyelaran Sefa", "Chief Executive Officer", "17:18", _Did("Buy", 400, 5_400)),
    _filing("OSCM", "Halvorsen-Diaz Ilse", "Chief Executive Officer", "17:20", _Did("Buy", 2_000, 18_000, worth=10)),
    _filing("KLPF", "Ashgrove Neve", "Chief Executive Officer", "17:30", _Did("Buy", 2_200, 30_000)),
    _filing("KLPF", "Quist Leopold", "Chief Operating Officer", "17:32", _Did("Sale", 3_000, 20_000)),
    _filing("HZLW", "Dragomir Calla", "President", "19:40", _Did("Buy", 1_800, 16_000)),
    # the evening of the day itself
    _filing("NWRB", "Tremblay-Osei Kwame", "Chief Financial Officer", "16:28", _Did("Sale", 6_000, 14_000, 0), days=0),
    _filing("BLPT", "Yarrow Odile", "Director", "16:44", _Did("Buy", 1_000, 7_000, 0), days=0),
)  # fmt: skip


def market(day: date) -> Market:
    """The market around this day; ValueError when it is no trading day."""
    sessions = Sessions(VENUE)
    sessions.on(day)
    return Market(day=day, lines=tuple(_lines(day, sessions)), bars=tuple(_bars(day, sessions)))


def trading_day(sessions: Sessions, day: date, before: int) -> date:
    """The trading day so many sessions before this one."""
    while before:
        day -= timedelta(days=1)
        before -= _is_trading_day(sessions, day)
    return day


def _is_trading_day(sessions: Sessions, day: date) -> bool:
    return sessions.entry(datetime.combine(day, time(), UTC)).day == day


def _lines(day: date, sessions: Sessions) -> list[Line]:
    people = sorted({filing.owner for filing in _NEWS})
    lines = []
    for number, filing in enumerate(_NEWS, start=1):
        filed_on = trading_day(sessions, day, filing.days)
        listed = tuple(next(share for share in SHARES if share.ticker == ticker) for ticker in filing.tickers.split())
        person = 9_999_500_000 + people.index(filing.owner)
        filed_at = datetime.combine(filed_on, time.fromisoformat(filing.at), NEW_YORK).astimezone(UTC)
        for did in filing.lines:
            traded_on = trading_day(sessions, filed_on, did.days)
            price = _price(listed, did.transaction, traded_on)
            lines.append(
                Line(
                    listed=listed,
                    owner=filing.owner,
                    owner_cik=person,
                    title=filing.title,
                    transaction=did.transaction,
                    traded_on=traded_on,
                    filed_at=filed_at,
                    accession=f"{person:010}-{filed_on:%y}-{filed_on:%j}{number:03}",
                    price=price,
                    shares=did.shares,
                    value=price * did.shares * did.worth,
                    shares_after=did.after,
                )
            )
    return lines


def _price(listed: Sequence[Share], transaction: str, on: date) -> Decimal:
    """What was paid: the close of that day, or half of it where an option was exercised."""
    close = listed[0].bar(on).close if listed else Decimal("20.00")
    return (close / 2).quantize(Decimal("0.01")) if transaction == "Option Exercise" else close


def _bars(day: date, sessions: Sessions) -> list[Bar]:
    around = [day + timedelta(days=days) for days in range(-DAYS_BEFORE, DAYS_AFTER + 1)]
    traded = {share.ticker: share for share in reversed(SHARES)}
    return [share.bar(on) for on in around if _is_trading_day(sessions, on) for share in traded.values()]
