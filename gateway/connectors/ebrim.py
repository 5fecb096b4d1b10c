"""XDS metadata as ebRIM: the METADATA.XML of an archive, the metadata of a registration.

Does not read documents (`cda.xds_metadata`). Standards: IHE ITI TF-3 4.2.1.4 (ebRIM
representation) and 4.2.3, OASIS ebXML RegRep 3.0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from uuid import NAMESPACE_OID, uuid5

from lxml import etree

from gateway.cda.xds_metadata import Author, Code, DocumentEntry

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
_APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
_CLASSIFIED = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
#: Classification schemes and identification schemes of IHE ITI TF-3 4.2.5.
_LOT = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
_LOT_AUTHOR = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
_LOT_CONTENT = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"
LOT_PATIENT = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"
_LOT_SOURCE = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
_LOT_UNIQUE = "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"
STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
_AUTHOR = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
_CLASS = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
TYPE = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
CONFIDENTIALITY = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
_FORMAT = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
_EVENT = "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"
_FACILITY = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
_PRACTICE = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
PATIENT = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
UNIQUE = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"


@dataclass(frozen=True, slots=True)
class SubmissionSet:
    """One sending.

    Attributes:
        unique_id: OID of this sending.
        source_id: OID of the system that sends.
        submitted: DTM, UTC.
        author: who sends.
        content_type: kind of care the sending comes from (CI-SIS TRE_R209).
        patient_id: CX, that of every document.
    """

    unique_id: str
    source_id: str
    submitted: str
    author: Author
    content_type: Code
    patient_id: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A document with the name of its file in the archive, empty where there is none."""

    entry: DocumentEntry
    uri: str = ""


def submission(lot: SubmissionSet, members: Sequence[Member]) -> bytes:
    """Write the SubmitObjectsRequest of a sending; the same input gives the same bytes.

    Spec: IHE ITI TF-2 3.32.4.1.2 (metadata of XDM): URI, hash and size are always given.
    """
    root = etree.Element(_name(LCM, "SubmitObjectsRequest"), nsmap={"lcm": LCM, "rim": RIM})
    objects = etree.SubElement(root, _name(RIM, "RegistryObjectList"))
    writer = Writer(objects, lot)
    lot_id = writer.package(lot)
    for member in members:
        writer.association(lot_id, writer.document(member))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


class Writer:
    """Adds registry objects; ids are computed from the lot and a running number."""

    def __init__(self, objects: etree._Element, lot: SubmissionSet) -> None:
        self._objects = objects
        self._lot = lot
        self._numbers = count(1)

    def _id(self) -> str:
        return uuid5(NAMESPACE_OID, f"{self._lot.unique_id}/{next(self._numbers)}").urn

    def package(self, lot: SubmissionSet) -> str:
        """Write the RegistryPackage and return its id."""
        id_ = self._id()
        made = self._object("RegistryPackage", id_, {})
        _slot(made, "submissionTime", [lot.submitted])
        if lot.title:
            _label(made, "Name", lot.title)
        self._author(made, id_, _LOT_AUTHOR, lot.author)
        self._code(made, id_, _LOT_CONTENT, lot.content_type)
        self._external(made, id_, LOT_PATIENT, lot.patient_id, "XDSSubmissionSet.patientId")
        self._external(made, id_, _LOT_SOURCE, lot.source_id, "XDSSubmissionSet.sourceId")
        self._external(made, id_, _LOT_UNIQUE, lot.unique_id, "XDSSubmissionSet.uniqueId")
        classified = {"classifiedObject": id_, "classificationNode": _LOT}
        self._object("Classification", self._id(), classified)
        return id_

    def document(self, member: Member) -> str:
        """Write an ExtrinsicObject and return its id."""
        entry, id_ = member.entry, self._id()
        attributes = {"mimeType": entry.mime_type, "objectType": STABLE}
        if member.uri:
            # A registry decides the status itself; the reader of an archive has none beside it.
            attributes["status"] = _APPROVED
        made = self._object("ExtrinsicObject", id_, attributes)
        for name, values in _slots(member):
            if any(values):
                _slot(made, name, values)
        _label(made, "Name", entry.title)
        for author in entry.authors:
            self._author(made, id_, _AUTHOR, author)
        for scheme, code in _codes(entry):
            if code is not None and code.code:
                self._code(made, id_, scheme, code)
        self._external(made, id_, PATIENT, entry.patient_id, "XDSDocumentEntry.patientId")
        self._external(made, id_, UNIQUE, entry.unique_id, "XDSDocumentEntry.uniqueId")
        return id_

    def association(self, source: str, target: str, kind: str = HAS_MEMBER) -> etree._Element:
        """Say how two objects stand to each other; by default that the lot holds a document."""
        attributes = {
            "associationType": kind,
            "sourceObject": source,
            "targetObject": target,
        }
        made = self._object("Association", self._id(), attributes)
        _slot(made, "SubmissionSetStatus", ["Original"])
        return made

    def _object(self, name: str, id_: str, attributes: dict[str, str]) -> etree._Element:
        return etree.SubElement(self._objects, _name(RIM, name), {"id": id_, **attributes})

    def _author(self, parent: etree._Element, owner: str, scheme: str, author: Author) -> None:
        made = self._classification(parent, owner, scheme, "")
        for name, value in (
            ("authorPerson", author.person),
            ("authorInstitution", author.institution),
            ("authorRole", author.role),
            ("authorSpecialty", author.specialty),
        ):
            if value:
                _slot(made, name, [value])

    def _code(self, parent: etree._Element, owner: str, scheme: str, code: Code) -> None:
        made = self._classification(parent, owner, scheme, code.code)
        _slot(made, "codingScheme", [code.system])
        _label(made, "Name", code.display or code.code)

    def _classification(
        self, parent: etree._Element, owner: str, scheme: str, node: str
    ) -> etree._Element:
        attributes = {
            "id": self._id(),
            "objectType": f"{_CLASSIFIED}:Classification",
            "classificationScheme": scheme,
            "classifiedObject": owner,
            "nodeRepresentation": node,
        }
        return etree.SubElement(parent, _name(RIM, "Classification"), attributes)

    def _external(
        self, parent: etree._Element, owner: str, scheme: str, value: str, name: str
    ) -> None:
        attributes = {
            "id": self._id(),
            "objectType": f"{_CLASSIFIED}:ExternalIdentifier",
            "registryObject": owner,
            "identificationScheme": scheme,
            "value": value,
        }
        made = etree.SubElement(parent, _name(RIM, "ExternalIdentifier"), attributes)
        _label(made, "Name", name)


def _slots(member: Member) -> list[tuple[str, Sequence[str]]]:
    entry = member.entry
    return [
        ("creationTime", [entry.creation_time]),
        ("languageCode", [entry.language]),
        ("legalAuthenticator", [entry.legal_authenticator]),
        ("serviceStartTime", [entry.service_start]),
        ("serviceStopTime", [entry.service_stop]),
        ("sourcePatientId", [entry.source_patient_id]),
        ("sourcePatientInfo", entry.source_patient_info),
        ("hash", [entry.hash]),
        ("size", [str(entry.size)]),
        ("URI", [member.uri]),
    ]


def _codes(entry: DocumentEntry) -> list[tuple[str, Code | None]]:
    return [
        (_CLASS, entry.class_code),
        (TYPE, entry.type_code),
        (_FORMAT, entry.format_code),
        *((CONFIDENTIALITY, code) for code in entry.confidentiality),
        (_FACILITY, entry.facility_type),
        (_PRACTICE, entry.practice_setting),
        *((_EVENT, code) for code in entry.event_codes),
    ]


def _slot(parent: etree._Element, name: str, values: Sequence[str]) -> None:
    slot = etree.SubElement(parent, _name(RIM, "Slot"), {"name": name})
    listed = etree.SubElement(slot, _name(RIM, "ValueList"))
    for value in values:
        etree.SubElement(listed, _name(RIM, "Value")).text = value


def _label(parent: etree._Element, element: str, text: str) -> None:
    name = etree.SubElement(parent, _name(RIM, element))
    attributes = {_LANGUAGE: "fr-FR", "charset": "UTF-8", "value": text}
    etree.SubElement(name, _name(RIM, "LocalizedString"), attributes)


def _name(namespace: str, local: str) -> str:
    return f"{{{namespace}}}{local}"
