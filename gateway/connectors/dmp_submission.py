"""From an outbox row to what is submitted: metadata, who asks, for which patient.

Sends nothing. One `Ins` feeds assertion, submission set, entries and existence test, so that they
cannot differ. Standards: IHE ITI TF-3 4.2.3 (metadata), CI-SIS volet Partage de documents de
santé; IHE ITI TF-3 5.5 (entry of the signature).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha1

from gateway.cda.reader import read as read_cda
from gateway.cda.xds_metadata import Author, Code, DocumentEntry, describe
from gateway.cda.xds_types import PERSON_ROOT, cx, escaped, xon
from gateway.connectors import dmp_faults as faults
from gateway.connectors.dmp_signature import PURPOSE
from gateway.connectors.dmp_value_sets import CodeLists
from gateway.connectors.dmp_vihf import Requester
from gateway.connectors.ebrim import SubmissionSet
from gateway.core.deliveries import Delivery
from gateway.core.envelope import INS_ROOTS
from gateway.core.errors import RejectedError
from gateway.mapping.conceptmaps import ConceptMap

_PRODUCTION_ROOTS = frozenset({"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9"})
_CX = re.compile(r"([0-9AB]{15})\^\^\^&([0-9.]+)&ISO\^NH")
_CONTENT_TYPES = "1.2.250.1.213.2.2"
_VISIBILITY = "1.2.250.1.213.1.1.4.13"
_PROFESSIONS, _SPECIALTIES = "1.2.250.1.71.1.2.7", "1.2.250.1.71.4.2.5"
#: `G15_10/SM26`: profession and specialty in one code (CI-SIS JDV_J01).
_SPECIALTY = re.compile(r"G15_(\d+)/(\w+)\^([^^]*)\^")
_AUTOMATON = Code("AUTOMATE", "1.2.250.1.213.1.1.4.6", "Automate")
_DEVICE = "DISPOSITIF^dispositif médical^1.2.250.1.213.1.1.4.6"
KINDS = frozenset({"dmp", "dmp-delete"})
_NO_LISTS = CodeLists()


@dataclass(frozen=True, slots=True)
class Ins:
    """A qualified INS.

    Attributes:
        number: matricule, 15 characters.
        root: OID of its authority.
    """

    number: str
    root: str

    @property
    def cx(self) -> str:
        """Return it as every attribute of the submission holds it (CX)."""
        return cx(self.number, self.root, "NH")


@dataclass(frozen=True, slots=True)
class House:
    """The organisation that submits.

    Attributes:
        structures: Struct_IdNat the certificates speak for; the first when a message names none.
        name: of the first structure.
        sector: activity sector (TRE_R02) of assertions whose document names none.
        source_id: OID of this system.
        software: name of this software.
        device: number of this software within the structure, after its FINESS.
        production: patients and endpoint are real ones.
    """

    structures: tuple[str, ...]
    name: str
    sector: str
    source_id: str
    software: str
    device: str = "relais"
    production: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """What is submitted; the submission set itself is new at each attempt (`lot`).

    Attributes:
        key: idempotency key of the outbox row.
        entry: metadata of the document.
        body: its bytes, as received and as sent.
        ins: of the patient.
        requester: who asks.
        author: of the submission set.
        content_type: kind of care.
        source_id: OID of this system.
        is_delete: the document is taken back instead of fed.
        is_secret: hidden from the legal representatives of a minor.
    """

    key: str
    entry: DocumentEntry
    body: bytes
    ins: Ins
    requester: Requester
    author: Author
    content_type: Code
    source_id: str
    is_delete: bool
    is_secret: bool

    def lot(self, unique_id: str, now: datetime) -> SubmissionSet:
        """Return a submission set; its id must be a new one (a registry takes none twice)."""
        return SubmissionSet(
            unique_id=unique_id,
            source_id=self.source_id,
            submitted=now.astimezone(UTC).strftime("%Y%m%d%H%M%S"),
            author=self.author,
            content_type=self.content_type,
            patient_id=self.ins.cx,
            title=self.entry.title,
        )

    def signature_entry(self, unique_id: str, data: bytes, now: datetime) -> DocumentEntry:
        """Return the metadata of the signature of a lot.

        Spec: IHE ITI TF-3 5.5.3; CI-SIS: visible to nobody but the record.
        """
        return replace(
            self.entry,
            unique_id=unique_id,
            replaces="",
            title="Source",
            mime_type="text/xml",
            language="art",
            creation_time=now.astimezone(UTC).strftime("%Y%m%d%H%M%S"),
            source_patient_id=self.ins.cx,
            legal_authenticator=self.author.person,
            authors=(self.author,),
            class_code=Code("urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", "URN", "Digital Signature"),
            type_code=Code("E1762", "ASTM", "Full Document"),
            format_code=Code(
                "http://www.w3.org/2000/09/xmldsig#", "URN", "Default Signature Style"
            ),
            confidentiality=(
                Code("N", "2.16.840.1.113883.5.25", "Normal"),
                Code("MASQUE_PS", _VISIBILITY, "Masqué aux professionnels de santé"),
                Code("INVISIBLE_PATIENT", _VISIBILITY, "Non visible par le patient"),
            ),
            event_codes=(Code(PURPOSE, "1.2.840.10065.1.12", "Source"),),
            hash=sha1(data, usedforsecurity=False).hexdigest(),
            size=len(data),
            body=None,
        )


def prepare(
    delivery: Delivery,
    house: House,
    conceptmaps: Mapping[str, ConceptMap],
    lists: CodeLists = _NO_LISTS,
) -> Submission:
    """Read a row and its document, and refuse what must not leave.

    Args:
        delivery: as the routing made it.
        house: the organisation.
        conceptmaps: by name.
        lists: value sets that codes are judged by.

    Raises:
        RejectedError: the row is not ours, metadata lack, the INS is not qualified, is another
            one or of another environment, the structure is not ours (RLS-DMP-001 to 006), a code
            is in no value set (RLS-DMP-060).
    """
    details = delivery.item.details
    if details.get("kind") not in KINDS:
        raise RejectedError([faults.not_ours("kind")])
    document = read_cda(delivery.item.body)
    trusted = bool(details.get("ins_trusted"))
    entry = describe(
        document, conceptmaps, ins_trusted=trusted, labels=tuple(details.get("labels", ()))
    )
    # A document that does not say what it replaces may come in a message that does (TXA-13).
    entry = replace(entry, replaces=entry.replaces or str(details.get("replaced") or ""))
    content_type = Code(str(details.get("content_type_code") or "97"), _CONTENT_TYPES, "")
    if details["kind"] == "dmp":
        _judge_metadata(entry, content_type, lists)
    ins = _ins(entry, house, str(details.get("ins", "")))
    author = _author(details.get("author") or {}, entry, house)
    structure = _structure(author, house)
    return Submission(
        key=delivery.item.key,
        entry=replace(entry, patient_id=ins.cx),
        body=delivery.item.body,
        ins=ins,
        requester=_requester(author, entry, structure, house),
        author=author,
        content_type=content_type,
        source_id=house.source_id,
        is_delete=details["kind"] == "dmp-delete",
        is_secret=bool(details.get("secret")),
    )


def _judge_metadata(entry: DocumentEntry, content_type: Code, lists: CodeLists) -> None:
    # Codes first: a type no list knows has no class either, and the type is what is wrong.
    issues = lists.judge(entry, content_type)
    if entry.lacks:
        issues.append(faults.lacks(", ".join(entry.lacks)))
    if issues:
        raise RejectedError(issues)


def _ins(entry: DocumentEntry, house: House, known: str) -> Ins:
    """Return the INS of the document, which must be the one the patient is known by."""
    found = _CX.fullmatch(entry.patient_id)
    if found is None or not entry.has_ins or found[2] not in INS_ROOTS:
        raise RejectedError([faults.unqualified_ins()])
    if (found[2] in _PRODUCTION_ROOTS) != house.production:
        raise RejectedError([faults.other_environment("root of the INS")])
    if known != found[1]:
        raise RejectedError([faults.other_patient()])
    return Ins(found[1], found[2])


def _author(given: Mapping[str, str], entry: DocumentEntry, house: House) -> Author:
    """Return who submits: the sender the message names, else this software.

    A person needs profession and specialty, which only the document gives: the sender must be
    one of its authors, or the software submits for the structure.
    """
    structure = house.structures[0] if house.structures else ""
    institution = given.get("institution") or xon(house.name, structure)
    number = given.get("person", "").partition("^")[0]
    for author in entry.authors:
        if number and author.person.partition("^")[0] == number and author.specialty:
            return Author(author.person, institution, author.role, author.specialty)
    device = _device(institution, house)
    person = f"{device}^{escaped(house.software)}^^^^^^^&{PERSON_ROOT}&ISO^U^^^RI"
    return Author(person, institution, "", _DEVICE)


def _device(institution: str, house: House) -> str:
    """Return PS_IdNat of this software: 3 and the FINESS, which as a structure begins with 1."""
    return f"3{institution.rpartition('^')[2].removeprefix('1')}/{house.device}"


def _structure(author: Author, house: House) -> str:
    """Return the Struct_IdNat of the site: in assertion, submission set and document alike."""
    structure = author.institution.rpartition("^")[2]
    if structure not in house.structures:
        raise RejectedError([faults.foreign_structure()])
    return structure


def _requester(author: Author, entry: DocumentEntry, structure: str, house: House) -> Requester:
    sector = entry.facility_type.code if entry.facility_type else house.sector
    number, family, given = (*author.person.split("^"), "", "")[:3]
    found = _SPECIALTY.match(author.specialty)
    if found is None:
        return Requester(number, house.software, (_AUTOMATON,), structure, sector)
    roles = (
        Code(found[1], _PROFESSIONS, found[3]),
        Code(found[2], _SPECIALTIES, found[3]),
    )
    return Requester(number, f"{family} {given}".strip(), roles, structure, sector)
