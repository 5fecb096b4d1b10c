"""XDS metadata of a document, read from its own header: what registries and archives ask for.

Does not write ebRIM (`connectors.ebrim`) nor decide who gets the document (`sharing`). Standards:
IHE ITI TF-3 4.2.3 (metadata attributes), CI-SIS volet Partage de documents de santé.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha1
from uuid import UUID

from gateway.cda.bodies import attached_to
from gateway.cda.contacts import stamp
from gateway.cda.context import Attached
from gateway.cda.reader import Document, Node
from gateway.cda.structures import organization_of, person_of
from gateway.cda.xds_types import PERSON_ROOT, STRUCTURE_ROOT, cx, escaped, xcn, xon
from gateway.core.envelope import INS_ROOTS
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.timestamps import Precision
from gateway.mapping.conceptmaps import ConceptMap

_CLASSES = "1.2.250.1.213.1.1.4.1"
_FORMATS = "1.2.250.1.213.1.1.4.2.282"
_VISIBILITY = "1.2.250.1.213.1.1.4.13"
_UNLISTED_FORMAT = "urn:asipSante:modelesHorsProfils:2011"
_SEXES = ("F", "M")
_RPPS = re.compile(r"8\d{11}")


@dataclass(frozen=True, slots=True)
class Code:
    """A code with its system (OID) and label."""

    code: str
    system: str
    display: str


@dataclass(frozen=True, slots=True)
class Author:
    """One author.

    Attributes:
        person: XCN.
        institution: XON, empty when none.
        role: free label.
        specialty: `code^label^system`.
    """

    person: str
    institution: str = ""
    role: str = ""
    specialty: str = ""


@dataclass(frozen=True, slots=True)
class Traits:
    """The person as the document names them.

    Attributes:
        family: birth name.
        given: first given name.
        born: digits of the birth date as sent, empty when not known.
        sex: F, M or empty.
    """

    family: str
    given: str
    born: str
    sex: str


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """A document as a registry sees it; instants are UTC digits of XDS.

    Attributes:
        unique_id: OID, `root^extension` when the document has an extension.
        replaces: unique id of the document it replaces, empty when none.
        patient_id: CX; the INS when it may be used, else the local number.
        source_patient_id: CX of the local number, else the INS.
        has_ins: patient_id is an INS and the five traits of an identity stand beside it.
        confidentiality: that of the document first, then the masks.
        hash: SHA-1 of the bytes, lower-case hex.
        lacks: names of attributes that France requires and the header does not give.
        body: PDF, text or image that a level-1 document holds.
    """

    unique_id: str
    replaces: str
    title: str
    mime_type: str
    language: str
    creation_time: str
    service_start: str
    service_stop: str
    patient_id: str
    source_patient_id: str
    has_ins: bool
    traits: Traits
    legal_authenticator: str
    authors: tuple[Author, ...]
    class_code: Code
    type_code: Code
    format_code: Code
    confidentiality: tuple[Code, ...]
    facility_type: Code | None
    practice_setting: Code | None
    event_codes: tuple[Code, ...]
    hash: str
    size: int
    lacks: tuple[str, ...]
    body: Attached | None

    @property
    def source_patient_info(self) -> tuple[str, ...]:
        """Return the values of sourcePatientInfo: PID-5, PID-7, PID-8."""
        who = self.traits
        lines = [f"PID-5|{escaped(who.family)}^{escaped(who.given)}^^^^^L"]
        lines += [f"PID-7|{who.born}"] if who.born else []
        lines += [f"PID-8|{who.sex}"] if who.sex else []
        return tuple(lines)


def describe(
    document: Document,
    conceptmaps: Mapping[str, ConceptMap],
    *,
    ins_trusted: bool,
    labels: Sequence[str] = (),
) -> DocumentEntry:
    """Read the metadata of a document.

    Args:
        document: as received.
        conceptmaps: by name; those of document class and format are used.
        ins_trusted: the INS of the header may be shown.
        labels: masks the message asked for.

    Raises:
        RejectedError: the header lacks what every archive needs (RLS-MSS-001).

    Spec: IHE ITI TF-3 4.2.3.2; CI-SIS, correspondence of the CDA header and XDS.
    """
    root = document.root
    own, *bodies = attached_to(document, [])
    patient, source, is_ins = _patient_ids(root, ins_trusted=ins_trusted)
    unique = unique_id(root.child("id"))
    created, type_code = _utc(root.child("effectiveTime")), _code(root.child("code"))
    missing = [
        name
        for name, value in (
            ("ClinicalDocument/id", unique),
            ("ClinicalDocument/code", type_code),
            ("ClinicalDocument/effectiveTime", created),
            ("recordTarget/patientRole/id", patient),
        )
        if not value
    ]
    if missing or type_code is None:
        raise RejectedError([_not_packable(place) for place in missing])
    traits = _traits(root)
    entry = DocumentEntry(
        unique_id=unique,
        replaces=replaced_id(root),
        title=_text(root.child("title")) or type_code.display,
        mime_type=document.content_type,
        language=_get(root.child("languageCode"), "code") or "fr-FR",
        creation_time=created,
        service_start=_utc(root.down("documentationOf", "serviceEvent", "effectiveTime", "low")),
        service_stop=_utc(root.down("documentationOf", "serviceEvent", "effectiveTime", "high")),
        patient_id=patient,
        source_patient_id=source,
        has_ins=is_ins and all((traits.family, traits.given, traits.born, traits.sex)),
        traits=traits,
        legal_authenticator=_person(root.down("legalAuthenticator", "assignedEntity")),
        authors=tuple(_authors(root)),
        class_code=_class(type_code, conceptmaps["cda-document-class"]),
        type_code=type_code,
        format_code=_format(own.format_key, conceptmaps["cda-document-format"]),
        confidentiality=_confidentiality(root, labels),
        facility_type=_code(
            root.down("componentOf", "encompassingEncounter", "location", "healthCareFacility",
                      "code")
        ),
        practice_setting=_code(
            root.down("documentationOf", "serviceEvent", "performer", "assignedEntity",
                      "representedOrganization", "standardIndustryClassCode")
        ),
        event_codes=_events(root),
        hash=sha1(document.body, usedforsecurity=False).hexdigest(),
        size=len(document.body),
        lacks=(),
        body=bodies[0] if bodies else None,
    )  # fmt: skip
    return _with_lacks(entry)


def shows_ins(document: Document) -> bool:
    """Tell whether the header names an INS, trusted or not."""
    ids = document.root.select("cda:recordTarget/cda:patientRole/cda:id")
    return any(node.get("root") in INS_ROOTS and node.get("extension") for node in ids)


def _with_lacks(entry: DocumentEntry) -> DocumentEntry:
    """Note the attributes that CI-SIS requires and this header does not give."""
    required = {
        "legalAuthenticator": entry.legal_authenticator,
        "author": entry.authors,
        "healthcareFacilityTypeCode": entry.facility_type,
        "practiceSettingCode": entry.practice_setting,
        "serviceStartTime": entry.service_start,
        "classCode": entry.class_code.code,
    }
    lacks = tuple(name for name, value in required.items() if not value)
    return replace(entry, lacks=lacks) if lacks else entry


def _text(node: Node | None) -> str:
    return node.text() if node is not None else ""


def _get(node: Node | None, name: str) -> str:
    return node.get(name) if node is not None else ""


def _code(node: Node | None) -> Code | None:
    if node is None or not node.get("code"):
        return None
    return Code(node.get("code"), node.get("codeSystem"), node.get("displayName"))


def unique_id(node: Node | None) -> str:
    """Return an id as XDS wants it."""
    return unique_of(_get(node, "root"), _get(node, "extension"))


def unique_of(root: str, extension: str) -> str:
    """Return root and extension as XDS wants them: a UUID as an OID under 2.25 (ITU-T X.667)."""
    if (root and not root[0].isdigit()) or "-" in root:
        try:
            root = f"2.25.{UUID(root).int}"
        except ValueError:
            return ""
    return f"{root}^{extension}" if extension else root


def replaced_id(root: Node) -> str:
    """Return the unique id of the document that one replaces, empty when none."""
    for related in root.children("relatedDocument"):
        if related.get("typeCode") == "RPLC":
            return unique_id(related.down("parentDocument", "id"))
    return ""


def _utc(node: Node | None) -> str:
    """Return a time as XDS digits in UTC; a date keeps its precision (TF-3 4.2.3.1.7, DTM)."""
    found = stamp(node)
    if found is None:
        return ""
    if found.instant_utc is not None and found.precision > Precision.DAY:
        return found.instant_utc.strftime("%Y%m%d%H%M%S")
    return found.text_fhir.replace("-", "")


def _patient_ids(root: Node, *, ins_trusted: bool) -> tuple[str, str, bool]:
    """Return patientId, sourcePatientId and whether the first is an INS."""
    ins = local = ""
    for node in root.select("cda:recordTarget/cda:patientRole/cda:id"):
        number, authority = node.get("extension"), node.get("root")
        if not number or not authority:
            continue
        if authority in INS_ROOTS:
            ins = ins or cx(number, authority, "NH")
        else:
            local = local or cx(number, authority, "PI")
    if not ins_trusted:
        ins = ""
    return ins or local, local or ins, bool(ins)


def _traits(root: Node) -> Traits:
    patient = root.down("recordTarget", "patientRole", "patient")
    if patient is None:
        return Traits("", "", "", "")
    born = stamp(patient.child("birthTime"))
    sex = _get(patient.child("administrativeGenderCode"), "code")
    name = patient.child("name")
    return Traits(
        _qualified(name, "family"),
        _qualified(name, "given"),
        born.date_fhir.replace("-", "") if born else "",
        sex if sex in _SEXES else "",
    )


def _qualified(name: Node | None, part: str) -> str:
    """Return the part of birth (qualifier BR), else the first that is not the used one."""
    parts = name.children(part) if name is not None else []
    birth = [node.text() for node in parts if node.get("qualifier") == "BR"]
    others = [node.text() for node in parts if node.get("qualifier") not in ("BR", "CL")]
    found = [text for text in (*birth, *others, *(node.text() for node in parts)) if text]
    return found[0] if found else ""


def _authors(root: Node) -> list[Author]:
    found = []
    for author in root.children("author"):
        assigned = author.child("assignedAuthor")
        person = _person(assigned)
        if assigned is None or not person:
            continue
        code = _code(assigned.child("code"))
        specialty = f"{code.code}^{escaped(code.display)}^{code.system}" if code else ""
        role = _get(author.child("functionCode"), "displayName")
        found.append(Author(person, _institution(assigned), role, specialty))
    return found


def _person(entity: Node | None) -> str:
    """Return a professional or a device as XCN, empty when nothing identifies it."""
    if entity is None:
        return ""
    number = next((n.get("extension") for n in entity.children("id") if n.get("extension")), "")
    name = person_of(entity)
    if name is not None:
        family, given = _text(name.child("family")), _text(name.child("given"))
        return xcn(number, family, given, "IDNPS" if _RPPS.fullmatch(number) else "EI")
    device = _text(entity.down("assignedAuthoringDevice", "softwareName"))
    model = _text(entity.down("assignedAuthoringDevice", "manufacturerModelName"))
    if not device and not model:
        return ""
    names = f"{escaped(number)}^{escaped(device)}^{escaped(model)}"
    return f"{names}^^^^^^&{PERSON_ROOT}&ISO^U^^^RI"


def _institution(entity: Node) -> str:
    structure = organization_of(entity)
    if structure is None:
        return ""
    national = next(
        (n.get("extension") for n in structure.children("id") if n.get("root") == STRUCTURE_ROOT),
        "",
    )
    return xon(_text(structure.child("name")), national)


def _class(type_code: Code, table: ConceptMap) -> Code:
    found = table.find(type_code.code)
    return Code(found.code, _CLASSES, found.display) if found else Code("", _CLASSES, "")


def _format(key: str, table: ConceptMap) -> Code:
    found = table.find(key)
    if found is None:
        return Code(_UNLISTED_FORMAT, _FORMATS, "")
    system = found.system.removeprefix("urn:oid:") or _FORMATS
    return Code(found.code, system, found.display)


def _confidentiality(root: Node, labels: Sequence[str]) -> tuple[Code, ...]:
    """Return the code of the document, then the masks; at most four (CI-SIS JDV_J58)."""
    own = _code(root.child("confidentialityCode")) or Code("N", "2.16.840.1.113883.5.25", "Normal")
    return (own, *(Code(label, _VISIBILITY, label) for label in dict.fromkeys(labels)))


def _events(root: Node) -> tuple[Code, ...]:
    found = [_code(node) for node in root.select("cda:documentationOf/cda:serviceEvent/cda:code")]
    return tuple(dict.fromkeys(code for code in found if code and code.system))


def _not_packable(place: str) -> Issue:
    return Issue(
        code="RLS-MSS-001",
        severity=Severity.ERROR,
        where=place,
        what="the header does not give what every shared document needs, or not readably.",
        fix="Send the element as the CI-SIS header demands.",
    )
