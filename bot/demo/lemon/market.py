"""The stand-in with the demo's fictional companies: how they are listed in Germany, and what they cost there in EUR."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from bot.demo.companies import CENT, SHARES, Share
from bot.demo.lemon.book import Price, Security
from bot.demo.lemon.server import LemonMarketsServer
from bot.ports import Clock

USD_PER_EUR: Final = Decimal("1.10")
HALF_SPREAD: Final = Decimal("0.0005")
LOOK_ALIKES: Final = 500  # added to the issuer number


def server(on: date, *, clock: Clock, usd_per_eur: Decimal = USD_PER_EUR, **options: Any) -> LemonMarketsServer:
    """The stand-in with every company of the demo at the prices of this day; more options as LemonMarketsServer has."""
    shares = [share for each in SHARES for share in (look_alike(each), each)]
    return LemonMarketsServer(securities(shares), prices(shares, on, usd_per_eur), clock=clock, **options)


def look_alike(share: Share) -> Share:
    """A certificate on the share, at a quarter of its price: whoever looks for the company finds this first."""
    return replace(
        share,
        issuer=share.issuer + LOOK_ALIKES,
        company=f"{share.company} CDR",
        name=f"{share.name or share.company} CDR",
        price=share.price / 4,
        is_mapped=False,
    )


def securities(shares: Sequence[Share]) -> list[Security]:
    """The shares as a German exchange lists them: under a symbol of its own, which is not the US ticker."""
    return [
        Security(
            isin=share.isin,
            wkn=f"ZZ{share.issuer:03}{share.issue // 10}",
            name=(share.name or share.company).upper(),
            title=f"{share.company.upper()} REGISTERED SHARES DL -,01",
            symbol=f"{share.company[:2].upper()}{number}",
        )
        for number, share in enumerate(shares, start=1)
    ]


def prices(shares: Sequence[Share], on: date, usd_per_eur: Decimal) -> dict[str, Price]:
    """What the shares cost in EUR: the demo's close of the day at this rate, bid and ask 0.1 % apart, on full cents."""
    quotes = {}
    for share in shares:
        middle = share.bar(on).close / usd_per_eur
        bid = (middle * (1 - HALF_SPREAD)).quantize(CENT, ROUND_FLOOR)
        quotes[share.isin] = Price(bid=bid, ask=(middle * (1 + HALF_SPREAD)).quantize(CENT, ROUND_CEILING))
    return quotes
