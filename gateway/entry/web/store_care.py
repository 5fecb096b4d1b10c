"""What was planned for a person beside what became of it, and how far each document went."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from gateway.core.care import Progress
from gateway.core.ports import Condition, Transaction
from gateway.core.timestamps import PARIS
from gateway.entry.web.values import Letter, Planned
from gateway.fhir.care import PATHWAY_SYSTEM
from gateway.fhir.care_words import PROGRESS
from gateway.fhir.versions import is_inside

Json = Mapping[str, Any]
#: Plans, requests, appointments and documents of a person that are looked at.
_PLANS, _REQUESTS, _APPOINTMENTS, _DOCUMENTS = 20, 200, 100, 300
#: Documents a page shows, and deliveries of one that are counted.
_LETTERS, _SENT = 50, 50
#: How far a delivery is, the furthest first; the last words of `core.deliveries` and of evidence.
_FURTHEST = (
    *("integrated", "read", "delivered", "assumed", "confirmed", "sent", "sending", "queued"),
    *("retry_wait", "held", "skipped", "refused", "given_up"),
)
_OF_APPOINTMENT = {
    "fulfilled": Progress.DONE,
    "arrived": Progress.DONE,
    "checked-in": Progress.DONE,
    "noshow": Progress.NO_SHOW,
    "cancelled": Progress.CANCELLED,
    "proposed": Progress.PLANNED,
    "waitlist": Progress.PLANNED,
}
_OF_REQUEST = {
    "completed": Progress.DONE,
    "revoked": Progress.CANCELLED,
    "on-hold": Progress.PLANNED,
    "draft": Progress.PLANNED,
    "active": Progress.PLANNED,
}
#: Where a resource says when it happened.
_WHEN = ("performedDateTime", "date", "effectiveDateTime", "start", "authoredOn")


def found(
    tx: Transaction, type_: str, name: str, patients: Sequence[str], limit: int
) -> list[dict[str, Any]]:
    """Return resources of some Patients."""
    condition = Condition(name, "reference", tuple(("Patient", one) for one in patients))
    page = tx.resources.search(type_, [condition], limit, None)
    return [orjson.loads(row.body) for row in page.resources]


def instant(text: str) -> datetime | None:
    """Return an instant; a day without time is its start in Paris."""
    if len(text) < 10:
        return None
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=PARIS)


def planned(tx: Transaction, patients: Sequence[str]) -> tuple[Planned, ...]:
    """Return what was planned: the lines of pathways, then what stands in none of them."""
    plans = [
        one
        for one in found(tx, "CarePlan", "subject", patients, _PLANS)
        if any(i.get("system") == PATHWAY_SYSTEM for i in one.get("identifier", ()))
        and one.get("status") not in ("revoked", "entered-in-error")
    ]
    activities = [activity for plan in plans for activity in plan.get("activity", ())]
    named = {
        reference
        for activity in activities
        for reference in (_about(activity), *_outcomes(activity))
        if reference
    }
    keys = sorted({(r.partition("/")[0], r.partition("/")[2]) for r in named})
    known = {
        f"{type_}/{id_}": orjson.loads(row.body)
        for (type_, id_), row in tx.resources.current(keys).items()
        if not row.deleted
    }
    lines = [
        *(_activity(one, known) for one in activities if not _about(one).startswith("Task/")),
        *_alone(tx, patients, named),
    ]
    latest = datetime.max.replace(tzinfo=PARIS)
    return tuple(sorted(lines, key=lambda one: one.low or one.seen or latest, reverse=True))


def _activity(activity: Json, known: Mapping[str, Json]) -> Planned:
    about, outcomes = _about(activity), _outcomes(activity)
    detail, resource = activity.get("detail", {}), known.get(about, {})
    low = instant(str(detail.get("scheduledPeriod", {}).get("start", ""))) or _due(resource)
    shown = [one for one in outcomes if one in known]
    seen = next((at for one in shown if (at := _happened(known[one]))), None)
    progress = next(
        (
            str(coding.get("code"))
            for concept in activity.get("outcomeCodeableConcept", ())
            for coding in concept.get("coding", ())
            if coding.get("system") == PROGRESS
        ),
        Progress.DONE.value if outcomes and not about and not detail else Progress.PLANNED.value,
    )
    named = resource or (known[shown[0]] if shown and not detail else {})
    label = _words(detail.get("code", {})) or _label(named)
    return Planned(label, progress, low, seen, _links([about, *shown]))


def _alone(tx: Transaction, patients: Sequence[str], named: set[str]) -> Iterator[Planned]:
    """Yield appointments and requests that no pathway tells."""
    for one in found(tx, "Appointment", "patient", patients, _APPOINTMENTS):
        path, status = f"Appointment/{one['id']}", str(one.get("status", ""))
        if path not in named and status != "entered-in-error":
            progress = _OF_APPOINTMENT.get(status, Progress.BOOKED)
            low = _due(one)
            seen = low if progress is Progress.DONE else None
            yield Planned(_label(one), progress.value, low, seen, _links([path]))
    for one in found(tx, "ServiceRequest", "subject", patients, _REQUESTS):
        path, status = f"ServiceRequest/{one['id']}", str(one.get("status", ""))
        if path not in named and status in _OF_REQUEST:
            yield Planned(_label(one), _OF_REQUEST[status].value, _due(one), None, _links([path]))


def _about(activity: Json) -> str:
    return str(activity.get("reference", {}).get("reference", ""))


def _outcomes(activity: Json) -> list[str]:
    return [str(one.get("reference", "")) for one in activity.get("outcomeReference", ())]


def _links(paths: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((one.partition("/")[0], f"/fhir/{one}") for one in dict.fromkeys(paths) if one)


def _due(resource: Json) -> datetime | None:
    period = resource.get("occurrencePeriod", {})
    wished = (resource.get("requestedPeriod") or [{}])[0]
    told = (
        resource.get("occurrenceDateTime"),
        period.get("start"),
        resource.get("start"),
        wished.get("start"),
    )
    return next((at for one in told if one and (at := instant(str(one)))), None)


def _happened(resource: Json) -> datetime | None:
    told = [resource.get("period", {}).get("start"), *(resource.get(name) for name in _WHEN)]
    told.append(resource.get("performedPeriod", {}).get("start"))
    return next((at for one in told if one and (at := instant(str(one)))), None)


def _label(resource: Json) -> str:
    """Return what a resource is about in words, empty when it has none."""
    if resource.get("resourceType") == "Appointment":
        # How it is booked (`NORMAL`) and where (`AMB`) say least of what it is for.
        kinds = [*resource.get("reasonCode", ()), *resource.get("serviceType", ())]
        kinds.append(resource.get("appointmentType", {}))
        own = resource.get("description") or resource.get("comment")
    else:
        kinds = [resource.get("code", {}), resource.get("type", {})]
        own = resource.get("description")
    said = (_words(kind) for kind in kinds if isinstance(kind, dict))
    return str(own or next((one for one in said if one), ""))


def _words(concept: Json) -> str:
    codings = concept.get("coding") or [{}]
    return str(concept.get("text") or codings[0].get("display") or codings[0].get("code") or "")


def letters(tx: Transaction, patients: Sequence[str]) -> tuple[tuple[Letter, ...], int]:
    """Return the newest documents with their deliveries, and how many older ones there are."""
    told = [
        (at, one)
        for one in found(tx, "DocumentReference", "subject", patients, _DOCUMENTS)
        if (at := instant(str(one.get("date", "")))) and not is_inside(one)
    ]
    told.sort(key=lambda pair: (pair[0], pair[1]["id"]), reverse=True)
    shown = [
        Letter(
            one["id"],
            _label(one),
            at,
            next((str(a["display"]) for a in one.get("author", ()) if "display" in a), ""),
            str(one.get("status", "")),
            _sent(tx, f"DocumentReference/{one['id']}"),
        )
        for at, one in told[:_LETTERS]
    ]
    return tuple(shown), len(told) - len(shown)


def _sent(tx: Transaction, about: str) -> tuple[tuple[str, str, int], ...]:
    """Count the deliveries of a document by channel and how far they are."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in tx.outbox.of_document(about, _SENT):
        state = row.status.value
        if state == "confirmed":
            state = str(row.receipt.get("evidence") or state)
        counts[row.item.connector.partition("_")[0], state] += 1
    place = {state: number for number, state in enumerate(_FURTHEST)}
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], place.get(item[0][1], 99)))
    return tuple((channel, state, count) for (channel, state), count in ordered)
