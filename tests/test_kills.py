"""Killed at random instants while filings come in, the bot loses none and follows none twice."""

from pathlib import Path

from tests.kills import run


def test_a_bot_that_is_killed_all_the_time_decides_every_filing_once(tmp_path: Path) -> None:
    outcome = run(60, tmp_path)
    assert outcome.wrong == ()
    assert (outcome.filings, outcome.kills > 9) == (60, True)
