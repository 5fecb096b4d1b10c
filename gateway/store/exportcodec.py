"""How bulk exports look inside the store; shared by the three stores."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from gateway.core.access import Audience, Sight
from gateway.core.exports import Export, ExportFile, ExportStatus
from gateway.store.codec import instant_text, json_bytes, read_instant, seal, storable, unseal
from gateway.store.columns import NEVER


class JobColumns(NamedTuple):
    """A row of `export_job`, in the order of the table."""

    id: str
    client: str
    status: str
    due: str
    expires: str
    content: bytes


class FileColumns(NamedTuple):
    """A row of `export_file`, in the order of the table."""

    job: str
    number: int
    type: str
    lines: int
    deleted: int
    items: bytes


def job_columns(export: Export, due: datetime | None = None) -> JobColumns:
    """Return the columns of a job that may be taken at an instant, or not any more."""
    content = {
        "asked_at": instant_text(export.asked_at),
        "request": export.request,
        "level": export.level,
        "types": export.types,
        "parameters": export.parameters,
        "lenient": export.lenient,
        "protected": export.protected,
        "sees": export.sees and [export.sees.has_territory, export.sees.audience.value],
        "attempts": export.attempts,
        "transaction_time": None
        if export.transaction_time is None
        else instant_text(export.transaction_time),
    }
    return JobColumns(
        storable(export.id),
        storable(export.client),
        export.status.value,
        NEVER if due is None else instant_text(due),
        instant_text(export.expires),
        # A filter of the request may name a person.
        seal(json_bytes(content)),
    )


def read_job(columns: Sequence[Any]) -> Export:
    """Make a job of its columns."""
    row = JobColumns(*columns)
    content = orjson.loads(unseal(row.content))
    done = content["transaction_time"]
    return Export(
        id=row.id,
        client=row.client,
        asked_at=read_instant(content["asked_at"]),
        expires=read_instant(row.expires),
        request=content["request"],
        level=content["level"],
        types=tuple(content["types"]),
        parameters=tuple((name, value) for name, value in content["parameters"]),
        lenient=content["lenient"],
        protected=content["protected"],
        sees=_sight(row.client, content),
        status=ExportStatus(row.status),
        attempts=content["attempts"],
        transaction_time=None if done is None else read_instant(done),
    )


def is_held(stored: Export, taken: Export) -> bool:
    """Tell whether a job is still in the hands of whoever took it, by the attempt it is at."""
    return stored.status is ExportStatus.RUNNING and stored.attempts == taken.attempts


def _sight(client: str, content: dict[str, Any]) -> Sight | None:
    if content["sees"] is None:
        return None
    has_territory, audience = content["sees"]
    return Sight(client, has_territory, Audience(audience), read_instant(content["asked_at"]))


def file_columns(export_id: str, file: ExportFile) -> FileColumns:
    """Return the columns of a file."""
    items = zlib.compress(orjson.dumps(file.items), 1)
    return FileColumns(export_id, file.number, file.type, file.count, int(file.deleted), items)


def read_file(columns: Sequence[Any]) -> ExportFile:
    """Make a file of its columns; empty `items` stay empty."""
    row = FileColumns(*columns)
    items = orjson.loads(zlib.decompress(row.items)) if row.items else ()
    found = tuple((id_, version) for id_, version in items)
    return ExportFile(row.number, row.type, row.lines, bool(row.deleted), found)
