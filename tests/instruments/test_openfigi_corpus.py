"""Recorded answers of the real service, and real tickers with their ISINs; none of it is part of the project."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import responses

from bot.demo.openfigi import OpenFigiServer, Record
from bot.instruments.mapper import ShareClassMapper
from bot.instruments.names import similar
from bot.instruments.openfigi import Job, JobError, OpenFigi
from bot.model import Instrument, Listing, Skip
from tests.instruments.figi_market import Time

pytestmark = pytest.mark.corpus

URL = "https://figi.example"
ClientOf = Callable[..., OpenFigi]


def recordings(corpus: Path) -> list[dict[str, Any]]:
    files = sorted((corpus / "openfigi" / "decoded").glob("*.json"))
    calls = [call for file in files for call in json.loads(file.read_text(encoding="utf-8"))]
    return [call for call in calls if call["url"].endswith("/v3/mapping")]


def bodies(corpus: Path) -> list[list[Any]]:
    files = sorted((corpus / "openfigi" / "openfigi-rs").glob("tests_data_mapping_*.json"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def play(call: dict[str, Any]) -> None:
    plain = isinstance(call["response"], str)
    responses.post(
        f"{URL}/v3/mapping",
        status=call["status"]["code"],
        body=call["response"] if plain else json.dumps(call["response"]),
        headers={name: value for name, value in call["headers"].items() if name.startswith(("ratelimit", "retry"))},
        match=[responses.matchers.json_params_matcher(call["request"])],
    )


@responses.activate
def test_every_recorded_request_is_answered_as_recorded(corpus: Path, client_of: ClientOf, cache: Any) -> None:
    played = [call for call in recordings(corpus) if call["status"]["code"] == 200]
    assert len(played) >= 4
    for call in played:
        cache.kept.clear()
        responses.reset()
        play(call)
        answers = client_of(URL).map([Job(job["idType"], job["idValue"]) for job in call["request"]])
        for answer, recorded in zip(answers, call["response"], strict=True):
            assert isinstance(answer, tuple)
            assert [hit.figi for hit in answer] == [row["figi"] for row in recorded.get("data", [])]
            assert [hit.share_class_figi for hit in answer] == [
                row["shareClassFIGI"] for row in recorded.get("data", [])
            ]


@responses.activate
def test_the_recorded_429_is_waited_out(corpus: Path, client_of: ClientOf, time: Time) -> None:
    refused = next(call for call in recordings(corpus) if call["status"]["code"] == 429)
    answered = next(call for call in recordings(corpus) if call["request"] == refused["request"])
    play(refused)
    play(answered)
    (answer,) = client_of(URL).map([Job(job["idType"], job["idValue"]) for job in refused["request"]])
    assert isinstance(answer, tuple)
    assert len(answer) == len(answered["response"][0]["data"])
    assert time.slept == [float(refused["headers"]["retry-after"])]


@responses.activate
def test_every_recorded_body_is_read(corpus: Path, client_of: ClientOf) -> None:
    assert len(bodies(corpus)) >= 5
    for number, body in enumerate(bodies(corpus)):
        responses.reset()
        responses.post(f"{URL}/v3/mapping", json=body)
        answers = client_of(URL, "a-key").map([Job("TICKER", f"{number}X{index}") for index in range(len(body))])
        for answer, recorded in zip(answers, body, strict=True):
            if "error" in recorded:
                assert answer == JobError(recorded["error"])
            else:
                assert isinstance(answer, tuple)
                assert len(answer) == len(recorded.get("data", []))


@responses.activate
def test_a_recorded_isin_proves_its_recorded_ticker(corpus: Path, client_of: ClientOf) -> None:
    folder = corpus / "openfigi" / "openfigi-rs"
    listed = json.loads((folder / "tests_data_mapping_cusip_with_exchange.json").read_text(encoding="utf-8"))
    by_isin = json.loads((folder / "tests_data_mapping_isin_example.json").read_text(encoding="utf-8"))
    symbol = listed[0]["data"][0]["ticker"]
    responses.post(f"{URL}/v3/mapping", json=listed)
    responses.post(f"{URL}/v3/mapping", json=by_isin)
    with (corpus / "isin" / "xetra_t7_2019-04-18_us_isins.csv").open(encoding="utf-8", newline="") as file:
        isin = next(row["ISIN"] for row in csv.DictReader(file) if row["ticker"] == symbol)
    mapper = ShareClassMapper(client_of(URL), candidates=[lambda symbol, name: [isin]], needs_isin=True)
    listing = Listing(symbols=(symbol,), issuer=company_names(corpus)[symbol])
    found = mapper.find([listing])[listing]
    assert isinstance(found, Instrument), found
    assert found.isin == isin


def company_names(corpus: Path) -> dict[str, str]:
    """The SEC's name of the company behind each ticker."""
    file = min((corpus / "edgar" / "json").glob("company_tickers__*.json"))
    return {each["ticker"]: each["title"] for each in json.loads(file.read_text(encoding="utf-8")).values()}


def test_names_of_one_ticker_are_similar_and_names_of_two_are_not(corpus: Path) -> None:
    with (corpus / "isin" / "ticker_isin_german.csv").open(encoding="utf-8", newline="") as file:
        # Names without the par value that German exchanges append to them.
        rows = {row["us_ticker"]: row["name"] for row in csv.DictReader(file) if not re.search("[0-9/]", row["name"])}
    sec = company_names(corpus)
    pairs = [(name, sec[ticker]) for ticker, name in sorted(rows.items()) if ticker in sec]
    shifted = zip(pairs, pairs[1:] + pairs[:1], strict=True)
    assert len(pairs) > 400
    assert sum(similar(*pair) for pair in pairs) >= 0.94 * len(pairs)  # the rest are companies renamed since
    assert sum(similar(one, other) for (one, _), (_, other) in shifted) <= 0.005 * len(pairs)


def universe(corpus: Path) -> tuple[list[Record], dict[str, str]]:
    """Every recorded listing as a record, a US listing for every ticker, and the ISIN of each ticker."""
    with (corpus / "isin" / "ticker_isin_german.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["shareclass_figi"]]
    records, isins = [], {}
    for row in rows:
        ticker, exchange = row["symbol"].rpartition(".")[::2]
        abroad = Record(
            ticker=ticker or row["symbol"],
            exchange=exchange or row["exchange"],
            name=row["name"],
            figi=row["figi"] or row["shareclass_figi"],
            composite_figi=row["composite_figi"],
            share_class_figi=row["shareclass_figi"],
            isins=(row["isin"],),
        )
        records.append(abroad)
        if row["us_ticker"] not in isins:
            isins[row["us_ticker"]] = row["isin"]
            records.append(
                Record(
                    ticker=row["us_ticker"],
                    name=row["name"],
                    figi=row["figi"] or row["shareclass_figi"],
                    composite_figi=row["composite_figi"],
                    share_class_figi=row["shareclass_figi"],
                    isins=(row["isin"],),
                )
            )
    return records, isins


def outcome(corpus: Path, client_of: ClientOf, time: Time, isins_of: Callable[[dict[str, str]], dict[str, str]]) -> Any:
    records, isins = universe(corpus)
    offered = isins_of(isins)
    with OpenFigiServer(records, key="a-key", monotonic=time.monotonic) as server:
        mapper = ShareClassMapper(
            client_of(server.url, "a-key"), candidates=[lambda symbol, name: [offered[symbol]]], needs_isin=True
        )
        found = mapper.find([Listing(symbols=(ticker,)) for ticker in isins])
    return isins, {listing.symbols[0]: result for listing, result in found.items()}


def test_every_recorded_isin_is_proven_unless_the_list_gives_it_to_two_share_classes(
    corpus: Path, client_of: ClientOf, time: Time
) -> None:
    classes: dict[str, set[str | None]] = {}
    for record in universe(corpus)[0]:
        classes.setdefault(record.isins[0], set()).add(record.share_class_figi)
    isins, found = outcome(corpus, client_of, time, lambda isins: isins)
    assert len(isins) > 1000
    proven = {ticker: result.isin for ticker, result in found.items() if isinstance(result, Instrument)}
    assert proven == {ticker: isin for ticker, isin in isins.items() if len(classes[isin]) == 1}
    assert 0 < len(isins) - len(proven) < 0.02 * len(isins)


def test_no_other_companys_isin_is_ever_proven(corpus: Path, client_of: ClientOf, time: Time) -> None:
    def shifted(isins: dict[str, str]) -> dict[str, str]:
        tickers, values = list(isins), list(isins.values())
        return dict(zip(tickers, values[1:] + values[:1], strict=True))

    _, found = outcome(corpus, client_of, time, shifted)
    for result in found.values():
        assert isinstance(result, Skip)
        assert result.final
        assert re.search("ISIN US[0-9A-Z]+ from the broker's search is BBG", result.reason)
