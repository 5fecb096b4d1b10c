"""Coherence of a message about a document: request, types, flags, participants, answers.

Does not judge the CDA itself (`cda`). Standard: CI-SIS volet on CDA documents in HL7 v2, rules of
management; the matrix of flags is that of its rules for the secure mail.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from gateway.cda.reader import Document
from gateway.cda.reader import read as read_cda
from gateway.conformance import kinds
from gateway.conformance.finding import Finding, Layer
from gateway.core.envelope import EmbeddedDocument
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.hl7v2 import envelope
from gateway.hl7v2.message import Message, Segment
from gateway.sharing.flag_matrix import TO_BOTH, TO_PATIENT, TO_PROFESSIONALS

#: Flags in the order of the volet; the first eight are required.
_FLAGS = (
    "MASQUE_PS",
    "INVISIBLE_PATIENT",
    "INVISIBLE_REP_LEGAUX",
    "CONNEXION_SECRETE",
    "MODIF_CONF_CODE",
    "DESTDMP",
    "DESTMSSANTEPS",
    "DESTMSSANTEPAT",
    "ACK_RECEPTION",
    "ACK_LECTURE_MSS",
    "CORPSMAIL_PS",
    "CORPSMAIL_PATIENT",
)
_REQUIRED = _FLAGS[:8]
#: The same for a document that came by mail.
_REQUIRED_OF_MAIL = ("MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REP_LEGAUX", "MODIF_CONF_CODE")
_MAIL_PROFILE = "CISIS_CDA_HL7_LPS"


def document_findings(message: Message) -> Iterator[Finding]:
    """Yield what contradicts itself in a message about a document, or in an answer."""
    kind = message.message_type
    if kind in ("MDM", "ORU"):
        yield from _document(message)
    elif kind == "ZAM":
        told_ko = any(obx.field(5).upper() == "N" for obx in message.segments_named("OBX"))
        if told_ko != message.has("ERR"):
            yield kinds.ANSWER_CONTRADICTS.at("ERR")
    elif kind == "ACK":
        negative = message.value("MSA-1").upper() in ("AE", "AR", "CE", "CR")
        wrong = [e for e in message.segments_named("ERR") if e.field(4).upper() in ("E", "ERROR")]
        if negative != bool(wrong):
            yield kinds.ANSWER_CONTRADICTS.at("ERR")


def _document(message: Message) -> Iterator[Finding]:
    segments = envelope.document_segments(message)
    if not segments and message.message_type == "ORU":
        return
    try:
        documents = envelope.documents(message)
    except RejectedError as error:
        documents = []
        yield from (_from_doors(issue) for issue in error.issues)
    yield from _types(message, segments)
    replaces = envelope.request(message) in (envelope.Request.REPLACE, envelope.Request.DELETE)
    if message.value("TXA-13") and not replaces:
        yield kinds.NEEDLESS_PARENT.at("TXA-13")
    yield from _flags(message)
    for place in documents:
        yield from _carried(message, place)


def _types(message: Message, segments: list[Segment]) -> Iterator[Finding]:
    ordered = message.value("OBR-4.1")
    if not ordered:
        return
    if message.value("TXA-2.1") not in ("", ordered):
        yield kinds.TYPES_DIFFER.at("TXA-2")
    for obx in segments:
        if obx.field(3) not in ("", ordered):
            yield kinds.TYPES_DIFFER.at(f"{obx.place}-3")


def _flags(message: Message) -> Iterator[Finding]:
    try:
        given = envelope.flags(message)
    except RejectedError as error:
        yield from (_from_doors(issue) for issue in error.issues)
        return
    sent = [obx for obx in message.segments_named("OBX") if obx.field(3, 3) == envelope.FLAG_SYSTEM]
    from_mail = message.value("MSH-21.2") == _MAIL_PROFILE
    required = _REQUIRED_OF_MAIL if from_mail else _REQUIRED
    missing = [flag for flag in required if flag not in given]
    if missing:
        yield kinds.FLAG_MISSING.at("OBX", flags=", ".join(missing))
    known = [(obx, _FLAGS.index(name)) for obx in sent if (name := obx.field(3).upper()) in _FLAGS]
    for (_, one), (obx, other) in pairwise(known):
        if other < one:
            yield kinds.FLAGS_DISORDERED.at(f"{obx.place}-3", order=", ".join(_FLAGS))
            break
    if not from_mail:
        yield from _destinations(message, given)


def _destinations(message: Message, given: Mapping[str, bool]) -> Iterator[Finding]:
    to_staff, to_patient = given.get("DESTMSSANTEPS"), given.get("DESTMSSANTEPAT")
    if to_staff or to_patient:
        row = TO_BOTH if to_staff and to_patient else TO_PROFESSIONALS
        row = TO_PATIENT if to_patient and not to_staff else row
        wrong = [f for f, value in row.items() if given.get(f, value) != value]
        if wrong:
            target = "DESTMSSANTEPAT" if row is TO_PATIENT else "DESTMSSANTEPS"
            shown = ", ".join(f"{flag}={'Y' if given[flag] else 'N'}" for flag in wrong)
            yield kinds.FLAGS_CONTRADICT.at("OBX", flags=f"{target}=Y with {shown}")
    roles = {prt.field(4).upper() for prt in message.segments_named("PRT")}
    if given.get("DESTDMP") and "SB" not in roles:
        yield kinds.NO_PARTICIPANT.at("PRT", role="SB", flag="DESTDMP")
    for flag, asked in (("DESTMSSANTEPS", to_staff), ("DESTMSSANTEPAT", to_patient)):
        if asked and "RCT" not in roles:
            yield kinds.NO_PARTICIPANT.at("PRT", role="RCT", flag=flag)
    for prt in message.segments_named("PRT"):
        if prt.field(4).upper() != "RCT" or any("@" in n.component(4) for n in prt.nodes(15)):
            continue
        if "@" in prt.field(16, 4) or "@" in prt.field(16):
            yield kinds.MAIL_ADDRESS_MISPLACED.at(f"{prt.place}-16")
        else:
            yield kinds.NO_MAIL_ADDRESS.at(f"{prt.place}-15")


def _carried(message: Message, place: EmbeddedDocument) -> Iterator[Finding]:
    """Compare the message with the header of the CDA it carries."""
    try:
        document: Document = read_cda(place.body)
    except RejectedError as error:
        for issue in error.issues:
            where = f"{place.place} {issue.where}"
            yield _from_doors(replace(issue, where=where))
        return
    code, number = document.root.child("code"), document.root.child("id")
    ordered = message.value("OBR-4.1")
    if code is not None and ordered and code.get("code") not in ("", ordered):
        yield kinds.CDA_TYPE_DIFFERS.at("OBR-4")
    told = envelope.document_id(message)
    if number is not None and told:
        root, extension = number.get("root"), number.get("extension")
        if told != (f"{root}^{extension}" if extension else root):
            yield kinds.CDA_ID_DIFFERS.at("TXA-12")


def _from_doors(issue: Issue) -> Finding:
    """Return what refuses the message at a door."""
    return Finding(issue, "CI-SIS CDA in HL7 v2", Layer.INTAKE)
