"""Ids that are computed: the same business identifier gives the same id, whatever the order.

An id is the uuid5 of `<Type>|<system>|<value>` in the namespace of the installation. The key is
read from one message or document alone: never from the store, a clock or an order of arrival.
"""

import re
import unicodedata
from functools import lru_cache
from hashlib import sha1
from uuid import NAMESPACE_URL, UUID, uuid5

from gateway.core.systems import IDENTIFIER_BASE

#: Namespace of tests and of the demonstration; an installation sets its own, since an id made
#: from an INS in a known namespace could be reversed by trying every matricule.
DEFAULT_NAMESPACE = uuid5(NAMESPACE_URL, IDENTIFIER_BASE)

RPPS_SYSTEM = "https://rpps.esante.gouv.fr"
IDNPS_SYSTEM = "urn:oid:1.2.250.1.71.4.2.1"
FINESS_SYSTEM = "https://finess.esante.gouv.fr"
IDNST_SYSTEM = "urn:oid:1.2.250.1.71.4.2.2"

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_VARIANT = "89ab" * 4
#: Longer keys are computed each time: what is remembered stays small whatever is sent.
_REMEMBERED = 400
_MOST = 16384


def document_key(root: str, extension: str = "") -> str:
    """Join a document id or setId to one key: `root#extension`, or `root` alone.

    UUIDs are compared without case, in a root as in an extension.
    """
    parts = [_folded(root), _folded(extension)] if extension.strip() else [_folded(root)]
    return "#".join(parts)


def master_identifier(root: str, extension: str = "") -> tuple[str, str]:
    """Return system and value of a document's masterIdentifier.

    Without extension the root itself is a URI value; with one the root is the system.
    """
    root = _folded(root)
    if extension.strip():
        return (f"urn:uuid:{root}" if _UUID.fullmatch(root) else f"urn:oid:{root}"), _folded(
            extension
        )
    scheme = "uuid" if _UUID.fullmatch(root) else "oid"
    return "urn:ietf:rfc:3986", f"urn:{scheme}:{root}"


def _folded(text: str) -> str:
    text = text.strip()
    return text.lower() if _UUID.fullmatch(text) else text


class Ids:
    """Makes the ids of one installation."""

    def __init__(self, namespace: UUID = DEFAULT_NAMESPACE) -> None:
        self.namespace = namespace
        # uuid5 is SHA-1 over namespace and name: the first part is hashed once.
        self._start = sha1(namespace.bytes, usedforsecurity=False)
        # The same people, places and stays come in message after message.
        self._known = lru_cache(maxsize=_MOST)(self._computed)

    def make(self, type_: str, system: str, value: str) -> str:
        """Return the id of a resource; text is NFC and trimmed, its case kept."""
        make = self._known if len(value) + len(system) < _REMEMBERED else self._computed
        return make(type_, system, value)

    def _computed(self, type_: str, system: str, value: str) -> str:
        name = f"{type_}|{system.strip()}|{value.strip()}"
        if not name.isascii():
            name = unicodedata.normalize("NFC", name)
        digest = self._start.copy()
        digest.update(name.encode())
        text = digest.hexdigest()
        variant = _VARIANT[int(text[16], 16)]
        return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"

    def patient(self, system: str, value: str) -> str:
        """Return the id of a Patient: domain of the IPP and IPP, else `urn:oid:` and INS."""
        return self.make("Patient", system, value)

    def stay(self, domain: str, visit_number: str) -> str:
        """Return the id of the Encounter of a stay: domain and PV1-19, else those of PID-18."""
        return self.make("Encounter", domain, visit_number)

    def movement(self, domain: str, visit_number: str, number: str, authority: str) -> str:
        """Return the id of a movement: ZBE-1 repeats across visits, so the visit is in the key."""
        return self._computed("Encounter", domain, f"{visit_number.strip()}#{number}#{authority}")

    def document_stay(self, set_id_key: str) -> str:
        """Return the id of an Encounter made from a document that matches no stay."""
        return self.make("Encounter", f"{IDENTIFIER_BASE}/cda-stay", set_id_key)

    def account(self, domain: str, number: str) -> str:
        """Return the id of an Account: domain and number of PID-18."""
        return self.make("Account", domain, number)

    def episode(self, patient_id: str, fact_key: str) -> str:
        """Return the id of an EpisodeOfCare opened by a fact."""
        return self.make("EpisodeOfCare", f"{IDENTIFIER_BASE}/pathway", f"{patient_id}#{fact_key}")

    def pathway_plan(self, patient_id: str, fact_key: str) -> str:
        """Return the id of the CarePlan of a pathway that a fact opened."""
        return self.make("CarePlan", f"{IDENTIFIER_BASE}/pathway", f"{patient_id}#{fact_key}")

    def practitioner(self, system: str, value: str) -> str:
        """Return the id of a Practitioner: RPPS, else the id and authority as received."""
        return self.make("Practitioner", system, value)

    def organization(self, system: str, value: str) -> str:
        """Return the id of an Organization: FINESS, else the id and authority as received."""
        return self.make("Organization", system, value)

    def unit(self, finess: str, uf: str) -> str:
        """Return the id of the Organization of a UF."""
        return self.make("Organization", unit_system(finess), uf)

    def practitioner_role(self, practitioner_id: str, organization_id: str) -> str:
        """Return the id of a PractitionerRole."""
        system = f"{IDENTIFIER_BASE}/practitioner-role"
        return self.make("PractitionerRole", system, f"{practitioner_id}#{organization_id}")

    def location(self, finess: str, uf: str, room: str = "", bed: str = "") -> str:
        """Return the id of a Location; empty parts are kept in the key."""
        return self.make("Location", f"{IDENTIFIER_BASE}/location/{finess}", f"{uf}#{room}#{bed}")

    def related_person(self, patient_id: str, *key: str) -> str:
        """Return the id of a RelatedPerson.

        Args:
            patient_id: id of the Patient.
            key: NK1-33; from a document classCode, family name in capitals, telephone digits.
        """
        system = f"{IDENTIFIER_BASE}/related-person"
        return self.make("RelatedPerson", system, "#".join((patient_id, *key)))

    def consent(self, patient_id: str, visit_number: str, content: str) -> str:
        """Return the id of a Consent: visit or `-`, and ZFA-9 or ZFA-11."""
        value = f"{patient_id}#{visit_number or '-'}#{content}"
        return self.make("Consent", f"{IDENTIFIER_BASE}/consent", value)

    def document(self, system: str, value: str) -> str:
        """Return the id of a DocumentReference, of its masterIdentifier."""
        return self.make("DocumentReference", system, value)

    def composition(self, system: str, value: str) -> str:
        """Return the id of a Composition, of its masterIdentifier."""
        return self.make("Composition", system, value)

    def binary(self, sha256: str) -> str:
        """Return the id of a Binary, of the SHA-256 of its decoded bytes in hex."""
        return self.make("Binary", f"{IDENTIFIER_BASE}/sha256", sha256)

    def care_plan(self, set_id_key: str, section_key: str, version: str) -> str:
        """Return the id of a CarePlan: one a version of the document."""
        value = f"{set_id_key}#{section_key}#{version}"
        return self.make("CarePlan", f"{IDENTIFIER_BASE}/care-plan", value)

    def care_team(self, set_id_key: str) -> str:
        """Return the id of a CareTeam."""
        return self.make("CareTeam", f"{IDENTIFIER_BASE}/care-team", set_id_key)

    def document_entry(
        self, type_: str, set_id_key: str, section_key: str, code: str, qualifier: str, n: int
    ) -> str:
        """Return the id of a resource made from a document entry.

        No version and no entry/id (they repeat): an unchanged entry keeps its id.

        Args:
            type_: resource type.
            set_id_key: `document_key` of the setId, else of the document id.
            section_key: template root of the section, with `#` its translation code if any.
            code: code of the entry.
            qualifier: qualifier code, else value code, else empty.
            n: ordinal among entries equal so far.
        """
        value = f"{set_id_key}#{section_key}#{code}#{qualifier}#{n}"
        return self.make(type_, f"{IDENTIFIER_BASE}/cda-entry", value)

    def order(self, authority: str, number: str) -> str:
        """Return the id of the ServiceRequest of an order: ORC-2, else ORC-3, RF1-6."""
        return self.make("ServiceRequest", authority, number)

    def appointment(self, authority: str, number: str) -> str:
        """Return the id of an Appointment: SCH-2, else SCH-1."""
        return self.make("Appointment", authority, number)

    def gap(self, gap_id: str) -> str:
        """Return the id of the DetectedIssue of a gap."""
        return self.make("DetectedIssue", f"{IDENTIFIER_BASE}/gap", gap_id)

    def gap_task(self, gap_id: str, episode: int) -> str:
        """Return the id of the Task of a gap."""
        return self.make("Task", f"{IDENTIFIER_BASE}/gap-task", f"{gap_id}#{episode}")

    def communication(self, idempotency_key: str) -> str:
        """Return the id of the Communication of one send."""
        return self.make("Communication", f"{IDENTIFIER_BASE}/delivery", idempotency_key)

    def provenance(self, sha256: str) -> str:
        """Return the id of the Provenance of an input, of its SHA-256 in hex."""
        return self._computed("Provenance", f"{IDENTIFIER_BASE}/provenance", sha256)


def unit_system(finess: str) -> str:
    """Return the identifier system of the UFs of an establishment."""
    return f"{IDENTIFIER_BASE}/uf/{finess}"
