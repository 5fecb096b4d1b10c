"""The row of the worklist that goes with a version of the Task of a gap."""

from datetime import datetime

from gateway.core.contributions import Json
from gateway.core.handoffs import MUTED
from gateway.core.ports import Transaction
from gateway.core.worklist import Shelf, WorkRow
from gateway.fhir import gap_acts, gap_work, gaps
from gateway.fhir.client_provenance import CLIENTS
from gateway.fhir.identity import IDNPS_SYSTEM


def shelve(tx: Transaction, task: Json, version: int, at: datetime) -> None:
    """List the work on a gap as a version of its Task tells it.

    Args:
        tx: the transaction that writes the version; the expectation is in it as it is now.
        task: of any kind; one that is about no gap, or about a former episode, is not listed.
        version: that was written.
        at: instant of the version.
    """
    gap_id, episode = gap_of(task)
    row = tx.watch.gap(gap_id) if gap_id else None
    if row is None or episode != row.episode:
        return
    found = WorkRow(
        gap_id,
        shelf_of(task),
        row.severity,
        row.deadline,
        row.rule,
        gaps.finess_of(row),
        owner_of(task),
        gap_work.business_of(task),
        str(task.get("for", {}).get("reference", "")).partition("/")[2] or row.patient.id,
        at,
        version,
    )
    tx.worklist.put([found])
    # What a person settled it for is what the precision of a rule is judged by.
    settled = gap_acts.outcome_of(task) if found.shelf is Shelf.CLOSED else ""
    tx.watch.handoffs.judge(gap_id, MUTED if found.shelf is Shelf.MUTED else settled)


def gap_of(task: Json) -> tuple[str, int]:
    """Return the gap a Task is about and the episode; empty and 0 when it is about none."""
    for identifier in task.get("identifier", ()):
        if identifier.get("system") == gaps.TASK_SYSTEM:
            gap_id, _, episode = str(identifier.get("value", "")).partition("#")
            return gap_id, int(episode or 0)
    return "", 0


def shelf_of(task: Json) -> Shelf:
    """Return where the work on a gap lies."""
    if task["status"] in gap_work.ENDED:
        return Shelf.CLOSED
    if gap_work.business_of(task) == gap_work.MUTED:
        return Shelf.MUTED
    return Shelf.DEFERRED if task["status"] == "on-hold" else Shelf.OPEN


def owner_of(task: Json) -> str:
    """Return who has a Task: a national identifier, a client, or what the owner refers to."""
    owner = task.get("owner", {})
    identifier = owner.get("identifier", {})
    if identifier.get("system") in (IDNPS_SYSTEM, CLIENTS):
        return str(identifier.get("value", ""))
    return str(owner.get("reference") or identifier.get("value") or "")
