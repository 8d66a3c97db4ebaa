from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.instruments.isin_file import IsinFile, read_isin_file


def written(folder: Path, text: str) -> Path:
    path = folder / "own.csv"
    path.write_bytes(text.encode())
    return path


def test_symbols_in_any_notation_lead_to_their_isins(tmp_path: Path) -> None:
    path = written(tmp_path, "symbol,isin\nNWRB,US6655311099\nhlh.b, us9900012082\n\nNWRB,US9900031058\n")
    assert read_isin_file(path) == IsinFile({"NWRB": ("US6655311099", "US9900031058"), "HLH-B": ("US9900012082",)})


def test_a_cusip_leads_to_the_us_isin(tmp_path: Path) -> None:
    path = written(tmp_path, "Symbol,CUSIP\nNWRB,665531109\n")
    assert read_isin_file(path) == IsinFile({}, {"NWRB": ("US6655311099",)})


def test_either_column_may_be_empty_and_others_are_ignored(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffsymbol,note,isin,cusip\r\nNWRB,x,US6655311099,\r\nSVKAY,y,,990003105\r\n")
    assert read_isin_file(path) == IsinFile({"NWRB": ("US6655311099",)}, {"SVKAY": ("US9900031058",)})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "row 1: the columns symbol and isin (or cusip) were expected, found []"),
        ("symbol;isin\nNWRB;US6655311099\n", "row 1: the columns symbol and isin (or cusip) were expected"),
        ("symbol,name\nNWRB,x\n", "row 1: the columns symbol and isin (or cusip) were expected"),
        (
            "symbol,isin\nNWRB,US6655311099\nHLH/A,US9900011093\n",
            "row 3, column isin: an ISIN with the right check digit",
        ),
        ("symbol,cusip\nNWRB,665531108\n", "row 2, column cusip: a CUSIP with the right check digit"),
        ("symbol,cusip\nNWRB,G99001102\n", "row 2, column cusip: G99001102 is a foreign issuer's"),
        ("symbol,isin\nNW RB,US6655311099\n", "row 2, column symbol: a US ticker was expected, found 'NW RB'"),
        ("symbol,isin\n,US6655311099\n", "row 2, column symbol: a US ticker was expected, found ''"),
        ("symbol,isin\nNWRB\n", "row 2: 2 columns were expected, found 1"),
        ("symbol,isin\nNWRB,US6655311099,x\n", "row 2: 2 columns were expected, found 3"),
        ("symbol,isin,cusip\nNWRB,,\n", "row 2, column isin: an ISIN was expected, found nothing"),
        ('symbol,isin\n"NWRB,US6655311099\n', "cannot be read as a CSV file"),
    ],
)
def test_a_wrong_row_names_file_row_and_column(tmp_path: Path, text: str, problem: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_isin_file(path)
    assert str(path) in str(caught.value)
    assert problem in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.csv cannot be read"):
        read_isin_file(tmp_path / "nowhere.csv")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes("symbol,isin,note\nNWRB,US6655311099,\xe9\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="UTF-8"):
        read_isin_file(path)
