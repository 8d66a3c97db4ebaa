"""Mutated inputs for every parser, in processes that are watched: what may come of one, and what is told of all.

A process that hangs, dies or grows is ended and its input is a finding; another one goes on behind it.
"""

import importlib
import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from pathlib import Path
from traceback import extract_tb
from typing import Any

ROOT = Path(__file__).parents[2]
OURS = tuple(f"{ROOT / name}/" for name in ("bot", "brokers", "strategies", "tests"))
CHUNK = 2000  # inputs of a process
LONGEST_SENTENCE = 4000  # characters; a few names from a broken file, each of them escaped
SCHEDULE = Path("/proc/self/schedstat")
NOT_YET = -1
STARTS = 60.0  # seconds in which a process begins
ADDRESS_SPACE = 16 << 30  # bytes; a net under the limit, not the limit
UNIT = 1 if sys.platform == "darwin" else 1024  # bytes, of ru_maxrss


@dataclass(frozen=True)
class Limits:
    """What an input may take: seconds, after which it is slow; seconds, after which it hangs; megabytes, in all."""

    seconds: float = 1.0
    hang: float = 20.0
    megabytes: float = 512.0


@dataclass(frozen=True)
class Finding:
    """An input that a parser did not take as it should; `problem` is the same for inputs that fail alike."""

    parser: str
    number: int
    problem: str
    detail: str = ""


@dataclass
class Tally:
    """What came of a parser's inputs."""

    inputs: int = 0
    read: int = 0
    refused: int = 0
    slowest_ms: float = 0.0
    slowest: int = -1
    peak_mb: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.inputs += other.inputs
        self.read += other.read
        self.refused += other.refused
        if other.slowest_ms > self.slowest_ms:
            self.slowest_ms, self.slowest = other.slowest_ms, other.slowest
        self.peak_mb = max(self.peak_mb, other.peak_mb)
        self.findings += other.findings


@dataclass(frozen=True)
class Task:
    """Some of a parser's inputs; `table` is where its line stands, as module:name."""

    table: str
    parser: str
    seed: int
    numbers: range
    limits: Limits


def table_of(name: str) -> Mapping[str, Any]:
    """The parsers at module:name."""
    module, _, attribute = name.partition(":")
    found: Mapping[str, Any] = getattr(importlib.import_module(module), attribute)
    return found


def tasks(table: str, names: Sequence[str], inputs: int, seed: int, limits: Limits) -> list[Task]:
    """So many inputs in all, the same number for each parser, in chunks: every parser's first, then their second."""
    each = -(-inputs // len(names))
    starts = range(0, each, CHUNK)
    return [
        Task(table, name, seed, range(start, min(start + CHUNK, each)), limits) for start in starts for name in names
    ]


def run(waiting: Iterable[Task], jobs: int, progress: Callable[[int], None] = lambda _: None) -> dict[str, Tally]:
    """Do the tasks, so many at a time; the tallies by parser. `progress` is told how many inputs are done."""
    queue = deque(waiting)
    tallies = {task.parser: Tally() for task in queue}
    context = get_context("forkserver")
    context.set_forkserver_preload([task.table.partition(":")[0] for task in list(queue)[:1]])
    workers: list[Worker] = []
    try:
        while queue or workers:
            workers += [Worker(context, queue.popleft()) for _ in range(min(jobs - len(workers), len(queue)))]
            connection.wait([worker.pipe for worker in workers], timeout=0.1)
            for worker in [worker for worker in workers if worker.is_done()]:
                workers.remove(worker)
                tally, left = worker.result()
                tallies[worker.task.parser].add(tally)
                queue.extendleft(left)
            progress(sum(tally.inputs for tally in tallies.values()))
    except KeyboardInterrupt:  # what is done is told
        pass
    finally:
        for worker in workers:
            worker.end()
    return tallies


class Worker:
    """A process that does one task, and the watch over it."""

    def __init__(self, context: Any, task: Task) -> None:
        self.task = task
        self._at = context.RawValue("q", NOT_YET)
        self.pipe, there = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(task, self._at, there), daemon=True)
        self._process.start()
        there.close()
        self._seen, self._since = NOT_YET, time.monotonic()

    def is_done(self) -> bool:
        """Whether there is a result: its own, or that it stands still."""
        if self._at.value != self._seen:
            self._seen, self._since = self._at.value, time.monotonic()
        return bool(self.pipe.poll()) or self._is_hanging()

    def result(self) -> tuple[Tally, list[Task]]:
        """What came of it, and what is left to do; of a task whose process did not end by itself, all but one input."""
        numbers, limits = self.task.numbers, self.task.limits
        try:
            tally: Tally = self.pipe.recv() if self.pipe.poll() else Tally()
        except EOFError:
            tally = Tally()
        hung = not tally.inputs and self._is_hanging()
        self.end()
        if tally.inputs:
            return tally, self._left(numbers.start + tally.inputs)
        number = max(self._at.value, numbers.start)
        problem = f"took more than {limits.hang:g} s" if hung else f"ended its process ({self._process.exitcode})"
        finding = Finding(self.task.parser, number, problem)
        before = self._left(numbers.start, number)
        return Tally(inputs=1, findings=[finding]), [*self._left(number + 1), *before]

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()

    def _is_hanging(self) -> bool:
        return time.monotonic() - self._since > (STARTS if self._seen == NOT_YET else self.task.limits.hang)

    def _left(self, start: int, stop: int | None = None) -> list[Task]:
        task, stop = self.task, self.task.numbers.stop if stop is None else stop
        return [Task(task.table, task.parser, task.seed, range(start, stop), task.limits)] if start < stop else []


def _work(task: Task, at: Any, pipe: Any) -> None:
    """Do the task in this process, up to the input that needs too much memory."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE if most < 0 else min(ADDRESS_SPACE, most), most))
    parser = table_of(task.table)[task.parser]
    tally = Tally()
    for number in task.numbers:
        at.value = number
        _take(tally, parser, task, number)
        if tally.peak_mb > task.limits.megabytes:
            break
    pipe.send(tally)


def _take(tally: Tally, parser: Any, task: Task, number: int) -> None:
    content = parser.input(task.seed, number)
    outcome, seconds = attempt(parser, content)
    if seconds > task.limits.seconds:  # again: the first of a kind may have had something to prepare
        outcome, seconds = attempt(parser, content)
    tally.inputs += 1
    tally.read += outcome == "read"
    tally.refused += outcome == "refused"
    if seconds * 1000 > tally.slowest_ms:
        tally.slowest_ms, tally.slowest = seconds * 1000, number
    tally.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / 1e6
    if isinstance(outcome, tuple):
        tally.findings.append(Finding(task.parser, number, *outcome))
    if seconds > task.limits.seconds:
        tally.findings.append(Finding(task.parser, number, "is slow", f"{seconds:.1f} s"))
    if tally.peak_mb > task.limits.megabytes:
        tally.findings.append(Finding(task.parser, number, "takes too much memory", f"{tally.peak_mb:.0f} MB"))


def attempt(parser: Any, content: bytes) -> tuple[str | tuple[str, str], float]:
    """What comes of one input, `read`, `refused`, or a problem with its detail; and in how many seconds of its own."""
    begun = time.perf_counter() - _queued()
    outcome: str | tuple[str, str]
    try:
        parser.read(content)
        outcome = "read"
    except parser.error as error:
        told = str(error)
        is_sentence = told.isprintable() and 0 < len(told) <= LONGEST_SENTENCE
        outcome = "refused" if is_sentence else ("is refused without one clear sentence", repr(told)[:LONGEST_SENTENCE])
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        outcome = _place(error), repr(error)[:LONGEST_SENTENCE]
    return outcome, time.perf_counter() - _queued() - begun


def _queued() -> float:
    """How many seconds this process has waited for a processor, where the system tells: they are not its own."""
    try:
        return int(SCHEDULE.read_bytes().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def _place(error: BaseException) -> str:
    """An error by its type and by the last line of ours that it went through."""
    ours = [frame for frame in extract_tb(error.__traceback__) if frame.filename.startswith(OURS)]
    path = Path(ours[-1].filename).relative_to(ROOT)
    return f"{type(error).__name__} in {path}:{ours[-1].lineno}"
