"""A gateway that feeds the local double of the shared record."""

import pytest

from gateway.store.factory import open_store
from tests.integration.record.test_letters_are_fed import Feeding
from tests.support.dmp import record


@pytest.fixture
async def feeding(tmp_path):
    """Give the double, and a gateway on a store of its own."""
    store = open_store(f"sqlite:///{tmp_path}/record.db")
    async with record(tmp_path) as shared:
        await store.open()
        try:
            yield Feeding(shared, store)
        finally:
            await store.close()
