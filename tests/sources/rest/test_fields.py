"""Fields: their words and ours, what a transaction's word means, and records that are no trades."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError, SourceError
from bot.events import find_events
from bot.model import InsiderTrade, Role
from bot.plausible import implausible
from bot.sources.rest.fields import NAMES, check_words, names_of, read
from bot.sources.rest.values import Record
from bot.trades import to_table, validate

from .service import filing
from .test_values import anything


def one(**changes: Any) -> InsiderTrade:
    return read(Record("record 1", filing(**changes), names_of(())), "rest:1")


def test_every_field_arrives() -> None:
    assert one() == InsiderTrade(
        key="rest:1",
        source="rest",
        issuer="Northwind Robotics Inc",
        symbol="NWRB",
        owner="Okafor Adaeze M",
        title="Chief Financial Officer",
        is_officer=True,
        role=Role.CFO,
        code="P",
        acquired="A",
        side="buy",  # type: ignore[arg-type]
        security="common",
        is_derivative=False,
        ownership="D",
        traded_on=date(2026, 2, 27),
        filed_on=date(2026, 3, 2),
        known_at=datetime(2026, 3, 2, 22, 3, 41, tzinfo=UTC),
        shares=Decimal(3000),
        price=Decimal("40.8125"),
        value=Decimal("122437.5"),
        currency="USD",
    )
    assert implausible(one()) is None


def test_a_service_with_more_to_tell_is_heard() -> None:
    trade = one(
        url="http://www.sec.gov/Archives/edgar/data/1999501/000199950126000003/form.xml",
        form="4",
        issuer_cik="0001999001",
        insider_cik=1999501,
        is_director=True,
        is_ten_percent="false",
        acquired_disposed="A",
        plan_10b5_1=False,
        shares_after="21000",
    )
    assert (trade.accession, trade.form, trade.issuer_cik) == ("0001999501-26-000003", "4", "1999001")
    assert (trade.owner_cik, trade.is_director, trade.is_ten_percent) == ("1999501", True, False)
    assert (trade.plan_10b5_1, trade.shares_after) == (False, 21000)
    assert trade.url == "https://www.sec.gov/Archives/edgar/data/1999501/000199950126000003/form.xml"
    assert one(accession="000199950126000003").accession == "0001999501-26-000003"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://evil.example/Archives/x.xml", "file:///etc/passwd"])
def test_a_link_elsewhere_is_no_filing(url: str) -> None:
    assert one(url=url).url is None


# What a transaction is


@pytest.mark.parametrize(
    ("word", "code", "acquired", "side"),
    [
        ("purchase", "P", "A", "buy"),
        ("Buy", "P", "A", "buy"),
        ("SALE", "S", "D", "sell"),
        ("sell", "S", "D", "sell"),
        ("acquisition", "P", "A", "buy"),
        ("disposition", "S", "D", "sell"),
        ("P-Purchase", "P", "A", "buy"),
        ("S - Sale", "S", "D", "sell"),
        ("P", "P", "A", "buy"),
        ("A-Award", "A", None, None),
        ("grant", "A", None, None),
        ("exercise", "M", None, None),
        ("B", None, None, None),
        ("purchase plan", None, None, None),
        ("not a purchase", None, None, None),
        ("buyback", None, None, None),
        ("p", None, None, None),
        ("", None, None, None),
        (None, None, None, None),
    ],
)
def test_a_word_means_exactly_what_it_says(word: Any, code: str | None, acquired: str | None, side: str | None) -> None:
    trade = one(transaction_type=word)
    assert (trade.code, trade.acquired, trade.side) == (code, acquired, side)


@pytest.mark.parametrize("price", ["0", 0, "0.0000", None, ""])
@pytest.mark.parametrize(("word", "acquired"), [("acquisition", "A"), ("Disposition", "D")])
def test_an_acquisition_without_a_price_is_no_purchase(word: str, acquired: str, price: Any) -> None:
    trade = one(transaction_type=word, price=price)
    assert (trade.code, trade.side, trade.acquired) == (None, None, acquired)


def test_a_code_beside_the_word_decides() -> None:
    trade = one(transaction_type="acquisition", transaction_code="M")
    assert (trade.code, trade.acquired, trade.side) == ("M", "A", None)
    assert one(transaction_type="acquisition", transaction_code="P").side == "buy"
    with pytest.raises(SourceError, match="'transaction_code': expected a transaction code such as P, found 'p"):
        one(transaction_code="purchase")


def test_a_direction_that_contradicts_the_code_is_quarantined() -> None:
    assert "marked as D" in (implausible(one(acquired_disposed="Disposed")) or "")


@pytest.mark.parametrize(
    ("security", "is_derivative", "side"),
    [
        ("common", False, "buy"),
        ("Class A Common Stock", False, "buy"),
        ("ADS", False, "buy"),
        ("Ordinary shares", False, "buy"),
        ("LLC units", None, "buy"),
        (None, None, "buy"),
        ("Stock Option (right to buy)", True, None),
        ("Warrants", True, None),
        ("Restricted Stock Unit", True, None),
        ("RSU", True, None),
        ("Convertible notes", True, None),
    ],
)
def test_only_shares_are_followed(security: Any, is_derivative: bool | None, side: str | None) -> None:
    trade = one(security_type=security)
    assert (trade.is_derivative, trade.side) == (is_derivative, side)


# Numbers, currencies and names


def test_a_value_that_is_null_is_shares_times_price_and_else_unknown() -> None:
    assert one(value="122438").value == 122438
    assert one(value=None, price=None).value is None
    assert one(value=None, shares="").value is None


def test_euros_stay_euros_and_an_unknown_currency_unknown() -> None:
    assert one(currency="EUR").currency == "EUR"
    assert one(currency="GBp").currency == "GBp"
    assert one(currency=None).currency is None
    with pytest.raises(SourceError, match="'currency': expected a currency such as USD, found"):
        one(currency="€")


@pytest.mark.parametrize("changes", [{"form": "4"}, {"form": "5/A"}, {"transaction_code": "P"}])
def test_a_filing_with_the_sec_is_in_dollars_where_it_does_not_say(changes: dict[str, Any]) -> None:
    assert one(currency=None, **changes).currency == "USD"
    assert one(currency="EUR", **changes).currency == "EUR"


def test_shares_below_zero_went_out_or_are_refused() -> None:
    assert one(shares="-3000", transaction_type="sale", value=None).shares == 3000
    with pytest.raises(SourceError, match="below zero only where shares went out"):
        one(shares=-3000)


@pytest.mark.parametrize(
    ("ticker", "symbol"),
    [("BRK.B", "BRK-B"), ("NWRB", "NWRB"), ("0700.HK", None), ("brk", None), ("", None), (None, None), ("../x", None)],
)
def test_a_symbol_is_one_of_the_united_states(ticker: Any, symbol: str | None) -> None:
    assert one(ticker=ticker).symbol == symbol


@pytest.mark.parametrize(
    ("role", "found"), [("CFO", Role.CFO), ("Director", Role.DIRECTOR), (None, Role.UNKNOWN), ("x", Role.OTHER)]
)
def test_a_role_is_the_role_table_s_business(role: Any, found: Role) -> None:
    assert one(insider_role=role).role == found


def test_an_officer_by_flag_needs_no_title() -> None:
    assert one(insider_role="See Remarks", is_officer=True).is_officer is True
    assert one(insider_role="See Remarks").is_officer is None


def test_a_number_that_is_no_cik_is_refused() -> None:
    with pytest.raises(SourceError, match="'issuer_cik': expected a CIK"):
        one(issuer_cik="iss_1999001")


# When


@pytest.mark.parametrize(
    ("changes", "known_at"),
    [
        ({}, "2026-03-02T22:03:41+00:00"),
        ({"published_at": None}, "2026-03-02T22:04:10+00:00"),
        ({"published_at": None, "created_at": ""}, "2026-03-03T03:00:00+00:00"),
        ({"published_at": "2026-03-02", "created_at": None}, "2026-03-03T03:00:00+00:00"),
        ({"published_at": None, "created_at": None, "filing_date": "2026-07-02"}, "2026-07-03T02:00:00+00:00"),
        ({"published_at": None, "created_at": None, "filing_date": None}, None),
    ],
)
def test_known_is_when_it_could_be_seen(changes: dict[str, Any], known_at: str | None) -> None:
    assert one(**changes).known_at == (datetime.fromisoformat(known_at) if known_at else None)


def test_a_trade_after_its_filing_or_without_is_quarantined() -> None:
    assert implausible(one(transaction_date="2026-03-04"))
    assert implausible(one(filing_date=None))
    assert implausible(one(price=None))
    assert implausible(one(price="0"))


def test_an_amendment_that_names_no_original_is_quarantined() -> None:
    assert "amendment" in (implausible(one(form="4/A")) or "")


# Names


def test_their_words_are_read_as_ours() -> None:
    names = names_of(["owner=insiderName", "price = pricePerShare", "published_at="])
    record = filing(insiderName="Quayle Ines", pricePerShare="41", insider_name="x", price="x", published_at="never")
    trade = read(Record("record 1", record, names), "k")
    assert (trade.owner, trade.price) == ("Quayle Ines", 41)
    assert trade.known_at == datetime(2026, 3, 2, 22, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ("ownr=x", "did you mean owner?"),
        ("owner", "did you mean owner?"),
        ("=x", "choose from"),
        ("zzzz=x", "choose from"),
    ],
)
def test_an_entry_that_renames_nothing_is_refused_with_a_hint(entry: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="BOT_REST_FIELDS") as told:
        names_of([entry])
    assert hint in str(told.value)


@pytest.mark.parametrize("word", ["insider_name", "transaction_date", "filing_date", "shares"])
def test_records_that_never_name_what_a_trade_needs_are_refused(word: str) -> None:
    records = [Record("r", {name: value for name, value in filing().items() if name != word}, NAMES)]
    with pytest.raises(SourceError, match=f"expected '{word}' in the records, found an object with 'created_at'"):
        check_words(records, ())


def test_records_need_a_word_for_what_was_done() -> None:
    content = filing(transaction_code="P")
    del content["transaction_type"]
    check_words([Record("r", content, NAMES)], ())
    del content["transaction_code"]
    with pytest.raises(SourceError, match="expected 'transaction_type'"):
        check_words([Record("r", content, NAMES)], ())


def test_a_word_that_the_settings_rename_is_there_in_one_of_many_records() -> None:
    names = names_of(["price=Price"])
    many = [Record("r", filing(number), names) for number in range(10)]
    with pytest.raises(SourceError, match="expected 'Price'"):
        check_words(many, ["price"])
    check_words([*many, Record("r", filing(Price=1), names)], ["price"])
    check_words(many[:9], ["price"])
    check_words([Record("r", filing(), names_of(["price="]))] * 10, ["price"])
    check_words([], ["price"])


# Anything there can be


words = st.sampled_from(["purchase", "sale", "acquisition", "P-Purchase", "gift", "", None])
numbers = st.integers(0, 10**9) | st.decimals(0, 10**6, places=4).map(str) | st.none()


@given(st.dictionaries(st.sampled_from(sorted({*NAMES.values()})), anything, max_size=8))
def test_no_record_is_more_than_a_refusal(changes: dict[str, Any]) -> None:
    try:
        trade = one(**changes)
    except SourceError as error:
        told = str(error)
    else:
        assert len(find_events(validate(to_table([trade])))) == 1
        return
    assert told.startswith("record 1, '")


@given(words, numbers, numbers, st.sampled_from(["", None, "A", "D", "acquired"]))
def test_a_side_is_only_what_was_paid_for_or_is_quarantined(word: Any, shares: Any, price: Any, acquired: Any) -> None:
    trade = one(transaction_type=word, shares=shares, price=price, acquired_disposed=acquired)
    if trade.side and not implausible(trade):
        assert word in {"purchase", "sale", "acquisition", "P-Purchase"}
        assert trade.price
        assert trade.shares
        assert trade.value == trade.shares * trade.price


@given(st.decimals(0, 10**9, places=6), st.booleans())
def test_a_price_arrives_exactly_as_text_or_number(price: Decimal, as_text: bool) -> None:
    record = json.loads(json.dumps(filing(price=str(price))))
    exact = {**record, "price": f"{price:f}" if as_text else price}
    assert read(Record("r", exact, NAMES), "k").price == price
