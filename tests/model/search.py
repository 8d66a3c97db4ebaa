"""Searches a graph of states whole: what can be reached, what is wrong there, and from where there is no way out."""

from collections import deque
from dataclasses import dataclass

from tests.model.protocol import Label, Model, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search has found; of every kind of trouble the shortest path to it, as the steps that lead there."""

    states: int
    transitions: int
    broken: dict[str, list[Label]]
    stuck: list[Label] | None

    @property
    def troubles(self) -> dict[str, list[Label]]:
        """Every trouble with its shortest path."""
        return self.broken | ({"I7: from here it never agrees": self.stuck} if self.stuck is not None else {})


def search(model: Model, start: State, *, first: bool = False) -> Found:
    """Every state that can be reached; with `first`, only until something is broken.

    A state is stuck when no run in which nothing goes wrong leads from it to where both books agree.
    """
    came: dict[State, tuple[State, Label] | None] = {start: None}
    back: dict[State, list[State]] = {}
    broken: dict[str, list[Label]] = {}
    transitions = 0
    queue = deque([start])
    while queue and not (first and broken):
        state = queue.popleft()
        for step in model.steps(state):
            transitions += 1
            if step.after not in came:
                came[step.after] = state, step.label
                queue.append(step.after)
            trouble = step.broken or model.wrong(step.after)
            if trouble and trouble not in broken:
                broken[trouble] = [*path(came, state), step.label]
            if not step.fault:
                back.setdefault(step.after, []).append(state)
    stuck = None if broken else _stuck(model, came, back)
    return Found(states=len(came), transitions=transitions, broken=broken, stuck=stuck)


def path(came: dict[State, tuple[State, Label] | None], state: State) -> list[Label]:
    """The steps from the start to a state."""
    steps = []
    while before := came[state]:
        state, label = before
        steps.append(label)
    return steps[::-1]


def _stuck(
    model: Model, came: dict[State, tuple[State, Label] | None], back: dict[State, list[State]]
) -> list[Label] | None:
    """The shortest path to a state from which agreement cannot be reached."""
    safe = {state for state in came if model.agrees(state)}
    queue = deque(safe)
    while queue:
        for before in back.get(queue.popleft(), ()):
            if before not in safe:
                safe.add(before)
                queue.append(before)
    lost = next((state for state in came if state not in safe), None)
    return None if lost is None else path(came, lost)
