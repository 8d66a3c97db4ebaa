"""EDGAR over HTTP: the pages that say what was filed, and the filings; one request at a time, at everybody's pace.

Addresses after the SEC's "Accessing EDGAR Data"; submissions have a host of their own. A refusal, or a web page where
data was asked for, stops every program that shares the pace: to go on asking prolongs it.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from bot.errors import SourceError
from bot.http import Answer, Http, HttpError
from bot.sources.edgar import feed, index, submissions, tickers
from bot.sources.edgar.listing import Listing
from bot.sources.edgar.pace import SharedPace, StoppedError
from bot.sources.edgar.submissions import Page, Submissions

COUNT: Final = 100  # entries of a page of the feed, the most there are
DEEP: Final = 2000  # entries; a 503 before that is no end of the feed but a site that is busy
REFUSALS: Final = frozenset({403, 429})

_HTML: Final = re.compile(rb"\s*<(?:!doctype html|html)\b", re.IGNORECASE)
_DAILY: Final = re.compile(r"master\.(\d{8})\.idx", re.ASCII)


class Site:
    """EDGAR at this address; every method is one request, and SourceError says what came instead of the answer."""

    def __init__(self, http: Http, url: str, pace: SharedPace) -> None:
        self._http = http
        self._url = url
        self._data_url = url.replace("//www.sec.gov", "//data.sec.gov")
        self._pace = pace

    def recent(self, form: str, start: int) -> list[Listing] | None:
        """The entries of a form's feed from this one on, the latest first; none past its end, None deeper than it goes.

        They may be of any form whose name begins alike.
        """
        query = {"action": "getcurrent", "type": form, "owner": "only", "count": f"{COUNT}", "start": f"{start}"}
        answer = self._get("/cgi-bin/browse-edgar", {**query, "output": "atom"})
        return None if start >= DEEP and answer.status == 503 else feed.read(_body(answer, "the feed"))

    def indexed(self, day: date) -> set[date]:
        """The days of this day's quarter that have an index."""
        answer = self._get(f"{_quarter(day)}/index.json")
        found = _json(answer, "the list of daily indexes")
        try:
            names = [str(item["name"]) for item in found["directory"]["item"]]
            return {date.fromisoformat(match[1]) for name in names if (match := _DAILY.fullmatch(name))}
        except (ValueError, TypeError, KeyError) as error:
            raise SourceError(f"expected EDGAR's list of daily indexes, found something else ({error!r})") from None

    def index(self, day: date) -> list[Listing]:
        """Everything that was filed on a day that has an index."""
        return index.read(_body(self._get(f"{_quarter(day)}/master.{day:%Y%m%d}.idx"), f"the index of {day}"))

    def submission(self, listing: Listing) -> bytes | None:
        """The whole filing as it was disseminated; None while it is not there."""
        answer = self._get(listing.path)
        if answer.status == 404:
            return None
        document = _body(answer, f"the filing {listing.accession}")
        if b"</SEC-DOCUMENT>" not in document[-200:]:
            raise SourceError(f"expected the whole filing {listing.accession} from EDGAR, found a part of it")
        return document

    def tickers(self) -> dict[str, str]:
        """Every ticker's CIK, of ten digits."""
        return tickers.read(_json(self._get("/files/company_tickers.json"), "the list of tickers"))

    def submissions(self, cik: str) -> Submissions:
        """What a company's insiders, and itself, have filed of late, and what pages have the rest."""
        answer = self._get(f"/submissions/CIK{cik}.json", url=self._data_url)
        if answer.status == 404:
            raise SourceError(f"expected a company with the CIK {cik} at EDGAR, found none")
        return submissions.read(_json(answer, f"the submissions of CIK {cik}"), cik)

    def older_submissions(self, name: str, cik: str) -> Page:
        """A further page of a company's submissions."""
        return submissions.page(_json(self._get(f"/submissions/{name}", url=self._data_url), name), cik)

    def _get(self, path: str, query: Mapping[str, str] | None = None, *, url: str = "") -> Answer:
        self._pace.wait()
        try:
            answer = self._http.get((url or self._url) + path, params=query)
        except HttpError as error:
            raise SourceError(f"EDGAR: {error}") from None
        if answer.status in REFUSALS or (answer.status == 200 and _HTML.match(answer.body)):
            found = "a web page" if answer.status == 200 else f"status {answer.status}"
            raise StoppedError(
                f"EDGAR refused a request with {found} and is not asked again before {self._pace.stop()}; the SEC wants"
                " a contact in BOT_USER_AGENT and at most ten requests a second from all your programs"
            )
        return answer


def _body(answer: Answer, what: str) -> bytes:
    if answer.status != 200:
        raise SourceError(f"expected {what} from EDGAR, found status {answer.status}")
    return answer.body


def _json(answer: Answer, what: str) -> Any:
    _body(answer, what)
    try:
        return answer.json()
    except HttpError as error:
        raise SourceError(f"expected {what} from EDGAR as JSON: {error}") from None


def _quarter(day: date) -> str:
    return f"/Archives/edgar/daily-index/{day.year}/QTR{(day.month + 2) // 3}"
