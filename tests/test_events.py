import csv
import gzip
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo import finviz as finviz_pages
from bot.demo import openinsider as openinsider_pages
from bot.demo.market import market
from bot.errors import ConfigError
from bot.events import as_table, decided, find_events
from bot.holdings import balance
from bot.model import Decision, InsiderTrade, Role, Side, Signal, Skip
from bot.plausible import implausible, rounding
from bot.sources import finviz, openinsider
from bot.sources.files import Files
from bot.trades import to_table

from .builders import FEW, KNOWN_AT, events, table, trade

FILED = "0001999001-26-000003"


def only(table: pd.DataFrame):
    assert len(table) == 1
    return next(table.itertuples(index=False))


def sums(table: pd.DataFrame) -> set[tuple]:
    """What must not depend on the order of the rows."""
    columns = ["event_key", "keys", "symbols", "shares", "value", "price", "shares_after", "held_before", "exercised"]
    return {tuple(str(cell) for cell in row) for row in table[[*columns, "known_at"]].itertuples(index=False)}


# One event, once.


def test_tranches_are_one_event():
    event = only(
        events(
            trade(shares=Decimal(100), price=Decimal(10), traded_on=date(2026, 2, 27), shares_after=Decimal(1100)),
            trade(
                shares=Decimal(300),
                price=Decimal(12),
                traded_on=date(2026, 2, 26),
                shares_after=Decimal(1000),
                known_at=KNOWN_AT + timedelta(hours=1),
            ),
        )
    )
    assert (event.shares, event.value, event.price) == (400, 4600, 11.5)
    assert event.traded_on.date() == date(2026, 2, 26)  # the earliest, as box 3 of the form has it
    assert event.known_at == KNOWN_AT + timedelta(hours=1)  # the latest, when all of it was known
    assert (event.held_before, event.shares_after) == (700, 1100)
    assert len(event.keys) == 2


def test_a_weighted_price_is_told_to_the_hundredth_of_a_cent():
    table = events(trade(shares=Decimal(1), price=Decimal(1)), trade(shares=Decimal(2), price=Decimal(2)))
    assert only(table).price == 1.6667


def test_a_sum_with_a_missing_part_is_missing():
    event = only(events(trade(shares=Decimal(1)), trade(shares=None, key="none")))
    assert pd.isna(event.shares)
    assert pd.isna(event.price)
    assert pd.isna(event.held_before)


@pytest.mark.parametrize("accession", [FILED, None])
def test_a_filing_listed_under_several_tickers_is_one_event(accession):
    """The tutorial took such rows for several trades, and followed each of them."""
    rows = [
        trade(accession=accession, symbol=symbol, key=accession or symbol) for symbol in ("NWRB-B", "NWRB", "NWRB-A")
    ]
    event = only(events(*rows))
    assert event.symbols == ("NWRB", "NWRB-A", "NWRB-B")
    assert event.shares == 1000
    assert set(event.keys) == {row.key for row in rows}


def test_the_issuer_is_named_only_where_all_rows_name_the_same():
    """A listed company that files as an owner is listed with the company whose shares it bought."""
    row = trade(accession=FILED, key="a", owner="Brill Holdings")
    assert only(events(row, row._replace(symbol="NWRB-B"))).issuer == "Northwind Robotics Inc"
    assert pd.isna(only(events(row, row._replace(symbol="BRLA", issuer="Brill Holdings"))).issuer)
    other = row._replace(key="b", symbol="NWRB", issuer="Brill Holdings", shares=Decimal(7))
    assert pd.isna(only(events(row, other)).issuer)


def test_all_lines_of_a_filing_share_its_tickers():
    first = trade(accession=FILED, key="a", shares=Decimal(1))
    table = events(first, first._replace(symbol="NWRB-B"), trade(accession=FILED, key="b", symbol="NWRB-B"))
    assert only(table).symbols == ("NWRB", "NWRB-B")


@pytest.mark.parametrize(
    "change",
    [
        {"owner": "Lindqvist Marit"},
        {"shares": Decimal(1001)},
        {"price": Decimal(41)},
        {"shares_after": Decimal(11_001)},
        {"traded_on": date(2026, 2, 26)},
        {"code": "S"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_rows_without_a_number_that_differ_in_more_than_the_ticker_are_two(change):
    table = events(trade(), trade(symbol="ACWI", **change))
    assert sorted(table["symbols"]) == [("ACWI",), ("NWRB",)]


@pytest.mark.parametrize("missing", ["owner", "shares", "traded_on"])
def test_rows_that_do_not_say_who_did_what_never_agree(missing):
    assert len(events(trade(**{missing: None}), trade(symbol="ACWI", **{missing: None}))) == 2


def test_companies_without_a_ticker_are_not_thrown_together():
    assert len(events(trade(symbol=None, key="a"), trade(symbol=None, key="b", issuer="Acme", shares=Decimal(7)))) == 2


def test_two_issuers_that_share_the_owner_s_ticker_are_two_events():
    """A holding company's purchase of two others is listed under its own ticker as well."""
    bought = [
        trade(accession="1", key="a", symbol="OXBO", owner="Brill Holdings"),
        trade(accession="2", key="b", symbol="CHEM", owner="Brill Holdings", shares=Decimal(7)),
    ]
    table = events(*bought, *(row._replace(symbol="BRLA") for row in bought))
    assert list(zip(table["symbols"], table["shares"], strict=True)) == [
        (("BRLA", "OXBO"), 1000),
        (("BRLA", "CHEM"), 7),
    ]
    assert table["event_key"].is_unique


def test_a_row_of_a_saved_table_is_only_a_witness_of_the_numbered_line():
    event = only(events(trade(key="row"), trade(accession=FILED, key="numbered")))
    assert event.accession == FILED
    assert event.shares == 1000
    assert set(event.keys) == {"numbered", "row"}


def test_a_witness_under_another_ticker_is_a_witness_too():
    table = events(trade(key="a", symbol="NWRB-A"), trade(accession=FILED, key="numbered"))
    assert only(table).symbols == ("NWRB", "NWRB-A")


def test_two_filings_of_one_day_continue_one_event():
    table = events(
        trade(accession="1", key="a", shares_after=Decimal(5000)),
        trade(accession="2", key="b", shares_after=Decimal(6000)),
    )
    assert (only(table).shares, only(table).held_before) == (2000, 4000)


def test_the_two_sides_of_a_day_are_two_events():
    table = events(trade(), trade(code="S"), trade(code="M"))
    assert table["code"].tolist() == ["P", "S", "M"]
    assert table["event_key"].is_unique


def test_filings_of_two_days_are_two_events():
    later = trade(filed_on=date(2026, 3, 3), known_at=KNOWN_AT + timedelta(days=1), key="b", shares=Decimal(7))
    assert events(trade(), later)["shares"].tolist() == [1000, 7]


def test_a_line_that_is_filed_again_is_counted_once_and_known_since_the_first_time():
    again = trade(accession="2", key="b", filed_on=date(2026, 3, 3), known_at=KNOWN_AT + timedelta(days=1))
    event = only(events(again, trade(accession="1", key="a")))
    assert (event.shares, event.known_at, event.keys) == (1000, KNOWN_AT, ("a", "b"))


def test_names_meet_however_a_source_writes_them():
    rows = [
        trade(owner=name, key=name)
        for name in ("OKAFOR ADAEZE M.", "Okafor  Adaeze M", "Ökafor Adaeze-M", "Adaeze M. Okafor")
    ]
    assert len(events(*rows)) == 1
    assert len(events(trade(key="a"), trade(owner="Okafor Adaeze R", key="b"), trade(owner="Okafor", key="c"))) == 3
    long = "Brandenburg Consolidated Holdings Partnership"
    assert len(events(trade(owner=long, key="a"), trade(owner=long[:30], key="b"))) == 1


def test_a_proposed_sale_is_not_the_sale():
    proposed = trade(form="144", code=None, shares_after=None)
    table = events(proposed, trade(code="S"))
    assert table["form"].tolist() == ["144", "4"]
    assert table["held_before"].isna().tolist() == [True, False]


def test_events_stand_in_the_order_of_their_first_rows():
    rows = [trade(symbol=symbol, owner=symbol) for symbol in ("ZINC", "ACWI", "MOSS")]
    assert events(*rows, rows[0])["symbol"].tolist() == ["ZINC", "ACWI", "MOSS"]


def test_no_rows_are_no_events():
    assert events().empty
    assert "event_key" in events().columns


def test_an_event_s_key_knows_neither_price_nor_time_nor_order():
    plain = only(events(trade())).event_key
    for change in ({"price": Decimal(41)}, {"known_at": None}, {"shares": Decimal(5)}, {"traded_on": None}):
        assert only(events(trade(**change))).event_key == plain
    for change in ({"symbol": "ACWI"}, {"owner": "Lindqvist Marit"}, {"code": "S"}, {"filed_on": date(2026, 3, 3)}):
        assert only(events(trade(**change))).event_key != plain


# Holdings.


def line(code: str, shares: int, after: int | None, day: int = 27, **changes) -> InsiderTrade:
    """One line of 27 February by its code, its shares and the balance it shows; its price is its own."""
    left = None if after is None else Decimal(after)
    facts = {"code": code, "shares": Decimal(shares), "shares_after": left, "traded_on": date(2026, 2, day)}
    key = f"{code}{shares}/{after}/{day}"
    return trade(**({"key": key, "price": Decimal(40 + shares) / 100} | facts | changes))


def held(*lines: InsiderTrade) -> tuple[float | None, float | None]:
    """The balance before and after that the event on a side shows."""
    event = next(event for event in events(*lines).itertuples() if isinstance(event.side, str))
    return tuple(None if pd.isna(number) else number for number in (event.held_before, event.shares_after))


@pytest.mark.parametrize(
    ("lines", "before", "after"),
    [
        ([line("P", 100, 1100)], 1000, 1100),
        ([line("S", 100, 900)], 1000, 900),
        ([line("P", 100, 100)], 0, 100),
        ([line("S", 100, 0)], 100, 0),
        # tranches, each with its own balance
        ([line("S", 100, 900), line("S", 200, 700), line("S", 50, 650)], 1000, 650),
        ([line("P", 100, 1100, 26), line("P", 200, 1300, 27)], 1000, 1300),
        # tranches that all show the day's last balance
        ([line("S", 100, 700), line("S", 200, 700)], 1000, 700),
        ([line("P", 100, 1300), line("P", 200, 1300)], 1000, 1300),
        ([line("P", 100, 300), line("P", 200, 300)], 0, 300),
        # exercise-and-sell
        ([line("M", 500, 1500), line("S", 500, 1000)], 1000, 1000),
        ([line("M", 500, 500), line("S", 500, 0)], 0, 0),
        ([line("M", 500, 1000), line("S", 500, 1000)], 1000, 1000),
        # over two days, each line with its day's balance, as a web table shows them
        ([line("M", 5, 108, 26), line("M", 6, 109, 27), line("S", 5, 103, 26), line("S", 6, 103, 27)], 103, 103),
        # something unreported came in between: it was held before
        ([line("M", 500, 1000), line("S", 500, 600)], 600, 600),
        ([line("M", 500, 1000), line("S", 500, 1500)], 1500, 1500),  # no more than all that moved
        ([line("M", 500, 1000), line("S", 500, 1501)], 2501, 2501),  # more: another ownership line
        # two ownership lines far apart add up
        ([line("S", 100, 900), line("S", 100, 50_000)], 51_100, 50_900),
        ([line("P", 100, 100), line("P", 300, 50_000)], 49_700, 50_100),
        # not to be known
        ([line("P", 100, None)], None, None),
        ([line("P", 100, 50)], None, None),
        ([line("S", 100, -5)], None, None),
        ([line("S", 100, 900), line("M", 100, None)], None, None),
        ([line("S", 100, 900, acquired=None)], None, None),
    ],
)
def test_the_balance_before_an_event_is_chained_from_its_lines(lines, before, after):
    assert held(*lines) == (before, after)
    assert held(*reversed(lines)) == (before, after)


def test_lines_without_any_day_are_chained_before_the_others():
    table = events(
        line("S", 100, 850, filed_on=None),
        line("S", 50, 950, filed_on=None),
        line("S", 7, 1000, filed_on=None, traded_on=None),
    )
    assert (only(table).held_before, only(table).shares_after) == (1007, 850)


def test_no_lines_show_no_balance():
    assert balance([]) == (None, None)


def test_a_derivative_is_not_among_the_shares_held():
    option = line("M", 500, 90_000, is_derivative=True, security="Option")
    assert held(option, line("S", 100, 900)) == (1000, 900)
    assert held(option._replace(security=None), line("S", 100, 900)) == (1000, 900)


def test_what_came_in_by_exercise_or_award_is_told_apart():
    table = events(line("M", 300, 1300), line("A", 200, 1500), line("S", 400, 1100))
    assert table.set_index("code").loc["S", "exercised"] == 500
    assert only(events(line("S", 400, 1100))).exercised == 0


@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.sampled_from("PMS"), st.integers(1, 10**4)), min_size=1, max_size=6),
)
def test_a_complete_chain_of_balances_leads_back_to_its_start(start, steps):
    lines, held_now = [], start
    for day, (code, most) in enumerate(steps, start=1):
        shares = min(most, held_now) if code == "S" else most
        held_now += -shares if code == "S" else shares
        lines.append(line(code, shares, held_now, day))
    assert balance(lines) == (start, held_now)


LATER = {"known_at": KNOWN_AT + timedelta(days=30), "filed_on": date(2026, 4, 1), "traded_on": date(2026, 3, 31)}


def bought_later(*earlier: InsiderTrade, **changes) -> float:
    """What the person held before a purchase that itself shows no holdings before it."""
    later = trade(**(LATER | {"key": "later", "shares_after": Decimal(1000)} | changes))
    table = events(*earlier, later)
    return table.set_index("keys").loc[[("later",)], "held_before"].item()


def test_a_purchase_with_nothing_before_it_is_a_new_position():
    assert bought_later() == 0


def test_who_held_some_by_an_earlier_filing_opens_no_new_position():
    assert bought_later(trade()) == 11_000
    assert bought_later(trade(code="M"), trade(shares=Decimal(5), shares_after=Decimal(70), key="b")) > 0


def test_an_earlier_filing_counts_under_any_of_its_tickers():
    first = trade(accession=FILED, key="a", symbol="NWRB-B")
    assert bought_later(first, first._replace(symbol="NWRB")) == 11_000


@pytest.mark.parametrize(
    "other",
    [
        trade(owner="Lindqvist Marit"),
        trade(symbol="ACWI"),
        trade(shares_after=None),
        trade(shares_after=Decimal(0), code="S"),
        trade(known_at=None),
        trade(code="A", is_derivative=True),
        trade(known_at=LATER["known_at"] + timedelta(days=1), filed_on=date(2026, 4, 2)),
    ],
)
def test_what_somebody_else_held_or_nobody_knew_does_not_count(other):
    assert bought_later(other) == 0


def test_the_filings_of_one_event_are_not_each_other_s_past():
    first = trade(accession="1", key="a", shares=Decimal(100), shares_after=Decimal(100))
    second = trade(
        accession="2", key="b", shares=Decimal(50), shares_after=Decimal(150), known_at=KNOWN_AT + timedelta(hours=1)
    )
    assert only(events(first, second)).held_before == 0


# What cannot be true.


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"traded_on": None}, "does not say when it was traded or filed"),
        ({"filed_on": None}, "does not say when it was traded or filed"),
        ({"traded_on": date(2026, 3, 3)}, "traded on 2026-03-03, after it was filed on 2026-03-02"),
        ({"shares": None}, "None shares were traded"),
        ({"shares": Decimal(0)}, "0 shares were traded"),
        ({"shares": Decimal(10**9 + 1)}, "1000000001 shares were traded"),
        ({"price": None}, "the price is None"),
        ({"price": Decimal(0)}, "the price is 0"),
        ({"price": Decimal(10**6 + 1)}, "the price is 1000001"),
        ({"acquired": "D"}, "a buy is marked as D"),
        ({"code": "S", "acquired": "A"}, "a sell is marked as A"),
        ({"acquired": None}, "the source marks the filing as erroneous"),
        ({"form": "4/A"}, "an amendment, and nothing tells of which filing"),
        ({"value": Decimal(41_000)}, "1,000 shares at 40 are not worth 41,000"),
    ],
)
def test_a_line_that_cannot_be_true_puts_its_event_into_quarantine(changes, reason):
    sound = trade(shares=Decimal(1), key="sound")
    table = events(sound, trade(key="doubtful", **changes))
    found = [why for keys, why in zip(table["keys"], table["quarantine"], strict=True) if "doubtful" in keys]
    assert reason in found[0]


@pytest.mark.parametrize("row", [trade(), trade(code="S"), trade(code="M", price=Decimal(0)), trade(value=None)])
def test_a_sound_line_is_not_in_quarantine(row):
    assert implausible(row) is None
    assert pd.isna(only(events(row)).quarantine)


@pytest.mark.parametrize(("off", "sound"), [(400, True), (-390, True), (600, False), (-600, False)])
def test_a_value_may_be_off_by_one_per_cent(off, sound):
    assert (implausible(trade(value=Decimal(40_000 + off))) is None) == sound


@given(
    shares=st.decimals(min_value="0.5", max_value=10**6, places=3),
    price=st.decimals(min_value="0.01", max_value=10**4, places=4),
)
def test_a_web_table_s_rounding_explains_its_value(shares, price):
    shown = round(shares), round(price, 2), round(shares * price)
    assert abs(shown[0] * shown[1] - shown[2]) <= rounding(*map(Decimal, shown))


# Properties over many rows.

DAYS = st.sampled_from([date(2026, 2, 26), date(2026, 2, 27), date(2026, 3, 2)])
WHOLE = st.sampled_from([Decimal(number) for number in (1, 2, 50, 100, 1000)])
ROWS = st.builds(
    lambda code, filed, **facts: _row(code, filed, facts),
    st.sampled_from("PSMF"),
    st.booleans(),
    symbol=st.sampled_from(["NWRB", "NWRB-B", "ACWI"]),
    owner=st.sampled_from(["Okafor Adaeze M", "Lindqvist Marit"]),
    traded_on=DAYS,
    shares=WHOLE,
    price=WHOLE,
    shares_after=WHOLE,
    known_at=st.sampled_from([KNOWN_AT, KNOWN_AT + timedelta(minutes=7)]),
)


def _row(code: str, filed: bool, facts: dict) -> InsiderTrade:
    """A line as FinViz has it: the key is of the facts without money, with the filing's number or the ticker."""
    company = facts["symbol"][:4]
    accession = f"{company}/{facts['owner']}/{facts['known_at']}" if filed else None
    parts = (accession or facts["symbol"], facts["owner"], code, facts["traded_on"], facts["shares"], facts["price"])
    return trade(code=code, accession=accession, key="/".join(map(str, (*parts, facts["shares_after"]))), **facts)


@FEW
@given(st.lists(ROWS, max_size=8).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_the_order_of_the_rows_does_not_matter(both):
    assert sums(events(*both[0])) == sums(events(*both[1]))


@FEW
@given(st.lists(ROWS, min_size=1, max_size=6), st.data())
def test_a_row_that_comes_twice_changes_nothing(rows, data):
    again = data.draw(st.lists(st.sampled_from(rows)))
    assert sums(events(*rows, *again)) == sums(events(*rows))


@FEW
@given(st.lists(ROWS, max_size=8))
def test_every_row_s_key_is_in_exactly_one_event(rows):
    found = Counter(key for keys in events(*rows)["keys"] for key in keys)
    assert found == dict.fromkeys({row.key for row in rows}, 1)


@FEW
@given(st.lists(ROWS, max_size=8))
def test_no_two_events_have_the_same_key(rows):
    assert events(*rows)["event_key"].is_unique


@FEW
@given(st.lists(ROWS, max_size=8), st.sampled_from(["0.01", "3", "1e12"]))
def test_an_event_s_key_does_not_depend_on_the_price(rows, factor):
    dearer = [row._replace(price=row.price * Decimal(factor)) for row in rows]
    assert set(events(*rows)["event_key"]) == set(events(*dearer)["event_key"])


NUMBERS = st.none() | st.sampled_from([Decimal(text) for text in ("-5", "0", "0.5", "7", "1e9", "1e300", "1e-300")])
SCRAPS = st.builds(
    InsiderTrade,
    key=st.sampled_from("abcdef"),
    source=st.just("invented"),
    accession=st.none() | st.sampled_from(["1", "2", ""]),
    form=st.none() | st.sampled_from(["4", "4/A", "5", "144"]),
    issuer=st.none() | st.just("Northwind Robotics Inc"),
    symbol=st.none() | st.sampled_from(["NWRB", "ACWI", ""]),
    owner=st.none() | st.text(max_size=40),
    role=st.sampled_from(Role),
    is_officer=st.none() | st.booleans(),
    code=st.none() | st.sampled_from("PSMZ"),
    acquired=st.none() | st.sampled_from("AD"),
    side=st.none() | st.sampled_from(Side),
    is_derivative=st.none() | st.booleans(),
    traded_on=st.none() | DAYS,
    filed_on=st.none() | DAYS,
    known_at=st.none() | st.just(KNOWN_AT) | st.just(datetime(2026, 3, 1, tzinfo=UTC)),
    shares=NUMBERS,
    price=NUMBERS,
    value=NUMBERS,
    shares_after=NUMBERS,
)


@FEW
@given(st.lists(SCRAPS, max_size=6))
def test_rows_of_scraps_make_events_all_the_same(rows):
    table = as_table(find_events(to_table(rows)))
    assert {key for keys in table["keys"] for key in keys} == {row.key for row in rows}


# Records again.


def judged(**columns) -> pd.DataFrame:
    return events(trade()).assign(**({"decision": "buy", "rule": "", "reason": "why not"} | columns))


def decide(**columns) -> Decision:
    return decided(find_events(table(trade())), judged(**columns))[0]


def test_a_strategy_that_loses_an_event_is_told_so():
    found = find_events(
        table(trade(), trade(symbol="QLMK", key="other", owner="Somebody Else", shares=Decimal(7), value=Decimal(280)))
    )
    with pytest.raises(ConfigError, match="1 of 2 events no verdict"):
        decided(found, as_table(found[:1]).assign(decision="skip", rule="own", reason="no"))


def test_a_strategy_decides_buy_sell_or_skip():
    with pytest.raises(ConfigError, match="hold"):
        decide(decision="hold")


def test_a_judged_event_becomes_a_decision_with_its_features():
    decision = decide(fraction=0.1, cluster=float("nan"), note="text is no feature")
    assert decision.verdict == Signal(side=Side.BUY, reason="why not")
    assert decision.features == {"fraction": 0.1, "cluster": None}
    assert decision.event.trade == trade()._replace(value=Decimal(40_000))
    assert (decision.event.held_before, decision.event.exercised) == (10_000, 0)
    assert decision.event.quarantine is None


def test_a_refused_event_becomes_a_skip_with_its_rule():
    assert decide(decision="skip", rule="officers_only").verdict == Skip(rule="officers_only", reason="why not")


def test_what_is_unknown_of_an_event_stays_unknown():
    [event] = find_events(table(trade(shares_after=None)))
    assert event.held_before is None
    assert event.trade.shares_after is None


# Real rows.


@pytest.mark.corpus
def test_the_rows_of_six_weeks_are_each_in_one_event(corpus: Path):
    path = corpus / "finviz/finviz_insider_2023.csv.gz"
    trades = Files(path).fetch(datetime(2023, 3, 10, 12, 0, tzinfo=UTC))
    table = as_table(find_events(trades))
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(trades) == len(rows) == 4457

    keys = Counter(key for keys in table["keys"] for key in keys)
    assert keys == dict.fromkeys(set(trades["key"]), 1)
    assert table["event_key"].is_unique
    shares = trades.drop_duplicates("key").set_index("key")["shares"]
    assert all(shares[list(event.keys)].sum() == event.shares for event in table.itertuples())

    tickers: dict[str, set[str]] = {}
    for row in rows:
        tickers.setdefault(row["SEC Form 4 Link"].split("/")[-3], set()).add(row["Ticker"])
    several = {frozenset(found) for found in tickers.values() if len(found) > 1}
    assert len(several) > 20
    assert several <= {frozenset(symbols) for symbols in table["symbols"]}
    assert frozenset({"BRK-A", "BRK-B", "OXY"}) in several


def test_a_table_of_no_events_has_the_same_columns_and_types():
    pd.testing.assert_frame_equal(as_table([]), events(trade()).head(0))


def test_every_field_of_a_record_is_a_column_of_the_events():
    assert set(InsiderTrade._fields) <= set(events(trade()).columns)


# -- two sources tell of one filing

FILING = "0009995001-26-000003"


def tranches(**changes):
    """What FinViz shows of a filing in three lines, and what OpenInsider makes of them: one line, weighted."""
    facts = {"accession": FILING, "owner": "Okafor Adaeze M"} | changes
    sold = ((700, "40.10", 20_700), (1_100, "40.30", 21_800), (450, "40.00", 22_250))
    lines = [
        trade(
            key=f"f-{n}",
            source="finviz",
            shares=Decimal(n),
            price=Decimal(p),
            value=n * Decimal(p),
            shares_after=Decimal(a),
            **facts,
        )
        for n, p, a in sold
    ]
    value = sum(line.value for line in lines)
    merged = {"key": "o-1", "source": "openinsider", "known_at": KNOWN_AT + timedelta(seconds=41)}
    numbers = {"shares": Decimal(2_250), "value": value, "price": Decimal("40.18"), "shares_after": Decimal(22_250)}
    return lines, trade(**(facts | merged | numbers))


def test_tranches_and_their_sum_are_one_event_and_counted_once():
    lines, merged = tranches()
    for shown in ([*lines, merged], [merged, *lines]):
        (event,) = find_events(to_table(shown))
        assert (event.trade.shares, event.held_before) == (2_250, 20_000)
        assert set(event.keys) == {"f-700", "f-1100", "f-450", "o-1"}


def test_a_filing_without_its_number_on_one_site_or_both_is_counted_once():
    lines, merged = tranches()
    bare = [line._replace(accession=None, key=f"row:{line.key}") for line in lines]
    for shown in ([*lines, merged._replace(accession=None)], [*bare, merged], [*bare, merged._replace(accession=None)]):
        (event,) = find_events(to_table(shown))
        assert (event.trade.shares, event.held_before) == (2_250, 20_000)


def test_a_line_only_one_source_has_is_not_lost():
    lines, merged = tranches()
    other = trade(key="o-2", source="openinsider", accession="0009995001-26-000004", owner="Brandt Ilse")
    assert len(find_events(to_table([*lines, merged, other]))) == 2


@pytest.mark.parametrize("problem", [{"acquired": None}, {"form": "4/A"}])
def test_a_doubt_of_one_source_is_a_doubt_about_the_event(problem):
    facts = {"accession": FILING}
    calm = trade(key="same", source="finviz", **facts)
    alarmed = trade(key="same", source="openinsider", known_at=KNOWN_AT + timedelta(seconds=41), **(facts | problem))
    for shown in ([calm, alarmed], [alarmed, calm]):
        (event,) = find_events(to_table(shown))
        assert event.quarantine


def test_an_issuer_that_two_sources_spell_differently_is_still_known():
    one = trade(key="same", source="finviz", accession=FILING, issuer="Northwind Robotics Inc")
    other = trade(key="same", source="openinsider", accession=FILING, issuer="Northwind Robotics, Inc.")
    (event,) = find_events(to_table([one, other]))
    assert event.trade.issuer
    (torn,) = find_events(to_table([one, other._replace(symbol="HLCN", issuer="Helicon Ltd")]))
    assert torn.trade.issuer is None


def test_a_whole_market_seen_on_two_sites_is_the_market_seen_on_one():
    now = datetime(2026, 3, 2, 13, tzinfo=UTC)
    lines = market(date(2026, 3, 2)).public(now)
    one = finviz.parse(finviz_pages.list_page(lines, finviz_pages.LAYOUTS["2026"]), now)
    other = openinsider.parse(openinsider_pages.list_page(lines), now)
    alone = {event.key: event for event in find_events(one)}
    for shown in ([one, other], [other, one]):
        both = {event.key: event for event in find_events(pd.concat(shown, ignore_index=True))}
        assert set(both) == set(alone)
        for key, event in both.items():
            one_site = alone[key]
            assert (event.trade.shares, event.held_before, event.symbols) == (
                one_site.trade.shares,
                one_site.held_before,
                one_site.symbols,
            )
            # What one site doubts is doubted: of a sale with an exercise, the other does not say how much came in.
            assert bool(event.quarantine) is (bool(one_site.quarantine) or event.trade.owner == "Eastaugh Mirela")
