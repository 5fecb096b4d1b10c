"""Orders: the group of an ORC with its OBR, TQ1, DG1 and NTE."""

from collections.abc import Sequence
from typing import Any

from gateway.core.contributions import Json
from gateway.core.timestamps import Timestamp
from gateway.fhir.requests import CONTROL, CONTROL_TABLE, STATUS_REASON, STATUS_TABLE
from gateway.hl7v2 import faults
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.codes import coded
from gateway.hl7v2.convert.dates import date_time, date_time_text, stamp
from gateway.hl7v2.convert.numbers import number_in_pair, number_of
from gateway.hl7v2.convert.providers import facility_of, orderer_reference, orderer_role_id
from gateway.hl7v2.convert.table import V2_SYSTEM, converter
from gateway.hl7v2.message import Message, Node, Segment
from gateway.hl7v2.orders import (
    PLACING,
    STATUS_OF_ORDER,
    control_of,
    first_node,
    group_of,
    is_service,
    number_nodes,
    predecessor_of,
    status_of,
)
from gateway.mapping.converters import Flawed

#: TQ1-9, TQ-6 and OBR-5 (table 0485), RF1-2 (table 0280).
_PRIORITIES = {"S": "stat", "A": "asap", "R": "routine"}


def _number_type(code: str) -> Json:
    return {"coding": [{"system": f"{V2_SYSTEM}0203", "code": code}]}


def key_of(orc: Segment, context: Context) -> tuple[str, str] | None:
    """Return system and number that name an order: the placer's, else the filler's."""
    for node in number_nodes(orc):
        found = number_of(node, context, "order") if node is not None else None
        if found:
            return found
    return None


@converter("order_id", reads=("ORC-2", "ORC-3", "OBR-2", "OBR-3"))
def order_id(orc: Segment, context: Context) -> Any:
    """Return the id of an order; a group that orders no service makes no resource.

    Spec: HL7 v2.5 4.5.1.2, 4.5.1.3 (ORC-2, ORC-3).
    """
    found = key_of(orc, context) if is_service(orc) else None
    return context.ids.order(*found) if found else None


@converter("order_numbers", reads=("ORC-2", "ORC-3", "OBR-2", "OBR-3"))
def order_numbers(orc: Segment, context: Context) -> Any:
    """Return the numbers of the placer and of the filler, as far as they are known.

    Spec: HL7 v2.5 4.5.1.2, 4.5.1.3 (ORC-2, ORC-3); table 0203.
    """
    members: list[Json] = []
    for node, code in zip(number_nodes(orc), ("PLAC", "FILL"), strict=True):
        found = number_of(node, context, "order") if node is not None else None
        if found:
            members.append({"type": _number_type(code), "system": found[0], "value": found[1]})
    return members


@converter("order_group")
def order_group(node: Node, context: Context) -> Any:
    """Return the number orders of one prescription share.

    Spec: HL7 v2.5 4.5.1.4 (ORC-4); table 0203 PGN.
    """
    found = number_of(node, context, "order-group")
    if found is None:
        return None
    return {"type": _number_type("PGN"), "system": found[0], "value": found[1]}


@converter("order_control", reads=("ORC-1", "ORC-5"))
def order_control(orc: Segment, _context: Context) -> Any:
    """Return what was said of the order in the words of its tables: the fold weighs it.

    Spec: HL7 v2.5 4.5.1.1 (ORC-1, table 0119), 4.5.1.5 (ORC-5, table 0038).
    """
    codings: list[Json] = []
    if control := control_of(orc):
        codings.append({"system": CONTROL_TABLE, "code": control})
    if (said := orc.field(5).upper()) in STATUS_OF_ORDER:
        codings.append({"system": STATUS_TABLE, "code": said})
    return {"url": CONTROL, "valueCodeableConcept": {"coding": codings}} if codings else None


@converter("status_reason")
def status_reason(node: Node, context: Context) -> Any:
    """Return why an order was stopped or put on hold.

    Spec: HL7 v2.5 4.5.1.16 (ORC-16); FHIR R4 request-statusReason.
    """
    concept = coded(node, context)
    return {"url": STATUS_REASON, "valueCodeableConcept": concept} if concept else None


@converter("order_status", reads=("ORC-1", "ORC-5"))
def order_status(orc: Segment, _context: Context) -> Any:
    """Return the status this message stands for; the fold weighs it with all others.

    Spec: HL7 v2.5 4.5.1.5 (ORC-5, table 0038), else 4.5.1.1 (ORC-1, table 0119).
    """
    return status_of(orc)


@converter("replaced_order", reads=("ORC-1", "ORC-2", "ORC-3"))
def replaced_order(orc: Segment, context: Context) -> Any:
    """Return the order this one replaces, by its number: the order may be unknown.

    Spec: HL7 v2.5 4.5.1.1 (ORC-1 RP, RU, RQ, then RO).
    """
    earlier = predecessor_of(orc)
    found = key_of(earlier, context) if earlier is not None else None
    return _by_number(found) if found else None


@converter("parent_order")
def parent_order(node: Node, context: Context) -> Any:
    """Return the order this one is a part of, by its number (EIP: placer's, else filler's).

    Spec: HL7 v2.5 4.5.1.8 (ORC-8).
    """
    found = number_in_pair(node, context, "order")
    return _by_number(found) if found else None


def _by_number(key: tuple[str, str]) -> Json:
    return {"type": "ServiceRequest", "identifier": {"system": key[0], "value": key[1]}}


def priority_of(code: str, place: str) -> Any:
    """Return a FHIR request priority; a code of no table is reported and left out."""
    found = _PRIORITIES.get(code.upper())
    if code and not found:
        return Flawed(None, (faults.unknown_code(place, "the priorities S, A, R"),))
    return found


@converter("order_priority", reads=("TQ1-9", "ORC-7", "OBR-5", "OBR-27"))
def order_priority(orc: Segment, _context: Context) -> Any:
    """Return how urgent it is.

    Spec: HL7 v2.5 4.5.4.9 (TQ1-9), 4.5.1.7 (ORC-7.6), 4.5.3.5 (OBR-5), table 0485.
    """
    group = group_of(orc)
    for name, field, component in (("TQ1", 9, 1), ("ORC", 7, 6), ("OBR", 27, 6), ("OBR", 5, 1)):
        node = first_node(group, (name, field))
        if node is not None and node.component(component):
            return priority_of(node.component(component), node.place)
    return None


@converter("order_code", reads=("OBR-4",))
def order_code(orc: Segment, context: Context) -> Any:
    """Return the service that is ordered.

    Spec: HL7 v2.5 4.5.3.4 (OBR-4).
    """
    node = first_node(group_of(orc), ("OBR", 4))
    return coded(node, context) if node is not None else None


def times_of(orc: Segment) -> tuple[str, str]:
    """Return when it is to be done, as sent: start and end of a timing, else OBR-6."""
    group = group_of(orc)
    for name, field, start, end in (("TQ1", 7, 1, 8), ("ORC", 7, 4, 5), ("OBR", 27, 4, 5)):
        node = first_node(group, (name, field))
        if node is not None and node.component(start):
            until = group[name][0].field(end) if name == "TQ1" else node.component(end)
            return node.component(start), until
    node = first_node(group, ("OBR", 6))
    return (node.text() if node is not None else ""), ""


@converter("order_instant", reads=("TQ1-7", "ORC-7", "OBR-27", "OBR-6"))
def order_instant(orc: Segment, _context: Context) -> Any:
    """Return when it is to be done, of an order that says no end.

    Spec: HL7 v2.5 4.5.4.7 (TQ1-7), 4.5.1.7 (ORC-7.4), 4.5.3.6 (OBR-6).
    """
    start, end = times_of(orc)
    return date_time_text(start) if not date_time_text(end) else None


@converter("order_period", reads=("TQ1-7", "TQ1-8", "ORC-7", "OBR-27"))
def order_period(orc: Segment, _context: Context) -> Any:
    """Return from when until when it is to be done; an end before its start is left out.

    Spec: HL7 v2.5 4.5.4.7, 4.5.4.8 (TQ1-7, TQ1-8), 4.5.1.7 (ORC-7.4, ORC-7.5).
    """
    start, end = (stamp(text) for text in times_of(orc))
    return period_of(start, end) if start and end else None


def period_of(start: Timestamp | None, end: Timestamp | None) -> Json:
    """Return a Period; an end before the start would break the invariant per-1."""
    period = {"start": start.text_fhir} if start else {}
    if end and (start is None or start.bounds_utc()[0] <= end.bounds_utc()[1]):
        period["end"] = end.text_fhir
    return period


@converter("order_authored", reads=("ORC-1", "ORC-9"))
def order_authored(orc: Segment, context: Context) -> Any:
    """Return when the order was written: the transaction time of what placed it.

    Spec: HL7 v2.5 4.5.1.9 (ORC-9); of a later message it is the time of that message.
    """
    node = orc.node(9)
    if node is None or control_of(orc) not in PLACING:
        return None
    return date_time(node, context)


@converter("order_requester", reads=("ORC-12", "OBR-16", "ORC-21"))
def order_requester(orc: Segment, context: Context) -> Any:
    """Return who orders: a professional in an establishment, else the one of them that is known.

    Spec: HL7 v2.5 4.5.1.12 (ORC-12), 4.5.3.16 (OBR-16), 4.5.1.21 (ORC-21).
    """
    role = orderer_role_id(orc, context)
    if role:
        return {"reference": f"PractitionerRole/{role}"}
    where = facility_of(orc.node(21), context)
    found = orderer_reference(orc, context)
    if found is None and where.is_own_word:
        return {"reference": f"Organization/{where.id}"}
    return found


def reasons(nodes: Sequence[Node], context: Context) -> list[Json]:
    """Return coded reasons, each once."""
    found: list[Json] = []
    for node in nodes:
        concept = coded(node, context)
        if concept and concept not in found:
            found.append(concept)
    return found


@converter("order_reason", reads=("OBR-31", "DG1-3"))
def order_reason(orc: Segment, context: Context) -> Any:
    """Return why the service is wanted: the reasons, and the diagnoses given with the order.

    Spec: HL7 v2.5 4.5.3.31 (OBR-31), 6.5.2.3 (DG1-3).
    """
    group = group_of(orc)
    nodes = [node for obr in group.get("OBR", ())[:1] for node in obr.nodes(31)]
    nodes += [node for dg1 in group.get("DG1", ()) for node in dg1.nodes(3)]
    return reasons(nodes, context)


@converter("order_note", reads=("OBR-13", "NTE-3"))
def order_note(orc: Segment, _context: Context) -> Any:
    """Return what is written beside the order: clinical information, then its notes.

    Spec: HL7 v2.5 4.5.3.13 (OBR-13), 2.15.10 (NTE-3).
    """
    group = group_of(orc)
    nodes = [node for obr in group.get("OBR", ())[:1] for node in obr.nodes(13)]
    nodes += [node for nte in group.get("NTE", ()) for node in nte.nodes(3)]
    return [{"text": text} for node in nodes if (text := node.text())]


@converter("request_stay", reads=("PV1-19",))
def request_stay(_source: Message | Segment, context: Context) -> Any:
    """Return the stay during which something is requested.

    Spec: HL7 v2.5 3.4.3.19 (PV1-19).
    """
    return {"reference": f"Encounter/{context.visit.id}"} if context.visit else None
