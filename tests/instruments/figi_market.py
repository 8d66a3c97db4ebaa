"""A small fictional market for the OpenFIGI stand-in, a time that only a sleep moves on, and a cache in memory."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stdnum import figi as figi_rules

from bot.demo.openfigi import Record

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Time:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def monotonic(self) -> float:
        return 1000.0 + sum(self.slept)

    def now(self) -> datetime:
        return START + timedelta(seconds=sum(self.slept))


class MemoryCache:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, datetime]] = {}

    def get(self, requests: Sequence[str], now: datetime) -> dict[str, str]:
        known = {request: self.kept[request] for request in requests if request in self.kept}
        return {request: answer for request, (answer, expires_at) in known.items() if expires_at > now}

    def put(self, answers: Mapping[str, str], expires_at: datetime) -> None:
        self.kept |= {request: (answer, expires_at) for request, answer in answers.items()}


def figi_of(body: str) -> str:
    """A fictional FIGI: eleven characters and their check digit."""
    return body + figi_rules.calc_check_digit(body)


def record(ticker: str, name: str, number: int, **other: Any) -> Record:
    """A US listing of the share class of this number."""
    figi = figi_of(f"BBG00ZZT{number:03}")
    return Record(
        **{
            "ticker": ticker,
            "name": name,
            "figi": figi,
            "composite_figi": figi,
            "share_class_figi": figi_of(f"BBG00ZZS{number:03}"),
            **other,
        }
    )


MARKET = (
    record("NWRB", "NORTHWIND ROBOTICS INC", 1, isins=("US6655311099",), cusip="665531109"),
    record("NW1", "NORTHWIND ROBOTICS INC", 1, exchange="GR", isins=("US6655311099",), cusip="665531109"),
    record("HLH/A", "HARBOR LANE HOLDINGS-CL A", 2, isins=("US9900011092",)),
    record("HLH/B", "HARBOR LANE HOLDINGS-CL B", 3, isins=("US9900012082",)),
    record("KITE", "KITE & LANTERN INC-CL C", 4, isins=("US9900021075",)),
    record("KITEL", "KITE & LANTERN INC-CL A", 5, isins=("US9900022065",)),
    record("SVKAY", "SOLVIK ASA-SPON ADR", 6, type="Depositary Receipt", isins=("US9900031058",)),
    record("SVKA", "SOLVIK ASA", 7, exchange="NO", isins=("NO9900099018",)),
    record("PINE", "PINE CREEK PROPERTIES", 8, type="REIT"),
    record("TARN", "TARN PIPELINE PARTNERS LP", 9, type="Partnership Shares"),
    record("TARNW", "TARN PIPELINE PARTNERS-CW29", 10, type="Warrant", share_class_figi=None),
    record("LEVL", "LEVEL SKY MARKET ETF", 11, type="Mutual Fund"),
    record("TWIN", "TWIN OAKS MILLING CO", 12),
    record("TWIN", "TWINSPIRE SOFTWARE INC", 13),
    record("NULO", "NULLARBOR OUTFITTERS LTD", 14, share_class_figi=None),
    record("GRNT", "GRANITE PEAK PETROLEUM CORP", 15),
)
