"""A site's pages with one table of trades each: asked for politely, refused unless whole, taken apart by headings."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import pandas as pd
from lxml.etree import HTMLParser, XMLSyntaxError, _Element, fromstring

from bot.errors import BlockedError, SourceError
from bot.http import Answer, Http, HttpError
from bot.sources.cells import clean
from bot.sources.rows import refusal, shown

FEWEST_HEADINGS: Final = 4  # a row with so many of the headings is the table's head, even if others changed
MOST_NAMED: Final = 10  # headings in a sentence about those that nobody expected

_CELLS: Final = ("td", "th")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")


class Site:
    """Pages of a web site as one trades table; `title` is how sentences call the site."""

    def __init__(
        self, *, name: str, title: str, http: Http, pages: Sequence[str], parse: Callable[[str, datetime], pd.DataFrame]
    ) -> None:
        self.name = name
        self._title = title
        self._http = http
        self._pages = pages
        self._parse = parse

    def fetch(self, now: datetime) -> pd.DataFrame:
        """What the pages show at `now`; SourceError when one of them is refused, and nothing of the others then."""
        tables = [self._parse(self._get(url), now) for url in self._pages]
        return pd.concat(tables, ignore_index=True).drop_duplicates(["key", "symbol"], ignore_index=True)

    def _get(self, url: str) -> str:
        try:
            return self._page(self._http.get(url, once=True))
        except HttpError as error:
            raise SourceError(f"{self._title}: {error}") from error

    def _page(self, answer: Answer) -> str:
        """The text of a page, and of nothing else: to be blocked is not to be shown nothing."""
        if answer.status == 403 or "cf-mitigated" in answer.headers or b"Just a moment" in answer.body:
            raise BlockedError(
                f"{self._title} answered with a challenge, which is not for a bot to solve: stop for today"
            )
        if answer.status == 429:
            raise SourceError(f"{self._title} answered 429, too many requests: ask less often")
        if answer.status != 200:
            raise SourceError(f"{self._title} answered {answer.status} where 200 was expected")
        return answer.text


def read(page: str) -> _Element:
    """The page as a tree; SourceError when it was cut off, or cannot be read as HTML at all."""
    _check_whole(page)
    try:
        root = fromstring(page.encode(), HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True))
    except XMLSyntaxError:
        root = None
    if root is None:  # as of comments alone
        raise SourceError("expected an HTML page, found nothing that can be read as one")
    return root


def tables(root: _Element, layouts: Sequence[tuple[str, ...]]) -> list[tuple[_Element, tuple[str, ...]]]:
    """The tables whose first row has headings of these layouts, each with its headings."""
    known = set().union(*layouts)
    heads = [(table, _headings(table)) for table in root.iter("table")]
    return [(table, texts) for table, texts in heads if len(known & set(texts)) >= FEWEST_HEADINGS]


def find_table(root: _Element, layouts: Sequence[tuple[str, ...]]) -> tuple[_Element, tuple[str, ...]]:
    """The one table with headings of these layouts, and its headings, whatever is wrong with them."""
    found = tables(root, layouts)
    if not found:
        name = shown(title(root)) if title(root) else "no title"
        raise SourceError(f"expected an insider table ({', '.join(layouts[0])}), found none on the page ({name})")
    if len(found) > 1:
        raise SourceError(f"expected one insider table, found {len(found)}")
    return found[0]


def check_headings(found: tuple[str, ...], layouts: Sequence[tuple[str, ...]]) -> None:
    """Refuse headings that are not exactly those of one layout, in their order; the sentence names what changed."""
    if found in layouts:
        return
    expected = min(layouts, key=lambda layout: len(set(layout) - set(found)))
    problems = {
        "missing": [heading for heading in expected if heading not in found],
        "unexpected": [shown(heading) for heading in found if heading not in expected][:MOST_NAMED],
        "twice": [heading for heading in expected if found.count(heading) > 1],
    }
    if not any(problems.values()):
        problems["moved"] = [heading for heading, other in zip(expected, found, strict=True) if heading != other]
    what = "; ".join(f"{problem}: {', '.join(headings)}" for problem, headings in problems.items() if headings)
    raise SourceError(f"expected the columns {', '.join(expected)}, found them changed ({what})")


def lines(table: _Element, headings: tuple[str, ...]) -> list[dict[str, _Element]]:
    """The cells of every row after the headings, by heading."""
    rows = list(table.iter("tr"))[1:]
    if not rows:
        raise SourceError("expected rows in the insider table, found only its headings")
    if table.xpath(".//table | .//*[@colspan != '1' or @rowspan != '1']"):
        raise SourceError("expected a plain insider table, found one with joined cells or another table inside")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(headings):
            raise SourceError(f"row {number}: expected {len(headings)} cells, found {len(row)}")
    return [dict(zip(headings, row, strict=True)) for row in rows]


def text(tag: _Element) -> str:
    """What a reader sees of a tag."""
    return clean("".join(map(str, tag.itertext())) if len(tag) else tag.text or "")


def title(root: _Element) -> str:
    """The page's title, or nothing."""
    tag = next(root.iter("title"), None)
    return "" if tag is None else text(tag)


def links(number: int, line: Mapping[str, _Element], patterns: Mapping[str, re.Pattern[str]]) -> dict[str, str]:
    """What the links of a row tell by column; SourceError for one that its column does not have, or has twice."""
    told: dict[str, str] = {}
    for column, address in ((column, found) for column, cell in line.items() for found in addresses(cell)):
        match = patterns[column].fullmatch(address) if column in patterns and column not in told else None
        if match is None:
            raise refusal(number, column, "no such link", address)
        told[column] = match[1]
    return told


def addresses(cell: _Element) -> list[str]:
    """Where the links of a cell lead."""
    return [clean(address) for link in cell.iter("a") if (address := link.get("href")) is not None]


def _check_whole(page: str) -> None:
    """Refuse a page that was cut off: what a lenient parser reads of it looks complete."""
    if sign := _CONTROL.search(page):
        raise SourceError(f"expected an HTML page, found the control character {sign[0]!a} in it")
    lower = page.lower()
    if "<tr" not in lower:
        raise SourceError(f"expected an HTML page with the insider table, found {shown(page)}")
    start, end = ("<html", "</html") if "<html" in lower or "</html" in lower else ("<table", "</table")
    if start not in lower or lower.rfind(end) < lower.rfind("<tr"):
        raise SourceError(f"expected a whole page from {start}> to {end}>, found a part of one")


def _headings(table: _Element) -> tuple[str, ...]:
    """The texts of a table's first row, unless that is a frame around other tables."""
    first = next(table.iter("tr"), None)
    if first is None or first.find(".//table") is not None or next(first.iterancestors("table")) is not table:
        return ()
    return tuple(text(cell) for cell in first if cell.tag in _CELLS)
