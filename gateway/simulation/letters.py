"""Compose discharge letters (LDL-SES 2022.01): the CDA header and both kinds of body.

Header: CI-SIS "structuration minimale" (template 1.2.250.1.213.1.1.1.1) in the order of the CDA
schema. Body: `letter_body` (level 3) or a PDF (level 1).
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from gateway.simulation import pdf
from gateway.simulation.board_body import board_body
from gateway.simulation.cda_elements import (
    ACT_CODE,
    LOINC,
    STRUCTURE_ID,
    code,
    doctor_code,
    doctor_id,
    doctor_name,
    el,
    period,
    templates,
    ts,
)
from gateway.simulation.clinical import Case, case
from gateway.simulation.draws import Draws
from gateway.simulation.establishments import Establishment
from gateway.simulation.letter_body import structured_body
from gateway.simulation.people import Person
from gateway.simulation.steps import LetterSent, Step

#: LOINC code and title by kind (CI-SIS JDV_J07).
DOCUMENTS = {
    "ldl": ("11490-0", "Lettre de liaison à la sortie d'un établissement de soins"),
    "frcp": ("34794-8", "Fiche de réunion de concertation pluridisciplinaire"),
    "pps": ("18776-5", "Programme personnalisé de soins"),
}
_LEVEL_3 = ("1.2.250.1.213.1.1.1.29", "2022.01")
#: CI-SIS CANCER-FRCP.
_BOARD = "1.2.250.1.213.1.1.1.8"
_LEVEL_1 = "1.3.6.1.4.1.19376.1.2.20"
#: NK1-3 relations as CI-SIS JDV_J11 codes, by sex of nobody in particular.
_RELATIONS = {
    "SPO": ("DOMPART", "Compagnon, compagne"),
    "CHD": ("CHILD", "Enfant"),
    "SIS": ("SIS", "Soeur"),
}


@dataclass(frozen=True, slots=True)
class DocumentIds:
    """The identifiers of a letter: OIDs without extension, as the DMP wants them."""

    set_id: str
    document: str
    parent: str


def ids(letter: LetterSent) -> DocumentIds:
    """Return the identifiers of a version; `parent` is empty for the first one."""
    site, person = letter.visit.establishment, letter.visit.person
    set_id = f"{site.document_root}.{person.order}.{letter.number}"
    parent = f"{set_id}.{letter.version - 1}" if letter.version > 1 else ""
    return DocumentIds(set_id, f"{set_id}.{letter.version}", parent)


def promises(letter: LetterSent) -> bool:
    """Tell whether a letter asks for an appointment that is still to be booked."""
    content = case(Draws("letter", ids(letter).set_id), letter.discharged.date())
    return (
        letter.kind == "ldl"
        and letter.level == 3
        and any(item.kind == "to_book" for item in content.follow_ups)
    )


def compose(step: Step, letter: LetterSent, *, pdf_size: int = 0) -> bytes:
    """Return the document as UTF-8 XML.

    Args:
        step: when it was made and what was known of the identity.
        letter: which stay it tells.
        pdf_size: least size of the PDF of a level-1 letter, for load tests.
    """
    names = ids(letter)
    content = case(Draws("letter", names.set_id), letter.discharged.date())
    root = el("ClinicalDocument", *_identification(step, letter, names))
    site, person = letter.visit.establishment, letter.visit.person
    for part in (
        _patient(step, person, site, letter.visit.ipp),
        _author(step, letter),
        *_relatives(person),
        _custodian(site),
        *_recipients(letter),
        _signer(step, letter),
        *([_general_practitioner(person)] if person.has_gp else []),
        _stay(letter),
        *_replaced(letter, names),
        _encounter(letter),
    ):
        root.append(part)
    if letter.kind == "frcp":
        body = board_body()
    elif letter.level == 3:
        body = structured_body(step, letter, content, names.document)
    else:
        body = _pdf_body(letter, content, pdf_size)
    root.append(el("component", body))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _identification(step: Step, letter: LetterSent, names: DocumentIds) -> list[etree._Element]:
    model = el("templateId", root=_LEVEL_3[0], extension=_LEVEL_3[1])
    if letter.kind == "frcp":
        model = el("templateId", root=_BOARD)
    kind, title = DOCUMENTS[letter.kind]
    return [
        el("realmCode", code="FR"),
        el("typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040"),
        *templates("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1"),
        model if letter.level == 3 else el("templateId", root=_LEVEL_1),
        el("id", root=names.document),
        code(kind, LOINC, title),
        el("title", title.removesuffix(" d'un établissement de soins")),
        el("effectiveTime", value=ts(step.recorded)),
        code("N", "2.16.840.1.113883.5.25", "Normal", "confidentialityCode"),
        el("languageCode", code="fr-FR"),
        el("setId", root=names.set_id),
        el("versionNumber", value=str(letter.version)),
    ]


def _patient(step: Step, person: Person, site: Establishment, ipp: str) -> etree._Element:
    """Return recordTarget; with an INS the five traits are all there (CI-SIS, INS rule)."""
    numbers = [el("id", root=site.ipp_root, extension=ipp)]
    if step.identity.status == "VALI":
        numbers.insert(0, el("id", root="1.2.250.1.213.1.4.10", extension=person.matricule))
    name = el(
        "name",
        el("family", person.birth_family, qualifier="BR"),
        el("given", " ".join(person.givens)),
        el("given", person.given, qualifier="BR"),
    )
    if person.used_family:
        name.append(el("family", person.used_family, qualifier="CL"))
        name.append(el("given", person.given, qualifier="CL"))
    gender = "Féminin" if person.sex == "F" else "Masculin"
    patient = el(
        "patient",
        name,
        code(person.sex, "2.16.840.1.113883.5.1", gender, "administrativeGenderCode"),
        el("birthTime", value=f"{person.birth:%Y%m%d}"),
        el("birthplace", el("place", el("addr", el("county", person.place)))),
        classCode="PSN",
    )
    address = el(
        "addr",
        el("streetAddressLine", person.street),
        el("streetAddressLine", f"{person.postal_code} {person.town}"),
        use="H",
    )
    phone = el("telecom", value=f"tel:{person.phone}", use="MC")
    return el("recordTarget", el("patientRole", *numbers, address, phone, patient))


def _author(step: Step, letter: LetterSent) -> etree._Element:
    doctor, site = letter.visit.attending, letter.visit.establishment
    return el(
        "author",
        el("time", value=ts(step.recorded)),
        el(
            "assignedAuthor",
            doctor_id(doctor),
            doctor_code(doctor),
            el("telecom", value=f"tel:{doctor.phone}", use="WP"),
            el("assignedPerson", doctor_name(doctor)),
            _organization("representedOrganization", site),
            classCode="ASSIGNED",
        ),
    )


def _organization(tag: str, site: Establishment, *, sector: bool = False) -> etree._Element:
    organization = el(
        tag, el("id", root=STRUCTURE_ID, extension="1" + site.finess), el("name", site.name)
    )
    if sector:
        setting, label = site.setting
        organization.append(
            code(setting, "1.2.250.1.213.1.1.4.9", label, "standardIndustryClassCode")
        )
    return organization


def _relatives(person: Person) -> list[etree._Element]:
    relative = person.relative
    kinds = ("ECON", "NOK") if relative.trusted else ("ECON",)
    relation, label = _RELATIONS[relative.relation]
    return [
        el(
            "informant",
            el(
                "relatedEntity",
                code(relation, "2.16.840.1.113883.5.111", label),
                el("addr", nullFlavor="NAV"),
                el("telecom", value=f"tel:{relative.phone}", use="MC"),
                el(
                    "relatedPerson",
                    el("name", el("family", relative.family), el("given", relative.given)),
                ),
                classCode=kind,
            ),
        )
        for kind in kinds
    ]


def _custodian(site: Establishment) -> etree._Element:
    organization = _organization("representedCustodianOrganization", site)
    return el("custodian", el("assignedCustodian", organization))


def _recipients(letter: LetterSent) -> list[etree._Element]:
    """Return the general practitioner, and the establishment the patient goes to."""
    gp = letter.visit.person.gp
    found = []
    if letter.visit.person.has_gp:
        people = el("informationRecipient", doctor_name(gp))
        office = el("receivedOrganization", el("name", f"Cabinet du Dr {gp.family}"))
        doctor = el("intendedRecipient", doctor_id(gp), people, office)
        found.append(el("informationRecipient", doctor))
    if letter.exit.finess:
        number = el("id", root=STRUCTURE_ID, extension="1" + letter.exit.finess)
        organization = el("receivedOrganization", number, el("name", "Service d'aval"))
        found.append(el("informationRecipient", el("intendedRecipient", organization)))
    return found


def _signer(step: Step, letter: LetterSent) -> etree._Element:
    doctor, site = letter.visit.attending, letter.visit.establishment
    return el(
        "legalAuthenticator",
        el("time", value=ts(step.recorded)),
        el("signatureCode", code="S"),
        el(
            "assignedEntity",
            doctor_id(doctor),
            el("assignedPerson", doctor_name(doctor)),
            _organization("representedOrganization", site, sector=True),
        ),
    )


def _general_practitioner(person: Person) -> etree._Element:
    gp = person.gp
    return el(
        "participant",
        code("PCP", "2.16.840.1.113883.5.88", "Médecin Traitant", "functionCode"),
        el("time", nullFlavor="NA"),
        el(
            "associatedEntity",
            doctor_id(gp),
            doctor_code(gp),
            el("telecom", value=f"tel:{gp.phone}", use="WP"),
            el("associatedPerson", doctor_name(gp)),
            classCode="PROV",
        ),
        typeCode="INF",
    )


def _stay(letter: LetterSent) -> etree._Element:
    doctor, site = letter.visit.attending, letter.visit.establishment
    label = "Hospitalisation (établissement, y compris HAD)"
    performer = el(
        "performer",
        el(
            "assignedEntity",
            doctor_id(doctor),
            el("assignedPerson", doctor_name(doctor)),
            _organization("representedOrganization", site, sector=True),
        ),
        typeCode="PRF",
    )
    event = el(
        "serviceEvent",
        code("IMP", ACT_CODE, label),
        period(letter.admitted, letter.discharged),
        performer,
        classCode="ACT",
        moodCode="EVN",
    )
    return el("documentationOf", event)


def _replaced(letter: LetterSent, names: DocumentIds) -> list[etree._Element]:
    if not names.parent:
        return []
    version = el("versionNumber", value=str(letter.version - 1))
    parent = el("parentDocument", el("id", root=names.parent), version)
    return [el("relatedDocument", parent, typeCode="RPLC")]


def _encounter(letter: LetterSent) -> etree._Element:
    facility, label = letter.visit.establishment.facility
    place = el("healthCareFacility", code(facility, "1.2.250.1.71.4.2.4", label))
    return el(
        "componentOf",
        el(
            "encompassingEncounter",
            period(letter.admitted, letter.discharged),
            el("location", place),
        ),
    )


def _pdf_body(letter: LetterSent, content: Case, size: int) -> etree._Element:
    treatments = [f"- {item.name}" for item in content.at_exit]
    lines = [
        letter.visit.establishment.name,
        f"{DOCUMENTS[letter.kind][1]} (document fictif)",
        f"Séjour du {_french(letter.admitted)} au {_french(letter.discharged)}",
        f"Diagnostic : {content.disease.label}",
        "Traitements à la sortie :",
        *treatments,
        "Suites à donner :",
        *(f"- {item.label}" for item in content.follow_ups),
    ]
    data = b64encode(pdf.document(lines, at_least=size)).decode("ascii")
    text = el("text", data, mediaType="application/pdf", representation="B64")
    return el("nonXMLBody", text)


def _french(at: datetime) -> str:
    return f"{at:%d/%m/%Y}"
