"""Queries on bulk exports: jobs and their files."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, func, literal_column, select

from gateway.core.exports import Export, ExportFile, ExportStatus
from gateway.store.codec import instant_text, key_text
from gateway.store.exportcodec import (
    FileColumns,
    JobColumns,
    file_columns,
    is_held,
    job_columns,
    read_file,
    read_job,
)
from gateway.store.sqltext import Compiler, Session
from gateway.store.tables import TABLES

_JOB, _FILE = (TABLES[name].c for name in ("export_job", "export_file"))


class ExportSql:
    """The statements of exports for one database."""

    def __init__(self, c: Compiler) -> None:
        job, file = TABLES["export_job"], TABLES["export_file"]
        self.put = c.upsert(job, JobColumns._fields)
        of_job = _JOB.id == bindparam("of_job")
        self.get = c(select(*_JOB).where(of_job).with_for_update(), "of_job")
        self.read = c(select(*_JOB).where(of_job), "of_job")
        self.kept = c(
            select(func.count()).select_from(job).where(_JOB.client == bindparam("of_client")),
            "of_client",
        )
        due = select(*_JOB).where(_JOB.due <= bindparam("now")).order_by(_JOB.due, _JOB.id)
        self.waiting = c(
            due.limit(literal_column("1"))
            .offset(literal_column("0"))
            .with_for_update(skip_locked=True),
            "now",
        )
        self.insert_file = c.insert(file, FileColumns._fields)
        of_file = _FILE.job == bindparam("of_job")
        heads = [_FILE[name] for name in FileColumns._fields if name != "items"]
        self.files = c(select(*heads).where(of_file).order_by(_FILE.number), "of_job")
        self.file = c(
            select(*_FILE).where(of_file, _FILE.number == bindparam("of_number")),
            "of_job",
            "of_number",
        )
        self.drop_files = c(file.delete().where(of_file), "of_job")
        self.drop = c(job.delete().where(of_job), "of_job")
        self.expired = c(select(_JOB.id).where(_JOB.expires < bindparam("before")), "before")


class SqlExports:
    """`core.export_ports.ExportQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: ExportSql) -> None:
        self._session = session
        self._sql = sql

    def add(self, export: Export) -> None:
        """Keep a new job."""
        self._session.run(self._sql.put, job_columns(export, export.asked_at))

    def get(self, export_id: str) -> Export | None:
        """Return a job, expired or not."""
        rows = self._session.rows(self._sql.read, (key_text(export_id),))
        return read_job(rows[0]) if rows else None

    def kept(self, client: str) -> int:
        """Return how many jobs of a client are kept."""
        return int(self._session.rows(self._sql.kept, (key_text(client),))[0][0])

    def claim(self, now: datetime, until: datetime) -> Export | None:
        """Take the job that waits longest."""
        rows = self._session.rows(self._sql.waiting, (instant_text(now),))
        if not rows:
            return None
        found = read_job(rows[0])
        taken = replace(found, status=ExportStatus.RUNNING, attempts=found.attempts + 1)
        self._session.run(self._sql.put, job_columns(taken, until))
        return taken

    def renew(self, export: Export, until: datetime) -> bool:
        """Keep a job that was taken until a later instant."""
        if not self._holds(export):
            return False
        self._session.run(self._sql.put, job_columns(export, until))
        return True

    def _holds(self, export: Export) -> bool:
        """Tell whether a job is in these hands; it is locked: a client may drop it now."""
        rows = self._session.rows(self._sql.get, (export.id,))
        return bool(rows) and is_held(read_job(rows[0]), export)

    def finish(self, export: Export, files: Sequence[ExportFile]) -> bool:
        """Write how a job ended, with its files."""
        if not self._holds(export):
            return False
        self._session.run(self._sql.put, job_columns(export))
        self._session.run(self._sql.drop_files, (export.id,))
        rows = [file_columns(export.id, file) for file in files]
        self._session.run_many(self._sql.insert_file, rows)
        return True

    def files(self, export_id: str) -> list[ExportFile]:
        """Return the files of a job, items left empty, by number."""
        rows = self._session.rows(self._sql.files, (key_text(export_id),))
        return [read_file((*row, b"")) for row in rows]

    def file(self, export_id: str, number: int) -> ExportFile | None:
        """Return one file with its items."""
        rows = self._session.rows(self._sql.file, (key_text(export_id), number))
        return read_file(rows[0]) if rows else None

    def drop(self, export_id: str) -> bool:
        """Forget a job and its files."""
        self._session.rows(self._sql.get, (key_text(export_id),))
        self._session.run(self._sql.drop_files, (key_text(export_id),))
        return self._session.run(self._sql.drop, (key_text(export_id),)) == 1

    def forget(self, before: datetime) -> int:
        """Forget jobs that expired before an instant, with their files."""
        rows = self._session.rows(self._sql.expired, (instant_text(before),))
        return sum(self.drop(row[0]) for row in rows)
