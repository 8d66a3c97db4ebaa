"""Rows for people and programs: every format, and foreign text that can do no harm in any of them."""

import csv
import io
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import render
from bot.render import Format

HOSTILE = [
    "two\nlines",
    "carriage\rreturn",
    "\x1b[2J\x1b]0;title\x07",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "line\u2028separator",
    "next\x85line",
    "nul\x00",
    "\x9b31m",
    "\ud800",
]
FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "＝1+1", '=HYPERLINK("http://evil")']
TEXTS = st.text(st.characters(), max_size=40)
anything = given(TEXTS)


def read_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def is_harmless(text: str) -> bool:
    return not any(unicodedata.category(letter) in render.HIDDEN for letter in text)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_hides_or_commands_becomes_visible(text: str) -> None:
    shown = render.harmless(text)
    assert is_harmless(shown)
    assert "�" in shown
    assert len(shown) == len(text)


def test_ordinary_letters_of_any_language_stay() -> None:
    for text in ("Åse Ødegård-O'Neil", "山田 太郎", "Éléonore…", "C&A <b>", "a,b;c"):
        assert render.harmless(text) == text


@given(TEXTS, st.integers(2, 50))
def test_harmless_text_is_one_bearable_line(text: str, longest: int) -> None:
    shown = render.harmless(text, longest)
    assert is_harmless(shown)
    assert len(shown) <= longest
    assert len(shown) == len(text) or shown.endswith("…")
    assert render.harmless(shown, longest) == shown


# -- one row, one line


@anything
@example("\n")
@example("a\r\nb")
@example("\u2028")
def test_one_row_is_one_line_of_csv(text: str) -> None:
    lines = render.rows([{"a": text, "b": "x"}, {"a": "", "b": text}], Format.CSV, ()).splitlines()
    assert len(lines) == 3
    assert [len(line) for line in read_csv("\n".join(lines))] == [2, 2, 2]


@anything
def test_one_row_is_one_line_of_json_lines_and_nothing_is_lost(text: str) -> None:
    rows: list[dict[str, Any]] = [{"a": text}, {"a": None}]
    lines = render.rows(rows, Format.JSONL, ()).splitlines()
    assert [json.loads(line) for line in lines] == rows


@anything
def test_json_is_ascii_and_nothing_is_lost(text: str) -> None:
    said = render.rows([{"a": text}], Format.JSON, ())
    assert said.isascii()
    assert json.loads(said) == [{"a": text}]


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4), st.sampled_from([80, 200]))
def test_one_row_is_one_line_of_the_table(cells: list[tuple[str, str]], width: int) -> None:
    said = render.table([{"a": a, "b": b, "n": "1"} for a, b in cells], ("a", "b", "n"), width=width)
    body = said.split("─\n")[-1] if "─\n" in said else said
    assert len(body.splitlines()) == len(cells)
    assert all(is_harmless(line) for line in said.splitlines())


# -- tables


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    said = render.table([{"name": "a", "shares": "5"}, {"name": "bcd", "shares": "-1234.5"}], ("name", "shares"))
    _, heads, _, first, second = said.splitlines()
    assert first.endswith("      5")
    assert second.endswith("-1234.5")
    assert heads.endswith(" shares")
    assert first.split() == ["a", "5"]
    assert first.index("a") == second.index("b")


@given(st.lists(st.integers(1, 300), min_size=1, max_size=6), st.integers(80, 200))
def test_words_are_cut_before_any_number_is(lengths: list[int], width: int) -> None:
    row = {f"w{place}": ("é " * length)[:length] for place, length in enumerate(lengths)}  # words, not identifiers
    row |= {f"n{place}": f"-12345{place}.25" for place in range(4)}
    said = render.table([row], tuple(row), width=width)
    assert all(len(line) <= width for line in said.splitlines())
    assert all(number in said for name, number in row.items() if name[0] == "n")


def test_wide_text_is_cut_with_a_sign_that_it_is() -> None:
    said = render.table([{"a": "x" * 300, "b": "end"}], ("a", "b"), width=80)
    assert all(len(line) <= 80 for line in said.splitlines())
    assert "x…" in said
    assert "end" in said


def test_markup_in_a_cell_is_text() -> None:
    assert "[bold]x[/bold]" in render.table([{"a": "[bold]x[/bold]"}], ("a",))


def test_a_person_sees_the_chosen_columns_and_a_program_sees_all() -> None:
    rows = [{"a": "1", "b": "2", "c": "3"}]
    assert render.table(rows, ("c", "a")).splitlines()[1].split() == ["c", "a"]
    assert json.loads(render.rows(rows, Format.JSON, ("c",))) == rows
    assert render.rows(rows, Format.CSV, ("c",)) == "a,b,c\n1,2,3"


def test_missing_stays_empty_and_truth_is_yes_or_no() -> None:
    assert render.as_csv([{"a": None, "b": True, "c": False, "d": ["x"]}]) == 'a,b,c,d\n,True,False,"[""x""]"'


def test_rows_with_different_columns_share_one_heading() -> None:
    assert render.as_csv([{"a": 1}, {"b": 2}]) == "a,b\n1,\n,2"


@pytest.mark.parametrize(("form", "said"), [("table", "none"), ("json", "[]"), ("jsonl", ""), ("csv", "")])
def test_no_rows_are_said_in_each_format(form: str, said: str) -> None:
    assert render.rows([], Format(form), ("a",)) == said


def test_csv_has_a_heading_of_the_names_it_is_told() -> None:
    assert render.rows([], Format.CSV, ("a",), names=("a", "b")) == "a,b"
    assert render.rows([{"b": "2", "c": "3"}], Format.CSV, ("a",), names=("a", "b")) == "a,b,c\n,2,3"


def test_instants_are_shown_to_the_minute_and_kept_whole_for_programs() -> None:
    rows = [{"at": "2026-11-21T22:35:24.013192+00:00"}]
    assert render.table(rows, ("at",)).endswith(" 2026-11-21 22:35")
    assert render.as_csv(rows) == "at\n2026-11-21T22:35:24.013192+00:00"


def test_paragraphs_wrap_between_words_and_never_inside_an_address() -> None:
    address = "https://www.sec.gov/Archives/edgar/data/1/2/primary-doc.xml"
    said = render.paragraphs([f"  filing  {address}", "  rules   " + "word " * 9], indent=10, width=30)
    assert said.splitlines() == [
        "  filing",
        f"          {address}",
        "  rules   word word word word",
        "          word word word word",
        "          word",
    ]


@given(st.lists(TEXTS, max_size=3))
def test_paragraphs_are_harmless(lines: list[str]) -> None:
    assert all(is_harmless(line) for line in render.paragraphs(lines, indent=4).split("\n"))


# -- spreadsheets


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_text_in_a_spreadsheet(text: str) -> None:
    cell = read_csv(render.as_csv([{"a": text}]))[1][0]
    assert cell[0] in "'�"


@pytest.mark.parametrize("number", ["-5", "+0.25", "-1234567.125", "-1e-07", "7"])
def test_a_number_stays_a_number_in_a_spreadsheet(number: str) -> None:
    assert render.as_csv([{"a": number}]) == f"a\n{number}"
    assert render.as_csv([{"a": float(number)}]) == f"a\n{float(number)}"


@anything
def test_no_cell_of_a_spreadsheet_begins_a_formula(text: str) -> None:
    cell = read_csv(render.as_csv([{"a": text, "b": "x"}]))[1][0]
    assert not cell or cell[0] not in "=@\t\r" or cell.startswith("'")
    assert not cell or cell[0] not in "+-" or render.NUMBER.fullmatch(cell)


# -- decisions


def decided(**changes: Any) -> dict[str, Any]:
    row = {
        "symbols": ["NWRB"], "owner": "Okafor Adaeze M", "title": "CFO", "side": "buy", "code": "P", "form": "4",
        "decision": "buy", "rule": "", "reason": "it passed", "evidence": {"mapping": "one class", "size": "24 shares"},
    }  # fmt: skip
    return row | changes


def test_verdicts_show_what_is_followed_with_its_mapping_and_size() -> None:
    said = render.verdicts([decided()], width=100)
    assert said.splitlines() == [
        "FOLLOWED (1)",
        "  buy  NWRB     Okafor Adaeze M, CFO",
        "       it passed",
        "       mapping: one class",
        "       size: 24 shares",
    ]


def test_verdicts_group_the_rest_by_the_rule_that_refused_it() -> None:
    skip = {"decision": "skip", "evidence": {}}
    rows = [
        decided(rule="more_than", reason="0.1 %", **skip),
        decided(),
        decided(rule="cash", reason="too dear", **skip),
        decided(rule="more_than", reason="0.2 %", **skip),
    ]
    heads = [line for line in render.verdicts(rows, width=100).splitlines() if line and line[0] != " "]
    assert heads == ["FOLLOWED (1)", "cash (1)", "more_than (2)"]


def test_verdicts_name_what_is_missing() -> None:
    said = render.verdicts([decided(symbols=[], owner=None, title=None, side=None, code=None, form=None)], width=100)
    assert "None" not in said
    assert "no name, no title" in said


@given(owner=TEXTS, title=TEXTS, reason=TEXTS, proof=TEXTS)
def test_verdicts_are_harmless_whatever_the_names(owner: str, title: str, reason: str, proof: str) -> None:
    said = render.verdicts([decided(owner=owner, title=title, reason=reason, evidence={"mapping": proof})], width=90)
    assert all(is_harmless(line) for line in said.split("\n"))
    assert all(len(line) <= 90 for line in said.split("\n"))


def test_the_funnel_leads_from_lines_to_orders() -> None:
    refused = {"cash": 2, "more_than": 1}
    counted = {"lines": 1110, "events": 6, "new": 5, "exits": 0, "refused": refused, "followed": 2, "orders": 1}
    said = "1,110 lines → 6 events → 5 new − 2 cash − 1 more_than = 2 followed, 1 order"
    assert render.funnel(counted) == said
    assert render.funnel(counted | {"new": 0}) == "1,110 lines, nothing new"
    due = counted | {"new": 3, "exits": 2}
    assert render.funnel(due) == said.replace("5 new", "3 new + 2 exits")
    assert render.funnel(due | {"new": 0}).startswith("1,110 lines → 6 events → 0 new + 2 exits − ")


def test_empty_blocks_leave_no_gap() -> None:
    assert render.blocks(["a", "", "b"]) == "a\n\nb"


def test_a_pipe_has_room_and_no_terminal_is_too_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert render.terminal_width() == 80
    monkeypatch.setenv("COLUMNS", "200")
    assert render.terminal_width() == 200


def test_the_witnesses_of_a_line_are_never_cut() -> None:
    witnesses = "edgar, finviz, openinsider"
    rows = [{"owner": "Abernethy-Vasquez Guillermina Consuelo", "title": "an officer " * 9, "witnesses": witnesses}]
    assert witnesses in render.table(rows, ("owner", "title", "witnesses"), width=80)
