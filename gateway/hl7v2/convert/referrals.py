"""Referrals: RF1 with what stands beside it in a REF message."""

from typing import Any

from gateway.core.contributions import Json
from gateway.fhir.requests import CONTROL, REFERRAL_TABLE, STATUS_REASON
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.codes import coded
from gateway.hl7v2.convert.dates import stamp
from gateway.hl7v2.convert.numbers import number_of
from gateway.hl7v2.convert.orders import period_of, priority_of, reasons
from gateway.hl7v2.convert.table import V2_SYSTEM, converter
from gateway.hl7v2.message import Node, Segment
from gateway.hl7v2.orders import STATUS_OF_REFERRAL

_CANCELLING = "I14"
_EXPIRED = "E"


@converter("referral_id", reads=("RF1-6", "RF1-11"))
def referral_id(rf1: Segment, context: Context) -> Any:
    """Return the id of a referral: of its originating number, else of the external one.

    Spec: HL7 v2.5 11.6.1.6, 11.6.1.11 (RF1-6, RF1-11).
    """
    for field in (6, 11):
        node = rf1.node(field)
        found = number_of(node, context, "order") if node is not None else None
        if found:
            return context.ids.order(*found)
    return None


@converter("referral_number")
def referral_number(node: Node, context: Context) -> Any:
    """Return the number of who refers (RF1-6) or of the other side (RF1-11).

    Spec: HL7 v2.5 11.6.1.6, 11.6.1.11 (RF1-6, RF1-11); table 0203.
    """
    found = number_of(node, context, "order")
    if found is None:
        return None
    code = "PLAC" if node.field == 6 else "FILL"
    kind = {"coding": [{"system": f"{V2_SYSTEM}0203", "code": code}]}
    return {"type": kind, "system": found[0], "value": found[1]}


@converter("referral_control", reads=("RF1-1",))
def referral_control(rf1: Segment, context: Context) -> Any:
    """Return what was said of the referral: its status, or that it was cancelled.

    Spec: HL7 v2.5 11.6.1.1 (RF1-1, table 0283), 11.5 (I14).
    """
    coding: Json = {"system": REFERRAL_TABLE, "code": rf1.field(1).upper()}
    if context.event == _CANCELLING:
        coding = {"system": f"{V2_SYSTEM}0003", "code": _CANCELLING}
    elif coding["code"] not in STATUS_OF_REFERRAL:
        return None
    return {"url": CONTROL, "valueCodeableConcept": {"coding": [coding]}}


@converter("referral_status", reads=("RF1-1",))
def referral_status(rf1: Segment, context: Context) -> Any:
    """Return the status of a referral; one that waits for its answer is active.

    Spec: HL7 v2.5 11.6.1.1 (RF1-1, table 0283), 11.5 (I14).
    """
    if context.event == _CANCELLING:
        return "revoked"
    return STATUS_OF_REFERRAL.get(rf1.field(1).upper(), "active")


@converter("referral_expired", reads=("RF1-1",))
def referral_expired(rf1: Segment, context: Context) -> Any:
    """Return that it was the time that ended a referral, which is not a refusal.

    Spec: HL7 v2.5 table 0283 (E); FHIR R4 request-statusReason.
    """
    node = rf1.node(1)
    if node is None or node.text().upper() != _EXPIRED or context.event == _CANCELLING:
        return None
    concept = {"coding": [{"system": REFERRAL_TABLE, "code": _EXPIRED}]}
    return {"url": STATUS_REASON, "valueCodeableConcept": concept}


@converter("referral_priority")
def referral_priority(node: Node, _context: Context) -> Any:
    """Return how urgent a referral is.

    Spec: HL7 v2.5 11.6.1.2 (RF1-2, table 0280).
    """
    return priority_of(node.text(), node.place)


@converter("referral_period", reads=("RF1-7", "RF1-8"))
def referral_period(rf1: Segment, _context: Context) -> Any:
    """Return from when until when a referral holds.

    Spec: HL7 v2.5 11.6.1.7, 11.6.1.8 (RF1-7, RF1-8).
    """
    return period_of(stamp(rf1.field(7)), stamp(rf1.field(8)))


@converter("referral_reason", reads=("RF1-10", "DG1-3"))
def referral_reason(rf1: Segment, context: Context) -> Any:
    """Return why somebody is referred: the reason, and the diagnoses of the message.

    Spec: HL7 v2.5 11.6.1.10 (RF1-10), 6.5.2.3 (DG1-3).
    """
    nodes = rf1.nodes(10)
    nodes += [n for dg1 in rf1.message.segments_named("DG1") for n in dg1.nodes(3)]
    return reasons(nodes, context)


@converter("referral_code", reads=("OBR-4", "RF1-3"))
def referral_code(rf1: Segment, context: Context) -> Any:
    """Return what is asked for: the service of the first OBR, else the type of the referral.

    Spec: HL7 v2.5 4.5.3.4 (OBR-4), 11.6.1.3 (RF1-3, table 0281).
    """
    obr = rf1.message.first("OBR")
    node = (obr.node(4) if obr is not None else None) or rf1.node(3)
    return coded(node, context) if node is not None else None


@converter("note")
def note(node: Node, _context: Context) -> Any:
    """Return a text as an annotation.

    Spec: HL7 v2.5 2.15.10.3 (NTE-3), 4.5.3.13 (OBR-13).
    """
    return {"text": node.text()} if node.text() else None
