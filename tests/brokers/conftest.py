"""What the tests of several brokers share."""

from collections.abc import Iterator

import pytest
import responses

from tests.brokers.lemon import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    with responses.mock:
        yield Wire()
