"""A shared record that is a real HTTPS server: TD0.2, ITI-41, ITI-18, deletion, all judged.

Takes what is right, refuses what is wrong with the code a registry has for it, keeps what it got
in memory, and misbehaves on demand. Standards: IHE ITI TF-2 3.41, 3.18, 3.57; CI-SIS volets
Partage de documents and Transport synchrone.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha1
from uuid import uuid4

from cryptography import x509
from lxml import etree

from gateway.simulation import dmp_wire as wire
from gateway.simulation.dmp_gate import Asker, Gate
from gateway.simulation.dmp_http import HttpAnswer, HttpRequest, HttpsDouble
from gateway.simulation.dmp_objects import Object, Objects, read_objects
from gateway.simulation.dmp_pki import DmpPki
from gateway.simulation.dmp_rules import Finding, judge
from gateway.simulation.dmp_wire import RefusedError

_SOAP_TYPE = "application/soap+xml; charset=UTF-8"
_GET_DOCUMENTS = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
_EXISTS = "urn:hl7-org:v3:PRPA_IN201307UV02"
_FEED = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
_FIND = "urn:ihe:iti:2007:RegistryStoredQuery"
_UPDATE = "urn:ihe:iti:2010:UpdateDocumentSet"
#: Where each action is served, and what its body must be.
_SERVED = {
    _EXISTS: ("/services/patients", "PRPA_IN201307UV02"),
    _FEED: ("/services/repository", "ProvideAndRegisterDocumentSetRequest"),
    _FIND: ("/services/registry", "AdhocQueryRequest"),
    _UPDATE: ("/services/registry", "SubmitObjectsRequest"),
}


class Mishap(StrEnum):
    """What goes wrong once, at the next feeding unless said otherwise."""

    BUSY = "busy"
    VAGUE = "vague"
    CUT_AFTER = "cut after it was registered"
    CUT_BEFORE = "cut before it was registered"
    ACCEPTED = "202, registered later"
    ACCEPTED_THEN_REFUSED = "202, refused later"
    SLOW = "slow"
    UNAVAILABLE = "503"
    TOO_LARGE = "413"
    WARNING = "success with a warning"
    MULTIPART = "answer as multipart"
    OTHER_MESSAGE = "answer about another message"
    GARBLED = "answer that is no XML"
    DEPRECATED = "metadata updated between look and word"
    ODD_ERROR = "an error in an odd form"


@dataclass(slots=True)
class Kept:
    """A registered entry."""

    entry_uuid: str
    unique_id: str
    patient: str
    structure: str
    status: str
    hash: str
    document: bytes
    entry: Object


@dataclass(slots=True)
class Manners:
    """How the record behaves.

    Attributes:
        patients: state by matricule, `active` or `terminated`.
        others: state of patients that are not listed; by default they have no record.
        closed: the office is closed: every connection is dropped.
        value_sets: codes admitted by attribute.
        sites: sites an organisation may speak for, by OU of its certificate.
        mishaps: what goes wrong at the next feedings, one each, None for nothing.
        slow_s: how long SLOW takes.
    """

    patients: dict[str, str] = field(default_factory=dict)
    others: Callable[[str], str] = lambda _number: ""
    closed: bool = False
    value_sets: Mapping[str, Collection[str]] = field(default_factory=dict)
    sites: Mapping[str, Sequence[str]] = field(default_factory=dict)
    mishaps: list[Mishap | None] = field(default_factory=list)
    slow_s: float = 5.0

    def state_of(self, number: str) -> str:
        """Return the state of the record of a patient, empty when there is none."""
        return self.patients.get(number) or self.others(number)


class DmpRepository:
    """The double."""

    def __init__(
        self, pki: DmpPki, manners: Manners, clock: Callable[[], datetime], port: int = 0
    ) -> None:
        self.manners = manners
        self.kept: list[Kept] = []
        self.lots: list[str] = []
        self.askers: list[Asker] = []
        self.requests: list[tuple[str, HttpRequest]] = []
        self.refusals: list[str] = []
        self.findings: list[Finding] = []
        self._clock = clock
        authority = x509.load_pem_x509_certificate(pki.authority.read_bytes())
        self._gate = Gate(authority, manners.sites)
        self._server = HttpsDouble(pki.server, self._serve, clock, port)

    @property
    def base_url(self) -> str:
        """Return the address of the services."""
        return f"https://localhost:{self._server.port}/services"

    @property
    def unique_ids(self) -> list[str]:
        """Return the uniqueIds of current documents, in order of arrival."""
        return [one.unique_id for one in self.kept if one.status == "Approved"]

    async def start(self) -> None:
        """Open."""
        await self._server.start()

    async def stop(self) -> None:
        """Close; what was kept stays."""
        await self._server.stop()

    def update_metadata(self, unique_id: str) -> None:
        """Give an entry a new version, as a change of its visibility does."""
        one = self._current(unique_id)
        if one is not None:
            one.status = "Deprecated"
            self.kept.append(
                Kept(uuid4().urn, one.unique_id, one.patient, one.structure, "Approved", one.hash,
                     one.document, one.entry)
            )  # fmt: skip

    async def _serve(self, request: HttpRequest) -> HttpAnswer | None:
        if self.manners.closed:
            return None
        message_id, action = "", ""
        try:
            asked = wire.read_request(request.headers.get("content-type", ""), request.body)
            message_id, action = asked.message_id, asked.action
            self.requests.append((action, request))
            said = await self._answer(asked, request)
        except RefusedError as error:
            self.refusals.append(error.code)
            body = wire.fault(error.code, str(error), is_ours=error.is_ours)
            return HttpAnswer(500, _SOAP_TYPE, wire.answer(body, message_id, action))
        if isinstance(said, bytes):
            return HttpAnswer(200, _SOAP_TYPE, wire.answer(said, message_id, action))
        return said

    async def _answer(self, asked: wire.Request, request: HttpRequest) -> bytes | HttpAnswer | None:
        path, body = _SERVED.get(asked.action, ("", ""))
        if request.path != path or etree.QName(asked.body).localname != body:
            code = "ActionNotSupported"
            raise RefusedError(code, "action, address and body do not belong together")
        asker = self._gate.asker(asked.security, request.client, self._clock())
        self.askers.append(asker)
        if asked.action == _EXISTS:
            return self._exists(asked, asker)
        if asked.action == _FIND:
            return self._find(asked)
        if asked.action == _UPDATE:
            return self._delete(asked, asker)
        return await self._feed(asked, asker)

    def _exists(self, asked: wire.Request, asker: Asker) -> bytes:
        value = asked.body.find(f".//{{{wire.HL7}}}patientIdentifier/{{{wire.HL7}}}value")
        number = value.get("extension", "") if value is not None else ""
        if not asker.patient.startswith(f"{number}^"):
            code = "FailedAuthentication"
            raise RefusedError(code, "the assertion is about another patient")
        status = self.manners.state_of(number)
        return wire.existence_answer("OK" if status else "NF", status)

    def _find(self, asked: wire.Request) -> bytes:
        query = asked.body.find(f"{{{wire.RIM}}}AdhocQuery")
        value = asked.body.findtext(f".//{{{wire.RIM}}}Value") or ""
        if query is None or query.get("id") != _GET_DOCUMENTS:
            return wire.registry_answer([("XDSUnknownStoredQuery", "")])
        wanted = value.strip("()").strip("'").replace("''", "'")
        found = [one for one in self.kept if one.unique_id == wanted and one.status != "Deleted"]
        if 'returnType="LeafClass"' in etree.tostring(asked.body).decode():
            return wire.query_answer([], [(one.entry_uuid, one.status) for one in found])
        return wire.query_answer([one.entry_uuid for one in found])

    def _delete(self, asked: wire.Request, asker: Asker) -> bytes:
        """Take a document back: only the structure that fed it may (TD3.3c)."""
        objects = read_objects(asked.body)
        links = [one for one in objects.links if one.kind == "UpdateAvailabilityStatus"]
        known = {one.entry_uuid: one for one in self.kept if one.status == "Approved"}
        one = known.get(links[0].target) if len(links) == 1 else None
        wanted = links[0].slots.get("NewStatus", ()) if links else ()
        if one is None or [word.rpartition(":")[2] for word in wanted] != ["Deleted"]:
            return self._refuse([Finding("XDSMetadataUpdateError", "Association", "no such entry")])
        if one.structure != asker.structure or one.patient != asker.patient:
            return self._refuse([Finding("XDSMetadataUpdateError", "author", "not the author")])
        one.status = "Deleted"
        return wire.registry_answer()

    async def _feed(self, asked: wire.Request, asker: Asker) -> bytes | HttpAnswer | None:
        mishap = self.manners.mishaps.pop(0) if self.manners.mishaps else None
        early = await self._before(mishap)
        if early is not None:
            return early
        if mishap is Mishap.CUT_BEFORE:
            return None
        if not asked.is_mtom:
            code = "Sender"
            raise RefusedError(code, "documents are fed by MTOM: the request is plain SOAP")
        findings = self._judged(asked, asker, mishap)
        said = self._refuse(findings) if findings else self._register(asked, asker)
        return _after(mishap, said, asked.message_id)

    async def _before(self, mishap: Mishap | None) -> bytes | HttpAnswer | None:
        if mishap is Mishap.SLOW:
            await asyncio.sleep(self.manners.slow_s)
        if mishap is Mishap.UNAVAILABLE:
            return HttpAnswer(503, "text/plain", b"later")
        if mishap is Mishap.TOO_LARGE:
            return HttpAnswer(413, "text/plain", b"")
        if mishap is Mishap.ACCEPTED_THEN_REFUSED:
            return HttpAnswer(202, "text/plain", b"")
        codes = {
            Mishap.BUSY: "XDSRegistryBusy",
            Mishap.VAGUE: "XDSRegistryError",
        }
        if mishap in codes:
            self.refusals.append(codes[mishap])
            return wire.registry_answer([(codes[mishap], "")])
        return None

    def _judged(self, asked: wire.Request, asker: Asker, mishap: Mishap | None) -> list[Finding]:
        objects = read_objects(asked.body)
        documents = wire.documents(asked)
        findings = judge(objects, documents, self.manners.value_sets)
        if findings:
            return findings
        lot = objects.lots[0]
        return [
            *self._of_patient(lot, asker),
            *self._of_structure(lot, asker),
            *self._of_signature(objects, lot, documents),
            *self._of_state(objects, documents, mishap),
        ]

    def _of_patient(self, lot: Object, asker: Asker) -> list[Finding]:
        patient = lot.ids["patientId"]
        if patient != asker.patient:
            return [Finding("XDSPatientIdDoesNotMatch", "patientId", "not that of the assertion")]
        if self.manners.state_of(patient.partition("^")[0]) != "active":
            return [Finding("XDSUnknownPatientId", "patientId", "no open record")]
        return []

    def _of_structure(self, lot: Object, asker: Asker) -> list[Finding]:
        named = {
            value.rpartition("^")[2]
            for author in lot.codes.get("author", ())
            for value in author.slots.get("authorInstitution", ())
        }
        if asker.structure in named:
            return []
        return [Finding("XDSRepositoryMetadataError", "authorInstitution", "not the one that asks")]

    def _of_signature(
        self, objects: Objects, lot: Object, documents: Mapping[str, bytes | None]
    ) -> list[Finding]:
        signature = objects.signature
        if signature is None:
            return []
        others = {
            one.ids["uniqueId"]: documents[one.id] or b""
            for one in objects.entries
            if one is not signature
        }
        proof = documents[signature.id] or b""
        faults = self._gate.lot_faults(proof, lot.ids["uniqueId"], others)
        return [Finding("XDSRepositoryMetadataError", "signature", why) for why in faults]

    def _of_state(
        self, objects: Objects, documents: Mapping[str, bytes | None], mishap: Mishap | None
    ) -> list[Finding]:
        if objects.lots[0].ids["uniqueId"] in self.lots:
            return [Finding("XDSDuplicateUniqueIdInRegistry", "uniqueId", "the lot is there")]
        for entry in objects.entries:
            known = [one for one in self.kept if one.unique_id == entry.ids["uniqueId"]]
            data = documents[entry.id] or b""
            if known and known[-1].hash != sha1(data, usedforsecurity=False).hexdigest():
                return [Finding("XDSNonIdenticalHash", "uniqueId", "another content has it")]
            if known:
                return [Finding("XDSDuplicateUniqueIdInRegistry", "uniqueId", "it is there")]
        for link in objects.links:
            if link.kind != "RPLC":
                continue
            target = next((one for one in self.kept if one.entry_uuid == link.target), None)
            if target is not None and mishap is Mishap.DEPRECATED:
                self.update_metadata(target.unique_id)
            if target is None or target.status != "Approved":
                code = "XDSRegistryDeprecatedDocumentError"
                return [Finding(code, "Association RPLC", "not an approved entry")]
            if target.patient != objects.lots[0].ids["patientId"]:
                return [Finding("XDSPatientIdDoesNotMatch", "patientId", "of another patient")]
        return []

    def _register(self, asked: wire.Request, asker: Asker) -> bytes:
        objects = read_objects(asked.body)
        documents = wire.documents(asked)
        replaced = {link.target for link in objects.links if link.kind == "RPLC"}
        for one in self.kept:
            if one.entry_uuid in replaced:
                one.status = "Deprecated"
        self.lots.append(objects.lots[0].ids["uniqueId"])
        for entry in objects.entries:
            data = documents[entry.id] or b""
            if entry is objects.signature:
                continue
            digest = sha1(data, usedforsecurity=False).hexdigest()
            self.kept.append(
                Kept(uuid4().urn, entry.ids["uniqueId"], entry.ids["patientId"], asker.structure,
                     "Approved", digest, data, entry)
            )  # fmt: skip
        return wire.registry_answer()

    def _refuse(self, findings: Sequence[Finding]) -> bytes:
        self.findings += findings
        self.refusals += [one.code for one in findings]
        return wire.registry_answer([(one.code, one.place) for one in findings])

    def _current(self, unique_id: str) -> Kept | None:
        found = (one for one in self.kept if one.unique_id == unique_id)
        return next((one for one in found if one.status == "Approved"), None)


def _after(mishap: Mishap | None, said: bytes, message_id: str) -> bytes | HttpAnswer | None:
    """Spoil an answer."""
    if mishap is Mishap.CUT_AFTER:
        return None
    if mishap is Mishap.ACCEPTED:
        return HttpAnswer(202, "text/plain", b"")
    if mishap is Mishap.WARNING:
        return wire.registry_answer(warnings=["XDSExtraMetadataNotSaved"])
    if mishap is Mishap.MULTIPART:
        return HttpAnswer(200, *wire.as_multipart(wire.answer(said, message_id, _FEED)))
    if mishap is Mishap.OTHER_MESSAGE:
        return HttpAnswer(200, _SOAP_TYPE, wire.answer(said, uuid4().urn, _FEED))
    if mishap is Mishap.GARBLED:
        return HttpAnswer(200, _SOAP_TYPE, b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>")
    if mishap is Mishap.ODD_ERROR:
        odd = b'<r:RegistryResponse xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status='
        odd += b'"ResponseStatusType:Failure"><r:RegistryErrorList><r:RegistryError errorCode="" '
        odd += b'codeContext="R166: XDSRepositoryMetadataError, wrong referenceIdList" '
        odd += b'severity="oasis:names:tc:ebxmlregrep:ErrorSeverityType:Error"/>'
        return odd + b"</r:RegistryErrorList></r:RegistryResponse>"
    return said
