"""Makes the store an address names; nothing is connected before `open`."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.core.ports import Store
from gateway.store.databases import Database, postgresql_database, sqlite_database
from gateway.store.memory import MemoryStore
from gateway.store.migrate import HEAD, prepare
from gateway.store.problems import bad_url
from gateway.store.sqlstore import SqlStore

#: Longest wait for one operation.
TIMEOUT_S = 30.0


def open_store(url: str, timeout_s: float = TIMEOUT_S) -> Store:
    """Return the store at an address; `open` connects.

    Args:
        url: `sqlite:///file`, `sqlite://` (a temporary file, gone at `close`),
            `postgresql://user@host/database` or `memory://`.
        timeout_s: longest wait for one read or write.

    Raises:
        FatalError: no such kind of store (RLS-STO-008).
    """
    if url.startswith("memory:"):
        return MemoryStore()
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite" and not parsed.database:
        # Made by `open`: an address that is merely looked at leaves nothing behind.
        return SqlStore(partial(_temporary, timeout_s), timeout_s)
    return SqlStore(_connector(parsed, timeout_s), timeout_s)


def migrate(url: str, timeout_s: float = TIMEOUT_S) -> tuple[str | None, str]:
    """Bring the database at an address to the schema of this release.

    Returns:
        The version found (None: an empty database) and the version it has now.

    Raises:
        FatalError: no such kind of store (RLS-STO-008), or a newer schema (RLS-STO-002).
    """
    database = _connector(_parsed(url), timeout_s)()
    try:
        with database.writer.begin() as connection:
            database.check(connection)
            found = prepare(connection, database.name, upgrade_old=True)
    finally:
        database.dispose()
    return found, HEAD


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise bad_url() from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise bad_url(parsed.get_backend_name())
    return parsed


def _connector(url: URL, timeout_s: float) -> Callable[[], Database]:
    if url.get_backend_name() == "sqlite":
        return partial(sqlite_database, Path(url.database or ""), timeout_s)
    return partial(postgresql_database, url, timeout_s)


def _temporary(timeout_s: float) -> Database:
    folder = Path(tempfile.mkdtemp(prefix="relais-"))
    database = sqlite_database(folder / "relais.db", timeout_s)
    return replace(database, folder=folder)
