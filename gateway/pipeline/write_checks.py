"""Whether a client may write a resource as it stands: whose it is, which version was read.

What is judged here depends on the store; form and profiles are judged elsewhere.
"""

import re
from collections.abc import Sequence

from gateway.core.contributions import Contribution
from gateway.core.errors import RejectedError
from gateway.core.ports import StoredResource
from gateway.fhir import write_faults as faults
from gateway.fhir.writable import Writable
from gateway.pipeline.write_targets import Write

#: As long as an INS; separators do not hide it.
_TELLING = re.compile(r"(?:\d[.\-]?){13,15}(?!\d)", re.ASCII)


def check_owner(parts: Sequence[Contribution], before: StoredResource | None, client: str) -> None:
    """Hold a client to what it wrote itself; what nobody told yet is free.

    Args:
        parts: all that was ever said about the resource.
        before: its current version, deleted or not; None when there never was one.
        client: who wants to write it.

    Raises:
        RejectedError: somebody else speaks for it (RLS-FHR-244).
    """
    if any(not part.writer for part in parts):
        raise RejectedError([faults.not_yours("hospitals told it")])
    if before is not None and not parts:
        raise RejectedError([faults.not_yours("Relais keeps it itself")])
    if any(part.writer != client for part in parts):
        raise RejectedError([faults.not_yours("another client wrote it")])


def check_version(write: Write, before: StoredResource | None, rules: Writable) -> None:
    """Hold a write to the version its client knew (RFC 9110 13.1.1, FHIR R4 http 3.1.0.5).

    Raises:
        RejectedError: another one is stored (RLS-FHR-249), there is one already (RLS-FHR-263), or
            the type wants to be told and it is not said (RLS-FHR-248).
    """
    is_there = before is not None and not before.deleted
    if write.if_absent and is_there:
        raise RejectedError([faults.is_there()])
    if write.if_match is None:
        if rules.needs_version and is_there and write.method in ("PUT", "PATCH"):
            raise RejectedError([faults.no_version()])
        return
    if before is None or before.deleted or not is_version(write.if_match, before):
        raise RejectedError([faults.changed_meanwhile()])


def is_version(if_match: str, stored: StoredResource) -> bool:
    """Tell whether an If-Match header names the version that is stored."""
    tags = {tag.strip().removeprefix("W/") for tag in if_match.split(",")}
    return "*" in tags or f'"{stored.version}"' in tags


def telling_id(id_: str) -> bool:
    """Tell whether an id holds a number as long as a national health identity."""
    bare = re.sub(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", "", id_, flags=re.IGNORECASE)
    return _TELLING.search(bare) is not None
