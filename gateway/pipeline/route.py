"""From a converted message to the mails it asks for: joins what message, document and Patient say.

Does not decide (`sharing.routing`) nor queue. CI-SIS volet on CDA documents in HL7 v2: PRT, flags
of MetaDMPMSS, bodies of mails.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.cda.xds_metadata import shows_ins, unique_id
from gateway.cda.xds_types import xcn, xon
from gateway.core.contributions import Json
from gateway.core.envelope import INS_ROOTS
from gateway.hl7v2 import envelope as hl7_envelope
from gateway.hl7v2.participants import Role, participants, recipients, sender
from gateway.sharing.routing import Decision, Outgoing, Recipient, decide

if TYPE_CHECKING:
    from gateway.hl7v2.message import Message
    from gateway.hl7v2.participants import Participant
    from gateway.pipeline.prepared import Prepared

_SYSTEMS = frozenset(f"urn:oid:{root}" for root in INS_ROOTS)
#: CI-SIS TRE_R209 by class of the stay (PV1-2).
_CONTENT_TYPES = {"I": "03", "O": "07", "E": "07", "R": "19", "N": "97"}
_TEXTS = {"CORPSMAIL_PS": "professional", "CORPSMAIL_PATIENT": "patient"}
_RPPS = re.compile(r"8(\d{11})")
_FINESS_TYPES = ("FINEG", "FINEJ")


def route(item: "Prepared", patient: Json, about: str, now: datetime) -> list[Decision]:
    """Return what the documents of an MDM or ORU ask for; empty for other messages.

    Args:
        item: converted, with the documents that were read on the way.
        patient: the Patient as it stands after this message; its INS is shown only when trusted.
        about: `DocumentReference/id`.
        now: due time of the first attempt.
    """
    if not item.documents:
        return []
    flags = hl7_envelope.flags(item.opened.parsed)
    if not flags.get("DESTMSSANTEPS") and not flags.get("DESTMSSANTEPAT"):
        return []
    made: list[Decision] = []
    for outgoing in outgoing_documents(item, patient, about):
        made += decide(outgoing, now)
    return made


def outgoing_documents(item: "Prepared", patient: Json, about: str) -> list[Outgoing]:
    """Return the documents of an MDM or ORU as the routing of every channel sees them.

    Args:
        item: converted, with the documents that were read on the way.
        patient: the Patient as it stands after this message.
        about: `DocumentReference/id`.
    """
    message: Message = item.opened.parsed
    request = hl7_envelope.request(message)
    return [
        Outgoing(
            document_id=unique_id(one.document.root.child("id")),
            about=about,
            body=one.place.body,
            flags=hl7_envelope.flags(message),
            recipients=[Recipient(r.place, r.address, _number(r)) for r in recipients(message)],
            ins=trusted_ins(patient),
            require_ins=item.opened.site.require_ins,
            shows_ins=shows_ins(one.document),
            reply_to=_reply_to(message),
            final=_is_final(message),
            texts=_texts(message),
            labels=hl7_envelope.labels(message),
            replaces=request is hl7_envelope.Request.REPLACE,
            withdrawn=request is hl7_envelope.Request.DELETE,
            author=_author(message),
            content_type_code=_CONTENT_TYPES.get(message.value("PV1-2").upper(), ""),
        )
        for one in item.documents
    ]


def trusted_ins(patient: Json) -> str:
    """Return the matricule a Patient shows: it shows one only when it is trusted."""
    shown = (one for one in patient.get("identifier", ()) if one.get("system") in _SYSTEMS)
    return next((str(one["value"]) for one in shown if one.get("value")), "")


def _number(recipient: "Participant") -> str:
    """Return the RPPS of a professional, else the number as sent."""
    rpps = _RPPS.fullmatch(recipient.id)
    return rpps[1] if rpps else recipient.id


def _reply_to(message: "Message") -> str:
    replies = [one.address for one in participants(message) if one.role is Role.REPLY_TO]
    return next((address for address in replies if address), "")


def _is_final(message: "Message") -> bool:
    """Tell whether NTE-4 under the flag for the patient says that they may not answer."""
    flags = [
        obx for obx in message.segments_named("OBX") if obx.field(3, 3) == hl7_envelope.FLAG_SYSTEM
    ]
    at = next((obx.index for obx in flags if obx.field(3).upper() == "DESTMSSANTEPAT"), None)
    if at is None:
        return False
    following = [obx.index for obx in message.segments_named("OBX") if obx.index > at]
    end = min(following, default=at + 1_000_000)
    notes = [nte for nte in message.segments_named("NTE") if at < nte.index < end]
    return any(nte.field(4).upper() == "FIN" for nte in notes)


def _texts(message: "Message") -> Mapping[str, str]:
    """Return the bodies of mails the sender wrote; one that cannot be read is left out."""
    found: dict[str, str] = {}
    for obx in message.segments_named("OBX"):
        kind = _TEXTS.get(obx.field(3).upper())
        if kind is None or obx.field(3, 3) != hl7_envelope.FLAG_SYSTEM:
            continue
        text = obx.field(5, 5) or obx.field(5)
        if obx.field(5, 4).upper() == "BASE64":
            try:
                text = b64decode(text, validate=True).decode("utf-8")
            except ValueError:
                # A greeting that is broken must not stop a letter; ours takes its place.
                continue
        found[kind] = text
    return found


def _author(message: "Message") -> dict[str, str]:
    """Return the sender as author of the sending (PRT SB), empty when not said."""
    who = sender(message)
    if who is None:
        return {}
    found: dict[str, str] = {}
    if who.family:
        number = f"8{who.id}" if who.id_type == "RPPS" else who.id
        found["person"] = xcn(number, who.family, who.given)
    if who.organisation is not None:
        number = who.organisation.id
        national = f"1{number}" if who.organisation.id_type in _FINESS_TYPES else number
        found["institution"] = xon(who.organisation.name, national)
    return found
