"""The header of a document: its reference, its bytes, its stay, its consent.

Does not decide whose document it is (`cda.identity`). CI-SIS volet Structuration minimale; XDS
metadata as IHE MHD and PDSm carry them in DocumentReference.
"""

from base64 import b64encode
from hashlib import sha1
from typing import Any

from gateway.cda.codes import coding_of, system_uri
from gateway.cda.contacts import period
from gateway.cda.context import Attached, Context
from gateway.cda.professionals import entity, person_entity
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.core.systems import IDENTIFIER_BASE
from gateway.fhir.identity import master_identifier

_ACT_CODE = "2.16.840.1.113883.5.4"
_ACT_CODE_URI = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
#: Kinds of contact of the French health information systems framework: EXTERNE, SEANCE.
_CONTACT_KIND = "1.2.250.1.213.1.1.4.2.291"
#: JDV_J142 type of encounter, as far as v3-ActCode has them.
_CLASSES = ("IMP", "EMER", "AMB", "FLD", "HH", "VR", "ACUTE", "NONAC", "SS", "OBSENC", "PRENC")
#: Letters of admission and discharge: about an inpatient stay even when no code says so.
_STAY_LETTERS = ("11490-0", "18761-7")
_VISIBILITY = (
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument"
    "/FHIR/TRE-A07-StatutVisibiliteDocument"
)
_IDENTIFIER_TYPE = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-identifier-type"
_VERSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DocumentReference.version"
_AGENTS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


@converter("document_id")
def document_id(_node: Node, context: Context) -> str:
    """Give the id of the DocumentReference, of its masterIdentifier."""
    return context.reference.id


@converter("master_identifier")
def master(_node: Node, context: Context) -> Json:
    """Give the document id.

    Spec: IHE ITI XDS uniqueId; root alone is a URI, root with extension system and value.
    """
    system, value = context.master
    return {"system": system, "value": value}


@converter("document_identifier")
def document_identifier(node: Node, _context: Context) -> Json | None:
    """Give an id of the document or of an order in the same form as masterIdentifier."""
    if not node.get("root"):
        return None
    system, value = master_identifier(node.get("root"), node.get("extension"))
    return {"system": system, "value": value}


@converter("order_reference")
def order_reference(node: Node, context: Context) -> Json | None:
    """Give the order a document answers, by its number: no input need have told it.

    Spec: CDA R2 inFulfillmentOf/order/id; FHIR R4 2.3.0.2, logical references.
    """
    found = document_identifier(node, context)
    return {"type": "ServiceRequest", "identifier": found} if found else None


@converter("version_extension")
def version_extension(node: Node, _context: Context) -> Json | None:
    """Give the version of the document in the R5 cross-version extension."""
    return {"url": _VERSION, "valueString": node.text()} if node.text() else None


@converter("security_label")
def security_label(node: Node, context: Context) -> list[Json]:
    """Give the confidentiality of the document, then the masks the message asked for.

    Spec: CI-SIS Structuration minimale, confidentialityCode; volet Transmission d'un document,
    MASQUE_PS, INVISIBLE_PATIENT, INVISIBLE_REPRESENTANTS_LEGAUX.
    """
    coding = coding_of(node, context)
    found = [{"coding": [coding]}] if coding else []
    for label in context.envelope.labels if context.envelope else ():
        found.append({"coding": [{"system": _VISIBILITY, "code": label}]})
    return found


@converter("replaced")
def replaced(node: Node, context: Context) -> Json | None:
    """Give the document this one replaces, by its identifier: it may never have come here.

    Spec: CDA R2 relatedDocument RPLC, parentDocument/id; FHIR R4 2.3.0.2, logical references.
    """
    found = document_identifier(node, context)
    if found is None or (found["system"], found["value"]) == context.master:
        return None
    return {"code": "replaces", "target": {"type": "DocumentReference", "identifier": found}}


@converter("document_status")
def document_status(node: Node, context: Context) -> str | None:
    """Give the status of the document's content; a done version after the first is amended.

    Spec: CI-SIS FR-Statut-du-document GEN-065, SNOMED CT 385651009 in progress, 398166005 done,
    9571008 approved, 29179001 closed.
    """
    code = node.get("code")
    if code == "385651009":
        return "preliminary"
    if code in ("398166005", "9571008", "29179001"):
        return "amended" if context.version > 1 else "final"
    return None


@converter("contents")
def contents(node: Node, context: Context) -> list[Json]:
    """Give the document as received, then the PDF or text a level-1 body holds.

    Spec: XDS hash is SHA-1, in base64 in FHIR; size in bytes; IHE ITI XDS-SD.
    """
    language, title = node.child("languageCode"), node.child("title")
    return [
        {
            "attachment": {
                "contentType": attached.content_type,
                "language": language.get("code") if language is not None else "",
                "url": f"Binary/{context.ids.binary(attached.sha256)}",
                "size": len(attached.data),
                "hash": b64encode(sha1(attached.data, usedforsecurity=False).digest()).decode(),
                "title": title.text() if title is not None else "",
                "creation": context.created.text_fhir,
            }
        }
        for attached in context.attached
    ]


@converter("format_key")
def format_key(_node: Node, context: Context) -> str:
    """Give the template of the document model, for its XDS format code.

    Spec: ANS ASS_A11-CorresModeleCDA-XdsFormatCode; XDS-SD by type of the body.
    """
    return context.attached[0].format_key


@converter("document_binary_id")
def document_binary_id(_node: Node, context: Context) -> str:
    """Give the id of the Binary of the document, of its SHA-256."""
    return context.ids.binary(context.attached[0].sha256)


@converter("document_type")
def document_type(_node: Node, context: Context) -> str:
    """Give the media type of the document: `text/xml`, or XSLT when self-presentable."""
    return context.attached[0].content_type


@converter("document_data")
def document_data(_node: Node, context: Context) -> str:
    """Give the bytes of the document as received, in base64."""
    return b64encode(context.attached[0].data).decode()


def _body(context: Context) -> Attached | None:
    return context.attached[1] if len(context.attached) > 1 else None


@converter("body_binary_id")
def body_binary_id(_node: Node, context: Context) -> str | None:
    """Give the id of the Binary of a level-1 body."""
    body = _body(context)
    return context.ids.binary(body.sha256) if body else None


@converter("body_type")
def body_type(_node: Node, context: Context) -> str | None:
    """Give the media type of a level-1 body, by its content."""
    body = _body(context)
    return body.content_type if body else None


@converter("body_data")
def body_data(_node: Node, context: Context) -> str | None:
    """Give the decoded bytes of a level-1 body in plain base64."""
    body = _body(context)
    return b64encode(body.data).decode() if body else None


# --- stay -------------------------------------------------------------------------------------


def encounter_class_of(root: Node) -> tuple[str, str]:
    """Return (system OID, code) of the kind of stay; empty when the document tells of none.

    The class of the stay comes first, then that of the act; a letter of admission or discharge
    is about an inpatient stay.

    Spec: CI-SIS Structuration minimale, encompassingEncounter/code (JDV_J142), serviceEvent/code.
    """
    stay = root.down("componentOf", "encompassingEncounter", "code")
    act = root.down("documentationOf", "serviceEvent", "code")
    if stay is not None and stay.get("code"):
        return stay.get("codeSystem"), stay.get("code")
    if act is not None and act.get("codeSystem") == _ACT_CODE and act.get("code") in _CLASSES:
        return _ACT_CODE, act.get("code")
    code = root.child("code")
    if code is not None and code.get("code") in _STAY_LETTERS:
        return _ACT_CODE, "IMP"
    return "", ""


def stay_times(root: Node) -> Node | None:
    """Return the effectiveTime of the stay, else that of the main act when the stay has none.

    Masked dates (nullFlavor MSK) are not replaced by others.
    """
    own = root.down("componentOf", "encompassingEncounter", "effectiveTime")
    if own is not None and (own.child("low") is not None or own.get("value")):
        return own
    if own is not None and own.has_null_flavor:
        return None
    return root.down("documentationOf", "serviceEvent", "effectiveTime")


@converter("encounter_id")
def encounter_id(_node: Node, context: Context) -> str | None:
    """Give the id of a stay that only the document tells of."""
    alone = context.envelope is None or context.envelope.stay is None
    return context.stay.id if context.stay and alone else None


@converter("stay_id")
def stay_id(_node: Node, context: Context) -> str | None:
    """Give the id of the stay, that of the message around or one of the document's own."""
    return context.stay.id if context.stay else None


@converter("encounter_reference")
def encounter_reference(_node: Node, context: Context) -> Json | None:
    """Give a reference to the stay."""
    return {"reference": f"Encounter/{context.stay.id}"} if context.stay else None


@converter("visit_identifier")
def visit_identifier(node: Node, context: Context) -> list[Json]:
    """Give the visit numbers of the document, else one computed from its setId.

    Spec: FR Core 2.2.0 fr-core-encounter, identifier 1..* of type VN.
    """
    kind = {"coding": [{"system": _IDENTIFIER_TYPE, "code": "VN"}]}
    found = [
        {
            "type": kind,
            "system": system_uri(item.get("root"), context),
            "value": item.get("extension"),
        }
        for item in node.select("cda:componentOf/cda:encompassingEncounter/cda:id")
        if item.get("root") and item.get("extension")
    ]
    own = {"type": kind, "system": f"{IDENTIFIER_BASE}/cda-stay", "value": context.set_key}
    return found or [own]


@converter("encounter_status")
def encounter_status(node: Node, _context: Context) -> str:
    """Give `finished` once the document gives the end of the stay."""
    times = stay_times(node)
    high = times.child("high") if times is not None else None
    return "finished" if high is not None and high.get("value") else "in-progress"


@converter("encounter_class")
def encounter_class(node: Node, context: Context) -> Json | None:
    """Give the class of the stay as a Coding; a contact of a French kind is ambulatory.

    Spec: CI-SIS JDV_J142; FHIR R4 Encounter.class, v3-ActEncounterCode.
    """
    oid, code = encounter_class_of(node)
    if not code:
        return None
    if oid == _CONTACT_KIND:
        return {"system": _ACT_CODE_URI, "code": "AMB"}
    return {"system": _ACT_CODE_URI if oid == _ACT_CODE else system_uri(oid, context), "code": code}


@converter("contact_kind")
def contact_kind(node: Node, _context: Context) -> Json | None:
    """Give the French kind of an ambulatory contact: EXTERNE, SEANCE.

    Spec: CI-SIS JDV_J142, codes that v3-ActCode lacks.
    """
    oid, code = encounter_class_of(node)
    if oid != _CONTACT_KIND:
        return None
    return {"coding": [{"system": f"urn:oid:{oid}", "code": code}]}


@converter("stay_period")
def stay_period(node: Node, context: Context) -> Any:
    """Give the period of the stay."""
    times = stay_times(node)
    return period(times, context) if times is not None else None


@converter("encounter_participant")
def encounter_participant(node: Node, context: Context) -> Json | None:
    """Give a participant of the stay with their role (JDV_J140)."""
    assigned = node.child("assignedEntity")
    individual = person_entity(assigned, context) if assigned is not None else None
    if individual is None:
        return None
    role = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
        "code": node.get("typeCode"),
    }
    return {"type": [{"coding": [role]}], "individual": individual}


# --- consent, provenance ----------------------------------------------------------------------


@converter("consent_id")
def consent_id(node: Node, context: Context) -> str | None:
    """Give the id of a consent of the header: its code, and its rank among equal ones."""
    code = node.child("code")
    if code is None or not code.get("code"):
        return None
    equal = [
        item.key
        for item in node.document.select("cda:authorization/cda:consent/cda:code")
        if item.get("code") == code.get("code")
    ]
    rank = equal.index(code.key) + 1
    return context.ids.document_entry(
        "Consent", context.set_key, "authorization", code.get("code"), "", rank
    )


@converter("provenance_id")
def provenance_id(_node: Node, context: Context) -> str | None:
    """Give the id of the Provenance of a document that came alone.

    A document inside a message is covered by the Provenance of that message.
    """
    return context.ids.provenance(context.digest) if context.envelope is None else None


@converter("recorded")
def recorded(_node: Node, context: Context) -> str:
    """Give effectiveTime as an instant; for a date, the start of that day in Paris, in UTC.

    The time of processing never enters a resource: a replay gives the same one.
    """
    found = context.created.instant_fhir
    if found:
        return found
    return context.created.bounds_utc()[0].isoformat().replace("+00:00", "Z")


@converter("provenance_agent")
def provenance_agent(node: Node, context: Context) -> Json | None:
    """Give an author or authenticator as agent."""
    who = entity(node, context)
    if who is None:
        return None
    kind = "author" if node.name == "assignedAuthor" else "verifier"
    return {"type": {"coding": [{"system": _AGENTS, "code": kind}]}, "who": who}


@converter("document_reference")
def document_reference(_node: Node, context: Context) -> Json:
    """Give a reference to the DocumentReference."""
    return {"reference": f"DocumentReference/{context.reference.id}"}


@converter("created")
def created(_node: Node, context: Context) -> str:
    """Give effectiveTime of the document with its precision."""
    return context.created.text_fhir
