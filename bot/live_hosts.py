"""Where orders cost real money: hosts that nothing connects to, whatever the settings or somebody's own part say."""

from typing import Final

LIVE_HOSTS: Final = frozenset(
    {"api.alpaca.markets", "broker-api.alpaca.markets", "api.lemon.markets", "trading.lemon.markets"}
)


def refusal(host: str | None) -> str | None:
    """Why this host is not connected to, in however odd a spelling; None where it may be."""
    plain = (host or "").lower().rstrip(".")
    return (
        f"{plain} is for real money, which is not supported: nothing is ever sent there"
        if plain in LIVE_HOSTS
        else None
    )
