"""The European Central Bank's daily reference rates: one EUR in some thirty currencies, on every working day.

The file has the last ninety days; an older instant has no rate here. It is asked once at most, and only when two
currencies differ. Format as published in `eurofxref-hist-90d.xml`, `eurofxref-hist.xml` and `eurofxref-daily.xml`:
an Envelope with a Cube of days, which are Cubes of currencies.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from lxml import etree

from bot.errors import RatesError
from bot.http import Http, HttpError
from bot.model import Rate
from bot.plugins import Kit
from bot.rates.daily import EUR, DailyRates, Days, Pairs, currency_of, day_of, rate_of

NAME: Final = "ecb"
PATH: Final = "/stats/eurofxref/eurofxref-hist-90d.xml"
ENVELOPE: Final = "{http://www.gesmes.org/xml/2002-08-01}Envelope"
CUBE: Final = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"


class Ecb:
    """The reference rates of the last ninety days; after a failure every question gets the same RatesError."""

    def __init__(self, http: Http, url: str) -> None:
        self._http = http
        self._url = url
        self._answer: DailyRates | RatesError | None = None

    def rate(self, base: str, quote: str, at: datetime) -> Rate | None:
        """The last reference rate public at that instant, None when there is none of the last seven days.

        RatesError when the ECB cannot be asked, or answers with anything but what `parse` reads.
        """
        if base == quote:
            return DailyRates(NAME, {}).rate(base, quote, at)
        self._answer = self._answer or self._ask()
        if isinstance(self._answer, RatesError):
            raise self._answer
        return self._answer.rate(base, quote, at)

    def _ask(self) -> DailyRates | RatesError:
        try:
            answer = self._http.get(self._url + PATH)
            if answer.status != 200:
                return RatesError(f"ECB: expected status 200, found {answer.status}")
            return DailyRates(NAME, parse(answer.text))
        except (HttpError, RatesError) as error:
            return RatesError(f"ECB: {error}")


def rates(kit: Kit) -> Ecb:
    """The ECB as the settings describe it."""
    return Ecb(kit.http, kit.settings.ecb_url)


def parse(text: str) -> Days:
    """The rates by day; RatesError, and no rate at all, unless the whole document is as the ECB publishes it."""
    if "<!doctype" in text.lower():  # nothing of ours has one, and entities come with it
        raise RatesError("expected the ECB's XML, found a document with a DOCTYPE, as web pages have it")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        return _days(etree.fromstring(text.encode(), parser))
    except etree.XMLSyntaxError as error:
        raise RatesError(f"expected the ECB's XML, found what is not XML (line {error.lineno})") from None
    except ValueError as error:
        raise RatesError(str(error)) from None


def _days(root: etree._Element) -> Days:
    cubes = root.findall(CUBE)
    if root.tag != ENVELOPE:
        raise ValueError(f"expected the ECB's Envelope, found {_shown(root)}")
    if len(cubes) != 1:
        raise ValueError(f"expected one Cube in the Envelope, found {len(cubes)}")
    if not len(cubes[0]):
        raise ValueError("expected days in the Cube, found none")
    days: dict[date, Pairs] = {}
    for cube in cubes[0]:
        (written,) = _attributes(cube, "time")
        day = day_of(written)
        if day in days:
            raise ValueError(f"expected every day once, found {day} twice")
        days[day] = _pairs(cube, day)
    return days


def _pairs(cube: etree._Element, day: date) -> Pairs:
    if not len(cube):
        raise ValueError(f"expected rates on {day}, found none")
    pairs: dict[tuple[str, str], Decimal] = {}
    for line in cube:
        currency, rate = _attributes(line, "currency", "rate")
        try:
            pair, worth = (EUR, currency_of(currency)), rate_of(rate)
        except ValueError as error:
            raise ValueError(f"{currency[:40]!r} on {day}: {error}") from None
        if pair in pairs or currency == EUR:
            raise ValueError(f"expected every currency but EUR once on {day}, found {currency}")
        pairs[pair] = worth
    return pairs


def _attributes(cube: etree._Element, *names: str) -> list[str]:
    """What a Cube with exactly these attributes says: another one beside them might change what a rate means."""
    if cube.tag != CUBE or sorted(cube.attrib) != sorted(names):
        raise ValueError(f"expected a Cube with {' and '.join(names)}, found {_shown(cube)}")
    return [str(cube.attrib[name]) for name in names]


def _shown(element: etree._Element) -> str:
    """An element without its content, as one short line."""
    name = etree.QName(element).localname
    return repr(" ".join((name, *map(str, element.attrib)))[:80])
