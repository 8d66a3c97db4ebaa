"""What a decision was made by is kept with it: the version, the strategy with its code, every setting."""

import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.provenance import provenance
from bot.settings import Settings
from bot.store.database import open_database
from bot.store.repository import Repository
from strategies import executives
from tests.builders import NOW, decision


def test_settings_have_one_name_by_their_values_alone() -> None:
    one = provenance("executives", [executives.__name__], {"BOT_A": "1", "BOT_B": "2"})
    same = provenance("executives", [executives.__name__], {"BOT_B": "2", "BOT_A": "1"})
    other = provenance("executives", [executives.__name__], {"BOT_A": "1", "BOT_B": "3"})
    assert one.settings_id == same.settings_id != other.settings_id
    assert one.strategy == "executives"


def test_a_strategy_of_one_s_own_is_told_apart_by_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    names = []
    for threshold in (1, 2):
        (tmp_path / "my_own.py").write_text(f"def strategy(kit):\n    return {threshold}\n")
        sys.modules.pop("my_own", None)
        __import__("my_own")
        names.append(provenance("my_own:strategy", ["my_own"], {}).strategy)
    assert names[0] != names[1]
    assert all(name.startswith("my_own:strategy ") for name in names)


def test_it_is_told_apart_by_the_code_that_it_imports_from_wherever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_parts").mkdir()
    (tmp_path / "my_whole.py").write_text(
        "import json\nfrom strategies.rules import follow\nfrom my_parts.least import LEAST\n"
    )
    (tmp_path / "my_parts" / "__init__.py").write_text("")
    (tmp_path / "my_parts" / "least.py").write_text("from . import further\nLEAST = 1\n")
    names = set()
    for number in (1, 2, 2):
        (tmp_path / "my_parts" / "further.py").write_text(f"NUMBER = {number}\n")
        for module in ("my_whole", "my_parts", "my_parts.least", "my_parts.further"):
            sys.modules.pop(module, None)
        __import__("my_whole")
        names.add(provenance("mine", ["my_whole"], {}).strategy)
    assert len(names) == 2
    (tmp_path / "my_whole.py").write_text("what is edited while the bot runs is not what it decides by")
    assert provenance("mine", ["my_whole"], {}).strategy in names
    assert provenance("mine", ["strategies.executives", "nowhere", ""], {}).strategy == "mine"


def test_what_a_decision_was_made_with_is_found_again_without_a_secret(database_url: str) -> None:
    shown = Settings.of(alpaca_key="very-secret").shown()
    with closing(open_database(database_url)) as database:
        store = Repository(database)
        store.provenance = provenance("executives", [executives.__name__], shown)
        store.record([decision()], [], NOW)
        (row,) = store.decided()
        assert row["decided_by"]["strategy"] == "executives"
        kept = store.settings(row["decided_by"]["settings"])
        assert kept == shown
        assert "very-secret" not in str(kept)
        assert store.settings("no-such-hash") is None
