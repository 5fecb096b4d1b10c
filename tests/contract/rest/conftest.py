"""Each test of this folder asks the FHIR door over the three stores: memory, SQLite, PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from gateway.core.ports import Store
from gateway.entry.api.app import AppSettings, create_app
from tests.contract.store.conftest import (
    durable_url,
    postgresql_database,
    postgresql_server,
    postgresql_url,
    sqlite_url,
    store,
    store_url,
)
from tests.integration.rest.conftest import BASE, Shelf
from tests.support.writing import writing_app

__all__ = [
    "durable_url",
    "postgresql_database",
    "postgresql_server",
    "postgresql_url",
    "sqlite_url",
    "store",
    "store_url",
]


class Hand:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return self.at

    def later(self, hours: float) -> None:
        """Let time pass."""
        self.at += timedelta(hours=hours)


@pytest.fixture
def clock() -> Hand:
    """Give a clock on the day after the first commit."""
    return Hand()


@pytest.fixture
def shelf(store: Store) -> Shelf:
    """Give what puts resources into the store."""
    return Shelf(store)


@pytest.fixture
async def client(store: Store, clock: Hand) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of the application over that store."""
    app = create_app(store, AppSettings(BASE, "9.9.9", "2026-11-21", clock=clock))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as found:
        yield found


@pytest.fixture
async def writer(store: Store, clock: Hand) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client that writes, of the application over that store."""
    transport = httpx2.ASGITransport(app=writing_app(store, clock))
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as found:
        yield found
