"""Each test of this folder runs on the three stores: memory, SQLite, PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from gateway.core.ports import Store
from gateway.store.factory import migrate, open_store
from gateway.store.tables import TABLES
from tests.support import postgres

LIMIT_S = 20.0


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Give the address of a private server."""
    with postgres.server() as address:
        yield address


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: str) -> Iterator[str]:
    """Give the address of a database with our tables."""
    with postgres.database(postgresql_server) as address:
        migrate(address)
        yield address


@pytest.fixture
def postgresql_url(postgresql_database: str) -> str:
    """Give the address of a database whose tables are empty."""
    with psycopg.connect(postgresql_database, autocommit=True) as connection:
        names = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, TABLES))
        connection.execute(psycopg.sql.SQL("TRUNCATE {} RESTART IDENTITY").format(names))
    return postgresql_database


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give the address of a file that is not there yet."""
    return f"sqlite:///{tmp_path / 'relais.db'}"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Give an address of each kind."""
    if request.param == "memory":
        return "memory://"
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def durable_url(request: pytest.FixtureRequest) -> str:
    """Give an address of each kind that outlives its store."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """Give an open, empty store."""
    opened = open_store(store_url, timeout_s=LIMIT_S)
    await opened.open()
    yield opened
    await opened.close()
