"""The past as a strategy sees it: who is who, versions as they became public, kept and found again on both engines."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from bot.events import as_table, find_events
from bot.history import HISTORY_FROM, recalled, versions, with_past
from bot.model import InsiderTrade, Reach
from bot.store import history
from bot.store.database import open_database
from bot.store.repository import Repository
from tests.builders import KNOWN_AT, NOW, decision, event, table, trade

ISSUER, OWNER = "0009990001", "0009995001"
HOUR = timedelta(hours=1)
FIRST, SECOND = "0009995001-26-000003", "0009995001-26-000004"
NOTHING = as_table([])


def filed(accession: str = FIRST, number: int = 1, **changes: object) -> InsiderTrade:
    facts = {
        "source": "edgar",
        "accession": accession,
        "key": f"{accession}:{ISSUER}:nt:{number}",
        "issuer_cik": ISSUER,
        "owner_cik": OWNER,
        "security": "Common Stock",
        "ownership": "D",
        "is_derivative": False,
    }
    return trade(**(facts | changes))


def amended(**changes: object) -> InsiderTrade:
    facts = {"form": "4/A", "amends": f"{ISSUER}:{OWNER}:2026-03-02", "filed_on": date(2026, 3, 4)}
    return filed(SECOND, **(facts | {"known_at": KNOWN_AT + 48 * HOUR} | changes))


@pytest.fixture
def store(database_url: str) -> Iterator[Repository]:
    with closing(open_database(database_url)) as database:
        yield Repository(database)


def told(past: pd.DataFrame) -> list[tuple[str, float]]:
    return [(row.owner, row.shares) for row in past.sort_values(["known_at", "owner"]).itertuples()]


# -- who is who


def test_people_and_companies_are_the_same_by_number_else_by_name_and_ticker() -> None:
    traders = [
        filed(),
        filed(owner="OKAFOR", symbol="NWR"),
        trade(owner="Brandt Ilse"),
        trade(owner="BRANDT ILSE"),
        trade(symbol="HLCN"),
        trade(symbol=None, owner=None),
        trade(symbol=None, owner=None),
    ]
    made = with_past(as_table([event(key=f"e-{n}", trade=each) for n, each in enumerate(traders)]), NOTHING)
    assert made["issuer_id"].tolist() == [0, 0, 1, 1, 2, 3, 4]
    assert made["owner_id"].tolist() == [0, 0, 1, 1, 2, 3, 4]
    assert (made["issuer_id"].dtype, made["owner_id"].dtype) == ("int32", "int32")


# -- versions


def test_people_with_names_in_any_script_are_told_apart() -> None:
    names = ["李嘉誠", "王健林", "Иванов Пётр", "José Nuñez", "Jose Nunez"]
    events = find_events(table(*(trade(owner=name, shares=100 + place) for place, name in enumerate(names))))
    seen = with_past(as_table(events), NOTHING)
    assert seen["owner_id"].nunique() == 4
    assert sorted(seen["shares"]) == [100, 101, 102, 103 + 104]


def test_an_amended_event_has_two_versions_of_which_the_first_ends_when_the_second_begins() -> None:
    made = versions(table(filed(), amended(shares=Decimal(400))))
    assert made["event_key"].nunique() == 1
    assert made["shares"].tolist() == [1000, 400]
    assert made["known_at"].tolist() == [KNOWN_AT, KNOWN_AT + 48 * HOUR]
    assert made["superseded_at"].tolist()[0] == KNOWN_AT + 48 * HOUR
    assert pd.isna(made["superseded_at"].iloc[1])


def test_a_second_filing_of_the_day_makes_a_version_with_the_sum() -> None:
    later = filed(SECOND, known_at=KNOWN_AT + HOUR, shares=Decimal(500), shares_after=Decimal(11_500))
    made = versions(table(filed(), later, filed(FIRST, 2, shares=Decimal(30), shares_after=Decimal(11_030))))
    assert made.sort_values("known_at")["shares"].tolist() == [1030, 1530]


def test_what_became_public_at_once_has_one_version_as_it_is_found() -> None:
    trades = table(filed(), filed(number=2, shares=Decimal(5)), trade(owner="Brandt Ilse"), trade(symbol="HLCN"))
    made = versions(trades)
    pd.testing.assert_frame_equal(
        made.sort_values("event_key", ignore_index=True)[["event_key", "shares", "held_before"]],
        as_table(find_events(trades)).sort_values("event_key", ignore_index=True)[
            ["event_key", "shares", "held_before"]
        ],
    )
    assert made["superseded_at"].isna().all()


# -- what only the past tells


def test_an_amendment_whose_original_is_no_longer_shown_is_the_next_version_of_it() -> None:
    (alone,) = find_events(table(amended(shares=Decimal(400))))
    assert alone.quarantine == "an amendment of the filing of 2026-03-02, which was not seen"
    (linked,) = recalled([alone], as_table(find_events(table(filed()))))
    assert (linked.quarantine, linked.trade.shares) == (None, 400)


def test_an_amendment_whose_original_nobody_has_seen_stays_in_doubt() -> None:
    (alone,) = find_events(table(amended(shares=Decimal(400))))
    assert recalled([alone], as_table([alone])) == recalled([alone], NOTHING) == [alone]
    earlier = find_events(table(amended(known_at=KNOWN_AT + HOUR)))
    assert recalled([alone], as_table(earlier)) == [alone]


def test_who_has_held_shares_before_opens_no_new_position_though_the_news_do_not_say_so() -> None:
    long_ago, lately = (KNOWN_AT - timedelta(days=days) for days in (90, 60))
    past = find_events(
        table(
            trade(known_at=long_ago, filed_on=long_ago.date(), traded_on=long_ago.date(), shares_after=Decimal(70_000)),
            trade(known_at=lately, filed_on=lately.date(), shares_after=Decimal(50_000)),
            trade(known_at=lately, filed_on=lately.date(), owner="Brandt Ilse", shares_after=Decimal(9)),
        )
    )
    (opening,) = find_events(table(trade(shares_after=Decimal(1000))))
    assert opening.held_before == 0
    assert [event.held_before for event in recalled([opening], as_table(past))] == [50_000]
    assert [event.held_before for event in recalled([opening], as_table([opening]))] == [0]


def test_a_version_of_which_some_lines_have_left_their_page_is_what_it_was_when_it_was_whole() -> None:
    first, second = trade(key="1"), trade(key="2", shares=Decimal(500), shares_after=Decimal(11_500))
    (whole,) = find_events(table(first, second))
    (half,) = find_events(table(second))
    (again,) = recalled([half], as_table([whole]))
    assert (half.key, half.trade.known_at) == (whole.key, whole.trade.known_at)
    assert (again.trade, again.held_before, again.keys) == (whole.trade, whole.held_before, half.keys)
    doubted = as_table([replace(whole, quarantine="a price that cannot be")])
    assert recalled([half], doubted) == [replace(again, quarantine="a price that cannot be")]
    assert recalled([half], as_table([half])) == [half]
    assert recalled([whole], as_table([half])) == [whole]
    other = as_table([replace(whole, trade=whole.trade._replace(known_at=KNOWN_AT - HOUR))])
    assert recalled([half], other) == [half]


def test_a_history_begins_where_anything_was_kept_first_of_whomever(store: Repository) -> None:
    long_ago = KNOWN_AT - timedelta(days=900)
    store.record([], [], NOW, find_events(table(trade(symbol="ZZZA", owner="Nobody Else", known_at=long_ago))))
    news = find_events(table(trade()))
    made = with_past(as_table(news), store.past(news))
    assert len(made) == 1
    assert pd.Timestamp(made.attrs[HISTORY_FROM]) == long_ago


def test_a_history_without_a_past_begins_with_itself() -> None:
    made = versions(table(filed(), filed(SECOND, known_at=KNOWN_AT + HOUR)))
    assert pd.Timestamp(made.attrs[HISTORY_FROM]) == KNOWN_AT
    assert with_past(NOTHING, NOTHING).attrs == {}


# -- kept and found


def test_the_past_of_the_people_and_companies_in_the_news_comes_back_as_it_was_seen(store: Repository) -> None:
    seen = find_events(
        table(
            filed(),
            trade(symbol="HLCN", owner="Brandt Ilse", plan_10b5_1=True, title=None, shares_after=None),
            trade(symbol="ZZZA", owner="Nobody Else", code="S"),
        )
    )
    store.record([], [], NOW, seen)
    news = find_events(table(filed(SECOND, known_at=NOW, filed_on=NOW.date()), trade(symbol="HLCN", owner="Marit")))
    past = store.past(news)
    assert sorted(past["owner"]) == ["Brandt Ilse", "Okafor Adaeze M"]
    same = as_table(seen)[lambda made: made["symbol"] != "ZZZA"].sort_values("symbol", ignore_index=True)
    pd.testing.assert_frame_equal(
        past.sort_values("symbol", ignore_index=True)[[*same.columns.drop("keys")]], same.drop(columns="keys")
    )


def test_a_version_is_kept_once_and_the_next_one_beside_it(store: Repository) -> None:
    for rows in (
        [filed()],
        [filed()],
        [filed(), amended(shares=Decimal(400))],
        [filed(), amended(shares=Decimal(400))],
    ):
        store.record([], [], NOW, find_events(table(*rows)))
    past = store.past(find_events(table(filed())))
    assert told(past) == [("Okafor Adaeze M", 1000), ("Okafor Adaeze M", 400)]
    assert with_past(NOTHING, past)["superseded_at"].notna().sum() == 1


def test_what_the_news_tell_again_is_not_told_twice(store: Repository) -> None:
    seen = find_events(table(filed()))
    store.record([], [], NOW, seen)
    assert len(with_past(as_table(seen), store.past(seen))) == 1


def test_a_person_s_trades_are_whole_and_a_company_s_are_those_that_are_not_too_old(store: Repository) -> None:
    long_ago = KNOWN_AT - timedelta(days=500)
    old = [
        trade(known_at=long_ago, filed_on=long_ago.date(), shares=Decimal(7)),
        trade(owner="Brandt Ilse", known_at=long_ago, filed_on=long_ago.date()),
        trade(owner="Lindqvist Marit", known_at=KNOWN_AT - timedelta(days=300), shares=Decimal(9)),
    ]
    store.record([], [], NOW, find_events(table(*old)))
    assert told(store.past(find_events(table(trade())))) == [("Okafor Adaeze M", 7), ("Lindqvist Marit", 9)]


def test_the_past_comes_back_as_far_as_it_is_looked_at(store: Repository) -> None:
    days = {Decimal(shares): KNOWN_AT - timedelta(days=shares) for shares in (20, 40)}
    own = [trade(shares=shares, known_at=at, filed_on=at.date()) for shares, at in days.items()]
    others = [each._replace(key=f"{each.key} too", owner="Brandt Ilse") for each in own]
    store.record([], [], NOW, find_events(table(*own, *others)))
    news = find_events(table(trade()))
    assert told(store.past(news, Reach(person=30, company=0, market=0))) == [("Okafor Adaeze M", 20)]
    assert told(store.past(news, Reach(person=0, company=30, market=0))) == [
        ("Brandt Ilse", 20),
        ("Okafor Adaeze M", 20),
    ]
    assert told(store.past(news, Reach(person=0, company=0, market=0))) == []
    assert len(store.past(news)) == 4


def test_the_original_of_an_amendment_comes_back_however_little_is_looked_at(store: Repository) -> None:
    store.record([], [], NOW, find_events(table(filed())))
    (late,) = find_events(table(amended(shares=Decimal(400))))
    past = store.past([late], Reach(person=0, company=0, market=0))
    assert told(past) == [("Okafor Adaeze M", 1000)]
    assert late.quarantine
    assert [event.quarantine for event in recalled([late], past)] == [None]


def test_what_a_person_filed_beside_trades_comes_back_for_400_days_and_ever_where_a_position_begins(
    store: Repository,
) -> None:
    days = {Decimal(7): KNOWN_AT - timedelta(days=500), Decimal(9): KNOWN_AT - timedelta(days=300)}
    awards = [trade(code="A", side=None, shares=n, known_at=at, filed_on=at.date()) for n, at in days.items()]
    store.record([], [], NOW, find_events(table(*awards)))
    opening = trade(shares=Decimal(1000), shares_after=Decimal(1000))
    assert [shares for _, shares in told(store.past(find_events(table(trade()))))] == [9]
    assert [shares for _, shares in told(store.past(find_events(table(opening))))] == [7, 9]


def test_of_the_others_only_open_market_trades_are_told_and_of_other_companies_late_purchases(
    store: Repository,
) -> None:
    exercise = {"code": "M", "side": None, "shares": Decimal(7)}
    early = {"known_at": KNOWN_AT - 48 * HOUR}
    old = [
        trade(**early, **exercise),
        trade(owner="Brandt Ilse", **early, **exercise),
        trade(symbol="ZZZA", owner="Lindqvist Marit", **early, shares=Decimal(9)),
        trade(symbol="ZZZA", owner="Aalto Eero", **early, code="S"),
    ]
    store.record([], [], NOW, find_events(table(*old)))
    assert sorted(told(store.past(find_events(table(trade()))))) == [("Lindqvist Marit", 9), ("Okafor Adaeze M", 7)]


def test_what_does_not_say_when_it_was_public_has_no_place_in_the_past(store: Repository) -> None:
    store.record([], [], NOW, [event(trade=trade(known_at=None))])
    assert len(store.past([event()])) == 0


def test_many_people_are_found_however_many_there_are(store: Repository) -> None:
    seen = find_events(table(*(trade(owner=f"Number {n}", symbol="NWRB") for n in range(1200))))
    store.record([decision()], [], NOW, seen)
    assert len(store.past(seen)) == 1200


def test_who_is_asked_for_in_two_parts_is_told_once(store: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MANY", 2)
    seen = find_events(table(*(trade(owner=f"Number {n}", symbol="NWRB") for n in range(5))))
    store.record([], [], NOW, seen)
    assert len(store.past(seen)) == 5
