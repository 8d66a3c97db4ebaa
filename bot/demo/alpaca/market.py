"""The stand-in with the demo's fictional companies, at the prices of their market in USD."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from bot.demo.alpaca.book import Asset, Price
from bot.demo.alpaca.server import AlpacaServer
from bot.demo.companies import CENT, SHARES, Share
from bot.ports import Clock

HALF_SPREAD: Final = Decimal("0.0005")


def server(on: date, *, clock: Clock, **options: Any) -> AlpacaServer:
    """The stand-in with every company of the demo at the prices of this day; more options as AlpacaServer has."""
    return AlpacaServer(assets(SHARES), prices(SHARES, on), clock=clock, **options)


def assets(shares: Sequence[Share]) -> list[Asset]:
    """The shares under the symbols Alpaca has for them: with a dot before the class."""
    return [Asset(symbol=symbol, name=f"{share.company} Common Stock") for symbol, share in _listed(shares).items()]


def prices(shares: Sequence[Share], on: date) -> dict[str, Price]:
    """The demo's close of the day, bid and ask 0.1 % apart, on full cents."""
    return {symbol: _price(share.bar(on).close) for symbol, share in _listed(shares).items()}


def _price(middle: Decimal) -> Price:
    bid, ask = middle * (1 - HALF_SPREAD), middle * (1 + HALF_SPREAD)
    return Price(bid=bid.quantize(CENT, ROUND_FLOOR), ask=ask.quantize(CENT, ROUND_CEILING))


def _listed(shares: Sequence[Share]) -> dict[str, Share]:
    """The shares by symbol; who had a symbol formerly comes later."""
    return {share.ticker.replace("-", "."): share for share in reversed(shares)}
