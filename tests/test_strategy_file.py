"""Strategy files: the same as code, refused with their place, and a schema that tells of every rule."""

import json
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.history import made_up
from bot.errors import ConfigError
from bot.http import Http
from bot.plain import plain
from bot.plugins import Kit, installed, named
from bot.settings import Settings
from bot.strategy_file import StrategyFile, form, read, schema
from strategies.company_rules import among_best, clustered, convinced
from strategies.composed import all_of, any_of, not_
from strategies.market_rules import smaller_than
from strategies.person_rules import first_buy, largest, opportunistic, senior
from strategies.rules import (
    Rule,
    bought_only,
    filed_within,
    follow,
    known_within,
    more_than,
    not_planned,
    officers_only,
    on_time,
    open_market,
    sold_only,
    worth,
)
from tests.builders import FEW, NOW, events, trade

MADE: dict[str, Callable[..., Rule]] = {
    "more_than": more_than,
    "worth": worth,
    "known_within": known_within,
    "filed_within": filed_within,
    "on_time": on_time,
    "clustered": clustered,
    "convinced": convinced,
    "among_best": among_best,
    "senior": senior,
    "first_buy": first_buy,
    "opportunistic": opportunistic,
}
PLAIN = {rule.name: rule for rule in (open_market, bought_only, sold_only, officers_only, not_planned, largest)}
SEVERAL = {"any_of": any_of, "all_of": all_of}


class Said(NamedTuple):
    """A rule as a file writes it, and as code does."""

    toml: str
    rule: Rule


def said(name: str, **parameters: Any) -> Said:
    written = "".join(f", {key} = {json.dumps(value)}" for key, value in parameters.items())
    return Said(f'{{rule = "{name}"{written}}}', PLAIN[name] if name in PLAIN else MADE[name](**parameters))


def together(kind: str, parts: list[Said]) -> Said:
    return Said(f"{{{kind} = [{', '.join(part.toml for part in parts)}]}}", SEVERAL[kind](*(p.rule for p in parts)))


def contrary(part: Said) -> Said:
    return Said(f"{{not = {part.toml}}}", not_(part.rule))


COUNTS = st.integers(1, 40)
LEAVES = st.one_of(
    st.sampled_from(sorted(PLAIN)).map(said),
    st.builds(said, st.just("more_than"), share=st.sampled_from(["1%", "12.5 %", 0.3, 1]), base=st.just("before")),
    st.builds(said, st.just("worth"), least=st.sampled_from([50_000, 0.5])),
    st.builds(said, st.just("known_within"), sessions=COUNTS, venue=st.just("XETR")),
    st.builds(said, st.sampled_from(["filed_within"]), days=COUNTS),
    st.builds(said, st.just("on_time"), deadline=COUNTS),
    st.builds(said, st.just("clustered"), owners=st.integers(1, 3), days=COUNTS, officers=st.booleans()),
    st.builds(said, st.just("convinced"), score=st.floats(8, 20)),
    st.builds(said, st.just("among_best"), places=COUNTS),
    st.builds(said, st.just("senior"), weight=st.floats(0, 1)),
    st.builds(said, st.just("first_buy"), years=st.sampled_from([1, 2.5])),
    st.builds(said, st.just("opportunistic"), unclassified=st.booleans()),
)
RULES = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.builds(together, st.sampled_from(sorted(SEVERAL)), st.lists(parts, min_size=1, max_size=3)),
        parts.map(contrary),
    ),
    max_leaves=4,
)


@cache
def history() -> pd.DataFrame:
    return made_up(seed=2, rows=80, years=2)


def kit(**settings: Any) -> Kit:
    return Kit(settings=Settings.of(**settings), clock=lambda: NOW, http=Http("tests"))


def written(text: str, **settings: Any) -> StrategyFile:
    """What a file of this text says; it is called my.toml."""
    Path("my.toml").write_text(text, encoding="utf-8")
    return read(Path("my.toml"), kit(**settings))


def with_rules(*rules: str, **settings: Any) -> StrategyFile:
    return written(f'name = "mine"\nrules = [{", ".join(rules)}]\n', **settings)


@FEW
@given(st.lists(RULES, min_size=1, max_size=3))
def test_a_file_and_the_code_are_the_same_strategy(rules):
    try:
        code = follow(*(one.rule for one in rules))
    except ConfigError as error:  # two features of one name: so says the file
        with pytest.raises(ConfigError, match=str(error)):
            with_rules(*(one.toml for one in rules))
        return
    file = with_rules(*(one.toml for one in rules)).strategy
    pd.testing.assert_frame_equal(file(history(), None), code(history(), None))
    pd.testing.assert_frame_equal(file(history(), NOW), code(history(), NOW))


def test_a_file_reads_as_it_is_shown():
    found = written(
        """
        name = "clusters_of_executives"
        [[rules]]
        rule = "open_market"
        [[rules]]
        rule = "more_than"
        share = "1%"
        [[rules]]
        name = "together"
        any_of = [{rule = "clustered", owners = 3, days = 30}, {rule = "convinced", score = 18}]
        """
    )
    assert found.name == "clusters_of_executives"
    assert [rule.name for rule in found.strategy.rules] == ["open_market", "more_than", "together"]


def test_what_a_file_leaves_out_the_settings_say():
    Path("sizes.csv").write_text("date,symbol,market_cap\n2026-02-27,NWRB,2e9\n")
    rule = '{rule = "smaller_than", capital = 3e9}'
    small = with_rules(rule, f"{{not = {rule}}}", sizes="files:sizes.csv").strategy
    sizes = pd.DataFrame({"symbol": ["NWRB"], "date": pd.to_datetime(["2026-02-27"]), "market_cap": [2e9]})
    judged = small(events(trade()), NOW)
    assert judged["rule"].tolist() == ["not_smaller_than"]  # and both see the same table: one feature
    assert (
        judged["market_cap"].tolist() == follow(smaller_than(3e9, sizes=sizes))(events(trade()))["market_cap"].tolist()
    )


def test_what_a_rule_of_ones_own_is_asked_is_told_whatever_its_type(monkeypatch):
    monkeypatch.syspath_prepend(Path.cwd())
    Path("own_clock.py").write_text(
        "import datetime\nfrom strategies.rules import Rule\n"
        "def by(at: datetime.time) -> Rule:\n"
        "    return Rule(name='by', passes=lambda events: events['price'] > 0, words='{price:.2}')\n"
    )
    mine = with_rules('{rule = "own_clock:by", at = 10:00:00}').strategy
    ((check,),) = mine.checks(events(trade()), NOW)
    assert plain(check.asked) == {"at": "10:00:00"}
    monkeypatch.delitem(sys.modules, "own_clock")


def test_size_and_exits_stand_in_the_file_or_in_the_settings_and_not_in_both():
    said = 'sizing = "equal:20"\nnotional = 500.5\nexit_after = 60\nstop = "15%"\nexit_when = "mine:tired"\n'
    text = 'name = "mine"\n' + said
    file = written(text + 'rules = [{rule = "open_market"}]')
    assert file.trading == {
        "sizing": "equal:20",
        "notional": Decimal("500.5"),
        "exit_after": 60,
        "stop": Decimal("0.15"),
        "exit_when": "mine:tired",
    }
    assert written('name = "mine"\nstop = 0.15\nrules = [{rule = "open_market"}]').trading == {"stop": Decimal("0.15")}
    assert with_rules('{rule = "open_market"}', stop="15%").trading == {}
    with pytest.raises(ConfigError, match=r"my.toml says stop, and so does BOT_STOP: leave one of them out"):
        written(text + 'rules = [{rule = "open_market"}]', stop="15%")


def test_sessions_are_the_venue_s_of_the_settings_unless_the_file_names_one():
    frankfurt = trade(known_at=NOW.replace(hour=7))  # its exchange opens at 8:00 UTC, New York at 14:30
    rule = '{rule = "known_within", sessions = 0%s}'
    as_of = NOW.replace(hour=9)
    for own, venue, decision in [("", "XNYS", "buy"), ("", "XETR", "skip"), (', venue = "XNYS"', "XETR", "buy")]:
        strategy = with_rules(rule % own, venue=venue).strategy
        assert strategy(events(frankfurt), as_of)["decision"].tolist() == [decision]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "x"', "my.toml: rules is missing"),
        ('rules = [{rule = "largest"}]', "my.toml: name is missing"),
        ('name = "x"\nrule = []', "my.toml: 'rule' is not known here; did you mean rules?"),
        (
            'name = "x"\nrules = []\n[exits]\ndays = 9',
            "my.toml: 'exits' is not known here; there is name, rules, sizing",
        ),
        ('name = "x"\nrules = []\nexit_afer = 9', "my.toml: 'exit_afer' is not known here; did you mean exit_after?"),
        ('name = "x"\nrules = []\nexit_after = 300', "my.toml: exit_after should be less than or equal to 250"),
        ('name = "x"\nrules = []\nexit_after = true', "my.toml: exit_after should be a valid integer (found True)"),
        ('name = "x"\nrules = []\nstop = 15', "my.toml: stop should be less than 1 (found '15')"),
        ('name = "x"\nrules = []\nstop = true', "my.toml: stop should be a number (found True)"),
        ('name = "x"\nrules = []\nstop = nan', "my.toml: stop: write a plain number such as 0.01 or 1% (found 'nan')"),
        ('name = "x"\nrules = []\nsizing = "equl:3"', "my.toml: sizing: write notional, quantity:10, equal:20,"),
        ('name = "x"\nrules = []', 'my.toml needs a list of rules: write rules = [{rule = "open_market"}]'),
        ('name = "x"\nrules = 3', "my.toml: rules should be a valid list (found 3)"),
        ('name = "My bot"\nrules = []', "my.toml: name should match pattern"),
        ("name =", "my.toml is not TOML: Invalid value"),
    ],
)
def test_what_is_wrong_with_the_file_is_said_in_one_sentence(text, words):
    with pytest.raises(ConfigError) as caught:
        written(text)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('"largest"', "rule 2: write one of rule, any_of, all_of, not (found 'largest')"),
        ("{}", "rule 2: write one of rule, any_of, all_of, not (found {})"),
        ('{any_off = [{rule = "largest"}]}', "rule 2: write one of rule, any_of, all_of, not (did you mean any_of?)"),
        ('{rul = "largest"}', "rule 2: write one of rule, any_of, all_of, not (did you mean rule?)"),
        ('{rule = "largest", not = {}}', "rule 2: write one of rule, any_of, all_of, not"),
        ("{rule = 3}", "rule 2: the rule's name must be text (found 3)"),
        ('{rule = "clusterd"}', "rule 2: there is no 'clusterd' among the rules; did you mean clustered?"),
        ('{rule = "qqq"}', "rule 2: there is no 'qqq' among the rules; choose from among_best, bought_only,"),
        ('{rule = "my_nothing:rule"}', "rule 2: 'my_nothing:rule' cannot be loaded: No module named"),
        ('{rule = "os:sep"}', "rule 2, os:sep: this is neither a Rule nor a function that returns one"),
        ('{rule = "os:getcwd"}', "rule 2, os:getcwd: this is neither a Rule nor a function that returns one"),
        ('{rule = "more_than:1%"}', "rule 2, more_than:1%: write 'more_than', and its parameters beside it"),
        ('{rule = "clustered", owner = 3}', "rule 2, clustered: 'owner' is not known here; did you mean owners?"),
        ('{rule = "largest", years = 3}', "rule 2, largest: 'years' is not known here; there is nothing"),
        ('{rule = "liquid", bars = 3}', "rule 2, liquid: 'bars' is not known here; there is value, sessions"),
        ('{rule = "clustered", owners = "3"}', "rule 2, clustered: owners should be a valid integer (found '3')"),
        ('{rule = "clustered", owners = true}', "rule 2, clustered: owners should be a valid integer (found True)"),
        ('{rule = "clustered", owners = 0}', "rule 2, clustered: owners should be greater than 0 (found 0)"),
        ('{rule = "more_than"}', "rule 2, more_than: share is missing"),
        ('{rule = "convinced", score = nan}', "rule 2, convinced: score should be a finite number (found nan)"),
        ('{rule = "first_buy", years = inf}', "rule 2, first_buy: years should be a finite number (found inf)"),
        ('{rule = "first_buy", years = 1e300}', "rule 2, first_buy: years should be less than or equal to 100"),
        ('{rule = "more_than", share = 250}', "rule 2, more_than: 250.0 is 25000%: write '250%', or '25000%'"),
        ('{rule = "senior", weight = 5.0}', "rule 2, senior: weight should be less than or equal to 1 (found 5.0)"),
        ('{rule = "more_than", share = "a lot"}', "rule 2, more_than: 'a lot' is not a share: write 1% or 0.01"),
        (
            '{rule = "more_than", share = true}',
            "rule 2, more_than: share should be a valid string or a valid number (found True)",
        ),
        (
            '{rule = "more_than", share = 1, base = "now"}',
            "rule 2, more_than: base should be 'before' or 'after' (found 'now')",
        ),
        ('{rule = "liquid", value = 1e6}', "rule 2, liquid: the strategy needs bars, and BOT_BARS is empty: write"),
        (
            f'{{rule = "liquid", value = 1e6, sessions = {10**20}}}',
            "rule 2, liquid: sessions should be less than or equal to 2500",
        ),
        (
            '{rule = "known_within", sessions = 3, venue = "XXXX"}',
            "rule 2, known_within: there is no calendar for 'XXXX': write the ISO MIC of a venue",
        ),
        ("{any_of = []}", 'rule 2 needs a list of rules: write any_of = [{rule = "open_market"}]'),
        ("{all_of = 3}", 'rule 2 needs a list of rules: write all_of = [{rule = "open_market"}]'),
        ('{any_of = [{rule = "largest"}, {not = 3}]}', "rule 2, any_of 2, not: write one of rule, any_of, all_of, not"),
        ('{not = {rule = "largest"}, years = 3}', "rule 2: 'years' does not go with not; only a name does"),
        ('{not = {rule = "largest"}, name = 3}', "rule 2: the name must be text (found 3)"),
        (
            "{not = " * 30 + "3" + "}" * 30,
            "rule 2, " + "not, " * 18 + "not, not: there are too many rules within rules",
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_with_its_place(rule, words):
    with pytest.raises(ConfigError) as caught:
        with_rules('{rule = "open_market"}', rule)
    assert str(caught.value).startswith(f"my.toml, {words}")


def test_a_file_of_the_notepad_is_read():
    Path("my.toml").write_text('\ufeffname = "mine"\nrules = [{rule = "largest"}]', encoding="utf-8")
    assert read(Path("my.toml"), kit()).name == "mine"


def test_brackets_without_end_are_no_toml():
    with pytest.raises(ConfigError, match=r"^my\.toml is not TOML: "):
        with_rules("{not = " * 5000 + "3" + "}" * 5000)


def test_a_missing_file_names_the_setting():
    with pytest.raises(ConfigError, match=r"^BOT_STRATEGY_FILE: nowhere\.toml cannot be read \(FileNotFoundError\)$"):
        read(Path("nowhere.toml"), kit())


def test_two_features_of_one_name_are_refused_as_in_code():
    Path("sizes.csv").write_text("date,symbol,market_cap\n")
    with pytest.raises(ConfigError, match="two rules call different features 'sessions_since_known'"):
        with_rules(*(f'{{rule = "known_within", sessions = 1, venue = "{venue}"}}' for venue in ("XNYS", "XETR")))


# Rules of one's own.

OWN = '''
from strategies.rules import Rule

def dear(price: float, share: bool = False, *, odd=1):
    """Only shares at this price or more."""
    return Rule(name="dear", passes=lambda events: events["price"] >= price, words="{price:,}", needs=("price",))

def strange(where: complex = 1j, when: object = None, which: "Missing" = 3):
    return dear(1)

cheap = Rule(name="cheap", passes=lambda events: events["price"] < 9, words="{price:,}")
'''


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The name of a module of one's own in the current folder."""
    name = f"own_rules_{os.getpid()}"
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / f"{name}.py").write_text(OWN)
    return name


def test_a_rule_of_one_s_own_takes_its_parameters_from_the_file(own):
    for price, decision in ((40, "buy"), (40.01, "skip")):
        dear = with_rules(f'{{rule = "{own}:dear", price = {price}}}').strategy
        assert dear(events(trade()), NOW)["decision"].tolist() == [decision]
    assert with_rules(f'{{not = {{rule = "{own}:cheap"}}}}').strategy(events(trade()), NOW)["decision"].tolist() == [
        "buy"
    ]
    with pytest.raises(ConfigError, match=r"dear: price should be a valid number \(found 'high'\)"):
        with_rules(f'{{rule = "{own}:dear", price = "high"}}')
    with pytest.raises(ConfigError, match=r"dear: 'prise' is not known here; did you mean price\?"):
        with_rules(f'{{rule = "{own}:dear", prise = 3}}')


def test_parameters_that_no_file_can_hold_are_refused(own):
    with pytest.raises(ConfigError, match="has parameters that no file can hold"):
        with_rules(f'{{rule = "{own}:strange"}}')


# The schema.


def test_the_schema_has_every_installed_rule_with_its_parameters():
    told = schema()
    assert json.loads(json.dumps(told)) == told
    assert set(told["$defs"]) == {*installed("rules"), "rule"}
    assert {*MADE, *PLAIN} <= set(told["$defs"])
    more = told["$defs"]["more_than"]
    assert more["description"] == more_than.__doc__
    assert more["properties"]["rule"]["const"] == "more_than"
    assert more["properties"]["base"] == {
        "default": "before",
        "enum": ["before", "after"],
        "title": "Base",
        "type": "string",
    }
    assert sorted(more["required"]) == ["rule", "share"]
    assert "sizes" not in told["$defs"]["smaller_than"]["properties"]
    assert told["$defs"]["known_within"]["properties"]["venue"]["type"] == "string"


def test_the_schema_points_at_rules_within_rules():
    told = schema()
    assert told["properties"]["rules"]["items"] == {"$ref": "#/$defs/rule"}
    choices = told["$defs"]["rule"]["anyOf"]
    assert [{"$ref": f"#/$defs/{name}"} for name in sorted(installed("rules"))] == choices[: len(installed("rules"))]
    assert [[*choice["properties"]] for choice in choices[-4:]] == [
        ["any_of", "name"],
        ["all_of", "name"],
        ["not", "name"],
        ["rule"],
    ]


def test_a_rule_of_one_s_own_appears_in_the_schema_like_ours(own):
    dear = form("dear", named("rules", f"{own}:dear", "rule")[0]).model_json_schema()
    assert dear["description"] == "Only shares at this price or more."
    assert dear["properties"]["price"] == {"title": "Price", "type": "number"}
    assert dear["properties"]["odd"] == {"default": 1, "title": "Odd"}
    assert dear["required"] == ["rule", "price"]
