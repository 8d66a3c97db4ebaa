"""From listings to instruments with their proof: one share class by OpenFIGI, and an ISIN that is the same class."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bot.errors import BrokerError, NotPaperError
from bot.instruments.identifiers import isin_of
from bot.instruments.isin_file import IsinFile, read_isin_file
from bot.instruments.openfigi import Answer, Job, JobError, OpenFigi, OutageError
from bot.instruments.share_class import RULE, choose, share_class, symbols_of, ticker_job, witness
from bot.model import Instrument, Listing, Skip

Search = Callable[[str, str], Iterable[str]]
"""Symbol and name in, candidate ISINs out."""

NO_CANDIDATE: Final = "no candidate is known; write one into the file of BOT_ISIN_FILE"


class ShareClassMapper:
    """Finds the one share class behind each listing and, from candidates, the ISIN that is proven to be the same.

    Candidates come from the user's own table, then from the searches given (a broker's), then from CUSIPs in the
    table; the first proven one wins. With `needs_isin` an instrument without a proven ISIN is refused.
    """

    def __init__(
        self,
        client: OpenFigi,
        *,
        isin_file: Path | None = None,
        candidates: Sequence[Search] = (),
        needs_isin: bool = False,
    ) -> None:
        own = read_isin_file(isin_file) if isin_file else IsinFile()
        self._client = client
        self._needs_isin = needs_isin
        self._origins: list[tuple[str, Search]] = [
            ("from your file", lambda symbol, _: own.isins.get(symbol, ())),
            *(("from the broker's search", search) for search in candidates),
            ("from a CUSIP in your file", lambda symbol, _: own.from_cusips.get(symbol, ())),
        ]

    def find(self, listings: Sequence[Listing]) -> dict[Listing, Instrument | Skip]:
        """For every listing its instrument with the proof, or the reason why there is none.

        What an outage leaves unanswered is a Skip that is not final. ConfigError when OpenFIGI refuses the key.
        """
        symbols = sorted({symbol for listing in listings for symbol in symbols_of(listing)})
        answers, outage = self._ask([ticker_job(symbol) for symbol in symbols])
        known = {
            symbol: share_class(symbol, answer)
            for symbol in symbols
            if (answer := answers.get(ticker_job(symbol))) is not None
        }
        chosen: dict[Listing, Instrument | Skip] = {}
        for listing in listings:
            answered = all(symbol in known for symbol in symbols_of(listing))
            chosen[listing] = (
                choose(listing, known) if answered else Skip(rule=RULE, reason=outage, final=False, outage=True)
            )
        proven = self._prove({each for each in chosen.values() if isinstance(each, Instrument)})
        return {listing: _told(listing, found, proven) for listing, found in chosen.items()}

    def _prove(self, instruments: Iterable[Instrument]) -> dict[Instrument, Instrument | Skip]:
        trials = [_Trial(instrument) for instrument in sorted(instruments, key=lambda each: each.symbol)]
        for origin, search in self._origins:
            open_trials = [trial for trial in trials if trial.isin is None]
            offers = [(trial, trial.offers(origin, search)) for trial in open_trials]
            answers, outage = self._ask([Job("ID_ISIN", isin) for _, isins in offers for isin in isins])
            for trial, isins in offers:
                for isin in isins:
                    trial.judge(isin, origin, answers.get(Job("ID_ISIN", isin)), outage)
        return {trial.instrument: trial.verdict(needs_isin=self._needs_isin) for trial in trials}

    def _ask(self, jobs: Sequence[Job]) -> tuple[Mapping[Job, Answer], str]:
        """What is answered, and in words why the rest is not."""
        try:
            return dict(zip(jobs, self._client.map(jobs), strict=True)), ""
        except OutageError as error:
            return error.answered, str(error)


@dataclass(slots=True)
class _Trial:
    """The search for one instrument's ISIN: what was offered, what became of it, and whether that is the last word."""

    instrument: Instrument
    isin: str | None = None
    lines: list[str] = field(default_factory=list)
    final: bool = True

    def offers(self, origin: str, search: Search) -> list[str]:
        """The valid ISINs a search offers, each once and in its order."""
        try:
            texts = list(dict.fromkeys(search(self.instrument.symbol, self.instrument.name)))
        except NotPaperError:
            raise
        except BrokerError as error:
            self.final = False
            self.lines.append(f"nothing {origin}: {error}")
            return []
        self.lines += [f"{text[:20]!r} {origin} is not an ISIN" for text in texts if isin_of(text) is None]
        return [isin for text in texts if (isin := isin_of(text))]

    def judge(self, isin: str, origin: str, answer: Answer | None, outage: str) -> None:
        """Keep the ISIN when every share class behind it is the instrument's, and a line on it in any case."""
        if self.isin:
            return
        hits = answer if isinstance(answer, tuple) else ()
        classes = {hit.share_class_figi: hit.name for hit in hits if hit.share_class_figi}
        if answer is None:
            self.final = False
            outcome = f"could not be checked ({outage})"
        elif isinstance(answer, JobError):
            outcome = f"is refused ({answer.message})"
        elif not classes:
            outcome = "is of no known share class"
        elif set(classes) == {self.instrument.share_class_figi}:
            self.isin = isin
            outcome = "is the same share class"
        else:
            outcome = "is " + ", ".join(f"{figi} ({name})" for figi, name in sorted(classes.items()))
        self.lines.append(f"OpenFIGI: ISIN {isin} {origin} {outcome}")

    def verdict(self, *, needs_isin: bool) -> Instrument | Skip:
        """The instrument with its ISIN and proof, or a Skip when an ISIN is needed and none is proven."""
        found = self.instrument
        if needs_isin and self.isin is None:
            tried = "; ".join(self.lines) or NO_CANDIDATE
            reason = f"{found.symbol} is share class {found.share_class_figi}, but no ISIN is proven to be it: {tried}"
            return Skip(rule=RULE, reason=reason, final=self.final, outage=not self.final)
        return replace(found, isin=self.isin, proof=(*found.proof, *self.lines))


def _told(
    listing: Listing, found: Instrument | Skip, proven: Mapping[Instrument, Instrument | Skip]
) -> Instrument | Skip:
    result = proven[found] if isinstance(found, Instrument) else found
    if isinstance(result, Instrument):
        return replace(result, proof=(*result.proof, *witness(listing, result)))
    return result
