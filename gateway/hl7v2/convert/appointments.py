"""Appointments: SCH, TQ1, AIS, AIL, AIP."""

from datetime import timedelta
from typing import Any

from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE
from gateway.hl7v2.authorities import system_of
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.dates import stamp
from gateway.hl7v2.convert.organizations import location_reference
from gateway.hl7v2.convert.professionals import practitioner_reference
from gateway.hl7v2.convert.table import V2_SYSTEM, V3_SYSTEM, converter
from gateway.hl7v2.message import Message, Node, Segment

#: SCH-25, table 0278; compared without case.
_STATUSES = {
    "PENDING": "pending",
    "WAITLIST": "waitlist",
    "BOOKED": "booked",
    "STARTED": "checked-in",
    "COMPLETE": "fulfilled",
    "CANCELLED": "cancelled",
    "DELETED": "entered-in-error",
    "NOSHOW": "noshow",
}
#: What the event says when SCH-25 does not.
_BY_EVENT = {
    "S12": "booked",
    "S13": "booked",
    "S14": "booked",
    "S15": "cancelled",
    "S16": "cancelled",
    "S17": "entered-in-error",
    "S26": "noshow",
}
_MINUTES = frozenset(("MIN", "M", "MN", "MINUTES"))


def number_of(node: Node, context: Context, kind: str = "appointment") -> tuple[str, str] | None:
    """Return system and number of an entity identifier; the sender answers for a bare one."""
    value = node.component(1)
    if not value:
        return None
    name = node.component(2)
    universal, universal_type = node.component(3), node.component(4)
    system = system_of(kind, name or context.facility, universal, universal_type, context.site)
    return (system, value) if system else None


@converter("appointment_id", reads=("SCH-1", "SCH-2"))
def appointment_id(segment: Segment, context: Context) -> Any:
    """Return the id of the appointment: of the filler's number, else of the placer's.

    Spec: HL7 v2.5 10.6.3.1, 10.6.3.2 (SCH-1, SCH-2).
    """
    for number in (2, 1):
        node = segment.node(number)
        found = number_of(node, context) if node else None
        if found:
            return context.ids.appointment(*found)
    return None


@converter("appointment_number")
def appointment_number(node: Node, context: Context) -> Any:
    """Return a number of the placer (SCH-1) or the filler (SCH-2).

    Spec: HL7 v2.5 10.6.3.1, 10.6.3.2 (SCH-1, SCH-2).
    """
    found = number_of(node, context)
    if found is None:
        return None
    code = "PLAC" if node.field == 1 else "FILL"
    return {
        "type": {"coding": [{"system": f"{V2_SYSTEM}0203", "code": code}]},
        "system": found[0],
        "value": found[1],
    }


@converter("appointment_status", reads=("SCH-25",))
def appointment_status(segment: Segment, context: Context) -> Any:
    """Return the status: of SCH-25 when the table has it, else of the event.

    A cancelling event wins over a status that was not updated.
    Spec: HL7 v2.5 table 0278; 10.4 (trigger events).
    """
    event = _BY_EVENT.get(context.event, "booked")
    if event != "booked":
        return event
    return _STATUSES.get(segment.field(25).upper(), event)


def _times(segment: Segment) -> tuple[str, str]:
    """Return start and end as FHIR instants, each empty when unknown."""
    start = segment.value("TQ1-7") or segment.value("SCH-11.4") or segment.value("AIS-4")
    end = segment.value("TQ1-8") or segment.value("SCH-11.5")
    found, until = stamp(start), stamp(end)
    begins = (found.instant_fhir or "") if found else ""
    ends = (until.instant_fhir or "") if until else ""
    minutes = _minutes(segment)
    if begins and not ends and minutes and found and found.instant_utc:
        done = found.instant_utc + timedelta(minutes=minutes)
        ends = done.isoformat().replace("+00:00", "Z")
    return begins, ends


def _minutes(segment: Segment) -> int:
    for amount, unit in (("SCH-9", "SCH-10"), ("AIS-7", "AIS-8")):
        text = segment.value(amount)
        if text.isdigit() and segment.value(unit).upper() in _MINUTES:
            return int(text)
    return 0


@converter("appointment_start", reads=("TQ1-7", "SCH-11", "AIS-4"))
def appointment_start(segment: Segment, _context: Context) -> str:
    """Return when it starts; a day without time is no instant.

    Spec: HL7 v2.5 10.6.3.11 (SCH-11), 4.5.4.7 (TQ1-7), 10.6.4.4 (AIS-4).
    """
    return _times(segment)[0]


@converter("appointment_end", reads=("TQ1-8", "SCH-11", "SCH-9", "AIS-7"))
def appointment_end(segment: Segment, _context: Context) -> str:
    """Return when it ends, of the duration when only that was sent.

    FHIR wants both ends or none: of unknown length, it ends when it starts, and no
    `minutesDuration` is written.
    Spec: HL7 v2.5 10.6.3.11 (SCH-11), 4.5.4.8 (TQ1-8), 10.6.3.9 (SCH-9); FHIR R4 app-2.
    """
    start, end = _times(segment)
    return end or start


@converter("appointment_minutes", reads=("SCH-9", "SCH-10", "AIS-7", "AIS-8"))
def appointment_minutes(segment: Segment, _context: Context) -> Any:
    """Return the planned length in minutes.

    Spec: HL7 v2.5 10.6.3.9, 10.6.3.10 (SCH-9, SCH-10).
    """
    return _minutes(segment) or None


@converter("coded")
def coded(node: Node, context: Context) -> Any:
    """Return a coded element; a code without coding system belongs to the sender.

    Spec: HL7 v2.5 2.A.13 (CE).
    """
    code, label, table = node.component(1), node.component(2), node.component(3)
    concept: Json = {}
    if code:
        if table == "LN":
            system = "http://loinc.org"
        else:
            place = f"{node.segment.name}-{node.field}"
            system = f"{FHIR_BASE}/CodeSystem/local/{context.site.name}/{place}"
        concept["coding"] = [{"system": system, "code": code, "display": label}]
    if label:
        concept["text"] = label
    return concept


@converter("appointment_patient", reads=("PID-3",))
def appointment_patient(_source: Message | Segment, context: Context) -> Json:
    """Return the patient as a participant.

    Spec: HL7 v2.5 10.4 (PID in SIU).
    """
    actor = {"reference": f"Patient/{context.patient.id}"}
    return {"actor": actor, "required": "required", "status": "accepted"}


@converter("appointment_place")
def appointment_place(node: Node, context: Context) -> Any:
    """Return the place as a participant.

    Spec: HL7 v2.5 10.6.6.3 (AIL-3).
    """
    actor = location_reference(node, context)
    return {"actor": actor, "status": "accepted"} if actor else None


@converter("appointment_professional")
def appointment_professional(node: Node, context: Context) -> Any:
    """Return a professional as a participant.

    Spec: HL7 v2.5 10.6.7.3 (AIP-3).
    """
    actor = practitioner_reference(node, context)
    return {"actor": actor, "status": "accepted"} if actor else None


@converter("appointment_enterer")
def appointment_enterer(node: Node, context: Context) -> Any:
    """Return who entered the appointment as a participant.

    Spec: HL7 v2.5 10.6.3.20 (SCH-20); v3 ParticipationType ENT.
    """
    actor = practitioner_reference(node, context)
    if actor is None:
        return None
    kind = {"coding": [{"system": f"{V3_SYSTEM}ParticipationType", "code": "ENT"}]}
    return {"type": [kind], "actor": actor, "status": "accepted"}


@converter("order_link")
def order_link(node: Node, context: Context) -> Any:
    """Return the order an appointment is made for, by its number: the order may be unknown.

    A number without authority is one of the orders of the sender, not of its appointments.

    Spec: HL7 v2.5 10.6.3.26, 10.6.3.27 (SCH-26, SCH-27).
    """
    found = number_of(node, context, "order")
    if found is None:
        return None
    return {"type": "ServiceRequest", "identifier": {"system": found[0], "value": found[1]}}
