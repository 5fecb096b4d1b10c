"""Bulk exports in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gateway.core.exports import Export, ExportFile, ExportStatus
from gateway.store.codec import instant_text
from gateway.store.exportcodec import (
    FileColumns,
    JobColumns,
    file_columns,
    is_held,
    job_columns,
    read_file,
    read_job,
)
from gateway.store.journal import Journal


class MemoryExports:
    """Jobs and files, kept as the columns the SQL stores write."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._jobs: dict[str, JobColumns] = {}
        self._files: dict[str, tuple[FileColumns, ...]] = {}

    def add(self, export: Export) -> None:
        """Keep a new job."""
        self._journal.put(self._jobs, export.id, job_columns(export, export.asked_at))

    def get(self, export_id: str) -> Export | None:
        """Return a job, expired or not."""
        row = self._jobs.get(export_id)
        return None if row is None else read_job(row)

    def kept(self, client: str) -> int:
        """Return how many jobs of a client are kept."""
        return sum(row.client == client for row in self._jobs.values())

    def claim(self, now: datetime, until: datetime) -> Export | None:
        """Take the job that waits longest."""
        due = [row for row in self._jobs.values() if row.due <= instant_text(now)]
        if not due:
            return None
        due.sort(key=lambda row: (row.due, row.id))
        found = read_job(due[0])
        taken = replace(found, status=ExportStatus.RUNNING, attempts=found.attempts + 1)
        self._journal.put(self._jobs, taken.id, job_columns(taken, until))
        return taken

    def renew(self, export: Export, until: datetime) -> bool:
        """Keep a job that was taken until a later instant."""
        if not self._holds(export):
            return False
        self._journal.put(self._jobs, export.id, job_columns(export, until))
        return True

    def _holds(self, export: Export) -> bool:
        row = self._jobs.get(export.id)
        return row is not None and is_held(read_job(row), export)

    def finish(self, export: Export, files: Sequence[ExportFile]) -> bool:
        """Write how a job ended, with its files."""
        if not self._holds(export):
            return False
        self._journal.put(self._jobs, export.id, job_columns(export))
        rows = tuple(file_columns(export.id, file) for file in files)
        self._journal.put(self._files, export.id, rows)
        return True

    def files(self, export_id: str) -> list[ExportFile]:
        """Return the files of a job, items left empty, by number."""
        return [read_file(row._replace(items=b"")) for row in self._files.get(export_id, ())]

    def file(self, export_id: str, number: int) -> ExportFile | None:
        """Return one file with its items."""
        found = [row for row in self._files.get(export_id, ()) if row.number == number]
        return read_file(found[0]) if found else None

    def drop(self, export_id: str) -> bool:
        """Forget a job and its files."""
        self._journal.drop(self._files, export_id)
        known = export_id in self._jobs
        self._journal.drop(self._jobs, export_id)
        return known

    def forget(self, before: datetime) -> int:
        """Forget jobs that expired before an instant, with their files."""
        at = instant_text(before)
        old = [row.id for row in self._jobs.values() if row.expires < at]
        return sum(self.drop(export_id) for export_id in old)
