"""Local stand-ins of insider REST APIs: a filings API that is paged by number, offset or cursor, and SecuritiesDB.

Both are handlers: `with StandIn(FilingsApi(records)) as server` answers on loopback, and a test may call them directly.
"""

import base64
import json
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from bot.demo.market import Line
from bot.demo.serving import Query, Reply
from bot.model import NEW_YORK

Record = Mapping[str, Any]
"""A filing as the API tells it: strings, numbers and nulls by name."""

Failure = int | Literal["garbage", "short", "same_cursor", "empty_page", "status_500"]
"""A status; a web page in place of JSON; or 200 with a total that is one too high, the cursor that was asked for, an
empty page before the one asked for, or an own status that says 500."""

MOST_PER_PAGE: Final = 500
DAYS: Final = {"from_date": "1900-01-01", "to_date": "2999-12-31"}  # where a request names none
SORTS: Final = {"created_at": False, "-created_at": True}  # -> whether the newest comes first
FILTERS: Final = ("country", "issuer_id", "insider_id", "transaction_type")
PARAMETERS: Final = frozenset({"from_date", "to_date", "sort", *FILTERS})
PAGINGS: Final = {"cursor": ("cursor", "page_size"), "page": ("page", "page_size"), "offset": ("offset", "limit")}
WORDS: Final = {"Buy": "purchase", "Sale": "sale", "Option Exercise": "exercise"}
KINDS: Final = {"Buy": "Purchase", "Sale": "Sale", "Option Exercise": "Other"}
ACTIVITY: Final = re.compile(r"/api/v1/stocks/([^/]+)/insider-activity")
PAGE: Final = b"<!DOCTYPE html><html><body>Down for maintenance</body></html>"


class FilingsApi:
    """Filings under /filings, in pages and sorted by `created_at`, the newest first unless asked otherwise.

    With a `key`, requests must carry it in the `header`. `journal` has the query of every request.
    """

    def __init__(
        self,
        records: Iterable[Record] = (),
        *,
        paging: Literal["cursor", "page", "offset"] = "cursor",
        page_size: int = MOST_PER_PAGE,
        key: str | None = None,
        header: str = "Authorization",
    ) -> None:
        self.journal: list[Mapping[str, str]] = []
        self.records: dict[str, Record] = {}
        self.insert(*records)
        self._paging = paging
        self._page_size = page_size
        self._header = header.lower()
        self._key = f"Bearer {key}" if key and self._header == "authorization" else key
        self._failures: deque[Failure] = deque()
        self._coming: deque[Record] = deque()

    def insert(self, *records: Record) -> None:
        """Show these too; a record whose id is known replaces the other."""
        self.records |= {record["id"]: record for record in records}

    def insert_next(self, *records: Record) -> None:
        """Let one more of these arrive before each of the next requests."""
        self._coming.extend(records)

    def fail_next(self, *failures: Failure) -> None:
        """Let the next requests fail like this, one after the other."""
        self._failures.extend(failures)

    def __call__(self, method: str, path: str, query: Query, headers: Mapping[str, str], _: bytes) -> Reply:
        """The reply to one request."""
        if path != "/filings" or method != "GET":
            return _refused(404 if path != "/filings" else 405)
        self.journal.append(query)
        if self._key and headers.get(self._header) != self._key:
            return _refused(401)
        if self._coming:
            self.insert(self._coming.popleft())
        failure = self._failures.popleft() if self._failures else None
        if isinstance(failure, int):
            return _refused(failure)
        if failure == "garbage":
            return 200, {"Content-Type": "text/html"}, PAGE
        try:
            answer = self._page(query, failure)
        except ValueError:
            return _refused(422)
        if failure == "short":
            answer["total_count"] = answer.get("total_count", len(self._found(query))) + 1
        return _json(answer)

    def _page(self, query: Query, failure: Failure | None) -> dict[str, Any]:
        if not query.keys() <= {*PARAMETERS, *PAGINGS[self._paging]}:
            raise ValueError("an unknown parameter")
        if self._paging == "cursor":
            return self._by_cursor(query, failure)
        return self._by_number(query) if self._paging == "page" else self._by_offset(query)

    def _by_offset(self, query: Query) -> dict[str, Any]:
        found, size, offset = self._found(query), self._size(query), int(query.get("offset", "0"))
        return {"results": found[offset : offset + size], "offset": offset, "limit": size, "total_count": len(found)}

    def _by_number(self, query: Query) -> dict[str, Any]:
        found, size, page = self._found(query), self._size(query), int(query.get("page", "1"))
        return {
            "results": found[(page - 1) * size : page * size],
            "page": page,
            "page_size": size,
            "total_pages": -(-len(found) // size),
            "total_count": len(found),
        }

    def _by_cursor(self, query: Query, failure: Failure | None) -> dict[str, Any]:
        """The records behind the place that the cursor tells, wherever others have come in since."""
        found, size, cursor = self._found(query), self._size(query), query.get("cursor")
        if failure == "empty_page":
            return {"results": [], "next_cursor": _cursor("" if cursor is None else _place(cursor), empty=True)}
        if cursor:
            orders = [_order(record) for record in found]
            found = found[_following(orders, _place(cursor), newest_first=self._newest_first(query)) :]
        page = found[:size]
        following = _cursor(_order(page[-1])) if len(found) > size else None
        return {"results": page, "next_cursor": cursor if failure == "same_cursor" and cursor else following}

    def _found(self, query: Query) -> list[Record]:
        since, until = (date.fromisoformat(query.get(name, day)) for name, day in DAYS.items())
        found = [r for r in self.records.values() if since <= date.fromisoformat(r["filing_date"]) <= until]
        found = [r for r in found if all(r.get(name) == query[name] for name in FILTERS if name in query)]
        return sorted(found, key=_order, reverse=self._newest_first(query))

    def _newest_first(self, query: Query) -> bool:
        if query.get("sort", "-created_at") not in SORTS:
            raise ValueError("an unknown order")
        return SORTS[query.get("sort", "-created_at")]

    def _size(self, query: Query) -> int:
        asked = query.get(PAGINGS[self._paging][1], self._page_size)
        return max(1, min(int(asked), self._page_size))


class SecuritiesDbApi:
    """SecuritiesDB with the insiders of these lines; `journal` has the ticker of every request."""

    def __init__(self, lines: Sequence[Line] = (), *, key: str | None = None) -> None:
        self.journal: list[str] = []
        self.answers = {share.ticker: activity(lines, share.ticker) for line in lines for share in line.listed}
        self._key = key
        self._failures: deque[Failure] = deque()

    def fail_next(self, *failures: Failure) -> None:
        """Let the next requests fail like this, one after the other."""
        self._failures.extend(failures)

    def __call__(self, method: str, path: str, _: Query, headers: Mapping[str, str], __: bytes) -> Reply:
        """The reply to one request."""
        match = ACTIVITY.fullmatch(path)
        if not match or method != "GET":
            return _refused(405 if match else 404)
        self.journal.append(match[1])
        if self._key and headers.get("authorization") != f"Bearer {self._key}":
            return _refused(401)
        failure = self._failures.popleft() if self._failures else None
        if isinstance(failure, int):
            return _refused(failure)
        if failure == "garbage":
            return 200, {"Content-Type": "text/html"}, PAGE
        if match[1] not in self.answers:
            return _refused(404)
        return _json({"meta": _meta(500 if failure == "status_500" else 200), **self.answers[match[1]]})


def records(lines: Sequence[Line]) -> list[Record]:
    """The lines as such an API tells them, with numbers as strings, and a few that are told otherwise."""
    told = [_record(number, line) for number, line in enumerate(lines, 1) if line.transaction in WORDS and line.listed]
    return told + [{**odd, "id": f"odd_{number}"} for number, odd in enumerate(_odd(told[0]), 1)] if told else []


def activity(lines: Sequence[Line], ticker: str) -> dict[str, Any]:
    """What SecuritiesDB tells of a company: the ratio is null without a sale."""
    rows = [line for line in lines if line.transaction in KINDS and ticker in {share.ticker for share in line.listed}]
    bought, sold = (sum(line.value for line in rows if line.transaction == kind) for kind in ("Buy", "Sale"))
    insiders = {
        "count": len(rows),
        "net_buy_sell_ratio": round(float(bought / sold), 4) if sold else None,
        "total_buy_value": float(bought),
        "total_sell_value": float(sold),
        "recent": [_row(line) for line in rows],
    }
    flow = {"fund": "Cobalt Heron Partners LP", "action": "Increased", "shares_change": 12_000, "pct_change": 8.4}
    return {
        "data": {
            "ticker": ticker,
            "insider_transactions": insiders,
            "institutional_flow": [{**flow, "quarter": "2025Q4"}],
        }
    }


def _record(number: int, line: Line) -> dict[str, Any]:
    filed_at = line.filed_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return {
        "id": f"flg_{number:05}",
        "issuer_id": f"iss_{line.listed[0].ticker}",
        "issuer_name": line.listed[0].company,
        "ticker": line.listed[0].ticker,
        "country": "US",
        "insider_id": f"ins_{line.owner_cik}",
        "insider_name": line.owner,
        "insider_role": line.title,
        "transaction_date": str(line.traded_on),
        "filing_date": str(line.filed_at.astimezone(NEW_YORK).date()),
        "transaction_type": WORDS[line.transaction],
        "shares": str(line.shares),
        "price": str(line.price),
        "currency": "USD",
        "value": None if line.value == line.shares * line.price else str(line.value),
        "ownership_nature": "direct",
        "security_type": "common",
        "shares_after": line.shares_after,
        "created_at": filed_at,
        "updated_at": filed_at,
        "published_at": filed_at,
    }


def _odd(record: Record) -> list[Record]:
    """A row in euros and one of a grant that is called an acquisition, both with plain numbers."""
    euros = {"issuer_name": "Wattenmeer Schiffbau AG", "ticker": "WTM.DE", "country": "DE", "currency": "EUR"}
    return [
        {**record, **euros, "insider_name": "Brackwasser Jelto", "shares": 2500, "price": 31.5, "value": 78750.0},
        {**record, "insider_name": "Ferreira-Oake Ines", "transaction_type": "acquisition", "shares": 900, "price": 0},
    ]


def _row(line: Line) -> dict[str, Any]:
    return {
        "insider": line.owner,
        "type": KINDS[line.transaction],
        "date": str(line.traded_on),
        "shares": line.shares,
        "value": float(line.value),
    }


def _order(record: Record) -> str:
    return f"{record['created_at']}|{record['id']}"


def _following(orders: Sequence[str], place: str, *, newest_first: bool) -> int:
    """How many records come before what follows this place in their order."""
    return sum(order >= place if newest_first else order <= place for order in orders) if place else 0


def _cursor(place: str, *, empty: bool = False) -> str:
    """The place as an opaque text; of an empty page another one than of the page it comes before."""
    return base64.urlsafe_b64encode(f"{'e' * empty}>{place}".encode()).decode()


def _place(cursor: str) -> str:
    return base64.urlsafe_b64decode(cursor.encode()).decode().partition(">")[2]


def _meta(status: int) -> dict[str, Any]:
    made = datetime(2026, 3, 2, 23, 10, tzinfo=UTC).isoformat().replace("+00:00", "Z")
    return {"status": status, "timestamp_utc": made, "data_freshness_hours": 6.5}


def _refused(status: int) -> Reply:
    wait = {"Retry-After": "0"} if status == 429 else {}
    body = {"error": {"code": str(status), "message": f"refused with {status}"}}
    return status, {"Content-Type": "application/json", **wait}, json.dumps(body).encode()


def _json(content: Any) -> Reply:
    return 200, {"Content-Type": "application/json"}, json.dumps(content).encode()
