"""Settings: where they come from, what is refused and in which words, and that no secret is ever shown."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bot.errors import ConfigError
from bot.settings import PaperUrl, Settings

CANARY = "canary-7f3a9"
CHOSEN: dict[str, tuple[str, Any]] = {  # setting -> as written, as read; none is the default
    "sources": ("finviz, files:saved", ("finviz", "files:saved")),
    "primary": ("finviz", "finviz"),
    "strategy": ("mine:strategy", "mine:strategy"),
    "strategy_file": ("mine.toml", Path("mine.toml")),
    "bars": ("files:bars.csv", "files:bars.csv"),
    "sizes": ("files:sizes.parquet", "files:sizes.parquet"),
    "broker": ("mine:broker", "mine:broker"),
    "prices": ("files:prices.csv", "files:prices.csv"),
    "rates": ("files:rates.csv", "files:rates.csv"),
    "database_url": ("sqlite:///other.db", "sqlite:///other.db"),
    "account": ("second-1", "second-1"),
    "more_than": ("2.5%", Decimal("0.025")),
    "holdings_base": ("after", "after"),
    "known_within": ("7", 7),
    "filed_within": ("9", 9),
    "sizing": ("equal:20", "equal:20"),
    "notional": ("250.50", Decimal("250.50")),
    "exit_after": ("20", 20),
    "stop": ("15%", Decimal("0.15")),
    "exit_when": ("mine:tired", "mine:tired"),
    "entry": ("now", "now"),
    "venue": ("XETR", "XETR"),
    "max_order_value": ("2000", Decimal(2000)),
    "max_name_value": ("3000.5", Decimal("3000.5")),
    "max_cycle_orders": ("5", 5),
    "max_day_orders": ("6", 6),
    "max_day_value": ("7000", Decimal(7000)),
    "cash_reserve": ("0", Decimal(0)),
    "cooldown": ("0", 0),
    "max_drawdown": ("10%", Decimal("0.1")),
    "burst": ("9", 9),
    "halt_file": ("stop.txt", Path("stop.txt")),
    "cycle_at": ("08:15", "08:15"),
    "poll": ("edgar,mine", ("edgar", "mine")),
    "poll_every": ("90", 90),
    "notify": ("json://127.0.0.1:9", "json://127.0.0.1:9"),
    "log_format": ("json", "json"),
    "simulated_cash": ("5000", Decimal(5000)),
    "simulated_fee": ("0", Decimal(0)),
    "simulated_spread": ("0.2 %", Decimal("0.002")),
    "simulated_minimum": ("0", Decimal(0)),
    "lemon_markets_url": ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    "lemon_markets_data_url": ("https://sandbox-data.example/v1/", "https://sandbox-data.example/v1"),
    "lemon_markets_key": (CANARY, CANARY),
    "lemon_markets_data_key": (CANARY, CANARY),
    "lemon_markets_venue": ("allday", "allday"),
    "lemon_markets_minimum": ("25", Decimal(25)),
    "alpaca_url": ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
    "alpaca_key": (CANARY, CANARY),
    "alpaca_secret": (CANARY, CANARY),
    "broker_url": ("https://paper-api.example/v2/", "https://paper-api.example/v2"),
    "broker_key": (CANARY, CANARY),
    "openfigi_url": ("http://localhost:8080", "http://localhost:8080"),
    "openfigi_key": (CANARY, CANARY),
    "isin_file": ("isins.csv", Path("isins.csv")),
    "finviz_url": ("https://mirror.example", "https://mirror.example"),
    "finviz_views": ("quote.ashx?t=NWRB,insidertrading?tc=1", ("quote.ashx?t=NWRB", "insidertrading?tc=1")),
    "openinsider_url": ("http://mirror.example", "http://mirror.example"),
    "openinsider_views": ("NWRB,insider-purchases", ("NWRB", "insider-purchases")),
    "edgar_url": ("https://edgar.example", "https://edgar.example"),
    "edgar_forms": ("3, 4,5", ("3", "4", "5")),
    "edgar_lookback": ("5", 5),
    "archive": ("filings", Path("filings")),
    "securitiesdb_url": ("https://securities.example", "https://securities.example"),
    "securitiesdb_key": (CANARY, CANARY),
    "watchlist": ("NWRB,HLCN", ("NWRB", "HLCN")),
    "rest_url": ("https://api.example/filings", "https://api.example/filings"),
    "rest_key": (CANARY, CANARY),
    "rest_key_header": ("X-Key", "X-Key"),
    "rest_paging": ("offset", "offset"),
    "rest_fields": ("owner=insiderName", ("owner=insiderName",)),
    "rest_filters": ("country=US", ("country=US",)),
    "rest_overlap_days": ("3", 3),
    "ecb_url": ("https://rates.example", "https://rates.example"),
    "user_agent": ("Somebody (somebody@example.org)", "Somebody (somebody@example.org)"),
}


def env_name(setting: str) -> str:
    return f"BOT_{setting.upper()}"


def read(settings: Settings, name: str) -> Any:
    value = getattr(settings, name)
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def refusal(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> str:
    """The sentence with which this value is refused."""
    monkeypatch.setenv(name, text)
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_table_of_this_test_knows_every_setting() -> None:
    assert set(CHOSEN) == set(Settings.model_fields)


@pytest.mark.parametrize("name", CHOSEN)
def test_every_setting_is_read_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written, value = CHOSEN[name]
    assert read(Settings.load(), name) != value
    monkeypatch.setenv(env_name(name), written)
    assert read(Settings.load(), name) == value


@pytest.mark.parametrize("name", CHOSEN)
def test_every_setting_is_read_from_the_env_file(name: str) -> None:
    written, value = CHOSEN[name]
    Path(".env").write_text(f"{env_name(name)}={written}\n")
    assert read(Settings.load(), name) == value


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("BOT_ACCOUNT=from-file\nBOT_STRATEGY=from:file\n")
    monkeypatch.setenv("BOT_ACCOUNT", "from-environment")
    settings = Settings.load()
    assert (settings.account, settings.strategy) == ("from-environment", "from:file")


def test_the_file_of_another_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("BOT_ACCOUNT=from-file\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert Settings.load().account == "paper"


@pytest.mark.parametrize("name", CHOSEN)
def test_an_empty_value_is_the_default(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Settings.load()
    monkeypatch.setenv(env_name(name), "")
    assert Settings.load() == usual


@pytest.mark.parametrize("name", ["BOT_SOURCE", "bot_source", "Bot_Sorces"])
@pytest.mark.parametrize("place", ["environment", "file"])
def test_an_unknown_name_is_refused_with_a_suggestion(name: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if place == "environment":
        monkeypatch.setenv(name, CANARY)
    else:
        Path(".env").write_text(f"{name}={CANARY}\n")
    shown = name.upper() if os.name == "nt" and place == "environment" else name
    with pytest.raises(ConfigError, match=f"^{shown} is not a setting of insiderbot; did you mean BOT_SOURCES\\?$"):
        Settings.load()


def test_a_name_like_no_other_is_refused_with_a_way_to_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    words = refusal(monkeypatch, "BOT_ZZZZZZ", CANARY)
    assert words == "BOT_ZZZZZZ is not a setting of insiderbot; `insiderbot config show` lists every setting"


def test_a_known_name_counts_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("bot_account", "small")
    assert Settings.load().account == "small"


def test_other_programs_names_are_none_of_our_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOT_ARM", "1")
    monkeypatch.setenv("BOTTLE", "1")
    assert Settings.load().account == "paper"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BOT_ACCOUNT", "My Account"),
        ("BOT_ACCOUNT", "a" * 21),
        ("BOT_HOLDINGS_BASE", "during"),
        ("BOT_ENTRY", "yesterday"),
        ("BOT_VENUE", "NYSE stock"),
        ("BOT_FINVIZ_URL", "finviz.com"),
        ("BOT_FINVIZ_URL", "ftp://finviz.com"),
        ("BOT_OPENFIGI_URL", "http://api.openfigi.com"),
        ("BOT_USER_AGENT", "Müller ☃"),
        ("BOT_USER_AGENT", "two\nlines"),
        ("BOT_KNOWN_WITHIN", "0"),
        ("BOT_KNOWN_WITHIN", "2.5"),
        ("BOT_FILED_WITHIN", "251"),
        ("BOT_EDGAR_FORMS", "4/A"),
        ("BOT_EDGAR_LOOKBACK", "10001"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_setting_and_what_was_found(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = refusal(monkeypatch, name, text)
    assert words.startswith(f"{name}: ")
    assert words.endswith(f"(found {text!r})")


AMOUNTS = ["BOT_NOTIONAL", "BOT_MAX_ORDER_VALUE", "BOT_MAX_NAME_VALUE", "BOT_MAX_DAY_VALUE", "BOT_SIMULATED_CASH"]
COUNTS = ["BOT_MAX_CYCLE_ORDERS", "BOT_MAX_DAY_ORDERS", "BOT_BURST", "BOT_KNOWN_WITHIN", "BOT_FILED_WITHIN"]
NUMBERS = [*AMOUNTS, *COUNTS, "BOT_CASH_RESERVE", "BOT_COOLDOWN", "BOT_SIMULATED_FEE", "BOT_SIMULATED_MINIMUM"]
SHARES = ["BOT_MORE_THAN", "BOT_MAX_DRAWDOWN", "BOT_SIMULATED_SPREAD"]
NO_NUMBERS = ["nan", "inf", "-inf", "Infinity", "sNaN", "1e3", "1_000", "1,000", "１２", "٣", "0x10", "--1", ".", "one"]


@pytest.mark.parametrize("name", [*NUMBERS, *SHARES])
@pytest.mark.parametrize("text", [*NO_NUMBERS, "abc%", "%", "-1", "9" * 19, "9" * 400])
def test_what_is_no_sensible_number_is_refused(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch, name, text).startswith(f"{name}: ")


@pytest.mark.parametrize("name", NUMBERS)
def test_a_percentage_of_nothing_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "write a plain number" in refusal(monkeypatch, name, "5%")


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("text", ["1", "100%", "250 %"])
def test_a_share_is_less_than_the_whole(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "should be less than 1" in refusal(monkeypatch, name, text)


@pytest.mark.parametrize("name", AMOUNTS)
def test_money_to_trade_with_is_more_than_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "should be greater than 0" in refusal(monkeypatch, name, "0")


@given(st.decimals(min_value=0, max_value=Decimal("99.99"), places=2))
def test_one_percent_and_0_01_are_alike(percent: Decimal) -> None:
    by_percent = Settings.load(None, more_than=f"{percent}%").more_than
    assert by_percent == Settings.load(None, more_than=f"{percent / 100:f}").more_than == percent / 100


@given(st.text(max_size=12))
@example("1\n")
@example("１%")
def test_any_text_is_a_share_below_one_or_one_sentence(text: str) -> None:
    try:
        share = Settings.load(None, more_than=text).more_than
    except ConfigError:
        return  # in one sentence, as above
    assert 0 <= share < 1
    assert not text.strip() or text.isascii()


def test_an_env_file_that_is_no_text_is_refused() -> None:
    Path(".env").write_bytes(b"BOT_ACCOUNT=\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"^\.env cannot be read as UTF-8 text"):
        Settings.load()


# -- paper only


@pytest.mark.parametrize(
    "url",
    [
        "https://paper-trading.lemon.markets/v1",
        "https://paper-api.alpaca.markets",
        "https://PAPER-API.ALPACA.MARKETS/",
        "https://paper-api.alpaca.markets:443/v2",
        "https://paper.broker.example",
        "https://sandbox.broker.example",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:9000/v1",
    ],
)
def test_a_paper_host_or_this_machine_is_taken(url: str) -> None:
    assert TypeAdapter(PaperUrl).validate_python(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "https://trading.lemon.markets/v1",
        "https://api.alpaca.markets",
        "https://API.ALPACA.MARKETS",
        "https://api.alpaca.markets.",
        "https://api.alpaca.markets/paper",
        "https://api.alpaca.markets/paper-api.alpaca.markets",
        "https://api.alpaca.markets#paper-api.alpaca.markets",
        "https://api.alpaca.markets?paper=1",
        "https://api.paper.alpaca.markets",
        "https://live-paper.alpaca.markets",
        "https://not-paper.alpaca.markets",
        "https://paperless.broker.example",
        "https://paper_api.alpaca.markets",
        "https://paper",
        "https://paper-api.alpaca.markets@api.alpaca.markets",
        "https://api.alpaca.markets@paper-api.alpaca.markets",  # readers of URLs do not agree on the next two
        "https://api.alpaca.markets\\@paper-api.alpaca.markets",
        "https://paper-api.alpaca.markets\\.api.alpaca.markets",
        "https://api.alpaca.markets:443@paper-api.alpaca.markets",
        "https://paper-api.alpaca.markets:x",
        "https://раper-api.alpaca.markets",  # in Cyrillic
        "https://paper\u2024api.alpaca.markets",
        "https://paper-api.alpaca.markets\n",
        " https://paper-api.alpaca.markets",
        "http://paper-api.alpaca.markets",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1@api.alpaca.markets",
        "https://0x7f000001",
        "https://[::ffff:7f00:1]",
        "ftp://paper-api.alpaca.markets",
        "paper-api.alpaca.markets",
        "//paper-api.alpaca.markets",
        "https://",
        "https:///paper",
    ],
)
def test_what_could_be_a_live_host_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PaperUrl).validate_python(url)


def test_a_live_host_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    words = refusal(monkeypatch, "BOT_BROKER_URL", "https://api.broker.example")
    assert "api.broker.example is not a paper host" in words
    assert "real money is not supported" in words


@given(st.from_regex(r"https?://[a-z@:.\\/?#\[\]-]{0,30}", fullmatch=True))
def test_no_url_that_two_readers_could_read_differently_is_taken(url: str) -> None:
    from urllib.parse import urlsplit

    from urllib3.util import parse_url

    try:
        taken = TypeAdapter(PaperUrl).validate_python(url)
    except ValidationError:
        return
    host = urlsplit(taken).hostname
    assert host == parse_url(taken).host
    assert host in {"localhost", "127.0.0.1", "::1"} or str(host).startswith(("paper", "sandbox"))


# -- secrets


def test_no_secret_is_shown_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOT_BROKER_KEY", "BOT_OPENFIGI_KEY"):
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("BOT_DATABASE_URL", f"postgresql://me:{CANARY}@host/bot?password={CANARY}")
    settings = Settings.load()
    assert settings.openfigi_key is not None
    assert settings.openfigi_key.get_secret_value() == CANARY
    for shown in (repr(settings), str(settings), settings.model_dump_json(), str(settings.shown())):
        assert CANARY not in shown
    assert CANARY not in str(Settings.model_json_schema())


def test_a_database_url_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().shown()["BOT_DATABASE_URL"] == "sqlite:///insiderbot.db"
    monkeypatch.setenv("BOT_DATABASE_URL", f"postgresql://me:{CANARY}/{CANARY}@host/bot?sslkey={CANARY}")
    assert Settings.load().shown()["BOT_DATABASE_URL"] == "postgresql://********@host/bot?********"


@pytest.mark.parametrize("name", ["BOT_BROKER_URL", "BOT_FINVIZ_URL", "BOT_OPENFIGI_URL"])
@pytest.mark.parametrize("url", [f"https://me:{CANARY}@host.example", f"https://host.example/?token={CANARY}"])
def test_a_refused_url_is_told_without_its_secrets(name: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = refusal(monkeypatch, name, url)
    assert CANARY not in words
    assert "host.example" in words


# -- the example file


def test_the_example_file_is_what_the_settings_say() -> None:
    assert (Path(__file__).parents[1] / ".env.example").read_text(encoding="utf-8") == Settings.example()


def test_the_example_names_every_setting_once_and_sets_none() -> None:
    lines = Settings.example().splitlines()
    assert all(not line or line.startswith("# ") for line in lines)
    assert [line[2:].partition("=")[0] for line in lines if line.startswith("# BOT_")] == Settings.names()


def test_every_line_of_the_example_is_its_default_when_uncommented() -> None:
    usual = Settings.load()
    lines = [line.removeprefix("# ") for line in Settings.example().splitlines() if line.startswith("# BOT_")]
    Path(".env").write_text("\n".join(lines))
    assert Settings.load() == usual


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_settings_cannot_be_changed_later() -> None:
    with pytest.raises(ValidationError):
        Settings.load().account = "other"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "BOT_SIZING",
            "half",
            "write notional, quantity:10, equal:20, volatility:30% or your own module:function (found 'half')",
        ),
        (
            "BOT_SIZING",
            "equal:0",
            "write notional, quantity:10, equal:20, volatility:30% or your own module:function (found 'equal:0')",
        ),
        ("BOT_STOP", "0%", "greater than 0"),
        ("BOT_STOP", "100%", "less than 1"),
        ("BOT_STOP", "a lot", "write a plain number such as 0.01 or 1%"),
        ("BOT_EXIT_AFTER", "0", "greater than or equal to 1"),
        ("BOT_EXIT_AFTER", "1.5", "a valid integer"),
        ("BOT_EXIT_WHEN", "tired", "write your own module:function (found 'tired')"),
    ],
)
def test_a_sizing_or_an_exit_that_cannot_be_is_refused(
    name: str, text: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = refusal(monkeypatch, name, text)
    assert said.startswith(f"{name}: ")
    assert words in said


@pytest.mark.parametrize("name", ["BOT_EXIT_AFTER", "BOT_STOP", "BOT_EXIT_WHEN"])
def test_an_exit_left_empty_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "")
    assert getattr(Settings.load(), name.removeprefix("BOT_").lower()) is None
