"""What every strategy promises, asked of one: for the tests of your own.

from bot.contract import check_strategy

def test_my_strategy_keeps_the_contract():
    check_strategy(my_strategy)
"""

from typing import Final

import pandas as pd
from pandas.testing import assert_frame_equal

from bot.demo.history import made_up
from bot.errors import BotError
from bot.events import VERDICT
from bot.model import UNTOLD, Reach, Side
from bot.ports import Strategy
from bot.research.lookahead import TooShortError, check

DECISIONS: Final = frozenset({*Side, "skip"})
NEWS: Final = 10  # events at a time
INSTANTS: Final = 20  # after which everything is changed; `insiderbot lookahead-check` looks at as many as you like
FURTHER: Final = "it looks further back than it is shown, so that the bot decides otherwise; say how far by `reaching`"


def check_strategy(strategy: Strategy, events: pd.DataFrame | None = None) -> None:
    """AssertionError in one sentence when the strategy breaks a promise; None when it keeps all of them.

    It is shown an events table, by default three years of a made-up history: whole, again, shuffled, empty, and as it
    stood at several instants, both as each event became known and at that instant, and with no more of the past than
    the bot shows beside the day's news.
    """
    _holds(callable(strategy), f"a strategy is a function of an events table and an instant (found {strategy!r:.40})")
    try:
        _check(strategy, made_up(seed=1, rows=600, years=3) if events is None else events)
    except AssertionError:
        raise
    except BotError as error:
        raise AssertionError(str(error)) from error
    except Exception as error:
        hint = "; hand in the strategy that your factory returns" if isinstance(error, TypeError) else ""
        raise AssertionError(f"it cannot judge a table of events: {type(error).__name__}: {error}{hint}") from error


def _check(strategy: Strategy, table: pd.DataFrame) -> None:
    table = table.set_axis(pd.RangeIndex(1000, 1000 + len(table)))
    before = table.copy()
    judged = strategy(table, None)
    _holds(table.equals(before), "it changes the table it is given; work on a copy, as `events.assign` makes")
    _is_complete(table, judged)
    _same(strategy(table, None), judged, "it says something else when asked again")
    _same(strategy(table.iloc[:0], None), judged.iloc[:0], "it cannot be asked about no events", dtypes=False)
    shuffled = strategy(table.sample(frac=1, random_state=1), None)
    _same(shuffled.loc[table.index], judged, "it depends on the order of the rows")
    amended = table["superseded_at"].dropna() - pd.Timedelta(microseconds=1)
    for instant in (*table["known_at"].quantile([0.25, 0.5, 0.75]), *amended.head(1)):
        then = _as_of(table, instant)
        _same(strategy(then, None), judged.loc[then.index], f"what became known after {instant} changes its verdicts")
        _is_complete(then, strategy(then, instant))
        news = then.nlargest(NEWS, "known_at")
        live = strategy(_shown_with(news, then, getattr(strategy, "reach", UNTOLD)), None)
        _same(live.loc[news.index], judged.loc[news.index], FURTHER)
    _does_not_look_ahead(strategy, table)


def _does_not_look_ahead(strategy: Strategy, table: pd.DataFrame) -> None:
    """What comes later may be told otherwise, too, and changes nothing."""
    try:
        report = check(lambda _: strategy, table, instants=INSTANTS)
    except TooShortError:  # for a strategy to which little of what comes later matters
        return
    _holds(report.leak is None, f"it looks ahead: {report.leak}")


def _is_complete(events: pd.DataFrame, judged: pd.DataFrame) -> None:
    """Every row is there, under its index, with a verdict and a reason."""
    _holds(isinstance(judged, pd.DataFrame), f"it must return the events with its verdicts (found {judged!r:.40})")
    _holds(judged.index.equals(events.index), "it must return every row, in the order and under the index it was given")
    lost = [name for name in (*events.columns, *VERDICT) if name not in judged.columns]
    _holds(not lost, f"its table lacks the column {next(iter(lost), '')!r}")
    odd = [*judged.loc[~judged["decision"].isin(DECISIONS), "decision"]]
    _holds(not odd, f"only buy, sell and skip are decisions (found {next(iter(odd), '')!r})")
    refused = judged[judged["decision"] == "skip"]
    _holds(bool((refused["rule"].fillna("") != "").all()), "a skip must name the rule that refused")
    _holds(bool((refused["reason"].fillna("") != "").all()), "a skip must have a reason")


def _holds(promise: bool, problem: str) -> None:  # noqa: FBT001
    if not promise:
        raise AssertionError(problem)


def _as_of(events: pd.DataFrame, instant: pd.Timestamp) -> pd.DataFrame:
    """What was known at an instant, and nothing of what has replaced it since."""
    then = events[~(events["known_at"] > instant)]
    return then.assign(superseded_at=then["superseded_at"].where(then["superseded_at"] <= instant))


def _shown_with(news: pd.DataFrame, then: pd.DataFrame, reach: Reach) -> pd.DataFrame:
    """The news and what a strategy of this reach is shown of the past beside them."""
    ago = (news["known_at"].min() - then["known_at"]) / pd.Timedelta(days=1)
    theirs = then["owner_id"].isin(news["owner_id"]) & (ago <= reach.person)
    others = then["issuer_id"].isin(news["issuer_id"]) & (ago <= reach.company)
    bought = (then["side"] == Side.BUY) & (ago <= reach.market)
    shown: pd.DataFrame = then[theirs | others | bought | then.index.isin(news.index)]
    return shown


def _same(found: pd.DataFrame, expected: pd.DataFrame, problem: str, *, dtypes: bool = True) -> None:
    shown = [name for name in expected.columns if name != "superseded_at"]  # which the future alone may change
    try:
        assert_frame_equal(found[shown], expected[shown], check_dtype=dtypes)
    except (AssertionError, KeyError) as error:
        raise AssertionError(f"{problem} ({' '.join(str(error).split())[:200]})") from None
