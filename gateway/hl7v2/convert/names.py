"""Names, addresses and contact points: XPN, XAD, XTN."""

import re
from typing import Any

from gateway.core.contributions import Json
from gateway.hl7v2 import faults
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.table import FR_CORE, converter
from gateway.hl7v2.message import Node
from gateway.mapping.converters import REMOVED, Flawed, Removed

BIRTH_GIVEN = FR_CORE + "fr-core-patient-birth-list-given-name"
BIRTH_PLACE = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
INSEE_CODE = FR_CORE + "fr-core-address-insee-code"
COMMUNE = "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
EMAIL_TYPE = FR_CORE + "fr-core-contact-point-email-type"
#: Place of birth of somebody of whom it is not known.
UNKNOWN_PLACE = "99999"
MAIL_KIND = "https://mos.esante.gouv.fr/NOS/TRE_R256-TypeMessagerie/FHIR/TRE-R256-TypeMessagerie"

#: XPN-7, table 0200 of France.
_NAME_USES = {"L": "official", "D": "usual", "S": "anonymous"}
#: XAD-7, table 0190 of France, to use and type.
_ADDRESS_USES = {
    "H": ("home", ""),
    "C": ("temp", ""),
    "BI": ("billing", ""),
    "BA": ("old", ""),
    "O": ("work", ""),
    "B": ("work", ""),
    "M": ("", "postal"),
    "ASE": ("temp", ""),
    "SA": ("temp", ""),
    "VA": ("temp", ""),
}
#: XTN-2, table 0201.
_TELECOM_USES = {"PRN": "home", "ORN": "home", "PRS": "mobile", "WPN": "work", "VHN": "temp"}
#: XTN-3, table 0202: what is no telephone.
_TELECOM_SYSTEMS = {"FX": "fax", "BP": "pager"}
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")


@converter("patient_name")
def patient_name(node: Node, _context: Context) -> Any:
    """Return a name of the patient: birth name, name in use or pseudonym.

    The birth name keeps the first given name alone; the full list is an extension.
    Spec: PAM France 2.11 6.6.1 (PID-5), XPN-7.
    """
    if node.is_null:
        return REMOVED
    use = _NAME_USES.get(node.component(7), "")
    if node.is_null_at(1):
        return Removed(use) if use else None
    if use == "official" and node.repetition > 1 and _earlier_birth_name(node):
        return Flawed(None, (faults.second_birth_name(node.place),))
    name = human_name(node)
    if not name:
        return None
    if use:
        name = {"use": use, **name}
    given_list = node.component(3)
    if use == "official" and given_list:
        name["extension"] = [{"url": BIRTH_GIVEN, "valueString": given_list}]
    return name


def _earlier_birth_name(node: Node) -> bool:
    return any(
        other.component(7) == "L" and other.repetition < node.repetition
        for other in node.segment.nodes(5)
    )


def human_name(node: Node) -> Json:
    """Return family, given and prefix of an XPN; empty when it names nobody."""
    name: Json = {}
    if family := node.component(1):
        name["family"] = family
    if given := node.component(2):
        name["given"] = [given]
    if name and (prefix := node.component(5)):
        name["prefix"] = [prefix]
    return name


@converter("name")
def name(node: Node, _context: Context) -> Any:
    """Return the name of another person.

    Spec: HL7 v2.5 2.A.88 (XPN).
    """
    return REMOVED if node.is_null else human_name(node)


@converter("address")
def address(node: Node, _context: Context) -> Any:
    """Return an address; the place of birth is not one.

    Where care is given at home (ASE) is a temporary address that says so.
    Spec: PAM France 2.11 6.6.1 (PID-11), XAD-7.
    """
    if node.is_null:
        return REMOVED
    kind = node.component(7)
    if kind in ("BDL", "ORI", "DST"):
        return None
    use, type_ = _ADDRESS_USES.get(kind, ("", ""))
    found = postal_address(node)
    if not found:
        return None
    head: Json = {}
    if use:
        head["use"] = use
    if type_:
        head["type"] = type_
    if kind == "ASE":
        head["text"] = "ASE"
    return {**head, **found}


def postal_address(node: Node) -> Json:
    """Return lines, city, postal code and country of an XAD."""
    found: Json = {}
    lines = [line for line in (node.component(1), node.component(2)) if line]
    if lines:
        found["line"] = lines
    for element, number in (("city", 3), ("postalCode", 5), ("country", 6)):
        if part := node.component(number):
            found[element] = part
    return found


@converter("birth_place", reads=("PID-32",))
def birth_place(node: Node, context: Context) -> Any:
    """Return the extension for the place of birth, with its COG code from XAD-9.

    The code of an unknown place is kept; on a validated identity that is worth a warning.
    Spec: PAM France 2.11 6.6.1 (PID-11 BDL); FR Core fr-core-address-insee-code.
    """
    if node.is_null or node.component(7) != "BDL":
        return None
    place: Json = {}
    if code := node.component(9):
        coding = {"system": COMMUNE, "code": code}
        place["extension"] = [{"url": INSEE_CODE, "valueCoding": coding}]
    place.update(postal_address(node))
    if not place:
        return None
    found = {"url": BIRTH_PLACE, "valueAddress": place}
    doubtful = node.component(9) == UNKNOWN_PLACE and _is_validated(context)
    return Flawed(found, (faults.unknown_birth_place(node.place),)) if doubtful else found


def _is_validated(context: Context) -> bool:
    return any(part.text() == "VALI" for part in context.message.select("PID-32"))


@converter("telecom")
def telecom(node: Node, _context: Context) -> Any:
    """Return a contact point: number in XTN-12, mail address in XTN-4.

    PID-13 and NK1-5 are at home and PID-14 and NK1-6 at work unless XTN-2 says otherwise.
    Spec: IHE France, constraints on HL7 data types, XTN; PAM France 2.11 6.6.1.
    """
    work = (node.segment.name, node.field) in (("PID", 14), ("NK1", 6))
    usual = "work" if work else "home"
    if node.is_null:
        return Removed(usual)
    use = _TELECOM_USES.get(node.component(2), usual)
    mail = node.component(4)
    if _MAIL.fullmatch(mail):
        point: Json = {"system": "email", "value": mail, "use": use}
        if node.component(3).upper() == "X.400":
            kind = {"system": MAIL_KIND, "code": "MSSANTE"}
            point = {"extension": [{"url": EMAIL_TYPE, "valueCoding": kind}], **point}
        return point
    number = node.component(12) or node.component(1)
    if not number:
        return None
    system = _TELECOM_SYSTEMS.get(node.component(3), "phone")
    return {"system": system, "value": number, "use": use}
