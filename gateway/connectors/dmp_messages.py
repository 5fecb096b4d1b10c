"""Bodies of the requests to the shared record, as XML; no network, no signature of the envelope.

Standards: HL7 v3 PRPA_IN201307UV02 (TD0.2), IHE ITI TF-2 3.41 (ITI-41), 3.18 (ITI-18), 3.57
(UpdateDocumentSet), OASIS ebXML RegRep 3.0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from lxml import etree

from gateway.connectors import ebrim
from gateway.connectors.dmp_submission import Ins
from gateway.connectors.ebrim import LCM, RIM, Member, SubmissionSet

HL7 = "urn:hl7-org:v3"
XDS = "urn:ihe:iti:xds-b:2007"
QUERY = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
XOP = "http://www.w3.org/2004/08/xop/include"
APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
_DELETED = "urn:asip:ci-sis:2010:StatusType:Deleted"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
#: The stubs of lxml know no default namespace.
_V3 = cast("dict[str, str]", {None: HL7, "xsi": _XSI})
_RECORD = "1.2.250.1.213.4.1.1.1"
_SIGNS = "urn:ihe:iti:2007:AssociationType:signs"
_REPLACES = "urn:ihe:iti:2007:AssociationType:RPLC"
_UPDATES = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"
_GET_DOCUMENTS = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"


@dataclass(frozen=True, slots=True)
class Action:
    """A transaction: where it goes and what its WS-Addressing action is."""

    path: str
    name: str


EXISTS = Action("patients", "urn:hl7-org:v3:PRPA_IN201307UV02")
FEED = Action("repository", "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b")
FIND = Action("registry", "urn:ihe:iti:2007:RegistryStoredQuery")
UPDATE = Action("registry", "urn:ihe:iti:2010:UpdateDocumentSet")


def existence(
    ins: Ins, message: str, software: tuple[str, str], now: datetime, processing: str
) -> etree._Element:
    """Ask whether a patient has a record, and whether it is open (TD0.2).

    Args:
        ins: of the patient.
        message: OID of this message.
        software: OID and name of this software.
        now: instant of the call.
        processing: P in production, T in test, D in samples.
    """
    root = etree.Element(
        _hl7("PRPA_IN201307UV02"),
        {"ITSVersion": "XML_1.0"},
        nsmap=_V3,
    )
    _v3(root, "id", root=message)
    _v3(root, "creationTime", value=now.astimezone(UTC).strftime("%Y%m%d%H%M%S"))
    _v3(root, "interactionId", root="2.16.840.1.113883.1.6", extension="PRPA_IN201307UV02")
    _v3(root, "processingCode", code=processing)
    _v3(root, "processingModeCode", code="T")
    _v3(root, "acceptAckCode", code="AL")
    for role, kind, oid, name in (
        ("receiver", "RCV", _RECORD, "DMP"),
        ("sender", "SND", *software),
    ):
        device = _v3(_v3(root, role, typeCode=kind), "device", classCode="DEV",
                     determinerCode="INSTANCE")  # fmt: skip
        _v3(device, "id", root=oid)
        _v3(device, "softwareName").text = name
    _nil(_v3(root, "attentionLine"))
    control = _v3(root, "controlActProcess", classCode="CACT", moodCode="EVN")
    _v3(control, "reasonCode", code="TEST_EXST", codeSystem="1.2.250.1.213.1.1.4.11")
    query = _v3(control, "queryByParameter")
    _v3(query, "queryId", root=message, extension="1")
    _v3(query, "statusCode", code="new")
    listed = _v3(query, "parameterList")
    _nil(_v3(listed, "dataSource"))
    patient = _v3(listed, "patientIdentifier")
    _v3(patient, "value", root=ins.root, extension=ins.number)
    _v3(patient, "semanticsText").text = "Patient.id"
    return root


def feeding(
    lot: SubmissionSet, document: Member, signature: Member, replaced: str = ""
) -> etree._Element:
    """Provide a document and the signature of the lot (ITI-41); documents are `cid:` references.

    Args:
        lot: the submission set.
        document: what is fed.
        signature: the signature of the lot, a document of its own.
        replaced: entryUUID (`urn:uuid:…`) of the entry it takes the place of, empty when none.

    Spec: IHE ITI TF-2 3.41.4.1.2; TF-3 4.2.2 (associations HasMember, signs, RPLC).
    """
    root = etree.Element(
        f"{{{XDS}}}ProvideAndRegisterDocumentSetRequest",
        nsmap={"xds": XDS, "lcm": LCM, "rim": RIM, "xop": XOP},
    )
    request = etree.SubElement(root, f"{{{LCM}}}SubmitObjectsRequest")
    writer = ebrim.Writer(etree.SubElement(request, _rim("RegistryObjectList")), lot)
    lot_id = writer.package(lot)
    ids = [writer.document(member) for member in (document, signature)]
    for one in ids:
        writer.association(lot_id, one)
    writer.association(ids[1], lot_id, _SIGNS)
    if replaced:
        writer.association(ids[0], replaced, _REPLACES)
    for one, member in zip(ids, (document, signature), strict=True):
        held = etree.SubElement(root, f"{{{XDS}}}Document", {"id": one})
        reference = f"cid:{content_id(member)}"
        etree.SubElement(held, f"{{{XOP}}}Include", {"href": reference})
    return root


def content_id(member: Member) -> str:
    """Return the Content-ID of a document; computed from its bytes, so never two the same."""
    return f"{member.entry.hash}@relais"


def finding(unique_id: str, *, whole: bool = False) -> etree._Element:
    """Ask for the entries of a document by its uniqueId (ITI-18, GetDocuments).

    Args:
        unique_id: of the document.
        whole: ask for the entries with their status instead of their ids alone.
    """
    root = etree.Element(f"{{{QUERY}}}AdhocQueryRequest", nsmap={"query": QUERY, "rim": RIM})
    kind = "LeafClass" if whole else "ObjectRef"
    attributes = {"returnComposedObjects": "true", "returnType": kind}
    etree.SubElement(root, f"{{{QUERY}}}ResponseOption", attributes)
    asked = etree.SubElement(root, _rim("AdhocQuery"), {"id": _GET_DOCUMENTS})
    quoted = unique_id.replace("'", "''")
    _slots(asked, {"$XDSDocumentEntryUniqueId": [f"('{quoted}')"]})
    return root


def deleting(lot: SubmissionSet, entry: str) -> etree._Element:
    """Take a document of ours back (TD3.3c): from Approved to Deleted, nothing is erased."""
    root = etree.Element(f"{{{LCM}}}SubmitObjectsRequest", nsmap={"lcm": LCM, "rim": RIM})
    writer = ebrim.Writer(etree.SubElement(root, _rim("RegistryObjectList")), lot)
    made = writer.association(writer.package(lot), entry, _UPDATES)
    for slot in list(made):
        made.remove(slot)
    _slots(made, {"OriginalStatus": [APPROVED], "NewStatus": [_DELETED]})
    return root


def _slots(parent: etree._Element, values: dict[str, Sequence[str]]) -> None:
    for name, given in values.items():
        slot = etree.SubElement(parent, _rim("Slot"), {"name": name})
        listed = etree.SubElement(slot, _rim("ValueList"))
        for value in given:
            etree.SubElement(listed, _rim("Value")).text = value


def _v3(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _hl7(name), attributes)


def _nil(element: etree._Element) -> None:
    element.set(f"{{{_XSI}}}nil", "true")


def _hl7(name: str) -> str:
    return f"{{{HL7}}}{name}"


def _rim(name: str) -> str:
    return f"{{{RIM}}}{name}"
