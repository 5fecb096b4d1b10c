"""The header of a document: its reference, its bytes, its consent.

Does not decide whose document it is (`cda.identity`) nor tell of its stay (`cda.stay`). CI-SIS
volet Structuration minimale; XDS metadata as IHE MHD and PDSm carry them in DocumentReference.
"""

from base64 import b64encode
from hashlib import sha1

from gateway.cda.attachments import loose_media
from gateway.cda.bodies import XDS_SD
from gateway.cda.codes import coding_of
from gateway.cda.context import Attached, Context
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.fhir.identity import master_identifier

#: CDA R2 ActRelationshipDocument; CI-SIS allows RPLC only.
_RELATIONS = {"RPLC": "replaces", "APND": "appends", "XFRM": "transforms"}
_VISIBILITY = (
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument"
    "/FHIR/TRE-A07-StatutVisibiliteDocument"
)
_V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
_VERSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DocumentReference.version"


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


@converter("accession_reference")
def accession_reference(node: Node, context: Context) -> Json | None:
    """Give the accession number of the order a document answers.

    Spec: DICOM PS3.20, order/accessionNumber; HL7 v2 table 0203, ACSN.
    """
    found = document_identifier(node, context)
    if found is None:
        return None
    kind = {"coding": [{"system": _V2_0203, "code": "ACSN"}]}
    return {"type": "ServiceRequest", "identifier": {"type": kind, **found}}


@converter("act_reference")
def act_reference(node: Node, context: Context) -> Json | None:
    """Give the number of an act the document is about; another system made what it names."""
    found = document_identifier(node, context)
    return {"identifier": found} if found else None


@converter("meeting_reference")
def meeting_reference(node: Node, context: Context) -> Json | None:
    """Give the number of an encounter that is no stay of the patient: a meeting about them.

    Spec: CI-SIS CANCER-FRCP, encompassingEncounter/id: network, manager, meeting, session.
    """
    found = document_identifier(node, context) if context.stay is None else None
    return {"type": "Encounter", "identifier": found} if found else None


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
    """Give the document this one replaces or adds to, by identifier: it may never have come here.

    Spec: CDA R2 relatedDocument RPLC, APND, XFRM, parentDocument/id; FHIR R4 2.3.0.2, logical
    references.
    """
    found = document_identifier(node, context)
    related = node.above("relatedDocument")
    kind = _RELATIONS.get(related.get("typeCode")) if related is not None else None
    if kind is None or found is None or (found["system"], found["value"]) == context.master:
        return None
    return {"code": kind, "target": {"type": "DocumentReference", "identifier": found}}


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
    """Give the document as received, then what it holds: a level-1 body, loose media.

    A file of an observationMedia is a document of its own (`cda.attachments`).

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
        for attached in (*context.attached, *loose_media(context))
    ]


@converter("format_key")
def format_key(_node: Node, context: Context) -> str | None:
    """Give the template of the document model, for its XDS format code.

    A level-1 document without a body has no format.

    Spec: ANS ASS_A11-CorresModeleCDA-XdsFormatCode; XDS-SD by type of the body.
    """
    key = context.attached[0].format_key
    return None if key == XDS_SD else key


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


# --- consent, provenance ----------------------------------------------------------------------


@converter("consent_id")
def consent_id(node: Node, context: Context) -> str | None:
    """Give the id of a consent of the header: its code, and its rank among equal ones."""
    code = node.child("code")
    if code is None or not code.get("code"):
        return None
    place = ("consents", code.get("code"))
    rank = context.memo[place] = context.memo.get(place, 0) + 1
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


@converter("document_reference")
def document_reference(_node: Node, context: Context) -> Json:
    """Give a reference to the DocumentReference."""
    return {"reference": f"DocumentReference/{context.reference.id}"}


@converter("created")
def created(_node: Node, context: Context) -> str:
    """Give effectiveTime of the document with its precision."""
    return context.created.text_fhir
