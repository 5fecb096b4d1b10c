"""How entries of the journal look inside the store; shared by the three stores."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from gateway.core.audit import Entry, Link, Sealed, Trace, next_link
from gateway.store.codec import instant_text, json_bytes, key_text, read_instant, storable


class AuditColumns(NamedTuple):
    """A row of `audit_event`, in the order of the table."""

    number: int
    id: str
    at: str
    kind: str
    outcome: str
    agent: str
    patient: str
    body: Any
    digest: bytes


def chained(head: Link, traces: Sequence[Trace]) -> tuple[list[AuditColumns], Link]:
    """Return the rows of new entries behind a place, and the place of the last one."""
    rows = []
    for trace in traces:
        body = _body(trace)
        head = next_link(head, body)
        rows.append(AuditColumns(head.number, *_index(trace), body, head.digest))
    return rows, head


def _index(trace: Trace) -> tuple[str, str, str, str, str, str]:
    """Return what an entry is found by."""
    return (
        trace.id,
        instant_text(trace.at),
        trace.kind,
        trace.outcome,
        key_text(trace.agent),
        storable(trace.patient),
    )


def _body(trace: Trace) -> bytes:
    said = {
        "id": trace.id,
        "at": instant_text(trace.at),
        "kind": trace.kind,
        "outcome": trace.outcome,
        "agent": trace.agent,
        "patient": trace.patient,
        "details": trace.details,
    }
    return json_bytes(said, orjson.OPT_SORT_KEYS)


def read_entry(row: Sequence[Any]) -> Entry:
    """Return the entry of a row; what it tells is what the chain covers."""
    columns = AuditColumns(*row)
    return Entry(Link(columns.number, bytes(columns.digest)), _trace(columns.body))


def read_sealed(row: Sequence[Any]) -> Sealed:
    """Return the entry of a row as it is proved, whatever was done to it."""
    columns = AuditColumns(*row)
    try:
        is_found = _index(_trace(columns.body)) == tuple(columns[1:7])
    except (ValueError, TypeError, KeyError):
        is_found = False
    link = Link(columns.number, bytes(columns.digest))
    # SQLite keeps a text where somebody put one.
    body = columns.body.encode() if isinstance(columns.body, str) else bytes(columns.body)
    return Sealed(link, body, is_found)


def _trace(body: Any) -> Trace:
    said = orjson.loads(body)
    said["at"] = read_instant(said["at"])
    return Trace(**said)
