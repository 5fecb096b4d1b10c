"""Versions of resources that Relais writes itself, beside the folds: gaps, Tasks, subscriptions.

Does not decide what is in them; folded resources are written by `pipeline.refold`.
"""

from datetime import datetime
from hashlib import blake2b

import orjson

from gateway.core.contributions import Json, Target
from gateway.core.errors import RejectedError
from gateway.core.ports import NewVersion, StoredResource, Transaction
from gateway.fhir import search, shape
from gateway.fhir.bundle import fhir_instant
from gateway.pipeline.topical import tell_changes
from gateway.pipeline.worklist import shelve


def write(
    tx: Transaction,
    owner: Target,
    resource: Json,
    before: StoredResource | None,
    now: datetime,
    by: str = "",
) -> StoredResource:
    """Write the next version of a resource, and tell who subscribed to such changes.

    Args:
        tx: an open transaction.
        owner: what the resource belongs to.
        resource: without version and time.
        before: the current version, None when there is none.
        now: `meta.lastUpdated`.
        by: the client whose write it is; empty when it is none's.

    Returns:
        The version that was written.

    Raises:
        RejectedError: the resource breaks its FHIR shape (issues of `fhir.shape`).
    """
    wrong = [issue for issue in shape.check(resource) if issue.severity.refuses]
    if wrong:
        raise RejectedError(wrong)
    number = 1 if before is None else before.version + 1
    told = {"versionId": str(number), "lastUpdated": fhir_instant(now)}
    head = {
        "resourceType": resource["resourceType"],
        "id": resource["id"],
        "meta": {**told, **resource.get("meta", {})},
    }
    stored = StoredResource(
        type=resource["resourceType"],
        id=resource["id"],
        version=number,
        last_updated=now,
        body=orjson.dumps({**head, **{k: v for k, v in resource.items() if k not in head}}),
        deleted=False,
        content_hash=blake2b(orjson.dumps(resource), digest_size=16).hexdigest(),
        owner=owner,
    )
    tx.resources.put([NewVersion(stored, search.index(resource))])
    if stored.type == "Task":
        shelve(tx, resource, number, now)
    tell_changes(tx, [(before, stored)], now, by)
    return stored


def delete(tx: Transaction, before: StoredResource, now: datetime, by: str = "") -> None:
    """Write the deletion of a resource; arguments as `write`."""
    gone = StoredResource(
        type=before.type,
        id=before.id,
        version=before.version + 1,
        last_updated=now,
        body=b"",
        deleted=True,
        content_hash="",
        owner=before.owner,
    )
    tx.resources.put([NewVersion(gone, ())])
    tell_changes(tx, [(before, gone)], now, by)


def read(stored: StoredResource | None) -> Json | None:
    """Return a current resource without version and time; None when there is none."""
    if stored is None or stored.deleted:
        return None
    resource: Json = orjson.loads(stored.body)
    own = ("versionId", "lastUpdated")
    meta = {k: v for k, v in resource.pop("meta", {}).items() if k not in own}
    return {**resource, **({"meta": meta} if meta else {})}
