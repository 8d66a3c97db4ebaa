"""The pace that all programs share: one request after the other, and a stop that outlives them."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SourceError
from bot.sources.edgar.pace import SharedPace, StoppedError
from tests.builders import FEW

START = 1_772_500_000.0  # 3 March 2026, 01:06:40 UTC


class Time:
    def __init__(self) -> None:
        self.now = START
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def pace(folder: Path, time: Time, per_second: float = 5) -> SharedPace:
    return SharedPace(folder / "pace", per_second, wall_clock=lambda: time.now, sleep=time.sleep)


def test_the_first_goes_at_once_and_the_others_one_after_the_other(tmp_path: Path) -> None:
    time = Time()
    one = pace(tmp_path, time)
    for _ in range(3):
        one.wait()
    assert time.slept == pytest.approx([0.2, 0.2])


def test_two_programs_share_the_turns(tmp_path: Path) -> None:
    time = Time()
    for _ in range(3):
        pace(tmp_path, time).wait()
    assert time.now == pytest.approx(START + 0.4)


def test_who_comes_late_enough_does_not_wait(tmp_path: Path) -> None:
    time = Time()
    pace(tmp_path, time).wait()
    time.now += 1
    pace(tmp_path, time).wait()
    assert time.slept == []


@FEW
@given(idle=st.lists(st.floats(0, 0.5), min_size=6, max_size=20))
def test_no_second_ever_holds_more_than_its_requests(
    tmp_path_factory: pytest.TempPathFactory, idle: list[float]
) -> None:
    time, folder, sent = Time(), tmp_path_factory.mktemp("pace"), []
    for seconds in idle:
        time.now += seconds
        pace(folder, time).wait()
        sent.append(time.now)
    assert all(sixth - first > 0.999 for first, sixth in zip(sent, sent[5:], strict=False))


def test_after_a_stop_nobody_asks_for_ten_minutes_also_after_a_restart(tmp_path: Path) -> None:
    time = Time()
    assert pace(tmp_path, time).stop() == "2026-03-03 01:16 UTC"
    with pytest.raises(StoppedError, match="not asked again before 2026-03-03 01:16 UTC"):
        pace(tmp_path, time).wait()
    time.now += 599
    with pytest.raises(StoppedError):
        pace(tmp_path, time).wait()
    time.now += 1
    pace(tmp_path, time).wait()
    assert time.slept == []


def test_a_stop_is_prolonged_by_another_one(tmp_path: Path) -> None:
    time = Time()
    pace(tmp_path, time).stop()
    time.now += 500
    pace(tmp_path, time).stop()
    time.now += 500
    with pytest.raises(StoppedError):
        pace(tmp_path, time).wait()


def test_a_clock_that_was_set_back_does_not_hold_everybody_up(tmp_path: Path) -> None:
    time = Time()
    pace(tmp_path, time).wait()
    pace(tmp_path, time).stop()
    time.now -= 86_400
    pace(tmp_path, time).wait()
    assert time.slept == []


def test_processes_at_the_same_time_get_different_turns(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from bot.sources.edgar.pace import SharedPace; import sys;"
        "pace = SharedPace(Path(sys.argv[1]), 5, wall_clock=lambda: 1000.0, sleep=print);"
        "[pace.wait() for _ in range(20)]"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "pace")]
    running = [
        subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    slept = [float(line) for process in running for line in process.communicate()[0].split()]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert sorted(slept) == pytest.approx([0.2 * turn for turn in range(1, 60)])


@pytest.mark.parametrize("content", [b"not a database" * 1000, None])
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        (tmp_path / "pace").mkdir()
    else:
        (tmp_path / "pace").write_bytes(content)
    with pytest.raises(SourceError, match="the pace of EDGAR requests cannot be kept"):
        pace(tmp_path, Time()).wait()


def test_nothing_is_left_locked(tmp_path: Path) -> None:
    pace(tmp_path, Time()).stop()
    with pytest.raises(StoppedError):
        pace(tmp_path, Time()).wait()
    with sqlite3.connect(tmp_path / "pace", timeout=0) as other:
        other.execute("UPDATE pace SET stopped_until = 0")
    other.close()
    pace(tmp_path, Time()).wait()
