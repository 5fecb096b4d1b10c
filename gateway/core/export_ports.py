"""What bulk exports need of the store: the jobs and the files made of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway.core.exports import Export, ExportFile


class ExportQueries(Protocol):
    """Jobs and their files."""

    def add(self, export: Export) -> None:
        """Keep a new job."""
        ...

    def get(self, export_id: str) -> Export | None:
        """Return a job, expired or not."""
        ...

    def kept(self, client: str) -> int:
        """Return how many jobs of a client are kept."""
        ...

    def claim(self, now: datetime, until: datetime) -> Export | None:
        """Take the job that waits longest, its attempt counted; None when none waits.

        A job that was taken and not ended by `until` waits again: its process is gone.
        """
        ...

    def renew(self, export: Export, until: datetime) -> bool:
        """Keep a job that was taken until a later instant.

        False when it is not in these hands any more: it was dropped, or taken again since.
        """
        ...

    def finish(self, export: Export, files: Sequence[ExportFile]) -> bool:
        """Write how a job ended, with its files.

        False, and nothing is written, when it is not in these hands any more, as of `renew`.
        """
        ...

    def files(self, export_id: str) -> list[ExportFile]:
        """Return the files of a job, items left empty, by number."""
        ...

    def file(self, export_id: str, number: int) -> ExportFile | None:
        """Return one file with its items."""
        ...

    def drop(self, export_id: str) -> bool:
        """Forget a job and its files; False when there was none."""
        ...

    def forget(self, before: datetime) -> int:
        """Forget jobs that expired before an instant, with their files; return how many."""
        ...
