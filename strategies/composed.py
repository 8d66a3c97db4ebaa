"""Rules made of rules: any of them, all of them, or the contrary of one."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from bot.errors import ConfigError
from strategies.stack import Rule, features_of, passed
from strategies.words import Case, Sentence


def any_of(*rules: Rule, name: str | None = None) -> Rule:
    """What passes one of these rules, passes: the words are those of the first that lets it, else those of all."""
    return _joined(rules, name or "_or_".join(rule.name for rule in rules), decisive=True)


def all_of(*rules: Rule, name: str | None = None) -> Rule:
    """What passes all of these rules, passes: the words are those of the first that refuses, else those of all."""
    return _joined(rules, name or "_and_".join(rule.name for rule in rules), decisive=False)


def not_(rule: Rule, *, name: str | None = None) -> Rule:
    """What the rule refuses, passes, in the rule's own words; what is unknown to the rule is refused all the same."""
    inputs = [*rule.features, *rule.needs]

    def words(events: pd.DataFrame) -> Iterator[Case]:
        for condition, sentence in rule.cases(events):
            yield condition, _turned(sentence)

    return Rule(
        name=name or f"not_{rule.name}",
        passes=lambda events: events[inputs].notna().all(axis=1) & ~passed(rule, events),
        words=words,
        features=rule.features,
        needs=rule.needs,
        parts=(rule,),
    )


def _joined(rules: Sequence[Rule], name: str, *, decisive: bool) -> Rule:
    """One rule of several, of which the first to say so decides that a row passes, or that it does not."""
    if not rules:
        raise ConfigError("any_of and all_of need at least one rule")

    def passes(events: pd.DataFrame) -> "pd.Series[bool]":
        decided = np.logical_or.reduce([passed(rule, events) == decisive for rule in rules])
        return pd.Series(decided == decisive, index=events.index)

    def words(events: pd.DataFrame) -> Iterator[Case]:
        for rule in rules:
            decides = pd.Series(passed(rule, events) == decisive, index=events.index)
            yield from ((decides & condition, sentence) for condition, sentence in rule.cases(events))
            yield decides, ""
        yield True, tuple(rule.cases(events) for rule in rules)

    return Rule(
        name=name,
        passes=passes,
        words=words,
        features=features_of(rules),
        needs=tuple(dict.fromkeys(column for rule in rules for column in rule.needs)),
        parts=tuple(rules),
    )


def _turned(sentence: Sentence) -> Sentence:
    """The sentence about a threshold that is not to be met."""
    if not isinstance(sentence, str):
        return tuple([(condition, _turned(one)) for condition, one in cases] for cases in sentence)
    wanted, refused = "(asked for: ", "(not asked for: "
    return sentence.replace(refused, wanted) if refused in sentence else sentence.replace(wanted, refused)
