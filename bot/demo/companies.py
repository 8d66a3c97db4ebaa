"""The companies of the demo, all fictional: their share classes, with well-formed identifiers that no security has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from stdnum import cusip as cusip_rules
from stdnum import figi as figi_rules

from bot.demo.openfigi import Record
from bot.instruments.identifiers import figi_ticker, us_isin
from bot.model import Bar

CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Share:
    """One share class: ticker, company, the price it moves around in USD, and how the mapping service files it.

    `issuer` and `issue` number company and class; every identifier follows from them. `name` is the mapping service's
    own spelling, the company's in capitals unless it differs.
    """

    issuer: int
    ticker: str
    company: str
    price: Decimal
    name: str = ""
    issue: int = 10
    type: str = "Common Stock"
    market: str = "Equity"
    is_mapped: bool = True

    @property
    def cusip(self) -> str:
        """Issuer numbers from 990 on are not assigned to anyone."""
        stem = f"999{self.issuer:03}{self.issue:02}"
        return stem + str(cusip_rules.calc_check_digit(stem))

    @property
    def isin(self) -> str:
        """The CUSIP's ISIN."""
        return us_isin(self.cusip) or ""

    def figi(self, kind: str) -> str:
        """The FIGI of a kind: L the listing, S the share class; the provider letters ZZ are nobody's."""
        stem = f"ZZG99{kind}{self.issuer:03}{self.issue:02}"
        return stem + str(figi_rules.calc_check_digit(stem))

    def bar(self, on: date) -> Bar:
        """What one share cost on this day: up to 0.6 % around the price, and the open is never another day's close."""
        step = (on.toordinal() * 5 + self.issuer * 3) % 13 - 6
        close = self.price * (1000 + step) / 1000
        opening = self.price * (2001 - 2 * step) / 2000
        return Bar(symbol=self.ticker, on=on, open=opening.quantize(CENT), close=close.quantize(CENT))


SHARES: Final[tuple[Share, ...]] = (
    Share(1, "NWRB", "Northwind Robotics Inc", Decimal("40.80")),
    Share(2, "QLMK", "Quillmark Software Corp", Decimal("88.20")),
    Share(3, "SMFP", "Saltmarsh Flour & Pasta Co", Decimal("27.30")),
    Share(4, "VLPM", "Verdant Loop Materials Inc", Decimal("63.10")),
    Share(5, "THWK", "Thistlewick Media Corp", Decimal("28.60")),
    Share(6, "BLPT", "Bluepot Therapeutics Inc", Decimal("31.40")),
    Share(
        7, "OSCM", "Oscuro Maritime Ltd", Decimal("22.50"), name="OSCURO MARITIME-SPON ADR", type="Depositary Receipt"
    ),
    Share(8, "KLPF", "Kelpfield Aquaculture Inc", Decimal("54.70")),
    Share(9, "GDRW", "Godrow Minerals Corp", Decimal("22.90")),
    # The ticker's former owner, still filed under it.
    Share(10, "GDRW", "Godrow & Sons Holdings Ltd", Decimal("22.90")),
    Share(11, "MRVB-A", "Merrivale Broadcasting Corp", Decimal("72.40"), name="MERRIVALE BROADCASTING -CL A"),
    Share(11, "MRVB-B", "Merrivale Broadcasting Corp", Decimal("71.90"), issue=20, name="MERRIVALE BROADCASTING -CL B"),
    Share(11, "MRVB-PC", "Merrivale Broadcasting Corp", Decimal("25.10"), issue=30, type="Preference", market="Pfd"),
    Share(12, "TDWX", "Tidewax Coatings Inc", Decimal("36.20")),
    Share(13, "HLHC", "Harborlight Capital Inc", Decimal("58.80")),
    Share(14, "WNDC", "Windcrest Precision Inc", Decimal("1480.00")),
    Share(15, "LMNX", "Lumenax Optics Corp", Decimal("49.50")),
    Share(16, "PEWT", "Pewterby Foundries Inc", Decimal("25.20"), is_mapped=False),
    Share(17, "HZLW", "Hazelwyck Payments Inc", Decimal("66.60")),
)


def records(shares: Sequence[Share]) -> list[Record]:
    """The shares as the mapping service knows them."""
    return [
        Record(
            ticker=figi_ticker(share.ticker),
            name=share.name or share.company.upper(),
            figi=share.figi("L"),
            composite_figi=share.figi("L"),
            share_class_figi=share.figi("S"),
            type=share.type,
            market=share.market,
            isins=(share.isin,),
            cusip=share.cusip,
        )
        for share in shares
        if share.is_mapped
    ]
