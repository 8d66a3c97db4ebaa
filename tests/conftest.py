"""What every test may ask for: the recorded corpus when it is there, and a settings world without the machine's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgresql import Server, serving

settings.register_profile("patient", deadline=None)  # how long an example takes says more about the machine's load
settings.load_profile("patient")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of recorded real data; the test is skipped when it is not here."""
    folder = Path(os.environ.get("INSIDERBOT_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")
    if not folder.is_dir():
        pytest.skip("the recorded corpus is not here: set INSIDERBOT_CORPUS to its folder")
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A real PostgreSQL server, one per process that runs tests."""
    with serving() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database, once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/bot.db"
    server: Server = request.getfixturevalue("postgresql")
    return server.new_schema()


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No BOT_ name of the environment and no `.env` of the checkout reaches a test."""
    for name in [name for name in os.environ if name.upper().startswith("BOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
