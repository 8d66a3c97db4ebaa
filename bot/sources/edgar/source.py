"""SEC EDGAR itself: every insider's filing of the last days as soon as it is disseminated, or those of one company.

listed ─► in the catalogue ─► its document in the archive ─► read ─► the trades table

What is listed is written down before anything is fetched, and a document is whole in the archive before it counts: kill
the bot where you like, the next fetch goes on from there. A filing that cannot be had or read does not hold back the
others: the table says of it in `attrs["left_out"]`.
"""

import logging
import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pandas as pd

from bot.errors import ConfigError, SourceError
from bot.http import Http
from bot.model import NEW_YORK, InsiderTrade
from bot.plugins import Kit
from bot.sources.edgar import catalogue, filing, submission
from bot.sources.edgar.archive import Archive
from bot.sources.edgar.catalogue import Catalogue
from bot.sources.edgar.discovery import DAILY, Discovery
from bot.sources.edgar.filing import Filing
from bot.sources.edgar.issuer import IssuerDiscovery, named
from bot.sources.edgar.listing import Listing, Scope, with_amendments
from bot.sources.edgar.pace import PER_SECOND, SharedPace, StoppedError
from bot.sources.edgar.site import Site
from bot.trades import to_table

log: Final = logging.getLogger("insiderbot.edgar")
FAILURES: Final = 5  # filings in a row that cannot be had: then it is not the filings
PROGRESS: Final = 100  # filings between two lines of the log
CONTACT: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


class Edgar:
    """Filings of the last `lookback`, kept in this folder: all of these forms, or those about one `issuer`.

    Several of them may share a folder: what one has fetched the others need not.
    """

    def __init__(
        self,
        http: Http,
        url: str,
        folder: Path,
        lookback: timedelta,
        *,
        forms: Collection[str] = ("4",),
        issuer: str = "",
        per_second: float = PER_SECOND,
    ) -> None:
        self.name = f"edgar:{issuer}" if issuer else "edgar"
        self._folder = folder
        self._lookback = lookback
        self._archive = Archive(folder / "documents")
        self._site = Site(http.up_to(submission.MAX_BYTES), url, SharedPace(folder / "pace.sqlite", per_second))
        self._discovery: Discovery | IssuerDiscovery = (
            IssuerDiscovery(self._site, with_amendments(forms), issuer) if issuer else Discovery(self._site, forms)
        )
        self._shown: dict[str, list[InsiderTrade]] = {}

    def fetch(self, now: datetime) -> pd.DataFrame:
        """The lines of all filings of the lookback; `attrs["left_out"]` has a sentence on every kind that is missing.

        SourceError when EDGAR does not say what was filed, when no filing at all can be had, or nobody has filed
        anything; of one company, or of a form that is not filed every day, that is an empty table.
        """
        since = (now - self._lookback).astimezone(NEW_YORK).date()
        self._make_folder()
        with catalogue.opened(self._folder / "catalogue.sqlite") as known:
            self._restore(known)
            scope, left_out = self._discovery.run(known, now, since)
            self._read_again(known, scope)
            left_out += self._download(known, scope)
            left_out += _told("could not be read, and are kept", known.refusals(scope))
            table = to_table(self._trades(known, scope))
            if table.empty and not left_out and not scope.issuer and DAILY in scope.forms:
                raise SourceError(f"expected filings since {since} at EDGAR, found none")
        table.attrs["left_out"] = tuple(left_out)
        return table

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SourceError(f"{self._folder}: the archive cannot be made there ({error.strerror})") from None

    def _trades(self, known: Catalogue, scope: Scope) -> list[InsiderTrade]:
        """The lines of all filings; those that the last fetch has shown are not read from their text again.

        A company's own list has also what it has filed as an owner of another: those lines are not about it.
        """
        self._shown = {text: self._shown.get(text) or filing.from_text(text) for text in known.trades(scope)}
        trades = [trade for trades in self._shown.values() for trade in trades]
        return [trade for trade in trades if scope.issuer in {None, trade.issuer_cik}]

    def _restore(self, known: Catalogue) -> None:
        """Read the whole archive where nothing is known of it any more."""
        if not known.is_empty():
            return
        with known.together():
            for digest in self._archive:
                outcome = _read(self._archive.read(digest) or b"")
                if isinstance(outcome, Filing):
                    known.keep(outcome.listing(), digest, outcome)

    def _read_again(self, known: Catalogue, scope: Scope) -> None:
        """Read what another version of the program has read; what is damaged waits for its document again."""
        with known.together():
            for listing, digest in known.unread(scope):
                document = self._archive.read(digest)
                if document:
                    known.keep(listing, digest, _read(document, listing))
                else:
                    known.lose(listing)

    def _download(self, known: Catalogue, scope: Scope) -> list[str]:
        """Fetch what waits, the latest first; a sentence on what could not be had, which waits on.

        After a few failures in a row no more is asked for; SourceError when there is nothing to show then.
        """
        waiting = known.waiting(scope)
        unasked: list[Listing] = []
        missing: list[tuple[str, str]] = []
        failures = 0
        for number, listing in enumerate(waiting, start=1):
            try:
                document = self._site.submission(listing)
                failures = 0
            except StoppedError:
                raise
            except SourceError as error:
                failures += 1
                missing.append((listing.accession, str(error)))
                if failures == FAILURES:
                    unasked = waiting[number:]
                    break
            else:
                if document is None:
                    missing.append((listing.accession, "it is listed, but not there yet"))
                else:
                    known.keep(listing, self._archive.keep(document), _read(document, listing))
            if number % PROGRESS == 0:
                log.info("reading filings", extra={"facts": {"read": number, "of": len(waiting)}})
        if failures == FAILURES and not known.trades(scope):
            raise SourceError(f"{len(missing) + len(unasked)} filings wait to be read: {missing[-1][1]}")
        left_out = _told("could not be had, which is tried again", missing)
        if unasked:
            left_out.append(
                f"{len(unasked)} more of EDGAR's filings were not asked for after {FAILURES} failures in a row"
            )
        return left_out


def source(kit: Kit) -> Edgar:
    """`edgar` as the settings have it, or one company by `edgar:ISSUER`, a CIK or a ticker.

    ConfigError when the settings name nobody whom the SEC could write to, or no company could be called so.
    """
    settings = kit.settings
    if not CONTACT.search(settings.user_agent):
        raise ConfigError(
            "edgar needs a contact in BOT_USER_AGENT, as the SEC demands: write for example"
            " BOT_USER_AGENT='insiderbot you@example.com'"
        )
    return Edgar(
        kit.http,
        settings.edgar_url,
        settings.archive,
        timedelta(days=settings.edgar_lookback),
        forms=settings.edgar_forms,
        issuer=named(kit.argument) if kit.argument else "",
    )


def _read(document: bytes, listing: Listing | None = None) -> Filing | SourceError:
    """What a document says, or why it says nothing, or not about the filing that was listed."""
    try:
        found = filing.read(document, published_at=listing.accepted_at if listing else None)
    except SourceError as error:
        return error
    if listing and found.accession != listing.accession:
        return SourceError(f"expected the filing {listing.accession}, found {found.accession}")
    return found


def _told(problem: str, filings: Sequence[tuple[str, str]]) -> list[str]:
    """One sentence on all filings with the same problem, with the first of them and its reason."""
    if not filings:
        return []
    accession, reason = filings[0]
    return [f"{len(filings)} of EDGAR's filings {problem}, such as {accession}: {reason}"]
