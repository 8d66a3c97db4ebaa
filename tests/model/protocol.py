"""The order protocol of bot/orders.py and bot/reconcile.py as a graph of states, small enough to be searched whole.

A state is what the store holds, what the broker holds, what is on its way to it, and the call the bot makes next. A
step is one call of the bot (a commit or a request) or one thing that the world does: a request arrives late, an order
is filled, the session ends, the process dies. What the code reads between two calls belongs to the first of them.

Not in the model: prices and partial fills, another process, and how long an order may be hidden at the broker, which
to the bot is the same as an order that arrives late.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

UNDECIDED: Final = "undecided"
INTENT: Final = "intent"
SUBMITTING: Final = "submitting"
INACTIVE: Final = "inactive"
ACTIVATING: Final = "activating"
WORKING: Final = "working"
FILLED: Final = "filled"
OVER: Final = "over"  # canceled, expired, or refused when it was to be activated
REJECTED: Final = "rejected"  # refused when it was submitted
QUARANTINED: Final = "quarantined"  # for somebody to look at; only where nobody can tell whether the order exists
LIVE: Final = "live"  # of the broker's words these two are not ours
ENDED: Final = "ended"
OPEN: Final = frozenset({INTENT, SUBMITTING, INACTIVE, ACTIVATING, WORKING})
UNKNOWN: Final = 3  # orders of which nobody knows whether they exist halt the bot
NONE: Final = -1  # no order of the broker's
SAID: Final = {INACTIVE: INACTIVE, LIVE: WORKING, FILLED: FILLED, ENDED: OVER}  # the broker's words in ours
COMPARING: Final = frozenset({"list", "reconcile"})  # nobody looks at the clock meanwhile: time may as well pass later
ANSWERED: Final = frozenset({"answered", "doubled", "echoed"})

Label = tuple[Any, ...]
"""What a step does: its name, whom it is about, and for a request what becomes of it."""


class Ours(NamedTuple):
    """A decision as the store has it; `excused` once there was a reason not to have an order in the end."""

    status: str
    attempts: int = 0
    oid: int = NONE
    excused: bool = False


class Theirs(NamedTuple):
    """An order as the broker has it; its place among all of them is its id."""

    decision: int
    key: int
    status: str


class Request(NamedTuple):
    """A request on its way: to `submit` a decision under a key, or to `activate` or `cancel` an order."""

    name: str
    target: int
    key: int = 0


class State(NamedTuple):
    """Everything there is; `call` is what the bot does next, None between two cycles."""

    ours: tuple[Ours, ...]
    theirs: tuple[Theirs, ...] = ()
    flying: tuple[Request, ...] = ()
    call: Label | None = None
    fresh: bool = False  # the books were compared a moment ago
    sold: bool = False  # and the position was not in them any more
    time: int = 0  # 0 in the session, 1 after it, 2 when the broker should have ended the order
    halted: bool = False
    crashes: int = 0
    faults: int = 0
    halts: int = 0
    hours: int = 0  # what is still left of each of these


class Step(NamedTuple):
    """A step, the state after it, whether it takes something to go wrong, and which invariant it breaks."""

    label: Label
    after: State
    fault: bool = False
    broken: str = ""


class Kind(NamedTuple):
    """A broker: an order is activated after it was placed, or not; a key is taken once, or not."""

    name: str
    two_step: bool
    keyed: bool
    duplicates: bool = True  # the network may deliver a request twice


KINDS: Final = (
    Kind("two steps, key", two_step=True, keyed=True),
    Kind("one step, key", two_step=False, keyed=True),
    Kind("two steps, no key", two_step=True, keyed=False),
)
ATTENDED: Final = Kind("one step, no key, nothing twice", two_step=False, keyed=False, duplicates=False)
HOPELESS: Final = Kind("one step, no key", two_step=False, keyed=False)

BUGS: Final = {
    "a new key on retry": KINDS[1],
    "a time-out is a refusal": KINDS[0],
    "placed again after a lost activation": KINDS[2],
    "whatever is found is activated": KINDS[2],
    "an order whose key is open is swept": KINDS[0],
    "nothing is swept": KINDS[2],
    "a refusal of a retry is final": KINDS[1],
    "a refusal of an activation is final": KINDS[0],
    "submitted again without a key": ATTENDED,
    "what is unknown reserves nothing": KINDS[1],
}
"""Bugs that people ship, each with a broker that it shows at."""


class Model(NamedTuple):
    """The steps that can be taken at a broker of this kind; `sells` are decisions to sell one and the same position."""

    kind: Kind
    bug: str | None = None
    sells: bool = False

    def steps(self, state: State) -> Iterator[Step]:
        """Everything that can happen next."""
        yield from self._world(state)
        yield from self._client(state)

    def wrong(self, state: State) -> str:
        """The invariant that this state breaks, or nothing."""
        live = [order.decision for order in state.theirs if order.status in {LIVE, FILLED}]
        if len(live) > len(set(live)):
            return "I1: two live orders of one decision"
        if self.sells and len(live) > 1:
            return "I6: a position is sold twice"
        for number, ours in enumerate(state.ours):
            if ours.status == OVER and not ours.excused and not state.time:
                return "I2: a decision is lost"
            if ours.status == REJECTED and not ours.excused:
                return "I2: a decision is lost"
            if ours.status == REJECTED and any(r.name == "submit" and r.target == number for r in state.flying):
                return "I5: an order is called refused while it is on its way"
            if not ours.attempts and number in live:
                return "I3: an order was sent before it was written down"
        return ""

    def agrees(self, state: State) -> bool:
        """Whether both books say the same, and nothing is left to be done."""
        if state.call or state.flying:
            return False
        if any(self._is_stray(state, oid) for oid in range(len(state.theirs))):
            return False
        return all(self._is_told(state, number) for number in range(len(state.ours)))

    # -- what the world does

    def _world(self, state: State) -> Iterator[Step]:
        for request in dict.fromkeys(state.flying):
            left = list(state.flying)
            left.remove(request)
            yield Step(("arrives", *request), self._delivered(state._replace(flying=tuple(left)), request))
        for oid, order in enumerate(state.theirs):
            if order.status == LIVE:
                yield Step(("fills", oid), _with_order(state, oid, FILLED))
            if order.status in {LIVE, INACTIVE} and (state.time or state.faults):
                after = _excused(_with_order(state, oid, ENDED), order.decision)
                yield Step(("ends", oid), after._replace(faults=state.faults - (not state.time)), fault=True)
        if state.hours and (state.call or ("",))[0] not in COMPARING:
            after = state._replace(time=state.time + 1, hours=state.hours - 1, fresh=False)
            yield Step(("time",), after, fault=True)
        if state.halts and not state.halted:
            yield Step(("halt",), state._replace(halted=True, halts=state.halts - 1), fault=True)
        if state.halted:
            yield Step(("resume",), state._replace(halted=False))
        if state.call and state.crashes:
            after = state._replace(call=None, fresh=False, crashes=state.crashes - 1)
            yield Step(("crash",), after, fault=True)

    def _delivered(self, state: State, request: Request) -> State:
        """The broker's books after the request has reached it."""
        name, target, key = request
        if name == "submit":
            if self.kind.keyed and any(o.decision == target and o.key == key for o in state.theirs):
                return state
            placed = Theirs(target, key, INACTIVE if self.kind.two_step else LIVE)
            return state._replace(theirs=(*state.theirs, placed))
        if name == "activate":
            return _with_order(state, target, LIVE) if state.theirs[target].status == INACTIVE else state
        return _with_order(state, target, ENDED) if state.theirs[target].status in {INACTIVE, LIVE} else state

    def _found(self, state: State, number: int) -> int:
        """The order the broker shows for a decision: by its id where that is known, else the one under its key."""
        ours = state.ours[number]
        if ours.oid != NONE:
            return ours.oid
        mine = [o for o, order in enumerate(state.theirs) if order[:2] == (number, self._key(ours))]
        live = [o for o in mine if state.theirs[o].status in {LIVE, FILLED}]
        inactive = [o for o in mine if state.theirs[o].status == INACTIVE]
        return next(iter(live or inactive or mine), NONE)

    def _key(self, ours: Ours) -> int:
        return ours.attempts if self.bug == "a new key on retry" else 0

    # -- what the bot does: every call that it can be about to make

    def _client(self, state: State) -> Iterator[Step]:
        match state.call:
            case None:
                yield from self._between(state)
            case ("list",):
                yield from self._compared(state)
            case ("reconcile", ((number, oid), *revived), strays):
                after = _with_ours(state, number, status=WORKING, oid=oid)
                yield Step(("commit", number), self._reconciling(after, tuple(revived), strays))
            case ("reconcile", (), (oid, *strays)):
                after = self._reconciling(state, (), tuple(strays))
                for step in self._sent(state, Request("cancel", oid), after, after):
                    yield step._replace(broken="" if self._may_sweep(state, oid) else "I8: an open key is swept")
            case ("commit", number, status, oid, *then):
                yield from self._committed(state, number, status, oid, *then)
            case ("submit", number):
                yield from self._submitted(state, number)
            case ("activate", number):
                yield from self._activated(state, number)
            case ("cancel", number, why):
                oid = state.ours[number].oid
                state = _excused(state, number)
                after = state._replace(call=("find", number, why))
                yield from self._sent(state, Request("cancel", oid), after, self._left(state, number))
            case ("find", number, "answer", oid, status):
                confirmed = self._found(state, number) == oid
                after = self._adopting(state, number, oid, status) if confirmed else self._left(state, number)
                yield Step(("find", number, "answered"), after)
                if state.faults:
                    yield Step(("find", number, "lost"), self._left(_less(state), number), fault=True)
            case ("find", number, why):
                yield Step(("find", number, "answered"), self._looked_up(state, number, why))
                if state.faults:
                    yield Step(("find", number, "lost"), self._left(_less(state), number), fault=True)

    def _between(self, state: State) -> Iterator[Step]:
        yield Step(("cycle", True), state._replace(call=("list",), fresh=False))
        if state.fresh:
            yield Step(("cycle", False), self._driving(state, 0))
        for number, ours in enumerate(state.ours):
            if ours.status == UNDECIDED and not self._is_reserved(state):
                yield Step(("decide", number), _with_ours(state, number, status=INTENT))

    def _is_reserved(self, state: State) -> bool:
        """Whether the position is being sold already, or is gone."""
        counted = OPEN | {QUARANTINED}
        if self.bug == "what is unknown reserves nothing":
            counted -= {SUBMITTING, QUARANTINED}
        return any(o.status in counted for o in state.ours) or any(o.status == FILLED for o in state.theirs)

    # -- the comparison of the books

    def _compared(self, state: State) -> Iterator[Step]:
        """What is over here and lives there is opened again; what nobody will activate is canceled."""
        if state.faults:
            yield Step(("list", "lost"), self._ended(_less(state)), fault=True)
        keys = dict.fromkeys(order.decision for order in state.theirs)
        listed = [oid for key in keys for oid, order in enumerate(state.theirs) if order.decision == key]
        revived = tuple((state.theirs[oid].decision, oid) for oid in listed if self._is_revived(state, oid))
        strays = tuple(oid for oid in listed if self._is_stray(state, oid))
        strays = () if self.bug == "nothing is swept" else strays
        state = state._replace(sold=self.sells and any(order.status == FILLED for order in state.theirs))
        yield Step(("list", "answered"), self._reconciling(state, revived, strays))

    def _is_revived(self, state: State, oid: int) -> bool:
        ours = state.ours[state.theirs[oid].decision]
        is_over = ours.status in {OVER, REJECTED, QUARANTINED}
        return is_over and ours.oid in {NONE, oid} and state.theirs[oid].status in {LIVE, FILLED}

    def _is_stray(self, state: State, oid: int) -> bool:
        is_swept = self.bug == "an order whose key is open is swept" or self._may_sweep(state, oid)
        return state.theirs[oid].status == INACTIVE and is_swept

    def _may_sweep(self, state: State, oid: int) -> bool:
        """Whether nobody will activate this order any more: its key is retired."""
        ours = state.ours[state.theirs[oid].decision]
        return ours.status not in OPEN or ours.oid not in {NONE, oid}

    def _is_covered(self, state: State, number: int) -> bool:
        """Whether the position is there to be sold, and no other order may sell it."""
        others = [ours for place, ours in enumerate(state.ours) if place != number]
        return not self.sells or not (state.sold or any(o.status in OPEN and o.attempts for o in others))

    def _reconciling(self, state: State, revived: tuple[Any, ...], strays: tuple[int, ...]) -> State:
        if revived or strays:
            return state._replace(call=("reconcile", revived, strays))
        return self._driving(state._replace(fresh=True), 0)

    # -- the order's life

    def _driving(self, state: State, start: int) -> State:
        """The bot about to make its first call for the next open order; between two cycles when there is none."""
        for number in range(start, len(state.ours)):
            if state.ours[number].status in OPEN:
                return self._stepping(state, number)
        return self._ended(state)

    def _ended(self, state: State) -> State:
        unknown = sum(ours.status == SUBMITTING for ours in state.ours)
        return state._replace(call=None, halted=state.halted or unknown >= UNKNOWN)

    def _left(self, state: State, number: int) -> State:
        """The order stays as it is until the next cycle, and the next one's turn comes."""
        return self._driving(state, number + 1)

    def _stepping(self, state: State, number: int) -> State:
        """About to make the first call of the order's next step."""
        ours = state.ours[number]
        if ours.status == INTENT:
            if state.time:
                return state._replace(call=("commit", number, OVER, NONE))
            if not self._is_covered(state, number):
                return state._replace(call=("find", number, "uncovered"))
            return state._replace(call=("commit", number, SUBMITTING, NONE, "submit"))
        if ours.status == INACTIVE:
            if state.time or state.halted:
                return state._replace(call=("cancel", number, "given up"))
            if not self._is_covered(state, number):
                return state._replace(call=("find", number, "uncovered"))
            return state._replace(call=("commit", number, ACTIVATING, ours.oid, "activate"))
        if ours.status in OPEN:
            return state._replace(call=("find", number, ours.status))
        return self._left(state, number)

    def _committed(self, state: State, number: int, status: str, oid: int, then: str = "") -> Iterator[Step]:
        """The order's next state is written down, unless it would be sent and nothing may be."""
        if then and state.halted:
            yield Step(("held", number), self._left(state, number))
            return
        attempts = state.ours[number].attempts + (then == "submit")
        after = _with_ours(state, number, status=status, oid=oid, attempts=min(attempts, 2))
        if not then:
            after = self._stepping(after, number)
        else:  # unless the session has ended meanwhile
            after = self._left(after, number) if after.time else after._replace(call=(then, number))
        yield Step(("commit", number), after)

    def _submitted(self, state: State, number: int) -> Iterator[Step]:
        ours = state.ours[number]
        request = Request("submit", number, self._key(ours))
        left = self._left(state, number)
        if self.bug == "a time-out is a refusal":
            left = state._replace(call=("commit", number, REJECTED, NONE))
        for step in self._sent(state, request, state, left):
            if step.label[-1] in ANSWERED:
                step = step._replace(after=self._confirming(step.after, number, self._answer(step.after, number)))  # noqa: PLW2901
            yield step
        if state.faults:
            yield Step(("submit", number, "refused"), self._refused(_less(state), number), fault=True)

    def _answer(self, state: State, number: int) -> int:
        """The order a broker names when it has taken one: the last it has, or the one it has under the key."""
        return self._found(state, number) if self.kind.keyed else len(state.theirs) - 1

    def _refused(self, state: State, number: int) -> State:
        """The broker says no, and shows what it has under the key all the same."""
        if (found := self._found(state, number)) != NONE:
            return self._confirming(state, number, found)
        if state.ours[number].attempts > 1 and self.bug != "a refusal of a retry is final":
            return self._left(state, number)
        return _excused(state, number)._replace(call=("commit", number, REJECTED, NONE))

    def _activated(self, state: State, number: int) -> Iterator[Step]:
        oid = state.ours[number].oid
        if self.bug == "whatever is found is activated":
            mine = [o for o, t in enumerate(state.theirs) if t.decision == number and t.status == INACTIVE]
            oid = max(mine, default=oid)
        wrong = "" if oid == state.ours[number].oid else "I4: another order than the recorded one is activated"
        after, left = state._replace(call=("find", number, "activated")), self._left(state, number)
        if self.bug == "placed again after a lost activation":
            left = state._replace(call=("commit", number, INTENT, NONE))
        for step in self._sent(state, Request("activate", oid), after, left):
            yield step._replace(broken=wrong)
        if state.faults and state.theirs[oid].status == INACTIVE:
            refused = _excused(_less(state), number)._replace(call=("find", number, "refused"))
            yield Step(("activate", oid, "refused"), refused, fault=True)

    def _looked_up(self, state: State, number: int, why: str) -> State:
        """What follows from the broker's answer, or from its having none."""
        found, ours = self._found(state, number), state.ours[number]
        if found == NONE and why == "uncovered":
            return self._left(state, number)
        if found == NONE:
            is_lost = not self.kind.two_step and not self.kind.keyed and self.bug != "submitted again without a key"
            return state._replace(call=("commit", number, QUARANTINED if is_lost else INTENT, NONE))
        status = state.theirs[found].status
        is_final = self.bug == "a refusal of an activation is final"
        if (why, status) == ("given up", ENDED) or (is_final and (why, status) == ("refused", INACTIVE)):
            return state._replace(call=("commit", number, OVER, ours.oid))
        if (why, status) == ("refused", INACTIVE):
            return state._replace(call=("cancel", number, "given up"))
        if status == LIVE and ours.status == WORKING and why == WORKING and state.time > 1:
            return state._replace(call=("cancel", number, "taken back"))
        return self._adopting(state, number, found)

    def _confirming(self, state: State, number: int, oid: int) -> State:
        """About to ask whether the order that was named is the one under our key."""
        if self.bug == "placed again after a lost activation":  # which this question would heal
            return self._adopting(state, number, oid)
        return state._replace(call=("find", number, "answer", oid, state.theirs[oid].status))

    def _adopting(self, state: State, number: int, oid: int, status: str = "") -> State:
        """About to write down what the broker says or has said, where that is news."""
        status = SAID[status or state.theirs[oid].status]
        if status == state.ours[number].status:
            return self._left(state, number)
        return state._replace(call=("commit", number, status, oid))

    # -- the network

    def _sent(self, state: State, request: Request, after: State, left: State) -> Iterator[Step]:
        """A request and what may become of it: `after` it was answered, or `left` in doubt."""
        label = request.name, request.target
        yield Step((*label, "answered"), self._delivered(after, request))
        if not state.faults:
            return
        yield Step((*label, "lost"), _less(left), fault=True)
        yield Step((*label, "unanswered"), self._delivered(_less(left), request), fault=True)
        yield Step((*label, "late"), _flying(_less(left), request), fault=True)
        if self.kind.duplicates:
            once = self._delivered(_less(after), request)
            yield Step((*label, "doubled"), self._delivered(once, request), fault=True)
            yield Step((*label, "echoed"), _flying(once, request), fault=True)

    def _is_told(self, state: State, number: int) -> bool:
        """Whether we know of a decision's order what the broker knows."""
        ours = state.ours[number]
        if ours.status in {WORKING, FILLED}:
            return state.theirs[ours.oid].status == (LIVE if ours.status == WORKING else FILLED)
        alive = [o for o in state.theirs if o.decision == number and o.status in {LIVE, FILLED}]
        return ours.status not in OPEN and not alive


def _less(state: State) -> State:
    return state._replace(faults=state.faults - 1)


def _flying(state: State, request: Request) -> State:
    return state._replace(flying=tuple(sorted((*state.flying, request))))


def _with_order(state: State, oid: int, status: str) -> State:
    orders = list(state.theirs)
    orders[oid] = orders[oid]._replace(status=status)
    return state._replace(theirs=tuple(orders))


def _with_ours(state: State, number: int, **changes: Any) -> State:
    decisions = list(state.ours)
    decisions[number] = decisions[number]._replace(**changes)
    return state._replace(ours=tuple(decisions))


def _excused(state: State, number: int) -> State:
    return _with_ours(state, number, excused=True)
