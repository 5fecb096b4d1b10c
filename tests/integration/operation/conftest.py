"""One gateway for the tests of a file: starting one takes seconds."""

from collections.abc import AsyncIterator

import pytest

from tests.support.ops_site import OpsSite, ops_site
from tests.support.pipeline import START, HandClock


@pytest.fixture
async def office() -> AsyncIterator[OpsSite]:
    """Give a gateway of its own to a test."""
    async with ops_site(HandClock(START)) as made:
        yield made
