"""The rules of `executives` at companies that are worth less than two billion, where fewer others look."""

from bot.plugins import Kit, daily_figures
from strategies.executives import strategy as executives
from strategies.market_rules import smaller_than
from strategies.rules import Stack, follow


def strategy(kit: Kit) -> Stack:
    """The `small_caps` strategy with the thresholds of the settings; ConfigError without the sizes of BOT_SIZES."""
    return follow(*executives(kit).rules, smaller_than(2e9, sizes=daily_figures(kit, "sizes")))
