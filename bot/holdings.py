"""What a person held before and after a filing, from the balances its lines show."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from bot.model import InsiderTrade


def balance(lines: Sequence[InsiderTrade]) -> tuple[Decimal | None, Decimal | None]:
    """The shares held before and after the lines of a filing; None where a line does not show it, or below zero.

    Lines are chained: a line's balance before it is its balance after it less what it acquired. A line that starts
    where the last one of its chain ended goes on with it. So does one that shows the same balance after it, as web
    tables do for all lines of a day. A gap no larger than everything that moved is the same ownership line with
    something unreported between (if shares appear from nowhere they were held before); a larger gap is another
    ownership line, whose balance adds up.
    """
    moved = sum((line.shares or Decimal(0) for line in lines if _moves(line)), Decimal(0))
    chains: list[list[Decimal]] = []  # [before, after] of each ownership line
    for line in _in_order(lines):
        if line.shares is None or line.shares_after is None or line.acquired is None:
            return None, None
        opening = line.shares_after - (line.shares if line.acquired == "A" else -line.shares)
        chain = min(chains, key=lambda chain: abs(opening - chain[1]), default=None)
        if chain is None or abs(opening - chain[1]) > moved:
            chains.append([opening, line.shares_after])
        else:
            gap = opening - chain[1]
            chain[0] += gap if line.shares_after == chain[1] else max(Decimal(0), gap)
            chain[1] = line.shares_after
    if not chains or any(before < 0 or after < 0 for before, after in chains):
        return None, None
    return sum((chain[0] for chain in chains), Decimal(0)), sum((chain[1] for chain in chains), Decimal(0))


def _in_order(lines: Sequence[InsiderTrade]) -> list[InsiderTrade]:
    """The lines as they happened: by day, what came in before what went out, then by balance."""
    return sorted(
        filter(_moves, lines),
        key=lambda line: (
            line.traded_on or line.filed_on or date.min,
            line.acquired == "D",
            (line.shares_after or Decimal(0)) * (1 if line.acquired == "A" else -1),
        ),
    )


def _moves(line: InsiderTrade) -> bool:
    """Whether the line changes how many shares are held; derivatives and notices do not."""
    return line.acquired is not None and not line.is_derivative
