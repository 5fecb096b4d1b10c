"""What an MDM or ORU says about the documents it carries: bytes, request, ids, flags.

Does not read the documents (`cda`) nor make resources (`hl7v2.adapter`); senders and recipients
are in `hl7v2.participants`. Standards: CI-SIS volet on CDA documents in HL7 v2, profile 2.1
(MDM v2.6, ORU v2.5), HL7 v2.5 2.A.24 (ED) and 9.6.
"""

import re
from enum import StrEnum

from gateway.core.envelope import EmbeddedDocument
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.hl7v2 import document_refusals as refusals
from gateway.hl7v2.embedded import decode, grouped
from gateway.hl7v2.message import Message, Segment

#: OBX-3.3 of the flags for the national record and the secure mail.
FLAG_SYSTEM = "MetaDMPMSS"
#: Flags whose value is a text for a mail and not Y or N.
_MAIL_BODIES = frozenset({"CORPSMAIL_PS", "CORPSMAIL_PATIENT"})
#: Flags that ask for the document to be sent on.
_DESTINATIONS = ("DESTDMP", "DESTMSSANTEPS", "DESTMSSANTEPAT")
#: OBX-3.2 of the mail that brought a document begins with this.
_MAIL_SUBJECT = "XDM/1.0/DDM"
#: Flags that become security labels of the document.
_LABELS = {
    "MASQUE_PS": "MASQUE_PS",
    "INVISIBLE_PATIENT": "INVISIBLE_PATIENT",
    "INVISIBLE_REP_LEGAUX": "INVISIBLE_REPRESENTANTS_LEGAUX",
}
_OID = re.compile(r"(?:urn:oid:)?([0-2](?:\.(?:0|[1-9][0-9]*))+)", re.IGNORECASE)


class Request(StrEnum):
    """What the sender wants done with the document."""

    ADD = "add"
    REPLACE = "replace"
    DELETE = "delete"


_BY_EVENT = {"T02": Request.ADD, "T10": Request.REPLACE, "T04": Request.DELETE}
_BY_ORDER_CONTROL = {"NW": Request.ADD, "RO": Request.REPLACE, "CA": Request.DELETE}
_BY_RESULT_STATUS = {"F": Request.ADD, "C": Request.REPLACE, "D": Request.DELETE}


def documents(message: Message, *, lenient: bool = True) -> list[EmbeddedDocument]:
    """Return the documents of a message, decoded.

    An ORU without any is an ordinary result and gives none. A document that is only pointed to
    has no bytes: see `pointers`.

    Args:
        message: as read.
        lenient: accept a document whose type is not told or that is only pointed to, and join
            one that was cut in pieces.

    Raises:
        RejectedError: no or several documents in an MDM, bytes that are no base64, or a request
            that contradicts itself (RLS-HL7-020, 040 to 046).

    Spec: CI-SIS volet on CDA documents in HL7 v2, OBX; RFC 4648 section 4.
    """
    segments = document_segments(message)
    found = grouped(segments) if lenient else [[obx] for obx in segments]
    if message.message_type == "MDM":
        if not found:
            raise RejectedError([refusals.no_document()])
        if len(found) > 1:
            raise RejectedError([refusals.several_documents(found[1][0].ordinal)])
    if not found:
        return []
    issues = consistency_issues(message)
    if issues:
        raise RejectedError(issues)
    elsewhere = pointers(message)
    if elsewhere and (not lenient or _needs_content(message)):
        raise RejectedError([refusals.reference_pointer(elsewhere[0].ordinal)])
    return [decode(pieces, lenient=lenient) for pieces in found if not is_pointer(pieces[0])]


def pointers(message: Message) -> list[Segment]:
    """Return the OBX of documents that are only pointed to (type RP); they are never fetched."""
    return [obx for obx in document_segments(message) if is_pointer(obx)]


def is_pointer(obx: Segment) -> bool:
    """Tell whether OBX-5 is where something lies, and not the thing (HL7 v2.5 2.A.65)."""
    return obx.field(2).upper() == "RP"


def _needs_content(message: Message) -> bool:
    """Tell whether the request cannot be met without the document itself.

    What is to be sent on must be there, and a withdrawal takes back what the document says.
    """
    given = flags(message)
    return request(message) is Request.DELETE or any(given.get(flag) for flag in _DESTINATIONS)


def document_segments(message: Message) -> list[Segment]:
    """Return the OBX that hold documents, not those that hold flags or the text of a mail."""
    return [obx for obx in message.segments_named("OBX") if is_document(obx)]


def is_document(obx: Segment) -> bool:
    """Tell whether an OBX holds a document, and not a flag or the text of a mail."""
    is_data = obx.field(2).upper() in ("ED", "RP")
    return is_data and obx.field(3, 3) != FLAG_SYSTEM and not is_mail(obx)


def is_mail(obx: Segment) -> bool:
    """Tell whether an OBX holds the mail that brought a document."""
    return obx.field(3, 2).startswith(_MAIL_SUBJECT)


def request(message: Message) -> Request:
    """Return what the sender wants; ORC-1 decides in an ORU, the event in an MDM."""
    if message.message_type == "MDM":
        return _BY_EVENT.get(message.trigger_event, Request.ADD)
    return _BY_ORDER_CONTROL.get(message.value("ORC-1").upper(), Request.ADD)


def consistency_issues(message: Message) -> list[Issue]:
    """Compare the event, ORC-1 and OBX-11 of the documents.

    A value outside of the volet (ORC-1 `RE` of a laboratory) says nothing about the request and
    is not compared.

    Spec: CI-SIS volet on CDA documents in HL7 v2, rules of management: the three agree.
    """
    wanted: Request | None = None
    if message.message_type == "MDM":
        wanted = _BY_EVENT.get(message.trigger_event)
    control = _BY_ORDER_CONTROL.get(message.value("ORC-1").upper())
    if wanted and control and control is not wanted:
        return [refusals.inconsistent_request("ORC-1")]
    wanted = wanted or control
    issues = []
    for obx in document_segments(message):
        status = _BY_RESULT_STATUS.get(obx.field(11).upper())
        if wanted and status and status is not wanted:
            issues.append(refusals.inconsistent_request(f"OBX[{obx.ordinal}]-11"))
    return issues


def document_id(message: Message) -> str:
    """Return the id of the document, `root` or `root^extension`; empty in an ORU."""
    return _normal_id(message, "TXA-12")


def parent_id(message: Message) -> str:
    """Return the id of the replaced document, `root` or `root^extension`; empty without one."""
    return _normal_id(message, "TXA-13")


def flags(message: Message) -> dict[str, bool]:
    """Return the flags of the document by name, in any order of the message.

    Raises:
        RejectedError: a flag that is neither Y nor N, or is contradicted (RLS-HL7-047, 048): a
            mask that is not understood must not become a document everybody sees.
    """
    found: dict[str, bool] = {}
    for obx in message.segments_named("OBX"):
        name = obx.field(3).upper()
        if obx.field(3, 3) != FLAG_SYSTEM or name in _MAIL_BODIES:
            continue
        value = obx.field(5).upper()
        if value not in ("Y", "N"):
            raise RejectedError([refusals.unusable_flag(obx.ordinal)])
        if found.setdefault(name, value == "Y") != (value == "Y"):
            raise RejectedError([refusals.contradicting_flags(obx.ordinal)])
    return found


def labels(message: Message) -> tuple[str, ...]:
    """Return the security labels the flags ask for, in the order of `core.envelope.Envelope`."""
    given = flags(message)
    return tuple(label for flag, label in _LABELS.items() if given.get(flag))


def mask_of(obx: Segment) -> str:
    """Return the security label a flag asks for, empty for any other OBX and for N."""
    if obx.field(3, 3) != FLAG_SYSTEM or obx.field(5).upper() != "Y":
        return ""
    return _LABELS.get(obx.field(3).upper(), "")


def _normal_id(message: Message, place: str) -> str:
    """Return an EI as `root` or `root^extension`.

    An OID in the third component is the root and the first the extension; otherwise the first
    component is the root and a second one, a mere name, says nothing.
    """
    found = message.select(place)
    if not found:
        return ""
    first, root = message.value(f"{place}.1"), message.value(f"{place}.3")
    oid = _OID.fullmatch(root)
    if oid:
        return f"{oid[1]}^{first}" if first else oid[1]
    alone = _OID.fullmatch(first)
    return alone[1] if alone else first
