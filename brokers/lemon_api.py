"""How lemon.markets speaks (trading and market data API v1): key, proof of paper, errors, pages, strict values."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import SecretStr

from bot.errors import BrokerError, ConfigError, NotPaperError, UnwelcomeError
from bot.http import Answer, Http, HttpError

Row = Mapping[str, Any]
"""One JSON object."""

MAX_PAGES: Final = 100
LONGEST_TEXT: Final = 1000
MOST: Final = 10**15  # no whole number of this interface comes near it
INDEFINITE: Final = frozenset({401, 403, 408, 425, 429})  # said on the way to the broker's decision, or before it
KEY_REFUSED: Final = frozenset({"unauthorized", "token_invalid"})
GATEWAY: Final = KEY_REFUSED | {"rate_limit_exceeded"}  # said before the account is looked at
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


class ApiError(BrokerError):
    """An answer in the broker's own form of an error; `definite` is whether it stands for a decision of the broker."""

    def __init__(self, sentence: str, *, code: str, definite: bool) -> None:
        super().__init__(sentence)
        self.code = code
        self.definite = definite


class Api:
    """One base URL, asked with one key; with `paper`, every answer must prove that it is about paper trading.

    `settings` are the names of the two settings, for the sentences of errors.
    """

    def __init__(self, http: Http, url: str, key: SecretStr, *, settings: tuple[str, str], paper: bool) -> None:
        self._url_setting, self._key_setting = settings
        self._key = key.get_secret_value().strip()
        if not re.fullmatch(r"[!-~]+", self._key):
            raise ConfigError(f"{self._key_setting} holds a character that no key has: write it without spaces")
        self._http = http
        self._url = url
        self._headers = {"Authorization": f"Bearer {self._key}"}
        self._paper = paper

    def get(self, path: str) -> Row:
        """The answer to one GET."""
        return self._get(self._url + path)

    def post(self, path: str, body: Mapping[str, Any]) -> Row:
        """The answer to one POST, which is never repeated.

        ApiError when the broker says no; any other BrokerError leaves open what became of the request.
        """
        return self._answer(lambda: self._http.post_json(self._url + path, body, headers=self._headers))

    def delete(self, path: str) -> Row:
        """The answer to one DELETE, which is never repeated; errors as for `post`."""
        return self._answer(lambda: self._http.delete(self._url + path, headers=self._headers))

    def rows(self, path: str, identity: str, **params: str) -> Iterator[Row]:
        """Every object of a list, fetched page by page as it is asked for; `identity` is the member that names it.

        BrokerError when the pages do not add up to the promised total: what is missing there may exist.
        """
        url, total, seen = self._url + path, None, set[str]()
        for number in range(1, MAX_PAGES + 1):
            content = self._get(url, params if number == 1 else None)
            if whole(content, "page") != number or total not in {None, whole(content, "total")}:
                raise BrokerError(f"lemon_markets: the pages of {path} do not follow each other; try again later")
            total = content["total"]
            for row in _rows(content):
                if (name := text(row, identity)) in seen:
                    raise BrokerError(f"lemon_markets: {name} is twice on the pages of {path}; try again later")
                seen.add(name)
                yield row
            if content.get("next") is None:
                break
            url = self._same_origin(text(content, "next"))
        else:
            raise BrokerError(f"lemon_markets: there are more than {MAX_PAGES} pages of {path}; ask for less")
        if len(seen) != total:
            raise BrokerError(f"lemon_markets: {total} results of {path} were promised, {len(seen)} were found")

    def _get(self, url: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        return self._answer(lambda: self._http.get(url, params=params, headers=self._headers))

    def _answer(self, call: Callable[[], Answer]) -> dict[str, Any]:
        try:
            answer = call()
            content = _content(answer)
        except HttpError as error:
            raise BrokerError(f"lemon_markets: {error}; check {self._url_setting}, or try again later") from None
        self._prove_paper(answer.status, content)
        if answer.status // 100 == 2 and content.get("status", "ok") == "ok":
            return content
        raise self._error(answer.status, content)

    def _prove_paper(self, status: int, content: Row) -> None:
        """NotPaperError unless the broker's own words prove paper; a gateway's words before it have no mode."""
        code, mode = _code(content), content.get("mode")
        if code.startswith("pin_"):
            raise NotPaperError(f"lemon_markets asks for a PIN ({code}), as it does for real money only")
        is_gateway = not code or code in GATEWAY
        if self._paper and mode != "paper" and (mode is not None or status // 100 == 2 or not is_gateway):
            raise NotPaperError(f"lemon_markets answered with mode {shown(mode)} where 'paper' was expected")

    def _error(self, status: int, content: Row) -> BrokerError:
        code = _code(content)
        if code in KEY_REFUSED or (status in {401, 403} and not code):
            return UnwelcomeError(f"lemon_markets refused the key: check {self._key_setting}", for_good=True)
        if status == 429 or code == "rate_limit_exceeded":
            return UnwelcomeError(f"lemon_markets is asked too often ({status}); try again later")
        if not code:
            where = f"check {self._url_setting}, or try again later"
            kind = UnwelcomeError if status // 100 == 3 else BrokerError
            return kind(f"lemon_markets answered with status {status} where 200 was expected; {where}")
        message = printable(str(content.get("error_message") or "").replace(self._key, "***"))
        sentence = f"lemon_markets says {code}" + (f" ({message})" if message else "")
        return ApiError(sentence, code=code, definite=status < 500 and status not in INDEFINITE)

    def _same_origin(self, url: str) -> str:
        """The address of the next page, which must be where the first one was: the key goes nowhere else."""
        if not url.startswith("/".join(self._url.split("/")[:3]) + "/"):
            raise BrokerError(f"lemon_markets: the next page is not at {self._url_setting}, and is not followed")
        return url


def results(content: Row) -> Row:
    """The one object an envelope is about."""
    found = content.get("results")
    if not isinstance(found, dict):
        raise unexpected("results", "an object", found)
    return found


def text(row: Row, name: str) -> str:
    """A member that is text without control characters, as it is."""
    value = row.get(name)
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= LONGEST_TEXT:
        raise unexpected(name, "text", value)
    return value


def whole(row: Row, name: str, *, least: int = 0) -> int:
    """A member that is a whole number."""
    value = row.get(name)
    if type(value) is not int or not least <= value <= MOST:  # True is an int, too
        raise unexpected(name, f"a whole number from {least} to {MOST}", value)
    return value


def euros(row: Row, name: str, *, least: int = 0) -> Decimal:
    """A member that is money: the interface counts in 1/10000 EUR, and so does `least`."""
    return Decimal(whole(row, name, least=least)).scaleb(-4)


def instant(row: Row, name: str) -> datetime:
    """A member that is an ISO 8601 instant with its offset; in UTC."""
    value = row.get(name)
    try:
        if isinstance(value, str) and INSTANT.fullmatch(value):
            return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise unexpected(name, "an ISO 8601 instant", value)


def unexpected(name: str, expected: str, found: Any) -> BrokerError:
    """That a member is not what it should be."""
    return BrokerError(f"lemon_markets: {name}: {expected} was expected, found {shown(found)}")


def shown(value: Any) -> str:
    """A foreign value for a sentence."""
    return repr(value)[:60]


def printable(words: str) -> str:
    """Foreign text on one line, without control characters and of bounded length."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())[:200]


def _content(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer, HttpError when a success has none; a failure may have none."""
    try:
        content = answer.json()
    except HttpError:
        if answer.status // 100 == 2:
            raise
        return {}
    if answer.status // 100 == 2 and not isinstance(content, dict):
        raise HttpError(f"an object was expected, found {shown(content)}")
    return content if isinstance(content, dict) else {}


def _code(content: Row) -> str:
    code = content.get("error_code")
    return printable(code) if isinstance(code, str) else ""


def _rows(content: Row) -> list[Row]:
    found = content.get("results")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise unexpected("results", "a list of objects", found)
    return found
