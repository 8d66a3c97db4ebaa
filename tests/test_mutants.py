"""Every named bug is seen by a test: the patches apply to today's source, and their tests fail with them."""

from pathlib import Path

import pytest

from tests.mutants import MUTANTS, Mutant, applied, copied, survives


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("mutants"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_has_one_place_in_the_source(mutant: Mutant) -> None:
    compile(applied(mutant), mutant.file, "exec")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_is_seen_by_its_tests(mutant: Mutant, folder: Path) -> None:
    assert survives(mutant, folder) == bool(mutant.healed)
