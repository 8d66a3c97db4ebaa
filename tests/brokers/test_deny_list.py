"""Hosts of real money: named once, and never connected to, whoever asks for them and however they are spelled."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from bot.errors import NotPaperError
from bot.http import Http, HttpError
from bot.live_hosts import LIVE_HOSTS
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "brokers", "strategies")
URLS = [name for name in Settings.model_fields if name.endswith("_url")]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Everything beyond this machine that was looked up or connected to; nothing of it succeeds."""
    asked: list[object] = []
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def looked_up(host: Any, *arguments: Any, **more: Any) -> Any:
        if host == "127.0.0.1":
            return resolve(host, *arguments, **more)
        asked.append(host)
        raise socket.gaierror(f"there is no {host} in this test")

    def connected(self: socket.socket, address: Any) -> None:
        if address[0] == "127.0.0.1":
            return connect(self, address)
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    monkeypatch.setattr(socket.socket, "connect", connected)
    return asked


def test_live_hosts_are_named_in_one_place() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.suffix in {".py", ".toml"}]
    files += [ROOT / name for name in (".env.example", "compose.yaml", "Dockerfile", "pyproject.toml")]
    # A host is a whole word: the paper host ends with the name of the live one.
    named = [
        str(file.relative_to(ROOT))
        for file in files
        if any(host in _words(file.read_text(encoding="utf-8")) for host in LIVE_HOSTS)
    ]
    assert named == ["bot/live_hosts.py"]


def _words(text: str) -> set[str]:
    return set("".join(letter if letter.isalnum() or letter in ".-" else " " for letter in text).split())


@pytest.mark.parametrize("host", sorted(LIVE_HOSTS))
def test_no_request_of_any_kind_leaves_for_a_live_host(host: str, elsewhere: list[object]) -> None:
    http = Http("tests", deadline=5)
    requests: list[Callable[[str], object]] = [http.get, lambda url: http.post_json(url, {}), http.delete]
    for request in requests:
        with pytest.raises(NotPaperError, match=f"^{host} is for real money"):
            request(f"https://{host}/v2/orders")
    assert elsewhere == []


@pytest.mark.parametrize(
    "url",
    [
        "https://API.Alpaca.Markets/v2/orders",
        "https://api.alpaca.markets./v2/orders",
        "https://api.alpaca.markets..",
        "http://api.alpaca.markets:80",
        "https://paper-api.alpaca.markets@api.alpaca.markets/v2",
        "https://api.alpaca.markets\\@paper-api.alpaca.markets/v2",
        "https://api%2ealpaca.markets",
        "https://%61pi.alpaca.markets",
        "https://api.alpaca.markets#paper-api.alpaca.markets",
        "https://api.alpaca.markets?paper-api.alpaca.markets",
    ],
)
def test_no_spelling_of_a_live_host_is_let_through(url: str, elsewhere: list[object]) -> None:
    for headers in (None, {"Authorization": "key"}):
        with pytest.raises(NotPaperError, match=r"^api\.alpaca\.markets is for real money"):
            Http("tests", deadline=5).get(url, headers=headers)
    assert elsewhere == []


def test_a_host_that_is_none_of_them_is_asked_for(elsewhere: list[object]) -> None:
    """So that the other tests would see a connection."""
    with pytest.raises(HttpError, match="could not be reached"):
        Http("tests", deadline=5).get("https://live.example")
    assert set(elsewhere) == {"live.example"}


@pytest.mark.parametrize("command", ["run", "status", "doctor", "daemon"])
@pytest.mark.parametrize("host", sorted(LIVE_HOSTS))
@pytest.mark.parametrize("setting", URLS)
def test_no_setting_leads_a_command_to_a_live_host(
    setting: str,
    host: str,
    command: str,
    elsewhere: list[object],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOT_SOURCES", "edgar")
    scheme = "postgresql" if setting == "database_url" else "https"
    monkeypatch.setenv(f"BOT_{setting.upper()}", f"{scheme}://{host}/x")
    monkeypatch.setattr(sys, "argv", ["insiderbot", command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert f"BOT_{setting.upper()}: {host} is for real money" in "".join(capsys.readouterr())
    assert ended.value.code == (1 if (setting, command) == ("database_url", "doctor") else 2)
    assert elsewhere == []


def test_what_the_settings_say_is_checked_in_the_real_command_too(tmp_path: Path) -> None:
    host = "api.alpaca.markets"
    done = subprocess.run(
        [sys.executable, "-m", "bot", "run"],
        cwd=tmp_path,
        env={**os.environ, "BOT_FINVIZ_URL": f"https://{host}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = f"insiderbot: BOT_FINVIZ_URL: {host} is for real money, which is not supported: nothing is ever sent there"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{said} (found 'https://{host}')\n")
