"""How it is decided: the strategy, how large a buy is and when it ends, as a strategy file or the settings say."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bot import sizing
from bot.book import Policy
from bot.errors import ConfigError
from bot.exits import Exits, OwnExit
from bot.plugins import Kit, Table, find, named
from bot.ports import Strategy
from bot.provenance import Provenance, provenance
from bot.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from bot.strategy_file import StrategyFile


@dataclass(frozen=True)
class Decider:
    """What the settings of a kit say of deciding; each part is read when it is first asked for."""

    kit: Kit

    @cached_property
    def strategy(self) -> tuple[str, Strategy]:
        """How to decide, and its name, which is part of every decision's identity."""
        return (self._file.name, self._file.strategy) if self._file else self.strategy_of("", {})

    def strategy_of(self, spec: str, figures: "Mapping[Table, pd.DataFrame]") -> tuple[str, Strategy]:
        """How to decide and its name: by a name or `module:factory`, or without one as the settings say.

        These tables of daily figures, if any, are used instead of those of the settings.
        """
        if not spec and (file := self._read(figures)):
            return file.name, file.strategy
        from strategies.rules import Stack

        spec = spec or self.kit.settings.strategy
        if isinstance(find("strategies", spec)[0], Stack):
            raise ConfigError(f"{spec!r} is a strategy itself: write a function that takes a Kit and returns it")
        strategy: Strategy = self.kit.part("strategies", spec, figures=figures)
        if not callable(strategy):
            raise ConfigError(f"{spec!r} returns no strategy (found {type(strategy).__name__}): return follow(...)")
        return spec, strategy

    @property
    def policy(self) -> Policy:
        """How large a buy is and when it ends."""
        settings = self._in_force
        after, stop = (name if name in self._said else f"BOT_{name.upper()}" for name in ("exit_after", "stop"))
        when = settings.exit_when
        with self._told("exit_when"):
            own = OwnExit(when, named("exits", when, "function")[0]) if when else None
        with self._told("sizing"):
            sized = sizing.named(settings.sizing, lambda spec: named("sizings", spec, "function")[0])
        return Policy(
            account=settings.account,
            strategy=self.strategy[0],
            notional=settings.notional,
            entry=settings.entry,
            sizing=sized,
            exits=Exits(after=settings.exit_after, stop=settings.stop, own=own, said_as=(after, stop)),
        )

    @property
    def provenance(self) -> Provenance:
        """What every decision is kept with; a strategy file is kept word for word."""
        shown, policy = self._in_force.shown(), self.policy
        own = [part for part in (policy.sizing, policy.exits.own) if isinstance(part, sizing.OwnSizing | OwnExit)]
        modules = {part.spec.partition(":")[0] for part in own}
        if self._file:
            told = shown | {"BOT_STRATEGY": "", "strategy file": self._file.text}
            return provenance(self._file.name, modules | self._file.modules, told)
        spec = self.kit.settings.strategy
        modules |= {spec.partition(":")[0], find("strategies", spec)[0].__module__}
        return provenance(spec, modules, shown)

    @cached_property
    def _file(self) -> "StrategyFile | None":
        return self._read({})

    def _read(self, figures: "Mapping[Table, pd.DataFrame]") -> "StrategyFile | None":
        settings = self.kit.settings
        if settings.strategy_file is None:
            return None
        if settings.strategy != Settings.model_fields["strategy"].default:
            raise ConfigError("BOT_STRATEGY and BOT_STRATEGY_FILE both say how to decide: leave one of them empty")
        from bot.strategy_file import read

        return read(settings.strategy_file, replace(self.kit, figures=figures))

    @property
    def _said(self) -> Mapping[str, Any]:
        """The settings that the strategy file says, by their names."""
        return self._file.trading if self._file else {}

    @property
    def _in_force(self) -> Settings:
        """The settings, with what a strategy file says in place of them."""
        return self.kit.settings.model_copy(update=dict(self._said))

    @contextmanager
    def _told(self, setting: str) -> Iterator[None]:
        """Whatever is wrong with what this setting names is told with the place that names it."""
        file = self.kit.settings.strategy_file
        place = f"{file}: {setting}" if setting in self._said else f"BOT_{setting.upper()}"
        try:
            yield
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}") from error
