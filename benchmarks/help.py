"""How much slower `insiderbot --help` is than the `--help` of a three-line typer program: paired runs, one ratio."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PEER = """import typer
def main(name: str = "you") -> None: print(f"hello {name}")
typer.run(main)
"""
RUNS = 25


def seconds(command: list[str]) -> float:
    """Wall time of one whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print the median of each and the median of the paired ratios."""
    ours = [str(Path(sys.executable).with_name("insiderbot")), "--help"]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "three_lines.py")
        script.write_text(PEER, encoding="utf-8")
        peer = [sys.executable, str(script), "--help"]
        seconds(ours), seconds(peer)  # warm up the file cache
        pairs = [(seconds(ours), seconds(peer)) for _ in range(RUNS)]
    ratio = statistics.median(a / b for a, b in pairs)
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"insiderbot --help {mine * 1000:.0f} ms, three-line typer program {theirs * 1000:.0f} ms")
    print(f"ratio {ratio:.2f} (median of {RUNS} pairs; at most 1.3)")


if __name__ == "__main__":
    main()
