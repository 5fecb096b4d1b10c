"""Records that give way, are linked or taken apart, and dossiers that change their patient.

Says what a message says, about both records; what follows from it is `fhir.survivors`.
"""

from typing import Any

from gateway.core.contributions import Json
from gateway.core.envelope import INS_ROOTS
from gateway.fhir.accounts import MOVED_FROM
from gateway.fhir.links import OLD_NUMBER, REASON, RENUMBERED
from gateway.fhir.spoken import Spoken
from gateway.hl7v2 import faults
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.patient import ipp_domain
from gateway.hl7v2.convert.stay import ACCOUNT_NUMBER, cx_domain
from gateway.hl7v2.convert.table import converter
from gateway.hl7v2.message import Node, Segment
from gateway.mapping.converters import Flawed, Removed

#: CX-5 of a local patient number; some senders leave it out.
_LOCAL = ("PI", "")


def _former(context: Context) -> tuple[str, str] | None:
    """Return domain and value of the local number in MRG-1 that is of the authority of PID-3.

    MRG-1 repeats: the numbers of other authorities go with the record and are no key. When PID-3
    has an INS and no local number, the first local number counts: the INS takes its place.
    """
    merged = context.message.first("MRG")
    by_ins = context.patient.system.removeprefix("urn:oid:") in INS_ROOTS
    for node in merged.nodes(1) if merged else ():
        if node.component(5) not in _LOCAL or not node.component(1):
            continue
        domain = ipp_domain(node, context)
        if domain and (by_ins or domain == context.patient.system):
            return domain, node.component(1)
    return None


def _is_own(former: tuple[str, str], context: Context) -> bool:
    return former == (context.patient.system, context.patient.value)


@converter("merged_id", reads=("MRG-1", "PID-3"))
def merged_id(_source: object, context: Context) -> Any:
    """Return the id of the Patient that is merged into that of PID-3.

    Spec: PAM France 2.11 4.1 (event A40); HL7 v2.5 3.4.9.1 (MRG-1).
    """
    former = _former(context)
    if former is None:
        return Flawed(None, (faults.no_former_number("MRG-1"),))
    if _is_own(former, context):
        return Flawed(None, (faults.same_record("MRG-1"),))
    return context.ids.patient(*former)


@converter("renumbered_id", reads=("MRG-1", "PID-3"))
def renumbered_id(_source: object, context: Context) -> Any:
    """Return the id of the Patient whose local number changes; nothing when only the INS does.

    Spec: PAM France 2.11 4.1 and 4.4 (event A47); HL7 v2.5 3.4.9.1 (MRG-1).
    """
    former = _former(context)
    merged = context.message.first("MRG")
    speaks_of_ins = any(n.component(5) == "INS" for n in merged.nodes(1)) if merged else False
    if former is None:
        return None if speaks_of_ins else Flawed(None, (faults.no_former_number("MRG-1"),))
    if _is_own(former, context):
        return None if speaks_of_ins else Flawed(None, (faults.same_record("MRG-1"),))
    return context.ids.patient(*former)


@converter("former_number", reads=("MRG-1", "PID-3"))
def former_number(_source: object, context: Context) -> Any:
    """Return the local number that is given up.

    Spec: HL7 v2.5 3.4.9.1 (MRG-1); FR Core fr-core-patient, identifier PI with use old.
    """
    former = _former(context)
    if former is None:
        return None
    return {"use": "old", "type": OLD_NUMBER, "system": former[0], "value": former[1]}


@converter("replaced_by", reads=("PID-3",))
def replaced_by(_source: object, context: Context) -> Any:
    """Return the link of a merged record to the one that stays.

    Spec: PAM France 2.11 4.1 (event A40); FHIR R4 Patient.link.
    """
    return _link(context.patient.id, "replaced-by")


@converter("renumbered_as", reads=("PID-3",))
def renumbered_as(_source: object, context: Context) -> Any:
    """Return the link of a record to itself under its new number.

    Spec: PAM France 2.11 4.1 (event A47); FHIR R4 Patient.link.
    """
    return {
        "extension": [{"url": REASON, "valueCode": RENUMBERED}],
        **_link(context.patient.id, "replaced-by"),
    }


@converter("former_ins", reads=("MRG-1", "PID-3"))
def former_ins(node: Node, context: Context) -> Any:
    """Take a former INS away; when no other takes its place, take away every INS.

    Spec: PAM France 2.11 4.4 (event A47): new matricule, wrong attribution, downgrade.
    """
    root = node.component(4, 2).removeprefix("urn:oid:")
    if node.component(5) != "INS" or root not in INS_ROOTS:
        return None
    patient = context.message.first("PID")
    numbers = patient.nodes(3) if patient else []
    if any(number.component(5) == "INS" and number.component(1) for number in numbers):
        return Removed(f"urn:oid:{root}|{node.component(1)}")
    return [Removed(f"urn:oid:{every}|*") for every in INS_ROOTS]


@converter("spoken_of", reads=("MRG-1",))
def spoken_of(_source: object, context: Context) -> Any:
    """Return by which former INS a message names its patient, as a word for the fold.

    Spec: PAM France 2.11 4.4 (event A47): the patient is found by the INS in MRG-1.
    """
    patient = context.patient
    if not patient.spoken_in:
        return None
    return Spoken(patient.system, patient.value, patient.spoken_in).extension()


# --- two patients of one message --------------------------------------------------------------


@converter("one_of_two_id", reads=("PID-3",))
def one_of_two_id(segment: Segment, context: Context) -> Any:
    """Return the id of the Patient of one PID among two.

    Spec: HL7 v2.5 3.3.24 (A24, link), 3.3.37 (A37, unlink).
    """
    found = _number(segment, context)
    if found is None:
        return Flawed(None, (faults.no_patient_number(f"{segment.place}-3"),))
    if found == _number(_other(segment), context):
        return Flawed(None, (faults.same_record(f"{segment.place}-3"),))
    return context.ids.patient(*found)


@converter("one_of_two_number", reads=("PID-3",))
def one_of_two_number(segment: Segment, context: Context) -> Any:
    """Return the local number of the patient of one PID among two.

    Spec: PAM France 2.11 6.6.1 (PID-3).
    """
    found = _number(segment, context)
    if found is None:
        return None
    return {"use": "usual", "type": OLD_NUMBER, "system": found[0], "value": found[1]}


@converter("linked_with", reads=("PID-3",))
def linked_with(segment: Segment, context: Context) -> Any:
    """Return the link to the patient of the other PID.

    Spec: HL7 v2.5 3.3.24 (A24).
    """
    found = _number(_other(segment), context)
    return _link(context.ids.patient(*found), "seealso") if found else None


@converter("taken_apart_from", reads=("PID-3",))
def taken_apart_from(segment: Segment, context: Context) -> Any:
    """Take back link and merge with the patient of the other PID.

    Spec: HL7 v2.5 3.3.37 (A37).
    """
    found = _number(_other(segment), context)
    return Removed(f"Patient/{context.ids.patient(*found)}") if found else None


def _other(segment: Segment) -> Segment | None:
    """Return the other PID of the message; of more than two, the first pair counts."""
    found = segment.message.segments_named("PID")
    others = [one for one in found[:2] if one.ordinal != segment.ordinal]
    return others[0] if others else None


def _number(segment: Segment | None, context: Context) -> tuple[str, str] | None:
    """Return domain and value of the first local number of PID-3 that has an authority."""
    for node in segment.nodes(3) if segment else ():
        is_local = node.component(5) in _LOCAL and node.component(1)
        if is_local and (domain := ipp_domain(node, context)):
            return domain, node.component(1)
    return None


def _link(patient_id: str, kind: str) -> Json:
    return {"other": {"reference": f"Patient/{patient_id}"}, "type": kind}


# --- dossiers ---------------------------------------------------------------------------------


def _moved(context: Context) -> tuple[str, str] | None:
    """Return domain and number of the dossier that is moved: MRG-3, else PID-18."""
    merged, patient = context.message.first("MRG"), context.message.first("PID")
    for segment, field in ((merged, 3), (patient, 18)):
        node = segment.node(field) if segment else None
        if node is not None and node.component(1):
            return cx_domain("nda", node, context), node.component(1)
    return None


@converter("moved_account_id", reads=("MRG-3", "PID-18"))
def moved_account_id(_source: object, context: Context) -> Any:
    """Return the id of the Account that changes its patient.

    Spec: PAM France 2.11 5.1 (event A44); HL7 v2.5 3.4.9.3 (MRG-3).
    """
    found = _moved(context)
    return context.ids.account(*found) if found else None


@converter("moved_account_number", reads=("MRG-3", "PID-18"))
def moved_account_number(_source: object, context: Context) -> Any:
    """Return the number of the dossier that changes its patient.

    Spec: HL7 v2.5 3.4.9.3 (MRG-3).
    """
    found = _moved(context)
    if found is None:
        return None
    return {"type": ACCOUNT_NUMBER, "system": found[0], "value": found[1]}


@converter("moved_from", reads=("MRG-1", "PID-3"))
def moved_from(_source: object, context: Context) -> Any:
    """Return the patient that a dossier is taken from, as a word for the fold.

    Spec: HL7 v2.5 3.3.44 (A44), 3.4.9.1 (MRG-1).
    """
    former = _former(context)
    if former is None:
        return Flawed(None, (faults.no_former_number("MRG-1"),))
    if _is_own(former, context):
        return Flawed(None, (faults.same_record("MRG-1"),))
    left = context.ids.patient(*former)
    return {"url": MOVED_FROM, "valueReference": {"reference": f"Patient/{left}"}}
