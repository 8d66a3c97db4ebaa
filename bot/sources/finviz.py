"""FinViz's insider pages: the list of the latest trades, and the table at the foot of a company's quote page.

Layouts of 2020 to 2026 are read by their headings, whose set and order are part of the contract: a page that moved,
lost or gained a column is refused as a whole. Asked only when it is named in the settings, once per page and cycle.
"""

import re
from datetime import datetime
from typing import Final

import pandas as pd
from lxml.etree import HTMLParser, XMLSyntaxError, _Element, fromstring

from bot.errors import ConfigError, SourceError
from bot.http import Answer, Http, HttpError
from bot.plugins import Kit
from bot.sources.cells import PAGE, clean
from bot.sources.rows import HEADINGS, Row, refusal, shown, to_trades

QUOTE_HEADINGS: Final = ("Insider Trading", *HEADINGS[2:])
FEWEST_HEADINGS: Final = 4  # a row with so many of the headings is the table's head, even if others changed

_KNOWN: Final = {*HEADINGS, *QUOTE_HEADINGS}
_CELLS: Final = ("td", "th")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_TITLE: Final = re.compile(r"(?P<symbol>[A-Z][A-Z0-9.-]{0,8}) (?:- )?(?P<issuer>\S.*?) Stock (?:Price and )?Quote\b.*")
_LINKS: Final = {
    "Ticker": re.compile(r"(?:.*/)?(?:quote|stock)(?:\.ashx)?\?(?:[^#]*&)?t=([^&#]*).*"),
    "Owner": re.compile(r"(?:.*/)?insidertrading(?:\.ashx)?\?(?:[^#]*&)?oc=0*(\d{1,10})(?:[&#].*)?", re.ASCII),
    "SEC Form 4": re.compile(r"(.+)"),
}


class FinViz:
    """The pages that `finviz_views` names, as one trades table."""

    name = "finviz"

    def __init__(self, http: Http, url: str, views: tuple[str, ...]) -> None:
        self._http = http
        self._pages = [f"{url}/{view.lstrip('/')}" for view in views]

    def fetch(self, now: datetime) -> pd.DataFrame:
        """What the pages show at `now`; SourceError when one of them is refused, and nothing of the others then."""
        tables = [parse(self._get(url), now) for url in self._pages]
        return pd.concat(tables, ignore_index=True).drop_duplicates(["key", "symbol"], ignore_index=True)

    def _get(self, url: str) -> str:
        try:
            return _page(self._http.get(url))
        except HttpError as error:
            raise SourceError(f"FinViz: {error}") from error


def source(kit: Kit) -> FinViz:
    """FinViz as the settings describe it."""
    if not kit.settings.finviz_views:
        raise ConfigError("BOT_FINVIZ_VIEWS names no page; write for example insidertrading?tc=7")
    return FinViz(kit.http, kit.settings.finviz_url, kit.settings.finviz_views)


def parse(page: str, now: datetime) -> pd.DataFrame:
    """The trades table of one page; SourceError, and no row at all, unless the whole page is as it was recorded.

    `now` settles the year of lines that neither carry one nor link to a filing.
    """
    _check_whole(page)
    try:
        root = fromstring(page.encode(), HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True))
    except XMLSyntaxError as error:
        raise SourceError("expected an HTML page, found nothing that can be read as one") from error
    return to_trades(_rows(root), PAGE, now)


def _page(answer: Answer) -> str:
    if answer.status == 403 or "cf-mitigated" in answer.headers or b"Just a moment" in answer.body:
        raise SourceError("FinViz answered with a challenge, which is not for a bot to solve: stop for today")
    if answer.status == 429:
        raise SourceError("FinViz answered 429, too many requests: ask less often")
    if answer.status != 200:
        raise SourceError(f"FinViz answered {answer.status} where 200 was expected")
    return answer.text


def _check_whole(page: str) -> None:
    """Refuse a page that was cut off: what a lenient parser reads of it looks complete."""
    if sign := _CONTROL.search(page):
        raise SourceError(f"expected an HTML page, found the control character {sign[0]!a} in it")
    text = page.lower()
    if "<tr" not in text:
        raise SourceError(f"expected an HTML page with the insider table, found {shown(page)}")
    start, end = ("<html", "</html") if "<html" in text or "</html" in text else ("<table", "</table")
    if start not in text or text.rfind(end) < text.rfind("<tr"):
        raise SourceError(f"expected a whole page from {start}> to {end}>, found a part of one")


def _rows(root: _Element) -> list[Row]:
    table, headings = _insider_table(root)
    lines = list(table.iter("tr"))[1:]
    if not lines:
        raise SourceError("expected rows in the insider table, found only its headings")
    if table.xpath(".//table | .//*[@colspan != '1' or @rowspan != '1']"):
        raise SourceError("expected a plain insider table, found one with joined cells or another table inside")
    if headings == HEADINGS:
        return [_row(number, line, HEADINGS) for number, line in enumerate(lines, start=1)]
    symbol, issuer = _subject(root)
    return [_row(number, line, HEADINGS[1:], symbol, issuer) for number, line in enumerate(lines, start=1)]


def _insider_table(root: _Element) -> tuple[_Element, tuple[str, ...]]:
    """The one table that starts with the insider headings, and these."""
    heads = [(table, _headings(table)) for table in root.iter("table")]
    found = [(table, texts) for table, texts in heads if len(_KNOWN & set(texts)) >= FEWEST_HEADINGS]
    if not found:
        title = shown(_title(root)) if _title(root) else "no title"
        raise SourceError(f"expected an insider table ({', '.join(HEADINGS)}), found none on the page ({title})")
    if len(found) > 1:
        raise SourceError(f"expected one insider table, found {len(found)}")
    table, texts = found[0]
    _check_headings(texts)
    return table, texts


def _headings(table: _Element) -> tuple[str, ...]:
    """The texts of a table's first row, unless that is a frame around other tables."""
    first = next(table.iter("tr"), None)
    if first is None or first.find(".//table") is not None or next(first.iterancestors("table")) is not table:
        return ()
    return tuple(_text(cell) for cell in first if cell.tag in _CELLS)


def _check_headings(found: tuple[str, ...]) -> None:
    expected = QUOTE_HEADINGS if QUOTE_HEADINGS[0] in found else HEADINGS
    if found == expected:
        return
    problems = {
        "missing": [heading for heading in expected if heading not in found],
        "unexpected": [shown(heading) for heading in found if heading not in expected],
        "twice": [heading for heading in expected if found.count(heading) > 1],
    }
    if not any(problems.values()):
        problems["moved"] = [heading for heading, other in zip(expected, found, strict=True) if heading != other]
    what = "; ".join(f"{problem}: {', '.join(headings)}" for problem, headings in problems.items() if headings)
    raise SourceError(f"expected the columns {', '.join(expected)}, found them changed ({what})")


def _text(tag: _Element) -> str:
    return clean("".join(map(str, tag.itertext())) if len(tag) else tag.text or "")


def _title(root: _Element) -> str:
    tag = next(root.iter("title"), None)
    return "" if tag is None else _text(tag)


def _subject(root: _Element) -> tuple[str | None, str | None]:
    """Symbol and company of a quote page, as its ticker link and its title tell them."""
    link = next((link for link in root.iter("a") if link.get("id") == "ticker"), None)
    title = _TITLE.match(_title(root))
    named = title["symbol"] if title else None
    linked = named if link is None else _text(link)
    if named and linked != named:
        raise SourceError(f"expected a page about one company, found {shown(named)} and {shown(linked or '')}")
    return linked, title["issuer"] if title else None


def _row(
    number: int, line: _Element, columns: tuple[str, ...], symbol: str | None = None, issuer: str | None = None
) -> Row:
    """One line of the table; symbol and issuer are what the page says about all of them."""
    found = list(line)
    if len(found) != len(columns):
        raise SourceError(f"row {number}: expected {len(columns)} cells, found {len(found)}")
    tags = dict(zip(columns, found, strict=True))
    cells = {column: _text(tag) for column, tag in tags.items()}
    links = _links(number, tags)
    for ticker in (links.get("Ticker"), found[0].get("data-boxover-ticker")):
        if ticker is not None and ticker != cells.get("Ticker"):
            raise refusal(number, "Ticker", "the same ticker in text, link and attribute", str(ticker))
    company = found[0].get("data-boxover-company")
    return Row(
        number=number,
        cells={"Ticker": symbol, **cells} if symbol else cells,
        filing=links.get("SEC Form 4", ""),
        owner_cik=links.get("Owner"),
        issuer=clean(str(company)) if company else issuer,
    )


def _links(number: int, cells: dict[str, _Element]) -> dict[str, str]:
    """What the links of a row tell by column: the ticker, the owner's CIK, the address of the filing."""
    told: dict[str, str] = {}
    for column, cell in ((column, cell) for column, cell in cells.items() if len(cell)):
        for address in (clean(address) for link in cell.iter("a") if (address := link.get("href")) is not None):
            match = _LINKS[column].fullmatch(address) if column in _LINKS and column not in told else None
            if match is None:
                raise refusal(number, column, "no such link", address)
            told[column] = match[1]
    return told
