"""Every setting, typed and described; an unknown BOT_ name is an error with a suggestion."""

import difflib
import os
import re
from decimal import Decimal
from functools import partial
from pathlib import Path
from string import whitespace
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot import sizing
from bot.errors import ConfigError
from bot.live_hosts import refusal
from bot.own import SPEC

PREFIX: Final = "BOT_"
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
MASK: Final = "********"
NUMBER: Final = re.compile(r"([+-]?\d{1,20}(?:\.\d{1,20})?)( ?%)?", re.ASCII)
# Nothing that two readers of URLs could read differently: no user, no query, no backslash, ASCII only.
BASE_URL: Final = re.compile(r"(?i:https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?(/[\w.~/-]*)?", re.ASCII)


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _number(value: Any, *, percent: bool = False) -> Any:
    """A number in ASCII digits; with `percent`, `1%` and `0.01` are alike."""
    if not isinstance(value, str):
        return value
    match = NUMBER.fullmatch(value.strip(whitespace))
    if match is None or (match[2] and not percent):
        raise ValueError(f"write a plain number such as {'0.01 or 1%' if percent else '100'}")
    return Decimal(match[1]) / (100 if match[2] else 1)


def _base_url(url: str) -> str:
    if urlsplit(_any_url(url)).scheme == "http" and urlsplit(url).hostname not in LOOPBACK:
        raise ValueError("use https, or http on this machine only")
    return url.rstrip("/")


def paper_url(url: str) -> str:
    """The base URL of a broker when it cannot be a live one: this machine, or a host whose first word is paper."""
    host = urlsplit(_base_url(url)).hostname or ""
    if host in LOOPBACK or re.match(r"(paper|sandbox)[.-]", host):
        return url.rstrip("/")
    raise ValueError(f"{host} is not a paper host (paper… or sandbox…, or this machine); real money is not supported")


def _any_url(url: str) -> str:
    """A base URL that may also be plain http: for a site that had nothing else for most of its life."""
    if not BASE_URL.fullmatch(url):
        raise ValueError("write a base URL such as https://host, without user name and query")
    if reason := refusal(urlsplit(url).hostname):
        raise ValueError(reason)
    return url.rstrip("/")


def _time_of_day(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text, re.ASCII):
        raise ValueError("write a time of day such as 09:00")
    return text


def _own_function(text: str) -> str:
    if not SPEC.fullmatch(text):
        raise ValueError("write your own module:function")
    return text


SizingName = Annotated[str, AfterValidator(sizing.check)]
OwnFunction = Annotated[str, AfterValidator(_own_function)]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
Url = Annotated[str, AfterValidator(_base_url)]
PlainUrl = Annotated[str, AfterValidator(_any_url)]
PaperUrl = Annotated[str, AfterValidator(paper_url)]
Fraction = Annotated[Decimal, BeforeValidator(partial(_number, percent=True)), Field(ge=0, lt=1, allow_inf_nan=False)]
Stop = Annotated[Fraction, Field(gt=0)]
Money = Annotated[Decimal, BeforeValidator(_number), Field(gt=0, le=10**9, allow_inf_nan=False)]
Fee = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, le=10**6, allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_number), Field(ge=1, le=10_000)]
Days = Annotated[int, BeforeValidator(_number), Field(ge=1, le=250)]
Form = Literal["3", "4", "5"]
Seconds = Annotated[int, BeforeValidator(_number), Field(ge=1, le=86_400)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """Settings from the environment and `.env` (the environment wins), each under its name with BOT_ before it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=None, env_ignore_empty=True, extra="ignore", frozen=True
    )

    sources: Names = Field(
        (),
        description="Sources, by comma: edgar, edgar:TICKER, finviz, openinsider, files:PATH, rest, module:factory",
    )
    primary: str = Field(
        "",
        description="The source that must show an event before it is traded, or none; when empty, edgar if it is one",
    )
    strategy: str = Field(
        "executives",
        description="How to decide: executives, clusters, conviction, opportunistic, small_caps, or module:factory",
    )
    strategy_file: Path | None = Field(
        None, description="How to decide, as rules in a TOML file of your own; instead of a strategy"
    )
    broker: str = Field(
        "simulated", description="Who takes the orders: simulated, alpaca, lemon_markets, or your own module:factory"
    )
    prices: str = Field("", description="Quotes for the simulated broker: files:PATH (CSV), or your own module:factory")
    bars: str = Field(
        "",
        description="Daily bars for rules that need them: files:PATH (CSV or Parquet: date,symbol,close,volume)",
    )
    sizes: str = Field(
        "",
        description="Sizes of companies for rules that need them: files:PATH (CSV or Parquet: date,symbol,market_cap)",
    )
    rates: str = Field(
        "ecb",
        description="Exchange rates, asked only when currencies differ: ecb, files:PATH, or your own module:factory",
    )
    database_url: SecretStr = Field(
        SecretStr("sqlite:///insiderbot.db"),
        description="Where the bot remembers: sqlite:///FILE, or postgresql://user:password@host/name (%40 for an @)",
    )
    account: str = Field(
        "paper", pattern=r"^[a-z0-9-]{1,20}$", description="Name of the paper account; part of every order id"
    )

    more_than: Fraction = Field(
        Decimal("0.01"), description="executives, small_caps: the least share of the person's holdings, as 1% or 0.01"
    )
    holdings_base: Literal["before", "after"] = Field(
        "before",
        description="executives, small_caps: holdings before the trade, or after it as the first tutorial had it",
    )
    known_within: Days = Field(
        3, description="Every built-in strategy: sessions since the trade became public, at most"
    )
    filed_within: Days = Field(
        5, description="Every built-in strategy: business days between trade and filing, at most"
    )

    sizing: SizingName = Field(
        "notional",
        description="Size of a buy: notional, quantity:10 (shares), equal:20 (1/20 of the account), volatility:30%,"
        " or your own module:function",
    )
    notional: Money = Field(
        Decimal(1000), description="Size of a buy, in account currency; volatility scales it, quantity and equal do not"
    )
    exit_after: Days | None = Field(
        None, description="Exit: sessions after which a share is sold; when empty, only an officer's sale ends it"
    )
    stop: Stop | None = Field(
        None, description="Exit: sold when the bid is so far below the price paid, as 15% or 0.15; when empty, never"
    )
    exit_when: OwnFunction | None = Field(
        None, description="Exit: sold when your own module:function says so; when empty, never"
    )
    entry: Literal["next_open", "now"] = Field(
        "next_open",
        description="next_open: the first session that opens after the news; now: only while the venue is open",
    )
    venue: str = Field("XNYS", pattern=r"^[A-Z0-9]{4}$", description="Calendar of the venue, as ISO 10383 MIC")

    max_order_value: Money = Field(Decimal(10_000), description="Limit: the most a buy may be worth")
    max_name_value: Money = Field(
        Decimal(20_000), description="Limit: the most of one share, held and on order, or bought within 30 days"
    )
    max_cycle_orders: Count = Field(30, description="Limit: the most buys in one cycle")
    max_day_orders: Count = Field(50, description="Limit: the most buys for one session")
    max_day_value: Money = Field(Decimal(50_000), description="Limit: the most that the buys for one session are worth")
    cash_reserve: Fee = Field(Decimal(100), description="Limit: cash that stays, for prices that move before the fill")
    cooldown: Annotated[int, BeforeValidator(_number), Field(ge=0, le=250)] = Field(
        7, description="Limit: days in which a share that was sold at a loss is not bought again"
    )
    max_drawdown: Fraction = Field(
        Decimal("0.2"),
        description="The bot halts when the account falls this far below its highest worth, as 20% or 0.2",
    )
    burst: Count = Field(40, description="The bot halts, and places none, when there are more new orders in one cycle")
    halt_file: Path = Field(
        Path("HALT"), description="While this file is there, nothing is sent; its first line is why"
    )

    cycle_at: TimeOfDay = Field(
        "09:00",
        description="daemon: time of day of the cycle, on the venue's own clock; late enough for the morning's filings",
    )
    poll: Names = Field(
        ("edgar",), description="daemon: sources asked all day while the SEC accepts filings, by comma; the others once"
    )
    poll_every: Seconds = Field(60, description="daemon: seconds between two looks at the sources of BOT_POLL")
    notify: SecretStr | None = Field(
        None,
        description="Who is told of orders and halts: URLs of Apprise (pip extra: notify), by comma, as ntfy://topic",
    )
    log_format: Literal["text", "json"] = Field("text", description="How the log is written to stderr: text or json")

    simulated_cash: Money = Field(Decimal(100_000), description="Simulated account: cash at the start, in USD")
    simulated_fee: Fee = Field(Decimal(1), description="Simulated account: fee per order, in USD")
    simulated_spread: Fraction = Field(
        Decimal("0.001"), description="Simulated account: bid-ask spread, share of the price"
    )
    simulated_minimum: Fee = Field(Decimal(50), description="Simulated account: smallest order value, in USD")

    lemon_markets_url: PaperUrl | None = Field(
        None, description="lemon_markets: base URL of a stand-in or compatible server (the retail service is gone)"
    )
    lemon_markets_data_url: PaperUrl | None = Field(
        None, description="lemon_markets: base URL of its market data, where it is another one"
    )
    lemon_markets_key: SecretStr | None = Field(None, description="lemon_markets: key for paper trading")
    lemon_markets_data_key: SecretStr | None = Field(
        None, description="lemon_markets: key for market data, where it is another one"
    )
    lemon_markets_venue: Literal["xmun", "allday"] = Field(
        "xmun", description="lemon_markets: xmun (gettex, with its hours) or allday (a paper venue that never closes)"
    )
    lemon_markets_minimum: Fee = Field(Decimal(50), description="lemon_markets: smallest order value, in EUR")

    alpaca_url: PaperUrl = Field(
        "https://paper-api.alpaca.markets",
        description="alpaca: its paper host, or the base URL of a stand-in on this machine; nothing else",
    )
    alpaca_key: SecretStr | None = Field(None, description="alpaca: key id of your paper account")
    alpaca_secret: SecretStr | None = Field(None, description="alpaca: secret key of your paper account")

    broker_url: PaperUrl | None = Field(None, description="Base URL of your own broker: a paper host or this machine")
    broker_key: SecretStr | None = Field(None, description="Key of your own broker")

    openfigi_url: Url = Field("https://api.openfigi.com", description="Base URL of the mapping service")
    openfigi_key: SecretStr | None = Field(None, description="OpenFIGI key; free, ten times faster, not required")
    isin_file: Path | None = Field(
        None, description="Your own ISINs: a CSV with the columns symbol and isin (or cusip)"
    )
    finviz_url: Url = Field(
        "https://finviz.com", description="Base URL of FinViz; asked only when it is named in sources"
    )
    finviz_views: Names = Field(
        ("insidertrading?tc=7",), description="FinViz pages to read, by comma; a quote page is quote.ashx?t=AAPL"
    )
    openinsider_url: PlainUrl = Field(
        "https://openinsider.com", description="Base URL of OpenInsider; asked only when it is named in sources"
    )
    openinsider_views: Names = Field(
        ("latest-insider-trading",), description="OpenInsider pages to read, by comma; a company's page is its ticker"
    )
    edgar_url: Url = Field(
        "https://www.sec.gov", description="Base URL of SEC EDGAR; asked only when edgar is named in sources"
    )
    edgar_forms: Annotated[tuple[Form, ...], NoDecode, BeforeValidator(_listed), Field(min_length=1)] = Field(
        ("4",),
        description="edgar: forms to read, by comma, with their amendments: 4 (trades), 3 (holdings), 5 (once a year)",
    )
    edgar_lookback: Annotated[int, BeforeValidator(_number), Field(ge=1, le=10_000)] = Field(
        7, description="edgar: calendar days of filings that a cycle looks at; must cover known_within"
    )
    archive: Path = Field(
        Path("insiderbot-archive"), description="Folder that keeps every filing as it came, and what is known of EDGAR"
    )
    securitiesdb_url: Url = Field(
        "https://securitiesdb.com",
        description="Base URL of SecuritiesDB; asked by scan, or when it is named in sources",
    )
    securitiesdb_key: SecretStr | None = Field(None, description="SecuritiesDB key, where there is one; not required")
    watchlist: Names = Field(
        (), description="Tickers for securitiesdb and scan, by comma; @FILE reads them from a file, one a line"
    )
    rest_url: Url | None = Field(
        None, description="rest: address of a filings API's list, such as https://api.example.com/filings"
    )
    rest_key: SecretStr | None = Field(None, description="rest: its key or token")
    rest_key_header: str = Field(
        "Authorization",
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$",
        description="rest: the header of the key; Authorization sends it as a Bearer token, any other one as it is",
    )
    rest_paging: Literal["cursor", "page", "offset"] = Field(
        "cursor",
        description="rest: how its list is paged: cursor (next_cursor), page (page, page_size), offset (offset, limit)",
    )
    rest_fields: Names = Field(
        (), description="rest: its words where they are not ours, by comma: owner=insiderName; nothing after = for none"
    )
    rest_filters: Names = Field(
        ("sort=created_at",), description="rest: parameters sent with every request, by comma, such as country=US"
    )
    rest_overlap_days: Days = Field(
        10, description="rest: days before the newest filing known that are asked for again, for what comes late"
    )
    ecb_url: Url = Field("https://www.ecb.europa.eu", description="Base URL of the ECB's daily reference rates")
    user_agent: str = Field(
        "Mozilla/5.0 (compatible; insiderbot/0.1)",
        pattern=r"^[ -~]{3,200}$",
        description="How the bot introduces itself to web sites",
    )

    @classmethod
    def load(cls, env_file: Path | None = Path(".env"), **overrides: Any) -> Self:
        """The settings in force; ConfigError in one sentence when a name is unknown or a value is wrong."""
        for name in sorted({*os.environ, *_names_in(env_file)}):
            if name.upper().startswith(PREFIX) and name.upper() not in cls.names():
                raise ConfigError(_unknown(name, cls.names()))
        try:
            return cls(_env_file=env_file, **overrides)  # type: ignore[call-arg]
        except ValidationError as error:
            raise ConfigError(cls._sentence(error)) from None

    @classmethod
    def of(cls, **values: Any) -> Self:
        """These settings and the defaults of all others; neither the environment nor `.env` is read."""
        return cls(_env_file=None, **{name: field.default for name, field in cls.model_fields.items()} | values)  # type: ignore[call-arg]

    @classmethod
    def names(cls) -> list[str]:
        """Every setting's name as the environment has it."""
        return [PREFIX + name.upper() for name in cls.model_fields]

    @classmethod
    def example(cls) -> str:
        """The text of `.env.example`: every setting with its description and default, all commented out."""
        lines = ["# Settings of insiderbot. Copy to .env and uncomment what you change; the environment wins.", ""]
        for name, field in cls.model_fields.items():
            lines += [f"# {field.description}", f"# {PREFIX}{name.upper()}={_as_text(field.default)}", ""]
        return "\n".join(lines).rstrip() + "\n"

    def shown(self) -> dict[str, str]:
        """Every setting's value as text under its BOT_ name, secrets masked."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        values["database_url"] = _without_secrets(self.database_url.get_secret_value())
        return {PREFIX + name.upper(): _as_text(value, masked=True) for name, value in values.items()}

    @classmethod
    def _sentence(cls, error: ValidationError) -> str:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        secret = "Secret" in str(cls.model_fields[name].annotation)
        found = "" if secret else f" (found {_without_secrets(str(first['input']))!r})"
        message = re.sub("^(Input|String) ", "the value ", first["msg"].removeprefix("Value error, "))
        if first["type"] == "string_pattern_mismatch":  # what it is tells more than a pattern
            message = f"this does not fit: {cls.model_fields[name].description}"
        return f"{PREFIX}{name.upper()}: {message}{found}"


def _names_in(env_file: Path | None) -> set[str]:
    try:
        return set(dotenv_values(env_file)) if env_file else set()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{env_file} cannot be read as UTF-8 text ({type(error).__name__})") from None


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]}?" if close else "`insiderbot config show` lists every setting"
    return f"{name} is not a setting of insiderbot; {hint}"


def _without_secrets(url: str) -> str:
    """A URL without the places that hold passwords: the user before the host, and the query."""
    return re.sub(r"//.*@", f"//{MASK}@", re.sub(r"\?.*", f"?{MASK}", url))


def _as_text(value: Any, *, masked: bool = False) -> str:
    if isinstance(value, SecretStr):
        return MASK if masked and value.get_secret_value() else value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(value)
    return "" if value is None else str(value)
