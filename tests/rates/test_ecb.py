"""The ECB's rates: asked once and only when needed; a document that is not as published gives none at all."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.ecb import HISTORY, EcbServer, Failure
from bot.errors import RatesError
from bot.http import Http
from bot.plugins import Kit, find
from bot.rates.ecb import Ecb, parse, rates
from bot.settings import Settings
from tests.fakes import Time

GOLDEN = Path(__file__).parent / "golden"
DAILY = (GOLDEN / "eurofxref-daily.xml").read_text()
HISTORIC = (GOLDEN / "eurofxref-hist-90d.xml").read_text()
FRIDAY = date(2026, 3, 6)
AT = datetime(2026, 3, 6, 18, 0, tzinfo=UTC)
RATES = {date(2026, 3, 5): {"USD": Decimal("1.1")}, FRIDAY: {"USD": Decimal("1.0625"), "GBP": Decimal("0.85")}}


@pytest.fixture
def server() -> Iterator[EcbServer]:
    with EcbServer(RATES) as running:
        yield running


def ecb(url: str) -> Ecb:
    return Ecb(Http("insiderbot-test"), url)


def told(document: str) -> str:
    with pytest.raises(RatesError) as refused:
        parse(document)
    sentence = str(refused.value)
    assert "expected" in sentence
    assert "found" in sentence
    assert "\n" not in sentence
    assert len(sentence) < 250
    return sentence


def test_the_document_of_one_day_is_read() -> None:
    usd, jpy, gbp, idr = (("EUR", currency) for currency in ("USD", "JPY", "GBP", "IDR"))
    expected = {usd: Decimal("1.0625"), jpy: Decimal("161.04"), gbp: Decimal("0.85"), idr: Decimal("17312.5")}
    assert parse(DAILY) == {FRIDAY: expected}


def test_the_document_of_many_days_is_read() -> None:
    days = parse(HISTORIC)
    assert list(days) == [FRIDAY, date(2026, 3, 5), date(2026, 2, 27)]
    assert days[FRIDAY] == parse(DAILY)[FRIDAY]
    assert days[date(2026, 3, 5)]["EUR", "ISK"] == Decimal("143.9")
    assert ("EUR", "ISK") not in days[FRIDAY]


@pytest.mark.parametrize(
    "document",
    [
        DAILY.replace("\n", "\r\n"),
        "\ufeff" + DAILY,
        DAILY.split("?>\n", 1)[1],
        DAILY.replace("UTF-8", "ISO-8859-1").replace("Sender>", "Sender><!-- Zürich -->", 1),
        DAILY.replace("<Cube currency='USD'", "<!-- now --><?pi?><Cube currency='USD'"),
        DAILY.replace("currency='USD' rate='1.0625'", "rate='1.0625' currency='USD'"),
        DAILY.replace("xmlns=", "xmlns:x=").replace("<Cube", "<x:Cube").replace("</Cube", "</x:Cube"),
    ],
)
def test_harmless_differences_do_not_matter(document: str) -> None:
    assert document != DAILY
    assert parse(document) == parse(DAILY)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rate='1.0625'", "rate='N/A'", "'USD' on 2026-03-06: expected a positive decimal such as 1.0834, found 'N/A'"),
        ("rate='1.0625'", "rate='0.0'", "found '0.0'"),
        ("rate='1.0625'", "rate='-1.0625'", "found '-1.0625'"),
        ("rate='1.0625'", "rate='1,0625'", "found '1,0625'"),
        ("rate='1.0625'", "rate='1.0625' multiplier='100'", "found 'Cube currency rate multiplier'"),
        ("rate='1.0625'", "value='1.0625'", "expected a Cube with currency and rate, found 'Cube currency value'"),
        ("'USD'", "'usd'", "expected a currency code such as USD, found 'usd'"),
        ("'USD'", "'EUR'", "expected every currency but EUR once on 2026-03-06, found EUR"),
        ("'USD'", "'GBP'", "expected every currency but EUR once on 2026-03-06, found GBP"),
        ("'2026-03-06'", "'06.03.2026'", "expected a day such as 2026-03-02, found '06.03.2026'"),
        ("time='2026-03-06'", "date='2026-03-06'", "expected a Cube with time, found 'Cube date'"),
        ("<Cube currency='USD' ", "<Rate currency='USD' ", "found 'Rate currency rate'"),
        ("gesmes:Envelope", "gesmes:Message", "expected the ECB's Envelope, found 'Message'"),
        ("gesmes.org/xml/2002", "gesmes.org/xml/2032", "expected the ECB's Envelope, found 'Envelope'"),
        ("vocabulary/2002", "vocabulary/2032", "expected one Cube in the Envelope, found 0"),
        ("<Cube>", "<Cube/><Cube>", "expected one Cube in the Envelope, found 2"),
        ("</gesmes:Envelope>", "", "found what is not XML (line "),
        ("<?xml", "<!-- --><?xml", "found what is not XML (line 1)"),
        ("Reference rates", "\x00", "found what is not XML"),
        ("Reference rates", "&who;", "found what is not XML"),
    ],
)
def test_a_document_that_drifted_is_refused(old: str, new: str, words: str) -> None:
    changed = DAILY.replace(old, new)
    assert changed != DAILY
    assert words in told(changed)


def test_a_day_of_many_may_not_come_twice() -> None:
    assert told(HISTORIC.replace("03-05", "03-06")) == "expected every day once, found 2026-03-06 twice"


def test_a_day_that_never_was_is_refused() -> None:
    sentence = told(DAILY.replace("2026-03-06", "2026-02-30"))
    assert sentence == "expected a day such as 2026-03-02, found '2026-02-30'"


def test_a_document_without_days_or_without_rates_is_refused() -> None:
    head, rest = HISTORIC.split("<Cube>")
    foot = rest[rest.index("</Cube></gesmes") :]
    assert told(f"{head}<Cube>{foot}") == "expected days in the Cube, found none"
    assert told(f"{head}<Cube><Cube time='2026-03-06'/>{foot}") == "expected rates on 2026-03-06, found none"


@pytest.mark.parametrize("document", ["", " ", "rates", "{}", "date,base,quote,rate\n", "<a>" * 300])
def test_what_is_not_xml_is_refused(document: str) -> None:
    assert "found what is not XML" in told(document)


@pytest.mark.parametrize("doctype", ["<!DOCTYPE html>", "<!doctype html>"])
def test_a_web_page_is_refused(doctype: str) -> None:
    assert "web pages" in told(f"{doctype}<html><body>Maintenance</body></html>")
    assert told("<html><body>Maintenance</body></html>") == "expected the ECB's Envelope, found 'html'"


def test_entities_are_refused_wherever_they_would_lead(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("1.0625")
    for entity in (f'SYSTEM "{(tmp_path / "secret").as_uri()}"', '"1.0625"'):
        subset = f"<!DOCTYPE e [<!ENTITY rate {entity}>]>"
        document = DAILY.replace("?>\n", f"?>\n{subset}", 1).replace("rate='1.0625'", "rate='&rate;'")
        assert "DOCTYPE" in told(document)


def test_a_declared_encoding_smuggles_nothing_in() -> None:
    head, rest = DAILY.replace("UTF-8", "UTF-7").split("?>\n", 1)
    smuggled = rest.replace("<", "+ADw-")
    assert f"{head}?>\n{smuggled}".encode().decode("utf-7").count("<gesmes:Envelope") == 1
    assert "found what is not XML" in told(f"{head}?>\n{smuggled}")


def test_foreign_names_are_quoted_in_one_short_line() -> None:
    assert "found 'aaaa" in told(f"<{'a' * 9999}/>")


@given(st.integers(0, len(HISTORIC)), st.integers(0, 40), st.text(max_size=5))
def test_a_damaged_document_is_refused_or_says_nothing_but_rates(start: int, length: int, put: str) -> None:
    try:
        days = parse(HISTORIC[:start] + put + HISTORIC[start + length :])
    except RatesError as error:
        sentence = str(error)
        assert "\n" not in sentence
    else:
        assert days
        assert all(rate > 0 and base == "EUR" for pairs in days.values() for (base, _), rate in pairs.items())


def test_two_questions_are_one_request(server: EcbServer) -> None:
    bank = ecb(server.url)
    first, second, missing = (bank.rate("USD", quote, AT) for quote in ("EUR", "GBP", "SEK"))
    assert first
    assert (first.rate, first.on, first.source) == (Decimal("0.9411764706"), FRIDAY, "ecb")
    assert second
    assert second.rate == Decimal("0.8")
    assert missing is None
    assert server.journal == [HISTORY]


def test_one_currency_alone_is_no_request(server: EcbServer) -> None:
    bank = ecb(server.url)
    assert server.journal == []
    same = bank.rate("USD", "USD", AT)
    assert same
    assert (same.rate, same.on) == (Decimal(1), FRIDAY)
    assert server.journal == []


@pytest.mark.parametrize(
    ("failures", "words"),
    [
        ([404], "ECB: expected status 200, found 404"),
        ([429], "ECB: expected status 200, found 429"),
        (["garbage"], "ECB: expected the ECB's XML, found a document with a DOCTYPE"),
    ],
)
def test_a_failure_is_told_again_without_asking_again(server: EcbServer, failures: list[Failure], words: str) -> None:
    server.fail_next(*failures)
    bank = ecb(server.url)
    for _ in range(3):
        with pytest.raises(RatesError, match=words):
            bank.rate("USD", "EUR", AT)
    assert len(server.journal) == len(failures)
    assert ecb(server.url).rate("USD", "EUR", AT)


@responses.activate
def test_a_network_failure_is_told() -> None:
    with pytest.raises(RatesError, match=r"^ECB: ecb.test could not be reached \(ConnectionError\)$"):
        ecb("https://ecb.test").rate("USD", "EUR", AT)


@responses.activate
def test_a_page_in_another_encoding_is_told() -> None:
    responses.get(f"https://ecb.test{HISTORY}", body=DAILY.encode("utf-16"))
    with pytest.raises(RatesError, match=r"^ECB: ecb.test did not answer in UTF-8"):
        ecb("https://ecb.test").rate("USD", "EUR", AT)


def test_an_endless_page_is_told(server: EcbServer) -> None:
    bank = Ecb(Http("insiderbot-test", max_bytes=200), server.url)
    with pytest.raises(RatesError, match="sent more than 200 bytes"):
        bank.rate("USD", "EUR", AT)


def test_the_factory_asks_where_the_settings_say(server: EcbServer) -> None:
    kit = Kit(settings=Settings.of(ecb_url=server.url), clock=Time(), http=Http("insiderbot-test"))
    assert rates(kit).rate("EUR", "USD", AT)
    assert server.journal == [HISTORY]
    assert find("rates", "ecb") == (rates, "")
