"""The patient of a document and their relatives, to Patient and RelatedPerson.

Does not decide whether the INS is trusted (`cda.identity`). CI-SIS volet Structuration minimale
(recordTarget, informant); FR Core 2.2.0 fr-core-patient, fr-core-related-person.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.cda.absence import absent_reason
from gateway.cda.contacts import address, person_name, stamp, telecom
from gateway.cda.context import Context
from gateway.cda.reader import Document, Node
from gateway.cda.registry import converter
from gateway.cda.structures import organization_reference
from gateway.core.contributions import Json
from gateway.core.envelope import INS_ROOTS
from gateway.core.systems import IDENTIFIER_BASE

_FR_CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
_FR_0203 = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
_NOS = "https://mos.esante.gouv.fr/NOS/"
_ROLE_CLASS = f"{_NOS}TRE_R260-HL7RoleClass/FHIR/TRE-R260-HL7RoleClass"
_ROLE_CODE = f"{_NOS}TRE_R216-HL7RoleCode/FHIR/TRE-R216-HL7RoleCode"
_COMMUNES = f"{_NOS}TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
_CATEGORY = f"{_FR_CORE}fr-core-patient-contact-relationship-category"
_PI: Json = {
    "coding": [
        {
            # Without that display the identifier falls out of the slice of FR Core.
            "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
            "code": "PI",
            "display": "Patient internal identifier",
        }
    ]
}
_BIRTH_TIME = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
TRUSTED_PERSON = "NOK"


@converter("patient_id")
def patient_id(_node: Node, context: Context) -> str:
    """Give the id of the Patient: that of the message around, else computed from recordTarget."""
    return context.patient.id


@converter("subject")
def subject(_node: Node, context: Context) -> Json:
    """Give a reference to the patient."""
    return context.subject()


@converter("patient_identifier")
def patient_identifier(node: Node, context: Context) -> Json | None:
    """Give an Identifier of recordTarget: IPP as `PI`, INS only when it may be shown.

    Spec: FR Core 2.2.0 fr-core-patient slices PI and INS-*; INS interoperability framework.
    """
    root, value = node.get("root"), node.get("extension")
    if not root or not value:
        return None
    ins = INS_ROOTS.get(root)
    if ins is None:
        # Roots without domain are national numbers other than the INS; they are not shown.
        system = context.ipp_system.get(root)
        return {"use": "usual", "type": _PI, "system": system, "value": value} if system else None
    if (root, value) not in context.matricules:
        return None
    kind = {"coding": [{"system": _FR_0203, "code": ins}]}
    return {"use": "official", "type": kind, "system": f"urn:oid:{root}", "value": value}


@converter("patient_names")
def patient_names(node: Node, _context: Context) -> list[Json]:
    """Give the birth name and the used name that one CDA name holds by qualifier.

    Spec: CI-SIS Structuration minimale, patient/name: BR, CL, and the list of given names without
    qualifier; FR Core 2.2.0 name slices officialName and usualName.
    """
    families = {part.get("qualifier"): part.text() for part in node.children("family")}
    givens = {part.get("qualifier"): part.text() for part in node.children("given")}
    names: list[Json] = []
    if families.get("BR"):
        official: Json = {"use": "official", "family": families["BR"]}
        given = givens.get("BR") or givens.get("")
        if given:
            official["given"] = [given]
        if givens.get(""):
            url = f"{_FR_CORE}fr-core-patient-birth-list-given-name"
            official["extension"] = [{"url": url, "valueString": givens[""]}]
        names.append(official)
    # A family name without qualifier is not known to be the birth name.
    used = families.get("CL") or families.get("")
    if used:
        usual: Json = {"use": "usual", "family": used}
        given = givens.get("CL") or ("" if "BR" in families else givens.get(""))
        if given:
            usual["given"] = [given]
        names.append(usual)
    return names


@converter("birth_date_beside")
def birth_date_beside(node: Node, context: Context) -> Json | None:
    """Give the time of birth, or why no date is told, as an extension of the birth date.

    Spec: CI-SIS Structuration minimale, birthTime; FHIR R4 patient-birthTime.
    """
    found = stamp(node, context)
    if found is None or found.instant_fhir is None:
        reason: Json | None = absent_reason(node, context)
        return reason
    return {"url": _BIRTH_TIME, "valueDateTime": found.text_fhir}


@converter("birth_place")
def birth_place(node: Node, _context: Context) -> Json | None:
    """Give the birth place with the COG code of `county`.

    Spec: CI-SIS Structuration minimale, birthplace/place/addr/county; FR Core 2.2.0
    fr-core-address-insee-code.
    """
    county, city = node.child("county"), node.child("city")
    value: Json = {}
    if county is not None and county.text():
        coding = {"system": _COMMUNES, "code": county.text()}
        value["extension"] = [
            {"url": f"{_FR_CORE}fr-core-address-insee-code", "valueCoding": coding}
        ]
    if city is not None and city.text():
        value["city"] = city.text()
    url = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
    return {"url": url, "valueAddress": value} if value else None


@dataclass(slots=True)
class Relative:
    """One person beside the patient with every role the header gives them.

    Attributes:
        node: the first block that names them.
        name: HumanName.
        roles: classCode of each block.
        relations: code of each block that has one.
        trusted: the block that makes them personne de confiance, None without one.
    """

    node: Node
    name: Json
    roles: list[str] = field(default_factory=list)
    relations: list[Node] = field(default_factory=list)
    trusted: Node | None = None


@converter("contacts")
def contacts(node: Node, context: Context) -> list[Json]:
    """Give the contacts: informants by person, and guardians.

    Spec: CI-SIS Structuration minimale, informant/relatedEntity (ECON, NOK, CON) and guardian.
    """
    found = [_contact(relative, context) for relative in relatives(node.document, context)]
    found += [_guardian(guardian, context) for guardian in node.select("cda:patient/cda:guardian")]
    return found


@converter("related_person_id")
def related_person_id(node: Node, context: Context) -> str | None:
    """Give the id of the personne de confiance; a person without name makes no resource.

    Spec: CI-SIS Structuration minimale, relatedEntity/@classCode NOK.
    """
    key = _person_key(node)
    return context.ids.related_person(context.patient.id, *key) if key else None


@converter("related_person_identifier")
def related_person_identifier(node: Node, context: Context) -> Json | None:
    """Give the computed identifier FR Core asks for.

    Spec: FR Core 2.2.0 fr-core-related-person, identifier 1..1.
    """
    key = _person_key(node)
    if not key:
        return None
    system = f"{IDENTIFIER_BASE}/related-person"
    return {"system": system, "value": "#".join((context.patient.id, *key))}


@converter("relationship")
def relationship(node: Node, context: Context) -> list[Json]:
    """Give the role (R260) and the family tie (R216) of a relatedEntity."""
    tie = node.child("code")
    found = [_role(node.get("classCode"))]
    if tie is not None and tie.get("code"):
        found.append(_tie(tie))
    # Only contacts carry the category that slices them in FR Core.
    return [{"coding": item["coding"]} for item in found]


def shown_name(name: Json) -> str:
    """Return a HumanName in words."""
    parts = [*name.get("prefix", ()), *name.get("given", ()), name.get("family", "")]
    return " ".join(part for part in parts if part) or str(name.get("text", ""))


def _person_key(node: Node) -> tuple[str, str, str] | None:
    name = node.down("relatedPerson", "name")
    family = name.child("family") if name is not None else None
    text = family.text() if family is not None else ""
    return (node.get("classCode"), text.upper(), _digits(node)) if text else None


def _digits(node: Node) -> str:
    """Return the digits of the first telephone, so that its punctuation does not matter."""
    for item in node.children("telecom"):
        digits = "".join(sign for sign in item.get("value") if sign.isdigit())
        if digits:
            return digits
    return ""


def relatives(document: Document, context: Context) -> Iterator[Relative]:
    """Give each person once, roles of equal name and telephone together."""
    people: dict[tuple[str, str, str], Relative] = {}
    for node in document.select("cda:informant/cda:relatedEntity"):
        if node.get("classCode") == "PAT":
            continue
        name_node = node.down("relatedPerson", "name")
        name = person_name(name_node, context) if name_node is not None else None
        if name is None:
            continue
        key = (str(name.get("family", "")), " ".join(name.get("given", ())), _digits(node))
        person = people.setdefault(key, Relative(node, name))
        person.roles.append(node.get("classCode"))
        if node.get("classCode") == TRUSTED_PERSON:
            person.trusted = person.trusted or node
        tie = node.child("code")
        if tie is not None and tie.get("code"):
            person.relations.append(tie)
    yield from people.values()


def _contact(relative: Relative, context: Context) -> Json:
    relationship = [_joined([_role(code) for code in dict.fromkeys(relative.roles)])]
    ties = {tie.get("code"): _tie(tie) for tie in relative.relations}
    if ties:
        relationship.append(_joined(list(ties.values())))
    found: Json = {"relationship": relationship, "name": relative.name}
    return found | _reach(relative.node, context)


def _joined(concepts: list[Json]) -> Json:
    """Join the codings of one category: FR Core allows one role and one tie a contact."""
    return {**concepts[0], "coding": [item for one in concepts for item in one["coding"]]}


def _guardian(node: Node, context: Context) -> Json:
    found: Json = {"relationship": [_role("GUARD")]}
    name = node.down("guardianPerson", "name")
    structure = node.child("guardianOrganization")
    if name is not None:
        found["name"] = person_name(name, context)
    party = organization_reference(structure, context) if structure is not None else None
    if party is not None:
        found["organization"] = party
    return found | _reach(node, context)


def _reach(node: Node, context: Context) -> Json:
    found: Json = {}
    telecoms = [made for item in node.children("telecom") if (made := telecom(item, context))]
    home = node.child("addr")
    place = address(home, context) if home is not None else None
    if telecoms:
        found["telecom"] = telecoms
    if place:
        found["address"] = place
    return found


def _role(code: str) -> Json:
    return {
        "extension": [{"url": _CATEGORY, "valueCode": "role"}],
        "coding": [{"system": _ROLE_CLASS, "code": code}],
    }


def _tie(node: Node) -> Json:
    coding = {"system": _ROLE_CODE, "code": node.get("code")}
    if node.get("displayName"):
        coding["display"] = node.get("displayName")
    return {"extension": [{"url": _CATEGORY, "valueCode": "relationType"}], "coding": [coding]}
