"""A Task that somebody wrote: its version, the gap it is about, and what the pathway learns.

The bytes are an input like any other and are kept in the inbox. What people do with a gap never
changes the fact: it makes TASK.ACK and TASK.DONE known, which rules may wait for, and shows the
gap as settled by hand.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

import orjson

from gateway.core.contributions import Json, Target
from gateway.core.errors import RejectedError
from gateway.core.facts import Assertion, ExpectationRow, Op, Span, Status
from gateway.core.messages import Channel, Header, InboxStatus, NewInboxRow
from gateway.core.ports import StoredResource, Transaction
from gateway.core.timestamps import utc_seconds
from gateway.core.work import Act, Did
from gateway.fhir import gap_work, gap_work_faults, gaps
from gateway.fhir.identity import Ids
from gateway.pipeline import written
from gateway.pipeline.publish import gap_worked_on
from gateway.pipeline.watch import identifiers

#: Sender of what comes through the FHIR door, by the name of its client.
_DOOR = "fhir"
_KIND = "Task"
_OF_GAP = ("estab", "doc", "recipient", "request")
#: What is asserted of the work on a gap, with its attributes.
ASSERTS = dict.fromkeys(("TASK.ACK", "TASK.DONE"), frozenset(_OF_GAP))


def work_on(
    tx: Transaction,
    task_id: str,
    sent: Json,
    client: str,
    fits: Callable[[StoredResource], None],
    now: datetime,
    ids: Ids,
) -> StoredResource:
    """Take a Task as somebody wrote it; return the version that stands then.

    Args:
        tx: an open transaction.
        task_id: of the address it was written to.
        sent: the whole resource.
        client: who wrote it.
        fits: holds the writing to the version its client knew; raises RejectedError.
        now: instant of the commit.
        ids: computed ids of the installation.

    Raises:
        RejectedError: there is no such Task, or it says what is not theirs to say.
    """
    key = (_KIND, task_id)
    stored = tx.resources.current([key]).get(key)
    if stored is None or stored.deleted:
        raise RejectedError([gap_work_faults.unknown()])
    tx.contributions.lock([stored.owner])
    stored = tx.resources.current([key])[key]
    fits(stored)
    current = written.read(stored) or {}
    row = _gap_of(tx, current)
    made = gap_work.worked(current, sent, now, wakes=_is_missed(row, current))
    if made == current:
        return stored
    version = written.write(tx, stored.owner, made, stored, now, client)
    row_id = _keep(tx, sent, client, now)
    if row is not None:
        _act(tx, row, current, made, version.version, now)
        _assert(tx, (row_id, version.version), row, current, made, now)
        patient = made.get("for", {}).get("reference", "").partition("/")[2]
        names = identifiers(tx, {patient}).get(patient, ())
        gap_worked_on(tx, row, made, names, now, ids)
    return version


def issue_of(tx: Transaction, task: StoredResource | None) -> tuple[bool, str]:
    """Tell whether the gap of a Task is entered in error, and name its present version."""
    told = (written.read(task) if task is not None else None) or {}
    type_, _, id_ = str(told.get("focus", {}).get("reference", "")).partition("/")
    stored = tx.resources.current([(type_, id_)]).get((type_, id_))
    if type_ != "DetectedIssue" or stored is None:
        return False, ""
    is_error = (written.read(stored) or {}).get("status") == "entered-in-error"
    return is_error, f"{type_}/{id_}/_history/{stored.version}"


def _keep(tx: Transaction, sent: Json, client: str, now: datetime) -> int:
    """Keep the bytes beside those of messages and documents; return the number of the row."""
    body = orjson.dumps(sent)
    digest = sha256(body).hexdigest()
    header = Header((_DOOR, client), "", f"FHIR {_KIND}", digest, digest, now)
    row = NewInboxRow(now, Channel.FHIR, client, header, body, InboxStatus.CONVERTED)
    (row_id,) = tx.inbox.insert([row])
    if row_id is None:
        msg = "an input without control id is never a duplicate"
        raise ValueError(msg)
    return row_id


def _gap_of(tx: Transaction, task: Json) -> ExpectationRow | None:
    for identifier in task.get("identifier", ()):
        if identifier.get("system") == gaps.TASK_SYSTEM:
            return tx.watch.gap(str(identifier.get("value", "")).partition("#")[0])
    return None


def _is_missed(row: ExpectationRow | None, task: Json) -> bool:
    """Tell whether the gap of a Task is open, in the episode the Task is of."""
    return row is not None and row.status is Status.OVERDUE and row.episode == _episode_of(task)


def _act(
    tx: Transaction, row: ExpectationRow, before: Json, after: Json, number: int, now: datetime
) -> None:
    """Keep what it means for the ladder of the episode, and have it looked at again."""
    did = _meaning(before, after)
    if did is None:
        return
    details: dict[str, object] = {}
    until = gap_work.promised(after)
    if until is not None and did in (Did.TAKEN, Did.DEFERRED):
        details["until"] = utc_seconds(until)
    if did is Did.DEFERRED:
        details |= _state_before(tx, row, before)
    act = Act(row.gap_id, _episode_of(after), did, number, now, details)
    tx.work.add([act])
    tx.watch.touch(dict.fromkeys(tx.facts.persons([row.patient.id]).values(), now))


def _meaning(before: Json, after: Json) -> Did | None:
    """Say what a writing means for who is told next; None when it changes nothing of that."""
    was, status = before["status"], after["status"]
    if status in gap_work.ENDED:
        return Did.SETTLED
    if status not in gap_work.TAKEN:
        # Who reopens what was settled gives it back to whoever is told next.
        return Did.RETURNED if was in gap_work.TAKEN | gap_work.ENDED else None
    did = Did.DEFERRED if status == "on-hold" else Did.TAKEN
    was_so = was in gap_work.TAKEN and (was == "on-hold") == (status == "on-hold")
    is_same = was_so and gap_work.promised(before) == gap_work.promised(after)
    return None if is_same else did


def _state_before(tx: Transaction, row: ExpectationRow, before: Json) -> dict[str, object]:
    """Return what a Task wakes to: its state before it was first put off."""
    if before["status"] == "on-hold":
        acts = tx.work.acts([row.gap_id]).get(row.gap_id, ())
        last = next((act for act in reversed(acts) if act.did is Did.DEFERRED), None)
        if last is not None:
            return {name: last.details.get(name, "") for name in ("status", "business")}
    return {"status": before["status"], "business": gap_work.business_of(before)}


def _episode_of(task: Json) -> int:
    values = (
        str(one.get("value", ""))
        for one in task["identifier"]
        if one.get("system") == gaps.TASK_SYSTEM
    )
    return int(next(values).rpartition("#")[2])


def _assert(
    tx: Transaction,
    numbers: tuple[int, int],
    row: ExpectationRow,
    before: Json,
    after: Json,
    now: datetime,
) -> None:
    """Assert that somebody took the gap, or settled it; who reopens it takes the latter back.

    `numbers`: of the inbox row and of the version of the Task.
    """
    row_id, version = numbers
    told = []
    if after["status"] in gap_work.TAKEN and before["status"] not in gap_work.TAKEN:
        told.append(("TASK.ACK", Op.ASSERT))
    if after["status"] == "completed":
        told.append(("TASK.DONE", Op.ASSERT))
    elif before["status"] == "completed":
        told.append(("TASK.DONE", Op.RETRACT))
    if not told:
        return
    attributes = {name: value for name in _OF_GAP if (value := row.details.get(name))}
    patients = tx.facts.replace(
        [(row_id, now, [_assertion((*one, version), row, after, attributes, now) for one in told])]
    )
    tx.watch.touch(dict.fromkeys(tx.facts.persons(patients).values(), now))


def _assertion(
    told: tuple[str, Op, int],
    row: ExpectationRow,
    task: Json,
    attributes: dict[str, object],
    now: datetime,
) -> Assertion:
    event, op, version = told
    key = f"Task/{task['id']}|{event.partition('.')[2].lower()}"
    # With the version: what is settled and reopened within one tick of the clock has an order.
    revision = f"{now.isoformat(timespec='microseconds')}#{version:08}"
    at = now.replace(microsecond=0)
    return Assertion(
        aid=sha256(f"{key}|{revision}".encode()).hexdigest(),
        event=event,
        key=key,
        op=op,
        revision=revision,
        when=Span(at, at),
        sent_at=at,
        patient=Target("Patient", row.patient.id),
        source="",
        attributes=attributes,
    )
