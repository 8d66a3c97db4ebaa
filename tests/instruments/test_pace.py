from hypothesis import given
from hypothesis import strategies as st

from bot.instruments.pace import PATIENCE_SECONDS, Pace
from tests.instruments.figi_market import Time


def pace_of(time: Time, requests: int = 3, seconds: float = 10) -> Pace:
    pace = Pace(requests, seconds, sleep=time.sleep, monotonic=time.monotonic)
    pace.begin()
    return pace


def test_the_window_is_full_before_anybody_waits(time: Time) -> None:
    pace = pace_of(time)
    assert [pace.wait() for _ in range(4)] == [True] * 4
    assert time.slept == [10]


def test_a_pause_holds_the_next_request_back_once(time: Time) -> None:
    pace = pace_of(time)
    pace.pause(5)
    pace.pause(2)
    assert pace.wait()
    assert pace.wait()
    assert time.slept == [5]


def test_beyond_patience_nobody_waits_at_all(time: Time) -> None:
    pace = pace_of(time)
    pace.pause(PATIENCE_SECONDS + 1)
    assert not pace.wait()
    assert time.slept == []
    pace.begin()
    assert not pace.wait()


def test_a_demanded_pause_outlives_the_call(time: Time) -> None:
    pace = pace_of(time)
    pace.pause(PATIENCE_SECONDS + 20)
    time.sleep(40)
    pace.begin()
    assert pace.wait()
    assert time.slept == [40, 45]


@given(st.lists(st.floats(0, 30), min_size=1, max_size=40))
def test_no_window_ever_holds_more_than_its_requests(idle: list[float]) -> None:
    time = Time()
    pace = pace_of(time)
    sent = []
    for seconds in idle:
        time.sleep(seconds)
        pace.begin()
        assert pace.wait()
        sent.append(time.monotonic())
    for first, fourth in zip(sent, sent[3:], strict=False):
        assert fourth - first >= 10 - 1e-6
