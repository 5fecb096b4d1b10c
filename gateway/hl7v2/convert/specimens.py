"""What was sampled for a group of results, who interpreted them, and what is noted of the group.

Does not decide which segments are results (`hl7v2.results`).
"""

from collections.abc import Iterator
from typing import Any

from gateway.core.contributions import Json
from gateway.core.systems import IDENTIFIER_BASE
from gateway.fhir.identity import RPPS_SYSTEM
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.dates import stamp
from gateway.hl7v2.convert.numbers import number_in_pair
from gateway.hl7v2.convert.orders import period_of
from gateway.hl7v2.convert.results import answered_order, report_id
from gateway.hl7v2.convert.table import converter
from gateway.hl7v2.message import Node, Segment
from gateway.hl7v2.results import note_segments

_SPECIMEN = f"{IDENTIFIER_BASE}/specimen"
#: FHIR R5 DiagnosticReport.note, which R4 has not.
_NOTE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note"
#: Begin another group.
_HEADS = frozenset({"ORC", "OBR"})
_RPPS_OID, _RPPS_LENGTH = "1.2.250.1.71.4.2.1", 11


def _samples(obr: Segment) -> Iterator[Segment]:
    """Yield the samples of a group: SPM stand behind its results."""
    for segment in obr.message.segments[obr.index + 1 :]:
        if segment.name in _HEADS:
            return
        if segment.name == "SPM":
            yield segment


def _group_of(spm: Segment) -> Segment | None:
    for segment in reversed(spm.message.segments[: spm.index]):
        if segment.name in _HEADS:
            return segment if segment.name == "OBR" else None
    return None


@converter("specimen_id", reads=("SPM-1", "SPM-2"))
def specimen_id(spm: Segment, context: Context) -> Any:
    """Return the id of a sample: its number, else its place in the report; None without results.

    Spec: HL7 v2.5 7.4.3.2 (SPM-2), 7.4.3.1 (SPM-1).
    """
    obr = _group_of(spm)
    report = report_id(obr, context) if obr is not None else None
    if report is None:
        return None
    found = specimen_number(spm, context)
    system, value = found or (_SPECIMEN, f"{report}#{spm.field(1)}")
    return context.ids.make("Specimen", system, value)


def specimen_number(spm: Segment, context: Context) -> tuple[str, str] | None:
    """Return system and number of a sample, None when it has none."""
    node = spm.node(2)
    return number_in_pair(node, context, "specimen") if node is not None else None


@converter("specimen_identifier", reads=("SPM-2",))
def specimen_identifier(spm: Segment, context: Context) -> Any:
    """Return the number of a sample.

    Spec: HL7 v2.5 7.4.3.2 (SPM-2).
    """
    found = specimen_number(spm, context)
    return {"system": found[0], "value": found[1]} if found else None


@converter("specimen_request", reads=("ORC-2", "ORC-3", "OBR-2", "OBR-3"))
def specimen_request(spm: Segment, context: Context) -> Any:
    """Return the order a sample was taken for.

    Spec: HL7 v2.5 7.3.1 (ORU R01); FHIR R4 Specimen.request.
    """
    obr = _group_of(spm)
    return answered_order(obr, context) if obr is not None else None


@converter("collected_at", reads=("SPM-17",))
def collected_at(spm: Segment, _context: Context) -> Any:
    """Return when a sample was taken, where one time is told.

    Spec: HL7 v2.5 7.4.3.17 (SPM-17).
    """
    found = None if spm.field(17, 2) else stamp(spm.field(17))
    return found.text_fhir if found else None


@converter("collected_over", reads=("SPM-17",))
def collected_over(spm: Segment, _context: Context) -> Any:
    """Return from when until when a sample was taken.

    Spec: HL7 v2.5 7.4.3.17 (SPM-17).
    """
    start, end = stamp(spm.field(17)), stamp(spm.field(17, 2))
    return period_of(start, end) if end else None


@converter("date_said")
def date_said(node: Node, _context: Context) -> Any:
    """Return a date or an instant as precisely as it was said.

    Spec: HL7 v2.5 2.A.77 (TS); FHIR R4 dateTime.
    """
    found = stamp(node.text())
    return found.text_fhir if found else None


@converter("report_samples", reads=("SPM-1", "SPM-2"))
def report_samples(obr: Segment, context: Context) -> Any:
    """Return the samples of a report.

    Spec: HL7 v2.5 7.3.1 (ORU R01, SPM).
    """
    found = (specimen_id(spm, context) for spm in _samples(obr))
    return [{"reference": f"Specimen/{one}"} for one in found if one]


@converter("result_sample", reads=("SPM-1", "SPM-2"))
def result_sample(obx: Segment, context: Context) -> Any:
    """Return the sample of a result, where its group has one only.

    Spec: HL7 v2.5 7.3.1 (ORU R01, SPM).
    """
    obr = context.results.order(obx)
    found = report_samples(obr, context) if obr is not None else []
    return found[0] if len(found) == 1 else None


@converter("interpreter")
def interpreter(node: Node, _context: Context) -> Any:
    """Return who interpreted the results, by number and name: nobody describes them.

    Spec: HL7 v2.5 7.4.1.32 (OBR-32, NDL); 2.A.9 (CNN).
    """
    number, family, given, authority = (node.component(1, at) for at in (1, 2, 3, 10))
    made: Json = {"type": "Practitioner"}
    if number and authority:
        system, value = f"urn:oid:{authority}", number
        if authority == _RPPS_OID and len(number) == _RPPS_LENGTH:
            system = RPPS_SYSTEM
        made["identifier"] = {"system": system, "value": value}
    shown = " ".join(part for part in (given, family) if part)
    if shown:
        made["display"] = shown
    return made if len(made) > 1 else None


@converter("report_note", reads=("NTE-3",))
def report_note(obr: Segment, _context: Context) -> Any:
    """Return the notes right behind a group head: FHIR R5 gives a report notes.

    Spec: HL7 v2.5 2.15.10.3 (NTE-3); FHIR R5 DiagnosticReport.note.
    """
    lines = [node.text() for nte in note_segments(obr) for node in nte.nodes(3) if node.text()]
    if not lines:
        return None
    return {"url": _NOTE, "valueAnnotation": {"text": "\n".join(lines)}}
