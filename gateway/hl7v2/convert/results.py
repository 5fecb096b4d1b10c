"""Results: the report of an OBR, the observation of an OBX, and the order they answer."""

from typing import Any

from gateway.core.contributions import Json
from gateway.core.systems import IDENTIFIER_BASE
from gateway.fhir.requests import CONTROL, CONTROL_TABLE, RESULT_TABLE, STATUS_TABLE
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.codes import coded
from gateway.hl7v2.convert.dates import stamp
from gateway.hl7v2.convert.numbers import number_of
from gateway.hl7v2.convert.orders import key_of, order_group, order_numbers, period_of, reasons
from gateway.hl7v2.convert.professionals import practitioner_reference
from gateway.hl7v2.convert.table import V2_SYSTEM, converter
from gateway.hl7v2.convert.tables import table_coding
from gateway.hl7v2.message import Message, Node, Segment
from gateway.hl7v2.orders import STATUS_OF_ORDER, control_of, first_node, head_of, number_nodes
from gateway.hl7v2.orders import group_of as order_group_of
from gateway.hl7v2.result_refusals import no_value
from gateway.hl7v2.results import STATUS_OF_RESULTS, name_of, note_segments, request_status
from gateway.mapping.converters import Flawed

_RESULT = f"{IDENTIFIER_BASE}/result"
#: OBR-24 (table 0074) of a laboratory.
_LABORATORY = frozenset(
    {"BG", "BLB", "CG", "CH", "HM", "IMM", "LAB", "MB", "MCB", "MYC", "SR", "TX"}
)
#: OBX-11 of a result that is there, and so has a value.
_CHANGED = "U"
_DONE = frozenset({"C", "F", _CHANGED})
_CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"


# --- the order --------------------------------------------------------------------------------


@converter("answered_order_id", reads=("ORC-2", "ORC-3", "OBR-2", "OBR-3"))
def answered_order_id(obr: Segment, context: Context) -> Any:
    """Return the id of the order that results answer; None without number, or with a document.

    Spec: HL7 v2.5 7.3.1 (ORU R01), 4.5.1.2 (ORC-2), 4.5.3.3 (OBR-3).
    """
    found = key_of(head_of(obr), context) if context.results.answer_an_order(obr) else None
    return context.ids.order(*found) if found else None


@converter("answered_order_numbers", reads=("ORC-2", "ORC-3", "OBR-2", "OBR-3"))
def answered_order_numbers(obr: Segment, context: Context) -> Any:
    """Return the numbers of the placer and of the filler, as far as the results tell them.

    Spec: HL7 v2.5 4.5.1.2, 4.5.1.3 (ORC-2, ORC-3); table 0203.
    """
    return order_numbers(head_of(obr), context)


@converter("answered_order_control", reads=("ORC-1", "ORC-5", "OBR-25"))
def answered_order_control(obr: Segment, _context: Context) -> Any:
    """Return what results say of their order in the words of its tables: the fold weighs it.

    Spec: HL7 v2.5 4.5.1.1 (ORC-1), 4.5.1.5 (ORC-5), 7.4.1.25 (OBR-25, table 0123).
    """
    head, said = head_of(obr), obr.field(25).upper()
    codings: list[Json] = []
    is_order = head.name == "ORC"
    if is_order and (control := control_of(head)):
        codings.append({"system": CONTROL_TABLE, "code": control})
    if is_order and (status := head.field(5).upper()) in STATUS_OF_ORDER:
        codings.append({"system": STATUS_TABLE, "code": status})
    elif said in STATUS_OF_RESULTS:
        codings.append({"system": RESULT_TABLE, "code": said})
    return {"url": CONTROL, "valueCodeableConcept": {"coding": codings}} if codings else None


@converter("answered_order_status", reads=("ORC-1", "ORC-5", "OBR-25"))
def answered_order_status(obr: Segment, _context: Context) -> Any:
    """Return the status results give the order they answer.

    Spec: HL7 v2.5 4.5.1.5 (ORC-5, table 0038), 7.4.1.25 (OBR-25, table 0123).
    """
    return request_status(obr)


@converter("answered_order_group", reads=("ORC-4",))
def answered_order_group(obr: Segment, context: Context) -> Any:
    """Return the number orders of one prescription share.

    Spec: HL7 v2.5 4.5.1.4 (ORC-4).
    """
    head = head_of(obr)
    node = head.node(4) if head.name == "ORC" else None
    return order_group(node, context) if node is not None else None


@converter("answered_order_requester", reads=("ORC-12", "OBR-16"))
def answered_order_requester(obr: Segment, context: Context) -> Any:
    """Return who ordered what the results answer.

    Spec: HL7 v2.5 4.5.1.12 (ORC-12), 7.4.1.16 (OBR-16).
    """
    node = first_node(order_group_of(head_of(obr)), ("ORC", 12), ("OBR", 16))
    return practitioner_reference(node, context) if node is not None else None


@converter("answered_order_reason", reads=("OBR-31",))
def answered_order_reason(obr: Segment, context: Context) -> Any:
    """Return why the results were wanted.

    Spec: HL7 v2.5 7.4.1.31 (OBR-31).
    """
    return reasons(obr.nodes(31), context)


@converter("answered_order", reads=("ORC-2", "ORC-3", "OBR-2", "OBR-3"))
def answered_order(segment: Segment, context: Context) -> Any:
    """Return the order that a report or a result answers.

    By its number, and by its id where that is settled: a number of the filler alone may be one
    of an order whose other number is told elsewhere.

    Spec: HL7 v2.5 7.3.1 (ORU R01); FHIR R4 Observation.basedOn.
    Decision: docs/adr/0007-what-another-input-makes-is-named-by-identifier.md.
    """
    obr = segment if segment.name == "OBR" else context.results.order(segment)
    if obr is None or not context.results.answer_an_order(obr):
        return None
    head = head_of(obr)
    found = key_of(head, context)
    if found is None:
        return None
    reference: Json = {
        "type": "ServiceRequest",
        "identifier": {"system": found[0], "value": found[1]},
    }
    if number_nodes(head)[0] is not None:
        reference["reference"] = f"ServiceRequest/{context.ids.order(*found)}"
    return reference


# --- the report -------------------------------------------------------------------------------


def _group_key(obr: Segment, context: Context) -> str:
    """Return what names a group of results over all its messages.

    The filler numbers what it does; a group without any number is of its patient, service and
    time.
    """
    placer, filler = number_nodes(head_of(obr))
    service = f"{obr.field(4)}^{obr.field(4, 3)}"
    for node in (filler, placer):
        found = number_of(node, context, "order") if node is not None else None
        if found:
            return "|".join((*found, service))
    when = obr.field(7) or context.recorded.isoformat()
    return "|".join((context.patient.id, when, service))


def _report_id(obr: Segment, context: Context) -> str:
    return context.ids.make("DiagnosticReport", _RESULT, _group_key(obr, context))


@converter("report_id", reads=("ORC-2", "ORC-3", "OBR-2", "OBR-3", "OBR-4", "OBR-7"))
def report_id(obr: Segment, context: Context) -> Any:
    """Return the id of the report of a group; None when it holds no result.

    Spec: HL7 v2.5 7.4.1.3 (OBR-3), 7.4.1.4 (OBR-4).
    """
    return _report_id(obr, context) if obr.field(4) and context.results.of(obr) else None


@converter("report_number", reads=("ORC-3", "OBR-3"))
def report_number(obr: Segment, context: Context) -> Any:
    """Return the number the filler gives its results.

    Spec: HL7 v2.5 7.4.1.3 (OBR-3); table 0203 FILL.
    """
    node = number_nodes(head_of(obr))[1]
    found = number_of(node, context, "order") if node is not None else None
    if not found:
        return None
    kind = {"coding": [{"system": f"{V2_SYSTEM}0203", "code": "FILL"}]}
    return {"type": kind, "system": found[0], "value": found[1]}


@converter("diagnostic_section")
def diagnostic_section(node: Node, context: Context) -> Any:
    """Return the section of the service that made the results.

    Spec: HL7 v2.5 7.4.1.24 (OBR-24, table 0074).
    """
    return {"coding": [table_coding("0074", node.text().upper(), "OBR-24", context)]}


@converter("report_instant", reads=("OBR-7", "OBR-8"))
def report_instant(obr: Segment, _context: Context) -> Any:
    """Return when it was observed or sampled, where one time is told.

    Spec: HL7 v2.5 7.4.1.7 (OBR-7).
    """
    found = None if obr.field(8) else stamp(obr.field(7))
    return found.text_fhir if found else None


@converter("report_period", reads=("OBR-7", "OBR-8"))
def report_period(obr: Segment, _context: Context) -> Any:
    """Return from when until when it was observed or sampled.

    Spec: HL7 v2.5 7.4.1.7, 7.4.1.8 (OBR-7, OBR-8).
    """
    start, end = stamp(obr.field(7)), stamp(obr.field(8))
    return period_of(start, end) if end else None


@converter("instant")
def instant(node: Node, _context: Context) -> Any:
    """Return an instant; a day without time is none.

    Spec: HL7 v2.5 7.4.1.22 (OBR-22); FHIR R4 instant.
    """
    found = stamp(node.text())
    return (found.instant_fhir or None) if found else None


@converter("report_results", reads=("OBX-3", "OBX-4"))
def report_results(obr: Segment, context: Context) -> Any:
    """Return the results of the group.

    Spec: HL7 v2.5 7.3.1 (ORU R01).
    """
    found = (result_id(obx, context) for obx in context.results.of(obr))
    return [{"reference": f"Observation/{one}"} for one in found]


# --- the result -------------------------------------------------------------------------------


@converter("result_id", reads=("OBX-3", "OBX-4", "ORC-2", "ORC-3", "OBR-2", "OBR-3", "OBR-4"))
def result_id(obx: Segment, context: Context) -> Any:
    """Return the id of a result: its group, what is observed, its sub-id, and which of equals.

    The same result of a later message is the same resource: corrected, completed or taken back.
    Spec: HL7 v2.5 7.4.2.3, 7.4.2.4 (OBX-3, OBX-4).
    """
    obr = context.results.order(obx)
    if obr is None or not obr.field(4):
        return None
    rank = context.results.rank_of[obx.index]
    key = f"{_group_key(obr, context)}#{name_of(obx)}#{rank}"
    return context.ids.make("Observation", _RESULT, key)


@converter("table_code")
def table_code(node: Node, _context: Context) -> Any:
    """Return a code in the capitals of its table.

    Spec: HL7 v2.5 2.A.36 (ID), 2.A.37 (IS).
    """
    return node.text().strip().upper() or None


@converter("result_category", reads=("OBR-24",))
def result_category(obx: Segment, context: Context) -> Any:
    """Return that a result is one of a laboratory, where the section of its service says so.

    Spec: HL7 v2.5 7.4.1.24 (OBR-24, table 0074); FHIR R4 observation-category.
    """
    obr = context.results.order(obx)
    if obr is None or obr.field(24).upper() not in _LABORATORY:
        return None
    return {"coding": [{"system": _CATEGORIES, "code": "laboratory", "display": "Laboratory"}]}


@converter("result_time_of", reads=("OBX-14", "OBR-7", "OBR-8"))
def result_time_of(obx: Segment, context: Context) -> Any:
    """Return when it was observed: OBX-14, else the one time of its group.

    Spec: HL7 v2.5 7.4.2.14 (OBX-14), 7.4.1.7 (OBR-7).
    """
    found = stamp(obx.field(14))
    if found:
        return found.text_fhir
    obr = context.results.order(obx)
    return report_instant(obr, context) if obr is not None else None


@converter("result_period_of", reads=("OBX-14", "OBR-7", "OBR-8"))
def result_period_of(obx: Segment, context: Context) -> Any:
    """Return from when until when it was observed, where only its group tells.

    Spec: HL7 v2.5 7.4.1.7, 7.4.1.8 (OBR-7, OBR-8).
    """
    obr = context.results.order(obx)
    if obr is None or stamp(obx.field(14)):
        return None
    return report_period(obr, context)


@converter("result_issued", reads=("OBR-22",))
def result_issued(obx: Segment, context: Context) -> Any:
    """Return when the result was made available: the time its group was reported.

    Spec: HL7 v2.5 7.4.1.22 (OBR-22).
    """
    obr = context.results.order(obx)
    node = obr.node(22) if obr is not None else None
    return instant(node, context) if node is not None else None


@converter("producer")
def producer(node: Node, _context: Context) -> Any:
    """Return the laboratory that made a result, by its name: nobody describes it.

    Spec: HL7 v2.5 7.4.2.15 (OBX-15).
    """
    shown = node.component(2) or node.component(1)
    return {"type": "Organization", "display": shown} if shown else None


@converter("result_absent", reads=("OBX-5", "OBX-11"))
def result_absent(obx: Segment, _context: Context) -> Any:
    """Return the status of a result that has no value: it says why.

    Spec: HL7 v2.5 7.4.2.11 (OBX-11, table 0085); FHIR R4 obs-6.
    """
    if any(not node.is_null for node in obx.nodes(5)):
        return None
    status = obx.field(11).upper() or _CHANGED
    if status not in _DONE:
        return status
    return Flawed(status, (no_value(f"{obx.place}-5"),))


@converter("result_note", reads=("NTE-3",))
def result_note(obx: Segment, _context: Context) -> Any:
    """Return the notes behind a result.

    Spec: HL7 v2.5 2.15.10 (NTE-3), 7.3.1 (NTE behind OBX).
    """
    nodes = [node for nte in note_segments(obx) for node in nte.nodes(3)]
    return [{"text": text} for node in nodes if (text := node.text())]


@converter("result_method")
def result_method(node: Node, context: Context) -> Any:
    """Return how it was observed.

    Spec: HL7 v2.5 7.4.2.17 (OBX-17).
    """
    return coded(node, context)


@converter("subject_of_results", reads=("PID-3",))
def subject_of_results(_source: Message | Segment, context: Context) -> Json:
    """Return the patient of the message.

    Spec: HL7 v2.5 3.4.2.3 (PID-3).
    """
    return {"reference": f"Patient/{context.patient.id}"}
