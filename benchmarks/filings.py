"""What one filing costs, from the bytes of its XML to complete records, beside a bare parse of the same bytes.

Run it with a folder of ownership documents: `python benchmarks/filings.py FOLDER`. All figures are CPU time of one run,
taken in turns; where edgartools is importable its Form4 is timed on the same documents too.
"""

import gc
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from lxml import etree

from bot.sources.edgar import ownership
from bot.sources.edgar.lines import lines

ROUNDS = 9


def bare(document: bytes) -> Any:
    """The tree, and nothing done with it."""
    return etree.fromstring(document)


def records(document: bytes) -> Any:
    """Everything the document says."""
    return ownership.read(document)


def trades(document: bytes) -> Any:
    """The lines of the trades table besides, footnotes understood."""
    return lines(ownership.read(document), accession="x", filed_on=None, known_at=None, url=None)


def seconds(work: Callable[[bytes], Any], documents: list[bytes]) -> float:
    """CPU seconds for all documents."""
    start = time.process_time()
    for document in documents:
        work(document)
    return time.process_time() - start


def edgartools() -> Callable[[bytes], Any] | None:
    """The reading of edgartools' Form4, its look-up of every owner over the network stubbed; None without it."""
    if not find_spec("edgar"):
        return None
    owners, forms = import_module("edgar.ownership.owners"), import_module("edgar.ownership.ownershipforms")
    company = SimpleNamespace(data=SimpleNamespace(is_company=True))
    patch.object(owners, "Entity", lambda *_: company).start()

    def form4(document: bytes) -> Any:
        return forms.Form4(**forms.Ownership.parse_xml(document.decode()))

    return form4


def main() -> None:
    """Print the figures."""
    documents = [path.read_bytes() for path in sorted(Path(sys.argv[1]).glob("*.xml"))]
    works = [bare, records, trades, *filter(None, [edgartools()])]
    gc.collect()
    gc.freeze()
    times: dict[str, list[float]] = {work.__name__: [] for work in works}
    for _ in range(ROUNDS):
        for work in works:
            times[work.__name__].append(seconds(work, documents))
    costs = {name: median(found) for name, found in times.items()}
    for name, cost in costs.items():
        print(
            f"{name:>8}: {cost / len(documents) * 1e6:7.0f} us a document; {costs['bare'] / cost:.2f} x a bare parse",
            end="",
        )
        print(f"; {costs['form4'] / cost:.1f} x edgartools' Form4" if "form4" in costs else "")


if __name__ == "__main__":
    main()
