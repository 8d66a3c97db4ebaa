"""`python -m tests.fuzz`: a million mutated inputs over all parsers, which may refuse them and nothing else.

Exits with 1 when there is a finding; its input is saved, and is the same again for the same seed and number.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.fuzz.campaign import Finding, Limits, Tally, run, table_of, tasks

SAVED = 3  # inputs of each problem
EVERY = 10.0  # seconds between two lines of progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments say; 0 without a finding."""
    options = _options(arguments)
    if options.atheris:  # before anything of ours is imported, which would not be watched then
        from tests.fuzz.guided import guide

        guide(options.table, options.parser[0], options.inputs, options.seed)
    table = table_of(options.table)
    names = options.parser or list(table)
    if unknown := [name for name in names if name not in table]:
        sys.exit(f"there is no parser {unknown[0]!r}; choose from {', '.join(table)}")
    begun = time.monotonic()
    limits = Limits(options.seconds, options.hang, options.megabytes)
    work = tasks(options.table, names, options.inputs, options.seed, limits)
    tallies = run(work, options.jobs, Progress(sum(len(task.numbers) for task in work)))
    _say(f"{_table(tallies)}\n{_totals(tallies)}, seed {options.seed}, {time.monotonic() - begun:.0f} s")
    findings = [finding for tally in tallies.values() for finding in tally.findings]
    for finding in _first(findings):
        path = _save(table[finding.parser].input(options.seed, finding.number), finding, options)
        where = f"{finding.parser}, seed {options.seed}, input {finding.number}"
        _say(f"{where}: {finding.problem}: {finding.detail}\n  {path}")
    if options.json:
        told = {"seed": options.seed, "parsers": {name: asdict(tally) for name, tally in tallies.items()}}
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    return 1 if findings else 0


class Progress:
    """A line now and then about how many inputs are done."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._begun = self._told = time.monotonic()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._told > EVERY:
            self._told = now
            sys.stderr.write(f"{done:,} of {self._total:,} inputs in {now - self._begun:.0f} s\n")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    limits = Limits()
    parser.add_argument("--inputs", type=int, default=1_000_000, help="over all parsers (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--parser", action="append", help="only this one; may be given several times")
    parser.add_argument(
        "--seconds", type=float, default=limits.seconds, help="an input may take (default: %(default)s)"
    )
    parser.add_argument("--hang", type=float, default=limits.hang, help="seconds after which a process is ended")
    parser.add_argument("--megabytes", type=float, default=limits.megabytes, help="a process may need")
    parser.add_argument("--json", type=Path, help="a file to write the figures to")
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz"), help="the folder of failing inputs")
    parser.add_argument("--table", default="tests.fuzz.parsers:PARSERS", help="where the parsers stand (module:name)")
    parser.add_argument("--atheris", action="store_true", help="guided by coverage, with one parser (needs atheris)")
    options = parser.parse_args(arguments)
    if options.atheris and len(options.parser or []) != 1:
        parser.error("--atheris needs one --parser")
    return options


def _table(tallies: Mapping[str, Tally]) -> str:
    head = f"{'parser':<16}{'inputs':>9}{'read':>9}{'refused':>9}{'slowest ms':>12}{'peak MB':>9}{'findings':>10}"
    rows = [
        f"{name:<16}{each.inputs:>9,}{each.read:>9,}{each.refused:>9,}{each.slowest_ms:>12.1f}{each.peak_mb:>9.0f}"
        f"{len(each.findings):>10,}"
        for name, each in tallies.items()
    ]
    return "\n".join([head, *rows])


def _totals(tallies: Mapping[str, Tally]) -> str:
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    return (
        f"{total.inputs:,} inputs: {total.read:,} read, {total.refused:,} refused, {len(total.findings):,} findings;"
        f" slowest {total.slowest_ms:.0f} ms, peak {total.peak_mb:.0f} MB"
    )


def _first(findings: Sequence[Finding]) -> list[Finding]:
    """A few of each problem."""
    kept: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kept.setdefault((finding.parser, finding.problem), []).append(finding)
    return [finding for alike in kept.values() for finding in alike[:SAVED]]


def _save(content: bytes, finding: Finding, options: argparse.Namespace) -> Path:
    options.findings.mkdir(parents=True, exist_ok=True)
    path: Path = options.findings / f"{finding.parser}-{options.seed}-{finding.number}"
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    sys.exit(main())
