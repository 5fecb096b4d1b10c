"""How Relais connects to SQLite and to PostgreSQL: engines, pragmas, session settings, threads."""

import shutil
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL

from gateway.store.problems import bad_encoding
from gateway.store.sqltext import run_raw

#: Each is an await of up to one transaction; more threads than this wait for the disk anyway.
_READERS = 4
_POSTGRESQL_WRITERS = 2
_CONNECT_TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Database:
    """Where to write and where to read.

    Attributes:
        name: `sqlite` or `postgresql`.
        writer: connections whose transactions may write.
        reader: connections that cannot write, each transaction on one snapshot.
        writers: threads that write.
        readers: threads that read.
        folder: of a temporary database, removed with it.
    """

    name: str
    writer: Engine
    reader: Engine
    writers: int
    readers: int
    folder: Path | None = None

    def check(self, connection: Connection) -> None:
        """Refuse a database that cannot hold every character.

        Raises:
            FatalError: its encoding is not UTF-8 (RLS-STO-007).
        """
        query = "PRAGMA encoding" if self.name == "sqlite" else "SHOW server_encoding"
        encoding = str(connection.execute(text(query)).scalar_one())
        if encoding.replace("-", "").upper() != "UTF8":
            raise bad_encoding(self.name, encoding)

    def dispose(self) -> None:
        """Close every connection."""
        self.writer.dispose()
        self.reader.dispose()
        if self.folder is not None:
            shutil.rmtree(self.folder)


def sqlite_database(path: Path, timeout_s: float) -> Database:
    """Return the engines of a SQLite file, which is made when it is not there."""
    # Holds health data: for the user of this process only. The WAL file takes the same rights.
    path.touch(mode=0o600)
    url = URL.create("sqlite+pysqlite", database=str(path))
    wait_s = min(timeout_s, 5.0)

    def engine(begin: str, readonly: bool, size: int) -> Engine:
        made = create_engine(
            url,
            pool_size=size,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"check_same_thread": False, "timeout": wait_s},
        )
        event.listen(
            made, "connect", lambda raw, record: _set_up(raw, record.info, readonly, wait_s)
        )
        event.listen(made, "begin", partial(_begin, begin))
        return made

    # One writer at a time, who never finds the database locked after it has read (FULL: a
    # commit is on the disk when it returns).
    return Database(
        name="sqlite",
        writer=engine("BEGIN IMMEDIATE", readonly=False, size=1),
        reader=engine("BEGIN", readonly=True, size=_READERS),
        writers=1,
        readers=_READERS,
    )


def _begin(statement: str, connection: Connection) -> None:
    raw: Any = connection.connection.driver_connection
    run_raw(raw, statement)


def _set_up(raw: sqlite3.Connection, info: dict[str, Any], readonly: bool, wait_s: float) -> None:
    raw.isolation_level = None  # The `begin` listener starts transactions.
    _write_ahead(raw, wait_s)
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-32768",
        "wal_autocheckpoint=4000",
        "journal_size_limit=67108864",
        f"query_only={'ON' if readonly else 'OFF'}",
    ):
        raw.execute(f"PRAGMA {pragma}")
    if readonly:
        # A reader that never ends lets the write-ahead log grow without end.
        raw.set_progress_handler(lambda: time.monotonic() > info.get("deadline", 1e300), 100_000)


def _write_ahead(raw: sqlite3.Connection, wait_s: float) -> None:
    # A new file is switched once. SQLite answers "busy" at once, without its own wait, to a second
    # process that switches it at the same moment.
    until = time.monotonic() + wait_s
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as found:
            is_busy = found.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def postgresql_database(url: URL, timeout_s: float) -> Database:
    """Return the engines of a PostgreSQL database."""
    url = url.set(drivername="postgresql+psycopg")
    limit = str(int(timeout_s * 1000))
    limits = {"statement_timeout": limit, "idle_in_transaction_session_timeout": limit}
    # Writers look rows up by key. A plan made while a table was small is kept; it must not be
    # one that scans the table when it has grown.
    by_key = {"enable_seqscan": "off"}

    def engine(size: int, settings: Mapping[str, str], **options: Any) -> Engine:
        made = create_engine(
            url,
            pool_size=size,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_TIMEOUT_S, "application_name": "relais"},
            **options,
        )
        event.listen(made, "connect", lambda raw, _: _set_up_session(raw, {**limits, **settings}))
        return made

    return Database(
        name="postgresql",
        writer=engine(_POSTGRESQL_WRITERS, by_key),
        reader=engine(
            _READERS,
            {},
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
        ),
        writers=_POSTGRESQL_WRITERS,
        readers=_READERS,
    )


def _set_up_session(raw: Any, settings: Mapping[str, str]) -> None:
    with raw.cursor() as cursor:
        for name, value in {"client_encoding": "UTF8", **settings}.items():
            cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
        # An answer to a sender promises durability, whatever the server's default.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
    raw.commit()
