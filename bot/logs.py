"""One line per thing that happened: words for people, or one JSON object for programs.

What happened is the message; its numbers and names travel beside it, as `extra={"facts": {...}}`.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, Literal

from bot.plain import plain
from bot.render import harmless

Form = Literal["text", "json"]
LONGEST: Final = 2000  # characters; foreign text is not to fill a disk


def to_stderr(level: int, form: Form = "text") -> None:
    """Log to stderr from this level on, and of libraries what is at least a warning."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLine() if form == "json" else _TextLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("insiderbot").setLevel(level)
    logging.captureWarnings(capture=True)
    for chatty in ("urllib3", "psycopg"):  # their warnings quote whole addresses
        logging.getLogger(chatty).setLevel(logging.ERROR)


class _TextLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = "".join(f" {name}={_quoted(value)}" for name, value in _facts(record).items())
        line = f"{_instant(record)} {record.levelname.lower():7} {record.getMessage()}{facts}"
        return harmless(line + _trace(self, record, " | "), LONGEST)


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told = {"at": _instant(record), "level": record.levelname.lower(), "logger": record.name}
        told["event"] = record.getMessage()[:LONGEST]
        trace = _trace(self, record, "")
        return json.dumps(_facts(record) | told | ({"trace": trace[-LONGEST:]} if trace else {}))


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts: dict[str, Any] = plain(getattr(record, "facts", {}))
    return facts


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else ",".join(value) if isinstance(value, list) else json.dumps(value)
    return text if text and not set(text) & set(" ='\"") else json.dumps(text, ensure_ascii=False)


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _trace(formatter: logging.Formatter, record: logging.LogRecord, before: str) -> str:
    return before + formatter.formatException(record.exc_info) if record.exc_info else ""
