"""What a message asserts about a pathway: keys, times and attributes named in `emits`.

Reads the message alone; what follows from other facts is left to `pathway`. A movement asserts
the fact of its ZBE-1, and its cancellation takes the fact of that ZBE-1 back, whichever comes
first. PAM France 2.11 5.2 and 6.13; HL7 v2.5 10.4.
"""

from collections.abc import Mapping
from typing import Any

from gateway.core.contributions import Target, Version
from gateway.core.facts import Assertion, Op
from gateway.core.messages import Header
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.appointments import appointment_id, appointment_status
from gateway.hl7v2.convert.dates import stamp
from gateway.hl7v2.events import CANCEL, INSERT, UPDATE
from gateway.hl7v2.factvalues import rpps
from gateway.hl7v2.keys import establishment_finess
from gateway.hl7v2.ledger import Movement
from gateway.hl7v2.mergefacts import FACTS
from gateway.hl7v2.message import Message, Segment
from gateway.hl7v2.movement_rows import RANK_OF_ACTION
from gateway.hl7v2.telling import Telling, converter, nodes_at
from gateway.mapping.converters import Source
from gateway.mapping.facts import CompiledFact, Speaker, instant_text, run_facts
from gateway.mapping.sites import Site

__all__ = ["FACTS", "assertions", "feed", "feed_of"]

#: Last part of the name of a feed, by message type.
_FEEDS = {"ADT": "ADT", "SIU": "SIU", "MDM": "DOC", "ORU": "DOC"} | dict.fromkeys(
    ("ORM", "OMG", "OML", "REF"), "ORD"
)
#: What ZBE-4 does to the fact of a movement.
_OPS = {INSERT: Op.ASSERT, UPDATE: Op.AMEND, CANCEL: Op.RETRACT}
#: Messages whose own matter is the identity: they may take a death back.
_IDENTITY_UPDATES = frozenset({"A31", "A08"})
#: RNIV: potential duplicate, duplicate, collision.
_DOUBTS = frozenset({"DPOT", "DOUB", "COLP"})
_MOVING = frozenset({"S13", "S14"})
#: Status of an appointment to the event it is.
_APPOINTMENT_EVENTS = {
    "booked": "BOOKED",
    "checked-in": "BOOKED",
    "cancelled": "CANCELLED",
    "entered-in-error": "CANCELLED",
    "noshow": "NOSHOW",
    # That it took place is a fact beside it: it was booked all the same.
    "fulfilled": "BOOKED",
}


def feed_of(message: Message, site: Site) -> str:
    """Return the feed a message came by: establishment, else sender, and kind of message."""
    facility = message.value("MSH-4.1")
    return _feed(establishment_finess(message, site, facility), facility, message.message_type)


def feed(context: Context) -> str:
    """Return the feed of a message whose keys were read."""
    return _feed(context.finess, context.facility, context.kind)


def _feed(number: str, facility: str, kind: str) -> str:
    return f"{number or facility}:{_FEEDS.get(kind, kind)}"


def assertions(
    plans: tuple[CompiledFact, ...],
    context: Context,
    movement: Movement | None,
    header: Header,
    kinds: Mapping[str, str],
) -> list[Assertion]:
    """Return what a message asserts.

    Args:
        plans: compiled from the `emits` of its event.
        context: of the message, its ZBE repaired.
        movement: row of the ledger, None for a message that tells no movement.
        header: of the input.
        kinds: kind of request by the code of a service.
    """
    sent = header.sent_at or context.recorded
    rank = RANK_OF_ACTION[context.action]
    speaker = Speaker(
        revision=Version(context.recorded, sent, rank, "").key(),
        sent_at=sent,
        patient=Target("Patient", context.patient.id),
        source=feed(context),
        estab=context.finess,
    )
    local = context.site.local_codes or None
    message: Any = context.message
    return run_facts(plans, message, Telling(context, movement, kinds), speaker, local)


# --- keys -------------------------------------------------------------------------------------


@converter("movement")
def movement(_source: Source, telling: Telling) -> str | None:
    """Return the key of a movement: visit with its domain, and ZBE-1.

    A movement without number is named by its event; so is its cancellation.
    Spec: PAM France 2.11 6.13.1 (ZBE-1): the number repeats across visits.
    """
    row = telling.movement
    return None if row is None else f"{_visit(telling.context)}|{row.key}"


@converter("death_of_movement")
def death_of_movement(source: Source, telling: Telling) -> str | None:
    """Return the key of the death a discharge tells: it goes when the discharge goes."""
    found = movement(source, telling)
    return f"{found}|death" if found else None


@converter("preadmission")
def preadmission(_source: Source, telling: Telling) -> str | None:
    """Return the key of a pre-admission: one a visit."""
    return f"{_visit(telling.context)}|preadmission" if telling.context.visit else None


@converter("planned_discharge")
def planned_discharge(_source: Source, telling: Telling) -> str | None:
    """Return the key of a planned discharge: one a visit, the last word counts."""
    return f"{_visit(telling.context)}|planned-discharge" if telling.context.visit else None


def _visit(context: Context) -> str:
    # The domain, not the FINESS: a message may name the unit of another site of the hospital.
    visit = context.visit
    return f"{visit.system}|{visit.number}" if visit else ""


@converter("patient_death")
def patient_death(_source: Source, telling: Telling) -> str:
    """Return the key of what the identity of a patient says about their death."""
    return f"{_patient(telling)}|death"


@converter("patient_opposition")
def patient_opposition(_source: Source, telling: Telling) -> str:
    """Return the key of an opposition to feeding the national record: patient and hospital."""
    return f"{_patient(telling)}|{telling.context.finess}|dmp-opposed"


@converter("identity_state")
def identity_state(source: Source, telling: Telling) -> str:
    """Return the key of one entry into a state of identity, dated by when it was written down."""
    context = telling.context
    state = ins_state(source, telling)
    return f"{_patient(telling)}|{context.finess}|{state}|{instant_text(context.recorded)}"


@converter("patient_gp")
def patient_gp(segment: Segment, telling: Telling) -> str | None:
    """Return the key of a known family doctor: patient, hospital and RPPS."""
    node = segment.node(4)
    number = rpps(node, telling) if node else None
    return f"{_patient(telling)}|{telling.context.finess}|gp|{number}" if number else None


def _patient(telling: Telling) -> str:
    return f"Patient/{telling.context.patient.id}"


@converter("appointment")
def appointment(segment: Segment, telling: Telling) -> str | None:
    """Return the key of an appointment: the latest word about it is what it is.

    Spec: HL7 v2.5 10.6.3.1, 10.6.3.2 (SCH-1, SCH-2).
    """
    found = appointment_id(segment, telling.context)
    return f"Appointment/{found}" if found else None


@converter("move_of_appointment")
def move_of_appointment(segment: Segment, telling: Telling) -> str | None:
    """Return the key of the last time an appointment was moved."""
    found = appointment(segment, telling)
    return f"{found}|moved" if found else None


@converter("appointment_kept")
def appointment_kept(segment: Segment, telling: Telling) -> str | None:
    """Return the key of an appointment that took place."""
    found = appointment(segment, telling)
    return f"{found}|done" if found else None


# --- names and operations ---------------------------------------------------------------------


@converter("arrival", gives=("ADMIT", "ED_IN", "OUTPT"))
def arrival(_source: Source, telling: Telling) -> str | None:
    """Return the kind of an arrival: admission, emergency or outpatient.

    Only class I is an admission: a session or an external visit is none. A registration (A04)
    has it once its status was corrected.
    Spec: PAM France 2.11 5.2 (A01, A04), 6.10 (PV1-2).
    """
    row = telling.movement
    if row is None:
        return None
    if row.patient_class == "E":
        return "ED_IN"
    if row.patient_class == "I":
        return "ADMIT"
    return "ADMIT" if row.event == "A01" and not row.patient_class else "OUTPT"


@converter("class_change", gives=("ADMIT", "MOVE"))
def class_change(_source: Source, telling: Telling) -> str | None:
    """Return what a change of class is: an admission for who becomes an inpatient, else a move.

    Spec: PAM France 2.11 5.3.5 (A06, A07; PV1-2 carries the new class).
    """
    row = telling.movement
    if row is None:
        return None
    return "ADMIT" if row.patient_class == "I" else "MOVE"


@converter("ins_state", gives=("INS_OK", "INS_KO"))
def ins_state(_source: Source, telling: Telling) -> str | None:
    """Return whether the identity is qualified; nothing when the message gives no status.

    Spec: PAM France 2.11 6.6.15 (PID-32); RNIV: only a qualified identity goes with its INS.
    """
    if telling.context.patient.ins_vouched:
        return "INS_OK"
    return "INS_KO" if telling.context.message.value("PID-32") else None


@converter("identity_status")
def identity_status(_source: Source, telling: Telling) -> str | None:
    """Return the status of an identity; of several the doubt that asks for work.

    Spec: PAM France 2.11 6.6.15 (PID-32, a repetition each); RNIV: DPOT, DOUB, COLP.
    """
    said = [node.text().upper() for node in nodes_at(telling.context.message, "PID-32")]
    doubts = [one for one in said if one in _DOUBTS]
    return next(iter([*doubts, *said]), None)


@converter("appointment_event", gives=tuple(sorted(set(_APPOINTMENT_EVENTS.values()))))
def appointment_event(segment: Segment, telling: Telling) -> str | None:
    """Return what an appointment has become; a waiting list is no appointment.

    Spec: HL7 v2.5 10.4 (trigger events), table 0278 (SCH-25).
    """
    return _APPOINTMENT_EVENTS.get(appointment_status(segment, telling.context))


@converter("done_op")
def done_op(segment: Segment, telling: Telling) -> str | None:
    """Return whether an appointment took place; a later word that says otherwise takes it back.

    Spec: HL7 v2.5 10.4 (S12 to S17, S26), table 0278 (SCH-25 Complete).
    """
    status = appointment_status(segment, telling.context)
    if status == "fulfilled":
        return Op.ASSERT
    return Op.RETRACT if status in _APPOINTMENT_EVENTS else None


@converter("moved_op")
def moved_op(segment: Segment, telling: Telling) -> str | None:
    """Return what is done to the move of an appointment: one that is called off is not moved.

    Spec: HL7 v2.5 10.4 (S13, S14; S15, S16, S17).
    """
    became = _APPOINTMENT_EVENTS.get(appointment_status(segment, telling.context))
    if became == "CANCELLED":
        return Op.RETRACT
    return Op.ASSERT if became == "BOOKED" and telling.context.event in _MOVING else None


@converter("movement_op")
def movement_op(_source: Source, telling: Telling) -> str:
    """Return what is done to the fact of a movement; an update can neither insert nor cancel.

    Spec: PAM France 2.11 6.13.4 (ZBE-4).
    """
    return _OPS[telling.context.action]


@converter("death_of_movement_op")
def death_of_movement_op(source: Source, telling: Telling) -> str | None:
    """Assert a death for exit mode 9; a discharge corrected to another mode takes it back.

    A word about the discharge without exit mode says nothing of it. A death that is not one would
    silence every alarm about the patient.
    Spec: PAM France 2.11 6.17 (ZFM-2).
    """
    mode = telling.context.message.value("ZFM-2")
    if movement_op(source, telling) == Op.RETRACT:
        return Op.RETRACT
    if not mode:
        return None
    return Op.ASSERT if mode == "9" else Op.RETRACT


@converter("patient_death_op")
def patient_death_op(_source: Source, telling: Telling) -> str | None:
    """Assert a death for PID-30 Y or a date in PID-29; an identity update may take it back.

    N in any other message says nothing: movements are typed by people who do not know.
    Spec: HL7 v2.5 3.4.2.29, 3.4.2.30 (PID-29, PID-30).
    """
    message = telling.context.message
    said = message.value("PID-30")
    if said == "Y" or (said != "N" and stamp(message.value("PID-29"))):
        return Op.ASSERT
    denied = said == "N" or any(node.is_null for node in nodes_at(message, "PID-29", "PID-30"))
    return Op.RETRACT if denied and telling.context.event in _IDENTITY_UPDATES else None


@converter("opposition_op")
def opposition_op(_source: Source, telling: Telling) -> str | None:
    """Return what ZFA-9 does: opposed, not opposed, or not asked.

    A new patient (A28) has no opposition to take back.
    Spec: PAM France 2.11 6.14 (ZFA-9).
    """
    said = telling.context.message.value("ZFA-9")
    if said == "IO":
        return Op.ASSERT
    return Op.RETRACT if said == "INO" and telling.context.event != "A28" else None


@converter("planned_discharge_op")
def planned_discharge_op(source: Source, telling: Telling) -> str | None:
    """Return what PV2-9 does; a cancelled admission takes the planned discharge with it.

    Spec: PAM France 2.11 6.11 (PV2-9).
    """
    nodes = nodes_at(telling.context.message, "PV2-9")
    if movement_op(source, telling) == Op.RETRACT or any(node.is_null for node in nodes):
        return Op.RETRACT
    return Op.ASSERT if nodes and stamp(nodes[0].text()) else None
