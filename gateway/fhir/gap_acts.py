"""What a person at the pages makes of the Task of a gap: one function an act.

Each takes the Task as it stands and returns the whole Task as it is sent back, like any client
would send it; whether that may be is decided where every Task is written (`fhir.gap_work`).
FHIR R4 Task; the codes of `Task.output` are those of `gap-closure-reason`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.contributions import Json
from gateway.core.timestamps import utc_seconds
from gateway.fhir import gap_words as words
from gateway.fhir.client_provenance import agent
from gateway.fhir.gap_work import PEOPLES, TAKEN

#: Kind of the output that says why a person settled a gap.
_REASON = {"text": "Motif de clôture"}


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts, or who is to.

    Attributes:
        client: the name they write under (`client_provenance.of_person`).
        name: shown to colleagues.
    """

    client: str
    name: str


def taken(task: Json, who: Who) -> Json:
    """Return the Task when somebody takes it."""
    return {**_working(task), "status": "in-progress", "owner": _owner(who)}


def assigned(task: Json, to: Who, by: Who, note: str, at: datetime) -> Json:
    """Return the Task when it is given to somebody, who has yet to begin."""
    made = {**_working(task), "status": "accepted", "owner": _owner(to)}
    return _noted(made, by, note, at)


def returned(task: Json, by: Who, note: str, at: datetime) -> Json:
    """Return the Task when whoever has it gives it back to everybody."""
    made = {**_working(task), "status": "requested"}
    made.pop("owner", None)
    return _noted(made, by, note, at)


def waiting(task: Json, state: str) -> Json:
    """Return the Task with what its owner waits for; a state of `gap_work.WAITING`."""
    return {**_working(task), "status": "in-progress", "businessStatus": words.business(state)}


def deferred(task: Json, by: Who, until: datetime, reason: str) -> Json:
    """Return the Task when it is put off until an instant; it wakes by itself."""
    period = {**task.get("restriction", {}).get("period", {}), "end": utc_seconds(until)}
    return {
        **_without(task, "businessStatus"),
        "status": "on-hold",
        "statusReason": {"text": reason},
        "owner": task.get("owner") or _owner(by),
        "restriction": {**task.get("restriction", {}), "period": period},
    }


def noted(task: Json, by: Who, text: str, at: datetime) -> Json:
    """Return the Task with one more note."""
    return _noted(dict(task), by, text, at)


def closed(task: Json, by: Who, outcome: str, note: str, at: datetime) -> Json:
    """Return the Task when a person settles the gap, with one of `gap_words.CLOSURES`."""
    output = {"type": _REASON, "valueCodeableConcept": words.closure(outcome)}
    made = {
        **_without(task, "businessStatus", "statusReason"),
        "status": "completed",
        "owner": task.get("owner") or _owner(by),
        "output": [*task.get("output", ()), output],
    }
    return _noted(made, by, note, at)


def reopened(task: Json, by: Who, note: str, at: datetime) -> Json:
    """Return the Task when a person reopens what a person settled; it is theirs then."""
    made = {**_without(task, "businessStatus", "statusReason"), "status": "in-progress"}
    kept = [one for one in task.get("output", ()) if not _is_reason(one)]
    made = {**made, "owner": _owner(by)} | ({"output": kept} if kept else {})
    if not kept:
        made.pop("output", None)
    return _noted(made, by, note, at)


def undone(task: Json, before: Json) -> Json:
    """Return the Task with all that people own as it was in the version before."""
    kept = {name: value for name, value in task.items() if name not in PEOPLES}
    return {**kept, **{name: before[name] for name in before if name in PEOPLES}}


def outcome_of(task: Json) -> str:
    """Return the reason a person settled a gap for; empty without one."""
    for one in reversed(task.get("output", ())):
        if _is_reason(one):
            return str(one["valueCodeableConcept"]["coding"][0].get("code", ""))
    return ""


def settled_as(task: Json | None) -> tuple[str, str]:
    """Return DetectedIssue.status and the gap status of a gap that a person settled.

    About another person it never was a gap: it is entered in error, and open or closed no more.
    """
    if outcome_of(task or {}) == words.WRONG_IDENTITY:
        return "entered-in-error", ""
    return "final", "closed-gap"


def name_of(task: Json) -> str:
    """Return the name of who has a Task; empty when nobody has."""
    owner = task.get("owner", {})
    number = owner.get("identifier", {}).get("value", "")
    return str(owner.get("display") or number or owner.get("reference", ""))


def _is_reason(output: Json) -> bool:
    codings: Sequence[Json] = output.get("valueCodeableConcept", {}).get("coding", ())
    return any(one.get("system") == words.CLOSURE for one in codings)


def _working(task: Json) -> Json:
    """Return a Task without what belongs to the state it leaves."""
    left = ("businessStatus", "statusReason") if task["status"] not in TAKEN else ("statusReason",)
    return _without(task, *left)


def _without(task: Json, *names: str) -> Json:
    return {name: value for name, value in task.items() if name not in names}


def _owner(who: Who) -> Json:
    return {**agent(who.client), "display": who.name}


def _noted(task: Json, by: Who, text: str, at: datetime) -> Json:
    if not text:
        return task
    note = {"authorString": by.name, "time": utc_seconds(at), "text": text}
    return {**task, "note": [*task.get("note", ()), note]}
