"""What people do with the Task of a gap: take it, wait, defer it, settle it.

The engine owns the frame of the Task and whether the gap is one; people own how far the work is.
What they write never changes the fact: a gap that somebody has settled by hand stays missed for
the ledger. Pure: the caller reads and writes the versions. FHIR R4 Task, task-status; the reason
is asked for where Gravity SDOH Clinical Care asks for it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.timestamps import utc_seconds
from gateway.fhir import gap_words as words
from gateway.fhir import gap_work_faults as faults
from gateway.fhir.claimed import unversioned

#: Elements people write; all others are the engine's.
PEOPLES = frozenset(
    {
        "status", "statusReason", "businessStatus", "owner", "performerType", "note", "output",
        "restriction", "executionPeriod", "partOf",
    }
)  # fmt: skip
#: What a server sets, whatever a client sends.
_SERVERS = frozenset({"meta", "lastModified", "text"})


class _State(NamedTuple):
    """What people may say by a status.

    Attributes:
        business: business states that go with it; the first one when none is given.
        needs_reason: `statusReason.text` is asked for.
    """

    business: tuple[str, ...]
    needs_reason: bool = False


#: Business states of work that somebody has.
WAITING = ("en-cours", "attente-etablissement", "attente-patient")
_STATES = {
    "requested": _State(("a-traiter", "escalade")),
    "received": _State(("a-traiter", "escalade")),
    "accepted": _State(WAITING),
    "in-progress": _State(WAITING),
    "on-hold": _State(("reporte",), needs_reason=True),
    "completed": _State(("resolu-manuel",)),
    "cancelled": _State(("resolu-manuel", "sans-objet"), needs_reason=True),
    "failed": _State(("resolu-manuel",), needs_reason=True),
    "rejected": _State(("escalade",), needs_reason=True),
}
#: Business status of a gap nobody is told about for a while.
MUTED = "en-sourdine"
#: Somebody has it.
TAKEN = frozenset({"accepted", "in-progress", "on-hold"})
#: What a person may make of a Task that a person settled.
REOPENED = frozenset({"requested", "received", "accepted", "in-progress"})
#: Nobody comes back to it, except a person to what a person settled.
ENDED = frozenset({"completed", "cancelled", "failed", "entered-in-error"})


def worked(current: Json, sent: Json, at: datetime, *, wakes: bool = False) -> Json:
    """Return the Task as it is after somebody wrote it.

    Args:
        current: the stored Task, of a gap or of a doubt about an identity.
        sent: the whole resource as a client sends it; elements of the server are ignored.
        at: instant of the writing, UTC.
        wakes: the gap is still missed, so that a person may reopen what a person settled.

    Raises:
        RejectedError: it says what is not theirs to say, or not enough (RLS-GAP-001 to 007).
    """
    wrong = [*_foreign(current, sent), *_wrong_state(current, sent, at, wakes)]
    if wrong:
        raise RejectedError(wrong)
    ours = PEOPLES | (_SERVERS - {"meta"})
    kept = {name: value for name, value in unversioned(current).items() if name not in ours}
    own = {name: sent[name] for name in sent if name in PEOPLES}
    status = own["status"]
    own["businessStatus"] = words.business(_shown(current, sent))
    if status == "rejected":
        # Whoever refuses it leaves it undone: it waits for the next one, the refusal in its notes.
        own = _passed_on(own, at)
    made = {**kept, **own}
    said = {name: value for name, value in current.items() if name not in _SERVERS}
    if {name: value for name, value in made.items() if name != "meta"} == said:
        return unversioned(current)
    return {**made, "lastModified": utc_seconds(at)}


def is_settled_by_person(task: Json) -> bool:
    """Tell whether it was a person who ended a Task, not what happened to the patient."""
    return task["status"] in ENDED and business_of(task) == "resolu-manuel"


def promised(task: Json) -> datetime | None:
    """Return the next date somebody gave for a Task; None without one."""
    period = _of(_of(task, "restriction"), "period")
    try:
        until = datetime.fromisoformat(str(period.get("end", "")))
    except ValueError:
        return None
    return until.astimezone(UTC) if until.tzinfo is not None else None


def _foreign(current: Json, sent: Json) -> Iterable[Issue]:
    """Find what is said that is not people's to say."""
    if sent.get("resourceType") != "Task":
        yield faults.no_task()
        return
    for name in sorted(sent.keys() | current.keys()):
        if name in PEOPLES or name in _SERVERS:
            continue
        if name in sent and sent[name] != current.get(name):
            yield faults.not_yours(name)
        elif name not in sent and name in ("id", "intent", "code"):
            yield faults.missing(name)


def _wrong_state(current: Json, sent: Json, at: datetime, wakes: bool) -> Iterable[Issue]:
    was, status = current["status"], str(sent.get("status"))
    if was in ENDED and not (wakes and status in REOPENED and is_settled_by_person(current)):
        yield faults.ended(was)
        return
    state = _STATES.get(status)
    if state is None:
        yield faults.wrong_status(_STATES)
        return
    given = _given(current, sent)
    if given and given not in state.business:
        yield faults.wrong_business(given, status, state.business)
    if state.needs_reason and not str(_of(sent, "statusReason").get("text") or "").strip():
        yield faults.no_reason(status)
    if status == "on-hold":
        until = promised(sent)
        if until is None or until <= at:
            yield faults.no_date()
    if status == "completed" and not _tells_how(sent):
        yield faults.no_output()


def _tells_how(sent: Json) -> bool:
    """Tell whether an output says what was done: a resource, a concept or words."""
    outputs = sent.get("output")
    return any(
        isinstance(one, dict) and any(name.startswith("value") for name in one)
        for one in (outputs if isinstance(outputs, list) else ())
    )


def _passed_on(own: Json, at: datetime) -> Json:
    refusal = {"time": utc_seconds(at), "text": f"Refusé : {own['statusReason']['text'].strip()}"}
    kept = {
        name: value for name, value in own.items() if name not in ("owner", "statusReason", "note")
    }
    return {**kept, "status": "requested", "note": [*own.get("note", ()), refusal]}


def _shown(current: Json, sent: Json) -> str:
    """Return the business status that is written; a mute is not ended by work."""
    if business_of(current) == MUTED and sent["status"] not in ENDED:
        return MUTED
    return _given(current, sent) or _STATES[sent["status"]].business[0]


def _given(current: Json, sent: Json) -> str:
    """Return the business status a client chose; empty when it left the one it read."""
    given, state = business_of(sent), _STATES[sent["status"]]
    stale = given == business_of(current) and given not in state.business
    return "" if stale else given


def business_of(task: Json) -> str:
    """Return the code of the business status of a Task; empty when it has none of ours."""
    concept = _of(task, "businessStatus")
    codings = concept.get("coding")
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and coding.get("system") == words.TASK_STATUS:
            return str(coding.get("code", ""))
    return ""


def _of(task: Json, name: str) -> Json:
    found = task.get(name)
    return found if isinstance(found, dict) else {}
