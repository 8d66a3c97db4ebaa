"""Daily bars and sizes of one's own: what is read, and what is refused with its place."""

from pathlib import Path

import pandas as pd
import pytest

from bot.errors import ConfigError
from bot.http import Http
from bot.plugins import Kit, daily_figures
from bot.prices.figures import daily
from bot.settings import Settings
from tests.builders import NOW

BARS = "date,symbol,close,volume\n2026-03-02,NWRB,40.5,1000\n2026-03-02,BRK.B,,\n2026-03-03,NA,1,0\n"
READ = pd.DataFrame(
    {
        "date": pd.to_datetime(["2026-03-02", "2026-03-02", "2026-03-03"]).astype("datetime64[s]"),
        "symbol": pd.Series(["NWRB", "BRK-B", "NA"], dtype="str"),
        "close": [40.5, float("nan"), 1.0],
        "volume": [1000.0, float("nan"), 0.0],
    }
)


def test_a_csv_is_read_with_unknown_left_unknown(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(BARS)
    pd.testing.assert_frame_equal(daily("bars", f"{tmp_path}/bars.csv"), READ)


@pytest.mark.parametrize("as_dates", [str, lambda day: day, lambda day: day.date()])
def test_a_parquet_file_is_read_like_it(as_dates, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    dates = READ["date"].map(as_dates) if as_dates is not str else READ["date"].dt.strftime("%Y-%m-%d")
    READ.assign(date=dates, further=1).to_parquet(tmp_path / "bars.parquet")
    pd.testing.assert_frame_equal(daily("bars", f"{tmp_path}/bars.parquet"), READ)


def test_the_settings_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "sizes.csv").write_text("date,symbol,market_cap\n2026-03-02,NWRB,2e9\n")
    settings = Settings.of(sizes=f"files:{tmp_path}/sizes.csv")
    kit = Kit(settings=settings, clock=lambda: NOW, http=Http("tests"))
    assert daily_figures(kit, "sizes")["market_cap"].tolist() == [2e9]
    with pytest.raises(ConfigError, match="needs bars, and BOT_BARS is empty: write BOT_BARS=files:PATH"):
        daily_figures(kit, "bars")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("date,symbol,close\n", "there is no column 'volume'; write date,symbol,close,volume"),
        ("", "cannot be read (No columns to parse from file)"),
        (BARS + "4.3.2026,NWRB,1,1\n", "line 5: date: '4.3.2026' is not a day; write 2026-03-02"),
        (BARS + "\n2026-03-04,NWRB,1,1\n", "line 5: date: '' is not a day; write 2026-03-02"),
        (BARS + "2026-03-04,nwrb,1,1\n", "line 5: symbol: 'nwrb' is not a ticker"),
        (BARS + "2026-03-04,,1,1\n", "line 5: symbol: '' is not a ticker"),
        (BARS + "2026-03-04,NWRB,x,1\n", "line 5: close: 'x' is not a number from 0 on; leave unknown cells empty"),
        (BARS + "2026-03-04,NWRB,1,-1\n", "line 5: volume: '-1' is not a number from 0 on; leave unknown cells empty"),
        (BARS + "2026-03-04,NWRB,inf,1\n", "line 5: close: 'inf' is not a number from 0 on; leave unknown cells empty"),
        (BARS + "2026-03-02,NWRB,1,1\n", "line 5: symbol: 'NWRB' has a second row for this day"),
        (BARS + "2026-03-04,NWRB,1,1,1\n", "cannot be read (Error tokenizing data."),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(text)
    with pytest.raises(ConfigError) as caught:
        daily("bars", f"{tmp_path}/bars.csv")
    assert words in str(caught.value)


def test_a_row_of_a_parquet_file_is_named_too(tmp_path: Path) -> None:
    READ.assign(close=-1.0).to_parquet(tmp_path / "bars.parquet")
    with pytest.raises(ConfigError, match=r"bars\.parquet, row 1: close: '-1\.0' is not a number"):
        daily("bars", f"{tmp_path}/bars.parquet")
    (tmp_path / "bars.parquet").write_text(BARS)
    with pytest.raises(ConfigError, match=r"BOT_BARS: .* cannot be read"):
        daily("bars", f"{tmp_path}/bars.parquet")


@pytest.mark.parametrize("path", ["", "nowhere.csv"])
def test_a_missing_file_is_named_with_its_setting(path: str) -> None:
    with pytest.raises(ConfigError, match=r"^BOT_SIZES: there is no file at .*; write files:PATH"):
        daily("sizes", path)


def test_parquet_without_its_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: Path) -> None:
        raise ImportError

    (tmp_path / "bars.parquet").write_text("")
    monkeypatch.setattr(pd, "read_parquet", missing)
    with pytest.raises(ConfigError, match=r"pip install 'insiderbot\[research\]'"):
        daily("bars", f"{tmp_path}/bars.parquet")
