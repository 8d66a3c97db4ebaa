"""What a request asks for: the order in a body, the filters in a query; RefusalError for what is wrong."""

import json
import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from bot.demo.alpaca.book import RefusalError, Ticket
from bot.demo.serving import Query

QUANTITY: Final = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
WHOLE: Final = re.compile(r"\d{1,6}", re.ASCII)
LONGEST_ID: Final = 128


def ticket(body: bytes) -> Ticket:
    """The order a POST asks for; what is not needed is not looked at."""
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise RefusalError(400, 40010000, "the body is no JSON object")
    if fields.get("qty") is not None and fields.get("notional") is not None:
        raise RefusalError(400, 40010000, "only one of qty or notional is accepted")
    _one_of(fields, "type", {"market"})
    _one_of(fields, "time_in_force", {"day"})
    return Ticket(
        symbol=_text(fields, "symbol"),
        side=_one_of(fields, "side", {"buy", "sell"}),
        quantity=_quantity(fields.get("qty")),
        client_order_id=_text({"client_order_id": str(uuid4()), **fields}, "client_order_id"),
    )


def chosen(query: Query, name: str, allowed: Collection[str], default: str) -> str:
    """A parameter that has only so many values."""
    found = query.get(name, default)
    if found not in allowed:
        raise _invalid(f"{name} is one of {', '.join(sorted(allowed))}, not {found!r}")
    return found


def limit(query: Query, default: int, most: int) -> int:
    """How many objects are wanted."""
    found = query.get("limit", str(default))
    if not WHOLE.fullmatch(found) or not 1 <= int(found) <= most:
        raise _invalid(f"limit is a whole number from 1 to {most}, not {found!r}")
    return int(found)


def instant(query: Query, name: str) -> datetime | None:
    """An instant with its zone; None when it is not given."""
    found = query.get(name)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not found.isascii():
        raise _invalid(f"{name} is an instant with its zone, not {found!r}")
    return at


def day(query: Query, name: str, default: date) -> date:
    """A day."""
    found = query.get(name, default.isoformat())
    try:
        return date.fromisoformat(found)
    except ValueError:
        raise _invalid(f"{name} is a day, not {found!r}") from None


def _quantity(value: Any) -> Decimal:
    written = str(value) if type(value) in {int, float} else value
    if not isinstance(written, str) or not QUANTITY.fullmatch(written) or not Decimal(written):
        raise _invalid(f"qty is a number above 0 with up to nine decimals, not {value!r}")
    return Decimal(written)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
        raise _invalid(f"{name} is a text of up to {LONGEST_ID} characters, not {value!r}")
    return value


def _one_of(fields: Mapping[str, Any], name: str, allowed: Collection[str]) -> str:
    value = _text(fields, name)
    if value not in allowed:
        raise _invalid(f"this stand-in takes {name} {', '.join(sorted(allowed))}, not {value!r}")
    return value


def _invalid(message: str) -> RefusalError:
    return RefusalError(422, 42210000, message)
