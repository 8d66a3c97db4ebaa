"""Everything that reads what others wrote, with examples of it: one line per parser.

The examples are self-made; `recorded` names files of the corpus, which are examples too where it is there.
"""

import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from bot.demo.edgar import pages as edgar_pages
from bot.demo.edgar.filings import Party
from bot.demo.rest import activity
from bot.errors import BotError, BrokerError, ConfigError, RatesError, SourceError
from bot.instruments.isin_file import read_isin_file
from bot.instruments.openfigi import OutageError
from bot.prices.figures import daily
from bot.prices.files import PriceFiles
from bot.rates import files as rate_files
from bot.sources import finviz, openinsider
from bot.sources.edgar import filing
from bot.sources.rest.pages import by_cursor, by_number
from bot.sources.rest.securitiesdb import watchlist
from tests.brokers import lemon as said
from tests.builders import NOW, intent
from tests.fuzz import readers as ask
from tests.fuzz.mutations import Shape, mutant
from tests.instruments.figi_market import record
from tests.sources import golden
from tests.sources.edgar import documents, world
from tests.sources.rest.service import filing as rest_filing

Examples = Callable[[], Iterable[bytes]]

TESTS = Path(__file__).parents[1]
CORPUS = Path(os.environ.get("INSIDERBOT_CORPUS") or TESTS.parents[1] / "shared" / "corpus")
MOST_LINES = 40  # of a recorded table or index
MOST_BYTES = 400_000  # of any other recorded file
SMALL = 3000  # bytes; a longer example is chosen less often, so that each gets about the same time
DAY = date(2026, 3, 3)
PARTY = Party("Northwind Robotics Inc", 1_999_001, "Issuer")


@dataclass(frozen=True)
class Parser:
    """What reads such bytes, the one error it may end with, and examples of what it reads."""

    name: str
    read: ask.Read
    error: type[BotError]
    shape: Shape
    made: Examples
    recorded: tuple[str, ...] = ()

    def input(self, seed: int, number: int) -> bytes:
        """The mutated input of this number: the same one for the same seed, on every machine with the same examples."""
        examples, weights = seeds(self)
        return mutant(examples, weights, self.shape, Random(f"{seed} {self.name} {number}"))


@cache
def seeds(parser: Parser) -> tuple[list[bytes], list[float]]:
    """All examples, and how often each is chosen (cumulative): self-made ones as often as recorded ones."""
    made, recorded = list(parser.made()), list(_recorded(parser))
    weights = [*_weights(made), *_weights(recorded)]
    return made + recorded, list(accumulate(weights))


def _weights(examples: list[bytes]) -> list[float]:
    weights = [1 / max(len(example), SMALL) for example in examples]
    return [weight / sum(weights) for weight in weights]


def _recorded(parser: Parser) -> Iterator[bytes]:
    for path in sorted(path for pattern in parser.recorded for path in CORPUS.glob(pattern)):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if parser.shape == "table":
            yield b"".join(content.splitlines(keepends=True)[:MOST_LINES])
        elif parser.shape == "json" and b'"response"' in content:
            yield from (_json(answer) for answer in _answers(json.loads(content)))
        elif len(content) <= MOST_BYTES:
            yield content


def _answers(recording: Any) -> Iterator[Any]:
    """The bodies in a recording of requests and responses."""
    for call in recording if isinstance(recording, list) else [recording]:
        response = call["response"]
        yield response.get("body", response) if isinstance(response, dict) else response


def _json(*contents: Any) -> bytes:
    return json.dumps(*contents).encode()


def _golden(*names: str) -> Examples:
    return lambda: [golden.PAGES[name].encode() for name in golden.PAGES if name.endswith(names)]


def _pages(site: str) -> Examples:
    return lambda: [
        text.encode() for name, text in golden.PAGES.items() if name.startswith(site) and name.endswith(".html")
    ]


def _texts(*texts: str) -> Examples:
    return lambda: [text.encode() for text in texts]


def _rates() -> Iterator[bytes]:
    return (path.read_bytes() for path in sorted((TESTS / "rates" / "golden").glob("*.xml")))


def _ownership() -> list[bytes]:
    """A plain document, one with all there may be in it, and one of the stand-in."""
    full = documents.document(
        documents.transaction(notes={"transactionPricePerShare": ["F1"], "transactionCoding": ["F2"]}),
        documents.transaction(documents.SALE),
        documents.holding(),
        derivatives=[documents.row("derivativeTransaction", documents.OPTION)],
        owners=[documents.owner(), documents.owner("0001999502", "Ferreira-Oake Ines", {"isDirector": "true"})],
        facts="<aff10b5One>true</aff10b5One><notSubjectToSection16>0</notSubjectToSection16>",
        footnotes={"F1": "The weighted average of 40.10 to 41.25.", "F2": "Under a Rule 10b5-1 plan of May 5, 2025."},
        remarks="Chief Executive Officer",
    )
    amended = documents.document(documents.transaction(), form="4/A", symbol="NYSE: NWR-B")
    return [documents.document(documents.transaction()), full, amended, world.document(1)]


def _submissions() -> list[bytes]:
    told = _ownership()
    return [*map(documents.submission, told[:2]), *map(documents.bare_tags, told[:2]), world.filing(1).submission]


def _filed() -> list[edgar_pages.Entry]:
    return edgar_pages.entries([*world.filings(6), world.filing(7, form="4/A"), *world.noise(3)])


def _company() -> list[bytes]:
    older = {"CIK0001999001-submissions-001.json": world.filings(2)}
    return [
        edgar_pages.submissions(world.filings(4), older, PARTY),
        edgar_pages.submissions(world.filings(1), {}, PARTY),
    ]


def _figi() -> list[bytes]:
    rows = [_figi_row(record("NWRB", "NORTHWIND ROBOTICS INC", 1)), _figi_row(record("HLCN", "HALCYON PLC", 2))]
    answers = [{"data": rows}, {"data": rows[:1]}, {"warning": "No identifier found."}, {"error": "Invalid idValue."}]
    return [_json(answers), _json(answers[:1]), _json({"error": "Too many requests"})]


def _figi_row(told: Any) -> dict[str, Any]:
    words = ("figi", "name", "ticker", "exchCode", "compositeFIGI", "shareClassFIGI", "securityType2")
    facts = (told.figi, told.name, told.ticker, "US", told.composite_figi, told.share_class_figi, "Common Stock")
    return dict(zip(words, facts, strict=True))


def _rest() -> list[bytes]:
    records = [rest_filing(n) for n in range(1, 4)] + [rest_filing(4, shares=900, price=31.5, transaction_type="sale")]
    cursor = {"results": records, "next_cursor": "b2Zmc2V0OjM="}
    numbers = {"results": records, "page": 1, "page_size": 500, "total_pages": 1, "total_count": len(records)}
    return [_json(cursor), _json(numbers), _json(records), _json({"results": [], "next_cursor": None})]


def _activity() -> list[bytes]:
    deals = [
        {"insider": "Okafor Adaeze M", "type": kind, "date": "2026-02-27", "shares": 3000, "value": 122437.5}
        for kind in ("Purchase", "Sale", "Grant", "Other")
    ]
    content = activity([], "NWRB")
    content["data"]["insider_transactions"] |= {"recent": deals, "count": 4, "net_buy_sell_ratio": 1.25}
    return [_json(content), _json({"meta": {"status": 200, "timestamp_utc": "2026-03-02T23:10:00Z"}, **content})]


def _lemon(*contents: dict[str, Any]) -> Examples:
    return lambda: [_json(said.paper(content)) for content in contents]


ORDER = {"results": said.row()}
REFUSED = (
    said.error("account_insufficient_funds"),
    said.error("order_idempotency_violation"),
    said.error("unauthorized"),
)
ACCOUNT = {"results": {"account_id": "acc_1", "mode": "paper", "balance": 1_000_001, "cash_to_invest": -1}}
HELD = said.page({"isin": said.ISIN, "isin_title": "NORTHWIND ROBOTICS", "quantity": 4, "buy_price_avg": 411_501})
QUOTED = said.page({"isin": said.ISIN, "b": 411_701, "a": 411_902, "mic": "XMUN", "t": "2026-03-03T15:59:59.7+01:00"})
HOURS = {"start": "08:00", "end": "22:00", "timezone": "Europe/Berlin"}
VENUE = said.page({"mic": "XMUN", "is_open": True, "opening_hours": HOURS, "opening_days": ["2026-03-03"]})
FOUND = said.page({"isin": said.ISIN, "type": "stock"}, {"isin": said.OTHER_ISIN, "type": "stock"})
BARS = "date,symbol,open,close\n2026-03-02,NWRB,40.10,41\n2026-03-03,NWRB,42,43.5\n2026-03-02,BRX.B,7,8\n"
QUOTES = (
    "at,symbol,bid,ask,currency\n2026-03-02T09:30:00-05:00,NWRB,39.9,40.1,USD\n2026-03-02T15:00Z,NWRB,41,41.2,EUR\n"
)
CLOSES = "date,symbol,close,volume\n2026-03-02,NWRB,41,120000\n2026-03-03,NWRB,,\n2026-03-02,BRX.B,8,1e6\n"
SIZES = "date,symbol,market_cap\n2026-03-02,NWRB,1.5e9\n2026-03-03,BRX-B,\n"
STRATEGIES = (
    'name = "mine"\n[[rules]]\nrule = "more_than"\nshare = "1%"\n[[rules]]\nrule = "known_within"\nsessions = 3\n',
    'name = "one_of"\n[[rules]]\nany_of = [{rule = "clustered", owners = 3}, {not = {rule = "worth", least = 50000}}]\n',
    'name = "small"\nrules = [{rule = "open_market"}, {rule = "smaller_than", capital = 2e9}, {rule = "senior"}]\n',
)
RATES = "date,base,quote,rate\n2026-03-06,EUR,USD,1.0625\n2026-03-06,EUR,JPY,161.04\n2026-03-05,GBP,USD,1.3\n"
ISINS = "symbol,isin,cusip\nNWRB,US6655311099,\nHLCN,,990003105\n"

WANTED = intent().order()
PAPER = {"account_number": "PA3OKAFOR", "currency": "USD", "cash": "10000.5", "non_marginable_buying_power": "9000"}
OWNED = {"symbol": "NWRB", "side": "long", "qty": "4.5", "avg_entry_price": "41.15"}
BEST = {"quotes": {"NWRB": {"bp": 41.17, "ap": 41.19, "t": "2026-03-03T14:59:59.771123456Z"}}}
SENT = {
    "id": "61e69015-8549-4bfd-b9c3-01e75843f47d", "client_order_id": WANTED.client_order_id, "symbol": "NWRB",
    "side": "buy", "qty": "24", "status": "filled", "filled_qty": "24", "filled_avg_price": "41.18",
    "filled_at": "2026-03-03T14:30:01.25Z", "submitted_at": "2026-03-03T14:30:00Z", "type": "market", "time_in_force": "day",
}  # fmt: skip

# fmt: off
# ruff: noqa: E501 - a parser is a line
PARSERS: dict[str, Parser] = {parser.name: parser for parser in (
    Parser("ownership", ask.ownership_document, SourceError, "markup", _ownership, ("edgar/form4_xml/*.xml", "edgar/synthetic/*.xml")),
    Parser("submission", lambda content: ask.trades_of(filing.read(content).trades), SourceError, "markup", _submissions, ("edgar/submissions_txt/*",)),
    Parser("feed", ask.site(lambda edgar: edgar.recent("4", 0)), SourceError, "markup", lambda: [edgar_pages.feed(_filed(), world.NOW)], ("edgar/feeds/*",)),
    Parser("index", ask.site(lambda edgar: edgar.index(DAY)), SourceError, "table", lambda: [edgar_pages.master(_filed(), DAY), edgar_pages.by_form(_filed(), DAY)], ("edgar/index/*",)),
    Parser("index-list", ask.site(lambda edgar: edgar.indexed(DAY)), SourceError, "json", lambda: [edgar_pages.folder("QTR1", ["form.20260302.idx", "master.20260302.idx"])]),
    Parser("tickers", ask.site(lambda edgar: edgar.tickers()), SourceError, "json", lambda: [edgar_pages.tickers(world.filings(6))], ("edgar/json/company_tickers_*",)),
    Parser("company", ask.company, SourceError, "json", _company, ("edgar/json/CIK??????????_*",)),
    Parser("company-older", ask.company_older, SourceError, "json", lambda: [edgar_pages.older_submissions(world.filings(4), PARTY)], ("edgar/json/CIK*-submissions-*",)),
    Parser("saved-filing", ask.saved("0001999501-26-000003.xml"), SourceError, "markup", lambda: [*_ownership(), *_submissions()], ("edgar/form4_xml/*.xml",)),
    Parser("saved-page", ask.saved("page.html"), SourceError, "markup", _golden(".html"), ("finviz/*/*.html", "openinsider/html/*")),
    Parser("saved-csv", ask.saved("table.csv"), SourceError, "table", _golden(".csv"), ("finviz/*.csv*", "openinsider/raw/*.csv*")),
    Parser("saved-jsonl", ask.saved("lines.jsonl"), SourceError, "json", _golden(".jsonl"), ("openinsider/raw/*.jsonl*",)),
    Parser("finviz", ask.web(finviz.parse), SourceError, "markup", _pages("20"), ("finviz/*/*.html",)),
    Parser("openinsider", ask.web(openinsider.parse), SourceError, "markup", _pages("open"), ("openinsider/html/*",)),
    Parser("rest-cursor", ask.filings(by_cursor), SourceError, "json", _rest),
    Parser("rest-number", ask.filings(by_number), SourceError, "json", _rest),
    Parser("securitiesdb", ask.securitiesdb, SourceError, "json", _activity),
    Parser("watchlist", ask.in_file(lambda path: watchlist([f"@{path}"]), "list"), ConfigError, "table", _texts("NWRB, HLCN\nBRX.B\n")),
    Parser("openfigi", ask.openfigi, OutageError, "json", _figi, ("openfigi/decoded/test_map*", "openfigi/openfigi-rs/tests_data_mapping*")),
    Parser("isin-file", ask.in_file(read_isin_file, "isins.csv"), ConfigError, "table", _texts(ISINS), ("isin/*.csv",)),
    Parser("prices", ask.in_file(lambda path: PriceFiles(path, ask.us_sessions()), "prices.csv"), ConfigError, "table", _texts(BARS, QUOTES)),
    Parser("bars", ask.in_file(lambda path: daily("bars", str(path)), "bars.csv"), ConfigError, "table", _texts(CLOSES)),
    Parser("sizes", ask.in_file(lambda path: daily("sizes", str(path)), "sizes.csv"), ConfigError, "table", _texts(SIZES)),
    Parser("strategy-file", ask.in_file(ask.strategy, "mine.toml"), ConfigError, "table", _texts(*STRATEGIES)),
    Parser("rates-ecb", ask.ecb, RatesError, "markup", _rates),
    Parser("rates-csv", ask.in_file(rate_files.read, "rates.csv"), ConfigError, "table", _texts(RATES)),
    Parser("rates-xml", ask.in_file(rate_files.read, "rates.xml"), ConfigError, "markup", _rates),
    Parser("lemon-account", ask.lemon(lambda lemon: lemon.account()), BrokerError, "json", _lemon(ACCOUNT)),
    Parser("lemon-positions", ask.lemon(lambda lemon: lemon.positions()), BrokerError, "json", _lemon(HELD, said.page())),
    Parser("lemon-quote", ask.lemon(lambda lemon: lemon.quote(said.SHARE, NOW)), BrokerError, "json", _lemon(QUOTED, said.page())),
    Parser("lemon-venue", ask.lemon(lambda lemon: lemon.closed(NOW)), BrokerError, "json", _lemon(VENUE)),
    Parser("lemon-search", ask.lemon(lambda lemon: lemon.isin_candidates("NWRB", "NORTHWIND INC")), BrokerError, "json", _lemon(FOUND)),
    Parser("lemon-placed", ask.lemon(lambda lemon: lemon.submit(said.WANTED)), BrokerError, "json", _lemon(ORDER)),
    Parser("lemon-refused", ask.lemon(lambda lemon: lemon.submit(said.WANTED), status=400), BrokerError, "json", _lemon(*REFUSED)),
    Parser("lemon-order", ask.lemon(lambda lemon: lemon.find(said.PLACED)), BrokerError, "json", _lemon(ORDER)),
    Parser("lemon-orders", ask.lemon(lambda lemon: lemon.find(said.WANTED.order())), BrokerError, "json", _lemon(said.page(said.row(), said.resting(id="ord_2")))),
    Parser("lemon-listing", ask.lemon(lambda lemon: lemon.orders(NOW - timedelta(days=1))), BrokerError, "json", _lemon(said.page(said.row(), said.resting(id="ord_2")))),
    Parser("alpaca-account", ask.alpaca(lambda alpaca: alpaca.account()), BrokerError, "json", lambda: [_json(PAPER)]),
    Parser("alpaca-positions", ask.alpaca(lambda alpaca: alpaca.positions()), BrokerError, "json", lambda: [_json([OWNED, OWNED])]),
    Parser("alpaca-quote", ask.alpaca(lambda alpaca: alpaca.quote(said.SHARE, NOW)), BrokerError, "json", lambda: [_json(BEST)]),
    Parser("alpaca-order", ask.alpaca(lambda alpaca: alpaca.find(WANTED)), BrokerError, "json", lambda: [_json(SENT)]),
    Parser("alpaca-orders", ask.alpaca(lambda alpaca: alpaca.orders(NOW - timedelta(days=1))), BrokerError, "json", lambda: [_json([SENT])]),
)}
# fmt: on
