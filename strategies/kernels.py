"""The loops that numpy has no word for: over contiguous arrays, plain for a short table and compiled for a long one.

Each takes what it needs sorted, looks at every element a constant number of times, and runs the same either way.
"""

from collections.abc import Callable
from functools import cache, partial
from heapq import heappop, heappush
from importlib.util import find_spec
from math import isnan
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

P = ParamSpec("P")
R = TypeVar("R")
Ids = npt.NDArray[np.int32]
"""Dense codes, 0 to n-1."""
Times = npt.NDArray[np.int64]
"""Instants as whole numbers, in one unit and from one origin."""
Places = npt.NDArray[np.int64]
"""Whole numbers of another kind: which rows, which person, which year."""
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]

NEVER: Final = np.iinfo(np.int64).min  # before every instant; the same number as a missing instant has
FOREVER: Final = np.iinfo(np.int64).max
LONG: Final = 30_000  # rows; below it the plain loops take less time than to load numba and what it has compiled


def compiled(kernel: Callable[P, R], rows: int) -> Callable[P, R]:
    """The kernel, compiled where there are many rows and numba is installed (the extra `research`)."""
    return jitted(kernel) if pays(rows) else partial(plain, kernel)


def pays(rows: int) -> bool:
    """Whether there are so many rows that a compiled kernel is the faster way, and numba is installed."""
    return rows >= LONG and find_spec("numba") is not None


def plain(kernel: Callable[..., R], *arrays: Any) -> R:
    """What the kernel finds, run on lists: Python reads an element of them several times as fast as of an array."""
    return kernel(*map(_listed, arrays))


def _listed(value: Any) -> Any:
    if isinstance(value, tuple):  # of arrays, with names
        return type(value)(*map(_listed, value))
    return value.tolist() if isinstance(value, np.ndarray) else value


@cache
def jitted(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel as numba compiles it, once per process; the machine code is kept from one process to the next."""
    from numba import njit

    compiled_kernel: Callable[..., Any] = njit(cache=True)(kernel)
    return compiled_kernel


def counting_sort(order: Places, codes: Ids, size: int) -> Places:
    """The rows of `order` sorted by their codes (0 to size-1), otherwise in the order they came in."""
    ends = np.zeros(size + 1, dtype=np.int64)
    for place in range(len(order)):
        ends[codes[order[place]] + 1] += 1
    for code in range(size):
        ends[code + 1] += ends[code]
    result = np.empty_like(order)
    for place in range(len(order)):
        row = order[place]
        result[ends[codes[row]]] = row
        ends[codes[row]] += 1
    return result


class Queries(NamedTuple):
    """When it is asked what stands: arrays, one element for each query, sorted by group and then by time.

    `alone` is the place of an entry that stands for this query and for no other, or -1.
    """

    groups: Ids
    times: Times
    alone: Ids


class Entries(NamedTuple):
    """What may stand, from `enters` until before `leaves`: arrays, sorted by group and then by `enters`."""

    groups: Ids
    enters: Times
    leaves: Times
    owners: Ids
    values: Numbers
    senior: Flags

    def at(self, rows: Places) -> "Entries":
        """These entries, in this order."""
        return Entries._make(array[rows] for array in self)


def sweep(queries: Queries, entries: Entries, leaving: Places, people: int) -> tuple[Numbers, Ids, Flags, Times]:
    """What stands at each query: the sum of the values, how many owners, whether one is senior, when the last entered.

    `leaving` has the places of the entries by group and `leaves`; entries that are not in it come after the others and
    stand for a query `alone`. Owners are codes from 0 to people-1. A sum with an unknown value (NaN) in it is NaN;
    without any entry it is 0, and the last entered at NEVER.
    """
    size, shared = len(queries.groups), len(leaving)
    total, distinct = np.empty(size, dtype=np.float64), np.empty(size, dtype=np.int32)
    ranked, last = np.empty(size, dtype=np.bool_), np.empty(size, dtype=np.int64)
    standing, below = np.zeros(people, dtype=np.int32), np.empty(shared, dtype=np.int64)
    entered = left = live = owners = seniors = unknown = 0
    whole = rest = 0.0
    top = -1  # of the stack of entries, the latest uppermost
    for query in range(size):
        now = (queries.groups[query], queries.times[query])
        while True:  # what enters first, then what leaves: nothing leaves before it has entered
            if entered < shared and (entries.groups[entered], entries.enters[entered]) <= now:
                entry, step = entered, 1
                below[entry], top = top, entry
                entered += 1
            elif left < shared and (entries.groups[leaving[left]], entries.leaves[leaving[left]]) <= now:
                entry, step = leaving[left], -1
                left += 1
            else:
                break
            owner = entries.owners[entry]
            standing[owner] += step
            if standing[owner] == (step > 0):
                owners += step
            live += step
            seniors += step * entries.senior[entry]
            if isnan(entries.values[entry]):
                unknown += step
            else:  # in twice the precision (Knuth's two-sum), so that what has left leaves no trace
                part = step * entries.values[entry]
                new = whole + part
                rest += (whole - (new - (new - whole))) + (part - (new - whole))
                whole = new
        if live == 0:
            whole = rest = 0.0
        while top >= 0 and (entries.groups[top] != now[0] or entries.leaves[top] <= now[1]):
            top = below[top]
        total[query] = np.nan if unknown else whole + rest
        distinct[query] = owners
        ranked[query] = seniors > 0
        last[query] = entries.enters[top] if top >= 0 else NEVER
        own = queries.alone[query]
        if own >= 0:
            total[query] += entries.values[own]
            distinct[query] += standing[entries.owners[own]] == 0
            ranked[query] |= entries.senior[own]
            last[query] = entries.enters[own]
    return total, distinct, ranked, last


def spread(first: Places, until: Places, starts: Places) -> Ids:
    """Which of the spells stand at each date, date by date and in their order.

    A spell is a run of dates, from place `first` until before `until`; the spells of date n go from place starts[n] on.
    """
    free, found = starts[:-1].copy(), np.empty(starts[-1], dtype=np.int32)
    for spell in range(len(first)):
        for day in range(first[spell], until[spell]):
            found[free[day]] = spell
            free[day] += 1
    return found


def earlier(
    groups: Places, enters: Times, leaves: Times, counts: Flags, values: Numbers
) -> tuple[Flags, Flags, Numbers]:
    """What rows sorted by group and `enters` know of earlier ones: whether any stands, one of unknown value, the most.

    A row stands from `enters` until before `leaves` for the later ones of its group, if it counts. The most is minus
    infinity where no known value stands.
    """
    size = len(groups)
    some, unsure = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    most = np.full(size, -np.inf)
    heap = [(0.0, np.int64(0))]  # the greatest value uppermost, with the time until which it stands
    waiting, until, unknown_until = 0, NEVER, NEVER
    for row in range(size):
        if row == 0 or groups[row] != groups[row - 1]:
            heap.clear()
            waiting, until, unknown_until = row, NEVER, NEVER
        while enters[waiting] < enters[row]:  # those that became known at one instant are not earlier than each other
            if counts[waiting]:
                until = max(until, leaves[waiting])
                if isnan(values[waiting]):
                    unknown_until = max(unknown_until, leaves[waiting])
                else:
                    heappush(heap, (-values[waiting], leaves[waiting]))
            waiting += 1
        while len(heap) > 0 and heap[0][1] <= enters[row]:
            heappop(heap)
        some[row], unsure[row] = until > enters[row], unknown_until > enters[row]
        if len(heap) > 0:
            most[row] = -heap[0][0]
    return some, unsure, most


def routine(people: Places, traded: Places, known: Places, gone: Places, years: int) -> Numbers:
    """Which rows, sorted by person, are a routine trader's (1), an opportunistic one's (0), or neither (NaN).

    `traded` is a month, `known` and `gone` are years, all counted from January of year 0; all that is known is so
    before the end of the last of the `years`. The answer is what can be said of the person at the beginning of the year
    `known`, from the rows that became known before it and were not gone in an earlier year.
    """
    labels = np.full(len(people), np.nan)
    calendar = np.zeros(years, dtype=np.int64)  # for each 1 January the months of the three years before it, as bits
    start = 0
    while start < len(people):
        stop = start
        while stop < len(people) and people[stop] == people[start]:
            stop += 1
        calendar[:] = 0
        for row in range(start, stop):
            for back in range(3):
                year = traded[row] // 12 + 1 + back
                if known[row] < year <= gone[row] and year < years:
                    calendar[year] |= 1 << (traded[row] % 12 + 12 * back)
        for row in range(start, stop):
            seen = calendar[known[row]]
            last, middle, first = seen & 4095, (seen >> 12) & 4095, seen >> 24
            if last and middle and first:
                labels[row] = (last & middle & first) > 0
        start = stop
    return labels
