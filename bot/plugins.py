"""From a name in the settings to a part: an entry point (`finviz`, `files:PATH`) or your own `module:factory`."""

import difflib
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

from bot.errors import ConfigError
from bot.http import Http
from bot.ports import Clock, Memory, PaperBook, Prices
from bot.settings import Settings

Kind = Literal["sources", "strategies", "brokers", "prices", "rates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a factory may build its part from; `argument` is what stood behind the name (`files:PATH` -> PATH)."""

    settings: Settings
    clock: Clock
    http: Http
    argument: str = ""
    prices: Prices | None = None
    book: PaperBook | None = None
    memory: Memory | None = None


Factory = Callable[[Kit], Any]


def find(kind: Kind, spec: str) -> tuple[Factory, str]:
    """The factory a setting names and the argument for it; ConfigError with a suggestion when there is none."""
    name, _, argument = spec.partition(":")
    known = {entry.name: entry for entry in entry_points(group=f"insiderbot.{kind}")}
    if name in known:
        return known[name].load(), argument
    if argument and all(part.isidentifier() for part in name.split(".")):
        return _imported(spec, name, argument), ""
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"choose from {', '.join(sorted(known))} or write module:factory"
    raise ConfigError(f"there is no {name!r} among the {kind}; {hint}")


def _imported(spec: str, module: str, attribute: str) -> Factory:
    here = str(Path.cwd())
    if here not in sys.path:  # a user's own file lies where they start the bot, like with `python -m`
        sys.path.insert(0, here)
    try:
        factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise ConfigError(f"{spec!r} cannot be loaded: {error}") from error
    if not callable(factory):
        raise ConfigError(f"{spec!r} is not a factory: write a function that takes a Kit and returns the part")
    return factory  # type: ignore[no-any-return]
