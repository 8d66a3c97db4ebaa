"""By what a decision was made: the version of the bot, the strategy with its own code, and all settings."""

import ast
import hashlib
import json
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType
from typing import Final

BUILT_IN: Final = ("bot", "brokers", "strategies")
INSTALLED: Final = frozenset(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
SHORT: Final = 12  # digits of a hash that tell versions apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What is kept with every decision; `settings` are all of them, secrets masked."""

    insiderbot: str
    strategy: str
    settings: Mapping[str, str]

    @property
    def settings_id(self) -> str:
        """The hash that the settings are kept under."""
        return _hash(self.settings_text.encode())

    @property
    def settings_text(self) -> str:
        """The settings as they are kept."""
        return json.dumps(dict(self.settings), sort_keys=True)

    def row(self) -> dict[str, str]:
        """As a decision shows it."""
        return {"insiderbot": self.insiderbot, "strategy": self.strategy, "settings": self.settings_id}


def provenance(strategy: str, modules: Iterable[str], settings: Mapping[str, str]) -> Provenance:
    """What decides with these settings, by a strategy of this name that these modules make.

    One's own is told apart by a hash of their code and of whatever else of one's own they import.
    """
    own = _own_code(modules)
    if own:
        strategy = f"{strategy} {_hash(b''.join(own[name] for name in sorted(own)))}"
    return Provenance(insiderbot=version("insiderbot"), strategy=strategy, settings=settings)


def _own_code(modules: Iterable[str]) -> dict[str, bytes]:
    """The sources by module: of these unless they are ours, and of what they import unless that is installed."""
    waiting, found = [(name, True) for name in modules], dict[str, bytes]()
    while waiting:
        name, is_asked_for = waiting.pop()
        module = sys.modules.get(name)
        file = Path(getattr(module, "__file__", None) or "")
        if not module or name in found or name.partition(".")[0] in BUILT_IN or file.suffix != ".py":
            continue
        if is_asked_for or not any(file.is_relative_to(folder) for folder in INSTALLED):
            found[name] = _source(module)
            waiting += [(each, False) for each in _imported(found[name], module.__package__)]
    return found


@cache
def _source(module: ModuleType) -> bytes:
    """Of the module as it was loaded: who edits the file of a daemon has not changed how it decides."""
    return Path(module.__file__ or "").read_bytes()


def _imported(source: bytes, package: str | None) -> Iterator[str]:
    """The names of the modules that a module imports, and of what may be one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:SHORT]
