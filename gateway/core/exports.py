"""Bulk exports as values: what a client asked for, and the files that answer it.

Spec: HL7 Bulk Data Access 2.0.0 and 3.0.0 (`_until`), export. What the parameters mean is in
`fhir.export`; the store keeps both in `core.export_ports`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.core.access import Sight


class ExportStatus(StrEnum):
    """How far an export is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Export:
    """A job.

    Attributes:
        id: random, part of its address.
        client: who asked; nobody else sees it.
        asked_at: UTC.
        expires: from then on it is gone with its files, UTC.
        request: the whole address that was asked, for the manifest.
        level: `` for the system, `Patient` for all persons.
        types: resource types that go in, those the client has no right to left out.
        parameters: names and values of the request, in order.
        lenient: what was not understood is left out.
        protected: its files need an access token.
        sees: what the client may be shown, as of `asked_at`; None: everything.
        status: how far it is.
        attempts: how often it was begun.
        transaction_time: every change up to this instant is in its files; None until done.
    """

    id: str
    client: str
    asked_at: datetime
    expires: datetime
    request: str
    level: str
    types: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...] = ()
    lenient: bool = False
    protected: bool = False
    sees: Sight | None = None
    status: ExportStatus = ExportStatus.QUEUED
    attempts: int = 0
    transaction_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One file of an export: which versions it is made of, not their content.

    Content is read from the history when the file is fetched, so that health data lie in one
    place only and what was erased meanwhile does not leave.

    Attributes:
        number: of the file in its job, from 1.
        type: resource type.
        count: lines.
        deleted: it names what is deleted, as Bundles.
        items: (id, version) of each resource, by id.
    """

    number: int
    type: str
    count: int
    deleted: bool = False
    items: tuple[tuple[str, int], ...] = field(default=(), repr=False)
