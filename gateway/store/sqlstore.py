"""The durable store: transactions run in threads, coroutines wait for their commit.

One synchronous implementation serves SQLite and PostgreSQL. SQLite has one writer thread, so
writers never find it locked; readers have connections of their own, which cannot write.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from prometheus_client import Histogram
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import (
    TimeoutError as PoolTimeoutError,
)

from gateway.core.access_ports import AccessQueries
from gateway.core.audit_ports import AuditQueries
from gateway.core.delivery_ports import OutboxQueries, SubscriptionQueries
from gateway.core.directory import DirectoryQueries
from gateway.core.errors import RetriableError
from gateway.core.export_ports import ExportQueries
from gateway.core.feed_ports import FeedQueries
from gateway.core.inbox_ports import InboxQueries
from gateway.core.index_ports import IndexQueries
from gateway.core.pathway_ports import FactQueries, WatchQueries
from gateway.core.ports import (
    ClaimQueries,
    ContributionQueries,
    ResourceQueries,
    Transaction,
)
from gateway.core.work_ports import WorkQueries
from gateway.core.worklist import WorklistQueries
from gateway.store.access import AccessSql, SqlAccess
from gateway.store.audit import AuditSql, SqlAudit
from gateway.store.contributions import ClaimSql, ContributionSql, SqlClaims, SqlContributions
from gateway.store.databases import Database
from gateway.store.directory import DirectorySql, SqlDirectory
from gateway.store.exports import ExportSql, SqlExports
from gateway.store.facts import FactSql, SqlFacts
from gateway.store.feed_watch import FeedWatchSql, SqlFeedWatch
from gateway.store.feeds import FeedSql, SqlFeeds
from gateway.store.inbox import InboxSql, SqlInbox
from gateway.store.index import IndexSql, SqlIndex
from gateway.store.migrate import prepare
from gateway.store.outbox import OutboxSql, SqlOutbox
from gateway.store.problems import ConflictError, closed, conflict, outcome_unknown, unavailable
from gateway.store.resources import ResourceSql, SqlResources
from gateway.store.sqltext import Compiler, Session
from gateway.store.subscriptions import SqlSubscriptions, SubscriptionSql
from gateway.store.watch import SqlWatch, WatchSql
from gateway.store.work import SqlWork, WorkSql
from gateway.store.worklist import SqlWorklist, WorklistSql

T = TypeVar("T")
_SECONDS = Histogram(
    "relais_store_transaction_seconds", "Time in a store thread, by access", ("access",)
)
#: Serialization failure, deadlock: the database asks to run the transaction again.
_AGAIN = ("40001", "40P01")
_ATTEMPTS = 5
_PAUSE_S = 0.02
_HEALTHY_S = 2.0
#: The database is away, locked, full or read-only; anything else is a bug and stays visible.
_AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)


@dataclass(frozen=True, slots=True)
class _Statements:
    compiler: Compiler
    inbox: InboxSql
    contributions: ContributionSql
    claims: ClaimSql
    resources: ResourceSql
    facts: FactSql
    watch: WatchSql
    feeds: FeedSql
    outbox: OutboxSql
    subscriptions: SubscriptionSql
    work: WorkSql
    worklist: WorklistSql
    access: AccessSql
    audit: AuditSql
    feed_watch: FeedWatchSql
    exports: ExportSql
    index: IndexSql
    directory: DirectorySql


def _statements(name: str) -> _Statements:
    c = Compiler(name)
    resources = ResourceSql(c)
    return _Statements(
        c,
        InboxSql(c),
        ContributionSql(c),
        ClaimSql(c),
        resources,
        FactSql(c),
        WatchSql(c),
        FeedSql(c),
        OutboxSql(c),
        SubscriptionSql(c),
        WorkSql(c),
        WorklistSql(c),
        AccessSql(c),
        AuditSql(c),
        FeedWatchSql(c),
        ExportSql(c),
        IndexSql(c, resources),
        DirectorySql(c),
    )


class SqlTransaction:
    """One transaction on one connection."""

    __slots__ = (
        "access",
        "audit",
        "claims",
        "contributions",
        "directory",
        "exports",
        "facts",
        "feeds",
        "inbox",
        "index",
        "outbox",
        "resources",
        "subscriptions",
        "watch",
        "work",
        "worklist",
    )

    def __init__(self, connection: Connection, sql: _Statements) -> None:
        session = Session(connection, sql.compiler)
        self.inbox: InboxQueries = SqlInbox(session, sql.inbox)
        self.contributions: ContributionQueries = SqlContributions(session, sql.contributions)
        self.claims: ClaimQueries = SqlClaims(session, sql.claims)
        self.resources: ResourceQueries = SqlResources(session, sql.resources)
        self.facts: FactQueries = SqlFacts(session, sql.facts)
        feeds = SqlFeeds(session, sql.feeds)
        self.watch: WatchQueries = SqlWatch(session, sql.watch, feeds, self.facts.patients)
        self.outbox: OutboxQueries = SqlOutbox(session, sql.outbox)
        self.subscriptions: SubscriptionQueries = SqlSubscriptions(session, sql.subscriptions)
        self.work: WorkQueries = SqlWork(session, sql.work)
        self.worklist: WorklistQueries = SqlWorklist(session, sql.worklist)
        self.access: AccessQueries = SqlAccess(session, sql.access)
        self.audit: AuditQueries = SqlAudit(session, sql.audit)
        self.feeds: FeedQueries = SqlFeedWatch(session, sql.feed_watch)
        self.exports: ExportQueries = SqlExports(session, sql.exports)
        self.index: IndexQueries = SqlIndex(session, sql.index)
        self.directory: DirectoryQueries = SqlDirectory(session, sql.directory)


class SqlStore:
    """A `core.ports.Store` on SQLite or PostgreSQL.

    Work given to `write` may run more than once: after a deadlock, a conflict with another
    writer or a lost connection it runs again in a new transaction.
    """

    def __init__(self, connect: Callable[[], Database], timeout_s: float) -> None:
        self._connect = connect
        self._timeout_s = timeout_s
        self._database: Database | None = None
        self._sql: _Statements | None = None
        self._writers: ThreadPoolExecutor | None = None
        self._readers: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        """Connect, check or create the schema, start the threads."""
        database = await asyncio.to_thread(self._connect)
        try:
            await asyncio.wait_for(
                asyncio.to_thread(self._prepare, database), max(self._timeout_s, 60.0)
            )
        except TimeoutError as error:
            raise unavailable(database.name, "no answer at start") from error
        self._sql = _statements(database.name)
        self._writers = ThreadPoolExecutor(database.writers, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(database.readers, thread_name_prefix="store-read")
        self._database = database

    @staticmethod
    def _prepare(database: Database) -> None:
        ready = False
        try:
            with database.writer.begin() as connection:
                database.check(connection)
                prepare(connection, database.name)
            ready = True
        except _AWAY as error:
            raise unavailable(database.name, _reason(error)) from error
        finally:
            if not ready:
                database.dispose()

    async def close(self) -> None:
        """Finish what runs, then disconnect."""
        database, self._database = self._database, None
        if database is None or self._writers is None or self._readers is None:
            return
        for executor in (self._writers, self._readers):
            await asyncio.to_thread(executor.shutdown)
        await asyncio.to_thread(database.dispose)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction; durable when this returns."""
        if self._database is None or self._writers is None:
            raise closed()
        return await self._wait(self._writers, self._write, self._database, work, self._timeout_s)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on a snapshot that no writer delays."""
        if self._database is None or self._readers is None:
            raise closed()
        return await self._wait(self._readers, self._read, self._database, work, self._timeout_s)

    async def healthy(self) -> bool:
        """Tell whether a trivial read answers in time."""
        if self._database is None or self._readers is None:
            return False
        limit_s = min(_HEALTHY_S, self._timeout_s)
        try:
            await self._wait(self._readers, self._ping, self._database, None, limit_s)
        except RetriableError:
            return False
        return True

    async def _wait(
        self,
        executor: ThreadPoolExecutor,
        run: Callable[[Database, Any], T],
        database: Database,
        work: Any,
        limit_s: float,
    ) -> T:
        future = executor.submit(run, database, work)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), limit_s)
        except TimeoutError as error:
            where, reason = f"{database.name} {run.__name__.strip('_')}", f"{limit_s:g} s"
            # Not begun: it never will be. Begun: its commit may still succeed.
            if future.cancel() or future.cancelled():
                raise unavailable(where, reason) from error
            raise outcome_unknown(where, reason) from error

    def _write(self, database: Database, work: Callable[[Transaction], T]) -> T:
        attempt = 1
        while True:
            try:
                with _SECONDS.labels("write").time():
                    return self._transact(database, database.writer, work)
            except (*_AWAY, IntegrityError, ConflictError) as error:
                if attempt == _ATTEMPTS or not _worth_again(error):
                    raise _told(database, "write", error) from error
            time.sleep(_PAUSE_S * attempt)
            attempt += 1

    def _transact(self, database: Database, engine: Engine, work: Callable[[Transaction], T]) -> T:
        if self._sql is None:
            raise closed()
        with engine.connect() as connection:
            connection.begin()
            result = work(SqlTransaction(connection, self._sql))
            try:
                connection.commit()
            except _AWAY as error:
                raise self._not_committed(database, error) from error
        return result

    @staticmethod
    def _not_committed(database: Database, error: Exception) -> RetriableError:
        """Tell what a failed commit means: SQLite undoes it, a lost server may have done it."""
        where = f"{database.name} commit"
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if database.name == "sqlite" or not lost:
            return unavailable(where, _reason(error))
        return outcome_unknown(where, _reason(error))

    def _read(self, database: Database, work: Callable[[Transaction], T]) -> T:
        attempt = 1
        while True:
            try:
                with _SECONDS.labels("read").time():
                    return self._snapshot(database, work)
            except _AWAY as error:
                if attempt == _ATTEMPTS or not _worth_again(error):
                    raise _told(database, "read", error) from error
            attempt += 1

    def _snapshot(self, database: Database, work: Callable[[Transaction], T]) -> T:
        if self._sql is None:
            raise closed()
        with database.reader.connect() as connection:
            connection.info["deadline"] = time.monotonic() + self._timeout_s
            connection.begin()
            return work(SqlTransaction(connection, self._sql))

    @staticmethod
    def _ping(database: Database, _: None) -> None:
        try:
            with database.reader.connect() as connection:
                connection.execute(text("SELECT 1"))
        except _AWAY as error:
            raise unavailable(database.name, _reason(error)) from error


def _worth_again(error: Exception) -> bool:
    """Tell whether the same transaction may succeed at once on another attempt."""
    if isinstance(error, ConflictError | IntegrityError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _AGAIN


def _told(database: Database, access: str, error: Exception) -> RetriableError:
    if isinstance(error, ConflictError):
        return error
    if isinstance(error, IntegrityError):
        return conflict()
    return unavailable(f"{database.name} {access}", _reason(error))


def _reason(error: Exception) -> str:
    """Return the kind of a driver's error; its text quotes values."""
    orig = getattr(error, "orig", None)
    name = getattr(orig, "sqlite_errorname", None) or getattr(orig, "sqlstate", None)
    return str(name or type(orig or error).__name__)
