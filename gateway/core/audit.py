"""Who saw or did what, as it is kept: entries of one journal, each chained to the one before.

Values and the chain only. How an entry is shown (BALP AuditEvent) is in `sharing.audit`.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

#: What the first entry is chained to.
START = bytes(32)


@dataclass(frozen=True, slots=True)
class Trace:
    """One thing that was done, about one person at most.

    Attributes:
        id: of the AuditEvent.
        at: instant, UTC.
        kind: of `sharing.audit.KINDS`: read, search-type, update, notification, token...
        outcome: 0 success, 4 refused, 8 failed (FHIR R4 audit-event-outcome).
        agent: who did it: client_id, or the person at a page.
        patient: id of the Patient it is about; empty: nobody.
        details: what else is told, JSON-able; names of `sharing.audit`.
    """

    id: str
    at: datetime
    kind: str
    outcome: str
    agent: str
    patient: str = ""
    details: dict[str, Any] = field(default_factory=dict)


class Link(NamedTuple):
    """A place in the chain: number and digest of an entry; that of `START` before the first."""

    number: int = 0
    digest: bytes = START


class Entry(NamedTuple):
    """An entry of the journal: its place, and what it tells."""

    link: Link
    trace: Trace


class Sealed(NamedTuple):
    """An entry as it is proved.

    Attributes:
        link: its place.
        body: the bytes the chain covers.
        is_found: a search finds it by what these bytes say.
    """

    link: Link
    body: bytes
    is_found: bool = True


def next_link(before: Link, body: bytes) -> Link:
    """Return the place of an entry behind another: SHA-256 over number, digest before and body."""
    number = before.number + 1
    content = struct.pack(">Q", number) + before.digest + hashlib.sha256(body).digest()
    return Link(number, hashlib.sha256(content).digest())


def fault(entries: Sequence[Sealed], before: Link) -> str:
    """Return what is wrong with a stretch of the journal, in words; empty when nothing is.

    Args:
        entries: in order.
        before: place of the entry before them.
    """
    for entry in entries:
        expected = next_link(before, entry.body)
        if entry.link.number != expected.number:
            return f"entries are missing before number {entry.link.number}"
        if entry.link.digest != expected.digest:
            return f"entry number {entry.link.number} was altered"
        if not entry.is_found:
            return f"entry number {entry.link.number} is hidden from searches"
        before = entry.link
    return ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are wanted.

    Attributes:
        patients: about one of these Patients; empty: about anybody.
        agent: by this one; empty: by anybody.
        kinds: of one of these; empty: of any.
        outcomes: with one of these; empty: with any.
        start: at this instant or later.
        end: before this instant.
    """

    patients: tuple[str, ...] = ()
    agent: str = ""
    kinds: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
