"""From a converted message to where its documents go: joins what message, document and site say.

Does not decide (`sharing.routing`) nor queue; what is known of the patient and of recipients comes
from `pipeline.standing`. CI-SIS volet on CDA documents in HL7 v2: PRT, flags of MetaDMPMSS, bodies
of mails.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.cda.identity import identifiers
from gateway.cda.recipients import recipients as document_recipients
from gateway.cda.xds_metadata import replaced_id, unique_id, unique_of
from gateway.cda.xds_types import xcn, xon
from gateway.core.contributions import Json
from gateway.core.directory import Entry
from gateway.core.envelope import INS_ROOTS
from gateway.hl7v2 import envelope as hl7_envelope
from gateway.hl7v2.participants import Kind, Role, participants, recipients, sender
from gateway.sharing import routing, routing_dmp
from gateway.sharing.outgoing import Outgoing, Recipient, SiteRules, Standing
from gateway.sharing.routing import Decision

if TYPE_CHECKING:
    from gateway.cda.reader import Document
    from gateway.hl7v2.message import Message
    from gateway.hl7v2.participants import Participant
    from gateway.mapping.sites import Site
    from gateway.pipeline.prepared import Prepared

_SYSTEMS = frozenset(f"urn:oid:{root}" for root in INS_ROOTS)
#: CI-SIS TRE_R209 by class of the stay (PV1-2).
_CONTENT_TYPES = {"I": "03", "O": "07", "E": "07", "R": "19", "N": "97"}
_TEXTS = {"CORPSMAIL_PS": "professional", "CORPSMAIL_PATIENT": "patient"}
_RPPS = re.compile(r"8?(\d{11})")
_FINESS_TYPES = ("FINEG", "FINEJ")

#: Gives what the directory has of professionals and structures, by RPPS or FINESS.
Listed = Callable[[Sequence[str]], Mapping[str, Sequence[Entry]]]


def nothing_listed(_numbers: Sequence[str]) -> Mapping[str, Sequence[Entry]]:
    """Look in no directory."""
    return {}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the message.

    Attributes:
        standing: of the patient.
        doctor: RPPS of the family doctor on file, empty when none is.
        listed: the directory.
    """

    standing: Standing = field(default_factory=Standing)
    doctor: str = ""
    listed: Listed = nothing_listed


def route(item: "Prepared", known: Known, about: str, now: datetime) -> list[Decision]:
    """Return the mails the documents of an MDM or ORU are wanted in; empty for other messages.

    Args:
        item: converted, with the documents that were read on the way.
        known: what is known beside it, after this message.
        about: `DocumentReference/id`.
        now: due time of the first attempt.
    """
    made: list[Decision] = []
    for outgoing in outgoing_documents(item, known, about):
        made += routing.decide(outgoing, now)
    return made


def explain(item: "Prepared", known: Known, about: str, now: datetime) -> list[Decision]:
    """Return one decision per document, channel and recipient, those nobody wants included.

    Args:
        item: as `route`.
        known: as `route`.
        about: as `route`.
        now: as `route`.
    """
    made: list[Decision] = []
    for outgoing in outgoing_documents(item, known, about):
        made += [*routing.explain(outgoing, now), routing_dmp.explain(outgoing, now)]
    return made


def asks_for_mail(item: "Prepared") -> bool:
    """Tell whether flags or a rule of the site may want a mail; else nothing need be looked up."""
    said = item.opened.site.routing
    flags = hl7_envelope.flags(item.opened.parsed)
    asked = flags.get("DESTMSSANTEPS") or flags.get("DESTMSSANTEPAT")
    return bool(asked or said.to_doctor or said.to_document_recipients)


def asks_for_record(item: "Prepared") -> bool:
    """Tell whether the sender wants the shared record fed."""
    return bool(hl7_envelope.flags(item.opened.parsed).get("DESTDMP"))


def outgoing_documents(item: "Prepared", known: Known, about: str) -> list[Outgoing]:
    """Return the documents of an MDM or ORU as the routing of every channel sees them.

    Args:
        item: converted, with the documents that were read on the way.
        known: what is known beside it, after this message.
        about: `DocumentReference/id`.
    """
    if not item.documents:
        return []
    message: Message = item.opened.parsed
    request = hl7_envelope.request(message)
    flags = hl7_envelope.flags(message)
    parent = _parent(message) if request is hl7_envelope.Request.REPLACE else ""
    return [
        Outgoing(
            document_id=unique_id(one.document.root.child("id")),
            about=about,
            body=one.place.body,
            flags=flags,
            recipients=_recipients(message, one.document, known),
            standing=known.standing,
            rules=site_rules(item.opened.site),
            shown_ins=_shown_ins(one.document),
            type_code=_code(one.document, "code"),
            confidentiality=_code(one.document, "confidentialityCode"),
            reply_to=_reply_to(message),
            final=_is_final(message),
            texts=_texts(message),
            labels=hl7_envelope.labels(message),
            replaces=request is hl7_envelope.Request.REPLACE,
            replaced=replaced_id(one.document.root) or parent,
            withdrawn=request is hl7_envelope.Request.DELETE,
            author=_author(message),
            content_type_code=_CONTENT_TYPES.get(message.value("PV1-2").upper(), ""),
        )
        for one in item.documents
    ]


def _parent(message: "Message") -> str:
    """Return the uniqueId of the document that TXA-13 names."""
    root, _, extension = hl7_envelope.parent_id(message).partition("^")
    return unique_of(root, extension)


def site_rules(site: "Site") -> SiteRules:
    """Return what a site says about where documents go."""
    said = site.routing
    return SiteRules(
        source=f"mappings/sites/{site.name}.yaml",
        require_ins=site.require_ins,
        to_doctor=said.to_doctor,
        to_document=said.to_document_recipients,
        never={str(channel): types for channel, types in said.never.items()},
        strict_matrix=said.strict_matrix,
    )


def _recipients(message: "Message", document: "Document", known: Known) -> list[Recipient]:
    """Return whoever is named: in the message, in the header, then the family doctor on file."""
    found = [
        Recipient(one.place, one.address, _number(one), _structure(one))
        for one in recipients(message)
        if one.kind is not Kind.PATIENT or one.address
    ]
    found += [
        Recipient(one.place, one.address, one.rpps, one.finess, "document")
        for one in document_recipients(document)
    ]
    if known.doctor:
        found.append(Recipient("Patient.generalPractitioner", "", known.doctor, "", "file"))
    wanted = sorted({one.id for one in found if one.id and not one.address})
    listed = known.listed(wanted) if wanted else {}
    return [replace(one, listed=listed.get(one.id, ())) for one in found]


def _shown_ins(document: "Document") -> str:
    """Return the matricule the header shows, trusted or not."""
    return next((value for root, value in identifiers(document) if root in INS_ROOTS), "")


def _code(document: "Document", name: str) -> str:
    node = document.root.child(name)
    return node.get("code") if node is not None else ""


def trusted_ins(patient: Json) -> str:
    """Return the matricule a Patient shows: it shows one only when it is trusted."""
    shown = (one for one in patient.get("identifier", ()) if one.get("system") in _SYSTEMS)
    return next((str(one["value"]) for one in shown if one.get("value")), "")


def _number(recipient: "Participant") -> str:
    """Return the RPPS of a professional, the FINESS of a structure, else the number as sent."""
    rpps = _RPPS.fullmatch(recipient.id)
    return rpps[1] if rpps else recipient.id


def _structure(recipient: "Participant") -> str:
    """Return the FINESS of the structure a recipient is meant in, or is."""
    place = recipient.organisation
    return place.id if place is not None and place.id_type in _FINESS_TYPES else ""


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
