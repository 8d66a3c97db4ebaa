"""One line per thing that happened, whatever foreign text is in it."""

import json
import logging
from collections.abc import Iterator
from decimal import Decimal

import pytest

from bot import logs
from tests.builders import NOW

NASTY = "Okafor\x1b[31m\nADAEZE \u202e=1"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("insiderbot")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def said(form: logs.Form, capsys: pytest.CaptureFixture[str]) -> list[str]:
    logs.to_stderr(logging.INFO, form)
    log = logging.getLogger("insiderbot.tests")
    log.info("decision", extra={"facts": {"owner": NASTY, "shares": Decimal(10), "at_all": None, "known": NOW}})
    log.debug("never said")
    logging.getLogger("somebody.else").info("never said")
    try:
        int("a bug")
    except ValueError:
        log.exception("it broke")
    return capsys.readouterr().err.splitlines()


def test_text_is_one_line_each_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = said("text", capsys)
    assert first.split()[1:3] == ["info", "decision"]
    assert "shares=10 at_all=null known=" in first
    assert "\x1b" not in first
    assert "error   it broke | Traceback" in second
    assert "ValueError: invalid literal" in second


def test_json_is_one_object_a_line_and_facts_cannot_replace_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (json.loads(line) for line in said("json", capsys))
    assert (first["event"], first["level"], first["logger"]) == ("decision", "info", "insiderbot.tests")
    assert (first["owner"], first["shares"], first["at_all"]) == (NASTY, "10", None)
    assert first["at"].endswith("+00:00")
    assert "ValueError: invalid literal" in second["trace"]
    logging.getLogger("insiderbot").info("truly", extra={"facts": {"event": "forged", "level": "forged"}})
    assert json.loads(capsys.readouterr().err) | {"at": 0} == {
        "event": "truly",
        "level": "info",
        "logger": "insiderbot",
        "at": 0,
    }
