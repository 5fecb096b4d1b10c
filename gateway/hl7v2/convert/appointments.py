"""Appointments: SCH, TQ1, AIS, AIG, AIL, AIP."""

import re
from datetime import datetime, timedelta
from typing import Any

from gateway.core.contributions import Json
from gateway.core.digits import whole_number
from gateway.core.systems import FHIR_BASE
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.codes import coded
from gateway.hl7v2.convert.dates import stamp
from gateway.hl7v2.convert.numbers import number_of
from gateway.hl7v2.convert.organizations import location_reference
from gateway.hl7v2.convert.professionals import practitioner_reference
from gateway.hl7v2.convert.table import V2_SYSTEM, V3_SYSTEM, converter
from gateway.hl7v2.message import Message, Node, Segment
from gateway.mapping.converters import REMOVED

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
_GROUP = 4
#: AIS-2, AIG-2, AIL-2, AIP-2 (table 0206).
_DELETED = "D"
#: Filler status of a resource (table 0278) to what its participant answered.
_ANSWERS = {
    "PENDING": "needs-action",
    "WAITLIST": "needs-action",
    "CANCELLED": "declined",
    "DELETED": "declined",
}
#: Field of the filler status in each segment of a resource.
_STATUS_FIELDS = {"AIG": 14, "AIL": 12, "AIP": 12}
_MINUTES = frozenset(("MIN", "M", "MN", "MINUTES"))
#: No appointment lasts longer than five digits of minutes can tell.
_DURATION = re.compile(r"[0-9]{1,5}")


@converter("appointment_id", reads=("SCH-1", "SCH-2", "SCH-3"))
def appointment_id(segment: Segment, context: Context) -> Any:
    """Return the id of the appointment: of the filler's number, else of the placer's.

    One occurrence of a repeating appointment is an appointment of its own.
    Spec: HL7 v2.5 10.6.3.1, 10.6.3.2, 10.6.3.3 (SCH-1, SCH-2, SCH-3).
    """
    for number in (2, 1):
        node = segment.node(number)
        found = number_of(node, context, "appointment") if node else None
        if found:
            system, value = found
            occurrence = segment.field(3)
            return context.ids.appointment(system, f"{value}#{occurrence}" if occurrence else value)
    return None


#: SCH field to the type of its number, table 0203.
_NUMBERS = {1: "PLAC", 2: "FILL", 4: "PGN"}


@converter("appointment_number")
def appointment_number(node: Node, context: Context) -> Any:
    """Return a number of the placer (SCH-1), of the filler (SCH-2), or of the group (SCH-4).

    Spec: HL7 v2.5 10.6.3.1, 10.6.3.2, 10.6.3.4 (SCH-1, SCH-2, SCH-4); table 0203.
    """
    kind = "appointment-group" if node.field == _GROUP else "appointment"
    found = number_of(node, context, kind)
    if found is None:
        return None
    return {
        "type": {"coding": [{"system": f"{V2_SYSTEM}0203", "code": _NUMBERS[node.field]}]},
        "system": found[0],
        "value": found[1],
    }


@converter("appointment_occurrence")
def appointment_occurrence(node: Node, _context: Context) -> Any:
    """Return which one of a repeating appointment this is.

    Spec: HL7 v2.5 10.6.3.3 (SCH-3).
    """
    number = whole_number(node.text())
    if number is None:
        return None
    url = f"{FHIR_BASE}/StructureDefinition/appointment-occurrence"
    return {"url": url, "valueInteger": number}


@converter("parent_appointment")
def parent_appointment(node: Node, context: Context) -> Any:
    """Return the appointment this one belongs to, by its number: it may be unknown.

    Spec: HL7 v2.5 10.6.3.23, 10.6.3.24 (SCH-23, SCH-24).
    """
    found = number_of(node, context, "appointment")
    if found is None:
        return None
    return {"type": "Appointment", "identifier": {"system": found[0], "value": found[1]}}


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


@converter("cancelation_reason", reads=("SCH-6", "SCH-25"))
def cancelation_reason(segment: Segment, context: Context) -> Any:
    """Return why an appointment was cancelled; one that was not has no such reason.

    The invariant spells the status of a patient who did not come as no code does, so that it
    allows no reason there.
    Spec: HL7 v2.5 10.6.3.6 (SCH-6); FHIR R4 app-4.
    """
    if appointment_status(segment, context) != "cancelled":
        return REMOVED
    node = segment.node(6)
    return coded(node, context) if node is not None else None


def _times(segment: Segment) -> tuple[str, str]:
    """Return start and end as FHIR instants, each empty when unknown."""
    start = segment.value("TQ1-7") or segment.value("SCH-11.4") or segment.value("AIS-4")
    end = segment.value("TQ1-8") or segment.value("SCH-11.5")
    found, until = stamp(start), stamp(end)
    begins = (found.instant_fhir or "") if found else ""
    ends = (until.instant_fhir or "") if until else ""
    minutes = _minutes(segment)
    if begins and not ends and minutes and found and found.instant_utc:
        ends = _after(found.instant_utc, minutes)
    return begins, ends


def _minutes(segment: Segment) -> int:
    for amount, unit in (("SCH-9", "SCH-10"), ("AIS-7", "AIS-8")):
        text = segment.value(amount)
        if _DURATION.fullmatch(text) and segment.value(unit).upper() in _MINUTES:
            return int(text)
    return 0


def _after(start: datetime, minutes: int) -> str:
    """Return a later instant; empty where the calendar ends."""
    try:
        done = start + timedelta(minutes=minutes)
    except OverflowError:
        return ""
    return done.isoformat().replace("+00:00", "Z")


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


@converter("appointment_patient", reads=("PID-3",))
def appointment_patient(_source: Message | Segment, context: Context) -> Json:
    """Return the patient as a participant.

    Spec: HL7 v2.5 10.4 (PID in SIU).
    """
    actor = {"reference": f"Patient/{context.patient.id}"}
    return {"actor": actor, "required": "required", "status": "accepted"}


@converter("appointment_service")
def appointment_service(node: Node, context: Context) -> Any:
    """Return a service of the appointment, unless the message takes it out.

    Spec: HL7 v2.5 10.6.4.2, 10.6.4.3 (AIS-2, AIS-3).
    """
    return None if node.segment.field(2).upper() == _DELETED else coded(node, context)


def _participant(actor: Json | None, node: Node, role: int, context: Context) -> Json | None:
    """Return a resource of the appointment as a participant, unless the message takes it out."""
    segment = node.segment
    if actor is None or segment.field(2).upper() == _DELETED:
        return None
    status = segment.field(_STATUS_FIELDS[segment.name]).upper()
    found: Json = {"actor": actor, "status": _ANSWERS.get(status, "accepted")}
    kind = segment.node(role)
    if kind is not None and (concept := coded(kind, context)):
        found["type"] = [concept]
    return found


@converter("appointment_place", reads=("AIL-2", "AIL-4", "AIL-12"))
def appointment_place(node: Node, context: Context) -> Any:
    """Return the place as a participant.

    Spec: HL7 v2.5 10.6.6.3 (AIL-3).
    """
    return _participant(location_reference(node, context), node, 4, context)


@converter("appointment_professional", reads=("AIP-2", "AIP-4", "AIP-12"))
def appointment_professional(node: Node, context: Context) -> Any:
    """Return a professional as a participant.

    Spec: HL7 v2.5 10.6.7.3 (AIP-3).
    """
    return _participant(practitioner_reference(node, context), node, 4, context)


@converter("appointment_resource", reads=("AIG-2", "AIG-4", "AIG-14"))
def appointment_resource(node: Node, context: Context) -> Any:
    """Return a room, a machine or a team as a participant, by its name: nobody describes it.

    Spec: HL7 v2.5 10.6.5.3 (AIG-3).
    """
    shown = node.component(2) or node.component(1)
    return _participant({"display": shown} if shown else None, node, 4, context)


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
