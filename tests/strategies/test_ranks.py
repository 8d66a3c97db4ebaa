"""A company's place in last evening's list of scores."""

from hypothesis import given

from strategies.activity import conviction
from strategies.ranks import conviction_rank
from tests.builders import FEW
from tests.strategies.happenings import DAY, START, TABLES, Happening, table, told

RANK, SCORE = conviction_rank(5), conviction(5)


def told_of(*happenings) -> list[float | None]:
    return told(RANK(table(*happenings), None))


def evening(known: float) -> float:
    """The last moment of the day before in New York, five hours behind, in days since START (noon in UTC)."""
    midnight = (START + known * DAY).replace(hour=5, minute=0)
    if midnight > START + known * DAY:
        midnight -= DAY
    return (midnight - START) / DAY - 1e-9


def listed(happenings, at: float) -> dict[int, float]:
    """Every issuer's score at an instant: what `conviction` says of a gift that becomes known then."""
    issuers = sorted({one.issuer for one in happenings})
    gifts = [Happening(known=at, issuer=issuer, owner=9, code="M") for issuer in issuers]
    scores = told(SCORE(table(*happenings, *gifts), None))[len(happenings) :]
    return {issuer: score for issuer, score in zip(issuers, scores, strict=True) if score is not None}


@FEW
@given(TABLES)
def test_the_place_is_how_many_others_scored_more_the_evening_before(happenings):
    for happening, score, place in zip(
        happenings, told(SCORE(table(*happenings), None)), told_of(*happenings), strict=True
    ):
        if score is None:
            assert place is None
            continue
        others = listed(happenings, evening(happening.known))
        faded = 0.05 * (happening.known - evening(happening.known))
        ahead = [issuer for issuer, other in others.items() if other - faded > score + 1e-8]
        assert place == 1 + len({*ahead} - {happening.issuer})


def test_the_largest_score_has_the_first_place():
    rows = [Happening(value=float(10**power), issuer=power) for power in range(1, 4)]
    later = [Happening(known=1, value=1.0, issuer=power, owner=1) for power in range(1, 4)]
    assert told_of(*rows, *later) == [1, 1, 1, 3, 2, 1]


def test_equal_scores_share_a_place():
    rows = [Happening(issuer=issuer, owner=issuer) for issuer in range(3)]
    again = [Happening(known=day, code="S", issuer=issuer, owner=7) for day in (1, 3.3) for issuer in range(3)]
    assert told_of(*rows, *again) == [1] * 9
    assert told_of(*rows, Happening(issuer=3, value=2e3), *again)[4:] == [2] * 6


def test_the_news_of_the_day_itself_decides_nothing_whatever_its_order():
    """All of it is compared with the evening before."""
    before = Happening(known=-1, value=500.0, issuer=0)
    rows = [Happening(known=0.1 * place, value=10.0 ** (5 - place), issuer=place + 1) for place in range(4)]
    assert told_of(before, *rows) == [1, 1, 1, 1, 2]
    assert told_of(before, *reversed(rows)) == [1, 2, 1, 1, 1]


def test_an_unknown_score_has_no_place_and_takes_none():
    rows = [Happening(value=None, issuer=0), Happening(known=1, value=1.0, issuer=1), Happening(known=None)]
    assert told_of(*rows) == [None, 1, None]
    assert told_of() == []
