"""A submission as FHIR: the ITI-65 transaction Bundle of PDSm, the French profile of MHD.

Pure. Standards: IHE MHD 4.2.3 (ITI-65, comprehensive metadata), ans.fhir.fr.pdsm 3.1.1
(pdsm-comprehensive-provide-document-bundle).
"""

import re
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any
from uuid import UUID, uuid5

from gateway.cda.xds_metadata import Author, Code
from gateway.connectors.dmp_submission import Ins, Submission
from gateway.fhir.identity import master_identifier

Json = dict[str, Any]
_PROFILE = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/"
_MHD = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/"
_LISTS = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes"
_SYSTEMS = {
    "2.16.840.1.113883.6.1": "http://loinc.org",
    "2.16.840.1.113883.5.25": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
}
_ESCAPE = re.compile(r"\\([ESTFR])\\")
_PLAIN = {"E": "\\", "S": "^", "T": "&", "F": "|", "R": "~"}


def provide(submission: Submission, lot: UUID, now: datetime, replaced: str = "") -> Json:
    """Return the Bundle that feeds a document.

    Args:
        submission: what is fed.
        lot: id of this attempt; ids inside the Bundle are made from it.
        now: instant of the attempt.
        replaced: `DocumentReference/id` of the entry it takes the place of, empty when none.

    Spec: IHE MHD 3.65.4.1.2; PDSm flow 01.
    """
    urls = {name: uuid5(lot, name).urn for name in ("List", "DocumentReference", "Binary")}
    made = [
        ("List", _lot(submission, lot, now, urls["DocumentReference"])),
        ("DocumentReference", _document(submission, urls["Binary"], replaced)),
        ("Binary", _binary(submission)),
    ]
    entries: list[Json] = [
        {
            "fullUrl": urls[name],
            "resource": resource,
            "request": {"method": "POST", "url": name},
        }
        for name, resource in made
    ]
    if replaced:
        entries.append(_superseding(replaced, uuid5(lot, "Parameters").urn))
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [f"{_PROFILE}pdsm-comprehensive-provide-document-bundle"]},
        "type": "transaction",
        "entry": entries,
    }


def patient_token(ins: Ins) -> str:
    """Return an INS as a token of a search."""
    return f"urn:oid:{ins.root}|{ins.number}"


def document_token(unique_id: str) -> str:
    """Return the uniqueId of a document as a token of a search."""
    root, _, extension = unique_id.partition("^")
    return "|".join(master_identifier(root, extension))


def _lot(submission: Submission, lot: UUID, now: datetime, document: str) -> Json:
    content = submission.content_type
    return {
        "resourceType": "List",
        "meta": {"profile": [f"{_PROFILE}pdsm-submissionset-comprehensive"]},
        "contained": _people(submission.author, "sender"),
        "extension": [
            {"url": f"{_MHD}ihe-designationType", "valueCodeableConcept": _concept(content)},
            {"url": f"{_MHD}ihe-sourceId", "valueIdentifier": _oid(submission.source_id)},
        ],
        "identifier": [{"use": "usual", **_oid(f"2.25.{lot.int}")}],
        "status": "current",
        "mode": "working",
        "title": submission.entry.title,
        "code": {"coding": [{"system": _LISTS, "code": "submissionset"}]},
        "subject": _subject(submission.ins),
        "date": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "source": {"reference": "#sender"},
        "entry": [{"item": {"reference": document}}],
    }


def _document(submission: Submission, binary: str, replaced: str) -> Json:
    entry = submission.entry
    root, _, extension = entry.unique_id.partition("^")
    system, value = master_identifier(root, extension)
    contained = [
        one
        for number, author in enumerate(entry.authors)
        for one in _people(author, f"author{number}")
    ]
    custodian = {"resourceType": "Organization", "id": "custodian"}
    contained.append(custodian | _organisation(submission.author.institution))
    contained += _people(Author(entry.legal_authenticator), "authenticator")
    made: Json = {
        "resourceType": "DocumentReference",
        "meta": {"profile": [f"{_PROFILE}pdsm-comprehensive-document-reference"]},
        "contained": contained,
        "masterIdentifier": {"system": system, "value": value},
        "status": "current",
        "type": _concept(entry.type_code),
        "category": [_concept(entry.class_code)],
        "subject": _subject(submission.ins),
        "date": _instant(entry.creation_time),
        "author": [{"reference": f"#author{number}"} for number in range(len(entry.authors))],
        "authenticator": {"reference": "#authenticator"},
        "custodian": {"reference": "#custodian"},
        "securityLabel": [_concept(code) for code in entry.confidentiality],
        "content": [
            {"attachment": _attachment(submission, binary), "format": _coding(entry.format_code)}
        ],
        "context": _context(submission),
    }
    if replaced:
        made["relatesTo"] = [{"code": "replaces", "target": {"reference": replaced}}]
    return made


def _attachment(submission: Submission, binary: str) -> Json:
    entry = submission.entry
    digest = sha1(submission.body, usedforsecurity=False).digest()
    return {
        "contentType": entry.mime_type,
        "language": entry.language,
        "url": binary,
        "size": entry.size,
        # XDS writes the same digest in hex (PDSm, attachment.hash).
        "hash": b64encode(digest).decode("ascii"),
        "title": entry.title,
        "creation": _instant(entry.creation_time),
    }


def _context(submission: Submission) -> Json:
    entry = submission.entry
    period = {"start": _instant(entry.service_start)}
    if entry.service_stop:
        period["end"] = _instant(entry.service_stop)
    number, _, rest = entry.source_patient_id.partition("^")
    authority = rest.split("&")[1] if rest.count("&") >= 2 else ""
    source = {"identifier": {"system": f"urn:oid:{authority}", "value": _plain(number)}}
    context: Json = {"period": period, "sourcePatientInfo": source}
    if entry.facility_type:
        context["facilityType"] = _concept(entry.facility_type)
    if entry.practice_setting:
        context["practiceSetting"] = _concept(entry.practice_setting)
    if entry.event_codes:
        context["event"] = [_concept(code) for code in entry.event_codes]
    return context


def _binary(submission: Submission) -> Json:
    return {
        "resourceType": "Binary",
        "contentType": submission.entry.mime_type,
        "data": b64encode(submission.body).decode("ascii"),
    }


def _superseding(replaced: str, url: str) -> Json:
    """Return the entry that retires the old document (PDSm, replacement: FHIRPath Patch)."""
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "DocumentReference.status"},
        {"name": "value", "valueCode": "superseded"},
    ]
    return {
        "fullUrl": url,
        "resource": {
            "resourceType": "Parameters",
            "parameter": [{"name": "operation", "part": parts}],
        },
        "request": {"method": "PATCH", "url": replaced},
    }


def _people(author: Author, name: str) -> list[Json]:
    """Return a role with its person and structure, contained (XCN and XON read back)."""
    number, family, given = (*author.person.split("^"), "", "", "")[:3]
    oid = next(iter(re.findall(r"&([0-9.]+)&ISO", author.person)), "")
    person: Json = {
        "resourceType": "Practitioner",
        "id": f"{name}-person",
        "identifier": [{"system": f"urn:oid:{oid}", "value": _plain(number)}],
        "name": [{"family": _plain(family)} | ({"given": [_plain(given)]} if given else {})],
    }
    role: Json = {
        "resourceType": "PractitionerRole",
        "id": name,
        "practitioner": {"reference": f"#{name}-person"},
    }
    made = [role, person]
    if author.institution:
        place: Json = {"resourceType": "Organization", "id": f"{name}-place"}
        made.append(place | _organisation(author.institution))
        role["organization"] = {"reference": f"#{name}-place"}
    return made


def _organisation(institution: str) -> Json:
    parts = institution.split("^")
    made: Json = {"name": _plain(parts[0])}
    if len(parts) > 1:
        made["identifier"] = [{"system": "urn:oid:1.2.250.1.71.4.2.2", "value": _plain(parts[-1])}]
    return made


def _subject(ins: Ins) -> Json:
    return {
        "type": "Patient",
        "identifier": {"system": f"urn:oid:{ins.root}", "value": ins.number},
    }


def _concept(code: Code) -> Json:
    return {"coding": [_coding(code)]}


def _coding(code: Code) -> Json:
    made = {"system": _SYSTEMS.get(code.system, f"urn:oid:{code.system}"), "code": code.code}
    return made | ({"display": code.display} if code.display else {})


def _oid(value: str) -> Json:
    return {"system": "urn:ietf:rfc:3986", "value": f"urn:oid:{value}"}


def _instant(digits: str) -> str:
    """Return XDS digits, UTC, as a FHIR dateTime of the same precision."""
    day = "-".join(part for part in (digits[:4], digits[4:6], digits[6:8]) if part)
    if len(digits) < 14:
        return day
    return f"{day}T{digits[8:10]}:{digits[10:12]}:{digits[12:14]}Z"


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda found: _PLAIN[found[1]], text)
