"""How Alpaca speaks (Trading API v2 at its paper host, market data v2): keys, errors, strict values.

Money and quantities are JSON strings in trading and JSON numbers in market data. What is not needed is not looked at,
so fields may come and go. Format: https://docs.alpaca.markets, "Trading API" and "Market Data API" as of 2026.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import SecretStr

from bot.errors import BrokerError, ConfigError, UnwelcomeError
from bot.http import Answer, Http, HttpError

Row = Mapping[str, Any]
"""One JSON object."""

LONGEST_TEXT: Final = 1000
LOWEST, HIGHEST = Decimal("0.0001"), Decimal(10**9)  # of a share's price
NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,18})?", re.ASCII)
INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d{0,3}(Z|[+-]\d\d:\d\d)", re.ASCII)
DECISIONS: Final = frozenset({400, 403, 404, 409, 422})  # the statuses of an error that the broker has thought about


class ApiError(BrokerError):
    """The broker's no, in its own form of an error: HTTP status and error code."""

    def __init__(self, sentence: str, *, status: int, code: int) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


class Api:
    """One paper account at `url` and market data at `data_url`, asked with one pair of keys."""

    def __init__(self, http: Http, url: str, data_url: str, key: SecretStr, secret: SecretStr) -> None:
        self._http = http
        self._url = url
        self._data_url = data_url
        self._headers = {
            "APCA-API-KEY-ID": _key(key, "BOT_ALPACA_KEY"),
            "APCA-API-SECRET-KEY": _key(secret, "BOT_ALPACA_SECRET"),
        }

    def get(self, path: str, **params: str) -> Any:
        """The answer to one GET in trading; ApiError when the broker says no, any other BrokerError for no answer."""
        return self._answer(lambda: self._http.get(self._url + path, params=params, headers=self._headers))

    def data(self, path: str, **params: str) -> Any:
        """The answer to one GET in market data."""
        return self._answer(lambda: self._http.get(self._data_url + path, params=params, headers=self._headers))

    def post(self, path: str, body: Row) -> Any:
        """The answer to one POST, which is never repeated.

        ApiError when the broker says no; any other BrokerError leaves open what became of the request.
        """
        return self._answer(lambda: self._http.post_json(self._url + path, body, headers=self._headers))

    def delete(self, path: str) -> None:
        """One DELETE, which is never repeated; errors as for POST."""
        self._answer(lambda: self._http.delete(self._url + path, headers=self._headers))

    def _answer(self, call: Callable[[], Answer]) -> Any:
        """The JSON of a success; None for a success that has nothing to say (204)."""
        try:
            answer = call()
            if answer.status // 100 == 2:
                return answer.json() if answer.status != 204 else None
        except HttpError as error:
            raise BrokerError(f"alpaca: {error}; try again later") from None
        raise self._error(answer)

    def _error(self, answer: Answer) -> BrokerError:
        code, message = _envelope(answer)
        if answer.status == 401 or (answer.status == 403 and code is None):
            reason = "alpaca refused the keys: check BOT_ALPACA_KEY and BOT_ALPACA_SECRET"
            return UnwelcomeError(reason, for_good=True)
        if answer.status == 429:
            return UnwelcomeError("alpaca is asked too often (429); try again later")
        if answer.status not in DECISIONS or code is None:
            kind = UnwelcomeError if answer.status // 100 == 3 else BrokerError
            return kind(f"alpaca answered with status {answer.status} where 200 was expected; try again later")
        for secret in self._headers.values():
            message = message.replace(secret, "***")
        return ApiError(f"alpaca says {code} ({printable(message)})", status=answer.status, code=code)


def one(content: Any) -> Row:
    """An answer that is one object."""
    if not isinstance(content, dict):
        raise unexpected("the answer", "an object", content)
    return content


def several(content: Any) -> list[Row]:
    """An answer that is a list of objects."""
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise unexpected("the answer", "a list of objects", content)
    return content


def text(row: Row, name: str) -> str:
    """A member that is text without control characters, as it is."""
    value = row.get(name)
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= LONGEST_TEXT:
        raise unexpected(name, "text", value)
    return value


def flag(row: Row, name: str) -> bool:
    """A member that is true or false."""
    value = row.get(name)
    if not isinstance(value, bool):
        raise unexpected(name, "true or false", value)
    return value


def amount(row: Row, name: str, *, least: Decimal | None = None) -> Decimal:
    """A member of trading that is a number written as text."""
    value = row.get(name)
    if isinstance(value, str) and NUMBER.fullmatch(value):
        number = Decimal(value)
        if least is None or number >= least:
            return number
    raise unexpected(name, "a number in quotes" + ("" if least is None else f" of {least} or more"), value)


def price(row: Row, name: str) -> Decimal:
    """A member of market data that is a price, or 0 where there is none."""
    value = row.get(name)
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and (value == 0 or LOWEST <= value <= HIGHEST):
        return Decimal(value)
    raise unexpected(name, "a price, or 0,", value)


def instant(row: Row, name: str) -> datetime:
    """A member that is an RFC 3339 instant; in UTC, to the microsecond."""
    value = row.get(name)
    try:
        if isinstance(value, str) and (match := INSTANT.fullmatch(value)):
            return datetime.fromisoformat(match[1] + (match[2] or "") + match[3]).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise unexpected(name, "an RFC 3339 instant", value)


def unexpected(name: str, expected: str, found: Any) -> BrokerError:
    """That a member is not what it should be."""
    return BrokerError(f"alpaca: {name}: {expected} was expected, found {repr(found)[:60]}")


def printable(words: str) -> str:
    """Foreign text on one line, without control characters and of bounded length."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())[:200]


def _key(secret: SecretStr, setting: str) -> str:
    key = secret.get_secret_value().strip()
    if not re.fullmatch(r"[!-~]+", key):
        raise ConfigError(f"{setting} holds a character that no key has: write it without spaces")
    return key


def _envelope(answer: Answer) -> tuple[int | None, str]:
    """Code and message of the broker's form of an error; no code when it is somebody else's."""
    try:
        content = answer.json()
    except HttpError:
        return None, ""
    code, message = (content.get("code"), content.get("message")) if isinstance(content, dict) else (None, None)
    is_own = type(code) is int and isinstance(message, str)
    return (code if is_own else None), (message if isinstance(message, str) else "")
