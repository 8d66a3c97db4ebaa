"""By what a decision was made: the version of the bot, the strategy with its own code, and all settings."""

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

BUILT_IN: Final = ("bot", "brokers", "strategies")
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


def provenance(strategy: str, factory: Callable[..., Any], settings: Mapping[str, str]) -> Provenance:
    """What decides with these settings, by a strategy of this name from this factory.

    A strategy of one's own is told apart by the hash of the file that its factory stands in.
    """
    if factory.__module__.partition(".")[0] not in BUILT_IN and (file := inspect.getsourcefile(factory)):
        strategy = f"{strategy} {_hash(Path(file).read_bytes())}"
    return Provenance(insiderbot=version("insiderbot"), strategy=strategy, settings=settings)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:SHORT]
