"""The same mutations guided by coverage, where atheris is there: an input that reaches new lines is changed further."""

import sys
from importlib import import_module
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from tests.fuzz.campaign import attempt, table_of
from tests.fuzz.mutations import MOST_BYTES, mutant


def guide(table: str, name: str, inputs: int, seed: int) -> NoReturn:
    """Feed one parser so many inputs and end this process: with the first finding, whose input atheris saves."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["bot", "brokers"], enable_loader_override=False):
        from tests.fuzz.parsers import seeds

        parser = table_of(table)[name]

    def one(content: bytes) -> None:
        outcome, _ = attempt(parser, content)
        assert isinstance(outcome, str), outcome

    def change(content: bytes, most: int, chance: int) -> bytes:
        return mutant([content], [1.0], parser.shape, Random(chance))[:most]

    with TemporaryDirectory() as folder:
        for number, example in enumerate(seeds(parser)[0]):
            Path(folder, str(number)).write_bytes(example)
        options = [f"-runs={inputs}", f"-seed={seed}", f"-max_len={MOST_BYTES}", "-rss_limit_mb=2048", "-timeout=20"]
        atheris.Setup([sys.argv[0], *options, folder], one, custom_mutator=change)
        atheris.Fuzz()
    sys.exit()
