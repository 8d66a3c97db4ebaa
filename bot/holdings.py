"""What a person held before and after a filing, from the balances its lines show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from bot.model import InsiderTrade


@dataclass(slots=True)
class _Chain:
    """One ownership line: its first and last balance, and the filings that show it."""

    before: Decimal
    after: Decimal
    filings: set[str] = field(default_factory=set)


def balance(lines: Sequence[InsiderTrade]) -> tuple[Decimal | None, Decimal | None]:
    """The shares held before and after the lines of a filing; None where a line does not show it, or below zero.

    Lines are chained: a line's balance before it is its balance after it less what it acquired. A line that starts
    where the last one of its chain ended goes on with it. So does one that shows the same balance after it, as web
    tables do for all lines of a day. A gap no larger than everything that moved is the same ownership line with
    something unreported between (if shares appear from nowhere they were held before); a larger gap is another
    ownership line, whose balance adds up.
    """
    return _over_gaps(_in_order(lines))


def _over_gaps(lines: Sequence[InsiderTrade]) -> tuple[Decimal | None, Decimal | None]:
    """What `balance` says, of lines in the order that they are in."""
    moved = _sum(line.shares or Decimal(0) for line in lines)
    chains: list[list[Decimal]] = []  # [before, after] of each ownership line
    for line in lines:
        if line.shares is None or line.shares_after is None or line.acquired is None:
            return None, None
        opening = line.shares_after - _gain(line)
        chain = min(chains, key=lambda chain: abs(opening - chain[1]), default=None)
        if chain is None or abs(opening - chain[1]) > moved:
            chains.append([opening, line.shares_after])
        else:
            gap = opening - chain[1]
            chain[0] += gap if line.shares_after == chain[1] else max(Decimal(0), gap)
            chain[1] = line.shares_after
    if not chains or any(before < 0 or after < 0 for before, after in chains):
        return None, None
    return _sum(chain[0] for chain in chains), _sum(chain[1] for chain in chains)


def total(lines: Sequence[InsiderTrade]) -> tuple[Decimal | None, Decimal | None]:
    """The shares of one class held before and after filings that were read themselves, over all that is held.

    The lines stand in their filings' order; direct and indirect ones are chained apart, and so is each line that does
    not start where another ended. Who holds directly does so on one line: where its balances leave gaps, they are
    taken as `balance` takes them. Holdings count before and after, once, however many filings of the day repeat them.
    None where a line does not show its balance, or below zero.
    """
    held = [line for line in lines if not line.is_derivative]
    if any(line.shares_after is None or (line.code and None in (line.shares, line.acquired)) for line in held):
        return None, None
    owned: dict[str | None, list[InsiderTrade]] = {}
    for line in held:
        owned.setdefault(line.ownership, []).append(line)
    parts = [_owned(part, is_direct=ownership == "D") for ownership, part in owned.items()]
    known = [(before, after) for before, after in parts if before is not None and after is not None]
    if not parts or len(known) < len(parts):
        return None, None
    return _sum(before for before, _ in known), _sum(after for _, after in known)


def _owned(lines: Sequence[InsiderTrade], *, is_direct: bool) -> tuple[Decimal | None, Decimal | None]:
    """What is held before and after on the lines of one nature, in the order that leaves the fewest gaps."""
    holdings = [line for line in lines if not _moves(line)]
    orders = lines, [*_in_order(lines), *holdings]
    chains, order = min(((_chains(order), order) for order in orders), key=lambda found: len(found[0]))
    if is_direct and len(chains) > 1 and len(holdings) < len(lines):
        before, after = _over_gaps([line for line in order if _moves(line)])
        kept = _sum(line.shares_after or Decimal(0) for line in holdings)
        return (None, None) if before is None or after is None else (before + kept, after + kept)
    if any(chain.before < 0 or chain.after < 0 for chain in chains):
        return None, None
    return _sum(chain.before for chain in chains), _sum(chain.after for chain in chains)


def _chains(lines: Iterable[InsiderTrade]) -> list[_Chain]:
    """The lines chained in this order; a holding goes on only with a chain that another filing began."""
    chains: list[_Chain] = []
    for line in lines:
        after = line.shares_after or Decimal(0)
        opening = after - _gain(line) if _moves(line) else after
        filing = line.key.partition(":")[0]
        open_ends = (c for c in chains if c.after == opening and (_moves(line) or filing not in c.filings))
        chain = next(open_ends, None)
        if chain is None:
            chains.append(chain := _Chain(before=opening, after=after))
        chain.after = after
        chain.filings.add(filing)
    return chains


def _gain(line: InsiderTrade) -> Decimal:
    """The shares that came in with a line, below zero where they went out."""
    shares = line.shares or Decimal(0)
    return shares if line.acquired == "A" else -shares


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    return sum(numbers, Decimal(0))


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
