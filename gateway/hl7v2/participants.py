"""Who sends a document and who shall get it: PRT segments as data.

Does not decide whether they may get it (`sharing`). Standards: CI-SIS volet on CDA documents in
HL7 v2 (PRT), HL7 v2.9 7.4.4; the segment is used in v2.5 and v2.6 messages before its time.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.envelope import INS_ROOTS
from gateway.hl7v2.message import Message, Segment

_MAIL = re.compile(r"[^\s@]+@[^\s@]+")
_OID = re.compile(r"[0-2](?:\.[0-9]+)+")


class Role(StrEnum):
    """PRT-4: what the participant is to the document."""

    SENDER = "SB"
    RECIPIENT = "RCT"
    REPLY_TO = "REPLY"


_ROLES = {role.value: role for role in Role}


class Kind(StrEnum):
    """What the participant is."""

    PERSON = "person"
    PATIENT = "patient"
    ORGANISATION = "organisation"
    DEVICE = "device"
    #: Only an address is given.
    MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True)
class Organisation:
    """A structure as XON writes it.

    Attributes:
        id: XON-10, else XON-3.
        id_type: XON-7: FINEJ, FINEG, IDNST, UF...
        authority: OID or name of XON-6.
        name: XON-1.
    """

    id: str
    id_type: str
    authority: str
    name: str


@dataclass(frozen=True, slots=True)
class Participant:
    """One PRT segment.

    Attributes:
        place: `PRT[2]`.
        role: PRT-4.1.
        kind: person, patient, organisation, device or only a mailbox.
        id: PRT-5.1 of a person, PRT-8.10 of an organisation, PRT-10.1 of a device; as sent.
        id_type: PRT-5.13 or PRT-8.7.
        authority: OID of PRT-5.9 (its first part when that is an OID), or that of PRT-8.6.
        family: PRT-5.2.
        given: PRT-5.3.
        organisation: PRT-8, for a person the structure of practice.
        address: mail address in PRT-15, else PRT-16.
    """

    place: str
    role: Role
    kind: Kind
    id: str
    id_type: str
    authority: str
    family: str
    given: str
    organisation: Organisation | None
    address: str


def participants(message: Message) -> list[Participant]:
    """Return the participants of a document message, in order; other roles are passed over."""
    found = []
    for prt in message.segments_named("PRT"):
        role = _ROLES.get(prt.field(4).upper())
        if role is not None:
            found.append(_participant(prt, role))
    return found


def sender(message: Message) -> Participant | None:
    """Return who sent the document, None when the message does not say."""
    return next((one for one in participants(message) if one.role is Role.SENDER), None)


def recipients(message: Message) -> list[Participant]:
    """Return who shall get the document, in order."""
    return [one for one in participants(message) if one.role is Role.RECIPIENT]


def _participant(prt: Segment, role: Role) -> Participant:
    organisation = _organisation(prt)
    person_id, id_type = prt.field(5), prt.field(5, 13)
    authority = _authority(prt, 5, 9)
    device = prt.field(10)
    family, given = prt.field(5, 2), prt.field(5, 3)
    if id_type.startswith("INS") or authority in INS_ROOTS:
        kind = Kind.PATIENT
    elif person_id or family:
        kind = Kind.PERSON
    elif organisation is not None:
        kind, person_id, id_type = Kind.ORGANISATION, organisation.id, organisation.id_type
        authority = organisation.authority
    elif device:
        kind, person_id = Kind.DEVICE, device
    else:
        kind = Kind.MAILBOX
    return Participant(
        place=f"PRT[{prt.ordinal}]",
        role=role,
        kind=kind,
        id=person_id,
        id_type=id_type,
        authority=authority,
        family=family,
        given=given,
        organisation=organisation,
        address=_address(prt),
    )


def _organisation(prt: Segment) -> Organisation | None:
    name, number = prt.field(8), prt.field(8, 10) or prt.field(8, 3)
    if not name and not number:
        return None
    return Organisation(number, prt.field(8, 7), _authority(prt, 8, 6), name)


def _authority(prt: Segment, field: int, component: int) -> str:
    """Return the OID of an assigning authority, in its second part or put into the first."""
    name, oid = prt.field(field, component), prt.field(field, component, 2)
    return oid or name if not _OID.fullmatch(name) else name


def _address(prt: Segment) -> str:
    """Return the mail address, wherever in PRT-15 or PRT-16 the sender put it."""
    for number in (15, 16):
        for node in prt.nodes(number):
            for component in range(1, 13):
                text = node.component(component)
                if _MAIL.fullmatch(text):
                    return text
    return ""
