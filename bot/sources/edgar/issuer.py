"""What one company's insiders have filed, by the company's own list of submissions."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from bot.errors import ConfigError, SourceError
from bot.model import NEW_YORK
from bot.sources.cells import TICKER
from bot.sources.edgar import tickers
from bot.sources.edgar.catalogue import Catalogue
from bot.sources.edgar.listing import Listing, Scope
from bot.sources.edgar.site import Site
from bot.sources.edgar.submissions import Page

_CIK: Final = re.compile(r"\d{1,10}", re.ASCII)
_TICKER: Final = re.compile(TICKER, re.ASCII)


class IssuerDiscovery:
    """Lists in the catalogue what EDGAR has of one company and the catalogue does not know."""

    def __init__(self, site: Site, forms: frozenset[str], issuer: str) -> None:
        self._site = site
        self._forms = forms
        self._issuer = issuer

    def run(self, catalogue: Catalogue, now: datetime, since: date) -> tuple[Scope, list[str]]:
        """List what was filed since that day; which filings those are, and a sentence for what cannot be had of them.

        SourceError when EDGAR does not answer, or knows no such company: nothing is listed then.
        """
        cik = self._cik(catalogue, now.astimezone(NEW_YORK).date())
        pages = self._pages(cik, since)
        filed = [one for page in pages for one in page.listings if one.form in self._forms and one.filed_on >= since]
        paper = frozenset[str]().union(*(page.paper for page in pages))
        readable = [one for one in filed if one.accession not in paper]
        catalogue.note(readable)
        accessions = frozenset(one.accession for one in readable)
        return Scope(since=since, forms=self._forms, issuer=cik, accessions=accessions), _on_paper(filed, paper)

    def _cik(self, catalogue: Catalogue, today: date) -> str:
        """The company's CIK, of ten digits; EDGAR's list of tickers is read once a day."""
        if _CIK.fullmatch(self._issuer):
            return self._issuer.zfill(10)
        ciks = catalogue.tickers(today)
        if not ciks:
            ciks = self._site.tickers()
            catalogue.keep_tickers(ciks, today)
        if self._issuer not in ciks:
            raise SourceError(
                f"expected {self._issuer} among EDGAR's tickers, found no company, or two: write its CIK,"
                " such as edgar:320193"
            )
        return ciks[self._issuer]

    def _pages(self, cik: str, since: date) -> list[Page]:
        found = self._site.submissions(cik)
        older = [self._site.older_submissions(page.name, cik) for page in found.older if page.until >= since]
        return [found.latest, *older]


def named(text: str) -> str:
    """A company as `edgar:ISSUER` names it: a CIK, or a ticker as EDGAR writes it; ConfigError for anything else."""
    issuer = tickers.as_listed(text)
    if not _CIK.fullmatch(issuer) and not _TICKER.fullmatch(issuer):
        raise ConfigError(f"edgar:{text} names no company: write its CIK or its ticker, edgar:320193 or edgar:AAPL")
    return issuer


def _on_paper(filed: Iterable[Listing], paper: frozenset[str]) -> list[str]:
    found = sorted(one.accession for one in filed if one.accession in paper)
    return [f"{len(found)} of EDGAR's filings were made on paper, such as {found[0]}"] if found else []
