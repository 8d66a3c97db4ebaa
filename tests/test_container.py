"""The container as its files describe it: what must hold wherever it is built and run."""

import json
import re
import shlex
import tomllib
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from bot.daemon import BEAT, GRACE
from bot.settings import Settings

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("Dockerfile", "compose.yaml")}
COMPOSE: dict[str, Any] = yaml.safe_load(TEXTS["compose.yaml"])
BOT, POSTGRES = (COMPOSE["services"][name] for name in ("bot", "postgres"))


def stages(text: str) -> list[list[tuple[str, str]]]:
    """The instructions of each stage with their arguments, continued lines joined."""
    lines = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    every = [(word.upper(), rest) for word, _, rest in (line.partition(" ") for line in lines if line)]
    starts = [number for number, (word, _) in enumerate(every) if word == "FROM"]
    return [every[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]


BUILD, RUNTIME = stages(TEXTS["Dockerfile"])


def the(word: str) -> str:
    """The argument of the one such instruction in the stage that runs."""
    (found,) = (rest for each, rest in RUNTIME if each == word)
    return found


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(the("ENV")))


def is_sent(path: str) -> bool:
    """Whether a file reaches the build: the last pattern that fits it, or a folder it is in, decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and any(fits(place, pattern) for place in above(path)):
            sent = line.startswith("!")
    return sent


def above(path: str) -> list[PurePosixPath]:
    return [PurePosixPath(path), *PurePosixPath(path).parents][:-1]


def fits(place: PurePosixPath, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatchcase(place.name, pattern.removeprefix("**/"))
    return len(place.parts) == len(PurePosixPath(pattern).parts) and fnmatchcase(str(place), pattern)


# -- the image


def test_both_stages_stand_on_the_same_python_pinned_by_its_minor_version() -> None:
    bases = {stage[0][1].split()[0] for stage in (BUILD, RUNTIME)}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+-slim", bases.pop())


def test_the_python_of_the_image_is_one_that_the_project_supports() -> None:
    least = re.fullmatch(r">=3\.(\d+)", PROJECT["project"]["requires-python"])
    used = re.search(r"python:3\.(\d+)", RUNTIME[0][1])
    assert least
    assert used
    assert int(used[1]) >= int(least[1])


def test_it_runs_as_a_user_who_is_not_root_and_is_known_by_number() -> None:
    user, group = the("USER").split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert f"--uid {user} " in the("RUN")


def test_what_runs_after_the_user_is_chosen_needs_no_root() -> None:
    words = [word for word, _ in RUNTIME]
    assert not {"RUN", "COPY", "ADD"} & set(words[words.index("USER") :])


def test_signals_reach_the_bot_because_no_shell_stands_in_between() -> None:
    assert json.loads(the("ENTRYPOINT")) == ["insiderbot"]
    assert json.loads(the("CMD")) == ["daemon"]
    assert the("STOPSIGNAL") == "SIGTERM"
    assert "insiderbot" in PROJECT["project"]["scripts"]


def test_the_health_check_asks_the_bot_and_not_more_often_than_it_tells() -> None:
    options, command = the("HEALTHCHECK").split(" CMD ")
    assert json.loads(command) == ["insiderbot", "health"]
    times = {name: timedelta(seconds=int(seconds)) for name, seconds in re.findall(r"--([a-z-]+)=(\d+)s", options)}
    assert set(times) == {"interval", "timeout", "start-period"}
    assert times["interval"] >= BEAT


def test_the_database_is_on_the_volume_where_the_bot_works() -> None:
    volume = the("VOLUME")
    assert the("WORKDIR") == volume
    assert environment()["BOT_DATABASE_URL"].startswith(f"sqlite:///{volume}/")


def test_the_volume_belongs_to_the_user() -> None:
    user, group = the("USER").split(":")
    assert f"install --directory --owner={user} --group={group} {the('VOLUME')}" in the("RUN")


def test_the_log_is_not_held_back() -> None:
    assert environment()["PYTHONUNBUFFERED"] == "1"


def test_the_image_says_what_it_is() -> None:
    labels = dict(pair.split("=", 1) for pair in shlex.split(the("LABEL")))
    project = PROJECT["project"]
    assert labels == {
        "org.opencontainers.image.title": project["name"],
        "org.opencontainers.image.description": project["description"],
        "org.opencontainers.image.licenses": project["license"],
    }


def test_everything_that_makes_the_package_is_copied_and_sent() -> None:
    copied = {name for word, rest in BUILD if word == "COPY" for name in rest.split()[:-1]}
    packages = {name.rstrip("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    project = PROJECT["project"]
    assert copied == {"pyproject.toml", project["readme"], *project["license-files"], *packages}
    assert all(is_sent(name) for name in copied)


def test_the_driver_of_postgresql_and_what_tells_others_are_in_it() -> None:
    assert any(word == "RUN" and "install '.[notify,postgres]'" in rest for word, rest in BUILD)


@pytest.mark.parametrize("path", ["pyproject.toml", "bot/cli.py", "bot/store/migrations/env.py", "bot/py.typed"])
def test_the_program_is_sent_to_the_build(path: str) -> None:
    assert is_sent(path)


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".env.production",
        "bot/.env",
        ".git/config",
        ".venv/bin/python",
        "insiderbot.db",
        "insiderbot.db.before-0003",
        "bot/insiderbot.db-journal",
        "data/prices.csv",
        "tests/test_container.py",
        "bot/__pycache__/cli.cpython-312.pyc",
        "saved-pages/page.html",
    ],
)
def test_nothing_else_is_sent_to_the_build(path: str) -> None:
    assert not is_sent(path)


# -- the services


def test_the_bot_starts_when_its_database_answers() -> None:
    assert BOT["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert POSTGRES["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]


def test_the_bot_and_the_server_mean_the_same_user_and_database() -> None:
    url = BOT["environment"]["BOT_DATABASE_URL"]
    user = POSTGRES["environment"]["POSTGRES_USER"]
    assert url == f"postgresql+psycopg://{user}@postgres/{user}"  # the server names a database after its first user
    assert f"--username={user}" in POSTGRES["healthcheck"]["test"]


def test_there_is_no_password_but_the_one_that_must_be_given() -> None:
    given = re.compile(r"\$\{POSTGRES_PASSWORD:\?[^}]+\}")
    assert given.fullmatch(BOT["environment"]["PGPASSWORD"])
    assert given.fullmatch(POSTGRES["environment"]["POSTGRES_PASSWORD"])


@pytest.mark.parametrize("service", [BOT, POSTGRES], ids=["bot", "postgres"])
def test_no_secret_is_written_down(service: dict[str, Any]) -> None:
    secret = re.compile("password|passwd|key|token|secret", re.IGNORECASE)
    literal = {name for name, value in service["environment"].items() if not value.startswith("${")}
    assert not [name for name in literal if secret.search(name)]
    assert not [name for name in environment() if secret.search(name)]
    assert not [value for value in service["environment"].values() if re.search("://[^/@]*:[^/@]*@", value)]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_setting_named_is_one(name: str) -> None:
    named = set(re.findall(r"\bBOT_[A-Z0-9_]+\b", TEXTS[name]))
    assert named
    assert named <= set(Settings.names())


def test_the_bot_can_write_nothing_but_its_archive_and_temporary_files() -> None:
    assert BOT["read_only"] is True
    assert BOT["tmpfs"] == ["/tmp"]
    archive = BOT["environment"]["BOT_ARCHIVE"]
    assert BOT["volumes"] == [f"./data:{the('VOLUME')}:ro", f"archive:{archive}"]
    assert f" {archive}\n" in TEXTS["Dockerfile"]  # made for the user who runs it


def test_the_bot_has_no_rights_and_gets_none() -> None:
    assert BOT["cap_drop"] == ["ALL"]
    assert not {"privileged", "cap_add", "user", "ports", "network_mode"} & set(BOT)


def test_the_database_is_kept_and_not_open_to_the_network() -> None:
    (volume,) = POSTGRES["volumes"]
    assert volume.split(":")[0] in COMPOSE["volumes"]
    assert "ports" not in POSTGRES


@pytest.mark.parametrize("service", [BOT, POSTGRES], ids=["bot", "postgres"])
def test_each_comes_back_by_itself_with_no_more_rights_than_before(service: dict[str, Any]) -> None:
    assert service["restart"] == "unless-stopped"
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_a_cycle_may_end_before_the_bot_is_killed() -> None:
    grace = re.fullmatch(r"(\d+)s", BOT["stop_grace_period"])
    assert grace
    assert timedelta(seconds=int(grace[1])) > GRACE


def test_a_signal_is_heard_before_the_bot_listens_for_it() -> None:
    assert BOT["init"] is True


def test_the_settings_of_the_user_are_optional() -> None:
    assert BOT["env_file"] == [{"path": ".env", "required": False}]
