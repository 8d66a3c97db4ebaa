"""Where the simulated broker's quotes come from."""

from datetime import datetime

from bot.model import Quote


class NoPrices:
    """No quotes at all: nothing can be sized, every order is refused with `no_quote`."""

    def quote(self, symbol: str, at: datetime) -> Quote | None:  # noqa: ARG002
        """None."""
        return None

    def first(self, symbol: str, since: datetime, until: datetime) -> Quote | None:  # noqa: ARG002
        """None."""
        return None
