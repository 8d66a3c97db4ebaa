"""What a request asks for: the order in a body, the filters and pages in a query; RefusalError for what is wrong."""

import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from bot.demo.lemon.book import BERLIN, RefusalError, Ticket
from bot.demo.serving import Query

FIELDS: Final = {"isin", "side", "quantity", "venue", "expires_at", "limit_price", "stop_price", "notes", "idempotency"}
NUMBERS: Final = {"quantity", "expires_at", "limit_price", "stop_price"}
FURTHEST: Final = 30  # days ahead an order may last
MOST_PER_PAGE: Final = 250
PERIOD: Final = re.compile(r"P?(\d{1,3})D", re.ASCII | re.IGNORECASE)
DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
WHOLE: Final = re.compile(r"\d{1,9}", re.ASCII)


def ticket(body: bytes, content_type: str, today: date) -> Ticket:
    """The order a POST asks for, in JSON or as a form; `today` is the German day."""
    fields = _fields(body, content_type)
    if unknown := set(fields) - FIELDS:
        raise _invalid(f"there is no field {min(unknown)!r}")
    if "limit_price" in fields or "stop_price" in fields:
        raise _invalid("this stand-in takes market orders only: no limit_price, no stop_price")
    quantity = fields.get("quantity")
    if type(quantity) is not int or quantity < 1:
        raise _invalid(f"quantity is a whole number from 1, not {quantity!r}")
    return Ticket(
        isin=_text(fields, "isin"),
        side=_one_of(fields, "side", {"buy", "sell"}),
        quantity=quantity,
        venue=_one_of({"venue": "xmun", **fields}, "venue", {"xmun", "allday"}),
        expires_on=_expiry(fields.get("expires_at", 0), today),
        notes=_text(fields, "notes") if "notes" in fields else None,
        idempotency=_text(fields, "idempotency") if "idempotency" in fields else None,
    )


def json_object(body: bytes) -> dict[str, Any]:
    """A body that is a JSON object, or nothing."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _invalid("the body is no JSON object")
    return found


def only(query: Query, *names: str) -> None:
    """Refuse every other name in the query."""
    if unknown := set(query) - set(names):
        raise _invalid(f"there is no parameter {min(unknown)!r}")


def flag(query: Query, name: str) -> bool | None:
    """A boolean in any case; None when it is not given."""
    text = query.get(name, "").lower()
    if text not in {"", "true", "false"}:
        raise _invalid(f"{name} is true or false, not {query[name]!r}")
    return text == "true" if text else None


def instant(query: Query, name: str) -> datetime | None:
    """A day (its beginning in Germany, in UTC) or an ISO 8601 instant with its zone; None when it is not given."""
    text = query.get(name)
    if text is None:
        return None
    try:
        if DAY.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), time(), BERLIN).astimezone(UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        at = None
    if at is None or at.tzinfo is None or not text.isascii():
        raise _invalid(f"{name} is a day or an instant with its zone, not {text!r}")
    return at


def page(query: Query, default: int) -> tuple[int, int]:
    """How many items a page has, and which page is asked for, from 1."""
    limit, number = _positive(query, "limit", default), _positive(query, "page", 1)
    if limit > MOST_PER_PAGE:
        raise _invalid(f"limit is at most {MOST_PER_PAGE}")
    return limit, number


def isins(query: Query) -> list[str]:
    """The ISINs of the query, ten at most."""
    found = query.every("isin")
    if len(found) > 10:
        raise _invalid("isin has more than 10 values")
    return found


def chosen(query: Query, name: str, allowed: Collection[str]) -> list[str]:
    """All values of a parameter that has only so many; none when it is not given."""
    found = query.every(name)
    if wrong := [value for value in found if value not in allowed]:
        raise _invalid(f"{name} is one of {', '.join(sorted(allowed))}, not {wrong[0]!r}")
    return found


def _fields(body: bytes, content_type: str) -> dict[str, Any]:
    """The fields that have a value; a form's numbers are written in digits."""
    if content_type.startswith("application/x-www-form-urlencoded"):
        pairs = parse_qsl(body.decode("utf-8", "replace"))
        return {name: int(text) if name in NUMBERS and WHOLE.fullmatch(text) else text for name, text in pairs}
    return {name: value for name, value in json_object(body).items() if value is not None}


def _expiry(value: object, today: date) -> date:
    """The last day of an order: a day, a period such as P7D or 7D, or a number of days."""
    if type(value) is int:
        value = f"{value}D"
    try:
        if isinstance(value, str) and DAY.fullmatch(value):
            last = date.fromisoformat(value)
        elif isinstance(value, str) and (period := PERIOD.fullmatch(value)):
            last = today + timedelta(days=int(period[1]))
        else:
            last = None
    except ValueError:
        last = None
    if last is None or last > today + timedelta(days=FURTHEST):
        message = f"expires_at is a day or a period, at most {FURTHEST} days ahead, not {value!r}"
        raise RefusalError("order_expiration_date_invalid", message)
    return last


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _invalid(f"{name} is a text, not {value!r}")
    return value


def _one_of(fields: Mapping[str, Any], name: str, allowed: Collection[str]) -> str:
    value = _text(fields, name)
    if value not in allowed:
        raise _invalid(f"{name} is one of {', '.join(sorted(allowed))}, not {value!r}")
    return value


def _positive(query: Query, name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not WHOLE.fullmatch(text) or int(text) == 0:
        raise _invalid(f"{name} is a whole number from 1, not {text!r}")
    return int(text)


def _invalid(message: str) -> RefusalError:
    return RefusalError("invalid_query", message)
