import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.openfigi import OpenFigiServer
from bot.errors import BrokerError, ConfigError, NotPaperError
from bot.instruments.mapper import ShareClassMapper
from bot.instruments.openfigi import Answer, Hit, Job, JobError, OpenFigi
from bot.model import Instrument, Listing, Skip
from tests.instruments.figi_market import MARKET, figi_of, record

MapperOf = Callable[..., ShareClassMapper]
Figis = dict[str, str | None]


def found(mapper: ShareClassMapper, *symbols: str, **names: str) -> Instrument:
    listing = Listing(symbols=symbols, **names)
    result = mapper.find([listing])[listing]
    assert isinstance(result, Instrument), result
    return result


def refused(mapper: ShareClassMapper, *symbols: str, **names: str) -> Skip:
    listing = Listing(symbols=symbols, **names)
    result = mapper.find([listing])[listing]
    assert isinstance(result, Skip), result
    assert result.rule == "mapping"
    return result


def offering(*isins: str) -> Callable[[str, str], Iterable[str]]:
    return lambda symbol, name: isins


def test_a_ticker_is_its_share_class_with_the_proof_in_words(mapper_of: MapperOf, figis: Figis) -> None:
    figi = figis["NWRB"]
    instrument = found(mapper_of(), "NWRB", issuer="Northwind Robotics, Inc.")
    assert instrument == Instrument(
        symbol="NWRB",
        name="NORTHWIND ROBOTICS INC",
        share_class_figi=str(figi),
        composite_figi=figi_of("BBG00ZZT001"),
        proof=(
            f"OpenFIGI: NWRB (US) is share class {figi}, NORTHWIND ROBOTICS INC, Common Stock",
            "the name agrees with the source's, Northwind Robotics, Inc.",
        ),
    )


@pytest.mark.parametrize("text", ["HLH.B", "HLH-B", "HLH/B", "hlh.b"])
def test_every_notation_of_a_class_is_one_instrument(mapper_of: MapperOf, figis: Figis, text: str) -> None:
    instrument = found(mapper_of(), text)
    assert (instrument.symbol, instrument.share_class_figi) == ("HLH-B", figis["HLH/B"])


def test_two_classes_of_one_company_stay_apart(mapper_of: MapperOf, figis: Figis) -> None:
    mapper = mapper_of()
    assert found(mapper, "KITE", issuer="Kite & Lantern Inc.").share_class_figi == figis["KITE"]
    assert found(mapper, "KITEL", issuer="Kite & Lantern Inc.").share_class_figi == figis["KITEL"]


@pytest.mark.parametrize("symbol", ["SVKAY", "PINE", "TARN"])
def test_an_adr_a_reit_and_a_partnership_can_be_followed(mapper_of: MapperOf, figis: Figis, symbol: str) -> None:
    assert found(mapper_of(), symbol).share_class_figi == figis[symbol]


@pytest.mark.parametrize(
    ("symbol", "reason"),
    [
        ("TARNW", "TARNW is not a share one can follow (Warrant)"),
        ("LEVL", "LEVL is not a share one can follow (Mutual Fund)"),
        ("GHOST", "OpenFIGI knows no US listing of GHOST"),
        ("SVKA", "OpenFIGI knows no US listing of SVKA"),
        ("NULO", "OpenFIGI names no share class for NULO, so nothing can be proven"),
        ("'; DROP TABLE", '"\'; DROP TABLE" is not a US ticker'),
        ("", "'' is not a US ticker"),
    ],
)
def test_what_is_no_followable_share_says_why(mapper_of: MapperOf, symbol: str, reason: str) -> None:
    assert refused(mapper_of(), symbol) == Skip(rule="mapping", reason=reason)


def test_a_listing_without_symbols_has_no_ticker(mapper_of: MapperOf) -> None:
    assert refused(mapper_of()).reason == "no ticker"


def test_a_ticker_of_two_share_classes_names_both(mapper_of: MapperOf, figis: Figis) -> None:
    reason = refused(mapper_of(), "TWIN").reason
    assert str(figis["TWIN"]) in reason
    assert "TWIN OAKS MILLING CO" in reason
    assert "TWINSPIRE SOFTWARE INC" in reason


def test_a_reused_ticker_is_refused(mapper_of: MapperOf) -> None:
    skip = refused(mapper_of(), "NWRB", issuer="Nordwand Rubber Company")
    assert skip.reason == (
        "at OpenFIGI NWRB is NORTHWIND ROBOTICS INC, but the source names Nordwand Rubber Company: ticker reuse?"
    )


class Told:
    """A service that gives every job of a kind the same answer, and remembers what it was asked."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.jobs: list[Job] = []

    def map(self, jobs: Sequence[Job]) -> list[Answer]:
        self.jobs += jobs
        return [self.answers.get(job.kind, ()) for job in jobs]


def hit(ticker: str | None = "NWRB", exchange: str = "US", composite: str = "F", **other: Any) -> Hit:
    names = {"figi": "F", "name": "NORTHWIND", "share_class_figi": "S", "type": "Common Stock", **other}
    return Hit(ticker=ticker, exchange=exchange, composite_figi=composite, **names)


class Named:
    """A service that knows symbols by their names only."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def map(self, jobs: Sequence[Job]) -> list[Answer]:
        return [(hit(job.value, name=self.names[job.value], share_class_figi=job.value),) for job in jobs]


@pytest.mark.parametrize("other", [hit("NWRBX"), hit(exchange="GR"), hit(None)])
def test_a_row_of_another_listing_is_not_taken(other: Hit) -> None:
    service: Any = Told(TICKER=(other,))
    assert refused(ShareClassMapper(service), "NWRB").reason == "OpenFIGI knows no US listing of NWRB"


def test_the_composite_row_is_preferred_and_a_missing_name_is_the_symbol() -> None:
    service: Any = Told(TICKER=(hit(figi="X", composite="Y"), hit(name=None)))
    instrument = found(ShareClassMapper(service), "NWRB")
    assert (instrument.composite_figi, instrument.name) == ("F", "NWRB")


def test_a_job_error_is_told() -> None:
    service: Any = Told(TICKER=JobError("Invalid idValue format."))
    reason = refused(ShareClassMapper(service), "NWRB").reason
    assert reason == "OpenFIGI cannot read NWRB (Invalid idValue format.)"


def test_an_isin_that_openfigi_refuses_is_told() -> None:
    service: Any = Told(TICKER=(hit(),), ID_ISIN=JobError("Invalid idValue format."))
    mapper = ShareClassMapper(service, candidates=[offering("US6655311099")], needs_isin=True)
    skip = refused(mapper, "NWRB")
    assert skip.final
    assert skip.reason.endswith("is refused (Invalid idValue format.)")


# One filing under several symbols


def test_two_classes_of_one_company_take_the_first(mapper_of: MapperOf) -> None:
    instrument = found(mapper_of(), "HLH/B", "HLH.A", owner="Fenn Ada")
    assert instrument.symbol == "HLH-A"
    assert instrument.proof[-1] == "listed under HLH-B and HLH-A, of which HLH-A is the share one can follow"


def test_the_issuers_name_picks_among_several(mapper_of: MapperOf) -> None:
    assert found(mapper_of(), "GRNT", "HLH-A", "HLH-B", issuer="Granite Peak Petroleum Corp").symbol == "GRNT"


def test_the_companys_own_warrants_and_preferred_shares_are_passed_over(mapper_of: MapperOf) -> None:
    assert found(mapper_of(), "TARNW", "TARN", "TARN-PA", "TARN-PRB", owner="Fenn Ada").symbol == "TARN"


def test_a_company_that_owns_is_not_the_company_traded(mapper_of: MapperOf) -> None:
    assert found(mapper_of(), "GRNT", "HLH-A", "HLH-B", owner="HARBOR LANE HOLDINGS INC").symbol == "GRNT"


def test_a_company_that_trades_its_own_shares_is_itself(mapper_of: MapperOf) -> None:
    assert found(mapper_of(), "HLH-A", "HLH-B", owner="HARBOR LANE HOLDINGS INC").symbol == "HLH-A"


def test_different_companies_are_refused(mapper_of: MapperOf) -> None:
    assert refused(mapper_of(), "HLH-A", "HLH-B", "GRNT", owner="Fenn Ada").reason == (
        "listed under GRNT, HLH-A and HLH-B, which are different companies; "
        "the page cannot tell whose shares were traded"
    )


@pytest.mark.parametrize("stranger", ["GHOST", "LEVL", "TWIN", "G,H", "HLHXYZ", "H", ""])
def test_a_share_beside_a_symbol_of_nobody_known_is_refused(mapper_of: MapperOf, stranger: str) -> None:
    assert refused(mapper_of(), "HLH-A", stranger).reason == (
        f"listed under HLH-A and {stranger or repr('')}, and nothing ties {stranger or repr('')} to HLH-A; "
        "the page cannot tell whose shares were traded"
    ).replace("G,H", "'G,H'")


def test_an_owner_beside_the_warrants_it_traded_is_not_followed(mapper_of: MapperOf) -> None:
    skip = refused(mapper_of(), "HLH-A", "TARNW", owner="HARBOR LANE HOLDINGS INC")
    assert "nothing ties TARNW to HLH-A" in skip.reason


@pytest.mark.parametrize(
    ("symbols", "taken"),
    [(("ORBA", "ORBAW"), "ORBA"), (("ORBAK", "ORBAM"), "ORBAK"), (("Z", "ZG"), "Z"), (("ORB", "ORBNP"), "ORB")],
)
def test_symbols_that_begin_alike_are_one_companys(symbols: tuple[str, ...], taken: str) -> None:
    service: Any = Named(dict.fromkeys(symbols, "ORBANE MEDIA CORP"))
    assert found(ShareClassMapper(service), *symbols).symbol == taken


@pytest.mark.parametrize("symbols", [("ORBAK", "VELOK"), ("C", "COMPW"), ("Z", "ZGAB"), ("ORBA", "ORBX")])
def test_tracking_stocks_of_one_company_are_refused(symbols: tuple[str, ...]) -> None:
    service: Any = Named(dict.fromkeys(symbols, "ORBANE MEDIA CORP"))
    assert f"nothing ties {symbols[1]} to {symbols[0]}" in refused(ShareClassMapper(service), *symbols).reason


def test_the_order_of_the_symbols_does_not_matter(mapper_of: MapperOf) -> None:
    mapper = mapper_of()
    assert found(mapper, "KITE", "KITEL").symbol == found(mapper, "KITEL", "KITE").symbol == "KITE"


# ISINs


def test_an_isin_of_the_same_share_class_is_proven(mapper_of: MapperOf) -> None:
    instrument = found(mapper_of(candidates=[offering("US6655311099")], needs_isin=True), "NWRB")
    assert instrument.isin == "US6655311099"
    assert instrument.proof[1:] == ("OpenFIGI: ISIN US6655311099 from the broker's search is the same share class",)


def test_the_first_proven_candidate_wins_and_the_others_are_told(mapper_of: MapperOf, figis: Figis) -> None:
    offers = offering("US9900011092", "not one", "US9900099048", "US6655311099", "US9900021075")
    instrument = found(mapper_of(candidates=[offers]), "NWRB")
    assert instrument.isin == "US6655311099"
    assert instrument.proof[1:] == (
        "'not one' from the broker's search is not an ISIN",
        f"OpenFIGI: ISIN US9900011092 from the broker's search is {figis['HLH/A']} (HARBOR LANE HOLDINGS-CL A)",
        "OpenFIGI: ISIN US9900099048 from the broker's search is of no known share class",
        "OpenFIGI: ISIN US6655311099 from the broker's search is the same share class",
    )


def test_the_users_file_comes_before_the_broker_and_the_cusip_last(mapper_of: MapperOf, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("symbol,isin,cusip\nNWRB,US6655311099,\nHLH.A,US9900012082,\nKITE,,990002107\n")
    asked: list[str] = []

    def search(symbol: str, name: str) -> list[str]:
        asked.append(f"{symbol} {name}")
        return ["US9900011092"] if symbol == "HLH-A" else []

    mapper = mapper_of(isin_file=path, candidates=[search], needs_isin=True)
    listings = [Listing(symbols=(symbol,)) for symbol in ("NWRB", "HLH-A", "KITE")]
    results = mapper.find(listings)
    assert [getattr(results[each], "isin", None) for each in listings] == [
        "US6655311099",
        "US9900011092",
        "US9900021075",
    ]
    assert asked == ["HLH-A HARBOR LANE HOLDINGS-CL A", "KITE KITE & LANTERN INC-CL C"]
    assert "from your file is BBG" in str(results[listings[1]])
    assert "ISIN US9900021075 from a CUSIP in your file is the same share class" in str(results[listings[2]])


def test_without_a_proven_isin_a_symbol_broker_may_still_trade(mapper_of: MapperOf) -> None:
    assert found(mapper_of(candidates=[offering("US9900011092")]), "NWRB").isin is None


def test_without_a_proven_isin_an_isin_broker_may_not(mapper_of: MapperOf, figis: Figis) -> None:
    skip = refused(mapper_of(candidates=[offering("US9900011092")], needs_isin=True), "NWRB")
    assert skip.final
    assert skip.reason == (
        f"NWRB is share class {figis['NWRB']}, but no ISIN is proven to be it: OpenFIGI: ISIN US9900011092 "
        f"from the broker's search is {figis['HLH/A']} (HARBOR LANE HOLDINGS-CL A)"
    )


def test_without_any_candidate_the_reason_says_what_to_do(mapper_of: MapperOf) -> None:
    assert refused(mapper_of(needs_isin=True), "NWRB").reason.endswith(
        "no candidate is known; write one into the file of BOT_ISIN_FILE"
    )


def test_an_isin_of_two_share_classes_proves_nothing(client_of: Callable[..., OpenFigi]) -> None:
    both = (*MARKET, record("NWX", "NORTHWIND EXTRA CORP", 40, isins=("US6655311099",)))
    with OpenFigiServer(both) as server:
        mapper = ShareClassMapper(client_of(server.url), candidates=[offering("US6655311099")], needs_isin=True)
        assert "NORTHWIND EXTRA CORP" in refused(mapper, "NWRB").reason


def test_listings_without_a_share_class_do_not_stand_against_an_isin(client_of: Callable[..., OpenFigi]) -> None:
    blank = record("NWZ", "NORTHWIND ROBOTICS INC", 41, isins=("US6655311099",), share_class_figi=None)
    with OpenFigiServer((*MARKET, blank)) as server:
        mapper = ShareClassMapper(client_of(server.url), candidates=[offering("US6655311099")])
        assert found(mapper, "NWRB").isin == "US6655311099"


def test_an_isin_without_any_share_class_proves_nothing(client_of: Callable[..., OpenFigi]) -> None:
    blank = record("NWZ", "NORTHWIND ROBOTICS INC", 41, isins=("US9900031058",), share_class_figi=None)
    with OpenFigiServer([MARKET[0], blank]) as server:
        mapper = ShareClassMapper(client_of(server.url), candidates=[offering("US9900031058")], needs_isin=True)
        assert "is of no known share class" in refused(mapper, "NWRB").reason


def test_a_search_that_fails_is_asked_again_later(mapper_of: MapperOf) -> None:
    def search(symbol: str, name: str) -> list[str]:
        raise BrokerError("the broker did not answer")

    skip = refused(mapper_of(candidates=[search], needs_isin=True), "NWRB")
    assert not skip.final
    assert "the broker did not answer" in skip.reason


def test_a_broker_that_is_not_paper_stops_everything(mapper_of: MapperOf) -> None:
    def search(symbol: str, name: str) -> list[str]:
        raise NotPaperError("real money")

    with pytest.raises(NotPaperError):
        mapper_of(candidates=[search]).find([Listing(symbols=("NWRB",))])


# Requests, outages, keys


def test_all_listings_share_their_requests(mapper_of: MapperOf, server: OpenFigiServer) -> None:
    listings = [Listing(symbols=(symbol,)) for symbol in ("NWRB", "HLH-A", "KITE", "SVKAY")]
    mapper_of(candidates=[offering("US6655311099")]).find([*listings, *listings])
    assert [len(request.jobs) for request in server.journal] == [4, 1]
    assert server.journal[0].jobs[0] == {
        "idType": "TICKER",
        "idValue": "HLH/A",
        "exchCode": "US",
        "marketSecDes": "Equity",
    }
    assert server.journal[1].jobs == [{"idType": "ID_ISIN", "idValue": "US6655311099"}]


def test_no_listings_are_no_requests(mapper_of: MapperOf, server: OpenFigiServer) -> None:
    assert mapper_of().find([]) == {}
    assert server.journal == []


def test_in_an_outage_the_known_still_map_and_the_rest_waits(mapper_of: MapperOf, server: OpenFigiServer) -> None:
    mapper = mapper_of()
    found(mapper, "NWRB")
    server.fail_next(*[503] * 4)
    known, unknown = Listing(symbols=("NWRB",)), Listing(symbols=("HLH-A", "NWRB"))
    results = mapper.find([known, unknown])
    assert isinstance(results[known], Instrument)
    assert results[unknown] == Skip(
        rule="mapping", reason="OpenFIGI is busy (503); try again later", final=False, outage=True
    )
    assert found(mapper, "HLH-A").symbol == "HLH-A"


def test_an_outage_at_the_isin_is_not_final(mapper_of: MapperOf, server: OpenFigiServer) -> None:
    mapper = mapper_of(candidates=[offering("US6655311099")], needs_isin=True)
    found(mapper_of(), "NWRB")
    server.fail_next("garbage")
    skip = refused(mapper, "NWRB")
    assert not skip.final
    assert "ISIN US6655311099 from the broker's search could not be checked" in skip.reason
    assert found(mapper, "NWRB").isin == "US6655311099"


def test_a_wrong_key_is_the_users_to_correct(server: OpenFigiServer, client_of: Callable[..., OpenFigi]) -> None:
    with pytest.raises(ConfigError, match="BOT_OPENFIGI_KEY"):
        ShareClassMapper(client_of(server.url, "wrong")).find([Listing(symbols=("NWRB",))])


INJECTIONS = ["' OR 1=1--", "../../etc", "A?x=1", "<script>", "=1+1", "A\r\nHost: x", "${x}", "A%00", "Ａ", "A" * 99]


@given(st.lists(st.one_of(st.text(max_size=15), st.sampled_from(INJECTIONS), st.from_regex("[A-Z./-]{1,9}"))))
def test_only_tickers_are_ever_sent(texts: list[str]) -> None:
    service: Any = Told()
    ShareClassMapper(service).find([Listing(symbols=tuple(texts)), *(Listing(symbols=(text,)) for text in texts)])
    for job in service.jobs:
        assert re.fullmatch("[A-Z][A-Z0-9]{0,5}(/[A-Z]{1,2})?", job.value, re.ASCII)


@pytest.mark.parametrize("text", INJECTIONS)
def test_nothing_is_sent_for_an_injection(text: str) -> None:
    service: Any = Told()
    assert refused(ShareClassMapper(service), text).final
    assert service.jobs == []


@given(st.lists(st.text(max_size=15)))
def test_only_isins_are_ever_sent(texts: list[str]) -> None:
    service: Any = Told(TICKER=(hit(),))
    mapper = ShareClassMapper(service, candidates=[offering(*texts, "US6655311099")])
    found(mapper, "NWRB")
    isins = [job.value for job in service.jobs if job.kind == "ID_ISIN"]
    assert "US6655311099" in isins
    assert all(re.fullmatch("[A-Z]{2}[A-Z0-9]{9}[0-9]", isin, re.ASCII) for isin in isins)
