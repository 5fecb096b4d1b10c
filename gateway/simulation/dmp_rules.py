"""The judge of submissions: every rule of the metadata as France profiles them, each with its code.

Pure; one finding per broken rule. Standards: IHE ITI TF-3 4.2.3 (attributes and their forms),
4.2.4 (error codes), CI-SIS volet Partage de documents de santé, IHE ITI TF-3 5.5 (signature).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha1

from gateway.cda.reader import read as read_cda
from gateway.cda.xds_metadata import unique_id
from gateway.cda.xds_types import cx
from gateway.core.errors import RejectedError
from gateway.simulation.dmp_objects import LOT, STABLE, Coded, Object, Objects

METADATA = "XDSRepositoryMetadataError"
NO_DOCUMENT, NO_METADATA = "XDSMissingDocument", "XDSMissingDocumentMetadata"
OTHER_PATIENT = "XDSPatientIdDoesNotMatch"
TWICE = "XDSRegistryDuplicateUniqueIdInMessage"
CONTENT = "XDSInvalidDocumentContent"
_DTM = re.compile(r"\d{4}(\d\d(\d\d(\d\d(\d\d(\d\d)?)?)?)?)?")
_WHOLE_DTM = re.compile(r"\d{14}")
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+(\^[^\^]+)?")
_INS = re.compile(r"[0-9AB]{15}\^\^\^&1\.2\.250\.1\.213\.1\.4\.(8|9|10|11)&ISO\^NH")
_CX = re.compile(r"[^^]+\^\^\^&[0-9.]+&ISO\^(NH|PI)")
_XCN = re.compile(r"[^^]+\^[^^]*\^[^^]*\^{6}&1\.2\.250\.1\.71\.4\.2\.1&ISO\^[DU]\^{3}(IDNPS|EI|RI)")
_XON = re.compile(r"[^^]*\^{5}&1\.2\.250\.1\.71\.4\.2\.2&ISO\^IDNST\^{3}[0-9A-Z]+")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_INFO = re.compile(r"PID-(3|5|7|8|11|13)\|.*")
_VISIBILITY = "1.2.250.1.213.1.1.4.13"
_MASKS = frozenset({"MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"})
_LEVELS = ("2.16.840.1.113883.5.25", frozenset({"N", "R", "V"}))
_MIMES = frozenset({"text/xml", "application/xslt+xml", "application/dicom"})
_LINKS = frozenset({"HasMember", "signs", "RPLC"})
#: Systems a code may come from, by attribute; those of the signature stand with them.
_SYSTEMS: Mapping[str, Collection[str]] = {
    "classCode": ("1.2.250.1.213.1.1.4.1", "URN"),
    "typeCode": ("2.16.840.1.113883.6.1", "1.2.250.1.213.1.1.4.12", "ASTM"),
    "formatCode": ("1.2.250.1.213.1.1.4.2.282", "1.3.6.1.4.1.19376.1.2.3", "URN",
                   "1.2.840.10008.2.6.1"),
    "healthcareFacilityTypeCode": ("1.2.250.1.71.4.2.4",),
    "practiceSettingCode": ("1.2.250.1.213.1.1.4.9",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule: code of the registry, attribute, and why in words without values."""

    code: str
    place: str
    why: str


def judge(
    objects: Objects,
    documents: Mapping[str, bytes | None],
    value_sets: Mapping[str, Collection[str]],
) -> list[Finding]:
    """Return every broken rule, in the order of the submission.

    Args:
        objects: of the submission.
        documents: bytes by id of the object they belong to; None where a reference leads nowhere.
        value_sets: codes admitted, by attribute; an attribute that is not in it takes any code of
            its systems.
    """
    return list(_all(objects, documents, value_sets))


def _all(
    objects: Objects,
    documents: Mapping[str, bytes | None],
    value_sets: Mapping[str, Collection[str]],
) -> Iterator[Finding]:
    if len(objects.lots) != 1:
        yield Finding(METADATA, "RegistryPackage", "there is not exactly one submission set")
        return
    lot = objects.lots[0]
    yield from _lot(lot, value_sets)
    for entry in objects.entries:
        yield from _entry(entry, lot, value_sets)
        yield from _bytes(entry, documents)
    yield from _ids(objects)
    yield from _links(objects, lot)
    known = {entry.id for entry in objects.entries}
    for name in documents:
        if name not in known:
            yield Finding(NO_METADATA, "Document", "a document belongs to no entry")


def _lot(lot: Object, sets: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    if LOT not in lot.nodes:
        yield Finding(METADATA, "RegistryPackage", "it is not classified as a submission set")
    yield from _form("submissionTime", lot.slot("submissionTime"), _WHOLE_DTM)
    yield from _authors(lot)
    yield from _code("contentTypeCode", lot.code("contentTypeCode"), ("1.2.250.1.213.2.2",), sets)
    yield from _form("patientId", lot.ids.get("patientId", ""), _INS)
    yield from _form("sourceId", lot.ids.get("sourceId", ""), _OID)
    yield from _form("uniqueId", lot.ids.get("uniqueId", ""), _OID)


def _entry(entry: Object, lot: Object, sets: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    if entry.attributes.get("mimeType") not in _MIMES:
        yield Finding(METADATA, "mimeType", "it is not one the record takes")
    if entry.attributes.get("objectType") != STABLE:
        yield Finding(METADATA, "objectType", "it is not a stable document")
    yield from _form("creationTime", entry.slot("creationTime"), _WHOLE_DTM)
    if entry.slot("languageCode") not in ("fr-FR", "fr", "art"):
        yield Finding(METADATA, "languageCode", "it is missing or not admitted")
    yield from _form("legalAuthenticator", entry.slot("legalAuthenticator"), _XCN)
    start, stop = entry.slot("serviceStartTime"), entry.slot("serviceStopTime")
    yield from _form("serviceStartTime", start, _DTM)
    if stop and (not _DTM.fullmatch(stop) or stop < start[: len(stop)]):
        yield Finding(METADATA, "serviceStopTime", "it is no time after the start")
    yield from _form("sourcePatientId", entry.slot("sourcePatientId"), _CX)
    for line in entry.slots.get("sourcePatientInfo", ()):
        yield from _form("sourcePatientInfo", line, _INFO)
    if not entry.title:
        yield Finding(METADATA, "title", "it is missing")
    yield from _authors(entry)
    for name, systems in _SYSTEMS.items():
        yield from _code(name, entry.code(name), systems, sets)
    yield from _confidentiality(entry)
    yield from _form("patientId", entry.ids.get("patientId", ""), _INS)
    yield from _form("uniqueId", entry.ids.get("uniqueId", ""), _OID)
    if entry.ids.get("patientId") != lot.ids.get("patientId"):
        yield Finding(OTHER_PATIENT, "patientId", "lot and entry name two patients")


def _authors(holder: Object) -> Iterator[Finding]:
    authors = holder.codes.get("author", ())
    if not authors:
        yield Finding(METADATA, "author", "it is missing")
    for author in authors:
        yield from _form("authorPerson", _slot(author, "authorPerson"), _XCN)
        yield from _form("authorInstitution", _slot(author, "authorInstitution"), _XON)


def _code(
    name: str, found: Coded | None, systems: Collection[str], sets: Mapping[str, Collection[str]]
) -> Iterator[Finding]:
    if found is None or not found.code:
        yield Finding(METADATA, name, "it is missing")
    elif found.system not in systems:
        yield Finding(METADATA, name, "its coding scheme is not admitted")
    elif name in sets and found.code not in sets[name] and found.system not in ("URN", "ASTM"):
        yield Finding(METADATA, name, "the code is not in the value set")


def _confidentiality(entry: Object) -> Iterator[Finding]:
    codes = entry.codes.get("confidentialityCode", ())
    system, levels = _LEVELS
    if sum(one.code in levels and one.system == system for one in codes) != 1:
        yield Finding(METADATA, "confidentialityCode", "there is not exactly one level")
    others = [one for one in codes if one.system != system]
    if any(one.code not in _MASKS or one.system != _VISIBILITY for one in others):
        yield Finding(METADATA, "confidentialityCode", "a mask is not one")
    if len(codes) > 4:
        yield Finding(METADATA, "confidentialityCode", "there are more than four")


def _bytes(entry: Object, documents: Mapping[str, bytes | None]) -> Iterator[Finding]:
    data = documents.get(entry.id)
    if data is None:
        yield Finding(NO_DOCUMENT, "Document", "an entry has no document")
        return
    said, size = entry.slot("hash"), entry.slot("size")
    if said and not _SHA1.fullmatch(said):
        yield Finding(METADATA, "hash", "it is no SHA-1 in lower-case hex")
    elif said and said != sha1(data, usedforsecurity=False).hexdigest():
        yield Finding("XDSNonIdenticalHash", "hash", "it is not that of the document")
    if size and size != str(len(data)):
        yield Finding(METADATA, "size", "it is not that of the document")
    code = entry.code("typeCode")
    if code is not None and code.code != "E1762":
        yield from _against_cda(entry, code, data)


def _against_cda(entry: Object, code: Coded, data: bytes) -> Iterator[Finding]:
    """Compare with the header of the document (CI-SIS, correspondence of CDA and XDS)."""
    try:
        document = read_cda(data)
    except RejectedError:
        yield Finding(CONTENT, "Document", "it is no CDA document")
        return
    own = document.root.child("code")
    if unique_id(document.root.child("id")) != entry.ids.get("uniqueId"):
        yield Finding(CONTENT, "uniqueId", "the document has another")
    if own is None or own.get("code") != code.code:
        yield Finding(CONTENT, "typeCode", "the document has another")
    patients = {
        cx(node.get("extension"), node.get("root"), "NH")
        for node in document.select("cda:recordTarget/cda:patientRole/cda:id")
    }
    if entry.ids.get("patientId") not in patients:
        yield Finding(OTHER_PATIENT, "patientId", "the document is about somebody else")


def _ids(objects: Objects) -> Iterator[Finding]:
    if len(set(objects.ids)) != len(objects.ids):
        yield Finding("XDSDuplicateUUIDInRegistry", "id", "an id stands twice in the message")
    unique = [one.ids.get("uniqueId") for one in (*objects.lots, *objects.entries)]
    if len(set(unique)) != len(unique):
        yield Finding(TWICE, "uniqueId", "it stands twice in the message")


def _links(objects: Objects, lot: Object) -> Iterator[Finding]:
    members = {
        link.target
        for link in objects.links
        if link.kind == "HasMember" and link.source == lot.id
        and link.slots.get("SubmissionSetStatus") == ("Original",)
    }  # fmt: skip
    if members != {entry.id for entry in objects.entries}:
        yield Finding(METADATA, "Association HasMember", "the lot does not hold every entry once")
    if any(link.kind not in _LINKS for link in objects.links):
        yield Finding(METADATA, "Association", "its type is not admitted")
    signature = objects.signature
    if signature is None:
        yield Finding(METADATA, "signature", "the lot is not signed")
        return
    signs = [link for link in objects.links if link.kind == "signs"]
    if [(link.source, link.target) for link in signs] != [(signature.id, lot.id)]:
        yield Finding(METADATA, "Association signs", "the signature does not sign the lot")
    masks = {one.code for one in signature.codes.get("confidentialityCode", ())}
    if not {"MASQUE_PS", "INVISIBLE_PATIENT"} <= masks:
        yield Finding(METADATA, "confidentialityCode", "the signature is not hidden")
    if len(objects.entries) < 2:
        yield Finding(NO_METADATA, "ExtrinsicObject", "nothing but a signature is fed")


def _form(name: str, value: str, form: re.Pattern[str]) -> Iterator[Finding]:
    if not value:
        yield Finding(METADATA, name, "it is missing")
    elif not form.fullmatch(value):
        yield Finding(METADATA, name, "it has not the form of its type")


def _slot(coded: Coded, name: str) -> str:
    return next(iter(coded.slots.get(name, ())), "")
