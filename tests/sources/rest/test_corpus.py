"""Recorded answers of real services, each read with nothing but its words in the settings."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.http import strict_json
from bot.model import InsiderTrade
from bot.plausible import implausible
from bot.sources.rest.activity import activity_of
from bot.sources.rest.fields import check_words, names_of, read
from bot.sources.rest.pages import page_of
from bot.sources.rest.values import end_of

pytestmark = pytest.mark.corpus

FMP = (
    "id=,symbol=symbol,filed_on=filingDate,traded_on=transactionDate,owner_cik=reportingCik,issuer_cik=companyCik,"
    "type=transactionType,owner=reportingName,title=typeOfOwner,acquired=acquisitionOrDisposition,form=formType,"
    "ownership=directOrIndirect,shares=securitiesTransacted,security=securityName,shares_after=securitiesOwned"
)
FINNHUB = (
    "results=data,id=,owner=name,shares=change,shares_after=share,filed_on=filingDate,traded_on=transactionDate,"
    "code=transactionCode,price=transactionPrice,type="
)


def recorded(corpus: Path, name: str) -> Any:
    return strict_json((corpus / "rest" / name).read_text(encoding="utf-8"))["response"]


def trades(content: Any, fields: str) -> list[InsiderTrade]:
    names = names_of(fields.split(","))
    records = page_of(content, names).records
    check_words(records, [entry.partition("=")[0] for entry in fields.split(",") if not entry.startswith("results")])
    return [read(record, "k") for record in records]


def test_a_bare_list_with_codes_and_ciks(corpus: Path) -> None:
    content = recorded(corpus, "fmp_stable_insider-trading_search_AAPL.json")["body"]
    (trade,) = trades(content, FMP)
    (told,) = content
    assert (trade.code, trade.side, trade.acquired, trade.form) == ("P", "buy", "A", "4")
    assert (trade.symbol, trade.shares, trade.price) == (told["symbol"], told["securitiesTransacted"], told["price"])
    assert (trade.issuer_cik, trade.is_director, trade.ownership) == (told["companyCik"].lstrip("0"), True, None)
    assert trade.accession is not None
    assert trade.accession.replace("-", "") in told["url"]
    assert trade.filed_on
    assert trade.known_at == end_of(trade.filed_on)
    assert trade.currency == "USD"
    assert implausible(trade) is None


def test_signed_shares_and_codes_without_words(corpus: Path) -> None:
    content = recorded(corpus, "finnhub_insider-transactions_TSLA_docs_sample.json")
    found = trades(content, FINNHUB)
    for trade, told in zip(found, content["data"], strict=True):
        assert trade.code == told["transactionCode"]
        assert (trade.shares, trade.price) == (abs(told["change"]), told["transactionPrice"])
        assert trade.side == {"P": "buy", "S": "sell"}.get(told["transactionCode"])
        assert implausible(trade) is None
    assert {trade.side for trade in found} == {"sell", None}


def test_the_shape_that_clients_of_securitiesdb_read(corpus: Path) -> None:
    shape = json.loads((corpus / "rest" / "securitiesdb_insider-activity_shape_from_clients.json").read_text())
    (row,) = shape["envelope"]["data"]["insider_transactions"]["recent"]
    filled = {name: {"date": "2026-02-27", "shares": 10, "value": 0}.get(name, "Grant") for name in row}
    content = {"meta": {}, "data": {"insider_transactions": {"recent": [filled]}}}
    (deal,) = activity_of(content, "NWRB").recent
    assert (deal.kind, deal.insider, str(deal.on), deal.shares) == ("Grant", "Grant", "2026-02-27", 10)
